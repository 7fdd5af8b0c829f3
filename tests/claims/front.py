"""Every number of the landing page, of its figure and of the README."""

from torchvision.models import vgg16

from tests.claims.common import minutes
from tests.claims.separable import DW, FULL_V1, PAIR, PW, STANDARD
from tests.closed_world import computed, given, named
from tests.counting import macs, on_meta, v1, v2, v3
from tools import papers

MILLION = {
    "VGG-16": macs(on_meta(vgg16), 3, 224, 224) / 1e6,
    "full": FULL_V1 / 1e6,
    "V1": macs(v1(), 3, 224, 224) / 1e6,
    "V2": macs(v2(), 3, 224, 224) / 1e6,
    "V3": macs(v3("large"), 3, 224, 224) / 1e6,
}
TOP1 = {
    "VGG-16": papers.V1_TABLE8["VGG 16"][0],
    "full": papers.V1_TABLE4["full"][0],
    "V1": papers.V1_TABLE4["separable"][0],
    "V2": papers.V2_TABLE4["MobileNetV2"][0],
    "V3": papers.V3_TABLE3["V3-Large 1.0"][0],
}
CHAPTERS = (
    "convolution",
    "depthwise",
    "pointwise",
    "separable",
    "v1",
    "v2",
    "v3",
    "training",
    "device",
)
READING = sum(minutes(chapter) for chapter in CHAPTERS)
INTERVIEW = sum(minutes(chapter) for chapter in ("separable", "v1", "v2", "v3")) + sum(
    minutes("appendix", page) for page in ("cheatsheet", "interview")
)
DEVICE = sum(minutes(chapter) for chapter in ("separable", "v3", "training", "device"))
assert INTERVIEW <= 120  # "in two hours"
assert 180 <= READING <= 210  # "about three hours"


INTRO = [
    computed("VGG-16, {:,.0f} and {} per cent;", MILLION["VGG-16"], TOP1["VGG-16"]),
    computed("V1's shape with full convolutions, {:,.0f} and {};", MILLION["full"], TOP1["full"]),
    computed("V1, {:.0f} and {};", MILLION["V1"], TOP1["V1"]),
    computed("V2, {:.0f} and {};", MILLION["V2"], TOP1["V2"]),
    computed("V3-Large, {:.0f} and {}.", MILLION["V3"], TOP1["V3"]),
    computed("In one step it takes {:,} MACs;", STANDARD),
    computed("in two, {} and {}, together {}.", DW, PW, PAIR),
    computed(
        "what is to be made cheaper, what it costs, and how to count. {} minutes",
        minutes("convolution"),
    ),
    computed("one filter for each channel. {} minutes", minutes("depthwise")),
    computed("mixing channels, pixel by pixel. {} minutes", minutes("pointwise")),
    computed("the two together, the saving, and its price. {} minutes", minutes("separable")),
    computed(
        "the block thirteen times, its two knobs, and its paper checked number "
        "by number. {} minutes",
        minutes("v1"),
    ),
    computed(
        "why a narrow layer must be linear, and the block that later networks "
        "are made of. {} minutes",
        minutes("v2"),
    ),
    computed(
        "what a search chose, what was finished by hand, and which mistakes "
        "make no noise. {} minutes",
        minutes("v3"),
    ),
    computed(
        "V1's experiment in miniature, twenty times over, and what it takes to "
        "train a MobileNet. {} minutes",
        minutes("training"),
    ),
    computed(
        "from MACs to milliseconds, into a file for a phone, and into 8 bits. {} minutes",
        minutes("device"),
    ),
]
# How often each name with a digit in it stands there.
INTRO_NAMES = {
    "MobileNetV1": 1,
    "MobileNetV2": 1,
    "MobileNetV3": 1,
    "V1": 7,
    "V2": 5,
    "V3": 6,
    "VGG-16": 2,
}


README = [
    given("from a 6×6×3 input to a 4×4×5 output"),
    computed("in one step with {:,} multiply-accumulates", STANDARD),
    computed("with {} + {} = {}", DW, PW, PAIR),
    named("You need Python 3.11 to 3.14 and make", "tools/supported.py"),
    named("on macOS 14 or newer", "tools/supported.py"),
    named("(the one on devices two, and 3 GB of memory)", "MEMORY in tests/test_contracts"),
    named("and again with PyTorch 2.8", "tests/environments"),
    given("and needs some 12 GB of disk"),
    named("http://localhost:8000", "the Makefile's PORT"),
    given("runtime executes, and 8 bits."),
]
README_NAMES = {"CC BY 4.0": 1, "MobileNetV1": 1, "V1": 1, "V2": 1, "V3": 1}

FIGURES = [
    computed("{:,.0f} M, {} %", MILLION["VGG-16"], TOP1["VGG-16"]),
    computed("{:,.0f} M, {} %", MILLION["full"], TOP1["full"]),
    *(computed("{:.0f} M, {} %", MILLION[name], TOP1[name]) for name in ("V1", "V2", "V3")),
]
FIGURES_NAMES = {"V1": 2, "V2": 1, "V3": 1, "VGG-16": 1}
