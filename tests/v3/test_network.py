"""V3 as its users meet it: sizes, classes, errors, and what NetAdapt does to it."""

import re

import pytest
import torch
from torch import nn

from tests.book import definitions
from tools.counting import macs, params, v3

V3_PARAMS = {
    ("large", 0.35): 997_064,
    ("large", 0.5): 1_734_576,
    ("large", 0.75): 3_377_576,
    ("large", 1.0): 5_483_032,
    ("large", 1.25): 8_164_744,
    ("small", 0.35): 558_744,
    ("small", 0.5): 917_264,
    ("small", 0.75): 1_653_920,
    ("small", 1.0): 2_542_856,
    ("small", 1.25): 3_644_912,
}
V3_MACS = {  # at 224, 192, 160, 128 and 96
    ("large", 0.35): (35_278_408, 26_127_136, 18_383_752, 12_048_256, 7_120_648),
    ("large", 0.5): (64_962_192, 48_080_704, 33_796_368, 22_109_184, 13_019_152),
    ("large", 0.75): (140_033_816, 103_548_640, 72_676_568, 47_417_600, 27_771_736),
    ("large", 1.0): (216_589_760, 160_192_640, 112_472_000, 73_427_840, 43_060_160),
    ("large", 1.25): (343_461_000, 253_901_088, 178_119_624, 116_116_608, 67_892_040),
    ("small", 0.35): (11_238_936, 8_385_696, 5_971_416, 3_996_096, 2_459_736),
    ("small", 0.5): (18_970_736, 14_143_680, 10_059_248, 6_717_440, 4_118_256),
    ("small", 0.75): (39_115_576, 29_100_896, 20_626_936, 13_693_696, 8_301_176),
    ("small", 1.0): (56_510_400, 42_067_712, 29_846_976, 19_848_192, 12_071_360),
    ("small", 1.25): (88_155_944, 65_544_992, 46_412_648, 30_758_912, 18_583_784),
}


@pytest.mark.parametrize(("variant", "width"), V3_PARAMS)
def test_v3_has_the_known_size_and_cost(variant, width):
    network = v3(variant, width_mult=width)
    assert params(network) == V3_PARAMS[variant, width]
    counted = tuple(macs(network, 3, size, size) for size in (224, 192, 160, 128, 96))
    assert counted == V3_MACS[variant, width]


@pytest.mark.parametrize("variant", ["large", "small"])
@pytest.mark.parametrize("size", [(224, 224), (96, 96), (33, 33), (97, 224), (1, 1)])
@pytest.mark.parametrize("classes", [1, 10])
def test_v3_takes_any_image_and_any_number_of_classes(variant, size, classes):
    network = definitions("v3").MobileNetV3(variant, num_classes=classes, width_mult=0.35).eval()
    with torch.no_grad():
        assert network(torch.randn(2, 3, *size)).shape == (2, classes)


@pytest.mark.parametrize("wrong", ["medium", "Large", None])
def test_v3_says_which_variants_there_are(wrong):
    message = re.escape(f"variant must be 'large' or 'small', not {wrong!r}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        definitions("v3").MobileNetV3(wrong)


def test_the_hard_functions_are_torchs():
    x = torch.linspace(-6, 6, 1201, dtype=torch.float64)
    notebook = definitions("v3")
    torch.testing.assert_close(notebook.hard_sigmoid(x), nn.functional.hardsigmoid(x))
    torch.testing.assert_close(notebook.hard_swish(x), nn.functional.hardswish(x))


def test_shrinking_a_layer_keeps_the_channels_of_largest_norm():
    """With the other channels silenced first, the smaller network computes the same."""
    notebook = definitions("v3")
    torch.manual_seed(0)
    expansions = (48, 48, 96, 96)
    network = notebook.digit_network(expansions)
    block = [m for m in network if isinstance(m, notebook.InvertedResidual)][2]
    order = torch.randperm(96)
    drop, keep = order[:32], order[32:]
    with torch.no_grad():
        block.depthwise.conv.weight[drop] *= 1e-3  # the filters of smallest norm
        block.project.conv.weight[:, keep] *= 1e-3  # listened to, but quietly: no criterion
        block.project.conv.weight[:, drop] = 0  # not listened to
    smaller, sizes = notebook.shrink(network, expansions, 2, 64)
    assert sizes == (48, 48, 64, 96)
    kept = [m for m in smaller if isinstance(m, notebook.InvertedResidual)][2].depthwise.conv
    expected = block.depthwise.conv.weight[keep.sort().values]
    torch.testing.assert_close(kept.weight, expected, rtol=0, atol=0)
    x = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(smaller.eval()(x), network.eval()(x), rtol=1e-4, atol=1e-5)
    assert notebook.digit_macs(sizes) < notebook.digit_macs(expansions)


@pytest.mark.parametrize("block", range(4))
@pytest.mark.parametrize("share", [0.05, 0.08, 0.1])
def test_a_proposal_saves_enough_and_no_more_than_needed(block, share):
    notebook = definitions("v3")
    expansions = (48, 48, 96, 96)
    total = notebook.digit_macs(expansions)

    def saved(to: int) -> int:
        return total - notebook.digit_macs((*expansions[:block], to, *expansions[block + 1 :]))

    to = notebook.propose(expansions, block, share * total)
    assert to == 0 or saved(to) >= share * total > saved(to + 8)
    assert to > 0 or saved(24) < share * total
    assert notebook.propose(expansions, block, total) == 0


@pytest.mark.parametrize("variant", ["large", "small"])
def test_v3_has_the_settings_of_torchvision_that_no_checkpoint_holds(variant):
    def settings(network: nn.Module) -> list:
        norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
        dropouts = [m.p for m in network.modules() if isinstance(m, nn.Dropout)]
        return [(m.eps, m.momentum) for m in norms] + dropouts

    notebook = definitions("v3")
    ours, reference = notebook.MobileNetV3(variant), notebook.REFERENCES[variant]()
    assert settings(ours) == settings(reference)
    for right, wrong in (("momentum=0.01", "momentum=0.1"), ("eps=0.001", "eps=1e-5")):
        broken = definitions("v3", right, wrong).MobileNetV3(variant)
        assert settings(broken) != settings(reference)
