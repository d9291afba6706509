"""How well readings explain a document: each experiment judged under each reading, and the probability of each script.

The log evidence of a script (one choice of readings for the whole document) is the log density of all the document's figures
given our runs, plus the log of its prior probability (`Reading.prior`). Figures count as independent; those of one training
are not quite, so differences of log evidence are rather too large. All scripts that all rows with figures were run under are
compared. Equal recipes have the same runs, whatever experiment or reading they were made for.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from statistics import fmean

from tuner.data.catalogue import CATALOGUE
from tuner.documents.document import Choice, Document
from tuner.documents.experiment import Experiment
from tuner.documents.figures import spread_of
from tuner.documents.runs import Run, values_of
from tuner.documents.verdicts import EXACT, JudgedFigure, Worth, judge, judge_curve, worth_of


@dataclass(frozen=True)
class JudgedExperiment:
    """An experiment's figures and curves under one reading, with our runs of it. `compared` has the figure of our runs that a
    reported figure is compared with, where the two differ; `shared` the share of other networks whose whole report would have
    passed as well, None where there are none."""

    reading: str
    figures: tuple[JudgedFigure, ...]
    runs: tuple[Run, ...]
    compared: Mapping[str, str]
    choice: Choice
    shared: float | None = None

    @property
    def worth(self) -> Worth:
        """What it is worth that no figure of the report differs."""
        differs = any(each.verdict == "not reproduced" for each in self.figures)
        return worth_of("not reproduced" if differs else "close", self.shared)

    @cached_property
    def likelihood(self) -> float:
        """Log density of all reported figures."""
        return math.fsum(each.likelihood for each in self.figures)

    def with_others(self, others: Iterable["JudgedExperiment"]) -> "JudgedExperiment":
        """The same with the shares of other networks whose reports, judged in its place, pass: by each figure, and by all."""
        own = {each.key: each.verdict for each in self.figures}
        passed = [
            {each.key: each.passes(own[each.key]) for each in other.figures if each.is_checked and each.key in own}
            for other in others
        ]
        figures = (
            replace(each, shared=_share([some[each.key] for some in passed if each.key in some]))
            for each in self.figures
        )
        whole = _share([all(some.values()) for some in passed if some])
        return replace(self, figures=tuple(figures), shared=whole)

    def ours(self, figure: str) -> str:
        """The name of the figure of our runs (`Run.figure`) that a reported figure or bound is compared with."""
        return self.compared.get(figure, figure.removesuffix("_at_most"))

    def values(self, figure: str) -> list[float]:
        """The values of our runs that a reported figure is compared with."""
        return values_of(self.ours(figure), self.runs)

    def curves(self, figure: str) -> list[Sequence[float]]:
        """The curves of this name that our runs have."""
        return [run.curve[figure] for run in self.runs if figure in run.curve]


class Evidence:
    """A document's experiments, by their ids, with the runs of each under each choice of readings; and its scripts."""

    def __init__(self, document: Document, runs: Sequence[Run]) -> None:
        self.document = document
        self.experiments = {each.id: each for each in document.experiment}
        self._variant = cache(lambda id_, own: document.variant(self.experiments[id_], own))
        self._judged = cache(self._judge)
        self.of_network = cache(self._of_network)
        """The log density of all reports of an experiment's network under a choice."""
        self.own_choices = cache(self._own_choices)
        """The log evidence, from the reports of an experiment's network, of each of its own choices that was run."""
        self._trainings: dict[str, dict[int, Run]] = {}
        choices = {name: document.choice(name) for name in {run.reading for run in runs}}
        for run in sorted(runs, key=lambda run: (run.repeat, -len(run.figures))):
            if run.experiment in self.experiments:
                same = self._trainings.setdefault(self.training(run.experiment, choices[run.reading]), {})
                same.setdefault(run.repeat, run)
        groups = [[*each.values()] for each in self._trainings.values()]
        self.spread = cache(lambda figure: spread_of(figure, [values_of(figure, each) for each in groups]))
        """How far the runs of the document's networks differ by a figure of our runs."""

    def _own(self, id_: str, choice: Choice) -> Choice:
        """The options that concern an experiment; for other fields the first ones."""
        concerning = self.document.concerning[id_]
        return tuple(option if index in concerning else 0 for index, option in enumerate(choice))

    def training(self, id_: str, choice: Choice) -> str:
        """Equal for trainings that differ in the seed alone."""
        return self._variant(id_, self._own(id_, choice)).training

    def network(self, id_: str) -> str:
        """Equal for experiments with the same recipe: runs of one network."""
        return self.training(id_, self.document.first_choice)

    def runs(self, id_: str, choice: Choice) -> tuple[Run, ...]:
        """All runs of an experiment under a choice, by seed."""
        return tuple(self._trainings.get(self.training(id_, choice), {}).values())

    def judge(self, id_: str, choice: Choice, other: str = "") -> JudgedExperiment:
        """An experiment under a choice; or how the report of an `other` one would be judged in its place."""
        return self._judged(id_, self._own(id_, choice), other)

    def _judge(self, id_: str, choice: Choice, other: str) -> JudgedExperiment:
        experiment, compared = self.experiments[id_], self.document.compared_figures(choice)
        name = self.document.reading_name(experiment, choice)
        runs = tuple(run.as_run_of(id_, name, run.repeat) for run in self.runs(id_, choice))
        bare = JudgedExperiment(name, (), runs, compared, choice)
        report = _in_place_of(experiment, self.experiments[other]) if other else experiment
        return replace(bare, figures=tuple(self._figures(report, bare)))

    def ways(self, id_: str, other: str) -> dict[str, JudgedExperiment]:
        """An experiment under each way to read the document, if it and an `other` one had each other's report: under the `first`
        readings, the most probable script (`chosen`), the script that the other rows choose (`left_out`), and the `best`
        readings for its own report. An experiment that was not run under a script stands there under the first readings."""
        first = self.document.first_choice
        after = {each: value + self._gain(id_, other, each) for each, value in self.own_choices(id_).items()}
        scripts = {
            "first": first,
            "chosen": self.best_script(lambda each: self._gain(id_, other, each) + self._gain(other, id_, each)),
            "left_out": self.best_script(lambda each: -self.of_network(id_, each)),
        }
        ways = {way: each if self.runs(id_, each) else first for way, each in scripts.items()}
        ways["best"] = max(after, key=lambda each: after[each], default=first)
        return {way: self.judge(id_, each, other if other != id_ else "") for way, each in ways.items()}

    def _gain(self, id_: str, other: str, choice: Choice) -> float:
        """How much likelier an experiment's report is with the figures of another one in place of its own."""
        own = {each.key: each.likelihood for each in self.judge(id_, choice).figures}
        return math.fsum(each.likelihood - own[each.key] for each in self.judge(id_, choice, other).figures)

    def others(self, id_: str) -> Iterator[str]:
        """The other networks on the same data that report figures of the same kind; not the counts of parameters."""
        first = self.document.first_choice
        data = self._variant(id_, first).recipe.data.name
        for other in self.reporting if id_ in self.reporting else ():
            common = _in_place_of(self.experiments[id_], self.experiments[other])
            same_data = self._variant(other, first).recipe.data.name == data
            if (common.reported or common.curve) and same_data and self.network(other) != self.network(id_):
                yield other

    def _of_network(self, id_: str, choice: Choice) -> float:
        same = (each for each in self.reporting if self.network(each) == self.network(id_))
        return math.fsum(self.judge(each, choice).likelihood for each in same)

    def _own_choices(self, id_: str) -> dict[Choice, float]:
        return {
            each: self.document.log_prior(each, self.experiments[id_]) + self.of_network(id_, each)
            for each in self.document.choices(self.document.concerning[id_])
            if self.runs(id_, each)
        }

    @cached_property
    def reporting(self) -> tuple[str, ...]:
        """The experiments with figures that can tell readings apart, as far as they were run."""
        choices, concerning = self.document.choices, self.document.concerning
        return tuple(
            id_
            for id_, each in self.experiments.items()
            if ({*each.reported} - {*EXACT} or each.curve)
            and any(self.runs(id_, choice) for choice in choices(concerning[id_]))
        )

    @cached_property
    def scripts(self) -> dict[Choice, float]:
        """The log evidence of each script that every experiment with figures was run under."""
        choices, reporting = self.document.choices(self._telling), self.reporting
        return {
            each: self.document.log_prior(each) + math.fsum(self.judge(id_, each).likelihood for id_ in reporting)
            for each in (choices if reporting else ())
            if all(self.runs(id_, each) for id_ in reporting)
        }

    def best_script(self, change: Callable[[Choice], float] = lambda _: 0.0) -> Choice:
        """The most probable script, with a change of the log evidence of each; of equal ones the first."""
        changed = {each: round(value + change(each), 9) for each, value in self.scripts.items()}
        return max(changed, key=lambda each: changed[each], default=self.document.first_choice)

    @cached_property
    def _shares(self) -> dict[Choice, float]:
        """The probability of each script."""
        best = max(self.scripts.values(), default=0.0)
        weights = {each: math.exp(value - best) for each, value in self.scripts.items()}
        total = math.fsum(weights.values())
        return {each: weight / total for each, weight in weights.items()}

    def probability(self, choice: Choice, indices: Collection[int]) -> float:
        """The probability of some options of a choice; where no reported figure tells, the one beforehand."""
        told = [index for index in indices if self.tells(index)]
        share = math.fsum(each for script, each in self._shares.items() if all(script[i] == choice[i] for i in told))
        before = (self.document.reading[index].prior(choice[index]) for index in indices if index not in told)
        return math.prod(before, start=share if told else 1.0)

    def tells(self, index: int) -> bool:
        """Whether the probability of a reading is known from reported figures."""
        return index in self._telling and bool(self.scripts)

    @cached_property
    def _telling(self) -> frozenset[int]:
        return frozenset(index for id_ in self.reporting for index in self.document.concerning[id_])

    def _figures(self, report: Experiment, judged: JudgedExperiment) -> Iterable[JudgedFigure]:
        """The report's figures and curves, compared with the runs of this or another experiment."""
        runs, examples = judged.runs, _examples(judged.runs)
        for figure in report.reported:
            spread = self.spread(judged.ours(figure))
            unchecked = report.unchecked.get(figure, "")
            yield judge(figure, report.values(figure), judged.values(figure), examples, spread, unchecked)
        for figure, points in report.curve.items():
            every = runs[0].every if runs else 1
            yield judge_curve(figure, points, judged.curves(figure), examples, self.spread(figure), every)


def _in_place_of(own: Experiment, other: Experiment) -> Experiment:
    """What another experiment reports, as far as both report it; without counts of parameters."""
    return replace(
        other,
        reported={name: each for name, each in other.reported.items() if name in own.reported and name not in EXACT},
        curve={name: each for name, each in other.curve.items() if name in own.curve},
        unchecked={**own.unchecked, **other.unchecked},
    )


def _share(passes: Sequence[bool]) -> float | None:
    return fmean(passes) if passes else None


def _examples(runs: Sequence[Run]) -> int:
    """How many examples an accuracy was measured on, where the document's may have been others: points that are drawn."""
    entry = CATALOGUE[runs[0].dataset] if runs else None
    return entry.test_examples if entry and entry.format == "made" and not entry.bundled_with else 0
