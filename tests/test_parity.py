"""Our blocks give the reference's outputs, and each known mistake is caught."""

import pytest
import torch
from timm.models._efficientnet_blocks import DepthwiseSeparableConv as Reference
from torch import nn
from torch.testing import assert_close

from tests.book import ROOT, definitions, read_notebook

SEPARABLE = ROOT / "chapters" / "separable" / "separable.ipynb"


def block_source() -> str:
    """The cell of the notebook that defines the block."""
    cells = read_notebook(SEPARABLE).cells
    return next(c.source for c in cells if c.source.startswith("class DepthwiseSeparableConv"))


def built_from(source: str, *args) -> nn.Module:
    namespace = dict(vars(definitions("separable")))
    exec(source, namespace)
    return namespace["DepthwiseSeparableConv"](*args)


def calibrated(module: nn.Module, channels: int) -> nn.Module:
    """Give the batch norms real statistics and scales: fresh ones hide mistakes."""
    torch.manual_seed(1)
    module = module.double().train()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None  # a plain average: the usual one forgets too slowly
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, -0.5, 0.5)
    with torch.no_grad():
        for _ in range(3):
            module(torch.randn(8, channels, 14, 14, dtype=torch.float64))
    return module.eval()


def compare(block: nn.Module, m: int, n: int, stride: int) -> None:
    """Load the reference's weights by order and compare outputs."""
    reference = Reference(m, n, stride=stride, act_layer=nn.ReLU, noskip=True, pw_act=True)
    reference = calibrated(reference, m)
    block = block.double().eval()
    ours, theirs = block.state_dict(), reference.state_dict()
    assert len(ours) == len(theirs), "another number of tensors"
    block.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
    for size in (14, 15):
        x = torch.randn(4, m, size, size, dtype=torch.float64)
        with torch.no_grad():
            assert_close(block(x), reference(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("m", "n", "stride"), [(32, 64, 1), (64, 128, 2), (8, 8, 1), (3, 5, 2)])
def test_block_equals_timm(m, n, stride):
    compare(definitions("separable").DepthwiseSeparableConv(m, n, stride), m, n, stride)


MISTAKES = {
    "groups removed": ("groups=m,", "groups=1,"),
    "stride forgotten": ("m, m, 3, stride,", "m, m, 3, 1,"),
    "padding forgotten": ("padding=1", "padding=0"),
    "bias kept": ("kernel_size=1, bias=False", "kernel_size=1, bias=True"),
    "batch norm left out": ("nn.BatchNorm2d(m)", "nn.Identity()"),
    "activation left out": ("nn.ReLU(inplace=True)", "nn.Identity()"),
    "another activation": ("nn.ReLU(inplace=True)", "nn.Hardswish()"),
    "pointwise padded": ("kernel_size=1, bias=False", "kernel_size=1, padding=1, bias=False"),
    "wrong order": (
        "self.pointwise(self.depthwise(x))",
        "self.depthwise(self.pointwise(x))",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_known_mistake_is_caught(mistake):
    right, wrong = MISTAKES[mistake]
    source = block_source()
    assert right in source, f"the notebook no longer contains {right!r}"
    with pytest.raises((AssertionError, RuntimeError)):
        compare(built_from(source.replace(right, wrong), 8, 8, 2), 8, 8, 2)


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
