"""Searches that are killed, interrupted, frozen, locked out and damaged at random, and what must hold after each round.

    python benchmarks/chaos.py [--rounds 300] [--out benchmarks/results/chaos.jsonl] [--storage sqlite journal URL]

A round is one study of invented trainings (`invented.py`), searched by calls of which each meets a disturbance of `DISTURBANCES`,
and at last by one that nobody disturbs. The number of a round is its seed. Rounds in the file are not run again. Storages take
turns; a URL, such as postgresql+psycopg://…, is a server's.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from attacked import Study
from attacks import DISTURBANCES

CALLS = 3
STORAGES = ("sqlite", "journal")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds that are missing; 1 if anything did not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "chaos.jsonl")
    parser.add_argument(
        "--storage", nargs="+", default=[*STORAGES, *filter(None, [os.environ.get("TUNER_TEST_STORAGE")])]
    )
    options = parser.parse_args(arguments)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    lines = options.out.read_text(encoding="utf-8").splitlines() if options.out.is_file() else []
    done = {each["round"]: each for each in map(json.loads, lines)}
    missing = [number for number in range(options.rounds) if number not in done]
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = Study(Path(folder), "undisturbed", "sqlite")
        if missing:
            undisturbed.finish()
        for number in missing:
            done[number] = run_round(number, Path(folder), options.storage[number % len(options.storage)], undisturbed)
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(done[number]) + "\n")
            print(json.dumps(done[number]), flush=True)
    broken = [each for each in done.values() if each["broken"]]
    print(
        f"{len(done)} rounds, {sum(len(each['calls']) for each in done.values())} calls disturbed, {len(broken)} rounds broken"
    )
    return 1 if broken else 0


def run_round(number: int, folder: Path, storage: str, undisturbed: Study) -> dict[str, object]:
    """One round; `broken` says what did not hold."""
    chance, began = random.Random(number), time.monotonic()
    study = Study(folder, f"round-{number}", storage)
    names = [name for name, each in DISTURBANCES.items() if each.storage in ("", study.kind)]
    calls: list[str] = []
    for _ in range(CALLS):
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
    study.finish()
    study.check(undisturbed)
    seconds = round(time.monotonic() - began, 1)
    kind = study.kind if study.kind in STORAGES else "server"
    return {"round": number, "storage": kind, "calls": calls, "seconds": seconds, "broken": study.broken}


if __name__ == "__main__":
    sys.exit(main())
