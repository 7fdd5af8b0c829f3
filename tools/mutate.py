"""Change the book on purpose, one token at a time, and count what the tests notice.

    python -m tools.mutate code                      # 60 changes in the notebooks' `define` cells
    python -m tools.mutate code --seed 7 --only v2
    python -m tools.mutate numbers                   # every digit of every text, to all nine others
    python -m tools.mutate questions                 # every number that a question gives

No file is changed: each change of code lives in a process of its own, for as long as its tests
take. It exits with 1 where less than 95 % are noticed, and of digits and questions where one is
not.
"""

import argparse
import ast
import builtins
import functools
import importlib
import io
import multiprocessing
import os
import random
import re
import sys
import time
import tokenize
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# As for the tests. Set before torch is imported: a process with threads does not fork well.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

from tools import notebooks, prose

CHAPTERS = sorted(path.parent.name for path in notebooks.ROOT.glob("chapters/*/*.ipynb"))
ENOUGH = 0.95

# ---------------------------------------------------------------- which tests are asked

DEFINED, NUMBERS = "tests/test_define_cells.py", "tests/test_numbers.py"
NETWORKS = tuple(f"tests/test_{name}.py" for name in ("parity", "networks", "uses"))
TESTS = {  # the quickest first: the first failure ends it
    **{chapter: (f"tests/{chapter}", DEFINED, NUMBERS) for chapter in CHAPTERS},
    **{each: (f"tests/{each}", DEFINED, *NETWORKS, NUMBERS) for each in ("v1", "v2", "v3", "v4")},
    "device": ("tests/device", DEFINED),
}
TOO_SLOW = (  # what trains, runs a whole notebook or starts processes of its own; all pages' digits
    "every_cell_runs",
    "the_notebook_runs",
    "the_notebook_says_what",
    "comes_out_again",
    "two_processes_ask",
    "waiting_threads",
    "ruined_again",
    "are_what_was_recorded",
    "behind_a_proxy",
    "four_to_eight_points",
    "in_three_shapes",
    "backend_takes_all",
    "a_changed_digit",
    "appendix",
    "README",
    "intro",
)
LIMIT = 600  # seconds for the tests of one change
WARM = (  # imported once, for all
    "executorch.runtime",
    "huggingface_hub",
    "matplotlib.pyplot",
    "nbclient",
    "pytest",
    "timm",
    "sklearn.datasets",
    "torch.export",
    "torch.fx",
    "torchinfo",
    "torchvision.models",
)

# (chapter, line, changed line): why no test can tell the two apart.
ALONE = "in eval mode each picture is looked at alone, whatever it is batched with"
EQUIVALENT = {
    **{
        (
            chapter,
            "return torch.cat([network(x) for x in part.images.split(100)])",
            "return torch.cat([network(x) for x in part.images.split(101)])",
        ): ALONE
        for chapter in ("quantisation",)
    },
    (
        "training",
        "return torch.cat([network(x).argmax(dim=1) for x in images.split(500)])",
        "return torch.cat([network(x).argmax(dim=1) for x in images.split(501)])",
    ): ALONE,
    **{
        (
            "separable",
            "u, s, vh = torch.linalg.svd(tables, full_matrices=False)",
            f"u, s, vh = torch.linalg.svd(tables, {other})",
        ): "the first singular vectors alone are used, and those are the same"
        for other in ("full_matrices=True", "")
    },
    **{
        (chapter, 'pixels = plt.imread(file, format="jpg")', "pixels = plt.imread(file, )"): (
            "matplotlib takes the format from the file's name"
        )
        for chapter in ("depthwise", "pointwise", "v1", "v2", "v3", "v4")
    },
    (
        "v3",
        'nn.init.kaiming_normal_(layer.weight, mode="fan_in")',
        "nn.init.kaiming_normal_(layer.weight, )",
    ): "PyTorch's default",
    (
        "training",
        "groups, recipe.lr, momentum=0.95, nesterov=True",
        "groups, recipe.lr, momentum=1.9, nesterov=True",
    ): "the schedule sets the momentum before the first step",
    **{
        (
            "quantisation",
            "output_qspec=layer.output_qspec, _annotated=True",
            f"output_qspec=layer.output_qspec,{other}",
        ): "the mark is for quantizers that come later: torchao's preparation does not read it"
        for other in (" _annotated=False", "")
    },
    **{
        (
            "device",
            "for kind, each in zip(kinds, steps, strict=True):",
            f"for kind, each in zip(kinds, steps, {other}):",
        ): "there is a kind for each step"
        for other in ("strict=False", "")
    },
    (
        "trained",
        "sizes = conv.weight.double().abs().flatten(1).sum(1).tolist()",
        "sizes = conv.weight.double().abs().flatten(1).mean(1).tolist()",
    ): "the filters of a layer are of one size, so their order is the same",
    (
        "v2",
        "padding=kernel // 2,",
        "padding=kernel // 3,",
    ): "its kernels are 1 and 3, for which both give 0 and 1",
    (
        "v4",
        "blocks.append(MobileMQA(channels, *row, scale))",
        "blocks.append(MobileMQA(out, *row, scale))",
    ): "attention never comes first, and behind a block both are what left it",
    **{
        (
            "kernels",
            "size, stride = layer.kernel_size[0], layer.stride[0]",
            f"size, stride = layer.kernel_size[{row}], layer.stride[{column}]",
        ): "the next lines refuse a layer whose two sizes, or two strides, are not the same"
        for row, column in ((1, 0), (0, 1))
    },
    (
        "kernels",
        'return "depthwise" if getattr(module, "groups", 1) > 1 else "dense"',
        'return "depthwise" if getattr(module, "groups", 0) > 1 else "dense"',
    ): "a linear layer has no groups: neither 0 nor 1 is more than 1",
    (
        "kernels",
        'size = getattr(module, "kernel_size", (1,))[0]',
        'size = getattr(module, "kernel_size", (0,))[0]',
    ): "a linear layer has no size, and none of its zeros are looked at",
    (
        "kernels",
        "found |= {user: (left, right) for user in node.users}",
        "found |= {user: (top, right) for user in node.users}",
    ): "as many zeros stand above as before: others are refused in the lines before",
    (
        "kernels",
        "sizes = [0] * (max(slots) + 1)",
        "sizes = [1] * (max(slots) + 1)",
    ): "each place has a map, and none has less than a byte",
    **{
        (
            "kernels",
            "for slot, each in zip(slots, maps, strict=True):",
            f"for slot, each in zip(slots, maps, {other}):",
        ): "each map has a slot"
        for other in ("strict=False", "")
    },
}

# ---------------------------------------------------------------- what is changed

OTHER = {  # token: what takes its place
    **{"+": "-", "-": "+", "*": "/", "/": "*", "//": "/", "**": "*", "@": "*", "+=": "-="},
    **{"==": "!=", "!=": "==", "<": "<=", ">": ">=", "<=": "<", ">=": ">", "&": "|"},
    **{"True": "False", "False": "True", "and": "or", "or": "and", "not": ""},
    **{"ReLU6": "ReLU", "ReLU": "ReLU6", "Hardswish": "ReLU", "Hardsigmoid": "Sigmoid"},
    **{"relu6": "relu", "relu": "relu6", "min": "max", "max": "min", "any": "all", "all": "any"},
    **{"mean": "sum", "sum": "mean", "in_channels": "out_channels", "out_channels": "in_channels"},
    **{"m": "n", "n": "m", "kernel": "stride", "stride": "kernel", "rows": "columns"},
    **{"columns": "rows", "top": "left", "left": "top", "inputs": "outputs", "outputs": "inputs"},
    **{"in_features": "out_features", "hidden": "out_channels", "expanded": "in_channels"},
    **{"channels": "out", "out": "channels", "height": "width", "width": "height"},
}


class Mutant(NamedTuple):
    """A change: in the cell's source, what stands from `start` to `end` becomes `new`."""

    chapter: str
    cell: int
    start: int
    end: int
    new: str
    line: int  # in the cell, from 0
    before: str
    after: str

    def apply(self, source: str) -> str:
        return source[: self.start] + self.new + source[self.end :]


class Spans:
    """Where the nodes of a source stand, in characters from its start."""

    def __init__(self, source: str):
        self.lines = source.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def at(self, row: int, column: int) -> int:
        """Of a token: rows from 1, columns in characters."""
        return self.starts[row - 1] + column

    def of(self, node: ast.AST) -> tuple[int, int]:
        """Of a node, whose columns are counted in bytes."""
        ends = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
        start, end = (
            self.at(row, len(self.lines[row - 1].encode()[:column].decode()))
            for row, column in ends
        )
        return start, end


def left_alone(tree: ast.Module, spans: Spans) -> list[tuple[int, int]]:
    """Type hints, which do nothing, and what is put into messages."""
    nodes = []
    for node in ast.walk(tree):
        nodes += [getattr(node, name, None) for name in ("annotation", "returns")]
        nodes += [node] if isinstance(node, ast.JoinedStr) else []
    return [spans.of(node) for node in nodes if node is not None]


def names_read(tree: ast.Module, spans: Spans) -> set[int]:
    """Where names start that are read, and whose other name is known there too.

    Any test that runs such a line would notice a name that nobody knows: that is no challenge.
    """
    found = set()
    for statement in tree.body:
        nodes = list(ast.walk(statement))
        known = {getattr(node, "id", getattr(node, "arg", None)) for node in nodes}
        known |= set(dir(builtins))
        for node in nodes:
            if isinstance(node, ast.Name) and OTHER.get(node.id) in known:
                if isinstance(node.ctx, ast.Load):
                    found.add(spans.of(node)[0])
            elif isinstance(node, ast.Attribute):
                found.add(spans.of(node)[1] - len(node.attr))
    return found


def other_number(text: str) -> str:
    """One more; 0 and 1 change places; a decimal fraction doubles."""
    value = ast.literal_eval(text)
    if isinstance(value, float):
        return repr(value * 2) if value else "1.0"
    return "0" if value == 1 else str(value + 1)


def replaced_tokens(source: str, tree: ast.Module, spans: Spans) -> Iterator[tuple[int, int, str]]:
    alone, names = left_alone(tree, spans), names_read(tree, spans)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        start, end = spans.at(*token.start), spans.at(*token.end)
        if any(low <= start < high for low, high in alone):
            continue
        if token.type == tokenize.NUMBER:
            yield start, end, other_number(token.string)
        elif token.string in OTHER:
            keyword = token.string in ("True", "False", "and", "or", "not")
            if token.type == tokenize.OP or keyword or start in names:
                yield start, end, OTHER[token.string]


def keywords_left_out(source: str, tree: ast.Module, spans: Spans) -> Iterator[tuple]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg is not None:
            start, end = spans.of(node)
            rest = source[end:]
            comma = len(rest) - len(rest.lstrip()) + 1 if rest.lstrip().startswith(",") else 0
            yield start, end + comma, ""


@functools.cache
def mutants(source: str, chapter: str = "", cell: int = 0) -> tuple[Mutant, ...]:
    """All changes of one token, or of one keyword argument, that make another program."""
    tree, spans, found = ast.parse(source), Spans(source), []
    program = ast.dump(tree)
    changes = [
        *replaced_tokens(source, tree, spans),
        *keywords_left_out(source, tree, spans),
    ]
    for start, end, new in sorted(changes):
        line = source.count("\n", 0, start)
        changed = source[:start] + new + source[end:]
        if is_another(program, changed):
            lines = (text.splitlines()[line].strip() for text in (source, changed))
            found.append(Mutant(chapter, cell, start, end, new, line, *lines))
    return tuple(found)


def is_another(program: str, changed: str) -> bool:
    """Whether a changed source is valid, and does something else than the `program`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            return ast.dump(ast.parse(changed)) != program
        except SyntaxError:
            return False


def notebook_of(chapter: str):
    (path,) = (notebooks.ROOT / "chapters" / chapter).glob("*.ipynb")
    return path


def defined_in(chapter: str) -> list[tuple[int, str]]:
    """Its cells tagged `define`, by number."""
    path = notebook_of(chapter)
    return notebooks.define_cells(path, path.stat().st_mtime_ns)


def of_chapter(chapter: str) -> list[tuple[Mutant, ...]]:
    """A chapter's changes, by cell; cells without any are left out."""
    found = [mutants(source, chapter, number) for number, source in defined_in(chapter)]
    return [each for each in found if each]


def draw(count: int, seed: int, chapters: list[str] = CHAPTERS) -> list[Mutant]:
    """The same number in each chapter, and there from one cell after the other."""
    drawn = []
    for place, chapter in enumerate(chapters):
        chance = random.Random(f"{seed} {chapter}")
        cells = [chance.sample(cell, len(cell)) for cell in of_chapter(chapter)]
        chance.shuffle(cells)
        left = count // len(chapters) + (place < count % len(chapters))
        turns = [each[turn] for turn in range(left) for each in cells if turn < len(each)]
        drawn += turns[:left]
    return drawn


# ---------------------------------------------------------------- whether it is noticed


class FirstFailure:
    """A plugin for pytest: the first test that fails, or does not even load."""

    name = ""

    def pytest_runtest_logreport(self, report):
        if report.failed and not self.name:
            self.name = report.nodeid

    pytest_collectreport = pytest_runtest_logreport


def chosen(chapter: str) -> str:
    """For pytest's `-k`: tests that name this chapter, or none at all."""
    others = " or ".join(each for each in CHAPTERS if each != chapter)
    return f"({chapter} or not ({others})) and not ({' or '.join(TOO_SLOW)})"


def run(mutant: Mutant | None, turns: list[list[str]], answer) -> None:
    """In a process of its own: run pytest with these arguments, one turn after the other, with a
    change or without; send the first failure.
    """
    import pytest

    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1), os.dup2(silence, 2)
    original = notebooks.read_notebook

    def changed(path):
        book = original(path)
        if mutant is not None and path == notebook_of(mutant.chapter):
            cell = book.cells[mutant.cell]
            cell.source = mutant.apply(cell.source)
        return book

    notebooks.read_notebook = changed
    notebooks.define_cells.cache_clear()
    notebooks.definitions.cache_clear()
    first, code = FirstFailure(), 0
    options = ["-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(notebooks.ROOT)]
    for turn in turns:
        code = pytest.main([*options, *turn], plugins=[first])
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            break
        code = pytest.ExitCode.OK
    answer.send((int(code), first.name))
    answer.close()
    os._exit(0)  # no clean-up of what the parent goes on using


def first_failure(mutant: Mutant | None, turns: list[list[str]]) -> str:
    """The first test that fails; empty if none does."""
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=run, args=(mutant, turns, send))
    process.start()
    send.close()
    try:
        # Without an end in time, on a busy machine perhaps: nothing was noticed.
        code, name = receive.recv() if receive.poll(LIMIT) else (0, "")
    except EOFError:
        code, name = 1, "the process died"
    finally:
        process.kill()
        process.join()
    if code and not name:
        raise RuntimeError(f"pytest ended with {code} and no verdict: {turns}")
    return name


def noticed_by(mutant: Mutant) -> str:
    """The test that notices a change; empty if none does."""
    return first_failure(
        mutant, [["-k", chosen(mutant.chapter), file] for file in TESTS[mutant.chapter]]
    )


def fails_anyhow(names: set[str]) -> str:
    """Of what failed with a change: the first that fails without any, and so has noticed none."""
    tests = sorted(name for name in names if "::" in name)
    files = sorted(name for name in names if name.endswith(".py"))  # they did not even load
    turns = [tests] * bool(tests) + [["--collect-only", *files]] * bool(files)
    return first_failure(None, turns)


def warm_up() -> None:
    for name in WARM:
        importlib.import_module(name)


def code(count: int, seed: int, only: list[str]) -> int:
    """Print what became of each change; 0 if enough were noticed."""
    os.chdir(notebooks.ROOT)
    warm_up()
    verdicts, tests = [], set()
    for mutant in draw(count, seed, only):
        start = time.perf_counter()
        why = EQUIVALENT.get((mutant.chapter, mutant.before, mutant.after))
        test = "" if why else noticed_by(mutant)
        tests.add(test)
        verdict = "equivalent" if why else "noticed" if test else "ESCAPED"
        verdicts.append(verdict)
        place = f"{mutant.chapter}, cell {mutant.cell}, line {mutant.line + 1}"
        print(f"{verdict:10} {place} ({time.perf_counter() - start:.0f} s): {why or test}")
        print(f"    - {mutant.before}\n    + {mutant.after}", flush=True)
    failing = fails_anyhow(tests)
    if failing:
        print(f"Nothing is proved: {failing} fails without any change")
        return 1
    seen, same = (verdicts.count(each) for each in ("noticed", "equivalent"))
    asked = len(verdicts) - same
    print(f"{seen} of {asked} noticed, {same} more are equivalent (seed {seed})")
    return 0 if seen >= ENOUGH * asked else 1


def numbers(only: list[str]) -> int:
    """Each digit of each text becomes each other digit: how many are not noticed."""
    digits = escaped = 0
    for path in wanted(only):
        found = prose.escapes(path, lambda digit, at: set(range(10)) - {digit})
        read = sum(len(re.findall("[0-9]", chunk.text())) for chunk in prose.read(path))
        print(
            f"{prose.name(path)}: {read} digits, {len(found)} changes unnoticed", *found, sep="\n  "
        )
        digits, escaped = digits + read, escaped + len(found)
    print(f"{digits} digits, {9 * digits} changes, {escaped} unnoticed")
    return escaped > 0


STILL_TRUE = {  # (file, given, changed): why the answer does not change
    (
        "chapters/depthwise/index.md",
        "out4",
        16,
    ): "grouped, each output sees two inputs",
}


def questions(only: list[str]) -> int:
    """Each number that a question gives becomes another: whether its answer turns red."""
    count = escaped = asked = 0
    for path in wanted(only):
        if prose.is_writable(path):
            found = prose.givens(path)
            for chunk, given, other, red in found:
                why = STILL_TRUE.get((chunk.place, given, other))
                if why:
                    print(
                        f"{chunk.where()}: with {given} = {other} the answer is still true: {why}"
                    )
                elif not red:
                    print(f"{chunk.where()}: with {given} = {other} no answer is wrong")
                    escaped += 1
            asked += len({chunk.where() for chunk, *_ in found})
            count += len(found)
    print(f"{asked} questions, {count} changes of what they give, {escaped} unnoticed")
    return escaped > 0


def wanted(only: list[str]) -> list[Path]:
    return [path for path in prose.texts() if any(part in prose.name(path) for part in only)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    of_code = commands.add_parser("code", help="single tokens of notebooks' `define` cells")
    of_code.add_argument("--count", type=int, default=60, help="how many changes")
    of_code.add_argument("--seed", type=int, default=0, help="which changes")
    of_code.add_argument("--only", nargs="+", choices=CHAPTERS, default=CHAPTERS)
    for name in ("numbers", "questions"):
        of_texts = commands.add_parser(name, help=globals()[name].__doc__)
        of_texts.add_argument("only", nargs="*", default=[""], help="parts of paths")
    options = parser.parse_args()
    if options.command == "code":
        return code(options.count, options.seed, options.only)
    return globals()[options.command](options.only)


if __name__ == "__main__":
    sys.exit(main())
