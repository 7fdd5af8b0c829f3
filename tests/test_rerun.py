"""A cell can be run again, and no notebook depends on an idle machine.

A reader changes a cell and runs it once more; one that needs a fresh kernel for that is a trap.
Each notebook starts with as many threads as PyTorch would take by itself, and each of its cells
runs twice.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.book import NOTEBOOKS, ROOT, code_of, name
from tools.alone import SECONDS

pytestmark = pytest.mark.code

# The others take minutes; tests/training runs its own again.
LONG = ("device", "quantisation", "training")
AGAIN = [path for path in NOTEBOOKS if path.parent.name not in LONG]
TWICE = """
import sys
from tests import test_rerun
test_rerun.run_each_cell_twice(sys.argv[1:])
"""


def cells(path: Path) -> list[tuple[int, bool, str]]:
    """(number, is it tagged `define`, source) of each code cell but the first, which installs."""
    found = [
        (number, "define" in cell.metadata.get("tags", []), cell.source)
        for number, cell in enumerate(code_of(path), start=1)
    ]
    assert "%pip" in found[0][2]
    return found[1:]


def run_each_cell_twice(paths: list[str]) -> None:
    import torch

    for path in paths:
        torch.set_num_threads(2)  # as it was at the start
        namespace = {"__name__": "__main__"}
        for number, only_defines, source in cells(Path(path)):
            place = f"{Path(path).stem}, cell {number}"
            program = compile(source, place, "exec")
            for _ in range(2):
                exec(program, namespace)
            assert only_defines or torch.get_num_threads() == 1, f"many threads in {place}"


# Where that takes more than a few seconds, once a week.
QUICK = [path for path in AGAIN if path.parent.name not in SECONDS]
OTHERS = [[path] for path in AGAIN if path not in QUICK]
PARTS = [QUICK, *(pytest.param(each, marks=pytest.mark.weekly) for each in OTHERS)]


@pytest.mark.parametrize("paths", PARTS, ids=lambda paths: " ".join(map(name, paths)))
def test_each_cell_runs_twice_on_one_thread(paths, tmp_path):
    """With as many threads as PyTorch would take by itself, on a reader's two cores."""
    folders = [str(ROOT / "tools" / "offline"), str(ROOT)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "MPLBACKEND": "agg"}
    environment["OMP_NUM_THREADS"] = "2"  # what a reader's two cores give, on any machine
    command = [sys.executable, "-c", TWICE, *map(str, paths)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]
