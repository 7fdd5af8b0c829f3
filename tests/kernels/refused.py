"""Networks for which there is no kernel, each with what the message names; and some for which there
is one, though no MobileNet has it.
"""

import operator
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Does(nn.Module):
    """A function of a map, with layers."""

    def __init__(self, function: Callable[..., Tensor], *layers: nn.Module):
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.layers)


def behind(*layers: nn.Module, channels: int = 8) -> nn.Sequential:
    """Behind a layer with 8 channels, and in front of a classifier."""
    end = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 5)
    return nn.Sequential(nn.Conv2d(3, 8, 1), *layers, *end)


def conv(size: int | tuple, channels: int = 8, **options) -> nn.Sequential:
    return behind(nn.Conv2d(8, channels, size, **options), channels=channels)


def depthwise(size: int, **options) -> nn.Sequential:
    return conv(size, groups=8, **{"padding": size // 2} | options)


def relu_beside(x: Tensor, layer: nn.Module, act: nn.Module) -> Tensor:
    """Another layer reads what no activation has seen."""
    y = layer(x)
    return layer(act(y)) + layer(y)


def relu_of_another(x: Tensor, one: nn.Module, other: nn.Module, act: nn.Module) -> Tensor:
    y, z = one(x), other(x)
    return act(y) + z


def two_answers(x: Tensor, one: nn.Module, other: nn.Module) -> tuple[Tensor, Tensor]:
    return one(x), other(x)


def zeros_for_a_sum(x: Tensor, zeros: nn.Module, layer: nn.Module) -> Tensor:
    """A layer reads a map with zeros around it, and so does a sum."""
    y = zeros(x)
    return layer(y) + y


def two_with_zeros(x: Tensor, zeros: nn.Module, one: nn.Module, other: nn.Module) -> Tensor:
    y = zeros(x)
    return one(y) + other(y)


class Called(nn.Module):
    """Layers by the names that `torch.fx` gives to what comes in and goes out."""

    def __init__(self, x: nn.Module, output: nn.Module):
        super().__init__()
        self.stem, self.x, self.output, self.end = nn.Conv2d(3, 8, 1), x, output, behind()[1:]

    def forward(self, x: Tensor) -> Tensor:
        return self.end(self.output(self.x(self.stem(x))))


class TwoPictures(nn.Module):
    """The second need not be given."""

    def __init__(self):
        super().__init__()
        self.layer, self.rest = nn.Conv2d(3, 8, 1), behind()[1:]

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.rest(self.layer(x) + self.layer(x if y is None else y))


POOL, MIX, OTHER = nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)
GATE_OF_ONE = nn.Sequential(POOL, nn.Conv2d(8, 1, 1))
LAYERS = {
    "GELU": (behind(nn.GELU()), "GELU"),
    "SiLU": (behind(nn.SiLU()), "SiLU"),
    "sigmoid": (behind(nn.Sigmoid()), "Sigmoid"),
    "another ReLU": (behind(nn.LeakyReLU()), "LeakyReLU"),
    "softmax": (nn.Sequential(*behind(), nn.Softmax(1)), "Softmax"),
    "the largest of four": (behind(nn.MaxPool2d(2)), "MaxPool2d"),
    "the mean of four": (behind(nn.AvgPool2d(2)), "AvgPool2d"),
    "a norm that is not folded": (behind(nn.BatchNorm2d(8)), "BatchNorm2d"),
    "another norm": (behind(nn.InstanceNorm2d(8)), "InstanceNorm2d"),
    "a transposed convolution": (behind(nn.ConvTranspose2d(8, 8, 1)), "ConvTranspose2d"),
    "means of parts": (behind(nn.AdaptiveAvgPool2d(2)), "AdaptiveAvgPool2d"),
    "means of parts, by a function": (
        behind(Does(lambda x: F.adaptive_avg_pool2d(x, 2))),
        "pool2d",
    ),
    "dilated": (conv(3, padding=2, dilation=2), "dilation"),
    "dilated, padded with 1": (conv(3, padding=1, dilation=2), "dilation"),
    "without padding": (conv(3), "Conv2d"),
    "too much padding": (conv(3, padding=2), "padding"),
    "pointwise with padding": (conv(1, padding=1), "padding"),
    "more padding above than beside": (conv(3, padding=(1, 0)), "padding"),
    "padded with the other side": (conv(3, padding=1, padding_mode="circular"), "circular"),
    "two strides": (conv(3, padding=1, stride=(1, 2)), "stride"),
    "two sizes": (conv((3, 1), padding=(1, 0)), "kernel_size"),
    "two sizes, the first is 1": (conv((1, 3), padding=(0, 1)), "kernel_size"),
    "two sizes, one padding": (conv((3, 2), padding=1), "kernel_size"),
    "pointwise at stride 2": (conv(1, stride=2), "stride"),
    "groups of pointwise": (conv(1, groups=2), "groups"),
    "groups of filters": (conv(3, padding=1, groups=2), "groups"),
    "two filters for a channel": (conv(3, 16, padding=1, groups=8), "groups"),
    "two channels for a filter": (conv(3, 4, padding=1, groups=4), "groups"),
    "depthwise of 7": (depthwise(7), "groups"),
    "depthwise of 1": (depthwise(1), "groups"),
    "depthwise of 4": (depthwise(4), "groups"),
    "depthwise at stride 3": (depthwise(3, stride=3), "groups"),
}
OPERATIONS = {
    "a function for a layer": (behind(Does(lambda x: F.relu(x))), "relu"),
    "a method for a layer": (behind(Does(lambda x: x.relu())), "relu"),
    "a mean by a method": (behind(Does(lambda x: x.mean((2, 3), keepdim=True))), "mean"),
    "a difference": (behind(Does(lambda x, c: x - c(x), MIX)), "sub"),
    "a sum by another name": (behind(Does(lambda x, c: torch.add(x, c(x)), MIX)), "add"),
    "twice as many channels": (behind(Does(lambda x: torch.cat([x, x], 1)), channels=16), "cat"),
    "a number added": (behind(Does(lambda x: x + 3)), "add"),
    "a number behind": (behind(Does(lambda x: x * 2)), "mul"),
    "a number before": (behind(Does(lambda x: operator.mul(2, x))), "scale"),
    "an input by its name": (behind(Does(lambda x, c: c(input=x), MIX)), "Conv2d"),
    "a pool's input by its name": (
        behind(Does(lambda x, p: p(input=x), POOL)),
        "AdaptiveAvgPool2d",
    ),
    "a mean added": (behind(Does(lambda x, p: x + p(x), POOL)), "add"),
    "added to a mean": (behind(Does(lambda x, p: p(x) + x, POOL)), "add"),
    "a map times itself": (behind(Does(lambda x: x * x)), "scale"),
    "the gate before its map": (behind(Does(lambda x, p: p(x) * x, POOL)), "scale"),
    "one gate for all": (behind(Does(lambda x, g: x * g(x), GATE_OF_ONE)), "scale"),
    "linear over columns": (behind(nn.Linear(9, 9)), "dense"),
    "linear over a whole map": (
        nn.Sequential(nn.Conv2d(3, 8, 1), nn.Flatten(), nn.Linear(648, 5)),
        "dense",
    ),
    "a picture's channels, one by one": (
        nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, groups=3), *behind()),
        "depthwise",
    ),
    "a picture's mean": (nn.Sequential(POOL, nn.Flatten(), nn.Linear(3, 5)), "mean"),
    "two pictures": (TwoPictures(), "y"),
    "a picture twice": (nn.Sequential(Does(lambda x: x + x), *behind()), "add"),
}
ACTIVATIONS = {
    "of a picture": nn.Sequential(nn.ReLU(), *behind()),
    "behind a sum": behind(Does(lambda x, c, act: act(x + c(x)), MIX, nn.ReLU())),
    "behind a mean": nn.Sequential(nn.Conv2d(3, 8, 1), POOL, nn.ReLU(), nn.Conv2d(8, 5, 1)),
    "behind a gate": behind(Does(lambda x, p, act: act(x * p(x)), POOL, nn.ReLU6())),
    "behind another": behind(nn.Hardswish(), nn.ReLU()),
    "behind itself": behind(nn.ReLU(), nn.ReLU()),
    "of what is read before": behind(Does(relu_beside, MIX, nn.ReLU())),
    "of what is read behind": behind(Does(lambda x, act: act(x) + x, nn.ReLU())),
    "of what is read in disguise": behind(
        Does(lambda x, same, act: same(x) + act(x), nn.Identity(), nn.ReLU())
    ),
    "of what does nothing to what is read": behind(
        Does(lambda x, same, act: act(same(x)) + x, nn.Identity(), nn.ReLU())
    ),
    "of what stands further back": behind(Does(relu_of_another, MIX, OTHER, nn.ReLU())),
}
ANSWERS = {
    "two": nn.Sequential(behind(), Does(two_answers, nn.Linear(5, 5), nn.Linear(5, 5))),
    "not the last": nn.Sequential(
        behind(), Does(lambda x, a, b: two_answers(x, a, b)[0], nn.Linear(5, 5), nn.Linear(5, 5))
    ),
}
BARE, BARE_5, ROUND = nn.Conv2d(8, 8, 3), nn.Conv2d(8, 8, 5), nn.Conv2d(8, 8, 3, padding=1)
ZEROS = {
    "more above than beside": (behind(nn.ZeroPad2d((1, 1, 2, 2)), BARE), "ZeroPad2d"),
    "before, but below": (behind(nn.ZeroPad2d((1, 0, 0, 1)), BARE), "ZeroPad2d"),
    "above and below only": (behind(nn.ZeroPad2d((0, 0, 1, 1)), BARE), "ZeroPad2d"),
    "more above than before": (behind(nn.ZeroPad2d((0, 1, 1, 1)), BARE), "ZeroPad2d"),
    "more below than behind": (behind(nn.ZeroPad2d((1, 1, 1, 2)), BARE), "ZeroPad2d"),
    "for a pointwise layer at stride 2": (
        behind(nn.ZeroPad2d(1), nn.Conv2d(8, 8, 1, stride=2)),
        "stride",
    ),
    "fewer than none": (behind(nn.ZeroPad2d(-1), BARE), "ZeroPad2d"),
    "fewer than none before": (behind(nn.ZeroPad2d((-1, 1, -1, 1)), BARE), "ZeroPad2d"),
    "fewer than none behind": (behind(nn.ZeroPad2d((2, -1, 2, -1)), BARE), "ZeroPad2d"),
    "for a linear layer": (behind(nn.ZeroPad2d(0), nn.Linear(9, 9)), "ZeroPad2d"),
    "for an activation": (behind(nn.ZeroPad2d(1), nn.ReLU(), BARE), "ZeroPad2d"),
    "for a pool": (behind(nn.ZeroPad2d(1)), "ZeroPad2d"),
    "for a sum": (behind(Does(lambda x, zeros: zeros(x) + zeros(x), nn.ZeroPad2d(1))), "ZeroPad2d"),
    "for a layer and a sum": (behind(Does(zeros_for_a_sum, nn.ZeroPad2d(1), MIX)), "ZeroPad2d"),
    "for the answer": (nn.Sequential(nn.Conv2d(3, 8, 1), nn.ZeroPad2d(1)), "ZeroPad2d"),
    "for nobody": (behind(Does(lambda x, zeros: (zeros(x), x)[1], nn.ZeroPad2d(1))), "ZeroPad2d"),
    "for what does nothing": (behind(nn.ZeroPad2d(1), nn.Identity(), BARE), "ZeroPad2d"),
    "for zeros": (behind(nn.ZeroPad2d(1), nn.ZeroPad2d((0, 1, 0, 1)), BARE), "ZeroPad2d"),
    "for a layer with its own": (behind(nn.ZeroPad2d(1), ROUND), "padding=(1, 1)"),
    "none, for a layer with its own": (behind(nn.ZeroPad2d(0), ROUND), "padding=(1, 1)"),
    "for two, one with its own": (
        behind(Does(two_with_zeros, nn.ZeroPad2d(1), BARE_5, nn.Conv2d(8, 8, 7, padding=1))),
        "padding=(1, 1)",
    ),
    "for a transposed convolution": (
        behind(nn.ZeroPad2d(1), nn.ConvTranspose2d(8, 8, 1)),
        "ZeroPad2d",
    ),
    "for a layer that has none elsewhere": (
        behind(Does(lambda x, zeros, c: c(c(zeros(x))), nn.ZeroPad2d(1), BARE)),
        "Conv2d",
    ),
    "of an input by its name": (
        behind(Does(lambda x, zeros, c: c(zeros(input=x)), nn.ZeroPad2d(1), BARE)),
        "ZeroPad2d",
    ),
    "for an input by its name": (
        behind(Does(lambda x, zeros, c: c(input=zeros(x)), nn.ZeroPad2d(1), BARE)),
        "Conv2d",
    ),
    "for a depthwise layer of 7": (
        behind(nn.ZeroPad2d(3), nn.Conv2d(8, 8, 7, groups=8)),
        "groups",
    ),
    "by a function": (behind(Does(lambda x, c: c(F.pad(x, (1, 1, 1, 1))), BARE)), "pad"),
    "a constant of 0": (behind(nn.ConstantPad2d(1, 0.0), BARE), "ConstantPad2d"),
    "ones": (behind(nn.ConstantPad2d(1, 1.0), BARE), "ConstantPad2d"),
    "a reflection": (behind(nn.ReflectionPad2d(1), BARE), "ReflectionPad2d"),
    "the edge again": (behind(nn.ReplicationPad2d(1), BARE), "ReplicationPad2d"),
    "the other side": (behind(nn.CircularPad2d(1), BARE), "CircularPad2d"),
    "for one that is called output": (Called(nn.ZeroPad2d(1), nn.ReLU()), "ZeroPad2d"),
}
ALL = {
    **{f"layer: {name}": pair for name, pair in LAYERS.items()},
    **{f"operation: {name}": pair for name, pair in OPERATIONS.items()},
    **{f"activation: {name}": (each, "activation") for name, each in ACTIVATIONS.items()},
    **{f"zeros: {name}": pair for name, pair in ZEROS.items()},
    **{f"answer: {name}": (each, "return") for name, each in ANSWERS.items()},
}
SIDE = 9  # of the picture

ACCEPTED = {
    "filters of 7": nn.Sequential(nn.Conv2d(3, 8, 7, 2, 3), *behind()[1:]),
    "filters of 2": conv(2, padding=1),
    "every third place": conv(3, padding=1, stride=3),
    "a layer twice, one of them bare": behind(OTHER, nn.ReLU(), OTHER),
    "a value twice": behind(Does(lambda x: x + x)),
    "functions": nn.Sequential(
        nn.Conv2d(3, 8, 1),
        Does(lambda x: torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1)),
        nn.Linear(8, 5),
    ),
    "what does nothing": behind(nn.Identity(), nn.Dropout(0.5), nn.ReLU()),
    "zeros behind an activation": behind(nn.ReLU(), nn.ZeroPad2d((0, 1, 0, 1)), BARE, nn.ReLU6()),
    "zeros around a picture": nn.Sequential(
        nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 8, 3, 2), *behind()[1:]
    ),
    "no zeros": behind(nn.ZeroPad2d(0), BARE),
    "zeros that no window sees": behind(nn.ZeroPad2d((0, 9, 0, 9)), nn.Conv2d(8, 8, 3, 3)),
    "zeros around a pointwise layer's map": behind(nn.ZeroPad2d((2, 1, 2, 1)), MIX),
    "a map with zeros and without": behind(
        Does(lambda x, zeros, layer: x + layer(zeros(x)), nn.ZeroPad2d(1), BARE)
    ),
    "zeros for two layers": behind(Does(two_with_zeros, nn.ZeroPad2d(1), BARE, BARE)),
    "a layer with zeros and without": behind(
        Does(lambda x, zeros, layer: layer(zeros(x)) + layer(x), nn.ZeroPad2d(0), MIX)
    ),
    "zeros twice": behind(*2 * (nn.ZeroPad2d((0, 1, 0, 1)), BARE)),
    "zeros that are called x, for one that is called output": Called(nn.ZeroPad2d(1), BARE),
    "a product of two vectors": behind(Does(lambda x, p, q: p(x) * q(p(x)), POOL, MIX)),
}
