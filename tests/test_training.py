"""The training chapter's loop and loaders, where its notebook by default does not go."""

import hashlib
import pickle
import re
import shutil
import tarfile
from statistics import mean
from urllib.error import URLError

import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient
from PIL import Image
from torch import nn
from torchvision.datasets import CIFAR10
from torchvision.models import mobilenet_v2, mobilenet_v3_small

from tests.book import ROOT, definitions, read_notebook
from tests.counting import params
from tools import learning

notebook = definitions("training")
RECIPE = notebook.Recipe(epochs=3, batch=16, lr=0.05, weight_decay=1e-3, shift=2, mirror=True)


@pytest.fixture(autouse=True)
def one_seed():
    torch.manual_seed(0)


def colour_data(count: int = 40) -> notebook.Data:
    """Random pictures of 32×32, as CIFAR-10's are."""
    part = notebook.Part(torch.randn(count, 3, 32, 32), torch.arange(count) % 10)
    few = part.take(slice(10))
    return notebook.Data(part, few, few, [str(digit) for digit in range(10)])


# ---------------------------------------------------------------- the networks


def test_the_separable_network_is_the_beginning_of_v1():
    """With V1's weights, V1's outputs: the same blocks, bit for bit."""
    v1 = definitions("v1").MobileNetV1().double().train()
    ours = notebook.small_mobilenet("separable", in_channels=3).double().train()
    weights = [*v1.stem.state_dict().values(), *v1.blocks[:5].state_dict().values()]
    body = ours[:6]
    body.load_state_dict(dict(zip(body.state_dict(), weights, strict=True)))
    images = torch.randn(4, 3, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(body(images), v1.blocks[:5](v1.stem(images)), rtol=0, atol=0)


def test_v2_for_small_pictures_is_torchvisions_but_for_its_strides():
    whole = mobilenet_v2(num_classes=10)
    for dropped, side in enumerate((1, 2, 4, 8, 16, 32)):
        ours = notebook.v2_for_small_pictures(10, dropped).eval()
        ours.load_state_dict(whole.state_dict())
        assert ours.features(torch.zeros(1, 3, 32, 32)).shape[-1] == side
    images = torch.randn(2, 3, 224, 224)
    ours = notebook.v2_for_small_pictures(10, dropped=0).eval()
    ours.load_state_dict(whole.state_dict())
    assert torch.equal(ours(images), whole.eval()(images))
    with pytest.raises(ValueError, match="dropped must be 0 to 5, not 6"):
        notebook.v2_for_small_pictures(10, dropped=6)


@pytest.mark.parametrize(
    "build",
    [
        lambda: definitions("v1").MobileNetV1(num_classes=10),
        lambda: definitions("v2").MobileNetV2(num_classes=10),
        lambda: definitions("v3").MobileNetV3("small", num_classes=10),
    ],
)
def test_depthwise_filters_norms_and_biases_do_not_decay(build):
    network = build()
    decaying, others = notebook.parameter_groups(network, 0.1)
    assert (decaying["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    spared = {id(p) for p in others["params"]}
    for layer in network.modules():
        for name, p in layer.named_parameters(recurse=False):
            depthwise = notebook.is_depthwise(layer)
            norm = isinstance(layer, nn.BatchNorm2d)
            assert (id(p) in spared) == (depthwise or norm or name == "bias")
    assert sum(p.numel() for group in (decaying, others) for p in group["params"]) == params(
        network
    )


# ---------------------------------------------------------------- pictures


def write_cifar10(folder, per_batch: int = 40) -> dict:
    """A small CIFAR-10 in its own format; returns the attributes with its checksums."""
    batches = folder / CIFAR10.base_folder
    batches.mkdir(parents=True)
    random = np.random.default_rng(0)

    def write(name: str, content: dict) -> str:
        data = pickle.dumps(content)
        (batches / name).write_bytes(data)
        return hashlib.md5(data).hexdigest()

    def pictures() -> dict:
        labels = [i % 10 for i in range(per_batch)]
        return {"data": random.integers(256, size=(per_batch, 3072), dtype=np.uint8)} | {
            "labels": labels
        }

    names = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    return {
        "train_list": [[f"data_batch_{i}", write(f"data_batch_{i}", pictures())] for i in range(5)],
        "test_list": [["test_batch", write("test_batch", pictures())]],
        "meta": {
            "filename": "batches.meta",
            "key": "label_names",
            "md5": write("batches.meta", {"label_names": names}),
        },
    }


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    for name, value in write_cifar10(tmp_path).items():
        monkeypatch.setattr(CIFAR10, name, value)
    return tmp_path


def test_cifar10_is_loaded_from_its_own_files(cifar):
    data = notebook.load("cifar10", str(cifar))
    assert [len(part.labels) for part in data[:3]] == [180, 20, 40]
    assert data.train.images.shape[1:] == (3, 32, 32) and data.classes[0] == "plane"
    assert data.train.images.mean((0, 2, 3)).abs().max() < 1e-5
    torch.testing.assert_close(data.train.images.std((0, 2, 3)), torch.ones(3))
    again = notebook.load("cifar10", str(cifar))
    assert torch.equal(again.val.labels, data.val.labels), "always the same split"


def test_cifar10_is_unpacked_from_its_archive(cifar, monkeypatch):
    archive = cifar / CIFAR10.filename
    with tarfile.open(archive, "w:gz") as file:
        file.add(cifar / CIFAR10.base_folder, CIFAR10.base_folder)
    shutil.rmtree(cifar / CIFAR10.base_folder)
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    assert len(notebook.cifar10(cifar).test.labels) == 40


@pytest.mark.parametrize("name", [CIFAR10.filename, f"{CIFAR10.base_folder}/data_batch_3"])
def test_a_damaged_cifar10_is_named_and_kept(cifar, name):
    (cifar / name).write_bytes(b"half a download")
    with pytest.raises(ValueError, match=f"{name} is damaged: remove it, then run again"):
        notebook.cifar10(cifar)
    assert (cifar / name).read_bytes() == b"half a download"


def test_without_a_network_cifar10_says_how_to_put_it_in_place(tmp_path, monkeypatch, capsys):
    def no_network(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    assert notebook.load("cifar10", str(tmp_path / "here")) is None
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("No CIFAR-10 (") and "no route to host" in said
    assert said.endswith(
        f"Put {CIFAR10.filename} from https://www.cs.toronto.edu/~kriz/cifar.html"
        f" into {tmp_path / 'here'}/."
    )


@pytest.fixture
def pets(tmp_path):
    """Two classes, five pictures each, of different sizes; one of them grey."""
    for part in ("train", "test"):
        for kind in ("cat", "dog"):
            (tmp_path / part / kind).mkdir(parents=True)
            for index in range(5):
                size = (70 + index, 90)
                Image.new("L" if index == 0 else "RGB", size, 40 * index).save(
                    tmp_path / part / kind / f"{index}.png"
                )
    return tmp_path


def test_your_own_pictures_are_loaded(pets):
    data = notebook.load(str(pets), "unused")
    assert [len(part.labels) for part in data[:3]] == [9, 1, 10]
    assert data.test.images.shape[1:] == (3, 64, 64) and data.classes == ["cat", "dog"]


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_missing_class_is_named(pets, part):
    shutil.rmtree(pets / part / "cat")
    with pytest.raises(ValueError, match=f"{part} has no folder 'cat'"):
        notebook.pictures(pets)


def test_a_missing_folder_and_a_damaged_picture_are_named(pets):
    (pets / "test" / "dog" / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.raises(ValueError, match="2.png can't be read"):
        notebook.pictures(pets)
    (pets / "train" / "owl").mkdir()
    with pytest.raises(ValueError, match="train: Found no valid file for the classes owl"):
        notebook.pictures(pets)
    shutil.rmtree(pets / "test")
    (pets / "train" / "owl").rmdir()
    with pytest.raises(ValueError, match="there is no folder .*test"):
        notebook.pictures(pets)


def test_a_moved_picture_is_a_window_of_the_padded_one():
    images = torch.randn(50, 2, 6, 7)
    assert torch.equal(notebook.augment(images, shift=0, mirror=False), images)
    padded = torch.nn.functional.pad(images, [2] * 4)
    for before, after in zip(padded, notebook.augment(images, 2, mirror=False), strict=True):
        windows = [before[:, i : i + 6, j : j + 7] for i in range(5) for j in range(5)]
        assert sum(torch.equal(after, window) for window in windows) == 1
    mirrored = notebook.augment(images, shift=0, mirror=True)
    flipped = [torch.equal(a, b.flip(2)) for a, b in zip(mirrored, images, strict=True)]
    kept = [torch.equal(a, b) for a, b in zip(mirrored, images, strict=True)]
    assert all(a != b for a, b in zip(flipped, kept, strict=True)) and 10 < sum(kept) < 40


# ---------------------------------------------------------------- stop and go on


def build() -> nn.Module:
    """With dropout: a resumed training must draw the same numbers."""
    return notebook.v2_for_small_pictures(10, dropped=0)


def test_resumed_equals_uninterrupted_with_dropout_and_augmentation(tmp_path):
    data, path = colour_data(), tmp_path / "v2.pt"
    straight = notebook.fit(notebook.begin(build, RECIPE, data, 0), data)
    stopped = notebook.fit(notebook.begin(build, RECIPE, data, 0), data, until=1)
    notebook.save_checkpoint(stopped, path)
    torch.rand(1000)  # what else a session may draw in between
    resumed = notebook.load_checkpoint(notebook.begin(build, RECIPE, data, 0), path)
    notebook.fit(resumed, data)
    for mine, other in zip(
        resumed.network.state_dict().values(), straight.network.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, other)
    assert [each[:2] for each in resumed.history] == [each[:2] for each in straight.history]
    assert (
        resumed.optimiser.state_dict()["param_groups"][0]["lr"]
        == (straight.optimiser.state_dict()["param_groups"][0]["lr"])
    )


def small(seed: int = 0, recipe=RECIPE, **options):
    data = colour_data()
    return notebook.begin(
        lambda: notebook.small_mobilenet("separable", 0.25, 3, **options), recipe, data, seed
    )


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"num_classes": 7}, "c.pt is of another network: 8.bias is .7,. there, .10,. here"),
        ({"seed": 1}, "c.pt is of another recipe, seed or device"),
        ({"recipe": RECIPE._replace(epochs=9)}, "c.pt is of another recipe, seed or device"),
        ({"device": torch.device("meta")}, "c.pt is of another recipe, seed or device"),
    ],
)
def test_a_checkpoint_of_another_training_changes_nothing(tmp_path, other, message, monkeypatch):
    training = small()
    with monkeypatch.context() as patch:
        globals_ = notebook.save_checkpoint.__globals__
        device = other.pop("device", None)
        written = small(**other)
        if device:  # as if it had been written on another one
            patch.setitem(globals_, "DEVICE", device)
        notebook.save_checkpoint(written, tmp_path / "c.pt")
    before = {name: each.clone() for name, each in training.network.state_dict().items()}
    with pytest.raises(ValueError, match=message):
        notebook.load_checkpoint(training, tmp_path / "c.pt")
    assert all(torch.equal(before[n], each) for n, each in training.network.state_dict().items())
    assert training.history == []


@pytest.mark.parametrize(
    "content",
    [b"", b"not a checkpoint", None, torch.zeros(3), [1, 2], {"network": {}}, {"history": []}],
    ids=repr,
)
def test_a_damaged_checkpoint_is_named(tmp_path, content):
    path = tmp_path / "c.pt"
    notebook.save_checkpoint(small(), path)
    if content is None:
        path.write_bytes(path.read_bytes()[:3000])
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(ValueError, match="c.pt is damaged or no checkpoint"):
        notebook.load_checkpoint(small(), path)
    with pytest.raises(ValueError, match="there is no file .*d.pt"):
        notebook.load_checkpoint(small(), tmp_path / "d.pt")


def test_a_crash_while_saving_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "c.pt"
    notebook.save_checkpoint(small(), path)
    before = path.read_bytes()

    def crash(state, file):
        file.write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", crash)
    with pytest.raises(KeyboardInterrupt):
        notebook.save_checkpoint(small(), path)
    assert path.read_bytes() == before


# ---------------------------------------------------------------- fine-tuning


def test_v3_small_is_fine_tuned_head_first(tmp_path, monkeypatch):
    """A file stands in for the download; the path from there to the weights is the real one."""
    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path))  # undone after the test
    weights = notebook.MobileNet_V3_Small_Weights.DEFAULT
    cache = tmp_path / "checkpoints" / weights.url.rpartition("/")[2]
    cache.parent.mkdir()
    source = mobilenet_v3_small().state_dict()
    torch.save(source, cache)
    network = notebook.pretrained_v3_small(10)
    part = notebook.digits().train.take(slice(40))
    assert network[0](part.images).shape == (40, 3, 96, 96)
    network[0](torch.zeros(1, 3, 32, 32))  # in colour too
    head, body_of = network[1].classifier, network[1]
    notebook.fine_tune(network, head, part, 1, 0.02, only_head=True)
    state = body_of.state_dict()
    body = [name for name in source if name.startswith("features.")]
    assert all(torch.equal(state[name], source[name]) for name in body), "norms included"
    assert not torch.equal(state["classifier.0.weight"], source["classifier.0.weight"])
    notebook.fine_tune(network, head, part, 1, 0.005)
    assert not torch.equal(body_of.state_dict()[body[0]], source[body[0]])


def test_without_a_network_fine_tuning_says_so(tmp_path, monkeypatch, capsys):
    def no_network(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path))  # undone after the test
    monkeypatch.setattr("torch.hub.urlopen", no_network)
    assert notebook.pretrained_v3_small(10) is None
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == "No trained weights, so no fine-tuning: <urlopen error no route to host>"


# ---------------------------------------------------------------- what was recorded


def test_what_was_recorded_is_complete_and_what_the_notebook_expects():
    for case in learning.CASES:
        assert len(learning.tested(case)) == learning.SEEDS, case
    for way in notebook.HOW:
        assert len(learning.transferred(way)) == learning.SEEDS
    networks = (learning.FULL, learning.SEPARABLE, learning.THINNED)
    for quoted, case in zip(notebook.QUOTED.values(), networks, strict=True):
        assert quoted == round(mean(learning.tested(case)), 1), case


def test_what_was_recorded_comes_out_again():
    """One seed of twenty, for two networks that differ by an activation, with few pictures.

    On another processor sums are rounded otherwise, and training amplifies that. What must hold
    everywhere: each lands where its twenty did, and in their order.
    """
    again = []
    for network in (learning.SEPARABLE, learning.LINEAR):
        case = learning.with_pictures(network, 100)
        run, recorded = learning.train(case, seed=0), learning.tested(case)
        assert min(recorded) - 1.5 <= run["test"] <= max(recorded) + 1.5
        assert len(run["val"]) == case.epochs
        again.append(run["test"])
    assert again[0] < again[1]


def test_is_depthwise_is_not_grouped():
    assert notebook.is_depthwise(nn.Conv2d(8, 8, 3, groups=8))
    assert not notebook.is_depthwise(nn.Conv2d(8, 8, 3, groups=4))
    assert not notebook.is_depthwise(nn.Conv2d(1, 8, 3))


# ---------------------------------------------------------------- the notebook on CIFAR-10


def test_the_notebook_runs_on_cifar10(tmp_path):
    """All of it, on a few random pictures in CIFAR-10's format, one epoch for each network."""
    checksums = write_cifar10(tmp_path / "data", per_batch=24)
    book = read_notebook(ROOT / "chapters" / "training" / "training.ipynb")
    changes = {
        'DATASET = "digits"': 'DATASET = "cifar10"',
        'FOLDER = "data"': f"FOLDER = {str(tmp_path / 'data')!r}",
        '"cifar10": Recipe(30, 256, lr=0.4': '"cifar10": Recipe(2, 36, lr=0.05',
        "SEEDS = (0, 1, 2)": "SEEDS = (0, 1)",
    }
    for cell in book.cells:
        for old in [each for each in changes if each in cell.source]:
            cell.source = cell.source.replace(old, changes.pop(old))
    assert not changes, "the notebook no longer says so"
    patch = "from torchvision.datasets import CIFAR10\n" + "\n".join(
        f"CIFAR10.{name} = {value!r}" for name, value in checksums.items()
    )
    book.cells.insert(1, nbformat.v4.new_code_cell(patch))
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(book, timeout=300, kernel_name="python3", resources=resources).execute()
    printed = "".join(
        output.text
        for cell in book.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream"
    )
    assert re.search(r"MobileNetV2 +87,976,448 +2,236,682 ", printed)
    assert "as if it had not been interrupted" in printed
