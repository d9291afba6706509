"""Replicating documents as `tuner baseline` does it: run, keep, judge, write the results down."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import optuna

from tuner.base.machine import environment
from tuner.data.load import Places, training_set
from tuner.documents.assessment import Assessment
from tuner.documents.assessor import Assessor
from tuner.documents.claims import LONG_SECONDS, LOOKS
from tuner.documents.document import Choice, Document
from tuner.documents.replicate import Planned, Replicating, is_of, keep, open_baseline, plan, stored_runs
from tuner.documents.results import read_results, write_results
from tuner.documents.runs import Run
from tuner.storage import open_storage
from tuner.worker import make_executor
from tuner.worker.executor import Executor, Setup
from tuner.worker.folder import Folder
from tuner.worker.jobs import Failure

Said = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class BaselineOptions:
    """What one call of `baseline` is to do. `only` is a pattern of experiments' names; `results` the folder with the
    results of all calls, one file a document. With `until_decided` there are further runs by the rule of `claims.LOOKS`."""

    documents: Mapping[str, Document]
    storage: str
    places: Places
    results: Path
    only: str
    repeats: int
    until_decided: bool
    every_reading: bool
    workers: int
    threads: int
    runs: Path
    executor: str = "processes"


@dataclass(frozen=True)
class Replication:
    """What was asked for of a document, judged by all `runs` there are; `failures` says what could not be run."""

    assessment: Assessment
    runs: tuple[Run, ...]
    failures: tuple[str, ...]


def baseline(options: BaselineOptions, said: Said) -> dict[str, Replication]:
    """Run what is not done yet and judge each document by all that is. Results are written after each document, and
    where it is interrupted."""
    folder = Folder(options.runs / "documents")
    folder.prepare()
    storage = open_storage(options.storage)
    setup = Setup(options.places, options.workers, options.threads, folder)
    executor = make_executor(options.executor, setup)
    found = {}
    try:
        for name, document in options.documents.items():
            path = options.results / f"{name}.json"
            study = open_baseline(storage, f"document: {name}", document)
            _take_in(document, study, path, said)
            caller = _Caller(document, study, options, executor, said)
            try:
                caller.run()
            finally:
                write_results(path, document, caller.runs)
            asked = {each.id for each in document.matching(options.only)}
            assessment = Assessor(document, caller.runs).assess().among(asked)
            found[name] = Replication(assessment, tuple(caller.runs), tuple(caller.failures.values()))
    finally:
        executor.close()
    return found


class _Caller:
    """Runs one document's experiments, as many as are asked for and not done."""

    def __init__(
        self, document: Document, study: optuna.Study, options: BaselineOptions, executor: Executor, said: Said
    ) -> None:
        self.document, self.options, self.said = document, options, said
        self.replicating = Replicating(document, study, {}, executor, _kept_environment(options.threads))
        self.failures: dict[tuple[str, str, int], str] = {}

    @property
    def runs(self) -> list[Run]:
        """All runs there are."""
        return self.replicating.runs

    def run(self) -> None:
        """The first readings; then the choice of readings that explains the document best, as often as the rule of `LOOKS`
        says. Further runs may make another choice the better one: then again, until it stays."""
        document, only = self.document, self.options.only
        self._run(plan(document, document.first, only, self.options.repeats))
        before, choice = None, self._explained()
        while self.options.until_decided and before != choice:
            for look in LOOKS:
                found = Assessor(document, self.runs).assess()
                again = found.unclear - self._long if look > LOOKS[0] else None
                self._run(plan(document, found.choice, only, look, again))
            before, choice = choice, self._explained()

    def _explained(self) -> Choice:
        """The choice of readings that explains the document best; if every reading is wanted, after it was run as often as the
        first ones and its alternatives once, until none of them explains it better."""
        document, only = self.document, self.options.only
        while True:
            choice = Assessor(document, self.runs).explain()
            if not self.options.every_reading:
                return choice
            wanted = list(plan(document, choice, only, self.options.repeats))
            for neighbour in document.neighbours(choice):
                wanted += plan(document, neighbour, only, repeats=1)
            if not self._run(wanted):
                return choice

    @property
    def _long(self) -> set[str]:
        """The experiments that take too long to be looked at more than once."""
        seconds: dict[str, list[float]] = {}
        for run in self.runs:
            seconds.setdefault(run.experiment, []).append(run.seconds)
        return {experiment for experiment, each in seconds.items() if fmean(each) > LONG_SECONDS}

    def _run(self, planned: Iterable[Planned]) -> int:
        """How many runs of those that were planned had to be made."""
        asked = list({each.names: each for each in planned}.values())
        missing = [each for each in asked if not self.replicating.has(each) and each.names not in self.failures]
        if not missing:
            self.said(f"{self.document.title}: {len(asked)} runs are asked for, nothing is left to do")
            return 0
        self.said(f"{self.document.title}: {len(asked)} runs are asked for, {len(asked) - len(missing)} are done")
        for name in {each.recipe.data.name for each in missing} - self.replicating.data.keys():
            self.replicating.data[name] = training_set(name, self.options.places, self.said)
        started = time.monotonic()
        for count, (each, answer) in enumerate(self.replicating.run(missing), start=1):
            self.said(f"{time.monotonic() - started:7.1f} s  {count:>3}  {_words(each, answer)}")
            if isinstance(answer, Failure):
                self.failures[each.names] = f"{_name(each)}: {answer.reason}"
        return len(missing)


def _take_in(document: Document, study: optuna.Study, path: Path, said: Said) -> None:
    """Runs that the results have and the storage has not become trials, if they are of the document as it is."""
    there = {(run.names, run.key) for run in stored_runs(study)}
    missing = [run for run in read_results(path) if (run.names, run.key) not in there and is_of(document, run)]
    for run in missing:
        keep(study, run)
    if missing:
        said(f"{len(missing)} runs are taken from {path}; to run all afresh, give other --results and --runs")


def _kept_environment(threads: int) -> dict[str, str]:
    return {name: value for name, value in environment(threads).items() if name != "host"}


def _name(planned: Planned) -> str:
    reading = f" [{planned.variant.reading}]" if planned.variant.reading else ""
    return f"{planned.variant.experiment.id}{reading} #{planned.repeat}"


def _words(planned: Planned, answer: Run | Failure) -> str:
    name = _name(planned)
    if isinstance(answer, Failure):
        return f"{name}: failed: {answer.reason}"
    test = answer.figures["test_accuracy"]
    told = planned.variant.experiment.reported.get("test_accuracy")
    beside = f" (reported {told})" if told is not None else ""
    ended = "" if answer.ended == "finished" else f", {answer.ended}"
    left_out = int(answer.figures.get("members_left_out", 0))
    without = f", {left_out} members left out: their outputs are not numbers" if left_out else ""
    return f"{name}: test accuracy {test:.4f}{beside}, {answer.seconds:.1f} s{ended}{without}"
