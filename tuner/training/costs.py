"""Estimates of a training before the network is built: parameters, operations, memory and seconds, and whether it fits here."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import Invalid
from tuner.data.examples import TrainingSet
from tuner.data.splits import sizes
from tuner.networks import Layer, layer_table
from tuner.recipe import Muon, Recipe
from tuner.recipe.optimizers import state_arrays
from tuner.space import Assignment
from tuner.training.phases import phase_cost

GIB = 2**30
RUNTIME_BYTES = int(0.75 * GIB)
"""The memory of a training process before it trains: TensorFlow itself."""

EVALUATION_BATCH = 1024

SECONDS_AT_FIRST = np.array([0.02, 4e-4, 1.5e-9, 2e-11])
"""Initial estimates, from one thread of a server: seconds per epoch, per step, per step and parameter, and per forward
multiply-add (with its gradients)."""

WEIGHT_AT_FIRST = 0.3
"""The weight of the initial estimates relative to one observed epoch."""

SETUP_SECONDS = 1.5

MUON_ROUNDS = 5
"""Newton-Schulz rounds of a step of Muon (Keras's `ns_steps`)."""

VALIDATED_PER_TRAINED = 3
"""Examples that are validated in the time in which one is trained on."""

REMEMBERED = 200
MOST_SORTED = 5000


@dataclass(frozen=True)
class Work:
    """The work of a training. Trainings of one `kind` share their time factors. `epochs` count all folds, `examples` and
    `steps` one epoch, `multiply_adds` one forward example; `memory` is in bytes of a training process."""

    kind: str
    parameters: int
    multiply_adds: int
    examples: int
    steps: int
    epochs: int
    memory: int

    @property
    def features(self) -> NDArray[np.float64]:
        """Counts; the seconds of an epoch are their sum, each times a factor."""
        return np.array([1.0, self.steps, self.steps * self.parameters, self.examples * self.multiply_adds])

    @property
    def seconds_at_first(self) -> float:
        """Seconds of the whole training by the initial estimates; only good for comparing two trainings."""
        return SETUP_SECONDS + self.epochs * self.epoch_seconds_at_first

    @property
    def epoch_seconds_at_first(self) -> float:
        """Seconds of an epoch in one fold by the same."""
        return float(self.features @ SECONDS_AT_FIRST)


def work(recipe: Recipe, data: TrainingSet) -> Work:
    """The work of training the recipe. Raises `Invalid` if the network does not fit the data."""
    shape, classes = data.examples.shape, len(data.classes)
    table = layer_table(recipe.network, shape, classes)
    folds, training, validation = sizes(recipe.protocol, len(data.examples))
    batch = min(recipe.training.batch_size, training)
    parameters = sum(layer.parameters for layer in table)
    multiply_adds = sum(layer.multiply_adds for layer in table) + _optimizer_multiply_adds(recipe, table) // batch
    return Work(
        kind=f"{recipe.network.kind} {recipe.network.hidden.precision}",
        parameters=parameters,
        multiply_adds=round(multiply_adds * phase_cost(recipe)),
        examples=training + validation // VALIDATED_PER_TRAINED,
        steps=math.ceil(training / batch),
        epochs=folds * recipe.training.epochs,
        memory=_memory(recipe, data, table, batch, training + validation),
    )


def _optimizer_multiply_adds(recipe: Recipe, table: tuple[Layer, ...]) -> int:
    """Those of a step of Muon, which orthogonalizes the step of each kernel in `MUON_ROUNDS` Newton-Schulz rounds, relative to the three
    passes (forward and twice back) of an example."""
    if not isinstance(recipe.training.optimizer, Muon):
        return 0
    kernels = [
        sorted((layer.output[-1], layer.parameters // layer.output[-1])) for layer in table if layer.multiply_adds
    ]
    return sum(MUON_ROUNDS * few * few * (2 * many + few) // 3 for few, many in kernels)


def _memory(recipe: Recipe, data: TrainingSet, table: tuple[Layer, ...], batch: int, examples: int) -> int:
    """Bytes of a training process; compared with measurements in tests/search/test_preflight.py."""
    weights = 4 * sum(layer.parameters for layer in table)
    training = recipe.training
    copies = 2 + state_arrays(training.optimizer) + (training.gradient_accumulation_steps > 1)
    copies += (training.keep == "best") + bool(training.averaging)
    inputs = data.examples.inputs
    stored = 2 * examples * (inputs.itemsize * math.prod(inputs.shape[1:]) + 4 * len(data.classes))
    numbers = [math.prod(layer.output) + layer.gathers for layer in table]
    forward_and_back = 4 * batch * (math.prod(inputs.shape[1:]) + 3 * sum(numbers))
    evaluation = 4 * min(EVALUATION_BATCH, examples) * 3 * max(numbers)
    return RUNTIME_BYTES + copies * weights + stored + max(forward_and_back, evaluation)


class Costs:
    """The seconds of trainings on this machine, learned from the study's epochs: a ridge regression on `Work.features` that
    minimizes the relative error, without negative factors, regularized towards the initial estimates."""

    def __init__(self) -> None:
        self.observed: dict[str, list[tuple[Work, float]]] = defaultdict(list)
        self.factors: dict[str, NDArray[np.float64]] = {}

    def learn(self, work: Work, seconds: float) -> None:
        """Add an observed epoch; the caller leaves out epochs that include tracing."""
        self.observed[work.kind] = [*self.observed[work.kind][1 - REMEMBERED :], (work, max(seconds, 1e-4))]
        self.factors.pop(work.kind, None)

    def seconds(self, work: Work) -> float | None:
        """Seconds of a training; None until three epochs of the kind were observed."""
        if len(self.observed[work.kind]) < 3:
            return None
        if work.kind not in self.factors:
            self.factors[work.kind] = self._fit(self.observed[work.kind])
        return SETUP_SECONDS + work.epochs * float(work.features @ self.factors[work.kind])

    def epoch_seconds(self, work: Work) -> float:
        """Seconds of an epoch in one fold: by the epochs of its kind, else by those of others, else by the initial estimates."""
        known = self.seconds(work)
        if known is not None:
            return (known - SETUP_SECONDS) / work.epochs
        ratios = [each / one.epoch_seconds_at_first for seen in self.observed.values() for one, each in seen]
        return work.epoch_seconds_at_first * (median(ratios) if ratios else 1.0)

    @staticmethod
    def _fit(observed: list[tuple[Work, float]]) -> NDArray[np.float64]:
        from scipy.optimize import nnls

        features = np.array([work.features for work, _ in observed])
        seconds = np.array([each for _, each in observed])
        machine = np.median(seconds / (features @ SECONDS_AT_FIRST))
        expected = SECONDS_AT_FIRST * machine
        pull = math.sqrt(WEIGHT_AT_FIRST)
        rows: Any = np.vstack([features / seconds[:, np.newaxis] * expected, pull * np.eye(len(expected))])
        wanted = np.concatenate([np.ones(len(seconds)), np.full(len(expected), pull)])
        factors, _ = nnls(rows, wanted)
        return np.asarray(factors * expected, dtype=np.float64)


@dataclass(frozen=True)
class Preflight:
    """Estimates of a recipe's training before it begins. `memory` is the limit of one training process, in bytes."""

    data: Mapping[str, TrainingSet]
    memory: int
    costs: Costs = field(default_factory=Costs)

    def work(self, recipe: Recipe) -> Work:
        """The work of its training."""
        return work(recipe, self.data[recipe.data.name])

    def fitting_work(self, recipe: Recipe) -> Work | None:
        """The same; None if the network does not fit the data."""
        try:
            return self.work(recipe)
        except Invalid:
            return None

    def refusal(self, recipe: Recipe) -> str | None:
        """Why the recipe cannot be trained here: its network does not fit the data, or its training the memory. None if it can."""
        try:
            needed = self.work(recipe)
        except Invalid as complaint:
            return str(complaint.inside("recipe"))
        if needed.memory <= self.memory:
            return None
        return (
            f"needs about {needed.memory / GIB:.1f} GiB of memory ({needed.parameters:,} parameters, batch "
            f"{recipe.training.batch_size}), and a training process may have {self.memory / GIB:.1f} GiB; narrow the "
            f"space, or give fewer processes more each with --workers"
        )

    def seconds(self, recipe: Recipe) -> float | None:
        """Seconds of its training; None if too little was observed."""
        return self.costs.seconds(self.work(recipe))

    def epoch_seconds(self, recipe: Recipe) -> float:
        """Seconds of one of its epochs in one fold, as far as is known."""
        return self.costs.epoch_seconds(self.work(recipe))

    def relative_seconds(self, recipe: Recipe, share: float) -> float:
        """The seconds of an epoch over a share of the examples, relative to a whole one: it validates as much."""
        _, training, validation = sizes(recipe.protocol, len(self.data[recipe.data.name].examples))
        validated = validation / VALIDATED_PER_TRAINED
        return (share * training + validated) / (training + validated)

    def full_epoch(self, recipe: Recipe, seconds: float, epoch: int) -> float:
        """Seconds of an epoch of full length with all phases in their shares, from those of the one with this number."""
        seconds /= self.relative_seconds(recipe, recipe.training.share(epoch))
        if not recipe.training.phases:
            return seconds
        whole = self.work(recipe)
        own = replace(whole, multiply_adds=round(whole.multiply_adds * phase_cost(recipe, epoch) / phase_cost(recipe)))
        return seconds * whole.epoch_seconds_at_first / own.epoch_seconds_at_first

    def learn(self, recipe: Recipe, seconds: float) -> None:
        """Add the observed seconds of one of its epochs."""
        self.costs.learn(self.work(recipe), seconds)

    def longest_first(
        self, assignments: Iterator[Assignment], recipe_at: Callable[[Assignment], Recipe]
    ) -> Iterator[Assignment]:
        """A walk in the order that keeps all workers busy to its end; more than `MOST_SORTED` points keep their order."""

        def brevity(assignment: Assignment) -> float:
            try:
                return -self.work(recipe_at(assignment)).seconds_at_first
            except Invalid:  # refused when its turn comes
                return 0.0

        first = list(islice(assignments, MOST_SORTED + 1))
        return chain(first if len(first) > MOST_SORTED else sorted(first, key=brevity), assignments)
