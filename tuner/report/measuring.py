"""What a report measures once and stores with the study: latencies of the best trials, importances of a table's columns."""

import hashlib
from collections.abc import Sequence

import optuna

from tuner.base.metrics import metrics_for
from tuner.data.sources import Places
from tuner.outcome import read_outcome
from tuner.recipe import Table
from tuner.storage import study_record
from tuner.worker import make_executor, perform_all
from tuner.worker.executor import Setup
from tuner.worker.jobs import Answer, ColumnImportances, Job, Latency

TIMED = 40
"""The number of the best finished trials, and of the smallest, that are timed."""


MOST_COLUMNS = 100
COLUMNS = "column_importances"
"""The attribute of a study with the model that was measured, its metric, and the changes by column."""


def measure_latencies(study: optuna.Study, places: Places, executor_name: str = "processes") -> None:
    """Measure the trials that have no latency yet, one network after the other in one process."""
    known = dict(study.user_attrs.get("latencies", {}))
    best = study_record(study).ranking
    small = sorted(best, key=lambda trial: trial.result.parameters if trial.result else 0)
    recipes = {trial.recipe.key: trial.recipe for trial in (*best[:TIMED], *small[:TIMED]) if trial.recipe}
    missing = [(key, recipe) for key, recipe in recipes.items() if key not in known]
    if not missing:
        return
    answers = _answers([Latency(recipe) for _, recipe in missing], places, executor_name)
    for (key, _), answer in zip(missing, answers, strict=True):
        if isinstance(answer, float):
            known[key] = round(answer, 4)
    study.set_user_attr("latencies", known)


def measure_columns(study: optuna.Study, places: Places, executor_name: str = "processes") -> None:
    """Measure how much the columns of a user's table matter to the final model, unless that is known or its file is gone."""
    confirmed = read_outcome(study).confirmed
    if confirmed is None or not isinstance(data := confirmed.recipe.data, Table) or not confirmed.model.is_file():
        return
    if confirmed.measure not in metrics_for(data.task):
        return
    digest = hashlib.sha256(confirmed.model.read_bytes()).hexdigest()
    if len(data.columns) > MOST_COLUMNS or study.user_attrs.get(COLUMNS, {}).get("model") == digest:
        return
    job = ColumnImportances(confirmed.recipe, confirmed.model.absolute(), confirmed.measure)
    (answer,) = _answers([job], places, executor_name)
    if isinstance(answer, dict):
        study.set_user_attr(COLUMNS, {"model": digest, "measure": confirmed.measure, "changes": answer})


def _answers(jobs: Sequence[Job], places: Places, executor_name: str) -> list[Answer]:
    executor = make_executor(executor_name, Setup(places))
    try:
        return perform_all(executor, jobs)
    finally:
        executor.close()
