"""Record what the explorer `picture` shows before a press: the cat, block by block.

    .venv/bin/python -m tools.picture

writes `chapters/trained/picture.json`, in some seconds. The page's own scripts compute it, in Node,
from the weights that the page will load. So a press shows the same again, and a test compares both.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from tools.notebooks import ROOT, definitions

sys.path.insert(0, str(ROOT / "site"))  # where the explorers are

import explorers
from explorers.picture import data
from extension.settings import node_binary

SAMPLE = "cat"
COMMAND = "python -m tools.picture"
LOOK = Path(__file__).with_suffix(".js")
CHANGES = {  # by the names that the page has for them
    "shortcuts": {"kind": "shortcuts"},
    "activation": {"kind": "activation"},
    "padding": {"kind": "padding"},
    "epsilon": {"kind": "epsilon"},
    "channels 5 50": {"kind": "channels", "block": 5, "share": 0.5},
    "bits 4 per channel": {"kind": "bits", "bits": 4, "per": "channel"},
    "bits 4 per tensor": {"kind": "bits", "bits": 4, "per": "tensor"},
}


def pixels(sample: str = SAMPLE) -> torch.Tensor:
    """A sample's square, (224, 224, 3), from 0 to 1, as the page has it."""
    photo = torch.tensor(np.array(data.opened(data.sample(sample)))) / 255
    return definitions("trained").square(photo.permute(2, 0, 1)).permute(1, 2, 0).contiguous()


def looked(numbers: torch.Tensor) -> dict:
    """What the page's scripts see: for each unit and each of its parts, and after each change."""
    folder = explorers.CACHE / "look"
    folder.mkdir(parents=True, exist_ok=True)
    for name, code in explorers.files("picture").items():
        (folder / name).write_bytes(code)
    (folder / "pixels").write_bytes(numbers.numpy().astype("<f4").tobytes())
    scripts = [str(each) for each in explorers.script_files("picture")]
    scripts += [str(folder / name) for name in explorers.files("picture")]
    found = subprocess.run(
        [node_binary(), str(LOOK), str(folder / "pixels"), *scripts],
        input=json.dumps(CHANGES),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return json.loads(found.stdout)


def short(value):
    """With six digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: short(each) for key, each in value.items()}
    return [short(each) for each in value] if isinstance(value, list) else value


def letters(shades: list[int]) -> str:
    """Sixteen shades, a letter each."""
    return "".join(f"{shade:x}" for shade in shades)


OF_A_CHANNEL = ("rank", "mean", "spread", "zeros", "filter", "at", "number")


def record() -> dict:
    """A map stands once, under the value that it is of and its channel, a letter for a place."""
    seen, names, maps, units = looked(pixels()), data.classes(), {}, []

    def named(guesses: list[list]) -> list[list]:
        return [[names[index], short(share)] for index, share in guesses]

    for listed, parts in zip(data.units(), seen["units"], strict=True):
        rows = []
        for each in parts:
            (part,) = (p for p in each["parts"] if p["name"] == each["part"])
            shades = part.pop("shades")
            if part["which"] >= 0:  # the picture itself is shown as it is
                maps[f"{part['which']}:{part['channel']}"] = letters(shades)
            (own,) = (p for p in listed["parts"] if p["name"] == each["part"])
            chosen = {key: each[key] for key in OF_A_CHANNEL}
            rows.append(short(own | part | {"chosen": chosen}))
        units.append(listed | {"parts": rows})
    (start, *_), *_ = seen["units"]
    strip = [[each["which"], each["channel"]] for each in start["strip"]]
    changed = {
        name: {key: named(guesses) for key, guesses in each.items()}
        for name, each in seen["switches"].items()
    }
    return {
        "command": COMMAND,
        "weights": sum(each["count"] for each in data.layers()),
        "calls": len(data.program().calls),
        "memory": data.program().bytes,
        "side": data.SIDE,
        "sample": SAMPLE,
        "photo": data.thumbnail(pixels()),
        "top": named(start["top"]),
        "whys": [short(each | {"shades": letters(each["shades"])}) for each in seen["whys"]],
        "switches": changed,
        "classifier": data.macs()[len(data.program().places) - 1],
        "strip": strip,
        "units": units,
        "maps": maps,
    }


def main() -> None:
    text = json.dumps(record(), ensure_ascii=False, separators=(",", ":"))
    text = text.replace('{"name"', '\n{"name"')  # a line for each unit and part
    data.RECORD.write_text(text + "\n", encoding="utf-8")
    print(f"{data.RECORD.relative_to(ROOT)}: {len(text) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
