"""Recipes that did well on other data, tried first where the space has them: the file `portfolio.json` beside the studies.

`python -m tuner portfolio` makes it.
"""

import json
from typing import Any

from tuner.study.places import study_folders

FILE = "portfolio.json"


def portfolio() -> tuple[Any, ...]:
    """The recipes as plain data, without data set and protocol, the most useful first; none where there is no file."""
    for folder in study_folders():
        if (folder / FILE).is_file():
            return tuple(json.loads((folder / FILE).read_text(encoding="utf-8"))["recipes"])
    return ()
