"""V3 gives torchvision's outputs, and each known mistake is caught."""

from functools import partial

import pytest
import torch
from torch import nn
from torchvision.models import mobilenet_v3_large, mobilenet_v3_small
from torchvision.models.mobilenetv3 import InvertedResidual as TorchvisionV3Block
from torchvision.models.mobilenetv3 import InvertedResidualConfig

from tests.book import definitions, mistakes_under
from tests.compared import calibrated, compare, load_in_order
from tools.counting import on_meta, v3

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


def test_the_reference_of_the_mistakes_agrees_with_the_right_network(torchvision_v3):
    """So that a mistake is caught for its own sake, not because the reference is blind."""
    for variant, reference in torchvision_v3.items():
        compare(v3(variant), reference, 3, (97, 64))


@pytest.mark.parametrize("variant", TORCHVISION_V3)
@pytest.mark.parametrize("width", [0.05, 0.35, 0.5, 0.75, 1.0, 1.25])
def test_v3_equals_torchvision(variant, width):
    """In thin networks rounding makes channels equal that were not: the shortcut must follow it."""
    reference = calibrated(loud(TORCHVISION_V3[variant](width_mult=width)), 3, 96)
    ours = v3(variant, width_mult=width)
    theirs = [m.use_res_connect for m in reference.features if hasattr(m, "use_res_connect")]
    assert [block.shortcut for block in ours.blocks] == theirs
    if width >= 0.35:
        seventh = variant == "small" and width <= 0.5
        assert sum(theirs) == {"large": 10, "small": 6}[variant] + seventh
    compare(ours, reference, 3, (224, 97) if width == 1.0 else (97,))


def test_v3_equals_torchvision_with_ten_classes():
    reference = calibrated(loud(mobilenet_v3_small(num_classes=10)), 3, 96)
    compare(v3("small", num_classes=10), reference, 3, (33,))


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


AROUND_THE_PROJECTION = (
    "        self.squeeze_excite = nn.Identity()\n"
    "        if squeeze:\n"
    "            self.squeeze_excite = SqueezeExcitation(expanded, squeeze)\n"
    "        self.project = ConvNormAct(expanded, out_channels, 1, activation=None)\n"
    "        self.shortcut = stride == 1 and in_channels == out_channels\n\n"
    "    def forward(self, x: Tensor) -> Tensor:\n"
    "        y = self.project(self.squeeze_excite(self.depthwise(self.expand(x))))"
)
# What is replaced in the notebook. These show in both variants, those below in one.
V3_MISTAKES = {
    "squeeze before the activation": (
        "y = self.project(self.squeeze_excite(self.depthwise(self.expand(x))))",
        "unit = self.depthwise\n"
        "        y = unit.norm(unit.conv(self.expand(x)))\n"
        "        y = self.project(unit.act(self.squeeze_excite(y)))",
    ),
    "squeeze after the projection": (
        AROUND_THE_PROJECTION,
        "        self.project = ConvNormAct(expanded, out_channels, 1, activation=None)\n"
        "        self.squeeze_excite = nn.Identity()\n"
        "        if squeeze:\n"
        "            self.squeeze_excite = SqueezeExcitation(out_channels, squeeze)\n"
        "        self.shortcut = stride == 1 and in_channels == out_channels\n\n"
        "    def forward(self, x: Tensor) -> Tensor:\n"
        "        y = self.squeeze_excite(self.project(self.depthwise(self.expand(x))))",
    ),
    "sigmoid for the gate": ("nn.Hardsigmoid()", "nn.Sigmoid()"),
    "old Keras's hard sigmoid": (
        "return self.hard_sigmoid(self.restore(few))",
        "return (0.2 * self.restore(few) + 0.5).clamp(0, 1)",
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
        "ConvNormAct(expanded, out_channels, 1, activation=None)",
        "ConvNormAct(expanded, out_channels, 1, activation=act)",
    ),
    "no shortcut": ("stride == 1 and in_channels == out_channels", "False"),
    "expansion where there is nothing to expand": ("if expanded != in_channels:", "if True:"),
    "padding of a 3×3": ("padding=kernel // 2", "padding=min(kernel // 2, 1)"),
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
        compare(on_meta(broken.MobileNetV3, variant), torchvision_v3[variant], 3, (97, 64))


# What the page calls a mistake: what it is called here.
LOADS = {
    "Squeeze-and-excite before the activation.": "squeeze before the activation",
    "Another gate": "sigmoid for the gate",
    "SiLU for h-swish.": "SiLU for h-swish",
    "The epsilon.": "PyTorch's epsilon",
    "The shortcut decided before rounding.": "the shortcut decided before rounding",
    "h-swish in the first six blocks": "h-swish for ReLU",
}
DOES_NOT_LOAD = {
    "Squeeze-and-excite after the projection.": "squeeze after the projection",
    "The squeeze not rounded.": "squeeze not rounded",
    "The first version's table.": "the first version's rows",
}


def broken_v3(name: str) -> tuple[nn.Module, nn.Module]:
    """The network with a mistake, and the reference; one is seen in thin networks alone."""
    mistakes = V3_MISTAKES | LARGE_MISTAKES | THIN_MISTAKES
    notebook = definitions("v3", *mistakes[name])
    if name in THIN_MISTAKES:
        thin = on_meta(notebook.MobileNetV3, "small", width_mult=0.35)
        return thin, mobilenet_v3_small(width_mult=0.35)
    return on_meta(notebook.MobileNetV3, "large"), mobilenet_v3_large()


@pytest.mark.words
def test_the_page_lists_the_mistakes_that_are_tested():
    assert mistakes_under("v3", "Loads, and is wrong") == list(LOADS)
    assert mistakes_under("v3", "Does not load") == list(DOES_NOT_LOAD)


@pytest.mark.parametrize("name", LOADS)
def test_what_the_page_says_loads_does_load(name):
    load_in_order(*broken_v3(LOADS[name]))


def test_the_hard_sigmoid_of_old_keras_loads():
    load_in_order(*broken_v3("old Keras's hard sigmoid"))


@pytest.mark.parametrize("name", DOES_NOT_LOAD)
def test_what_the_page_says_does_not_load_does_not(name):
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_in_order(*broken_v3(DOES_NOT_LOAD[name]))


THIN_MISTAKES = {  # they show only where channels are scaled
    "the shortcut decided before rounding": (
        "InvertedResidual(channels, kernel, exp, out, squeeze, nl, s)\n        )",
        "InvertedResidual(channels, kernel, exp, out, squeeze, nl, s)\n        )\n"
        "        if len(blocks) == 7:\n"
        "            blocks[-1].shortcut = False",
    ),
    "the last features not scaled": ("scaled(features)", "features"),
    "the stem not scaled": ("scaled(16)", "16"),
    "the last layer from the table": ("last = 6 * rows[-1].out", "last = scaled(576)"),
}


@pytest.fixture(scope="module")
def thin_v3() -> nn.Module:
    return calibrated(loud(mobilenet_v3_small(width_mult=0.35)), 3, 96)


@pytest.mark.parametrize("mistake", THIN_MISTAKES)
def test_each_known_mistake_in_a_thin_v3_is_caught(mistake, thin_v3):
    broken = definitions("v3", *THIN_MISTAKES[mistake])
    with pytest.raises((AssertionError, RuntimeError)):
        compare(on_meta(broken.MobileNetV3, "small", width_mult=0.35), thin_v3, 3, (97,))
