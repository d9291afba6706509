"""The reference models: scikit-learn's estimators at their defaults."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tuner.base.metrics import Task
from tuner.data.examples import Examples
from tuner.recipe.description import Description
from tuner.references.features import frame_preparation, preparation, tree_categories, tree_preparation
from tuner.training.targets import target_scales

Array = NDArray[Any]
Predict = Callable[[Array], Array]
"""From inputs as stored (n, …) to probabilities of classes or labels (n, outputs), or numbers (n, targets)."""

LARGE, MANY = 20_000, 200_000
"""The most training examples: of models that are slow on more, and of the others."""
CELLS = 20_000_000
"""The most numbers in a training part; a tenth of it in each batch that is predicted."""


@dataclass(frozen=True)
class Estimator:
    """A reference model. `make` gets the seed, the number of rounds (0: the default) and which features are categories.
    `most` limits the training examples; one that is `single_output` is fitted once for each label or target; `rounds` is its
    number of rounds where that is known before it is fitted. One that `repeats` places of the inputs is not fitted."""

    make: Callable[[int, int, NDArray[np.bool_] | None], Any]
    most: int = LARGE
    single_output: bool = False
    features: Literal["prepared", "tree", "frame", "none"] = "prepared"
    rounds: int = 0
    note: str = ""
    repeats: tuple[int, ...] = ()

    def fit(self, about: Description, training: Examples, seed: int, rounds: int = 0) -> Predict:
        """The predictions of the model after it was fitted on a training part."""
        if self.repeats:
            return lambda inputs: inputs[:, list(self.repeats)]
        categories = tree_categories(about.inputs) if self.features in ("tree", "frame") else None
        transformer = self._transformer(about)
        features = transformer.fit_transform(training.inputs)
        predict = _fitted(self, lambda: self.make(seed, rounds, categories), about, features, training)
        size = max(1, CELLS // 10 // max(1, features.shape[1]))

        def predict_in_batches(inputs: Array) -> Array:
            batches = [inputs[first : first + size] for first in range(0, len(inputs), size)]
            return np.concatenate([predict(transformer.transform(batch)) for batch in batches])

        return predict_in_batches

    def _transformer(self, about: Description) -> Any:
        from sklearn.preprocessing import FunctionTransformer

        match self.features:
            case "prepared":
                return preparation(about.inputs, about.value_range)
            case "tree":
                return tree_preparation(about.inputs)
            case "frame":
                return frame_preparation(about.inputs)
            case "none":
                return FunctionTransformer()

    @property
    def takes_weights(self) -> bool:
        """Whether it can weight examples."""
        from sklearn.utils.validation import has_fit_parameter

        return bool(has_fit_parameter(self.make(0, 0, None), "sample_weight"))


def estimators(task: Task) -> dict[str, Estimator]:
    """The reference models of a task by their names."""
    from sklearn import dummy, ensemble, linear_model, neighbors, neural_network

    is_regression = task == "regression"
    network = neural_network.MLPRegressor if is_regression else neural_network.MLPClassifier
    trees = ensemble.HistGradientBoostingRegressor if is_regression else ensemble.HistGradientBoostingClassifier

    def make_trees(seed: int, rounds: int, categories: NDArray[np.bool_] | None) -> Any:
        return trees(random_state=seed, categorical_features=categories, max_iter=rounds or ROUNDS)

    nearest = Estimator(lambda *_: neighbors.KNeighborsRegressor())
    mean = Estimator(lambda *_: dummy.DummyRegressor(), MANY, features="none")
    ridge = Estimator(lambda *_: linear_model.Ridge(), MANY)
    always = {
        "trees": Estimator(make_trees, MANY, single_output=True, features="tree", rounds=ROUNDS),
        "default network": Estimator(lambda seed, *_: network(random_state=seed), note=NETWORK_NOTE),
        **_optional(is_regression),
    }
    if is_regression:
        return {"mean": mean, "ridge": ridge, "nearest neighbours": nearest, **always}
    logistic = Estimator(lambda *_: linear_model.LogisticRegression(), single_output=True)
    if task == "classification":
        nearest = Estimator(lambda *_: neighbors.KNeighborsClassifier())
        mean = Estimator(lambda *_: dummy.DummyClassifier(strategy="prior"), MANY, features="none")
    # Of several labels, the mean of 0 and 1 is a label's frequency: the regressors predict probabilities.
    return {"majority": mean, "logistic": logistic, "nearest neighbours": nearest, **always}


def _optional(is_regression: bool) -> dict[str, Estimator]:
    """The estimators of other packages, which are imported where they are fitted."""
    suffix = "Regressor" if is_regression else "Classifier"

    def make_lightgbm(seed: int, rounds: int, categories: NDArray[np.bool_] | None) -> Any:
        make = getattr(import_module("lightgbm"), f"LGBM{suffix}")
        places = {} if categories is None else {"categorical_feature": np.flatnonzero(categories).tolist()}
        return make(random_state=seed, n_estimators=rounds or ROUNDS, n_jobs=1, verbose=-1, **places)

    def make_catboost(seed: int, rounds: int, categories: NDArray[np.bool_] | None) -> Any:
        make = getattr(import_module("catboost"), f"CatBoost{suffix}")
        settings = {"thread_count": 1, "allow_writing_files": False, "verbose": 0}
        places = None if categories is None else np.flatnonzero(categories).tolist()
        return make(random_seed=seed, iterations=rounds or CATBOOST_ROUNDS, cat_features=places, **settings)

    return {
        "lightgbm": Estimator(make_lightgbm, MANY, single_output=True, features="tree", rounds=ROUNDS),
        "catboost": Estimator(make_catboost, MANY, single_output=True, features="frame", rounds=CATBOOST_ROUNDS),
    }


ROUNDS, CATBOOST_ROUNDS = 100, 1000
OTHER_ERRORS = ("CatBoostError", "LightGBMError")
"""What these packages raise where scikit-learn raises `ValueError`."""
NETWORK_NOTE = "scikit-learn's MLP at its defaults: one layer of 100"


def _fitted(
    model: Estimator, make: Callable[[], Any], about: Description, features: Any, training: Examples
) -> Predict:
    labels, weights = training.labels, training.weights
    if about.task == "classification":
        return _classifier(make(), features, labels, weights, len(about.classes))
    if about.task == "multi_label":
        if not model.single_output:
            estimator = _fit(make(), features, labels, weights)
            return estimator.predict_proba if hasattr(estimator, "predict_proba") else _regressor(estimator)
        each = [_classifier(make(), features, labels[:, index], weights, 2) for index in range(labels.shape[1])]
        return lambda inputs: np.stack([predict(inputs)[:, 1] for predict in each], axis=1)
    scale = target_scales(labels, weights)["standard"]
    targets = scale.standardized(labels)
    columns = targets.T if model.single_output or targets.shape[1] == 1 else [targets]
    each = [_regressor(_fit(make(), features, column, weights)) for column in columns]
    return lambda inputs: scale.inverse(np.concatenate([predict(inputs) for predict in each], axis=1))


def _regressor(estimator: Any) -> Predict:
    return lambda inputs: estimator.predict(inputs).reshape(inputs.shape[0], -1)


def _classifier(estimator: Any, features: Any, labels: Array, weights: Array | None, outputs: int) -> Predict:
    """Probabilities of all classes, also where the training part lacks some, or has a single one."""
    present, counts = np.unique(labels.astype(np.int64), return_counts=True)
    if len(present) == 1:
        return lambda inputs: np.tile(np.eye(outputs)[present[0]], (inputs.shape[0], 1))
    if counts.min() < 2 and getattr(estimator, "early_stopping", False) == "auto":
        estimator.set_params(early_stopping=False)  # it needs two examples of each class
    _fit(estimator, features, labels.astype(np.int64), weights)

    def predict(inputs: Array) -> Array:
        probabilities = np.zeros((inputs.shape[0], outputs))
        probabilities[:, present] = estimator.predict_proba(inputs)
        return probabilities

    return predict


def _fit(estimator: Any, features: Any, targets: Array, weights: Array | None) -> Any:
    from sklearn.utils.validation import has_fit_parameter

    with warnings.catch_warnings(action="ignore"):  # the defaults often stop before they converge
        takes_weights = has_fit_parameter(estimator, "sample_weight")
        settings = {"sample_weight": weights.astype(np.float64)} if weights is not None and takes_weights else {}
        try:
            return estimator.fit(features, targets, **settings)
        except Exception as error:
            if type(error).__name__ in OTHER_ERRORS:
                raise ValueError(str(error)) from error
            raise
