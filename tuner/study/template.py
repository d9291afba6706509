"""From what was found in own data to the text of a study file: commented, ready to run, made to be changed by hand."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tuner.data.own.goal import Goal
from tuner.data.own.profile import TableProfile
from tuner.data.own.profile_files import ArraysProfile, ImagesProfile
from tuner.measures import Task
from tuner.recipe.data import Cut
from tuner.study.spaces import Asked, space

Profile = TableProfile | ArraysProfile | ImagesProfile
COARSE_ROWS = 500
HOLDOUT_ROWS = 20_000
FEW_ROWS = 60
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


def study_text(found: Profile, wish: Wish) -> str:
    """The text of a study file."""
    lines = [*_head(found, wish), *_data(found, wish), "", *_protocol(found, wish), ""]
    return "\n".join(lines) + "\n" + space(_asked(found, wish))


def objective(goal: Goal, rows: int) -> tuple[str, str]:
    """What is to be optimized, and why. Of few rows an accuracy is too coarse: one row more or less is its step."""
    if goal.task == "regression":
        return "validation_r2", "the share of the target's variance that is explained"
    if rows < COARSE_ROWS:
        return "validation_log_loss", f"finer than accuracy, which of {rows} rows moves in steps"
    if goal.task == "multi_label":
        return "validation_macro_f1", "the mean over the labels"
    if goal.is_imbalanced:
        return "validation_balanced_accuracy", "the mean over the classes, of which some are rare"
    return "validation_accuracy", "or validation_log_loss, validation_macro_f1, validation_roc_auc …"


def training_rows(found: Profile, wish: Wish) -> int:
    """About how many rows are left for training and validation."""
    if isinstance(wish.test, str) or found.test_rows:
        return found.rows
    return found.rows - round(wish.test.share * found.rows)


def _head(found: Profile, wish: Wish) -> Iterator[str]:
    name, reason = objective(found.goal, training_rows(found, wish))
    yield f"# Made by `python -m tuner init {wish.name}` from {_comment(wish.path)}; change what you like."
    yield f"title = {_quoted(f'{wish.name}: {_in_words(found.goal)}')}"
    yield f'objective = "{name}"  # {reason}'
    yield from HEAD.format(minutes=float(wish.minutes)).splitlines()


HEAD = """
# The minutes are all there is to say: search, confirmation and test end within them.
[budget]
minutes = {minutes}
trials = 0
epochs = "fit"

[search]
sampler = {{ kind = "tpe", startup_trials = 2 }}
pruner = "asha"
near = 0.8  # where there is time for few trials

[confirmation]
members = 8  # networks that the model may be an average of, at the most
"""


def _in_words(goal: Goal) -> str:
    targets = ", ".join(goal.targets[:3]) + (" …" if len(goal.targets) > 3 else "")
    match goal.task:
        case "classification":
            return f"{targets}, one of {len(goal.classes)} classes"
        case "multi_label":
            return f"{len(goal.targets)} labels ({targets})"
        case "regression":
            return targets


def _data(found: Profile, wish: Wish) -> Iterator[str]:
    yield ""
    yield "[recipe.data]"
    yield f'kind = "{kind_of(found)}"'
    yield f"path = {_quoted(wish.path)}  # from this file's folder, from that of TUNER_DATA, or from the root"
    if not isinstance(found, ImagesProfile):
        yield f'task = "{found.goal.task}"  # {_comment(found.goal.reason)}'
    yield from _classes(found.goal)
    match found:
        case TableProfile():
            yield from _table(found)
        case ArraysProfile():
            yield from _arrays(found)
        case ImagesProfile():
            yield from _images(found)
    if isinstance(wish.test, str):
        yield f"test = {_quoted(wish.test)}  # opened once, at the end"
    elif not found.test_rows:
        how = f"cut off {_how_cut(found)}, and opened once, at the end"
        yield f"test = {{ share = {wish.test.share}, seed = {wish.test.seed} }}  # {how}"
    if isinstance(found, TableProfile):
        yield from _columns(found)


def kind_of(found: Profile) -> str:
    """As study files call it."""
    match found:
        case TableProfile():
            return "table"
        case ArraysProfile():
            return "arrays"
        case ImagesProfile():
            return "images"


def _classes(goal: Goal) -> Iterator[str]:
    if goal.counts:
        first = ", ".join(f"{name} {count}" for name, count in zip(goal.classes, goal.counts, strict=True))
        yield f"# {'rows of each label' if goal.task == 'multi_label' else 'rows of each class'}: {_comment(first)}"


def _how_cut(found: Profile) -> str:
    if found.roles.time:
        return "at the end of time"
    if found.roles.group:
        return "in whole groups"
    return "with all classes alike" if found.goal.task == "classification" else "at random"


def _table(found: TableProfile) -> Iterator[str]:
    targets, roles = found.goal.targets, found.roles
    yield f"target = {_quoted(targets[0]) if len(targets) == 1 else json.dumps(list(map(str, targets)), ensure_ascii=False)}"
    yield from (
        f"{role} = {_quoted(name)}  # {why}"
        for role, name, why in (
            ("group", roles.group, "rows of one group never stand on both sides of a split"),
            ("time", roles.time, "splits keep this order"),
            ("weight", roles.weight, "how much each row counts"),
        )
        if name
    )


def _columns(found: TableProfile) -> Iterator[str]:
    yield "# What the network sees. The kinds are number, boolean, category, date and text."
    yield "columns = ["
    for column in found.columns:
        examples = ", ".join(column.examples) + (" …" if column.values > len(column.examples) else "")
        missing = f"; {share(column.missing)} missing" if column.missing else ""
        hint = f"; {column.hint}" if column.hint else ""
        said = f"{column.reason}, {column.values} different: {examples}{missing}{hint}"
        yield f'    {{ name = {_quoted(column.name)}, kind = "{column.kind}" }},  # {_comment(said)}'
    yield "]"
    if found.left_out:
        yield "# Left out:"
    for each in found.left_out:
        entry = f'{{ name = {_quoted(each.name)}, kind = "{each.kind}" }}' if each.kind else _quoted(each.name)
        yield f"#   {_comment(entry)}: {_comment(each.reason)}"
    if found.warnings:
        yield "# To be looked at:"
    yield from (f"#   {_comment(each)}" for each in found.warnings)


def _arrays(found: ArraysProfile) -> Iterator[str]:
    yield f"x = {_quoted(found.x)}  # {found.rows} examples of {'×'.join(map(str, found.shape))} {found.dtype}"
    yield f"y = {_quoted(found.y)}"
    if found.roles.group:
        yield f"groups = {_quoted(found.roles.group)}  # examples of one group never stand on both sides of a split"
    if found.roles.weight:
        yield f"weights = {_quoted(found.roles.weight)}"
    if found.test_rows:
        yield f"# The file has a test part of its own, {found.test_rows} examples; it is opened once, at the end."
    yield f'scaling = "{"unit" if found.dtype in ("uint8", "bool") else "standard"}"'


def _images(found: ImagesProfile) -> Iterator[str]:
    (smallest, middle, largest), size = found.sizes, found.size
    sizes = ", ".join(
        f"{name} {height}×{width}"
        for name, (height, width) in zip(("smallest", "median", "largest"), (smallest, middle, largest), strict=True)
    )
    yield f"size = [{size[0]}, {size[1]}]  # height and width; found: {sizes}"
    yield f"color = {'true' if found.color else 'false'}"


def _protocol(found: Profile, wish: Wish) -> Iterator[str]:
    """A holdout where there are rows enough or an order in time; else cross-validation, of fewer folds for few rows."""
    yield "# What is trained on and what validated on, both of the training part."
    yield "[recipe.protocol]"
    if found.roles.time:
        yield from ('kind = "holdout"  # the past tells the future', "validation = 0.2", 'pick = "last"')
        return
    pick = f'pick = "{"stratified" if _stratifies(found, wish) else "random"}"'
    if training_rows(found, wish) >= HOLDOUT_ROWS:
        yield from ('kind = "holdout"', "validation = 0.2", pick)
        return
    yield from ('kind = "k_fold"  # every row is validated once', f"folds = {_folds(found, wish)}", pick)


def _folds(found: Profile, wish: Wish) -> int:
    wanted = 3 if training_rows(found, wish) < FEW_ROWS else 5
    return min(wanted, max(2, found.groups // 2)) if found.groups else wanted


def _stratifies(found: Profile, wish: Wish) -> bool:
    """Whether each class has examples enough for every fold, also where the cut takes one more than its share."""
    if found.goal.task == "regression":
        return len(found.goal.targets) == 1
    if found.goal.task == "multi_label":
        return False
    rarest = min(found.goal.counts)
    left = int(rarest * training_rows(found, wish) / found.rows) - 1
    return left >= _folds(found, wish)


def _asked(found: Profile, wish: Wish) -> Asked:
    rows, task = training_rows(found, wish), found.goal.task
    columns = found.columns if isinstance(found, TableProfile) else ()
    return Asked(
        task=task,
        loss=LOSSES[task],
        batch=next(sizes for most, sizes in BATCHES if rows < most),
        epochs=next(epochs for most, epochs in EPOCHS if rows < most),
        numbers=sum(each.kind in ("number", "date") for each in columns),
        side=_side(found),
        balances=found.goal.is_imbalanced and objective(found.goal, rows)[0] == "validation_balanced_accuracy",
    )


LOSSES: dict[Task, str] = {
    "classification": '{ kind = "categorical_crossentropy", label_smoothing = { low = 0.0, high = 0.1 } }',
    "multi_label": '"binary_crossentropy"',
    "regression": '{ one_of = ["mean_squared_error", { kind = "huber", delta = 1.0 }] }',
}
ANY = 10**18
BATCHES = ((1_000, (16, 32, 64)), (10_000, (32, 64, 128)), (100_000, (64, 128, 256)), (ANY, (256, 512, 1024)))
EPOCHS = ((1_000, 200), (10_000, 100), (100_000, 60), (ANY, 30))


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


def share(part: float) -> str:
    """A share in percent, as a comment has it.

    >>> share(0.2), share(0.004), share(0.0001)
    ('20 %', '0.4 %', '0.01 %')
    """
    return f"{100 * part:.2g} %" if part < 0.995 else "100 %"


def _quoted(text: str) -> str:
    """A TOML string: JSON's, but for one character that TOML does not take as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    """On one line, without characters that TOML does not take in comments."""
    return "".join(each if each.isprintable() else " " for each in text)
