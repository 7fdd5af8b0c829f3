"""What the site's explorers show: counted from the networks while the book is built.

`data(name)` gives the data of the explorer in `explorers/<name>.js`. Counting takes a while;
what was counted is kept in `_build/explorers` for as long as the networks and the tables stay the
same.
"""

import hashlib
import json
import random
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from tools.notebooks import ROOT

CACHE = ROOT / "_build" / "explorers"
# Where networks and printed numbers come from: a change here counts everything anew.
SOURCES = [*ROOT.glob("chapters/v[123]/*.ipynb"), *ROOT.glob("tools/*.py")]

WIDTHS = {
    "MobileNetV1": (0.25, 0.5, 0.75, 1.0),
    "MobileNetV2": (0.35, 0.5, 0.75, 1.0, 1.3, 1.4),
    "MobileNetV3-Large": (0.35, 0.5, 0.75, 1.0, 1.25),
    "MobileNetV3-Small": (0.35, 0.5, 0.75, 1.0, 1.25),
}


def build(name: str, width: float):
    """One of the book's networks, as its notebook defines it, without numbers."""
    import torch

    from tools.notebooks import definitions

    family, _, variant = name.removeprefix("MobileNet").lower().partition("-")
    network = getattr(definitions(family), f"MobileNet{family.upper()}")
    with torch.device("meta"):
        if variant:
            return network(variant, width_mult=width).eval()
        return network(width_mult=width).eval()


def counting():
    """How the chapters count: `layer_costs`, `count_params`. V3's knows all types of layers."""
    from tools.notebooks import definitions

    return definitions("v3")


def is_on_map(shape: tuple[int, ...]) -> bool:
    """Whether an output's size grows with the picture; behind a pooling it is one place."""
    return len(shape) == 3 and shape[-1] > 1


def named_costs(network, size: int) -> list[tuple]:
    """(name, cost) of each convolution and linear layer: they run in the order of their names."""
    from torch import nn

    layers = [
        (name, layer)
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    costs = counting().layer_costs(network, size)
    for (name, layer), cost in zip(layers, costs, strict=True):
        if layer.weight.shape != cost.layer.weight.shape:
            raise ValueError(f"{name} is not run where it is defined")
    return [(name, cost) for (name, _), cost in zip(layers, costs, strict=True)]


def stages(network) -> list[dict]:
    """A network's cost by stage and by type of layer, at 224×224.

    The blocks that put out maps of one size are a stage. A map's MACs grow with the picture, those
    behind the pooling (side 1) do not: they are kept apart, so that other sizes can be computed.
    """
    rows = [(*f"{name}..".split(".")[:2], cost) for name, cost in named_costs(network, 224)]
    # The last layer on a map tells the size that a block puts out.
    side_of = {
        number: cost.output_shape[-1]
        for part, number, cost in rows
        if part == "blocks" and is_on_map(cost.output_shape)
    }
    titles = {"stem": "first layer", "last": "last layer", "classifier": "classifier"}
    found = {}
    for part, number, cost in rows:
        shape = cost.output_shape
        if part == "blocks":
            stage = ("blocks", side_of[number])
        else:
            stage = (titles[part], shape[-1] if len(shape) == 3 else 0)
        counts = found.setdefault(stage, {}).setdefault(cost.kind, [0, 0, 0])
        counts[0 if is_on_map(shape) else 1] += cost.macs
        counts[2] += cost.layer.weight.numel()
    return [{"name": name, "side": side, "kinds": kinds} for (name, side), kinds in found.items()]


def published(name: str) -> list[dict]:
    """Accuracies of a network as printed: {width, size, top1, where}."""
    from tools import papers

    rows = []

    def add(width: float, size: int, top1: float, where: str) -> None:
        rows.append({"width": width, "size": size, "top1": top1, "where": where})

    if name == "MobileNetV1":
        for width, (top1, *_) in papers.V1_TABLE6.items():
            add(width, 224, top1, "paper, Table 6")
        for size, (top1, *_) in papers.V1_TABLE7.items():
            if size != 224:
                add(1.0, size, top1, "paper, Table 7")
        add(0.5, 160, papers.V1_TABLE9["0.50 MobileNet-160"].top1, "paper, Table 9")
        for width, row in papers.SLIM_V1_TOP1.items():
            for size, top1 in zip(papers.V1_SIZES, row, strict=True):
                add(width, size, top1, "README of the released code")
    elif name == "MobileNetV2":
        add(1.0, 224, papers.V2_TABLE4["MobileNetV2"].top1, "paper, Table 4")
        add(1.4, 224, papers.V2_TABLE4["MobileNetV2 (1.4)"].top1, "paper, Table 4")
        for (width, size), (_, _, top1, _) in papers.SLIM_V2.items():
            add(width, size, top1, "README of the released code")
    else:
        variant = name.rpartition("-")[2].lower()
        for (which, size, width), (top1, *_) in papers.V3_TABLE9.items():
            if which == variant:
                add(width, size, top1, "paper, Table 9")
    return rows


def cost() -> dict:
    """Parameters, and MACs by stage and type, of each network at each width."""
    from tools.variants import paper_v3

    networks = []
    for name, widths in WIDTHS.items():
        variants = []
        for width in widths:
            network = build(name, width)
            params = counting().count_params(network)
            paper = None
            if "V3" in name and width != 1.0:  # the paper scales otherwise than our class
                other = paper_v3(name.rpartition("-")[2].lower(), width)
                paper = {"params": counting().count_params(other), "macs": [0, 0]}
                for cost in counting().layer_costs(other, 224):
                    paper["macs"][not is_on_map(cost.output_shape)] += cost.macs
            variants.append(
                {"width": width, "params": params, "paper": paper, "stages": stages(network)}
            )
        networks.append({"name": name, "widths": variants, "published": published(name)})
    return {"networks": networks}


def steps() -> dict:
    """Small whole numbers for the worked example: an input of 6×6×3 and its layers' weights."""
    pick = random.Random(3)

    def block(*shape: int, numbers: tuple[int, ...]):
        if not shape:
            return pick.choice(numbers)
        return [block(*shape[1:], numbers=numbers) for _ in range(shape[0])]

    weights = (-1, 0, 1, 2)
    return {
        "input": block(3, 6, 6, numbers=tuple(range(10))),
        "full": block(5, 3, 3, 3, numbers=weights),
        "depthwise": block(3, 3, 3, numbers=weights),
        "pointwise": block(5, 3, numbers=weights),
    }


SERIES = ("V1", "V2", "V3-Small", "V3-Large", "V4", "V1–V3, trained anew for V4's paper")
TIMM_V4 = {  # and the size of the pictures
    "V4-Conv-S": ("mobilenetv4_conv_small", 224),
    "V4-Conv-M": ("mobilenetv4_conv_medium", 256),
    "V4-Conv-L": ("mobilenetv4_conv_large", 384),
    "V4-Hybrid-M": ("mobilenetv4_hybrid_medium", 256),
    "V4-Hybrid-L": ("mobilenetv4_hybrid_large", 384),
}


def count(network, size: int) -> tuple[float, float]:
    """(million MACs, million parameters) of any network."""
    from tools.counting import million_macs, params

    return round(million_macs(network, size), 3), round(params(network) / 1e6, 4)


def points() -> dict:
    """Every published point: accuracy and milliseconds as printed, MACs and parameters counted.

    V3's networks have the paper's widths, not torchvision's. V4's are timm's.
    """
    import timm
    import torch

    from tools import papers
    from tools.variants import minimalistic_v3, paper_v3

    counted = {}

    def add(series: str, key: tuple, make: Callable, size: int, title: str, **printed) -> None:
        if key not in counted:
            counted[key] = count(make(), size)
        macs, params = counted[key]
        row = {"series": series, "name": title, "macs": macs, "params": params}
        rows.append(row | {"pixel1": None, "pixel6": None} | printed)

    rows: list[dict] = []
    for family in ("V1", "V2"):
        name = f"MobileNet{family}"
        for each in published(name):
            width, size, where = each["width"], each["size"], each["where"]
            ms = None
            if where.startswith("README"):
                source = "README"
                ms = papers.SLIM_V2[width, size].ms if family == "V2" else None
            else:
                source = "paper"
                if (width, size) == (1.0, 224):
                    ms = papers.V2_TABLE4[name].ms
                    source = "paper; time from V2's paper" if family == "V1" else "paper"
                elif family == "V2":
                    ms = papers.V2_TABLE4["MobileNetV2 (1.4)"].ms
            title = f"{family} × {width:g}, {size}×{size} ({source})"
            key = (family, width, size)
            make = lambda name=name, width=width: build(name, width)  # noqa: E731
            add(family, key, make, size, title, top1=each["top1"], pixel1=ms)
    for width, label in ((1.0, "V2 1.0"), (0.35, "V2 0.35")):
        top1, _, _, ms, *_ = papers.V3_TABLE3[label]
        title = f"V2 × {width:g}, 224×224 (V3's paper)"
        add("V2", ("V2", width, 224), lambda: None, 224, title, top1=top1, pixel1=ms)
    for (variant, size, width), (top1, _, _, ms) in papers.V3_TABLE9.items():
        series = f"V3-{variant.title()}"
        title = f"{series} × {width:g}, {size}×{size} (paper)"
        make = lambda variant=variant, width=width: paper_v3(variant, width)  # noqa: E731
        add(series, (series, width, size), make, size, title, top1=top1, pixel1=ms)
    for label, (_, _, top1, ms) in papers.SLIM_V3.items():
        if "minimalistic" in label:
            series = f"V3-{label.split()[0]}"
            make = lambda label=label: minimalistic_v3(label.split()[0].lower())  # noqa: E731
            title = f"{series}, minimalistic, 224×224 (README)"
            add(series, (label,), make, 224, title, top1=top1, pixel1=ms)
    for name, (top1, ms) in papers.V4_POINTS.items():
        if name in TIMM_V4:
            model, size = TIMM_V4[name]
            with torch.device("meta"):
                network = timm.create_model(model)
            title = f"{name}, {size}×{size} (V4's paper)"
            add("V4", (name,), lambda network=network: network, size, title, top1=top1, pixel6=ms)
        else:
            family, _, width = name.partition(" × ")
            title = f"{name}, 224×224 (V4's paper)"
            if family == "V3-Large":
                make = lambda width=width: paper_v3("large", float(width))  # noqa: E731
            else:
                make = lambda f=family, w=width: build(f"MobileNet{f}", float(w))  # noqa: E731
            add(SERIES[-1], (family, float(width), 224), make, 224, title, top1=top1, pixel6=ms)
    return {"series": list(SERIES), "points": rows}


EXPLORERS: dict[str, Callable[[], dict]] = {"cost": cost, "steps": steps, "points": points}


def data(name: str) -> dict:
    """The data of an explorer. KeyError if there is none of this name."""
    make = EXPLORERS[name]
    known = [path.read_bytes() for path in sorted(SOURCES)]
    known += [version(package).encode() for package in ("torch", "timm")]
    kept = CACHE / f"{name}-{hashlib.sha256(b''.join(known)).hexdigest()[:16]}.json"
    if not kept.exists():
        counted = json.dumps(make(), ensure_ascii=False, separators=(",", ":"))
        CACHE.mkdir(parents=True, exist_ok=True)
        for old in CACHE.glob(f"{name}-*"):
            old.unlink(missing_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=CACHE, prefix=f"{name}-", delete=False, encoding="utf-8"
        ) as new:
            new.write(counted)
        Path(new.name).replace(kept)  # whole or not at all: others may be reading
    return json.loads(kept.read_text(encoding="utf-8"))


def script_files(name: str) -> list[Path]:
    """The scripts of an explorer, in the order in which they are loaded."""
    folder = ROOT / "explorers"
    return [folder / "explorer.js", folder / f"{name}.js"]
