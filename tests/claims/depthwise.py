"""Every number of the chapter on the depthwise convolution, and where it comes from."""

from math import sqrt

import torch
from torch import nn
from torchvision.models import resnext50_32x4d

from tests.book import definitions
from tests.claims.common import reading_minutes
from tests.closed_world import computed, given, named
from tests.counting import macs, on_meta, params

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

PAGE = [
    reading_minutes("depthwise"),
    computed("a layer with {} times fewer MACs does not", FULL // LIGHT),
    computed("does not save {} times the memory traffic", FULL // LIGHT),
    given("worked example again: 6×6×3 goes in"),
    given("had filters of 3×3×3, each of which"),
    given("a 6 by 6 channel with a marked 3 by 3 window, an arrow to a single 3 by 3"),
    computed("an arrow to a {0} by {0} channel", 4),
    computed("Each of the 4 × 4 = {} places", 4 * 4),
    computed("3 × 3 × 3 × 4 × 4 = {}", EXAMPLE),
    computed("2,160 / 432 = {:.0f}. Where", STANDARD / EXAMPLE),
    computed("with 3 × 3 × 3 = {} weights", params(example)),
    computed("took {:,} MACs with {} weights", STANDARD, params(standard)),
    # The dial
    given("Four 8 by 8 tables of input against output channels"),
    computed("With one group all cells are filled and there are {} weights", groups8(1)),
    computed("two blocks on the diagonal and {} weights", groups8(2)),
    computed("four small blocks and {} weights", groups8(4)),
    computed("only the diagonal and {} weights", groups8(8)),
    given("for a 3×3 convolution from 8 to 8 channels"),
    named("groups=1 is the standard convolution", "the default of nn.Conv2d"),
    given("groups=2 is two convolutions side by side"),
    computed("groups={} is what ResNeXt", resnext.groups),
    computed(
        "first 3×3 layers go from {} to {} channels with {:,} weights instead of {:,}",
        resnext.in_channels,
        resnext.out_channels,
        params(resnext),
        params(nn.Conv2d(128, 128, 3, bias=False)),
    ),
    computed("nn.Conv2d(3, 5, 3), have the shape {}", tuple(standard.weight.shape)),
    given("the weights of nn.Conv2d(3, 3, 3, groups=3)?"),
    computed("{}: three filters", tuple(nn.Conv2d(3, 3, 3, groups=3).weight.shape)),
    # The channel multiplier
    given("nn.Conv2d(3, 6, 3, groups=3) gives each"),
    computed("and {} channels come out", 2 * 3),
    named("groups=1 and groups=in_channels are then the same", "in_channels is 1"),
    # What it cannot do
    computed("Of the {} weights of a dense", params(nn.Conv2d(3, 3, 3, bias=False))),
    computed("three channels, {} are zero for ever", 81 - params(example)),
    computed("{:,} / {} = {} times, once", STANDARD, params(standard), 16),
    computed("{} / {} = {} times. The same", EXAMPLE, params(example), 16),
    # Cheap to compute is not cheap to move
    given("a 14×14 map of 512 channels"),
    computed("| standard, 512 to 512 | {:,} | {:,} | {:.1f} |", FULL, FULL_BYTES, INTENSITY),
    computed(
        "| depthwise, 512 | {:,} | {:,} | {:.1f} |",
        LIGHT,
        LIGHT_BYTES,
        LIGHT / LIGHT_BYTES,
    ),
    computed("layer takes {} times fewer MACs than", FULL // LIGHT),
    given("roughly: 500, 100 or 10?"),
    named("About 10: it is", "one of the three choices"),
    computed("{:,} / {:,} ≈ {:.2f}", FULL_BYTES, LIGHT_BYTES, FULL_BYTES / LIGHT_BYTES),
    computed("{:,} bytes of the {:,}", MAPS, LIGHT_BYTES),
    # A trap
    named(r"\sqrt{2 / \text{fan}}", "He et al. 2015, equation (10)"),
    computed("the kernel's {} weights, and it", 3 * 3),
    given("For 960 depthwise channels that makes 960 × 9"),
    computed("960 × 9 = {:,} outputs", fan_out.shape[0] * fan_out[0].numel()),
    computed("where one input reaches only {}.", 3 * 3),
    computed(r"\sqrt{{960}} ≈ {:.2f}", sqrt(960)),
    computed("standard deviation of {:.4f} instead of {:.4f}", FORGETFUL, sqrt(2 / 9)),
    computed(
        '"mean {:.0f}, variance {:.0f}"',
        float(fresh_norm.running_mean),
        float(fresh_norm.running_var),
    ),
    computed(r"about \sqrt{{6}} ≈ {:.2f} times", FADE),
    # What is often got wrong
    named("With groups=2 each output still sees half", "two groups"),
    computed("“{} times fewer operations".replace("“", '"'), FULL // LIGHT),
    computed("operations, so {} times faster", FULL // LIGHT),
    computed("It moves {:.2f} times fewer bytes", FULL_BYTES / LIGHT_BYTES),
    # Key points
    named("D_K^2 · M · D_F^2 MACs, D_K^2 · M weights", "equations (2.1) and (2.2)"),
    computed("6×6×3 to 4×4×3 costs {} MACs", EXAMPLE),
    named("from standard (1) to depthwise", "one group"),
    # Exercises
    given("A 5×5 convolution from 64 to 128 channels gives a 28×28 map"),
    given("with 1, 4 and 64 groups"),
    computed("= {:,} weights, used at", params(dials[1])),
    computed("28 × 28 = {} places", 28 * 28),
    computed("× 784 = {:,} MACs. With 4 groups", macs(dials[1], 64, 28, 28)),
    computed("both: {:,} and {:,}.", params(dials[4]), macs(dials[4], 64, 28, 28)),
    computed("With 64 groups: {:,} and {:,}.", params(dials[64]), macs(dials[64], 64, 28, 28)),
    computed("a channel multiplier of {}", 128 // 64),
    given(
        "Conv2d(8, 8, 3, groups=8), Conv2d(8, 16, 3, groups=8), "
        "Conv2d(8, 12, 3, groups=8), Conv2d(8, 8, 3, groups=4), "
        "Conv2d(1, 8, 3, groups=1)"
    ),
    named("12 is not a multiple of 8", "the third layer of the exercise"),
    given("a 112×112 map of 32 channels"),
    given("(stride 1, four bytes a number)"),
    computed("MACs: 3 × 3 × 32 × 112 × 112 = {:,}", FIRST),
    computed("+ 3 × 3 × 32 = {:,}, which", FIRST_NUMBERS),
    computed("4 × {:,} = {:,} bytes", FIRST_NUMBERS, 4 * FIRST_NUMBERS),
    computed("That is {:.2f} MACs per byte", FIRST / (4 * FIRST_NUMBERS)),
    computed("With the default of {} a few are not", fresh_norm.momentum),
    computed("after five batches, {:.0f} % of the old", 100 * REMAINS),
    # Interview questions
    given("nn.Conv2d(c, c, 3, padding=1, groups=c, bias=False)"),
    computed("a standard convolution of 512 channels does {:.1f}", INTENSITY),
]
NOTEBOOK = [
    named("turn groups from 1 to the number", "the standard convolution"),
    given("The worked example: 6×6×3 goes in"),
    given("With 64 channels in and out, turn it from 1 (standard) to 64 (depthwise)"),
    named("groups=in_channels is groups=1. Depthwise", "in_channels is 1"),
    named(r"\sqrt{2 / \text{fan}}; the 2 makes up", "He et al. 2015, equation (10)"),
    computed("output about {:.0f} times smaller", sqrt(960)),
    computed(r"(\sqrt{{960}} ≈ {:.2f})", sqrt(960)),
    named("Exercise 1: ResNeXt", "the first exercise"),
    named("Exercise 2: find", "the second exercise"),
    computed(
        "ResNeXt sets groups={} in a 3×3 convolution from {} to {} channels",
        resnext.groups,
        resnext.in_channels,
        resnext.out_channels,
    ),
    given("3×3 convolution from 4 to 4 channels, groups=4, and"),
]

FIGURES = [
    *(given(f"channel {i}") for i in (1, 2, 3)),
    given("input 6×6×3"),
    computed("output {0}×{0}×{1}", 4, example.out_channels),
    *(
        computed("groups = {}: {} {} weights", groups, kind, groups8(groups))
        for groups, kind in ((1, "standard"), (2, "grouped"), (4, "grouped"), (8, "depthwise"))
    ),
]

# How often each name with a digit in it stands there.
PAGE_NAMES = {"3×3": 5, "5×5": 1, "Conv2d": 11, "MobileNetV1": 2, "mobilenet_v2": 1}
NOTEBOOK_NAMES = {"3×3": 2}
FIGURES_NAMES = {"3×3": 1}
