"""Lite0 with weights of 8 bits, as a list of calls, and an example that was recorded."""

import base64
import hashlib
import io
import json
from functools import cache

from tools.notebooks import ROOT, definitions

TITLE = "Your picture, through a trained network"
SCRIPTS = ("measure/runtime.js",)  # of other explorers, that this one needs
RECORD = ROOT / "chapters" / "trained" / "picture.json"

SIDE = 224
EPSILONS = (1e-3, 1e-5)  # TensorFlow's, with which it was trained, and PyTorch's
PIECES = 5  # files that the weights come in

# ---------------------------------------------------------------- the network


@cache
def network():
    """The notebook's Lite0 with trained weights, or None without the package."""
    trained = definitions("trained")
    found, weights = trained.EfficientNetLite0().eval(), trained.lite0_weights()
    if weights is None:
        return None
    trained.load_by_name(found, weights, trained.lite0_places(found))
    return found


def with_zeros_in_front(folded):
    """TensorFlow's padding, for a picture of 224×224, by layers that the kernels' notebook knows."""
    from torch import nn

    side = SIDE
    trained = definitions("trained")
    for unit in trained.units(folded):
        if hasattr(unit, "pad"):
            kernel, stride = unit.pad.kernel, unit.pad.stride
            needed = (-(-side // stride) - 1) * stride + kernel - side
            before, after = needed // 2, needed - needed // 2
            unit.pad = nn.ZeroPad2d((before, after, before, after))
            side = -(-side // stride)
    return folded


@cache
def program():
    """Lite0 as calls; each value keeps its place, to be looked at."""
    folded = with_zeros_in_front(definitions("trained").folded(network().double()))
    return definitions("kernels").compile_network(folded, SIDE, keep=True)
