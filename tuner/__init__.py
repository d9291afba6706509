"""Tunes Keras networks with Optuna: a study file is a recipe with holes."""

__version__ = "0.1.0"
