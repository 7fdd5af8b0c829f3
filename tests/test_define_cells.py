"""What the notebooks define besides the networks, each against a reference of its own.

Of the networks themselves the sizes stand in test_networks.py and the outputs in test_parity.py.
"""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.cbook import get_sample_data
from PIL import Image
from torch import nn
from torch.testing import assert_close
from torchvision.models import vgg16

from tests import counting
from tests.book import definitions

BASICS = ("convolution", "depthwise", "pointwise", "separable")  # these count a module and an input
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


@pytest.mark.parametrize("chapter", BASICS)
@pytest.mark.parametrize("training", [True, False])
def test_counting_a_module_changes_nothing_and_prints_nothing(chapter, training, capsys):
    module = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.Conv2d(5, 7, 1))
    module.train(training)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    assert definitions(chapter).count_macs(module, torch.randn(1, 3, 8, 9)) == 6 * 7 * (135 + 35)
    assert module.training == training and capsys.readouterr().out == ""
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_the_training_chapters_counters(capsys):
    notebook = definitions("training")
    network = notebook.small_mobilenet("separable", 0.5)
    count = notebook.count_macs(network, torch.zeros(1, 16, 16))
    assert network.training and not next(network.parameters()).is_meta, "a copy is counted"
    assert notebook.count_params(network) == counting.params(network)
    assert count == counting.macs(network, 1, 16, 16) and capsys.readouterr().out == ""


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


@pytest.mark.parametrize("chapter", NETWORKS)
def test_parameters_are_counted(chapter):
    network = build(chapter)
    count = getattr(definitions(chapter), "count_params", counting.params)
    assert count(network) == counting.params(network)


# ---------------------------------------------------------------- convolution


def test_convolutions_without_settings_move_by_one_and_pad_nothing():
    ours = definitions("convolution")
    x, weight = torch.randn(3, 7, 9), torch.randn(4, 3, 3, 3)
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
    assert_close(definitions(chapter).grace_hopper(), expected)


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
    assert not layer.weight.requires_grad
    matrix.zero_()
    assert layer.weight.any(), "the layer has weights of its own"


def test_the_layers_that_are_counted_are_v1s():
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
