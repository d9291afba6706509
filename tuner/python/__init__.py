"""The program as a library: a search on data from Python, its outcome as a value, scikit-learn estimators."""
