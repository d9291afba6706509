"""What stands in a recipe by name is what Keras has by that name: one contract for every optimizer and every loss."""

import keras
import numpy as np
import pytest

from tuner.base.decode import decode, kinds
from tuner.recipe import CategoricalCrossentropy, Loss, Optimizer, PlainLoss, Sgd, Training
from tuner.recipe.losses import wants_class_numbers
from tuner.recipe.optimizers import state_arrays
from tuner.training.compiling import make_loss, make_optimizer

LOGITS = np.array([[2.0, -1.0, 0.5]], np.float32)


@pytest.mark.parametrize("kind", kinds(Optimizer))
def test_an_optimizer_is_kerass_and_remembers_no_more_than_its_record_says(kind: str) -> None:
    settings: Optimizer = decode(Optimizer, kind)  # type: ignore[arg-type]
    optimizer = make_optimizer(Training(optimizer=settings))
    assert kind.replace("_", "") in [each.__name__.lower() for each in type(optimizer).mro()]
    weights = keras.Variable(np.zeros((5, 3), np.float32))
    optimizer.build([weights])
    assert sum(each.shape == weights.shape for each in optimizer.variables) <= state_arrays(settings)


def test_an_optimizer_has_the_recipes_numbers() -> None:
    made = make_optimizer(Training(optimizer=Sgd(momentum=0.9, nesterov=True)))
    assert (made.momentum, made.nesterov, made.weight_decay) == (0.9, True, None)


@pytest.mark.parametrize("kind", kinds(Loss))
def test_a_loss_is_found_by_its_name_and_takes_the_targets_that_it_wants(kind: str) -> None:
    loss: Loss = decode(Loss, kind)  # type: ignore[arg-type]
    wanted = np.array([0]) if wants_class_numbers(loss) else np.eye(3, dtype=np.float32)[[0]]
    assert np.isfinite(float(make_loss(loss, from_logits=False)(wanted, keras.ops.softmax(LOGITS))))


@pytest.mark.parametrize(
    ("loss", "wanted"),
    [(PlainLoss(kind="sparse_categorical_crossentropy"), [0]), (CategoricalCrossentropy(), [[1.0, 0.0, 0.0]])],
)
def test_cross_entropies_take_logits(loss: Loss, wanted: list[object]) -> None:
    of_logits = make_loss(loss, from_logits=True)(np.array(wanted), LOGITS)
    of_shares = make_loss(loss, from_logits=False)(np.array(wanted), keras.ops.softmax(LOGITS))
    np.testing.assert_allclose(of_logits, of_shares, rtol=1e-5)
