"""The tools and the machines that they meet."""

import ast
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest

from tests.book import NOTEBOOKS, ROOT, name
from tools import build_book, chromium, colab
from tools.supported import NEWEST, OLDEST, obstacle

# ---------------------------------------------------------------- which machines


@pytest.mark.parametrize(
    ("machine", "says"),
    [
        (((3, 11), "Linux", "x86_64"), ""),
        (((3, 14), "Linux", "aarch64"), ""),
        (((3, 12), "Darwin", "arm64", "14.0"), ""),
        (((3, 12), "Darwin", "arm64", "26.1"), ""),
        (((3, 13), "Windows", "AMD64"), ""),
        (((3, 10), "Linux", "x86_64"), "Python 3.11 to 3.14 is needed, this is 3.10: make PYTHON="),
        (((3, 15), "Linux", "x86_64"), "Python 3.11 to 3.14 is needed, this is 3.15: make PYTHON="),
        (((3, 12), "Darwin", "x86_64", "15.1"), "PyTorch has no packages for macOS on Intel"),
        (((3, 12), "Darwin", "arm64", "13.6.1"), "PyTorch needs macOS 14 or newer, this is 13.6.1"),
        (((3, 12), "Windows", "ARM64"), "PyTorch has no packages for Windows on Arm: use WSL"),
    ],
)
def test_what_cannot_be_installed_is_said_in_a_line(machine, says):
    line = obstacle(*machine)
    assert line.startswith(says) and bool(line) == bool(says) and "\n" not in line


@pytest.mark.words
def test_the_readme_names_the_same_machines():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first, last = (".".join(map(str, each)) for each in (OLDEST, NEWEST))
    assert f"Python {first} to {last}" in text
    workflow = (ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8")
    tried = re.findall(r'"(3\.\d+)"', workflow)
    assert tried == [f"3.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)]


@pytest.mark.code
def test_make_stops_on_the_wrong_python(tmp_path):
    """Before it makes an environment. The Python is a script that says it is an old one."""
    for each in ("Makefile", "requirements.txt", "requirements-test.txt", "constraints.txt"):
        shutil.copy(ROOT / each, tmp_path)
    (tmp_path / "tools").mkdir()
    script = (ROOT / "tools/supported.py").read_text(encoding="utf-8")
    script = script.replace("obstacle(sys.version_info,", "obstacle((3, 9, 1),")
    (tmp_path / "tools/supported.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        ["make", f"PYTHON={sys.executable}", "book"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode and "Python 3.11 to 3.14 is needed, this is 3.9" in done.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    "there",
    ["/usr/bin/chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"],
)
def test_a_browser_is_found_where_systems_keep_it(there, monkeypatch):
    def which(asked):
        return there if asked in (there, Path(there).name) else None

    monkeypatch.setattr(chromium.shutil, "which", which)
    assert chromium.find_browser() == there


@pytest.mark.code
def test_a_build_ends_where_there_are_no_groups_of_processes(monkeypatch):
    """Windows has no `os.killpg`."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.delattr(os, "killpg")
    with monkeypatch.context() as windows:
        windows.setattr(os, "name", "nt")
        build_book.stop(process)
    assert process.wait(timeout=20) != 0


# ---------------------------------------------------------------- what Colab has


def test_the_sets_of_versions_are_whole():
    """Each names its Python and a pair of torch and torchvision, and cannot be taken for ours."""
    sets = sorted(colab.SETS.glob("*.txt"))
    assert {"colab", "torch-2.8"} <= {path.stem for path in sets}
    for path in sets:
        text = path.read_text(encoding="utf-8")
        assert re.search(r"^# Python 3\.\d+$", text, re.MULTILINE), path.name
        torch, vision = (
            re.search(rf"^{each}==(\d+)\.(\d+)\.\d+$", text, re.MULTILINE)
            for each in ("torch", "torchvision")
        )
        assert int(vision[2]) == int(torch[2]) + 15, "torchvision 0.23 goes with torch 2.8"


@pytest.mark.code
@pytest.mark.parametrize(
    ("source", "well", "told"),
    [
        ("print('all is well')", True, "ran in"),
        ("print('Left out: ONNX Runtime. ImportError: no')", False, "WRONG: left out, though"),
        ("print('Left out: ExecuTorch, and all. No')", True, "left out: ExecuTorch"),
        ("raise RuntimeError('tensor does not have a device')", False, "does not have a device"),
        ("open('litter', 'w').close()", False, "left behind: litter"),
        ("PACKAGE = '9.9.1'", False, "WRONG: changed without a word: tqdm"),
        ("PACKAGE = '9.9.1'; print('Changed: tqdm {was} -> 9.9.1')", True, "changed: tqdm"),
    ],
)
def test_a_reader_is_told_what_a_notebook_did(source, well, told, tmp_path, monkeypatch, capsys):
    """A notebook that fails, or changes the reader's packages in silence, fails `make colab`."""
    from importlib.metadata import version

    if source.startswith("PACKAGE"):  # as if its install cell had brought another version
        source = (
            "import site\nfrom pathlib import Path\n"
            "folder = Path(site.getsitepackages()[0], 'tqdm-9.9.1.dist-info')\n"
            "folder.mkdir()\n"
            "(folder / 'METADATA').write_text('Name: tqdm\\nVersion: 9.9.1\\n')\n"
        ) + source.replace("{was}", version("tqdm"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbformat.write(notebook, tmp_path / "some.ipynb")
    monkeypatch.setitem(colab.NOTEBOOKS, "some", tmp_path / "some.ipynb")
    assert colab.run("some", sys.executable, {"ExecuTorch"}) == well
    assert told in capsys.readouterr().out


@pytest.mark.code
@pytest.mark.words(anew=True)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_nothing_is_installed_that_is_there(path):
    """The install cell, in the book's environment: pip is never called."""
    source = nbformat.read(path, as_version=4).cells[1].source
    lines = [
        re.sub(r"^(\s*)([%!].*)$", r"\1asked.append(r'''\2''')", each)
        for each in source.splitlines()
    ]
    asked = []
    exec("\n".join(lines), {"asked": asked})
    assert asked == []
    assert find_spec("pip")


HOOKED = """
import sys
exec(sys.argv[1])
import distutils.core  # before Python 3.12, setuptools puts its own in the place of Python's
import setuptools
"""


@cache  # half of the notebooks have the same cell
def run_hooked(source: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", HOOKED, source], capture_output=True, text=True, encoding="utf-8"
    )


@pytest.mark.code
@pytest.mark.words(anew=True)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_an_install_cell_leaves_setuptools_whole(path):
    """`find_spec("pip")` switches setuptools' distutils off, and then torch.compile fails."""
    source = nbformat.read(path, as_version=4).cells[1].source
    source = re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)
    done = run_hooked(source)
    assert done.returncode == 0, done.stderr[-500:]


# ---------------------------------------------------------------- text on any machine


def opened_without_an_encoding(source: str) -> list[int]:
    """Lines that read or write text in whatever encoding the machine is set to.

    >>> opened_without_an_encoding("Path('a').read_text()\\nopen('b', 'rb')\\nopen('c')")
    [1, 3]
    """
    lines = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        words = {each.arg: ast.unparse(each.value) for each in node.keywords}
        method = called.rpartition(".")[2]
        mode = [ast.unparse(each) for each in node.args][called == "open" :][:1]
        is_text = {
            "read_text": True,
            "write_text": True,
            "open": called.partition(".")[0] not in ("Image", "os", "tarfile")
            and "b" not in words.get("mode", mode[0] if mode else "'r'").strip("'\""),
            "NamedTemporaryFile": bool(mode) and "b" not in mode[0],
            "run": words.get("text") == "True",
            "Popen": words.get("text") == "True",
        }
        if is_text.get(method) and "encoding" not in words:
            lines.append(node.lineno)
    return lines


# What runs without the Makefile, which sets UTF-8 for the rest: a build by hand, a single tool.
SCRIPTS = sorted(
    path for folder in ("site", "figures", "tools") for path in ROOT.glob(f"{folder}/**/*.py")
)


@pytest.mark.words(anew=True)
@pytest.mark.parametrize("path", [*SCRIPTS, *NOTEBOOKS], ids=name)
def test_text_is_read_and_written_as_utf8(path):
    """Not as the machine is set up: on some, ours would be read as something else."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = nbformat.reads(source, as_version=4).cells[2:]
        source = "\n".join(each.source for each in cells if each.cell_type == "code")
    assert not (lines := opened_without_an_encoding(source)), f"no encoding in lines {lines}"
