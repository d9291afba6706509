"""Studies and their data: networks that cannot be built on its shape, protocols that need more examples than it has."""

from pathlib import Path

import pytest

from tuner.base.errors import StudyError
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.study import StudyFile, load, setting
from tuner.training.costs import Preflight


def digits(*settings: str) -> StudyFile:
    """A study of images of 8 × 8, with settings."""
    return load(Path(__file__).parent / "digits.toml", "digits", [setting(each) for each in settings])


def refusal(*settings: str) -> str:
    """The message about the study with these settings, without the file's path."""
    with pytest.raises(StudyError) as error:
        digits(*settings)
    return str(error.value).partition(".toml: ")[2]


DEEP = (
    "network.convolutional.padding=valid",
    "network.convolutional.filters={repeat={low=1, high=4}, each={low=8, high=32}}",
    "network.convolutional.kernel={choice=[3, 5]}",
)


def test_the_share_of_a_space_that_cannot_be_built_is_estimated() -> None:
    """In the convolutional half one convolution can be built, and two, three or four cannot."""
    found = digits(*DEEP).unbuildable
    assert found is not None
    assert found.share == pytest.approx(3 / 8, abs=0.065), "three standard errors of 500"
    assert str(found).startswith("about ")
    assert str(found).endswith("): such trials are refused")
    assert "% of the space cannot be built (recipe.network.convolutional.filters: " in str(found)


def test_the_share_of_a_small_space_is_counted() -> None:
    fixed = ("network.kind=convolutional", *DEEP[:1], "network.convolutional.kernel=3")
    learned = ("training.optimizer=adam", "training.batch_size=32", "training.schedule=constant")
    few = ("network.filters={repeat={low=1, high=4}, each=8}", "network.widths=[]", "network.hidden={}")
    found = digits(*fixed, *learned, *few).unbuildable
    assert found is not None
    assert (found.share, found.counted) == (0.75, True)
    assert str(found) == (
        "75 % of the space cannot be built (recipe.network.convolutional.filters: pooling by 2 after convolution 2 has "
        "only 1×1 left; use fewer filters, a smaller pool or padding 'same'): such trials are refused"
    )


def test_a_space_that_can_be_built_has_no_unbuildable_part() -> None:
    assert digits().unbuildable is None


def test_a_study_of_networks_that_cannot_be_built_is_refused() -> None:
    assert refusal("network.kind=convolutional", *DEEP[:1], "network.convolutional.kernel=9") == (
        "recipe.network.convolutional.filters: convolution 1 with kernel 9 has only 8×8 left; use fewer filters, a "
        "smaller kernel or padding 'same'"
    )
    assert refusal("data.name=spiral", "network.kind=convolutional") == (
        "recipe.network.kind: must be 'dense' for inputs that are not images, which have the shape [2]"
    )


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        (
            "{kind='holdout', validation=1437}",
            "recipe.protocol.validation: must leave something of the 1437 training examples on both sides, got 1437",
        ),
        (
            "{kind='holdout', validation=5}",
            "recipe.protocol.pick: 'stratified' needs two examples of every class, and both parts at least as large as "
            "there are classes; use 'random'",
        ),
    ],
)
def test_a_protocol_that_needs_more_examples_than_there_are_is_refused(protocol: str, message: str) -> None:
    assert refusal(f"protocol={protocol}") == message


def test_a_recipe_that_cannot_be_built_is_refused_before_it_is_trained(places: Places) -> None:
    deepest = digits("network.kind=convolutional", *DEEP).corners[-1][1]
    preflight = Preflight({"digits": training_set("digits", places)}, 2**40)
    assert preflight.refusal(deepest) == (
        "recipe.network.filters: convolution 2 with kernel 5 has only 2×2 left; use fewer filters, a smaller kernel or padding "
        "'same'"
    )
