"""Every number of the page on notation, and where it comes from."""

import timm
from torch import nn
from torchvision.models import mobilenet_v3_large

from tests.closed_world import computed, given, named, printed
from tests.counting import macs, on_meta, params, v1, v2
from tools import papers
from tools.variants import paper_v3

LARGE = on_meta(mobilenet_v3_large)
(MOMENTUM,) = {m.momentum for m in LARGE.modules() if isinstance(m, nn.BatchNorm2d)}
THIRD = LARGE.features[3].block  # behind the stem and two blocks
IN, INSIDE = THIRD[0][0].in_channels, THIRD[0][0].out_channels
DROPOUT = next(m.p for m in LARGE.modules() if isinstance(m, nn.Dropout))
THIN = params(on_meta(mobilenet_v3_large, width_mult=0.75))
PAPERS_THIN = params(on_meta(paper_v3, "large", 0.75))
FLOPS = 2 * macs(v2(), 3, 224, 224)
V1, V2 = v1(), v2()
V1_MILLION = macs(V1, 3, 224, 224) / 1e6
CONVS = sum(isinstance(m, nn.Conv2d) for m in V1.modules())
LINEAR = sum(isinstance(m, nn.Linear) for m in V1.modules())
V1_TOP1, V2_TOP1 = papers.V1_TABLE4["separable"][0], papers.V2_TABLE4["MobileNetV2"][0]
MAP = next(m for m in V1.blocks[6].modules() if isinstance(m, nn.Conv2d))

# timm's second row of V2: two blocks that widen six times, to 24 channels, the first at stride 2.
ROW = on_meta(timm.create_model, "mobilenetv2_100").blocks[1]
WIDTH = on_meta(timm.create_model, "mobilenetv2_140").conv_head.out_channels / 1280

assert timm.models.is_model("mobilenetv2_140")

PAGE = [
    computed(
        "In its V2, ir_r{}_k{}_s{}_e{}_c{} is two inverted residuals, 3×3, "
        "first stride {}, expansion {}, to {} channels.",
        len(ROW),
        ROW[0].conv_dw.kernel_size[0],
        ROW[0].conv_dw.stride[0],
        ROW[0].conv_pw.out_channels // ROW[0].conv_pw.in_channels,
        ROW[0].conv_pwl.out_channels,
        ROW[0].conv_dw.stride[0],
        ROW[0].conv_pw.out_channels // ROW[0].conv_pw.in_channels,
        ROW[0].conv_pwl.out_channels,
    ),
    named("| Here | V2, Table 2 | torchvision | timm |", "Sandler et al. 2018"),
    named("| V3, Table 1 | Meaning | torchvision |", "Howard et al. 2019"),
    computed("A name such as mobilenetv2_{:.0f} in timm gives the width in per cent.", 100 * WIDTH),
    printed(
        '"{} MobileNet-{}", in V1\'s paper, has a width of {} and pictures of {}×{}.',
        *(0.75, 128, 0.75, 128, 128),
        where="Howard et al. 2017, Table 14",
    ),
    named(r"| \sigma^2 | running_var", "a square"),
    named("| share of a new batch | momentum | 1 − momentum |", "Keras' documentation"),
    given("At stride 2 the cost is then wrong by a factor of four."),
    computed("V2 has {:.1f} million MACs, so {:.1f} million FLOPs.", FLOPS / 2e6, FLOPS / 1e6),
    computed("An expansion of {}. In V3's table", INSIDE),
    computed(
        "goes from {} to {}, so its factor is {}, and timm writes e{}.",
        *(IN, INSIDE, INSIDE // IN, INSIDE // IN),
    ),
    printed('"Dropout of {}." In V3\'s paper', 0.8, where="Howard et al. 2019, section 6.1.1"),
    computed("PyTorch takes the share to drop, {}.", DROPOUT),
    computed("So {} in V3's paper is {} in torchvision.", 1 - MOMENTUM, MOMENTUM),
    given('"A width of 0.75." torchvision\'s V3'),
    computed("Large has {:,} parameters there and {:,} in", THIN, PAPERS_THIN),
    given("At stride 2 and an even side, TensorFlow pads"),
    given("PyTorch's padding=1 all around."),
    given('"Reduction: 1/N + 1/D_K^2." It is the fraction that remains.'),
    computed("V1's {} are {} convolutions and the linear layer", CONVS + LINEAR, CONVS),
    printed("V2's paper says {} blocks", 19, where="Sandler et al. 2018, section 4"),
    computed("and its table has {}.", len(V2.blocks)),
    given("Million: 10^6, M in tables. Some numbers in V4's paper fit 2^{20}. ("),
    given("kB, MB: 10^3 and 10^6 bytes. A number in 32 bits takes 4."),
    computed(
        "Cut and rounded: {:.1f} is rounded to {:.0f} and cut to {}.",
        *(V1_MILLION, V1_MILLION, int(V1_MILLION)),
    ),
    named("Accuracy: top-1 on ImageNet, unless another collection is named.", "the first guess"),
    computed(
        "Per cent and points: from {} % to {} % it is {:.1f} points.",
        *(V1_TOP1, V2_TOP1, V2_TOP1 - V1_TOP1),
    ),
    given("are for one picture (a batch of 1), of 224×224 if nothing"),
    computed("Shapes: 14×14×{} is height, width, channels.", MAP.in_channels),
    computed("PyTorch writes a batch of one as (1, {}, 14, 14).", MAP.in_channels),
]
# How often each name with a digit in it stands there.
PAGE_NAMES = {
    "3×3": 3,
    "Conv2D": 1,
    "Conv2d": 1,
    "DepthwiseConv2D": 2,
    "V1": 9,
    "V2": 12,
    "V3": 14,
    "V4": 1,
    "e3": 1,
    "ir_r2_k3_s2_e6_c24": 1,
    "mobilenetv2_140": 1,
}
