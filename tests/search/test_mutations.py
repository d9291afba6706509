"""Mutations of the best trial among the proposals."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from optuna.storages import BaseStorage

from tests.support.fakes import Clock, Invented, Paced, session_in
from tests.support.searches import small
from tuner.base.errors import StudyError
from tuner.data.sources import Places
from tuner.refit.time_budget import Minutes
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


def test_most_mutations_change_continuous_parameters_only(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    """They gain more than others, and their looks need no new graph."""
    context = session_in(memory, small(small_study, *WIDE, "search.near=1.0"), places)
    Loop(context, Invented(clock)).run(1, 60.0)
    best = study_record(context.study).best
    assert best is not None
    changes = [
        {name for name, value in best.params.items() if each.params.get(name) != value}
        for each in Proposer(context).proposals(context.trainings())
    ]
    continuous = {"training.optimizer.learning_rate", "training.optimizer.momentum"}
    assert len(changes) / 2 < sum(each <= continuous for each in changes) < len(changes)
    assert set().union(*changes) > continuous


def test_other_proposals_change_nearly_all_parameters(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    assert min(changed_shares(memory, small_study, places, clock, 0.0)) > 0.7


def test_where_the_minutes_decide_several_of_the_best_are_mutated_the_likely_best_most_often(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    """Looks are uncertain: the best one is not known to be the best."""
    fit = 'budget.epochs="fit"', "budget.trials=0", "training.epochs=40", "search.near=0.0"
    context = session_in(memory, small(small_study, *WIDE, *fit), places)
    errors = {width: 0.1 + width / 2000 for width in range(2, 1001)}
    Loop(context, Paced(clock, errors=errors), Minutes(3000.0, 1)).run(12, 3000.0)
    ranking = study_record(context.study).ranking
    assert len(ranking) > 5
    proposer = Proposer(context)
    proposer.near = 1.0
    mutated = [
        max(range(len(ranking)), key=lambda place: _shared(ranking[place].params, each.params))
        for each in proposer.proposals(context.trainings())
    ]
    assert len(set(mutated)) > 1
    assert mutated.count(0) == max(map(mutated.count, mutated))
    assert max(mutated) < len(ranking) / 2, "those that are certainly worse are not"


@pytest.mark.parametrize("is_certain", [False, True])
def test_a_kind_of_networks_that_is_behind_is_mutated_until_that_is_certain(
    is_certain: bool, memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    """Kinds differ in how fast they learn: here all dense networks are ahead of all others, a little or by much."""
    kinds = (
        "{kind='dense', widths=[{low=2, high=100}], hidden={dropout={low=0.0, high=0.5}}}",
        "{kind='staged', filters=[16], widths=[{low=500, high=1000}], hidden={dropout={low=0.0, high=0.5}}}",
    )
    fit = 'budget.epochs="fit"', "budget.trials=0", "training.epochs=40", "search.near=0.0", "data.name='digits'"
    context = session_in(memory, small(small_study, f"network={{one_of=[{', '.join(kinds)}]}}", *fit), places)
    errors = {width: 0.1 + width / (2000 if is_certain else 100_000) for width in range(2, 1001)}
    Loop(context, Paced(clock, errors=errors), Minutes(3000.0, 1)).run(16, 3000.0)
    proposer = Proposer(context)
    proposer.near = 1.0
    mutated = [each.params["network.kind"] for each in proposer.proposals(context.trainings())]
    assert (mutated.count("staged") < 3) == is_certain
    assert mutated.count("dense") > 2


def _shared(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    return sum(other.get(name) == value for name, value in one.items())


def test_near_is_a_share(small_study: Path) -> None:
    with pytest.raises(StudyError, match=r"search.near: must be between 0 and 1, got 2"):
        small(small_study, "search.near=2")


@pytest.mark.parametrize("near", [0.0, 1.0])
def test_processes_that_read_the_same_trials_propose_different_recipes(
    near: float, memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    """Once they know of each other; eight workers had begun seven superfluous trials for each one."""
    file = small(small_study, *WIDE, f"search.near={near}")
    first, second, third = (session_in(memory, file, places, deterministic=number == 2) for number in range(3))
    Loop(first, Invented(clock)).run(3, 60.0)

    def proposed() -> list[Mapping[str, Any]]:
        return [next(Proposer(each).proposals(each.trainings())).params for each in (first, second, third)]

    one, two, three = proposed()
    assert one == two == three
    for each in (first, second, third):
        each.leases.alive.add("another process")
    assert len({str(params) for params in proposed()}) == 3
    assert proposed()[2] == three, "a deterministic study depends on nothing else"
