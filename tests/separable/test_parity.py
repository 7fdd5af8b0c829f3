"""The block gives timm's outputs, and each known mistake is caught."""

import pytest
from timm.models._efficientnet_blocks import DepthwiseSeparableConv as TimmBlock
from torch import nn

from tests.book import definitions
from tests.compared import calibrated, compare


def compare_block(block: nn.Module, m: int, n: int, stride: int) -> None:
    reference = TimmBlock(m, n, stride=stride, act_layer=nn.ReLU, noskip=True, pw_act=True)
    compare(block, calibrated(reference, m, 14), m, (14, 15))


@pytest.mark.parametrize(("m", "n", "stride"), [(32, 64, 1), (64, 128, 2), (8, 8, 1), (3, 5, 2)])
def test_block_equals_timm(m, n, stride):
    compare_block(definitions("separable").DepthwiseSeparableConv(m, n, stride), m, n, stride)


BLOCK_MISTAKES = {
    "groups removed": ("groups=groups,", "groups=1,"),
    "stride forgotten": ("in_channels, 3, stride,", "in_channels, 3, 1,"),
    "padding forgotten": ("padding=kernel // 2", "padding=0"),
    "bias kept": ("            bias=False,", "            bias=True,"),
    "batch norm left out": ("nn.BatchNorm2d(out_channels)", "nn.Identity()"),
    "activation left out": ("nn.ReLU()", "nn.Identity()"),
    "another activation": ("nn.ReLU()", "nn.Hardswish()"),
    "pointwise padded": ("padding=kernel // 2", "padding=1"),
    "wrong order": (
        "self.pointwise(self.depthwise(x))",
        "self.depthwise(self.pointwise(x))",
    ),
}


@pytest.mark.parametrize("mistake", BLOCK_MISTAKES)
def test_each_known_mistake_in_the_block_is_caught(mistake):
    broken = definitions("separable", *BLOCK_MISTAKES[mistake])
    with pytest.raises((AssertionError, RuntimeError)):
        compare_block(broken.DepthwiseSeparableConv(8, 8, 2), 8, 8, 2)
