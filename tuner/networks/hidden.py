"""Settings of the hidden layers of all families: activation, initial weights, normalization, penalties."""

from dataclasses import dataclass
from typing import Literal

from tuner.base.errors import Invalid
from tuner.base.ranges import NotNegative, Positive, Rate, record


@record
class PlainActivation:
    """An activation without parameters, by its Keras name."""

    kind: Literal["relu", "tanh", "sigmoid", "selu", "gelu", "silu", "mish", "softplus", "softsign", "relu6", "linear"]


@record
class LeakyRelu:
    """`max(x, slope * x)`; 0.3 is the default of Keras's LeakyReLU layer in all its versions."""

    kind: Literal["leaky_relu"] = "leaky_relu"
    slope: Rate = 0.3


@record
class Elu:
    """`x` above zero, `alpha * (exp(x) - 1)` below."""

    kind: Literal["elu"] = "elu"
    alpha: Positive = 1.0


Activation = PlainActivation | LeakyRelu | Elu
Output = Literal["softmax", "sigmoid", "tanh", "relu", "linear", "signed"]


@record
class PlainInitializer:
    """A kernel initializer without parameters, by its Keras name. Biases start at 0."""

    kind: Literal[
        "glorot_uniform",
        "glorot_normal",
        "he_uniform",
        "he_normal",
        "lecun_uniform",
        "lecun_normal",
        "orthogonal",
        "zeros",
    ]


@record
class ConstantInitializer:
    """Every kernel weight starts at the same value."""

    kind: Literal["constant"] = "constant"
    value: float = 0.01


@record
class NormalInitializer:
    """Kernel weights drawn from a normal distribution with mean 0."""

    kind: Literal["random_normal"] = "random_normal"
    stddev: Positive = 0.05


Initializer = PlainInitializer | ConstantInitializer | NormalInitializer


@dataclass(frozen=True)
class KernelPenalty:
    """`l1 * sum(abs(kernel)) + l2 * sum(kernel ** 2)`, added to the loss."""

    l1: float
    l2: float


@dataclass(frozen=True)
class ActivityPenalty:
    """`l1 * sum(abs(output)) / batch`, added to the loss."""

    l1: float


@record
class Hidden:
    """Settings of all hidden layers of a network.

    Batch normalization comes before or after the activation; `normalization_momentum` is the decay of its moving statistics
    (Keras's 0.99 needs some thousand steps). `dropout` is the rate after each dense hidden layer: one for all, or one for
    each. `kernel_l2` adds `kernel_l2 * sum(kernel ** 2)` to the loss, `activity_l1` adds `activity_l1 * sum(abs(output)) /
    batch`. `bfloat16` is Keras's mixed precision: convolutions are at least twice as fast on processors with instructions for
    it, and very slow on others.
    """

    activation: Activation = PlainActivation(kind="relu")
    initializer: Initializer = PlainInitializer(kind="glorot_uniform")
    batch_normalization: Literal["none", "before", "after"] = "none"
    normalization_momentum: Rate = 0.99
    dropout: Rate | tuple[Rate, ...] = 0.0
    kernel_l1: NotNegative = 0.0
    kernel_l2: NotNegative = 0.0
    activity_l1: NotNegative = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"

    def dropout_rates(self, layers: int) -> tuple[float, ...]:
        """One dropout rate for each of `layers` dense hidden layers."""
        return self.dropout if isinstance(self.dropout, tuple) else (self.dropout,) * layers

    def require_rates_for(self, widths: tuple[int, ...]) -> None:
        """Raise `Invalid` unless `dropout` is one rate or has one for each of the widths."""
        if isinstance(self.dropout, tuple) and len(self.dropout) != len(widths):
            problem = f"must have one rate for each of the {len(widths)} widths, got {len(self.dropout)}"
            raise Invalid("hidden.dropout", problem)
