"""Our blocks and networks give the reference's outputs, and each known mistake is caught."""

import re
from functools import partial

import pytest
import timm
import torch
from timm.models._efficientnet_blocks import DepthwiseSeparableConv as TimmBlock
from torch import nn
from torch.testing import assert_close
from torchvision.models import mobilenet_v2, mobilenet_v3_large, mobilenet_v3_small
from torchvision.models.mobilenetv2 import InvertedResidual as TorchvisionBlock
from torchvision.models.mobilenetv3 import InvertedResidual as TorchvisionV3Block
from torchvision.models.mobilenetv3 import InvertedResidualConfig

from tests.book import ROOT, definitions


def images(count: int, channels: int, side: int) -> torch.Tensor:
    return torch.randn(count, channels, side, side, dtype=torch.float64)


def calibrated(module: nn.Module, channels: int, side: int) -> nn.Module:
    """Give the batch norms real statistics and scales: fresh ones hide mistakes."""
    torch.manual_seed(1)
    module = module.double().train()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None  # a plain average: the usual one forgets too slowly
            nn.init.uniform_(layer.weight, 0.5, 2.5)  # large enough for ReLU6 to clip
            nn.init.uniform_(layer.bias, -0.5, 0.5)
    with torch.no_grad():
        for _ in range(3):
            module(images(4, channels, side))
    return module.eval()


def load_in_order(ours: nn.Module, reference: nn.Module) -> nn.Module:
    """Copy the reference's weights by their order: only the names differ."""
    names, weights = ours.state_dict(), reference.state_dict()
    same_number = len(names) == len(weights)  # else pytest would print them all
    assert same_number, "another number of tensors"
    ours = ours.double().eval()
    ours.load_state_dict(dict(zip(names, weights.values(), strict=True)))
    return ours


@torch.no_grad()
def compare(ours: nn.Module, reference: nn.Module, channels: int, sides: tuple[int, ...]) -> None:
    """Equal outputs for the same weights, and outputs that depend on the image."""
    ours = load_in_order(ours, reference)
    for side in sides:
        x = images(2, channels, side)
        expected = reference(x)
        assert (expected[0] - expected[1]).abs().max() > 0.01, "the reference is blind"
        assert_close(ours(x), expected, rtol=1e-10, atol=1e-10)


# ---------------------------------------------------------------- the separable block


def compare_block(block: nn.Module, m: int, n: int, stride: int) -> None:
    reference = TimmBlock(m, n, stride=stride, act_layer=nn.ReLU, noskip=True, pw_act=True)
    compare(block, calibrated(reference, m, 14), m, (14, 15))


@pytest.mark.parametrize(("m", "n", "stride"), [(32, 64, 1), (64, 128, 2), (8, 8, 1), (3, 5, 2)])
def test_block_equals_timm(m, n, stride):
    compare_block(definitions("separable").DepthwiseSeparableConv(m, n, stride), m, n, stride)


BLOCK_MISTAKES = {
    "groups removed": ("groups=groups,", "groups=1,"),
    "stride forgotten": ("in_channels, 3, stride,", "in_channels, 3, 1,"),
    "padding forgotten": ("padding=kernel // 2", "padding=0"),
    "bias kept": ("            bias=False,", "            bias=True,"),
    "batch norm left out": ("nn.BatchNorm2d(out_channels)", "nn.Identity()"),
    "activation left out": ("nn.ReLU()", "nn.Identity()"),
    "another activation": ("nn.ReLU()", "nn.Hardswish()"),
    "pointwise padded": ("padding=kernel // 2", "padding=1"),
    "wrong order": (
        "self.pointwise(self.depthwise(x))",
        "self.depthwise(self.pointwise(x))",
    ),
}


@pytest.mark.parametrize("mistake", BLOCK_MISTAKES)
def test_each_known_mistake_in_the_block_is_caught(mistake):
    broken = definitions("separable", *BLOCK_MISTAKES[mistake])
    with pytest.raises((AssertionError, RuntimeError)):
        compare_block(broken.DepthwiseSeparableConv(8, 8, 2), 8, 8, 2)


# ---------------------------------------------------------------- MobileNetV1


@pytest.fixture(scope="module")
def timm_v1() -> nn.Module:
    return calibrated(timm.create_model("mobilenetv1_100"), 3, 96)


@pytest.mark.parametrize(("name", "width"), [("mobilenetv1_100", 1.0), ("mobilenetv1_125", 1.25)])
def test_v1_equals_timm(name, width):
    reference = calibrated(timm.create_model(name), 3, 96)
    compare(definitions("v1").MobileNetV1(width_mult=width), reference, 3, (224, 160, 97))


def test_v1_equals_timm_with_ten_classes():
    reference = calibrated(timm.create_model("mobilenetv1_100", num_classes=10), 3, 96)
    compare(definitions("v1").MobileNetV1(num_classes=10), reference, 3, (33,))


V1_MISTAKES = {
    "ReLU for ReLU6": ("nn.ReLU6()", "nn.ReLU()"),
    "the stride that Table 1 misprints": ("(1024, 1),", "(1024, 2),"),
    "a stride forgotten": ("(1024, 2),", "(1024, 1),"),
    "the stem's stride forgotten": (
        "channels, kernel=3, stride=2, groups=1",
        "channels, kernel=3, stride=1, groups=1",
    ),
    "batch norm left out": ("nn.BatchNorm2d(out_channels)", "nn.Identity()"),
    "another epsilon": ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(out_channels, 1e-3)"),
    "bias": ("bias=False", "bias=True"),
    "blocks exchanged, same shapes": (
        "(128, 2),  # 112 × 112 × 64\n    (128, 1),",
        "(128, 1),\n    (128, 2),",
    ),
    "blocks exchanged, other shapes": (
        "(256, 1),  # 28 × 28 × 256\n    (512, 2),",
        "(512, 2),\n    (256, 1),",
    ),
    "a block forgotten": ("(1024, 1),", ""),
    "pointwise first": ("self.pointwise(self.depthwise(x))", "self.depthwise(self.pointwise(x))"),
    "pointwise padded": ("padding=kernel // 2", "padding=1"),
    "groups forgotten": ("groups=groups,", "groups=1,"),
    "another pooling": ("nn.AdaptiveAvgPool2d(1)", "nn.AdaptiveMaxPool2d(1)"),
    "a fixed pooling": ("nn.AdaptiveAvgPool2d(1)", "nn.AvgPool2d(7)"),
    "softmax inside": (
        "return self.classifier(self.dropout(x))",
        "return self.classifier(self.dropout(x)).softmax(dim=1)",
    ),
}


@pytest.mark.parametrize("mistake", V1_MISTAKES)
def test_each_known_mistake_in_v1_is_caught(mistake, timm_v1):
    broken = definitions("v1", *V1_MISTAKES[mistake])
    with pytest.raises((AssertionError, RuntimeError)):
        compare(broken.MobileNetV1(), timm_v1, 3, (97, 64))


# ---------------------------------------------------------------- MobileNetV2


@pytest.fixture(scope="module")
def torchvision_v2() -> nn.Module:
    return calibrated(mobilenet_v2(), 3, 96)


@pytest.mark.parametrize("width", [0.05, 0.35, 0.5, 0.75, 1.0, 1.4])
def test_v2_equals_torchvision(width):
    """At 0.05 rounding makes channels equal that were not: the shortcut must follow it."""
    reference = calibrated(mobilenet_v2(width_mult=width), 3, 96)
    ours = definitions("v2").MobileNetV2(width_mult=width)
    theirs = [m.use_res_connect for m in reference.features if hasattr(m, "use_res_connect")]
    assert [block.shortcut for block in ours.blocks] == theirs
    assert (sum(theirs) > 10) == (width < 0.1)
    compare(ours, reference, 3, (224, 97) if width == 1.0 else (97,))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("t", [1, 6])
@pytest.mark.parametrize("n", [16, 24])
def test_inverted_residual_equals_torchvision(stride, t, n):
    reference = calibrated(TorchvisionBlock(24, n, stride, t), 24, 14)
    compare(definitions("v2").InvertedResidual(24, n, stride, t), reference, 24, (14, 15))


V2_MISTAKES = {
    "activation behind the projection": (
        "self.layers.extend(conv_bn(hidden, out_channels, 1, 1, groups=1))",
        "self.layers.extend(conv_bn(hidden, out_channels, 1, 1, groups=1) + [nn.ReLU6()])",
    ),
    "no shortcut": ("stride == 1 and in_channels == out_channels", "False"),
    "no activation in the middle": (
        "self.layers.extend(conv_bn(hidden, hidden, 3, stride, groups=hidden))\n"
        "        self.layers.append(nn.ReLU6())",
        "self.layers.extend(conv_bn(hidden, hidden, 3, stride, groups=hidden))\n"
        "        self.layers.append(nn.Identity())",
    ),
    "activation behind the sum": (
        "return x + self.layers(x)",
        "return F.relu6(x + self.layers(x))",
    ),
    "expansion where t is 1": ("if expand_ratio != 1:", "if True:"),
    "the first version's strides": (
        "(6, 64, 4, 2),  # 28 × 28 × 32\n    (6, 96, 3, 1),",
        "(6, 64, 4, 1),\n    (6, 96, 3, 2),",
    ),
    "stride on every repetition": ("s if i == 0 else 1", "s"),
    "stride in the expansion": (
        "conv_bn(in_channels, hidden, 1, 1, groups=1)",
        "conv_bn(in_channels, hidden, 1, stride, groups=1)",
    ),
    "plain ReLU": ("nn.ReLU6(", "nn.ReLU("),
    "another epsilon": ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(out_channels, 1e-3)"),
    "bias": ("bias=False", "bias=True"),
    "no activation behind the last layer": (
        "conv_bn(channels, last, 1, 1, groups=1), nn.ReLU6()",
        "conv_bn(channels, last, 1, 1, groups=1)",
    ),
    "expansion of the output": ("round(in_channels * expand_ratio)", "out_channels * expand_ratio"),
}


@pytest.mark.parametrize("mistake", V2_MISTAKES)
def test_each_known_mistake_in_v2_is_caught(mistake, torchvision_v2):
    broken = definitions("v2", *V2_MISTAKES[mistake])
    with pytest.raises((AssertionError, RuntimeError)):
        compare(broken.MobileNetV2(), torchvision_v2, 3, (97, 64))


def test_a_last_layer_made_thin_is_caught():
    """It shows only below a width of 1."""
    broken = definitions("v2", "1280 * max(1.0, width_mult)", "1280 * width_mult")
    reference = calibrated(mobilenet_v2(width_mult=0.35), 3, 96)
    with pytest.raises(RuntimeError, match="size mismatch"):
        compare(broken.MobileNetV2(width_mult=0.35), reference, 3, (97,))


# ---------------------------------------------------------------- MobileNetV3

TORCHVISION_V3 = {"large": mobilenet_v3_large, "small": mobilenet_v3_small}


def loud(network: nn.Module) -> nn.Module:
    """Weights at a scale that keeps the signal: torchvision's start makes depthwise layers quiet,
    and then the batch norms' epsilon drowns the rest.
    """
    torch.manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, mode="fan_in")
    return network


@pytest.fixture(scope="module")
def torchvision_v3() -> dict[str, nn.Module]:
    return {name: calibrated(loud(build()), 3, 96) for name, build in TORCHVISION_V3.items()}


def test_the_references_of_the_mistakes_agree_with_the_right_networks(
    timm_v1, torchvision_v2, torchvision_v3
):
    """So that a mistake is caught for its own sake, not because the reference is blind."""
    compare(definitions("v1").MobileNetV1(), timm_v1, 3, (97, 64))
    compare(definitions("v2").MobileNetV2(), torchvision_v2, 3, (97, 64))
    for variant, reference in torchvision_v3.items():
        compare(definitions("v3").MobileNetV3(variant), reference, 3, (97, 64))


@pytest.mark.parametrize("variant", TORCHVISION_V3)
@pytest.mark.parametrize("width", [0.05, 0.35, 0.5, 0.75, 1.0, 1.25])
def test_v3_equals_torchvision(variant, width):
    """In thin networks rounding makes channels equal that were not: the shortcut must follow it."""
    reference = calibrated(loud(TORCHVISION_V3[variant](width_mult=width)), 3, 96)
    ours = definitions("v3").MobileNetV3(variant, width_mult=width)
    theirs = [m.use_res_connect for m in reference.features if hasattr(m, "use_res_connect")]
    assert [block.shortcut for block in ours.blocks] == theirs
    if width >= 0.35:
        seventh = variant == "small" and width <= 0.5
        assert sum(theirs) == {"large": 10, "small": 6}[variant] + seventh
    compare(ours, reference, 3, (224, 97) if width == 1.0 else (97,))


def test_v3_equals_torchvision_with_ten_classes():
    reference = calibrated(loud(mobilenet_v3_small(num_classes=10)), 3, 96)
    compare(definitions("v3").MobileNetV3("small", num_classes=10), reference, 3, (33,))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("exp", [24, 72])
@pytest.mark.parametrize("se", [False, True])
@pytest.mark.parametrize("nl", ["RE", "HS"])
def test_v3_block_equals_torchvision(stride, kernel, exp, se, nl):
    config = InvertedResidualConfig(
        input_channels=24,
        kernel=kernel,
        expanded_channels=exp,
        out_channels=24,
        use_se=se,
        activation=nl,
        stride=stride,
        dilation=1,
        width_mult=1.0,
    )
    norm = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
    reference = calibrated(loud(TorchvisionV3Block(config, norm)), 24, 14)
    squeeze = {24: 8, 72: 24}[exp] if se else 0
    ours = definitions("v3").InvertedResidual(24, kernel, exp, 24, squeeze, nl, stride)
    compare(ours, reference, 24, (14, 15))


# What is replaced in the notebook. These show in both variants, those below in one.
V3_MISTAKES = {
    "squeeze before the activation": (
        "self.layers.append(activation())\n"
        "        if squeeze:\n"
        "            self.layers.append(SqueezeExcitation(expanded, squeeze))",
        "if squeeze:\n"
        "            self.layers.append(SqueezeExcitation(expanded, squeeze))\n"
        "        self.layers.append(activation())",
    ),
    "squeeze after the projection": (
        "        if squeeze:\n"
        "            self.layers.append(SqueezeExcitation(expanded, squeeze))\n"
        "        self.layers.extend(conv_bn(expanded, out_channels, 1, 1, groups=1))",
        "        self.layers.extend(conv_bn(expanded, out_channels, 1, 1, groups=1))\n"
        "        if squeeze:\n"
        "            self.layers.append(SqueezeExcitation(out_channels, squeeze))",
    ),
    "sigmoid for the gate": ("nn.Hardsigmoid()", "nn.Sigmoid()"),
    "old Keras's hard sigmoid": (
        "            nn.Hardsigmoid(),\n        )\n\n    def forward(self, x: Tensor) -> Tensor:\n"
        "        return x * self.gate(x)",
        "        )\n\n    def forward(self, x: Tensor) -> Tensor:\n"
        "        return x * (0.2 * self.gate(x) + 0.5).clamp(0, 1)",
    ),
    "SiLU for h-swish": ('"HS": nn.Hardswish', '"HS": nn.SiLU'),
    "SiLU in the head": ("            nn.Hardswish(),\n", "            nn.SiLU(),\n"),
    "ReLU for h-swish": ('"HS": nn.Hardswish', '"HS": nn.ReLU'),
    "h-swish for ReLU": ('"RE": nn.ReLU', '"RE": nn.Hardswish'),
    "PyTorch's epsilon": ("eps=0.001", "eps=1e-5"),
    "squeeze not rounded": ("make_divisible(exp // 4) if se", "exp // 4 if se"),
    "squeeze from the input": ("make_divisible(exp // 4) if se", "channels // 4 if se"),
    "no squeeze": ("make_divisible(exp // 4) if se else 0", "0"),
    "activation behind the projection": (
        "self.layers.extend(conv_bn(expanded, out_channels, 1, 1, groups=1))",
        "self.layers.extend(conv_bn(expanded, out_channels, 1, 1, 1) + [activation()])",
    ),
    "no shortcut": ("stride == 1 and in_channels == out_channels", "False"),
    "expansion where there is nothing to expand": ("if expanded != in_channels:", "if True:"),
    "padding of a 3×3": ("padding = kernel // 2", "padding = min(kernel // 2, 1)"),
    "no bias in squeeze-and-excite": (
        "nn.Conv2d(channels, squeeze, kernel_size=1)",
        "nn.Conv2d(channels, squeeze, kernel_size=1, bias=False)",
    ),
    "bias": ("bias=False", "bias=True"),
    "batch norm in the head": (
        "            nn.Linear(last, scaled(features)),\n",
        "            nn.Linear(last, scaled(features)), nn.BatchNorm1d(scaled(features)),\n",
    ),
    "softmax inside": (
        "return self.classifier(self.pool(x).flatten(1))",
        "return self.classifier(self.pool(x).flatten(1)).softmax(1)",
    ),
}
LARGE_MISTAKES = {
    "the first version's rows": (
        'Row(5, 672, 160, True, "HS", 2),  # 14 × 14 × 112\n    Row(5, 960, 160, True, "HS", 1),',
        'Row(5, 672, 160, True, "HS", 1),\n    Row(5, 672, 160, True, "HS", 2),',
    ),
    "a kernel of 3 for one of 5": (
        'Row(5, 120, 40, True, "RE", 1)',
        'Row(3, 120, 40, True, "RE", 1)',
    ),
    "strides exchanged": (
        'Row(3, 240, 80, False, "HS", 2),  # 28 × 28 × 40\n    Row(3, 200, 80, False, "HS", 1),',
        'Row(3, 240, 80, False, "HS", 1),\n    Row(3, 200, 80, False, "HS", 2),',
    ),
    "h-swish from the sixth block on": (
        'Row(5, 120, 40, True, "RE", 1),  # 28 × 28 × 40\n    Row(3, 240',
        'Row(5, 120, 40, True, "HS", 1),  # 28 × 28 × 40\n    Row(3, 240',
    ),
}
SMALL_MISTAKES = {
    "1280 features": ('"small": (V3_SMALL, 1024)', '"small": (V3_SMALL, 1280)'),
    "ReLU in the fourth block": ('Row(5, 96, 40, True, "HS", 2)', 'Row(5, 96, 40, True, "RE", 2)'),
    "no squeeze in the first block": (
        'Row(3, 16, 16, True, "RE", 2)',
        'Row(3, 16, 16, False, "RE", 2)',
    ),
}


@pytest.mark.parametrize(
    ("variant", "mistake"),
    [(variant, mistake) for mistake in V3_MISTAKES for variant in TORCHVISION_V3]
    + [("large", mistake) for mistake in LARGE_MISTAKES]
    + [("small", mistake) for mistake in SMALL_MISTAKES],
)
def test_each_known_mistake_in_v3_is_caught(variant, mistake, torchvision_v3):
    mistakes = V3_MISTAKES | LARGE_MISTAKES | SMALL_MISTAKES
    broken = definitions("v3", *mistakes[mistake])
    with pytest.raises((AssertionError, RuntimeError)):
        compare(broken.MobileNetV3(variant), torchvision_v3[variant], 3, (97, 64))


ON_THE_PAGE = {  # what the page calls a mistake: what it is called here
    "Squeeze-and-excite before the activation.": "squeeze before the activation",
    "Another gate": "sigmoid for the gate",
    "SiLU for h-swish.": "SiLU for h-swish",
    "The epsilon.": "PyTorch's epsilon",
    "The shortcut decided before rounding.": "the shortcut decided before rounding",
    "h-swish in the first six blocks": "h-swish for ReLU",
    "Squeeze-and-excite after the projection.": "squeeze after the projection",
    "The squeeze not rounded.": "squeeze not rounded",
    "The first version's table.": "the first version's rows",
}


def under(heading: str) -> list[str]:
    """The mistakes that the page lists under a heading, by their words in bold."""
    page = (ROOT / "chapters" / "v3" / "index.md").read_text()
    section = page.partition(f"### {heading}\n")[2].partition("\n##")[0]
    return re.findall(r"^\*\*(.+?)\*\*", section, flags=re.MULTILINE)


def broken_v3(name: str) -> tuple[nn.Module, nn.Module]:
    """The network with a mistake, and the reference; one is seen in thin networks alone."""
    mistakes = V3_MISTAKES | LARGE_MISTAKES | THIN_MISTAKES
    notebook = definitions("v3", *mistakes[name])
    if name in THIN_MISTAKES:
        return notebook.MobileNetV3("small", width_mult=0.35), mobilenet_v3_small(width_mult=0.35)
    return notebook.MobileNetV3("large"), mobilenet_v3_large()


def test_the_page_lists_the_mistakes_that_are_tested():
    assert [*under("Loads, and is wrong"), *under("Does not load")] == list(ON_THE_PAGE)


@pytest.mark.parametrize("words", under("Loads, and is wrong"))
def test_what_the_page_says_loads_does_load(words):
    load_in_order(*broken_v3(ON_THE_PAGE[words]))


def test_the_hard_sigmoid_of_old_keras_loads():
    load_in_order(*broken_v3("old Keras's hard sigmoid"))


@pytest.mark.parametrize("words", under("Does not load"))
def test_what_the_page_says_does_not_load_does_not(words):
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_in_order(*broken_v3(ON_THE_PAGE[words]))


THIN_MISTAKES = {  # they show only where channels are scaled
    "the shortcut decided before rounding": (
        "InvertedResidual(channels, kernel, exp, out, squeeze, nl, s)\n        )",
        "InvertedResidual(channels, kernel, exp, out, squeeze, nl, s)\n        )\n"
        "        if len(blocks) == 7:\n"
        "            blocks[-1].shortcut = False",
    ),
    "the last features not scaled": ("scaled(features)", "features"),
    "the stem not scaled": ("scaled(16)", "16"),
    "the last layer from the table": ("last = 6 * channels", "last = scaled(576)"),
}


@pytest.mark.parametrize("mistake", THIN_MISTAKES)
def test_each_known_mistake_in_a_thin_v3_is_caught(mistake):
    reference = calibrated(loud(mobilenet_v3_small(width_mult=0.35)), 3, 96)
    broken = definitions("v3", *THIN_MISTAKES[mistake])
    with pytest.raises((AssertionError, RuntimeError)):
        compare(broken.MobileNetV3("small", width_mult=0.35), reference, 3, (97,))


# What a notebook does to a finished network: what it is in the network's source.
BY_HAND = {
    ("v1", "plain_relu"): V1_MISTAKES["ReLU for ReLU6"],
    ("v1", "printed_stride"): ("(1024, 1),  # 7", "(1024, 2),  # 7"),
    ("v1", "tensorflow_epsilon"): V1_MISTAKES["another epsilon"],
    ("v2", "activation_behind_the_projection"): V2_MISTAKES["activation behind the projection"],
    ("v2", "no_shortcut"): V2_MISTAKES["no shortcut"],
    ("v2", "first_arxiv_strides"): V2_MISTAKES["the first version's strides"],
    ("v2", "plain_relu"): V2_MISTAKES["plain ReLU"],
    ("v3", "sigmoid_gate"): V3_MISTAKES["sigmoid for the gate"],
    ("v3", "old_keras_gate"): V3_MISTAKES["old Keras's hard sigmoid"],
    ("v3", "swish_for_h_swish"): ("nn.Hardswish", "nn.SiLU"),
    ("v3", "h_swish_in_every_block"): V3_MISTAKES["h-swish for ReLU"],
    ("v3", "squeeze_before_activation"): V3_MISTAKES["squeeze before the activation"],
    ("v3", "epsilon_of_pytorch"): V3_MISTAKES["PyTorch's epsilon"],
}
NETWORKS = {"v1": "MobileNetV1", "v2": "MobileNetV2", "v3": "MobileNetV3"}


@pytest.mark.parametrize(("chapter", "mistake"), BY_HAND)
def test_a_mistake_made_in_a_network_is_the_one_made_in_its_source(chapter, mistake):
    right, wrong = definitions(chapter), definitions(chapter, *BY_HAND[chapter, mistake])
    made = calibrated(getattr(right, NETWORKS[chapter])(), 3, 48)
    images_ = images(2, 3, 97)  # the last map is 4 × 4: strides of 2 and 3 differ in it
    with torch.no_grad():
        before = made(images_)
        getattr(right, mistake)(made)
        assert (made(images_) - before).abs().max() > 1e-6
    compare(getattr(wrong, NETWORKS[chapter])(), made, 3, (97,))


@pytest.mark.parametrize("chapter", ["v2", "v3"])
def test_the_notebook_shows_each_of_its_mistakes(chapter):
    shown = [mistake.__name__ for mistake in definitions(chapter).MISTAKES]
    assert shown == [name for where, name in BY_HAND if where == chapter]


def test_eval_forgotten_is_a_network_in_training():
    network = definitions("v1").MobileNetV1(width_mult=0.25).eval()
    definitions("v1").forgotten_eval(network)
    assert all(module.training for module in network.modules())


# ---------------------------------------------------------------- the other chapters


@pytest.mark.parametrize("groups", [1, 2, 4, 8])
def test_as_dense_equals_the_grouped_layer(groups):
    as_dense = definitions("depthwise").as_dense
    layer = nn.Conv2d(8, 16, 3, stride=2, padding=1, groups=groups, bias=False).double()
    x = torch.randn(2, 8, 9, 9, dtype=torch.float64)
    assert_close(as_dense(layer).double()(x), layer(x))


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_handwritten_convolutions_equal_torch(kernel, padding, stride):
    ours = definitions("convolution")
    x, weight = torch.randn(3, 9, 11), torch.randn(4, 3, kernel, kernel)
    expected = nn.functional.conv2d(x[None], weight, stride=stride, padding=padding)[0]
    assert_close(ours.conv2d_loops(x, weight, stride, padding), expected, rtol=1e-4, atol=1e-4)
    assert_close(ours.conv2d_matmul(x, weight, stride, padding), expected, rtol=1e-4, atol=1e-4)
