"""A saved model in use: predictions, metrics on new data, HTTP, other formats, distillation."""
