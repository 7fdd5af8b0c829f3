"""Which tests are about a page, and in which order they run."""

import subprocess
from functools import partial
from types import SimpleNamespace

import pytest

from tests import parts


def item(name: str, seconds: float = 0, fixtures=()) -> SimpleNamespace:
    marker = SimpleNamespace(args=(seconds,)) if seconds else None
    return SimpleNamespace(name=name, fixturenames=fixtures, get_closest_marker=lambda _: marker)


def test_each_worker_begins_with_its_share_of_the_long_tests_and_one_with_the_site():
    short = [item(f"short {i}") for i in range(9)]
    long = [item(f"long {i}", seconds=i) for i in (10, 30, 20, 40)]
    browser = [item(f"page {i}", fixtures=("site",)) for i in range(2)]
    ordered = [each.name for each in parts.in_order([*short, *browser, *long], workers=2)]
    assert sorted(ordered) == sorted(each.name for each in [*short, *browser, *long])
    first, second = ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]
    assert first[:3] == ["long 40", "long 20", "page 0"]
    assert second[:2] == ["long 30", "long 10"]
    assert second[-1] == "page 1", "while the first may still build the site"


def test_more_workers_than_tests_lose_none():
    items = [item("one"), item("two", seconds=9)]
    assert len(parts.in_order(items, workers=8)) == 2


def test_what_a_test_is_about_its_name_says_or_its_code():
    assert parts.pages_in("test_v2_equals_torchvision[0.35]") == {"v2"}
    assert parts.pages_in("test_figures_are_what_their_script_draws[figures/front/draw.py]") == {
        "intro"
    }
    assert parts.pages_in('block = definitions("separable").bare_pair(3, 5)') == {"separable"}
    assert parts.pages_in("test_each_cell_runs_twice_on_one_thread") == set()


@pytest.mark.code
def test_without_a_name_what_has_been_changed_is_asked(tmp_path, monkeypatch):
    git = ["git", "-c", "user.name=a", "-c", "user.email=a", "-C", tmp_path]
    for name in ("chapters/v2/index.md", "figures/front/draw.py", "tests/appendix/ledger.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("one")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.setattr(parts, "changed", partial(parts.changed, tmp_path))
    with pytest.raises(ValueError, match="no page differs"):
        parts.asked("")
    (tmp_path / "chapters/v2/index.md").write_text("two")
    (tmp_path / "figures/front/draw.py").unlink()
    (tmp_path / "chapters/v2/new.ipynb").write_text("")
    (tmp_path / "tests/v4").mkdir()
    (tmp_path / "tests/v4/a name.py").write_text("")
    assert parts.asked("") == {"v2", "intro", "v4"}
    assert parts.asked("ledger") == {"ledger"}
    with pytest.raises(ValueError, match="PAGE is 'v2 v9'"):
        parts.asked("v2 v9")


@pytest.mark.code
def test_where_git_says_nothing_nothing_has_changed(tmp_path):
    assert parts.changed(tmp_path) == []
