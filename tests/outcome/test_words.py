"""What came of a study, in words: the winner, the recipe that the study began with, reference models, the forecast."""

from dataclasses import replace

from tests.support.outcomes import confirmed, epoch, study_of
from tuner.base.metric_functions import Interval
from tuner.outcome import Estimate, Outcome
from tuner.outcome.words import as_json, lines, result_sentence, segments_sentence
from tuner.references import ReferenceModel
from tuner.result import FoldResult, Result
from tuner.storage.confirmed import Confirmed


def lines_of(winner: Confirmed | None, values: list[float]) -> list[str]:
    """The lines of a study that ended because its time was up."""
    record = study_of(values)
    return list(lines(Outcome(record, record.best, winner, ended="timeout", seconds=60.0)))


def test_each_contender_is_named_with_its_epochs_and_compared_with_the_first_recipe() -> None:
    text = lines_of(confirmed((2, 0, 2), (14, 26, 14), (0.94, 0.95, 0.93)), [0.91, 0.5, 0.92])
    assert text[0] == "study made: 3 complete, 0 pruned, 0 failed; the time is up; 1 min 0 s"
    assert text[2] == (
        "the recipe that the study began with, trial 0: validation accuracy 0.91; the search is better by 0.0100, after "
        "refitting worse by 0.0100"
    )
    assert text[3] == (
        "3 refits of 2 recipes on fresh seeds (1000, 1001, 1002): validation accuracy 0.9400, 0.9300 (trial 2, 14 epochs), "
        "0.9500 (trial 0, 26 epochs)"
    )
    assert text[4:] == ["test accuracy, measured once: 0.9000 (95 % interval 0.8500 to 0.9300)", "model: best.keras"]


def test_one_contender_alone_needs_no_name() -> None:
    text = lines_of(confirmed((2, 2), (14, 14), (0.94, 0.93)), [0.91, 0.5, 0.92])
    assert text[2].endswith("the search is better by 0.0100")
    assert text[3] == "2 refits on fresh seeds (1000, 1001), 14 epochs: validation accuracy 0.9400, 0.9300"
    first = lines_of(confirmed((0,), (14,), (0.94,)), [0.93, 0.5, 0.92])
    assert first[2] == (
        "it is the recipe that the study began with: the search did not beat it (2 others tried); the next best, trial 2, "
        "differs by 0.0100"
    )
    alone = lines_of(confirmed((0,), (14,), (0.94,)), [0.93])
    assert alone[2] == "it is the recipe that the study began with: no other was tried"


def test_the_value_of_a_short_trial_is_explained_beside_that_of_the_longer_refits() -> None:
    result = Result(
        folds=(FoldResult(epochs=(epoch(1), epoch(2)), kept=2),), ended="finished", reason="", parameters=9, seconds=1
    )
    trial = replace(study_of([0.5239]).trials[0], result=result)
    record = replace(study_of([]), trials=(trial,))
    outcome = Outcome(record, record.best, confirmed((0,), (37,), (0.98,)))
    text = list(lines(outcome))
    assert text[1:3] == [
        "best trial 0: validation accuracy 0.5239 after 2 epochs (dense 4 relu, adam 0.001, batch 32)",
        "trials compare recipes after few epochs; refits train up to 37, the model's metrics are theirs",
    ]
    plain = as_json(outcome, "sqlite://")
    assert (plain["best"]["value"], plain["best"]["epochs"], plain["model_validation"]) == (0.5239, 2, 0.98)


def test_without_a_winner_the_reason_is_given() -> None:
    assert lines_of(None, [])[1] == "no trial has finished yet"
    assert lines_of(None, [0.9])[-1] == "no trial could be confirmed: the refits diverge or fail"


def test_reference_models_that_are_better_subsampled_or_skipped_are_named() -> None:
    models = (
        ReferenceModel("trees", figures={"accuracy": 0.97, "log_loss": 0.1}, error=0.01),
        ReferenceModel("logistic", figures={"accuracy": 0.953}, error=0.01, note="trained on 500 of 900 examples"),
        ReferenceModel("nearest neighbours", note="skipped, it needs about 40 s, 3.0 s were left"),
    )
    record, winner = study_of([0.9]), confirmed((0,), (9,), (0.95,))
    forecast = Estimate("accuracy", 0.01, 0.002, 0.02)
    outcome = Outcome(record, record.best, winner, models, forecast)
    text = list(lines(outcome))
    assert text[text.index("model: best.keras") + 1 :] == [
        "reference models, validation accuracy: trees 0.9700, logistic 0.9530",
        "not on all examples: logistic trained on 500 of 900 examples",
        "nearest neighbours: skipped, it needs about 40 s, 3.0 s were left",
        "expected gain from twice the time: accuracy 0.0100 (0.0020 to 0.0200)",
        "Gradient-boosted trees are better than the final model on validation: validation accuracy 0.9700 against 0.9500.",
        "Logistic regression is better than the final model on validation: validation accuracy 0.9530 against 0.9500; on "
        "validation within one standard error.",
    ]
    assert [each["name"] for each in as_json(outcome, "sqlite://")["anchors"]] == [each.name for each in models]


def test_a_reference_model_that_is_better_on_the_test_part_alone_is_named_in_the_last_line() -> None:
    models = (
        ReferenceModel("logistic", {"accuracy": 0.94}, 0.001, {"accuracy": 0.91}),
        ReferenceModel("majority", {"accuracy": 0.5}, 0.001, {"accuracy": 0.5}),
    )
    record, winner = study_of([0.9]), confirmed((0,), (9,), (0.95,))
    outcome = Outcome(record, record.best, winner, models)
    said = "Logistic regression is better than the final model on test: validation accuracy 0.9400 against 0.9500, test 0.9100 against 0.9000."
    assert list(lines(outcome))[-1] == said
    assert as_json(outcome, "sqlite://")["better_anchors"] == {"logistic": ["test"]}


def test_every_look_at_the_test_part_is_told() -> None:
    record, winner = study_of([0.9]), replace(confirmed((0,), (9,), (0.95,)), looks=3)
    outcome = Outcome(record, record.best, winner)
    assert "test accuracy, after 3 looks at the test part: 0.9000 (95 % interval 0.8500 to 0.9300)" in list(
        lines(outcome)
    )
    assert result_sentence(outcome).endswith(" That is after 3 looks at the test part.")
    assert as_json(outcome, "sqlite://")["test_looks"] == 3


def test_an_average_over_views_of_one_refit_is_not_called_one_of_networks() -> None:
    winner = replace(
        confirmed((0,), (3,), (0.9,)), members=(0,), is_shifted=True, model_validation=0.91, parameters=100
    )
    outcome = Outcome(study_of([0.8]), None, winner, (), None, "budget")
    assert result_sentence(outcome).startswith("The final model, a dense 4 relu network, ")
    (text,) = (each for each in lines(outcome) if each.startswith("the final model averages"))
    assert text.startswith(
        "the final model averages the outputs of one refit, each on an image and it shifted by a pixel: 100 "
    )


def test_networks_of_folds_are_counted() -> None:
    """Two refits, each with the networks of three folds and one on everything."""
    winner = confirmed((0, 1), (3, 3), (0.9, 0.89))
    winner = replace(winner, members=(0, 1), networks=8, model_validation=0.91, parameters=100, tests=(0.88, 0.89))
    outcome = Outcome(study_of([0.8, 0.8]), None, winner, (), None, "budget")
    assert result_sentence(outcome).startswith("The final model, the average of 8 networks (the best is ")
    (text,) = (each for each in lines(outcome) if each.startswith("the final model averages"))
    assert text.startswith("the final model averages 8 networks of 2 refits (trained on folds and on everything): 100 ")
    assert text.endswith("; the best refit alone has test accuracy 0.8800")
    (text,) = (each for each in lines_of(replace(winner, members=(0,), networks=4), [0.8]) if "averages" in each)
    assert "averages 4 networks of one refit (" in text
    assert "alone" not in text
    assert Confirmed.from_dict(winner.to_dict()).networks == 8
    older = {name: value for name, value in winner.to_dict().items() if name != "networks"}
    assert Confirmed.from_dict(older).networks == 2


def test_an_interval_is_named_by_its_method() -> None:
    interval = Interval(0.85, 0.93, "Wilson")
    winner = replace(confirmed((0,), (9,), (0.95,)), test_intervals={"accuracy": interval})
    text = lines_of(winner, [0.9])
    assert "test accuracy, measured once: 0.9000 (95 % Wilson interval 0.8500 to 0.9300)" in text
    outcome = Outcome(study_of([0.9]), None, winner)
    assert as_json(outcome, "sqlite://")["interval_method"] == "Wilson"
    assert Confirmed.from_dict(winner.to_dict()).intervals == {"accuracy": interval}


def test_refits_of_several_recipes_may_have_the_same_fresh_seed() -> None:
    winner = replace(confirmed((1, 0, 2, 3), (9, 9, 9, 9), (0.95, 0.94, 0.93, 0.92)), seeds=(1000,) * 4)
    assert winner.refits_text == "4 refits of 4 recipes on a fresh seed (1000)"
    assert confirmed((1,), (9,), (0.95,)).refits_text == "1 refit on a fresh seed (1000)"


def test_trials_that_the_time_ended_are_counted_as_interrupted() -> None:
    record = study_of([0.9, 0.8])
    first, second = record.trials
    record = replace(record, trials=(first, replace(second, state="interrupted")))
    outcome = Outcome(record, record.best, None)
    assert next(lines(outcome)) == "study made: 1 complete, 0 pruned, 0 failed, 1 interrupted"
    assert as_json(outcome, "sqlite://")["trials"]["interrupted"] == 1


def test_the_dashboards_count_of_trials_is_explained_where_it_differs() -> None:
    record = study_of([0.9, 0.8])
    assert segments_sentence(Outcome(record, record.best, None)) == ""
    first, second = record.trials
    record = replace(record, trials=(replace(first, numbers=(0, 2, 3)), replace(second, numbers=(1,))))
    text = segments_sentence(Outcome(record, record.best, None))
    assert text.startswith("The dashboard counts trials (4), this text trainings (2): one that pauses")


def test_one_sentence_says_what_the_final_model_reaches() -> None:
    record, winner = study_of([0.9]), replace(confirmed((0, 0), (9, 9), (0.95, 0.94)), tests=(0.91, 0.89))
    assert result_sentence(Outcome(record, record.best, winner)) == (
        "The final model, a dense 4 relu network, classifies 90.00 % of the test part correctly (95 % interval 85.00 to "
        "93.00 %); the mean of the 2 refits is 90.00 %."
    )
    assert result_sentence(Outcome(record, record.best, None)) == (
        "The best trial so far is number 0 (validation accuracy 0.9); no winner is confirmed yet."
    )


def test_without_a_test_part_nothing_is_claimed() -> None:
    winner = replace(confirmed((0,), (9,), (0.95,)), test=None, test_interval=None)
    assert "there is no test part: nothing was tested" in lines_of(winner, [0.9])


def test_a_metric_that_the_test_part_does_not_define_is_no_missing_test_part() -> None:
    """ROC AUC where all test examples are of one class."""
    winner = replace(confirmed((0,), (9,), (0.95,)), measure="roc_auc", test=float("nan"), test_interval=None)
    trees = ReferenceModel("trees", {"roc_auc": 0.97}, 0.01, {"roc_auc": float("nan")})
    outcome = Outcome(study_of([0.9]), None, winner, (trees,))
    text = list(lines(outcome))
    assert "the test ROC AUC is not defined on these test examples" in text
    assert text[-1].endswith("on validation: validation ROC AUC 0.9700 against 0.9500.")
    assert result_sentence(outcome).endswith("; the test ROC AUC is not defined on these test examples.")
