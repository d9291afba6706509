"""The text of a new study file: what the data profile and `advice` say, put into the template `study.toml.j2`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from jinja2 import Environment, StrictUndefined

from tuner.base.metrics import Task
from tuner.data.ingest.columns import ColumnProfile
from tuner.data.ingest.targets import TargetProfile
from tuner.init import advice
from tuner.init.advice import NewStudy, Profile
from tuner.init.describe import class_counts, percent
from tuner.recipe.data import MISSING_TEXTS

T = TypeVar("T")
OUTPUTS_AND_LOSSES: dict[Task, tuple[str, str]] = {
    "classification": ("softmax", '{ kind = "categorical_crossentropy", label_smoothing = { low = 0.0, high = 0.1 } }'),
    "multi_label": ("sigmoid", '"binary_crossentropy"'),
    "regression": ("linear", '{ one_of = ["mean_squared_error", { kind = "huber", delta = 1.0 }] }'),
}


def study_text(data: Profile, study: NewStudy) -> str:
    """The text of a study file for this data. Every generated study can be searched as it is."""
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    environment.filters |= {"toml": _toml, "comment": _comment}
    template = environment.from_string(Path(__file__).with_name("study.toml.j2").read_text(encoding="utf-8"))
    rows, side, target = advice.training_rows(data, study.test), advice.image_side(data), data.target
    chosen, (output, loss) = advice.objective(data, study.test), OUTPUTS_AND_LOSSES[target.task]
    return template.render(
        study=study,
        data=data,
        target=target,
        target_text=_target_text(target),
        objective=chosen,
        usual_missing=MISSING_TEXTS,
        class_counts=class_counts(target),
        column_text=_column_text,
        test_text=_test_text(data, study),
        protocol=advice.protocol(data, study.test),
        encodings=advice.encodings(data),
        pictures=advice.picture_halvings(data),
        bins=48 if rows >= advice.FINE_ROWS else 16,
        batch_sizes=_at(rows, advice.BATCH_SIZES),
        epochs=_at(rows, advice.EPOCHS),
        row_starts=advice.SERIES_STARTS if data.roles.window else advice.ROW_STARTS,
        learning_rate=0.2 if target.task == "regression" else 0.04,
        activation="mish" if target.task == "regression" else "selu",
        balances=target.is_imbalanced and chosen.metric == "validation_balanced_accuracy",
        side=side,
        stages=max(1, min(4, side.bit_length() - 2)),  # the stem, each further stage and the bridge halve the maps
        output=output,
        loss=loss,
    )


def _at(rows: int, table: Sequence[tuple[int, T]]) -> T:
    return next(value for limit, value in table if rows < limit)


def _target_text(target: TargetProfile) -> str:
    targets = ", ".join(target.targets[:3]) + (" …" if len(target.targets) > 3 else "")
    if target.task == "classification":
        return f"{targets}, one of {len(target.classes)} classes"
    return f"{len(target.targets)} labels ({targets})" if target.task == "multi_label" else targets


def _test_text(data: Profile, study: NewStudy) -> str:
    if isinstance(study.test, str) or not study.test.share:
        return "no test"
    part = "drawn from each class alike" if data.target.task == "classification" else "drawn at random"
    part = "the last rows" if data.roles.time else "whole groups" if data.roles.group else part
    return f"{part}; opened only for a final model"


def _column_text(column: ColumnProfile) -> str:
    examples = ", ".join(column.examples) + (" …" if column.values > len(column.examples) else "")
    missing = f"; {percent(column.missing)} missing" if column.missing else ""
    hint = f"; {column.hint}" if column.hint else ""
    return f"{column.reason}, {column.values} different: {examples}{missing}{hint}"


def _toml(value: object) -> str:
    """A TOML value: JSON's, but for one character that TOML does not take as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    """On one line, without characters that TOML does not take in comments."""
    return "".join(each if each.isprintable() else " " for each in text)
