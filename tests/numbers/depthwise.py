"""Names for the expressions beside the numbers of the chapter on the depthwise convolution."""

from math import sqrt

import torch
from torch import nn
from torchvision.models import resnext50_32x4d

from tests.book import definitions
from tests.counting import macs, on_meta, params
from tests.numbers.common import minutes

standard = nn.Conv2d(3, 5, 3, bias=False)
depthwise = definitions("depthwise").depthwise
example = depthwise(3)
STANDARD, EXAMPLE = macs(standard, 3, 6, 6), macs(example, 3, 6, 6)


def groups8(groups: int) -> int:
    return params(nn.Conv2d(8, 8, 3, groups=groups, bias=False))


# ResNeXt's first grouped layer, and the dense layer that it replaces.
resnext = on_meta(resnext50_32x4d).layer1[0].conv2
assert (resnext.in_channels, resnext.out_channels, resnext.groups) == (128, 128, 32)

# The layer from the middle of MobileNetV1.
full = nn.Conv2d(512, 512, 3, padding=1, bias=False)
light = depthwise(512, padding=1)
FULL, LIGHT = macs(full, 512, 14, 14), macs(light, 512, 14, 14)
MAPS = 2 * 512 * 14 * 14 * 4
FULL_BYTES, LIGHT_BYTES = MAPS + 4 * params(full), MAPS + 4 * params(light)
INTENSITY = FULL / FULL_BYTES

# The forgetful initialisation of 960 channels.
fan_out = torch.empty(960, 1, 3, 3)
nn.init.kaiming_normal_(fan_out, mode="fan_out")
FORGETFUL = sqrt(2 / (960 * 9))
assert abs(float(fan_out.std()) / FORGETFUL - 1) < 0.05

# Batch norm before any training, and how slowly it forgets.
fresh_norm = nn.BatchNorm2d(1)
REMAINS = (1 - fresh_norm.momentum) ** 5

# PyTorch's default initialisation: how much one layer with a ReLU shrinks a signal.
torch.manual_seed(0)
signal = torch.randn(4, 64, 32, 32).relu()
layer = nn.Conv2d(64, 256, 3, padding=1, bias=False)
FADE = sqrt(6)
with torch.no_grad():
    faded = layer(signal).relu()
assert (
    abs(
        float(signal.norm() / signal.numel() ** 0.5)
        / FADE
        / float(faded.norm() / faded.numel() ** 0.5)
        - 1
    )
    < 0.05
)

# Exercises.
dials = {g: nn.Conv2d(64, 128, 5, padding=2, groups=g, bias=False) for g in (1, 4, 64)}
first = depthwise(32, padding=1)
FIRST = macs(first, 32, 112, 112)
FIRST_NUMBERS = 2 * 32 * 112 * 112 + params(first)
