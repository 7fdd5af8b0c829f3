"""Train the networks of the training chapter's notebook many times, and record how they did.

    .venv/bin/python -m tools.learning

writes `chapters/training/record.json`, in a quarter of an hour on two cores. The chapter
quotes it, its figures draw it, and a test trains some of it again.
"""

import json
import os
import platform
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from statistics import mean, stdev
from typing import NamedTuple

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the record is of a CPU; set before torch is imported

import torch

from tools.notebooks import ROOT, definitions

FILE = ROOT / "chapters" / "training" / "record.json"
COMMAND = "python -m tools.learning"
SEEDS = 20
RECIPE = definitions("training").RECIPES["digits"]
THIN = definitions("training").THIN


class Case(NamedTuple):
    """What is trained, from twenty seeds."""

    kind: str
    width: float = 1.0
    pictures: int = 600  # to learn from
    epochs: int = RECIPE.epochs
    lr: float = RECIPE.lr
    own_split: bool = False  # each seed cuts the digits in its own way


FULL, SEPARABLE, THINNED, LINEAR = NETWORKS = (
    Case("full"),
    Case("separable"),
    Case("full", THIN),
    Case("linear"),
)
PICTURES = (100, 200, 300, 600)
WIDTHS = {"separable": (0.25, 0.5, 1.0, 2.0), "full": (0.0625, 0.125, 0.25, 0.35, 0.5, 1.0)}
LONGER = 4 * RECIPE.epochs
RATES = (RECIPE.lr / 2, 2 * RECIPE.lr, 4 * RECIPE.lr)


def with_pictures(case: Case, pictures: int) -> Case:
    """With fewer pictures, as many steps: more epochs."""
    return case._replace(pictures=pictures, epochs=RECIPE.epochs * 600 // pictures)


CASES = sorted(
    {Case(kind, width) for kind, widths in WIDTHS.items() for width in widths}
    | {with_pictures(case, pictures) for case in NETWORKS for pictures in PICTURES}
    | {case._replace(epochs=LONGER) for case in NETWORKS}
    | {case._replace(lr=lr) for case in NETWORKS[:3] for lr in RATES}
    | {case._replace(own_split=True) for case in NETWORKS}
)


def train(case: Case, seed: int) -> dict:
    """One training of the notebook's: per cent of the test digits, and what it noted by epoch.

    Of the four networks themselves also which test digits they got wrong.
    """
    torch.set_num_threads(1)
    notebook = definitions("training")
    data = notebook.digits(split=seed if case.own_split else 0)
    data = data._replace(train=data.train.take(slice(case.pictures)))
    recipe = RECIPE._replace(epochs=case.epochs, lr=case.lr)
    training = notebook.begin(
        lambda: notebook.SmallMobileNet(case.kind, case.width), recipe, data, seed
    )
    notebook.fit(training)
    wrong = notebook.predict(training.network, data.test.images) != data.test.labels
    result = {
        "test": round(100 - 100 * float(wrong.double().mean()), 2),
        "val": [round(epoch.accuracy, 2) for epoch in training.history],
        "loss": [round(epoch.loss, 5) for epoch in training.history],
    }
    return result | ({"wrong": wrong.nonzero().flatten().tolist()} if case in NETWORKS else {})


def transfer(seed: int) -> dict[str, float]:
    """The notebook's four ways to learn from five pictures: per cent of the test digits."""
    torch.set_num_threads(1)
    notebook = definitions("training")
    scores = notebook.transfer(notebook.digits(), RECIPE, seed)
    return {name: round(score, 2) for name, score in scores.items()}


def transferred(way: str) -> list[float]:
    """What was recorded of one of these ways, seed by seed."""
    return [scores[way] for scores in json.loads(FILE.read_text(encoding="utf-8"))["transfer"]]


def measured(case: Case) -> list[dict]:
    """What was recorded of a case, seed by seed."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))["runs"]
    wanted = case._asdict()
    return next(row["seeds"] for row in rows if wanted.items() <= row.items())


def tested(case: Case) -> list[float]:
    """Its per cent of the test digits, seed by seed."""
    return [run["test"] for run in measured(case)]


def save(runs: dict[Case, list[dict]], ways: list[dict]) -> None:
    record = {
        "command": COMMAND,
        "date": date.today().isoformat(),
        "torch": torch.__version__.partition("+")[0],
        "machine": platform.machine(),
        "transfer": ways,
        "runs": [case._asdict() | {"seeds": runs[case]} for case in CASES],
    }
    text = json.dumps(record)
    FILE.write_text(
        text.replace('{"kind"', '\n{"kind"').replace('{"test"', '\n  {"test"') + "\n",
        encoding="utf-8",
    )


def main() -> None:
    jobs = [(case, seed) for case in CASES for seed in range(SEEDS)]
    with ProcessPoolExecutor(2) as pool:
        done = iter(list(pool.map(train, *zip(*jobs, strict=True))))
        ways = list(pool.map(transfer, range(SEEDS)))
    runs = {case: [next(done) for _ in range(SEEDS)] for case in CASES}
    save(runs, ways)
    for case, seeds in runs.items():
        scores = [run["test"] for run in seeds]
        print(*case, f"{mean(scores):.2f} ± {stdev(scores):.2f}")


if __name__ == "__main__":
    main()
