"""The answer compares the search with the reported figures of a document and with our runs of it, also where it does not win."""

from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from tests.support.outcomes import confirmed, study_of
from tuner.base.metric_functions import wilson_interval
from tuner.charts import Chart, Dots
from tuner.charts.content import Paragraph, Table, Tile
from tuner.documents.assessment import Assessment
from tuner.documents.comparison import assessments_of, best_in_our_runs, best_reported
from tuner.networks import Dense
from tuner.outcome import Outcome
from tuner.recipe import Data, Recipe
from tuner.references import ReferenceModel
from tuner.report.answer import difference_of, sentences, tiles
from tuner.report.evidence import Evidence
from tuner.report.sections.references import reference_blocks
from tuner.report.sections.winner import winner_blocks
from tuner.storage import StudyRecord
from tuner.storage.confirmed import Confirmed

RESULTS = Path(__file__).parents[2] / "reports" / "documents"


@pytest.fixture(scope="module")
def documents() -> tuple[Assessment, ...]:
    """The documents about USPS, judged by our runs."""
    return assessments_of(["usps"], RESULTS, [])


def evidence(
    documents: tuple[Assessment, ...], *accuracies: float, references: tuple[ReferenceModel, ...] = ()
) -> Evidence:
    """What a page about USPS is made of, with a winner of these test accuracies."""
    confirmed = Confirmed(
        trial=1,
        recipe=Recipe(data=Data(name="usps"), network=Dense(widths=(8,))),
        seeds=tuple(range(len(accuracies))),
        validation=accuracies,
        test=max(accuracies),
        test_loss=0.1,
        test_interval=wilson_interval(max(accuracies), 2007),
        test_examples=2007,
        model=Path("best.keras"),
        tests=accuracies,
    )
    record = StudyRecord("usps", "USPS", {}, ("validation_accuracy",), ())
    return Evidence(Outcome(record, None, confirmed, references), {"usps": "abc"}, "sqlite://", documents=documents)


@pytest.mark.parametrize(
    ("validation", "test", "verdict", "near"),
    [
        (0.98, 0.99, "better than the final model on validation and test", ""),
        (0.955, 0.99, "better than the final model on test", "; on validation within one standard error"),
        (0.98, 0.93, "better than the final model on validation", ""),
        (0.94, 0.93, "not better than the final model", ""),
    ],
)
def test_the_best_reference_model_is_compared_with_the_final_model(
    documents: tuple[Assessment, ...], validation: float, test: float, verdict: str, near: str
) -> None:
    trees = ReferenceModel("trees", {"accuracy": validation}, 0.01, {"accuracy": test})
    (sentence,) = [
        each for each in sentences(evidence(documents, 0.96, references=(trees,))) if "reference models" in each
    ]
    figures = f"validation accuracy {validation:.4f} against 0.9600, test {test:.4f} against 0.9600"
    assert sentence == (
        "Of the reference models, gradient-boosted trees are best. "
        f"Gradient-boosted trees are {verdict}: {figures}{near}."
    )


def test_reference_models_are_ranked_in_a_table_and_a_chart(documents: tuple[Assessment, ...]) -> None:
    trees = ReferenceModel("trees", {"accuracy": 0.98765}, 0.01, {"accuracy": 0.9}, seconds=2.0)
    mean = ReferenceModel("majority", {"accuracy": 0.5}, 0.02)
    skipped = ReferenceModel("logistic", note="skipped")
    sentence, table, chart = reference_blocks(evidence(documents, 0.96, references=(mean, skipped, trees)))
    assert isinstance(sentence, Paragraph)
    assert isinstance(table, Table)
    assert isinstance(chart, Chart)
    assert table.rows == (
        ("the model", 0.96, None, 0.96, "", ""),
        ("trees", 0.98765, 0.01, 0.9, "2 s", ""),
        ("majority", 0.5, 0.02, None, "0 s", ""),
        ("logistic", None, None, None, "0 s", "skipped"),
    )
    assert chart.y.names == ("trees", "majority")
    validation, test, *_ = chart.marks
    assert isinstance(validation, Dots)
    assert isinstance(test, Dots)
    assert validation.points == ((0.98765, 0.0), (0.5, 1.0))
    assert validation.tips == ("trees: 0.9877 ± 0.0100", "majority: 0.5000 ± 0.0200")
    assert validation.errors[1] == (0.48, 0.52)
    assert test.points == ((0.9, 0.0),)


def test_the_best_documented_network_is_one_of_a_document(documents: tuple[Assessment, ...]) -> None:
    """Attacked networks and their training are ours: one of them does better than any that the document trains."""
    page = evidence(documents, 0.96, 0.96)
    best, reported = best_in_our_runs(page.documents, "usps"), best_reported(page.documents, "usps")
    assert best is not None
    assert reported is not None
    (document,) = page.documents
    assert not document.row(best.experiment).experiment.added
    assert (reported.experiment, reported.reported) == ("cnn", 0.9686098694801331)
    means = [
        fmean(run.figures["test_accuracy"] for run in row.chosen.runs)
        for row in document.rows
        if not row.experiment.added and row.experiment.members == 1
    ]
    assert fmean(best.accuracies) == max(means)


@pytest.mark.parametrize(
    ("accuracies", "verdict", "reported"),
    [
        ((0.991, 0.992), "It is better than", "points above the best that is reported"),
        ((0.968, 0.967), "It is not shown to be better than", "points below the best that is reported"),
        ((0.90, 0.91), "It is worse than", "points below the best that is reported"),
    ],
)
def test_where_the_search_does_not_win_it_says_so(
    documents: tuple[Assessment, ...], accuracies: tuple[float, ...], verdict: str, reported: str
) -> None:
    page = evidence(documents, *accuracies)
    _, first, *_, last = sentences(page)
    apart = difference_of(page)
    assert apart is not None
    assert first.startswith(
        "The best accuracy that a document reports is 96.86 % (“Convolutional” of usps-three-networks)"
    )
    assert last.startswith(
        f"{verdict} the best documented network in our runs, by {100 * apart.value:+.2f} percentage points"
    )
    assert last.endswith(f"That is {abs(100 * (fmean(accuracies) - 0.9686098694801331)):.2f} {reported}.")


def test_a_winner_of_an_older_version_has_the_figure_that_it_kept(documents: tuple[Assessment, ...]) -> None:
    (block,) = [
        each for each in winner_blocks(evidence(documents, 0.96)) if getattr(each, "id", "") == "winner-figures"
    ]
    assert isinstance(block, Table)
    assert block.rows == (("accuracy", 0.96, "0.9507 to 0.9679", ""),)


def test_the_refits_name_their_seeds_and_the_trial_of_the_final_model(documents: tuple[Assessment, ...]) -> None:
    blocks = winner_blocks(evidence(documents, 0.96, 0.95))
    (table,) = [each for each in blocks if getattr(each, "id", "") == "winner-seeds"]
    assert isinstance(table, Table)
    assert table.note == (
        "2 refits on fresh seeds (0, 1). The final model is that of trial 1 on seed 0, the best by validation."
    )


def outcome_of(values: list[float], refits: tuple[float, ...] = (0.93, 0.9)) -> Outcome:
    """A study of finished trials with these values, whose last and first one were refitted."""
    record = study_of(values)
    winner = confirmed((len(values) - 1, 0), (3, 3), refits)
    trees = ReferenceModel("trees", {"accuracy": 0.88}, 0.01, {"accuracy": 0.87})
    return Outcome(record, record.best, winner, (trees,))


def test_four_figures_stand_on_top() -> None:
    outcome = outcome_of([0.8, 0.7, 0.9])
    assert outcome.confirmed is not None
    assert list(tiles(outcome, outcome.confirmed)) == [
        Tile("Test accuracy", "90.00 %", "95 % interval 85.00 to 93.00 %, 250 test examples, measured once"),
        Tile("Best reference model, test accuracy", "87.00 %", "trees; on validation 88.00 %, the model 93.00 %"),
        Tile(
            "Added by the search",
            "10.00 points higher",
            "Validation accuracy 0.9 of trial 2, 0.8 of trial 0, the recipe that the study began with; after refitting "
            "better by 0.0300",
        ),
        Tile("The model", "best.keras", "0 parameters"),
    ]


def test_a_search_that_added_nothing_says_so() -> None:
    outcome = outcome_of([0.9, 0.7, 0.8])
    assert outcome.confirmed is not None
    added = list(tiles(outcome, outcome.confirmed))[2]
    assert added.value == "nothing"
    assert added.note == (
        "no trial is better than trial 0, the recipe that the study began with; 2 others were tried; the next best, trial 2, "
        "differs by 0.1000"
    )


def test_a_model_without_a_test_metric_says_why_on_top() -> None:
    outcome = outcome_of([0.8, 0.7, 0.9])
    assert outcome.confirmed is not None
    untested = replace(outcome.confirmed, test=None, test_interval=None)
    undefined = replace(outcome.confirmed, measure="roc_auc", test=float("nan"), test_interval=None)
    notes = [next(tiles(replace(outcome, confirmed=each), each)).note for each in (untested, undefined)]
    assert notes == [
        "it chose the model; there is no test part: nothing was tested",
        "it chose the model; the test ROC AUC is not defined on these test examples",
    ]
