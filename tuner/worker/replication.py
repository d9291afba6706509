"""Only for replicating documents: the job that trains a document's recipe and measures it on the test part."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.load import held_out, training_set
from tuner.data.sources import Places
from tuner.recipe import Recipe, fold_count
from tuner.result import Result, Scores, Watch

_training_set = lru_cache(maxsize=4)(training_set)


@dataclass(frozen=True)
class Replicate:
    """Train a document's recipe by its protocol and measure it on the test part, as the document did. With several
    `members` as many are trained, each on a bootstrap sample and with a seed of its own, and averaged; with `attack` the
    test images are also attacked with that strength (FGSM, in scaled units)."""

    recipe: Recipe
    members: int = 1
    attack: float = 0.0

    def recipes(self) -> Iterator[Recipe]:
        """The recipe itself, or the recipes of the ensemble's members."""
        if self.members == 1:
            yield self.recipe
            return
        training = replace(self.recipe.training, bootstrap=True)
        for number in range(self.members):
            yield replace(self.recipe, training=training, seed=1000 * (self.recipe.seed + 1) + number)


@dataclass(frozen=True)
class Replicated:
    """A replicated run: the scores of each fold's (each member's) network on the test part, and the last one's confusion
    matrix (rows are true classes, columns predictions). `single`, `ensemble` and `left_out` are those of `Bagged`. For points
    in the plane there are `decision_regions`."""

    result: Result
    test: tuple[Scores, ...]
    confusion: tuple[tuple[int, ...], ...]
    attacked_accuracy: float | None = None
    single: tuple[float, ...] = ()
    ensemble: tuple[float, ...] = ()
    left_out: tuple[int, ...] = ()
    regions: tuple[str, ...] = ()


def replicate(job: Replicate, places: Places, watch: Watch) -> Replicated:
    """Train what the job asks for, and measure each network on the test part."""
    from sklearn.metrics import confusion_matrix  # takes a second, and only documents need it

    from tuner.run import run
    from tuner.training.evaluation import classes_of, evaluate, predict
    from tuner.training.fold_data import examples_for_test
    from tuner.training.parts import part
    from tuner.training.replication import accuracy, bagged, decision_regions, predict_attacked
    from tuner.training.targets import targets
    from tuner.training.train import Trained

    data, test_part = _training_set(job.recipe.data, places), held_out(job.recipe.data, places)
    scores: list[Scores] = []
    outputs: list[NDArray[np.float32]] = []
    labels = np.zeros(0, np.int64)
    last: dict[str, Any] = {}

    def measure_on_test(trained: Trained) -> None:
        nonlocal labels
        examples = examples_for_test(job.recipe, data, test_part, len(scores) % fold_count(job.recipe.protocol))
        inputs, wanted = examples.inputs, targets(job.recipe, examples.labels, len(data.classes))
        labels = examples.labels.astype(np.int64)
        scores.append(evaluate(trained.model, trained.scale, part(inputs, wanted)))
        outputs.append(predict(trained.model, trained.scale, inputs))
        if inputs.shape[1:] == (2,):
            last["regions"] = decision_regions(trained.model, trained.scale)
        if job.attack:
            attacked = predict_attacked(trained.model, trained.scale, inputs, wanted, job.attack)
            last["attacked_accuracy"] = accuracy(attacked, labels)

    for recipe in job.recipes():
        result = run(recipe, data, watch, held_out=test_part, visit=measure_on_test)
    matrix = confusion_matrix(labels, classes_of(outputs[-1]), labels=range(len(data.classes)))
    if job.members > 1:
        last |= vars(bagged(outputs, labels))
    counts = tuple(tuple(map(int, row)) for row in matrix)
    return Replicated(result, tuple(scores), counts, **last)
