"""The phases of a training, step by step: where each begins, and what its steps cost."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from tuner.networks import Function
from tuner.recipe import Recipe, Training
from tuner.recipe.phases import shares, step_cost
from tuner.training.schedules import phase_numbers

STEPS = 100
"""Into so many an epoch is divided that has more than one phase."""


def stretches(
    training: Training, epoch: int, steps: int, taken_before: int, first: int, last: int
) -> Iterator[tuple[int, int, int, bool]]:
    """The steps of an epoch (from 1) from `first` up to `last`, phase by phase: its number, its first step and the one after its last
    one, and whether the phase begins with them. A whole epoch has so many `steps`; the epoch before has taken so many of its own."""
    before = phase_numbers(training, epoch - 1, steps)[taken_before - 1] if epoch > 1 else 0
    numbers = phase_numbers(training, epoch, steps)[:last]
    begins = np.diff(numbers, prepend=before) != 0
    bounds = [first, *(each for each in np.flatnonzero(begins).tolist() if each > first), last]
    for start, end in pairwise(bounds):
        yield int(numbers[start]), start, end, bool(begins[start])


def phase_cost(recipe: Recipe, epoch: int = 0) -> float:
    """The multiply-adds of a step with those of its gradients in an epoch, relative to a step in which all layers learn; on average over
    the training without an epoch."""
    network, phases = recipe.network, recipe.training.phases
    if not phases or not isinstance(network, Function):
        return 1.0
    costs = [step_cost(each.trainable, network.info.layers) for each in phases]
    if not epoch:
        return float(np.dot(costs, shares(phases)))
    return float(np.mean(np.take(costs, phase_numbers(recipe.training, epoch, STEPS))))
