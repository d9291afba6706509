"""From a TOML file, with `--set` settings, to a checked study."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from tuner.base.decode import decode, encode
from tuner.base.errors import Invalid, StudyError
from tuner.data.sources import Places
from tuner.space import check_plain, override
from tuner.study.check import check, fitting_starts
from tuner.study.file import StudyFile
from tuner.study.resolve import with_facts, with_precision, with_questions
from tuner.study.settings import Sections


def study_from(
    name: str,
    plain: Mapping[str, Any],
    is_narrowed: bool = False,
    folder: Path = Path(),
    places: Places | None = None,
) -> StudyFile:
    """The checked study that nested data describes; its paths are relative to the `folder`. Raises `Invalid` with an address
    such as `budget.trials`, `DataError` for errors in own data. Where settings have narrowed the space, starts lose what is
    no longer in it."""
    check_plain(plain)
    plain = encode(plain)
    sections = decode(Sections, plain)
    recipe = with_facts(with_precision(plain["recipe"]), folder, places or Places.from_environment())
    return _checked(name, sections, plain, with_questions(recipe, folder), is_narrowed)


def study_as_stored(name: str, plain: Mapping[str, Any]) -> StudyFile:
    """The study that a storage describes with all facts of its own data and functions: no file is read. Raises `Invalid` where this
    version cannot read it."""
    return _checked(name, decode(Sections, plain), plain, plain["recipe"], is_narrowed=True)


def _checked(name: str, sections: Sections, plain: Mapping[str, Any], recipe: Any, is_narrowed: bool) -> StudyFile:
    study = StudyFile(
        name=name,
        title=sections.title or name,
        objectives=sections.objectives,
        budget=sections.budget,
        search=sections.search,
        confirmation=sections.confirmation,
        start=tuple(map(dict, sections.start)),
        plain=plain,
        resolved={**plain, "recipe": recipe},
    )
    if is_narrowed and study.start:
        study = replace(study, start=fitting_starts(study))
    check(study)
    return study


def load(path: Path, name: str, settings: Sequence[tuple[str, Any]] = (), places: Places | None = None) -> StudyFile:
    """The study in a TOML file, with `--set` settings applied. Addresses outside `search`, `budget`, `confirmation`,
    `objective` and `title` are the recipe's. Own data is read. Complaints name the file."""
    plain = read_plain(path)
    try:
        for address, value in settings:
            plain = override(plain, _full_address(address), value)
        return study_from(name, plain, is_narrowed=bool(settings), folder=path.parent, places=places)
    except Invalid as complaint:
        raise StudyError(f"{path}: {complaint}") from None


def read_plain(path: Path) -> dict[str, Any]:
    """The nested data in a TOML file, unchecked. Raises `StudyError` where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, thousands of digits, lists in lists in lists
        raise StudyError(f"{path}: is not valid TOML: {error}") from error


def setting(text: str) -> tuple[str, Any]:
    """An address and its value from `address=value`; the value is read as TOML, or else as plain text."""
    address, equals, value = text.partition("=")
    if not equals or not address.strip():
        raise StudyError(f"--set {text}: must be address=value, such as training.batch_size=64")
    try:
        return address.strip(), tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return address.strip(), value.strip()


def _full_address(address: str) -> str:
    is_outside_recipe = address.partition(".")[0] in {field.name for field in fields(Sections)}
    return address if is_outside_recipe else f"recipe.{address}"
