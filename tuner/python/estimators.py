"""Estimators for scikit-learn whose `fit` is a search: here inheritance is scikit-learn's contract.

Nothing is held out inside `fit`: the search validates on parts of what it is given (by cross-validation, groups kept whole),
and whoever wants to know what the model is worth on new data scores it on data of their own.
"""

import sys
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from tuner.base.errors import StudyError, TunerError
from tuner.base.metrics import Task
from tuner.data.sources import Places
from tuner.python.given import given, inputs_of
from tuner.python.progress import Progress
from tuner.python.saved import Saved, Temporary
from tuner.python.searching import Call, Workers, searched
from tuner.python.study import AnyStudy, Wishes, study_on
from tuner.python.tuned import Tuned
from tuner.recipe import Cut, Recipe
from tuner.storage import StudyRecord

FEWEST_ROWS = 2


class _Tuned(BaseEstimator):  # type: ignore[misc]
    """What both estimators have in common."""

    def __init__(
        self,
        minutes: float = 2.0,
        study: AnyStudy = None,
        objective: str | None = None,
        workers: Workers = 1,
        random_state: Any = None,
        runs: str | Path | None = None,
        verbose: int = 0,
    ) -> None:
        self.minutes = minutes
        self.study = study
        self.objective = objective
        self.workers = workers
        self.random_state = random_state
        self.runs = runs
        self.verbose = verbose

    def _fit(self, x: Any, y: Any, task: Task, sample_weight: Any, groups: Any) -> Self:
        """Search on inputs and targets that scikit-learn has checked."""
        if groups is not None:
            check_consistent_length(x, groups)
            groups = column_or_1d(groups)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, x, ensure_non_negative=True)
            counts = sample_weight > 0  # what counts nothing is not looked at either
            x, y, sample_weight = x[counts], y[counts], sample_weight[counts]
            groups = None if groups is None else groups[counts]
        try:
            return self._search(x, y, task, sample_weight, groups)
        except TunerError as error:  # as scikit-learn has it
            raise ValueError(str(error)) from error

    def _search(self, x: Any, y: Any, task: Task, sample_weight: Any, groups: Any) -> Self:
        self._folder = Temporary() if self.runs is None else None
        runs = self._folder.path if self._folder else Path(self.runs or "")
        places = Places(None, runs / "data")
        wishes = Wishes(
            task=task,
            objective=self.objective or "",
            minutes=self.minutes,
            seed=None if self.random_state is None else _seed(self.random_state),
            test=Cut(share=0.0),
            is_named_by_data=True,
        )
        file = study_on(self.study, given(x, y, sample_weight, groups), wishes, places)
        call = Call(
            runs=runs,
            places=places,
            seconds=60 * self.minutes,
            trials=file.budget.trials,
            workers=self.workers,
            executor="in_process" if self.workers == 1 else "processes",
            storage="" if self._folder is None else f"journal:{runs / 'journal'}",  # made in no time
            told=_tell if self.verbose else _tell_nothing,
        )
        self._keep(searched(file, call))
        return self

    def _keep(self, tuned: Tuned) -> None:
        if tuned.confirmed is None:
            last = next(
                (trial.reason for trial in reversed(tuned.record.trials) if trial.reason), "the time was too short"
            )
            raise StudyError(f"no network was trained: {last}; say more minutes")
        self.study_: StudyRecord = tuned.record
        self.best_recipe_: Recipe = tuned.confirmed.recipe
        self.validation_score_: float = tuned.figures[0].value
        self._saved = Saved.of(tuned.confirmed.model)
        self._names = self._saved.predictor.columns

    def _outputs(self, X: Any) -> NDArray[np.float32]:
        check_is_fitted(self)
        inputs = inputs_of(self._checked(X, reset=False), self._names)
        try:
            values: NDArray[np.float32] = self._saved.predictor.predict(inputs).values
        except TunerError as error:
            raise ValueError(str(error)) from error
        return values

    def _checked(self, X: Any, *, reset: bool) -> Any:
        """Inputs as scikit-learn wants them checked: numbers, of which some may be missing, or a data frame as it is."""
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, skip_check_array=True, reset=reset)
            if len(X) < 1 or (reset and len(X) < FEWEST_ROWS):
                raise ValueError(f"Found array with {len(X)} sample(s) while a minimum of {FEWEST_ROWS} is required.")
            return X
        least = FEWEST_ROWS if reset else 1
        return validate_data(
            self,
            X,
            reset=reset,
            dtype="numeric",
            allow_nd=True,
            ensure_all_finite="allow-nan",
            ensure_min_samples=least,
        )

    @property
    def model_(self) -> Any:
        """The Keras model."""
        check_is_fitted(self)
        return self._saved.predictor.model

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_saved")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.input_tags.three_d_array = True
        tags.target_tags.required = True
        tags.non_deterministic = True  # how far a search comes in its minutes depends on the machine
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Without the folder: what is needed of it is kept."""
        return {name: value for name, value in super().__getstate__().items() if name != "_folder"}


class TunedClassifier(ClassifierMixin, _Tuned):  # type: ignore[misc]
    """A classifier: the model that a search of so many `minutes` finds, on networks in Keras.

    Columns of data frames are taken for what their types say: categories, truths and dates; texts of many words are texts.
    `study` is a study's file, name or nested data, or None for the one that suits the data; `objective` one of its
    figures, such as `validation_log_loss`. With one of the `workers` it trains in this process, with several (`auto`: one for
    each core) in processes of its own. `runs` is the folder for all that is left, a temporary one that goes with the
    estimator where it is None. With `y` of several columns of 0 and 1 these are labels.

    After `fit`: `classes_`, `model_` (Keras), `best_recipe_`, `study_` (its record), `validation_score_` (the study's figure
    on the parts that chose the model: what it is on new data is for `score` to tell).
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Search. Rows of one of the `groups` never stand on both sides of a split. Raises `ValueError` for data that no
        network can be trained on."""
        X = self._checked(X, reset=True)
        y = _targets(self, y)
        check_consistent_length(X, y)
        check_classification_targets(y)
        if type_of_target(y).startswith("multilabel"):
            self.classes_: NDArray[Any] = np.arange(y.shape[1])
            return self._fit(X, np.asarray(y), "multi_label", sample_weight, groups)
        y = column_or_1d(y, warn=True)
        kept = (
            np.ones(len(y), bool) if sample_weight is None else np.broadcast_to(np.asarray(sample_weight) > 0, len(y))
        )
        self.classes_ = np.unique(y[kept] if kept.any() else y)
        if len(self.classes_) < 2:
            raise ValueError(f"y must have at least two classes, got one class only, {self.classes_.tolist()[0]!r}")
        return self._fit(X, np.searchsorted(self.classes_, y), "classification", sample_weight, groups)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities (n, classes), in the order of `classes_`; or (n, labels)."""
        shares = self._outputs(X).astype(np.float64)
        return shares if self._has_labels else shares / shares.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable classes (n,); or labels 0 and 1 (n, labels)."""
        outputs = self._outputs(X)
        found: NDArray[Any] = (outputs > 0.5).astype(int) if self._has_labels else self.classes_[outputs.argmax(axis=1)]
        return found

    @property
    def _has_labels(self) -> bool:
        return bool(self._saved.predictor.output.task == "multi_label")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class TunedRegressor(RegressorMixin, _Tuned):  # type: ignore[misc]
    """A regressor: the model that a search of so many `minutes` finds, on networks in Keras; `y` has one number for each row, or
    several. Parameters, and what there is after `fit`, as in `TunedClassifier`."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Search. Rows of one of the `groups` never stand on both sides of a split. Raises `ValueError` for data that no
        network can be trained on."""
        X = self._checked(X, reset=True)
        y = _targets(self, y)
        check_consistent_length(X, y)
        y = column_or_1d(y, warn=True) if y.ndim < 2 or y.shape[1] == 1 else y
        self._is_one = y.ndim == 1
        return self._fit(X, y.astype(np.float64), "regression", sample_weight, groups)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Numbers (n,), or (n, targets)."""
        outputs = self._outputs(X).astype(np.float64)
        return outputs[:, 0] if self._is_one else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _targets(estimator: BaseEstimator, y: Any) -> NDArray[Any]:
    """Targets as scikit-learn wants them checked."""
    if y is None:
        name = type(estimator).__name__
        raise ValueError(f"This {name} estimator requires y to be passed, but the target y is None.")
    found: NDArray[Any] = _check_y(
        y, multi_output=True, y_numeric=isinstance(estimator, RegressorMixin), estimator=estimator
    )
    return found


def _seed(random_state: Any) -> int:
    """A seed for the search."""
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31))


def _tell(progress: Progress) -> None:
    sys.stderr.write(f"{progress}\n")


def _tell_nothing(progress: Progress) -> None:
    """For who wants to hear nothing."""
