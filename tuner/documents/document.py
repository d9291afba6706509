"""A document as a file says it: its experiments, its silent fields with their readings, its claims.

A *silent field* is what a document does not say. It has a first reading and named alternatives. A *choice* takes one
option for each silent field of a document; `variant` gives an experiment's recipe under it.
"""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tuner.decode import decode
from tuner.documents.experiment import Claim, Drawing, Experiment, Remark
from tuner.errors import Invalid, StudyError, demand, near_miss
from tuner.recipe import Recipe
from tuner.space import override

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
    """A silent field and its readings, the first one first. `only` names the experiments that it is about, by pattern."""

    id: str
    silent: str
    options: tuple[Option, ...]
    only: tuple[str, ...] = ("*",)

    def __post_init__(self) -> None:
        demand(len(self.options) >= 2, "options", "have at least two readings", len(self.options))

    def is_about(self, experiment: str) -> bool:
        """Whether an experiment has this field and its document does not say it."""
        return any(fnmatch(experiment, pattern) for pattern in self.only)


@dataclass(frozen=True, kw_only=True)
class Document:
    """A whole document. `study` is the search study that its figures are set beside. An `oddity` is something in it that
    cannot be right as it stands; a `finding` explains what our runs disagree in."""

    title: str
    study: str
    recipe: Mapping[str, Any]
    experiment: tuple[Experiment, ...]
    reading: tuple[Reading, ...] = ()
    claim: tuple[Claim, ...] = ()
    oddity: tuple[Remark, ...] = ()
    finding: tuple[Remark, ...] = ()
    drawing: tuple[Drawing, ...] = ()

    def __post_init__(self) -> None:
        ids = [each.id for each in self.experiment]
        for index, id_ in enumerate(ids):
            demand(id_ not in ids[:index], f"experiment[{index}].id", "be used once", id_)
        named = [("claim", each.says, each.experiments) for each in self.claim]
        named += [("oddity", each.says, each.about) for each in self.oddity]
        named += [("finding", each.says, each.about) for each in self.finding]
        named += [("drawing", each.title, each.experiments) for each in self.drawing]
        for kind, says, experiments in named:
            for name in experiments:
                if name not in ids:
                    raise Invalid(kind, f"{says!r} names no experiment {name!r}; {near_miss(name, ids)}")

    def about(self, datasets: Collection[str]) -> "Document":
        """The part of the document that is about some data sets."""
        own = [each for each in self.experiment if self.variant(each, self.first).recipe.data.name in datasets]
        ids = {each.id for each in own}
        return replace(
            self,
            experiment=tuple(own),
            claim=tuple(each for each in self.claim if ids.issuperset(each.experiments)),
            oddity=tuple(each.among(ids) for each in self.oddity if ids.intersection(each.about)),
            finding=tuple(each.among(ids) for each in self.finding if ids.intersection(each.about)),
            drawing=tuple(each for each in self.drawing if ids.issuperset(each.experiments)),
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
        for silent in self.reading:
            others = [option for option in silent.options[1:] if f"{silent.id}: {option.name}" in reading]
            found |= (others or silent.options)[0].measured
        return found

    def variant(self, experiment: Experiment, choice: Choice) -> "Variant":
        """The experiment under a choice; named after what differs from the first readings and is about it."""
        about = [(reading, number) for reading, number in zip(self.reading, choice, strict=True)]
        about = [(reading, number) for reading, number in about if reading.is_about(experiment.id)]
        name = ", ".join(f"{reading.id}: {reading.options[number].name}" for reading, number in about if number)
        options = tuple(reading.options[number] for reading, number in about)
        return Variant(experiment, name, self._recipe(experiment, options))

    def _recipe(self, experiment: Experiment, options: tuple[Option, ...]) -> Recipe:
        plain: Any = self.recipe
        for settings in (*(option.set for option in options), experiment.set):
            for address, value in settings.items():
                plain = override(plain, address, value)
        try:
            return decode(Recipe, plain, "recipe")
        except Invalid as complaint:
            raise complaint.inside(experiment.id) from None


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


def load_document(path: Path) -> Document:
    """The checked document in a TOML file. Complaints name the file."""
    try:
        document = decode(Document, tomllib.loads(path.read_text(encoding="utf-8")))
        for experiment in document.experiment:
            list(experiment.figures())
            list(experiment.curves())
            for choice in (document.first, *document.neighbours(document.first)):
                document.variant(experiment, choice)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, Invalid) as error:
        raise StudyError(f"{path}: {error}") from None
    return document
