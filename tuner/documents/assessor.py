"""Judging a document by what has been run of it.

**Readings pay for themselves.** Whoever tries many readings finds one that fits. So a reading is chosen by its evidence: the
log density of all the document's figures given our runs, plus the log of its prior probability, which an option shares with
all that were thought of beside it (`Reading.prior`). Figures count as independent; those of one training are not quite, so
that differences of log evidence are rather too large.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from tuner.data.catalogue import CATALOGUE
from tuner.documents.assessment import Assessment, JudgedClaim, Judgements, Row
from tuner.documents.claims import Decision, judge_claim
from tuner.documents.deviations import largest_spread, typical_spread
from tuner.documents.document import Choice, Document
from tuner.documents.experiment import Claim, Experiment
from tuner.documents.runs import Run
from tuner.documents.verdicts import Judged, JudgedCurve, among, judge, judge_curve, unchecked

MEASURED_AS = {"test_loss_at_most": "test_loss", "mean_single_accuracy": "single_accuracy"}


class Assessor:
    """Judges a document by what has been run of it."""

    def __init__(self, document: Document, runs: Sequence[Run]) -> None:
        self.document = document
        self.runs: dict[tuple[str, str], list[Run]] = {}
        for run in sorted(runs, key=lambda run: run.repeat):
            self.runs.setdefault((run.experiment, run.reading), []).append(run)
        self._typical: dict[str, float] = {}
        self._judged: dict[tuple[str, str], Judgements] = {}
        self._compared: set[Choice] = {document.first}
        self._measured = cache(document.measured)

    def assess(self) -> Assessment:
        """The verdicts on everything."""
        choice = self.explain()
        rows = tuple(self._row(experiment, choice) for experiment in self.document.experiment)
        claims = tuple(
            JudgedClaim(claim, self._claim(claim, self.document.first), self._claim(claim, choice))
            for claim in self.document.claim
        )
        seconds = math.fsum({run.key: run.seconds for runs in self.runs.values() for run in runs}.values())
        probable = tuple(self._probable(choice, index) for index in range(len(choice)))
        return Assessment(self.document, choice, rows, claims, seconds, probable, len(self._compared))

    def explain(self) -> Choice:
        """The most probable choice of readings, as far as it has been tried: from the first ones, one reading is changed at a
        time while that makes the whole more probable."""
        choice = self.document.first
        while True:
            gains = {each: self._gain(choice, each) for each in self.document.neighbours(choice)}
            self._compared |= {each for each, gain in gains.items() if gain > -math.inf}
            best = max(gains, key=lambda each: gains[each], default=choice)
            if best == choice or gains[best] <= 0:
                return choice
            choice = best

    def _gain(self, before: Choice, after: Choice) -> float:
        """How much log evidence the document wins; minus infinity where that has not been run."""
        gain = self.document.log_prior(after) - self.document.log_prior(before)
        for experiment in self.document.experiment:
            old, new = (self.document.named(experiment, each) for each in (before, after))
            if old == new or not any(experiment.figures()):
                continue
            if not {(experiment.id, old), (experiment.id, new)} <= self.runs.keys():
                return -math.inf
            gain += self.judge(experiment, new).likelihood - self.judge(experiment, old).likelihood
        return gain

    def _probable(self, choice: Choice, index: int) -> tuple[float | None, ...]:
        reading = self.document.reading[index]
        options = range(len(reading.options))
        if not any(reading.is_about(each.id) and any(each.figures()) for each in self.document.experiment):
            return tuple(None for _ in options)
        gains = [self._gain(choice, (*choice[:index], option, *choice[index + 1 :])) for option in options]
        weights = [math.exp(gain - max(gains)) for gain in gains]
        return tuple(
            weight / math.fsum(weights) if gain > -math.inf else None
            for weight, gain in zip(weights, gains, strict=True)
        )

    def judge(self, experiment: Experiment, reading: str) -> Judgements:
        """One experiment under one reading."""
        key = (experiment.id, reading)
        if key not in self._judged:
            runs = self.runs.get(key, [])
            figures = tuple(self._judge(experiment, name, told, runs) for name, told in experiment.figures())
            curves = tuple(self._judge_curve(name, told, runs) for name, told in experiment.curves())
            prior = self.document.log_prior(self.document.choice(reading), experiment.id)
            self._judged[key] = Judgements(reading, figures, curves, len(runs), prior)
        return self._judged[key]

    def _judge(self, experiment: Experiment, figure: str, reported: Sequence[float], runs: Sequence[Run]) -> Judged:
        name = measured_as(figure, self._measured(runs[0].reading)) if runs else figure
        measured = values_of(name, runs)
        if figure in experiment.unchecked:
            return unchecked(figure, reported, measured, experiment.unchecked[figure])
        return judge(figure, reported, measured, _examples(runs), self._spread(name, experiment, measured))

    def _judge_curve(self, figure: str, reported: Sequence[float], runs: Sequence[Run]) -> JudgedCurve:
        measured = [run.curve[figure] for run in runs if figure in run.curve]
        every = runs[0].every if runs else 1
        return judge_curve(figure, reported, measured, _examples(runs), self._spread(figure), every)

    def _row(self, experiment: Experiment, choice: Choice) -> Row:
        readings = [reading for name, reading in self.runs if name == experiment.id]
        chosen = self.document.named(experiment, choice)
        tried = [
            self.judge(experiment, each) for each in dict.fromkeys((chosen, "", *readings)) if each in (*readings, "")
        ]
        best = max(tried, key=lambda each: each.evidence)
        first, under = self.judge(experiment, ""), self.judge(experiment, chosen if chosen in readings else "")
        own = {run.key: run.seconds for reading in readings for run in self.runs[experiment.id, reading]}
        choices = (self.document.first, choice, self.document.choice(best.reading))
        judged = [self._with_worth(experiment, *pair) for pair in zip((first, under, best), choices, strict=True)]
        return Row(experiment, judged[0], judged[1], judged[2], len(readings), math.fsum(own.values()))

    def _with_worth(self, experiment: Experiment, judgements: Judgements, choice: Choice) -> Judgements:
        """The same with the shares of other networks, under a choice of readings, that would have passed as well."""
        runs = self.runs.get((experiment.id, judgements.reading), [])
        others = list(self._others(choice, runs)) if runs else []
        figures = tuple(
            among(each, [self._judge(experiment, each.figure, each.reported, other) for other in others])
            if each.worth != "exact"
            else each
            for each in judgements.figures
        )
        told: dict[str, tuple[float, ...]] = dict(experiment.curves())
        curves = tuple(
            among(each, [self._judge_curve(each.figure, told[each.figure], other) for other in others])
            for each in judgements.curves
        )
        return Judgements(judgements.reading, figures, curves, judgements.runs, judgements.log_prior)

    def _others(self, choice: Choice, runs: Sequence[Run]) -> Iterator[list[Run]]:
        """The runs of all networks on the same data but the one of these runs, under a choice of readings."""
        seen = {runs[0].key}
        for other in self.document.experiment:
            own = self.runs.get((other.id, self.document.named(other, choice)), [])
            if own and own[0].key not in seen and own[0].recipe["data"]["name"] == runs[0].recipe["data"]["name"]:
                seen.add(own[0].key)
                yield own

    def _claim(self, claim: Claim, choice: Choice) -> Decision:
        measured: dict[str, list[float]] = {}
        for experiment in self.document.experiment:
            if experiment.id in claim.experiments:
                runs = self.runs.get((experiment.id, self.document.named(experiment, choice)), [])
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


def measured_as(figure: str, under: Mapping[str, str]) -> str:
    """What of our runs stands beside a reported figure `under` a reading (`Document.measured`), as `Run.figure` names it."""
    return under.get(figure, MEASURED_AS.get(figure, figure))


def values_of(figure: str, runs: Sequence[Run]) -> list[float]:
    """A figure of those runs that have it; the parameters of each layer, which are the same in all of them."""
    if figure == "layer_parameters":
        return [float(layer.parameters) for layer in runs[0].layers if layer.parameters] if runs else []
    values = [run.figure(figure) for run in runs]
    return [value for value in values if value is not None]


def _examples(runs: Sequence[Run]) -> int:
    """How many examples an accuracy was measured on, where the document's may have been others: points that are drawn."""
    entry = CATALOGUE[runs[0].recipe["data"]["name"]] if runs else None
    return entry.test_examples if entry and entry.format == "made" and not entry.bundled_with else 0
