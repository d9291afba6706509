"""Imports what every training process needs, once: on Linux training processes are forks of a process that has only imported this
module. It has a single thread (see `tuner.base.forking`); TensorFlow starts its threads at its first use, after the fork. Importing
takes seconds, a fork a moment, and forks share the memory.

Python's fork server imports it by its name before the first fork. It ignores an ImportError: each training process then meets it
by itself, and its log shows it.
"""

import sys

from tuner.training import load, silenced

HIDDEN = ("sklearn",)
"""Keras imports scikit-learn for its wrappers if it is installed, which takes 0.7 of 2.9 seconds; no training needs them."""


def import_all() -> None:
    """Import without the start-up messages of libraries."""
    for name in HIDDEN:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        with silenced(1, 2):
            load()
            import tuner.worker.tasks  # noqa: F401
    finally:
        for name in HIDDEN:
            del sys.modules[name]


import_all()
