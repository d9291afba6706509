"""What one proposal costs in a large study, for `scale.py`: reading the trials, and the sampler. In memory, so that no storage counts."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, create_trial
from sampling import bare_session, one_trial, random_trials

from tuner.search.proposals import Proposer
from tuner.search.studies import open_study
from tuner.study import load
from tuner.study.places import find_study

DRAWN = 1000
"""So many trials are drawn from the space; a larger study has them several times, each with a key of its own."""

PROBES = {1000: 20, 10_000: 5, 1_000_000: 1}
"""How many trials are measured in studies of up to so many."""


def growth(sizes: Sequence[int]) -> dict[str, dict[str, float]]:
    """For studies of these sizes, in milliseconds of the processor: reading the trials, proposing, and all that a trial waits for."""
    found = {}
    for size in sizes:
        found[str(size)] = measured(size)
        print(f"{size} trials: {found[str(size)]}", flush=True)
    return found


def measured(size: int) -> dict[str, float]:
    """The milliseconds in a study of this size, medians."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    name, path = find_study("fashion")
    study, file, _ = open_study(InMemoryStorage(), replace(load(path, name), name=f"{size} trials"))
    drawn = random_trials(file, min(size, DRAWN))
    for number in range(size):
        study.add_trial(copy_of(drawn[number % DRAWN], number))
    session = bare_session(study, file, None, Path("nowhere"))
    began = time.process_time()
    session.trainings()
    reading = time.process_time() - began
    proposer = Proposer(session)
    probes = next(count for largest, count in PROBES.items() if size <= largest)
    costs = [one_trial(session, proposer, time.process_time) for _ in range(probes)]
    return {
        "reading (ms)": round(1000 * reading, 1),
        "proposing (ms)": round(statistics.median(each.proposing for each in costs), 1),
        "a trial waits (ms)": round(statistics.median(each.waiting for each in costs), 1),
    }


def copy_of(trial: FrozenTrial, number: int) -> FrozenTrial:
    """The same trial with another key and another value."""
    assert trial.value is not None
    return create_trial(
        value=trial.value + 1e-9 * number,
        params=trial.params,
        distributions=trial.distributions,
        intermediate_values=trial.intermediate_values,
        user_attrs={**trial.user_attrs, "key": f"{number:016x}"},
    )
