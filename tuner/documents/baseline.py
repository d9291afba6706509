"""Replicates documents for `tuner baseline`: makes the missing runs, stores them, judges them, writes the results."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from statistics import fmean

import optuna

from tuner.base.machine import environment
from tuner.data.examples import TrainingSet
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.documents.assessment import Assessment, assess
from tuner.documents.claims import LONG_SECONDS, LOOKS
from tuner.documents.document import Choice, Document, Variant
from tuner.documents.evidence import Evidence
from tuner.documents.runs import Run, is_of, open_baseline, read_results, run_of, store_run, stored_runs, write_results
from tuner.storage import Patience, open_storage
from tuner.training.costs import work
from tuner.worker import make_executor, perform
from tuner.worker.executor import Executor, Setup
from tuner.worker.folder import Folder
from tuner.worker.jobs import Failure
from tuner.worker.replication import Replicate, Replicated

Log = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class BaselineOptions:
    """The arguments of one call of `baseline`. `only` is a pattern of experiments' ids; `results` the folder of results, one
    file a document. `until_decided` adds runs by the rule of `claims.LOOKS`."""

    documents: tuple[Document, ...]
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


def baseline(options: BaselineOptions, log: Log) -> dict[str, Assessment]:
    """Make the missing runs and judge what is asked for. Results are written after each document and after an interruption."""
    folder = Folder(options.runs / "documents")
    folder.prepare()
    storage = open_storage(options.storage, Patience(log))
    setup = Setup(options.places, options.workers, options.threads, folder)
    assessments = {}
    with closing(make_executor(options.executor, setup)) as executor:
        for document in options.documents:
            replicator = _Replicator(document, open_baseline(storage, document), options, executor, log)
            try:
                replicator.run_all()
            finally:
                write_results(replicator.path, document, replicator.runs)
            asked = {each.id for each in document.matching(options.only)}
            whole = assess(document, replicator.runs, [*replicator.failures.values()])
            assessments[document.name] = whole.restricted_to(asked)
    return assessments


class _Replicator:
    """Makes and stores one document's missing runs. `runs` has all: those in the storage, and in the results file at `path`."""

    def __init__(
        self, document: Document, study: optuna.Study, options: BaselineOptions, executor: Executor, log: Log
    ) -> None:
        self.document, self.study, self.options, self.executor, self.log = document, study, options, executor, log
        self.path = options.results / f"{document.name}.json"
        self.runs = [run for run in stored_runs(study) if is_of(document, run)]
        stored = {run.names for run in self.runs}
        kept = [run for run in read_results(self.path) if run.names not in stored and is_of(document, run)]
        for run in kept:
            store_run(study, run)
        if kept:
            log(f"{len(kept)} runs are taken from {self.path}; to run all again, give other --results and --runs")
        self.runs += kept
        self.failures: dict[tuple[str, str, int], str] = {}
        self._data: dict[str, TrainingSet] = {}
        self._environment = {name: each for name, each in environment(options.threads).items() if name != "host"}

    def run_all(self) -> None:
        """Make the runs of the first stage that lacks any, until no stage does."""
        while any(map(self._run, self._stages())):
            pass
        self.log(f"{self.document.title}: nothing is left to do")

    def _stages(self) -> Iterator[Iterable[Variant]]:
        """The runs that are asked for, each stage by the runs of those before it: the first readings; with `every_reading` the
        most probable script, and once each script that differs from it in two fields or fewer, as far as rows report figures;
        by the rule of `claims.LOOKS` the most probable script three times, with each option of fields that no figure tells, and the
        rows of undecided claims six and ten times."""
        document, options, every = self.document, self.options, {*self.document.by_id}
        yield self._variants(document.first_choice, options.repeats, every)
        evidence = Evidence(document, self.runs)
        choice = evidence.best_script()
        if options.every_reading:
            telling = {each.id for each in document.experiment if each.reported or each.curve}
            near = (self._variants(each, 1, telling) for each in document.neighbours(choice, 2))
            yield chain(self._variants(choice, options.repeats, every), *near)
        if options.until_decided:
            untold = {*range(len(document.reading))} - evidence.telling
            yield chain(*(self._variants(each, LOOKS[0], every) for each in document.choices(untold, choice)))
            yield from (self._variants(choice, look, self._undecided()) for look in LOOKS[1:])

    def _undecided(self) -> set[str]:
        """The experiments of undecided claims, without those that take too long for a second look."""
        claims = (each for each in assess(self.document, self.runs).claims if each.chosen.judgement == "undecided")
        ids = {id_ for each in claims for id_ in each.claim.experiments}
        seconds = {id_: [run.seconds for run in self.runs if run.experiment == id_] for id_ in ids}
        return {id_ for id_, each in seconds.items() if not each or fmean(each) <= LONG_SECONDS}

    def _variants(self, choice: Choice, repeats: int, ids: Collection[str]) -> Iterator[Variant]:
        """The runs of these experiments, if asked for, under a choice: `repeats` of each, or as many as its document made."""
        for experiment in self.document.matching(self.options.only):
            for repeat in range(max(repeats, experiment.repeats) if experiment.id in ids else 0):
                yield self.document.variant(experiment, choice, repeat)

    def _run(self, wanted: Iterable[Variant]) -> int:
        """Make the missing ones of these runs, and return how many those were."""
        asked = {each.names: each for each in wanted}
        done = self.failures.keys() | {run.names for run in self.runs}
        missing = [each for names, each in asked.items() if names not in done]
        if missing:
            self.log(f"{self.document.title}: {len(asked)} runs are asked for, {len(asked) - len(missing)} are done")
        for name in {each.recipe.data.name for each in missing} - self._data.keys():
            self._data[name] = training_set(name, self.options.places, self.log)
        started = time.monotonic()
        for count, (each, answer) in enumerate(self._answers(missing), start=1):
            self.log(f"{time.monotonic() - started:7.1f} s  {count:>3}  {_progress(each, answer)}")
            if isinstance(answer, Failure):
                self.failures[each.names] = f"{each.title}: {answer.reason}"
            else:
                store_run(self.study, answer)
                self.runs.append(answer)
        return len(missing)

    def _answers(self, missing: Iterable[Variant]) -> Iterator[tuple[Variant, Run | Failure]]:
        """Train, longest first; a run with the same recipe and seed as another takes its figures."""
        by_key = {run.key: run for run in self.runs}
        waiting: dict[str, list[Variant]] = {}
        for each in missing:
            if each.key in by_key:
                yield each, replace(by_key[each.key], experiment=each.experiment.id, reading=each.reading)
            else:
                waiting.setdefault(each.key, []).append(each)
        data = self._data
        order = sorted(
            waiting.values(), key=lambda same: -work(same[0].recipe, data[same[0].recipe.data.name]).seconds_at_first
        )
        jobs = [Replicate(each.recipe, each.experiment.members, each.experiment.attack) for each, *_ in order]
        for index, answer in perform(self.executor, jobs):
            assert isinstance(answer, Replicated | Failure)
            for each in order[index]:
                yield each, answer if isinstance(answer, Failure) else run_of(each, answer, self._environment)


def _progress(variant: Variant, answer: Run | Failure) -> str:
    if isinstance(answer, Failure):
        return f"{variant.title}: failed: {answer.reason}"
    reported = variant.experiment.reported.get("test_accuracy")
    text = f"{variant.title}: test accuracy {answer.figures['test_accuracy']:.4f}"
    text += f" (reported {reported})" if reported is not None else ""
    text += f", {answer.seconds:.1f} s" + ("" if answer.ended == "finished" else f", {answer.ended}")
    left_out = int(answer.figures.get("members_left_out", 0))
    return text + (f", {left_out} members left out: their outputs are not finite" if left_out else "")
