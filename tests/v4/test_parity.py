"""V4 gives timm's outputs, and each known mistake is caught.

A layer scale starts at 0.00001 and hides what it multiplies: here it is set near 1.
"""

from functools import cache, partial
from typing import NamedTuple

import pytest
import timm
import torch
from timm.models._efficientnet_blocks import (
    ConvBnAct,
    EdgeResidual,
    MobileAttention,
    UniversalInvertedResidual,
)
from timm.models.mobilenetv3 import _gen_mobilenet_v4
from torch import nn
from torch.testing import assert_close

from tests.book import definitions, mistakes_under
from tests.compared import calibrated, compare, images, load_in_order
from tools.variants import printed_hybrid_medium_v4

CONV = ("conv_small", "conv_medium", "conv_large")
HYBRID = ("hybrid_medium", "hybrid_large")


def loud(module: nn.Module) -> nn.Module:
    """Layer scales that hide nothing."""
    torch.manual_seed(0)
    for name, factors in module.named_parameters():
        if name.endswith("gamma"):
            nn.init.uniform_(factors, 0.5, 1.5)
    return module


def timm_v4(variant: str, width: float, classes: int = 1000) -> nn.Module:
    """By timm's own builder, which takes widths that no network of timm's has."""
    torch.manual_seed(0)
    return _gen_mobilenet_v4(f"mobilenetv4_{variant}", width, num_classes=classes)


NARROW = dict.fromkeys(CONV, 0.35) | dict.fromkeys(HYBRID, 0.25)


@cache
def narrow_reference(variant: str) -> nn.Module:
    return calibrated(loud(timm_v4(variant, NARROW[variant], 10)), 3, 96)


def narrow(variant: str, *change: str) -> nn.Module:
    """Our network at that width, with a mistake or without."""
    return definitions("v4", *change).MobileNetV4(variant, 10, NARROW[variant])


# ---------------------------------------------------------------- the networks


def difference(ours: nn.Module, reference: nn.Module, *size: int) -> float:
    """The largest, for the same weights."""
    ours = load_in_order(ours, reference)
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    with torch.no_grad():
        out, expected = ours(x), reference(x)
    assert (expected[0] - expected[1]).abs().max() > 0.01, "the reference is blind"
    return float((out - expected).abs().max())


def at_length(*values) -> pytest.param:
    """Large networks take long; narrow ones of the same tables are compared each time."""
    return pytest.param(*values, marks=pytest.mark.weekly)


SIZES = ((224, 224), (97, 97), (64, 97))


@pytest.mark.parametrize(
    "variant", ["conv_small", at_length("conv_medium"), at_length("conv_large")]
)
def test_the_convolutional_v4_equal_timm_to_the_last_bit(variant):
    """The notebook compares all three, on a smaller picture."""
    reference = calibrated(timm.create_model(f"mobilenetv4_{variant}"), 3, 96)
    ours = definitions("v4").MobileNetV4(variant)
    for size in SIZES:
        assert difference(ours, reference, *size) == 0


@pytest.mark.parametrize(
    ("name", "width"), [("mobilenetv4_conv_small_035", 0.35), ("mobilenetv4_conv_small_050", 0.5)]
)
def test_a_thin_v4_equals_timm_to_the_last_bit(name, width):
    reference = calibrated(timm.create_model(name), 3, 96)
    ours = definitions("v4").MobileNetV4("conv_small", width_mult=width)
    for size in SIZES:
        assert difference(ours, reference, *size) == 0


@pytest.mark.parametrize(
    ("variant", "width"),
    [
        *(("conv_small", width) for width in (0.05, 0.75, 1.5)),
        *(("conv_medium", width) for width in (0.05, 0.5)),
        *(("conv_large", width) for width in (0.05, 0.25)),
        *(at_length(each, width) for each in CONV[1:] for width in (0.75, 1.5)),
    ],
)
def test_v4_equals_timm_at_widths_without_a_name(variant, width):
    reference = calibrated(timm_v4(variant, width), 3, 96)
    compare(definitions("v4").MobileNetV4(variant, width_mult=width), reference, 3, (97,))


@pytest.mark.parametrize(
    ("name", "variant", "width"),
    [
        ("mobilenetv4_hybrid_medium_075", "hybrid_medium", 0.75),
        at_length("mobilenetv4_hybrid_medium", "hybrid_medium", 1.0),
        at_length("mobilenetv4_hybrid_large", "hybrid_large", 1.0),
        at_length("mobilenetv4_hybrid_large_075", "hybrid_large", 0.75),
    ],
)
def test_a_hybrid_v4_equals_timm(name, variant, width):
    reference = calibrated(loud(timm.create_model(name)), 3, 96)
    compare(definitions("v4").MobileNetV4(variant, width_mult=width), reference, 3, (97,))


@pytest.mark.parametrize("variant", [*CONV, *HYBRID])
@pytest.mark.parametrize("size", [(33, 33), (97, 64), (5, 130)])
def test_v4_equals_timm_on_odd_and_oblong_pictures(variant, size):
    """Keys come from a smaller map, whose sides are rounded up."""
    torch.manual_seed(0)
    assert difference(narrow(variant), narrow_reference(variant), *size) < 1e-10


def test_v4_equals_timm_with_ten_classes():
    reference = timm.create_model("mobilenetv4_conv_small", num_classes=10)
    ours = definitions("v4").MobileNetV4("conv_small", num_classes=10)
    compare(ours, calibrated(reference, 3, 96), 3, (33,))


# ---------------------------------------------------------------- the blocks

ACTIVATIONS = (nn.ReLU, nn.GELU)


KERNELS = [(kernel1, kernel2) for kernel1 in (0, 3, 5) for kernel2 in (0, 3, 5)]


@pytest.mark.parametrize(("act", "scale"), [(nn.ReLU, None), (nn.GELU, 1e-5)])
@pytest.mark.parametrize(
    ("kernel1", "kernel2", "stride"),
    [(*kernels, 1) for kernels in KERNELS] + [(*kernels, 2) for kernels in KERNELS if any(kernels)],
)
def test_v4_block_equals_timm(kernel1, kernel2, stride, act, scale):
    for out in (24, 40):
        block = UniversalInvertedResidual(
            *(24, out, kernel1, kernel2),
            stride=stride,
            exp_ratio=3,
            act_layer=act,
            layer_scale_init_value=scale,
        )
        ours = definitions("v4").UniversalInvertedBottleneck(
            24, kernel1, kernel2, 72, out, stride, act, scale
        )
        assert ours.shortcut == block.has_skip
        compare(ours, calibrated(loud(block), 24, 9), 24, (14, 15))


@pytest.mark.parametrize("act", ACTIVATIONS)
@pytest.mark.parametrize("kernel", [3, 5])
def test_the_fused_block_of_v4_equals_timm(kernel, act):
    block = EdgeResidual(24, 40, kernel, stride=2, exp_ratio=4, act_layer=act)
    ours = definitions("v4").FusedInvertedBottleneck(24, kernel, 96, 40, 2, act)
    compare(ours, calibrated(block, 24, 9), 24, (14, 15))


def test_the_plain_start_of_v4_is_two_plain_units_of_timm():
    units = nn.Sequential(ConvBnAct(24, 96, 3, stride=2), ConvBnAct(96, 40, 1))
    ours = definitions("v4").FusedInvertedBottleneck(24, 3, 96, 40, 2, last=nn.ReLU)
    compare(ours, calibrated(units, 24, 9), 24, (14, 15))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("heads", "key_channels"), [(1, 8), (4, 8), (3, 5)])
def test_attention_of_v4_equals_timm(heads, key_channels, stride):
    block = MobileAttention(
        *(24, 24),
        num_heads=heads,
        key_dim=key_channels,
        value_dim=key_channels,
        use_multi_query=True,
        kv_stride=stride,
    )
    ours = definitions("v4").MobileMQA(24, heads, key_channels, stride)
    compare(ours, calibrated(loud(block), 24, 9), 24, (14, 15, 1))


# ---------------------------------------------------------------- the mistakes


class Mistake(NamedTuple):
    """What is replaced in the notebook, and a network that shows it."""

    variant: str
    right: str
    wrong: str


small, medium, large, hybrid, gelu = (partial(Mistake, each) for each in (*CONV, *HYBRID))

PADDED = "            kernel,\n            stride,\n            padding=kernel // 2,\n"
CONVOLUTION = (
    "        self.conv = nn.Conv2d(\n            in_channels,\n            out_channels,\n"
)
FORWARD = "        x = self.pool(self.last(self.blocks(self.stem(x))))\n"
CLASSIFY = "self.classifier(self.dropout(self.head(x).flatten(1)))"

LOADS = {
    "activation on the first filter": small(
        "depthwise(in_channels, kernel1, first, None)",
        "depthwise(in_channels, kernel1, first, activation)",
    ),
    "no activation on the second filter": small(
        "kernel2, second, activation", "kernel2, second, None"
    ),
    "activation behind the projection": small(
        "ConvNormAct(expanded, out_channels, 1, activation=None)",
        "ConvNormAct(expanded, out_channels, 1, activation=activation)",
    ),
    "linear start": small("row.s, act, last=act", "row.s, act"),
    "ReLU behind FusedIB": medium("exp, out, row.s, act\n", "exp, out, row.s, act, last=act\n"),
    "shortcut in the plain start": small(
        "    shortcut = False  # in these networks its stride is 2\n",
        "    shortcut = False\n\n"
        "    def forward(self, x):\n"
        "        wide = self.expand(x)\n"
        "        out = self.project(wide)\n"
        "        return wide + out if wide.shape == out.shape else out\n",
    ),
    "stride on the first filter": small(
        "(1, stride) if kernel2 else (stride, 1)", "(stride, 1) if kernel1 else (1, stride)"
    ),
    "stride on both filters": small("(1, stride) if kernel2 else (stride, 1)", "(stride, stride)"),
    "a stride forgotten": small(
        'Row("ExtraDW", 3, 3, 576, 128, 2)', 'Row("ExtraDW", 3, 3, 576, 128, 1)'
    ),
    "the stem's stride forgotten": small("stem, 3, stride=2", "stem, 3, stride=1"),
    "no shortcut": small("stride == 1 and in_channels == out_channels", "False"),
    "shortcut around the narrow filter only": small(
        "        y = self.project(self.depthwise2(self.expand(self.depthwise1(x))))\n",
        "        x = self.depthwise1(x)\n"
        "        y = self.project(self.depthwise2(self.expand(x)))\n",
    ),
    "no activation in the head": small(
        "ConvNormAct(last, 1280, 1, activation=act)", "ConvNormAct(last, 1280, 1, activation=None)"
    ),
    "no activation in the last layer": small(
        "ConvNormAct(out, last, 1, activation=act)", "ConvNormAct(out, last, 1, activation=None)"
    ),
    "mean behind the head": small(
        FORWARD + f"        return {CLASSIFY}",
        FORWARD.replace("self.pool(", "self.head(")
        + f"        return {CLASSIFY.replace('self.head(', 'self.pool(')}",
    ),
    "the head before the last layer's norm": small(
        FORWARD, FORWARD.replace("self.last(", "self.last.conv(")
    ),
    "V3's epsilon": small("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(out_channels, eps=1e-3)"),
    "TensorFlow's padding": small(
        CONVOLUTION + PADDED,
        "        before = (kernel - stride) // 2\n"
        "        self.pad = nn.ZeroPad2d(2 * (before, kernel - stride - before))\n"
        + CONVOLUTION
        + PADDED.replace("kernel // 2", "0"),
    ),
    "padding of a 3×3": small("padding=kernel // 2", "padding=min(kernel // 2, 1)"),
    "a pointwise layer padded": small("padding=kernel // 2", "padding=max(kernel // 2, 1)"),
    "ReLU6": small("activation: type[nn.Module] = nn.ReLU\n", "activation: type = nn.ReLU6\n"),
    "h-swish": small(
        "activation: type[nn.Module] = nn.ReLU\n", "activation: type = nn.Hardswish\n"
    ),
    "GELU in Hybrid-M": hybrid(
        "Variant(HYBRID_MEDIUM, 32, layer", "Variant(HYBRID_MEDIUM, 32, nn.GELU, layer"
    ),
    "ReLU in Hybrid-L": gelu("24, nn.GELU, 1e-5", "24, nn.ReLU, 1e-5"),
    "GELU by tanh": gelu("24, nn.GELU, 1e-5", '24, lambda: nn.GELU("tanh"), 1e-5'),
    "another pooling": small("nn.AdaptiveAvgPool2d(1)", "nn.AdaptiveMaxPool2d(1)"),
    "a fixed pooling": small("nn.AdaptiveAvgPool2d(1)", "nn.AvgPool2d(7)"),
    "softmax inside": small(f"return {CLASSIFY}", f"return {CLASSIFY}.softmax(1)"),
}

KEY = "        key = self.key(x).flatten(2)[:, None]  # one for all heads\n"
VALUE = "        value = self.value(x).flatten(2)[:, None]\n"
ATTEND = "x + self.scale(self.attend(self.norm(x)))"
HEADS = "self.query(x).unflatten(1, (self.heads, -1)).flatten(3)"

IN_ATTENTION = {  # these load as well
    "no square root": hybrid("/ math.sqrt(key.shape[2])", "/ key.shape[2]"),
    "no division": hybrid("@ key / math.sqrt(key.shape[2])", "@ key"),
    "square root of all channels": hybrid("math.sqrt(key.shape[2])", "math.sqrt(x.shape[1])"),
    "softmax over the queries": hybrid("match.softmax(dim=3)", "match.softmax(dim=2)"),
    "softmax over the heads": hybrid("match.softmax(dim=3)", "match.softmax(dim=1)"),
    "keys and values exchanged": hybrid(
        KEY + VALUE,
        KEY.replace("self.key", "self.value") + VALUE.replace("self.value", "self.key"),
    ),
    "no norm": hybrid(ATTEND, "x + self.scale(self.attend(x))"),
    "norm behind attention": hybrid(ATTEND, "x + self.scale(self.norm(self.attend(x)))"),
    "norm in front of the shortcut": hybrid(
        f"        return {ATTEND}",
        "        x = self.norm(x)\n        return x + self.scale(self.attend(x))",
    ),
    "no shortcut around attention": hybrid(ATTEND, "self.scale(self.attend(self.norm(x)))"),
    "no scale": hybrid(ATTEND, "x + self.attend(self.norm(x))"),
    "scale on the shortcut too": hybrid(ATTEND, "self.scale(x + self.attend(self.norm(x)))"),
    "scale beside shortcuts alone": hybrid(
        "if self.shortcut else self.scale(y)", "if self.shortcut else y"
    ),
    "no scale in the other blocks": hybrid(
        "x + self.scale(y) if self.shortcut else self.scale(y)", "x + y if self.shortcut else y"
    ),
    "one query for all heads": hybrid(
        HEADS, HEADS.replace(".flatten", "[:, :1].expand(-1, self.heads, -1, -1, -1).flatten")
    ),
    "query heads interleaved": hybrid(
        HEADS, "self.query(x).unflatten(1, (-1, self.heads)).transpose(1, 2).flatten(3)"
    ),
    "answers interleaved": hybrid("answer.flatten(1, 2)", "answer.transpose(1, 2).flatten(1, 2)"),
    "one smaller map for keys and values": hybrid(
        "self.value(x)", "self.value[-1](self.key[:-1](x))"
    ),
    "activation in the smaller map": hybrid(
        "layers.append(nn.BatchNorm2d(channels))",
        "layers.extend((nn.BatchNorm2d(channels), nn.ReLU()))",
    ),
    "the smaller map without padding": hybrid(
        "stride=stride,\n                padding=1,", "stride=stride,\n                padding=0,"
    ),
    "rows and columns exchanged": hybrid(
        "self.output(answer.flatten(1, 2).unflatten(2, x.shape[2:]))",
        "self.output(answer.flatten(1, 2).unflatten(2, x.shape[2:])).transpose(2, 3)",
    ),
}

FIRST_FFN = '    Row("FFN", 0, 0, 320, 160, 1),  # 16 × 16 × 160\n'
DOES_NOT_LOAD = {
    "kernels exchanged": medium("row.k1, row.k2, exp", "row.k2, row.k1, exp"),
    "a filter of 3 for one of 5": medium(
        'Row("ExtraDW", 5, 5, 960, 256, 2)', 'Row("ExtraDW", 3, 5, 960, 256, 2)'
    ),
    "a full convolution for a depthwise one": small(
        "kernel, stride, channels, activation)", "kernel, stride, 1, activation)"
    ),
    "no norm in the head": small(
        "ConvNormAct(last, 1280, 1, activation=act)",
        "nn.Sequential(nn.Conv2d(last, 1280, 1, bias=False), act())",
    ),
    "V3's head": small(
        "ConvNormAct(last, 1280, 1, activation=act)",
        "nn.Sequential(nn.Conv2d(last, 1280, 1), act())",
    ),
    "bias": small("bias=False", "bias=True"),
    "a last layer of 1280": small("last = make_divisible(960 ", "last = make_divisible(1280 "),
    "the last layer not scaled": small("make_divisible(960 * width_mult)", "960"),
    "the head scaled": small("1280", "make_divisible(1280 * width_mult)"),
    "the stem scaled": small("max(1, width_mult)", "width_mult"),
    "expansion from the scaled table": small(
        "make_divisible(row.exp / printed * channels)", "make_divisible(row.exp * width_mult)"
    ),
    "the plain start by its ratio": small(
        "            exp = make_divisible(row.exp * width_mult)\n", ""
    ),
    "channels below 90 %": small(
        "nearest if nearest >= 0.9 * channels else nearest + 8", "nearest"
    ),
    "Conv-L's stem as wide as the others'": large(
        "Variant(CONV_LARGE, 24)", "Variant(CONV_LARGE, 32)"
    ),
    "a row of Conv-L forgotten": large('    Row("ExtraDW", 5, 3, 768, 192, 1),\n' * 5, "    "),
    "two rows exchanged": medium(
        '    Row("ConvNext", 3, 0, 640, 160, 1),\n    Row("FFN", 0, 0, 320, 160, 1),\n',
        '    Row("FFN", 0, 0, 320, 160, 1),\n    Row("ConvNext", 3, 0, 640, 160, 1),\n',
    ),
    "Hybrid-M without its FFN": hybrid(FIRST_FFN, '    Row("ExtraDW", 3, 3, 640, 160, 1),\n'),
    "no norm in the smaller map": hybrid(
        "layers.append(nn.BatchNorm2d(channels))", "layers.append(nn.Identity())"
    ),
    "no smaller map in Hybrid-L": gelu("Attention(8, 48, 2)", "Attention(8, 48, 1)"),
    "keys of 64 in Hybrid-L": gelu("Attention(8, 48, 2)", "Attention(8, 64, 2)"),
    "eight heads for four": hybrid("Attention(4, 64, 2)", "Attention(8, 64, 2)"),
    "eight heads of half the size": hybrid("Attention(4, 64, 2)", "Attention(8, 32, 2)"),
    "keys of its own for each head": hybrid(
        "nn.Conv2d(channels, key_channels, 1, bias=False)",
        "nn.Conv2d(channels, 4 * key_channels, 1, bias=False)",
    ),
    "a full convolution for the smaller map": hybrid(
        "                groups=channels,\n                bias=False,\n",
        "                bias=False,\n",
    ),
    "no scale in the blocks": hybrid("if layer_scale is not None:", "if False:"),
}
V4_MISTAKES = LOADS | IN_ATTENTION | DOES_NOT_LOAD


@pytest.mark.parametrize("variant", [*CONV, *HYBRID])
def test_the_reference_of_the_mistakes_agrees_with_the_right_network(variant):
    """So that a mistake is caught for its own sake, not because the reference is blind."""
    compare(narrow(variant), narrow_reference(variant), 3, (97, 65))


@pytest.mark.parametrize("name", LOADS | IN_ATTENTION)
def test_a_mistake_in_v4_that_loads_is_caught(name):
    variant, *change = V4_MISTAKES[name]
    reference = narrow_reference(variant)
    broken = load_in_order(narrow(variant, *change), reference)
    x = images(2, 3, 65)
    with torch.no_grad(), pytest.raises((AssertionError, RuntimeError)):
        assert_close(broken(x), reference(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", DOES_NOT_LOAD)
def test_a_mistake_in_v4_that_does_not_load_is_caught(name):
    variant, *change = V4_MISTAKES[name]
    broken = narrow(variant, *change)
    with pytest.raises((AssertionError, RuntimeError), match="number of tensors|size mismatch"):
        load_in_order(broken, narrow_reference(variant))


BY_HAND = {  # what the notebook does to a finished hybrid: what it is in the network's source
    "keys_and_values_exchanged": "keys and values exchanged",
    "no_norm_before_attention": "no norm",
    "one_query_for_all": "one query for all heads",
}


# ---------------------------------------------------------------- what the page says

ON_THE_PAGE = {  # what the page calls a mistake: what it is called here
    "An activation on the first filter.": "activation on the first filter",
    "An activation behind the projection": "activation behind the projection",
    "A linear start in Conv-S.": "linear start",
    "The stride on the first filter": "stride on the first filter",
    "The mean behind the head.": "mean behind the head",
    "The epsilon.": "V3's epsilon",
    "Keys and values exchanged.": "keys and values exchanged",
    "The channels inside scaled by the width.": "expansion from the scaled table",
    "The stem scaled below a width of 1.": "the stem scaled",
    "Table 13's rows.": "Hybrid-M as printed",
}


@pytest.mark.words
def test_the_page_lists_the_mistakes_that_are_tested():
    loads, fails = (mistakes_under("v4", each) for each in ("Loads, and is wrong", "Does not load"))
    assert loads + fails == list(ON_THE_PAGE)
    assert {ON_THE_PAGE[each] for each in loads} <= (LOADS | IN_ATTENTION).keys()
    assert {ON_THE_PAGE[each] for each in fails} <= {*DOES_NOT_LOAD, "Hybrid-M as printed"}


def test_table_13_does_not_load():
    printed, released = printed_hybrid_medium_v4(), timm.create_model("mobilenetv4_hybrid_medium")
    with pytest.raises(AssertionError, match="number of tensors"):
        load_in_order(printed, released)


# ---------------------------------------------------------------- tests that see nothing


def test_a_fresh_hybrid_v4_sees_no_mistake_in_its_attention():
    """In single precision, with PyTorch's own tolerance."""
    fresh = timm_v4("hybrid_medium", NARROW["hybrid_medium"], 10).eval()
    x = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        expected = fresh(x)
        for name in (*BY_HAND.values(), "no square root", "softmax over the queries", "no scale"):
            variant, *change = IN_ATTENTION[name]
            broken = load_in_order(narrow(variant, *change), fresh).float()
            assert_close(broken(x), expected)


OUTSIDE = {  # of attention: these change what is added to, or whether the scale is there
    "norm in front of the shortcut",
    "no shortcut around attention",
    "no scale",
    "scale on the shortcut too",
}
IN_OTHER_BLOCKS = {"scale beside shortcuts alone", "no scale in the other blocks"}
INSIDE = [name for name in IN_ATTENTION if name not in OUTSIDE | IN_OTHER_BLOCKS]


@pytest.mark.parametrize("name", INSIDE)
def test_a_scale_near_zero_hides_a_mistake_in_one_block_of_attention(name):
    """Where nothing makes the map that small: turned up, it shows."""
    _, *change = IN_ATTENTION[name]
    right, wrong = (definitions("v4", *each).MobileMQA for each in ((), change))
    torch.manual_seed(0)
    block = calibrated(right(24, 4, 8, kv_stride=2), 24, 9)
    x = images(2, 24, 15)
    with torch.no_grad():
        for turned_up in (False, True):
            block = loud(block) if turned_up else block
            broken = load_in_order(wrong(24, 4, 8, kv_stride=2), block)
            error = (broken(x) - block(x)).norm() / block(x).norm()
            assert error > 1e-3 if turned_up else error < 1e-4


@pytest.mark.parametrize("mistake", BY_HAND)
def test_a_mistake_made_in_a_hybrid_v4_is_the_one_made_in_its_source(mistake):
    notebook, reference = definitions("v4"), narrow_reference("hybrid_medium")
    variant, *change = V4_MISTAKES[BY_HAND[mistake]]
    made = load_in_order(narrow(variant), reference)
    in_source = load_in_order(narrow(variant, *change), reference)
    getattr(notebook, mistake)(made)
    x = images(2, 3, 97)
    with torch.no_grad():
        assert_close(made(x), in_source(x), rtol=1e-10, atol=1e-10)
        assert (made(x) - reference(x)).abs().max() > 1e-6


def test_the_notebook_shows_each_mistake_in_attention():
    assert [each.__name__ for each in definitions("v4").HIDDEN_MISTAKES] == list(BY_HAND)
