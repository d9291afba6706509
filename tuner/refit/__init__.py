"""Training the best trials again: which, for how long, the final model, the one test."""
