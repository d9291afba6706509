"""The winner: what it is, how it does over seeds and class by class, what it confuses, and how sure it may be."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tuner.charts import BLUE, GREY, Axis, Bars, Chart, Dots, Line
from tuner.charts.learning import Curve, learning_lines
from tuner.data.catalogue import CATALOGUE
from tuner.measuring import wilson
from tuner.networks import layer_table, network_in_words
from tuner.recipe import Recipe, described
from tuner.recipe import Table as OwnTable
from tuner.report.confusion import class_figures
from tuner.report.content import Block, Paragraph, Picture, Section, Table, missing
from tuner.report.drawings import matrix_chart
from tuner.report.evidence import Evidence, Predictions, class_names
from tuner.report.images import grid
from tuner.storage.confirmed import Confirmed

BINS = 10
PAIRS = 3
EXAMPLES = 10
HARD = 40


def winner_section(evidence: Evidence) -> Section:
    """Everything about the confirmed winner."""
    confirmed = evidence.confirmed
    if confirmed is None:
        why = "No winner is confirmed yet: `optimize` does that when it ends with at least one finished trial."
        return Section("winner", "The winner", (missing(why),))
    blocks: list[Block] = [Paragraph(in_words(confirmed.recipe)), _seeds(confirmed), layers(confirmed.recipe)]
    blocks += list(_curves(confirmed))
    if evidence.winner is None:
        blocks.append(missing("What it confuses is shown where its predictions lie: in the folder of the runs."))
    else:
        blocks += list(_predicted(evidence.winner, confirmed.recipe.data.name))
    return Section("winner", "The winner", tuple(blocks))


def in_words(recipe: Recipe) -> str:
    """The recipe as a sentence or three."""
    network, training = recipe.network, recipe.training
    hidden = network.hidden
    parts = [f"A {network_in_words(network)} network"]
    if hidden.batch_normalization != "none":
        parts.append(f"batch normalization {hidden.batch_normalization} the activations")
    parts += network.dropout_in_words
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
    scaled = f"numbers encoded: {data.encoding.numbers}" if isinstance(data, OwnTable) else f"inputs scaled: {data.scaling}"
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
    networks = tuple(network_in_words(each.network) for each in recipes)
    epochs = tuple(each.training.epochs for each in recipes)
    seeds = map(str, confirmed.seeds)
    trials = confirmed.trials or (confirmed.trial,) * len(confirmed.seeds)
    rows = tuple(zip(seeds, trials, networks, epochs, confirmed.validation, tested, strict=True))
    columns = ("seed", "trial", "network", "epochs", "validation accuracy", "test accuracy")
    return Table("winner-seeds", "Trained again on fresh seeds", columns, rows, _kept(confirmed))


def _kept(confirmed: Confirmed) -> str:
    """What of the networks became the model."""
    if not confirmed.is_ensemble or confirmed.model_validation is None:
        return f"The kept model is that of seed {confirmed.recipe.seed}, the best by validation."
    mirrored = ", each for an image and its mirror image" if confirmed.is_mirrored else ""
    tested = "" if confirmed.test is None else f"test accuracy {confirmed.test:.4f}, "
    return (
        f"The model averages the probabilities of {len(confirmed.members)} of them{mirrored}, chosen by the log loss on the validation "
        f"part (Caruana et al. 2004): validation accuracy {confirmed.model_validation:.4f}, "
        f"{tested}{confirmed.parameters:,} parameters. What follows describes the best of them alone."
    )


def _curves(confirmed: Confirmed) -> Iterator[Chart]:
    if not confirmed.curves:
        return
    for figure in ("accuracy", "loss"):
        training, validation = (
            [_numbered(curve.get(f"{part}_{figure}", ())) for curve in confirmed.curves]
            for part in ("training", "validation")
        )
        axis = Axis(figure, percent=figure == "accuracy")
        yield Chart(
            f"winner-{figure}",
            f"{figure.capitalize()} by epoch, a line for each seed",
            Axis("epoch", whole=True),
            axis,
            tuple(learning_lines(training, validation)),
        )


def _numbered(values: Sequence[float | str]) -> Curve:
    return tuple((float(number), float(value)) for number, value in enumerate(values, start=1))


def _predicted(winner: Predictions, dataset: str) -> Iterator[Block]:
    from sklearn.metrics import confusion_matrix

    classes = class_names(dataset)
    predicted = winner.classes[winner.best]
    matrix = confusion_matrix(winner.labels, predicted, labels=range(len(classes)))
    yield matrix_chart("winner-confusion", "Confusion on the test set", matrix, classes)
    yield _calibration(winner)
    examples = matrix.sum(axis=1).tolist()
    rows = tuple((name, *each, many) for name, each, many in zip(classes, class_figures(matrix), examples, strict=True))
    columns = ("class", "precision", "recall", "F1", "test examples")
    yield Table("winner-classes", "Class by class", columns, rows)
    if winner.images.ndim >= 3:
        yield from _pairs(winner, predicted, matrix, dataset)
        yield _hard(winner, dataset)


def _calibration(winner: Predictions) -> Chart:
    """How often the network is right when it is so sure (Guo et al. 2017, https://arxiv.org/abs/1706.04599)."""
    probabilities = winner.probabilities[winner.best]
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == winner.labels
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    filled = [index for index in range(BINS) if (bins == index).any()]
    points = tuple((float(sure[bins == index].mean()), float(right[bins == index].mean())) for index in filled)
    counts = [int((bins == index).sum()) for index in filled]
    error = sum(count * abs(x - y) for count, (x, y) in zip(counts, points, strict=True)) / len(sure)
    errors = tuple(wilson(y, count) for count, (_, y) in zip(counts, points, strict=True))
    tips = tuple(
        f"{count} examples: {100 * x:.1f} % sure, {100 * y:.1f} % right"
        for count, (x, y) in zip(counts, points, strict=True)
    )
    shares = tuple((x, count / len(sure)) for count, (x, _) in zip(counts, points, strict=True))
    return Chart(
        "winner-calibration",
        "How sure it is, and how often right",
        Axis("mean probability of the predicted class", percent=True, low=0.0, high=1.0),
        Axis("share", percent=True, low=0.0, high=1.0),
        (
            Bars("share of the examples", GREY, shares, width=0.05),
            Line("as sure as right", GREY, ((0.0, 0.0), (1.0, 1.0)), dashed=True),
            Dots("right, with 95 % interval", BLUE, points, tips, errors=errors),
        ),
        note=f"Expected calibration error {100 * error:.2f} %.",
    )


def _pairs(
    winner: Predictions, predicted: NDArray[np.int64], matrix: NDArray[np.int64], dataset: str
) -> Iterator[Picture]:
    """Examples of the pairs that are confused most."""
    classes, wrong = class_names(dataset), matrix.copy()
    np.fill_diagonal(wrong, 0)
    for rank, flat in enumerate(np.argsort(-wrong, axis=None, kind="stable")[:PAIRS], start=1):
        true, taken = (int(index) for index in np.unravel_index(int(flat), wrong.shape))
        count = int(wrong[true, taken])
        if not count:
            return
        chosen = np.flatnonzero((winner.labels == true) & (predicted == taken))[:EXAMPLES]
        title = f"{classes[true]}, taken for {classes[taken]}: {count} of {int(matrix[true].sum())}"
        sheet = _sheet(winner, chosen, dataset)
        yield Picture(f"winner-pair-{rank}", title, sheet, f"Test images: {title}", enlarged=_enlarged(winner))


def _hard(winner: Predictions, dataset: str) -> Block:
    """Images to which at least nine in ten of the confirmed networks give the same wrong class."""
    classes = winner.classes
    if len(classes) < 2:
        return missing("Images that all networks class wrong need several confirmed seeds.")
    votes = np.stack([(classes == each).sum(axis=0) for each in range(winner.probabilities.shape[2])], axis=1)
    common, agreed = votes.argmax(axis=1), votes.max(axis=1) >= 0.9 * len(classes)
    hard = np.flatnonzero(agreed & (common != winner.labels))
    if not len(hard):
        return missing("There is no image that all confirmed networks class the same wrong.")
    sure = winner.probabilities.mean(axis=0)[hard, common[hard]]
    chosen = hard[np.argsort(-sure, kind="stable")[:HARD]]
    names = class_names(dataset)
    words = ", ".join(f"{names[winner.labels[each]]} as {names[common[each]]}" for each in chosen[:EXAMPLES])
    note = f"{len(hard)} of {len(winner.labels)} test images; the surest first: {words}. Some of their labels may be wrong."
    most = "nearly all" if len(classes) >= 10 else "all"
    title = f"Images that {most} {len(classes)} confirmed networks class the same wrong"
    sheet = _sheet(winner, chosen, dataset)
    return Picture("winner-hard", title, sheet, title, note, _enlarged(winner))


def _enlarged(winner: Predictions) -> float:
    return 50 / int(winner.images.shape[1])


def _sheet(winner: Predictions, chosen: NDArray[np.int64], dataset: str) -> bytes:
    low, high = CATALOGUE[dataset].value_range
    return grid([winner.images[index] for index in chosen], EXAMPLES, low, high)
