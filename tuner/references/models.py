"""The plain models: scikit-learn's at their defaults, each a function from a training part to what it says of other inputs."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tuner.base.metrics import Task
from tuner.data.examples import Examples
from tuner.recipe.data import Description
from tuner.references.seen import for_trees, nothing, preparation, tree_categories
from tuner.training.targets import target_scale

Array = NDArray[Any]
Predict = Callable[[Array], Array]
"""From inputs as stored (n, …) to probabilities of classes or labels (n, outputs), or numbers (n, targets)."""

LARGE, MANY = 20_000, 200_000
"""Training examples, at most: of models that take long on more, and of the others."""
CELLS = 20_000_000
"""Numbers in a training part, at most, and in ten parts of what is predicted."""
WAS_DEFAULT = "scikit-learn's MLP at its defaults: one layer of 100"


@dataclass(frozen=True)
class Model:
    """A plain model: an estimator from the `seed`, the `rounds` that it trains (0: as many as it needs) and which columns are
    categories; trained on `most` examples. One that is `apart` is one estimator for each label or target."""

    make: Callable[[int, int, NDArray[np.bool_] | None], Any]
    most: int = LARGE
    apart: bool = False
    sees: Literal["numbers", "gaps", "nothing"] = "numbers"
    rounds: int = 0
    note: str = ""

    def trained(self, about: Description, training: Examples, seed: int, rounds: int = 0) -> Predict:
        """The model on a training part."""
        categories = tree_categories(about.inputs) if self.sees == "gaps" else None
        prepared = _prepared(self, about)
        seen = prepared.fit_transform(training.inputs)
        says = _fitted(self, lambda: self.make(seed, rounds, categories), about, seen, training)
        size = max(1, CELLS // 10 // max(1, seen.shape[1]))

        def predict(inputs: Array) -> Array:
            pieces = [inputs[first : first + size] for first in range(0, len(inputs), size)]
            return np.concatenate([says(prepared.transform(piece)) for piece in pieces])

        return predict


def _prepared(model: Model, about: Description) -> Any:
    match model.sees:
        case "numbers":
            return preparation(about.inputs, about.value_range)
        case "gaps":
            return for_trees(about.inputs)
        case "nothing":
            return nothing()


def takes_weights(model: Model) -> bool:
    """Whether it can count examples differently."""
    from sklearn.utils.validation import has_fit_parameter

    return bool(has_fit_parameter(model.make(0, 0, None), "sample_weight"))


def _fitted(model: Model, make: Callable[[], Any], about: Description, seen: Any, training: Examples) -> Predict:
    labels, weights = training.labels, training.weights
    if about.task == "classification":
        return _classes(make(), seen, labels, weights, about.outputs)
    if about.task == "multi_label":
        if not model.apart:
            estimator = _fit(make(), seen, labels, weights)
            return estimator.predict_proba if hasattr(estimator, "predict_proba") else _columns(estimator)
        each = [_classes(make(), seen, labels[:, index], weights, 2) for index in range(labels.shape[1])]
        return lambda inputs: np.stack([says(inputs)[:, 1] for says in each], axis=1)
    scale = target_scale(labels, weights)
    wanted = scale.standardized(labels)
    if not model.apart and wanted.shape[1] > 1:
        each = [_columns(_fit(make(), seen, wanted, weights))]
    else:
        each = [_columns(_fit(make(), seen, column, weights)) for column in wanted.T]
    return lambda inputs: scale.meant(np.concatenate([says(inputs) for says in each], axis=1))


def _columns(estimator: Any) -> Predict:
    return lambda inputs: estimator.predict(inputs).reshape(inputs.shape[0], -1)


def _classes(estimator: Any, seen: Any, labels: Array, weights: Array | None, outputs: int) -> Predict:
    """Probabilities of all classes, where the training part may lack some, or have just one."""
    present, members = np.unique(labels.astype(np.int64), return_counts=True)
    if len(present) == 1:
        return lambda inputs: np.tile(np.eye(outputs)[present[0]], (inputs.shape[0], 1))
    if members.min() < 2 and getattr(estimator, "early_stopping", False) == "auto":
        estimator.set_params(early_stopping=False)  # it would cut off a part with all classes
    _fit(estimator, seen, labels.astype(np.int64), weights)

    def says(inputs: Array) -> Array:
        found = np.zeros((inputs.shape[0], outputs))
        found[:, present] = estimator.predict_proba(inputs)
        return found

    return says


def _fit(estimator: Any, seen: Any, wanted: Array, weights: Array | None) -> Any:
    from sklearn.utils.validation import has_fit_parameter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of not having converged: that is what defaults do
        if weights is not None and has_fit_parameter(estimator, "sample_weight"):
            return estimator.fit(seen, wanted, sample_weight=weights.astype(np.float64))
        return estimator.fit(seen, wanted)


def models(task: Task) -> dict[str, Model]:
    """The plain models of a task by their names."""
    from sklearn import dummy, linear_model, neighbors

    found = {"trees": _trees(task), "default network": _network(task)}
    nearest, mean = (
        Model(lambda *_: neighbors.KNeighborsRegressor()),
        Model(lambda *_: dummy.DummyRegressor(), MANY, sees="nothing"),
    )
    if task == "regression":
        return {
            "mean": mean,
            "ridge": Model(lambda *_: linear_model.Ridge(), MANY),
            "nearest neighbours": nearest,
            **found,
        }
    found["logistic"] = Model(lambda *_: linear_model.LogisticRegression(), apart=True)
    if task == "multi_label":  # the shares of labels are means of 0 and 1
        return {"majority": mean, "nearest neighbours": nearest, **found}
    majority = Model(lambda *_: dummy.DummyClassifier(strategy="prior"), MANY, sees="nothing")
    return {"majority": majority, "nearest neighbours": Model(lambda *_: neighbors.KNeighborsClassifier()), **found}


def _trees(task: Task) -> Model:
    from sklearn import ensemble

    kind = ensemble.HistGradientBoostingRegressor if task == "regression" else ensemble.HistGradientBoostingClassifier

    def make(seed: int, rounds: int, categories: NDArray[np.bool_] | None) -> Any:
        trees = kind(random_state=seed, categorical_features=categories)
        return trees.set_params(max_iter=rounds) if rounds else trees

    return Model(make, MANY, apart=True, sees="gaps", rounds=100)


def _network(task: Task) -> Model:
    from sklearn import neural_network

    kind = neural_network.MLPRegressor if task == "regression" else neural_network.MLPClassifier
    return Model(lambda seed, *_: kind(random_state=seed), note=WAS_DEFAULT)
