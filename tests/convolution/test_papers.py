"""ResNet's paper against what we count."""

from torchvision.models import vgg19

from tests.convolution import numbers as convolution
from tools import papers
from tools.counting import macs, on_meta


def test_resnet_50_is_near_its_paper_with_the_stride_of_its_authors():
    """Near, not equal: 3.86 would round to 3.9. torchvision's is further off."""
    assert abs(convolution.PAPER_RESNET_MACS / 1e9 - papers.RESNET50_FLOPS) < 0.1
    assert abs(convolution.RESNET_MACS / 1e9 - papers.RESNET50_FLOPS) > 0.2


def test_resnet_counts_vgg_16_and_19_in_two_ways():
    printed, of_19 = papers.RESNET_VGG_FLOPS, on_meta(vgg19)
    whole, alone = (macs(each, 3, 224, 224) for each in (of_19, of_19.features))
    assert round(convolution.CONV_MACS / 1e9, 1) == printed["VGG-16"]
    assert round(convolution.VGG_MACS / 1e9, 1) != printed["VGG-16"]
    assert round(whole / 1e9, 1) == printed["VGG-19"] != round(alone / 1e9, 1)
