"""Weights & Biases, offline unless the environment says otherwise."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from genlab.registry import writers
from genlab.storage import files
from genlab.writers.log import Subject


@writers.register
class Wandb:
    """A run of Weights & Biases in the run folder's `wandb`; `wandb sync` uploads it.

    Nothing is sent and nobody logs in, unless WANDB_MODE=online says so.
    """

    PACKAGES: ClassVar = ("wandb",)
    EXTRA: ClassVar = "wandb"

    def __init__(self, run: Subject, *, project: str = "genlab"):
        import wandb

        files.refuse_link(run.folder / "wandb")
        self._wandb = wandb
        self._run = wandb.init(
            project=project,
            id=run.run,
            name=run.name,
            config=run.config,
            dir=str(run.folder),
            mode=os.environ.get("WANDB_MODE", "offline"),
            resume="allow",
            reinit="create_new",  # members of a population have one each
            settings=wandb.Settings(silent=True, console="off", save_code=False),
        )

    def write(self, step: int, split: str, values: Mapping[str, float]) -> None:
        """A value of history for each, `SPLIT/NAME`."""
        self._run.log({f"{split}/{name}": v for name, v in values.items()}, step=step)

    def picture(self, step: int, plot: str, path: Path) -> None:
        """An image."""
        self._run.log({f"samples/{plot}": self._wandb.Image(str(path))}, step=step)

    def close(self) -> None:
        """Ends the run, which a later process goes on with."""
        self._run.finish()
