"""Looks: trainings that pause, go on four times as long, and are what their stored recipe says. Trainings are invented."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import TrialState

from tests.support.fakes import Clock, Paced, an_epoch, clock_in, session_in
from tests.support.searches import Notes, small
from tuner.base.calibration import CALIBRATED
from tuner.base.extrapolation import Look
from tuner.data.sources import Places
from tuner.recipe import Recipe, fold_count
from tuner.refit.ranking import epoch_seconds, ranked_trials
from tuner.refit.session import Session
from tuner.refit.time_budget import Minutes
from tuner.result import Epoch, FoldResult, Pulse, Result, Scores
from tuner.search.beginning import continue_training
from tuner.search.clock import Clock as SearchClock
from tuner.search.ladder import FACTOR, FEWEST_EXAMPLES, Rung
from tuner.search.looks import (
    FIRST_LOOK,
    first_look_length,
    is_worth_its_price,
    ladder_of,
    longer_look,
    pace_of,
    situation,
    what_it_shows,
)
from tuner.search.loop import Loop
from tuner.storage import TrialRecord, read_study, study_record
from tuner.storage.trainings import attributes_of
from tuner.study import StudyFile
from tuner.training.costs import Costs

FIT = (
    'budget.epochs="fit"',
    "budget.trials=0",
    "search.sampler=random",
    "training.epochs=40",
    "training.optimizer={kind='sgd', momentum={low=0.0, high=0.9}}",
    "network.widths=[{low=100, high=1000}]",
)
FOLDED = (*FIT, 'protocol={kind="k_fold", folds=5}')
ERRORS = {width: 0.1 + width / 2000 for width in range(100, 1001)}
"""The narrower, the better."""


@pytest.fixture
def study(small_study: Path) -> StudyFile:
    """The small study where the minutes decide; an epoch takes one to ten seconds."""
    return small(small_study, *FIT)


def whole_search(study: Path, places: Places, *settings: str) -> Session:
    """A search of ten invented minutes whose first looks have half an epoch."""
    with pytest.MonkeyPatch.context() as patch:
        clock = clock_in(patch)
        session = session_in(InMemoryStorage(), small(study, *settings), places)
        session.study.set_user_attr(FIRST_LOOK, 0.5)
        assert searched(session, clock) in ("refits", "timeout")
        return session


@pytest.fixture(scope="module")
def whole(shared_small_study: Path, places: Places) -> Session:
    """Of a study with a holdout."""
    return whole_search(shared_small_study, places, *FIT)


@pytest.fixture(scope="module")
def folded(shared_small_study: Path, places: Places) -> Session:
    """Of a study with five folds."""
    return whole_search(shared_small_study, places, *FOLDED)


def searched(session: Session, clock: Clock, seconds: float = 600.0, trials: int = 10**9) -> str:
    """How a search in so many seconds of one process ends."""
    return Loop(session, Paced(clock, errors=ERRORS), Minutes(seconds, 1)).run(trials, seconds)


def first_looks(session: Session, clock: Clock, count: int, seconds: float = 600.0) -> None:
    """A search that is ended after so many first looks."""

    class Ending(Notes):
        def ended(self, trial: TrialRecord) -> None:
            super().ended(trial)
            if len(self.ended_trials) == count:
                loop.stop("timeout")

    object.__setattr__(session, "listener", Ending())
    loop = Loop(session, Paced(clock, errors=ERRORS), Minutes(seconds, 1))
    loop.run(10**9, seconds)


def length(recipe: Recipe) -> float:
    """The length of its training in epochs."""
    return recipe.training.length(recipe.training.epochs)


def recipes(session: Session) -> list[tuple[Recipe, optuna.trial.FrozenTrial]]:
    """The stored recipe of each trial that has shown something."""
    trials = [trial for trial in session.study.get_trials(deepcopy=False) if "look" in trial.user_attrs]
    return [(Recipe.from_dict(attributes_of(trial)["recipe"]), trial) for trial in trials]


def test_looks_pause_and_promising_ones_are_trained_again_four_times_as_long(whole: Session) -> None:
    record = study_record(whole.study)
    assert len(record.trials) > 10
    assert {trial.looks[0].length for trial in record.trials if trial.looks} == {0.5}
    longer = [trial for trial in record.trials if len(trial.looks) > 1]
    assert 0 < len(longer) < len(record.trials) / 2
    for trial in longer:
        assert len(trial.numbers) >= len(trial.looks)
        assert all(long.length in (FACTOR * short.length, 40.0) for short, long in pairwise(trial.looks))
    paused = next(trial for trial in record.trials if trial.state == "pruned" and len(trial.looks) == 1)
    assert paused.reason == "paused after 0.5 epochs"
    assert paused.values == (paused.looks[0].value,)


def test_the_best_get_the_longer_looks(whole: Session) -> None:
    record = study_record(whole.study)
    widths = [(len(trial.looks), trial.params["network.widths[0]"]) for trial in record.trials if trial.looks]
    assert max(widths)[1] <= sorted(width for _, width in widths)[4], "one of the five best"
    assert record.best is not None
    assert record.best.params["network.widths[0]"] <= sorted(width for _, width in widths)[4]


def test_a_look_is_stored_with_the_recipe_that_was_trained(folded: Session) -> None:
    """Trained again by that, it has the same length, folds and value."""
    stored = recipes(folded)
    assert len(stored) > 10
    for recipe, trial in stored:
        look = trial.user_attrs["look"]
        assert length(recipe) == look["length"]
        assert fold_count(recipe.protocol) == look["folds"]
        assert recipe.key == trial.user_attrs["key"]
        assert look_of(Paced(Clock(), errors=ERRORS), recipe) == pytest.approx(look["value"], abs=1e-5)


def look_of(executor: Paced, recipe: Recipe) -> float:
    """The accuracy of its training."""
    from tuner.worker.jobs import Train

    executor.submit(0, Train(recipe), lambda _: True)
    ((_, result),) = executor.answers(0.0)
    assert result.validation is not None  # type: ignore[union-attr]
    return result.validation.accuracy  # type: ignore[union-attr]


def test_with_folds_a_second_look_is_longer_and_a_third_one_in_all_of_them(folded: Session) -> None:
    most = max((trial.looks for trial in study_record(folded.study).trials), key=len)
    assert [(look.length, look.folds) for look in most][:3] == [(0.5, 1), (2.0, 1), (2.0, 5)]


def test_the_last_look_is_a_whole_training_and_completes(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    session = session_in(memory, small(small_study, *FIT, "training.epochs=4"), places)
    session.study.set_user_attr(FIRST_LOOK, 1.0)
    searched(session, clock)
    record = study_record(session.study)
    whole = [trial for trial in record.trials if trial.state == "complete"]
    assert whole
    for trial in whole:
        assert trial.looks[-1].length == 4
        assert trial.values == (trial.looks[-1].value,)
        assert trial.recipe is not None
        assert trial.recipe.training.lean_epochs == 0
    assert all(trial.state != "complete" for trial in record.trials if trial.looks and trial.looks[-1].length < 4)


def test_a_study_has_one_ladder_in_all_calls(
    memory: BaseStorage, study: StudyFile, places: Places, clock: Clock
) -> None:
    for seconds in (100.0, 10_000.0):
        first_looks(session_in(memory, study, places), clock, 3, seconds)
    trials = read_study(memory, "small").trials
    assert len(trials) == 6
    assert len({trial.looks[0].length for trial in trials}) == 1


def test_first_looks_have_as_many_examples_as_rank_recipes(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    session = session_in(memory, small(small_study, *FIT, "training.epochs=400", "network.widths=[5]"), places)
    first_looks(session, clock, 1)
    (trial,) = study_record(session.study).trials
    assert trial.recipe is not None
    examples = session.preflight.work(trial.recipe).examples
    assert first_look_length(session) * examples >= FEWEST_EXAMPLES


def looks_at_widths(session: Session, clock: Clock, widths: Sequence[int], seconds: float) -> list[Look]:
    """The first looks at recipes of these widths."""
    session.study.set_user_attr("starts", [{"network.widths[0]": width} for width in widths])
    first_looks(session, clock, len(widths), seconds)
    return [each.looks[0] for each in sorted(study_record(session.study).trials, key=lambda each: each.start or 0)]


def test_where_time_limits_refits_looks_of_one_rung_cost_the_same(
    memory: BaseStorage, study: StudyFile, places: Places, clock: Clock
) -> None:
    """An epoch takes two, five and ten seconds; a refit has no time for forty. Slower recipes have fewer epochs."""
    session = session_in(memory, study, places)
    looks = looks_at_widths(session, clock, (200, 500, 1000), 120.0)
    assert len({look.length for look in looks}) == 1
    assert looks[0].epochs > looks[-1].epochs
    seconds = [pace_of(session, 40, each) * each for each in (2.0, 5.0, 10.0)]
    assert seconds == pytest.approx([seconds[0]] * 3, rel=0.001)


def test_where_refits_have_time_for_all_epochs_looks_of_one_rung_have_equally_many(
    memory: BaseStorage, study: StudyFile, places: Places, clock: Clock
) -> None:
    looks = looks_at_widths(session_in(memory, study, places), clock, (200, 500, 1000), 3600.0)
    assert [look.pace for look in looks] == pytest.approx([1.0] * 3, rel=0.01)
    assert len({look.length for look in looks}) == 1


def test_an_interrupted_look_goes_on_in_the_next_call(
    memory: BaseStorage, study: StudyFile, places: Places, clock: Clock
) -> None:
    class Hasty(Notes):
        def began(self, number: int, recipe: Recipe, continues: int | None) -> None:
            super().began(number, recipe, continues)
            self.is_longer = continues is not None

        def advanced(self, number: int, event: Epoch | Pulse) -> None:
            if self.is_longer and isinstance(event, Epoch):
                loop.stop("interrupt")

    session = session_in(memory, study, places, listener=Hasty())
    session.study.set_user_attr(FIRST_LOOK, 0.5)
    loop = Loop(session, Paced(clock, errors=ERRORS), Minutes(600.0, 1))
    assert loop.run(10**9, 600.0) == "interrupt"
    (before,) = (training for training in session.trainings() if training.state == "interrupted")
    after = session_in(memory, study, places)
    first_looks(after, clock, 1)
    assert isinstance(after.listener, Notes)
    assert after.listener.began_trials[0][1] == before.last.number
    (trial,) = (each for each in read_study(memory, "small").trials if each.first == before.first)
    continued = session.study.trials[after.listener.began_trials[0][0]]
    assert continued.user_attrs["key"] == before.attributes["key"], "the same look"
    assert trial.looks[1].length == pytest.approx(FACTOR * trial.looks[0].length, rel=0.01)


def test_what_is_known_of_a_recipe_is_that_of_its_last_ended_look(
    memory: BaseStorage, study: StudyFile, places: Places, clock: Clock
) -> None:
    """Also while a longer one runs, or once it was interrupted: the time of an epoch does not change with it."""
    session = session_in(memory, study, places)
    first_looks(session, clock, 1)
    ladder = ladder_of(session)
    assert ladder is not None
    (training,) = session.trainings()
    (before,) = study_record(session.study).ranking
    running = continue_training(session, training, longer_look(session, training, ladder))
    assert running is not None
    (during,) = study_record(session.study).ranking
    running.stop = "interrupted"
    running.end(running.partial_result(), "the search was ended")
    (after,) = study_record(session.study).ranking
    for each in (during, after):
        assert (each.recipe, each.result, each.looks) == (before.recipe, before.result, before.looks)
        ((now,), (then,)) = (ranked_trials(session, [trial]) for trial in (each, before))
        assert now.epoch_seconds == then.epoch_seconds
    assert [each.state for each in (during, after)] == ["running", "interrupted"]
    (training,) = session.trainings()
    again = continue_training(session, training)
    assert again is not None
    assert again.recipe == running.recipe, "what goes on is the longer look"


def test_all_epochs_of_a_longer_look_are_shown(
    memory: BaseStorage, study: StudyFile, places: Places, clock: Clock
) -> None:
    """The numbers of its rungs are no epochs that were shown before."""
    session = session_in(memory, study, places)
    first_looks(session, clock, 1)
    ladder, notes = ladder_of(session), session.listener
    assert ladder is not None
    assert isinstance(notes, Notes)
    (training,), before = session.trainings(), notes.epochs
    running = continue_training(session, training, longer_look(session, training, ladder))
    assert running is not None
    executor = Paced(clock)
    executor.submit(running.number, running.job, running.watch)
    list(executor.answers(0.0))
    assert notes.epochs - before == running.recipe.training.epochs


def test_two_processes_do_not_take_the_same_longer_look(
    memory: BaseStorage, study: StudyFile, places: Places, clock: Clock
) -> None:
    first_looks(session_in(memory, study, places), clock, 2)
    both = [session_in(memory, study, places) for _ in range(2)]
    (training, _), ladder = both[0].trainings(), ladder_of(both[0])
    assert ladder is not None
    taken = [continue_training(each, training, longer_look(each, training, ladder)) for each in both]
    assert [each is not None for each in taken] == [True, False]
    assert [len(each.segments) for each in both[0].trainings()] == [2, 1]
    budget = Minutes(600.0, 1)
    now = situation(both[1], ladder, both[1].trainings(), budget, SearchClock(both[1], budget, 600.0))
    assert [each.is_open for each in now.contenders] == [False, True], "its longer look runs already"


def test_two_loops_on_one_study_have_no_look_twice(
    memory: BaseStorage, study: StudyFile, places: Places, clock: Clock
) -> None:
    """One searches while the other one trains."""

    class Sharing(Paced):
        def answers(self, seconds: float):  # type: ignore[no-untyped-def]
            if len(self.trained) == 10 and not others:
                others.append(session_in(memory, study, places))
                searched(others[0], clock, 60.0, trials=16)
            yield from super().answers(seconds)

    others: list[Session] = []
    session = session_in(memory, study, places)
    session.study.set_user_attr(FIRST_LOOK, 0.5)
    Loop(session, Sharing(clock, errors=ERRORS), Minutes(200.0, 1)).run(10**9, 200.0)
    assert others
    assert isinstance(others[0].listener, Notes)
    assert others[0].listener.began_trials
    looks = [(trial.first, look.length) for trial in read_study(memory, "small").trials for look in trial.looks]
    assert len(looks) == len(set(looks))


WIDE = (*FIT, "network.widths=[{choice=[4, 4000]}, {choice=[4, 4000]}]", "search.sampler=random")
"""Only a network with two wide layers has many parameters."""


def widths(trial: TrialRecord) -> tuple[int, int]:
    """The widths of its layers."""
    return trial.params["network.widths[0]"], trial.params["network.widths[1]"]


def test_slow_recipes_get_no_more_of_the_time_than_fast_ones(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    """A quarter of the space costs more than an eighth of the search, half of it less than a fair share."""
    session = session_in(
        memory, small(small_study, *FIT, "network.widths=[{choice=[4, 4000]}, {low=4, high=9}]"), places
    )
    session.study.set_user_attr("starts", [{"network.widths[0]": 4, "network.widths[1]": 4}])
    session.study.set_user_attr(FIRST_LOOK, 30.0)
    searched(session, clock, 100.0, trials=9)
    trials = study_record(session.study).trials
    assert trials[0].looks
    wide = [trial for trial in trials if widths(trial)[0] == 4000]
    assert len(wide) <= 3


def test_of_slow_recipes_alone_the_cheapest_is_tried(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    session = session_in(memory, small(small_study, *FIT, "network.widths=[{low=3000, high=4000}, 4000]"), places)
    session.study.set_user_attr("starts", [{"network.widths[0]": 4000}])
    session.study.set_user_attr(FIRST_LOOK, 1.0)
    searched(session, clock, 1000.0, trials=2)
    _, second, *_ = study_record(session.study).trials
    assert 3000 <= second.params["network.widths[0]"] < 3500


def test_starts_are_worth_a_look_however_slow_they_are(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    session = session_in(memory, small(small_study, *WIDE), places)
    starts = [{"network.widths[0]": width, "network.widths[1]": width} for width in (4, 4000)]
    session.study.set_user_attr("starts", starts)
    session.study.set_user_attr(FIRST_LOOK, 30.0)
    searched(session, clock, 100.0, trials=2)
    first, second, *_ = study_record(session.study).trials
    assert second.recipe is not None
    assert not is_worth_its_price(session, second.recipe, Minutes(100.0, 1))
    assert [widths(each) for each in (first, second)] == [(4, 4), (4000, 4000)]
    assert second.state != "refused"


@pytest.mark.parametrize("seconds", [10.0, 20.0, 60.0])
def test_in_little_time_usual_recipes_are_not_refused(
    seconds: float, memory: BaseStorage, study: StudyFile, places: Places, clock: Clock
) -> None:
    session = session_in(memory, study, places)
    searched(session, clock, seconds)
    record = study_record(session.study)
    assert record.best is not None
    assert record.count("refused") == 0


def test_a_study_of_the_version_before_goes_on(
    memory: BaseStorage, study: StudyFile, places: Places, clock: Clock
) -> None:
    """Its trials have no looks: one was trained to its end, one paused, one was interrupted."""
    session = session_in(memory, study, places)
    executor = Paced(clock, errors=ERRORS)
    fixed = session_in(memory, replace_budget(study), places)
    Loop(fixed, executor).run(3, 1e9)
    before = read_study(memory, "small").trials
    assert [len(trial.looks) for trial in before] == [0, 0, 0]
    searched(session, clock, 600.0)
    record = read_study(memory, "small")
    assert [trial.state for trial in record.trials[:3]] == [trial.state for trial in before]
    assert sum(bool(trial.looks) for trial in record.trials) > 3
    assert record.best is not None


def replace_budget(file: StudyFile) -> StudyFile:
    """The study with fixed epochs."""
    return replace(file, budget=replace(file.budget, epochs="fixed"))


def test_diverged_looks_are_pruned_and_get_no_longer_ones(
    memory: BaseStorage, study: StudyFile, places: Places, clock: Clock
) -> None:
    class Diverging(Paced):
        def _result(self, recipe, watch):  # type: ignore[no-untyped-def]
            result = super()._result(recipe, watch)
            is_bad = recipe.network.widths[0] % 2
            return replace(result, ended="diverged", reason="the loss is not finite") if is_bad else result

    session = session_in(memory, study, places)
    session.study.set_user_attr(FIRST_LOOK, 0.5)
    Loop(session, Diverging(clock, errors=ERRORS), Minutes(200.0, 1)).run(10**9, 200.0)
    odd = [each for each in study_record(session.study).trials if each.params["network.widths[0]"] % 2]
    assert odd
    assert all(not trial.looks and len(trial.numbers) == 1 for trial in odd)
    states = {session.study.trials[trial.number].state for trial in odd}
    assert states == {TrialState.PRUNED}
    assert all(each.params["network.widths[0]"] % 2 == 0 for each in study_record(session.study).ranking)


def test_the_epoch_time_is_that_of_a_whole_epoch(whole: Session) -> None:
    """Looks whose epochs are shorter have the same."""
    for trial in study_record(whole.study).ranking:
        width = trial.params["network.widths[0]"]
        assert epoch_seconds(whole, trial) == pytest.approx(0.01 * width, rel=0.1)


@pytest.mark.parametrize(
    ("objective", "figures", "error"),
    [
        ("log_loss", {"accuracy": 0.9, "log_loss": 0.5, CALIBRATED: 0.2}, 0.2),
        ("log_loss", {"accuracy": 0.9, "log_loss": 0.5}, 0.5),
        ("accuracy", {"accuracy": 0.9, "log_loss": 0.5, CALIBRATED: 0.2}, 0.1),
        ("accuracy", {"accuracy": 1.0}, 0.01),
    ],
)
def test_recipes_are_compared_by_what_they_are_worth_once_calibrated(
    objective: str, figures: dict[str, float], error: float, whole: Session
) -> None:
    """The stored value is the objective's. An error of 0 would have no logarithm: it is that of half of the 50 validation examples."""
    session = replace(whole, file=replace(whole.file, objectives=(f"validation_{objective}",)))
    (_, recipe), *_ = session.file.corners
    epoch = replace(an_epoch(1), validation=Scores(loss=0.7, figures=figures))
    fold = FoldResult(epochs=(epoch,), kept=1)
    result = Result(folds=(fold,), ended="finished", reason="", parameters=9, seconds=1.0)
    look = what_it_shows(session, recipe, result, Rung(1, 0.5, 1, is_last=False))
    assert look.value == figures[objective]
    assert look.error == pytest.approx(error)


def test_what_an_epoch_took_is_not_kept_while_the_next_look_runs(whole: Session) -> None:
    trial = replace(study_record(whole.study).ranking[0], number=10**7)
    assert trial.result is not None
    folds = [
        replace(fold, epochs=tuple(replace(each, seconds=2 * each.seconds) for each in fold.epochs))
        for fold in trial.result.folds
    ]
    slower = replace(trial, result=replace(trial.result, folds=tuple(folds)))
    before = epoch_seconds(whole, replace(trial, state="running"))
    assert epoch_seconds(whole, slower) == pytest.approx(2 * before)
    assert epoch_seconds(whole, trial) == pytest.approx(2 * before), "of the trial that has ended"


def test_what_an_epoch_took_on_another_device_is_no_price_here(whole: Session) -> None:
    """The estimates of this device are, once it has trained: here an epoch takes a hundredth of a second for each unit."""
    trial = study_record(whole.study).ranking[0]
    assert trial.result is not None
    slow = [
        replace(fold, epochs=tuple(replace(each, seconds=100 * each.seconds) for each in fold.epochs))
        for fold in trial.result.folds
    ]
    elsewhere, number = {"device": "NVIDIA H200 × 1"}, 10**6  # of no trial here
    theirs = replace(trial, number=number, result=replace(trial.result, folds=tuple(slow)), environment=elsewhere)
    here = epoch_seconds(whole, trial)
    assert epoch_seconds(whole, theirs) == pytest.approx(here, rel=0.3)
    assert epoch_seconds(whole, replace(theirs, environment={"device": "cpu"})) == pytest.approx(100 * here)
    unused = replace(whole, preflight=replace(whole.preflight, costs=Costs()))
    assert epoch_seconds(unused, theirs) == pytest.approx(100 * here)
