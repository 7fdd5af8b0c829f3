"""The training chapter's loop and loaders, where its notebook by default does not go."""

import hashlib
import io
import math
import os
import pickle
import re
import shutil
import subprocess
import sys
import tarfile
from collections import OrderedDict
from email.message import Message
from functools import partial
from http.client import BadStatusLine
from statistics import mean, stdev
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

from tests.book import ROOT, code_of, definitions, read_notebook
from tests.pieces import short_hybrid
from tools import learning
from tools.counting import params

notebook = definitions("training")
RECIPE = notebook.Recipe(epochs=3, batch=16, lr=0.05, weight_decay=1e-3, shift=2, mirror=True)


@pytest.fixture(autouse=True)
def one_seed():
    torch.manual_seed(0)


def colour_data(count: int = 40, seed: int = 0) -> notebook.Data:
    """Random pictures of 16×16, in colour and of ten classes, as CIFAR-10's are."""
    images = torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
    part = notebook.Part(images, torch.arange(count) % 10)
    few = part.take(slice(10))
    return notebook.Data(part, few, few, [str(digit) for digit in range(10)])


# ---------------------------------------------------------------- the networks


def test_the_separable_network_is_the_beginning_of_v1():
    """With V1's weights, V1's outputs: the same blocks, bit for bit."""
    v1 = definitions("v1").MobileNetV1().double().train()
    ours = notebook.SmallMobileNet("separable", in_channels=3).double().train()
    weights = [*v1.stem.state_dict().values(), *v1.blocks[:5].state_dict().values()]
    body = nn.Sequential(ours.stem, ours.blocks)
    body.load_state_dict(dict(zip(body.state_dict(), weights, strict=True)))
    images = torch.randn(4, 3, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(body(images), v1.blocks[:5](v1.stem(images)), rtol=0, atol=0)


def test_v2_for_small_pictures_is_torchvisions_but_for_its_strides():
    whole = mobilenet_v2(num_classes=10)
    for dropped, side in enumerate((1, 2, 4, 8, 16, 32)):
        ours = notebook.v2_for_small_pictures(10, dropped).eval()
        ours.load_state_dict(whole.state_dict())
        assert ours.features(torch.zeros(1, 3, 32, 32)).shape[-1] == side
    images = torch.randn(2, 3, 64, 64)
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
        lambda: definitions("v4").MobileNetV4("conv_small", num_classes=10),
        lambda: short_hybrid(num_classes=10),
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
            assert (id(p) in spared) == (depthwise or norm or name in ("bias", "gamma"))
    assert sum(p.numel() for group in (decaying, others) for p in group["params"]) == params(
        network
    )


@pytest.mark.parametrize("wrong", [0, -3, 2.5, True, "10", None])
def test_classes_that_are_no_number_of_classes_are_named(wrong):
    for build in (partial(notebook.SmallMobileNet, "full"), notebook.v2_for_small_pictures):
        with pytest.raises(ValueError, match=f"whole number, 1 or more, not {wrong!r}"):
            build(num_classes=wrong)


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


def no_network(*args, **kwargs):
    raise URLError("no route to host")


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
def test_a_damaged_cifar10_is_not_loaded(cifar, name, monkeypatch, capsys):
    """torchvision fetches it again; without a network the notebook says that there is none."""
    if name == CIFAR10.filename:
        shutil.rmtree(cifar / CIFAR10.base_folder)
    (cifar / name).write_bytes(b"half a download")
    monkeypatch.setattr("urllib.request.urlopen", no_network)
    assert notebook.cifar10(cifar) is None
    assert (cifar / name).read_bytes() == b"half a download"
    assert capsys.readouterr().out.splitlines()[-1].startswith("No CIFAR-10 (")


def test_without_a_network_cifar10_says_how_to_put_it_in_place(tmp_path, monkeypatch, capsys):
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
    there, other = "\\['dog'\\]", "\\['cat', 'dog'\\]"
    learn, test = (there, other) if part == "train" else (other, there)
    with pytest.raises(ValueError, match=f"{learn} to learn, {test} to test"):
        notebook.pictures(pets)


def test_a_missing_folder_and_a_damaged_picture_are_named(pets):
    (pets / "test" / "dog" / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.raises(ValueError, match="2.png can't be read"):
        notebook.pictures(pets)
    shutil.rmtree(pets / "test")
    with pytest.raises(FileNotFoundError, match="test"):
        notebook.pictures(pets)


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_class_without_pictures_is_named(pets, part):
    for other in ("train", "test"):
        shutil.copytree(pets / other / "cat", pets / other / "owl")
    for file in (pets / part / "owl").iterdir():
        file.rename(file.with_suffix(".text"))
    with pytest.raises(FileNotFoundError, match="owl"):
        notebook.pictures(pets)


def test_a_class_with_too_few_pictures_is_named(pets):
    """One picture each: one of the two is set aside to decide by."""
    for kind in ("cat", "dog"):
        for index in range(1, 5):
            (pets / "train" / kind / f"{index}.png").unlink()
    with pytest.raises(ValueError, match="too few pictures to learn '(cat|dog)' from"):
        notebook.pictures(pets)


@pytest.mark.parametrize("hidden", [".ipynb_checkpoints", "__MACOSX", "cat/._0.png"])
def test_what_jupyter_and_macos_leave_behind_is_named(pets, hidden):
    """As a class that the other part lacks, or a picture that is none."""
    if hidden.endswith("png"):
        (pets / "train" / hidden).write_bytes(b"no picture")
    else:
        shutil.copytree(pets / "train" / "cat", pets / "train" / hidden)
    with pytest.raises(ValueError, match=hidden):
        notebook.pictures(pets)


def test_pictures_in_folders_within_a_class_and_behind_links_are_found(pets):
    for part in ("train", "test"):
        (pets / part / "cat").rename(pets / f"cats to {part}")
        (pets / part / "cat").symlink_to(pets / f"cats to {part}")
        (pets / part / "dog" / "more").mkdir()
        (pets / part / "dog" / "0.png").rename(pets / part / "dog" / "more" / "0.PNG")
    data = notebook.pictures(pets)
    assert [len(part.labels) for part in data[:3]] == [9, 1, 10]
    assert data.test.labels.tolist() == [0] * 5 + [1] * 5


CORNER = np.zeros((40, 60, 3), dtype=np.uint8)  # dark, but for the upper left
CORNER[:20, :30] = (250, 30, 30)
# EXIF's number for an orientation, and what turns a stored picture upright.
TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("end", ["jpg", "png", "webp", "tif"])
def test_a_phones_picture_stands_upright(tmp_path, orientation, end):
    stored = next(
        each
        for turn in TURNED.values()
        if np.array_equal(TURNED[orientation](each := turn(CORNER)), CORNER)
    )
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = tmp_path / f"phone.{end}"
    Image.fromarray(np.ascontiguousarray(stored)).save(file, exif=exif)
    shown = np.asarray(notebook.picture(file)).astype(int)
    assert shown.shape == CORNER.shape and abs(shown - CORNER).mean() < 5


LIGHT = (np.arange(48 * 48).reshape(48, 48) // 9).astype(np.uint8)  # 0 to 255


def of_kind(kind: str) -> Image.Image:
    """The same grey ramp, in each of the ways that files hold pictures."""
    grey = Image.fromarray(LIGHT)
    return grey.convert(kind) if kind in ("L", "P") else grey.convert("RGB").convert(kind)


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        *[(kind, "png") for kind in ("L", "LA", "RGB", "RGBA", "P")],
        *[(kind, "tif") for kind in ("CMYK", "YCbCr")],
        ("CMYK", "JPEG"),
        ("L", "GIF"),
        ("RGB", "bmp"),
        ("RGB", "WebP"),
        ("RGB", "ppm"),
    ],
)
def test_every_kind_of_file_shows_the_same_picture(tmp_path, kind, end):
    file = tmp_path / f"picture.{end}"
    of_kind(kind).save(file)
    shown = notebook.picture(file)
    assert shown.mode == "RGB"
    assert abs(np.asarray(shown).astype(int) - LIGHT[:, :, None]).mean() < 4


@pytest.mark.parametrize("end", ["png", "gif", "webp"])
def test_what_is_transparent_becomes_white(tmp_path, end):
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((200, 0, 0, 255), (0, 0, 20, 40))
    image.save(tmp_path / f"half.{end}")
    shown = notebook.picture(tmp_path / f"half.{end}")
    assert shown.getpixel((30, 20)) == (255, 255, 255)
    assert np.allclose(shown.getpixel((5, 20)), (200, 0, 0), atol=9)


@pytest.mark.parametrize("end", ["png", "jpg", "gif", "tif", "bmp", "webp", "ppm"])
def test_a_cut_picture_is_named(tmp_path, end):
    file = tmp_path / f"cut.{end}"
    Image.fromarray(CORNER).save(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(ValueError, match=f"cut.{end} can't be read: "):
        notebook.picture(file)


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I", "F"])
def test_numbers_of_16_or_32_bits_and_a_picture_too_large_are_named(tmp_path, monkeypatch, mode):
    file = tmp_path / "depth.tif"
    Image.new(mode, (40, 40)).save(file)
    with pytest.raises(ValueError, match="depth.tif can't be read: its values have more than 8"):
        notebook.picture(file)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match="depth.tif can't be read: Image size"):
        notebook.picture(file)


def test_pictures_of_one_colour_are_refused_and_a_colour_that_is_missing_is_0():
    labels = torch.arange(20) % 2  # two of them are set aside
    images = torch.full((20, 3, 64, 64), 253, dtype=torch.uint8)
    grey = notebook.Part(images, labels)
    with pytest.raises(ValueError, match="to learn from are all of one colour"):
        notebook.standardised(grey, grey, ["a", "b"])
    images[:, 0] = torch.randint(256, (20, 64, 64))
    data = notebook.standardised(grey, grey, ["a", "b"])
    assert (data.test.images[:, 1:] == 0).all() and data.test.images.isfinite().all()
    torch.testing.assert_close(data.train.images[:, 0].std(), torch.tensor(1.0))


def test_mean_and_spread_do_not_depend_on_the_order_of_the_sums():
    """With them a checkpoint's checksum would, and so on the number of threads."""
    images = torch.randint(256, (200, 3, 32, 32), dtype=torch.uint8)
    part = notebook.Part(images, torch.arange(200) % 2)
    learn = images[torch.randperm(200, generator=torch.Generator().manual_seed(0))[20:]]
    shuffled = learn.numpy().transpose(1, 0, 2, 3).reshape(3, -1)[:, ::-1].astype(float)
    mean, spread = (
        torch.tensor(each, dtype=torch.float32).reshape(1, 3, 1, 1)
        for each in (shuffled.mean(axis=1), shuffled.std(axis=1, ddof=1))
    )
    data = notebook.standardised(part, part, ["a", "b"])
    assert torch.equal(data.train.images, (learn - mean) / spread)


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


def tiny_network(num_classes: int = 10) -> nn.Module:
    """A layer of each kind, and dropout: a resumed training must draw the same numbers."""
    layers = {
        "stem": notebook.ConvNormAct(3, 8, 3, stride=2),
        "block": notebook.BLOCKS["separable"](8, 8, 2),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "dropout": nn.Dropout(0.2),
        "classifier": nn.Linear(8, num_classes),
    }
    return nn.Sequential(OrderedDict(layers))


def test_resumed_equals_uninterrupted_with_dropout_and_augmentation(tmp_path):
    path = tmp_path / "c.pt"
    straight = notebook.fit(small())
    stopped = notebook.fit(small(), until=1)
    notebook.save_checkpoint(stopped, path)
    torch.rand(1000)  # what else a session may draw in between
    resumed = notebook.load_checkpoint(small(), path)
    assert_same(notebook.fit(resumed), straight)


def everything(training) -> dict:
    """All that training changes, by the objects' own accounts, without the notebook's `state`."""
    parts = ("network", "optimiser", "schedule", "scaler")
    found = {part: getattr(training, part).state_dict() for part in parts}
    del found["schedule"]["_step_count"]  # its calls, for a warning; `last_epoch` counts steps
    found["history"] = [each[:2] for each in training.history]  # without the seconds
    return plain(found | {"random": torch.get_rng_state()})


def plain(value):
    """A copy that `==` compares, every bit of it but the sign of a zero."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, torch.Tensor):
        return value.dtype, value.shape, (value + 0).numpy().tobytes()  # -0.0 + 0 is 0.0
    return value


def assert_same(one, other) -> None:
    mine, its = everything(one), everything(other)
    for part in mine:
        same = mine[part] == its[part]  # pytest would print both
        assert same, part


def small(seed: int = 0, recipe=RECIPE, data=None, **options):
    data = data or colour_data(seed=7)
    return notebook.begin(partial(tiny_network, **options), recipe, data, seed)


class Stop(Exception):
    """Any reason to stop; memory that runs out is one."""


def stopped_at(place: str, error: type, monkeypatch):
    """A training of two batches and three epochs that stopped in the second one, at a place."""
    training = notebook.fit(small(), until=1)
    owner, name = {
        "the first batch": (training.optimiser, "zero_grad"),
        "the forward pass": (training.network, "forward"),
        "before a step": (training.optimiser, "step"),
        "before the schedule's": (training.schedule, "step"),
        "the validation": (notebook.fit.__globals__, "accuracy"),
        "the copying": (notebook.fit.__globals__, "snapshot"),
        "the noting": (notebook.fit.__globals__, "Epoch"),
    }[place]
    calls = 2 if place in ("the forward pass", "before a step", "before the schedule's") else 1
    original = owner[name] if isinstance(owner, dict) else getattr(owner, name)
    counter = iter(range(1, calls))

    def stop(*args, **kwargs):
        if next(counter, None) is None:
            raise error
        return original(*args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(error):
        (patch.setitem if isinstance(owner, dict) else patch.setattr)(owner, name, stop)
        notebook.fit(training)
    return training


PLACES = (
    "the first batch",
    "the forward pass",
    "before a step",
    "before the schedule's",
    "the validation",
    "the copying",
    "the noting",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("error", [KeyboardInterrupt, Stop])
def test_stopped_anywhere_in_an_epoch_a_training_goes_on(place, error, monkeypatch, tmp_path):
    straight = notebook.fit(small())
    training, path = stopped_at(place, error, monkeypatch), tmp_path / "c.pt"
    notebook.save_checkpoint(training, path)
    loaded = notebook.load_checkpoint(small(), path)
    assert len(loaded.history) == 1
    assert_same(notebook.fit(loaded), straight)
    notebook.load_checkpoint(overwritten := stopped_at(place, error, monkeypatch), path)
    assert_same(notebook.fit(overwritten), straight)
    assert_same(notebook.fit(training), straight)


def test_stopped_in_the_first_epoch_and_again_while_going_back(monkeypatch):
    straight, training = notebook.fit(small()), small()
    steps = iter(range(1))
    step = training.optimiser.step

    def stop(*args, **kwargs):
        step(*args, **kwargs)
        if next(steps, None) is None:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training.optimiser, "step", stop)
        notebook.fit(training)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "prepare", partial(exec, "raise KeyboardInterrupt"))
        notebook.fit(training)
    assert_same(notebook.fit(training), straight)


def test_stopped_while_a_checkpoint_is_copied_a_training_goes_on_from_it(tmp_path, monkeypatch):
    straight, path = notebook.fit(small()), tmp_path / "c.pt"
    notebook.save_checkpoint(notebook.fit(small(), until=1), path)
    training = notebook.fit(small(), until=2)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "prepare", partial(exec, "raise KeyboardInterrupt"))
        notebook.load_checkpoint(training, path)
    assert_same(notebook.fit(training), straight)


def test_a_state_can_be_gone_back_to_again():
    training = notebook.fit(small(), until=1)
    state, first = notebook.snapshot(training), None
    for _ in range(2):
        notebook.go_back(training, state)
        again = everything(notebook.fit(training))
        first = first or again
    assert again == first


def test_a_scaler_that_was_stopped_between_its_steps_goes_on(monkeypatch):
    """As on a GPU: a scaler that has stepped and not updated refuses the next step."""
    monkeypatch.setitem(notebook.fit.__globals__, "on_gpu", lambda: True)
    straight = notebook.fit(small())
    assert straight.scaler.is_enabled() and straight.scaler.state_dict()
    training = notebook.fit(small(), until=1)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training.scaler, "update", partial(exec, "raise KeyboardInterrupt"))
        notebook.fit(training)
    assert_same(notebook.fit(training), straight)


@pytest.mark.parametrize("until", [4, -1, 1.5])
def test_epochs_that_the_recipe_has_not_are_refused(until):
    training = small()
    before = everything(training)
    with pytest.raises(ValueError, match=f"until must be 0 to 3, not {until}"):
        notebook.fit(training, until)
    assert everything(training) == before


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"num_classes": 7}, r"layer classifier is Linear\(.*=7.* there, .*_features=10.* here"),
        ({"seed": 1}, "seed is 1 there, 0 here"),
        ({"recipe": RECIPE._replace(epochs=9)}, "epochs is 9 there, 3 here"),
        ({"recipe": RECIPE._replace(batch=8)}, "batch is 8 there, 16 here"),
        ({"recipe": RECIPE._replace(mirror=False)}, "mirror is False there, True here"),
        ({"device": torch.device("meta")}, "device is meta there, cpu here"),
        ({"data": colour_data(20)}, r"pictures is 20 \(.* there, 40 \(.* here"),
        ({"data": colour_data(40, seed=8)}, r"pictures is 40 \(.* there, 40 \(.* here"),
    ],
)
def test_a_checkpoint_of_another_training_changes_nothing(tmp_path, other, message, monkeypatch):
    with monkeypatch.context() as patch:
        device = other.pop("device", None)
        written = small(**other)
        if device:  # as if it had been written on another one
            described = notebook.described(written) | {"device": device.type}
            patch.setitem(notebook.fit.__globals__, "described", lambda _: described)
        notebook.save_checkpoint(written, tmp_path / "c.pt")
    assert_refused(tmp_path / "c.pt", f"c.pt is of another training: {message}")


def assert_refused(path, message: str) -> None:
    """One clear ValueError that names the file, and nothing of a training has changed."""
    training = notebook.fit(small(), until=2)
    before = everything(training)
    with pytest.raises(ValueError, match=message):
        notebook.load_checkpoint(training, path)
    assert everything(training) == before
    assert training.begun is None


def test_strides_and_norms_that_no_weight_shows_are_another_network(tmp_path):
    """MobileNetV2 with other halvings dropped has the same weights, by name and shape."""
    data, path = colour_data(), tmp_path / "c.pt"
    two, three = (
        notebook.begin(lambda n=n: notebook.v2_for_small_pictures(10, n), RECIPE, data, 0)
        for n in (2, 3)
    )
    notebook.save_checkpoint(two, path)
    with pytest.raises(ValueError, match=r"layer features.4.* stride=\(2, 2\).* there, .*\(1, 1\)"):
        notebook.load_checkpoint(three, path)


@pytest.mark.parametrize("name", ["more", "lr"])
def test_a_description_with_more_or_fewer_words_is_of_another_training(tmp_path, name):
    path = tmp_path / "c.pt"
    notebook.save_checkpoint(notebook.fit(small(), until=1), path)
    state = torch.load(path)
    if name == "lr":
        del state["of"]["lr"]
    else:
        state["of"]["more"] = "so"
    torch.save(state, path)
    said = {"lr": "lr is missing there, 0.05 here", "more": "more is so there, missing here"}
    assert_refused(path, f"c.pt is of another training: {said[name]}")


def test_a_training_that_has_diverged_is_not_saved(tmp_path):
    training, path = small(), tmp_path / "c.pt"
    notebook.save_checkpoint(training, path)
    before = path.read_bytes()
    nn.init.constant_(training.network.stem.conv.weight, math.nan)
    with pytest.raises(ValueError, match="c.pt: stem.conv.weight is not finite"):
        notebook.save_checkpoint(training, path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_wherever_a_checkpoint_is_damaged_it_is_refused_or_the_same(tmp_path):
    """Bytes changed or cut anywhere, in the numbers and in what surrounds them."""
    path, random = tmp_path / "c.pt", np.random.default_rng(0)
    notebook.save_checkpoint(notebook.fit(small(), until=1), path)
    whole, state = path.read_bytes(), plain(notebook.read_checkpoint(path))
    refused = 0
    for attempt in range(400):
        damaged = bytearray(whole)
        if attempt % 4 == 0:
            del damaged[random.integers(len(whole)) :]
        else:  # at the start, at the end, anywhere
            low, high = {1: (0, 2000), 2: (-4000, 0), 3: (0, len(whole))}[attempt % 4]
            damaged[random.integers(low, high)] ^= random.integers(1, 256)
        path.write_bytes(damaged)
        try:
            again = notebook.read_checkpoint(path)
        except ValueError as error:
            assert str(error) == f"{path} is damaged or no checkpoint"
            refused += 1
        else:  # in the padding between the parts, or a date
            assert plain(again) == state
    assert refused > 200


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


MISSED = "No trained weights: "
BAD = {  # what may stand in torch's cache
    "empty": lambda right: b"",
    "cut": lambda right: right[: len(right) // 2],
    "a login page": lambda right: b"<!DOCTYPE html><html><body>Please log in.</body></html>",
    "a bit flipped": lambda right: right[:-900] + bytes([right[-900] ^ 1]) + right[-899:],
}


@pytest.fixture(scope="module")
def right() -> bytes:
    """Random weights, in the format of those that are downloaded."""
    buffer = io.BytesIO()
    torch.save(mobilenet_v3_small().state_dict(), buffer)
    return buffer.getvalue()


@pytest.fixture
def cache(tmp_path, monkeypatch, right):
    """Where the weights belong, and what makes the network answer with some bytes or an error."""
    name = f"stand-in-{hashlib.sha256(right).hexdigest()[:8]}.pth"
    weights = notebook.MobileNet_V3_Small_Weights.DEFAULT
    monkeypatch.setattr(weights.value, "url", f"https://example.org/{name}")
    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path))  # undone after the test

    class Answer(io.BytesIO):
        def info(self) -> Message:
            return Message()  # no headers

    def network(answer) -> None:
        def urlopen(*args, **kwargs):
            if isinstance(answer, Exception):
                raise answer
            return Answer(answer)

        monkeypatch.setattr("torch.hub.urlopen", urlopen)

    network(URLError("no route to host"))
    return tmp_path / "checkpoints" / name, network


def test_v3_small_is_fine_tuned_head_first(cache, right):
    """A file stands in for the download; the path from there to the weights is the real one."""
    file, _ = cache
    file.parent.mkdir()
    file.write_bytes(right)
    source = torch.load(file)
    network = notebook.pretrained_v3_small(10)
    part = notebook.digits().train.take(slice(40))
    assert network.enlarge(part.images).shape == (40, 3, 96, 96)
    network.enlarge(torch.zeros(1, 3, 32, 32))  # in colour too
    head, body_of = network.v3.classifier, network.v3
    notebook.fine_tune(network, head, part, 1, 0.02, only_head=True)
    state = body_of.state_dict()
    body = [name for name in source if name.startswith("features.")]
    assert all(torch.equal(state[name], source[name]) for name in body), "norms included"
    assert not torch.equal(state["classifier.0.weight"], source["classifier.0.weight"])
    notebook.fine_tune(network, head, part, 1, 0.005)
    assert not torch.equal(body_of.state_dict()[body[0]], source[body[0]])


@pytest.mark.parametrize("kind", BAD)
def test_bad_weights_in_the_cache_are_named_and_fetched_again(kind, cache, right, capsys):
    file, network = cache
    file.parent.mkdir()
    file.write_bytes(BAD[kind](right))
    assert notebook.pretrained_v3_small(10) is None
    said = capsys.readouterr().out
    assert said.startswith(f"{MISSED}{file} is damaged: URLError(") and said.count("\n") == 1
    network(right)
    assert notebook.pretrained_v3_small(10) is not None
    assert file.read_bytes() == right and list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_download_is_named_and_not_kept(kind, cache, right, capsys):
    file, network = cache
    network(BAD[kind](right))
    assert notebook.pretrained_v3_small(10) is None
    said = capsys.readouterr().out
    assert said.startswith(f"{MISSED}{file} is missing: ") and "invalid hash" in said
    assert said.count("\n") == 1 and list(file.parent.iterdir()) == []


@pytest.mark.parametrize("error", [URLError("no route"), BadStatusLine("SSH"), UnicodeError("")])
def test_without_a_network_fine_tuning_says_so(error, cache, capsys):
    file, network = cache
    network(error)
    assert notebook.pretrained_v3_small(10) is None
    assert capsys.readouterr().out == f"{MISSED}{file} is missing: {error!r}\n"


# ---------------------------------------------------------------- two processes


@pytest.mark.weekly
def test_the_two_processes_ask_for_no_name(tmp_path):
    """In a namespace with the loopback interface alone, whose host name nobody knows."""
    names = tmp_path / "hosts"
    names.write_text("127.0.0.1 localhost\n")
    enter = ["unshare", "--map-root-user", "--net", "--uts", "--mount", "bash", "-c"]
    prepare = f"ip link set lo up && hostname nobody-knows && mount --bind {names} /etc/hosts"
    if subprocess.run([*enter, prepare], capture_output=True).returncode:
        pytest.skip("no namespaces on this machine")
    book = changed({})
    cells = [cell.source for cell in book.cells if "define" in cell.metadata.get("tags", [])]
    script = tmp_path / "two.py"
    script.write_text(
        "\n\n".join(cells)
        + "\nif __name__ == '__main__':\n"
        + "    print(train_on_two(SmallMobileNet('full', THIN).double(),"
        + " torch.randn(9, 1, 16, 16).double(), torch.arange(9), torch.randint(9, (2, 4))))\n"
    )
    done = subprocess.run(
        [*enter, f'{prepare} && exec "$0" "$1"', sys.executable, str(script)],
        capture_output=True,
        text=True,
    )
    assert "tensor([" in done.stdout, done.stderr[-2000:]


# ---------------------------------------------------------------- what was recorded


def test_what_was_recorded_is_complete_and_what_the_notebook_expects():
    for case in learning.CASES:
        assert len(learning.tested(case)) == learning.SEEDS, case
    for way in notebook.HOW:
        assert len(learning.transferred(way)) == learning.SEEDS
    networks = (learning.FULL, learning.SEPARABLE, learning.THINNED)
    for quoted, case in zip(notebook.QUOTED.values(), networks, strict=True):
        assert quoted == round(mean(learning.tested(case)), 1), case
        # Three seeds on another processor are three others: nearly four standard errors away.
        assert notebook.WITHIN > 3.5 * stdev(learning.tested(case)) / math.sqrt(3), case


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


# ---------------------------------------------------------------- the notebook, run


NOTEBOOK = ROOT / "chapters" / "training" / "training.ipynb"


def changed(changes: dict[str, str]) -> nbformat.NotebookNode:
    """The notebook with other words, each of which must stand in it."""
    book, left = read_notebook(NOTEBOOK), dict(changes)
    for cell in book.cells:
        for old in [each for each in left if each in cell.source]:
            cell.source = cell.source.replace(old, left.pop(old))
    assert not left, f"the notebook no longer says {list(left)}"
    return book


def client(book: nbformat.NotebookNode, folder) -> NotebookClient:
    resources = {"metadata": {"path": str(folder)}}
    return NotebookClient(book, timeout=300, kernel_name="python3", resources=resources)


def printed(book: nbformat.NotebookNode) -> str:
    return "".join(
        output.text
        for cell in book.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream"
    )


@pytest.mark.code
def test_waiting_threads_sleep():
    """So that the notebook does not crawl where another program uses the cores.

    GNU's OpenMP, which is in PyTorch for Linux, says how often they look before they sleep.
    """
    environment = {n: value for n, value in os.environ.items() if n != "OMP_WAIT_POLICY"}
    cells = [cell.source for cell in code_of(NOTEBOOK)]
    imports = next(n for n, source in enumerate(cells) if "\nimport torch\n" in source)
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(cells[1 : imports + 1])],  # the first one installs
        cwd=ROOT,
        env=environment | {"OMP_DISPLAY_ENV": "verbose"},
        capture_output=True,
        text=True,
    )
    spins = re.findall(r"GOMP_SPINCOUNT = '(\w+)'", done.stderr)
    assert done.returncode == 0 and set(spins) <= {"0"}, spins
    assert spins or sys.platform != "linux"


@pytest.mark.weekly
def test_every_cell_runs_twice(tmp_path):
    """Without a fresh kernel: readers change a cell and run it again."""
    book = changed({"SEEDS = (0, 1, 2)": "SEEDS = (0, 1)"})
    run = client(book, tmp_path)
    with run.setup_kernel():
        for number, cell in enumerate(book.cells):
            if cell.cell_type == "code":
                run.execute_cell(cell, number)
                run.execute_cell(cell, number)


@pytest.mark.weekly
def test_the_notebook_runs_on_a_few_pictures_of_your_own(pets):
    changes = {
        'DATASET = "digits"': f"DATASET = {str(pets)!r}",
        '"pictures": Recipe(30, 32,': '"pictures": Recipe(2, 4,',
        "SEEDS = (0, 1, 2)": "SEEDS = (0, 1)",
    }
    random = np.random.default_rng(0)
    for file in pets.rglob("*.png"):
        Image.fromarray(random.integers(256, size=(70, 90, 3), dtype=np.uint8)).save(file)
    Image.new("RGB", (80, 80)).save(file)  # and a black one
    book = changed(changes)
    client(book, pets).execute()
    assert re.search(r"MobileNetV2 +351,857,152 +2,226,434 ", printed(book))
    assert "both the training and its checkpoint" in printed(book)


@pytest.mark.weekly
def test_the_notebook_runs_on_cifar10(tmp_path):
    """All of it, on a few random pictures in CIFAR-10's format, one epoch for each network."""
    checksums = write_cifar10(tmp_path / "data", per_batch=24)
    changes = {
        'DATASET = "digits"': 'DATASET = "cifar10"',
        'FOLDER = "data"': f"FOLDER = {str(tmp_path / 'data')!r}",
        '"cifar10": Recipe(30, 256, lr=0.4': '"cifar10": Recipe(2, 36, lr=0.05',
        "SEEDS = (0, 1, 2)": "SEEDS = (0, 1)",
    }
    book = changed(changes)
    patch = "from torchvision.datasets import CIFAR10\n" + "\n".join(
        f"CIFAR10.{name} = {value!r}" for name, value in checksums.items()
    )
    book.cells.insert(1, nbformat.v4.new_code_cell(patch))
    client(book, tmp_path).execute()
    assert re.search(r"MobileNetV2 +87,976,448 +2,236,682 ", printed(book))
    assert "as if it had not been interrupted" in printed(book)
