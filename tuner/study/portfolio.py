"""Recipes that did well on other data, tried first where the space has them: the file `portfolio.json` beside the studies.

`python -m tuner portfolio` makes it.
"""

import json
from collections.abc import Collection
from typing import Any

from tuner.study.places import study_folders

FILE = "portfolio.json"


def portfolio(datasets: Collection[str] = ()) -> tuple[Any, ...]:
    """The recipes as plain data, without data set and protocol, the most useful first; none where there is no file, and none for
    the data that it was made with: their studies begin with what it was made of."""
    for folder in study_folders():
        if (folder / FILE).is_file():
            recipes = json.loads((folder / FILE).read_text(encoding="utf-8"))["recipes"]
            return tuple(each for each in recipes if not each["errors"].keys() & set(datasets))
    return ()
