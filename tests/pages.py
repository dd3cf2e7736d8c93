"""What the tests of pages share: hostile text, a parser of HTML, a browser."""

import json
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
needs_browser = pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")

HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=alert(1)>\"'&"


def write_lines(path, *rows, tail=""):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + tail)


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text outside scripts and styles."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._open = tag

    def handle_data(self, data):
        if self._open not in ("script", "style"):
            self.text += data

    def all(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


def rendered(path, profile):
    """The DOM of a page after its scripts ran."""
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
        " --disable-background-networking --disable-component-update --disable-sync"
        " --window-size=1400,1000 --virtual-time-budget=3000 --dump-dom"
    )
    command = [BROWSER, *flags.split(), f"--user-data-dir={profile}", path.as_uri()]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=True
    ).stdout
