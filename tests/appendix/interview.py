"""Names for the expressions beside the numbers of the page of interview questions."""

import math
from functools import cache
from statistics import mean

import torch
from torch import nn
from torchvision.models import resnet50

from tests.appendix import which
from tests.appendix.cheatsheet import (
    COST,
    KINDS,
    NETWORKS,
    TIME,
    conv,
    params_million,
    separable,
    share,
    v4_macs,
)
from tests.appendix.cheatsheet import first as first_filters
from tests.book import definitions
from tests.device import numbers as device
from tests.numbers import integer, provided
from tests.separable.numbers import FULL_V1, times
from tests.training import numbers as training
from tests.v1 import numbers as first
from tests.v2.numbers import always
from tests.v3 import numbers as third
from tools import learning, papers
from tools.counting import macs, macs_by_layer, on_meta, params, v1, v2

LITTLE = papers.V1_TABLE4


def halved(what) -> float:
    """What half the width leaves of V1, in per cent."""
    return 100 * what(v1(width_mult=0.5)) / what(v1())


def v1_macs(network, size: int = 224) -> int:
    return macs(network, 3, size, size)


LAST = [m for m in NETWORKS["V2"].modules() if isinstance(m, nn.Linear)][0].in_features


# ---------------------------------------------------------------- more to count


@cache
def full(m: int, n: int, kernel: int, stride: int, size: int) -> int:
    """MACs of a full convolution."""
    return macs(conv(m, n, kernel, stride), m, size, size)


@cache
def parts(m: int, n: int, kernel: int, stride: int, size: int) -> list[int]:
    """MACs of the depthwise and of the pointwise layer that may stand in its place."""
    return [count for _, count, _ in macs_by_layer(separable(m, n, kernel, stride), m, size, size)]


@cache
def v2_block(c_in: int, c_out: int, t: int, side: int) -> list[int]:
    """MACs of the three layers of V2's block at stride 1."""
    block = on_meta(definitions("v2").InvertedResidual, c_in, c_out, 1, t)
    return [count for _, count, _ in macs_by_layer(block, c_in, side, side)]


@cache
def squeeze(channels: int) -> nn.Module:
    """Squeeze-and-excite of V3."""
    quarter = definitions("v3").make_divisible(channels / 4)
    return on_meta(definitions("v3").SqueezeExcitation, channels, quarter)


def window(network: nn.Module, size: int, channels: int = 3) -> int:
    """The side of the window that one number of the last map sees."""
    side, step = 1, 1
    for layer, _, _ in macs_by_layer(network, channels, size, size):
        if isinstance(layer, nn.Conv2d):
            side += (layer.kernel_size[0] - 1) * step
            step *= layer.stride[0]
    return side


@cache
def seen_by_stack(kernel: int, *strides: int) -> int:
    """The side of the window that one number behind several layers sees."""
    layers = [conv(1, 1, kernel, stride) for stride in strides]
    return window(nn.Sequential(*layers), 99, 1)


RESNET = on_meta(resnet50)

RESNET_MACS, RESNET_PARAMS = macs(RESNET, 3, 224, 224), params(RESNET)


@cache
def ten_classes(version: str, width: float) -> int:
    """Parameters of a network with ten classes."""
    return params({"V1": v1, "V2": v2}[version](width_mult=width, num_classes=10))


T4 = papers.V1_TABLE4


def cost(layer: nn.Module, channels: int, side: int, bits: int) -> device.notebook.LayerCost:
    """MACs, and the bytes that a layer can't avoid: input, weights and output."""
    count = 2 * channels * side * side + layer.weight.numel()
    return device.notebook.LayerCost(macs(layer, channels, side, side), count * integer(bits / 8))


@cache
def dw(channels: int, side: int, kernel: int, bits: int) -> device.notebook.LayerCost:
    return cost(conv(channels, channels, kernel, groups=channels), channels, side, bits)


@cache
def pw(channels: int, side: int, bits: int) -> device.notebook.LayerCost:
    return cost(conv(channels, channels, 1), channels, side, bits)


def extra_dw(c_in: int, wide: int, c_out: int, kernel: int, side: int) -> list[int]:
    """MACs of the four layers of V4's block at stride 1, with both depthwise ones."""
    return [
        dw(c_in, side, kernel, 8).macs,
        full(c_in, wide, 1, 1, side),
        dw(wide, side, kernel, 8).macs,
        full(wide, c_out, 1, 1, side),
    ]


def ratio(
    slow: device.notebook.LayerCost, fast: device.notebook.LayerCost, rate: float, moved: float
):
    """How many times as long one takes as the other, at their bounds."""
    return device.microseconds(slow, rate, moved) / device.microseconds(fast, rate, moved)


# ---------------------------------------------------------------- eight bits, and what is chance

INT8_V1 = papers.KRISHNAMOORTHI["Mobilenet-v1_1_224"]
INT8_V2 = papers.KRISHNAMOORTHI["Mobilenet-v2_1_224"]
V4_S, V4_M = papers.V4_TABLE6["MNv4-Conv-S"], papers.V4_TABLE6["MNv4-Conv-M"]
V4_V2 = papers.V4_TABLE6["MobileNet-V2"]
ADDED = {
    name: papers.V4_TABLE2[name].pixel8 - papers.V4_TABLE2["base model"].pixel8
    for name in ("+3 MHSA", "+3 MQA")
}
ADDED["shared alone"] = papers.V4_TABLE17.pixel8 - papers.V4_TABLE2["base model"].pixel8
WHOLE_FASTER = 100 * (1 - papers.V4_TABLE2["+3 MQA"].pixel8 / papers.V4_TABLE2["+3 MHSA"].pixel8)
V4_HALF_V3 = papers.V4_POINTS["V3-Large × 0.5"]
FP16 = torch.finfo(torch.float16)
LOWEST = min(nn.functional.hardswish(torch.linspace(-3, 0, 3001, dtype=torch.float64))).item()


def steps_below_zero(top: float) -> float:
    """Of the 255 steps between h-swish's lowest value and `top`, those below zero."""
    return -LOWEST / ((top - LOWEST) / 255)


def largest(bits: int) -> int:
    """The largest signed integer."""
    return 2 ** (bits - 1) - 1


def equaliser(first_range: float, second: float) -> float:
    """The factor by which two ranges become equal: one is divided by it, the other multiplied."""
    return math.sqrt(first_range / second)


RIGHT, PICTURES, FEW = 75, 50_000, 1_000  # an example: per cent, ImageNet's pictures, fewer


def chance(right: float, pictures: int) -> float:
    """Standard error of an accuracy, both in per cent."""
    return 100 * math.sqrt(right / 100 * (1 - right / 100) / pictures)


def paired(differ: float, pictures: int) -> float:
    """The same of the difference of two, if one alone is right on a share of the pictures.

    Up to the square of the difference, which is small.
    """
    return 100 * math.sqrt(differ / pictures)
