"""How a network is trained: loss, optimizer with all its numbers, schedule, batch, epochs, early stopping."""

from dataclasses import dataclass
from typing import Literal

from tuner.errors import demand
from tuner.limits import demand_not_negative, demand_positive, demand_rate, demand_rates


@dataclass(frozen=True, kw_only=True)
class PlainLoss:
    """A loss without numbers of its own, by its Keras name; `half_squared_error` is the Playground's ½(y - ŷ)²."""

    kind: Literal[
        "sparse_categorical_crossentropy",
        "kl_divergence",
        "mean_squared_error",
        "half_squared_error",
        "categorical_hinge",
        "poisson",
    ]


@dataclass(frozen=True, kw_only=True)
class CategoricalCrossentropy:
    """Cross-entropy with one-hot targets; smoothing moves that share of the target to all classes evenly."""

    kind: Literal["categorical_crossentropy"] = "categorical_crossentropy"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        demand_rate("label_smoothing", self.label_smoothing)


Loss = PlainLoss | CategoricalCrossentropy


@dataclass(frozen=True, kw_only=True)
class Sgd:
    """Gradient descent with momentum; the defaults are Keras's."""

    kind: Literal["sgd"] = "sgd"
    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        demand_positive(self, "learning_rate")
        demand_rates(self, "momentum")
        demand_not_negative(self, "weight_decay")


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam, or one of its relatives with the same numbers (Kingma & Ba 2014, https://arxiv.org/abs/1412.6980)."""

    kind: Literal["adam", "adamax", "nadam"] = "adam"
    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        demand_positive(self, "learning_rate", "epsilon")
        demand_rates(self, "beta_1", "beta_2")


@dataclass(frozen=True, kw_only=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2017, https://arxiv.org/abs/1711.05101)."""

    kind: Literal["adamw"] = "adamw"
    learning_rate: float = 0.001
    weight_decay: float = 0.004
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        demand_positive(self, "learning_rate", "epsilon")
        demand_rates(self, "beta_1", "beta_2")
        demand_not_negative(self, "weight_decay")


@dataclass(frozen=True, kw_only=True)
class RMSprop:
    """RMSprop with Keras's numbers."""

    kind: Literal["rmsprop"] = "rmsprop"
    learning_rate: float = 0.001
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False

    def __post_init__(self) -> None:
        demand_positive(self, "learning_rate", "epsilon")
        demand_rates(self, "rho", "momentum")


@dataclass(frozen=True, kw_only=True)
class Adagrad:
    """Adagrad with Keras 3's numbers (Keras 2 had 0.01 as learning rate)."""

    kind: Literal["adagrad"] = "adagrad"
    learning_rate: float = 0.001
    initial_accumulator_value: float = 0.1
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        demand_positive(self, "learning_rate", "epsilon")
        demand_not_negative(self, "initial_accumulator_value")


@dataclass(frozen=True, kw_only=True)
class Adadelta:
    """Adadelta with Keras 3's numbers (Keras 2 had 1.0 as learning rate)."""

    kind: Literal["adadelta"] = "adadelta"
    learning_rate: float = 0.001
    rho: float = 0.95
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        demand_positive(self, "learning_rate", "epsilon")
        demand_rates(self, "rho")


@dataclass(frozen=True, kw_only=True)
class Lion:
    """Lion, which steps by the sign of the momentum (Chen et al. 2023, https://arxiv.org/abs/2302.06675)."""

    kind: Literal["lion"] = "lion"
    learning_rate: float = 0.0001
    beta_1: float = 0.9
    beta_2: float = 0.99
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        demand_positive(self, "learning_rate")
        demand_rates(self, "beta_1", "beta_2")
        demand_not_negative(self, "weight_decay")


Optimizer = Sgd | Adam | AdamW | RMSprop | Adagrad | Adadelta | Lion


@dataclass(frozen=True, kw_only=True)
class ConstantRate:
    """The optimizer's learning rate throughout."""

    kind: Literal["constant"] = "constant"


@dataclass(frozen=True, kw_only=True)
class FallingRate:
    """From the optimizer's learning rate down to `final` times it at the last step, along the named curve.

    `warmup` is the share of all steps in which the rate first rises linearly from zero. Cosine: Loshchilov & Hutter
    2016, https://arxiv.org/abs/1608.03983, without restarts.
    """

    kind: Literal["cosine", "linear", "exponential"]
    final: float = 0.01
    warmup: float = 0.0

    def __post_init__(self) -> None:
        demand(0 <= self.final <= 1, "final", "be between 0 and 1", self.final)
        if self.kind == "exponential":
            demand(self.final > 0, "final", "be greater than 0 for an exponential curve", self.final)
        demand_rate("warmup", self.warmup)


@dataclass(frozen=True, kw_only=True)
class SteppedRate:
    """The learning rate multiplied by `factor` after every `every` epochs."""

    kind: Literal["steps"] = "steps"
    every: int = 10
    factor: float = 0.1

    def __post_init__(self) -> None:
        demand(self.every >= 1, "every", "be at least 1 epoch", self.every)
        demand(0 < self.factor <= 1, "factor", "be greater than 0 and at most 1", self.factor)


Schedule = ConstantRate | FallingRate | SteppedRate


@dataclass(frozen=True, kw_only=True)
class NoEarlyStopping:
    """All epochs are trained."""

    kind: Literal["never"] = "never"


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Training ends once the monitored figure has not improved by more than `min_delta` for `epochs` epochs."""

    kind: Literal["patience"] = "patience"
    epochs: int = 5
    min_delta: float = 0.0
    monitor: Literal["validation_loss", "validation_accuracy"] = "validation_loss"

    def __post_init__(self) -> None:
        demand(self.epochs >= 1, "epochs", "be at least 1", self.epochs)
        demand_not_negative(self, "min_delta")


EarlyStopping = NoEarlyStopping | Patience


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a network is trained. `keep` says whose weights count in the end: the last epoch's, or those of the epoch
    with the best validation accuracy.

    In the first `lean_epochs` epochs only `lean_share` of the batches are trained, drawn anew each time: cheap epochs
    for the first rungs of a search.

    With `bootstrap` the training examples are as many drawn with replacement, by the recipe's seed (Breiman 1996). With
    `adversarial` each batch is trained together with its attacked copy: its inputs moved by so much (in scaled units)
    along the sign of the loss's gradient (FGSM, Goodfellow et al. 2014, https://arxiv.org/abs/1412.6572).
    """

    loss: Loss = PlainLoss(kind="sparse_categorical_crossentropy")
    optimizer: Optimizer = Adam()
    schedule: Schedule = ConstantRate()
    batch_size: int = 32
    epochs: int = 10
    shuffle: bool = True
    early_stopping: EarlyStopping = NoEarlyStopping()
    keep: Literal["last", "best"] = "last"
    lean_epochs: int = 0
    lean_share: float = 0.25
    bootstrap: bool = False
    adversarial: float = 0.0

    def __post_init__(self) -> None:
        demand_not_negative(self, "adversarial")
        demand(self.lean_epochs >= 0, "lean_epochs", "be at least 0", self.lean_epochs)
        demand(0 < self.lean_share <= 1, "lean_share", "be greater than 0 and at most 1", self.lean_share)
        demand(self.batch_size >= 1, "batch_size", "be at least 1", self.batch_size)
        demand(1 <= self.epochs <= 100_000, "epochs", "be between 1 and 100000", self.epochs)

    def share(self, epoch: int) -> float:
        """The share of the batches that an epoch (from 1) trains."""
        return self.lean_share if epoch <= self.lean_epochs else 1.0
