"""Which trials are refitted: their order, those close to the best, and the refits that fit into the time."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.storages import BaseStorage

from tests.support.fakes import session_in
from tests.support.outcomes import RECIPE, epoch, study_of
from tests.support.searches import small
from tuner.base.extrapolation import Look
from tuner.data.sources import Places
from tuner.networks import Convolutional
from tuner.recipe import Augmentation, KFold, Recipe, fold_count
from tuner.refit.candidates import candidates, contenders, fresh_seeds, refit_factor, reserved_seconds
from tuner.refit.ranking import RankedTrial, kind_of, ranked_trials
from tuner.refit.session import Session
from tuner.refit.time_budget import FixedEpochs, Minutes
from tuner.result import FoldResult, Result, Scores
from tuner.storage import StudyRecord, TrialRecord

FIT = ('budget.epochs="fit"', "budget.trials=0", 'search.pruner="none"', "training.epochs=40")


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


def rivals(*accuracies: float, epochs: int = 40, seconds: float = 1.0, length: int = 1) -> list[RankedTrial]:
    """Trials whose looks of this length had these validation accuracies, of 1,000 examples, in this order; whole trainings have
    so many epochs of so many seconds."""
    looks = [Look(length, 1, each, 1 - each, math.sqrt(each * (1 - each) / 1000)) for each in accuracies]
    trials = [replace(trial, looks=(look,)) for trial, look in zip(record(*accuracies).trials, looks, strict=True)]
    return [RankedTrial(trial, longer(of(trial), length), epochs, seconds) for trial in trials]


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
    assert numbers(replace(study, trials=tuple(trials)).ranking) == [1, 0]


def looked(study: StudyRecord, *looks: list[tuple[float, float, int]]) -> StudyRecord:
    """The study with such looks (length, accuracy and folds) at its trials."""
    trials = [
        replace(trial, looks=tuple(Look(length, folds, value, 1 - value, 0.01) for length, value, folds in each))
        for trial, each in zip(study.trials, looks, strict=True)
    ]
    return replace(study, trials=tuple(trials))


def test_looks_rank_by_their_last_value() -> None:
    """A short look that shows more than a longer one is better; what it will gain by length is not counted."""
    study = looked(
        record(0.9, 0.95, 0.92), [(1.0, 0.80, 1), (4.0, 0.90, 1)], [(1.0, 0.95, 1)], [(1.0, 0.70, 1), (4.0, 0.92, 1)]
    )
    assert numbers(study.ranking) == [1, 2, 0]
    assert [trial.values for trial in study.compared] == [(0.80,), (0.95,), (0.70,)], "the first looks"


def test_a_trial_whose_longer_look_was_worse_counts_by_the_shorter_one(session: Session) -> None:
    study = looked(
        record(0.9, 0.9), [(1.0, 0.80, 1), (4.0, 0.92, 1), (16.0, 0.90, 1)], [(1.0, 0.80, 1), (4.0, 0.91, 1)]
    )
    assert numbers(study.ranking) == [0, 1]
    assert [trial.length for trial in study.ranking] == [4.0, 4.0]
    assert [each.epochs for each in ranked_trials(session, study.ranking)] == [4.0, 40]


def test_of_equal_values_the_more_certain_one_ranks_first() -> None:
    study = looked(record(0.9, 0.9), [(1.0, 0.9, 1)], [(1.0, 0.8, 1), (1.0, 0.9, 5)])
    certain = replace(study.trials[1].looks[-1], standard_error=0.001)
    second = replace(study.trials[1], looks=(study.trials[1].looks[0], certain))
    assert numbers(replace(study, trials=(study.trials[0], second)).ranking) == [1, 0]


def test_trials_without_looks_are_ranked_where_no_trial_has_any() -> None:
    """A study of the version before has none."""
    study = record(0.7, 0.9, 0.8)
    assert numbers(study.ranking) == [1, 2, 0]
    assert numbers(looked(study, [], [], [(1.0, 0.8, 1)]).ranking) == [2]
    assert [each.trial.number for each in contenders([RankedTrial(study.trials[1], RECIPE, 40, 1.0)], 4, 9.0)] == [1]


def close(trials: list[RankedTrial], places: int, seconds: float = 40.0) -> list[int]:
    """The numbers of the contenders."""
    return [each.trial.number for each in contenders(trials, places, seconds)]


def test_contenders_are_those_whose_expected_error_is_nearly_the_lowest() -> None:
    """Within one standard deviation of the difference, as far as there are places."""
    trials = rivals(0.900, 0.899, 0.898, 0.6, length=20)
    assert close(trials, 16) == [0, 1, 2]
    assert close(trials, 2) == [0, 1]
    assert close(trials, 1) == [0]
    assert close(rivals(0.95, 0.7, length=20), 16) == [0]


def of_pictures(each: RankedTrial) -> RankedTrial:
    """The same trial with a convolutional network."""
    recipe = replace(of(each.trial), network=Convolutional(filters=(4,)))
    return replace(each, trial=replace(each.trial, recipe=recipe))


def test_the_first_start_of_pictures_is_expected_to_gain_more_than_its_looks_promise() -> None:
    start, best, other = rivals(0.925, 0.95, 0.6, length=20)
    assert close([best, other, start], 4) == [1], "a dense network"
    pictures = [*map(of_pictures, (best, other, start))]
    assert close(pictures, 4)[:2] in ([0, 1], [1, 0])
    assert 0 not in close([*map(of_pictures, rivals(0.8, 0.95, 0.6, length=20))], 4), "too far behind"
    assert 2 not in close(pictures, 4), "another trial has no such bonus"


def test_the_search_leaves_the_time_of_the_slowest_contenders_refits(session: Session) -> None:
    study = looked(record(0.9, 0.9), [(1.0, 0.9, 1)], [(1.0, 0.9, 1)])
    slow = replace(study.trials[1], number=2, result=with_epoch(study.trials[1], seconds=1.0))
    budget = Minutes(600.0, 1)
    assert reserved_seconds(session, budget, study.ranking) == budget.reserved_for_refits(40 * 0.1)
    both = replace(study, trials=(study.trials[0], slow))
    assert reserved_seconds(session, budget, both.ranking) == budget.reserved_for_refits(40 * 1.0)
    assert reserved_seconds(session, budget, ()) == budget.reserved_for_refits()


def with_epoch(trial: TrialRecord, seconds: float) -> Result:
    """Its result with an epoch of so many seconds."""
    assert trial.result is not None
    last = replace(trial.result.folds[0].epochs[0], seconds=seconds)
    return replace(trial.result, folds=(FoldResult(epochs=(last,), kept=1),))


def test_half_of_a_short_time_is_for_training() -> None:
    """Building takes 3 s of these 4: two seconds, less a margin, have 19 epochs of a tenth of a second."""
    (one,) = candidates(Minutes(600.0, 1), rivals(0.9, epochs=40, seconds=0.0995), 4.0)
    assert length_of(one.recipe) == pytest.approx(0.95 * 2.0 / 0.0995, rel=0.001)


def test_a_refit_may_have_three_quarters_of_its_trials_epochs_and_a_quarter_of_an_earlier_refits() -> None:
    (one,) = (replace(each, recipe=longer(each.recipe, 40)) for each in rivals(0.9, seconds=1.0))
    assert one.has_time(30.5)
    assert not one.has_time(29.5)
    short = candidates(Minutes(600.0, 1), [one], 47.0)
    assert [each.recipe.training.epochs for each in short] == [40]
    for epochs, count in ((160, 1), (161, 0)):
        earlier = [longer(one.recipe, epochs)]
        assert len(candidates(Minutes(600.0, 1), [one], 47.0, earlier)) == count


def test_the_longest_refits_begin_first_and_shorter_ones_fill_the_rest() -> None:
    """Two processes have nearly 100 s each: a refit of the slow one takes 80 s, one of the fast one 12 s."""
    fast, slow = rivals(0.9, 0.94)
    trials = [replace(slow, epoch_seconds=2.0), replace(fast, epoch_seconds=0.3)]
    chosen = candidates(Minutes(600.0, 2), trials, 108.0)
    assert [each.trial for each in chosen] == [1, 0, 1, 0]
    assert [each.recipe.training.epochs for each in chosen] == [40] * 4


def test_the_best_start_precedes_others_of_nearly_the_same_promise() -> None:
    """It is known to be good in long trainings; one that is far behind is not refitted."""
    trials = rivals(0.880, 0.900, 0.899, 0.6, length=20)
    assert close(trials, 2) == [1, 0]
    other = replace(trials[3], trial=replace(trials[3].trial, start=1))
    assert close([*trials[:3], other], 4) == [1, 0, 2], "of several starts the best one"
    assert close(rivals(0.7, 0.900, 0.899, length=20), 4) == [1, 2]
    assert close(rivals(0.900, 0.899, length=20), 4) == [0, 1], "the leader is a start"


def test_networks_that_see_moved_images_are_another_kind() -> None:
    """Their errors fall faster: they are behind in short looks, and ahead in long ones."""
    (plain,) = rivals(0.9)

    def seen(augmentation: Augmentation) -> str:
        recipe = replace(plain.recipe, training=replace(plain.recipe.training, augmentation=augmentation))
        return kind_of(replace(plain.trial, recipe=recipe))

    moved = [
        Augmentation(shift=1),
        Augmentation(rotate=5.0, flip=True),
        Augmentation(zoom=0.1),
        Augmentation(elastic=1.0),
    ]
    assert {seen(each) for each in moved} == {"dense on moved images"}
    assert {seen(each) for each in (Augmentation(), Augmentation(flip=True, erase=0.2))} == {"dense"}
    assert kind_of(replace(plain.trial, recipe=None)) == ""


def test_a_fast_contender_leaves_room_for_a_second_seed_of_the_slow_leader() -> None:
    """Two processes have nearly 100 s each: the leader would take 400 s, the other 12 s."""
    fast, slow = rivals(0.945, 0.95)
    trials = [replace(slow, epoch_seconds=10.0), replace(fast, epoch_seconds=0.3)]
    chosen = candidates(Minutes(600.0, 2), trials, 108.0)
    lengths = [(each.trial, round(length_of(each.recipe), 1)) for each in chosen]
    assert lengths == [(1, 10.0), (0, 40.0), (1, 8.8)]


def test_all_refits_have_as_many_folds_as_all_of_them_have_time_for() -> None:
    """In five folds fast ones take 15 s and the slow one 30 s, which is more than its share of the time. Together they have 90 s."""
    folded = [
        replace(each, recipe=replace(each.recipe, protocol=KFold(folds=5))) for each in rivals(0.92, 0.918, 0.915)
    ]
    chosen = candidates(
        Minutes(600.0, 1),
        [replace(each, epoch_seconds=seconds) for each, seconds in zip(folded, (0.06, 0.06, 0.12), strict=True)],
        97.0,
    )
    assert [each.trial for each in chosen] == [0, 1, 2, 0]
    assert {(fold_count(each.recipe.protocol), each.recipe.training.epochs) for each in chosen} == {(5, 40)}


def test_where_no_trial_has_time_only_the_best_is_refitted() -> None:
    slow = [replace(each, recipe=longer(each.recipe, 30)) for each in rivals(0.9, 0.9, seconds=10.0)]
    chosen = candidates(Minutes(600.0, 1), slow, 100.0)
    assert {each.trial for each in chosen} == {0}


def length_of(recipe: Recipe) -> float:
    return recipe.training.length(recipe.training.epochs)


def longer(recipe: Recipe, epochs: int) -> Recipe:
    return replace(recipe, training=replace(recipe.training, epochs=epochs))


def test_with_fixed_epochs_time_is_left_for_the_refits_of_a_new_winner(session: Session) -> None:
    """Thirteen seconds to select, test and save; three refits of ten seconds each on one process."""
    budget = FixedEpochs(600.0, 1, seeds=3)
    study = replace(record(0.9), plain={})
    assert reserved_seconds(session, budget, ()) == pytest.approx(13.0)
    assert reserved_seconds(session, budget, study.ranking) == pytest.approx(43.0)
    refitted = of(study.trials[0]).key
    assert reserved_seconds(session, budget, study.ranking, refitted) == pytest.approx(13.0)


def test_each_refit_has_a_seed_of_its_own() -> None:
    """Also beside those of earlier calls."""
    trials, budget = rivals(0.9), Minutes(600.0, 1)
    first = candidates(budget, trials, 400.0)
    assert [each.recipe.seed for each in first] == [1000, 1001, 1002, 1003]
    second = candidates(budget, trials, 400.0, [each.recipe for each in first[:2]])
    assert [each.recipe.seed for each in second] == [1002, 1003, 1004, 1005]


def test_seeds_are_numbers_of_32_bits() -> None:
    assert fresh_seeds(0, 2) == (1000, 1001)
    assert fresh_seeds(2**32 - 1001, 2) == (2**32 - 1, 0)
    assert fresh_seeds(2**31, 1) == (2**31 + 1000,)


@pytest.mark.parametrize(("folds", "factor"), [(2, 2.0), (5, 1.25)])
def test_after_folds_one_more_network_is_trained_on_everything(folds: int, factor: float) -> None:
    assert refit_factor(replace(RECIPE, protocol=KFold(folds=folds))) == factor
    assert refit_factor(RECIPE) == 1.0
