"""The search around small real trainings: determinism, pruning, failures, repeats, continuing, refusing."""

import random
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.storages import BaseStorage

from tuner.data.load import Places, held_out, training_set
from tuner.errors import MissingPackage, StudyError
from tuner.recipe import Recipe
from tuner.result import Epoch, Watch
from tuner.run import run
from tuner.search.conductor import Conductor, Outcome
from tuner.search.confirmation import confirm, interval
from tuner.search.samplers import make_sampler
from tuner.search.studies import compare, delete_study, first_trials, open_study, take_back_orphans
from tuner.search.trials import Trials
from tuner.space import centre
from tuner.storage import StudyRecord, TrialRecord, default_url, open_storage, read_study
from tuner.study import StudyFile, load, setting
from tuner.study.samplers import CmaEs, Gp, Grid, Nsga2, PlainSampler, Sampler, Tpe
from tuner.worker.executor import Setup
from tuner.worker.inprocess import InProcess
from tuner.worker.jobs import Answer, Failure, Job


@dataclass
class Notes:
    """A listener that remembers."""

    ended_trials: list[TrialRecord] = field(default_factory=list)
    sayings: list[str] = field(default_factory=list)
    epochs: int = 0

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None:
        pass

    def began(self, number: int, recipe: Recipe) -> None:
        pass

    def advanced(self, number: int, epoch: Epoch) -> None:
        self.epochs += 1

    def paused(self, number: int, epoch: Epoch) -> None:
        pass

    def ended(self, trial: TrialRecord) -> None:
        self.ended_trials.append(trial)

    def said(self, message: str) -> None:
        self.sayings.append(message)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[BaseStorage]:
    """An embedded storage of the test's own."""
    opened = open_storage(default_url(tmp_path))
    yield opened
    opened.engine.dispose()  # type: ignore[attr-defined]


def small(path: Path, *settings: str) -> StudyFile:
    """The small study with settings."""
    return load(path, "small", [setting(each) for each in settings])


def search(
    storage: BaseStorage,
    file: StudyFile,
    places: Places,
    trials: int = 4,
    listener: Notes | None = None,
    seconds: float = 60,
    executor: InProcess | None = None,
    artifacts: Path | None = None,
    checkpoints: Path | None = None,
) -> Outcome:
    """Search in this process."""
    study, _ = open_study(storage, file)
    trials_ = Trials(study, file, listener or Notes(), {}, artifacts, 0, False, checkpoints)
    return Conductor(trials_, executor or InProcess(Setup(places))).run(trials, seconds)


def figures(record: StudyRecord) -> list[tuple[object, ...]]:
    """What two equal studies must agree in: parameters, values, curves without times."""
    return [
        (dict(trial.params), trial.values, trial.result and [epoch.training for epoch in trial.result.folds[0].epochs])
        for trial in record.trials
        if trial.state in ("complete", "pruned")
    ]


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
    assert search(parts, small(small_study), places, trials=4).ended == "budget"
    assert figures(read_study(parts, "small")) == figures(read_study(whole, "small"))


@pytest.mark.slow
def test_an_interrupted_trial_is_done_again_by_the_next_call(
    storage: BaseStorage, small_study: Path, places: Places, tmp_path: Path
) -> None:
    study, _ = open_study(storage, small(small_study))

    class Impatient(Notes):
        def advanced(self, number: int, epoch: Epoch) -> None:
            if number == 1:
                conductor.stop("interrupt")

    conductor = Conductor(Trials(study, small(small_study), Impatient(), {}, None, 0, False), InProcess(Setup(places)))
    assert conductor.run(4, 60).ended == "interrupt"
    stopped = read_study(storage, "small").trials[1]
    assert (stopped.state, stopped.reason) == ("interrupted", "the search was ended (interrupt)")
    assert stopped.result is not None
    assert stopped.result.epochs == 1
    search(storage, small(small_study), places)
    (tmp_path / "whole").mkdir()
    whole = open_storage(default_url(tmp_path / "whole"))
    search(whole, small(small_study), places)
    assert figures(read_study(storage, "small")) == figures(read_study(whole, "small"))


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
    study, _ = open_study(storage, file)
    study.pruner = optuna.pruners.ThresholdPruner(lower=2.0, n_warmup_steps=2)
    Conductor(Trials(study, file, Notes(), {}, None, 0, False), InProcess(Setup(places))).run(1, 60)
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


@dataclass
class Broken:
    """An executor whose jobs all fail."""

    done: list[tuple[int, Answer]] = field(default_factory=list)
    kind: str = "exception"

    @property
    def size(self) -> int:
        return 1

    @property
    def free(self) -> int:
        return 1 - len(self.done)

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        self.done.append((number, Failure(self.kind, "ResourceExhaustedError: no memory", "Traceback …")))

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        while self.done:
            yield self.done.pop()

    def cancel(self, number: int) -> None:
        pass

    def close(self, grace: float = 1.0) -> None:
        pass


def test_failures_are_kept_with_their_reason_and_end_a_hopeless_search(storage: BaseStorage, small_study: Path) -> None:
    study, _ = open_study(storage, small(small_study))
    outcome = Conductor(Trials(study, small(small_study), Notes(), {}, None, 0, False), Broken()).run(100, 60)
    assert outcome.ended == "failures"
    record = read_study(storage, "small")
    assert [trial.state for trial in record.trials] == ["failed"] * 10
    assert record.trials[0].reason == "ResourceExhaustedError: no memory"


def test_a_trial_whose_process_died_is_tried_once_more(storage: BaseStorage, small_study: Path) -> None:
    study, _ = open_study(storage, small(small_study))
    Conductor(Trials(study, small(small_study), Notes(), {}, None, 0, False), Broken(kind="died")).run(100, 60)
    trials = read_study(storage, "small").trials
    assert trials[0].params == trials[1].params
    assert trials[1].params != trials[2].params


@pytest.mark.slow
def test_equal_recipes_are_trained_once(storage: BaseStorage, small_study: Path, places: Places) -> None:
    file = small(small_study, "training.optimizer=adam", "network.widths={choice=[[2],[3]]}", "search.sampler=random")
    notes = Notes()
    search(storage, file, places, trials=8, listener=notes)
    assert notes.epochs == 2 * 2
    record = read_study(storage, "small")
    assert record.count("complete") == 8
    assert len({trial.values for trial in record.trials}) <= 2


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["grid", "brute_force"])
def test_a_walk_visits_every_point_once_and_ends(
    sampler: str, storage: BaseStorage, small_study: Path, places: Places
) -> None:
    file = small(
        small_study, "training.optimizer=adam", "network.widths={choice=[[2],[3],[4]]}", f"search.sampler={sampler}"
    )
    search(storage, file, places, trials=2)
    assert search(storage, file, places, trials=50).ended == "exhausted"
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
    monkeypatch.setattr("tuner.study.samplers.find_spec", lambda name: None)
    with pytest.raises(MissingPackage) as error:
        make_sampler(sampler, 0)
    assert (
        str(error.value)
        == f"the sampler '{sampler.kind}' needs the package {package}: pip install 'tuner[{sampler.kind}]'"
    )


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
    assert search(storage, file, places, trials=7).ended == "budget"


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
    assert search(storage, small(small_study), places, seconds=0).ended == "timeout"


@pytest.mark.slow
def test_trials_keep_recipe_result_and_curve(
    storage: BaseStorage, small_study: Path, places: Places, tmp_path: Path
) -> None:
    (tmp_path / "artifacts").mkdir()
    search(storage, small(small_study), places, trials=1, artifacts=tmp_path / "artifacts")
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


@pytest.mark.slow
def test_a_deleted_study_leaves_no_files_even_after_some_were_removed(
    storage: BaseStorage, small_study: Path, places: Places, tmp_path: Path
) -> None:
    (tmp_path / "artifacts").mkdir()
    search(storage, small(small_study), places, trials=1, artifacts=tmp_path / "artifacts")
    study = optuna.load_study(study_name="small", storage=storage)
    page = tmp_path / "page.html"
    page.write_text("<p>")
    store = optuna.artifacts.FileSystemArtifactStore(str(tmp_path / "artifacts"))
    optuna.artifacts.upload_artifact(artifact_store=store, file_path=str(page), study_or_trial=study)
    storage.set_study_system_attr(study._study_id, "artifacts:gone", "null")  # what optuna-dashboard leaves
    assert delete_study(storage, "small", tmp_path) == 1
    assert list((tmp_path / "artifacts").iterdir()) == []


def test_an_edited_space_is_shown_and_refused(storage: BaseStorage, small_study: Path) -> None:
    open_study(storage, small(small_study))
    with pytest.raises(StudyError) as error:
        open_study(
            storage,
            small(small_study, "training.batch_size=10"),
        )
    assert str(error.value).splitlines()[:2] == [
        "the study 'small' began with another search space or objective:",
        "  recipe.training.batch_size: 50 in the storage, 10 in the file",
    ]
    assert "--name" in str(error.value)
    assert "--reset" in str(error.value)


def test_an_edited_budget_or_sampler_goes_on_and_is_shown(storage: BaseStorage, small_study: Path) -> None:
    open_study(storage, small(small_study))
    _, differences = open_study(storage, small(small_study, "budget.trials=9", "search.sampler=random"))
    assert [str(each) for each in differences] == [
        "budget.trials: 4 in the storage, 9 in the file",
        "search.sampler: absent in the storage, random in the file",
    ]
    assert open_study(storage, small(small_study, "budget.trials=9", "search.sampler=random"))[1] == ()


def test_comparing_finds_the_innermost_address() -> None:
    assert [str(each) for each in compare({"a": {"b": [1, 2]}, "c": 1}, {"a": {"b": [1, 3]}})] == [
        "a.b[1]: 2 in the storage, 3 in the file",
        "c: 1 in the storage, absent in the file",
    ]


def test_trials_of_dead_processes_are_taken_back(storage: BaseStorage, small_study: Path) -> None:
    file = small(small_study)
    study, _ = open_study(storage, file)
    dead, elsewhere = study.ask(), study.ask()
    file.fill(dead)
    dead.set_user_attr("owner", {"host": socket.gethostname(), "pid": 2**22 - 1, "started": 0.0})
    elsewhere.set_user_attr("owner", {"host": "another machine", "pid": 1, "started": 0.0})
    just_asked = study.ask()
    assert take_back_orphans(study) == 1
    states = {trial.number: trial.state.name for trial in study.get_trials(deepcopy=False)}
    assert states == {dead.number: "FAIL", elsewhere.number: "RUNNING", just_asked.number: "RUNNING", 3: "WAITING"}


@pytest.mark.slow
def test_a_winner_is_confirmed_once(storage: BaseStorage, small_study: Path, places: Places, tmp_path: Path) -> None:
    file = small(small_study)
    search(storage, file, places, trials=2)
    study = optuna.load_study(study_name="small", storage=storage)
    winner = read_study(storage, "small").best
    assert winner is not None
    notes = Notes()
    first = confirm(study, winner, 2, InProcess(Setup(places)), notes, tmp_path, 250, {"study": "small"})
    assert len(first.validation_accuracy) == 2
    assert first.recipe.seed == first.seeds[first.validation_accuracy.index(max(first.validation_accuracy))]
    assert first.test_interval[0] < first.test_accuracy < first.test_interval[1]
    labels = held_out("xor", places).examples.labels
    with np.load(tmp_path / "predictions.npz") as kept:
        accuracies = (kept["outputs"].argmax(axis=2) == labels).mean(axis=1)
        best = int(kept["best"])
    assert accuracies == pytest.approx(first.test_accuracies)
    assert first.test_accuracies[best] == first.test_accuracy
    assert [len(curve["validation_accuracy"]) for curve in first.curves] == [2, 2]
    assert sorted(path.name for path in tmp_path.glob("*.*")) == [
        "best.json",
        "best.keras",
        "predictions.npz",
        "small.toml",
        "tuner.db",
        "tuner.db-shm",
        "tuner.db-wal",
    ]
    again = confirm(study, winner, 2, InProcess(Setup(places)), notes, tmp_path, 250, {})
    assert again == first
    assert notes.sayings == [f"confirming trial {winner.number} on 2 fresh seeds"]


@pytest.mark.slow
def test_a_saved_model_takes_inputs_as_they_are_stored(
    storage: BaseStorage, small_study: Path, places: Places, tmp_path: Path
) -> None:
    import keras

    search(storage, small(small_study), places, trials=1)
    winner = read_study(storage, "small").best
    assert winner is not None
    study = optuna.load_study(study_name="small", storage=storage)
    confirmed = confirm(study, winner, 1, InProcess(Setup(places)), Notes(), tmp_path, 250, {})
    test = held_out("xor", places).examples
    model = keras.models.load_model(confirmed.model)
    accuracy = (np.argmax(model.predict(test.inputs, verbose=0), axis=1) == test.labels).mean()
    assert accuracy == pytest.approx(confirmed.test_accuracy, abs=1e-6)


def test_wilsons_interval_is_the_published_one() -> None:
    low, high = interval(0.9031, 10_000)
    assert (round(low, 4), round(high, 4)) == (0.8971, 0.9087)


@dataclass
class Stuck(Broken):
    """An executor whose job never answers."""

    cancelled: list[int] = field(default_factory=list)

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        time.sleep(seconds)
        return iter(())

    def cancel(self, number: int) -> None:
        self.cancelled.append(number)


@pytest.mark.slow
def test_a_trial_that_does_not_hear_is_cancelled_at_the_time_limit(storage: BaseStorage, small_study: Path) -> None:
    study, _ = open_study(storage, small(small_study))
    executor = Stuck()
    started = time.monotonic()
    assert (
        Conductor(Trials(study, small(small_study), Notes(), {}, None, 0, False), executor).run(4, 0.3).ended
        == "timeout"
    )
    assert time.monotonic() - started < 5
    assert executor.cancelled == [0]
    assert [trial.state for trial in read_study(storage, "small").trials] == ["interrupted", "waiting"]


class Jumbled:
    """Three jobs at once, whose answers come in an order of chance."""

    size = 3

    def __init__(self, places: Places, seed: int) -> None:
        self.inner = InProcess(Setup(places))
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
    study, _ = open_study(storage, file)
    outcome = Conductor(Trials(study, file, Notes(), {}, None, 0, deterministic), Jumbled(places, seed)).run(9, 120)
    assert outcome.ended == "budget"
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


@pytest.mark.slow
def test_promoted_trials_go_on_and_are_as_if_they_had_never_paused(
    storage: BaseStorage, small_study: Path, places: Places, tmp_path: Path
) -> None:
    notes, file = Notes(), small(small_study, ASHA, "training.epochs=5", "training.batch_size=50")
    search(storage, file, places, trials=8, listener=notes, checkpoints=tmp_path / "checkpoints")
    record = read_study(storage, "small")
    assert {trial.state for trial in record.trials} == {"complete", "pruned"}
    assert len(record.trials) == 8
    spent = [trial.result.epochs for trial in record.trials if trial.result]
    assert set(spent) <= {1, 2, 4, 5}
    assert spent.count(5) == record.count("complete") >= 1
    assert spent.count(1) >= 3
    assert notes.epochs == sum(spent), "no epoch is trained twice"
    assert not list((tmp_path / "checkpoints").iterdir())
    for trial in record.trials:
        assert trial.recipe is not None
        assert trial.result is not None
        if trial.state == "complete":
            alone = run(trial.recipe, training_set(trial.recipe.data.name, places)).folds[0].epochs
            assert [each.training.loss for each in trial.result.folds[0].epochs] == pytest.approx(
                [each.training.loss for each in alone], rel=1e-5
            )
    assert {trial.result.reason for trial in record.trials if trial.state == "pruned" and trial.result} <= {
        f"{why} after epoch {rung}"
        for why in ("not among the best", "the search ended while it paused")
        for rung in (1, 2, 4)
    }
    again = Notes()
    assert search(storage, file, places, trials=12, listener=again).ended == "budget"
    assert read_study(storage, "small").count("complete", "pruned") == 12


@pytest.mark.slow
def test_an_interrupted_training_goes_on_in_the_next_call(
    storage: BaseStorage, small_study: Path, places: Places, tmp_path: Path
) -> None:
    file = small(small_study, "training.epochs=6", "search.pruner=none")
    study, _ = open_study(storage, file)

    class Hasty(Notes):
        def advanced(self, number: int, epoch: Epoch) -> None:
            super().advanced(number, epoch)
            if epoch.number == 4:
                conductor.stop("interrupt")

    hasty, after = Hasty(), Notes()
    checkpoints = tmp_path / "checkpoints"
    conductor = Conductor(Trials(study, file, hasty, {}, None, 0, False, checkpoints), InProcess(Setup(places)))
    assert conductor.run(1, 60).ended == "interrupt"
    assert len(list(checkpoints.iterdir())) == 1
    watched: list[Job] = []

    class Watched(InProcess):
        def submit(self, number: int, job: Job, watch: Watch) -> None:
            watched.append(job)
            super().submit(number, job, watch)

    search(storage, file, places, 1, after, executor=Watched(1, places), checkpoints=checkpoints)
    interrupted, done = read_study(storage, "small").trials
    assert (interrupted.state, done.state) == ("interrupted", "complete")
    assert interrupted.result is not None
    assert done.result is not None
    assert done.result.folds[0].epochs[:4] == interrupted.result.folds[0].epochs, "the same epochs, times included"
    frozen = optuna.load_study(study_name="small", storage=storage).trials[1]
    assert sorted(frozen.intermediate_values) == [1, 2, 3, 4, 5, 6]
    assert not list(checkpoints.iterdir())
