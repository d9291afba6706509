"""What tests of reports share: checks of a written page."""

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

from tuner.charts.content import Page

FILES = {"report.html", "report.md", "summary.json", "trials.csv", "baselines.csv", "figures"}
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Checker(HTMLParser):
    """Fails where tags do not close in order; collects ids and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the open tag and its addresses."""
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "data", "action", "poster")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A drawing's `<path/>`."""

    def handle_endtag(self, tag: str) -> None:
        """The innermost open tag must be this one."""
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def checked(out: Path, page: Page) -> str:
    """The HTML of a report; fails where a file is missing or invalid."""
    names = {path.name for path in out.iterdir()}
    assert names - {"documents.html", "documents.md"} == FILES
    html = (out / "report.html").read_text()
    checker = Checker()
    checker.feed(html)
    assert checker.open == []
    assert len(set(checker.ids)) == len(checker.ids)
    assert all(each.startswith(("#", "data:")) or each in names for each in checker.addresses), "no request to any host"
    assert "url(" not in html
    assert "@import" not in html
    for drawing in re.findall(r"<svg.*?</svg>", html, re.S):
        ElementTree.fromstring(drawing)
    text = "".join(path.read_text() for path in out.glob("*.md"))
    linked = set(re.findall(r"\]\(figures/([^)]+)\)", text))
    assert linked == {path.name for path in (out / "figures").iterdir()}
    assert len(linked) >= len(list(page.charts()))
    for chart in page.charts():
        assert chart.id in checker.ids
    return html
