"""One block is theirs: every block of timm's networks that a recipe describes, and MobileOne whole.

What a recipe says is read off timm's modules here, block by block: kernels, widths, activations.
"""

from copy import deepcopy
from functools import cache

import pytest
import timm
import torch
from timm.models import _efficientnet_blocks as efficient
from timm.models import convnext, fastvit, reparameterize_model, repvit, starnet
from torch import nn
from torch.testing import assert_close

from tests.book import definitions

notebook = definitions("family")
SAME = {"rtol": 1e-10, "atol": 1e-10}
ACTIVATIONS = {
    **{"relu": nn.ReLU, "relu6": nn.ReLU6, "silu": nn.SiLU, "gelu": nn.GELU},
    **{"hardswish": nn.Hardswish, "hardsigmoid": nn.Hardsigmoid, "sigmoid": nn.Sigmoid},
}


def activation(module: nn.Module) -> type[nn.Module]:
    return ACTIVATIONS[type(module).__name__.lower()]


def gate(se: nn.Module) -> dict:
    """A recipe's gate, and the size of the squeeze."""
    if isinstance(se, nn.Identity):
        return {}
    reduce = se.conv_reduce if hasattr(se, "conv_reduce") else se.fc1
    act = se.act1 if hasattr(se, "act1") else se.act
    return {"gate": (activation(act), activation(se.gate)), "squeeze": reduce.out_channels}


def kernel(conv: nn.Module) -> int:
    return conv.kernel_size[0]


def separable(block: nn.Module) -> dict:
    """V1's block, and the first one of most others."""
    act = block.bn2.act
    return {
        **{"expand": 0, "middle": kernel(block.conv_dw), "act": activation(block.bn1.act)},
        **{"linear": isinstance(act, nn.Identity), "shortcut": "all" if block.has_skip else ""},
        **gate(block.se),
        "ends": (block.conv_dw.in_channels, block.conv_pw.out_channels, block.conv_dw.stride[0]),
    }


def inverted(block: nn.Module) -> dict:
    narrow, wide = block.conv_pw.in_channels, block.conv_pw.out_channels
    return {
        **{"expand": wide / narrow, "middle": kernel(block.conv_dw)},
        **{"act": activation(block.bn2.act)},
        **gate(block.se),
        "ends": (narrow, block.conv_pwl.out_channels, block.conv_dw.stride[0]),
    }


def universal(block: nn.Module) -> dict:
    """V4's."""
    conv = {
        name: part.conv
        for name in ("dw_start", "pw_exp", "dw_mid", "pw_proj")
        if hasattr(part := getattr(block, name), "conv")
    }
    narrow, wide = conv["pw_exp"].in_channels, conv["pw_exp"].out_channels
    stride = max(each.stride[0] for each in conv.values())
    return {
        "front": kernel(conv["dw_start"]) if "dw_start" in conv else 0,
        "middle": kernel(conv["dw_mid"]) if "dw_mid" in conv else 0,
        **{"expand": wide / narrow, "act": activation(block.pw_exp.bn.act)},
        "ends": (narrow, conv["pw_proj"].out_channels, stride),
    }


def convnexts(block: nn.Module) -> dict:
    fc1 = block.mlp.fc1
    wide, narrow = fc1.weight.shape[:2]
    return {
        **{"front": kernel(block.conv_dw), "expand": wide / narrow, "norm": True},
        **{"act": activation(block.mlp.act), "ends": (narrow, narrow, 1)},
    }


def repvits(block: nn.Module) -> dict:
    conv = block.channel_mixer.conv1.c
    return {
        **{"front": kernel(block.token_mixer.conv.c), "shortcut": "pointwise"},
        **{"expand": conv.out_channels / conv.in_channels},
        **{"act": activation(block.channel_mixer.act)},
        **gate(block.se),
        "ends": (conv.in_channels, conv.in_channels, 1),
    }


def fastvits(block: nn.Module) -> dict:
    """Without the layer in front: `same_as` puts it there."""
    fc1 = block.mlp.fc1
    return {
        **{"front": kernel(block.mlp.conv.conv), "expand": fc1.out_channels / fc1.in_channels},
        **{"act": activation(block.mlp.act), "ends": (fc1.in_channels, fc1.in_channels, 1)},
    }


def stars(block: nn.Module) -> dict:
    one = block.f1.conv
    return {
        **{"front": kernel(block.dwconv.conv), "back": kernel(block.dwconv2.conv), "star": True},
        **{"expand": one.out_channels / one.in_channels, "act": activation(block.act)},
        "ends": (one.in_channels, one.in_channels, 1),
    }


READ = {
    efficient.DepthwiseSeparableConv: separable,
    efficient.InvertedResidual: inverted,
    efficient.UniversalInvertedResidual: universal,
    convnext.ConvNeXtBlock: convnexts,
    repvit.RepViTBlock: repvits,
    fastvit.RepMixerBlock: fastvits,
    starnet.Block: stars,
}
NETWORKS = {  # how many blocks a recipe describes
    "mobilenetv1_100": 13,
    "mobilenetv2_100": 17,
    "mnasnet_100": 17,
    "semnasnet_100": 16,
    "efficientnet_b0": 16,
    "efficientnet_lite0": 16,
    "mobilenetv3_large_100": 15,
    "mobilenetv4_conv_small": 12,
    "mobilenetv4_conv_medium": 21,
    "convnext_atto": 12,
    "fastvit_t8": 10,
    "repvit_m0_9": 23,
    "starnet_s1": 15,
}


def read(block: nn.Module) -> tuple:
    """A block's recipe, its channels at both ends, its stride and the size of its squeeze."""
    found = READ[type(block)](block)
    ends, squeeze = found.pop("ends"), found.pop("squeeze", None)
    return notebook.Recipe(**found), *ends, squeeze


@cache
def timms(name: str) -> nn.Module:
    """A network of timm's, drawn once: nobody may change it."""
    return timm.create_model(name)


def blocks_of(name: str) -> list[nn.Module]:
    return [m for m in timms(name).modules() if type(m) in READ]


def compare(module, recipe, c_in: int, c_out: int, stride: int, squeeze, theirs, side=14) -> None:
    """Our block, from a notebook's definitions, beside theirs."""
    ours = module.Block(recipe, c_in, c_out, stride, squeeze).double().eval()
    x = torch.randn(2, c_in, side, side, dtype=torch.float64)
    with torch.no_grad():
        expected = theirs(x)
        assert (expected[0] - expected[1]).abs().max() > 0.01, "the reference is blind"
        y = x
        if isinstance(theirs, fastvit.RepMixerBlock):
            y, theirs.token_mixer = theirs.token_mixer.reparam_conv(x), nn.Identity()
        module.take_weights(ours, theirs)
        assert_close(ours(y), expected, **SAME)


def shape(recipe, c_in: int, c_out: int, stride: int, squeeze) -> tuple:
    """All of a block but how many channels it has."""
    return recipe, stride, c_in == c_out, squeeze is None


@pytest.mark.parametrize("size", ["small", pytest.param("all", marks=pytest.mark.weekly)])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_block_is_a_recipe(name, size):
    """Each is read; and of those that differ by their channels alone the smallest is compared. Each
    week all are, which are four times as many numbers.
    """
    torch.manual_seed(0)
    found = [(block, read(block)) for block in blocks_of(name)]
    assert len(found) == NETWORKS[name]
    found.sort(key=lambda each: -each[1][1] * each[1][2])  # of equal ones the last stays
    kind = (lambda *settings: settings) if size == "all" else shape
    for block, settings in {kind(*each[1]): each for each in found}.values():
        theirs = notebook.awaken(deepcopy(block), settings[1])
        theirs = reparameterize_model(theirs).double().eval()
        compare(notebook, *settings, theirs, side=7 if settings[1] > 100 else 15)


@pytest.mark.parametrize("example", notebook.EXAMPLES, ids=lambda e: f"{e.network}.{e.place}")
def test_the_table_of_recipes_describes_its_examples(example):
    block = timms(example.network).get_submodule(example.place)
    recipe, c_in, c_out, stride, squeeze = read(block)
    assert (c_in, c_out, stride) == (example.channels, example.channels, 1)
    if recipe.gate:
        assert (example.squeeze or c_in // 4) == squeeze
    # V1's block has no shortcut by its recipe, timm's none by its flag.
    assert recipe == example.recipe and (recipe.shortcut == "") == (not recipe.linear)


@pytest.fixture(scope="module")
@torch.no_grad()
def examples() -> list:
    """Each of the notebook's examples with timm's block, a map and what timm makes of it, once."""
    torch.manual_seed(0)
    found = []
    for example in notebook.EXAMPLES:
        theirs = notebook.reference(example)
        x = torch.randn(2, example.channels, 14, 14, dtype=torch.float64)
        found.append((example, theirs, x, theirs(x)))
    return found


MISTAKES = {
    "activation behind every projection": ("if not r.linear:", "if True:"),
    "no activation behind V1's": ("if not r.linear:", "if False:"),
    "no shortcut": ("recipe.shortcut if same else", '"" if same else'),
    "shortcut around all of RepViT's": ('shortcut="pointwise"\n', 'shortcut="all"\n'),
    "shortcut around the pointwise layers": ('"all": x,', '"all": mixed,'),
    "squeeze-and-excite without a place in front": (
        "if r.gate and not r.middle:",
        "if r.gate and r.middle and False:",
    ),
    "squeeze-and-excite before the activation": (
        "part.extend([depthwise(wide, r.middle, stride), r.act()])",
        "part.append(depthwise(wide, r.middle, stride))",
    ),
    "the largest for the mean": (
        "x.mean((2, 3), keepdim=True)",
        "x.amax((2, 3), keepdim=True)",
    ),
    "V3's gate with a sigmoid": ("gate=(nn.ReLU, nn.Hardsigmoid)", "gate=(nn.ReLU, nn.Sigmoid)"),
    "EfficientNet's squeeze with ReLU": ("(nn.SiLU, nn.Sigmoid)", "(nn.ReLU, nn.Sigmoid)"),
    "a sum for the product": ("self.act(self.one(x)) *", "self.act(self.one(x)) +"),
    "the other one's activation": (
        "self.act(self.one(x)) * self.other(x)",
        "self.one(x) * self.act(self.other(x))",
    ),
    "the layer norm's epsilon": ("eps=1e-6", "eps=1e-5"),
    "a layer norm along the rows": (
        "super().forward(x.movedim(1, -1)).movedim(-1, 1)",
        "super().forward(x.movedim(2, -1)).movedim(-1, 2)",
    ),
    "ReLU for GELU": ("expand=4, act=nn.GELU, norm", "expand=4, norm"),
    "ReLU for ReLU6": ("Recipe(middle=3, act=nn.ReLU6)", "Recipe(middle=3)"),
    "layer scale forgotten": ('if name.endswith("gamma"):  # layer', "if False:  # layer"),
    "a fold without the mean": ("(bias - norm.running_mean)", "bias"),
    "a fold without epsilon": ("(norm.running_var + norm.eps)", "norm.running_var"),
}


def test_the_references_of_the_mistakes_agree_with_the_right_block(examples):
    for each in examples:
        differs(notebook, *each)


def differs(module, example, theirs, x, expected) -> None:
    """Raises where a block is not theirs; its recipe comes from the same definitions."""
    [again] = [
        e for e in module.EXAMPLES if (e.network, e.place) == (example.network, example.place)
    ]
    with torch.no_grad():
        assert_close(module.same_as(again, theirs)(x), expected, **SAME)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_known_mistake_in_a_block_is_caught(mistake, examples):
    """By one of the examples: then the others need not be tried."""
    broken = definitions("family", *MISTAKES[mistake])
    with pytest.raises((AssertionError, RuntimeError, ValueError)):
        for each in examples:
            differs(broken, *each)


# ---------------------------------------------------------------- MobileOne


def pairs() -> list[tuple[int, int, int, int]]:
    """Kernel, channels in and out and stride of MobileOne-S0's layers, behind the first."""
    network = timms("mobileone_s0")
    convs = [m.conv_kxk[0].conv for m in network.stages.modules() if hasattr(m, "conv_kxk")]
    return [(kernel(c), c.in_channels, c.out_channels, c.stride[0], c.groups) for c in convs]


def mobileone(module, layers: int) -> nn.Sequential:
    """MobileOne-S0 from a notebook's definitions: the first one and so many layers more."""
    network = nn.Sequential(module.Branches(3, 48, 3, 2, count=1), nn.ReLU())
    for k, c_in, c_out, stride, groups in pairs()[:layers]:
        network.append(module.Branches(c_in, c_out, k, stride, groups))
        network.append(nn.ReLU())
    return network


def timm_mobileone(stages: int) -> nn.Module:
    """The first layer of MobileOne-S0, and so many of its stages."""
    torch.manual_seed(0)
    network = timms("mobileone_s0")
    return notebook.awaken(deepcopy(nn.Sequential(network.stem, network.stages[:stages])), 3)


def check_mobileone(module, theirs: nn.Module, layers: int) -> None:
    """In training form and folded, our layers and timm's; and pairs of them as V1's block."""
    ours = mobileone(module, layers).double().eval()
    names, weights = ours.state_dict(), theirs.state_dict()
    assert len(names) == len(weights)
    ours.load_state_dict(dict(zip(names, weights.values(), strict=True)))
    x = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    with torch.no_grad():
        expected = theirs(x)
        assert (expected[0] - expected[1]).abs().max() > 0.01, "the reference is blind"
        assert_close(ours(x), expected, **SAME)
        folded = nn.Sequential(
            *(module.folded(m) if isinstance(m, module.Branches) else m for m in ours)
        )
        assert_close(folded(x), expected, rtol=1e-6, atol=1e-6)
        y = folded[1](folded[0](x))
        for depthwise, pointwise in zip(folded[2::4], folded[4::4], strict=True):
            c_in, c_out = pointwise.in_channels, pointwise.out_channels
            block = module.Block(module.V1, c_in, c_out, depthwise.stride[0]).double()
            module.take_weights(block, nn.Sequential(depthwise, pointwise))
            y = block(y)
        assert_close(y, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.long(12)
def test_mobileone_is_v1s_stack_with_branches():
    found = pairs()
    assert len(found) == 2 * 21
    assert {(k, c_in == groups) for k, c_in, _, _, groups in found[::2]} == {(3, True)}
    assert {(k, groups) for k, _, _, _, groups in found[1::2]} == {(1, 1)}
    check_mobileone(notebook, timm_mobileone(stages=4), layers=42)


BRANCHES = {
    "no input": ("if stride == 1 and in_channels == out_channels:", "if False:"),
    "the 1×1 filter in a corner": ("[rim] * 4", "[0, 2 * rim, 0, 2 * rim]"),
    "an input that mixes": ("dirac_(same.weight, same.groups)", "dirac_(same.weight)"),
    "one branch too few": ("for _ in range(count)", "for _ in range(count - 1)"),
    "a branch forgotten in the fold": ("parts.append(fold(*layer.small))", "pass"),
    "biases of the first branch only": ("sum(part.bias for part in parts)", "parts[0].bias"),
}


@pytest.fixture(scope="module")
def beginning() -> nn.Module:
    return timm_mobileone(stages=1)


def test_the_reference_of_these_mistakes_agrees_with_the_right_layers(beginning):
    check_mobileone(notebook, beginning, layers=4)


@pytest.mark.parametrize("mistake", BRANCHES)
def test_each_known_mistake_in_the_branches_is_caught(mistake, beginning):
    with pytest.raises((AssertionError, RuntimeError)):
        check_mobileone(definitions("family", *BRANCHES[mistake]), beginning, layers=4)


def test_v4s_own_block_is_a_recipe():
    """The book's two chapters agree: V4's universal bottleneck, norms and all, is this block."""
    v4 = definitions("v4")
    torch.manual_seed(0)
    for first, second, stride in ((5, 3, 1), (0, 5, 1), (3, 0, 1), (0, 0, 1), (3, 5, 2), (3, 0, 2)):
        theirs = v4.UniversalInvertedBottleneck(16, first, second, 48, 16, stride)
        theirs = notebook.awaken(theirs, 16)
        recipe = notebook.Recipe(front=first, expand=3, middle=second)
        compare(notebook, recipe, 16, 16, stride, None, theirs)
