"""The matrices of the figure: the spiral is embedded with them at first."""

TITLE = "What a ReLU destroys"

# In the order in which they are drawn: those of the figure first.
CHANNELS = (2, 3, 5, 15, 30, 4, 8)


def make() -> dict:
    """For each number of channels n, the figure's random matrix: n rows of two numbers."""
    import torch

    same = torch.Generator().manual_seed(44)
    drawn = {n: torch.randn(n, 2, dtype=torch.float64, generator=same).tolist() for n in CHANNELS}
    return {"matrices": [drawn[n] for n in sorted(drawn)]}
