"""What follows from own data for the study that is to be made of it: what to optimize, how to validate, how long to train."""

import math
from dataclasses import dataclass

from tuner.base.metrics import Task
from tuner.data.ingest.goal import Goal
from tuner.data.ingest.profile import TableProfile
from tuner.data.ingest.profile_files import ArraysProfile, ImagesProfile
from tuner.init.spaces import Asked
from tuner.recipe.data import Cut

Profile = TableProfile | ArraysProfile | ImagesProfile
HOLDOUT_ROWS, FINE_ROWS, MANY_ROWS, COARSE_ROWS, FEW_ROWS = 20_000, 5_000, 2_000, 500, 60
HOLDOUT_IMAGES = 5_000
MANY_VALUES = 10_000_000
SMALLEST_IMAGE = 8
MOST_CHANNELS = 4


@dataclass(frozen=True)
class Wish:
    """What the user has said beside what was found: the study's name, the data's path as the file is to have it, the test part
    (another file, or how much is cut off), and the minutes."""

    name: str
    path: str
    test: str | Cut
    minutes: float


def objective(goal: Goal, rows: int) -> tuple[str, str]:
    """What is to be optimized, and why. Of few rows an accuracy is too coarse: chance moves it more than recipes do."""
    if goal.task == "regression":
        return "validation_r2", "the share of the target's variance that is explained"
    if goal.is_imbalanced and rows >= COARSE_ROWS:
        return "validation_balanced_accuracy", "the mean over the classes, of which some are rare"
    if rows < HOLDOUT_ROWS:
        return "validation_log_loss", f"finer than accuracy, which chance moves on {rows} rows"
    if goal.task == "multi_label":
        return "validation_macro_f1", "the mean over the labels"
    return "validation_accuracy", "or validation_log_loss, validation_macro_f1, validation_roc_auc …"


def usual_minutes(found: Profile) -> float:
    """How long a search takes where nobody says: longer where an epoch does."""
    return 10.0 if values(found) >= MANY_VALUES else 2.0


def values(found: Profile) -> int:
    """How many numbers, categories or points there are in all."""
    match found:
        case TableProfile():
            return found.rows * len(found.columns)
        case ArraysProfile():
            return found.rows * math.prod(found.shape)
        case ImagesProfile():
            return found.rows * math.prod(found.size) * (3 if found.color else 1)


def training_rows(found: Profile, wish: Wish) -> int:
    """About how many rows are left for training and validation."""
    if isinstance(wish.test, str) or found.test_rows:
        return found.rows
    return found.rows - round(wish.test.share * found.rows)


def has_holdout(found: Profile, wish: Wish) -> bool:
    """Whether one validation part is large enough. Networks on images take long, and the time for folds is missed elsewhere."""
    return training_rows(found, wish) >= (HOLDOUT_IMAGES if _side(found) else HOLDOUT_ROWS)


def folds(found: Profile, wish: Wish) -> int:
    """Of cross-validation: fewer for few rows, and for many, of which each fold has enough; no more than half as many as
    groups."""
    wanted = 5 if FEW_ROWS <= training_rows(found, wish) < MANY_ROWS else 3
    return min(wanted, max(2, found.groups // 2)) if found.groups else wanted


def stratifies(found: Profile, wish: Wish) -> bool:
    """Whether each class has examples enough for every fold, also where the cut takes one more than its share."""
    if found.goal.task == "regression":
        return len(found.goal.targets) == 1
    if found.goal.task == "multi_label":
        return False
    rarest = min(found.goal.counts)
    left = int(rarest * training_rows(found, wish) / found.rows) - 1
    return left >= folds(found, wish)


def asked(found: Profile, wish: Wish) -> Asked:
    """What the search space must know."""
    rows, task = training_rows(found, wish), found.goal.task
    columns = found.columns if isinstance(found, TableProfile) else ()
    return Asked(
        task=task,
        loss=LOSSES[task],
        batch=next(sizes for most, sizes in BATCHES if rows < most),
        epochs=next(epochs for most, epochs in EPOCHS if rows < most),
        few=rows < 2 * COARSE_ROWS,
        numbers=sum(each.kind in ("number", "date") for each in columns),
        bins=48 if rows >= FINE_ROWS else 16,
        side=_side(found),
        balances=found.goal.is_imbalanced and objective(found.goal, rows)[0] == "validation_balanced_accuracy",
    )


LOSSES: dict[Task, str] = {
    "classification": '{ kind = "categorical_crossentropy", label_smoothing = { low = 0.0, high = 0.1 } }',
    "multi_label": '"binary_crossentropy"',
    "regression": '{ one_of = ["mean_squared_error", { kind = "huber", delta = 1.0 }] }',
}
ANY = 10**18
BATCHES = (
    (1_000, (16, 32, 64)),
    (3_000, (32, 64, 128)),
    (10_000, (64, 128, 256)),
    (100_000, (128, 256, 512)),
    (ANY, (256, 512, 1024)),
)
EPOCHS = ((10_000, (10, 40, 200)), (100_000, (5, 30, 60)), (ANY, (2, 10, 30)))
"""By rows: the fewest, those to begin with, the most."""


def _side(found: Profile) -> int:
    """The shorter side of images; 0 where inputs are none. Arrays are images from 8 pixels a side on, of at most 4 channels."""
    match found:
        case TableProfile():
            return 0
        case ImagesProfile(size=size):
            return min(size)
        case ArraysProfile(shape=shape):
            is_image = len(shape) == 2 or (len(shape) == 3 and shape[2] <= MOST_CHANNELS)
            return min(shape[:2]) if is_image and min(shape[:2]) >= SMALLEST_IMAGE else 0
