"""The trials of a sweep as a Slurm array job: one task each."""

import re
import shlex
import sys
from pathlib import Path

from genlab.errors import InputError
from genlab.trials import manifest
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


def script(
    path: str,
    common: dict[str, str],
    trials: list[Trial],
    sweep: Path,
    *,
    name: str = "",
    target: str = "",
) -> str:
    """The array script, for `sbatch`; the folder gets its manifest, so that it can be reported.

    Args:
      path: the config of every trial.
      common: overrides of every trial, as text.
      trials: one task each, in order.
      sweep: the folder of the sweep, which the nodes must share.
      name: of the config's sweep; empty for one that the command spells.
      target: `NAME`, `-NAME` for one that is maximised, or empty; for the report.

    Raises:
      InputError: a folder that a line of a script cannot name.
    """
    folder = sweep.absolute()
    output = _output(folder)
    # Of results that are cut short nothing is known; the trial measures again.
    is_whole = f"{shlex.quote(sys.executable)} -P -m json.tool"
    lines = []
    for trial in trials:
        command = shlex.join(trial.command(path, common, folder))
        results = shlex.quote(str(trial.folder(folder) / "results.json"))
        line = f"{is_whole} {results} > /dev/null 2>&1 || exec {command}"
        lines.append("  " + shlex.quote(line))
    text = _SCRIPT.format(
        name=re.sub(r"[^\w.+-]", "_", sweep.name) or "sweep",
        last=len(trials) - 1,
        output=output,
        here=shlex.quote(str(Path.cwd())),
        trials="\n".join(lines),
    )
    if not all(line.isprintable() for line in text.split("\n")):
        raise InputError(
            "a control character in a folder's name, or in a value, would be in the Slurm script;"
            f" name other folders than {str(folder)!r} and {str(Path.cwd())!r}"
        )
    described = manifest.Manifest(
        command=manifest.command_line(),
        config=path,
        common=common,
        recipe=manifest.recipe_of(path),
        engine="slurm",
        sweep=name,
        target=target,
        trials=manifest.entries(trials),
    )
    # Slurm makes no folder for the output of its tasks, and ends those that have none.
    manifest.write(sweep, described)
    return text


def _output(folder: Path) -> str:
    """Where Slurm writes what a task says, as a line that Slurm reads has it."""
    text = str(folder)
    if {"\\", "\n"} & {*text}:
        raise InputError(
            f"a Slurm script names no folder with a backslash or a line break, {text!r}; name"
            " another with --workdir=DIR"
        )
    return shlex.quote(text.replace("%", "%%") + "/slurm-%a.txt")
