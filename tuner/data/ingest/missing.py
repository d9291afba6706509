"""Texts that stand for no value: those of a study file, and those that a new file has."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Any

import pandas as pd

from tuner.data.ingest.files import SKLEARN
from tuner.data.ingest.guess import has_leading_zeros
from tuner.data.ingest.profile import column_profile
from tuner.data.ingest.tables import read_table
from tuner.recipe.data import MISSING_TEXTS, Table

FREQUENT = 0.05
"""From this share of the rows on, a text is a value of its column if the column has no empty cells."""
NAMED = 5
"""Columns in a note; the others are counted."""


@dataclass(frozen=True, eq=False)
class Written:
    """A table as its file has it, the texts that are `missing` in its names, and `notes` on them for people."""

    frame: pd.DataFrame
    missing: tuple[str, ...] = MISSING_TEXTS
    notes: tuple[str, ...] = ()


def texts_of(data: Table) -> Mapping[str, Sequence[str]]:
    """The columns that are read as they are written, each with the texts that are missing in it."""
    kinds = {column.name: column.kind for column in data.columns}
    own = bool(set(data.missing) - set(MISSING_TEXTS))
    named = {name for name, kind in kinds.items() if kind in ("category", "text", "picture")} | {data.group}
    named |= set(data.targets if data.task == "classification" else ())
    others = {name for name, kind in kinds.items() if kind != "number" or own} | {data.time}
    others |= {data.weight, *data.targets} if own else set()
    usual = tuple(dict.fromkeys((*MISSING_TEXTS, *data.missing)))
    return {name: data.missing if name in named else usual for name in sorted(named | others) if name}


def decided(
    frame: pd.DataFrame, path: str, targets: Sequence[str], own: Sequence[str] = (), *, header: bool = True
) -> Written:
    """A table that was read from `path`, with the texts that are values in their cells, and without the user's `own` texts for
    missing values. The usual texts are values of a target of names, and where they are frequent and no cell is empty; in a
    column of numbers, dates or truths they never are, nor those that stand in one of these for a missing value."""
    usual = tuple(dict.fromkeys((*MISSING_TEXTS, *own)))
    gaps = [str(name) for name in frame if own or frame[name].isna().any()]
    if path.startswith(SKLEARN) or not gaps:
        return Written(frame)
    written = read_table(path, dict.fromkeys(gaps, ()), header=header)
    filled = {name: _emptied(written[name], usual) for name in gaps}
    named = {name for name in gaps if _has_names(filled[name], name in targets)}
    counts = [(name, *pair) for name in gaps for pair in Counter(written[name][written[name].isin(usual)]).items()]
    markers = {*own, *(text for name, text, _ in counts if name not in named)}
    values = [
        (name, text, count)
        for name, text, count in counts
        if name in named and text not in markers
        if name in targets or (count >= FREQUENT * len(frame) and written[name].notna().all())
    ]
    missing = tuple(text for text in usual if text not in {text for _, text, _ in values})
    for name in gaps:
        frame[name] = _emptied(written[name], missing) if name in named else filled[name]
    notes = [
        f"{text!r} is a value of {name} ({count} rows); if it stands for a missing one, use --missing {quote(text)}"
        for name, text, count in values
    ]
    taken = [
        f"{text!r} in {count} rows of {name}" for name, text, count in counts if name not in named or text in missing
    ]
    rest = f" and {len(taken) - NAMED} more" if len(taken) > NAMED else ""
    notes += [f"taken for missing: {', '.join(taken[:NAMED])}{rest}"] if taken else []
    return Written(frame, missing, tuple(notes))


def _emptied(column: "pd.Series[Any]", missing: Sequence[str]) -> "pd.Series[Any]":
    """Without these texts; as numbers where nothing else is left."""
    rest = column.mask(column.isin(missing))
    numbers = pd.to_numeric(rest, errors="coerce")
    return numbers if numbers.isna().equals(rest.isna()) and not has_leading_zeros(rest.dropna().astype(str)) else rest


def _has_names(column: "pd.Series[Any]", is_target: bool) -> bool:
    if pd.api.types.is_numeric_dtype(column):
        return False
    kind = column_profile(column, "").kind
    return kind in ("category", "text") or (is_target and kind == "boolean")
