"""What the site's explorers show: counted from the networks while the book is built.

Each explorer has a folder: `data.py` makes its data, `view.js` draws them. Counting takes a while;
what was counted is kept in `_build/explorers` for as long as the networks and the tables stay the
same.
"""

import hashlib
import importlib
import json
import tempfile
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from tools.notebooks import ROOT

FOLDER = Path(__file__).resolve().parent
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/data.py"))
CACHE = ROOT / "_build" / "explorers"
# Where networks and printed numbers come from: a change here counts everything anew.
SOURCES = [
    *ROOT.glob("chapters/v[1-4]/*.ipynb"),
    *ROOT.glob("chapters/kernels/*.ipynb"),
    ROOT / "chapters" / "device" / "device.ipynb",
    ROOT / "chapters" / "device" / "devices.json",
    *ROOT.glob("tools/*.py"),
    *FOLDER.glob("**/*.py"),
]


def module(name: str) -> ModuleType:
    """An explorer's `data.py`: its TITLE, and `make` for its data."""
    return importlib.import_module(f"explorers.{name}.data")


def data(name: str) -> dict:
    """The data of an explorer."""
    known = [path.read_bytes() for path in sorted(SOURCES)]
    known += [version(package).encode() for package in ("torch", "torchvision", "timm", "wasmtime")]
    kept = CACHE / f"{name}-{hashlib.sha256(b''.join(known)).hexdigest()[:16]}.json"
    if not kept.exists():
        counted = json.dumps(module(name).make(), ensure_ascii=False, separators=(",", ":"))
        CACHE.mkdir(parents=True, exist_ok=True)
        for old in CACHE.glob(f"{name}-*"):
            old.unlink(missing_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=CACHE, prefix=f"{name}-", delete=False, encoding="utf-8"
        ) as new:
            new.write(counted)
        Path(new.name).replace(kept)  # whole or not at all: others may be reading
    return json.loads(kept.read_text(encoding="utf-8"))


def script_files(name: str) -> list[Path]:
    """The scripts of an explorer, in the order in which they are loaded: its view is the last."""
    own = sorted((FOLDER / name).glob("*.js"), key=lambda path: (path.stem == "view", path.name))
    return [FOLDER / "explorer.js", *own]
