"""Starting TensorFlow quietly, with a set number of threads. Nothing else may import TensorFlow first."""

import os
import warnings


def load() -> None:
    """Import TensorFlow without its start-up chatter."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow  # noqa: F401


def start(threads: int) -> None:
    """Import TensorFlow and bind it to `threads` threads.

    Takes effect once a process: TensorFlow's thread pools cannot be changed after their first use.
    """
    os.environ["OMP_NUM_THREADS"] = str(threads)
    load()
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)
    except RuntimeError:
        pass  # TensorFlow runs already: its threads stay as they are
