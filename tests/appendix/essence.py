"""Names for the expressions beside the numbers of the page for ten minutes."""

from torch import nn

from tests.appendix.cheatsheet import COST, FULL_V1, TIME, features, million, share, times
from tests.separable.numbers import first_width
from tools import papers
from tools.counting import params, v1, v2

LAYERS = {
    "standard": nn.Conv2d(3, 5, 3),
    "depthwise": nn.Conv2d(3, 3, 3, groups=3),
    "pointwise": nn.Conv2d(3, 5, 1),
}
READS = {name: layer.weight[0].numel() for name, layer in LAYERS.items()}
NEWLY = papers.V4_TABLE6  # the same networks, trained anew
SIDES = LAYERS["standard"].kernel_size
