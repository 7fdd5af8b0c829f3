"""How fast a network of ours is beside the reference: forward and one training step.

    .venv/bin/python -m tools.speed v1

The two take turns within one run, so that a busy machine slows both. What counts is the ratio of
the medians: below 1, ours is faster.
"""

import sys
from statistics import median
from time import perf_counter

import timm
import torch
from torch import nn
from torchvision.models import mobilenet_v2, mobilenet_v3_large, mobilenet_v3_small

from tools.notebooks import definitions

REPEATS = 31  # odd, so that a median is one of them
PAIRS = {  # ours, the reference
    "v1": lambda: (definitions("v1").MobileNetV1(), timm.create_model("mobilenetv1_100")),
    "v2": lambda: (definitions("v2").MobileNetV2(), mobilenet_v2()),
    "v3-large": lambda: (definitions("v3").MobileNetV3("large"), mobilenet_v3_large()),
    "v3-small": lambda: (definitions("v3").MobileNetV3("small"), mobilenet_v3_small()),
    "v4-conv-small": lambda: (
        definitions("v4").MobileNetV4("conv_small"),
        timm.create_model("mobilenetv4_conv_small"),
    ),
}


def forward(network: nn.Module, images: torch.Tensor) -> None:
    with torch.inference_mode():
        network(images)


def training_step(network: nn.Module, images: torch.Tensor) -> None:
    """Forward, backward and an update with a rate of zero, so that the weights stay usable."""
    targets = torch.zeros(len(images), dtype=torch.long)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.0)
    optimiser.zero_grad()
    nn.functional.cross_entropy(network(images), targets).backward()
    optimiser.step()


def seconds(step, network: nn.Module, images: torch.Tensor) -> float:
    start = perf_counter()
    step(network, images)
    return perf_counter() - start


def main(name: str, repeats: int = REPEATS, side: int = 224) -> None:
    torch.manual_seed(0)
    networks = PAIRS[name]()
    print(f"{name}: {torch.get_num_threads()} threads, median of {repeats}, in milliseconds")
    # The smallest batch with which V4 trains is one of two pictures.
    for step, mode, smallest in ((forward, False, 1), (training_step, True, 2)):
        for batch in (smallest, 16):
            images = torch.randn(batch, 3, side, side)
            for network in networks:
                network.train(mode)
                step(network, images)  # warm up
            times = [[seconds(step, n, images) for n in networks] for _ in range(repeats)]
            ours, theirs = (1000 * median(column) for column in zip(*times, strict=True))
            print(f"{step.__name__:14} batch {batch:>2}: {ours:7.1f} {theirs:7.1f}", end="  ")
            print(f"ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in PAIRS:
        sys.exit(f"which network? one of: {', '.join(PAIRS)}")
    main(sys.argv[1])
