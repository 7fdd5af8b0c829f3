"""Names for the expressions beside the numbers of the chapter on devices."""

import math
from statistics import mean

import torch
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    get_symmetric_quantization_config,
)

from tests.book import definitions
from tests.counting import macs as count_macs
from tests.counting import on_meta
from tests.numbers.common import minutes
from tools import latency, papers
from tools.latency import bound, layer_times, machine, milliseconds

notebook = definitions("device")
RECORD = latency.recorded()
FLOAT = ("eager", "channels last", "folded", "compiled", "ONNX Runtime", "ExecuTorch")
MOBILE = ("V1", "V2", "V3-Large", "V3-Small")
ALL = (*MOBILE, "ResNet-50")

# ---------------------------------------------------------------- layers

TOP, MIDDLE, END = (
    notebook.Layer(*shape) for shape in ((32, 64, 112, 1), (512, 512, 14, 1), (1024, 1024, 7, 1))
)
with torch.device("meta"):  # a cost needs no values
    COSTS = {kind: cost for kind, (cost, _) in MIDDLE.jobs().items()}


def fewer(layer) -> float:
    """MACs of the full convolution over those of the separable pair."""
    with torch.device("meta"):
        jobs = layer.jobs()
    return jobs["standard"][0].macs / jobs["separable"][0].macs


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
WEIGHTS = {name: 4 * sum(p.numel() for p in FOLDED[name].parameters()) for name in ALL}

# ---------------------------------------------------------------- trained on digits

DIGITS = latency.load()["digits"]


def digits(kind: str, what: str) -> float:
    return mean(run[what] for run in DIGITS[kind])


def ruined(kind: str) -> int:
    """How many of the seeds guess when each layer has one scale."""
    return sum(run["tensor"] < 20 for run in DIGITS[kind])


CHANNELS = {
    name: sum(m.num_features for m in NETS[name].modules() if isinstance(m, torch.nn.BatchNorm2d))
    for name in ("V1", "V2")
}
# ExecuTorch's quantiser lets no scale be smaller.
EPSILON = get_symmetric_quantization_config().weight.observer_or_fake_quant_ctr.p.keywords["eps"]
V3_EPS = next(m.eps for m in NETS["V3-Large"].modules() if isinstance(m, torch.nn.BatchNorm2d))
LOST = max(run["32 bits"] - run["channel"] for runs in DIGITS.values() for run in runs)
# Exactly those networks fell that have a dead channel; each has one. V3 never fell.
for name in ("V1", "V2"):
    assert all(run["dead"] == (1 if run["tensor"] < 20 else 0) for run in DIGITS[name])
assert ruined("V3-Large") == ruined("V3-Small") == 0


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

# The caption of the roofline: at most half; and a tenth on the smallest map.
assert max(share("depthwise", layer) for layer in layer_times("depthwise")) < 50
assert 9 < share("depthwise", END) < 11
