"""What the notebook defines besides networks, each against a reference of its own."""

import math

import pytest
import torch
from torch.testing import assert_close

from tests.book import definitions
from tools import counting

pytestmark = pytest.mark.usefixtures("one_seed")


def test_the_spiral_turns_twice_and_grows_with_its_angle():
    x = definitions("v2").spiral()
    assert x.shape == (2, 600) and x.dtype == torch.float64
    assert definitions("v2").spiral(50).shape == (2, 50)
    angle = torch.linspace(0.5, 4 * math.pi, 600, dtype=torch.float64)
    assert_close(torch.complex(*x), torch.polar(angle / (4 * math.pi), angle))


@pytest.mark.parametrize("n", [2, 3, 30])
def test_what_comes_back_through_a_relu(n):
    x = torch.randn(2, 40, dtype=torch.float64)
    back, on = definitions("v2").through_relu(x, n)
    torch.manual_seed(0)
    torch.randn(2, 40, dtype=torch.float64)
    embed = torch.randn(n, 2, dtype=torch.float64)
    kept = (embed @ x).clamp_min(0)
    assert_close(back, torch.linalg.lstsq(embed, kept).solution)
    assert torch.equal(on, (kept > 0).sum(0))


@pytest.mark.parametrize("shape", [(14, 64, 96, 6), (7, 160, 320, 6), (10, 8, 8, 2)])
def test_the_papers_formula_counts_a_block(shape):
    size, d_in, d_out, t = shape
    block = definitions("v2").InvertedResidual(d_in, d_out, 1, t)
    assert definitions("v2").block_formula(*shape) == counting.macs(block, d_in, size, size)
