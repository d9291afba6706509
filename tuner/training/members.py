"""Losses and accuracies of networks whose outputs have an axis of members in training: (batch, members, outputs)."""

from typing import Any

import keras
from keras import ops


class MembersLoss(keras.losses.Loss):  # type: ignore[misc]
    """A loss of each member's own: an example's is the mean over the members. Without an axis of members the loss itself."""

    def __init__(self, loss: keras.losses.Loss) -> None:
        super().__init__(name=loss.name, reduction=loss.reduction)
        self.loss = loss

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example."""
        if len(y_pred.shape) < 3:
            return self.loss.call(y_true, y_pred)
        wanted = ops.repeat(ops.expand_dims(y_true, 1), y_pred.shape[1], axis=1)
        by_member = self.loss.call(wanted, y_pred)
        return ops.mean(ops.reshape(by_member, (-1, y_pred.shape[1])), axis=1)


class MembersMetric(keras.metrics.Metric):  # type: ignore[misc]
    """A metric of the members' mean, which is what is used in the end."""

    def __init__(self, metric: keras.metrics.Metric) -> None:
        super().__init__(name=metric.name)
        self.metric = metric

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Count a batch."""
        mean = ops.mean(y_pred, axis=1) if len(y_pred.shape) == 3 else y_pred
        return self.metric.update_state(y_true, mean, sample_weight)

    def result(self) -> Any:
        """The metric over all batches since it was reset."""
        return self.metric.result()

    def reset_state(self) -> None:
        """Forget all batches."""
        self.metric.reset_state()
