"""A document as its file has it. A *silent field* is a setting that it leaves open, with a first reading and named alternatives."""

import math
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from functools import cached_property
from itertools import combinations, product
from pathlib import Path
from typing import Any

from tuner.base.decode import decode
from tuner.base.errors import Invalid, StudyError, near_miss, require
from tuner.documents.experiment import Claim, Drawing, Experiment, Remark
from tuner.recipe import Recipe
from tuner.space import override

Choice = tuple[int, ...]
"""The number of the chosen option of each silent field; 0 is the first reading."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """One reading of a silent field: settings by address, as `--set` takes them; or `measured`, the figure of our runs
    (`Run.figure`) that a reported figure is compared with, where the two differ."""

    name: str
    set: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A silent field and its readings, the first one first. `only` has patterns of the experiments that it concerns."""

    id: str
    silent: str
    options: tuple[Option, ...]
    only: tuple[str, ...] = ("*",)

    def __post_init__(self) -> None:
        require(len(self.options) >= 2, "options", "have at least two readings", len(self.options))

    def prior(self, option: int) -> float:
        """The prior probability of an option: the first one is as probable as all others together."""
        return 0.5 if option == 0 else 0.5 / (len(self.options) - 1)

    def name(self, option: int) -> str:
        """The name of an option among the readings of the whole document."""
        return f"{self.id}: {self.options[option].name}"


@dataclass(frozen=True)
class Variant:
    """A run to be made: an experiment under one reading (empty: the first ones). `repeat` counts from 0 and is the seed."""

    experiment: Experiment
    reading: str
    repeat: int
    recipe: Recipe

    @property
    def names(self) -> tuple[str, str, int]:
        """Experiment, reading and repeat, as in `Run.names`."""
        return self.experiment.id, self.reading, self.repeat

    @property
    def title(self) -> str:
        """The same for messages."""
        return f"{self.experiment.id}{f' [{self.reading}]' if self.reading else ''} #{self.repeat}"

    @property
    def key(self) -> str:
        """Equal for runs with the same training and the same measurements."""
        members, attack = self.experiment.members, self.experiment.attack
        return f"{self.recipe.key}-{members}-{attack:g}" if members > 1 or attack else self.recipe.key

    @property
    def training(self) -> str:
        """Equal for runs of the same recipe, whatever their networks are attacked with."""
        return f"{self.recipe.key}-{self.experiment.members}"


@dataclass(frozen=True, kw_only=True)
class Document:
    """A whole document. `about` says in a sentence what it varies. `study` is the search study whose report compares with it. An `oddity` cannot be right; a `finding`
    explains what our runs disagree in. `task` names the experiments that answer each exercise; `omitted` has, by kind and id,
    why something is not replicated. `family` has settings that experiments share, which readings and their own override."""

    title: str
    about: str
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
    name: str = ""  # of its file

    def __post_init__(self) -> None:
        named = {f"task.{task}": answers for task, answers in self.task.items()}
        for kind in ("experiment", "claim", "drawing", "oddity", "finding"):
            ids = [each.id for each in getattr(self, kind)]
            for index, each in enumerate(getattr(self, kind)):
                require(not each.id or ids.count(each.id) == 1, f"{kind}[{index}].id", "be used once", each.id)
                named[f"{kind}[{index}]"] = getattr(each, "about", ()) or getattr(each, "experiments", ())
        for place, name in ((place, name) for place, names in named.items() for name in names):
            if name not in self.by_id:
                raise Invalid(place, f"names no experiment {name!r}; {near_miss(name, self.by_id)}")
        for index, experiment in enumerate(self.experiment):
            if experiment.family and experiment.family not in self.family:
                raise Invalid(f"experiment[{index}].family", f"unknown; {near_miss(experiment.family, self.family)}")

    def matching(self, pattern: str) -> tuple[Experiment, ...]:
        """The experiments whose ids match a pattern."""
        return tuple(each for each in self.experiment if fnmatch(each.id, pattern))

    @property
    def first_choice(self) -> Choice:
        """The first readings."""
        return (0,) * len(self.reading)

    def neighbours(self, choice: Choice, changes: int = 1) -> Iterator[Choice]:
        """All choices that differ from one in so many readings or fewer, of those that need a training."""
        trained = [index for index, reading in enumerate(self.reading) if any(option.set for option in reading.options)]
        few = combinations(trained, min(changes, len(trained)))
        near = (each for indices in few for each in self.choices(indices, choice))
        yield from (each for each in dict.fromkeys(near) if each != choice)

    def choices(self, indices: Collection[int], choice: Choice | None = None) -> Iterator[Choice]:
        """All choices of these readings; the others are as in the choice (or the first ones)."""
        each_own = enumerate(choice or self.first_choice)
        return product(*(range(len(self.reading[i].options)) if i in indices else (own,) for i, own in each_own))

    def compared_figures(self, choice: Choice) -> dict[str, str]:
        """The figure of our runs that each reported figure is compared with under a choice, where the two differ."""
        options = (reading.options[option] for reading, option in zip(self.reading, choice, strict=True))
        return {name: ours for option in options for name, ours in option.measured.items()}

    def choice(self, reading: str) -> Choice:
        """The choice with this name (`reading_name`)."""
        options = ([n for n in range(1, len(each.options)) if each.name(n) in reading] for each in self.reading)
        return tuple(each[0] if each else 0 for each in options)

    def log_prior(self, choice: Choice, experiment: Experiment | None = None) -> float:
        """The log prior probability of a choice; of the readings that concern one experiment, or of all."""
        indices = self.concerning[experiment.id] if experiment else range(len(choice))
        return math.fsum(math.log(self.reading[index].prior(choice[index])) for index in indices)

    def reading_name(self, choice: Choice, experiment: Experiment | None = None) -> str:
        """The names of the readings that are not the first ones; of those that concern one experiment, or of all."""
        indices = self.concerning[experiment.id] if experiment else range(len(choice))
        return ", ".join(self.reading[index].name(choice[index]) for index in indices if choice[index])

    def variant(self, experiment: Experiment, choice: Choice, repeat: int = 0) -> Variant:
        """A run of the experiment under a choice. Raises `Invalid` with the experiment's id."""
        plain: Any = self.recipe
        family = self.family[experiment.family] if experiment.family else {}
        readings = (self.reading[index].options[choice[index]].set for index in self.concerning[experiment.id])
        for settings in (family, *readings, experiment.set):
            for address, value in settings.items():
                plain = override(plain, address, value)
        try:
            recipe = decode(Recipe, plain, "recipe")
        except Invalid as complaint:
            raise complaint.inside(experiment.id) from None
        return Variant(experiment, self.reading_name(choice, experiment), repeat, replace(recipe, seed=repeat))

    @cached_property
    def by_id(self) -> dict[str, Experiment]:
        """The experiments by their ids."""
        return {each.id: each for each in self.experiment}

    @cached_property
    def recipes(self) -> dict[str, Recipe]:
        """The recipe of each experiment under the first readings."""
        return {id_: self.variant(each, self.first_choice).recipe for id_, each in self.by_id.items()}

    @cached_property
    def concerning(self) -> dict[str, list[int]]:
        """The indices of the readings that concern each experiment."""
        patterns = [(index, pattern) for index, reading in enumerate(self.reading) for pattern in reading.only]
        return {id_: list(dict.fromkeys(i for i, pattern in patterns if fnmatch(id_, pattern))) for id_ in self.by_id}


def load_document(path: Path) -> Document:
    """The checked document in a TOML file. Complaints name the file."""
    try:
        document = decode(Document, {**tomllib.loads(path.read_text(encoding="utf-8")), "name": path.stem})
        for experiment in document.experiment:
            for choice in (document.first_choice, *document.neighbours(document.first_choice)):
                document.variant(experiment, choice)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, Invalid) as error:
        raise StudyError(f"{path}: {error}") from None
    return document
