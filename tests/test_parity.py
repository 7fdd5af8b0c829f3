"""Mistakes made in a finished network are those that its chapter's tests make in its source."""

from copy import deepcopy
from functools import cache

import pytest
import torch
from torch import nn

from tests.book import NETWORKS, definitions
from tests.compared import calibrated, compare, images
from tests.v1.test_parity import V1_MISTAKES
from tests.v2.test_parity import V2_MISTAKES
from tests.v3.test_parity import V3_MISTAKES
from tests.v4.test_parity import V4_MISTAKES
from tools.counting import on_meta

# What a notebook does to a finished network: what it is in the network's source.
BY_HAND = {
    ("v1", "plain_relu"): V1_MISTAKES["ReLU for ReLU6"],
    ("v1", "printed_stride"): ("(1024, 1),  # 7", "(1024, 2),  # 7"),
    ("v1", "tensorflow_epsilon"): V1_MISTAKES["another epsilon"],
    ("v2", "activation_behind_the_projection"): V2_MISTAKES["activation behind the projection"],
    ("v2", "no_shortcut"): V2_MISTAKES["no shortcut"],
    ("v2", "first_arxiv_strides"): V2_MISTAKES["the first version's strides"],
    ("v2", "plain_relu"): V2_MISTAKES["plain ReLU"],
    ("v3", "sigmoid_gate"): V3_MISTAKES["sigmoid for the gate"],
    ("v3", "old_keras_gate"): V3_MISTAKES["old Keras's hard sigmoid"],
    ("v3", "swish_for_h_swish"): ("nn.Hardswish", "nn.SiLU"),
    ("v3", "h_swish_in_every_block"): V3_MISTAKES["h-swish for ReLU"],
    ("v3", "squeeze_before_activation"): V3_MISTAKES["squeeze before the activation"],
    ("v3", "epsilon_of_pytorch"): V3_MISTAKES["PyTorch's epsilon"],
    ("v4", "activation_on_the_first_filter"): V4_MISTAKES["activation on the first filter"][1:],
    ("v4", "activation_behind_the_projection"): V4_MISTAKES["activation behind the projection"][1:],
    ("v4", "linear_start"): V4_MISTAKES["linear start"][1:],
    ("v4", "stride_on_the_first_filter"): V4_MISTAKES["stride on the first filter"][1:],
    ("v4", "mean_behind_the_head"): V4_MISTAKES["mean behind the head"][1:],
    ("v4", "epsilon_of_tensorflow"): V4_MISTAKES["V3's epsilon"][1:],
}


@pytest.mark.parametrize("chapter", ["device", "quantisation"])
def test_a_v1_that_is_typed_once_more_is_v1(chapter):
    """Same parameters, same order, same outputs."""
    again = definitions(chapter)
    ours = again.take_averages(again.mobilenet_v1(10, 0.25), [torch.randn(8, 3, 64, 64)])
    theirs = definitions("v1").MobileNetV1(10, 0.25, dropout=0.0).eval()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=0)


@cache
def right(chapter: str) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A network without a mistake, images, and what it says of them."""
    network = calibrated(getattr(definitions(chapter), NETWORKS[chapter])(), 3, 48)
    images_ = images(2, 3, 97)  # the last map is 4 × 4: strides of 2 and 3 differ in it
    with torch.no_grad():
        return network, images_, network(images_)


@pytest.mark.parametrize(("chapter", "mistake"), BY_HAND)
def test_a_mistake_made_in_a_network_is_the_one_made_in_its_source(chapter, mistake):
    wrong = definitions(chapter, *BY_HAND[chapter, mistake])
    network, images_, before = right(chapter)
    made = deepcopy(network)
    with torch.no_grad():
        getattr(definitions(chapter), mistake)(made)
        assert (made(images_) - before).abs().max() > 1e-6
    compare(on_meta(getattr(wrong, NETWORKS[chapter])), made, 3, (97,))


@pytest.mark.parametrize("chapter", ["v2", "v3", "v4"])
def test_the_notebook_shows_each_of_its_mistakes(chapter):
    shown = [mistake.__name__ for mistake in definitions(chapter).MISTAKES]
    assert shown == [name for where, name in BY_HAND if where == chapter]
