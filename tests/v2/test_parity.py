"""V2 gives torchvision's outputs, and each known mistake is caught."""

import pytest
from torch import nn
from torchvision.models import mobilenet_v2
from torchvision.models.mobilenetv2 import InvertedResidual as TorchvisionBlock

from tests.book import definitions
from tests.compared import calibrated, compare
from tools.counting import on_meta, v2


@pytest.fixture(scope="module")
def torchvision_v2() -> nn.Module:
    return calibrated(mobilenet_v2(), 3, 96)


def test_the_reference_of_the_mistakes_agrees_with_the_right_network(torchvision_v2):
    """So that a mistake is caught for its own sake, not because the reference is blind."""
    compare(v2(), torchvision_v2, 3, (97, 64))


@pytest.mark.parametrize("width", [0.05, 0.35, 0.5, 0.75, 1.0, 1.4])
def test_v2_equals_torchvision(width):
    """At 0.05 rounding makes channels equal that were not: the shortcut must follow it."""
    reference = calibrated(mobilenet_v2(width_mult=width), 3, 96)
    ours = v2(width_mult=width)
    theirs = [m.use_res_connect for m in reference.features if hasattr(m, "use_res_connect")]
    assert [block.shortcut for block in ours.blocks] == theirs
    assert (sum(theirs) > 10) == (width < 0.1)
    compare(ours, reference, 3, (224, 97) if width == 1.0 else (97,))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("t", [1, 6])
@pytest.mark.parametrize("n", [16, 24])
def test_inverted_residual_equals_torchvision(stride, t, n):
    reference = calibrated(TorchvisionBlock(24, n, stride, t), 24, 14)
    compare(definitions("v2").InvertedResidual(24, n, stride, t), reference, 24, (14, 15))


V2_MISTAKES = {
    "activation behind the projection": (
        "ConvNormAct(hidden, out_channels, 1, activation=None)",
        "ConvNormAct(hidden, out_channels, 1)",
    ),
    "no shortcut": ("stride == 1 and in_channels == out_channels", "False"),
    "no activation in the middle": (
        "ConvNormAct(hidden, hidden, 3, stride, groups=hidden)",
        "ConvNormAct(hidden, hidden, 3, stride, hidden, activation=None)",
    ),
    "activation behind the sum": ("return x + y if", "return F.relu6(x + y) if"),
    "expansion where t is 1": ("if expand_ratio != 1:", "if True:"),
    "the first version's strides": (
        "(6, 64, 4, 2),  # 28 × 28 × 32\n    (6, 96, 3, 1),",
        "(6, 64, 4, 1),\n    (6, 96, 3, 2),",
    ),
    "stride on every repetition": ("s if i == 0 else 1", "s"),
    "stride in the expansion": (
        "ConvNormAct(in_channels, hidden, kernel=1)",
        "ConvNormAct(in_channels, hidden, kernel=1, stride=stride)",
    ),
    "plain ReLU": ("nn.ReLU6", "nn.ReLU"),
    "another epsilon": ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(out_channels, 1e-3)"),
    "bias": ("bias=False", "bias=True"),
    "no activation behind the last layer": (
        "ConvNormAct(channels, last, kernel=1)",
        "ConvNormAct(channels, last, kernel=1, activation=None)",
    ),
    "expansion of the output": ("round(in_channels * expand_ratio)", "out_channels * expand_ratio"),
}


@pytest.mark.parametrize("mistake", V2_MISTAKES)
def test_each_known_mistake_in_v2_is_caught(mistake, torchvision_v2):
    broken = definitions("v2", *V2_MISTAKES[mistake])
    with pytest.raises((AssertionError, RuntimeError)):
        compare(on_meta(broken.MobileNetV2), torchvision_v2, 3, (97, 64))


def test_a_last_layer_made_thin_is_caught():
    """It shows only below a width of 1."""
    broken = definitions("v2", "1280 * max(1.0, width_mult)", "1280 * width_mult")
    reference = calibrated(mobilenet_v2(width_mult=0.35), 3, 96)
    with pytest.raises(RuntimeError, match="size mismatch"):
        compare(on_meta(broken.MobileNetV2, width_mult=0.35), reference, 3, (97,))
