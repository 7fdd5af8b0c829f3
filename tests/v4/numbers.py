"""Names for the expressions beside the numbers of the chapter on MobileNetV4."""

import re
from functools import cache

from torch import nn

from figures.v4 import draw
from tests.book import definitions
from tests.device.numbers import milliseconds
from tests.numbers import integer, minutes, provided
from tests.v4 import roofline as modelled
from tests.v4.roofline import MOBILENETS, roofline
from tools import papers
from tools.counting import macs, on_meta, params, v1, v2, v3, v4

notebook = definitions("v4")
IPHONE = papers.IFORMER_TABLE3
T1, T2, T3, T4 = papers.V4_TABLE1, papers.V4_TABLE2, papers.V4_TABLE3, papers.V4_TABLE4
T6, T9, TARGETS, RIDGE = papers.V4_TABLE6, papers.V4_TABLE9, papers.V4_TARGETS, papers.V4_RIDGE


def share(part: float, whole: float) -> float:
    return 100 * part / whole


def each(column: str) -> list[float]:
    """A column of Table 6 for V1, V2 and V4-Conv-S."""
    return [getattr(T6[row], column) for row in ("MobileNet-V1", "MobileNet-V2", "MNv4-Conv-S")]


# ---------------------------------------------------------------- layers

moved = notebook.bytes_moved
COSTS = {
    "V1": notebook.layer_costs(v1(), 3, 224, 224),
    "V2": notebook.layer_costs(v2(), 3, 224, 224),
    "V3-Large": notebook.layer_costs(v3(), 3, 224, 224),
    "V4-Conv-S": notebook.layer_costs(v4(), 3, 224, 224),
}
CONV_S = COSTS["V4-Conv-S"]


def layer(kind: str, before: int, after: int, side: int | None, costs=CONV_S):
    """The first layer of a network with these channels, on a map of this side."""
    places = () if side is None else (side, side)
    return next(
        cost
        for cost in costs
        if (cost.kind, cost.input_shape) == (kind, (before, *places))
        and cost.output_shape[0] == after
    )


def layer_row(kind: str, before: int, after: int, side: int | None) -> list[float]:
    """What the page's table says of a layer of Conv-S: its numbers, MACs, bytes, their ratio."""
    cost = layer(kind, before, after, side)
    named = {
        "pointwise": [before, after, side, side],
        "depthwise": [*cost.layer.weight.shape[2:], before, side, side],
        "fc": [before, after],
    }[kind]
    return [*named, cost.macs, moved(cost), cost.macs / moved(cost)]


PW, DW = layer("pointwise", 96, 192, 14), layer("depthwise", 192, 192, 14)
V2_EXPANDS = layer("pointwise", 16, 96, 112, COSTS["V2"])
V2_FILTERS = layer("depthwise", 96, 96, 112, COSTS["V2"])
FIRST_DEPTHWISE = next(c.input_shape[1] for c in CONV_S if c.kind == "depthwise")
# "Not before 28×28", and in front of it full and pointwise layers.
assert {c.kind for c in COSTS["V1"][1:3]} == {"depthwise", "pointwise"}


def on_large_maps(costs: list) -> int:
    """Bytes of the layers that read or write a map of 56 × 56 or more."""
    return sum(moved(c) for c in costs if max(*c.input_shape[1:], *c.output_shape[1:], 0, 0) >= 56)


# ---------------------------------------------------------------- the ridge point


def times_at(ridge: float) -> list[float]:
    """In million MACs: V1, V2, V3-Large, V4-Conv-S."""
    return [notebook.roofline_time(costs, ridge) / 1e6 for costs in COSTS.values()]


def is_first_everywhere() -> bool:
    """Conv-S at every ridge point: between whole ones the lines are nearly straight."""
    low, high = papers.V4_RIDGES
    return all(min(times) == times[-1] for times in map(times_at, range(low, high + 1)))


def ahead(ridge: float) -> float:
    """How many times as long V3-Large takes as Conv-S."""
    _, _, v3_large, conv_s = times_at(ridge)
    return v3_large / conv_s


def slower(name: str, ridge: float) -> float:
    """How many times as long as Conv-S a network takes."""
    one, other = (notebook.roofline_time(COSTS[each_], ridge) for each_ in (name, "V4-Conv-S"))
    return one / other


def part_row(ridge: float) -> list[float]:
    """Shares of start, middle and head in Conv-S's time, in per cent."""
    return [100 * part for part in notebook.time_by_part(v4(), ridge).values()]


def large_row(ridge: float) -> list[float]:
    """The same of V3-Large, as the figure cuts it."""
    found = draw.by_part("V3-Large", ridge)
    return [100 * part / sum(found) for part in found]


SHOWN = (papers.V4_RIDGES[0], RIDGE["Pixel 6 CPU"], RIDGE["Pixel 8 EdgeTPU"])


@cache
def beside_the_model(machine: str, column: str) -> dict[str, float]:
    """Measured time over the model's, divided by V1's: the convolutional rows of Table 6."""
    found = {
        row: getattr(T6[row], column) / roofline(row, RIDGE[machine])
        for row in MOBILENETS
        if "Hybrid" not in row
    }
    return {row: ratio / found["MobileNet-V1"] for row, ratio in found.items()}


ON_CPU = beside_the_model("Pixel 6 CPU", "pixel6")
ON_DSP = beside_the_model("Pixel 4 DSP", "hexagon")
HALF_V3 = "MobileNet-V3L-0.5x"
OTHERS = [row for row in ON_CPU if row != HALF_V3]
TIMES = [T6[row].pixel6 for row in ON_CPU]


def hybrids() -> list[float]:
    """As ON_CPU, for Hybrid-M and Hybrid-L."""
    rows = ("MobileNet-V1", "MNv4-Hybrid-M", "MNv4-Hybrid-L")
    one, *others = (T6[row].pixel6 / roofline(row, RIDGE["Pixel 6 CPU"]) for row in rows)
    return [other / one for other in others]


def width_of(row: str) -> float:
    """Of a row of Table 6."""
    return float(re.search(r"-([\d.]+)x$", row)[1])


V2_WIDTHS = [width_of(row) for row in ("MobileNet-V2-0.5x", "MobileNet-V2-2.0x")]


def v2_range() -> tuple[float, float]:
    found = [ratio for row, ratio in ON_CPU.items() if row.startswith("MobileNet-V2")]
    return min(found), max(found)


def worst() -> float:
    """How far the model is off on the CPU, in per cent of itself, without V3."""
    return 100 * max(abs(ON_CPU[row] - 1) for row in OTHERS)


def ranked_by_roofline() -> tuple[float, float]:
    found = [row.by_roofline for row in papers.V4_TABLE16.values()]
    return min(found), max(found)


# No other is as far from the model, on either machine.
assert all(max(found, key=found.get) == HALF_V3 for found in (ON_CPU, ON_DSP))


def half_v3() -> float:
    """Its milliseconds on the CPU: as many as Conv-S has, and as far from the model as it says."""
    far = 1.2 < ON_CPU[HALF_V3] < 1.3 and 1.9 < ON_DSP[HALF_V3] < 2.2
    return provided(far and T6[HALF_V3].pixel6 == T6["MNv4-Conv-S"].pixel6, T6[HALF_V3].pixel6)


# ---------------------------------------------------------------- blocks

ROW = notebook.CONV_MEDIUM[4]  # the figure's block: the paper's sixth row, with the stem's


def block(name: str, channels: int, wide: int, kernel: int) -> nn.Module:
    """A form of the block by its name, at stride 1."""
    [(first, second)] = [which for which, form in notebook.BLOCKS.items() if form == name]
    kernels = kernel * first, kernel * second
    return on_meta(notebook.UniversalInvertedBottleneck, channels, *kernels, wide, channels, 1)


def form(name: str, channels: int, wide: int, side: int, kernel: int) -> int:
    """MACs of a form of the block."""
    return macs(block(name, channels, wide, kernel), channels, side, side)


def form_weights(name: str, channels: int, wide: int, kernel: int) -> int:
    """Weights of its convolutions."""
    convs = [m for m in block(name, channels, wide, kernel).modules() if isinstance(m, nn.Conv2d)]
    return sum(map(params, convs))


def spread(channels: int, wide: int, side: int, kernel: int) -> float:
    """From the cheapest to the dearest form, in per cent of the cheapest."""
    costs = [form(name, channels, wide, side, kernel) for name in notebook.BLOCKS.values()]
    return share(max(costs) - min(costs), min(costs))


def counted(variant: str) -> list[int]:
    """How often each form stands in a network's table."""
    names = [row.block for row in notebook.VARIANTS[variant].rows]
    return [names.count(name) for name in notebook.BLOCKS.values()]


# ---------------------------------------------------------------- networks

NETS = {variant: v4(variant) for variant in notebook.VARIANTS}
PARAMS = {variant: params(net) for variant, net in NETS.items()}
MACS = {name: macs(NETS[name], 3, side, side) for name, side in notebook.SIZES.items()}
PRINTED = {"conv_small": "MNv4-Conv-S", "conv_medium": "MNv4-Conv-M", "conv_large": "MNv4-Conv-L"}


def network_row(variant: str) -> list[float]:
    """The picture's side, million parameters and MACs, top-1 in Table 6."""
    top1 = T6[PRINTED[variant]].top1
    return [notebook.SIZES[variant], PARAMS[variant] / 1e6, MACS[variant] / 1e6, top1]


def bare(variant: str) -> int:
    """Parameters without batch norms."""
    norms = [m for m in NETS[variant].modules() if isinstance(m, nn.BatchNorm2d)]
    return PARAMS[variant] - sum(map(params, norms))


# ---------------------------------------------------------------- attention

HEADED = next(
    row for row in reversed(notebook.HYBRID_MEDIUM) if isinstance(row, notebook.Attention)
)
CONV_S_NORM, V3_NORM = (
    next(m for m in net.modules() if isinstance(m, nn.BatchNorm2d)) for net in (v4(), v3())
)
DEEP = notebook.HYBRID_MEDIUM[-1].out  # channels of Hybrid-M's last stage
KEY = HEADED.key_channels
ADDED = T2["+3 MHSA"].pixel8 - T2["base model"].pixel8
# Of the time that Mobile MQA saves, the part that needs another order of the products.
UNTRANSPOSED = (papers.V4_TABLE17.pixel8 - T2["+3 MQA"].pixel8) / (
    T2["+3 MHSA"].pixel8 - T2["+3 MQA"].pixel8
)


def intensity(sets: int) -> float:
    """MACs per byte of Hybrid-M's deeper blocks of attention, by sets of keys and values."""
    places = (notebook.SIZES["hybrid_medium"] // 32) ** 2
    return modelled.intensity(modelled.attention(DEEP, HEADED.heads, KEY, places, sets))


# ---------------------------------------------------------------- exercises


def pointwise_bytes(side: int, few: int, many: int) -> int:
    """Input, output and weights of a pointwise layer."""
    return side**2 * (few + many) + few * many


def dense(side: int, few: int, many: int) -> float:
    """MACs per byte of a pointwise layer."""
    return side**2 * few * many / pointwise_bytes(side, few, many)


def full_bytes(before: int, after: int, into: int, outof: int, kernel: int) -> int:
    """Input, output and weights of a full convolution."""
    return before**2 * into + after**2 * outof + kernel**2 * into * outof


# ---------------------------------------------------------------- recipes


def weight(network: str) -> str:
    """timm's name of a network's best weights in its results, which is its recipe as well."""
    [found] = [name for name in papers.TIMM if name.partition(".")[0] == network]
    return found


def timm(network: str) -> float:
    return papers.TIMM[weight(network)].top1


def recipe(network: str) -> int:
    """Epochs, by the name of the weights."""
    return int(re.search(r"e(\d{3,})_", weight(network))[1])
