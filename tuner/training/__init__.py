"""Training one network. `start` comes before any other import of TensorFlow: it sets the number of threads."""

import os
import platform
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from tuner.base.errors import TunerError

FORKED = (
    "this process is a fork of one that has used TensorFlow, and would wait for ever for threads that a fork lacks: start it "
    'with multiprocessing.get_context("spawn") (joblib: backend="loky"), or use TensorFlow in the forks only'
)


def load() -> None:
    """Import TensorFlow without its start-up messages. Raises `TunerError` in a fork of a process that has computed with it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # else the first process takes all of a GPU's memory
    if platform.machine() in (
        "x86_64",
        "AMD64",
    ):  # TensorFlow leaves it off on processors without AVX-512: docs/speed.md
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with silenced(2), warnings.catch_warnings(action="ignore"):
        import tensorflow
    tensorflow.get_logger().setLevel("ERROR")  # many networks in one process are meant, and no sign of a slow program
    _watch_forks()
    refuse_forks()


def refuse_forks() -> None:
    """Raise `TunerError` in a fork of a process that has computed with TensorFlow."""
    if _parents_in_use:
        raise TunerError(FORKED)


def start(threads: int) -> None:
    """Import TensorFlow and limit it to `threads` threads. Only the first call in a process has an effect."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    load()
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        with silenced(2):
            devices = tf.config.list_physical_devices("GPU")
        if not devices:
            # Optimizing graphs takes a quarter of the time of tracing them and makes their steps no faster: docs/speed.md
            tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    except RuntimeError:
        pass  # TensorFlow has already started its threads


@contextmanager
def silenced(*descriptors: int) -> Iterator[None]:
    """Drop what is written to these file descriptors: C++ writes there before TensorFlow's own setting applies."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    before, null = [os.dup(each) for each in descriptors], os.open(os.devnull, os.O_WRONLY)
    for each in descriptors:
        os.dup2(null, each)
    try:
        yield
    finally:
        for each, copy in zip(descriptors, before, strict=True):
            os.dup2(copy, each)
            os.close(copy)
        os.close(null)


_parents_in_use: list[int] = []
"""The processes that had started TensorFlow's threads when this process was forked from them."""


@cache
def _watch_forks() -> None:
    from tensorflow.python.eager import context

    def note_parent() -> None:
        if getattr(context.context_safe(), "_context_handle", None) is not None:
            _parents_in_use.append(os.getppid())

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=note_parent)
