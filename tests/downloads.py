"""What the tests of downloaded weights share; the server is in conftest.py."""

MISSED = "No trained weights: "
NOWHERE = "http://127.0.0.1:9"  # a port at which nobody listens
BAD = {  # what may stand in a cache, made of what should
    "empty": lambda right: b"",
    "cut": lambda right: right[: len(right) // 2],
    "a login page": lambda right: b"<!DOCTYPE html><html><body>Please log in.</body></html>",
    "a bit flipped": lambda right: right[:-900] + bytes([right[-900] ^ 1]) + right[-899:],
}


def the_line(capsys) -> str:
    """All that was printed: one line that says what is missing."""
    out = capsys.readouterr().out
    assert out.startswith(MISSED) and out.count("\n") == 1, out
    return out.removeprefix(MISSED)
