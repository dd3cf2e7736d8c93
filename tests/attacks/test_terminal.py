"""Names from elsewhere are shown on the terminal and do not steer it."""

import logging
import re
import subprocess
import sys
from pathlib import Path

from genlab.process import streams

ROOT = Path(__file__).parent.parent.parent
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
EVIL = "a\x1b]0;title\x07\x9b31m\r\u202e"


def test_errors_and_tracebacks_of_a_config_with_an_evil_name(tmp_path):
    file = tmp_path / f"{EVIL}.py"
    file.write_text("def get_config(): raise ValueError(__file__)\n")
    for flags in ((f"--config={file}:v",), (f"--config={file}", "--verbose")):
        done = subprocess.run(
            [sys.executable, str(ROOT / "launch.py"), "check", *flags],
            capture_output=True,
            check=False,
        )
        shown = done.stderr.decode()
        assert done.returncode == 2, shown
        assert r"a\x1b]0;title\x07\x9b31m" in shown
        assert not STEERING.search(shown)


def test_lines_of_the_log_and_what_is_printed(tmp_path):
    out = tmp_path / "out"
    with out.open("w", encoding="utf-8") as file:
        stream = streams._Stream.over(file, file.fileno())
        print(EVIL, "\udcff é\t.", file=stream)
        print("a\u202fb\u200d🫨", file=stream)  # odd, and harmless
        print("\x1b[A10%", end="", file=stream.undisguised, flush=True)  # a bar's
    assert out.read_bytes() == (
        rb"a\x1b]0;title\x07\x9b31m\r\u202e \udcff"
        + " é\t.\na\u202fb\u200d🫨\n\x1b[A10%".encode()
    )
    record = logging.LogRecord("genlab", 20, "", 0, "%s", (f"{EVIL}\nb",), None)
    line = streams.LogFormatter("%(message)s").format(record)
    assert line == r"a\x1b]0;title\x07\x9b31m\r\u202e\nb"
