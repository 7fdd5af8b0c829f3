"""Every number of the chapter on MobileNetV3, and where it comes from."""

import math
from functools import cache
from itertools import pairwise

import torch
from sklearn.datasets import load_digits
from torch import nn

from tests.book import definitions
from tests.claims.common import reading_minutes
from tests.closed_world import Claim, computed, given, named, printed
from tests.counting import kind_of, macs, macs_by_layer, on_meta, params, v1, v2, v3
from tools import papers
from tools.variants import first_version_v3_large, grouped, minimalistic_v3, paper_v3

notebook = definitions("v3")
MILLION = 1e6


def share(part: float, whole: float) -> float:
    return 100 * part / whole


def rows(variant: str) -> tuple:
    return notebook.VARIANTS[variant][0]


# ---------------------------------------------------------------- the networks

NETS = {variant: v3(variant) for variant in ("large", "small")}
MACS = {variant: macs(net, 3, 224, 224) for variant, net in NETS.items()}
PARAMS = {variant: params(net) for variant, net in NETS.items()}
LAYERS = {variant: macs_by_layer(net, 3, 224, 224) for variant, net in NETS.items()}
V1_MACS, V2_MACS = macs(v1(), 3, 224, 224), macs(v2(), 3, 224, 224)
LARGE, SMALL = NETS["large"], NETS["small"]


def by_kind(variant: str, wanted: str) -> int:
    return sum(count for layer, count, _ in LAYERS[variant] if kind_of(layer) == wanted)


def squeeze_params(variant: str) -> int:
    modules = NETS[variant].modules()
    return sum(params(m) for m in modules if isinstance(m, notebook.SqueezeExcitation))


def shortcuts(network: nn.Module) -> int:
    return sum(block.shortcut for block in network.blocks)


def kind_row(label: str, wanted: str):
    large, small = by_kind("large", wanted), by_kind("small", wanted)
    return computed(
        "| {} | {:,}, {:.2f} % | {:,}, {:.2f} % |",
        *(label, large, share(large, MACS["large"])),
        *(small, share(small, MACS["small"])),
    )


def five_by_five() -> int:
    convs = [(layer, c) for layer, c, _ in LAYERS["large"] if isinstance(layer, nn.Conv2d)]
    return sum(count for layer, count in convs if layer.kernel_size == (5, 5))


def block_macs(variant: str, number: int) -> int:
    net = NETS[variant]
    before = nn.Sequential(net.stem, *net.blocks[: number - 1])
    with torch.no_grad():
        shape = before(torch.empty(1, 3, 224, 224, device="meta")).shape
    return macs(net.blocks[number - 1], *shape[1:])


def activated(part: nn.Module, activation: type) -> int:
    """Numbers that pass an activation in a part of V3-Large, outside squeeze-and-excite."""
    gates = [m for m in part.modules() if isinstance(m, notebook.SqueezeExcitation)]
    inside = {module for gate in gates for module in gate.modules()}
    found = []
    hooks = [
        module.register_forward_hook(lambda _m, _i, output: found.append(output.numel()))
        for module in part.modules()
        if isinstance(module, activation) and module not in inside
    ]
    with torch.no_grad():
        LARGE(torch.empty(1, 3, 224, 224, device="meta"))
    for hook in hooks:
        hook.remove()
    return sum(found)


HS, RE = activated(LARGE, nn.Hardswish), activated(LARGE, nn.ReLU)
STEM_HS = activated(LARGE.stem, nn.Hardswish)  # h-swish in the stem alone
AT_112 = HS - STEM_HS - sum(activated(block, nn.Hardswish) for block in LARGE.blocks[6:10])

# ---------------------------------------------------------------- from MnasNet-A1 to V3-Large

with torch.device("meta"):
    STEP_NETS = notebook.steps()
STEPS = {name: (macs(net, 3, 224, 224), params(net)) for name, net in STEP_NETS.items()}
SEED, THIN, SHORT, STEM, FINAL = STEPS.values()
t3, t4, t5, t9 = papers.V3_TABLE3, papers.V3_TABLE4, papers.V3_TABLE5, papers.V3_TABLE9
A1, PAPER, V2_THERE = t3["MnasNet-A1"], t3["V3-Large 1.0"], t3["V2 1.0"]
GAIN = t5["V3-Large 1.0"][0] - t5["ReLU"][0]
NAIVE = t5["V3-Large 1.0"][2] - t5["ReLU"][2]


def step_of(name: str):
    count, size = STEPS[name]
    return f"{count / MILLION:.1f}", f"{size / MILLION:.2f}"


@cache
def price(number: int) -> tuple[int, float, float]:
    """Of a block of MnasNet-A1: channels inside, MACs of one, per cent to give up for 1 %."""
    side, channels = 112, 32
    for row in notebook.MNASNET_A1[: number - 1]:
        side, channels = side // row.s, row.out
    row = notebook.MNASNET_A1[number - 1]
    squeeze = channels // 4 if row.se else 0

    def cost(exp: int) -> int:
        block = (channels, row.kernel, exp, row.out, squeeze, row.nl, row.s)
        return macs(on_meta(notebook.InvertedResidual, *block), channels, side, side)

    each = (cost(row.exp) - cost(row.exp - 8)) / 8
    return row.exp, each, share(0.01 * SEED[0] / each, row.exp)


def price_row(text: str, *numbers: int):
    rows = {f"{exp} | {given_up:.1f}" for exp, _, given_up in map(price, numbers)}
    return computed(text + " | {} % |", " or ".join(rows))  # one, if the blocks have one price


CHANGED = [
    (number, seed.exp, row.exp)
    for number, (seed, row) in enumerate(
        zip(notebook.MNASNET_A1[:15], rows("large"), strict=True), start=1
    )
    if seed.exp != row.exp
]


def end(name: str) -> list[int]:
    """MACs of the layers from the expansion to 960 on."""
    layers = macs_by_layer(STEP_NETS[name].eval(), 3, 224, 224)
    first = max(
        number
        for number, (layer, _, _) in enumerate(layers)
        if (layer.weight.shape[1], layer.weight.shape[0]) == (160, 960)
    )
    return [count for _, count, _ in layers[first:]]


OLD_END, NEW_END = end("expansions shrunk"), end("shorter end")

# ---------------------------------------------------------------- functions

GRID = torch.linspace(-5, 5, 1001, dtype=torch.float64)
SIGMOID_GAP = float((notebook.hard_sigmoid(GRID) - GRID.sigmoid()).abs().max())
SWISH_GAP = float((notebook.hard_swish(GRID) - nn.functional.silu(GRID)).abs().max())

# ---------------------------------------------------------------- variants

SMALLS = {
    (features, ticked): paper_v3("small", 1.0, features, last_squeeze=ticked)
    for features in (1280, 1024)
    for ticked in (True, False)
}


def small_row(text: str, features: int, ticked: bool):
    net = SMALLS[features, ticked]
    return computed("| " + text + " | {:,} | {:,} |", params(net), macs(net, 3, 224, 224))


@cache
def of_paper(variant: str, width: float, size: int = 224, features: int = 0) -> tuple[float, float]:
    """Million MACs and parameters at one of the paper's widths."""
    net = paper_v3(variant, width, features)
    return macs(net, 3, size, size) / MILLION, params(net) / MILLION


# Where Table 9 is not what our count rounds to. "cut": the digits behind are dropped. A number: it
# is the count of the network with so many features at the end. Tested in `test_papers`.
TABLE9_MACS = {
    ("large", 224, 1.25): 1600,
    ("large", 224, 0.35): "unknown",
    ("small", 224, 0.75): 1280,
    ("small", 224, 0.35): "cut",
    ("small", 256, 1.0): 1280,
}
TABLE9_PARAMS = {
    ("large", 224, 1.25): "cut",
    ("large", 224, 1.0): "cut",
    ("large", 224, 0.5): "cut",
    ("large", 224, 0.35): "unknown",
    ("small", 224, 1.25): 1280,
}


def why(row: tuple) -> str:
    """The last cell of a row on the page."""
    variant, size, width = row
    how = [TABLE9_MACS.get(row), TABLE9_PARAMS.get((variant, 224, width))]
    for index, features in enumerate(how):
        if isinstance(features, int):
            count = of_paper(variant, width, size, features)[index]
            how[index] = f"{features} features: {count:.2f}"
    if None not in how and how[0] != how[1]:
        return f" MACs: {how[0].replace(':', ',')}. Parameters: {how[1]} |"
    return f" {how[0] or how[1]} |" if any(how) else " |"


def table_9_row(variant: str, width: float, size: int = 224):
    row = variant, size, width
    _, million_macs, million_params, _ = t9[row]
    name = f"{variant.capitalize()} {width}" if size == 224 else f"{variant.capitalize()} at {size}"
    # The stars are not in a page's plain text: `test_papers` looks at them.
    return computed(
        "| {} | {}, {} | {:.2f}, {:.2f} |" + why(row),
        *(name, million_macs, million_params, *of_paper(variant, width, size)),
    )


def width_row(variant: str):
    ours, theirs = v3(variant, width_mult=0.75), paper_v3(variant, 0.75)
    return computed(
        "| {} | {:,} and {:,} | {:,} and {:,} |",
        *(variant.capitalize(), params(ours), macs(ours, 3, 224, 224)),
        *(params(theirs), macs(theirs, 3, 224, 224)),
    )


def v2_gaps() -> list[float]:
    """How far each V2 lies below the line through V3's, at equal MACs (log scale)."""
    points = sorted(
        (macs(paper_v3(variant, width), 3, size, size), row[0])
        for (variant, size, width), row in t9.items()
    )
    line = [p for p in points if not any(q[0] < p[0] and q[1] >= p[1] for q in points)]
    gaps = []
    for (width, size), row in papers.SLIM_V2.items():
        cost = macs(v2(width_mult=width), 3, size, size)
        for (low, a), (high, b) in zip(line[:-1], line[1:], strict=True):
            if low <= cost <= high:
                gaps.append(a + math.log(cost / low) / math.log(high / low) * (b - a) - row[2])
    return gaps


MINIMAL, slim = macs(minimalistic_v3("large"), 3, 224, 224), papers.SLIM_V3
tail = params(LARGE.last) + params(LARGE.classifier)
v2_tail = params(v2().last) + params(v2().classifier)
BLOCK_12 = block_macs("large", 12)


def runs(found) -> str:
    """4, 5, 6, 11, 12 as "4 to 6 and 11 to 12"."""
    found, pieces = list(found), []
    for number in found:
        if number - 1 not in found:
            pieces.append([number, number])
        pieces[-1][1] = number
    return " and ".join(f"{first} to {last}" for first, last in pieces)


def expansions(variant: str) -> str:
    *first, last = (row.exp for row in rows(variant))
    return ", ".join(map(str, first)) + f" and {last}"


def ms_of(name: str) -> str:
    return f"{t3[name][3]:g}"


def swishes(network: nn.Module) -> int:
    return sum(isinstance(m, nn.Hardswish) for m in network.modules())


V3_PAPER = "Howard et al. 2019"
FIRST_V3, FIRST_V2 = (papers.V3_TABLE3_FIRST[name] for name in ("V3-Large 1.0", "V2 1.0"))
LOWEST = notebook.hard_swish(torch.tensor(-1.5, dtype=torch.float64))

PAGE = [
    given("Switch to the Pixel 1, and all of V1 but one disappears"),
    named("(V4, of 2024, is only here", "the year of Qin et al."),
    computed(
        "V1 gained {:.1f} points by it, V2 {:.1f} and V3-Large at half its width {:.1f}, and",
        papers.V4_POINTS["V1 × 1"][0] - papers.V1_TABLE6[1.0][0],
        papers.V4_POINTS["V2 × 1"][0] - papers.V2_TABLE4["MobileNetV2"][0],
        papers.V4_POINTS["V3-Large × 0.5"][0] - papers.V3_TABLE9["large", 224, 0.5][0],
    ),
    reading_minutes("v3"),
    # From 71 milliseconds to 51
    printed("From {} milliseconds to {}", A1[3], PAPER[3], where="Table 3"),
    printed("are right for {} % of the pictures", A1[0], where="Table 3"),
    named("core of a Pixel 1, MnasNet", "the phone"),
    printed("takes {} ms for a picture, V3-Large {}.", A1[3], PAPER[3], where="Table 3"),
    computed("MnasNet-A1: {} million MACs and {} million parameters.", *step_of("MnasNet-A1")),
    computed("Expansions shrunk: {} and {}.", *step_of("expansions shrunk")),
    computed("Shorter end: {} and {}.", *step_of("shorter end")),
    computed("Smaller stem: {} and {}.", *step_of("smaller stem")),
    computed("Larger squeeze: {} and {}, which", *step_of("larger squeeze")),
    printed("| shorter end | hand | {} ms less", 7, where="section 5.1"),
    printed("| smaller stem | hand | {} ms less", 2, where="section 5.1"),
    computed("| {:.1f} points more", GAIN),
    computed("points more, {:.1f} ms more |", t5["V3-Large 1.0"][1] - t5["ReLU"][1]),
    named("(The paper's Figure 9 draws", V3_PAPER),
    printed("everywhere V3-Large has {} %", t5["ReLU"][0], where="Table 5"),
    computed("{:.1f} points less than MnasNet-A1", A1[0] - t5["ReLU"][0]),
    computed("four steps cost {:.1f} points", A1[0] - t5["ReLU"][0]),
    computed("of the {} ms, the", A1[3] - PAPER[3]),
    computed("0.9 = {:.1f}. For", 7 + 2 - (t5["V3-Large 1.0"][1] - t5["ReLU"][1])),
    computed("The MACs fell by {:.0f} %", share(SEED[0] - FINAL[0], SEED[0])),
    computed("the parameters rose by {:.0f} %", share(FINAL[1] - SEED[1], SEED[1])),
    computed("three layers that work at {} places", 7 * 7),
    computed("with {:,} weights. It", 9 * 960 + 960 * 320 + 320 * 1280),
    computed("1280 = {:,}.)", LARGE.classifier[0].weight.numel()),
    # The search
    printed("the target was {} ms", papers.MNASNET_TARGET, where="Tan et al. 2019"),
    printed(
        "about {:,} networks, in {} days on {} TPUs",
        *papers.MNASNET_SEARCH.values(),
        where="Tan et al. 2019",
    ),
    printed("With w = -{}, twice", 0.07, where="Howard et al. 2019, section 4.1"),
    computed("≈ {:.3f}. To", 2**-0.07),
    computed("must have {:.2f} times the accuracy", 2**0.07),
    computed("say {:.1f} % instead of 70:", 70 * 2**0.07),
    given("instead of 70: that"),
    printed("anew, with w = -{}: there", 0.15, where="Howard et al. 2019, section 4.1"),
    computed("must bring {:.2f} times", 2**0.15),
    computed("≈ {:.1f} times the weights", 25 / 9),
    computed("cost {:,} MACs, {:.1f} % of", five_by_five(), share(five_by_five(), MACS["large"])),
    computed("a map larger than {0}×{0}, and", 28),
    printed("at least {} % of the first", 1, where="section 4.2"),
    printed("trained for {:,} steps", 10_000, where="section 4.2"),
    given("for the network to get 1 % cheaper"),
    given("In block 2 a channel"),
    computed("a channel costs {:,.0f} MACs", price(2)[1]),
    computed("MACs: {} at each of 112×112 places", notebook.MNASNET_A1[0].out),
    named("and 9 + 24 at each of 56×56 to filter", "block 2 of MnasNet-A1"),
    computed("network is {:,.0f} MACs", SEED[0] / 100),
    computed("so {:.1f} of {} channels", SEED[0] / 100 / price(2)[1], price(2)[0]),
    given("| To save 1 %, give up |"),
    price_row("| 2", 2),
    price_row("| 3", 3),
    price_row("| 4", 4),
    price_row("| 5 and 6", 5, 6),
    price_row("| 7", 7),
    price_row("| 8, 9 and 10", 8, 9, 10),
    price_row("| 11", 11),
    price_row("| 12", 12),
    price_row("| 13", 13),
    price_row("| 14 and 15", 14, 15),
    computed("Blocks {}, {} and {}, where", *sorted(range(2, 16), key=lambda n: price(n)[2])[:3]),
    computed("network, blocks {} and {} are", CHANGED[1][0], CHANGED[2][0]),
    computed("{} became {}, and {} became {}.", *CHANGED[1][1:], *CHANGED[2][1:]),
    computed("But block {}, the best", min(range(2, 16), key=lambda n: price(n)[2])),
    computed(
        "And blocks {}, {} and {} shrank to less than half",
        *(number for number, seed, row in CHANGED[1:] if row < seed / 2),
    ),
    computed("{} to {} in block {}, {}", *CHANGED[1][1:], CHANGED[1][0], CHANGED[2][1]),
    computed("{} to {} in block {}, {}", *CHANGED[2][1:], CHANGED[2][0], CHANGED[3][1]),
    computed(
        "{} to {}, {} and {} in blocks {}, {} and {}.",
        *(CHANGED[3][1], *(row for _, _, row in CHANGED[3:])),
        *(number for number, _, _ in CHANGED[3:]),
    ),
    computed("Block {} goes from {} to {} with the stem.", *CHANGED[0]),
    computed("(Block {} has nothing to expand", CHANGED[0][0]),
    computed("block, at {:.1f} %, is left out", price(16)[2]),
    computed("The five numbers save {:,} MACs", SEED[0] - THIN[0]),
    # Squeeze-and-excite
    named("one factor between 0 and 1, computed", "a gate"),
    named("a gate between 0 and 1. In", "a gate"),
    given("Block 5 of V3-Large"),
    computed("bottom: {} channels; a", rows("large")[3].out),
    named("a 1 by 1 layer with ReLU", "the figure"),
    computed("layer with ReLU to {}; a", rows("large")[4].exp),
    computed("a {0} by {0} depthwise layer", rows("large")[4].kernel),
    named("a 1 by 1 layer to", "the figure"),
    computed("layer to {} with ReLU", NETS["large"].blocks[4].layers[6].gate[1].out_channels),
    computed("layer to {}, a hard sigmoid", rows("large")[4].exp),
    computed("these {} gates", rows("large")[4].exp),
    named("Then a linear 1 by 1 layer to", "the figure"),
    computed("1 layer to {}, and the shortcut", rows("large")[4].out),
    given("a multiple of 8 by V2's rule"),
    named("never below 90 %. So", "make_divisible"),
    computed("So 72 channels get {}, as", notebook.make_divisible(72 // 4)),
    named("as 16 would be less than 90 %", "make_divisible"),
    computed("than 90 % of {}. In", 72 // 4),
    computed(
        "In block 14 it is {} instead of {}.",
        notebook.make_divisible(rows("large")[13].exp // 4),
        notebook.MNASNET_A1[12].out // 4,
    ),
    named("2 C S weights", "two layers"),
    given("For block 14, 2"),
    computed("240 = {:,}.", 2 * LARGE.blocks[13].layers[6].gate[1].weight.numel()),
    computed("{:.1f} % of the parameters and", share(squeeze_params("large"), PARAMS["large"])),
    computed("and {:.2f} % of the MACs.", share(by_kind("large", "squeeze"), MACS["large"])),
    # h-swish
    named("a straight line from 0 at minus 3 to 1 at 3.", "the hard sigmoid"),
    named("below zero left of 0, h-swish only as far as minus 3.", "the functions"),
    computed(
        "at most {:.2f} for the sigmoid and {:.2f} for swish, largest", SIGMOID_GAP, SWISH_GAP
    ),
    named("for swish at minus 3 and 3.", "tested in test_papers"),
    named(r"(x + 3)}{6}", "equations (7.2) and (7.3)"),
    named("x relu6(x + 3) / 6, written", "h-swish"),
    named("h-swish on a Pixel 1 (and", "the phone"),
    printed("V3-Large takes {} ms; with", t5["V3-Large 1.0"][2], where="Table 5"),
    printed("it takes {}. V3-Large", t5["ReLU"][2], where="Table 5"),
    computed("h-swish to {:,} numbers", HS),
    computed("Everywhere it would be {:,}.", HS + RE),
    computed("the same, {:.1f} / {:,} of a millisecond", NAIVE, HS),
    computed("then {:,} × {:.1f} / {:,} ≈", HS + RE, NAIVE, HS),
    computed("≈ {:.1f} ms more than ReLU", (HS + RE) * NAIVE / HS),
    computed("together {:.1f}. The", t5["ReLU"][2] + (HS + RE) * NAIVE / HS),
    printed("The paper has {}.", t5["h-swish@16"][2], where="Table 5"),
    printed("| nowhere: ReLU | {} % | {} ms | {} ms |", *t5["ReLU"], where="Table 5"),
    printed(
        "| the first with 112 channels | {} % | {} ms | {} ms |",
        *t5["h-swish@112"],
        where="Table 5",
    ),
    printed(
        "| the first with 80 channels (V3) | {} % | {} ms | {} ms |",
        *t5["V3-Large 1.0"],
        where="Table 5",
    ),
    printed("| the first | {} % | {} ms | {} ms |", *t5["h-swish@16"], where="Table 5"),
    named("| Top-1 |", "the first guess"),
    named("(The paper's Table 5.)", V3_PAPER),
    given("from block 7 on and at both ends"),
    computed("for {} channels the same calculation", rows("large")[10].out),
    computed("gives between {:.1f} and", AT_112 * NAIVE / HS),
    computed("and {:.1f} ms, depending", (AT_112 + STEM_HS) * NAIVE / HS),
    computed("the paper has {:.1f}. And", t5["h-swish@112"][2] - t5["ReLU"][2]),
    computed(
        "it gives {:.1f} ms for everywhere",
        (HS + RE) * (t5["V3-Large 1.0"][1] - t5["ReLU"][1]) / HS,
    ),
    computed("where the paper has {:.1f}. The", t5["h-swish@16"][1] - t5["ReLU"][1]),
    computed(
        "are {} of {} blocks, but", sum(r.nl == "RE" for r in rows("large")), len(rows("large"))
    ),
    computed("but {:.0f} % of all the numbers", share(RE, HS + RE)),
    computed("there, {} filters were as", LARGE.stem[0].out_channels),
    printed("as good as {}.", 32, where="section 5.1"),
    given("And in 8-bit arithmetic"),
    printed("in 8 bits, swish in the place of h-swish took {} % longer", 15, where="version 1"),
    given("easier to run in 8 bits"),
    given("survives 8 bits better"),
    named("the paper's Table 4 does", V3_PAPER),
    computed("lose {:.1f} points (V3-Large)", PAPER[0] - t4["V3-Large 1.0"][0]),
    computed("and {:.1f} (V2), the", V2_THERE[0] - t4["V2 1.0"][0]),
    computed("ones {:.1f} (V3-Small)", t3["V3-Small 1.0"][0] - t4["V3-Small 1.0"][0]),
    computed("and {:.1f} (V2 at a width of 0.35)", t3["V2 0.35"][0] - t4["V2 0.35"][0]),
    # The ends
    computed("{} channels to {}, on a", v2().last[0].in_channels, v2().last[0].out_channels),
    computed("mean over the {} places", 7 * 7),
    computed("costs {:.1f} million MACs", OLD_END[2] / MILLION),
    computed("and saves it {:.1f}. So", (960 - 320) * 1280 / MILLION),
    computed("computes the {} features after", LARGE.classifier[0].out_features),
    computed("once instead of {} times", 7 * 7),
    computed("expanded to {}, filtered, and projected to {}, so", *notebook.MNASNET_A1[15][1:3]),
    computed("its expansion to {}, and", notebook.MNASNET_A1[15].exp),
    named("1 by 1 from 160 to 960, ", "the layers in the figure"),
    named("3 by 3 depthwise, ", "the layers in the figure"),
    named("1 by 1 from 960 to 320, ", "the layers in the figure"),
    named("1 by 1 from 320 to 1280, ", "the layers in the figure"),
    named("linear from 1280 to 1000, ", "the layers in the figure"),
    named("linear from 960 to 1280, ", "the layers in the figure"),
    computed("to 960, {:.1f} million; 3", OLD_END[0] / MILLION),
    computed("depthwise, {:.1f}; 1", OLD_END[1] / MILLION),
    computed("to 320, {:.1f}; 1", OLD_END[2] / MILLION),
    computed("to 1280, {:.1f}; average", OLD_END[3] / MILLION),
    computed("to 1000, {:.1f}; together {:.1f}. V3", OLD_END[4] / MILLION, sum(OLD_END) / MILLION),
    computed("to 960, {:.1f}; average", NEW_END[0] / MILLION),
    computed("to 1280, {:.1f}; linear", NEW_END[1] / MILLION),
    computed("to 1000, {:.1f}; together {:.1f}.", NEW_END[2] / MILLION, sum(NEW_END) / MILLION),
    computed("It saves {:,} - {:,} = {:,} MACs", sum(OLD_END), sum(NEW_END), THIN[0] - SHORT[0]),
    printed("the paper says {} million, and {} ms. This", 30, 7, where="section 5.1"),
    printed("had begun with {} filters", 32, where="section 5.1"),
    computed("With h-swish, {} did", LARGE.stem[0].out_channels),
    computed("own share is {:,} MACs", LAYERS["large"][0][1]),
    computed("they save {:,}; the", SHORT[0] - STEM[0]),
    printed("the paper says {} million, and {} ms. (The", 10, 2, where="section 5.1"),
    computed("now has {} channels at both ends", rows("large")[0].out),
    # The networks
    computed("The stem with {} filters; fifteen", LARGE.stem[0].out_channels),
    computed("fifteen blocks with expansions {}; squeeze", expansions("large")),
    computed("in blocks {}; ReLU", runs(n for n, r in enumerate(rows("large"), 1) if r.se)),
    named("a 1 by 1 layer with", "the figure"),
    computed("layer with {} filters, average pooling, two linear", LARGE.last[0].out_channels),
    named("The paper's Table 1. RE", V3_PAPER),
    computed("The stem with {} filters; eleven", SMALL.stem[0].out_channels),
    computed("eleven blocks with expansions {}; squeeze", expansions("small")),
    computed(
        "all but blocks {} and {}; ReLU",
        *(n for n, row in enumerate(rows("small"), start=1) if not row.se),
    ),
    computed("layer with {} filters, average pooling, two linear", SMALL.last[0].out_channels),
    named("The paper's Table 2, with", V3_PAPER),
    computed("the {} features of the released code.", SMALL.classifier[0].out_features),
    computed("a stride of {}.", rows("small")[0].s),
    kind_row("pointwise", "pointwise"),
    kind_row("depthwise", "depthwise"),
    kind_row("stem", "standard"),
    kind_row("linear", "fc"),
    kind_row("squeeze", "squeeze"),
    computed("| together | {:,} | {:,} |", MACS["large"], MACS["small"]),
    computed(
        "Large has {} blocks, {} with a shortcut, and {:,} parameters.",
        *(len(LARGE.blocks), shortcuts(LARGE), PARAMS["large"]),
    ),
    computed(
        "Small has {} blocks, {} with a shortcut, and {:,} parameters.",
        *(len(SMALL.blocks), shortcuts(SMALL), PARAMS["small"]),
    ),
    # V1, V2 and V3
    named("| Params | Top-1 | Pixel 1 |", "the first guess, and the phone"),
    computed(
        "| V1 | {:.1f} M | {:.2f} M | {} % | – |",
        *(V1_MACS / MILLION, params(v1()) / MILLION, papers.V1_TABLE4["separable"][0]),
    ),
    computed(
        "| V2 | {:.1f} M | {:.2f} M | {} % | {} ms |",
        *(V2_MACS / MILLION, params(v2()) / MILLION, V2_THERE[0], V2_THERE[3]),
    ),
    computed(
        "| V3-Large | {:.1f} M | {:.2f} M | {} % | {} ms |",
        *(MACS["large"] / MILLION, PARAMS["large"] / MILLION, PAPER[0], PAPER[3]),
    ),
    computed(
        "| V3-Small | {:.1f} M | {:.2f} M | {} % | {} ms |",
        *(MACS["small"] / MILLION, PARAMS["small"] / MILLION),
        *(t3["V3-Small 1.0"][0], t3["V3-Small 1.0"][3]),
    ),
    named("as V3's Table 3, which", V3_PAPER),
    named("Its Table 9 has", V3_PAPER),
    printed(
        "has {} ms for Large and {} % for Small.)",
        *(t9["large", 224, 1.0][3], t9["small", 224, 1.0][0]),
        where="Table 9",
    ),
    computed(
        "Small from {:.0f} per cent at {:.0f} million MACs to {:.0f} at {:.0f}, Large",
        *(t9["small", 224, 0.35][0], of_paper("small", 0.35)[0]),
        *(t9["small", 224, 1.25][0], of_paper("small", 1.25)[0]),
    ),
    computed(
        "Large from {:.0f} at {:.0f} to {:.0f} at {:.0f}.",
        *(t9["large", 96, 1.0][0], of_paper("large", 1.0, 96)[0]),
        *(t9["large", 224, 1.25][0], of_paper("large", 1.25)[0]),
    ),
    named("milliseconds on the Pixel 1, logarithmic", "the phone"),
    printed(
        "V3-Small from {} to {} ms, V3-Large from {} to {:.0f}.",
        *(t9["small", 96, 1.0][3], t9["small", 224, 1.25][3]),
        *(t9["large", 96, 1.0][3], t9["large", 224, 1.25][3]),
        where="Table 9",
    ),
    printed(
        "below, from {} to {:.0f}; V2",
        *(min(row[3] for row in papers.SLIM_V2.values()),),
        *(max(row[3] for row in papers.SLIM_V2.values()),),
        where="the README",
    ),
    printed("at {} and {} ms, lies", V2_THERE[3], t3["V2 0.35"][3], where="Table 3"),
    printed("MnasNet-A1 at {} ms, V1 at", A1[3], where="Table 3"),
    printed("V1 at {}.", papers.V2_TABLE4["MobileNetV1"][3], where="Sandler et al. 2018, Table 4"),
    printed("V3-Small takes {} ms for pictures", t9["small", 128, 1.0][3], where="Table 9"),
    given("pictures of 128×128, and"),
    printed("128, and is right in {} %. At", t9["small", 128, 1.0][0], where="Table 9"),
    printed(
        "At a width of 0.35 it takes {} ms, and is right in {} %.",
        *(t9["small", 224, 0.35][3], t9["small", 224, 0.35][0]),
        where="Table 9",
    ),
    printed(
        "V3-Small at full width: {} % in {} ms.",
        *(t9["small", 224, 1.0][0], t9["small", 224, 1.0][3]),
        where="Table 9",
    ),
    printed(
        "V3-Large at a width of 0.35: {} % in {} ms.",
        *(t9["large", 224, 0.35][0], t9["large", 224, 0.35][3]),
        where="Table 9",
    ),
    printed(
        "less clear: {} % in {} ms at 128×128.)",
        *(t9["large", 128, 1.0][0], t9["large", 128, 1.0][3]),
        where="Table 9",
    ),
    printed(
        "took {} ms in its own paper", papers.V2_TABLE4["MobileNetV2"][3], where="Sandler, Table 4"
    ),
    printed("paper, {} in the README", papers.SLIM_V2[1.0, 224][3], where="the README"),
    printed("{} in the first version", papers.V3_TABLE3_FIRST["V2 1.0"], where="version 1"),
    printed("and {} in the last", V2_THERE[3], where="Table 3"),
    printed("(V1's {} ms are", papers.V2_TABLE4["MobileNetV1"][3], where="Sandler, Table 4"),
    # The paper's numbers, recomputed
    printed("prints {} features at the end of Table 2, and", 1280, where="an earlier version"),
    printed(
        "and {} million MACs and {} million parameters in Table 3.",
        *papers.V3_TABLE3_EARLIER["V3-Small 1.0"],
        where="an earlier version",
    ),
    printed("The last one prints {}, ", 1024, where="Table 2"),
    printed("1024, {} and {}. Both", *t3["V3-Small 1.0"][1:3], where="Table 3"),
    small_row("1280, with SE at the end", 1280, True),
    small_row("1280", 1280, False),
    small_row("1024, with SE at the end", 1024, True),
    small_row("1024", 1024, False),
    computed("So {:.1f} million parameters were", params(SMALLS[1280, False]) / MILLION),
    given("the network with 1280, and"),
    computed("and {:.1f} million are the one with 1024", params(SMALLS[1024, False]) / MILLION),
    computed("would give {:.1f} or", params(SMALLS[1280, True]) / MILLION),
    computed("or {:.1f}. The released", params(SMALLS[1024, True]) / MILLION),
    computed("code has {} and none", SMALL.classifier[0].out_features),
    printed(
        "of the four costs {} million", papers.V3_TABLE3_EARLIER["V3-Small 1.0"][0], where="T. 3"
    ),
    printed("the {} of the last printing", t3["V3-Small 1.0"][1], where="Table 3"),
    printed("still says {} and {}, and", *slim["Small"][:2], where="the README"),
    printed("and {} for a minimalistic", slim["Small minimalistic"][0], where="the README"),
    computed("we count {:.0f} .)", macs(minimalistic_v3("small"), 3, 224, 224) / MILLION),
    named("Table 9, in the last version", V3_PAPER),
    computed("lists {} networks", len(t9)),
    computed(
        "costs {:.0f}, {:.0f}, {:.0f}, {:.0f}, {:.0f} and {:.0f} million MACs",
        *(macs(LARGE, 3, size, size) / MILLION for size in (256, 224, 192, 160, 128, 96)),
    ),
    printed("Its {} million parameters", t9["large", 224, 1.0][2], where="Table 9"),
    named("Table 9: the other rows", V3_PAPER),
    given("agrees at 224, 160, 128 and 96."),
    *(table_9_row("large", width) for width in (1.25, 0.75, 0.5, 0.35)),
    *(table_9_row("small", width) for width in (1.25, 0.75, 0.5, 0.35)),
    table_9_row("small", 1.0, 256),
    given("At 1.25 the features"),
    computed("from 1280 to {:.0f} and from 1024 to {:.0f}, except", 1280 * 1.25, 1024 * 1.25),
    given("of the network with 1280."),
    given("torchvision's 0.75 is not"),
    given("| Width 0.75 |"),
    width_row("large"),
    width_row("small"),
    printed("a width of 0.75, {} %, belongs", t9["large", 224, 0.75][0], where="Table 9"),
    named("Table 3 gives Large", V3_PAPER),
    printed("Large {} million MACs, where", PAPER[1], where="Table 3"),
    printed("where Table 9 has {} and", t9["large", 224, 1.0][1], where="Table 9"),
    computed("we count {:.1f}. It", MACS["large"] / MILLION),
    printed("gives MnasNet-A1 {}, where", A1[1], where="Table 3"),
    printed("own paper has {} and", papers.MNASNET_A1_MADDS, where="Tan et al. 2019"),
    computed("and we count {:.1f}.", SEED[0] / MILLION),
    printed('"{} % more accurate while reducing latency by {} %"', 3.2, 20, where="the abstract"),
    computed("72.0 = {:.1f} points", PAPER[0] - V2_THERE[0]),
    printed("and {} ms against {}, both", PAPER[3], V2_THERE[3], where="Table 3"),
    named("both from Table 3.", V3_PAPER),
    printed(
        "the times were {} and {} ms, so",
        *(FIRST_V3, FIRST_V2),
        where="version 1",
    ),
    computed("ms, so {:.0f} % less", share(FIRST_V2 - FIRST_V3, FIRST_V2)),
    printed(
        "at a width of 0.75 beats the minimalistic one, with {} % in {} ms.",
        *(t9["large", 224, 0.75][0], t9["large", 224, 0.75][3]),
        where="Table 9",
    ),
    printed(
        "Large: {} % in {} ms instead of {} % in {}, with",
        *(slim["Large minimalistic"][2:4] + slim["Large"][2:4]),
        where="the README",
    ),
    computed("with {:,} MACs. Small", MINIMAL),
    printed(
        "Small: {} % in {} ms instead of {} % in {}.",
        *(slim["Small minimalistic"][2:4] + slim["Small"][2:4]),
        where="the README",
    ),
    computed(
        "That is {:.1f} and {:.1f} points.",
        slim["Large"][2] - slim["Large minimalistic"][2],
        slim["Small"][2] - slim["Small minimalistic"][2],
    ),
    # What is often got wrong
    given("Keras before version 3, "),
    named(r"(0.2 x + 0.5)", "Keras 2"),
    computed("applies it {} times, one", swishes(LARGE)),
    computed(r"+ {}}} in its batch norms", LARGE.stem[1].eps),
    computed("default is {:.5f}. It", nn.BatchNorm2d(1).eps),
    computed(
        "the momentum, {} instead of {}; that", LARGE.stem[1].momentum, nn.BatchNorm2d(1).momentum
    ),
    computed(
        "In Small's block 7 the channels go from {} to {}.",
        rows("small")[5].out,
        rows("small")[6].out,
    ),
    computed(
        "of 0.35 both become {0}, at 0.5 both become {1}, and",
        *(v3("small", width_mult=width).blocks[6].layers[-1].num_features for width in (0.35, 0.5)),
    ),
    computed(
        "you have {} shortcuts instead of {}.",
        *(shortcuts(SMALL), shortcuts(v3("small", width_mult=0.35))),
    ),
    computed("of 72 is {:.0f}, of 120 it is {:.0f}; torchvision", 72 / 4, 120 / 4),
    computed("torchvision has {} and {}.", *map(notebook.make_divisible, (18, 30))),
    printed(
        "block 13 a stride of {}, and block 14 a stride of {} and an expansion of {}.",
        *(1, 2, 672),
        where="version 1",
    ),
    computed("that takes {:,} MACs", macs(first_version_v3_large(), 3, 224, 224)),
    named("Code from 2019 often", "a year"),
    printed('"Dropout of {}."', 0.8, where="section 6.1.1"),
    computed("dropout={}.", LARGE.classifier[2].p),
    computed("V3-Large has {:.0f} % more", share(PARAMS["large"] - params(v2()), params(v2()))),
    # Key points
    computed("{:.1f} % of Large's parameters", share(squeeze_params("large"), PARAMS["large"])),
    computed("Large's parameters, {:.2f} % of", share(by_kind("large", "squeeze"), MACS["large"])),
    computed("the wide layer: {:.1f} million MACs", (THIN[0] - SHORT[0]) / MILLION),
    printed("million MACs and {} ms. The", 7, where="section 5.1"),
    computed("thinner stem: {:.1f} million", (SHORT[0] - STEM[0]) / MILLION),
    printed("million and {} ms.", 2, where="section 5.1"),
    computed("Large: {:,} parameters, {:,} MACs, {} %.", PARAMS["large"], MACS["large"], PAPER[0]),
    computed("Small: {:,}, {:,}, {} %.", PARAMS["small"], MACS["small"], t3["V3-Small 1.0"][0]),
    # Exercises
    given("10 ms with 70 % and 20 ms with 74 %; the target is 10 ms"),
    given("prefer with w = -0.07, which with w = -0.15?"),
    given("must save at least 0.8 ms. Proposal A saves 2.0 ms and loses 0.15 points"),
    given("B saves 1.0 and loses 0.1, C saves 0.5 and"),
    computed("≈ {:.1f}: just ahead", 74 * 2**-0.07),
    given("just ahead of 70. With"),
    computed("≈ {:.1f}: behind", 74 * 2**-0.15),
    computed("2.0 = {:.3f} points", 0.15 / 2),
    computed("1.0 = {:.1f}. V3's", 0.1 / 1),
    given("MACs on 672 channels, as in block 12 of"),
    computed("the block's {:,} MACs", BLOCK_12),
    computed("4 = {}, a multiple of 8", notebook.make_divisible(672 / 4)),
    computed("168 = {:,}; biases", 2 * LARGE.blocks[11].layers[6].gate[1].weight.numel()),
    computed("672 = {}; MACs", 168 + 672),
    computed("That is {:.2f} % of the block", share(2 * 672 * 168, BLOCK_12)),
    named("Between −3 and 3 it is x (x + 3) / 6, a", "h-swish"),
    named("zeros at −3 and 0. So", "h-swish"),
    named("in the middle, at −1.5:", "h-swish"),
    computed("6 = {:.3f}.", float(LOWEST)),
    given("save at 448×448"),
    given("MACs at 224×224; 1,"),
    named("The last maps are 14×14, so", "half of 7×7 twice over"),
    computed("end takes {:,} MACs at 224×224; {:,} of these", sum(OLD_END), OLD_END[-1]),
    computed("= {:,}. V3's", 4 * sum(OLD_END[:-1]) + OLD_END[-1]),
    computed("= {:,}. The difference", 4 * NEW_END[0] + sum(NEW_END[1:])),
    computed(
        "The difference is {:,}.",
        4 * sum(OLD_END[:-1]) + OLD_END[-1] - 4 * NEW_END[0] - sum(NEW_END[1:]),
    ),
    given("stride, kernel // 2, groups=exp"),
    given("SqueezeExcitation(exp, exp // 4)"),
    given("nn.Conv2d(exp, out, 1, bias=False)"),
    computed(
        "as blocks {} have other shapes",
        runs(n for n, r in enumerate(rows("large"), 1) if r.se and r.exp // 4 % 8),
    ),
    computed(
        "where blocks {} have ReLU",
        runs(n for n, r in enumerate(rows("large"), 1) if r.se and r.nl == "RE"),
    ),
    # Interview questions
    computed("ones: {:.0f} % of all numbers", share(RE, HS + RE)),
    computed("V3-Large has {:.0f} % fewer", share(MACS["large"] - MINIMAL, MACS["large"])),
    computed(
        "takes {:.0f} % less time",
        share(slim["Large"][3] - slim["Large minimalistic"][3], slim["Large"][3]),
    ),
    computed("only {:.1f} million MACs", (MACS["large"] - MINIMAL) / MILLION),
    printed(
        "({} and {} ms, both", slim["Large"][3], slim["Large minimalistic"][3], where="the README"
    ),
    computed("holds {:,} parameters; V2", squeeze_params("large")),
    computed("hold {:,}, V2's counterparts {:,}.", tail, v2_tail),
    named("read section 5 first", V3_PAPER),
    named("sections 6.3 and 6.4 use", V3_PAPER),
    printed("the expansion of block {} and", 13, where="section 6.3"),
    printed("made for {} classes", 1000, where="section 6.3"),
]


def by_size(variant: str) -> list[str]:
    """Million MACs by the side of the map that a layer writes."""
    stages = {}
    for _, count, shape in LAYERS[variant]:
        side = (*shape, 1)[1]
        stages[side] = stages.get(side, 0) + count / MILLION
    return [f"{stages[side]:.0f}" for side in (112, 56, 28, 14, 7, 1)]


NOTEBOOK = [
    named("its paper's Tables 1 and 2. You", V3_PAPER),
    named("an S from 0 to 1, and", "the sigmoid"),
    named("a straight line between minus 3 and 3. Right", "the hard sigmoid"),
    named("dip below zero between minus 3 and 0 and lie", "the functions"),
    computed(
        "V3-Large: {0} channels, expanded to {1}, filtered, weighed, and projected back to {0}.",
        *(rows("large")[4].out, rows("large")[4].exp),
    ),
    named("Tables 1 and 2 of the paper, a", V3_PAPER),
    named("made a multiple of 8 by", "make_divisible"),
    named("never below 90 %.", "make_divisible"),
    named("At widths other than 1 the", "torchvision's widths"),
    named("other networks: exercise 1.", "the first exercise"),
    computed(
        "{} at 112, {} at 56, {} at 28, {} at 14, {} at 7 and {} at 1 pixel.", *by_size("large")
    ),
    computed("V3-Small: {}, {}, {}, {}, {} and {}.", *by_size("small")),
    computed("In block {} there is no expansion", CHANGED[0][0]),
    computed("{:,} pictures of 8×8, which", len(load_digits().target)),
    given("split in three: 500 to learn from, 600 to choose"),
    given("than a point, on 600 pictures"),
    computed(
        "In V3-Small's block 7 they go from {} to {}, but",
        rows("small")[5].out,
        rows("small")[6].out,
    ),
    computed(
        "of 0.35 both become {0}, at 0.5 both become {1}, and",
        *(v3("small", width_mult=width).blocks[6].layers[-1].num_features for width in (0.35, 0.5)),
    ),
    computed("(about {:.0f} MB)", 4 * PARAMS["large"] / 2**20),
    named("Exercise 1: the paper's 0.75", "the first exercise"),
    printed("stay whole, {} or {}. Return", 1280, 1024, where="Tables 1 and 2"),
    given("for a width below 1."),
    named("Exercise 2: the gate", "the second exercise"),
    named("(out, in, 1, 1) that", "the shape of a 1×1 layer"),
    computed("{:,} parameters and {:,} MACs in Large", PARAMS["large"], MACS["large"]),
    computed("in Large, {:,} and {:,} in Small.", PARAMS["small"], MACS["small"]),
]


def table(variant: str) -> set:
    """What the picture of a table says: sizes, squeezes, maps, the names of its lines."""
    net, side = NETS[variant], 112
    last, features = net.last[0].out_channels, net.classifier[0].out_features
    words = {f"3×3 conv /2, {net.stem[0].out_channels} filters", f"1×1, {last} filters"}
    words |= {f"112×112×{net.stem[0].out_channels}", f"linear, {features} features"}
    for first, number, row in grouped(rows(variant), net.stem[0].out_channels):
        side //= row.s
        words |= {f"{row.exp}", f"{row.out}", f"{side}×{side}×{row.out}"}
        words |= {f"{first}-{number}" if number > first else f"{first}"}
        if row.se:
            words |= {f"{notebook.make_divisible(row.exp // 4)}"}
    words |= {f"{side}×{side}×{last}", f"1×1×{last}", f"1×1×{features}"}
    return {Claim(text, "computed") for text in words}


FIGURES = [
    # v3-steps
    computed("{:.1f}", SEED[0] / MILLION),
    *(
        Claim(f"{b / MILLION:.1f} ({(b - a) / MILLION:+.1f})".replace("-", "−"), "computed")
        for (a, _), (b, _) in pairwise(STEPS.values())
    ),
    *dict.fromkeys(computed("{:.2f}", size / MILLION) for _, size in STEPS.values()),
    # v3-search
    *(computed("{} → {}", seed, row) for _, seed, row in CHANGED[1:]),
    # v3-block
    computed("1×1 to {}, ReLU", notebook.make_divisible(rows("large")[4].exp // 4)),
    computed("1×1 to {}", rows("large")[4].exp),
    computed("{} gates", rows("large")[4].exp),
    # v3-ends
    computed("1×1, {} to {}", LARGE.last[0].in_channels, LARGE.last[0].out_channels),
    computed("1×1, {} to {}", *notebook.MNASNET_A1[15][1:3]),
    computed("1×1, {} to {}", notebook.MNASNET_A1[15].out, LARGE.classifier[0].out_features),
    computed("3×3 dw, {}", notebook.MNASNET_A1[15].exp),
    *(computed("linear, {} to {}", *LARGE.classifier[n].weight.shape[::-1]) for n in (0, 3)),
    *dict.fromkeys(
        computed("{:.1f} M", count / MILLION)
        for count in (*OLD_END, sum(OLD_END), *NEW_END, sum(NEW_END))
    ),
    # v3-large, v3-small
    *dict.fromkeys([*sorted(table("large") | table("small"), key=lambda c: c.text)]),
    named("3×3 /2", "a stride of two"),
    named("5×5 /2", "a stride of two"),
    computed("linear, {:,} classes", LARGE.classifier[3].out_features),
    computed("{:,} logits", LARGE.classifier[3].out_features),
    # v3-accuracy, v3-latency
    named("top-1 on ImageNet", "the first guess"),
    named("milliseconds on the Pixel 1", "the phone"),
]

# How often each name with a digit in it stands there.
PAGE_NAMES = {
    "1×1": 4,
    "3×3": 3,
    "5×5": 7,
    "7×7": 1,
    "A1": 16,
    "BatchNorm2d": 2,
    "Conv2d": 2,
    "MobileNetV2": 1,
    "MobileNetV3": 2,
    "ReLU6": 5,
    "V1": 10,
    "V2": 26,
    "V3": 63,
    "V4": 3,
    "relu6": 1,
    "v3": 3,
}
NOTEBOOK_NAMES = {"3×3": 1, "5×5": 2, "A1": 2, "MobileNetV2": 1, "MobileNetV3": 3, "V3": 13}
FIGURES_NAMES = {"1×1": 10, "3×3": 14, "5×5": 11, "A1": 4, "V1": 2, "V2": 4, "V3": 11}
