"""Leases on running trials. A trial's process renews its lease; a trial whose lease is no longer renewed is marked as interrupted
and continues in another process.

Clocks are not compared, for those of two machines differ and one may be set: a lease has expired when an observer has not seen it
change for `LEASE_SECONDS`. An observer that could not look for half that time, because the storage did not answer or the machine
slept, begins anew: the others may not have been able to renew theirs either.
"""

import math
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import optuna
from optuna.exceptions import OptunaError, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from tuner.base.errors import TunerError
from tuner.storage import private
from tuner.storage.records import store_failure

LEASE_SECONDS = 20.0
GAP_SECONDS = 5.0
"""A shorter gap between two observations is that of a loaded machine."""


class Leases:
    """The trials that this process holds, and its observations of other processes' trials. `unclear` are the numbers of running
    trials that began before this process did and whose processes may be dead."""

    def __init__(self, study: optuna.Study, seconds: float = LEASE_SECONDS) -> None:
        self.study = study
        self.seconds = seconds
        self.owner = uuid4().hex[:12]
        self.held: dict[int, optuna.Trial] = {}
        self.renewed = self.awake = time.monotonic()
        self.observed: dict[int | str, tuple[Any, float]] = {}
        self.there_before: set[int] | None = None
        self.alive: set[str] = set()
        self.unclear: set[int] = set()

    @property
    def own_numbers(self) -> tuple[int, ...]:
        """A number of this process's own, once another process has been seen at work on the study."""
        return (int(self.owner, 16),) if self.alive else ()

    @property
    def renew_seconds(self) -> float:
        """How often a lease is renewed."""
        return self.seconds / 5

    def lease(self) -> dict[str, Any]:
        """The lease that is stored with a trial of this process."""
        return {"owner": self.owner, "host": socket.gethostname(), "renewed": round(time.time(), 3)}

    def hold(self, trial: optuna.Trial) -> None:
        """Renew this trial's lease from now on."""
        self.held[trial.number] = trial

    def release(self, number: int) -> None:
        """Stop renewing a trial that has ended or belongs to another process now."""
        self.held.pop(number, None)

    def renew(self) -> None:
        """Renew the held leases if it is time to. A trial that another process has ended is released."""
        self._notice_gap()
        if time.monotonic() - self.renewed < self.renew_seconds:
            return
        self.renewed = time.monotonic()
        for number, trial in list(self.held.items()):
            try:
                trial.set_user_attr("lease", self.lease())
            except UpdateFinishedTrialError:
                self.release(number)

    def sweep(self, trials: Sequence[FrozenTrial]) -> list[int]:
        """Mark running trials with expired leases as interrupted; returns their numbers."""
        foreign = {
            trial.number: trial
            for trial in trials
            if trial.state == TrialState.RUNNING and trial.number not in self.held
        }
        if self.there_before is None:
            self.there_before = set(foreign)
        self.alive |= {_owner(trial) for number, trial in foreign.items() if number not in self.there_before}
        lost = [number for number, trial in foreign.items() if self.is_over(number, trial.user_attrs.get("lease"))]
        for number in lost:
            self._interrupt(foreign[number])
        doubtful = (self.there_before & foreign.keys()) - set(lost)
        self.unclear = {number for number in doubtful if _owner(foreign[number]) not in self.alive}
        return lost

    def is_over(self, what: int | str, lease: Mapping[str, Any] | None) -> bool:
        """Whether this lease has expired; each call is an observation."""
        self._notice_gap()
        now = time.monotonic()
        before, since = self.observed.setdefault(what, (lease, now))
        if before == lease:
            return now - since > self.seconds
        self.observed[what] = (lease, now)
        self.alive |= {lease["owner"]} if lease else set()
        return False

    def _notice_gap(self) -> None:
        before, self.awake = self.awake, time.monotonic()
        if self.awake - before > max(self.seconds / 2, GAP_SECONDS):
            self.observed.clear()

    def _interrupt(self, trial: FrozenTrial) -> None:
        host = trial.user_attrs.get("lease", {}).get("host", "unknown")
        with suppress(UpdateFinishedTrialError, ValueError):  # another process swept it
            store_failure(private.open_trial(self.study, trial), f"its process on {host} is gone", ended="interrupted")
            self.study.tell(trial.number, state=TrialState.FAIL)


def _owner(trial: FrozenTrial) -> str:
    return str(trial.user_attrs.get("lease", {}).get("owner", ""))


class Lock:
    """A step that one process at a time does, such as refitting. A process announces itself in an attribute of its own, and has
    the lock if it then sees no other announcement that is renewed. Of two processes that announce themselves at once, at least
    one sees the other, however slow the storage is."""

    def __init__(self, study: optuna.Study, name: str, leases: Leases) -> None:
        self.study, self.name, self.leases = study, f"turn: {name}", leases
        self.renewed, self.has_lapsed = math.inf, False

    def take(self) -> bool:
        """Try to acquire it: False while another process has it and renews it."""
        if self.others:
            return False
        self.renew()
        if not self.others:
            self.has_lapsed = False
            return True
        self.release()
        return False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for it and hold it; a thread renews it, so that it stands however long the steps of the body take. If the storage does
        not answer that thread for longer than a lease, another process may have taken it: see `is_ours`."""
        while not self.take():
            time.sleep(random.uniform(0.5, 1.5))
        with self.announced():
            yield

    @contextmanager
    def announced(self, renewed: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Announce this process without asking whether another one has the lock. A thread renews that, and calls `renewed`."""
        self.renew()
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew_until, args=(ended, renewed), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join()
            self.release()

    @property
    def is_ours(self) -> bool:
        """Whether this process holds it still. If it was not renewed in time, it is taken again unless another process has it."""
        return not (self.has_lapsed or self._is_late) or self.take()

    def renew(self) -> None:
        """Announce this process, or say that it is still there."""
        began = time.monotonic()
        self.study.set_user_attr(self._own, self.leases.lease())
        self.has_lapsed = self.has_lapsed or self._is_late
        self.renewed = began

    def release(self) -> None:
        """Withdraw this process's announcement."""
        self.study.set_user_attr(self._own, None)

    @property
    def _own(self) -> str:
        return f"{self.name} {self.leases.owner}"

    @property
    def _is_late(self) -> bool:
        return time.monotonic() - self.renewed > self.leases.seconds

    @property
    def others(self) -> dict[str, Mapping[str, Any]]:
        """The announcements of other processes that have not expired; each look is an observation."""
        known = {name: lease for name, lease in self.study.user_attrs.items() if name.startswith(self.name) and lease}
        known.pop(self._own, None)
        return {name: lease for name, lease in known.items() if not self.leases.is_over(name, lease)}

    def _renew_until(self, ended: threading.Event, renewed: Callable[[], None]) -> None:
        while not ended.wait(self.leases.renew_seconds):
            with suppress(OptunaError, OSError, TunerError):  # the storage may be back in time
                self.renew()
                renewed()
