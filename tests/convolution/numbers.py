"""Names for the expressions beside the numbers of the chapter on the standard convolution."""

import torch
from torch import nn
from torchvision.models import resnet50, vgg16

from tests.book import definitions
from tests.numbers import code, minutes
from tools import papers
from tools.counting import macs, macs_by_layer, on_meta, params, v1

output_size = definitions("convolution").output_size


def conv(c_in: int, c_out: int, kernel: int, padding: int = 0, stride: int = 1) -> nn.Conv2d:
    """A layer without a bias, of the size that a question gives."""
    return on_meta(nn.Conv2d, c_in, c_out, kernel, stride, padding, bias=False)


# The worked example.
example, padded = conv(3, 5, 3), conv(3, 5, 3, 1)
EXAMPLE, PADDED = macs(example, 3, 6, 6), macs(padded, 3, 6, 6)

# VGG-16, layer by layer.
vgg = on_meta(vgg16)
VGG_MACS, VGG_PARAMS = macs(vgg, 3, 224, 224), params(vgg)
layers = macs_by_layer(vgg, 3, 224, 224)
convolutions = [row for row in layers if isinstance(row[0], nn.Conv2d)]
linears = [row for row in layers if isinstance(row[0], nn.Linear)]
CONV_MACS = sum(row[1] for row in convolutions)
CONV_PARAMS = sum(params(row[0]) for row in convolutions)
FC_PARAMS = sum(params(row[0]) for row in linears)
SECOND = convolutions[1]
CONV_BIASES = sum(torch.Size(shape).numel() for _, _, shape in convolutions)
FC_BIASES = sum(row[0].bias.numel() for row in linears)

# VGG-16 with half the channels in every convolution.
half = on_meta(vgg16)
for i, old in enumerate(half.features):
    if isinstance(old, nn.Conv2d):
        m = 3 if old.in_channels == 3 else old.in_channels // 2
        half.features[i] = on_meta(nn.Conv2d, m, old.out_channels // 2, 3, padding=1)
half.classifier[0] = on_meta(nn.Linear, 256 * 7 * 7, 4096)
HALF_MACS, HALF_PARAMS = macs(half, 3, 224, 224), params(half)

# ResNet-50, part by part, and with the stride where its paper has it.
resnet = on_meta(resnet50)
RESNET_MACS, RESNET_PARAMS = macs(resnet, 3, 224, 224), params(resnet)
names = {id(layer): name for name, layer in resnet.named_modules()}
parts = {part: [0, params(module)] for part, module in resnet.named_children()}
parts["conv1"][1] += parts["bn1"][1]
one_by_one = 0
for layer, count, _ in macs_by_layer(resnet, 3, 224, 224):
    parts[names[id(layer)].partition(".")[0]][0] += count
    one_by_one += count if getattr(layer, "kernel_size", None) == (1, 1) else 0

paper_resnet = on_meta(resnet50)
for module in paper_resnet.modules():
    if getattr(getattr(module, "conv2", None), "stride", None) == (2, 2):
        module.conv1.stride, module.conv2.stride = (2, 2), (1, 1)
PAPER_RESNET_MACS = macs(paper_resnet, 3, 224, 224)

# MobileNetV1, from timm.
V1_MACS, V1_PARAMS = macs(v1(), 3, 224, 224), params(v1())

STRIDE2 = macs(conv(64, 128, 3, 1, 2), 64, 112, 112)


def seen(*layers: tuple[int, int]) -> int:
    """The side of the window that one number behind some layers sees, by asking for gradients.

    Each layer is its kernel and its stride.
    """
    net = nn.Sequential(*[nn.Conv2d(1, 1, kernel, stride) for kernel, stride in layers])
    for weight in net.parameters():
        nn.init.ones_(weight)
    size = 1
    for kernel, stride in reversed(layers):
        size = stride * (size + 1) + kernel  # more than enough
    picture = torch.zeros(1, 1, size, size, requires_grad=True)
    out = net(picture)
    out[0, 0, 0, 0].backward()
    return int((picture.grad[0, 0, 0] != 0).sum())


V1_SEES = seen(
    *[(m.kernel_size[0], m.stride[0]) for m in v1().modules() if isinstance(m, nn.Conv2d)]
)

# Winograd's method: one multiplication for each input of a tile of m by m outputs.
WINOGRAD = {m: (m + 3 - 1) ** 2 for m in (2, 4)}


FIRST = torch.tensor([[1.0, 2, 0], [0, 1, 3], [2, 1, 1]])
EDGE = torch.tensor([[1.0, 0, -1]] * 3)
OUTPUT = on_meta(nn.Conv2d, 3, 5, 3)(torch.empty(1, 3, 6, 6, device="meta")).shape
