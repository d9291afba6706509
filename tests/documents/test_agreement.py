"""Claims over all readings: rows are compared under equal ones, and the verdict says under which."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.documents import DOCUMENTS, RESULTS, assessed
from tuner.documents.assessment import WAYS, assess, count
from tuner.documents.claims import LOOKS, JudgedClaim, judge_claim
from tuner.documents.document import Choice, Document, load_document
from tuner.documents.evidence import Evidence
from tuner.documents.experiment import Experiment
from tuner.documents.runs import Run, read_results, values_of

TWO_ROWS = """
title = "Two rows, two silent fields"
about = "It varies the batch size."
study = "xor"
[recipe.data]
name = "xor"
[recipe.protocol]
kind = "none"
[recipe.training]
epochs = 2
[recipe.network]
kind = "dense"
widths = [3]
[[reading]]
id = "batch"
silent = "the batch size"
options = [{ name = "32" }, { name = "50", set = { "training.batch_size" = 50 } }]
[[reading]]
id = "rate"
silent = "the learning rate"
options = [{ name = "0.001" }, { name = "0.1", set = { "training.optimizer" = { kind = "adam", learning_rate = 0.1 } } }]
[[experiment]]
id = "low"
title = "Low"
reported = REPORTED
[[experiment]]
id = "high"
title = "High"
set = { "training.epochs" = 3 }
[[claim]]
id = "rises"
says = "High is better than low."
rises = ["low", "high"]
"""


@pytest.fixture(params=["{}"])
def document(tmp_path: Path, request: pytest.FixtureRequest) -> Document:
    """Two rows with a claim about them; the parameter is what the lower one reports."""
    path = tmp_path / "two.toml"
    path.write_text(TWO_ROWS.replace("REPORTED", request.param))
    return load_document(path)


def runs_of(document: Document, experiment: str, choice: Choice, values: Sequence[float]) -> list[Run]:
    """Runs that nobody made."""
    (found,) = (each for each in document.experiment if each.id == experiment)
    variants = (document.variant(found, choice, repeat) for repeat in range(len(values)))
    return [
        Run(*each.names, each.key, each.recipe.to_dict(), {"test_accuracy": value}, {}, [], "finished", 1.0, {})
        for each, value in zip(variants, values, strict=True)
    ]


def around(middle: float) -> list[float]:
    """Six runs that differ a little."""
    return [middle + each / 1000 for each in (-2, -1, 0, 0, 1, 2)]


def judged(document: Document, *runs: list[Run]) -> JudgedClaim:
    """The claim, by all these runs."""
    (found,) = assess(document, [run for each in runs for run in each]).claims
    return found


def test_rows_that_were_run_under_different_readings_are_not_compared(document: Document) -> None:
    found = judged(
        document, runs_of(document, "low", (0, 0), around(0.6)), runs_of(document, "high", (1, 0), around(0.9))
    )
    assert found.chosen.judgement == "undecided"
    assert found.chosen.reason == "no reading that all of its rows were run under"
    assert found.under == ()


def test_a_claim_is_decided_under_the_reading_that_its_rows_share(document: Document) -> None:
    """Under unequal readings it would hold: 0.9 against 0.6."""
    found = judged(
        document,
        runs_of(document, "low", (0, 0), around(0.6)),
        runs_of(document, "low", (1, 0), around(0.95)),
        runs_of(document, "high", (1, 0), around(0.9)),
    )
    assert found.chosen.judgement == "fails"
    assert found.chosen.reason == "high -0.0500 against low"
    assert [each.names for each in found.under] == [["batch: 50", "rate: 0.001"]]
    assert found.chosen.scope == "decided with batch: 50; we have too few runs with the others (75% of the probability)"


def test_a_claim_that_a_setting_decides_depends_on_a_guess(document: Document) -> None:
    runs = [
        runs_of(document, name, (batch, rate), around(0.8 + (0.1 if (name == "high") is (batch == 0) else 0)))
        for name in ("low", "high")
        for batch in (0, 1)
        for rate in (0, 1)
    ]
    found = judged(document, *runs)
    assert found.chosen.judgement == "depends on a guess"
    assert found.chosen.scope == "holds with batch: 32 (50%); fails with batch: 50 (50%)"
    assert {each.probability for each in found.under} == {0.25}


def test_a_claim_holds_under_every_reading_or_under_most(document: Document) -> None:
    rows = (("low", 0.6), ("high", 0.7))
    every = [runs_of(document, name, (batch, 0), around(middle)) for name, middle in rows for batch in (0, 1)]
    found = judged(document, *every)
    assert (found.chosen.judgement, found.chosen.scope) == (
        "holds",
        "decided with the same settings as the figures; we have too few runs with the others (50% of the probability)",
    )
    lottery = [runs_of(document, name, (1, 1), [0.1, 0.9, 0.5]) for name, _ in rows]
    found = judged(document, *every, *lottery)
    assert found.chosen.judgement == "holds"
    assert found.chosen.scope.startswith("holds with rate: 0.001 (67%); undecided with batch: 50, rate: 0.1 (33%); ")


@pytest.mark.parametrize("document", ["{ test_accuracy = 0.6 }"], indirect=True)
def test_readings_are_weighed_by_what_the_figures_say_of_them(document: Document) -> None:
    """The one reading explains the reported 0.6 and the claim holds under it; it fails under the other."""
    rows = {("low", 0): 0.6, ("high", 0): 0.7, ("low", 1): 0.9, ("high", 1): 0.8}
    runs = [runs_of(document, name, (batch, 0), around(middle)) for (name, batch), middle in rows.items()]
    found = judged(document, *runs)
    assert found.chosen.judgement == "holds"
    assert {each.choice: each.decision.judgement for each in found.under} == {(0, 0): "holds", (1, 0): "fails"}
    shares = {each.choice: each.probability for each in found.under}
    assert shares[0, 0] > 0.95
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize("document", ["{ test_accuracy = 0.9 }"], indirect=True)
def test_two_fields_that_explain_a_figure_only_together_are_found(document: Document) -> None:
    """No change of a single field makes the document more probable."""
    runs = [
        run
        for choice, middle in (((0, 0), 0.8), ((1, 0), 0.7), ((0, 1), 0.7), ((1, 1), 0.9))
        for run in runs_of(document, "low", choice, around(middle))
    ]
    assert Evidence(document, runs).best_script() == (1, 1)
    assert (1, 1) in set(document.neighbours((0, 0), 2)) - set(document.neighbours((0, 0)))


@pytest.mark.parametrize("document", ["{ test_accuracy = 0.9 }"], indirect=True)
def test_a_figure_that_chooses_a_reading_is_not_reproduced_by_it(document: Document) -> None:
    runs = [
        run
        for choice, middle in (((0, 0), 0.8), ((1, 0), 0.9))
        for run in runs_of(document, "low", choice, around(middle))
    ]
    found = assess(document, runs)
    assert {way: f"{count(found, way).reproduced} + {count(found, way).close}" for way in WAYS} == {
        "chosen": "1 + 0",
        "left_out": "0 + 0",
        "first": "0 + 0",
        "best": "1 + 0",
    }
    assert (found.row_fields, found.row_prior) == (4, 2 * document.log_prior(found.choice)), (
        "two networks with two fields each"
    )


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_claim_compares_rows_under_unequal_readings(name: str) -> None:
    """Each decision is that of runs whose recipes are those of all rows under one and the same choice."""
    document, made = DOCUMENTS[name], {}
    for run in sorted(read_results(RESULTS / f"{name}.json"), key=lambda run: len(run.figures)):
        recipe, *members = run.key.split("-")
        made[f"{recipe}-{members[0] if members else 1}"] = run
    rows = {each.id: each for each in document.experiment}
    for claim in assessed(name).claims:
        for under in claim.under:
            if under.decision.runs >= LOOKS[0]:
                figure = document.compared_figures(under.choice).get(claim.claim.figure, claim.claim.figure)
                measured = {
                    row: values_of(
                        figure, [made[key] for key in _trainings(document, rows[row], under.choice) if key in made]
                    )
                    for row in claim.claim.experiments
                }
                assert judge_claim(claim.claim, measured) == under.decision, claim.claim.id


def _trainings(document: Document, experiment: Experiment, choice: Choice) -> list[str]:
    """The trainings of an experiment under a choice, by seed."""
    return [document.variant(experiment, choice, seed).training for seed in range(LOOKS[-1])]


APART = {
    "mnist-parameters": {("more-examples", "network")},
    "usps-three-networks": {
        ("cnn-best-of-three", "example"),
        ("cnn-best-of-three", "activation"),
        ("lc-may-overfit", "example"),
        ("lc-may-overfit", "activation"),
    },
}
"""Readings of one network that change how it is trained, by the claims that compare it with others."""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_setting_that_is_open_in_one_row_of_a_claim_is_open_in_all_or_stated(name: str) -> None:
    """Rows that state it, or that have no such part, are the others: `stated` below."""
    document, found = DOCUMENTS[name], set()
    stated = {"epsilon", "optimizer", "dropout", "epochs", "batch", "l1"} | {
        each.id for each in document.reading if each.id.startswith("rate ")
    }
    for claim in document.claim:
        concerning = [document.concerning[row] for row in claim.experiments]
        for index in set().union(*concerning):
            if not all(index in each for each in concerning) and document.reading[index].id not in stated:
                found.add((claim.id, document.reading[index].id))
    assert found == APART.get(name, set())
