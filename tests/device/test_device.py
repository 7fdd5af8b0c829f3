"""The device chapter's tools: bounds, folding, memory, 8 bits; and what must be left out.

ExecuTorch is imported by the tests that use it: for every other test it would only be a wait.
"""

import os
import re
from functools import partial
from subprocess import CalledProcessError

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from torch import nn
from torchvision.models import MobileNetV3, mobilenet_v3_small
from torchvision.models.mobilenetv3 import InvertedResidualConfig

from tests.book import ROOT, definitions
from tools import latency, operators
from tools.counting import macs, on_meta, params

notebook = definitions("device")
NOTEBOOK = ROOT / "chapters" / "device" / "device.ipynb"
MOBILE = [name for name in notebook.NETWORKS if name != "ResNet-50"]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def small_network() -> nn.Sequential:
    """Convolutions and norms with averages that are not the first ones."""
    unit = notebook.ConvNormAct
    network = nn.Sequential(unit(3, 8, 3, stride=2), unit(8, 8, 3, groups=8))
    network.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)])
    return notebook.take_averages(network, [torch.randn(16, 3, 12, 12)])


# ---------------------------------------------------------------- bounds


def test_a_bound_is_the_larger_of_two_times():
    machine = notebook.Machine(macs=50e9, cache=25e9, memory=10e9)
    assert machine.ridge == 2
    assert notebook.LayerCost(macs=50_000_000, bytes=25_000).bound(machine) == pytest.approx(1.0)
    assert notebook.LayerCost(macs=50_000, bytes=25_000_000).bound(machine) == pytest.approx(1.0)


def test_costs_count_each_layer_once():
    network = mobilenet_v3_small().eval()
    found = notebook.costs(network, torch.zeros(1, 3, 64, 64))
    assert sum(cost.macs for cost in found) == macs(mobilenet_v3_small(), 3, 64, 64)
    depthwise = notebook.Layer(512, 512, 14, 1).jobs()["depthwise"][0]
    assert depthwise.bytes == 4 * (2 * 512 * 14**2 + 9 * 512)
    assert depthwise.macs == 9 * 512 * 14**2


def test_its_layers_are_v1s():
    assert len(notebook.v1_layers()) == 13
    with torch.device("meta"):  # a cost needs no values
        total = sum(layer.jobs()["separable"][0].macs for layer in notebook.v1_layers())
    rest = 27 * 32 * 112**2 + 1024 * 1000  # the stem and the classifier
    assert total + rest == macs(on_meta(notebook.mobilenet_v1), 3, 224, 224) == 568_740_352


def test_races_let_all_run_equally_often():
    counts = {"a": 0, "b": 0}

    def run(name):
        counts[name] += 1

    timed = notebook.race({name: lambda name=name: run(name) for name in counts}, rounds=11)
    assert counts["a"] == counts["b"] == 3 * 11  # of three runs the last is timed
    assert all(t.low <= t.median <= t.high for t in timed.values())


# ---------------------------------------------------------------- memory


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("V1", (32 + 64) * 112**2),  # the first pointwise layer's input and output
        ("V2", 96 * (112**2 + 56**2)),  # the second block's depthwise layer
        ("V3-Large", (16 + 64) * 112**2),  # the second block's expansion
        ("ResNet-50", (64 + 256 + 256) * 56**2),  # the first stage's widened shortcut
    ],
)
def test_the_peak_of_memory_is_what_the_shapes_say(name, numbers):
    merged = notebook.fold_network(notebook.NETWORKS[name]())
    assert notebook.peak(merged, torch.zeros(1, 3, 224, 224))[0] == 4 * numbers


def test_an_activation_needs_no_map_of_its_own():
    with_activation = notebook.fold_network(small_network())
    layers = [m for m in small_network().modules() if not list(m.children())]
    without = nn.Sequential(*(m for m in layers if not isinstance(m, nn.ReLU6)))
    x = torch.zeros(1, 3, 12, 12)
    plain = notebook.fold_network(without.eval())
    assert notebook.peak(with_activation, x)[0] == notebook.peak(plain, x)[0]


# ---------------------------------------------------------------- 8 bits


def test_decibels():
    signal = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert notebook.decibels(signal * 1.1, signal) == pytest.approx(20, abs=1e-3)
    assert notebook.decibels(signal + 9 + 0.1, signal + 9) == pytest.approx(16.99, abs=0.01)
    assert notebook.decibels(signal + 9.1, signal + 9, shared=True) > 35  # looks splendid


@pytest.mark.weekly
def test_8_bits_on_the_runtime_are_what_was_recorded(tmp_path):
    """V3-Small again, from the picture to the file: size, 32 bits, and the decibels of 8."""
    torch.set_num_threads(1)
    recorded = latency.recorded()["networks"]["V3-Small"]
    network, pictures = latency.prepared("V3-Small"), notebook.random_cuts(4, seed=2)
    short = notebook.quantised(notebook.fold_network(network), notebook.random_cuts(8, seed=4))
    file = notebook.to_executorch(short, pictures[:1].contiguous(), tmp_path / "v3.pte")
    run = notebook.executorch_runner(file)
    with torch.inference_mode():
        expected = network(pictures)
    outputs = torch.cat([run(x[None]) for x in pictures])
    assert file.stat().st_size == pytest.approx(recorded["bytes"]["ExecuTorch, 8 bits"], rel=0.02)
    assert notebook.decibels(outputs, expected) == pytest.approx(
        recorded["decibels"]["apart"], abs=3
    )


def test_what_the_page_says_of_executorch():
    """No h-swish in 8 bits."""
    from executorch.backends.xnnpack.partition.config.generic_node_configs import HardswishConfig
    from executorch.backends.xnnpack.partition.config.xnnpack_config import ConfigPrecisionType

    assert HardswishConfig.supported_precision_types(None) == [ConfigPrecisionType.FP32]


def two_blocks() -> nn.Module:
    """A V3 that has a layer of each kind: torchvision's, cut short."""
    block = partial(InvertedResidualConfig, dilation=1, width_mult=1.0)
    blocks = [block(16, 3, 16, 16, True, "RE", 2), block(16, 5, 64, 24, True, "HS", 1)]
    return MobileNetV3(blocks, last_channel=32)


WHOLE = [
    pytest.param(notebook.NETWORKS[name], id=name, marks=pytest.mark.weekly)
    for name in ("V1", "V3-Small")
]


@pytest.mark.parametrize("build", [two_blocks, *WHOLE])
def test_the_backend_takes_all_layers(build):
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    exported = torch.export.export(
        notebook.fold_network(build().eval()), (torch.zeros(1, 3, 224, 224),)
    )
    lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    nodes = lowered.exported_program().graph.nodes
    left = {str(node.target) for node in nodes if node.op == "call_function"}
    # What is left are the call of the backend and V3's constants, which are copied first.
    assert all(re.search("call_delegate|getitem|to_dim_order_copy", each) for each in left), left
    assert sum("call_delegate" in str(node.target) for node in nodes) == 1


# ---------------------------------------------------------------- the runtimes


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A small network, a picture for it, and the file that it is exported to."""
    torch.manual_seed(0)
    network, x = small_network(), torch.randn(1, 3, 12, 12)
    file = tmp_path_factory.mktemp("exported") / "network.pte"
    return network, x, notebook.to_executorch(network, x, file)


def runners(file):
    """What the notebook's runner answers, and what the runtime itself does."""
    from executorch.runtime import Runtime

    ours = notebook.executorch_runner(file)
    # Loaded after it: a method must not outlive the threads that it was loaded with.
    method = Runtime.get().load_program(file).load_method("forward")
    return ours, lambda x: method.execute([x])[0].clone()


def test_a_picture_may_lie_in_memory_in_any_order(exported):
    """As pixels come, colour beside colour: `permute` moves none of them. The runtime itself takes
    them for contiguous; the day it does not, the page's warning can go.
    """
    network, x, file = exported
    ours, theirs = runners(file)
    pixels = x[0].permute(1, 2, 0).contiguous()  # (12, 12, 3), as a picture is read
    for same in (pixels.permute(2, 0, 1)[None], notebook.channels_last(x)):
        assert torch.equal(same, x) and not same.is_contiguous()
        torch.testing.assert_close(ours(same), network(x), rtol=1e-3, atol=1e-5)
        assert notebook.agrees(theirs(same), network(x).detach()) > 0.01
    torch.testing.assert_close(theirs(x), network(x), rtol=1e-3, atol=1e-5)


@pytest.mark.usefixtures("patterns_once")
def test_one_picture_is_enough_to_calibrate_with():
    network, x = notebook.fold_network(small_network()), torch.randn(1, 3, 12, 12)
    short = notebook.quantised(network, x)
    for batch in (x, x.repeat(5, 1, 1, 1)):
        assert notebook.agrees(short(batch), network(batch).detach()) < 0.2


def test_loading_a_file_makes_no_noise(exported, capfd):
    *_, file = exported
    runners(file)
    capfd.readouterr()
    notebook.executorch_runner(file)
    assert capfd.readouterr() == ("", "")


# ---------------------------------------------------------------- the record


EIGHT = "ExecuTorch, 8 bits"
COARSE = (EIGHT, "OpenVINO, its default")  # what answers something else


@pytest.mark.parametrize("name", latency.NETWORKS)
def test_the_record_is_whole_and_plausible(name):
    network = latency.recorded()["networks"][name]
    for path, differs in network["differs"].items():
        assert (differs < 1e-4) == (path not in COARSE), path
    weights = 4 * params(notebook.fold_network(latency.NETWORKS[name]()))
    for path, size in network["bytes"].items():
        assert path == EIGHT or weights < size < 1.02 * weights, path
    assert network["bytes"][EIGHT] < 0.3 * weights
    memory = network["memory"]
    assert weights < memory["loaded"] <= memory["loading"] <= memory["most"]
    for median, low, high in network["ms"].values():
        assert low <= median <= high


@pytest.mark.parametrize("index", range(len(latency.load()["devices"])))
def test_nothing_is_faster_than_the_ceilings(index):
    """A layer, an operation or a network: if one is, the ceiling is none."""
    row = latency.recorded(index)
    ways = ("", "laid out", "ExecuTorch")
    for way in ways:
        for kind in ("standard", "depthwise", "pointwise"):
            if f"{way} {kind}".strip() in row["layers"][0]["ms"]:
                for layer, (cost, ms, roof) in latency.layer_times(kind, way, index).items():
                    assert ms > 0.97 * cost.bound(roof), (way, kind, layer)
    for name, network in row["networks"].items():
        for path, (ms, _, _) in network["ms"].items():
            if path not in (*COARSE, *row["jobs"], "batch"):
                assert ms > latency.bound(name, index), (name, path)


def test_each_machine_says_what_it_is():
    for row in latency.load()["devices"]:
        assert {"processor", "instructions", "MHz", "cores", "date", "versions"} <= row.keys()
        assert row["instructions"] and row["cores"] >= 1


def test_one_network_may_be_measured_alone(monkeypatch, tmp_path):
    record = latency.load()
    row = record["devices"][-1]
    monkeypatch.setattr(latency, "FILE", tmp_path / "record.json")
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setattr(latency, "kernel_job", lambda folder: None)
    monkeypatch.setattr(latency.notebook, "to_executorch", lambda *given: given[-1])
    monkeypatch.setattr(latency, "time_network", lambda name, *rest: {"timed": name})
    monkeypatch.setattr(operators, "profiles", lambda name, folder: {"profiled": name})
    latency.save(record)
    row["networks"]["V3-Small"] = {"timed": "V3-Small"}
    row["profiles"] = {"V3-Small": {"profiled": "V3-Small"}}
    row["versions"] = latency.versions()
    for tool in (latency, operators):
        tool.measure(row["device"], "V3-Small")
        with pytest.raises(ValueError, match="no network is called 'V5'"):
            tool.measure(row["device"], "V5")
        with pytest.raises(ValueError, match="'a phone' is not in the record"):
            tool.measure("a phone", "V3-Small")
    assert latency.load() == record


# ---------------------------------------------------------------- profiles


@pytest.mark.parametrize("bits", operators.BITS)
@pytest.mark.parametrize("name", operators.PROFILED)
def test_a_profile_accounts_for_the_run(name, bits):
    profile = operators.profile(name, bits)
    assert 0.9 < profile["covered"] < 1.1
    layers = operators.layers(name, bits)
    assert set(profile["kinds"]) <= set(operators.KINDS)
    for kind in operators.LAYERS[:3]:  # the rest has more than layers
        times = [ms for each, _, ms in layers if each == kind]
        assert sum(times) == pytest.approx(profile["kinds"][kind], abs=0.01)


def test_its_kinds_are_the_networks_own():
    kinds = operators.layer_kinds("V3-Small")
    assert kinds[0] == "standard" and kinds[-2:] == ("classifier", "classifier")
    assert [kinds.count(kind) for kind in operators.LAYERS] == [1, 11, 22, 18, 2]
    assert operators.layer_kinds("V1") == (
        *("standard", *["depthwise", "pointwise"] * 13, "classifier"),
    )
    kinds = operators.layer_kinds("V4-Conv-S")  # the first layer of its classifier is a convolution
    assert [kinds.count(kind) for kind in operators.LAYERS] == [3, 15, 27, 0, 2]


@pytest.mark.weekly
def test_a_profile_comes_out_again(tmp_path):
    """V3-Small in 32 and in 8 bits: the same operations, and pointwise layers gain most."""
    torch.set_num_threads(1)
    again = operators.profiles("V3-Small", tmp_path)
    for bits, profile in again.items():
        recorded = operators.profile("V3-Small", bits)
        assert profile["kinds"].keys() == recorded["kinds"].keys()
        assert len(profile["layers"]) == len(recorded["layers"])
        assert 0.9 < profile["covered"] < 1.1
    gain = {kind: again["32"]["kinds"][kind] / again["8"]["kinds"][kind] for kind in KINDS}
    assert gain["pointwise"] > gain["depthwise"]


KINDS = ("pointwise", "depthwise")


def test_fixed_padding_changes_no_output():
    network = latency.trained.EfficientNetLite0(num_classes=10).eval()
    x = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        expected = network(x)
        torch.testing.assert_close(latency.fixed_padding(network)(x), expected)
    pads = [m for m in network.modules() if isinstance(m, nn.ZeroPad2d)]
    assert {pad.padding for pad in pads} == {(0, 1, 0, 1), (1, 2, 1, 2)}
    assert len(pads) == 5 and not any(
        isinstance(m, latency.trained.SamePad) for m in network.modules()
    )


def test_the_notebook_quotes_the_record():
    for name, row in notebook.RECORDED.items():
        for path, ms in zip(notebook.PATHS, row, strict=True):
            assert ms == round(latency.milliseconds(name, path), 2), (name, path)


# ---------------------------------------------------------------- where parts are missing

MISSING = """
import os
import sys

for name in ("executorch", "torchao", "onnxruntime", "onnxscript"):
    sys.modules[name] = None  # as if it could not be imported
os.environ["CXX"] = "/nowhere/c++"
"""


class Misfit:
    """ExecuTorch 1.5 beside PyTorch 2.11: it loads a file, and fails at the first run."""

    @classmethod
    def install(cls, monkeypatch):
        from executorch.runtime import Runtime

        monkeypatch.setattr(Runtime, "get", cls)

    def load_program(self, file):
        return self

    load_method = load_program

    def execute(self, inputs):
        raise RuntimeError("tensor does not have a device\nException raised from device_default")


def test_a_runtime_that_does_not_fit_is_left_out_with_a_line(monkeypatch, capsys):
    assert notebook.works("ExecuTorch", notebook.try_executorch)
    assert capsys.readouterr().out == ""
    Misfit.install(monkeypatch)
    assert not notebook.works("ExecuTorch", notebook.try_executorch)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Left out: ExecuTorch. RuntimeError: tensor does not have a device")


@pytest.mark.parametrize(
    "error",
    [ImportError("a"), AttributeError("a"), FileNotFoundError("a"), CalledProcessError(1, "flatc")],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_misfit_raises_is_one_line(error, capsys):
    def fail():
        raise error

    assert not notebook.works("it", fail)
    assert capsys.readouterr().out.count("\n") == 1


def test_a_wrong_answer_is_not_left_out(monkeypatch):
    monkeypatch.setattr(Misfit, "execute", lambda self, inputs: [torch.zeros(1, 4, 8, 8)])
    Misfit.install(monkeypatch)
    with pytest.raises(AssertionError, match="not close"):
        notebook.works("ExecuTorch", notebook.try_executorch)


def test_onnx_runtime_works_and_does_not_report(monkeypatch):
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    assert notebook.works("ONNX Runtime", notebook.try_onnx)
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


@pytest.mark.weekly
def test_the_notebook_says_what_it_leaves_out(tmp_path):
    """Without ExecuTorch, ONNX Runtime and a compiler: one line for each, and no error."""
    source = nbformat.read(NOTEBOOK, as_version=4)
    source.cells[1].source = MISSING  # instead of the cell that installs
    NotebookClient(
        source, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    said = "".join(
        output.text
        for cell in source.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stdout"
    )
    for what in ("ExecuTorch", "ONNX Runtime", "torch.compile"):
        assert len(re.findall(rf"^Left out: {re.escape(what)}", said, flags=re.MULTILINE)) == 1
