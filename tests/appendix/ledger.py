"""Names for the expressions beside the numbers of the ledger."""

import math
from statistics import mean

from torch import nn
from torchvision.models import (
    ResNet50_Weights,
    VGG16_Weights,
    alexnet,
    mobilenet_v2,
    mobilenet_v3_large,
    squeezenet1_0,
    vgg19,
)

from tests.book import definitions
from tests.convolution import numbers as convolution
from tests.depthwise import numbers as depthwise
from tests.device import numbers as device
from tests.pointwise import numbers as pointwise
from tests.quantisation import numbers as quantisation
from tests.separable import numbers as separable
from tests.trained import numbers as trained
from tests.training import numbers as training
from tests.v1 import numbers as c1
from tests.v2 import numbers as c2
from tests.v3 import numbers as c3
from tests.v4.others import counted, saved
from tests.v4.roofline import attention, intensity
from tools import papers
from tools.counting import macs, on_meta, params, v1, v3, v4
from tools.learning import SEPARABLE, THINNED, tested
from tools.variants import (
    first_version_v3_large,
    minimalistic_v3,
    paper_v3,
    printed_hybrid_medium_v4,
)

t3, t9, early9 = papers.V3_TABLE3, papers.V3_TABLE9, papers.V3_TABLE9_EARLIER
t14, int8_v1 = papers.V1_TABLE14, papers.KRISHNAMOORTHI["Mobilenet-v1_1_224"]
t5, t6 = papers.V3_TABLE5, papers.V2_TABLE6
t6v4, t7v4, t2v4 = papers.V4_TABLE6, papers.V4_TABLE7, papers.V4_TABLE2
teacher, student = papers.V4_TEACHER, papers.V4_STUDENT_TEXT
slim1, slim2, slim3 = papers.SLIM_V1_MACS, papers.SLIM_V2, papers.SLIM_V3

recipe2, recipe3 = papers.V2_TRAINING, papers.V3_TRAINING
script1, script2 = papers.SLIM_V1_TRAINING, papers.SLIM_V2_TRAINING
tv3 = papers.TORCHVISION_V3_TRAINING


def millions(count: float, digits: int = 1) -> str:
    return f"{count / 1e6:.{digits}f}"


def paper(variant: str, width: float, what: int, features: int = 0) -> str:
    """Millions of MACs (0) or parameters (1) of a network of V3's Table 9."""
    return f"{c3.of_paper(variant, width, features=features)[what]:.2f}"


FIRST_V3 = macs(first_version_v3_large(), 3, 224, 224)
SMALL_256 = [c3.of_paper("small", 1.0, 256, features)[0] for features in (0, 1280)]
V2_BLOCKS = sum(hasattr(m, "use_res_connect") for m in on_meta(mobilenet_v2).features)
DEFAULT_EPS = f"{nn.BatchNorm2d(1).eps:.5f}"
V3_MOMENTUM = next(
    m.momentum for m in on_meta(mobilenet_v3_large).modules() if hasattr(m, "momentum")
)
THIN_LEAD = mean(tested(THINNED)) - mean(tested(SEPARABLE))
VGG_TOOL = convolution.VGG_MACS + convolution.CONV_BIASES + convolution.FC_BIASES
V4_SIZES = definitions("v4").SIZES
V4_NETS = {variant: v4(variant) for variant in V4_SIZES}
V4_MACS = {variant: macs(V4_NETS[variant], 3, size, size) for variant, size in V4_SIZES.items()}
PRINTED_HYBRID_M = printed_hybrid_medium_v4()
MIT, HALF = ("MIT-EfficientViT-B2-r256", "MIT-EfficientViT-B3-r224"), "MobileNet-V3L-0.5x"
ADDED = [t2v4[name].pixel8 - t2v4["base model"].pixel8 for name in ("+3 MHSA", "+3 MQA")]
# Hybrid-M's deeper blocks of attention: 256 channels and four heads of 64, on 8 × 8.
OWN, SHARED = (attention(256, 4, 64, 8 * 8, sets) for sets in (4, 1))
imagenet, jft = papers.V4_TABLE5["ImageNet"], papers.V4_TABLE5["JFT distill"]
g3, g5 = papers.V4_TABLE3_GAIN, papers.V4_TABLE5_GAIN
SHORTER = [
    (getattr(papers.V4_TABLE3["Yes"], column), getattr(papers.V4_TABLE3["No"], column))
    for column in ("cpu", "gpu")
]
VGG_19 = macs(on_meta(vgg19), 3, 224, 224)
IMAGENET_PICTURES = 1_281_167
EPOCHS_V2 = {
    gpus: steps * gpus * script2["batch"] / IMAGENET_PICTURES
    for gpus, steps in script2["steps"].items()
}

PREPARED = [
    trained.kept(name) for name in ("colours_exchanged", "from_zero_to_one", "imagenets_average")
]
(NOTHING_LEFT,) = {
    trained.kept(name) for name in ("no_shortcuts", "activation_behind_the_projection")
}
