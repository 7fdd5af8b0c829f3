"""What the page says of libraries holds in the versions that are installed."""

import pytest
import timm
import torchvision
from timm.models import get_pretrained_cfg, list_pretrained
from torch import nn

from tests.appendix.which import ROWS, TIMM, V3_OF_V2, WEIGHTS, network


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_weights_of_the_tables_are_open(name):
    found = get_pretrained_cfg(WEIGHTS[name])
    assert WEIGHTS[name] in list_pretrained() and found.license == "apache-2.0"


@pytest.mark.parametrize("version", range(1, 5))
def test_timm_has_v1_to_v4_and_torchvision_v2_and_v3(version):
    assert timm.list_models(f"mobilenetv{version}_*", pretrained=True)
    assert bool(torchvision.models.list_models(include=f"mobilenet_v{version}*")) == (
        version in (2, 3)
    )


@pytest.mark.parametrize(
    ("weights", "licence"),
    [
        ("fastvit_t8.apple_in1k", "fastvit-license"),
        ("mobileone_s0.apple_in1k", "mobileone-license"),
        ("mobilenetv5_300m.gemma3n", "gemma"),
    ],
)
def test_others_have_licences_of_their_own(weights, licence):
    assert get_pretrained_cfg(weights).license == licence


def test_torchvision_has_weights_for_boxes_and_for_pixels():
    for name in ("ssdlite320_mobilenet_v3_large", "lraspp_mobilenet_v3_large"):
        assert list(torchvision.models.get_model_weights(name))


def test_lcnet_is_v1s_block_with_h_swish_and_squeeze_and_excite_at_the_end():
    blocks = [block for stage in network("LCNet × 0.5").blocks for block in stage]
    for block in blocks:
        convs = [each for each in block.children() if isinstance(each, nn.Conv2d)]
        assert [conv.groups > 1 for conv in convs] == [True, False]
        assert any(isinstance(each, nn.Hardswish) for each in block.modules())
        assert not block.has_skip
    gated = [not isinstance(block.se, nn.Identity) for block in blocks]
    assert gated == sorted(gated) and any(gated) and not all(gated)


def test_what_the_page_says_of_its_tables_in_words():
    small, middle, first = (ROWS[name] for name in ("MNv4-Conv-S", "MNv4-Conv-M", "MobileNet-V1"))
    assert ROWS["MNv4-Hybrid-M"].pixel7_gpu <= middle.pixel7_gpu  # no longer
    assert 0 < first.galaxy_gpu - small.galaxy_gpu < 0.15  # hardly longer
    halves = ROWS["MobileNet-V3L-0.5x"], ROWS["MobileNet-V2-0.5x"]
    assert halves[0].pixel6 == halves[1].pixel6  # equally long
    guess = V3_OF_V2 * ROWS["MobileNet-V2"].pixel6, ROWS["MobileNet-V2"].pixel6
    assert 1.7 < guess[0] / small.pixel6 < guess[1] / small.pixel6 < 2.1  # twice
    assert round(TIMM["V1"].i9, 1) == round(TIMM["V4-Conv-S"].i9, 1)  # just as long
    assert ROWS["MNv4-Hybrid-M"].iphone is None  # a dash
