"""The book's Sphinx extension: buttons where there is a repository, none where there is not."""

import importlib.util
from types import SimpleNamespace

import pytest

from tests.book import ROOT

spec = importlib.util.spec_from_file_location("book_extension", ROOT / "_ext" / "book.py")
extension = importlib.util.module_from_spec(spec)
spec.loader.exec_module(extension)


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
    assert extension.https_url(remote) == address


@pytest.mark.parametrize("remote", ["git@github.com:someone/mobilenets.git", ""])
def test_buttons_follow_the_repository(remote, monkeypatch):
    monkeypatch.setattr(extension, "git_remote", lambda folder: remote)
    config = SimpleNamespace(html_theme_options={"repository_url": ""})
    extension.show_repository_buttons(SimpleNamespace(srcdir=ROOT), config)
    options = config.html_theme_options
    assert ("colab_url" in options["launch_buttons"]) == bool(remote)
    assert options.get("repository_url", "") == extension.https_url(remote)
    assert options.get("use_source_button", False) == bool(remote)


def test_one_setting_overrules_the_remote(monkeypatch):
    monkeypatch.setattr(extension, "git_remote", lambda folder: "git@github.com:a/fork.git")
    setting = "https://github.com/the/original"
    config = SimpleNamespace(html_theme_options={"repository_url": setting})
    extension.show_repository_buttons(SimpleNamespace(srcdir=ROOT), config)
    assert config.html_theme_options["repository_url"] == setting
