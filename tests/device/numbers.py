"""Names for the expressions beside the numbers of the chapter on devices."""

from functools import cache

import torch

from tests.book import definitions
from tests.numbers import integer, minutes, provided
from tools import latency, operators, papers
from tools.counting import macs as count_macs
from tools.counting import on_meta
from tools.latency import NETWORKS, bound, layer_times, machine, milliseconds
from tools.operators import kind_ms
from tools.operators import share as of_time

notebook = definitions("device")
RECORD = latency.recorded()
RECORDS = [latency.recorded(index) for index in (0, 1)]
FLOAT = (
    *("eager", "channels last", "folded", "compiled"),
    *("ONNX Runtime", "OpenVINO", "LiteRT", "ExecuTorch"),
)
MOBILE = ("V1", "V2", "V3-Large", "V3-Small", "V4-Conv-S", "Lite0")
ALL = (*MOBILE, "ResNet-50")
XEON, EPYC = 0, 1  # rows of the record

# ---------------------------------------------------------------- layers


def place(m: int, n: int, side: int) -> notebook.Layer:
    """From m to n channels at stride 1, on a map with this side."""
    return notebook.Layer(m, n, side, 1)


@cache
def conv(m: int, n: int, kernel: int, stride: int = 1, groups: int = 1) -> torch.nn.Module:
    sizes = (m, n, kernel, stride, kernel // 2)
    return on_meta(torch.nn.Conv2d, *sizes, groups=groups, bias=False)


FIRST, MIDDLE, END = place(32, 64, 112), place(512, 512, 14), place(1024, 1024, 7)
with torch.device("meta"):  # a cost needs no values
    COSTS = {kind: cost for kind, (cost, _) in MIDDLE.jobs().items()}


def fewer(layer) -> float:
    """MACs of the full convolution over those of the separable pair."""
    m, n, side, stride = layer
    pair = torch.nn.Sequential(conv(m, m, 3, stride, groups=m), conv(m, n, 1))
    return count_macs(conv(m, n, 3, stride), m, side, side) / count_macs(pair, m, side, side)


def layer_ms(kind: str, layer, way: str = "", index: int = XEON) -> float:
    return layer_times(kind, way, index)[layer][1]


def faster_layer(layer, way: str = "", index: int = XEON) -> float:
    """How many times faster the pair is than the full layer."""
    return layer_ms("standard", layer, way, index) / layer_ms("separable", layer, way, index)


def laid_out_ms(layer) -> float:
    """A full layer in PyTorch whose weights were laid out beforehand."""
    return layer_ms("standard", layer, "laid out")


def share(kind: str, way: str = "", layer=MIDDLE) -> float:
    """Of what the bound allows, in per cent."""
    cost, ms, roof = layer_times(kind, way)[layer]
    return 100 * cost.bound(roof) / ms


def shares(kinds: tuple[str, ...], way: str) -> list[float]:
    return [share(kind, way, layer) for kind in kinds for layer in layer_times(kind, way)]


def least(kinds: tuple[str, ...], way: str = "") -> float:
    return min(shares(kinds, way))


def most(kinds: tuple[str, ...], way: str = "") -> float:
    return max(shares(kinds, way))


# As the roofline's text says: ExecuTorch's depthwise kernels are the faster ones.
for each in layer_times("depthwise"):
    assert layer_ms("depthwise", each, "ExecuTorch") < layer_ms("depthwise", each)

# Microseconds of a call in PyTorch that has next to nothing to compute.
CALL = 1000 * RECORD["habits"]["100 calls"][0] / 100

# ---------------------------------------------------------------- networks


def macs(network: torch.nn.Module) -> int:
    return count_macs(network, 3, 224, 224)


def faster(name: str, path: str, index: int = XEON) -> float:
    """How many times faster than eager."""
    return milliseconds(name, "eager", index) / milliseconds(name, path, index)


def gain(name: str, index: int = XEON) -> float:
    """How many times faster 8 bits are than 32."""
    short = milliseconds(name, "ExecuTorch, 8 bits", index)
    return milliseconds(name, "ExecuTorch", index) / short


def runtime_row(path: str) -> list[float]:
    return [milliseconds(name, path) for name in ALL]


def threads(name: str) -> float:
    """How many times as fast on two as on one."""
    return milliseconds(name, "folded") / milliseconds(name, "two threads")


def best(name: str) -> tuple[float, str]:
    """Milliseconds of the fastest path in 32 bits, and which."""
    return min((milliseconds(name, path), path) for path in FLOAT)


def closeness(name: str) -> float:
    return best(name)[0] / bound(name)


def epyc(name: str) -> float:
    """The same on the second machine, where fewer paths were timed."""
    paths = RECORDS[EPYC]["networks"][name]["ms"].keys() & set(FLOAT)
    return min(milliseconds(name, path, EPYC) for path in paths) / bound(name, EPYC)


def megabytes(name: str, path: str) -> float:
    return RECORD["networks"][name]["bytes"][path] / 1e6


NETS = {name: on_meta(build) for name, build in NETWORKS.items()}
with torch.device("meta"):  # sizes need no values
    FOLDED = {name: notebook.fold_network(NETS[name]) for name in ALL}
    PEAK = {name: notebook.peak(FOLDED[name], torch.empty(1, 3, 224, 224)) for name in ALL}


def weights(name: str) -> int:
    """Bytes in 32 bits, batch norms folded."""
    return 4 * sum(each.numel() for each in FOLDED[name].parameters())


def memory(name: str) -> dict[str, float]:
    return RECORD["networks"][name]["memory"]


def memory_row(name: str) -> tuple[float, ...]:
    """Megabytes of maps and of weights, and by which the process grows."""
    return tuple(size / 1e6 for size in (PEAK[name][0], weights(name), memory(name)["most"]))


grown = [memory(name)["most"] / (PEAK[name][0] + weights(name)) for name in MOBILE]
GROWTH = min(grown), max(grown)
PLANNED = max(memory(name)["planned"] for name in MOBILE)
assert PLANNED - min(memory(name)["planned"] for name in MOBILE) < 1000
MOST_WHILE_LOADING = all(memory(name)["loading"] == memory(name)["most"] for name in MOBILE)

# ---------------------------------------------------------------- what travels


def resnet_over_v2(index: int) -> float:
    times = [milliseconds(name, "ExecuTorch", index) for name in ("ResNet-50", "V2")]
    return times[0] / times[1]


def travels(ratio) -> tuple[float, float]:
    """On both machines."""
    return ratio(XEON), ratio(EPYC)


TRAVELLERS = [
    travels(ratio)
    for ratio in (
        lambda index: faster_layer(FIRST, index=index),
        lambda index: faster_layer(END, index=index),
        lambda index: faster("V2", "ExecuTorch", index),
        lambda index: gain("V2", index),
        resnet_over_v2,
    )
]

# ---------------------------------------------------------------- where the time goes

COVERED = [operators.profile(name, bits)["covered"] for name in MOBILE for bits in operators.BITS]
H_SWISHES = sum(isinstance(m, torch.nn.Hardswish) for m in NETS["V3-Small"].modules())


def time_row(kinds: str, bits: str = "32") -> list[float]:
    return [of_time(name, kinds, bits) for name in MOBILE]


def largest(name: str, bits: str) -> str:
    """The kind that takes most of the time."""
    kinds = operators.profile(name, bits)["kinds"]
    return max(kinds, key=kinds.get)


def kind_gain(name: str, kind: str) -> float:
    """How many times faster a kind of layer is in 8 bits."""
    return kind_ms(name, kind) / kind_ms(name, kind, "8")


def classifiers(name: str) -> list:
    return [cost for kind, cost, _ in operators.layers(name) if kind == "classifier"]


def classifier_megabytes(name: str) -> float:
    """Its weights: each is used for one MAC."""
    return 4 * sum(cost.macs for cost in classifiers(name)) / 1e6


def macs_of(name: str, kind: str) -> float:
    """Per cent of a network's MACs that are in layers of this kind."""
    found = sum(cost.macs for each, cost, _ in operators.layers(name) if each == kind)
    return 100 * found / macs(NETS[name])


def below_its_macs(name: str, kind: str) -> float:
    """Per cent of the time, where that is less than per cent of the MACs."""
    return provided(of_time(name, kind) < macs_of(name, kind), of_time(name, kind))


def sped_up(part: float, rest: float, factor: float) -> float:
    """How many times faster all of it is when one part is."""
    return (part + rest) / (part / factor + rest)


# In 32 bits pointwise layers take most, everywhere.
assert {largest(name, "32") for name in MOBILE} == {"pointwise"}
# As the figure's caption says: from 32 bits to 8 the pointwise part shrinks, the other does not.
assert all(kind_gain(name, "pointwise") >= 2 for name in MOBILE)
assert all(kind_gain(name, "depthwise") < 1.15 for name in MOBILE)

# Words of the page that no digit carries.
STEPS = [faster(name, path) for name in ALL for path in ("channels last", "folded", "compiled")]
assert 1 < min(STEPS) and max(STEPS) < 2
RUN = {name: faster(name, best(name)[1]) for name in ALL}
assert 2 < min(RUN.values()) and max(RUN.values()) < 5 and max(RUN, key=RUN.get) == "V3-Small"
assert all(4 < faster(name, "ExecuTorch, 8 bits") < 7.5 for name in ALL)
assert gain("V3-Small") < min(gain(name) for name in ("V1", "V2", "V3-Large", "V4-Conv-S"))
assert faster("ResNet-50", best("ResNet-50")[1]) < faster("V2", best("V2")[1])
assert laid_out_ms(END) < 0.7 * layer_ms("standard", END)
for way in ("", "ExecuTorch"):
    assert share("standard", way, END) == least(("standard", "pointwise"), way)
assert all(cost.intensity < roof.ridge for cost, _, roof in layer_times("depthwise").values())

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
RATIOS = {
    way: [faster_layer(layer, way) for layer in layer_times("standard", way)]
    for way in ("", "ExecuTorch")
}


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
