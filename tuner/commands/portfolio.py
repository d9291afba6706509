"""Recipes for searches on new data to begin with."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tuner.commands.arguments import DataDir, Runs, Storage, required_storage, seconds_of, workers_of


def portfolio(
    study: Annotated[list[str], typer.Option("--study", "-s", help="A study in the storage; several times.")],
    seconds: Annotated[str, typer.Option(help="How long each recipe is trained on each data set.")] = "30s",
    most: Annotated[int, typer.Option(min=1, help="Recipes in the portfolio, at the most.")] = 4,
    out: Annotated[Path, typer.Option(help="The file.")] = Path("studies/portfolio.json"),
    workers: Annotated[str, typer.Option(metavar="N|auto", help="Training processes.")] = "auto",
    runs: Runs = None,
    storage: Storage = None,
    data_dir: DataDir = None,
) -> int:
    """Choose a small set of recipes that complement each other, from the best of several studies."""

    from tuner.base.machine import cores, environment
    from tuner.base.writing import write_json
    from tuner.data.load import Places
    from tuner.portfolio import Ground, candidates, chosen, measured
    from tuner.recipe import Data
    from tuner.storage import open_storage, read_study
    from tuner.worker import make_executor
    from tuner.worker.executor import Setup

    opened = open_storage(required_storage(runs, storage))
    records = [read_study(opened, name) for name in study]
    tried = candidates(records)
    grounds = {
        recipe.data: Ground(recipe.data, recipe.protocol, max(each.training.epochs for _, each in tried))
        for _, recipe in tried
        if isinstance(recipe.data, Data)
    }
    count = workers_of(workers)
    setup = Setup(Places.from_environment(data_dir), workers=count, threads=max(1, cores() // count))
    executor = make_executor("processes", setup)

    def told(text: str) -> None:
        print(text, file=sys.stderr)

    recipes = [recipe for _, recipe in tried]
    try:
        errors = measured(recipes, list(grounds.values()), seconds_of("--seconds", seconds), executor, told)
    finally:
        executor.close()
    found = list(chosen(tried, errors, most))
    for each in found:
        print(f"{each.recipe.summary}, from {each.origin}: mean regret {each.regret:.3f}")
    write_json(
        out, {"seconds": seconds, "environment": environment(setup.threads), "recipes": [each.plain for each in found]}
    )
    print(f"wrote {out}")
    return 0 if found else 1
