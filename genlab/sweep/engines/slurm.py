"""The trials of a sweep as a Slurm array job, one task each: a script, and nothing is trained."""

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from genlab.errors import InputError
from genlab.process.signals import Stop
from genlab.process.streams import deliver
from genlab.sweep.engine import Engine

if TYPE_CHECKING:
    from genlab.trials.trial import Trial

_SCRIPT = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --array=0-{last}
#SBATCH --output={output}
#SBATCH --requeue
#SBATCH --signal=B:TERM@60
# Submit with sbatch. Finished trials end at once; a task that is requeued goes on where it was cut.
cd {here}
trials=(
{trials}
)
exec bash -c "${{trials[$SLURM_ARRAY_TASK_ID]}}"
"""


class Slurm(Engine):
    """Prints the array script for `sbatch`; the nodes must share the sweep's folder."""

    name = "slurm"
    trains = False

    def check(self, trials: "list[Trial]") -> None:
        """Refuses folders that a line of a script cannot name."""
        from genlab.sweep import mode

        mode.refuse_evolved(self.sweep)
        self._script(trials)

    def train(self, trials: "list[Trial]", stop: Stop) -> None:
        """Prints the script, a task for each trial in their order."""
        deliver(self._script(trials).removesuffix("\n"))

    def _script(self, trials: "list[Trial]") -> str:
        folder, here = self.sweep.absolute(), Path.cwd()
        text = _SCRIPT.format(
            name=re.sub(r"[^\w.+-]", "_", self.sweep.name) or "sweep",
            last=len(trials) - 1,
            output=_output(folder),
            here=shlex.quote(str(here)),
            trials="\n".join("  " + self._task(trial, folder) for trial in trials),
        )
        if not all(line.isprintable() for line in text.split("\n")):
            raise InputError(
                "a control character in a folder's name, or in a value, would be in the Slurm"
                f" script; name other folders than {str(folder)!r} and {str(here)!r}"
            )
        return text

    def _task(self, trial: "Trial", folder: Path) -> str:
        """The line that trains a trial, quoted; it does nothing for one that has results."""
        command = shlex.join(trial.command(self.path, self.common, folder))
        results = shlex.quote(str(trial.folder(folder) / "results.json"))
        # Of results that are cut short nothing is known; the trial measures again.
        is_whole = f"{shlex.quote(sys.executable)} -P -m json.tool"
        return shlex.quote(f"{is_whole} {results} > /dev/null 2>&1 || exec {command}")


def _output(folder: Path) -> str:
    """Where Slurm writes what a task says, as a line that Slurm reads has it."""
    text = str(folder)
    if {"\\", "\n"} & {*text}:
        raise InputError(
            f"a Slurm script names no folder with a backslash or a line break, {text!r}; name"
            " another with --workdir=DIR"
        )
    return shlex.quote(text.replace("%", "%%") + "/slurm-%a.txt")
