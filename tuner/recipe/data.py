"""Which data, and how its numbers reach the network: a data set of the catalogue, or the user's own table, arrays or images.

What only a look at own data can tell (how many rows, which classes, how many values a column has, the hash of it all) is
`found` when a study is loaded, and is part of the recipe from then on: whoever has a recipe needs no file to build its
network, and equal recipes saw equal data.
"""

from dataclasses import dataclass
from typing import Literal

from tuner.base.errors import Invalid, near_miss, require, require_seed
from tuner.base.metrics import Task
from tuner.data.catalogue import CATALOGUE
from tuner.networks import Inputs
from tuner.networks.columns import Coded, Column, Encoding, Rows

Scaling = Literal["unit", "symmetric", "standard", "none"]


@dataclass(frozen=True, kw_only=True)
class Data:
    """Which data set of the catalogue, and how its inputs are scaled on their way into the network.

    `unit` maps the data set's own range (0 to 255, or -1 to 1 for USPS) to 0..1, `symmetric` maps it to -1..1,
    `standard` subtracts the mean of the training part and divides by its standard deviation (one of each for images,
    per column otherwise), `none` leaves the stored numbers as they are.
    """

    name: str
    scaling: Scaling = "unit"

    def __post_init__(self) -> None:
        if self.name not in CATALOGUE:
            raise Invalid("name", f"unknown data set {self.name!r}; {near_miss(self.name, CATALOGUE)}")


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The test part as a share of all examples: drawn by the seed, every class represented alike; whole groups where there are
    any; the last ones where there is an order in time. With a share of 0 nothing is cut off, and nothing tested."""

    share: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        require(0 <= self.share < 1, "share", "be at least 0 and less than 1", self.share)
        require_seed(self.seed)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a look at own data has told. `classes` are the names of the classes, or of the labels, or of the targets that are
    numbers; `rarest` counts the training examples of the rarest class (all of them where there are no classes); `shape`
    is that of one input as it is stored (arrays, images), `columns` are those of coded rows (tables)."""

    identity: str
    training_examples: int
    test_examples: int
    classes: tuple[str, ...]
    rarest: int
    shape: tuple[int, ...] = ()
    columns: tuple[Coded, ...] = ()
    value_range: tuple[float, ...] = (0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table (CSV, TSV, Parquet, compressed or not; `sklearn:iris` for a bundled one). `path` counts from the study file's
    folder (or the one that has it, where it is called `studies`); `test` is another such file, or how much is cut off. `columns` are what the network sees, `target` names the
    column or columns that it is to tell.

    Rows of one `group` never stand on both sides of a split; with `time` the rows are in the order of that column, and splits
    keep it; `weight` names the column that says how much each row counts.
    """

    kind: Literal["table"] = "table"
    path: str
    target: str | tuple[str, ...]
    columns: tuple[Column, ...]
    task: Task = "classification"
    test: str | Cut = Cut()
    group: str = ""
    time: str = ""
    weight: str = ""
    encoding: Encoding = Encoding()
    found: Found | None = None

    def __post_init__(self) -> None:
        require(bool(self.path), "path", "not be empty", self.path)
        names = [column.name for column in self.columns]
        require(len(names) > 0, "columns", "name at least one column", names)
        require(len(set(names)) == len(names), "columns", "name each column once", names)
        for role in ("target", "group", "weight"):
            for name in self.targets if role == "target" else (getattr(self, role),):
                require(name not in names, role, "be no column that the network sees", name)
        require(self.task != "multi_label" or len(self.targets) > 1, "target", "be several labels", self.target)
        require(not (self.group and self.time), "time", "be empty where there are groups", self.time)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.path

    @property
    def targets(self) -> tuple[str, ...]:
        """The target columns."""
        return (self.target,) if isinstance(self.target, str) else self.target


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """Arrays in an NPZ file by their names: `x` with the examples first, then any shape, and `y`. `path`, `test` and `groups`,
    `weights` as in a table."""

    kind: Literal["arrays"] = "arrays"
    path: str
    x: str = "x"
    y: str = "y"
    groups: str = ""
    weights: str = ""
    task: Task = "classification"
    test: str | Cut = Cut()
    scaling: Scaling = "standard"
    found: Found | None = None

    def __post_init__(self) -> None:
        require(bool(self.path), "path", "not be empty", self.path)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.path


@dataclass(frozen=True, kw_only=True)
class Images:
    """A folder of PNG and JPEG files, with a folder in it for each class; `path` and `test` as in a table. All are brought to
    one `size` (height, width), once; `color` keeps three channels."""

    kind: Literal["images"] = "images"
    path: str
    size: tuple[int, ...]
    color: bool = False
    test: str | Cut = Cut()
    scaling: Scaling = "unit"
    found: Found | None = None

    def __post_init__(self) -> None:
        require(bool(self.path), "path", "not be empty", self.path)
        require(len(self.size) == 2 and min(self.size) >= 1, "size", "be a height and a width", list(self.size))

    @property
    def name(self) -> str:
        """What it is called."""
        return self.path


Own = Table | Arrays | Images
AnyData = Data | Table | Arrays | Images
"""A table in a study file without `kind` is a data set of the catalogue."""


@dataclass(frozen=True)
class Description:
    """What is to be known of data without its arrays. `inputs` are what a network stands on, `outputs` how many numbers it
    gives for an example; `classes` are the names of classes, labels or targets, `rarest` the training examples of the rarest
    class."""

    task: Task
    inputs: Inputs
    classes: tuple[str, ...]
    training_examples: int
    test_examples: int
    rarest: int
    value_range: tuple[float, float]
    identity: str

    @property
    def outputs(self) -> int:
        """How many numbers a network gives for an example."""
        return len(self.classes)


def task_of(data: AnyData) -> Task:
    """What is to be told of an example."""
    return data.task if isinstance(data, Table | Arrays) else "classification"


def described(data: AnyData) -> Description:
    """What is to be known of data without its arrays. Raises `Invalid` for own data that has not been looked at."""
    if isinstance(data, Data):
        entry = CATALOGUE[data.name]
        examples, classes = entry.training_examples, entry.classes
        rarest = examples // len(classes)  # that many at the most
        range_ = entry.value_range
        return Description(
            "classification", entry.shape, classes, examples, entry.test_examples, rarest, range_, entry.identity
        )
    found = data.found
    if found is None:
        raise Invalid("data.found", "missing: the data has not been looked at, which loading a study file does")
    low, high = found.value_range
    inputs: Inputs = Rows(found.columns, data.encoding) if isinstance(data, Table) else found.shape
    counts = found.training_examples, found.test_examples, found.rarest
    return Description(task_of(data), inputs, found.classes, *counts, (low, high), found.identity)
