"""Every number of the chapter on the standard convolution, and where it comes from."""

import torch
from torch import nn
from torchvision.models import ResNet50_Weights, VGG16_Weights, resnet50, vgg16

from tests.book import definitions
from tests.claims.common import reading_minutes
from tests.closed_world import computed, given, named, printed
from tests.counting import macs, macs_by_layer, on_meta, params, v1
from tools import papers

output_size = definitions("convolution").output_size

# The worked example.
example = nn.Conv2d(3, 5, 3, bias=False)
padded = nn.Conv2d(3, 5, 3, padding=1, bias=False)
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

stride2 = nn.Conv2d(64, 128, 3, stride=2, padding=1, bias=False)
STRIDE2 = macs(stride2, 64, 112, 112)
fives = nn.Conv2d(16, 32, 5, stride=2, padding=2, bias=False)
wide = nn.Conv2d(512, 512, 3, padding=1, bias=False)
wider = nn.Conv2d(1024, 1024, 3, padding=1, bias=False)


def resnet_row(label: str, part: str, *size: int):
    count, stored = parts[part]
    return computed(
        "| {} | {}×{} | {:,} | {:.1f} % | {:,} | {:.2f} % |",
        label,
        *size,
        count,
        100 * count / RESNET_MACS,
        stored,
        100 * stored / RESNET_PARAMS,
    )


FIRST = torch.tensor([[1.0, 2, 0], [0, 1, 3], [2, 1, 1]])
EDGE = torch.tensor([[1.0, 0, -1]] * 3)
OUTPUT = on_meta(nn.Conv2d, 3, 5, 3)(torch.empty(1, 3, 6, 6, device="meta")).shape

PAGE = [
    reading_minutes("convolution"),
    # One number
    given(r"1 & 2 & 0 ; 0 & 1 & 3 ; 2 & 1 & 1"),
    given(r"1 & 0 & -1 ; 1 & 0 & -1 ; 1 & 0 & -1"),
    computed("1 + 0 + 2 - 0 - 3 - 1 = {:.0f}", float((FIRST * EDGE).sum())),
    given("all nine values are 7"),
    # One channel
    given("image of 6×6 pixels"),
    computed("column 1, 2, 3 or {} of six", 6 - 3 + 1),
    computed("4 × 4 = {}. A window", output_size(6, 3) ** 2),
    # All channels, all filters
    given("block of 3×3×3 weights"),
    given("Three stacked 6 by 6 grids with a 3 by 3 window marked"),
    given("one filter of three 3 by 3 grids; to the right a single 4 by 4 grid"),
    given("three stacked 6 by 6 grids, five filters"),
    computed("output of five stacked {} by {} grids", *OUTPUT[2:]),
    computed("6×6×3 to {1}×{2}×{0} with 3×3 filters", *OUTPUT[1:]),
    computed("4 × 4 × 5 = {}", OUTPUT.numel()),
    computed("3 × 3 × 3 = {} |", example.weight[0].numel()),
    computed("80 × 27 = {:,}", EXAMPLE),
    computed("80 × 26 = {:,}", EXAMPLE - OUTPUT.numel()),
    computed("3 × 3 × 3 × 5 = {} |", params(example)),
    computed("this layer costs {:,} MACs", EXAMPLE),
    computed("gets 2 × {:,} = {:,}", EXAMPLE, 2 * EXAMPLE),
    # Padding and stride
    named(r"{D + 2p - D_K}{s} \rfloor + 1", "equation (1.3), checked by the notebook"),
    given("Three 6 by 6 grids with dots where the middle of a 3 by 3 window may stand"),
    computed("{0} by {0} dots without padding", output_size(6, 3)),
    computed("{0} by {0} dots with a frame of one pixel", output_size(6, 3, 1)),
    computed("{0} by {0} dots with the frame and a stride", output_size(6, 3, 1, 2)),
    given("Our example without padding, with padding 1, and with padding 1 and stride 2"),
    computed(r"\lfloor (6 + 0 - 3) / 1 \rfloor + 1 = {}", output_size(6, 3)),
    computed(r"\lfloor (6 + 2 - 3) / 1 \rfloor + 1 = {}", output_size(6, 3, 1)),
    computed(r"\lfloor (6 + 2 - 3) / 2 \rfloor + 1 = {}", output_size(6, 3, 1, 2)),
    computed("How much does padding 1 add to the {:,} MACs", EXAMPLE),
    computed("The output is {0}×{0} now", output_size(6, 3, 1)),
    computed("6 × 6 = {:,} MACs, and {:,} / {:,}", PADDED, PADDED, EXAMPLE),
    computed("= {}: more than double", PADDED / EXAMPLE),
    computed("The weights are still {}", params(padded)),
    named("With stride 1 and padding that is harmless. With stride 2 it", "two strides"),
    # Too much for a phone
    given("one picture of 224×224"),
    computed("it takes {:,} MACs and holds {:,} parameters", VGG_MACS, VGG_PARAMS),
    computed("At 30 pictures a second that is {:.0f} billion", 30 * VGG_MACS / 1e9),
    computed("as 32-bit numbers, fill {:.0f} MB", 32 / 8 * VGG_PARAMS / 1e6),
    computed("takes {:,} MACs and {:,} parameters. On", V1_MACS, V1_PARAMS),
    printed(
        "Table 8 gives it {} % accuracy against VGG-16's {} %",
        papers.V1_TABLE8["1.0 MobileNet-224"][0],
        papers.V1_TABLE8["VGG 16"][0],
        where="Howard et al. 2017, Table 8",
    ),
    computed("convolutions, up to {:.0f}, and", max(r[1] for r in convolutions) / 1e6),
    computed("convolutions, then {:.0f} for the first", params(linears[0][0]) / 1e6),
    given("layer by layer, at 224×224"),
    computed("convolutions do {:.2f} % of the MACs", 100 * CONV_MACS / VGG_MACS),
    computed("layers hold {:.1f} % of the parameters", 100 * FC_PARAMS / VGG_PARAMS),
    computed("the first of them alone {:,}", params(linears[0][0])),
    computed(
        "uses its {:,} weights at 224 × 224 = {:,} places",
        SECOND[0].weight.numel(),
        torch.Size(SECOND[2][1:]).numel(),
    ),
    computed("36,864 × 50,176 = {:,}", SECOND[1]),
    computed(
        "which is {:.2f} % of the network in {:.2f} % of its parameters",
        100 * SECOND[1] / VGG_MACS,
        100 * params(SECOND[0]) / VGG_PARAMS,
    ),
    computed("half of its work ({:.1f} %)", 100 * one_by_one / RESNET_MACS),
    resnet_row("first 7×7", "conv1", 112, 112),
    resnet_row("stage 1", "layer1", 56, 56),
    resnet_row("stage 2", "layer2", 28, 28),
    resnet_row("stage 3", "layer3", 14, 14),
    resnet_row("stage 4", "layer4", 7, 7),
    resnet_row("classifier", "fc", 1, 1),
    computed("| all | | {:,} | | {:,} |", RESNET_MACS, RESNET_PARAMS),
    computed(
        "stages 3 and 4 hold {:.1f} % of them",
        100 * (parts["layer3"][1] + parts["layer4"][1]) / RESNET_PARAMS,
    ),
    # The papers' numbers
    printed(
        "Table 8, VGG-16 | {} million mult-adds",
        papers.V1_TABLE8["VGG 16"][1],
        where="Howard et al. 2017, Table 8",
    ),
    computed(
        "mult-adds | {:,} | without the fully connected layers it is {:,} |",
        VGG_MACS,
        CONV_MACS,
    ),
    printed(
        "Table 8, VGG-16 | {} million parameters",
        papers.V1_TABLE8["VGG 16"][2],
        where="Howard et al. 2017, Table 8",
    ),
    computed("parameters | {:,} | agrees", VGG_PARAMS),
    computed("the convolutions alone have {:,} |", CONV_PARAMS),
    printed(
        "Table 1, ResNet-50 | {} × 10^9 FLOPs",
        papers.RESNET50_FLOPS,
        where="He et al. 2016, Table 1",
    ),
    computed("FLOPs | {:,} | these are MACs", RESNET_MACS),
    computed(
        "| {0:.2f} and {1:.2f} GFLOPS | {0:.2f} and {1:.2f} G MACs |",
        VGG16_Weights.IMAGENET1K_V1.meta["_ops"],
        ResNet50_Weights.IMAGENET1K_V1.meta["_ops"],
    ),
    computed("torchvision's ResNet-50 takes {:,} MACs", PAPER_RESNET_MACS),
    printed("close to the paper's {}.", papers.RESNET50_FLOPS, where="He et al. 2016"),
    computed("It would round to {:.1f}.", PAPER_RESNET_MACS / 1e9),
    printed("why the paper has {}.", papers.RESNET50_FLOPS, where="He et al. 2016"),
    # What is often got wrong
    given("A layer of 112×112×64 to 128 channels, 3×3, stride 2,"),
    computed("has a {0}×{0} output", output_size(112, 3, 1, 2)),
    computed("the formula says {:,} MACs", 9 * 64 * 128 * 112 * 112),
    computed("the layer does {:,}", STRIDE2),
    computed("here 2 × 2 = {:.0f}", 9 * 64 * 128 * 112 * 112 / STRIDE2),
    computed("MobileNetV1 has {:.2f} GFLOPs.", V1_MACS / 1e9),
    computed("It has {:.2f} billion MACs", V1_MACS / 1e9),
    computed("which are {:.2f} GFLOPs", 2 * V1_MACS / 1e9),
    computed("but hold {:.1f} % of the parameters", 100 * CONV_PARAMS / VGG_PARAMS),
    computed(
        "torchinfo says {:,} and PyTorch's FlopCounterMode {:,}",
        VGG_MACS + CONV_BIASES + FC_BIASES,
        VGG_MACS,
    ),
    computed("= {:,}", CONV_BIASES + FC_BIASES),
    computed("{:,} additions in the convolutions", CONV_BIASES),
    computed("and {:,} in the fully connected layers", FC_BIASES),
    # Key points
    named("MACs are D_K^2 · M · N · D_F^2 with", "equation (1.1)"),
    named("weights are D_K^2 · M · N, whatever", "equation (1.2)"),
    computed("6×6×3 to 4×4×5 costs {:,} MACs; with padding it costs {:,}", EXAMPLE, PADDED),
    # Exercises
    given("A map of 32×32×16 meets 32 filters of 5×5, with padding 2 and stride 2"),
    computed(
        "The side is \\lfloor (32 + 4 - 5) / 2 \\rfloor + 1 = {0}, so the output is {0}×{0}×32",
        output_size(32, 5, 2, 2),
    ),
    computed("× 16 × 16 = {:,} MACs", macs(fives, 16, 32, 32)),
    computed("5 × 5 × 16 × 32 = {:,} weights", params(fives)),
    given("3×3 convolution with padding 1 works on a 14×14×512 map and gives 14×14×512"),
    given("feed it 28×28 maps"),
    computed("= {:,} MACs. A map of twice", macs(wide, 512, 14, 14)),
    computed("four times the MACs, {:,}, and", macs(wide, 512, 28, 28)),
    computed("the same {:,} weights", params(wide)),
    computed("four times the weights as well: {:,}", params(wider)),
    named("stride 1, and a padding of (D_K - 1) / 2.", "follows from equation (1.3)"),
    computed("= {:,} instead of {:,}", PADDED, EXAMPLE),
    named("that needs stride 1, with padding", "equation (1.3)"),
    computed("leaves {:,} of {:,} parameters", CONV_PARAMS, VGG_PARAMS),
    computed("hardly at all, by {:.2f} %", 100 * (1 - CONV_MACS / VGG_MACS)),
    computed("{:.1f} % of all MACs remain", 100 * HALF_MACS / VGG_MACS),
    computed("{:,} parameters remain, {:.1f} %", HALF_PARAMS, 100 * HALF_PARAMS / VGG_PARAMS),
    # Interview questions
    named("about D_K^2 times at stride 1", "checked by the notebook's im2col"),
    given("A 7×7 convolution or three 3×3 ones"),
    computed("has {} C^2 weights, the three have {} C^2", 7 * 7, 3 * 3 * 3),
    computed("The first layer of VGG-16 takes {:,} MACs", convolutions[0][1]),
    computed("with {} input channels, {} / 3", SECOND[0].in_channels, SECOND[0].in_channels),
    computed("≈ {:.2f} times as many", SECOND[1] / convolutions[0][1]),
]
NOTEBOOK = [
    given("6×6×3 goes in, five filters of 3×3×3, {1}×{2}×{0} comes out".format(*OUTPUT[1:])),
    given("a 3×3 kernel, padding 1, stride 2. Then"),
    computed("output is {0}×{0}, not {1}×{1}", output_size(6, 3, 1), output_size(6, 3)),
    computed("weights would fill {:.0f} MB", 4 * VGG_PARAMS / 1e6),
    computed("larger than ours by {:.1f} million", (CONV_BIASES + FC_BIASES) / 1e6),
    named("Exercise 1: a bigger", "the first exercise"),
    named("Exercise 2: dilation", "the second exercise"),
    named("whose side is a multiple of 32", "five times halved by pooling"),
    given("the real network fits only 224"),
    named("gaps of dilation - 1 pixels", "the definition of dilation"),
    named("cost is D_K^2 · M · N · D_F^2, with the output", "equation (1.1)"),
]

FIGURES = [
    computed("6×6 → {0}×{0}", output_size(6, 3)),
    computed("6×6 → {0}×{0}", output_size(6, 3, 1)),
    computed("6×6 → {0}×{0}", output_size(6, 3, 1, 2)),
    given("padding 1 6×6"),
    given("padding 1, stride 2"),
    given("input 6×6×3"),
    computed("{} filters", OUTPUT[1]),
    computed("output {1}×{2}×{0}", *OUTPUT[1:]),
    given("one filter 3×3×3"),
    computed("{} products, added up", example.weight[0].numel()),
]

# How often each name with a digit in it stands there.
PAGE_NAMES = {
    "1×1": 5,
    "3×3": 7,
    "5×5": 1,
    "7×7": 4,
    "Conv2d": 1,
    "MobileNetV1": 3,
    "ResNet-50": 4,
    "V1": 5,
    "V2": 2,
    "VGG-16": 12,
    "im2col": 1,
}
NOTEBOOK_NAMES = {"1×1": 1, "3×3": 2, "7×7": 1, "Conv2d": 2, "VGG-16": 6, "im2col": 2}
FIGURES_NAMES = {"3×3": 1}
