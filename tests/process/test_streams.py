"""Standard output and error: full, closed, ASCII, and what a stranger's name does to a terminal."""

import contextlib
import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from genlab.process import streams

LAUNCH = [sys.executable, str(Path(__file__).parents[2] / "launch.py")]
FULL = "genlab: error: standard output: No space left on device\n"
GONE = "genlab: error: the working folder has been deleted; cd to one that is there\n"


@contextlib.contextmanager
def piped(encoding="utf-8"):
    """A stream into a pipe, and a function that reads what came through."""
    read, write = os.pipe()
    original = open(write, "w", encoding=encoding)  # noqa: SIM115
    with original, open(read, "rb", buffering=0) as out:
        yield streams._Stream.over(original, write), lambda: out.read(10_000)


@pytest.mark.parametrize(
    ("script", "code", "error"),
    [
        ('"$@" help > /dev/full', 2, FULL),
        ('"$@" help | true; exit ${PIPESTATUS[0]}', 0, ""),
        ('"$@" help >&- 2>&-', 0, ""),
        ('cd gone; rmdir ../gone; "$@" --config=x.py', 2, GONE),
    ],
)
def test_what_is_asked_for_arrives_or_the_exit_code_says_so(
    script, code, error, tmp_path
):
    (tmp_path / "gone").mkdir()
    command = ["bash", "-c", script, "bash", *LAUNCH]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    said = "".join(done.stderr.splitlines(keepends=True)[-1:])  # bash misses it as well
    assert (done.returncode, said) == (code, error)


def test_what_ascii_lacks_is_spelt_out():
    with piped("ascii") as (stream, read):
        print("1 ± 2", file=stream)
        assert read() == rb"1 \xb1 2" + b"\n"


def test_stream_that_fails_is_remembered_and_raises_nothing(monkeypatch):
    with open("/dev/full", "w") as full:
        stream = streams._Stream.over(full, full.fileno())
        print("news", file=stream)
        stream.undisguised.write("\r10%")
        stream.undisguised.flush()
        assert stream.lost.errno == errno.ENOSPC
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(OSError, match="No space left"):
            streams.deliver("what was asked for")


def test_many_bytes_arrive_whole_through_a_pipe_that_does_not_block():
    with piped() as (stream, read), ThreadPoolExecutor(1) as pool:
        os.set_blocking(stream.fileno(), False)

        def line() -> bytes:
            taken = b""
            while not taken.endswith(b"\n"):
                taken += read()
            return taken

        taken = pool.submit(line)
        print("x" * 300_000, file=stream)
        assert taken.result() == b"x" * 300_000 + b"\n"
