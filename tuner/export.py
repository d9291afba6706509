"""A confirmed winner's model and its papers, copied to where the user wants them."""

import os
import shutil
from pathlib import Path

from tuner.errors import StorageError, StudyError
from tuner.storage import load_study, open_storage


def export_winner(storage: str, name: str, out: Path) -> tuple[Path, Path]:
    """Copy the model to `out` and its papers (recipe, seeds, data, versions, figures) to the same name with .json.

    Raises `StudyError` while no winner is confirmed, `StorageError` where `out` cannot be written.
    """
    if out.suffix != ".keras":
        raise StorageError(f"--out {out}: must end in .keras, the format of the model")
    confirmed = load_study(open_storage(storage), name).user_attrs.get("confirmed")
    if confirmed is None:
        raise StudyError(f"the study {name!r} has no confirmed winner yet: let `optimize` run to its end")
    model = Path(confirmed["model"])
    papers = model.with_suffix(".json")
    if not model.is_file() or not papers.is_file():
        raise StudyError(f"the model of {name!r} is no longer at {model}: run `optimize` again to make it")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for source, target in ((model, out), (papers, out.with_suffix(".json"))):
            aside = target.with_name(f".{target.name}-{os.getpid()}")
            shutil.copyfile(source, aside)
            aside.replace(target)
    except OSError as error:
        raise StorageError(f"{out} cannot be written: {error.strerror}") from error
    return out, out.with_suffix(".json")
