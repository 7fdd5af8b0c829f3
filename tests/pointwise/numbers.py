"""Names for the expressions beside the numbers of the chapter on the pointwise convolution."""

import torch
from torch import nn
from torchvision.models import mobilenet_v2

from tests.book import definitions
from tests.numbers import code, minutes
from tools import papers
from tools.counting import macs, on_meta, params, totals_by_kind, v1

pointwise = definitions("pointwise").pointwise
example = pointwise(3, 5)
EXAMPLE = macs(example, 3, 4, 4)
PADDED = macs(nn.Conv2d(3, 5, 1, padding=1, bias=False), 3, 4, 4)

# GoogLeNet's module 3a.
a = papers.INCEPTION_3A
direct = nn.Conv2d(a["in"], a["out"], 5, padding=2, bias=False)
DIRECT = macs(direct, a["in"], 28, 28)
SHRINK = macs(pointwise(a["in"], a["reduce"]), a["in"], 28, 28)
REDUCED = SHRINK + macs(
    nn.Conv2d(a["reduce"], a["out"], 5, padding=2, bias=False), a["reduce"], 28, 28
)

# Zhang et al. 2018 (ShuffleNet), Tables 2 and 3: per cent of errors on ImageNet at "1×", by its 1×1
# layers; with eight groups there are more channels, so that the million MACs stay.
SHUFFLENET = {"million": 140, "dense": 33.6, "grouped": 37.6, "shuffled": 32.4}

# MobileNetV1 by layer type.
totals = totals_by_kind(v1(), 3, 224, 224)
whole = [sum(total[column] for total in totals.values()) for column in (0, 1)]
shares = {
    kind: [100 * part / all_of_it for part, all_of_it in zip(total, whole, strict=True)]
    for kind, total in totals.items()
}
PRINTED_SUM = sum(row[0] for row in papers.V1_TABLE2.values())
ROUNDED_SUM = sum(round(share[0], 2) for share in shares.values())


def table2_row(kind: str) -> tuple:
    """Printed and counted shares of a kind of layer in V1's MACs and parameters, in per cent."""
    printed, (macs_counted, weights_counted) = papers.V1_TABLE2[kind], shares[kind]
    return printed.macs, macs_counted, printed.params, weights_counted


def plain_weights(channels: int, kernel: int) -> int:
    return params(nn.Conv2d(channels, channels, kernel, bias=False))


def bottleneck_weights(wide: int, thin: int, kernel: int) -> int:
    around = params(pointwise(wide, thin)) + params(pointwise(thin, wide))
    return around + plain_weights(thin, kernel)


def side(size: int, *layers: tuple[int, int, int]) -> int:
    """The side of a map behind layers that are given as (kernel, padding, stride)."""
    convs = [nn.Conv2d(1, 1, kernel, stride, padding) for kernel, padding, stride in layers]
    return nn.Sequential(*convs)(torch.empty(1, 1, size, size)).shape[-1]


def times(n: int, kernel: int) -> float:
    """MACs of a pointwise layer to n channels over those of the depthwise one before: counted."""
    depth = nn.Conv2d(32, 32, kernel, padding=kernel // 2, groups=32, bias=False)
    return macs(pointwise(32, n), 32, 8, 8) / macs(depth, 32, 8, 8)


def equal(kernel: int) -> int:
    """The number of output channels for which the two layers cost the same."""
    return next(n for n in range(1, 1000) if times(n, kernel) >= 1)


def pair_macs(m: int, k: int, n: int) -> int:
    """MACs a pixel of two pointwise layers, from m through k to n channels."""
    return macs(pointwise(m, k), m, 1, 1) + macs(pointwise(k, n), k, 1, 1)


def threshold(m: int, n: int) -> int:
    """The first width of the middle at which the two no longer cost less than one layer."""
    merged = macs(pointwise(m, n), m, 1, 1)
    return next(k for k in range(1, n) if pair_macs(m, k, n) >= merged)


# From V2's third block into its fourth: what the projection reads, its output, what it becomes.
(*_, project, _), (grow, *_) = (on_meta(mobilenet_v2).features[at].conv for at in (3, 4))
assert project.out_channels == grow[0].in_channels
v2_meeting = project.in_channels, project.out_channels, grow[0].out_channels

# The narrowest block of the published networks.
NARROW = (0.35, 0.5)
for width in NARROW:
    (depth, *_), narrow, _ = on_meta(mobilenet_v2, width_mult=width).features[1].conv
    assert depth.groups == depth.in_channels and narrow.out_channels == 8
    assert depth.weight.numel() > narrow.weight.numel()
