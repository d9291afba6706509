"""Running a document's experiments: each document is an Optuna study of its own, and what is done is not done again."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import TrialState, create_trial

from tuner.data.examples import TrainingSet
from tuner.documents.document import Choice, Document, Variant
from tuner.documents.runs import Run, figures_of
from tuner.recipe import Recipe
from tuner.training.costs import work
from tuner.worker import perform
from tuner.worker.executor import Executor
from tuner.worker.jobs import Failure
from tuner.worker.replication import Replicate, Replicated


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


def plan(
    document: Document, choice: Choice, only: str, repeats: int, among: Collection[str] | None = None
) -> Iterator[Planned]:
    """The runs of the experiments that match `only`, and are `among` some, under one choice of readings: `repeats` of each, or
    as many as its document did if that is more."""
    for experiment in document.matching(only):
        if among is None or experiment.id in among:
            variant = document.variant(experiment, choice)
            for repeat in range(max(repeats, experiment.repeats)):
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


def is_of(document: Document, run: Run) -> bool:
    """Whether a run is one of the document as it is now: of an experiment that it has, under a reading that it has, of the very
    recipe that these give."""
    experiment = next((each for each in document.experiment if each.id == run.experiment), None)
    if experiment is None:
        return False
    variant = document.variant(experiment, document.choice(run.reading))
    return Planned(variant, run.repeat, variant.repeat(run.repeat)).key == run.key and variant.reading == run.reading


class Replicating:
    """Runs one document's experiments and keeps each run as it ends; `runs` are all that there are of it as it is now. An
    experiment with the same recipe and seed as one that is done takes its figures."""

    def __init__(
        self,
        document: Document,
        study: optuna.Study,
        data: dict[str, TrainingSet],
        executor: Executor,
        environment: Mapping[str, str],
    ) -> None:
        self.study, self.data, self.executor, self.environment = study, data, executor, environment
        self.runs = [run for run in stored_runs(study) if is_of(document, run)]
        self._done = {(run.names, run.key) for run in self.runs}

    def has(self, planned: Planned) -> bool:
        """Whether a run is done."""
        return (planned.names, planned.key) in self._done

    def run(self, planned: Sequence[Planned]) -> Iterator[tuple[Planned, Run | Failure]]:
        """Run what is not done yet, long trainings first."""
        by_key = {run.key: run for run in self.runs}
        waiting: dict[str, list[Planned]] = {}
        for each in {each.names: each for each in planned}.values():
            if self.has(each):
                continue
            if each.key in by_key:
                yield each, self._keep(by_key[each.key].under(*each.names))
            else:
                waiting.setdefault(each.key, []).append(each)
        order = sorted(waiting.values(), key=lambda same: -_seconds(same[0].recipe, self.data))
        for index, answer in perform(self.executor, [same[0].job for same in order]):
            assert isinstance(answer, Replicated | Failure)
            for each in order[index]:
                yield each, answer if isinstance(answer, Failure) else self._keep(self._run(each, answer))

    def _run(self, planned: Planned, answer: Replicated) -> Run:
        figures = figures_of(answer)
        return Run(
            *planned.names,
            key=planned.key,
            recipe=planned.recipe.to_dict(),
            environment=self.environment,
            **figures,
        )

    def _keep(self, run: Run) -> Run:
        keep(self.study, run)
        self.runs.append(run)
        self._done.add((run.names, run.key))
        return run


def _seconds(recipe: Recipe, data: Mapping[str, TrainingSet]) -> float:
    return work(recipe, data[recipe.data.name]).seconds_at_first


def keep(study: optuna.Study, run: Run) -> None:
    """Make a run a trial of its document's study."""
    curve = run.curve.get("validation_accuracy") or run.curve["training_accuracy"]
    plain = run.to_dict()
    study.add_trial(
        create_trial(
            state=TrialState.COMPLETE,
            value=run.figures["test_accuracy"],
            user_attrs={**_shown(plain), "run": plain},
            intermediate_values={run.every * number: value for number, value in enumerate(curve, start=1)},
        )
    )


def _shown(run: Mapping[str, Any]) -> dict[str, Any]:
    """What the dashboard's table shows of a plain run."""
    return {
        "experiment": run["experiment"],
        "reading": run["reading"] or "first",
        "repeat": run["repeat"],
        "seconds": round(run["seconds"], 1),
        **{name: value if isinstance(value, str) else round(value, 5) for name, value in run["figures"].items()},
    }
