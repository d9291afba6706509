"""Which trials are refitted: their order, those close to the best, and the refits that fit into the time."""

from dataclasses import replace
from pathlib import Path

import pytest
from optuna.storages import BaseStorage

from tests.support.fakes import session_in
from tests.support.outcomes import RECIPE, epoch, study_of
from tests.support.searches import small
from tuner.data.sources import Places
from tuner.recipe import KFold, Recipe
from tuner.refit.candidates import (
    RankedTrial,
    candidates,
    close_to_best,
    contenders,
    epoch_seconds,
    first_start,
    fresh_seeds,
    refit_factor,
    reserved_seconds,
)
from tuner.refit.session import Session
from tuner.refit.time_budget import FixedEpochs, Minutes, Reference
from tuner.result import FoldResult, Result, Scores
from tuner.storage import StudyRecord, TrialRecord

FIT = ('budget.epochs="fit"', "budget.trials=0", 'search.pruner="none"', "training.epochs=40")
SHORT = Minutes(600.0, 1, Reference(1000.0, 40))
"""Trials have less than a quarter of a whole training."""


@pytest.fixture
def session(memory: BaseStorage, small_study: Path, places: Places) -> Session:
    """Of the small study, where the minutes decide."""
    return session_in(memory, small(small_study, *FIT), places)


def result(accuracy: float, loss: float = 0.5) -> Result:
    """Of one epoch."""
    last = replace(epoch(1), validation=Scores(loss=loss, figures={"accuracy": accuracy}))
    folds = (FoldResult(epochs=(last,), kept=1),)
    return Result(folds=folds, ended="finished", reason="", parameters=13, seconds=10.0)


def record(*accuracies: float, **changes: object) -> StudyRecord:
    """A study whose minutes decide."""
    study = study_of(list(accuracies))
    trials = tuple(replace(trial, result=result(trial.values[0])) for trial in study.trials)
    return replace(study, plain={"budget": {"epochs": "fit"}}, trials=trials, **changes)  # type: ignore[arg-type]


def rivals(*accuracies: float, epochs: int = 40, seconds: float = 1.0) -> list[RankedTrial]:
    """Trials of these validation accuracies, in this order; whole trainings have so many epochs of so many seconds."""
    trials = record(*accuracies).trials
    return [RankedTrial(trial, of(trial), epochs, seconds) for trial in trials]


def of(trial: TrialRecord) -> Recipe:
    assert trial.recipe is not None
    return trial.recipe


def numbers(trials: tuple[TrialRecord, ...]) -> list[int]:
    return [trial.number for trial in trials]


def test_trials_are_ranked_by_the_metric_they_reached_and_of_equal_ones_the_earlier_is_better() -> None:
    study = record(0.7, 0.9, 0.7, 0.8)
    assert numbers(study.ranking) == [1, 3, 0, 2]
    assert numbers(replace(study, trials=study.trials[::-1]).ranking) == [1, 3, 0, 2]


def test_trials_without_a_model_are_not_ranked() -> None:
    """One that diverged, one without a result, one without a recipe, and one whose refit has failed."""
    study = record(0.9, 0.8, 0.7, 0.6, 0.5)
    diverged = replace(study.trials[0], result=replace(result(0.9), ended="diverged"))
    unfinished, nameless = replace(study.trials[1], result=None), replace(study.trials[2], recipe=None)
    trials = (diverged, unfinished, nameless, *study.trials[3:])
    failed = {of(study.trials[3]).key: "no memory"}
    assert numbers(replace(study, trials=trials, unconfirmed=failed).ranking) == [4]


def test_the_first_objective_ranks() -> None:
    study = record(0.9, 0.8, objectives=("validation_loss", "validation_accuracy"))
    trials = [replace(trial, result=result(trial.values[0], loss=trial.values[0])) for trial in study.trials]
    assert numbers(ranked(replace(study, trials=tuple(trials)))) == [1, 0]


def test_close_to_the_best_is_within_one_standard_error_of_the_difference() -> None:
    """The accuracy 0.9 of 1,000 examples has an error of 0.0095, a difference one of 0.0134."""
    assert close_to_best("accuracy", [0.9, 0.887, 0.8864, 0.5], examples=1000, places=16) == 2


def test_where_trials_are_short_the_first_start_is_refitted_too(session: Session) -> None:
    """Unless it is among the best, or there is place for one only."""
    trials = rivals(0.99, 0.9, 0.1)
    first_last = [*trials[1:], trials[0]]
    assert [each.trial.number for each in contenders(session, SHORT, first_last, 4)] == [1, 0]
    assert [each.trial.number for each in contenders(session, SHORT, first_last, 2)] == [1, 0]
    assert [each.trial.number for each in contenders(session, SHORT, first_last, 1)] == [1]
    assert [each.trial.number for each in contenders(session, SHORT, trials, 4)] == [0]
    long = Minutes(600.0, 1, Reference(100.0, 40))
    assert [each.trial.number for each in contenders(session, long, first_last, 4)] == [1]


def test_several_close_ones_and_the_first_start(session: Session) -> None:
    trials = rivals(0.1, 0.9, 0.9, 0.9)
    best_first = [*trials[1:], trials[0]]
    assert [each.trial.number for each in contenders(session, SHORT, best_first, 6)] == [1, 2, 3, 0]


def test_the_best_one_stands_for_a_first_start_that_is_not_there() -> None:
    trials = rivals(0.9, 0.8, 0.7)[1:]
    assert first_start(trials) == trials[0]


def test_examples_are_those_that_validated_the_best(session: Session) -> None:
    """A fifth of them in a holdout, all of them in folds: the fewer, the more are close."""
    held_out = rivals(0.9, 0.86, 0.3)
    folded = [replace(each, recipe=replace(RECIPE, protocol=KFold(folds=5))) for each in held_out]
    budget = Minutes(600.0, 4, Reference(100.0, 40))
    assert len(contenders(session, budget, [*held_out[:2], folded[2]], 16)) == 2
    assert len(contenders(session, budget, [folded[0], *held_out[1:]], 16)) == 1


def test_half_of_a_short_time_is_for_training(session: Session) -> None:
    """Building takes 3 s of these 4: two seconds, less a margin, have 19 epochs of a tenth of a second."""
    (one,) = candidates(session, Minutes(600.0, 1), rivals(0.9, epochs=40, seconds=0.0995), 4.0)
    assert one.recipe.training.epochs == 19


def test_a_refit_may_have_three_quarters_of_its_trials_epochs_and_a_quarter_of_an_earlier_refits(
    session: Session,
) -> None:
    (one,) = (replace(each, recipe=longer(each.recipe, 40)) for each in rivals(0.9, seconds=1.0))
    assert one.has_time(30.5)
    assert not one.has_time(29.5)
    short = candidates(session, Minutes(600.0, 1), [one], 47.0)
    assert [each.recipe.training.epochs for each in short] == [40]
    for epochs, count in ((160, 1), (161, 0)):
        earlier = [longer(one.recipe, epochs)]
        assert len(candidates(session, Minutes(600.0, 1), [one], 47.0, earlier)) == count


def test_the_longest_refits_begin_first_and_shorter_ones_fill_the_rest(session: Session) -> None:
    """Four rounds of 25 s: refits of the slow one have as many epochs as that, those of the fast one take 12 s."""
    fast, slow = rivals(0.9, 0.9)
    trials = [replace(fast, epoch_seconds=0.3), replace(slow, epoch_seconds=2.0)]
    chosen = candidates(session, Minutes(600.0, 1), trials, 108.0)
    assert [each.trial for each in chosen] == [1, 0, 1, 0]
    assert [each.recipe.training.epochs for each in chosen] == [12, 40, 12, 40]


def test_a_part_of_an_epoch_counts_for_its_share(session: Session) -> None:
    """A quarter of an epoch in one second: a whole one takes four."""
    lean = replace(RECIPE, training=replace(RECIPE.training, lean_epochs=1, lean_share=0.25))
    part = replace(epoch(1), seconds=1.0)
    assert epoch_seconds(lean, replace(result(0.9), folds=(FoldResult(epochs=(part,), kept=1),))) == 4.0


def test_where_no_trial_has_time_only_the_best_is_refitted(session: Session) -> None:
    slow = [replace(each, recipe=longer(each.recipe, 30)) for each in rivals(0.9, 0.9, seconds=10.0)]
    chosen = candidates(session, Minutes(600.0, 1), slow, 100.0)
    assert {each.trial for each in chosen} == {0}


def longer(recipe: Recipe, epochs: int) -> Recipe:
    return replace(recipe, training=replace(recipe.training, epochs=epochs))


def test_with_fixed_epochs_time_is_left_for_the_refits_of_a_new_winner(session: Session) -> None:
    """Thirteen seconds to select, test and save; three refits of ten seconds each on one process."""
    budget = FixedEpochs(600.0, 1, seeds=3)
    study = replace(record(0.9), plain={})
    assert reserved_seconds(session, budget, replace(study, trials=())) == pytest.approx(13.0)
    assert reserved_seconds(session, budget, study) == pytest.approx(43.0)
    session.study.set_user_attr("confirmed", {"winner": of(study.trials[0]).key})
    assert reserved_seconds(session, budget, study) == pytest.approx(13.0)


def test_each_refit_has_a_seed_of_its_own(session: Session) -> None:
    """Also beside those of earlier calls."""
    trials, budget = rivals(0.9), Minutes(600.0, 1)
    first = candidates(session, budget, trials, 400.0)
    assert [each.recipe.seed for each in first] == [1000, 1001, 1002, 1003]
    second = candidates(session, budget, trials, 400.0, [each.recipe for each in first[:2]])
    assert [each.recipe.seed for each in second] == [1002, 1003, 1004, 1005]


def test_seeds_are_numbers_of_32_bits() -> None:
    assert fresh_seeds(0, 2) == (1000, 1001)
    assert fresh_seeds(2**32 - 1001, 2) == (2**32 - 1, 0)
    assert fresh_seeds(2**31, 1) == (2**31 + 1000,)


@pytest.mark.parametrize(("folds", "factor"), [(2, 2.0), (5, 1.25)])
def test_after_folds_one_more_network_is_trained_on_everything(folds: int, factor: float) -> None:
    assert refit_factor(replace(RECIPE, protocol=KFold(folds=folds))) == factor
    assert refit_factor(RECIPE) == 1.0
