"""A study as a card of self-contained HTML: what its model reaches, and the report's chart of the trials."""

from collections.abc import Iterable
from html import escape

from tuner.charts.colors import DARK, LIGHT, variables
from tuner.charts.svg import draw
from tuner.outcome import Outcome
from tuner.outcome.words import lines, reference_sentence, result_sentence

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
    from tuner.report.sections.search import history_charts

    model = f"Model: {outcome.confirmed.model}" if outcome.confirmed else ""
    facts = _paragraphs((result_sentence(outcome), reference_sentence(outcome), model))
    chart = "".join(map(draw, history_charts(outcome.record)))
    head, details = f"<p><b>{escape(outcome.record.name)}</b></p>", _paragraphs(lines(outcome))
    more = f"<details><summary>everything</summary>{details}</details>"
    return f'<style>{STYLE}</style><div class="{CLASS}">{head}{facts}{chart}{more}</div>'


def _paragraphs(sentences: Iterable[str]) -> str:
    return "".join(f"<p>{escape(each)}</p>" for each in sentences if each)
