"""What a command shows of its work, on a terminal and in a file."""

import io
import logging
import re
import sys
import threading
import time

import pytest
from rich.console import Console

from genlab.process import display
from genlab.process.bar import Bar
from genlab.process.duration import told

EVIL = "a\x1b]0;title\x07"


@pytest.fixture
def quick(monkeypatch, caplog):
    """Seconds are hundredths; its `messages` are the lines said so far."""
    for name in ("FIRST", "SOON", "EVERY", "REDRAW"):
        monkeypatch.setattr(display, name, getattr(display, name) / 100)
    caplog.set_level(logging.INFO, "genlab")
    return caplog


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_whoever_works_long_is_heard_again_and_again(quick):
    with display.shown():
        with display.doing("looking around"):
            pass
        with display.doing("reading") as retell:
            wait_for(lambda: len(quick.messages) == 1)
            retell("reading more")
            with display.shown(), display.doing("compiling"):  # of a part's own
                wait_for(lambda: len(quick.messages) == 3)
            wait_for(lambda: len(quick.messages) == 4)
        count = len(quick.messages)
        time.sleep(0.1)
    assert quick.messages[:4] == ["reading", "compiling", "compiling", "reading more"]
    assert len(quick.messages) == count, "nobody works any more"
    assert display.EVERY * 100 < 10, "ten seconds are silence"


def test_views_are_told_together_and_what_is_done_in_them_alone(quick):
    outer, inner = Bar(2, 1, "sweep: "), Bar(9, 3)
    with (
        display.shown(),
        display.watching(outer),
        display.watching(inner),
    ):
        wait_for(lambda: len(quick.messages) == 1)
        with display.doing("measuring"):
            wait_for(lambda: len(quick.messages) == 2)
    assert quick.messages[0] == "sweep: round 1 of 2 (50 %); round 3 of 9 (33 %)"
    assert quick.messages[1] == "measuring"


def test_terminal_is_drawn_on_and_keeps_whole_lines_above(quick, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    screen, out = io.StringIO(), io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    handler = logging.StreamHandler(stderr := io.StringIO())
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(sys, "stdout", out)
    logging.getLogger().addHandler(handler)
    bar = Bar(8, 0)
    try:
        with display.shown(console), display.watching(bar):
            bar.advance(2, lambda: "loss 1.5")
            bar.advance(4, lambda: "loss 0.5", 0.1)
            wait_for(lambda: "20 rounds/s" in screen.getvalue())
            logging.getLogger("genlab").warning("a line")
            print(EVIL, "b", file=sys.stderr)
            print("no end", end="", file=sys.stderr)
            print("a result")
            with display.doing(f"measuring {EVIL}"):
                wait_for(lambda: "measuring" in screen.getvalue())
    finally:
        logging.getLogger().removeHandler(handler)
    text = screen.getvalue()
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text).replace("\r", "\n")
    lines = [line.rstrip() for line in plain.split("\n")]
    assert {"a line", r"a\x1b]0;title\x07 b", "no end"} <= {*lines}
    assert "\x1b]0" not in text
    assert any("4 of 8" in line and "loss 0.5" in line for line in lines)
    assert (out.getvalue(), stderr.getvalue()) == ("a result\n", "")
    assert (sys.stderr, handler.stream) == (stderr, stderr)
    hidden, visible = text.find("\x1b[?25l"), text.find("\x1b[?25h")
    assert hidden < visible < text.find("4 of 8"), "a kill leaves a cursor"


def test_thread_that_logs_while_the_drawing_ends_holds_nobody_up(quick, monkeypatch):
    """It has the handler's lock, which whoever ends the drawing wants, and is about to print."""
    monkeypatch.setenv("TERM", "xterm")
    console = Console(file=io.StringIO(), force_terminal=True)
    monkeypatch.setattr(sys, "stderr", stderr := io.StringIO())
    has_lock, go_on = threading.Event(), threading.Event()

    class Slow(logging.Formatter):
        def format(self, record):
            has_lock.set()
            go_on.wait(5)
            return super().format(record)

    handler = logging.StreamHandler(stderr)
    handler.setFormatter(Slow())
    logging.getLogger().addHandler(handler)
    log = logging.getLogger("genlab").warning
    thread = threading.Thread(target=log, args=("from beside",), daemon=True)
    try:
        with display.shown(console), display.doing("work"):
            wait_for(lambda: "work" in console.file.getvalue())
            thread.start()
            assert has_lock.wait(5)
            threading.Timer(0.05, go_on.set).start()
        thread.join(5)
    finally:
        logging.getLogger().removeHandler(handler)
    assert "from beside" in console.file.getvalue()


def test_program_without_logging_is_told_on_standard_error(monkeypatch, capsys):
    alone = logging.getLogger("alone")
    alone.propagate = False
    monkeypatch.setattr(display, "_log", alone)
    display.say("a line")
    alone.setLevel(logging.WARNING)  # whoever sets a level has chosen
    display.say("nothing")
    assert capsys.readouterr().err == "genlab: a line\n"


def test_first_call_compiles_and_the_others_do_not(quick):
    calls = display.compiling(lambda x: time.sleep(display.SOON * x) or x)
    with display.shown():
        assert [calls(x) for x in (2, 0, 3)] == [2, 0, 3]
    assert [line for line in quick.messages if line.startswith("compiled")] == [
        "compiled in 0 s"
    ]


def test_line_of_a_bar(monkeypatch):
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    bar = Bar(1000, 100)
    assert bar.line() == "round 100 of 1,000 (10 %)"
    bar.advance(
        200, lambda: "loss 2"
    )  # the call that compiles says nothing of the speed
    now += 10
    bar.advance(400, lambda: "loss 1", 4.0)
    speed = "round 400 of 1,000 (40 %), loss 1, 50 rounds/s"
    assert bar.line() == f"{speed}, 30 s left", "by the clock, pauses and all"
    now += 6
    assert bar.line() == f"{speed}, 30 s left, the next rounds take 6 s so far"


def test_times_as_they_are_read():
    seconds = (0.4, 59, 60, 200, 3600, 7500, 90_000)
    assert [told(s) for s in seconds] == [
        *("0 s", "59 s", "1 min 0 s", "3 min 20 s"),
        *("1 h 0 min", "2 h 5 min", "1 d 1 h"),
    ]
