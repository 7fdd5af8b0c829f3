"""What the notebook defines besides networks, each against a reference of its own."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_sample_images
from torch import fx, nn
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import (
    MobileNet_V2_Weights,
)
from torchvision.transforms.functional import normalize

from tests.book import definitions

pytestmark = pytest.mark.usefixtures("one_seed")
DEVICE = definitions("device")


class Moved(TorchDispatchMode):
    """Bytes that copying reads and writes."""

    bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.copy_.default:
            self.bytes += 2 * args[0].nbytes
        return func(*args, **(kwargs or {}))


def test_the_ceilings_jobs_do_what_is_written_about_them(monkeypatch):
    asked = []

    def laid_out(weight, x, padding):  # oneDNN has no layer without numbers
        asked.append((tuple(weight.shape), tuple(x.shape), padding))

    with torch.device("meta"), monkeypatch.context() as patch:
        patch.setitem(DEVICE.ceiling_jobs.__globals__, "laid_out", laid_out)
        jobs = DEVICE.ceiling_jobs()
        with FlopCounterMode(display=False) as counter:
            jobs["product"]()
        assert counter.get_total_flops() == 2 * DEVICE.JOBS["product"]
        for name in ("cache", "memory"):
            with Moved() as moved:
                jobs[name]()
            assert moved.bytes == DEVICE.JOBS[name]
    assert (DEVICE.JOBS["cache"], DEVICE.JOBS["memory"]) == (40e6, 512e6)
    assert asked == [((128, 128, 3, 3), (1, 128, 28, 28), 1)]
    assert (DEVICE.JOBS["product"], DEVICE.JOBS["convolution"]) == (2**27, 115_605_504)


@pytest.mark.parametrize(("padding", "stride"), [(1, 1), (1, 2), (0, 1)])
def test_a_convolution_with_weights_laid_out_beforehand_gives_the_same(padding, stride):
    x = DEVICE.channels_last(torch.randn(1, 32, 14, 14))
    w = DEVICE.channels_last(torch.randn(16, 32, 3, 3))
    with torch.inference_mode():
        ours = DEVICE.laid_out(w, x, padding, stride)
        assert_close(ours(), F.conv2d(x, w, None, stride, padding), rtol=1e-4, atol=1e-4)
        x.zero_()
        assert not ours().any()  # it is computed anew on each call


def test_ceilings_are_work_in_a_second():
    times = dict(zip(DEVICE.JOBS, (2.0, 4.0, 0.5, 8.0), strict=True))
    timed = {name: DEVICE.Timing(2 * ms, ms, 3 * ms) for name, ms in times.items()}
    machine = DEVICE.ceilings(timed)
    speed = {name: DEVICE.JOBS[name] / (ms / 1000) for name, ms in times.items()}
    assert machine.macs == max(speed["product"], speed["convolution"])
    assert (machine.cache, machine.memory) == (speed["cache"], speed["memory"])


def test_a_race_gives_median_and_tenths_in_milliseconds(monkeypatch):
    durations = iter([0.001 * n for n in (5, 1, 9, 3, 7, 20, 11, 13, 15, 17, 19)])
    asked = []

    class Timer:
        def __init__(self, stmt, globals, num_threads):
            asked.append((stmt, globals["run"](), num_threads))

        def timeit(self, number):
            assert number == 1
            return SimpleNamespace(median=next(durations))

    with monkeypatch.context() as patch:
        patch.setitem(DEVICE.race.__wrapped__.__globals__, "Timer", Timer)
        timed = DEVICE.race({"a": lambda: "ran"}, rounds=11)["a"]
    assert timed == pytest.approx((11, 3, 19))  # the second, and the last but one
    assert asked == [("run()", "ran", torch.get_num_threads())]
    calls = []
    few = DEVICE.race({"a": lambda: calls.append(1)})["a"]
    assert len(calls) == 3 * 9 and few.low <= few.median <= few.high


def test_a_race_runs_on_the_threads_that_are_set_and_keeps_no_gradients():
    seen = []

    def look():
        seen.append((torch.get_num_threads(), torch.is_inference_mode_enabled()))

    for threads in (2, 1):
        torch.set_num_threads(threads)
        DEVICE.race({"a": look}, rounds=1)
    assert seen == [(2, True)] * 3 + [(1, True)] * 3


@pytest.mark.parametrize("stride", [1, 2])
def test_the_jobs_of_a_layer_and_what_they_cost(stride):
    m, n, side = 4, 6, 8
    out = side // stride
    jobs = DEVICE.Layer(m, n, side, stride).jobs()
    x, y, z = m * side**2, m * out**2, n * out**2  # numbers that come, pass between, and go
    expected = {
        "standard": (9 * m * z, 4 * (x + 9 * m * n + z)),
        "depthwise": (9 * y, 4 * (x + 9 * m + y)),
        "pointwise": (m * z, 4 * (y + m * n + z)),
    }
    expected["separable"] = tuple(a + b for a, b in zip(*list(expected.values())[1:], strict=True))
    assert {name: tuple(cost) for name, (cost, _) in jobs.items()} == expected
    for name, (cost, job) in jobs.items():
        with FlopCounterMode(display=False) as counter:
            result = job()
        assert counter.get_total_flops() == 2 * cost.macs
        assert result.shape == (1, m if name == "depthwise" else n, out, out)
        assert cost.intensity == cost.macs / cost.bytes


def test_the_photographs_are_cuts_in_torchvisions_colours():
    cuts, again = DEVICE.random_cuts(3, seed=5), torch.Generator().manual_seed(5)
    photos = [torch.tensor(p).permute(2, 0, 1) / 255 for p in load_sample_images().images]
    for number, cut in enumerate(cuts):
        photo = photos[number % 2]
        top = int(torch.randint(photo.shape[1] - 223, (), generator=again))
        left = int(torch.randint(photo.shape[2] - 223, (), generator=again))
        window = photo[:, top : top + 224, left : left + 224]
        weights = MobileNet_V2_Weights.DEFAULT.transforms()
        assert_close(cut, normalize(window, weights.mean, weights.std))


def test_averages_count_all_batches_alike():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    batches = [torch.randn(n, 3, 5, 5) + n for n in (2, 4, 8)]
    network[1].running_mean.fill_(99)
    assert DEVICE.take_averages(network, batches) is network and not network.training
    with torch.no_grad():
        means = torch.stack([network[0](batch).mean((0, 2, 3)) for batch in batches])
    assert_close(network[1].running_mean, means.mean(0))
    spread = DEVICE.spread(nn.Identity(), torch.tensor([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]]))
    assert spread == 1.0


def test_costs_are_listed_in_order_and_leave_no_hook():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 5))
    found = DEVICE.costs(network, torch.zeros(1, 3, 4, 4))
    numbers = 48 + 4 * 27 + 16, 16 + 80 + 5
    assert [tuple(cost) for cost in found] == [(16 * 27, 4 * numbers[0]), (80, 4 * numbers[1])]
    assert not any(layer._forward_hooks for layer in network)


def test_each_step_computes_the_same():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    network = DEVICE.take_averages(network.double(), [torch.randn(4, 3, 6, 6).double()])
    nn.init.uniform_(network[1].bias)
    x = torch.randn(2, 3, 6, 6).double()
    for name, run in DEVICE.steps(network, x).items():
        assert_close(run(), network(x), msg=name)


def test_channels_last_moves_numbers_and_changes_none():
    x, layer = torch.randn(1, 3, 4, 4), nn.Conv2d(3, 5, 3)
    pixels, last = DEVICE.channels_last(x), DEVICE.channels_last(layer)
    assert torch.equal(pixels, x) and torch.equal(last.weight, layer.weight)
    for tensor in (pixels, last.weight):
        assert tensor.is_contiguous(memory_format=torch.channels_last)
    assert layer.weight.is_contiguous() and last is not layer


def test_the_peak_and_where_it_is():
    x = torch.zeros(1, 2, 4, 4)  # 128 bytes
    layers = nn.Conv2d(2, 8, 1), nn.ReLU(), nn.Conv2d(8, 4, 2), nn.Conv2d(4, 30, 1)
    traced = fx.symbolic_trace(nn.Sequential(*layers).eval())
    assert DEVICE.peak(traced, x) == (4 * (4 + 30) * 9, "_3")
    assert DEVICE.peak(fx.symbolic_trace(nn.Sequential(*layers[:3]).eval()), x) == (4 * 164, "_2")
    assert DEVICE.peak(fx.symbolic_trace(nn.Sequential(layers[0]).eval()), x) == (4 * 160, "_0")


@pytest.mark.parametrize("activation", [nn.ReLU, nn.ReLU6, nn.Hardswish, nn.Hardsigmoid])
def test_an_activation_writes_over_its_map(activation):
    """The peak stays with the convolution: 2 channels in, 8 out, on 4×4 places."""
    traced = fx.symbolic_trace(nn.Sequential(nn.Conv2d(2, 8, 1), activation()).eval())
    assert DEVICE.peak(traced, torch.zeros(1, 2, 4, 4)) == (4 * (2 + 8) * 16, "_0")


def test_what_is_left_out_is_said_in_200_letters(capsys):
    DEVICE.left_out("it", ValueError("a\nb " + 300 * "c"))
    assert capsys.readouterr().out == "Left out: it. ValueError: a b " + 196 * "c" + "\n"


def test_small_measures():
    assert DEVICE.agrees(torch.tensor([3.0, 4.5]), torch.tensor([3.0, 4.0])) == pytest.approx(0.1)
    assert DEVICE.row((1.234, None, 100)) == "      1.23         -    100.00"


def test_one_file_holds_the_onnx_network_and_nothing_is_said(tmp_path, capfd):
    layer, x = nn.Conv2d(3, 4, 1).eval(), torch.randn(1, 3, 8, 8)
    file = DEVICE.to_onnx(layer, x, tmp_path / "layer.onnx")
    assert list(tmp_path.iterdir()) == [file] and capfd.readouterr().out == ""
    assert_close(DEVICE.onnx_runner(file)(x), layer(x).detach())


# ---------------------------------------------------------------- the profile

# As XNNPACK calls V3's operations: stem, depthwise, a squeeze-and-excite, pointwise, the end.
V3_NAMES = {
    "OPERATOR_CALL": "conversion",
    "Transpose (ND, X32) #1": "conversion",
    "Convolution (NHWC, F32) IGEMM #1": "standard",
    "HardSwish (NC) #1": "activation",
    "Convolution (NHWC, F32) DWConv #1": "depthwise",
    "Mean (ND) Reduce2 #1": "squeeze-and-excite",
    "Fully Connected (NC, F32) GEMM #1": "squeeze-and-excite",
    "Add (ND) #1": "squeeze-and-excite",
    "Clamp (NC) #1": "squeeze-and-excite",
    "Multiply (ND) #1": "squeeze-and-excite",
    "Fully Connected (NC, F32) GEMM #2": "pointwise",
    "Add (ND) #2": "addition",
    "Constant Pad (ND, X32) #1": "padding",
    "Invalid Unary Op #1": "activation",
    "Mean (ND) Reduce2 #2": "pooling",
    "Static Reshape (NC) #1": "conversion",
    "Fully Connected (NC, F32) GEMM #3": "classifier",
    "Clamp (NC) #2": "activation",
    "Fully Connected (NC, F32) GEMM #4": "classifier",
}


def test_the_kinds_follow_from_names_and_order():
    assert DEVICE.kinds_of(list(V3_NAMES)) == list(V3_NAMES.values())
    # Without a pooling, from the first name on.
    assert DEVICE.kinds_of(["Fully Connected (NC, F32) GEMM #1"]) == ["classifier"]


def test_a_profile_adds_up_its_operations_and_nothing_else():
    events = [
        DEVICE.Event("native_call_copy.out", [9.0, 9.0, 9.0]),
        DEVICE.Event("OPERATOR_CALL", [0.5, 0.5, 0.5]),
        DEVICE.Event("Convolution (NHWC, F32) IGEMM #1", [1.0, 2.0, 6.0]),
        DEVICE.Event("Convolution (NHWC, F32) IGEMM #2", [1.0, 1.0, 2.0]),
        DEVICE.Event("Convolution (NHWC, F32) DWConv #1", [0.5, 0.5, 0.5]),
        DEVICE.Event("DELEGATE_CALL", [3.5, 4.5, 9.5]),
        DEVICE.Event("Method::execute", [4.0, 5.0, 10.0]),
    ]
    assert [each.name[-2:] for each in DEVICE.operations(events)] == ["LL", "#1", "#2", "#1"]
    assert DEVICE.by_kind(events) == {"conversion": 0.5, "standard": 3.0, "depthwise": 0.5}
    assert DEVICE.whole(events) == [4.0, 5.0, 10.0]
    assert DEVICE.covered(events) == pytest.approx(4 / 5)  # 3 of 4, 4 of 5, 9 of 10
    events[2].ms.pop()
    with pytest.raises(ValueError):
        DEVICE.covered(events)  # an operation that was not in all runs


def test_a_profile_of_a_file(tmp_path, capfd, monkeypatch):
    """A small network with its own times: each operation once, in order, for each run; on a single
    thread.
    """
    from executorch.extension.pybindings import portable_lib

    threads, reset = [], portable_lib._unsafe_reset_threadpool
    monkeypatch.setattr(
        portable_lib, "_unsafe_reset_threadpool", lambda n: (threads.append(n), reset(n))
    )
    layers = nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU6(), nn.Conv2d(8, 8, 3, 1, 1, groups=8)
    network = nn.Sequential(*layers, nn.Conv2d(8, 16, 1), nn.Hardswish()).eval()
    x = torch.randn(1, 3, 64, 64)
    file = DEVICE.to_executorch(network, x, tmp_path / "small.pte")
    capfd.readouterr()
    events = DEVICE.profiled(file, x, runs=5)
    assert capfd.readouterr() == ("", "")
    assert threads == [1]
    kinds = DEVICE.kinds_of([each.name for each in DEVICE.operations(events)])
    wanted = ["standard", "depthwise", "classifier", "activation"]  # no pooling stands before
    assert [kind for kind in kinds if kind != "conversion"] == wanted
    assert all(len(each.ms) == 5 for each in events)
    assert min(ms for each in DEVICE.operations(events) for ms in each.ms) >= DEVICE.LOST / 2
    assert 0.3 < DEVICE.covered(events) < 1.2  # so small a run is mostly calls
    assert len(list(tmp_path.iterdir())) == 1
