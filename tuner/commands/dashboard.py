"""optuna-dashboard on our storage."""

import sys
from typing import Annotated

import typer

from tuner.commands.arguments import Runs, Storage, required_storage


def dashboard(
    runs: Runs = None,
    storage: Storage = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 8080,
) -> None:
    """Open optuna-dashboard on the storage, for this machine only."""
    from tuner.dashboard import HOST, make_dashboard, serve
    from tuner.study.places import runs_folder

    server = make_dashboard(required_storage(runs, storage), runs_folder(runs), port)
    print(f"optuna-dashboard: http://{HOST}:{server.server_port}/ (Ctrl-C ends it)", file=sys.stderr, flush=True)
    serve(server)
