"""Our blocks and networks give the reference's outputs, and each known mistake is caught."""

import pytest
import timm
import torch
from timm.models._efficientnet_blocks import DepthwiseSeparableConv as TimmBlock
from torch import nn
from torch.testing import assert_close

from tests.book import definitions


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
            module(images(8, channels, side))
    return module.eval()


def load_in_order(ours: nn.Module, reference: nn.Module) -> nn.Module:
    """Copy the reference's weights by their order: only the names differ."""
    names, weights = ours.state_dict(), reference.state_dict()
    assert len(names) == len(weights), "another number of tensors"
    ours = ours.double().eval()
    ours.load_state_dict(dict(zip(names, weights.values(), strict=True)))
    return ours


@torch.no_grad()
def compare(ours: nn.Module, reference: nn.Module, channels: int, sides: tuple[int, ...]) -> None:
    """Equal outputs for the same weights, and outputs that depend on the image."""
    ours = load_in_order(ours, reference)
    for side in sides:
        x = images(4, channels, side)
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
    "groups removed": ("groups=m,", "groups=1,"),
    "stride forgotten": ("m, m, 3, stride,", "m, m, 3, 1,"),
    "padding forgotten": ("stride, padding=1", "stride, padding=0"),
    "bias kept": ("n, kernel_size=1, bias=False", "n, kernel_size=1, bias=True"),
    "batch norm left out": ("nn.BatchNorm2d(m)", "nn.Identity()"),
    "activation left out": ("nn.ReLU(inplace=True)", "nn.Identity()"),
    "another activation": ("nn.ReLU(inplace=True)", "nn.Hardswish()"),
    "pointwise padded": ("n, kernel_size=1,", "n, kernel_size=1, padding=1,"),
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
    "ReLU for ReLU6": ("nn.ReLU6(inplace=True)", "nn.ReLU(inplace=True)"),
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
        compare(broken.MobileNetV1(), timm_v1, 3, (97, 128))


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
