"""The shipped documents: complete, decodable under every reading, parameter counts exact."""

from pathlib import Path

import pytest

from tests.support.documents import DOCUMENTS
from tuner.data.catalogue import CATALOGUE
from tuner.documents.document import Document, load_document
from tuner.networks import parameters
from tuner.recipe import Data, Recipe
from tuner.study.places import find_documents


@pytest.mark.parametrize("name", DOCUMENTS)
def test_reported_parameter_counts_are_exact(name: str) -> None:
    document: Document = DOCUMENTS[name]
    for experiment in document.experiment:
        for choice in (document.first_choice, *document.neighbours(document.first_choice)):
            recipe = document.variant(experiment, choice).recipe
            entry = CATALOGUE[recipe.data.name]
            count = parameters(recipe.network, entry.shape, len(entry.classes))
            assert experiment.reported.get("parameters", count) == count, experiment.id


def test_the_figures_are_the_documents() -> None:
    """A few that would show a slipped row."""
    finetuning = {each.id: each.reported for each in DOCUMENTS["fashion-finetuning"].experiment}
    assert finetuning["optimizer-adam"]["test_accuracy"] == 0.9031
    assert finetuning["epochs-50"]["training_accuracy"] == 0.9296
    seventeen = {each.id: each.reported for each in DOCUMENTS["fashion-seventeen"].experiment}
    assert seventeen["4_1"] == {"test_loss": 0.37831899523735046, "test_accuracy": 0.8817}
    assert seventeen["1_5"] == seventeen["1_6"], "the document copied one from the other"
    decay = {each.id: each for each in DOCUMENTS["mnist-weight-decay"].experiment}
    assert decay["cnn"].curve["validation_accuracy"][-1] == 0.9919
    assert decay["cnn"].reported["test_accuracy"] == 0.9919000267982483
    l2 = [each for id_, each in decay.items() if id_.startswith("l2") and not each.added]
    assert max(max(each.values("highest_validation_accuracy")) for each in l2) == 0.9836999773979187
    study = {each.id: each for each in DOCUMENTS["mnist-parameters"].experiment}
    assert study["batch-4"].reported["validation_accuracy"] == 0.9654


def _scaling(recipe: Recipe) -> str:
    assert isinstance(recipe.data, Data)
    return recipe.data.scaling


def test_settings_that_several_experiments_share_come_before_readings_and_their_own() -> None:
    document = DOCUMENTS["usps-three-networks"]
    by_id = {each.id: each for each in document.experiment}
    none, dense = (
        document.variant(by_id[f"cnn-dropout-{id_}"], document.first_choice).recipe.network for id_ in ("none", "dense")
    )
    assert none.hidden.dropout == (0.0,)
    assert dense.hidden.dropout == (0.5,)
    assert none.kind == dense.kind == "convolutional"


def test_readings_change_one_silent_field_at_a_time() -> None:
    document = DOCUMENTS["fashion-finetuning"]
    (adam,) = [each for each in document.experiment if each.id == "optimizer-adam"]
    first = document.variant(adam, document.first_choice)
    others = [document.variant(adam, each) for each in document.neighbours(document.first_choice)]
    assert first.reading == ""
    assert (first.recipe.training.epochs, first.recipe.training.batch_size) == (30, 256)
    by_name = {each.reading: each.recipe for each in others if each.reading}
    assert len(by_name) == 7, "Adam has its epsilon; means over the epochs need no training"
    assert by_name["dropout: none"].network.hidden.dropout == 0.0
    assert _scaling(by_name["scaling: not scaled"]) == "none"
    assert {each.training.optimizer.kind for each in by_name.values()} == {"adam"}
    means = document.choice("history: means over the epochs")
    assert document.variant(adam, means).recipe == first.recipe, "the same training, read off otherwise"
    named = document.choice("history: means over the epochs, epochs: 20, the base model's")
    assert document.compared_figures(named) == {
        "training_accuracy": "mean_training_accuracy",
        "validation_accuracy": "mean_validation_accuracy",
    }
    assert document.compared_figures(document.first_choice) == {}


def test_a_mistake_in_a_document_is_reported_with_its_place(tmp_path: Path) -> None:
    from tuner.base.errors import StudyError

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


def test_the_data_sets_of_a_documents_experiments_are_known() -> None:
    data = {id_: recipe.data.name for id_, recipe in DOCUMENTS["mnist-parameters"].recipes.items()}
    playground = {id_: name for id_, name in data.items() if name != "mnist"}
    assert playground == {f"playground-{name}": name for name in ("spiral", "xor", "circle")}
    assert len(data) - len(playground) == 22
