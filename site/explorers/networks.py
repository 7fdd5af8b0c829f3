"""The networks that explorers show, and what was printed about them."""

WIDTHS = {
    "MobileNetV1": (0.25, 0.5, 0.75, 1.0),
    "MobileNetV2": (0.35, 0.5, 0.75, 1.0, 1.3, 1.4),
    "MobileNetV3-Large": (0.35, 0.5, 0.75, 1.0, 1.25),
    "MobileNetV3-Small": (0.35, 0.5, 0.75, 1.0, 1.25),
}


def build(name: str, width: float):
    """One of the book's networks, as its notebook defines it, without numbers."""
    from tools import counting  # imports torch, which what was counted before does not need

    family, _, variant = name.removeprefix("MobileNet").lower().partition("-")
    network = getattr(counting, family)
    return network(variant, width_mult=width) if variant else network(width_mult=width)


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
