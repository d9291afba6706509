"""Importances: parameters that matter are above the noise, others are not."""

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.base.metrics import Direction
from tuner.report.importance import ended_trials, importances
from tuner.storage.trainings import trainings_of


def trials(count: int, seed: int = 0, signal: float = 1.0) -> list[FrozenTrial]:
    """Finished trials whose value depends on `rate` only, and pruned ones whose last value has the opposite sign."""
    generator = np.random.default_rng(seed)
    distributions = {
        "rate": FloatDistribution(0, 1),
        "idle": FloatDistribution(0, 1),
        "kind": CategoricalDistribution(["a", "b"]),
    }
    found = []
    for number in range(count):
        rate, idle, kind = float(generator.random()), float(generator.random()), str(generator.choice(["a", "b"]))
        value = signal * (1 - (rate - 0.7) ** 2) + 0.01 * float(generator.normal())
        params = {"rate": rate, "idle": idle, "kind": kind}
        state = TrialState.PRUNED if number % 4 == 3 else TrialState.COMPLETE
        value = -value if state == TrialState.PRUNED else value
        found.append(create_trial(params=params, distributions=distributions, value=value, state=state))
    return found


def test_a_parameter_that_matters_is_above_the_noise() -> None:
    found = importances(trials(120), direction=Direction.MAXIMIZE)
    first, *others = found
    assert first.parameter == "rate"
    assert first.value > 2 * first.noise
    assert first.low <= first.value <= first.high
    assert all(each.value < 1.5 * each.noise for each in others)


def test_no_parameter_matters_where_values_are_noise() -> None:
    above = 0
    for seed in range(6):
        found = importances(trials(80, seed, signal=0.0), direction=Direction.MAXIMIZE, draws=20)
        above += found[0].value > found[0].noise
    assert above <= 2


def test_the_estimate_over_all_trials_is_optunas() -> None:
    study = optuna.create_study(direction="maximize")
    study.add_trials(trials(160))
    theirs = PedAnovaImportanceEvaluator().evaluate(study)
    ours = importances(study.trials, direction=Direction.MAXIMIZE, draws=1)
    assert {each.parameter: round(each.value, 9) for each in ours} == {
        name: round(value, 9) for name, value in theirs.items()
    }


def test_few_trials_give_none() -> None:
    assert importances(trials(12), direction=Direction.MAXIMIZE) == ()


def test_pruned_trials_count_by_how_far_they_got() -> None:
    """A search with a pruner finishes few trials: the pruned ones show what distinguishes them."""
    pruned = []
    for each in trials(80):
        rate = each.params["rate"]
        far = 9 if abs(rate - 0.7) < 0.1 else 3 if abs(rate - 0.7) < 0.2 else 1
        steps = {step: 1.0 if step < far else 0.5 for step in range(1, far + 1)}
        state = TrialState.COMPLETE if far == 9 else TrialState.PRUNED
        pruned.append(
            create_trial(
                params=each.params, distributions=each.distributions, value=0.5, state=state, intermediate_values=steps
            )
        )
    found = importances(pruned, direction=Direction.MAXIMIZE)
    assert found[0].parameter == "rate"
    assert found[0].value > found[0].noise


def test_a_parameter_of_few_trials_has_no_importance() -> None:
    """Six trials of one branch, two of them among the best, made all of its numbers look important."""
    rare = {"rare": FloatDistribution(0, 1)}
    found = trials(40)
    for number in range(6):
        each = found[4 * number]
        found[4 * number] = create_trial(
            params={**each.params, "rare": 0.1 + 0.001 * number},
            distributions={**each.distributions, **rare},
            value=each.values[0] + 1,
        )
    weights = importances(found, direction=Direction.MAXIMIZE, draws=1)
    assert "rare" not in {each.parameter for each in weights}


def test_each_importance_has_a_noise() -> None:
    """Noise is computed from 250 trials: a parameter that hardly any of these have would have none."""
    found = trials(1000)
    for number in range(0, 1000, 80):
        each = found[number]
        found[number] = create_trial(
            params={**each.params, "rare": 0.001 * number},
            distributions={**each.distributions, "rare": FloatDistribution(0, 1)},
            value=each.values[0],
        )
    assert all(each.noise > 0 for each in importances(found, direction=Direction.MAXIMIZE, draws=10))


def test_parameters_that_tie_are_in_order_of_their_names() -> None:
    """Optuna returns them in the order of a set, which differs between processes."""
    found = importances(trials(40, signal=0.0), direction=Direction.MAXIMIZE, draws=5)
    assert list(found) == sorted(found, key=lambda each: (-each.times_chance(each.value), each.parameter))


def test_paused_trials_have_no_say() -> None:
    paused = {"ended": "paused", "rung": 1}
    marks = ({**paused, "key": "a"}, {**paused, "key": "b"}, {"key": "a", "continues": 0})
    states = (TrialState.PRUNED, TrialState.PRUNED, TrialState.COMPLETE)
    study = optuna.create_study()
    for state, each in zip(states, marks, strict=True):
        study.add_trial(create_trial(state=state, user_attrs=each, value=0.5 if state == TrialState.COMPLETE else None))
    assert [each.number for each in ended_trials(trainings_of(study.trials))] == [2]
