"""The page's network and its switches as the notebook defines them: fold, round, remove."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.testing import assert_close

from tests.book import definitions

pytestmark = pytest.mark.usefixtures("one_seed")

notebook = definitions("trained")
FOLDABLE = [each for each in notebook.CHANGES if each.__name__ != "forgotten_eval"]
PERS = ("channel", "tensor")


@pytest.fixture(scope="module")
def random_lite0() -> nn.Module:
    return notebook.randomise(notebook.EfficientNetLite0())


@pytest.fixture
def network(random_lite0) -> nn.Module:
    return deepcopy(random_lite0)


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Of all convolutions and linear layers, by name."""
    layers = network.named_modules()
    return {n: m.weight.detach() for n, m in layers if isinstance(m, nn.Conv2d | nn.Linear)}


# ---------------------------------------------------------------- folded


@pytest.mark.parametrize("change", [None, *FOLDABLE], ids=lambda c: getattr(c, "__name__", "whole"))
def test_folded_it_computes_the_same(change, network):
    """Whatever was changed before, on a side that is odd at some of the strides."""
    network.double()
    if change is not None:
        change(network)
    before = deepcopy(network.state_dict())
    folded, x = notebook.folded(network), torch.randn(2, 3, 42, 42).double()
    assert_close(folded(x), network(x), rtol=1e-9, atol=1e-9)
    assert not any(isinstance(each, nn.BatchNorm2d) for each in folded.modules())
    after = network.state_dict()
    assert list(after) == list(before) and all(torch.equal(after[n], before[n]) for n in before)


def test_a_layer_is_folded_as_pytorch_folds_it(network):
    folded = notebook.folded(network)
    for ours, unit in zip(notebook.units(folded), notebook.units(network), strict=True):
        theirs = fuse_conv_bn_eval(unit.conv, unit.norm)
        assert_close(ours.conv.weight, theirs.weight, rtol=1e-5, atol=1e-6)
        assert_close(ours.conv.bias, theirs.bias, rtol=1e-5, atol=1e-5)


def test_a_network_in_training_is_folded_for_evaluation(network):
    assert not any(each.training for each in notebook.folded(network.train()).modules())
    assert network.training


# ---------------------------------------------------------------- rounded


def layers() -> nn.Sequential:
    """A convolution with channels of all sizes, one of zeros; a depthwise and a linear layer."""
    network = nn.Sequential(nn.Conv2d(6, 5, 3), nn.Conv2d(4, 4, 5, groups=4), nn.Linear(7, 3))
    sizes = torch.tensor([1.0, 30.0, 0.1, 0.0, 5.0])
    network[0].weight.data *= sizes[:, None, None, None]
    return network


def by_hand(numbers: np.ndarray, most: int) -> np.ndarray:
    """The integers of numbers that share a scale; numbers go to the nearer neighbour."""
    largest = max(abs(number) for number in numbers.flat)
    found = np.zeros(numbers.shape, dtype=int)
    for place, number in np.ndenumerate(numbers):
        candidates = range(-most, most + 1)
        found[place] = min(candidates, key=lambda q: abs(number - q * largest / most))
    return found if largest else 0 * found


@pytest.mark.parametrize("per", PERS)
@pytest.mark.parametrize("bits", [2, 3, 5, 8])
def test_weights_become_integers_times_a_scale(bits, per):
    network, most = layers(), 2 ** (bits - 1) - 1
    before = {n: p.detach().double().numpy() for n, p in deepcopy(network).named_parameters()}
    notebook.round_weights(network, bits, per)
    for name, ours in network.named_parameters():
        if name.endswith("bias"):
            assert np.array_equal(before[name], ours.detach().double().numpy())
            continue
        for wanted, got in zip(*(parts(each, per) for each in (before[name], ours)), strict=True):
            scale = np.abs(wanted).max() / most
            assert_close(got, by_hand(wanted, most) * scale, rtol=1e-5, atol=1e-9)


def parts(weight, per: str) -> list[np.ndarray]:
    """What shares a scale."""
    numbers = torch.as_tensor(weight).detach().double().numpy()
    return list(numbers) if per == "channel" else [numbers]


@pytest.mark.parametrize("bits", range(2, 9))
def test_weights_are_rounded_as_pytorch_rounds_them(bits):
    network, most = layers(), 2 ** (bits - 1) - 1
    weight = network[0].weight.detach().clone()
    scale = weight.abs().flatten(1).amax(1) / most
    own = torch.fake_quantize_per_channel_affine(
        weight, scale.clamp(min=1e-9), torch.zeros(5).int(), 0, -most, most
    )
    one = torch.fake_quantize_per_tensor_affine(weight, float(scale.max()), 0, -most, most)
    for per, expected in zip(PERS, (own, one), strict=True):
        short = deepcopy(network)
        notebook.round_weights(short, bits, per)
        assert_close(short[0].weight.detach(), expected, rtol=1e-5, atol=1e-9)


def test_a_scale_for_each_channel_is_what_one_gets_unasked():
    asked = layers()
    unasked = deepcopy(asked)
    notebook.round_weights(asked, 4, "channel")
    notebook.round_weights(unasked, 4)
    assert all(map(torch.equal, asked.parameters(), unasked.parameters()))


@pytest.mark.parametrize("per", PERS)
def test_zeros_stay_zeros(per):
    network = nn.Sequential(nn.Linear(3, 4))
    nn.init.zeros_(network[0].weight)
    notebook.round_weights(network, 8, per)
    assert torch.equal(network[0].weight, torch.zeros(4, 3))


@pytest.mark.parametrize("bits", [1, 9, 0, -8, 2.5, True, "8", None])
def test_other_bits_are_refused(bits):
    network = layers()
    before = deepcopy(network)
    with pytest.raises(ValueError, match="bits .* from 2 to 8, not ") as refused:
        notebook.round_weights(network, bits)
    assert str(refused.value).endswith(f"not {bits!r}")
    assert all(map(torch.equal, network.parameters(), before.parameters()))


@pytest.mark.parametrize("per", ["layer", "Channel", None])
def test_another_per_is_refused(per):
    with pytest.raises(ValueError, match='per .* "channel" or "tensor", not ') as refused:
        notebook.round_weights(layers(), 8, per)
    assert str(refused.value).endswith(f"not {per!r}")


def integers(weight: Tensor, most: int) -> Tensor:
    """Of weights that are rounded per channel."""
    largest = weight.abs().flatten(1).amax(1).clamp(min=1e-30)
    return (weight.flatten(1) / largest[:, None] * most).round().int()


@pytest.mark.parametrize("bits", [2, 4, 7])
def test_fewer_bits_can_be_had_from_the_8_bit_integers_alone(bits, network):
    """A tie would need 2 · q · most to be an odd multiple of 127: so no two engines differ."""
    most, network = 2 ** (bits - 1) - 1, notebook.folded(network)
    notebook.round_weights(network, 8)
    in_8 = {name: integers(w, 127) for name, w in weights_of(network).items()}
    notebook.round_weights(network, bits)
    for name, weight in weights_of(network).items():
        expected = (2 * in_8[name] * most + 127).div(2 * 127, rounding_mode="floor")
        assert torch.equal(integers(weight, most), expected), name


def test_epsilon_changes_scales_and_biases_but_hardly_an_integer(network):
    """It multiplies whole channels: so a browser needs other scales, and no other integers."""
    changed = deepcopy(network)
    notebook.pytorchs_epsilon(changed)
    found = []
    for each in (network, changed):
        short = notebook.folded(each)
        notebook.round_weights(short, 8)
        found.append(weights_of(short))
    off = [integers(a, 127) - integers(found[1][name], 127) for name, a in found[0].items()]
    assert max(int(each.abs().max()) for each in off) <= 1
    assert sum(int(each.count_nonzero()) for each in off) < 20
    assert not torch.equal(found[0]["stem.conv"], found[1]["stem.conv"])


def test_the_relative_error():
    a, b = torch.randn(3, 10), torch.randn(3, 10)
    expected = np.sqrt(np.sum((a - b).numpy() ** 2) / np.sum(b.numpy() ** 2))
    assert_close(notebook.relative_error(a, b), float(expected), rtol=1e-5, atol=0)


# ---------------------------------------------------------------- removed


@pytest.fixture
def folded(network) -> nn.Module:
    return notebook.folded(network)


def smallest(block: nn.Module, count: int) -> list[int]:
    """The channels whose filters are smallest; of equal ones those with the lower number."""
    filters = block.depthwise.conv.weight.detach().double().numpy()
    pairs = sorted((np.abs(each).sum(), channel) for channel, each in enumerate(filters))
    return sorted(channel for _, channel in pairs[:count])


@pytest.mark.parametrize(
    ("number", "share", "count"), [(1, 0.5, 16), (2, 0.1, 10), (9, 0.25, 120), (16, 0.75, 864)]
)
def test_removed_channels_are_those_with_the_smallest_filters(number, share, count, folded):
    before, out = deepcopy(folded), smallest(folded.blocks[number - 1], count)
    assert notebook.remove_channels(folded, number, share) == count
    conv, was = (n.blocks[number - 1].depthwise.conv for n in (folded, before))
    kept = [channel for channel in range(conv.out_channels) if channel not in out]
    for ours, theirs in ((conv.weight, was.weight), (conv.bias, was.bias)):
        assert not ours[out].any() and torch.equal(ours[kept], theirs[kept])
    for name, value in folded.state_dict().items():
        if not name.startswith(f"blocks.{number - 1}.depthwise"):
            assert torch.equal(value, before.state_dict()[name]), name


def test_a_removed_channel_is_one_that_the_projection_does_not_read(folded):
    x, deaf = torch.randn(2, 3, 64, 64), deepcopy(folded)
    with torch.no_grad():
        deaf.blocks[6].project.conv.weight[:, smallest(deaf.blocks[6], 120)] = 0
        assert not torch.allclose(deaf(x), folded(x), rtol=1e-2)
        notebook.remove_channels(folded, 7, 0.25)
        assert_close(deaf(x), folded(x), rtol=1e-3, atol=1e-4)


def test_of_equal_filters_the_lower_channel_goes_first(folded):
    conv = folded.blocks[15].depthwise.conv
    with torch.no_grad():
        conv.weight[:] = torch.where(torch.rand(1152, 1, 3, 3) < 0.5, 1, -1)
        conv.bias[:] = 1
    notebook.remove_channels(folded, 16, 0.25)
    assert conv.bias.tolist() == [0] * 288 + [1] * 864


@pytest.mark.parametrize(("share", "count"), [(0, 0), (0.01, 0), (0.02, 1), (1, 32)])
def test_a_share_is_rounded_to_a_count(share, count, folded):
    conv = folded.blocks[0].depthwise.conv
    assert notebook.remove_channels(folded, 1, share) == count
    assert int((conv.weight == 0).all(dim=(1, 2, 3)).sum()) == count


@pytest.mark.parametrize("number", [0, 17, -1, 1.5, "1"])
def test_a_block_that_there_is_not_is_refused(number, folded):
    with pytest.raises(ValueError, match="number .* from 1 to 16, not ") as refused:
        notebook.remove_channels(folded, number, 0.5)
    assert str(refused.value).endswith(f"not {number!r}")


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_another_share_is_refused(share, folded):
    with pytest.raises(ValueError, match="share .* between 0 and 1, not ") as refused:
        notebook.remove_channels(folded, 1, share)
    assert str(refused.value).endswith(f"not {share!r}")
