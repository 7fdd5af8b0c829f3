"""What the notebooks define besides the networks, each against a reference of its own.

Of the networks themselves the sizes stand in test_networks.py and the outputs in test_parity.py.
"""

import math
import zlib
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.cbook import get_sample_data
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images
from torch import fx, nn
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import MobileNet_V2_Weights, vgg16
from torchvision.transforms.functional import normalize

from tests.book import definitions
from tools import counting

COUNTING = ("convolution", "depthwise", "pointwise", "separable", "training")
NETWORKS = {"v1": "MobileNetV1", "v2": "MobileNetV2", "v3": "MobileNetV3"}


@pytest.fixture(autouse=True)
def one_seed():
    torch.manual_seed(0)


def build(chapter: str, **options) -> nn.Module:
    return getattr(definitions(chapter), NETWORKS[chapter])(**options)


def shapes(module: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(p.shape) for p in module.parameters()]


def settings(conv: nn.Conv2d) -> tuple:
    """All that a convolution is, but for its weights."""
    sizes = conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    return *sizes, conv.groups, conv.bias is not None


def convolutions(network: nn.Module) -> list[nn.Conv2d]:
    return [m for m in network.modules() if isinstance(m, nn.Conv2d)]


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
    costs = definitions(chapter).layer_costs(build(chapter, num_classes=10), 64)
    assert [cost.macs for cost in costs] == [count for _, count, _ in rows]
    total = definitions(chapter).count_macs(build(chapter, num_classes=10), 64)
    assert total == sum(cost.macs for cost in costs) and capsys.readouterr().out == ""
    assert [cost.kind for cost in costs] == [counting.kind_of(layer) for layer, _, _ in rows]
    assert [cost.input_shape for cost in costs] == came_in
    assert all(cost.layer.weight.is_meta and not cost.layer.training for cost in costs)
    if chapter != "v1":
        assert [cost.output_shape for cost in costs] == [shape for *_, shape in rows]


@pytest.mark.parametrize("chapter", NETWORKS)
def test_a_dense_layer_of_one_channel_is_not_depthwise(chapter):
    kind_of = definitions(chapter).kind_of
    assert kind_of(nn.Conv2d(1, 8, 3, bias=False)) == "standard"
    assert kind_of(nn.Conv2d(8, 8, 3, groups=2, bias=False)) == "standard"


@pytest.mark.parametrize("chapter", [*NETWORKS, "convolution", "pointwise", "training"])
def test_parameters_are_counted(chapter):
    network = build(chapter) if chapter in NETWORKS else TRAINING.SmallMobileNet("separable", 0.5)
    count = getattr(definitions(chapter), "count_params", counting.params)
    assert count(network) == counting.params(network)


# ---------------------------------------------------------------- convolution


def test_convolutions_without_settings_move_by_one_and_pad_nothing():
    ours = definitions("convolution")
    x, weight = torch.randn(2, 7, 9), torch.randn(4, 2, 3, 3)  # no two sizes are alike
    expected = F.conv2d(x[None], weight)[0]
    for convolution in (ours.conv2d_loops, ours.conv2d_matmul, ours.conv2d_einsum):
        assert_close(convolution(x, weight), expected, rtol=1e-4, atol=1e-4)
    rows = F.unfold(x[None], 3)[0].T
    assert_close(ours.im2col(x, 3), rows, rtol=0, atol=0)
    strided = F.unfold(x[None], 3, padding=1, stride=2)[0].T
    assert_close(ours.im2col(x, 3, stride=2, padding=1), strided, rtol=0, atol=0)


def test_sizes_and_costs_of_a_convolution():
    ours = definitions("convolution")
    for size, kernel, padding, stride in ((9, 3, 0, 1), (9, 3, 1, 2), (10, 5, 2, 3), (8, 1, 0, 2)):
        side = F.conv2d(
            torch.zeros(1, 1, size, size), torch.zeros(1, 1, kernel, kernel), None, stride, padding
        ).shape[-1]
        assert ours.output_size(size, kernel, padding, stride) == side
    assert ours.output_size(9, 3) == 7
    layer = nn.Conv2d(5, 7, 3, bias=False)
    assert ours.conv_macs(3, 5, 7, 11) == counting.macs(layer, 5, 13, 13)


@pytest.mark.parametrize("classes", [1000, 10])
def test_vgg16_is_torchvisions(classes):
    ours = counting.on_meta(definitions("convolution").vgg16, classes)
    theirs = counting.on_meta(vgg16, num_classes=classes)
    assert shapes(ours) == shapes(theirs)
    pooled = [m for m in theirs.modules() if not isinstance(m, nn.AdaptiveAvgPool2d)]
    kept = [m for m in pooled if not list(m.children())]  # at 224 its pooling has nothing to do
    mine = [m for m in ours.children() if not isinstance(m, nn.Flatten)]
    assert [type(m) for m in mine] == [type(m) for m in kept]
    assert [settings(m) for m in convolutions(ours)] == [settings(m) for m in convolutions(theirs)]
    assert counting.macs(ours, 3, 224, 224) == counting.macs(theirs, 3, 224, 224)
    assert shapes(counting.on_meta(definitions("convolution").vgg16))[-1] == (1000,)


# ---------------------------------------------------------------- depthwise and pointwise


@pytest.mark.parametrize("chapter", ["depthwise", "pointwise"])
def test_the_photograph_lies_between_0_and_1(chapter):
    pixels = plt.imread(get_sample_data("grace_hopper.jpg"), format="jpg")
    expected = torch.tensor(np.moveaxis(pixels, -1, 0)[None] / 255).float()
    found = definitions(chapter).photograph()
    assert found.shape == (1, 3, 600, 512)
    assert_close(found, expected)


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


# ---------------------------------------------------------------- separable


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


@pytest.mark.parametrize("chapter", ["separable", "v1"])
def test_a_block_keeps_the_maps_size_unless_told(chapter):
    block = definitions(chapter).DepthwiseSeparableConv(3, 5)
    assert block(torch.randn(2, 3, 9, 8)).shape == (2, 5, 9, 8)


# ---------------------------------------------------------------- the three networks


@pytest.mark.parametrize(("chapter", "dropout"), [("v1", 0.001), ("v2", 0.2), ("v3", 0.2)])
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


RANDOMISED = {  # batch norms' scales, pictures in each of three batches
    "v1": ("randomise_batch_norms", (1.0, 2.0), 8),
    "v2": ("randomise_batch_norms", (0.5, 1.5), 4),
    "v3": ("randomise", (0.5, 1.5), 4),
}


@pytest.mark.parametrize("chapter", RANDOMISED)
def test_random_norms_have_the_statistics_of_what_they_get(chapter):
    name, (low, high), count = RANDOMISED[chapter]
    network, seen = build(chapter), []
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    handle = network.register_forward_pre_hook(lambda _, x: seen.append(tuple(x[0].shape)))
    assert getattr(definitions(chapter), name)(network) is network and not network.training
    handle.remove()
    assert seen == [(count, 3, 96, 96)] * 3
    assert [norm.momentum for norm in norms] == before
    for norm in norms:
        assert low <= norm.weight.min() and norm.weight.max() <= high
        assert -0.5 <= norm.bias.min() and norm.bias.max() <= 0.5
        assert norm.num_batches_tracked == 3
    widest = max(norms, key=lambda norm: norm.num_features)
    for values, ends in ((widest.weight, (low, high)), (widest.bias, (-0.5, 0.5))):
        assert_close(torch.stack(values.aminmax()), torch.tensor(ends), rtol=0, atol=0.05)
    stem = network.stem[0](torch.randn(24, 3, 96, 96))
    assert_close(norms[0].running_mean, stem.mean((0, 2, 3)), rtol=0, atol=0.05)
    assert_close(norms[0].running_var, stem.var((0, 2, 3)), rtol=0.1, atol=0)
    if chapter == "v3":
        for conv in convolutions(network):
            spread = math.sqrt(2 / conv.weight[0].numel())
            assert conv.weight.std().item() == pytest.approx(spread, rel=0.3)


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
    notebook = definitions(chapter)
    given = ("https://example.org/weights-0123abcd.pth",) if chapter == "training" else ()
    for _ in range(2):  # what is there now is not what the name says: once more
        assert notebook.trained_weights(*given)["weight"].tolist() == [1, 1]
    (file,) = (folder / "checkpoints").iterdir()
    digits = file.stem.split("-")[-1]
    assert asked == [(True, folder / "checkpoints", digits, False)] * 2
    assert notebook.state_of(file) == "damaged" and len(digits) == 8
    assert notebook.state_of(file.with_name("other.pth")) == "missing"
    digest = sha256(file.read_bytes()).hexdigest()
    assert notebook.state_of(file.rename(file.with_name(f"it-{digest[:8]}.pth"))) == "intact"


def hopper() -> Image.Image:
    with get_sample_data("grace_hopper.jpg") as file:
        return Image.open(file).convert("RGB")


def test_v1s_photograph_is_its_upper_square_made_small():
    square = hopper().crop((0, 0, 512, 512))
    for given, size in (((), 224), ((96,), 96)):
        small = np.asarray(square.resize((size, size), Image.Resampling.BILINEAR))
        expected = torch.tensor(small / 127.5 - 1).permute(2, 0, 1)[None].float()
        assert_close(definitions("v1").photograph(*given), expected, rtol=0, atol=0.02)


@pytest.mark.parametrize("chapter", ["v2", "v3"])
def test_the_photograph_is_as_torchvision_wants_it(chapter):
    notebook = definitions(chapter)
    name = {"v2": "MobileNet_V2_Weights", "v3": "MobileNet_V3_Large_Weights"}[chapter]
    expected = getattr(notebook, name).DEFAULT.transforms()(hopper())[None]
    assert_close(notebook.photograph(), expected, rtol=0, atol=0.05)


def test_v1_with_full_convolutions_has_one_layer_for_each_block():
    with torch.device("meta"):
        network, v1 = definitions("v1").with_full_convolutions(), counting.v1()
    expected = [
        (block.depthwise[0].in_channels, block.pointwise[0].out_channels, block.depthwise[0].stride)
        for block in v1.blocks
    ]
    found = [settings(conv) for conv in convolutions(network.blocks)]
    assert found == [(m, n, (3, 3), stride, (1, 1), 1, False) for m, n, stride in expected]
    assert network(torch.empty(1, 3, 96, 96, device="meta")).shape == (1, 1000)


# ---------------------------------------------------------------- MobileNetV2's experiments


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


# ---------------------------------------------------------------- MobileNetV3's experiments


def test_without_squeeze_every_gate_is_open():
    notebook = definitions("v3")
    network = build("v3", variant="small", num_classes=10).eval()
    gates = [m for m in network.modules() if isinstance(m, notebook.SqueezeExcitation)]
    bare = notebook.without_squeeze(network)
    assert not any(isinstance(m, notebook.SqueezeExcitation) for m in bare.modules())
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        before = network(x)
        for gate in gates:
            gate.gate[3].bias.fill_(100.0)
        assert_close(bare(x), network(x))
        assert len(gates) == 9 and not torch.equal(before, network(x))


STEPS = {  # MACs at 224×224 and parameters
    "MnasNet-A1": (311_579_072, 3_887_038),
    "expansions shrunk": (260_090_656, 3_730_094),
    "shorter end": (225_772_896, 4_229_614),
    "smaller stem": (215_336_288, 4_228_718),
    "larger squeeze": (216_589_760, 5_483_032),
}


def test_the_steps_to_v3_have_the_known_sizes():
    with torch.device("meta"):
        found = definitions("v3").steps()
    sizes = {n: (counting.macs(m, 3, 224, 224), counting.params(m)) for n, m in found.items()}
    assert sizes == STEPS


def replayed(network, x, y, epochs: int, lr: float) -> None:
    """The training that V3's `train` promises, once more."""
    optimiser = torch.optim.SGD(network.parameters(), lr=lr, momentum=0.9)
    network.train()
    for _ in range(epochs):
        order = torch.randperm(120)
        for part in (order[:50], order[50:100], order[100:]):
            network.zero_grad()
            nn.functional.cross_entropy(network(x[part]), y[part]).backward()
            optimiser.step()


def test_v3s_training_is_plain_sgd():
    notebook = definitions("v3")
    x, y = torch.randn(120, 6), torch.arange(120) % 3
    results = []
    for train in (notebook.train, replayed):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.3), nn.Linear(8, 3))
        returned = train(network.eval(), x, y, 3, 0.1)
        results.append(network)
        assert train is replayed or (returned is network and not network.training)
    for ours, theirs in zip(*(each.parameters() for each in results), strict=True):
        assert_close(ours, theirs, rtol=0, atol=0)


def test_accuracy_is_a_share():
    logits = torch.eye(4)
    labels = torch.tensor([0, 1, 2, 0])
    assert definitions("v3").accuracy(nn.Identity(), logits, labels) == 0.75


def test_the_digits_network_and_its_measure():
    notebook = definitions("v3")
    network = notebook.digit_network((48, 48, 96, 96))
    assert network(torch.randn(2, 1, 8, 8)).shape == (2, 10)
    blocks = [m for m in network if isinstance(m, notebook.InvertedResidual)]
    ends = [(b.layers[-2].out_channels, b.layers[3].stride[0]) for b in blocks]
    assert ends == [(8, 1), (16, 2), (16, 1), (24, 2)]
    assert {m.momentum for m in network.modules() if isinstance(m, nn.BatchNorm2d)} == {0.1}
    assert {type(b.layers[2]) for b in blocks} == {nn.Hardswish} and type(
        network[2]
    ) is nn.Hardswish
    assert settings(network[0]) == (1, 8, (3, 3), (1, 1), (1, 1), 1, False)
    proposal = notebook.Proposal(0, (24, 48), network, saved=4.0, gained=-1.0)
    assert proposal.ratio == -0.25


# ---------------------------------------------------------------- training's chapter

TRAINING = definitions("training")


def classifier(inputs: int = 6) -> nn.Sequential:
    """Small enough to be trained in no time, with dropout, which draws random numbers."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 3)
    )


def assert_same_weights(one: nn.Module, other: nn.Module) -> None:
    assert_close(dict(one.state_dict()), dict(other.state_dict()), rtol=0, atol=0)


def test_the_digits_are_cut_into_the_same_parts():
    data, again, other = TRAINING.digits(), TRAINING.digits(0), TRAINING.digits(1)
    assert [len(part.labels) for part in data[:3]] == [600, 197, 1000]
    assert torch.equal(data.test.images, again.test.images)
    assert not torch.equal(data.test.labels, other.test.labels)
    images = torch.cat([part.images for part in data[:3]])
    assert images.shape == (1797, 1, 16, 16) and images.aminmax() == (-1, 1)
    assert len(images.flatten(1).unique(dim=0)) > 1790, "no picture twice"
    assert data.classes == list("0123456789")
    small = F.interpolate(data.val.images, scale_factor=0.5, mode="bilinear")
    assert small.std() > 0.5 and len(data.val.labels.unique()) == 10


def test_a_data_set_that_is_none_is_named(tmp_path):
    assert len(TRAINING.load("digits", "").test.labels) == 1000
    with pytest.raises(ValueError, match="'digits', 'cifar10' or a folder .* not 'mnist'"):
        TRAINING.load("mnist", str(tmp_path))


def test_the_three_kinds_of_block():
    kinds = {name: build(4, 6, 2) for name, build in TRAINING.BLOCKS.items()}
    unit = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU6]
    bare = [nn.Conv2d, nn.BatchNorm2d, nn.Identity]
    expected = {"separable": unit + unit, "full": unit, "linear": bare + unit}
    for name, block in kinds.items():
        leaves = [type(m) for m in block.modules() if not list(m.children())]
        assert leaves == expected[name], name
    light, mix = kinds["separable"].depthwise.conv, kinds["separable"].pointwise.conv
    assert settings(light) == (4, 4, (3, 3), (2, 2), (1, 1), 4, False)
    assert settings(mix) == (4, 6, (1, 1), (1, 1), (0, 0), 1, False)
    assert all(block(torch.zeros(2, 4, 9, 9)).shape == (2, 6, 5, 5) for block in kinds.values())
    assert settings(kinds["full"].conv) == (4, 6, (3, 3), (2, 2), (1, 1), 1, False)
    with pytest.raises(ValueError, match="kind must be 'separable', 'full', 'linear', not 'v1'"):
        TRAINING.SmallMobileNet("v1")
    by_default = TRAINING.SmallMobileNet("full")
    assert shapes(by_default) == shapes(TRAINING.SmallMobileNet("full", 1.0, 1, 10))
    assert by_default.classifier.out_features == 10


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_compared(channels):
    part = TRAINING.Part(torch.zeros(4, channels, 16, 16), torch.zeros(4))
    found = TRAINING.networks(TRAINING.Data(part, part, part, ["a", "b", "c"]))
    assert list(found)[:3] == ["full", "separable", "full, thinned"]
    assert ("MobileNetV2" in found) == (channels == 3) and len(found) == 3 + (channels == 3)
    for build_it in found.values():
        assert build_it()(torch.zeros(2, channels, 16, 16)).shape == (2, 3)
    thin = TRAINING.SmallMobileNet("full", 0.35, channels, 3)
    assert shapes(found["full, thinned"]()) == shapes(thin)
    assert len(shapes(found["separable"]())) > len(shapes(found["full"]()))
    if channels == 3:
        assert found["MobileNetV2"]().features[2].conv[1][0].stride == (1, 1)


def test_training_is_sgd_with_one_cycle():
    """Once more, without the notebook's own lines: the same weights in the end."""
    part = TRAINING.Part(torch.randn(50, 6), torch.arange(50) % 3)
    data = TRAINING.Data(part, part, part, list("abc"))
    recipe = TRAINING.Recipe(epochs=2, batch=16, lr=0.1, weight_decay=0.01)
    updates = []
    bar = type("Bar", (), {"update": lambda self: updates.append(1)})()
    training = TRAINING.begin(classifier, recipe, data, seed=3)
    assert TRAINING.fit(training, bar=bar) is training and len(updates) == 2

    torch.manual_seed(3)
    network = classifier()
    weights = [m.weight for m in network.modules() if isinstance(m, nn.Linear)]
    rest = [p for p in network.parameters() if all(p is not w for w in weights)]
    groups = [{"params": weights, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0}]
    sgd = torch.optim.SGD(groups, lr=0.1, momentum=0.95, nesterov=True)
    cycle = torch.optim.lr_scheduler.OneCycleLR(sgd, max_lr=0.1, total_steps=6)
    losses = []
    for epoch in range(2):
        torch.manual_seed(3000 + epoch)
        network.train()
        order = torch.randperm(50)
        for index in (order[:16], order[16:32], order[32:48]):  # what is left over waits
            sgd.zero_grad()
            loss = F.cross_entropy(network(part.images[index]), part.labels[index])
            loss.backward()
            sgd.step(), cycle.step()
            losses.append(loss.item())
        network.eval()
    assert_same_weights(training.network, network)
    noted = [each.loss for each in training.history]
    assert noted == pytest.approx([sum(losses[:3]) / 3, sum(losses[3:]) / 3], rel=1e-5)
    right = (network(part.images).argmax(1) == part.labels).double().mean()
    assert training.history[-1].accuracy == pytest.approx(100 * float(right))
    assert all(0 < each.seconds < 100 for each in training.history)


def test_the_recipes_are_those_that_the_records_were_made_with():
    """Written down once more: to change one takes new records."""
    assert {name: tuple(recipe) for name, recipe in TRAINING.RECIPES.items()} == {
        "digits": (6, 50, 0.1, 1e-4, 0, False),
        "cifar10": (30, 256, 0.4, 5e-4, 4, True),
        "pictures": (30, 32, 0.1, 5e-4, 6, True),
    }
    assert TRAINING.WITHIN == 1


def test_a_training_is_described_by_all_that_must_be_the_same():
    train, val, test = (TRAINING.Part(torch.randn(n, 6), torch.arange(n) % 3) for n in (20, 5, 9))
    recipe = TRAINING.Recipe(2, 16, 0.1, 0.01)
    data = TRAINING.Data(train, val, test, list("abc"))
    found = TRAINING.described(TRAINING.begin(classifier, recipe, data, seed=4))
    everything = b"".join(each.numpy().tobytes() for each in (*train, *val))
    assert found.pop("pictures") == f"20 (checksum {zlib.crc32(everything):08x})"
    layers = {f"layer {name}": str(layer) for name, layer in classifier().named_children()}
    settings_ = {name: str(value) for name, value in recipe._asdict().items()}
    assert found == layers | settings_ | {"batch": "16", "seed": "4", "device": "cpu"}


def test_a_batch_is_no_larger_than_the_pictures():
    part = TRAINING.Part(torch.randn(10, 6), torch.arange(10) % 3)
    data = TRAINING.Data(part, part, part, list("abc"))
    training = TRAINING.begin(classifier, TRAINING.Recipe(1, 16, 0.1, 0.0), data, 0)
    assert (training.batch, training.steps) == (10, 1)
    assert TRAINING.Recipe(1, 16, 0.1, 0.0)[4:] == (0, False)


@pytest.mark.parametrize("only_head", [True, False])
def test_fine_tuning_is_sgd(only_head):
    part = TRAINING.Part(torch.randn(60, 6), torch.arange(60) % 3)
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        networks.append(classifier())
    ours, theirs = networks
    torch.manual_seed(1)
    option = {"only_head": True} if only_head else {}
    TRAINING.fine_tune(ours, ours[-1], part, 2, 0.1, **option)
    torch.manual_seed(1)
    trained = theirs[-1] if only_head else theirs
    sgd = torch.optim.SGD(trained.parameters(), lr=0.1, momentum=0.9)
    theirs.train(not only_head)
    for _ in range(2):
        order = torch.randperm(60)
        for index in (order[:25], order[25:50], order[50:]):
            theirs.zero_grad()
            F.cross_entropy(theirs(part.images[index]), part.labels[index]).backward()
            sgd.step()
    assert_same_weights(ours, theirs)
    assert [p.requires_grad for p in ours.parameters()] == [not only_head] * 4 + [True] * 2


def test_some_classes_are_chosen_and_numbered_anew():
    part = TRAINING.Part(torch.arange(10.0), torch.arange(10) % 5)
    images, labels = TRAINING.chosen(part, 2, 4)
    assert images.tolist() == [2, 3, 7, 8] and labels.tolist() == [0, 1, 0, 1]


def test_each_way_of_transfer_trains_what_it_says(monkeypatch):
    calls, fitted = [], []

    def note(network, head, part, epochs, lr, only_head=False):
        assert head is network.classifier and torch.bincount(part.labels).tolist() == [5] * 5
        stems = [each.stem.conv.weight for each in (network, fitted[0].network)]
        body, new = (
            torch.equal(*stems),
            not torch.equal(head.weight, fitted[0].network.classifier.weight),
        )
        calls.append((epochs, lr, only_head, body, new))

    def fit(training):
        assert training.recipe.epochs == 4 and training.data.train.labels.max() == 4
        fitted.append(training)
        return training

    monkeypatch.setitem(TRAINING.transfer.__globals__, "fine_tune", note)
    monkeypatch.setitem(TRAINING.transfer.__globals__, "fit", fit)
    # With the seed of the first training, a network that is new would look like the trained one.
    first = TRAINING.begin

    def begin(build_it, recipe, data, seed):
        assert seed == 7
        return first(build_it, recipe, data, seed + 1)

    monkeypatch.setitem(TRAINING.transfer.__globals__, "begin", begin)
    scores = TRAINING.transfer(TRAINING.digits(), TRAINING.RECIPES["digits"], 7)
    assert calls == [
        (80, 0.05, False, False, True),  # a new network
        (80, 0.1, True, True, True),  # the head
        (80, 0.05, False, True, True),  # everything
        (20, 0.1, True, True, True),  # the head, then everything
        (80, 0.05, False, True, True),
    ]
    assert list(scores) == list(TRAINING.HOW) and all(0 <= s <= 60 for s in scores.values())


def test_small_pictures_are_enlarged_and_large_ones_made_small():
    for side in (16, 192):
        grey = torch.rand(2, 1, side, side)
        expected = [
            np.asarray(Image.fromarray(x[0].numpy()).resize((96, 96), Image.Resampling.BILINEAR))
            for x in grey
        ]
        out = TRAINING.Enlarge()(grey)
        assert out.shape == (2, 3, 96, 96)
        for channel in out.unbind(1):
            assert_close(channel, torch.tensor(np.stack(expected)), rtol=0, atol=1e-4)


def test_steps_with_averaged_gradients_are_steps_with_the_whole_batch():
    images, labels, batches = torch.randn(30, 6), torch.arange(30) % 3, torch.arange(24)
    batches = batches.reshape(3, 8)
    results = []
    for shares in ([slice(None)], [slice(0, None, 2), slice(1, None, 2)]):
        torch.manual_seed(0)
        network = nn.Linear(6, 3).double()
        losses = TRAINING.run_steps(network, images.double(), labels, batches, shares)
        results.append((losses, network.weight))
    assert_close(results[0], results[1])
    torch.manual_seed(0)
    network = nn.Linear(6, 3).double()
    sgd, losses = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9), []
    for batch in batches:
        sgd.zero_grad()
        losses.append(F.cross_entropy(network(images[batch].double()), labels[batch]))
        losses[-1].backward()
        sgd.step()
    assert_close(results[0], (torch.stack(losses).detach(), network.weight))
    norms = TRAINING.batch_norms(classifier().append(nn.BatchNorm2d(3)))
    assert [type(norm) for norm in norms] == [nn.BatchNorm2d]


# ---------------------------------------------------------------- the device's chapter

DEVICE = definitions("device")


class Moved(TorchDispatchMode):
    """Bytes that copying reads and writes."""

    bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.copy_.default:
            self.bytes += 2 * args[0].nbytes
        return func(*args, **(kwargs or {}))


def test_the_ceilings_jobs_do_what_is_written_about_them():
    with torch.device("meta"):
        jobs = DEVICE.ceiling_jobs()
        for name in ("product", "convolution"):
            with FlopCounterMode(display=False) as counter:
                jobs[name]()
            assert counter.get_total_flops() == 2 * DEVICE.JOBS[name]
        for name in ("cache", "memory"):
            with Moved() as moved:
                jobs[name]()
            assert moved.bytes == DEVICE.JOBS[name]
    assert (DEVICE.JOBS["cache"], DEVICE.JOBS["memory"]) == (40e6, 512e6)
    assert (DEVICE.JOBS["product"], DEVICE.JOBS["convolution"]) == (2**30, 1_849_688_064)


def test_ceilings_are_work_in_a_second():
    times = dict(zip(DEVICE.JOBS, (2.0, 4.0, 0.5, 8.0), strict=True))
    timed = {name: DEVICE.Timing(ms, ms - 1, ms + 1) for name, ms in times.items()}
    machine = DEVICE.ceilings(timed)
    speed = {name: DEVICE.JOBS[name] / (ms / 1000) for name, ms in times.items()}
    assert machine.macs == max(speed["product"], speed["convolution"])
    assert (machine.cache, machine.memory) == (speed["cache"], speed["memory"])


def test_a_race_gives_median_and_tenths_in_milliseconds(monkeypatch):
    durations = iter([0.001 * n for n in (5, 1, 9, 3, 7, 20, 11, 13, 15, 17, 19)])
    asked = []

    class Timer:
        def __init__(self, stmt, globals, num_threads):
            asked.append((stmt, globals["run"](), num_threads))

        def timeit(self, number):
            assert number == 1
            return SimpleNamespace(median=next(durations))

    with monkeypatch.context() as patch:
        patch.setitem(DEVICE.race.__wrapped__.__globals__, "Timer", Timer)
        timed = DEVICE.race({"a": lambda: "ran"}, rounds=11)["a"]
    assert timed == pytest.approx((11, 3, 19))  # the second, and the last but one
    assert asked == [("run()", "ran", torch.get_num_threads())]
    calls = []
    few = DEVICE.race({"a": lambda: calls.append(1)})["a"]
    assert len(calls) == 3 * 9 and few.low <= few.median <= few.high


def test_a_race_runs_on_the_threads_that_are_set_and_keeps_no_gradients():
    seen = []

    def look():
        seen.append((torch.get_num_threads(), torch.is_inference_mode_enabled()))

    for threads in (2, 1):
        torch.set_num_threads(threads)
        DEVICE.race({"a": look}, rounds=1)
    assert seen == [(2, True)] * 3 + [(1, True)] * 3


@pytest.mark.parametrize("stride", [1, 2])
def test_the_jobs_of_a_layer_and_what_they_cost(stride):
    m, n, side = 4, 6, 8
    out = side // stride
    jobs = DEVICE.Layer(m, n, side, stride).jobs()
    x, y, z = m * side**2, m * out**2, n * out**2  # numbers that come, pass between, and go
    expected = {
        "standard": (9 * m * z, 4 * (x + 9 * m * n + z)),
        "depthwise": (9 * y, 4 * (x + 9 * m + y)),
        "pointwise": (m * z, 4 * (y + m * n + z)),
    }
    expected["separable"] = tuple(a + b for a, b in zip(*list(expected.values())[1:], strict=True))
    assert {name: tuple(cost) for name, (cost, _) in jobs.items()} == expected
    for name, (cost, job) in jobs.items():
        with FlopCounterMode(display=False) as counter:
            result = job()
        assert counter.get_total_flops() == 2 * cost.macs
        assert result.shape == (1, m if name == "depthwise" else n, out, out)
        assert cost.intensity == cost.macs / cost.bytes


def test_the_photographs_are_cuts_in_torchvisions_colours():
    cuts, again = DEVICE.photographs(3, seed=5), torch.Generator().manual_seed(5)
    photos = [torch.tensor(p).permute(2, 0, 1) / 255 for p in load_sample_images().images]
    for number, cut in enumerate(cuts):
        photo = photos[number % 2]
        top = int(torch.randint(photo.shape[1] - 223, (), generator=again))
        left = int(torch.randint(photo.shape[2] - 223, (), generator=again))
        window = photo[:, top : top + 224, left : left + 224]
        weights = MobileNet_V2_Weights.DEFAULT.transforms()
        assert_close(cut, normalize(window, weights.mean, weights.std))


def test_averages_count_all_batches_alike():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    batches = [torch.randn(n, 3, 5, 5) + n for n in (2, 4, 8)]
    network[1].running_mean.fill_(99)
    assert DEVICE.take_averages(network, batches) is network and not network.training
    with torch.no_grad():
        means = torch.stack([network[0](batch).mean((0, 2, 3)) for batch in batches])
    assert_close(network[1].running_mean, means.mean(0))
    spread = DEVICE.spread(nn.Identity(), torch.tensor([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]]))
    assert spread == 1.0


def test_costs_are_listed_in_order_and_leave_no_hook():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 5))
    found = DEVICE.costs(network, torch.zeros(1, 3, 4, 4))
    numbers = 48 + 4 * 27 + 16, 16 + 80 + 5
    assert [tuple(cost) for cost in found] == [(16 * 27, 4 * numbers[0]), (80, 4 * numbers[1])]
    assert not any(layer._forward_hooks for layer in network)


def test_folding_takes_a_bias_along_and_refuses_what_it_cannot_fold():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    network = DEVICE.take_averages(network.double(), [torch.randn(4, 3, 6, 6).double()])
    nn.init.uniform_(network[1].bias)
    x = torch.randn(2, 3, 6, 6).double()
    assert_close(DEVICE.fold_network(network)(x), network(x))
    for name, run in DEVICE.steps(network, x).items():
        assert_close(run(), network(x), msg=name)
    with pytest.raises(AssertionError):
        DEVICE.fold_network(nn.Sequential(nn.ReLU(), nn.BatchNorm2d(3)))

    class Twice(nn.Module):
        """What the convolution gives is read beside the norm as well."""

        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

        def forward(self, x):
            y = self.conv(x)
            return self.norm(y) + y

    with pytest.raises(AssertionError):
        DEVICE.fold_network(Twice())


def test_channels_last_moves_numbers_and_changes_none():
    x, layer = torch.randn(1, 3, 4, 4), nn.Conv2d(3, 5, 3)
    pixels, last = DEVICE.channels_last(x), DEVICE.channels_last(layer)
    assert torch.equal(pixels, x) and torch.equal(last.weight, layer.weight)
    for tensor in (pixels, last.weight):
        assert tensor.is_contiguous(memory_format=torch.channels_last)
    assert layer.weight.is_contiguous() and last is not layer


def test_the_peak_and_where_it_is():
    x = torch.zeros(1, 2, 4, 4)  # 128 bytes
    layers = nn.Conv2d(2, 8, 1), nn.ReLU(), nn.Conv2d(8, 4, 2), nn.Conv2d(4, 30, 1)
    traced = fx.symbolic_trace(nn.Sequential(*layers).eval())
    assert DEVICE.peak(traced, x) == (4 * (4 + 30) * 9, "_3")
    assert DEVICE.peak(fx.symbolic_trace(nn.Sequential(*layers[:3]).eval()), x) == (4 * 164, "_2")
    assert DEVICE.peak(fx.symbolic_trace(nn.Sequential(layers[0]).eval()), x) == (4 * 160, "_0")


def test_what_is_left_out_is_said_in_200_letters(capsys):
    DEVICE.left_out("it", ValueError("a\nb " + 300 * "c"))
    assert capsys.readouterr().out == "Left out: it. ValueError: a b " + 196 * "c" + "\n"


def test_weights_are_rounded_where_it_is_asked():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(), nn.Linear(4, 5))
    before = [layer.weight.clone() for layer in (network[0], network[2])]
    for per_channel in (True, False):
        everywhere = DEVICE.round_weights(network, per_channel)
        linear = DEVICE.round_weights(network, per_channel, lambda m: isinstance(m, nn.Linear))
        ours = [each[2].weight for each in (everywhere, linear)] + [everywhere[0].weight]
        expected = [DEVICE.rounded(w, per_channel) for w in (before[1], before[1], before[0])]
        assert all(torch.equal(a, b) for a, b in zip(ours, expected, strict=True))
        assert torch.equal(linear[0].weight, before[0])
    assert torch.equal(network[0].weight, before[0]) and torch.equal(network[2].weight, before[1])


def test_its_digits_are_enlarged_and_cut_in_two():
    learn, test = DEVICE.digits()
    pixels, labels = load_digits(return_X_y=True)
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(0))
    large = F.interpolate(
        torch.tensor(pixels, dtype=torch.float32).reshape(-1, 1, 8, 8), (32, 32), mode="bilinear"
    )
    for part, index in ((learn, order[:600]), (test, order[797:])):
        assert part.images.shape == (len(index), 3, 32, 32)
        assert_close(part.images, (large[index] / 8 - 1).expand(-1, 3, -1, -1))
        assert torch.equal(part.labels, torch.tensor(labels)[index])


def test_it_learns_by_sgd_with_one_cycle_and_takes_averages_in_the_end():
    part = DEVICE.Digits(torch.randn(150, 6, 1, 1), torch.arange(150) % 3)
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        networks.append(nn.Sequential(nn.Conv2d(6, 8, 1), nn.BatchNorm2d(8), *classifier(8)))
        networks[-1].pop(4)  # its norm is of another kind
    ours, theirs = networks
    torch.manual_seed(1)
    losses = list(DEVICE.train(ours.eval(), part, 2, 0.1))
    torch.manual_seed(1)
    sgd = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    cycle = torch.optim.lr_scheduler.OneCycleLR(sgd, max_lr=0.1, total_steps=6)
    expected = []
    for _ in range(2):
        order = torch.randperm(150)
        for index in (order[:50], order[50:100], order[100:]):
            sgd.zero_grad()
            loss = F.cross_entropy(theirs(part.images[index]), part.labels[index])
            loss.backward()
            sgd.step(), cycle.step()
        expected.append(loss.item())
    DEVICE.take_averages(theirs, [part.images[:100], part.images[100:]])
    assert losses == expected
    assert_same_weights(ours, theirs)
    logits = DEVICE.predict(ours, part)
    assert_close(logits, ours(part.images).detach())
    share = (logits.argmax(1) == part.labels).double().mean()
    assert DEVICE.accuracy(ours, part) == pytest.approx(100 * float(share))


def test_small_measures():
    assert DEVICE.agrees(torch.tensor([3.0, 4.5]), torch.tensor([3.0, 4.0])) == pytest.approx(0.1)
    assert DEVICE.is_depthwise(nn.Conv2d(4, 4, 3, groups=4))
    assert not DEVICE.is_depthwise(nn.Conv2d(4, 4, 3)) and not DEVICE.is_depthwise(nn.ReLU())
    assert DEVICE.row((1.234, None, 100)) == "      1.23         -    100.00"


def test_one_file_holds_the_onnx_network_and_nothing_is_said(tmp_path, capfd):
    layer, x = nn.Conv2d(3, 4, 1).eval(), torch.randn(1, 3, 8, 8)
    file = DEVICE.to_onnx(layer, x, tmp_path / "layer.onnx")
    assert list(tmp_path.iterdir()) == [file] and capfd.readouterr().out == ""
    assert_close(DEVICE.onnx_runner(file)(x), layer(x).detach())
