"""Which columns matter to the final model: measured once for each model, by shuffling columns of validation rows."""

import json
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest

from tests.support.models import trained
from tuner.charts import Bars, Chart
from tuner.data.sources import Places
from tuner.networks.columns import Column
from tuner.recipe import Table
from tuner.report.measuring import COLUMNS, measure_columns
from tuner.report.own_data import data_blocks
from tuner.storage.confirmed import Confirmed


@pytest.mark.slow
def test_the_column_that_decides_is_the_most_important(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    rows = pd.DataFrame({"idle": chance.normal(size=200), "decides": chance.choice(["a", "b", "c"], 200)})
    rows.assign(y=np.where(rows["decides"] == "b", "yes", "no")).to_csv(tmp_path / "own.csv", index=False)
    columns = (Column(name="idle", kind="number"), Column(name="decides", kind="category"))
    places = Places(None, tmp_path / "cache")
    model = trained(Table(path="own.csv", target="y", columns=columns), tmp_path, places, epochs=40)
    confirmed = Confirmed.from_dict({**json.loads(model.with_suffix(".json").read_text()), "model": str(model)})
    study = optuna.create_study(study_name="own")
    study.set_user_attr("objectives", ["validation_accuracy"])
    study.set_user_attr("confirmed", confirmed.to_dict())
    measure_columns(study, places, "in_process")
    stored = study.user_attrs[COLUMNS]
    assert stored["measure"] == "accuracy"
    assert stored["changes"]["decides"][0] < -0.2
    assert abs(stored["changes"]["idle"][0]) < 0.1
    (chart,) = [each for each in data_blocks(confirmed.recipe, places, [], stored) if isinstance(each, Chart)]
    assert chart.y.names == ("decides", "idle")
    (bars,) = [mark for mark in chart.marks if isinstance(mark, Bars)]
    assert bars.points[0] == (-stored["changes"]["decides"][0], 0.0)
    study.set_user_attr(COLUMNS, {**stored, "changes": {}})
    measure_columns(study, places, "in_process")
    assert study.user_attrs[COLUMNS]["changes"] == {}, "the same model is not measured again"


def test_nothing_is_measured_without_a_model(tmp_path: Path) -> None:
    study = optuna.create_study(study_name="own")
    measure_columns(study, Places(None, tmp_path), "in_process")
    assert COLUMNS not in study.user_attrs
