"""Figures of merit, beside scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from tuner.base.metric_functions import (
    Interval,
    bootstrap_interval,
    compute_metrics,
    metric_interval,
    wilson_interval,
)
from tuner.base.metrics import METRICS, TASKS, main_metric, metrics_for, standard_error

SEEDS = st.integers(0, 2**16)


def drawn(seed: int, classes: int, count: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities with ties, class numbers of which each occurs, weights."""
    rng = np.random.default_rng(seed)
    outputs = rng.dirichlet(np.ones(classes), count).round(1) + 0.01
    outputs /= outputs.sum(axis=1, keepdims=True)
    true = rng.permutation(np.arange(count) % classes)
    return outputs, true, rng.integers(1, 4, count).astype(float)


@given(SEEDS, st.integers(2, 5), st.booleans())
def test_figures_of_classes_are_scikit_learns(seed: int, classes: int, is_weighted: bool) -> None:
    outputs, true, weights = drawn(seed, classes)
    weight = weights if is_weighted else None
    found, said = compute_metrics("classification", outputs, true, weight), outputs.argmax(axis=1)
    one_hot, scores = np.eye(classes)[true], outputs
    if classes == 2:
        one_hot, scores = one_hot[:, 1], scores[:, 1]
    assert found == {
        "accuracy": pytest.approx(metrics.accuracy_score(true, said, sample_weight=weight)),
        "balanced_accuracy": pytest.approx(metrics.balanced_accuracy_score(true, said, sample_weight=weight)),
        "macro_f1": pytest.approx(metrics.f1_score(true, said, average="macro", sample_weight=weight)),
        "log_loss": pytest.approx(metrics.log_loss(true, outputs, sample_weight=weight), abs=1e-6),
        "roc_auc": pytest.approx(metrics.roc_auc_score(one_hot, scores, average="macro", sample_weight=weight)),
        "average_precision": pytest.approx(
            metrics.average_precision_score(one_hot, scores, average="macro", sample_weight=weight)
        ),
    }


@given(SEEDS, st.integers(2, 4), st.booleans())
def test_figures_of_labels_are_scikit_learns(seed: int, labels: int, is_weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    outputs = rng.uniform(0.01, 0.99, (40, labels)).round(1) * 0.98 + 0.01
    true = (rng.random((40, labels)) < 0.4).astype(np.uint8)
    true[0], true[1] = 1, 0
    weight = rng.integers(1, 4, 40).astype(float) if is_weighted else None
    found, said = compute_metrics("multi_label", outputs, true, weight), outputs > 0.5
    losses = [metrics.log_loss(true[:, i], outputs[:, i], sample_weight=weight, labels=[0, 1]) for i in range(labels)]
    assert found == {
        "accuracy": pytest.approx(np.average((said == true).mean(axis=1), weights=weight)),
        "macro_f1": pytest.approx(metrics.f1_score(true, said, average="macro", sample_weight=weight, zero_division=0)),
        "log_loss": pytest.approx(np.mean(losses), abs=1e-6),
        "roc_auc": pytest.approx(metrics.roc_auc_score(true, outputs, average="macro", sample_weight=weight)),
        "average_precision": pytest.approx(
            metrics.average_precision_score(true, outputs, average="macro", sample_weight=weight)
        ),
    }


@given(SEEDS, st.integers(1, 3), st.booleans())
def test_figures_of_numbers_are_scikit_learns(seed: int, targets: int, is_weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    true, outputs = rng.normal(5, 3, (2, 30, targets))
    weight = rng.integers(1, 4, 30).astype(float) if is_weighted else None
    assert compute_metrics("regression", outputs, true, weight) == {
        "r2": pytest.approx(metrics.r2_score(true, outputs, sample_weight=weight)),
        "rmse": pytest.approx(metrics.root_mean_squared_error(true, outputs, sample_weight=weight)),
        "mae": pytest.approx(metrics.mean_absolute_error(true, outputs, sample_weight=weight)),
    }


def test_what_examples_cannot_tell_is_not_a_number() -> None:
    outputs, true = np.array([[0.3, 0.7], [0.4, 0.6]]), np.array([1, 1])
    found = compute_metrics("classification", outputs, true)
    assert np.isnan(found["roc_auc"])
    assert np.isnan(found["average_precision"])
    assert (found["accuracy"], found["balanced_accuracy"]) == (1.0, 1.0)


def test_a_target_that_never_varies_has_no_r2_to_gain() -> None:
    flat = np.ones((5, 1))
    assert compute_metrics("regression", flat, flat)["r2"] == 1.0
    assert compute_metrics("regression", flat + 0.1, flat)["r2"] == 0.0


def test_a_class_that_an_example_may_have_and_none_has_is_not_counted() -> None:
    outputs, true = np.array([[0.8, 0.2, 0.0], [0.1, 0.9, 0.0]]), np.array([0, 1])
    found = compute_metrics("classification", outputs, true)
    assert (found["balanced_accuracy"], found["macro_f1"], found["roc_auc"]) == (1.0, 1.0, 1.0)


def test_who_is_never_right_has_figures_too() -> None:
    found = compute_metrics("classification", np.eye(2)[[1, 0]], np.array([0, 1]))
    assert (found["accuracy"], found["macro_f1"], found["balanced_accuracy"]) == (0.0, 0.0, 0.0)


def test_every_task_has_figures_and_one_that_is_told_first() -> None:
    assert main_metric("custom") == "loss"  # those of a function's model
    for task in set(TASKS) - {"custom"}:
        assert main_metric(task) in metrics_for(task)
    assert set(METRICS) == set(metrics_for("classification")) | set(metrics_for("regression"))


def test_an_interval_is_as_wide_as_the_error_of_a_share() -> None:
    rng = np.random.default_rng(0)
    true, right = rng.integers(0, 2, 2000), rng.random(2000) < 0.9
    outputs = np.eye(2)[np.where(right, true, 1 - true)]
    low, high = bootstrap_interval("accuracy", outputs, true)
    share = right.mean()
    half = 1.96 * np.sqrt(share * (1 - share) / 2000)
    assert [low, high] == pytest.approx([share - half, share + half], abs=0.002)


def test_an_interval_over_groups_is_wider_where_they_err_together() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(50), 20)
    true = rng.integers(0, 2, 1000)
    outputs = np.eye(2)[np.where((rng.random(50) < 0.8)[groups], true, 1 - true)]
    alone, together = (
        bootstrap_interval("accuracy", outputs, true),
        bootstrap_interval("accuracy", outputs, true, groups=groups),
    )
    assert together[1] - together[0] > 3 * (alone[1] - alone[0])


def test_an_interval_counts_weights() -> None:
    true, outputs = np.array([0, 1, 0, 1]), np.eye(2)[[0, 1, 1, 0]]
    low, high = bootstrap_interval("accuracy", outputs, true, weights=np.array([1.0, 1.0, 1e-9, 1e-9]))
    assert low == pytest.approx(1.0, abs=1e-6) or high == pytest.approx(1.0, abs=1e-6)
    assert bootstrap_interval("accuracy", outputs, true, weights=np.ones(4), seed=1) == bootstrap_interval(
        "accuracy", outputs, true, seed=1
    )


def test_the_interval_of_an_accuracy_is_wilsons_unless_examples_are_weighted_or_grouped() -> None:
    generator = np.random.default_rng(0)
    true, outputs = generator.integers(0, 2, 80), generator.dirichlet((1, 1), 80)
    accuracy = float((outputs.argmax(axis=1) == true).mean())
    found = metric_interval("accuracy", outputs, true)
    assert found == Interval(*wilson_interval(accuracy, 80), "Wilson")
    assert found.title == "95 % Wilson interval"
    for units in ({"weights": np.ones(80)}, {"groups": np.arange(80)}):
        low, high = bootstrap_interval("accuracy", outputs, true, **units)
        assert metric_interval("accuracy", outputs, true, **units) == Interval(low, high, "bootstrap")
    assert metric_interval("log_loss", outputs, true) == Interval(
        *bootstrap_interval("log_loss", outputs, true), "bootstrap"
    )


def test_a_log_loss_is_known_as_well_as_the_few_examples_that_have_most_of_it() -> None:
    """One example in twenty is wrong, and has half of the loss: the sample's own standard error is near the rule's."""
    rng = np.random.default_rng(0)
    losses = np.where(rng.random(4000) < 0.05, rng.exponential(1.5, 4000), rng.exponential(0.08, 4000))
    own = losses.std() / len(losses) ** 0.5
    assert standard_error("log_loss", losses.mean(), len(losses)) == pytest.approx(own, rel=0.35)
    assert standard_error("log_loss", 0.0, 100) > 0
