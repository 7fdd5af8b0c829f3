"""What the notebook defines besides the block's outputs, each against a reference of its own."""

import math
import re
from typing import NamedTuple

import pytest
import timm
import torch
from timm.models.convnext import ConvNeXtBlock
from torch import nn
from torch.testing import assert_close

from tests.book import ROOT, definitions
from tests.pieces import settings
from tools import counting

pytestmark = pytest.mark.usefixtures("one_seed")

notebook = definitions("family")
Recipe, Block = notebook.Recipe, notebook.Block
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def weights(recipe, channels: int, squeeze: int) -> int:
    """Parameters of a block with as many channels out as in, by arithmetic."""
    wide = round(channels * recipe.expand) or channels
    count = sum(k and (k * k + 1) * channels for k in (recipe.front, recipe.back))
    count += recipe.middle and (recipe.middle**2 + 1) * wide
    count += (channels + 1) * wide * (recipe.expand > 0) * (2 if recipe.star else 1)
    count += (wide + 1) * channels + 2 * channels * recipe.norm
    gated = wide if recipe.middle else channels
    return count + (2 * gated * squeeze + gated + squeeze) * (recipe.gate is not None)


@pytest.mark.parametrize("name", notebook.RECIPES)
def test_a_block_has_the_weights_and_shapes_of_its_recipe(name):
    recipe = notebook.RECIPES[name]
    block = Block(recipe, 16, 16)
    assert counting.params(block) == weights(recipe, 16, 4)
    assert counting.params(Block(recipe, 16, 16, squeeze=6)) == weights(recipe, 16, 6)
    x = torch.randn(2, 16, 9, 8)
    assert block(x).shape == x.shape and block.shortcut == recipe.shortcut
    for c_out, stride in ((24, 1), (24, 2), (16, 2)):
        other = Block(recipe, 16, c_out, stride)
        assert other.shortcut == ""
        has_stride = recipe.front or recipe.middle
        size = tuple(math.ceil(side / (stride if has_stride else 1)) for side in (9, 8))
        assert other(x).shape == (2, c_out, *size)


def test_a_recipe_is_v2s_block_until_it_says_something():
    recipe = Recipe()
    assert (recipe.front, recipe.expand, recipe.middle, recipe.back) == (0, 6, 0, 0)
    assert (recipe.act, recipe.gate, recipe.star, recipe.norm) == (nn.ReLU, None, False, False)
    assert (recipe.shortcut, recipe.linear) == ("all", True)
    assert notebook.SE == (nn.ReLU, nn.Sigmoid)
    assert notebook.RECIPES["MobileOne"] is notebook.RECIPES["MobileNetV1"] is notebook.V1


def test_what_a_block_refuses():
    with pytest.raises(ValueError, match=re.escape("('all', 'pointwise', ''), not 'none'")):
        Block(Recipe(shortcut="none"), 8, 8)
    for recipe in (Recipe(front=4), Recipe(middle=2), Recipe(back=6)):
        with pytest.raises(ValueError, match="kernel must be odd, not [246]"):
            Block(recipe, 8, 8)


def test_the_pieces_are_the_layers_that_they_say():
    assert settings(notebook.pointwise(3, 5)) == (3, 5, (1, 1), (1, 1), (0, 0), 1, True)
    assert settings(notebook.depthwise(6, 5, 2)) == (6, 6, (5, 5), (2, 2), (2, 2), 6, True)
    assert settings(notebook.depthwise(6, 7)) == (6, 6, (7, 7), (1, 1), (3, 3), 6, True)
    conv, norm = notebook.conv_norm(4, 8, 3, 2, 4)
    assert settings(conv) == (4, 8, (3, 3), (2, 2), (1, 1), 4, False)
    assert settings(notebook.conv_norm(4, 8, 1)[0]) == (4, 8, (1, 1), (1, 1), (0, 0), 1, False)
    assert type(norm) is nn.BatchNorm2d and norm.num_features == 8
    layer = notebook.Branches(4, 4, 3)
    assert len(layer.equal) == 4 and layer.identity.num_features == 4
    assert settings(layer.small[0]) == (4, 4, (1, 1), (1, 1), (0, 0), 1, False)
    assert notebook.Branches(4, 4, 1).small is None
    for c_out, stride in ((4, 2), (8, 1)):
        assert notebook.Branches(4, c_out, 3, stride).identity is None
    settled = settings(notebook.Branches(4, 8, 3, 2, 4).small[0])
    assert settled == (4, 8, (1, 1), (2, 2), (0, 0), 4, False)


def test_where_the_stride_and_the_gate_stand():
    block = Block(Recipe(front=3, middle=5, gate=notebook.SE), 8, 8, 2)
    assert block.front[0].stride == (1, 1) and block.middle[0].stride == (2, 2)
    assert isinstance(block.middle[-1], notebook.SqueezeExcite) and len(block.front) == 1
    block = Block(Recipe(front=3, gate=notebook.SE), 8, 8, 2)
    assert block.front[0].stride == (2, 2)
    assert isinstance(block.front[-1], notebook.SqueezeExcite) and len(block.middle) == 0
    gate = block.front[-1]
    assert (gate.reduce.out_channels, type(gate.act), type(gate.gate)) == (
        2,
        nn.ReLU,
        nn.Sigmoid,
    )


# ---------------------------------------------------------------- counting


def test_macs_are_counted_by_kind_as_elsewhere(capsys):
    v2 = counting.v2()
    expected = {kind: macs for kind, (macs, _) in counting.totals_by_kind(v2, 3, 64, 64).items()}
    expected["vector"] = expected.pop("fc")
    found = notebook.macs_by_kind(v2, 3, 64, 64)
    assert found == {**dict.fromkeys(notebook.KINDS, 0), **expected}
    assert tuple(found) == notebook.KINDS and capsys.readouterr().out == ""


class Attends(nn.Module):
    """A linear layer at each of nine places, and each place with each: 9 × 9 × 4 MACs."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        y = self.linear(x.flatten(2).mT)
        return y @ y.mT


def test_kinds_of_layers_and_what_is_in_none():
    found = notebook.macs_by_kind(Attends(), 4, 3, 3)
    assert found == {
        **{"standard": 0, "depthwise": 0, "pointwise": 9 * 16},
        **{"vector": 0, "other": 9 * 9 * 4},
    }
    grouped = nn.Conv2d(8, 8, 3, padding=1, groups=2)
    assert notebook.macs_by_kind(grouped, 8, 5, 5)["other"] == 25 * 8 * 4 * 9
    single = nn.Conv2d(1, 6, 3, padding=1)  # one channel: as good as standard
    assert notebook.macs_by_kind(single, 1, 5, 5)["standard"] == 25 * 6 * 9
    cases = (
        (nn.Conv2d(8, 8, 1), (1, 8, 1, 1), "vector"),
        (nn.Conv2d(8, 8, 1), (1, 8, 1, 2), "pointwise"),
        (nn.Linear(8, 8), (1, 8), "vector"),
        (nn.Linear(8, 8), (1, 2, 2, 8), "pointwise"),
        (nn.Conv2d(8, 8, 3, groups=8), (1, 8, 2, 2), "depthwise"),
        (nn.Conv2d(8, 16, 3, groups=8), (1, 16, 2, 2), "depthwise"),
        (nn.Conv2d(8, 8, 3), (1, 8, 2, 2), "standard"),
        (nn.Conv2d(8, 8, 1, groups=2), (1, 8, 2, 2), "other"),
    )
    for layer, shape, kind in cases:
        assert notebook.sort_of(layer, torch.empty(shape)) == kind


# timm 1.0.31: parameters and MACs at 224×224 of the networks as they are deployed.
SIZES = {
    "mobilenetv1_100": (4_231_976, 568_740_352),
    "mobileone_s0": (2_078_504, 275_110_400),
    "mobilenetv2_100": (3_504_872, 300_774_272),
    "mnasnet_100": (4_383_312, 314_415_872),
    "semnasnet_100": (3_887_038, 311_579_072),
    "efficientnet_b0": (5_288_548, 385_814_752),
    "efficientnet_lite0": (4_652_008, 385_187_552),
    "mobilenetv3_large_100": (5_483_032, 216_589_760),
    "ghostnet_100": (5_182_508, 141_150_512),
    "convnext_atto": (3_695_520, 547_332_480),
    "repvit_m0_9": (5_067_056, 815_617_344),
    "fastvit_t8": (3_996_040, 524_773_248),
    "efficientvit_b1": (9_102_024, 519_214_592),
    "starnet_s1": (2_869_168, 421_877_376),
    "mobilenetv4_conv_small": (3_774_024, 186_005_568),
}


@pytest.mark.long(12)
def test_the_networks_have_the_known_sizes_and_no_branches():
    assert tuple(SIZES) == notebook.NAMES
    for name, (params, macs) in SIZES.items():
        network = notebook.deployed(name)
        assert not network.training
        found = notebook.macs_by_kind(network, 3, 224, 224)
        assert (counting.params(network), sum(found.values())) == (params, macs), name
        assert macs == counting.macs(network, 3, 224, 224)


# ---------------------------------------------------------------- taking weights over


def test_a_block_that_is_awake_has_weights_and_norms_that_fit():
    block = nn.Sequential(nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Linear(14, 14))
    found = notebook.awaken(block, 6)
    conv, norm, linear = found
    assert found is block and not found.training and conv.weight.dtype == torch.float64
    assert norm.num_batches_tracked == 3 and norm.momentum is None
    for factors, biases in ((norm.weight, norm.bias), (norm.weight, conv.bias)):
        assert 0.5 <= factors.min() < 1 < factors.max() <= 1.5
        assert -0.5 <= biases.min() < 0 < biases.max() <= 0.5
    assert linear.bias.abs().max() <= 0.5
    spread = math.sqrt(2 / (6 * 9))  # He et al. 2015: by fan-in
    assert_close(float(conv.weight.std()), spread, rtol=0.15, atol=0)
    with torch.no_grad():
        y = norm(conv(torch.randn(64, 6, 14, 14, dtype=torch.float64)))
        y = (y - norm.bias[:, None, None]) / norm.weight[:, None, None]
    assert y.mean((0, 2, 3)).abs().max() < 0.1 and (y.std((0, 2, 3)) - 1).abs().max() < 0.1


def test_layer_scale_is_awake_as_well():
    block = ConvNeXtBlock(8)
    assert block.gamma.max() < 1e-5
    assert 0.5 <= notebook.awaken(block, 8).gamma.min()
    fast = timm.create_model("fastvit_t8").get_submodule("stages.0.blocks.0")
    notebook.awaken(fast, 48)
    factors = [p for name, p in fast.named_parameters() if name.endswith("gamma")]
    assert len(factors) == 2 and all(0.5 <= p.min() and p.max() <= 1.5 for p in factors)


def test_layers_folded_and_put_in_another_form():
    linear = nn.Linear(5, 7)
    x = torch.randn(2, 3, 4, 5)
    assert_close(
        notebook.as_convolution(linear)(x.movedim(-1, 1)).movedim(1, -1), linear(x), **CLOSE
    )
    conv, factors = nn.Conv2d(3, 4, 3), torch.tensor([1.0, 2, -3, 0])
    x, before = torch.randn(2, 3, 6, 6), conv.weight.clone()
    expected = conv(x) * factors[:, None, None]
    assert_close(notebook.scaled(conv, factors)(x), expected, **CLOSE)
    assert torch.equal(conv.weight, before), "the layer itself stays"
    block = notebook.awaken(ConvNeXtBlock(8), 8)
    kinds = [type(layer) for layer in notebook.folded_layers(block)]
    assert [issubclass(each, nn.LayerNorm) for each in kinds] == [False, True, False, False]


def test_weights_do_not_fit_another_block():
    theirs = notebook.awaken(ConvNeXtBlock(8), 8)
    with pytest.raises(ValueError, match="^3 layers of ours, 4 of theirs$"):
        notebook.take_weights(Block(Recipe(front=7, expand=4), 8, 8), theirs)
    with pytest.raises(RuntimeError):
        notebook.take_weights(Block(Recipe(front=5, expand=4, norm=True), 8, 8), theirs)
    ours = Block(Recipe(front=7, expand=4, norm=True), 8, 8)
    conv = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
    bare = Block(Recipe(expand=0, middle=3), 8, 8)
    notebook.take_weights(bare, nn.Sequential(conv, nn.Conv2d(8, 8, 1)))
    assert bare.middle[0].bias.abs().max() == 0 and torch.equal(bare.middle[0].weight, conv.weight)
    notebook.take_weights(ours.double(), theirs)
    assert torch.equal(ours.front[1].weight, theirs.norm.weight)


def test_filters_that_pass_their_input_on_and_filters_with_a_rim():
    for conv in (nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(6, 6, 5, padding=2, groups=6)):
        conv.bias.data.zero_()
        x, before = torch.randn(2, 6, 7, 7), conv.weight.clone()
        assert_close(notebook.unchanged(conv)(x), x, rtol=0, atol=0)
        assert torch.equal(conv.weight, before)
    wide = notebook.widened(torch.ones(2, 3, 1, 1), 5)
    assert wide.shape == (2, 3, 5, 5) and wide.sum() == 6 and wide[0, 0, 2, 2] == 1


def test_a_reference_has_no_branches_left():
    [example] = [each for each in notebook.EXAMPLES if each.network == "repvit_m0_9"]
    block = notebook.reference(example)
    assert not block.training and not any(isinstance(m, nn.BatchNorm2d) for m in block.modules())
    assert {p.dtype for p in block.parameters()} == {torch.float64}


PAGE = ROOT / "chapters" / "family" / "index.md"


@pytest.mark.words
def test_the_recipes_on_the_page_are_the_notebooks():
    listings = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    [listing] = [each for each in listings if "NamedTuple" in each]
    names = {"NamedTuple": NamedTuple, "nn": nn, "SE": notebook.SE}
    exec(listing, names)
    assert names["Recipe"]._field_defaults == Recipe._field_defaults
    for name, recipe in (
        ("V2", "MobileNetV2"),
        ("EXTRA_DW", "V4's ExtraDW"),
        ("CONVNEXT", "ConvNeXt"),
        ("REPVIT", "RepViT"),
        ("STARNET", "StarNet"),
    ):
        assert names[name] == notebook.RECIPES[recipe]


class Found(nn.Module):
    """The block of the page's first exercise, its norm folded."""

    def __init__(self):
        super().__init__()
        self.depthwise = nn.Conv2d(64, 64, 5, padding=2, groups=64)
        self.up, self.gate = nn.Conv2d(64, 192, 1), nn.Conv2d(64, 192, 1)
        self.down = nn.Conv2d(192, 64, 1)

    def forward(self, x):
        y = self.depthwise(x)
        y = nn.functional.silu(self.up(y)) * self.gate(y)
        return x + self.down(y)


@pytest.mark.words
def test_the_solution_of_the_first_exercise_is_right():
    page = PAGE.read_text(encoding="utf-8")
    [solution] = re.findall(r"^`(Recipe\(.*?\))`;", page, re.MULTILINE)
    ours, theirs = Block(eval(solution, {"Recipe": Recipe, "nn": nn}), 64, 64), Found()
    notebook.take_weights(ours, theirs)
    x = torch.randn(2, 64, 6, 6)
    with torch.no_grad():
        assert_close(ours(x), theirs(x), **CLOSE)


def test_weights_in_order_are_all_weights_and_a_fold_takes_a_bias_along():
    layer, weights = notebook.Branches(4, 4, 3), notebook.Branches(4, 4, 3).state_dict()
    notebook.load_in_order(layer, weights)
    for ours, theirs in zip(layer.state_dict().values(), weights.values(), strict=True):
        assert torch.equal(ours, theirs)
    with pytest.raises(ValueError, match="zip"):
        notebook.load_in_order(layer, dict(list(weights.items())[:-1]))
    block = notebook.awaken(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), 3)
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    with torch.no_grad():
        assert_close(notebook.fold(*block)(x), block(x))
