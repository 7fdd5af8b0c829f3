"""What several notebooks define, in one text.

A notebook stands alone, so it cannot import this. It has a copy: a cell with
the tag `helper`, into which `python -m tools.stamp` writes what stands here
under the names that the cell defines. Change it here, then stamp.
"""

import math
from copy import deepcopy
from hashlib import sha256
from http.client import HTTPException
from numbers import Integral, Real
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import skimage.data
import timm
import torch
import torch.nn.functional as F
from huggingface_hub import hf_hub_download
from matplotlib.cbook import get_sample_data
from safetensors import SafetensorError
from sklearn.datasets import load_sample_images
from torch import Tensor, fx, nn
from torch.export import Dim
from torch.utils.flop_counter import FlopCounterMode

# ------------------------------------------------------------------ networks


def check_settings(num_classes: int, width_mult: float) -> None:
    """ValueError for settings with which no network can be built."""
    whole = isinstance(num_classes, Integral) and num_classes is not True
    if not whole or num_classes < 1:
        raise ValueError(
            "num_classes must be a whole number, 1 or more,"
            f" not {num_classes!r}"
        )
    if not isinstance(width_mult, Real) or not 0 < width_mult < math.inf:
        raise ValueError(
            f"width_mult must be finite and above 0, not {width_mult!r}"
        )


def make_divisible(channels: float) -> int:
    """The nearest multiple of 8, but at least 8 and never below 90 %."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8


def init_weights(layer: nn.Module) -> None:
    """Fresh weights: for `network.apply`, which calls it on each layer.

    Convolutions after He et al. 2015, by fan-out: the outputs that one input
    reaches, so only those of its own group. torchvision's rule leaves out
    "of its own group", and its depthwise layers begin far too quiet.
    """
    if isinstance(layer, nn.Conv2d):
        fan_out = layer.out_channels * math.prod(layer.kernel_size)
        std = math.sqrt(2 * layer.groups / fan_out)
        nn.init.normal_(layer.weight, std=std)
    elif isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, std=0.01)
    if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
        nn.init.zeros_(layer.bias)


# ------------------------------------------------------------------ counting


def on_meta(module: nn.Module) -> nn.Module:
    """A copy to count with: shapes without numbers, in eval mode.

    A pruned layer's weight is computed from others, and deepcopy refuses to
    copy what was computed. So it finds such tensors copied.
    """
    copied = {
        id(tensor): tensor.detach().to("meta")
        for each in module.modules()
        for tensor in vars(each).values()
        if isinstance(tensor, Tensor)
    }
    module = deepcopy(module, copied).eval().to("meta", torch.float32)
    # Where nothing is counted and no shape changes, nothing need run: on this
    # device it would take most of the time.
    silent = nn.BatchNorm2d, nn.ReLU, nn.ReLU6, nn.Hardswish, nn.Hardsigmoid
    for layer in module.modules():
        if isinstance(layer, silent):
            layer.forward = lambda x: x
    return module


def count_params(module: nn.Module) -> int:
    """Everything that is trained: weights, biases, batch norms."""
    return sum(p.numel() for p in module.parameters())


def count_macs(module: nn.Module, *shape: int) -> int:
    """MACs for one input of this shape: (channels, height, width).

    PyTorch counts FLOPs, two for each MAC, in convolutions and matrix products.
    """
    x = torch.empty(1, *shape, dtype=torch.float32, device="meta")
    network = on_meta(module)
    with FlopCounterMode(display=False) as counter:
        network(x)
    return counter.get_total_flops() // 2


class Cost(NamedTuple):
    """What one convolution or linear layer takes for one input."""

    layer: nn.Module  # of a copy of the network, without numbers
    kind: str  # "standard", "depthwise", "pointwise", "squeeze" or "fc"
    input_shape: tuple[int, ...]  # (channels, height, width), or (features,)
    output_shape: tuple[int, ...]
    macs: int


def kind_of(layer: nn.Module) -> str:
    """The type of a convolution or linear layer."""
    if isinstance(layer, nn.Linear):
        return "fc"
    if layer.groups == layer.in_channels > 1:
        return "depthwise"
    if layer.kernel_size != (1, 1):
        return "standard"
    # In these networks a 1×1 layer has a bias in squeeze-and-excite alone.
    return "pointwise" if layer.bias is None else "squeeze"


def layer_costs(network: nn.Module, *shape: int) -> list[Cost]:
    """The cost of each layer in order, for one input of this shape."""
    costs = []

    def note(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        macs = output[0].numel() * layer.weight[0].numel()
        shapes = tuple(inputs[0].shape[1:]), tuple(output.shape[1:])
        costs.append(Cost(layer, kind_of(layer), *shapes, macs))

    network = on_meta(network)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(note)
    network(torch.empty(1, *shape, dtype=torch.float32, device="meta"))
    return costs


# ------------------------------------------------------------------ comparing


@torch.no_grad()
def randomise(network: nn.Module) -> nn.Module:
    """Random weights at a sensible scale, and batch norms that fit them.

    For comparing networks that are not trained: in one that is, it would
    destroy what was learned.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    momentum = norms[0].momentum
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, mode="fan_in")
    for norm in norms:
        norm.momentum = None  # a plain average over the batches
        nn.init.uniform_(norm.weight, 0.5, 2)  # large enough for ReLU6 to clip
        nn.init.uniform_(norm.bias, -0.5, 0.5)
    network.train()
    for _ in range(3):
        network(norms[0].weight.new_empty(4, 3, 96, 96).normal_())
    for norm in norms:
        norm.momentum = momentum
    return network.eval()


def load_in_order(network: nn.Module, weights: dict[str, Tensor]) -> None:
    """Copy weights by their position; names differ, order and shapes do not.

    Good for a comparison that follows at once: two tensors of one shape could
    be exchanged unnoticed. To take weights over for good, use `load_by_name`.
    """
    names = network.state_dict()
    network.load_state_dict(dict(zip(names, weights.values(), strict=True)))


def load_by_name(
    network: nn.Module, weights: dict[str, Tensor], places: dict[str, str]
) -> None:
    """Copy weights by name; `places` says what a layer of ours is called there.

    ValueError if weights are missing or left over, so of another network, or
    if a layer has no place.
    """
    names = {}
    for name in network.state_dict():
        layer, _, kind = name.rpartition(".")  # stem.conv, weight
        if layer not in places:
            raise ValueError(f"no place is given for {layer!r}")
        names[name] = f"{places[layer]}.{kind}"
    missing = set(names.values()) - weights.keys()
    left = weights.keys() - set(names.values())
    for which, what in ((missing, "missing"), (left, "left over")):
        if which:
            raise ValueError(f"{len(which)} {what}, first {min(which)!r}")
    network.load_state_dict({ours: weights[names[ours]] for ours in names})


# ------------------------------------------------------------------ eight bits


@torch.no_grad()
def fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """One convolution that does what the two do in `eval()`."""
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    bias = torch.zeros_like(scale) if conv.bias is None else conv.bias
    folded = deepcopy(conv)
    folded.weight = nn.Parameter(conv.weight * scale[:, None, None, None])
    folded.bias = nn.Parameter(norm.bias + (bias - norm.running_mean) * scale)
    return folded


def fold_network(network: nn.Module) -> fx.GraphModule:
    """A copy in which each convolution has taken in the norm after it."""
    traced = fx.symbolic_trace(deepcopy(network).eval())
    modules = dict(traced.named_modules())
    for node in traced.graph.nodes:
        norm = modules.get(node.target)
        if not isinstance(norm, nn.BatchNorm2d):
            continue
        (conv,) = node.args  # the step before: a convolution that no one else
        assert isinstance(modules[conv.target], nn.Conv2d)  # reads
        assert len(conv.users) == 1
        merged = fold(modules[conv.target], norm)
        traced.set_submodule(conv.target, merged)
        node.replace_all_uses_with(conv)
        traced.graph.erase_node(node)
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced


@torch.no_grad()
def take_averages(network: nn.Module, batches: list[Tensor]) -> nn.Module:
    """Give the batch norms the averages of these batches, in place."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # all batches count alike
    network.train()
    for batch in batches:
        network(batch)
    return network.eval()


def random_cuts(count: int, seed: int) -> Tensor:
    """Cuts (count, 3, 224, 224) from the two photographs of scikit-learn."""
    generator = torch.Generator().manual_seed(seed)
    photos = [torch.tensor(p) for p in load_sample_images().images]
    cuts = []
    for number in range(count):
        photo = photos[number % 2].permute(2, 0, 1) / 255
        top, left = (
            int(torch.randint(side - 223, (), generator=generator))
            for side in photo.shape[1:]
        )
        cuts.append(photo[:, top : top + 224, left : left + 224])
    centre = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    spread = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    return (torch.stack(cuts) - centre) / spread


@torch.no_grad()
def decibels(outputs: Tensor, expected: Tensor, shared: bool = False) -> float:
    """Signal-to-noise ratio of a batch of logits (N, classes).

    `shared`: count as signal also what all N have in common.
    """
    signal = expected if shared else expected - expected.mean(0)
    noise = outputs - expected
    return 10 * math.log10(float(signal.square().sum() / noise.square().sum()))


@torch.no_grad()
def quantised(
    network: nn.Module, pictures: Tensor, per_channel: bool = True
) -> nn.Module:
    """The network in 8 bits, calibrated on pictures (N, 3, H, W)."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import (
        convert_pt2e,
        prepare_pt2e,
    )

    # Exported with a batch of one, it would take no other.
    pair = pictures[:1].repeat(2, 1, 1, 1)
    graph = torch.export.export(
        network, (pair,), dynamic_shapes=({0: Dim.DYNAMIC},)
    )
    config = get_symmetric_quantization_config(is_per_channel=per_channel)
    quantizer = XNNPACKQuantizer().set_global(config)
    prepared = prepare_pt2e(graph.module(), quantizer)
    for batch in pictures.split(100):
        prepared(batch)
    return convert_pt2e(prepared)


# ------------------------------------------------------------------ pictures


def photograph() -> Tensor:
    """matplotlib's picture of Grace Hopper: (1, 3, 600, 512), from 0 to 1."""
    with get_sample_data("grace_hopper.jpg") as file:
        pixels = plt.imread(file, format="jpg")
    return torch.tensor(pixels).permute(2, 0, 1)[None].float() / 255


def state_of(file: Path) -> str:
    """Is a file "missing", "damaged" or "intact"?

    torchvision's names end in the first digits of the file's SHA-256.
    """
    if not file.exists():
        return "missing"
    digits = file.stem.rpartition("-")[2]
    digest = sha256(file.read_bytes()).hexdigest()
    return "intact" if digest.startswith(digits) else "damaged"


def trained_weights(url: str) -> dict[str, Tensor] | None:
    """torchvision's trained weights from there; None where they can't be had.

    torchvision's own loader takes what it finds in its cache, also half a
    file or the login page of a hotel's network. We look, and fetch it again.
    """
    state = "unreadable"
    file = Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])
    try:
        state = state_of(file)
        if state != "intact":
            file.parent.mkdir(parents=True, exist_ok=True)
            digits = file.stem.rpartition("-")[2]  # replaced only if they fit
            torch.hub.download_url_to_file(url, str(file), digits, False)
        return torch.load(file, weights_only=True)
    except (OSError, HTTPException, RuntimeError, ValueError) as error:
        print("No trained weights:", end=" ")
        print(f"{file} is {state}: {error!r}")
        return None


def trained_by_timm(name: str) -> nn.Module | None:
    """timm's trained network of that name; None where it can't be had.

    The hub's loader takes what it finds in its cache, also half a file. There
    a link leads to the file, whose name is its SHA-256. We compare the two,
    and fetch it again if they differ.
    """
    repository = f"timm/{name}"
    file, state = Path(repository, "model.safetensors"), "missing"
    try:
        file = Path(hf_hub_download(repository, file.name))
        state = "damaged"
        digest = sha256(file.read_bytes()).hexdigest()
        if file.is_symlink() and file.readlink().name != digest:
            hf_hub_download(repository, file.name, force_download=True)
        network = timm.create_model(name.partition(".")[0])
        timm.models.load_checkpoint(network, str(file))
        return network.eval()
    except (
        OSError,  # no network; it has tried for a minute
        ImportError,  # a SOCKS proxy, and the package for it is missing
        ValueError,  # an unknown kind of proxy; or damaged, and no network
        RuntimeError,  # the weights of another network
        SafetensorError,  # half a file
    ) as error:
        print("No trained weights:", end=" ")
        print(f"{file} is {state}: {error!r}")
        return None


def photographs() -> dict[str, Tensor]:
    """Eight photographs by name, each (3, H, W), from 0 to 1."""
    with get_sample_data("grace_hopper.jpg") as file:
        hopper = plt.imread(file, format="jpg")
    tower, flower = load_sample_images().images
    pictures = {
        "Grace Hopper": hopper,
        "tower": tower,
        "flower": flower,
        "astronaut": skimage.data.astronaut(),
        "cat": skimage.data.cat(),
        "coffee": skimage.data.coffee(),
        "rocket": skimage.data.rocket(),
        "cameraman": skimage.data.camera(),  # grey: (H, W)
    }
    found = {}
    for name, pixels in pictures.items():
        x = torch.tensor(pixels).float() / 255
        if x.ndim == 2:
            x = x[:, :, None].expand(-1, -1, 3)
        found[name] = x.permute(2, 0, 1)
    return found


def resized(x: Tensor, side: int) -> Tensor:
    """(3, H, W) from 0 to 1 -> (3, side, side) from 0 to 1."""
    x = F.interpolate(x[None], (side, side), mode="bicubic", antialias=True)
    return x[0].clamp(0, 1)  # bicubic curves can swing beyond


def prepared(x: Tensor) -> Tensor:
    """Pictures from 0 to 1 as Lite0 was trained to see them."""
    return (255 * x - 127) / 128


def crops(photos: list[Tensor], count: int, seed: int) -> Tensor:
    """Random squares (count, 3, 224, 224), from 0 to 1, from each in turn.

    A side is half of the photograph's shorter one, up to all of it; every
    second round is mirrored.
    """
    generator = torch.Generator().manual_seed(seed)
    found = []
    for number in range(count):
        photo = photos[number % len(photos)]
        share = 0.5 + 0.5 * float(torch.rand((), generator=generator))
        edge = round(share * min(photo.shape[1:]))
        top, left = (
            int(torch.randint(side - edge + 1, (), generator=generator))
            for side in photo.shape[1:]
        )
        cut = photo[:, top : top + edge, left : left + edge]
        mirrored = number // len(photos) % 2
        found.append(resized(cut.flip(2) if mirrored else cut, 224))
    return torch.stack(found)


@torch.no_grad()
def logits(network: nn.Module, x: Tensor) -> Tensor:
    """(N, classes), computed a few pictures at a time."""
    return torch.cat([network(part) for part in x.split(16)])


def agreement(outputs: Tensor, expected: Tensor) -> float:
    """The share of pictures (N, classes) whose first guess is the same."""
    return float((outputs.argmax(1) == expected.argmax(1)).double().mean())
