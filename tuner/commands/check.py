"""A study's space, decoded to its corners."""

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
    """The holes of a study, one a line, and how many recipes they make."""
    from tuner.commands.terminal import console, table
    from tuner.space import dimensions, size

    rows = table("address", "values")
    for address, values in dimensions(file.space):
        rows.add_row(address, values)
    console().print(rows)
    count = size(file.space)
    many = "continuous" if math.isinf(count) else f"{count:,.0f} recipes"
    print(f"{file.name}: {len(rows.rows)} dimensions, {many}; all {len(file.corners)} corners make a recipe")
    if file.unbuildable:
        print(f"{file.name}: {file.unbuildable}")


def print_corners(file: "StudyFile") -> None:
    """The parameters of the corners' networks, each network once, from few to many; those that cannot be built have none."""
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
    """Trainable and other parameters of a recipe's network on its data set's shape, without building it."""
    from tuner.networks import parameters
    from tuner.recipe import described

    data = described(recipe.data)
    try:
        return parameters(recipe.network, data.inputs, data.outputs)
    except Invalid as complaint:
        raise complaint.inside("recipe") from None
