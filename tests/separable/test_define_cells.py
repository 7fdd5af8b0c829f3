"""What the notebook defines besides networks, each against a reference of its own."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from tests.book import definitions
from tests.pieces import settings
from tools import counting

pytestmark = pytest.mark.usefixtures("one_seed")


def test_two_layers_and_nothing_between_them():
    ours = definitions("separable")
    depthwise, pointwise = ours.bare_pair(4, 6)
    assert settings(depthwise) == (4, 4, (3, 3), (1, 1), (0, 0), 4, False)
    assert settings(pointwise) == (4, 6, (1, 1), (1, 1), (0, 0), 1, False)
    pair, x = ours.bare_pair(4, 6, kernel=5), torch.randn(2, 4, 9, 9)
    assert_close(F.conv2d(x, ours.composed_kernel(*pair)), pair(x), rtol=1e-4, atol=1e-5)


def test_how_many_times_cheaper():
    ours, pair = definitions("separable"), definitions("separable").bare_pair(4, 6, kernel=5)
    full = counting.macs(nn.Conv2d(4, 6, 5, bias=False), 4, 9, 9)
    assert ours.times_cheaper(6, 5) == pytest.approx(full / counting.macs(pair, 4, 9, 9))


def test_the_best_separable_kernel():
    """Exact where a kernel is separable; else what the singular values say is lost."""
    ours = definitions("separable")

    def rest(kernel: torch.Tensor) -> torch.Tensor:
        depthwise, pointwise = ours.best_separable(kernel)
        n, m, k, _ = kernel.shape
        assert depthwise.shape == (m, 1, k, k) and pointwise.shape == (n, m, 1, 1)
        return kernel - depthwise.transpose(0, 1) * pointwise

    exact = ours.composed_kernel(*ours.bare_pair(4, 6)).detach()
    assert rest(exact).norm() < 1e-5
    other = torch.randn(6, 4, 3, 3)
    lost = torch.linalg.svdvals(other.transpose(0, 1).flatten(2))[:, 1:].norm()
    assert_close(rest(other).norm(), lost)
