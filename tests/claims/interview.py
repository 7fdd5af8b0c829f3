"""Every number of the page of interview questions, and where it comes from."""

import torch
from torch import nn

from tests.book import definitions
from tests.claims.cheatsheet import COST, KINDS, NETWORKS, TIME, first, params_million, share
from tests.claims.separable import FULL_V1, times
from tests.claims.v2 import always
from tests.closed_world import computed, given
from tests.counting import macs, macs_by_layer, params, v1, v2
from tools import papers

# A layer to count by hand: 128 to 256 channels, 3×3, stride 2, on a map of 56×56.
WORKED = nn.Conv2d(128, 256, 3, 2, padding=1, bias=False)
WORKED_LIGHT = definitions("separable").DepthwiseSeparableConv(128, 256, 2)
WORKED_PARTS = [count for _, count, _ in macs_by_layer(WORKED_LIGHT.to("meta"), 128, 56, 56)]
# V2's block of 64 channels at 14×14, and its three layers.
BLOCK = definitions("v2").InvertedResidual(64, 64, 1, 6)
BLOCK_PARTS = [count for _, count, _ in macs_by_layer(BLOCK.to("meta"), 64, 14, 14)]
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
    computed("Expansion: 64 × 384 × 196 = {:,}.", BLOCK_PARTS[0]),
    computed("Depthwise: 9 × 384 × 196 = {:,}.", BLOCK_PARTS[1]),
    computed("Together {:,} MACs.", sum(BLOCK_PARTS)),
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
    computed("The first layer has {} filters where V2 has {}.", first("V3-Large"), first("V2")),
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
]
# How often each name with a digit in it stands there.
PAGE_NAMES = {
    "1×1": 5,
    "3×3": 6,
    "5×5": 2,
    "A1": 1,
    "BatchNorm2d": 3,
    "Conv2d": 3,
    "MobileNetV1": 2,
    "MobileNetV2": 1,
    "MobileNetV3": 1,
    "MobileNetV4": 2,
    "ReLU6": 8,
    "V1": 18,
    "V2": 28,
    "V3": 20,
    "VGG-16": 2,
}
