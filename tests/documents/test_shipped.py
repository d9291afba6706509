"""The shipped documents: complete, decodable under every reading, parameter counts exact."""

from pathlib import Path

import pytest

from tuner.data.catalogue import CATALOGUE
from tuner.documents.document import Document, load_document
from tuner.networks import parameters
from tuner.study.places import find_documents

DOCUMENTS = {name: load_document(path) for name, path in find_documents("*").items()}
EXPERIMENTS = {
    "fashion-finetuning": 13,
    "fashion-seventeen": 17 + 2,  # two are told twice
    "mnist-parameters": 22,
    "mnist-weight-decay": 8,
    "usps-three-networks": 51,
}


def test_every_experiment_is_there() -> None:
    assert {name: len(each.experiment) for name, each in DOCUMENTS.items()} == EXPERIMENTS


@pytest.mark.parametrize("name", DOCUMENTS)
def test_reported_parameter_counts_are_exact(name: str) -> None:
    document: Document = DOCUMENTS[name]
    for experiment in document.experiment:
        for choice in (document.first, *document.neighbours(document.first)):
            variant = document.variant(experiment, choice)
            entry = CATALOGUE[variant.recipe.data.name]
            count = parameters(variant.recipe.network, entry.shape, len(entry.classes))
            assert experiment.reported.get("parameters", count) == count, experiment.id


def test_the_figures_are_the_documents() -> None:
    """A few that would show a slipped row."""
    finetuning = {each.id: each.reported for each in DOCUMENTS["fashion-finetuning"].experiment}
    assert finetuning["optimizer-adam"]["test_accuracy"] == 0.9031
    assert finetuning["epochs-50"]["training_accuracy"] == 0.9296
    seventeen = {each.id: each.reported for each in DOCUMENTS["fashion-seventeen"].experiment}
    assert seventeen["4_1"] == {"test_loss": 0.378319, "test_accuracy": 0.8817}
    assert seventeen["1_5"] == seventeen["1_6"], "the document copied one from the other"
    decay = {each.id: each for each in DOCUMENTS["mnist-weight-decay"].experiment}
    assert decay["cnn"].curve["validation_accuracy"][-1] == decay["cnn"].reported["test_accuracy"] == 0.9919
    assert (
        max(max(each.reported["highest_validation_accuracy"]) for id_, each in decay.items() if "l2" in id_) == 0.9837
    )
    study = {each.id: each for each in DOCUMENTS["mnist-parameters"].experiment}
    assert study["batch-4"].reported["validation_accuracy"] == 0.9654


def test_readings_change_one_silent_field_at_a_time() -> None:
    document = DOCUMENTS["fashion-finetuning"]
    (adam,) = [each for each in document.experiment if each.id == "optimizer-adam"]
    first, *others = (
        document.variant(adam, choice) for choice in (document.first, *document.neighbours(document.first))
    )
    assert first.reading == ""
    assert (first.recipe.training.epochs, first.recipe.training.batch_size) == (30, 256)
    by_name = {each.reading: each.recipe for each in others}
    assert len(by_name) == 2 * 8 - 1, "each also with means over the epochs, which no training needs"
    assert by_name["dropout: none"].network.hidden.dropout == 0.0
    assert by_name["scaling: not scaled"].data.scaling == "none"
    assert {each.training.optimizer.kind for each in by_name.values()} == {"adam"}
    assert by_name["history: means over the epochs"] == first.recipe, "the same training, read off otherwise"
    assert document.measured("history: means over the epochs, epochs: 20, the base model's") == {
        "training_accuracy": "mean_training_accuracy",
        "validation_accuracy": "mean_validation_accuracy",
    }
    assert document.measured("") == {}


def test_a_mistake_in_a_document_is_told_with_its_place(tmp_path: Path) -> None:
    from tuner.errors import StudyError

    path = tmp_path / "d.toml"
    good = Path(find_documents("mnist-weight-decay")["mnist-weight-decay"]).read_text()
    for wrong, right, complaint in (
        ("kernel_l3", "kernel_l2", r"l2-0.001\.recipe\.network\.hidden\.kernel_l3: unknown key"),
        ('best = "cnm"', 'best = "cnn"', "names no experiment 'cnm'; did you mean cnn"),
        ("test_acuracy", "test_accuracy", "test_acuracy"),
    ):
        path.write_text(good.replace(right, wrong))
        with pytest.raises(StudyError, match=complaint):
            load_document(path)


def test_a_document_is_cut_to_some_data_sets() -> None:
    document = DOCUMENTS["mnist-parameters"]
    playground = document.about({"spiral", "circle", "xor"})
    assert [each.id for each in playground.experiment] == ["playground-spiral", "playground-xor", "playground-circle"]
    assert [each.id for each in playground.drawing] == ["playground"]
    assert playground.claim == ()
    assert len(document.about({"mnist"}).experiment) == 19
    assert document.about({"usps"}).experiment == ()
    assert document.about({"mnist", "spiral", "circle", "xor"}) == document
