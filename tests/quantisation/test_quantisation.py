"""Folding, 8 bits and the record of the chapter on eight bits.

ExecuTorch is imported by the tests that use it: for every other test it would only be a wait.
"""

import pytest
import torch
from torch import nn

from tests.book import definitions
from tools import quantising, trained

notebook = definitions("quantisation")
RECORD = quantising.load()


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def small_network() -> nn.Sequential:
    """Convolutions and norms with averages that are not the first ones."""
    unit = notebook.Unit
    network = nn.Sequential(unit(3, 8, 3, stride=2), unit(8, 8, 3, groups=8))
    network.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)])
    return notebook.take_averages(network, [torch.randn(16, 3, 12, 12)])


# ---------------------------------------------------------------- folding


@pytest.mark.parametrize("name", quantising.NETWORKS)
def test_folding_keeps_the_outputs(name):
    network = quantising.NETWORKS[name](num_classes=10)
    notebook.take_averages(network, [torch.randn(8, 3, 33, 33)]).double()
    merged = notebook.fold_network(network)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in merged.modules())
    x = torch.randn(2, 3, 33, 33, dtype=torch.double)
    torch.testing.assert_close(merged(x), network(x), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("norm.running_var + norm.eps).sqrt()", "norm.running_var).sqrt()"),
        ("(bias - norm.running_mean) * scale", "(bias - norm.running_mean)"),
        ("conv.weight * scale[:, None, None, None]", "conv.weight"),
    ],
)
def test_a_wrong_fold_is_seen(right, wrong):
    broken = definitions("quantisation", right, wrong)
    network = small_network().double()
    x = torch.randn(2, 3, 12, 12, dtype=torch.double)
    assert not torch.allclose(broken.fold_network(network)(x), network(x), rtol=1e-9)


# ---------------------------------------------------------------- 8 bits


def test_rounded_weights_are_multiples_of_their_scale():
    weights = torch.tensor([[0.5, -0.3], [50.0, 20.0]])
    steps = notebook.rounded(weights, per_channel=False) * 127 / 50
    assert (steps - steps.round()).abs().max() < 1e-4
    own = notebook.rounded(weights, per_channel=True)
    assert (own - weights).abs()[0].max() <= 0.5 / 254 + 1e-6
    assert torch.equal(notebook.rounded(torch.zeros(2, 3), True), torch.zeros(2, 3))


def test_silencing_a_dead_channel_changes_nothing_else():
    network = small_network()
    with torch.no_grad():
        network[0].conv.weight[3] = 0
        network[0].norm.bias[3] = -1  # an activation cuts it off: a dead input for the next layer
    notebook.take_averages(network, [torch.randn(16, 3, 12, 12)])
    silent, count = notebook.silence(network, below=1e-5)
    assert count == 2  # in the first layer and in the depthwise one
    x = torch.randn(4, 3, 12, 12)
    torch.testing.assert_close(silent(x), network(x))
    folded = notebook.fold_network(network)
    widest = folded.get_submodule("1.conv").weight.detach().abs().amax((1, 2, 3))
    assert widest[3] > 50 * widest.median()  # the root of 1 / epsilon at work
    assert notebook.fold_network(silent).get_submodule("1.conv").weight[3].abs().max() == 0


@pytest.mark.usefixtures("patterns_once")
def test_one_picture_is_enough_to_calibrate_with():
    network, x = notebook.fold_network(small_network()), torch.randn(1, 3, 12, 12)
    short = notebook.quantised(network, x)
    for batch in (x, x.repeat(5, 1, 1, 1)):
        expected = network(batch).detach()
        assert (short(batch) - expected).norm() / expected.norm() < 0.2


def grids_between(graph: nn.Module) -> int:
    """How often a convolution's output is rounded in front of a ReLU6."""
    count = 0
    for node in graph.graph.nodes:
        if "hardtanh" in str(node.target):
            count += "quantize" in str(node.args[0].target)
    return count


@pytest.mark.usefixtures("patterns_once")
def test_what_the_page_says_of_executorch():
    """One scale per layer if nobody asks, and a grid in front of a ReLU6; none before a ReLU."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer_utils import is_relu_node

    assert "per_tensor" in str(get_symmetric_quantization_config().weight.qscheme)
    assert is_relu_node.__doc__
    network, x = notebook.fold_network(small_network()), torch.randn(4, 3, 12, 12)
    between = {
        quantizer: grids_between(notebook.by_the_tool(network, x, quantizer))
        for quantizer in (XNNPACKQuantizer(), notebook.quantiser_behind_relu6())
    }
    assert list(between.values()) == [2, 0]


# ---------------------------------------------------------------- the record


def test_the_record_is_whole():
    assert set(RECORD["lite0"]) == set(quantising.ways())
    assert set(RECORD["layers"]) == set(quantising.layer_names())
    assert len(RECORD["places"]) == 33  # a ReLU6 each
    assert len(RECORD["small"]) == quantising.SMALL_SEEDS
    assert all(len(runs) == quantising.SEEDS for runs in RECORD["digits"].values())
    for way in (*RECORD["lite0"].values(), *RECORD["tool"].values()):
        assert len(way["agree"]) == len(trained.photograph_names())


def test_some_of_it_is_measured_again():
    """Per channel and per tensor, on the first crop of each photograph: the same side of a line,
    and nearly the same decibels as of all."""
    torch.set_num_threads(1)
    for kind in ("channel", "tensor"):
        again = quantising.answer(quantising.short(kind), each=1)
        assert again["dB"] == pytest.approx(RECORD["lite0"][f"weights, {kind}"]["dB"], abs=5)


def test_dead_channels_of_a_trained_network_have_no_weights_left():
    """What the page says, and what each of its depthwise layers has."""
    blocks = notebook.trained_lite0().blocks
    for block, widths in zip(blocks, quantising.reaches()[1], strict=True):
        dead = block.depthwise.norm.running_var < 1e-5
        assert (widths[dead] < 1e-4 * widths.median()).all()
        assert widths[~dead].min() > 1e-2 * widths.median()


@pytest.mark.weekly
@pytest.mark.parametrize("name", ["weights, channel", "maps", "maps, early"])
def test_a_way_gives_what_was_recorded(name):
    torch.set_num_threads(1)
    again, recorded = quantising.ways()[name](), RECORD["lite0"][name]
    assert again["dB"] == pytest.approx(recorded["dB"], abs=0.5)
    assert again["agree"] == pytest.approx(recorded["agree"], abs=10)


@pytest.mark.weekly
def test_a_network_that_8_bits_ruin_is_ruined_again():
    """V1 from the seed with a dead channel. Where rounding differs from the recorded machine's the
    channel may live; then nothing is ruined, and that is asserted too."""
    recorded = next(run for run in RECORD["digits"]["V1"] if run["dead"])
    seed = RECORD["digits"]["V1"].index(recorded)
    again = quantising.train("V1", seed)
    assert abs(again["32 bits"] - recorded["32 bits"]) <= 3
    assert abs(again["channel"] - again["32 bits"]) <= 1
    assert abs(again["tensor, silenced"] - again["32 bits"]) <= 1.5
    assert (again["tensor"] < 20) == (again["dead"] > 0)
