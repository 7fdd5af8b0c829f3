"""Networks, and what there is to compare of them: for the tests of the `define` cells."""

from functools import cache

import torch
from matplotlib.cbook import get_sample_data
from PIL import Image
from torch import Tensor, nn
from torch.testing import assert_close

from tests.book import NETWORKS, definitions


def build(chapter: str, **options) -> nn.Module:
    return getattr(definitions(chapter), NETWORKS[chapter])(**options)


@cache
def cuts(count: int, seed: int) -> Tensor:
    return definitions("device").random_cuts(count, seed)


@cache
def averaged(chapter: str, **options) -> nn.Module:
    """Whose batch norms have the averages of photographs; in 64 bits. For several tests: copy it
    before you change it.
    """
    torch.manual_seed(1)
    network = build(chapter, **options)
    return definitions("device").take_averages(network, [cuts(8, seed=1)]).double()


def short_hybrid(**options) -> nn.Module:
    """MobileNetV4's Hybrid-M, narrow and cut to seven blocks: with attention that takes its keys
    from a smaller map, and attention that doesn't. The whole takes a tracer half a minute.
    """
    network = build("v4", variant="hybrid_medium", width_mult=0.25, **options)
    network.blocks = nn.Sequential(*(network.blocks[i] for i in (0, 1, 3, 7, 8, 15, 23)))
    return network


def few_blocks(network: nn.Module, kept: tuple[int, ...]) -> nn.Module:
    """The network with these of its blocks, and a 1×1 convolution where channels do not fit."""
    layers, last = [], convolutions(network.blocks)[-1].out_channels
    comes = network.stem.conv.out_channels
    for block in (network.blocks[i] for i in kept):
        first, *_, goes = convolutions(block)
        if first.in_channels != comes:
            layers.append(nn.Conv2d(comes, first.in_channels, 1))
        layers.append(block)
        comes = goes.out_channels
    if comes != last:
        layers.append(nn.Conv2d(comes, last, 1))
    network.blocks = nn.Sequential(*layers)
    return network


def shapes(module: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(p.shape) for p in module.parameters()]


def settings(conv: nn.Conv2d) -> tuple:
    """All that a convolution is, but for its weights."""
    sizes = conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    return *sizes, conv.groups, conv.bias is not None


def convolutions(network: nn.Module) -> list[nn.Conv2d]:
    return [m for m in network.modules() if isinstance(m, nn.Conv2d)]


def hopper() -> Image.Image:
    with get_sample_data("grace_hopper.jpg") as file:
        return Image.open(file).convert("RGB")


def classifier(inputs: int = 6) -> nn.Sequential:
    """Small enough to be trained in no time, with dropout, which draws random numbers."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 3)
    )


def assert_same_weights(one: nn.Module, other: nn.Module) -> None:
    assert_close(dict(one.state_dict()), dict(other.state_dict()), rtol=0, atol=0)
