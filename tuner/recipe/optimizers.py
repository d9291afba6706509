"""Optimizers: one record each, by its Keras name and with Keras's names for all options.

`training` finds Keras's class by the `kind`.
"""

from typing import Literal

from tuner.base.errors import require
from tuner.base.ranges import Count, CountOrZero, NotNegative, Positive, Rate, record


@record
class Sgd:
    """Gradient descent with momentum; the defaults are Keras's."""

    kind: Literal["sgd"] = "sgd"
    learning_rate: Positive = 0.01
    momentum: Rate = 0.0
    nesterov: bool = False
    weight_decay: NotNegative = 0.0


@record
class Adam:
    """Adam, or one of its variants with the same options (Kingma & Ba 2014, https://arxiv.org/abs/1412.6980)."""

    kind: Literal["adam", "adamax", "nadam"] = "adam"
    learning_rate: Positive = 0.001
    beta_1: Rate = 0.9
    beta_2: Rate = 0.999
    epsilon: Positive = 1e-7


@record
class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2017, https://arxiv.org/abs/1711.05101).

    With `rates` "ntk" a kernel's learning rate is divided by the square root of its inputs, as if the network had the neural
    tangent parametrization; an encoder's waves and biases get a tenth of it; biases do not decay
    (Holzmüller et al. 2024, https://arxiv.org/abs/2407.04491).
    """

    kind: Literal["adamw"] = "adamw"
    learning_rate: Positive = 0.001
    weight_decay: NotNegative = 0.004
    beta_1: Rate = 0.9
    beta_2: Rate = 0.999
    epsilon: Positive = 1e-7
    rates: Literal["equal", "ntk"] = "equal"


@record
class RMSprop:
    """RMSprop with Keras's numbers. Keras 3 divides by sqrt(v + epsilon), Keras 2 (without momentum) by sqrt(v) + epsilon,
    which makes the first steps of weights with small gradients much larger: `epsilon_outside`, used by baselines only."""

    kind: Literal["rmsprop"] = "rmsprop"
    learning_rate: Positive = 0.001
    rho: Rate = 0.9
    momentum: Rate = 0.0
    epsilon: Positive = 1e-7
    centered: bool = False
    epsilon_outside: bool = False

    def __post_init__(self) -> None:
        outside = self.epsilon_outside and (self.momentum or self.centered)
        require(not outside, "epsilon_outside", "be false with momentum or centered, as in Keras 2", True)


@record
class Adagrad:
    """Adagrad with Keras 3's numbers (Keras 2 had 0.01 as learning rate)."""

    kind: Literal["adagrad"] = "adagrad"
    learning_rate: Positive = 0.001
    initial_accumulator_value: NotNegative = 0.1
    epsilon: Positive = 1e-7


@record
class Adadelta:
    """Adadelta with Keras 3's numbers (Keras 2 had 1.0 as learning rate)."""

    kind: Literal["adadelta"] = "adadelta"
    learning_rate: Positive = 0.001
    rho: Rate = 0.95
    epsilon: Positive = 1e-7


@record
class Lion:
    """Lion, whose steps are the sign of the momentum (Chen et al. 2023, https://arxiv.org/abs/2302.06675)."""

    kind: Literal["lion"] = "lion"
    learning_rate: Positive = 0.0001
    beta_1: Rate = 0.9
    beta_2: Rate = 0.99
    weight_decay: NotNegative = 0.0


@record
class Muon:
    """Muon: the momentum of the kernel of a hidden dense layer or a convolution (flattened to height × width × channels by filters),
    made orthogonal by `ns_steps` iterations; all other weights by AdamW, whose learning rate is `adam_lr_ratio` times as large (Jordan
    et al. 2024, https://kellerjordan.github.io/posts/muon/; Liu et al. 2025, https://arxiv.org/abs/2502.16982)."""

    kind: Literal["muon"] = "muon"
    learning_rate: Positive = 0.001
    weight_decay: NotNegative = 0.004
    momentum: Rate = 0.95
    nesterov: bool = True
    ns_steps: Count = 5
    adam_lr_ratio: Positive = 1.0


@record
class ScheduleFreeAdamW:
    """AdamW whose weights are an average over the steps in place of a falling learning rate (Defazio et al. 2024,
    https://arxiv.org/abs/2405.15682): meant for a constant schedule."""

    kind: Literal["schedule_free_adamw"] = "schedule_free_adamw"
    learning_rate: Positive = 0.0025
    weight_decay: NotNegative = 0.0
    beta_1: Rate = 0.9
    beta_2: Rate = 0.999
    epsilon: Positive = 1e-8
    warmup_steps: CountOrZero = 0

    def __post_init__(self) -> None:
        require(self.beta_1 > 0, "beta_1", "be greater than 0, since it divides", self.beta_1)


Optimizer = Sgd | Adam | AdamW | RMSprop | Adagrad | Adadelta | Lion | Muon | ScheduleFreeAdamW


@record
class NoClipping:
    """Gradients as they are."""

    kind: Literal["none"] = "none"


@record
class Clipping:
    """Gradients are scaled down where they exceed the limit, by Keras's names: `clipnorm` each variable's to this norm,
    `global_clipnorm` all of them to this common norm, `clipvalue` each number to this size."""

    kind: Literal["clipnorm", "global_clipnorm", "clipvalue"] = "global_clipnorm"
    limit: Positive = 1.0


def state_arrays(optimizer: Optimizer) -> int:
    """How many arrays of the weights' size an optimizer keeps, at most."""
    return 1 if isinstance(optimizer, Sgd | Adagrad | Lion) else 2
