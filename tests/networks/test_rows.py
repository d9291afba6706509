"""The encoder of a network on a table: its outputs, its constants, and that all numbers stay finite."""

import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from tuner.base.errors import Invalid
from tuner.networks import Convolutional, Dense, Hidden, ResidualDense, TabularEnsemble, layer_table
from tuner.networks.build import build
from tuner.networks.columns import MISSING, UNSEEN, Coded, Encoding, Rows
from tuner.networks.encoder import InputEncoder
from tuner.networks.fitting import fit_encoder
from tuner.networks.layers import RowEncoder

Array = NDArray[np.float32]
COLUMNS = (
    Coded("category", 6),
    Coded("number", lacks=True),
    Coded("category", 30),
    Coded("date", lacks=True),
    Coded("text", 20, places=3),
    Coded("boolean", 4),
    Coded("number"),
    Coded("text", 9, places=2),
)
SIZES = (6, 0, 30, 0, 20, 20, 20, 4, 0, 9, 9)
"""How many codes each place has."""

SMALL = Encoding(bins=4, frequencies=3, number_size=2, embedding=5)
ENCODINGS = [replace(SMALL, numbers=numbers) for numbers in get_args(get_type_hints(Encoding)["numbers"])]
EDGES = [math.nan, math.inf, -math.inf, 0.0, 1.0, -1.0, 3.4e38, -3.4e38, 1e-45, 19_000.0]


def coded_rows(count: int, seed: int = 0) -> Array:
    """Rows of the columns above, with gaps."""
    generator = np.random.default_rng(seed)
    columns = [generator.integers(0, size, count) if size else generator.normal(5, 3, count) for size in SIZES]
    rows = np.stack(columns, axis=1).astype(np.float32)
    rows[:, 3] = 19_000 + generator.integers(0, 900, count)
    rows[generator.random(count) < 0.2, 1] = np.nan
    return rows


@cache
def front(encoding: Encoding, columns: tuple[Coded, ...]) -> RowEncoder:
    """A built encoder, its constants unset."""
    layer = RowEncoder(Rows(columns, encoding), seed=3)
    layer.build((None, *layer.rows.shape))
    return layer


def encoded(encoding: Encoding, training: Array, rows: Array, columns: tuple[Coded, ...] = COLUMNS) -> Array:
    """Rows encoded with the constants of the training rows."""
    layer = front(encoding, columns)
    for variable, value in zip(layer.non_trainable_variables, fit_encoder(layer.rows, training), strict=True):
        variable.assign(value)
    return np.asarray(layer(rows))


def number(encoding: Encoding, training: list[float], values: list[float]) -> list[list[float]]:
    """A single column of numbers, encoded."""
    one, other = (np.array([each], np.float32).T for each in (training, values))
    return [[round(float(each), 4) for each in row] for row in encoded(encoding, one, other, (Coded("number"),))]


any_rows = st.integers(1, 12).flatmap(
    lambda count: arrays(
        np.float32, (count, len(SIZES)), elements=st.sampled_from(EDGES) | st.floats(-99, 99, width=32)
    )
)
by_encoding = pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.numbers)


# The contract


@by_encoding
@pytest.mark.parametrize("columns", [COLUMNS, COLUMNS[:1], COLUMNS[1:2], COLUMNS[2:3], COLUMNS[3:5]])
def test_the_front_is_built_as_its_table_says(encoding: Encoding, columns: tuple[Coded, ...]) -> None:
    rows = Rows(columns, encoding)
    layer, described = front(encoding, columns), InputEncoder(rows).layer
    assert sum(math.prod(each.shape) for each in layer.trainable_variables) == described.trainable
    assert sum(math.prod(each.shape) for each in layer.non_trainable_variables) == described.frozen
    assert described.output == (rows.width,)
    assert (
        layer(np.zeros((2, *rows.shape), np.float32)).shape == layer.compute_output_shape((2, None)) == (2, rows.width)
    )
    found = fit_encoder(rows, coded_rows(30)[:, : rows.shape[0]])
    assert [each.shape for each in found] == [tuple(each.shape) for each in layer.non_trainable_variables]
    assert all(each.dtype == np.float32 for each in found)


@pytest.mark.parametrize(
    "network",
    [Dense(widths=(4,)), ResidualDense(width=4), TabularEnsemble(widths=(4,), members=3), Dense(widths=())],
    ids=lambda network: network.kind,
)
def test_a_network_on_rows_is_built_as_its_table_says(network: Any) -> None:
    rows = Rows(COLUMNS, ENCODINGS[2])
    model = build(network, rows, 3, seed=1, constants=fit_encoder(rows, coded_rows(20)))
    assert [each.count_params() for each in model.layers] == [each.parameters for each in layer_table(network, rows, 3)]
    np.testing.assert_allclose(np.asarray(model(coded_rows(5, seed=2))).sum(axis=1), 1.0, rtol=1e-5)


def test_a_family_for_images_is_refused() -> None:
    rows = Rows(COLUMNS[:2], Encoding())
    with pytest.raises(Invalid) as complaint:
        build(Convolutional(filters=(4,)), rows, 3, seed=0)
    wanted = "network.kind: must be 'dense' for inputs that are not images, which have the shape [8]"
    assert str(complaint.value) == wanted


def test_the_front_computes_in_float32_where_the_network_does_not() -> None:
    rows = Rows(COLUMNS, ENCODINGS[4])
    model = build(Dense(widths=(4,), hidden=Hidden(precision="bfloat16")), rows, 3, seed=0)
    assert [layer.compute_dtype for layer in model.layers] == ["float32", "bfloat16", "float32"]
    assert np.isfinite(model(coded_rows(5))).all()


@by_encoding
def test_a_saved_model_encodes_alike(encoding: Encoding, tmp_path: Path) -> None:
    rows = Rows(COLUMNS, encoding)
    model = build(Dense(widths=(4,)), rows, 3, seed=0, constants=fit_encoder(rows, coded_rows(50)))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.layers[0].rows == rows
    np.testing.assert_array_equal(again(coded_rows(9, seed=1)), model(coded_rows(9, seed=1)))


def test_the_seed_decides_embeddings_and_frequencies() -> None:
    rows = Rows(COLUMNS, ENCODINGS[4])
    one, same, other = (build(Dense(widths=()), rows, 3, seed).layers[0].trainable_variables for seed in (1, 1, 2))
    assert [each.name for each in one] == ["frequencies", "features", "bias", "embeddings"]
    for a, b, c in zip(one, same, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.name == "bias" or not np.array_equal(a, c)


# Properties


@by_encoding
@settings(max_examples=25)
@given(training=any_rows, rows=any_rows)
def test_all_outputs_are_finite(encoding: Encoding, training: Array, rows: Array) -> None:
    found = fit_encoder(Rows(COLUMNS, encoding), training)
    assert all(np.isfinite(each).all() for each in found)
    missing = np.full_like(rows, np.nan)
    assert np.isfinite(encoded(encoding, training, np.concatenate([rows, missing]))).all()


@by_encoding
@settings(max_examples=25)
@given(rows=any_rows, seed=st.integers(0, 99))
def test_the_order_of_the_examples_changes_no_constant(encoding: Encoding, rows: Array, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(rows))
    encoder_rows = Rows(COLUMNS, encoding)
    for one, other in zip(fit_encoder(encoder_rows, rows), fit_encoder(encoder_rows, rows[order]), strict=True):
        np.testing.assert_array_equal(one, other)


@by_encoding
@settings(max_examples=25)
@given(rows=any_rows, others=any_rows)
def test_validation_rows_change_no_constant(encoding: Encoding, rows: Array, others: Array) -> None:
    encoder_rows, both = Rows(COLUMNS, encoding), np.concatenate([others, rows])
    training = np.arange(len(others), len(both))
    for one, other in zip(fit_encoder(encoder_rows, rows), fit_encoder(encoder_rows, both, training), strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=50)
@given(training=any_rows, rows=any_rows, place=st.sampled_from([i for i, size in enumerate(SIZES) if size]))
def test_a_code_that_the_training_part_lacks_is_unseen(training: Array, rows: Array, place: int) -> None:
    training[np.floor(training) == 3] = 2  # the encoder truncates codes
    lacked, unseen, beyond = rows.copy(), rows.copy(), rows.copy()
    lacked[:, place], unseen[:, place], beyond[:, place] = 3, UNSEEN, SIZES[place]
    found = encoded(ENCODINGS[0], training, unseen)
    np.testing.assert_array_equal(encoded(ENCODINGS[0], training, lacked), found)
    np.testing.assert_array_equal(encoded(ENCODINGS[0], training, beyond), found)


@by_encoding
def test_gradients_stay_finite_with_missing_values(encoding: Encoding) -> None:
    import tensorflow as tf

    rows = coded_rows(40)
    rows[:5], rows[5:9, 1] = np.nan, np.inf
    encoded(encoding, rows, rows)
    layer, inputs = front(encoding, COLUMNS), tf.constant(rows)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = tf.reduce_sum(layer(inputs) ** 2)
    for gradient in tape.gradient(loss, [inputs, *layer.trainable_variables]):
        assert np.isfinite(tf.convert_to_tensor(gradient)).all()


@pytest.mark.parametrize("xla", [False, True])
def test_a_graph_encodes_as_eager_execution_does(xla: bool) -> None:
    import tensorflow as tf

    rows = coded_rows(20)
    for encoding in (ENCODINGS[2], ENCODINGS[4]):
        wanted = encoded(encoding, rows, rows)
        call = tf.function(front(encoding, COLUMNS), autograph=False, jit_compile=xla)
        np.testing.assert_allclose(call(tf.constant(rows)), wanted, rtol=1e-4, atol=1e-5)


# Each encoding by its definition


def test_a_standard_number_is_measured_in_standard_deviations() -> None:
    assert number(ENCODINGS[0], [2, 4, 4, 6], [4, 6, math.nan]) == [[0.0], [1.4142], [0.0]]


def test_a_robust_number_is_held_within_three_quartile_distances() -> None:
    assert number(ENCODINGS[1], [0, 1, 2, 3, 4], [2, 4, -1e30, math.nan]) == [[0.0], [0.9487], [-3.0], [0.0]]


def test_a_quantile_is_that_of_the_share_of_smaller_values_and_half_of_the_equal_ones() -> None:
    quarter = 0.6745
    assert number(ENCODINGS[2], [1, 1, 9, 9], [1, 5, 9, 99, math.nan]) == [[-quarter], [0], [quarter], [quarter], [0]]
    skewed = np.random.default_rng(0).exponential(size=(5000, 1)).astype(np.float32)
    found = encoded(ENCODINGS[2], skewed, skewed, (Coded("number"),))
    np.testing.assert_allclose(np.quantile(found, (0.1, 0.5, 0.9)), [-1.2816, 0, 1.2816], atol=0.02)  # of 64 knots
    assert (np.diff(found[np.argsort(skewed[:, 0]), 0]) >= 0).all()


def test_a_piecewise_number_fills_one_bin_after_the_other() -> None:
    training = [float(each) for each in range(41)]
    wanted = [[0, 0, 0, 0], [1, 0.5, 0, 0], [1, 1, 1, 1], [1, 1, 0, 0]]
    assert number(ENCODINGS[3], training, [-5, 15, 99, math.nan]) == wanted
    assert number(ENCODINGS[3], [3, 7, 3, 7], [3, 7, 5]) == [[0, 0, 0, 0], [1, 0, 0, 0], [0.5, 0, 0, 0]]


def test_a_number_comes_before_the_features_of_its_waves() -> None:
    training, values = [0.0, 1.0, 2.0, 3.0, 4.0], [2.0, 4.0, -1e30, math.nan]
    robust, pbld = number(ENCODINGS[1], training, values), number(ENCODINGS[5], training, values)
    assert [each[:1] for each in pbld] == robust
    assert len({each[1] for each in pbld}) == 3, "the missing one is the median"


@by_encoding
def test_a_constant_column_carries_no_information(encoding: Encoding) -> None:
    for training in ([7.0, 7.0, 7.0], [math.nan, math.nan]):
        (one,), (other,) = (number(encoding, training, [value]) for value in (7.0, 8.0))
        assert one == other


def test_the_phases_of_a_date_repeat_after_a_week_and_a_day() -> None:
    dates = np.array([[19_000.25], [19_007.25], [19_001.75], [math.nan]], np.float32)
    one, next_week, in_the_evening, missing = encoded(ENCODINGS[0], dates, dates, (Coded("date"),))
    sines, cosines = slice(1, 4), slice(4, 7)
    np.testing.assert_allclose(one[sines] ** 2 + one[cosines] ** 2, 1.0, rtol=1e-5)
    np.testing.assert_allclose(one[[2, 3, 5, 6]], next_week[[2, 3, 5, 6]], atol=1e-5)
    np.testing.assert_allclose(
        [one[3], in_the_evening[3]], [1.0, -1.0], atol=1e-5
    )  # a quarter, three quarters of a day
    np.testing.assert_array_equal(missing, np.zeros(7))


def test_a_missing_number_has_an_indicator_input() -> None:
    rows = coded_rows(50)
    found = encoded(ENCODINGS[0], rows, rows)
    np.testing.assert_array_equal(found[:, 3 + 6], np.isnan(rows[:, 1]))


def test_a_small_category_is_one_input_a_value_and_none_for_what_is_unseen() -> None:
    columns, rows = (Coded("category", 4),), np.array([[0], [2], [3]], np.float32)
    found = encoded(ENCODINGS[0], rows, np.array([[MISSING], [UNSEEN], [2], [3], [9]], np.float32), columns)
    np.testing.assert_array_equal(found, [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]])


def test_a_text_is_the_mean_of_its_known_words() -> None:
    columns = (Coded("text", 9, places=3),)
    training = np.array([[2, 3, 0], [4, 2, 0]], np.float32)
    rows = np.array([[2, 3, 0], [3, 0, 2], [2, 0, 0], [3, 0, 0], [2, 3, 8], [0, 0, 0]], np.float32)
    found = encoded(ENCODINGS[0], training, rows, columns)
    table = np.asarray(front(ENCODINGS[0], columns).embeddings)
    wanted = [(table[2] + table[3]) / 2] * 2 + [table[2], table[3], (table[2] + table[3]) / 2, table[2] * 0]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_an_embedding_learns_from_every_example_of_its_code() -> None:
    import tensorflow as tf

    columns, rows = (Coded("category", 30),), np.array([[4], [5], [4], [1]], np.float32)
    encoded(ENCODINGS[0], rows[:3], rows, columns)
    layer = front(ENCODINGS[0], columns)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(rows) * np.array([[1], [2], [3], [4]], np.float32))
    gradient = np.asarray(tape.gradient(loss, layer.embeddings.value))
    assert [gradient[4, 0], gradient[5, 0], gradient[1, 0], gradient.sum()] == [4, 2, 0, 6 * 5]


def test_constants_of_many_rows_are_those_of_a_sample() -> None:
    many = np.random.default_rng(0).normal(size=(150_001, 1)).astype(np.float32)
    centre, scale = fit_encoder(Rows((Coded("number"),), ENCODINGS[0]), many)
    assert (abs(centre[0]), scale[0]) == pytest.approx((0.0, 1.0), abs=0.02)  # four standard errors of 100,000


@settings(max_examples=50)
@given(
    zeros=st.integers(0, 300),
    others=st.lists(st.integers(1, 60), min_size=1, max_size=80),
    bins=st.integers(2, 20),
)
def test_a_column_that_is_mostly_one_value_has_as_many_bins_as_another(
    zeros: int, others: list[int], bins: int
) -> None:
    values = np.sort(np.array([0.0] * zeros + [float(each) for each in others]))
    starts, widths = fit_encoder(
        Rows((Coded(kind="number"),), Encoding(numbers="piecewise", bins=bins)), values[:, None].astype(np.float32)
    )[1:3]
    distinct = len(np.unique(values))
    assert (widths > 0).sum() == min(bins, distinct - 1)
    assert (np.diff(starts[0][: max(1, min(bins, distinct - 1))]) > 0).all()
    assert starts[0][0] == values[0]
    known = widths[0] > 0
    ends = starts[0][known] + 1 / widths[0][known]
    assert not known.any() or ends[-1] == pytest.approx(values[-1], rel=1e-4)
