"""`tuner.optimize` and `tuner.load_study`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from multiprocessing import current_process
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
import optuna

from tuner.base.errors import StorageError, StudyError
from tuner.base.machine import cores, worker_count
from tuner.data.sources import Places
from tuner.outcome import read_outcome
from tuner.python.arguments import NUMBER, data_of
from tuner.python.datasets import is_dataset
from tuner.python.line import progress_shown
from tuner.python.objective import Objective, TrialCallback, optimize_objective
from tuner.python.progress import Callback
from tuner.python.study import Changes, is_study, network_of, study_file, study_on, training_of
from tuner.python.tuned import Tuned
from tuner.refit.session import Listener
from tuner.search.optimize import SearchOptions
from tuner.search.optimize import optimize as run_study
from tuner.storage import default_url, open_storage
from tuner.storage import load_study as load_optuna_study
from tuner.study import StudyFile
from tuner.study.places import runs_folder

Workers = int | Literal["auto"]


@overload
def optimize(
    study: Objective,
    x: optuna.Study,
    *,
    minutes: float | None = None,
    trials: int | None = None,
    workers: Workers = "auto",
    runs: str | Path | None = None,
    callbacks: Sequence[TrialCallback] = (),
) -> optuna.Study: ...


@overload
def optimize(
    study: Any = None,
    x: Any = None,
    y: Any = None,
    *,
    minutes: float | None = None,
    trials: int | None = None,
    workers: Workers = "auto",
    runs: str | Path | None = None,
    groups: Any = None,
    weights: Any = None,
    test: Any = None,
    validation: Any = None,
    network: Callable[..., Any] | str | Path | None = None,
    pretrained: str | Path | None = None,
    training: Mapping[str, Any] = {},
    objective: str = "",
    on_progress: Callback | None = None,
    verbose: int = 1,
    callbacks: Any = (),
) -> Tuned: ...


def optimize(
    study: Any = None,
    x: Any = None,
    y: Any = None,
    *,
    minutes: float | None = None,
    trials: int | None = None,
    workers: Workers = "auto",
    runs: str | Path | None = None,
    groups: Any = None,
    weights: Any = None,
    test: Any = None,
    validation: Any = None,
    network: Callable[..., Any] | str | Path | None = None,
    pretrained: str | Path | None = None,
    training: Mapping[str, Any] = {},
    objective: str = "",
    on_progress: Callback | None = None,
    verbose: int = 1,
    callbacks: Any = (),
) -> Tuned | optuna.Study:
    """Search a study, refit its winner, save the model and test it. A second call continues the study.

    Examples:
        >>> from sklearn.datasets import load_iris
        >>> frame = load_iris(as_frame=True).frame
        >>> tuned = tuner.optimize(frame, "target", minutes=1)  # doctest: +SKIP
        >>> tuned.predict(frame[:3]), tuned.score(frame, "target"), tuned.best_params  # doctest: +SKIP

    Args:
        study: A study's name, its file, or nested data as in a file. Before `x` and `y` it may be left out, or be a new name: a
            study is made for them. The own data of a study is not used then.
        x: A data frame (pandas, Polars, Arrow), an array or lists with the examples on the first axis, a mapping of columns, a
            sparse matrix, or the path of a table. A `tf.data.Dataset`, a `PyDataset` or a generator of batches (x, y) is read once into
            memory.
        y: One target per example, several columns of labels or numbers, or the name of a column of `x`. For a function that compiles
            its model also an array of any shape, or a mapping with an array for each output of the model (several-outputs.md).
        minutes, trials: What ends the search, refits and test included; the study's by default.
        workers: The number of training processes, `auto` for one per core, or one to four per GPU.
        runs: The folder for storage and models; ./runs by default.
        groups, weights: One per example, or a column's name. Rows of one group are never on both sides of a split.
        test: The share of the rows that is cut off for the test (0.2 by default, 0 for no test); or the test part as a pair of x
            and y, or as a frame where `y` is a column's name.
        validation: The validation part, as a pair of x and y, a frame where `y` is a column's name, or a dataset. Without it a share of
            the examples is taken.
        network: A function `build(trial, inputs, outputs)`, or `build(hp)` as for KerasTuner, that returns a Keras model (own-network.md),
            or a `.keras` file with a trained model (fine-tuning.md). It takes the place of the study's network. Arrays of numbers reach
            it as they are, unless the study names a `scaling`.
        pretrained: A file of trained weights, whose path the function gets as its parameter `weights` (fine-tuning.md).
        training: Fields of `recipe.training` in place of the study's, such as `{"phases": [...]}`; holes are allowed.
        objective: What is optimized: `validation_` and a metric of the task, the loss, or a metric that the function's model is compiled
            with, such as `validation_auc`.
        on_progress: Is called with a `Progress`; nothing is shown then.
        verbose: 1 shows the progress on standard error: one line on a terminal and in a notebook, sentences in a pipe; 0 is quiet.

        callbacks: Keras callbacks for each training, or a function that returns them. For an objective of Optuna, what is called after
            each trial, as Optuna's callbacks are.

    An objective of Optuna and its `optuna.Study` in place of study and `x` run in training processes, until the study has so many
    `trials` or until no trial may begin any more. The study is returned.

    Raises:
        TunerError: Whatever the caller can correct.
    """
    require_budget(minutes, trials)
    if callable(study):
        folder = runs_folder(Path(runs) if runs else None)
        settings: dict[str, Any] = {"trials": trials, "minutes": minutes, "workers": workers, "callbacks": callbacks}
        return optimize_objective(study, x, runs=folder, **settings)
    if not is_study(study) and (x is None or y is None):
        study, x, y = None, study, y if x is None else x
    folder, places = runs_folder(Path(runs) if runs else None), Places.from_environment()
    changes = Changes(
        network=network_of(network, pretrained),
        training=training_of(training, callbacks),
        objective=objective,
    )
    if not is_dataset(x) and (x is None or y is None):
        if any(each is not None for each in (x, y, groups, weights, test, validation)):
            raise StudyError("x and y come together, and groups, weights, test and validation with them")
        file = study_file(study, places, changes)
    else:
        columns = {"weights": weights, "groups": groups}
        examples, changes = data_of(x, y, columns, test, validation, replace(changes, minutes=minutes or 0.0))
        file = study_on(study, examples, changes, places)
    with progress_shown(file.name, on_progress, verbose) as listener:
        if is_dataset(x):
            listener.log(
                f"read {len(examples.x):,} examples into memory, once: what the dataset draws at random stays the same"
            )
        return search(file, folder, places, listener, minutes=minutes, trials=trials, workers=workers)


def load_study(name_or_path: str | Path, runs: str | Path | None = None) -> Tuned:
    """A study as its storage in the folder of `runs` has it, by its name or its file.

    Raises `StudyError` with the closest name, `StorageError` if there is no storage.
    """
    folder = runs_folder(Path(runs) if runs else None)
    if not (folder / "tuner.db").is_file():
        raise StorageError(f"there is no storage in {folder} yet: run `tuner.optimize` first, or pass runs=")
    name = str(name_or_path)
    name = Path(name).stem if name.endswith(".toml") else name
    return Tuned(read_outcome(load_optuna_study(open_storage(default_url(folder)), name)), folder)


def search(
    file: StudyFile,
    runs: Path,
    places: Places,
    listener: Listener,
    *,
    minutes: float | None = None,
    trials: int | None = None,
    workers: Workers = "auto",
    storage: str = "",
    executor: str = "processes",
) -> Tuned:
    """Run one call of a study. The storage is the one in the folder of runs unless another is named."""
    count = worker_count(workers, listener.log)
    if current_process().daemon and executor == "processes":
        listener.log("this process is a daemon, which cannot start others: it trains by itself")
        count, executor = 1, "in_process"
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
    return Tuned(replace(run_study(options, listener), forecast=None, ended=""), runs)  # as `load_study` reads it


def require_budget(minutes: Any, trials: Any = None) -> None:
    """Raise `StudyError` for minutes or trials that are no numbers."""
    if not (minutes is None or (isinstance(minutes, NUMBER) and minutes > 0)):
        raise StudyError(f"minutes: must be a number above 0, such as 2 for two minutes, got {minutes!r}")
    if not (trials is None or (isinstance(trials, int | np.integer) and trials >= 0)):
        raise StudyError(f"trials: must be a whole number, got {trials!r}")
