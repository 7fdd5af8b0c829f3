"""Every number of the chapter on the separable convolution, and where it comes from."""

from fractions import Fraction

import torch
from torch import nn

from tests.book import definitions
from tests.claims.common import reading_minutes
from tests.closed_world import computed, given, named, printed
from tests.counting import macs, params, v1
from tools import papers

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

t3 = papers.V1_TABLE3
t4 = papers.V1_TABLE4
T3_FULL, T3_BLOCK = full_macs(512, 512, 14), block_macs(512, 512, 14)
T3_RATIO = T3_FULL / T3_BLOCK
block512 = notebook.bare_pair(512, 512)
swapped = nn.Sequential(nn.Conv2d(3, 5, 1, bias=False), nn.Conv2d(5, 5, 3, groups=5, bias=False))
block = notebook.DepthwiseSeparableConv(64, 128, 2)
PARTS = [params(part) for stage in (block.depthwise, block.pointwise) for part in stage]
EXERCISE = block_macs(128, 256, 56, 2)
EXERCISE_FULL = full_macs(128, 256, 56, 2)
STRIDE2 = block_macs(64, 128, 112, 2)


# The two layers of the example with 64×64×3.
depthwise = definitions("depthwise").depthwise(3, padding=1)
pointwise = definitions("pointwise").pointwise(3, 64)


def saving_row(n: int):
    return computed("| {} | {:.2f} | {:.2f} | {:.2f} |", n, times(n, 3), times(n, 5), times(n, 7))


PAGE = [
    reading_minutes("separable"),
    named(
        '"8 to 9 times cheaper" is true, and what',
        "Howard et al. 2017, section 3.1",
    ),
    named("also with stride 2", "a layer that halves the map"),  # The worked example
    given("From 6×6×3 to 4×4×3 with three filters of 3×3; from 4×4×3 to 4×4×5 with"),
    given("five of 1×1×3."),
    given("from a 6 by 6 by 3 input to a 4 by 4 by 5 output"),
    computed("with five 3 by 3 by 3 filters: {:,} MACs", STANDARD),
    computed("with three 3 by 3 filters, {}, then", DW),
    computed("with five 1 by 1 by 3 filters, {}: together {} MACs", PW, PAIR),
    computed("= {} | 3 × 3 × 3 = {} |", DW, params(dw)),
    computed("= {} | 3 × 5 = {} |", PW, params(pw)),
    computed("{} + {} = {} | {} + {} = {} |", DW, PW, PAIR, 27, 15, params(pair)),
    computed("= {:,} | 3 × 3 × 3 × 5 = {} |", STANDARD, params(standard)),
    computed("{} / {:,} ≈ {:.4f} of the cost", PAIR, STANDARD, PAIR / STANDARD),
    computed("{} / {} ≈ {:.4f} of the weights", 42, 135, params(pair) / 135),
    computed("{:,} / {} ≈ {:.3f} times", STANDARD, PAIR, STANDARD / PAIR),
    # The ratio
    named(
        r"\frac{D_K^2 M D_F^2 + M N D_F^2}{D_K^2 M N D_F^2}"
        r" = \frac{1}{N} + \frac{1}{D_K^2}",
        "counted by the notebook for seven widths",
    ),
    computed("1/5 + 1/9 ≈ {:.4f}", PAIR / STANDARD),
    named(
        r"\frac{1}{1/N + 1/D_K^2} = \frac{N · D_K^2}{N + D_K^2}",
        "the inverse of equation (4.1)",
    ),
    named("As N grows, 1/N vanishes and 1/9 remains: the limit is 9,", "1/N + 1/9"),
    computed("At N = 1024, V1's widest, it is {:.2f}", times(1024)),
    named("for kernels 3, 5 and 7", "the figure's three curves"),
    computed("dotted limit: {}, {} and {}", 3**2, 5**2, 7**2),
    computed("{:.2f} times at 64 channels and {:.2f} times at 1024", times(64), times(1024)),
    *map(saving_row, (5, 32, 64, 72, 128, 512, 1024)),
    computed(
        r'"8 to 9 times", as the V1 paper says of its 3×3 layers, needs N \geq {}',
        first_width(8, 3),
    ),
    # Stride
    named("With stride 2 the depthwise layer does the jumping", "the V1 block"),
    given("64×64×3 to 64×64×64, a 3×3 kernel"),
    computed("64 × 64 × 64 = {:,}", full_macs(3, 64, 64)),
    computed("3 × 3 × 3 × 64 × 64 = {:,}", macs(depthwise, 3, 64, 64)),
    computed("3 × 64 × 64 × 64 = {:,}", macs(pointwise, 3, 64, 64)),
    computed("110,592 + 786,432 = {:,}", block_macs(3, 64, 64)),
    computed(
        "which is {:.2f} times cheaper. (You",
        full_macs(3, 64, 64) / block_macs(3, 64, 64),
    ),
    named('"about 8.5 times" for this example', "a claim that circulates, and is wrong"),
    computed(
        "That would take {} output channels",
        next(n for n in range(1, 999) if times(n) > 8.4999),
    ),
    computed(
        "With stride 2 both counts fall to a quarter, {:,} and {:,}",
        full_macs(3, 64, 64, 2),
        block_macs(3, 64, 64, 2),
    ),
    # The block
    named("the standard block: 3 by 3 convolution from M to N", "the figure"),
    named("the separable block: 3 by 3 depthwise with M groups", "the figure"),
    named("then 1 by 1 pointwise from M to N", "the figure"),
    computed("clips it at {:.0f} (ReLU6)", float(nn.ReLU6()(torch.tensor(1e9)))),
    # What is lost
    computed("K has {} entries made of {} numbers", params(standard), params(pair)),
    computed("one separable convolution keeps {:.0f} per cent", KEPT[0]),
    computed("two keep {:.0f}, three {:.0f}, and nine keep {:.0f}", KEPT[1], KEPT[2], KEPT[8]),
    given("a random 3×3 kernel from 64 to 64 channels"),
    computed("One keeps {:.0f} %. To", KEPT[0]),
    computed("9 × (1/64 + 1/9) = {}", float(9 * (Fraction(1, 64) + Fraction(1, 9)))),
    printed(
        "reached {} % on ImageNet with {} million MACs; with separable ones, {} % with {} million",
        *t4["full"][:2],
        *t4["separable"][:2],
        where="Howard et al. 2017, Table 4",
    ),
    computed("That is {:.1f} points", t4["full"][0] - t4["separable"][0]),
    computed("for {:.2f} times less work", t4["full"][1] / t4["separable"][1]),
    # The paper's numbers
    named("Table 3 of takes one layer", "Howard et al. 2017"),
    given("3×3 from 512 to 512 channels on a 14×14 map"),
    computed(
        "| Convolution | {} M | {:,} | {} M | {:,} |",
        t3["convolution"][0],
        T3_FULL,
        t3["convolution"][1],
        params(nn.Conv2d(512, 512, 3, bias=False)),
    ),
    computed(
        "| Depthwise separable | {} M | {:,} | {} M | {:,} |",
        t3["separable"][0],
        T3_BLOCK,
        t3["separable"][1],
        params(block512),
    ),
    computed("The ratio is {:.2f}, as in the table", T3_RATIO),
    computed(
        "Table 4 gives {} / {} ≈ {:.2f}",
        t4["full"][1],
        t4["separable"][1],
        t4["full"][1] / t4["separable"][1],
    ),
    printed(
        "{} leaves the classifier out, {} has it in",
        t4["full"][1],
        t4["separable"][1],
        where="Howard et al. 2017, Table 4",
    ),
    computed("in both the ratio is {:.2f}", FULL_V1 / macs(v1(), 3, 224, 224)),
    # What is often got wrong
    computed("they do {} and {} MACs", DW, PW),
    computed("of a random kernel with 64 outputs, {:.0f} % survives", KEPT[0]),
    given("For 112×112×64 to 128 channels at stride 2"),
    computed(
        "pair takes {:,} MACs; with the input's side one gets {:,}",
        STRIDE2,
        4 * STRIDE2,
    ),
    named('"3 to 10 times cheaper."', "a claim that circulates"),
    computed("With 3×3 kernels at most {}, and", 3**2),
    given("5×5 with 128 outputs"),
    computed("outputs gives {:.2f}", times(128, 5)),
    computed("3×3 becomes 3×1 and 1×3, {} weights instead of {}", 3 + 3, 3 * 3),
    named("Pairs of 7×1 and 1×7 layers", "Szegedy et al. 2016, Figure 6 with n = 7"),
    # Key points
    computed("{} + {} = {} MACs instead of {:,}", DW, PW, PAIR, STANDARD),
    named(
        "1/N + 1/D_K^2 of the cost remains; the saving never reaches D_K^2",
        "equation (4.1)",
    ),
    computed(
        "For 3×3 it is {:.2f} times at 64 outputs, {:.0f} at 72, {:.2f} at 1024",
        times(64),
        times(72),
        times(1024),
    ),
    # Exercises
    given("takes 56×56×128 to 28×28×256 with a 3×3 kernel, stride 2, padding 1"),
    computed("28 × 28 = {:,}. Separable", EXERCISE_FULL),
    computed("28 × 28 = {:,}. The ratio", EXERCISE),
    computed("{:,} / {:,} ≈ {:.3f}", EXERCISE_FULL, EXERCISE, EXERCISE_FULL / EXERCISE),
    computed("1 / (1/256 + 1/9) ≈ {:.3f}", times(256)),
    given("a 5×5 separable layer at least 20 times cheaper? And a 3×3 one at least 9 times"),
    named(r"25 N / (N + 25) \geq 20: that is 5 N \geq 500", "algebra"),
    computed(r"so N \geq {}", first_width(20, 5)),
    named(r"9 N \geq 9 N + 81 has no solution", "algebra"),
    given('"left minus right", (1, 0, -1) in each row'),
    given("the pointwise weights 2 and −3"),
    computed("The rows are ({}, {}, {}) for", *(2 * w for w in (1, 0, -1))),
    computed("({}, {}, {}) for the second", *(-3 * w for w in (1, 0, -1))),
    given("With a channel multiplier of 2"),
    given("from 64 to 128 channels with stride 2, with the number"),
    computed("Depthwise 3×3, 64 groups, stride 2: {}. Batch norm: {}.", *PARTS[:2]),
    computed("Pointwise: {:,}. Batch norm: {}.", *PARTS[3:5]),
    computed("= {:,}", params(block)),
    # Interview questions
    named(
        "(D_K^2 M D_F^2 + M N D_F^2) / (D_K^2 M N D_F^2) = 1/N + 1/D_K^2",
        "equation (4.1)",
    ),
    computed("it costs {:,} MACs instead of {}", macs(swapped, 3, 6, 6), PAIR),
]
NOTEBOOK = [
    given("6×6×3 goes in, 4×4×3 is between, 4×4×5 comes out"),
    named("cost is 1/N + 1/D_K^2; its inverse", "equation (4.1)"),
    given("enough output channels reach 10 times"),
    named("The curve never reaches D_K^2.", "the limit"),
    computed('"8 to 9 times" for 3×3 holds from N = {} on', first_width(8, 3)),
    named("The paper's Table 3", "Howard et al. 2017"),
    given("512 channels on a 14×14 map"),
    printed(
        "prints {} and {} million MACs, and {} and {} million parameters",
        t3["convolution"][0],
        t3["separable"][0],
        t3["convolution"][1],
        t3["separable"][1],
        where="Howard et al. 2017, Table 3",
    ),
    computed("has {} entries, made of {} numbers", params(standard), params(pair)),
    computed("It needs {} weights instead of {}", 3 + 3, 3 * 3),
    named("Exercise 1: the order", "the first exercise"),
    named("Exercise 2: does", "the second exercise"),
    named("satisfies f(x) + f(-x) = 2 f(0)", "what the exercise checks"),
    computed("{} + {} = {} MACs instead of {:,}", DW, PW, PAIR, STANDARD),
    named("in general 1/N + 1/D_K^2 of", "equation (4.1)"),
]

FIGURES = [
    *(computed("{:.0f}", kept) for kept in KEPT),
    computed("{:,} MACs", STANDARD),
    given("5 filters of 3×3×3"),
    computed("{}", DW),
    computed("{}", PW),
    given("3 of 3×3"),
    given("5 of 1×1×3"),
    computed("{} + {} = {} MACs", DW, PW, PAIR),
    *(computed("limit {} for {}×{}", k**2, k, k) for k in (3, 5, 7)),
    *(computed("N = {}: {:.2f}×", n, times(n)) for n in (64, 1024)),
]

# How often each name with a digit in it stands there.
PAGE_NAMES = {
    "3×3": 17,
    "5×5": 4,
    "7×7": 2,
    "MobileNetV1": 5,
    "MobileNetV3": 1,
    "ReLU6": 1,
    "V1": 5,
    "VGG-16": 2,
}
NOTEBOOK_NAMES = {"3×3": 4, "MobileNetV1": 3, "V1": 1}
FIGURES_NAMES = {"1×1": 1, "3×3": 4, "5×5": 1, "7×7": 1}
