"""The explorers: driven by the keyboard, and their numbers are the networks'."""

import json
import math
import re
import subprocess

import pytest
import torch
from torch.nn.functional import conv2d

import explorers
from explorers.networks import WIDTHS
from extension.settings import node_binary
from figures import style
from tests.book import definitions
from tests.browsers import violations
from tools import papers
from tools.counting import kind_of, macs, macs_by_layer, params, v1, v2, v3
from tools.variants import paper_v3

BUILDERS = {
    "MobileNetV1": v1,
    "MobileNetV2": v2,
    "MobileNetV3-Large": lambda **options: v3("large", **options),
    "MobileNetV3-Small": lambda **options: v3("small", **options),
}
PAGE = {
    "cost": "chapters/v3/index.html",
    "points": "chapters/v3/index.html",
    "relu": "chapters/v2/index.html",
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


@pytest.mark.parametrize("name", WIDTHS)
def test_costs_are_the_networks_own(name):
    """At every width and size, by every stage and type, against PyTorch's counter."""
    (data,) = (each for each in explorers.data("cost")["networks"] if each["name"] == name)
    assert tuple(each["width"] for each in data["widths"]) == WIDTHS[name]
    for width in data["widths"]:
        network = BUILDERS[name](width_mult=width["width"])
        assert width["params"] == params(network)
        kinds = [kinds for stage in width["stages"] for kinds in stage["kinds"].items()]
        assert sum(weights for _, (_, _, weights) in kinds) == sum(
            layer.weight.numel() for layer, _, _ in macs_by_layer(network, 3, 224, 224)
        )
        for size in range(96, 257, 32):
            counted = sum(maps * (size // 32) ** 2 / 49 + rest for _, (maps, rest, _) in kinds)
            assert counted == macs(network, 3, size, size)
        totals = {}
        for layer, count, _ in macs_by_layer(network, 3, 224, 224):
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
    for slider in element.locator("input[type=range]").all():
        label = element.locator(f"label[for={slider.get_attribute('id')}]").text_content()
        assert element.get_by_role("slider", name=label, exact=True).count() == 1
    assert element.get_by_role("radio").count() == element.locator("input[type=radio]").count()
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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_state_of_an_explorer_is_accessible(explorer, theme):
    page, element = explorer("cost", theme)
    choose(page, element, "network", 3)
    choose(page, page.locator("#play-points"), "axis", 2)
    page.locator("#play-points summary").evaluate("each => (each.parentElement.open = true)")
    page.wait_for_timeout(300)
    assert violations(page, ".explorer") == []


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


def in_node(expression: str, data: dict):
    """What an expression of `relu`, the explorer's functions, and `data` gives."""
    files = "".join(f"require({str(path)!r});" for path in explorers.script_files("relu"))
    script = f"{files} const relu = explorers.relu, data = {json.dumps(data)};"
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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_relu_explorer_by_keyboard(explorer, theme):
    page, element = explorer("relu", theme)
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
    assert violations(page, ".explorer") == []


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
