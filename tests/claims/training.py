"""Every number of the chapter on training, and where it comes from."""

import math
from statistics import mean, stdev

import torch
from torchvision.models import mobilenet_v2, mobilenet_v3_small

from tests.book import definitions
from tests.claims.common import reading_minutes
from tests.closed_world import computed, given, named, printed
from tests.counting import macs, on_meta, params
from tools import learning, papers
from tools.learning import FULL, LINEAR, SEPARABLE, THINNED, tested

notebook = definitions("training")
RECIPE = notebook.RECIPES["digits"]
t4 = papers.V1_TABLE4


def small(kind: str, width: float = 1.0) -> torch.nn.Module:
    return on_meta(notebook.small_mobilenet, kind, width)


def cost_of(case: learning.Case) -> int:
    return macs(small(case.kind, case.width), 1, 16, 16)


# ---------------------------------------------------------------- the networks, trained

NAMED = {"full": FULL, "separable": SEPARABLE, "thinned": THINNED}
MACS = {name: cost_of(case) for name, case in NAMED.items()}
PARAMS = {name: params(small(case.kind, case.width)) for name, case in NAMED.items()}
END = {name: small(case.kind, case.width)[-1].in_features for name, case in NAMED.items()}
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
BEST = max(tested(SEPARABLE))
LONG = changed(FULL, SEPARABLE, epochs=learning.LONGER)
LONG_LINEAR = changed(LINEAR, SEPARABLE, epochs=learning.LONGER)
LONG_AHEAD = changed(THINNED, SEPARABLE, epochs=learning.LONGER)
SPLIT_LEAD = changed(THINNED, FULL, own_split=True)
LINEAR_LEADS = {
    count: gaps(learning.with_pictures(LINEAR, count), learning.with_pictures(THINNED, count))
    for count in learning.PICTURES
}


def few(case: learning.Case, pictures: int = 100) -> float:
    return mean(tested(learning.with_pictures(case, pictures)))


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

assert abs(mean(LINEAR_LEADS[600])) < 0.1, "level, says the page"

STEPS = RECIPE.epochs * 600 // RECIPE.batch
decaying, spared = notebook.parameter_groups(small("separable"), 1.0)
SPARED = sum(p.numel() for p in spared["params"])
LOSS = [mean(run["loss"][epoch] for run in learning.measured(FULL)) for epoch in (0, -1)]
SEPARABLE_LOSS = mean(run["loss"][-1] for run in learning.measured(SEPARABLE))
WEAKER = math.sqrt(0.2 / (0.99**STEPS + (1 - 0.99**STEPS) * 0.2))
assert len(notebook.batch_norms(small("separable"))) == 11
DEPTHWISE = sum(m.weight.numel() for m in small("separable").modules() if notebook.is_depthwise(m))
NORMS = sum(params(m) for m in small("separable").modules() if isinstance(m, torch.nn.BatchNorm2d))

V2_SMALL = [
    (macs(on_meta(notebook.v2_for_small_pictures, 10, dropped), 3, 32, 32), 2**dropped)
    for dropped in range(4)
]
late_rows = [[*row, 1 if row[1] in (64, 160) else stride] for *row, stride in notebook.V2_ROWS]
late = on_meta(mobilenet_v2, num_classes=10, inverted_residual_setting=late_rows)
LATE = macs(late, 3, 32, 32)
V2_PARAMS = params(on_meta(notebook.v2_for_small_pictures, 10))
V2_64 = macs(on_meta(notebook.v2_for_small_pictures, 10, 1), 3, 64, 64)
V2_BLOCK = on_meta(definitions("v2").InvertedResidual, 24, 24, 1, 6)

v3_small = on_meta(mobilenet_v3_small, num_classes=10)
HEAD, BODY = params(v3_small.classifier), params(v3_small.features)
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


def coin(a: int, b: int) -> float:
    n, less = a + b, min(a, b)
    return 100 * min(1, 2 * sum(math.comb(n, k) for k in range(less + 1)) / 2**n)


slim, tv3 = (
    papers.SLIM_V1_TRAINING,
    papers.TORCHVISION_V3_TRAINING,
)
r2, r3 = papers.V2_TRAINING, papers.V3_TRAINING
shuffle = papers.SHUFFLENET_TABLE4
chips = math.prod(r3["pod"])

PAGE = [
    reading_minutes("training"),
    # The experiment
    named("a full 3×3 convolution in", "V1, Table 4"),
    printed("were right for {} % of the pictures", t4["full"][0], where="V1, Table 4"),
    printed("separable ones for {} %.", t4["separable"][0], where="V1, Table 4"),
    computed("That is {:.1f} points less", t4["full"][0] - t4["separable"][0]),
    computed("for {:.2f} times fewer MACs (its Table 4)", t4["full"][1] / t4["separable"][1]),
    printed("ImageNet has {} million pictures", 1.2, where="Russakovsky et al. 2015"),
    computed("are {:,} scans", len(definitions("v3").load_digits().target)),
    given("from 8×8 to 16×16 pixels"),
    computed("{} are to learn from", len(notebook.digits().train.labels)),
    computed("{} to make decisions by", len(notebook.digits().val.labels)),
    computed("and {:,} for the end", len(notebook.digits().test.labels)),
    computed("from {} to {}.", small("full")[0][0].out_channels, END["full"]),
    given("(Their maps shrink from 8×8 to 2×2, which"),
    computed("through the {} pictures, in batches of {}.", 600, RECIPE.batch),
    computed("Its learning rate rises to {} (a", RECIPE.lr),
    *(
        computed("| {} | {:,} | {:,} |", name, MACS[name], PARAMS[name])
        for name in ("full", "separable")
    ),
    computed("The ratio of the MACs is {:.2f}, close", RATIO),
    computed("Full: {:.2f} % of the test digits", MEAN["full"]),
    computed("Separable: {:.2f} %. So", MEAN["separable"]),
    computed(
        "it is {:.2f} points behind, not far from the paper's {:.1f}",
        GAP,
        t4["full"][0] - t4["separable"][0],
    ),
    computed("deviations are {:.2f} and {:.2f}.", SPREAD["full"], SPREAD["separable"]),
    named("of the same 13 people", "Alpaydin and Kaynak 1998, as scikit-learn describes the data"),
    # Luck
    computed("goes from {:.1f} to {:.1f} points; either", min(GAPS), max(GAPS)),
    computed("Its standard deviation is {:.2f}.", stdev(GAPS)),
    computed(r"a factor of \sqrt{{{}}}", learning.SEEDS),
    computed("gap is {:.2f} points, with a standard error of {:.2f}.", GAP, error(GAPS)),
    named(r"\sqrt{p (1 - p) / n}, here", "the standard deviation of a share"),
    named(r"2 × \frac{\text{ways to have } b \text{ heads or fewer}}{2^n}", "the sign test"),
    given("from the same 600 and are tested on the same 1,000."),
    computed(
        "The gap is {:.2f} points instead of {:.2f}.",
        *(mean(changed(FULL, SEPARABLE, own_split=True)), GAP),
    ),
    computed("about {:.1f} points for the mean gap", error(BY_DIGIT)),
    computed("One of {:.1f} is not, and", mean(gaps(FULL, THINNED))),
    computed(
        "full {:.2f} %, separable {:.2f}. The gap",
        *(mean(tested(case._replace(own_split=True))) for case in (FULL, SEPARABLE)),
    ),
    computed(
        r"\sqrt{{{:.4f} × {:.4f} / 1000}} ≈ {:.4f}, or {:.2f} points",
        *(SHARE, 1 - SHARE, math.sqrt(SHARE * (1 - SHARE) / 1000)),
        100 * math.sqrt(SHARE * (1 - SHARE) / 1000),
    ),
    printed("ImageNet's {:,} validation pictures", 50_000, where="Russakovsky et al. 2015"),
    computed(
        r"\sqrt{{0.7 × 0.3 / 50,000}} ≈ {:.3f}, or {:.1f} points",
        math.sqrt(0.7 * 0.3 / 50_000),
        100 * math.sqrt(0.7 * 0.3 / 50_000),
    ),
    computed("a gap of {:.1f} is safe, and one of 0.2 would", t4["full"][0] - t4["separable"][0]),
    # The third network
    named("Table 4 shows that the separable", "V1, Table 4"),
    computed("With {} times the channels it has", THINNED.width),
    computed("it has {:,} MACs and {:,} parameters:", MACS["thinned"], PARAMS["thinned"]),
    computed("has {} channels at its end, the thinned one {}.", END["separable"], END["thinned"]),
    computed(
        "one: {:.2f} %, with a standard deviation of {:.2f}.", MEAN["thinned"], SPREAD["thinned"]
    ),
    computed(
        "It is {:.2f} points ahead of the separable network, with a standard error of {:.2f}",
        *(mean(AHEAD), error(AHEAD)),
    ),
    computed("and {:.2f} behind the full one", mean(gaps(FULL, THINNED))),
    computed(
        "full one, by {:.2f} points with a standard error of {:.2f}; so",
        *(mean(SPLIT_LEAD), error(SPLIT_LEAD)),
    ),
    computed("with only {} channels at its end", small("full", 0.0625)[-1].in_features),
    computed(
        "Full convolutions rise from {:.1f} per cent at {:.2f} million to {:.1f} at {:.1f}.",
        *(*WIDTHS_FULL[0][::-1], *WIDTHS_FULL[-1][::-1]),
    ),
    computed(
        "Separable ones rise from {:.1f} at {:.2f} to {:.1f} at {:.1f}",
        *(*WIDTHS_SEPARABLE[0][::-1], *WIDTHS_SEPARABLE[-1][::-1]),
    ),
    computed(
        "With 600 pictures to learn from, that gives {:.2f} % instead of {:.2f}.",
        *(mean(tested(LINEAR)), MEAN["separable"]),
    ),
    computed("With 100 it gives {:.2f} % instead of {:.2f}.", few(LINEAR), few(SEPARABLE)),
    given("to learn from, 100 to 600."),
    computed(
        "has {:.1f} per cent with 100 pictures and {:.1f} with 600.",
        *(few(SEPARABLE), MEAN["separable"]),
    ),
    computed("The full one {:.1f} and {:.1f},", few(FULL), MEAN["full"]),
    computed("the thinned one {:.1f} and {:.1f},", few(THINNED), MEAN["thinned"]),
    computed(
        "inner activation, close to it, {:.1f} and {:.1f}.", few(LINEAR), mean(tested(LINEAR))
    ),
    computed(
        "is {:.2f} points ahead of the thinned one for 100 pictures, "
        "{:.2f} and {:.2f} behind for 200 and 300, and level for 600.",
        *(mean(LINEAR_LEADS[100]), -mean(LINEAR_LEADS[200]), -mean(LINEAR_LEADS[300])),
    ),
    computed(
        "(Standard errors: {:.2f}, {:.2f}, {:.2f}, {:.2f}. Only the {:.2f} is",
        *map(error, LINEAR_LEADS.values()),
        -mean(LINEAR_LEADS[300]),
    ),
    computed("| Twenty seeds | {} epochs | {} epochs |", RECIPE.epochs, learning.LONGER),
    *(
        computed(
            "| {} | {:.2f} ({:.2f}) | {:.2f} ({:.2f}) |",
            *(name, mean(tested(case)), stdev(tested(case))),
            *(mean(tested(case._replace(epochs=learning.LONGER))),),
            *(stdev(tested(case._replace(epochs=learning.LONGER))),),
        )
        for name, case in (
            ("full", FULL),
            ("full, thinned", THINNED),
            ("separable, no ReLU6 between", LINEAR),
            ("separable", SEPARABLE),
        )
    ),
    computed(
        "After {} epochs {:.2f} points are left, with a standard error of {:.2f};",
        *(learning.LONGER, mean(LONG), error(LONG)),
    ),
    computed(
        "gains {:.2f} points, with a standard error of {:.2f}, instead of {:.2f}.",
        *(mean(LONG_LINEAR), error(LONG_LINEAR), mean(gaps(LINEAR, SEPARABLE))),
    ),
    computed("has shrunk to {:.2f}.", mean(LONG_AHEAD)),
    computed("digits: by {:.2f} points after six epochs, by", mean(AHEAD)),
    computed("by {:.2f} after twenty-four. After six", mean(LONG_AHEAD)),
    computed("with {}, {} and {} the gap is", *learning.RATES),
    computed(
        "the gap is {:.2f}, {:.2f} and {:.2f} points",
        *(mean(changed(FULL, SEPARABLE, lr=lr)) for lr in learning.RATES),
    ),
    *(
        printed(
            "| {} | {} | {} | {} |",
            *(cost, *("–" if each is None else each for each in row)),
            where="ShuffleNet, Table 4",
        )
        for cost, row in shuffle.items()
    ),
    named("(Their Table 4.", "ShuffleNet"),
    named("between two 1×1 ones;", "ShuffleNet, section 4.2"),
    computed(
        "depthwise ones are {:.1f}, {:.1f} and {:.1f} points better",
        *(row[1] - row[2] for row in shuffle.values()),
    ),
    printed(
        "at {} million MACs the last stage has {} with plain convolutions, {} with ResNet's block "
        "and {} with the depthwise one.",
        *(38, *papers.SHUFFLENET_CHANNELS.values()),
        where="ShuffleNet, section 4.2",
    ),
    named("V1's Table 4 supports", "V1"),
    # Recipes
    printed("not said | {} | {} |", r2["lr"], r3["lr"], where="V2, V3"),
    printed('× {} per epoch | "0.01 every 3', r2["per_epoch"], where="V2, V3"),
    printed("not said | {} | {} |", r2["batch"], r3["batch"], where="V2, V3"),
    printed("or none | {:.5f} | {:.5f} |", r2["decay"], r3["decay"], where="V2, V3"),
    computed("| not said | {:.1f} |", 1 - r3["keep"]),
    printed("| not said | {} |", r3["ema"], where="V3, section 6.1.1"),
    named("V1 section 3.2, V2 section 6.1 , V3 section 6.1.1", "sections"),
    printed('"dropout of {}", the share', r3["keep"], where="V3, section 6.1.1"),
    given("(asking for 90 % certainty instead of 100)"),
    named("That was in 2017.", "Howard et al. 2017"),
    computed("the one with {:.1f} %", papers.TIMM_V1_TOP1),
    printed("weight_decay={:.5f} in the", r2["decay"], where="V2, section 6.1"),
    given("group with weight_decay=0."),
    computed("that is {:,} of {:,} numbers", SPARED, PARAMS["separable"]),
    computed(
        "numbers: {:,} in depthwise filters, {:,} in batch norms, and {} biases",
        *(DEPTHWISE, NORMS, SPARED - DEPTHWISE - NORMS),
    ),
    named("(momentum=0.1)", "PyTorch's default"),
    computed("After our {} steps, 0.99^{{{}}} ≈ {:.3f} of", STEPS, STEPS, 0.99**STEPS),
    named("a mean of 0 and a variance of 1.", "PyTorch's BatchNorm2d"),
    given("the true variance is 0.2."),
    computed(
        r"\sqrt{{0.2 / ({0:.3f} + {1:.3f} × 0.2)}} ≈ {2:.2f} of",
        *(0.99**STEPS, 1 - 0.99**STEPS, WEAKER),
    ),
    computed("less than {:.3f}.", math.ceil(1000 * WEAKER**11) / 1000),
    named("It is back above 80 % when", "asserted in the notebook"),
    printed("{} of the average, plus", r3["ema"], where="V3, section 6.1.1"),
    computed("plus {:.4f} of the new", 1 - r3["ema"]),
    computed("over about {:,.0f} steps", 1 / (1 - r3["ema"])),
    computed("After a training of {} steps", STEPS),
    given("it computes in 16 bits where"),
    # Curves
    computed("the training loss falls from {:.1f} to {:.2f} for the full", LOSS[0], LOSS[-1]),
    computed("for the separable one to {:.2f}", SEPARABLE_LOSS),
    computed("{:.2f} for ten classes", math.log(10)),
    named("accuracy below 100 %.", "a round number"),
    computed("all of their {} digits", 600),
    named("is right for more than 80 % (", "asserted in the notebook"),
    computed("best separable seed has {} %", BEST),
    computed("{:.1f} points above the mean", BEST - MEAN["separable"]),
    # Strides
    named("from 224 to 7.", "five halvings"),
    given("has pictures of 32×32, and"),
    *(
        computed("| {} | {}×{} | {:,} |", dropped, side, side, cost)
        for dropped, (cost, side) in enumerate(V2_SMALL)
    ),
    computed("(At 32×32 with ten classes; always {:,} parameters.)", V2_PARAMS),
    computed("Leaving out the last two instead would take {:,} MACs", LATE),
    computed("is a factor of {:.1f}, not 4:", V2_SMALL[2][0] / V2_SMALL[1][0]),
    # Transfer
    computed("the head, {:,} parameters with", HEAD),
    computed("The frozen rest has {:,}.", BODY),
    given("learns the digits 0 to 4. Then it has to learn 5 to 9, from"),
    given("on those 25 pictures alone"),
    computed("is right for {:.0f} % of the test digits from 5 to 9.", mean(WAYS["a new network"])),
    given("one that knows 0 to 4?"),
    computed("| a new network | {:.1f} % |", mean(WAYS["a new network"])),
    computed("| the trained one, head alone | {:.1f} % |", mean(WAYS["the head"])),
    computed("| everything | {:.1f} % |", mean(WAYS["everything"])),
    computed("| the head, then everything | {:.1f} % |", mean(WAYS["the head, then everything"])),
    computed(
        "ways is {:.1f} points ahead of the new network, with a standard error of {:.1f}:",
        *(mean(OVER_NEW), error(OVER_NEW)),
    ),
    given("what tells 0 to 4 apart tells 5 to 9 apart only"),
    computed(
        "{:.1f} points better than everything at once, with a standard error of {:.1f}.",
        *(mean(OVER_ALL), error(OVER_ALL)),
    ),
    computed("{} epochs more, {} instead of {};", HEAD_FIRST[0], sum(HEAD_FIRST), HEAD_FIRST[1]),
    printed("A thousand classes in {} million photographs", 1.2, where="Russakovsky et al. 2015"),
    # Processes
    given("A batch of 50 pictures is split between process 0 and process 1, 25 each."),
    given("of its own 25 pictures, and"),
    given("Two processes with 25 pictures each, or one process with all 50:"),
    given("hands those of process 0 to all"),
    given("--nproc-per-node=2 train.py"),
    given("--local-addr=127.0.0.1"),
    given("torchrun --nnodes=4"),
    given("--nproc-per-node=8"),
    given("--rdzv-endpoint=first:29400"),
    computed("starts {} in all", 4 * 8),
    computed("with {} processes its batches of 50 would", 4 * 8),
    # The recipes, checked
    printed('learning rate decay rate of 0.01 every 3 epochs".', where="V3, section 6.1.1"),
    printed('"falls by 0.01 of itself"', where="V3, section 6.1.1"),
    computed("it halves every {:.0f} epochs.", halves(0.99, 3)),
    printed("a factor of {} every two", tv3["factor"], where="torchvision's README"),
    printed("for {} epochs, halves it", tv3["epochs"], where="torchvision's README"),
    computed("halves it every {:.0f}", halves(tv3["factor"], tv3["every"])),
    printed(
        '"{}x{} TPU Pod", "batch size {} ({} images per chip)".',
        *(*r3["pod"], r3["batch"], r3["per_chip"]),
        where="V3, section 6.1.1",
    ),
    computed("A pod of {0}×{0} has {1} chips", r3["pod"][0], chips),
    computed("= {:,}. For {} there", chips * r3["per_chip"], r3["batch"]),
    computed("there must be {} shares of {}.", r3["batch"] // r3["per_chip"], r3["per_chip"]),
    printed(
        "starting at {}, with a factor of {} every {} epochs",
        *(slim["lr"], slim["factor"], slim["epochs"]),
        where="mobilenet_v1_train.py",
    ),
    computed("≈ {:.4f} per epoch, close", slim["factor"] ** (1 / slim["epochs"])),
    printed("close to the {} that", r2["per_epoch"], where="V2, section 6.1"),
    printed('"Batch size of {}" in', r2["batch"], where="V2, section 6.1"),
    printed("goes with {} asynchronous workers", r2["workers"], where="V2, section 6.1"),
    printed("whether {} is each", r2["batch"], where="V2, section 6.1"),
    # Often got wrong
    named("norm momentum of 0.01, as in V3", "the batch norms of V3"),
    given("owl is 2 in the one and 1 in the other"),
    # Key points
    computed("network is {:.2f} points behind the full one after six epochs", GAP),
    computed("{:.2f} after twenty-four, for {:.2f} times", mean(LONG), RATIO),
    computed(
        "In V1's paper: {:.1f} points, {:.2f} times.",
        t4["full"][0] - t4["separable"][0],
        t4["full"][1] / t4["separable"][1],
    ),
    # Exercises
    given("goes from 24 to 24 channels with an expansion of 6."),
    computed(
        "24 × 144 = {:,}.",
        sum(
            m.weight.numel()
            for m in V2_BLOCK.modules()
            if isinstance(m, torch.nn.Conv2d) and m.groups == 1
        ),
    ),
    computed(
        "9 × 144 = {:,}, and",
        sum(m.weight.numel() for m in V2_BLOCK.modules() if notebook.is_depthwise(m)),
    ),
    computed(
        "(144 + 144 + 24) = {}.",
        sum(params(m) for m in V2_BLOCK.modules() if isinstance(m, torch.nn.BatchNorm2d)),
    ),
    given("reports 97.2 % for network A and 97.6 % for B, one seed each, on 1,000 test"),
    given("standard deviation of 0.4 between"),
    given("B is right on 9 pictures where A is wrong, A on 5 where B is wrong."),
    computed(r"\sqrt{{0.4^2 + 0.4^2}} ≈ {:.2f} points", math.hypot(0.4, 0.4)),
    given("than the gap of 0.4."),
    computed("With {} tosses, there", 9 + 5),
    computed("= {:,} ways to have 5", sum(math.comb(14, k) for k in range(6))),
    given("ways to have 5 heads or fewer"),
    computed("≈ {:.5f}. So: not shown.", coin(9, 5) / 100),
    given("Pictures of 64×64"),
    given("Your pictures are 64×64, and you want a last map of 4×4 from"),
    computed("the network takes {:,} MACs at 32×32.", V2_SMALL[1][0]),
    given("Five halvings make 2×2 of 64, so"),
    given("of those at 32×32, also with one dropped"),
    computed("({:,} - 12,800) + 12,800 = {:,} MACs", V2_SMALL[1][0], V2_64),
    given("weights from ImageNet and 500 pictures"),
    computed("from {} to 10, is new", v3_small.classifier[3].in_features),
    given("share a batch of 50: they get 17, 17 and 16 pictures"),
    given("mean loss of all 50, for"),
    computed("a ratio of 17 / 16 = {}.", 17 / 16),
    named("counts 1 / (3 × 16) in the small share and 1 / (3 × 17) in", "three equal thirds"),
    # Interview
    given("loss near zero and 10 % accuracy"),
    given("come out at 10 %, it"),
    named("(ShuffleNet's Table 4)", "ShuffleNet"),
    given("two GPUs with 32 pictures each the same as on one GPU with 64?"),
    given("which sees 32 pictures on"),
    given("How do you fine-tune on 500 pictures?"),
    named("Section 3.2 of", "Howard et al. 2017"),
    named("read its section 4.2.", "Zhang et al. 2018"),
]
assert V2_64 == 4 * (V2_SMALL[1][0] - 12_800) + 12_800

NOTEBOOK = [
    computed("scikit-learn: {:,} scans of 8×8 pixels.", 1797),
    given("enlarge them to 16×16 and"),
    computed("{} to learn from, {} to make decisions by, and {:,} for", 600, 197, 1000),
    given("enlarged to 16 by 16 pixels"),
    given("For colour pictures of 32×32 we"),
    named("which is right for 224. From", "V2's input size"),
    given("From 32 it leaves a single"),
    computed("for a last map of {0}×{0}.", V2_SMALL[2][1]),
    given("computes in 16 bits where"),
    given(r"by a factor of \sqrt{3}:"),
    named("They begin at 0 and 1.", "PyTorch's BatchNorm2d"),
    given("With only 100 digits to learn"),
    named("momentum of 0.1, a new", "PyTorch's default"),
    named("have 0.01, which", "MobileNetV3's batch norms"),
    computed("Ours has {} steps.", STEPS),
    given("learns the digits 0 to 4, and then 5 to 9 from"),
    given("what tells 0 to 4 apart tells 5 to 9 apart only"),
    given("hands those of process 0 to all"),
    computed("weights (about {:.0f} MB)", 4 * params(on_meta(mobilenet_v3_small)) / 1e6),
    given("enlarged to 96×96 and get"),
    given("with batches of 50, in"),
    given("two processes with 25 pictures each give the same loss as one process with all 50?"),
    given("their own 25 pictures only"),
    named("Exercise 1: an", "the first exercise"),
    named("plus 1 - decay times", "what the update says"),
    named("Exercise 2: luck", "the second exercise"),
]
FIGURES = [
    given("a batch of 50 pictures"),
    given("process 0: 25 pictures"),
    given("process 1: 25 pictures"),
    given("means of its own 25"),
]
# How often each name with a digit in it stands there.
PAGE_NAMES = {
    "1×1": 2,
    "3×3": 4,
    "CIFAR-10": 3,
    "Conv2d": 1,
    "MobileNetV1": 1,
    "MobileNetV2": 1,
    "MobileNetV3": 1,
    "ReLU6": 4,
    "V1": 21,
    "V2": 10,
    "V3": 15,
    "c10d": 1,
    "cifar10": 1,
    "x4": 1,
}
NOTEBOOK_NAMES = {
    "3×3": 1,
    "CIFAR-10": 1,
    "MobileNetV2": 2,
    "MobileNetV3": 3,
    "V1": 5,
    "V2": 1,
    "cifar10": 1,
}
FIGURES_NAMES = {"ReLU6": 1}
