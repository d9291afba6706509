"""`storage`: what is in a storage, a study in another one or in a file, a backup, a proxy for many workers."""

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.base.errors import StorageError
from tuner.base.writing import output_path
from tuner.commands.arguments import RUNS, Artifacts, Force, Runs, Storage, required_storage, storage_url

if TYPE_CHECKING:
    from tuner.storage.transfer import Record

app = typer.Typer(help="Check, copy, export, import, back up and serve what Optuna stores.", no_args_is_help=True)

Place = Annotated[str, typer.Argument(help="A storage URL, or a folder of runs.")]
One = Annotated[str, typer.Option("--study", "-s", help="Name of a study in the storage. [all]")]
NewName = Annotated[str, typer.Option("--name", help="Another name for the study.")]
Out = Annotated[Path, typer.Option(help="The file to write.")]
Replace = Annotated[bool, typer.Option("--force", help="Replace the part that a killed copy left.")]
STATES = ("complete", "pruned", "fail", "running", "waiting")


@app.command()
def check(runs: Runs = RUNS, storage: Storage = None, artifacts: Artifacts = "") -> int:
    """List the studies with their trials by Optuna's state, and what is wrong; exit status 1 if something is."""
    import optuna

    from tuner.commands.terminal import print_table
    from tuner.storage import hide_password, load_study, open_storage, private
    from tuner.storage.artifacts import open_artifacts
    from tuner.storage.contents import counts, problems

    url = required_storage(runs, storage)
    opened = open_storage(url)
    studies = [load_study(opened, name) for name in optuna.get_all_study_names(opened)]
    print(f"{hide_password(url)}: {private.schema(opened)}, {len(studies)} studies")
    rows = ((each.study_name, each.user_attrs.get("version", "–"), counts(each)) for each in studies)
    cells = [(name, str(version), *(str(number.get(state, 0)) for state in STATES)) for name, version, number in rows]
    print_table(("study", "records", *STATES), cells)
    stored = store.sizes("") if (store := open_artifacts(runs, artifacts)) else ()
    wrong = [f"{each.study_name}: {problem}" for each in studies for problem in problems(each, stored)]
    print("\n".join(wrong or ["nothing is wrong"]))
    return 1 if wrong else 0


@app.command()
def copy(
    source: Place,
    target: Place,
    study: One = "",
    name: NewName = "",
    force: Replace = False,
    runs: Runs = RUNS,
    artifacts: Artifacts = "",
) -> None:
    """Copy studies from one storage to another: trials, attributes, artifacts. Those of a URL have their artifacts in the folder of
    runs, or with --artifacts all of them where that says."""
    if name and not study:
        raise StorageError(f"--name {name}: is for one study; add --study NAME")
    _store(_records(*_place(source, runs), artifacts, study), *_place(target, runs), artifacts, name, force)


@app.command()
def export(
    out: Out,
    study: One = "",
    force: Force = False,
    runs: Runs = RUNS,
    storage: Storage = None,
    artifacts: Artifacts = "",
) -> None:
    """Write studies as JSON lines: trials, attributes, artifacts."""
    _require_new(out, force)
    records = _records(required_storage(runs, storage), runs, artifacts, study)
    with output_path(out) as path, path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(each)}\n" for each in records)
    print(out)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file that `storage export` wrote.")],
    name: NewName = "",
    force: Replace = False,
    runs: Runs = RUNS,
    storage: Storage = None,
    artifacts: Artifacts = "",
) -> None:
    """Store the studies in a file of JSON lines."""
    if not file.is_file():
        raise StorageError(f"{file}: there is no such file")
    from tuner.storage.transfer import lines_in

    _store(lines_in(file), storage_url(runs, storage), runs, artifacts, name, force)


@app.command()
def backup(out: Out, force: Force = False, runs: Runs = RUNS, storage: Storage = None) -> None:
    """Write a copy of an SQLite file or a journal as it is at one moment, also while searches run. Artifacts and models are files in
    the folder of runs."""
    from tuner.storage.contents import back_up

    _require_new(out, force)
    back_up(required_storage(runs, storage), out)
    print(out)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address; the default accepts this machine only.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 13000,
    runs: Runs = RUNS,
    storage: Storage = None,
) -> None:
    """Offer a database to many workers through Optuna's gRPC proxy. It has no TLS and no passwords: whoever reaches the address can
    change every study, so that it must stay in a private network."""
    from tuner.commands.terminal import print_message
    from tuner.storage import Patience, hide_password
    from tuner.storage.proxy import proxy

    url, ended = storage or required_storage(runs, storage), threading.Event()
    with proxy(url, host, port, Patience(print_message)) as address:
        for number in (signal.SIGINT, signal.SIGTERM):  # a background process of a shell has no handler of its own
            signal.signal(number, lambda *_: ended.set())
        print_message(f"{hide_password(url)} is at --storage {address} (Ctrl-C ends it)")
        while not ended.wait(1.0):  # a signal that reaches one of gRPC's threads does not wake this one
            pass


def _place(text: str, runs: Path) -> tuple[str, Path]:
    """The URL of a storage and its folder of runs."""
    is_url = "://" in text or text.startswith("journal:")
    return (text, runs) if is_url else (storage_url(Path(text), None), Path(text))


def _records(url: str, runs: Path, artifacts: str, study: str) -> "Iterator[Record]":
    import optuna

    from tuner.storage import load_study, open_storage
    from tuner.storage.artifacts import open_artifacts
    from tuner.storage.contents import file_of
    from tuner.storage.transfer import study_records

    file_of(url)
    storage, store = open_storage(url), open_artifacts(runs, artifacts)
    studies = [load_study(storage, each) for each in ([study] if study else optuna.get_all_study_names(storage))]
    return (record for each in studies for record in study_records(each, store))


def _store(records: "Iterator[Record]", url: str, runs: Path, artifacts: str, name: str, force: bool) -> None:
    from tuner.storage import hide_password, open_storage, raising_storage_errors
    from tuner.storage.artifacts import open_artifacts
    from tuner.storage.transfer import store_studies

    with raising_storage_errors(url):
        if (store := open_artifacts(runs, artifacts)) is None:
            (runs / "artifacts").mkdir(parents=True)
            store = open_artifacts(runs)
        assert store is not None, "there is a folder"
        for stored in store_studies(records, open_storage(url), store, name, force):
            print(f"{stored}: stored in {hide_password(url)}")


def _require_new(out: Path, force: bool) -> None:
    if out.exists() and not force:
        raise StorageError(f"--out {out}: exists already; add --force to overwrite it")
