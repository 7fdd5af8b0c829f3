"""The explorers: driven by the keyboard, and their numbers are the networks'."""

import itertools
import json
import math
import re
import subprocess

import pytest
import timm
import torch
from torch import nn
from torch.nn.functional import conv2d
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.models import resnet50

import explorers
from explorers.networks import WIDTHS
from extension.settings import node_binary
from figures import style
from tests.book import definitions
from tests.browsers import violations, violations_in_both_themes
from tools import papers
from tools.counting import kind_of, macs, macs_by_layer, on_meta, params, v1, v2, v3, v4
from tools.variants import paper_v3

BUILDERS = {
    "MobileNetV1": v1,
    "MobileNetV2": v2,
    "MobileNetV3-Large": lambda **options: v3("large", **options),
    "MobileNetV3-Small": lambda **options: v3("small", **options),
}
PAGE = {
    "block": "chapters/family/index.html",
    "cost": "chapters/v3/index.html",
    "measure": "chapters/device/index.html",
    "picture": "chapters/appendix/picture.html",
    "points": "chapters/v3/index.html",
    "relu": "chapters/v2/index.html",
    "ridge": "chapters/v4/index.html",
    "steps": "intro.html",
}


def whole(text: str) -> int:
    return int(text.replace(",", "").replace("−", "-"))


@pytest.fixture
def explorer(visit):
    """Open an explorer; return the page and its element."""

    def open_explorer(name: str, theme: str = "light"):
        page, notes, _ = visit(PAGE[name], theme)
        element = page.locator(f"#play-{name}")
        element.scroll_into_view_if_needed()
        page.locator(f"#play-{name}[data-ready]").wait_for(state="attached")
        assert notes == []
        return page, element

    return open_explorer


def choose(page, element, name: str, to: int) -> None:
    """Move a slider to its `to`-th place, or choose the `to`-th button, with the keyboard alone."""
    inputs = element.locator(f"input[name={name}]")
    if inputs.count() > 1:
        element.locator(f"input[name={name}]:checked").focus()
        now = inputs.evaluate_all("all => all.findIndex(each => each.checked)")
        for _ in range(abs(to - now)):
            page.keyboard.press("ArrowRight" if to > now else "ArrowLeft")
        return
    inputs.focus()
    page.keyboard.press("Home")
    for _ in range(to):
        page.keyboard.press("ArrowRight")


# ---------------------------------------------------------------- what a network costs


SIZES = range(96, 257, 32)


@pytest.mark.parametrize(
    "sizes", [(96, 224, 256), pytest.param(SIZES, marks=pytest.mark.weekly)], ids=["some", "all"]
)
@pytest.mark.parametrize("name", WIDTHS)
def test_costs_are_the_networks_own(name, sizes):
    """At every width, by every stage and type, against PyTorch's counter: at every size, or at the
    least, the usual and the largest. (Two would do: MACs are a multiple of the area, and a rest.)
    """
    (data,) = (each for each in explorers.data("cost")["networks"] if each["name"] == name)
    assert tuple(each["width"] for each in data["widths"]) == WIDTHS[name]
    for width in data["widths"]:
        network = BUILDERS[name](width_mult=width["width"])
        assert width["params"] == params(network)
        kinds = [kinds for stage in width["stages"] for kinds in stage["kinds"].items()]
        for size in sizes:
            counted = sum(maps * (size // 32) ** 2 / 49 + rest for _, (maps, rest, _) in kinds)
            assert counted == macs(network, 3, size, size)
        layers = macs_by_layer(network, 3, 224, 224)
        own = sum(layer.weight.numel() for layer, _, _ in layers)
        assert sum(weights for _, (_, _, weights) in kinds) == own
        totals = {}
        for layer, count, _ in layers:
            totals[kind_of(layer)] = totals.get(kind_of(layer), 0) + count
        for kind in totals:
            assert totals[kind] == sum(a + b for each, (a, b, _) in kinds if each == kind)


def test_accuracies_are_the_printed_ones():
    published = {each["name"]: each["published"] for each in explorers.data("cost")["networks"]}
    rows = {(each["width"], each["size"], each["top1"]) for each in published["MobileNetV2"]}
    assert len(published["MobileNetV1"]) == 4 + 3 + 1 + 16
    assert rows >= {(*key, row[2]) for key, row in papers.SLIM_V2.items()}
    small = {(each["size"], each["width"]): each for each in published["MobileNetV3-Small"]}
    for (variant, size, width), (top1, *_) in papers.V3_TABLE9.items():
        if variant == "small":
            assert small[size, width]["top1"] == top1


def test_a_width_that_is_not_the_papers_says_so():
    """V3's class scales as torchvision does: beside it stands what the paper's network has."""
    for name, variant in (("MobileNetV3-Large", "large"), ("MobileNetV3-Small", "small")):
        (data,) = (each for each in explorers.data("cost")["networks"] if each["name"] == name)
        for each in data["widths"]:
            if each["width"] == 1.0:
                assert each["paper"] is None
            else:
                network = paper_v3(variant, each["width"])
                assert each["paper"]["params"] == params(network)
                maps, rest = each["paper"]["macs"]
                for size in (96, 224):
                    counted = maps * (size // 32) ** 2 / 49 + rest
                    assert counted == macs(network, 3, size, size)


@pytest.mark.parametrize(
    ("name", "network", "width", "size"),
    [
        ("MobileNetV1", 0, 1, 3),
        ("MobileNetV2", 1, 5, 0),
        ("MobileNetV3-Large", 2, 2, 5),
        ("MobileNetV3-Small", 3, 4, 4),
    ],
)
def test_the_cost_explorer_by_keyboard(explorer, name, network, width, size):
    page, element = explorer("cost")
    choose(page, element, "network", network)
    choose(page, element, "width", width)
    choose(page, element, "size", size)
    factor, side = WIDTHS[name][width], 96 + 32 * size
    built = BUILDERS[name](width_mult=factor)
    assert whole(element.locator("[data-is=macs]").inner_text()) == macs(built, 3, side, side)
    assert whole(element.locator("[data-is=params]").inner_text()) == params(built)
    page.wait_for_timeout(250)
    said = element.locator(".explorer-say").inner_text()
    assert said.startswith(f"{name}, width {factor:g}, {side}×{side}: ")
    assert f"{macs(built, 3, side, side):,} MACs" in said
    rows = element.locator("table").first.locator("tbody tr td:last-child").all_inner_texts()
    total = sum(
        float(text.replace(" M", "")) if text.endswith(" M") else whole(text) / 1e6 for text in rows
    )
    assert total == pytest.approx(macs(built, 3, side, side) / 1e6, abs=0.06 * len(rows))


@pytest.mark.parametrize("name", PAGE)
def test_every_control_has_a_name(explorer, name):
    _, element = explorer(name)
    for slider in element.locator("input[type=range]:visible").all():
        label = element.locator(f"label[for={slider.get_attribute('id')}]").text_content()
        assert element.get_by_role("slider", name=label, exact=True).count() == 1
    assert (
        element.get_by_role("radio").count() == element.locator("input[type=radio]:visible").count()
    )
    assert all(
        each.text_content() or each.get_attribute("aria-label")
        for each in element.get_by_role("button").all()
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_type_of_layer_has_its_colour_and_hatch(explorer, theme):
    page, element = explorer("cost", theme)
    choose(page, element, "network", 2)
    looks = (
        element.locator("table")
        .last.locator("th > i")
        .evaluate_all(
            "all => all.map(each => getComputedStyle(each)).map(look => "
            "[look.backgroundColor, look.backgroundImage])"
        )
    )
    assert len(looks) == 5 and len({colour for colour, _ in looks}) == 5
    assert len({hatch for _, hatch in looks}) == 5


def test_each_state_of_an_explorer_is_accessible(explorer):
    page, element = explorer("cost")
    choose(page, element, "network", 3)
    choose(page, page.locator("#play-points"), "axis", 2)
    page.locator("#play-points summary").evaluate("each => (each.parentElement.open = true)")
    page.wait_for_timeout(300)
    assert violations_in_both_themes(page, ".explorer") == []


def test_the_legend_chooses_nothing_and_a_click_stays(explorer):
    page, element = explorer("points")
    choose(page, element, "point", 30)
    place = element.locator("[data-for=point]")
    before = place.inner_text()
    element.locator(".explorer-keys li").nth(4).click()
    assert place.inner_text() == before
    picture, box = element.locator("svg[role=img]"), None
    while box != (box := picture.bounding_box()):
        picture.evaluate("each => each.scrollIntoView({block: 'center'})")
        page.wait_for_timeout(200)
    page.mouse.move(box["x"] + 60, box["y"] + box["height"] - 60)
    passing = place.inner_text()
    page.mouse.move(box["x"] + 60, box["y"] - 90)
    assert place.inner_text() == before != passing, "a mouse that passes lets go"
    page.mouse.click(box["x"] + 60, box["y"] + box["height"] - 60)
    page.mouse.move(box["x"] + 60, box["y"] - 90)
    assert place.inner_text() == passing, "a click holds"


def test_a_network_with_fewer_widths_takes_its_widest(explorer):
    page, element = explorer("cost")
    choose(page, element, "network", 1)
    choose(page, element, "width", 5)
    choose(page, element, "network", 0)
    assert element.locator("[data-for=width]").inner_text() == "× 1"
    assert whole(element.locator("[data-is=params]").inner_text()) == params(v1())


# ---------------------------------------------------------------- a convolution, step by step


def outputs() -> dict[str, torch.Tensor]:
    """The three layers, computed by PyTorch."""
    data = {key: torch.tensor(each).float() for key, each in explorers.data("steps").items()}
    picture = data["input"][None]
    depthwise = conv2d(picture, data["depthwise"][:, None], groups=3)
    return {
        "full": conv2d(picture, data["full"])[0],
        "depthwise": depthwise[0],
        "pointwise": conv2d(depthwise, data["pointwise"][:, :, None, None])[0],
    }


@pytest.mark.parametrize(
    ("layer", "kernel", "total"), [("full", 27, 2160), ("depthwise", 9, 432), ("pointwise", 3, 240)]
)
def test_steps_by_keyboard(explorer, layer, kernel, total):
    page, element = explorer("steps")
    expected = outputs()[layer]
    assert expected.numel() * kernel == total
    choose(page, element, "layer", ["full", "depthwise", "pointwise"].index(layer))
    slider = element.locator("input[name=step]")
    slider.focus()
    page.keyboard.press("End")
    assert whole(element.locator("[data-is=macs]").inner_text()) == total
    shown = element.locator(".maps").last.locator(".grid").all()
    for channel, grid in zip(expected, shown, strict=True):
        numbers = [whole(each) for each in grid.locator("i").all_inner_texts()]
        assert numbers == channel.flatten().int().tolist()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert whole(element.locator("[data-is=macs]").inner_text()) == 2 * kernel
    read = element.locator(".maps").first.locator(".read").count()
    assert read == kernel
    page.wait_for_timeout(250)
    said = element.locator(".explorer-say").inner_text()
    assert "channel 1, row 1, column 2" in said
    assert f"the sum is {int(expected[0, 0, 1])}".replace("-", "−") in said


def test_play_runs_to_the_end_of_a_step_and_stops(explorer):
    page, element = explorer("steps")
    choose(page, element, "step", 76)
    button = element.get_by_role("button", name="Play")
    button.focus()
    page.keyboard.press("Enter")
    element.get_by_role("button", name="Stop").wait_for()
    element.get_by_role("button", name="Play").wait_for(timeout=5000)
    assert element.locator("[data-for=step]").inner_text() == "80 of 80"


# ---------------------------------------------------------------- what a ReLU destroys


def in_node(expression: str, data: dict, name: str = "relu"):
    """What an expression of an explorer's functions, by its name, and of `data` gives."""
    files = "".join(f"require({str(path)!r});" for path in explorers.script_files(name))
    script = f"{files} const {name} = explorers.{name}, data = {json.dumps(data)};"
    script += f"console.log(JSON.stringify({expression}))"
    command = [node_binary(), "--eval", script]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_the_relu_explorer_computes_what_the_notebook_does():
    """With the figure's matrices, and with others."""
    notebook = definitions("v2")
    data = explorers.data("relu")
    seven = "[0, 1, 2, 3, 4, 5, 6].map((i) => data.matrices[i])"
    others = "[2, 3, 30].map((n) => relu.matrix(data, n, 5))"
    matrices = in_node(f"[...{seven}, ...{others}]", data)
    found = in_node(f"[...{seven}, ...{others}].map(relu.through)", data)
    for matrix, each in zip(matrices, found, strict=True):
        embed = torch.tensor(matrix, dtype=torch.float64)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch, "randn", lambda *shape, dtype, embed=embed: embed)
            back, on = notebook.through_relu(notebook.spiral(), len(matrix))
        computed = torch.tensor(each["back"], dtype=torch.float64).T
        torch.testing.assert_close(computed, back)
        assert each["on"] == on.tolist()


def test_the_relu_explorer_opens_with_the_figures_matrices():
    notebook = definitions("v2")
    matrices = {len(each): each for each in explorers.data("relu")["matrices"]}
    torch.manual_seed(44)
    for n in (2, 3, 5, 15, 30):
        assert torch.equal(torch.tensor(matrices[n], dtype=torch.float64), normal(n)), n
    assert sorted(matrices) == list(matrices) == [2, 3, 4, 5, 8, 15, 30]
    source = (style.FOLDER / "v2" / "draw.py").read_text()
    assert "torch.manual_seed(44)" in source and "(2, 3, 5, 15, 30)" in source
    assert notebook.spiral().shape == (2, 600)


def normal(n: int) -> torch.Tensor:
    """What `through_relu` draws."""
    return torch.randn(n, 2, dtype=torch.float64)


def test_other_matrices_keep_on_average_what_the_formula_says():
    numbers = "Array.from({length: 400}, (_, i) => relu.share(relu.matrix(data, n, i + 2)))"
    shares = in_node(f"[2, 3, 4, 5, 8, 15, 30].map((n) => {numbers})", explorers.data("relu"))
    for n, found in zip((2, 3, 4, 5, 8, 15, 30), shares, strict=True):
        assert sum(found) / 400 == pytest.approx(1 - (n + 1) / 2**n, abs=0.04)
    entries = in_node(
        "Array.from({length: 400}, (_, i) => relu.matrix(data, 30, i + 2)).flat(2)",
        explorers.data("relu"),
    )
    entries = torch.tensor(entries)
    assert abs(entries.mean()) < 0.02 and abs(entries.std() - 1) < 0.02


def test_the_relu_explorer_by_keyboard(explorer):
    page, element = explorer("relu")
    figures = in_node("data.matrices.map(relu.share)", explorers.data("relu"))
    kept, average = (element.locator(f"[data-is={name}]") for name in ("kept", "mean"))
    assert kept.inner_text() == average.inner_text() == f"{100 * figures[1]:.1f} %"
    assert element.locator("[data-is=formula]").inner_text() == "50.0 %"
    page_text = element.locator(".explorer-say").inner_text()
    assert page_text.startswith(f"n = 3, matrix 1: {100 * figures[1]:.1f} % of the 600 points")
    choose(page, element, "channels", 3)
    button = element.get_by_role("button", name="Another matrix")
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    shares = in_node(
        "[1, 2, 3].map((i) => relu.share(relu.matrix(data, 5, i)))", explorers.data("relu")
    )
    assert kept.inner_text() == f"{100 * shares[2]:.1f} %"
    assert average.inner_text() == f"{100 * sum(shares) / 3:.1f} %"
    dots = element.locator("svg[role=img] path.kept").last.get_attribute("d").count("M")
    lost = element.locator("svg[role=img] path.lost").last.get_attribute("d").count("M")
    assert (dots, lost) == (round(600 * shares[2]), round(600 * (1 - shares[2])))
    crosses = element.locator("svg[role=img] path.cross").last.get_attribute("d").count("M")
    assert crosses == math.ceil(lost / 8)
    page.wait_for_timeout(250)
    said = element.locator(".explorer-say").inner_text()
    assert said.startswith("n = 5, matrix 3: ") and "the 3 matrices tried" in said
    assert violations_in_both_themes(page, ".explorer") == []


# ---------------------------------------------------------------- accuracy against cost


def test_points_are_all_that_were_published():
    data = explorers.data("points")
    count = {series: 0 for series in data["series"]}
    for each in data["points"]:
        count[each["series"]] += 1
    tables = papers.V1_TABLE6, papers.V1_TABLE7
    distinct_v1 = len({(w, 224) for w in tables[0]} | {(1.0, s) for s in tables[1]}) + 1  # Table 9
    assert count["V1"] == distinct_v1 + sum(map(len, papers.SLIM_V1_TOP1.values()))
    assert count["V2"] == 2 + len(papers.SLIM_V2) + 2  # its paper, the README, V3's paper
    assert count["V3-Small"] + count["V3-Large"] == len(papers.V3_TABLE9) + 2  # minimalistic
    assert count["V4"] + count[data["series"][-1]] == len(papers.V4_POINTS)


def test_points_cost_what_their_networks_do():
    points = {each["name"]: each for each in explorers.data("points")["points"]}
    for name, network, size in (
        ("V1 × 0.5, 160×160 (paper)", v1(width_mult=0.5), 160),
        ("V2 × 1.4, 224×224 (README)", v2(width_mult=1.4), 224),
        ("V3-Small × 1, 128×128 (paper)", v3("small"), 128),
        ("V3-Large × 0.75, 224×224 (paper)", paper_v3("large", 0.75), 224),
    ):
        assert points[name]["macs"] == pytest.approx(macs(network, 3, size, size) / 1e6, abs=1e-3)
        assert points[name]["params"] == pytest.approx(params(network) / 1e6, abs=1e-4)
    v1_name = "V1 × 1, 224×224 (paper; time from V2's paper)"
    assert points[v1_name]["pixel1"] == papers.V2_TABLE4["MobileNetV1"].ms
    assert points["V4-Conv-S, 224×224 (V4's paper)"]["top1"] == papers.V4_TABLE6["MNv4-Conv-S"].top1


@pytest.mark.parametrize(("axis", "key"), enumerate(("macs", "params", "pixel1", "pixel6")))
def test_points_by_keyboard(explorer, axis, key):
    page, element = explorer("points")
    choose(page, element, "axis", axis)
    points = explorers.data("points")["points"]
    shown = sorted((each for each in points if each[key] is not None), key=lambda each: each[key])
    element.locator("input[name=point]").focus()
    page.keyboard.press("End")
    assert element.locator("[data-for=point]").inner_text() == f"{len(shown)} of {len(shown)}"
    page.wait_for_timeout(250)
    said = element.locator(".explorer-say").inner_text()
    best = [each for each in shown if each[key] == shown[-1][key]]
    assert said.startswith(tuple(f"{each['name']}: {each['top1']:.1f} % top-1" for each in best))
    assert element.locator("svg [class^=net-] > *, svg .now").count() >= len(shown) + 1


def test_another_axis_keeps_the_network(explorer):
    page, element = explorer("points")
    choose(page, element, "point", 50)
    page.wait_for_timeout(250)
    before = element.locator(".explorer-say b").inner_text()
    choose(page, element, "axis", 1)
    page.wait_for_timeout(250)
    assert element.locator(".explorer-say b").inner_text() == before
    element.get_by_role("button", name="next network").focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(250)
    assert element.locator(".explorer-say b").inner_text() != before


def test_pointing_reads_the_nearest_point(explorer):
    page, element = explorer("points")
    ring = element.locator("svg circle.now")
    picture, box = element.locator("svg[role=img]"), None
    while box != (box := picture.bounding_box()):  # the page above is laid out on the way there
        picture.evaluate("each => each.scrollIntoView({block: 'center'})")
        page.wait_for_timeout(200)
    page.mouse.click(box["x"] + box["width"] - 10, box["y"] + 12)
    page.wait_for_timeout(250)
    assert element.locator(".explorer-say").inner_text().startswith("V4-Hybrid-L")
    assert float(ring.get_attribute("cx")) > 300


# ---------------------------------------------------------------- which network wins, where

ON_THE_ROOF = {  # the explorer's name: a network of the book, side of the picture, row of Table 6
    "V2 × 0.5": (lambda: v2(width_mult=0.5), 224, "MobileNet-V2-0.5x"),
    "V3-Large × 0.5": (lambda: paper_v3("large", 0.5), 224, "MobileNet-V3L-0.5x"),
    "V2": (v2, 224, "MobileNet-V2"),
    "V4-Conv-S": (lambda: v4("conv_small"), 224, "MNv4-Conv-S"),
    "V1": (v1, 224, "MobileNet-V1"),
    "V3-Large": (lambda: v3("large"), 224, None),
    "V2 × 1.5": (lambda: v2(width_mult=1.5), 224, "MobileNet-V2-1.5x"),
    "V2 × 2": (lambda: v2(width_mult=2.0), 224, "MobileNet-V2-2.0x"),
    "V4-Conv-M": (lambda: v4("conv_medium"), 256, "MNv4-Conv-M"),
    "V4-Conv-L": (lambda: v4("conv_large"), 384, "MNv4-Conv-L"),
    "ResNet-50": (lambda: on_meta(resnet50), 224, None),
}
FITTED = {  # the explorer's key: row of Table 16
    "pixel6": "Pixel 6 CPU",
    "galaxy": "Galaxy S23 CPU",
    "hexagon": "Pixel 4 DSP",
    "edgetpu": "Pixel 8 EdgeTPU",
}
WITHOUT_RIDGE = ("pixel7_gpu", "galaxy_gpu", "iphone")


def moved(network, size: int) -> list[tuple[int, int]]:
    """(MACs, bytes in 8 bits) of each layer that has weights, in order."""
    rows = []

    def record(layer, inputs, output):
        per_output = layer.weight.numel() // layer.weight.shape[0]
        numbers = inputs[0].numel() + layer.weight.numel() + output.numel()
        rows.append((output.numel() * per_output, numbers))

    layers = [e for e in network.modules() if isinstance(e, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(record) for layer in layers]
    network.eval()(torch.empty(1, 3, size, size, device="meta"))
    for hook in hooks:
        hook.remove()
    return rows


@pytest.mark.parametrize("name", ON_THE_ROOF)
def test_the_ridge_explorer_has_the_networks_layers(name):
    build, size, row = ON_THE_ROOF[name]
    (found,) = (each for each in explorers.data("ridge")["networks"] if each["name"] == name)
    network = build()
    expected = moved(network, size)
    counted = [(m, b) for count, m, b in found["layers"] for _ in range(count)]
    assert sorted(counted) == sorted(expected)
    assert sum(m for m, _ in counted) == macs(network, 3, size, size)
    assert found["size"] == size
    printed = papers.V4_TABLE6.get(row)
    keys = (*FITTED, *WITHOUT_RIDGE)
    assert found["ms"] == ({key: getattr(printed, key) for key in keys} if row else {})
    others = {"V3-Large": papers.V4_V3_TOP1, "ResNet-50": None}
    assert found["top1"] == (printed.top1 if row else others[name])


def test_the_ridge_explorer_has_the_papers_machines():
    data = explorers.data("ridge")
    assert {each["key"]: each["ridge"] for each in data["machines"]} == {
        **{key: papers.V4_RIDGE[row] for key, row in FITTED.items()},
        **dict.fromkeys(WITHOUT_RIDGE),
    }
    assert data["ridges"] == sorted(data["ridges"])
    assert (data["ridges"][0], data["ridges"][-1]) == papers.V4_RIDGES
    assert set(papers.V4_RIDGE.values()) < set(data["ridges"])
    accuracies = [each["top1"] for each in data["networks"] if each["top1"]]
    assert accuracies == sorted(accuracies), "in the order of their accuracy"


def roofline(ridge: float) -> dict[str, tuple[float, float]]:
    """By network: times V4-Conv-S's time, and the part of it that waits for bytes."""
    times = {}
    for each in explorers.data("ridge")["networks"]:
        rows = [(m, ridge * b) for count, m, b in each["layers"] for _ in range(count)]
        whole = sum(max(row) for row in rows)
        times[each["name"]] = whole, sum(b for m, b in rows if b > m) / whole
    one = times["V4-Conv-S"][0]
    return {name: (whole / one, part) for name, (whole, part) in times.items()}


def beaten(times: dict[str, tuple[float, float]]) -> dict[str, str | None]:
    """The fastest network that is faster than another and at least as accurate, if there is one."""
    top1 = {each["name"]: each["top1"] for each in explorers.data("ridge")["networks"]}
    rated = sorted((name for name in top1 if top1[name]), key=lambda name: times[name][0])
    return {
        name: next((a for a in rated[: rated.index(name)] if top1[a] >= top1[name]), None)
        for name in top1
        if top1[name]
    }


def unbeaten(times: dict[str, tuple[float, float]]) -> list[str]:
    return [name for name, by in beaten(times).items() if by is None]


def differ(times: dict[str, tuple[float, float]], key: str) -> float:
    """By which factor the model and Table 6 differ, as a geometric mean."""
    ms = {each["name"]: each["ms"].get(key) for each in explorers.data("ridge")["networks"]}
    logs = [
        abs(math.log(times[name][0] / (ms[name] / ms["V4-Conv-S"])))
        for name in ms
        if ms[name] and name != "V4-Conv-S"
    ]
    assert len(logs) == 8
    return math.exp(sum(logs) / len(logs))


def test_the_ridge_explorer_computes_the_papers_model():
    """At every ridge point: times (also as the notebook does), fronts, and how far it is off."""
    data = explorers.data("ridge")
    found = in_node(
        "data.ridges.map((r) => { const t = ridge.times(data, r); return {t,"
        " front: ridge.front(data, t).map((each) => each.name),"
        " off: data.machines.map(({key}) => ridge.off(data, t, key))}; })",
        data,
        "ridge",
    )
    notebook = definitions("v4")
    both = [notebook.layer_costs(network, 3, 224, 224) for network in (v1(), v4("conv_small"))]
    for point, each in zip(data["ridges"], found, strict=True):
        expected = roofline(point)
        assert each["t"].keys() == expected.keys()
        for name, (times, waiting) in expected.items():
            assert each["t"][name]["times"] == pytest.approx(times)
            assert each["t"][name]["waiting"] == pytest.approx(waiting)
        assert each["front"] == unbeaten(expected)
        one, other = (notebook.roofline_time(costs, point) for costs in both)
        assert each["t"]["V1"]["times"] == pytest.approx(one / other)
        keys = [machine["key"] for machine in data["machines"]]
        assert each["off"] == pytest.approx([differ(expected, key) for key in keys])


@pytest.mark.parametrize(
    ("theme", "machine", "place"),
    [("light", 0, None), ("dark", 2, None), ("light", 5, 0), ("dark", 3, 9)],
)
def test_the_ridge_explorer_by_keyboard(explorer, theme, machine, place):
    """A machine brings its ridge point, if there is one; another can be chosen."""
    page, element = explorer("ridge", theme)
    data = explorers.data("ridge")
    choose(page, element, "machine", machine)  # past those before it
    which = data["machines"][machine]
    point = [each["ridge"] for each in data["machines"][: machine + 1] if each["ridge"]][-1]
    slider = element.locator("input[name=ridge]")
    assert data["ridges"][int(slider.input_value())] == point, "the machine's, or what it was"
    if place is not None:
        choose(page, element, "ridge", place)
        point = data["ridges"][place]
    assert element.locator("[data-for=ridge]").inner_text().startswith(f"{point:g}")
    assert element.locator("[data-is=fitted]").inner_text() == f"{which['ridge'] or 'none'}"
    times = roofline(point)
    factor = f"{differ(times, which['key']):.2f}"
    assert element.locator("[data-is=off]").inner_text() == factor
    rows = element.locator(".explorer-times tbody tr").evaluate_all(
        "all => all.map(each => [...each.children].filter(one => !one.ariaHidden)"
        ".map(one => one.innerText.trim()).concat(each.querySelectorAll('b').length))"
    )
    one = next(e["ms"] for e in data["networks"] if e["name"] == "V4-Conv-S")[which["key"]]
    for row, each in zip(rows, data["networks"], strict=True):
        name, ms = each["name"], each["ms"].get(which["key"])
        model, waiting = times[name]
        assert row[0] == name and row[4] == (name in unbeaten(times))
        assert float(row[1]) == pytest.approx(model, abs=0.0501)
        assert row[2] == "–" if ms is None else float(row[2]) == pytest.approx(ms / one, abs=0.0501)
        assert whole(row[3].removesuffix(" %")) == pytest.approx(100 * waiting, abs=0.501)
    page.wait_for_timeout(250)
    said = element.locator(".explorer-say").inner_text()
    assert said.startswith(f"At {point:g} MACs per byte the front is {', '.join(unbeaten(times))}.")
    lost = ", ".join(f"{name} by {by}" for name, by in beaten(times).items() if by)
    assert f"Beaten are {lost}. " in said
    assert said.endswith(f"({which['name']}) differ by a factor of {factor}.")
    if place is not None:  # once in each theme: it takes seconds
        for details in element.locator("summary").all():
            details.evaluate("each => (each.parentElement.open = true)")
        assert violations(page, ".explorer") == []


def test_the_ridge_explorers_tables_say_the_same(explorer):
    """The fronts at all ridge points, and what was measured: complete without a script."""
    _, element = explorer("ridge")
    data = explorers.data("ridge")
    fronts, printed = (element.locator("details table").nth(i) for i in range(2))
    rows = fronts.locator("tbody tr").all()
    front = [unbeaten(roofline(point)) for point in data["ridges"]]
    for row in rows:
        name = row.locator("th").text_content()
        on = ["●" if name in each else "–" for each in front]
        assert row.locator("td").all_text_contents() == on
    assert len(rows) == sum(each["top1"] is not None for each in data["networks"])
    for row, each in zip(printed.locator("tbody tr").all(), data["networks"], strict=True):
        values = [each["size"], each["top1"], *map(each["ms"].get, (*FITTED, *WITHOUT_RIDGE))]
        texts = [row.locator("th").text_content(), *row.locator("td").all_text_contents()]
        assert texts[0] == each["name"]
        shown = [None if text == "–" else float(text) for text in texts[1:]]
        assert shown == values


# ---------------------------------------------------------------- one block, many names

CHOICES = {
    "place": ("56", "28", "14"),
    "front": ("0", "3", "5", "7"),
    "middle": ("0", "3", "5"),
    "wide": ("1", "2", "4", "6"),
    "times": ("no", "se", "two"),
}
ENDS = {"56": 32, "28": 64, "14": 128}
STATES = [dict(zip(CHOICES, each, strict=True)) for each in itertools.product(*CHOICES.values())]


class Chosen(nn.Module):
    """The block that was chosen, as a module: its layers, its products and its sum."""

    def __init__(self, place, front, middle, wide, times):
        super().__init__()
        ends, front, middle, wide = ENDS[place], int(front), int(middle), int(wide)
        many, self.times = wide * ends, times

        def depthwise(kernel, channels):
            if not kernel:
                return nn.Identity()
            return nn.Conv2d(
                channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False
            )

        def pointwise(before, after):
            return nn.Conv2d(before, after, 1, bias=False)

        self.front = depthwise(front, ends)
        widens = wide > 1 or times == "two"
        self.expand = pointwise(ends, many) if widens else nn.Identity()
        self.other = pointwise(ends, many) if times == "two" else None
        self.middle = depthwise(middle, many)
        if times == "se":
            self.squeeze, self.excite = pointwise(many, many // 4), pointwise(many // 4, many)
        self.project = pointwise(many, ends)

    def forward(self, x):
        y = self.front(x)
        y = self.expand(y) * self.other(y) if self.times == "two" else self.expand(y)
        y = self.middle(y)
        if self.times == "se":
            y = y * self.excite(self.squeeze(y.mean((2, 3), keepdim=True)))
        return x + self.project(y)


class Moving(TorchDispatchMode):
    """Adds up the numbers that operations read and write."""

    numbers = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        output = operation(*args, **(kwargs or {}))
        tensors = [each for each in (*args, output) if isinstance(each, torch.Tensor)]
        self.numbers += sum(each.numel() for each in tensors)
        return output


# All at one place, and of the other two every fifth: each choice with each other one, there too.
SOME = [each for i, each in enumerate(STATES) if each["place"] == "28" or i % 5 == 0]


@pytest.mark.parametrize(
    "states", [SOME, pytest.param(STATES, marks=pytest.mark.weekly)], ids=["some", "all"]
)
def test_the_block_explorer_costs_what_modules_do(states):
    """Each of its states, built as a module: MACs, weights, bytes, and MACs by kind."""
    found = in_node(f"{json.dumps(states)}.map((s) => block.costs(s))", {}, "block")
    for state, costs in zip(states, found, strict=True):
        with torch.device("meta"):
            network = Chosen(**state).eval()
        shape = ENDS[state["place"]], int(state["place"]), int(state["place"])
        x = torch.empty(1, *shape, device="meta")
        with Moving() as moving, torch.no_grad():
            network(x)
        assert costs["macs"] == macs(network, *shape), state
        assert costs["weights"] == params(network), state
        assert costs["bytes"] == moving.numbers, state
        by_kind = {}
        squeezes = [getattr(network, name, None) for name in ("squeeze", "excite")]
        for layer, count, _ in macs_by_layer(network, *shape):
            kind = "squeeze" if layer in squeezes else kind_of(layer)
            by_kind[kind] = by_kind.get(kind, 0) + count
        assert {kind: e["macs"] for kind, e in costs["kinds"].items() if e["macs"]} == by_kind


def own_blocks() -> dict[str, set[tuple]]:
    """Of the book's own networks: (front, middle, expansion, times)."""
    found = {"V1": {(0, 3, 1, "no")}, "V2": {(0, 3, 1, "no"), (0, 3, 6, "no")}}
    tables = {"V3-Large": definitions("v3").V3_LARGE, "V3-Small": definitions("v3").V3_SMALL}
    for name, rows in tables.items():
        before = [16, *(row.out for row in rows)]
        found[name] = {
            (0, row.kernel, row.exp / channels, "se" if row.se else "no")
            for row, channels in zip(rows, before, strict=False)
        }

    def convolution(part) -> nn.Conv2d | None:
        return next((each for each in part.modules() if isinstance(each, nn.Conv2d)), None)

    for name, variant in (("V4-Conv-S", "conv_small"), ("V4-Hybrid-L", "hybrid_large")):
        for block in v4(variant).modules():
            if isinstance(block, definitions("v4").UniversalInvertedBottleneck):
                parts = block.depthwise1, block.expand, block.depthwise2
                first, expand, second = map(convolution, parts)
                kernels = [each.kernel_size[0] if each else 0 for each in (first, second)]
                wide = expand.out_channels / expand.in_channels
                found.setdefault(name, set()).add((*kernels, wide, "no"))
    return found


def test_the_block_explorer_knows_who_has_a_block():
    """Read from timm's networks; ours have the same, and nothing else."""
    data = explorers.data("block")
    lists = [*data["known"].items(), *data["bare"].items()]
    for name, blocks in own_blocks().items():
        on_offer = {block for block in blocks if block[2] in (1, 2, 4, 6)}
        listed = {place for place, names in lists if name in names}
        assert listed == {f"{a},{b},{wide:g},{times}" for a, b, wide, times in on_offer}, name
    everyone = {name for _, names in lists for name in names}
    assert len(everyone) == data["looked"]
    without = {name for _, names in data["bare"].items() for name in names}
    assert without - {name for names in data["known"].values() for name in names} == {
        *("V1", "PP-LCNet")  # as the note below the explorer says
    }


NAMED = {  # front, middle, expansion, what is multiplied: the name, and a network that has it
    ("0", "3", "6", "no"): ("Inverted bottleneck", "V2"),
    ("0", "5", "6", "se"): ("Inverted bottleneck with squeeze-and-excite", "V3-Large"),
    ("7", "0", "4", "no"): ("ConvNeXt's block", "ConvNeXt-T"),
    ("5", "0", "2", "no"): ("ConvNeXt-like block", "V4-Conv-M"),
    ("7", "0", "6", "no"): ("ConvNeXt-like block", "In none"),
    ("0", "0", "4", "no"): ("Feed-forward block (FFN)", "V4-Hybrid-M"),
    ("5", "5", "4", "no"): ("Extra depthwise (ExtraDW)", "V4-Conv-S"),
    ("0", "3", "1", "no"): ("Depthwise separable convolution", "Without a shortcut in V1"),
    ("3", "0", "1", "no"): ("Depthwise separable convolution", "Without a shortcut in V1"),
    ("5", "0", "1", "se"): ("Depthwise separable convolution with squeeze-and-excite", "PP-LCNet"),
    ("7", "0", "4", "two"): ("StarNet-like block", "StarNet's has one more 7×7"),
    ("0", "0", "4", "two"): ("Gated feed-forward block (GLU)", "GluMlp"),
    ("0", "0", "1", "no"): ("Pointwise convolution", "sees no neighbours"),
    ("7", "5", "1", "no"): (None, "In none"),
    ("3", "0", "4", "se"): (None, "RepViT has squeeze-and-excite in front"),
    ("3", "3", "4", "se"): (None, "In none"),
    ("0", "3", "4", "two"): (None, ""),
}


def test_the_block_explorer_names_blocks():
    states = [dict(zip([*CHOICES][1:], key, strict=True), place="28") for key in NAMED]
    found = in_node(
        f"{json.dumps(states)}.map((s) => [block.title(s), block.owners(data, s)])",
        explorers.data("block"),
        "block",
    )
    for key, (title, owners) in zip(NAMED, found, strict=True):
        assert title == NAMED[key][0], key
        assert NAMED[key][1] in owners, key
    everything = in_node(
        f"{json.dumps(STATES)}.map((s) => [block.title(s), block.owners(data, s)])",
        explorers.data("block"),
        "block",
    )
    for state, (title, owners) in zip(STATES, everything, strict=True):
        assert title or not owners.startswith(("So in", "Without")), f"owned, without name: {state}"


def test_what_the_block_explorer_says_of_others_is_in_timm():
    """StarNet's second depthwise layer; squeeze-and-excite, how narrow and where; GluMlp."""
    with torch.device("meta"):
        star = next(
            each for each in timm.create_model("starnet_s1").modules() if hasattr(each, "dwconv2")
        )
        lite, mnas, large = map(
            timm.create_model, ("efficientnet_b0", "semnasnet_100", "mobilenetv3_large_100")
        )
    assert star.dwconv.conv.kernel_size == star.dwconv2.conv.kernel_size == (7, 7)
    assert star.f1.conv.out_channels == star.f2.conv.out_channels == 4 * star.f1.conv.in_channels
    for network, of_middle in ((lite, False), (mnas, False), (large, True)):
        *_, block = (
            each
            for each in network.modules()
            if hasattr(each, "conv_pwl") and hasattr(each.se, "conv_reduce")
        )
        whole = block.se.conv_reduce.in_channels if of_middle else block.conv_pw.in_channels
        assert block.se.conv_reduce.out_channels == whole / 4
    front = timm.create_model("repvit_m0_9").stages[0].blocks[0]
    assert [name for name, _ in front.named_children()] == ["token_mixer", "se", "channel_mixer"]
    assert front.se.fc1.in_channels == front.channel_mixer.conv1.c.in_channels
    assert timm.layers.GluMlp(8, 16)(torch.zeros(1, 3, 8)).shape == (1, 3, 8)


@pytest.mark.parametrize(
    ("theme", "state"),
    [
        ("light", {"place": "28", "front": "7", "middle": "0", "wide": "4", "times": "no"}),
        ("dark", {"place": "56", "front": "5", "middle": "5", "wide": "4", "times": "no"}),
        ("light", {"place": "14", "front": "0", "middle": "5", "wide": "6", "times": "se"}),
        ("dark", {"place": "28", "front": "3", "middle": "0", "wide": "2", "times": "two"}),
    ],
)
def test_the_block_explorer_by_keyboard(explorer, theme, state):
    page, element = explorer("block", theme)
    assert element.locator("[data-is=name]").inner_text() == "Inverted bottleneck."
    for name, value in state.items():
        choose(page, element, name, CHOICES[name].index(value))
    network = on_meta(Chosen, **state)
    shape = ENDS[state["place"]], int(state["place"]), int(state["place"])
    expected = macs(network, *shape)
    assert whole(element.locator("[data-is=macs]").inner_text()) == expected
    assert whole(element.locator("[data-is=weights]").inner_text()) == params(network)
    x = torch.empty(1, *shape, device="meta")
    with Moving() as moving, torch.no_grad():
        network(x)
    intensity = f"{expected / moving.numbers:.1f}"
    assert element.locator("[data-is=intensity]").inner_text() == intensity
    title = in_node(f"block.title({json.dumps(state)})", {}, "block")
    assert element.locator("[data-is=name]").inner_text() == f"{title}."
    layers = [each for each in network.modules() if isinstance(each, nn.Conv2d)]
    shapes = element.locator("svg[role=img] path[class^=is-]").count()
    assert shapes == len(layers) - (state["times"] == "se"), "squeeze and excite are one"
    assert element.locator("svg[role=img] circle.sign").count() == 1 + (state["times"] == "two")
    page.wait_for_timeout(250)
    said = element.locator(".explorer-say").inner_text()
    assert said.startswith(f"{title}: {expected:,} MACs, {params(network):,} weights, {intensity} ")
    assert violations(page, ".explorer") == []


# ---------------------------------------------------------------- looks


def test_colours_are_those_of_the_figures():
    css = (explorers.FOLDER / "explorers.css").read_text()
    light, dark = re.findall(r"\{\n((?:  --[^\n]+\n)+)", css)[:2]
    for theme, rules in enumerate((light, dark)):
        colours = dict(re.findall(r"--([\w-]+): (#\w+);", rules))
        for role, colour in colours.items():
            name = {"fc": "muted", "line": "grid"}.get(role, role)
            assert colour == style.COLOURS[name][theme], f"{role} in theme {theme}"
        assert colours.keys() >= {role for role in style.COLOURS if role.startswith("net-")}


def luminance(colour: str) -> float:
    """As WCAG computes it: 0 for black, 1 for white."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", [0, 1])
def test_networks_stand_further_from_the_ground_with_each_version(theme):
    pairs = [style.COLOURS[f"net-v{version}"] for version in (1, 2, 3, 4)]
    ground, *ramp = [luminance(pair[theme]) + 0.05 for pair in (style.COLOURS["paper"], *pairs)]
    contrasts = [max(ground, each) / min(ground, each) for each in ramp]
    assert contrasts == sorted(contrasts) and contrasts[0] >= 3


def test_the_worked_example_is_the_chapters():
    data = {key: torch.tensor(each) for key, each in explorers.data("steps").items()}
    pair = definitions("separable").bare_pair(3, 5)
    assert data["depthwise"].numel() + data["pointwise"].numel() == params(pair)
    assert data["input"].shape == (3, 6, 6) and data["full"].shape == (5, 3, 3, 3)
