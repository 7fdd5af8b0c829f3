"""Time the device chapter's networks on this machine, and record what was seen.

    .venv/bin/python -m tools.latency "what this machine is"

writes `chapters/device/record.json`: the machine becomes a row of `devices`, in the place of
an earlier row of the same name. It takes some ten minutes on two cores, and wants a machine that
does nothing else.

The chapter quotes the record, its figures draw it, and tests do some of it again.
"""

import json
import platform
import sys
from datetime import date
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from torch import nn

from tools.notebooks import ROOT, definitions

FILE = ROOT / "chapters" / "device" / "record.json"
COMMAND = "python -m tools.latency"
PACKAGES = ("torch", "torchvision", "executorch", "onnxruntime")
BATCH = 8

notebook = definitions("device")


def load() -> dict:
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {"devices": []}


def save(record: dict) -> None:
    FILE.write_text(json.dumps({"command": COMMAND} | record, indent=1) + "\n", encoding="utf-8")


def prepared(name: str) -> nn.Module:
    """A network with random weights and the batch norm averages of photographs."""
    torch.manual_seed(0)
    network = notebook.NETWORKS[name]()
    return notebook.take_averages(network, list(notebook.photographs(8, seed=1).split(8)))


# ---------------------------------------------------------------- what was recorded


def recorded() -> dict:
    """The row that the chapter quotes: the first."""
    return load()["devices"][0]


def timing(values: dict[str, list[float]], name: str) -> float:
    """The median, of what `noted` left."""
    return values[name][0]


def ceilings(values: dict[str, list[float]]) -> "notebook.Machine":
    """The machine's ceilings, from the jobs that ran in the same turns."""
    return notebook.ceilings({name: notebook.Timing(*times) for name, times in values.items()})


def machine() -> "notebook.Machine":
    """Its ceilings while the layers were timed: the median of each."""
    found = [ceilings(row["ms"]) for row in recorded()["layers"]]
    return notebook.Machine(*(median(column) for column in zip(*found, strict=True)))


@cache
def layer_times(kind: str) -> dict:
    """By layer of V1: its cost, the milliseconds, and the ceilings of the same turns."""
    found = {}
    for row in recorded()["layers"]:
        layer = notebook.Layer(*row["layer"])
        with torch.device("meta"):  # a cost needs no values
            cost, _ = layer.jobs()[kind]
        found[layer] = cost, timing(row["ms"], kind), ceilings(row["ms"])
    return found


def milliseconds(name: str, path: str) -> float:
    """The median of a network on a path."""
    return timing(recorded()["networks"][name]["ms"], path)


@cache
def network_costs(name: str) -> tuple:
    """Of each layer at 224×224, from the network's shapes."""
    with torch.device("meta"):
        network = notebook.NETWORKS[name]().eval()
        return tuple(notebook.costs(network, torch.empty(1, 3, 224, 224)))


def bound(name: str) -> float:
    """Milliseconds at full speed, by the ceilings of the same turns."""
    roof = ceilings(recorded()["networks"][name]["ms"])
    return sum(cost.bound(roof) for cost in network_costs(name))


# ---------------------------------------------------------------- the machine


def noted(timed: dict) -> dict[str, list[float]]:
    """Milliseconds: median, low, high."""
    return {name: [round(ms, 4) for ms in timing] for name, timing in timed.items()}


def time_habits() -> dict:
    """What goes wrong in timing: V2 with and without gradients."""
    network, image = prepared("V2"), notebook.photographs(1, seed=2)

    @torch.inference_mode(False)
    def with_gradients():
        return network(image.clone())

    runs = {"inference": lambda: network(image), "gradients": with_gradients}
    return noted(notebook.race(runs, rounds=31))


def time_layers() -> list[dict]:
    """V1's layers, each kind of block, beside the ceilings."""
    rows = []
    for layer in dict.fromkeys(notebook.v1_layers()):
        with torch.inference_mode():
            runs = {name: run for name, (_, run) in layer.jobs().items()}
            timed = notebook.race(runs | notebook.ceiling_jobs(), rounds=31)
        rows.append({"layer": list(layer), "ms": noted(timed)})
    return rows


def on_threads(count: int, run):
    """A function that runs on so many threads of PyTorch's."""

    def threaded():
        torch.set_num_threads(count)
        run()
        torch.set_num_threads(1)

    return threaded


def time_network(name: str, folder: Path) -> dict:
    """Every path of a network, in turns, beside the ceilings."""
    network, pictures = prepared(name), notebook.photographs(4, seed=2)
    image = pictures[:1].contiguous()
    folded = notebook.fold_network(network)
    with torch.inference_mode():
        expected = network(pictures)
    runs = notebook.steps(network, image)
    runs["two threads"] = on_threads(2, runs["folded"])
    many = notebook.channels_last(notebook.photographs(BATCH, seed=3))
    runs["batch"] = partial(notebook.channels_last(folded), many)
    runs["compiled"] = notebook.compiled(network, image)
    short = notebook.quantised(folded, notebook.photographs(8, seed=4))
    sizes, differs, noise = {}, {}, {}
    for path, graph in (("ExecuTorch", folded), ("ExecuTorch, 8 bits", short)):
        file = notebook.to_executorch(graph, image, folder / f"{name} {path}.pte")
        run = notebook.executorch_runner(file)
        outputs = torch.cat([run(x[None].contiguous()) for x in pictures])
        sizes[path], differs[path] = file.stat().st_size, notebook.agrees(outputs, expected)
        runs[path] = partial(run, image)
    noise["apart"] = round(notebook.decibels(outputs, expected), 2)
    noise["shared"] = round(notebook.decibels(outputs, expected, shared=True), 2)
    file = notebook.to_onnx(folded, image, folder / f"{name}.onnx")
    run = notebook.onnx_runner(file)
    sizes["ONNX Runtime"] = file.stat().st_size
    differs["ONNX Runtime"] = notebook.agrees(run(image), expected[:1])
    runs["ONNX Runtime"] = partial(run, image)
    timed = notebook.race(runs | notebook.ceiling_jobs(), rounds=21)
    return {
        "ms": noted(timed),
        "bytes": sizes,
        "differs": {path: float(f"{value:.1e}") for path, value in differs.items()},
        "decibels": noise,
    }


def measure(device: str) -> None:
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        row = {
            "device": device,
            "date": date.today().isoformat(),
            "machine": platform.machine(),
            "versions": {name: version(name).partition("+")[0] for name in PACKAGES},
            "habits": time_habits(),
            "layers": time_layers(),
            "networks": {name: time_network(name, Path(folder)) for name in notebook.NETWORKS},
        }
    record = load()
    others = [each for each in record["devices"] if each["device"] != device]
    save(record | {"devices": [*others, row]})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit('say what this machine is: python -m tools.latency "a phone of 2026, one core"')
    measure(sys.argv[1])
