"""Figures of the chapter on devices."""

import matplotlib.pyplot as plt
import torch

from figures.style import WIDTH, colour, save
from tools import latency
from tools.notebooks import definitions

notebook = definitions("device")
LOOKS = {"standard": "s", "depthwise": "o", "pointwise": "^"}
NETWORKS = {  # colour, marker, line
    "V1": ("standard", "s", "--"),
    "V2": ("depthwise", "o", "-"),
    "V3-Large": ("pointwise", "^", "-."),
    "V3-Small": ("squeeze", "v", "-"),
    "ResNet-50": ("ink", "D", ":"),
}
STEPS = {
    "eager": "eager",
    "channels last": "channels\nlast",
    "folded": "folded",
    "compiled": "compiled",
    "ONNX Runtime": "ONNX\nRuntime",
    "ExecuTorch": "Execu-\nTorch",
    "ExecuTorch, 8 bits": "8 bits",
}


def roofline() -> None:
    """V1's layers under the ceilings of the recorded machine."""
    fig, ax = plt.subplots(figsize=(WIDTH, 3.9))
    fig.subplots_adjust(0.15, 0.13, 0.97, 0.97)
    machine = latency.machine()
    for kind, marker in LOOKS.items():
        points = [
            (cost.intensity, cost.macs / ms / 1e6)
            for cost, ms, _ in latency.layer_times(kind).values()
        ]
        ax.plot(*zip(*points, strict=True), marker, color=colour(kind), ms=6, label=kind)
    for speed, line, label in (
        (machine.cache, "-", "from the caches"),
        (machine.memory, "--", "from main memory"),
    ):
        across = [0.25, machine.macs / speed, 200]
        roof = [min(machine.macs, i * speed) / 1e9 for i in across]
        ax.plot(across, roof, line, color=colour("muted"), lw=1.3, label=label)
    ax.set(xscale="log", yscale="log", xlabel="MACs per byte", ylabel="billion MACs per second")
    ax.set_xticks([0.3, 1, 3, 10, 30, 100], ["0.3", "1", "3", "10", "30", "100"])
    ax.set_yticks([3, 10, 30, 100], ["3", "10", "30", "100"])
    ax.minorticks_off()
    ax.grid(True, lw=0.5)
    ax.legend(loc="lower right", frameon=False)
    save(fig, "device/roofline")


def staircase() -> None:
    """How many times faster than eager, by path."""
    fig, ax = plt.subplots(figsize=(WIDTH, 4.2))
    fig.subplots_adjust(0.13, 0.15, 0.97, 0.97)
    for name, (role, marker, line) in NETWORKS.items():
        times = [latency.milliseconds(name, path) for path in STEPS]
        faster = [times[0] / ms for ms in times]
        look = {"color": colour(role), "marker": marker, "ls": line, "ms": 6, "lw": 1.3}
        ax.plot(range(len(STEPS)), faster, label=name, **look)
    ax.set(yscale="log", ylabel="times faster than eager")
    ax.set_xticks(range(len(STEPS)), list(STEPS.values()), fontsize=8.5)
    ax.set_yticks([1, 2, 3, 5, 10], ["1", "2", "3", "5", "10"])
    ax.minorticks_off()
    ax.grid(True, lw=0.5)
    ax.legend(loc="upper left", frameon=False)
    save(fig, "device/staircase")


def scales() -> None:
    """A small channel on the steps of a large one, and on its own."""
    fig, axes = plt.subplots(2, 1, figsize=(WIDTH, 2.9))
    fig.subplots_adjust(0.04, 0.1, 0.96, 0.86, hspace=1.1)
    small = torch.tensor([-0.45, -0.3, -0.16, 0.1, 0.26, 0.5])
    both = torch.stack([small, torch.linspace(-30, 50, 6)])
    for ax, per_channel, title in (
        (axes[0], False, "one scale for the layer"),
        (axes[1], True, "a scale of its own"),
    ):
        step = float(both[0 if per_channel else 1].abs().max()) / 127
        count = round(0.55 / step)
        ticks = [step * index for index in range(-count, count + 1)]
        ax.vlines(ticks, -0.3, 0.3, color=colour("muted"), lw=0.6 if per_channel else 1.6)
        kept = notebook.rounded(both, per_channel)[0]
        for weight, left in zip(small.tolist(), kept.tolist(), strict=True):
            ax.plot([weight, left], [1, 0], color=colour("depthwise"), lw=1.1)
        ax.plot(small, [1] * 6, "o", color=colour("depthwise"), ms=6)
        ax.plot(kept, [0] * 6, "D", color=colour("ink"), ms=5)
        ax.set(xlim=(-0.58, 0.58), ylim=(-0.5, 1.4))
        ax.set_title(title, fontsize=10, color=colour("ink"))
        ax.set_yticks([])
        ax.set_xticks([-0.5, 0, 0.5], ["−0.5", "0", "0.5"])
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
    save(fig, "device/scales")


if __name__ == "__main__":
    roofline()
    staircase()
    scales()
