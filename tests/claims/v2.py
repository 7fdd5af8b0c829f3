"""Every number of the chapter on MobileNetV2, and where it comes from."""

import math

import torch
from torch import nn

from tests.book import definitions
from tests.claims.common import reading_minutes
from tests.closed_world import computed, given, named, printed
from tests.counting import macs, macs_by_layer, on_meta, params, totals_by_kind, v1, v2
from tools import papers

notebook = definitions("v2")


def channels_normed(network: nn.Module) -> int:
    return sum(m.num_features for m in network.modules() if isinstance(m, nn.BatchNorm2d))


def without_norm(network: nn.Module) -> int:
    """Parameters without those of the batch norms."""
    return params(network) - 2 * channels_normed(network)


def share(part: float, whole: float) -> float:
    return 100 * part / whole


def block(*args) -> nn.Module:
    return on_meta(notebook.InvertedResidual, *args)


# ---------------------------------------------------------------- the network and its blocks

network = v2()
MACS, PARAMS = macs(network, 3, 224, 224), params(network)
V1_MACS, V1_PARAMS = macs(v1(), 3, 224, 224), params(v1())
KINDS = totals_by_kind(network, 3, 224, 224)
V1_KINDS = totals_by_kind(v1(), 3, 224, 224)
WEIGHTS = sum(weights for _, weights in KINDS.values())
SHORTCUTS = sum(each.shortcut for each in network.blocks)
layers = macs_by_layer(network, 3, 224, 224)

toy = block(3, 3, 1, 6)
TOY = [(conv.weight.numel(), params(norm)) for conv, norm in (toy.layers[0:2], toy.layers[3:5])]
TOY.append((toy.layers[6].weight.numel(), params(toy.layers[7])))
third, second = block(24, 24, 1, 6), block(16, 24, 2, 6)
THIRD, SECOND = macs(third, 24, 56, 56), macs(second, 16, 112, 112)
FIRST = params(network.blocks[0])
EXERCISE, EXERCISE_MACS = block(96, 160, 2, 6), macs(block(96, 160, 2, 6), 96, 14, 14)
EXERCISE_LAYERS = [count for _, count, _ in macs_by_layer(EXERCISE, 96, 14, 14)]


def block_macs(index: int) -> float:
    """Million MACs of a block at 224."""
    before = nn.Sequential(network.stem, *network.blocks[:index])
    with torch.no_grad():
        shape = before(torch.empty(1, 3, 224, 224, device="meta")).shape
    return macs(network.blocks[index], *shape[1:]) / 1e6


def projects_or_ends(layer: nn.Module) -> bool:
    """The stem, the last layer of each block, and the last 1×1 layer."""
    return layer.groups == 1 and (
        layer.out_channels < layer.in_channels or layer in (layers[0][0], layers[-2][0])
    )


# ---------------------------------------------------------------- what a ReLU keeps


def kept(n: int) -> float:
    """Per cent of the patterns of n signs with at least two positive: counted one by one."""
    patterns = torch.cartesian_prod(*[torch.tensor([0, 1])] * n).reshape(-1, n)
    return 100 * float((patterns.sum(dim=1) >= 2).double().mean())


torch.manual_seed(44)
DRAWN = {
    n: 100 * float((notebook.through_relu(notebook.spiral(), n)[1] >= 2).double().mean())
    for n in (2, 3, 5, 15, 30)
}

# ---------------------------------------------------------------- memory, at 16 bits


def kilobytes(channels: int, side: int) -> float:
    return 2 * channels * side**2 / 1000


V1_WIDEST, V2_INSIDE, V2_BETWEEN = {}, {}, {}
for _, _, shape in macs_by_layer(v1(), 3, 224, 224)[:-1]:
    V1_WIDEST[shape[1]] = max(V1_WIDEST.get(shape[1], 0), shape[0])
for layer, _, shape in layers[1:-2]:
    group = V2_BETWEEN if projects_or_ends(layer) else V2_INSIDE
    group[shape[1]] = max(group.get(shape[1], 0), shape[0])
RATIOS = [V1_WIDEST[side] / V2_BETWEEN[side] for side in V1_WIDEST]

# ---------------------------------------------------------------- variants


def mistaken(right: str, wrong: str, **options) -> nn.Module:
    return on_meta(definitions("v2", right, wrong).MobileNetV2, **options)


always = mistaken("if expand_ratio != 1:", "if True:")
thin_last = mistaken("1280 * max(1.0, width_mult)", "1280 * width_mult", width_mult=0.35)
first_strides = v2()
notebook.first_arxiv_strides(first_strides)
thin, wide, half = v2(width_mult=0.35), v2(width_mult=1.4), v2(width_mult=0.5)
SMALLEST = macs(thin, 3, 96, 96)
t4 = papers.V2_TABLE4


def v1_line() -> list[tuple[float, float]]:
    """(MACs, top-1) of V1's released networks, cheapest first."""
    rows = papers.SLIM_V1_TOP1.items()
    return sorted(
        (macs(v1(width_mult=alpha), 3, size, size), top1)
        for alpha, row in rows
        for size, top1 in zip(papers.V1_SIZES, row, strict=True)
    )


def v2_line() -> list[tuple[float, float]]:
    """(MACs, top-1) of V2's released networks that no cheaper one beats."""
    points = sorted(
        (macs(v2(width_mult=width), 3, size, size), row[2])
        for (width, size), row in papers.SLIM_V2.items()
    )
    return [p for p in points if not any(q[0] < p[0] and q[1] >= p[1] for q in points)]


def gaps() -> list[float]:
    """How far each V1 network lies below the line through V2's, at equal MACs (log scale)."""
    line, found = v2_line(), []
    for cost, top1 in v1_line():
        for (low, a), (high, b) in zip(line[:-1], line[1:], strict=True):
            if low <= cost <= high:
                part = math.log(cost / low) / math.log(high / low)
                found.append(a + part * (b - a) - top1)
    return found


GAPS = gaps()


def kind_row(label: str, kind: str):
    count, weights = KINDS[kind]
    return computed(
        "| {} | {:,}, {:.2f} % | {:,}, {:.2f} % |",
        *(label, count, share(count, MACS), weights, share(weights, WEIGHTS)),
    )


def memory_row(side: int):
    (a, b), (c, d) = papers.V2_TABLE3[side]
    return computed(
        "| {0}×{0} | {1} / {2} | {3} / {4:.0f} | {5} / {6} | {7} / {8:.0f} |",
        *(side, a, b, V1_WIDEST[side], kilobytes(V1_WIDEST[side], side)),
        *(c, d, V2_BETWEEN[side], kilobytes(V2_BETWEEN[side], side)),
    )


PAGE = [
    reading_minutes("v2"),
    computed("which of the {} blocks have a shortcut", len(network.blocks)),
    # What V1 left
    computed("{:.2f} % of the MACs, is in", share(V1_KINDS["pointwise"][0], V1_MACS)),
    given("from 512 channels to 512 that"),
    computed("that is {:,} weights, at every", 512 * 512),
    # Why linear
    given(r"for every n \geq 2. With it, from which n on will you recognise it: 3, 5, 15, 30"),
    named("With 15. The spiral", "99.95 %"),
    named("With 5 a fifth of it has collapsed, with 3 a half, and with 2 three quarters", "below"),
    given("what comes back from 2, 3, 5, 15 and 30 dimensions"),
    named("For 2 dimensions a quarter of the curve", "the figure"),
    named("for 3 a half, for 5 most of it; for 15 and 30 the whole", "the figure"),
    named("Of the 2^n patterns of on and off", "counted below"),
    named(r"1 - \frac{n + 1}{2^n}", "counted below for four n"),
    computed("That is {:.0f} % for n = 2, {:.0f} % for 3, {} % for 5", kept(2), kept(3), kept(5)),
    computed("and {:.2f} % for 15", kept(15)),
    given("as they have 16 channels or more"),
    given("If data used all of 16 dimensions, 16 numbers"),
    given("so 16 of 16 channels would have to be on"),
    computed("one point in {:,}.", 2**16),
    named("(its Figure 6, which", "Sandler et al. 2018"),
    named("(its Figure 6, again", "Sandler et al. 2018"),
    # Why inverted
    given("ResNet: 256, then 64, 64, then 256; the shortcut"),
    computed("V2: 24, then {0}, {0}, then 24; the", 6 * 24),
    named("in V2 only at stride 1 and", "the block"),
    # The block
    given("a map of three channels: 3 to 18, 18, and 3 again"),
    computed("3 × 18 = {} | {} | {} |", *TOY[0], sum(TOY[0])),
    computed("9 × 18 = {} | {} | {} |", *TOY[1], sum(TOY[1])),
    computed("18 × 3 = {} | {} | {} |", *TOY[2], sum(TOY[2])),
    computed("| block | | | {} |", params(toy)),
    given("takes 56×56×24 to the same shape with an expansion of t = 6"),
    computed(
        "with {} channels inside: {:,} parameters", third.layers[0].out_channels, params(third)
    ),
    named("h · w · d' · t (d' + k^2 + d'')", "Sandler et al. 2018, section 3.3"),
    computed("(24 + 9 + 24) = {:,}", THIRD),
    named("At stride 1, and where", "the block"),
    given("At stride 2 the output has"),
    given("112×112×16 to 56×56×24, takes"),
    computed("× 96 × (9 + 24) = {:,} MACs", SECOND),
    computed(
        "gives {:,} with the input's side and {:,} with the output's",
        notebook.block_formula(112, 16, 24, 6),
        notebook.block_formula(56, 16, 24, 6),
    ),
    # The network
    computed("A 3 by 3 convolution with {} filters", layers[0][2][0]),
    computed(
        "repeated {}, {}, {}, {}, {}, {} and {} times",
        *(n for _, _, n, _ in notebook.V2_ROWS),
    ),
    computed(
        "with {}, {}, {}, {}, {}, {} and {} channels", *(c for _, c, _, _ in notebook.V2_ROWS)
    ),
    computed("a 1 by 1 layer with {} filters", network.last[0].out_channels),
    computed("a linear layer with {:,} classes", network.classifier.out_features),
    computed("shrinks from {} to {}.", layers[0][2][1], layers[-2][2][1]),
    named("The paper's Table 2. The first", "Sandler et al. 2018"),
    named("the others have stride 1. Between", "the paper's caption"),
    computed("The rows make {} blocks, not", len(network.blocks)),
    printed("not the {} that the paper's text", 19, where="section 4"),
    named("The first block has t = 1, so", "Table 2"),
    printed("Why t = {}? Between {} and {} the paper", 6, 5, 10, where="section 4"),
    computed("on the stem's {} channels and a projection to {}.", layers[0][2][0], layers[2][2][0]),
    computed("from {} channels to {}, this", layers[-2][0].in_channels, layers[-2][0].out_channels),
    kind_row("pointwise", "pointwise"),
    kind_row("depthwise", "depthwise"),
    kind_row("stem", "standard"),
    kind_row("classifier", "fc"),
    computed("| together | {:,} | {:,} |", MACS, WEIGHTS),
    computed("= {:,} parameters. Against", PARAMS),
    computed(
        "it is {:.0f} % of the MACs and {:.0f} % of the parameters",
        share(MACS, V1_MACS),
        share(PARAMS, V1_PARAMS),
    ),
    printed(
        "for {} % on ImageNet instead of {} (the",
        t4["MobileNetV2"][0],
        t4["MobileNetV1"][0],
        where="Table 4",
    ),
    printed("released later has {}).", papers.SLIM_V2[1.0, 224][2], where="the README"),
    given("from 512 channels to 512 on a map of 14×14, V2 goes from 64 to"),
    computed("from 64 to {} and back", 6 * 64),
    computed("× 64 = {:,} weights at each place instead of {:,}", 2 * 64 * 384, 512 * 512),
    given("below a width of 1 the last"),
    computed("keeps its {} channels", thin.last[0].out_channels),
    computed(
        "At 0.35 the classifier alone holds {:.1f} %", share(params(thin.classifier), params(thin))
    ),
    named("rounded to multiples of 8, but never below 90 %", "make_divisible"),
    computed("At 0.35, 32 channels become {}, because", thin.stem[0].out_channels),
    computed("because {} would round to 8", 32 * 0.35),
    computed("from {:.0f} per cent at {:.0f} million", papers.SLIM_V2[0.35, 96][2], SMALLEST / 1e6),
    computed(
        "to {:.0f} per cent at {:.0f} million",
        papers.SLIM_V2[1.4, 224][2],
        macs(wide, 3, 224, 224) / 1e6,
    ),
    # Memory
    given("At 112×112, V1's widest map has"),
    computed("has {} channels. V2 expands to {} there", V1_WIDEST[112], V2_INSIDE[112]),
    computed("V2's widest map takes {:,.0f} kB at 16 bits", kilobytes(V2_INSIDE[112], 112)),
    computed("V1's {:,.0f} kB. But", kilobytes(V1_WIDEST[112], 112)),
    computed(
        "enters that block has {} channels: {:.0f} kB",
        V2_BETWEEN[112],
        kilobytes(V2_BETWEEN[112], 112),
    ),
    given("For maps of 112, 56, 28, 14 and 7 pixels a side"),
    computed(
        "from {:,.0f} and {:,.0f} kB down to {:.0f} and {:.0f}.",
        *(kilobytes(V1_WIDEST[112], 112), kilobytes(V2_INSIDE[112], 112)),
        *(kilobytes(V1_WIDEST[7], 7), kilobytes(V2_INSIDE[7], 7)),
    ),
    computed(
        "from {:.0f} kB to {:.0f}.", kilobytes(V2_BETWEEN[112], 112), kilobytes(V2_BETWEEN[7], 7)
    ),
    named("at 16 bits. Inside", "the unit"),
    # The paper's numbers
    named("Table 2 agrees with", "Sandler et al. 2018"),
    named("1 where the row with 64 channels has 2, and 2 where the row with 96 has 1", "facts"),
    computed("take {:,} MACs with the same", macs(first_strides, 3, 224, 224)),
    named("Table 3 gives the largest map at each size", "Sandler et al. 2018"),
    *map(memory_row, papers.V2_TABLE3),
    computed("The stem's {} channels, {:.0f} kB, are", layers[0][2][0], kilobytes(32, 112)),
    computed(
        "{} channels, {}, {}, so there",
        *(shape[0] for _, _, shape in macs_by_layer(v1(), 3, 224, 224)[0:5:2]),
    ),
    computed("would shrink to {:.0f} kB. V2", max(kilobytes(32, 112), kilobytes(128, 56))),
    named("(64 at 28×28 would be right with", "the first version's strides"),
    named("kB at 16 bits. V2: what", "the unit"),
    printed("at 56×56 the paper prints {}, but", papers.V2_TABLE3[56][1][0], where="Table 3"),
    computed("puts out {} channels has stride 2, and its output is 28×28", layers[11][2][0]),
    printed(
        "So with {} and {}.", papers.V2_TABLE3[28][1][0], papers.V2_TABLE3[14][1][0], where="T. 3"
    ),
    printed("V1's {} at 7×7", papers.V2_TABLE3[7][0][1], where="Table 3"),
    printed('another one prints "{}/O({})"', 1, 1, where="Table 3 of another version"),
    named("Table 4:", "Sandler et al. 2018"),
    computed(
        "| MobileNetV2 | {} M, {} M | {:,} and {:,} |",
        t4["MobileNetV2"][2],
        t4["MobileNetV2"][1],
        MACS,
        PARAMS,
    ),
    computed(
        "| MobileNetV2, width 1.4 | {} M, {} M | {:,} and {:,} |",
        *(
            t4["MobileNetV2 (1.4)"][2],
            t4["MobileNetV2 (1.4)"][1],
            macs(wide, 3, 224, 224),
            params(wide),
        ),
    ),
    computed(
        "| MobileNetV1 | {} M, {} M | {:,} and {:,} |",
        t4["MobileNetV1"][2],
        t4["MobileNetV1"][1],
        V1_MACS,
        V1_PARAMS,
    ),
    printed("{} is cut, not rounded", t4["MobileNetV2"][2], where="Table 4"),
    printed("{} is cut as well", t4["MobileNetV2"][1], where="Table 4"),
    computed("without batch norm: {:,}.", without_norm(network)),
    computed(
        "{:,} or {:,} parameters are {:.1f} or {:.1f} million",
        *(without_norm(wide), params(wide)),
        *(int(without_norm(wide) / 1e5) / 10, params(wide) / 1e6),
    ),
    printed("never {}; and", t4["MobileNetV2 (1.4)"][1], where="Table 4"),
    computed("and {:.0f} is not", macs(wide, 3, 224, 224) / 1e6),
    printed("is not {}. Nor", t4["MobileNetV2 (1.4)"][2], where="Table 4"),
    printed("V1's {} comes from", t4["MobileNetV1"][2], where="Table 4"),
    printed("own paper says {}.", papers.V1_TABLE4["separable"][1], where="Howard et al. 2017"),
    printed('"from {} multiply adds to {}M MAdds"', 7, 585, where="section 4"),
    printed("a network of {} million existed", 7, where="section 4"),
    computed("0.35 at 96, takes {:,}.", SMALLEST),
    computed("lists {} networks. All", len(papers.SLIM_V2)),
    computed("All {} counts of MACs", len(papers.SLIM_V2)),
    printed("the million: {} for", papers.SLIM_V2[0.35, 96][0], where="the README"),
    computed("for {:,}. All parameter", SMALLEST),
    # What is often got wrong
    computed("missing in {} of {} blocks", len(network.blocks) - SHORTCUTS, len(network.blocks)),
    named("a^{[l+2]} = g(z^{[l+2]} + a^{[l]}): the", "He et al. 2016"),
    named("a^{[l+2]} = a^{[l]} + a^{[l+2]}, which", "a formula that circulates"),
    named("a^{[l+3]} = a^{[l]} + z^{[l+3]}, over", "the block"),
    given("builds one at t = 1 too, from 32 channels to 32"),
    computed("has {:,} parameters instead of {}, and", params(always.blocks[0]), FIRST),
    computed("the network {:,} and {:,} MACs", params(always), macs(always, 3, 224, 224)),
    computed("Scale the 1280 with the width, and 0.35 has {:,}", params(thin_last)),
    computed("instead of {:,}. Again", params(thin)),
    computed("at 0.5, V1 has {:,}", params(v1(width_mult=0.5))),
    computed("and V2 has {:,}, because of the 1280", params(half)),
    # Key points
    named("On average 1 - (n + 1)/2^n of", "equation (6.1)"),
    computed("{} of {} blocks.", SHORTCUTS, len(network.blocks)),
    computed("{:,} parameters, {:,} MACs, {} %.", PARAMS, MACS, t4["MobileNetV2"][0]),
    computed("takes {:.0f} kB, if the", kilobytes(V2_BETWEEN[112], 112)),
    computed(
        "takes {:,.0f}, or {:.0f} with",
        kilobytes(V1_WIDEST[112], 112),
        max(kilobytes(32, 112), kilobytes(128, 56)),
    ),
    named("joins narrow ends, at stride 1 and", "the block"),
    named("No expansion at t = 1; the", "Table 2"),
    # Exercises
    given("in n = 4 channels"),
    given("multiplies negative numbers by 0.1"),
    computed("Of {} patterns, those", 2**4),
    computed("survive: {} and {}, so", math.comb(4, 3), math.comb(4, 4)),
    computed("5 / 16 = {} of", (math.comb(4, 3) + math.comb(4, 4)) / 2**4),
    given("takes 14×14×96 to 7×7×160, with t = 6"),
    computed("Inside there are {} channels", EXERCISE.layers[0].out_channels),
    computed("= {:,} weights", without_norm(EXERCISE)),
    computed(
        "= {:,} for the batch norms, together {:,}", 2 * channels_normed(EXERCISE), params(EXERCISE)
    ),
    given("the expansion at 14×14 takes"),
    computed("14 × 14 = {:,}, the other", EXERCISE_LAYERS[0]),
    given("the other two at 7×7 take"),
    computed("7 × 7 = {:,}, together {:,}", sum(EXERCISE_LAYERS[1:]), EXERCISE_MACS),
    named("for each row of Table 2 how", "Sandler et al. 2018"),
    given("the row with 96 channels has none although its stride is 1"),
    computed(
        "{}, {}, {}, {}, {}, {} and {}, together {}",
        *(n - 1 for _, _, n, _ in notebook.V2_ROWS),
        SHORTCUTS,
    ),
    given("that one from 64 to 96"),
    given("both networks on 448×448"),
    given("a block in V2, at 16 bits"),
    given("V1's map of 224×224×64"),
    computed("= {:,} bytes", 2 * V1_WIDEST[112] * 224**2),
    given("V2's of 224×224×16 a quarter"),
    computed("a quarter of that, {:,}", 2 * V2_BETWEEN[112] * 224**2),
    given("nn.Conv2d(in_channels, hidden, 1, bias=False)"),
    given("nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden"),
    given("nn.Conv2d(hidden, out_channels, 1, bias=False)"),
    given("self.shortcut = stride == 1"),
    given("The expansion is built at t = 1 too"),
    given("where they change at stride 1, the"),
    given("from 32 to 16, it"),
    # Interview questions
    computed(
        "takes {:.1f} million instead of {:.1f}.",
        macs(thin, 3, 224, 224) / 1e6,
        macs(thin_last, 3, 224, 224) / 1e6,
    ),
    given("at 0.35 the network takes"),
    named("(ReLU6 has a second flat part, above 6.)", "its name"),
    given("from 144 to 144 channels directly"),
    computed("costs {:,} weights", 144 * 144),
    computed("through 24 it costs {:,}", 144 * 24 + 24 * 144),
    given("keep 1280 channels at the end"),
    computed("The classifier has {} outputs", network.classifier.out_features),
    computed("with {} inputs at 0.35 instead of 1280", thin_last.classifier.in_features),
    computed("layers, {:.2f} %. The", share(KINDS["pointwise"][0], MACS)),
    computed(
        "take {:.2f} %, V1's {:.2f} %",
        share(KINDS["depthwise"][0], MACS),
        share(V1_KINDS["depthwise"][0], V1_MACS),
    ),
    computed(
        "That is {:.1f} million against {:.1f} million",
        KINDS["depthwise"][0] / 1e6,
        V1_KINDS["depthwise"][0] / 1e6,
    ),
    named("sections 3.2 and 5 are", "Sandler et al. 2018"),
]

NOTEBOOK = [
    named("of its paper's Table 2, and", "Sandler et al. 2018"),
    named("The paper's Figure 1, computed", "Sandler et al. 2018"),
    given("random embedding into 2, 3, 5, 15 and 30 dimensions and a ReLU"),
    named("for 2 and 3 whole parts have collapsed into lines, from 15 on", "the plot"),
    named("is 1 - (n + 1) / 2^n. Over", "counted by the page's claims"),
    given("3 channels expanded to 18 and projected back to 3:"),
    named("Table 2 of the paper. Each row", "Sandler et al. 2018"),
    named("has stride s, the others 1.", "the paper's caption"),
    computed("the first block {:.0f}, the second", block_macs(0)),
    computed("the second {:.0f}, then", block_macs(1)),
    computed(
        "then {:.0f} to {:.0f} each, the 17th block {:.0f};",
        min(map(block_macs, range(2, 16))),
        max(map(block_macs, range(2, 16))),
        block_macs(16),
    ),
    named("nearly all of it in 1 by 1 layers", "the plot"),
    named("h · w · d' · t (d' + k^2 + d'')", "Sandler et al. 2018, section 3.3"),
    named("That holds at stride 1 and for t > 1:", "the first and the second block"),
    named("hold it whole (exercise 2 shows how)", "the second exercise"),
    given("at 16 bits for a number"),
    computed("downloaded (about {:.0f} MB)", 4 * PARAMS / 1e6),
    named("Exercise 1: the", "the first exercise"),
    given("even where t = 1. How"),
    given("and MACs (at 224) does"),
    named("Exercise 2: never", "the second exercise"),
    computed("{} blocks, {} with a shortcut; {:,}", len(network.blocks), SHORTCUTS, PARAMS),
    computed("parameters, {:,} MACs.", MACS),
]

maps = dict.fromkeys(shape for layer, _, shape in layers[:-1] if projects_or_ends(layer))
FIGURES = [
    # v2-relu
    *(computed("n = {}: {:.0f} % kept", n, share) for n, share in DRAWN.items()),
    # v2-blocks
    *(given(f"{channels}") for channels in (256, 64, 24)),
    computed("{}", third.layers[0].out_channels),
    # v2-network
    computed("3×3 conv /{}, {} filters", layers[0][0].stride[0], layers[0][2][0]),
    named("3×3 /2", "a stride of two"),
    *(computed("{}×", n) for n in sorted({n for _, _, n, _ in notebook.V2_ROWS})),
    *(computed("×{}", t) for t in {t for t, *_ in notebook.V2_ROWS if t > 1}),
    *(computed("{}", c) for _, c, _, _ in notebook.V2_ROWS if c not in (24, 64)),
    *(computed("{}×{}×{}", *shape[1:], shape[0]) for shape in maps),
    computed("1×1, {} filters", network.last[0].out_channels),
    computed("1×1×{}", network.classifier.in_features),
    computed("linear, {:,} classes", network.classifier.out_features),
    computed("{:,} logits", network.classifier.out_features),
    # v2-memory, v2-grid
    given("kB at 16 bits"),
    named("top-1 on ImageNet", "the first guess"),
    *(given(f"width {width}") for width in sorted({width for width, _ in papers.SLIM_V2})),
]

# How often each name with a digit in it stands there.
PAGE_NAMES = {
    "1×1": 11,
    "3×3": 3,
    "7×7": 3,
    "BatchNorm2d": 3,
    "Conv2d": 3,
    "MobileNetV1": 4,
    "MobileNetV2": 6,
    "ReLU6": 8,
    "V1": 21,
    "V2": 32,
    "v2": 2,
}
NOTEBOOK_NAMES = {"MobileNetV2": 4, "MobileNetV3": 1}
FIGURES_NAMES = {"1×1": 5, "3×3": 10, "ReLU6": 2, "V1": 2, "V2": 9}
