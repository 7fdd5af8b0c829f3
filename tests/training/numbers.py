"""Names for the expressions beside the numbers of the chapter on training."""

import math
from functools import cache
from statistics import mean, stdev

import torch
from torchvision.models import mobilenet_v2, mobilenet_v3_small

from tests.book import definitions
from tests.numbers import integer, minutes, provided
from tools import learning, papers
from tools.counting import macs, on_meta, params
from tools.learning import FULL, LINEAR, SEPARABLE, THINNED, tested

notebook = definitions("training")
RECIPE = notebook.RECIPES["digits"]
t4 = papers.V1_TABLE4


def small(kind: str, width: float = 1.0) -> torch.nn.Module:
    return on_meta(notebook.SmallMobileNet, kind, width)


def cost_of(case: learning.Case) -> int:
    return macs(small(case.kind, case.width), 1, 16, 16)


# ---------------------------------------------------------------- the networks, trained

NAMED = {"full": FULL, "separable": SEPARABLE, "thinned": THINNED}
MACS = {name: cost_of(case) for name, case in NAMED.items()}
PARAMS = {name: params(small(case.kind, case.width)) for name, case in NAMED.items()}
END = {name: small(case.kind, case.width).classifier.in_features for name, case in NAMED.items()}
MEAN = {name: mean(tested(case)) for name, case in NAMED.items()}
SPREAD = {name: stdev(tested(case)) for name, case in NAMED.items()}
RATIO = MACS["full"] / MACS["separable"]
SHARE = round(MEAN["separable"] / 100, 4)


def gaps(better: learning.Case, worse: learning.Case) -> list[float]:
    """How far one network is ahead of another, seed by seed."""
    return [a - b for a, b in zip(tested(better), tested(worse), strict=True)]


def error(values: list[float]) -> float:
    """The standard error of a mean."""
    return stdev(values) / math.sqrt(len(values))


def changed(better: learning.Case, worse: learning.Case, **settings) -> list[float]:
    """The gaps with other settings: epochs, or splits."""
    return gaps(better._replace(**settings), worse._replace(**settings))


GAPS = gaps(FULL, SEPARABLE)
GAP, AHEAD = mean(GAPS), gaps(THINNED, SEPARABLE)
BEST, WORST = max(tested(SEPARABLE)), min(tested(SEPARABLE))
RATE_GAPS = [mean(changed(FULL, SEPARABLE, lr=lr)) for lr in learning.RATES]
LONG = changed(FULL, SEPARABLE, epochs=learning.LONGER)
LONG_LINEAR = changed(LINEAR, SEPARABLE, epochs=learning.LONGER)
LONG_AHEAD = changed(THINNED, SEPARABLE, epochs=learning.LONGER)
OWN_SPLIT = mean(changed(FULL, SEPARABLE, own_split=True))
SPLIT_LEAD = changed(THINNED, FULL, own_split=True)
LINEAR_LEADS = {
    count: gaps(learning.with_pictures(LINEAR, count), learning.with_pictures(THINNED, count))
    for count in learning.PICTURES
}
LINEAR_SPLIT = changed(LINEAR, THINNED, own_split=True)


def few(case: learning.Case, pictures: int = 100) -> float:
    return mean(tested(learning.with_pictures(case, pictures)))


# The notebook's one seed with 100 pictures, and what it gains without the inner activation.
FIRST_FEW = [tested(learning.with_pictures(case, 100))[0] for case in (SEPARABLE, LINEAR)]
FIRST_GAIN = FIRST_FEW[1] - FIRST_FEW[0]
OTHERS = (FULL, THINNED, LINEAR)
# The figure's text says: the others lie above the separable network, most of all on the left.
ABOVE = [
    min(few(case, count) for case in OTHERS) - few(SEPARABLE, count) for count in learning.PICTURES
]
assert min(ABOVE) > 0
assert max(ABOVE) == ABOVE[0]
LONG_TABLE = [
    mean(tested(case._replace(epochs=epochs)))
    for case in (FULL, THINNED, LINEAR, SEPARABLE)
    for epochs in (RECIPE.epochs, learning.LONGER)
]


def missed(case: learning.Case) -> list[int]:
    """By how many of the seeds each test digit was missed."""
    counts = [0] * 1000
    for run in learning.measured(case):
        for digit in run["wrong"]:
            counts[digit] += 1
    return counts


# How the mean gap would move with other test digits: each digit has its own gap.
BY_DIGIT = [
    100 * (b - a) / learning.SEEDS for a, b in zip(missed(FULL), missed(SEPARABLE), strict=True)
]
assert abs(mean(BY_DIGIT) - GAP) < 1e-9


def grown(case: learning.Case) -> list[tuple[float, float]]:
    """(million MACs, mean accuracy) of the widths of a kind."""
    cases = [case._replace(width=width) for width in learning.WIDTHS[case.kind]]
    return [(cost_of(each) / 1e6, mean(tested(each))) for each in cases]


WIDTHS_FULL, WIDTHS_SEPARABLE = grown(FULL), grown(SEPARABLE)
# The caption says: for a given number of MACs, full convolutions do better. Between the measured
# widths the full networks' line is drawn straight over the logarithm.
for cost, right in WIDTHS_SEPARABLE:
    for (a, low), (b, high) in zip(WIDTHS_FULL, WIDTHS_FULL[1:], strict=False):
        if a <= cost <= b:
            assert low + (high - low) * math.log(cost / a) / math.log(b / a) > right

for count in (MACS, PARAMS):
    assert abs(count["thinned"] / count["separable"] - 1) < 0.01, (
        "within one per cent, says the page"
    )

STEPS = RECIPE.epochs * 600 // RECIPE.batch
_, spared = notebook.parameter_groups(small("separable"), 1.0)
SPARED = sum(p.numel() for p in spared["params"])
LOSS = [mean(run["loss"][epoch] for run in learning.measured(FULL)) for epoch in (0, -1)]
SEPARABLE_LOSS = mean(run["loss"][-1] for run in learning.measured(SEPARABLE))
WEAKER = math.sqrt(0.2 / (0.99**STEPS + (1 - 0.99**STEPS) * 0.2))
assert len(notebook.batch_norms(small("separable"))) == 11

V2_SMALL = [
    (macs(on_meta(notebook.v2_for_small_pictures, 10, dropped), 3, 32, 32), 2**dropped)
    for dropped in range(3)
]
late_rows = [[*row, 1 if row[1] in (64, 160) else stride] for *row, stride in notebook.V2_ROWS]
late = on_meta(mobilenet_v2, num_classes=10, inverted_residual_setting=late_rows)
assert 2 * macs(late, 3, 32, 32) < V2_SMALL[2][0], "less than half, says the page"


def dropped(picture: int, last: int) -> int:
    """How many of V2's five halvings to leave out, for a last map with this side."""
    return 5 - integer(math.log2(picture / last))


@cache
def ten_classes(picture: int, without: int) -> int:
    """MACs of V2 for small pictures, of ten classes, without so many halvings."""
    return macs(on_meta(notebook.v2_for_small_pictures, 10, without), 3, picture, picture)


CLASSIFIER = on_meta(notebook.v2_for_small_pictures, 10).classifier[-1].weight.numel()


@cache
def v2_block(c_in: int, c_out: int, t: int) -> dict[str, int]:
    """Parameters of V2's block at stride 1, by kind of layer."""
    found = {"pointwise": 0, "depthwise": 0, "norms": 0}
    for layer in on_meta(definitions("v2").InvertedResidual, c_in, c_out, 1, t).modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            found["norms"] += params(layer)
        elif isinstance(layer, torch.nn.Conv2d):
            found["depthwise" if notebook.is_depthwise(layer) else "pointwise"] += params(layer)
    return found


v3_small = on_meta(mobilenet_v3_small, num_classes=10)
WAYS = {way: learning.transferred(way) for way in notebook.HOW}


def ahead(way: str, other: str) -> list[float]:
    return [a - b for a, b in zip(WAYS[way], WAYS[other], strict=True)]


# Epochs for the head alone, then for everything; the way beside it has as many of the second.
HEAD_FIRST = [epochs for epochs, _ in notebook.HOW["the head, then everything"]]
assert notebook.HOW["everything"][1][0] == HEAD_FIRST[1]
OVER_NEW = ahead("the head, then everything", "a new network")
OVER_ALL = ahead("the head, then everything", "everything")


def halves(factor: float, epochs: float) -> float:
    """After how many epochs a rate that falls by a factor has halved."""
    return epochs * math.log(0.5) / math.log(factor)


def tosses(heads: int, tails: int) -> list[int]:
    """Of so many tosses: the ways to have 0, 1, 2 heads, up to these."""
    return [math.comb(heads + tails, k) for k in range(heads + 1)]


def coin(a: int, b: int) -> float:
    n, less = a + b, min(a, b)
    return 100 * min(1, 2 * sum(math.comb(n, k) for k in range(less + 1)) / 2**n)


tv3, r2, r3 = papers.TORCHVISION_V3_TRAINING, papers.V2_TRAINING, papers.V3_TRAINING
shuffle = papers.SHUFFLENET_TABLE4
BETTER = [row[1] - row[2] for _, row in sorted(shuffle.items())]
assert min(BETTER) > 0, "better at each budget, says the page"
assert max(BETTER) == BETTER[0], "most at the smallest"
DISTILLED = [row.taught - row.alone for row in papers.V4_TABLE9.values()]
