"""The user's own data: how much there is of it, what is to be told, and its columns as they were taken."""

from collections.abc import Iterator

import numpy as np

from tuner.charts.content import Block, Paragraph, Section
from tuner.charts.content import Table as Shown
from tuner.recipe import Arrays, Cut, Images, Table
from tuner.recipe.data import Own
from tuner.report.own import LOOKED_AT, OwnData

MANY = 30
"""Rows of a table from which on it is folded."""


def data_section(own: OwnData) -> Section:
    """What the network learns from."""
    return Section("data", "The data", tuple(_blocks(own)))


def _blocks(own: OwnData) -> Iterator[Block]:
    yield Paragraph(_in_words(own))
    yield _targets(own)
    if own.columns:
        yield _columns(own)
        yield from _roles(own.data)


def _in_words(own: OwnData) -> str:
    data, about = own.data, own.about
    counts = f"{about.training_examples:,} examples to learn from, {_test(own)}"
    match data:
        case Table():
            seen = f"{len(data.columns)} columns that the network sees"
        case Arrays():
            seen = f"{'×'.join(map(str, data.found.shape if data.found else ()))} numbers each"
        case Images():
            color = "colour" if data.color else "grey"
            seen = f"{color} pictures, brought to {data.size[0]}×{data.size[1]} (height and width)"
    return f"{data.name}: {counts}; {seen}."


def _test(own: OwnData) -> str:
    count, test = own.about.test_examples, own.data.test
    if not count:
        return "none held out"
    if isinstance(test, Cut):
        return f"{count:,} held out for the test ({100 * test.share:g} %)"
    return f"{count:,} for the test, from {test}"


def _targets(own: OwnData) -> Shown:
    """How often each class or label is true, or what the numbers are like."""
    names, true = own.about.classes, own.true
    folded = len(names) > MANY
    if own.about.task == "regression":
        spreads = (each.tolist() for each in (true.min(0), np.median(true, 0), true.max(0), true.std(0)))
        statistics = tuple((name, *each) for name, each in zip(names, zip(*spreads, strict=True), strict=True))
        known = ("target", "lowest", "median", "highest", "standard deviation")
        return Shown("data-targets", "What is to be told", known, statistics, "Of the training part.", folded)
    often = np.bincount(true, minlength=len(names)) if true.ndim == 1 else (true == 1).sum(0)
    counts = zip(names, often.tolist(), strict=True)
    rows = tuple((name, count, f"{100 * count / len(true):.1f} %") for name, count in counts)
    columns = ("class" if true.ndim == 1 else "label", "training examples", "share")
    return Shown("data-targets", "What is to be told", columns, rows, long=folded)


def _columns(own: OwnData) -> Shown:
    rows = tuple(
        (
            each.name,
            each.kind,
            each.values,
            f"{100 * each.missing:.1f} %" if each.missing else None,
            ", ".join(each.examples),
        )
        for each in own.columns
    )
    some = f"Of the first {LOOKED_AT:,} training rows" if len(own.true) > LOOKED_AT else "Of the training part"
    note = (
        f"{some}; the values of a text are its words, and of categories and words those that have a code of their own."
    )
    columns = ("column", "taken for", "values", "missing", "for example")
    return Shown("data-columns", "The columns as they were taken", columns, rows, note, len(rows) > MANY)


def _roles(data: Own) -> Iterator[Paragraph]:
    """What the network does not see, as far as the study names it."""
    if not isinstance(data, Table):
        return
    roles = [
        (", ".join(data.targets), "is to be told" if len(data.targets) == 1 else "are to be told"),
        (data.group, "says which rows belong together: these are never parted"),
        (data.time, "says the order of the rows: the test part is what comes last"),
        (data.weight, "says how much each row counts"),
    ]
    yield Paragraph(f"Not seen by the network: {'; '.join(f'{name} {what}' for name, what in roles if name)}.", "aside")
