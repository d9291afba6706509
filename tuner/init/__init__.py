"""What `init` finds out about a user's data, and the study file that it writes."""
