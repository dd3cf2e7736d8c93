"""What a run writes about itself: metrics.jsonl, TensorBoard events, results.json."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Writer:
    """Appends metrics to `metrics.jsonl`, the source of truth, and to TensorBoard beside it.

    Args:
      workdir: the run folder.
      step: the step that the run resumes from; lines of later steps, which a killed run wrote
        after its last checkpoint, are dropped.
    """

    def __init__(self, workdir: Path, step: int = 0):
        from tensorboardX import SummaryWriter

        path = workdir / "metrics.jsonl"
        if path.exists():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            kept = [line for line in lines if not _is_after(line, step)]
            if kept and _parse(kept[-1]) is None:
                kept.pop()  # cut short by a kill
            write_atomic(path, "".join(line + "\n" for line in kept))
        self._file = path.open("a")
        self._events = SummaryWriter(
            str(workdir / "tensorboard"), purge_step=step + 1, max_queue=1000
        )

    def write(self, step: int, split: str, values: Mapping[str, float]) -> None:
        """One line: the values of a split (`train`, `validation`, `time`, ...) at a step."""
        line = {"step": step, "split": split, "values": finite_or_none(values)}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        for name, value in values.items():
            self._events.add_scalar(f"{split}/{name}", value, step)

    def close(self) -> None:
        """Flushes both."""
        self._file.close()
        self._events.close()


def finite_or_none(values: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers that JSON has; None in the place of the others."""
    return {
        name: float(value) if math.isfinite(value) else None
        for name, value in values.items()
    }


def _parse(text: str) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except json.JSONDecodeError:
        return None
    return (
        line if isinstance(line, dict) and isinstance(line.get("step"), int) else None
    )


def _is_after(text: str, step: int) -> bool:
    line = _parse(text)
    return line is not None and line["step"] > step


def write_atomic(path: Path, text: str) -> None:
    """Replaces a file by a whole new one, or leaves the old one as it was."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
