"""How right a saved model is on new data."""

import json
from typing import Annotated

import typer

from tuner.commands.arguments import Model, NewData
from tuner.commands.loading import loaded


def evaluate(
    model: Model,
    data: NewData,
    target: Annotated[
        list[str], typer.Option(help="The column or array with the answers; may be repeated. [as in the metadata]")
    ] = [],  # noqa: B006 (typer copies it)
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """All figures of the task with their 95 % intervals, and which classes are confused most."""
    predictor = loaded(model)
    from tuner.deploy.evaluation import evaluate as compute

    found = compute(predictor, data, target)
    print(json.dumps(found.to_dict()) if json_ else "\n".join(found.lines()))
