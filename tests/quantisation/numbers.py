"""Names for the expressions beside the numbers of the chapter on eight bits."""

import math
from functools import cache
from statistics import mean, median, stdev

import torch
from torch import nn
from torchvision.models.quantization import (
    MobileNet_V2_QuantizedWeights,
    MobileNet_V3_Large_QuantizedWeights,
)

from figures.quantisation.draw import FLOOR
from tests.book import definitions
from tests.numbers import integer, minutes, provided
from tools import latency, papers, quantising, trained
from tools.counting import on_meta

notebook = definitions("quantisation")
RECORD = quantising.load()
LITE0, TOOL, LAYERS, SMALL = (RECORD[part] for part in ("lite0", "tool", "layers", "small"))
DISTILLED, PLACES = RECORD["distilled"], RECORD["places"]
CROPS = quantising.EACH * len(trained.photograph_names())
A_PIXEL = mean(trained.by_photograph("a_pixel"))  # of the chapter on a trained network

# ---------------------------------------------------------------- Lite0


def agree(name: str, part: dict = LITE0) -> tuple[float, float]:
    """Per cent of the same first guesses, and its standard error over the photographs."""
    shares = part[name]["agree"]
    return mean(shares), stdev(shares) / math.sqrt(len(shares))


def row(name: str) -> tuple[float, float, float]:
    """The same, and the decibels."""
    return *agree(name), LITE0[name]["dB"]


def tool(name: str) -> tuple[float, float, float]:
    return *agree(name, TOOL), TOOL[name]["dB"]


@cache
def reaches() -> list:
    return quantising.reaches()


def spread_before(block: int) -> float:
    """Over the median channel's largest weight, that of the largest channel; before the fold."""
    widths = reaches()[0][block - 1]
    return float(widths.max() / widths.median())


def spread(block: int) -> float:
    widths = reaches()[1][block - 1]
    return float(widths.max() / widths.median())


def steps_left(block: int) -> float:
    """To each side, for the median channel of a layer with one scale."""
    return 127 / spread(block)


@cache
def released(block: int) -> float:
    """The same of V2's depthwise layers, in the file that Google released; from 0."""
    ranges = trained.load()["released"]["files"][-1]["ranges"][block]
    assert ranges["layer"] == f"blocks.{block}.depthwise"
    return ranges["largest"] / ranges["median"]


def dead() -> list[torch.Tensor]:
    """Of each depthwise layer: which channels are the same for every picture."""
    blocks = notebook.trained_lite0().blocks
    return [block.depthwise.norm.running_var < 1e-5 for block in blocks]


DEAD = sum(int(each.sum()) for each in dead())
DEPTHWISE_CHANNELS = sum(len(each) for each in dead())
# The largest folded weight of a dead channel, over the median channel's.
DEAD_LARGEST = max(
    float(widths[which].max() / widths.median())
    for widths, which in zip(reaches()[1], dead(), strict=True)
    if which.any()
)


def noise_of(kind: str) -> list[float]:
    """Decibels of each of its layers, rounded alone."""
    return [value for name, value in LAYERS.items() if name.endswith(f"{kind}.conv")]


# ---------------------------------------------------------------- trained on digits

DIGITS = RECORD["digits"]


def digits(kind: str, what: str) -> float:
    return mean(run[what] for run in DIGITS[kind])


def random_noise(what: str) -> float:
    """Decibels of V1 with random weights, in the record of the chapter on devices."""
    return latency.recorded()["networks"]["V1"]["decibels"][what]


def small(what: str) -> float:
    return mean(run[what] for run in SMALL)


def fell(what: str) -> int:
    """How many of the small networks guess."""
    return sum(run[what] < 20 for run in SMALL)


def ruined(kind: str) -> int:
    """How many of the seeds guess when each layer has one scale."""
    return sum(run["tensor"] < 20 for run in DIGITS[kind])


NETS = {name: on_meta(build) for name, build in quantising.NETWORKS.items()}
CHANNELS = {
    name: sum(m.num_features for m in NETS[name].modules() if isinstance(m, nn.BatchNorm2d))
    for name in ("V1", "V2")
}
V3_EPS = next(m.eps for m in NETS["V3-Large"].modules() if isinstance(m, nn.BatchNorm2d))
# ExecuTorch's quantiser lets no scale be smaller: tests/appendix/test_ledger.py sees to that.
SMALLEST = 2**-12
LOST = max(run["32 bits"] - run["channel"] for runs in DIGITS.values() for run in runs)
# Exactly those networks fell that have a dead channel; each has one. V3 never fell.
for _name in ("V1", "V2"):
    assert all(run["dead"] == (1 if run["tensor"] < 20 else 0) for run in DIGITS[_name])
assert ruined("V3-Large") == ruined("V3-Small") == 0

# ---------------------------------------------------------------- papers and libraries

# As the page's table has them: a row for each way to quantise, V1 and V2 beside each other.
KRISHNAMOORTHI_ROWS = [
    getattr(papers.KRISHNAMOORTHI[f"Mobilenet-v{version}_1_224"], way)
    for way in papers.Granularity._fields
    for version in (1, 2)
]
TORCHVISION = {
    name: papers.Quantised(
        *(
            each.meta["_metrics"]["ImageNet-1K"]["acc@1"]
            for each in (weights.meta["unquantized"], weights)
        )
    )
    for name, weights in (
        ("V2", MobileNet_V2_QuantizedWeights.DEFAULT),
        ("V3-Large", MobileNet_V3_Large_QuantizedWeights.DEFAULT),
    )
}

# ---------------------------------------------------------------- by hand


def step(low: float, high: float, bits: int) -> float:
    """Of a grid with a zero point."""
    return (high - low) / (2**bits - 1)


def zero(low: float, high: float, bits: int) -> int:
    """The integer that stands for 0."""
    return integer(-(2 ** (bits - 1)) - low / step(low, high, bits))


def hswish(x: torch.Tensor) -> torch.Tensor:
    return nn.functional.hardswish(x)


HSWISH_LOW = float(hswish(torch.linspace(-3, 0, 3001)).min())


def steps_below(top: float) -> float:
    """Of 255, for the side of h-swish below zero, if its map goes up to `top`."""
    return 255 * -HSWISH_LOW / (top - HSWISH_LOW)


@cache
def folding(w, b, mu, gamma, beta, root, x=0) -> dict[str, float]:
    """One channel, folded by the notebook: the numbers that it has, and what it makes of x."""
    layer = nn.Conv2d(1, 1, 1).double().requires_grad_(False)
    norm = nn.BatchNorm2d(1).double().eval().requires_grad_(False)
    norm.running_var.fill_(root**2 - norm.eps)
    for part, value in (
        (layer.weight, w),
        (layer.bias, b),
        (norm.running_mean, mu),
        (norm.weight, gamma),
        (norm.bias, beta),
    ):
        part.fill_(value)
    merged = notebook.fold(layer, norm)
    one = torch.full((1, 1, 1, 1), float(x), dtype=torch.float64)
    found = {"weight": merged.weight, "bias": merged.bias, "conv": layer(one)}
    found |= {"norm": norm(layer(one)), "folded": merged(one)}
    return {name: value.item() for name, value in found.items()}
