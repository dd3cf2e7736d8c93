"""The trials of a sweep as a Slurm array job: one task each."""

import shlex
from pathlib import Path

from genlab.sweep import manifest
from genlab.sweep.trial import Trial

_SCRIPT = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --array=0-{last}
#SBATCH --output={folder}/slurm-%a.txt
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
    """
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
    folder = sweep.absolute()
    lines = []
    for trial in trials:
        command = shlex.join(trial.command(path, common, folder))
        results = shlex.quote(str(trial.folder(folder) / "results.json"))
        lines.append("  " + shlex.quote(f"test -e {results} || exec {command}"))
    return _SCRIPT.format(
        name=shlex.quote(sweep.name),
        last=len(trials) - 1,
        folder=shlex.quote(str(folder)),
        here=shlex.quote(str(Path.cwd())),
        trials="\n".join(lines),
    )
