"""Figures of the chapter on devices."""

from math import atan2, degrees

import matplotlib.pyplot as plt

from figures.style import HATCHES, WIDTH, colour, look, save
from tools import latency, operators
from tools.notebooks import definitions

notebook = definitions("device")
LOOKS = {"standard": "s", "depthwise": "o", "pointwise": "^"}
NETWORKS = ("V1", "V2", "V3-Large", "V3-Small", "V4-Conv-S", "Lite0", "ResNet-50")
STEPS = {
    "eager": "eager",
    "channels last": "channels last",
    "folded": "folded",
    "compiled": "compiled",
    "ONNX Runtime": "ONNX Runtime",
    "OpenVINO": "OpenVINO",
    "LiteRT": "LiteRT",
    "ExecuTorch": "ExecuTorch",
    "ExecuTorch, 8 bits": "in 8 bits",
}


def roofline() -> None:
    """V1's layers under the ceilings of the recorded machine: PyTorch, and ExecuTorch's kernels."""
    fig, axes = plt.subplots(2, 1, figsize=(WIDTH, 6.4), sharex=True)
    fig.subplots_adjust(0.13, 0.08, 0.98, 0.95, hspace=0.16)
    machine = latency.machine()
    top = machine.macs / 1e9
    for ax, way, title in zip(axes, ("", "ExecuTorch"), ("PyTorch", "ExecuTorch"), strict=True):
        ax.set(xscale="log", yscale="log", xlim=(0.22, 240), ylim=(1.5, 1.9 * top))
        ax.set(ylabel="billion MACs per second")
        ax.set_title(title, fontsize=10.5, weight="bold", loc="left")
        for kind, marker in LOOKS.items():
            points = [
                (cost.intensity, cost.macs / ms / 1e6)
                for cost, ms, _ in latency.layer_times(kind, way).values()
            ]
            ax.plot(*zip(*points, strict=True), marker, color=colour(kind), ms=6)
        (left, low), (right, high) = ax.transData.transform([(1, 1), (10, 10)])
        slope = degrees(atan2(high - low, right - left))  # of a line where y grows as x does
        for speed, line, at, label in (
            (machine.cache, "-", 0.25, "caches"),
            (machine.memory, "--", 1.6, "main memory"),
        ):
            roof = ([0.24, machine.macs / speed, 220], [0.24 * speed / 1e9, top, top])
            ax.plot(*roof, line, color=colour("muted"), lw=1.3, zorder=1)
            place = {"rotation": slope, "rotation_mode": "anchor"}
            ax.text(at, 1.15 * at * speed / 1e9, label, fontsize=9, **place)
        ax.text(220, 1.13 * top, "arithmetic at full speed", ha="right", fontsize=9)
        ax.set_xticks([0.3, 1, 3, 10, 30, 100], ["0.3", "1", "3", "10", "30", "100"])
        ax.set_yticks([3, 10, 30, 100], ["3", "10", "30", "100"])
        ax.minorticks_off()
        ax.grid(True, lw=0.5)
    axes[1].set_xlabel("MACs per byte")
    for x, kind in ((0.62, "depthwise"), (9, "pointwise"), (90, "standard")):
        axes[0].text(x, 2, kind, color=colour(kind), weight="bold", ha="center")
    save(fig, "device/roofline")


# Kinds that are drawn as one part: colour, hatch, and what is written.
PARTS = {
    "pointwise": ("pointwise", HATCHES["pointwise"], "pointwise"),
    "depthwise": ("depthwise", HATCHES["depthwise"], "depthwise"),
    "standard": ("standard", HATCHES["standard"], "full"),
    "classifier": ("net-v3", HATCHES["fc"], "classifier"),
    "squeeze-and-excite": ("squeeze", "\\\\\\\\", "squeeze-and-excite"),
    "activation+addition+pooling": ("muted", "", "activation, addition"),
    "padding+conversion": ("shortcut", "--", "padding, conversion"),
}


def kinds() -> None:
    """Where the time goes: two bars for each network, 32 bits and 8."""
    fig, ax = plt.subplots(figsize=(WIDTH, 4.8))
    fig.subplots_adjust(0.215, 0.1, 0.98, 0.8)
    names, ticks = operators.PROFILED, []
    for number, name in enumerate(names):
        for row, bits in enumerate(operators.BITS):
            y, x = number * 2.6 + row, 0.0
            ticks.append((y, f"{name}, {bits}" if row == 0 else bits))
            for part, (role, hatch, _) in PARTS.items():
                ms = sum(operators.kind_ms(name, each, bits) for each in part.split("+"))
                light = colour(f"{role}-light") if role in LOOKS or role == "squeeze" else "none"
                face = light if hatch else colour(role)
                ax.barh(y, ms, 0.84, x, fc=face, ec=colour(role), hatch=hatch, lw=0.8)
                x += ms
            ax.text(x + 0.15, y, f"{x:.1f}", va="center", fontsize=9)
    ax.set_yticks(*zip(*ticks, strict=True), color=colour("ink"), fontsize=9)
    ax.set(ylim=(len(names) * 2.6 - 1.1, -0.7), xlabel="milliseconds on one core")
    ax.margins(x=0.1)
    ax.set_xlim(left=0)
    ax.tick_params(left=False)
    for index, (role, hatch, label) in enumerate(PARTS.values()):
        x, y = 0.02 + 0.325 * (index % 3), 0.955 - 0.052 * (index // 3)
        light = colour(f"{role}-light") if role in LOOKS or role == "squeeze" else "none"
        box = plt.Rectangle((x, y - 0.012), 0.035, 0.026, transform=fig.transFigure)
        box.set(facecolor=light if hatch else colour(role), edgecolor=colour(role), hatch=hatch)
        fig.add_artist(box)
        fig.text(x + 0.045, y, label, va="center", fontsize=8.5)
    save(fig, "device/kinds")


def staircase() -> None:
    """How many times faster than eager, by path: one column for each network."""
    fig, axes = plt.subplots(1, len(NETWORKS), figsize=(WIDTH, 4.2), sharex=True, sharey=True)
    fig.subplots_adjust(0.222, 0.12, 0.985, 0.89, wspace=0.1)
    most = 0
    for ax, name in zip(axes, NETWORKS, strict=True):
        times = {path: latency.recorded()["networks"][name]["ms"].get(path) for path in STEPS}
        own = {"color": colour("ink"), "marker": "s"}
        if name not in ("ResNet-50", "Lite0"):
            own = look("V4" if name == "V4-Conv-S" else name)
        for row, ms in enumerate(times.values()):
            if ms is None:  # a runtime that was not there
                continue
            faster = times["eager"][0] / ms[0]
            most = max(most, faster)
            ax.plot([1, faster], [row, row], color=own["color"], lw=1.3)
            ax.plot(faster, row, ms=5, clip_on=False, **own)
            ax.annotate(
                f"{faster:.1f}", (faster, row), (4.5, 0), textcoords="offset points", va="center"
            ).set_fontsize(8)
        ax.axvline(1, color=colour("muted"), lw=0.8, zorder=0)
        ax.set_title(name.replace("-", "-\n", 1), fontsize=8.5, weight="bold", loc="left")
        ax.set_xticks([1, 5], ["1", "5"])
        ax.tick_params(left=False)
        ax.spines["left"].set_visible(False)
    axes[0].set(xlim=(0.2, 2.05 * most), ylim=(len(STEPS) - 0.5, -0.5))
    axes[0].set_yticks(range(len(STEPS)), list(STEPS.values()), color=colour("ink"), fontsize=9)
    fig.text(0.62, 0.015, "times as fast as eager", ha="center")
    save(fig, "device/staircase")


if __name__ == "__main__":
    roofline()
    kinds()
    staircase()
