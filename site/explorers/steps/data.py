"""Numbers to convolve with, step by step."""

import random

TITLE = "A convolution, step by step"


def make() -> dict:
    """Small whole numbers for the worked example: an input of 6×6×3 and its layers' weights."""
    pick = random.Random(3)

    def block(*shape: int, numbers: tuple[int, ...]):
        if not shape:
            return pick.choice(numbers)
        return [block(*shape[1:], numbers=numbers) for _ in range(shape[0])]

    weights = (-1, 0, 1, 2)
    return {
        "input": block(3, 6, 6, numbers=tuple(range(10))),
        "full": block(5, 3, 3, 3, numbers=weights),
        "depthwise": block(3, 3, 3, numbers=weights),
        "pointwise": block(5, 3, numbers=weights),
    }
