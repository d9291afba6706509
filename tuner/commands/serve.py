"""`serve`: a saved model over HTTP."""

import re
import socket
import sys
from typing import Annotated

import typer

from tuner.base.errors import MissingPackage, TunerError
from tuner.commands.arguments import Model
from tuner.commands.terminal import load_predictor


def serve(
    model: Model,
    host: Annotated[
        str, typer.Option(help="Address to listen on; the default accepts this machine only.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    max_body: Annotated[str, typer.Option(help="Largest request body, such as 10MB.")] = "10MB",
    max_rows: Annotated[int, typer.Option(min=1, help="Largest number of examples in a request.")] = 10_000,
) -> None:
    """Answer POST /predict, GET /health and GET /model over HTTP; GET /docs describes the requests."""
    most = bytes_of(max_body)
    try:
        import uvicorn
        from fastapi import FastAPI  # noqa: F401
    except ImportError:
        raise MissingPackage("serve", "fastapi", "uvicorn", "python-multipart") from None
    with bound(host, port) as listener:
        predictor = load_predictor(model)
        from tuner.deploy.serve.application import application

        print(f"serving {model} on http://{address(listener)}/ (Ctrl-C ends it)", file=sys.stderr, flush=True)
        uvicorn.Server(uvicorn.Config(application(predictor, most, max_rows))).run(sockets=[listener])


def bound(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `TunerError` if the address cannot be used."""
    try:
        family, *_, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(where[:2], family=family)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]  # Python appends the address
        raise TunerError(f"{host}:{port}: cannot be used: {reason}; choose another --host or --port") from None


def address(listener: socket.socket) -> str:
    """Host and port as in a URL."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bytes_of(text: str) -> int:
    """A size such as 500kB, 10MB or 1GB, in bytes.

    >>> bytes_of("10MB"), bytes_of("500")
    (10000000, 500)
    """
    size = re.fullmatch(r"(\d+)\s*([kMG]?)B?", text.strip())
    if not size or int(size[1]) < 1:
        raise TunerError(f"--max-body {text}: must be a size such as 500kB or 10MB")
    return int(size[1]) * {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}[size[2]]
