"""What a command shows of its work, on a terminal and in a file."""

import contextlib
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
def passing(monkeypatch, caplog):
    """Lets seconds pass, at the end of each of which the display looks; gives the lines said in them."""
    now = [100.0]

    def seconds(count):
        caplog.clear()
        for _ in range(count):
            now[0] += 1.0
            display._display.look()
        return caplog.messages

    caplog.set_level(logging.INFO, "genlab")
    monkeypatch.setattr(display, "REDRAW", 3600.0)  # the thread itself never looks
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return seconds


@contextlib.contextmanager
def terminal():
    """A console whose `file` has what is drawn, and a handler that logs to standard error."""
    screen = Console(
        file=io.StringIO(), force_terminal=True, width=100, _environ={"TERM": "xterm"}
    )
    with contextlib.redirect_stderr(io.StringIO()) as stderr:
        logging.getLogger().addHandler(handler := logging.StreamHandler())
        try:
            yield screen, handler
        finally:
            logging.getLogger().removeHandler(handler)
        assert handler.stream is sys.stderr is stderr, "what it was before"


def test_whoever_works_long_is_heard_again_and_again(passing):
    with display.shown():
        with display.doing("looking around"):
            assert passing(0) == []
        with display.doing("reading") as retell:
            assert passing(1) == ["reading, 1 s"]
            retell("reading more")
            with display.shown(), display.doing("compiling"):  # of a part's own
                assert passing(1) == []
                assert passing(1) == ["compiling, 2 s"]
                assert passing(8) == ["compiling, 10 s"]
            assert passing(7) == []
            assert passing(1) == ["reading more, 19 s"]
        assert passing(60) == [], "nobody works any more"
    assert display.EVERY < 10, "ten seconds are silence"


def test_views_are_told_together_and_what_is_done_in_them_alone(passing):
    outer, inner = Bar(2, 1, "sweep: "), Bar(9, 3)
    with (
        display.shown(),
        display.watching(outer),
        display.watching(inner),
    ):
        assert passing(1) == ["sweep: round 1 of 2 (50 %); round 3 of 9 (33 %)"]
        with display.doing("measuring"):
            assert passing(2) == ["measuring, 2 s"]


class Broken:
    """A view of files that are gone at the first look."""

    def __init__(self):
        self.looked = threading.Semaphore(0)

    def line(self):
        self.looked.release()
        raise OSError("no such trial")

    render = line


def test_display_looks_by_itself_and_goes_on_where_a_view_fails(monkeypatch, caplog):
    for name in ("FIRST", "SOON", "EVERY", "REDRAW"):
        monkeypatch.setattr(display, name, 1e-3)
    broken = Broken()
    with display.shown(), display.watching(broken):
        for _ in range(3):
            assert broken.looked.acquire(timeout=60)
    assert caplog.messages == [
        "what is under way cannot be shown: OSError: no such trial"
    ]


def test_terminal_that_fails_costs_one_warning_and_no_training(passing):
    with terminal() as (console, _), display.shown(console):
        with display.watching(Broken()):
            assert len(passing(9)) == 1
        with display.watching(Bar(8, 0)):
            assert passing(1) == []
            assert "0 of 8" in console.file.getvalue()
    with (
        terminal() as (console, handler),
        display.shown(console),
        display.watching(Bar(8, 0)),
    ):
        passing(1)
        print("no end", end="", file=sys.stderr)
        console.file.close()
        (line,) = passing(9)
        assert line.startswith("what is under way cannot be shown: ValueError: ")
        assert handler.stream.getvalue() == f"{line}\n"


def test_terminal_is_drawn_on_and_keeps_whole_lines_above(passing, monkeypatch):
    monkeypatch.setattr(sys, "stdout", out := io.StringIO())
    bar = Bar(8, 0)
    with (
        terminal() as (console, handler),
        display.shown(console),
        display.watching(bar),
    ):
        bar.advance(2, lambda: "loss 1.5")
        bar.advance(4, lambda: "loss 0.5", 0.1)
        passing(1)
        logging.getLogger("genlab").warning("a line")
        print(EVIL, "b", file=sys.stderr)
        print("no end", end="", file=sys.stderr)
        print("a result")
        with display.doing(f"measuring {EVIL}"):
            passing(1)
    text = console.file.getvalue()
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text).replace("\r", "\n")
    lines = [line.rstrip() for line in plain.split("\n")]
    assert {"a line", r"a\x1b]0;title\x07 b", "no end"} <= {*lines}
    assert "\x1b]0" not in text and "20 rounds/s" in text
    assert any("4 of 8" in line and "loss 0.5" in line for line in lines)
    assert any(line.startswith("measuring") for line in lines)
    assert (out.getvalue(), handler.stream.getvalue()) == ("a result\n", "")
    hidden, visible = text.find("\x1b[?25l"), text.find("\x1b[?25h")
    assert hidden < visible < text.find("4 of 8"), "a kill leaves a cursor"


def test_thread_that_logs_while_the_drawing_ends_holds_nobody_up(passing):
    """It has the handler's lock, which whoever ends the drawing wants, and is about to print."""
    has_lock, go_on = threading.Event(), threading.Event()

    class Slow(logging.Formatter):
        def format(self, record):
            has_lock.set()
            go_on.wait(60)
            return super().format(record)

    log = logging.getLogger("genlab").warning
    thread = threading.Thread(target=log, args=("from beside",), daemon=True)
    with terminal() as (console, handler):
        handler.setFormatter(Slow())
        with display.shown(console), display.doing("work"):
            passing(1)
            thread.start()
            assert has_lock.wait(60)
            threading.Timer(0.05, go_on.set).start()
        thread.join(60)
        assert "from beside" in console.file.getvalue()


def test_program_without_logging_is_told_on_standard_error(monkeypatch, capsys):
    alone = logging.getLogger("alone")
    alone.propagate = False
    monkeypatch.setattr(display, "_log", alone)
    display.say("a line")
    alone.setLevel(logging.WARNING)  # whoever sets a level has chosen
    display.say("nothing")
    assert capsys.readouterr().err == "genlab: a line\n"


def test_first_call_compiles_and_the_others_do_not(passing, caplog):
    takes = display.compiling(passing)
    with display.shown():
        takes(3)
        assert caplog.messages == ["compiling, 1 s", "compiled in 3 s"]
        assert takes(30) == [], "what it calls gives"


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
    left = "30 s left, most of it to measure, draw and save"
    assert bar.line() == f"{speed}, {left}", "by the clock, pauses and all"
    now += 6
    assert bar.line() == f"{speed}, {left}, the next rounds take 6 s so far"
    bar.advance(600, lambda: "loss 1", 8.0)
    assert bar.line().endswith("s left")


def test_times_as_they_are_read():
    seconds = (0.4, 59, 60, 200, 3600, 7500, 90_000)
    assert [told(s) for s in seconds] == [
        *("0 s", "59 s", "1 min 0 s", "3 min 20 s"),
        *("1 h 0 min", "2 h 5 min", "1 d 1 h"),
    ]
