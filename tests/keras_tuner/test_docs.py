"""The page for those who come from KerasTuner: its code runs as it is written, in training processes."""

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "from-keras-tuner.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the page's code has defined at its end, and its tuners in order."""
    made: dict[str, Any] = {"__name__": "__main__", "tuners": []}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("page"))
        for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
            exec(block, made)
            made["tuners"] += [made["tuner"]] if "tuner.search(" in block else []
    return made


@pytest.mark.slow
def test_a_search_gives_models_that_reach_their_score(names: dict[str, Any]) -> None:
    first = names["tuners"][0]
    x, y = names["x"][400:], names["y"][400:]
    accuracy = names["best_model"].evaluate(x, y, verbose=0, return_dict=True)["accuracy"]
    assert len(first.oracle.trials) == 2
    assert accuracy == pytest.approx(first.oracle.get_best_trials()[0].score, abs=1e-6)
    assert set(names["best_values"]) >= {"layers", "units_0", "rate"}


@pytest.mark.slow
def test_a_fit_of_the_users_own_adds_what_it_asks_for_and_goes_on_from_weights(names: dict[str, Any]) -> None:
    second = names["tuners"][1]
    trials = [each for each in second.oracle.trials.values() if each.hyperparameters.values["tuner/round"] == 1]
    assert trials
    for trial in trials:
        before = second.oracle.get_trial(trial.hyperparameters["tuner/trial_id"])
        assert trial.hyperparameters["batch_size"] == before.hyperparameters["batch_size"]
        assert trial.score < before.score + 0.1  # it does not begin anew
    assert "batch_size" in second.oracle.get_space()


@pytest.mark.slow
def test_anything_can_be_tuned(names: dict[str, Any]) -> None:
    third = names["tuners"][2]
    assert [each.score for each in third.oracle.get_best_trials(4)] == sorted(
        each.hyperparameters["x"] ** 2 for each in third.oracle.trials.values()
    )
