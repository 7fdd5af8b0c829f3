"""MobileNetV4 in the files of two runtimes, which must answer what PyTorch answers.

The chapter on devices makes such files and says that XNNPACK takes all layers. Here are its
functions with V4: Conv-S in one piece, and what is left over of a network with attention.
"""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from tests.book import definitions
from tests.pieces import few_blocks

device, v4 = definitions("device"), definitions("v4")


def fitted(variant: str, kept: tuple[int, ...] = ()) -> nn.Module:
    """Random weights, batch norms that fit them, and layer scales that hide nothing; with some of
    the blocks, if asked.
    """
    torch.manual_seed(0)
    network = v4.MobileNetV4(variant)
    return v4.randomise(v4.turn_up(few_blocks(network, kept) if kept else network))


def agree(outputs: list[Tensor], expected: Tensor) -> None:
    """The notebook's own bounds; and the outputs must tell pictures apart."""
    outputs = torch.cat(outputs)
    assert expected.std(0).mean() > 0.1
    assert device.agrees(outputs, expected) < 1e-4
    assert_close(outputs, expected, rtol=1e-3, atol=1e-4)


def handed_over(file: Path) -> tuple[int, set[str]]:
    """In how many pieces the backend has a .pte file, and what ExecuTorch itself runs between."""
    from executorch.exir._serialize._program import deserialize_pte_binary

    program = deserialize_pte_binary(file.read_bytes())
    (plan,) = getattr(program, "program", program).execution_plan
    assert {piece.id for piece in plan.delegates} == {"XnnpackBackend"}
    return len(plan.delegates), {each.name for each in plan.operators}


# A block of each kind: the fused one, and both places of a depthwise layer, together and alone.
FEW = (0, 2, 3, 7)
PARTS = [
    pytest.param(FEW, 32, id="few blocks"),
    pytest.param((), 64, id="64", marks=pytest.mark.weekly),
    pytest.param((), 224, id="224", marks=pytest.mark.weekly),
]


@pytest.mark.parametrize(("kept", "side"), PARTS)
def test_conv_s_answers_the_same_in_both_files(kept, side, tmp_path):
    torch.set_num_threads(1)
    network, pictures = fitted("conv_small", kept), torch.randn(3, 3, side, side)
    graph = device.fold_network(network)
    with torch.inference_mode():
        expected = network(pictures)
    file = device.to_executorch(graph, pictures[:1], tmp_path / "v4.pte")
    run = device.executorch_runner(file)
    agree([run(each[None]) for each in pictures], expected)
    assert handed_over(file) == (1, set()), "XNNPACK takes all of it, in one piece"
    run = device.onnx_runner(device.to_onnx(graph, pictures[:1], tmp_path / "v4.onnx"))
    agree([run(each[None]) for each in pictures], expected)


# ---------------------------------------------------------------- with attention

# `key` and `value` have one head, queries four: PyTorch writes such a product with copies.
COPIES = {"aten::expand_copy", "aten::unsqueeze_copy"}


def test_of_attention_the_backend_leaves_the_copies_for_the_heads(tmp_path):
    torch.manual_seed(0)
    attention = v4.turn_up(v4.MobileMQA(32, heads=4, key_channels=16, kv_stride=2))
    maps = torch.randn(3, 32, 8, 8)
    attention = device.take_averages(attention, [maps])
    with torch.inference_mode():
        expected = attention(maps)
    file = device.to_executorch(attention, maps[:1], tmp_path / "attention.pte")
    run = device.executorch_runner(file)
    agree([run(each[None]) for each in maps], expected)
    assert handed_over(file) == (3, COPIES)
    run = device.onnx_runner(device.to_onnx(attention, maps[:1], tmp_path / "attention.onnx"))
    agree([run(each[None]) for each in maps], expected)


@pytest.mark.weekly
def test_a_hybrid_answers_the_same_in_both_files(tmp_path):
    """Its norms stay as they are: `fold_network` knows only norms that follow a convolution."""
    network, pictures = fitted("hybrid_medium"), torch.randn(3, 3, 64, 64)
    with pytest.raises(KeyError, match="add"):
        device.fold_network(network)
    with torch.inference_mode():
        expected = network(pictures)
    file = device.to_executorch(network, pictures[:1], tmp_path / "v4.pte")
    run = device.executorch_runner(file)
    agree([run(each[None]) for each in pictures], expected)
    blocks = sum(isinstance(block, v4.MobileMQA) for block in network.blocks)
    assert handed_over(file) == (1 + 2 * blocks, COPIES), "each block cuts it twice"
    run = device.onnx_runner(device.to_onnx(network, pictures[:1], tmp_path / "v4.onnx"))
    agree([run(each[None]) for each in pictures], expected)
