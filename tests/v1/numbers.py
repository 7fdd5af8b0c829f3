"""Names for the expressions beside the numbers of the chapter on MobileNetV1."""

import math
from fractions import Fraction

import torch
import torchvision
from torch import nn
from torch.nn.functional import cross_entropy

from tests.book import definitions
from tests.convolution import numbers as convolution
from tests.numbers import code, minutes, provided
from tests.pointwise import numbers as pointwise
from tools import papers
from tools.counting import macs, macs_by_layer, on_meta, params, totals_by_kind, v1

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
    return [block.pointwise.conv.weight.numel() for block in network.blocks]


def depthwise_weights(network: nn.Module) -> list[int]:
    return [block.depthwise.conv.weight.numel() for block in network.blocks]


def thin(alpha: float) -> nn.Module:
    return v1(width_mult=alpha)


def dogs(alpha: float, classes: int) -> nn.Module:
    return v1(width_mult=alpha, num_classes=classes)


def pointwise_macs(m: int, n: int, area: tuple) -> int:
    """Of one layer; `area` begins with the sides of its map."""
    return macs(nn.Conv2d(m, n, 1, bias=False), m, *area[:2])


def sides(size: int) -> list[int]:
    """The sides of the maps that the five strides leave, largest first."""
    shapes = [shape for _, _, shape in macs_by_layer(v1(), 3, size, size)]
    return sorted({shape[1] for shape in shapes if len(shape) == 3}, reverse=True)


def leaves(block: int, size: int) -> tuple[int, int, int]:
    """The map that leaves a block, as height, width, channels; the first block is number 1."""
    _, _, (channels, *area) = macs_by_layer(v1(), 3, size, size)[2 * block]
    return *area, channels


def sizes_with_maps(smallest: int, largest: int) -> tuple[int, int]:
    """The first and the last input size whose last map has a side between the two."""
    fitting = [size for size in range(1, 999) if smallest <= math.ceil(size / 32) <= largest]
    assert sides(fitting[0])[-1] == smallest and sides(fitting[-1])[-1] == largest
    return fitting[0], fitting[-1]


# AvgPool2d(7) is right on maps of 7 and, unnoticed, not on those of 8 to 13; 14 gives two rows.
def pooled(window: int) -> tuple[int, int, int, int]:
    """The first and the last input size for which a fixed pooling is right, and silently wrong."""
    right, wrong = (window, window), (window + 1, 2 * window - 1)
    return *sizes_with_maps(*right), *sizes_with_maps(*wrong)


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
    TOP1[0.5, 160] - papers.V1_TABLE9["0.50 MobileNet-160"].top1,
]
wide_enough = [key for key in GRID if key[0] >= 0.5]


def best(million: int, megabytes: float = math.inf) -> tuple[float, int]:
    """The most accurate of the sixteen networks that fits a budget, at one byte a parameter."""
    fitting = [
        key
        for key, count in GRID.items()
        if count <= 1e6 * million and SIZED[key[0]] <= 1e6 * megabytes
    ]
    return max(fitting, key=TOP1.get)


def fall(alpha: float, size: int, start: int) -> tuple:
    """How the MACs at one size follow from those at another: the operands and the result."""
    last = v1(width_mult=alpha).classifier.weight.numel()
    left = Fraction(size, start) ** 2
    return GRID[alpha, start], last, left.numerator, left.denominator, last, GRID[alpha, size]


def too_dear(alpha: float, million: int) -> tuple[int, int]:
    """The smallest size at which a width is over the budget, and its MACs there."""
    size = min(size for size in papers.V1_SIZES if GRID[alpha, size] > 1e6 * million)
    return size, GRID[alpha, size]


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
        nn.Conv2d(3, 96, 11, stride=4),
        pool,
        nn.Conv2d(96, 256, 5, padding=2, groups=2),
        pool,
        nn.Conv2d(256, 384, 3, padding=1),
        nn.Conv2d(384, 384, 3, padding=1, groups=2),
        nn.Conv2d(384, 256, 3, padding=1, groups=2),
        pool,
        nn.Flatten(),
        nn.Linear(6 * 6 * 256, 4096),
        nn.Linear(4096, 4096),
        nn.Linear(4096, 1000),
    )


alexnet = on_meta(alexnet_2012)
ALEX_MACS, ALEX_PARAMS = macs(alexnet, 3, 227, 227), params(alexnet)

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
printed_stride.blocks[12].depthwise.conv.stride = (2, 2)
MISPRINT_MACS = macs(printed_stride, 3, 224, 224)
MISPRINT_SIDE = macs_by_layer(printed_stride, 3, 224, 224)[-2][2][1]
DOGS_MACS = macs(dogs(1.0, 120), 3, 224, 224)
t4, t5 = papers.V1_TABLE4, papers.V1_TABLE5
t8, t9 = papers.V1_TABLE8, papers.V1_TABLE9
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


def kind_row(kind: str) -> tuple:
    """Per cent of all MACs, the weights, and per cent of all weights that a kind of layer has."""
    count, weights = KINDS[kind]
    return share(count, FULL_SIZE), weights, share(weights, WEIGHTS)


def width_row(alpha: float) -> tuple:
    """A width, its square, and what is left of MACs and parameters, in per cent."""
    left = percent(GRID[alpha, 224], FULL_SIZE), percent(SIZED[alpha], PARAMS)
    return alpha, 100 * alpha**2, *left


def point(alpha: float, size: int) -> tuple[float, float]:
    """Million MACs and released accuracy of one of the sixteen networks."""
    return GRID[alpha, size] / 1e6, TOP1[alpha, size]


def grid_row(alpha: float) -> tuple:
    """A width, its million MACs at 224, and the released accuracy at each size."""
    return alpha, GRID[alpha, 224] / 1e6, *(TOP1[alpha, size] for size in papers.V1_SIZES)


def percent(part: float, whole: float) -> str:
    return "100" if part == whole else f"{share(part, whole):.1f}"


shapes = [shape for layer, _, shape in layers if getattr(layer, "groups", 1) == 1]
