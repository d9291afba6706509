"""`python -m tuner`, and the console script `tuner`."""

import sys


def main() -> None:
    """Run the command line; the one place where errors become exit codes (see `tuner.cli.run`)."""
    from tuner.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
