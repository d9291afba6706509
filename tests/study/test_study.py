"""Study files: reading, refused files, and the shipped ones."""

from pathlib import Path

import pytest

from tuner.base.errors import StudyError
from tuner.base.machine import fast_precision
from tuner.data.catalogue import CATALOGUE
from tuner.networks import parameters
from tuner.recipe import Sgd
from tuner.study import load, setting
from tuner.study.places import find_study, study_files


def complaint(path: Path, text: str) -> str:
    """The message about a study file with this text, without its path."""
    path.write_text(text)
    with pytest.raises(StudyError) as error:
        load(path, "study")
    return str(error.value).removeprefix(f"{path}: ")


def test_every_corner_of_a_study_is_a_recipe(small_study: Path) -> None:
    study = load(small_study, "small")
    optimizers = {recipe.training.optimizer.kind for _, recipe in study.corners}
    momenta = {
        each.training.optimizer.momentum for _, each in study.corners if isinstance(each.training.optimizer, Sgd)
    }
    assert optimizers == {"adam", "sgd"}
    assert momenta == {0.0, 0.9}
    assert study.epochs == 2
    assert study.datasets == ("xor",)


@pytest.mark.parametrize("name", sorted(study_files()))
def test_the_corners_of_every_shipped_study_fit_their_data(name: str) -> None:
    study = load(find_study(name)[1], name)
    for _, recipe in study.corners:
        entry = CATALOGUE[recipe.data.name]
        assert parameters(recipe.network, entry.shape, len(entry.classes)) > 0


ASKED_FOR = {
    "layers": "network.{kind}.widths.count",
    "widths": "network.{kind}.widths[0]",
    "activations": "network.{kind}.hidden.activation",
    "loss": "training.loss.kind",
    "optimizer": "training.optimizer.kind",
    "initializer": "network.{kind}.hidden.initializer",
    "dropout": "network.{kind}.hidden.dropout",
    "batch normalization": "network.{kind}.hidden.batch_normalization",
    "regularization": "network.{kind}.hidden.kernel_l2",
}
"""What a study of pictures searches, with its address in a network of each kind."""


@pytest.mark.parametrize("name", ["fashion", "mnist", "usps", "digits"])
def test_the_studies_of_pictures_search_all_that_was_asked_for(name: str) -> None:
    """In dense networks and in convolutional ones."""
    holes = load(find_study(name)[1], name).holes
    kinds = ("dense", "staged")
    missing = [
        f"{what} ({each})" for each in kinds for what, at in ASKED_FOR.items() if at.format(kind=each) not in holes
    ]
    assert missing == []


def test_the_five_studies_are_shipped() -> None:
    assert {"fashion", "mnist", "usps", "digits", "playground"} <= set(study_files())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[budget]", "[bugdet]", "bugdet: unknown key; did you mean budget?"),
        ("trials = 4", "trials = -1", "budget.trials: must be at least 0, got -1"),
        ("batch_size = 50", "batch_sise = 50", "recipe.training.batch_sise: unknown key; did you mean batch_size?"),
        ("high = 0.9", "high = 1.5", "recipe.training.optimizer.momentum: must be at least 0 and less than 1, got 1.5"),
        (
            '"validation_accuracy"',
            '"accuracy"',
            "objective: unknown metric 'accuracy'; did you mean validation_accuracy?",
        ),
        (
            'pruner = "none"',
            'pruner = { kind = "median", warmup_epochs = 2 }',
            "search.pruner: can never stop a trial: median stops after epoch 2 at the earliest, and trials end at 2",
        ),
        (
            'pruner = "none"',
            'pruner = { kind = "median", warmup_epochs = 1 }',
            "search.pruner.startup_trials: can never stop a trial: it waits for 5 finished trials of a budget of 4",
        ),
        (
            'pruner = "none"',
            'pruner = "wilcoxon"',
            "search.pruner: must not be 'wilcoxon' without a protocol of at least 3 folds, got 'wilcoxon'",
        ),
        (
            'objective = "validation_accuracy"\n',
            'objective = ["validation_accuracy", "parameters"]\n',
            None,
        ),
        (
            "[recipe.training]",
            '[recipe.protocol]\nkind = "none"\n[recipe.training]',
            "objective: validation_accuracy needs a validation part, which protocol.kind 'none' does not have",
        ),
        (
            "[recipe.training]",
            '[recipe.protocol]\nkind = "on_test"\n[recipe.training]',
            "recipe.protocol: validates on the test part, which no search may use",
        ),
        (
            'pruner = "none"',
            'sampler = "brute_force"\npruner = "none"',
            "search.sampler: 'brute_force' needs a space without continuous ranges; use 'grid' or give steps",
        ),
    ],
)
def test_a_study_that_cannot_work_is_refused_before_the_first_trial(
    small_study: Path, old: str, new: str, message: str | None
) -> None:
    text = small_study.read_text()
    assert old in text
    if message is None:
        small_study.write_text(text.replace(old, new))
        assert load(small_study, "study").objectives == ("validation_accuracy", "parameters")
    else:
        assert complaint(small_study, text.replace(old, new)) == message


def test_losses_that_cannot_be_compared_are_no_objective(small_study: Path) -> None:
    text = small_study.read_text().replace('"validation_accuracy"', '"validation_loss"')
    two = text.replace(
        'loss = "sparse_categorical_crossentropy"',
        'loss = { choice = ["sparse_categorical_crossentropy", "kl_divergence"] }',
    )
    assert complaint(small_study, two) == (
        "objective: validation_loss cannot be compared between the losses kl_divergence, "
        "sparse_categorical_crossentropy; use validation_accuracy"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("trials = 4", "trials = 0xffffffffffffffffff", "budget.trials: must be a number of at most 64 bits"),
        (
            '"validation_accuracy"',
            "[2024-01-01]",
            "objective[0]: must be a text, a number, true, false, a list or a table",
        ),
        ("minutes = 5", "minutes = nan", "budget.minutes: must be a finite number, got nan"),
        (
            '"adam", {',
            '{ kind = ["adam"] }, {',
            "recipe.training.optimizer.one_of[0]: must be a kind or a table with a",
        ),
        ('pruner = "none"', "pruner = { kind = [] }", "search.pruner.kind: unknown kind []; allowed: none, median"),
        ("trials = 4", f"trials = {'9' * 5000}", "is not valid TOML: Exceeds the limit (4300 digits)"),
        ("trials = 4", f"trials = {'[' * 5000}", "is not valid TOML: "),
        (
            "low = 1, high = 2",
            "low = 1, high = 1_000_000_000",
            "recipe.network.widths.repeat: must be whole, at least 0",
        ),
    ],
)
def test_values_that_no_storage_can_hold_are_refused_with_their_address(
    small_study: Path, old: str, new: str, message: str
) -> None:
    text = small_study.read_text()
    assert old in text
    assert complaint(small_study, text.replace(old, new)).startswith(message)


def test_the_message_about_broken_toml_has_its_line(small_study: Path) -> None:
    assert complaint(small_study, "objective = \n").startswith("is not valid TOML: Invalid value (at line 1")


def test_settings_change_values_and_fix_holes(small_study: Path) -> None:
    settings = [setting("training.epochs=5"), setting("training.optimizer.kind=sgd"), setting("search.seed=7")]
    study = load(small_study, "small", settings)
    assert study.search.seed == 7
    assert {recipe.training.epochs for _, recipe in study.corners} == {5}
    assert {recipe.training.optimizer.kind for _, recipe in study.corners} == {"sgd"}


def test_a_setting_may_be_a_hole_or_plain_text() -> None:
    assert setting("a.b={choice=[1,2]}") == ("a.b", {"choice": [1, 2]})
    assert setting("data.name=usps") == ("data.name", "usps")
    with pytest.raises(StudyError, match=r"^--set epochs: must be address=value, such as training\.batch_size=64$"):
        setting("epochs")


def test_an_unknown_study_has_a_near_miss() -> None:
    with pytest.raises(StudyError, match=r"^there is no study 'fashon'; did you mean fashion\?$"):
        find_study("fashon")
    with pytest.raises(StudyError, match=r"^there is no study file nowhere/x\.toml$"):
        find_study("nowhere/x.toml")


def test_an_automatic_precision_is_resolved_when_the_file_is_read(small_study: Path) -> None:
    hidden = "[recipe.network.hidden]\nprecision = "
    small_study.write_text(small_study.read_text() + hidden + '"auto"\n')
    study = load(small_study, "small")
    assert {recipe.network.hidden.precision for _, recipe in study.corners} == {fast_precision()}
    assert study.resolved["recipe"]["network"]["hidden"]["precision"] == fast_precision()


def test_a_study_may_start_from_known_values(small_study: Path) -> None:
    small_study.write_text(
        small_study.read_text() + '[[start]]\n"training.optimizer.kind" = "sgd"\n"network.widths[0]" = 5\n'
    )
    assert load(small_study, "small").start == ({"training.optimizer.kind": "sgd", "network.widths[0]": 5},)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            '"training.optimiser.kind" = "sgd"',
            "start[0].training.optimiser.kind: no hole of the recipe has this address; did you mean training.optimizer.kind?",
        ),
        (
            '"training.optimizer.kind" = "adagrad"',
            "start[0].training.optimizer.kind: must be one of adam, sgd, got 'adagrad'",
        ),
        (
            '"network.widths[0]" = 99',
            "start[0].network.widths[0]: must be a whole number from 2 to 8 (nearest: 8), got 99",
        ),
        (
            '"network.widths[0]" = 2.5',
            "start[0].network.widths[0]: must be a whole number from 2 to 8 (nearest: 2, 3), got 2.5",
        ),
        (
            '"network.widths.count" = true',
            "start[0].network.widths.count: must be a whole number from 1 to 2, got True",
        ),
        (
            '"training.optimizer.sgd.momentum" = 2024-01-01',
            "start[0].training.optimizer.sgd.momentum: must be a text, a number, true, false, a list or a table, "
            "got 2024-01-01",
        ),
    ],
)
def test_a_start_that_the_space_does_not_have_is_refused(small_study: Path, line: str, message: str) -> None:
    assert complaint(small_study, small_study.read_text() + f"[[start]]\n{line}\n") == message
