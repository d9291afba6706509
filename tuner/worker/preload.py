"""Imports what every training process needs, once: on Linux training processes are forks of a process that has only imported this
module. It has a single thread (see `processes.SINGLE`); TensorFlow starts its threads at its first use, after the fork. Importing
takes seconds, a fork a moment, and forks share the memory.

Keras imports scikit-learn for its wrappers if it is installed, which takes 0.7 of 2.9 seconds; here it is hidden.
"""

import os
import sys

from tuner.training import load


def import_all() -> None:
    """Import without the start-up messages of libraries, which C++ code writes to the descriptors."""
    kept = [os.dup(descriptor) for descriptor in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    sys.modules["sklearn"] = None  # type: ignore[assignment]
    try:
        load()
        import tuner.worker.tasks  # noqa: F401
    finally:
        del sys.modules["sklearn"]
        for descriptor, before in zip((1, 2), kept, strict=True):
            os.dup2(before, descriptor)
            os.close(before)
        os.close(nowhere)


import_all()
