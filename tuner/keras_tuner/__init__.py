"""KerasTuner's interface: `from tuner import keras_tuner as kt` in the place of `import keras_tuner as kt`. docs/from-keras-tuner.md
says what differs."""

from tuner.keras_tuner import errors as errors
from tuner.keras_tuner import oracles as oracles
from tuner.keras_tuner import tuners as tuners
from tuner.keras_tuner.errors import FailedTrialError as FailedTrialError
from tuner.keras_tuner.hypermodel import HyperModel as HyperModel
from tuner.keras_tuner.hyperparameters import HyperParameters as HyperParameters
from tuner.keras_tuner.objective import Objective as Objective
from tuner.keras_tuner.oracle import Oracle as Oracle
from tuner.keras_tuner.parameters import HyperParameter as HyperParameter
from tuner.keras_tuner.trial import Trial as Trial
from tuner.keras_tuner.tuners import BayesianOptimization as BayesianOptimization
from tuner.keras_tuner.tuners import GridSearch as GridSearch
from tuner.keras_tuner.tuners import Hyperband as Hyperband
from tuner.keras_tuner.tuners import RandomSearch as RandomSearch
from tuner.keras_tuner.tuners import Tuner as Tuner

ABSENT = {
    "applications": "write the network as a function, or wrap one of keras.applications in it",
    "SklearnTuner": "override `run_trial` of a tuner and return the score",
    "synchronized": "leave it out, since the storage orders what several processes write",
}


def __getattr__(name: str) -> object:
    cure = f": {ABSENT[name]}" if name in ABSENT else ""
    raise AttributeError(f"tuner.keras_tuner has no {name}{cure}")
