"""Searches that are killed, interrupted, frozen, locked out and damaged at random, and what must hold after each round.

    python benchmarks/chaos.py [--rounds 300] [--out benchmarks/results/chaos.jsonl] [--storage sqlite journal postgresql URL]

A round is one study of invented trainings (`invented.py`), searched by calls of which each meets a disturbance of `DISTURBANCES`,
and at last by one that nobody disturbs. The number of a round is its seed. Rounds in the file are not run again. Storages take
turns: `postgresql` is a server that this starts, for which PostgreSQL's programs and pytest must be on the machine; a URL, such as
postgresql+psycopg://…, is another server's.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from attacked import Study, prepare_forks
from attacks import DISTURBANCES

if TYPE_CHECKING:
    from tests.support.servers import PostgreSQL

CALLS = 3
STORAGES = ("sqlite", "journal")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds that are missing; 1 if anything did not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "chaos.jsonl")
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument(
        "--storage", nargs="+", default=[*STORAGES, *filter(None, [os.environ.get("TUNER_TEST_STORAGE")])]
    )
    options = parser.parse_args(arguments)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    lines = options.out.read_text(encoding="utf-8").splitlines() if options.out.is_file() else []
    done = {each["round"]: each for each in map(json.loads, lines)}
    missing = [number for number in range(options.rounds) if number not in done]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        undisturbed = Study(Path(folder), "undisturbed", "sqlite")
        if missing:
            prepare_forks()
            undisturbed.finish()
        server = running.enter_context(own_server()) if missing and "postgresql" in options.storage else None
        for number in missing:
            storage = options.storage[number % len(options.storage)]
            study = Study(Path(folder), f"round-{number}", storage, server)
            done[number] = run_round(number, study, options.calls, undisturbed)
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(done[number]) + "\n")
            print(json.dumps(done[number]), flush=True)
    broken = [each for each in done.values() if each["broken"]]
    print(
        f"{len(done)} rounds, {sum(len(each['calls']) for each in done.values())} calls disturbed, {len(broken)} rounds broken"
    )
    return 1 if broken else 0


def own_server() -> "AbstractContextManager[PostgreSQL]":
    """A PostgreSQL server, as the tests start it."""
    sys.path.append(str(Path(__file__).parents[1]))
    from tests.support.servers import postgresql

    return postgresql()


def run_round(number: int, study: Study, count: int, undisturbed: Study) -> dict[str, object]:
    """One round with so many disturbed calls; `broken` says what did not hold."""
    chance, began = random.Random(number), time.monotonic()
    names = [name for name, each in DISTURBANCES.items() if each.storage in ("", study.kind)]
    calls: list[str] = []
    for _ in range(count):
        calls.append(chance.choice(names))
        before = study.finished
        has_rival = chance.random() < 0.3 and not DISTURBANCES[calls[-1]].damages
        rivals = [study.start()] if has_rival else []
        DISTURBANCES[calls[-1]].disturb(study, chance)
        for each in rivals:
            study.shared = True
            study.wait_for(each, "a search beside it")
        after = {trial.number: trial for trial in study.trials}
        if any(after.get(trial.number) != trial for trial in before):
            study.broken.append(f"{calls[-1]}: a finished trial changed")
        study.check_call(calls[-1])
    study.finish()
    study.check(undisturbed)
    seconds = round(time.monotonic() - began, 1)
    kind = study.kind if study.kind in (*STORAGES, "postgresql") else "server"
    return {"round": number, "storage": kind, "calls": calls, "seconds": seconds, "broken": study.broken}


if __name__ == "__main__":
    sys.exit(main())
