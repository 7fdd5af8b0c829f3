"""Every number of the ledger, and where it comes from."""

import math
from statistics import mean

import timm
from torch import nn
from torchvision.models import (
    ResNet50_Weights,
    VGG16_Weights,
    alexnet,
    mobilenet_v2,
    mobilenet_v3_large,
    squeezenet1_0,
)

from tests.claims import convolution, device, pointwise, separable
from tests.claims import v1 as c1
from tests.claims import v2 as c2
from tests.claims import v3 as c3
from tests.closed_world import computed, named
from tests.counting import macs, on_meta, params, v1, v3
from tools import papers
from tools.learning import SEPARABLE, THINNED, tested
from tools.variants import first_version_v3_large, minimalistic_v3, paper_v3

t3, t9, early9 = papers.V3_TABLE3, papers.V3_TABLE9, papers.V3_TABLE9_EARLIER
slim1, slim2, slim3 = papers.SLIM_V1_MACS, papers.SLIM_V2, papers.SLIM_V3


def millions(count: float, digits: int = 1) -> str:
    return f"{count / 1e6:.{digits}f}"


def paper(variant: str, width: float, what: int, features: int = 0) -> str:
    """Millions of MACs (0) or parameters (1) of a network of V3's Table 9."""
    return f"{c3.of_paper(variant, width, features=features)[what]:.2f}"


FIRST_V3 = macs(first_version_v3_large(), 3, 224, 224)
SMALL_256 = [c3.of_paper("small", 1.0, 256, features)[0] for features in (0, 1280)]
V2_BLOCKS = sum(hasattr(m, "use_res_connect") for m in mobilenet_v2().features)
DEFAULT_EPS = f"{nn.BatchNorm2d(1).eps:.5f}"
V3_MOMENTUM = next(m.momentum for m in mobilenet_v3_large().modules() if hasattr(m, "momentum"))
THIN_LEAD = mean(tested(THINNED)) - mean(tested(SEPARABLE))
VGG_TOOL = convolution.VGG_MACS + convolution.CONV_BIASES + convolution.FC_BIASES
M4 = on_meta(timm.create_model, "mobilenetv4_conv_medium")


PAGE = [
    computed(
        'Section 3.1: a separable layer of 3×3 costs "8 to 9 times less". It does '
        "from {} output channels on. V1's first block has {}, and costs {:.2f} times "
        "less.",
        separable.first_width(8, 3),
        v1().blocks[0].pointwise[0].out_channels,
        separable.times(64),
    ),
    computed(
        "Section 3.1: D_F is the side of the input. It has to be the output's. At "
        "stride 2 the formula is wrong by a factor of {}.",
        2 * 2,
    ),
    computed(
        "Table 1: the last depthwise layer has stride 2. It has stride 1: its input "
        "and the next layer's have the same size, 7×7. With the misprint the last "
        "map is {}×{} and the network takes {:,} MACs.",
        c1.MISPRINT_SIDE,
        c1.MISPRINT_SIDE,
        c1.MISPRINT_MACS,
    ),
    computed(
        "Table 2: the first layer takes {} % of the multiply-adds. It takes {:.2f} "
        "%: two digits changed places. The printed column adds up to {:.2f}.",
        papers.V1_TABLE2["standard"][0],
        pointwise.shares["standard"][0],
        pointwise.PRINTED_SUM,
    ),
    named(
        "Table 2, parameters. The four shares are those of the weights alone, "
        "without batch norm and biases. The paper does not say so.",
        why="tables, sizes and settings that it names",
    ),
    computed(
        "Table 4: {} million with full convolutions, {} with separable ones. Counted "
        "in two ways: the first leaves the classifier out, the second has it in. "
        "Alike, they are {} and {}.",
        papers.V1_TABLE4["full"][1],
        papers.V1_TABLE4["separable"][1],
        millions(c1.FULL_MACS),
        millions(c1.FULL_SIZE),
    ),
    computed(
        "Tables 7 and 9: {} and {} million. These are cut, from {} and {}; the "
        "paper's other counts of MobileNets are rounded.",
        papers.V1_TABLE7[160][1],
        papers.V1_TABLE9["0.50 MobileNet-160"][1],
        millions(c1.GRID[1.0, 160]),
        millions(c1.GRID[0.5, 160]),
    ),
    computed(
        "Table 8: VGG-16 has {} million multiply-adds and {} million parameters. The "
        "first leaves the fully connected layers out, the second has them in. With "
        "them it is {:,}.",
        papers.V1_TABLE8["VGG 16"][1],
        papers.V1_TABLE8["VGG 16"][2],
        convolution.VGG_MACS,
    ),
    computed(
        "Table 9: {} million parameters. That leaves batch norm out; with it there "
        "are {:,}. Of the paper's other counts most are too coarse to tell.",
        papers.V1_TABLE9["0.50 MobileNet-160"][2],
        c1.SIZED[0.5],
    ),
    computed(
        'Table 9: SqueezeNet has {} million multiply-adds, "22 ×" V1\'s. It has {:,}. '
        "The printed number is its FLOPs, twice as many. MACs against MACs it is "
        "{:.1f} times.",
        papers.V1_TABLE9["Squeezenet"][1],
        c1.SQUEEZE_MACS,
        c1.SQUEEZE_MACS / c1.SMALL,
    ),
    computed(
        "Table 9: AlexNet has {} and {} million. Both fit the network of 2012, cut "
        "after two digits: {:,} multiply-adds and {:,} parameters.",
        papers.V1_TABLE9["AlexNet"][1],
        papers.V1_TABLE9["AlexNet"][2],
        c1.ALEX_MACS,
        c1.ALEX_PARAMS,
    ),
    computed(
        'In words: "4 %" better than AlexNet and SqueezeNet. By Table 9 it is {:.1f} '
        "and {:.1f} points.",
        papers.V1_TABLE9["0.50 MobileNet-160"][0] - papers.V1_TABLE9["AlexNet"][0],
        papers.V1_TABLE9["0.50 MobileNet-160"][0] - papers.V1_TABLE9["Squeezenet"][0],
    ),
    computed(
        "Table 10: {} million multiply-adds for 120 breeds of dogs. That is the "
        "network with 1000 classes. With 120 it takes {}; the parameters are counted "
        "for 120.",
        papers.V1_TABLE10[1.0, 224][0],
        millions(c1.DOGS_MACS),
    ),
    computed(
        "Table 12: {} million where Table 6 has {}. The classifier is left out.",
        papers.V1_TABLE12[1.0, 224][0],
        papers.V1_TABLE6[1.0][1],
    ),
    computed(
        "Table 12: {} million at a quarter of the width, where Table 6 has {}. It "
        "fits a network that never has fewer than 16 channels, if cut: {:,}.",
        papers.V1_TABLE12[0.25, 224][0],
        papers.V1_TABLE6[0.25][1],
        c1.with_floor(0.25, 224, 16)[1],
    ),
    computed(
        'Table 14 has two rows named "0.75 MobileNet-128". The one with 166 million '
        "is at 160: there it takes {:,}.",
        c1.GRID[0.75, 160],
    ),
    computed(
        "Section 3.3: the formula of a block's cost. It holds at stride 1. For the "
        "second block it gives {:,} MACs with the input's side and {:,} with the "
        "output's; the block takes {:,}.",
        c2.notebook.block_formula(112, 16, 24, 6),
        c2.notebook.block_formula(56, 16, 24, 6),
        c2.SECOND,
    ),
    computed(
        'Section 4: "19" residual bottleneck layers. Its Table 2 has {}, and so has torchvision.',
        len(c2.network.blocks),
    ),
    computed(
        "Table 2 in the first version on arXiv: stride 1 in the row of 64 channels, "
        "2 in the row of 96. It is the other way round. Built as printed it takes "
        "{:,} MACs instead of {:,}, and trained weights load.",
        macs(c2.first_strides, 3, 224, 224),
        c2.MACS,
    ),
    computed(
        "Table 3: {}, {} and {} channels on maps of 56, 28 and 14. The largest maps "
        "that leave a block have {}, {} and {}. The printed channels belong to the "
        "next smaller map.",
        papers.V2_TABLE3[56][1][0],
        papers.V2_TABLE3[28][1][0],
        papers.V2_TABLE3[14][1][0],
        c2.V2_BETWEEN[56],
        c2.V2_BETWEEN[28],
        c2.V2_BETWEEN[14],
    ),
    computed(
        "Table 3: V1 needs {} kB at 7×7. At 16 bits it is half of that, {:.0f}.",
        papers.V2_TABLE3[7][0][1],
        c2.kilobytes(1024, 7),
    ),
    computed(
        "Table 4: {} million multiply-adds and {} million parameters. Both are cut, "
        "and the parameters are without batch norm: {:,} and {:,}.",
        papers.V2_TABLE4["MobileNetV2"][2],
        papers.V2_TABLE4["MobileNetV2"][1],
        c2.MACS,
        c2.without_norm(c2.network),
    ),
    computed(
        'In words: "from 7 multiply adds to 585M MAdds". A unit is missing. Were it '
        "million, 7 would be too low: the smallest released network takes {:,}.",
        c2.SMALLEST,
    ),
    computed(
        "Table 1 in the first version on arXiv: block 13 has stride 1, block 14 "
        "stride 2 and an expansion of 672. In the last version and in the released "
        "code it is otherwise. Built as printed it takes {:,} MACs, and trained "
        "weights do not load.",
        FIRST_V3,
    ),
    computed(
        "Table 2 in earlier versions: V3-Small ends with 1280 features. The last "
        "version and the released code have 1024. That makes {:,} parameters instead "
        "of {:,}.",
        c3.PARAMS["small"],
        params(c3.SMALLS[1280, False]),
    ),
    computed(
        "Table 2: the last 1×1 layer of V3-Small has squeeze-and-excite. No printed "
        "count has it. With it there would be {:,} parameters, or {:,} with the "
        "earlier end.",
        params(c3.SMALLS[1024, True]),
        params(c3.SMALLS[1280, True]),
    ),
    computed(
        "Table 3 against Table 9. V3-Small has {} % and {} million multiply-adds in "
        "the one, {} % and {} million in the other. We count {}.",
        t3["V3-Small 1.0"][0],
        t3["V3-Small 1.0"][1],
        t9["small", 224, 1.0][0],
        t9["small", 224, 1.0][1],
        millions(c3.MACS["small"]),
    ),
    computed(
        "Table 3: V3-Large takes {} ms, at 0.75 {}. Table 9 has {} and {}: the first are cut.",
        t3["V3-Large 1.0"][3],
        t3["V3-Large 0.75"][3],
        t9["large", 224, 1.0][3],
        t9["large", 224, 0.75][3],
    ),
    computed(
        "Tables 3 and 9: V3-Large has {} million parameters. Cut; there are {:,}.",
        t3["V3-Large 1.0"][2],
        c3.PARAMS["large"],
    ),
    computed(
        "Table 9: Large at 1.25 has {} and {} million. The multiply-adds fit a "
        "network with 1600 features at its end, {}. The parameters fit one with "
        "1280, if cut: {}.",
        t9["large", 224, 1.25][1],
        t9["large", 224, 1.25][2],
        paper("large", 1.25, 0, 1600),
        paper("large", 1.25, 1),
    ),
    computed(
        "Table 9: Large at 0.5 has {} million parameters. Cut, from {}.",
        t9["large", 224, 0.5][2],
        paper("large", 0.5, 1),
    ),
    computed(
        "Table 9: Small at 1.25 has {} million parameters. That is with 1280 "
        "features at its end: {}.",
        t9["small", 224, 1.25][2],
        paper("small", 1.25, 1, 1280),
    ),
    computed(
        "Table 9: Small at 0.75 has {} million multiply-adds, and {} at full width "
        "for pictures of 256×256. These were left from earlier versions, with 1280 "
        "features: {} and {:.2f}. With 1024 it is {} and {:.2f}.",
        t9["small", 224, 0.75][1],
        t9["small", 256, 1.0][1],
        paper("small", 0.75, 0, 1280),
        SMALL_256[1],
        paper("small", 0.75, 0),
        SMALL_256[0],
    ),
    computed(
        "Table 9: Small at 0.35 has {} million multiply-adds. Cut, from {}.",
        t9["small", 224, 0.35][1],
        paper("small", 0.35, 0),
    ),
    computed(
        "Section 5.1: the shorter end saves 30 million MACs. It saves {:,}, if the "
        "end before it was MnasNet-A1's.",
        sum(c3.OLD_END) - sum(c3.NEW_END),
    ),
    computed(
        'Section 6.1.1: "dropout of 0.8". That is the share that is kept. In '
        "PyTorch's terms it is {:.1f}, and torchvision has that.",
        1 - papers.V3_TRAINING["keep"],
    ),
    computed(
        "Section 6.1.1: a pod of 4×4 chips with {} pictures each makes a batch of "
        "{}. It makes {:,}. Probably each core had so many: a chip of that time had "
        "two.",
        papers.V3_TRAINING["per_chip"],
        papers.V3_TRAINING["batch"],
        16 * papers.V3_TRAINING["per_chip"],
    ),
    computed(
        '"h-swish is cheap." Cheaper than swish, whose stand-in it is. In the '
        "network it takes the place of ReLU, and by the paper's own Table 5 it is "
        "slower: {} ms instead of {}, and not optimised {}.",
        papers.V3_TABLE5["V3-Large 1.0"][1],
        papers.V3_TABLE5["ReLU"][1],
        papers.V3_TABLE5["V3-Large 1.0"][2],
    ),
    computed(
        "V2 on a Pixel 1. {} ms in its own paper, {} in the README of its code, {} "
        "in the first version of V3's paper, {} in the last: one network, one phone.",
        papers.V2_TABLE4["MobileNetV2"][3],
        slim2[1.0, 224][3],
        papers.V3_TABLE3_FIRST["V2 1.0"],
        t3["V2 1.0"][3],
    ),
    computed(
        "ResNet's Table 1: 3.8 × 10^9 FLOPs for ResNet-50. These are MACs. "
        "torchvision's network takes {:,} because it has its stride in another "
        "layer; with the authors' stride it is {:,}.",
        convolution.RESNET_MACS,
        convolution.PAPER_RESNET_MACS,
    ),
    computed(
        "MobileNetV4's Table 6: Conv-M has 9.2 million parameters. It has {:,}. The "
        "printed numbers of Conv-M and Conv-L, parameters and MACs, fit a million of "
        "2^{{20}} and a billion of 2^{{30}}, without batch norm.",
        params(M4),
    ),
    computed(
        "slim's README of V1: {}, {}, {} and {} million MACs at a width of 0.75. The "
        "first layer is missing from all four. With it they are {}, {}, {} and {}.",
        slim1[0.75][0],
        slim1[0.75][1],
        slim1[0.75][2],
        slim1[0.75][3],
        millions(c1.GRID[0.75, 224]),
        millions(c1.GRID[0.75, 192]),
        millions(c1.GRID[0.75, 160]),
        millions(c1.GRID[0.75, 128]),
    ),
    computed(
        "slim's README of V1: {} million at a width of 0.25 and 192 pixels. It is "
        "{:,}. A network with at least 16 channels everywhere would take {:,}; the "
        "other rows of that width do not fit it.",
        slim1[0.25][1],
        c1.GRID[0.25, 192],
        c1.with_floor(0.25, 192, 16)[0],
    ),
    computed(
        "slim's README of V1: {} million at half the width. It is {:,}; it seems to "
        "have been rounded twice.",
        slim1[0.5][0],
        c1.GRID[0.5, 224],
    ),
    computed(
        "slim's README of V1: {} million parameters. There are {:,}. All four widths "
        "fit three numbers for each channel of a batch norm instead of two.",
        papers.SLIM_V1_PARAMS[1.0],
        c1.PARAMS,
    ),
    computed(
        "slim's README of V2: {} networks. All MACs are cut to the million, all "
        "parameters are without batch norm: the smallest takes {:,} MACs, and {} is "
        "printed.",
        len(slim2),
        c2.SMALLEST,
        slim2[0.35, 96][0],
    ),
    computed(
        "slim's README of V3: Small has {} million parameters. That is the network "
        "of earlier versions, with 1280 features. The released one has {}.",
        slim3["Small"][1],
        millions(c3.PARAMS["small"], 2),
    ),
    computed(
        "Keras's docstring of MobileNet: 529 million multiply-adds. It is {}; many "
        "copies have the misprint.",
        millions(c1.FULL_SIZE),
    ),
    computed(
        "torchvision's V3 at a width of 0.75. It is not the paper's network of that "
        "name. torchvision's Large has {:,} parameters, the paper's {:,}. timm has "
        "the paper's.",
        params(v3("large", width_mult=0.75)),
        params(paper_v3("large", 0.75)),
    ),
    computed(
        "V1 at other widths. slim rounds the channels down, timm to multiples of 8, "
        "by torchvision's rule. At 0.7 a stem of 32 gets {} in the one and {} in the "
        "other.",
        v1(width_mult=0.7).stem[0].out_channels,
        c2.notebook.make_divisible(32 * 0.7),
    ),
    computed(
        "torchvision's GoogLeNet. It has 3×3 kernels where the paper has 5×5: {:,} "
        "MACs instead of {:,}.",
        c1.TORCHVISION_GOOGLENET,
        c1.GOOGLE_MACS,
    ),
    computed(
        "torchvision's AlexNet and SqueezeNet. Not the papers' either: they take "
        "{:,} and {:,} MACs, the authors' own {:,} and {:,}.",
        macs(on_meta(alexnet), 3, 224, 224),
        macs(on_meta(squeezenet1_0), 3, 224, 224),
        c1.ALEX_MACS,
        c1.SQUEEZE_MACS,
    ),
    computed(
        "torchvision's first weights. Its rule for depthwise layers does not know of "
        "groups, and makes those of 960 channels {:.0f} times too small. A fresh "
        "network in eval() mode then gives nearly the same for every picture.",
        math.sqrt(960),
    ),
    named(
        "ExecuTorch's quantiser for XNNPACK. If nobody asks, a layer has one scale "
        "for all its channels, and that ruins some of our networks. And the backend "
        "declares h-swish for 32 bits only.",
        why="tables, sizes and settings that it names",
    ),
    named(
        "The same quantiser's smallest scale. It lets none fall below 1 / 4096. A "
        "channel whose weights are all tiny gets fewer than 8 bits, even with a "
        "scale of its own.",
        why="tables, sizes and settings that it names",
    ),
    computed(
        '"V1 has 0.57 GFLOPs." It has 0.57 billion MACs. PyTorch\'s FlopCounterMode '
        "counts two operations for each: {:,}.",
        2 * c1.FULL_SIZE,
    ),
    computed(
        "torchvision's table of models: {} and {:.2f} GFLOPS for VGG-16 and "
        "ResNet-50. These are billions of MACs.",
        VGG16_Weights.IMAGENET1K_V1.meta["_ops"],
        ResNet50_Weights.IMAGENET1K_V1.meta["_ops"],
    ),
    computed(
        'torchinfo\'s "mult-adds" of VGG-16. It says {:,}: the MACs, {:,}, and one '
        "more for each bias at each place.",
        VGG_TOOL,
        convolution.VGG_MACS,
    ),
    computed(
        "torchinfo and batch norm. It adds two for each channel, whatever the size "
        "of the map. So V1 gets {:,} more than its MACs: {:,} for the norms, the "
        "rest for the classifier's bias.",
        c1.NORM + c1.network.classifier.bias.numel(),
        c1.NORM,
    ),
    computed(
        '"Use the size of the input in the formula." Right only where the output has '
        "the same size. For 112×112×64 to 128 channels, 3×3 at stride 2, it gives "
        "{:,} MACs instead of {:,}.",
        4 * separable.full_macs(64, 128, 112, 2),
        separable.full_macs(64, 128, 112, 2),
    ),
    computed(
        '"VGG is large because of its convolutions." They do more than 99 % of the '
        "MACs, and hold {:.1f} % of the parameters.",
        100 * convolution.CONV_PARAMS / convolution.VGG_PARAMS,
    ),
    computed(
        '"Depthwise takes parameter sharing to the extreme." In the worked example '
        "each weight is used {} times, as in the full layer. What is cut are "
        "connections.",
        separable.DW // params(separable.dw),
    ),
    named(
        '"Depthwise means groups." With 4 groups on 8 channels each output still '
        "sees two inputs. And with a single input channel, groups=in_channels is an "
        "ordinary layer.",
        why="tables, sizes and settings that it names",
    ),
    computed(
        "padding=1 on a 1×1 layer. It raises no error, and the map grows by two each "
        "time. In our example the cost goes from {} MACs to {}.",
        pointwise.EXAMPLE,
        pointwise.PADDED,
    ),
    computed(
        '"The depthwise layers make it expensive." They are {:.2f} % of V1\'s MACs.',
        pointwise.shares["depthwise"][0],
    ),
    computed(
        '"95 % of its time is in 1×1 convolutions." That was counted in MACs. Timed '
        "on our core, the depthwise layers of V1's blocks take {:.1f} % of the "
        "blocks' time: three times their share of the MACs, and still little.",
        100 * device.DEPTHWISE_TIME,
    ),
    computed(
        '"One layer multiplies, the other adds." Both do both: {} MACs and {} in the '
        "worked example.",
        separable.DW,
        separable.PW,
    ),
    computed(
        '"It behaves like the full convolution." Of a random kernel with 64 outputs '
        "the nearest separable one keeps {:.0f} % of the squared weights.",
        separable.KEPT[0],
    ),
    named(
        '"3 to 10 times cheaper." With 3×3 kernels always less than 9 times.',
        why="tables, sizes and settings that it names",
    ),
    computed(
        '"About 8.5 times" for 64×64×3 to 64×64×64. It is {:.2f}. For 8.5 times it '
        "takes {} output channels.",
        separable.full_macs(3, 64, 64) / separable.block_macs(3, 64, 64),
        separable.first_width(8.5, 3),
    ),
    computed(
        '"Nine times fewer operations, so nine times faster." On our core V1\'s '
        "places gain from {:.1f} to {:.1f}.",
        min(device.RATIOS),
        max(device.RATIOS),
    ),
    computed(
        '"One point for an eighth of the cost, so the best for its cost." Two '
        "claims. On digits, in a short training, a full network made thin is {:.2f} "
        "points better at equal MACs; without the inner activation the separable one "
        "does better as well.",
        THIN_LEAD,
    ),
    computed(
        '"At half the width everything shrinks to a quarter." To {:.1f} % of the '
        "MACs and {:.1f} % of the parameters.",
        100 * c1.GRID[0.5, 224] / c1.FULL_SIZE,
        100 * c1.SIZED[0.5] / c1.PARAMS,
    ),
    computed(
        "A bias in front of a batch norm. The norm takes it away again: {:,} "
        "parameters in V1 that do nothing.",
        c1.BIASES,
    ),
    computed(
        "A softmax inside the model. The loss brings its own. With 1000 classes it "
        "then can't fall below {:.4f}, and starts with a gradient {:.0f} times too "
        "weak.",
        c1.FLOOR,
        c1.GRADIENT_RATIO,
    ),
    named(
        "AvgPool2d(7). Right for pictures of 224×224. At 192 it raises an error; at "
        "256 it raises none and drops the last row and column.",
        why="tables, sizes and settings that it names",
    ),
    computed(
        '"Shortcuts, just like ResNet\'s." They join the narrow ends, {} of {} blocks '
        "have one, and no activation follows the sum.",
        c2.SHORTCUTS,
        V2_BLOCKS,
    ),
    computed(
        "An expansion layer where t = 1. There is none. With it the network has {:,} "
        "parameters and {:,} MACs, and weights do not load.",
        params(c2.always),
        macs(c2.always, 3, 224, 224),
    ),
    computed(
        "The last layer of V2 made thin with the rest. Below a width of 1 it keeps "
        "its 1280 channels. Made thin, V2 at 0.35 has {:,} parameters instead of "
        "{:,}, and weights do not load.",
        params(c2.thin_last),
        params(c2.thin),
    ),
    computed(
        '"V2 is always smaller than V1." Not at half the width: {:,} parameters against {:,}.',
        params(c2.half),
        c1.SIZED[0.5],
    ),
    computed(
        '"V2 needs less memory than V1." Only where a runtime never holds the wide '
        "map of a block whole. Layer by layer the maps at the peak take {:.2f} MB, "
        "V1's {:.2f}.",
        device.PEAK["V2"][0] / 1e6,
        device.PEAK["V1"][0] / 1e6,
    ),
    computed(
        '"V3 is smaller than V2." In MACs. V3-Large has {:.0f} % more parameters.',
        100 * c3.PARAMS["large"] / c2.PARAMS - 100,
    ),
    computed(
        "A squeeze of exactly a quarter. It is made a multiple of 8: of 72 channels {}, not {}.",
        c2.notebook.make_divisible(72 // 4),
        72 // 4,
    ),
    computed(
        '"MobileNets can\'t be put into 8 bits." With one scale for each channel ours '
        "lose {:.1f} points at most, on digits. With one for each layer some fall to "
        "guessing: a single dead channel does it.",
        device.LOST,
    ),
    computed(
        "V1 with ReLU. The paper's text says so; the released code clips at {:.0f}.",
        nn.ReLU6().max_val,
    ),
    named(
        "V1 with the stride that Table 1 misprints. See above.",
        why="tables, sizes and settings that it names",
    ),
    computed(
        "Another epsilon. It is no parameter, so nothing in the file tells. V1 and "
        "V2 have {} in timm and torchvision, V3 has {} in torchvision.",
        DEFAULT_EPS,
        device.V3_EPS,
    ),
    named(
        "V3 with a sigmoid for the gate. Or with the hard sigmoid of Keras before "
        "version 3, \\operatorname{clip}(0.2 x + 0.5).",
        why="tables, sizes and settings that it names",
    ),
    computed(
        "V3 with SiLU for h-swish. Nearly the same function, applied {} times.",
        c3.swishes(c3.LARGE),
    ),
    named(
        "V3-Small made thin, with the shortcut decided before rounding. At 0.35 and "
        "0.5 rounding makes block 7 equally wide at both ends, and torchvision adds "
        "a shortcut there.",
        why="tables, sizes and settings that it names",
    ),
    computed(
        "Another momentum of the batch norms. torchvision's V3 has {}, PyTorch's "
        "default is {}. Outputs are the same at first; it shows in training.",
        V3_MOMENTUM,
        nn.BatchNorm2d(1).momentum,
    ),
    named(
        "A momentum of 0.01 in a short training. The loss is low, and in eval() mode "
        "the network guesses, until the averages are taken anew.",
        why="tables, sizes and settings that it names",
    ),
    computed(
        "V1's Table 8: GoogLeNet with {} million multiply-adds and {} million "
        "parameters. We count {} and {}, and torchvision's variant takes {}.",
        papers.V1_TABLE8["GoogleNet"][1],
        papers.V1_TABLE8["GoogleNet"][2],
        millions(c1.GOOGLE_MACS),
        millions(c1.GOOGLE_PARAMS, 2),
        millions(c1.TORCHVISION_GOOGLENET),
    ),
    computed(
        "V2's Table 4: MobileNetV1 with {} million multiply-adds. Its own paper says "
        "{}, and so do we.",
        papers.V2_TABLE4["MobileNetV1"][2],
        papers.V1_TABLE4["separable"][1],
    ),
    computed(
        "V2's Table 4: {} million multiply-adds and {} million parameters at a width "
        "of 1.4. We count {:,} and {:,}.",
        papers.V2_TABLE4["MobileNetV2 (1.4)"][2],
        papers.V2_TABLE4["MobileNetV2 (1.4)"][1],
        macs(c2.wide, 3, 224, 224),
        params(c2.wide),
    ),
    computed(
        "V3's Table 3: V3-Large with {} million multiply-adds. Its Table 9 has {}, "
        "and we count {}.",
        t3["V3-Large 1.0"][1],
        t9["large", 224, 1.0][1],
        millions(c3.MACS["large"]),
    ),
    computed(
        "V3's Table 3: MnasNet-A1 with {} million. Its own paper has {}, and we count {}.",
        t3["MnasNet-A1"][1],
        papers.MNASNET_A1_MADDS,
        millions(c3.SEED[0]),
    ),
    computed(
        "V3-Small with {} million multiply-adds, in earlier versions. None of the "
        "four networks that its tables could mean takes as much; the nearest takes "
        "{}. At half the width {} million are printed, where we count {}.",
        early9["small", 224, 1.0][0],
        millions(macs(c3.SMALLS[1280, True], 3, 224, 224)),
        early9["small", 224, 0.5][0],
        paper("small", 0.5, 0, 1280),
    ),
    computed(
        "slim's README: the minimalistic V3-Small with {} million MACs. We count "
        "{:,}, and timm's network takes as many.",
        slim3["Small minimalistic"][0],
        macs(minimalistic_v3("small"), 3, 224, 224),
    ),
    computed(
        "V3's Table 9: Large at 0.35 with {} and {} million. We count {} and {}: "
        "neither rounded nor cut.",
        t9["large", 224, 0.35][1],
        t9["large", 224, 0.35][2],
        paper("large", 0.35, 0),
        paper("large", 0.35, 1),
    ),
    computed(
        "ResNet-50's {} billion. Our count with its authors' stride, {:.2f}, is near "
        "but would round to {:.1f}.",
        papers.RESNET50_FLOPS,
        convolution.PAPER_RESNET_MACS / 1e9,
        convolution.PAPER_RESNET_MACS / 1e9,
    ),
]

# How often each name with a digit in it stands there.
PAGE_NAMES = {
    "1×1": 3,
    "3×3": 4,
    "5×5": 1,
    "7×7": 2,
    "A1": 2,
    "AvgPool2d": 1,
    "MobileNetV1": 2,
    "MobileNetV2": 1,
    "MobileNetV3": 1,
    "MobileNetV4": 1,
    "ReLU6": 2,
    "ResNet-50": 3,
    "V1": 49,
    "V2": 30,
    "V3": 54,
    "VGG-16": 3,
    "test_a_network_that_8_bits_ruin_is_ruined_again": 2,
    "test_each_known_mistake_in_a_thin_v3_is_caught": 1,
    "test_each_known_mistake_in_v1_is_caught": 6,
    "test_each_known_mistake_in_v2_is_caught": 7,
    "test_each_known_mistake_in_v3_is_caught": 5,
    "test_mnasnet_a1_is_as_its_own_paper_says_not_as_v3s_table_3": 1,
    "test_resnet_50_is_near_its_paper_with_the_stride_of_its_authors": 2,
    "test_the_papers_0_75_is_timms": 1,
    "test_the_readme_of_v2_cuts_and_leaves_batch_norm_out": 1,
    "test_the_readmes_minimalistic_small_is_not_65_million": 1,
    "test_the_same_v2_on_the_same_phone_has_four_times": 1,
    "test_the_shorter_end_of_v3_saves_more_than_the_paper_says": 1,
    "test_v1_equals_timm": 1,
    "test_v1_has_the_known_size_and_cost": 4,
    "test_v1_mult_adds": 2,
    "test_v1_parameters_fit_with_and_without_batch_norm": 1,
    "test_v1_rounds_channels_down": 1,
    "test_v1_table_10_has_the_mult_adds_of_1000_classes": 1,
    "test_v1_table_12_leaves_the_classifier_out": 2,
    "test_v1_table_14_names_a_network_at_160_as_at_128": 1,
    "test_v1_table_1_has_one_misprint": 1,
    "test_v1_table_2": 4,
    "test_v1_table_2_misprint_is_what_breaks_the_sum": 1,
    "test_v1_table_4_counts_its_two_rows_in_two_ways": 1,
    "test_v1_table_8_counts_vgg_in_two_ways": 1,
    "test_v1_table_8_googlenet_is_neither_of_our_counts": 2,
    "test_v1_table_9_alexnet_is_cut_after_two_digits": 1,
    "test_v1_table_9_leaves_batch_norm_out": 1,
    "test_v1_table_9_squeezenet_is_in_flops": 1,
    "test_v1_text_rounds_its_lead_up_to_four_points": 1,
    "test_v2_equals_torchvision": 1,
    "test_v2_has_the_known_size_and_cost": 3,
    "test_v2_table_3_is_one_row_too_high": 2,
    "test_v2_table_4": 3,
    "test_v3_batch_needs_32_shares_where_the_pod_has_16_chips": 1,
    "test_v3_equals_torchvision": 1,
    "test_v3_has_the_known_size_and_cost": 2,
    "test_v3_has_the_settings_of_torchvision_that_no_checkpoint_holds": 2,
    "test_v3_readme_has_the_small_network_of_earlier_versions": 1,
    "test_v3_small_in_earlier_versions_had_1280_features": 3,
    "test_v3_small_in_the_last_version_has_1024_and_no_squeeze_at_the_end": 2,
    "test_v3_small_is_fine_tuned_head_first": 1,
    "test_v3_table_9": 7,
    "test_v3_tables_3_and_9_agree_but_for_some_numbers": 3,
    "test_v4_table_6_divides_by_powers_of_two": 1,
}
