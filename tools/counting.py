"""The counters of the tests and the figures: multiply-accumulates and parameters.

One multiply-accumulate (MAC) is two of the floating-point operations that PyTorch's own
`FlopCounterMode` counts. It counts convolutions and matrix products, and nothing else. Here its
formulas are asked without it: what it does for each layer besides takes longer than the network.
"""

from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from tools.notebooks import definitions

# What gives a fresh weight its numbers, besides `nn.init`. Where there are none it does nothing,
# and takes most of the time that a network takes to build.
FILL = (Tensor.normal_, Tensor.uniform_, Tensor.fill_, Tensor.zero_)
FILL += (Tensor.erfinv_, Tensor.mul_, Tensor.add_, Tensor.clamp_)  # of nn.init.trunc_normal_


class Unfilled(TorchFunctionMode):
    """Leave weights without numbers as they are."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in FILL or getattr(func, "__module__", None) == nn.init.__name__:
            weight = args[0] if args else kwargs["tensor"]
            if weight.is_meta:
                return weight
        return func(*args, **kwargs)


def on_meta(build, *args, **kwargs) -> nn.Module:
    """Build a network without allocating its weights: counting needs shapes alone."""
    with torch.device("meta"), Unfilled():
        return build(*args, **kwargs).eval()


# Layers that count nothing and change no shape; on the meta device they would take nine tenths of
# the time.
PASSED_BY = (
    nn.BatchNorm2d,
    nn.Dropout,
    nn.ReLU,
    nn.ReLU6,
    nn.SiLU,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.GELU,
)


@contextmanager
def passing_by(module: nn.Module, *more: type[nn.Module]):
    """Let the layers that count nothing hand on what they are given, and those of more types."""
    layers = [each for each in module.modules() if isinstance(each, PASSED_BY + more)]
    for layer in layers:
        layer.forward = lambda x: x
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


class Flops(TorchDispatchMode):
    """How many floating-point operations run meanwhile."""

    total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if formula := flop_registry.get(func._overloadpacket):
            self.total += formula(*args, **kwargs, out_val=out)
        return out


def macs(module: nn.Module, *shape: int) -> int:
    """MACs of one forward pass over a batch of one, `shape` being (channels, height, width)."""
    module = module.to("meta").eval()
    with passing_by(module), torch.no_grad(), Flops() as counter:
        module(torch.empty(1, *shape, device="meta"))
    assert counter.total % 2 == 0
    return counter.total // 2


def million_macs(network: nn.Module, size: int) -> float:
    """For a picture of size × size."""
    return macs(network, 3, size, size) / 1e6


def params(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def macs_by_layer(network: nn.Module, *shape: int) -> list[tuple[nn.Module, int, tuple[int, ...]]]:
    """Each convolution and linear layer of a network in order: (layer, MACs, output shape)."""
    rows = []

    def record(layer, _, output):
        weights_per_output = layer.weight.numel() // layer.weight.shape[0]
        rows.append((layer, output.numel() * weights_per_output, tuple(output.shape[1:])))

    hooks = [
        layer.register_forward_hook(record)
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    with passing_by(network), torch.no_grad():
        network(torch.empty(1, *shape, device="meta"))
    for hook in hooks:
        hook.remove()
    return rows


def kind_of(layer: nn.Module) -> str:
    """The type of a convolution or linear layer, named as in the figures."""
    if isinstance(layer, nn.Linear):
        return "fc"
    if layer.groups == layer.in_channels > 1:
        return "depthwise"
    if layer.kernel_size == (1, 1) and layer.bias is not None:
        return "squeeze"  # of V3's convolutions, those of squeeze-and-excite alone have a bias
    return "pointwise" if layer.kernel_size == (1, 1) else "standard"


def totals_by_kind(network: nn.Module, *shape: int) -> dict[str, tuple[int, int]]:
    """(MACs, weights) of each type of layer."""
    totals = {}
    for layer, count, _ in macs_by_layer(network, *shape):
        macs, weights = totals.get(kind_of(layer), (0, 0))
        totals[kind_of(layer)] = macs + count, weights + layer.weight.numel()
    return totals


def v1(**options) -> nn.Module:
    """The MobileNetV1 that its notebook builds."""
    return on_meta(definitions("v1").MobileNetV1, **options)


def v2(**options) -> nn.Module:
    """The MobileNetV2 that its notebook builds."""
    return on_meta(definitions("v2").MobileNetV2, **options)


def v3(variant: str = "large", **options) -> nn.Module:
    """The MobileNetV3 that its notebook builds."""
    return on_meta(definitions("v3").MobileNetV3, variant, **options)


def v4(variant: str = "conv_small", **options) -> nn.Module:
    """The MobileNetV4 that its notebook builds."""
    return on_meta(definitions("v4").MobileNetV4, variant, **options)
