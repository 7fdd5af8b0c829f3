"""The networks of V4's Table 6 that no chapter builds: timm's, their branches folded."""

from functools import cache

import timm
from timm.utils.model import reparameterize_model
from torch import nn

from tools.counting import macs, on_meta, params

OTHERS = {  # timm's name, and the side of the pictures; FastViT's is that which fits its MACs
    "MobileOne-S0": ("mobileone_s0", 224),
    "MobileOne-S4": ("mobileone_s4", 224),
    "FastViT-T8": ("fastvit_t8", 256),
    "FastViT-S12": ("fastvit_s12", 256),
    "FastViT-SA12": ("fastvit_sa12", 256),
    "FastViT-SA24": ("fastvit_sa24", 256),
    "FastViT-SA36": ("fastvit_sa36", 256),
    "MIT-EfficientViT-B1-r224": ("efficientvit_b1", 224),
    "MIT-EfficientViT-B2-r256": ("efficientvit_b2", 256),
    "MIT-EfficientViT-B3-r224": ("efficientvit_b3", 224),
    "ConvNext-S": ("convnext_small", 224),
    "NextViT-B": ("nextvit_base", 224),
}


@cache
def other(name: str) -> tuple[nn.Module, int]:
    """The network, and the side of its pictures."""
    model, size = OTHERS[name]
    return on_meta(lambda: reparameterize_model(timm.create_model(model))), size


def counted(name: str) -> tuple[int, int]:
    """Parameters and MACs."""
    network, size = other(name)
    return params(network), macs(network, 3, size, size)


def saved(before: float, after: float) -> float:
    """By how many per cent; negative, as papers print it."""
    return 100 * (after / before - 1)
