"""Which networks have which block: read from timm's networks, layer by layer."""

TITLE = "One block, many names"

NETWORKS = {  # timm's name: ours
    "mobilenetv1_100": "V1",
    "mobilenetv2_100": "V2",
    "mnasnet_100": "MnasNet-B1",
    "semnasnet_100": "MnasNet-A1",
    "mobilenetv3_large_100": "V3-Large",
    "mobilenetv3_small_100": "V3-Small",
    "efficientnet_b0": "EfficientNet-B0",
    "efficientnet_lite0": "EfficientNet-Lite0",
    "lcnet_100": "PP-LCNet",
    "convnext_tiny": "ConvNeXt-T",
    "mobilenetv4_conv_small": "V4-Conv-S",
    "mobilenetv4_conv_medium": "V4-Conv-M",
    "mobilenetv4_conv_large": "V4-Conv-L",
    "mobilenetv4_hybrid_medium": "V4-Hybrid-M",
    "mobilenetv4_hybrid_large": "V4-Hybrid-L",
}
EXPANSIONS = (1, 2, 4, 6)  # that can be chosen


def kernel(layer) -> int:
    """Of a depthwise convolution, perhaps with its norm; 0 where there is none."""
    layer = getattr(layer, "conv", layer)
    return layer.kernel_size[0] if hasattr(layer, "kernel_size") else 0


def recipe(block) -> tuple[int, int, float, str] | None:
    """(kernel in front, in the middle, expansion, "se" or "no"); None for another kind of block."""
    from timm.models import _efficientnet_blocks as blocks
    from timm.models.convnext import ConvNeXtBlock

    def gate() -> str:
        return "no" if type(block.se).__name__ == "Identity" else "se"

    def widened(layer) -> float:
        return layer.weight.shape[0] / layer.weight.shape[1]

    if type(block) is blocks.DepthwiseSeparableConv:
        return 0, kernel(block.conv_dw), 1, gate()
    if type(block) is blocks.InvertedResidual:
        return 0, kernel(block.conv_dw), widened(block.conv_pw), gate()
    if type(block) is blocks.UniversalInvertedResidual:
        wide = widened(block.pw_exp.conv)
        return kernel(block.dw_start), kernel(block.dw_mid), wide, gate()
    if type(block) is ConvNeXtBlock:
        return kernel(block.conv_dw), 0, widened(block.mlp.fc1), "no"
    return None


def make() -> dict:
    """Who has a block: {"front,middle,expansion,times": [networks]}, and who has it bare.

    Bare is without a shortcut, wherever the network has it: as in V1. The channels and the stride
    may be others than the explorer's.
    """
    import timm

    from tools.counting import on_meta

    known, bare = {}, {}
    for model, name in NETWORKS.items():
        network = on_meta(timm.create_model, model)
        shortcuts = {}
        for block in network.modules():
            if which := recipe(block):
                shortcuts.setdefault(which, []).append(getattr(block, "has_skip", True))
        for (front, middle, wide, times), found in shortcuts.items():
            if wide in EXPANSIONS:
                place = f"{front},{middle},{wide:g},{times}"
                (known if any(found) else bare).setdefault(place, []).append(name)
    return {"known": known, "bare": bare, "looked": len(NETWORKS)}
