"""The learning rate of each step, computed before an epoch and passed to the graph as one vector."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuner.base.metrics import METRICS, Monitor
from tuner.recipe import ConstantRate, FallingRate, LogCosine, OneCycle, Plateau, SteppedRate, Training
from tuner.recipe.phases import starts
from tuner.result import Epoch


def rates(training: Training, epoch: int, steps: int, before: Sequence[Epoch]) -> NDArray[np.float32]:
    """The learning rate of each of the `steps` steps of an epoch (from 1), given the epochs `before`. A schedule ends with the
    training: of lean epochs only the steps that are taken count."""
    done, total = _progress(training, epoch, steps)
    match training.schedule:
        case ConstantRate():
            factors = np.ones(steps)
        case SteppedRate(every=every, factor=factor):
            factors = np.full(steps, factor ** ((epoch - 1) // every))
        case FallingRate() as falling:
            factors = _falling(falling, done, total)
        case OneCycle() as cycle:
            factors = _one_cycle(cycle, done, total)
        case LogCosine(cycles=cycles):
            waves = np.log2(1 + (2**cycles - 1) * np.clip((done + 0.5) / total, 0.0, 1.0))
            factors = _eased(0.0, 1.0, 2 * waves)
        case Plateau() as plateau:
            factors = np.full(steps, plateau.factor ** _plateaus(plateau, before))
    if training.phases:
        by_phase = np.array([each.learning_rate_factor for each in training.phases])
        factors = factors * by_phase[phase_numbers(training, epoch, steps)]
    return (training.optimizer.learning_rate * factors).astype(np.float32)


def phase_numbers(training: Training, epoch: int, steps: int) -> NDArray[np.int64]:
    """The number of the phase (from 0) of each of the `steps` steps of an epoch (from 1)."""
    done, total = _progress(training, epoch, steps)
    return np.searchsorted(np.round(np.multiply(starts(training.phases), total)), done, side="right") - 1


def strengths(training: Training, epoch: int, steps: int) -> NDArray[np.float32]:
    """The factor of dropout and weight decay at each of the `steps` steps of an epoch (from 1)."""
    done, total = _progress(training, epoch, steps)
    is_falling = training.regularization == "flat_cosine"
    return _eased(1.0, 0.0, np.clip(2 * done / total - 1, 0.0, float(is_falling))).astype(np.float32)


def monitored(monitor: Monitor, epochs: Sequence[Epoch]) -> list[float]:
    """The monitored score of each epoch, with a sign so that greater is better; NaN without a validation part."""
    name = monitor.removeprefix("validation_")
    sign = METRICS[name].direction.sign
    scores = [epoch.validation for epoch in epochs]
    return [math.nan if each is None else sign * each.value(name) for each in scores]


def _progress(training: Training, epoch: int, steps: int) -> tuple[NDArray[np.float64], float]:
    """The number of steps before each of an epoch's, and that of the training."""
    done = steps * training.length(epoch - 1) + np.arange(steps, dtype=np.float64)
    return done, steps * training.length(training.epochs)


def _falling(schedule: FallingRate, done: NDArray[np.float64], total: float) -> NDArray[np.float64]:
    warmup = math.floor(schedule.warmup * total)
    share = np.clip((done - warmup) / max(1, total - 1 - warmup), 0.0, 1.0)
    match schedule.kind:
        case "cosine":
            factors = _eased(1.0, schedule.final, share)
        case "linear":
            factors = 1 + (schedule.final - 1) * share
        case "exponential":
            factors = schedule.final**share
    return np.where(done < warmup, (done + 1) / max(1, warmup), factors)


def _one_cycle(schedule: OneCycle, done: NDArray[np.float64], total: float) -> NDArray[np.float64]:
    top = math.floor(schedule.rise * total)
    rising = _eased(schedule.start, 1.0, np.clip(done / max(1, top), 0.0, 1.0))
    falling = _eased(1.0, schedule.final, np.clip((done - top) / max(1, total - 1 - top), 0.0, 1.0))
    return np.where(done < top, rising, falling)


def _eased(first: float, last: float, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """From the first to the last value along half a cosine."""
    return last + (first - last) * 0.5 * (1 + np.cos(np.pi * share))


def _plateaus(schedule: Plateau, before: Sequence[Epoch]) -> int:
    """How often the rate was reduced; the patience restarts after each reduction."""
    falls = waited = 0
    best = -math.inf
    for value in monitored(schedule.monitor, before):
        if value > best + schedule.min_delta:
            best, waited = value, 0
        else:
            waited += 1
        if waited == schedule.epochs:
            falls, waited = falls + 1, 0
    return falls
