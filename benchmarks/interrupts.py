"""Ctrl-C at random moments of whole searches on the digits: in how many seconds each ends, and whether the next call finishes it.

    python benchmarks/interrupts.py [--tries 50] [--out benchmarks/results/interrupts.jsonl]

A try is a study of its own. Its processes get SIGINT, as from a terminal, at a moment between the start and the end of a call that
nobody interrupts: imports, trials, refits, reference models, final model, test. The same command is then given again and runs to its end.
The number of a try is its seed. Tries in the file are not run again.
"""

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.outcome import read_outcome
from tuner.storage import default_url, load_study, open_storage

LIMIT_SECONDS = 5.0
TRIALS = 5
STUDY = f"""
objective = "validation_accuracy"
[budget]
trials = {TRIALS}
minutes = 10
[search]
sampler = "tpe"
pruner = "asha"
[confirmation]
seeds = 3
[recipe.data]
name = "digits"
[recipe.protocol]
kind = "holdout"
validation = 0.25
[recipe.training]
loss = "sparse_categorical_crossentropy"
batch_size = 32
epochs = 8
optimizer = {{ kind = "adam", learning_rate = {{ low = 3e-4, high = 3e-2, log = true }} }}
[recipe.network]
kind = "dense"
widths = [{{ low = 16, high = 128 }}]
"""


@dataclass(frozen=True)
class Study:
    """A study in a folder of its own."""

    folder: Path

    def start(self) -> subprocess.Popen[bytes]:
        """A search in a process group of its own, whose messages are in a file."""
        command = [sys.executable, "-m", "tuner", "optimize", "--study", "study.toml", "--name", "digits"]
        where = {"TUNER_RUNS": str(self.folder / "runs"), "TUNER_CACHE": str(self.folder.parent / "cache")}
        with (self.folder / "messages.txt").open("ab") as messages:
            return subprocess.Popen(
                [*command, "--lease", "2s"],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path), **where},
                stdout=messages,
                stderr=messages,
                start_new_session=True,
            )

    @property
    def messages(self) -> str:
        """What its searches have said."""
        return (self.folder / "messages.txt").read_text(errors="replace")

    @property
    def problems(self) -> list[str]:
        """What is wrong with a study that has been searched to its end."""
        outcome = read_outcome(load_study(open_storage(default_url(self.folder / "runs")), "digits"))
        found = ["Traceback"] if "Traceback" in self.messages else []
        if (ended := sum(each.state in ("complete", "pruned") for each in outcome.record.trials)) != TRIALS:
            found.append(f"{ended} trials")
        if outcome.confirmed is None or outcome.confirmed.test is None or not outcome.reference_models:
            found.append("no final model, test or reference models")
        if not (self.folder / "runs" / "digits" / "best.keras").is_file():
            found.append("no best.keras")
        return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the missing tries; 1 if any ended late or could not be finished."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=50)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "interrupts.jsonl")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may start what runs in the background without it
    lines = options.out.read_text(encoding="utf-8").splitlines() if options.out.is_file() else []
    done = {each["try"]: each for each in map(json.loads, lines)}
    missing = [number for number in range(options.tries) if number not in done]
    with tempfile.TemporaryDirectory() as folder:
        whole = seconds_of_a_call(Path(folder)) if missing else 0.0
        for number in missing:
            done[number] = interrupted(number, Path(folder), whole)
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(done[number]) + "\n")
            print(json.dumps(done[number]), flush=True)
    late = [each for each in done.values() if each["seconds"] > LIMIT_SECONDS]
    broken = [each for each in done.values() if each["problems"]]
    slowest = max(each["seconds"] for each in done.values())
    print(
        f"{len(done)} tries, {len(late)} ended after more than {LIMIT_SECONDS:g} s, {len(broken)} could not be finished"
    )
    print(f"slowest {slowest:.1f} s")
    return 1 if late or broken else 0


def seconds_of_a_call(folder: Path) -> float:
    """How long a call takes that nobody interrupts: the second one, for which the data are in the cache."""
    for name in ("first", "second"):
        study, began = new_study(folder / name), time.monotonic()
        assert study.start().wait() == 0, study.messages
        assert not study.problems, (study.problems, study.messages)
    return time.monotonic() - began


def interrupted(number: int, folder: Path, whole: float) -> dict[str, Any]:
    """One try. A call that ends before its moment is repeated: the machine is faster now than when a whole call was measured."""
    chance, load = random.Random(number), os.getloadavg()[0]
    for attempt in itertools.count():
        study, moment = new_study(folder / f"{number}-{attempt}"), chance.random() * whole
        process, began = study.start(), time.monotonic()
        try:
            process.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            break
        whole = time.monotonic() - began
    before = study.messages.strip().splitlines()
    os.killpg(process.pid, signal.SIGINT)
    sent = time.monotonic()
    status = process.wait()
    seconds = time.monotonic() - sent
    again = study.start().wait()
    problems = [
        *([f"exit status {status}"] if status not in (0, 130, -signal.SIGINT) else []),
        *([f"exit status {again} of the next call"] if again else study.problems),
    ]
    return {
        "try": number,
        "after": round(moment, 1),
        "of": round(whole, 1),
        "load": round(load, 1),
        "last": before[-1][:120] if before else "",
        "status": status,
        "seconds": round(seconds, 2),
        "problems": problems,
    }


def new_study(folder: Path) -> Study:
    """A study that has not begun."""
    folder.mkdir()
    (folder / "study.toml").write_text(STUDY)
    (folder / "messages.txt").touch()
    return Study(folder)


if __name__ == "__main__":
    sys.exit(main())
