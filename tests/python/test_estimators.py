"""Estimators keep scikit-learn's contract, and a search inside `fit` holds nothing out and pretends nothing."""

import gc
import pickle
import sys
from collections.abc import Callable
from multiprocessing import current_process, get_context
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks

from tests.support.estimators import points, tiny, tiny_for_numbers
from tuner import Progress, TunedClassifier, TunedRegressor, load_study, optimize
from tuner.recipe import Table

WEIGHTS = (
    "a network is trained by batches in random order: a row of weight 2 is not the same step as the row seen twice"
)
LABELS = "the tests' study has the loss of classes; labels have a test of their own here"
UNFIT = {
    "TunedClassifier": {
        "check_sample_weight_equivalence_on_dense_data": WEIGHTS,
        "check_classifiers_multilabel_representation_invariance": LABELS,
        "check_classifiers_multilabel_output_format_predict": LABELS,
        "check_classifiers_multilabel_output_format_predict_proba": LABELS,
        "check_classifiers_multilabel_output_format_decision_function": LABELS,
    },
    "TunedRegressor": {"check_sample_weight_equivalence_on_dense_data": WEIGHTS},
}
"""scikit-learn's checks that make no sense for these estimators, each with its reason."""

OFTEN = (
    "check_estimator_cloneable",
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimators_unfitted",
    "check_mixin_order",
    "check_estimator_sparse_array",
    "check_estimators_empty_data_messages",
    "check_complex_data",
    "check_all_zero_sample_weights_error",
    "check_dict_unchanged",
    "check_set_params",
)
"""Those that train once at the most: all of them take a minute of CPU for each estimator, and run with `make test-long`."""

ESTIMATORS = (
    TunedClassifier(study=tiny(), random_state=0),
    TunedRegressor(study=tiny_for_numbers(), random_state=0),
)


def name_of(estimator: Any) -> str:
    """How a test calls it."""
    return type(estimator).__name__


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
@pytest.mark.parametrize("check", OFTEN)
def test_a_check_of_scikit_learn_passes(estimator: Any, check: str) -> None:
    getattr(estimator_checks, check)(name_of(estimator), estimator)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_all_checks_of_scikit_learn_pass_but_those_that_make_no_sense(estimator: Any) -> None:
    estimator_checks.check_estimator(estimator, expected_failed_checks=UNFIT[name_of(estimator)], on_skip=None)


def flats(rows: int = 60) -> tuple[pd.DataFrame, pd.Series]:
    """A column of each kind, gaps among them, and a class that follows from one of them."""
    chance = np.random.default_rng(0)
    quarter = chance.choice(["harbour", "hill"], rows)
    size = chance.normal(70.0, 10.0, rows)
    size[::7] = np.nan
    frame = pd.DataFrame(
        {
            "size": size,
            "quarter": pd.Categorical(quarter),
            "lift": chance.random(rows) > 0.5,
            "offered": pd.Timestamp("2024-01-01") + pd.to_timedelta(chance.integers(0, 300, rows), unit="D"),
            "text": [f"a light flat with {number} square metres and a view" for number in range(rows)],
        }
    )
    return frame, pd.Series(np.where(quarter == "hill", "quick", "slow"), name="let")


@pytest.fixture(scope="module")
def fitted() -> TunedClassifier:
    """A classifier of flats."""
    return TunedClassifier(study=tiny(epochs=30), random_state=0).fit(*flats())


@pytest.mark.slow
def test_a_frame_is_taken_by_its_types(fitted: TunedClassifier) -> None:
    frame, let = flats()
    data = fitted.best_recipe_.data
    assert isinstance(data, Table)
    assert [column.kind for column in data.columns] == ["number", "category", "boolean", "date", "text"]
    assert list(fitted.feature_names_in_) == list(frame.columns)
    assert list(fitted.classes_) == ["quick", "slow"]
    assert fitted.score(frame, let) > 0.9
    assert fitted.predict_proba(frame).sum(axis=1) == pytest.approx(1.0)


@pytest.mark.slow
def test_no_rows_are_refused_as_scikit_learn_does(fitted: TunedClassifier) -> None:
    with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\) while a minimum of 1 is required"):
        fitted.predict(flats()[0][:0])


@pytest.mark.slow
def test_another_library_s_table_is_taken_by_its_names(fitted: TunedClassifier) -> None:
    frame = flats()[0]
    assert (fitted.predict_proba(pyarrow.Table.from_pandas(frame)) == fitted.predict_proba(frame)).all()
    with pytest.raises(ValueError, match="The feature names should match those that were passed during fit"):
        fitted.predict(frame[frame.columns[::-1]])


def _predicted(classifier: TunedClassifier, answers: "SimpleQueue[str]") -> None:
    for use in (classifier.predict, lambda x: classifier.fit(x, flats()[1])):
        try:
            use(flats()[0])
            answers.put("")
        except ValueError as error:
            answers.put(str(error))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no forks")
@pytest.mark.filterwarnings("ignore")
def test_a_fork_after_use_is_refused_and_does_not_hang(fitted: TunedClassifier) -> None:
    fitted.predict(flats()[0])
    context = get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=_predicted, args=(fitted, answers))
    child.start()
    child.join(timeout=60)
    hangs = child.is_alive()
    child.kill()
    assert not hangs
    assert [answers.get().partition(",")[0] for _ in range(2)] == 2 * [
        "this process is a fork of one that has used TensorFlow"
    ]


@pytest.mark.slow
def test_a_daemon_trains_by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(current_process()._config, "daemon", True)  # type: ignore[attr-defined]
    reported: list[Progress] = []
    optimize(tiny(epochs=1), *points(), runs=tmp_path, test=0, workers=2, on_progress=reported.append)
    assert str(reported[0]) == "this process is a daemon, which cannot start others: it trains by itself"
    assert reported[-1].trials == 1


@pytest.mark.slow
def test_nothing_is_held_out_and_nothing_is_tested(fitted: TunedClassifier) -> None:
    data = fitted.best_recipe_.data
    assert isinstance(data, Table)
    found = data.found
    assert found is not None
    assert (found.training_examples, found.test_examples) == (60, 0)
    assert 0 <= fitted.validation_score_ <= 1
    assert not list(fitted._folder.rglob("predictions.npz"))


@pytest.mark.slow
def test_a_pickled_classifier_predicts_the_same_without_its_folder(fitted: TunedClassifier) -> None:
    frame, _ = flats()
    again = pickle.loads(pickle.dumps(fitted))
    assert not hasattr(again, "_folder")
    assert (again.predict_proba(frame) == fitted.predict_proba(frame)).all()
    assert again.model_.count_params() == fitted.model_.count_params()


@pytest.mark.slow
def test_groups_and_weights_are_routed_through_a_pipeline_to_a_search_of_parameters(tmp_path: Path) -> None:
    x, y = load_iris(return_X_y=True)
    groups, weights = np.arange(150) % 15, np.linspace(1.0, 2.0, 150)
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = TunedClassifier(runs=tmp_path)
        classifier.set_fit_request(sample_weight=True, groups=True).set_score_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), classifier)
        parameters = {"tunedclassifier__study": [tiny(epochs=1)]}
        grid = GridSearchCV(pipeline, parameters, cv=GroupKFold(2), refit=False, error_score="raise")
        grid.fit(x, y, groups=groups, sample_weight=weights)
    assert 0 <= grid.best_score_ <= 1
    studies = [path.parent.name for path in tmp_path.glob("study-*/best.keras")]
    assert len(studies) == 2
    assert [load_study(name, tmp_path).trials.epochs.tolist() for name in studies] == [[1], [1]]


@pytest.mark.slow
def test_labels_and_several_numbers_come_back_as_they_were_given_and_temporary_folders_go() -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    labels = (x[:, :2] > 0).astype(int)
    classifier = TunedClassifier(study=tiny("binary_crossentropy", "sigmoid", 1)).fit(x, labels)
    assert set(np.unique(classifier.predict(x))) <= {0, 1}
    assert classifier.predict(x).shape == classifier.predict_proba(x).shape == (60, 2)
    regressor = TunedRegressor(study=tiny_for_numbers(1)).fit(x, x[:, :2])
    assert regressor.predict(x).shape == (60, 2)
    folder = regressor._folder
    assert list(folder.glob("data/prepared/own-*"))
    del regressor
    gc.collect()
    assert not folder.exists()


def test_a_clone_has_the_parameters_and_no_fit() -> None:
    classifier = TunedClassifier(minutes=3.0, study=tiny(), objective="validation_loss", workers="auto")
    assert clone(classifier).get_params() == classifier.get_params()
    assert not hasattr(clone(classifier), "model_")


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (
            lambda each: each.fit([[1.0], [2.0]], ["a", "a"]),
            "y must have at least two classes, got one class only, 'a'",
        ),
        (lambda each: each.fit([[1.0], [2.0]] * 4, ["a", "b"] * 4), "the data: has 8 rows, and at least 10 are needed"),
    ],
)
def test_unusable_data_is_refused_with_a_reason(fit: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        fit(TunedClassifier(study=tiny()))
    assert str(error.value) == message
