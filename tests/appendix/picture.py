"""Names for the expressions beside the numbers of the page with a picture of the reader's own."""

import json

from tests.book import ROOT
from tests.trained.numbers import BLOCKS, MACS, WITH, WITHOUT, kept, narrow, network, notebook, wide
from tools import trained
from tools.counting import totals_by_kind

FILE = ROOT / "chapters" / "trained" / "picture.json"
RECORD = json.loads(FILE.read_text(encoding="utf-8"))
UNITS = {unit["name"]: unit for unit in RECORD["units"]}
FIRST = [100 * share for _, share in RECORD["top"][:3]]
PIECES = trained.load()["lite0"]["pieces"]
CUT_PIECES = len(trained.photograph_names()) * (trained.EACH // 3)
SIDE, LAST_SIDE = RECORD["side"], RECORD["whys"][0]["side"]
SHARES = {
    kind: 100 * macs / MACS for kind, (macs, _) in totals_by_kind(network, 3, SIDE, SIDE).items()
}
WEIGHTS, CALLS, MEMORY = (RECORD[key] for key in ("weights", "calls", "memory"))

# Blocks whose maps have half the side of those that came in. The stem has none before it.
HALVING = [n for n, block in enumerate(BLOCKS, 1) if block.depthwise.conv.stride[0] == 2]


def window() -> int:
    """Pixels across that a place of the last maps can see."""
    pixels, step = 1, 1
    for unit in notebook.units(network):
        pixels += (unit.conv.kernel_size[0] - 1) * step
        step *= unit.conv.stride[0]
    return pixels


assert window() // 2 > SIDE  # so each place can see the whole picture, from a corner too
PEOPLE = {"ballplayer", "groom", "scuba diver"}
NAMES = {"espresso", "laptop", "running shoe", "tabby", "tiger cat", "Persian cat", "Siamese cat"}
assert PEOPLE | NAMES | {"Egyptian cat"} <= set(notebook.CLASSES)
assert not {"person", "hand", "ceiling"} & set(notebook.CLASSES)


def side(number: int) -> int:
    """Of the maps that leave a block."""
    return UNITS[str(number)]["parts"][-1]["side"]


def page(name: str) -> float:
    """Per cent of the pieces whose first guess a change of the page's network leaves."""
    marks = trained.load()["page"]["answers"][name]["agree"]
    return 100 * marks.count("1") / len(marks)


HALVED = {n: page(f"block {n} without 50%") for n in range(1, len(BLOCKS) + 1)}
HALVED_WITH = [share for n, share in HALVED.items() if n in trained.SHORTCUTS]
HALVED_WITHOUT = [share for n, share in HALVED.items() if n not in trained.SHORTCUTS]


def rounded(per: str) -> float:
    """Per cent of the pieces whose first guess 8 bits leave as 32 bits have it."""
    marks = trained.load()["page"]["rounding"][per]["agree"]
    return 100 * marks.count("1") / len(marks)


LEAD = trained.load()["page"]["rounding"]["channel"]["lead"]
