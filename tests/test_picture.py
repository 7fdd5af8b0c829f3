"""The explorer `picture`: what its engine computes, changes and shows is what timm and the notebook
compute, in each engine and browser.
"""

import json
import os
import subprocess
from copy import deepcopy
from functools import cache
from hashlib import sha256

import pytest
import timm
import torch
from torch import Tensor, nn

import explorers
from explorers.picture import data as picture
from extension.settings import node_binary
from tests.book import definitions
from tests.browsers import Firefox, WebKit, started
from tools import picture as recording
from tools import trained

notebook = definitions("trained")
NONE = {"kind": "none"}
PICTURES = ("cat", "Grace Hopper", "cameraman", "noise")


def relative(outputs, expected: Tensor) -> float:
    return float((torch.as_tensor(outputs).double() - expected).norm() / expected.norm())


def of_the_book(name: str) -> Tensor:
    """A picture as the notebook cuts it, (3, 224, 224), from 0 to 1; or noise."""
    if name == "noise":
        return torch.rand(3, 224, 224, generator=torch.Generator().manual_seed(1))
    return notebook.square(notebook.photographs()[name])


def as_bytes(pictures: Tensor) -> bytes:
    """(N, 3, side, side) as the page has them: the three colours of a place side by side."""
    return pictures.permute(0, 2, 3, 1).contiguous().float().numpy().tobytes()


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    return torch.stack([of_the_book(name) for name in PICTURES])


# ---------------------------------------------------------------- networks to compare with


def in_8_bits(weight: Tensor) -> Tensor:
    """Integers from -127 to 127, times a scale for each output channel."""
    scale = weight.flatten(1).abs().max(dim=1).values / 127
    scale = scale.clamp(min=1e-300).reshape(-1, *[1] * (weight.dim() - 1))
    return torch.round(weight / scale) * scale


@pytest.fixture(scope="module")
def timms() -> nn.Module:
    """timm's network with the page's weights: its norms are folded and, what is left, rounded."""
    network = timm.create_model("tf_efficientnet_lite0").eval().double()
    own = trained.lite0().state_dict()
    names = [name for name in network.state_dict() if "num_batches" not in name]
    values = [value for name, value in own.items() if "num_batches" not in name]
    network.load_state_dict(dict(zip(names, values, strict=True)), strict=False)
    modules = dict(network.named_modules())
    pairs = {name: name.replace("conv_stem", "bn1").replace("conv_head", "bn2") for name in modules}
    with torch.no_grad():
        for name, conv in modules.items():
            if not isinstance(conv, nn.Conv2d):
                continue
            norm = modules[norm_behind(name, pairs)]
            stretch = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            conv.weight.copy_(in_8_bits(conv.weight * stretch.reshape(-1, 1, 1, 1)))
            norm.bias.sub_(norm.running_mean * stretch)  # what is left of the norm: a bias
            norm.weight.fill_(1), norm.running_mean.zero_(), norm.running_var.fill_(1 - norm.eps)
        network.classifier.weight.copy_(in_8_bits(network.classifier.weight))
    return network


def norm_behind(name: str, pairs: dict[str, str]) -> str:
    """The norm that follows a convolution of timm's network, by their names."""
    if pairs[name] != name:
        return pairs[name]
    block, _, layer = name.rpartition(".")
    layers = [
        each for each in pairs if each.startswith(f"{block}.") and "." not in each[len(block) + 1 :]
    ]
    convolutions = [each for each in layers if each.rpartition(".")[2].startswith("conv")]
    norms = [each for each in layers if each.rpartition(".")[2].startswith("bn")]
    return norms[convolutions.index(name)]


@cache
def page(change=None) -> nn.Module:
    """The notebook's network in 64 bits, changed, folded and with weights of 8 bits."""
    network = deepcopy(trained.lite0()).double()
    if change is not None:
        change(network)
    network = notebook.folded(network)
    notebook.round_weights(network, 8)
    return network.requires_grad_(False)


def answers(network: nn.Module, pictures: Tensor) -> Tensor:
    return notebook.logits(network, notebook.prepared(pictures.double()))


@pytest.fixture(scope="module")
def timms_answers(timms, pictures) -> Tensor:
    """To all pictures: several tests compare with them."""
    return answers(timms, pictures)


@pytest.fixture(scope="module")
def pages_answers(pictures) -> Tensor:
    """What the whole network of 8 bits answers to them."""
    return answers(page(), pictures)


# ---------------------------------------------------------------- the engine


# Scripts of the explorer, of its weights and of pictures are given; `ask` is what is asked.
RUN = """
const fs = require("fs");
const { scripts, pixels, count, engine } = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
scripts.forEach((each) => require(each));
const { parcel, runtime, eye, opened } = globalThis.explorers;
const { buffer } = Uint8Array.from(fs.readFileSync(pixels));
const size = 224 * 224 * 3;
const all = Array.from({ length: count }, (_, i) => new Float32Array(buffer, 4 * i * size, size));
const network = { ...parcel.network, engine };
const it = eye(runtime(), network, ...opened(parcel));
const letters = (shades) => Array.from(shades, (each) => each.toString(16)).join("");
const numbers = (each) => (ArrayBuffer.isView(each) ? Array.from(each) : each);
const plain = (key, each) => (each instanceof Uint8Array ? letters(each) : numbers(each));
console.log(JSON.stringify(ask(), plain));
"""


def in_node(script: str, pictures: Tensor, tmp_path, engine: str = "SIMD"):
    """What a script returns: of `it`, the engine with its weights, of `all`, the pictures, and of
    what the explorer has. An array of numbers is a list, one of bytes (shades) a text.
    """
    scripts = [str(each) for each in explorers.script_files("picture")]
    for name, code in explorers.files("picture").items():
        (tmp_path / name).write_bytes(code)
        scripts.append(str(tmp_path / name))
    (tmp_path / "pixels").write_bytes(as_bytes(pictures))
    given = {"scripts": scripts, "pixels": str(tmp_path / "pixels")}
    given |= {"count": len(pictures), "engine": engine}
    (tmp_path / "given").write_text(json.dumps(given))
    code = f"const ask = () => {{ {script} }};\n{RUN}"
    (tmp_path / "run.js").write_text(code, encoding="utf-8")
    command = [node_binary(), str(tmp_path / "run.js"), str(tmp_path / "given")]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


# Run pictures through an engine; null where the browser lacks it.
ANSWER = """
  const { runtime, eye, opened, parcel } = globalThis.explorers;
  const r = runtime(), { network } = parcel;
  if (engine !== "script" && !WebAssembly.validate(r.decode(network.kernels[engine]))) return null;
  const numbers = new Float32Array(await (await fetch("pixels")).arrayBuffer());
  const it = eye(r, { ...network, engine }, ...opened(parcel));
  it.change({ kind: "none" });
  const size = 224 * 224 * 3;
  const found = [];
  for (let i = 0; i < numbers.length; i += size) found.push(it.run(numbers.subarray(i, i + size)));
  const first = (each) => each.indexOf(Math.max(...each));
  return found.map((each) => (kept === "first" ? first(each) : [...each]));
"""


@pytest.fixture
def bare(served):
    """A page with the engine and the weights, and nothing else, beside pictures: its address."""
    files, address = served

    def put(pictures: Tensor) -> str:
        own = explorers.script_files("picture")
        needed = [each for each in own if each.name in ("runtime.js", "engine.js")]
        scripts = {each.name: each.read_bytes() for each in needed}
        scripts |= explorers.files("picture")
        tags = "".join(f'<script src="{name}"></script>' for name in scripts)
        head = '<!doctype html><meta charset="utf-8"><script>globalThis.explorers = {}</script>'
        files.update(scripts, page=f"{head}{tags}".encode(), pixels=as_bytes(pictures))
        return f"{address}/page"

    return put


ENGINES = ("fused", "SIMD", "script")


def some(each: Tensor, engine: str) -> Tensor:
    """Of pictures or of answers. Plain JavaScript takes seconds for a picture."""
    return each[:1] if engine == "script" else each


def check(outputs, engine: str, expected: Tensor) -> None:
    error = relative(outputs, some(expected, engine))
    print(f"{engine}: {error:.1e}")
    assert error < 1e-4


@pytest.mark.long(40)
@pytest.mark.parametrize("engine", ENGINES)
def test_the_engine_answers_in_chromium_what_timm_does(
    browser, bare, engine, pictures, timms_answers
):
    tab = browser.new_page()
    tab.goto(bare(some(pictures, engine)))
    found = tab.evaluate(f"async ([engine, kept]) => {{{ANSWER}}}", [engine, "logits"])
    tab.close()
    check(found, engine, timms_answers)


@pytest.fixture(scope="module", params=[Firefox, WebKit])
def other(request):
    yield from started(request.param)


@pytest.mark.skipif(not os.environ.get("EVERY_BROWSER"), reason="set EVERY_BROWSER=1 for others")
@pytest.mark.parametrize("engine", ENGINES)
def test_the_engine_answers_in_other_browsers_what_timm_does(
    other, bare, engine, pictures, timms_answers
):
    other.open(bare(some(pictures, engine)))
    found = other.run(f"const [engine, kept] = args;{ANSWER}", engine, "logits")
    if found is None:  # WebKit has no fused multiply-add in WebAssembly
        assert engine == "fused" and isinstance(other, WebKit)
        return
    check(found, engine, timms_answers)


def test_the_notebooks_network_in_8_bits_is_timms(pages_answers, timms_answers):
    """So what follows may be compared with either."""
    assert relative(pages_answers, timms_answers) < 1e-9


@pytest.mark.parametrize("each", [3, pytest.param(trained.EACH, marks=pytest.mark.weekly)])
def test_first_guesses_of_pieces_against_those_in_32_bits(browser, bare, each):
    """As the record has them, piece by piece."""
    pieces = trained.pieces(each)
    tab = browser.new_page()
    tab.goto(bare(pieces))
    found = tab.evaluate(f"async ([engine, kept]) => {{{ANSWER}}}", ["SIMD", "first"])
    tab.close()
    expected = trained.whole(each).argmax(1).tolist()
    marks = "".join(
        "1" if one == other else "0" for one, other in zip(found, expected, strict=True)
    )
    print(f"{marks.count('1')} of {len(marks)}")
    assert marks == trained.load()["page"]["rounding"]["channel"]["agree"][: len(marks)]


# ---------------------------------------------------------------- each change


def fewer(bits: int, per: str):
    network = deepcopy(page())
    notebook.round_weights(network, bits, per)
    return network


def thinner(number: int, share: float):
    network = deepcopy(page())
    notebook.remove_channels(network, number, share)
    return network


SWITCHES = {
    "shortcuts": notebook.no_shortcuts,
    "activation": notebook.activation_behind_the_projection,
    "padding": notebook.symmetric_padding,
    "epsilon": notebook.pytorchs_epsilon,
}
SHARES = (
    (1, 0.5),
    (2, 0.1),
    (2, 0.75),
    (5, 0),
    (5, 0.05),
    (5, 0.5),
    (5, 1),
    (9, 0.25),
    (16, 0.75),
    (16, 0.95),
)
CHANGES = [NONE] + [{"kind": kind} for kind in SWITCHES]
CHANGES += [{"kind": "channels", "block": block, "share": share} for block, share in SHARES]
CHANGES += [
    {"kind": "bits", "bits": b, "per": p} for p in ("channel", "tensor") for b in range(2, 9)
]


def like(change: dict) -> nn.Module:
    """The notebook's network after what the page calls a change."""
    kind = change["kind"]
    if kind == "bits":
        return fewer(change["bits"], change["per"])
    if kind == "channels":
        return thinner(change["block"], change["share"])
    return page(SWITCHES.get(kind))


def answers_after(change: dict, pictures: Tensor) -> Tensor:
    """Weights are rounded in 64 bits and multiplied in 32, which costs a quarter: that is a
    millionth off, where a ten thousandth is looked for.
    """
    return answers_in_32_bits(deepcopy(like(change)).float(), pictures)


def answers_in_32_bits(network: nn.Module, pictures: Tensor) -> Tensor:
    return notebook.logits(network, notebook.prepared(pictures.float())).double()


@pytest.fixture(scope="module")
def changed(pictures, once) -> list[dict]:
    """For each change: the logits of two pictures, how many channels it removed, and the logits of
    the whole network behind it. A look at the change at hand need not run anything again.
    """
    script = f"""
      const ask = {{ unit: 0, part: "in", channel: null, at: null, name: 0 }};
      it.look(all[0], {{ ...ask, change: {{ kind: "none" }} }});
      return {json.dumps(CHANGES)}.map((change) => {{
        it.change(change);
        const found = [0, 1].map((i) => it.run(all[i]));
        const {{ removed }} = it.look(null, {{ ...ask, change }});
        it.change({{ kind: "none" }});
        return {{ found, removed, whole: it.run(all[1]) }};
      }});"""
    return once("the picture's changes", lambda folder: in_node(script, pictures[:2], folder))


@pytest.mark.parametrize(
    "number", range(len(CHANGES)), ids=[" ".join(map(str, c.values())) for c in CHANGES]
)
def test_a_change_is_the_notebooks(changed, pictures, pages_answers, number):
    change, seen = CHANGES[number], changed[number]
    expected = answers_after(change, pictures[:2])
    error = relative(seen["found"], expected)
    print(f"{change}: {error:.1e}")
    assert error < 1e-4
    count = 0
    if change["kind"] == "channels":
        count = notebook.remove_channels(deepcopy(page()), change["block"], change["share"])
    assert seen["removed"] == count
    if change not in (NONE, CHANGES[SAME]) and change.get("share") != 0:
        assert relative(seen["found"], pages_answers[:2]) > 100 * error


SAME = CHANGES.index({"kind": "bits", "bits": 8, "per": "channel"})  # as they are shipped


def test_behind_each_change_stands_the_same_network(changed):
    """To the bit."""
    first, *others = (each["whole"] for each in changed)
    assert all(each == first for each in others) and first == changed[0]["found"][1]


def test_of_equal_filters_the_engine_silences_the_first(pictures, tmp_path):
    """As the notebook does: the order is by size, and then by number."""
    silent = in_node(
        """const [integers, numbers] = opened(parcel);
        const layer = network.layers.find(({ name }) => name === "blocks.4.depthwise.conv");
        integers.fill(3, layer.at, layer.at + layer.count);
        for (const i of [7, 100])
          for (let j = 0; j < 25; j++) integers[layer.at + 100 * (i >> 2) + 4 * j + i % 4] = 1;
        numbers.fill(0.01, layer.first, layer.first + layer.outputs);
        const own = eye(runtime(), network, integers, numbers);
        const change = { kind: "channels", block: 5, share: 0.05 };
        const ask = { unit: 5, part: "filtered", at: [9, 9], change, name: 0 };
        own.look(all[0], { ...ask, channel: 0 });
        const none = ([, weight]) => weight === 0;
        const number = (channel) => own.look(null, { ...ask, channel }).number;
        return Array.from({ length: 240 }, (_, i) => number(i))
          .map(({ bias, windows: [window] }) => bias === 0 && window.every(none));""",
        pictures[:1],
        tmp_path,
    )
    assert [i for i, each in enumerate(silent) if each] == [*range(7), 7, 8, 9, 10, 100]


# ---------------------------------------------------------------- what is shipped


def test_what_is_shipped_decodes_to_what_was_encoded(tmp_path):
    weights, numbers = picture.integers()
    assert weights.min() == -127 and weights.max() == 127
    hashed = """const { createHash } = require("crypto");
      return opened(parcel).map((each) => createHash("sha256").update(each).digest("hex"));"""
    found = in_node(hashed, torch.zeros(1, 3, 224, 224), tmp_path)
    own = (weights.numpy(), numbers.numpy().astype("<f4"))
    assert found == [sha256(each.tobytes()).hexdigest() for each in own]


def test_each_integer_has_a_character_of_its_own():
    codes = picture.text(torch.arange(-127, 128))
    assert len(set(codes)) == 255 and json.dumps(codes, ensure_ascii=False) == f'"{codes}"'
    assert sum(len(each.encode()) == 1 for each in codes) == 93


def test_the_pieces_are_named_by_their_contents(monkeypatch):
    """So a browser that has one may keep it."""
    monkeypatch.setattr(picture, "network", lambda: True)
    contents = {"one": 1, "other": [2]}
    monkeypatch.setattr(picture, "contents", lambda: contents)
    before = picture.files()
    contents["other"] = [3]
    after = picture.files()
    assert [name in after for name in before] == [True, False]
    assert len(after) == 2 and all(name.startswith("picture-") for name in after)
    assert list(before.values())[0].endswith(b'["one"]=1;\n')


def test_without_the_package_of_weights_there_are_no_pieces(monkeypatch):
    monkeypatch.setattr(picture, "network", lambda: None)
    assert picture.files() == {}


def test_the_names_are_in_the_order_of_the_answers(timms_answers):
    """The page's names, by timm's answers: the cat is a cat."""
    names = picture.classes()
    firsts = timms_answers[:2].argmax(1).tolist()
    assert [names[each] for each in firsts] == ["Egyptian cat", "military uniform"]
    assert len(names) == 1000


# ---------------------------------------------------------------- what is shown


def modules_of(unit: int, part: str) -> str:
    """What the notebook's network calls a value: the module that it leaves."""
    last = len(trained.lite0().blocks) + 1
    if part == "in":
        return {0: "", 1: "stem"}.get(unit, f"blocks.{unit - 2}")
    if unit in (0, last):
        return "stem" if unit == 0 else "last"
    block = f"blocks.{unit - 1}"
    kinds = {"expanded": ".expand", "filtered": ".depthwise", "projected": ".project", "sum": ""}
    return block + kinds[part]


def maps_of(network: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """All maps by the names of their modules; the input by an empty one."""
    x = notebook.prepared(x[None].double())
    return {"": x[0]} | {name: y[0] for name, y in notebook.watched(network, x).items()}


PARTS = [
    (unit, each["name"])
    for unit, row in enumerate(json.loads(picture.RECORD.read_text())["units"])
    for each in row["parts"]
]
LOOKS = {  # by the change: which units' parts are opened, how, in which place
    "none": [(u, p, None, None) for u, p in PARTS]
    + [(0, "filtered", 31, (0, 0)), (0, "filtered", 4, (111, 111)), (1, "filtered", 31, (0, 111))]
    + [(2, "filtered", 95, (55, 55)), (4, "filtered", 7, (27, 0)), (4, "filtered", 8, (0, 0))]
    + [(6, "projected", 79, (13, 13)), (6, "expanded", 0, (0, 27)), (16, "filtered", 1151, (6, 0))]
    + [(17, "expanded", 1279, (6, 6)), (5, "sum", 39, (27, 27)), (0, "in", 2, (223, 0))]
    + [(5, "in", 39, (0, 5)), (17, "in", 319, (3, 3)), (13, "sum", 191, (99, 99))],
    "padding": [
        (0, "filtered", 3, (0, 0)),
        (2, "filtered", 5, (0, 3)),
        (2, "filtered", 9, (55, 55)),
    ]
    + [(4, "filtered", 20, (0, 0)), (4, "filtered", 21, (27, 27)), (5, "filtered", 30, (0, 27))],
    "activation": [(3, "projected", 23, (9, 9)), (3, "sum", 23, (9, 9)), (2, "expanded", 5, (0, 0))]
    + [(u, "projected", None, None) for u in (1, 2, 9, 16)],
    "shortcuts": [(3, "projected", 3, (2, 2)), (3, "sum", 3, (2, 2)), (17, "expanded", 44, (1, 2))],
    "epsilon": [(1, "filtered", 9, (4, 4)), (9, "projected", 70, (13, 0))],
}


@pytest.fixture(scope="module")
def looks(pictures, once) -> dict[str, list[dict]]:
    script = f"""const looks = {json.dumps(LOOKS)};
        const found = {{}};
        for (const kind of Object.keys(looks)) {{
          let news = all[0];
          found[kind] = looks[kind].map(([unit, part, channel, at], i) => {{
            const more = {{ change: {{ kind }}, name: i % 5, sheet: i % 3 === 0 }};
            const seen = it.look(news, {{ unit, part, channel, at, ...more }});
            news = null;
            return {{ ...seen, strip: i ? null : seen.strip }};
          }});
        }}
        return found;"""
    return once("what the picture shows", lambda folder: in_node(script, pictures[:1], folder))


@pytest.fixture(scope="module")
def networks(pictures) -> dict[str, tuple[nn.Module, dict[str, Tensor]]]:
    """By change: the notebook's network, and its maps for the same picture."""
    found = {}
    for kind in LOOKS:
        network = like({"kind": kind})
        found[kind] = network, maps_of(network, pictures[0])
    return found


EACH = [(kind, i) for kind, all_looks in LOOKS.items() for i in range(len(all_looks))]
NAMED = [f"{kind} {' '.join(map(str, LOOKS[kind][i]))}" for kind, i in EACH]


def near(number: float):
    """What 32 bits leave of it."""
    return pytest.approx(number, rel=1e-4, abs=2e-4)


def check_map(seen: dict, values: Tensor) -> None:
    """Sixteen shades from the least number to the largest, and where the largest is."""
    low, high = float(values.min()), float(values.max())
    assert (seen["low"], seen["high"]) == (near(low), near(high))
    column, line = seen["at"]
    assert float(values[line, column]) == near(high)
    if high == 6 == seen["high"]:  # where ReLU6 cuts: of equal places the first
        assert line * len(values) + column == int((values.flatten() == 6).nonzero()[0])
    assert seen["side"] == len(values) == values.shape[1]
    shades = torch.tensor([int(each, 16) for each in seen["shades"]]).view_as(values)
    if high - low < 1e-3:
        return
    off = (shades - 15 * (values - low) / (high - low)).abs()
    assert float(off.max()) < 0.5 + 0.01


def order_of(maps: Tensor) -> Tensor:
    """Variances of the channels (C, H, W), the largest first."""
    return maps.flatten(1).var(dim=1, unbiased=False).sort(descending=True).values


@pytest.mark.parametrize("kind, i", EACH, ids=NAMED)
def test_what_is_shown_of_a_channel_is_pytorchs(looks, networks, kind, i):
    unit, part, channel, at = LOOKS[kind][i]
    seen, maps = looks[kind][i], networks[kind][1][modules_of(unit, part)]
    assert (seen["unit"], seen["part"], seen["change"]) == (unit, part, {"kind": kind})
    shown = seen["channel"]
    assert channel is None or shown == channel
    values = maps[shown]
    check_map(seen["map"], values)
    side = len(values) - 1
    assert seen["at"] == (seen["map"]["at"] if at is None else [min(side, each) for each in at])
    column, line = seen["at"]
    assert seen["number"]["value"] == near(float(values[line, column]))
    assert seen["mean"] == near(float(values.mean()))
    assert seen["spread"] == near(float(values.var(unbiased=False).sqrt()))
    assert seen["zeros"] == pytest.approx(float((values == 0).double().mean()), abs=0.002)
    variance = float(values.var(unbiased=False))
    assert variance == near(float(order_of(maps)[seen["rank"]]))


@pytest.mark.parametrize("kind, i", EACH, ids=NAMED)
def test_the_parts_of_a_unit_are_pytorchs(looks, networks, kind, i):
    unit, part, channel, _ = LOOKS[kind][i]
    seen, network = looks[kind][i], networks[kind]
    names = [each for number, each in PARTS if number == unit]
    assert [each["name"] for each in seen["parts"]] == names
    by_name = {each["name"]: each for each in seen["parts"]}
    for name, each in by_name.items():
        maps = network[1][modules_of(unit, name)]
        assert each["channels"] == len(maps)
        check_map(each, maps[each["channel"]])
        assert each["zeros"] == pytest.approx(float((maps == 0).double().mean()), abs=0.002)
    if {"expanded", "filtered"} <= set(names):
        assert by_name["expanded"]["channel"] == by_name["filtered"]["channel"]
    joined = 1 <= unit <= 16 and "sum" in names
    same = {by_name[name]["channel"] for name in ("in", "projected", "sum") if name in names}
    assert not joined or len(same) == 1, "what a shortcut joins is shown by the same channel"
    if channel is None:
        lead = {"expanded": "filtered"} if "filtered" in names else {}
        lead |= {"in": names[-1], "projected": names[-1]} if joined else {}
        maps = network[1][modules_of(unit, lead.get(part, part))]
        chosen = maps[seen["channel"]].var(unbiased=False)
        assert float(chosen) == near(float(order_of(maps)[0])), "the channel that varies most"


def filters(network: nn.Module, unit: int, part: str) -> nn.Module:
    """The notebook's unit that makes this part."""
    return network.get_submodule(modules_of(unit, part))


def check_window(number: dict, own: nn.Module, x: Tensor, channel: int, at: list[int]) -> None:
    """Every number and weight of a window, and which of them lie outside the map."""
    size, stride = own.conv.kernel_size[0], own.conv.stride[0]
    pad = own.pad if hasattr(own, "pad") else nn.ZeroPad2d(own.conv.padding[0])
    inside, padded = pad(torch.ones_like(x)[None])[0], pad(x[None])[0]
    column, line = (stride * each for each in at)
    cut = (slice(line, line + size), slice(column, column + size))
    planes = [channel] if own.conv.groups > 1 else [0, 1, 2]
    weights = own.conv.weight[channel]
    assert number["kind"] == "window" and number["size"] == size
    assert len(number["windows"]) == len(planes)
    for plane, window, weight in zip(planes, number["windows"], weights, strict=True):
        for i, (input, shown) in enumerate(window):
            row, place = divmod(i, size)
            assert shown == near(float(weight[row, place]))
            if inside[plane][cut][row, place]:
                assert input == near(float(padded[plane][cut][row, place]))
            else:
                assert input is None
    products = (padded[planes][:, *cut] * weights).sum()
    assert number["sum"] == near(float(products + own.conv.bias[channel]))


def check_products(number: dict, own: nn.Module, x: Tensor, channel: int, at: list[int]) -> None:
    """The five largest products, and what the others add up to."""
    column, line = at
    inputs, weights = x[:, line, column], own.conv.weight[channel, :, 0, 0]
    products = inputs * weights
    order = products.abs().argsort(descending=True)
    assert number["kind"] == "dense" and number["count"] == len(inputs)
    assert len(number["terms"]) == 5
    for place, (index, input, weight) in zip(order.tolist(), number["terms"], strict=False):
        assert (input, weight) == (near(float(inputs[index])), near(float(weights[index])))
        assert abs(input * weight) == near(float(products[place].abs()))
    shown = [index for index, *_ in number["terms"]]
    assert len(set(shown)) == 5
    rest = products.sum() - products[shown].sum()
    assert number["rest"] == near(float(rest))
    assert number["sum"] == near(float(products.sum() + own.conv.bias[channel]))


@pytest.mark.parametrize("kind, i", EACH, ids=NAMED)
def test_how_a_number_came_about_is_pytorchs(looks, networks, kind, i):
    unit, part, *_ = LOOKS[kind][i]
    seen, (network, maps) = looks[kind][i], networks[kind]
    number, channel, at = seen["number"], seen["channel"], seen["at"]
    if part == "in":
        if unit == 0:
            assert number == {"kind": "picture", "value": number["value"]}
            return
        unit, part = unit - 1, [name for u, name in PARTS if u == unit - 1][-1]
    column, line = at
    if part == "sum":
        block = f"blocks.{unit - 1}"
        both = [maps[modules_of(unit, "in")], maps[f"{block}.project"]]
        assert number["kind"] == "sum"
        terms = [float(each[channel, line, column]) for each in both]
        assert number["terms"] == [near(each) for each in terms]
        assert number["cut"] == (kind == "shortcuts")
        assert number["value"] == near(terms[1] if number["cut"] else sum(terms))
        return
    own = filters(network, unit, part)
    before = [name for u, name in PARTS if u == unit]
    x = maps[modules_of(unit, before[before.index(part) - 1])]
    how = check_products if own.conv.kernel_size == (1, 1) else check_window
    how(number, own, x, channel, at)
    assert number["bias"] == near(float(own.conv.bias[channel]))
    assert number["activation"] == ([0, 6] if hasattr(own, "act") else None)
    value = number["sum"] if number["activation"] is None else min(6, max(0, number["sum"]))
    assert number["value"] == near(value)


@pytest.mark.parametrize("kind, i", EACH, ids=NAMED)
def test_the_filter_and_the_sheet_are_pytorchs(looks, networks, kind, i):
    unit, part, *_ = LOOKS[kind][i]
    seen, (network, maps) = looks[kind][i], networks[kind]
    name = modules_of(unit, part)
    own = dict(network.named_modules()).get(name) if name else None
    if hasattr(own, "conv") and own.conv.groups > 1:
        assert seen["filter"] == near_all(own.conv.weight[seen["channel"]].flatten())
    else:
        assert seen["filter"] is None
    sheet = seen["sheet"]
    if i % 3:
        assert sheet is None
        return
    maps = maps[name]
    side, gap, columns = sheet["side"], sheet["gap"], sheet["columns"]
    count = min(24, len(maps))
    variances = maps.flatten(1).var(dim=1, unbiased=False)
    assert len(set(sheet["channels"])) == count
    assert [float(variances[c]) for c in sheet["channels"]] == near_all(order_of(maps)[:count])
    shades = torch.tensor([int(each, 16) for each in sheet["shades"]])
    shades = shades.view(sheet["height"], sheet["width"])
    lines = -(-count // columns)
    assert shades.shape == (lines * (side + gap) - gap, columns * (side + gap) - gap)
    between = torch.ones_like(shades, dtype=torch.bool)
    for n, channel in enumerate(sheet["channels"]):
        top, left = n // columns * (side + gap), n % columns * (side + gap)
        square = (slice(top, top + side), slice(left, left + side))
        values = maps[channel]
        low, high = values.min(), values.max()
        if high - low > 1e-3:
            off = shades[square] - 15 * (values - low) / (high - low)
            assert float(off.abs().max()) < 0.5 + 0.01, channel
        between[square] = False
    assert set(shades[between].tolist()) <= {8}


def near_all(values: Tensor) -> list:
    return [near(each) for each in values.tolist()]


@pytest.mark.parametrize("kind, i", EACH, ids=NAMED)
def test_what_each_place_says_for_a_name_is_pytorchs(looks, networks, pictures, kind, i):
    """The classifier's weights times a place's channels: their mean and the bias are the logit."""
    seen, (network, maps) = looks[kind][i], networks[kind]
    assert seen["name"] == i % 5
    (index, _), why = seen["top"][i % 5], seen["why"]
    classifier = network.classifier
    values = torch.einsum("c,chw->hw", classifier.weight[index], maps["last"]).detach()
    check_map(why, values)
    assert why["mean"] == near(float(values.mean()))
    assert why["bias"] == near(float(classifier.bias[index]))
    assert why["logit"] == near(float(values.mean() + classifier.bias[index]))


@pytest.mark.parametrize("kind", LOOKS)
def test_the_strip_is_pytorchs(looks, networks, kind):
    """What leaves each unit: the channel that varies most."""
    strip = looks[kind][0]["strip"]
    assert len(strip) == 18
    for unit, seen in enumerate(strip):
        (*_, part) = (name for u, name in PARTS if u == unit)
        maps = networks[kind][1][modules_of(unit, part)]
        check_map(seen, maps[seen["channel"]])
        chosen = maps[seen["channel"]].var(unbiased=False)
        assert float(chosen) == near(float(order_of(maps)[0]))


def test_guesses_are_a_softmaxs_and_of_the_picture_at_hand(pictures, timms, tmp_path):
    """The whole network's beside those of the changed one, also if the picture is another."""
    other, fewer_bits = {"kind": "shortcuts"}, {"kind": "bits", "bits": 5, "per": "tensor"}
    asked = [(0, NONE), (None, other), (1, other), (None, NONE), (0, fewer_bits), (None, other)]
    seen = in_node(
        f"""const ask = {{ unit: 3, part: "in", channel: null, at: null, name: 0 }};
        const look = ([i, change]) => it.look(all[i] ?? null, {{ ...ask, change }});
        return {json.dumps(asked)}.map(look);""",
        pictures[:2],
        tmp_path,
    )
    shares = {  # of each network that was asked for, for both pictures
        kind: answers(like(change), pictures[:2]).softmax(1)
        for kind, change in {change["kind"]: change for _, change in asked}.items()
    }
    now = 0
    for (which, change), each in zip(asked, seen, strict=True):
        now = now if which is None else which
        whole, changed = (shares[kind][now] for kind in ("none", change["kind"]))
        for own, guesses in ((whole, each["whole"]), (changed, each["top"])):
            expected = own.topk(5)
            assert [index for index, _ in guesses] == expected.indices.tolist()
            assert [share for _, share in guesses] == near_all(expected.values)
        assert [index for index, _ in each["now"]] == [index for index, _ in each["whole"]]
        assert [share for _, share in each["now"]] == near_all(
            changed[[index for index, _ in each["now"]]]
        )
        if change == NONE:
            assert each["now"] == each["whole"] == each["top"]


# ---------------------------------------------------------------- time

ASK = '({ unit: 0, part: "in", channel: null, at: null, change: { kind: "none" }, name: 0 })'

# A clock that a call moves by its MACs, and by a thousandth if it has none.
CLOCK = """
  let time = 0;
  Object.defineProperty(globalThis, "performance", { value: { now: () => time } });
  const r = runtime();
  const machine = (...given) => {
    const made = r.machine(...given);
    const run = (calls) => {
      for (const call of calls) time += r.macs(call) || 0.001;
      made.run(calls);
    };
    return { ...made, run };
  };
  const own = eye({ ...r, machine }, network, ...opened(parcel));
"""


def test_time_is_counted_by_the_kind_of_layer(pictures, tmp_path):
    """What a call takes goes to the layer whose weights it reads."""
    found = in_node(
        CLOCK
        + """const { times } = own.look(all[0], ASK);
        const of = new Map(network.layers.map((each, i) => [each.w, i ? each.kind : "full"]));
        const expected = { full: 0, depthwise: 0, dense: 0, rest: 0 };
        for (const call of network.calls) {
          const kind = r.weights(call) ? of.get(call[2]) : "rest";
          expected[kind] += r.macs(call) || 0.001;
        }
        return [times, expected];""".replace("ASK", ASK),
        pictures[:1],
        tmp_path,
    )
    times, expected = found
    assert expected["full"] >= 112 * 112 * 27 * 32 and expected["dense"] > expected["depthwise"] > 0
    assert times["all"] == pytest.approx(sum(expected.values()))
    expected["pointwise"] = expected.pop("dense")
    assert {kind: times[kind] for kind in expected} == pytest.approx(expected, rel=1e-4)


def test_a_time_is_the_median_of_the_last_nine(pictures, tmp_path):
    """And of the change at hand alone."""
    found = in_node(
        """let time = 0, step = 0;
        Object.defineProperty(globalThis, "performance", { value: { now: () => (time += step) } });
        const all9 = [];
        for (step of [900, 900, 900, 900, 900, 900, 900, 1, 2, 3, 4, 5]) {
          all9.push(it.look(all[0], ASK).times.rest);
        }
        step = 7;
        const other = { ...ASK, change: { kind: "shortcuts" } };
        return [all9, it.look(null, other).times.rest];""".replace("ASK", ASK),
        pictures[:1],
        tmp_path,
    )
    times, other = found
    groups = times[0] / 900
    assert [each / groups for each in times[6:]] == [900, 900, 900, 900, 900, 5]
    assert other / groups == 7


# ---------------------------------------------------------------- the record


def flat(value, path: str = ""):
    """The numbers and texts in what JSON holds, each behind its path."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in pairs:
            yield from flat(each, f"{path}/{key}")
    else:
        yield path, value


@pytest.mark.long(20)
def test_the_record_is_what_the_engine_says_now():
    """Numbers by one part in a thousand, shades by one: other processors round otherwise."""
    recorded, now = json.loads(picture.RECORD.read_text(encoding="utf-8")), recording.record()
    one, other = dict(flat(recorded)), dict(flat(now))
    assert one.keys() == other.keys()
    for path, value in one.items():
        if isinstance(value, float):
            assert other[path] == pytest.approx(value, rel=1e-3, abs=1e-3), path
        elif path.startswith("/maps/"):
            pairs = zip(value, other[path], strict=True)
            assert max(abs(int(a, 16) - int(b, 16)) for a, b in pairs) <= 1, path
        else:
            assert other[path] == value, path


# ---------------------------------------------------------------- what is said of a change


SAYS = {
    "none": {"without an activation", "The shortcut adds what came in."},
    "shortcuts": {"without an activation", "The shortcut is cut.", "and is left out."},
    "activation": {"with a ReLU6 behind it", "The shortcut adds what came in."},
}
TEXT = """
  const { picture } = globalThis.explorers;
  const text = (kind) => {
    const ask = { unit: 5, part: "sum", channel: null, at: null, change: { kind }, name: 0 };
    const seen = it.look(all[0], ask);
    for (const key of ["top", "whole", "now"]) seen[key] = recorded.top;
    const s = { ...picture.start, loaded: true, seen, unit: 5, change: kind, guess: "stays" };
    const data = { recorded, agree: {}, pieces: [["piece", 1]], samples: {} };
    return picture.view(data, s).map(([, , html]) => html).join("");
  };
  return Object.fromEntries(kinds.map((kind) => [kind, text(kind)]));
"""


@pytest.fixture(scope="module")
def texts(pictures, once) -> dict[str, str]:
    """What is said of each change."""
    record = picture.RECORD.read_text(encoding="utf-8")
    given = f"const kinds = {json.dumps(list(SAYS))}, recorded = {record};"
    return once("the picture's texts", lambda at: in_node(given + TEXT, pictures[:1], at))


@pytest.mark.parametrize("kind, says", SAYS.items())
def test_a_blocks_text_is_of_the_network_that_is_shown(texts, kind, says):
    text = texts[kind]
    every = {
        "without an activation", "with a ReLU6 behind it",
        "The shortcut is cut.", "The shortcut adds what came in.", "and is left out.",
    }  # fmt: skip
    assert {each for each in every if each in text} == says


@pytest.fixture(scope="module")
def samples_answers(once) -> dict[str, list]:
    """To all samples, by the change."""
    script = """return Object.fromEntries(["none", "shortcuts", "activation"].map((kind) => {
      it.change({ kind });
      return [kind, all.map((each) => it.run(each))];
    }));"""

    def ask(folder) -> dict[str, list]:
        samples = [recording.pixels(each).permute(2, 0, 1) for each in picture.SAMPLES]
        return in_node(script, torch.stack(samples), folder)

    return once("the samples' answers", ask)


@pytest.mark.parametrize(
    "kind, name, apart", [("shortcuts", "drumstick", 0.02), ("activation", "barrel", 0.1)]
)
def test_a_broken_network_gives_all_samples_one_name(samples_answers, kind, name, apart):
    """And nearly the same logits: whole, they differ by nine tenths of their size."""
    whole, broken = (torch.tensor(samples_answers[each]) for each in ("none", kind))
    assert {picture.classes()[i] for i in broken.argmax(1)} == {name}

    def spread(logits: Tensor) -> float:
        return float((logits - logits.mean(0)).norm() / logits.norm())

    assert spread(broken) < apart and spread(whole) > 0.8
