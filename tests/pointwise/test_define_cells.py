"""What the notebook defines besides networks, each against a reference of its own."""

import pytest
import torch
from torch.testing import assert_close

from tests.book import definitions
from tests.pieces import convolutions, settings, shapes
from tools import counting

pytestmark = pytest.mark.usefixtures("one_seed")


def test_a_pointwise_layer_multiplies_with_a_matrix():
    ours, matrix = definitions("pointwise"), torch.randn(5, 3)
    assert settings(ours.pointwise(3, 5)) == (3, 5, (1, 1), (1, 1), (0, 0), 1, False)
    layer, x = ours.from_matrix(matrix), torch.randn(2, 3, 4, 6)
    assert_close(layer(x), torch.einsum("oi,nihw->nohw", matrix, x), rtol=1e-4, atol=1e-5)
    assert settings(layer) == settings(ours.pointwise(3, 5)) and not layer.weight.requires_grad
    matrix.zero_()
    assert layer.weight.any(), "the layer has weights of its own"


def test_the_layers_that_are_counted_are_those_of_the_network():
    with torch.device("meta"):
        kinds, layers = zip(*definitions("pointwise").v1_layers(), strict=True)
    *convs, classifier = layers
    network = counting.v1()
    assert [settings(conv) for conv in convs] == [settings(conv) for conv in convolutions(network)]
    assert shapes(classifier) == [(1000, 1024)]
    names = {"standard": "conv3x3"}
    kinds_of_v1 = [names.get(kind, kind) for kind in map(counting.kind_of, layers)]
    assert list(kinds) == kinds_of_v1
