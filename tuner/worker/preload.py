"""What every training process needs, imported once: on Linux they are forks of a process that has imported this module and
done nothing else. It has a single thread (see `processes.SINGLE`), and TensorFlow starts its own where it is first used, after
the fork: so nothing is lost in one. To import takes seconds; a fork takes a moment, and shares the memory.

Keras has wrappers for scikit-learn, and imports it for them where it is there, which takes 0.7 of 2.9 seconds: here it is not.
"""

import os
import sys

from tuner.training import load


def import_all() -> None:
    """Import, without the start-up chatter of libraries, which comes from C++ and goes to the descriptors."""
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
