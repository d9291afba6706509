"""The command `init`: its output, the file that it writes, its messages about mistakes."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tuner.__main__ import run
from tuner.data.sources import Places
from tuner.study import load
from tuner.study.places import find_study


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command runs in a folder of its own, with the test session's cache and a table `t.csv`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNER_CACHE", str(places.cache))
    monkeypatch.delenv("TUNER_DATA", raising=False)
    rows = np.arange(60)
    table = {"id": rows, "age": rows * 7 % 43, "who": rows // 6, "y": np.where(rows % 3 == 0, "yes", "no")}
    pd.DataFrame(table).to_csv("t.csv", index=False)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of `init`."""
    status = run(["init", *arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_init_prints_facts_of_the_data_and_writes_a_study(capsys: pytest.CaptureFixture[str]) -> None:
    status, output, _ = said(capsys, "mine", "--data", "t.csv", "--target", "y")
    assert status == 0
    lines = [line.rstrip() for line in output.splitlines()]
    assert lines == [
        "column  taken for  because        missing  values  such as",
        "age     number     whole numbers  –        43      0, 7, 14",
        "who     number     whole numbers  –        10      0, 1, 2",
        "",
        "data: 60 rows, 2 columns for the network; about 12 for the test",
        "task: classification (y has 2 different names)",
        "classes: no 40, yes 20",
        "objective: validation_log_loss (finer than accuracy, which is noisy on 48 rows)",
        "left out: id: a running number of the rows",
        "wrote studies/mine.toml",
        "next: python -m tuner optimize --study mine",
    ]
    assert find_study("mine") == ("mine", Path("studies/mine.toml"))
    assert run(["check", "--study", "mine"]) == 0


def test_a_project_may_move(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, moved = tmp_path / "project", tmp_path / "moved"
    (project / "data").mkdir(parents=True)
    Path("t.csv").rename(project / "data" / "t.csv")
    monkeypatch.chdir(project)
    assert said(capsys, "mine", "--data", "data/t.csv", "--target", "y")[0] == 0
    assert load(Path("studies/mine.toml"), "mine").plain["recipe"]["data"]["path"] == "data/t.csv"
    monkeypatch.chdir(tmp_path)
    project.rename(moved)
    assert run(["check", "--study", "moved/studies/mine.toml"]) == 0


def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    status, output, _ = said(capsys, "mine", "--data", "t.csv", "--target", "y", "--json")
    told = json.loads(output)
    assert status == 0
    assert (told["study"], told["file"], told["kind"], told["task"]) == (
        "mine",
        "studies/mine.toml",
        "table",
        "classification",
    )
    assert told["classes"] == {"no": 40, "yes": 20}
    assert [each["name"] for each in told["columns"]] == ["age", "who"]
    assert told["left_out"] == [{"name": "id", "reason": "a running number of the rows", "kind": "number"}]
    assert told["next"] == "python -m tuner optimize --study mine"


def test_a_bundled_table_needs_no_target(capsys: pytest.CaptureFixture[str]) -> None:
    status, output, _ = said(capsys, "flowers", "--data", "sklearn:iris")
    assert status == 0
    assert "classes: setosa 50, versicolor 50, virginica 50\n" in output


def test_options_reach_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--target", "y", "--group", "who", "--drop", "age", "--test-share", "0.25", "--minutes", "7m"]
    frame = pd.read_csv("t.csv").assign(size=np.sin(np.arange(60)))
    frame.to_csv("t.csv", index=False)
    status, output, _ = said(capsys, "mine", "--data", "t.csv", *words, "--out", "here.toml")
    text = Path("here.toml").read_text()
    assert status == 0
    assert output.endswith("wrote here.toml\nnext: python -m tuner optimize --study here.toml\n")
    for line in (
        'path = "t.csv"  #',
        'group = "who"  #',
        "minutes = 7.0\n",
        "test = { share = 0.25, seed = 0 }  # whole groups; opened only for a final model\n",
        '#   "age": excluded with --drop\n',
    ):
        assert line in text


def test_data_elsewhere_is_named_from_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    said(capsys, "mine", "--data", "../t.csv", "--target", "y", "--test", "../t.csv")
    text = Path("studies/mine.toml").read_text()
    assert f'path = "{tmp_path}/t.csv"  #' in text
    assert f'test = "{tmp_path}/t.csv"  #' in text


def test_without_a_test_part_nothing_is_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    status, output, _ = said(capsys, "mine", "--data", "t.csv", "--target", "y", "--test-share", "0")
    assert status == 0
    assert "data: 60 rows, 2 columns for the network; none for the test\n" in output
    assert "test = { share = 0.0, seed = 0 }  # no test\n" in Path("studies/mine.toml").read_text()


def test_much_data_has_ten_minutes(capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(
        "a.npz", x=np.random.default_rng(0).integers(0, 255, (1000, 100, 100), dtype=np.uint8), y=np.arange(1000) % 2
    )
    _, output, _ = said(capsys, "much", "--data", "a.npz")
    assert "\nbudget: 10 minutes, since there are 10,000,000 values\n" in output
    assert "minutes = 10.0\n" in Path("studies/much.toml").read_text()
    _, output, _ = said(capsys, "little", "--data", "a.npz", "--minutes", "1")
    assert "budget" not in output, "it was asked for"
    assert "minutes = 1.0\n" in Path("studies/little.toml").read_text()


def test_arrays_and_images_are_described(capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("a.npz", x=np.random.default_rng(0).normal(size=(60, 4)), y=np.arange(60) % 2)
    status, output, _ = said(capsys, "one", "--data", "a.npz")
    assert status == 0
    assert output.startswith("data: 60 examples of 4 float64; about 12 for the test\n")
    for name in ("cat", "dog"):
        Path("p", name).mkdir(parents=True)
        for place in range(6):
            Image.new("RGB", (20, 10 + place), (250, 10, 10)).save(f"p/{name}/{place}.png")
    status, output, _ = said(capsys, "two", "--data", "p")
    assert status == 0
    expected = "data: 12 color images of 10×20 to 15×20 (median 12×20), brought to 12×20; about 2 for the test\n"
    assert output.startswith(expected)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("mine --data t.csv", "t.csv: which column is the target? Use --target NAME with one of: id, age, who, y"),
        ("mine --data t.csv --target Y", "t.csv: has no column 'Y'; did you mean y?"),
        ("mine --data t.csv --target y --drop agee", "t.csv: has no column 'agee'; did you mean age?"),
        ("mine --data nothing.csv --target y", "nothing.csv: there is no such file in HERE"),
        ("mine --data tt.csv --target y", "tt.csv: there is no such file in HERE; did you mean t.csv?"),
        ("mine --data empty.csv --target y", "HERE/empty.csv: is empty"),
        (
            "mine --data one.csv --target y",
            "one.csv: column 'y': has only one value, 'a': there is nothing to predict",
        ),
        (
            "mine --data gap.csv --target y",
            "gap.csv: column 'y': 1 of 12 rows have no value (row 12); fill them in, or leave such rows out with "
            "--drop-missing-target (in a study file drop_missing_target = true)",
        ),
        (
            "mine --data twice.csv --target y",
            "HERE/twice.csv: the columns 1 and 2 have the same name 'a'; rename one",
        ),
        (
            "mine --data latin.csv --target y",
            "HERE/latin.csv: line 2: is not UTF-8 (byte 0xe9); save the file as UTF-8",
        ),
        (
            "mine --data many.csv --target y",
            "many.csv: column 'y': 12 different values in 12 rows are numbers or identifiers, not classes; "
            'say task = "regression", or name another target',
        ),
        (
            "mine --data t.csv --target y --test t.csv --test-share 0.1",
            "--test and --test-share exclude each other: the first is a file, the second is cut off",
        ),
        ("mine --data t.csv --target y --test-share 1.5", "--test-share 1.5: must be at least 0 and less than 1"),
        (
            "mine --data t.csv --target y --group who --time age",
            "--group and --time exclude each other: splits keep groups whole, or the order of the rows",
        ),
        ("mine --data t.csv --target y --task regresion", "--task regresion: unknown; did you mean regression?"),
        (
            "mine --data t.csv --target y --task regression",
            "t.csv: column 'y', row 1: must be a number, got 'yes'",
        ),
        ("mine --data t.csv --target y --minutes 0", "--minutes 0: must be a length of time such as 90s, 10m or 1h"),
        (
            "fashion --data t.csv --target y",
            "fashion: there is a study of that name already, which comes with the program; "
            "choose another name, or add --force to hide it",
        ),
        (
            "a/b --data t.csv --target y",
            "a/b: must be a name for a file: letters, digits, -, _ and points, without .toml",
        ),
        ("mine --data t.csv --target y --out x.txt", "--out x.txt: must end in .toml"),
        ("mine --data p --target y", "--target: has no meaning for a folder of images, which p is"),
        ("mine --data t.txt --target y", "HERE/t.txt: must end in .csv, .tsv, .json, "),
    ],
)
def test_a_mistake_is_one_message_and_nothing_is_written(
    words: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = "\n".join(["a,y", *(f"{row},{'a' if row else 'b'}" for row in range(1, 12))])
    Path("empty.csv").write_text("\n")
    Path("one.csv").write_text(names)
    Path("gap.csv").write_text("a,y\n" + "\n".join(f"{row % 5},{'ab'[row % 2]}" for row in range(11)) + "\n3,\n")
    Path("twice.csv").write_text("a,a,y\n1,2,b\n")
    Path("latin.csv").write_bytes("a,y\ncaf\u00e9,b\n".encode("latin-1"))
    Path("many.csv").write_text("a,y\n" + "\n".join(f"{row % 5},c{row}" for row in range(12)))
    Path("t.txt").write_text("x")
    Path("p").mkdir()
    status, output, errors = said(capsys, *words.split())
    assert (status, output) == (2, "")
    assert errors.startswith(f"error: {message}".replace("HERE", str(tmp_path)))
    assert len(errors.splitlines()) == 1
    assert not Path("studies").exists()


def test_a_file_that_is_there_is_overwritten_by_force_only(capsys: pytest.CaptureFixture[str]) -> None:
    Path("studies").mkdir()
    path = Path("studies/mine.toml")
    path.write_text("precious")
    status, _, errors = said(capsys, "mine", "--data", "t.csv", "--target", "y")
    assert (status, path.read_text()) == (2, "precious")
    cure = "choose another name, or add --force to overwrite it"
    assert errors == f"error: studies/mine.toml: is there already; {cure}\n"
    status, _, _ = said(capsys, "mine", "--data", "t.csv", "--target", "y", "--force")
    assert status == 0
    assert load(path, "mine").title == "mine: y, one of 2 classes"
    assert [each.name for each in Path("studies").iterdir()] == ["mine.toml"]


def test_the_example_is_what_init_writes(capsys: pytest.CaptureFixture[str]) -> None:
    example = (Path(__file__).parents[2] / "examples" / "diabetes.toml").read_text(encoding="utf-8")
    assert said(capsys, "diabetes", "--data", "sklearn:diabetes")[0] == 0
    assert Path("studies/diabetes.toml").read_text(encoding="utf-8") == example


def test_init_tells_which_test_rows_are_training_rows(capsys: pytest.CaptureFixture[str]) -> None:
    pd.read_csv("t.csv")[:12].to_csv("test.csv", index=False)
    status, output, _ = said(capsys, "mine", "--data", "t.csv", "--target", "y", "--test", "test.csv")
    assert status == 0
    assert "warning: 12 of 12 test examples equal a training example\n" in output


def test_init_splits_the_data_before_it_promises_anything(capsys: pytest.CaptureFixture[str]) -> None:
    rows = np.arange(60)
    groups = np.where(rows < 40, "big", np.where(rows < 54, "next", rows))
    pd.DataFrame({"a": rows * 7 % 43 / 8, "g": groups, "y": rows % 2}).to_csv("g.csv", index=False)
    status, _, error = said(capsys, "mine", "--data", "g.csv", "--target", "y", "--group", "g")
    assert (status, Path("studies/mine.toml").exists()) == (2, False)
    assert error == "error: studies/mine.toml: protocol.folds: needs at least 3 groups, and there are 2\n"


def test_a_table_without_names_and_a_positive_class_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    Path("n.csv").write_text(
        "".join(f"{each * 7 % 43 / 8},{'bad' if each % 5 == 0 else 'good'}\n" for each in range(60))
    )
    status, _, error = said(capsys, "mine", "--data", "n.csv", "--target", "2")
    assert status == 2
    assert "n.csv: the first line looks like data: 0.0, bad; --no-header reads it as data" in error
    status, output, _ = said(capsys, "mine", "--data", "n.csv", "--target", "2", "--no-header")
    assert status == 0
    assert "positive class: bad, the rarer one: average precision and thresholds are about it\n" in output
    file = load(Path("studies/mine.toml"), "mine").plain["recipe"]["data"]
    assert (file["header"], file["positive"], file["target"]) == (False, "bad", "2")
    assert (
        json.loads(said(capsys, "j", "--data", "n.csv", "--target", "2", "--no-header", "--json")[1])["positive"]
        == "bad"
    )


def test_init_tells_that_blanks_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.csv").write_text("a, y\n" + "".join(f"{each * 7 % 43 / 8}, {'xz'[each % 2]} \n" for each in range(60)))
    status, output, _ = said(capsys, "mine", "--data", "b.csv", "--target", "y")
    assert status == 0
    assert "classes: x 30, z 30\n" in output
    assert "warning: blanks around names and values are left out\n" in output


def test_a_class_of_one_row_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    pd.read_csv("t.csv").assign(y=["once", *"ab" * 29, "b"]).to_csv("o.csv", index=False)
    status, output, _ = said(capsys, "mine", "--data", "o.csv", "--target", "y")
    assert status == 0
    assert "\nfew rows: once 1; a class of one row is never tested\n" in output


def test_parts_of_a_folder_of_pictures_are_recognized(capsys: pytest.CaptureFixture[str]) -> None:
    for part, count in (("train", 6), ("valid", 1), ("test", 2)):
        for name, level in (("cat", 10), ("dog", 90)):
            Path("p", part, name).mkdir(parents=True)
            for place in range(count):
                Image.fromarray(np.full((4, 4), 20 * place + level, np.uint16)).save(f"p/{part}/{name}/{place}.png")
    status, output, _ = said(capsys, "two", "--data", "p")
    assert status == 0
    assert output.startswith("data: 12 gray images of 4×4 to 4×4 (median 4×4), brought to 4×4; tested on p/test\n")
    assert "warning: valid is not used: train is divided for training and validation\n" in output
    assert "warning: 4 of 4 test examples equal a training example\n" in output
    file = load(Path("studies/two.toml"), "two").plain["recipe"]["data"]
    assert (file["path"], file["test"], file["bits"]) == ("p/train", "p/test", 8)
    status, output, _ = said(capsys, "three", "--data", "p", "--test-share", "0.25")
    assert (status, "; about 3 for the test\n" in output) == (0, True)
