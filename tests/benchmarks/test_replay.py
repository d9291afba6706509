"""Searches replayed on recorded curves."""

import json
from functools import partial
from pathlib import Path

import pytest
from proposers import at_random, by_gp, by_tpe
from recorded import Recording, read
from replay import Pool, pool, replay
from strategies import STRATEGIES, at_full_length, halving


def line(recipe: int, share: int, seed: int = 0, seconds: float = 64.0, error: float = 0.0) -> dict[str, object]:
    """A recorded training; the recipe's number says how bad it is."""
    errors = [error or (0.1 + 0.01 * recipe) * share**0.3] * 3
    return {
        "recipe": f"random {recipe}",
        "share": share,
        "seed": seed,
        "length": 64 / share,
        "examples": 6400 // share,
        "cpu": seconds / share + 0.1 + (2.0 if (share, seed) == (256, 0) else 0.0),
        "begin": 0.1,
        "fresh": (share, seed) == (256, 0),
        "errors": errors,
        "losses": errors,
    }


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """Forty recipes, the first the best, with a line that was cut off."""
    path = tmp_path / "digits.jsonl"
    lines: list[dict[str, object]] = []
    for recipe in range(40):
        at = {"rate": recipe / 40, "kind": "dense" if recipe % 2 else "staged"}
        lines.append({"recipe": f"random {recipe}", "parameters": 10, "at": at})
        lines += [line(recipe, *each) for each in ((256, 0), (256, 1), (64, 0), (16, 0), (16, 1), (4, 0), (1, 0))]
    path.write_text("\n".join(map(json.dumps, lines)) + '\n{"recipe":"random 0","sha', encoding="utf-8")
    return read(path)


@pytest.fixture
def recipes(recording: Recording) -> Pool:
    """The same as a pool."""
    return pool(recording, "errors", 20, cold=True)


def test_tracing_is_told_from_training_by_a_second_seed(recording: Recording) -> None:
    first = recording.candidates[0]
    assert first.overhead == pytest.approx(2.1)
    assert [round(each.seconds, 3) for each in first.looks] == [0.25, 0.25, 1.0, 4.0, 4.0, 16.0, 64.0]


def test_the_training_of_the_choice_is_paid_from_the_budget(recipes: Pool) -> None:
    none = replay(partial(at_full_length, propose=at_random), recipes, 100, seed=0)
    assert none.looks == 2, "no look at full length ends early enough for another training"
    two = replay(partial(at_full_length, propose=at_random), recipes, 140, seed=0)
    assert two.looks == 2
    assert two.figure == pytest.approx(recipes.figure_of(0, 1, 0), rel=0.5)


def test_halving_finds_the_best_where_short_trainings_tell(recipes: Pool) -> None:
    outcome = replay(partial(halving, propose=at_random, factor=3), recipes, 1000, seed=1)
    assert outcome.recipes == 40
    assert outcome.figure == pytest.approx(recipes.scale[0])


@pytest.mark.parametrize("propose", [by_tpe, by_gp])
def test_proposals_that_learn_come_to_better_recipes_than_chance(recipes: Pool, propose: object) -> None:
    figures = []
    for proposer in (propose, at_random):
        strategy = partial(halving, propose=proposer, first=1)  # type: ignore[arg-type]
        figures.append(sum(replay(strategy, recipes, 80, seed).figure for seed in range(8)))
    assert figures[0] <= figures[1]


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_ends(name: str, recipes: Pool) -> None:
    outcome = replay(STRATEGIES[name], recipes, 150, seed=0)
    assert recipes.scale[0] <= outcome.figure
    assert 1 <= outcome.recipes <= outcome.looks
