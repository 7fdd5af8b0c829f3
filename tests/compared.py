"""Our blocks and networks beside the references: for the tests of parity."""

import torch
from torch import nn
from torch.testing import assert_close


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
    """Give it the reference's weights by their order: only the names differ. They are copied, but
    where it was built without numbers: there they are the reference's own.
    """
    names, weights = ours.state_dict(), reference.state_dict()
    same_number = len(names) == len(weights)  # else pytest would print them all
    assert same_number, "another number of tensors"
    ours = ours.double().eval()
    bare = all(weight.is_meta for weight in names.values())
    ours.load_state_dict(dict(zip(names, weights.values(), strict=True)), assign=bare)
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
