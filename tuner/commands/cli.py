"""The command line: which commands there are."""

import inspect
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Annotated, Any, get_args

import typer

from tuner import __version__
from tuner.base.errors import StudyError
from tuner.commands import data, storage

SEARCH, RESULTS, MODELS, OTHERS = "Search", "Results", "Models", "Data and documents"
COMMANDS = {
    "init": ("init", SEARCH),
    "check": ("studies", SEARCH),
    "optimize": ("optimize", SEARCH),
    "worker": ("worker", SEARCH),
    "studies": ("studies", RESULTS),
    "trials": ("results", RESULTS),
    "leaderboard": ("results", RESULTS),
    "importance": ("results", RESULTS),
    "report": ("studies", RESULTS),
    "replay": ("replay", RESULTS),
    "dashboard": ("dashboard", RESULTS),
    "predict": ("models", MODELS),
    "evaluate": ("models", MODELS),
    "serve": ("models", MODELS),
    "export": ("models", MODELS),
    "distill": ("models", MODELS),
    "baseline": ("baseline", OTHERS),
}
"""The commands in the order of `--help`: each is the function of that name in this file of `tuner.commands`, in this group."""

app = typer.Typer(
    name="tuner",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


PANELS = {
    **dict.fromkeys(("minutes", "timeout", "trials", "more", "enough", "wait"), "How long"),
    **dict.fromkeys(
        ("workers", "executor", "ray_address", "cpus_per_trial", "gpus_per_trial", "lease", "checkpoint_space"), "Where"
    ),
    **dict.fromkeys(("host", "allowed_host", "port", "runs", "storage", "artifacts", "data_dir"), "Where"),
    **dict.fromkeys(("out", "force", "quiet", "verbose", "format", "json_"), "Output"),
}
"""The groups of options in a command's `--help`."""


def prepared(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with its options in groups, and with `--study` as an argument, too: `optimize fashion`."""
    signature = inspect.signature(command)
    parameters = {each.name: each.replace(kind=each.KEYWORD_ONLY) for each in signature.parameters.values()}
    infos = {each.name: get_args(each.annotation)[1] for each in parameters.values()}
    for each, info in infos.items():
        info.rich_help_panel = PANELS.get(each)
    if "study" not in parameters:
        return command
    option = parameters["study"]
    default = "" if option.default is option.empty else option.default

    @wraps(command)
    def with_argument(study_name: str, study: str, **others: Any) -> Any:
        if study_name and study not in (default, study_name):
            raise StudyError(f"{study_name} and --study {study} exclude each other: both name the study")
        if not (study_name or study) and option.default is option.empty:
            raise StudyError(f"add the name of a study, as in `tuner {command.__name__} digits`; see `tuner studies`")
        return command(study=study_name or study, **others)

    argument: Any = typer.Argument(metavar="STUDY", help="In place of --study.", autocompletion=study_names)
    named = option.replace(name="study_name", default="", annotation=Annotated[str, argument])
    infos["study"].autocompletion, infos["study"].show_default = study_names, False
    parameters["study"] = option.replace(default=default)
    changed: Any = with_argument
    changed.__signature__ = signature.replace(parameters=[named, *parameters.values()])
    return with_argument


def study_names() -> list[str]:
    """The names of study files, for completion in a shell."""
    from tuner.study.places import study_files

    return list(study_files())


@app.callback(invoke_without_command=True)
def tuner(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Tunes Keras networks with Optuna: a study file is a recipe with holes."""
    if version:
        print_version()
        raise typer.Exit


for name, (file, group) in COMMANDS.items():
    command = getattr(import_module(f"tuner.commands.{file}"), name)
    app.command(rich_help_panel=group)(prepared(command))
app.add_typer(data.app, name="data", rich_help_panel=OTHERS)
app.add_typer(storage.app, name="storage", rich_help_panel=OTHERS)


@app.command("version", hidden=True)
def print_version() -> None:
    """Print the version."""
    print(f"tuner {__version__}")
