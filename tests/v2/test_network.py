"""V2 as its users meet it: sizes and classes."""

import pytest
import torch

from tests.book import definitions
from tools.counting import macs, params, v2

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
