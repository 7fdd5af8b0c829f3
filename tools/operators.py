"""See where the time of the device chapter's networks goes, operation by operation.

    .venv/bin/python -m tools.operators "what this machine is"

runs each network in 32 and in 8 bits under ExecuTorch's event tracer, and adds `profiles` to the
row of the machine that `tools.latency` has put into `chapters/device/record.json`. If names of
networks follow, such as V4-Conv-S, it does so for these alone.

A profile has the milliseconds of the whole run; the share of it that the operations account for;
the milliseconds by kind of operation; and those of each convolution and linear layer, in the order
of the network's own layers.
"""

import os
import sys
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from torch import nn
from tqdm import tqdm

from tools.latency import (
    NETWORKS,
    chosen,
    network_costs,
    notebook,
    prepared,
    recorded,
    row_of,
    update,
)

PROFILED = [name for name in NETWORKS if name != "ResNet-50"]
BITS = ("32", "8")
RUNS = 40
LAYERS = ("standard", "depthwise", "pointwise", "squeeze-and-excite", "classifier")
# In the order of a table: what computes, what stands between, what moves.
KINDS = (*LAYERS, "activation", "addition", "pooling", "padding", "conversion")

# ---------------------------------------------------------------- what was recorded


def profile(name: str, bits: str = "32", index: int = 0) -> dict:
    return recorded(index)["profiles"][name][bits]


def share(name: str, kind: str, bits: str = "32") -> float:
    """Per cent of the operations' time; several kinds joined by +."""
    kinds = profile(name, bits)["kinds"]
    return 100 * sum(kinds.get(each, 0) for each in kind.split("+")) / sum(kinds.values())


def kind_ms(name: str, kind: str, bits: str = "32") -> float:
    return profile(name, bits)["kinds"].get(kind, 0)


@cache
def layer_kinds(name: str) -> tuple[str, ...]:
    """The kind of each convolution and linear layer, in the order of execution."""
    found = []

    def note(layer, inputs, output):
        if isinstance(layer, nn.Linear):
            found.append("classifier")
        elif layer.groups > 1:
            found.append("depthwise")
        elif layer.kernel_size != (1, 1):
            found.append("standard")
        else:  # on a map of one pixel: squeeze-and-excite
            found.append("pointwise" if output.shape[-1] > 1 else "squeeze-and-excite")

    with torch.device("meta"):
        network = NETWORKS[name]().eval()
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.register_forward_hook(note)
        network(torch.empty(1, 3, 224, 224))
    # But at the end one pixel is left, and scales nothing: V4's classifier begins as a convolution.
    for last in reversed(range(len(found))):
        if found[last] not in ("squeeze-and-excite", "classifier"):
            break
        found[last] = "classifier"
    return tuple(found)


def layers(name: str, bits: str = "32", index: int = 0) -> list[tuple]:
    """Kind, cost and milliseconds of each layer, in the order of execution."""
    times = profile(name, bits, index)["layers"]
    return list(zip(layer_kinds(name), network_costs(name), times, strict=True))


# ---------------------------------------------------------------- recording


def layer_events(events: list) -> list[tuple]:
    """The operations that are layers of the network, and their kinds."""
    kinds = notebook.kinds_of([event.name for event in events])
    pairs = zip(kinds, events, strict=True)
    return [(kind, event) for kind, event in pairs if "GEMM" in event.name or kind == "depthwise"]


def summary(name: str, events: list) -> dict:
    """What is recorded of a profile; ValueError where its layers are not the network's."""
    found = layer_events(notebook.operations(events))
    kinds = tuple(kind for kind, _ in found)
    if kinds != layer_kinds(name):
        raise ValueError(f"{name}: the backend has other layers than the network: {kinds}")
    times = notebook.by_kind(events)
    return {
        "all": round(median(notebook.whole(events)), 4),
        "covered": round(notebook.covered(events), 4),
        "kinds": {kind: round(times[kind], 4) for kind in KINDS if kind in times},
        "layers": [round(median(event.ms), 4) for _, event in found],
    }


def profiles(name: str, folder: Path) -> dict:
    """Of a network in 32 and in 8 bits."""
    folded = notebook.fold_network(prepared(name))
    image = notebook.random_cuts(1, seed=2).contiguous()
    short = notebook.quantised(folded, notebook.random_cuts(8, seed=4))
    found = {}
    for bits, graph in zip(BITS, (folded, short), strict=True):
        file = notebook.to_executorch(graph, image, folder / f"{name} {bits}.pte")
        found[bits] = summary(name, notebook.profiled(file, image, RUNS))
    return found


def measure(device: str, *names: str) -> None:
    asked, earlier = chosen(names, PROFILED), row_of(device).get("profiles", {})
    torch.set_num_threads(1)
    os.environ["PATH"] += os.pathsep + str(Path(sys.executable).parent)
    with TemporaryDirectory() as folder:
        found = {name: profiles(name, Path(folder)) for name in tqdm(asked)}
    update({"device": device, "profiles": (earlier if names else {}) | found})


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit('say what this machine is, as to tools.latency: "a phone of 2026, one core"')
    measure(*sys.argv[1:])
