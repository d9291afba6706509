"""The documents' experiments on the real data: a few that take seconds here, all of them behind the marker `long`; and the
results that the project keeps."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest

from tests.support.documents import DOCUMENTS, RESULTS, assessed
from tuner.base.machine import cores
from tuner.data.sources import Places
from tuner.documents.assessment import WAYS, assess, count
from tuner.documents.baseline import BaselineOptions, baseline
from tuner.documents.claims import Judgement
from tuner.documents.document import Choice, Document
from tuner.documents.evidence import Evidence, JudgedExperiment
from tuner.documents.experiment import Experiment
from tuner.documents.figures import moderated
from tuner.documents.runs import Run, read_results, run_of, write_results
from tuner.documents.verdicts import EXACT, VERDICTS, judge
from tuner.recipe import Recipe
from tuner.result import never_stop
from tuner.storage import default_url
from tuner.worker.replication import Replicate, replicate


def replicated(document: Document, experiment: str, choice: Choice, places: Places) -> Mapping[str, float]:
    """The figures of one run of an experiment under a choice of readings."""
    (found,) = [each for each in document.experiment if each.id == experiment]
    variant = document.variant(found, choice)
    answer = replicate(Replicate(variant.recipe, found.members, found.attack), places, never_stop)
    return run_of(variant, answer, {}).figures


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "experiment", "figure"),
    [
        ("mnist-weight-decay", "dense-64", "test_accuracy"),
        ("mnist-parameters", "batch-4", "validation_accuracy"),
        pytest.param("usps-three-networks", "fc", "test_accuracy", marks=pytest.mark.long),
        pytest.param("usps-three-networks", "cnn", "test_accuracy", marks=pytest.mark.long),
        pytest.param("fashion-finetuning", "epochs-20", "test_accuracy", marks=pytest.mark.long),
        pytest.param("fashion-seventeen", "4_2", "test_accuracy", marks=pytest.mark.long),
    ],
)
def test_a_row_of_each_document_is_replicated_within_its_interval(
    name: str, experiment: str, figure: str, real_places: Places
) -> None:
    """Trained again under the script: the interval is that of a mean, and wider by a root of two at most for one run."""
    row = assessed(name).row(experiment).chosen
    (judged,) = (each for each in row.figures if each.figure == figure and each.points is None)
    assert (judged.verdict, len(judged.reported)) == ("reproduced", 1)
    fresh = replicated(DOCUMENTS[name], experiment, row.choice, real_places)
    assert abs(fresh[figure] - judged.reported[0]) <= math.sqrt(2) * judged.margin


@pytest.mark.long
def test_a_divergence_that_is_clipped_on_pixels_that_are_not_scaled_learns_nothing(real_places: Places) -> None:
    """The loss is the share of wrong images times log 1e7, as in the document: every output is saturated."""
    document = DOCUMENTS["fashion-seventeen"]
    figures = replicated(document, "4_5", document.choice("scaling: not scaled"), real_places)
    assert figures["test_accuracy"] < 0.5
    assert figures["test_loss"] == pytest.approx((1 - figures["test_accuracy"]) * math.log(1e7), rel=0.01)
    assert (1 - 0.2800) * math.log(1e7) == pytest.approx(11.604257, rel=1e-3), "what the document reports"


@pytest.mark.slow
def test_a_playground_network_keeps_its_bound_in_one_of_a_few_tries(places: Places) -> None:
    document = DOCUMENTS["mnist-parameters"]
    (circle,) = [each for each in document.experiment if each.id == "playground-circle"]
    variant = document.variant(circle, document.first_choice)
    jobs = (Replicate(replace(variant.recipe, seed=seed)) for seed in (1, 2))
    assert any(replicate(job, places, never_stop).test[0].loss < 0.07 for job in jobs)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_stored_results_have_the_recipes_of_the_documents(name: str) -> None:
    """Every experiment has a run under the first readings, of the very recipe that the document gives now."""
    document, runs = DOCUMENTS[name], {run.names: run for run in read_results(RESULTS / f"{name}.json")}
    for experiment in document.experiment:
        for repeat in range(experiment.repeats):
            variant = document.variant(experiment, document.first_choice, repeat)
            run = runs[experiment.id, "", repeat]
            assert run.key.startswith(variant.key)
            assert Recipe.from_dict(run.recipe) == variant.recipe
            assert run.environment["processor"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_figure_that_can_be_checked_has_a_verdict(name: str) -> None:
    unchecked = {(each.id, figure) for each in DOCUMENTS[name].experiment for figure in each.unchecked}
    for row in assessed(name).rows:
        for judged in (row.first, row.chosen, row.left_out, row.best):
            for each in judged.figures:
                assert (each.verdict == "cannot be checked") is ((row.experiment.id, each.figure) in unchecked)


CLAIMED: tuple[Judgement, ...] = ("holds", "fails", "equal", "undecided", "depends on a guess")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_tables_of_the_documentation_are_those_of_the_stored_results(name: str) -> None:
    found, tables = assessed(name), (RESULTS.parents[1] / "docs" / "baselines.md").read_text(encoding="utf-8")
    script, *others = (count(found, way) for way in ("chosen", "first", "left_out", "best"))
    own = sum(not row.experiment.added for row in found.rows)
    ways = [f"{each.reproduced} + {each.close}" for each in (script, *others)]
    ways[0] += f" of {script.checked}"
    figures = (name, own, *ways, script.sharp, script.reports)
    assert f"| {' | '.join(map(str, figures))} |" in tables
    judged = Counter(each.chosen.judgement for each in found.claims)
    improbable = sum(each.covered < 0.5 for each in found.claims)
    errors = f"{found.false_discovery:.1%}".replace("%", " %")
    claims = (name, *(judged[each] for each in CLAIMED), improbable, errors)
    assert f"| {' | '.join(map(str, claims))} |" in tables
    assert sum(judged[each] for each in CLAIMED) == len(found.claims)


def test_the_readme_has_the_four_counts_and_the_claims() -> None:
    text = " ".join((RESULTS.parents[1] / "README.md").read_text(encoding="utf-8").split())
    counts = {way: [count(assessed(name), way) for name in DOCUMENTS] for way in WAYS}
    sums = {
        way: (sum(each.reproduced for each in some), sum(each.close for each in some)) for way, some in counts.items()
    }
    assert f"of {sum(each.checked for each in counts['chosen'])} reported accuracies and losses" in text
    for way, words in (
        ("chosen", "with one script a document"),
        ("left_out", "with each row left out of that choice"),
        ("first", "with first readings"),
        ("best", "row by row"),
    ):
        assert f"{sums[way][0]} + {sums[way][1]} {words}" in text
    sharp = sum(each.sharp for each in counts["chosen"])
    assert f"{sharp} of the {sum(sums['chosen'])} verdicts of the one script are sharp" in text
    judged = Counter(each.chosen.judgement for name in DOCUMENTS for each in assessed(name).claims)
    assert f"Of {judged.total()} claims" in text
    assert f"{judged['holds']} hold, {judged['fails']} fail and {judged['equal']} are equal" in text


def test_a_verdicts_worth_is_that_of_the_document_with_two_reports_swapped() -> None:
    """The whole document judged again with the reports of two networks swapped, for each other network."""
    document, runs = DOCUMENTS["mnist-weight-decay"], read_results(RESULTS / "mnist-weight-decay.json")
    own, passes = assessed(document.name).row("dense-64"), defaultdict[str, list[bool]](list)
    for other in document.experiment:
        if other.reported and other.id != "dense-64":
            common = {*other.reported} & {*own.experiment.reported} - {*EXACT}
            pair = (own.experiment, _with(own.experiment, other, common)), (other, _with(other, own.experiment, common))
            swapped = {before.id: after for before, after in pair}
            experiments = tuple(swapped.get(each.id, each) for each in document.experiment)
            row = assess(replace(document, experiment=experiments, claim=()), runs).row("dense-64")
            for before, after in zip(own.chosen.figures, row.chosen.figures, strict=True):
                if before.figure in common:
                    passes[before.figure].append(VERDICTS.index(after.verdict) <= VERDICTS.index(before.verdict))
    values = (each for each in own.chosen.figures if each.points is None)
    shares = {each.figure: each.shared for each in values if each.shared is not None}
    assert shares == {figure: fmean(each) for figure, each in passes.items()}
    assert len(shares) == 3


@pytest.mark.long
@pytest.mark.parametrize(("runs", "title"), [(10, "10"), (1000, "1,000")])
def test_few_weak_verdicts_would_become_sharp_by_more_runs(runs: int, title: str) -> None:
    """All verdicts and their swaps, as if there were so many runs with the same mean and standard deviation."""
    counts = Counter[tuple[str, str]]()
    for name, document in DOCUMENTS.items():
        evidence = Evidence(document, read_results(RESULTS / f"{name}.json"))
        for row in assessed(name).rows:
            others = (evidence.ways(row.experiment.id, other)["chosen"] for other in evidence.others(row.experiment.id))
            swapped = [_with_runs(runs, each, evidence) for each in others]
            after = _with_runs(runs, row.chosen, evidence).with_others(swapped)
            pairs = zip(row.chosen.figures, after.figures, strict=True)
            counts.update((old.worth, new.worth or new.verdict) for old, new in pairs if old.worth in ("sharp", "weak"))
    cells = [counts[old, new] for old in ("weak", "sharp") for new in (old, *{"weak", "sharp"} - {old}, VERDICTS[2])]
    assert sum(cells) == counts.total()
    text = (RESULTS.parents[1] / "docs" / "baselines.md").read_text(encoding="utf-8")
    assert f"| {' | '.join(map(str, (title, *cells)))} |" in text


def _with_runs(count: int, judged: JudgedExperiment, evidence: Evidence) -> JudgedExperiment:
    """An experiment judged as if there were so many runs; curves, counts and bounds stay."""
    figures = []
    for each in judged.figures:
        is_distance = each.points is None and each.measured and each.figure not in (*EXACT, "test_loss_at_most")
        if is_distance and all(map(math.isfinite, each.measured)):
            spread = evidence.spread(judged.ours(each.figure))
            apart = moderated(each.figure, each.measured, spread)[0] * math.sqrt((count - 1) / count)
            alike = [fmean(each.measured) - apart, fmean(each.measured) + apart] * (count // 2)
            unchecked = each.reason if each.verdict == "cannot be checked" else ""
            each = judge(each.figure, each.reported, alike, 0, spread, unchecked)
        figures.append(each)
    return replace(judged, figures=tuple(figures))


def _with(experiment: Experiment, other: Experiment, figures: set[str]) -> Experiment:
    """An experiment that reports these figures of another one."""
    return replace(experiment, reported={**experiment.reported, **{each: other.reported[each] for each in figures}})


@pytest.mark.parametrize("name", DOCUMENTS)
def test_results_that_are_read_are_written_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.json"
    write_results(path, DOCUMENTS[name], read_results(RESULTS / path.name))
    assert path.read_text() == (RESULTS / path.name).read_text()


@pytest.mark.long
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_full_replication_agrees_with_the_stored_one(name: str, real_places: Places, tmp_path: Path) -> None:
    """All experiments afresh, once each: their accuracies are as far from the kept ones as seeds are from each other."""
    options = BaselineOptions(
        documents=(DOCUMENTS[name],),
        storage=default_url(tmp_path),
        places=real_places,
        results=tmp_path,
        only="*",
        repeats=1,
        until_decided=False,
        every_reading=False,
        workers=cores(),
        threads=1,
        runs=tmp_path,
    )
    fresh = baseline(options, print)[name]
    assert fresh.failures == ()
    stored = read_results(RESULTS / f"{name}.json")
    experiments = [each.id for each in DOCUMENTS[name].experiment]
    differences = [_accuracy(stored, each) - _accuracy(fresh.runs, each) for each in experiments]
    assert np.median(np.abs(differences)) < 0.01


def _accuracy(runs: Sequence[Run], experiment: str) -> float:
    """An experiment's mean under the first readings."""
    return fmean([run.figures["test_accuracy"] for run in runs if (run.experiment, run.reading) == (experiment, "")])
