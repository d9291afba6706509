"""Judges a document by its runs.

**What chose a reading is not reproduced by it.** So each row is judged four times: under the first readings, under the one
most probable script (`chosen`), under the script that the other rows choose (`left_out`), and under the most probable
readings of its own (`best`). Rows with the same recipe are runs of one network and have the same readings.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tuner.documents.agreement import judge_over_readings
from tuner.documents.assessment import Assessment, Row
from tuner.documents.document import Choice, Document
from tuner.documents.evidence import Evidence, JudgedExperiment
from tuner.documents.experiment import Experiment
from tuner.documents.runs import Run
from tuner.documents.verdicts import EXACT, JudgedFigure


class Assessor:
    """Judges a document by its runs."""

    def __init__(self, document: Document, runs: Sequence[Run]) -> None:
        self.document, self.evidence, self._all = document, Evidence(document, runs), tuple(runs)
        self._after: dict[frozenset[str], Choice] = {}

    def assess(self) -> Assessment:
        """The verdicts on everything."""
        document, evidence, choice = self.document, self.evidence, self.best_choice()
        rows = tuple(self._row(experiment, choice) for experiment in document.experiment)
        networks = {evidence.reader.network(row.experiment): row for row in rows}.values()
        priors = (document.log_prior(row.best.choice, row.experiment) for row in networks)
        return Assessment(
            document,
            choice,
            rows,
            tuple(judge_over_readings(claim, evidence) for claim in document.claim),
            self._all,
            tuple(evidence.probable(index) for index in range(len(choice))),
            compared=max(len(evidence.scripts), 1),
            script_prior=document.log_prior(choice),
            row_prior=math.fsum(priors),
            row_fields=sum(len(document.concerning[row.experiment.id]) for row in networks),
        )

    def best_choice(self) -> Choice:
        """The most probable script among all that the rows with figures were run under."""
        return self.evidence.best_script({})

    def judge(self, experiment: Experiment, choice: Choice) -> JudgedExperiment:
        """One experiment under one choice of readings."""
        return self.evidence.judge(experiment, choice)

    def _row(self, experiment: Experiment, script: Choice) -> Row:
        first, own = self.document.first_choice, self._own_choices(experiment)
        without = dict.fromkeys((each.id for each in self._same(experiment)), 0.0)
        choices = {
            "first": first,
            "chosen": self._run_or_first(experiment, script),
            "left_out": self._run_or_first(experiment, self.evidence.best_script(without)),
            "best": max(own, key=lambda each: own[each], default=first),
        }
        others = self._in_its_place(experiment, choices, own)
        judged = {name: self.judge(experiment, choice).with_others(others[name]) for name, choice in choices.items()}
        return Row(experiment, **judged, tried=len(own))

    def _same(self, experiment: Experiment) -> list[Experiment]:
        """The experiments with figures that are of the same network."""
        network = self.evidence.reader.network
        return [each for each in self.evidence.reporting if network(each) == network(experiment)]

    def _run_or_first(self, experiment: Experiment, choice: Choice) -> Choice:
        return choice if self.evidence.reader.runs(experiment, choice) else self.document.first_choice

    def _own_choices(self, experiment: Experiment) -> dict[Choice, float]:
        """The log evidence, from the reports of a row's network, of each of its own choices that was run."""
        document, same = self.document, self._same(experiment)
        return {
            each: document.log_prior(each, experiment) + math.fsum(self.judge(row, each).likelihood for row in same)
            for each in document.choices(document.concerning[experiment.id])
            if self.evidence.reader.runs(experiment, each)
        }

    def _in_its_place(
        self, experiment: Experiment, choices: Mapping[str, Choice], own: Mapping[Choice, float]
    ) -> dict[str, list[JudgedFigure]]:
        """For each column the figures of other networks' reports in a row's place. The reports of the two are swapped, and
        the script, or the row's own readings, are chosen again."""
        judge, found = self.evidence.judge, {name: list[JudgedFigure]() for name in choices}
        for other, common in self._others(experiment):
            here, there = _with_report(experiment, other, common), _with_report(other, experiment, common)
            gains = {
                each: judge(experiment, each, here).likelihood - judge(experiment, each).likelihood for each in own
            }
            again = {
                **choices,
                "chosen": self._script_after(experiment, here, other, there),
                "best": max(own, key=lambda each: own[each] + gains[each], default=choices["best"]),
            }
            for name, choice in again.items():
                found[name] += [each for each in judge(experiment, choice, here).figures if each.figure in common]
        return found

    def _script_after(self, one: Experiment, here: Experiment, other: Experiment, there: Experiment) -> Choice:
        """The most probable script once two experiments have these reports."""
        pair, judge = frozenset((one.id, other.id)), self.evidence.judge

        def evidence(script: Choice) -> float:
            changed = {one.id: judge(one, script, here), other.id: judge(other, script, there)}
            return self.evidence.of(script, {name: each.likelihood for name, each in changed.items()})

        if pair not in self._after:
            self._after[pair] = max(self.evidence.likelihoods, key=evidence, default=self.document.first_choice)
        return self._after[pair]

    def _others(self, experiment: Experiment) -> Iterator[tuple[Experiment, set[str]]]:
        """The other networks on the same data, and the figures that both report; not the counts of parameters."""
        own, data = self.evidence.reader.network(experiment), self.evidence.reader.dataset(experiment)
        for other in self.evidence.reporting if experiment in self.evidence.reporting else ():
            common = {*experiment.reported, *experiment.curve} & {*other.reported, *other.curve} - {*EXACT}
            if common and self.evidence.reader.network(other) != own and self.evidence.reader.dataset(other) == data:
                yield other, common


def _with_report(experiment: Experiment, other: Experiment, common: set[str]) -> Experiment:
    """An experiment with the figures of another one, where both have them; without counts of parameters."""
    own = {name: value for name, value in experiment.reported.items() if name not in EXACT}
    return replace(
        experiment,
        id=f"{experiment.id}, as {other.id}",
        reported={name: other.reported[name] if name in common else value for name, value in own.items()},
        curve={name: other.curve[name] if name in common else value for name, value in experiment.curve.items()},
        unchecked={**experiment.unchecked, **other.unchecked},
    )
