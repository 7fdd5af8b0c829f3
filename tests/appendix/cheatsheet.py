"""Names for the expressions beside the numbers of the cheat sheet."""

from functools import cache

from torch import nn

from tests.book import definitions
from tests.numbers import integer
from tests.separable.numbers import FULL_V1, times
from tools import papers
from tools.counting import macs, on_meta, params, totals_by_kind, v1, v2, v3, v4

NETWORKS = {"V1": v1(), "V2": v2(), "V3-Large": v3("large"), "V3-Small": v3("small")}
V1_BLOCKS = [
    number
    for block in NETWORKS["V1"].blocks
    for number in (block.pointwise.conv.out_channels, block.depthwise.conv.stride[0])
]
KINDS = {name: totals_by_kind(network, 3, 224, 224) for name, network in NETWORKS.items()}
COST = {name: macs(network, 3, 224, 224) for name, network in NETWORKS.items()}
TIME = {
    "V2": papers.V3_TABLE3["V2 1.0"],
    "V3-Large": papers.V3_TABLE3["V3-Large 1.0"],
    "V3-Small": papers.V3_TABLE3["V3-Small 1.0"],
}

V4_SIDES = {"conv_small": 224, "conv_medium": 256, "conv_large": 384}  # as in its Tables 11 to 14
V4_NAMES = {"conv_small": "MNv4-Conv-S", "conv_medium": "MNv4-Conv-M", "conv_large": "MNv4-Conv-L"}
V4_BLOCKS = {
    "conv_small": papers.V4_TABLE11,
    "conv_medium": papers.V4_TABLE12,
    "conv_large": papers.V4_TABLE14,
}


def v4_macs() -> list[float]:
    """Million MACs of V4-Conv-S, -M and -L, each with pictures of its own size."""
    return [macs(v4(name), 3, side, side) / 1e6 for name, side in V4_SIDES.items()]


def v4_params() -> list[float]:
    return [params(v4(name)) / 1e6 for name in V4_SIDES]


def v4_printed(column: str) -> list[float]:
    """A column of V4's Table 6."""
    return [getattr(papers.V4_TABLE6[name], column) for name in V4_NAMES.values()]


def v4_blocks(which: int) -> list[int]:
    """Blocks with two depthwise layers, and all that a search placed."""
    table = list(V4_BLOCKS.values())[which]
    kinds = [row.block for row in table]
    every = sum(kind in ("ExtraDW", "IB", "ConvNext", "FFN") for kind in kinds)
    return [kinds.count("ExtraDW"), every]


def million(name: str) -> float:
    return COST[name] / 1e6


def params_million(name: str) -> float:
    return params(NETWORKS[name]) / 1e6


def share(name: str, kind: str) -> float:
    """Of a network's MACs, in per cent."""
    return 100 * KINDS[name][kind][0] / COST[name]


def blocks(name: str) -> int:
    return len(NETWORKS[name].blocks)


def shortcuts(name: str) -> int:
    return sum(getattr(block, "shortcut", False) for block in NETWORKS[name].blocks)


def first(name: str) -> int:
    return next(m for m in NETWORKS[name].modules() if isinstance(m, nn.Conv2d)).out_channels


def features(name: str) -> int:
    linear = [m for m in NETWORKS[name].modules() if isinstance(m, nn.Linear)]
    return linear[-1].in_features


(EPS,) = {m.eps for m in NETWORKS["V3-Large"].modules() if isinstance(m, nn.BatchNorm2d)}
make_divisible = definitions("v2").make_divisible


@cache
def conv(m: int, n: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Module:
    sizes = (m, n, kernel, stride, kernel // 2)
    return on_meta(nn.Conv2d, *sizes, groups=groups, bias=False)


def separable(m: int, n: int, kernel: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(conv(m, m, kernel, stride, groups=m), conv(m, n, 1))
