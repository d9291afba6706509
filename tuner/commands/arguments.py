"""Arguments that several commands share, and their parsing."""

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.base.errors import StorageError, TunerError

if TYPE_CHECKING:
    import optuna

    from tuner.outcome import Outcome
    from tuner.study import StudyFile

Study = Annotated[str, typer.Option("--study", "-s", help="A study's name (see `studies`) or a path to a .toml file.")]
Set = Annotated[
    list[str], typer.Option("--set", metavar="ADDRESS=VALUE", help="Fix or change a value; may be repeated.")
]
StoredStudy = Annotated[str, typer.Option("--study", "-s", help="Name of a study in the storage.")]
Runs = Annotated[
    Path, typer.Option(envvar="TUNER_RUNS", help="Folder for storage and models. [runs]", show_default=False)
]
RUNS = Path("runs")
Storage = Annotated[
    str | None, typer.Option(envvar="TUNER_STORAGE", help="Storage URL as Optuna takes it. [SQLite in the runs folder]")
]
Artifacts = Annotated[
    str, typer.Option(envvar="TUNER_ARTIFACTS", metavar="FOLDER|s3://BUCKET", help="Artifacts. [in the runs folder]")
]
CheckpointSpace = Annotated[float, typer.Option(min=0.0, metavar="GIB", help="Space for paused trials' checkpoints.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder with data sets. [TUNER_DATA]")]
Model = Annotated[Path, typer.Option("--model", "-m", help="A .keras file; its metadata is the .json of that name.")]
NewData = Annotated[
    str, typer.Option("--data", "-d", help="A table, .npz or .npy file, picture or folder of pictures.")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")]
AllowedHost = Annotated[
    list[str],
    typer.Option(metavar="NAME", help="Another name that requests may be for, such as *.example.org; may be repeated."),
]
Name = Annotated[str | None, typer.Option(help="Name of the study in the storage. [the file's name]")]
Workers = Annotated[str, typer.Option(metavar="N|auto", help="Training processes; auto: one per core, 1–4 per GPU.")]
Executor = Annotated[
    str, typer.Option(help="Where training runs: processes, ray (a cluster), or in_process (for debugging).")
]
RayAddress = Annotated[
    str | None,
    typer.Option(metavar="auto|HOST:PORT", help="The Ray cluster; auto is this machine's. [RAY_ADDRESS, or a new one]"),
]
CpusPerTrial = Annotated[float | None, typer.Option(help="With Ray: CPUs of each training process. [1]")]
GpusPerTrial = Annotated[
    float | None, typer.Option(help="With Ray: GPUs of each training process, such as 0.25 for four on one. [0]")
]
Lease = Annotated[str, typer.Option(help="Time after which the trials of a dead process are taken over.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, only the result.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print a line for each epoch.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]


def load_study_file(study: str, settings: list[str], name: str | None) -> "StudyFile":
    """The named study with its `--set` settings."""
    from tuner.study import load, setting
    from tuner.study.places import find_study

    own_name, path = find_study(study)
    return load(path, name or own_name, [setting(text) for text in settings])


def storage_url(runs: Path, storage: str | None) -> str:
    """The storage's URL; that of the embedded one by default."""
    from tuner.storage import default_url

    return storage or default_url(runs)


def required_storage(runs: Path, storage: str | None) -> str:
    """The storage's URL. Raises `StorageError` if it is a file that does not exist, which reading would create."""
    from tuner.storage.contents import file_of

    if storage is None and not (runs / "tuner.db").is_file():
        raise StorageError(f"there is no storage in {runs} yet: run `tuner optimize` first, or add --runs")
    file_of(url := storage_url(runs, storage))
    return url


def stored_study(study: str, runs: Path, storage: str | None) -> "optuna.Study":
    """The study of that name in the storage. Raises `StudyError` with the near miss."""
    from tuner.storage import load_study, open_storage

    return load_study(open_storage(required_storage(runs, storage)), study)


def stored_outcome(study: str, runs: Path, storage: str | None) -> "Outcome":
    """What the storage has of a study."""
    from tuner.outcome import read_outcome

    return read_outcome(stored_study(study, runs, storage))


def command_line(command: str, **options: str | Path | Sequence[str] | None) -> str:
    """A command with its options, quoted for a shell. A folder of runs and a storage that go without saying need no option; a URL
    with a password is replaced by the variable TUNER_STORAGE."""
    defaults = {"runs": Path(os.environ.get("TUNER_RUNS") or RUNS), "storage": os.environ.get("TUNER_STORAGE")}
    defaults["artifacts"] = os.environ.get("TUNER_ARTIFACTS", "")
    words = ["python", "-m", "tuner", command]
    for name, value in options.items():
        if value is not None and value != defaults.get(name):
            for each in value if isinstance(value, list) else [value]:
                words += [f"--{name.replace('_', '-')}", _quoted(name, str(each))]
    return " ".join(words)


def _quoted(option: str, value: str) -> str:
    return '"$TUNER_STORAGE"' if option == "storage" and has_password(value) else shlex.quote(value)


def has_password(url: str) -> bool:
    """Whether a storage's URL has a password, which every user of the machine can see in a command line."""
    from tuner.storage import hide_password  # late, with Optuna

    return hide_password(url) != url


SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600}


def seconds_of(option: str, text: str, unit: str = "") -> float:
    """A length of time such as 90s, 10m or 1h, in seconds; a bare number only where the option has a unit."""
    match = re.fullmatch(rf"(\d+(?:\.\d+)?)\s*({'|'.join(SECONDS)})?", text.strip())
    if not match or float(match[1]) <= 0:
        raise TunerError(f"{option} {text}: must be a length of time such as 90s, 10m or 1h")
    if not (match[2] or unit):
        raise TunerError(f"{option} {text}: {text} what? Write {text}s, {text}m or {text}h")
    return float(match[1]) * SECONDS[match[2] or unit]
