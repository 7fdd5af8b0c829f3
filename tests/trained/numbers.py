"""Names for the expressions beside the numbers of the chapter on a trained network."""

import math
from statistics import mean

import torch

from tests.book import definitions
from tests.numbers import integer, minutes
from tools import papers, trained
from tools.counting import macs, on_meta, params, v2

notebook = definitions("trained")
network = on_meta(notebook.EfficientNetLite0)
MACS, PARAMS = macs(network, 3, 224, 224), params(network)
V2_MACS, V2_PARAMS = macs(v2(), 3, 224, 224), params(v2())
EPS = network.stem.norm.eps
TORCH_EPS = torch.nn.BatchNorm2d(1).eps
BLOCKS = list(network.blocks)
RECORD = trained.load()["lite0"]


def narrow(number: int) -> int:
    """Channels that leave a block."""
    return BLOCKS[number - 1].project.conv.out_channels


def wide(number: int) -> int:
    """Channels inside a block."""
    return BLOCKS[number - 1].depthwise.conv.out_channels


# ---------------------------------------------------------------- what it answered


def first(name: str) -> float:
    """Per cent that the first guess for a photograph gets."""
    return 100 * RECORD["guesses"][name][0][0]


def guess(name: str, rank: int) -> float:
    """Per cent that a guess gets; 1 is the first."""
    return 100 * RECORD["guesses"][name][rank - 1][0]


def kept(name: str) -> float:
    """Per cent of the pieces whose first guess a change leaves as it is."""
    return mean(trained.by_photograph(name))


def kept_row(name: str) -> tuple[float, float, float]:
    """The same; then the photograph that lost most, and the one that lost least."""
    parts = trained.by_photograph(name)
    return mean(parts), min(parts), max(parts)


def hopper(name: str) -> float:
    """Per cent for Grace Hopper's first guess."""
    return 100 * RECORD["answers"][name]["Grace Hopper"][0][0]


def without(what: str) -> list[float]:
    """What is kept without one block, or without one shortcut, block by block."""
    return [kept(f"without {what} {number}") for number in trained.SHORTCUTS]


# ---------------------------------------------------------------- what a ReLU6 takes


def zeros(number: int, unit: str = "depthwise") -> float:
    """Per cent of zeros behind a unit of a block."""
    return 100 * RECORD["cuts"][f"blocks.{number - 1}.{unit}"][0]


WITH = [zeros(n) for n in trained.SHORTCUTS]
WITHOUT = [zeros(n) for n in range(1, len(BLOCKS) + 1) if n not in trained.SHORTCUTS]
LAST = 100 * RECORD["cuts"]["last"][0]
MOST_SIXES = max(100 * cut[1] for cut in RECORD["cuts"].values())
MEAN_SIXES = mean(100 * cut[1] for cut in RECORD["cuts"].values())

# ---------------------------------------------------------------- in 8 bits, and its switches

PAGE = trained.load()["page"]


def rounding(per: str) -> tuple[float, float]:
    """Per cent of the first guesses that 8 bits keep, and how far they put the logits off."""
    row = PAGE["rounding"][per]
    return share_of_ones(row["agree"]), 100 * row["error"]


def page_keeps(name: str) -> float:
    """Per cent of the first guesses of the page's network that one of its switches keeps."""
    return share_of_ones(PAGE["answers"][name]["agree"])


def thinned(shortcut: bool) -> list[float]:
    """What is kept without half of one block's wide channels, block by block."""
    numbers = range(1, len(BLOCKS) + 1)
    chosen = [n for n in numbers if BLOCKS[n - 1].shortcut == shortcut]
    return [page_keeps(f"block {number} without 50%") for number in chosen]


def share_of_ones(marks: str) -> float:
    return 100 * marks.count("1") / len(marks)


# ---------------------------------------------------------------- tables and exercises

V2_ROWS = definitions("v2").V2_ROWS
TABLES = [n for ours, v2s in zip(notebook.LITE0_ROWS, V2_ROWS, strict=True) for n in (*ours, *v2s)]

NAMES = (  # of the record, in the order of the page's table
    "a_pixel",
    "pytorchs_epsilon",
    "symmetric_padding",
    "padding_and_epsilon",
    "plain_relu",
    "forgotten_eval",
    "from_zero_to_one",
    "colours_exchanged",
    "imagenets_average",
)

MISTAKES = [n for name in NAMES for n in (*kept_row(name), hopper(name))]


def weights(c_in: int, c_out: int, k: int, s: int, t: int) -> int:
    """Of a block's convolutions."""
    block = on_meta(notebook.InvertedResidual, c_in, c_out, k, s, t)
    return sum(unit.conv.weight.numel() for unit in notebook.units(block))


def block_macs(c_in: int, c_out: int, k: int, s: int, t: int, side: int) -> int:
    return macs(on_meta(notebook.InvertedResidual, c_in, c_out, k, s, t), c_in, side, side)


def span(side: int, k: int, s: int) -> int:
    """Rows that a layer reads, zeros included."""
    return notebook.SamePad(k, s)(torch.empty(1, 1, side, side)).shape[2]


def outputs(side: int, s: int) -> int:
    return -(-side // s)


def padded(side: int, k: int, s: int) -> tuple[int, int]:
    """Rows of zeros above and below."""
    x = notebook.SamePad(k, s)(torch.ones(1, 1, side, side))[0, 0, :, side // 2]
    above = int(x.argmax())
    return above, len(x) - side - above


# ---------------------------------------------------------------- the authors' own files

RELEASED = trained.load()["released"]
CROPS = RELEASED["files"][0]["crops"]["images"]


def released_row(file: dict) -> tuple:
    """Width where it is not 1, side twice; on how many crops each of three agrees with the file."""
    agree = file["crops"]["agree"]
    width = () if file["width"] == 1 else (file["width"],)
    counts = agree["ours"], agree["symmetric"], agree["reference kernels"]
    return *width, file["side"], file["side"], *counts


RELEASED_ROWS = [n for file in RELEASED["files"] for n in released_row(file)]
MOVED = [CROPS - file["small changes"]["a pixel"] for file in RELEASED["files"]]
SURE = [RELEASED["files"][i]["crops"]["sure"] for i in (0, 2)]
