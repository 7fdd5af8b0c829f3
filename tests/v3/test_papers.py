"""The tables of V3's paper, and its README, against what we count."""

from itertools import pairwise

import pytest
import timm
from torch import nn

from tests.book import ROOT, code_of, definitions
from tests.printed import MILLION, check, cut, rounded
from tools import papers
from tools.counting import macs, macs_by_layer, params, v3
from tools.variants import minimalistic_v3, paper_v3, skeleton_v3

IN_TABLE_9 = {  # of Table 3, in Table 9
    "V3-Large 1.0": ("large", 224, 1.0),
    "V3-Large 0.75": ("large", 224, 0.75),
    "V3-Small 1.0": ("small", 224, 1.0),
    "V3-Small 0.75": ("small", 224, 0.75),
}


@pytest.mark.parametrize("row", papers.V3_TABLE9)
def test_v3_table_9(row, counted_v3):
    """Each number is our count rounded, but where `counted_v3` says that it is something else."""
    (variant, size, width), (_, million_macs, million_params, _) = row, papers.V3_TABLE9[row]
    network = paper_v3(variant, width)
    how_macs = counted_v3.TABLE9_MACS.get(row)
    how_params = counted_v3.TABLE9_PARAMS.get((variant, 224, width))
    check(million_macs, macs(network, 3, size, size), 0, how_macs)
    check(million_params, params(network), 1, how_params)
    if isinstance(how_macs, int):
        older = paper_v3(variant, width, features=how_macs)
        check(million_macs, macs(older, 3, size, size), 0, None)
    if isinstance(how_params, int):
        check(million_params, params(paper_v3(variant, width, features=how_params)), 1, None)


@pytest.mark.parametrize("row", papers.V3_TABLE9_EARLIER)
def test_v3_small_in_earlier_versions_had_1280_features(row):
    (variant, size, width), (million_macs, million_params) = row, papers.V3_TABLE9_EARLIER[row]
    network = paper_v3(variant, width, features=1280)
    how = {1.0: "unknown", 0.5: "unknown"}.get(width if size == 224 else None)  # 66 and 23
    check(million_macs, macs(network, 3, size, size), 0, how)
    check(million_params, params(network), 1, None)
    if width > 0.35:  # there it is too small to tell
        with_squeeze = paper_v3(variant, width, features=1280, last_squeeze=True)
        assert rounded(params(with_squeeze) / MILLION, 1) != million_params
    assert rounded(params(paper_v3(variant, width)) / MILLION, 1) != million_params


@pytest.mark.parametrize("width", [1.0, 0.75])  # below, the difference is too small to tell
def test_v3_small_in_the_last_version_has_1024_and_no_squeeze_at_the_end(width):
    printed = papers.V3_TABLE9["small", 224, width].params
    assert rounded(params(paper_v3("small", width)) / MILLION, 1) == printed
    ticked = paper_v3("small", width, last_squeeze=True)
    assert rounded(params(ticked) / MILLION, 1) != printed


@pytest.mark.parametrize("name", IN_TABLE_9)
def test_v3_tables_3_and_9_agree_but_for_some_numbers(name):
    top1, million_macs, million_params, ms, *_ = papers.V3_TABLE3[name]
    other = papers.V3_TABLE9[IN_TABLE_9[name]]
    assert million_params == other[2]
    assert (million_macs != other[1]) == (name in ("V3-Large 1.0", "V3-Small 1.0"))
    assert (top1 != other[0]) == (name == "V3-Small 1.0")
    in_table_9 = int(other[3]) if "Large" in name else other[3]  # milliseconds, cut
    assert ms == in_table_9


def test_v3_table_9_is_in_order():
    """Many a digit typed wrongly would break the order along a knob."""
    for variant in ("large", "small"):
        for knob in (lambda s, w: w == 1.0, lambda s, w: s == 224):
            rows = [
                (s, w, *row)
                for (name, s, w), row in papers.V3_TABLE9.items()
                if name == variant and knob(s, w)
            ]
            rows.sort()
            for column in zip(*rows, strict=True):
                assert list(column) == sorted(column)


@pytest.mark.parametrize("variant", ["large", "small"])
@pytest.mark.parametrize("width", [0.35, 0.5, 0.75])
def test_exercise_1_has_the_papers_rows(variant, width):
    """The notebook's solution and the tests' network are written apart: they must agree."""
    notebook = definitions("v3")
    cell = next(
        c.source
        for c in code_of(ROOT / "chapters" / "v3" / "mobilenet_v3.ipynb")
        if "solution" in c.metadata.get("tags", []) and "def paper_rows" in c.source
    )
    scope = vars(notebook).copy()
    exec(cell.partition("check_paper_rows()")[0], scope)
    rows, features = scope["paper_rows"](variant, width)
    stem, last = (
        notebook.make_divisible(c * width) for c in (16, 6 * notebook.VARIANTS[variant][0][-1].out)
    )
    assert params(skeleton_v3(rows, stem, last, features)) == params(paper_v3(variant, width))


@pytest.mark.parametrize("variant", ["large", "small"])
def test_the_papers_0_75_is_timms(variant):
    ours, reference = paper_v3(variant, 0.75), timm.create_model(f"mobilenetv3_{variant}_075")
    assert params(ours) == params(reference)
    assert macs(ours, 3, 224, 224) == macs(reference, 3, 224, 224)


@pytest.mark.parametrize("variant", ["large", "small"])
def test_the_minimalistic_networks_are_timms(variant):
    name = f"tf_mobilenetv3_{variant}_minimal_100"
    ours, reference = minimalistic_v3(variant), timm.create_model(name)
    assert params(ours) == params(reference)
    assert macs(ours, 3, 224, 224) == macs(reference, 3, 224, 224)
    _, million_params, *_ = papers.SLIM_V3[f"{variant.capitalize()} minimalistic"]
    assert rounded(params(ours) / MILLION, 1) == million_params


def test_the_first_step_is_mnasnet_a1_and_the_last_is_v3_large():
    first, *_, last = definitions("v3").steps().values()
    seed = timm.create_model("semnasnet_100")  # timm's name for MnasNet-A1
    assert params(first) == params(seed)
    assert macs(first, 3, 224, 224) == macs(seed, 3, 224, 224)
    assert (params(last), macs(last, 3, 224, 224)) == (params(v3()), macs(v3(), 3, 224, 224))


def test_v2_lies_four_to_eight_points_below_v3(counted_v3):
    gaps = counted_v3.v2_gaps()
    assert len(gaps) == 19
    assert 4 <= min(gaps) and max(gaps) < 8


def test_more_than_half_of_the_macs_that_went_were_the_expansions(counted_v3):
    counts = [count for count, _ in counted_v3.STEPS.values()]
    gone = [before - after for before, after in pairwise(counts[:4])]
    assert 0.5 < gone[0] / sum(gone) < 0.55


def test_swish_and_h_swish_differ_most_at_three(counted_v3):
    x, notebook = counted_v3.GRID, definitions("v3")
    gap = (notebook.hard_swish(x) - nn.functional.silu(x)).abs()
    assert {round(float(v), 2) for v in x[gap > gap.max() - 1e-9]} == {-3.0, 3.0}


def test_mnasnet_a1_and_v3_large_differ_in_five_expansions_and_the_first_block(counted_v3):
    assert [number for number, _, _ in counted_v3.CHANGED] == [1, 2, 3, 8, 9, 10]
    notebook = definitions("v3")
    for seed, row in zip(notebook.MNASNET_A1[:15], notebook.V3_LARGE, strict=True):
        assert (seed.kernel, seed.out, seed.se, seed.s) == (row.kernel, row.out, row.se, row.s)


def test_no_5x5_of_v3_large_writes_a_map_larger_than_28():
    sizes = {
        shape[1]
        for layer, _, shape in macs_by_layer(v3(), 3, 224, 224)
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (5, 5)
    }
    assert max(sizes) == 28


def test_v3_readme_has_the_small_network_of_earlier_versions():
    _, million_params, *_ = papers.SLIM_V3["Small"]
    assert rounded(params(paper_v3("small", features=1280)) / MILLION, 1) == million_params
    million_macs, million_params, *_ = papers.SLIM_V3["Large"]
    assert rounded(macs(v3(), 3, 224, 224) / MILLION, 0) == million_macs
    assert cut(params(v3()) / MILLION, 1) == million_params
