"""KerasTuner's interface: `from tuner import keras_tuner as kt` in the place of `import keras_tuner as kt`. docs/from-keras-tuner.md
says what differs."""

import sys

from tuner.keras_tuner import errors as errors
from tuner.keras_tuner import oracles as oracles
from tuner.keras_tuner import tuners as tuners
from tuner.keras_tuner.errors import FailedTrialError as FailedTrialError
from tuner.keras_tuner.hypermodel import HyperModel as HyperModel
from tuner.keras_tuner.hyperparameters import HyperParameters as HyperParameters
from tuner.keras_tuner.objective import Objective as Objective
from tuner.keras_tuner.oracle import Oracle as Oracle
from tuner.keras_tuner.oracle import synchronized as synchronized
from tuner.keras_tuner.oracles import BayesianOptimizationOracle as BayesianOptimizationOracle
from tuner.keras_tuner.oracles import GridSearchOracle as GridSearchOracle
from tuner.keras_tuner.oracles import HyperbandOracle as HyperbandOracle
from tuner.keras_tuner.oracles import RandomSearchOracle as RandomSearchOracle
from tuner.keras_tuner.parameters import HyperParameter as HyperParameter
from tuner.keras_tuner.trial import Trial as Trial
from tuner.keras_tuner.trial import TrialStatus as TrialStatus
from tuner.keras_tuner.tuners import BayesianOptimization as BayesianOptimization
from tuner.keras_tuner.tuners import GridSearch as GridSearch
from tuner.keras_tuner.tuners import Hyperband as Hyperband
from tuner.keras_tuner.tuners import RandomSearch as RandomSearch
from tuner.keras_tuner.tuners import Tuner as BaseTuner
from tuner.keras_tuner.tuners import Tuner as Tuner
from tuner.keras_tuner.tuners import __getattr__ as __getattr__

engine = base_tuner = tuner = sys.modules[__name__]
"""KerasTuner's inner modules, from which scripts import too: what is in each of them is in this package."""
PATHS = (
    "applications distributions engine engine.base_tuner engine.hypermodel engine.hyperparameters engine.objective engine.oracle "
    "engine.trial engine.tuner tuners.bayesian tuners.gridsearch tuners.hyperband tuners.randomsearch tuners.sklearn_tuner"
)
sys.modules.update({f"{__name__}.{path}": engine for path in PATHS.split()})
