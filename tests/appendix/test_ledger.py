"""Findings of the ledger that no other test shows."""

import ast
import re
from collections import defaultdict

import pytest
import timm
import torch
from torch import nn
from torchvision.models import ResNet50_Weights, VGG16_Weights, alexnet, squeezenet1_0

from tests.book import ROOT
from tests.convolution import numbers as convolution
from tests.test_attributions import PLACE
from tests.v1 import numbers as counted_v1
from tools import papers
from tools.counting import macs, on_meta, params
from tools.variants import minimalistic_v3

MILLION = 1e6


@pytest.fixture(scope="module")
def counted_ledger():
    from tests.appendix import ledger  # takes seconds

    return ledger


def test_v1_text_rounds_its_lead_up_to_four_points():
    ours = papers.V1_TABLE9["0.50 MobileNet-160"].top1
    leads = [ours - papers.V1_TABLE9[name].top1 for name in ("AlexNet", "Squeezenet")]
    assert [round(lead, 1) for lead in leads] == [3.0, 2.7]


def test_v1s_script_trains_otherwise_than_v2s_paper_says():
    script, paper = papers.SLIM_V1_TRAINING, papers.V2_TRAINING
    assert script["lr"] == paper["lr"]
    assert round(script["factor"] ** (1 / script["epochs"]), 4) == 0.9756 != paper["per_epoch"]


def test_v1_text_writes_million_for_billion():
    body = counted_v1.FULL_SIZE - counted_v1.FC
    billions = (body + papers.V1_GEOLOCATION["last"]) / 1e9
    assert round(billions, 2) == papers.V1_GEOLOCATION["mult-adds"]


def test_v1_text_and_table_12_differ_by_ten():
    text, table = papers.V1_FACES_TEXT, papers.V1_TABLE12_BASELINE
    assert text.macs == table.macs and text.params == 10 * table.params


def test_v1_table_14_has_weights_that_grow_when_the_picture_shrinks():
    table = papers.V1_TABLE14
    assert table["1.0 MobileNet-128"].params > table["1.0 MobileNet-160"].params
    for name, width, size in (("1.0 MobileNet-160", 1.0, 160), ("0.75 MobileNet-128", 0.75, 128)):
        whole, body = counted_v1.with_floor(width, size, 8)
        assert table[name].macs not in {round(whole / MILLION), round(body / MILLION)}


def test_v1_in_8_bits_needs_a_zero_point_on_imagenet():
    before, _, symmetric, asymmetric, *_ = papers.KRISHNAMOORTHI["Mobilenet-v1_1_224"]
    assert symmetric < before - 10 and asymmetric > before - 1


def test_v1_table_14_names_a_network_at_160_as_at_128():
    assert round(counted_v1.GRID[0.75, 160] / MILLION) == 166
    assert round(counted_v1.GRID[0.75, 128] / MILLION) != 166


def test_the_side_of_the_input_is_wrong_by_the_square_of_the_stride():
    layer = nn.Conv2d(64, 128, 3, stride=2, padding=1, bias=False)
    assert layer.weight.numel() * 112**2 == 4 * macs(layer, 64, 112, 112) == 924_844_032


def test_v2s_readme_trains_otherwise_than_its_paper():
    paper, readme = papers.V2_TRAINING, papers.SLIM_V2_TRAINING
    assert readme["factor"] == paper["per_epoch"] and readme["epochs"] == 2.5
    assert not {"smoothing", "ema"} & set(paper) and {"smoothing", "ema"} <= set(readme)


def test_v2s_batch_is_each_gpus(counted_ledger):
    """Then both commands of the README see ImageNet nearly as often, else eight times less."""
    on_8, on_1 = counted_ledger.EPOCHS_V2[8], counted_ledger.EPOCHS_V2[1]
    assert abs(on_8 / on_1 - 1) < 0.03


def test_v3s_decay_is_no_factor(counted_ledger):
    halves, recipe = counted_ledger.training.halves, papers.V3_TRAINING
    assert recipe["factor"] == 0.01  # of the rate would be left after three epochs
    assert halves(1 - recipe["factor"], recipe["every"]) > 200
    torchvision = papers.TORCHVISION_V3_TRAINING
    assert round(halves(torchvision["factor"], torchvision["every"])) == 51


def test_v3_abstract_counts_in_points_and_its_times_changed():
    said, first = papers.V3_ABSTRACT, papers.V3_TABLE3_FIRST
    ours, v2 = papers.V3_TABLE3["V3-Large 1.0"], papers.V3_TABLE3["V2 1.0"]
    assert round(ours.top1 - v2.top1, 1) == said["accurate"]
    assert round(100 * ours.top1 / v2.top1 - 100, 1) != said["accurate"]
    for a, b, faster in (
        (ours.pixel1, v2.pixel1, said["faster"]),
        (first["V3-Large 1.0"], first["V2 1.0"], said["faster at first"]),
    ):
        assert round(100 - 100 * a / b) == faster


def test_v3_saved_more_in_its_first_version():
    assert papers.V3_SAVED.end < papers.V3_SAVED_FIRST.end
    assert papers.V3_SAVED.stem < papers.V3_SAVED_FIRST.stem


def test_v3_table_5_has_changes_that_its_numbers_do_not_give():
    base, changes, wrong = papers.V3_TABLE5["V3-Large 1.0"], papers.V3_TABLE5_CHANGES, set()
    for name, said in changes.items():
        row = papers.V3_TABLE5[name]
        top1, ms = row.top1 - base.top1, 100 * row.ms / base.ms - 100
        if round(top1, 1) != said.top1:
            wrong.add((name, "top-1"))
        if abs(ms - said.ms) > 0.25:
            wrong.add((name, "ms"))
    assert wrong == {("h-swish@112", "top-1"), ("h-swish@112", "ms"), ("ReLU", "ms")}


def test_the_readme_of_v3_differs_from_its_paper():
    text, table = papers.SLIM_V3_TEXT, papers.SLIM_V3["Large"]
    assert text["macs"] < table.macs and text["top1"] < table.top1
    paper = papers.V3_TABLE3["V3-Large 0.75"]
    assert (paper.pixel2, paper.pixel3) != tuple(papers.SLIM_V3_LARGE_075.values())
    assert papers.V3_TABLE4["V3-Large 1.0"].top1 != papers.SLIM_V3_INT8_TOP1


def test_the_readme_of_v3_counts_too_little_for_resnet_50():
    assert convolution.PAPER_RESNET_MACS / MILLION > 1.1 * papers.SLIM_V3_TEXT["ResNet-50"]


def test_mnasnet_a1_is_as_its_own_paper_says_not_as_v3s_table_3(counted_v3):
    counted = round(counted_v3.SEED[0] / MILLION)
    assert counted == papers.MNASNET_A1_MADDS != papers.V3_TABLE3["MnasNet-A1"].macs


def test_the_shorter_end_of_v3_saves_more_than_the_paper_says(counted_v3):
    saved = sum(counted_v3.OLD_END) - sum(counted_v3.NEW_END)
    assert saved == 34_317_760 and round(saved / 1e7) * 10 == 30  # the paper: 30 million


def test_v3_batch_needs_32_shares_where_the_pod_has_16_chips():
    shares = papers.V3_TRAINING["batch"] / papers.V3_TRAINING["per_chip"]
    rows, columns = papers.V3_TRAINING["pod"]
    assert shares == 32 == 2 * rows * columns


def test_the_readmes_minimalistic_small_is_not_65_million():
    counted = macs(minimalistic_v3("small"), 3, 224, 224)
    assert round(counted / MILLION) == 52 != papers.SLIM_V3["Small minimalistic"].macs


@pytest.mark.parametrize(
    ("weights", "counted"),
    [
        (VGG16_Weights.IMAGENET1K_V1, convolution.VGG_MACS),
        (ResNet50_Weights.IMAGENET1K_V1, convolution.RESNET_MACS),
    ],
)
def test_torchvisions_gflops_are_macs(weights, counted):
    digits = len(str(weights.meta["_ops"]).partition(".")[2])
    assert round(counted / 1e9, digits) == weights.meta["_ops"]


def test_torchvisions_alexnet_and_squeezenet_are_not_the_papers():
    of_torchvision = [macs(on_meta(build), 3, 224, 224) for build in (alexnet, squeezenet1_0)]
    assert of_torchvision == [714_188_480, 818_924_576]
    assert of_torchvision[0] < counted_v1.ALEX_MACS and of_torchvision[1] < counted_v1.SQUEEZE_MACS
    assert params(on_meta(alexnet)) > counted_v1.ALEX_PARAMS


def test_xnnpacks_quantiser_lets_no_scale_fall_below_its_floor(counted_quantisation):
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (  # takes seconds
        get_symmetric_quantization_config,
    )

    observer = get_symmetric_quantization_config(is_per_channel=True).weight
    weights = torch.full((4, 1, 3, 3), 0.001)
    measure = observer.observer_or_fake_quant_ctr()
    measure(weights)
    assert (
        measure.calculate_qparams()[0] == counted_quantisation.SMALLEST
    ).all()  # it would be 0.001 / 127


def test_fewer_macs_are_not_as_many_times_less_time(counted_device):
    """In the record: at one place less than the MACs say, at another far more."""
    gains = [
        counted_device.faster_layer(p) / counted_device.fewer(p)
        for p in (counted_device.place(32, 64, 112), counted_device.END)
    ]
    assert gains[0] < 0.8 and gains[1] > 1.5


def test_depthwise_layers_take_more_than_their_share_of_time_and_still_little(counted_device):
    time = counted_device.of_time("V1", "depthwise")
    work = 100 * counted_device.over_blocks("depthwise", 0) / macs(counted_v1.v1(), 3, 224, 224)
    assert 3 * work < time < 15


def test_the_same_v2_on_the_same_phone_has_four_times():
    times = [
        papers.V2_TABLE4["MobileNetV2"].ms,
        papers.SLIM_V2[1.0, 224].ms,
        papers.V3_TABLE3_FIRST["V2 1.0"],
        papers.V3_TABLE3["V2 1.0"].pixel1,
    ]
    assert len(set(times)) == 4 and max(times) / min(times) > 1.2


def test_the_same_mnasnet_on_the_same_phone_has_three_times():
    last, first = papers.V3_TABLE3["MnasNet-A1"].pixel1, papers.V3_TABLE3_FIRST["MnasNet-A1"]
    assert len({papers.MNASNET_A1_MS, first, last}) == 3


def test_h_swish_is_slower_than_the_relu_whose_place_it_takes():
    _, optimised, plain = papers.V3_TABLE5["V3-Large 1.0"]
    assert papers.V3_TABLE5["ReLU"].ms < optimised < plain


# ---------------------------------------------------------------- the page itself

PAGE = ROOT / "chapters" / "appendix" / "ledger.md"


@pytest.mark.words
def test_each_test_that_the_ledger_names_exists():
    named = defaultdict(set)
    for file, test in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text()):
        named[file].add(test)
    assert sum(map(len, named.values())) > 100
    missing = {}
    for file, tests in named.items():
        tree = ast.parse((ROOT / file).read_text())
        missing[file] = tests - {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    assert not any(missing.values()), missing


@pytest.mark.words
def test_each_line_of_the_ledger_names_its_test_or_two_places():
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("**")]
    assert len(lines) > 100
    untested = [line for line in lines if "*Shown by* `tests/" not in line]
    assert len(untested) < len(lines) / 10
    for line in untested:  # two texts disagree: it says where each stands
        assert "*Compared.*" in line and len(PLACE.findall(line)) >= 2, line[:60]


def test_the_readme_of_lite0_counts_more_than_there_is():
    network = on_meta(timm.create_model, "tf_efficientnet_lite0")
    assert macs(network, 3, 224, 224) == 385_187_552 < (papers.LITE0_MACS - 0.5) * MILLION
    assert round(params(network) / MILLION, 1) == papers.LITE0_PARAMS
