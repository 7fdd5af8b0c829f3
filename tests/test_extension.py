"""The book's Sphinx extension: buttons where there is a repository, none where there is not."""

from types import SimpleNamespace

import pytest
from nbformat.v4 import new_output

from extension import settings
from tests.book import ROOT


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/someone/mobilenets", "https://github.com/someone/mobilenets"),
        ("https://github.com/someone/mobilenets.git", "https://github.com/someone/mobilenets"),
        ("https://token@github.com/someone/nets.git/", "https://github.com/someone/nets"),
        ("git@github.com:someone/mobilenets.git", "https://github.com/someone/mobilenets"),
        ("ssh://git@github.com/someone/nets.v2.git", "https://github.com/someone/nets.v2"),
        ("ssh://git@github.com:22/someone/nets.git", "https://github.com/someone/nets"),
        ("https://gitlab.com/someone/mobilenets", ""),
        ("/a/folder/on/this/machine", ""),
        ("", ""),
    ],
)
def test_address_of_a_remote(remote, address):
    assert settings.https_url(remote) == address


@pytest.mark.parametrize("remote", ["git@github.com:someone/mobilenets.git", ""])
def test_buttons_follow_the_repository(remote, monkeypatch):
    monkeypatch.setattr(settings, "git_remote", lambda folder: remote)
    config = SimpleNamespace(html_theme_options={"repository_url": ""})
    settings.show_repository_buttons(SimpleNamespace(srcdir=ROOT), config)
    options = config.html_theme_options
    assert ("colab_url" in options["launch_buttons"]) == bool(remote)
    assert options.get("repository_url", "") == settings.https_url(remote)
    assert options.get("use_source_button", False) == bool(remote)


def test_one_setting_overrules_the_remote(monkeypatch):
    monkeypatch.setattr(settings, "git_remote", lambda folder: "git@github.com:a/fork.git")
    setting = "https://github.com/the/original"
    config = SimpleNamespace(html_theme_options={"repository_url": setting})
    settings.show_repository_buttons(SimpleNamespace(srcdir=ROOT), config)
    assert config.html_theme_options["repository_url"] == setting


def printed(text: str, name: str = "stdout"):
    return new_output("stream", name=name, text=text)


def test_what_was_printed_in_pieces_is_shown_as_one():
    picture = new_output("display_data", data={})
    pieces = [printed("width 0.35"), printed("!", "stderr"), picture, printed(" 11\n\nwidth 0.5")]
    stdout, stderr, shown = settings.join_streams(pieces)
    assert (stdout["text"], stderr["text"]) == ("width 0.35 11\n\nwidth 0.5", "!")
    assert shown is picture and settings.join_streams([]) == []
    assert pieces[0]["text"] == "width 0.35", "the notebook itself stays as it was"


def test_a_progress_bar_leaves_its_last_state():
    (bar,) = settings.join_streams([printed("10 %\r"), printed("50 %\r100 %\ndone\n")])
    assert bar["text"] == "100 %\ndone\n"
