"""V1 as its users meet it: sizes, classes, and the weights that are downloaded."""

import os
import subprocess
import sys

import matplotlib.pyplot as plt
import pytest
import safetensors.torch
import torch
from matplotlib.cbook import get_sample_data
from torch import nn

from tests.book import ROOT, definitions
from tests.downloads import BAD, MISSED, NOWHERE, the_line
from tools.counting import macs, params, v1

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


TRAINED = "mobilenetv1_100.ra4_e3600_r224_in1k"


@pytest.fixture(scope="module")
def timms_file(tmp_path_factory) -> bytes:
    """Stands in for timm's weights: random ones in the same format."""
    notebook = definitions("v1")
    torch.manual_seed(0)
    stand_in = notebook.randomise(notebook.timm.create_model("mobilenetv1_100"))
    return safetensors.torch.save(stand_in.state_dict())


@pytest.fixture
def hub(hub, timms_file):
    """The one in conftest.py, with that file."""
    hub.files["model.safetensors"] = timms_file
    return hub


def test_v1_without_a_network_says_so_and_goes_on(monkeypatch, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert definitions("v1").trained_by_timm(TRAINED) is None
    assert "/model.safetensors is missing: " in the_line(capsys)


@pytest.mark.code
@pytest.mark.parametrize(
    "proxy",
    ["socks5://127.0.0.1:9", pytest.param("gopher://127.0.0.1:9", marks=pytest.mark.weekly)],
)
def test_v1_behind_a_proxy_that_the_hub_cannot_use_goes_on(proxy):
    """In a process of its own: the hub's client looks for a proxy once."""
    code = (
        "from tools.notebooks import definitions\n"
        f"assert definitions('v1').trained_by_timm({TRAINED!r}) is None"
    )
    names = ("http_proxy", "https_proxy", "all_proxy")
    environment = {**os.environ, **dict.fromkeys(names, proxy), "HF_HUB_CACHE": os.devnull}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.startswith(MISSED) and done.returncode == 0, done.stderr[-500:]


def test_v1_loads_what_it_downloads(hub):
    """A file stands in for the download; the path from there to the outputs is the real one."""
    notebook = definitions("v1")
    network, reference = notebook.MobileNetV1().eval(), notebook.trained_by_timm(TRAINED)
    hub.connect(NOWHERE)  # the second time it comes from the cache
    weights = notebook.trained_by_timm(TRAINED).state_dict()
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
    assert notebook.trained_by_timm(TRAINED) is not None
    (file,) = hub.cache.rglob("snapshots/*/model.safetensors")
    file.resolve().write_bytes(BAD[kind](timms_file))
    hub.connect(NOWHERE)
    assert notebook.trained_by_timm(TRAINED) is None
    assert the_line(capsys).startswith(f"{file} is damaged: ")
    hub.connect()
    assert notebook.trained_by_timm(TRAINED) is not None
    assert file.read_bytes() == timms_file


def test_loading_refuses_another_network():
    notebook = definitions("v1")
    other = notebook.timm.create_model("mobilenetv1_125")
    with pytest.raises(RuntimeError, match="size mismatch"):
        notebook.load_in_order(notebook.MobileNetV1(), other.state_dict())
    shorter = dict(list(other.state_dict().items())[:-1])
    with pytest.raises(ValueError, match="zip"):
        notebook.load_in_order(notebook.MobileNetV1(), shorter)
