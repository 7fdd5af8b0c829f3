"""Every number of the glossary, and where it comes from."""

from tests.closed_world import named

PAGE = [
    named("top-1 The share of pictures whose class is the network's first guess.", "the first"),
]
# How often each name with a digit in it stands there.
PAGE_NAMES = {
    "1×1": 2,
    "A1": 2,
    "MobileNetV1": 1,
    "ReLU6": 3,
    "V1": 17,
    "V2": 15,
    "V3": 28,
    "VGG-16": 1,
    "im2col": 1,
}
