"""What becomes the model: one network, an average, an average over mirror images; by validation alone."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from optuna.storages import InMemoryStorage

from tests.support.fakes import session_in
from tests.support.searches import AtOnce, Notes, small
from tuner.base.calibration import at_temperature, fitted_temperature
from tuner.base.metric_functions import Interval, compute_metrics
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.data.splits import folds
from tuner.networks import Dense
from tuner.recipe import Augmentation, KFold, Recipe, Views
from tuner.refit.final_model import Refit, make_final_model
from tuner.refit.session import Session
from tuner.result import Epoch, FoldResult, Result, Scores, Watch
from tuner.storage.confirmed import Confirmed
from tuner.study.settings import Budget
from tuner.worker import jobs
from tuner.worker.folder import Folder, member
from tuner.worker.jobs import Combine, Job, Measured

TESTED = {"ensemble": 0.8}


@dataclass
class Saver(AtOnce):
    """An executor that combines and tests what is only a name."""

    folder: Folder
    combined: list[Combine] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        assert isinstance(job, Combine | jobs.Test)
        if isinstance(job, Combine):
            self.combined.append(job)
            self.folder.model(job.save).write_text("+".join(job.names))
            self.done.append((number, 42))
        else:
            np.save(self.folder.outputs(job.saved), np.zeros((2, 2)))
            figures = self.figures or {"accuracy": TESTED.get(job.saved, 0.6)}
            intervals = {"accuracy": Interval(0.7, 0.9, "Wilson")} if job.is_final else {}
            self.done.append((number, Measured(Scores(loss=0.5, figures=figures), intervals)))


@dataclass(frozen=True)
class Stage:
    """A context and a folder in which networks lie that say what a test wants."""

    context: Session
    folder: Folder
    recipe: Recipe
    labels: NDArray[np.int64]

    def network(self, seed: int, right: float, **right_on: float) -> Refit:
        """A network that is right on such a share of the examples, and of their `mirrored` and `shifted` views."""
        augmentation = Augmentation(flip="mirrored" in right_on, shift=int("shifted" in right_on))
        training = replace(self.recipe.training, augmentation=augmentation)
        recipe = replace(self.recipe, seed=seed, training=training)
        name = member(recipe.key)
        self.folder.model(name).parent.mkdir(exist_ok=True)
        self.folder.model(name).write_text(str(seed))
        np.save(self.folder.validated(name), self._giving(seed, right))
        for number, part in enumerate(augmentation.views.parts[1:], start=1):
            share = min(right_on[view] for view in part[1:].split("-"))
            np.save(self.folder.validated(name, part), self._giving(seed + 50 * number, share))
        scores = Scores(loss=0.5, figures={"accuracy": right})
        epoch = Epoch(fold=0, number=1, training=scores, validation=scores, learning_rate=0.1, seconds=1.0)
        folds_done = (FoldResult(epochs=(epoch,), kept=1),)
        result = Result(folds=folds_done, ended="finished", reason="", parameters=13, seconds=1.0)
        return Refit(seed, recipe, result)

    def kept(self, executor: "Saver", *networks: Refit) -> Confirmed:
        """What becomes of these networks."""
        return make_final_model(self.context, networks, executor)

    @property
    def files(self) -> list[str]:
        """All that lies in the folder."""
        return sorted(str(path.relative_to(self.folder.path)) for path in self.folder.path.rglob("*") if path.is_file())

    def _giving(self, seed: int, right: float) -> NDArray[np.float32]:
        """Probabilities (n, 2): wrong with high confidence on examples of its own, a share of 1 - right."""
        generator = np.random.default_rng(seed)
        is_wrong = generator.permutation(len(self.labels)) >= right * len(self.labels)
        true = np.where(is_wrong, 0.1, 0.9)
        return np.where(np.eye(2)[self.labels] == 1, true[:, None], 1 - true[:, None]).astype(np.float32)


@pytest.fixture
def stage(small_study: Path, places: Places, tmp_path: Path) -> Stage:
    """A study that lets three networks into its model."""
    file = small(
        small_study,
        "confirmation.members=3",
        "protocol={kind='holdout', validation=200}",
        "training.loss=categorical_crossentropy",
    )
    folder = Folder(tmp_path / "folder")
    folder.path.mkdir()
    context = session_in(InMemoryStorage(), file, places, folder=folder)
    recipe = file.corners[0][1]
    labels = training_set("xor", places).examples.labels
    (fold,) = folds(recipe.protocol, labels)
    return Stage(context, folder, recipe, labels[fold.validation].astype(np.int64))


def test_networks_that_err_differently_are_averaged(stage: Stage) -> None:
    executor = Saver(stage.folder)
    kept = stage.kept(executor, *(stage.network(seed, 0.85) for seed in (1, 2, 3)))
    assert sorted(kept.members) == [0, 1, 2]
    assert kept.is_ensemble
    assert not kept.is_mirrored
    assert kept.model_validation is not None
    assert kept.model_validation > 0.9 > max(kept.validation)
    assert (kept.test, kept.tests, kept.parameters) == (0.8, (0.6, 0.6, 0.6), 42)
    assert kept.test_figures == {"accuracy": 0.8}
    assert kept.test_intervals == {"accuracy": Interval(0.7, 0.9, "Wilson")}
    assert kept.model.read_text().count("+") == 2
    assert stage.files == ["best.keras", "predictions.npz"]


def test_where_the_time_decides_the_networks_of_the_model_stay(stage: Stage) -> None:
    fits = replace(stage.context, file=replace(stage.context.file, budget=Budget(epochs="fit")))
    timed = replace(stage, context=fits)
    alone, other = timed.network(1, 0.99), timed.network(2, 0.5)
    kept = timed.kept(Saver(timed.folder), alone, other)
    assert (kept.members, kept.model.read_text()) == ((0,), alone.name)
    name = member(alone.recipe.key)
    assert timed.files == ["best.keras", f"{name}.keras", f"{name}.validation.npy", "predictions.npz"]
    again = timed.kept(Saver(timed.folder), alone, timed.network(3, 0.98))
    assert again.members == (0, 1)
    assert len(timed.files) == 6


def test_one_that_is_much_better_stays_alone(stage: Stage) -> None:
    executor = Saver(stage.folder)
    kept = stage.kept(executor, stage.network(1, 0.55), stage.network(2, 1.0))
    assert not kept.is_ensemble
    assert [len(each.names) for each in executor.combined] == [1], "for its calibration alone"
    assert kept.recipe.seed == 2
    assert kept.model_validation == kept.validation[1]


def test_mirror_images_count_where_they_help_and_were_trained_on(stage: Stage) -> None:
    executor = Saver(stage.folder)
    kept = stage.kept(executor, stage.network(1, 0.85, mirrored=0.85))
    assert kept.is_mirrored
    assert kept.is_ensemble
    assert executor.combined[0].views == Views(is_mirrored=True)
    worse = stage.kept(executor, stage.network(1, 0.85, mirrored=0.2))
    assert not worse.is_mirrored


def test_the_model_is_described_by_the_refits_that_are_in_it(stage: Stage) -> None:
    """The first refit alone is better, the average over views of the second is best."""
    better = stage.network(1, 0.87, mirrored=0.5, shifted=0.5)
    kept = stage.kept(Saver(stage.folder), better, stage.network(2, 0.85, mirrored=0.85, shifted=0.85))
    assert kept.members == (1,)
    assert (kept.trial, kept.recipe.seed) == (2, 2)


def test_shifted_images_count_where_they_help_and_were_trained_on(stage: Stage) -> None:
    executor = Saver(stage.folder)
    kept = stage.kept(executor, stage.network(1, 0.85, shifted=0.85))
    assert (kept.is_shifted, kept.is_mirrored, kept.is_ensemble) == (True, False, True)
    assert executor.combined[0].views == Views(is_shifted=True)
    assert not stage.kept(executor, stage.network(1, 0.85, shifted=0.2)).is_shifted
    both = stage.kept(executor, stage.network(1, 0.85, mirrored=0.85, shifted=0.85))
    assert both.views == Views(is_mirrored=True, is_shifted=True)
    assert stage.files == ["best.keras", "predictions.npz"]


def test_more_views_leave_room_for_fewer_networks(stage: Stage) -> None:
    """Six images for each network: no more than nine are computed with at most three members."""
    networks = [stage.network(seed, 0.85, mirrored=0.85, shifted=0.85) for seed in (1, 2, 3)]
    kept = stage.kept(Saver(stage.folder), *networks)
    assert kept.views.images * len(kept.members) <= 9


def test_the_networks_of_folds_are_averaged_where_there_is_room_for_all_of_them(stage: Stage, places: Places) -> None:
    """A refit has three: of two folds, and the one on everything. At most nine images are computed."""
    recipe = replace(stage.recipe, protocol=KFold(folds=2))
    labels = training_set("xor", places).examples.labels
    order = np.concatenate([each.validation for each in folds(recipe.protocol, labels) if each.validation is not None])
    folded, executor = replace(stage, recipe=recipe, labels=labels[order].astype(np.int64)), Saver(stage.folder)
    kept = folded.kept(executor, *(folded.network(seed, 0.85) for seed in (1, 2)))
    assert (kept.members, kept.networks, executor.combined[-1].with_folds) == ((0, 1), 6, True)
    kept = folded.kept(executor, *(folded.network(seed, 0.85, shifted=0.85) for seed in (1, 2)))
    assert (kept.views.images, len(kept.members)) == (3, 2)
    assert (kept.networks, executor.combined[-1].with_folds) == (2, False)
    one_fold = replace(recipe, protocol=KFold(folds=2, trained=1))
    assert replace(folded.network(1, 0.85), recipe=one_fold).networks(3) == 2


def test_refits_of_a_version_without_views_are_averaged(stage: Stage) -> None:
    old = stage.network(1, 0.85, mirrored=0.85, shifted=0.85)
    for part in ("-shifted", "-mirrored-shifted"):
        stage.folder.validated(member(old.recipe.key), part).unlink()
    assert stage.kept(Saver(stage.folder), old).views == Views(is_mirrored=True)


def test_who_was_stopped_before_its_last_fold_is_left_out(stage: Stage) -> None:
    networks = [stage.network(seed, 0.85) for seed in (1, 2, 3, 4)]
    for each in networks[1::2]:
        stage.folder.validated(member(each.recipe.key)).unlink()
    kept = stage.kept(Saver(stage.folder), *networks)
    assert kept.seeds == (1, 3)
    assert isinstance(stage.context.listener, Notes)
    assert stage.context.listener.messages == ["refits left out because the time was over before their last fold: 2"]
    assert stage.context.listener.phases == ["testing"]
    assert sorted(kept.members) == [0, 1]
    assert stage.files == ["best.keras", "predictions.npz"]
    (alone,) = [stage.network(4, 0.85)]
    stage.folder.validated(member(alone.recipe.key)).unlink()
    assert stage.kept(Saver(stage.folder), alone).seeds == (4,), "where none was validated all of them count"


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_networks_are_averaged_than_the_study_allows(most: int, stage: Stage) -> None:
    file = replace(stage.context.file, confirmation=replace(stage.context.file.confirmation, members=most))
    limited = replace(stage, context=replace(stage.context, file=file))
    kept = limited.kept(Saver(stage.folder), *(limited.network(seed, 0.85) for seed in (1, 2, 3)))
    assert len(kept.members) == most


def test_mirror_images_count_as_much_as_the_images(stage: Stage) -> None:
    """The log loss of the calibrated mean of both outputs is that of the model."""
    file = replace(stage.context.file, objectives=("validation_log_loss",))
    by_loss = replace(stage, context=replace(stage.context, file=file))
    network = by_loss.network(1, 0.85, mirrored=0.85)
    figures = {"accuracy": 0.85, "log_loss": 0.42}
    (fold,) = network.result.folds
    epoch = replace(fold.epochs[0], validation=Scores(loss=0.5, figures=figures))
    network = replace(network, result=replace(network.result, folds=(replace(fold, epochs=(epoch,)),)))
    name = member(network.recipe.key)
    both = np.load(stage.folder.validated(name)), np.load(stage.folder.validated(name, "-mirrored"))
    mean = np.mean(both, axis=0)
    plain, expected = (
        compute_metrics("classification", each, stage.labels)["log_loss"]
        for each in (mean, at_temperature(mean, fitted_temperature(mean, stage.labels)))
    )
    assert expected < plain
    tester = Saver(stage.folder, figures={"accuracy": 0.6, "log_loss": 0.9})
    kept = by_loss.kept(tester, network)
    assert kept.is_mirrored
    assert kept.validation == (0.42,)
    assert kept.model_validation == pytest.approx(expected, abs=1e-4)
    assert kept.temperature == tester.combined[0].temperature < 1


def test_outputs_that_are_no_probabilities_of_classes_are_not_calibrated(stage: Stage) -> None:
    network = stage.network(1, 0.85)
    assert isinstance(network.recipe.network, Dense)
    linear = replace(network.recipe, network=replace(network.recipe.network, output="linear"))
    executor, files = Saver(stage.folder), stage.folder.validated
    files(member(linear.key)).write_bytes(files(network.name).read_bytes())
    stage.folder.model(member(linear.key)).write_text("1")
    kept = stage.kept(executor, replace(network, recipe=linear))
    assert (kept.temperature, executor.combined, kept.model.read_text()) == (1.0, [], "1")


@pytest.mark.parametrize(("ended", "accuracy"), [("finished", 0.5), ("pruned", 0.85)])
def test_what_a_stopped_training_predicted_counts_and_not_its_last_whole_epoch(
    ended: str, accuracy: float, stage: Stage
) -> None:
    network = stage.network(1, 0.85)
    (fold,) = network.result.folds
    epoch = replace(fold.epochs[0], validation=Scores(loss=0.5, figures={"accuracy": 0.5}))
    result = replace(network.result, folds=(replace(fold, epochs=(epoch,)),), ended=ended)  # type: ignore[arg-type]
    kept = stage.kept(Saver(stage.folder), replace(network, result=result))
    assert kept.validation == pytest.approx((accuracy,))


def test_the_curve_is_that_of_the_first_fold(stage: Stage) -> None:
    network = stage.network(1, 0.85)
    (fold,) = network.result.folds
    second = replace(fold.epochs[0], fold=1, validation=Scores(loss=0.1, figures={"accuracy": 0.99}))
    result = replace(network.result, folds=(fold, replace(fold, epochs=(second,))))
    kept = stage.kept(Saver(stage.folder), replace(network, result=result))
    assert kept.curves[0]["validation_accuracy"] == [0.85]
