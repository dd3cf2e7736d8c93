"""What the tests of pages share: hostile text, a parser of HTML, a browser."""

import html
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
needs_browser = pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")

AXE = next(
    (
        file
        for folder in filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep))
        if (file := Path(folder, "axe-core", "axe.min.js")).is_file()
    ),
    None,
)
needs_axe = pytest.mark.skipif(
    not (BROWSER and AXE),
    reason="needs Chromium, npm install -g axe-core, and NODE_PATH=$(npm root -g)",
)

WIDTHS = (390, 1280, 1440)  # of a phone, a laptop and a desk

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


def rendered(path, profile, *, dark=False):
    """The DOM of a page after its scripts ran."""
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
        " --disable-background-networking --disable-component-update --disable-sync"
        " --window-size=1400,1000 --virtual-time-budget=30000 --dump-dom"
    )
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    command = [BROWSER, *flags.split(), scheme, f"--user-data-dir={profile}"]
    command.append(path.as_uri())
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=True
    ).stdout


OUTER = """<!doctype html><title>outer</title><script>
addEventListener("message", (event) => {
  const note = document.createElement("pre");
  note.textContent = JSON.stringify(event.data);
  document.body.append(note);
});
</script><body>%s"""


def told_by(page, probe, folder, *, dark=False):
    """What a probe script inside the page posts to its parent, at each of WIDTHS."""
    watch = (
        "<script>window.failures = [];"
        "addEventListener('error', (e) => failures.push(e.message));</script>"
    )
    # The policy forbids any script but the page's own, the probe too.
    probed = re.sub(r"<meta http-equiv=.*?>\n", watch, page, count=1)
    probed = probed.replace("</body>", probe + "</body>")
    (folder / "report.html").write_text(probed, encoding="utf-8")
    # A headless window is at least 500 wide; a frame in it may be as narrow as a phone.
    frames = "".join(
        f'<iframe src="report.html" style="width:{width}px;height:800px;border:0">'
        "</iframe>"
        for width in WIDTHS
    )
    (folder / "outer.html").write_text(OUTER % frames)
    dom = rendered(folder / "outer.html", folder / "profile", dark=dark)
    notes = re.findall(r"<pre>(.*?)</pre>", dom)
    told = {note["width"]: note for note in map(json.loads, map(html.unescape, notes))}
    assert sorted(told) == [*WIDTHS]
    for note in told.values():
        assert note["errors"] == [] and note["ready"] == "true"
        assert note["overflow"] <= 0
    return list(told.values())


ASK_AXE = """
<script>
document.querySelectorAll("details").forEach((details) => { details.open = true; });
axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => parent.postMessage({
  errors: window.failures, ready: document.documentElement.dataset.ready, width: innerWidth, overflow: 0,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
  found: violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 99))}`),
}, "*"));
</script>
"""


def violations(page, folder, *, dark):
    """What axe finds wrong with a page, at each of WIDTHS."""
    probe = f"<script>{AXE.read_text()}</script>{ASK_AXE}"
    notes = told_by(page, probe, folder, dark=dark)
    assert all(note["dark"] == dark for note in notes)
    return [note["found"] for note in notes]
