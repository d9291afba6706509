"""The tables that commands print on standard output."""

import math
from typing import TYPE_CHECKING

from tuner.data.load import Places, survey
from tuner.errors import Invalid
from tuner.networks import network_in_words
from tuner.recipe import Recipe
from tuner.space import dimensions, size
from tuner.study import StudyFile, load
from tuner.study.places import study_files
from tuner.terminal import console, table

if TYPE_CHECKING:
    from tuner.storage import StudyRecord


def print_studies(storage: str | None) -> None:
    """Each study file with its title, and how far the storage is with it; then the storage's other studies."""
    from tuner.storage import open_storage, read_study

    records = {}
    if storage is not None:
        import optuna

        opened = open_storage(storage)
        records = {name: read_study(opened, name) for name in optuna.get_all_study_names(opened)}
    rows = table("study", "trials", "best", "title")
    for name, path in study_files().items():
        title = load(path, name).title
        rows.add_row(name, *_progress(records.pop(name, None)), title)
    for name, record in records.items():
        rows.add_row(name, *_progress(record), record.title)
    console().print(rows)


def _progress(record: "StudyRecord | None") -> tuple[str, str]:
    if record is None:
        return "–", "–"
    values = [trial.values[0] for trial in record.finished]
    best = f"{max(values) if record.maximize else min(values):.4f}" if values else "–"
    return str(record.count("complete", "pruned")), best


def print_space(file: StudyFile) -> None:
    """The holes of a study, one a line, and how many recipes they make."""
    rows = table("address", "values")
    for dimension in dimensions(file.space, "recipe"):
        rows.add_row(dimension.address.removeprefix("recipe."), dimension.values)
    console().print(rows)
    count = size(file.space)
    many = "continuous" if math.isinf(count) else f"{count:,.0f} recipes"
    print(f"{file.name}: {len(rows.rows)} dimensions, {many}; all {len(file.corners)} corners make a recipe")


def print_corners(file: StudyFile) -> None:
    """The parameters of the corners' networks, each network once, from few to many.

    Raises `Invalid` with the address where a network cannot stand on the data set's shape.
    """
    rows = table("parameters", "network")
    for parameters, network in sorted(set(_networks(file))):
        rows.add_row(f"{parameters:,}", network)
    console().print(rows)


def _networks(file: StudyFile) -> list[tuple[int, str]]:
    return [(count_parameters(recipe), network_in_words(recipe.network)) for _, recipe in file.corners]


def count_parameters(recipe: Recipe) -> int:
    """Trainable and other parameters of a recipe's network on its data set's shape, without building it."""
    from tuner.data.catalogue import CATALOGUE
    from tuner.networks import parameters

    entry = CATALOGUE[recipe.data.name]
    try:
        return parameters(recipe.network, entry.shape, len(entry.classes))
    except Invalid as complaint:
        raise complaint.inside("recipe") from None


def print_data(places: Places) -> None:
    """Each data set: its state, where it is or would come from, its shape, counts and classes."""
    rows = table("data set", "state", "inputs", "training", "test", "from", "classes")
    for status in survey(places):
        rows.add_row(
            status.name,
            status.state,
            "×".join(map(str, status.shape)),
            str(status.training_examples),
            str(status.test_examples),
            status.origin,
            ", ".join(status.classes),
        )
    console().print(rows)
