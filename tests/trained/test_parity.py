"""Lite0 gives timm's outputs, and each known mistake is caught."""

import pytest
import timm
import torch
from torch import nn

from tests.book import definitions
from tests.compared import calibrated, compare, load_in_order


@pytest.fixture(scope="module")
def timm_lite0() -> nn.Module:
    return calibrated(timm.create_model("tf_efficientnet_lite0"), 3, 96)


def test_lite0_equals_timm(timm_lite0):
    """Odd and even sides: TensorFlow pads them in two ways."""
    compare(definitions("trained").EfficientNetLite0(), timm_lite0, 3, (224, 97, 64))


def test_the_block_is_v2s():
    """With a 3×3 filter, PyTorch's epsilon and symmetric padding, it computes what V2's does."""
    ours, v2 = definitions("trained"), definitions("v2")
    for c_in, c_out, stride, t in ((24, 24, 1, 6), (24, 40, 2, 6), (32, 16, 1, 1)):
        reference = calibrated(v2.InvertedResidual(c_in, c_out, stride, t), c_in, 14)
        block = load_in_order(ours.InvertedResidual(c_in, c_out, 3, stride, t), reference)
        ours.symmetric_padding(block)
        ours.pytorchs_epsilon(block)
        x = torch.randn(2, c_in, 14, 14, dtype=torch.float64)
        torch.testing.assert_close(block(x), reference(x), rtol=1e-10, atol=1e-10)


MISTAKES = {
    "ReLU for ReLU6": ("nn.ReLU6", "nn.ReLU"),
    "PyTorch's epsilon": ("eps=1e-3", "eps=1e-5"),
    "zeros at the near side": ("[needed // 2, needed - needed // 2]", "[needed - needed // 2] * 2"),
    "filters of 3×3 everywhere": ("5),", "3),"),
    "no shortcut": ("stride == 1 and in_channels == out_channels", "False"),
    "activation behind the projection": (
        "ConvNormAct(hidden, out_channels, 1, activation=None)",
        "ConvNormAct(hidden, out_channels, 1)",
    ),
    "V2's strides": ("(6, 192, 4, 2, 5)", "(6, 192, 4, 1, 5)"),
    "stride on every repetition": ("s if i == 0 else 1", "s"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_known_mistake_in_lite0_is_caught(mistake, timm_lite0):
    broken = definitions("trained", *MISTAKES[mistake])
    with pytest.raises((AssertionError, RuntimeError)):
        compare(broken.EfficientNetLite0(), timm_lite0, 3, (64,))
