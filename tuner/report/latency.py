"""Latencies of a study's best trials, measured once and stored with the study."""

import optuna

from tuner.data.sources import Places
from tuner.storage import study_record
from tuner.worker import make_executor, perform_all
from tuner.worker.executor import Setup
from tuner.worker.jobs import Latency

TIMED = 40
"""The number of the best finished trials, and of the smallest, that are timed."""


def measure_latencies(study: optuna.Study, places: Places, executor_name: str = "processes") -> None:
    """Measure the trials that have no latency yet, one network after the other in one process."""
    known = dict(study.user_attrs.get("latencies", {}))
    best = study_record(study).ranking
    small = sorted(best, key=lambda trial: trial.result.parameters if trial.result else 0)
    recipes = {trial.recipe.key: trial.recipe for trial in (*best[:TIMED], *small[:TIMED]) if trial.recipe}
    missing = [(key, recipe) for key, recipe in recipes.items() if key not in known]
    if not missing:
        return
    executor = make_executor(executor_name, Setup(places))
    try:
        answers = perform_all(executor, [Latency(recipe) for _, recipe in missing])
    finally:
        executor.close()
    for (key, _), answer in zip(missing, answers, strict=True):
        if isinstance(answer, float):
            known[key] = round(answer, 4)
    study.set_user_attr("latencies", known)
