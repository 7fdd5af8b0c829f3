"""What the site's explorers show: counted from the networks while the book is built.

Each explorer has a folder: `data.py` makes its data, `view.js` draws them. Counting takes a while;
what was counted is kept in `_build/explorers` for as long as the networks and the tables stay the
same.
"""

import hashlib
import importlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from tools.notebooks import ROOT, code_of

FOLDER = Path(__file__).resolve().parent
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/data.py"))
CACHE = ROOT / "_build" / "explorers"
# Where networks and printed numbers come from: a change here counts everything anew.
SOURCES = [
    *ROOT.glob("chapters/v[1-4]/*.ipynb"),
    *ROOT.glob("chapters/kernels/*.ipynb"),
    ROOT / "chapters" / "device" / "device.ipynb",
    ROOT / "chapters" / "trained" / "trained.ipynb",
    ROOT / "chapters" / "trained" / "record.json",
    ROOT / "chapters" / "trained" / "picture.json",
    ROOT / "chapters" / "device" / "devices.json",
    *ROOT.glob("tools/*.py"),
    *FOLDER.glob("**/*.py"),
]


def module(name: str) -> ModuleType:
    """An explorer's `data.py`: its TITLE, and `make` for its data."""
    return importlib.import_module(f"explorers.{name}.data")


@cache
def source(path: Path, changed: int) -> bytes:
    """What data are made from: of a notebook its code, not its words. `changed` is when it was."""
    if path.suffix == ".ipynb":
        return json.dumps(code_of(path), sort_keys=True).encode()
    return path.read_bytes()


def digest() -> str:
    """Of all that data are made from."""
    files = [path for path in sorted(SOURCES) if path.exists()]
    known = [source(path, path.stat().st_mtime_ns) for path in files]
    known += [version(package).encode() for package in ("torch", "torchvision", "timm", "wasmtime")]
    return hashlib.sha256(b"".join(known)).hexdigest()[:16]


def kept(what: str, suffix: str, make: Callable[[], bytes]) -> bytes:
    """What was made before from the same sources, or else is made now."""
    file = CACHE / f"{what}-{digest()}{suffix}"
    if not file.exists():
        made = make()
        CACHE.mkdir(parents=True, exist_ok=True)
        for old in CACHE.glob(f"{what}-*{suffix}"):
            old.unlink(missing_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=CACHE, prefix=f"{what}-", delete=False) as new:
            new.write(made)
        Path(new.name).replace(file)  # whole or not at all: others may be reading
    return file.read_bytes()


def data(name: str) -> dict:
    """The data of an explorer."""

    def count() -> bytes:
        counted = module(name).make()
        return json.dumps(counted, ensure_ascii=False, separators=(",", ":")).encode()

    return json.loads(kept(name, ".json", count))


def files(name: str) -> dict[str, bytes]:
    """What an explorer loads later, when it is asked to, by name: in `_static/later`."""
    make = getattr(module(name), "files", None)
    if make is None:
        return {}

    def pack() -> bytes:
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as packed:
            for file, code in make().items():
                packed.writestr(file, code)
        return memory.getvalue()

    with zipfile.ZipFile(io.BytesIO(kept(name, ".zip", pack))) as packed:
        return {file: packed.read(file) for file in packed.namelist()}


def script_files(name: str) -> list[Path]:
    """The scripts of an explorer, in the order in which they are loaded: its view is the last."""
    own = sorted((FOLDER / name).glob("*.js"), key=lambda path: (path.stem == "view", path.name))
    others = [FOLDER / each for each in getattr(module(name), "SCRIPTS", ())]
    return [FOLDER / "explorer.js", *others, *own]
