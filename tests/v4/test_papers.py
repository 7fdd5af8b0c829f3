"""V4's tables against what we count, its text against its tables, its tables against the code."""

import inspect
from itertools import pairwise

import pytest
import timm
import torch
from timm.models import mobilenetv3
from torch import nn

from tests.book import definitions
from tests.printed import MILLION, cut
from tests.v4.others import OTHERS, counted, other, saved
from tests.v4.roofline import (
    LEFT_OUT,
    MOBILENETS,
    agreement,
    attention,
    front,
    intensity,
    layers,
    products,
)
from tools import papers
from tools.counting import kind_of, macs, macs_by_layer, params, v3, v4
from tools.variants import printed_hybrid_medium_v4

notebook = definitions("v4")
BILLION = 1e9
VARIANTS = {
    "conv_small": ("MNv4-Conv-S", papers.V4_TABLE11),
    "conv_medium": ("MNv4-Conv-M", papers.V4_TABLE12),
    "hybrid_medium": ("MNv4-Hybrid-M", papers.V4_TABLE13),
    "conv_large": ("MNv4-Conv-L", papers.V4_TABLE14),
    "hybrid_large": ("MNv4-Hybrid-L", papers.V4_TABLE15),
}
TABLES = {variant: table for variant, (_, table) in VARIANTS.items()}
AS_RELEASED = [variant for variant in TABLES if variant != "hybrid_medium"]  # see Table 13
SEARCHED = {variant: table for variant, table in TABLES.items() if "conv" in variant}
t6, t7, teacher = papers.V4_TABLE6, papers.V4_TABLE7, papers.V4_TEACHER

# ---------------------------------------------------------------- Tables 11 to 15: the networks


@pytest.mark.parametrize("variant", TABLES)
def test_v4_each_row_begins_where_the_one_before_it_ends(variant):
    for row, after in pairwise(TABLES[variant]):
        side = 1 if row.block == "AvgPool" else row.side // row.stride
        assert (after.side, after.channels) == (side, row.out)


@pytest.mark.parametrize("variant", TABLES)
def test_v4_blocks_are_named_by_their_depthwise_layers(variant):
    for row in TABLES[variant]:
        if row.block in notebook.BLOCKS.values():
            assert notebook.BLOCKS[bool(row.k1), bool(row.k2)] == row.block
        else:  # a layer, a fused block, or attention
            assert row.k1 is None and (row.k2 is None) == (row.block == "Mobile-MQA")


def as_printed(variant: str) -> list[tuple]:
    """The blocks of our network as its table has them: name, K1, K2, middle, out, stride."""
    rows, out = [], None
    for row in notebook.VARIANTS[variant].rows:
        if isinstance(row, notebook.Attention):
            rows.append(("Mobile-MQA", None, None, None, out, 1))
            continue
        out = row.out
        rows.append((row.block, row.k1 or None, row.k2 or None, row.exp, out, row.s))
    return rows


def blocks_of(variant: str) -> list[tuple]:
    """The blocks of a printed table: without the stem, and the four rows of the head."""
    return [row[2:] for row in TABLES[variant][1:-4]]


@pytest.mark.parametrize("variant", AS_RELEASED)
def test_v4_tables_have_the_blocks_of_the_networks(variant):
    assert blocks_of(variant) == as_printed(variant)


@pytest.mark.parametrize("variant", TABLES)
def test_v4_tables_have_the_stems_and_heads_of_the_networks(variant):
    table, network = TABLES[variant], v4(variant)
    layers = [network.stem.conv, network.last.conv, network.head.conv]
    for row, layer in zip((table[0], table[-4], table[-2]), layers, strict=True):
        assert row.block == "Conv2D" and (row.channels, row.out) == layer.weight.shape[1::-1]
        assert (row.k2, row.k2, row.stride, row.stride) == (*layer.kernel_size, *layer.stride)
    pool, classifier = table[-3], table[-1]
    assert pool.block == "AvgPool" and pool.k2 == pool.side
    assert (classifier.out, classifier.channels) == network.classifier.weight.shape


@pytest.mark.parametrize("variant", AS_RELEASED)
def test_v4_tables_have_the_maps_of_the_networks(variant):
    network, seen = v4(variant), []
    for block in network.blocks:
        block.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape[1:]))
    size = TABLES[variant][0].side
    assert size == notebook.SIZES[variant]
    network(torch.empty(1, 3, size, size, device="meta"))
    assert seen == [(row.channels, row.side, row.side) for row in TABLES[variant][1:-4]]


def test_v4_table_13_is_another_network_than_the_released_one():
    printed, released = blocks_of("hybrid_medium"), as_printed("hybrid_medium")
    assert (len(printed), len(released)) == (30, 31)
    assert printed[:4] == released[:4] and printed[4] != released[4]
    literal, network = printed_hybrid_medium_v4(), v4("hybrid_medium")
    assert params(literal) == 11_170_008 and params(network) == 11_074_648
    assert macs(literal, 3, 256, 256) == 1_296_988_160
    assert macs(network, 3, 256, 256) == 1_271_183_360
    row = t6["MNv4-Hybrid-M"]  # counts the released one
    assert round(without_norm(network) / 2**20, 1) == row.params
    assert round(without_norm(literal) / 2**20, 1) != row.params


def test_v4_conv_s_has_relu_behind_both_layers_of_its_fused_blocks():
    for stage in timm.create_model("mobilenetv4_conv_small").blocks[:2]:
        assert [type(unit).__name__ for unit in stage] == ["ConvBnAct", "ConvBnAct"]
        assert all(isinstance(unit.bn1.act, nn.ReLU) for unit in stage)
    for variant in set(TABLES) - {"conv_small"}:
        (fused,) = timm.create_model(f"mobilenetv4_{variant}").blocks[0]
        assert isinstance(fused.bn2.act, nn.Identity) != isinstance(fused.bn1.act, nn.Identity)


@pytest.mark.parametrize("variant", TABLES)
def test_v4_hybrid_l_alone_has_gelu(variant):
    kinds = {type(m) for m in timm.create_model(f"mobilenetv4_{variant}").modules()}
    has_gelu = any("GELU" in kind.__name__ for kind in kinds)
    assert has_gelu == (variant == "hybrid_large") == (nn.ReLU not in kinds)


@pytest.mark.parametrize("variant", SEARCHED)
def test_v4_each_stage_of_the_search_begins_with_extra_dw(variant):
    strided = [row.block for row in SEARCHED[variant][1:] if row.stride == 2]
    assert set(strided) - {"FusedIB"} == {"ExtraDW"}


def test_v4_no_network_has_all_four_blocks():
    used = {
        variant: {row.block for row in table} & set(notebook.BLOCKS.values())
        for variant, table in SEARCHED.items()
    }
    assert used == {
        "conv_small": {"ExtraDW", "IB", "ConvNext"},
        "conv_medium": {"ExtraDW", "FFN", "ConvNext"},
        "conv_large": {"ExtraDW", "ConvNext"},
    }
    assert [row.block for row in papers.V4_TABLE11[-8:-4]] == ["IB"] * 4


def expansions(table: tuple) -> set[float]:
    return {row.expanded / row.channels for row in table if row.block in notebook.BLOCKS.values()}


def test_v4_expansions_are_not_all_four():
    assert papers.V4_SEARCH["expansion"] == 4
    assert {variant: expansions(table) for variant, table in SEARCHED.items()} == {
        "conv_small": {2, 3, 4, 6},
        "conv_medium": {2, 4, 6},
        "conv_large": {4},
    }


def test_v4_conv_s_takes_less_than_its_search_was_told():
    counted = macs(v4(), 3, 224, 224)
    assert counted == 186_005_568 < 0.7 * papers.V4_TARGETS["MNv4-Conv-S"]["macs"] * MILLION


def test_v4_head_is_as_wide_as_v3s_and_otherwise_made():
    ours, before = v4(), v3("large")
    widths = [layer.weight.shape[:2] for layer, *_ in macs_by_layer(ours, 3, 224, 224)[-2:]]
    linear = [m for m in before.modules() if isinstance(m, nn.Linear)]
    assert [layer.weight.shape for layer in linear] == widths
    assert linear[0].bias is not None and ours.head.conv.bias is None
    assert isinstance(ours.head.act, nn.ReLU)
    assert isinstance(ours.head.norm, nn.BatchNorm2d)


def test_v4_keys_and_values_shrink_by_a_layer_each():
    """The paper's equation 2 has one "SR" in both places."""
    block = timm.create_model("mobilenetv4_hybrid_medium").blocks[2][4].attn
    assert block.key.down_conv.weight is not block.value.down_conv.weight
    assert block.key.down_conv.stride == block.value.down_conv.stride == (2, 2)


def test_timm_calls_a_block_extra_dw_that_is_ffn():
    source = inspect.getsource(mobilenetv3._gen_mobilenet_v4)
    assert "'uir_r1_a0_k0_s1_e2_c160',  # ExtraDW" in source
    assert "'uir_r1_a0_k0_s1_e2_c160',  # FFN" in source  # the same, in Hybrid-M


def test_the_readme_of_d_li14_counts_another_conv_s():
    said = papers.D_LI14_V4
    for variant, printed in said.items():
        size, network = notebook.SIZES[variant], v4(variant)
        fits = (
            round(macs(network, 3, size, size) / MILLION) == printed.macs,
            round(params(network) / MILLION, 2) == printed.params,
        )
        assert fits == ((False, False) if variant == "conv_small" else (True, True))


# ---------------------------------------------------------------- Table 6: what it counts


def without_norm(network: nn.Module) -> int:
    norms = (m for m in network.modules() if isinstance(m, nn.BatchNorm2d))
    return params(network) - sum(map(params, norms))


# Which ways of counting give the printed number. Parameters with batch norm and without, in 10**6
# and 2**20; MACs with attention's products and without, in 10**9 and 2**30.
EITHER, NEVER = {"10**6", "10**6 without norm"}, set()
PARAMS_FIT = {
    "MNv4-Conv-S": {"10**6"},
    "MobileNet-V2-1.5x": {"10**6 without norm"},
    "MobileNet-V2-2.0x": {"10**6 without norm"},
    "MNv4-Conv-M": {"2**20 without norm"},
    "MNv4-Conv-L": {"2**20", "2**20 without norm"},
    "MNv4-Hybrid-M": {"2**20 without norm"},
    "MNv4-Hybrid-L": {"2**20 without norm"},
    **{name: NEVER for name in OTHERS if "FastViT" in name},
    "MIT-EfficientViT-B2-r256": NEVER,
    "MIT-EfficientViT-B3-r224": NEVER,
}
MACS_FIT = {
    "MNv4-Conv-M": {"2**30", "2**30 without products"},
    "MNv4-Conv-L": {"2**30", "2**30 without products"},
    "MNv4-Hybrid-M": {"2**30", "10**9 without products"},
    "MNv4-Hybrid-L": {"2**30"},
    "MobileOne-S4": NEVER,
}


def that_fit(printed: float, counts: dict[str, float]) -> set[str]:
    digits = 0 if isinstance(printed, int) else 1
    return {way for way, count in counts.items() if round(count, digits) == printed}


@pytest.mark.parametrize("name", [*MOBILENETS, *OTHERS])
def test_v4_table_6(name):
    """V1 to V3, Conv-S and the others in 10**6 and 10**9, the larger V4 in 2**20 and 2**30."""
    if name in OTHERS:
        network, size = other(name)
    else:
        build, size = MOBILENETS[name]
        network = build()
    row = t6[name]
    weights, slim = params(network), without_norm(network)
    counts = {"10**6": weights / 1e6, "10**6 without norm": slim / 1e6}
    counts |= {"2**20": weights / 2**20, "2**20 without norm": slim / 2**20}
    assert that_fit(row.params, counts) == PARAMS_FIT.get(name, EITHER)
    whole = macs(network, 3, size, size)
    bare = sum(count for _, count, _ in macs_by_layer(network, 3, size, size))
    counts = {"10**9": whole / 1e9, "10**9 without products": bare / 1e9}
    counts |= {"2**30": whole / 2**30, "2**30 without products": bare / 2**30}
    fit = that_fit(row.macs, counts)
    assert fit == MACS_FIT[name] if name in MACS_FIT else "10**9" in fit


def test_v4_table_6_counts_all_but_two_networks():
    assert set(t6) - {*MOBILENETS, *OTHERS} == {
        "MultiHardware-MAX-1.5x",
        "MultiHardware-AVG-1.5x",
    }


def test_v4_table_6_halves_the_macs_of_mobileone_s4():
    _, large = counted("MobileOne-S4")
    assert large == 2_979_269_760 and round(large / 2 / BILLION, 1) == t6["MobileOne-S4"].macs
    _, small = counted("MobileOne-S0")
    assert round(small / 2 / BILLION, 1) != t6["MobileOne-S0"].macs


def test_v4_table_6_has_fewer_parameters_of_fastvit_than_timm():
    for name in (name for name in OTHERS if "FastViT" in name):
        assert counted(name)[0] / MILLION > 1.03 * t6[name].params


def test_v4_table_6_adds_a_digit_to_whole_millions():
    """EfficientViT's authors print 24M and 49M; 24.0 and 49.0 is more than they say."""
    for name, whole in (("MIT-EfficientViT-B2-r256", 24), ("MIT-EfficientViT-B3-r224", 49)):
        assert t6[name].params == whole == round(counted(name)[0] / MILLION)


def test_mobileone_has_v1s_pairs_and_no_inverted_bottleneck():
    network, size = other("MobileOne-S0")
    units = [layer for layer, *_ in macs_by_layer(network, 3, size, size)][1:-1]  # no stem, no end
    assert {kind_of(layer) for layer in units[::2]} == {"depthwise"}
    assert {(layer.kernel_size, layer.groups) for layer in units[1::2]} == {((1, 1), 1)}
    widths = [layer.out_channels for layer in units]
    assert widths == sorted(widths)  # nothing is narrowed


# ---------------------------------------------------------------- what text and tables say


def added(name: str, column: str) -> float:
    """What three layers of attention add to the base of Table 2."""
    row = papers.V4_TABLE17 if name == "before" else papers.V4_TABLE2[name]
    return getattr(row, column) - getattr(papers.V4_TABLE2["base model"], column)


ATTENDING = ("macs", "params", "pixel7", "pixel8", "galaxy_gpu")


@pytest.mark.parametrize("column", ATTENDING)
def test_v4_table_2_compares_what_attention_adds(column):
    printed = getattr(papers.V4_TABLE2_CHANGES, column)
    assert round(saved(added("+3 MHSA", column), added("+3 MQA", column)), 1) == printed
    whole = saved(*(getattr(papers.V4_TABLE2[f"+3 {kind}"], column) for kind in ("MHSA", "MQA")))
    assert abs(whole) < 0.6 * abs(printed)


def test_v4_abstract_speeds_up_what_attention_adds():
    assert cut(-papers.V4_TABLE2_CHANGES.pixel8, 0) == papers.V4_MQA_FASTER
    shared, own = papers.V4_TABLE2["+3 MQA"].pixel8, papers.V4_TABLE2["+3 MHSA"].pixel8
    assert round(saved(own, shared), 1) == -5.8


def test_v4_shared_keys_give_the_products_more_macs_per_byte_and_the_block_fewer():
    """Section 5: "significantly improving Operational Intensity"."""
    block = [m for m in v4("hybrid_medium").blocks if isinstance(m, notebook.MobileMQA)][-1]
    channels, side = block.query.in_channels, 8
    sizes = channels, block.heads, block.key[-1].out_channels, side**2
    own, shared = (attention(*sizes, sets) for sets in (block.heads, 1))
    assert shared[-2:] == products(block, side)
    assert sum(each.macs for each in shared) == macs(block, channels, side, side)
    assert [round(intensity(each[-2:]), 1) for each in (own, shared)] == [21.3, 28.4]
    assert [round(intensity(each), 1) for each in (own, shared)] == [38.4, 36.6]
    saves = papers.V4_TABLE2_CHANGES
    assert saves.macs < saves.params < 0


@pytest.mark.parametrize("column", ["pixel7", "pixel8"])
def test_v4_table_17_compares_what_attention_adds(column):
    change = saved(added("before", column), added("+3 MQA", column))
    assert round(change, 1) == getattr(papers.V4_TABLE17_CHANGES, column)


def test_v4_table_2_keeps_its_accuracy():
    gap = papers.V4_TABLE2["+3 MQA"].top1 - papers.V4_TABLE2["+3 MHSA"].top1
    assert round(gap, 2) == papers.V4_TABLE2_CHANGES.top1


def test_v4_tables_3_and_5_mean_two_things_by_faster():
    no, yes, gain = papers.V4_TABLE3["No"], papers.V4_TABLE3["Yes"], papers.V4_TABLE3_GAIN
    for column in ("macs", "cpu", "gpu"):  # how many more in the same time
        before, after = getattr(no, column), getattr(yes, column)
        assert round(100 * (before / after - 1)) == getattr(gain, column)
    assert round(yes.top1 - no.top1, 2) == papers.V4_TABLE3_TEXT
    assert [round(saved(no.cpu, yes.cpu)), round(saved(no.gpu, yes.gpu))] == [-19, -20]
    before, after = papers.V4_TABLE5["ImageNet"], papers.V4_TABLE5["JFT distill"]
    for column in ("macs", "params", "pixel4_gpu", "pixel6"):  # how much less time
        change = saved(getattr(before, column), getattr(after, column))
        assert round(-change, 1) == getattr(papers.V4_TABLE5_GAIN, column)
    assert round(after.val - before.val, 1) == papers.V4_TABLE5_GAIN.val
    assert round(after.train - before.train, 1) == papers.V4_TABLE5_GAIN.train


def test_v4_table_4():
    one, two = papers.V4_TABLE4["One-stage"], papers.V4_TABLE4["Two-stage"]
    val, train, ms = papers.V4_TABLE4_CHANGES
    assert (round(two.val - one.val, 2), round(two.train - one.train, 2)) == (val, train)
    assert abs(saved(one.ms, two.ms) - ms) < 0.005


def test_v4_trained_v1_to_v3_anew():
    before = {
        "V1": papers.V1_TABLE4["separable"].top1,
        "V2": papers.V2_TABLE4["MobileNetV2"].top1,
        "V3": papers.V3_TABLE3["V3-Large 1.0"].top1,
    }
    after = {n: round(before[n] + papers.V4_TRAINED_ANEW[n], 1) for n in before}
    anew = (t6["MobileNet-V1"].top1, t6["MobileNet-V2"].top1, papers.V4_V3_TOP1)
    assert tuple(after.values()) == anew


def test_v4_table_6_has_v3_at_half_its_width_alone():
    """So it can't show what section 7.1 says, that V4 is twice as fast as V3."""
    assert [name for name in t6 if "V3" in name] == ["MobileNet-V3L-0.5x"]
    small, half = t6["MNv4-Conv-S"], t6["MobileNet-V3L-0.5x"]
    assert small.pixel6 == half.pixel6 and half.edgetpu < 1.2 * small.edgetpu


def test_v4_efficientvit_is_twice_as_slow_on_coreml_at_one_of_two_accuracies():
    pairs = {
        "MIT-EfficientViT-B1-r224": "MNv4-Conv-M",
        "MIT-EfficientViT-B2-r256": "MNv4-Conv-L",
    }
    times = [t6[theirs].iphone / t6[ours].iphone for theirs, ours in pairs.items()]
    assert [round(each, 1) for each in times] == [2.2, 1.8]
    for theirs, ours in pairs.items():
        assert abs(t6[theirs].top1 - t6[ours].top1) <= 0.5


def test_v4_text_on_table_6():
    """What section 7.1 says of Conv-M on the EdgeTPU, and of FastViT on the GPU, is in it."""
    medium = t6["MNv4-Conv-M"]
    for name in ("MobileOne-S4", "FastViT-S12"):
        assert t6[name].edgetpu / medium.edgetpu > 1.5
    double = t6["MobileNet-V2-2.0x"]
    assert double.edgetpu == medium.edgetpu and round(medium.top1 - double.top1, 1) == 1.5
    for name, ours in (("S12", "Conv-M"), ("SA24", "Conv-L"), ("SA36", "Hybrid-L")):
        assert t6[f"FastViT-{name}"].galaxy_gpu > 5 * t6[f"MNv4-{ours}"].galaxy_gpu


def test_v4_text_has_another_lead_than_table_7():
    said, medium, hybrid = papers.V4_TABLE7_TEXT, t7["V4-Conv-M"], t7["V4-Hybrid-M"]
    for slower in ("Multi-AVG × 1.5", "V2 × 2"):
        assert round(-saved(t7[slower].ms, medium.ms)) == said[slower]
    assert round(saved(medium.ms, hybrid.ms)) == said["slower"]
    assert round(hybrid.ap - medium.ap, 1) == 1.4 != said["lead"]


def test_v4_text_has_another_gain_than_table_8():
    table, known = papers.V4_TABLE8, papers.V4_TABLE8["D2"].val
    for name, gain in papers.V4_TABLE8_GAINS.items():
        assert round(table[name].val - known, 1) == gain
    assert round(papers.V4_TABLE8_LONG.val - known, 1) == papers.V4_TABLE8_LONG_GAIN
    said, gains = papers.V4_TABLE8_TEXT, papers.V4_TABLE8_GAINS
    assert said["D1 + D2"] == gains["D1 + D2"]
    assert (
        said["D1 + D2 + D3"] != gains["D1 + D2 + D3"] and said["D1 + D2 + D3"] == gains["D2 + D3"]
    )
    assert round(table["D3"].val - table["D1"].val, 1) == said["D3"]


def test_v4_text_has_half_as_many_copies_as_table_8():
    copies = papers.V4_D1_COPIES
    assert copies["Table 8"] == 2 * copies["section 8"]


def test_v4_table_9():
    for row in papers.V4_TABLE9.values():
        assert round(row.taught - row.alone, 1) == row.over_alone
        if row.known is not None:
            assert round(row.taught - row.known, 1) == row.over_known
    assert papers.V4_TABLE9["MNv4-Conv-L"].taught == papers.V4_TABLE8_LONG.val
    assert {name: row.alone for name, row in papers.V4_TABLE9.items()} == {
        name: t6[name].top1 for name in papers.V4_TABLE9
    }


def test_v4_hybrid_l_needs_more_than_distillation_for_87():
    assert papers.V4_TABLE9["MNv4-Hybrid-L"].taught < papers.V4_HYBRID_L_JFT == 87


def test_v4_teacher_has_more_macs_than_the_text_says():
    said, large = papers.V4_STUDENT_TEXT, t6["MNv4-Conv-L"]
    assert round(teacher["macs"] / large.macs, 1) == 49.2 and said["macs"] == 48
    assert round(teacher["macs"] / t6["MNv4-Hybrid-L"].macs, 1) == 40.3 and said["Hybrid-L"] == 39
    assert cut(teacher["params"] / large.params, 0) == said["params"]
    assert round(teacher["top1"] - papers.V4_TABLE9["MNv4-Conv-L"].taught, 1) == said["points"]
    for variant, times in (("conv_large", 45.5), ("hybrid_large", 37.6)):
        counted = macs(v4(variant), 3, 384, 384)
        assert round(teacher["macs"] * BILLION / counted, 1) == times


# ---------------------------------------------------------------- section 3 and Table 16


def test_v4_roofline_sorts_the_networks_no_better_than_macs():
    """Of Table 6's MobileNets; Table 16 has other networks as well, and does not say which."""
    columns = ("pixel6", "galaxy", "hexagon", "edgetpu")
    for column, ridge in zip(columns, papers.V4_RIDGE.values(), strict=True):
        assert abs(agreement(column, ridge) - agreement(column)) < 0.06
    found = {column: round(agreement(column), 2) for column in columns}
    assert found == {"pixel6": 0.99, "galaxy": 0.97, "hexagon": 0.83, "edgetpu": 0.92}


ACCURACIES = {name: t6[name].top1 for name in MOBILENETS if "Hybrid" not in name}
ACCURACIES |= {name: papers.V4_V3_TOP1 for name in LEFT_OUT}
V4_CONV = {name for name in ACCURACIES if "MNv4" in name}


def test_v4_is_on_the_front_at_every_ridge_point():
    """And so is V3-Large; of V1 and V2 only V2 at 1.5, where MACs count."""
    always = V4_CONV | {"MobileNet-V3L", "MobileNet-V3L-0.5x"}
    lowest, highest = papers.V4_RIDGES
    for ridge in range(lowest, highest + 1):
        also = {"MobileNet-V2-1.5x"} if ridge < 64 else set()
        assert front(ridge, ACCURACIES) == always | also


def test_no_layer_of_v4_has_enough_macs_for_an_edgetpu():
    """In 8 bits, if each layer reads and writes its maps: above this ridge only bytes count."""
    densest = max(each.macs / each.moved for name in MOBILENETS for each in layers(name))
    assert densest < papers.V4_RIDGE["Pixel 4 DSP"]
    assert 100 < densest
