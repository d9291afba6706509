"""Faster versions of Keras layers with the same results, and a penalty in their number format."""

from typing import Any

import keras
import tensorflow as tf

LEVELS = 2**16


def move_toward(average: tf.Variable, value: Any, share: Any) -> None:
    """Move a moving average by a share of its distance from a value of its type: one operation, which is cheap to trace."""
    ahead = average - value
    tf.raw_ops.ResourceApplyGradientDescent(var=average.handle, alpha=tf.cast(share, ahead.dtype), delta=ahead)


@keras.saving.register_keras_serializable("tuner")
class FastDropout(keras.layers.Dropout):  # type: ignore[misc]
    """Keras's dropout, its rate rounded to 1/65536.

    Measured on one thread, forward and backward on (128, 14, 14, 32): 3.4 ms with Keras's layer, 1.7 ms with this one.
    """

    def __init__(self, rate: float, **settings: Any) -> None:
        super().__init__(rate, **settings)
        self.share: Any = round(rate * LEVELS) / LEVELS

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Zero a random share of the inputs and scale up the others, in training. `share` may be a variable."""
        if not training:
            return inputs
        zeroed, count = tf.round(tf.cast(self.share, tf.float32) * LEVELS), tf.size(inputs)
        words = tf.random.stateless_uniform([(count + 1) // 2], self.seed_generator.next(), None, None, tf.uint32)
        bits = tf.reshape(tf.bitcast(words, tf.uint16), [-1])[:count]
        factor = tf.cast(LEVELS / (LEVELS - zeroed), inputs.dtype)
        factors = tf.cast(bits >= tf.cast(zeroed, tf.uint16), inputs.dtype) * factor
        return inputs * tf.reshape(factors, tf.shape(inputs))


@keras.saving.register_keras_serializable("tuner")
class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Keras's batch normalization over the last axis, in training computed by one fused operation.

    Measured on one thread, two convolutions of 16 and 32 filters on 50,000 images of 28×28: 12.0 s an epoch with
    Keras's layer, 3.7 s with this one in bfloat16; 9.7 s against 6.0 s in float32. The moving variance is Keras 3's,
    without the correction for the sample size that the operation makes.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalize by the batch in training, by the moving statistics otherwise."""
        if not training:
            return super().call(inputs, training=training, mask=mask)
        images = inputs if len(inputs.shape) == 4 else tf.reshape(inputs, (-1, 1, 1, inputs.shape[-1]))
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=images,
            scale=tf.convert_to_tensor(self.gamma.value),
            offset=tf.convert_to_tensor(self.beta.value),
            mean=tf.constant([], tf.float32),
            variance=tf.constant([], tf.float32),
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.size(images) // images.shape[-1], tf.float32)
        move_toward(self.moving_mean.value, mean, 1 - self.momentum)
        move_toward(self.moving_variance.value, variance * ((count - 1) / count), 1 - self.momentum)
        return outputs if len(inputs.shape) == 4 else tf.reshape(outputs, tf.shape(inputs))


@keras.saving.register_keras_serializable("tuner")
class ActivityL1(keras.regularizers.L1):  # type: ignore[misc]
    """Keras's L1, summed in float32, since Keras cannot add a bfloat16 penalty to the loss."""

    def __call__(self, x: Any) -> Any:
        """The penalty of these outputs."""
        return super().__call__(keras.ops.cast(x, "float32"))


@keras.saving.register_keras_serializable("tuner")
class ElasticNet(keras.regularizers.L1L2):  # type: ignore[misc]
    """Keras's L1L2 for two factors above 0, which may be variables."""

    def __call__(self, x: Any) -> Any:
        """The penalty of a kernel."""
        l1, l2 = tf.cast(self.l1, x.dtype), tf.cast(self.l2, x.dtype)
        return l1 * keras.ops.sum(keras.ops.absolute(x)) + l2 * keras.ops.sum(keras.ops.square(x))
