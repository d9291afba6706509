"""The search around small real trainings: determinism, pruning, failures, repeats, continuing, refusing."""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage

from tests.support.fakes import Broken
from tests.support.searches import Notes, artifacts, context_of, figures, search, small
from tuner.base.errors import MissingPackage
from tuner.data.sources import Places
from tuner.result import Watch
from tuner.search.loop import Loop
from tuner.search.proposals import first_trials, make_sampler
from tuner.space import centre
from tuner.storage import default_url, open_storage, read_study
from tuner.study.samplers import CmaEs, Gp, Grid, Nsga2, PlainSampler, Sampler, Tpe
from tuner.worker.executor import Setup
from tuner.worker.folder import Folder
from tuner.worker.inprocess import InProcess
from tuner.worker.jobs import Answer, Job


@pytest.mark.slow
def test_the_same_seed_gives_the_same_study(small_study: Path, places: Places, tmp_path: Path) -> None:
    records = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        storage = open_storage(default_url(tmp_path / name))
        search(storage, small(small_study), places)
        records.append(figures(read_study(storage, "small")))
    assert records[0] == records[1]
    assert len(records[0]) == 4


@pytest.mark.slow
def test_a_study_continued_is_the_study_uninterrupted(small_study: Path, places: Places, tmp_path: Path) -> None:
    whole = open_storage(default_url(tmp_path))
    search(whole, small(small_study), places, trials=4)
    (tmp_path / "parts").mkdir()
    parts = open_storage(default_url(tmp_path / "parts"))
    search(parts, small(small_study), places, trials=2)
    assert search(parts, small(small_study), places, trials=4) == "budget"
    assert figures(read_study(parts, "small")) == figures(read_study(whole, "small"))


@pytest.mark.slow
def test_a_bad_trial_is_pruned_but_never_at_its_last_epoch(
    storage: BaseStorage, small_study: Path, places: Places
) -> None:
    file = small(small_study, 'search.pruner={kind="threshold", limit=2.0, warmup_epochs=1}', "training.epochs=3")
    search(storage, file, places, trials=2)
    record = read_study(storage, "small")
    assert [(trial.state, trial.result and trial.result.epochs) for trial in record.trials] == [("pruned", 1)] * 2


@pytest.mark.slow
def test_a_finished_trial_is_complete_although_the_pruner_would_stop_it(
    storage: BaseStorage, small_study: Path, places: Places
) -> None:
    file = small(small_study, 'search.pruner={kind="threshold", limit=2.0, warmup_epochs=1}')
    context = context_of(storage, file, places)
    context.study.pruner = optuna.pruners.ThresholdPruner(lower=2.0, n_warmup_steps=2)
    Loop(context, InProcess(Setup(places))).run(1, 60)
    assert read_study(storage, "small").trials[0].state == "complete"


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
    storage: BaseStorage, small_study: Path, places: Places
) -> None:
    assert search(storage, small(small_study), places, trials=100, executor=Broken()) == "failures"
    record = read_study(storage, "small")
    assert [trial.state for trial in record.trials] == ["failed"] * 10
    assert record.trials[0].reason == "ResourceExhaustedError: no memory"


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_no_recipe_is_tried_twice_and_a_small_space_is_exhausted(
    sampler: str, storage: BaseStorage, small_study: Path, places: Places
) -> None:
    widths = "network.widths={choice=[[2],[3],[4]]}"
    file = small(small_study, "training.optimizer=adam", widths, f"search.sampler={sampler}")
    notes = Notes()
    assert search(storage, file, places, trials=8, listener=notes) == "exhausted"
    assert notes.epochs == 3 * 2
    record = read_study(storage, "small")
    assert sorted(trial.params["network.widths"] for trial in record.trials) == ["[2]", "[3]", "[4]"]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["grid", "brute_force"])
def test_a_walk_visits_every_point_once_and_ends(
    sampler: str, storage: BaseStorage, small_study: Path, places: Places
) -> None:
    file = small(
        small_study, "training.optimizer=adam", "network.widths={choice=[[2],[3],[4]]}", f"search.sampler={sampler}"
    )
    search(storage, file, places, trials=2)
    assert search(storage, file, places, trials=50) == "exhausted"
    assert sorted(str(trial.params["network.widths"]) for trial in read_study(storage, "small").trials) == [
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


@pytest.mark.slow
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
def test_every_pruner_lets_a_search_end(pruner: str, storage: BaseStorage, small_study: Path, places: Places) -> None:
    file = small(small_study, f"search.pruner={pruner}", "training.epochs=5", "budget.trials=10")
    assert search(storage, file, places, trials=7) == "budget"


@pytest.mark.slow
def test_wilcoxon_prunes_between_folds(storage: BaseStorage, small_study: Path, places: Places) -> None:
    file = small(
        small_study, "search.pruner=wilcoxon", 'protocol={kind="k_fold", folds=3}', "training.epochs=1", "search.seed=3"
    )
    search(storage, file, places, trials=4)
    record = read_study(storage, "small")
    assert record.count("complete", "pruned") == 4
    assert all(trial.result and len(trial.result.folds) <= 3 for trial in record.trials)


@pytest.mark.slow
def test_several_objectives_make_a_front(storage: BaseStorage, small_study: Path, places: Places) -> None:
    path = small_study
    path.write_text(path.read_text().replace('"validation_accuracy"', '["validation_accuracy", "parameters"]'))
    search(storage, small(path, "search.sampler=nsga2"), places)
    study = optuna.load_study(study_name="small", storage=storage)
    assert 1 <= len(study.best_trials) <= 4
    assert study.metric_names == ["validation_accuracy", "parameters"]


def test_the_time_is_up_at_once_with_none_left(storage: BaseStorage, small_study: Path, places: Places) -> None:
    assert search(storage, small(small_study), places, seconds=0) == "timeout"


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
    (picture,) = (tmp_path / "artifacts").iterdir()
    assert picture.read_text().startswith("<svg")
    (meta,) = optuna.artifacts.get_all_artifact_meta(
        optuna.load_study(study_name="small", storage=storage).trials[0], storage=storage
    )
    assert (meta.filename, meta.mimetype) == ("learning-curve.svg", "image/svg+xml")


class Jumbled:
    """Three jobs at once, whose answers come in an order of chance."""

    size = 3

    def __init__(self, setup: Setup, seed: int) -> None:
        self.inner = InProcess(setup)
        self.chance = random.Random(seed)
        self.done: list[tuple[int, Answer]] = []

    @property
    def free(self) -> int:
        return self.size - len(self.done)

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        self.inner.submit(number, job, watch)
        self.done += self.inner.answers(0)

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        if self.done:
            yield self.done.pop(self.chance.randrange(len(self.done)))

    def cancel(self, number: int) -> None:
        pass

    def close(self, grace: float = 1.0) -> None:
        pass


def jumbled_search(path: Path, folder: Path, places: Places, seed: int, deterministic: bool, *settings: str) -> object:
    """The figures of a study whose trials end in an order of chance, the timing of its pruning included."""
    folder.mkdir()
    storage, file = open_storage(default_url(folder)), small(path, "search.sampler.startup_trials=2", *settings)
    executor = Jumbled(Setup(places, folder=Folder(folder)), seed)
    outcome = search(storage, file, places, 9, 120, executor, deterministic=deterministic)
    assert outcome == "budget"
    return figures(read_study(storage, "small"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "pruner",
    [
        '{kind="median", startup_trials=2, warmup_epochs=1}',
        '{kind="successive_halving", factor=2}',
        '{kind="asha", min_epochs=1, factor=2}',
    ],
)
def test_a_deterministic_study_does_not_depend_on_what_ends_first(
    pruner: str, small_study: Path, places: Places, tmp_path: Path
) -> None:
    settings = (f"search.pruner={pruner}", "training.epochs=4")
    small_study.write_text(small_study.read_text().replace("[search]", "[search]\nsampler = { kind = 'tpe' }"))
    one, two = (jumbled_search(small_study, tmp_path / f"d{seed}", places, seed, True, *settings) for seed in (1, 2))
    assert one == two
    loose, looser = (
        jumbled_search(small_study, tmp_path / f"l{seed}", places, seed, False, *settings) for seed in (1, 2)
    )
    assert loose != looser, "the order of chance should matter here, or this test shows nothing"


@pytest.mark.slow
def test_a_study_starts_from_its_known_values_once(storage: BaseStorage, small_study: Path, places: Places) -> None:
    start = '[[start]]\n"training.optimizer.kind" = "sgd"\n"training.optimizer.sgd.momentum" = 0.25\n'
    small_study.write_text(small_study.read_text() + start)
    for _ in range(2):
        search(storage, small(small_study), places, trials=2)
    first, second = read_study(storage, "small").trials
    assert first.params["training.optimizer.sgd.momentum"] == 0.25
    assert second.params.get("training.optimizer.sgd.momentum") != 0.25


@pytest.mark.slow
def test_a_study_begins_in_the_middle_of_its_space_and_trains_that_to_its_end(
    storage: BaseStorage, small_study: Path, places: Places
) -> None:
    small_study.write_text(small_study.read_text().replace("[search]", "[search]\nsampler = { kind = 'tpe' }"))
    file = small(small_study, 'search.pruner={kind="threshold", limit=2.0}', "search.centre=true")
    search(storage, file, places, trials=3)
    first, wide, other = read_study(storage, "small").trials
    assert first.params == centre(file.space)
    assert wide.params == {**first.params, "network.widths[0]": 8}
    assert [trial.state for trial in (first, wide, other)] == ["complete", "complete", "pruned"]
    for settings in ((), ("search.centre=true", "search.sampler=random")):
        assert not first_trials(small(small_study, *settings))


ASHA = 'search.pruner={kind="asha", min_epochs=1, factor=2}'
