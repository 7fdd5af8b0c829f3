"""Figures of the chapter on the depthwise separable convolution."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Rectangle
from torch import nn

from figures.style import WIDTH, arrow, box, canvas, colour, plane, save, sized, stack


def routes() -> None:
    """Two ways from 6×6×3 to 4×4×5: in one step, or in two cheap ones."""
    layers = nn.Conv2d(3, 5, 3), nn.Conv2d(3, 3, 3, groups=3), nn.Conv2d(3, 5, 1)
    full, depthwise, pointwise = (layer.weight.numel() * 4 * 4 for layer in layers)
    filters = [f"{len(layer.weight)} of\n{sized(layer.weight[0].shape)}" for layer in layers]
    fig, ax = canvas(24, 20.0, 4.0)
    ax.text(0.6, 18.2, "standard", weight="bold", color=colour("standard"))
    stack(ax, 0.6, 10.9, 6, 3, cell=0.8, shift=0.5)
    arrow(ax, (7.0, 13.6), (17.0, 13.6), "standard")
    ax.text(12.0, 14.1, f"{full:,} MACs", ha="center", fontsize=12, weight="bold")
    ax.text(12.0, 12.4, filters[0].replace(" of\n", " filters of "), ha="center")
    stack(ax, 17.6, 11.2, 4, 5, "standard-light", edge="standard", cell=0.8, shift=0.5)

    ax.text(0.6, 8.6, "depthwise, then pointwise", weight="bold", color=colour("ink"))
    stack(ax, 0.6, 1.4, 6, 3, cell=0.8, shift=0.5)
    arrow(ax, (7.0, 4.1), (9.6, 4.1), "depthwise")
    stack(ax, 10.0, 2.2, 4, 3, "depthwise-light", edge="depthwise", cell=0.8, shift=0.5)
    arrow(ax, (14.7, 4.1), (17.2, 4.1), "pointwise")
    stack(ax, 17.6, 1.7, 4, 5, "pointwise-light", edge="pointwise", cell=0.8, shift=0.5)
    ax.text(8.3, 4.7, f"{depthwise}", ha="center", fontsize=12, weight="bold")
    ax.text(16.0, 4.7, f"{pointwise}", ha="center", fontsize=12, weight="bold")
    ax.text(8.3, 2.6, filters[1].removesuffix("×1"), ha="center", va="center", fontsize=9)
    ax.text(16.0, 2.6, filters[2], ha="center", va="center", fontsize=9)
    total = f"{depthwise} + {pointwise} = {depthwise + pointwise} MACs"
    ax.text(12.0, 0.4, total, ha="center", fontsize=12, weight="bold")
    save(fig, "separable/routes")


def reads() -> None:
    """What one output number reads, in a standard, a depthwise and a pointwise layer."""
    cell, shift = 0.56, 0.62
    fig, ax = canvas(25, 18.9, 3.63)
    y = 19.4
    for title, role, layer, size, read_channels in (
        ("standard, 3×3", "standard", nn.Conv2d(3, 5, 3), 6, 3),
        ("depthwise, 3×3", "depthwise", nn.Conv2d(3, 3, 3, groups=3), 6, 1),
        ("pointwise, 1×1", "pointwise", nn.Conv2d(3, 5, 1), 4, 3),
    ):
        y -= 6.3
        k, outputs = layer.kernel_size[0], layer.out_channels
        came = "map" if size == 6 else "depthwise-light"
        bottom = y + (6 - size) * cell / 2
        place = stack(ax, 0.6, bottom, size, 3, came, cell=cell, shift=shift)
        for channel in range(read_channels):
            x, top = place(channel)
            at = x + (size - k) * cell, top + (size - k) * cell
            window = {"cell": cell, "edge": role, "z": 10.5 - channel}
            plane(ax, *at, k, k, f"{role}-light", **window)
            frame = Rectangle(at, k * cell, k * cell, fc="none", ec=colour(role), lw=1.8)
            ax.add_patch(frame).set_zorder(10.8 - channel)
        first = 18.4
        middle = y + (6 - 4) * cell / 2
        put = stack(ax, first, middle, 4, outputs, cell=cell, shift=shift)
        x, top = put(0)
        one = Rectangle((x + 3 * cell, top + 3 * cell), cell, cell)
        one.set(fc=colour(role), ec=colour(role), zorder=12)
        ax.add_patch(one)
        line = y + 2.1
        arrow(ax, (6.4, line), (17.6, line), role)
        shape = f"{k}×{k}×{read_channels}" if k > 1 else f"{read_channels}"
        count = layer.weight[0].numel()
        words = f"{shape} = {count}" if k > 1 else shape
        ax.text(12.0, line + 1.55, title, ha="center", weight="bold", color=colour(role))
        ax.text(12.0, line + 0.45, f"reads {words} numbers", ha="center")
        ax.text(12.0, line - 1.15, f"{outputs} such filters", ha="center", fontsize=9)
    save(fig, "separable/reads")


def saving() -> None:
    """How many times cheaper, over the number of output channels."""
    n = np.geomspace(4, 1024, 200)
    fig, ax = plt.subplots(figsize=(WIDTH, 3.5))
    fig.subplots_adjust(0.11, 0.14, 0.97, 0.97)
    for kernel, dash in ((3, "-"), (5, "--"), (7, "-.")):
        ax.plot(n, 1 / (1 / n + 1 / kernel**2), dash, lw=2, color=colour("ink"))
        ax.axhline(kernel**2, color=colour("muted"), lw=0.8, ls=":")
        text = f"limit {kernel**2} for {kernel}×{kernel}"
        ax.text(1050, kernel**2 + 0.7, text, ha="right", fontsize=9)
    for channels in (64, 1024):
        times = 1 / (1 / channels + 1 / 9)
        ax.plot(channels, times, "o", color=colour("standard"), zorder=5)
        ax.annotate(
            f"N = {channels}: {times:.2f}×",
            (channels, times),
            (0, -15),
            textcoords="offset points",
            ha="center" if channels == 64 else "right",
            fontsize=9,
        )
    ax.set(xscale="log", xlim=(4, 1100), ylim=(0, 53), ylabel="times cheaper")
    ax.set_xlabel("output channels N")
    ax.set_xticks([4, 16, 64, 256, 1024], ["4", "16", "64", "256", "1024"])
    ax.minorticks_off()
    save(fig, "separable/saving")


def block() -> None:
    """The standard block and V1's separable block, side by side."""
    fig, ax = canvas(24, 26.4, 5.28)
    columns = (
        (1.0, "standard block", [("3×3 convolution\nM → N", "standard")]),
        (
            13.0,
            "separable block",
            [
                ("3×3 depthwise\nM → M, groups = M", "depthwise"),
                ("1×1 pointwise\nM → N", "pointwise"),
            ],
        ),
    )
    for x, title, layers in columns:
        ax.text(x + 5, 25.4, title, ha="center", weight="bold")
        ax.text(x + 5, 24.0, "M channels", ha="center")
        y = 23.6
        for text, role in layers:
            for label, kind, height in (
                (text, role, 3.0),
                ("batch norm", "map", 1.9),
                ("ReLU", "map", 1.9),
            ):
                arrow(ax, (x + 5, y), (x + 5, y - 1.0))
                y -= 1.0 + height
                box(ax, x, y, 10, height, label, kind)
        arrow(ax, (x + 5, y), (x + 5, y - 1.1))
        ax.text(x + 5, y - 2.2, "N channels", ha="center")
    save(fig, "separable/block")


def kept_energy(terms: int, channels: int = 64) -> float:
    """Share of a random dense kernel's squared weights that `terms` separable kernels can hold."""
    generator = torch.Generator().manual_seed(0)
    kernel = torch.randn(channels, channels, 9, generator=generator, dtype=torch.float64)
    slices = kernel.transpose(0, 1)  # for each input channel: N rows of 9 taps
    squares = torch.linalg.svdvals(slices) ** 2
    return float(squares[:, :terms].sum() / squares.sum())


def energy() -> None:
    """How much of a dense kernel survives when it is forced into separable form."""
    fig, ax = plt.subplots(figsize=(WIDTH, 2.9))
    fig.subplots_adjust(0.12, 0.17, 0.97, 0.95)
    shares = [100 * kept_energy(terms) for terms in range(1, 10)]
    faces = [colour("depthwise")] + [colour("map")] * 8
    bars = ax.bar(range(1, 10), shares, color=faces, ec=colour("muted"))
    ax.bar_label(bars, [f"{share:.0f}" for share in shares], fontsize=9, color=colour("ink"))
    ax.set(xlabel="separable convolutions added up", ylabel="per cent kept", ylim=(0, 110))
    ax.set_xticks(range(1, 10))
    save(fig, "separable/energy")


if __name__ == "__main__":
    routes()
    reads()
    saving()
    block()
    energy()
