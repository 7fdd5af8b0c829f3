"""The networks as their users meet them: sizes, classes, errors, and training."""

import http.server
import io
import os
import re
import subprocess
import sys
import threading
from fractions import Fraction
from hashlib import sha256
from http.client import BadStatusLine, InvalidURL
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import safetensors.torch
import torch
from matplotlib.cbook import get_sample_data
from torch import nn
from torchvision.models import MobileNet_V2_Weights, MobileNet_V3_Large_Weights
from torchvision.models._utils import _make_divisible

from tests.book import ROOT, definitions
from tools import speed
from tools.counting import macs, params, v1, v2, v3

# Written down once more, so that a change of the network and its pages together is noticed.
V1_PARAMS = {1.0: 4_231_976, 0.75: 2_585_560, 0.5: 1_331_592, 0.25: 470_072}
V1_MACS = {  # at 224, 192, 160 and 128
    1.0: (568_740_352, 418_121_728, 290_675_200, 186_400_768),
    0.75: (325_400_448, 239_273_472, 166_396_800, 106_770_432),
    0.5: (149_497_088, 109_970_432, 76_524_800, 49_160_192),
    0.25: (41_030_272, 30_212_608, 21_059_200, 13_570_048),
}


@pytest.mark.parametrize("width", V1_PARAMS)
def test_v1_has_the_known_size_and_cost(width):
    network = v1(width_mult=width)
    assert params(network) == V1_PARAMS[width]
    assert tuple(macs(network, 3, s, s) for s in (224, 192, 160, 128)) == V1_MACS[width]


@pytest.mark.parametrize("size", [(224, 224), (144, 144), (96, 96), (33, 33), (97, 224), (1, 1)])
@pytest.mark.parametrize("classes", [1, 10, 1000])
def test_v1_takes_any_image_and_any_number_of_classes(size, classes):
    network = definitions("v1").MobileNetV1(num_classes=classes, width_mult=0.25).eval()
    with torch.no_grad():
        assert network(torch.randn(2, 3, *size)).shape == (2, classes)


@pytest.mark.parametrize(("width", "stem"), [(0.99, 31), (0.7, 22), (1.25, 40), (2, 64)])
def test_v1_rounds_channels_down(width, stem):
    assert v1(width_mult=width).stem.conv.out_channels == stem


def test_v1_never_has_fewer_than_eight_channels():
    network = v1(width_mult=0.001)
    assert {m.out_channels for m in network.modules() if isinstance(m, nn.Conv2d)} == {8}


COUNT, WIDTH = "a whole number, 1 or more,", "finite and above 0,"
NAN, INFINITY = float("nan"), float("inf")
REFUSED = [  # by each of the networks
    *(("num_classes", wrong, COUNT) for wrong in (0, -1, 2.5, 10.0, True, False, "10", None, [10])),
    *(("width_mult", wrong, WIDTH) for wrong in (0, -1, NAN, INFINITY, "1", None, 1j)),
]
BUILD = {"v1": "MobileNetV1", "v2": "MobileNetV2", "v3": "MobileNetV3"}


@pytest.mark.parametrize("chapter", BUILD)
@pytest.mark.parametrize(("argument", "wrong", "allowed"), REFUSED)
def test_a_network_says_what_was_given_and_what_is_allowed(chapter, argument, wrong, allowed):
    message = re.escape(f"{argument} must be {allowed} not {wrong!r}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        getattr(definitions(chapter), BUILD[chapter])(**{argument: wrong})


@pytest.mark.parametrize("chapter", BUILD)
def test_numbers_of_numpy_and_of_shapes_are_numbers(chapter):
    build = getattr(definitions(chapter), BUILD[chapter])
    one = build(num_classes=np.int64(10), width_mult=np.float32(0.5), dropout=1)
    other = build(num_classes=torch.empty(10).shape[0], width_mult=Fraction(1, 2), dropout=0)
    assert params(one) == params(other)
    with torch.no_grad():
        assert one.eval()(torch.randn(2, 3, 64, 64)).shape == (2, 10)


BLOCKS = {  # arguments that build a block
    "v2": {"in_channels": 8, "out_channels": 8, "stride": 1, "expand_ratio": 6},
    "v3": {
        **{"in_channels": 8, "kernel": 3, "expanded": 16, "out_channels": 8},
        **{"squeeze": 0, "nl": "RE", "stride": 1},
    },
}
REFUSED_BY_BLOCKS = [
    *((c, "stride", wrong, "1 or 2,") for c in ("v2", "v3") for wrong in (3, 0, "1", (1, 1))),
    *(("v2", "expand_ratio", wrong, "1 or more,") for wrong in (0, 0.5, "6", None)),
    *(("v3", "nl", wrong, "'RE' or 'HS',") for wrong in ("SiLU", None)),
    *(("v3", "kernel", wrong, "odd,") for wrong in (2, 4)),
]


@pytest.mark.parametrize(("chapter", "argument", "wrong", "allowed"), REFUSED_BY_BLOCKS)
def test_a_block_says_what_was_given_and_what_is_allowed(chapter, argument, wrong, allowed):
    build, arguments = definitions(chapter).InvertedResidual, BLOCKS[chapter]
    build(**arguments)
    message = re.escape(f"{argument} must be {allowed} not {wrong!r}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        build(**arguments | {argument: wrong})


def narrow_v1() -> nn.Module:
    return definitions("v1").MobileNetV1(num_classes=10, width_mult=0.25)


def narrow_v2() -> nn.Module:
    return definitions("v2").MobileNetV2(num_classes=10, width_mult=0.35, dropout=0.0)


def narrow_v3() -> nn.Module:
    return definitions("v3").MobileNetV3("small", num_classes=10, width_mult=0.5, dropout=0.0)


@pytest.mark.parametrize("build", [narrow_v1, narrow_v2, narrow_v3])
@pytest.mark.parametrize(
    ("batch", "size", "trains"),
    [
        (1, (33, 33), True),
        (1, (1, 33), True),
        (1, (32, 32), False),
        (1, (1, 1), False),
        (2, (32, 32), True),
        (2, (1, 1), True),
    ],
)
def test_what_trains_is_what_the_docstring_says(build, batch, size, trains):
    """An image above 32 × 32, or more than one; in eval mode any."""
    network, images = build(), torch.randn(batch, 3, *size)
    words = " ".join(type(network).__doc__.split())
    assert "an image above 32 x 32, or more than one" in words
    with torch.no_grad():
        assert network.eval()(images).shape == (batch, 10)
    network.train()
    if trains:
        nn.functional.cross_entropy(network(images), torch.zeros(batch).long()).backward()
        assert all(p.grad.isfinite().all() for p in network.parameters())
    else:
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            network(images)


@pytest.mark.parametrize("build", [narrow_v1, narrow_v2, narrow_v3])
def test_a_network_returns_logits_and_trains(build):
    """One image of each of ten classes is learned by heart; every parameter takes part."""
    torch.manual_seed(0)
    network = build()
    images, targets = torch.randn(10, 3, 64, 64), torch.arange(10)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    for _ in range(30):
        optimiser.zero_grad()
        logits = network(images)
        loss = nn.functional.cross_entropy(logits, targets)
        loss.backward()
        optimiser.step()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    assert loss < 1 and logits.min() < 0, "below the floor of a second softmax, 1.4612"


# ---------------------------------------------------------------- weights that are downloaded


MISSED = "No trained weights, going on with random ones: "
NOWHERE = "http://127.0.0.1:9"  # a port at which nobody listens
BAD = {  # what may stand in a cache, made of what should
    "empty": lambda right: b"",
    "cut": lambda right: right[: len(right) // 2],
    "a login page": lambda right: b"<!DOCTYPE html><html><body>Please log in.</body></html>",
    "a bit flipped": lambda right: right[:-900] + bytes([right[-900] ^ 1]) + right[-899:],
}


@pytest.fixture
def served():
    """Files by the end of their address, and the address of the server that has them.

    It answers as the hub of timm's weights does, whose etag is a SHA-256.
    """
    files = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content = files.get(self.path.rpartition("/")[2])
            self.send_response(404 if content is None else 200)
            content = content or b""
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", 40 * "a")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield files, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def the_line(capsys) -> str:
    """All that was printed: one line that says what is missing."""
    out = capsys.readouterr().out
    assert out.startswith(MISSED) and out.count("\n") == 1, out
    return out.removeprefix(MISSED)


@pytest.fixture(scope="module")
def timms_file(tmp_path_factory) -> bytes:
    """Stands in for timm's weights: random ones in the same format."""
    notebook = definitions("v1")
    torch.manual_seed(0)
    stand_in = notebook.randomise(notebook.timm.create_model("mobilenetv1_100"))
    return safetensors.torch.save(stand_in.state_dict())


@pytest.fixture
def hub(monkeypatch, tmp_path, served, timms_file):
    """The hub of timm's weights, on the loopback interface; its cache; how to cut it off."""
    files, address = served
    files["model.safetensors"] = timms_file
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))

    def connect(to: str = address) -> None:
        pattern = to + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", pattern)

    connect()
    return SimpleNamespace(cache=tmp_path, connect=connect)


def test_v1_without_a_network_says_so_and_goes_on(monkeypatch, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert definitions("v1").trained_reference() is None
    assert "/model.safetensors is missing: " in the_line(capsys)


@pytest.mark.parametrize(
    "proxy",
    ["socks5://127.0.0.1:9", pytest.param("gopher://127.0.0.1:9", marks=pytest.mark.weekly)],
)
def test_v1_behind_a_proxy_that_the_hub_cannot_use_goes_on(proxy):
    """In a process of its own: the hub's client looks for a proxy once."""
    code = (
        "from tools.notebooks import definitions\n"
        "assert definitions('v1').trained_reference() is None"
    )
    names = ("http_proxy", "https_proxy", "all_proxy")
    environment = {**os.environ, **dict.fromkeys(names, proxy), "HF_HUB_CACHE": os.devnull}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.startswith(MISSED) and done.returncode == 0, done.stderr[-500:]


def test_v1_loads_what_it_downloads(hub):
    """A file stands in for the download; the path from there to the outputs is the real one."""
    notebook = definitions("v1")
    network, reference = notebook.MobileNetV1().eval(), notebook.trained_reference()
    hub.connect(NOWHERE)  # the second time it comes from the cache
    weights = notebook.trained_reference().state_dict()
    notebook.load_by_name(network, weights, notebook.timm_places(network))
    image = notebook.as_timm_wants_it(notebook.photograph())
    assert image.shape == (1, 3, 224, 224)
    assert -1.001 < image.min() < -0.9 and 0.9 < image.max() < 1.001  # as timm trained its V1
    pixels = plt.imread(get_sample_data("grace_hopper.jpg"), format="jpg")[:512]
    colours = 2 * torch.tensor(pixels / 255).mean(dim=(0, 1)).float() - 1
    torch.testing.assert_close(image[0].mean(dim=(1, 2)), colours, rtol=0, atol=0.01)
    with torch.no_grad():
        assert reference(image).std() > 0.1, "the stand-in is blind"
        torch.testing.assert_close(network(image), reference(image), rtol=0, atol=0)


@pytest.mark.parametrize("kind", BAD)
def test_v1_names_a_damaged_file_and_fetches_it_again(kind, hub, timms_file, capsys):
    notebook = definitions("v1")
    assert notebook.trained_reference() is not None
    (file,) = hub.cache.rglob("snapshots/*/model.safetensors")
    file.resolve().write_bytes(BAD[kind](timms_file))
    hub.connect(NOWHERE)
    assert notebook.trained_reference() is None
    assert the_line(capsys).startswith(f"{file} is damaged: ")
    hub.connect()
    assert notebook.trained_reference() is not None
    assert file.read_bytes() == timms_file


def test_loading_refuses_another_network():
    notebook = definitions("v1")
    other = notebook.timm.create_model("mobilenetv1_125")
    with pytest.raises(RuntimeError, match="size mismatch"):
        notebook.load_in_order(notebook.MobileNetV1(), other.state_dict())
    shorter = dict(list(other.state_dict().items())[:-1])
    with pytest.raises(ValueError, match="zip"):
        notebook.load_in_order(notebook.MobileNetV1(), shorter)


@pytest.mark.parametrize("name", speed.PAIRS)
def test_the_comparison_of_speed_runs(name, capsys):
    """What it measures depends on the machine; that it measures must not."""
    speed.main(name, repeats=1, side=33)
    assert capsys.readouterr().out.count("ratio") == 4


# ---------------------------------------------------------------- MobileNetV2

V2_PARAMS = {0.35: 1_677_128, 0.5: 1_968_680, 0.75: 2_636_424, 1.0: 3_504_872, 1.4: 6_108_776}
V2_MACS = {  # at 224, 192, 160, 128 and 96
    0.35: (59_285_808, 43_896_512, 30_874_800, 20_220_672, 11_934_128),
    0.5: (97_131_840, 71_701_760, 50_184_000, 32_578_560, 18_885_440),
    0.75: (209_069_792, 153_941_888, 107_295_200, 69_129_728, 39_445_472),
    1.0: (300_774_272, 221_316_608, 154_083_200, 99_074_048, 56_289_152),
    1.4: (582_195_824, 428_211_136, 297_916_400, 191_311_616, 108_396_784),
}


@pytest.mark.parametrize("width", V2_PARAMS)
def test_v2_has_the_known_size_and_cost(width):
    network = v2(width_mult=width)
    assert params(network) == V2_PARAMS[width]
    assert tuple(macs(network, 3, s, s) for s in (224, 192, 160, 128, 96)) == V2_MACS[width]


@pytest.mark.parametrize("size", [(224, 224), (96, 96), (33, 33), (97, 224), (1, 1)])
@pytest.mark.parametrize("classes", [1, 10])
def test_v2_takes_any_image_and_any_number_of_classes(size, classes):
    network = definitions("v2").MobileNetV2(num_classes=classes, width_mult=0.35).eval()
    with torch.no_grad():
        assert network(torch.randn(2, 3, *size)).shape == (2, classes)


@pytest.mark.parametrize("chapter", ["v2", "v3"])
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
    with torch.no_grad():
        out, expected = network.double()(image.double()), reference.double()(image.double())
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


# ---------------------------------------------------------------- MobileNetV3

V3_PARAMS = {
    ("large", 0.35): 997_064,
    ("large", 0.5): 1_734_576,
    ("large", 0.75): 3_377_576,
    ("large", 1.0): 5_483_032,
    ("large", 1.25): 8_164_744,
    ("small", 0.35): 558_744,
    ("small", 0.5): 917_264,
    ("small", 0.75): 1_653_920,
    ("small", 1.0): 2_542_856,
    ("small", 1.25): 3_644_912,
}
V3_MACS = {  # at 224, 192, 160, 128 and 96
    ("large", 0.35): (35_278_408, 26_127_136, 18_383_752, 12_048_256, 7_120_648),
    ("large", 0.5): (64_962_192, 48_080_704, 33_796_368, 22_109_184, 13_019_152),
    ("large", 0.75): (140_033_816, 103_548_640, 72_676_568, 47_417_600, 27_771_736),
    ("large", 1.0): (216_589_760, 160_192_640, 112_472_000, 73_427_840, 43_060_160),
    ("large", 1.25): (343_461_000, 253_901_088, 178_119_624, 116_116_608, 67_892_040),
    ("small", 0.35): (11_238_936, 8_385_696, 5_971_416, 3_996_096, 2_459_736),
    ("small", 0.5): (18_970_736, 14_143_680, 10_059_248, 6_717_440, 4_118_256),
    ("small", 0.75): (39_115_576, 29_100_896, 20_626_936, 13_693_696, 8_301_176),
    ("small", 1.0): (56_510_400, 42_067_712, 29_846_976, 19_848_192, 12_071_360),
    ("small", 1.25): (88_155_944, 65_544_992, 46_412_648, 30_758_912, 18_583_784),
}


@pytest.mark.parametrize(("variant", "width"), V3_PARAMS)
def test_v3_has_the_known_size_and_cost(variant, width):
    network = v3(variant, width_mult=width)
    assert params(network) == V3_PARAMS[variant, width]
    counted = tuple(macs(network, 3, size, size) for size in (224, 192, 160, 128, 96))
    assert counted == V3_MACS[variant, width]


@pytest.mark.parametrize("variant", ["large", "small"])
@pytest.mark.parametrize("size", [(224, 224), (96, 96), (33, 33), (97, 224), (1, 1)])
@pytest.mark.parametrize("classes", [1, 10])
def test_v3_takes_any_image_and_any_number_of_classes(variant, size, classes):
    network = definitions("v3").MobileNetV3(variant, num_classes=classes, width_mult=0.35).eval()
    with torch.no_grad():
        assert network(torch.randn(2, 3, *size)).shape == (2, classes)


@pytest.mark.parametrize("wrong", ["medium", "Large", None])
def test_v3_says_which_variants_there_are(wrong):
    message = re.escape(f"variant must be 'large' or 'small', not {wrong!r}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        definitions("v3").MobileNetV3(wrong)


def test_the_hard_functions_are_torchs():
    x = torch.linspace(-6, 6, 1201, dtype=torch.float64)
    notebook = definitions("v3")
    torch.testing.assert_close(notebook.hard_sigmoid(x), nn.functional.hardsigmoid(x))
    torch.testing.assert_close(notebook.hard_swish(x), nn.functional.hardswish(x))


def test_shrinking_a_layer_keeps_the_channels_of_largest_norm():
    """With the other channels silenced first, the smaller network computes the same."""
    notebook = definitions("v3")
    torch.manual_seed(0)
    expansions = (48, 48, 96, 96)
    network = notebook.digit_network(expansions)
    block = [m for m in network if isinstance(m, notebook.InvertedResidual)][2]
    order = torch.randperm(96)
    drop, keep = order[:32], order[32:]
    with torch.no_grad():
        block.depthwise.conv.weight[drop] *= 1e-3  # the filters of smallest norm
        block.project.conv.weight[:, keep] *= 1e-3  # listened to, but quietly: no criterion
        block.project.conv.weight[:, drop] = 0  # not listened to
    smaller, sizes = notebook.shrink(network, expansions, 2, 64)
    assert sizes == (48, 48, 64, 96)
    kept = [m for m in smaller if isinstance(m, notebook.InvertedResidual)][2].depthwise.conv
    expected = block.depthwise.conv.weight[keep.sort().values]
    torch.testing.assert_close(kept.weight, expected, rtol=0, atol=0)
    x = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(smaller.eval()(x), network.eval()(x), rtol=1e-4, atol=1e-5)
    assert notebook.digit_macs(sizes) < notebook.digit_macs(expansions)


@pytest.mark.parametrize("block", range(4))
@pytest.mark.parametrize("share", [0.05, 0.08, 0.1])
def test_a_proposal_saves_enough_and_no_more_than_needed(block, share):
    notebook = definitions("v3")
    expansions = (48, 48, 96, 96)
    total = notebook.digit_macs(expansions)

    def saved(to: int) -> int:
        return total - notebook.digit_macs((*expansions[:block], to, *expansions[block + 1 :]))

    to = notebook.propose(expansions, block, share * total)
    assert to == 0 or saved(to) >= share * total > saved(to + 8)
    assert to > 0 or saved(24) < share * total
    assert notebook.propose(expansions, block, total) == 0


@pytest.mark.parametrize("variant", ["large", "small"])
def test_v3_has_the_settings_of_torchvision_that_no_checkpoint_holds(variant):
    def settings(network: nn.Module) -> list:
        norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
        dropouts = [m.p for m in network.modules() if isinstance(m, nn.Dropout)]
        return [(m.eps, m.momentum) for m in norms] + dropouts

    notebook = definitions("v3")
    ours, reference = notebook.MobileNetV3(variant), notebook.REFERENCES[variant]()
    assert settings(ours) == settings(reference)
    for right, wrong in (("momentum=0.01", "momentum=0.1"), ("eps=0.001", "eps=1e-5")):
        broken = definitions("v3", right, wrong).MobileNetV3(variant)
        assert settings(broken) != settings(reference)


def test_the_chapters_share_one_table_of_blocks():
    assert tuple(definitions("pointwise").V1_BLOCKS) == definitions("v1").V1_BLOCKS


@pytest.mark.parametrize("shape", [(16, 24, 2, 6), (24, 24, 1, 6), (32, 16, 1, 1), (64, 96, 1, 6)])
def test_the_block_in_the_interview_questions_is_the_notebooks(shape):
    page = (ROOT / "chapters" / "appendix" / "interview.md").read_text()
    (source,) = re.findall(r"```python\n(def unit.*?)```", page, flags=re.DOTALL)
    namespace = {"nn": nn}
    exec(source, namespace)
    short, ours = namespace["InvertedResidual"](*shape), definitions("v2").InvertedResidual(*shape)
    torch.manual_seed(0)
    short.train()(torch.randn(4, shape[0], 14, 14))  # the norms get something to differ by
    values = zip(ours.state_dict(), short.state_dict().values(), strict=True)
    ours.load_state_dict(dict(values))
    x = torch.randn(2, shape[0], 14, 14)
    torch.testing.assert_close(short.eval()(x), ours.eval()(x), rtol=0, atol=0)
