"""Documents with grids of experiments: what they report, replicated with the same recipes and trainer, and judged."""
