"""Optuna's gRPC proxy: one process in front of a database, for many workers. It has neither TLS nor passwords."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tuner.base.errors import StorageError
from tuner.storage.opening import open_storage
from tuner.storage.outages import Patience
from tuner.storage.private import answer_calls, cached

THREADS = 10
"""How many calls are answered at once; SQLAlchemy opens at most 15 connections to a database."""

OPTIONS = (("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1))
"""A port of another process is refused, and a study's attributes may have more than 4 MiB."""

END_SECONDS = 5.0


@contextmanager
def proxy(url: str, host: str, port: int, patience: Patience) -> Iterator[str]:
    """A proxy that runs in front of a storage; its own URL. Port 0 takes a free one. Raises `StorageError` where the storage cannot be
    opened or has no proxy, and where the address cannot be used."""
    import grpc

    if url.startswith(("journal:", "grpc:")):
        raise StorageError("the proxy needs a database: PostgreSQL, MySQL or SQLite; add --storage URL")
    server = grpc.server(ThreadPoolExecutor(THREADS), options=OPTIONS)
    answer_calls(server, cached(open_storage(url, patience)))
    logging.getLogger("grpc").setLevel(logging.CRITICAL)  # the client gets the error; gRPC would log a traceback too
    address = f"[{host}]" if ":" in host else host
    try:
        bound = server.add_insecure_port(f"{address}:{port}")
    except RuntimeError:
        bound = 0
    if not bound:
        raise StorageError(f"{address}:{port} cannot be used: it is taken or not this machine's; choose another --port")
    server.start()
    try:
        yield f"grpc://{address}:{bound}"
    finally:
        server.stop(END_SECONDS).wait()
