"""MACs and bytes of the layers of V1 to V4 and ResNet-50; the times that V4's paper measured."""

from collections import Counter

TITLE = "Which network wins, on which machine?"

# MACs per byte: round numbers, and those that the paper's Table 16 fits to machines.
ROUND = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)
MACHINES = {  # its key in Table 6: its name, its row in Table 16
    "pixel6": ("Pixel 6, CPU", "Pixel 6 CPU"),
    "galaxy": ("Galaxy S23, CPU", "Galaxy S23 CPU"),
    "hexagon": ("Pixel 4, DSP", "Pixel 4 DSP"),
    "edgetpu": ("Pixel 8, EdgeTPU", "Pixel 8 EdgeTPU"),
    "pixel7_gpu": ("Pixel 7, GPU", None),
    "galaxy_gpu": ("Galaxy S23, GPU", None),
    "iphone": ("iPhone 13", None),
}
NETWORKS = {  # the explorer's name: its row in Table 6
    "V2 × 0.5": "MobileNet-V2-0.5x",
    "V3-Large × 0.5": "MobileNet-V3L-0.5x",
    "V2": "MobileNet-V2",
    "V4-Conv-S": "MNv4-Conv-S",
    "V1": "MobileNet-V1",
    "V3-Large": None,
    "V2 × 1.5": "MobileNet-V2-1.5x",
    "V2 × 2": "MobileNet-V2-2.0x",
    "V4-Conv-M": "MNv4-Conv-M",
    "V4-Conv-L": "MNv4-Conv-L",
    "ResNet-50": None,
}


def build(name: str):
    """A network without numbers: our notebooks' and torchvision's, V3 × 0.5 as the paper scales."""
    from torchvision.models import resnet50

    from explorers import networks
    from tools.counting import on_meta
    from tools.variants import paper_v3

    if name == "ResNet-50":
        return on_meta(resnet50)
    family, _, width = name.partition(" × ")
    if family == "V3-Large" and width:
        return paper_v3("large", float(width))
    variant = {"V4-Conv-S": "V4-conv_small", "V4-Conv-M": "V4-conv_medium"}
    variant |= {"V4-Conv-L": "V4-conv_large"}
    return networks.build(f"MobileNet{variant.get(family, family)}", float(width or 1))


def layers(network, size: int) -> list[list[int]]:
    """[how many, MACs, bytes] of layers that cost the same, in 8 bits, as V4's notebook counts.

    What has no weights (pooling, sums, products) is left out.
    """
    from tools.notebooks import definitions

    notebook = definitions("v4")
    costs = notebook.layer_costs(network, 3, size, size)
    counted = Counter((each.macs, notebook.bytes_moved(each)) for each in costs)
    return [[count, *each] for each, count in counted.items()]


def make() -> dict:
    """The networks by their accuracy, the machines, and the ridge points that can be chosen."""
    from tools import papers

    sizes = {"V4-Conv-M": 256, "V4-Conv-L": 384}  # Tables 12 and 14
    networks = []
    for name, row in NETWORKS.items():
        printed = papers.V4_TABLE6[row] if row else None
        top1 = printed.top1 if printed else None
        if name == "V3-Large":
            top1 = papers.V4_V3_TOP1  # of its text
        size = sizes.get(name, 224)
        networks.append(
            {
                "name": name,
                "size": size,
                "top1": top1,
                "ms": {key: getattr(printed, key) for key in MACHINES} if printed else {},
                "layers": layers(build(name), size),
            }
        )
    machines = [
        {"key": key, "name": title, "ridge": papers.V4_RIDGE[row] if row else None}
        for key, (title, row) in MACHINES.items()
    ]
    ridges = {*ROUND, *(each["ridge"] for each in machines if each["ridge"])}
    return {"ridges": sorted(ridges), "machines": machines, "networks": networks}
