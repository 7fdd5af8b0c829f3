"""Train the networks of the training chapter's notebook many times, and record how they did.

    .venv/bin/python -m tools.learning

writes `chapters/training/measurements.json`, in a quarter of an hour on two cores. The chapter
quotes it, its figures draw it, and a test trains some of it again.
"""

import json
import platform
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from statistics import mean, stdev

import torch

from tools.notebooks import ROOT, definitions

FILE = ROOT / "chapters" / "training" / "measurements.json"
COMMAND = "python -m tools.learning"
SEEDS = 20
RECIPE = definitions("training").RECIPES["digits"]

THIN = definitions("training").THIN
KINDS = (("full", 1.0), ("separable", 1.0), ("full", THIN), ("linear", 1.0))
PICTURES = (100, 200, 300, 600)
WIDTHS = {"separable": (0.25, 0.5, 1.0, 2.0), "full": (0.0625, 0.125, 0.25, 0.35, 0.5, 1.0)}
LONGER = 4 * RECIPE.epochs


def usual_epochs(pictures: int) -> int:
    """With fewer pictures, as many steps: more epochs."""
    return RECIPE.epochs * 600 // pictures


# Kind, width, pictures to learn from, epochs.
CASES = sorted(
    {(kind, width, 600, RECIPE.epochs) for kind, widths in WIDTHS.items() for width in widths}
    | {(*kind, pictures, usual_epochs(pictures)) for kind in KINDS for pictures in PICTURES}
    | {(*kind, 600, LONGER) for kind in KINDS}
)


def train(kind: str, width: float, pictures: int, epochs: int, seed: int) -> dict:
    """One training of the notebook's: per cent of the test digits, and validation by epoch."""
    torch.set_num_threads(1)
    notebook = definitions("training")
    data = notebook.digits()
    data = data._replace(train=data.train[:pictures])
    recipe = RECIPE._replace(epochs=epochs)
    training = notebook.begin(lambda: notebook.small_mobilenet(kind, width), recipe, data, seed)
    notebook.fit(training, data)
    return {
        "test": round(notebook.accuracy(training.network, data.test), 2),
        "val": [round(epoch.accuracy, 2) for epoch in training.history],
        "loss": [round(epoch.loss, 5) for epoch in training.history],
    }


def transfer(seed: int) -> dict[str, float]:
    """The notebook's four ways to learn from five pictures: per cent of the test digits."""
    torch.set_num_threads(1)
    notebook = definitions("training")
    scores = notebook.transfer(notebook.digits(), RECIPE, seed)
    return {name: round(score, 2) for name, score in scores.items()}


def transferred(way: str) -> list[float]:
    """What was recorded of one of these ways, seed by seed."""
    return [scores[way] for scores in json.loads(FILE.read_text())["transfer"]]


def measured(
    kind: str, width: float = 1.0, pictures: int = 600, epochs: int | None = None
) -> list[dict]:
    """What was recorded of a network, seed by seed."""
    wanted = (kind, width, pictures, epochs or usual_epochs(pictures))
    rows = json.loads(FILE.read_text())["runs"]
    names = ("kind", "width", "pictures", "epochs")
    return next(row["seeds"] for row in rows if tuple(row[name] for name in names) == wanted)


def tested(kind: str, width: float = 1.0, pictures: int = 600, epochs: int | None = None) -> list:
    """Its per cent of the test digits, seed by seed."""
    return [run["test"] for run in measured(kind, width, pictures, epochs)]


def main() -> None:
    jobs = [(*case, seed) for case in CASES for seed in range(SEEDS)]
    with ProcessPoolExecutor(2) as pool:
        runs = list(pool.map(train, *zip(*jobs, strict=True)))
        ways = list(pool.map(transfer, range(SEEDS)))
    rows = []
    for index, case in enumerate(CASES):
        seeds = runs[index * SEEDS : (index + 1) * SEEDS]
        names = ("kind", "width", "pictures", "epochs")
        rows.append(dict(zip(names, case, strict=True)) | {"seeds": seeds})
        scores = [run["test"] for run in seeds]
        print(case, f"{mean(scores):.2f} ± {stdev(scores):.2f}")
    record = {
        "command": COMMAND,
        "date": date.today().isoformat(),
        "torch": torch.__version__.partition("+")[0],
        "machine": platform.machine(),
        "transfer": ways,
        "runs": rows,
    }
    text = json.dumps(record)
    FILE.write_text(text.replace('{"kind"', '\n{"kind"').replace('{"test"', '\n  {"test"') + "\n")


if __name__ == "__main__":
    main()
