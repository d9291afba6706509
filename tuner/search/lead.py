"""Who leads a study: a call of `optimize`, which says until when the search goes on, and confirms the winner at its end. Workers join
it from anywhere (`tuner worker`); the last of them leads where nobody does any more."""

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import optuna

from tuner.refit.session import Session
from tuner.storage.leases import Lock
from tuner.study import StudyFile
from tuner.study.settings import NO_LIMIT

GOAL = "goal"
"""Attribute of a study with the goal of the call that leads it, or led it last."""


@dataclass(frozen=True)
class Goal:
    """Until when a search goes on: for so many `trials` in all, for the `seconds` of a call, of which some are `left`, and while further
    trials are expected to bring at least `enough`."""

    trials: int
    seconds: float
    left: float
    enough: float = 0.0

    @staticmethod
    def of(study: optuna.Study, file: StudyFile) -> "Goal":
        """The goal that the last leader has stored; of a study that an older version searched, the file's budget."""
        seconds = 60 * file.budget.minutes
        plain: Mapping[str, Any] = study.user_attrs.get(GOAL, {})
        return Goal(**{"trials": file.budget.trials or NO_LIMIT, "seconds": seconds, "left": seconds, **plain})


class Lead:
    """The lead of a study with a goal, whose seconds began at `started` by the monotonic clock."""

    def __init__(self, session: Session, goal: Goal, started: float) -> None:
        self.session, self.goal, self.started = session, goal, started
        self.is_finished, self.storing = False, threading.Lock()
        self.lock = Lock(session.study, "leading", session.leases)
        _ = self.lock.others  # whether the last leader is gone can be seen from now on

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lead, beside others that may do so too. What is left of the seconds is stored every few seconds."""
        self._store()
        with self.lock.announced(self._store):
            yield

    def finish(self) -> None:
        """Store that nothing is left of the seconds: whoever joins later has nothing to do."""
        self.is_finished = True
        self._store()

    def leader(self) -> str:
        """The machine that leads the study or still trains for it; empty if this process may lead. That nobody leads is known once the
        last leader's lease has expired."""
        running = [each.last for each in self.session.swept_trainings() if each.state == "running"]
        known: dict[str, Mapping[str, Any]] = {}
        while not running:
            if self.lock.take():
                return ""
            now = self.lock.others
            renewed = [lease["host"] for name, lease in now.items() if known.get(name, lease) != lease]
            if renewed:
                return str(renewed[0])
            known = now
            time.sleep(random.uniform(0.5, 1.5))
        return str(running[0].user_attrs.get("lease", {}).get("host", "another machine"))

    def _store(self) -> None:
        """Store what is left of the seconds; one at a time, since another thread does so while this one leads."""
        with self.storing:
            left = 0.0 if self.is_finished else max(0.0, self.goal.seconds - (time.monotonic() - self.started))
            self.session.study.set_user_attr(GOAL, asdict(replace(self.goal, left=round(left, 1))))
