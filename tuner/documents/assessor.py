"""Judges a document by its runs.

**Readings pay for themselves.** Among many readings one fits by chance. So a reading is chosen by its evidence: the log
density of all the document's figures given our runs, plus the log of its prior probability, which it shares with all other
options (`Reading.prior`). Figures count as independent; those of one training are not quite, so that differences of log
evidence are rather too large.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from tuner.data.catalogue import CATALOGUE
from tuner.documents.assessment import Assessment, JudgedClaim, JudgedExperiment, Row
from tuner.documents.claims import Decision, judge_claim
from tuner.documents.document import Choice, Document, with_option
from tuner.documents.experiment import Claim, Experiment
from tuner.documents.figures import largest_spread, typical_spread
from tuner.documents.runs import Run, values_of
from tuner.documents.verdicts import JudgedFigure, judge, judge_curve, with_shared

COMPARED = {"test_loss_at_most": "test_loss", "mean_single_accuracy": "single_accuracy"}
"""The figure of our runs (`Run.figure`) that a reported figure is compared with, where the two always differ."""


class Assessor:
    """Judges a document by its runs; each experiment is judged once under each reading."""

    def __init__(self, document: Document, runs: Sequence[Run]) -> None:
        self.document = document
        self.runs: dict[tuple[str, str], list[Run]] = {}
        for run in sorted(runs, key=lambda run: run.repeat):
            self.runs.setdefault((run.experiment, run.reading), []).append(run)
        self._all = tuple(runs)
        self._judged: dict[tuple[str, str], JudgedExperiment] = {}
        self._compared: set[Choice] = {document.first_choice}
        groups = self.runs.values()
        self._typical = cache(lambda figure: typical_spread(figure, [values_of(figure, each) for each in groups]))

    def assess(self) -> Assessment:
        """The verdicts on everything."""
        document, choice = self.document, self.best_choice()
        claims = tuple(
            JudgedClaim(claim, self._claim(claim, document.first_choice), self._claim(claim, choice))
            for claim in document.claim
        )
        rows = tuple(self._row(experiment, choice) for experiment in document.experiment)
        probable = tuple(self._probable(choice, index) for index in range(len(choice)))
        return Assessment(document, choice, rows, claims, self._all, probable, len(self._compared))

    def best_choice(self) -> Choice:
        """The most probable choice of readings among those that were run: starting from the first ones, one reading is
        changed at a time while that makes the whole document more probable."""
        choice = self.document.first_choice
        while True:
            gains = {each: self._gain(choice, each) for each in self.document.neighbours(choice)}
            self._compared |= {each for each, gain in gains.items() if gain > -math.inf}
            best = max(gains, key=lambda each: gains[each], default=choice)
            if best == choice or gains[best] <= 0:
                return choice
            choice = best

    def judge(self, experiment: Experiment, reading: str) -> JudgedExperiment:
        """One experiment under one reading."""
        key = (experiment.id, reading)
        if key not in self._judged:
            compared = {**COMPARED, **self.document.compared_figures(reading)}
            bare = JudgedExperiment(reading, (), tuple(self.runs.get(key, ())), compared)
            self._judged[key] = replace(bare, figures=tuple(self._figures(experiment, bare)))
        return self._judged[key]

    def _figures(self, experiment: Experiment, judged: JudgedExperiment) -> Iterable[JudgedFigure]:
        """The experiment's figures and curves, compared with the runs of this or another experiment."""
        runs, examples = judged.runs, _examples(judged.runs)
        for figure in experiment.reported:
            reported, measured = experiment.values(figure), judged.values(figure)
            spread = self._spread(judged.compared.get(figure, figure), experiment, measured)
            yield judge(figure, reported, measured, examples, spread, experiment.unchecked.get(figure, ""))
        for figure, points in experiment.curve.items():
            yield judge_curve(
                figure, points, judged.curves(figure), examples, self._typical(figure), runs[0].every if runs else 1
            )

    def _row(self, experiment: Experiment, choice: Choice) -> Row:
        document, readings = self.document, [reading for name, reading in self.runs if name == experiment.id]
        chosen = document.reading_name(experiment, choice)
        tried = dict.fromkeys((chosen if chosen in readings else "", "", *readings))
        evidence = {
            each: self.judge(experiment, each).likelihood + document.log_prior(document.choice(each), experiment)
            for each in tried
        }
        best = max(tried, key=lambda each: evidence[each])
        return Row(
            experiment,
            first=self._with_shared(experiment, "", document.first_choice),
            chosen=self._with_shared(experiment, next(iter(tried)), choice),
            best=self._with_shared(experiment, best, document.choice(best)),
            tried=len(readings),
        )

    def _with_shared(self, experiment: Experiment, reading: str, choice: Choice) -> JudgedExperiment:
        """An experiment under a reading, with the share of the document's other networks on the same data that pass for each
        figure."""
        judged = self.judge(experiment, reading)
        if not judged.runs:
            return judged
        others: dict[str, JudgedExperiment] = {}
        for other in self.document.experiment:
            runs = self.runs.get((other.id, self.document.reading_name(other, choice)), [])
            if runs and runs[0].dataset == judged.runs[0].dataset:
                others.setdefault(runs[0].key, self.judge(other, runs[0].reading))
        others.pop(judged.runs[0].key, None)
        in_place = [tuple(self._figures(experiment, each)) for each in others.values()]
        figures = (
            each if each.worth == "exact" else with_shared(each, [other[index] for other in in_place])
            for index, each in enumerate(judged.figures)
        )
        return replace(judged, figures=tuple(figures))

    def _gain(self, before: Choice, after: Choice) -> float:
        """How much log evidence the document gains; minus infinity where that has not been run."""
        gain = self.document.log_prior(after) - self.document.log_prior(before)
        for experiment in self.document.experiment:
            old, new = (self.document.reading_name(experiment, each) for each in (before, after))
            if old == new or not experiment.reported:
                continue
            if not {(experiment.id, old), (experiment.id, new)} <= self.runs.keys():
                return -math.inf
            gain += self.judge(experiment, new).likelihood - self.judge(experiment, old).likelihood
        return gain

    def _probable(self, choice: Choice, index: int) -> tuple[float | None, ...]:
        """The posterior probability of each option of a reading; None for one that was not run."""
        reading = self.document.reading[index]
        options = range(len(reading.options))
        if not any(reading.concerns(each.id) and each.reported for each in self.document.experiment):
            return (None,) * len(options)
        gains = [self._gain(choice, with_option(choice, index, option)) for option in options]
        weights = [math.exp(gain - max(gains)) for gain in gains]
        total = math.fsum(weights)
        return tuple(weight / total if gain > -math.inf else None for weight, gain in zip(weights, gains, strict=True))

    def _claim(self, claim: Claim, choice: Choice) -> Decision:
        measured: Mapping[str, list[float]] = {
            each.id: values_of(claim.figure, self.runs.get((each.id, self.document.reading_name(each, choice)), []))
            for each in self.document.experiment
            if each.id in claim.experiments
        }
        return judge_claim(claim, measured, self._typical(claim.figure))

    def _spread(self, figure: str, experiment: Experiment, measured: Sequence[float]) -> float:
        """The typical spread of a figure in the document; for a single run of an experiment whose other runs differ by more
        than that, theirs."""
        if len(measured) > 1:
            return self._typical(figure)
        own = [values_of(figure, runs) for (name, _), runs in self.runs.items() if name == experiment.id]
        return max(self._typical(figure), largest_spread(figure, own))


def _examples(runs: Sequence[Run]) -> int:
    """How many examples an accuracy was measured on, where the document's may have been others: points that are drawn."""
    entry = CATALOGUE[runs[0].dataset] if runs else None
    return entry.test_examples if entry and entry.format == "made" and not entry.bundled_with else 0
