"""docs/own-network.md: its function and its study file belong together, and its messages are those of the program."""

import re
import tomllib
from pathlib import Path

from tuner.study import study_from

PAGE = (Path(__file__).parents[2] / "docs" / "own-network.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """What stands in the page's fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_study_of_the_page_finds_what_its_function_asks(tmp_path: Path) -> None:
    (tmp_path / "my_nets.py").write_text(blocks("python")[0], encoding="utf-8")
    plain, changed = (tomllib.loads(text) for text in blocks("toml"))
    study = study_from("own", plain, folder=tmp_path)
    assert set(study.holes) == {"training.optimizer.learning_rate"} | {
        f"network.answers.{name}" for name in ("layers", "units_0", "units_1", "units_2", "dropout")
    }
    plain["recipe"]["network"] |= changed["recipe"]["network"]
    answers = study_from("own", plain, folder=tmp_path).corners[0][1].to_dict()["network"]["answers"]
    assert answers["layers"] == 2
    assert answers["units_0"] == 32


def test_the_function_of_hyperparameters_on_the_page_is_a_network(tmp_path: Path) -> None:
    (of_hp,) = (text for text in blocks("python") if "build(hp)" in text)
    (tmp_path / "my_nets.py").write_text(of_hp, encoding="utf-8")
    (plain, _) = (tomllib.loads(text) for text in blocks("toml"))
    study = study_from("own", plain, folder=tmp_path)
    assert {name.rpartition(".")[2] for name in study.holes} == {
        *("layers", "units_0", "units_1", "units_2", "dropout", "rate", "learning_rate"),
    }
