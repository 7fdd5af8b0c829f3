"""What several notebooks define besides the networks, each against a reference of its own.

What one of them defines stands in its chapter's folder, with the sizes and outputs of networks.
"""

import math
from hashlib import sha256
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import timm
import torch
from matplotlib.cbook import get_sample_data
from torch import nn
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import (
    mobilenet_v2,
    mobilenet_v3_large,
    mobilenet_v3_small,
)

from tests.book import definitions
from tests.pieces import (
    NETWORKS,
    build,
    convolutions,
    hopper,
    shapes,
    short_hybrid,
)
from tools import counting

pytestmark = pytest.mark.usefixtures("one_seed")
COUNTING = ("convolution", "depthwise", "pointwise", "separable", "trained", "training")


# ---------------------------------------------------------------- counting


@pytest.mark.parametrize("chapter", COUNTING)
@pytest.mark.parametrize("training", [True, False])
def test_counting_a_module_changes_nothing_and_prints_nothing(chapter, training, capsys):
    module = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.Conv2d(5, 7, 1))
    module.train(training)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    count = definitions(chapter).count_macs(module, 3, 8, 9)
    assert count == 6 * 7 * (135 + 35) and isinstance(count, int)
    assert module.training == training and capsys.readouterr().out == ""
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


@pytest.mark.parametrize("chapter", NETWORKS)
def test_each_layer_is_listed_with_its_kind_its_shapes_and_its_macs(chapter, capsys):
    network, came_in = counting.on_meta(build(chapter).__class__, num_classes=10), []
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(lambda _m, x, _y: came_in.append(tuple(x[0].shape[1:])))
    rows = counting.macs_by_layer(network, 3, 64, 64)
    costs = definitions(chapter).layer_costs(build(chapter, num_classes=10), 3, 64, 64)
    assert [cost.macs for cost in costs] == [count for _, count, _ in rows]
    total = definitions(chapter).count_macs(build(chapter, num_classes=10), 3, 64, 64)
    assert total == sum(cost.macs for cost in costs) and capsys.readouterr().out == ""
    assert [cost.kind for cost in costs] == [counting.kind_of(layer) for layer, _, _ in rows]
    assert [cost.input_shape for cost in costs] == came_in
    assert all(cost.layer.weight.is_meta and not cost.layer.training for cost in costs)
    assert [cost.output_shape for cost in costs] == [shape for *_, shape in rows]


@pytest.mark.parametrize("side", [64, 97])
def test_the_counter_of_the_tests_counts_as_pytorch_does(side):
    """Convolutions, a linear layer, and attention's products: with every layer running."""
    network = counting.on_meta(short_hybrid)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, 3, side, side, device="meta"))
    assert 2 * counting.macs(network, 3, side, side) == counter.get_total_flops()


@pytest.mark.parametrize("chapter", NETWORKS)
def test_a_dense_layer_of_one_channel_is_not_depthwise(chapter):
    kind_of = definitions(chapter).kind_of
    assert kind_of(nn.Conv2d(1, 8, 3, bias=False)) == "standard"
    assert kind_of(nn.Conv2d(8, 8, 3, groups=2, bias=False)) == "standard"


@pytest.mark.parametrize("chapter", [*NETWORKS, "convolution", "pointwise", "training"])
def test_parameters_are_counted(chapter):
    network = (
        build(chapter)
        if chapter in NETWORKS
        else definitions("training").SmallMobileNet("separable", 0.5)
    )
    count = getattr(definitions(chapter), "count_params", counting.params)
    assert count(network) == counting.params(network)


# ---------------------------------------------------------------- depthwise and pointwise


@pytest.mark.parametrize("chapter", ["depthwise", "pointwise", "v4"])
def test_the_photograph_lies_between_0_and_1(chapter):
    pixels = plt.imread(get_sample_data("grace_hopper.jpg"), format="jpg")
    expected = torch.tensor(np.moveaxis(pixels, -1, 0)[None] / 255).float()
    found = definitions(chapter).photograph()
    assert found.shape == (1, 3, 600, 512)
    assert_close(found, expected)


@pytest.mark.parametrize("chapter", ["separable", "v1"])
def test_a_block_keeps_the_maps_size_unless_told(chapter):
    block = definitions(chapter).DepthwiseSeparableConv(3, 5)
    assert block(torch.randn(2, 3, 9, 8)).shape == (2, 5, 9, 8)


# ---------------------------------------------------------------- the networks


@pytest.mark.parametrize(
    ("chapter", "dropout"), [("v1", 0.001), ("v2", 0.2), ("v3", 0.2), ("v4", 0.2)]
)
def test_a_network_is_by_default_for_imagenet(chapter, dropout):
    network = counting.on_meta(type(build(chapter)))
    assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == [dropout]
    expected = counting.on_meta(type(network), num_classes=1000, width_mult=1.0)
    assert shapes(network) == shapes(expected)
    other = counting.on_meta(type(network), dropout=0.7)
    assert [m.p for m in other.modules() if isinstance(m, nn.Dropout)] == [0.7]


@pytest.mark.parametrize("chapter", NETWORKS)
def test_no_layer_works_in_place(chapter):
    """A hook on a batch norm must find what that gave."""
    assert not any(getattr(layer, "inplace", False) for layer in build(chapter).modules())


@pytest.mark.parametrize("chapter", NETWORKS)
def test_random_norms_have_the_statistics_of_what_they_get(chapter):
    low, high = 0.5, 2.0
    network, seen = build(chapter), []
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    handle = network.register_forward_pre_hook(lambda _, x: seen.append(tuple(x[0].shape)))
    assert definitions(chapter).randomise(network) is network and not network.training
    handle.remove()
    assert seen == [(4, 3, 96, 96)] * 3
    assert [norm.momentum for norm in norms] == before
    for norm in norms:
        assert low <= norm.weight.min() and norm.weight.max() <= high
        assert -0.5 <= norm.bias.min() and norm.bias.max() <= 0.5
        assert norm.num_batches_tracked == 3
    widest = max(norms, key=lambda norm: norm.num_features)
    for values, ends in ((widest.weight, (low, high)), (widest.bias, (-0.5, 0.5))):
        assert_close(torch.stack(values.aminmax()), torch.tensor(ends), rtol=0, atol=0.05)
    stem = network.stem.conv(torch.randn(24, 3, 96, 96))
    assert_close(norms[0].running_mean, stem.mean((0, 2, 3)), rtol=0, atol=0.05)
    assert_close(norms[0].running_var, stem.var((0, 2, 3)), rtol=0.1, atol=0)
    for conv in convolutions(network):
        spread = math.sqrt(2 / conv.weight[0].numel())
        assert conv.weight.std().item() == pytest.approx(spread, rel=0.3)


@pytest.mark.parametrize("chapter", NETWORKS)
def test_fresh_weights_have_the_spread_of_he(chapter):
    """By fan-out, in each group on its own, as in timm; torchvision forgets the groups."""
    network = build(chapter)
    for conv in convolutions(network):
        fan_out = conv.weight.shape[0] * conv.weight[0, 0].numel() / conv.groups
        spread = math.sqrt(2 / fan_out)
        assert conv.weight.std().item() == pytest.approx(spread, rel=0.25)
        assert conv.bias is None or not conv.bias.any()
    for linear in (m for m in network.modules() if isinstance(m, nn.Linear)):
        assert linear.weight.std().item() == pytest.approx(0.01, rel=0.05)
        assert not linear.bias.any()


PLACES = {  # the reference, and what says where our layers stand in it
    "v1": (lambda: timm.create_model("mobilenetv1_100"), "timm_places"),
    "v2": (mobilenet_v2, "torchvision_places"),
    "v3": (mobilenet_v3_large, "torchvision_places"),
    "v4": (lambda: timm.create_model("mobilenetv4_conv_small"), "timm_places"),
}


@pytest.mark.parametrize("chapter", PLACES)
def test_weights_by_name_are_those_in_order(chapter):
    create, where = PLACES[chapter]
    weights, notebook = create().state_dict(), definitions(chapter)
    one, other = build(chapter), build(chapter)
    places = getattr(notebook, where)(one)
    notebook.load_by_name(one, dict(reversed(weights.items())), places)
    notebook.load_in_order(other, weights)
    for ours, theirs in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
    with pytest.raises(ValueError, match="^1 left over, first 'extra.weight'$"):
        notebook.load_by_name(one, weights | {"extra.weight": torch.ones(1)}, places)
    with pytest.raises(ValueError, match=f"^1 missing, first '{next(iter(weights))}'$"):
        notebook.load_by_name(one, dict(list(weights.items())[1:]), places)
    with pytest.raises(ValueError, match="no place is given for"):
        notebook.load_by_name(one, weights, dict(list(places.items())[1:]))


def test_v3_small_has_its_places_too():
    notebook = definitions("v3")
    network = notebook.MobileNetV3("small")
    weights = mobilenet_v3_small().state_dict()
    notebook.load_by_name(network, weights, notebook.torchvision_places(network))
    pairs = zip(network.state_dict().values(), weights.values(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


@pytest.mark.parametrize("chapter", NETWORKS)
def test_weights_in_order_are_all_weights(chapter):
    network = build(chapter, num_classes=10, width_mult=0.35)
    weights = dict(build(chapter, num_classes=10, width_mult=0.35).state_dict())
    load = definitions(chapter).load_in_order
    load(network, weights)
    pairs = zip(network.state_dict().values(), weights.values(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)
    with pytest.raises(ValueError, match="zip"):
        load(network, dict(list(weights.items())[:-1]))


@pytest.mark.parametrize("chapter", ["v2", "v3", "training"])
def test_weights_are_fetched_quietly_into_a_folder_that_is_made(chapter, tmp_path, monkeypatch):
    folder, asked = tmp_path / "not" / "yet", []

    def download(url, file, digits, progress):
        asked.append((url.endswith(Path(file).name), Path(file).parent, digits, progress))
        torch.save({"weight": torch.ones(2)}, file)

    monkeypatch.setattr("torch.hub._hub_dir", str(folder))
    monkeypatch.setattr("torch.hub.download_url_to_file", download)
    notebook, url = definitions(chapter), "http://127.0.0.1:9/weights-0123abcd.pth"
    for _ in range(2):  # what is there now is not what the name says: once more
        assert notebook.trained_weights(url)["weight"].tolist() == [1, 1]
    (file,) = (folder / "checkpoints").iterdir()
    digits = file.stem.split("-")[-1]
    assert asked == [(True, folder / "checkpoints", digits, False)] * 2
    assert notebook.state_of(file) == "damaged" and len(digits) == 8
    assert notebook.state_of(file.with_name("other.pth")) == "missing"
    digest = sha256(file.read_bytes()).hexdigest()
    assert notebook.state_of(file.rename(file.with_name(f"it-{digest[:8]}.pth"))) == "intact"


@pytest.mark.parametrize("chapter", ["v2", "v3"])
def test_the_photograph_is_as_torchvision_wants_it(chapter):
    notebook = definitions(chapter)
    name = {"v2": "MobileNet_V2_Weights", "v3": "MobileNet_V3_Large_Weights"}[chapter]
    prepare = getattr(notebook, name).DEFAULT.transforms()
    ours = prepare(notebook.photograph())
    assert_close(ours, prepare(hopper())[None], rtol=0, atol=0.05)
