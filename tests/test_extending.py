"""docs/extending.md is true: each of its diffs applies to the package, touches two files at most, and adds what it says."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import optuna
import pytest

from tuner.__main__ import run as main
from tuner.data.sources import Places
from tuner.storage.trainings import attributes_of

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


def blocks(language: str, text: str) -> list[str]:
    """What stands in the page's fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@dataclass(frozen=True)
class Wish:
    """A section of the page: the diff that grants it, and what follows `python` in its commands."""

    diff: str
    commands: tuple[str, ...]


def wish(section: str) -> Wish:
    """A section as it is read."""
    (diff,), (shown,) = blocks("diff", section), blocks("console", section)
    return Wish(diff, tuple(re.findall(r"^\$ python (.*)$", shown, re.MULTILINE)))


SECTIONS = dict(section.split("\n", 1) for section in PAGE.split("\n## ")[1:])
WISHES = {name: wish(section) for name, section in SECTIONS.items()}


@dataclass(frozen=True)
class Outcome:
    """What the last command of a wish left: its output, and the study `try`."""

    output: str
    folder: Path

    @property
    def recipe(self) -> Any:
        """The best trial's recipe, as plain data."""
        return json.loads(self.output.splitlines()[-1])["best"]["recipe"]

    @property
    def trials(self) -> list[optuna.trial.FrozenTrial]:
        """As Optuna has them."""
        return optuna.load_study(study_name="try", storage=f"sqlite:///{self.folder}/runs/tuner.db").trials


TOOK_PART: dict[str, Callable[[Outcome], bool]] = {
    "A family of networks": lambda outcome: outcome.recipe["network"]["kind"] == "highway",
    "A sampler": lambda outcome: (
        # the first trial tells Optuna the space
        [trial.params["training.optimizer.momentum"] for trial in outcome.trials[1:]] == [0.0, 0.4, 0.2]
    ),
    "A pruner": lambda outcome: [trial.state.name for trial in outcome.trials] == ["COMPLETE", "PRUNED"],
    "An optimizer": lambda outcome: outcome.recipe["training"]["optimizer"]["kind"] == "adafactor",
    "A loss": lambda outcome: outcome.recipe["training"]["loss"]["kind"] == "categorical_focal_crossentropy",
    "An augmentation": lambda outcome: outcome.recipe["training"]["augmentation"]["contrast"] == 0.3,
    "A metric": lambda outcome: all(
        attributes_of(trial)["result"]["folds"][0]["curve"]["validation_matthews_correlation"][-1]
        == round(trial.values[0], 6)
        for trial in outcome.trials
    ),
    "A data set": lambda outcome: outcome.recipe["data"]["name"] == "gauss",
    "A file format for tables": lambda outcome: json.loads(outcome.output)["rows"] == 150,
    "A kind of input": lambda outcome: outcome.recipe["data"]["columns"][0]["kind"] == "sound",
    "A protocol": lambda outcome: {len(attributes_of(trial)["result"]["folds"]) for trial in outcome.trials} == {6},
    "An executor": lambda outcome: [trial.state.name for trial in outcome.trials] == ["COMPLETE"],
    "A command": lambda outcome: (
        [line.split()[:2] for line in outcome.output.splitlines()[1:]] == [["0", "complete"], ["1", "complete"]]
    ),
    "A section of the report": lambda outcome: (
        "Training speed" in re.findall(r"^## (.*)$", outcome.output, re.MULTILINE)
    ),
    "A kind of chart": lambda outcome: len(re.findall('data-tip="dense: ', drawn(outcome.output))) == 2,
}


def drawn(output: str) -> str:
    """The marks of a drawing; fails where it is no XML."""
    groups = ElementTree.fromstring(output).iter("{http://www.w3.org/2000/svg}g")
    return "".join(ElementTree.tostring(each, encoding="unicode") for each in groups if each.get("class") == "series")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the package, its studies and the page's study."""
    for name in ("tuner", "studies"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "try.toml").write_text(blocks("toml", PAGE)[0])
    return tmp_path


def applied(diff: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`git apply` there, as outside any repository."""
    outside = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    command = ["git", "apply", *options]
    return subprocess.run(command, input=diff, cwd=folder, env=outside, capture_output=True, text=True, check=False)


def run(command: str, folder: Path, places: Places) -> subprocess.CompletedProcess[str]:
    """A command of the page on the copy; searches train in their own process unless the command says where."""
    words = shlex.split(command.replace(" optimize ", " optimize --json --executor in_process ", 1))
    elsewhere = {name: value for name, value in os.environ.items() if not name.startswith("TUNER_")}
    environment = {**elsewhere, "PYTHONPATH": str(folder), "TUNER_CACHE": str(places.cache)}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_every_wish_is_tried() -> None:
    assert set(WISHES) == set(TOOK_PART)


@pytest.mark.parametrize("name", WISHES)
def test_a_diff_touches_two_files_at_most_and_applies_once(name: str, copy: Path) -> None:
    first = applied(WISHES[name].diff, copy, "--numstat", "--apply")
    assert first.returncode == 0, f"{first.stderr}: make the change again and put the output of `git diff -U1` there"
    assert 1 <= len(first.stdout.splitlines()) <= 2
    assert applied(WISHES[name].diff, copy).returncode != 0


@pytest.mark.parametrize("name", [name for name in WISHES if "-m tuner" in WISHES[name].commands[-1]])
def test_without_its_diff_a_command_is_refused(
    name: str, copy: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in WISHES[name].commands[:-1]:
        if command.startswith("-c "):
            assert run(command, copy, places).returncode == 0
    monkeypatch.chdir(copy)
    assert main(shlex.split(WISHES[name].commands[-1])[2:]) == 2


FIRST, *OTHERS = WISHES


@pytest.mark.slow
@pytest.mark.parametrize("name", [FIRST, *(pytest.param(each, marks=pytest.mark.long) for each in OTHERS)])
def test_with_its_diff_it_does_what_the_page_says(name: str, copy: Path, places: Places) -> None:
    assert applied(WISHES[name].diff, copy).returncode == 0
    done = [run(command, copy, places) for command in WISHES[name].commands]
    assert [each.returncode for each in done] == [0] * len(done), done[-1].stderr
    assert TOOK_PART[name](Outcome(done[-1].stdout, copy))


@pytest.mark.long
def test_all_that_the_diffs_add_passes_the_contracts(copy: Path, places: Places) -> None:
    for name in ("tests", "docs"):
        shutil.copytree(ROOT / name, copy / name)
    shutil.copy(ROOT / "pyproject.toml", copy)
    for each in WISHES.values():
        assert applied(each.diff, copy).returncode == 0
    for command in (
        "docs/make_study_file.py",
        "-m pytest tests/networks tests/charts tests/data tests/training/test_compiling.py",
        "-m pytest tests/commands/test_cli.py tests/test_layers.py tests/recipe/test_recipe.py",
        "-m ruff check tuner",
        "-m ruff format --check tuner",
        "-m mypy tuner",
    ):
        done = run(command, copy, places)
        assert done.returncode == 0, done.stdout + done.stderr
