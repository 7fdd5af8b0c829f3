"""The convolutions written by hand give PyTorch's outputs."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.book import definitions


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_handwritten_convolutions_equal_torch(kernel, padding, stride):
    ours = definitions("convolution")
    x, weight = torch.randn(3, 9, 11), torch.randn(4, 3, kernel, kernel)
    expected = nn.functional.conv2d(x[None], weight, stride=stride, padding=padding)[0]
    assert_close(ours.conv2d_loops(x, weight, stride, padding), expected, rtol=1e-4, atol=1e-4)
    assert_close(ours.conv2d_matmul(x, weight, stride, padding), expected, rtol=1e-4, atol=1e-4)
