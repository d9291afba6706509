"""Running a document's experiments: each document is an Optuna study of its own, and what is done is not done again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatch
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import TrialState, create_trial

from tuner.data.parts import TrainingSet
from tuner.documents.document import Document, Variant
from tuner.documents.runs import Run, figures_of
from tuner.recipe import Recipe
from tuner.result import never_stop
from tuner.search.costs import work
from tuner.search.interfaces import Executor
from tuner.search.jobs import Failure, Replicate, Replicated


@dataclass(frozen=True)
class Planned:
    """A run to be made: a variant of an experiment with a seed."""

    variant: Variant
    repeat: int
    recipe: Recipe

    @property
    def job(self) -> Replicate:
        """What a training process is asked to do."""
        experiment = self.variant.experiment
        return Replicate(self.recipe, experiment.members, experiment.attack)

    @property
    def key(self) -> str:
        """Equal for runs that are the same training and measuring."""
        experiment = self.variant.experiment
        extra = f"-{experiment.members}-{experiment.attack:g}" if experiment.members > 1 or experiment.attack else ""
        return self.recipe.key + extra

    @property
    def names(self) -> tuple[str, str, int]:
        """What it is a run of, as `Run` names it."""
        return self.variant.experiment.id, self.variant.reading, self.repeat


def plan(document: Document, only: str, repeats: int, every_reading: bool) -> Iterator[Planned]:
    """The runs that are asked for: of the experiments that match `only`, each variant `repeats` times, or as often as its
    document did it if that is more."""
    for experiment in document.experiment:
        if not fnmatch(experiment.id, only):
            continue
        for variant in document.variants(experiment, every_reading):
            wanted = max(repeats, experiment.repeats) if not variant.reading else repeats
            for repeat in range(wanted):
                yield Planned(variant, repeat, variant.repeat(repeat))


def open_baseline(storage: BaseStorage, name: str, document: Document) -> optuna.Study:
    """The document's study in the storage, made if need be."""
    study = optuna.create_study(study_name=name, storage=storage, direction="maximize", load_if_exists=True)
    if study.user_attrs.get("title") != document.title:
        study.set_user_attr("title", document.title)
    return study


def stored_runs(study: optuna.Study) -> Iterator[Run]:
    """What has been run already."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        yield Run.from_dict(trial.user_attrs["run"])


def replicate(
    study: optuna.Study,
    runs: list[Planned],
    data: Mapping[str, TrainingSet],
    executor: Executor,
    environment: Mapping[str, str],
) -> Iterator[tuple[Planned, Run | Failure]]:
    """Run what is not done yet, long trainings first, and keep each as it ends. An experiment with the same recipe and
    seed as one that is done takes its figures."""
    kept = list(stored_runs(study))
    done = {(run.names, run.key) for run in kept}
    by_key = {run.key: run for run in kept}
    waiting: dict[str, list[Planned]] = {}
    for planned in runs:
        names, key = planned.names, planned.key
        if (names, key) in done:
            continue
        if key in by_key:
            run = by_key[key].under(*names)
            _keep(study, run, environment)
            yield planned, run
        else:
            waiting.setdefault(key, []).append(planned)
    order = sorted(waiting, key=lambda key: -_seconds(waiting[key][0].recipe, data))
    for key, answer in _perform(executor, {key: waiting[key][0].job for key in order}):
        for planned in waiting[key]:
            if isinstance(answer, Failure):
                yield planned, answer
                continue
            run = Run(*planned.names, key=key, recipe=planned.recipe.to_dict(), **figures_of(answer))
            _keep(study, run, environment)
            yield planned, run


def _seconds(recipe: Recipe, data: Mapping[str, TrainingSet]) -> float:
    return work(recipe, data[recipe.data.name]).seconds_at_first


def _perform(executor: Executor, jobs: dict[str, Replicate]) -> Iterator[tuple[str, Replicated | Failure]]:
    keys, waiting, running = list(jobs), list(enumerate(jobs.values())), 0
    while waiting or running:
        while waiting and executor.free:
            number, job = waiting.pop(0)
            executor.submit(number, job, never_stop)
            running += 1
        for number, answer in executor.answers(seconds=0.2):
            running -= 1
            assert isinstance(answer, Replicated | Failure)
            yield keys[number], answer


def _keep(study: optuna.Study, run: Run, environment: Mapping[str, str]) -> None:
    curve = run.curve.get("validation_accuracy") or run.curve["training_accuracy"]
    value = run.figures.get("test_accuracy", 0.0)
    study.add_trial(
        create_trial(
            state=TrialState.COMPLETE,
            value=value,
            user_attrs={**_shown(run), "run": run.to_dict(), "environment": dict(environment)},
            intermediate_values=dict(enumerate(curve, start=1)),
        )
    )


def _shown(run: Run) -> dict[str, Any]:
    """What the dashboard's table shows."""
    return {
        "experiment": run.experiment,
        "reading": run.reading or "first",
        "repeat": run.repeat,
        "seconds": round(run.seconds, 1),
        "ended": f"{datetime.now():%Y-%m-%d %H:%M}",
        **{name: round(value, 5) for name, value in run.figures.items()},
    }
