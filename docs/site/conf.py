"""What Sphinx makes the site with; `build.py` runs it."""

from pathlib import Path

import passback

project = "Passback"
version = release = passback.__version__
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
language = "en"
smartquotes = False  # text is shown as it is written, as on a forge

# Anchors are those of a forge.
myst_heading_anchors = 4
myst_links_external_new_tab = False

html_theme_path = ["."]
html_theme = "theme"
html_title = "Passback"
html_search_scorer = str(Path(__file__).with_name("scorer.js"))
html_copy_source = False
html_use_index = False
html_show_sphinx = False
