"""Every number of the chapter on the pointwise convolution, and where it comes from."""

import torch
from torch import nn
from torchvision.models import mobilenet_v2

from tests.book import definitions
from tests.claims.common import reading_minutes
from tests.closed_world import computed, given, named, printed
from tests.counting import macs, on_meta, params, totals_by_kind, v1
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


def table2_row(label: str, kind: str):
    """Printed and counted shares of one layer type, side by side."""
    (macs_printed, weights_printed), (macs_counted, weights_counted) = (
        papers.V1_TABLE2[kind],
        shares[kind],
    )
    return computed(
        "| {} | {:.2f} % | {:.2f} % | {:.2f} % | {:.2f} % |",
        label,
        macs_printed,
        macs_counted,
        weights_printed,
        weights_counted,
    )


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

PAGE = [
    reading_minutes("pointwise"),
    given("say 200 of red, 100 of green, 50 of blue"),
    printed(
        "0.299 × 200 + 0.587 × 100 + 0.114 × 50 = 124.2",
        where="ITU-R BT.601 (the three weights)",
    ),
    given("Three stacked 4 by 4 grids with one pixel"),
    given("five stacked 4 by 4 grids with the same pixel"),
    given("stood at 4×4×3 after the depthwise layer. The pointwise layer takes it to 4×4×5"),
    computed("4 × 4 × 5 × 3 = {}", EXAMPLE),
    computed("with 5 × 3 = {} weights", params(example)),
    named("with D_K = 1", "the definition"),
    computed("here, 5×3 times 3×16 gives 5×{}", 4 * 4),
    # Fewer channels, more channels
    printed(
        "takes a {0}×{0} map of {1} channels to {2} channels with a 5×5 kernel",
        a["size"],
        a["in"],
        a["out"],
        where="Szegedy et al. 2015, Table 1, inception (3a)",
    ),
    printed("Through {} channels", a["reduce"], where="Szegedy et al. 2015, Table 1"),
    computed("5 × 5 × 192 × 32 × 28 × 28 = {:,}", DIRECT),
    computed("192 × 16 × 28 × 28 = {:,}", SHRINK),
    computed("5 × 5 × 16 × 32 × 28 × 28 = {:,}", REDUCED - SHRINK),
    computed("2,408,448 + 10,035,200 = {:,}", REDUCED),
    computed("This is {:.2f} times cheaper", DIRECT / REDUCED),
    # Where a MobileNet's work goes
    given("In a pair with M = N = 512 channels"),
    named("what remains is N / D_K^2", "equation (3.1) over (2.1)"),
    computed("512 / 9 ≈ {:.1f}: the pointwise layer does {:.0f} times", 512 / 9, 512 / 9),
    computed("Of the multiply-accumulates, {:.2f} per cent", shares["pointwise"][0]),
    computed("Of the weights, {:.2f} per cent", shares["pointwise"][1]),
    named("the first 3 by 3 layer", "the stem of V1"),
    given("MobileNetV1 at 224×224"),
    # The paper's numbers
    named("Table 2 of gives these shares", "Howard et al. 2017"),
    table2_row("1×1 convolution", "pointwise"),
    table2_row("3×3 depthwise", "depthwise"),
    table2_row("first 3×3 convolution", "standard"),
    table2_row("fully connected", "fc"),
    computed("column of MACs adds up to {:.2f} %", PRINTED_SUM),
    computed("ours to {:.2f} %, which is 100 but", ROUNDED_SUM),
    computed("Two digits of {:.2f} seem", shares["standard"][0]),
    # What is often got wrong
    named("padding=1 on a 1×1.", "the mistake"),
    computed("Our 4×4 map becomes {0}×{0} and", 4 + 2),
    computed("rises from {} to {} MACs", EXAMPLE, PADDED),
    computed("Thirteen such layers turn a 7×7 map into {0}×{0}", 7 + 13 * 2),
    computed("They are {:.2f} % of V1's MACs", shares["depthwise"][0]),
    # Key points
    named("M · N · D_F^2 MACs, M · N weights", "equations (3.1) and (3.2)"),
    computed("4×4×3 to 4×4×5 costs {} MACs", EXAMPLE),
    computed(
        "takes {:.2f} % of the MACs and holds {:.2f} % of the weights",
        *shares["pointwise"],
    ),
    # Exercises
    named("0 & 0 & 1 ; 0 & 1 & 0 ; 1 & 0 & 0", "the notebook's matrix `swap`"),
    named("0 & 1 & 0 \\end", "green is the second of three"),
    given("reduces 256 channels to 64, applies a 3×3 kernel from 64 to 64, and expands to 256"),
    given("on a 56×56 map"),
    given("a single 3×3 convolution from 256 to 256"),
    computed("64 × 256 = {:,} weights", BOTTLENECK),
    computed("3 × 3 × 256 × 256 = {:,}", PLAIN),
    computed("{:,} / {:,} ≈ {:.2f}", PLAIN, BOTTLENECK, PLAIN / BOTTLENECK),
    given("takes 56×56×64 to 58×58×128"),
    given("3×3 depthwise convolution with padding=1 and"),
    given("both with stride 1"),
    named("layer keeps the 56; the pointwise layer was padded too and made 58", "56 + 2"),
    computed("Each block adds {}, so after six the map has a side of 56 + 6 × 2 = {}", 2, SIX),
    named("ratio is N / D_K^2, so", "equation (3.1) over (2.1)"),
    computed("at N = {} and at N = {}", 3 * 3, 5 * 5),
    given("at N = 144 with a 3×3 kernel"),
    computed("At N = 144 it is 144 / 9 = {}: of {} parts", 144 // 9, 144 // 9 + 1),
    computed("layer has {}, which is {:.1f} %", 16, 100 * PART),
    computed("has more than {} outputs", 3 * 3),
    computed("at widths of {} and {} starts with a block of {}", *NARROW, narrow.out_channels),
    # Interview questions
    computed("Three quarters, {:.2f} %, are", shares["pointwise"][1]),
    computed("a quarter, {:.2f} %, in the classifier", shares["fc"][1]),
    computed("depthwise filters are {:.2f} %", shares["depthwise"][1]),
]
NOTEBOOK = [
    named("padding=1 is right for a 3×3", "the mistake"),
    printed(
        "shrinks {} channels to {} before a 5×5 convolution to {}.",
        a["in"],
        a["reduce"],
        a["out"],
        where="Szegedy et al. 2015, Table 1, inception (3a)",
    ),
    named("from the paper's Table 1:", "Howard et al. 2017"),
    named("The paper's Table 2 prints", "Howard et al. 2017"),
    printed("exception: {:.2f} % for", papers.V1_TABLE2["standard"][0], where="Table 2"),
    computed("where we count {:.2f} %", shares["standard"][0]),
    named("does not add up to 100; ours does", "per cent"),
    named("Exercise 1: undo", "the first exercise"),
    named("Exercise 2: two", "the second exercise"),
]

FIGURES = [
    given("input 4×4×3"),
    computed("{}×{} weights", *example.weight.shape[:2]),
    computed("output 4×4×{}", example.out_channels),
    *(computed("{:.2f} %", share) for share in shares["pointwise"]),
]

# How often each name with a digit in it stands there.
PAGE_NAMES = {
    "1×1": 16,
    "3×3": 9,
    "5×5": 3,
    "7×7": 1,
    "MobileNetV1": 7,
    "MobileNetV2": 3,
    "ResNet-50": 1,
    "V1": 1,
    "im2col": 2,
}
NOTEBOOK_NAMES = {"1×1": 5, "3×3": 2, "5×5": 1, "7×7": 1, "MobileNetV1": 4, "im2col": 1}
FIGURES_NAMES = {"3×3": 1, "MobileNetV1": 1}
