"""What each network costs, at each width: by stage, and by type of layer."""

from explorers.networks import WIDTHS, build, published

TITLE = "What a network costs"


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
    costs = counting().layer_costs(network, 3, size, size)
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


def make() -> dict:
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
                for cost in counting().layer_costs(other, 3, 224, 224):
                    paper["macs"][not is_on_map(cost.output_shape)] += cost.macs
            variants.append(
                {"width": width, "params": params, "paper": paper, "stages": stages(network)}
            )
        networks.append({"name": name, "widths": variants, "published": published(name)})
    return {"networks": networks}
