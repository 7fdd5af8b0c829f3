"""The papers' tables, as printed, and the reference networks that they are compared with.

Read from the papers' text: Howard et al. 2017 (MobileNetV1, arXiv 1704.04861), He et al. 2016
(ResNet, arXiv 1512.03385), Szegedy et al. 2015 (GoogLeNet, arXiv 1409.4842).
"""

from functools import cache

import timm

from tests.counting import macs, on_meta, params

# Howard et al. 2017, Table 2: per cent of multiply-adds and of parameters by layer type.
V1_TABLE2 = {
    "pointwise": (94.86, 74.59),
    "depthwise": (3.06, 1.06),
    "conv3x3": (1.19, 0.02),  # a misprint: the multiply-adds are 1.91 %
    "fc": (0.18, 24.33),
}

# Table 3: million multiply-adds and parameters of one layer, 3×3, 512 to 512 on a 14×14 map.
V1_TABLE3 = {"convolution": (462, 2.36), "separable": (52.3, 0.27)}

# Table 4: ImageNet accuracy in per cent, million multiply-adds, million parameters.
V1_TABLE4 = {"full": (71.7, 4866, 29.3), "separable": (70.6, 569, 4.2)}

# Table 8: the same three columns.
V1_TABLE8 = {"1.0 MobileNet-224": (70.6, 569, 4.2), "VGG 16": (71.5, 15300, 138)}

# He et al. 2016, Table 1: FLOPs of the 50-layer network, in units of 10**9.
RESNET50_FLOPS = 3.8

# Szegedy et al. 2015, Table 1, module inception (3a), the 5×5 branch.
INCEPTION_3A = {"size": 28, "in": 192, "reduce": 16, "out": 32}


@cache
def v1():
    """timm's MobileNetV1: the reference, as torchvision has none."""
    return on_meta(timm.create_model, "mobilenetv1_100")


@cache
def v1_counts() -> tuple[int, int]:
    """(MACs at 224×224, parameters) of MobileNetV1."""
    return macs(v1(), 3, 224, 224), params(v1())
