"""Every number of the chapter on devices, and where it comes from."""

import math
from statistics import mean

import torch
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    get_symmetric_quantization_config,
)
from torchvision.models import mobilenet_v3_large

from tests.book import definitions
from tests.claims.common import reading_minutes
from tests.closed_world import computed, given, named, printed
from tests.counting import macs as count_macs
from tools import latency, papers
from tools.latency import bound, layer_times, machine, milliseconds

notebook = definitions("device")
RECORD = latency.recorded()
FLOAT = ("eager", "channels last", "folded", "compiled", "ONNX Runtime", "ExecuTorch")
MOBILE = ("V1", "V2", "V3-Large", "V3-Small")
ALL = (*MOBILE, "ResNet-50")

# ---------------------------------------------------------------- layers

TOP, MIDDLE, END = (
    notebook.Layer(*shape) for shape in ((32, 64, 112, 1), (512, 512, 14, 1), (1024, 1024, 7, 1))
)
COSTS = {kind: cost for kind, (cost, _) in MIDDLE.jobs().items()}


def fewer(layer) -> float:
    """MACs of the full convolution over those of the separable pair."""
    jobs = layer.jobs()
    return jobs["standard"][0].macs / jobs["separable"][0].macs


def faster_layer(layer) -> float:
    return layer_times("standard")[layer][1] / layer_times("separable")[layer][1]


def speed(kind: str, layer=MIDDLE) -> float:
    """Billion MACs per second."""
    cost, ms, _ = layer_times(kind)[layer]
    return cost.macs / ms / 1e6


def share(kind: str, layer=MIDDLE) -> float:
    """Of what the bound allows, in per cent."""
    cost, ms, roof = layer_times(kind)[layer]
    return 100 * cost.bound(roof) / ms


# ---------------------------------------------------------------- networks


def macs(network: torch.nn.Module) -> int:
    return count_macs(network, 3, 224, 224)


def faster(name: str, path: str) -> float:
    """How many times faster than eager."""
    return milliseconds(name, "eager") / milliseconds(name, path)


def best(name: str) -> tuple[float, str]:
    """Milliseconds of the fastest path in 32 bits, and which."""
    return min((milliseconds(name, path), path) for path in FLOAT)


def closeness(name: str) -> float:
    return best(name)[0] / bound(name)


def megabytes(name: str, path: str) -> float:
    return RECORD["networks"][name]["bytes"][path] / 1e6


def noise(name: str, what: str) -> float:
    return RECORD["networks"][name]["decibels"][what]


def folded(name: str):
    return notebook.fold_network(notebook.NETWORKS[name]())


PEAK = {name: notebook.peak(folded(name), torch.zeros(1, 3, 224, 224)) for name in ALL}
WEIGHTS = {name: 4 * sum(p.numel() for p in folded(name).parameters()) for name in ALL}

# ---------------------------------------------------------------- trained on digits

DIGITS = latency.load()["digits"]


def digits(kind: str, what: str) -> float:
    return mean(run[what] for run in DIGITS[kind])


def ruined(kind: str) -> int:
    """How many of the seeds guess when each layer has one scale."""
    return sum(run["tensor"] < 20 for run in DIGITS[kind])


CHANNELS = {
    name: sum(
        m.num_features
        for m in notebook.NETWORKS[name]().modules()
        if isinstance(m, torch.nn.BatchNorm2d)
    )
    for name in ("V1", "V2")
}
# ExecuTorch's quantiser lets no scale be smaller.
EPSILON = get_symmetric_quantization_config().weight.observer_or_fake_quant_ctr.p.keywords["eps"]
V3_EPS = next(m.eps for m in mobilenet_v3_large().modules() if isinstance(m, torch.nn.BatchNorm2d))
LOST = max(run["32 bits"] - run["channel"] for runs in DIGITS.values() for run in runs)
# Exactly those networks fell that have a dead channel; each has one. V3 never fell.
for name in ("V1", "V2"):
    assert all(run["dead"] == (1 if run["tensor"] < 20 else 0) for run in DIGITS[name])
assert ruined("V3-Large") == ruined("V3-Small") == 0


# ---------------------------------------------------------------- V1's blocks, all thirteen


def over_blocks(kind: str, index: int) -> float:
    """The sum over V1's blocks of a layer's cost (0) or milliseconds (1)."""
    times = layer_times(kind)
    values = [times[place][index] for place in notebook.v1_layers()]
    return sum(value.macs for value in values) if index == 0 else sum(values)


DEPTHWISE_SHARE = over_blocks("depthwise", 0) / macs(notebook.mobilenet_v1())
DEPTHWISE_TIME = over_blocks("depthwise", 1) / (
    over_blocks("depthwise", 1) + over_blocks("pointwise", 1)
)
RATIOS = [faster_layer(layer) for layer in layer_times("standard")]

# The caption of the roofline: at most half; and a tenth on the smallest map.
assert max(share("depthwise", layer) for layer in layer_times("depthwise")) < 50
assert 9 < share("depthwise", END) < 11


PAGE = [
    named("in Pixel 1's leave V1 out", "a phone"),
    reading_minutes("device"),
    given(
        "Then we put them into files that a phone can run, and into 8 bits, and see what breaks."
    ),
    given("say why 8 bits can ruin a depthwise layer, and mend it (exercise)."),
    given("Time: 30 minutes to read."),
    given("pixels.permute(2, 0, 1) moves no number"),
    named("runs in about two minutes, and needs 3 GB of memory.", "MEMORY in tests/test_contracts"),
    given("from 512 to 512 channels, on a map of 14×14."),
    computed(
        "A full 3×3 convolution there has {:,} MACs, the separable pair {:,}.",
        COSTS["standard"].macs,
        COSTS["separable"].macs,
    ),
    computed("That is {:.2f} times fewer.", fewer(MIDDLE)),
    computed(
        "And at the first place of V1 (32 to 64 channels, 112×112), where it "
        "has {:.2f} times fewer MACs?",
        fewer(TOP),
    ),
    computed("And at the last one (1,024 to 1,024 channels, 7×7), with {:.2f}?", fewer(END)),
    computed("| 32 to 64, 112×112 | {:.2f} | {:.1f} |", fewer(TOP), faster_layer(TOP)),
    computed("| 512 to 512, 14×14 | {:.2f} | {:.1f} |", fewer(MIDDLE), faster_layer(MIDDLE)),
    computed("| 1,024 to 1,024, 7×7 | {:.2f} | {:.1f} |", fewer(END), faster_layer(END)),
    computed(
        "At the first place the pointwise layer has only 32 inputs to work on, "
        "and does {:.0f} billion MACs per second where the full layer does "
        "{:.0f};",
        speed("pointwise", TOP),
        speed("standard", TOP),
    ),
    computed("the depthwise layer does {:.0f}.", speed("depthwise", TOP)),
    computed(
        "At the last place it is the full layer that is slow: {:.0f} billion, "
        "where the one in the middle does {:.0f}.",
        speed("standard", END),
        speed("standard"),
    ),
    computed("Its {:.1f} MB of weights do not fit the caches.", 4 * 9 * 1024**2 / 1e6),
    computed(
        "But fetching them once takes only {:.1f} of its {:.0f} ms:",
        4 * 9 * 1024**2 / machine().memory * 1000,
        layer_times("standard")[END][1],
    ),
    computed(
        "one core of a server's processor, made in one session, PyTorch {} "
        "(chapters/device/measurements.json has the versions, the date and the "
        "command).",
        RECORD["versions"]["torch"],
    ),
    computed(
        "V2 takes {:.1f} ms under torch.inference_mode(), and {:.1f} ms where "
        "PyTorch gets ready for gradients that nobody asks for.",
        RECORD["habits"]["inference"][0],
        RECORD["habits"]["gradients"][0],
    ),
    given("one thread, one picture, 32-bit floating point, if nothing else is said."),
    computed(
        "A large matrix product, or a large 3×3 convolution, whichever is "
        "faster: {:.1f} billion MACs per second.",
        machine().macs / 1e9,
    ),
    computed(
        "A copy in the caches: {:.0f} billion bytes per second, read and written.",
        machine().cache / 1e9,
    ),
    computed("A copy in main memory: {:.0f}.", machine().memory / 1e9),
    given("A depthwise 3×3 layer makes an output number from 9 MACs."),
    given("For each it must write one number and, at stride 1, read about one, 4 bytes each."),
    given("So its intensity is a little under 9 / 8 = 1.125, whatever its size."),
    given(
        "A pointwise layer with 512 input channels uses each number that it "
        "has read 512 times, once for every output channel."
    ),
    computed(
        "| full 3×3 | {:.2f} | {:.1f} | {:.0f} % |",
        COSTS["standard"].intensity,
        speed("standard"),
        share("standard"),
    ),
    computed(
        "| depthwise | {:.2f} | {:.1f} | {:.0f} % |",
        COSTS["depthwise"].intensity,
        speed("depthwise"),
        share("depthwise"),
    ),
    computed(
        "| pointwise | {:.2f} | {:.1f} | {:.0f} % |",
        COSTS["pointwise"].intensity,
        speed("pointwise"),
        share("pointwise"),
    ),
    computed("At {:.2f} MACs per byte both take equally long:", machine().macs / machine().cache),
    computed(
        "Depthwise layers would be limited by data if it came from main memory "
        "(below {:.1f} MACs per byte).",
        machine().macs / machine().memory,
    ),
    given("From the caches, those at stride 1 could run at full speed."),
    computed("The depthwise layers have {:.1f} % of V1's MACs.", 100 * DEPTHWISE_SHARE),
    computed(
        "Timed one by one, with warm caches and without norms and activations, "
        "they take {:.1f} % of its blocks' time:",
        100 * DEPTHWISE_TIME,
    ),
    computed(
        "MobileNetV4's authors give {:.1f} MACs per byte for the CPU of a "
        "Pixel 6 as the point from which arithmetic is the limit, in 8 bits, "
        "and {:.1f} for the accelerator of a Pixel 8 (their Table 16 ).",
        papers.V4_RIDGE["Pixel 6 CPU"],
        papers.V4_RIDGE["Pixel 8 EdgeTPU"],
    ),
    given("A depthwise 3×3 layer in 8 bits has at most 9 / 2 = 4.5."),
    given(
        "Here it is beside the fastest way that we found to run each network "
        "in 32 bits (next section), on the same core, in the same turns:"
    ),
    computed(
        "| V1 | {:.1f} M | {:.2f} ms | {:.2f} ms | {:.2f} |",
        macs(notebook.NETWORKS["V1"]()) / 1e6,
        bound("V1"),
        best("V1")[0],
        closeness("V1"),
    ),
    computed(
        "| V2 | {:.1f} M | {:.2f} ms | {:.2f} ms | {:.2f} |",
        macs(notebook.NETWORKS["V2"]()) / 1e6,
        bound("V2"),
        best("V2")[0],
        closeness("V2"),
    ),
    computed(
        "| V3-Large | {:.1f} M | {:.2f} ms | {:.2f} ms | {:.2f} |",
        macs(notebook.NETWORKS["V3-Large"]()) / 1e6,
        bound("V3-Large"),
        best("V3-Large")[0],
        closeness("V3-Large"),
    ),
    computed(
        "| V3-Small | {:.1f} M | {:.2f} ms | {:.2f} ms | {:.2f} |",
        macs(notebook.NETWORKS["V3-Small"]()) / 1e6,
        bound("V3-Small"),
        best("V3-Small")[0],
        closeness("V3-Small"),
    ),
    computed(
        "| ResNet-50 | {:,.1f} M | {:.2f} ms | {:.2f} ms | {:.2f} |",
        macs(notebook.NETWORKS["ResNet-50"]()) / 1e6,
        bound("ResNet-50"),
        best("ResNet-50")[0],
        closeness("ResNet-50"),
    ),
    computed(
        "So ResNet-50 has {:.1f} times V2's MACs, and takes {:.1f} times as "
        "long where both run on good code.",
        macs(notebook.NETWORKS["ResNet-50"]()) / macs(notebook.NETWORKS["V2"]()),
        best("ResNet-50")[0] / best("V2")[0],
    ),
    computed(
        "Run as PyTorch does by default, it takes only {:.1f} times as long.",
        milliseconds("ResNet-50", "eager") / milliseconds("V2", "eager"),
    ),
    computed(
        "{{admonition}} Predict first  PyTorch runs V2 in {:.1f} ms on this core (in this run;",
        milliseconds("V2", "eager"),
    ),
    given("Same weights, same outputs, same core, 32 bits:"),
    computed(
        "{{dropdown}} Answer To {:.1f} ms, {:.1f} times faster.",
        best("V2")[0],
        faster("V2", best("V2")[1]),
    ),
    computed("ResNet-50 gains only {:.1f} times.", faster("ResNet-50", best("ResNet-50")[1])),
    computed(
        "| eager, ms | {:.1f} | {:.1f} | {:.1f} | {:.1f} | {:.1f} |",
        milliseconds("V1", "eager"),
        milliseconds("V2", "eager"),
        milliseconds("V3-Large", "eager"),
        milliseconds("V3-Small", "eager"),
        milliseconds("ResNet-50", "eager"),
    ),
    computed(
        "| channels last | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} |",
        faster("V1", "channels last"),
        faster("V2", "channels last"),
        faster("V3-Large", "channels last"),
        faster("V3-Small", "channels last"),
        faster("ResNet-50", "channels last"),
    ),
    computed(
        "| norms folded | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} |",
        faster("V1", "folded"),
        faster("V2", "folded"),
        faster("V3-Large", "folded"),
        faster("V3-Small", "folded"),
        faster("ResNet-50", "folded"),
    ),
    computed(
        "| compiled | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} |",
        faster("V1", "compiled"),
        faster("V2", "compiled"),
        faster("V3-Large", "compiled"),
        faster("V3-Small", "compiled"),
        faster("ResNet-50", "compiled"),
    ),
    computed(
        "| ONNX Runtime | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} |",
        faster("V1", "ONNX Runtime"),
        faster("V2", "ONNX Runtime"),
        faster("V3-Large", "ONNX Runtime"),
        faster("V3-Small", "ONNX Runtime"),
        faster("ResNet-50", "ONNX Runtime"),
    ),
    computed(
        "| ExecuTorch | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} |",
        faster("V1", "ExecuTorch"),
        faster("V2", "ExecuTorch"),
        faster("V3-Large", "ExecuTorch"),
        faster("V3-Small", "ExecuTorch"),
        faster("ResNet-50", "ExecuTorch"),
    ),
    computed(
        "| ExecuTorch, 8 bits | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} |",
        faster("V1", "ExecuTorch, 8 bits"),
        faster("V2", "ExecuTorch, 8 bits"),
        faster("V3-Large", "ExecuTorch, 8 bits"),
        faster("V3-Small", "ExecuTorch, 8 bits"),
        faster("ResNet-50", "ExecuTorch, 8 bits"),
    ),
    given(
        "Times faster than eager, logarithmic, over the paths eager, channels "
        "last, folded, compiled, ONNX Runtime, ExecuTorch and 8 bits."
    ),
    computed(
        "With ExecuTorch in 32 bits V3-Small is {:.1f} times as fast, V2 "
        "{:.1f}, V3-Large {:.1f}, V1 {:.1f} and ResNet-50 {:.1f}.",
        faster("V3-Small", "ExecuTorch"),
        faster("V2", "ExecuTorch"),
        faster("V3-Large", "ExecuTorch"),
        faster("V1", "ExecuTorch"),
        faster("ResNet-50", "ExecuTorch"),
    ),
    computed(
        "In 8 bits all are between {:.1f} and {:.1f}.",
        min(faster(n, "ExecuTorch, 8 bits") for n in ALL),
        max(faster(n, "ExecuTorch, 8 bits") for n in ALL),
    ),
    given("From 32 bits to 8 it is the other way round:"),
    computed(
        "In PyTorch, a second thread makes ResNet-50 {:.2f} times as fast, and "
        "V3-Small {:.2f} times:",
        faster("ResNet-50", "two threads") / faster("ResNet-50", "folded"),
        faster("V3-Small", "two threads") / faster("V3-Small", "folded"),
    ),
    computed(
        "Per picture, eight at once take {:.2f} of the time for V3-Small and "
        "{:.2f} for ResNet-50, but {:.2f} for V2 and {:.2f} for V1.",
        milliseconds("V3-Small", "batch") / latency.BATCH / milliseconds("V3-Small", "folded"),
        milliseconds("ResNet-50", "batch") / latency.BATCH / milliseconds("ResNet-50", "folded"),
        milliseconds("V2", "batch") / latency.BATCH / milliseconds("V2", "folded"),
        milliseconds("V1", "batch") / latency.BATCH / milliseconds("V1", "folded"),
    ),
    given(
        "subtract \\mu, divide by \\sqrt{\\sigma^2 + \\epsilon}, multiply by \\gamma, add \\beta."
    ),
    given("- \\mu}{\\sqrt{\\sigma^2 + \\epsilon}} + \\beta ;"),
    given(
        "&\\text{with } s = \\frac{\\gamma}{\\sqrt{\\sigma^2 + \\epsilon}} "
        "\\end{aligned} (eq-device-fold)"
    ),
    given(
        "w = 2, b = 0, \\mu = 3, \\gamma = 1, \\beta = 0.5, and \\sqrt{\\sigma^2 + \\epsilon} = 4."
    ),
    given("Then s = 1 / 4 = 0.25."),
    given("The new weight is 0.25 × 2 = 0.5, the new bias 0.5 + (0 - 3)"),
    given("× 0.25 = -0.25."),
    given("For an input of 10:"),
    given("first 2 × 10 = 20, then (20 - 3)"),
    given("/ 4 + 0.5 = 4.75."),
    given("Folded: 0.5 × 10 - 0.25 = 4.75."),
    given("Where \\sigma^2 is small, s is large."),
    given("At 224×224, in 32 bits:"),
    computed(
        "| V1 | {:.2f} MB | {:.2f} MB | first pointwise layer |",
        WEIGHTS["V1"] / 1e6,
        PEAK["V1"][0] / 1e6,
    ),
    computed(
        "| V2 | {:.2f} MB | {:.2f} MB | second block, depthwise layer |",
        WEIGHTS["V2"] / 1e6,
        PEAK["V2"][0] / 1e6,
    ),
    computed(
        "| V3-Large | {:.2f} MB | {:.2f} MB | second block, expansion |",
        WEIGHTS["V3-Large"] / 1e6,
        PEAK["V3-Large"][0] / 1e6,
    ),
    computed(
        "| V3-Small | {:.2f} MB | {:.2f} MB | stem |",
        WEIGHTS["V3-Small"] / 1e6,
        PEAK["V3-Small"][0] / 1e6,
    ),
    computed(
        "| ResNet-50 | {:.2f} MB | {:.2f} MB | first stage, a shortcut's convolution |",
        WEIGHTS["ResNet-50"] / 1e6,
        PEAK["ResNet-50"][0] / 1e6,
    ),
    given("the layer reads 32 maps of 112×112 and writes 64, so (32 + 64)"),
    computed("× 112 × 112 × 4 = {:,} bytes.", PEAK["V1"][0]),
    given("its second block widens 16 channels to 96 before its stride shrinks them."),
    given("In 8 bits weights and most maps are a quarter."),
    given("In 32 bits it takes all layers of our five networks."),
    given("logits = method.execute([image.contiguous()])[0].clone()"),
    computed(
        "| .pte, MB | {:.2f} | {:.2f} | {:.2f} | {:.2f} |",
        megabytes("V1", "ExecuTorch"),
        megabytes("V2", "ExecuTorch"),
        megabytes("V3-Large", "ExecuTorch"),
        megabytes("V3-Small", "ExecuTorch"),
    ),
    computed(
        "| .onnx, MB | {:.2f} | {:.2f} | {:.2f} | {:.2f} |",
        megabytes("V1", "ONNX Runtime"),
        megabytes("V2", "ONNX Runtime"),
        megabytes("V3-Large", "ONNX Runtime"),
        megabytes("V3-Small", "ONNX Runtime"),
    ),
    computed(
        "| 8-bit .pte, MB | {:.2f} | {:.2f} | {:.2f} | {:.2f} |",
        megabytes("V1", "ExecuTorch, 8 bits"),
        megabytes("V2", "ExecuTorch, 8 bits"),
        megabytes("V3-Large", "ExecuTorch, 8 bits"),
        megabytes("V3-Small", "ExecuTorch, 8 bits"),
    ),
    given(
        "Many phones have instructions for 8-bit integers that do several "
        "times as many MACs per second, and only a quarter of the bytes has to "
        "be moved."
    ),
    given(
        "A number is stored as an integer q (−128 to 127 for maps, −127 to 127 "
        "for weights), with a scale:"
    ),
    given("(For maps there is also a zero point, an integer that stands for 0.)"),
    given("one has weights up to 0.5, the other up to 50."),
    given("One scale for both must be 50 / 127 ≈ 0.394."),
    given("−0.394, 0 and 0.394."),
    given("Six weights between minus 0.5 and 0.5, above, and what they become, below."),
    given(
        "With one scale for the layer there are three places to go, at minus "
        "0.39, 0 and 0.39, and weights are moved far."
    ),
    given("Now train whole MobileNets, fold them, and put weights and maps into 8 bits."),
    computed(
        "We trained each network from {} seeds on the handwritten digits of "
        "the last chapter, at 32×32 pixels, and put it into 8 bits (weights "
        "and maps)",
        latency.SEEDS,
    ),
    given("Per cent of 1,000 test digits, mean over the seeds:"),
    given("| | 32 bits | Per channel | Per tensor |"),
    computed(
        "| V1 | {:.1f} | {:.1f} | {:.1f} |",
        digits("V1", "32 bits"),
        digits("V1", "channel"),
        digits("V1", "tensor"),
    ),
    computed(
        "| V2 | {:.1f} | {:.1f} | {:.1f} |",
        digits("V2", "32 bits"),
        digits("V2", "channel"),
        digits("V2", "tensor"),
    ),
    computed(
        "| V3-Large | {:.1f} | {:.1f} | {:.1f} |",
        digits("V3-Large", "32 bits"),
        digits("V3-Large", "channel"),
        digits("V3-Large", "tensor"),
    ),
    computed(
        "| V3-Small | {:.1f} | {:.1f} | {:.1f} |",
        digits("V3-Small", "32 bits"),
        digits("V3-Small", "channel"),
        digits("V3-Small", "tensor"),
    ),
    computed(
        "Per channel, 8 bits cost next to nothing: {:.1f} points at most, in "
        "any of the {} networks.",
        LOST,
        len(DIGITS) * latency.SEEDS,
    ),
    computed("with {} of its {} seeds, and V2 with {}.", ruined("V1"), latency.SEEDS, ruined("V2")),
    given(
        "before the ReLU6 they are negative at every place of every picture, "
        "so behind it they are 0."
    ),
    given("So the variance in its batch norm is zero, and in s = \\gamma / \\sqrt{0 + \\epsilon}."),
    computed(
        "With PyTorch's \\epsilon = {:.5f} that is \\gamma times {:.0f}.",
        torch.nn.BatchNorm2d(1).eps,
        1 / math.sqrt(torch.nn.BatchNorm2d(1).eps),
    ),
    given("We call a channel dead if its variance is below 0.00001."),
    computed(
        "Each of the {} networks that fell has one such channel, among the "
        "{:,} of V1 or the {:,} of V2.",
        ruined("V1") + ruined("V2"),
        CHANNELS["V1"],
        CHANNELS["V2"],
    ),
    computed("The other {} have none.", 2 * latency.SEEDS - ruined("V1") - ruined("V2")),
    given(
        "So set its folded weights to zero and its bias to \\beta, and the "
        "network stays what it was, in 32 bits."
    ),
    given("If the dead channel is the cause, 8 bits per tensor must work again:"),
    computed("| V1 | {:.1f} | {:.1f} |", digits("V1", "tensor"), digits("V1", "tensor, silenced")),
    computed("| V2 | {:.1f} | {:.1f} |", digits("V2", "tensor"), digits("V2", "tensor, silenced")),
    computed(
        "V3-Large has {:.0f} to {:.0f} channels with so small a variance, and is not harmed.",
        min(run["dead"] for run in DIGITS["V3-Large"]),
        max(run["dead"] for run in DIGITS["V3-Large"]),
    ),
    computed(
        "One reason may be its \\epsilon, {:.3f} instead of {:.5f}:",
        V3_EPS,
        torch.nn.BatchNorm2d(1).eps,
    ),
    computed("folding then multiplies by {:.0f} times \\gamma at most.", 1 / math.sqrt(V3_EPS)),
    computed(
        "V1 as released, put into 8 bits per tensor, fell from {:.1f} % on "
        "ImageNet to {:.1f}, while InceptionV3, without depthwise layers, went "
        "from {:.1f} to {:.1f} .",
        papers.SHENG["MobileNetV1"][0],
        papers.SHENG["MobileNetV1"][1],
        papers.SHENG["InceptionV3"][0],
        papers.SHENG["InceptionV3"][1],
    ),
    computed("A changed and retrained V1 of theirs kept {:.2f} in 8 bits.", papers.SHENG_MENDED),
    computed("With {} digits instead of 600, the noise grew in the mean:", latency.FEW),
    computed(
        "fell from {:.1f} decibels to {:.1f} for V1, from {:.1f} to {:.1f} for V3-Small.",
        digits("V1", "channel, dB"),
        digits("V1", "channel, few, dB"),
        digits("V3-Small", "channel, dB"),
        digits("V3-Small", "channel, few, dB"),
    ),
    computed(
        "A channel whose weights are all below 127 / {} ≈ {:.3f} gets fewer "
        "than 8 bits, even with a scale of its own.",
        round(1 / EPSILON),
        127 * EPSILON,
    ),
    given("Our accuracies are computed by PyTorch, which imitates the 8 bits."),
    given("### Is V3 harder to put into 8 bits?"),
    computed(
        "Someone's V3, rounded after training, fell from {:.2f} % to {:.2f} "
        "per tensor and {:.2f} per channel .",
        papers.MASAHI_V3["32 bits"],
        papers.MASAHI_V3["tensor"],
        papers.MASAHI_V3["channel"],
    ),
    given(
        "What was published in 8 bits, after training with the rounding or in "
        "a way that the source does not tell:"
    ),
    given("| Top-1, per cent | 32 bits | 8 bits | Source |"),
    computed("| V1 | {} | {} | released code |", papers.SLIM_V1_UINT8[0], papers.SLIM_V1_UINT8[1]),
    computed(
        "| V2 | {:.1f} | {} | V3's paper, Tables 3 and 4 |",
        papers.V3_TABLE3["V2 1.0"][0],
        papers.V3_TABLE4["V2 1.0"][0],
    ),
    computed(
        "| V3-Large | {} | {} | the same |",
        papers.V3_TABLE3["V3-Large 1.0"][0],
        papers.V3_TABLE4["V3-Large 1.0"][0],
    ),
    computed(
        "| V3-Small | {} | {} | the same |",
        papers.V3_TABLE3["V3-Small 1.0"][0],
        papers.V3_TABLE4["V3-Small 1.0"][0],
    ),
    computed(
        "| V2 | {:.1f} | {:.1f} | torchvision's weights |",
        papers.TORCHVISION_INT8["V2"][0],
        papers.TORCHVISION_INT8["V2"][1],
    ),
    computed(
        "| V3-Large | {:.1f} | {:.1f} | torchvision's weights |",
        papers.TORCHVISION_INT8["V3-Large"][0],
        papers.TORCHVISION_INT8["V3-Large"][1],
    ),
    computed(
        "In 8 bits V1 gets {:.1f} times faster than the same file in 32 bits, "
        "V2 {:.1f}, V3-Large {:.1f} and V3-Small {:.1f}.",
        faster("V1", "ExecuTorch, 8 bits") / faster("V1", "ExecuTorch"),
        faster("V2", "ExecuTorch, 8 bits") / faster("V2", "ExecuTorch"),
        faster("V3-Large", "ExecuTorch, 8 bits") / faster("V3-Large", "ExecuTorch"),
        faster("V3-Small", "ExecuTorch, 8 bits") / faster("V3-Small", "ExecuTorch"),
    ),
    given("The Pixel 1 of the tables below gains far less.)"),
    given("it declares h-swish for 32 bits only."),
    given(
        "So before each h-swish the map is turned back into floating point, "
        "and after it into 8 bits again."
    ),
    given("How much noise do the 8 bits make?"),
    given("their energy over the energy of the error, 10 decibels for each factor of ten."),
    computed(
        "For V1 with random weights it comes out at {:.1f} decibels, an error "
        "of about three tenths.",
        noise("V1", "shared"),
    ),
    computed(
        "Count as signal only what differs from picture to picture, and it is −{:.1f}:",
        -noise("V1", "apart"),
    ),
    computed(
        "| with what is shared | {:.1f} | {:.1f} | {:.1f} | {:.1f} |",
        noise("V1", "shared"),
        noise("V2", "shared"),
        noise("V3-Large", "shared"),
        noise("V3-Small", "shared"),
    ),
    computed(
        "| what differs | −{:.1f} | −{:.1f} | {:.1f} | {:.1f} |",
        -noise("V1", "apart"),
        -noise("V2", "apart"),
        noise("V3-Large", "apart"),
        noise("V3-Small", "apart"),
    ),
    computed(
        "| trained on digits, what differs | {:.1f} | {:.1f} | {:.1f} | {:.1f} |",
        digits("V1", "channel, dB"),
        digits("V2", "channel, dB"),
        digits("V3-Large", "channel, dB"),
        digits("V3-Small", "channel, dB"),
    ),
    given("(8 bits per channel."),
    given(
        "What the papers measured, one picture at 224×224 (V4-Conv-S is the smallest MobileNetV4):"
    ),
    given("| | Pixel 1, 32 bits | Pixel 1, 8 bits | Pixel 6, 8 bits | Galaxy S23, 8 bits |"),
    computed(
        "| V1 | {} | – | {} | {} |",
        papers.V2_TABLE4["MobileNetV1"][3],
        papers.V4_TABLE6["MobileNet-V1"][1],
        papers.V4_TABLE6["MobileNet-V1"][4],
    ),
    computed(
        "| V2 | {} | {} | {:.1f} | {} |",
        papers.V3_TABLE3["V2 1.0"][3],
        papers.V3_TABLE4["V2 1.0"][1],
        papers.V4_TABLE6["MobileNet-V2"][1],
        papers.V4_TABLE6["MobileNet-V2"][4],
    ),
    computed(
        "| V3-Large | {} | {} | – | – |",
        papers.V3_TABLE3["V3-Large 1.0"][3],
        papers.V3_TABLE4["V3-Large 1.0"][1],
    ),
    computed(
        "| V3-Small | {} | {} | – | – |",
        papers.V3_TABLE3["V3-Small 1.0"][3],
        papers.V3_TABLE4["V3-Small 1.0"][1],
    ),
    computed(
        "| V4-Conv-S | – | – | {} | {} |",
        papers.V4_TABLE6["MNv4-Conv-S"][1],
        papers.V4_TABLE6["MNv4-Conv-S"][4],
    ),
    given("Pixel 1:"),
    given("V2's paper, Table 4, for V1 ;"),
    given("V3's, Tables 3 and 4, for the rest ."),
    given("V4's, Table 6 .)"),
    computed(
        "on the Pixel 8's accelerator V1 takes {} ms, V2 and V4-Conv-S {};",
        papers.V4_TABLE6["MobileNet-V1"][2],
        papers.V4_TABLE6["MobileNet-V2"][2],
    ),
    computed(
        "on an iPhone 13 with Core ML, in 16 bits, {}, {} and {}.",
        papers.V4_TABLE6["MobileNet-V1"][3],
        papers.V4_TABLE6["MobileNet-V2"][3],
        papers.V4_TABLE6["MNv4-Conv-S"][3],
    ),
    printed(
        "V1 takes 113 ms in V2's paper, on the same phone and in the same "
        "table in which V2 takes 75, where V3's paper has 64.",
        where="V2, Table 4; V3, Table 3",
    ),
    computed(
        '"Nine times fewer operations, so nine times faster." Here it is from '
        "{:.1f} to {:.0f} times, depending on the place in the network.",
        min(RATIOS),
        max(RATIOS),
    ),
    computed(
        '"Depthwise layers are the bottleneck of a MobileNet." On our core the '
        "depthwise layers of V1's blocks take {:.1f} % of the blocks' time for "
        "{:.1f} % of V1's MACs:",
        100 * DEPTHWISE_TIME,
        100 * DEPTHWISE_SHARE,
    ),
    computed(
        '"MobileNets are slow in PyTorch because Python is slow." Compiled, '
        "without Python between the layers, V2 still takes {:.1f} ms instead "
        "of {:.1f}.",
        milliseconds("V2", "compiled"),
        milliseconds("V2", "eager"),
    ),
    computed("The rest of the way to {:.1f} must be something else;", best("V2")[0]),
    computed(
        "V3-Small took {:.1f} times as long.",
        milliseconds("V3-Small", "two threads") / milliseconds("V3-Small", "folded"),
    ),
    computed(
        "torchvision's V3 in 8 bits has a file of {:.2f} MB, V2's one of {:.2f}.",
        papers.TORCHVISION_INT8_MB["V3-Large"],
        papers.TORCHVISION_INT8_MB["V2"],
    ),
    given(
        "V3's file holds the weights in 32 bits, before the conversion, "
        "because the converted ones did not load correctly ."
    ),
    given("Depthwise 3×3 layers have at most 9 / 8 = 1.125 MACs per byte in 32 bits."),
    computed("On good code a MobileNet comes within {:.1f} (V1)", closeness("V1")),
    computed("to {:.1f} times (V3-Small)", closeness("V3-Small")),
    given("In 8 bits that can blow up dead channels;"),
    given('"The new block is faster: 10.4 ms instead of 12.1, mean of five runs each;'),
    given("A machine does 50 billion MACs and moves 25 billion bytes in a second."),
    given("A depthwise 5×5 layer works on 120 channels of 28×28, stride 1, in 32 bits."),
    given(
        "And in 8 bits, if the machine then does 150 billion MACs, and still "
        "moves 25 billion bytes?"
    ),
    given(
        "{dropdown} Solution (a) 25 MACs for each number written, and one is "
        "read for it: 25 / 8 = 3.125 MACs per byte."
    ),
    computed(
        "The roof bends at 50 / 25 = 2 MACs per byte, so arithmetic is the "
        "limit: 25 × 120 × 28 × 28 = {:,} MACs, {:.0f} microseconds.",
        25 * 120 * 28 * 28,
        25 * 120 * 28 * 28 / 50e9 * 1e6,
    ),
    given("(c) 25 / 2 = 12.5 MACs per byte, and the bend is at 150 / 25 = 6."),
    computed("Arithmetic again, {:.1f} microseconds.", 25 * 120 * 28 * 28 / 150e9 * 1e6),
    given("with 3×3 it would be 9 / 8 = 1.125, and the bytes would be the limit."),
    given(
        "A channel has w = 4 (a 1×1 kernel with one input), b = 1, \\mu = 3, "
        "\\gamma = 2, \\beta = 1 and \\sqrt{\\sigma^2 + \\epsilon} = 8."
    ),
    given("s = 2 / 8 = 0.25;"),
    given("the weight is 4 × 0.25 = 1, the bias 1 + (1 - 3)"),
    given("× 0.25 = 0.5."),
    given("Check with an input of 5: 4 × 5 + 1 = 21, then 2 × (21 - 3)"),
    given("/ 8 + 1 = 5.5;"),
    given("folded, 1 × 5 + 0.5 = 5.5."),
    given(
        "{exercise} The peak  V2's second block gets 16 channels of 112×112, "
        "widens them to 96, and its depthwise layer has a stride of 2."
    ),
    given(
        "How many bytes are alive in 32 bits while the depthwise layer runs, "
        "and while the expansion runs?"
    ),
    given("{dropdown} Solution The expansion reads 16 maps and writes 96:"),
    given("(16 + 96)"),
    computed("× 112 × 112 × 4 = {:,} bytes.", (16 + 96) * 112**2 * 4),
    given(
        "The depthwise layer reads 96 maps of 112×112 and writes 96 of 56×56: "
        "96 × (112 × 112 + 56 × 56)"
    ),
    computed("× 4 = {:,}.", 96 * (112**2 + 56**2) * 4),
    given("(The block has a stride of 2 and changes the width, so it has no shortcut.)"),
    given(
        "{exercise} A scale  A folded depthwise layer has 64 channels with "
        "weights up to 0.8, and a dead one up to 240."
    ),
    given("Why does the same layer do no harm in 32-bit floating point?"),
    given("The step is 240 / 127 ≈ 1.89."),
    given("All weights lie within 0.8 of zero, less than half a step:"),
    given("they all become 0."),
    given(
        "Scale each output channel's weights by \\gamma / \\sqrt{\\sigma^2 + "
        "\\epsilon}, and adapt the bias."
    ),
    given("{dropdown} Why do MobileNets suffer from 8 bits per tensor?"),
    given("8 bits:"),
]
NOTEBOOK = [
    named("It needs 3 GB of memory.", "MEMORY in tests/test_contracts"),
    given(
        "Then you will turn them into files for a phone's runtime, check that "
        "they still compute the same, and squeeze them into 8 bits:"
    ),
    given(
        "Its batch norms take the averages with which they were born, 0 and 1, "
        "for those of the data."
    ),
    given("a megabyte, which stays in the processor's caches, and 256 of them, which do not."),
    computed("A separable block has {:.2f} times fewer MACs here.", fewer(MIDDLE)),
    given("- \\mu}{\\sqrt{\\sigma^2 + \\epsilon}} + \\beta ;"),
    given("&\\text{with } s = \\frac{\\gamma}{\\sqrt{\\sigma^2 + \\epsilon}} \\end{aligned}"),
    given("Stored in 8 bits, a weight is an integer from −127 to 127, times a scale."),
    given("one step is 50 / 127 ≈ 0.39."),
    given(
        "The signal-to-noise ratio compares the outputs' energy with that of "
        "their error, in decibels: 10 for each factor of ten."
    ),
    given("So their batch norm divides by \\sqrt{0 + \\epsilon}, and \\epsilon is 10^{-5}:"),
    computed(
        r"folding multiplies their weights by about {:.0f}, times \gamma.",
        1 / math.sqrt(torch.nn.BatchNorm2d(1).eps),
    ),
    given(
        "For 8-bit arithmetic the maps must be integers too, and their scales must be fixed before:"
    ),
    given("the quantizer says which layers XNNPACK can run in 8 bits."),
    given("The decibels tell how much noise the 8 bits make in the outputs, as above."),
    given("Now the networks for photographs, in 8 bits, on the runtime."),
    given("## Exercise 1:"),
    given("## Exercise 2:"),
    given("A map is stored in 8 bits with a scale and a zero point z:"),
    given("the integer q, from −128 to 127, stands for (q - z)"),
    given("Padding is made of zeros, so 0 must be stored without error."),
    given(
        "the scale and the zero point for a range from low to high that "
        "contains 0, and the integers."
    ),
]
FIGURES = []
# How often each name with a digit in it stands there.
PAGE_NAMES = {
    "1×1": 1,
    "3×3": 9,
    "5×5": 2,
    "7×7": 2,
    "InceptionV3": 1,
    "MobileNetV1": 1,
    "MobileNetV4": 2,
    "ReLU6": 1,
    "ResNet-50": 9,
    "S23": 1,
    "V1": 35,
    "V2": 31,
    "V3": 41,
    "V4": 4,
}
NOTEBOOK_NAMES = {"1×1": 1, "3×3": 2, "PT2E": 1, "ResNet-50": 2, "V1": 4, "V2": 3, "V3": 2}
FIGURES_NAMES = {"ResNet-50": 1, "V1": 1, "V2": 1, "V3": 2}
