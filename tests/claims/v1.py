"""Every number of the chapter on MobileNetV1, and where it comes from."""

import math

import torch
import torchvision
from torch import nn
from torch.nn.functional import cross_entropy

from tests.book import definitions
from tests.claims import convolution, pointwise
from tests.claims.common import reading_minutes
from tests.closed_world import computed, given, named, printed
from tests.counting import macs, macs_by_layer, on_meta, params, totals_by_kind, v1
from tools import papers

notebook = definitions("v1")
WIDTHS = (1.0, 0.75, 0.5, 0.25)


def batch_norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]


def channels_normed(network: nn.Module) -> int:
    return sum(norm.num_features for norm in batch_norms(network))


def without_norm(network: nn.Module) -> int:
    """Parameters without those of the batch norms."""
    return params(network) - 2 * channels_normed(network)


# ---------------------------------------------------------------- the network and its parts

network = v1()
FULL_SIZE, PARAMS = macs(network, 3, 224, 224), params(network)
layers = macs_by_layer(network, 3, 224, 224)
KINDS = totals_by_kind(network, 3, 224, 224)
WEIGHTS = sum(weights for _, weights in KINDS.values())
FC = KINDS["fc"][0]
NORM = 2 * channels_normed(network)

POINTWISE = [count for layer, count, _ in layers if getattr(layer, "kernel_size", None) == (1, 1)]
UNIT, DOUBLE = min(POINTWISE), max(POINTWISE)
BLOCKS = [layers[i][1] + layers[i + 1][1] for i in range(1, 27, 2)]
LIGHT = [count for count, last in zip(BLOCKS, POINTWISE, strict=True) if last == UNIT]
HEAVY = [count for count, last in zip(BLOCKS, POINTWISE, strict=True) if last == DOUBLE]
NARROW_ONES, WIDE_ONES = POINTWISE.count(UNIT), POINTWISE.count(DOUBLE)

# The last two blocks and the classifier.
END_PARAMS = params(network.blocks[11]) + params(network.blocks[12]) + params(network.classifier)
END_MACS = sum(count for _, count, _ in layers[-5:])
STEM_SEPARABLE = macs(definitions("separable").DepthwiseSeparableConv(3, 32, 2), 3, 224, 224)

# ---------------------------------------------------------------- the two knobs

GRID = {
    (alpha, size): macs(v1(width_mult=alpha), 3, size, size)
    for alpha in WIDTHS
    for size in papers.V1_SIZES
}
SIZED = {alpha: params(v1(width_mult=alpha)) for alpha in WIDTHS}


def pointwise_weights(network: nn.Module) -> list[int]:
    return [block.pointwise[0].weight.numel() for block in network.blocks]


def depthwise_weights(network: nn.Module) -> list[int]:
    return [block.depthwise[0].weight.numel() for block in network.blocks]


def sides(size: int) -> list[int]:
    """The sides of the maps that the five strides leave, largest first."""
    shapes = [shape for _, _, shape in macs_by_layer(v1(), 3, size, size)]
    return sorted({shape[1] for shape in shapes if len(shape) == 3}, reverse=True)


ODD_SIDES, HUNDRED_SIDES = sides(33), sides(100)


def sizes_with_maps(smallest: int, largest: int) -> tuple[int, int]:
    """The first and the last input size whose last map has a side between the two."""
    fitting = [size for size in range(1, 999) if smallest <= math.ceil(size / 32) <= largest]
    assert sides(fitting[0])[-1] == smallest and sides(fitting[-1])[-1] == largest
    return fitting[0], fitting[-1]


# AvgPool2d(7) is right on maps of 7 and, unnoticed, not on those of 8 to 13; 14 gives two rows.
POOLED = (*sizes_with_maps(7, 7), *sizes_with_maps(8, 13))
quarter = v1(width_mult=0.25)
half = v1(width_mult=0.5)
ODD = macs(network, 3, 33, 33)
TOP1 = {
    (alpha, size): accuracy
    for alpha, row in papers.SLIM_V1_TOP1.items()
    for size, accuracy in zip(papers.V1_SIZES, row, strict=True)
}
RETRAINED = [  # released minus printed
    *(TOP1[alpha, 224] - row[0] for alpha, row in papers.V1_TABLE6.items()),
    *(TOP1[1.0, size] - row[0] for size, row in papers.V1_TABLE7.items()),
    TOP1[0.5, 160] - papers.V1_TABLE9["0.50 MobileNet-160"][0],
]
wide_enough = [key for key in GRID if key[0] >= 0.5]
BEATEN = {  # by which networks: cheaper and better
    key: rivals
    for key in wide_enough
    if (rivals := [k for k in wide_enough if GRID[k] < GRID[key] and TOP1[k] > TOP1[key]])
}

# ---------------------------------------------------------------- other networks

full = on_meta(notebook.with_full_convolutions)
FULL_MACS, FULL_PARAMS = macs(full, 3, 224, 224), params(full)
shallow = v1()
del shallow.blocks[6:11]
SHALLOW_MACS, SHALLOW_PARAMS = macs(shallow, 3, 224, 224), params(shallow)

squeezenet = on_meta(torchvision.models.squeezenet1_0)
squeezenet.classifier[1].padding = (1, 1)  # as in its authors' deploy.prototxt
SQUEEZE_MACS, SQUEEZE_PARAMS = macs(squeezenet, 3, 227, 227), params(squeezenet)


def alexnet_2012() -> nn.Module:
    """The layers with weights of Krizhevsky et al. 2012; torchvision has a later variant."""
    pool = nn.MaxPool2d(3, 2)
    return nn.Sequential(
        *(nn.Conv2d(3, 96, 11, stride=4), pool),
        *(nn.Conv2d(96, 256, 5, padding=2, groups=2), pool),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.Conv2d(384, 384, 3, padding=1, groups=2),
        *(nn.Conv2d(384, 256, 3, padding=1, groups=2), pool),
        nn.Flatten(),
        nn.Linear(6 * 6 * 256, 4096),
        nn.Linear(4096, 4096),
        nn.Linear(4096, 1000),
    )


alexnet = on_meta(alexnet_2012)
ALEX_MACS, ALEX_PARAMS = macs(alexnet, 3, 227, 227), params(alexnet)
ALEX_GROUPED = sum(getattr(layer, "groups", 1) == 2 for layer in alexnet)

googlenet = on_meta(torchvision.models.googlenet, init_weights=False, aux_logits=False)
TORCHVISION_GOOGLENET = macs(googlenet, 3, 224, 224)
for module in googlenet.modules():
    if type(module).__name__ == "Inception":
        conv = module.branch3[1].conv
        module.branch3[1].conv = on_meta(
            nn.Conv2d, conv.in_channels, conv.out_channels, 5, padding=2, bias=False
        )
GOOGLE_MACS = macs(googlenet, 3, 224, 224)
GOOGLE_PARAMS = without_norm(googlenet) + channels_normed(googlenet)  # a bias for each channel

# ---------------------------------------------------------------- the paper's numbers


def with_floor(alpha: float, size: int, floor: int) -> tuple[int, int]:
    """MACs with and without the classifier, if no layer has fewer channels than `floor`."""
    changed = definitions("v1", "return max(8,", f"return max({floor},")
    counted = macs_by_layer(on_meta(changed.MobileNetV1, width_mult=alpha), 3, size, size)
    total = sum(count for _, count, _ in counted)
    return total, total - counted[-1][1]


def without_stem(alpha: float, size: int) -> int:
    counted = macs_by_layer(v1(width_mult=alpha), 3, size, size)
    return sum(count for _, count, _ in counted[1:])


printed_stride = v1()
printed_stride.blocks[12].depthwise[0].stride = (2, 2)
MISPRINT_MACS = macs(printed_stride, 3, 224, 224)
MISPRINT_SIDE = macs_by_layer(printed_stride, 3, 224, 224)[-2][2][1]
DOGS_MACS = macs(v1(num_classes=120), 3, 224, 224)
DOGS_PARAMS = params(v1(num_classes=120))
t3, t4, t5 = papers.V1_TABLE3, papers.V1_TABLE4, papers.V1_TABLE5
t8, t9 = papers.V1_TABLE8, papers.V1_TABLE9
block384 = definitions("separable").bare_pair(384, 384)
T3_ALPHA = macs(definitions("separable").DepthwiseSeparableConv(384, 384), 384, 14, 14)
T3_RHO = macs(definitions("separable").DepthwiseSeparableConv(384, 384), 384, 10, 10)
SMALL, SMALL_PARAMS = GRID[0.5, 160], SIZED[0.5]

# ---------------------------------------------------------------- what is often got wrong

BIASES = sum(layer.out_channels for layer, _, _ in layers if isinstance(layer, nn.Conv2d))


def loss_between(classes: int) -> tuple[float, float]:
    """Cross-entropy of a second softmax: undecided, and certain and right."""
    target = torch.tensor([0])
    undecided = torch.full((1, classes), 1 / classes, dtype=torch.float64)
    certain = torch.eye(1, classes, dtype=torch.float64)
    return float(cross_entropy(undecided, target)), float(cross_entropy(certain, target))


def first_gradient(softmaxes: int) -> float:
    """Of the loss with respect to 1000 equal logits."""
    logits = torch.zeros(1, 1000, dtype=torch.float64, requires_grad=True)
    out = logits if softmaxes == 1 else logits.softmax(dim=1)
    cross_entropy(out, torch.tensor([0])).backward()
    return float(logits.grad.norm())


GRADIENT_RATIO = first_gradient(1) / first_gradient(2)
START, FLOOR = loss_between(1000)
places = torch.ones(1, 1, 8, 8, requires_grad=True)
nn.AvgPool2d(7)(places).sum().backward()
SEEN = int((places.grad > 0).sum())
FC1_VGG = max(params(layer) for layer in convolution.vgg.modules() if isinstance(layer, nn.Linear))


def share(part: float, whole: float) -> float:
    return 100 * part / whole


def kind_row(label: str, kind: str):
    count, weights = KINDS[kind]
    return computed(
        "| {} | {:,} | {:.2f} % | {:,} | {:.2f} % |",
        *(label, count, share(count, FULL_SIZE), weights, share(weights, WEIGHTS)),
    )


def width_row(alpha: float):
    count, size = GRID[alpha, 224], SIZED[alpha]
    return computed(
        "| {:g} | {:g} % | {:.1f} M | {} % | {:.2f} M | {} % |",
        *(alpha, 100 * alpha**2),
        *(count / 1e6, percent(count, FULL_SIZE), size / 1e6, percent(size, PARAMS)),
    )


def size_row(size: int):
    count = GRID[1.0, size]
    return computed(
        "| {} | {} % | {:.1f} M | {} % |",
        *(size, percent(size**2, 224**2), count / 1e6, percent(count, FULL_SIZE)),
    )


def point(alpha: float, size: int) -> tuple[float, float]:
    """Million MACs and released accuracy of one of the sixteen networks."""
    return GRID[alpha, size] / 1e6, TOP1[alpha, size]


def percent(part: float, whole: float) -> str:
    return "100" if part == whole else f"{share(part, whole):.1f}"


def result_row(label: str, accuracy: float, count: int, size: int):
    """Printed accuracy; MACs and parameters as we count them."""
    return computed("| {} | {} % | {:.1f} M | {:.2f} M |", label, accuracy, count / 1e6, size / 1e6)


def paper_row(tables: str, label: str, millions: float, counted: int):
    """A printed number in millions, and ours."""
    return computed("| {} | {} | {} M | {:,} |", tables, label, millions, counted)


PAGE = [
    reading_minutes("v1"),
    # From the block to a network
    given("A 3 by 3 convolution with 32 filters halves the picture to 112 by 112"),
    given("each a 3 by 3 depthwise and a 1 by 1 layer"),
    computed("The map shrinks from 112 to {} while", layers[-2][2][1]),
    computed("grow from {} to {}. At", layers[0][2][0], layers[-2][2][0]),
    computed("a linear layer with {:,} classes", network.classifier.out_features),
    given("for a picture of 224×224. /2 marks"),
    given("a standard 3×3 convolution with stride 2. From"),
    computed("it makes {} channels", layers[0][2][0]),
    given("each a depthwise 3×3 layer"),
    named("Four of the depthwise layers have stride 2, and", "the blocks' strides"),
    computed("each of the {} maps into one number", layers[-2][2][0]),
    computed("the {1} numbers into {0} logits", *network.classifier.weight.shape),
    computed("1 + 13 × 2 + 1 = {}.", len(layers)),
    computed("the {} layers that the paper speaks of, {} conv", len(layers), len(layers) - 1),
    computed("So 224 ends as 224 / 2^5 = {}", layers[-2][2][1]),
    given("has 32 × 64 weights, the last one 1024 × 1024"),
    computed("with {} times the weights", 1024 * 1024 // (32 * 64)),
    given("works at 112×112 places, the last one at 7×7"),
    computed("112 × 112 = {:,}", POINTWISE[0]),
    computed("7 × 7 = {:,}", POINTWISE[-1]),
    computed("costs either {:,} MACs", UNIT),
    computed("5 × 25,690,112 = {:,}", UNIT * NARROW_ONES),
    computed("8 × 51,380,224 = {:,}", DOUBLE * WIDE_ONES),
    computed("Together these are {:,} MACs", sum(POINTWISE)),
    computed(
        "this unit of {:.1f} million. The pointwise layers are {}",
        UNIT / 1e6,
        sum(POINTWISE) // UNIT,
    ),
    # Where the cost sits
    kind_row("pointwise", "pointwise"),
    kind_row("depthwise", "depthwise"),
    kind_row("stem", "standard"),
    kind_row("classifier", "fc"),
    computed("| together | {:,} | | {:,} | |", FULL_SIZE, WEIGHTS),
    computed("Batch norm adds {:,} parameters", NORM),
    computed("bias adds {:,}:", network.classifier.bias.numel()),
    computed("= {:,} in all", PARAMS),
    computed(
        "every block has {:.0f} to {:.0f} or {:.0f} to {:.0f} million, nearly all",
        *(edge(narrow) / 1e6 for narrow in (LIGHT, HEAVY) for edge in (min, max)),
    ),
    named("almost none before block 6, about", "the figure"),
    named("in blocks 7 to 11, half", "the figure"),
    named("in block 12, one million each in block 13 and", "the figure"),
    computed("hold {} % of all parameters", percent(END_PARAMS, PARAMS)),
    computed("and do {} % of the work", percent(END_MACS, FULL_SIZE)),
    computed(
        "ten classes instead of 1000 already save {:.0f} %",
        share(PARAMS - params(v1(num_classes=10)), PARAMS),
    ),
    computed("take {:,} MACs instead of {:,}", STEM_SEPARABLE, KINDS["standard"][0]),
    computed("which saves {:.2f} % of", share(KINDS["standard"][0] - STEM_SEPARABLE, FULL_SIZE)),
    computed("where the stem has {}.", layers[0][2][0]),
    # Thinner
    printed("and uses {}, {}, {} and {}. In", 1, *WIDTHS[1:], where="section 3.3"),
    named(r"its cost falls with \alpha^2. In", "equation (5.1)"),
    given(r"At \alpha = 0.5, which share"),
    computed("{} % of the MACs and", percent(GRID[0.5, 224], FULL_SIZE)),
    computed("and {} % of the parameters. The", percent(SIZED[0.5], PARAMS)),
    computed(r'"roughly \alpha^2", which is {:.0f} %', 100 * 0.5**2),
    computed("its {} outputs stay", network.classifier.out_features),
    named(r"| \alpha | \alpha^2 | MACs |", "a heading"),
    *map(width_row, WIDTHS),
    given(r"At \alpha = 0.25 the classifier"),
    computed("{:,} of {:,} parameters. With", params(quarter.classifier), SIZED[0.25]),
    given("ten classes instead of 1000 it would be"),
    computed(
        "it would be {:,} of {:,}.",
        params(v1(width_mult=0.25, num_classes=10).classifier),
        params(v1(width_mult=0.25, num_classes=10)),
    ),
    computed("keeps at least {}.", notebook.scaled(1, 0.1)),
    named("rounds to multiples of 8. For", "timm, round_channels"),
    # Smaller pictures
    named(r"fall with \rho^2. In", "equation (5.1)"),
    printed("input size: {}, {}, {} or {}.", *papers.V1_SIZES, where="section 3.4"),
    named(
        r"D_K^2 · \alpha M · (\rho D_F)^2 + \alpha M · \alpha N · (\rho D_F)^2",
        "Howard et al. 2017, equation (7)",
    ),
    given("trained a network at 224. Will it run on pictures of 128,"),
    computed("gives {} numbers whatever", layers[-2][2][0]),
    named(r"| Input | \rho^2 | MACs |", "a heading"),
    *map(size_row, papers.V1_SIZES),
    computed("multiples of {}, so", 2**5),
    computed("a side of 33 becomes {}, {}, {}, {} and {}.", *ODD_SIDES),
    computed("That costs {:,} MACs, {} % of", ODD, percent(ODD, FULL_SIZE)),
    computed(r"where \rho^2 would say {} %", percent(33**2, 224**2)),
    # Which knob?
    given("widths 1.0, 0.75 and 0.5 lie nearly"),
    computed("from {1:.0f} per cent at {0:.0f} million", *point(0.5, 128)),
    computed("to {1:.0f} per cent at {0:.0f} million", *point(1.0, 224)),
    given("The line for 0.25 lies apart"),
    given("from an input of 224 at its right end to 128 at its left"),
    named("Tables 6, 7 and 9. The two", "Howard et al. 2017"),
    computed("differ by up to {:.1f} points, either way", max(map(abs, RETRAINED))),
    named("Top-1 is the share", "the first guess"),
    named("million MACs, and top-1 of", "the first guess"),
    named(r"| \alpha | 224 | 192 | 160 | 128 |", "a heading"),
    *(
        computed(
            "| {:g} | {:.1f} / {} % | {:.1f} / {} % | {:.1f} / {} % | {:.1f} / {} % |",
            *(alpha, *(n for size in papers.V1_SIZES for n in point(alpha, size))),
        )
        for alpha in WIDTHS
    ),
    named(r"\alpha = 0.75 at 160 is as good as \alpha = 1 at 128 for", "tests/test_papers.py"),
    named(r"\alpha = 0.75 at 128 as good as \alpha = 0.5 at 192", "tests/test_papers.py"),
    given(r"From \alpha = 0.25 at 224 to \alpha = 0.5 at 128 it is"),
    computed("it is {:.1f} points, for a fifth", TOP1[0.5, 128] - TOP1[0.25, 224]),
    computed("has {:.2f} times the parameters", SIZED[0.5] / SIZED[0.25]),
    # Was it worth it?
    named("| Network | Top-1 |", "a heading: the first guess"),
    result_row("full convolutions", t4["full"][0], FULL_MACS, FULL_PARAMS),
    result_row("MobileNetV1", t4["separable"][0], FULL_SIZE, PARAMS),
    result_row(r"thin: \alpha = 0.75", t5["narrow"][0], GRID[0.75, 224], SIZED[0.75]),
    result_row("shallow: no blocks 7 to 11", t5["shallow"][0], SHALLOW_MACS, SHALLOW_PARAMS),
    named("(Top-1: Tables 4 and 5 of the paper", "Howard et al. 2017"),
    computed("{:.1f} points lost, for", t4["full"][0] - t4["separable"][0]),
    computed("for {:.2f} times fewer MACs", FULL_MACS / FULL_SIZE),
    computed("and {:.2f} times fewer parameters", FULL_PARAMS / PARAMS),
    computed("is {:.1f} points better. It", t5["narrow"][0] - t5["shallow"][0]),
    computed("does {:.1f} % more work", share(GRID[0.75, 224], SHALLOW_MACS) - 100),
    result_row("VGG-16", t8["VGG 16"][0], convolution.VGG_MACS, convolution.VGG_PARAMS),
    result_row("GoogLeNet", t8["GoogleNet"][0], GOOGLE_MACS, GOOGLE_PARAMS),
    result_row(r"\alpha = 0.5 at 160", t9["0.50 MobileNet-160"][0], SMALL, SMALL_PARAMS),
    result_row("SqueezeNet", t9["Squeezenet"][0], SQUEEZE_MACS, SQUEEZE_PARAMS),
    result_row("AlexNet", t9["AlexNet"][0], ALEX_MACS, ALEX_PARAMS),
    named("(Top-1: Tables 8 and 9. The rest", "Howard et al. 2017"),
    printed("It reaches {:.1f} % at 224", papers.TIMM_V1_TOP1, where="timm's README"),
    computed(": {:.1f} points more", papers.TIMM_V1_TOP1 - t4["separable"][0]),
    # The paper's numbers
    computed(  # tests/test_papers.py finds the one that does not
        "Table 1 lists {} layers. Against the network in the notebook, {} agree",
        *(len(layers), len(layers) - 1),
    ),
    printed("is printed with stride {}, but", 2, where="Howard et al. 2017, Table 1"),
    computed("so it must be {}.", network.blocks[12].depthwise[0].stride[0]),
    computed("the map ends at {0}×{0}, the network takes {1:,} MACs", MISPRINT_SIDE, MISPRINT_MACS),
    named("Table 2, shares", "Howard et al. 2017"),
    printed("convolution's {} % should", papers.V1_TABLE2["standard"][0], where="Table 2"),
    computed("should be {:.2f} %: as", pointwise.shares["standard"][0]),
    computed("the column adds up to {:.2f}", pointwise.PRINTED_SUM),
    named("Table 3 takes one layer", "Howard et al. 2017"),
    given("one layer of 512 channels on 14×14"),
    named("Tables 4 to 9, first the MACs", "Howard et al. 2017"),
    paper_row("3", r"layer, \alpha = 0.75", t3["alpha"][0], T3_ALPHA),
    paper_row("3", r"and \rho = 0.714", t3["rho"][0], T3_RHO),
    paper_row("4", "full convolutions", t4["full"][1], FULL_MACS),
    paper_row("4, 6-8", r"\alpha = 1 at 224", t4["separable"][1], FULL_SIZE),
    paper_row("5, 6", r"\alpha = 0.75", t5["narrow"][1], GRID[0.75, 224]),
    paper_row("5", "shallow", t5["shallow"][1], SHALLOW_MACS),
    paper_row("6", r"\alpha = 0.5", papers.V1_TABLE6[0.5][1], GRID[0.5, 224]),
    paper_row("6", r"\alpha = 0.25", papers.V1_TABLE6[0.25][1], GRID[0.25, 224]),
    *(
        paper_row("7", f"at {size}", papers.V1_TABLE7[size][1], GRID[1.0, size])
        for size in (192, 160, 128)
    ),
    paper_row("8", "GoogLeNet", t8["GoogleNet"][1], GOOGLE_MACS),
    paper_row("8", "VGG-16", t8["VGG 16"][1], convolution.VGG_MACS),
    paper_row("9", r"\alpha = 0.5 at 160", t9["0.50 MobileNet-160"][1], SMALL),
    paper_row("9", "SqueezeNet", t9["Squeezenet"][1], SQUEEZE_MACS),
    paper_row("9", "AlexNet", t9["AlexNet"][1], ALEX_MACS),
    paper_row("3", r"layer, \alpha = 0.75", t3["alpha"][1], params(block384)),
    paper_row("4", "full convolutions", t4["full"][2], FULL_PARAMS),
    paper_row("4, 6-8", r"\alpha = 1", t4["separable"][2], PARAMS),
    paper_row("5, 6", r"\alpha = 0.75", t5["narrow"][2], SIZED[0.75]),
    paper_row("5", "shallow", t5["shallow"][2], SHALLOW_PARAMS),
    paper_row("6", r"\alpha = 0.5", papers.V1_TABLE6[0.5][2], SIZED[0.5]),
    paper_row("6", r"\alpha = 0.25", papers.V1_TABLE6[0.25][2], SIZED[0.25]),
    paper_row("8", "GoogLeNet", t8["GoogleNet"][2], GOOGLE_PARAMS),
    paper_row("8", "VGG-16", t8["VGG 16"][2], convolution.VGG_PARAMS),
    paper_row("9", r"\alpha = 0.5", t9["0.50 MobileNet-160"][2], SMALL_PARAMS),
    paper_row("9", "SqueezeNet", t9["Squeezenet"][2], SQUEEZE_PARAMS),
    paper_row("9", "AlexNet", t9["AlexNet"][2], ALEX_PARAMS),
    # Why they differ
    printed("{} leaves the classifier out", t4["full"][1], where="Table 4"),
    computed("out: {:,} without it.", FULL_MACS - FC),
    printed("{} has it in", t4["separable"][1], where="Table 4"),
    computed("in: {:,} without it.", FULL_SIZE - FC),
    printed(
        "{} and {} are cut", papers.V1_TABLE7[160][1], t9["0.50 MobileNet-160"][1], where="T. 7, 9"
    ),
    computed("not rounded: {:.1f} and {:.1f}.", GRID[1.0, 160] / 1e6, SMALL / 1e6),
    printed("{} is rounded, not cut", t4["separable"][1], where="Table 4"),
    printed("{} leaves batch norm out", t9["0.50 MobileNet-160"][2], where="Table 9"),
    computed("out: {:,} without it. Tables", without_norm(half)),
    named("Tables 2 and 3 leave it out too", "Howard et al. 2017"),
    named("MobileNets in Tables 4 to 8 fit", "tests/test_papers.py tries each"),
    printed(r"\rho = {} is", 0.714, where="Table 3"),
    computed("is {} / {}: the layer's map at an input of 160", sides(160)[3], sides(224)[3]),
    printed("VGG-16: {} counts", t8["VGG 16"][1], where="Table 8"),
    computed("convolutions only, {:,}", convolution.CONV_MACS),
    printed("The {} million parameters", t8["VGG 16"][2], where="Table 8"),
    printed("SqueezeNet: {} are not MACs", t9["Squeezenet"][1], where="Table 9"),
    printed('"{} GFLOPS/image"', 1.72, where="SqueezeNet's README, commit ca23519"),
    given("its picture of 227×227"),
    computed("takes {:,} MACs, and twice that is {:,}", SQUEEZE_MACS, 2 * SQUEEZE_MACS),
    printed(r'"{} × less computation"', 22, where="section 4.2"),
    computed("With MACs on both sides it is {:.1f}", SQUEEZE_MACS / SMALL),
    named("The one of 2012 has", "a year"),
    computed("Its {:,} MACs and {:,} parameters", ALEX_MACS, ALEX_PARAMS),
    printed("fit {} and {}, if", t9["AlexNet"][1], t9["AlexNet"][2], where="Table 9"),
    computed("It takes {:,} MACs; with", TORCHVISION_GOOGLENET),
    printed("gives {} and {}.", t8["GoogleNet"][1], t8["GoogleNet"][2], where="Table 8"),
    # More slips
    printed('the small network "{} %" better', 4, where="section 4.2"),
    printed(
        "Its Table 9 says {} against {} and {}, which",
        *(t9[name][0] for name in ("0.50 MobileNet-160", "AlexNet", "Squeezenet")),
        where="Table 9",
    ),
    computed(
        "which is {:.1f} and {:.1f} points",
        *(t9["0.50 MobileNet-160"][0] - t9[name][0] for name in ("AlexNet", "Squeezenet")),
    ),
    printed('"{} Million mult-adds"', 0.58, where="section 4.4"),
    printed('"{} million" parameters in the text and {} in Table 12', 75, 7.5, where="section 4.5"),
    printed(
        r"Table 12 prints {} and {} million for \alpha = 0.25 at 224 and 128, where Table 6 has {}",
        *(papers.V1_TABLE12[0.25, 224][0], papers.V1_TABLE12[0.25, 128][0]),
        papers.V1_TABLE6[0.25][1],
        where="Table 12",
    ),
    computed(
        "We get {:,} and {:,} if no layer may have fewer than 16 channels",
        with_floor(0.25, 224, 16)[1],
        with_floor(0.25, 128, 16)[1],
    ),
    printed("for {} it takes cutting", papers.V1_TABLE12[0.25, 224][0], where="Table 12"),
    computed("the same table cuts {:.1f} to 48", int(with_floor(0.5, 128, 8)[1] / 1e5) / 10),
    printed(
        'Table 14 has two rows called "0.75 MobileNet-128". The one with 166', where="Table 14"
    ),
    given("must be at 160: that takes"),
    computed("that takes {:,}, or {:,} without", GRID[0.75, 160], with_floor(0.75, 160, 8)[1]),
    printed(
        r"For \alpha = 0.75 it prints {}, {}, {} and {} million MACs",
        *papers.SLIM_V1_MACS[0.75],
        where="the README of TensorFlow slim",
    ),
    computed("first convolution: {:,} at 224", without_stem(0.75, 224)),
    printed(
        r"For \alpha = 0.25 at 192 it prints {} million",
        papers.SLIM_V1_MACS[0.25][1],
        where="the README of TensorFlow slim",
    ),
    computed("where we count {:,}; with", GRID[0.25, 192]),
    computed("the floor of 16 channels it would be {:,}, but", with_floor(0.25, 192, 16)[0]),
    computed("fit the usual {}.", notebook.scaled(1, 0.1)),
    printed(
        r"Its {} million for \alpha = 0.5 at 224 would be",
        papers.SLIM_V1_MACS[0.5][0],
        where="the README of TensorFlow slim",
    ),
    computed("would be {:.0f}, unless", GRID[0.5, 224] / 1e6),
    computed("our count is {:,}.", GRID[0.5, 224]),
    printed("Its {} million parameters", papers.SLIM_V1_PARAMS[1.0], where="the README"),
    computed("batch norm's two, {:,}.", PARAMS + channels_normed(network)),
    printed('Keras printed "{}" million', 529, where="keras_applications/mobilenet.py"),
    computed("It is {:.0f}.", FULL_SIZE / 1e6),
    # What is often got wrong
    computed("With a bias in all {} convolutions", len(layers) - 1),
    computed("has {:,} parameters, {:,} more", PARAMS + BIASES, BIASES),
    given("The notebook adds 5 to every bias"),
    computed("a one and {} zeros", 1000 - 1),
    computed(r"\ln(999 + e) - 1 ≈ {:.4f}", FLOOR),
    computed("It starts at {:.4f}, the logarithm of 1000", START),
    computed("a gradient {} times too weak", round(GRADIENT_RATIO)),
    computed("creeps from {:.1f} towards {:.1f}, look", START, FLOOR),
    named("AvgPool2d(7)", "the size of its window"),
    named("and at 224 the map is 7×7. At 128 and 192 the map", "the input sizes"),
    given("At 256 it raises none: the map is 8×8"),
    computed("the window sees {} of its {} places", SEEN, 8 * 8),
    named("Use AdaptiveAvgPool2d(1)", "the size of its output"),
    computed("which clips at {:.0f}, and", float(nn.ReLU6()(torch.tensor(1e9)))),
    printed('"V1 has dropout {}."', 0.2, where="torchvision's V2 and V3"),
    computed("drops {:.1f} % in front of the classifier", 100 * network.dropout.p),
    computed("they are so few: {:,} of more", KINDS["depthwise"][1]),
    printed('"It spends {} % of its time', 95, where="section 3.2"),
    printed("{} as batch norm's epsilon", 0.001, where="TensorFlow slim, mobilenet_v1.py"),
    computed("not PyTorch's 10^{{{}}}", round(math.log10(nn.BatchNorm2d(1).eps))),
    named("at stride 2 on a map of even side", "the padding of TensorFlow"),
    named("permute(3, 2, 0, 1)", "height, width, in, out becomes out, in, height, width"),
    printed("{} outputs, the first", 1001, where="mobilenet_v1_train.py, TensorFlow slim"),
    printed("scaled from −1 to 1.", where="slim's preprocessing"),
    # Key points
    computed("average, linear layer: {} convolutions", len(layers) - 1),
    computed("one linear layer; {:,} parameters and {:,} MACs at 224", PARAMS, FULL_SIZE),
    computed("costs {:.1f} or {:.1f} million MACs", UNIT / 1e6, DOUBLE / 1e6),
    named(r"to little more than \alpha^2. It", "equation (5.1)"),
    named(r"takes MACs and maps down to \rho^2 and", "equation (5.1)"),
    computed("{:.1f} points for {:.2f}", t4["full"][0] - t4["separable"][0], FULL_MACS / FULL_SIZE),
    computed("beats shallow by {:.1f} points", t5["narrow"][0] - t5["shallow"][0]),
    # Exercises
    named("which map leaves block 6 and block 13", "the blocks' numbers"),
    given("a picture of 100×100"),
    computed(
        6 * "({}, {}), " + "five times ({}, {}), ({}, {}), ({}, {}).",
        *(n for block in (*notebook.V1_BLOCKS[:7], *notebook.V1_BLOCKS[11:]) for n in block),
    ),
    computed("goes from 100 to {}, {}, {}, {} and {}, rounded", *HUNDRED_SIDES),
    computed(
        "Block 6 has the fourth of these, {0}×{0}×{1}",
        HUNDRED_SIDES[3],
        network.blocks[5].pointwise[0].out_channels,
    ),
    computed("block 13 the last, {0}×{0}×{1}.", HUNDRED_SIDES[4], network.classifier.in_features),
    given(r'"At \alpha = 0.5 everything shrinks'),
    computed("3,139,584 / 4 = {:,}", sum(pointwise_weights(half))),
    computed("the depthwise weights ({:,})", sum(depthwise_weights(half))),
    computed("the stem ({})", half.stem[0].weight.numel()),
    computed("the batch norms ({:,})", 2 * channels_normed(half)),
    computed("the classifier's weights ({:,})", half.classifier.weight.numel()),
    computed("The {:,} biases stay. Together {:,}.", half.classifier.bias.numel(), SIZED[0.5]),
    given("allows 115 million MACs"),
    given("from those at 224."),
    computed(r"rule out \alpha = 1 and \alpha = 0.75, which has {:,} parameters", SIZED[0.75]),
    given(r"\alpha = 0.5 at 192 is the best within 115 million"),
    named(r"fall with \rho^2, so", "equation (5.1)"),
    computed("+ 512,000 = {:,} MACs, for {} %", GRID[0.5, 192], TOP1[0.5, 192]),
    given(r"\alpha = 0.75 at 128 takes"),
    computed("+ 768,000 = {:,}, and has {} %", GRID[0.75, 128], TOP1[0.75, 128]),
    computed("At 160 it is over the budget, with {:,}", GRID[0.75, 160]),
    given("nn.Conv2d(m, m, 3, stride, padding=1, groups=m),"),
    given("DepthwiseSeparableConv(1024, 1024, stride=2)"),
    given("self.pool = nn.AvgPool2d(7)"),
    given("softmax(dim=1)"),
    named("that Table 1 misprints", "Howard et al. 2017"),
    computed("only a map of {0}×{0}. Then", MISPRINT_SIDE),
    named("fails at 224, as", "the usual size"),
    computed("it would be right from {} to {}, silently wrong from {} to {}, and", *POOLED),
    computed("that stays above {:.4f}", FLOOR),
    printed(
        "For 120 breeds of dogs, the paper's Table 10 prints {} million mult-adds and {} million",
        *papers.V1_TABLE10[1.0, 224],
        where="Table 10",
    ),
    given(r"for \alpha = 1 at 224. Check both"),
    computed("4,231,976 - 1,025,000 = {:,} parameters", PARAMS - params(network.classifier)),
    computed("each class adds {:,} weights", network.classifier.in_features),
    computed("120 × 1,025 = {:,}, which", DOGS_PARAMS),
    given("take away 880 classes"),
    computed("880 × 1,024 = {:,}. That rounds to {:.0f}.", DOGS_MACS, DOGS_MACS / 1e6),
    printed("The printed {} is", papers.V1_TABLE10[1.0, 224][0], where="Table 10"),
    given("takes with 1000 classes"),
    # Interview questions
    given("A 3×3 convolution with stride 2, then"),
    given("from 64 to 1024 channels, four of them with stride 2; then"),
    computed("{:.1f} million parameters, {:.0f} million MACs", PARAMS / 1e6, FULL_SIZE / 1e6),
    printed("million MACs, {} % on ImageNet", t4["separable"][0], where="Table 4"),
    computed("makes {} numbers of any map", layers[-2][2][0]),
    computed("that reads it has {:,} parameters", FC1_VGG),
    computed("The MACs fall to {} %", percent(GRID[0.5, 224], FULL_SIZE)),
    computed("the parameters to {} %", percent(SIZED[0.5], PARAMS)),
    computed("below a loss of {:.1f}. What", FLOOR),
    given("with 1000 classes the floor"),
    computed("is then {:.4f}. With ten classes it is {:.4f}", FLOOR, loss_between(10)[1]),
    given("the padding at stride 2, batch"),
]

NOTEBOOK = [
    named("of its paper's Table 1, print", "Howard et al. 2017"),
    computed("One unit, {} times", len(layers) - 1),
    computed("which also clips at {:.0f}", float(nn.ReLU6()(torch.tensor(1e9)))),
    named("Two lines of the paper's Table 1 make one row here", "Howard et al. 2017"),
    named("in the 1×1 line below", "Table 1"),
    named("The paper's Table 1, printed back", "Howard et al. 2017"),
    named("beside the paper's Table 2. Its", "Howard et al. 2017"),
    given("does not come to 100, and"),
    named("The paper's Tables 6 and 7 print", "Howard et al. 2017"),
    given("and any image: 33 pixels a side"),
    named("experiment of the paper's Table 4: replace", "Howard et al. 2017"),
    printed(
        "prints {} million mult-adds and {} million parameters, and {} % on ImageNet against {} %",
        *(t4["full"][1], t4["full"][2], t4["full"][0], t4["separable"][0]),
        where="Table 4",
    ),
    named("timm has it with α = 1 and α = 1.25", "mobilenetv1_100 and mobilenetv1_125"),
    given("add 5 to every bias"),
    given("sees numbers between 0 and 1. Predict"),
    given("can it get with 1000 classes"),
    given('says "Pool 7 × 7", which is'),
    given("for an image of 224. Written"),
    named("At 256 nothing is said", "the input size"),
    given("Which places of the 8×8 map"),
    computed("downloaded (about {:.0f} MB)", 4 * PARAMS / 1e6),
    named("Exercise 1: thin", "the first exercise"),
    given("compares α = 0.75 with a"),
    named("The paper's Table 5 compares", "Howard et al. 2017"),
    given("that keep 14×14×512. Build"),
    printed(
        "prints {} million mult-adds and {} million parameters, and {} % against {} %",
        *(t5["shallow"][1], t5["shallow"][2], t5["shallow"][0], t5["narrow"][0]),
        where="Table 5",
    ),
    named("Exercise 2: weight", "the second exercise"),
    computed("{} convolutions and a linear layer; {:,} parameters", len(layers) - 1, PARAMS),
    computed("parameters, {:,} MACs.", FULL_SIZE),
    given("its own 3 by 3 depthwise filter"),
]

shapes = [shape for layer, _, shape in layers if getattr(layer, "groups", 1) == 1]
BLOCK_MAPS = [shape for shape in shapes[1:-1] if len(shape) == 3]
FIGURES = [
    # v1-network
    computed("3×3 conv /{}, {} filters", layers[0][0].stride[0], layers[0][2][0]),
    named("3×3 dw /2", "a stride of two"),
    *(computed("{}×{}×{}", *shape[1:], shape[0]) for shape in dict.fromkeys(shapes[:-1])),
    *(computed("1×1, {}", filters) for filters in sorted({shape[0] for shape in BLOCK_MAPS})),
    *(named(f"{number}", "a block's number") for number in (*range(1, 7), 12, 13)),
    named("7-11", "five equal blocks"),
    computed("1×1×{}", network.classifier.in_features),
    computed("linear, {:,} classes", network.classifier.out_features),
    computed("{:,} logits", network.classifier.out_features),
    # v1-grid
    named("top-1 on ImageNet", "the first guess"),
    *(given(f"α = {alpha}") for alpha in WIDTHS),
    *(given(f"{size}") for size in papers.V1_SIZES),
]

# How often each name with a digit in it stands there.
PAGE_NAMES = {
    "1×1": 2,
    "3×3": 5,
    "5×5": 2,
    "7×7": 5,
    "AdaptiveAvgPool2d": 1,
    "AvgPool2d": 2,
    "BatchNorm2d": 1,
    "Conv2d": 1,
    "MobileNetV1": 10,
    "ReLU6": 8,
    "V1": 5,
    "V2": 2,
    "V3": 1,
    "VGG-16": 5,
    "v1": 1,
}
NOTEBOOK_NAMES = {
    "1×1": 1,
    "3×3": 1,
    "7×7": 1,
    "MobileNetV1": 3,
    "MobileNetV2": 1,
    "ReLU6": 2,
    "V1": 1,
}
FIGURES_NAMES = {"1×1": 10, "3×3": 11}
