"""The kernels and lists of calls that a reader's browser times, and the devices that did so."""

import base64
import json
from datetime import date
from math import isfinite

from tools.notebooks import ROOT, definitions

TITLE = "Your device"
FILE = ROOT / "chapters" / "device" / "devices.json"

PLACES = {112: (32, 64), 14: (512, 512), 7: (1024, 1024)}  # of V1: side, channels in and out
KINDS = ("standard", "depthwise", "pointwise")
NETWORKS = {  # the explorer's name: the book's
    "V1": "MobileNetV1",
    "V2": "MobileNetV2",
    "V3-Large": "MobileNetV3-Large",
    "V3-Small": "MobileNetV3-Small",
    "V4-Conv-S": "MobileNetV4-conv_small",
}
ENGINES = ("fused", "SIMD", "script")

# What a saved result has: the explorer writes it, and `check` reads it.
TEXTS = ("device", "browser", "date", "engine")
NUMBERS = ("clock", "seconds", "cache", "memory", "drift")
KEYS = {*TEXTS, *NUMBERS, "hidden", "peak", "layers", "networks"}
LONGEST = 60  # letters of a device's name


# ---------------------------------------------------------------- what is measured


def kernels() -> dict[str, str]:
    """The chapter's kernels, with and without its fused multiply-add."""
    notebook = definitions("kernels")
    engines = {"fused": True, "SIMD": False}
    code = {name: notebook.assemble(notebook.all_kernels(each)) for name, each in engines.items()}
    return {name: base64.b64encode(each).decode() for name, each in code.items()}


def layer(kind: str, channels: int, out: int):
    """One of the layers that can stand at a place of V1, without numbers."""
    from torch import nn

    from tools.counting import on_meta

    sizes = {"standard": (out, 3), "depthwise": (channels, 3), "pointwise": (out, 1)}
    filters, size = sizes[kind]
    groups = channels if kind == "depthwise" else 1
    padding = size // 2
    settings = {"padding": padding, "groups": groups, "bias": False}
    return nn.Sequential(on_meta(nn.Conv2d, channels, filters, size, **settings))


def program(module, size: int, held: int = 3) -> dict:
    """A network's list of calls, and the memory that they need."""
    found = definitions("kernels").compile_network(module, size, held)
    return {"calls": [list(each) for each in found.calls], "bytes": found.bytes}


def layers() -> list[dict]:
    """The nine layers, with MACs and bytes as the chapter on devices counts them."""
    import torch

    notebook, rows = definitions("device"), []
    for side, (channels, out) in PLACES.items():
        with torch.device("meta"):
            jobs = notebook.Layer(channels, out, side, 1).jobs()
        for kind in KINDS:
            cost, _ = jobs[kind]
            calls = program(layer(kind, channels, out), side, channels)
            costs = {"macs": cost.macs, "moved": cost.bytes}
            rows.append({"side": side, "kind": kind} | costs | calls)
    return rows


def networks() -> list[dict]:
    """The five networks for a picture of 224×224, without their weights."""
    from explorers.networks import build
    from tools.counting import macs

    folded = definitions("device").fold_network
    rows = []
    for name, title in NETWORKS.items():
        calls = program(folded(build(title, 1.0)), 224)
        rows.append({"name": name, "macs": macs(build(title, 1.0), 3, 224, 224)} | calls)
    return rows


# ---------------------------------------------------------------- what was measured


def check(result: dict) -> dict:
    """The result, if it is one that the explorer saves; else ValueError, which says why."""

    def demand(condition: bool, what: str) -> None:
        if not condition:
            raise ValueError(f"{result.get('device', 'a result')!s}: {what}")

    def timing(what: str, values) -> None:
        numbers = isinstance(values, list) and len(values) == 3 and all(map(positive, values))
        demand(numbers, f"{what} is not three times above zero, but {values}")
        middle, low, high = values
        demand(low <= middle <= high, f"{what}: the median {middle} is not from {low} to {high}")

    odd = KEYS ^ result.keys()
    demand(not odd, f"it lacks, or has too much: {', '.join(sorted(odd))}")
    for key in TEXTS:
        text = result[key]
        good = isinstance(text, str) and 0 < len(text) <= LONGEST and text.isprintable()
        demand(good, f"{key} is no short text, but {text!r}")
    demand(result["engine"] in ENGINES, f"there is no engine {result['engine']!r}")
    date.fromisoformat(result["date"])
    for key in NUMBERS:
        demand(positive(result[key]), f"{key} is not above zero, but {result[key]}")
    demand(isinstance(result["hidden"], bool), "hidden is neither true nor false")
    peak = result["peak"]
    demand(len(peak) == 2 and all(map(positive, peak)), "peak is not a begin and an end")
    demand(set(result["layers"]) == {str(side) for side in PLACES}, "other places than V1's three")
    for side, kinds in result["layers"].items():
        demand(set(kinds) == set(KINDS), f"other layers than three on {side}×{side}")
        for kind, values in kinds.items():
            timing(f"{kind} on {side}×{side}", values)
    demand(set(result["networks"]) == set(NETWORKS), "other networks than the five")
    for name, values in result["networks"].items():
        timing(name, values)
    return result


def positive(number) -> bool:
    plain = isinstance(number, int | float) and not isinstance(number, bool)
    return plain and isfinite(number) and number > 0


def devices() -> list[dict]:
    """The results that were handed in, each of a device, a browser and a day of its own."""
    found = [check(each) for each in json.loads(FILE.read_text(encoding="utf-8"))]
    names = [(each["device"], each["browser"], each["date"]) for each in found]
    if len(set(names)) < len(names):
        raise ValueError(f"{FILE.name} has a device twice, in the same browser on the same day")
    return found


def make() -> dict:
    return {
        "kernels": kernels(),
        "layers": layers(),
        "networks": networks(),
        "places": [[side, *channels] for side, channels in PLACES.items()],
        "devices": devices(),
    }
