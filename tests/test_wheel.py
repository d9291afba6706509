"""The wheel: built, installed into an environment without this checkout, used from an empty folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pandas as pd
import pytest
from sklearn.datasets import load_iris

ROOT = Path(__file__).parent.parent
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel, and our dependencies from this one."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("tuner", "studies"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copyfile(ROOT / name, source / name)
    done([sys.executable, "-c", BUILD, str(folder)], source)
    (wheel,) = folder.glob("*.whl")
    place = folder / "environment"
    venv.create(place, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "install", "--no-deps", "--no-index"]
    done([*pip, str(wheel)], folder)
    packages = sysconfig.get_path("purelib", vars={"base": str(place), "platbase": str(place)})
    (Path(packages) / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return place


def done(command: list[str], folder: Path) -> str:
    """What a command prints that succeeds in this folder, without anything of this checkout in its surroundings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TUNER", "VIRTUAL"))}
    answer = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr + answer.stdout
    return answer.stdout


@pytest.mark.slow
def test_from_a_file_to_predictions_in_an_empty_folder(environment: Path, tmp_path: Path) -> None:
    def tuner(*arguments: str) -> str:
        return done([str(environment / "bin" / "tuner"), *arguments], tmp_path)

    where = done([str(environment / "bin" / "python"), "-c", "import tuner; print(tuner.__file__)"], tmp_path)
    assert where.startswith(str(environment))
    assert {"fashion", "digits"} <= set(tuner("studies").split())
    bunch = load_iris(as_frame=True)
    iris = bunch.frame.assign(target=bunch.target_names[bunch.target]).sample(frac=1, random_state=0)
    iris[:120].to_csv(tmp_path / "flowers.csv", index=False)
    iris[120:].drop(columns="target").to_csv(tmp_path / "new.csv", index=False)
    assert "wrote studies/flowers.toml" in tuner("init", "flowers", "--data", "flowers.csv", "--target", "target")
    settings = ["budget.epochs=fixed", "training.epochs=40", "protocol={kind='holdout', validation=0.2}"]
    settings += ["confirmation.seeds=1", "confirmation.anchors=false"]
    options = ["--trials", "1", "--workers", "1", *(word for setting in settings for word in ("--set", setting))]
    assert "model: runs/flowers/best.keras" in tuner("optimize", "--study", "flowers", *options)
    tuner("predict", "--model", "runs/flowers/best.keras", "--data", "new.csv", "--out", "said.csv")
    said = pd.read_csv(tmp_path / "said.csv")
    assert len(said) == 30
    assert (said["prediction"].to_numpy() == iris["target"][120:].to_numpy()).mean() > 0.8
