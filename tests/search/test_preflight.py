"""What a training will cost: the estimate against real trainings, and what the search does with it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from optuna.storages import BaseStorage

from tests.support.fakes import Broken, Clock, Invented, session_in
from tests.support.searches import preflight_of, small
from tests.support.strategies import recipes
from tuner.base.errors import Invalid
from tuner.data.examples import Examples, TrainingSet
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.data.splits import folds, sizes
from tuner.networks import Convolutional, Dense, LocallyConnected
from tuner.recipe import Data, Holdout, KFold, NoValidation, Recipe, Training
from tuner.search.loop import Loop
from tuner.storage import read_study
from tuner.training.costs import GIB, SECONDS_AT_FIRST, VALIDATED_PER_TRAINED, Costs, Preflight, Work, work

IMAGES = Examples(np.zeros((20_000, 28, 28), np.uint8), np.arange(20_000) % 10)
DATA = TrainingSet("fashion-mnist", IMAGES, tuple("0123456789"), (0.0, 255.0), "id", "here")


def recipe(**changes: object) -> Recipe:
    """A plain recipe with some fields changed."""
    plain = Recipe(data=Data(name="fashion-mnist"), network=Dense(widths=(128, 128)), training=Training(batch_size=128))
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("protocol", [Holdout(validation=0.2), Holdout(validation=300), KFold(folds=4), NoValidation()])
def test_sizes_are_those_of_the_folds(protocol: object) -> None:
    labels = np.arange(1000) % 10
    cut = folds(protocol, labels)  # type: ignore[arg-type]
    training, validation = cut[0].training, cut[0].validation
    expected = (len(cut), len(training), 0 if validation is None else len(validation))
    assert sizes(protocol, 1000) == expected  # type: ignore[arg-type]


def test_work_counts_what_a_training_does() -> None:
    found = work(recipe(protocol=Holdout(validation=2000)), DATA)
    assert (found.parameters, found.multiply_adds) == (118_282, 118_016)
    assert (found.steps, found.epochs, found.kind) == (141, 10, "dense float32")
    assert found.features.shape == SECONDS_AT_FIRST.shape


def test_a_part_of_an_epoch_validates_as_much_as_a_whole_one() -> None:
    half = recipe(protocol=Holdout(validation=0.25), training=Training(lean_epochs=1, lean_share=0.5, epochs=2))
    preflight = Preflight({"fashion-mnist": DATA}, 8 * GIB)
    validated = 5_000 / VALIDATED_PER_TRAINED
    assert preflight.full_epoch(half, 7_500 + validated, 1) == pytest.approx(15_000 + validated)
    assert preflight.full_epoch(half, 20.0, 2) == 20.0, "the second epoch is whole"


@given(recipes())
@settings(max_examples=50)
def test_every_recipe_has_a_cost(each: Recipe) -> None:
    try:
        found = work(each, DATA)
    except Invalid:  # an image too small for so many layers, two classes where there are ten
        return
    assert found.memory > 0.5 * GIB
    assert found.seconds_at_first > 0


def made(seconds: float, **changes: object) -> tuple[Work, float]:
    """A training and what an epoch of it takes on a machine of the given speed."""
    found = work(recipe(**changes), DATA)
    return found, seconds * float(found.features @ (SECONDS_AT_FIRST * np.array([1, 3, 0.5, 2])))


def test_a_few_epochs_teach_what_others_will_take() -> None:
    costs = Costs()
    asked, truth = made(0.7, network=Dense(widths=(300, 200)), training=Training(batch_size=64))
    assert costs.seconds(asked) is None, "nothing is known yet"
    for widths in ((32,), (64, 64), (512, 512, 512), (128, 16)):
        for batch in (16, 256):
            costs.learn(*made(0.7, network=Dense(widths=widths), training=Training(batch_size=batch)))
    told = costs.seconds(asked)
    assert told is not None
    assert told == pytest.approx(1.5 + 10 * truth, rel=0.15)
    assert costs.seconds(work(recipe(network=Convolutional(filters=(8,))), DATA)) is None, "another kind"


def test_what_does_not_fit_into_memory_is_refused_with_its_reason() -> None:
    preflight = Preflight({"fashion-mnist": DATA}, 2 * GIB)
    assert preflight.refusal(recipe()) is None
    complaint = preflight.refusal(recipe(network=Dense(widths=(20_000, 20_000))))
    assert complaint is not None
    assert complaint.startswith("needs about 7.")
    assert "415,920,010 parameters" in complaint
    assert "may have 2.0 GiB" in complaint


MEASURE = """
import resource, sys
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.recipe import Recipe
from tuner.training import start
start(1)
from tuner.run import run
import json
recipe = Recipe.from_dict(json.loads(sys.argv[1]))
run(recipe, training_set(recipe.data.name, Places.from_environment(None)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.long
@pytest.mark.parametrize(
    "network",
    [
        Dense(widths=(128, 128)),
        Dense(widths=(5000, 5000)),
        Convolutional(filters=(32, 64), widths=(64,)),
        LocallyConnected(filters=(16, 16), dimensions=2, window=5),
    ],
    ids=["dense", "wide", "convolutional", "local"],
)
def test_the_estimate_of_memory_holds(network: object) -> None:
    import json

    training = Training(batch_size=256, epochs=1)
    measured = recipe(network=network, training=training, protocol=Holdout(validation=50_000))
    said = subprocess.run(
        [sys.executable, "-c", MEASURE, json.dumps(measured.to_dict())], capture_output=True, text=True, check=True
    )
    peak = int(said.stdout.split()[-1])
    data = training_set("fashion-mnist", Places.from_environment(None))
    assert 0.6 < work(measured, data).memory / peak < 1.6


def test_a_network_that_does_not_fit_its_images_is_a_refused_trial(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    path = small_study.with_name("images.toml")
    path.write_text(DEEP_ON_SMALL)
    assert Loop(session_in(memory, small(path), places), Invented(clock)).run(6, 60) == "budget"
    record = read_study(memory, "small")
    assert record.count("complete") == 6
    refused = [trial for trial in record.trials if trial.state == "refused"]
    assert refused
    assert all("left; use fewer filters" in trial.reason for trial in refused)


DEEP_ON_SMALL = """
[budget]
trials = 6
[search]
sampler = "random"
pruner = "none"
[recipe.data]
name = "digits"
[recipe.training]
epochs = 1
batch_size = 256
[recipe.network]
kind = "convolutional"
filters = { repeat = { low = 1, high = 4 }, each = { choice = [2, 3] } }
kernel = { choice = [3, 5] }
padding = "valid"
pool = 1
"""


def test_what_cannot_end_in_time_is_not_begun_and_leaves_nothing(
    memory: BaseStorage, small_study: Path, places: Places
) -> None:
    file = small(small_study)
    slow = preflight_of(file, places)
    for _ in range(3):
        slow.learn(file.corners[0][1], 1000.0)
    assert Loop(session_in(memory, file, places, preflight=slow), Broken()).run(50, 30) == "timeout"
    assert read_study(memory, "small").trials == ()


def test_a_walk_takes_the_long_trainings_first(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study, "search.sampler=grid", "search.sampler.points=2")
    preflight = preflight_of(file, places)
    Loop(session_in(memory, file, places, preflight=preflight), Invented(clock)).run(4, 60)
    costs = [preflight.work(each.recipe).seconds_at_first for each in read_study(memory, "small").trials if each.recipe]
    assert len(costs) >= 4
    assert costs == sorted(costs, reverse=True)
