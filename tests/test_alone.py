"""A notebook runs once: again when something changes that it depends on, and only then; and the
site shows what that run printed.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import alone, build_book


def write(path: Path, *cells) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


@pytest.fixture
def path(tmp_path) -> Path:
    found = tmp_path / "chapters" / "one" / "one.ipynb"
    found.parent.mkdir(parents=True)
    write(found, new_markdown_cell("words", id="a"), new_code_cell("print(1)", id="b"))
    return found


@pytest.fixture
def runs(tmp_path, monkeypatch) -> list[str]:
    """What ran. Instead of nbmake something that is over at once, and ends as `ends` says."""

    class Runs(list):
        ends = 0

    ran = Runs()

    def run_offline(*command, folder, home, **variables):
        ran.append(command[-1])
        notebook = nbformat.read(folder / command[-1], as_version=4)
        for number, cell in enumerate(alone.code_cells(notebook), start=1):
            cell.execution_count = number
            cell.outputs = [new_output("stream", name="stdout", text=f"printed {len(ran)}\n")]
        notebook.metadata.language_info = {"name": "python"}
        nbformat.write(notebook, folder / command[-1])
        return alone.Run(ran.ends, "", [], 1e9, [command[-1]], [])

    monkeypatch.setattr(alone, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(alone, "run_offline", run_offline)
    return ran


def printed(notebook: Path) -> list[str]:
    return [
        cell.outputs[0].text for cell in alone.code_cells(nbformat.read(notebook, as_version=4))
    ]


def test_what_has_not_changed_does_not_run_again(path, runs):
    first, second = alone.run_of(path), alone.run_of(path)
    assert first == second and len(runs) == 1
    assert printed(second[1]) == ["printed 1\n"]
    write(path, new_markdown_cell("other words", id="a"), new_code_cell("print(1)", id="b"))
    assert alone.run_of(path) == first and len(runs) == 1, "its words are not run"


CHANGES = ["code", "tag", "package", "Python", "copy", "watched", "isolated"]


@pytest.mark.parametrize("what", CHANGES)
def test_what_has_changed_runs_again(path, runs, monkeypatch, what):
    _, executed = alone.run_of(path)
    code = new_code_cell("print(2)" if what == "code" else "print(1)", id="b")
    if what == "tag":
        code.metadata.tags = ["define"]
    write(path, new_markdown_cell("words", id="a"), code)
    if what == "package":
        monkeypatch.setattr(alone, "packages", lambda: ["torch 0.4"])
    if what == "Python":
        monkeypatch.setattr(alone.sys, "version", "2.7")
    if what == "watched":
        monkeypatch.setattr(alone, "is_watched", lambda: "now")
    if what == "isolated":
        monkeypatch.setattr(alone, "isolation", lambda: ("now",))
    if what == "copy":
        executed.unlink()
    assert printed(alone.run_of(path)[1]) == ["printed 2\n"] and len(runs) == 2


def test_a_run_that_failed_is_not_kept(path, runs):
    runs.ends = 1
    assert alone.run_of(path)[0].returncode == 1
    runs.ends = 0
    assert alone.run_of(path)[0].returncode == 0
    runs.ends = 1
    assert alone.run_of(path)[0].returncode == 0 and len(runs) == 2


def test_who_asks_for_the_same_notebook_waits(path, runs):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(alone.run_of, [path] * 4))
    assert len(runs) == 1 and all(each == found[0] for each in found)


def test_the_books_packages_are_looked_at():
    found = [each.partition(" ")[0] for each in alone.packages()]
    assert {"torch", "timm", "nbmake", "numpy"} <= set(found)
    assert "playwright" not in found, "what only the tests need changes no run"


def test_the_site_shows_what_was_proved(path, runs, monkeypatch, tmp_path):
    monkeypatch.setattr(build_book, "ROOT", tmp_path)
    monkeypatch.setattr(build_book, "BUILD", tmp_path / "_build")
    build_book.run_notebooks()
    cache = get_cache(tmp_path / "_build" / ".jupyter_cache")
    _, shown = cache.merge_match_into_notebook(nbformat.read(path, as_version=4))
    assert [cell.outputs[0].text for cell in alone.code_cells(shown)] == ["printed 1\n"]
    assert shown.metadata.language_info.name == "python"


def test_a_notebook_that_fails_alone_is_left_to_the_build(
    path, runs, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(build_book, "ROOT", tmp_path)
    monkeypatch.setattr(build_book, "BUILD", tmp_path / "_build")
    runs.ends = 1
    build_book.run_notebooks()
    assert "one.ipynb does not run alone" in capsys.readouterr().out
    with pytest.raises(KeyError):
        cache = get_cache(tmp_path / "_build" / ".jupyter_cache")
        cache.match_cache_notebook(nbformat.read(path, as_version=4))


def test_while_a_notebook_takes_times_no_other_runs(path, runs, monkeypatch, tmp_path):
    monkeypatch.setattr(build_book, "ROOT", tmp_path)
    monkeypatch.setattr(build_book, "BUILD", tmp_path / "_build")
    running, beside = set(), {}

    def run_of(path: Path):
        running.add(path.stem)
        time.sleep(0.1)
        beside[path.stem] = len(running)
        running.remove(path.stem)
        return alone.Run(1, "", [], 0), path

    monkeypatch.setattr(build_book, "run_of", run_of)
    for name in (*build_book.TIMED, "two", "three"):
        (tmp_path / "chapters" / name).mkdir()
        write(tmp_path / "chapters" / name / f"{name}.ipynb")
    build_book.run_notebooks()
    assert beside.keys() == {"one", "two", "three", *build_book.TIMED}
    assert all(beside[name] == 1 for name in build_book.TIMED)


@pytest.mark.long(3)
def test_what_a_cell_prints_is_one_output(tmp_path, monkeypatch):
    """Also if it takes its time, and beside a bar that is drawn again and again."""
    monkeypatch.setattr(alone, "KEPT", tmp_path / "kept")
    slowly = "for i in tqdm(range(3)):\n    print(i)\n    time.sleep(0.3)"
    path = tmp_path / "one.ipynb"
    write(path, new_code_cell(f"import time\nfrom tqdm import tqdm\n{slowly}", id="a"))
    run, executed = alone.run_of(path)
    assert run.returncode == 0, run.output
    (cell,) = nbformat.read(executed, as_version=4).cells
    out, bar = cell.outputs
    assert (out.name, out.text) == ("stdout", "0\n1\n2\n")
    assert bar.name == "stderr" and bar.text.startswith("100%") and bar.text.count("\n") == 1
