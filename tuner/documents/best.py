"""The recipe that a document reports the best accuracy of, for searches to begin with."""

from collections.abc import Collection

from tuner.documents.document import load_document
from tuner.recipe import Recipe
from tuner.study.places import find_documents

FIGURES = ("test_accuracy", "validation_accuracy")


def best_documented(datasets: Collection[str]) -> tuple[Recipe, ...]:
    """Of each document about these data sets the recipe with the best reported accuracy, the best first."""
    found: list[tuple[float, Recipe]] = []
    for path in find_documents("*").values():
        text = path.read_text(encoding="utf-8")
        if not any(f'"{name}"' in text for name in datasets):
            continue  # reading a document takes a tenth of a second, and the first trial waits for it
        document = load_document(path).about(datasets)
        rated = [
            (max(told), document.variant(experiment, document.first).recipe)
            for experiment in document.experiment
            if (told := [value for name in FIGURES for value in experiment.told(name)]) and experiment.members == 1
        ]
        found += sorted(rated, key=lambda pair: -pair[0])[:1]
    return tuple(recipe for _, recipe in sorted(found, key=lambda pair: -pair[0]))
