"""Every number of the cheat sheet, and where it comes from."""

from torch import nn

from tests.book import definitions
from tests.claims.separable import FULL_V1, times
from tests.closed_world import computed, given
from tests.counting import macs, params, totals_by_kind, v1, v2, v3
from tools import papers

NETWORKS = {"V1": v1(), "V2": v2(), "V3-Large": v3("large"), "V3-Small": v3("small")}
KINDS = {name: totals_by_kind(network, 3, 224, 224) for name, network in NETWORKS.items()}
COST = {name: macs(network, 3, 224, 224) for name, network in NETWORKS.items()}
TIME = {
    "V2": papers.V3_TABLE3["V2 1.0"],
    "V3-Large": papers.V3_TABLE3["V3-Large 1.0"],
    "V3-Small": papers.V3_TABLE3["V3-Small 1.0"],
}


def million(name: str) -> float:
    return COST[name] / 1e6


def params_million(name: str) -> float:
    return params(NETWORKS[name]) / 1e6


def share(name: str, kind: str) -> float:
    """Of a network's MACs, in per cent."""
    return 100 * KINDS[name][kind][0] / COST[name]


def blocks(name: str) -> int:
    return len(NETWORKS[name].blocks)


def shortcuts(name: str) -> int:
    return sum(getattr(block, "shortcut", False) for block in NETWORKS[name].blocks)


def first(name: str) -> int:
    return next(m for m in NETWORKS[name].modules() if isinstance(m, nn.Conv2d)).out_channels


def features(name: str) -> int:
    linear = [m for m in NETWORKS[name].modules() if isinstance(m, nn.Linear)]
    return linear[-1].in_features


(EPS,) = {m.eps for m in NETWORKS["V3-Large"].modules() if isinstance(m, nn.BatchNorm2d)}
make_divisible = definitions("v2").make_divisible
LAYER = nn.Conv2d(128, 256, 3, padding=1, bias=False)
PAIR = definitions("separable").DepthwiseSeparableConv(128, 256)
EXAMPLE, LIGHT = macs(LAYER, 128, 28, 28), macs(PAIR, 128, 28, 28)


PAGE = [
    given("| standard | D_K^2 M N | D_K^2 M N D_F^2 |"),
    given("| depthwise | D_K^2 M | D_K^2 M D_F^2 |"),
    given("| pointwise | M N | M N D_F^2 |"),
    given("A batch norm adds 2N parameters, a bias N."),
    given("\\lfloor (D + 2p - D_K)"),
    given("/ s \\rfloor + 1."),
    given("Separable instead of standard leaves \\frac{1}{N} + \\frac{1}{D_K^2} of the MACs."),
    given("| N | 16 | 64 | 256 | 1024 | limit |"),
    computed(
        "| times fewer | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {} |",
        times(16),
        times(64),
        times(256),
        times(1024),
        3**2,
    ),
    given("By hand: 3×3, 128 → 256 channels, a map of 28×28, stride 1."),
    computed("Standard: 9 · 128 · 256 · 28^2 = {:,}.", EXAMPLE),
    given("(9 + 256)"),
    computed("· 128 · 28^2 = {:,}.", LIGHT),
    given("pointwise M \\to tM → BN → ReLU6 (left out where t = 1)"),
    given("plus the input, if s = 1 and M = N"),
    computed(
        "average → linear to a quarter, rounded to a multiple of eight ({} → {})",
        72,
        make_divisible(72 // 4),
    ),
    given("= \\frac{\\text{ReLU6}(x + 3)}{6}"),
    given("= x · \\frac{\\text{ReLU6}(x + 3)}{6}"),
    given("At 224×224, 1000 classes, width 1:"),
    computed(
        "| million MACs | {:.1f} | {:.1f} | {:.1f} | {:.1f} |",
        million("V1"),
        million("V2"),
        million("V3-Large"),
        million("V3-Small"),
    ),
    computed(
        "| million params | {:.2f} | {:.2f} | {:.2f} | {:.2f} |",
        params_million("V1"),
        params_million("V2"),
        params_million("V3-Large"),
        params_million("V3-Small"),
    ),
    computed(
        "| top-1, papers | {} % | {} % | {} % | {} % |",
        papers.V1_TABLE4["separable"][0],
        papers.V2_TABLE4["MobileNetV2"][0],
        TIME["V3-Large"][0],
        TIME["V3-Small"][0],
    ),
    computed(
        "| Pixel 1, V3's paper | – | {} ms | {} ms | {} ms |",
        TIME["V2"][3],
        TIME["V3-Large"][3],
        TIME["V3-Small"][3],
    ),
    computed(
        "| blocks | {} | {} | {} | {} |",
        blocks("V1"),
        blocks("V2"),
        blocks("V3-Large"),
        blocks("V3-Small"),
    ),
    computed(
        "| with a shortcut | {} | {} | {} | {} |",
        shortcuts("V1"),
        shortcuts("V2"),
        shortcuts("V3-Large"),
        shortcuts("V3-Small"),
    ),
    computed(
        "| first layer | {} | {} | {} | {} |",
        first("V1"),
        first("V2"),
        first("V3-Large"),
        first("V3-Small"),
    ),
    computed(
        "| into the classifier | {} | {} | {} | {} |",
        features("V1"),
        features("V2"),
        features("V3-Large"),
        features("V3-Small"),
    ),
    computed(
        "| MACs pointwise | {:.1f} % | {:.1f} % | {:.1f} % | {:.1f} % |",
        share("V1", "pointwise"),
        share("V2", "pointwise"),
        share("V3-Large", "pointwise"),
        share("V3-Small", "pointwise"),
    ),
    computed(
        "| MACs depthwise | {:.1f} % | {:.1f} % | {:.1f} % | {:.1f} % |",
        share("V1", "depthwise"),
        share("V2", "depthwise"),
        share("V3-Large", "depthwise"),
        share("V3-Small", "depthwise"),
    ),
    computed(
        "V1 with full convolutions: {:,.0f} million MACs, {} %.",
        FULL_V1 / 1e6,
        papers.V1_TABLE4["full"][0],
    ),
    computed(
        "That is {:.2f} times the MACs for {:.1f} points.",
        FULL_V1 / COST["V1"],
        papers.V1_TABLE4["full"][0] - papers.V1_TABLE4["separable"][0],
    ),
    computed(
        "V1's blocks, channels out and stride: {}.",
        ", ".join(
            f"{b.pointwise[0].out_channels}/{b.depthwise[0].stride[0]}"
            for b in NETWORKS["V1"].blocks
        ),
    ),
    computed(
        "V2's Table 2, t, c, n, s: {}.",
        "; ".join(" ".join(map(str, row)) for row in definitions("v2").V2_ROWS),
    ),
    computed("Then 1×1 to {}, average, linear.", features("V2")),
    computed(
        "V3-Large's end: 1×1 to {}, average, linear to {}, h-swish, linear.",
        NETWORKS["V3-Large"].last[0].out_channels,
        features("V3-Large"),
    ),
    computed(
        "ReLU in its first {} blocks (Small: {}), h-swish behind.",
        sum(row.nl == "RE" for row in definitions("v3").V3_LARGE),
        sum(row.nl == "RE" for row in definitions("v3").V3_SMALL),
    ),
    computed("but V2's last {} stay when \\alpha < 1.", features("V2")),
    given("Pointwise MACs and weights go with \\alpha^2;"),
    given("MACs on maps go with \\rho^2;"),
    given("Channels are rounded with make_divisible(c, 8):"),
    computed(
        "(V1's released code rounds down.) {} → {}, {} → {}, {} → {}.",
        18,
        make_divisible(18),
        33.6,
        make_divisible(33.6),
        44.8,
        make_divisible(44.8),
    ),
    given("python depthwise = nn.Conv2d(m, m, k, s, k // 2, groups=m, bias=False)"),
    given("pointwise = nn.Conv2d(m, n, 1, bias=False)"),
    given("Pool with AdaptiveAvgPool2d(1)."),
    given("Top-1 of what?"),
    computed("(torchvision's V3 has an \\epsilon of {} in them.)", EPS),
]
# How often each name with a digit in it stands there.
PAGE_NAMES = {
    "1×1": 2,
    "3×3": 5,
    "5×5": 1,
    "AdaptiveAvgPool2d": 1,
    "BatchNorm2d": 1,
    "Conv2d": 2,
    "ReLU6": 6,
    "V1": 5,
    "V2": 5,
    "V3": 6,
}
