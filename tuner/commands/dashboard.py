"""`dashboard`: optuna-dashboard on our storage and artifacts, for this machine only: it has no authentication."""

import sys
from contextlib import suppress
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Annotated
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import typer

from tuner.base.errors import StorageError
from tuner.commands.arguments import RUNS, Runs, Storage, required_storage

HOST = "127.0.0.1"


def dashboard(
    runs: Runs = RUNS,
    storage: Storage = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 8080,
) -> None:
    """Open optuna-dashboard on the storage, for this machine only."""
    with make_dashboard(required_storage(runs, storage), runs, port) as server:
        print(f"optuna-dashboard: http://{HOST}:{server.server_port}/ (Ctrl-C ends it)", file=sys.stderr, flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


class ThreadingServer(ThreadingMixIn, WSGIServer):
    """One thread a request, so that a slow plot does not block the page."""

    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    """Logs no requests."""

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing."""


def make_dashboard(url: str, runs: Path, port: int) -> WSGIServer:
    """A server that is bound but not yet serving; port 0 takes a free one. Raises `StorageError` if the port is taken."""
    from optuna.artifacts import FileSystemArtifactStore
    from optuna_dashboard import wsgi

    from tuner.storage import open_storage

    artifacts = runs / "artifacts"
    store = FileSystemArtifactStore(str(artifacts)) if artifacts.is_dir() else None
    app = wsgi(open_storage(url), artifact_store=store)
    try:
        return make_server(HOST, port, app, server_class=ThreadingServer, handler_class=QuietHandler)
    except OSError as error:
        raise StorageError(f"port {port} cannot be used: {error.strerror}; choose another with --port") from error
