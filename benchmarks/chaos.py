"""Searches that are killed, interrupted, frozen, locked out and damaged at random, and what must hold after each round.

    python benchmarks/chaos.py [--rounds 300] [--out benchmarks/results/chaos.jsonl] [--storage sqlite journal postgresql URL]
    python benchmarks/chaos.py --machines [--kills 1000] [--out benchmarks/results/crashes.jsonl]

A round is one study of invented trainings (`invented.py`), searched by calls of which each meets a disturbance of `DISTURBANCES`,
and at last by one that nobody disturbs. The number of a round is its seed. Rounds in the file are not run again. Storages take
turns: `postgresql` is a server that this starts, for which PostgreSQL's programs and pytest must be on the machine; a URL, such as
postgresql+psycopg://…, is another server's.

With --machines a leader and two workers search a longer study, and meet what `crashes.py` has, until so many processes were killed.
"""

import argparse
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from attacked import TRIALS, Study, prepare_forks
from attacks import DISTURBANCES, Disturbance
from common import has_server, own_server
from crashes import isolate, possible, small_disk

CALLS = 3
STORAGES = ("sqlite", "journal")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds that are missing; 1 if anything did not hold."""
    options = options_of(arguments)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    lines = options.out.read_text(encoding="utf-8").splitlines() if options.out.is_file() else []
    done = {each["round"]: each for each in map(json.loads, lines)}
    if is_missing(done, options):
        if options.machines:
            isolate()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that its server ends
        with tempfile.TemporaryDirectory() as folder:
            run_rounds(done, options, Path(folder))
    calls = sum(len(each["calls"]) for each in done.values())
    kills = sum(each.get("kills", 0) for each in done.values())
    broken = [each for each in done.values() if each["broken"]]
    print(f"{len(done)} rounds, {calls} calls disturbed, {kills} processes killed, {len(broken)} rounds broken")
    return 1 if broken else 0


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--machines", action="store_true")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--trials", type=int)
    parser.add_argument("--storage", nargs="+", default=[*STORAGES, *(["postgresql"] if has_server() else [])])
    options = parser.parse_args(arguments)
    name, rounds, trials = ("crashes", sys.maxsize, 100) if options.machines else ("chaos", 300, TRIALS)
    options.out = options.out or Path(__file__).parent / "results" / f"{name}.jsonl"
    options.rounds, options.trials = options.rounds or rounds, options.trials or trials
    return options


def is_missing(done: Mapping[int, Mapping[str, Any]], options: argparse.Namespace) -> bool:
    """Whether another round is to be run."""
    return len(done) < options.rounds and not (
        options.machines and sum(each["kills"] for each in done.values()) >= options.kills
    )


def run_rounds(done: dict[int, Any], options: argparse.Namespace, folder: Path) -> None:
    """Run the rounds that are missing, and store each."""
    with ExitStack() as running:
        os.environ["CHAOS_CLOCK"] = str(folder / "clock")
        prepare_forks()
        (disk := folder / "disk").mkdir()
        if options.machines:
            running.enter_context(small_disk(disk))
        folder = disk
        undisturbed = Study(folder, "undisturbed", "sqlite", total=options.trials)
        undisturbed.finish()
        server = running.enter_context(own_server()) if "postgresql" in options.storage else None
        kinds = possible() if options.machines else DISTURBANCES
        while is_missing(done, options):
            number = next(each for each in itertools.count() if each not in done)
            storage = options.storage[number % len(options.storage)]
            study = Study(folder, f"round-{number}", storage, server, options.trials)
            done[number] = run_round(number, study, options.calls, undisturbed, kinds)
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(done[number]) + "\n")
            print(json.dumps(done[number]), flush=True)
            shutil.rmtree(study.folder)


def run_round(
    number: int, study: Study, count: int, undisturbed: Study, kinds: Mapping[str, Disturbance]
) -> dict[str, object]:
    """One round with so many disturbed calls; `broken` says what did not hold."""
    chance, began = random.Random(number), time.monotonic()
    names = [name for name, each in kinds.items() for _ in range(each.weight) if each.storage in ("", study.kind)]
    calls: list[str] = []
    for _ in range(count):
        calls.append(chance.choice(names))
        before = study.finished
        has_rival = chance.random() < 0.3 and not kinds[calls[-1]].damages
        rivals = [study.start()] if has_rival else []
        kinds[calls[-1]].disturb(study, chance)
        for each in rivals:
            study.shared = True
            study.wait_for(each, "a search beside it", (0, 2) if calls[-1] == "disk" else (0,))
        after = {trial.number: trial for trial in study.trials}
        if any(after.get(trial.number) != trial for trial in before):
            study.broken.append(f"{calls[-1]}: a finished trial changed")
        study.check_call(calls[-1])
    study.finish()
    study.check(undisturbed)
    seconds = round(time.monotonic() - began, 1)
    kind = study.kind if study.kind in (*STORAGES, "postgresql") else "server"
    return {
        "round": number,
        "storage": kind,
        "calls": calls,
        "kills": study.kills,
        "seconds": seconds,
        "broken": study.broken,
    }


if __name__ == "__main__":
    sys.exit(main())
