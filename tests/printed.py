"""How a printed number comes from what we count."""

MILLION, HUNDRED_MILLIONS = 1e6, 1e8


def rounded(count: float, digits: int) -> float:
    return round(count, digits)


def cut(count: float, digits: int) -> float:
    return int(count * 10**digits) / 10**digits


def check(printed: float, count: int, digits: int, how: str | int | None) -> None:
    """A printed number of millions is our count rounded (None), our count cut ("cut"), or neither:
    "unknown", or a number that says which other network it counts.
    """
    count /= MILLION
    assert (rounded(count, digits) == printed) == (how is None)
    if how:
        assert (cut(count, digits) == printed) == (how == "cut")
