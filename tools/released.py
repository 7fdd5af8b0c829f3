"""Read V1 and V2 as Google released them, and compare this book's networks with them.

    .venv/bin/python -m tools.released FILE PICTURE…

reads a `.tflite` of MobileNetV1 or V2 in 8 bits into the class of the chapter's notebook, and
prints the file's own first guess for each picture beside ours, with the share that it gives it.
Width, size of the image and number of classes are read off the file.

    --labels NAMES   the names of the classes, a line each; without it a class is a number
    --symmetric      beside ours, ours with the padding that PyTorch's users write
    --ranges         no pictures: how large the weights of the depthwise filters are, by channel
    --record         of a folder: all its files on all its pictures, and on crops of photographs;
                     writes the key "released" of `chapters/trained/record.json`, in minutes

The package ai-edge-litert reads the files and runs them. They are no part of this book: a reader
gets them where their authors publish them, and the record says by SHA-256 which ones it read.

In such a file a weight is a byte q. It stands for (q − zero) × scale, with one scale for the whole
layer, and that is the weight that we take. The batch norms were folded into the layers before, and
nothing is left of their epsilon: ours pass everything on and add the layer's bias.
"""

import argparse
import json
import random
import sys
from collections.abc import Callable, Container, Iterator
from datetime import date
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

from tools.notebooks import ROOT, definitions

try:
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
except ImportError:  # nothing else in the book needs it
    schema = None

FILE = ROOT / "chapters" / "trained" / "record.json"
COMMAND = "python -m tools.released --record FOLDER"
MISSING = "it reads files with a package: .venv/bin/python -m pip install ai-edge-litert"
ALLOWED = "MobileNetV1 or V2 in 8 bits, with one scale for each tensor"
PHOTOGRAPHS = {  # that come with packages, in colour; Grace Hopper is among the pictures already
    "skimage.data": ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png"),
    "sklearn.datasets.images": ("china.jpg", "flower.jpg"),
}
CROPS = 25  # of each photograph
SURE = 0.5  # the share from which on we call a guess sure
PERCENTS = {"smallest": 0, "5th": 5, "median": 50, "95th": 95, "largest": 100}

Run = Callable[[np.ndarray], np.ndarray]  # pixels (1, side, side, 3), bytes -> shares (classes,)


class Step(NamedTuple):
    """What a network does next: a layer, or the addition of a shortcut."""

    kind: str  # "convolution", "depthwise" or "shortcut"
    shape: tuple[int, ...] = ()  # of the weight: out, in of a group, height, width
    stride: int = 1
    relu6: bool = False


class Layer(NamedTuple):
    """A layer's numbers, in PyTorch's order."""

    weight: Tensor  # (out, in of a group, height, width)
    bias: Tensor  # (out,)
    scale: float  # the step from one byte to the next


class Released(NamedTuple):
    """What a file holds."""

    path: Path
    side: int  # of the image
    scale: float  # of the image: a byte q stands for (q − zero) × scale
    zero: int
    steps: list[Step]
    layers: list[Layer]  # of the steps that have weights


# ---------------------------------------------------------------- what is in a file


def refusal(path: Path, what: str) -> ValueError:
    return ValueError(f"{path.name} {what}; allowed is {ALLOWED}")


def operators(path: Path) -> tuple:
    """The file's graph, as the schema's own classes, and the name of each operator."""
    content = path.read_bytes()
    if content[4:8] != b"TFL3":
        raise refusal(path, "is no TFLite file")
    try:
        Interpreter(model_content=content)
    except ValueError as error:
        raise refusal(path, f"is damaged ({error})") from error
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    names = {code: name for name, code in vars(schema.BuiltinOperator).items()}
    codes = [max(each.builtinCode, each.deprecatedBuiltinCode) for each in model.operatorCodes]
    graph = model.subgraphs[0]
    return model, graph, [names[codes[each.opcodeIndex]] for each in graph.operators]


def numbers(model, tensor, kind: type) -> np.ndarray:
    """What a tensor's bytes stand for: (q − zero) × scale."""
    values = np.frombuffer(bytes(model.buffers[tensor.buffer].data), kind)
    spread = tensor.quantization
    return (values.astype(np.int64) - spread.zeroPoint[0]) * float(spread.scale[0])


def fault(tensor) -> str:
    """What keeps us from reading a tensor; nothing if it is in bytes, with one scale."""
    names = {code: name for name, code in vars(schema.TensorType).items()}
    if tensor.type != schema.TensorType.UINT8:
        return f"is in {names[tensor.type]}, not in UINT8"
    spread = tensor.quantization
    scales = 0 if spread is None or spread.scale is None else len(spread.scale)
    return "" if scales == 1 else f"has {scales} scales for a tensor"


def read_layer(model, weight, bias, depthwise: bool) -> Layer:
    """TensorFlow keeps (out, height, width, in), and (1, height, width, out) if depthwise."""
    values = torch.from_numpy(numbers(model, weight, np.uint8)).float()
    values = values.reshape(tuple(weight.shape))
    values = values.permute(3, 0, 1, 2) if depthwise else values.permute(0, 3, 1, 2)
    shift = torch.from_numpy(numbers(model, bias, np.int32)).float()
    return Layer(values, shift, float(weight.quantization.scale[0]))


def read(path: Path) -> Released:
    """The layers of a file, in the order in which it runs them.

    Raises ValueError for a file that is none of those that we read.
    """
    model, graph, names = operators(path)
    steps, layers = [], []
    for name, operator in zip(names, graph.operators, strict=True):
        options, tensors = operator.builtinOptions, [graph.tensors[i] for i in operator.inputs]
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            what = fault(tensors[0]) or fault(tensors[1])
            if not what and options.padding != schema.Padding.SAME:
                what = "has a layer without padding"
            if what:
                raise refusal(path, what)
            layers.append(read_layer(model, *tensors[1:], name == "DEPTHWISE_CONV_2D"))
            kind = "convolution" if name == "CONV_2D" else "depthwise"
            relu6 = options.fusedActivationFunction == schema.ActivationFunctionType.RELU6
            steps.append(Step(kind, tuple(layers[-1].weight.shape), options.strideH, relu6))
        elif name == "ADD":
            steps.append(Step("shortcut"))
        elif name not in ("AVERAGE_POOL_2D", "RESHAPE", "SQUEEZE", "SOFTMAX"):
            raise refusal(path, f"is another network, it has the operator {name}")
    image = graph.tensors[graph.inputs[0]]
    spread = image.quantization
    return Released(
        path, int(image.shape[1]), float(spread.scale[0]), int(spread.zeroPoint[0]), steps, layers
    )


# ---------------------------------------------------------------- our networks


SamePad = definitions("trained").SamePad


def units(network: nn.Module) -> dict[str, nn.Module]:
    """Each convolution with its batch norm and activation, by name, in the network's order."""
    return {name: each for name, each in network.named_modules() if hasattr(each, "norm")}


def steps_of(module: nn.Module) -> Iterator[Step]:
    """What one of our networks does, in the words of a file."""
    if hasattr(module, "norm"):
        conv = module.conv
        kind = "depthwise" if conv.groups > 1 else "convolution"
        yield Step(kind, tuple(conv.weight.shape), conv.stride[0], hasattr(module, "act"))
    elif isinstance(module, nn.Linear):
        yield Step("convolution", (*module.weight.shape, 1, 1))  # as files have it
    for child in module.children():
        yield from steps_of(child)
    if getattr(module, "shortcut", False):
        yield Step("shortcut")


def setting(released: Released) -> tuple[str, str, float]:
    """Chapter, class and width of the network of ours that has as many layers.

    The width is read off the last layer that it scales: 1024 channels in V1, 320 in V2.
    """
    channels = [len(each.bias) for each in released.layers]
    if len(channels) == 28:
        return "v1", "MobileNetV1", channels[-2] / 1024
    if len(channels) == 53:
        return "v2", "MobileNetV2", channels[-3] / 320
    raise refusal(released.path, f"is another network: layers {len(channels)}, not 28 or 53")


def our_network(released: Released) -> nn.Module:
    """The network of ours that does the same steps, still with random weights.

    Raises ValueError if there is none.
    """
    chapter, name, width = setting(released)
    network = getattr(definitions(chapter), name)(len(released.layers[-1].bias), width)
    pairs = zip_longest(released.steps, steps_of(network))
    for number, (theirs, ours) in enumerate(pairs, start=1):
        if theirs != ours:
            raise refusal(released.path, f"is no {name}: step {number} is {theirs}, not {ours}")
    return network


def halving(network: nn.Module) -> list[str]:
    """The layers of stride 2: at stride 1 the two paddings are the same."""
    return [name for name, unit in units(network).items() if unit.conv.stride == (2, 2)]


@torch.no_grad()
def build(released: Released, symmetric: Container[str] = ()) -> nn.Module:
    """Our network with the file's weights, to be asked, not trained.

    It pads as TensorFlow does; the layers in `symmetric` as PyTorch's users do.
    Raises ValueError if it is a network that we do not have.
    """
    network = our_network(released)
    *layers, last = released.layers
    for unit, layer in zip(units(network).values(), layers, strict=True):
        unit.conv.weight.copy_(layer.weight)
        unit.norm.reset_parameters()
        unit.norm.eps = 0.0  # with mean 0 and variance 1 it passes on what it gets
        unit.norm.bias.copy_(layer.bias)
    network.classifier.weight.copy_(last.weight.flatten(1))
    network.classifier.bias.copy_(last.bias)
    for name in halving(network):
        if name not in symmetric:
            unit = units(network)[name]
            unit.conv.padding = (0, 0)
            unit.conv = nn.Sequential(SamePad(unit.conv.kernel_size[0], 2), unit.conv)
    return network.eval()


# ---------------------------------------------------------------- pictures


def square(picture: Image.Image, side: int) -> np.ndarray:
    """The largest square in the middle of a picture: (1, side, side, 3), in bytes."""
    size = min(picture.size)
    left, top = ((whole - size) // 2 for whole in picture.size)
    part = picture.convert("RGB").crop((left, top, left + size, top + size))
    return np.asarray(part.resize((side, side), Image.Resampling.BILINEAR))[None]


def file_runner(path: Path, reference: bool = False) -> Run:
    """The file itself, on the runtime's usual kernels (XNNPACK's) or on its reference kernels."""
    kernels = OpResolverType.BUILTIN_REF if reference else OpResolverType.AUTO
    interpreter = Interpreter(str(path), experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero = answer["quantization"]

    def run(pixels: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(given["index"], pixels)
        interpreter.invoke()
        return (interpreter.get_tensor(answer["index"])[0].astype(np.float32) - zero) * scale

    return run


def our_runner(released: Released, symmetric: Container[str] = ()) -> Run:
    """Our network, which gets what the file gets."""
    network = build(released, symmetric)

    @torch.inference_mode()
    def run(pixels: np.ndarray) -> np.ndarray:
        image = (torch.from_numpy(pixels.astype(np.float32)) - released.zero) * released.scale
        return network(image.permute(0, 3, 1, 2)).softmax(1)[0].numpy()

    return run


def runners(released: Released) -> dict[str, Run]:
    """All that are compared."""
    return {
        "file": file_runner(released.path),
        "reference kernels": file_runner(released.path, reference=True),
        "ours": our_runner(released),
        "symmetric": our_runner(released, halving(our_network(released))),
    }


def first_guess(shares: np.ndarray, names: list[str]) -> tuple[str, float]:
    """The class with the largest share, by its first name, and the share."""
    best = int(shares.argmax())
    return names[best].partition(",")[0] if names else str(best), round(float(shares[best]), 3)


# ---------------------------------------------------------------- ranges


def ranges(released: Released) -> list[dict]:
    """Of each depthwise layer: the largest weight of a channel, from channel to channel.

    By how many channels have no weight left: 8 bits make 0 of what is below half a step.
    """
    rows = []
    names = units(our_network(released))
    for name, layer in zip(names, released.layers[:-1], strict=True):
        if names[name].conv.groups > 1:
            largest = layer.weight.abs().amax(dim=(1, 2, 3)).double().numpy()
            row = {"layer": name, "channels": len(largest), "step": layer.scale}
            row |= {key: float(np.percentile(largest, p)) for key, p in PERCENTS.items()}
            row["zero"] = int((largest == 0).sum())
            rows.append({key: rounded(value) for key, value in row.items()})
    return rows


def rounded(value):
    """Four digits of what is not a whole number or a word."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def print_ranges(released: Released) -> None:
    rows = ranges(released)
    print("largest weight of a channel of each depthwise layer, from channel to channel")
    print(f"{'':20}", *(f"{key:>9}" for key in list(rows[0])[1:]))
    for row in rows:
        name, *values = row.values()
        print(f"{name:20}", *(f"{value:9.5g}" for value in values))


# ---------------------------------------------------------------- what is printed


def describe(released: Released) -> dict:
    (_, name, width), layers = setting(released), released.layers
    content = released.path.read_bytes()
    return {
        "file": released.path.name,
        "sha256": sha256(content).hexdigest(),
        "bytes": len(content),
        "network": name,
        "width": rounded(width),
        "side": released.side,
        "classes": len(layers[-1].bias),
        "layers": len(layers),
        "weights": sum(each.weight.numel() for each in layers),
        "biases": sum(each.bias.numel() for each in layers),
        "parameters": sum(each.numel() for each in our_network(released).parameters()),
    }


def print_guesses(released: Released, pictures: list[Path], names: list[str], ways: list) -> None:
    runs = runners(released)
    print(f"{'':20}", *(f"{way:30}" for way in ways))
    for picture in pictures:
        pixels = square(Image.open(picture), released.side)
        guesses = [first_guess(runs[way](pixels), names) for way in ways]
        print(f"{picture.name:20}", *(f"{name[:24]:24} {share:.2f} " for name, share in guesses))


# ---------------------------------------------------------------- the record


def compare(runs: dict[str, Run], images: list[np.ndarray]) -> dict:
    """On how many images the first guess is the file's, also of those only where the file is sure,
    and how far the share is from the file's: a mean over the images, of the class that it puts
    first.
    """
    ways = [way for way in runs if way != "file"]
    agree, apart, agree_if_sure = ({way: 0 for way in ways} for _ in range(3))
    sure = 0
    for pixels in images:
        theirs = runs["file"](pixels)
        best = int(theirs.argmax())
        sure += int(theirs[best] >= SURE)
        for way in ways:
            shares = runs[way](pixels)
            same = int(shares.argmax() == best)
            agree[way] += same
            agree_if_sure[way] += same * int(theirs[best] >= SURE)
            apart[way] += abs(float(shares[best] - theirs[best])) / len(images)
    return {
        "images": len(images),
        "agree": agree,
        "sure": sure,
        "agree if sure": agree_if_sure,
        "apart": {way: rounded(value) for way, value in apart.items()},
    }


def both_ways(picture: Path, side: int) -> dict[str, np.ndarray]:
    """A picture and its mirror image."""
    image = Image.open(picture)
    return {
        picture.name: square(image, side),
        f"{picture.name}, mirrored": square(ImageOps.mirror(image), side),
    }


def crops(pictures: list[Path], side: int) -> list[np.ndarray]:
    """Random squares of photographs, half of them mirrored, the same at each call."""
    chance, found = random.Random(0), []
    for picture in pictures:
        image = Image.open(picture).convert("RGB")
        for _ in range(CROPS):
            size = int(min(image.size) * chance.uniform(0.5, 1))
            left, top = (chance.randint(0, whole - size) for whole in image.size)
            part = image.crop((left, top, left + size, top + size))
            found.append(square(ImageOps.mirror(part) if chance.random() < 0.5 else part, side))
    return found


def small_changes(released: Released, pictures: list[Path]) -> dict:
    """On how many crops our first guess stays, if a single layer pads symmetrically; or if the crop
    moves by a pixel, down and to the right.
    """
    run, large = our_runner(released), crops(pictures, released.side + 1)
    images = [each[:, :-1, :-1] for each in large]
    first = [run(each).argmax() for each in images]

    def stays(other: Run, seen: list[np.ndarray]) -> int:
        return sum(int(other(each).argmax() == was) for each, was in zip(seen, first, strict=True))

    found = {"images": len(images), "a pixel": stays(run, [each[:, 1:, 1:] for each in large])}
    for name in halving(our_network(released)):
        found[name] = stays(our_runner(released, [name]), images)
    return found


def photographs() -> list[Path]:
    """Those that come with packages."""
    return [Path(str(files(each) / name)) for each in PHOTOGRAPHS for name in PHOTOGRAPHS[each]]


def row_of(path: Path, pictures: list[Path], names: list[str]) -> dict:
    """All that is recorded of a file."""
    print(path.name, flush=True)
    released = read(path)
    runs, images, all_pictures = runners(released), {}, pictures + photographs()
    for picture in pictures:
        images |= both_ways(picture, released.side)
    guesses = {
        name: {way: list(first_guess(run(pixels), names)) for way, run in runs.items()}
        for name, pixels in images.items()
    }
    return describe(released) | {
        "guesses": guesses,
        "pictures": compare(runs, list(images.values())),
        "crops": compare(runs, crops(all_pictures, released.side)),
        "small changes": small_changes(released, all_pictures),
        "ranges": ranges(released),
    }


def recorded() -> dict:
    return json.loads(FILE.read_text(encoding="utf-8"))["released"]


def record(folder: Path) -> None:
    torch.set_num_threads(1)  # of two threads one waits where others work on the machine
    networks = sorted(folder.glob("*.tflite"))
    if not networks:
        raise ValueError(f"no .tflite in {folder}")
    pictures = sorted(each for each in folder.iterdir() if each.suffix in (".bmp", ".jpg"))
    names = (folder / "imagenet_labels.txt").read_text(encoding="utf-8").splitlines()
    found = {
        "command": COMMAND,
        "date": date.today().isoformat(),
        "versions": {
            "ai-edge-litert": version("ai-edge-litert"),
            "torch": version("torch").partition("+")[0],
        },
        "photographs": [each.name for each in pictures + photographs()],
        "files": [row_of(path, pictures, names) for path in networks],
    }
    old = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    FILE.parent.mkdir(exist_ok=True)
    text = json.dumps(old | {"released": found}, indent=1, ensure_ascii=False)
    FILE.write_text(text + "\n", encoding="utf-8")


# ---------------------------------------------------------------- the command


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.released")
    parser.add_argument("file", type=Path, help="a .tflite; with --record a folder of them")
    parser.add_argument("pictures", type=Path, nargs="*")
    parser.add_argument("--labels", type=Path, help="the classes' names, a line each")
    parser.add_argument("--symmetric", action="store_true", help="PyTorch users' padding too")
    parser.add_argument("--ranges", action="store_true", help="of the depthwise filters")
    parser.add_argument("--record", action="store_true", help="write what the book quotes")
    asked = parser.parse_args(arguments)
    if schema is None:
        sys.exit(MISSING)
    try:
        if asked.record:
            return record(asked.file)
        released = read(asked.file)
        facts = describe(released)
        names = asked.labels.read_text(encoding="utf-8").splitlines() if asked.labels else []
        print(*(f"{key} {value}" for key, value in facts.items() if key != "sha256"), sep=", ")
        if asked.ranges:
            print_ranges(released)
        if asked.pictures:
            ways = ["file", "ours", *["symmetric"] * asked.symmetric]
            print_guesses(released, asked.pictures, names, ways)
    except (OSError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
