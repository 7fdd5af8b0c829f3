"""Names for the expressions beside the numbers of the page of interview questions."""

from statistics import mean

import torch
from torch import nn
from torchvision.models import resnet50

from tests.book import definitions
from tests.counting import macs, macs_by_layer, on_meta, params, v1, v2
from tests.numbers import device, training
from tests.numbers import v1 as first
from tests.numbers import v3 as third
from tests.numbers.cheatsheet import COST, KINDS, NETWORKS, TIME, params_million, share
from tests.numbers.cheatsheet import first as first_filters
from tests.numbers.separable import FULL_V1, times
from tests.numbers.v2 import always
from tools import learning, papers

# A layer to count by hand: 128 to 256 channels, 3×3, stride 2, on a map of 56×56.
WORKED = nn.Conv2d(128, 256, 3, 2, padding=1, bias=False)
WORKED_LIGHT = definitions("separable").DepthwiseSeparableConv(128, 256, 2)
WORKED_PARTS = [count for _, count, _ in macs_by_layer(WORKED_LIGHT.to("meta"), 128, 56, 56)]
# V2's block of 64 channels at 14×14, and its three layers.
V2_BLOCK = definitions("v2").InvertedResidual(64, 64, 1, 6)
V2_BLOCK_PARTS = [count for _, count, _ in macs_by_layer(V2_BLOCK.to("meta"), 64, 14, 14)]
SQUEEZE = definitions("v3").SqueezeExcitation(960, 240)
LITTLE = papers.V1_TABLE4


def halved(what) -> float:
    """What half the width leaves of V1, in per cent."""
    return 100 * what(v1(width_mult=0.5)) / what(v1())


def v1_macs(network, size: int = 224) -> int:
    return macs(network, 3, size, size)


def intensity(layer: nn.Module, channels: int, size: int) -> float:
    """MACs for each number that the layer reads or writes."""
    out = layer(torch.zeros(1, channels, size, size)).numel()
    moved = channels * size * size + out + layer.weight.numel()
    return macs(layer, channels, size, size) / moved


LAST = [m for m in NETWORKS["V2"].modules() if isinstance(m, nn.Linear)][0].in_features


# ---------------------------------------------------------------- more to count


def conv(m: int, n: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(m, n, kernel, stride, kernel // 2, groups=groups, bias=False)


def window(network: nn.Module, size: int, channels: int = 3) -> int:
    """The side of the window that one number of the last map sees."""
    side, step = 1, 1
    for layer, _, _ in macs_by_layer(network, channels, size, size):
        if isinstance(layer, nn.Conv2d):
            side += (layer.kernel_size[0] - 1) * step
            step *= layer.stride[0]
    return side


def stack(*strides: int) -> nn.Module:
    return nn.Sequential(*(conv(1, 1, 3, stride) for stride in strides)).to("meta")


RESNET = on_meta(resnet50)

RESNET_MACS, RESNET_PARAMS = macs(RESNET, 3, 224, 224), params(RESNET)

THIN_TEN, V1_TEN = v2(width_mult=0.35, num_classes=10), v1(width_mult=0.25, num_classes=10)

T4, T5, T9 = papers.V1_TABLE4, papers.V3_TABLE5, papers.V3_TABLE9

SPEED, MOVES = 100e9, 20e9  # MACs and bytes in a second


def moved(layer: nn.Conv2d, size: int) -> int:
    """Bytes that a layer can't avoid: input, weights and output, at 32 bits."""
    maps = (layer.in_channels + layer.out_channels) * size * size
    return 4 * (maps + layer.weight.numel())


MIDDLE = {"depthwise": conv(512, 512, 3, groups=512), "pointwise": conv(512, 512, 1)}

WORK = {kind: macs(layer, 512, 14, 14) for kind, layer in MIDDLE.items()}

BYTES = {kind: moved(layer, 14) for kind, layer in MIDDLE.items()}

BOUND = {kind: 1e6 * max(WORK[kind] / SPEED, BYTES[kind] / MOVES) for kind in MIDDLE}

assert WORK["depthwise"] / SPEED < BYTES["depthwise"] / MOVES

assert WORK["pointwise"] / SPEED > BYTES["pointwise"] / MOVES
