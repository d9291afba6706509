"""Own data of two parts that hold half of the information each: pictures and numbers in one table."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from tuner.networks.columns import Column
from tuner.recipe import Table

COLUMNS = (Column(name="photo", kind="picture", format="8x8"), Column(name="weight", kind="number"))
PARCELS = Table(path="parcels.csv", target="shelf", columns=COLUMNS)


def write_parcels(folder: Path, rows: int = 60) -> pd.DataFrame:
    """`parcels.csv` and `photos/` in the folder: the picture is bright or dark, the weight high or low, and the shelf says both."""
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    table = []
    for number in range(rows):
        is_bright, is_heavy = number % 2, number // 2 % 2
        picture = generator.normal(60 + 120 * is_bright, 20, (8, 8)).clip(0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / "photos" / f"{number}.png")
        weight = round(float(generator.normal(1 + 3 * is_heavy, 0.4)), 3)
        shelf = f"{'bright' if is_bright else 'dark'} {'heavy' if is_heavy else 'light'}"
        table.append((f"photos/{number}.png", weight, shelf))
    frame = pd.DataFrame(table, columns=["photo", "weight", "shelf"])
    frame.to_csv(folder / "parcels.csv", index=False)
    return frame
