"""optuna-dashboard on our storage and artifacts, bound to this machine: it has no authentication of its own."""

from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from tuner.base.errors import StorageError
from tuner.storage import open_storage

HOST = "127.0.0.1"


class ThreadingServer(ThreadingMixIn, WSGIServer):
    """One thread a request, so that a slow plot does not hold up the page."""

    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    """No line for every request."""

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


def make_dashboard(url: str, runs: Path, port: int) -> WSGIServer:
    """A server that is bound but not yet serving; port 0 takes a free one. Raises `StorageError` on a taken port."""
    from optuna.artifacts import FileSystemArtifactStore
    from optuna_dashboard import wsgi

    artifacts = runs / "artifacts"
    store = FileSystemArtifactStore(str(artifacts)) if artifacts.is_dir() else None
    app = wsgi(open_storage(url), artifact_store=store)
    try:
        return make_server(HOST, port, app, server_class=ThreadingServer, handler_class=QuietHandler)
    except OSError as error:
        raise StorageError(f"port {port} cannot be used: {error.strerror}; choose another with --port") from error


def serve(server: WSGIServer) -> None:
    """Serve until Ctrl-C."""
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
