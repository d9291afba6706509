"""What a page says about the search: the differences of the best trials, what mattered, and no chart without content."""

import math
import re
from dataclasses import replace

import pytest

from tests.support.outcomes import RECIPE, confirmed, epoch
from tuner.base.extrapolation import Look
from tuner.charts import Chart, Paths
from tuner.charts.content import Paragraph, Table
from tuner.charts.svg import draw
from tuner.networks import Dense
from tuner.outcome import Outcome
from tuner.report.evidence import Evidence
from tuner.report.sections.parameters import mean_differences
from tuner.report.sections.search import search_blocks
from tuner.report.sections.trials import best_trials, looks_table, recipe_table
from tuner.result import FoldResult, Result
from tuner.storage import StudyRecord, TrialRecord


def trial(number: int, value: float | None, width: int, rate: float, kind: str = "sgd") -> TrialRecord:
    """A finished trial with a value, or one that was pruned after an epoch; Optuna stores its last value."""
    result = Result(
        folds=(FoldResult(epochs=(epoch(1),), kept=1),), ended="finished", reason="", parameters=10 * width, seconds=0.1
    )
    return TrialRecord(
        number=number,
        first=number,
        state="pruned" if value is None else "complete",
        values=(0.95,) if value is None else (value,),
        params={"network.width": width, "training.rate": rate, "training.kind": kind},
        recipe=replace(RECIPE, network=Dense(widths=(width,)), seed=number),
        result=result,
        reason="",
        environment={},
        started=float(number),
        ended=number + 1.0,
    )


def evidence(*trials: TrialRecord) -> Evidence:
    """What a page on these trials is made of."""
    record = StudyRecord("made", "", {}, ("validation_accuracy",), trials)
    return Evidence(Outcome(record, record.best, None), {}, "sqlite://")


def test_best_trials_show_only_the_fields_that_differ() -> None:
    (table,) = best_trials(evidence(trial(0, 0.8, 4, 0.1), trial(1, 0.9, 8, 0.1), trial(2, None, 4, 0.1)))
    assert table.columns == ("", "trial 1", "trial 0", "trial 2")
    assert table.rows == (
        ("state", "complete", "complete", "pruned"),
        ("validation accuracy", 0.9, 0.8, 0.95),
        ("parameters", 80, 40, 40),
        ("epochs", 1, 1, 1),
        ("network.widths", "8", "4", "4"),
    )


def test_the_winners_recipe_is_complete() -> None:
    start = replace(RECIPE, network=Dense(widths=(16,)))
    table = recipe_table(RECIPE, start)
    rows = {name: (value, other) for name, value, other in table.rows}
    assert rows["network.widths"] == ("4", "16")
    assert rows["training.epochs"] == (1, None)
    assert {"data.name", "protocol.kind", "training.optimizer.learning_rate", "network.hidden.dropout"} <= rows.keys()


def test_what_mattered_is_known_from_four_trials_on() -> None:
    trials = [
        trial(0, 0.7, 4, 0.1),
        trial(1, 0.72, 4, 0.2, "adam"),
        trial(2, 0.9, 16, 0.1),
        trial(3, 0.92, 16, 0.2, "adam"),
    ]
    first, *others = mean_differences(evidence(*trials))
    assert (first.parameter, first.better, first.worse) == (
        "network.width",
        "above 4: 0.91 (2 trials)",
        "at most 4: 0.71 (2 trials)",
    )
    assert first.value == pytest.approx(0.2)
    assert first.error == pytest.approx(math.sqrt(2 * 0.0002 / 2))
    assert {each.parameter for each in others} == {"training.rate", "training.kind"}
    assert {each.better.partition(":")[0] for each in others} == {"above 0.1", "adam"}
    (table,) = [
        each for each in search_blocks(evidence(*trials)) if isinstance(each, Table) and each.id == "differences"
    ]
    assert table.note.startswith("Weak evidence: the parameters were not varied one at a time")


@pytest.mark.parametrize(
    ("options", "values", "better"),
    [
        ((None, 1), (0.5, 0.6, 0.7, 0.8), ["1: 0.7 (2 trials)"]),
        (("auto", 0), (0.7, 0.6, 0.9, 0.8), ["auto: 0.8 (2 trials)"]),
        ((True, False), (0.7, 0.6, 0.9, 0.8), ["True: 0.8 (2 trials)"]),
        ((1, 2), (0.5, 0.5, 0.5, 0.5), []),
        ((1, 2), (math.inf, 0.5, 0.7, 0.6), []),
    ],
)
def test_options_of_any_type_are_compared(
    options: tuple[object, object], values: tuple[float, ...], better: list[str]
) -> None:
    trials = [
        replace(trial(number, value, 4, 0.1), params={"option": options[number % 2]})
        for number, value in enumerate(values)
    ]
    assert [each.better for each in mean_differences(evidence(*trials))] == better


def test_fewer_trials_do_not_tell_what_mattered() -> None:
    blocks = list(search_blocks(evidence(trial(0, 0.7, 4, 0.1), trial(1, 0.9, 16, 0.2))))
    assert Paragraph("Too few trials have finished to say which parameters mattered.", "missing") in blocks


@pytest.mark.parametrize("trials", [[trial(0, 0.7, 4, 0.1)], [trial(0, None, 4, 0.1)], [trial(0, 0.7, 4, 0.1)] * 2])
def test_no_chart_is_empty(trials: list[TrialRecord]) -> None:
    """One point, one bar and a scale from a value to the same value say nothing."""
    charts = [each for each in search_blocks(evidence(*trials)) if isinstance(each, Chart)]
    assert [each.id for each in charts] == (["history", "time"] if len(trials) > 1 else [])


def test_parallel_coordinates_have_a_line_for_each_finished_trial() -> None:
    trials = [trial(number, 0.5 + 0.1 * number, 4 + number, 10.0**-number) for number in range(4)]
    (chart,) = [each for each in search_blocks(evidence(*trials)) if isinstance(each, Chart) and each.id == "parallel"]
    others, best = (mark for mark in chart.marks if isinstance(mark, Paths))
    assert chart.x.names == ("network.width", "training.rate", "validation accuracy")
    assert best.lines == (((0.0, 1.0), (1.0, 0.0), (2.0, 1.0)),)
    assert best.tips == ("trial 3: network.width 7, training.rate 0.001, validation_accuracy 0.8",)
    heights = sorted(line[1][1] for line in others.lines)
    assert heights == pytest.approx([1 / 3, 2 / 3, 1.0]), "a logarithmic axis"
    assert "training.rate 0.001 to 1;" in chart.note


def test_the_best_so_far_stays_within_the_chart() -> None:
    """Its first values may lie beyond the end of the axis, as those of the trials."""
    values = [0.1, 0.2, 0.9, 0.91, 0.92, 0.9, 0.91, 0.92, 0.93]
    charts = search_blocks(evidence(*(trial(number, value, 4, 0.1) for number, value in enumerate(values))))
    (history,) = [each for each in charts if isinstance(each, Chart) and each.id == "history"]
    low = history.y.low
    assert low is not None
    assert low > 0.2
    assert history.note == "2 trials lie beyond the edge, where they are drawn."
    (edge, *_, highest) = sorted({float(y) for y in re.findall(r'cy="([\d.]+)"', draw(history))}, reverse=True)
    assert edge <= history.height - 40, "at the edge, above the names of the axis"
    assert highest > 0


def test_looks_say_what_they_cost_and_what_they_decided() -> None:
    looks = [Look(length, 1, value, 1 - value, 0.01, 4 * length) for length, value in ((1.0, 0.8), (3.8, 0.9))]
    trials = (
        replace(trial(0, None, 4, 0.1), values=(0.7,), looks=(replace(looks[0], value=0.7, error=0.3),)),
        replace(trial(2, None, 8, 0.1), first=1, values=(0.9,), looks=tuple(looks)),
    )
    record = StudyRecord("made", "", {"budget": {"epochs": "fit"}}, ("validation_accuracy",), trials)
    page = Evidence(Outcome(record, None, confirmed((2,), (3,), (0.9,))), {}, "sqlite://")
    (table,) = looks_table(page)
    assert [row[:6] for row in table.rows] == [
        ("2", "1", 0.8, 0.01, 4.0, "a look of 3.8 epochs"),
        ("2", "3.8", 0.9, 0.01, 15.2, "refitted"),
        ("0", "1", 0.7, 0.01, 4.0, "nothing more"),
    ]
    assert table.note.startswith("3 looks took 23 s: 1 of 2 recipes were looked at again, 1 refitted.")
    (best,) = best_trials(page)
    assert best.rows[0] == ("state", "looked at", "looked at"), "not pruned, as Optuna has it"
    (history,) = [each for each in search_blocks(page) if isinstance(each, Chart) and each.id == "history"]
    assert [mark.name for mark in history.marks if mark.name] == [
        "looked at again, longer",
        "one short look",
        "best so far",
    ]
