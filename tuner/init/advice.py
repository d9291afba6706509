"""What follows from a user's data for a new study: the objective, the protocol, the minutes, the sizes in its space."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from tuner.data.ingest.arrays import ArraysProfile
from tuner.data.ingest.images import ImagesProfile
from tuner.data.ingest.profile import TableProfile
from tuner.networks.columns import Coded, shape_of
from tuner.recipe import Cut, Holdout, KFold
from tuner.recipe.protocols import Pick

Profile = TableProfile | ArraysProfile | ImagesProfile

HOLDOUT_ROWS, HOLDOUT_IMAGES = 20_000, 5_000
"""From so many on one validation part is large enough. Networks on images take long, which leaves no time for folds."""

FEWEST_FOR_FIVE_FOLDS, MOST_FOR_FIVE_FOLDS = 60, 2_000
COARSE_ROWS, FINE_ROWS = 500, 5_000
FORWARD_ROWS = 20
"""The fewest rows for each step of a horizon that are folded forward in time."""
MANY_VALUES = 10_000_000
MOST_SPREAD = 200
"""Most columns of numbers of which each may become many inputs."""

SMALLEST_IMAGE, MOST_CHANNELS = 8, 4
"""Arrays are images from so many pixels a side on, with at most so many channels."""

ANY = 10**18


class Objective(NamedTuple):
    """The objective of a study, and why it was chosen."""

    metric: str
    reason: str


# By rows: each pair says what holds for fewer rows than its first number.
BATCH_SIZES = (
    (1_000, (16, 32, 64)),
    (3_000, (32, 64, 128)),
    (10_000, (64, 128, 256)),
    (100_000, (128, 256, 512)),
    (ANY, (256, 512, 1024)),
)
EPOCHS = ((10_000, 200), (100_000, 60), (ANY, 30))  # at most
# What is tried first on a table: family, widths, encoding, label smoothing, weight decay, convolutions of windows. Nearly RealMLP's defaults (Holzmüller
# et al. 2024, arXiv 2407.04491), with bins, which were better than pbld on four tables of four; and TabM's members.
ROW_STARTS = (
    ("dense", (256, 256, 256), "piecewise", 0.03, 0.1, ()),
    ("ensemble_dense", (128, 128), "piecewise", 0.03, 0.02, ()),
    ("dense", (256, 256, 256), "pbld", 0.1, 0.3, ()),
)
# The same on windows: first what is linear in them.
SERIES_STARTS = (
    ("dense", (), "robust", 0.03, 0.02, ()),
    ("ensemble_dense", (128, 128), "robust", 0.03, 0.02, ()),
    ("dense", (256, 256), "robust", 0.03, 0.1, (16, 16, 16)),
)


@dataclass(frozen=True)
class NewStudy:
    """What the user decides about a new study: its name, the path of the data as the file has it, the test part (another
    file, or how much is cut off), the minutes, and whether a table has a line of names."""

    name: str
    path: str
    test: str | Cut
    minutes: float
    header: bool = True


def objective(data: Profile, test: str | Cut) -> Objective:
    """What to optimize. On few rows accuracy is too coarse: chance moves it more than recipes do."""
    target, rows = data.target, training_rows(data, test)
    if data.roles.horizon:
        return Objective("validation_rmse", "the mean over the steps, or validation_mae")
    if target.task == "regression":
        return Objective("validation_r2", "the share of the target's variance that is explained")
    if target.is_imbalanced and rows >= COARSE_ROWS:
        return Objective("validation_balanced_accuracy", "the mean over the classes, since some are rare")
    if rows < HOLDOUT_ROWS:
        return Objective("validation_log_loss", f"finer than accuracy, which is noisy on {rows} rows")
    if target.task == "multi_label":
        return Objective("validation_macro_f1", "the mean over the labels")
    return Objective("validation_accuracy", "or validation_log_loss, validation_macro_f1, validation_roc_auc …")


def usual_minutes(data: Profile) -> float:
    """The default length of a search: longer where epochs take long."""
    return 10.0 if value_count(data) >= MANY_VALUES else 2.0


def value_count(data: Profile) -> int:
    """How many cells, numbers or pixels the data has in all."""
    match data:
        case TableProfile():
            return data.rows * len(data.columns)
        case ArraysProfile():
            return data.rows * math.prod(data.shape)
        case ImagesProfile():
            return data.rows * math.prod(data.size) * (3 if data.color else 1)


def training_rows(data: Profile, test: str | Cut) -> int:
    """About how many rows are left for training and validation."""
    return data.rows if isinstance(test, str) or data.test_rows else data.rows - round(test.share * data.rows)


def protocol(data: Profile, test: str | Cut) -> Holdout | KFold:
    """A holdout where there are rows enough or an order in time, else cross-validation: with three folds where rows are few,
    or so many that each fold has enough; with at most half as many folds as groups. Three folds forward in time for windows."""
    rows = training_rows(data, test)
    if data.roles.time:
        is_cut = 0 < FORWARD_ROWS * max(1, data.roles.horizon) <= rows < HOLDOUT_ROWS and data.roles.window
        return KFold(folds=3, pick="last") if is_cut else Holdout(pick="last")
    folds = 5 if FEWEST_FOR_FIVE_FOLDS <= rows < MOST_FOR_FIVE_FOLDS else 3
    if data.groups:
        folds = min(folds, max(2, data.groups // 2))
    pick: Pick = "stratified" if _can_stratify(data, rows, folds) else "random"
    if rows >= (HOLDOUT_IMAGES if image_side(data) else HOLDOUT_ROWS):
        return Holdout(pick=pick)
    return KFold(folds=folds, pick=pick)


def _can_stratify(data: Profile, rows: int, folds: int) -> bool:
    """Whether each fold gets an example of each class, even where the test part takes one more than its share."""
    target = data.target
    if target.task == "regression":
        return len(target.targets) == 1
    return target.task == "classification" and int(min(target.counts) * rows / data.rows) - 1 >= folds


def encodings(data: Profile) -> tuple[str, ...]:
    """The encodings of numbers to choose from; none where no column has numbers."""
    columns = data.columns if isinstance(data, TableProfile) else ()
    numbers = sum(each.kind in ("number", "date") for each in columns)
    spread = ("piecewise", "pbld", "periodic") if numbers <= MOST_SPREAD else ()
    return (*spread, "robust", "quantile") if numbers else ()


def picture_halvings(data: Profile) -> int:
    """How often the smallest picture of a table's columns is halved at most, twice at least; 0 where there are no pictures."""
    columns = data.columns if isinstance(data, TableProfile) else ()
    coded = [Coded(each.kind, shape=shape_of(each.kind, each.format)) for each in columns if each.kind]
    sides = [min(each.shape[:2]) for each in coded if each.is_picture]
    return max(2, min(4, min(sides).bit_length() - 2)) if sides else 0


def image_side(data: Profile) -> int:
    """The shorter side of images in pixels; 0 where the inputs are no images."""
    match data:
        case TableProfile():
            return 0
        case ImagesProfile(size=size):
            return min(size)
        case ArraysProfile(shape=shape):
            is_image = len(shape) == 2 or (len(shape) == 3 and shape[2] <= MOST_CHANNELS)
            return min(shape[:2]) if is_image and min(shape[:2]) >= SMALLEST_IMAGE else 0
