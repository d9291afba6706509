"""`tuner.optimize` and `tuner.load_study`."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from tuner.base.errors import StorageError, StudyError
from tuner.base.machine import cores, worker_count
from tuner.data.ingest.prepare import RawExamples
from tuner.data.sources import Places
from tuner.outcome import read_outcome
from tuner.python.examples import examples_of
from tuner.python.progress import Callback, Lines
from tuner.python.study import AnyStudy, Changes, study_file, study_on
from tuner.python.tuned import Tuned
from tuner.recipe import Cut
from tuner.search.optimize import SearchOptions
from tuner.search.optimize import optimize as run_study
from tuner.storage import default_url, open_storage
from tuner.storage import load_study as load_optuna_study
from tuner.study import StudyFile
from tuner.study.places import runs_folder

Workers = int | Literal["auto"]


def optimize(
    study: AnyStudy,
    x: Any = None,
    y: Any = None,
    *,
    minutes: float | None = None,
    trials: int | None = None,
    workers: Workers = "auto",
    runs: str | Path | None = None,
    groups: Any = None,
    weights: Any = None,
    test: float | tuple[Any, Any] | None = None,
    on_progress: Callback | None = None,
) -> Tuned:
    """Search a study, refit its winner, save the model and test it. A second call continues the study.

    `study` is a study's name, its file or nested data as in a file; None means a study made for `x` and `y`. `x` is a data frame,
    or an array with the examples on its first axis; `y` has one target per example, or several columns of labels or numbers.
    With `x` and `y` the study's own data is not used. Rows of one of the `groups` are never on both sides of a split; `weights`
    are sample weights. `test` is the share of the rows that is cut off for the test (0.2 by default, 0 for no test), or the test
    part as a pair of x and y.

    `minutes` and `trials` are the study's by default. `workers` is the number of training processes, `auto` one per core. `runs`
    is the folder for storage and models, ./runs by default. `on_progress` is called with a `Progress`.
    Raises `TunerError` for whatever the caller can correct.
    """
    folder, places = runs_folder(Path(runs) if runs else None), Places.from_environment()
    if x is None or y is None:
        if any(each is not None for each in (x, y, groups, weights, test)):
            raise StudyError("x and y come together, and groups, weights and test with them")
        file = study_file(study, places)
    else:
        changes = Changes(minutes=minutes or 0.0, test=_test_part(test))
        file = study_on(study, examples_of(x, y, weights, groups), changes, places)
    return search(file, folder, places, on_progress, minutes=minutes, trials=trials, workers=workers)


def load_study(name_or_path: str | Path, runs: str | Path | None = None) -> Tuned:
    """A study as its storage in the folder of `runs` has it, by its name or its file.

    Raises `StudyError` with the closest name, `StorageError` if there is no storage.
    """
    folder = runs_folder(Path(runs) if runs else None)
    if not (folder / "tuner.db").is_file():
        raise StorageError(f"there is no storage in {folder} yet: run `tuner.optimize` first, or pass runs=")
    name = str(name_or_path)
    name = Path(name).stem if name.endswith(".toml") else name
    return Tuned(read_outcome(load_optuna_study(open_storage(default_url(folder)), name)))


def search(
    file: StudyFile,
    runs: Path,
    places: Places,
    callback: Callback | None = None,
    *,
    minutes: float | None = None,
    trials: int | None = None,
    workers: Workers = "auto",
    storage: str = "",
    executor: str = "processes",
) -> Tuned:
    """Run one call of a study. The storage is the one in the folder of runs unless another is named."""
    count = worker_count(workers)
    options = SearchOptions(
        file=file,
        runs=runs,
        storage=storage or default_url(runs),
        places=places,
        trials=file.budget.trials if trials is None else trials,
        seconds=60 * (minutes or file.budget.minutes),
        workers=count,
        threads=max(1, cores() // count),
        executor=executor,
    )
    outcome = run_study(options, Lines(callback))
    return Tuned(replace(outcome, forecast=None, ended=""))  # as `load_study` reads it


def _test_part(test: float | tuple[Any, Any] | None) -> RawExamples | Cut:
    if isinstance(test, tuple):
        return examples_of(*test)
    return Cut() if test is None else Cut(share=float(test))
