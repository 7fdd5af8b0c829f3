"""How long V4's roofline says that the networks of its Table 6 take, against what was measured.

In 8 bits: a byte for each weight, and for each number that a layer reads or writes. A layer is a
convolution, a linear layer, or one of attention's two matrix products.
"""

from collections.abc import Callable
from functools import cache
from numbers import Real
from typing import NamedTuple

from scipy.stats import spearmanr
from torch import nn

from tests.book import definitions
from tools import papers
from tools.counting import v1, v2, v4
from tools.variants import paper_v3

notebook = definitions("v4")


class Work(NamedTuple):
    macs: int
    moved: int  # bytes


class Place(NamedTuple):
    """A network of Table 6: how we build it, and the side of its pictures."""

    build: Callable[[], nn.Module]
    size: int


def of_v4(variant: str) -> Place:
    return Place(lambda: v4(variant), notebook.SIZES[variant])


MOBILENETS = {
    "MobileNet-V1": Place(v1, 224),
    "MobileNet-V2-0.5x": Place(lambda: v2(width_mult=0.5), 224),
    "MobileNet-V2": Place(v2, 224),
    "MobileNet-V2-1.5x": Place(lambda: v2(width_mult=1.5), 224),
    "MobileNet-V2-2.0x": Place(lambda: v2(width_mult=2.0), 224),
    "MobileNet-V3L-0.5x": Place(lambda: paper_v3("large", 0.5), 224),
    "MNv4-Conv-S": of_v4("conv_small"),
    "MNv4-Conv-M": of_v4("conv_medium"),
    "MNv4-Conv-L": of_v4("conv_large"),
    "MNv4-Hybrid-M": of_v4("hybrid_medium"),
    "MNv4-Hybrid-L": of_v4("hybrid_large"),
}


def products(attention: nn.Module, side: int) -> list[Work]:
    """Queries with keys, and what they match with values; keys and values are shared by all heads.

    A softmax between the two has no MACs, and is left out here.
    """
    shared = attention.key[-1].out_channels
    places = side * side
    keys = places // attention.key[0].stride[0] ** 2
    queries, match = attention.heads * places * shared, attention.heads * places * keys
    return [Work(match * shared, queries + keys * shared + match)] * 2


def attention(channels: int, heads: int, key: int, places: int, sets: int) -> list[Work]:
    """A block of attention with so many sets of keys and values: four projections, two products."""
    widths = [(channels, heads * key), *2 * [(channels, sets * key)], (heads * key, channels)]
    projected = [Work(places * a * b, places * (a + b) + a * b) for a, b in widths]
    match = heads * places**2
    return projected + [Work(match * key, (heads + sets) * places * key + match)] * 2


def intensity(work: list[Work]) -> float:
    """MACs per byte."""
    return sum(each.macs for each in work) / sum(each.moved for each in work)


@cache
def layers(name: str) -> list[Work]:
    """What each layer of a network takes."""
    build, size = MOBILENETS.get(name) or LEFT_OUT[name]
    network = build()
    work = [
        Work(cost.macs, notebook.bytes_moved(cost))
        for cost in notebook.layer_costs(network, 3, size, size)
    ]
    for each in network.modules():
        if isinstance(each, notebook.MobileMQA):  # on maps 16 or 32 times smaller than the picture
            work += products(each, size // (16 if len(each.key) > 1 else 32))
    return work


LEFT_OUT = {"MobileNet-V3L": Place(lambda: paper_v3("large"), 224)}  # which Table 6 leaves out


def roofline(name: str, ridge: float) -> float:
    """In MACs that could have been done meanwhile; `ridge` in MACs per byte."""
    return sum(max(each.macs, ridge * each.moved) for each in layers(name))


def measured(column: str) -> dict[str, float]:
    """The milliseconds of the MobileNets that ran there."""
    times = {name: getattr(papers.V4_TABLE6[name], column) for name in MOBILENETS}
    return {name: ms for name, ms in times.items() if isinstance(ms, Real)}


def agreement(column: str, ridge: float = 0) -> float:
    """The rank correlation of measured times and the roofline's; at a ridge of 0, of MACs alone."""
    times = measured(column)
    return spearmanr(list(times.values()), [roofline(name, ridge) for name in times]).statistic


def front(ridge: float, accuracies: dict[str, float]) -> set[str]:
    """The networks that no other beats: faster, and not less accurate."""
    times = {name: roofline(name, ridge) for name in accuracies}
    return {
        name
        for name in accuracies
        if not any(
            times[other] < times[name] and accuracies[other] >= accuracies[name]
            for other in accuracies
        )
    }
