"""Every number of the page of interview questions, and where it comes from."""

from statistics import mean

import torch
from torch import nn
from torchvision.models import resnet50

from tests.book import definitions
from tests.claims import device, training
from tests.claims import v1 as first
from tests.claims import v3 as third
from tests.claims.cheatsheet import COST, KINDS, NETWORKS, TIME, params_million, share
from tests.claims.cheatsheet import first as first_filters
from tests.claims.separable import FULL_V1, times
from tests.claims.v2 import always
from tests.closed_world import computed, given, named
from tests.counting import macs, macs_by_layer, on_meta, params, v1, v2
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


PAGE = [
    given("D_K^2 M N, plus N if there is a bias."),
    given("the weights times the pixels of the output map, D_K^2 M N D_F^2."),
    given("{dropdown} Count one: 3×3, 128 → 256 channels, stride 2, a map of 56×56."),
    given("The output is 28×28."),
    computed("Weights: 9 × 128 × 256 = {:,}.", params(WORKED)),
    computed("MACs: 9 × 128 × 256 × 28 × 28 = {:,}.", macs(WORKED, 128, 56, 56)),
    computed("Depthwise, with the stride: 9 × 128 × 28 × 28 = {:,}.", WORKED_PARTS[0]),
    computed("Pointwise, on the smaller map: 128 × 256 × 28 × 28 = {:,}.", WORKED_PARTS[1]),
    computed(
        "Together {:,}: {:.2f} times fewer.",
        sum(WORKED_PARTS),
        macs(WORKED, 128, 56, 56) / sum(WORKED_PARTS),
    ),
    computed("V2 has about {:.0f} million MACs.", COST["V2"] / 1e6),
    given("{dropdown} What does groups=4 do in a convolution of 8 → 16 channels?"),
    given("Each 4 output channels read only the 2 input channels of their group."),
    given("\\frac{D_K^2 M D_F^2 + M N D_F^2}{D_K^2 M N D_F^2} = \\frac{1}{N} + \\frac{1}{D_K^2}."),
    computed(
        "For 3×3 and many channels it approaches a ninth and never gets there: "
        "{:.2f} times fewer at N = 64, {:.2f} at N = 1024.",
        times(64),
        times(1024),
    ),
    computed(
        "Into the pointwise layers: {:.1f} % in V1, {:.1f} % in V2.",
        share("V1", "pointwise"),
        share("V2", "pointwise"),
    ),
    computed(
        "The depthwise layers have {:.1f} % and {:.1f} %.",
        share("V1", "depthwise"),
        share("V2", "depthwise"),
    ),
    computed(
        "One of 256 channels on a map of 14×14 does {:.0f}.",
        intensity(nn.Conv2d(256, 256, 3, padding=1, groups=256, bias=False), 256, 14),
    ),
    computed(
        "A pointwise layer there does {:.0f}.",
        intensity(nn.Conv2d(256, 256, 1, bias=False), 256, 14),
    ),
    given(
        "One 3×3 convolution with stride 2, thirteen separable blocks, global "
        "average pooling, one linear layer."
    ),
    computed(
        "No shortcuts, no bottlenecks. {:.0f} million MACs, {:.1f} million "
        "parameters, 70.6 % on ImageNet.",
        COST["V1"] / 1e6,
        params_million("V1"),
    ),
    computed(
        "The paper compares with the same network in full convolutions: {} % "
        "against {} %, and takes {:.2f} times the MACs.",
        LITTLE["full"][0],
        LITTLE["separable"][0],
        FULL_V1 / COST["V1"],
    ),
    computed(
        "Half the width leaves {:.0f} % of V1's MACs and {:.0f} % of its parameters:",
        halved(v1_macs),
        halved(params),
    ),
    computed(
        "Half the side leaves {:.0f} % of the MACs and all parameters.",
        100 * v1_macs(v1(), 112) / v1_macs(v1()),
    ),
    given("Table 1 prints stride 2 for the last depthwise layer;"),
    given("it must be 1, as the next row's input shows."),
    computed("Table 2 prints {} % for the first layer;", papers.V1_TABLE2["standard"][0]),
    computed("it is {:.2f} %.", share("V1", "standard")),
    given("Whoever builds what Table 1 says gets a network that runs, with other MACs."),
    computed(
        "so the size of the input is free, and the classifier has {:,} weights.",
        KINDS["V1"]["fc"][1],
    ),
    computed(
        "And shortcuts join the narrow ends. {:.0f} million MACs, {:.1f} million parameters, {} %.",
        COST["V2"] / 1e6,
        params_million("V2"),
        papers.V2_TABLE4["MobileNetV2"][0],
    ),
    given(
        "mid = c_in t self.shortcut = stride == 1 and c_in == c_out expand = "
        "[nn.Conv2d(c_in, mid, 1, bias=False), nn.BatchNorm2d(mid), "
        "nn.ReLU6()] self.layers = nn.Sequential( (expand if t != 1 else []), "
        "nn.Conv2d(mid, mid, 3, stride, 1, groups=mid, bias=False), "
        "nn.BatchNorm2d(mid), nn.ReLU6(), nn.Conv2d(mid, c_out, 1, "
        "bias=False), nn.BatchNorm2d(c_out), )"
    ),
    given("no expansion at t = 1, no activation at the end, the shortcut by shape."),
    computed(
        "When its stride is 1 and it puts out as many channels as it takes in: {} of {} blocks.",
        sum(b.shortcut for b in NETWORKS["V2"].blocks),
        len(NETWORKS["V2"].blocks),
    ),
    given("{dropdown} Count a block: 64 → 64 channels, expansion 6, a map of 14×14."),
    given("It widens to 384 channels."),
    computed("Expansion: 64 × 384 × 196 = {:,}.", V2_BLOCK_PARTS[0]),
    computed("Depthwise: 9 × 384 × 196 = {:,}.", V2_BLOCK_PARTS[1]),
    computed("Together {:,} MACs.", sum(V2_BLOCK_PARTS)),
    given("The first block has t = 1, and then no expansion layer at all:"),
    computed(
        "with one, the network has {:,} parameters instead of {:,}, and no released weights load.",
        params(always),
        params(v2()),
    ),
    computed("The last layer keeps its {} channels when the width is below 1.", LAST),
    given("x · \\text{ReLU6}(x + 3)"),
    given("/ 6."),
    computed(
        "V3's Table 5 has {} ms with ReLU and {} with h-swish.",
        papers.V3_TABLE5["ReLU"][1],
        papers.V3_TABLE5["V3-Large 1.0"][1],
    ),
    computed(
        "With 960 channels: 2 × 960 × 240 + 960 + 240 = {:,} parameters, and "
        "hardly any MACs, as it sees one pixel.",
        params(SQUEEZE),
    ),
    computed(
        "The first layer has {} filters where V2 has {}.",
        first_filters("V3-Large"),
        first_filters("V2"),
    ),
    computed(
        "expansions and both ends are thinner. {:.2f} against {:.2f} million "
        "parameters, {:.0f} against {:.0f} million MACs.",
        params_million("V3-Large"),
        params_million("V2"),
        COST["V3-Large"] / 1e6,
        COST["V2"] / 1e6,
    ),
    computed(
        "let a search size V2's blocks by the clock, add squeeze-and-excite "
        "and h-swish, thin the ends. {:.0f}, {:.0f} and {:.0f} million MACs; "
        "{}, {} and {} %.",
        COST["V1"] / 1e6,
        COST["V2"] / 1e6,
        COST["V3-Large"] / 1e6,
        LITTLE["separable"][0],
        papers.V2_TABLE4["MobileNetV2"][0],
        TIME["V3-Large"][0],
    ),
    given("{dropdown} Network A has 0.4 points more than B."),
    given("They need many steps, and with a momentum of 0.01 many more."),
    given("{dropdown} You train on pictures of 32×32."),
    given(
        "The network halves the map five times, and a picture of 32×32 would "
        "be one pixel at the end."
    ),
    given("w' = s w and b' = \\beta - s \\mu, with s = \\gamma / \\sqrt{\\sigma^2 + \\epsilon}."),
    given("{dropdown} Why can 8 bits ruin a MobileNet, and what helps?"),
    given("{dropdown} You have 10 ms on a phone."),
    given("At stride 2 and an even side, TensorFlow's SAME padding is uneven:"),
    given("for 3×3 it puts zeros at the bottom and right only, PyTorch's padding=1 on all sides."),
    given("Kernels have another order of axes, and there may be 1001 classes."),
    given("And the epsilon of its batch norms is 0.001, PyTorch's 0.00001."),
    given(
        "The second sees numbers between 0 and 1, so the loss can't get small "
        "and the gradients are tiny."
    ),
    given("And if the first has stride 2?"),
    named(
        "Each layer adds D_K - 1 pixels, times the product of the strides before it.",
        "what a kernel adds",
    ),
    computed("At stride 1 that makes 1 + 2 + 2 + 2 = {};", window(stack(1, 1, 1), 33, 1)),
    computed(
        "with stride 2 in the first, 1 + 2 + 2 × 2 + 2 × 2 = {}.", window(stack(2, 1, 1), 33, 1)
    ),
    computed(
        "In V1 the fourteen 3×3 layers and their five strides make a window of {} pixels a side:",
        window(NETWORKS["V1"], 224),
    ),
    given("wider than the picture of 224."),
    computed(
        "\\alpha = 0.75 leaves {:.1f} % of them, pictures of 160×160 leave {:.1f} %.",
        100 * first.GRID[0.75, 224] / COST["V1"],
        100 * first.GRID[1.0, 160] / COST["V1"],
    ),
    computed(
        "The released networks have {} and {} %;", first.TOP1[0.75, 224], first.TOP1[1.0, 160]
    ),
    named(
        "Smaller pictures shrink the maps more, with \\rho^2 instead of \\alpha, "
        "and lose small things in them.",
        "the rule of the chapter",
    ),
    computed(
        "{{dropdown}} Compare V1 with ResNet-50. {:.1f} million MACs against "
        "{:,.1f}: {:.1f} times fewer. {:.2f} million parameters against "
        "{:.2f}: {:.1f} times fewer.",
        COST["V1"] / 1e6,
        RESNET_MACS / 1e6,
        RESNET_MACS / COST["V1"],
        params_million("V1"),
        RESNET_PARAMS / 1e6,
        RESNET_PARAMS / params(NETWORKS["V1"]),
    ),
    computed(
        "On one core of a server, each in its fastest form in 32 bits, {:.2f} "
        "ms against {:.2f}, and that is {:.1f} times faster.",
        device.best("V1")[0],
        device.best("ResNet-50")[0],
        device.best("ResNet-50")[0] / device.best("V1")[0],
    ),
    computed(
        "by a longer training V1 itself went from {} to {:.1f} %.",
        T4["separable"][0],
        papers.TIMM_V1_TOP1,
    ),
    computed(
        "On 14×14, V1 goes from 512 channels to 512: 512 × 512 = {:,} weights at each place.",
        params(conv(512, 512, 1)),
    ),
    computed("V2 goes from 64 to 384 and back: 2 × 64 × 384 = {:,}.", 2 * params(conv(64, 384, 1))),
    computed(
        "In all that is {:.1f} million MACs against {:.1f}, or {:.0f} %.",
        COST["V2"] / 1e6,
        COST["V1"] / 1e6,
        100 * COST["V2"] / COST["V1"],
    ),
    computed(
        "The wide one, 960 × 1280 = {:,} weights, is used once and not at 49 places.",
        params(conv(960, 1280, 1)),
    ),
    computed(
        "The whole shorter end saves {:,} MACs against MnasNet-A1's, but adds parameters.",
        sum(third.OLD_END) - sum(third.NEW_END),
    ),
    given("{dropdown} A machine does 100 billion MACs and moves 20 billion bytes a second."),
    given("What limits a depthwise 3×3 and a pointwise layer, 512 channels on 14×14, in 32 bits?"),
    computed("The roofline bends at 100 / 20 = {:.0f} MACs per byte.", SPEED / MOVES),
    computed(
        "The depthwise layer has {:,} MACs for {:,} bytes, an intensity of {:.2f}:",
        WORK["depthwise"],
        BYTES["depthwise"],
        WORK["depthwise"] / BYTES["depthwise"],
    ),
    computed("memory is its limit, {:.0f} microseconds.", BOUND["depthwise"]),
    computed(
        "The pointwise one has {:,} for {:,}, or {:.2f}:",
        WORK["pointwise"],
        BYTES["pointwise"],
        WORK["pointwise"] / BYTES["pointwise"],
    ),
    computed("arithmetic, {:.0f} microseconds.", BOUND["pointwise"]),
    computed(
        "It has {:.1f} times the MACs and takes, at these bounds, {:.1f} times as long.",
        WORK["pointwise"] / WORK["depthwise"],
        BOUND["pointwise"] / BOUND["depthwise"],
    ),
    computed(
        "V1 at a width of 0.25, with ten classes {:,} parameters, where V2 at 0.35 has {:,}.",
        params(V1_TEN),
        params(THIN_TEN),
    ),
    computed(
        "On our digits it won, by {:.2f} points at equal MACs after {} epochs, by {:.2f} after {}.",
        training.MEAN["thinned"] - training.MEAN["separable"],
        training.RECIPE.epochs,
        mean(training.LONG_AHEAD),
        learning.LONGER,
    ),
    given(
        "{dropdown} Your V1 runs at 224, raises an error at 192, and runs "
        "again at 256, where it is poor."
    ),
    named("AvgPool2d(7) fits the map of 7×7 at 224.", "code, and the window of the paper's table"),
    computed(
        "At 192 the map is {}×{}, smaller than the window.",
        first.sides(192)[-1],
        first.sides(192)[-1],
    ),
    computed(
        "At 256 it is 8×8, and the window sees {} of its 64 places, without a word.", first.SEEN
    ),
    named("AdaptiveAvgPool2d(1) fits any map.", "code"),
    given("(A network trained at 224 may be weaker at 256 in any case.)"),
]
# How often each name with a digit in it stands there.
PAGE_NAMES = {
    "1×1": 7,
    "3×3": 9,
    "5×5": 3,
    "7×7": 1,
    "A1": 2,
    "AdaptiveAvgPool2d": 1,
    "AvgPool2d": 1,
    "BatchNorm2d": 3,
    "Conv2d": 3,
    "MobileNetV1": 2,
    "MobileNetV2": 1,
    "MobileNetV3": 1,
    "MobileNetV4": 2,
    "ReLU6": 8,
    "ResNet-50": 1,
    "V1": 28,
    "V2": 33,
    "V3": 25,
    "VGG-16": 2,
}
