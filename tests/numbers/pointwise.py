"""Names for the expressions beside the numbers of the chapter on the pointwise convolution."""

import torch
from torch import nn
from torchvision.models import mobilenet_v2

from tests.book import definitions
from tests.counting import macs, on_meta, params, totals_by_kind, v1
from tests.numbers.common import minutes
from tools import papers

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


reduce, middle, expand = (
    pointwise(256, 64),
    nn.Conv2d(64, 64, 3, bias=False),
    pointwise(64, 256),
)
BOTTLENECK = params(reduce) + params(middle) + params(expand)
PLAIN = params(nn.Conv2d(256, 256, 3, bias=False))

# Exercise: how a block's work is shared, and the narrowest block of the published networks.
six = nn.Sequential(*[nn.Conv2d(1, 1, 1, padding=1) for _ in range(6)])
SIX = six(torch.empty(1, 1, 56, 56)).shape[-1]
PART = macs(pointwise(32, 144), 32, 8, 8) / (
    macs(pointwise(32, 144), 32, 8, 8)
    + macs(nn.Conv2d(32, 32, 3, padding=1, groups=32, bias=False), 32, 8, 8)
)
NARROW = (0.35, 0.5)
for width in NARROW:
    (depth, *_), narrow, _ = on_meta(mobilenet_v2, width_mult=width).features[1].conv
    assert depth.groups == depth.in_channels and narrow.out_channels == 8
    assert depth.weight.numel() > narrow.weight.numel()
