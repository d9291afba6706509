"""What a table's training part has taught about its columns: enough to code any other rows of the same kind."""

from dataclasses import dataclass

from tuner.networks.columns import FIRST, Coded, Kind


@dataclass(frozen=True, kw_only=True)
class ColumnCoding:
    """How a column becomes coded. `values` are the categories, truths or words with the codes 2, 3, …; `origin` is taken from
    a number before float32 would round it away; `format` is how dates are written, as pandas says it; `places` and
    `lacks` as in `Coded`."""

    name: str
    kind: Kind
    values: tuple[str, ...] = ()
    origin: float = 0.0
    format: str = ""
    places: int = 1
    lacks: bool = False

    @property
    def facts(self) -> Coded:
        """What a network must know of it."""
        size = 0 if self.kind in ("number", "date") else FIRST + len(self.values)
        return Coded(self.kind, size, self.places, self.lacks)


@dataclass(frozen=True, kw_only=True)
class Coding:
    """The columns of coded rows, in their order. `tuner.base.decode` turns it to JSON and back."""

    columns: tuple[ColumnCoding, ...] = ()

    @property
    def facts(self) -> tuple[Coded, ...]:
        """What a network must know of them."""
        return tuple(column.facts for column in self.columns)

    @property
    def places(self) -> int:
        """The length of a coded row."""
        return sum(column.places for column in self.columns)
