"""The tool that reads released files. The files themselves are not here, so the tests write small
ones in the same format: V1 and V2 with eight channels, in 8 bits, batch norms folded.

RELEASED=/a/folder with the real files and pictures has some of the record measured again.
"""

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from tests.book import definitions
from tools import released
from tools.counting import params

try:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
except ImportError:
    schema = None

needs_litert = pytest.mark.skipif(schema is None, reason="ai-edge-litert is not installed")
CHAPTERS = ("v1", "v2")
CLASSES, SIDE = 5, 64
RECORD = released.recorded()

# ---------------------------------------------------------------- writing a small file


def settings(kind: str, **values):
    """One of the schema's tables, filled."""
    table = getattr(schema, f"{kind}T")()
    for name, value in values.items():
        assert hasattr(table, name), name
        setattr(table, name, value)
    return table


class Writer:
    """A file of one graph, whose tensors are written one after the other."""

    def __init__(self):
        self.buffers, self.tensors, self.codes, self.operators = [settings("Buffer")], [], [], []
        self.units, self.blocks = [], []  # of each: the numbers of its input and its output

    def tensor(self, shape, scale, zero=0, data=None, kind="UINT8") -> int:
        """Its number; with `data` it is a constant. Several scales are one for each channel."""
        buffer, scales = 0, np.atleast_1d(np.float32(scale))
        if data is not None:
            self.buffers.append(settings("Buffer", data=np.frombuffer(data.tobytes(), np.uint8)))
            buffer = len(self.buffers) - 1
        zeros = np.full(len(scales), zero, np.int64)
        spread = settings("QuantizationParameters", scale=scales, zeroPoint=zeros)
        kind = getattr(schema.TensorType, kind)
        self.tensors.append(
            settings("Tensor", shape=list(shape), type=kind, buffer=buffer, quantization=spread)
        )
        return len(self.tensors) - 1

    def operator(self, name, inputs, output, options="", **values) -> int:
        """The number of its output, which is the one that was given."""
        code = getattr(schema.BuiltinOperator, name)
        if code not in self.codes:
            self.codes.append(code)
        operator = settings(
            "Operator", opcodeIndex=self.codes.index(code), inputs=inputs, outputs=[output]
        )
        if options:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            operator.builtinOptions = settings(options, **values)
        self.operators.append(operator)
        return output

    def save(self, path: Path, image: int, answer: int) -> Path:
        graph = settings("SubGraph", tensors=self.tensors, operators=self.operators)
        graph.inputs, graph.outputs = [image], [answer]
        codes = [settings("OperatorCode", deprecatedBuiltinCode=code) for code in self.codes]
        model = settings("Model", version=3, operatorCodes=codes, subgraphs=[graph])
        model.buffers = self.buffers
        builder = flatbuffers.Builder()
        builder.Finish(model.Pack(builder), b"TFL3")
        path.write_bytes(bytes(builder.Output()))
        return path


def bytes_of(values: Tensor) -> tuple[np.ndarray, float, int]:
    """Bytes, scale and zero: of a layer's weights, from the least to the largest."""
    low, high = min(values.min().item(), 0), max(values.max().item(), 0)
    scale = (high - low) / 255
    zero = round(-low / scale)
    return np.uint8((values / scale + zero).round().clamp(0, 255).numpy()), scale, zero


def folded(unit: nn.Module) -> tuple[Tensor, Tensor]:
    """A unit's weight with its batch norm inside, and the bias that this leaves."""
    norm = unit.norm
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    weight = unit.conv.weight * factor[:, None, None, None]
    return weight.detach(), (norm.bias - norm.running_mean * factor).detach()


def add_layer(file: Writer, given: int, weight: Tensor, bias: Tensor, stride, relu6, **spoilt):
    """The number of the layer's output. `spoilt` says what is to be wrong."""
    depthwise = weight.shape[1] == 1 and weight.shape[2] == 3
    order = (1, 2, 3, 0) if depthwise else (0, 2, 3, 1)
    values, scale, zero = bytes_of(weight.permute(order).contiguous())
    before = float(file.tensors[given].quantization.scale[0])
    scales = np.full(len(bias), scale) if "channels" in spoilt else scale
    kind = spoilt.get("kind", "UINT8")
    values = np.float32(values) if kind == "FLOAT32" else values
    inputs = [
        given,
        file.tensor(values.shape, scales, zero, values, kind),
        file.tensor(
            bias.shape,
            before * scale,
            data=np.int32((bias / (before * scale)).round().numpy()),
            kind="INT32",
        ),
    ]
    _, side, _, _ = file.tensors[given].shape
    shape = (1, -(-side // stride), -(-side // stride), len(bias))
    # What is not clipped gets a range that is wide enough.
    output = file.tensor(shape, 6 / 255) if relu6 else file.tensor(shape, 16 / 255, 128)
    name = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
    options = {"strideW": stride, "strideH": stride, "padding": spoilt.get("padding", 0)}
    options |= {"fusedActivationFunction": 3 if relu6 else 0}
    options |= {"dilationWFactor": 1, "dilationHFactor": 1}
    options |= {"depthMultiplier": 1} if depthwise else {}
    code = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    file.units.append((given, output))
    return file.operator(code, inputs, output, name, **options)


def parts(network: nn.Module) -> list[nn.Module]:
    """All up to the pooling."""
    last = [network.last] if hasattr(network, "last") else []
    return [network.stem, *network.blocks, *last]


def add_blocks(file: Writer, network: nn.Module, given: int) -> int:
    """The number of what goes into the pooling."""
    for part in parts(network):
        before = given
        for unit in released.units(part).values():
            stride, relu6 = unit.conv.stride[0], hasattr(unit, "act")
            given = add_layer(file, given, *folded(unit), stride, relu6)
        if getattr(part, "shortcut", False):
            output = file.tensor(file.tensors[given].shape, 16 / 255, 128)
            given = file.operator("ADD", [before, given], output, "AddOptions")
        file.blocks.append((before, given))
    return given


def add_end(file: Writer, network: nn.Module, given: int) -> int:
    """Pooling, classifier and shares."""
    _, side, _, channels = file.tensors[given].shape
    pooled = file.tensor((1, 1, 1, channels), 6 / 255)
    window = {"padding": 1, "strideW": 1, "strideH": 1, "filterWidth": side, "filterHeight": side}
    given = file.operator("AVERAGE_POOL_2D", [given], pooled, "Pool2DOptions", **window)
    linear = network.classifier
    weight, bias = linear.weight.detach()[:, :, None, None], linear.bias.detach()
    given = add_layer(file, given, weight, bias, 1, relu6=False)
    shape = file.tensor((2,), 1, data=np.array([1, CLASSES], np.int32), kind="INT32")
    row = file.tensor((1, CLASSES), 16 / 255, 128)
    given = file.operator("RESHAPE", [given, shape], row)
    shares = file.tensor((1, CLASSES), 1 / 256)
    return file.operator("SOFTMAX", [given], shares, "SoftmaxOptions", beta=1.0)


def small_network(chapter: str) -> nn.Module:
    """The least width that the tool finds again, with random weights and sensible averages."""
    torch.manual_seed(0)
    notebook = definitions(chapter)
    if chapter == "v1":
        network = notebook.MobileNetV1(CLASSES, width_mult=8 / 1024)
    else:
        network = notebook.MobileNetV2(CLASSES, width_mult=8 / 320)
    nn.init.normal_(network.classifier.bias, std=0.3)
    return notebook.randomise(network)


def small_file(chapter: str, folder: Path) -> tuple[Path, nn.Module, Writer]:
    network, file = small_network(chapter), Writer()
    image = file.tensor((1, SIDE, SIDE, 3), 1 / 128, 128)
    answer = add_end(file, network, add_blocks(file, network, image))
    return file.save(folder / f"{chapter}.tflite", image, answer), network, file


def patches(count: int) -> list[np.ndarray]:
    """Pictures of squares in random colours, in bytes."""
    rough = torch.randint(0, 2, (count, 3, 16, 16), generator=torch.Generator().manual_seed(1))
    fine = F.interpolate(255.0 * rough, (SIDE, SIDE)).permute(0, 2, 3, 1).byte()
    return [each[None].contiguous().numpy() for each in fine]


# ---------------------------------------------------------------- reading it


@needs_litert
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_weights_are_the_files(chapter, tmp_path):
    """To half a step of the 8 bits, and the biases to half a step of theirs."""
    path, network, _ = small_file(chapter, tmp_path)
    found = released.read(path)
    assert (found.side, found.zero, found.scale) == (SIDE, 128, 1 / 128)
    rebuilt = released.build(found)
    assert type(rebuilt).__name__ == type(network).__name__ and params(rebuilt) == params(network)
    ours, theirs = released.units(rebuilt), released.units(network)
    for layer, name in zip(found.layers[:-1], theirs, strict=True):
        weight, bias = folded(theirs[name])
        half = 0.501 * layer.scale
        conv = ours[name].conv  # behind its padding, if it has one
        conv = conv[1] if isinstance(conv, nn.Sequential) else conv
        torch.testing.assert_close(conv.weight, weight, atol=half, rtol=0)
        torch.testing.assert_close(ours[name].norm.bias, bias, atol=half, rtol=0)
        x, norm = torch.randn(1, len(bias), 2, 2), ours[name].norm
        assert torch.equal(norm(x), x + norm.bias[:, None, None]), "it passes on what it gets"
    half = 0.501 * found.layers[-1].scale
    for kind in ("weight", "bias"):
        same = getattr(rebuilt.classifier, kind), getattr(network.classifier, kind)
        torch.testing.assert_close(*same, atol=half, rtol=0)


def read_values(path: Path, file: Writer):
    """Run a file on the kernels that define the format; a function that reads its tensors."""
    interpreter = Interpreter(
        str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, patches(1)[0])
    interpreter.invoke()

    def value(number: int) -> tuple[Tensor, float]:
        """A map, and the step of its 8 bits."""
        spread = file.tensors[number].quantization
        step = float(spread.scale[0])
        read = np.float32(interpreter.get_tensor(number)) - np.float32(spread.zeroPoint[0])
        return torch.from_numpy(read * np.float32(step)).permute(0, 3, 1, 2), step

    return value


@needs_litert
@pytest.mark.parametrize("chapter", CHAPTERS)
@torch.no_grad()
def test_each_layer_gives_what_the_runtime_gives(chapter, tmp_path):
    """From the runtime's own input to the layer, to one step of its output. With the padding that
    PyTorch's users write, each layer of stride 2 is off by more, and the others are as good.
    """
    path, network, file = small_file(chapter, tmp_path)
    value, found = read_values(path, file), released.read(path)
    every = released.halving(network)
    assert len(every) == 5
    for symmetric in ([], every, every[2:3]):
        units = released.units(released.build(found, symmetric))
        for (given, answer), name in zip(file.units[:-1], units, strict=True):
            expected, step = value(answer)
            off = (units[name](value(given)[0]) - expected).abs().max() / step
            assert (off > 2) if name in symmetric else (off < 1.01), name


@needs_litert
@pytest.mark.parametrize("chapter", CHAPTERS)
@torch.no_grad()
def test_each_block_gives_what_the_runtime_gives(chapter, tmp_path):
    """On average to one step; the runtime rounds between its layers. So shortcuts are in place."""
    path, _, file = small_file(chapter, tmp_path)
    value, network = read_values(path, file), released.build(released.read(path))
    for (given, answer), block in zip(file.blocks, parts(network), strict=True):
        expected, step = value(answer)
        assert (block(value(given)[0]) - expected).abs().mean() < step, block


@needs_litert
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_whole_network_answers_as_the_file_does(chapter, tmp_path):
    """As near as rounding lets it: random weights make much of small differences. The usual kernels
    and the reference kernels, which both do what the file says, differ about as much.
    """
    path, _, _ = small_file(chapter, tmp_path)
    shares = {
        way: np.stack([run(each) for each in patches(8)])
        for way, run in released.runners(released.read(path)).items()
    }
    assert np.ptp(shares["file"], axis=1).min() > 0.1, "all shares alike would hide mistakes"
    off = {way: float(np.abs(each - shares["file"]).mean()) for way, each in shares.items()}
    assert off["ours"] < 0.05 and off["reference kernels"] < 0.05, off
    assert off["symmetric"] > 1.4 * off["ours"], off


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [2, 5, 6, 7, 8, 9])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_the_padding_is_tensorflows(size, kernel, stride):
    """The output has ⌈size / stride⌉ pixels, no more is added than that needs, and what is odd
    stands at the far side: see `tf.nn.convolution`, "SAME".
    """
    padded = released.SamePad(kernel, stride)(torch.ones(1, 1, size, size))[0, 0]
    before = int((padded.sum(dim=1) == 0).int().cumprod(0).sum())
    after = len(padded) - size - before
    assert 0 <= after - before <= 1
    outputs = (len(padded) - kernel) // stride + 1
    assert outputs == -(-size // stride)
    assert before + after == 0 or (len(padded) - 1 - kernel) // stride + 1 < outputs


# ---------------------------------------------------------------- what is refused


def chain(folder: Path, layers: int = 1, end: str = "", stride: int = 2, **spoilt) -> Path:
    """A file of some layers of eight channels, and perhaps one more operator."""
    file = Writer()
    image = given = file.tensor((1, SIDE, SIDE, 8), 1 / 128, 128)
    for _ in range(layers):
        given = add_layer(file, given, torch.rand(8, 8, 1, 1), torch.rand(8), 1, True, **spoilt)
    if end:
        given = file.operator(end, [given], file.tensor((1, SIDE, SIDE, 8), 1 / 256))
    return file.save(folder / "chain.tflite", image, given)


SPOILT = {
    "is in FLOAT32, not in UINT8": {"kind": "FLOAT32"},
    "is in INT8, not in UINT8": {"kind": "INT8"},
    "has 8 scales for a tensor": {"channels": True},
    "has a layer without padding": {"padding": 1},
    "is another network, it has the operator LOGISTIC": {"end": "LOGISTIC"},
    "is another network: layers 3, not 28 or 53": {"layers": 3},
    "is no MobileNetV1: step 1 is Step(kind='convolution', shape=(8, 8, 1, 1)": {"layers": 28},
    "is no MobileNetV2: step 1 is Step(kind='convolution', shape=(8, 8, 1, 1)": {"layers": 53},
}


@needs_litert
@pytest.mark.parametrize("says", SPOILT)
def test_what_is_none_of_ours_is_refused(says, tmp_path, capsys):
    path = chain(tmp_path, **SPOILT[says])
    with pytest.raises(SystemExit) as refused:
        released.main([str(path)])
    message = str(refused.value)
    assert message.startswith(f"chain.tflite {says}") and message.endswith(released.ALLOWED)


@needs_litert
def test_what_is_no_such_file_is_refused(tmp_path):
    text, cut = tmp_path / "text.tflite", tmp_path / "cut.tflite"
    text.write_text("a network, perhaps", encoding="utf-8")
    content = chain(tmp_path).read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    nowhere, picture = tmp_path / "nowhere.tflite", tmp_path / "picture.png"
    picture.write_text("a picture, perhaps", encoding="utf-8")
    whole, _, _ = small_file("v1", tmp_path)
    for arguments, says in (
        ([text], "text.tflite is no TFLite file; allowed is MobileNetV1 or V2 in 8 bits"),
        ([cut], "cut.tflite is damaged"),
        ([nowhere], "nowhere.tflite"),
        ([whole, picture], "picture.png"),
        ([whole, "--labels", nowhere], "nowhere.tflite"),
    ):
        with pytest.raises(SystemExit, match=re.escape(says)):
            released.main([str(each) for each in arguments])


def test_without_the_package_a_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(released, "schema", None)
    with pytest.raises(SystemExit, match="pip install ai-edge-litert"):
        released.main(["some.tflite"])


def test_the_tool_is_imported_without_the_package(monkeypatch):
    """`None` in `sys.modules` is a package that is not there."""
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    source = Path(released.__file__).read_text(encoding="utf-8")
    namespace = {"__name__": "tools.released"}
    exec(compile(source, "released.py", "exec"), namespace)
    assert namespace["schema"] is None


# ---------------------------------------------------------------- what is printed


@needs_litert
def test_the_guesses_stand_side_by_side(tmp_path, capsys):
    path, _, _ = small_file("v1", tmp_path)
    picture, labels = tmp_path / "patches.png", tmp_path / "labels.txt"
    (pixels,) = patches(1)
    Image.fromarray(pixels[0]).save(picture)
    labels.write_text("ant, emmet\nbee\ncat\ndog\nelk\n", encoding="utf-8")
    runs = released.runners(released.read(path))
    released.main([str(path), str(picture), "--symmetric", "--labels", str(labels)])
    first, head, row = capsys.readouterr().out.splitlines()
    assert first.startswith("file v1.tflite, bytes ") and "network MobileNetV1" in first
    assert head.split() == ["file", "ours", "symmetric"]
    words = row.split()
    assert words[0] == "patches.png"
    for i, way in enumerate(head.split()):
        shares = runs[way](pixels)
        name = ["ant", "bee", "cat", "dog", "elk"][shares.argmax()]
        assert words[1 + 2 * i : 3 + 2 * i] == [name, f"{shares.max():.2f}"]


@needs_litert
def test_the_ranges_are_those_of_the_weights(tmp_path, capsys):
    path, _, _ = small_file("v2", tmp_path)
    found = released.read(path)
    rows = released.ranges(found)
    assert [row["layer"] for row in rows] == [f"blocks.{i}.depthwise" for i in range(17)]
    layers = [
        layer
        for step, layer in zip(
            (step for step in found.steps if step.kind != "shortcut"), found.layers, strict=True
        )
        if step.kind == "depthwise"
    ]
    for row, layer in zip(rows, layers, strict=True):
        largest = sorted(channel.abs().max().item() for channel in layer.weight)
        expected = [largest[0], largest[-1], len(largest), layer.scale, largest.count(0.0)]
        listed = [row[key] for key in ("smallest", "largest", "channels", "step", "zero")]
        assert listed == pytest.approx(expected, rel=1e-3)
        assert row["5th"] <= row["median"] <= row["95th"]
    layers[0].weight[3] = 0.0
    assert released.ranges(found)[0]["zero"] == 1
    released.main([str(path), "--ranges"])
    assert len(capsys.readouterr().out.splitlines()) == 3 + 17


# ---------------------------------------------------------------- the record


def test_guesses_are_counted_against_the_files():
    """Three images, of which the file is sure of two; the other way has the first one wrong."""
    answers = {"file": [[0.7, 0.3], [0.4, 0.6], [0.3, 0.4]], "ours": [[0.4, 0.6]] * 3}
    runs = {way: lambda image, way=way: np.array(answers[way][image]) for way in answers}
    found = released.compare(runs, [0, 1, 2])
    assert found.pop("apart") == {"ours": pytest.approx((0.3 + 0 + 0.2) / 3, rel=1e-3)}
    counts = {"agree": {"ours": 2}, "agree if sure": {"ours": 1}}
    assert found == {"images": 3, "sure": 2} | counts


@pytest.mark.parametrize("row", RECORD["files"], ids=lambda row: row["file"])
def test_the_record_of_a_released_file_fits_our_network(row):
    chapter = row["network"].removeprefix("MobileNet").lower()
    network = getattr(definitions(chapter), row["network"])(row["classes"], row["width"])
    assert row["parameters"] == params(network)
    units = released.units(network).values()
    layers = [*(unit.conv for unit in units), network.classifier]
    assert row["layers"] == len(layers)
    assert row["weights"] == sum(layer.weight.numel() for layer in layers)
    assert row["biases"] == sum(len(layer.weight) for layer in layers)
    assert row["weights"] + 4 * row["biases"] < row["bytes"]
    changes = ["images", "a pixel", *released.halving(network)]
    assert list(row["small changes"]) == changes
    depthwise = [unit.conv for unit in units if unit.conv.groups > 1]
    assert [each["channels"] for each in row["ranges"]] == [len(each.weight) for each in depthwise]


@pytest.mark.parametrize("row", RECORD["files"], ids=lambda row: row["file"])
def test_the_record_counts_its_guesses(row):
    assert len(row["guesses"]) == row["pictures"]["images"] == 12
    assert row["crops"]["images"] == released.CROPS * len(RECORD["photographs"])
    for way, count in row["pictures"]["agree"].items():
        alike = [each[way][0] == each["file"][0] for each in row["guesses"].values()]
        assert sum(alike) == count
        sure = [each["file"][1] >= released.SURE for each in row["guesses"].values()]
        assert row["pictures"]["sure"] == sum(sure)
        both = sum(same and certain for same, certain in zip(alike, sure, strict=True))
        assert row["pictures"]["agree if sure"][way] == both


@needs_litert
@pytest.mark.parametrize("row", RECORD["files"], ids=lambda row: row["file"])
def test_the_record_of_a_released_file_is_what_is_measured(row):
    """Where the files are: on the first pictures, and all ranges."""
    folder = Path(os.environ.get("RELEASED", "no folder"))
    if not (folder / row["file"]).exists():
        pytest.skip("RELEASED names no folder with the released files, which are not in the book")
    found = released.read(folder / row["file"])
    assert released.describe(found) == {key: row[key] for key in released.describe(found)}
    assert released.ranges(found) == row["ranges"]
    names = (folder / "imagenet_labels.txt").read_text(encoding="utf-8").splitlines()
    runs = released.runners(found)
    for picture in ("dragonfly.bmp", "grace_hopper.bmp"):
        for name, image in released.both_ways(folder / picture, found.side).items():
            for way in ("ours", "symmetric"):  # PyTorch's; kernels differ between machines
                guess, share = released.first_guess(runs[way](image), names)
                assert [guess, share] == [
                    row["guesses"][name][way][0],
                    pytest.approx(row["guesses"][name][way][1], abs=0.01),
                ]
