"""Learning curves as pictures: well-formed, escaped, and drawn where the figures are."""

import re
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.searches import artifacts
from tuner.charts.svg import draw
from tuner.result import Epoch, FoldResult, Result, Scores
from tuner.search.curves import attach, learning_charts
from tuner.storage import private

SVG = "{http://www.w3.org/2000/svg}"


def result(accuracies: list[float], folds: int = 1, validated: bool = True) -> Result:
    """A result with these accuracies, and losses that fall to NaN at the end."""
    losses = [1.0 / (index + 1) for index in range(len(accuracies) - 1)] + [float("nan")]
    scores = [Scores(loss=loss, figures={"accuracy": each}) for loss, each in zip(losses, accuracies, strict=True)]
    curves = (
        FoldResult(
            epochs=tuple(
                Epoch(
                    fold=fold,
                    number=number,
                    training=each,
                    validation=each if validated else None,
                    learning_rate=0.1,
                    seconds=1.0,
                )
                for number, each in enumerate(scores, start=1)
            ),
            kept=len(scores),
        )
        for fold in range(folds)
    )
    return Result(folds=tuple(curves), ended="finished", reason="", parameters=1, seconds=1.0)


def drawn(result: Result) -> str:
    """Both pictures that the dashboard shows."""
    return f"<div>{''.join(draw(chart, standalone=True) for chart in learning_charts(result))}</div>"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 3), st.booleans())
def test_every_curve_is_a_picture(accuracies: list[float], folds: int, validated: bool) -> None:
    root = ElementTree.fromstring(drawn(result(accuracies, folds, validated)))
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert {"accuracy by epoch", "loss by epoch"} <= set(texts)
    points = list(root.iter(f"{SVG}circle"))
    assert len(points) == (2 * len(accuracies) - 1) * folds * (2 if validated else 1), "a NaN has no place"
    assert all(0 <= float(each.attrib["cx"]) <= 300 and 0 <= float(each.attrib["cy"]) <= 240 for each in points)


def test_training_is_dashed_and_each_fold_has_a_line() -> None:
    root = ElementTree.fromstring(drawn(result([0.5, 0.7, 0.9], folds=2)))
    lines = [group[0] for group in root.iter(f"{SVG}g") if group.get("class") == "series"]
    assert [line.get("stroke-dasharray") is not None for line in lines] == [True, True, False, False] * 2
    assert [each.text for each in root.iter(f"{SVG}text")].count("validation") == 2, "one name a panel"


def test_accuracies_have_an_axis_to_100_percent() -> None:
    texts = re.findall(r">([\d.]+) %<", drawn(result([0.5, 0.7, 0.9])))
    assert max(map(float, texts)) == 100.0


def test_a_better_figure_is_drawn_higher() -> None:
    heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', drawn(result([0.5, 0.7, 0.9])))][:3]
    assert heights == sorted(heights, reverse=True)


def test_a_killed_process_leaves_nothing_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was about to store lies in the study's folder, where a later call looks for such files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    trial = optuna.create_study().ask()
    about: dict[str, object] = {"recipe": {}, "environment": {}}
    attach(artifacts(tmp_path / "artifacts"), trial, result([0.5, 0.7]), about, tmp_path / "study")
    stored = private.artifacts(private.frozen(trial).system_attrs)
    assert sorted(stored.values()) == ["accuracy-by-epoch.svg", "loss-by-epoch.svg", "recipe.json"]
    assert list((tmp_path / "study").iterdir()) == []
