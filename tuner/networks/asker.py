"""A process that calls functions of the user's: it passes on what they ask, and returns the facts of their models."""

import os
import resource
import sys
from multiprocessing.connection import Connection
from typing import Any

from tuner.base.errors import Invalid, TunerError
from tuner.base.machine import memory
from tuner.networks import sources
from tuner.networks.function import Call, NetworkInfo

SHARE_OF_MEMORY = 0.5
"""A model that takes more of the machine's memory than this is refused where it is made."""


def serve(connection: Connection) -> None:
    """The main function of the process. It receives a call with the folder and the bytes of the function (if any), sends each name and
    hole that the function asks for and receives the answer, and sends the facts of the model, or the problem. It ends when its
    connection closes."""
    _begin()

    def asking(name: str, hole: object) -> object:
        connection.send((name, hole))
        return connection.recv()

    try:
        while True:
            folder, content, call = connection.recv()
            os.chdir(folder)
            sources.PICKLED.update({call.sha256: content} if content else {})
            connection.send(facts(call, asking))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def facts(call: Call, asking: Any) -> NetworkInfo:
    """The facts of the model that the call makes."""
    import keras

    from tuner.networks.calling import info_of, model_of

    try:
        return info_of(model_of(call, asking), call)
    except TunerError as complaint:
        return NetworkInfo(problem=complaint.problem if isinstance(complaint, Invalid) else str(complaint))
    except Exception as error:  # such as too little memory for the model
        return NetworkInfo(problem=sources.described(error, f"{call.name}: calling its model"))
    finally:
        keras.utils.clear_session(free_memory=False)


def _begin() -> None:
    """One thread, no GPU, no output, and no more memory than a share of the machine's."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)
    limit = int(SHARE_OF_MEMORY * memory())
    resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))
