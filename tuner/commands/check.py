"""`check`: a study's space, and the networks at its corners."""

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.base.errors import Invalid
from tuner.commands.arguments import Set, Study, load_study_file

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """Print the holes of a study, and the number of its recipes."""
    from tuner.commands.terminal import console, table
    from tuner.space import dimensions, size

    rows = table("address", "values")
    for address, values in dimensions(file.space):
        rows.add_row(address, values)
    console().print(rows)
    count = size(file.space)
    recipes = "continuous" if math.isinf(count) else f"{count:,.0f} recipes"
    print(f"{file.name}: {len(rows.rows)} dimensions, {recipes}; all {len(file.corners)} corners make a recipe")
    if file.unbuildable:
        print(f"{file.name}: {file.unbuildable}")


def print_corners(file: "StudyFile") -> None:
    """Print the number of parameters of each network at a corner, if it can be built; the smallest first."""
    from tuner.commands.terminal import console, table

    rows = table("parameters", "network")
    for parameters, network in sorted(set(_networks(file))):
        rows.add_row(f"{parameters:,}", network)
    console().print(rows)


def _networks(file: "StudyFile") -> "Iterator[tuple[int, str]]":
    from tuner.networks import network_summary

    for _, recipe in file.corners:
        with suppress(Invalid):
            yield count_parameters(recipe), network_summary(recipe.network)


def count_parameters(recipe: "Recipe") -> int:
    """The number of parameters of a recipe's network on its data, computed without Keras."""
    from tuner.networks import parameters
    from tuner.recipe import describe

    data = describe(recipe.data)
    try:
        return parameters(recipe.network, data.inputs, data.outputs)
    except Invalid as complaint:
        raise complaint.inside("recipe") from None
