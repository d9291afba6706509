"""`HyperModel`: a function that builds a model, and how that model is trained."""

from collections.abc import Callable
from typing import Any

from tuner.keras_tuner.errors import FatalValueError
from tuner.keras_tuner.hyperparameters import HyperParameters


class HyperModel:
    """Subclass it with a `build`, and with a `fit` of your own where `model.fit` is not enough. What a model asks for while it
    is not `tunable` is not searched."""

    def __init__(self, name: str | None = None, tunable: bool = True) -> None:
        self.name, self.tunable = name, tunable
        if not tunable:
            build = self.build
            self.build = lambda hp: build(hp.copy())  # type: ignore[method-assign]

    def build(self, hp: HyperParameters) -> Any:
        """A compiled Keras model."""
        raise NotImplementedError

    def declare_hyperparameters(self, hp: HyperParameters) -> None:
        """Ask for parameters before the first model is built."""

    def fit(self, hp: HyperParameters, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Train the model with the arguments of `search` and `callbacks`. Returns a `History`, metrics by name, or the objective."""
        return model.fit(*args, **kwargs)


class DefaultHyperModel(HyperModel):
    """The `HyperModel` of a function."""

    def __init__(self, build: Callable[[HyperParameters], Any]) -> None:
        super().__init__()
        self.build = build  # type: ignore[method-assign,assignment]


def hypermodel_of(asked: Any) -> HyperModel | None:
    """The model of a tuner's argument: None, a `HyperModel` or a function."""
    if asked is None or isinstance(asked, HyperModel):
        return asked
    if not callable(asked):
        raise FatalValueError(
            f"The `hypermodel` argument should be either a function `build(hp)` or a `HyperModel`, got {asked!r}"
        )
    return DefaultHyperModel(asked)
