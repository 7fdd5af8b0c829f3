"""What the notebook defines besides networks, each against a reference of its own."""

import zlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.testing import assert_close

from tests.book import definitions
from tests.pieces import assert_same_weights, classifier, settings, shapes

pytestmark = pytest.mark.usefixtures("one_seed")
TRAINING = definitions("training")


def test_the_digits_are_cut_into_the_same_parts():
    data, again, other = TRAINING.digits(), TRAINING.digits(0), TRAINING.digits(1)
    assert [len(part.labels) for part in data[:3]] == [600, 197, 1000]
    assert torch.equal(data.test.images, again.test.images)
    assert not torch.equal(data.test.labels, other.test.labels)
    images = torch.cat([part.images for part in data[:3]])
    assert images.shape == (1797, 1, 16, 16) and images.aminmax() == (-1, 1)
    assert len(images.flatten(1).unique(dim=0)) > 1790, "no picture twice"
    assert data.classes == list("0123456789")
    small = F.interpolate(data.val.images, scale_factor=0.5, mode="bilinear")
    assert small.std() > 0.5 and len(data.val.labels.unique()) == 10


def test_a_data_set_that_is_none_is_named(tmp_path):
    assert len(TRAINING.load("digits", "").test.labels) == 1000
    with pytest.raises(ValueError, match="'digits', 'cifar10' or a folder .* not 'mnist'"):
        TRAINING.load("mnist", str(tmp_path))


def test_the_three_kinds_of_block():
    kinds = {name: build(4, 6, 2) for name, build in TRAINING.BLOCKS.items()}
    unit = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU6]
    bare = [nn.Conv2d, nn.BatchNorm2d, nn.Identity]
    expected = {"separable": unit + unit, "full": unit, "linear": bare + unit}
    for name, block in kinds.items():
        leaves = [type(m) for m in block.modules() if not list(m.children())]
        assert leaves == expected[name], name
    light, mix = kinds["separable"].depthwise.conv, kinds["separable"].pointwise.conv
    assert settings(light) == (4, 4, (3, 3), (2, 2), (1, 1), 4, False)
    assert settings(mix) == (4, 6, (1, 1), (1, 1), (0, 0), 1, False)
    assert all(block(torch.zeros(2, 4, 9, 9)).shape == (2, 6, 5, 5) for block in kinds.values())
    assert settings(kinds["full"].conv) == (4, 6, (3, 3), (2, 2), (1, 1), 1, False)
    with pytest.raises(ValueError, match="kind must be 'separable', 'full', 'linear', not 'v1'"):
        TRAINING.SmallMobileNet("v1")
    by_default = TRAINING.SmallMobileNet("full")
    assert shapes(by_default) == shapes(TRAINING.SmallMobileNet("full", 1.0, 1, 10))
    assert by_default.classifier.out_features == 10


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_compared(channels):
    part = TRAINING.Part(torch.zeros(4, channels, 16, 16), torch.zeros(4))
    found = TRAINING.networks(TRAINING.Data(part, part, part, ["a", "b", "c"]))
    assert list(found)[:3] == ["full", "separable", "full, thinned"]
    assert ("MobileNetV2" in found) == (channels == 3) and len(found) == 3 + (channels == 3)
    for build_it in found.values():
        assert build_it()(torch.zeros(2, channels, 16, 16)).shape == (2, 3)
    thin = TRAINING.SmallMobileNet("full", 0.35, channels, 3)
    assert shapes(found["full, thinned"]()) == shapes(thin)
    assert len(shapes(found["separable"]())) > len(shapes(found["full"]()))
    if channels == 3:
        assert found["MobileNetV2"]().features[2].conv[1][0].stride == (1, 1)


def test_training_is_sgd_with_one_cycle():
    """Once more, without the notebook's own lines: the same weights in the end."""
    part = TRAINING.Part(torch.randn(50, 6), torch.arange(50) % 3)
    data = TRAINING.Data(part, part, part, list("abc"))
    recipe = TRAINING.Recipe(epochs=2, batch=16, lr=0.1, weight_decay=0.01)
    updates = []
    bar = type("Bar", (), {"update": lambda self: updates.append(1)})()
    training = TRAINING.begin(classifier, recipe, data, seed=3)
    assert TRAINING.fit(training, bar=bar) is training and len(updates) == 2

    torch.manual_seed(3)
    network = classifier()
    weights = [m.weight for m in network.modules() if isinstance(m, nn.Linear)]
    rest = [p for p in network.parameters() if all(p is not w for w in weights)]
    groups = [{"params": weights, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0}]
    sgd = torch.optim.SGD(groups, lr=0.1, momentum=0.95, nesterov=True)
    cycle = torch.optim.lr_scheduler.OneCycleLR(sgd, max_lr=0.1, total_steps=6)
    losses = []
    for epoch in range(2):
        torch.manual_seed(3000 + epoch)
        network.train()
        order = torch.randperm(50)
        for index in (order[:16], order[16:32], order[32:48]):  # what is left over waits
            sgd.zero_grad()
            loss = F.cross_entropy(network(part.images[index]), part.labels[index])
            loss.backward()
            sgd.step(), cycle.step()
            losses.append(loss.item())
        network.eval()
    assert_same_weights(training.network, network)
    noted = [each.loss for each in training.history]
    assert noted == pytest.approx([sum(losses[:3]) / 3, sum(losses[3:]) / 3], rel=1e-5)
    right = (network(part.images).argmax(1) == part.labels).double().mean()
    assert training.history[-1].accuracy == pytest.approx(100 * float(right))
    assert all(0 < each.seconds < 100 for each in training.history)


def test_the_recipes_are_those_that_the_records_were_made_with():
    """Written down once more: to change one takes new records."""
    assert {name: tuple(recipe) for name, recipe in TRAINING.RECIPES.items()} == {
        "digits": (6, 50, 0.1, 1e-4, 0, False),
        "cifar10": (30, 256, 0.4, 5e-4, 4, True),
        "pictures": (30, 32, 0.1, 5e-4, 6, True),
    }
    assert TRAINING.WITHIN == 1.5


def test_a_training_is_described_by_all_that_must_be_the_same():
    train, val, test = (TRAINING.Part(torch.randn(n, 6), torch.arange(n) % 3) for n in (20, 5, 9))
    recipe = TRAINING.Recipe(2, 16, 0.1, 0.01)
    data = TRAINING.Data(train, val, test, list("abc"))
    found = TRAINING.described(TRAINING.begin(classifier, recipe, data, seed=4))
    everything = b"".join(each.numpy().tobytes() for each in (*train, *val))
    assert found.pop("pictures") == f"20 (checksum {zlib.crc32(everything):08x})"
    layers = {f"layer {name}": str(layer) for name, layer in classifier().named_children()}
    settings_ = {name: str(value) for name, value in recipe._asdict().items()}
    assert found == layers | settings_ | {"batch": "16", "seed": "4", "device": "cpu"}


def test_a_batch_is_no_larger_than_the_pictures():
    part = TRAINING.Part(torch.randn(10, 6), torch.arange(10) % 3)
    data = TRAINING.Data(part, part, part, list("abc"))
    training = TRAINING.begin(classifier, TRAINING.Recipe(1, 16, 0.1, 0.0), data, 0)
    assert (training.batch, training.steps) == (10, 1)
    assert TRAINING.Recipe(1, 16, 0.1, 0.0)[4:] == (0, False)


@pytest.mark.parametrize("only_head", [True, False])
def test_fine_tuning_is_sgd(only_head):
    part = TRAINING.Part(torch.randn(60, 6), torch.arange(60) % 3)
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        networks.append(classifier())
    ours, theirs = networks
    torch.manual_seed(1)
    option = {"only_head": True} if only_head else {}
    TRAINING.fine_tune(ours, ours[-1], part, 2, 0.1, **option)
    torch.manual_seed(1)
    trained = theirs[-1] if only_head else theirs
    sgd = torch.optim.SGD(trained.parameters(), lr=0.1, momentum=0.9)
    theirs.train(not only_head)
    for _ in range(2):
        order = torch.randperm(60)
        for index in (order[:25], order[25:50], order[50:]):
            theirs.zero_grad()
            F.cross_entropy(theirs(part.images[index]), part.labels[index]).backward()
            sgd.step()
    assert_same_weights(ours, theirs)
    assert [p.requires_grad for p in ours.parameters()] == [not only_head] * 4 + [True] * 2


def test_some_classes_are_chosen_and_numbered_anew():
    part = TRAINING.Part(torch.arange(10.0), torch.arange(10) % 5)
    images, labels = TRAINING.chosen(part, 2, 4)
    assert images.tolist() == [2, 3, 7, 8] and labels.tolist() == [0, 1, 0, 1]


def test_each_way_of_transfer_trains_what_it_says(monkeypatch):
    calls, fitted = [], []

    def note(network, head, part, epochs, lr, only_head=False):
        assert head is network.classifier and torch.bincount(part.labels).tolist() == [5] * 5
        stems = [each.stem.conv.weight for each in (network, fitted[0].network)]
        body, new = (
            torch.equal(*stems),
            not torch.equal(head.weight, fitted[0].network.classifier.weight),
        )
        calls.append((epochs, lr, only_head, body, new))

    def fit(training):
        assert training.recipe.epochs == 4 and training.data.train.labels.max() == 4
        fitted.append(training)
        return training

    monkeypatch.setitem(TRAINING.transfer.__globals__, "fine_tune", note)
    monkeypatch.setitem(TRAINING.transfer.__globals__, "fit", fit)
    # With the seed of the first training, a network that is new would look like the trained one.
    first = TRAINING.begin

    def begin(build_it, recipe, data, seed):
        assert seed == 7
        return first(build_it, recipe, data, seed + 1)

    monkeypatch.setitem(TRAINING.transfer.__globals__, "begin", begin)
    scores = TRAINING.transfer(TRAINING.digits(), TRAINING.RECIPES["digits"], 7)
    assert calls == [
        (80, 0.05, False, False, True),  # a new network
        (80, 0.1, True, True, True),  # the head
        (80, 0.05, False, True, True),  # everything
        (20, 0.1, True, True, True),  # the head, then everything
        (80, 0.05, False, True, True),
    ]
    assert list(scores) == list(TRAINING.HOW) and all(0 <= s <= 60 for s in scores.values())


def test_small_pictures_are_enlarged_and_large_ones_made_small():
    for side in (16, 192):
        grey = torch.rand(2, 1, side, side)
        expected = [
            np.asarray(Image.fromarray(x[0].numpy()).resize((96, 96), Image.Resampling.BILINEAR))
            for x in grey
        ]
        out = TRAINING.Enlarge()(grey)
        assert out.shape == (2, 3, 96, 96)
        for channel in out.unbind(1):
            assert_close(channel, torch.tensor(np.stack(expected)), rtol=0, atol=1e-4)


def test_steps_with_averaged_gradients_are_steps_with_the_whole_batch():
    images, labels, batches = torch.randn(30, 6), torch.arange(30) % 3, torch.arange(24)
    batches = batches.reshape(3, 8)
    results = []
    for shares in ([slice(None)], [slice(0, None, 2), slice(1, None, 2)]):
        torch.manual_seed(0)
        network = nn.Linear(6, 3).double()
        losses = TRAINING.run_steps(network, images.double(), labels, batches, shares)
        results.append((losses, network.weight))
    assert_close(results[0], results[1])
    torch.manual_seed(0)
    network = nn.Linear(6, 3).double()
    sgd, losses = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9), []
    for batch in batches:
        sgd.zero_grad()
        losses.append(F.cross_entropy(network(images[batch].double()), labels[batch]))
        losses[-1].backward()
        sgd.step()
    assert_close(results[0], (torch.stack(losses).detach(), network.weight))
    norms = TRAINING.batch_norms(classifier().append(nn.BatchNorm2d(3)))
    assert [type(norm) for norm in norms] == [nn.BatchNorm2d]
