"""What a document reports: its experiments with their figures, its claims, remarks on it, and its pictures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from tuner.base.decode import decode
from tuner.base.errors import require
from tuner.documents.figures import check_figure, is_loss

Basis = Literal["stated", "implied", "hypothesis", "reading", "general"]
"""Stated of its runs; following from its figures; a guessed reason; stated of no named network; of networks in general."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One row of a document's tables. `reported` has figures by name, several where the document repeats itself (and the
    parameters of each layer); an upper bound ends in `_at_most`. `curve` has figures by epoch, or by number of members; `words`
    what is only described, such as times; `unchecked` why a figure cannot be checked. `repeats` is how often the document ran
    it, or how many tries a bound has. `members` of an ensemble are trained on a bootstrap sample each; `attack` is the strength
    of an attack on the test images, in scaled units. `added` says why an experiment is added. `family` names shared settings."""

    id: str
    title: str
    family: str = ""
    set: Mapping[str, Any] = field(default_factory=dict)
    reported: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    curve: Mapping[str, Any] = field(default_factory=dict)
    unchecked: Mapping[str, str] = field(default_factory=dict)
    repeats: int = 1
    members: int = 1
    attack: float = 0.0
    added: str = ""

    def __post_init__(self) -> None:
        for place, figures in (("reported", self.reported), ("curve", self.curve)):
            for name, value in figures.items():
                check_figure(place, name.removesuffix("_at_most"))
                decode(tuple[float, ...], value if isinstance(value, list) else [value], f"{place}.{name}")

    def values(self, figure: str) -> tuple[float, ...]:
        """The reported values of one figure, or none."""
        value = self.reported.get(figure, [])
        return tuple(map(float, value if isinstance(value, list) else [value]))


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement of a document: a `figure` (`Run.figure`) `rises` or `falls` along experiments, one is the `best` or `worst`
    `among` several, those `of` several experiments are `above` or `below` a bound (with `always`: in each run), or figures are
    `unsteady` from run to run. A difference `by` so much is claimed at least. `guess` is a setting that the document leaves
    open and that was not varied."""

    id: str
    says: str
    basis: Basis = "stated"
    rises: tuple[str, ...] = ()
    falls: tuple[str, ...] = ()
    best: str = ""
    worst: str = ""
    among: tuple[str, ...] = ()
    unsteady: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    above: float | None = None
    below: float | None = None
    always: bool = False
    by: float = 0.0
    guess: str = ""
    figure: str = "test_accuracy"

    def __post_init__(self) -> None:
        check_figure("figure", self.figure)
        bounds = (self.above is not None) + (self.below is not None)
        require(bounds == bool(self.of), "of", "name experiments where there is one bound, above or below", self.of)
        require(not self.by or bool(self.pairs), "by", "be of a difference of two experiments", self.by)
        require(bool(self.experiments), "rises", "say of which experiments", self.says)

    @property
    def experiments(self) -> tuple[str, ...]:
        """The experiments that it compares."""
        ids = (*self.rises, *self.falls, self.best, self.worst, *self.among, *self.unsteady, *self.of)
        return tuple(dict.fromkeys(filter(None, ids)))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """(claimed higher, claimed lower) for each comparison of two; a lower loss is better."""
        pairs = [(high, low) for low, high in pairwise(self.rises)] + list(pairwise(self.falls))
        highest, lowest = (self.worst, self.best) if is_loss(self.figure) else (self.best, self.worst)
        pairs += [(highest, each) for each in self.among if highest and each != highest]
        return pairs + [(each, lowest) for each in self.among if lowest and each != lowest]

    def excess(self, value: float) -> float:
        """How far a figure is on the claimed side of the bound."""
        return value - self.above if self.above is not None else (self.below or 0.0) - value


@dataclass(frozen=True, kw_only=True)
class Remark:
    """A remark on several experiments, or on the whole document."""

    says: str
    about: tuple[str, ...] = ()
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A picture, drawn again from our runs: figures of experiments `against` a number (`at`, one for each), their `curves` by
    epoch, the accuracy of an ensemble by number of `members`, a `confusion` matrix, the decision `regions` of networks in the
    plane, or the parameters of the `layers`. `also` has the ids of pictures that show the same."""

    id: str
    title: str
    kind: Literal["against", "curves", "members", "confusion", "regions", "layers"]
    experiments: tuple[str, ...]
    figures: tuple[str, ...] = ("test_accuracy",)
    at: tuple[float, ...] = ()
    x: str = "epoch"
    log: bool = False
    also: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for figure in self.figures:
            check_figure("figures", figure)
        if self.kind == "against":
            require(len(self.at) == len(self.experiments), "at", "have a number for each experiment", len(self.at))
