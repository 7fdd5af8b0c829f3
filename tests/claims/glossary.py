"""Every number of the glossary, and where it comes from."""

from tests.closed_world import given

PAGE = [
    given(
        "calibration calibrate Running a few batches through a network to find "
        "the range of each map, before it is put into 8 bits."
    ),
    given(
        "Its variance is zero, so folding multiplies its weights by a very "
        "large number, and that can ruin 8 bits."
    ),
    given("ImageNet A collection of pictures in 1000 classes, more than a million for training."),
    given("mixed precision Computing in 16 bits where that is safe and in 32 where it is not."),
    given(
        "quantisation quantise Replacing a network's numbers by whole numbers "
        "of 8 bits and a scale."
    ),
    given("top-1 The share of pictures whose right class has the highest logit."),
]
# How often each name with a digit in it stands there.
PAGE_NAMES = {"ReLU6": 3, "V1": 8, "V2": 10, "V3": 13, "im2col": 1}
