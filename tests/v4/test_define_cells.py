"""What the notebook defines besides networks, each against a reference of its own."""

from inspect import signature

import pytest
import torch
from timm.models import mobilenetv3
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from torch.testing import assert_close

from tests.book import definitions
from tests.pieces import build, convolutions, settings
from tools import papers
from tools.counting import v4

pytestmark = pytest.mark.usefixtures("one_seed")
VARIANTS = ("conv_small", "conv_medium", "conv_large", "hybrid_medium", "hybrid_large")

# ---------------------------------------------------------------- units and blocks


def test_a_unit_of_v4_is_a_convolution_a_norm_and_an_activation():
    unit = definitions("v4").ConvNormAct(8, 16, 5, stride=2, groups=4, activation=nn.GELU)
    assert settings(unit.conv) == (8, 16, (5, 5), (2, 2), (2, 2), 4, False)
    assert unit.norm.num_features == 16
    assert [type(each) for each in unit] == [nn.Conv2d, nn.BatchNorm2d, nn.GELU]
    plain = definitions("v4").ConvNormAct(8, 16, 3)
    assert settings(plain.conv) == (8, 16, (3, 3), (1, 1), (1, 1), 1, False)
    assert isinstance(plain.act, nn.ReLU)
    assert len(definitions("v4").ConvNormAct(8, 16, 1, activation=None)) == 2


def test_a_depthwise_layer_of_v4_has_a_filter_for_each_channel_or_is_none():
    depthwise = definitions("v4").depthwise
    unit = depthwise(8, 5, 2, None)
    assert settings(unit.conv) == (8, 8, (5, 5), (2, 2), (2, 2), 8, False) and len(unit) == 2
    assert isinstance(depthwise(8, 3, 1, nn.GELU).act, nn.GELU)
    x = torch.randn(2, 8, 5, 5)
    assert depthwise(8, 0, 2, nn.ReLU)(x) is x


def test_a_layer_scale_is_a_factor_for_each_channel():
    scale, x = definitions("v4").LayerScale(3, 0.25), torch.randn(2, 3, 4, 5)
    assert scale.gamma.requires_grad
    assert_close(scale(x), x / 4)
    with torch.no_grad():
        scale.gamma.copy_(torch.tensor([1.0, 2.0, 3.0]))
    assert_close(scale(x)[:, 2, 1, 3], 3 * x[:, 2, 1, 3])
    assert_close(scale(x)[:, 1, 3, 0], 2 * x[:, 1, 3, 0])


def test_the_universal_block_is_four_blocks_with_the_papers_names():
    notebook = definitions("v4")
    tables = (papers.V4_TABLE11, papers.V4_TABLE12, papers.V4_TABLE14)
    named = {
        (bool(row.k1), bool(row.k2)): row.block
        for table in tables
        for row in table
        if row.block in ("ExtraDW", "IB", "ConvNext", "FFN")
    }
    assert named == notebook.BLOCKS and len(named) == 4


@pytest.mark.parametrize(("kernel1", "kernel2"), [(3, 5), (0, 3), (5, 0), (0, 0)])
@pytest.mark.parametrize("stride", [1, 2])
def test_the_stride_of_v4s_block_is_on_its_last_filter(kernel1, kernel2, stride):
    if kernel1 == kernel2 == 0:
        stride = 1
    block = definitions("v4").UniversalInvertedBottleneck(8, kernel1, kernel2, 16, 8, stride)
    found = [(c.kernel_size[0], c.stride[0], c.groups) for c in convolutions(block)]
    filters = [kernel for kernel in (kernel1, kernel2) if kernel]
    strides = [*[1] * len(filters[1:]), stride][: len(filters)]
    groups = [g for kernel, g in ((kernel1, 8), (kernel2, 16)) if kernel]
    expected = list(zip(filters, strides, groups, strict=True))
    expected.insert(bool(kernel1), (1, 1, 1))
    assert found == [*expected, (1, 1, 1)]
    assert block.shortcut == (stride == 1) and isinstance(block.scale, nn.Identity)
    assert block(torch.randn(2, 8, 7, 5)).shape == (2, 8, -(-7 // stride), -(-5 // stride))


def test_the_universal_block_adds_its_input_beside_what_is_scaled():
    block = definitions("v4").UniversalInvertedBottleneck
    x = torch.randn(2, 8, 6, 6)
    adds, not_ = block(8, 3, 3, 16, 8, 1, layer_scale=0.0), block(8, 3, 3, 16, 12, 1, nn.GELU, 0.0)
    assert_close(adds(x), x, rtol=0, atol=0)
    assert not_.shortcut is False and not not_(x).any()
    kinds = [type(m) for m in not_.modules() if isinstance(m, nn.ReLU | nn.GELU)]
    assert kinds == [nn.GELU, nn.GELU]


def test_the_fused_block_widens_with_its_full_convolution():
    notebook = definitions("v4")
    block = notebook.FusedInvertedBottleneck(8, 5, 32, 16, 2)
    assert [settings(conv) for conv in convolutions(block)] == [
        (8, 32, (5, 5), (2, 2), (2, 2), 1, False),
        (32, 16, (1, 1), (1, 1), (0, 0), 1, False),
    ]
    assert isinstance(block.expand.act, nn.ReLU) and not hasattr(block.project, "act")
    other = notebook.FusedInvertedBottleneck(8, 3, 32, 16, 2, nn.GELU, last=nn.SiLU)
    assert isinstance(other.expand.act, nn.GELU) and isinstance(other.project.act, nn.SiLU)
    assert not block.shortcut and notebook.MobileMQA.shortcut


# ---------------------------------------------------------------- attention


@pytest.mark.parametrize("stride", [1, 2])
def test_keys_and_values_are_made_of_a_map_that_may_be_smaller(stride):
    layers = definitions("v4").shared_projection(8, 5, stride)
    small = [(8, 8, (3, 3), (2, 2), (1, 1), 8, False)] if stride == 2 else []
    assert [settings(conv) for conv in convolutions(layers)] == [
        *small,
        (8, 5, (1, 1), (1, 1), (0, 0), 1, False),
    ]
    kinds = [nn.Conv2d, nn.BatchNorm2d] * (stride == 2) + [nn.Conv2d]
    assert [type(layer) for layer in layers] == kinds
    assert layers(torch.randn(2, 8, 7, 5)).shape == (2, 5, -(-7 // stride), -(-5 // stride))


@pytest.mark.parametrize("stride", [1, 2])
def test_attention_of_v4_is_pytorchs_with_the_same_keys_for_each_head(stride):
    block = definitions("v4").MobileMQA(8, 3, 5, stride).double().eval()
    x = torch.randn(2, 8, 6, 7, dtype=torch.float64)
    with torch.no_grad():
        heads = block.query(x).reshape(2, 3, 5, 42).mT
        key, value = (
            layer(x).flatten(2).mT[:, None].repeat(1, 3, 1, 1) for layer in (block.key, block.value)
        )
        answer = scaled_dot_product_attention(heads, key, value).mT.reshape(2, 15, 6, 7)
        assert_close(block.attend(x), block.output(answer))
        block.norm.running_mean.fill_(1.0)
        block.scale.gamma.fill_(2.0)
        assert_close(block(x), x + 2 * block.attend(block.norm(x)))


def test_a_layer_scale_of_attention_starts_near_zero():
    block = definitions("v4").MobileMQA(8, 2, 4)
    assert_close(block.scale.gamma, torch.full((8,), 1e-5))
    assert len(block.key) == 1, "keys from the map itself, unless told"
    assert_close(definitions("v4").MobileMQA(8, 2, 4, 1, 0.5).scale.gamma, torch.full((8,), 0.5))


# ---------------------------------------------------------------- the networks


def test_v4s_variants_have_sizes_and_are_counted_at_them():
    """Table 6 counts at the size that its row names; the tables of blocks begin with it."""
    notebook = definitions("v4")
    tables = {
        "conv_small": papers.V4_TABLE11,
        "conv_medium": papers.V4_TABLE12,
        "hybrid_medium": papers.V4_TABLE13,
        "conv_large": papers.V4_TABLE14,
        "hybrid_large": papers.V4_TABLE15,
    }
    assert tuple(notebook.VARIANTS) == VARIANTS == tuple(notebook.SIZES)
    assert {name: table[0].side for name, table in tables.items()} == notebook.SIZES


def rows_of_timm(settings: dict) -> list[tuple]:
    """What timm builds a V4 of, as the columns of our rows; the last layer is left out."""
    rows, channels = [], settings["stem_size"]
    blocks = [(i, block) for stage in settings["block_args"][:-1] for i, block in enumerate(stage)]
    for number, block in blocks:
        kind, out = block["block_type"], block["out_chs"]
        stride = 1 if number else block["stride"]  # only a stage's first has it
        if kind == "mqa":
            rows.append((block["num_heads"], block["key_dim"], block["kv_stride"]))
        elif kind == "cn" and block["kernel_size"] == 1:  # Conv-S: the second of two plain units
            *rest, wide, stride = rows.pop()
            rows.append((*rest, wide, out, stride))
        elif kind == "cn":
            rows.append((0, block["kernel_size"], out, stride))
        else:
            fused = kind == "er"
            k1 = 0 if fused else block["dw_kernel_size_start"]
            k2 = block["exp_kernel_size" if fused else "dw_kernel_size_mid"]
            rows.append((k1, k2, channels * block["exp_ratio"], out, stride))
        channels = out
    return rows


@pytest.mark.parametrize("variant", VARIANTS)
def test_v4s_rows_are_timms(variant, monkeypatch):
    """Number by number: one that is off by 1 is rounded to the same channels at most widths."""
    monkeypatch.setattr(mobilenetv3, "_create_mnv3", lambda *_, **settings: settings)
    settings = mobilenetv3._gen_mobilenet_v4(f"mobilenetv4_{variant}")
    chosen = definitions("v4").VARIANTS[variant]
    ours = [tuple(row) if len(row) == 3 else tuple(row[1:]) for row in chosen.rows]
    assert ours == rows_of_timm(settings)
    assert (chosen.stem, chosen.layer_scale) == (
        settings["stem_size"],
        settings["layer_scale_init_value"],
    )
    assert chosen.plain_start == (settings["block_args"][0][0]["block_type"] == "cn")
    (last,) = settings["block_args"][-1]
    assert last["out_chs"] == 960 and settings["num_features"] == 1280


def test_v4_is_conv_s_unless_told():
    default = signature(definitions("v4").MobileNetV4).parameters["variant"].default
    assert default == "conv_small"
    network = build("v4", num_classes=10)
    assert len(network.blocks) == 14 and network.classifier.out_features == 10
    with torch.no_grad():
        x = torch.randn(2, 3, 64, 64)
        network.eval()
        seen = network.head(network.pool(network.last(network.blocks(network.stem(x)))))
        assert seen.shape == (2, 1280, 1, 1)
        assert_close(network(x), network.classifier(seen[:, :, 0, 0]))


@pytest.mark.parametrize("variant", VARIANTS)
def test_v4s_blocks_have_their_variants_activation_and_scale(variant):
    notebook, chosen = definitions("v4"), definitions("v4").VARIANTS[variant]
    blocks = notebook.build_blocks(chosen, 16, 0.25)
    kinds = {type(m) for m in blocks.modules() if isinstance(m, nn.ReLU | nn.GELU)}
    assert kinds == {nn.GELU if variant == "hybrid_large" else nn.ReLU}
    starts = {p.unique().item() for n, p in blocks.named_parameters() if n.endswith("gamma")}
    assert starts == ({torch.tensor(1e-5).item()} if "hybrid" in variant else set())
    out = {"small": 32, "medium": 64, "large": 128}[variant.partition("_")[2]]
    assert blocks(torch.randn(2, 16, 33, 33)).shape == (2, out, 3, 3)


# ---------------------------------------------------------------- the ridge


def test_bytes_are_those_of_maps_and_weights():
    """By hand: a filter, then a pointwise layer, on a map of 4 × 4; and a linear layer."""
    notebook = definitions("v4")
    network = nn.Sequential(
        nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8, bias=False),
        nn.Conv2d(8, 16, 1, bias=False),
        nn.Flatten(),
        nn.Linear(64, 5),
    )
    costs = notebook.layer_costs(network, 8, 4, 4)
    maps_and_weights = [(128, 32, 72), (32, 64, 128), (64, 5, 320)]
    assert [notebook.bytes_moved(cost) for cost in costs] == [sum(e) for e in maps_and_weights]


def test_a_layer_takes_the_longer_of_arithmetic_and_bytes():
    notebook = definitions("v4")
    costs = notebook.layer_costs(v4(), 3, 224, 224)
    macs = [cost.macs for cost in costs]
    moved = [notebook.bytes_moved(cost) for cost in costs]
    assert notebook.roofline_time(costs, 0) == sum(macs) == 186_005_568
    assert notebook.roofline_time(costs, 1e6) == 1e6 * sum(moved)
    between = [max(a, 30 * b) for a, b in zip(macs, moved, strict=True)]
    assert any(a > 30 * b for a, b in zip(macs, moved, strict=True))
    assert notebook.roofline_time(costs, 30) == sum(between) > max(sum(macs), 30 * sum(moved))
    assert notebook.roofline_time([], 30) == 0


@pytest.mark.parametrize(("variant", "fused"), [("conv_small", 2), ("conv_medium", 1)])
def test_the_time_of_v4_is_shared_by_its_start_its_middle_and_its_head(variant, fused):
    """By their names: the stem and FusedIB; what is left; the last layer, head and classifier."""
    notebook, network = definitions("v4"), v4(variant)
    costs = notebook.layer_costs(network, 3, 224, 224)
    names = [n for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    starts = ("stem.", *(f"blocks.{i}." for i in range(fused)))
    ends = ("last.", "head.", "classifier")
    of = {"start": 0.0, "middle": 0.0, "head": 0.0}
    for name, cost in zip(names, costs, strict=True):
        part = "start" if name.startswith(starts) else "head" if name.startswith(ends) else "middle"
        of[part] += max(cost.macs, 31 * notebook.bytes_moved(cost)) / notebook.roofline_time(
            costs, 31
        )
    shares = notebook.time_by_part(network, 31)
    assert list(shares) == list(of) and sum(shares.values()) == pytest.approx(1)
    assert shares == pytest.approx(of)


# ---------------------------------------------------------------- what is broken, and shown


def test_turning_up_touches_the_scales_alone():
    notebook = definitions("v4")
    network = build("v4", variant="hybrid_medium", num_classes=10, width_mult=0.25)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert notebook.turn_up(network) is network
    gammas = []
    for name, value in network.state_dict().items():
        if name.endswith("gamma"):
            gammas.append(value)
            assert 0.5 <= value.min() and value.max() <= 1.5
        else:
            assert torch.equal(value, before[name])
    assert len(gammas) == len(network.blocks) - 1  # FusedIB has none
    ends = torch.cat(gammas).aminmax()
    assert_close(torch.stack(ends), torch.tensor([0.5, 1.5]), rtol=0, atol=0.02)


@pytest.mark.parametrize("variant", ["conv_medium", "hybrid_medium"])
def test_the_mistakes_leave_alone_what_they_are_not_about(variant):
    """A block without a first filter gets no activation there; a norm keeps all but its epsilon."""
    notebook = definitions("v4")
    network = build("v4", variant=variant, num_classes=10, width_mult=0.25)
    ours = notebook.UniversalInvertedBottleneck
    blocks = [block for block in network.blocks if isinstance(block, ours)]
    notebook.activation_on_the_first_filter(network)
    for block in blocks:
        found = [type(each) for each in block.depthwise1.children()]
        assert found in ([], [nn.Conv2d, nn.BatchNorm2d, nn.ReLU])
    notebook.epsilon_of_tensorflow(network)
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.1)}
    notebook.stride_on_the_first_filter(network)
    for block in blocks:
        if not block.shortcut:
            strides = [conv.stride for conv in convolutions(block)]
            assert strides == [(2, 2), (1, 1), (1, 1), (1, 1)]
