"""What is written for people is true: fields, links, commands."""

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import typer.main

from tuner.commands.cli import COMMANDS, app
from tuner.data.sources import Places
from tuner.study import study_from

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_page_of_fields_is_that_of_the_types() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "make_study_file.py"))["page"]()
    assert (ROOT / "docs" / "reference-study-file.md").read_text(encoding="utf-8") == page, (
        "run python docs/make_study_file.py"
    )


def test_the_page_of_commands_is_that_of_the_command_line() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "make_reference.py"))["page"]()
    written = (ROOT / "docs" / "reference-commands.md").read_text(encoding="utf-8")
    assert written == page, "run python docs/make_reference.py"


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_every_package_is_explained() -> None:
    page = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    for path in (ROOT / "tuner").iterdir():
        assert path.name.startswith("__") or f"`{path.stem}`" in page or f"`{path.name}`" in page, path.name


def test_the_readmes_study_file_is_one() -> None:
    import tomllib

    text = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert text is not None
    assert study_from("readme", tomllib.loads(text[1])).epochs == 40


@pytest.mark.parametrize("command", ["data", *COMMANDS])
def test_the_readme_names_every_command(command: str) -> None:
    assert f"`{command}" in README


PAGES = (
    *("start", "own-table", "own-images", "own-network", "several-inputs", "time-series", "fine-tuning"),
    *("study-file", "report", "continuing", "more-machines", "deploying"),
)
"""Pages whose commands (the lines after `$` in `console` blocks) are run, each in a folder of its own."""


def commands(page: str) -> str:
    """A page's commands as a shell script; its TOML example is `dense.toml`. Searches are cut to some seconds each."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    script = "\n".join(block.removeprefix("$ ").replace("\n$ ", "\n") for block in blocks)
    return re.sub(
        r"( optimize .*?)(?: --timeout \w+)?(?= &|;|$)", rf"\1 --timeout {SECONDS}s", script, flags=re.MULTILINE
    )


SECONDS = 30


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run(page: str, tmp_path: Path, places: Places) -> None:
    text = (ROOT / "docs" / "study-file.md").read_text(encoding="utf-8")
    (tmp_path / "dense.toml").write_text(re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[0], encoding="utf-8")
    own_page = (ROOT / "docs" / "own-network.md").read_text(encoding="utf-8")
    function, script_text, *_ = re.findall(r"```python\n(.*?)```", own_page, re.DOTALL)
    own_study = re.findall(r"```toml\n(.*?)```", own_page, re.DOTALL)[0]
    files = {"my_nets.py": function, "from_python.py": script_text, "own.toml": own_study}
    if page in ("several-inputs", "time-series", "fine-tuning"):
        inputs_page = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
        files = dict(re.findall(r"[Ss]ave (?:this|it) as\s`([\w.]+)`.*?```\w+\n(.*?)```", inputs_page, re.DOTALL))
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "PYTHONPATH": str(ROOT), "TUNER_CACHE": str(places.cache), "HOME": str(tmp_path)}
    script = f"set -e -o pipefail\nset -m\n{commands(page)}"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scripts_for_clusters_are_commands() -> None:
    """Those of the page on more machines can be parsed: each has the options that it names."""
    text = (ROOT / "docs" / "more-machines.md").read_text(encoding="utf-8")
    scripts = dict(re.findall(r"^```(bash|shell|yaml)\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    subprocess.run(["bash", "-n"], input=scripts["bash"], text=True, check=True)
    lines = re.findall(r"python,? -m,? tuner,? ([^\n\]]+)", "\n".join(scripts.values()))
    for words in (shlex.split(each.replace(",", " ")) for each in lines):
        command: Any = typer.main.get_command(app)
        context = click.Context(command, info_name="tuner")
        while hasattr(command, "resolve_command"):
            name, command, words = command.resolve_command(context, words)
            context = context if hasattr(command, "resolve_command") else command.make_context(name, words)
    assert len(lines) == 5


@pytest.mark.long
def test_the_snippets_of_the_page_on_optuna_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "from-optuna.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "page"}
    for snippet in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(snippet, names)
    assert [each.state.name for each in names["study"].trials] == ["COMPLETE"] * 2


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cells in order, as a notebook's process runs them."""
    monkeypatch.chdir(tmp_path)
    cells = json.loads((ROOT / "examples" / "optuna.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {"__name__": "notebook"}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    states = [each.state.name for each in names["study"].trials]
    assert states[0] == "COMPLETE"
    assert len(states) == 3


@pytest.mark.slow
def test_the_example_runs(capsys: pytest.CaptureFixture[str], places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNER_CACHE", str(places.cache))
    monkeypatch.delenv("TUNER_DATA", raising=False)
    runpy.run_path(str(ROOT / "examples" / "one_recipe.py"), run_name="__main__")
    output = capsys.readouterr().out
    assert output.startswith("epoch  1: training ")
    assert "6570 parameters" in output
