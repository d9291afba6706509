"""Tables of trials: the best ones with what differs between them, and the complete recipe of the winner."""

import math
from collections.abc import Iterator, Sequence
from itertools import zip_longest

import pandas as pd

from tuner.base.decode import encode
from tuner.base.formatting import duration_text, metric_label
from tuner.charts.content import Cell, Table
from tuner.recipe import Recipe
from tuner.report.evidence import Evidence
from tuner.result import OBJECTIVES
from tuner.storage import StudyRecord, TrialRecord

SHOWN = 10
OMITTED = ("seed", "data.found", "data.columns", "network.found")
"""Fields of a recipe that chance decides, or that the section on the data or the table of layers shows."""


def best_trials(evidence: Evidence) -> Iterator[Table]:
    """The best trials, a column each, with the fields in which their recipes differ. Pruned trials follow by how far they got."""
    sign = -evidence.record.direction.sign
    ranked = sorted(
        (_place(trial, sign * value), trial)
        for trial in evidence.record.trials
        if (value := last_value(evidence.record, trial)) is not None
    )[:SHOWN]
    if not ranked:
        return
    trials = [trial for _, trial in ranked]
    names = tuple(map(metric_label, evidence.record.objectives)) or ("value",)
    values: list[tuple[Cell, ...]] = [trial.values or (last_value(evidence.record, trial),) for trial in trials]
    fields = _fields([trial.recipe for trial in trials])
    rows: list[tuple[Cell, ...]] = [
        ("state", *(state_name(trial) for trial in trials)),
        *((name, *cells) for name, cells in zip(names, zip_longest(*values), strict=False)),
        ("parameters", *(trial.result.parameters if trial.result else None for trial in trials)),
        ("epochs", *map(_epochs, trials)),
        *((name, *cells) for name, cells in fields.items() if len(set(map(str, cells))) > 1),
    ]
    columns = ("", *(f"trial {trial.number}" for trial in trials))
    order = "longer looks first" if evidence.record.has_looks else "pruned trials last"
    note = f"By validation, {order}. Fields that are equal in all of these are left out; all trials are in trials.csv."
    title = "The best trials, and what differs between them" if len(trials) > 1 else "The only trial with a value"
    yield Table("best-trials", title, columns, tuple(rows), note)


def state_name(trial: TrialRecord) -> str:
    """The state in words: to Optuna a look has been pruned."""
    return "looked at" if trial.looks and trial.state == "pruned" else trial.state


def looks_table(evidence: Evidence) -> Iterator[Table]:
    """Each look at a recipe: what it showed, what it cost, and what it decided; the recipes that are best by their last look first."""
    record, confirmed = evidence.record, evidence.confirmed
    refitted = {trial for trial, _ in confirmed.contenders} if confirmed else set()
    ranked = [trial for trial in record.ranking if trial.looks]
    rows: list[tuple[Cell, ...]] = []
    for trial in ranked:
        last = "refitted" if trial.number in refitted else "nothing more"
        decided = [*(f"a look of {each.epochs:.3g} epochs" for each in trial.looks[1:]), last]
        about = trial.recipe.summary if trial.recipe else ""
        for look, then in zip(trial.looks, decided, strict=True):
            folds = f" in {look.folds} folds" if look.folds > 1 else ""
            length = f"{look.epochs:.3g}{folds}"
            rows.append((str(trial.number), length, look.value, look.standard_error, look.seconds, then, about))
    if rows:
        columns = ("trial", "epochs", metric_label(record.objectives[0]), "standard error", "seconds", "then", "recipe")
        seconds = math.fsum(look.seconds for trial in ranked for look in trial.looks)
        longer = sum(len(trial.looks) > 1 for trial in ranked)
        count = f"{len(rows)} looks took {duration_text(seconds)}: {longer} of {len(ranked)} recipes were looked at again, {len(refitted)} refitted."
        note = f"{count} Each look is a whole training whose schedule ends with it; values after the same number of epochs can be compared. The order is that of the last looks, each with its standard error added."
        yield Table("looks", "What each look cost, and what it decided", columns, tuple(rows), note, long=True)


def recipe_table(recipe: Recipe, start: Recipe | None) -> Table:
    """All fields of the winner's recipe, with those of the recipe that the study began with where they are others."""
    fields = _fields([recipe, start])
    rows = tuple((name, one, other if start and one != other else None) for name, (one, other) in fields.items())
    columns = ("field", "winner", "the recipe that the study began with, where it differs")
    return Table("winner-recipe", f"The complete recipe ({len(rows)} fields)", columns, rows, long=True)


def last_value(record: StudyRecord, trial: TrialRecord) -> float | None:
    """A finished trial's value, or a pruned one's value when it was stopped."""
    if trial.values:
        return trial.values[0]
    objective = OBJECTIVES[record.objectives[0]] if record.objectives else None
    if objective is None or objective.of_epoch is None or trial.result is None or not trial.result.folds:
        return None
    epochs = [epoch for epoch in trial.result.folds[0].epochs if epoch.is_finite]
    return objective.of_epoch(epochs[-1]) if epochs else None


def _place(trial: TrialRecord, value: float) -> tuple[float, float, int]:
    """Finished trials come first, then those that got further; Optuna gives pruned ones a value, too."""
    return -math.inf if trial.state == "complete" else -_epochs(trial), value, trial.number


def _epochs(trial: TrialRecord) -> int:
    return trial.result.epochs if trial.result else 0


def _fields(recipes: Sequence[Recipe | None]) -> dict[str, list[Cell]]:
    """The fields of recipes by their addresses, a cell for each recipe; None where a recipe has no such field."""
    flat = [pd.json_normalize(encode(recipe)).to_dict("records")[0] if recipe else {} for recipe in recipes]
    names = dict.fromkeys(str(name) for fields in flat for name in fields if not str(name).startswith(OMITTED))
    cells = {name: [fields.get(name) for fields in flat] for name in names}
    return {name: [", ".join(map(str, x)) if isinstance(x, list) else x for x in row] for name, row in cells.items()}
