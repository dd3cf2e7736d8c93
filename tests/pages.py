"""What the tests of pages share: hostile text, a parser of HTML, a browser."""

import json
import os
import queue
import re
import shutil
import subprocess
import threading
import time
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
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


def browser(profile, *flags, dark=False):
    """The command of a browser without a window that asks nothing of the network."""
    quiet = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
        " --disable-background-networking --disable-component-update --disable-sync"
        " --window-size=1400,1000"
    )
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    return [BROWSER, *quiet.split(), scheme, f"--user-data-dir={profile}", *flags]


def rendered(path, profile):
    """The DOM of a page after its scripts ran."""
    command = browser(
        profile, "--virtual-time-budget=30000", "--dump-dom", path.as_uri()
    )
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=True
    ).stdout


OUTER = """<!doctype html><title>outer</title><script>
addEventListener("message", (event) => {
  fetch("/", { method: "POST", body: JSON.stringify(event.data) });
});
</script><body>%s"""


class Listener(ThreadingHTTPServer):
    """A server of one folder that keeps the JSON that its pages post."""

    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=folder))
        self.notes = queue.SimpleQueue()


class Handler(SimpleHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        self.server.notes.put(json.loads(body))

    def log_message(self, *_):
        """Silence: a request is no news."""


def posted(folder, name, count, *, dark=False, seconds=120):
    """The first notes that a page posts, in real time: encoding an image takes some."""
    with Listener(folder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = browser(folder / "profile", "--remote-debugging-port=0", dark=dark)
        command.append(f"http://127.0.0.1:{server.server_port}/{name}")
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + seconds
        try:
            return [
                server.notes.get(timeout=end - time.monotonic()) for _ in range(count)
            ]
        finally:
            process.terminate()
            process.wait()
            server.shutdown()


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
    notes = posted(folder, "outer.html", len(WIDTHS), dark=dark)
    told = {note["width"]: note for note in notes}
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
