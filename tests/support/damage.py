"""Damage to good files: a few edits of their bytes, of the texts in them, and of what is packed in them."""

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from tuner.base.errors import TunerError

TOKENS = (
    *(
        b"",
        b"0",
        b"-1",
        b"1e999",
        b"nan",
        b"null",
        b"true",
        b"[]",
        b"{}",
        b'"',
        b"'",
        b",",
        b"\n",
        b"\r",
        b"\0",
        b"\xff",
    ),
    *(
        b"99999999999999999999",
        b"2000000000",
        b"9" * 5000,
        b"[" * 3000,
        b"\xc3\x28",
        b"\xf0\x9f\x98\x80",
        b"x" * 70_000,
    ),
)
"""What takes the place of a number or a word: what parsers stumble over."""


@dataclass(frozen=True)
class Edit:
    """A change at a `place` from 0 to 1, over a share of what follows, with a number for what is new."""

    kind: str
    place: float
    share: float
    number: int

    def applied(self, content: bytes) -> bytes:
        """The content with this change."""
        start = int(self.place * len(content))
        end = start + 1 + int(self.share**4 * (len(content) - start))  # mostly few bytes
        before, middle, after = content[:start], content[start:end], content[end:]
        match self.kind:
            case "flip":
                return before + bytes(each ^ 1 << self.number % 8 for each in middle[:1]) + content[start + 1 :]
            case "cut":
                return before
            case "delete":
                return before + after
            case "zero":
                return before + bytes(len(middle)) + after
            case "repeat":
                return before + middle * 2 + after
            case "set":
                return before + bytes([self.number % 256]) * min(4, len(middle)) + content[start + 4 :]
        return self._with_token(content, start)

    def _with_token(self, content: bytes, start: int) -> bytes:
        """With another text in place of the next number or word."""
        word = re.compile(rb"-?[\d.]+|\w+|\W").search(content, start)
        token = TOKENS[self.number % len(TOKENS)]
        return content[: word.start()] + token + content[word.end() :] if word else content + token


KINDS = ("flip", "cut", "delete", "zero", "repeat", "set", "token", "token")
SHARES = st.floats(0, 1, exclude_max=True)
EDITS = st.lists(
    st.builds(Edit, st.sampled_from(KINDS), SHARES, SHARES, st.integers(0, 10_000)), min_size=1, max_size=3
)


def edited(content: bytes, edits: Sequence[Edit]) -> bytes:
    """The content with these changes, one after the other."""
    for each in edits:
        content = each.applied(content)
    return content


def edited_inside(archive: bytes, edits: Sequence[Edit]) -> bytes:
    """A ZIP archive with these changes in one of its files, and right checksums."""
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(stream := io.BytesIO(), "w") as new:
        names = old.namelist()
        changed = names[edits[0].number % len(names)]
        for name in names:
            new.writestr(name, edited(old.read(name), edits) if name == changed else old.read(name))
    return stream.getvalue()


def require_refusal(path: Path, read: Callable[[], object]) -> None:
    """Fail unless it is read, or refused in one line that names it."""
    try:
        read()
    except TunerError as error:
        text = str(error)
        assert "\n" not in text
        assert path.name in text
