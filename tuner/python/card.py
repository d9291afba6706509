"""A study as a card of self-contained HTML: what its model reaches, and a chart of the trials."""

from html import escape
from itertools import accumulate

from tuner.charts import BLUE, VERMILION, Axis, Chart, Dots, Line
from tuner.charts.colors import DARK, LIGHT, variables
from tuner.charts.svg import draw
from tuner.outcome import Outcome
from tuner.outcome.words import lines, reference_sentence, result_sentence
from tuner.storage import StudyRecord, TrialRecord

CLASS = "tuner-card"
STYLE = (
    f".{CLASS}{{{variables(LIGHT)}color:var(--ink);background:var(--paper);border:1px solid var(--line);border-radius:6px;"
    "padding:10px 14px;max-width:580px;font:14px/1.5 system-ui,sans-serif}"
    f"@media(prefers-color-scheme:dark){{.{CLASS}{{{variables(DARK)}}}}}"
    f".{CLASS} p{{margin:0;color:var(--ink)}}.{CLASS} svg{{width:100%;height:auto}}"
    f".{CLASS} p+p{{margin-top:4px}}"
)


def card(outcome: Outcome) -> str:
    """The card; all lines of the outcome unfold."""
    record, model = outcome.record, f"Model: {outcome.confirmed.model}" if outcome.confirmed else ""
    facts = (result_sentence(outcome), reference_sentence(outcome), model)
    text = "".join(f"<p>{escape(fact)}</p>" for fact in facts if fact)
    chart = draw(_history(record)) if len(record.finished) > 1 else ""
    details = "".join(f"<p>{escape(line)}</p>" for line in lines(outcome))
    head = f"<p><b>{escape(record.name)}</b></p>"
    more = f"<details><summary>everything</summary>{details}</details>"
    return f'<style>{STYLE}</style><div class="{CLASS}">{head}{text}{chart}{more}</div>'


def _history(record: StudyRecord) -> Chart:
    """The finished trials in the order in which they began, and the best value so far."""
    numbers, values = zip(*((float(trial.number), trial.values[0]) for trial in record.finished), strict=True)
    best = accumulate(values, lambda before, value: record.direction.best((before, value)))
    marks = (
        Dots("finished", BLUE, tuple(zip(numbers, values, strict=True)), tuple(map(_tip, record.finished))),
        Line("best so far", VERMILION, tuple(zip(numbers, best, strict=True)), step=True),
    )
    axes = Axis("trial", integers=True), Axis(record.objectives[0].replace("_", " "))
    return Chart("history", "Every trial", *axes, marks, height=240)


def _tip(trial: TrialRecord) -> str:
    return f"trial {trial.number}: {trial.values[0]:.4g}, {trial.recipe.summary if trial.recipe else ''}"
