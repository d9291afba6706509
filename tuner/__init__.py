"""Tunes Keras networks with Optuna: a study file is a recipe with holes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuner.python.callback import PruningCallback as PruningCallback
    from tuner.python.estimators import TunedClassifier as TunedClassifier
    from tuner.python.estimators import TunedRegressor as TunedRegressor
    from tuner.python.progress import Progress as Progress
    from tuner.python.search import load_study as load_study
    from tuner.python.search import optimize as optimize
    from tuner.python.tuned import Tuned as Tuned

__version__ = "0.1.0"

LAZY = {
    "PruningCallback": "tuner.python.callback",
    "TunedClassifier": "tuner.python.estimators",
    "TunedRegressor": "tuner.python.estimators",
    "Progress": "tuner.python.progress",
    "load_study": "tuner.python.search",
    "optimize": "tuner.python.search",
    "Tuned": "tuner.python.tuned",
}
"""What a program uses, and where it is: imported when it is asked for, since that takes seconds."""


def __getattr__(name: str) -> object:
    if name not in LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import warnings
    from importlib import import_module

    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="IProgress not found"
        )  # of Optuna's bars in a notebook; ours needs no widgets
        return getattr(import_module(LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(LAZY)
