"""A document judged: each reported figure under the first readings, under the one choice of readings that explains the whole
document best, and under the reading that explains its own experiment best; each claim; what it took."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tuner.data.catalogue import CATALOGUE
from tuner.data.splits import validated_on
from tuner.decode import decode
from tuner.documents.deviations import largest_spread, typical_spread
from tuner.documents.document import Choice, Document
from tuner.documents.experiment import Claim, Experiment
from tuner.documents.runs import Run
from tuner.documents.verdicts import (
    Judged,
    JudgedCurve,
    Judgement,
    judge,
    judge_claim,
    judge_curve,
    unchecked,
)
from tuner.recipe import Protocol

MEASURED_AS = {"test_loss_at_most": "test_loss", "mean_single_accuracy": "single_accuracy"}
WORTH_IT = 2.0
"""How much likelier (in log density) all figures must become before another reading replaces the first one."""


@dataclass(frozen=True)
class Judgements:
    """An experiment's figures and curves under one reading."""

    reading: str
    figures: tuple[Judged, ...]
    curves: tuple[JudgedCurve, ...]
    runs: int

    @property
    def likelihood(self) -> float:
        """Log density of all reported figures."""
        return math.fsum(judged.likelihood for judged in self.figures)

    @property
    def all(self) -> tuple[Judged | JudgedCurve, ...]:
        """Everything that has a verdict."""
        return (*self.figures, *self.curves)


@dataclass(frozen=True)
class Row:
    """One experiment: `first` readings, those `chosen` for the whole document, and the `best` ones for itself among all
    that were `tried`."""

    experiment: Experiment
    first: Judgements
    chosen: Judgements
    best: Judgements
    tried: int
    seconds: float

    @property
    def disagrees(self) -> bool:
        """Whether a figure is not reproduced under any of its readings."""
        return any(each.verdict == "not reproduced" for each in self.best.all)


@dataclass(frozen=True)
class JudgedClaim:
    """A claim under the first readings and under the chosen ones, each with what decided it."""

    claim: Claim
    first: tuple[Judgement, str]
    chosen: tuple[Judgement, str]


@dataclass(frozen=True)
class Assessment:
    """A whole document."""

    document: Document
    choice: Choice
    rows: tuple[Row, ...]
    claims: tuple[JudgedClaim, ...]
    seconds: float

    @property
    def chosen(self) -> str:
        """The chosen readings that are not the first ones, in words."""
        pairs = zip(self.document.reading, self.choice, strict=True)
        return ", ".join(f"{reading.id}: {reading.options[number].name}" for reading, number in pairs if number)

    @property
    def open(self) -> tuple[str, ...]:
        """The experiments that disagree with the document without an explanation."""
        explained = {name for finding in self.document.finding for name in finding.about}
        return tuple(row.experiment.id for row in self.rows if row.disagrees and row.experiment.id not in explained)

    def count(self, verdict: str, which: str) -> int:
        """How many figures and curves have a verdict under the `first`, `chosen` or `best` readings."""
        return sum(each.verdict == verdict for row in self.rows for each in getattr(row, which).all)


class Assessor:
    """Judges a document by what has been run of it."""

    def __init__(self, document: Document, runs: Sequence[Run]) -> None:
        self.document = document
        self.runs: dict[tuple[str, str], list[Run]] = {}
        for run in sorted(runs, key=lambda run: run.repeat):
            self.runs.setdefault((run.experiment, run.reading), []).append(run)
        self._typical: dict[str, float] = {}
        self._judged: dict[tuple[str, str], Judgements] = {}

    def assess(self) -> Assessment:
        """The verdicts on everything."""
        choice = self.explain()
        rows = tuple(self._row(experiment, choice) for experiment in self.document.experiment)
        claims = tuple(
            JudgedClaim(claim, self._claim(claim, self.document.first), self._claim(claim, choice))
            for claim in self.document.claim
        )
        seconds = {run.key: run.seconds for runs in self.runs.values() for run in runs}
        return Assessment(self.document, choice, rows, claims, math.fsum(seconds.values()))

    def explain(self) -> Choice:
        """The choice of readings that explains the whole document best, as far as it has been tried: from the first ones,
        one reading is changed at a time while that makes the reported figures clearly likelier."""
        choice = self.document.first
        while True:
            gains = {each: self._gain(choice, each) for each in self.document.neighbours(choice)}
            best = max(gains, key=lambda each: gains[each], default=choice)
            if best == choice or gains[best] < WORTH_IT:
                return choice
            choice = best

    def _gain(self, before: Choice, after: Choice) -> float:
        """How much likelier the figures become; minus infinity where that has not been run."""
        gain = 0.0
        for experiment in self.document.experiment:
            old, new = (self.document.variant(experiment, each).reading for each in (before, after))
            if old == new or not any(experiment.figures()):
                continue
            if not {(experiment.id, old), (experiment.id, new)} <= self.runs.keys():
                return -math.inf
            gain += self.judge(experiment, new).likelihood - self.judge(experiment, old).likelihood
        return gain

    def judge(self, experiment: Experiment, reading: str) -> Judgements:
        """One experiment under one reading."""
        key = (experiment.id, reading)
        if key not in self._judged:
            runs = self.runs.get(key, [])
            figures = tuple(self._judge(experiment, name, told, runs) for name, told in experiment.figures())
            curves = tuple(self._judge_curve(name, told, runs) for name, told in experiment.curves())
            self._judged[key] = Judgements(reading, figures, curves, len(runs))
        return self._judged[key]

    def _judge(self, experiment: Experiment, figure: str, reported: Sequence[float], runs: Sequence[Run]) -> Judged:
        name = measured_as(self.document, figure, runs[0].reading) if runs else figure
        measured = values_of(name, runs)
        if figure in experiment.unchecked:
            return unchecked(figure, reported, measured, experiment.unchecked[figure])
        return judge(figure, reported, measured, _examples(figure, runs), self._spread(name, experiment, measured))

    def _judge_curve(self, figure: str, reported: Sequence[float], runs: Sequence[Run]) -> JudgedCurve:
        measured = [run.curve[figure] for run in runs if figure in run.curve]
        return judge_curve(figure, reported, measured, _examples(figure, runs), self._spread(figure))

    def _row(self, experiment: Experiment, choice: Choice) -> Row:
        readings = [reading for name, reading in self.runs if name == experiment.id]
        first = self.judge(experiment, "")
        under = self.document.variant(experiment, choice).reading
        chosen = self.judge(experiment, under if under in readings else "")
        best = max(
            (chosen, first, *(self.judge(experiment, each) for each in readings)), key=lambda each: each.likelihood
        )
        own = {run.key: run.seconds for reading in readings for run in self.runs[experiment.id, reading]}
        return Row(experiment, first, chosen, best, len(readings), math.fsum(own.values()))

    def _claim(self, claim: Claim, choice: Choice) -> tuple[Judgement, str]:
        measured: dict[str, list[float]] = {}
        for experiment in self.document.experiment:
            if experiment.id in claim.experiments:
                runs = self.runs.get((experiment.id, self.document.variant(experiment, choice).reading), [])
                measured[experiment.id] = values_of(claim.figure, runs)
        return judge_claim(claim, measured, self._spread(claim.figure))

    def _spread(self, figure: str, experiment: Experiment | None = None, measured: Sequence[float] = ()) -> float:
        """The typical spread of a figure in the document; for a single run of an experiment that is less steady than
        that, what its other runs are apart."""
        if figure not in self._typical:
            self._typical[figure] = typical_spread(figure, self._groups(figure, self.runs))
        if experiment is None or len(measured) > 1:
            return self._typical[figure]
        own = self._groups(figure, [key for key in self.runs if key[0] == experiment.id])
        return max(self._typical[figure], largest_spread(figure, own))

    def _groups(self, figure: str, keys: Iterable[tuple[str, str]]) -> list[list[float]]:
        return [values_of(figure, self.runs[key]) for key in keys]


def measured_as(document: Document, figure: str, reading: str) -> str:
    """What of our runs stands beside a reported figure under a reading, as `Run.figure` names it."""
    return document.measured(reading).get(figure, MEASURED_AS.get(figure, figure))


def values_of(figure: str, runs: Sequence[Run]) -> list[float]:
    """A figure of those runs that have it."""
    values = [run.figure(figure) for run in runs]
    return [value for value in values if value is not None]


def _examples(figure: str, runs: Sequence[Run]) -> int:
    """How many images an accuracy was measured on; 0 for training accuracies, whose images are the document's own."""
    if not runs or figure.startswith("training"):
        return 0
    entry = CATALOGUE[runs[0].recipe["data"]["name"]]
    if "validation" not in figure:
        return entry.test_examples
    return validated_on(decode(Protocol, runs[0].recipe["protocol"], "protocol"), entry)  # type: ignore[arg-type]
