"""Names for the expressions beside the numbers of the chapter on the family."""

from functools import cache

import timm
import torch
from timm.layers import LayerScale, LayerScale2d, RmsNorm2d, RmsNormAct2d
from timm.models.convnext import ConvNeXtBlock
from timm.models.repvit import RepVitMlp

from figures.family.draw import example, parts
from tests.book import definitions
from tests.numbers import integer, minutes
from tools import papers
from tools.counting import on_meta, params, passing_by

notebook = definitions("family")
RECIPES = notebook.RECIPES
V2 = RECIPES["MobileNetV2"]
# ConvNeXt's filter, V2's, and ConvNeXt's expansion.
LARGE, SMALL, WIDER = RECIPES["ConvNeXt"].front, V2.middle, RECIPES["ConvNeXt"].expand
SIDE, SIDE_IN = 28, 224  # the map of the notebook's blocks, and pictures


def share(part: float, whole: float) -> float:
    return 100 * part / whole


def macs_by_kind(module: torch.nn.Module, channels: int, side: int) -> dict[str, int]:
    """As the notebook counts; what counts nothing does not run, which takes most of the time."""
    with passing_by(module, *TIMMS):
        return notebook.macs_by_kind(module, channels, side, side)


# timm's own layers that count nothing and change no shape.
TIMMS = (torch.nn.LayerNorm, LayerScale, LayerScale2d, RmsNorm2d, RmsNormAct2d)

# ---------------------------------------------------------------- one block


@cache
def costs(recipe, channels: int, side: int = 1, **options) -> dict[str, int]:
    """MACs of a block by kind of layer; at a single place unless a side is given."""
    block = on_meta(notebook.Block, recipe, channels, channels, **options)
    if side > 1:
        return macs_by_kind(block, channels, side)
    found = macs_by_kind(block, channels, 28)  # "vector" at a side of 1
    return {kind: count // 28**2 for kind, count in found.items()}


def front(kernel: int, channels: int, side: int = 1) -> int:
    """MACs of a depthwise layer in front."""
    return costs(notebook.Recipe(front=kernel), channels, side)["depthwise"]


def middle(kernel: int, expand: int, channels: int, side: int = 1) -> int:
    """MACs of a depthwise layer in the middle."""
    recipe = notebook.Recipe(middle=kernel, expand=expand)
    return costs(recipe, channels, side)["depthwise"]


def pair(expand: int, channels: int, side: int = 1) -> int:
    """MACs of the two pointwise layers."""
    return costs(notebook.Recipe(expand=expand), channels, side)["pointwise"]


def ghost(c_in: int, c_out: int, kernel: int = 3) -> tuple[int, int]:
    """MACs of GhostNet's module at a place, its pointwise half and its depthwise one."""
    module = on_meta(notebook.GhostModule, c_in, c_out, dw_size=kernel)
    found = macs_by_kind(module, c_in, 2)
    return found["pointwise"] // 4, found["depthwise"] // 4


COMPARED = [each.network for each in notebook.EXAMPLES]
assert (len(COMPARED), len(set(COMPARED))) == (14, 12)  # "fourteen blocks", "twelve networks"
assert len(RECIPES) == len(notebook.NAMES) == 15  # "fifteen"

# From this expansion on a 7×7 layer in front costs less than a 3×3 one in the middle.
FROM = next(t for t in range(1, 99) if front(7, 8) < middle(3, t, 8))

# ---------------------------------------------------------------- branches

LAYER = example()
WINDOW = torch.arange(1.0, 10).reshape(1, 1, 3, 3)
FILTERS = [filters.tolist() for filters in parts(LAYER)]
CENTRES = [integer(filters[1][1]) for filters in FILTERS]


@torch.no_grad()
def answer(which: str) -> int:
    """What a branch of the smallest example puts out at the middle of the window."""
    branch = {"large": LAYER.equal[0], "small": LAYER.small, "identity": LAYER.identity}
    module = {**branch, "all": LAYER, "folded": notebook.folded(LAYER)}[which]
    return integer(float(module(WINDOW)[0, 0, 1, 1]))


def folded_filter(centre: float, rim: float, factor: float, small: float, twice: float, one: float):
    """The centre and the rim of a depthwise layer's folded filter, computed by the notebook."""
    layer = notebook.Branches(1, 1, kernel=3, count=1).eval()
    norms = layer.equal[0][1], layer.small[1], layer.identity
    with torch.no_grad():
        for norm, each in zip(norms, (factor, twice, one), strict=True):
            norm.eps = 0.0
            norm.weight.fill_(each)
        layer.equal[0][0].weight.fill_(rim)
        layer.equal[0][0].weight[0, 0, 1, 1] = centre
        layer.small[0].weight.fill_(small)
    weight = notebook.folded(layer).weight[0, 0]
    return float(weight[1, 1]), float(weight[0, 0])


# ---------------------------------------------------------------- networks


@cache
def network(name: str) -> torch.nn.Module:
    return on_meta(notebook.deployed, name)


@cache
def by_kind(name: str, side: int = SIDE_IN) -> dict[str, int]:
    return macs_by_kind(network(name), 3, side)


PARAMS = {name: params(network(name)) for name in notebook.NAMES}
MACS = {name: sum(by_kind(name).values()) for name in notebook.NAMES}
SHARES = {
    name: {kind: share(count, MACS[name]) for kind, count in by_kind(name).items()}
    for name in notebook.NAMES
}


def table_row(name: str) -> tuple[float, float, float, float, float]:
    """Million parameters and MACs; per cent of pointwise, depthwise and standard layers."""
    kinds = (SHARES[name][kind] for kind in ("pointwise", "depthwise", "standard"))
    return PARAMS[name] / 1e6, MACS[name] / 1e6, *kinds


_unfolded = on_meta(timm.create_model, "mobileone_s0")
TRAINED = params(_unfolded), sum(macs_by_kind(_unfolded, 3, SIDE_IN).values())

V5 = "mobilenetv5_300m_enc"
_encoder = on_meta(timm.create_model, V5)
V5_SIDE = _encoder.default_cfg["input_size"][-1]
V5_PARAMS = params(_encoder)
_v5 = macs_by_kind(_encoder, 3, V5_SIDE)
V5_SHARES = {kind: share(count, sum(_v5.values())) for kind, count in _v5.items()}

t6, t4 = papers.STARNET_TABLE6, papers.STARNET_TABLE4


def _conv_next(block) -> bool:
    """Of V4's four: a depthwise layer in front, none in the middle."""
    conv = [module for module in block.modules() if isinstance(module, torch.nn.Conv2d)]
    return [each.groups > 1 for each in conv] == [True, False, False]


_medium = on_meta(timm.create_model, "mobilenetv4_conv_medium")
CONVNEXTS_IN_M = sum(_conv_next(block) for stage in _medium.blocks for block in stage)

# How timm's fresh blocks begin: ConvNeXt's layer scale, RepViT's last norm.
LAYER_SCALE = ConvNeXtBlock(8).gamma[0].item()
LAST_NORM = RepVitMlp(8, 16, torch.nn.GELU).conv2.bn.weight[0].item()

_convs = [m for m in network("mobileone_s0").modules() if isinstance(m, torch.nn.Conv2d)]
PAIRS = sum(conv.groups == conv.in_channels for conv in _convs[1:])

# Words of the page and of the notebook for what they count.
assert 0.59 < 1 - PARAMS["mobileone_s0"] / TRAINED[0] < 0.62  # "three fifths of the parameters"
assert min(MACS, key=MACS.get) == "ghostnet_100"  # "the fewest MACs of the table"
assert CONVNEXTS_IN_M == 4  # "four times"
assert 0.18 < V5_SHARES["depthwise"] < 0.23  # "a fifth of one per cent"
assert 8.5 < t6["GhostNet"].ms / t6["V2"].ms < 9.5  # "nine times"
assert 2 < papers.STARNET_CPU["GhostNet"] / papers.STARNET_CPU["V2"] < 2.3  # "twice as long"
assert SHARES["mobilenetv4_conv_small"]["standard"] > 32  # "a third of its MACs"
_depthwise = [each["depthwise"] for each in SHARES.values()]
assert max(_depthwise) < 12.55  # "about an eighth at most"
_pointwise = sorted(each["pointwise"] for each in SHARES.values())
assert _pointwise[0] < 75 < _pointwise[1]  # "three quarters in all but one"
assert _pointwise[0] == SHARES["mobilenetv4_conv_small"]["pointwise"]
