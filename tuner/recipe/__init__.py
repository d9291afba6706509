"""The vocabulary: one experiment, completely said, as one frozen value.

A search makes recipes by asking Optuna, a baseline makes them from a document, a user from a file. Everything after
that (splits, network, training, storage, report) knows only recipes and results. Field names are the addresses that
study files, `--set`, Optuna's parameters and error messages use.
"""

from tuner.recipe.augmentation import Augmentation as Augmentation
from tuner.recipe.data import AnyData as AnyData
from tuner.recipe.data import Arrays as Arrays
from tuner.recipe.data import Cut as Cut
from tuner.recipe.data import Data as Data
from tuner.recipe.data import Found as Found
from tuner.recipe.data import Images as Images
from tuner.recipe.data import Table as Table
from tuner.recipe.data import described as described
from tuner.recipe.data import task_of as task_of
from tuner.recipe.losses import CategoricalCrossentropy as CategoricalCrossentropy
from tuner.recipe.losses import Huber as Huber
from tuner.recipe.losses import Loss as Loss
from tuner.recipe.losses import PlainLoss as PlainLoss
from tuner.recipe.optimizers import Adadelta as Adadelta
from tuner.recipe.optimizers import Adagrad as Adagrad
from tuner.recipe.optimizers import Adam as Adam
from tuner.recipe.optimizers import AdamW as AdamW
from tuner.recipe.optimizers import Lion as Lion
from tuner.recipe.optimizers import Optimizer as Optimizer
from tuner.recipe.optimizers import RMSprop as RMSprop
from tuner.recipe.optimizers import Sgd as Sgd
from tuner.recipe.protocols import Holdout as Holdout
from tuner.recipe.protocols import KFold as KFold
from tuner.recipe.protocols import NoValidation as NoValidation
from tuner.recipe.protocols import OnTest as OnTest
from tuner.recipe.protocols import Protocol as Protocol
from tuner.recipe.protocols import fold_count as fold_count
from tuner.recipe.protocols import validated_part as validated_part
from tuner.recipe.recipe import Recipe as Recipe
from tuner.recipe.training import ConstantRate as ConstantRate
from tuner.recipe.training import FallingRate as FallingRate
from tuner.recipe.training import NoEarlyStopping as NoEarlyStopping
from tuner.recipe.training import OneCycle as OneCycle
from tuner.recipe.training import Patience as Patience
from tuner.recipe.training import Plateau as Plateau
from tuner.recipe.training import Schedule as Schedule
from tuner.recipe.training import SteppedRate as SteppedRate
from tuner.recipe.training import Training as Training
