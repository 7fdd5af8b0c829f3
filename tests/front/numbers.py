"""Every number of the landing page, of its figure and of the README."""

from torchvision.models import vgg16

from tests.numbers import minutes
from tests.separable.numbers import DW, FULL_V1, PAIR, PW, STANDARD
from tools import papers
from tools.counting import macs, on_meta, v1, v2, v3

MILLION = {
    "VGG-16": macs(on_meta(vgg16), 3, 224, 224) / 1e6,
    "full": FULL_V1 / 1e6,
    "V1": macs(v1(), 3, 224, 224) / 1e6,
    "V2": macs(v2(), 3, 224, 224) / 1e6,
    "V3": macs(v3("large"), 3, 224, 224) / 1e6,
}
TOP1 = {
    "VGG-16": papers.V1_TABLE8["VGG 16"].top1,
    "full": papers.V1_TABLE4["full"].top1,
    "V1": papers.V1_TABLE4["separable"].top1,
    "V2": papers.V2_TABLE4["MobileNetV2"].top1,
    "V3": papers.V3_TABLE3["V3-Large 1.0"].top1,
}
