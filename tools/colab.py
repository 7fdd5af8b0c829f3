"""Run the notebooks where their readers do: in an environment that is not the book's.

    make colab                                    with Colab's versions, and with an older PyTorch
    python tools/colab.py torch-2.8 device v3     one set, some chapters
    python tools/colab.py --base python3 device   over the packages of another Python, as they are

A file in `tests/environments/` names a set of versions. It is installed once, in `.venv-<name>`.
Each notebook then runs alone, in an empty folder and a fresh environment over that one, with the
network on: its install cell finds what Colab's would. Told are the seconds, what the notebook
installed, what it changed, what it left out, and whatever it wrote to stderr. A notebook that
fails, changes a package without saying so, or leaves something out that the set can run, fails
the command.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
SETS = ROOT / "tests" / "environments"
NOTEBOOKS = {path.parent.name: path for path in sorted(ROOT.glob("chapters/*/*.ipynb"))}

# What a set of versions cannot run, and the notebook says so.
LEFT_OUT = {"torch-2.8": {"ExecuTorch"}}

LIST = """
import json, site, sys
from importlib.metadata import distributions
found = {}
for each in distributions():  # the first one is the one that is imported
    found.setdefault(each.metadata["Name"].lower(), each.version)
print(json.dumps({"packages": found, "folders": site.getsitepackages()}))
"""


def describe(python: Path | str) -> dict:
    """The packages {name: version} that a Python finds, and the folders they stand in."""
    command = [python, "-c", LIST]
    done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    return json.loads(done.stdout)


def python_in(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def interpreter(version: str) -> str:
    """A Python of this version, or this one, with a line that says so."""
    for name in (f"python{version}", "python3", "python"):
        ask = [name, "-c", "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"]
        if shutil.which(name):
            said = subprocess.run(
                ask, capture_output=True, text=True, encoding="utf-8"
            ).stdout.split()
            if said[:1] == [version]:
                return said[1]
    print(f"No Python {version} here: Python {sys.version.split()[0]} takes its place.")
    return sys.executable


def installed_set(name: str) -> Path:
    """The Python of a set of versions, which is installed if it is not there yet."""
    file = SETS / f"{name}.txt"
    if not file.exists():
        known = ", ".join(sorted(path.stem for path in SETS.glob("*.txt")))
        raise SystemExit(f"no set of versions is called {name}: there are {known}")
    folder = ROOT / f".venv-{name}"
    python, stamp = python_in(folder), folder / file.name
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != file.read_text(encoding="utf-8"):
        print(f"Installing {file.relative_to(ROOT)} in {folder.name}: a few minutes", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        version = re.search(r"^# Python (\S+)$", file.read_text(encoding="utf-8"), re.MULTILINE)[1]
        subprocess.run([interpreter(version), "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", file], check=True)
        stamp.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    return python


def fresh(base: Path | str, folder: Path) -> Path:
    """A new environment that sees the packages of another one, and changes none of them."""
    subprocess.run([base, "-m", "venv", "--without-pip", folder], check=True)
    python = python_in(folder)
    below, above = describe(base), describe(python)
    link = Path(above["folders"][0], "base.pth")
    link.write_text("\n".join(below["folders"]) + "\n", encoding="utf-8")
    kernel = folder / "kernels" / "fresh"
    kernel.mkdir(parents=True)
    launch = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": launch, "display_name": "fresh", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    return python


def streams(notebook: nbformat.NotebookNode, name: str) -> list[str]:
    """Every piece that the cells wrote to a stream, as it arrived."""
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    return [out.text for out in outputs if out.output_type == "stream" and out.name == name]


def run(chapter: str, base: Path | str, may_leave_out: set[str]) -> bool:
    """Run a chapter's notebook in a fresh environment, and tell; whether all was well."""
    notebook = nbformat.read(NOTEBOOKS[chapter], as_version=4)
    failure = ""
    with TemporaryDirectory() as folder:
        python = fresh(base, Path(folder, "environment"))
        before = describe(python)["packages"]
        place = Path(folder, "empty")
        place.mkdir()
        os.environ["JUPYTER_PATH"] = str(Path(folder, "environment"))
        os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # a kernel's note about debugging
        start = time.perf_counter()
        try:
            NotebookClient(
                notebook,
                timeout=900,
                kernel_name="fresh",
                resources={"metadata": {"path": place}},
                coalesce_streams=False,
            ).execute()
        except CellExecutionError as error:
            failure = str(error).strip()
        seconds = time.perf_counter() - start
        after = describe(python)["packages"]
        litter = [each.name for each in place.iterdir()]

    printed = "".join(streams(notebook, "stdout"))
    new = [f"{name} {after[name]}" for name in sorted(after.keys() - before.keys())]
    changed = {
        name: f"{name} {before[name]} -> {after[name]}"
        for name in sorted(after.keys() & before.keys())
        if after[name] != before[name]
    }
    left_out = re.findall(r"^Left out: ([\w.]+(?: Runtime)?).*$", printed, re.MULTILINE)
    errors = streams(notebook, "stderr")

    print(f"{chapter:12} {'failed' if failure else 'ran'} in {seconds:.0f} s", flush=True)
    for what, told in (
        ("installed", new),
        ("changed", changed.values()),
        ("left out", left_out),
        ("stderr", [f"{len(errors)} pieces"] if errors else []),
        ("left behind", litter),
    ):
        if told:
            print(f"{'':12} {what}: {', '.join(told)}", flush=True)
    silent = [line for line in changed.values() if line not in printed]
    too_much = set(left_out) - may_leave_out
    if silent:
        print(f"{'':12} WRONG: changed without a word: {', '.join(silent)}")
    if too_much:
        print(f"{'':12} WRONG: left out, though it can be had: {', '.join(too_much)}")
    if failure:
        print(failure)
    for piece in errors if os.environ.get("STDERR") else []:
        print(f"{'':12} | {piece!r}")
    return not (failure or silent or too_much or litter)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", help="a Python whose packages are taken as they are")
    parser.add_argument("names", nargs="*", help="sets of versions, then chapters")
    options = parser.parse_args(arguments)
    chapters = [name for name in options.names if name in NOTEBOOKS] or list(NOTEBOOKS)
    sets = [name for name in options.names if name not in NOTEBOOKS]
    if not options.base:
        sets = sets or sorted(path.stem for path in SETS.glob("*.txt"))
    well = True
    for name in sets or [options.base]:
        base = options.base or installed_set(name)
        packages = describe(base)["packages"]
        shown = [f"{each} {packages.get(each)}" for each in ("torch", "torchvision", "numpy")]
        print(f"{name}: {', '.join(shown)}", flush=True)
        for chapter in chapters:
            well &= run(chapter, base, LEFT_OUT.get(name, set()))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
