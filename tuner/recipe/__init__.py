"""The vocabulary: one experiment, completely specified, as one frozen value.

A search makes recipes from the answers of Optuna, a baseline from a document, a user from a file. Everything after that
(splits, network, training, storage, report) knows only recipes and results. Field names are the addresses that study files,
`--set`, Optuna's parameters and error messages use.
"""

from tuner.recipe.augmentation import Augmentation, Views
from tuner.recipe.data import AnyData, Arrays, Cut, Data, DataInfo, Images, Table
from tuner.recipe.description import describe
from tuner.recipe.losses import CategoricalCrossentropy, Huber, Loss, PlainLoss
from tuner.recipe.optimizers import (
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Clipping,
    Lion,
    Muon,
    Optimizer,
    RMSprop,
    ScheduleFreeAdamW,
    Sgd,
)
from tuner.recipe.phases import Phase
from tuner.recipe.protocols import Holdout, KFold, NoValidation, OnTest, Protocol, fold_count, validated_part
from tuner.recipe.recipe import Recipe
from tuner.recipe.training import (
    ConstantRate,
    FallingRate,
    LogCosine,
    NoEarlyStopping,
    OneCycle,
    Patience,
    Plateau,
    Schedule,
    SteppedRate,
    Training,
)
