"""The kernels and the networks compiled for them give PyTorch's answers, and each known mistake in
them is caught. Through wasmtime: the same bytes and the same calls as in the reader's browser.
"""

import random
from copy import deepcopy
from itertools import product
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from chapters.helpers import fold_network
from tests.book import definitions
from tests.kernels import checks, refused
from tests.kernels.checks import CLAMPS, LAYERS, Bench, Shape
from tests.pieces import averaged, cuts

K = definitions("kernels")
ENGINES = {"plain": False, "fused": True}
SIDES = (1, 2, 3, 5, 7, 9, 14, 15)
CHANNELS = (1, 3, 5, 12, 17, 24)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture(scope="module", params=ENGINES)
def bench(request) -> Bench:
    return Bench(K, ENGINES[request.param])


# Here every third shape is tried, by each test another third: together they try each shape that
# there is by each engine. Each week every test tries all of them.
thirds = pytest.mark.parametrize(
    "step", [pytest.param(3, id="a third"), pytest.param(1, id="all", marks=pytest.mark.weekly)]
)


# ---------------------------------------------------------------- each kernel


@thirds
@pytest.mark.parametrize(("size", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_depthwise(bench, size, stride, step):
    """Every side with every number of channels, and maps that are not square."""
    clamps = random.Random(0)
    for channels, side in [*product(CHANNELS, SIDES)][(size // 2 + stride) % step :: step]:
        shape = Shape(channels, channels, side, side, size, stride)
        checks.check_depthwise(bench, shape, clamps.choice(list(CLAMPS)))
    for clamp in CLAMPS:
        checks.check_depthwise(bench, Shape(12, 12, 5, 14, size, stride), clamp)
        checks.check_depthwise(bench, Shape(5, 5, 9, 2, size, stride), clamp)


@thirds
@pytest.mark.parametrize(("size", "stride"), [(1, 1), (1, 2), (3, 1), (3, 2), (5, 1), (5, 2)])
def test_dense(bench, size, stride, step):
    """Every side and number of channels in, some out; pictures; and by one place at a time."""
    some = random.Random(0)
    for channels, side in [*product(CHANNELS, SIDES)][(size // 2 + stride) % step :: step]:
        shape = Shape(channels, some.choice(CHANNELS), side, side, size, stride)
        widest = some.choice((1, 6))
        checks.check_dense(bench, shape, some.choice(list(CLAMPS)), widest=widest)
    for clamp, out in zip(CLAMPS, CHANNELS, strict=False):
        checks.check_dense(bench, Shape(3, out, 9, 14, size, stride), clamp, held=3)
        checks.check_dense(bench, Shape(12, out, 14, 5, size, stride), clamp, widest=1)


@thirds
def test_shapes_by_chance(bench, step):
    some = random.Random(1)
    for _ in range(100 // step):
        m, n, lines, columns = (some.randint(1, high) for high in (26, 26, 16, 16))
        size, stride, clamp = some.choice((3, 5)), some.choice((1, 2)), some.choice(list(CLAMPS))
        checks.check_depthwise(bench, Shape(m, m, lines, columns, size, stride), clamp)
        size, held = some.choice((1, 3, 5)), some.choice((m, m + 1, 0))
        shape = Shape(m, n, lines, columns, size, stride)
        checks.check_dense(bench, shape, clamp, held, some.choice((1, 6)))


def test_padding_and_operations(bench):
    for channels, lines, columns in product((3, 8, 24), (1, 5), (1, 2, 9)):
        checks.check_pad(bench, channels, lines, columns)
    for held, places in product((4, 8, 24), (1, 2, 9, 49, 225)):
        checks.check_operations(bench, held, places)
    for times in (1, 2, 50):
        checks.check_peak(bench, times)


def test_a_fused_kernel_multiplies_and_adds_in_one():
    """The two engines are not one engine twice: what 1 + 2^-12 squared has behind 1 + 2^-11 is
    rounded away, unless the sum is the first that is rounded.
    """
    number, rest = torch.tensor([1 + 2**-12]), torch.tensor([-1 - 2**-11])
    answers = []
    for fused in ENGINES.values():
        machine = Bench(K, fused).machine
        b, totals = (number, rest) if fused else (rest, number)
        machine.write(0, torch.cat([number.repeat(4), b.repeat(4), totals.repeat(48)]))
        machine.kernels["peak"](0, 1)
        answers.append(machine.read(32, 48).unique().tolist())
    assert answers == [[0.0], [2**-24]]


# ---------------------------------------------------------------- each layer, as it is compiled


@thirds
@pytest.mark.parametrize("activation", LAYERS)
def test_a_layer_is_compiled(bench, activation, step):
    """Its output's channels that are none are 0, also behind h-swish and the hard sigmoid."""
    some = random.Random(2)
    for channels in CHANNELS[[*LAYERS].index(activation) % step :: step]:
        out, side = some.choice(CHANNELS), some.choice(SIDES)
        checks.check_layer(bench, Shape(channels, out, 1, 1, 1, 1), "linear", activation)
        for size, stride in ((1, 1), (3, 1), (3, 2), (5, 1), (5, 2)):
            shape = Shape(channels, out, side, side, size, stride)
            checks.check_layer(bench, shape, "dense", activation)
            if channels > 3 and size > 1:  # a picture's 3 channels have no depthwise layer
                shape = shape._replace(n=channels)
                checks.check_layer(bench, shape, "depthwise", activation)


@thirds
@pytest.mark.parametrize("zeros", checks.ZEROS)
def test_zeros_in_a_layer_of_their_own(bench, zeros, step):
    """Odd maps and even ones, full filters and depthwise ones, also those that see no zero."""
    some = random.Random(3)
    shapes = [
        Shape(channels, some.choice(CHANNELS), side, side, size, stride)
        for channels, side, size, stride in product((3, 5, 12), (2, 3, 6, 9, 14), (3, 5), (1, 2))
        if side + sum(zeros) >= size
    ]
    for shape in shapes[checks.ZEROS.index(zeros) % step :: step]:
        activation = some.choice(list(LAYERS))
        checks.check_layer(bench, shape, "dense", activation, zeros)
        if shape.m > 3:
            checks.check_layer(bench, shape._replace(n=shape.m), "depthwise", activation, zeros)
    checks.check_layer(bench, Shape(12, 17, 5, 5, 1, 1), "dense", nn.ReLU6, zeros)
    checks.check_layer(bench, Shape(5, 9, 8, 8, 4, 3), "dense", nn.ReLU, zeros)


def test_a_kernel_may_read_behind_its_map(bench):
    checks.check_room_to_read(K, bench.fused)


def test_a_small_network_with_all_that_there_is(bench):
    """At sides that leave odd maps and even ones."""
    for side in (1, 2, 7, 14, 15, 20, 33):
        checks.check_small(K, bench.fused, side)
    for side in (12, 15, 18, 20, 33):  # each remainder by 4, odd maps and even ones
        checks.check_small(K, bench.fused, side, checks.Uneven)


# ---------------------------------------------------------------- what has no kernel


@pytest.mark.parametrize("name", refused.ALL)
def test_what_has_no_kernel_is_named(name):
    checks.check_refused(K, name)


@pytest.mark.parametrize("groups", [1, 8])
def test_a_map_smaller_than_its_filters_is_named(groups):
    """PyTorch takes none either."""
    for zeros, side, size in (((0, 0), 2, 3), ((0, 1), 3, 5), ((1, 0), 1, 3)):
        filters = nn.Conv2d(8, 8, size, groups=groups)
        for before in (zeros, zeros[::-1]):
            network = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ZeroPad2d(before * 2), filters)
            with pytest.raises(RuntimeError, match="can't be greater"):
                network(torch.zeros(1, 3, side, side))
            with pytest.raises(ValueError, match=rf"Conv2d\(8.*a map of {side} is too small"):
                K.compile_network(network, side)
            K.compile_network(network, side + 1)


@pytest.mark.parametrize("name", refused.ACCEPTED)
def test_what_no_mobilenet_has_but_the_kernels_do(name):
    checks.check_accepted(K, name)


# ---------------------------------------------------------------- whole networks

DEVICE = definitions("device")
NETWORKS = {  # name: chapter, what it is built with
    "V1": ("v1", {}),
    "V2": ("v2", {}),
    "V3-Large": ("v3", {"variant": "large"}),
    "V3-Small": ("v3", {"variant": "small"}),
    "V4-Conv-S": ("v4", {"variant": "conv_small"}),
    "V1, half as wide": ("v1", {"width_mult": 0.5}),
    "V2, half as wide": ("v2", {"width_mult": 0.5}),
}
OTHER_SIDES = {
    "V1, half as wide": 225,
    "V2, half as wide": 160,
    "V3-Large": 160,
    "V3-Small": 225,
    "V4-Conv-S": 96,
}
WHOLE = {"V1": 225, "V2": 160}  # of the same layers as the first two, with more channels


class Case(NamedTuple):
    """A network with the averages of photographs, two other cuts, one of each, and its answers."""

    network: nn.Module  # folded, in 32 bits
    pictures: Tensor
    expected: Tensor  # in 64 bits, of the network with its batch norms
    usual: Tensor  # by PyTorch, in 32 bits


@torch.no_grad()
def case(name: str, side: int) -> Case:
    chapter, options = NETWORKS[name]
    network, pictures = averaged(chapter, **options), cuts(2, seed=2)
    if side != 224:
        pictures = interpolate(pictures, side, mode="bilinear", antialias=True)
    folded = fold_network(network).float()
    return Case(folded, pictures, network(pictures.double()), folded(pictures))


@pytest.fixture(scope="module", params=NETWORKS)
def whole(request) -> tuple[str, Case]:
    return request.param, case(request.param, 224)


def assert_same_answers(ours: Tensor, wanted: Case, what: str) -> None:
    """Random weights make much of small differences: PyTorch, in 32 bits, is as far from the answer
    in 64 bits as the kernels are.
    """
    error, usual = (checks.relative(each, wanted.expected) for each in (ours, wanted.usual))
    spread = checks.relative(wanted.expected.mean(0).expand_as(ours), wanted.expected)
    print(f"{what}: {error:.1e}, PyTorch {usual:.1e}, pictures differ by {spread:.1e}")
    assert error < 1e-5
    assert error < 3 * usual
    assert spread > 1000 * error  # an answer that does not look at its picture would be far off


@pytest.fixture(scope="module")
def plain(whole) -> Tensor:
    """By the plain engine, for two tests."""
    _, wanted = whole
    return checks.answers(K, wanted.network, wanted.pictures, False)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_gives_its_answers(whole, plain, engine):
    name, wanted = whole
    ours = plain
    if ENGINES[engine]:
        ours = checks.answers(K, wanted.network, wanted.pictures, True)
    assert_same_answers(ours, wanted, f"{name}, {engine}")


def test_no_value_is_overwritten_while_it_is_needed(whole, plain):
    """The same answer, bit for bit, where each value has a place of its own."""
    name, wanted = whole
    apart = definitions("kernels", "free.pop() if free else max(slots) + 1", "max(slots) + 1")
    theirs = checks.answers(apart, wanted.network, wanted.pictures[:1], False)
    assert torch.equal(plain[:1], theirs)
    shared, own = (k.compile_network(wanted.network, 224).bytes for k in (K, apart))
    assert shared < 0.8 * own


@pytest.mark.parametrize(
    "name, side",
    [
        *OTHER_SIDES.items(),
        *(pytest.param(*each, marks=pytest.mark.weekly) for each in WHOLE.items()),
    ],
)
def test_a_network_gives_its_answers_at_another_side(name, side):
    wanted = case(name, side)
    ours = checks.answers(K, wanted.network, wanted.pictures, fused=False)
    assert_same_answers(ours, wanted, f"{name} at {side}")


# ---------------------------------------------------------------- values that are kept


@torch.no_grad()
def lite0() -> tuple[nn.Module, nn.Module]:
    """EfficientNet-Lite0, folded: with TensorFlow's padding as its chapter does it, and with as
    many zeros in layers of their own, for a picture of 224×224.
    """
    trained = definitions("trained")
    theirs = trained.EfficientNetLite0().eval()
    DEVICE.take_averages(theirs, [cuts(8, seed=1)])
    for unit in trained.units(theirs):
        unit.conv, unit.norm = K.fold(unit.conv, unit.norm), nn.Identity()
    ours, side = deepcopy(theirs), 224
    for unit in trained.units(ours):
        if hasattr(unit, "pad"):
            added = unit.pad(torch.zeros(1, 1, side, side)).shape[-1] - side
            before = added // 2
            unit.pad = nn.ZeroPad2d((before, added - before) * 2)
            side //= 2
    return ours, theirs


def test_each_value_of_v2_is_kept():
    folded = fold_network(averaged("v2")).float()
    checks.check_kept(K, folded, cuts(1, seed=2)[0], fused=False)


def test_each_value_of_lite0_is_kept():
    """And its answer is the one with TensorFlow's padding, which is another than PyTorch's."""
    ours, theirs = lite0()
    pictures = cuts(1, seed=2)
    checks.check_kept(K, ours, pictures[0], False, theirs)
    zeros = [each.padding for each in ours.modules() if isinstance(each, nn.ZeroPad2d)]
    assert zeros == [(0, 1, 0, 1), (0, 1, 0, 1), (1, 2, 1, 2), (0, 1, 0, 1), (1, 2, 1, 2)]
    program = K.compile_network(ours, 224)
    assert sum(call[0] == "pad" for call in program.calls) == 17
