"""The evidence of a report: the study in the storage, its confirmed winner with its predictions, and the judged documents on the
same data."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import optuna
from optuna.distributions import BaseDistribution

from tuner.charts.content import Block
from tuner.data.load import held_out
from tuner.data.sources import Places
from tuner.documents.assessment import Assessment
from tuner.documents.comparison import assessments_of
from tuner.documents.section import Searched
from tuner.outcome import Outcome, read_outcome
from tuner.recipe import Recipe
from tuner.report.importance import Importance, ended_trials, importances
from tuner.report.measuring import COLUMNS
from tuner.report.own_data import data_blocks
from tuner.report.predictions import Predictions, read_predictions
from tuner.storage import StudyRecord, TrialRecord
from tuner.storage.confirmed import Confirmed
from tuner.storage.trainings import trainings_of


@dataclass(frozen=True)
class Evidence:
    """Missing parts are None or empty; `gaps` has the reasons that are not obvious. `data` are identities of data sets by name,
    `latencies` milliseconds for one example by recipe key, `distributions` those of parameters. `recipe` is the winner's, or
    the first one of a trial: a study may search over several preparations of its data. `own` are blocks on a user's own data."""

    outcome: Outcome
    data: Mapping[str, str]
    storage: str
    recipe: Recipe | None = None
    winner: Predictions | None = None
    documents: tuple[Assessment, ...] = ()
    gaps: tuple[str, ...] = ()
    importances: tuple[Importance, ...] = ()
    distributions: Mapping[str, BaseDistribution] = field(default_factory=dict)
    latencies: Mapping[str, float] = field(default_factory=dict)
    own: tuple[Block, ...] = ()

    @property
    def record(self) -> StudyRecord:
        """The study and its trials."""
        return self.outcome.record

    @property
    def confirmed(self) -> Confirmed | None:
        """The confirmed winner."""
        return self.outcome.confirmed

    @property
    def title(self) -> str:
        """The study's title, or its name."""
        return self.record.title or self.record.name

    @property
    def dataset(self) -> str:
        """The data set that the page is about: the winner's, or the first that the study named."""
        return self.confirmed.recipe.data.name if self.confirmed else next(iter(self.data), "")

    @property
    def searched(self) -> Searched | None:
        """What the search came to; None without a test accuracy. A refit costs what its trial did an epoch."""
        confirmed = self.confirmed
        if confirmed is None or confirmed.test is None or confirmed.measure != "accuracy":
            return None
        trials = {number: trial for trial in self.record.trials for number in trial.numbers or (trial.number,)}
        refits = (
            recipe.training.epochs * last_seconds(trials[number]) / trials[number].length
            for number, recipe in zip(confirmed.trials, confirmed.recipes, strict=False)
            if number in trials and trials[number].length
        )
        return Searched(self.title, self.dataset, confirmed.test, self.seconds + math.fsum(refits))

    @property
    def seconds(self) -> float:
        """What all trials have trained."""
        looks = (look.seconds for trial in self.record.trials for look in trial.looks[:-1])
        return math.fsum((*looks, *map(last_seconds, self.record.trials)))


def last_seconds(trial: TrialRecord) -> float:
    """What a trial took, or its last look."""
    return trial.looks[-1].seconds if trial.looks else trial.result.seconds if trial.result else 0.0


def gather(study: optuna.Study, url: str, results: Path, places: Places) -> Evidence:
    """Read everything that a report shows of a study."""
    outcome, attributes, gaps = read_outcome(study), study.user_attrs, list[str]()
    confirmed, data = outcome.confirmed, attributes.get("data", {})
    trainings = trainings_of(study.get_trials(deepcopy=False))
    winner = None
    if confirmed:
        winner = read_predictions(confirmed, lambda: held_out(confirmed.recipe.data, places), places, gaps)
    documents = assessments_of(data, results, gaps)
    searched = (trial.recipe for trial in outcome.record.trials if trial.recipe)
    recipe = confirmed.recipe if confirmed else next(searched, None)
    return Evidence(
        outcome=outcome,
        data=data,
        storage=url,
        recipe=recipe,
        winner=winner,
        documents=documents,
        own=data_blocks(recipe, places, gaps, attributes.get(COLUMNS, {})) if recipe else (),
        gaps=tuple(gaps),
        distributions={name: each for training in trainings for name, each in training.last.distributions.items()},
        importances=importances(ended_trials(trainings), outcome.record.direction),
        latencies=attributes.get("latencies", {}),
    )
