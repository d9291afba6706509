"""Training one network: the epoch loop in the graph, and what it needs."""
