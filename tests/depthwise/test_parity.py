"""A grouped layer and the dense one that stands for it give the same."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.book import definitions


@pytest.mark.parametrize("groups", [1, 2, 4, 8])
def test_as_dense_equals_the_grouped_layer(groups):
    as_dense = definitions("depthwise").as_dense
    layer = nn.Conv2d(8, 16, 3, stride=2, padding=1, groups=groups, bias=False).double()
    x = torch.randn(2, 8, 9, 9, dtype=torch.float64)
    assert_close(as_dense(layer).double()(x), layer(x))
