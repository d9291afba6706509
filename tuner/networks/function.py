"""A network that a function of the user's makes: where the function is, what it asked, and what it was answered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from tuner.base.errors import Invalid
from tuner.base.metrics import Task
from tuner.base.ranges import CountOrZero, NonEmpty, record
from tuner.networks.hidden import Hidden
from tuner.networks.layer import Layer, Shape
from tuner.networks.parts import NamedShapes

FunctionOutput = Literal["softmax", "linear", "sigmoid", "signed", "probability", "log_odds"]


@record
class NetworkInfo:
    """The facts of a model that a function has made. `output` is what its numbers are: probabilities of all classes, logits or plain
    numbers, probabilities of labels, or for two classes one number (from -1 to 1, a probability, or a logit). `compiled` names the
    optimizer and the loss that the function compiled it with; `gathers` counts the numbers of all layers' outputs. With a
    `problem` there is no model."""

    output: FunctionOutput = "softmax"
    parameters: CountOrZero = 0
    multiply_adds: CountOrZero = 0
    gathers: CountOrZero = 0
    compiled: str = ""
    problem: str = ""


@record
class Function:
    """A Keras model that a function of yours makes. `source` is a Python file, relative to the study file, and the function in it:
    `my_nets.py:build` (or a module that can be imported: `package.nets:build`). Its first parameter is `trial`, which suggests as an
    Optuna trial does, or `hp`, which is KerasTuner's; parameters named `inputs` and `outputs` get the shape of an example (where
    the data have pictures or arrays in columns, the shapes of the parts by name) and the number of outputs. It runs in training processes. `answers` are the values that it asked for; in a study file some of them may be
    fixed, or get another hole.

    A model that the function compiles keeps its optimizer, loss and metrics; one that is not compiled gets those of `training`.
    `sha256` is the hash of the source; `python:` stands for a function that only existed in the Python process that began a study.
    """

    kind: Literal["function"] = "function"
    source: NonEmpty
    sha256: str = ""
    answers: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    found: NetworkInfo | None = None

    hidden: ClassVar[Hidden] = Hidden()  # of families only: a function decides on its own layers

    @property
    def info(self) -> NetworkInfo:
        """The facts of its model, as far as they are known."""
        return self.found or NetworkInfo()

    @property
    def output(self) -> FunctionOutput:
        """What the numbers of its model are."""
        return self.info.output

    @property
    def sizes(self) -> str:
        """Its answers."""
        return ", ".join(f"{name} {_text(answer)}" for name, answer in self.answers.items())

    def layers(self, outputs: int) -> Iterator[Layer]:
        """The whole model as one layer. Raises `Invalid` where the function makes none."""
        if self.info.problem:
            raise Invalid("network.source", self.info.problem)
        yield Layer(
            "function",
            (outputs,),
            trainable=self.info.parameters,
            multiply_adds=self.info.multiply_adds,
            gathers=self.info.gathers,
            calculation=self.source,
        )


@dataclass(frozen=True)
class Call:
    """A function and what it gets: the shape of an example or of each of its parts, and the number of outputs, for a task."""

    source: str
    sha256: str
    inputs: Shape | NamedShapes
    outputs: int
    task: Task = "classification"

    @property
    def name(self) -> str:
        """The function's own name."""
        return self.source.rpartition(":")[2]

    @property
    def is_binary(self) -> bool:
        """Whether one number may stand for two classes."""
        return self.task == "classification" and self.outputs == 2


def _text(answer: object) -> str:
    return f"{answer:.3g}" if isinstance(answer, float) else str(answer)
