"""Run a command with the network off, in three layers, and tell whom it tried to reach.

* Python's own sockets refuse any address but the loopback's, with an error that names it
  (`tests/offline/sitecustomize.py`). This works on every system.
* On Linux the command lives in a network namespace of its own: what is not Python gets nowhere.
* And `strace` notes each address that any of its processes and threads asks the kernel for: an
  attempt that fails in silence is seen as well.

The last two need a kernel that allows them and `strace`; `.ci/run` sees to both.
"""

import functools
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.book import ROOT

GUARD = ROOT / "tests" / "offline"
LOOPBACK = re.compile(r'inet_addr\("127\.|inet_pton\(AF_INET6, "(::1"|::ffff:127\.)')


class Run(NamedTuple):
    returncode: int
    output: str  # stdout and stderr
    reached_for: list[str]  # addresses beyond this machine, as strace prints them
    memory: float  # bytes, the most that one process held; of all runs of this test process


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
        timeout=600,
    )
    lines = notes.read_text().splitlines() if is_watched() else []
    beyond = [each for each in lines if "AF_INET" in each and not LOOPBACK.search(each)]
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(done.returncode, done.stdout, beyond, memory * unit)


@functools.cache
def is_watched() -> bool:
    return bool(shutil.which("strace"))
