"""What was found in own data, told on the terminal and as JSON."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.data.ingest.goal import Goal
    from tuner.init.advice import Profile, Wish

MOST_CLASSES_TOLD = 8


def print_found(found: "Profile", wish: "Wish", path: Path, again: str) -> None:
    """A table of the columns, then a line for each thing to know, then what to type next."""
    from tuner.commands.terminal import console, table
    from tuner.data.ingest.profile import TableProfile
    from tuner.init.template import share

    if isinstance(found, TableProfile):
        rows = table("column", "taken for", "because", "missing", "values", "such as")
        for each in found.columns:
            missing = share(each.missing) if each.missing else "–"
            rows.add_row(each.name, each.kind, each.reason, missing, f"{each.values:,}", ", ".join(each.examples))
        console().print(rows, markup=False)
        print()
    for line in _lines(found, wish):
        print(line)
    print(f"wrote {path}")
    print(f"next: {again}")


def _lines(found: "Profile", wish: "Wish") -> Iterator[str]:
    from tuner.data.ingest.profile import TableProfile
    from tuner.init.advice import MANY_VALUES, objective, training_rows, usual_minutes, values

    name, reason = objective(found.goal, training_rows(found, wish))
    yield f"data: {_data(found, wish)}"
    yield f"task: {found.goal.task.replace('_', ' ')} ({found.goal.reason})"
    if found.goal.counts:
        yield f"{'labels' if found.goal.task == 'multi_label' else 'classes'}: {_classes(found.goal)}"
    if found.goal.is_imbalanced:
        rarest, usual = found.goal.classes[found.goal.rarest], found.goal.classes[found.goal.most_frequent]
        yield f"imbalance: {rarest} is rare beside {usual}; see balanced_accuracy, macro_f1 and training.class_weights"
    yield f"objective: {name} ({reason})"
    if values(found) >= MANY_VALUES and wish.minutes == usual_minutes(found):
        yield f"budget: {wish.minutes:g} minutes ({values(found):,} values take their time)"
    if isinstance(found, TableProfile):
        yield from (f"left out: {each.name}: {each.reason}" for each in found.left_out)
        yield from (f"hint: {each.name}: {each.hint}" for each in found.columns if each.hint)
    yield from (f"warning: {warning}" for warning in found.warnings)


def _data(found: "Profile", wish: "Wish") -> str:
    from tuner.data.ingest.profile import TableProfile
    from tuner.data.ingest.profile_files import ArraysProfile
    from tuner.init.advice import training_rows

    match found:
        case TableProfile():
            what = f"{found.rows:,} rows, {len(found.columns)} columns for the network"
        case ArraysProfile():
            what = f"{found.rows:,} examples of {'×'.join(map(str, found.shape))} {found.dtype}"
        case _:
            sides = [f"{height}×{width}" for height, width in found.sizes]
            what = f"{found.rows:,} {'color' if found.color else 'gray'} images of {sides[0]} to {sides[2]} (median {sides[1]})"
            what += f", brought to {found.size[0]}×{found.size[1]}"
    if isinstance(wish.test, str):
        return f"{what}; tested on {wish.test}"
    if found.test_rows:
        return f"{what}; {found.test_rows:,} more for the test"
    cut = found.rows - training_rows(found, wish)
    return f"{what}; {f'about {cut:,}' if cut else 'none'} for the test"


def _classes(goal: "Goal") -> str:
    pairs = sorted(zip(goal.classes, goal.counts, strict=True), key=lambda pair: -pair[1])
    told = [f"{name} {count:,}" for name, count in pairs]
    if len(told) > MOST_CLASSES_TOLD:
        told = [*told[: MOST_CLASSES_TOLD - 1], f"… {len(told)} in all", told[-1]]
    return ", ".join(told)


def as_json(found: "Profile", wish: "Wish", path: Path, again: str) -> dict[str, Any]:
    """The same for programs."""
    from dataclasses import asdict

    from tuner.init.advice import objective, training_rows
    from tuner.init.template import kind_of

    told = {name: value for name, value in asdict(found).items() if name not in ("roles", "goal")}
    goal = found.goal
    return {
        "study": wish.name,
        "file": str(path),
        "kind": kind_of(found),
        "task": goal.task,
        "reason": goal.reason,
        "targets": goal.targets,
        "classes": dict(zip(goal.classes, goal.counts, strict=True)) if goal.counts else {},
        "imbalanced": goal.is_imbalanced,
        "objective": objective(goal, training_rows(found, wish))[0],
        **told,
        "next": again,
    }
