"""Commands on the stored trials of a study: the list, one trial whole, as data, as a study file and as code."""

import csv
import json
import shutil
from dataclasses import asdict
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fakes import Clock, Invented, session_in
from tests.support.searches import small
from tuner.__main__ import run
from tuner.commands.results import toml
from tuner.data.sources import Places
from tuner.recipe import Recipe
from tuner.search.loop import Loop
from tuner.storage import default_url, open_storage, read_study
from tuner.study import load


@pytest.fixture(scope="module")
def searched(
    empty_runs: Path, shared_small_study: Path, places: Places, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder of runs with a study of 12 invented trials."""
    runs = tmp_path_factory.mktemp("searched") / "runs"
    shutil.copytree(empty_runs, runs)
    storage, clock = open_storage(default_url(runs)), Clock()
    session = session_in(storage, small(shared_small_study), places)
    Loop(session, Invented(clock)).run(12, 600)
    return runs


@pytest.fixture
def printed(searched: Path, capsys: pytest.CaptureFixture[str]) -> "Printed":
    """What a command prints on this study."""
    return Printed(searched, capsys)


class Printed:
    """Runs a command on the searched study."""

    def __init__(self, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.runs, self.capsys = runs, capsys

    def __call__(self, *arguments: str, status: int = 0) -> str:
        assert run([arguments[0], "small", "--runs", str(self.runs), *arguments[1:]]) == status
        output = self.capsys.readouterr()
        return output.err if status else output.out


def best_recipe(runs: Path) -> Recipe:
    """The recipe of the study's best trial."""
    best = read_study(open_storage(default_url(runs)), "small").best
    assert best is not None
    assert best.recipe is not None
    return best.recipe


def test_the_list_has_a_row_for_each_trial(printed: Printed) -> None:
    head, *rows = printed("trials").splitlines()
    assert head.split()[:3] == ["number", "state", "validation"]
    assert [row.split()[:3] for row in rows[:3]] == [
        ["0", "complete", "0.5000"],
        ["1", "complete", "0.6000"],
        ["2", "complete", "0.8000"],
    ]
    assert len(rows) == 12


def test_the_list_is_csv_and_json_too(printed: Printed) -> None:
    rows = list(csv.DictReader(StringIO(printed("trials", "--format", "csv"))))
    assert float(rows[2]["validation_accuracy"]) == 0.8
    assert "training.optimizer.kind" in rows[2]
    assert [row["number"] for row in json.loads(printed("trials", "--format", "json"))] == list(range(12))


def test_one_trial_is_shown_whole(printed: Printed, searched: Path) -> None:
    table = dict(line.strip().split(maxsplit=1) for line in printed("trials", "--trial", "2").splitlines()[1:])
    assert table["number"] == "2"
    assert table["validation_accuracy"] == "0.8000"
    assert "training.optimizer.kind" in table
    whole = json.loads(printed("trials", "--trial", "best", "--format", "json"))
    assert (whole["number"], whole["validation_accuracy"]) == (2, 0.8)
    assert Recipe.from_dict(whole["recipe"]).key == best_recipe(searched).key
    assert whole["result"]["folds"][0]["curve"]["validation_accuracy"] == [0.8, 0.8]


def test_the_best_trial_as_a_study_file_has_its_recipe_and_no_holes(
    printed: Printed, searched: Path, tmp_path: Path
) -> None:
    path = tmp_path / "best.toml"
    path.write_text(printed("trials", "--format", "toml"))
    file = load(path, "best")
    assert not file.holes
    assert [recipe.key for _, recipe in file.corners] == [best_recipe(searched).key]
    assert file.objectives == ("validation_accuracy",)


def test_the_best_trial_as_code_has_its_recipe(printed: Printed, searched: Path) -> None:
    names: dict[str, Recipe] = {}
    exec(printed("trials", "--format", "python"), names)
    assert asdict(names["RECIPE"]) == asdict(best_recipe(searched))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trials", "--trial", "99"), "error: the study 'small' has no trial 99; it has 12\n"),
        (
            ("leaderboard",),
            "error: the study 'small' has no final model yet; a search that ends in time makes one: "
            "python -m tuner optimize --study small\n",
        ),
    ],
)
def test_what_is_missing_is_one_message(printed: Printed, arguments: tuple[str, ...], message: str) -> None:
    assert printed(*arguments, status=2) == message


def test_importances_are_compared_with_chance(printed: Printed) -> None:
    head, first, *_, note = printed("importance").splitlines()
    assert head.split() == ["parameter", "value", "low", "high", "noise", "times", "chance"]
    assert first.startswith(("network.", "training."))
    assert "may be chance" in note


PLAIN = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=30)
@given(st.dictionaries(st.text(), PLAIN))
def test_toml_reads_what_was_written(plain: dict[str, object]) -> None:
    import tomllib

    assert tomllib.loads("\n".join(toml(plain))) == plain
