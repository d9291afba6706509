"""The command line as a user meets it: results, errors in one message, exit statuses."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import keras
import pytest

from tuner import __version__
from tuner.__main__ import run
from tuner.commands.arguments import command_line, seconds_of
from tuner.commands.cli import COMMANDS
from tuner.data.catalogue import CATALOGUE
from tuner.data.sources import Places


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command runs in a folder of its own, with the test session's cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNER_CACHE", str(places.cache))
    monkeypatch.delenv("TUNER_DATA", raising=False)
    monkeypatch.delenv("TUNER_RUNS", raising=False)


def run_command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of one command."""
    status = run(list(arguments))
    output = capsys.readouterr()
    return status, output.out, output.err


@pytest.mark.slow
def test_optimize_ends_with_a_model_and_one_json_object(
    small_study: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    optimize = ("optimize", "--study", "small.toml", "--json", "--executor", "in_process")
    status, output, errors = run_command(capsys, *optimize, "--trials", "2")
    assert status == 0
    summary = json.loads(output.splitlines()[-1])
    assert summary["study"] == "small"
    assert summary["trials"] == {"complete": 2, "pruned": 0, "interrupted": 0, "refused": 0, "failed": 0}
    assert set(summary["best"]) == {"number", "value", "epochs", "recipe"}
    assert summary["best"]["epochs"] == 2
    assert summary["model_validation"] in summary["validation_accuracy"]
    assert len(summary["validation_accuracy"]) == 2
    assert summary["test_interval"][0] <= summary["test_accuracy"] <= summary["test_interval"][1]
    assert summary["epochs"] == 4
    assert Path(summary["model"]).is_file()
    assert "trial 0: dense" in errors
    assert "continue: python -m tuner optimize --study small.toml --more 20" in output
    metadata = json.loads((tmp_path / "runs/small/best.json").read_text())
    assert metadata["environment"]["keras"]
    assert metadata["data"]["xor"]

    status, output, _ = run_command(capsys, "export", "--study", "small", "--out", "out/model.keras")
    assert status == 0
    assert output.startswith(
        "out/model.keras\nout/model.json\nout/model.md\nloaded again: differs from the model by at most 0"
    )

    status, output, _ = run_command(capsys, "replay", "--study", "small", "--trial", "1")
    assert (status, output) == (0, "trial 1: the same curve again, 2 epochs to six digits\n")
    status, _, errors = run_command(capsys, "replay", "--study", "small", "--trial", "9")
    assert (status, errors) == (2, "error: the study 'small' has no trial 9; it has 2\n")

    _, output, _ = run_command(capsys, "leaderboard", "small")
    assert output.splitlines()[0].split() == ["model", "validation", "accuracy", "test", "accuracy", "note"]
    assert "final model " in output

    status, output, _ = run_command(capsys, "studies")
    (row,) = (line for line in output.splitlines() if line.startswith("small "))
    assert row.count("validation accuracy 0.") == 2, "of the best trial, and of the final model"

    _, output, _ = run_command(capsys, *optimize, "--more", "1")
    assert json.loads(output.splitlines()[-1])["trials"]["complete"] == 3

    status, _, errors = run_command(capsys, *optimize, "--set", "training.epochs=1")
    assert status == 2
    assert "recipe.training.epochs: 2 in the storage, 1 in the file" in errors

    anew = ("--set", "training.epochs=1", "--reset", "--trials", "1")
    status, output, errors = run_command(capsys, *optimize, *anew)
    assert status == 0
    assert "deleted the study 'small' with 3 trials" in errors
    assert len(list((tmp_path / "runs/artifacts").iterdir())) == 3, "the curve, recipe and environment of one trial"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["optimize", "--study", "fashon"], "error: there is no study 'fashon'; did you mean fashion?"),
        (["optimize", "--study", "x.toml"], "error: there is no study file x.toml"),
        (
            ["optimize", "--study", "digits", "--timeout", "soon"],
            "error: --timeout soon: must be a length of time such as 90s, 10m or 1h",
        ),
        (
            ["optimize", "--study", "digits", "--workers", "none"],
            "error: workers: must be a number of processes, or auto, got 'none'",
        ),
        (
            ["optimize", "--study", "digits", "--trials", "2", "--more", "2"],
            "error: --trials and --more exclude each other: the first is a total, the second adds to the trials so far",
        ),
        (
            ["optimize", "--study", "digits", "--set", "x"],
            "error: --set x: must be address=value, such as training.batch_size=64",
        ),
        (
            ["optimize", "--study", "digits", "--deterministic"],
            "error: --deterministic needs --set budget.epochs=fixed: with 'fit' the number of epochs of a trial depends on this machine's speed",
        ),
        (
            ["optimize", "--study", "digits", "--storage", "oracle://x"],
            "error: the storage oracle://x cannot be opened: ",
        ),
        (
            ["optimize", "--study", "digits", "--data-dir", "nowhere"],
            "error: nowhere: this folder of data sets does not exist",
        ),
        (["optimize"], "error: add the name of a study, as in `tuner optimize digits`; see `tuner studies`"),
        (["check", "digits", "-s", "usps"], "error: digits and --study usps exclude each other: both name the study"),
        (["optimize", "digits", "--timeout", "5"], "error: --timeout 5: 5 what? Write 5s, 5m or 5h"),
        (["optimize", "digits", "--lease", "5"], "error: --lease 5: 5 what? Write 5s, 5m or 5h"),
        (
            ["optimize", "digits", "--minutes", "-1"],
            "error: --minutes -1: must be a length of time such as 90s, 10m or 1h",
        ),
        (
            ["optimize", "digits", "--minutes", "5", "--timeout", "5m"],
            "error: --minutes and --timeout exclude each other: both are the time of this call",
        ),
        (["optimize", "digits", "--quiet", "--verbose"], "error: --quiet and --verbose exclude each other"),
        (["data", "fetch", "minst"], "error: there is no data set 'minst'; did you mean mnist?"),
        (["dashboard"], "error: there is no storage in runs yet: run `tuner optimize` first, or add --runs"),
        (["export", "--study", "digits", "--out", "x.keras"], "error: there is no storage in runs yet"),
    ],
)
def test_a_mistake_is_one_message_and_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, output, errors = run_command(capsys, *arguments)
    assert status == 2
    assert output == ""
    assert errors.startswith(message)
    assert len(errors.splitlines()) == 1
    assert "Traceback" not in errors


def test_a_long_message_on_a_terminal_is_broken_at_blanks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    status, _, errors = run_command(capsys, "optimize", "digits", "--minutes", "1", "--timeout", "1m")
    assert (status, errors) == (
        2,
        "error: --minutes and --timeout exclude each other: both are\n  the time of this call\n",
    )


def test_an_unwritable_runs_folder_is_reported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, _, errors = run_command(capsys, "optimize", "--study", "digits", "--runs", "file")
    assert status == 2
    assert errors == "error: the folder file cannot be written: Not a directory; choose another with --runs\n"


def test_a_broken_study_file_leaves_nothing_behind(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("[recipe\n")
    status, _, errors = run_command(capsys, "optimize", "--study", "broken.toml")
    assert status == 2
    assert errors.startswith("error: broken.toml: is not valid TOML: ")
    assert [path.name for path in tmp_path.iterdir()] == ["broken.toml"]


@pytest.mark.parametrize("url", ["sqlite:///none.db", "journal:none.log"])
@pytest.mark.parametrize(
    "command", ["studies", "trials digits", "leaderboard digits", "dashboard", "worker --study digits"]
)
def test_a_command_that_reads_creates_no_storage(
    command: str, url: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, _, errors = run_command(capsys, *command.split(), "--storage", url)
    assert (status, errors) == (
        2,
        f"error: there is no storage {url.removeprefix('sqlite:///').removeprefix('journal:')}\n",
    )
    assert not list(tmp_path.iterdir())


def test_a_wrong_option_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, errors = run_command(capsys, "optimize", "--stady", "digits")
    assert status == 2
    assert "--stady" in errors


def test_check_shows_the_space(capsys: pytest.CaptureFixture[str]) -> None:
    status, output, _ = run_command(capsys, "check", "--study", "usps", "--build")
    assert status == 0
    assert "training.optimizer.sgd.weight_decay" in output
    assert "0 to 0.2" in output
    assert re.search(r"usps: \d+ dimensions, continuous; all \d+ corners make a recipe", output)
    assert "staged residual" in output


def test_a_study_may_be_named_without_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    _, with_option, _ = run_command(capsys, "check", "--study", "usps")
    status, output, _ = run_command(capsys, "check", "usps")
    assert (status, output) == (0, with_option)
    assert run_command(capsys, "check", "usps", "-s", "usps")[0] == 0


def test_lengths_of_time_have_a_unit() -> None:
    lengths = {"90s": 90, "10m": 600, "10 min": 600, "1.5h": 5400}
    assert {text: seconds_of("--timeout", text) for text in lengths} == lengths
    assert [seconds_of("--minutes", text, "m") for text in ("5", "0.5", "20s")] == [300, 30, 20]


def test_the_version_is_an_option_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(capsys, "--version") == run_command(capsys, "version") == (0, f"tuner {__version__}\n", "")


@pytest.mark.parametrize("width", [70, 120])
def test_help_is_in_groups_as_wide_as_the_terminal(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", None)
    for arguments, group in (((), "Models"), (("optimize",), "How long"), (("report",), "Where")):
        status, output, _ = run_command(capsys, *arguments, "-h")
        assert status == 0
        assert f"─ {group} ─" in output
        assert max(map(len, output.splitlines())) == width
    assert "[runs]" in output


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("tuner opt", ["optimize"]),
        ("tuner optimize f", ["fashion"]),
        ("tuner report --study u", ["usps"]),
        ("tuner optimize --min", ["--minutes"]),
        ("tuner trials --format t", ["table", "toml"]),
    ],
)
def test_a_shell_completes_commands_options_and_studies(
    words: str, completions: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_TUNER_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    with pytest.raises(SystemExit):
        run([])
    assert capsys.readouterr().out.split() == completions


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_so_do_other_shells(shell: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TUNER_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "tuner optimize fash")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    with pytest.raises(SystemExit):
        run([])
    assert "fashion" in capsys.readouterr().out


def test_data_lists_every_set(capsys: pytest.CaptureFixture[str]) -> None:
    status, output, _ = run_command(capsys, "data")
    assert status == 0
    assert [line.split()[0] for line in output.splitlines()[1:]] == list(CATALOGUE)


@pytest.mark.parametrize("command", ["", "data", *COMMANDS])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, output, _ = run_command(capsys, *command.split(), "--help")
    assert status == 0
    assert "Usage:" in output


@pytest.mark.slow
def test_a_closed_pipe_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m tuner data | head -1",
        shell=True,
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    assert done.stderr == ""


def share_of_a_core() -> float:
    """The part of a core that the machine's load leaves to this process now."""
    began, used = time.monotonic(), time.process_time()
    while time.process_time() < used + 0.5:
        pass
    return 0.5 / (time.monotonic() - began)


@pytest.mark.slow
def test_a_search_of_seconds_ends_in_time_with_a_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = ["--study", "digits", "--json", "--runs", str(tmp_path), "--executor", "in_process"]
    options += ["--set", "protocol={kind='holdout', validation=0.25}", "--set", "training.averaging=0.0"]
    options += ["--set", "network={kind='dense', widths=[64]}"]
    seconds, started = min(30, round(10 / share_of_a_core())), time.process_time()
    status, output, errors = run_command(capsys, "optimize", *options, "--timeout", f"{seconds}s")
    assert status == 0, errors
    assert time.process_time() - started < 1.5 * seconds, (
        "of the processor: the machine's load adds to the time by the clock"
    )
    *lines, last = output.splitlines()
    assert any(" fresh seed" in line and "validation accuracy" in line for line in lines)
    found = json.loads(last)
    assert found["test_accuracy"] > 0.5
    model = keras.models.load_model(found["model"])
    assert model.input_shape == (None, 8, 8)
    suffixes = sorted(path.suffix for path in (tmp_path / "digits").iterdir() if path.is_file())
    assert suffixes == [".json", ".keras", ".md", ".npz"]
    kept = {path.stem for path in (tmp_path / "digits" / "members").glob("*.keras")}
    assert kept
    status, output, errors = run_command(capsys, "optimize", *options, "--timeout", f"{seconds * 2 // 3}s")
    assert status == 0, errors
    assert f"; {len(kept)} refits of earlier calls" in errors
    assert json.loads(output.splitlines()[-1])["test_accuracy"] > 0.5


@pytest.mark.slow
def test_printed_commands_run(
    small_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a path outside ./studies, a name, settings, a storage and a folder whose names have to be quoted."""
    monkeypatch.delenv("TUNER_STORAGE", raising=False)
    (tmp_path / "my studies").mkdir()
    (tmp_path / "my runs").mkdir()
    small_study.rename(tmp_path / "my studies" / "small one.toml")
    options = ["--study", "my studies/small one.toml", "--name", "other name", "--runs", "my runs"]
    options += ["--set", "training.epochs=1", "--set", "network.widths={choice=[[2],[3],[4],[5]]}"]
    options += ["--storage", f"sqlite:///{tmp_path}/my runs/else where.db"]
    here = ["--executor", "in_process"]
    _, output, _ = run_command(capsys, "optimize", *options, "--trials", "1", *here)
    onward, browse = (line.partition(":")[2].strip() for line in output.splitlines()[-2:])
    python, module, package, *words = shlex.split(onward.replace("--more 20", "--more 2"))
    assert [python, module, package] == ["python", "-m", "tuner"]
    _, output, _ = run_command(capsys, *words, *here)
    assert "study other name: 3 complete, 0 pruned, 0 failed; the budget is spent" in output
    assert output.splitlines()[-2] == f"continue: {onward}"
    with subprocess.Popen(
        ["bash", "-c", f"exec {browse.replace('python', sys.executable, 1)} --port 0"],
        stderr=subprocess.PIPE,
        text=True,
    ) as served:
        assert served.stderr is not None
        assert served.stderr.readline().startswith("optuna-dashboard: http://127.0.0.1:")
        served.terminate()


def test_a_command_line_repeats_the_options_that_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    line = command_line("optimize", study="a b.toml", name=None, set=["x=1", "y='z'"], storage=None)
    assert line == """python -m tuner optimize --study 'a b.toml' --set x=1 --set 'y='"'"'z'"'"''"""
    secret = "postgresql://me:secret@host/db"
    assert command_line("dashboard", storage=secret) == 'python -m tuner dashboard --storage "$TUNER_STORAGE"'
    monkeypatch.setenv("TUNER_STORAGE", secret)
    assert command_line("dashboard", storage=secret) == "python -m tuner dashboard"


def test_an_interruption_while_commands_are_imported_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupting(ModuleType):
        def __getattr__(self, name: str) -> None:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "tuner.commands.cli", Interrupting("tuner.commands.cli"))
    assert run(["studies"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


SECRET = "postgresql+psycopg://tuner:hunter2@127.0.0.1:1/none"
WARNING = "every user of this machine can see the password on the command line: use TUNER_STORAGE"


@pytest.mark.parametrize(
    "command",
    [
        ["optimize", "--study", "none.toml", f"--storage={SECRET}"],
        ["worker", "--study", "digits", "--storage", SECRET],
        ["studies", "--storage", SECRET],
        ["dashboard", "--storage", SECRET],
        ["storage", "copy", SECRET, SECRET],
        ["storage", "check", "--storage", "mysql+pymysql://127.0.0.1:1/none?user=tuner&password=hunter2"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_password_on_the_command_line_is_reported_once_and_not_shown(
    command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, output, errors = run_command(capsys, *command)
    assert status == 2
    assert errors.splitlines()[0] == WARNING
    assert errors.count(WARNING) == 1
    assert "hunter2" not in output + errors


def test_a_password_in_the_environment_is_not_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNER_STORAGE", SECRET)
    status, output, errors = run_command(capsys, "studies")
    assert status == 2
    assert errors.startswith("error: ")
    assert WARNING not in errors
    assert "hunter2" not in output + errors
