"""What the notebook defines besides kernels, each against a reference of its own; and mistakes made
in its source, each of which must be caught.
"""

import pytest
import torch
import wasmtime

from tests.book import definitions
from tests.kernels import checks, refused

K = definitions("kernels")
ENGINES = {"plain": False, "fused": True}

# ---------------------------------------------------------------- bytes


def test_the_next_multiple():
    assert [K.up(number) for number in (0, 1, 7, 8, 9)] == [0, 8, 8, 8, 16]
    assert [K.up(number, 64) for number in (1, 64, 65)] == [64, 64, 128]


def encoded(number: int) -> bytes:
    """By the rule of the standard: seven bits in each byte, the lowest first."""
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + encoded(rest) if rest else bytes([low])


def test_a_number_is_read_from_its_bytes():
    for number in (0, 1, 63, 127, 128, 300, 2**14 - 1, 2**14, 2**31, 2**32 - 1):
        code = b"\xff" + encoded(number) + b"\x05"
        assert K.number_at(code, 1) == (number, len(code) - 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_module_has_its_kernels_and_nothing_else(engine):
    """Wasmtime finds the same functions, and the same one memory, which it is given."""
    code = K.assemble(K.all_kernels(ENGINES[engine]))
    module = wasmtime.Module(wasmtime.Engine(), code)
    assert [each.name for each in module.exports] == list(K.functions(code))
    (memory,) = module.imports
    assert (memory.module, memory.name) == ("book", "memory")
    numbers = [number for number, *_ in K.sections(code)]
    assert numbers == [1, 2, 3, 7, 10]  # types, imports, functions, exports, code: no names
    assert code[:8] == b"\0asm\1\0\0\0"


@pytest.mark.parametrize("engine", ENGINES)
def test_every_byte_of_the_code_is_accounted_for(engine):
    code = K.assemble(K.all_kernels(ENGINES[engine]))
    at = 8
    for _, begin, start, end in K.sections(code):
        assert begin == at and start == begin + 1 + len(encoded(end - start))
        at = end
    assert at == len(code)  # and the last part is the code
    found = K.functions(code)
    sizes = [each.bytes for each in found.values()]
    assert start + len(encoded(len(found))) + sum(len(encoded(n)) + n for n in sizes) == end


@pytest.mark.parametrize("engine", ENGINES)
def test_the_bytes_have_the_instructions_of_the_text(engine):
    """In as many loops; and eight or nine loads stand beside twelve multiply-adds."""
    checks.check_bytes(K, ENGINES[engine])
    found = K.functions(K.assemble(K.all_kernels(ENGINES[engine])))
    depths = {name: max(depth for depth, _ in each.instructions) for name, each in found.items()}
    dense, depthwise = {"dense6": 5, "dense1": 5}, [name for name in found if "depthwise" in name]
    rest = {"pad": 1, "add": 1, "mean": 2, "scale": 2, "peak": 1, "copy": 0}
    assert depths == dense | dict.fromkeys(depthwise, 4) | rest


# ---------------------------------------------------------------- memory and weights


def test_a_machine_gives_back_what_is_written():
    """And says where the next numbers may stand: in multiples of eight numbers."""
    machine = K.Machine(K.assemble([K.copy()]), 2**16 + 1)
    assert len(machine.floats) == 2 * 2**14 and machine.floats.dtype == torch.float32
    numbers = torch.randn(3, 3)
    assert machine.write(64, numbers.T) == 64 + 4 * 16
    assert torch.equal(machine.read(64, 9), numbers.T.flatten())
    read = machine.read(68, 2)
    machine.kernels["copy"](64, 2**16, 36)
    assert torch.equal(machine.read(2**16, 9), machine.read(64, 9))
    machine.write(64, torch.zeros(9))
    assert torch.equal(read, numbers.T.flatten()[1:3]), "what was read is a copy"


def test_weights_stand_in_the_order_in_which_they_are_read():
    checks.check_packing(K)


def test_what_is_kept_begins_at_multiples_of_64_bytes():
    memory = K.Memory()
    assert memory.keep(torch.ones(17)) == 0 and memory.keep(torch.ones(2).double()) == 128
    assert memory.reserve(1) == 192 and memory.end == 256
    kept = torch.cat(memory.parts)
    assert len(kept) == 48 and kept.dtype == torch.float32
    assert kept.nonzero().flatten().tolist() == [*range(17), 32, 33]
    assert memory.keep(torch.ones(16)) == 256 and memory.end == 320


def test_what_is_not_there_has_no_place():
    """Neither weights nor a map with zeros stand before the first value."""
    program = K.compile_network(torch.nn.AdaptiveAvgPool2d(1), 5, held=8)
    assert (len(program.weights), program.picture) == (0, 0)


def test_a_map_has_room_for_six_places_more():
    """With the zeros that stand on both sides of a line together."""
    assert K.Map(5, 3, 8).bytes() == (9 + 6) * 32
    assert K.Map(5, 3, 8).bytes(3) == (36 + 6) * 32


@pytest.mark.parametrize("activation", checks.LAYERS)
def test_an_activations_ends_are_numbers_of_32_bits(activation):
    """Also where there is none: infinity is no number in a JSON file."""
    low, high, swish = K.ACTIVATIONS[activation]
    assert isinstance(low, float) and isinstance(high, float) and swish in (0, 1)
    assert torch.tensor([low, high]).isfinite().all() and low < high
    assert all(abs(end) < 10 or abs(end) > 1e38 for end in (low, high))


# ---------------------------------------------------------------- mistakes


FIRST_CORNER = "corner, weight, bias = k.new(first), k.new(w), k.new(b)"
EIGHT = "eight = [k.new(load(weight)), k.new(load(weight, 16))]"
IN_KERNELS = {
    # what all kernels are written with
    "loads without offset": ('"(v128.load offset={offset} ', '"(v128.load '),
    "stores without offset": ('"(v128.store offset={offset} ', '"(v128.store '),
    "a number in one place only": ("v128.load32_splat {at", "v128.load32_zero {at"),
    "one turn too many": ("{less} (i32.const 0))", "{less} (i32.const -1))"),
    "a loop that counts ones": ("(left - by).text", "(left - 1).text"),
    "a sum for a difference": ('combine("sub", other)', 'combine("add", other)'),
    "multiply and subtract": ('"relaxed_madd", second, self)', '"relaxed_nmadd", second, self)'),
    "sum and factor exchanged": (
        'first.combine("relaxed_madd", second, self)',
        'self.combine("relaxed_madd", second, first)',
    ),
    # activations
    "the clamp's ends exchanged": (
        "kernel.new(four(low)), kernel.new(four(high))",
        "kernel.new(four(high)), kernel.new(four(low))",
    ),
    "maximum and minimum exchanged": (
        'combine("pmax", low).combine("pmin", high)',
        'combine("pmin", low).combine("pmax", high)',
    ),
    "no upper end": ('combine("pmax", low).combine("pmin", high)', 'combine("pmax", low)'),
    "h-swish and clamp exchanged": ('self.swish.combine("eqz")', "self.swish"),
    "h-swish without + 3": ("gate = (y + self.three).clamp", "gate = y.clamp"),
    "h-swish without / 6": ("y.set(y * self.sixth * gate)", "y.set(y * gate)"),
    "h-swish without its input": ("y.set(y * self.sixth * gate)", "y.set(self.sixth * gate)"),
    # depthwise
    "depthwise: stride forgotten": ("i = column - place * stride", "i = column - place"),
    "depthwise: the last columns": ("range(size + 3 * stride)", "range(size + 2 * stride)"),
    "depthwise: a column more, where no memory is": (
        "range(size + 3 * stride)",
        "range(size + 3 * stride + 1)",
    ),
    "depthwise: the first tap for all": ("load(weight, 16 * i)", "load(weight)"),
    "depthwise: next row of the filter": ("weight += 16 * size", "weight += 16"),
    "depthwise: next row of the map": ("line += x_line", "line += y_line"),
    "depthwise: the same row": ("at.set(line)", "at.set(corner)"),
    "depthwise: first bias for all": (
        "for each in (corner, out, bias):",
        "for each in (corner, out):",
    ),
    "depthwise: no bias": ("total = [k.new(load(bias))]", "total = [k.new(four(0))]"),
    "depthwise: the line's first places": (FIRST_CORNER, FIRST_CORNER.replace("first", "x")),
    "depthwise: four places at stride 1": ("step * (4 * stride)", "step * 4"),
    "depthwise: writes to the same places": ("            to += step * 4\n", ""),
    "depthwise: next line at stride 1": ("x += x_line * stride", "x += x_line"),
    "depthwise: no activation": ("                activate(total)\n", ""),
    "depthwise: the other map's lines": (
        "x += x_line * stride\n        y += y_line",
        "x += x_line * stride\n        y += x_line",
    ),
    # dense
    "dense: four outputs twice": (EIGHT, EIGHT.replace("weight, 16", "weight")),
    "dense: next input's weights": ("weight += 32", "weight += 16"),
    "dense: next input": ("                            at += 4\n", ""),
    "dense: the window's next row": ("at += row - run", "at += row"),
    "dense: all windows the second": ("first + x_step * p)", "first + x_step)"),
    "dense: one half's weights for both": ("number * eight[1]", "number * eight[0]"),
    "dense: one half over the other": ("store(k, out, pair[1], 16)", "store(k, out, pair[1])"),
    "dense: one place further, not four": ("first += x_step * places", "first += x_step"),
    "dense: places of 8 channels": ("out += y_step", "out += 32"),
    "dense: the first group's weights": ("        w.set(weight)  #", "        #"),
    "dense: weights go on at each place": ("                weight.set(w)\n", ""),
    "dense: first bias for all": ("        b += 32\n", ""),
    "dense: four biases twice": ("k.new(load(b, 16))", "k.new(load(b))"),
    "dense: groups overlap": (
        "        b += 32\n        y += 32",
        "        b += 32\n        y += 16",
    ),
    "dense: the same line": ("            first_line += x_line\n", ""),
    "dense: writes the same line": ("            out_line += y_line\n", ""),
    # the others
    "pad: above and below exchanged": (
        "zeros(above)\n    y += above",
        "zeros(below)\n    y += below",
    ),
    "pad: nothing below": ("    zeros(below)\n", ""),
    "pad: at the edge": ("(y + before).text", "y.text"),
    "pad: no zeros beside": ("        zeros(y_line)\n", ""),
    "pad: lines of the larger map": ("x += size", "x += y_line"),
    "add: the same four": ("for each in (x, z, y):", "for each in (x, y):"),
    "mean: the sum": ("store(k, y, total * part)", "store(k, y, total)"),
    "mean: the first place again and again": (
        "            at += step\n        store",
        "        store",
    ),
    "scale: the same four": ("for each in (x, at, y):", "for each in (x, y):"),
    "scale: goes on at the next place": (
        "    with k.loop(places):\n        at = k.new(z)\n",
        ("    at = k.new(z)\n    with k.loop(places):\n"),
    ),
    "peak: factor and summand exchanged": ("y.set(y * a + b)", "y.set(y * b + a)"),
    "peak: a sum too many, fused": (
        "                y += a * b\n",
        "                y += a * b + b\n",
    ),
    "copy: there and back": ("copy {y.text} {x.text}", "copy {x.text} {y.text}"),
}
IN_WEIGHTS = {  # as they stand in memory
    "rows and columns of a filter exchanged": (
        "weight.permute(0, 2, 3, 1)",
        "weight.permute(0, 3, 2, 1)",
    ),
    "outputs one behind the other": ("up(n) // 8, 8, -1).transpose(1, 2)", "up(n) // 8, 8, -1)"),
    "channels one behind the other": ("up(m) // 4, 4, -1).transpose(1, 2)", "up(m) // 4, 4, -1)"),
    "a bias for four": ("up(len(bias)) - len(bias)", "up(len(bias), 4) - len(bias)"),
}
IN_NETWORKS = {  # as they are compiled
    # steps
    "ReLU without its kink": ("nn.ReLU: (0.0,", "nn.ReLU: (-3e38,"),
    "ReLU for ReLU6": ("nn.ReLU6: (0.0, 6.0, 0)", "nn.ReLU6: (0.0, 3e38, 0)"),
    "ReLU6 for h-swish": ("nn.Hardswish: (0.0, 6.0, 1)", "nn.Hardswish: (0.0, 6.0, 0)"),
    "ReLU6 for the hard sigmoid": (
        "nn.Hardsigmoid: (0.0, 1.0, 0)",
        "nn.Hardsigmoid: (0.0, 6.0, 0)",
    ),
    "the hard sigmoid's half": ("bias / 6 + 0.5", "bias / 6"),
    "the hard sigmoid's slope": ("weight, bias = weight / 6, bias", "weight, bias = weight, bias"),
    "a bias of ones": (
        "weight.new_zeros(len(weight)) if bias",
        "weight.new_ones(len(weight)) if bias",
    ),
    "activations left out": ("steps[-1].activation = what", "pass"),
    "sums for products": ('operator.mul: "scale"', 'operator.mul: "add"'),
    # maps and where they are
    "sides at stride 1": ("side = free // step.stride + 1", "side = free + 1"),
    "sides without the last place": ("// step.stride + 1", "// step.stride"),
    "sides with the zeros before only": ("step.before + step.after - step", "step.before - step"),
    "a mean as large as its map": ("            side = 1\n", "            pass\n"),
    "channels not filled up": (
        "Map(channels, side, up(channels))",
        "Map(channels, side, channels)",
    ),
    "channels of the input": ("            channels = len(step.layer.weight)\n", ""),
    "no room for zeros": ("(self.side + zeros) ** 2", "self.side ** 2"),
    "room for the zeros before only": ("s.before + s.after) for s", "s.before) for s"),
    "no room behind a map": ("** 2 + 6) * self.step", "** 2) * self.step"),
    "no room to read behind a map": ("** 2 + 6) * self.step", "** 2 + 5) * self.step"),
    "a place given away too early": ("last[each] == i and each", "last[each] >= i and each"),
    "the picture's place given away": ("last[each] == i and each}", "last[each] == i}"),
    "a layer in its input's place": (
        "free.pop() if free else max(slots) + 1",
        "free.pop() if free else max(slots)",
    ),
    "places of the last map's size": ("max(sizes[slot], each.bytes())", "each.bytes()"),
    "no room for the largest padded map": ("reserve(max((m", "reserve(min((m"),
    # calls
    "the rest from the beginning": ('"dense1", sixes, width - sixes', '"dense1", 0, width - sixes'),
    "no rest": ("    elif width > sixes:", "    elif False:"),
    "all by six": ("sixes = width // 6 * 6", "sixes = up(width, 6)"),
    "the last six nowhere": ('"dense6", width - 6, 6', '"dense6", sixes - 6, 6'),
    "windows side by side at stride 1": (
        "x_step = step.stride *",
        "x_step = 1 *",
    ),
    "the rest's outputs like its inputs": ("y + first * map_out.step", "y + first * map_in.step"),
    "groups of the input": ("map_out.held // 8, lines", "map_in.held // 8, lines"),
    "lines of windows at stride 1": ("lines, step.stride * line,", "lines, line,"),
    "rows of the output": ("window = step.size, line,", "window = step.size, map_out.line,"),
    "runs of one place": ("line, step.size * map_in.step", "line, map_in.step"),
    "a linear layer for a filter": ("if step.size == 1 else", "if step.size != 1 else"),
    "zeros on one side of a line": ("line += around * map", "line += step.before * map"),
    "as many zeros below as above": ("step.after * line", "step.before * line"),
    "as many zeros above as below": ("zeros = step.before * line", "zeros = step.after * line"),
    "zeros of one line": ("zeros = step.before * line, step.after * line", "zeros = line, line"),
    "as many zeros before as behind": ("(step.before * map_in", "(step.after * map_in"),
    "zeros before and behind exchanged": ("user: (left, right)", "user: (right, left)"),
    "zeros of a layer forgotten": ("inputs, layer, zeros.get(node))", "inputs, layer)"),
    "no zeros for some": ("zeros or (self.size", "(zeros and any(zeros) and zeros) or (self.size"),
    "kept, but not apart": ("list(range(len(maps))) if keep", "slots_of(steps) if keep"),
    "always kept": ("if keep else slots_of(steps)", "if True else slots_of(steps)"),
    "a place's input": ("where, y, maps[value], len", "where, x, maps[value], len"),
    "a place's map before": ("where, y, maps[value], len", "where, y, shapes[0], len"),
    "all calls so far": ("maps[value], len(new)", "maps[value], len(calls)"),
    "a padded map that nobody reads": ("        x = padded\n", ""),
    "lines of the map without zeros": (
        "map_in.step, line, map_out.line",
        "map_in.step, map_in.line, map_out.line",
    ),
    "a mean of all channels": ("map_in.step, 1 / places", "map_in.step, 1 / map_in.held"),
    "a sum of one line": ("x, z, y, places * map_in.step", "x, z, y, map_in.line"),
    "one operand twice": ("step.inputs[-1], value)", "step.inputs[0], value)"),
    "the answer of the step before": (
        "address[-1], maps[-1].channels",
        "address[-2], maps[-1].channels",
    ),
    "a picture on its side": ("picture.permute(1, 2, 0)", "picture.permute(2, 1, 0)"),
}
IN_BYTES = {  # as they are written and read
    "never fused": ("and self.kernel.fused:", "and False:"),
    "always fused": ("and self.kernel.fused:", "and True:"),
    "numbers of six bits": ("code[at] & 127", "code[at] & 63"),
    "loops not counted": ('if name in ("loop", "if"):', 'if name == "if":'),
    "constants of five bytes": (
        '"f32.const"\n            at += 4\n            continue',
        '"f32.const"\n            at += 5\n            continue',
    ),
    "loads for stores": ('(0xFD, 11): ("v128.store", 2)', '(0xFD, 11): ("v128.load", 2)'),
}
MISTAKES = {
    name: (part, *each)
    for part, own in {
        "kernels": IN_KERNELS,
        "weights": IN_WEIGHTS,
        "networks": IN_NETWORKS,
        "bytes": IN_BYTES,
    }.items()
    for name, each in own.items()
}
# What `compile_network` would take without a word, and what is not refused then: it is tried first.
REFUSALS = {
    "two sizes": (
        "square = layer.kernel_size == (size, size)",
        "square = True",
        "layer: two sizes, one padding",
    ),
    "two strides": ("square and layer.stride == (stride, stride)", "square", "layer: two strides"),
    "any padding": (
        "zeros = layer.padding == (padding, padding)",
        "zeros = True",
        "layer: without padding",
    ),
    "its own padding and other zeros": (
        "0 if padded else size // 2",
        "size // 2",
        "zeros: for a layer with its own",
    ),
    "other zeros above": (
        "(left, right) == (top, bottom) and",
        "",
        "zeros: more above than beside",
    ),
    "fewer zeros than none": ("and min(pad.padding) >= 0", "", "zeros: fewer than none"),
    "zeros for any layer": ("and behind == {nn.Conv2d} and", "and", "zeros: for a linear layer"),
    "zeros for some convolution": (
        "behind == {nn.Conv2d}",
        "nn.Conv2d in behind",
        "zeros: for a layer and a sum",
    ),
    "zeros of inputs by name": (
        "{nn.Conv2d} and node.args)",
        "{nn.Conv2d})",
        "zeros: of an input by its name",
    ),
    "any constant": (
        "isinstance(pad, nn.ZeroPad2d)",
        "isinstance(pad, nn.ConstantPad2d)",
        "zeros: a constant of 0",
    ),
    "padding with other things": (
        'zeros and layer.padding_mode == "zeros"',
        "zeros",
        "layer: padded with the other side",
    ),
    "dilation": ("fits and layer.dilation == (1, 1)", "fits", "layer: dilated, padded with 1"),
    "any groups": (
        "each = layer.groups == layer.in_channels == layer.out_channels",
        "each = True",
        "layer: groups of filters",
    ),
    "two filters for a channel": (
        "== layer.in_channels == layer.out_channels",
        "== layer.in_channels",
        "layer: two filters for a channel",
    ),
    "all sizes": ("size in (3, 5) and", "True and", "layer: depthwise of 7"),
    "pointwise at any stride": (
        "fits = size > 1 or stride == 1",
        "fits = True",
        "layer: pointwise at stride 2",
    ),
    "all strides": ("and stride in (1, 2)", "and True", "layer: depthwise at stride 3"),
    "means of parts": ("fits = to in (1, (1, 1))", "fits = True", "layer: means of parts"),
    "sums with numbers": (
        "kind is not None and isinstance(rest[0], fx.Node)",
        "kind is not None",
        "operation: a number added",
    ),
    "inputs by name": (
        "if not fits or node.kwargs:",
        "if not fits:",
        "operation: a pool's input by its name",
    ),
    "layers' inputs by name": (
        "nn.Linear) and not node.kwargs:",
        "nn.Linear):",
        "operation: an input by its name",
    ),
    "places of 3 channels": (
        'step.kind == "dense" or x.held % 8 == 0',
        "True",
        "operation: a picture's channels, one by one",
    ),
    "sums of different maps": ("fits = fits and x == z", "pass", "operation: a mean added"),
    "all products": (
        "fits = fits and z == Map(x.channels, 1, x.held)",
        "pass",
        "operation: a number before",
    ),
    "linear layers over maps": (
        "fits = fits and x.side == 1",
        "pass",
        "operation: linear over columns",
    ),
}
EQUIVALENT = {  # what nobody can tell apart by its answers
    "places from multiples of 16 bytes": ("self.end + up(size, 64)", "self.end + up(size, 16)"),
    "free places in another order": ("free += sorted(", "free += list("),
    "another number that is never reached": ("3e38", "1e38"),
    "zeros twice": ("    zeros(below)\n", "    zeros(below)\n    zeros(below)\n"),
}
CAUGHT = (AssertionError, RuntimeError, ValueError, KeyError, IndexError)
CAUGHT += wasmtime.WasmtimeError, wasmtime.Trap


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_caught(mistake):
    part, right, wrong = MISTAKES[mistake]
    broken = definitions("kernels", right, wrong)
    with pytest.raises(CAUGHT):
        checks.check_everything(broken, first=part)


@pytest.mark.parametrize("mistake", REFUSALS)
def test_a_refusal_left_out_is_noticed(mistake):
    right, wrong, first = REFUSALS[mistake]
    broken = definitions("kernels", right, wrong)
    with pytest.raises(CAUGHT):
        for name in sorted(refused.ALL, key=lambda each: each != first):
            checks.check_refused(broken, name)


def test_what_is_right_is_not_caught():
    checks.check_everything(K)


@pytest.mark.parametrize("change", EQUIVALENT)
def test_what_gives_the_same_answers_is_not_caught(change, monkeypatch):
    """So what catches a mistake is its answer; the bytes are another matter."""
    monkeypatch.setattr(checks, "check_bytes", lambda *_: None)
    checks.check_everything(definitions("kernels", *EQUIVALENT[change]))
