"""How well readings explain a document: each experiment judged under each reading, and the probability of each script.

**Readings pay for themselves.** Among many readings one fits by chance. So a script (one choice of readings for the whole
document) has as evidence the log density of all the document's figures given our runs, plus the log of its prior
probability, which each option shares with all others (`Reading.prior`). Every script is compared that all rows with
figures were run under. Figures count as independent; those of one training are not quite, so that differences of log
evidence are rather too large.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from statistics import fmean

from tuner.data.catalogue import CATALOGUE
from tuner.documents.document import Choice, Document
from tuner.documents.experiment import Experiment
from tuner.documents.figures import spread_of
from tuner.documents.reader import Reader
from tuner.documents.runs import Run, values_of
from tuner.documents.verdicts import EXACT, JudgedFigure, judge, judge_curve

COMPARED = {"test_loss_at_most": "test_loss", "mean_single_accuracy": "single_accuracy"}
"""The figure of our runs (`Run.figure`) that a reported figure is compared with, where the two always differ."""


@dataclass(frozen=True)
class JudgedExperiment:
    """An experiment's figures and curves under one reading, with our runs of it. `compared` has the figure of our runs that a
    reported figure is compared with, where the two differ."""

    reading: str
    figures: tuple[JudgedFigure, ...]
    runs: tuple[Run, ...]
    compared: Mapping[str, str]
    choice: Choice

    @cached_property
    def likelihood(self) -> float:
        """Log density of all reported figures."""
        return math.fsum(judged.likelihood for judged in self.figures)

    def with_others(self, others: Sequence[JudgedFigure]) -> "JudgedExperiment":
        """The same with the share of other networks whose report passes in the place of each figure."""
        figures = []
        for judged in self.figures:
            passes = [
                each.passes(judged.verdict) for each in others if each.figure == judged.figure and each.is_checked
            ]
            figures.append(replace(judged, shared=fmean(passes) if passes else None))
        return replace(self, figures=tuple(figures))

    def values(self, figure: str) -> list[float]:
        """The values of our runs that a reported figure is compared with."""
        return values_of(self.compared.get(figure, figure), self.runs)

    def curves(self, figure: str) -> list[Sequence[float]]:
        """The curves of this name that our runs have."""
        return [run.curve[figure] for run in self.runs if figure in run.curve]


class Evidence:
    """A document's experiments, each judged once under each reading, and its scripts."""

    def __init__(self, document: Document, runs: Sequence[Run]) -> None:
        self.document, self.reader = document, Reader(document, runs)
        groups = self.reader.trainings.values()
        self._spread = cache(lambda figure: spread_of(figure, [values_of(figure, [*each.values()]) for each in groups]))
        self._judged: dict[tuple[str, str, str], JudgedExperiment] = {}

    def judge(self, experiment: Experiment, choice: Choice, report: Experiment | None = None) -> JudgedExperiment:
        """An experiment under a choice; the `report` may be another one's."""
        report, name = report or experiment, self.reader.reading(experiment, choice)
        key = (experiment.id, name, report.id)
        if key not in self._judged:
            compared = {**COMPARED, **self.document.compared_figures(choice)}
            bare = JudgedExperiment(name, (), self.reader.runs(experiment, choice), compared, choice)
            self._judged[key] = replace(bare, figures=tuple(self._figures(report, bare)))
        return self._judged[key]

    @cached_property
    def reporting(self) -> tuple[Experiment, ...]:
        """The experiments with figures that can tell readings apart, as far as they were run."""
        choices = {
            each.id: self.document.choices(self.document.concerning[each.id]) for each in self.document.experiment
        }
        return tuple(
            each
            for each in self.document.experiment
            if ({*each.reported} - {*EXACT} or each.curve)
            and any(self.reader.runs(each, choice) for choice in choices[each.id])
        )

    @cached_property
    def likelihoods(self) -> dict[Choice, dict[str, float]]:
        """The log density of each row's report, for every script that all of them were run under."""
        return {
            script: {row.id: self.judge(row, script).likelihood for row in self.reporting}
            for script in (self.document.choices(self._telling) if self.reporting else ())
            if all(self.reader.runs(row, script) for row in self.reporting)
        }

    def of(self, script: Choice, changed: Mapping[str, float]) -> float:
        """The log evidence of a script, with other likelihoods of some rows."""
        rows = self.likelihoods[script]
        return self._totals[script] + math.fsum(value - rows[name] for name, value in changed.items())

    def best_script(self, changed: Mapping[str, float]) -> Choice:
        """The most probable script, with other likelihoods of some rows; of equal ones the first."""
        evidence = {each: round(self.of(each, changed), 9) for each in self.likelihoods}
        return max(evidence, key=lambda each: evidence[each], default=self.document.first_choice)

    @cached_property
    def _totals(self) -> dict[Choice, float]:
        rows, prior = self.likelihoods.items(), self.document.log_prior
        return {script: prior(script) + math.fsum(each.values()) for script, each in rows}

    @cached_property
    def scripts(self) -> dict[Choice, float]:
        """The probability of each script, given the reported figures."""
        best = max(self._totals.values(), default=0.0)
        weights = {each: math.exp(value - best) for each, value in self._totals.items()}
        total = math.fsum(weights.values())
        return {each: weight / total for each, weight in weights.items()}

    def probability(self, choice: Choice, indices: Collection[int]) -> float:
        """The probability of some options of a choice; where no reported figure tells, the one beforehand."""
        told = [index for index in indices if index in self._telling and self.scripts]
        share = math.fsum(each for script, each in self.scripts.items() if all(script[i] == choice[i] for i in told))
        before = (self.document.reading[index].prior(choice[index]) for index in indices if index not in told)
        return math.prod(before, start=share if self.scripts else 1.0)

    def probable(self, index: int) -> tuple[float | None, ...]:
        """The probability of each option of a reading; None for one in no script, or where no reported figure tells."""
        options = range(len(self.document.reading[index].options))
        if index not in self._telling:
            return (None,) * len(options)
        shares = [[share for script, share in self.scripts.items() if script[index] == option] for option in options]
        return tuple(math.fsum(each) if each else None for each in shares)

    @cached_property
    def _telling(self) -> frozenset[int]:
        """The readings that reported figures tell apart."""
        return frozenset(index for each in self.reporting for index in self.document.concerning[each.id])

    def _figures(self, report: Experiment, judged: JudgedExperiment) -> Iterable[JudgedFigure]:
        """The report's figures and curves, compared with the runs of this or another experiment."""
        runs, examples = judged.runs, _examples(judged.runs)
        for figure in report.reported:
            spread = self._spread(judged.compared.get(figure, figure))
            unchecked = report.unchecked.get(figure, "")
            yield judge(figure, report.values(figure), judged.values(figure), examples, spread, unchecked)
        for figure, points in report.curve.items():
            every = runs[0].every if runs else 1
            yield judge_curve(figure, points, judged.curves(figure), examples, self._spread(figure), every)


def _examples(runs: Sequence[Run]) -> int:
    """How many examples an accuracy was measured on, where the document's may have been others: points that are drawn."""
    entry = CATALOGUE[runs[0].dataset] if runs else None
    return entry.test_examples if entry and entry.format == "made" and not entry.bundled_with else 0
