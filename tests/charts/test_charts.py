"""Charts: every mark is drawn as valid SVG at the right place, whatever the names from users."""

import math
import re
import sys
import types
from dataclasses import MISSING, fields
from typing import Any, Literal, get_args, get_type_hints
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.charts import KINDS, Axis, Bars, Cells, Chart, Dots, Line, Mark, Paths, Rule, Shape
from tuner.charts.confusion import confusion_chart
from tuner.charts.scale import fit_scale, focused
from tuner.charts.svg import draw

Scaling = Literal["linear", "log"]
SVG = "{http://www.w3.org/2000/svg}"
NUMBERS = Axis("epochs")


def smallest(kind: type[Mark]) -> Mark:
    """A mark with the required fields only: the contract holds for new kinds, too."""
    hints = get_type_hints(kind)
    return kind(**{each.name: value_of(hints[each.name]) for each in fields(kind) if each.default is MISSING})


def value_of(hint: Any) -> Any:
    """A small value of a field's type: a text, a number, two of something, or numbers that rise."""
    match get_args(hint):
        case ():
            return {str: "blue", float: 1.0}[hint]
        case (item, types.EllipsisType()):
            return (value_of(item), value_of(item))
        case numbers:
            return tuple(float(place) for place in range(len(numbers)))


MARKS: list[Mark] = [
    Line("line", "blue", ((0, 1), (1, 2)), dashed=True, step=True),
    *(Dots("dots", "orange", ((0, 1),), shape=shape, errors=((0.5, 1.5),)) for shape in get_args(Shape)),
    Bars("bars", "grey", ((0, 3), (1, 2))),
    Rule("rule", "sky", 1.0, band=(0.5, 1.5)),
    Rule("rule", "sky", 1.0, upright=True),
]


def parsed(chart: Chart, standalone: bool = False) -> ElementTree.Element:
    """The drawing as XML; fails if it is not valid."""
    return ElementTree.fromstring(draw(chart, standalone=standalone))


@pytest.mark.parametrize(
    "mark", [*MARKS, *(smallest(kind) for kind in KINDS if kind is not Cells)], ids=lambda mark: type(mark).__name__
)
@pytest.mark.parametrize("standalone", [False, True])
def test_every_mark_is_drawn_inside_the_chart(mark: Mark, standalone: bool) -> None:
    chart = Chart("id", "A title", NUMBERS, Axis("accuracy"), (mark,))
    root = parsed(chart, standalone)
    (group,) = [each for each in root.iter(f"{SVG}g") if each.get("class") == "series"]
    assert len(list(group)) >= 1
    for number in re.findall(r"(?<![\w#-])\d+\.\d+", ElementTree.tostring(group, encoding="unicode")):
        assert 0 <= float(number) <= chart.width


def test_a_matrix_has_a_cell_and_a_text_for_each_pair() -> None:
    names = ("a", "b")
    cells = Cells("", "blue", ((1.0, 0.0), (0.5, 0.5)), (("9", ""), ("4", "5")))
    root = parsed(Chart("m", "Confusion", Axis("prediction", names=names), Axis("true", names=names), (cells,)))
    assert len([each for each in root.iter(f"{SVG}rect") if each.get("fill-opacity")]) == 4
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert [each for each in texts if each in ("9", "4", "5")] == ["9", "4", "5"]


def test_numbers_that_have_no_place_are_left_out() -> None:
    points = ((1.0, math.nan), (2.0, math.inf), (0.0, 0.5), (4.0, 0.5))
    root = parsed(Chart("c", "t", Axis("rate", scale="log"), Axis("loss"), (Dots("", "blue", points),)))
    assert len(list(root.iter(f"{SVG}circle"))) == 1
    parsed(Chart("c", "t", NUMBERS, Axis("loss"), ()))


EVERY = st.floats() | st.sampled_from([0.0, 5e-324, sys.float_info.max, -sys.float_info.max])


@given(EVERY, EVERY, st.sampled_from(["linear", "log"]), st.sampled_from(["linear", "log"]))
def test_any_number_is_drawn_or_left_out(one: float, other: float, x: Scaling, y: Scaling) -> None:
    points, bounds = ((one, other), (other, one)), (one, other)
    marks = (
        Line("", "blue", points),
        Paths("", "blue", (points,)),
        Dots("", "blue", points, ("", ""), errors=(bounds, bounds)),
        Bars("", "blue", points, ("", "")),
        Rule("", "blue", one, band=bounds),
        Rule("", "blue", other, upright=True),
    )
    drawn = draw(Chart("c", "t", Axis("x", scale=x), Axis("y", scale=y), marks))
    numbers = re.sub(r'data-tip="[^"]*"', "", drawn)
    assert not re.search(r"\b(nan|inf)\b", numbers)


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (0.0, 1.0), (math.nan, 1.0), (1.0, math.inf)])
def test_an_axis_without_length_is_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match=f"no axis goes from {low} to {high} on a log scale"):
        Axis("x", scale="log", low=low, high=high)


def test_an_end_beyond_all_values_is_shown_with_them() -> None:
    scale = fit_scale(Axis("x", low=2.0), [0.0, 1.0], 10.0, 110.0)
    assert 10 <= scale(1.0) < scale(2.0) <= 110


def test_names_from_users_are_escaped() -> None:
    evil = '<script>alert("1")</script>&'
    axis = Axis(evil, names=(evil, "b"))
    drawn = draw(Chart(evil, evil, axis, Axis(evil), (Dots(evil, "blue", ((0, 1),), (evil,)),), evil), standalone=True)
    assert "<script" not in drawn
    ElementTree.fromstring(drawn)


@given(st.lists(st.floats(-1e12, 1e12, allow_subnormal=False), min_size=1, max_size=20))
def test_linear_scales_place_all_values_between_their_ends(values: list[float]) -> None:
    scale = fit_scale(Axis("x"), values, 10.0, 110.0)
    assert all(10 - 1e-6 <= scale(value) <= 110 + 1e-6 for value in values)
    ticks = [value for value, _ in scale.ticks()]
    assert ticks == sorted(set(ticks))


@given(st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=20))
def test_log_scales_too(values: list[float]) -> None:
    scale = fit_scale(Axis("x", scale="log"), values, 10.0, 110.0)
    assert all(10 - 1e-6 <= scale(value) <= 110 + 1e-6 for value in values)
    assert scale(min(values)) <= scale(max(values))


def test_bars_do_not_reach_beyond_the_axes() -> None:
    bars = Bars("", "grey", ((1, 30), (4, 10)))
    root = parsed(Chart("b", "t", Axis("epoch", integers=True), Axis("trials"), (bars,)))
    lines = [path.get("d", "") for path in root.iter(f"{SVG}path")]
    left, right = (float(number) for number in re.match(r"M([\d.]+) [\d.]+H([\d.]+)", lines[0]).groups())  # type: ignore[union-attr]
    boxes = [(float(each.get("x", 0)), float(each.get("width", 0))) for each in root.iter(f"{SVG}rect")]
    assert len(boxes) == 2
    assert all(left <= x and x + width <= right for x, width in boxes)


def test_a_line_of_one_point_is_visible() -> None:
    root = parsed(Chart("c", "t", Axis("epoch"), Axis("accuracy"), (Line("", "blue", ((1.0, 0.18),)),)))
    assert any(each.get("fill") != "transparent" for each in root.iter(f"{SVG}circle"))


def test_an_axis_of_shares_ends_at_0_and_100_percent() -> None:
    axis = Axis("", percent=True)
    for values in ([0.2, 1.0], [0.0, 0.9], [1.0], [0.0]):
        scale = fit_scale(axis, values, 0.0, 100.0)
        assert 0.0 <= scale.low <= min(values)
        assert max(values) <= scale.high <= 1.0


def test_zeros_of_a_confusion_matrix_are_shown_lightly() -> None:
    picture = draw(confusion_chart("c", "Confusion", [[3, 0], [1, 2]], ("a", "b")))
    (zero,) = re.findall(r'fill="var\(--(\w+)\)" pointer-events="none">0<', picture)
    assert zero == "line"


def test_the_last_number_of_an_axis_is_not_cut_off() -> None:
    axis = Axis("share", percent=True, low=0.0, high=1.0)
    picture = draw(Chart("c", "Shares", axis, axis, (Line("", "blue", ((0.0, 0.0), (1.0, 1.0))),)))
    (x,) = re.findall(r'<text x="([\d.]+)" [^>]*text-anchor="middle"[^>]*>100 %<', picture)
    assert float(x) + 13 * 0.56 * len("100 %") / 2 <= 560


def test_a_value_beyond_a_demanded_end_is_drawn_at_the_end() -> None:
    axis = focused(Axis("accuracy", percent=True), [0.94, 0.97])
    assert not axis.is_within(0.1)
    scale = fit_scale(axis, [0.1, 0.97], 300.0, 10.0)
    assert scale(0.1) == 300.0
    assert scale.low > 0.93
    assert focused(Axis("loss"), [0.3, 1.6e13]).scale == "log"
    assert focused(Axis("loss"), [math.nan]) == Axis("loss")


def test_ticks_are_the_numbers_that_they_stand_at() -> None:
    scale = fit_scale(Axis("L2 factor"), [1e-6, 0.001], 0.0, 100.0)
    assert [text for _, text in scale.ticks()] == ["0", "2.5e-4", "5e-4", "7.5e-4", "0.001"]
    chosen = fit_scale(Axis("L2 factor", at=(1e-6, 0.00075)), [1e-6, 0.001], 0.0, 100.0)
    assert chosen.ticks() == [(1e-6, "1e-6"), (0.00075, "7.5e-4")]


def test_names_of_ticks_do_not_overlap_and_a_series_without_a_name_has_a_plain_tip() -> None:
    line = Line("", "blue", ((0.0, 0.2), (0.01, 0.3), (1.0, 0.4)))
    picture = draw(Chart("c", "t", Axis("rate", at=(0.0, 0.01, 1.0)), Axis("loss"), (line,)))
    assert re.findall(r'text-anchor="middle" font-size="12"[^>]*>([^<]*)<', picture) == ["0", "", "1"]
    assert re.findall('data-tip="([^"]*)"', picture)[0] == "0.2 at rate 0"
