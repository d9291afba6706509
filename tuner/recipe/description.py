"""What networks and reports have to know of a recipe's data, without its arrays."""

from dataclasses import dataclass

from tuner.base.errors import Invalid
from tuner.base.metrics import Task
from tuner.data.catalogue import CATALOGUE
from tuner.networks import Inputs
from tuner.networks.columns import Rows
from tuner.networks.function import Outputs
from tuner.networks.parts import NamedShapes
from tuner.recipe.data import AnyData, Data, Images, Table


@dataclass(frozen=True)
class Description:
    """Data without its arrays. `inputs` are what a network takes; `classes` are the names of the classes, labels or targets;
    `rarest` counts the training examples of the rarest class."""

    task: Task
    inputs: Inputs
    classes: tuple[str, ...]
    training_examples: int
    test_examples: int
    rarest: int
    value_range: tuple[float, float]
    identity: str
    targets: NamedShapes = ()

    @property
    def outputs(self) -> Outputs:
        """How many numbers a network returns for an example; the names and shapes of targets of any shape."""
        return self.targets or len(self.classes)


def describe(data: AnyData) -> Description:
    """The data without its arrays. Raises `Invalid` for own data whose facts have not been read."""
    if isinstance(data, Data):
        entry = CATALOGUE[data.name]
        sizes = entry.training_examples, entry.test_examples, entry.training_examples // len(entry.classes)
        return Description(data.task, entry.shape, entry.classes, *sizes, entry.value_range, entry.identity)
    facts = data.found
    if facts is None:
        raise Invalid("data.found", "missing: the data has not been read, which loading a study file does")
    low, high = facts.value_range
    inputs: Inputs = Rows(facts.columns, data.encoding) if isinstance(data, Table) else facts.shape
    sizes = facts.training_examples, facts.test_examples, facts.rarest
    targets = () if isinstance(data, Images) else tuple((each.name, each.shape) for each in data.target_shapes)
    return Description(data.task, inputs, facts.classes, *sizes, (low, high), facts.identity, targets)
