"""Confirmation: fresh seeds, the best one's model, the test part once; what cannot be trained again gives way."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from optuna.storages import BaseStorage

from tests.support.searches import Notes, context_of, folder_of, search, small
from tuner.base.metric_functions import wilson_interval
from tuner.data.examples import Examples
from tuner.data.load import held_out, training_set
from tuner.data.sources import Places
from tuner.data.splits import folds
from tuner.recipe import Recipe
from tuner.refit.refit import refit, refit_best
from tuner.result import Result, Watch
from tuner.storage import read_study
from tuner.storage.confirmed import Confirmed
from tuner.study import StudyFile
from tuner.training.evaluation import predict
from tuner.training.saving import UNSCALED, load_model, scores_of
from tuner.worker.executor import Executor, Setup
from tuner.worker.inprocess import InProcess
from tuner.worker.jobs import Answer, Job, Train


def confirmed_by(storage: BaseStorage, file: StudyFile, places: Places, executor: Executor | None = None) -> Confirmed:
    """The study's best trial, confirmed in this process."""
    executor = executor or InProcess(Setup(places, folder=folder_of(storage)))
    confirmed = refit_best(context_of(storage, file, places), executor)
    assert confirmed is not None
    return confirmed


@pytest.mark.slow
def test_a_winner_is_confirmed_once(storage: BaseStorage, small_study: Path, places: Places, tmp_path: Path) -> None:
    file = small(small_study)
    search(storage, file, places, trials=1)
    winner = read_study(storage, "small").best
    assert winner is not None
    notes = Notes()
    executor = InProcess(Setup(places, folder=folder_of(storage)))
    context = context_of(storage, file, places, listener=notes)
    first = refit(context, (winner,), executor)
    assert len(first.validation) == 2
    assert first.recipe.seed == first.seeds[first.validation.index(max(first.validation))]
    assert first.test is not None
    assert first.test_interval is not None
    assert first.test_interval[0] < first.test < first.test_interval[1]
    labels = held_out("xor", places).examples.labels
    with np.load(tmp_path / "predictions.npz") as kept:
        accuracies = (kept["outputs"].argmax(axis=2) == labels).mean(axis=1)
        best = int(kept["best"])
    assert accuracies == pytest.approx(first.tests)
    assert first.tests[best] == first.test
    assert [len(curve["validation_accuracy"]) for curve in first.curves] == [2, 2]
    assert sorted(path.name for path in tmp_path.glob("*.*")) == [
        "best.json",
        "best.keras",
        "best.md",
        "predictions.npz",
        "small.toml",
        "tuner.db",
        "tuner.db-shm",
        "tuner.db-wal",
    ]
    again = refit(context, (winner,), executor)
    assert again == first
    assert notes.messages == [f"refitting trial {winner.number} on 2 fresh seeds"]


@pytest.mark.slow
def test_a_saved_model_takes_inputs_as_they_are_stored(storage: BaseStorage, small_study: Path, places: Places) -> None:
    import keras

    file = small(small_study, "confirmation.seeds=1")
    search(storage, file, places, trials=1)
    confirmed = confirmed_by(storage, file, places)
    test = held_out("xor", places).examples
    model = keras.models.load_model(confirmed.model)
    accuracy = (np.argmax(model.predict(test.inputs, verbose=0), axis=1) == test.labels).mean()
    assert accuracy == pytest.approx(confirmed.test, abs=1e-6)


def test_wilsons_interval_is_the_published_one() -> None:
    low, high = wilson_interval(0.9031, 10_000)
    assert (round(low, 4), round(high, 4)) == (0.8971, 0.9087)


@pytest.mark.slow
def test_the_model_is_that_of_the_seed_with_the_best_validation(
    storage: BaseStorage, small_study: Path, places: Places
) -> None:
    file = small(small_study, "confirmation.seeds=4", "training.epochs=8")
    search(storage, file, places, trials=1)
    confirmed = confirmed_by(storage, file, places)
    best = confirmed.validation.index(max(confirmed.validation))
    assert best > 0, "else this shows nothing: choose another seed"
    model, data = load_model(confirmed.model), training_set("xor", places)
    ((fold,), examples) = folds(confirmed.recipe.protocol, data.examples.labels), data.examples
    part = Examples(examples.inputs[fold.validation], examples.labels[fold.validation])
    outputs = predict(model, UNSCALED, part.inputs)
    accuracy = scores_of(outputs, confirmed.recipe, part, 2).accuracy
    assert accuracy == pytest.approx(max(confirmed.validation), abs=1e-6)
    assert confirmed.recipe.seed == confirmed.seeds[best]


@pytest.mark.slow
def test_a_seed_that_was_trained_is_not_trained_again(storage: BaseStorage, small_study: Path, places: Places) -> None:
    file = small(small_study, "confirmation.seeds=2")
    search(storage, file, places, trials=1)
    trained: list[int] = []

    class Killed(InProcess):
        def submit(self, number: int, job: Job, watch: Watch) -> None:
            if len(trained) == 1 and isinstance(job, Train):
                trained.clear()
                raise KeyboardInterrupt
            trained.append(number)
            super().submit(number, job, watch)

    with pytest.raises(KeyboardInterrupt):
        confirmed_by(storage, file, places, Killed(Setup(places, folder=folder_of(storage))))
    seen: list[int] = []

    class Counting(InProcess):
        def submit(self, number: int, job: Job, watch: Watch) -> None:
            seen.extend([job.recipe.seed] if isinstance(job, Train) else [])
            super().submit(number, job, watch)

    confirmed = confirmed_by(storage, file, places, Counting(Setup(places, folder=folder_of(storage))))
    assert seen == [confirmed.seeds[1]]
    assert len(confirmed.tests) == 2


@dataclass
class Diverging:
    """An executor whose trainings of one recipe diverge."""

    inner: InProcess
    recipe: Recipe
    done: list[tuple[int, Answer]] = field(default_factory=list)
    size: int = 1

    @property
    def free(self) -> int:
        return self.inner.free

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        self.inner.submit(number, job, watch)
        if isinstance(job, Train) and replace(job.recipe, seed=self.recipe.seed) == self.recipe:
            ((number, answer),) = self.inner.done
            assert isinstance(answer, Result)
            self.inner.done = [(number, replace(answer, ended="diverged", reason="the loss is not finite"))]

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        yield from self.inner.answers(seconds)

    def cancel(self, number: int) -> None:
        pass

    def close(self, grace: float = 1.0) -> None:
        pass


@pytest.mark.slow
def test_a_winner_that_diverges_on_a_fresh_seed_gives_way_to_the_next_best_for_good(
    storage: BaseStorage, small_study: Path, places: Places
) -> None:
    rates = "training.optimizer={kind='sgd', learning_rate={low=1e-3, high=0.3, log=true}}"
    file = small(small_study, "confirmation.seeds=1", "network.widths=[4]", rates)
    search(storage, file, places, trials=3)
    first, second, *_ = read_study(storage, "small").ranking
    assert first.recipe is not None
    executor = Diverging(InProcess(Setup(places, folder=folder_of(storage))), first.recipe)
    notes = Notes()
    confirmed = refit_best(context_of(storage, file, places, listener=notes), executor)
    assert confirmed is not None
    assert confirmed.trial == second.number
    why = f"trial {first.number} cannot be confirmed: with seed 1000 the loss is not finite"
    assert notes.messages[1] == f"{why}; the next best trial takes its place"
    best = read_study(storage, "small").best
    assert best is not None
    assert best.number == second.number
    again = Notes()
    assert refit_best(context_of(storage, file, places, listener=again), executor) == confirmed
    assert again.messages == []
