"""Every number of the page on notation, and where it comes from."""

from torchvision.models import mobilenet_v3_large

from tests.closed_world import computed, given
from tests.counting import macs, v2

NORMS = [m for m in mobilenet_v3_large().modules() if type(m).__name__ == "BatchNorm2d"]
(MOMENTUM,) = {norm.momentum for norm in NORMS}
(EPS,) = {norm.eps for norm in NORMS}
COUNT = macs(v2(), 3, 224, 224)


PAGE = [
    given("| million, M | 10^6; in V4's paper sometimes 2^{20} |"),
    given("| kB, MB | 10^3 and 10^6 bytes |"),
    given("| accuracy | top-1 on ImageNet, unless another data set is named |"),
    given("| per cent, points | 70.6 % and 72.0 % differ by 1.4 points |"),
    given(
        "| a map of 14×14×512 | height, width, channels; in PyTorch the shape (1, 512, 14, 14) |"
    ),
    given("With stride 1 and padding it makes no difference;"),
    given("with stride 2 the cost is wrong by a factor of four."),
    computed("V2 has {:.1f} million MACs, so {:.1f} million FLOPs.", COUNT / 1e6, 2 * COUNT / 1e6),
    given("Dropout of 0.8."),
    given("takes the share that is dropped, 0.2."),
    computed("V3 has 0.99 in the one and {} in the other:", MOMENTUM),
    given(
        "In V2's paper it is the narrow map between blocks, and in its Table 2 "
        "the name of the whole block."
    ),
    given('V1\'s "28 layers" are 27 convolutions and the linear layer;'),
]
# How often each name with a digit in it stands there.
PAGE_NAMES = {"V1": 3, "V2": 7, "V3": 4, "V4": 1}
