"""Commands on a saved model: predictions, evaluation, HTTP, other formats, distillation."""

import json
import re
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

import typer

from tuner.base.errors import MissingPackage, StorageError, TunerError
from tuner.commands.arguments import (
    RUNS,
    AllowedHost,
    DataDir,
    Force,
    Model,
    NewData,
    Runs,
    Storage,
    StoredStudy,
    stored_outcome,
)
from tuner.commands.terminal import load_predictor, load_tensorflow


def predict(
    model: Model,
    data: NewData,
    out: Annotated[str, typer.Option(help="The .csv or .parquet file to write; - for CSV to standard output.")],
    force: Force = False,
) -> None:
    """Predict each example of a file: the prediction, and the probability of each class."""
    path = None if out == "-" else Path(out)
    if path and path.suffix.lower() not in (".csv", ".parquet"):
        raise StorageError(f"--out {path}: must end in .csv or .parquet")
    if path and path.exists() and not force:
        raise StorageError(f"--out {path}: exists already; add --force to overwrite it")
    predictor = load_predictor(model)
    from tuner.deploy.prediction_files import write_predictions

    count = write_predictions(predictor, data, out)
    if path:
        print(f"{out}: {count:,} predictions")


def evaluate(
    model: Model,
    data: NewData,
    target: Annotated[
        list[str], typer.Option(help="The column or array with the answers; may be repeated. [as in the metadata]")
    ] = [],  # noqa: B006 (typer copies it)
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print all metrics of the task with their 95 % intervals, and which classes are confused most."""
    predictor = load_predictor(model)
    from tuner.deploy.evaluation import evaluate as compute

    result = compute(predictor, data, target)
    print(json.dumps(result.to_dict()) if json_ else "\n".join(result.lines()))


def serve(
    model: Model,
    host: Annotated[str, typer.Option(help="Address; the default accepts this machine only.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    max_body: Annotated[str, typer.Option(help="Largest request body, such as 10MB.")] = "10MB",
    max_rows: Annotated[int, typer.Option(min=1, help="Largest number of examples in a request.")] = 10_000,
    allowed_host: AllowedHost = [],  # noqa: B006 (typer copies it)
) -> None:
    """Answer POST /predict, GET /health and GET /model over HTTP; GET /docs describes the requests."""
    most = bytes_of(max_body)
    try:
        import fastapi  # noqa: F401

        from tuner.deploy.serve.server import make_server
    except ImportError:
        raise MissingPackage("serve", "fastapi", "uvicorn", "python-multipart") from None
    with bound(host, port) as listener:
        predictor = load_predictor(model)
        from tuner.deploy.serve.application import application
        from tuner.report.pages import page_as_html

        app = application(predictor, most, max_rows, page_as_html, (host, *allowed_host))
        print(f"serving {model} on http://{address(listener)}/ (Ctrl-C ends it)", file=sys.stderr, flush=True)
        make_server(app).run(sockets=[listener])


def export(
    out: Annotated[
        Path, typer.Option(help="The .keras, .tflite, .onnx or .py file, or folder of a SavedModel, to write.")
    ],
    study: Annotated[str, typer.Option("--study", "-s", help="Name of a study whose winner is confirmed.")] = "",
    model: Annotated[Path | None, typer.Option("--model", "-m", help="A .keras file, in place of a study.")] = None,
    format: Annotated[str, typer.Option(help="keras, saved_model, litert or onnx. [by the suffix]")] = "",
    quantize: Annotated[
        Literal["none", "dynamic", "int8"],
        typer.Option(help="LiteRT only: 8 bits for the weights (dynamic) or for everything (int8)."),
    ] = "none",
    as_: Annotated[
        Literal["model", "code", "tensorboard", "mlflow", "wandb"],
        typer.Option(
            "--as",
            help="code: a script (.py) of plain Keras that builds and trains the network, with its data (.npz). tensorboard, mlflow, "
            "wandb: the trials of a study, to a folder, or to MLflow's server or SQLite file (.db).",
        ),
    ] = "model",
    data: Annotated[
        str, typer.Option("--data", "-d", help="Data to compare the two models on. [a part of the training data]")
    ] = "",
    runs: Runs = RUNS,
    storage: Storage = None,
    data_dir: DataDir = None,
) -> None:
    """Write a model with its metadata (.json) and its card (.md). The written model is loaded again and compared first."""
    if bool(study) == (model is not None):
        raise TunerError("add --study NAME or --model FILE")
    from tuner.data.sources import Places
    from tuner.deploy.export import export_model, format_of

    if as_ not in ("model", "code"):
        print(f"{out}: {_track(as_, out, study, runs, storage)} new trials")
        return
    chosen = "code" if as_ == "code" else format_of(out, format)
    source = model or stored_outcome(study, runs, storage).final.model
    load_tensorflow()
    if chosen == "code":
        from tuner.deploy.code import export_code

        print("\n".join(map(str, export_code(source, out, Places.from_environment(data_dir)))))
        return
    exported = export_model(source, out, chosen, quantize, data, Places.from_environment(data_dir))
    print("\n".join(exported.lines()))


def _track(kind: str, out: Path, study: str, runs: Path, storage: str | None) -> int:
    """Write a study's trials for another tool; the number of new ones."""
    if not study:
        raise TunerError(f"--as {kind}: writes the trials of a study; add --study NAME")
    outcome = stored_outcome(study, runs, storage)
    from tuner.deploy.tracking import TRACKERS

    return TRACKERS[kind](outcome, out)


def distill(
    study: StoredStudy,
    runs: Runs = RUNS,
    storage: Storage = None,
    data_dir: DataDir = None,
) -> None:
    """Train one network on the predictions of the study's ensemble, and test it: another look at the test part."""
    from tuner.base.formatting import metric_label
    from tuner.base.machine import cores
    from tuner.commands.arguments import stored_study
    from tuner.data.sources import Places
    from tuner.deploy.distill import distill as learn
    from tuner.storage.confirmed import count_look, looks_text
    from tuner.worker import make_executor
    from tuner.worker.executor import Setup
    from tuner.worker.folder import Folder

    confirmed, folder = stored_outcome(study, runs, storage).final, Folder(runs / study)
    setup = Setup(Places.from_environment(data_dir), threads=cores(), folder=folder)
    with closing(make_executor("processes", setup)) as executor:
        network = learn(confirmed, executor, folder, lambda: count_look(stored_study(study, runs, storage)))
    metric = metric_label(confirmed.measure)
    print(f"validation {metric}: {network.best_validation:.4f}; ensemble {confirmed.best_validation:.4f}")
    if interval := network.intervals.get(confirmed.measure):
        about = f"{looks_text(network.looks)}: {network.test:.4f} ({interval.title} {interval})"
        print(f"test {metric}, {about}; ensemble {confirmed.test:.4f}")
    print(f"model: {network.model}, {network.parameters:,} parameters instead of {confirmed.parameters:,}")


def bound(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `TunerError` if the address cannot be used."""
    try:
        family, *_, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(where[:2], family=family)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]  # Python appends the address
        raise TunerError(f"{host}:{port}: cannot be used: {reason}; choose another --host or --port") from None
    # Its connections take this over. asyncio sets it for sockets with a protocol number only, and an answer of two writes would
    # wait 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


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
