"""URLs of storages: the embedded one's, and how any of them may be printed."""

import re
from contextlib import suppress
from pathlib import Path

NAME = "tuner.db"
SECRET = r"([^?&=;]*(?:passw|pwd|secret|token|key|odbc_connect)[^=&;]*=)[^&]*"
"""A parameter of a URL, or of an ODBC connection in one, whose value is not to be shown."""


def default_url(runs: Path) -> str:
    """The embedded storage of a runs folder, for all its studies."""
    from sqlalchemy.engine import URL

    return URL.create("sqlite", database=str((runs / NAME).resolve())).render_as_string()


def file_in(url: str) -> Path | None:
    """The file of SQLite or of a journal; None for a database in memory, a URI of SQLite's own, a server, and what is no URL."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    name = url.removeprefix("journal:") if url.startswith("journal:") else ""
    if url.startswith("sqlite"):
        with suppress(ArgumentError):
            name = make_url(url).database or ""
    return Path(name) if name and not name.startswith("file:") else None


def hide_password(url: str) -> str:
    """The URL as it may be printed. Everything between the first colon of a user's name and the last `@` counts as a password:
    SQLAlchemy takes less where the password itself contains such characters."""
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    if not mark and url.startswith("journal:"):
        return url
    rest = re.sub(SECRET, r"\1***", rest, flags=re.IGNORECASE)
    return scheme + mark + re.sub(r"^([^:/?]*):.*@", r"\1:***@", rest, flags=re.DOTALL)


def without_passwords(message: str) -> str:
    """The message of a driver, which may have taken the end of a password for a host."""
    return re.sub(r"[^\s'\"]+@", "***@", message)
