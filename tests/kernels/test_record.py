"""The record of the runtimes' times is complete, and adds up; no time itself is tested."""

from itertools import groupby

import pytest
from torch import nn

from tools import browser, latency

RECORD = browser.load()
LAYERS = [row["layer"] for row in RECORD["layers"]]
BROWSERS = ("SIMD", "fused", browser.OTHER)
NATIVE = ("PyTorch", "PyTorch, folded", "ExecuTorch")
CEILINGS = {f"{engine} {job}" for engine in browser.ENGINES for job in browser.JOBS}
ERROR = 1e-5


def test_it_says_what_was_measured_and_with_what():
    assert RECORD["command"] == browser.COMMAND
    assert RECORD["device"] and RECORD["processor"] and RECORD["cores"] > 0
    assert set(RECORD["versions"]) == {"torch", "executorch", "Chromium", browser.OTHER}
    assert all(version[0].isdigit() for version in RECORD["versions"].values())
    assert RECORD["jobs"] == browser.JOBS


def test_it_is_of_the_kernels_that_the_notebook_makes():
    for engine, fused in browser.ENGINES.items():
        assert RECORD["bytes"][engine] == len(browser.code(fused))
    assert RECORD["bytes"][browser.OTHER] > 1000 * RECORD["bytes"]["SIMD"]


def test_it_has_every_place_of_v1_and_every_network():
    assert LAYERS == [list(place) for place in dict.fromkeys(latency.notebook.v1_layers())]
    assert list(RECORD["networks"]) == list(browser.NETWORKS)


@pytest.mark.parametrize("row", RECORD["layers"], ids=lambda row: str(row["layer"]))
def test_a_layer_is_timed_in_every_way(row):
    kinds = ("standard", "depthwise", "pointwise")
    expected = {f"{engine} {kind}" for engine in browser.ENGINES for kind in (*kinds, "padding")}
    if row["layer"] == list(browser.MIDDLE):
        others = (browser.OTHER, "PyTorch", "ExecuTorch")
        expected |= {f"{each} {kind}" for each in others for kind in kinds}
    assert set(row["ms"]) == expected | CEILINGS


def test_blocks_of_each_size_are_timed():
    blocks = {f"{engine} block {n}" for engine in browser.ENGINES for n in browser.BLOCKS}
    assert set(RECORD["blocks"]) == blocks | CEILINGS


@pytest.mark.parametrize("name", browser.NETWORKS)
def test_a_network_is_timed_in_every_way_and_all_agree(name):
    row = RECORD["networks"][name]
    assert set(row["ms"]) == {*BROWSERS, *NATIVE} | CEILINGS
    assert set(row["differs"]) == {*BROWSERS, *NATIVE}
    assert all(0 < row["differs"][each] < ERROR for each in browser.ENGINES)
    assert max(row["differs"].values()) < 2 * ERROR  # PyTorch itself in 32 bits is not nearer


@pytest.mark.parametrize("name", browser.NETWORKS)
def test_the_kinds_of_calls_add_up_to_the_network(name):
    """But for the time that the clock takes around each call."""
    row = RECORD["networks"][name]
    for engine in browser.ENGINES:
        assert set(row["kinds"][engine]) == set(browser.KINDS)
        total = sum(row["kinds"][engine].values())
        assert total == pytest.approx(row["whole"][engine], rel=0.1)


def test_medians_stand_between_the_tenths():
    rows = [*RECORD["layers"], *RECORD["networks"].values(), {"ms": RECORD["blocks"]}]
    for name, (median, low, high) in (each for row in rows for each in row["ms"].items()):
        assert 0 < low <= median <= high, name


def test_calls_are_of_the_kinds_of_their_layers():
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1),
        nn.Conv2d(8, 8, 3, 1, 1, groups=8),
        nn.Conv2d(8, 16, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 5),
    )
    calls = browser.kernels.compile_network(network.eval(), size=10).calls
    assert [kind for kind, _ in groupby(browser.kinds_of(calls))] == [  # a layer has some calls
        *("padding", "standard", "padding", "depthwise", "pointwise", "rest", "linear")
    ]
