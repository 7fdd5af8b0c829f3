"""Names for the expressions beside the numbers of the chapter on devices."""

import math
from functools import cache
from statistics import mean

import torch

from tests.book import definitions
from tests.numbers import integer, minutes, provided
from tools import latency, papers
from tools.counting import macs as count_macs
from tools.counting import on_meta
from tools.latency import bound, layer_times, machine, milliseconds

notebook = definitions("device")
RECORD = latency.recorded()
FLOAT = ("eager", "channels last", "folded", "compiled", "ONNX Runtime", "ExecuTorch")
MOBILE = ("V1", "V2", "V3-Large", "V3-Small")
ALL = (*MOBILE, "ResNet-50")

# ---------------------------------------------------------------- layers


def place(m: int, n: int, side: int) -> notebook.Layer:
    """From m to n channels at stride 1, on a map with this side."""
    return notebook.Layer(m, n, side, 1)


@cache
def conv(m: int, n: int, kernel: int, stride: int = 1, groups: int = 1) -> torch.nn.Module:
    sizes = (m, n, kernel, stride, kernel // 2)
    return on_meta(torch.nn.Conv2d, *sizes, groups=groups, bias=False)


MIDDLE, END = place(512, 512, 14), place(1024, 1024, 7)
with torch.device("meta"):  # a cost needs no values
    COSTS = {kind: cost for kind, (cost, _) in MIDDLE.jobs().items()}


def fewer(layer) -> float:
    """MACs of the full convolution over those of the separable pair."""
    m, n, side, stride = layer
    pair = torch.nn.Sequential(conv(m, m, 3, stride, groups=m), conv(m, n, 1))
    return count_macs(conv(m, n, 3, stride), m, side, side) / count_macs(pair, m, side, side)


def faster_layer(layer) -> float:
    return layer_times("standard")[layer][1] / layer_times("separable")[layer][1]


def speed(kind: str, layer=MIDDLE) -> float:
    """Billion MACs per second."""
    cost, ms, _ = layer_times(kind)[layer]
    return cost.macs / ms / 1e6


def share(kind: str, layer=MIDDLE) -> float:
    """Of what the bound allows, in per cent."""
    cost, ms, roof = layer_times(kind)[layer]
    return 100 * cost.bound(roof) / ms


# Two depthwise layers of which one has half the other's MACs, in microseconds.
HALF, WHOLE = (
    1000 * layer_times("depthwise")[notebook.Layer(m, 2 * m, side, 2)][1]
    for m, side in ((512, 14), (256, 28))
)

# ---------------------------------------------------------------- networks


def macs(network: torch.nn.Module) -> int:
    return count_macs(network, 3, 224, 224)


def faster(name: str, path: str) -> float:
    """How many times faster than eager."""
    return milliseconds(name, "eager") / milliseconds(name, path)


def best(name: str) -> tuple[float, str]:
    """Milliseconds of the fastest path in 32 bits, and which."""
    return min((milliseconds(name, path), path) for path in FLOAT)


def closeness(name: str) -> float:
    return best(name)[0] / bound(name)


def megabytes(name: str, path: str) -> float:
    return RECORD["networks"][name]["bytes"][path] / 1e6


def noise(name: str, what: str) -> float:
    return RECORD["networks"][name]["decibels"][what]


NETS = {name: on_meta(build) for name, build in notebook.NETWORKS.items()}
with torch.device("meta"):  # sizes need no values
    FOLDED = {name: notebook.fold_network(NETS[name]) for name in ALL}
    PEAK = {name: notebook.peak(FOLDED[name], torch.empty(1, 3, 224, 224)) for name in ALL}

V4_TIMES = [
    getattr(papers.V4_TABLE6[name], column)
    for column in ("pixel6", "galaxy", "pixel7_gpu", "galaxy_gpu", "hexagon", "edgetpu", "iphone")
    for name in ("MobileNet-V1", "MobileNet-V2", "MNv4-Conv-S")
]
# On the CPUs V2 is faster than V1; on the GPUs and the signal processor it is slower.
for column, faster_there in zip(
    ("pixel6", "galaxy", "pixel7_gpu", "galaxy_gpu", "hexagon"), (1, 1, 0, 0, 0), strict=True
):
    v1, v2 = (getattr(papers.V4_TABLE6[f"MobileNet-V{n}"], column) for n in (1, 2))
    assert (v2 < v1) == bool(faster_there)


# ---------------------------------------------------------------- V1's blocks, all thirteen


def over_blocks(kind: str, index: int) -> float:
    """The sum over V1's blocks of a layer's cost (0) or milliseconds (1)."""
    times = layer_times(kind)
    values = [times[place][index] for place in notebook.v1_layers()]
    return sum(value.macs for value in values) if index == 0 else sum(values)


DEPTHWISE_SHARE = over_blocks("depthwise", 0) / macs(notebook.mobilenet_v1())
DEPTHWISE_TIME = over_blocks("depthwise", 1) / (
    over_blocks("depthwise", 1) + over_blocks("pointwise", 1)
)
RATIOS = [faster_layer(layer) for layer in layer_times("standard")]

# At the first place the pointwise layer works two thirds as fast as the full one.
FIRST = place(32, 64, 112)
assert 0.62 < speed("pointwise", FIRST) / speed("standard", FIRST) < 0.71
# The caption of the roofline: at most half; and a tenth on the smallest map.
assert max(share("depthwise", layer) for layer in layer_times("depthwise")) < 50
assert 9 < share("depthwise", END) < 11


# ---------------------------------------------------------------- exercises


@cache
def maps_of(layer: torch.nn.Module, side: int, bits: int) -> notebook.LayerCost:
    """MACs of a layer, and the bytes of what it reads and writes, without its weights."""
    x = torch.empty(1, layer.in_channels, side, side, device="meta")
    with torch.no_grad():
        count = x.numel() + layer(x).numel()
    return notebook.LayerCost(count_macs(layer, *x.shape[1:]), count * integer(bits / 8))


@cache
def depthwise(kernel: int, channels: int, side: int, stride: int, bits: int) -> notebook.LayerCost:
    return maps_of(conv(channels, channels, kernel, stride, channels), side, bits)


def microseconds(cost: notebook.LayerCost, rate: float, moved: float) -> float:
    """At the bound, of a machine with so many billion MACs and bytes in a second."""
    return max(cost.macs / rate, cost.bytes / moved) / 1000
