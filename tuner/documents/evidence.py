"""How well readings explain a document: each experiment judged under each reading, and the probability of each script.

The log evidence of a script (one choice of readings for the whole document) is the log density of all the document's figures
given our runs, plus the log of its prior probability. Figures count as independent; those of one training are not quite, so
differences of log evidence are rather too large. Equal recipes have the same runs, whatever experiment they were made for.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
    """An experiment's figures and curves under one reading, with our runs. `compared` has the figure of our runs that a reported
    one is compared with, where they differ; `shared` is that of `JudgedFigure` for the whole report."""

    reading: str
    figures: tuple[JudgedFigure, ...]
    runs: tuple[Run, ...]
    compared: Mapping[str, str]
    choice: Choice
    shared: float | None = None

    @property
    def differs(self) -> bool:
        """Whether a figure is not reproduced."""
        return any(each.verdict == "not reproduced" for each in self.figures)

    @property
    def worth(self) -> Worth:
        """What it is worth that no figure of the report differs."""
        return worth_of("not reproduced" if self.differs else "close", self.shared)

    @cached_property
    def likelihood(self) -> float:
        """Log density of all reported figures."""
        return math.fsum(each.likelihood for each in self.figures)

    def with_others(self, others: Iterable["JudgedExperiment"]) -> "JudgedExperiment":
        """The same with the shares of other networks whose reports, judged in its place, pass: by each figure, and by all."""
        own = {each.key: each.verdict for each in self.figures}
        checked = [[each for each in other.figures if each.verdict != "cannot be checked"] for other in others]
        passed = [{each.key: each.passes(own[each.key]) for each in some if each.key in own} for some in checked]
        alike = {key: [some[key] for some in passed if key in some] for key in own}
        figures = tuple(replace(each, shared=_share(alike[each.key])) for each in self.figures)
        return replace(self, figures=figures, shared=_share([all(some.values()) for some in passed if some]))

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
    """The runs of a document's experiments, named by their ids, under each choice of readings; and the document's scripts."""

    def __init__(self, document: Document, runs: Sequence[Run]) -> None:
        self.document = document
        self._variant = cache(lambda id_, own: document.variant(document.by_id[id_], own))
        self._judged = cache(self._judge)
        self._of_network = cache(self._network_likelihood)
        self.own_choices = cache(self._own_choices)
        self._trainings: dict[str, dict[int, Run]] = {}
        choices = {name: document.choice(name) for name in {run.reading for run in runs}}
        for run in sorted(runs, key=lambda run: (run.repeat, -len(run.figures))):
            if run.experiment in document.by_id:
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

    def judge(self, id_: str, choice: Choice, reporter: str = "") -> JudgedExperiment:
        """An experiment under a choice; or how the report of another one, the `reporter`, would be judged in its place."""
        return self._judged(id_, self._own(id_, choice), reporter or id_)

    def _judge(self, id_: str, choice: Choice, reporter: str) -> JudgedExperiment:
        own, compared = self.document.by_id[id_], self.document.compared_figures(choice)
        report = own if reporter == id_ else _in_place_of(own, self.document.by_id[reporter])
        name = self.document.reading_name(choice, own)
        runs = tuple(replace(run, experiment=id_, reading=name) for run in self.runs(id_, choice))
        bare = JudgedExperiment(name, (), runs, compared, choice)
        entry = CATALOGUE[runs[0].dataset] if runs else None
        is_drawn = entry and entry.format == "made" and not entry.bundled_with  # the document's points may be others
        examples = entry.test_examples if entry and is_drawn else 0
        figures = [
            judge(each, report.values(each), bare.values(each), examples, self.spread(bare.ours(each)), unchecked)
            for each, unchecked in ((each, report.unchecked.get(each, "")) for each in report.reported)
        ]
        figures += [
            judge_curve(each, points, bare.curves(each), examples, self.spread(each), runs[0].every if runs else 1)
            for each, points in report.curve.items()
        ]
        return replace(bare, figures=tuple(figures))

    def ways(self, id_: str, other: str) -> dict[str, JudgedExperiment]:
        """An experiment under each way to read the document, if it and an `other` one had each other's report: the `first`
        readings, the most probable script (`chosen`), that which the other rows choose (`left_out`), for what chose a reading is
        not reproduced by it, and its own `best` readings. Where it was not run, it stands under the first readings."""
        first = self.document.first_choice
        after = {each: value + self._gain(id_, other, each) for each, value in self.own_choices(id_).items()}
        scripts = {
            "first": first,
            "chosen": self.best_script(lambda each: self._gain(id_, other, each) + self._gain(other, id_, each)),
            "left_out": self.best_script(lambda each: -self._of_network(id_, each)),
        }
        ways = {way: each if self.runs(id_, each) else first for way, each in scripts.items()}
        ways["best"] = max(after, key=lambda each: after[each], default=first)
        return {way: self.judge(id_, each, other) for way, each in ways.items()}

    def _gain(self, id_: str, other: str, choice: Choice) -> float:
        """How much likelier an experiment's report is with the figures of another one in place of its own."""
        own = {each.key: each.likelihood for each in self.judge(id_, choice).figures}
        return math.fsum(each.likelihood - own[each.key] for each in self.judge(id_, choice, other).figures)

    def others(self, id_: str) -> list[str]:
        """The other networks on the same data that report figures of the same kind; not the counts of parameters."""
        by_id, data = self.document.by_id, {each: recipe.data.name for each, recipe in self.document.recipes.items()}
        alike = [each for each in self.reporting if data[each] == data[id_] and self.network(each) != self.network(id_)]
        common = {each: _in_place_of(by_id[id_], by_id[each]) for each in alike if id_ in self.reporting}
        return [each for each, report in common.items() if report.reported or report.curve]

    def _network_likelihood(self, id_: str, choice: Choice) -> float:
        """The log density of all reports of an experiment's network."""
        same = (each for each in self.reporting if self.network(each) == self.network(id_))
        return math.fsum(self.judge(each, choice).likelihood for each in same)

    def _own_choices(self, id_: str) -> dict[Choice, float]:
        """The log evidence, from the reports of an experiment's network, of each of its own choices that was run."""
        return {
            each: self.document.log_prior(each, self.document.by_id[id_]) + self._of_network(id_, each)
            for each in self.document.choices(self.document.concerning[id_])
            if self.runs(id_, each)
        }

    @cached_property
    def reporting(self) -> tuple[str, ...]:
        """The experiments with figures that can tell readings apart, as far as they were run."""
        able = [id_ for id_, each in self.document.by_id.items() if {*each.reported} - {*EXACT} or each.curve]
        choices = {id_: self.document.choices(self.document.concerning[id_]) for id_ in able}
        return tuple(id_ for id_ in able if any(self.runs(id_, choice) for choice in choices[id_]))

    @cached_property
    def scripts(self) -> dict[Choice, float]:
        """The log evidence of each script that every experiment with figures was run under."""
        return {
            each: self.document.log_prior(each) + math.fsum(self.judge(id_, each).likelihood for id_ in self.reporting)
            for each in self.document.choices(self.telling)
            if all(self.runs(id_, each) for id_ in self.reporting)
        }

    def best_script(self, change: Callable[[Choice], float] = lambda _: 0.0) -> Choice:
        """The most probable script, with a change of the log evidence of each; of equal ones the first."""
        changed = {each: round(value + change(each), 9) for each, value in self.scripts.items()}
        return max(changed, key=lambda each: changed[each], default=self.document.first_choice)

    @cached_property
    def _shares(self) -> dict[Choice, float]:
        from scipy.special import softmax

        return dict(zip(self.scripts, softmax([*self.scripts.values()]).tolist(), strict=True))

    def probability(self, choice: Choice, indices: Collection[int]) -> float:
        """The probability of some options of a choice; where no reported figure tells, the one beforehand."""
        told = [index for index in indices if index in self.telling and self.scripts]
        alike = (each for script, each in self._shares.items() if all(script[i] == choice[i] for i in told))
        before = (self.document.reading[index].prior(choice[index]) for index in indices if index not in told)
        return math.prod(before, start=math.fsum(alike) if told else 1.0)

    @cached_property
    def telling(self) -> frozenset[int]:
        """The readings that concern experiments with figures: as soon as there are scripts, these tell their probability."""
        return frozenset(index for id_ in self.reporting for index in self.document.concerning[id_])


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
