"""How a network is trained: loss, optimizer, schedule, batch, epochs, early stopping."""

from typing import Literal

from tuner.base.errors import Invalid, require
from tuner.base.metrics import Monitor
from tuner.base.ranges import Count, CountOrZero, InnerShare, NotNegative, PositiveShare, Rate, Share, record
from tuner.recipe.augmentation import Augmentation
from tuner.recipe.losses import Loss, PlainLoss
from tuner.recipe.optimizers import Adam, Clipping, NoClipping, Optimizer
from tuner.recipe.phases import Phase, require_whole


@record
class ConstantRate:
    """The optimizer's learning rate in all steps."""

    kind: Literal["constant"] = "constant"


@record
class FallingRate:
    """From the optimizer's learning rate down to `final` times it at the last step, along the named curve.

    `warmup` is the share of all steps in which the rate first rises linearly from zero. Cosine: Loshchilov & Hutter
    2016, https://arxiv.org/abs/1608.03983, without restarts.
    """

    kind: Literal["cosine", "linear", "exponential"]
    final: Share = 0.01
    warmup: Rate = 0.0

    def __post_init__(self) -> None:
        if self.kind == "exponential":
            require(self.final > 0, "final", "be greater than 0 for an exponential curve", self.final)


@record
class LogCosine:
    """`cycles` waves from 0 to the learning rate and back to 0, each twice as long as the one before (`coslog` in Holzmüller
    et al. 2024, https://arxiv.org/abs/2407.04491)."""

    kind: Literal["log_cosine"] = "log_cosine"
    cycles: Count = 4


@record
class SteppedRate:
    """The learning rate multiplied by `factor` after every `every` epochs."""

    kind: Literal["steps"] = "steps"
    every: Count = 10
    factor: PositiveShare = 0.1


@record
class OneCycle:
    """From `start` times the learning rate up to it in the first `rise` of all steps, then down to `final` times it, both
    along a cosine (Smith & Topin 2017, https://arxiv.org/abs/1708.07120; the momentum stays)."""

    kind: Literal["one_cycle"] = "one_cycle"
    rise: Rate = 0.3
    start: Share = 0.04
    final: Share = 0.0


@record
class Plateau:
    """The learning rate multiplied by `factor` each time that the monitored metric has not improved by more than
    `min_delta` for `epochs` epochs."""

    kind: Literal["plateau"] = "plateau"
    factor: InnerShare = 0.3
    epochs: Count = 3
    min_delta: NotNegative = 0.0
    monitor: Monitor = "validation_loss"


Schedule = ConstantRate | FallingRate | SteppedRate | OneCycle | LogCosine | Plateau


@record
class NoEarlyStopping:
    """All epochs are trained."""

    kind: Literal["never"] = "never"


@record
class Patience:
    """Training ends when the monitored metric has not improved by more than `min_delta` for `epochs` epochs."""

    kind: Literal["patience"] = "patience"
    epochs: Count = 5
    min_delta: NotNegative = 0.0
    monitor: Monitor = "validation_loss"


EarlyStopping = NoEarlyStopping | Patience


@record
class Training:
    """How a network is trained. `keep` says whose weights are returned: the last epoch's, or those of the best epoch by
    `keep_by`.

    With `averaging` the validated and kept weights are a moving average over the steps, which keeps that share of itself at
    each step (0.999: about the last thousand steps); so are the statistics of batch normalization.

    With `regularization` "flat_cosine" dropout and weight decay stay in the first half of all steps, then fall to 0 along half a
    cosine (Holzmüller et al. 2024, https://arxiv.org/abs/2407.04491).

    With `class_weights` "balanced" the weight of an example is inverse to the frequency of its class; weights of the data are
    multiplied by it.

    Numeric targets are standardized for the loss; with `target_scale` "log" their logarithm is, counted from the smallest
    target, which suits targets over several powers of ten. The saved model undoes it, and predicts at most twice the largest
    training target.

    In the first `lean_epochs` epochs only `lean_share` of the batches are trained, drawn anew in each epoch: so a
    training can be shorter than an epoch.

    With `gradient_accumulation_steps` the weights change after so many batches, by the mean of their gradients; the gradients are
    clipped as `clipping` says before that.

    With `phases` the network of a function is trained in phases, each with its own trainable layers. Early stopping counts the epochs
    of the last phase only.

    `callbacks` is a function without parameters that returns a list of Keras's callbacks, such as `my_nets.py:callbacks`, relative to
    the study file. They get the events of the training and may stop it; one that gets batch events makes each batch a call of its
    own, which is slower. `callbacks_sha256` is the hash of the file.

    With `bootstrap` the training examples are drawn with replacement, as many as there are, by the recipe's seed (Breiman
    1996). With `adversarial` each batch is trained together with a copy whose inputs are moved by so much (in scaled units)
    along the sign of the loss's gradient (FGSM, Goodfellow et al. 2014, https://arxiv.org/abs/1412.6572).
    """

    loss: Loss = PlainLoss(kind="sparse_categorical_crossentropy")
    optimizer: Optimizer = Adam()
    schedule: Schedule = ConstantRate()
    batch_size: Count = 32
    epochs: Count = 10
    shuffle: bool = True
    early_stopping: EarlyStopping = NoEarlyStopping()
    keep: Literal["last", "best"] = "last"
    lean_epochs: CountOrZero = 0
    lean_share: PositiveShare = 0.25
    bootstrap: bool = False
    adversarial: NotNegative = 0.0
    augmentation: Augmentation = Augmentation()
    averaging: Rate = 0.0
    keep_by: Monitor = "validation_accuracy"
    class_weights: Literal["none", "balanced"] = "none"
    target_scale: Literal["standard", "log"] = "standard"
    regularization: Literal["constant", "flat_cosine"] = "constant"
    clipping: NoClipping | Clipping = NoClipping()
    gradient_accumulation_steps: Count = 1
    phases: tuple[Phase, ...] = ()
    callbacks: str = ""
    callbacks_sha256: str = ""

    def __post_init__(self) -> None:
        if self.augmentation.mixup and self.loss.kind in ("sparse_categorical_crossentropy", "categorical_hinge"):
            problem = "needs a loss with one-hot targets, such as categorical_crossentropy"
            raise Invalid("augmentation.mixup", f"{problem}, got {self.loss.kind!r}")
        require(self.epochs <= 100_000, "epochs", "be at most 100000", self.epochs)
        if self.phases:
            require_whole(self.phases)

    def share(self, epoch: int) -> float:
        """The share of the batches that an epoch (from 1) trains."""
        return self.lean_share if epoch <= self.lean_epochs else 1.0

    def length(self, epochs: int) -> float:
        """The first `epochs` epochs together, in whole epochs: a lean one counts by its share."""
        lean = min(epochs, self.lean_epochs)
        return epochs - lean + lean * self.lean_share
