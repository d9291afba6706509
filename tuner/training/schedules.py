"""Learning rates step by step, computed before the epoch and handed to the graph as one vector."""

import math

import numpy as np
from numpy.typing import NDArray

from tuner.recipe import ConstantRate, FallingRate, Schedule, SteppedRate


def rates(schedule: Schedule, learning_rate: float, epoch: int, steps: int, epochs: int) -> NDArray[np.float32]:
    """The learning rate of each of the `steps` steps of an epoch (from 1) of a training of `epochs` epochs."""
    done = np.arange((epoch - 1) * steps, epoch * steps, dtype=np.float64)
    match schedule:
        case ConstantRate():
            factors = np.ones(steps)
        case SteppedRate(every=every, factor=factor):
            factors = np.full(steps, factor ** ((epoch - 1) // every))
        case FallingRate():
            factors = _falling(schedule, done, total=steps * epochs)
    return (learning_rate * factors).astype(np.float32)


def _falling(schedule: FallingRate, done: NDArray[np.float64], total: int) -> NDArray[np.float64]:
    warmup = math.floor(schedule.warmup * total)
    share = np.clip((done - warmup) / max(1, total - 1 - warmup), 0.0, 1.0)
    match schedule.kind:
        case "cosine":
            factors = schedule.final + (1 - schedule.final) * 0.5 * (1 + np.cos(np.pi * share))
        case "linear":
            factors = 1 + (schedule.final - 1) * share
        case "exponential":
            factors = schedule.final**share
    return np.where(done < warmup, (done + 1) / max(1, warmup), factors)
