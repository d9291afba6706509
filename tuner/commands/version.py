"""The version."""

from tuner import __version__


def version() -> None:
    """Print the version."""
    print(f"tuner {__version__}")
