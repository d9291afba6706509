"""The search: ask Optuna, fill the holes, run, tell."""
