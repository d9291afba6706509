"""Mutations of the best trial among the proposals."""

from pathlib import Path

import pytest
from optuna.storages import BaseStorage

from tests.support.fakes import Clock, Invented, session_in
from tests.support.searches import small
from tuner.base.errors import StudyError
from tuner.data.sources import Places
from tuner.search.loop import Loop
from tuner.search.proposals import Proposer
from tuner.storage import study_record

WIDE = (
    "network.widths={repeat={low=3, high=6}, each={low=2, high=1000}}",
    "training.batch_size={low=2, high=100}",
    "training.optimizer={kind='sgd', learning_rate={low=1e-4, high=0.1, log=true}, momentum={low=0.0, high=0.9}}",
)


def changed_shares(memory: BaseStorage, path: Path, places: Places, clock: Clock, near: float) -> list[float]:
    """The share of the parameters of the best of three trials that each of the next proposals changes."""
    context = session_in(memory, small(path, *WIDE, f"search.near={near}"), places)
    Loop(context, Invented(clock)).run(3, 60.0)
    best = study_record(context.study).best
    assert best is not None
    proposals = list(Proposer(context).proposals(context.trainings()))[:5]
    return [
        sum(each.params.get(name) != value for name, value in best.params.items()) / len(best.params)
        for each in proposals
    ]


def test_a_mutation_of_the_best_trial_changes_few_parameters(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    shares = changed_shares(memory, small_study, places, clock, 1.0)
    assert sum(shares) / len(shares) < 0.6
    assert any(share > 0 for share in shares)


def test_other_proposals_change_nearly_all_parameters(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    assert min(changed_shares(memory, small_study, places, clock, 0.0)) > 0.7


def test_near_is_a_share(small_study: Path) -> None:
    with pytest.raises(StudyError, match=r"search.near: must be between 0 and 1, got 2"):
        small(small_study, "search.near=2")
