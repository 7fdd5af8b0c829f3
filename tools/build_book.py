"""Build the book with every warning an error; end with the cause, one line each.

`jupyter-book build . -n -W --keep-going` does the work. This wrapper runs the notebooks before it,
side by side, and each as the tests demand it (tools/alone.py): what the site shows is what was
proved. It keeps the build's long output in `_build/build.log` and says in one line what went wrong,
or where the site is. What is built already is not built again.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

from tools.alone import code_cells, longest_first, packages, run_of
from tools.notebooks import read_notebook

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
LOG = BUILD / "build.log"
BUILT = BUILD / "built"  # what the site in `_build/html` was made from
JUPYTER_BOOK = Path(sys.executable).with_name("jupyter-book")
COMMAND = [str(JUPYTER_BOOK), "build", ".", "-n", "-W", "--keep-going"]

ANSI = re.compile(r"\x1b\[[0-9;]*m")
COMPLAINT = re.compile(r"\b(WARNING|ERROR|CRITICAL): ")
EXCEPTION = re.compile(r"^[\w.]*(Error|Exception): \S")
PROGRESS = re.compile(r"^(Executing|reading sources|building \[html\])|: Executing notebook using")


# No part of the site. What Git does not know may well be: a page that is not yet added.
APART = {"_build", "tests", "__pycache__"}


def made_from() -> str:
    """A digest of all that a site is made from: files, packages, and the repository's address."""
    address = ["git", "-C", str(ROOT), "remote", "get-url", "origin"]
    with suppress(FileNotFoundError):  # no Git
        address = subprocess.run(address, capture_output=True, text=True, encoding="utf-8").stdout
    digest = hashlib.sha256("\n".join([sys.version, str(address), *packages()]).encode())
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(each for each in folders if each not in APART and each[0] != ".")
        for path in (Path(folder, name) for name in sorted(files)):
            if not path.is_file():  # a link to nowhere, as an editor leaves while a page is open
                continue
            digest.update(f"\n{path.relative_to(ROOT)}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


TIMED = ("device", "kernels")  # whose readers compare times: nothing else of ours runs meanwhile


def put_into_the_cache(path: Path, executed: Path) -> None:
    """Give the build what a notebook printed, so that it does not run it."""
    notebook, done = read_notebook(path), read_notebook(executed)
    for cell, other in zip(code_cells(notebook), code_cells(done), strict=True):
        cell.outputs, cell.execution_count = other.outputs, other.execution_count
    notebook.metadata.language_info = done.metadata.language_info
    cache = get_cache(BUILD / ".jupyter_cache")
    cache.cache_notebook_bundle(CacheBundleIn(notebook, str(path)), overwrite=True)


def run_notebooks() -> None:
    """Those that have changed. One that fails alone is left to the build: with the network on it
    may install what is missing, and if not, the build says why.
    """

    def run(path: Path) -> tuple[bool, Path]:
        start = time.perf_counter()
        done, executed = run_of(path)
        alone, seconds = done.returncode == 0, time.perf_counter() - start
        if seconds > 1 or not alone:  # else it ran before
            how = "ran alone" if alone else "does not run alone"
            print(f"  {path.relative_to(ROOT).as_posix()} {how}, {seconds:.0f} s", flush=True)
        return alone, executed

    notebooks = longest_first(sorted(ROOT.glob("chapters/*/*.ipynb")))
    apart = [path for path in notebooks if path.parent.name in TIMED]
    beside = [path for path in notebooks if path not in apart]
    # Four at most: the largest takes 3 GB.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as side_by_side:
        runs = [*side_by_side.map(run, beside)]
    runs += map(run, apart)
    for path, (alone, executed) in zip(beside + apart, runs, strict=True):
        if alone:
            put_into_the_cache(path, executed)


def run_build() -> int:
    """Run the build, write its output to the log, echo what shows progress.

    The log is followed as a file: a pipe would stay open, and this wait for ever, if the build
    died and left a child behind.
    """
    BUILD.mkdir(exist_ok=True)
    # PyTorch's threads wait for each other busily. Beside another program that uses the cores,
    # that makes minutes of seconds; waiting idly costs nothing.
    environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
    with LOG.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            COMMAND,
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        with LOG.open(errors="replace", encoding="utf-8") as lines:
            while True:
                ended = process.poll() is not None
                for line in lines:
                    line = ANSI.sub("", line).strip().replace(f"{ROOT}/", "")
                    if PROGRESS.search(line):
                        print("  " + line, flush=True)
                if ended:
                    return process.returncode
                time.sleep(0.2)
    finally:
        stop(process)


def stop(process: subprocess.Popen) -> None:
    """End the build, if it still runs, and the kernels that it started."""
    if os.name == "nt":  # knows no groups of processes
        process.terminate()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)


def failed_cell(notebook: str) -> str:
    """What a failed notebook's traceback says: the error, and the line of the cell."""
    report = BUILD / "html" / "reports" / Path(notebook).relative_to(ROOT).with_suffix(".err.log")
    if not report.exists():
        return "a cell failed"
    text = ANSI.sub("", report.read_text(encoding="utf-8"))
    errors = re.findall(r"^\w*(?:Error|Exception|Interrupt)\b:.*$", text, flags=re.MULTILINE)
    error = errors[-1].strip().rstrip(":") if errors else "a cell failed"
    at = re.search(r"^-+> *\d+ (.+)$", text, flags=re.MULTILINE)
    return f"{error} at `{at[1].strip()}`" if at else error


def causes() -> list[str]:
    """One line for each thing that failed the build, in the order in which it was met."""
    found = []
    lines = ANSI.sub("", LOG.read_text(errors="replace", encoding="utf-8")).splitlines()
    for line in lines:
        if not COMPLAINT.search(line) or "Notebook exception traceback saved" in line:
            continue
        if "Executing notebook failed" in line:
            notebook = line.partition(": WARNING")[0].strip()
            line = f"{notebook}: {failed_cell(notebook)}"
        found.append(line.strip().replace(f"{ROOT}/", ""))
    return list(dict.fromkeys(found)) or crash(lines)


def crash(lines: list[str]) -> list[str]:
    """What ended a build that never came to check the pages: the last exception's message."""
    errors = [i for i, line in enumerate(lines) if EXCEPTION.match(line)]
    if not errors:
        return [line for line in lines if line.strip(" =")][-1:]
    message = [lines[errors[-1]]]
    message += [line.strip() for line in lines[errors[-1] + 1 : errors[-1] + 3] if line[:2] == "  "]
    return [" ".join(message).replace(f"{ROOT}/", "")]


def main() -> int:
    start, sources = time.perf_counter(), made_from()
    index = BUILD / "html" / "index.html"
    if index.exists() and BUILT.exists() and BUILT.read_text(encoding="utf-8") == sources:
        print(f"Built already, and nothing has changed: {index}")
        return 0
    BUILT.unlink(missing_ok=True)
    # Sphinx repeats a warning only for a page that it reads anew, so a second build would look
    # clean. Reading all pages costs seconds: the notebooks' results stay in _build/.jupyter_cache.
    shutil.rmtree(BUILD / ".doctrees", ignore_errors=True)
    shutil.rmtree(BUILD / "html", ignore_errors=True)
    print(
        "Building the book. The first time, its notebooks run: some minutes.",
        flush=True,
    )
    run_notebooks()
    if run_build() != 0:
        print(
            f"\nThe book was not built (all output: {LOG.relative_to(ROOT)}):",
            file=sys.stderr,
        )
        for cause in causes():
            print(f"  {cause}", file=sys.stderr)
        return 1
    BUILT.write_text(sources, encoding="utf-8")
    print(f"Built in {time.perf_counter() - start:.0f} s: {index}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
