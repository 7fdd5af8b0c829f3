"""The explorer "Your device": its kernels answer what PyTorch does, in each engine and browser, and
what it says follows from what it measured.
"""

import base64
import json
import math
import os
import re
import subprocess
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from pathlib import Path

import pytest
import torch

import explorers
from explorers.measure import data as measure
from extension.settings import node_binary
from tests.book import definitions
from tests.browsers import (
    Firefox,
    WebKit,
    as_file,
    started,
    violations,
    violations_in_both_themes,
    wait_for,
)
from tests.pieces import averaged, cuts
from tests.test_explorers import PAGE, choose, in_node
from tools.counting import macs

SHORT = {"rounds": 3, "budget": 1, "least": 1}  # to see that it runs: no time is looked at
PLACES = {"112": (32, 64), "14": (512, 512), "7": (1024, 1024)}
PAIRS = (("V2", "V1"), ("V3-Small", "V3-Large"), ("V4-Conv-S", "V3-Large"))
RUNTIME = (explorers.FOLDER / "measure" / "runtime.js").read_text(encoding="utf-8")
NAMES = list(measure.NETWORKS)


def found(expression: str):
    """What an expression of the runtime `r`, the `session` and the `data` gives in Node."""
    data = explorers.data("measure")
    globals_ = "const { runtime, session } = explorers, r = runtime();"
    return in_node(f"(() => {{ {globals_} return {expression}; }})()", data, "measure")


# ---------------------------------------------------------------- what is measured


@pytest.mark.parametrize("engine, fused", [("fused", True), ("SIMD", False)])
def test_the_page_has_the_notebooks_kernels(engine, fused):
    kernels = definitions("kernels")
    shipped = base64.b64decode(explorers.data("measure")["kernels"][engine])
    assert shipped == kernels.assemble(kernels.all_kernels(fused))


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_the_notebooks_calls(name):
    """Those of the book's network, whose MACs they add up to, and no weights."""
    (row,) = (each for each in explorers.data("measure")["networks"] if each["name"] == name)
    network = build(name)
    assert row["macs"] == macs(network, 3, 224, 224)
    program = definitions("kernels").compile_network(folded(network), 224)
    assert [tuple(call) for call in row["calls"]] == program.calls
    assert row["bytes"] == program.bytes
    assert macs_of_calls(row["calls"]) == row["macs"]


def macs_of_calls(calls: list[list]) -> float:
    """Their sum, where a place that is computed twice counts once: at a line's end six places are
    quicker than what is left, one by one.
    """
    each, places = {}, {}
    for call, count in zip(calls, found(f"{json.dumps(calls)}.map(r.macs)"), strict=True):
        width, step = (call[9], call[11]) if call[0].startswith("dense") else (1, 0)
        key = call[0][:5], call[2]  # of a dense layer its weights
        each[key] = count / width
        places.setdefault(key, set()).update(call[4] + step * i for i in range(width))
    return sum(each[key] * len(places[key]) for key in each)


def test_the_page_has_v1s_layers():
    """With MACs and bytes as the chapter on devices counts them."""
    rows = {(each["side"], each["kind"]): each for each in explorers.data("measure")["layers"]}
    assert len(rows) == 9
    device = definitions("device")
    v1 = [tuple(each) for each in device.v1_layers()]
    for (side, kind), row in rows.items():
        channels, out = PLACES[str(side)]
        assert (channels, out, side, 1) in v1
        cost, _ = device.Layer(channels, out, side, 1).jobs()[kind]
        assert (row["macs"], row["moved"]) == (cost.macs, cost.bytes)
        assert macs_of_calls(row["calls"]) == cost.macs


@pytest.mark.parametrize("kind", measure.KINDS)
def test_a_calls_bytes_are_those_of_its_layer(kind):
    """It reads the same map with zeros around it, and a bias as well."""
    channels, out, side = 16, 24, 6  # so that one call does it all
    program = definitions("kernels").compile_network(
        measure.layer(kind, channels, out), side, channels
    )
    *_, call = program.calls
    cost, _ = definitions("device").Layer(channels, out, side, 1).jobs()[kind]
    padded = side + 2 * (kind != "pointwise")
    around = 4 * channels * (padded**2 - side**2)
    bias = 4 * (channels if kind == "depthwise" else out)
    assert found(f"r.bytes({json.dumps(call)})") == cost.bytes + around + bias


# ---------------------------------------------------------------- what the kernels answer


def build(name: str) -> torch.nn.Module:
    from explorers.networks import build

    return build(measure.NETWORKS[name], 1.0)


def folded(network: torch.nn.Module) -> torch.nn.Module:
    return definitions("device").fold_network(network)


def examples() -> list[list]:
    """A call of each kernel and activation that the networks have, and what measures a machine."""
    calls = {}
    for row in explorers.data("measure")["networks"]:
        for call in row["calls"]:
            clamp = call[-3:] if call[0].startswith("de") else ()
            kept = calls.setdefault((call[0], *map(str, clamp)), call)
            if call[5:7] < kept[5:7]:  # a smaller map, or fewer channels
                calls[call[0], *map(str, clamp)] = call
    return [*calls.values(), ["peak", 0, 100], ["copy", 4096, 65536, 4000]]


# How far the numbers that calls write, by plain JavaScript, are from those of the kernels: for each
# call, both from the same random memory. A call writes from its last address on.
DIFFERENCES = """(calls) => {
  const bytes = Math.max(...data.networks.map((each) => each.bytes));
  const [one, other] = ["SIMD", "script"].map((each) => r.machine(data.kernels, bytes, each));
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647 - 0.5;
  const block = Float32Array.from({ length: 99991 }, random);
  const addresses = { peak: 1, pad: 2, mean: 2, copy: 2, add: 3, scale: 3 };
  return calls.map((call) => {
    for (const { floats } of [one, other])
      for (let i = 0; i + block.length <= floats.length; i += block.length) floats.set(block, i);
    one.run([call]);
    other.run([call]);
    const start = call[addresses[call[0]] ?? 4] / 4;
    const end = start + (call[0] === "peak" ? 56 : r.moved(call)[2] / 4);
    const [answers, expected] = [one, other].map((each) => [...each.floats.slice(start, end)]);
    const size = (numbers) => Math.sqrt(numbers.reduce((sum, each) => sum + each ** 2, 0));
    return [call[0], size(answers.map((each, i) => each - expected[i])) / size(expected)];
  });
}"""


def test_plain_javascript_does_what_the_kernels_do():
    """Each kernel, each activation, on the same random numbers."""
    calls = examples()
    code = base64.b64decode(explorers.data("measure")["kernels"]["SIMD"])
    assert {call[0] for call in calls} == set(definitions("kernels").functions(code))
    clamps = {tuple(call[-3:]) for call in calls if call[0].startswith("dense")}
    assert clamps >= {(0, 6, 0), (0, 6, 1), (0, 1, 0)}
    for name, error in found(f"({DIFFERENCES})({json.dumps(calls)})"):
        assert error < 1e-5, f"{name}: {error}"


@pytest.fixture
def program(once):
    """Of a network: its calls, the files with its weights and three pictures, what PyTorch answers
    in 64 bits, and how far its answers in 32 are from those. The batch norms have the averages of
    real photographs.
    """

    def make(name: str, folder: Path) -> tuple:
        family, _, variant = measure.NETWORKS[name].removeprefix("MobileNet").lower().partition("-")
        options = {"variant": variant} if variant else {}
        network, pictures = averaged(family, **options), cuts(3, seed=2)
        merged = folded(network).float()
        with torch.inference_mode():
            expected = network(pictures.double())
            usual = relative(merged(pictures), expected)
        compiled = definitions("kernels").compile_network(merged, 224)
        kept = compiled._asdict() | {"weights": None, "places": None}
        (folder / "weights").write_bytes(as_bytes(compiled.weights))
        (folder / "pixels").write_bytes(as_bytes(pictures.permute(0, 2, 3, 1)))
        return kept, str(folder), expected.tolist(), usual

    def found(name: str) -> tuple:
        kept, folder, expected, usual = once(f"{name} for browsers", partial(make, name))
        files = {each: (Path(folder) / each).read_bytes() for each in ("weights", "pixels")}
        return kept, files, torch.tensor(expected, dtype=torch.float64), usual

    return found


def relative(answers: torch.Tensor, expected: torch.Tensor) -> float:
    return float((answers.double() - expected).norm() / expected.norm())


def as_bytes(numbers: torch.Tensor) -> bytes:
    return numbers.detach().contiguous().float().numpy().tobytes()


# Run a program in an engine, and return its answers to three pictures; null where the browser lacks
# the engine.
ANSWER = """
  const r = globalThis.explorers.runtime();
  if (engine !== "script" && !WebAssembly.validate(r.decode(kernels[engine]))) return null;
  const numbers = async (file) => new Float32Array(await (await fetch(file)).arrayBuffer());
  const it = r.machine(kernels, program.bytes, engine);
  it.floats.set(await numbers("weights"), 0);
  const pixels = await numbers("pixels"), [size, at] = [pixels.length / 3, program.answer / 4];
  return [0, 1, 2].map((i) => {
    it.floats.set(pixels.subarray(i * size, (i + 1) * size), program.picture / 4);
    it.run(program.calls);
    return [...it.floats.slice(at, at + program.classes)];
  });
"""
ENGINES = [(name, engine) for name in NAMES for engine in ("fused", "SIMD")]
ENGINES.append(("V3-Small", "script"))  # which takes a second or more for the others


@pytest.fixture
def check_answers(program, served):
    """Compare a network in an engine with PyTorch, as `ask` runs it on the page at an address.

    False if the browser lacks the engine.
    """
    files, address = served

    def check(name: str, engine: str, ask) -> bool:
        calls, own, expected, usual = program(name)
        files.update(own, page=f"<!doctype html><script>{RUNTIME}</script>".encode())
        answers = ask(f"{address}/page", explorers.data("measure")["kernels"], engine, calls)
        if answers is None:
            return False
        error = relative(torch.tensor(answers), expected)
        print(f"{name}, {engine}: {error:.1e}, PyTorch in 32 bits {usual:.1e}")
        assert error < 1e-5 and error < 3 * usual
        return True

    return check


@pytest.mark.long(40)
@pytest.mark.parametrize("name, engine", ENGINES)
def test_networks_answer_in_chromium_what_pytorch_does(browser, check_answers, name, engine):
    page = browser.new_page()

    def ask(address, *given):
        page.goto(address)
        return page.evaluate(f"async ([kernels, engine, program]) => {{{ANSWER}}}", given)

    assert check_answers(name, engine, ask)
    page.close()


@pytest.fixture(scope="module", params=[Firefox, WebKit])
def other(request):
    yield from started(request.param)


@pytest.mark.skipif(not os.environ.get("EVERY_BROWSER"), reason="set EVERY_BROWSER=1 for others")
@pytest.mark.parametrize("name, engine", ENGINES)
def test_networks_answer_in_other_browsers_what_pytorch_does(other, check_answers, name, engine):
    def ask(address, *given):
        other.open(address)
        return other.run(f"const [kernels, engine, program] = args;{ANSWER}", *given)

    # WebKit has no fused multiply-add in WebAssembly: then nothing was run, and that is all right.
    assert check_answers(name, engine, ask) or (engine == "fused" and isinstance(other, WebKit))


@pytest.mark.skipif(not os.environ.get("EVERY_BROWSER"), reason="set EVERY_BROWSER=1 for others")
def test_other_browsers_measure_from_a_file(other, site):
    """As a reader opens the page from a folder: the worker needs no server."""
    other.open(as_file(site / PAGE["measure"]))
    text = other.run(
        """const all = (query) => document.querySelector(`#play-measure ${query}`);
        const until = async (what) => {
          while (!what()) await new Promise((next) => setTimeout(next, 50));
        };
        await until(() => document.querySelector("#play-measure[data-ready]"));
        explorers.measure.pace = args[0];
        all("[data-act=measure]").click();
        await until(() => all(".measure-line"));
        return all(".measure-line").innerText;""",
        SHORT,
    )
    assert re.match(r"a device without a name \((Firefox|WebKit) \d+, \w+, (fused|SIMD), ", text)


def test_numbers_to_time_with_are_none_that_are_slow():
    """No network's maps grow beyond all bounds, or fade into numbers that are next to zero."""
    ranges = found("""data.networks.map((each) => {
        const it = r.machine(data.kernels, each.bytes);
        r.fill(it.floats, each.calls);
        it.run(each.calls);
        it.run(each.calls);
        let [least, most, finite] = [Infinity, 0, true];
        for (let i = 0; i < it.floats.length; i++) { // some millions of them
          const size = Math.abs(it.floats[i]);
          if (size > 0 && size < least) least = size;
          if (size > most) most = size;
          finite &&= Number.isFinite(size);
        }
        return [least, most, finite];
      })""")
    assert len(ranges) == 5
    for least, most, finite in ranges:
        assert finite and 0 < least and least > 1e-20 and most < 1e6


# ---------------------------------------------------------------- the clock


# A clock that moves by steps, and jobs that move it.
CLOCK = """let time = 0;
  const clock = () => Math.floor((time += 0.001) / step) * step;
  const job = (ms) => () => (time += ms);"""


@pytest.mark.parametrize("step", [0.005, 0.1, 1, 16])
def test_what_is_timed_takes_twenty_steps_of_the_clock(step):
    """And 20 ms; three rounds at least, whatever the budget."""
    timed = found(f"""(() => {{ const step = {step}; {CLOCK}
        const seen = r.resolution(clock), least = r.worth(seen);
        const jobs = {{ short: job(0.07), long: job(900) }};
        return {{ seen, least, all: r.race(jobs, {{ rounds: 9, budget: 10, least, clock }}) }};
      }})()""")
    assert timed["seen"] == pytest.approx(step, rel=0.01)
    assert timed["least"] == pytest.approx(max(20, 20 * step), rel=0.01)
    for name, ms in (("short", 0.07), ("long", 900)):
        one = timed["all"][name]
        assert one["often"] * ms >= 0.94 * timed["least"]
        assert len(one["times"]) == 3
        assert one["median"] == pytest.approx(ms, rel=0.06)
        assert one["low"] <= one["median"] <= one["high"]
    assert timed["all"]["long"]["often"] == 1


def test_jobs_take_turns_and_tenths_are_cut():
    timed = found(f"""(() => {{ const step = 0.001; {CLOCK}
        const order = [];
        let turn = 0;
        const jobs = {{
          a: () => (order.push("a"), (time += 30 + turn++)),
          b: () => (order.push("b"), (time += 40)),
        }};
        const told = [];
        const heard = (round, rounds, name) => told.push([round, rounds, name]);
        const all = r.race(jobs, {{ rounds: 20, budget: 1e6, least: 20, clock, heard }});
        return {{ all, order, told }};
      }})()""")
    assert timed["order"] == ["a", "a", "b", "b"] + ["a", "b"] * 20  # first each once, and timed
    assert timed["told"] == [[n, 20, name] for n in range(20) for name in "ab"]
    times = sorted(timed["all"]["a"]["times"])
    assert timed["all"]["a"]["low"] == times[2] and timed["all"]["a"]["high"] == times[-3]
    assert timed["all"]["a"]["median"] == pytest.approx((times[9] + times[10]) / 2)


# ---------------------------------------------------------------- what follows from a result


def example(**other) -> dict:
    """A result without a doubt."""
    layers = {
        side: {"standard": [20, 19, 21], "depthwise": [0.5, 0.4, 0.6], "pointwise": [2, 2, 2]}
        for side in PLACES
    }
    networks = {name: [10 + i, 10, 14.5] for i, name in enumerate(NAMES)}
    return {
        "device": "an example",
        "browser": "Firefox 153, Linux",
        "date": "2026-11-26",
        "hidden": False,
        "engine": "SIMD",
        "clock": 0.1,
        "seconds": 9,
        "peak": [20, 20],
        "cache": 50,
        "memory": 20,
        "layers": layers,
        "networks": networks,
        "drift": 1.0,
    } | other


def of_measure(expression: str, result: dict):
    return in_node(
        f"(({{ pair, versus, bound, notices, line }}, result) => {expression})"
        f"(explorers.measure, {json.dumps(result)})",
        explorers.data("measure"),
        "measure",
    )


WIDE = {name: [10, 6, 14] for name in NAMES}
WIDE_LAYERS = {
    side: {kind: [10, 5, 20] for kind in ("standard", "depthwise", "pointwise")} for side in PLACES
}


@pytest.mark.parametrize(
    "other, says",
    [
        ({}, None),
        ({"hidden": True}, "hidden meanwhile"),
        ({"peak": [20, 16.9]}, "became slower"),
        ({"peak": [20, 17.1]}, None),
        ({"peak": [16, 20]}, None),
        ({"drift": 1.16}, "became slower"),
        ({"drift": 1.14}, None),
        ({"drift": 0.8}, None),
        ({"engine": "script"}, "no SIMD"),
        ({"clock": 16}, "steps of 16 ms"),
        ({"clock": 1}, None),
        ({"networks": WIDE, "layers": WIDE_LAYERS}, "scatter widely"),
        ({"networks": WIDE}, "scatter widely"),
    ],
)
def test_what_is_doubtful_is_said(other, says):
    notices = of_measure("notices(result)", example(**other))
    assert len(notices) == (says is not None)
    assert says is None or says in notices[0]


def test_ratios_and_bounds_follow_from_the_times():
    result = example()
    found = of_measure("data.places.map(([side]) => pair(data, result, side))", result)
    for (side, kinds), each in zip(result["layers"].items(), found, strict=True):
        times = {kind: ms for kind, (ms, *_) in kinds.items()}
        faster = times["standard"] / (times["depthwise"] + times["pointwise"])
        assert each["faster"] == pytest.approx(faster)
        channels, out = PLACES[side]
        fewer = 9 * channels * out / (9 * channels + channels * out)
        assert each["fewer"] == pytest.approx(fewer)
    over = of_measure(f"{json.dumps(PAIRS)}.map((both) => versus(data, result, both))", result)
    for (one, other), each in zip(PAIRS, over, strict=True):
        faster = result["networks"][other][0] / result["networks"][one][0]
        assert each["faster"] == pytest.approx(faster)
        fewer = macs(build(other), 3, 224, 224) / macs(build(one), 3, 224, 224)
        assert each["fewer"] == pytest.approx(fewer)
    machine = definitions("device").Machine(20e9, 50e9, 20e9)
    bounds = of_measure("data.layers.map((each) => bound(result, each))", result)
    for row, each in zip(explorers.data("measure")["layers"], bounds, strict=True):
        cost = definitions("device").LayerCost(row["macs"], row["moved"])
        assert each == pytest.approx(cost.bound(machine))


def test_a_browser_without_simd_measures_in_plain_javascript():
    """The same kernels by the same calls, and it says so. Few of them: it is slow."""
    part = """{ ...data, layers: data.layers.filter((each) => each.side === 7),
      networks: data.networks.filter((each) => each.name === "V3-Small") }"""
    pace = json.dumps({"rounds": 1, "budget": 1, "least": 1, "engine": "script"})
    result = found(f"session(r, {part}, {pace})")
    assert result["engine"] == "script" and set(result["networks"]) == {"V3-Small"}
    assert all(ms > 0 for kinds in result["layers"].values() for ms, *_ in kinds.values())
    state = f"{{ ...measure.start, device: 'yours', result: {json.dumps(example())} }}"
    state = state.replace('"SIMD"', '"script"')
    assert "Engine: plain JavaScript." in in_node(
        f"measure.view(data, {state})", explorers.data("measure"), "measure"
    )


AGENTS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0": "Firefox 153, Linux",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/156.0.0.0 Mobile Safari/537.36": "Chrome 156, Android",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36": "Samsung Internet 29, Android",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/26.0 Mobile/15E148 Safari/604.1": "Safari 26, iOS",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) CriOS/156.0.0.0 Mobile/15E148 Safari/604.1": "Chrome 156, iOS",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.0 Safari/605.1.15": "Safari 26, macOS",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0": "Edge 156, Windows",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/60.5 "
    "Safari/605.1.15": "WebKit 60, Linux",
    "something else": "an unknown browser, an unknown system",
}


def test_a_browser_is_told_by_its_name():
    names = in_node(f"{json.dumps(list(AGENTS))}.map(measure.browserOf)", {}, "measure")
    assert names == list(AGENTS.values())


# ---------------------------------------------------------------- the collection


def test_the_collection_is_what_the_explorer_saves():
    devices = measure.devices()
    assert devices and devices == explorers.data("measure")["devices"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": ""},
        {"device": 61 * "x"},
        {"device": "two\nlines"},
        {"engine": "wasm"},
        {"date": "26.11.2026"},
        {"hidden": "no"},
        {"clock": 0},
        {"cache": float("nan")},
        {"peak": [20]},
        {"layers": {}},
        {"networks": {}},
        {"networks": example()["networks"] | {"V1": [10, 11, 12]}},
        {"networks": example()["networks"] | {"V1": [10, 9]}},
        {"networks": example()["networks"] | {"V1": [10, 0, 12]}},
        {"layers": example()["layers"] | {"7": {"standard": [1, 1, 1]}}},
        {"more": 1},
    ],
)
def test_what_the_explorer_would_not_save_is_refused(wrong):
    measure.check(example())
    with pytest.raises(ValueError):
        measure.check(example(**wrong))
    for key in example():
        with pytest.raises(ValueError):
            measure.check({name: value for name, value in example().items() if name != key})


def test_no_device_stands_twice_in_the_collection(monkeypatch, tmp_path):
    file = tmp_path / "devices.json"
    monkeypatch.setattr(measure, "FILE", file)
    file.write_text(json.dumps([example(), example(date="2026-11-27")]))
    assert len(measure.devices()) == 2
    file.write_text(json.dumps([example(), example()]))
    with pytest.raises(ValueError, match="twice"):
        measure.devices()


# ---------------------------------------------------------------- driven by the keyboard


@pytest.fixture
def open_measure(visit):
    """The page, the explorer, and what the page has fetched; a measurement is a short one."""

    def open_page(theme: str = "light", pace: dict = SHORT):
        page, notes, fetched = visit(PAGE["measure"], theme)
        element = page.locator("#play-measure")
        element.scroll_into_view_if_needed()
        page.locator("#play-measure[data-ready]").wait_for(state="attached")
        page.evaluate("(pace) => (explorers.measure.pace = pace)", pace)
        assert notes == []
        return page, element, fetched

    return open_page


def press(page, element, name: str) -> None:
    """A button, by the keyboard alone."""
    element.get_by_role("button", name=name, exact=True).focus()
    page.keyboard.press("Enter")


def measured(page, element) -> None:
    press(page, element, "Measure this device")
    element.get_by_role("button", name="Measure again").wait_for()
    page.wait_for_timeout(250)


def saved(page, element) -> dict:
    with page.expect_download() as saving:
        press(page, element, "Save yours as a file")
    return json.loads(saving.value.path().read_text(encoding="utf-8"))


def rows(element, caption: str) -> dict[str, list[str]]:
    """The table with this in its caption: what stands in each row behind its name."""
    table = element.locator("table", has=element.page.locator("caption", has_text=caption)).first
    texts = table.locator("tbody tr").evaluate_all(
        "all => all.map((row) => [...row.cells].map((each) => each.innerText.trim()))"
    )
    return {name: cells for name, *cells in texts}


def fixed(number: float, digits: int = 0) -> str:
    """As JavaScript rounds: a half upwards."""
    return str(Decimal(number).quantize(Decimal(10) ** -digits, ROUND_HALF_UP))


def two(number: float) -> str:
    """As the explorer writes a time or a speed."""
    if number >= 9.95:
        return fixed(number)
    return fixed(number, 1 if number >= 0.995 else 1 - math.floor(math.log10(number)))


def ratio(number: float) -> str:
    return fixed(number, 2 if number < 9.95 else 1)


def percent(part: float) -> str:
    return f"{fixed(100 * part)} %"


@pytest.mark.long(30)
def test_a_measurement_by_keyboard(open_measure):
    """What it shows is what it saves, and what follows from it; nothing is fetched."""
    page, element, fetched = open_measure()
    loaded = list(fetched)
    yours = element.locator("input[name=device][value=yours]")
    assert yours.is_disabled()
    assert element.get_by_label("Name of your device").is_hidden()
    assert element.get_by_role("progressbar").count() == 0
    assert violations_in_both_themes(page, "#play-measure") == []

    choose(page, element, "guess", 11)
    measured(page, element)
    assert yours.is_checked() and yours.is_enabled()
    assert page.evaluate("document.activeElement.dataset.act") == "measure"
    assert element.get_by_role("progressbar").count() == 0
    assert violations_in_both_themes(page, "#play-measure") == []

    element.get_by_label("Name of your device").focus()
    page.keyboard.type('My <b>"phone"</b> & co')
    result = saved(page, element)
    assert measure.check(result) == result
    assert result["device"] == 'My <b>"phone"</b> & co' and result["hidden"] is False
    assert result["browser"].startswith("Chrome ") and result["engine"] in ("fused", "SIMD")

    places = rows(element, "The separable pair over the full layer")
    for (side, (_, out)), cells in zip(PLACES.items(), places.values(), strict=True):
        times = {kind: ms for kind, (ms, *_) in result["layers"][side].items()}
        faster = times["standard"] / (times["depthwise"] + times["pointwise"])
        fewer = 9 * out / (9 + out)
        assert cells == [ratio(fewer), ratio(faster), percent(faster / fewer)]
        if side == "14":
            said = element.locator(".explorer-say").inner_text()
            assert said.startswith("Your guess was 12. ")
            assert f"on your device it is {ratio(faster)} times faster" in said
            assert element.locator("[data-is=faster]").inner_text() == ratio(faster)
            assert element.locator("[data-is=guess]").inner_text() == "12"
    over = rows(element, "The same of whole networks")
    for one, other in PAIRS:
        faster = result["networks"][other][0] / result["networks"][one][0]
        assert over[f"{one} over {other}"][1] == ratio(faster)
    for name, (ms, low, high) in result["networks"].items():
        million = macs(build(name), 3, 224, 224) / 1e6
        cells = rows(element, "A picture of 224×224")[name]
        assert cells == [fixed(million), two(ms), f"{two(low)}–{two(high)}"]
    layers = rows(element, "Each layer")
    assert len(layers) == 9
    words = {"standard": "full", "depthwise": "depthwise", "pointwise": "pointwise"}
    for row in explorers.data("measure")["layers"]:
        side, kind = row["side"], row["kind"]
        ms = result["layers"][str(side)][kind][0]
        bound = max(row["macs"] / max(result["peak"]), row["moved"] / result["cache"]) / 1e6
        cells = layers[f"{words[kind]}, {side}×{side}"]
        assert cells == [two(bound), two(ms), percent(bound / ms)]
    for name, value in (("peak", max(result["peak"])), ("cache", result["cache"])):
        assert element.locator(f"[data-is={name}]").inner_text() == two(value)
    assert element.locator("svg[role=img] > path[class^=is-]").count() == 9
    line = element.locator(".measure-line").inner_text()
    assert line.startswith(f"{result['device']} ({result['browser']}, {result['engine']}, ")

    choose(page, element, "device", 0)
    assert element.locator(".measured-device b").inner_text() == measure.devices()[0]["device"]
    assert [each for each in fetched if each not in loaded and "blob:" not in each] == []


def test_the_line_can_be_copied(open_measure):
    page, element, _ = open_measure()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    measured(page, element)
    press(page, element, "Copy your line")
    page.wait_for_timeout(300)
    assert element.locator(".explorer-say").inner_text().startswith("Copied. ")
    line = element.locator(".measure-line").inner_text()
    assert page.evaluate("navigator.clipboard.readText()") == line


SLOW = {"rounds": 1000, "budget": 1e9, "least": 20}


def test_a_measurement_that_is_stopped_leaves_the_page_as_it_was(open_measure):
    page, element, fetched = open_measure(pace=SLOW)
    view = element.locator(".explorer-view")
    before = view.inner_text()
    press(page, element, "Measure this device")
    bar = element.get_by_role("progressbar", name="Measuring")
    bar.wait_for()
    page.wait_for_timeout(1000)
    assert 0 <= float(bar.get_attribute("value")) < 0.5
    assert "Measuring." in element.locator(".explorer-say").inner_text()
    assert view.inner_text() == before
    assert violations(page, "#play-measure") == []
    press(page, element, "Stop")
    assert bar.is_hidden()
    page.wait_for_timeout(250)
    assert element.locator(".explorer-say").inner_text().startswith("Stopped. ")
    assert view.inner_text() == before
    assert element.locator("input[name=device][value=yours]").is_disabled()
    wait_for(lambda: page.wait_for_timeout(50) or not page.workers)


def test_a_hidden_page_is_not_trusted(open_measure):
    page, element, _ = open_measure()
    press(page, element, "Measure this device")
    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
        delete document.hidden;
        document.dispatchEvent(new Event("visibilitychange"));
      }""")
    element.get_by_role("button", name="Measure again").wait_for()
    assert "Do not trust this" in element.locator(".measure-notice").first.inner_text()
    assert saved(page, element)["hidden"] is True


def test_a_browser_that_cannot_measure_says_so(open_measure):
    page, element, _ = open_measure()
    before = element.locator(".explorer-view").inner_text()
    page.evaluate("() => (window.Worker = function () { throw new Error('no <i>workers</i>'); })")
    press(page, element, "Measure this device")
    page.wait_for_timeout(250)
    said = element.locator(".explorer-say").inner_text()
    assert said.startswith("This browser could not measure: no <i>workers</i>. ")
    assert element.locator(".explorer-view").inner_text() == before
    page.reload()


def test_the_page_is_complete_without_scripts(site):
    """As it is built: a recorded device, its roofline, its tables, and where nothing goes."""
    text = (site / PAGE["measure"]).read_text(encoding="utf-8")
    part = text[text.index('id="play-measure"') :]
    part = part[: part.index('<script type="application/json">')]
    assert part.count("<table") == 5 and part.count('class="is-') == 9 + 3 + 9
    assert "Nothing leaves your device" in part


def test_scripts_of_an_explorer_follow_each_other():
    """In Node as in what the site ships: the runtime before the view that starts it."""
    names = [path.name for path in explorers.script_files("measure")]
    assert names == ["explorer.js", "runtime.js", "session.js", "view.js"]
    own = "\n".join(path.read_text() for path in explorers.script_files("measure"))
    script = f"{own}; console.log(Object.keys(explorers).length)"
    done = subprocess.run([node_binary(), "--eval", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
