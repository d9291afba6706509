"""What a document reports: its experiments with their figures, its claims, what is odd in it, and its pictures.

Each has an id, unique within its document and kind, by which the checklist of the document's text names it."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tuner.base.decode import decode
from tuner.base.errors import require

Figure = Literal[
    "parameters",
    "layer_parameters",
    "training_loss",
    "training_accuracy",
    "mean_training_accuracy",
    "validation_loss",
    "validation_accuracy",
    "highest_validation_accuracy",
    "test_loss",
    "test_loss_at_most",
    "test_accuracy",
    "single_accuracy",
    "mean_single_accuracy",
    "deviation_single_accuracy",
    "ensemble_accuracy",
    "attacked_accuracy",
]

Basis = Literal["stated", "implied", "hypothesis", "reading", "general"]
"""Of a claim: the document says it of its runs; it follows from its figures; it is its guess at a reason; it says it without
saying of which network; or it says it of networks as such."""

CURVES = ("training_loss", "training_accuracy", "validation_loss", "validation_accuracy")
GAPS = {
    "gap_loss": ("test_loss", "training_loss"),
    "gap_accuracy": ("test_accuracy", "training_accuracy"),
    "gap_ensemble": ("ensemble_accuracy", "single_accuracy"),
}
"""Figures of a run that are differences of two."""

_OF_A_RUN = (*CURVES, *GAPS, "test_loss", "test_accuracy", "highest_validation_accuracy", "attacked_accuracy")
_OF_CURVES = re.compile(rf"(mean_|change_|swing_|falling_|rising_|highest_of_\d+_)({'|'.join(CURVES)})")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One row of a document's tables.

    `reported` has figures by name, several where the document repeats itself (and the parameters of each layer); `curve` has
    its figures by epoch, or by number of members; `words` what it says in words, such as its time; `unchecked` why a figure is
    worth nothing. `repeats` is how often the document did it, or how many tries a bound is given. `members` of an ensemble
    are trained on bootstrap samples; with `attack` the test images are attacked too, with that strength in scaled units.
    `added` says why one stands here that the document does not have. `family` names settings that several share.
    """

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

    def figures(self) -> Iterator[tuple[Figure, tuple[float, ...]]]:
        """What is reported, each figure as often as it is."""
        for name in self.reported:
            yield decode(Figure, name, "reported"), self.told(name)  # type: ignore[arg-type]

    def curves(self) -> Iterator[tuple[Figure, tuple[float, ...]]]:
        """The figures that are reported by epoch or by member."""
        for name, values in self.curve.items():
            yield decode(Figure, name, "curve"), decode(tuple[float, ...], values, f"curve.{name}")  # type: ignore[arg-type]

    def told(self, figure: str) -> tuple[float, ...]:
        """What is reported of one figure; empty if nothing is."""
        value = self.reported.get(figure, [])
        return decode(tuple[float, ...], value if isinstance(value, list) else [value], f"reported.{figure}")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A sentence of a document's prose as something that figures can show: a figure `rises` or `falls` along experiments,
    one is the `best` or `worst` `among` some, those `of` some experiments are `above` or `below` a bound (with `always`: in
    each run), or figures are `unsteady` from run to run. `figure` is one of a run (`Run.figure`)."""

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
    figure: str = "test_accuracy"

    def __post_init__(self) -> None:
        known = self.figure in _OF_A_RUN or _OF_CURVES.fullmatch(self.figure)
        require(bool(known), "figure", "be a figure of a run", self.figure)
        bounds = (self.above is not None) + (self.below is not None)
        require(bounds == bool(self.of), "of", "name experiments where there is one bound, above or below", self.of)
        require(bool(self.experiments), "rises", "say of which experiments", self.says)

    @property
    def experiments(self) -> tuple[str, ...]:
        """All that it is about."""
        singles = tuple(each for each in (self.best, self.worst) if each)
        return tuple(dict.fromkeys((*self.rises, *self.falls, *singles, *self.among, *self.unsteady, *self.of)))


@dataclass(frozen=True, kw_only=True)
class Remark:
    """Something that is to be said of some experiments, or of the document."""

    says: str
    about: tuple[str, ...] = ()
    id: str = ""

    def among(self, experiments: Collection[str]) -> "Remark":
        """The same about those of its experiments that are among some."""
        return replace(self, about=tuple(each for each in self.about if each in experiments))


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A picture of the document, to be drawn again from our runs: figures of experiments `against` a number (`at`, one for
    each), their `curves` by epoch, the accuracy of an ensemble by number of `members`, a `confusion` matrix, the decision
    `regions` of networks in the plane, a `table`, the `layers` with the calculation of their parameters. `also` are the ids of further pictures that showed the same."""

    id: str
    title: str
    kind: Literal["against", "curves", "members", "confusion", "regions", "table", "layers"]
    experiments: tuple[str, ...]
    figures: tuple[Figure, ...] = ("test_accuracy",)
    at: tuple[float, ...] = ()
    x: str = "epoch"
    log: bool = False
    also: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind == "against":
            require(len(self.at) == len(self.experiments), "at", "have a number for each experiment", len(self.at))
