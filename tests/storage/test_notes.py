"""Notes on trials in optuna-dashboard: why a trial ended where its training did not, and which one continues it."""

from pathlib import Path

import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from optuna_dashboard import get_note, save_note

from tests.support.fakes import Clock, Invented, session_in
from tests.support.searches import Notes, small
from tuner.data.sources import Places
from tuner.result import Epoch, Pulse
from tuner.search.loop import Loop
from tuner.storage import private, study_record
from tuner.storage.notes import note, write_notes
from tuner.storage.trainings import StoredTraining, attributes_of, trainings_of

PRUNED, FAIL, COMPLETE = TrialState.PRUNED, TrialState.FAIL, TrialState.COMPLETE
PAUSED = {"ended": "paused", "reason": "paused after epoch 1"}
ENDED = {"ended": "interrupted", "reason": "the search was ended (timeout)"}


def add(study: optuna.Study, state: TrialState, **marks: object) -> None:
    """One more trial."""
    study.add_trial(create_trial(state=state, user_attrs=marks, value=0.5 if state == COMPLETE else None))


def notes(study: optuna.Study) -> list[str]:
    """The notes on all trials, as the dashboard reads them."""
    write_notes(study, trainings_of(study.get_trials(deepcopy=False)))
    return [get_note(private.open_trial(study, trial)) for trial in study.get_trials(deepcopy=False)]


def test_a_trial_that_paused_or_was_interrupted_says_so_and_which_trial_continues_it() -> None:
    study = optuna.create_study()
    add(study, PRUNED, **PAUSED)
    assert notes(study) == ["Paused after epoch 1; continues if it is among the best of its rung."]
    add(study, FAIL, **ENDED, continues=0)
    begun = "Paused after epoch 1; continues as trial 1."
    interrupted = "Continues trial 0. Not failed but interrupted: the search was ended (timeout)"
    assert notes(study) == [begun, f"{interrupted}; continues in the next call."]
    add(study, COMPLETE, continues=1)
    assert notes(study) == [begun, f"{interrupted}; continues as trial 2.", "Continues trial 1."]


def test_a_trial_that_failed_has_its_reason_and_one_that_finished_no_note() -> None:
    study = optuna.create_study()
    add(study, COMPLETE)
    add(study, FAIL, ended="failed", reason="no memory")
    add(study, PRUNED, ended="refused", reason="needs 3 GB")
    add(study, FAIL, ended="died", reason="its process is gone")
    assert notes(study) == [
        "",
        "No memory",
        "Needs 3 GB",
        "Not failed but interrupted: its process is gone; continues in the next call.",
    ]


def test_a_trial_that_another_process_had_begun_is_no_failure() -> None:
    ended = {"ended": "superfluous", "reason": "it is another trial already"}
    training = StoredTraining((create_trial(state=FAIL, user_attrs=ended),))
    assert note(training, 0) == "Not failed and not counted: another process had begun the same recipe."


def test_a_note_that_somebody_wrote_stays_and_an_equal_one_is_not_written_again() -> None:
    study = optuna.create_study()
    add(study, PRUNED, **PAUSED)
    add(study, PRUNED, **PAUSED)
    save_note(private.open_trial(study, study.trials[1]), "my own")
    assert notes(study)[1] == "my own"
    before = dict(private.system_attributes(study))
    notes(study)
    assert private.system_attributes(study) == before
    add(study, COMPLETE, continues=1)
    assert notes(study)[1] == "my own"


def test_what_ended_twice_by_a_death_has_failed() -> None:
    died = [create_trial(state=FAIL, user_attrs={"ended": "died", "reason": "its process is gone"}) for _ in range(2)]
    numbered: list[FrozenTrial] = []
    for number, each in enumerate(died):
        each.number = number
        numbered.append(each)
    assert note(StoredTraining(tuple(numbered)), 1) == "Continues trial 0. Its process is gone"


def test_a_study_of_the_version_before_goes_on(small_study: Path, places: Places, clock: Clock) -> None:
    """There recipe, result and environment of a trial were user attributes."""
    file = small(small_study, 'search.pruner={kind="asha", min_epochs=1, factor=2}', "training.epochs=4")

    class Hasty(Notes):
        def advanced(self, number: int, event: Epoch | Pulse) -> None:
            if number == 1:
                loop.stop("interrupt")

    before = session_in(InMemoryStorage(), file, places, listener=Hasty())
    loop = Loop(before, Invented(clock))
    loop.run(4, 60.0)
    older = optuna.create_study(study_name="small", storage=(memory := InMemoryStorage()), direction="maximize")
    for name, value in {**before.study.user_attrs, "version": 1}.items():
        older.set_user_attr(name, value)
    for trial in before.study.get_trials():
        trial.user_attrs, trial.system_attrs = dict(attributes_of(trial)), {}
        older.add_trial(trial)
    assert study_record(older).trials == study_record(before.study).trials
    unfinished = [each.first for each in study_record(older).trials if each.state in ("pruned", "interrupted")]
    now = session_in(memory, file, places)
    Loop(now, Invented(clock)).run(4, 60.0)
    assert now.study.user_attrs["version"] == 2
    assert any(len(each.numbers) > 1 and each.first in unfinished for each in study_record(now.study).trials)
