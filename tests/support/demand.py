"""Own data of two stores whose sales have a season of seven days."""

from pathlib import Path

import numpy as np
import pandas as pd

from tuner.networks.columns import Column
from tuner.recipe import Table

DAYS = 100
COLUMNS = (
    Column(name="sales", kind="window", format="14"),
    Column(name="visits", kind="window", format="14"),
    Column(name="store", kind="category"),
)
DEMAND = Table(
    path="demand.csv",
    target="sales",
    columns=COLUMNS,
    task="regression",
    time="date",
    series="store",
    horizon=3,
    season=7,
)


def write_demand(folder: Path) -> pd.DataFrame:
    """`demand.csv` in the folder, its rows in random order: the sales of day t are 100 (or 300) + 10 (t % 7) and half of the last
    deviation, the visits twice the sales."""
    generator, tables = np.random.default_rng(0), []
    for store, level in (("north", 100), ("south", 300)):
        noise = generator.normal(0, 2, DAYS)
        for day in range(1, DAYS):
            noise[day] += 0.5 * noise[day - 1]
        sales = (level + 10 * (np.arange(DAYS) % 7) + noise).round(3)
        dates = pd.date_range("2024-01-01", periods=DAYS).strftime("%Y-%m-%d")
        tables.append(pd.DataFrame({"date": dates, "store": store, "sales": sales, "visits": 2 * sales}))
    frame = pd.concat(tables).sample(frac=1.0, random_state=0).reset_index(drop=True)
    frame.to_csv(folder / "demand.csv", index=False)
    return frame
