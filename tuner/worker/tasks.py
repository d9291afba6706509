"""Performs jobs in a training process. Only `test`, `fit_references` and `replicate` open the held-out part."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.metric_functions import ONE_UNIT, class_probabilities, compute_metrics, metric_interval
from tuner.base.writing import when_there_is_space
from tuner.data.examples import TrainingSet
from tuner.data.load import coding_of, held_out, training_set
from tuner.data.sources import Places
from tuner.data.splits import folds_of
from tuner.recipe import AnyData, KFold, NoEarlyStopping, NoValidation, Recipe, Table, fold_count
from tuner.references import ReferenceModel
from tuner.references.fit import fit_reference_models
from tuner.result import Result, Scores, Watch
from tuner.run import Teach, epoch_seconds, run, train_folds
from tuner.training.augmentation import views_of
from tuner.training.evaluation import column_importances, latency, predict, to_probabilities
from tuner.training.saving import UNSCALED, load_model, on_codes, save_average, save_models, scores_of, takes_raw_rows
from tuner.training.traced import own_scores
from tuner.training.train import Trained
from tuner.training.with_scaling import model_of
from tuner.worker.calls import Call, call
from tuner.worker.executor import Setup
from tuner.worker.jobs import (
    Answer,
    ColumnImportances,
    Combine,
    EpochTime,
    Job,
    Latency,
    Measured,
    ReferenceModels,
    Test,
    Train,
)
from tuner.worker.replication import Replicate, replicate

MOST_OUTPUTS = 2000
"""With at most this many outputs on the test part, all metrics of a final model get intervals: a second of computing. With more,
the study's metric and the accuracy do."""


MOST_ROWS = 2000
"""Columns are shuffled in at most this many validation rows."""


def train(job: Train, setup: Setup, watch: Watch) -> Result:
    """Train the job's recipe; with `save`, also write the model that its protocol leaves."""
    data = _training_set(job.recipe.data, setup.places)
    checkpoint = setup.folder.checkpoint(job.checkpoint) if setup.folder and job.checkpoint else None
    trained: list[Trained] = []
    teach = _teacher(setup.folder.model(job.teacher), job.recipe) if setup.folder and job.teacher else None
    outputs: dict[str, list[NDArray[np.float32]]] = {}
    models: list[Any] = []

    def visit(each: Trained) -> None:
        trained.append(each)
        if job.averages_folds and isinstance(job.recipe.protocol, KFold) and each.is_complete:
            models.append(model_of(job.recipe, each))
        if job.save and each.fold_data.validation is not None:
            for part in job.recipe.training.augmentation.views.parts:
                outputs.setdefault(part, []).append(_validation_outputs(job.recipe, each, part))

    result = run(job.recipe, data, watch, visit=visit, checkpoint=checkpoint, teach=teach)
    if job.save and setup.folder and (trained[-1].is_complete or job.save_stopped):
        if isinstance(job.recipe.protocol, KFold):
            trained[-1:] = train_folds(on_everything(job.recipe), data, teach=teach)
        models.append(model_of(job.recipe, trained[-1]))
        when_there_is_space(save_models, models, job.recipe, setup.folder.model(job.save))
        if len(trained) == fold_count(job.recipe.protocol):  # all of them in this process
            for part, by_fold in outputs.items():
                when_there_is_space(np.save, setup.folder.validated(job.save, part), np.concatenate(by_fold))
    return result


def _teacher(path: Path, recipe: Recipe) -> Teach:
    """The probabilities of a saved model, which has the recipe's outputs or a signed one."""
    model = load_model(path)
    network = on_codes(model)[1] if takes_raw_rows(model) else model
    output = recipe.network.output
    if network.output_shape[-1] == 1 and output not in ONE_UNIT:
        output = "signed"
    return lambda inputs: class_probabilities(predict(network, UNSCALED, inputs), output)


def combine(job: Combine, setup: Setup, _: Watch) -> int:
    """Save the average of saved models as one model; its number of parameters."""
    assert setup.folder is not None
    paths = [setup.folder.model(name) for name in job.names]
    coding = coding_of(job.table.data, setup.places) if job.table and isinstance(job.table.data, Table) else None
    path = setup.folder.model(job.save)
    return when_there_is_space(save_average, paths, path, job.views, job.temperature, coding, job.with_folds)


def test(job: Test, setup: Setup, _: Watch) -> Measured:
    """Loss and metrics of a saved model on the held-out part."""
    assert setup.folder is not None
    data = held_out(job.recipe.data, setup.places)
    model = load_model(setup.folder.model(job.saved))
    outputs = predict(model, UNSCALED, data.examples.inputs)
    examples, task = data.examples, job.recipe.data.task
    stored = outputs if task in ("regression", "custom") else outputs.astype(np.float16)
    when_there_is_space(np.save, setup.folder.outputs(job.saved), stored)
    predictions, true, weights = to_probabilities(outputs, job.recipe), examples.labels, examples.weights
    figures = compute_metrics(task, predictions, true, weights)
    if job.measure not in figures:  # the loss or a metric of a function's model
        recipe = on_everything(job.recipe) if isinstance(job.recipe.protocol, KFold) else job.recipe
        own, intervals = own_scores(recipe, _training_set(recipe.data, setup.places), model, examples)
        loss = {"loss": own.loss} if job.measure == "loss" else {}
        return Measured(replace(own, figures={**loss, **own.figures, **figures}), intervals if job.is_final else {})
    scores = scores_of(outputs, job.recipe, examples, len(data.classes))
    known = [name for name, value in figures.items() if job.is_final and not np.isnan(value)]
    names = [name for name in known if name in (job.measure, "accuracy") or predictions.size <= MOST_OUTPUTS]
    intervals = {name: metric_interval(name, predictions, true, weights, examples.groups) for name in names}
    return Measured(Scores(loss=scores.loss, figures=figures), intervals)


def fit_references(job: ReferenceModels, setup: Setup, _: Watch) -> tuple[ReferenceModel, ...]:
    """Reference models on a confirmed winner's splits, tested on the held-out part."""
    data, test = _training_set(job.recipe.data, setup.places), held_out(job.recipe.data, setup.places)
    return fit_reference_models(job.recipe, data, job.measure, job.seconds, test.examples, setup.threads, job.names)


def importances_of_columns(job: ColumnImportances, setup: Setup, _: Watch) -> dict[str, tuple[float, float]]:
    """How a metric of a table's final model changes where a column is shuffled: mean and standard deviation by column."""
    data = _training_set(job.recipe.data, setup.places)
    folds = folds_of(job.recipe.protocol, data)
    rows = np.concatenate([each.training if each.validation is None else each.validation for each in folds])
    examples = data.examples.take(np.random.default_rng(0).permutation(rows)[:MOST_ROWS])
    coding, model = on_codes(load_model(job.model))

    def metric(outputs: NDArray[Any]) -> float:
        predictions = to_probabilities(outputs, job.recipe)
        return compute_metrics(job.recipe.data.task, predictions, examples.labels, examples.weights)[job.measure]

    changes = column_importances(model, np.asarray(examples.inputs), coding.slices, metric)
    return {column.name: change for column, change in zip(coding.columns, changes, strict=True)}


def on_everything(recipe: Recipe) -> Recipe:
    """The same training on the whole training part, after cross-validation."""
    training = replace(recipe.training, keep="last", early_stopping=NoEarlyStopping())
    return replace(recipe, protocol=NoValidation(), training=training)


def _validation_outputs(recipe: Recipe, trained: Trained, part: str) -> NDArray[np.float32]:
    """A network's outputs (n, outputs) for these views of its validation part."""
    assert trained.fold_data.validation is not None
    seen = views_of(np.asarray(trained.fold_data.validation.inputs), part)
    return np.asarray(np.mean([trained.predict(recipe, each) for each in seen], axis=0))


@lru_cache(maxsize=4)
def _training_set(data: AnyData, places: Places) -> TrainingSet:
    return training_set(data, places)


TASKS: Mapping[type[Job], Callable[[Any, Setup, Watch], Answer]] = {
    Train: train,
    Combine: combine,
    Test: test,
    ReferenceModels: fit_references,
    Replicate: lambda job, setup, watch: replicate(job, setup.places, watch),
    ColumnImportances: importances_of_columns,
    Latency: lambda job, _, __: latency(job.recipe),
    Call: lambda job, _, watch: call(job, watch),  # type: ignore[arg-type]  # its events are requests
    EpochTime: lambda job, setup, _: epoch_seconds(job.recipe, _training_set(job.recipe.data, setup.places)),
}
"""What performs a job of each kind."""
