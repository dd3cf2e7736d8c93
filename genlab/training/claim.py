"""The run folder as a training takes it: of several processes the first, for all."""

import contextlib
from pathlib import Path
from typing import Any

from genlab.errors import InputError
from genlab.process import peers
from genlab.run.course import Course
from genlab.run.folder import claim, identity, locked, refuse_lost
from genlab.storage.checkpoint import Checkpoints
from genlab.storage.writer import cut
from genlab.trials import failure
from genlab.writers.log import Subject


def held(workdir: Path) -> contextlib.AbstractContextManager:
    """The lock of the folder, for the process that writes it."""
    return locked(workdir) if peers.is_first() else contextlib.nullcontext()


def claimed(
    course: Course, workdir: Path, overrides: dict[str, Any], source: Path
) -> tuple[Checkpoints, Subject]:
    """Takes the locked folder for the run; its checkpoints, and the step that it goes on from."""
    config = course.last.config
    run = identity(workdir) if peers.is_first() else ""
    checkpoints = Checkpoints(
        workdir / "checkpoints", config["checkpoint"]["keep"], course.ends, run
    )
    take = lambda: _taken(course, workdir, overrides, source, run, checkpoints)
    return checkpoints, Subject(workdir, run, config, peers.from_first(take))


def _taken(
    course: Course,
    workdir: Path,
    overrides: dict[str, Any],
    source: Path,
    run: str,
    checkpoints: Checkpoints,
) -> int:
    """Checks the folder and writes its config; the step that the run goes on from."""
    checkpoints.clean()
    newest = checkpoints.newest()
    if newest is None:
        refuse_lost(workdir)
        cut(workdir, 0)  # of an attempt that saved nothing, under whatever periods
    done = newest or 0
    if done > course.last.end:
        raise InputError(
            f"run folder {str(workdir)!r} has done {done} rounds, more than the"
            f" {course.last.end} of its config; take --config.train.steps={course.last.config['train']['steps'] + done - course.last.end}"
            " or more, or name another with --workdir=DIR"
        )
    about = {"run": run, "source": source, "finished": done == course.last.end}
    claim(workdir, course.last, overrides, **about)
    (workdir / failure.FILE).unlink(missing_ok=True)  # of an attempt before
    return done
