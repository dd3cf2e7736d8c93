"""A folder in the form that model hubs take: weights, config, samples and a model card."""

import json
from pathlib import Path
from typing import Any

from genlab import __version__
from genlab.config.paths import without_homes
from genlab.errors import InputError
from genlab.evaluation.results import measurements
from genlab.export.card import model_card
from genlab.export.parameters import averaged_players, write_params
from genlab.plots.grid import enlarge, save_png
from genlab.registry import plots
from genlab.storage.files import write_atomic
from genlab.trained.needs import METHODS
from genlab.trained.trained import Trained

PICTURED = 64  # samples in the picture


def check_folder(out: Path) -> None:
    """Raises InputError unless the folder is new or empty, so that nothing is written over."""
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists() or out.is_symlink():
        raise InputError(f"--out={out} is there and holds something; name a new folder")
    if not out.parent.is_dir():
        raise InputError(f"--out={out}: there is no folder {str(out.parent)!r}")


def write_hub_folder(
    out: Path, workdir: Path, trained: Trained, config: dict[str, Any], file: str
) -> None:
    """Writes `model.safetensors`, `config.json`, `samples.png` of images, and `README.md`.

    Args:
      out: as `check_folder` wants it.
      workdir: the run folder, whose name the model takes.
      trained: the model.
      config: the run's plain config.
      file: name of the results in the run folder.
    """
    check_folder(out)
    config = without_homes(config)
    out.mkdir(exist_ok=True)
    write_params(out / "model.safetensors", trained, config)
    averaged = averaged_players(trained)
    record = {"library_name": "genlab", "genlab": __version__, "step": trained.step}
    record |= {"ema": averaged, "config": config}
    write_atomic(out / "config.json", json.dumps(record, indent=1))
    picture = ""
    if trained.has("sample") and trained.data.is_image:
        picture = "samples.png"
        save_png(out / picture, enlarge(plots.build("samples", num=PICTURED)(trained)))
    card = model_card(
        workdir.resolve().name,
        config,
        trained.step,
        measurements(workdir, trained.step, file),
        offers=list(filter(trained.has, METHODS)),
        averaged=averaged,
        picture=picture,
    )
    write_atomic(out / "README.md", card)
