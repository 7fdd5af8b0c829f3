"""Run a command with the network off, in three layers, and tell whom it tried to reach.

* Python's own sockets refuse any address but the loopback's, with an error that names it
  (`tools/offline/sitecustomize.py`). This works on every system.
* On Linux the command lives in a network namespace of its own: what is not Python gets nowhere.
* And `strace` notes each address that any of its processes and threads asks the kernel for: an
  attempt that fails in silence is seen as well.

The last two need a kernel that allows them and `strace`; `.ci/run` sees to both.

And run each notebook so, once: `run_of` keeps what it printed, which the site shows, and how it
behaved, which the tests judge. What ran already and has not changed does not run again.
"""

import functools
import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import nbformat
from filelock import FileLock

from tools.notebooks import ROOT, code_of

GUARD = ROOT / "tools" / "offline"
KEPT = ROOT / "_build" / "alone"
LOOPBACK = re.compile(r'inet_addr\("127\.|inet_pton\(AF_INET6, "(::1"|::ffff:127\.)')


# About how long a notebook takes, of a processor: the long ones are started first.
SECONDS = {"device": 70, "quantisation": 60, "training": 45, "v3": 45, "trained": 45}
SECONDS |= {"v1": 20, "v2": 20, "family": 15, "v4": 25, "kernels": 25}

# One thread each: several run side by side, and threads that wait for each other make minutes of
# seconds. No GPU: what is compared is computed on the CPU. No plugins, and nobody's own options:
# nbmake needs none.
SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "CUDA_VISIBLE_DEVICES": "",
    "MPLCONFIGDIR": str(KEPT / "matplotlib"),  # where fonts are listed, once
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_ADDOPTS": "",
}
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
PLUGINS = ("-p", "nbmake.pytest_plugin", "-p", "whole_lines")
# Overwritten, the copy holds what was printed.
NBMAKE = (*PYTEST, *PLUGINS, "--nbmake", "--nbmake-timeout=300", "--overwrite")


class Run(NamedTuple):
    returncode: int
    output: str  # stdout and stderr
    reached_for: list[str]  # addresses beyond this machine, as strace prints them
    memory: float  # bytes, the most that one process held; of all runs that this process started
    left: list[str] = []  # files in the folder
    left_at_home: list[str] = []


@functools.cache
def isolation() -> tuple[str, ...]:
    """The start of a command line that cuts the rest off from the network; empty where that can't
    be done."""
    for options in (["--net"], ["--net", "--map-root-user"]):
        start = ("unshare", *options, sys.executable, str(GUARD / "alone.py"))
        if (
            shutil.which("unshare")
            and not subprocess.run([*start, "true"], capture_output=True).returncode
        ):
            return start
    return ()


def run_offline(*command: str, folder: Path, home: Path, **variables: str) -> Run:
    """Run a command in a folder, with a home of its own and no network, and these variables."""
    environment = {**os.environ, "PYTHONPATH": str(GUARD), "HOME": str(home), **variables}
    for name in ("CI", "ORT_DISABLE_TELEMETRY"):  # with either, ONNX Runtime does not report
        environment.pop(name, None)
    notes = home.parent / "connections"
    strace = ("strace", "--follow-forks", "--seccomp-bpf", "--trace=connect", f"--output={notes}")
    watched = (*isolation(), *strace) if is_watched() else isolation()
    done = subprocess.run(
        [*watched, *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=600,
    )
    lines = notes.read_text(encoding="utf-8").splitlines() if is_watched() else []
    beyond = [each for each in lines if "AF_INET" in each and not LOOPBACK.search(each)]
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(
        done.returncode, done.stdout, beyond, memory * unit, files_in(folder), files_in(home)
    )


def files_in(folder: Path) -> list[str]:
    return [each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()]


@functools.cache
def is_watched() -> bool:
    """Whether `strace` is here, and may watch."""
    found = shutil.which("strace")
    return bool(found) and not subprocess.run([found, "true"], capture_output=True).returncode


# ---------------------------------------------------------------- notebooks, once


@functools.cache
def packages() -> list[str]:
    """Those that the book is made with, by name and version."""
    files = [ROOT / "requirements.txt", ROOT / "constraints.txt"]
    text = "\n".join(each.read_text(encoding="utf-8") for each in files)
    named = re.findall(r"^([\w.-]+)==", text, re.MULTILINE)
    found = []
    for name in sorted(set(named)):
        with suppress(PackageNotFoundError):  # not on every system
            found.append(f"{name} {version(name)}")
    return found


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def depends_on(path: Path) -> str:
    """A digest of what decides how a notebook runs, and what is seen of it: its code, Python,
    packages, this, and who watches. A run that nobody watched proves less.
    """
    runner = [Path(__file__), *sorted(GUARD.glob("*.py"))]
    parts = [each.read_text(encoding="utf-8") for each in runner]
    parts += [sys.version, *packages(), str((isolation(), is_watched()))]
    parts += [json.dumps(cell, sort_keys=True) for cell in code_of(path)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def run_of(path: Path) -> tuple[Run, Path]:
    """How a notebook ran: alone, by nbmake, in an empty folder with an empty home and no network;
    and the copy that holds what it printed.

    A run that ended well is kept, until something changes that it depends on. Processes that ask
    for the same notebook wait for one of them.
    """
    kept = KEPT / path.parent.name
    kept.mkdir(parents=True, exist_ok=True)
    copy, record = kept / path.name, kept / "run.json"
    with FileLock(kept / "lock"):
        digest = depends_on(path)
        if record.exists() and copy.exists():
            was, run = json.loads(record.read_text(encoding="utf-8"))
            if was == digest:
                return Run(*run), copy
        record.unlink(missing_ok=True)
        with TemporaryDirectory() as place:
            folder, home = Path(place, "folder"), Path(place, "home")
            folder.mkdir(), home.mkdir()
            shutil.copy(path, folder)
            run = run_offline(*NBMAKE, path.name, folder=folder, home=home, **SETTINGS)
            shutil.copy(folder / path.name, copy)
        if run.returncode == 0:
            record.write_text(json.dumps([digest, run]), encoding="utf-8")
    return run, copy


def longest_first(paths: list[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: -SECONDS.get(path.parent.name, 0))
