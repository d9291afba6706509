"""Which small mistakes in the lines that carry promises the tests would notice: mutation testing with Cosmic Ray.

    python benchmarks/mutants.py [--modules tuner/run.py ...] [--out benchmarks/results/mutants.json]

`mutants.toml` beside this file names the modules, the tests that are to notice, and the kinds of mistakes. Everything runs
in a copy of the checkout. Each mutant's tests run in a process of their own, forked where the libraries are imported
already, which saves three to eight seconds a mutant; TensorFlow has not run there, or a fork of it would hang.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

ROOT = Path(__file__).parent.parent
CONFIG = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
NOT_COPIED = shutil.ignore_patterns(".*", "runs", "reports", "build", "__pycache__")
HELD_BY_TYPES = ("frozen=True", "kw_only=True")
LEAST = 0.9
"""The share of a module's mutants that must be killed."""


@dataclass(frozen=True)
class Mutant:
    """A module's source with one mistake in it: its line (from 1), and the changed lines before and after."""

    source: str
    operator: str
    line: int
    before: str
    after: str


def main() -> None:
    """Mutate, test, print, keep; exit code 1 where too many survive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", nargs="+", default=list(CONFIG["modules"]), choices=list(CONFIG["modules"]))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    out = arguments.out and arguments.out.absolute()
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(ROOT, Path(folder) / "tuner", ignore=NOT_COPIED)
        _enter(copy)
        found = {}
        for module in arguments.modules:
            found[module] = measure(copy / module, **CONFIG["modules"][module])
            print(f"{module}: {found[module]['killed']} of {found[module]['tested']} killed", flush=True)
            if out:
                _keep(out, module, found[module])
        os.chdir(ROOT)
    sys.exit(any(each["killed"] < LEAST * each["tested"] for each in found.values()))


def measure(path: Path, tests: list[str], most: int) -> dict[str, Any]:
    """What became of the mutants of a module: all of them, or a sample of `most`, the same one every time."""
    source, began = path.read_text(encoding="utf-8"), time.monotonic()
    if _outcome(tests, seconds=600) != "survived":
        sys.exit(f"{' '.join(tests)}: must pass before anything is mutated")
    seconds = max(20.0, 3 * (time.monotonic() - began))
    for cached in path.parent.glob(f"__pycache__/{path.stem}.*"):
        cached.unlink()
    everything = list(mutants(source))
    chosen = everything if len(everything) <= most else random.Random(0).sample(everything, most)
    sys.dont_write_bytecode = True
    outcomes = [(mutant, _outcome_of(mutant, path, tests, seconds)) for mutant in chosen]
    path.write_text(source, encoding="utf-8")
    sys.dont_write_bytecode = False
    told = [outcome for _, outcome in outcomes]
    return {
        "mutants": len(everything),
        "tested": len(chosen),
        "killed": len(told) - told.count("survived"),
        "of_these_by_timeout": told.count("timeout"),
        "seconds": round(time.monotonic() - began),
        "survivors": [
            {name: value for name, value in asdict(mutant).items() if name != "source"}
            for mutant, outcome in outcomes
            if outcome == "survived"
        ],
    }


def mutants(source: str) -> Iterator[Mutant]:
    """All mutants worth a test: those that are Python still (Cosmic Ray takes the `**` of a display for a power), and not
    those of a value that is frozen or named no more, which mypy holds."""
    for name in CONFIG["operators"]:
        for occurrence in count():
            try:
                mutated = mutate_code(source, get_operator(f"core/{name}")(), occurrence)
            except AttributeError:  # Cosmic Ray 8.7 on `except zipfile.BadZipFile`: a name with a dot
                continue
            if mutated is None:
                break
            if _compiles(mutated) and all(mutated.count(each) == source.count(each) for each in HELD_BY_TYPES):
                yield _mutant(source, mutated, name)


def _mutant(source: str, mutated: str, operator: str) -> Mutant:
    before, after = source.splitlines(), mutated.splitlines()
    first = next(index for index, (one, two) in enumerate(zip(before, after, strict=False)) if one != two)
    first += not before[first]  # a decorator goes with the line before it
    return Mutant(mutated, operator, first + 1, before[first].strip(), after[first].strip())


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _outcome_of(mutant: Mutant, path: Path, tests: list[str], seconds: float) -> str:
    path.write_text(mutant.source, encoding="utf-8")
    outcome = _outcome(tests, seconds)
    if outcome == "survived":
        print(f"{path.name}:{mutant.line}: {mutant.before}  ->  {mutant.after}", flush=True)
    return outcome


def _outcome(tests: list[str], seconds: float) -> str:
    """`survived` where all tests pass in a process of their own, `killed` where one fails, or `timeout`."""
    child = os.fork()
    if child == 0:
        _run(tests)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return "killed" if status else "survived"
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timeout"


def _run(tests: list[str]) -> None:
    """Never returns."""
    import pytest

    os.setsid()
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    os._exit(int(pytest.main(["-x", "-p", "no:cacheprovider", *tests])))


def _enter(copy: Path) -> None:
    """Have all that follows import the copy's package, but not yet; and import what is slow to."""
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy)
    sys.path.insert(0, str(copy))
    for name in CONFIG["imported_before"]:
        __import__(name)
    assert not any(name.split(".")[0] == "tuner" for name in sys.modules)


def _keep(path: Path, module: str, found: dict[str, Any]) -> None:
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**kept, module: found}, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
