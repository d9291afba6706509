"""Which data, and how its numbers reach the network: a data set of the catalogue, or the user's own table, arrays or images.

The facts of own data (how many rows, which classes, how many values a column has, the hash of it all) are read when a study
is loaded, and are part of the recipe (`found`). So a recipe alone is enough to build its network, and equal recipes have
equal data.
"""

from typing import ClassVar, Literal

from tuner.base.errors import Invalid, near_miss, require
from tuner.base.metrics import Task
from tuner.base.ranges import CountOrZero, NonEmpty, Rate, Seed, record
from tuner.data.catalogue import CATALOGUE
from tuner.networks.columns import NUMBER_FORMATS, Coded, Column, Encoding

MISSING_TEXTS = (
    *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"),
    *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
"""The texts that pandas takes for missing values, as most programs write them."""

Scaling = Literal["unit", "symmetric", "standard", "none"]


@record
class Data:
    """Which data set of the catalogue, and how its inputs are scaled.

    `unit` maps the data set's own range (0 to 255, or -1 to 1 for USPS) to 0..1, `symmetric` maps it to -1..1,
    `standard` subtracts the mean of the training part and divides by its standard deviation (one of each for images,
    per column otherwise), `none` leaves the stored numbers as they are.
    """

    name: str
    scaling: Scaling = "unit"

    task: ClassVar[Task] = "classification"

    def __post_init__(self) -> None:
        if self.name not in CATALOGUE:
            raise Invalid("name", f"unknown data set {self.name!r}; {near_miss(self.name, CATALOGUE)}")


@record
class Cut:
    """The test part as a share of all examples: drawn by the seed with the same share of each class; whole groups where there
    are groups; the last examples where there is an order in time. With a share of 0 there is no test part."""

    share: Rate = 0.2
    seed: Seed = 0


@record
class DataInfo:
    """The facts of own data. `classes` are the names of the classes, labels or numeric targets; `rarest` counts the training
    examples of the rarest class (all of them where there are no classes); `shape` is that of one stored input (arrays, images);
    `columns` are those of coded rows (tables)."""

    identity: str
    training_examples: int
    test_examples: int
    classes: tuple[str, ...]
    rarest: int
    shape: tuple[int, ...] = ()
    columns: tuple[Coded, ...] = ()
    value_range: tuple[float, ...] = (0.0, 1.0)


@record
class TargetShape:
    """A target of any shape by its name: class numbers (no shape), a map (height, width), a sequence (steps, values)."""

    name: str = ""
    shape: tuple[int, ...] = ()


@record
class Table:
    """A table (CSV, TSV, JSON, compressed or not; Excel, Parquet; `sklearn:iris` for a bundled one). `path` is relative to the
    study file's folder (or to its parent, where it is called `studies`); `test` is another such file, or how much is cut off.
    `columns` are the network's inputs, `target` is the column or the columns to predict.

    Rows of one `group` are never on both sides of a split (group = "equal rows" needs no such column: equal rows are a group);
    with `time` the rows are ordered by that column, and splits keep the order; `weight` names the column with the weight of each
    row. `target_format` is the `format` (as in a column) of targets that are numbers with marks. Several targets of a
    classification are one-hot columns, of which each row has a single 1. Of two classes, `positive` is the one that average
    precision and thresholds are about; the last in the alphabet by default. Without a `header` the file has no names, and its
    columns are called 1, 2, 3.

    Empty cells are missing values. So are the texts `missing`; without a text in that list it is a value of categories, texts,
    groups and classes. With `drop_missing_target` rows without a target are left out.

    With columns of the kind `window` the table is a time series: an example is a row with the rows before it, in the order of `time`.
    Rows of several series are told apart by the column `series`. The targets are those of the next `horizon` rows; with 0 those of
    the row itself. Splits follow time: what is validated or tested lies after all that was trained on. `season` is the number of rows
    after which values repeat (0: unknown); only a reference model uses it.
    """

    kind: Literal["table"] = "table"
    path: NonEmpty
    target: str | tuple[str, ...]
    columns: tuple[Column, ...]
    task: Task = "classification"
    test: str | Cut = Cut()
    group: str = ""
    time: str = ""
    weight: str = ""
    target_format: str = ""
    missing: tuple[str, ...] = MISSING_TEXTS
    drop_missing_target: bool = False
    positive: str = ""
    header: bool = True
    series: str = ""
    horizon: CountOrZero = 0
    season: CountOrZero = 0
    target_shapes: tuple[TargetShape, ...] = ()
    encoding: Encoding = Encoding()
    found: DataInfo | None = None

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        self._require_fit_for_windows()
        require(len(names) > 0, "columns", "name at least one column", names)
        require(len(set(names)) == len(names), "columns", "name each column once", names)
        for role, others in (("target", self.targets), ("group", (self.group,)), ("weight", (self.weight,))):
            for name in others:
                is_past = bool(self.horizon) and name in self.windows
                require(is_past or name not in names, role, "not be one of the network's columns", name)
        require(self.task != "multi_label" or len(self.targets) > 1, "target", "be several labels", self.target)
        rule = f"be empty, or one of {', '.join(NUMBER_FORMATS)}"
        require(self.target_format in ("", *NUMBER_FORMATS), "target_format", rule, self.target_format)
        require(not (self.group and self.time), "time", "be empty where there are groups", self.time)

    @property
    def name(self) -> str:
        """The path."""
        return self.path

    def _require_fit_for_windows(self) -> None:
        lengths = sorted({int(column.format) for column in self.columns if column.kind == "window"})
        if not lengths:
            require(not self.horizon, "horizon", "be 0 where no column is of the kind window", self.horizon)
            require(not self.series, "series", "be empty where no column is of the kind window", self.series)
            return
        require(len(lengths) == 1, "columns", "have windows of one length", lengths)
        require(bool(self.time), "time", "name the column with the times, which order the rows of windows", self.time)
        require(not self.drop_missing_target, "drop_missing_target", "be false: windows have no gaps", True)
        rule = "be 'regression' where horizon is more than 1"
        require(self.horizon < 2 or self.task == "regression", "task", rule, self.task)

    @property
    def targets(self) -> tuple[str, ...]:
        """The target columns."""
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def windows(self) -> tuple[str, ...]:
        """The columns whose last values are inputs."""
        return tuple(column.name for column in self.columns if column.kind == "window")

    @property
    def window(self) -> int:
        """The number of rows in a window; 0 where rows are examples of their own."""
        return next((int(column.format) for column in self.columns if column.kind == "window"), 0)


@record
class Arrays:
    """Arrays in an NPZ file (or in NPY files of one folder, of which `path` is the inputs') by their names: `x` with the examples
    along the first axis, and `y`. `path`, `test`, `groups`, `weights` and `positive` as in a table. The task `custom` has `target_shapes`,
    which come from Python: their loss is that of a function's model."""

    kind: Literal["arrays"] = "arrays"
    path: NonEmpty
    x: str = "x"
    y: str = "y"
    groups: str = ""
    weights: str = ""
    task: Task = "classification"
    test: str | Cut = Cut()
    positive: str = ""
    target_shapes: tuple[TargetShape, ...] = ()
    scaling: Scaling = "standard"
    found: DataInfo | None = None

    @property
    def name(self) -> str:
        """The path."""
        return self.path


@record
class Images:
    """A folder of pictures (PNG, JPEG, GIF, BMP, WebP, TIFF) with a subfolder for each class; `path`, `test` and `positive` as in
    a table. All images are resized once to one `size` (height, width); `color` keeps three channels. Gray files of 16 bits use
    so many `bits` of them, and are scaled by that range."""

    kind: Literal["images"] = "images"
    path: NonEmpty
    size: tuple[int, ...]
    color: bool = False
    bits: int = 16
    test: str | Cut = Cut()
    positive: str = ""
    scaling: Scaling = "unit"
    found: DataInfo | None = None

    task: ClassVar[Task] = "classification"

    def __post_init__(self) -> None:
        require(8 <= self.bits <= 32, "bits", "be between 8 and 32", self.bits)
        require(len(self.size) == 2 and min(self.size) >= 1, "size", "be a height and a width", list(self.size))

    @property
    def name(self) -> str:
        """The path."""
        return self.path


UserData = Table | Arrays | Images
AnyData = Data | Table | Arrays | Images
"""A table in a study file without `kind` is a data set of the catalogue."""
