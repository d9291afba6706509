"""Leases and locks by a clock of the test's own: who is taken to be gone, and when."""

import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import optuna
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from tests.support.fakes import Clock
from tuner.storage.leases import Leases, Lock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that leases go by."""
    clock = Clock()
    monkeypatch.setattr("tuner.storage.leases.time", clock)
    return clock


@pytest.fixture
def study() -> optuna.Study:
    """A study in memory."""
    return optuna.create_study()


def watch(leases: Leases, clock: Clock, seconds: float) -> None:
    """Let time pass for a process that looks at the clock all the while."""
    end = clock.now + seconds
    while clock.now < end:
        clock.now = min(end, clock.now + leases.seconds / 4)
        leases.renew()


def begun(study: optuna.Study, leases: Leases) -> optuna.Trial:
    """A trial with the lease of a process that does not hold it yet."""
    trial = study.ask()
    trial.set_user_attr("lease", leases.lease())
    return trial


def test_a_lease_names_its_process_and_the_moment(clock: Clock, study: optuna.Study) -> None:
    leases = Leases(study)
    assert leases.lease() == {"owner": leases.owner, "host": socket.gethostname(), "renewed": 1000.123}
    assert leases.owner != Leases(study).owner


def test_a_lease_that_has_not_changed_for_twenty_seconds_is_over(clock: Clock, study: optuna.Study) -> None:
    looking, lease = Leases(study), Leases(study).lease()
    clock.now = 1004.0
    assert not looking.is_over(0, lease)
    watch(looking, clock, 20.0)
    assert not looking.is_over(0, lease), "exactly so long is not longer"
    clock.now = 1024.25
    assert looking.is_over(0, lease)
    assert looking.alive == set()


def test_a_lease_that_changes_is_not_over_and_is_looked_at_anew(clock: Clock, study: optuna.Study) -> None:
    looking, owner = Leases(study, seconds=2.0), Leases(study)
    assert not looking.is_over(0, owner.lease())
    watch(looking, clock, 1.75)
    renewed = owner.lease()
    assert not looking.is_over(0, renewed)
    assert looking.alive == {owner.owner}
    watch(looking, clock, 1.75)
    assert not looking.is_over(0, renewed)
    clock.sleep(0.5)
    assert looking.is_over(0, renewed)


@pytest.mark.parametrize("lease", [None, {"renewed": 0.0}, {"renewed": 1e12}], ids=["none", "behind", "ahead"])
def test_clocks_that_differ_cost_no_lease(clock: Clock, study: optuna.Study, lease: Any) -> None:
    """A process whose clock is years behind or ahead is watched as long as any other."""
    clock.now = 5000.0
    lease = lease and {"owner": "another", **lease}
    looking = Leases(study)
    assert not looking.is_over(0, lease)
    watch(looking, clock, 19.75)
    assert not looking.is_over(0, lease)
    watch(looking, clock, 0.75)
    assert looking.is_over(0, lease)


@pytest.mark.parametrize("seconds", [-660.0, 660.0])
def test_a_clock_that_is_set_while_trials_run_interrupts_none_of_them(
    study: optuna.Study, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Set(Clock):
        ahead = 0.0

        def time(self) -> float:
            return self.now + self.ahead

    monkeypatch.setattr("tuner.storage.leases.time", clock := Set())
    looking, owner = Leases(study), Leases(study)
    owner.hold(trial := begun(study, owner))
    assert looking.sweep(study.trials) == []
    clock.ahead = seconds
    for _ in range(8):
        clock.sleep(4.0)
        owner.renew()
        assert looking.sweep(study.trials) == []
    late = Leases(study)
    assert late.sweep(study.trials) == []
    watch(looking, clock, 20.25)
    assert looking.sweep(study.trials) == [trial.number]


def test_what_is_held_is_renewed_five_times_in_its_time(clock: Clock, study: optuna.Study) -> None:
    clock.now = 1000.0
    leases, trial, left = Leases(study, seconds=10.0), study.ask(), study.ask()
    leases.hold(trial)
    leases.hold(left)
    leases.release(left.number)
    leases.release(99)
    renewed = []
    for now in (1001.75, 1002.0, 1003.75, 1004.0):
        clock.now = now
        leases.renew()
        renewed.append(study.trials[0].user_attrs.get("lease", {}).get("renewed"))
    assert renewed == [None, 1002.0, 1002.0, 1004.0]
    assert "lease" not in study.trials[1].user_attrs


def test_a_trial_that_was_taken_is_renewed_no_more_and_the_others_are(clock: Clock, study: optuna.Study) -> None:
    leases, taken, kept = Leases(study), study.ask(), study.ask()
    leases.hold(taken)
    leases.hold(kept)
    study.tell(taken.number, state=TrialState.FAIL)
    clock.sleep(5.0)
    leases.renew()
    assert list(leases.held) == [kept.number]
    assert study.trials[1].user_attrs["lease"]["renewed"] == 1005.123


def test_a_sweep_takes_what_is_lost_and_nothing_else(clock: Clock, study: optuna.Study) -> None:
    looking, other, dead = (Leases(study, seconds=2.0) for _ in range(3))
    own, lost, alive, ended = (begun(study, each) for each in (looking, dead, other, dead))
    looking.hold(own)
    other.hold(alive)
    study.tell(ended.number, 0.5)
    assert looking.sweep(study.trials) == []
    assert looking.unclear == {lost.number, alive.number}
    watch(looking, clock, 1.75)
    other.renew()
    assert looking.sweep(study.trials) == []
    assert looking.unclear == {lost.number}
    clock.sleep(0.5)
    unknown = study.ask()
    assert looking.sweep(study.trials) == [lost.number]
    assert looking.unclear == set(), "whoever has just begun something lives"
    swept = study.trials[lost.number]
    assert (swept.state, swept.user_attrs["ended"]) == (TrialState.FAIL, "interrupted")
    assert swept.user_attrs["reason"] == f"its process on {socket.gethostname()} is gone"
    assert [trial.state.name for trial in study.trials] == ["RUNNING", "FAIL", "RUNNING", "COMPLETE", "RUNNING"]
    watch(looking, clock, 1.0)
    other.renew()
    looking.sweep(study.trials)
    watch(looking, clock, 1.75)
    assert looking.sweep(study.trials) == [unknown.number]
    assert study.trials[unknown.number].user_attrs["reason"] == "its process on unknown is gone"


def test_what_another_process_swept_in_the_meantime_disturbs_nobody(clock: Clock, study: optuna.Study) -> None:
    lost, also = (begun(study, Leases(study)) for _ in range(2))
    looking, before = Leases(study, seconds=2.0), study.trials
    assert looking.sweep(before) == []
    study.tell(lost.number, state=TrialState.FAIL)
    watch(looking, clock, 2.5)
    assert looking.sweep(before) == [lost.number, also.number]
    assert study.trials[also.number].state == TrialState.FAIL


def test_a_lock_is_one_processs_until_it_is_released(study: optuna.Study) -> None:
    mine, theirs = (Lock(study, "confirmation", Leases(study)) for _ in range(2))
    assert mine.take()
    assert mine.take(), "whoever has it may ask again"
    assert not theirs.take()
    mine.release()
    assert theirs.take()
    assert not mine.take()
    assert Lock(study, "another step", Leases(study)).take()


def test_of_two_that_announce_themselves_at_once_both_withdraw(study: optuna.Study) -> None:
    """However long a write takes: the other one's announcement comes between this one's look and its write."""
    mine, theirs = (Lock(study, "confirmation", Leases(study)) for _ in range(2))

    class Slow(Leases):
        def lease(self) -> dict[str, Any]:
            theirs.renew()
            return super().lease()

    slow = Lock(study, "confirmation", Slow(study))
    assert not slow.take()
    assert theirs.take(), "the first has withdrawn"
    assert not mine.take()


def test_a_lock_is_lost_when_it_is_not_renewed(clock: Clock, study: optuna.Study) -> None:
    mine, theirs = (Lock(study, "confirmation", Leases(study, seconds=10.0)) for _ in range(2))
    assert mine.take()
    assert not theirs.take()
    watch(theirs.leases, clock, 9.0)
    mine.renew()
    assert not theirs.take()
    watch(theirs.leases, clock, 10.0)
    assert not theirs.take(), "exactly so long is not longer"
    clock.sleep(0.25)
    assert theirs.take()
    mine.release()
    assert not mine.take(), "a lock that was lost is not released for its new holder"


def test_a_lock_of_the_version_before_is_respected(clock: Clock, study: optuna.Study) -> None:
    study.set_user_attr("turn: confirmation", Leases(study).lease())
    lock = Lock(study, "confirmation", Leases(study))
    assert not lock.take()
    watch(lock.leases, clock, 20.25)
    assert lock.take()


def test_an_observer_that_could_not_look_begins_anew(clock: Clock, study: optuna.Study) -> None:
    """In an outage of the storage nobody can renew a lease: whoever comes back first takes nothing from the others."""
    looking, lease = Leases(study), Leases(study).lease()
    assert not looking.is_over(0, lease)
    clock.sleep(60.0)
    assert not looking.is_over(0, lease)
    watch(looking, clock, 20.25)
    assert looking.is_over(0, lease)


def test_a_holder_that_could_not_renew_its_lock_asks_for_it_again(clock: Clock, study: optuna.Study) -> None:
    mine, theirs = (Lock(study, "confirmation", Leases(study)) for _ in range(2))
    assert mine.take()
    assert mine.is_ours
    clock.sleep(20.25)
    assert mine.is_ours, "nobody took it"
    assert not theirs.take()
    watch(theirs.leases, clock, 20.25)
    assert theirs.take()
    mine.renew()
    assert not mine.is_ours
    theirs.release()
    assert mine.is_ours


def test_of_two_that_ask_at_once_never_both_get_a_lock_however_slow_writes_are() -> None:
    """Writes of up to 3 s, a thousand times as fast, in 50 tries. Two that both withdraw ask again."""

    class Slow(InMemoryStorage):
        def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
            time.sleep(random.choice((0.0, 0.001, 0.003)))
            super().set_study_user_attr(study_id, key, value)
            time.sleep(random.choice((0.0, 0.001, 0.003)))

    study, holders = optuna.create_study(storage=Slow()), []
    for _ in range(50):
        locks = [Lock(study, "confirmation", Leases(study)) for _ in range(2)]
        count = 0
        while not count:
            with ThreadPoolExecutor(2) as pool:
                count = sum(pool.map(Lock.take, locks))
        holders.append(count)
        for each in locks:
            each.release()
    assert holders == [1] * 50


def test_a_lock_is_renewed_while_its_holder_is_busy(study: optuna.Study) -> None:
    mine, theirs = (Lock(study, "confirmation", Leases(study, seconds=2.0)) for _ in range(2))
    with mine.held():
        for _ in range(10):
            assert not theirs.take()
            time.sleep(0.3)
    assert theirs.take()


def test_a_lock_is_released_after_an_error(study: optuna.Study) -> None:
    mine, theirs = (Lock(study, "confirmation", Leases(study)) for _ in range(2))
    with pytest.raises(KeyboardInterrupt), mine.held():
        raise KeyboardInterrupt
    assert theirs.take()
