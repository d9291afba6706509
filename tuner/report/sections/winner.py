"""The winner: its recipe, its refits on fresh seeds, its metrics on the test part, its errors."""

from collections.abc import Iterator

from tuner.base.formatting import capitalized, four_digits, metric_label
from tuner.base.metric_functions import Interval
from tuner.charts import Axis, Chart, metric_axis
from tuner.charts.content import Block, Paragraph, Table, missing
from tuner.charts.marks import learning_lines, numbered
from tuner.networks import layer_table, network_summary
from tuner.recipe import Recipe, describe, fold_count
from tuner.report.evidence import Evidence
from tuner.report.predictions import Predictions
from tuner.report.sections.classification import class_blocks, label_blocks
from tuner.report.sections.horizon import step_blocks
from tuner.report.sections.regression import regression_blocks
from tuner.report.sections.trials import recipe_table
from tuner.storage.confirmed import Confirmed, looks_text

PREDICTION_BLOCKS = {"classification": class_blocks, "multi_label": label_blocks, "regression": regression_blocks}


def winner_blocks(evidence: Evidence) -> Iterator[Block]:
    """All facts of the confirmed winner."""
    confirmed, predictions, start = evidence.confirmed, evidence.winner, evidence.outcome.start
    if confirmed is None:
        yield missing("No winner is confirmed yet: `optimize` does that when it ends with at least one finished trial.")
        return
    yield Paragraph(f"{capitalized(confirmed.recipe.summary)}.")
    yield from (recipe_table(confirmed.recipe, start.recipe if start else None), _refits(confirmed))
    if confirmed.test is not None:
        yield _test_metrics(confirmed, predictions)
    yield _layers(confirmed.recipe)
    yield from _curves(confirmed)
    if predictions:
        yield from step_blocks(confirmed.recipe, predictions)
        if predictions.task in PREDICTION_BLOCKS:
            yield from PREDICTION_BLOCKS[predictions.task](predictions)
    else:
        yield missing("There are no predictions of a test part, so no errors are shown; the answer has the reason.")


def _layers(recipe: Recipe) -> Table:
    """The layers of the network, with the calculation of their parameters."""
    data = describe(recipe.data)
    layers = layer_table(recipe.network, data.inputs, data.outputs)
    rows = tuple(
        (
            each.kind.replace("_", " "),
            "×".join(map(str, each.output)),
            each.parameters,
            each.calculation or None,
            each.multiply_adds,
        )
        for each in layers
    )
    parameters, work = (f"{sum(getattr(each, name) for each in layers):,}" for name in ("parameters", "multiply_adds"))
    columns = ("layer", "output", "parameters", "calculation", "multiply-adds")
    note = f"{parameters} parameters, {work} multiply-adds for one example"
    return Table("winner-layers", "Layer by layer", columns, rows, note)


def _refits(confirmed: Confirmed) -> Table:
    tested = confirmed.tests or (None,) * len(confirmed.seeds)
    recipes = confirmed.recipes or (confirmed.recipe,) * len(confirmed.seeds)
    networks = tuple(network_summary(each.network) for each in recipes)
    epochs = tuple(each.training.epochs for each in recipes)
    seeds = map(str, confirmed.seeds)
    trials = confirmed.trials or (confirmed.trial,) * len(confirmed.seeds)
    rows = tuple(zip(seeds, trials, networks, epochs, confirmed.validation, tested, strict=True))
    figure = metric_label(confirmed.measure)
    columns = ("seed", "trial", "network", "epochs", f"validation {figure}", f"test {figure}")
    note = f"{confirmed.refits_text}. {_final_model(confirmed)} {confirmed.calibration_text}".rstrip()
    return Table("winner-seeds", "Refits on fresh seeds", columns, rows, note)


def _final_model(confirmed: Confirmed) -> str:
    """Which of the refits are the final model."""
    if not confirmed.is_ensemble or confirmed.model_validation is None:
        return f"The final model is that of trial {confirmed.trial} on seed {confirmed.recipe.seed}, the best by validation."
    figure, task = metric_label(confirmed.measure), confirmed.recipe.data.task
    chosen_by = "squared error" if task == "regression" else "log loss"
    tested = "" if confirmed.test is None else f"test {figure} {four_digits(confirmed.test)}, "
    return (
        f"The model averages {confirmed.averaged}{confirmed.views.text}, chosen by the {chosen_by} on the validation "
        f"part (Caruana et al. 2004): validation {figure} {four_digits(confirmed.model_validation)}, "
        f"{tested}{confirmed.parameters:,} parameters.{_alone(confirmed)} The layers below are those of the best refit's network alone."
    )


def _alone(confirmed: Confirmed) -> str:
    """That the validation metric is that of fewer networks than the model has, as a sentence; empty where it is not."""
    if not confirmed.has_folds:
        return ""
    return " On validation each refit is only the network that was not trained on the example, so the model is mostly better."


def _curves(confirmed: Confirmed) -> Iterator[Chart]:
    """The learning curves of the refits: of the study's metric if epochs have it, else of their first one, and of the loss."""
    names = dict.fromkeys(name for curve in confirmed.curves for name in curve)
    known = [name.removeprefix("validation_") for name in names if name.startswith("validation_")]
    preferred = (confirmed.measure, *(name for name in known if name != "loss"))
    metric = next((name for name in preferred if name in known), confirmed.measure)
    for each in (metric, "loss") if confirmed.curves else ():
        training, validation = (
            [numbered(curve[name]) for curve in confirmed.curves if (name := f"{part}_{each}") in curve]
            for part in ("training", "validation")
        )
        if max(map(len, (*training, *validation)), default=0) < 2:
            continue
        title = f"{capitalized(metric_label(each))} by epoch, a line for each refit"
        axes = Axis("epoch", integers=True), metric_axis(each)
        folds = fold_count(confirmed.recipe.protocol)
        note = f"Of the first of {folds} folds; the figures in the table are over all of them." if folds > 1 else ""
        yield Chart(f"winner-{each}", title, *axes, tuple(learning_lines(training, validation)), note)


def _test_metrics(confirmed: Confirmed, winner: Predictions | None) -> Table:
    """All metrics of the task on the test part, with their intervals."""
    metrics, intervals = confirmed.figures, dict[str, Interval | None]()
    if winner:
        metrics = winner.metrics
        intervals = {name: winner.interval(name) for name in metrics if name not in confirmed.intervals}
    intervals |= confirmed.intervals
    known = ((name, value, intervals.get(name)) for name, value in metrics.items())
    rows = tuple(
        (metric_label(name), value, str(each) if each else None, each.method if each else None)
        for name, value, each in known
    )
    note = f"Of {confirmed.test_examples:,} test examples, {looks_text(confirmed.looks)}."
    return Table("winner-figures", "On the test part", ("metric", "value", "95 % interval", "method"), rows, note)
