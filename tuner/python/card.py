"""A study as a card in a notebook: its figures, and each of its trials in a drawing. No network, no script."""

from collections.abc import Iterator
from html import escape

from tuner.base.metrics import Direction
from tuner.charts import BLUE, VERMILION, Axis, Chart, Dots, Line, Point
from tuner.charts.colors import DARK, LIGHT, variables
from tuner.charts.svg import draw
from tuner.python.tuned import Tuned, told
from tuner.storage import StudyRecord, TrialRecord

CLASS = "tuner-card"
STYLE = (
    f".{CLASS}{{{variables(LIGHT)}color:var(--ink);background:var(--paper);border:1px solid var(--line);border-radius:6px;"
    "padding:10px 14px;max-width:580px;font:14px/1.5 system-ui,sans-serif}"
    f"@media(prefers-color-scheme:dark){{.{CLASS}{{{variables(DARK)}}}}}"
    f".{CLASS} p{{margin:0;color:var(--ink)}}.{CLASS} svg{{width:100%;height:auto}}"
)


def card(tuned: Tuned) -> str:
    """The card as HTML that stands alone."""
    first, *others = told(tuned)
    lines = "".join(f"<p>{escape(line)}</p>" for line in others)
    chart = draw(history(tuned.record)) if tuned.record.finished else ""
    return f'<style>{STYLE}</style><div class="{CLASS}"><p><b>{escape(first)}</b></p>{lines}{chart}</div>'


def history(record: StudyRecord) -> Chart:
    """Each finished trial in the order in which they began, and the best so far."""
    finished = record.finished
    points = tuple((float(trial.number), trial.values[0]) for trial in finished)
    tips = tuple(_tip(trial) for trial in finished)
    marks = (
        Dots("finished", BLUE, points, tips),
        Line("best so far", VERMILION, tuple(_best_so_far(points, record.direction)), step=True),
    )
    name = record.objectives[0].replace("_", " ")
    return Chart("history", "Every trial", Axis("trial", whole=True), Axis(name), marks, height=240)


def _tip(trial: TrialRecord) -> str:
    words = trial.recipe.summary if trial.recipe else ""
    return f"trial {trial.number}: {trial.values[0]:.4g}, {words}"


def _best_so_far(points: tuple[Point, ...], direction: Direction) -> Iterator[Point]:
    best: float | None = None
    for number, value in points:
        best = value if best is None else direction.best((best, value))
        yield number, best
