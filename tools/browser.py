"""Time the browser's runtime beside others on this machine, and record what was seen.

    ORT_WEB=folder .venv/bin/python -m tools.browser "what this machine is"

writes `chapters/kernels/record.json`. It takes some five minutes, needs Chromium, and wants a
machine that does nothing else. What is compared runs on one core, and takes turns:

* our kernels in Chromium, the very bytes and calls that the chapter's notebook makes. "SIMD" are
  those for every browser, "fused" those that multiply and add in one instruction;
* ONNX Runtime Web in the same Chromium, with one thread. It is no requirement of this book: ORT_WEB
  names the folder of its package (`npm install onnxruntime-web`); else it is left out with a line;
* PyTorch, channels last, as it comes and with the batch norms folded; ExecuTorch with XNNPACK.

Before a network is timed, each runtime's answer is compared with PyTorch's in 64 bits.
"""

import json
import math
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import torch
from torch import nn
from torch.utils.benchmark import Timer
from tqdm import tqdm

from tools import latency
from tools.chromium import FLAGS, find_browser
from tools.notebooks import ROOT, definitions

FILE = ROOT / "chapters" / "kernels" / "record.json"
COMMAND = "python -m tools.browser"
NETWORKS = {  # the notebooks' own
    "V1": lambda: definitions("v1").MobileNetV1(),
    "V2": lambda: definitions("v2").MobileNetV2(),
    "V3-Large": lambda: definitions("v3").MobileNetV3("large"),
    "V3-Small": lambda: definitions("v3").MobileNetV3("small"),
    "V4-Conv-S": lambda: definitions("v4").MobileNetV4("conv_small"),
}
ENGINES = {"SIMD": False, "fused": True}  # fused: multiply and add in one instruction
OTHER = "ONNX Runtime Web"
KINDS = ("pointwise", "standard", "depthwise", "linear", "padding", "rest")
MIDDLE = latency.KERNEL  # the place whose layers run on every runtime
BLOCKS = (1, 2, 4, 6, 8)  # places, with two vectors of output channels each
BLOCK_SIDE = 12  # a map of 144 places, which each of them divides
# So many equal layers in a row, so that what a run costs by itself hardly counts.
CHAINS = {"standard": 1, "depthwise": 10, "pointwise": 10}
LONG = 10  # milliseconds: what is shorter is repeated
TURNS = 200_000  # of `peak`
VECTORS = 12  # that `peak` has in registers
COPIES = {"copy 200 kB": (200_000, 50), "copy 16 MB": (16_000_000, 1)}  # bytes, how often
# Multiply-adds, and bytes read and written.
JOBS = {"peak": 4 * VECTORS * TURNS} | {name: 2 * size * n for name, (size, n) in COPIES.items()}

device = latency.notebook
kernels = definitions("kernels")

# ---------------------------------------------------------------- what was recorded


def load() -> dict:
    return json.loads(FILE.read_text(encoding="utf-8"))


def save(record: dict) -> None:
    """A list of numbers and words stands on one line."""
    text = json.dumps({"command": COMMAND} | record, indent=1)
    text = re.sub(r"\[\s+([^][{}]+?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)
    FILE.write_text(text + "\n", encoding="utf-8")


# ---------------------------------------------------------------- the page

PAGE = """<!doctype html><meta charset="utf-8"><script type="module">
const engines = {}, runs = {}, programs = {}, sessions = [];

window.compile = async (engine) => {
  engines[engine] = await WebAssembly.compileStreaming(fetch(`${engine}.wasm`));
};

const numbers = async (file) => new Float32Array(await (await fetch(file)).arrayBuffer());

// A list of calls, for each of our engines, over one memory: where a memory lies is a matter of
// luck, and makes some layers faster or slower. The picture is copied to it, the answer from it.
window.takeCalls = async (name, { calls, bytes, picture, answer, classes }, weights, image) => {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) });
  const floats = new Float32Array(memory.buffer);
  floats.fill(0.5);  // for what was never written, the system lends one empty page everywhere
  floats.set(await numbers(weights));
  const given = image ? await numbers(image) : new Float32Array();
  for (const [engine, module] of Object.entries(engines)) {
    const { exports } = await WebAssembly.instantiate(module, { book: { memory } });
    programs[`${engine} ${name}`] = { kernels: exports, calls };
    runs[`${engine} ${name}`] = () => {
      floats.set(given, picture / 4);
      for (const [kernel, ...args] of calls) exports[kernel](...args);
      return floats.slice(answer / 4, answer / 4 + classes);
    };
  }
};

// A file in ONNX's format, run by ONNX Runtime Web.
window.takeFile = async (name, file, image, shape) => {
  const ort = await import("/ort/ort.wasm.min.mjs");
  Object.assign(ort.env.wasm, { numThreads: 1, wasmPaths: "/ort/" });
  const session = await ort.InferenceSession.create(file, { executionProviders: ["wasm"] });
  sessions.push(session);
  const given = { [session.inputNames[0]]: new ort.Tensor("float32", await numbers(image), shape) };
  runs[name] = async () => (await session.run(given))[session.outputNames[0]].data;
};

window.answer = async (name) => Array.from(await runs[name]());

// Milliseconds for a run. Two runs before do not count.
window.time = async (name, times) => {
  const run = runs[name];
  await run();
  await run();
  const start = performance.now();
  for (let i = 0; i < times; i++) {
    const done = run();
    if (done instanceof Promise) await done;
  }
  return (performance.now() - start) / times;
};

// Milliseconds for the calls of each kind, each call timed by itself.
window.parts = (name, kinds) => {
  const { kernels, calls } = programs[name], sums = {}, begin = performance.now();
  calls.forEach(([kernel, ...args], i) => {
    const start = performance.now();
    kernels[kernel](...args);
    sums[kinds[i]] = (sums[kinds[i]] ?? 0) + performance.now() - start;
  });
  return { all: performance.now() - begin, ...sums };
};

window.forget = async () => {
  for (const each of sessions.splice(0)) await each.release();
  for (const each of [runs, programs]) for (const name in each) delete each[name];
};
window.ready = crossOriginIsolated;  // else the clock would count in steps of 100 µs
</script>"""


class Quiet(SimpleHTTPRequestHandler):
    def end_headers(self):
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.send_header("Cache-Control", "no-store")  # files of one name follow one another
        super().end_headers()

    def log_message(self, *args):
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder, on this machine alone."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


class Tab:
    """A page in Chromium that runs what lies in its folder."""

    def __init__(self, page, folder: Path, version: str, has_other: bool):
        self.page, self.folder, self.version = page, folder, version
        self.has_other = has_other

    def run(self, function: str, *arguments):
        """Call a function of the page."""
        return self.page.evaluate(f"(all) => {function}(...all)", list(arguments))

    def put(self, name: str, numbers: torch.Tensor) -> str:
        self.folder.joinpath(name).write_bytes(numbers.detach().contiguous().numpy().tobytes())
        return name

    def take_calls(self, name: str, program, image: torch.Tensor | None = None) -> None:
        """Our kernels run a list of calls as `SIMD name` and as `fused name`."""
        weights = self.put("weights", program.weights)
        given = None if image is None else self.put("picture", image[0].permute(1, 2, 0))
        description = program._replace(weights=None, places=None)._asdict()
        self.run("takeCalls", name, description, weights, given)

    def take_file(self, name: str, network: nn.Module, image: torch.Tensor) -> None:
        """ONNX Runtime Web runs a network."""
        if not self.has_other:
            return
        file = device.to_onnx(network, image, self.folder / f"{name}.onnx")
        given = self.put("planes", image)
        self.run("takeFile", f"{OTHER} {name}".strip(), file.name, given, list(image.shape))

    def timer(self, name: str) -> Callable[[int], float]:
        return lambda times: self.run("time", name, times)


def other_package() -> Path | None:
    """The folder of ONNX Runtime Web; None, and a line, if there is none."""
    folder = Path(os.environ.get("ORT_WEB", "/nowhere"))
    if (folder / "package.json").exists():
        return folder
    print(f"Left out: {OTHER}. ORT_WEB names no folder with its package.")
    return None


@contextmanager
def opened(folder: Path, package: Path | None) -> Iterator[Tab]:
    """Chromium on a page with our kernels, and with ONNX Runtime Web if it is there."""
    from playwright.sync_api import sync_playwright

    folder.joinpath("index.html").write_text(PAGE, encoding="utf-8")
    for engine, fused in ENGINES.items():
        folder.joinpath(f"{engine}.wasm").write_bytes(code(fused))
        folder.joinpath(f"{engine} blocks.wasm").write_bytes(blocks(fused))
    if package:
        folder.joinpath("ort").symlink_to(package.resolve() / "dist")
    with served(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.on("pageerror", lambda error: print("In the page:", error))
        page.goto(address)
        page.wait_for_function("window.ready")
        tab = Tab(page, folder, browser.version, package is not None)
        for engine in ENGINES:
            tab.run("compile", engine)
        yield tab
        browser.close()


def code(fused: bool) -> bytes:
    return kernels.assemble(kernels.all_kernels(fused))


def blocks(fused: bool) -> bytes:
    """The pointwise kernel with other numbers of places."""
    return kernels.assemble([kernels.dense(places, fused) for places in BLOCKS])


# ---------------------------------------------------------------- taking turns


def native(run: Callable[[], object]) -> Callable[[int], float]:
    """The same of a function of Python: milliseconds for a run, of so many."""
    timer = Timer("run()", globals={"run": run})  # two runs before do not count
    return lambda times: 1000 * timer.timeit(times).median


@torch.inference_mode()
def race(contenders: dict[str, Callable[[int], float]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of what takes turns: median, low, high."""
    # What has run for a while, Chromium compiles again, and better: so these runs do not count.
    times = {name: max(1, math.ceil(LONG / run(5))) for name, run in contenders.items()}
    found = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            found[name].append(run(times[name]))
    return latency.noted({name: latency.spread(ms) for name, ms in found.items()})


# ---------------------------------------------------------------- what is timed


def take_ceilings(tab: Tab) -> dict[str, Callable[[int], float]]:
    """What the browser reaches at most: arithmetic in registers, and copies."""
    jobs = {"peak": [("peak", 0, TURNS)]}
    jobs |= {name: [("copy", 0, size, size)] * often for name, (size, often) in COPIES.items()}
    timers = {}
    for name, calls in jobs.items():
        tab.take_calls(
            name, kernels.Program(calls, torch.zeros(0), 0, 0, 0, bytes=2**25, places=[])
        )
        timers |= {f"{engine} {name}": tab.timer(f"{engine} {name}") for engine in ENGINES}
    return timers


def convolutions(place) -> dict[str, tuple[nn.Conv2d, int]]:
    """What could stand at a place of V1, and the side of its input."""
    m, n, side, stride = place
    return {
        "standard": (nn.Conv2d(m, n, 3, stride, 1, bias=False), side),
        "depthwise": (nn.Conv2d(m, m, 3, stride, 1, groups=m, bias=False), side),
        "pointwise": (nn.Conv2d(m, n, 1, bias=False), side // stride),
    }


def take_layers(tab: Tab, place) -> dict[str, Callable[[int], float]]:
    """Our kernels on each layer, zeros around its map included, and on these zeros alone."""
    timers = {}
    for kind, (layer, side) in convolutions(place).items():
        held = layer.in_channels
        program = kernels.compile_network(nn.Sequential(layer), side, held)
        alone = [call for call in program.calls if call[0] == "pad"]
        tab.take_calls(kind, program)
        if kind == "depthwise":
            tab.take_calls("padding", program._replace(calls=alone))
    for engine in ENGINES:
        for kind in (*convolutions(place), "padding"):
            timers[f"{engine} {kind}"] = tab.timer(f"{engine} {kind}")
    return timers


def time_blocks(tab: Tab, rounds: int) -> dict[str, list[float]]:
    """The pointwise layer of V1's middle place on a map of 12×12, in blocks of several sizes."""
    m, n, _, _ = MIDDLE
    layer = nn.Sequential(nn.Conv2d(m, n, 1, bias=False))
    program = kernels.compile_network(layer, BLOCK_SIDE, m)
    ((_, *arguments),) = program.calls
    for engine in ENGINES:
        tab.run("compile", f"{engine} blocks")
    timers = take_ceilings(tab)
    for places in BLOCKS:
        name = f"block {places}"
        tab.take_calls(name, program._replace(calls=[(f"dense{places}", *arguments)]))
        for engine in ENGINES:
            timers[f"{engine} {name}"] = tab.timer(f"{engine} blocks {name}")
    found = race(timers, rounds)
    tab.run("forget")
    return found


def shared(timer: Callable[[int], float], layers: int) -> Callable[[int], float]:
    """The milliseconds of one of so many layers."""
    return lambda times: timer(times) / layers


def take_other_layers(tab: Tab, place, folder: Path) -> dict[str, Callable[[int], float]]:
    """The other runtimes on the same layers. PyTorch runs one; to the others a run has a price of
    its own, so that they run several in a row."""
    jobs, timers = place.jobs(), {}
    for kind, (layer, side) in convolutions(place).items():
        timers[f"PyTorch {kind}"] = native(jobs[kind][1])
        row = nn.Sequential(*[layer] * CHAINS[kind]).eval()
        image = torch.randn(1, place.m, side, side)
        file = device.to_executorch(row, image, folder / f"{kind}.pte")
        run = device.executorch_runner(file)
        timers[f"ExecuTorch {kind}"] = shared(native(partial(run, image)), len(row))
        tab.take_file(kind, row, image)
        if tab.has_other:
            timers[f"{OTHER} {kind}"] = shared(tab.timer(f"{OTHER} {kind}"), len(row))
    return timers


def time_layers(tab: Tab, folder: Path, rounds: int = 21) -> list[dict]:
    """V1's places, in turns with the ceilings; at one of them all runtimes."""
    rows = []
    for place in tqdm(list(dict.fromkeys(device.v1_layers())), desc="layers"):
        timers = take_ceilings(tab) | take_layers(tab, place)
        if place == MIDDLE:
            timers |= take_other_layers(tab, place, folder)
        rows.append({"layer": list(place), "ms": race(timers, rounds)})
        tab.run("forget")
    return rows


def kinds_of(calls: list[tuple]) -> list[str]:
    """The kind of each call: see KINDS."""
    names = [kernel.rstrip("0123456789") for kernel, *_ in calls]
    shapes = {}  # by the weights, as two calls may share a layer: places and a window's rows
    for name, (_, _, weights, *numbers) in zip(names, calls, strict=True):
        if name == "dense":
            _, _, _, lines, _, _, width, _, _, rows, *_ = numbers
            before, _ = shapes.get(weights, (0, rows))
            shapes[weights] = before + lines * width, rows

    def kind(name: str, call: tuple) -> str:
        if name != "dense":
            return {"depthwise": "depthwise", "pad": "padding"}.get(name, "rest")
        places, rows = shapes[call[2]]
        if rows > 1:
            return "standard"
        return "pointwise" if places > 1 else "linear"

    return [kind(*each) for each in zip(names, calls, strict=True)]


def by_kind(tab: Tab, name: str, engine: str, calls: list[tuple], rounds: int) -> dict:
    """Milliseconds of a network's calls by their kind, and of "all": the run in the middle, from
    the fastest to the slowest."""
    kinds, found = kinds_of(calls), []
    for _ in range(rounds):
        tab.run("time", f"{engine} {name}", 1)
        found.append(tab.run("parts", f"{engine} {name}", kinds))
    middle = sorted(found, key=lambda each: each["all"])[rounds // 2]
    return {kind: round(middle[kind], 4) for kind in ("all", *KINDS) if kind in middle}


def prepared(name: str) -> nn.Module:
    """A network with random weights and the batch norm averages of photographs."""
    torch.manual_seed(1)
    pictures = device.random_cuts(8, seed=1)
    return device.take_averages(NETWORKS[name](), [pictures])


class Paths:
    """The ways to run a network, and how far each answers something else."""

    def __init__(self, name: str, tab: Tab, folder: Path):
        self.name, self.tab, self.folder = name, tab, folder
        self.network, self.image = prepared(name), device.random_cuts(1, seed=2)
        self.folded = device.fold_network(self.network.double()).float()
        with torch.no_grad():
            self.expected = self.network(self.image.double())[0]
        self.network.float()
        self.image = self.image.contiguous()
        self.timers, self.differs, self.calls = {}, {}, []

    def take(self, path: str, timer: Callable[[int], float], answer: torch.Tensor) -> None:
        differs = device.agrees(answer.double().flatten(), self.expected)
        if not differs < 1e-4:
            raise ValueError(f"{path} answers something else for {self.name}: {differs:.1e}")
        self.timers[path], self.differs[path] = timer, float(f"{differs:.1e}")

    def take_page(self, path: str, name: str) -> None:
        answer = torch.tensor(self.tab.run("answer", name))
        self.take(path, self.tab.timer(name), answer)

    @torch.inference_mode()
    def take_native(self, path: str, run: Callable[[], torch.Tensor]) -> None:
        self.take(path, native(run), run())

    def take_all(self) -> None:
        name, image = self.name, self.image
        program = kernels.compile_network(self.folded, image.shape[-1])
        self.calls = program.calls
        self.tab.take_calls(name, program, image)
        self.tab.take_file(name, self.folded, image)
        for engine in ENGINES:
            self.take_page(engine, f"{engine} {name}")
        if self.tab.has_other:
            self.take_page(OTHER, f"{OTHER} {name}")
        ways = device.steps(self.network, image)
        self.take_native("PyTorch", ways["channels last"])
        self.take_native("PyTorch, folded", ways["folded"])
        file = device.to_executorch(self.folded, image, self.folder / f"{name}.pte")
        self.take_native("ExecuTorch", partial(device.executorch_runner(file), image))


def time_network(name: str, tab: Tab, folder: Path, rounds: int = 21) -> dict:
    """Every path of a network in turns, beside the ceilings."""
    paths = Paths(name, tab, folder)
    paths.take_all()
    ms = race(paths.timers | take_ceilings(tab), rounds)
    kinds = {engine: by_kind(tab, name, engine, paths.calls, rounds) for engine in ENGINES}
    tab.run("forget")
    whole = {engine: found.pop("all") for engine, found in kinds.items()}
    return {"ms": ms, "kinds": kinds, "whole": whole, "differs": paths.differs}


# ---------------------------------------------------------------- the machine


def versions(tab: Tab, package: Path | None) -> dict[str, str]:
    found = {name: latency.version(name).partition("+")[0] for name in ("torch", "executorch")}
    found["Chromium"] = tab.version
    if package:
        found[OTHER] = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    return found


def sizes(package: Path | None) -> dict[str, int]:
    """Bytes that a page has to load for a runtime."""
    found = {engine: len(code(fused)) for engine, fused in ENGINES.items()}
    if package:
        files = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
        found[OTHER] = sum((package / "dist" / name).stat().st_size for name in files)
    return found


def one_core() -> None:
    """This process and all that it starts run on one core, where the system lets them."""
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def measure(name: str) -> None:
    one_core()
    torch.manual_seed(0)
    os.environ["PATH"] += os.pathsep + str(Path(sys.executable).parent)  # for ExecuTorch
    package = other_package()
    with TemporaryDirectory() as folder, opened(Path(folder), package) as tab:
        folder = Path(folder)
        record = {
            "device": name,
            "date": date.today().isoformat(),
            "machine": platform.machine(),
            **latency.processor(),
            "versions": versions(tab, package),
            "bytes": sizes(package),
            "jobs": JOBS,
            "blocks": time_blocks(tab, rounds=15),
            "layers": time_layers(tab, folder),
            "networks": {
                each: time_network(each, tab, folder) for each in tqdm(NETWORKS, desc="networks")
            },
        }
    save(record)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit('say what this machine is: python -m tools.browser "a laptop of 2026, one core"')
    measure(sys.argv[1])
