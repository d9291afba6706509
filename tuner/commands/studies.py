"""`studies`: the study files and the studies in the storage."""

from typing import TYPE_CHECKING

from tuner.commands.arguments import Runs, Storage, existing_storage

if TYPE_CHECKING:
    from tuner.storage import StudyRecord


def studies(runs: Runs = None, storage: Storage = None) -> None:
    """List the study files with their progress, and the other studies in the storage."""
    from tuner.commands.terminal import console, table
    from tuner.study import load
    from tuner.study.places import study_files

    records = _records(existing_storage(runs, storage))
    rows = table("study", "trials", "best", "title")
    for name, path in study_files().items():
        title = load(path, name).title
        rows.add_row(name, *_progress(records.pop(name, None)), title)
    for name, record in records.items():
        rows.add_row(name, *_progress(record), record.title)
    console().print(rows)


def _records(storage: str | None) -> "dict[str, StudyRecord]":
    if storage is None:
        return {}
    import optuna

    from tuner.storage import open_storage, read_study

    opened = open_storage(storage)
    return {name: read_study(opened, name) for name in optuna.get_all_study_names(opened)}


def _progress(record: "StudyRecord | None") -> tuple[str, str]:
    """The number of finished and pruned trials, and the best value."""
    if record is None:
        return "–", "–"
    values = [trial.values[0] for trial in record.finished]
    best = f"{record.direction.best(values):.4f}" if values else "–"
    return str(record.count("complete", "pruned")), best
