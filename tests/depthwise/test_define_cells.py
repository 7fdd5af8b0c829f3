"""What the notebook defines besides networks, each against a reference of its own."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.book import definitions
from tests.pieces import settings

pytestmark = pytest.mark.usefixtures("one_seed")


def test_a_depthwise_layer_has_one_filter_a_channel():
    ours = definitions("depthwise")
    assert settings(ours.depthwise(6)) == (6, 6, (3, 3), (1, 1), (0, 0), 6, False)
    full = ours.depthwise(6, kernel=5, stride=2, padding=1)
    assert settings(full) == (6, 6, (5, 5), (2, 2), (1, 1), 6, False)
    x, layer = torch.randn(2, 6, 8, 9), ours.depthwise(6)
    assert_close(ours.depthwise_loop(x, layer.weight), layer(x))


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_dense_layer_keeps_the_settings_of_the_grouped_one(groups):
    layer = nn.Conv2d(4, 8, (3, 5), stride=2, padding=(1, 0), groups=groups, bias=False)
    dense = definitions("depthwise").as_dense(layer)
    grouped, ours = settings(layer), settings(dense)
    assert ours[:5] == grouped[:5] and ours[5:] == (1, False)
    assert dense.weight.requires_grad and dense.weight.count_nonzero() == layer.weight.numel()


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_an_output_depends_on_its_groups_inputs(groups):
    layer = nn.Conv2d(6, 12, 1, groups=groups, bias=False)
    found = definitions("depthwise").channel_dependence(layer, 6)
    dense = definitions("depthwise").as_dense(layer).weight[:, :, 0, 0].detach().abs()
    # Each of the 64 numbers of a map counts with a random sign and size: 51 on average.
    per_weight = found[dense > 0] / dense[dense > 0]
    assert found.shape == (12, 6) and torch.equal(found > 0, dense > 0)
    assert (per_weight > 30).all() and (per_weight < 75).all()
    lowest, highest = per_weight.reshape(12, -1).aminmax(dim=1)
    assert_close(lowest, highest, msg="one draw of signs for each output")


def test_macs_for_each_byte_that_moves():
    layer, x = nn.Conv2d(4, 6, 1, bias=False), torch.randn(1, 4, 5, 5)
    moved, work = 4 * 25 + 6 * 25 + 24, 24 * 25
    ours = definitions("depthwise").macs_per_byte
    assert ours(layer, x) == pytest.approx(work / moved / 4)
    assert ours(layer, x, bytes_per_number=1) == pytest.approx(work / moved)
