"""Names for the expressions beside the numbers of the chapter on MobileNetV2."""

import math
from functools import cache

import torch
from torch import nn

from tests.book import definitions
from tests.numbers import integer, minutes, provided
from tools import papers
from tools.counting import macs, macs_by_layer, on_meta, params, totals_by_kind, v1, v2

notebook = definitions("v2")


def channels_normed(network: nn.Module) -> int:
    return sum(m.num_features for m in network.modules() if isinstance(m, nn.BatchNorm2d))


def without_norm(network: nn.Module) -> int:
    """Parameters without those of the batch norms."""
    return params(network) - 2 * channels_normed(network)


def share(part: float, whole: float) -> float:
    return 100 * part / whole


@cache
def block(c_in: int, c_out: int, stride: int, t: int) -> nn.Module:
    return on_meta(notebook.InvertedResidual, c_in, c_out, stride, t)


@cache
def block_layers(c_in: int, c_out: int, stride: int, t: int, side: int) -> list[int]:
    """MACs of each layer of a block that reads a map with this side."""
    rows = macs_by_layer(block(c_in, c_out, stride, t), c_in, side, side)
    return [count for _, count, _ in rows]


def pointwise(c_in: int, c_out: int) -> nn.Module:
    return on_meta(nn.Conv2d, c_in, c_out, 1, bias=False)


# ---------------------------------------------------------------- the network and its blocks

network = v2()
MACS, PARAMS = macs(network, 3, 224, 224), params(network)
V1_MACS, V1_PARAMS = macs(v1(), 3, 224, 224), params(v1())
KINDS = totals_by_kind(network, 3, 224, 224)
V1_KINDS = totals_by_kind(v1(), 3, 224, 224)
WEIGHTS = sum(weights for _, weights in KINDS.values())
SHORTCUTS = sum(each.shortcut for each in network.blocks)
layers = macs_by_layer(network, 3, 224, 224)

toy = block(3, 3, 1, 6)
TOY = [
    (unit.conv.weight.numel(), params(unit.norm))
    for unit in (toy.expand, toy.depthwise, toy.project)
]
third, second = block(24, 24, 1, 6), block(16, 24, 2, 6)
THIRD, SECOND = macs(third, 24, 56, 56), macs(second, 16, 112, 112)
FIRST = params(network.blocks[0])


def before_row(c_out: int, stride: int) -> int:
    """Channels that enter the row of Table 2 with these outputs and this stride."""
    [index] = [i for i, (_, c, _, s) in enumerate(notebook.V2_ROWS) if (c, s) == (c_out, stride)]
    return notebook.V2_ROWS[index - 1][1]


def block_macs(index: int) -> float:
    """Million MACs of a block at 224."""
    before = nn.Sequential(network.stem, *network.blocks[:index])
    with torch.no_grad():
        shape = before(torch.empty(1, 3, 224, 224, device="meta")).shape
    return macs(network.blocks[index], *shape[1:]) / 1e6


def projects_or_ends(layer: nn.Module) -> bool:
    """The stem, the last layer of each block, and the last 1×1 layer."""
    return layer.groups == 1 and (
        layer.out_channels < layer.in_channels or layer in (layers[0][0], layers[-2][0])
    )


# ---------------------------------------------------------------- what a ReLU keeps


@cache
def kept(n: int, needed: int = 2) -> float:
    """Per cent of the patterns of n signs with so many positive or more: counted one by one."""
    if n > 16:
        raise ValueError("too many patterns to count")
    patterns = torch.cartesian_prod(*[torch.tensor([0, 1])] * n).reshape(-1, n)
    return 100 * float((patterns.sum(dim=1) >= needed).double().mean())


def lost(n: int, needed: int) -> float:
    """The share of the patterns of n signs with fewer positive ones than are needed."""
    return sum(math.comb(n, k) for k in range(needed)) / 2**n


# ---------------------------------------------------------------- memory, at 16 bits


def kilobytes(channels: int, side: int) -> float:
    return 2 * channels * side**2 / 1000


Channels = dict[int, int]  # by the side of the map


def widest(picture: int, of_v2: nn.Module = network) -> tuple[Channels, Channels, Channels]:
    """The most channels in V1, inside V2's blocks, and between them."""
    of_v1, inside, between = {}, {}, {}
    for _, _, shape in macs_by_layer(v1(), 3, picture, picture)[:-1]:
        of_v1[shape[1]] = max(of_v1.get(shape[1], 0), shape[0])
    for layer, _, shape in macs_by_layer(of_v2, 3, picture, picture)[1:-2]:
        group = between if projects_or_ends(layer) else inside
        group[shape[1]] = max(group.get(shape[1], 0), shape[0])
    return of_v1, inside, between


@cache
def largest(network: str, picture: int) -> tuple[int, int, int]:
    """The largest map of V1, or the largest that leaves a block of V2: side, side, channels."""
    of_v1, _, between = widest(picture)
    channels, side = max(
        ((channels, side) for side, channels in {"V1": of_v1, "V2": between}[network].items()),
        key=lambda shape: shape[0] * shape[1] ** 2,
    )
    return side, side, channels


V1_WIDEST, V2_INSIDE, V2_BETWEEN = widest(224)
RATIOS = [V1_WIDEST[side] / V2_BETWEEN[side] for side in V1_WIDEST]

# ---------------------------------------------------------------- variants


@cache
def mistaken(right: str, wrong: str, **options) -> nn.Module:
    return on_meta(definitions("v2", right, wrong).MobileNetV2, **options)


always = mistaken("if expand_ratio != 1:", "if True:")


def thin_to_the_end(width: float, features: int = 1280) -> nn.Module:
    """V2 with a last layer that gets thin with the rest."""
    right, wrong = "1280 * max(1.0, width_mult)", f"{features} * width_mult"
    return mistaken(right, wrong, width_mult=width)


def price_of_a_wide_end(width: float, features: int) -> float:
    """Per cent of a thin network's MACs that it would not take with a thin last layer."""
    without = macs(thin_to_the_end(width, features), 3, 224, 224)
    return 100 - share(without, macs(v2(width_mult=width), 3, 224, 224))


thin_last = thin_to_the_end(0.35)


first_strides = v2()
notebook.first_arxiv_strides(first_strides)
_, _, FIRST_BETWEEN = widest(224, first_strides)
PROJECTED = [block.project.norm.num_features for block in network.blocks]
thin, wide, half = v2(width_mult=0.35), v2(width_mult=1.4), v2(width_mult=0.5)
SMALLEST = macs(thin, 3, 96, 96)
t4, v4 = papers.V2_TABLE4, papers.V4_TABLE6


def v1_line() -> list[tuple[float, float]]:
    """(MACs, top-1) of V1's released networks, cheapest first."""
    rows = papers.SLIM_V1_TOP1.items()
    return sorted(
        (macs(v1(width_mult=alpha), 3, size, size), top1)
        for alpha, row in rows
        for size, top1 in zip(papers.V1_SIZES, row, strict=True)
    )


def v2_line() -> list[tuple[float, float]]:
    """(MACs, top-1) of V2's released networks that no cheaper one beats."""
    points = sorted(
        (macs(v2(width_mult=width), 3, size, size), row[2])
        for (width, size), row in papers.SLIM_V2.items()
    )
    return [p for p in points if not any(q[0] < p[0] and q[1] >= p[1] for q in points)]


def gaps() -> list[float]:
    """How far each V1 network lies below the line through V2's, at equal MACs (log scale)."""
    line, found = v2_line(), []
    for cost, top1 in v1_line():
        for (low, a), (high, b) in zip(line[:-1], line[1:], strict=True):
            if low <= cost <= high:
                part = math.log(cost / low) / math.log(high / low)
                found.append(a + part * (b - a) - top1)
    return found


GAPS = gaps()


def shares(kind: str) -> tuple[float, float]:
    """Per cent of all MACs and of all weights that a kind of layer has."""
    count, weights = KINDS[kind]
    return share(count, MACS), share(weights, WEIGHTS)
