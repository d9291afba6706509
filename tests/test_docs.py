"""What is written for people is true: fields, links, commands."""

import re
import runpy
from pathlib import Path

import pytest

from tuner.__main__ import run
from tuner.data.load import Places
from tuner.study import study_from

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_page_of_fields_is_that_of_the_types() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "make_recipe.py"))["page"]()
    assert (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8") == page, "run python docs/make_recipe.py"


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_the_readmes_tree_has_every_part() -> None:
    tree = README[README.index("## How it is built") :]
    for path in (ROOT / "tuner").iterdir():
        name = f"{path.name}/" if path.is_dir() else path.name
        assert name.startswith("__") or name in tree, name


def test_the_readmes_study_file_is_one() -> None:
    import tomllib

    text = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert text is not None
    assert study_from("readme", tomllib.loads(text[1])).epochs == 40


@pytest.mark.parametrize(
    "command",
    [
        *("optimize", "init", "check", "studies", "data", "baseline", "report", "replay", "dashboard"),
        *("predict", "evaluate", "serve", "export"),
    ],
)
def test_the_readme_names_every_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"`{command}" in README
    assert run([command, "--help"]) == 0


@pytest.mark.slow
def test_the_example_runs(capsys: pytest.CaptureFixture[str], places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNER_CACHE", str(places.cache))
    monkeypatch.delenv("TUNER_DATA", raising=False)
    runpy.run_path(str(ROOT / "examples" / "one_recipe.py"), run_name="__main__")
    output = capsys.readouterr().out
    assert output.startswith("epoch  1: training ")
    assert "6570 parameters" in output
