"""What people do with a network besides calling it: other precisions, compilers, hooks, surgery.

Narrow networks and small images: what is asked is whether it works and gives the same.
"""

import copy
import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune
from torch.testing import assert_close
from torch.utils.checkpoint import checkpoint_sequential
from torchvision.models.feature_extraction import create_feature_extractor

from tests.book import definitions
from tests.pieces import few_blocks, short_hybrid


def build_v1() -> nn.Module:
    return definitions("v1").MobileNetV1(num_classes=10, width_mult=0.25)


def build_v2() -> nn.Module:
    return definitions("v2").MobileNetV2(num_classes=10, width_mult=0.35)


def build_v3() -> nn.Module:
    return definitions("v3").MobileNetV3("small", num_classes=10, width_mult=0.35)


def build_v4() -> nn.Module:
    return definitions("v4").MobileNetV4("conv_small", num_classes=10, width_mult=0.35)


def build_hybrid() -> nn.Module:
    return definitions("v4").turn_up(short_hybrid(num_classes=10))


BUILD = {
    "v1": build_v1,
    "v2": build_v2,
    "v3": build_v3,
    "v4": build_v4,
    "v4-hybrid": build_hybrid,
}


@pytest.fixture(params=BUILD)
def name(request) -> str:
    torch.manual_seed(0)
    return request.param


def some(name: str) -> nn.Module:
    """In eval mode, its weights random but not fresh: a fresh network hardly sees the image."""
    chapter = name.partition("-")[0]
    return definitions(chapter).randomise(BUILD[name]())


@pytest.fixture
def network(name) -> nn.Module:
    return some(name)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(2, 3, 64, 64)


# Blocks of every kind: of V1 those that halve the map, and one more, so that the sizes go through
# all five halvings; of V2 without and with expansion, and the residual; of V3 each activation, with
# and without squeeze-and-excite; of V4 the fused block, both places of a depthwise layer, together
# and alone; of the hybrid both kinds of attention.
KINDS = {
    "v1": (0, 1, 2, 3, 5, 11),
    "v2": (0, 1, 2),
    "v3": (0, 2, 4),
    "v4": (0, 2, 3, 7),
    "v4-hybrid": (0, 3, 6),
}


@pytest.fixture(params=["few blocks", pytest.param("whole", marks=pytest.mark.weekly)])
def traceable(request, name) -> nn.Module:
    """To trace a network takes as long as its blocks are many, and as often as each is there the
    tracer sees the same.
    """
    return few_blocks(some(name), KINDS[name]) if request.param == "few blocks" else some(name)


# ---------------------------------------------------------------- precision and layout


@pytest.mark.parametrize(("dtype", "close"), [(torch.float16, 0.1), (torch.bfloat16, 0.5)])
def test_half_precision(network, images, dtype, close):
    """bfloat16 keeps eight bits of a number, and random weights forgive nothing."""
    expected = network(images)
    out = network.to(dtype)(images.to(dtype))
    assert out.dtype == dtype
    assert (out - expected).norm() < close * expected.norm()


def test_autocast_trains(network, images):
    network.train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = nn.functional.cross_entropy(network(images), torch.tensor([0, 1]))
    loss.backward()
    assert all(p.grad.dtype == p.dtype and p.grad.isfinite().all() for p in network.parameters())


def test_channels_last(network, images):
    expected = network(images)
    last = network.to(memory_format=torch.channels_last)
    out = last(images.to(memory_format=torch.channels_last))
    assert_close(out, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("batch", [0, 1])
def test_a_batch_of_none_and_of_one(network, images, batch):
    out = network(images[:batch])
    assert out.shape == (batch, 10)
    assert_close(out, network(images)[:batch], rtol=1e-3, atol=1e-3)


# ---------------------------------------------------------------- compilers and tracers


@pytest.mark.parametrize("name", ["v3", "v4"])
def test_compile_in_three_shapes(name, images):
    """V3, which has all that V1 and V2 have, in a block of each kind; V4's attention.
    The graph alone: to turn it into machine code takes a minute, and is PyTorch's affair.
    """
    torch._dynamo.reset()
    if name == "v3":
        whole = few_blocks(build_v3().eval(), KINDS["v3"])
        network = nn.Sequential(whole.stem, whole.blocks)
    else:
        attention = build_hybrid().eval().blocks[3]
        into = nn.Conv2d(3, next(attention.parameters()).shape[0], 1)
        network = nn.Sequential(into, attention)
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    for x in (images, images[:1], torch.randn(3, 3, 96, 65)):
        assert_close(compiled(x), network(x))


def test_export_with_any_batch_and_size(traceable, images):
    batch, height, width = (
        torch.export.Dim(n, min=m) for n, m in zip("bhw", (1, 33, 33), strict=True)
    )
    program = torch.export.export(
        traceable, (images,), dynamic_shapes=({0: batch, 2: height, 3: width},)
    ).module()
    for x in (images, torch.randn(5, 3, 33, 33), torch.randn(1, 3, 47, 96)):
        assert_close(program(x), traceable(x))


def test_fx_and_trace(network, traceable, images):
    graph, other = torch.fx.symbolic_trace(network), torch.randn(1, 3, 96, 96)
    assert_close(graph(images), network(images), rtol=0, atol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is on its way out
        traced = torch.jit.trace(traceable, images)
    assert_close(traced(images), traceable(images))
    assert_close(traced(other), traceable(other))


def test_vmap_over_networks(name, network, images):
    """An ensemble in one call, as torch.func's tutorial has it."""
    others = [network, some(name)]
    weights, buffers = torch.func.stack_module_state(others)

    def call(weights, buffers, x):
        return torch.func.functional_call(network, (weights, buffers), (x,))

    out = torch.vmap(call, in_dims=(0, 0, None))(weights, buffers, images)
    assert_close(out, torch.stack([each(images) for each in others]), rtol=1e-3, atol=1e-3)


# ---------------------------------------------------------------- training


def test_checkpointing_gives_the_same_gradients(network, images):
    def gradients(run) -> list[torch.Tensor]:
        network.zero_grad()
        network.pool(run(network.stem(images))).sum().backward()
        return [p.grad.clone() for p in network.blocks.parameters()]

    plain = gradients(network.blocks)
    saved = gradients(lambda x: checkpoint_sequential(network.blocks, 3, x, use_reentrant=False))
    assert_close(saved, plain)


def test_deepcopy_and_data_parallel(network, images):
    other = copy.deepcopy(network)
    expected = network(images)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    assert_close(other(images), expected, rtol=0, atol=0)
    assert_close(nn.DataParallel(other)(images), expected, rtol=0, atol=0)


# ---------------------------------------------------------------- surgery


def test_features_at_three_scales(network):
    nodes = {f"blocks.{i}": f"{i}" for i in (2, 4, len(network.blocks) - 1)}
    features = create_feature_extractor(network, return_nodes=nodes)(torch.randn(1, 3, 128, 128))
    sides = [feature.shape[-1] for feature in features.values()]
    assert sides == sorted(sides, reverse=True) and sides[0] > sides[-1] == 4


def test_another_classifier_and_a_grey_stem(network, images):
    *_, last = (m for m in network.modules() if isinstance(m, nn.Linear))
    head = nn.Linear(last.in_features, 3)
    if isinstance(network.classifier, nn.Sequential):
        network.classifier[-1] = head
    else:
        network.classifier = head
    old = network.stem.conv
    network.stem.conv = nn.Conv2d(1, old.out_channels, 3, stride=2, padding=1, bias=False)
    with torch.no_grad():
        network.stem.conv.weight.copy_(old.weight.sum(dim=1, keepdim=True))
    assert network(images[:, :1]).shape == (2, 3)


# ---------------------------------------------------------------- hooks


HOOKED = {**BUILD, "separable": lambda: definitions("separable").DepthwiseSeparableConv(3, 8)}


@pytest.mark.parametrize("name", HOOKED)
def test_a_full_backward_hook_on_every_layer_works(name):
    """What Grad-CAM needs: a layer's output, and the gradient with respect to it."""
    network, outputs, gradients = HOOKED[name]().eval(), {}, {}
    for key, layer in network.named_modules():
        layer.register_forward_hook(lambda _m, _i, out, k=key: outputs.update({k: out}))
        layer.register_full_backward_hook(lambda _m, _i, out, k=key: gradients.update({k: out[0]}))
    network(torch.randn(1, 3, 33, 33, requires_grad=True)).square().sum().backward()
    assert outputs.keys() == gradients.keys() == dict(network.named_modules()).keys()
    assert all(outputs[key].shape == gradients[key].shape for key in outputs)


@pytest.mark.parametrize("name", HOOKED)
@pytest.mark.parametrize("training", [False, True])
def test_what_a_forward_hook_kept_stays_as_it_was(name, training):
    network, kept = HOOKED[name]().train(training), []
    for layer in network.modules():
        layer.register_forward_hook(lambda _m, _i, out: kept.append((out, out.clone())))
    with torch.no_grad():
        network(torch.randn(2, 3, 64, 64))
    assert len(kept) == len(list(network.modules()))
    for output, copied in kept:
        assert_close(output, copied, rtol=0, atol=0)


# ---------------------------------------------------------------- counting


def convolutions(network: nn.Module) -> list[nn.Module]:
    return [m for m in network.modules() if isinstance(m, nn.Conv2d)]


def pruned(network: nn.Module) -> None:
    for layer in convolutions(network):
        prune.l1_unstructured(layer, "weight", amount=0.5)
    prune.random_unstructured(convolutions(network)[0], "weight", amount=0.1)  # and once more


def weight_normed(network: nn.Module) -> None:
    for layer in convolutions(network):
        parametrizations.weight_norm(layer)


def weight_normed_as_before(network: nn.Module) -> None:
    for layer in convolutions(network):
        nn.utils.weight_norm(layer)


def spectrally_normed(network: nn.Module) -> None:
    for layer in convolutions(network)[:3]:
        nn.utils.spectral_norm(layer)


CHANGES = {
    "as built": lambda network: None,
    "pruned": pruned,
    "weight norm": weight_normed,
    "weight norm of old": weight_normed_as_before,
    "spectral norm": spectrally_normed,
    "half precision": lambda network: network.half(),
    "double precision": lambda network: network.double(),
    "on meta": lambda network: network.to("meta"),
    "channels last": lambda network: network.to(memory_format=torch.channels_last),
    "frozen": lambda network: network.requires_grad_(False),
}


# One text counts in all three (tests/test_stamp.py), so V3's networks stand for the others.
OF_V3 = [(change, "v3") for change in CHANGES]
OF_OTHERS = [
    pytest.param(change, chapter, marks=pytest.mark.weekly)
    for change in CHANGES
    for chapter in ("v1", "v2", "v4")
]


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize(("change", "chapter"), [*OF_V3, *OF_OTHERS])
def test_a_network_can_be_counted_on_its_way(chapter, change):
    """Counted as when it was built, and nothing of it is changed by that."""
    notebook, network = definitions(chapter), BUILD[chapter]()
    expected = notebook.count_macs(network, 3, 64, 64)
    CHANGES[change](network)
    network.train()
    first = next(network.parameters())
    if first.dtype == torch.float32 and not first.is_meta and first.requires_grad:
        network(torch.randn(2, 3, 64, 64)).sum().backward()  # in the middle of a training
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    gradients = {name: p.grad for name, p in network.named_parameters()}
    assert notebook.count_macs(network, 3, 64, 64) == expected
    costs = notebook.layer_costs(network, 3, 64, 64)
    assert sum(cost.macs for cost in costs) == expected
    assert all(module.training for module in network.modules())
    assert {name: p.grad for name, p in network.named_parameters()} == gradients
    after = network.state_dict()
    assert after.keys() == before.keys()
    assert all(before[n].is_meta or torch.equal(after[n], before[n]) for n in before)
