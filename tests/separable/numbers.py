"""Names for the expressions beside the numbers of the chapter on the separable convolution."""

from fractions import Fraction

import torch
from torch import nn

from tests.book import definitions
from tests.numbers import minutes
from tools import papers
from tools.counting import macs, params, totals_by_kind, v1

notebook = definitions("separable")
dw, pw = pair = notebook.bare_pair(3, 5)
standard = nn.Conv2d(3, 5, 3, bias=False)
DW, PW = macs(dw, 3, 6, 6), macs(pw, 3, 4, 4)
PAIR, STANDARD = macs(pair, 3, 6, 6), macs(standard, 3, 6, 6)


def block_macs(m: int, n: int, size: int, stride: int = 1) -> int:
    return macs(notebook.DepthwiseSeparableConv(m, n, stride), m, size, size)


def full_macs(m: int, n: int, size: int, stride: int = 1) -> int:
    layer = nn.Conv2d(m, n, 3, stride, padding=1, bias=False)
    return macs(layer, m, size, size)


def times(n: int, kernel: int = 3) -> float:
    """Counted, not computed by the formula that the page states."""
    full = nn.Conv2d(7, n, kernel, bias=False)
    light = notebook.bare_pair(7, n, kernel)
    return macs(full, 7, 9, 9) / macs(light, 7, 9, 9)


def first_width(saving: int, kernel: int) -> int:
    return next(n for n in range(1, 10_000) if times(n, kernel) >= saving)


# A random dense kernel and its best separable approximations.
dense = torch.randn(64, 64, 3, 3, generator=torch.Generator().manual_seed(0))
squares = torch.linalg.svdvals(dense.double().transpose(0, 1).flatten(2)) ** 2
KEPT = (100 * squares.cumsum(dim=1).sum(dim=0) / squares.sum()).tolist()

# V1 with full convolutions: each separable block becomes one 3×3 convolution.
FULL_V1 = macs(definitions("v1").with_full_convolutions(), 3, 224, 224)

# Speed-ups of trained networks without training them anew: Jaderberg et al. 2014 at a loss of less
# than 1 %, Guo et al. 2018 together with other methods (abstracts).
SPEEDUP, SPEEDUP_COMBINED = 4.5, 3.7
# Chollet 2017, Table 1: top-1 on ImageNet in per cent.
XCEPTION = {"Inception V3": 78.2, "Xception": 79.0}

t3 = papers.V1_TABLE3
t4 = papers.V1_TABLE4
T3_FULL, T3_BLOCK = full_macs(512, 512, 14), block_macs(512, 512, 14)
T3_RATIO = T3_FULL / T3_BLOCK
block512 = notebook.bare_pair(512, 512)
swapped = nn.Sequential(nn.Conv2d(3, 5, 1, bias=False), nn.Conv2d(5, 5, 3, groups=5, bias=False))
padded_pair = macs(definitions("depthwise").depthwise(3, padding=1), 3, 6, 6), macs(pw, 3, 6, 6)
padded_standard = full_macs(3, 5, 6)
totals = totals_by_kind(v1(), 3, 224, 224)
depthwise_share = 100 * totals["depthwise"][0] / sum(total[0] for total in totals.values())
STRIDE2 = block_macs(64, 128, 112, 2)
WIDEST = max(layer.out_channels for layer in v1().modules() if isinstance(layer, nn.Conv2d))


def both_ways(m: int, n: int, size: int, kernel: int, stride: int, padding: int) -> tuple[int, int]:
    """MACs of a standard layer and of the two that stand in for it."""
    full = nn.Conv2d(m, n, kernel, stride, padding, bias=False)
    light = nn.Conv2d(m, m, kernel, stride, padding, groups=m, bias=False)
    separable = nn.Sequential(light, nn.Conv2d(m, n, 1, bias=False))
    return macs(full, m, size, size), macs(separable, m, size, size)


def block_params(m: int, n: int) -> list[int]:
    """Parameters of the block's layers that have some, in order, and of all together."""
    block = notebook.DepthwiseSeparableConv(m, n)
    counts = [params(part) for stage in (block.depthwise, block.pointwise) for part in stage]
    return [*filter(None, counts), params(block)]


# The two layers of the example with 64×64×3.
depthwise = definitions("depthwise").depthwise(3, padding=1)
pointwise = definitions("pointwise").pointwise(3, 64)
