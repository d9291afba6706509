"""What it takes to reach a document's best figure: its whole grid once, or a search that begins from nothing.

    python benchmarks/compute.py

Nothing is trained here: the grids' seconds are those of `reports/documents`, every experiment once under the document's
first reading; the searches' are those of `benchmarks/results/minutes.json`, the seconds that all processes together had
trained when a trial's validation accuracy reached the best accuracy that the document reports. A process has one core.
"""

import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tuner.documents.document import Document, load_document
from tuner.documents.runs import read_results

HERE = Path(__file__).parent
FIGURES = ("test_accuracy", "validation_accuracy")


def best(document: Document) -> float:
    """The best test accuracy that it reports; of one that tells none, the best validation accuracy."""
    told = ([value for each in document.experiment for value in each.values(name)] for name in FIGURES)
    return max(next(values for values in told if values))


def grid_seconds(name: str, document: Document) -> float:
    """Of the first run of each of its experiments; one recipe that several experiments share is trained once."""
    runs = read_results(HERE.parent / "reports" / "documents" / f"{name}.json")
    own = {each.id for each in document.experiment if not each.added}
    firsts = {run.key: run.seconds for run in runs if run.repeat == 0 and not run.reading and run.experiment in own}
    return sum(firsts.values())


def seconds_until(figure: float, run: dict[str, Any]) -> float | None:
    """What a search had trained when it first reached a figure; None if it never did."""
    return next((trained for _, trained, accuracy in run["reached"] if accuracy >= figure), None)


def table() -> Iterator[str]:
    """A line for each document."""
    searches = json.loads((HERE / "results" / "minutes.json").read_text())
    yield "| document | its best figure | its grid (core seconds) | searches (core seconds, mean) | share |"
    yield "|---|---|---|---|---|"
    for path in sorted((HERE.parent / "studies" / "documents").glob("*.toml")):
        document = load_document(path)
        grid = grid_seconds(path.stem, document)
        runs = [each for each in searches["runs"] if each["name"] == f"{document.study}-10-cold" and "reached" in each]
        moments = [seconds_until(best(document), run) for run in runs]
        told = [each for each in moments if each is not None]
        if not moments or len(told) < len(moments):
            yield f"| {path.stem} | {best(document):.4f} | {grid:.0f} | not by {len(moments) - len(told)} of {len(moments)} | |"
            continue
        taken = statistics.fmean(told)
        yield f"| {path.stem} | {best(document):.4f} | {grid:.0f} | {taken:.0f} | {taken / grid:.3f} |"


if __name__ == "__main__":
    print("\n".join(table()))
