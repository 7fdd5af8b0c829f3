"""Names for the expressions beside the numbers of the chapter on kernels."""

from collections import Counter
from functools import cache
from itertools import groupby
from statistics import median

from torch import nn

from chapters.helpers import fold_network
from tests.book import definitions
from tests.device import numbers as device
from tests.numbers import minutes, provided
from tools import browser

notebook = definitions("kernels")
RECORD = browser.load()
KERNELS = notebook.all_kernels()
CODE = notebook.assemble(KERNELS)
FUNCTIONS = notebook.functions(CODE)
PLACES, VECTORS = 6, 2  # the block of `dense6`
LINE, FILTER = 11, 3  # places of a line that fit beside a row of the filter
WIDEST = browser.BLOCKS[-1]
NETWORKS = ("V1", "V2", "V3-Large", "V3-Small", "V4-Conv-S")
LAYERS = ("standard", "pointwise")
FIRST, MIDDLE, END, COSTS = device.FIRST, device.MIDDLE, device.END, device.COSTS
PLAIN = "SIMD"  # the kernels that the page takes apart
KINDS = ("pointwise", "depthwise", "padding", "standard", "linear", "rest")

# ---------------------------------------------------------------- the kernels


def mix(kernel: str, *instructions: str) -> int:
    """How often these stand in the innermost loop."""
    inside = FUNCTIONS[kernel].innermost()
    return sum(inside[each] for each in instructions)


def loads(kernel: str) -> int:
    return mix(kernel, "v128.load", "v128.load32_splat")


def adds(kernel: str) -> int:
    """Multiply-adds of vectors."""
    return mix(kernel, "f32x4.mul", "f32x4.relaxed_madd")


def dense_loads(places: int, vectors: int) -> float:
    """Loads for one multiply-add: counted in the bytes where the notebook has such a kernel."""
    formula = (places + vectors) / (places * vectors)
    if vectors == 2:
        code = notebook.assemble([notebook.dense(places)])
        inside = notebook.functions(code)[f"dense{places}"].innermost()
        found = inside["v128.load"] + inside["v128.load32_splat"]
        assert found / inside["f32x4.mul"] == formula
    return formula


assert adds("dense6") == PLACES * VECTORS and adds("depthwise31") % FILTER == 0


def depthwise_loads(size: int = 3) -> float:
    return loads(f"depthwise{size}1") / adds(f"depthwise{size}1")


def line_loads(places: int) -> float:
    """Of a depthwise 3×3 kernel with so many places in a line, by the figure's formula."""
    return (places + 2 + 3) / (3 * places)


def brought(kernel: str) -> int:
    """Bytes that the innermost loop loads."""
    return 16 * mix(kernel, "v128.load") + 4 * mix(kernel, "v128.load32_splat")


def counting(kernel: str) -> int:
    """Instructions that count the innermost loop's turns."""
    return mix(kernel, "i32.sub", "i32.gt_s", "br_if")


def beside(kernel: str, turns: int = 0) -> float:
    """Other instructions for each multiplication or addition of a vector in the innermost loop.

    With `turns`: of a whole block, whose innermost loop runs so often, with a clamp behind it.
    """
    found = [Counter() for _ in range(6)]
    for depth, name in FUNCTIONS[kernel].instructions:
        if not name.startswith("local.") and not name.endswith(".const"):
            found[depth][name] += 1
    *_, inside = filter(None, found)
    if not turns:
        return inside.total() / (inside["f32x4.mul"] + inside["f32x4.add"]) - 1
    totals = found[3]["f32x4.pmin"] // 2  # one for each of both activations
    swish = 5 * totals  # which does not run: two products, a sum, two clamps
    around = found[3].total() - swish + (found[4].total() if inside is found[5] else 0)
    products = turns * (inside["f32x4.mul"] + inside["f32x4.add"])
    return (turns * inside.total() + around) / products - 1


def furthest() -> float:
    """Our greatest error over PyTorch's, among the networks and both kinds of kernels."""
    rows = [each["differs"] for each in RECORD["networks"].values()]
    return max(row[engine] / row["PyTorch, folded"] for row in rows for engine in ("SIMD", "fused"))


def computed(width: int) -> int:
    """The places that `dense6` computes of a line of so many."""
    return sum(count for kernel, _, count in notebook.portions(width) if kernel == "dense6")


def compiled(network: nn.Module, size: int, held: int = 3):
    folded = fold_network(network.eval().double()).float()
    return notebook.compile_network(folded, size, held)


V2 = compiled(definitions("v2").MobileNetV2(), 224)
BLOCK = ["dense6", "pad", "depthwise31", "dense6", "add"]


def block_calls(narrow: int, wide: int, side: int) -> list[str]:
    """The calls of V2's block with a shortcut, and a kernel that runs twice once."""
    block = definitions("v2").InvertedResidual(narrow, narrow, 1, wide // narrow)
    calls = compiled(block, side, narrow).calls
    return [kernel for kernel, _ in groupby(calls, key=lambda call: call[0])]


# ---------------------------------------------------------------- what was measured


def size_of(runtime: str) -> int:
    return RECORD["bytes"][runtime]


@cache
def layer(place) -> dict[str, list[float]]:
    (row,) = (each for each in RECORD["layers"] if each["layer"] == list(place))
    return row["ms"]


def ceiling(engine: str = PLAIN) -> float:
    """MACs in a second: the fastest that was seen in the fastest tenth of the runs.

    Of a job in registers or of V1's layers; the median over the turns of its nine places.
    """
    found = []
    for each in RECORD["layers"]:
        place = device.notebook.Layer(*each["layer"])
        work = {"peak": RECORD["jobs"]["peak"]}
        work |= {kind: device.latency.cost_of(place, kind).macs for kind in LAYERS}
        found.append(max(macs / each["ms"][f"{engine} {job}"][1] for job, macs in work.items()))
    return 1000 * median(found)


def moved(engine: str = PLAIN) -> float:
    """Bytes in a second, by a copy within the caches."""
    speeds = [each["ms"][f"{engine} copy 200 kB"][1] for each in RECORD["layers"]]
    return 1000 * RECORD["jobs"]["copy 200 kB"] / median(speeds)


def ridge(engine: str = PLAIN) -> float:
    """MACs per byte from which on arithmetic is the limit."""
    return ceiling(engine) / moved(engine)


def of_ceiling(place, engine: str = PLAIN) -> list[float]:
    """Per cent, of the layer in full, pointwise and depthwise."""
    found = []
    for kind in (*LAYERS, "depthwise"):
        seconds = layer(place)[f"{engine} {kind}"][0] / 1000
        found.append(100 * device.latency.cost_of(place, kind).macs / seconds / ceiling(engine))
    return found


def by_count() -> float:
    """The depthwise layer's share of the ceiling at the middle place, by instructions alone."""
    ratio = (1 + beside("dense6", MIDDLE.m)) / (1 + beside("depthwise31", 3))
    return of_ceiling(MIDDLE)[1] * ratio


def padding_share(place, engine: str = PLAIN) -> float:
    ms = layer(place)
    return 100 * ms[f"{engine} padding"][0] / ms[f"{engine} depthwise"][0]


def fewer(place) -> float:
    return device.fewer(place)


def faster(place, engine: str = PLAIN) -> float:
    """How many times faster the pair is than the full layer."""
    ms = layer(place)
    pair = ms[f"{engine} depthwise"][0] + ms[f"{engine} pointwise"][0]
    return ms[f"{engine} standard"][0] / pair


def arrives(place) -> list[float]:
    """How many times fewer MACs the pair has, and faster it is: here, and natively."""
    native = [device.faster_layer(place, way) for way in ("", "ExecuTorch")]
    return [fewer(place), faster(place), *native]


def block_speeds(engine: str) -> dict[str, float]:
    """Billion MACs in a second: of the pointwise kernel with other blocks, and of `peak`."""
    ms = RECORD["blocks"]
    macs = {f"block {each}": MIDDLE.m * MIDDLE.n * browser.BLOCK_SIDE**2 for each in browser.BLOCKS}
    macs["peak"] = RECORD["jobs"]["peak"]
    return {name: count / ms[f"{engine} {name}"][0] / 1e6 for name, count in macs.items()}


def fastest(engine: str) -> float:
    return max(block_speeds(engine).values())


def block_speed(places: int, engine: str) -> float:
    """In per cent of the fastest."""
    return 100 * block_speeds(engine)[f"block {places}"] / fastest(engine)


def block_row(places: int) -> list[float]:
    """Places, totals, loads for one multiply-add, and speeds."""
    speeds = [block_speed(places, engine) for engine in ("fused", PLAIN)]
    return [places, 2 * places, dense_loads(places, 2), *speeds]


def slower(one: int, other: int) -> bool:
    """A block of so many places, than one of others: by both engines."""
    return all(block_speed(one, each) < block_speed(other, each) for each in ("fused", PLAIN))


def linear_speed(engine: str = PLAIN) -> float:
    """V2's classifier: billion MACs in a second."""
    ms = RECORD["networks"]["V2"]["kinds"][engine]["linear"]
    return 1280 * 1000 / ms / 1e6


def network_ms(name: str, path: str) -> float:
    return RECORD["networks"][name]["ms"][path][0]


def row(path: str) -> list[float]:
    return [network_ms(name, path) for name in NETWORKS]


def behind(path: str = "ExecuTorch", engine: str = "fused") -> list[float]:
    """How many times faster another runtime is."""
    return [network_ms(name, engine) / network_ms(name, path) for name in NETWORKS]


def kind_share(name: str, kind: str, engine: str = PLAIN) -> float:
    kinds = RECORD["networks"][name]["kinds"][engine]
    return 100 * kinds[kind] / sum(kinds[each] for each in browser.KINDS)


def time_row(name: str) -> list[float]:
    return [kind_share(name, kind) for kind in KINDS]


# "Two kinds of loop take four fifths of the time or more": in each network.
LOOPS = ("pointwise", "standard", "linear", "depthwise")
assert all(sum(kind_share(name, kind) for kind in LOOPS) >= 80 for name in NETWORKS)
# "More than half as much as the depthwise layers", "more arrives here than in either", and "the
# full layer runs badly".
assert 0.5 < kind_share("V2", "padding") / kind_share("V2", "depthwise") < 1
assert faster(FIRST) > max(arrives(FIRST)[2:])
assert all(of_ceiling(place)[0] < of_ceiling(place)[1] for place in (MIDDLE, END))
