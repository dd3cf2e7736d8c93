"""Why a trial failed: the exception's own line out of what its process wrote, kept in a file."""

from pathlib import Path

from genlab.storage import sidefile
from genlab.storage.files import write_atomic

FILE = "failed.txt"
NO_REASON = "no reason given"

_TRACEBACK = "Traceback (most recent call last):"
_COMPLAINT = "genlab: error: "
# What is written below an exception, or above it, that says nothing of it.
_NOTES = ("For simplicity, JAX has removed", "-----", "The above exception was")


def reason_in(text: str) -> str:
    """The line that says why a process ended, out of its output; empty where there is none.

    The first line of the last exception that a traceback ends in, or of what the command complained
    of after it; the last line where there is neither.
    """
    reason, last, traced = "", "", False
    for line in text.splitlines():
        if not line.strip() or line.startswith(_NOTES):
            continue
        begins = line.startswith(_TRACEBACK)
        if line.startswith(_COMPLAINT) or (traced and not line.startswith(" ")):
            reason = line.strip()
        traced = begins or (traced and line.startswith(" "))
        last = line.strip()
    return reason or last


def record(folder: Path, reason: str) -> None:
    """Keeps the reason in the trial's folder."""
    write_atomic(folder / FILE, (reason or NO_REASON) + "\n")


def recorded(folder: Path) -> str:
    """The reason that the trial's folder has, empty for a trial that has not failed."""
    if not (folder / FILE).exists():
        return ""
    text = (sidefile.content_of(folder / FILE) or b"").decode("utf-8", "replace")
    return text.strip() or NO_REASON
