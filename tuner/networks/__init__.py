"""From a recipe's network to a Keras model: a table from kind to builder, and our own layers."""
