"""`init`: reads a user's data, prints what is in it, writes a study file."""

import json
import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuner.base.errors import DataError, Invalid, StudyError, TunerError, near_miss
from tuner.base.writing import write_text
from tuner.commands.arguments import command_line, seconds_of
from tuner.data.ingest.files import SKLEARN

if TYPE_CHECKING:
    from tuner.data.examples import TrainingSet
    from tuner.data.ingest.profile import Roles
    from tuner.init.advice import NewStudy, Profile
    from tuner.recipe import Cut

TASKS = ("classification", "multi_label", "regression")
OF_TABLES = ("drop", "missing", "drop_missing_target", "dayfirst", "series", "window", "horizon")


def init(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The study's name, and its file's.")],
    data: Annotated[
        str, typer.Option(help="A table (CSV, TSV, JSON, Excel, Parquet), an NPZ or NPY file, or a folder of images.")
    ],
    target: Annotated[
        list[str], typer.Option(metavar="COLUMN", help="Column or array to predict; may be repeated.")
    ] = [],  # noqa: B006
    test: Annotated[str | None, typer.Option(metavar="FILE", help="The test part, like the data.")] = None,
    test_share: Annotated[float | None, typer.Option(help="Share of the test part; 0 for no test. [0.2]")] = None,
    task: Annotated[str, typer.Option(help=f"{', '.join(TASKS)}, or guess.")] = "guess",
    group: Annotated[str, typer.Option(metavar="COLUMN", help="Rows that belong together.")] = "",
    time: Annotated[str, typer.Option(metavar="COLUMN", help="The order of the rows.")] = "",
    series: Annotated[
        str, typer.Option(metavar="COLUMN", help="With --time: tells several time series apart, such as stores.")
    ] = "",
    window: Annotated[
        int, typer.Option(min=0, help="With --time: rows of the past in each example. [by the season]")
    ] = 0,
    horizon: Annotated[int, typer.Option(min=0, help="With --time: rows ahead to forecast. [1; labels: 0]")] = 0,
    weight: Annotated[str, typer.Option(metavar="COLUMN", help="How much each row counts.")] = "",
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Whether a table's first line has names.")
    ] = None,
    drop: Annotated[list[str], typer.Option(metavar="COLUMN", help="Leave it out; may be repeated.")] = [],  # noqa: B006
    missing: Annotated[
        list[str], typer.Option(metavar="TEXT", help="Stands for a missing value; may be repeated.")
    ] = [],  # noqa: B006
    drop_missing_target: Annotated[
        bool, typer.Option("--drop-missing-target", help="Leave out rows without a target.")
    ] = False,
    dayfirst: Annotated[
        bool | None, typer.Option("--dayfirst/--monthfirst", help="The order in dates such as 01/02/2004.")
    ] = None,
    minutes: Annotated[
        str | None, typer.Option(metavar="MINUTES", help="How long a search takes: 5, or 90s, 1h. [2; 10 of much data]")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The study file. [studies/NAME.toml]")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file, or hide the study of that name.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Read your own data, print what is in it, and write a study file that is ready to run."""
    from tuner.data.ingest.images import image_parts
    from tuner.data.ingest.profile import Roles
    from tuner.data.ingest.tables import has_padding
    from tuner.init.advice import NewStudy, usual_minutes
    from tuner.init.describe import profile_json
    from tuner.init.template import study_text

    _check_options(test, test_share, task, group, time)
    if (series or window or horizon) and (not time or drop_missing_target):
        raise TunerError("--series, --window and --horizon need --time COLUMN, and exclude --drop-missing-target")
    length = seconds_of("--minutes", minutes, "m") / 60 if minutes else 0.0
    path = _study_path(name, out, force)
    source = _source(data)
    notes: tuple[str, ...] = ("blanks around names and values are left out",) if has_padding(source) else ()
    if not source.startswith(SKLEARN) and os.path.isdir(source):
        training, own_test, notes = image_parts(Path(source))
        source, test = str(training), test or (str(own_test) if own_test and test_share is None else None)
    left_out = tuple(drop), tuple(missing), drop_missing_target, dayfirst
    roles = Roles(tuple(target), group, time, weight, *left_out, series, window, horizon)
    profile = _profile(source, roles, task, data, header)
    test_part = _test_part(test, test_share, path)
    study = NewStudy(
        name, _written_path(source, path), test_part, length or usual_minutes(profile), header is not False
    )
    text = study_text(profile, study)
    _, _, shared = _loaded(text, name, path).origin.partition("; ")
    profile = replace(profile, warnings=(*profile.warnings, *filter(None, (*notes, shared))))
    try:
        write_text(path, text)
    except OSError as error:
        raise StudyError(f"{path}: cannot be written: {error.strerror}; choose another place with --out") from error
    command = command_line("optimize", study=str(path) if out else name)
    if json_:
        facts = {"study": name, "file": str(path), **profile_json(profile, study), "next": command}
        print(json.dumps(facts))
    else:
        _print_profile(profile, study)
        print(f"wrote {path}\nnext: {command}")


def _check_options(test: str | None, test_share: float | None, task: str, group: str, time: str) -> None:
    if test is not None and test_share is not None:
        raise TunerError("--test and --test-share exclude each other: the first is a file, the second is cut off")
    if group and time:
        raise TunerError("--group and --time exclude each other: splits keep groups whole, or the order of the rows")
    if task not in ("guess", *TASKS):
        raise TunerError(f"--task {task}: unknown; {near_miss(task, ('guess', *TASKS))}")


def _print_profile(profile: "Profile", study: "NewStudy") -> None:
    from tuner.commands.terminal import print_table
    from tuner.data.ingest.profile import TableProfile
    from tuner.init.describe import percent, profile_lines

    if isinstance(profile, TableProfile):
        rows = []
        for each in profile.columns:
            missing = percent(each.missing) if each.missing else "–"
            rows.append((each.name, each.kind, each.reason, missing, f"{each.values:,}", ", ".join(each.examples)))
        print_table(("column", "taken for", "because", "missing", "values", "such as"), rows)
        print()
    print("\n".join(profile_lines(profile, study)))


def _study_path(name: str, out: Path | None, force: bool) -> Path:
    """Where the study file will be. Raises `StudyError` where one exists, or the name cannot be a file's."""
    from tuner.study.places import require_name, study_files

    require_name(name)
    path = out or Path("studies") / f"{name}.toml"
    if path.suffix != ".toml":
        raise StudyError(f"--out {path}: must end in .toml")
    if path.is_dir() or (path.exists() and not force):
        raise StudyError(f"{path}: is there already; choose another name, or add --force to overwrite it")
    shipped = study_files().get(name)
    if not (out or force) and shipped not in (None, path):
        cure = "choose another name, or add --force to hide it"
        raise StudyError(f"{name}: there is a study of that name already, which comes with the program; {cure}")
    return path


def _source(path: str) -> str:
    """The absolute path, or `sklearn:…` unchanged. Raises `DataError` where there is no such file."""
    from tuner.data.ingest.files import find_path
    from tuner.data.sources import Places

    if path.startswith(SKLEARN):
        return path
    if any("\ud800" <= letter <= "\udfff" for letter in path):  # no study file could name it
        raise DataError(f"--data {path!a}: has a name that is no text in UTF-8; rename it")
    absolute = os.path.abspath(os.path.expanduser(path))
    if os.path.exists(absolute):
        return absolute
    folders = [each for each in (Path.cwd(), Places.from_environment().data_dir) if each is not None]
    is_folder = any((each / path).is_dir() for each in folders)
    return str(find_path(path, folders, is_folder=is_folder))


def _profile(source: str, roles: "Roles", task: Any, data: str, header: bool | None) -> "Profile":
    from tuner.data.ingest.arrays import profile_arrays
    from tuner.data.ingest.images import profile_images
    from tuner.data.ingest.missing import decided
    from tuner.data.ingest.pictures import picture_formats
    from tuner.data.ingest.profile import profile_table, read_as_written
    from tuner.init.time_series import profile_series

    if not source.startswith(SKLEARN) and os.path.isdir(source):
        _require_unset(
            ("targets", "group", "time", "weight", *OF_TABLES), roles, f"a folder of images, which {data} is"
        )
        if task not in ("guess", "classification"):
            raise TunerError(f"--task {task}: a folder of images has classes; {data} is one")
        return profile_images(Path(source))
    if source.lower().endswith((".npz", ".npy")):
        _require_unset(("time", *OF_TABLES), roles, f"arrays, which {data} has")
        return profile_arrays(Path(source), roles, task)
    if source.startswith(SKLEARN) and not roles.targets:
        roles = replace(roles, targets=("target",))
    read = read_as_written(source, header=header)
    written = decided(read, source, roles.targets, roles.missing, header=header is not False)
    frame = written.frame
    if roles.drop_missing_target:
        frame = frame[frame[[name for name in roles.targets if name in frame]].notna().all(axis=1)]
    pictures = {} if source.startswith(SKLEARN) else picture_formats(frame, Path(source).parent)
    is_alone = roles.time and set(frame) <= {roles.time, *roles.targets}
    is_series = roles.series or roles.window or roles.horizon or is_alone
    profile = (profile_series if is_series else profile_table)(frame, roles, task, data, pictures)
    return replace(profile, missing=written.missing, warnings=(*written.notes, *profile.warnings))


def _require_unset(fields: tuple[str, ...], roles: "Roles", data: str) -> None:
    for field in fields:
        if getattr(roles, field):
            option = "target" if field == "targets" else field.replace("_", "-")
            raise TunerError(f"--{option}: has no meaning for {data}")


def _test_part(test: str | None, share: float | None, path: Path) -> "str | Cut":
    from tuner.recipe import Cut

    if test is not None:
        return _written_path(_source(test), path)
    try:
        return Cut() if share is None else Cut(share=share)
    except Invalid as complaint:
        raise TunerError(f"--test-share {share:g}: {complaint.problem.partition(',')[0]}") from None


def _written_path(source: str, path: Path) -> str:
    """A path as the study file has it: relative to a folder that is searched for it, or else absolute."""
    from tuner.data.ingest.files import data_folders
    from tuner.data.sources import Places

    for folder in map(os.path.abspath, data_folders(path.parent, Places.from_environment().data_dir)):
        if Path(source).is_relative_to(folder):
            return Path(source).relative_to(folder).as_posix()
    return source


def _loaded(text: str, name: str, path: Path) -> "TrainingSet":
    """The data of the study, loaded and split before its file is written. Raises `StudyError` or `DataError` where it cannot be
    searched."""
    from tuner.data.load import training_set
    from tuner.data.sources import Places
    from tuner.data.splits import folds_of
    from tuner.study.read import study_from

    try:
        recipe = study_from(name, tomllib.loads(text), folder=Path(os.path.abspath(path.parent))).corners[0][1]
        data = training_set(recipe.data, Places.from_environment())
        folds_of(recipe.protocol, data)
    except Invalid as complaint:
        raise StudyError(f"{path}: {complaint}") from None
    return data
