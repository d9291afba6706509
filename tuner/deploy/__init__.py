"""A saved model in use: what it says of new data, and how right it is there."""
