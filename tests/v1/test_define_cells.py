"""What the notebook defines besides networks, each against a reference of its own."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from tests.book import definitions
from tests.pieces import convolutions, hopper, settings
from tools import counting

pytestmark = pytest.mark.usefixtures("one_seed")


def test_v1s_photograph_is_its_upper_square_made_small():
    square = hopper().crop((0, 0, 512, 512))
    for given, size in (((), 224), ((96,), 96)):
        small = np.asarray(square.resize((size, size), Image.Resampling.BILINEAR))
        expected = torch.tensor(small / 127.5 - 1).permute(2, 0, 1)[None].float()
        notebook = definitions("v1")
        ours = notebook.as_timm_wants_it(notebook.photograph(), *given)
        assert_close(ours, expected, rtol=0, atol=0.02)


def test_v1_with_full_convolutions_has_one_layer_for_each_block():
    with torch.device("meta"):
        network, v1 = definitions("v1").with_full_convolutions(), counting.v1()
    expected = [
        (first.in_channels, second.out_channels, first.stride)
        for first, second in ((b.depthwise.conv, b.pointwise.conv) for b in v1.blocks)
    ]
    found = [settings(conv) for conv in convolutions(network.blocks)]
    assert found == [(m, n, (3, 3), stride, (1, 1), 1, False) for m, n, stride in expected]
    assert network(torch.empty(1, 3, 96, 96, device="meta")).shape == (1, 1000)
