"""`dashboard`: optuna-dashboard on our storage and artifacts, for this machine only: it has no authentication."""

import sys
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Annotated
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import typer

from tuner.base.errors import StorageError
from tuner.commands.arguments import RUNS, AllowedHost, Artifacts, Runs, Storage, required_storage
from tuner.deploy.serve.hosts import REFUSAL, answers_to

HOST = "127.0.0.1"


def dashboard(
    runs: Runs = RUNS,
    storage: Storage = None,
    artifacts: Artifacts = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 8080,
    allowed_host: AllowedHost = [],  # noqa: B006 (typer copies it)
) -> None:
    """Open optuna-dashboard on the storage, for this machine only."""
    with make_dashboard(required_storage(runs, storage), runs, port, allowed_host, artifacts) as server:
        print(f"optuna-dashboard: http://{HOST}:{server.server_port}/ (Ctrl-C ends it)", file=sys.stderr, flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


class ThreadingServer(ThreadingMixIn, WSGIServer):
    """One thread a request, so that a slow plot does not block the page."""

    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    """Logs no requests, and waits a minute for one."""

    timeout = 60

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing."""


def make_dashboard(url: str, runs: Path, port: int, hosts: Collection[str] = (), artifacts: str = "") -> WSGIServer:
    """A server that is bound but not yet serving; port 0 takes a free one. Requests for names other than this machine's and `hosts`,
    and those from pages of other hosts, get 400. Raises `StorageError` if the port is taken, or the `artifacts` (see
    `open_artifacts`) cannot be used."""
    from optuna_dashboard import wsgi

    from tuner.commands.large_studies import compressed
    from tuner.storage import open_storage
    from tuner.storage.artifacts import open_artifacts
    from tuner.storage.private import cached

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if answers_to(environ.get("HTTP_HOST"), environ.get("HTTP_ORIGIN"), hosts):
            return app(environ, start_response)
        start_response("400 Bad Request", [("Content-Type", "text/plain; charset=utf-8")])
        return [REFUSAL.encode()]

    app = compressed(wsgi(cached(open_storage(url)), artifact_store=open_artifacts(runs, artifacts)))
    try:
        return make_server(HOST, port, answer, server_class=ThreadingServer, handler_class=QuietHandler)
    except OSError as error:
        raise StorageError(f"port {port} cannot be used: {error.strerror}; choose another with --port") from error
