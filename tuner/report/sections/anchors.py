"""Plain models beside the search's: on the same folds, and on the same test part."""

from tuner.base.formatting import duration_text, metric_label
from tuner.charts import BLUE, GREY, VERMILION, Axis, Chart, Dots, Rule
from tuner.charts.content import Block, Cell, Paragraph, Section, Table, missing
from tuner.references import ReferenceModel, best_first, better_than
from tuner.report.evidence import Evidence
from tuner.storage.confirmed import Confirmed

NOTE = (
    "scikit-learn's models at their defaults, trained on the folds of the networks; figures are means over the folds."
)


def anchors_section(evidence: Evidence) -> Section:
    """What plain models reach, in a table and a chart."""
    confirmed = evidence.confirmed
    if confirmed is None or not evidence.anchors:
        return Section("anchors", "Plain models beside it", (missing("No plain models have been trained beside it."),))
    measure = confirmed.measure
    ranked = best_first(evidence.anchors, measure)
    ahead = better_than(evidence.anchors, measure, confirmed.best_validation)
    blocks: list[Block] = [Paragraph(f"{_capital(each.sentence)} better than the model.", "lead") for each in ahead]
    blocks.append(_table(confirmed, ranked, [each for each in evidence.anchors if each not in ranked]))
    blocks += [_chart(confirmed, ranked)] if ranked else []
    return Section("anchors", "Plain models beside it", tuple(blocks))


def _table(confirmed: Confirmed, ranked: tuple[ReferenceModel, ...], others: list[ReferenceModel]) -> Table:
    measure, figure = confirmed.measure, metric_label(confirmed.measure)
    own: tuple[Cell, ...] = ("the model", round(confirmed.best_validation, 4), None, _rounded(confirmed.test), "", "")
    rows = [
        (
            each.name,
            _rounded(each.figures.get(measure)),
            _rounded(each.error if measure in each.figures else None),
            _rounded(each.test_figures.get(measure)),
            duration_text(each.seconds),
            each.note,
        )
        for each in (*ranked, *others)
    ]
    columns = ("model", f"validation {figure}", "standard error", f"test {figure}", "time", "what is to be known")
    return Table("anchors-table", "Plain models", columns, (own, *rows), NOTE)


def _chart(confirmed: Confirmed, ranked: tuple[ReferenceModel, ...]) -> Chart:
    measure, figure = confirmed.measure, metric_label(confirmed.measure)
    places = [(each, each.figures[measure], float(place)) for place, each in enumerate(ranked)]
    errors = tuple((value - each.error, value + each.error) for each, value, _ in places)
    tips = tuple(f"{each.name}: {value:.4f} ± {each.error:.4f}" for each, value, _ in places)
    tested = tuple((each.test_figures[measure], place) for each, _, place in places if measure in each.test_figures)
    return Chart(
        "anchors-chart",
        "Plain models and the model",
        Axis(figure),
        Axis("", names=tuple(each.name for each in ranked)),
        (
            Dots(
                "validation, one standard error",
                BLUE,
                tuple((value, at) for _, value, at in places),
                tips,
                errors=errors,
                sideways=True,
            ),
            Dots("test" if tested else "", GREY, tested, shape="diamond"),
            Rule("the model, validation", VERMILION, confirmed.best_validation, upright=True),
        ),
        height=110 + 26 * len(ranked),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
