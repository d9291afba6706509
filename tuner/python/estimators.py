"""scikit-learn estimators whose `fit` is a search. They inherit because scikit-learn's contract asks for it.

`fit` holds nothing out for a test: the search validates on parts of its data, by cross-validation with whole groups.
"""

import shutil
import weakref
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import validation
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from tuner.base.errors import StudyError, TunerError
from tuner.base.metrics import Task
from tuner.data.sources import Places
from tuner.python.examples import examples_of, frame_of, inputs_of
from tuner.python.line import is_live, progress_shown
from tuner.python.search import Workers, require_budget, search
from tuner.python.study import AnyStudy, Changes, seed_of, study_on
from tuner.python.tuned import Tuned
from tuner.recipe import Cut, Recipe
from tuner.storage import StudyRecord
from tuner.training import load as load_tensorflow


class _Tuned(BaseEstimator):  # type: ignore[misc]
    """What both estimators share."""

    def __init__(
        self,
        minutes: float = 2.0,
        study: AnyStudy = None,
        objective: str | None = None,
        workers: Workers = 1,
        random_state: Any = None,
        runs: str | Path | None = None,
        verbose: int = 1,
    ) -> None:
        self.minutes = minutes
        self.study = study
        self.objective = objective
        self.workers = workers
        self.random_state = random_state
        self.runs = runs
        self.verbose = verbose

    def _fit(self, x: Any, y: Any, task: Task, sample_weight: Any, groups: Any) -> Self:
        """Search on checked examples."""
        try:
            tuned = self._search(x, y, task, sample_weight, groups)
            if tuned.confirmed is None:
                reasons = ["the time was too short", *(trial.reason for trial in tuned.record.trials if trial.reason)]
                raise StudyError(f"no network was trained: {reasons[-1]}; pass more minutes")
        except TunerError as error:  # scikit-learn's contract
            raise ValueError(str(error)) from error
        self.study_: StudyRecord = tuned.record
        self.best_recipe_: Recipe = tuned.confirmed.recipe
        self.validation_score_: float = tuned.figures[0].value
        model = tuned.confirmed.model
        self._files = {f"best{suffix}": model.with_suffix(suffix).read_bytes() for suffix in (".keras", ".json")}
        self.__dict__.pop("_predictor", None)
        self.n_outputs_ = len(self._predictor.output.names)
        return self

    def _search(self, x: Any, y: Any, task: Task, sample_weight: Any, groups: Any) -> Tuned:
        require_budget(self.minutes)
        runs = Path(mkdtemp(prefix="tuner-") if self.runs is None else self.runs)
        if self.runs is None:
            self._folder = runs
            weakref.finalize(self, shutil.rmtree, runs, ignore_errors=True)
        places = Places(None, runs / "data")
        changes = Changes(
            task=task,
            objective=self.objective or "",
            minutes=self.minutes,
            seed=seed_of(self.random_state),
            test=Cut(share=0.0),
            is_named_by_data=True,
        )
        examples = examples_of(x, y, sample_weight, groups)
        self._names = list(examples.x.columns) if isinstance(examples.x, pd.DataFrame) else []
        file = study_on(self.study, examples, changes, places)
        if is_alone := self.workers == 1:
            load_tensorflow()  # before the minutes begin
        storage = f"journal:{runs / 'journal'}" if self.runs is None else ""  # faster to create than SQLite
        call: Any = {"minutes": self.minutes, "workers": self.workers, "storage": storage}
        with progress_shown(file.name, None, self.verbose if is_live() else self.verbose - 1) as listener:
            return search(file, runs, places, listener, executor="in_process" if is_alone else "processes", **call)

    def _outputs(self, X: Any) -> NDArray[np.float32]:
        validation.check_is_fitted(self)
        inputs = inputs_of(self._checked(X, reset=False), self._names)
        if isinstance(inputs, pd.DataFrame) and not set(self._names) <= set(inputs.columns):
            inputs = inputs.set_axis(self._names, axis=1)
        try:
            return np.asarray(self._predictor.predict(inputs).values)
        except TunerError as error:
            raise ValueError(str(error)) from error

    def _checked(self, X: Any, *, reset: bool) -> Any:
        """Inputs after scikit-learn's checks: numbers with missing values, or a data frame."""
        fewest, X = 2 if reset else 1, frame_of(X)
        if isinstance(X, pd.DataFrame):
            validation.validate_data(self, X, skip_check_array=True, reset=reset)
            if len(X) < fewest:
                raise ValueError(f"Found array with {len(X)} sample(s) while a minimum of {fewest} is required.")
            return X
        rules = {"dtype": "numeric", "allow_nd": True, "ensure_all_finite": "allow-nan", "ensure_min_samples": fewest}
        return validation.validate_data(self, X, reset=reset, **rules)

    def _checked_examples(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> tuple[Any, ...]:
        """Inputs, targets, weights and groups after scikit-learn's checks, without examples of weight 0."""
        X = self._checked(X, reset=True)
        if y is None:
            name = type(self).__name__
            raise ValueError(f"This {name} estimator requires y to be passed, but the target y is None.")
        y = validation._check_y(y, multi_output=True, y_numeric=isinstance(self, RegressorMixin), estimator=self)
        validation.check_consistent_length(X, y, groups)
        groups = None if groups is None else validation.column_or_1d(groups)
        if sample_weight is None:
            return X, y, None, groups
        weight = validation._check_sample_weight(sample_weight, X, ensure_non_negative=True)
        if not weight.any():
            raise ValueError("sample_weight must be above 0 for some examples")
        return tuple(None if each is None else each[weight > 0] for each in (X, y, weight, groups))

    @property
    def model_(self) -> Any:
        """The Keras model."""
        validation.check_is_fitted(self)
        return self._predictor.model

    @cached_property
    def _predictor(self) -> Any:
        """The model, loaded from the bytes of its files."""
        from tuner.deploy.predictor import Predictor

        with TemporaryDirectory() as folder:
            for name, content in self._files.items():
                (Path(folder) / name).write_bytes(content)
            return Predictor.load(Path(folder) / "best.keras")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_files")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.input_tags.three_d_array = True
        tags.target_tags.required = True
        tags.non_deterministic = True  # how far a search comes in its minutes depends on the machine
        return tags

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.startswith("_")]

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the temporary folder and the loaded model."""
        state = super().__getstate__().items()
        return {name: value for name, value in state if name not in ("_folder", "_predictor")}


class TunedClassifier(ClassifierMixin, _Tuned):  # type: ignore[misc]
    """A classifier: the Keras model that a search of so many `minutes` finds.

    The types of a data frame's columns decide how they are read: categories, booleans, dates, numbers; strings of many words
    are texts. A `y` of several columns of 0 and 1 has labels.

    Examples:
        >>> from sklearn.datasets import load_iris
        >>> x, y = load_iris(return_X_y=True)
        >>> classifier = tuner.TunedClassifier(minutes=1).fit(x, y)  # doctest: +SKIP
        >>> classifier.predict(x[:3]), classifier.best_recipe_.summary  # doctest: +SKIP

    Args:
        study, objective: A study (None: one is made for the data), and one of its metrics, such as `validation_log_loss`.
        workers: With one it trains in this process, with several (`auto`: one per core) in other processes.
        runs: The folder for storage and models. None means a temporary one, deleted with the estimator.
        verbose: 1 shows a line of progress on a terminal and in a notebook, 2 also sentences in a pipe; 0 is quiet.

    After `fit`: `classes_`, `model_` (Keras), `best_recipe_`, `study_` (its record), `validation_score_` (optimistic, since
    validation chose the model; `score` on new data is not).
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Search. Rows of one of the `groups` are never on both sides of a split. Raises `ValueError` for unusable data."""
        X, y, sample_weight, groups = self._checked_examples(X, y, sample_weight, groups)
        check_classification_targets(y)
        if type_of_target(y).startswith("multilabel"):
            self.classes_: NDArray[Any] = np.arange(y.shape[1])
            return self._fit(X, np.asarray(y), "multi_label", sample_weight, groups)
        y = validation.column_or_1d(y, warn=True)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"y must have at least two classes, got one class only, {self.classes_.tolist()[0]!r}")
        return self._fit(X, np.searchsorted(self.classes_, y), "classification", sample_weight, groups)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities (n, classes), in the order of `classes_`; or (n, labels)."""
        shares = self._outputs(X).astype(np.float64)
        if not self._has_labels:  # a positive class is the model's last
            shares = shares[:, np.argsort([*map(int, self._predictor.output.names)])]
        return shares if self._has_labels else shares / shares.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable classes (n,); or labels 0 and 1 (n, labels)."""
        shares = self.predict_proba(X)
        return (shares > 0.5).astype(int) if self._has_labels else np.asarray(self.classes_[shares.argmax(axis=1)])

    @property
    def _has_labels(self) -> bool:
        return bool(self._predictor.output.task == "multi_label")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class TunedRegressor(RegressorMixin, _Tuned):  # type: ignore[misc]
    """A regressor: the Keras model that a search of so many `minutes` finds. `y` has one number or several for each row.
    Parameters, and attributes after `fit`, as in `TunedClassifier`."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Search. Rows of one of the `groups` are never on both sides of a split. Raises `ValueError` for unusable data."""
        X, y, sample_weight, groups = self._checked_examples(X, y, sample_weight, groups)
        y = validation.column_or_1d(y, warn=True) if y.ndim < 2 or y.shape[1] == 1 else y
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
