"""Verdicts: what counts as reproduced, and which claims hold."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from tuner.documents.evidence import JudgedExperiment
from tuner.documents.figures import UNREPEATED, Spread, moderated, spread_of
from tuner.documents.verdicts import JudgedFigure, Verdict, judge, judge_curve


def of(typical: float, freedom: float = 4) -> Spread:
    """A spread that counts for as much as five runs."""
    return Spread(typical, freedom)


def with_shared(judged: JudgedFigure, others: list[JudgedFigure]) -> JudgedFigure:
    """The same with the share of others that pass."""
    own, *alike = (JudgedExperiment("", (each,), (), {}, ()) for each in (judged, *others))
    found = own.with_others(alike)
    assert found.shared == found.figures[0].shared, "a report of one figure passes as a whole with it"
    return found.figures[0]


def verdict(reported: float, measured: list[float], figure: str = "test_accuracy", examples: int = 10_000) -> str:
    """The verdict on one reported figure."""
    return judge(figure, [reported], measured, examples, of(0.002)).verdict


def test_an_accuracy_within_chance_and_sampling_error_is_reproduced() -> None:
    runs = [0.880, 0.882, 0.884]
    assert verdict(0.886, runs) == "reproduced"
    assert verdict(0.8895, runs) == "reproduced", "0.002 of spread over three runs, 0.006 of sampling error"
    assert verdict(0.895, runs) == "close"
    assert verdict(0.85, runs) == "not reproduced"
    assert (
        judge("test_accuracy", [0.886], runs, 0, of(0.002)).margin
        < judge("test_accuracy", [0.886], runs, 100, of(0.002)).margin
    )


def test_several_reported_figures_narrow_the_interval() -> None:
    once = judge("test_accuracy", [0.88], [0.87, 0.88, 0.89], 10_000, of(0.002))
    thrice = judge("test_accuracy", [0.87, 0.88, 0.89], [0.87, 0.88, 0.89], 10_000, of(0.002))
    assert thrice.margin < once.margin


def test_a_single_run_takes_the_spread_of_the_others() -> None:
    narrow, wide = (judge("test_accuracy", [0.9], [0.89], 10_000, of(spread)).margin for spread in (0.001, 0.01))
    assert narrow < wide


def test_scale_and_freedom_of_a_documents_spread_are_estimated() -> None:
    """Variances of 200 networks drawn as the model says: four degrees of freedom, a scale of 0.003."""
    rng = np.random.default_rng(0)
    deviations = 0.003 * np.sqrt(4 / rng.chisquare(4, 200))
    found = spread_of("test_accuracy", [list(rng.normal(0.9, each, 3)) for each in deviations])
    assert found.typical == pytest.approx(0.003, rel=0.2)
    assert found.freedom == pytest.approx(4, rel=0.6)
    alike = spread_of("test_accuracy", [list(rng.normal(0.9, 0.003, 3)) for _ in range(200)])
    assert alike.typical == pytest.approx(0.003, rel=0.1)
    assert alike.freedom > 20, "all networks have the same"
    unsteady = [list(rng.uniform(0.1, 0.8, 3)) if each % 2 else list(rng.normal(0.9, 0.003, 3)) for each in range(40)]
    assert spread_of("test_accuracy", unsteady).freedom < 1, "one network says nothing about another"
    losses = [list(rng.normal(level, 0.05 * level, 3)) for level in (0.01, 0.1, 1.0, 10.0) for _ in range(10)]
    assert spread_of("test_loss", losses).typical == pytest.approx(0.05, rel=0.3), "relative to the loss"


def test_where_nothing_is_repeated_a_spread_is_assumed() -> None:
    assert spread_of("test_accuracy", [[0.5], [0.6]]) == UNREPEATED[False]
    assert spread_of("test_loss", []) == UNREPEATED[True]
    assert spread_of("test_accuracy", [[0.5, 0.5], [0.6]]).typical == 1e-4, "no finer than one image in 10,000"


def test_few_runs_are_drawn_towards_the_typical_spread() -> None:
    one, freedom = moderated("test_accuracy", [0.9], of(0.003))
    assert one == pytest.approx(0.003)
    assert freedom == 4
    alike, _ = moderated("test_accuracy", [0.9, 0.9, 0.9], of(0.003))
    assert 0.002 < alike < 0.003
    apart, _ = moderated("test_accuracy", [0.2, 0.9, 0.5], of(0.003))
    assert apart > 0.15
    many, _ = moderated("test_accuracy", list(np.random.default_rng(1).normal(0.9, 0.02, 200)), of(0.003))
    assert many == pytest.approx(0.02, rel=0.1)


@pytest.mark.parametrize("size", [1, 3])
def test_the_margin_covers_chance_as_often_as_it_says(size: int) -> None:
    """Reports and runs drawn from the same distribution: nineteen in twenty are reproduced."""
    rng = np.random.default_rng(size)
    drawn = rng.normal(0.9, 0.003, (600, size + 1))
    judged = [judge("test_accuracy", [one], list(runs), 0, of(0.003)) for one, *runs in drawn]
    assert 0.93 < np.mean([each.verdict == "reproduced" for each in judged]) < 0.996


def test_the_likelier_reading_is_the_nearer_and_the_surer() -> None:
    near, far = (judge("test_accuracy", [0.9], [mean], 0, of(0.003)).likelihood for mean in (0.901, 0.92))
    assert near > far
    anything = judge("test_accuracy", [0.9], [0.1, 0.9, 0.5], 0, of(0.003))
    assert anything.verdict == "reproduced"
    assert anything.likelihood < near, "runs that could be anything explain nothing"
    assert judge("test_loss", [0.9], [math.nan], 0, of(0.02)).likelihood <= far


def test_a_curve_is_reproduced_if_nearly_all_of_its_points_are() -> None:
    reported = [0.80, 0.82, 0.84, 0.86, 0.87, 0.88, 0.89, 0.89, 0.90, 0.90]
    assert judge_curve("test_accuracy", reported, [reported, reported], 0, of(0.003)).verdict == "reproduced"
    slipped = judge_curve("test_accuracy", reported, [[0.5, *reported[1:]]], 0, of(0.003))
    assert (slipped.verdict, slipped.reason) == ("reproduced", "9 of 10 points reproduced")
    assert judge_curve("test_accuracy", reported, [[0.5, 0.5, *reported[2:]]], 0, of(0.003)).verdict == "not reproduced"
    assert judge_curve("test_accuracy", reported, [reported[:3]], 0, of(0.003)).verdict == "cannot be checked"


def test_counts_bounds_and_divergence_have_rules_of_their_own() -> None:
    assert verdict(118282, [118282, 118282], "parameters") == "reproduced"
    assert verdict(118283, [118282], "parameters") == "not reproduced"
    assert verdict(0.07, [0.05, 0.2], "test_loss_at_most") == "reproduced"
    assert verdict(0.07, [0.2, 0.3], "test_loss_at_most") == "not reproduced"
    assert verdict(0.5, [float("nan"), 0.5], "test_loss") == "not reproduced"
    assert verdict(0.5, []) == "cannot be checked"


@given(st.lists(st.floats(0.1, 0.9), min_size=1, max_size=6), st.floats(0, 1))
def test_the_further_away_the_worse(runs: list[float], distance: float) -> None:
    order = ["reproduced", "close", "not reproduced"]
    mean = sum(runs) / len(runs)
    near = judge("test_loss", [mean], runs, 0, of(0.002))
    far = judge("test_loss", [mean + distance], runs, 0, of(0.0))
    assert near.verdict == "reproduced"
    assert order.index(far.verdict) >= order.index(near.verdict)


def test_margin_reason_and_likelihood_are_those_of_the_formula() -> None:
    found = judge("test_accuracy", [0.886], [0.880, 0.882, 0.884], 10_000, of(0.002))
    chance, sampling = 0.002 * math.sqrt(1 + 1 / 3), math.sqrt(0.886 * 0.114 / 10_000)
    assert found.margin == pytest.approx(math.hypot(2.446912 * chance, 1.96 * sampling), rel=1e-6), (
        "t with 4 + 2 degrees"
    )
    assert found.reason == "0.004 above our mean, margin 0.00841"
    density = 0.99 * student.pdf(0.004 / 0.003929, 6) / 0.003929 + 0.01
    assert found.likelihood == pytest.approx(math.log(density), abs=1e-3), "one report in a hundred may be anything"
    below = judge("test_accuracy", [0.878], [0.880, 0.882, 0.884], 10_000, of(0.002))
    assert below.reason.startswith("0.004 below our mean, margin ")
    assert judge("test_loss", [0.5], [0.5], 10_000, of(0.0)).margin == 0, "a loss has no sampling error"


def test_what_lies_exactly_on_an_edge_is_within() -> None:
    assert verdict(0.5, [0.5], "train_accuracy", 0) == "reproduced"
    assert judge("train_accuracy", [0.5], [0.5], 0, of(0.0)).verdict == "reproduced"
    assert judge("train_loss", [1.25], [1.125], 0, of(0.0)).verdict == "close", "a tenth of what is reported"
    assert judge("train_loss", [1.25], [1.12], 0, of(0.0)).verdict == "not reproduced"
    assert judge("train_accuracy", [0.5], [0.5099], 0, of(0.0)).verdict == "close"
    assert judge("train_accuracy", [0.5], [0.5101], 0, of(0.0)).verdict == "not reproduced"
    assert judge("train_accuracy", [-0.5], [-0.5], 100, of(0.0)).margin == 0, "a share is between 0 and 1"
    assert judge("train_accuracy", [1.5], [1.5], 100, of(0.0)).margin == 0
    assert judge("test_loss_at_most", [0.5], [0.5], 0, of(0.0)).verdict == "reproduced"


def test_twice_the_margin_is_close() -> None:
    margin = judge("test_loss", [1.0], [1.0, 1.0, 1.0], 0, of(0.2)).margin
    assert margin > 0.1, "else a tenth would do"
    assert judge("test_loss", [1 + 1.9 * margin], [1.0, 1.0, 1.0], 0, of(0.2)).verdict == "close"
    assert judge("test_loss", [1 + 2.1 * margin], [1.0, 1.0, 1.0], 0, of(0.2)).verdict == "not reproduced"


def test_every_verdict_says_why() -> None:
    def reason_and_likelihood(figure: str, reported: float, measured: list[float]) -> tuple[str, float]:
        found = judge(figure, [reported], measured, 0, of(0.002))
        assert (found.reported, found.measured, found.margin) == ((reported,), tuple(measured), 0.0)
        return found.reason, found.likelihood

    assert reason_and_likelihood("parameters", 118282, [118282]) == ("equal", 0)
    assert reason_and_likelihood("parameters", 118283, [118282]) == ("118282 by our count", 0)
    assert reason_and_likelihood("test_loss", 0.5, []) == ("not measured", 0)
    assert reason_and_likelihood("test_loss", 0.5, [math.nan, 0.5, math.inf]) == (
        "2 of our 3 runs diverged",
        math.log(0.01),
    )
    reason = "1 of our 2 runs keep it, the best with 0.05"
    assert reason_and_likelihood("test_loss_at_most", 0.07, [0.05, 0.2]) == (reason, math.log(1.5 / 3))
    worthless = judge("test_loss", [0.5], [0.4], 0, of(0.0), "no two agree")
    assert (worthless.verdict, worthless.reason, worthless.margin) == ("cannot be checked", "no two agree", 0)


def test_parameters_are_compared_layer_by_layer() -> None:
    assert verdict_of_layers([50240, 4160, 650], [50240, 4160, 650]) == ("reproduced", "equal")
    assert verdict_of_layers([50240, 4160, 650], [50240, 650, 4160]) == (
        "not reproduced",
        "50240, 650, 4160 by our count",
    )


def verdict_of_layers(reported: list[float], ours: list[float]) -> tuple[str, str]:
    """The verdict on the parameters of each layer, and why."""
    found = judge("layer_parameters", reported, ours, 0, of(0.0))
    return found.verdict, found.reason


def test_a_verdict_that_other_reports_would_have_had_too_is_weak() -> None:
    ours = [0.880, 0.882, 0.884]
    own, near, also, far, further = (
        judge("test_accuracy", [each], ours, 0, of(0.002)) for each in (0.886, 0.885, 0.883, 0.91, 0.95)
    )
    assert (own.verdict, own.shared, own.worth) == ("reproduced", None, "")
    assert [each.verdict for each in (near, also, far, further)] == ["reproduced"] * 2 + ["not reproduced"] * 2
    assert with_shared(own, [near, far, further, far]).shared == pytest.approx(1 / 4)
    assert with_shared(own, [near, far, further, far]).worth == "sharp", "seldom: a quarter at most"
    assert with_shared(own, [near, far, further]).worth == "weak"
    assert with_shared(own, [near, also, far]).share_text == "67%, weak"
    unmeasured = judge("test_accuracy", [0.886], [], 0, of(0.002))
    assert with_shared(own, [unmeasured]).shared is None, "what cannot be checked says nothing"
    assert with_shared(unmeasured, [own]).worth == ""
    close = judge("test_accuracy", [0.8915], ours, 0, of(0.002))
    assert close.verdict == "close"
    assert with_shared(close, [near]).worth == "weak"
    assert with_shared(close, [far]).worth == "sharp"


def test_all_figures_of_a_report_together_tell_more_than_each_alone() -> None:
    def report(loss: float, accuracy: float) -> JudgedExperiment:
        figures = (("test_loss", loss, [0.5] * 3), ("test_accuracy", accuracy, [0.88] * 3))
        judged = tuple(judge(figure, [value], ours, 0, of(0.002)) for figure, value, ours in figures)
        return JudgedExperiment("", judged, (), {}, ())

    found = report(0.5, 0.88).with_others([report(0.5, 0.7), report(0.9, 0.88)])
    assert [(each.shared, each.worth) for each in found.figures] == [(0.5, "weak")] * 2
    assert (found.shared, found.worth) == (0.0, "sharp")
    assert report(0.5, 0.88).with_others([report(0.5, 0.88)]).worth == "weak"
    differing = report(0.9, 0.88).with_others([report(0.5, 0.7)])
    assert (differing.shared, differing.worth) == (0.0, ""), "a figure is not reproduced"
    assert report(0.5, 0.88).worth == "", "no other network"


def test_one_run_of_a_document_that_tells_no_spread_is_close_at_best() -> None:
    verdicts: list[Verdict] = [
        judge("test_accuracy", [0.886], [0.885], 0, of(0.002, freedom)).verdict for freedom in (1.9, 2.0)
    ]
    assert verdicts == ["close", "reproduced"]
    found = judge("test_accuracy", [0.8], [0.885], 0, of(0.002, 0.5))
    assert (found.verdict, found.margin) == ("not reproduced", 0.0)
    assert found.reason.endswith("too few runs for a margin")


def test_parameter_counts_are_counted_apart() -> None:
    assert judge("parameters", [13], [13, 13], 0, of(0.0)).worth == "exact"


def test_a_curve_is_sharp_where_few_other_curves_pass() -> None:
    reported = [0.80, 0.82, 0.84, 0.86]
    own = judge_curve("test_accuracy", reported, [reported], 0, of(0.003))
    other = judge_curve("test_accuracy", reported, [[0.5, 0.6, 0.7, 0.8]], 0, of(0.003))
    assert with_shared(own, [other]).worth == "sharp"
    assert with_shared(own, [own, other, own]).worth == "weak"
    value = judge("test_accuracy", [0.86], [0.86], 0, of(0.003))
    assert with_shared(value, [other]).shared is None, "a curve is not compared with a figure of its name"


def test_a_thinned_curve_is_compared_at_its_stored_epochs() -> None:
    """Of 200 epochs every second one is kept: the third of ours is the sixth."""
    reported = [epoch / 1000 for epoch in range(1, 201)]
    ours = [epoch / 1000 for epoch in range(2, 201, 2)]
    found = judge_curve("train_loss", reported, [ours], 0, of(0.01), every=2)
    assert found.points is not None
    assert (found.verdict, len(found.points)) == ("reproduced", 100)
    assert all(point.reported == point.measured for point in found.points)
    assert judge_curve("train_loss", reported, [ours], 0, of(0.01)).verdict == "cannot be checked", (
        "as if it were whole"
    )
    assert judge_curve("train_loss", [0.1], [[0.1]], 0, of(0.01), every=2).verdict == "cannot be checked"


def test_a_curve_is_as_good_as_nine_in_ten_of_its_points() -> None:
    reported = [0.5 + index / 100 for index in range(10)]

    def moved(*by: float) -> str:
        ours = [value + each for value, each in zip(reported, by, strict=True)]
        return judge_curve("train_accuracy", reported, [ours], 0, of(0.0)).verdict

    assert moved(*[0.0] * 10) == "reproduced"
    assert moved(*[0.0] * 9, 0.009) == "reproduced"
    assert moved(*[0.0] * 8, 0.009, 0.009) == "close"
    assert moved(*[0.0] * 8, 0.009, 0.5) == "close"
    assert moved(*[0.0] * 8, 0.5, 0.5) == "not reproduced"
    unmeasured = judge_curve("train_accuracy", reported, [], 0, of(0.0))
    assert (unmeasured.verdict, unmeasured.points) == ("cannot be checked", ())
    longer = judge_curve("train_accuracy", reported, [[*reported, 0.9]], 0, of(0.0))
    assert longer.points is not None
    assert [point.measured for point in longer.points] == [(value,) for value in reported]
    assert judge_curve("train_accuracy", reported, [reported, reported[:9]], 0, of(0.0)).verdict == "cannot be checked"
