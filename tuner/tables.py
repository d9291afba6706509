"""The tables that commands print on standard output."""

import math

from rich.console import Console
from rich.table import Table

from tuner.data.load import Places, survey
from tuner.errors import Invalid
from tuner.places import study_files
from tuner.recipe import Recipe
from tuner.space import dimensions, size
from tuner.study import StudyFile, load
from tuner.words import network_in_words


def print_studies(storage: str | None) -> None:
    """Each study file with its title, and how far the storage is with it; then the storage's other studies."""
    from tuner.storage import open_storage, read_study

    records = {}
    if storage is not None:
        import optuna

        opened = open_storage(storage)
        records = {name: read_study(opened, name) for name in optuna.get_all_study_names(opened)}
    table = _table("study", "trials", "best", "title")
    for name, path in study_files().items():
        title = load(path, name).title
        table.add_row(name, *_progress(records.pop(name, None)), title)
    for name, record in records.items():
        table.add_row(name, *_progress(record), str(record.plain.get("title", "")))
    _print(table)


def _progress(record: object) -> tuple[str, str]:
    from tuner.result import OBJECTIVES
    from tuner.storage import StudyRecord

    if not isinstance(record, StudyRecord):
        return "–", "–"
    values = [trial.values[0] for trial in record.trials if trial.state == "complete"]
    maximize = not record.objectives or OBJECTIVES[record.objectives[0]].direction == "maximize"
    best = f"{max(values) if maximize else min(values):.4f}" if values else "–"
    return str(record.count("complete", "pruned")), best


def print_space(file: StudyFile) -> None:
    """The holes of a study, one a line, and how many recipes they make."""
    table = _table("address", "values")
    for dimension in dimensions(file.space, "recipe"):
        table.add_row(dimension.address.removeprefix("recipe."), dimension.values)
    _print(table)
    count = size(file.space)
    many = "continuous" if math.isinf(count) else f"{count:,.0f} recipes"
    print(f"{file.name}: {len(table.rows)} dimensions, {many}; all {len(file.corners)} corners make a recipe")


def print_corners(file: StudyFile) -> None:
    """The parameters of the corners' networks, each network once, from few to many.

    Raises `Invalid` with the address where a network cannot stand on the data set's shape.
    """
    table = _table("parameters", "network")
    for parameters, network in sorted(set(_networks(file))):
        table.add_row(f"{parameters:,}", network)
    _print(table)


def _networks(file: StudyFile) -> list[tuple[int, str]]:
    return [(count_parameters(recipe), network_in_words(recipe.network)) for _, recipe in file.corners]


def count_parameters(recipe: Recipe) -> int:
    """Trainable and other parameters of a recipe's network on its data set's shape, without building it."""
    from tuner.data.catalogue import CATALOGUE
    from tuner.networks.shapes import parameters

    entry = CATALOGUE[recipe.data.name]
    try:
        return parameters(recipe.network, entry.shape, len(entry.classes))
    except Invalid as complaint:
        raise complaint.inside("recipe") from None


def print_data(places: Places) -> None:
    """Each data set: its state, where it is or would come from, its shape, counts and classes."""
    table = _table("data set", "state", "inputs", "training", "test", "from", "classes")
    for status in survey(places):
        table.add_row(
            status.name,
            status.state,
            "×".join(map(str, status.shape)),
            str(status.training_examples),
            str(status.test_examples),
            status.origin,
            ", ".join(status.classes),
        )
    _print(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _print(table: Table) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:  # a pipe has no width to fold to
        console = Console(highlight=False, width=400)
    console.print(table)
