"""The winner: what it is, how it does over seeds and class by class, what it confuses, and how sure it may be."""

from collections.abc import Iterator, Sequence
from typing import assert_never

from tuner.base.formatting import metric_label
from tuner.base.metric_functions import bootstrap_interval, compute_metrics
from tuner.charts import Axis, Chart
from tuner.charts.content import Block, Paragraph, Section, Table, missing
from tuner.charts.lines import Curve, learning_lines
from tuner.networks import layer_table, network_summary
from tuner.recipe import Data, Recipe, described
from tuner.recipe import Table as OwnTable
from tuner.report.evidence import Evidence
from tuner.report.predictions import Predictions
from tuner.report.sections.classes import told_of_classes
from tuner.report.sections.labels import told_of_labels
from tuner.report.sections.targets import told_of_targets
from tuner.report.words import capital, figure_axis, number, with_article
from tuner.storage.confirmed import Confirmed

RESAMPLED_NUMBERS = 30_000
"""So many outputs at most are drawn again a thousand times: ten times as many take a minute."""


def winner_section(evidence: Evidence) -> Section:
    """Everything about the confirmed winner."""
    confirmed = evidence.confirmed
    if confirmed is None:
        why = "No winner is confirmed yet: `optimize` does that when it ends with at least one finished trial."
        return Section("winner", "The winner", (missing(why),))
    blocks: list[Block] = [Paragraph(_recipe_text(confirmed.recipe)), _seeds(confirmed), layers(confirmed.recipe)]
    if confirmed.test is not None:
        blocks.insert(2, _figures(confirmed, evidence.winner))
    blocks += list(_curves(confirmed))
    if confirmed.test is None:
        blocks.append(missing("What it gets wrong is shown of a test part, and nothing was held out."))
    elif evidence.winner is None:
        blocks.append(missing("What it gets wrong is shown where its predictions lie: in the folder of the runs."))
    else:
        blocks += list(_predicted(evidence.winner))
    return Section("winner", "The winner", tuple(blocks))


def _recipe_text(recipe: Recipe) -> str:
    """The recipe as a sentence or three."""
    network, training = recipe.network, recipe.training
    hidden = network.hidden
    parts = [f"{capital(with_article(network_summary(network)))} network"]
    if hidden.batch_normalization != "none":
        parts.append(f"batch normalization {hidden.batch_normalization} the activations")
    parts += network.dropout_texts
    penalties = (("L1", hidden.kernel_l1), ("L2", hidden.kernel_l2), ("L1 on activations", hidden.activity_l1))
    parts += [f"{name} {value:.2g}" for name, value in penalties if value]
    parts.append(f"{hidden.initializer.kind.replace('_', ' ')} weights")
    optimizer = training.optimizer
    smoothing = getattr(training.loss, "label_smoothing", 0.0)
    smoothed = f" with labels smoothed by {smoothing:g}" if smoothing else ""
    how = (
        f"{training.epochs} epochs of {optimizer.kind} at a learning rate of {optimizer.learning_rate:.3g} "
        f"({training.schedule.kind.replace('_', ' ')}), batches of {training.batch_size}, "
        f"{training.loss.kind.replace('_', ' ')}{smoothed}, in {hidden.precision}"
    )
    data = recipe.data
    scaled = (
        f"numbers encoded: {data.encoding.numbers}" if isinstance(data, OwnTable) else f"inputs scaled: {data.scaling}"
    )
    return f"{', '.join(parts)}. Trained for {how}; {scaled}."


def layers(recipe: Recipe) -> Table:
    """The network layer by layer, with how its parameters are counted."""
    data = described(recipe.data)
    found = layer_table(recipe.network, data.inputs, data.outputs)
    rows = tuple(
        (
            each.kind.replace("_", " "),
            "×".join(map(str, each.output)),
            each.parameters,
            each.calculation or None,
            each.multiply_adds,
        )
        for each in found
    )
    total = f"{sum(each.parameters for each in found):,} parameters, {sum(each.multiply_adds for each in found):,} multiply-adds for one example"
    return Table(
        "winner-layers",
        "Layer by layer",
        ("layer", "output", "parameters", "calculation", "multiply-adds"),
        rows,
        total,
    )


def _seeds(confirmed: Confirmed) -> Table:
    tested = confirmed.tests or (None,) * len(confirmed.seeds)
    recipes = confirmed.recipes or (confirmed.recipe,) * len(confirmed.seeds)
    networks = tuple(network_summary(each.network) for each in recipes)
    epochs = tuple(each.training.epochs for each in recipes)
    seeds = map(str, confirmed.seeds)
    trials = confirmed.trials or (confirmed.trial,) * len(confirmed.seeds)
    rows = tuple(zip(seeds, trials, networks, epochs, confirmed.validation, tested, strict=True))
    figure = metric_label(confirmed.measure)
    columns = ("seed", "trial", "network", "epochs", f"validation {figure}", f"test {figure}")
    return Table("winner-seeds", "Trained again on fresh seeds", columns, rows, _kept(confirmed))


def _kept(confirmed: Confirmed) -> str:
    """What of the networks became the model."""
    if not confirmed.is_ensemble or confirmed.model_validation is None:
        return f"The kept model is that of seed {confirmed.recipe.seed}, the best by validation."
    mirrored = ", each for an image and its mirror image" if confirmed.is_mirrored else ""
    figure, task = metric_label(confirmed.measure), confirmed.recipe.data.task
    what, chosen_by = ("numbers", "squared error") if task == "regression" else ("probabilities", "log loss")
    tested = "" if confirmed.test is None else f"test {figure} {number(confirmed.test)}, "
    return (
        f"The model averages the {what} of {len(confirmed.members)} of them{mirrored}, chosen by the {chosen_by} on the validation "
        f"part (Caruana et al. 2004): validation {figure} {number(confirmed.model_validation)}, "
        f"{tested}{confirmed.parameters:,} parameters. The layers below are those of the best of them alone."
    )


def _curves(confirmed: Confirmed) -> Iterator[Chart]:
    if not confirmed.curves:
        return
    for figure in (_figure_of_curves(confirmed), "loss"):
        training, validation = (
            [_numbered(curve[name]) for curve in confirmed.curves if (name := f"{part}_{figure}") in curve]
            for part in ("training", "validation")
        )
        yield Chart(
            f"winner-{figure}",
            f"{capital(metric_label(figure))} by epoch, a line for each seed",
            Axis("epoch", whole=True),
            figure_axis(figure),
            tuple(learning_lines(training, validation)),
        )


def _figure_of_curves(confirmed: Confirmed) -> str:
    """The measure, where each epoch has it; else the first figure that epochs have."""
    known = [name.partition("_")[2] for curve in confirmed.curves for name in curve if name.startswith("validation_")]
    return next((name for name in (confirmed.measure, *known) if name in known and name != "loss"), confirmed.measure)


def _numbered(values: Sequence[float | str]) -> Curve:
    return tuple((float(number), float(value)) for number, value in enumerate(values, start=1))


def _predicted(winner: Predictions) -> Iterator[Block]:
    match winner.task:
        case "classification":
            yield from told_of_classes(winner)
        case "multi_label":
            yield from told_of_labels(winner)
        case "regression":
            yield from told_of_targets(winner)
        case _:
            assert_never(winner.task)


def _figures(confirmed: Confirmed, winner: Predictions | None) -> Table:
    """Every figure of the task on the test part, with its interval."""
    known = confirmed.figures
    if winner is not None:
        computed = compute_metrics(winner.task, winner.said, winner.true, winner.examples.weights)
        known = {name: known.get(name, figure) for name, figure in computed.items()}
    rows = tuple((metric_label(name), figure, *_around(confirmed, winner, name)) for name, figure in known.items())
    wilson = " (of the accuracy by Wilson's formula)" if isinstance(confirmed.recipe.data, Data) else ""
    large = winner is not None and winner.said.size > RESAMPLED_NUMBERS
    how = "" if large else f"; intervals by 1,000 bootstrap samples of them{wilson}"
    note = f"Of {confirmed.test_examples:,} test examples, measured once{how}."
    return Table("winner-figures", "On the test part", ("figure", "value", "95 % interval"), rows, note)


def _around(confirmed: Confirmed, winner: Predictions | None, name: str) -> tuple[str | None]:
    if name == confirmed.measure and confirmed.test_interval is not None:
        low, high = confirmed.test_interval
    elif winner is None or winner.said.size > RESAMPLED_NUMBERS:
        return (None,)
    else:
        among = winner.examples.weights, winner.examples.groups
        low, high = bootstrap_interval(name, winner.said, winner.true, *among)
    return (f"{number(low)} to {number(high)}",)
