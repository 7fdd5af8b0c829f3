"""Every number of the landing page and the README."""

from tests.claims.separable import DW, PAIR, PW, STANDARD
from tests.closed_world import computed, given, named

INTRO = [
    given("from a 6 by 6 by 3 input to a 4 by 4 by 5 output"),
    computed("Above, in one step: {:,} multiply-accumulates", STANDARD),
    computed("a depthwise step with {}, then a pointwise step with {}", DW, PW),
    computed("together {}.", PAIR),
    given("for a phone, and into 8 bits."),
]
README = [
    given("from a 6×6×3 input to a 4×4×5 output"),
    computed("in one step with {:,} multiply-accumulates", STANDARD),
    computed("with {} + {} = {}", DW, PW, PAIR),
    named("Python 3.11 or newer", "checked by the Makefile"),
    named("http://localhost:8000", "the Makefile's PORT"),
    given("runtime executes, and 8 bits."),
]

# How often each name with a digit in it stands there.
INTRO_NAMES = {"V1": 1, "MobileNetV1": 1, "MobileNetV2": 1, "MobileNetV3": 1}
README_NAMES = {"CC BY 4.0": 1, "MobileNetV1": 1, "V1": 1, "V2": 1, "V3": 1}
