"""The published networks, as points: accuracy against cost."""

from collections.abc import Callable

from explorers.networks import build, published

TITLE = "Accuracy against cost"

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


def make() -> dict:
    """Every published point: accuracy and milliseconds as printed, MACs and parameters counted.

    V3's networks have the paper's widths, not torchvision's. V4's are timm's.
    """
    import timm

    from tools import papers
    from tools.counting import on_meta
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
            network = on_meta(timm.create_model, model)
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
