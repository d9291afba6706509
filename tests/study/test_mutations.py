"""Study files with mistakes in them: a mutated file is a working study or one message, within seconds, and nothing else."""

import copy
import json
import time
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from random import Random
from typing import Any

import optuna
import pytest

from tuner.base.errors import Invalid, TunerError
from tuner.space import centre, dimensions, size
from tuner.study import study_from
from tuner.study.places import study_files

SHIPPED = [tomllib.loads(path.read_text(encoding="utf-8")) for _, path in sorted(study_files().items())]
ODD: list[Any] = [
    date(2024, 1, 1),
    datetime(2024, 1, 1, 12, 30),
    datetime(2024, 1, 1).time(),
    float("nan"),
    float("inf"),
    -float("inf"),
    1e308,
    5e-324,
    10**400,
    2**63 - 1,
    10**9,
    -1,
    0,
    1.5,
    True,
    "",
    "auto",
    "x" * 10_000,
    [],
    {},
    [[]],
    [{}],
    list(range(100_000)),
    [1] * 1000,
    {str(number): number for number in range(5000)},
    {"choice": [float("nan")]},
    {"choice": [date(2024, 1, 1)]},
    {"choice": []},
    {"choice": [[1], {"a": 1}, True, 1, 1.0]},
    {"choice": list(range(1, 1001))},
    {"choice": [{"low": 1, "high": 2}]},
    {"low": 1},
    {"low": {"low": 1, "high": 2}, "high": 3},
    {"low": -1e308, "high": 1e308},
    {"low": 5e-324, "high": 1e308, "log": True},
    {"low": 0.0, "high": 1.0, "step": 5e-324},
    {"low": 1, "high": 2**62, "log": True},
    {"low": 1e-4, "high": 1e-1, "log": True},
    {"low": 1, "high": 3, "kind": "adam"},
    {"repeat": {"low": 1, "high": 10**9}, "each": 1},
    {"repeat": 100, "each": {"low": 1, "high": 64}},
    {"repeat": "widths", "each": {"low": 0.0, "high": 0.5}},
    {"repeat": {"repeat": 2, "each": 3}, "each": 1},
    {"one_of": []},
    {"one_of": ["adam", 3]},
    {"one_of": ["adam", {"kind": "sgd", "momentum": {"one_of": ["adam"]}}]},
    {"kind": ["adam"]},
    {"kind": {"choice": ["adam", "sgd"]}},
    {"kind": "adam", "one_of": ["adam"]},
]
SMALL_HOLES: list[Any] = [
    {"low": 1, "high": 3},
    {"low": 0.1, "high": 0.3, "step": 0.1},
    {"low": 2, "high": 10, "step": 4},
    {"choice": [1, 2, 40]},
    {"choice": ["relu", "tanh"]},
    {"choice": [[3], [5, 7], []]},
    {"repeat": {"low": 0, "high": 6}, "each": {"low": 1, "high": 64}},
    {"one_of": ["dense", "convolutional"]},
]


def nested(depth: int, value: Any, list_: bool) -> Any:
    """A value in so many lists or tables."""
    for _ in range(depth):
        value = [value] if list_ else {"each": value, "repeat": 9}
    return value


def places(plain: Any) -> Iterator[tuple[Any, Any]]:
    """Every table and list with each of its keys or indices."""
    items = list(plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ())
    for key, each in items:
        yield plain, key
        yield from places(each)


def mutate(plain: dict[str, Any], random: Random) -> None:
    """One mistake at one place."""
    known = list(places(plain))
    around, key = random.choice(known)
    old = around[key]
    match random.randrange(10):
        case 0:
            del around[key]
        case 1 if isinstance(around, list):
            around.insert(key, copy.deepcopy(old))
        case 1:
            around[f"{key}s"] = copy.deepcopy(old)
        case 2:
            other, there = random.choice(known)
            around[key] = copy.deepcopy(other[there])
        case 3:
            wrapped = [[old], {"choice": [old, 1]}, {"one_of": [old]}, {"repeat": 3, "each": old}, {"kind": old}]
            around[key] = random.choice(wrapped)
        case 4:
            around[key] = nested(random.choice([2, 6, 60]), old, list_=random.random() < 0.5)
        case 5 | 6 if type(old) in (int, float):
            around[key] = old * random.choice([-1, 0, 0.5, 2, 10, 1e6])
        case 5:
            around[key] = random.choice(SMALL_HOLES)
        case _:
            around[key] = copy.deepcopy(random.choice(ODD))


def mutant(seed: int) -> dict[str, Any]:
    """A shipped study with one to three mistakes, always the same ones."""
    random = Random(seed)
    plain = copy.deepcopy(random.choice(SHIPPED))
    for _ in range(random.choice([1, 1, 2, 3])):
        mutate(plain, random)
    return plain


def use(plain: dict[str, Any]) -> None:
    """What is done with a study before its first training."""
    study = study_from("mutant", plain)
    assert json.loads(json.dumps(study.resolved, allow_nan=False))
    assert list(dimensions(study.space)) or size(study.space) == 1
    assert study.fill(optuna.trial.FixedTrial(centre(study.space)))
    for _ in range(3):
        trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
        try:
            study.fill(trial)
        except Invalid:  # a combination that no corner showed: a failed trial
            continue


def verdict(seed: int) -> str:
    """`study` or `message`; anything else is what is wrong with the mutant of this seed."""
    started = time.process_time()
    try:
        use(mutant(seed))
        found = "study"
    except TunerError as error:
        found = "message" if str(error) else f"mutant {seed}: no message"
    except Exception as error:
        return f"mutant {seed}: {error!r}"
    seconds = time.process_time() - started
    return found if seconds < 8 else f"mutant {seed}: {seconds:.0f} s"  # at most 5 where nothing else runs


@pytest.mark.slow
def test_a_mutated_study_file_is_a_study_or_one_message() -> None:
    assert {verdict(seed) for seed in range(600)} == {"study", "message"}
