"""A document as a file says it: its experiments, its silent fields with their readings, its claims.

A *silent field* is what a document does not say. It has a first reading and named alternatives. A *choice* takes one
option for each silent field of a document; `variant` gives an experiment's recipe under it.
"""

import math
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tuner.base.decode import decode
from tuner.base.errors import Invalid, StudyError, near_miss, require
from tuner.documents.experiment import Claim, Drawing, Experiment, Remark
from tuner.recipe import Recipe
from tuner.space import override

FIRST = 0.5
"""The prior probability of the first reading of a silent field."""

Choice = tuple[int, ...]
"""Which option is taken for each of a document's readings; all 0 are the first ones."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """One reading of a silent field: settings by address, as `--set` takes them; or `measured`, what of our runs stands
    beside a reported figure, as `Run.figure` names it, if it is not the same figure."""

    name: str
    set: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A silent field and its readings, the first one first. `only` names the experiments that it is about, by pattern; with
    `by_row` each of them may be read by itself, as if its script had been another."""

    id: str
    silent: str
    options: tuple[Option, ...]
    only: tuple[str, ...] = ("*",)
    by_row: bool = False

    def __post_init__(self) -> None:
        require(len(self.options) >= 2, "options", "have at least two readings", len(self.options))

    def prior(self, option: int) -> float:
        """How probable a reading is before anything is run: the first one, the convention of the document's time, is as
        probable as all others together, and those as each other. So each option that is tried makes all of them dearer."""
        return FIRST if option == 0 else (1 - FIRST) / (len(self.options) - 1)

    def is_about(self, experiment: str) -> bool:
        """Whether an experiment has this field and its document does not say it."""
        return any(fnmatch(experiment, pattern) for pattern in self.only)


@dataclass(frozen=True, kw_only=True)
class Document:
    """A whole document. `study` is the search study that its figures are set beside. An `oddity` is something in it that
    cannot be right as it stands; a `finding` explains what our runs disagree in. `task` says by which experiments each
    exercise of it is answered; `omitted`, by kind and id, why something of it is not replicated. `family` has settings that
    several experiments begin from, before readings and their own."""

    title: str
    study: str
    recipe: Mapping[str, Any]
    experiment: tuple[Experiment, ...]
    family: Mapping[str, Any] = field(default_factory=dict)
    reading: tuple[Reading, ...] = ()
    claim: tuple[Claim, ...] = ()
    oddity: tuple[Remark, ...] = ()
    finding: tuple[Remark, ...] = ()
    drawing: tuple[Drawing, ...] = ()
    task: Mapping[str, Any] = field(default_factory=dict)
    omitted: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ids = [each.id for each in self.experiment]
        _demand_unique("experiment", ids)
        for index, each in enumerate(self.experiment):
            if each.family and each.family not in self.family:
                raise Invalid(f"experiment[{index}].family", f"unknown; {near_miss(each.family, self.family)}")
        _demand_unique("claim", [each.id for each in self.claim])
        _demand_unique("drawing", [each.id for each in self.drawing])
        _demand_unique("oddity", [each.id for each in self.oddity if each.id])
        named = [("claim", each.says, each.experiments) for each in self.claim]
        named += [("oddity", each.says, each.about) for each in self.oddity]
        named += [("finding", each.says, each.about) for each in self.finding]
        named += [("drawing", each.title, each.experiments) for each in self.drawing]
        named += [("task", task, tuple(answers)) for task, answers in self.task.items()]
        for kind, says, experiments in named:
            for name in experiments:
                if name not in ids:
                    raise Invalid(kind, f"{says!r} names no experiment {name!r}; {near_miss(name, ids)}")

    def about(self, datasets: Collection[str]) -> "Document":
        """The part of the document that is about some data sets."""
        own = [each for each in self.experiment if self.variant(each, self.first).recipe.data.name in datasets]
        return self.among({each.id for each in own})

    def matching(self, pattern: str) -> tuple[Experiment, ...]:
        """Its experiments whose names match a pattern."""
        return tuple(each for each in self.experiment if fnmatch(each.id, pattern))

    def among(self, ids: Collection[str]) -> "Document":
        """The part of the document that is about some of its experiments."""
        own = set(ids)
        return replace(
            self,
            experiment=tuple(each for each in self.experiment if each.id in own),
            claim=tuple(each for each in self.claim if own.issuperset(each.experiments)),
            oddity=tuple(each.among(own) for each in self.oddity if not each.about or own.intersection(each.about)),
            finding=tuple(each.among(own) for each in self.finding if not each.about or own.intersection(each.about)),
            drawing=tuple(each for each in self.drawing if own.issuperset(each.experiments)),
            task={name: answers for name, answers in self.task.items() if own.issuperset(answers)},
        )

    @property
    def first(self) -> Choice:
        """The first readings."""
        return (0,) * len(self.reading)

    def neighbours(self, choice: Choice) -> Iterator[Choice]:
        """All choices that differ from one in a single reading, each together with all readings of what is reported:
        those need no further training."""
        singles = [choice]
        for index, reading in enumerate(self.reading):
            singles += [_changed(choice, index, option) for option in range(len(reading.options))]
        for index, reading in enumerate(self.reading):
            if not any(option.set for option in reading.options):
                options = range(len(reading.options))
                singles = [_changed(each, index, option) for each in singles for option in options]
        yield from (each for each in dict.fromkeys(singles) if each != choice)

    def measured(self, reading: str) -> dict[str, str]:
        """What of our runs stands beside each reported figure under a named reading, where it is not the same figure."""
        found: dict[str, str] = {}
        for silent, option in zip(self.reading, self.choice(reading), strict=True):
            found |= silent.options[option].measured
        return found

    def choice(self, reading: str) -> Choice:
        """The choice that a reading is named after."""
        return tuple(
            next(
                (
                    option
                    for option in range(1, len(each.options))
                    if f"{each.id}: {each.options[option].name}" in reading
                ),
                0,
            )
            for each in self.reading
        )

    def log_prior(self, choice: Choice, experiment: str = "*") -> float:
        """How probable a choice is before anything is run; of the readings that are about one experiment, or of all."""
        pairs = zip(self.reading, choice, strict=True)
        return math.fsum(
            math.log(reading.prior(option))
            for reading, option in pairs
            if experiment == "*" or reading.is_about(experiment)
        )

    def named(self, experiment: Experiment, choice: Choice) -> str:
        """What a choice is called for an experiment: after what differs from the first readings and is about it."""
        about = self._about(experiment, choice)
        return ", ".join(f"{reading.id}: {reading.options[number].name}" for reading, number in about if number)

    def variant(self, experiment: Experiment, choice: Choice) -> "Variant":
        """The experiment under a choice."""
        options = tuple(reading.options[number] for reading, number in self._about(experiment, choice))
        return Variant(experiment, self.named(experiment, choice), self._recipe(experiment, options))

    def _about(self, experiment: Experiment, choice: Choice) -> list[tuple[Reading, int]]:
        pairs = zip(self.reading, choice, strict=True)
        return [(reading, number) for reading, number in pairs if reading.is_about(experiment.id)]

    def _recipe(self, experiment: Experiment, options: tuple[Option, ...]) -> Recipe:
        plain: Any = self.recipe
        family = self.family[experiment.family] if experiment.family else {}
        for settings in (family, *(option.set for option in options), experiment.set):
            for address, value in settings.items():
                plain = override(plain, address, value)
        try:
            return decode(Recipe, plain, "recipe")
        except Invalid as complaint:
            raise complaint.inside(experiment.id) from None


def _demand_unique(kind: str, ids: Sequence[str]) -> None:
    for index, id_ in enumerate(ids):
        require(id_ not in ids[:index], f"{kind}[{index}].id", "be used once", id_)


def _changed(choice: Choice, index: int, option: int) -> Choice:
    return (*choice[:index], option, *choice[index + 1 :])


@dataclass(frozen=True)
class Variant:
    """An experiment under one reading (empty: the first ones), as a recipe."""

    experiment: Experiment
    reading: str
    recipe: Recipe

    def repeat(self, number: int) -> Recipe:
        """The recipe of its `number`th run (from 0): the same with a seed of its own."""
        return replace(self.recipe, seed=number)


def _by_row(document: Document) -> Document:
    """The same with a reading of its own for each experiment where they are to be read one by one."""
    found: list[Reading] = []
    for reading in document.reading:
        about = [each.id for each in document.experiment if reading.is_about(each.id)]
        found += [replace(reading, only=(id_,)) for id_ in about] if reading.by_row else [reading]
    return replace(document, reading=tuple(found))


def load_document(path: Path) -> Document:
    """The checked document in a TOML file. Complaints name the file."""
    try:
        document = _by_row(decode(Document, tomllib.loads(path.read_text(encoding="utf-8"))))
        for experiment in document.experiment:
            list(experiment.figures())
            list(experiment.curves())
            choices = (document.first, *document.neighbours(document.first))
            for choice in {document.named(experiment, each): each for each in choices}.values():
                document.variant(experiment, choice)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, Invalid) as error:
        raise StudyError(f"{path}: {error}") from None
    return document
