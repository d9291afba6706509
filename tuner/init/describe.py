"""What `init` finds in a user's data, as lines for people and as plain data for programs."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from tuner.data.ingest.arrays import ArraysProfile
from tuner.data.ingest.profile import TableProfile
from tuner.data.ingest.targets import TargetProfile
from tuner.init.advice import MANY_VALUES, NewStudy, Profile, objective, training_rows, usual_minutes, value_count

MOST_CLASSES = 8
SERIES = ("series", "window", "horizon", "season")
LEFT_OUT = ("name", "reason", "kind")


def profile_lines(data: Profile, study: NewStudy) -> Iterator[str]:
    """One line for each fact; a table's columns are printed separately."""
    target = data.target
    metric, reason = objective(data, study.test)
    yield f"data: {_data_text(data, study)}"
    yield f"task: {target.task.replace('_', ' ')} ({target.reason})"
    if data.roles.window:
        yield f"windows: {_window_text(data)}"
    elif data.roles.time:
        yield "hint: each row is an example of its own; with --horizon 1 the next row is forecast from windows of the rows before it"
    if target.counts:
        yield f"{'labels' if target.task == 'multi_label' else 'classes'}: {class_counts(target)}"
    if few := [f"{name} {count}" for name, count in zip(target.classes, target.counts, strict=False) if count < 5]:
        yield f"few rows: {', '.join(few)}; a class of one row is never tested"
    if target.is_imbalanced:
        rarest, usual = target.rarest, target.most_frequent
        cure = "see balanced_accuracy, macro_f1 and training.class_weights"
        yield f"imbalance: {rarest} is rare compared with {usual}; {cure}"
    if target.positive and target.positive != target.classes[-1]:
        yield f"positive class: {target.positive}, the rarer one: average precision and thresholds are about it"
    yield f"objective: {metric} ({reason})"
    if value_count(data) >= MANY_VALUES and study.minutes == usual_minutes(data):
        yield f"budget: {study.minutes:g} minutes, since there are {value_count(data):,} values"
    if isinstance(data, TableProfile):
        yield from (f"left out: {each.name}: {each.reason}" for each in data.left_out)
        yield from (f"hint: {each.name}: {each.hint}" for each in data.columns if each.hint)
    yield from (f"warning: {warning}" for warning in data.warnings)


def profile_json(data: Profile, study: NewStudy) -> dict[str, Any]:
    """The same facts as plain data."""
    target = data.target
    plain = {name: value for name, value in asdict(data).items() if name not in ("roles", "target")}
    if "left_out" in plain:
        plain["left_out"] = [{name: each[name] for name in LEFT_OUT} for each in plain["left_out"]]
    return {
        "kind": data.kind,
        "task": target.task,
        "reason": target.reason,
        "targets": target.targets,
        "classes": dict(zip(target.classes, target.counts, strict=True)) if target.counts else {},
        "imbalanced": target.is_imbalanced,
        "positive": target.positive,
        "objective": objective(data, study.test).metric,
        **plain,
        **({name: getattr(data.roles, name) for name in SERIES} if data.roles.window else {}),
    }


def _window_text(data: Profile) -> str:
    """How long windows are, what follows them, and the memory for them."""
    roles, columns = data.roles, data.columns if isinstance(data, TableProfile) else ()
    windows = [each.name for each in columns if each.kind == "window"]
    ahead = f"to forecast the next {roles.horizon}" if roles.horizon else "for the label of the last one"
    season = f"; season {roles.season}" if roles.season else ""
    megabytes = 4e-6 * data.rows * roles.window * len(windows)
    return f"{roles.window} rows of {', '.join(windows)}, {ahead}{season}; {megabytes:.1f} MB in memory"


def percent(share: float) -> str:
    """A share in percent.

    >>> percent(0.2), percent(0.004), percent(0.0001)
    ('20 %', '0.4 %', '0.01 %')
    """
    return f"{100 * share:.2g} %" if share < 0.995 else "100 %"


def _data_text(data: Profile, study: NewStudy) -> str:
    match data:
        case TableProfile():
            text = f"{data.rows:,} rows, {len(data.columns)} columns for the network"
        case ArraysProfile():
            text = f"{data.rows:,} examples of {'×'.join(map(str, data.shape))} {data.dtype}"
        case _:
            smallest, median, largest = (f"{height}×{width}" for height, width in data.sizes)
            text = f"{data.rows:,} {'color' if data.color else 'gray'} images of {smallest} to {largest}"
            text = f"{text} (median {median}), brought to {data.size[0]}×{data.size[1]}"
    if isinstance(study.test, str):
        return f"{text}; tested on {study.test}"
    if data.test_rows:
        return f"{text}; {data.test_rows:,} more for the test"
    cut = data.rows - training_rows(data, study.test)
    return f"{text}; {f'about {cut:,}' if cut else 'none'} for the test"


def class_counts(target: TargetProfile) -> str:
    """The classes with their rows, the most frequent first; of many only some."""
    pairs = sorted(zip(target.classes, target.counts, strict=False), key=lambda pair: -pair[1])
    counts = [f"{name} {count:,}" for name, count in pairs]
    if len(counts) > MOST_CLASSES:
        counts = [*counts[: MOST_CLASSES - 1], f"… {len(counts)} in all", counts[-1]]
    return ", ".join(counts)
