"""The documented networks and a search on the same data: starts, the best networks, the difference, all in one chart."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from tuner.charts import CYCLE, GREY, Axis, Chart, Dots, Mark, Point, Rule
from tuner.charts.colors import DATASET_COLORS
from tuner.charts.content import Block, Section, missing
from tuner.data.catalogue import CATALOGUE, with_families
from tuner.documents.assessment import Assessment, Row, assess
from tuner.documents.document import Document, load_document
from tuner.documents.figures import NORMAL, deviation
from tuner.documents.runs import read_results
from tuner.recipe import Recipe
from tuner.storage.confirmed import Confirmed
from tuner.study.places import find_documents


@dataclass(frozen=True)
class Documented:
    """A documented network: its reported test accuracy, and those of our runs."""

    document: str
    experiment: str
    title: str
    reported: float | None
    accuracies: tuple[float, ...]


@dataclass(frozen=True)
class Difference:
    """Searched minus documented test accuracy with its 95 % interval."""

    value: float
    low: float
    high: float


def best_documented(datasets: Collection[str]) -> tuple[Recipe, ...]:
    """The recipe with the best reported accuracy of each document on these data sets, the best first: starts of a search."""
    rated: list[tuple[float, Recipe]] = []
    for document in _documents_on(datasets):
        reported = [
            (max(values), document.recipes[each.id])
            for each in document.experiment
            if (values := each.values("test_accuracy") + each.values("validation_accuracy"))
            and each.members == 1
            and document.recipes[each.id].data.name in datasets
        ]
        rated += sorted(reported, key=lambda pair: -pair[0])[:1]
    return tuple(recipe for _, recipe in sorted(rated, key=lambda pair: -pair[0]))


def _documents_on(datasets: Collection[str]) -> Iterator[Document]:
    """The documents that have experiments on these data sets."""
    for path in find_documents("*").values():
        text = path.read_text(encoding="utf-8")
        # Loading a document takes a tenth of a second, and the first trial waits for it.
        if any(f'"{name}"' in text for name in datasets):
            document = load_document(path)
            if any(recipe.data.name in datasets for recipe in document.recipes.values()):
                yield document


def assessments_of(datasets: Collection[str], results: Path, gaps: list[str]) -> tuple[Assessment, ...]:
    """The documents with experiments on these data sets or their families, whole, judged by the runs in the results folder."""
    assessments = []
    for document in _documents_on(with_families(datasets)):
        name, runs = document.name, read_results(results / f"{document.name}.json")
        assessments.append(assess(document, runs))
        if not runs:
            gaps.append(f"The document {name} has not been replicated: python -m tuner baseline --document {name}")
    return tuple(assessments)


def best_in_our_runs(assessments: Sequence[Assessment], dataset: str) -> Documented | None:
    """The documented network on a data set with the best mean test accuracy of our runs."""
    return max(_documented(assessments, dataset), key=lambda each: fmean(each.accuracies), default=None)


def best_reported(assessments: Sequence[Assessment], dataset: str) -> Documented | None:
    """The documented network on a data set with the best reported test accuracy."""
    known = (each for each in _documented(assessments, dataset) if each.reported is not None)
    return max(known, key=lambda each: each.reported or 0.0, default=None)


def _documented(assessments: Sequence[Assessment], dataset: str) -> Iterator[Documented]:
    """The networks that the documents themselves have; no ensembles."""
    for assessment in assessments:
        for row in assessment.rows:
            experiment = row.experiment
            if row.dataset == dataset and not experiment.added and experiment.members == 1:
                reported = max(experiment.values("test_accuracy"), default=None)
                names = assessment.document.name, experiment.id, experiment.title
                yield Documented(*names, reported, tuple(run.figures["test_accuracy"] for run in row.chosen.runs))


def difference(best: Documented | None, confirmed: Confirmed | None) -> Difference | None:
    """How much better the search's winner is, over all seeds of both; None where they cannot be compared."""
    if best is None or confirmed is None or not confirmed.tested or confirmed.measure != "accuracy":
        return None
    value = fmean(confirmed.tested) - fmean(best.accuracies)
    errors = [variance(each, confirmed.test_examples) for each in (confirmed.tested, best.accuracies)]
    half = NORMAL * math.sqrt(math.fsum(errors))
    return Difference(value, value - half, value + half)


def variance(accuracies: Sequence[float], examples: int) -> float:
    """The squared standard error of a mean accuracy: of the seeds and of the test images."""
    share = fmean(accuracies)
    return share * (1 - share) / examples + deviation(accuracies) ** 2 / len(accuracies)


def documented_sentences(assessments: Sequence[Assessment], dataset: str) -> Iterator[str]:
    """The best documented networks, as reported and in our runs."""
    best, reported = best_in_our_runs(assessments, dataset), best_reported(assessments, dataset)
    if best is None:
        family = with_families([dataset])
        near = [row.experiment.title for each in assessments for row in each.rows if row.dataset in family]
        if near:
            yield f"No document has a network on this very data; on data of its family have been replicated: {', '.join(near)}."
        elif dataset in CATALOGUE:
            yield "No documented network for this data has been replicated here."
        return
    same = reported is not None and reported.experiment == best.experiment
    if reported is not None:
        also = ", the best of all documented networks" if same else ""
        yield f"The best accuracy that a document reports is {100 * (reported.reported or 0.0):.2f} % (“{reported.title}” of {reported.document}), {_ours(reported)}{also}."
    if not same:
        yield f"Of the documented networks “{best.title}” of {best.document} does best here, {_ours(best)}."


def _ours(network: Documented) -> str:
    several = len(network.accuracies) > 1
    spread = f" ± {100 * deviation(network.accuracies):.2f}" if several else ""
    runs = f"{len(network.accuracies)} runs" if several else "one run"
    return f"with {100 * fmean(network.accuracies):.2f}{spread} % in {runs} of ours"


def overview_section(
    assessments: Sequence[Assessment], datasets: Collection[str], confirmed: Confirmed | None
) -> Section:
    """All documented networks and the search's winner, by test accuracy."""
    shown = {each.document.name: [row for row in each.rows if row.dataset in datasets] for each in assessments}
    nothing = missing("No document is about this very data.")
    block: Block = _overview(shown, confirmed) if any(shown.values()) else nothing
    return Section("baselines", "Baselines and the search", (block,))


def _overview(shown: Mapping[str, Sequence[Row]], confirmed: Confirmed | None) -> Chart:
    """By the share of errors. Bars end at the best and the worst run: where learning fails by the seed, no run lies between."""
    names, reported, marks = list[str](), list[Point](), list[Mark]()
    for color, (document, rows) in zip(CYCLE, shown.items(), strict=False):
        points, tips, errors = [], [], []
        for place, row in enumerate(rows, start=len(names)):
            values, title = row.chosen.values("test_accuracy"), row.experiment.title
            points.append((_wrong(fmean(values)), float(place)))
            tips.append(f"{title}: accuracy {fmean(values):.4f} over {len(values)} runs")
            errors.append((_wrong(max(values)), _wrong(min(values))))
            reported += [(_wrong(value), float(place)) for value in row.experiment.values("test_accuracy")]
        names += [row.experiment.title for row in rows]
        marks.append(
            Dots(document if rows else "", color, tuple(points), tuple(tips), errors=tuple(errors), sideways=True)
        )
    marks.append(Dots("reported" if reported else "", GREY, tuple(reported), shape="diamond", size=5, sideways=True))
    note = "Dots: means of our runs, bars from the best to the worst; diamonds: what the documents report."
    if confirmed and confirmed.test is not None and confirmed.test_interval:
        low, high = confirmed.test_interval
        color, band = DATASET_COLORS.get(confirmed.recipe.data.name, CYCLE[0]), (_wrong(high), _wrong(low))
        marks.append(Rule("found by the search", color, _wrong(confirmed.test), upright=True, band=band))
        note += " The shaded strip is the share of errors of the search's final model with its 95 % interval."
    axis = Axis("share of the test set that is classed wrong", scale="log", percent=True)
    title, height = "Every documented network, and the search", 120 + 21 * len(names)
    return Chart("baselines-chart", title, axis, Axis("", names=tuple(names)), tuple(marks), note, 900, height)


def _wrong(accuracy: float) -> float:
    return max(1 - accuracy, 5e-4)  # the axis is logarithmic
