"""The tables of V2's paper, and its README, against what we count."""

import pytest
from torch import nn

from tests.printed import MILLION, cut
from tools import papers
from tools.counting import macs, params, v2


@pytest.mark.parametrize(("width", "size"), papers.SLIM_V2)
def test_the_readme_of_v2_cuts_and_leaves_batch_norm_out(width, size, counted_v2):
    million_macs, million_params, *_ = papers.SLIM_V2[width, size]
    network = v2(width_mult=width)
    assert int(macs(network, 3, size, size) / MILLION) == million_macs
    assert round(counted_v2.without_norm(network) / MILLION, 2) == million_params


def test_v2_table_4(counted_v2):
    _, million_params, million_macs, _ = papers.V2_TABLE4["MobileNetV2"]
    assert int(counted_v2.MACS / MILLION) == million_macs != round(counted_v2.MACS / MILLION)
    assert cut(counted_v2.without_norm(counted_v2.network) / MILLION, 1) == million_params
    assert cut(counted_v2.PARAMS / MILLION, 1) != million_params
    _, million_params, million_macs, _ = papers.V2_TABLE4["MobileNetV2 (1.4)"]
    assert round(params(counted_v2.wide) / MILLION, 1) == 6.1 != million_params
    assert round(macs(counted_v2.wide, 3, 224, 224) / MILLION) == 582 != million_macs
    assert round(counted_v2.V1_MACS / MILLION) != papers.V2_TABLE4["MobileNetV1"].macs


@pytest.mark.parametrize("side", papers.V2_TABLE3)
def test_v2_table_3_is_one_row_too_high(side, counted_v2):
    """At 56, 28 and 14 it has the channels that blocks with this input put out, at stride 2."""
    (v1_channels, v1_kb), (channels, kb) = papers.V2_TABLE3[side]
    assert v1_channels == counted_v2.V1_WIDEST[side]
    if side == 7:
        assert abs(v1_kb - 2 * counted_v2.kilobytes(v1_channels, side)) < 3
    else:
        assert abs(v1_kb - counted_v2.kilobytes(v1_channels, side)) < 0.01 * v1_kb
    if side in (112, 7):
        assert channels == counted_v2.V2_BETWEEN[side]
    else:
        halving = [each for each in counted_v2.network.blocks if strides(each) == 2]
        inputs = {56: 1, 28: 2, 14: 3}
        assert channels == halving[inputs[side]].project.norm.num_features
        assert channels > counted_v2.V2_BETWEEN[side]
    assert abs(kb - counted_v2.kilobytes(channels, side)) < 0.03 * kb


def test_64_channels_at_28_fit_the_strides_of_the_first_version(counted_v2):
    printed = papers.V2_TABLE3[28].v2.channels
    assert counted_v2.FIRST_BETWEEN[28] == printed != counted_v2.V2_BETWEEN[28]


def strides(block: nn.Module) -> int:
    return max(m.stride[0] for m in block.modules() if isinstance(m, nn.Conv2d))


def test_what_a_relu_keeps_is_counted_as_the_formula_says(counted_v2):
    for n in (2, 3, 4, 5, 15):
        assert counted_v2.kept(n) == pytest.approx(100 * (1 - (n + 1) / 2**n))


def test_v2_lies_three_to_nine_points_above_v1(counted_v2):
    assert len(counted_v2.GAPS) == 16
    assert 3 <= min(counted_v2.GAPS) and max(counted_v2.GAPS) < 9.5


def test_v2_keeps_three_to_eight_times_less_between_blocks(counted_v2):
    assert 3 < min(counted_v2.RATIOS) and max(counted_v2.RATIOS) == 8


def test_v2_table_6_has_more_accurate_rows():
    ours = papers.V2_TABLE6["MNet V2 + SSDLite"].map
    behind = [name for name, row in papers.V2_TABLE6.items() if row.map < ours]
    assert behind == ["YOLOv2"]


def test_v2_has_three_accuracies():
    in_paper, in_readme = papers.V2_TABLE4["MobileNetV2"].top1, papers.SLIM_V2[1.0, 224].top1
    assert in_readme < in_paper < papers.SLIM_V2_DOCSTRING_TOP1
