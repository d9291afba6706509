"""Reference models on the same folds and the same test part as the networks."""

from collections.abc import Iterator

from tuner.base.formatting import capitalized, duration_text, metric_label
from tuner.charts import BLUE, GREY, VERMILION, Axis, Chart, Dots, Rule
from tuner.charts.content import Block, Cell, Paragraph, Table, missing
from tuner.references import ReferenceModel
from tuner.report.evidence import Evidence
from tuner.storage.confirmed import Confirmed

NOTE = (
    "scikit-learn's models at their defaults, trained on the folds of the networks; metrics are means over the folds."
)


def reference_blocks(evidence: Evidence) -> Iterator[Block]:
    """The metrics of the reference models in a table and a chart."""
    outcome = evidence.outcome
    if outcome.confirmed is None or not outcome.reference_models:
        yield missing("No reference models have been trained.")
        return
    for each in outcome.better_references:
        yield Paragraph(f"{capitalized(each.sentence)} better than the model.", "lead")
    ranked = outcome.ranked_references
    yield _table(outcome.confirmed, (*ranked, *(each for each in outcome.reference_models if each not in ranked)))
    if ranked:
        yield _chart(outcome.confirmed, ranked)


def _table(confirmed: Confirmed, references: tuple[ReferenceModel, ...]) -> Table:
    metric, label = confirmed.measure, metric_label(confirmed.measure)
    own: tuple[Cell, ...] = ("the model", round(confirmed.best_validation, 4), None, _rounded(confirmed.test), "", "")
    rows = [
        (
            each.name,
            _rounded(each.figures.get(metric)),
            _rounded(each.error if metric in each.figures else None),
            _rounded(each.test_figures.get(metric)),
            duration_text(each.seconds),
            each.note,
        )
        for each in references
    ]
    columns = ("model", f"validation {label}", "standard error", f"test {label}", "time", "note")
    return Table("anchors-table", "Reference models", columns, (own, *rows), NOTE)


def _chart(confirmed: Confirmed, ranked: tuple[ReferenceModel, ...]) -> Chart:
    metric = confirmed.measure
    places = [(each, each.figures[metric], float(place)) for place, each in enumerate(ranked)]
    points = tuple((value, place) for _, value, place in places)
    errors = tuple((value - each.error, value + each.error) for each, value, _ in places)
    tips = tuple(f"{each.name}: {value:.4f} ± {each.error:.4f}" for each, value, _ in places)
    tested = tuple((each.test_figures[metric], place) for each, _, place in places if metric in each.test_figures)
    return Chart(
        "anchors-chart",
        "Reference models and the model",
        Axis(metric_label(metric)),
        Axis("", names=tuple(each.name for each in ranked)),
        (
            Dots("validation, one standard error", BLUE, points, tips, errors=errors, sideways=True),
            Dots("test" if tested else "", GREY, tested, shape="diamond"),
            Rule("the model, validation", VERMILION, confirmed.best_validation, upright=True),
        ),
        height=110 + 26 * len(ranked),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
