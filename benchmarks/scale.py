"""Many workers on one storage: trials per second, what a trial costs whom, and what 1,000 workers would need.

    PYTHONPATH=. python benchmarks/scale.py [--workers 1 2 4 8] [--seconds 15] [--storage postgresql] [--out FILE]

Each worker is a process with the search's own loop: it asks the sampler, begins, reports, ends and reads what the others have done.
Only its trainings are invented: they sleep, either not at all (the most that a storage takes) or for the seconds of recorded
trainings (`curves/digits.jsonl`). A trial reports five epochs; with one report it shows what writing them at once could bring at most.
SQLite and a journal are files that this makes; --storage is an empty database of a server on this machine, which is measured with
Optuna's gRPC proxy in front of it, too; `postgresql` is one that this starts. `--trials` are the sizes of studies for which the
sampler's cost is measured, in memory. A model of queues (`scale_model.py`) then says what more workers would come to.
"""

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import optuna
import psutil
from common import about_this_machine, own_server, write_results
from optuna.trial import TrialState
from recorded import read
from sampling import Silence
from scale_growth import growth
from scale_model import plan

from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.recipe import Recipe
from tuner.refit.session import Session
from tuner.result import Epoch, FoldResult, Result, Scores, Watch
from tuner.search.loop import Loop
from tuner.search.studies import open_study
from tuner.storage import Patience, default_url, open_storage
from tuner.storage.leases import Leases
from tuner.study import StudyFile, study_from
from tuner.study.settings import NO_LIMIT
from tuner.training.costs import Preflight
from tuner.worker.folder import Folder
from tuner.worker.jobs import Answer, Job, Train

EPOCHS = 5
SHARE = 16
"""The recorded trainings whose seconds are drawn: those of a sixteenth of the longest length."""

WARM_UP = 8
"""Trials of a study before the time of its workers begins: the first ones import what they need."""

ENDED = (TrialState.COMPLETE, TrialState.PRUNED)

STUDY: dict[str, Any] = {
    "search": {"sampler": "random", "pruner": "median"},
    "recipe": {
        "data": {"name": "xor"},
        "network": {"kind": "dense", "widths": {"repeat": {"low": 1, "high": 3}, "each": {"low": 8, "high": 512}}},
        "training": {
            "batch_size": {"choice": [16, 32, 64]},
            "optimizer": {
                "kind": "sgd",
                "learning_rate": {"low": 1e-4, "high": 1.0, "log": True},
                "momentum": {"low": 0.0, "high": 0.9},
            },
        },
    },
}


def recorded_seconds() -> tuple[float, ...]:
    """The seconds of recorded trainings of one length, with what comes before them."""
    recording = read(Path(__file__).parent / "curves" / "digits.jsonl")
    looks = ((each.overhead, each.look(SHARE)) for each in recording.candidates)
    return tuple(overhead + look.seconds for overhead, look in looks if look)


@dataclass
class Sleeper:
    """An executor whose trainings sleep for seconds that chance draws from these."""

    durations: Sequence[float]
    chance: Random
    size: int = 1
    waiting: list[tuple[int, Job, Watch]] = field(default_factory=list)

    @property
    def free(self) -> int:
        """How many more jobs can be submitted now."""
        return self.size - len(self.waiting)

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        """Accept a job."""
        self.waiting.append((number, job, watch))

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        """Sleep through the job."""
        while self.waiting:
            number, job, watch = self.waiting.pop()
            assert isinstance(job, Train)
            yield number, self._trained(job.recipe, watch)

    def cancel(self, number: int) -> None:
        """There is nothing to cancel between two answers."""

    def close(self, grace: float = 0.0) -> None:
        """There is no process to end."""

    def _trained(self, recipe: Recipe, watch: Watch) -> Result:
        seconds, epochs, goes_on = self.chance.choice(self.durations), list[Epoch](), True
        level = 0.5 + 0.4 * Random(recipe.key).random()
        while goes_on and len(epochs) < recipe.training.epochs:
            time.sleep(seconds / recipe.training.epochs)
            number = len(epochs) + 1
            scores = Scores(loss=1 - level, figures={"accuracy": level * number / (number + 1)})
            epochs.append(
                Epoch(fold=0, number=number, training=scores, validation=scores, learning_rate=0.1, seconds=0.1)
            )
            goes_on = watch(epochs[-1])
        ended = "finished" if len(epochs) == recipe.training.epochs else "pruned"
        folds = (FoldResult(epochs=tuple(epochs), kept=len(epochs)),)
        return Result(folds=folds, ended=ended, reason="", parameters=13, seconds=seconds)  # type: ignore[arg-type]


def session_on(url: str, file: StudyFile, folder: Path) -> Session:
    """What a worker of this study needs."""
    study, file, _ = open_study(open_storage(url, Patience()), file)
    sets = {each.name: training_set(each, Places.from_environment()) for each in file.data}
    return Session(
        study=study,
        file=file,
        leases=Leases(study),
        listener=Silence(),
        environment={},
        preflight=Preflight(sets, 2**40),
        folder=Folder(folder),
    )


def work(
    url: str, name: str, epochs: int, seconds: float, durations: Sequence[float], seed: int, start: Any, cpu: Any
) -> None:
    """One worker: search for so many seconds from the common start; its processor seconds go to a queue."""
    with tempfile.TemporaryDirectory() as folder:
        session = session_on(url, file_of(name, epochs, seed), Path(folder))
        Loop(session, Sleeper((0.0,), Random(seed))).run(WARM_UP, 60.0)
        loop = Loop(session, Sleeper(durations, Random(seed)))
        start.wait()
        before = time.process_time()
        loop.run(NO_LIMIT, seconds)
        cpu.put(time.process_time() - before)


def file_of(name: str, epochs: int, seed: int = 0) -> StudyFile:
    """The study; each worker has a seed of its own, since random proposals of one seed would be the same."""
    training = {**STUDY["recipe"]["training"], "epochs": epochs}
    recipe = {**STUDY["recipe"], "training": training}
    search = {**STUDY["search"], "seed": seed, **({"pruner": "none"} if epochs == 1 else {})}  # it could prune nothing
    return study_from(name, {"search": search, "recipe": recipe})


def measure(url: str, workers: int, epochs: int, seconds: float, durations: Sequence[float]) -> dict[str, float]:
    """Trials per second of so many workers, and the processor milliseconds of a trial: the workers', and those of servers."""
    name = f"scale-{time.time():.0f}-{workers}"
    with tempfile.TemporaryDirectory() as folder:
        study = session_on(url, file_of(name, epochs), Path(folder)).study
    context = multiprocessing.get_context("spawn")
    start, cpu = context.Barrier(workers + 1), context.Queue()
    processes = [
        context.Process(target=work, args=(url, name, epochs, seconds, durations, seed, start, cpu))
        for seed in range(workers)
    ]
    for each in processes:
        each.start()
    start.wait()
    finished = len(study.get_trials(deepcopy=False, states=ENDED))
    before, began = server_seconds(), time.perf_counter()
    own = sum(cpu.get() for _ in processes)
    served, took = server_seconds(), time.perf_counter() - began
    for each in processes:
        each.join()
    count = len(study.get_trials(deepcopy=False, states=ENDED)) - finished
    optuna.delete_study(study_name=name, storage=study._storage)
    rate, count = round(count / took, 2), max(1, count)
    spent = {kind: served[kind] - before[kind] for kind in served}
    return {
        "trials per second": rate,
        "worker (CPU ms a trial)": round(1000 * own / count, 1),
        **{f"{kind} (CPU ms a trial)": round(1000 * each / count, 1) for kind, each in spent.items() if each > 0.1},
    }


def server_seconds() -> dict[str, float]:
    """The processor seconds so far of PostgreSQL's processes and of the proxy on this machine, as far as they run."""
    seconds: dict[str, float] = {}
    for each in psutil.process_iter(["name", "cmdline", "cpu_times"]):
        words, times = each.info["cmdline"] or [], each.info["cpu_times"]
        kind = (
            "postgresql" if each.info["name"] == "postgres" else "proxy" if words[3:5] == ["storage", "serve"] else ""
        )
        if kind and times:
            ended = times.children_user + times.children_system  # of a server's processes for connections that ended
            seconds[kind] = seconds.get(kind, 0.0) + times.user + times.system + ended
    return seconds


@contextmanager
def served(url: str) -> Iterator[str]:
    """The URL of a proxy in front of a storage."""
    command = [sys.executable, "-m", "tuner", "storage", "serve", "--port", "0"]
    own = {**os.environ, "TUNER_STORAGE": url}
    process = subprocess.Popen(command, env=own, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        yield process.stderr.readline().split("--storage ")[1].split()[0]
    finally:
        process.terminate()
        process.wait()


def measured(kind: str, url: str, options: argparse.Namespace) -> Mapping[str, Any]:
    """The figures of one storage by the number of workers: without training, the same with a single report, with recorded seconds."""
    results: dict[str, Any] = {}
    most = options.workers[-1:]
    cells = (
        ("no training", EPOCHS, (0.0,), options.workers),
        ("one report", 1, (0.0,), most),
        ("recorded trainings", EPOCHS, recorded_seconds(), most),
    )
    for name, epochs, durations, numbers in cells:
        for workers in numbers:
            found = measure(url, workers, epochs, options.seconds, durations)
            results.setdefault(name, {})[str(workers)] = found
            print(f"{kind}, {name}, {workers} workers: {found}", flush=True)
    return results


def main() -> None:
    """Measure each storage, then growth, then the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--trials", type=int, nargs="*", default=[1000, 10_000, 100_000])
    parser.add_argument("--storage", help="an empty database of a server on this machine, or `postgresql`")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    storages: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        storages["sqlite"] = measured("sqlite", default_url(Path(folder)), options)
        storages["journal"] = measured("journal", f"journal:{folder}/journal.log", options)
    with ExitStack() as running:
        if options.storage == "postgresql":
            options.storage = running.enter_context(own_server()).url
        if options.storage:
            storages["postgresql"] = measured("postgresql", options.storage, options)
            url = running.enter_context(served(options.storage))
            storages["proxy before postgresql"] = measured("proxy", url, options)
    sizes = growth(options.trials)
    durations = recorded_seconds()
    results = {"storages": storages, "growth": sizes, "plan": plan(storages, sizes, durations)}
    if options.out:
        seconds = {
            "seconds of a cell": options.seconds,
            "mean recorded seconds": round(sum(durations) / len(durations), 2),
        }
        write_results(options.out, {**about_this_machine(), **seconds, **results})


if __name__ == "__main__":
    main()
