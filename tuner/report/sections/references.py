"""Reference models on the same folds and the same test part as the networks."""

from collections.abc import Iterator, Sequence

from tuner.base.formatting import duration_text, figure_text, metric_label
from tuner.charts import BLUE, GREY, VERMILION, Axis, Chart, Dots, Rule
from tuner.charts.content import Block, Cell, Paragraph, Table, missing
from tuner.outcome.words import better_sentences
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
    yield from (Paragraph(each, "lead") for each in better_sentences(outcome))
    ranked = outcome.ranked_references
    yield _table(outcome.confirmed, (*ranked, *(each for each in outcome.reference_models if each not in ranked)))
    if ranked:
        yield _chart(outcome.confirmed, ranked)


def _table(confirmed: Confirmed, references: Sequence[ReferenceModel]) -> Table:
    metric, label = confirmed.measure, metric_label(confirmed.measure)
    rows: list[tuple[Cell, ...]] = [("the model", confirmed.best_validation, None, confirmed.test, "", "")]
    for each in references:
        value, test = each.figures.get(metric), each.test_figures.get(metric)
        error = None if value is None else each.error
        rows.append((each.name, value, error, test, duration_text(each.seconds), each.note))
    columns = ("model", f"validation {label}", "standard error", f"test {label}", "time", "note")
    return Table("anchors-table", "Reference models", columns, tuple(rows), NOTE)


def _chart(confirmed: Confirmed, ranked: Sequence[ReferenceModel]) -> Chart:
    metric = confirmed.measure
    known = [(each.name, each.figures[metric], each.error) for each in ranked]
    points = tuple((value, float(place)) for place, (_, value, _) in enumerate(known))
    errors = tuple((value - error, value + error) for _, value, error in known)
    tips = tuple(f"{name}: {figure_text(value)} ± {figure_text(error)}" for name, value, error in known)
    tests = (each.test_figures.get(metric) for each in ranked)
    tested = tuple((value, float(place)) for place, value in enumerate(tests) if value is not None)
    marks = (
        Dots("validation, one standard error", BLUE, points, tips, errors=errors, sideways=True),
        Dots("test" if tested else "", GREY, tested, shape="diamond"),
        Rule("the model, validation", VERMILION, confirmed.best_validation, upright=True),
    )
    axes = Axis(metric_label(metric)), Axis("", names=tuple(name for name, *_ in known))
    return Chart("anchors-chart", "Reference models and the model", *axes, marks, height=110 + 26 * len(ranked))
