"""The program as a library: data from Python in, a search, and what came of it as a value that shows itself."""
