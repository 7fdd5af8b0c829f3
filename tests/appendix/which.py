"""Names for the expressions beside the numbers of the page on which network to take."""

from functools import cache

import timm
from torchvision.models.detection import SSDLite320_MobileNet_V3_Large_Weights
from torchvision.models.segmentation import (
    DeepLabV3_MobileNet_V3_Large_Weights,
    LRASPP_MobileNet_V3_Large_Weights,
)

from tests.appendix.cheatsheet import COST, V4_SIDES
from tools import papers
from tools.counting import macs, on_meta, params, v1, v4

ROWS, ZOO, SEGMENTED = papers.V4_TABLE6, papers.TF1_ZOO, papers.V3_TABLE7
EDGE = papers.TF1_ZOO_EDGETPU["ssd_mobiledet_edgetpu_coco"]
IPHONE = papers.IFORMER_TABLE3
V3_INT8 = papers.V3_TABLE4  # milliseconds on the Pixel 1
V3_OF_V2 = V3_INT8["V3-Large 1.0"].ms / V3_INT8["V2 1.0"].ms
WEIGHTS = {  # timm's names, by the names on the page
    "V1": "mobilenetv1_100.ra4_e3600_r224_in1k",
    "V2": "mobilenetv2_100.ra_in1k",
    "V3-Large": "mobilenetv3_large_100.ra4_e3600_r224_in1k",
    "V3-Small": "mobilenetv3_small_100.lamb_in1k",
    "V4-Conv-S": "mobilenetv4_conv_small.e2400_r224_in1k",
    "V4-Conv-M": "mobilenetv4_conv_medium.e500_r256_in1k",
    "V2 × 0.5": "mobilenetv2_050.lamb_in1k",
    "V3-Small × 0.5": "mobilenetv3_small_050.lamb_in1k",
    "V4-Conv-S × 0.5": "mobilenetv4_conv_small_050.e3000_r224_in1k",
    "LCNet × 0.5": "lcnet_050.ra2_in1k",
}
TIMM = {name: papers.TIMM[weights] for name, weights in WEIGHTS.items()}


def columns(name: str, *names: str) -> list[float]:
    """Some cells of a row of V4's Table 6, without those that are empty."""
    cells = [getattr(ROWS[name], column) for column in names]
    return [cell for cell in cells if isinstance(cell, int | float)]


def cpu(name: str) -> list[float]:
    return columns(name, "top1", "pixel6", "galaxy")


def npu(name: str) -> list[float]:
    return columns(name, "top1", "edgetpu", "iphone", "hexagon")


def gpu(name: str) -> list[float]:
    return columns(name, "top1", "pixel7_gpu", "galaxy_gpu")


@cache
def network(name: str, classes: int = 1000):
    """timm's, without memory."""
    model = WEIGHTS[name].partition(".")[0]
    return on_meta(timm.create_model, model, num_classes=classes).eval()


@cache
def small(name: str, classes: int) -> float:
    """Million parameters with so many classes."""
    return params(network(name, classes)) / 1e6


V4_MACS = macs(v4("conv_small"), 3, 224, 224)
TEN = params(v1(width_mult=0.25, num_classes=10)) / 1e6
TINY = papers.MLPERF_TINY
TINY_V1 = on_meta(v1, width_mult=TINY["width"], num_classes=TINY["classes"])
TINY_MACS = macs(TINY_V1, 3, TINY["side"], TINY["side"])
VISION = {
    "SSDLite": SSDLite320_MobileNet_V3_Large_Weights.COCO_V1,
    "LR-ASPP": LRASPP_MobileNet_V3_Large_Weights.COCO_WITH_VOC_LABELS_V1,
    "DeepLabV3": DeepLabV3_MobileNet_V3_Large_Weights.COCO_WITH_VOC_LABELS_V1,
}


def score(name: str) -> float:
    """What torchvision's own code says of its weights, in per cent."""
    ((_, found),) = VISION[name].meta["_metrics"].items()
    return found.get("box_map", found.get("miou"))


def giga(name: str) -> float:
    """Billion multiply-adds, by the same code."""
    return VISION[name].meta["_ops"]


V5_PARAMS = params(on_meta(timm.create_model, "mobilenetv5_300m"))


def mcu(name: str) -> list[float]:
    row = papers.MCUNET[name]
    return [row.sram, row.flash, row.macs, row.top1]


def found(name: str) -> list[float]:
    """A backbone's row of V4's Table 7."""
    row = papers.V4_TABLE7[name]
    return [row.ap, row.ms]


def taught(name: str) -> list[float]:
    """By labels alone, and by V4's distillation."""
    row = papers.V4_TABLE9[name]
    return [row.alone, row.taught]


def lost(name: str) -> float:
    """Points that 8 bits cost on a maker's board."""
    before, after = papers.RDK_X5[name]
    return before - after


def tiny(name: str) -> list[float]:
    """With ten classes, and the accuracy with a thousand."""
    return [small(name, 10), TIMM[name].top1]
