"""Names for the expressions beside the numbers of the chapter on MobileNetV3."""

import math
from functools import cache
from itertools import pairwise

import torch
from sklearn.datasets import load_digits
from torch import nn

from tests.book import definitions
from tests.numbers import code, integer, minutes, provided
from tools import papers
from tools.counting import kind_of, macs, macs_by_layer, on_meta, params, v1, v2, v3
from tools.prose import numbers
from tools.variants import first_version_v3_large, minimalistic_v3, paper_v3

notebook = definitions("v3")
MILLION = 1e6


def share(part: float, whole: float) -> float:
    return 100 * part / whole


def rows(variant: str) -> tuple:
    return notebook.VARIANTS[variant][0]


# ---------------------------------------------------------------- the networks

NETS = {variant: v3(variant) for variant in ("large", "small")}
MACS = {variant: macs(net, 3, 224, 224) for variant, net in NETS.items()}
PARAMS = {variant: params(net) for variant, net in NETS.items()}
LAYERS = {variant: macs_by_layer(net, 3, 224, 224) for variant, net in NETS.items()}
V1_MACS, V2_MACS = macs(v1(), 3, 224, 224), macs(v2(), 3, 224, 224)
LARGE, SMALL = NETS["large"], NETS["small"]


def by_kind(variant: str, wanted: str) -> int:
    return sum(count for layer, count, _ in LAYERS[variant] if kind_of(layer) == wanted)


def squeeze_params(variant: str) -> int:
    modules = NETS[variant].modules()
    return sum(params(m) for m in modules if isinstance(m, notebook.SqueezeExcitation))


def last_squeezes() -> int:
    """Parameters of squeeze-and-excite in V3-Large's last two blocks."""
    return sum(params(block.squeeze_excite) for block in LARGE.blocks[-2:])


def kind_row(kind: str) -> list[float]:
    """The share of a kind of layer in the MACs of Large and of Small, in per cent."""
    return [share(by_kind(variant, kind), MACS[variant]) for variant in NETS]


def five_by_five() -> int:
    convs = [(layer, c) for layer, c, _ in LAYERS["large"] if isinstance(layer, nn.Conv2d)]
    return sum(count for layer, count in convs if layer.kernel_size == (5, 5))


@cache
def block_macs(variant: str, number: int) -> int:
    net = NETS[variant]
    before = nn.Sequential(net.stem, *net.blocks[: number - 1])
    with torch.no_grad():
        shape = before(torch.empty(1, 3, 224, 224, device="meta")).shape
    return macs(net.blocks[number - 1], *shape[1:])


def activated(activation: type) -> int:
    """Numbers that pass an activation in V3-Large, outside squeeze-and-excite."""
    gates = [m for m in LARGE.modules() if isinstance(m, notebook.SqueezeExcitation)]
    inside = {module for gate in gates for module in gate.modules()}
    found = []
    hooks = [
        module.register_forward_hook(lambda _m, _i, output: found.append(output.numel()))
        for module in LARGE.modules()
        if isinstance(module, activation) and module not in inside
    ]
    with torch.no_grad():
        LARGE(torch.empty(1, 3, 224, 224, device="meta"))
    for hook in hooks:
        hook.remove()
    return sum(found)


HS, RE = activated(nn.Hardswish), activated(nn.ReLU)

# ---------------------------------------------------------------- from MnasNet-A1 to V3-Large

with torch.device("meta"):
    STEP_NETS = notebook.steps()
STEPS = {name: (macs(net, 3, 224, 224), params(net)) for name, net in STEP_NETS.items()}
SEED, THIN, SHORT, STEM, FINAL = STEPS.values()
t3, t5, t9 = papers.V3_TABLE3, papers.V3_TABLE5, papers.V3_TABLE9
A1, PAPER, V2_THERE = t3["MnasNet-A1"], t3["V3-Large 1.0"], t3["V2 1.0"]
GAIN = t5["V3-Large 1.0"].top1 - t5["ReLU"].top1
NAIVE = t5["V3-Large 1.0"].plain_ms - t5["ReLU"].plain_ms


def step_of(name: str):
    count, size = STEPS[name]
    return f"{count / MILLION:.1f}", f"{size / MILLION:.2f}"


@cache
def price(number: int) -> tuple[int, float, float]:
    """Of a block of MnasNet-A1: channels inside, MACs of one, per cent to give up for 1 %."""
    side, channels = 112, 32
    for row in notebook.MNASNET_A1[: number - 1]:
        side, channels = side // row.s, row.out
    row = notebook.MNASNET_A1[number - 1]
    squeeze = channels // 4 if row.se else 0

    def cost(exp: int) -> int:
        block = (channels, row.kernel, exp, row.out, squeeze, row.nl, row.s)
        return macs(on_meta(notebook.InvertedResidual, *block), channels, side, side)

    each = (cost(row.exp) - cost(row.exp - 8)) / 8
    return row.exp, each, share(0.01 * SEED[0] / each, row.exp)


CHEAPEST = sorted(range(2, 16), key=lambda number: price(number)[2])[:3]
# Of what a channel of block 2 costs, the share in front of the stride.
EXPANDING = notebook.MNASNET_A1[0].out * 112**2 / price(2)[1]


def price_row(*blocks: int) -> float:
    """Of blocks of one price, the per cent to give up for 1 % of the MACs."""
    [row] = {round(given_up, 1) for _, _, given_up in map(price, blocks)}
    return row


CHANGED = [
    (number, seed.exp, row.exp)
    for number, (seed, row) in enumerate(
        zip(notebook.MNASNET_A1[:15], rows("large"), strict=True), start=1
    )
    if seed.exp != row.exp
]


@cache
def end(name: str, picture: int = 224) -> list[int]:
    """MACs of the layers from the expansion to 960 on."""
    layers = macs_by_layer(STEP_NETS[name].eval(), 3, picture, picture)
    first = max(
        number
        for number, (layer, _, _) in enumerate(layers)
        if (layer.weight.shape[1], layer.weight.shape[0]) == (160, 960)
    )
    return [count for _, count, _ in layers[first:]]


OLD_END, NEW_END = end("expansions shrunk"), end("shorter end")

# ---------------------------------------------------------------- functions

GRID = torch.linspace(-5, 5, 1001, dtype=torch.float64)
SIGMOID_GAP = float((notebook.hard_sigmoid(GRID) - GRID.sigmoid()).abs().max())
SWISH_GAP = float((notebook.hard_swish(GRID) - nn.functional.silu(GRID)).abs().max())

# ---------------------------------------------------------------- variants

SMALLS = {
    (features, ticked): paper_v3("small", 1.0, features, last_squeeze=ticked)
    for features in (1280, 1024)
    for ticked in (True, False)
}


@cache
def of_paper(variant: str, width: float, size: int = 224, features: int = 0) -> tuple[float, float]:
    """Million MACs and parameters at one of the paper's widths."""
    net = paper_v3(variant, width, features)
    return macs(net, 3, size, size) / MILLION, params(net) / MILLION


# Where Table 9 is not what our count rounds to. "cut": the digits behind are dropped. A number: it
# is the count of the network with so many features at the end. Tested in `test_papers`.
TABLE9_MACS = {
    ("large", 224, 1.25): 1600,
    ("large", 224, 0.35): "unknown",
    ("small", 224, 0.75): 1280,
    ("small", 224, 0.35): "cut",
    ("small", 256, 1.0): 1280,
}
TABLE9_PARAMS = {
    ("large", 224, 1.25): "cut",
    ("large", 224, 1.0): "cut",
    ("large", 224, 0.5): "cut",
    ("large", 224, 0.35): "unknown",
    ("small", 224, 1.25): 1280,
}


def width_row(variant: str) -> tuple[int, int]:
    """Parameters at a width of 0.75, torchvision's and the paper's."""
    return params(v3(variant, width_mult=0.75)), params(paper_v3(variant, 0.75))


def v2_gaps() -> list[float]:
    """How far each V2 lies below the line through V3's, at equal MACs (log scale)."""
    points = sorted(
        (macs(paper_v3(variant, width), 3, size, size), row[0])
        for (variant, size, width), row in t9.items()
    )
    line = [p for p in points if not any(q[0] < p[0] and q[1] >= p[1] for q in points)]
    gaps = []
    for (width, size), row in papers.SLIM_V2.items():
        cost = macs(v2(width_mult=width), 3, size, size)
        for (low, a), (high, b) in zip(line[:-1], line[1:], strict=True):
            if low <= cost <= high:
                gaps.append(a + math.log(cost / low) / math.log(high / low) * (b - a) - row[2])
    return gaps


def block_7(width: float) -> int:
    """Channels that leave V3-Small's block 7."""
    return v3("small", width_mult=width).blocks[6].project.norm.num_features


MINIMAL, slim = macs(minimalistic_v3("large"), 3, 224, 224), papers.SLIM_V3

t6 = papers.V3_TABLE6


@cache
def gate(channels: int) -> nn.Module:
    """Squeeze-and-excite on so many channels, with V3's size of the squeeze."""
    squeeze = notebook.make_divisible(channels / 4)
    return on_meta(notebook.SqueezeExcitation, channels, squeeze)


def gate_weights(channels: int) -> int:
    return sum(p.numel() for p in gate(channels).parameters() if p.dim() > 1)


def reward(accuracy: float, time: float, target: float, w: float) -> float:
    return accuracy * (time / target) ** w


def runs(found) -> str:
    """4, 5, 6, 11, 12 as "4 to 6 and 11 to 12"."""
    found, pieces = list(found), []
    for number in found:
        if number - 1 not in found:
            pieces.append([number, number])
        pieces[-1][1] = number
    return " and ".join(f"{first} to {last}" for first, last in pieces)


# "These three have ReLU", says the review's solution of the blocks whose squeeze is rounded.
assert all((r.exp // 4 % 8 > 0) == (r.nl == "RE") for r in rows("large") if r.se)


def expansions(variant: str) -> list[int]:
    return [row.exp for row in rows(variant)]


def swishes(network: nn.Module) -> int:
    return sum(isinstance(m, nn.Hardswish) for m in network.modules())


FIRST_V3, FIRST_V2 = (papers.V3_TABLE3_FIRST[name] for name in ("V3-Large 1.0", "V2 1.0"))
LOWEST = notebook.hard_swish(torch.tensor(-1.5, dtype=torch.float64))


def by_size(variant: str) -> list[str]:
    """Million MACs by the side of the map that a layer writes."""
    stages = {}
    for _, count, shape in LAYERS[variant]:
        side = (*shape, 1)[1]
        stages[side] = stages.get(side, 0) + count / MILLION
    return [f"{stages[side]:.0f}" for side in (112, 56, 28, 14, 7, 1)]
