"""What a document reports: its experiments with their figures, its claims, what is odd in it, and its pictures."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tuner.decode import decode
from tuner.errors import demand

Figure = Literal[
    "parameters",
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
    "ensemble_accuracy",
    "attacked_accuracy",
]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One row of a document's tables.

    `reported` has figures by name, several where the document repeats itself; `curve` has its figures by epoch, or by
    number of members; `unchecked` says why a figure is worth nothing. `repeats` is how often the document did it, or how
    many tries a bound is given. `members` of an ensemble are trained on bootstrap samples; with `attack` the test images
    are attacked too, with that strength in scaled units.
    """

    id: str
    title: str
    set: Mapping[str, Any] = field(default_factory=dict)
    reported: Mapping[str, Any] = field(default_factory=dict)
    curve: Mapping[str, Any] = field(default_factory=dict)
    unchecked: Mapping[str, str] = field(default_factory=dict)
    repeats: int = 1
    members: int = 1
    attack: float = 0.0

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
    one is the `best` or `worst` `among` some, or figures are `unsteady` from run to run."""

    says: str
    rises: tuple[str, ...] = ()
    falls: tuple[str, ...] = ()
    best: str = ""
    worst: str = ""
    among: tuple[str, ...] = ()
    unsteady: tuple[str, ...] = ()
    figure: Figure = "test_accuracy"

    @property
    def experiments(self) -> tuple[str, ...]:
        """All that it is about."""
        singles = tuple(each for each in (self.best, self.worst) if each)
        return tuple(dict.fromkeys((*self.rises, *self.falls, *singles, *self.among, *self.unsteady)))


@dataclass(frozen=True, kw_only=True)
class Remark:
    """Something that is to be said of some experiments."""

    about: tuple[str, ...]
    says: str

    def among(self, experiments: Collection[str]) -> "Remark":
        """The same about those of its experiments that are among some."""
        return replace(self, about=tuple(each for each in self.about if each in experiments))


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A picture of the document, to be drawn again from our runs: figures of experiments `against` a number (`at`, one for
    each), their `curves` by epoch, the accuracy of an ensemble by number of `members`, a `confusion` matrix, the decision
    `regions` of networks in the plane, a `table`."""

    id: str
    title: str
    kind: Literal["against", "curves", "members", "confusion", "regions", "table"]
    experiments: tuple[str, ...]
    figures: tuple[Figure, ...] = ("test_accuracy",)
    at: tuple[float, ...] = ()
    x: str = "epoch"
    log: bool = False

    def __post_init__(self) -> None:
        if self.kind == "against":
            demand(len(self.at) == len(self.experiments), "at", "have a number for each experiment", len(self.at))
