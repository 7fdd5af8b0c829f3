"""The record is what Lite0 answers: some of it is asked again, and its sums are what is quoted."""

import pytest
import torch

from tools import trained

RECORD = trained.load()["lite0"]
AGAIN = 2  # pieces of each photograph
ASKED = ("no_shortcuts", "pytorchs_epsilon", "symmetric_padding", "without block 3")


def test_the_first_guesses_are_those_of_the_record():
    notebook = trained.notebook
    photos = notebook.photographs()
    x = notebook.prepared(torch.stack([notebook.square(photo) for photo in photos.values()]))
    for name, guesses in zip(photos, notebook.top(trained.lite0(), x), strict=True):
        recorded = RECORD["guesses"][name]
        assert guesses[0].name == recorded[0][1], name
        for guess, (share, _) in zip(guesses, recorded, strict=True):
            assert guess.share == pytest.approx(share, abs=1e-3)


@pytest.mark.parametrize("name", ASKED)
def test_the_answers_are_those_of_the_record(name):
    """On another processor two nearly equal guesses may change places."""
    jobs = {change.__name__: lambda c=change: trained.changed(c) for change in trained.CHANGES}
    network = jobs.get(name, lambda: trained.without_block(3))()
    found = trained.answer(network, each=AGAIN)
    recorded = RECORD["answers"][name]
    marks = recorded["agree"][: len(found["agree"])]
    assert sum(a != b for a, b in zip(found["agree"], marks, strict=True)) <= 1
    assert found["Grace Hopper"][0][0] == pytest.approx(recorded["Grace Hopper"][0][0], abs=1e-3)
    assert found["Grace Hopper"][0][1] == recorded["Grace Hopper"][0][1]


def test_the_maps_are_those_of_the_record():
    for name, rows in trained.cat_maps().items():
        pairs = zip("".join(rows), "".join(RECORD["maps"][name]), strict=True)
        assert all(abs(int(a, 16) - int(b, 16)) <= 1 for a, b in pairs), name
