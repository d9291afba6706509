"""`export`: a model in other formats."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tuner.base.errors import TunerError
from tuner.commands.arguments import DataDir, Runs, Storage, required_storage
from tuner.commands.terminal import load_tensorflow


class Quantized(StrEnum):
    """The numbers that a LiteRT file stores in 8 bits: none, the weights, or all."""

    none = "none"
    dynamic = "dynamic"
    int8 = "int8"


def export(
    out: Annotated[
        Path, typer.Option(help="The .keras, .tflite or .onnx file, or the folder of a SavedModel, to write.")
    ],
    study: Annotated[str, typer.Option("--study", "-s", help="Name of a study whose winner is confirmed.")] = "",
    model: Annotated[Path | None, typer.Option("--model", "-m", help="A .keras file, in place of a study.")] = None,
    format: Annotated[str, typer.Option(help="keras, saved_model, litert or onnx. [by the suffix]")] = "",
    quantize: Annotated[
        Quantized, typer.Option(help="LiteRT only: 8 bits for the weights (dynamic) or for everything (int8).")
    ] = Quantized.none,
    data: Annotated[
        str,
        typer.Option("--data", "-d", help="Data on which the two models are compared. [a part of the training data]"),
    ] = "",
    runs: Runs = None,
    storage: Storage = None,
    data_dir: DataDir = None,
) -> None:
    """Write a model with its metadata (.json) and its card (.md). The written model is loaded again and compared first."""
    if bool(study) == (model is not None):
        raise TunerError("say --study NAME or --model FILE")
    from tuner.data.sources import Places
    from tuner.deploy.export import export_model, final_model_of, format_of

    chosen = format_of(out, format)
    source = model or final_model_of(required_storage(runs, storage), study)
    load_tensorflow()
    done = export_model(source, out, chosen, quantize.value, data, Places.from_environment(data_dir))
    print("\n".join(done.lines()))
