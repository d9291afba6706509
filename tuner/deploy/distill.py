"""One network that learns the predictions of an ensemble (Hinton et al. 2015, https://arxiv.org/abs/1503.02531)."""

from collections.abc import Callable
from dataclasses import replace

from tuner.base.errors import StudyError
from tuner.base.metric_functions import ONE_UNIT
from tuner.base.writing import write_json
from tuner.networks import Function
from tuner.recipe import CategoricalCrossentropy, Recipe, Table, describe
from tuner.result import Result
from tuner.storage.confirmed import Confirmed
from tuner.worker import require_answers
from tuner.worker.executor import Executor
from tuner.worker.folder import Folder
from tuner.worker.jobs import Combine, Measured, Test, Train

NAME = "distilled"
PROBLEM = "the model could not be distilled"


def distill(
    confirmed: Confirmed, executor: Executor, folder: Folder, count_look: Callable[[], int] = lambda: 0
) -> Confirmed:
    """Train the first refitted recipe on another seed and on the ensemble's predictions for the training examples, test it, and
    write `distilled.keras` with its metadata. Returns the network with its metrics. `count_look` is called for the test, and
    returns how often the test part was opened.

    Raises `StudyError` where the final model is a single network or no classifier, or where the training fails.
    """
    if not confirmed.is_ensemble:
        raise StudyError(f"the model {confirmed.model} is one network already: there is nothing to distill")
    if confirmed.recipe.data.task != "classification":
        raise StudyError(f"the model {confirmed.model} does not predict classes: only classifiers can be distilled")
    recipe, measure = _recipe(confirmed), confirmed.measure
    jobs = [Test(recipe, NAME, measure, is_final=True)] if describe(recipe.data).test_examples else []
    (result,) = require_answers(executor, [Train(recipe, save=NAME, teacher="best")], Result, PROBLEM)
    tests = require_answers(executor, jobs, Measured, PROBLEM)
    if isinstance(recipe.data, Table):
        require_answers(executor, [Combine((NAME,), NAME, table=recipe)], int, PROBLEM)
    folder.remove_outputs(NAME)
    interval = tests[0].intervals.get(measure) if tests else None
    assert result.validation is not None  # ensembles are selected on a validation part
    distilled = Confirmed(
        trial=confirmed.trial,
        recipe=recipe,
        seeds=(recipe.seed,),
        validation=(result.validation.figures[measure],),
        test=tests[0].scores.figures[measure] if tests else None,
        test_figures=tests[0].scores.figures if tests else {},
        test_loss=tests[0].scores.loss if tests else None,
        test_interval=(interval.low, interval.high) if interval else None,
        test_intervals=tests[0].intervals if tests else {},
        looks=count_look() if tests else 0,
        test_examples=confirmed.test_examples,
        model=folder.model(NAME),
        parameters=result.parameters,
        measure=measure,
    )
    write_json(folder.model(NAME).with_suffix(".json"), {**distilled.to_dict(), "study": folder.path.name})
    return distilled


def _recipe(confirmed: Confirmed) -> Recipe:
    """A single unit that tells two classes apart cannot learn probabilities: two units take its place."""
    recipe = confirmed.recipe
    if isinstance(recipe.network, Function):
        problem = "which decides itself what it learns from"
        raise StudyError(
            f"the network is made by {recipe.network.source}, {problem}: it cannot learn from another model"
        )
    output = "softmax" if recipe.network.output in ONE_UNIT else recipe.network.output
    training = replace(recipe.training, loss=CategoricalCrossentropy())
    seed = (max(confirmed.seeds) + 1) % 2**32
    return replace(recipe, seed=seed, training=training, network=replace(recipe.network, output=output))
