"""What the notebook defines besides networks, each against a reference of its own."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close
from torchvision.models import (
    vgg16,
)

from tests.book import definitions
from tests.pieces import convolutions, settings, shapes
from tools import counting

pytestmark = pytest.mark.usefixtures("one_seed")


def test_convolutions_without_settings_move_by_one_and_pad_nothing():
    ours = definitions("convolution")
    x, weight = torch.randn(2, 7, 9), torch.randn(4, 2, 3, 3)  # no two sizes are alike
    expected = F.conv2d(x[None], weight)[0]
    for convolution in (ours.conv2d_loops, ours.conv2d_matmul, ours.conv2d_einsum):
        assert_close(convolution(x, weight), expected, rtol=1e-4, atol=1e-4)
    rows = F.unfold(x[None], 3)[0].T
    assert_close(ours.im2col(x, 3), rows, rtol=0, atol=0)
    strided = F.unfold(x[None], 3, padding=1, stride=2)[0].T
    assert_close(ours.im2col(x, 3, stride=2, padding=1), strided, rtol=0, atol=0)


def test_sizes_and_costs_of_a_convolution():
    ours = definitions("convolution")
    for size, kernel, padding, stride in ((9, 3, 0, 1), (9, 3, 1, 2), (10, 5, 2, 3), (8, 1, 0, 2)):
        side = F.conv2d(
            torch.zeros(1, 1, size, size), torch.zeros(1, 1, kernel, kernel), None, stride, padding
        ).shape[-1]
        assert ours.output_size(size, kernel, padding, stride) == side
    assert ours.output_size(9, 3) == 7
    layer = nn.Conv2d(5, 7, 3, bias=False)
    assert ours.conv_macs(3, 5, 7, 11) == counting.macs(layer, 5, 13, 13)


@pytest.mark.parametrize("classes", [1000, 10])
def test_vgg16_is_torchvisions(classes):
    ours = counting.on_meta(definitions("convolution").vgg16, classes)
    theirs = counting.on_meta(vgg16, num_classes=classes)
    assert shapes(ours) == shapes(theirs)
    pooled = [m for m in theirs.modules() if not isinstance(m, nn.AdaptiveAvgPool2d)]
    kept = [m for m in pooled if not list(m.children())]  # at 224 its pooling has nothing to do
    mine = [m for m in ours.children() if not isinstance(m, nn.Flatten)]
    assert [type(m) for m in mine] == [type(m) for m in kept]
    assert [settings(m) for m in convolutions(ours)] == [settings(m) for m in convolutions(theirs)]
    assert counting.macs(ours, 3, 224, 224) == counting.macs(theirs, 3, 224, 224)
    assert shapes(counting.on_meta(definitions("convolution").vgg16))[-1] == (1000,)
