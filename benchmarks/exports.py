"""Every export format by every kind of model: written, loaded again by its own runtime, compared with the model.

    python benchmarks/exports.py [KIND ...] [--formats FORMAT ...] [--out benchmarks/results/exports.json]

Each kind is one or two networks of a few neurons, trained for two epochs on data made here, and saved as confirmation saves
it. The kinds that are named replace those in the results. `docs/deploying.md` has the table, which `--markdown` prints.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from common import about_this_machine, write_results
from PIL import Image

from tuner.base.errors import TunerError
from tuner.data.ingest.ingest import ingest
from tuner.data.sources import Places
from tuner.deploy.export import export_model
from tuner.networks import Convolutional, Dense, Hidden, LocallyConnected, ResidualDense, Staged, TabularEnsemble
from tuner.networks.columns import Column, Encoding
from tuner.recipe import AnyData, Arrays, Data, Images, Recipe, Table, Training, Views
from tuner.recipe.losses import PlainLoss
from tuner.worker import require_answers
from tuner.worker.executor import Setup
from tuner.worker.folder import Folder
from tuner.worker.inprocess import InProcess
from tuner.worker.jobs import Combine, Train

BFLOAT16 = Hidden(precision="bfloat16")
NORMALIZED = Hidden(precision="bfloat16", batch_normalization="before", dropout=0.2)
FORMATS = {
    "keras": ("model.keras", "none"),
    "saved_model": ("model", "none"),
    "litert": ("model.tflite", "none"),
    "litert dynamic": ("model.tflite", "dynamic"),
    "litert int8": ("model.tflite", "int8"),
    "onnx": ("model.onnx", "none"),
}
ROWS = 200


@dataclass(frozen=True)
class Kind:
    """A kind of model: its data, its network, and how many networks it averages."""

    data: Callable[[Path], AnyData]
    network: Any
    members: int = 1
    is_mirrored: bool = False
    target_scale: Any = "standard"


def digits(folder: Path) -> AnyData:
    """Gray pictures of the catalogue."""
    return Data(name="digits")


def colour(folder: Path) -> AnyData:
    """Colour pictures in folders, 12 by 10."""
    generator = np.random.default_rng(0)
    for name, light in (("dark", 0), ("light", 100)):
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(20):
            values = generator.integers(light, light + 150, (12, 10, 3), dtype=np.uint8)
            Image.fromarray(values).save(folder / "pictures" / name / f"{number:02}.png")
    return Images(path="pictures", size=(12, 10), color=True)


def arrays(folder: Path) -> AnyData:
    """Points in the plane, with two classes."""
    points = np.random.default_rng(0).uniform(-1, 1, (ROWS, 2)).astype(np.float32)
    np.savez(folder / "xor.npz", x=points, y=np.where(points.prod(axis=1) > 0, "same", "other"))
    return Arrays(path="xor.npz")


def frame() -> pd.DataFrame:
    """Numbers with gaps, and columns of every other kind; each target depends on them."""
    generator = np.random.default_rng(0)
    numbers = generator.normal(size=(ROWS, 3)) * (1, 1000, 1e-3)
    city = generator.choice(["Köln", "Århus", "İzmir", "Łódź"], ROWS)
    words = np.array(["rot", "blau", "grün", "alt", "neu"])
    table = pd.DataFrame(numbers, columns=["near", "far", "tiny"])
    score = table["near"] + (city == "Köln") + generator.normal(size=ROWS) / 4
    table = table.mask(generator.uniform(size=table.shape) < 0.2)
    return table.assign(
        city=pd.Series(city).mask(generator.uniform(size=ROWS) < 0.1),
        town=generator.choice([f"town {number}" for number in range(30)], ROWS),
        member=generator.choice(["yes", "no"], ROWS),
        joined=pd.Timestamp("2020-01-01") + pd.to_timedelta(generator.integers(0, 2000, ROWS), "D"),
        note=[" ".join(generator.choice(words, generator.integers(0, 4))) for _ in range(ROWS)],
        target=np.where(score > 1, "high", np.where(score > 0, "middle", "low")),
        other=np.where(table["far"].fillna(0) > 0, "yes", "no"),
        amount=1000 + 50 * score,
        year=1e9 + score,
    )


GAPS = tuple(Column(name=name, kind="number") for name in ("near", "far", "tiny"))
MIXED = (
    *GAPS,
    Column(name="city", kind="category"),
    Column(name="town", kind="category"),
    Column(name="member", kind="boolean"),
    Column(name="joined", kind="date"),
    Column(name="note", kind="text"),
)


def table(columns: tuple[Column, ...] = MIXED, **settings: Any) -> Callable[[Path], AnyData]:
    """A table with these columns; by default with a target of three classes."""

    def data(folder: Path) -> AnyData:
        plain = frame()
        plain["label"] = (plain["other"] == "yes").astype(int)
        plain["second"] = (plain["amount"] > 1000).astype(int)
        plain.to_csv(folder / "table.csv", index=False)
        return Table(**{"path": "table.csv", "target": "target", "columns": columns, **settings})

    return data


def gaps(numbers: Any) -> Kind:
    """A table of numbers with gaps, encoded in this way."""
    return Kind(table(GAPS, encoding=Encoding(numbers=numbers)), Dense(widths=(64,)))


KINDS = {
    "gray pictures, dense": Kind(digits, Dense(widths=(64,))),
    "gray pictures, dense, bfloat16": Kind(digits, Dense(widths=(64,), hidden=NORMALIZED)),
    "gray pictures, convolutional": Kind(digits, Convolutional(filters=(4, 4), kernel=2, pool_every=2)),
    "gray pictures, convolutional, bfloat16": Kind(digits, Convolutional(filters=(4,), widths=(8,), hidden=NORMALIZED)),
    "gray pictures, locally connected": Kind(digits, LocallyConnected(filters=(2,), dimensions=2, window=3, stride=2)),
    "gray pictures, average of two, bfloat16": Kind(digits, Convolutional(filters=(4,), hidden=BFLOAT16), members=2),
    "gray pictures, mirrored": Kind(digits, Dense(widths=(64,)), is_mirrored=True),
    "colour pictures, residual stages, bfloat16": Kind(
        colour, Staged(filters=(4, 8), block="residual", hidden=NORMALIZED)
    ),
    "colour pictures, average of two, mirrored": Kind(
        colour, Convolutional(filters=(4,), hidden=NORMALIZED), members=2, is_mirrored=True
    ),
    "arrays, residual": Kind(arrays, ResidualDense(width=8, blocks=2)),
    "arrays, one signed output": Kind(arrays, Dense(widths=(64,), output="signed")),
    "table with gaps, quantile": gaps("quantile"),
    "table with gaps, robust": gaps("robust"),
    "table with gaps, piecewise": gaps("piecewise"),
    "table with gaps, periodic": gaps("periodic"),
    "table with categories, dates and texts": Kind(table(), Dense(widths=(64,))),
    "table, average of two, bfloat16": Kind(table(), Dense(widths=(64,), hidden=BFLOAT16), members=2),
    "table, ensemble in one network": Kind(table(), TabularEnsemble(widths=(8, 8), members=4)),
    "table, two classes": Kind(table(target="other"), Dense(widths=(64,))),
    "table, several labels": Kind(
        table(target=("label", "second"), task="multi_label"), Dense(widths=(64,), output="sigmoid")
    ),
    "table, regression": Kind(table(target="amount", task="regression"), Dense(widths=(64,), output="linear")),
    "table, regression of logarithms": Kind(
        table(target="amount", task="regression"), Dense(widths=(64,), output="linear"), target_scale="log"
    ),
    "table, regression far from 0": Kind(table(target="year", task="regression"), Dense(widths=(64,), output="linear")),
}


def main() -> None:
    """Train, export, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="Kinds of model. [all]")
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=FORMATS)
    parser.add_argument("--markdown", type=Path, help="Print the table of these results.")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.markdown:
        print(markdown(json.loads(arguments.markdown.read_text(encoding="utf-8"))["exports"]))
        return
    exports = json.loads(arguments.out.read_text())["exports"] if arguments.out and arguments.out.is_file() else {}
    for name in arguments.kinds or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            exports[name] = exported(KINDS[name], Path(folder), arguments.formats)
        print(json.dumps({name: exports[name]}), flush=True)
        if arguments.out:
            in_order = {each: exports[each] for each in KINDS if each in exports}
            write_results(arguments.out, {**about_this_machine(), "exports": in_order})


def exported(kind: Kind, folder: Path, formats: list[str]) -> dict[str, Mapping[str, Any]]:
    """What came of each format."""
    places = Places(None, folder / "cache")
    model = saved(kind, folder, places)
    cells: dict[str, Mapping[str, Any]] = {}
    for name in formats:
        file, quantize = FORMATS[name]
        try:
            done = export_model(model, folder / name / file, name.split()[0], quantize, "", places)
        except TunerError as error:
            cells[name] = {"refused": str(error).replace(f"{folder}/", "")}
        else:
            cells[name] = {"difference": done.difference, "rounding": done.rounding, "figures": done.figures}
    return cells


def saved(kind: Kind, folder: Path, places: Places) -> Path:
    """A trained model with its metadata, as confirmation saves it."""
    recipe = recipe_of(kind, folder, places)
    executor = InProcess(Setup(places, folder=Folder(folder)))
    names = [f"member-{number}" for number in range(kind.members)]
    trainings = [Train(replace(recipe, seed=number), save=name) for number, name in enumerate(names)]
    require_answers(executor, trainings, object, "training failed")
    coding = recipe if isinstance(recipe.data, Table) else None
    require_answers(
        executor,
        [Combine(tuple(names), "best", Views(is_mirrored=kind.is_mirrored), table=coding)],
        int,
        "saving failed",
    )
    metadata = {
        **{"study": "export", "trial": 0, "recipe": recipe.to_dict(), "seeds": [0], "measure": "accuracy"},
        **{
            "validation_accuracy": [0.5],
            "test_accuracy": 0.5,
            "test_loss": 1.0,
            "test_interval": [0, 1],
            "test_examples": 1,
        },
        **{"model": "best.keras", "parameters": 0},
    }
    (folder / "best.json").write_text(json.dumps(metadata), encoding="utf-8")
    return folder / "best.keras"


def recipe_of(kind: Kind, folder: Path, places: Places) -> Recipe:
    """Two epochs on the kind's data."""
    data = kind.data(folder)
    if not isinstance(data, Data):
        data = ingest(data, folder, places, lambda text: None)
    losses: dict[str, Any] = {
        "softmax": "sparse_categorical_crossentropy",
        "sigmoid": "binary_crossentropy",
        "linear": "mean_squared_error",
        "signed": "mean_squared_error",
    }
    loss = PlainLoss(kind=losses[kind.network.output])
    training = Training(epochs=2, batch_size=16, loss=loss, target_scale=kind.target_scale)
    return Recipe(data=data, network=kind.network, training=training)


def markdown(exports: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """The table of the documentation."""
    lines = ["| model | " + " | ".join(FORMATS) + " |", "|---" * (len(FORMATS) + 1) + "|"]
    for kind, cells in exports.items():
        lines.append(f"| {kind} | " + " | ".join(cell_text(cells[name]) for name in FORMATS) + " |")
    return "\n".join(lines)


def cell_text(cell: Mapping[str, Any]) -> str:
    """The largest difference; with the metric before and after for a quantized model; or the reason."""
    if "refused" in cell:
        return str(cell["refused"])
    text = f"{cell['difference']:.1g}"
    metric, pair = next(iter(cell["figures"].items()), ("", ()))
    return f"{text}; {metric} {pair[0]:.3f} → {pair[1]:.3f}" if pair else text


if __name__ == "__main__":
    main()
