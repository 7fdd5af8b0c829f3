"""Names for the expressions beside the numbers of the chapter on the depthwise convolution."""

from math import prod, sqrt

import torch
from torch import nn
from torchvision.models import resnext50_32x4d

from tests.book import definitions
from tests.numbers import code, minutes
from tools.counting import macs, macs_by_layer, on_meta, params

standard = nn.Conv2d(3, 5, 3, bias=False)
depthwise = definitions("depthwise").depthwise
example = depthwise(3)
STANDARD, EXAMPLE = macs(standard, 3, 6, 6), macs(example, 3, 6, 6)


def groups8(groups: int) -> int:
    return params(nn.Conv2d(8, 8, 3, groups=groups, bias=False))


# ResNeXt's first grouped layer, and the dense layer that it replaces.
resnext = on_meta(resnext50_32x4d).layer1[0].conv2
assert (resnext.in_channels, resnext.out_channels, resnext.groups) == (128, 128, 32)


def conv(c_in: int, c_out: int, kernel: int, groups: int = 1) -> nn.Conv2d:
    """A layer without a bias whose output has the side of its input."""
    padding = kernel // 2
    return on_meta(nn.Conv2d, c_in, c_out, kernel, padding=padding, groups=groups, bias=False)


def dense(channels: int) -> nn.Conv2d:
    return conv(channels, channels, 3)


def light(channels: int, stride: int = 1) -> nn.Conv2d:
    return on_meta(depthwise, channels, stride=stride, padding=1)


def moved(layer: nn.Conv2d, size: int) -> int:
    """How many numbers a layer reads and writes: its input, its weights, its output."""
    [(_, _, output)] = macs_by_layer(layer, layer.in_channels, size, size)
    return layer.in_channels * size**2 + params(layer) + prod(output)


def costs(layer: nn.Conv2d, size: int) -> tuple[int, int, float]:
    """MACs, bytes moved at four bytes a number, MACs per byte."""
    count, in_bytes = macs(layer, layer.in_channels, size, size), 4 * moved(layer, size)
    return count, in_bytes, count / in_bytes


# The layer from the middle of MobileNetV1.
FULL, FULL_BYTES, INTENSITY = costs(dense(512), 14)
LIGHT, LIGHT_BYTES, _ = costs(light(512), 14)

# The forgetful initialisation of 960 channels.
fan_out = torch.empty(960, 1, 3, 3)
nn.init.kaiming_normal_(fan_out, mode="fan_out")
FORGETFUL = sqrt(2 / (960 * 9))
assert abs(float(fan_out.std()) / FORGETFUL - 1) < 0.05


def relative_gradient(std: float) -> float:
    """How large the gradient is beside the weights of a depthwise layer before a batch norm."""
    torch.manual_seed(0)
    channels = 960
    network = nn.Sequential(depthwise(channels, padding=1), nn.BatchNorm2d(channels)).double()
    picture = torch.randn(2, channels, 14, 14, dtype=torch.float64)
    weight = network[0].weight
    with torch.no_grad():
        weight.copy_(std * torch.randn(weight.shape, dtype=torch.float64))
    out = network(picture)
    (out * torch.randn_like(out)).sum().backward()
    return float(weight.grad.norm() / weight.detach().norm())


# How many times more one step of gradient descent changes the layer with the forgetful weights.
STEP = relative_gradient(FORGETFUL) / relative_gradient(sqrt(2 / 9))

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


def kind(c_in: int, c_out: int, groups: int) -> str:
    """What a convolution is, in the words of the exercise's solution."""
    if c_in % groups or c_out % groups:
        return "refused"
    if c_in == groups == 1:
        return "both"
    return f"multiplier {c_out // c_in}" if groups == c_in else f"sees {c_in // groups}"


def third(*layers: tuple[int, int, int]) -> tuple[int, int]:
    """Outputs and groups of the third of five layers, if they are what the solution says."""
    said = ["multiplier 1", "multiplier 2", "refused", "sees 2", "both"]
    assert [kind(*layer) for layer in layers] == said
    return layers[2][1:]
