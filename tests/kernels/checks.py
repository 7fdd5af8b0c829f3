"""What is asked of the kernels and of what is compiled for them: each against PyTorch in float64.

`test_parity.py` asks it of the notebook's definitions, `test_define_cells.py` of definitions with a
mistake. The layouts are written here once more, so that a mistake in the notebook's is seen.
"""

import math
import re
from copy import deepcopy
from functools import cache, lru_cache, partial
from itertools import product
from types import SimpleNamespace
from typing import NamedTuple

import torch
import torch.nn.functional as F
import wasmtime
from torch import Tensor, nn

from tests.kernels import refused

# Of the sum of what a kernel adds up, without signs. One sum has at most 600 products here, each
# rounded to 2^-24 of itself, and so is each partial sum: errors that all pointed the same way would
# reach 600 × 2^-24, or 4e-5. They do not: the largest that was seen is 3e-7. A tap that is missing
# or one that is too many is a thousandth at least.
CLOSE = 1e-6

HIGH = 3e38
CLAMPS = {  # lowest, highest, is it h-swish; and the same by PyTorch
    "none": (-HIGH, HIGH, 0, lambda y: y),
    "relu": (0.0, HIGH, 0, F.relu),
    "relu6": (0.0, 6.0, 0, F.relu6),
    "swish": (0.0, 6.0, 1, F.hardswish),
    "between": (-1.5, 0.25, 0, lambda y: y.clamp(-1.5, 0.25)),
}
LAYERS = {
    None: lambda y: y,
    nn.ReLU: F.relu,
    nn.ReLU6: F.relu6,
    nn.Hardsigmoid: F.hardsigmoid,
    nn.Hardswish: F.hardswish,
}
FILLED = (math.nan, 1e4)  # what stands everywhere else in memory: it may not be read, nor changed


def multiple(number: int, of: int = 8) -> int:
    return math.ceil(number / of) * of


def side_by_side(x: Tensor, held: int) -> Tensor:
    """(channels, lines, columns) -> (lines, columns, held), with zeros for missing channels."""
    return F.pad(x, (0, 0, 0, 0, 0, held - len(x))).permute(1, 2, 0)


def assert_near(ours: Tensor, expected: Tensor, added: Tensor, what: str) -> None:
    """`added`: the sums of what was added up, without signs."""
    assert ours.shape == expected.shape, f"{what}: {ours.shape}, not {expected.shape}"
    error = (ours.double() - expected).abs() / added.clamp(min=1e-30)
    worst = float(error.max())  # a NaN is not near
    assert worst < CLOSE, f"{what}: an error of {worst:.1e}"


ENGINE = wasmtime.Engine()


@lru_cache(maxsize=4)
def compiled(code: bytes) -> wasmtime.Module:
    return wasmtime.Module(ENGINE, code)


COMPILED_ONCE = SimpleNamespace(
    **{name: each for name, each in vars(wasmtime).items() if name not in ("Store", "Module")},
    Store=partial(wasmtime.Store, ENGINE),
    Module=lambda engine, code: compiled(code),
)


def machine(k: SimpleNamespace, fused: bool, size: int):
    """The notebook's machine. Its kernels are written and compiled once: the same bytes become the
    same machine code. An instance and its memory are of this machine alone.
    """
    codes = vars(k).setdefault("codes", {})
    if fused not in codes:
        codes[fused] = k.assemble(k.all_kernels(fused))
    namespace = k.Machine.__init__.__globals__
    usual, namespace["wasmtime"] = namespace["wasmtime"], COMPILED_ONCE
    try:
        return k.Machine(codes[fused], size)
    finally:
        namespace["wasmtime"] = usual


class Bench:
    """The kernels of one engine, and a memory in which what they touch is seen."""

    def __init__(self, k: SimpleNamespace, fused: bool, size: int = 2**19):
        self.k, self.fused = k, fused
        self.machine = machine(k, fused, size)
        self.floats = self.machine.floats

    def clear(self, filled: float) -> None:
        self.floats.fill_(filled)
        self.end = 256

    def put(self, numbers: Tensor) -> int:
        address = self.room(numbers.numel())
        self.floats[address // 4 :][: numbers.numel()] = numbers.flatten()
        return address

    def room(self, count: int) -> int:
        """With a gap before it and behind: 16 bytes that no one may need to be aligned."""
        address = self.end
        self.end = address + multiple(4 * count, 16) + 512
        return address

    def call(self, name: str, *arguments, writes: tuple[int, int]) -> None:
        """And look that nothing is changed but `writes`: an address, and how many numbers."""
        before = self.floats.view(torch.int32).clone()
        self.machine.kernels[name](*arguments)
        changed = (self.floats.view(torch.int32) != before).nonzero().flatten()
        first, count = writes[0] // 4, writes[1]
        outside = (changed < first) | (changed >= first + count)
        assert not outside.any(), f"{name} writes at {changed[outside][:4].tolist()}"

    def map(self, address: int, *shape: int) -> Tensor:
        return self.floats[address // 4 :][: math.prod(shape)].view(shape).clone()


# ---------------------------------------------------------------- each kernel alone


class Shape(NamedTuple):
    """Of a layer: its map and its filters."""

    m: int
    n: int
    lines: int
    columns: int
    size: int
    stride: int

    def numbers(self, groups: int) -> tuple[Tensor, Tensor, Tensor]:
        """A map, weights and a bias. What they give lies on both sides of every clamp."""
        x = torch.randn(self.m, self.lines, self.columns)
        weight = torch.randn(self.n, self.m // groups, self.size, self.size)
        return x, weight * 4 / math.sqrt(weight[0].numel()), torch.randn(self.n)

    def answer(self, x, weight, bias, groups: int, zeros: tuple = ()) -> tuple[Tensor, Tensor]:
        """Before the activation, and the sums without signs. `zeros`: above and before the map,
        below and behind it.
        """
        settings, rim = (self.stride, 0, 1, groups), self.size // 2
        x = F.pad(x.double(), (zeros or (rim, rim)) * 2)
        weight, bias = weight.double(), bias.double()
        added = F.conv2d(x.abs(), weight.abs(), bias.abs(), *settings)
        return F.conv2d(x, weight, bias, *settings), added


def check_depthwise(bench: Bench, shape: Shape, clamp: str) -> None:
    """It may write up to three places too many behind the map's end, and nowhere else."""
    x, weight, bias = shape.numbers(shape.m)
    y, added = shape.answer(x, weight, bias, shape.m)
    low, high, swish, function = CLAMPS[clamp]
    held, rim, taps = multiple(shape.m), shape.size // 2, shape.size**2
    lines, columns = y.shape[1:]
    step = 4 * held
    filters = F.pad(weight.flatten(1), (0, 0, 0, held - shape.m))
    for filled in FILLED:
        bench.clear(filled)
        x_at = bench.put(side_by_side(F.pad(x, (rim,) * 4), held))
        bench.room(8 * held)  # what it reads too much
        w_at = bench.put(torch.stack([four.mT for four in filters.split(4)]))
        assert len(filters.split(4)[0].mT) == taps
        b_at = bench.put(F.pad(bias, (0, held - shape.m)))
        too_many = -columns % 4
        y_at = bench.room((lines * columns + too_many) * held)
        sizes = lines, columns, step, (shape.columns + 2 * rim) * step, columns * step
        writes = y_at, (lines * columns + too_many) * held
        name = f"depthwise{shape.size}{shape.stride}"
        arguments = x_at, w_at, b_at, y_at, *sizes, low, high, swish
        bench.call(name, *arguments, writes=writes)
        expected, sums = (side_by_side(each, held) for each in (function(y), added))
        assert_near(bench.map(y_at, lines, columns, held), expected, sums, f"{name} {shape}")


def check_dense(bench: Bench, shape: Shape, clamp: str, held: int = 0, widest: int = 6) -> None:
    """Six places at a time, and what is left one by one; all one by one with a `widest` of 1."""
    x, weight, bias = shape.numbers(1)
    y, added = shape.answer(x, weight, bias, 1)
    low, high, swish, function = CLAMPS[clamp]
    held, out, rim = held or multiple(shape.m), multiple(shape.n), shape.size // 2
    lines, columns = y.shape[1:]
    step, line = 4 * held, 4 * held * (shape.columns + 2 * rim)
    full = torch.zeros(out, shape.size, shape.size, held)
    full[: shape.n, :, :, : shape.m] = weight.permute(0, 2, 3, 1)
    for filled in FILLED:
        bench.clear(filled)
        x_at = bench.put(side_by_side(F.pad(x, (rim,) * 4), held))
        w_at = bench.put(torch.stack([eight.flatten(1).mT for eight in full.split(8)]))
        b_at = bench.put(F.pad(bias, (0, out - shape.n)))
        y_at = bench.room(lines * columns * out)
        whole = columns // 6 * 6 if widest == 6 else 0
        for places, first, count in ((6, 0, whole), (1, whole, columns - whole)):
            if count:
                from_, to = x_at + first * shape.stride * step, y_at + first * 4 * out
                lines_ = out // 8, lines, shape.stride * line, columns * 4 * out
                window = shape.size, line, shape.size * step
                sizes = *lines_, count, shape.stride * step, 4 * out, *window
                arguments = from_, w_at, b_at, to, *sizes, low, high, swish
                writes = y_at, lines * columns * out
                bench.call(f"dense{places}", *arguments, writes=writes)
        expected, sums = (side_by_side(each, out) for each in (function(y), added))
        assert_near(bench.map(y_at, lines, columns, out), expected, sums, f"dense {shape}")


def check_pad(bench: Bench, channels: int, lines: int, columns: int) -> None:
    """With as much on each side as nobody else has."""
    top, bottom, left, right = 2, 1, 1, 3
    x, step = torch.randn(lines, columns, channels), 4 * channels
    expected = F.pad(x, (0, 0, left, right, top, bottom))
    bench.clear(FILLED[0])
    x_at, y_at = bench.put(x), bench.room(expected.numel())
    line = (columns + left + right) * step
    sizes = top * line, bottom * line, left * step, lines, columns * step, line
    bench.call("pad", x_at, y_at, *sizes, writes=(y_at, expected.numel()))
    assert torch.equal(bench.map(y_at, *expected.shape), expected), "pad"


def check_operations(bench: Bench, held: int, places: int) -> None:
    """add, scale, mean and copy. One operation on a number is rounded as PyTorch rounds it."""
    x, z, gate = torch.randn(places, held), torch.randn(places, held), torch.rand(held)
    step, count = 4 * held, places * held
    bench.clear(FILLED[0])
    x_at, z_at, gate_at = bench.put(x), bench.put(z), bench.put(gate)
    for name, arguments, expected in (
        ("add", lambda y: (x_at, z_at, y, places * step), x + z),
        ("scale", lambda y: (x_at, gate_at, y, places, step), x * gate),
        ("copy", lambda y: (x_at, y, places * step), x),
    ):
        y_at = bench.room(count)
        bench.call(name, *arguments(y_at), writes=(y_at, count))
        assert torch.equal(bench.map(y_at, places, held), expected), name
    y_at = bench.room(held)
    bench.call("mean", x_at, y_at, places, step, 1 / places, writes=(y_at, held))
    added = x.double().abs().mean(0)
    assert_near(bench.map(y_at, held), x.double().mean(0), added, f"mean of {places}")


def check_peak(bench: Bench, times: int) -> None:
    """A total is a summand if both operations are one, and else a factor."""
    a, b, y = torch.rand(4), torch.randn(4), torch.randn(12, 4)
    bench.clear(FILLED[0])
    at = bench.put(torch.cat([a, b, y.flatten()]))
    bench.call("peak", at, times, writes=(at + 32, 48))
    expected, added = y.double(), y.double().abs()
    for _ in range(times):
        if bench.fused:
            expected, added = expected + a * b, added + (a * b).abs()
        else:
            expected, added = expected * a + b, added * a + b.abs()
    assert_near(bench.map(at + 32, 12, 4), expected, added, "peak")


# ---------------------------------------------------------------- what is compiled


class Sized(NamedTuple):
    """A map in memory, and how many places of a line may be written, to a multiple of what."""

    side: int
    held: int
    by: int = 1

    @property
    def numbers(self) -> int:
        """The places that are too many in the last line stand behind the map."""
        return (self.side**2 + -self.side % self.by) * self.held


def run_watched(bench: Bench, program, x: Tensor, padded: Sized, out: Sized) -> None:
    """The calls of one layer, each of which may write into its own map and nowhere else."""
    bench.machine.write(program.picture, x)
    for name, *numbers in program.calls:
        at, room = (numbers[1], padded) if name == "pad" else (program.answer, out)
        bench.call(name, *numbers, writes=(at, room.numbers))


def maps_left(
    bench: Bench, network: nn.Module, x: Tensor, n: int, side: int, zeros: int
) -> list[Tensor]:
    """All that one layer leaves in memory: (side, side, held), once for each of FILLED.

    `zeros`: how many a line of its map gets, on both sides together.
    """
    k, found = bench.k, []
    held = 3 if len(x) == 3 else multiple(len(x))
    program = k.compile_network(network, x.shape[-1], held)
    assert program.bytes <= 4 * len(bench.floats), "the bench is too small"
    assert program.classes == n
    by = 4 if any(name.startswith("depthwise") for name, *_ in program.calls) else 1
    sizes = Sized(x.shape[-1] + zeros, held), Sized(side, multiple(n), by)
    for filled in FILLED:
        bench.clear(filled)
        bench.floats[: len(program.weights)] = program.weights
        run_watched(bench, program, side_by_side(x, held), *sizes)
        found.append(bench.map(program.answer, side, side, multiple(n)))
    return found


@torch.no_grad()
def check_layer(
    bench: Bench, shape: Shape, kind: str, activation: type | None, zeros: tuple = ()
) -> None:
    """A layer as the compiler calls it, with channels that nobody has left at 0.

    `zeros`: what a layer in front puts around its map; empty if the convolution does it.
    """
    groups, rim = shape.m if kind == "depthwise" else 1, shape.size // 2
    x, weight, bias = shape.numbers(groups)
    settings = shape.size, shape.stride, 0 if zeros else rim, 1, groups
    if kind == "linear":
        layer = nn.Linear(shape.m, shape.n)
        network = nn.Sequential(nn.Flatten(), layer)
    else:
        layer = nn.Conv2d(shape.m, shape.n, *settings)
        network = nn.Sequential(*[nn.ZeroPad2d(zeros * 2)] * bool(zeros), layer)
    layer.weight.copy_(weight.view_as(layer.weight))
    layer.bias.copy_(bias)
    if activation:
        network.append(activation())
    y, added = shape.answer(x, weight, bias, groups, zeros)
    if activation is nn.Hardsigmoid:
        added = added + 3  # is added too, and may be all that a window without a map has
    held, around = multiple(shape.n), sum(zeros or (rim, rim))
    expected, sums = (side_by_side(each, held) for each in (LAYERS[activation](y), added))
    for ours in maps_left(bench, network, x, shape.n, y.shape[-1], around):
        assert_near(ours, expected, sums, f"{kind} {shape} {zeros} {activation}")
        assert not ours[..., shape.n :].any(), "a channel that is none is not 0"


class Small(nn.Module):
    """All that a MobileNet has, in a few layers, none of whose widths is a multiple of 8."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 12, 3, 2, 1), nn.Hardswish())
        self.wide = nn.Sequential(nn.Conv2d(12, 20, 1), nn.ReLU6())
        self.filter = nn.Sequential(nn.Conv2d(20, 20, 5, 1, 2, groups=20, bias=False), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.gate = nn.Sequential(
            nn.Conv2d(20, 5, 1), nn.ReLU(), nn.Conv2d(5, 20, 1), nn.Hardsigmoid()
        )
        self.narrow = nn.Conv2d(20, 12, 1)
        self.smaller = nn.Sequential(nn.Conv2d(12, 12, 3, 2, 1, groups=12), nn.Hardswish())
        self.drop, self.last = nn.Dropout(0.2), nn.Linear(12, 7)

    def forward(self, x):
        x = self.stem(x)
        wide = self.filter(self.wide(x))
        wide = wide * self.gate(self.pool(wide))
        x = self.smaller(x + self.narrow(wide))
        return self.last(self.drop(self.pool(x).flatten(1)))


ZEROS = ((0, 1), (1, 2), (2, 1), (1, 1), (0, 0), (1, 0), (3, 6))  # before a map and behind it


class Uneven(nn.Module):
    """Zeros in layers of their own: around a picture, behind an activation, for two layers at once,
    around what is read elsewhere without them; one layer of zeros twice.
    """

    def __init__(self):
        super().__init__()
        self.far, self.both = nn.ZeroPad2d((0, 1, 0, 1)), nn.ZeroPad2d((1, 2, 1, 2))
        self.stem, self.act = nn.Conv2d(3, 12, 3, 2), nn.ReLU6()
        self.one = nn.Conv2d(12, 12, 5, 2, groups=12)
        self.other = nn.Sequential(nn.Conv2d(12, 12, 5, 2), nn.Hardswish())
        self.same, self.pool = nn.Conv2d(12, 12, 4, groups=1), nn.AdaptiveAvgPool2d(1)
        self.next = nn.Sequential(self.far, nn.Conv2d(12, 20, 3, 2), nn.ReLU())
        self.last = nn.Linear(20, 7)

    def forward(self, x):
        x = self.both(self.act(self.stem(self.far(x))))
        x = self.one(x) + self.other(x)
        x = x + self.same(self.both(x))
        return self.last(self.pool(self.next(x)).flatten(1))


def compile_behind(k: SimpleNamespace, before: int, network: nn.Module, side: int, held: int = 3):
    """What `compile_network` gives, with all addresses so many bytes later."""

    class Shifted(k.Memory):
        def __init__(self):
            super().__init__()
            self.end = before

    namespace = k.compile_network.__globals__
    usual, namespace["Memory"] = namespace["Memory"], Shifted
    try:
        return k.compile_network(network, side, held)
    finally:
        namespace["Memory"] = usual


def answers(k: SimpleNamespace, network: nn.Module, pictures: Tensor, fused: bool) -> Tensor:
    """What a network answers (N, classes) to pictures (N, channels, side, side), by the kernels.

    What no one wrote is a NaN, so nobody reads it. The memory ends where the program says: a
    machine's memory is whole pages of 64 KiB, so the program begins late enough to fill the last.
    """
    held, side = pictures.shape[1:3]
    size = k.compile_network(network, side, held).bytes
    before = -size % 2**16
    program = compile_behind(k, before, network, side, held)
    it = machine(k, fused, program.bytes)
    assert 4 * len(it.floats) == program.bytes == before + size
    it.floats.fill_(math.nan)
    it.write(before, program.weights)
    found = torch.stack([k.run(it, program, picture) for picture in pictures])
    assert it.floats[: before // 4].isnan().all(), "something is written before its place"
    kept = it.read(before, len(program.weights))
    assert torch.equal(kept, program.weights), "weights were overwritten"
    kept, picture = it.read(program.picture, held * side**2), pictures[-1].permute(1, 2, 0)
    assert torch.equal(kept, picture.flatten()), "the picture was overwritten"
    assert dense_places(program.calls) == places_of(network, pictures[:1])
    return found


def dense_places(calls: list[tuple]) -> list[int]:
    """At how many places dense layers are computed, each once or twice, layer by layer."""
    found = {}
    for kernel, _, weights, *rest in calls:
        if kernel.startswith("dense"):
            _, y, _, lines, _, y_line, width, _, y_step, *_ = rest
            places = {y + i * y_line + j * y_step for i in range(lines) for j in range(width)}
            found.setdefault(weights, set()).update(places)
    return [len(places) for places in found.values()]


@torch.no_grad()
def places_of(network: nn.Module, picture: Tensor) -> list[int]:
    """How many there are, by PyTorch."""
    found = []
    handles = [
        each.register_forward_hook(lambda _m, _x, y: found.append(y[0, 0].numel()))
        for each in network.modules()
        if isinstance(each, nn.Linear) or (isinstance(each, nn.Conv2d) and each.groups == 1)
    ]
    network(picture)
    for handle in handles:
        handle.remove()
    return found


@torch.no_grad()
def relative(ours: Tensor, expected: Tensor) -> float:
    return float((ours.double() - expected).norm() / expected.norm())


@torch.no_grad()
def check_small(k: SimpleNamespace, fused: bool, side: int, kind: type = Small) -> None:
    network, x = kind().eval(), torch.randn(2, 3, side, side)
    for each in network.modules():
        if isinstance(each, nn.Conv2d | nn.Linear):
            each.weight.mul_(2)
    if not fused:
        check_kept(k, network, x[0], fused)
    error = relative(answers(k, network, x, fused), network.double()(x.double()))
    assert error < 1e-5, f"{kind.__name__} at {side}: an error of {error:.1e}"


@torch.no_grad()
def check_room(k: SimpleNamespace, fused: bool) -> None:
    """A depthwise layer alone, whose map is the last in memory: of 5 places in a line, it writes 8.
    Only its first place is an answer.
    """
    for size, stride in ((3, 1), (5, 2)):
        layer = nn.Conv2d(8, 8, size, stride, size // 2, groups=8)
        x = torch.randn(1, 8, 4 * stride + 1, 4 * stride + 1)
        network = nn.Sequential(layer)
        error = relative(answers(k, network, x, fused), layer.double()(x.double())[..., 0, 0])
        assert error < CLOSE


@torch.no_grad()
def check_room_to_read(k: SimpleNamespace, fused: bool) -> None:
    """A depthwise layer without any zeros, whose map is the last in memory. Of a line of 3 places
    its kernel reads 9. A place of 16 channels has 64 bytes: nothing is left over at the end.
    """
    for size in (3, 5):
        filters = nn.Conv2d(16, 16, size, 2, groups=16)
        pointwise = [nn.Conv2d(16, 16, 1) for _ in range(2)]
        network = nn.Sequential(*pointwise, nn.ZeroPad2d(0), filters)
        x = torch.randn(1, 16, size, size)
        error = relative(answers(k, network, x, fused), network.double()(x.double()).flatten(1))
        assert error < CLOSE


# ---------------------------------------------------------------- values that are kept


@torch.no_grad()
def seen(network: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """What each layer with weights answers to a map (channels, side, side), in float64, by name."""
    found, network = {}, deepcopy(network).double()
    for name, each in network.named_modules():
        if isinstance(each, nn.Conv2d | nn.Linear):
            each.register_forward_hook(lambda _m, _x, y, name=name: found.update({name: y}))
    network(x[None].double())
    return {name: (y[0] if y.dim() == 4 else y[0, :, None, None]) for name, y in found.items()}


def without_weights(kind: str, x: Tensor, z: Tensor) -> Tensor:
    """A step by PyTorch, of what it reads."""
    return {"add": x + z, "scale": x * z, "mean": x.mean((1, 2), keepdim=True)}[kind]


def check_apart(program, x: Tensor) -> None:
    """Weights, the picture, the map with its zeros, each value: none overlaps another."""
    found = [(0, 4 * len(program.weights)), (program.picture, 4 * x.numel())]
    found += [(each.output, each.map.bytes()) for each in program.places]
    pads = [call for call in program.calls if call[0] == "pad"]
    assert len({call[2] for call in pads}) <= 1
    sizes = [above + below + lines * line for *_, above, below, _, lines, _, line in pads]
    found += [(call[2], max(sizes)) for call in pads[:1]]
    ends = sorted((start, start + size) for start, size in found)
    for (_, end), (start, _) in zip(ends, ends[1:] + [(program.bytes, 0)], strict=True):
        assert end <= start, "two places overlap"


def left_by(k: SimpleNamespace, program, x: Tensor, fused: bool) -> tuple[Tensor, Tensor]:
    """The answer, and all of memory behind it."""
    it = machine(k, fused, program.bytes)
    it.floats.fill_(math.nan)
    it.write(0, program.weights)
    return k.run(it, program, x), it.floats.clone()


def check_weights(place, layer: nn.Module, floats: Tensor) -> None:
    """The first of each stands where the place says. The hard sigmoid's are divided."""
    bias = torch.zeros(1) if layer.bias is None else layer.bias
    divided, more = (6, 0.5) if place.step.activation is nn.Hardsigmoid else (1, 0)
    first = layer.weight.flatten()[0] / divided, bias[0] / divided + more
    assert tuple(floats[at // 4] for at in place.weights) == first, place.step.name


def check_calls(program) -> None:
    """Each place has as many calls as are its layer's, or its operation's, and none is left."""
    calls = iter(program.calls)
    for place in program.places:
        own = [next(calls) for _ in range(place.calls)]
        found = {call[2:4] if place.weights else call[0] for call in own if call[0] != "pad"}
        assert found == {place.weights or place.step.kind}, place.step.name
    assert next(calls, None) is None, "more calls than places have"


@torch.no_grad()
def check_kept(
    k: SimpleNamespace, network: nn.Module, x: Tensor, fused: bool, theirs: nn.Module | None = None
) -> None:
    """With `keep` each value is there in the end, as PyTorch's hooks see it. `theirs`: the network
    that PyTorch runs, if it is another.
    """
    sizes = x.shape[-1], *[len(x)] * (len(x) != 3)  # a picture's channels go without saying
    usual, kept = k.compile_network(network, *sizes), k.compile_network(network, *sizes, keep=True)
    check_apart(kept, x)
    assert usual.bytes < kept.bytes, "no value takes the place of another"
    (ours, floats), (wanted, _) = (left_by(k, each, x, fused) for each in (kept, usual))
    assert torch.equal(ours, wanted), "another answer where values are kept"
    for program in (kept, usual):
        check_calls(program)
    assert [each._replace(step=0, output=0) for each in kept.places] == [
        each._replace(step=0, output=0) for each in usual.places
    ]
    expected, values = seen(theirs or network, x), [x.double()]
    names = [each.step.name for each in kept.places if each.weights]
    assert names == list(expected), "layers by other names, or in another order"
    for place in kept.places:
        step, (channels, side, held) = place.step, place.map
        if place.weights:
            check_weights(place, network.get_submodule(step.name), floats)
            value = LAYERS[step.activation](expected[step.name])
        else:
            value = without_weights(step.kind, *(values[step.inputs[i]] for i in (0, -1)))
        values.append(value)
        stands = floats[place.output // 4 :][: side**2 * held].view(side, side, held)
        error = relative(stands[..., :channels].permute(2, 0, 1), value)
        assert value.shape == (channels, side, side) and error < 1e-4, f"{step.name}: {error:.1e}"


# ---------------------------------------------------------------- what has no kernel


@cache
@torch.no_grad()
def run_by_pytorch(name: str) -> None:
    network, _ = refused.ALL[name]
    network.eval()(torch.randn(1, 3, refused.SIDE, refused.SIDE))


@torch.no_grad()
def check_refused(k: SimpleNamespace, name: str) -> None:
    """PyTorch runs it; `compile_network` says in front of which part it stops."""
    run_by_pytorch(name)
    network, named = refused.ALL[name]
    try:
        k.compile_network(network, refused.SIDE)
    except ValueError as error:
        assert named in str(error), f"{name}: {error}"
    else:
        raise AssertionError(f"{name} is compiled")


@torch.no_grad()
def check_accepted(k: SimpleNamespace, name: str) -> None:
    network = deepcopy(refused.ACCEPTED[name]).eval()
    x = torch.randn(2, 3, refused.SIDE, refused.SIDE)
    error = relative(answers(k, network, x, fused=False), network.double()(x.double()))
    assert error < 1e-5, f"{name}: an error of {error:.1e}"


# ---------------------------------------------------------------- weights, and bytes


def check_packing(k: SimpleNamespace) -> None:
    """Number by number: what is no weight is 0."""
    weight, held = torch.randn(12, 5, 3, 3), 7
    expected = torch.zeros(2, 3, 3, held, 8)  # groups of outputs, the window, 8 outputs
    for n, m, row, column in product(range(12), range(5), range(3), range(3)):
        expected[n // 8, row, column, m, n % 8] = weight[n, m, row, column]
    assert torch.equal(k.pack_dense(weight, held), expected.flatten()), "pack_dense"
    filters = torch.randn(13, 1, 3, 3)
    expected = torch.zeros(4, 3, 3, 4)
    for m, row, column in product(range(13), range(3), range(3)):
        expected[m // 4, row, column, m % 4] = filters[m, 0, row, column]
    assert torch.equal(k.pack_depthwise(filters), expected.flatten()), "pack_depthwise"
    bias = torch.randn(9)
    assert torch.equal(k.pack_bias(bias), torch.cat([bias, torch.zeros(7)])), "pack_bias"


LOOPS = {  # loads of vectors, numbers spread over a vector, multiply-adds
    "dense6": (2, 6, 12),
    "dense1": (2, 1, 2),
    "depthwise31": (3 + 6, 0, 12),  # a line's filter, then its columns for four places
    "depthwise32": (3 + 9, 0, 12),
    "depthwise51": (5 + 8, 0, 20),
    "depthwise52": (5 + 11, 0, 20),
    "peak": (0, 0, 12),
}
NO_INSTRUCTIONS = ("func", "export", "param", "local", "then")


def written(text: str) -> list[tuple[int, str]]:
    """The instructions in a kernel's text, each with the number of loops around it, sorted: the
    text has an instruction before what it works on, the bytes behind it.
    """
    found, around = [], []
    for word in re.findall(r"\([^\s()]+|\)", text):
        if word == ")":
            around.pop()
            continue
        name = word[1:]
        if name not in NO_INSTRUCTIONS:
            found.append((around.count("loop"), name))
        around.append(name)
    return sorted(found)


def check_bytes(k: SimpleNamespace, fused: bool) -> None:
    """What is read from the bytes is what the text says. The innermost loops are as promised."""
    kernels = k.all_kernels(fused)
    found = k.functions(k.assemble(kernels))
    assert list(found) == [each.name for each in kernels]
    for each in kernels:
        assert sorted(found[each.name].instructions) == written(each.text), each.name
    for name, (loads, spread, both) in LOOPS.items():
        inner = found[name].innermost()
        assert (inner["v128.load"], inner["v128.load32_splat"]) == (loads, spread), name
        kinds = ("f32x4.mul", "f32x4.add", "f32x4.relaxed_madd")
        assert [inner[kind] for kind in kinds] == ([0, 0, both] if fused else [both, both, 0]), name


# ---------------------------------------------------------------- all of it, in short


def check_kernels(k: SimpleNamespace, fused: bool) -> None:
    bench = Bench(k, fused)
    for size, stride in product((3, 5), (1, 2)):
        check_depthwise(bench, Shape(12, 12, 7, 6, size, stride), "relu6")
        check_depthwise(bench, Shape(17, 17, 5, 9, size, stride), "swish")
        check_dense(bench, Shape(3, 12, 9, 10, size, stride), "swish", held=3)
        check_dense(bench, Shape(9, 17, 7, 11, size, stride), "between")
    for clamp in CLAMPS:
        check_dense(bench, Shape(12, 17, 3, 5, 1, 1), clamp)
        check_depthwise(bench, Shape(5, 5, 4, 4, 3, 1), clamp)
    check_pad(bench, 12, 3, 5)
    check_operations(bench, 24, 5)
    check_peak(bench, 3)


def check_layers(k: SimpleNamespace, fused: bool) -> None:
    bench = Bench(k, fused)
    for size, stride in product((3, 5), (1, 2)):
        kind = ("depthwise", "dense")[fused]
        check_layer(bench, Shape(12, 12, 9, 9, size, stride), kind, nn.ReLU6)
    for activation in LAYERS if not fused else ():
        check_layer(bench, Shape(5, 12, 3, 3, 1, 1), "dense", activation)
        check_layer(bench, Shape(17, 20, 1, 1, 1, 1), "linear", activation)
    check_layer(bench, Shape(5, 5, 7, 7, 3, 2), "depthwise", nn.Hardsigmoid)
    check_layer(bench, Shape(3, 8, 9, 9, 3, 2), "dense", nn.Hardswish)
    check_layer(bench, Shape(12, 12, 7, 7, 3, 1), "dense", nn.ReLU)  # six and one


def check_networks(k: SimpleNamespace, fused: bool) -> None:
    check_small(k, fused, (22, 15)[fused], Uneven)
    check_small(k, fused, 20)
    check_room(k, fused)
    check_room_to_read(k, fused)


PARTS = {  # by what a mistake is in
    "weights": lambda k, fused: None if fused else check_packing(k),
    "networks": check_networks,
    "layers": check_layers,
    "kernels": check_kernels,
    "bytes": lambda k, fused: check_bytes(k, fused),
}


def check_everything(k: SimpleNamespace, first: str = "weights") -> None:
    """What must notice a mistake: a few shapes of each kind, by both engines. The part that comes
    `first` is the one that may notice it: then the others need not be tried.
    """
    for part in sorted(PARTS, key=lambda each: each != first):
        for fused in (False, True):
            torch.manual_seed(0)
            PARTS[part](k, fused)
