"""Names for the expressions beside the numbers of the page for ten minutes."""

from torch import nn

from tests.appendix.cheatsheet import COST, FULL_V1, TIME, million, share, times
from tools import papers
from tools.counting import params, v1, v2

LAYERS = {
    "standard": nn.Conv2d(3, 5, 3),
    "depthwise": nn.Conv2d(3, 3, 3, groups=3),
    "pointwise": nn.Conv2d(3, 5, 1),
}
READS = {name: layer.weight[0].numel() for name, layer in LAYERS.items()}
SIDES = LAYERS["standard"].kernel_size
