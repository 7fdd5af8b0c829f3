"""Names for the expressions beside the numbers of the page on notation."""

import timm
from torch import nn
from torchvision.models import mobilenet_v3_large

from tools import papers
from tools.counting import macs, on_meta, params, v1, v2
from tools.variants import paper_v3

LARGE = on_meta(mobilenet_v3_large)
(MOMENTUM,) = {m.momentum for m in LARGE.modules() if isinstance(m, nn.BatchNorm2d)}
THIRD = LARGE.features[3].block  # behind the stem and two blocks
IN, INSIDE = THIRD[0][0].in_channels, THIRD[0][0].out_channels
DROPOUT = next(m.p for m in LARGE.modules() if isinstance(m, nn.Dropout))
THIN = params(on_meta(mobilenet_v3_large, width_mult=0.75))
PAPERS_THIN = params(on_meta(paper_v3, "large", 0.75))
FLOPS = 2 * macs(v2(), 3, 224, 224)
V1, V2 = v1(), v2()
V1_MILLION = macs(V1, 3, 224, 224) / 1e6
CONVS = sum(isinstance(m, nn.Conv2d) for m in V1.modules())
LINEAR = sum(isinstance(m, nn.Linear) for m in V1.modules())
V1_TOP1, V2_TOP1 = papers.V1_TABLE4["separable"].top1, papers.V2_TABLE4["MobileNetV2"].top1
MAP = next(m for m in V1.blocks[6].modules() if isinstance(m, nn.Conv2d))

# timm's second row of V2: two blocks that widen six times, to 24 channels, the first at stride 2.
ROW = on_meta(timm.create_model, "mobilenetv2_100").blocks[1]

assert timm.models.is_model("mobilenetv2_140")
