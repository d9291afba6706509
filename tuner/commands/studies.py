"""Commands on studies: the list of all, a study's space, its report."""

import math
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.base.errors import Invalid
from tuner.base.formatting import figure_text, metric_label
from tuner.commands.arguments import (
    RUNS,
    Artifacts,
    DataDir,
    Runs,
    Set,
    Storage,
    Study,
    load_study_file,
    required_storage,
)

if TYPE_CHECKING:
    from tuner.outcome import Outcome


def studies(runs: Runs = RUNS, storage: Storage = None) -> None:
    """List the study files with their progress, and the other studies in the storage."""
    import optuna

    from tuner.base.errors import StudyError
    from tuner.commands.terminal import print_message, print_table
    from tuner.outcome import read_outcome
    from tuner.storage import load_study, open_storage
    from tuner.study import load
    from tuner.study.places import study_files

    outcomes: dict[str, Outcome] = {}
    unreadable: list[StudyError] = []
    if storage or (runs / "tuner.db").is_file():
        opened = open_storage(required_storage(runs, storage))
        for name in optuna.get_all_study_names(opened):
            try:
                outcomes[name] = read_outcome(load_study(opened, name))
            except StudyError as error:  # a later version's, or a part of a copy
                unreadable.append(error)
    files = {name: load(path, name).title for name, path in study_files().items()}
    titles = files | {name: each.record.title for name, each in outcomes.items() if name not in files}
    rows = [(name, *_progress(outcomes.get(name)), title) for name, title in titles.items()]
    print_table(("study", "trials", "best trial", "final model, trained longer", "title"), rows)
    for each in unreadable:
        print_message(f"left out: {each}")


def check(
    study: Study,
    set_: Set = [],  # noqa: B006 (typer reads it, nobody changes it)
    build: Annotated[bool, typer.Option("--build", help="Also count the parameters of every corner.")] = False,
) -> None:
    """Decode every corner of a study's space, and print the space."""
    from tuner.commands.terminal import print_table
    from tuner.networks import Function, network_summary, parameters
    from tuner.recipe import describe
    from tuner.space import dimensions, functions_in, size

    file = load_study_file(study, set_, None)
    rows = list(dimensions(file.space))
    print_table(("address", "values"), rows)
    recipes = "continuous" if math.isinf(size(file.space)) else f"{size(file.space):,.0f} recipes"
    print(f"{file.name}: {len(rows)} dimensions, {recipes}; all {len(file.corners)} corners make a recipe")
    for each in functions_in(file.space):
        if ":" in each.call.source:
            discovered = f"calling it discovered {len(each.holes)} names; under other answers it may ask for more"
            print(f"{each.call.source}: {discovered}")
        if each.cut:
            print(f"{each.call.source}: exploring ended at {each.cut}; the search finds what it asks beyond")
        made = [recipe.network for _, recipe in file.corners if isinstance(recipe.network, Function)]
        layers = next(network.info.layers for network in made if network.source == each.call.source)
        print(f"{each.call.source}: its layers with weights are {', '.join(layer.name for layer in layers)}")
        if each.compiled:
            print(
                f"{each.call.source}: compiles its model ({each.compiled}); training.optimizer and training.loss are not used"
            )
    if file.unbuildable:
        print(f"{file.name}: {file.unbuildable}")
    if not build:
        return
    counted = set()
    for _, recipe in file.corners:
        with suppress(Invalid):
            data = describe(recipe.data)
            counted.add((parameters(recipe.network, data.inputs, data.outputs), network_summary(recipe.network)))
    print_table(("parameters", "network"), [(f"{count:,}", network) for count, network in sorted(counted)])


def report(
    study: Annotated[str, typer.Option("--study", "-s", help="Name of a study in the storage, or all.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write into. [reports/NAME]")] = None,
    results: Annotated[Path, typer.Option(help="Folder of the documents' results.")] = Path("reports/documents"),
    latency: Annotated[
        bool, typer.Option("--latency", help="Measure the latency of the best networks first, on this machine.")
    ] = False,
    runs: Runs = RUNS,
    storage: Storage = None,
    artifacts: Artifacts = "",
    data_dir: DataDir = None,
) -> None:
    """Write report.html, report.md, summary.json, trials.csv and baselines.csv, and attach the report to the study in optuna-dashboard."""
    from tuner.data.sources import Places
    from tuner.report.index import write_index
    from tuner.report.write import searched_studies, write_report

    url, places = required_storage(runs, storage), Places.from_environment(data_dir)
    for name in searched_studies(url) if study == "all" else [study]:
        folder = out / name if out and study == "all" else out or Path("reports") / name
        write_report(url, name, results, places, folder, runs, artifacts=artifacts, latency=latency)
        print(folder / "report.html")
    if study == "all":
        write_index(out or Path("reports"), results)


def _progress(outcome: "Outcome | None") -> tuple[str, str, str]:
    """The number of finished and pruned trials, the best one's value, and the final model's."""
    if outcome is None:
        return "–", "–", "–"
    best = next((f"{metric_label(name)} {figure_text(value)}" for name, value in outcome.best_values.items()), "–")
    final = f"{outcome.validation.name} {figure_text(outcome.validation.value)}" if outcome.validation else "–"
    return str(outcome.record.count("complete", "pruned")), best, final
