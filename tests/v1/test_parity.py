"""V1 gives timm's outputs, and each known mistake is caught."""

import pytest
import timm
from torch import nn

from tests.book import definitions
from tests.compared import calibrated, compare
from tools.counting import on_meta, v1


@pytest.fixture(scope="module")
def timm_v1() -> nn.Module:
    return calibrated(timm.create_model("mobilenetv1_100"), 3, 96)


def test_the_reference_of_the_mistakes_agrees_with_the_right_network(timm_v1):
    """So that a mistake is caught for its own sake, not because the reference is blind."""
    compare(v1(), timm_v1, 3, (97, 64))


@pytest.mark.parametrize(("name", "width"), [("mobilenetv1_100", 1.0), ("mobilenetv1_125", 1.25)])
def test_v1_equals_timm(name, width):
    reference = calibrated(timm.create_model(name), 3, 96)
    compare(v1(width_mult=width), reference, 3, (224, 160, 97))


def test_v1_equals_timm_with_ten_classes():
    reference = calibrated(timm.create_model("mobilenetv1_100", num_classes=10), 3, 96)
    compare(v1(num_classes=10), reference, 3, (33,))


V1_MISTAKES = {
    "ReLU for ReLU6": ("nn.ReLU6()", "nn.ReLU()"),
    "the stride that Table 1 misprints": ("(1024, 1),", "(1024, 2),"),
    "a stride forgotten": ("(1024, 2),", "(1024, 1),"),
    "the stem's stride forgotten": (
        "channels, kernel=3, stride=2",
        "channels, kernel=3, stride=1",
    ),
    "batch norm left out": ("nn.BatchNorm2d(out_channels)", "nn.Identity()"),
    "another epsilon": ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(out_channels, 1e-3)"),
    "bias": ("bias=False", "bias=True"),
    "blocks exchanged, same shapes": (
        "(128, 2),  # 112 × 112 × 64\n    (128, 1),",
        "(128, 1),\n    (128, 2),",
    ),
    "blocks exchanged, other shapes": (
        "(256, 1),  # 28 × 28 × 256\n    (512, 2),",
        "(512, 2),\n    (256, 1),",
    ),
    "a block forgotten": ("(1024, 1),", ""),
    "pointwise first": ("self.pointwise(self.depthwise(x))", "self.depthwise(self.pointwise(x))"),
    "pointwise padded": ("padding=kernel // 2", "padding=1"),
    "groups forgotten": ("groups=groups,", "groups=1,"),
    "another pooling": ("nn.AdaptiveAvgPool2d(1)", "nn.AdaptiveMaxPool2d(1)"),
    "a fixed pooling": ("nn.AdaptiveAvgPool2d(1)", "nn.AvgPool2d(7)"),
    "softmax inside": (
        "return self.classifier(self.dropout(x))",
        "return self.classifier(self.dropout(x)).softmax(dim=1)",
    ),
}


@pytest.mark.parametrize("mistake", V1_MISTAKES)
def test_each_known_mistake_in_v1_is_caught(mistake, timm_v1):
    broken = definitions("v1", *V1_MISTAKES[mistake])
    with pytest.raises((AssertionError, RuntimeError)):
        compare(on_meta(broken.MobileNetV1), timm_v1, 3, (97, 64))


def test_eval_forgotten_is_a_network_in_training():
    network = definitions("v1").MobileNetV1(width_mult=0.25).eval()
    definitions("v1").forgotten_eval(network)
    assert all(module.training for module in network.modules())
