"""Keras's `fit` with less work for the same training on NumPy arrays: what is frozen is computed once, and an epoch is one call into
the graph."""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree
from keras.src.trainers.data_adapters.array_slicing import train_validation_split

from tuner.training.frozen import features, parts_of

MANY_STEPS = 100
"""Keras takes so many steps of an epoch in one call into the graph, where no callback has to be called in between. Its progress bar
takes them for taken: of an epoch of 7 steps it draws 100 / 7 times its width, and would draw megabytes for a million."""

BY_BATCH = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
OWN = ("train_step", "test_step", "compute_loss", "compute_metrics")
"""Methods with which a model's class may train otherwise, or read the inputs by itself."""

IN_GRAPH = {"x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_data", "initial_epoch"}
"""The arguments of `fit` with which an epoch is one call into the graph."""

ROWS = "rows of an epoch"


def fit_faster(model: keras.Model) -> None:
    """Let `model.fit` do less for the same training. Weights, metrics and callbacks are those of the whole model, figures those of the
    plain `fit` but for rounding."""
    if _overrides(type(model), keras.Model, ("fit",)):  # whose arguments are its own
        return
    plain = model.fit

    def fit(*args: Any, **kwargs: Any) -> Any:
        own = inspect.signature(plain).bind(*args, **kwargs).arguments
        callbacks = tree.flatten(own.get("callbacks") or [])
        is_by_epoch = not any(_overrides(type(each), keras.callbacks.Callback, BY_BATCH) for each in callbacks)
        if is_by_epoch and not own.keys() & {"steps_per_epoch", "validation_steps"}:  # which it would overstep
            model.steps_per_execution = max(MANY_STEPS, model.steps_per_execution)
        if _overrides(type(model), keras.Model, OWN) or not _are_arrays(own.get("x"), own.get("y")):
            return plain(**own)
        if (share := own.pop("validation_split", 0.0)) and own.get("validation_data") is None:
            names = [name for name in ("x", "y", "sample_weight") if own.get(name) is not None]
            data, own["validation_data"] = train_validation_split([own[name] for name in names], share)
            own.update(zip(names, data, strict=True))
        _take_features(model, own)
        own = {name: value for name, value in own.items() if value is not None}
        if is_by_epoch and own.keys() <= IN_GRAPH and not (model.run_eagerly or model.jit_compile):
            _take_epochs(model, own)
        try:
            return plain(**own)
        finally:
            for name in {"call", "_assert_input_compatibility"} & vars(model).keys():
                del vars(model)[name]

    vars(model)["fit"] = fit


def _take_features(model: keras.Model, own: dict[str, Any]) -> None:
    """Train on what the frozen part computes, if there is one and that fits into memory."""
    if (parts := parts_of(model)) is None or (new := features(parts, own["x"])) is None:
        return
    own["x"], plain, validation = new, model.call, own.get("validation_data")
    if isinstance(validation, tuple | list) and _are_arrays(validation[0]):
        own["validation_data"] = (features(parts, validation[0]) or validation[0], *validation[1:])

    def call(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        are_new = isinstance(inputs, dict) and inputs.keys() == new.keys()  # a callback may call it with inputs
        return parts.predictions(inputs, training) if are_new else plain(inputs, training=training, mask=mask)

    vars(model).update(call=call, _assert_input_compatibility=lambda *_: None)


def _take_epochs(model: keras.Model, own: dict[str, Any]) -> None:
    """Let an epoch, and its validation, be one call into the graph on their rows."""
    data, validation = (own["x"], own["y"]), own.get("validation_data", ())
    if not (model.built or isinstance(model, keras.Sequential)) or not isinstance(validation, tuple | list):
        return
    if not _are_arrays(*validation):
        return
    model._symbolic_build(data_batch=tree.map_structure(lambda each: each[:1], data))
    size = own.pop("batch_size", 32)
    for name, step in (("train_function", model.train_step), ("test_function", model.test_step)):
        if not isinstance(getattr(model, name), Epochs):  # which Keras drops when the model is compiled
            setattr(model, name, Epochs(model, step))
    own["x"], own["shuffle"] = model.train_function.rows_of(data, size, shuffle=True), False
    del own["y"]
    if validation:
        own["validation_data"] = model.test_function.rows_of(validation, size, shuffle=False)


class Epochs:
    """Takes the steps of an epoch: in one call into the graph on the rows of a data set, as Keras does on batches, since a callback may
    evaluate other data."""

    def __init__(self, model: keras.Model, step: Callable[[Any], Any]) -> None:
        self.by_batch = model._make_function(step)

        def epoch(order: tf.Tensor, data: Any, size: tf.Tensor) -> Any:
            def body(first: tf.Tensor) -> list[tf.Tensor]:
                step(tree.map_structure(lambda each: tf.gather(each, order[first : first + size]), data))
                return [first + size]

            tf.while_loop(lambda first: first < tf.size(order), body, [tf.constant(0)])
            return model.get_metrics_result()

        self.epoch = tf.function(epoch, autograph=False, reduce_retracing=True)

    def __call__(self, iterator: Any) -> Any:
        spec = getattr(iterator, "element_spec", None)
        is_of_rows = isinstance(spec, dict) and ROWS in spec
        return self.epoch(next(iterator)[ROWS], self.data, self.size) if is_of_rows else self.by_batch(iterator)

    def rows_of(self, data: Any, size: int, *, shuffle: bool) -> tf.data.Dataset:
        """Use this data; its rows in the order in which Keras would take them."""
        self.data, self.size = tree.map_structure(_tensor, tree.lists_to_tuples(data)), tf.constant(size)
        examples = len(tree.flatten(data)[0])

        def rows(_: tf.Tensor) -> dict[str, tf.Tensor]:
            indices = tf.range(examples, dtype=tf.int64)
            return {ROWS: tf.random.shuffle(indices) if shuffle else indices}

        return tf.data.Dataset.range(1).map(rows)


def _overrides(kind: type, base: type, names: tuple[str, ...]) -> bool:
    return any(getattr(kind, name) is not getattr(base, name) for name in names)


def _are_arrays(*data: Any) -> bool:
    return all(isinstance(each, np.ndarray) and each.dtype.kind in "fiub" for each in tree.flatten(data))


def _tensor(array: Any) -> tf.Tensor:
    return tf.constant(array, keras.config.floatx() if array.dtype.kind == "f" else None)
