"""Training one network. `start` comes before any other import of TensorFlow: it sets the number of threads."""

import os
import warnings


def load() -> None:
    """Import TensorFlow without its start-up chatter."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow


def start(threads: int) -> None:
    """Import TensorFlow and limit it to `threads` threads. Only the first call in a process has an effect."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    load()
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)
    except RuntimeError:
        pass  # TensorFlow has already started its threads
