"""MLflow, into a database in the run folder unless the environment names a server."""

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from genlab.registry import writers
from genlab.storage import files
from genlab.values import flat_keys
from genlab.writers.log import Subject

_RUN = "genlab.run"  # the tag by which a run is found when it goes on
_LONGEST = 500  # characters of a parameter, which some servers take no more of


@writers.register
class Mlflow:
    """A run of MLflow in the run folder's `mlflow`, or where MLFLOW_TRACKING_URI says."""

    PACKAGES: ClassVar = ("mlflow", "sqlalchemy", "alembic")
    EXTRA: ClassVar = "mlflow"

    def __init__(self, run: Subject, *, experiment: str = "genlab"):
        from mlflow import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of every table
        folder = (run.folder / "mlflow").absolute()
        files.refuse_link(folder)
        server = os.environ.get("MLFLOW_TRACKING_URI")
        if server is None:
            folder.mkdir(exist_ok=True)
        self._client = MlflowClient(server or f"sqlite:///{folder}/mlflow.db")
        place = None if server else (folder / "artifacts").as_uri()
        known = self._client.get_experiment_by_name(experiment)
        group = (
            known.experiment_id
            if known
            else self._client.create_experiment(experiment, place)
        )
        found = self._client.search_runs([group], f"tags.`{_RUN}` = '{run.run}'")
        if found:
            self._id = found[0].info.run_id
            self._client.update_run(self._id, status="RUNNING")
        else:
            tags = {_RUN: run.run}
            made = self._client.create_run(group, tags=tags, run_name=run.name)
            self._id = made.info.run_id
            for key, value in flat_keys(run.config).items():
                self._client.log_param(self._id, key, str(value)[:_LONGEST])
        self._client.log_dict(self._id, run.config, "config.json")

    def write(self, step: int, split: str, values: Mapping[str, float]) -> None:
        """A metric for each value, `SPLIT/NAME`."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        metrics = [
            Metric(f"{split}/{name}", value, now, step)
            for name, value in values.items()
        ]
        self._client.log_batch(self._id, metrics=metrics)

    def picture(self, step: int, plot: str, path: Path) -> None:
        """The PNG file among the artifacts."""
        self._client.log_artifact(self._id, str(path), "samples")

    def close(self) -> None:
        """Ends the run, which a later process goes on with."""
        self._client.set_terminated(self._id)
