"""The networks as their users meet them: sizes, classes, errors, and training.

What is about one of them alone stands in its folder.
"""

import io
import re
from fractions import Fraction
from hashlib import sha256
from http.client import BadStatusLine, InvalidURL
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import MobileNet_V2_Weights, MobileNet_V3_Large_Weights
from torchvision.models._utils import _make_divisible

from tests.book import NETWORKS, definitions
from tests.downloads import BAD, NOWHERE, the_line
from tests.pieces import short_hybrid
from tools import speed
from tools.counting import params

COUNT, WIDTH = "a whole number, 1 or more,", "finite and above 0,"
NAN, INFINITY = float("nan"), float("inf")
REFUSED = [  # by each of the networks
    *(("num_classes", wrong, COUNT) for wrong in (0, -1, 2.5, 10.0, True, False, "10", None, [10])),
    *(("width_mult", wrong, WIDTH) for wrong in (0, -1, NAN, INFINITY, "1", None, 1j)),
]


@pytest.mark.parametrize("chapter", NETWORKS)
@pytest.mark.parametrize(("argument", "wrong", "allowed"), REFUSED)
def test_a_network_says_what_was_given_and_what_is_allowed(chapter, argument, wrong, allowed):
    message = re.escape(f"{argument} must be {allowed} not {wrong!r}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        getattr(definitions(chapter), NETWORKS[chapter])(**{argument: wrong})


@pytest.mark.parametrize("chapter", NETWORKS)
def test_numbers_of_numpy_and_of_shapes_are_numbers(chapter):
    build = getattr(definitions(chapter), NETWORKS[chapter])
    one = build(num_classes=np.int64(10), width_mult=np.float32(0.5), dropout=1)
    other = build(num_classes=torch.empty(10).shape[0], width_mult=Fraction(1, 2), dropout=0)
    assert params(one) == params(other)
    with torch.no_grad():
        assert one.eval()(torch.randn(2, 3, 64, 64)).shape == (2, 10)


BLOCKS = {  # a block's class, and arguments that build it
    "v2": (
        "InvertedResidual",
        {"in_channels": 8, "out_channels": 8, "stride": 1, "expand_ratio": 6},
    ),
    "v3": (
        "InvertedResidual",
        {"in_channels": 8, "kernel": 3, "expanded": 16, "out_channels": 8}
        | {"squeeze": 0, "nl": "RE", "stride": 1},
    ),
    "v4": (
        "UniversalInvertedBottleneck",
        {"in_channels": 8, "kernel1": 3, "kernel2": 5, "expanded": 16}
        | {"out_channels": 8, "stride": 1},
    ),
    "v4-fused": (
        "FusedInvertedBottleneck",
        {"in_channels": 8, "kernel": 3, "expanded": 16, "out_channels": 8, "stride": 2},
    ),
}
REFUSED_BY_BLOCKS = [
    *((c, "stride", wrong, "1 or 2,") for c in BLOCKS for wrong in (3, 0, "1", (1, 1))),
    *(("v2", "expand_ratio", wrong, "1 or more,") for wrong in (0, 0.5, "6", None)),
    *(("v3", "nl", wrong, "'RE' or 'HS',") for wrong in ("SiLU", None)),
    *((c, "kernel", wrong, "odd,") for c in ("v3", "v4-fused") for wrong in (2, 4)),
    *(("v4", f"kernel{i}", wrong, "odd,") for i in (1, 2) for wrong in (2, 4)),
]


@pytest.mark.parametrize(("name", "argument", "wrong", "allowed"), REFUSED_BY_BLOCKS)
def test_a_block_says_what_was_given_and_what_is_allowed(name, argument, wrong, allowed):
    block, arguments = BLOCKS[name]
    build = getattr(definitions(name.partition("-")[0]), block)
    build(**arguments)
    message = re.escape(f"{argument.rstrip('12')} must be {allowed} not {wrong!r}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        build(**arguments | {argument: wrong})


@pytest.mark.parametrize("stride", [2, 3, "1"])
def test_a_block_of_v4_without_a_filter_has_no_stride(stride):
    message = re.escape(f"stride {stride!r} needs a depthwise layer")
    with pytest.raises(ValueError, match=f"^{message}$"):
        definitions("v4").UniversalInvertedBottleneck(8, 0, 0, 16, 8, stride)


def narrow_v1() -> nn.Module:
    return definitions("v1").MobileNetV1(num_classes=10, width_mult=0.25)


def narrow_v2() -> nn.Module:
    return definitions("v2").MobileNetV2(num_classes=10, width_mult=0.35, dropout=0.0)


def narrow_v3() -> nn.Module:
    return definitions("v3").MobileNetV3("small", num_classes=10, width_mult=0.5, dropout=0.0)


def narrow_v4() -> nn.Module:
    return definitions("v4").MobileNetV4("conv_small", num_classes=10, width_mult=0.5, dropout=0.0)


def narrow_hybrid() -> nn.Module:
    return short_hybrid(num_classes=10, dropout=0.0)


NARROW = [narrow_v1, narrow_v2, narrow_v3, narrow_v4, narrow_hybrid]
# In training a batch norm needs two numbers for each channel. V4's last stands behind the mean.
SIZE_OR_NUMBER = "an image above 32 x 32, or more than one"
NUMBER = "in training it needs more than one image, as the head's batch norm stands behind the mean"


@pytest.mark.parametrize("build", NARROW)
@pytest.mark.parametrize(
    ("batch", "size", "allowed_by"),
    [
        (1, (33, 33), {SIZE_OR_NUMBER}),
        (1, (1, 33), {SIZE_OR_NUMBER}),
        (1, (32, 32), {}),
        (1, (1, 1), {}),
        (2, (32, 32), {SIZE_OR_NUMBER, NUMBER}),
        (2, (1, 1), {SIZE_OR_NUMBER, NUMBER}),
    ],
)
def test_what_trains_is_what_the_docstring_says(build, batch, size, allowed_by):
    """In eval mode any image, and any number of them."""
    network, images = build(), torch.randn(batch, 3, *size)
    needed = NUMBER if build in (narrow_v4, narrow_hybrid) else SIZE_OR_NUMBER
    assert needed in " ".join(type(network).__doc__.split())
    trains = needed in allowed_by
    with torch.no_grad():
        assert network.eval()(images).shape == (batch, 10)
    network.train()
    if trains:
        nn.functional.cross_entropy(network(images), torch.zeros(batch).long()).backward()
        assert all(p.grad.isfinite().all() for p in network.parameters())
    else:
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            network(images)


@pytest.mark.parametrize("build", NARROW)
def test_a_network_returns_logits_and_trains(build):
    """One image of each of ten classes is learned by heart; every parameter takes part."""
    torch.manual_seed(0)
    network = build()
    images, targets = torch.randn(10, 3, 33, 33), torch.arange(10)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    for _ in range(30):
        optimiser.zero_grad()
        logits = network(images)
        loss = nn.functional.cross_entropy(logits, targets)
        loss.backward()
        optimiser.step()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    assert loss < 1 and logits.min() < 0, "below the floor of a second softmax, 1.4612"


@pytest.mark.parametrize("name", speed.PAIRS)
def test_the_comparison_of_speed_runs(name, capsys):
    """What it measures depends on the machine; that it measures must not."""
    speed.main(name, repeats=1, side=33)
    assert capsys.readouterr().out.count("ratio") == 4


@pytest.mark.parametrize("chapter", ["v2", "v3", "v4"])
@pytest.mark.parametrize(
    ("asked", "rounded"), [(1, 8), (11.2, 16), (18, 24), (22.4, 24), (33.6, 32), (44.8, 48)]
)
def test_channels_are_rounded_as_in_torchvision(chapter, asked, rounded):
    assert definitions(chapter).make_divisible(asked) == rounded == _make_divisible(asked, 8)


CHECKPOINTS = {  # chapter: what builds ours, the reference, and torchvision's weights
    "v2": ("MobileNetV2", "mobilenet_v2", MobileNet_V2_Weights.DEFAULT),
    "v3": ("MobileNetV3", "mobilenet_v3_large", MobileNet_V3_Large_Weights.DEFAULT),
}


def trained_weights(chapter: str) -> dict[str, torch.Tensor] | None:
    """What the notebook fetches from where torchvision has its weights."""
    return definitions(chapter).trained_weights(CHECKPOINTS[chapter][2].url)


def cached(chapter, content, monkeypatch, tmp_path, address) -> Path:
    """Make a file with this content what torchvision's weights are; its place in the cache."""
    name = f"stand-in-{sha256(content).hexdigest()[:8]}.pth"
    monkeypatch.setattr(CHECKPOINTS[chapter][2].value, "url", f"{address}/{name}")
    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path))
    return tmp_path / "checkpoints" / name


def saved(weights: dict[str, torch.Tensor]) -> bytes:
    buffer = io.BytesIO()
    torch.save(weights, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("chapter", CHECKPOINTS)
def test_a_checkpoint_is_downloaded_loaded_and_found_again(chapter, monkeypatch, tmp_path, served):
    notebook = definitions(chapter)
    ours, theirs, best = CHECKPOINTS[chapter]
    reference = notebook.randomise(getattr(notebook, theirs)())
    content = saved(reference.state_dict())
    files, address = served
    file = cached(chapter, content, monkeypatch, tmp_path, address)
    files[file.name] = content
    assert trained_weights(chapter).keys() == reference.state_dict().keys()
    cached(chapter, content, monkeypatch, tmp_path, NOWHERE)
    network = getattr(notebook, ours)().eval()
    places = notebook.torchvision_places(network)
    notebook.load_by_name(network, trained_weights(chapter), places)
    image = best.transforms()(notebook.photograph())
    assert image.shape == (1, 3, 224, 224)
    image = image[:, :, ::3, ::3].double()  # smaller: the same layers
    with torch.no_grad():
        out, expected = network.double()(image), reference.double()(image)
    torch.testing.assert_close(out, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("chapter", CHECKPOINTS)
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_in_the_cache_is_named_and_fetched_again(
    chapter, kind, monkeypatch, tmp_path, served, capsys
):
    content = saved({"weight": torch.randn(999)})
    files, address = served
    file = cached(chapter, content, monkeypatch, tmp_path, NOWHERE)
    file.parent.mkdir()
    file.write_bytes(BAD[kind](content))
    assert trained_weights(chapter) is None
    assert the_line(capsys).startswith(f"{file} is damaged: URLError(")
    cached(chapter, content, monkeypatch, tmp_path, address)
    files[file.name] = content
    assert list(trained_weights(chapter)) == ["weight"]
    assert file.read_bytes() == content and list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("chapter", CHECKPOINTS)
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_download_is_named_and_not_kept(chapter, kind, monkeypatch, tmp_path, served, capsys):
    content, (files, address) = saved({"weight": torch.randn(999)}), served
    file = cached(chapter, content, monkeypatch, tmp_path, address)
    files[file.name] = BAD[kind](content)
    assert trained_weights(chapter) is None
    assert re.match(rf"{file} is missing: .*invalid hash", the_line(capsys))
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize("chapter", CHECKPOINTS)
def test_a_folder_that_cannot_be_written_or_read_is_named(chapter, monkeypatch, tmp_path, capsys):
    file = cached(chapter, b"", monkeypatch, tmp_path, NOWHERE)
    file.parent.write_text("a file where the folder should be")
    assert trained_weights(chapter) is None
    assert the_line(capsys).startswith(f"{file} is missing: FileExistsError(")
    file.parent.unlink()
    file.mkdir(parents=True)  # a folder where the file should be
    assert trained_weights(chapter) is None
    assert the_line(capsys).startswith(f"{file} is unreadable: IsADirectoryError(")


@pytest.mark.parametrize("error", [BadStatusLine("SSH-2.0"), InvalidURL("port"), UnicodeError("")])
def test_a_proxy_that_talks_nonsense_is_survived(error, monkeypatch, tmp_path, capsys):
    """What `urlopen` raises then is no OSError."""

    def urlopen(request):
        raise error

    monkeypatch.setattr("torch.hub.urlopen", urlopen)
    file = cached("v2", b"", monkeypatch, tmp_path, NOWHERE)
    assert trained_weights("v2") is None
    assert the_line(capsys).startswith(f"{file} is missing: {error!r}")


def test_the_chapters_share_one_table_of_blocks():
    assert tuple(definitions("pointwise").V1_BLOCKS) == definitions("v1").V1_BLOCKS


def test_each_list_of_networks_has_them_all():
    """Lists that no test derives from NETWORKS: a network that is missing there is not tested."""
    from tests import test_define_cells, test_parity, test_uses
    from tools import mutate

    lists = {
        "BUILD in tests/test_uses.py": test_uses.BUILD,
        "PLACES in tests/test_define_cells.py": test_define_cells.PLACES,
        "BY_HAND in tests/test_parity.py": [chapter for chapter, _ in test_parity.BY_HAND],
        "TESTS in tools/mutate.py": mutate.TESTS,
        "NARROW in this file": [build.__name__.removeprefix("narrow_") for build in NARROW],
        "PAIRS in tools/speed.py": [name.partition("-")[0] for name in speed.PAIRS],
    }
    for where, found in lists.items():
        assert not (missing := NETWORKS.keys() - set(found)), f"{where} lacks {missing}"
