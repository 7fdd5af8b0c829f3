"""ResNet's paper against what we count."""

import math

from torchvision.models import vgg19

from tests.convolution import numbers as convolution
from tools import papers
from tools.counting import macs, on_meta


def test_resnet_50_is_cut_in_its_paper_with_the_stride_of_its_authors():
    """3.86 would round to 3.9. torchvision's is further off."""
    assert math.floor(convolution.PAPER_RESNET_MACS / 1e8) / 10 == papers.RESNET50_FLOPS
    assert round(convolution.PAPER_RESNET_MACS / 1e9, 1) != papers.RESNET50_FLOPS
    assert abs(convolution.RESNET_MACS / 1e9 - papers.RESNET50_FLOPS) > 0.2


def test_resnet_counts_vgg_16_and_19_in_two_ways():
    printed, of_19 = papers.RESNET_VGG_FLOPS, on_meta(vgg19)
    whole, alone = (macs(each, 3, 224, 224) for each in (of_19, of_19.features))
    assert round(convolution.CONV_MACS / 1e9, 1) == printed["VGG-16"]
    assert round(convolution.VGG_MACS / 1e9, 1) != printed["VGG-16"]
    assert round(whole / 1e9, 1) == printed["VGG-19"] != round(alone / 1e9, 1)
