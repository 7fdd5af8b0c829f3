"""Figures of the chapter on devices."""

from math import atan2, degrees

import matplotlib.pyplot as plt

from figures.style import WIDTH, colour, look, save
from tools import latency
from tools.notebooks import definitions

notebook = definitions("device")
LOOKS = {"standard": "s", "depthwise": "o", "pointwise": "^"}
NETWORKS = ("V1", "V2", "V3-Large", "V3-Small", "ResNet-50")
STEPS = {
    "eager": "eager",
    "channels last": "channels last",
    "folded": "folded",
    "compiled": "compiled",
    "ONNX Runtime": "ONNX Runtime",
    "ExecuTorch": "ExecuTorch",
    "ExecuTorch, 8 bits": "the same, 8 bits",
}


def roofline() -> None:
    """V1's layers under the ceilings of the recorded machine."""
    fig, ax = plt.subplots(figsize=(WIDTH, 4.2))
    fig.subplots_adjust(0.13, 0.12, 0.98, 0.97)
    ax.set(xscale="log", yscale="log", xlim=(0.22, 240), ylim=(2.4, 90))
    ax.set(xlabel="MACs per byte", ylabel="billion MACs per second")
    machine = latency.machine()
    for kind, marker in LOOKS.items():
        points = [
            (cost.intensity, cost.macs / ms / 1e6)
            for cost, ms, _ in latency.layer_times(kind).values()
        ]
        ax.plot(*zip(*points, strict=True), marker, color=colour(kind), ms=6)
    top = machine.macs / 1e9
    (left, low), (right, high) = ax.transData.transform([(1, 1), (10, 10)])
    slope = degrees(atan2(high - low, right - left))  # of a line where y grows as x does
    for speed, line, at, label in (
        (machine.cache, "-", 0.25, "from the caches"),
        (machine.memory, "--", 0.52, "from main memory"),
    ):
        roof = ([0.24, machine.macs / speed, 220], [0.24 * speed / 1e9, top, top])
        ax.plot(*roof, line, color=colour("muted"), lw=1.3, zorder=1)
        place = {"rotation": slope, "rotation_mode": "anchor"}
        ax.text(at, 1.1 * at * speed / 1e9, label, fontsize=9, **place)
    ax.text(220, 1.11 * top, "arithmetic at full speed", ha="right", fontsize=9.5)
    for x, y, kind in ((62, 39, "standard"), (1.35, 6.3, "depthwise"), (14, 33, "pointwise")):
        ax.text(x, y, kind, color=colour(kind), weight="bold")
    ax.set_xticks([0.3, 1, 3, 10, 30, 100], ["0.3", "1", "3", "10", "30", "100"])
    ax.set_yticks([3, 10, 30], ["3", "10", "30"])
    ax.minorticks_off()
    ax.grid(True, lw=0.5)
    save(fig, "device/roofline")


def staircase() -> None:
    """How many times faster than eager, by path: one column for each network."""
    fig, axes = plt.subplots(1, len(NETWORKS), figsize=(WIDTH, 3.6), sharex=True, sharey=True)
    fig.subplots_adjust(0.27, 0.14, 0.99, 0.88, wspace=0.12)
    for ax, name in zip(axes, NETWORKS, strict=True):
        times = [latency.milliseconds(name, path) for path in STEPS]
        own = {"color": colour("ink"), "marker": "s"} if name == "ResNet-50" else look(name)
        for row, ms in enumerate(times):
            faster = times[0] / ms
            ax.plot([1, faster], [row, row], color=own["color"], lw=1.3)
            ax.plot(faster, row, ms=6, **own)
            ax.text(faster + 0.65, row, f"{faster:.1f}", va="center", fontsize=9)
        ax.axvline(1, color=colour("muted"), lw=0.8, zorder=0)
        ax.set_title(name.replace("-", "-\n"), fontsize=9.5, weight="bold", loc="left")
        ax.set(xlim=(0.4, 8.4), ylim=(len(STEPS) - 0.5, -0.5))
        ax.set_xticks([1, 5], ["1", "5"])
        ax.tick_params(left=False)
        ax.spines["left"].set_visible(False)
    axes[0].set_yticks(range(len(STEPS)), list(STEPS.values()), color=colour("ink"))
    fig.text(0.63, 0.02, "times as fast as eager", ha="center")
    save(fig, "device/staircase")


if __name__ == "__main__":
    roofline()
    staircase()
