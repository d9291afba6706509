"""What a search promises: determinism, pruning, failures, no repeats, continuing. Trainings are invented where the promise is not
about them."""

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import BaseStorage, InMemoryStorage

from tests.support.fakes import Broken, Clock, Invented, session_in
from tests.support.searches import Notes, artifacts, figures, search, small
from tuner.base.errors import MissingPackage
from tuner.data.sources import Places
from tuner.recipe import Recipe
from tuner.search.loop import Loop
from tuner.search.proposals import first_trials, make_sampler
from tuner.space import centre
from tuner.storage import default_url, open_storage, read_study
from tuner.study import StudyFile
from tuner.study.samplers import CmaEs, Gp, Grid, Nsga2, PlainSampler, Sampler, Tpe
from tuner.worker.jobs import Answer


def invented(memory: BaseStorage, file: StudyFile, places: Places, clock: Clock, trials: int = 4, **more: Any) -> str:
    """Search with trainings that are invented."""
    return Loop(session_in(memory, file, places, **more), Invented(clock)).run(trials, 60.0)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_study_in_one_call_or_in_two(
    small_study: Path, places: Places, tmp_path: Path
) -> None:
    whole, file = open_storage(default_url(tmp_path)), small(small_study, "network.widths=[4]")
    search(whole, file, places, trials=4)
    (tmp_path / "parts").mkdir()
    parts = open_storage(default_url(tmp_path / "parts"))
    search(parts, file, places, trials=2)
    assert search(parts, file, places, trials=4) == "budget"
    assert figures(read_study(parts, "small")) == figures(read_study(whole, "small"))
    assert len(figures(read_study(parts, "small"))) == 4


def test_a_bad_trial_is_pruned_but_never_at_its_last_epoch(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study, 'search.pruner={kind="threshold", limit=2.0, warmup_epochs=1}', "training.epochs=3")
    invented(memory, file, places, clock, trials=2)
    record = read_study(memory, "small")
    assert [(trial.state, trial.result and trial.result.epochs) for trial in record.trials] == [("pruned", 1)] * 2


def test_a_finished_trial_is_complete_although_the_pruner_would_stop_it(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study, 'search.pruner={kind="threshold", limit=2.0, warmup_epochs=1}')
    context = session_in(memory, file, places)
    context.study.pruner = optuna.pruners.ThresholdPruner(lower=2.0, n_warmup_steps=2)
    Loop(context, Invented(clock)).run(1, 60)
    assert read_study(memory, "small").trials[0].state == "complete"


@pytest.mark.slow
def test_divergence_is_told_as_pruned(storage: BaseStorage, small_study: Path, places: Places) -> None:
    file = small(
        small_study,
        'training.optimizer={kind="sgd", learning_rate=1e15}',
        "training.loss=mean_squared_error",
        "network.output=linear",
    )
    search(storage, file, places, trials=1)
    trial = read_study(storage, "small").trials[0]
    assert trial.state == "pruned"
    assert trial.result is not None
    assert trial.result.ended == "diverged"
    assert trial.reason == "the loss is not finite after epoch 1"


def test_failures_are_kept_with_their_reason_and_end_a_hopeless_search(
    memory: BaseStorage, small_study: Path, places: Places
) -> None:
    assert Loop(session_in(memory, small(small_study), places), Broken()).run(100, 60) == "failures"
    record = read_study(memory, "small")
    assert [trial.state for trial in record.trials] == ["failed"] * 10
    assert record.trials[0].reason == "ResourceExhaustedError: no memory"


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_no_recipe_is_tried_twice_and_a_small_space_is_exhausted(
    sampler: str, memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    widths = "network.widths={choice=[[2],[3],[4]]}"
    file = small(small_study, "training.optimizer=adam", widths, f"search.sampler={sampler}")
    notes = Notes()
    assert invented(memory, file, places, clock, trials=8, listener=notes) == "exhausted"
    assert notes.epochs == 3 * 2
    record = read_study(memory, "small")
    assert sorted(trial.params["network.widths"] for trial in record.trials) == ["[2]", "[3]", "[4]"]


@pytest.mark.parametrize("sampler", ["grid", "brute_force"])
def test_a_walk_visits_every_point_once_and_ends(
    sampler: str, memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(
        small_study, "training.optimizer=adam", "network.widths={choice=[[2],[3],[4]]}", f"search.sampler={sampler}"
    )
    invented(memory, file, places, clock, trials=2)
    assert invented(memory, file, places, clock, trials=50) == "exhausted"
    assert sorted(str(trial.params["network.widths"]) for trial in read_study(memory, "small").trials) == [
        "[2]",
        "[3]",
        "[4]",
    ]


@pytest.mark.parametrize(
    "sampler",
    [
        Tpe(startup_trials=1),
        Tpe(startup_trials=1, group=True),
        Nsga2(population=2),
        PlainSampler(kind="random"),
        PlainSampler(kind="qmc"),
        Grid(),
    ],
)
def test_every_sampler_proposes(sampler: Sampler, small_study: Path) -> None:
    file = small(small_study)
    study = optuna.create_study(sampler=make_sampler(sampler, 1))
    for _ in range(4):
        trial = study.ask()
        file.fill(trial)
        study.tell(trial, 0.5)
    assert len(study.trials) == 4


@pytest.mark.parametrize(("sampler", "package"), [(Gp(), "torch"), (CmaEs(), "cmaes")])
def test_a_missing_package_is_named_with_its_cure(
    sampler: Sampler, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackage) as error:
        make_sampler(sampler, 0)
    assert str(error.value) == f"the sampler '{sampler.kind}' needs {package}: pip install {package}"


@pytest.mark.parametrize(
    "pruner",
    [
        "median",
        '{kind="percentile", percentile=25.0}',
        "successive_halving",
        "hyperband",
        "asha",
        '{kind="patient", epochs=1}',
    ],
)
def test_every_pruner_lets_a_search_end(
    pruner: str, memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    file = small(small_study, f"search.pruner={pruner}", "training.epochs=5", "budget.trials=10")
    assert invented(memory, file, places, clock, trials=7) == "budget"


@pytest.mark.slow
def test_wilcoxon_prunes_between_folds(storage: BaseStorage, small_study: Path, places: Places) -> None:
    rates = "training.optimizer={kind='sgd', learning_rate={low=1e-3, high=0.1}}"
    file = small(
        small_study,
        "search.pruner=wilcoxon",
        'protocol={kind="k_fold", folds=3}',
        "training.epochs=1",
        "search.seed=3",
        "network.widths=[4]",
        rates,
    )
    search(storage, file, places, trials=4)
    record = read_study(storage, "small")
    assert record.count("complete", "pruned") == 4
    assert all(trial.result and len(trial.result.folds) <= 3 for trial in record.trials)


def test_several_objectives_make_a_front(memory: BaseStorage, small_study: Path, places: Places, clock: Clock) -> None:
    path = small_study
    path.write_text(path.read_text().replace('"validation_accuracy"', '["validation_accuracy", "parameters"]'))
    invented(memory, small(path, "search.sampler=nsga2"), places, clock)
    study = optuna.load_study(study_name="small", storage=memory)
    assert 1 <= len(study.best_trials) <= 4
    assert study.metric_names == ["validation_accuracy", "parameters"]


def test_the_time_is_up_at_once_with_none_left(memory: BaseStorage, small_study: Path, places: Places) -> None:
    assert Loop(session_in(memory, small(small_study), places), Broken()).run(4, 0) == "timeout"


@pytest.mark.slow
def test_trials_keep_recipe_result_and_curve(
    storage: BaseStorage, small_study: Path, places: Places, tmp_path: Path
) -> None:
    search(storage, small(small_study), places, trials=1, artifacts=artifacts(tmp_path / "artifacts"))
    (trial,) = read_study(storage, "small").trials
    assert trial.recipe is not None
    assert trial.result is not None
    assert trial.result.validation is not None
    assert trial.values[0] == pytest.approx(trial.result.validation.accuracy, abs=1e-6)
    stored = optuna.load_study(study_name="small", storage=storage).trials[0]
    files = {meta.filename: meta for meta in optuna.artifacts.get_all_artifact_meta(stored, storage=storage)}
    assert files.keys() == {"accuracy-by-epoch.svg", "loss-by-epoch.svg", "recipe.json"}
    texts = {name: (tmp_path / "artifacts" / meta.artifact_id).read_text() for name, meta in files.items()}
    assert texts["accuracy-by-epoch.svg"].startswith("<svg")
    assert Recipe.from_dict(json.loads(texts["recipe.json"])["recipe"]) == trial.recipe


@dataclass
class Jumbled(Invented):
    """Three trainings at once, which end in an order of chance."""

    chance: random.Random = field(default_factory=random.Random)

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        self.chance.shuffle(self.waiting)
        return super().answers(seconds)


def jumbled_search(path: Path, places: Places, clock: Clock, seed: int, deterministic: bool, *settings: str) -> object:
    """The figures of a study whose trials end in an order of chance, the timing of its pruning included."""
    memory, file = InMemoryStorage(), small(path, "search.sampler.startup_trials=2", *settings)
    executor = Jumbled(clock, size=3, chance=random.Random(seed))
    assert Loop(session_in(memory, file, places, deterministic=deterministic), executor).run(9, 120) == "budget"
    return figures(read_study(memory, "small"))


@pytest.mark.parametrize(
    "pruner",
    [
        '{kind="median", startup_trials=2, warmup_epochs=1}',
        '{kind="successive_halving", factor=2}',
        '{kind="asha", min_epochs=1, factor=2}',
    ],
)
def test_a_deterministic_study_does_not_depend_on_what_ends_first(
    pruner: str, small_study: Path, places: Places, clock: Clock
) -> None:
    settings = (f"search.pruner={pruner}", "training.epochs=4")
    small_study.write_text(small_study.read_text().replace("[search]", "[search]\nsampler = { kind = 'tpe' }"))
    one, two = (jumbled_search(small_study, places, clock, seed, True, *settings) for seed in (1, 2))
    assert one == two
    loose, looser = (jumbled_search(small_study, places, clock, seed, False, *settings) for seed in (1, 2))
    assert loose != looser, "the order of chance should matter here, or this test shows nothing"


def test_a_study_starts_from_its_known_values_once(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    start = '[[start]]\n"training.optimizer.kind" = "sgd"\n"training.optimizer.sgd.momentum" = 0.25\n'
    small_study.write_text(small_study.read_text() + start)
    for _ in range(2):
        invented(memory, small(small_study), places, clock, trials=2)
    first, second = read_study(memory, "small").trials
    assert first.params["training.optimizer.sgd.momentum"] == 0.25
    assert second.params.get("training.optimizer.sgd.momentum") != 0.25


def test_a_study_begins_in_the_middle_of_its_space_and_trains_that_to_its_end(
    memory: BaseStorage, small_study: Path, places: Places, clock: Clock
) -> None:
    small_study.write_text(small_study.read_text().replace("[search]", "[search]\nsampler = { kind = 'tpe' }"))
    file = small(small_study, 'search.pruner={kind="threshold", limit=2.0}', "search.centre=true")
    invented(memory, file, places, clock, trials=3)
    first, wide, other = read_study(memory, "small").trials
    assert first.params == centre(file.space)
    assert wide.params == {**first.params, "network.widths[0]": 8}
    assert [trial.state for trial in (first, wide, other)] == ["complete", "complete", "pruned"]
    for settings in ((), ("search.centre=true", "search.sampler=random")):
        assert not first_trials(small(small_study, *settings))
