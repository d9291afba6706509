"""A study's space, decoded to its corners."""

import math
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.commands.arguments import Set, Study, load_study_file
from tuner.errors import Invalid

if TYPE_CHECKING:
    from tuner.recipe import Recipe
    from tuner.study import StudyFile


def check(
    study: Study,
    set_: Set = [],  # noqa: B006 (typer reads it, nobody changes it)
    build: Annotated[bool, typer.Option("--build", help="Also count the parameters of every corner.")] = False,
) -> None:
    """Decode every corner of a study's space, and print the space."""
    file = load_study_file(study, set_, None)
    print_space(file)
    if build:
        print_corners(file)


def print_space(file: "StudyFile") -> None:
    """The holes of a study, one a line, and how many recipes they make."""
    from tuner.commands.terminal import console, table
    from tuner.space import dimensions, size

    rows = table("address", "values")
    for dimension in dimensions(file.space, "recipe"):
        rows.add_row(dimension.address.removeprefix("recipe."), dimension.values)
    console().print(rows)
    count = size(file.space)
    many = "continuous" if math.isinf(count) else f"{count:,.0f} recipes"
    print(f"{file.name}: {len(rows.rows)} dimensions, {many}; all {len(file.corners)} corners make a recipe")


def print_corners(file: "StudyFile") -> None:
    """The parameters of the corners' networks, each network once, from few to many.

    Raises `Invalid` with the address where a network cannot stand on the data set's shape.
    """
    from tuner.commands.terminal import console, table
    from tuner.words import network_in_words

    networks = {(count_parameters(recipe), network_in_words(recipe.network)) for _, recipe in file.corners}
    rows = table("parameters", "network")
    for parameters, network in sorted(networks):
        rows.add_row(f"{parameters:,}", network)
    console().print(rows)


def count_parameters(recipe: "Recipe") -> int:
    """Trainable and other parameters of a recipe's network on its data set's shape, without building it."""
    from tuner.data.catalogue import CATALOGUE
    from tuner.networks.shapes import parameters

    entry = CATALOGUE[recipe.data.name]
    try:
        return parameters(recipe.network, entry.shape, len(entry.classes))
    except Invalid as complaint:
        raise complaint.inside("recipe") from None
