"""What a document reports: its experiments with their figures, its claims, remarks on it, and its pictures.

Each has an id, unique within its document and kind, by which the checklist of the document's text names it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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
"""Of a claim: the document states it of its runs; it follows from its figures; it is a guessed reason; it is stated without
naming a network; or it is about networks in general."""

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
    figures by epoch, or by number of members; `words` has what is only described, such as times; `unchecked` has the reason
    why a figure cannot be checked. `repeats` is how often the document ran it, or how many tries a bound has. Each of
    several `members` of an ensemble is trained on a bootstrap sample; with `attack` the test images are attacked too, with
    that strength in scaled units. `added` is the reason for an experiment that the document lacks. `family` names shared
    settings.
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

    def figures(self) -> dict[Figure, tuple[float, ...]]:
        """All reported values of each figure."""
        return {decode(Figure, name, "reported"): self.values(name) for name in self.reported}  # type: ignore[arg-type]

    def curves(self) -> dict[Figure, tuple[float, ...]]:
        """The figures that are reported by epoch or by member."""
        return {
            decode(Figure, name, "curve"): decode(tuple[float, ...], values, f"curve.{name}")  # type: ignore[arg-type]
            for name, values in self.curve.items()
        }

    def values(self, figure: str) -> tuple[float, ...]:
        """The reported values of one figure, or none."""
        value = self.reported.get(figure, [])
        return decode(tuple[float, ...], value if isinstance(value, list) else [value], f"reported.{figure}")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement of a document that figures can show: a figure `rises` or `falls` along experiments, one is the `best` or
    `worst` `among` several, those `of` several experiments are `above` or `below` a bound (with `always`: in each run), or
    figures are `unsteady` from run to run. `figure` is one of a run (`Run.figure`)."""

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
        """All that it compares."""
        singles = tuple(each for each in (self.best, self.worst) if each)
        return tuple(dict.fromkeys((*self.rises, *self.falls, *singles, *self.among, *self.unsteady, *self.of)))


@dataclass(frozen=True, kw_only=True)
class Remark:
    """A remark on several experiments, or on the whole document."""

    says: str
    about: tuple[str, ...] = ()
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A picture of the document, drawn again from our runs: figures of experiments `against` a number (`at`, one for each),
    their `curves` by epoch, the accuracy of an ensemble by number of `members`, a `confusion` matrix, the decision `regions`
    of networks in the plane, a `table`, or the parameters of the `layers`. `also` has the ids of pictures that show the
    same."""

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
