"""A function of the user's as a part of a space: what it asks, along its branches, and what comes of bad ones."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tuner.base.errors import Invalid
from tuner.networks.function import Call, NetworkInfo
from tuner.networks.sources import source_at
from tuner.space import asking, functions_in
from tuner.space.asking import call_function
from tuner.space.holes import Choice, Range
from tuner.study import StudyFile, study_from

GOOD = """
import keras

def build(trial, inputs, outputs):
    layers = [keras.Input(inputs), keras.layers.Flatten()]
    for index in range(trial.suggest_int("layers", 1, 2)):
        layers.append(keras.layers.Dense(trial.suggest_int(f"units_{index}", 8, 32, step=8), activation="relu"))
    if trial.suggest_categorical("optimizer", ["adam", "sgd"]) == "sgd":
        trial.suggest_float("momentum", 0.0, 0.9)
    return keras.Sequential([*layers, keras.layers.Dense(outputs, activation="softmax")])
"""
HEAD = "import keras\n\ndef build(trial, inputs, outputs):\n"
TAIL = "    return keras.Sequential([keras.Input(inputs), keras.layers.Dense(outputs, activation='softmax')])\n"


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], NetworkInfo]:
    """The facts of the model of a function in a file of its own, whose questions get their first options."""

    def info_of(text: str) -> NetworkInfo:
        path = tmp_path / "my_nets.py"
        path.write_text(text)
        call = Call(*source_at(f"{path}:build", tmp_path), (2,), 2)
        return call_function(call, lambda _, hole: hole.points(2)[0]).info

    return info_of


def study_on(folder: Path, **network: object) -> StudyFile:
    """A study of xor with the function in the folder."""
    recipe = {"data": {"name": "xor"}, "network": {"kind": "function", "source": "my_nets.py:build", **network}}
    return study_from("own", {"recipe": recipe}, folder=folder)


def test_a_study_discovers_what_its_function_asks_along_the_branches(tmp_path: Path) -> None:
    (tmp_path / "my_nets.py").write_text(GOOD)
    study = study_on(tmp_path)
    assert {name.rpartition(".")[2]: hole for name, hole in study.holes.items()} == {
        "layers": Range(1, 2),
        "units_0": Range(8, 32, step=8),
        "units_1": Range(8, 32, step=8),
        "optimizer": Choice(("adam", "sgd")),
        "momentum": Range(0.0, 0.9),
    }
    recipe = study.recipe_at({"network.answers.layers": 2, "network.answers.units_1": 16})
    assert dict(recipe.to_dict()["network"]["answers"]) == {
        "layers": 2,
        "units_0": 8,
        "units_1": 16,
        "optimizer": "adam",
    }
    assert recipe.to_dict()["network"]["found"]["parameters"] == (2 * 8 + 8) + (8 * 16 + 16) + (16 * 2 + 2)


def test_a_changed_function_is_another_network(tmp_path: Path) -> None:
    (tmp_path / "my_nets.py").write_text(HEAD + TAIL)
    before = study_on(tmp_path).corners[0][1].key
    assert study_on(tmp_path).corners[0][1].key == before
    (tmp_path / "my_nets.py").write_text(HEAD + "    # changed\n" + TAIL)
    assert study_on(tmp_path).corners[0][1].key != before


def test_a_study_file_fixes_an_answer_or_gives_it_another_hole(tmp_path: Path) -> None:
    (tmp_path / "my_nets.py").write_text(GOOD)
    study = study_on(tmp_path, answers={"layers": 1, "units_0": {"choice": [8, 16]}, "optimizer": "adam"})
    assert study.holes == {"network.answers.units_0": Choice((8, 16))}
    with pytest.raises(Invalid, match=r"recipe.network.answers.units_0: must be one of 8 to 32 in steps of 8"):
        study_on(tmp_path, answers={"layers": 1, "units_0": 9})
    with pytest.raises(Invalid, match=r"my_nets.py:build does not ask for it; did you mean layers"):
        study_on(tmp_path, answers={"layer": 1})


def test_the_same_answers_need_no_second_call(tmp_path: Path) -> None:
    log = tmp_path / "calls.txt"
    (tmp_path / "my_nets.py").write_text(HEAD + f"    open({str(log)!r}, 'a').write('called ')\n" + TAIL)
    study = study_on(tmp_path)
    assert study.recipe_at({}) == study.recipe_at({})
    assert log.read_text() == "called "


BAD = {
    "raises": (
        HEAD + "    raise ValueError('too deep')\n",
        "build raised ValueError: too deep\n  *:4, in build: raise ValueError('too deep')",
    ),
    "returns nothing": (
        HEAD + "    keras.Sequential()\n",
        "build must return a keras.Model, got nothing: is its return missing?",
    ),
    "other outputs": (
        HEAD + TAIL.replace("outputs,", "7,"),
        "build: the outputs of its model have the shape (7,), the data need (2,) or (1,)",
    ),
    "other inputs": (
        HEAD + TAIL.replace("(inputs)", "((5, 5))"),
        "build: its model takes inputs of the shape (5, 5), the data have (2,)",
    ),
    "asks twice": (
        HEAD + "    trial.suggest_int('units', 1, 8)\n    trial.suggest_int('units', 1, 9)\n" + TAIL,
        "build asks for 'units' twice: 1 to 8, and then 1 to 9",
    ),
    "exits": (HEAD + "    import sys; sys.exit(3)\n", "build called sys.exit(3)"),
    "dies": (HEAD + "    import os; os._exit(3)\n", "build ended its process (exit status 3)"),
    "a module is missing": (
        "import nowhere_to_be_found\n" + HEAD + TAIL,
        "my_nets.py raised ModuleNotFoundError: No module named 'nowhere_to_be_found'",
    ),
    "no such function": (HEAD.replace("build", "built") + TAIL, "has no function 'build'; did you mean built?"),
    "other parameters": (
        HEAD.replace("trial,", "model,") + TAIL,
        "build must have trial or hp as its first parameter, got (model, inputs, outputs)",
    ),
    "an impossible range": (
        HEAD + "    trial.suggest_int('units', 8, 4)\n" + TAIL,
        "the range of 'units': low must not be above high",
    ),
    "a loss that does not fit": (
        HEAD
        + TAIL.replace("return ", "model = ")
        + "    model.compile('sgd', lambda y, p: y[:, 5])\n    return model\n",
        "build: its loss does not fit targets of the shape (2,): it raised *:5, in <lambda>: model.compile",
    ),
    "too large": (HEAD + "    keras.layers.Dense(10**7).build((None, 10**7))\n" + TAIL, "build raised "),
}


LATE = pytest.param("too large", marks=pytest.mark.long)  # TensorFlow asks for its memory for ten seconds


@pytest.mark.parametrize("name", [*(each for each in BAD if each != "too large"), LATE])
def test_a_bad_function_has_one_message(name: str, made: Callable[[str], NetworkInfo]) -> None:
    text, message = BAD[name]
    problem = made(text).problem
    for part in message.split("*"):
        assert part in problem, problem


def test_a_function_that_prints_and_changes_settings_harms_nothing(made: Callable[[str], NetworkInfo]) -> None:
    settings = "    print('hello')\n    keras.config.set_dtype_policy('mixed_bfloat16')\n    keras.config.set_floatx('float64')\n"
    assert made(HEAD + settings + TAIL).parameters == 6
    assert made(HEAD + TAIL) == NetworkInfo(parameters=6, multiply_adds=4, gathers=4)


def test_a_function_that_never_returns_is_ended(
    made: Callable[[str], NetworkInfo], monkeypatch: pytest.MonkeyPatch
) -> None:
    made(HEAD + TAIL)  # its process has imported Keras
    monkeypatch.setattr(asking, "CALL_SECONDS", 0.5)
    assert made(HEAD + "    while True: pass\n").problem == "build did not return within 0.5 s"
    monkeypatch.undo()
    assert not made(HEAD + TAIL + "\n").problem


def test_a_function_that_asks_differently_for_the_same_answers_is_refused(tmp_path: Path) -> None:
    state = "    names.reverse()\n    trial.suggest_int('layers', 1, 3)\n    trial.suggest_int(names[0], 1, 3)\n"
    (tmp_path / "my_nets.py").write_text("names = ['width', 'units']\n" + HEAD + state + TAIL)
    with pytest.raises(Invalid) as caught:
        study_on(tmp_path)
    assert "build asks differently for the same answers (layers = 1): it first asked for 'units' (1 to 3)" in str(
        caught.value
    )
    assert "then asked for 'width' (1 to 3)" in str(caught.value)


def test_trials_of_a_branch_that_fails_are_refused_and_the_others_go_on(tmp_path: Path) -> None:
    fails = "    if trial.suggest_categorical('kind', ['plain', 'broken']) == 'broken': raise ValueError('no')\n"
    (tmp_path / "my_nets.py").write_text(HEAD + fails + TAIL)
    study = study_on(tmp_path)
    assert study.unbuildable is not None
    assert "50 % of the space cannot be built (recipe.network.source: build raised ValueError: no" in str(
        study.unbuildable
    )


def test_a_study_all_of_whose_models_fail_is_refused(tmp_path: Path) -> None:
    (tmp_path / "my_nets.py").write_text(HEAD + "    return 1\n")
    with pytest.raises(Invalid, match=r"build must return a keras.Model, got a int"):
        study_on(tmp_path)


def test_outputs_of_two_classes_may_be_one_number(made: Callable[[str], NetworkInfo]) -> None:
    for activation, output in (("sigmoid", "probability"), ("tanh", "signed"), ("linear", "log_odds")):
        assert (
            made(HEAD + TAIL.replace("(outputs, activation='softmax'", f"(1, activation='{activation}'")).output
            == output
        )
    assert made(HEAD + TAIL.replace("softmax", "linear")).output == "linear"


def test_a_source_that_is_not_there_is_told_before_anything(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"recipe.network.source: there is no file my_nets.py in"):
        study_on(tmp_path)
    with pytest.raises(Invalid, match=r"must be a file and a function, such as my_nets.py:build"):
        study_on(tmp_path, source="my_nets.py")
    shutil.rmtree(tmp_path)


OF_HP = """
import keras

def build(hp):
    model = keras.Sequential([keras.layers.Dense(hp.Int("units", 4, 16, step=4, default=8), activation="relu")])
    if hp.Boolean("dropout"):
        model.add(keras.layers.Dropout(hp.Choice("rate", [0.1, 0.2])))
    model.add(keras.layers.Dense(2, activation="softmax"))
    model.compile(keras.optimizers.Adam(hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")), "sparse_categorical_crossentropy")
    return model
"""


def test_a_function_of_kerastuners_hyperparameters_is_a_network(tmp_path: Path) -> None:
    (tmp_path / "my_nets.py").write_text(OF_HP)
    study = study_on(tmp_path)
    assert {name.rpartition(".")[2]: hole for name, hole in study.holes.items()} == {
        "units": Range(4, 16, step=4),
        "dropout": Choice((True, False)),
        "rate": Choice((0.1, 0.2)),
        "learning_rate": Range(1e-4, 1e-2, log=True),
    }
    network = study.recipe_at({"network.answers.units": 12}).to_dict()["network"]
    assert network["found"]["parameters"] == (2 * 12 + 12) + (12 * 2 + 2)
    assert network["found"]["compiled"].startswith("adam ")


MANY = """
import keras

def build(trial, inputs, outputs):
    open(LOG, "a").write("called ")
    size = trial.suggest_categorical("size", list(range(1, 41)))
    if size > 20:
        trial.suggest_float("rate", 0.0, 0.5)
    if size == 13:
        trial.suggest_int("lucky", 1, 2)
    return keras.Sequential([keras.Input(inputs), keras.layers.Dense(size), keras.layers.Dense(outputs, "softmax")])
"""


def test_exploring_has_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = tmp_path / "calls.txt"
    (tmp_path / "my_nets.py").write_text(MANY.replace("LOG", repr(str(log))))
    monkeypatch.setattr(asking, "MOST_BUILDS", 6)
    monkeypatch.setattr(asking, "SECONDS_BETWEEN_LINES", 1e-9)
    study = study_on(tmp_path)
    assert log.read_text().split() == ["called"] * 8, "the ends, and 6 between them"
    assert {name.rpartition(".")[2] for name in study.holes} == {"size", "rate"}, (
        "the first and the last answers are tried"
    )
    (asks,) = functions_in(study.space)
    assert asks.cut.startswith("its limit: 6 models in ")
    assert "exploring what build asks: " in caplog.text
    assert "of at most 6 models in " in caplog.text
    assert study.recipe_at({"network.answers.size": 13}).to_dict()["network"]["answers"] == {"size": 13, "lucky": 1}
    monkeypatch.setattr(asking, "MOST_BUILDS", 8)
    other = study_on(tmp_path)
    begun = json.loads(json.dumps(dict(study.resolved)))
    assert other.resolved != study.resolved
    assert json.loads(json.dumps(dict(other.as_begun(begun).resolved))) == begun


def test_exploring_a_slow_function_ends_after_the_first_and_the_last_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_nets.py").write_text(MANY.replace("LOG", repr(str(tmp_path / "calls.txt"))))
    monkeypatch.setattr(asking, "MOST_SECONDS", -1.0)
    (asks,) = functions_in(study_on(tmp_path).space)
    assert set(asks.holes) == {"size", "rate"}
    assert asks.cut == "its limit: 0 models in 0 s"
