"""Searching and reading studies from Python."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tuner.base.errors import StorageError, StudyError
from tuner.base.machine import cores, has_gpu
from tuner.data.ingest.prepare import RawExamples
from tuner.data.sources import Places
from tuner.outcome import read_outcome
from tuner.python.given import given
from tuner.python.progress import Telling, Told
from tuner.python.study import AnyStudy, Wishes, plain_study, study_on
from tuner.python.tuned import Tuned
from tuner.recipe import Cut
from tuner.search.optimize import SearchOptions
from tuner.search.optimize import optimize as run_study
from tuner.storage import default_url, open_storage
from tuner.storage import load_study as stored_study
from tuner.study import StudyFile, load, study_from
from tuner.study.places import find_study, runs_folder
from tuner.training.runtime import load as load_tensorflow

Workers = int | Literal["auto"]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call: where it leaves what it finds, for so long, on so many processes; `trials` is the total to reach. With the
    executor `in_process` it trains here. The `storage` is the one in the folder of runs where none is named."""

    runs: Path
    places: Places
    seconds: float
    trials: int
    workers: Workers = "auto"
    executor: str = "processes"
    storage: str = ""
    told: Told = lambda _: None


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
    on_progress: Told | None = None,
) -> Tuned:
    """Search a study, confirm its winner, save its model and test it once; a second call goes on.

    `study` is the name of a study, its file, nested data as a file has it, or None for the study that suits `x` and `y`: a
    data frame, or an array with the examples first, and what is to be told of each (classes, numbers; several columns are
    labels or numbers). Of a study that is given with data, what it says of its own is not used. Rows of one of the `groups`
    never stand on both sides of a split, `weights` say how much each row counts. `test` is a share that is cut off (a fifth
    where it is not said, 0 for none: then nothing is tested), or the test part as a pair of x and y.

    `minutes` and `trials` are the study's own where they are not said; `workers` training processes, `auto` one for each
    core; `runs` the folder for all that is left, ./runs where it is not said. `on_progress` is called with a `Progress`.
    Raises `TunerError` for whatever the caller can mend.
    """
    folder, places = runs_folder(Path(runs) if runs else None), Places.from_environment()
    if x is None or y is None:
        if any(each is not None for each in (x, y, groups, weights, test)):
            raise StudyError("x and y come together, and groups, weights and test with them")
        file = study_of(study, places)
    else:
        wishes = Wishes(minutes=minutes or 0.0, test=_test(test))
        file = study_on(study, given(x, y, weights, groups), wishes, places)
    call = Call(
        runs=folder,
        places=places,
        seconds=60 * (minutes or file.budget.minutes),
        trials=file.budget.trials if trials is None else trials,
        workers=workers,
        told=on_progress or (lambda _: None),
    )
    return searched(file, call)


def load_study(name_or_path: str | Path, runs: str | Path | None = None) -> Tuned:
    """A study as far as it is, by its name or its file, from the folder of `runs`. Raises `StudyError` with the near miss,
    `StorageError` where there are no runs yet."""
    folder = runs_folder(Path(runs) if runs else None)
    if not (folder / "tuner.db").is_file():
        raise StorageError(f"there is no storage in {folder} yet: run `tuner.optimize` first, or say runs=")
    name = str(name_or_path)
    study = stored_study(open_storage(default_url(folder)), Path(name).stem if name.endswith(".toml") else name)
    return Tuned(read_outcome(study))


def study_of(study: AnyStudy, places: Places) -> StudyFile:
    """A study on its own data. Raises `StudyError` where none is said."""
    match study:
        case None:
            raise StudyError("say a study, or x and y for one that suits them")
        case StudyFile():
            return study
        case Mapping():
            return study_from(plain_study(study)[0], study, places=places)
        case _:
            name, path = find_study(str(study))
            return load(path, name, places=places)


def searched(file: StudyFile, call: Call) -> Tuned:
    """The study after this call."""
    workers = _count(call.workers)
    if call.executor == "in_process":
        load_tensorflow()  # before the minutes begin: it is needed once, however many searches there are
    options = SearchOptions(
        file=file,
        runs=call.runs,
        storage=call.storage or default_url(call.runs),
        places=call.places,
        trials=call.trials,
        more=None,
        seconds=call.seconds,
        reset=False,
        workers=workers,
        threads=max(1, cores() // workers),
        deterministic=False,
        executor=call.executor,
    )
    outcome = run_study(options, Telling(call.told))
    return Tuned(replace(outcome, best=outcome.record.best, forecast=None, ended=""))  # as `load_study` reads it


def _count(workers: Workers) -> int:
    """`auto`: a process for each core; one on a GPU. Raises `StudyError` for anything else but a number from 1."""
    if workers == "auto":
        return 1 if has_gpu() else cores()
    if not isinstance(workers, int) or workers < 1:
        raise StudyError(f"workers: must be a number of processes, or 'auto', got {workers!r}")
    return workers


def _test(test: float | tuple[Any, Any] | None) -> RawExamples | Cut:
    if test is None:
        return Cut()
    return given(*test) if isinstance(test, tuple) else Cut(share=float(test))
