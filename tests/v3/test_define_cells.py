"""What the notebook defines besides networks, each against a reference of its own."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.book import definitions
from tests.pieces import build, settings
from tools import counting

pytestmark = pytest.mark.usefixtures("one_seed")


def test_without_squeeze_every_gate_is_open():
    notebook = definitions("v3")
    network = build("v3", variant="small", num_classes=10).eval()
    gates = [m for m in network.modules() if isinstance(m, notebook.SqueezeExcitation)]
    bare = notebook.without_squeeze(network)
    assert not any(isinstance(m, notebook.SqueezeExcitation) for m in bare.modules())
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        before = network(x)
        for gate in gates:
            gate.restore.bias.fill_(100.0)
        assert_close(bare(x), network(x))
        assert len(gates) == 9 and not torch.equal(before, network(x))


STEPS = {  # MACs at 224×224 and parameters
    "MnasNet-A1": (311_579_072, 3_887_038),
    "expansions shrunk": (260_090_656, 3_730_094),
    "shorter end": (225_772_896, 4_229_614),
    "smaller stem": (215_336_288, 4_228_718),
    "larger squeeze": (216_589_760, 5_483_032),
}


def test_the_steps_to_v3_have_the_known_sizes():
    with torch.device("meta"):
        found = definitions("v3").steps()
    sizes = {n: (counting.macs(m, 3, 224, 224), counting.params(m)) for n, m in found.items()}
    assert sizes == STEPS


def replayed(network, x, y, epochs: int, lr: float) -> None:
    """The training that V3's `train` promises, once more."""
    optimiser = torch.optim.SGD(network.parameters(), lr=lr, momentum=0.9)
    network.train()
    for _ in range(epochs):
        order = torch.randperm(120)
        for part in (order[:50], order[50:100], order[100:]):
            network.zero_grad()
            nn.functional.cross_entropy(network(x[part]), y[part]).backward()
            optimiser.step()


def test_v3s_training_is_plain_sgd():
    notebook = definitions("v3")
    x, y = torch.randn(120, 6), torch.arange(120) % 3
    results = []
    for train in (notebook.train, replayed):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.3), nn.Linear(8, 3))
        returned = train(network.eval(), x, y, 3, 0.1)
        results.append(network)
        assert train is replayed or (returned is network and not network.training)
    for ours, theirs in zip(*(each.parameters() for each in results), strict=True):
        assert_close(ours, theirs, rtol=0, atol=0)


def test_accuracy_is_a_share():
    logits = torch.eye(4)
    labels = torch.tensor([0, 1, 2, 0])
    assert definitions("v3").accuracy(nn.Identity(), logits, labels) == 0.75


def test_the_digits_network_and_its_measure():
    notebook = definitions("v3")
    network = notebook.digit_network((48, 48, 96, 96))
    assert network(torch.randn(2, 1, 8, 8)).shape == (2, 10)
    blocks = [m for m in network if isinstance(m, notebook.InvertedResidual)]
    ends = [(b.project.conv.out_channels, b.depthwise.conv.stride[0]) for b in blocks]
    assert ends == [(8, 1), (16, 2), (16, 1), (24, 2)]
    assert {m.momentum for m in network.modules() if isinstance(m, nn.BatchNorm2d)} == {0.1}
    units = [network[0], *(block.expand for block in blocks)]
    assert {type(unit.act) for unit in units} == {nn.Hardswish}
    assert settings(network[0].conv) == (1, 8, (3, 3), (1, 1), (1, 1), 1, False)
    proposal = notebook.Proposal(0, (24, 48), network, saved=4.0, gained=-1.0)
    assert proposal.ratio == -0.25
