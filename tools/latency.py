"""Time the device chapter's networks on this machine, and record what was seen.

    .venv/bin/python -m tools.latency "what this machine is"

writes `chapters/device/record.json`: the machine becomes a row of `devices`, in the place of
an earlier row of the same name, or else the first. It takes some ten minutes on two cores, and
wants a machine that does nothing else. `python -m tools.operators` adds where the time goes.

    .venv/bin/python -m tools.latency "what this machine is" V4-Conv-S Lite0

times these networks alone, and leaves the rest of that machine's row as it is. Then compare the
times of the ceilings, "product" to "kernel", with those beside the other networks: they say whether
the machine had the same weather.

Two runtimes are no requirements of this book. OpenVINO is timed if OPENVINO names a folder of
packages that has it. LiteRT runs by ai-edge-litert, on files that the Python which LITERT names
makes by litert-torch, as that wants a PyTorch of its own. What is missing is left out with a line.

The chapter quotes the record, its figures draw it, and tests do some of it again.
"""

import json
import os
import platform
import re
import site
import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from tools.notebooks import ROOT, definitions

FILE = ROOT / "chapters" / "device" / "record.json"
COMMAND = "python -m tools.latency"
PACKAGES = ("torch", "torchvision", "executorch", "onnxruntime", "openvino", "ai-edge-litert")
INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "asimd")
BATCH = 8

notebook = definitions("device")
trained = definitions("trained")


# ---------------------------------------------------------------- the networks


def fixed_padding(network: nn.Module) -> nn.Module:
    """A Lite0 for 224×224 whose paddings are numbers, as an exporter wants them; in place."""
    x = torch.zeros(1, 3, 224, 224, device=next(network.parameters()).device)
    handles = []

    def note(unit, inputs, output):
        zeros = unit.pad(inputs[0]).shape[-1] - inputs[0].shape[-1]
        low, high = zeros // 2, zeros - zeros // 2
        unit.pad = nn.ZeroPad2d((low, high, low, high))

    for unit in network.modules():
        if hasattr(unit, "pad"):
            handles.append(unit.register_forward_hook(note))
    with torch.no_grad():
        network(x)
    for handle in handles:
        handle.remove()
    return network


def lite0() -> nn.Module:
    return fixed_padding(trained.EfficientNetLite0().eval())


def v4_conv_s() -> nn.Module:
    return definitions("v4").MobileNetV4("conv_small")


NETWORKS = notebook.NETWORKS | {"V4-Conv-S": v4_conv_s, "Lite0": lite0}


def prepared(name: str) -> nn.Module:
    """A network with random weights and the batch norm averages of photographs."""
    torch.manual_seed(0)
    network = NETWORKS[name]()
    return notebook.take_averages(network, list(notebook.random_cuts(8, seed=1).split(8)))


# ---------------------------------------------------------------- what was recorded


def load() -> dict:
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {"devices": []}


def save(record: dict) -> None:
    """A list of numbers and words stands on one line."""
    text = json.dumps({"command": COMMAND} | record, indent=1)
    text = re.sub(r"\[\s+([^][{}]+?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)
    FILE.write_text(text + "\n", encoding="utf-8")


def update(row: dict) -> None:
    """Put a machine into the record, in the place of an earlier row of its name."""
    record = load()
    rows = {each["device"]: each for each in record["devices"]}
    if row["device"] in rows:
        rows[row["device"]] |= row
    else:
        rows = {row["device"]: row} | rows
    save(record | {"devices": list(rows.values())})


def recorded(index: int = 0) -> dict:
    """A row of the record; the chapter quotes the first."""
    return load()["devices"][index]


def row_of(device: str) -> dict:
    """What was recorded of a machine; ValueError if nothing was."""
    rows = {row["device"]: row for row in load()["devices"]}
    if device not in rows:
        raise ValueError(f"{device!r} is not in the record; there are {list(rows)}")
    return rows[device]


def chosen(asked: tuple[str, ...], networks: Iterable[str]) -> list[str]:
    """The networks that a command names, or all; ValueError for a name that is none."""
    if unknown := set(asked) - set(networks):
        raise ValueError(f"no network is called {min(unknown)!r}; there are {list(networks)}")
    return list(asked or networks)


def timing(values: dict[str, list[float]], name: str) -> float:
    """The median, of what `noted` left."""
    return values[name][0]


def ceilings(values: dict[str, list[float]], jobs: dict[str, float]) -> "notebook.Machine":
    """The machine's ceilings, from the fastest tenth of the jobs that ran in the same turns."""
    speed = {name: work / values[name][1] * 1e3 for name, work in jobs.items() if name in values}
    moving = speed.pop("cache"), speed.pop("memory")
    return notebook.Machine(max(speed.values()), *moving)


def machine(index: int = 0) -> "notebook.Machine":
    """Its ceilings while the layers were timed: the median of each."""
    row = recorded(index)
    found = [ceilings(each["ms"], row["jobs"]) for each in row["layers"]]
    return notebook.Machine(*(median(column) for column in zip(*found, strict=True)))


def cost_of(layer: "notebook.Layer", kind: str) -> "notebook.LayerCost":
    with torch.device("meta"):  # a cost needs no values
        return layer.jobs()[kind][0]


@cache
def layer_times(kind: str, way: str = "", index: int = 0) -> dict:
    """By layer of V1: its cost, the milliseconds, and the ceilings of the same turns.

    `way`: "" as PyTorch comes, or "ExecuTorch".
    """
    found, row = {}, recorded(index)
    for each in row["layers"]:
        layer = notebook.Layer(*each["layer"])
        ms = timing(each["ms"], f"{way} {kind}".strip())
        found[layer] = cost_of(layer, kind), ms, ceilings(each["ms"], row["jobs"])
    return found


def milliseconds(name: str, path: str, index: int = 0) -> float:
    """The median of a network on a path."""
    return timing(recorded(index)["networks"][name]["ms"], path)


@cache
def network_costs(name: str) -> tuple:
    """Of each layer at 224×224, from the network's shapes."""
    with torch.device("meta"):
        network = NETWORKS[name]().eval()
        return tuple(notebook.costs(network, torch.empty(1, 3, 224, 224)))


def bound(name: str, index: int = 0) -> float:
    """Milliseconds at full speed, by the ceilings of the same turns."""
    row = recorded(index)
    roof = ceilings(row["networks"][name]["ms"], row["jobs"])
    return sum(cost.bound(roof) for cost in network_costs(name))


# ---------------------------------------------------------------- the machine


def processor() -> dict:
    """What Linux says of it; elsewhere nothing."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else ()
    said = {}
    for line in lines:
        key, _, value = line.partition(":")
        said.setdefault(key.strip(), value.strip())
    flags = said.get("flags", said.get("Features", "")).split()
    return {
        "processor": said.get("model name", platform.processor()),
        "instructions": [each for each in INSTRUCTIONS if each in flags],
        "MHz": round(float(said.get("cpu MHz", 0))),
        "cores": os.cpu_count(),
    }


def versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name).partition("+")[0]
        except PackageNotFoundError:
            continue
    return found


def noted(timed: dict) -> dict[str, list[float]]:
    """Milliseconds: median, low, high."""
    return {name: [round(ms, 4) for ms in timing] for name, timing in timed.items()}


def time_habits() -> dict:
    """What goes wrong in timing, V2 with and without gradients; and a call with next to no work."""
    network, image = prepared("V2"), notebook.random_cuts(1, seed=2)
    pixel, filters = torch.randn(1, 8, 1, 1), torch.randn(8, 1, 3, 3)

    @torch.inference_mode(False)
    def with_gradients():
        return network(image.clone())

    def calls():
        for _ in range(100):
            F.conv2d(pixel, filters, None, 1, 1, groups=8)

    runs = {"inference": lambda: network(image), "gradients": with_gradients, "100 calls": calls}
    return noted(notebook.race(runs, rounds=31))


KERNEL = notebook.Layer(512, 512, 14, 1)  # the place where XNNPACK's product is fastest


def kernel_job(folder: Path):
    """A function that times XNNPACK's own product, for a ceiling."""
    m, n, side, _ = KERNEL
    x = torch.randn(1, m, side, side)
    layer = nn.Conv2d(m, n, 1, bias=False).eval()
    file = notebook.to_executorch(layer, x, folder / "kernel.pte")

    def run() -> dict:
        (event,) = (e for e in notebook.profiled(file, x, runs=31) if "GEMM" in e.name)
        return {"kernel": notebook.Timing(*spread(event.ms))}

    return run


def executorch_layers(layer: "notebook.Layer", folder: Path) -> dict[str, list[float]]:
    """The kernels' own times for a full layer and a separable pair, without what stands around."""
    m, n, side, stride = layer
    full = nn.Conv2d(m, n, 3, stride, 1, bias=False)
    pair = nn.Sequential(
        nn.Conv2d(m, m, 3, stride, 1, groups=m, bias=False), nn.Conv2d(m, n, 1, bias=False)
    )
    x, found = torch.randn(1, m, side, side), {}
    for network in (full, pair):
        file = notebook.to_executorch(network.eval(), x, folder / "layer.pte")
        for event in notebook.profiled(file, x, runs=31):
            (kind,) = notebook.kinds_of([event.name])
            if kind in ("standard", "depthwise", "classifier"):  # no mean stands before it
                found["pointwise" if kind == "classifier" else kind] = event.ms
    found["separable"] = list(map(sum, zip(found["depthwise"], found["pointwise"], strict=True)))
    return {f"ExecuTorch {kind}": notebook.Timing(*spread(ms)) for kind, ms in found.items()}


def spread(ms: list[float]) -> tuple[float, float, float]:
    """Median, and where the fastest and the slowest tenth begin."""
    tenth = len(ms) // 10
    return median(ms), sorted(ms)[tenth], sorted(ms)[-1 - tenth]


def time_layers(folder: Path, kernel) -> list[dict]:
    """V1's layers, each kind of block, beside the ceilings."""
    rows = []
    for layer in dict.fromkeys(notebook.v1_layers()):
        with torch.inference_mode():
            runs = {name: run for name, (_, run) in layer.jobs().items()}
            m, n, side, stride = layer
            x = notebook.channels_last(torch.randn(1, m, side, side))
            full = notebook.channels_last(torch.randn(n, m, 3, 3))
            runs["laid out standard"] = notebook.laid_out(full, x, 1, stride)
            timed = notebook.race(runs | notebook.ceiling_jobs(), rounds=31)
        timed |= executorch_layers(layer, folder) | kernel()
        rows.append({"layer": list(layer), "ms": noted(timed)})
    return rows


def on_threads(count: int, run):
    """A function that runs on so many threads of PyTorch's."""

    def threaded():
        torch.set_num_threads(count)
        run()
        torch.set_num_threads(1)

    return threaded


# ---------------------------------------------------------------- runtimes that are no requirement


def openvino_runner(file: Path, **settings):
    """The network in an .onnx file, run by OpenVINO on one thread."""
    if "OPENVINO" in os.environ:
        site.addsitedir(os.environ["OPENVINO"])
    import openvino

    settings = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"} | settings
    compiled = openvino.Core().compile_model(file, "CPU", settings)
    request = compiled.create_infer_request()
    return lambda x: torch.tensor(request.infer({0: x.numpy()})[0])


CONVERT = """
import sys, litert_torch, torch
network, x = torch.load(sys.argv[1], weights_only=False)
litert_torch.convert(network.eval(), (x,)).export(sys.argv[2])
"""


def to_litert(network: nn.Module, image: torch.Tensor, file: Path) -> Path:
    """Export as a .tflite file, by the Python that LITERT names."""
    given = file.with_suffix(".pt")
    torch.save((network, image), given)
    if "LITERT" not in os.environ:
        raise OSError("LITERT names no Python that has litert-torch")
    asked = [os.environ["LITERT"], "-c", CONVERT, str(given), str(file)]
    subprocess.run(asked, check=True, capture_output=True, encoding="utf-8")
    return file


def litert_runner(file: Path):
    """The network in a .tflite file, run by LiteRT on one thread."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file), num_threads=1)
    interpreter.allocate_tensors()
    (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(x: torch.Tensor) -> torch.Tensor:
        interpreter.set_tensor(given["index"], x.numpy())
        interpreter.invoke()
        return torch.tensor(interpreter.get_tensor(answer["index"]))

    return run


# ---------------------------------------------------------------- memory and loading

ALONE = """
import sys, time
from pathlib import Path
from executorch.extension.pybindings import portable_lib
from executorch.runtime import Runtime
import torch

def kilobytes(what):
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))

def load(file):
    return Runtime.get().load_program(file).load_method("forward")

portable_lib._unsafe_reset_threadpool(1)
tiny, file = map(Path, sys.argv[1:])
load(tiny).execute([torch.zeros(1, 3, 8, 8)])
before = kilobytes("VmRSS")
start = time.perf_counter()
method = load(file)
ready = time.perf_counter()
loaded, most = kilobytes("VmRSS"), kilobytes("VmHWM")
x = torch.zeros(1, 3, 224, 224)
first = time.perf_counter()
method.execute([x])
done = time.perf_counter()
print(1000 * (ready - start), 1000 * (done - first))
print(loaded - before, most - before, kilobytes("VmHWM") - before)
"""


def footprint(file: Path, tiny: Path) -> dict[str, float]:
    """Of a .pte file in a fresh process: milliseconds to load it and for the first run, and by how
    many bytes the process has grown once it is loaded, at most while it loads, and at most after
    the first run."""
    asked = [sys.executable, "-W", "ignore", "-c", ALONE, str(tiny), str(file)]
    runs = []
    for _ in range(3):
        done = subprocess.run(asked, check=True, capture_output=True, encoding="utf-8")
        runs.append([float(number) for number in done.stdout.split()])
    load_ms, first_ms, loaded, loading, most = (median(each) for each in zip(*runs, strict=True))
    return {
        "load": round(load_ms, 2),
        "first": round(first_ms, 2),
        "loaded": round(loaded * 1024),
        "loading": round(loading * 1024),
        "most": round(most * 1024),
        "planned": planned(file),
    }


def planned(file: Path) -> int:
    """Bytes that ExecuTorch has planned for maps, outside its backends."""
    from executorch.exir._serialize._program import deserialize_pte_binary

    program = deserialize_pte_binary(file.read_bytes())
    (plan,) = getattr(program, "program", program).execution_plan
    return sum(plan.non_const_buffer_sizes)


# ---------------------------------------------------------------- the networks' times


class Paths:
    """The ways to run one network: what each takes, and how far it answers something else."""

    def __init__(self, name: str, folder: Path):
        self.name, self.folder = name, folder
        self.network, self.pictures = prepared(name), notebook.random_cuts(4, seed=2)
        self.image = self.pictures[:1].contiguous()
        self.folded = notebook.fold_network(self.network)
        with torch.inference_mode():
            self.expected = self.network(self.pictures)
        self.runs = notebook.steps(self.network, self.image)
        self.bytes, self.differs, self.decibels, self.memory = {}, {}, {}, {}

    def take(self, path: str, file: Path, run) -> torch.Tensor:
        """A file, run by a runtime."""
        outputs = torch.cat([run(x[None].contiguous()) for x in self.pictures])
        self.bytes[path] = file.stat().st_size
        self.differs[path] = float(f"{notebook.agrees(outputs, self.expected):.1e}")
        self.runs[path] = partial(run, self.image)
        return outputs

    def executorch(self, tiny: Path) -> None:
        short = notebook.quantised(self.folded, notebook.random_cuts(8, seed=4))
        for path, graph in (("ExecuTorch", self.folded), ("ExecuTorch, 8 bits", short)):
            file = self.folder / f"{self.name} {path}.pte"
            notebook.to_executorch(graph, self.image, file)
            outputs = self.take(path, file, notebook.executorch_runner(file))
            if graph is self.folded:
                self.memory = footprint(file, tiny)
        for what, shared in (("apart", False), ("shared", True)):
            value = notebook.decibels(outputs, self.expected, shared=shared)
            self.decibels[what] = round(value, 2)

    def others(self) -> None:
        file = notebook.to_onnx(self.folded, self.image, self.folder / f"{self.name}.onnx")
        self.take("ONNX Runtime", file, notebook.onnx_runner(file))

        def openvino():
            exact = {"INFERENCE_PRECISION_HINT": "f32"}
            self.take("OpenVINO", file, openvino_runner(file, **exact))
            self.take("OpenVINO, its default", file, openvino_runner(file))

        def litert():
            made = to_litert(self.folded, self.image, self.folder / f"{self.name}.tflite")
            self.take("LiteRT", made, litert_runner(made))

        notebook.works("OpenVINO", openvino)
        notebook.works("LiteRT", litert)

    def row(self, kernel, rounds: int = 21) -> dict:
        timed = notebook.race(self.runs | notebook.ceiling_jobs(), rounds) | kernel()
        return {
            "ms": noted(timed),
            "bytes": self.bytes,
            "differs": self.differs,
            "decibels": self.decibels,
            "memory": self.memory,
        }


def time_network(name: str, folder: Path, tiny: Path, kernel) -> dict:
    """Every path of a network, in turns, beside the ceilings."""
    paths = Paths(name, folder)
    merged, image = paths.folded, paths.image
    paths.runs["two threads"] = on_threads(2, paths.runs["folded"])
    many = notebook.channels_last(notebook.random_cuts(BATCH, seed=3))
    paths.runs["batch"] = partial(notebook.channels_last(merged), many)
    paths.runs["compiled"] = notebook.compiled(paths.network, image)
    paths.executorch(tiny)
    paths.others()
    return paths.row(kernel)


def machine_row(device: str, folder: Path, kernel) -> dict:
    """What is recorded of a machine besides the networks."""
    return {
        "device": device,
        "date": date.today().isoformat(),
        "machine": platform.machine(),
        **processor(),
        "versions": versions(),
        "jobs": notebook.JOBS | {"kernel": cost_of(KERNEL, "pointwise").macs},
        "habits": time_habits(),
        "layers": time_layers(folder, kernel),
    }


def measure(device: str, *names: str) -> None:
    """All of it, or these networks alone, on a machine that is in the record."""
    asked, networks = chosen(names, NETWORKS), {}
    if names:
        networks |= row_of(device)["networks"]
    torch.set_num_threads(1)
    os.environ["PATH"] += os.pathsep + str(Path(sys.executable).parent)
    with TemporaryDirectory() as folder:
        folder = Path(folder)
        kernel = kernel_job(folder)
        tiny = notebook.to_executorch(
            nn.Conv2d(3, 4, 1).eval(), torch.zeros(1, 3, 8, 8), folder / "tiny.pte"
        )
        if not names:
            update(machine_row(device, folder, kernel))
        for name in tqdm(asked, desc="networks"):
            networks[name] = time_network(name, folder, tiny, kernel)
            update({"device": device, "networks": networks, "versions": versions()})


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit('say what this machine is: python -m tools.latency "a phone of 2026, one core"')
    measure(*sys.argv[1:])
