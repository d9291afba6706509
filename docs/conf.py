"""The documentation's settings: `make docs` builds it with Sphinx, and fails on a broken link."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

project = "tuner"
author = "the authors of tuner"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.doctest", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "tuner"
html_static_path: list[str] = []
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # reference pages repeat headings
highlight_language = "none"
copybutton_prompt_text = "$ "
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
