"""A run in the hands of a Python program."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from genlab import registry, trust
from genlab.blame import blaming
from genlab.config.override import chosen_parts
from genlab.data.dataset import Dataset
from genlab.door import inputs
from genlab.errors import InputError
from genlab.evaluation import evaluate
from genlab.evaluation.results import measurements
from genlab.game import rng
from genlab.metrics.measurement import Measurement
from genlab.metrics.representation import in_chunks
from genlab.plots.picture import Picture
from genlab.run.course import examples_of, load_run
from genlab.run.folder import results_file
from genlab.run.recipe import Recipe
from genlab.trained.trained import Trained
from genlab.training.train import train
from genlab.trials.tail import Tail

PyTree = Any


class Run:
    """A run of a config in its folder, made by `genlab.load` or `genlab.open`.

    It looks at the newest checkpoint, or the best one; parameters are the averaged ones where a player
    keeps an average. Arrays go in and come out as NumPy's: examples `[N, ...]` in the range of
    `value_range`, or uint8 as they are stored. Examples of the data are read when they are needed. What
    the family cannot do is an InputError that says what it can.

    Attributes:
      workdir: the run folder.
      config: the plain config.
    """

    def __init__(
        self,
        workdir: Path,
        config: dict[str, Any],
        overrides: dict[str, Any],
        *,
        source: Path | None = None,
        best: bool = False,
        place: Mapping[str, Any] | None = None,
    ):
        self.workdir, self.config = workdir, config
        self._overrides, self._source = overrides, source
        self._best, self._place = best, dict(place or {})
        self._recipe: Recipe | None = None  # that the first view is of
        self._views: dict[bool, Trained] = {}  # by whether they have examples

    def __repr__(self) -> str:
        return f"Run({str(self.workdir)!r}, {self.config['experiment']['name']!r})"

    def train(self, steps: int | None = None) -> Self:
        """Trains to the last round, or goes on exactly where the folder stands.

        Args:
          steps: rounds in all, in the place of `train.steps`.

        Raises:
          InputError: the config cannot be built, or the folder is in use or of another config.
          NonFiniteLoss: training diverged; the newest checkpoint is from before.
          Stopped: interrupted; the state is saved.
          PartFailed: a metric or plot failed; everything else is written.
        """
        if steps is not None:
            config = {**self.config, "train": {**self.config["train"], "steps": steps}}
            overrides = {**self._overrides, "train.steps": steps}
        else:
            config, overrides = self.config, self._overrides
        self._views.clear()
        train(config, self.workdir, overrides, self._source)
        self.config, self._overrides = config, overrides
        return self

    @property
    def trained(self) -> Trained:
        """The model as metrics and plots see it; without examples as long as nobody asks for them."""
        return self._views.get(True) or self._view(with_examples=False)

    @property
    def step(self) -> int:
        """Rounds trained."""
        return self.trained.step

    @property
    def params(self) -> PyTree:
        """`params[player][role]`."""
        return self.trained.params

    @property
    def extra(self) -> PyTree:
        """`extra[collection][role]`, such as batch statistics."""
        return self.trained.extra

    @property
    def value_range(self) -> tuple[float, float]:
        """(low, high) of the images that the model sees and makes."""
        return self.trained.value_range

    @property
    def data(self) -> Dataset:
        """The data set, its examples read."""
        return self._view(with_examples=True).data

    @property
    def history(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl: `step`, `split` and `values` by name."""
        return Tail(self.workdir / "metrics.jsonl").lines()

    @property
    def results(self) -> dict[str, Measurement]:
        """What was measured of this state at the end of training, by metric; empty before."""
        return measurements(self.workdir, self.step, results_file(self._best))

    def sample(self, num: int, label: Any = None, seed: int = 0) -> np.ndarray:
        """`num` samples, `[num, ...]`; the first n are the same for every `num`.

        Args:
          num: 1 or more.
          label: a class, by index or name, or one for each sample; None leaves it to the model.
          seed: 0 draws what `genlab sample` does, another one others.

        Returns:
          float32, images in `value_range`.

        Raises:
          InputError: a family that does not sample, a num below 1, no such class, or a label where no
            network takes one.
        """
        num, seed = _whole("num", num, 1), _whole("seed", seed, 0)
        return self.trained.sample(num, label, seed)

    def encode(self, x: Any, label: Any = None) -> np.ndarray:
        """Codes of examples `x: [N, ...]`, `[N, Z]` float32 in most families.

        Here and below `label` is as in `sample`, where a network takes one.

        Raises:
          InputError: here and below, a family without the method, arrays of another shape or range, a
            label where no network takes one, or none where one does.
        """
        return self._of(inputs.examples, "encode", x, label)

    def reconstruct(self, x: Any, label: Any = None) -> np.ndarray:
        """What the model makes of examples `x: [N, ...]`, the same shape, float32 in `value_range`."""
        return self._of(inputs.examples, "reconstruct", x, label)

    def decode(self, z: Any, label: Any = None) -> np.ndarray:
        """Examples of codes `z: [N, Z]`, `[N, ...]` float32 in `value_range`."""
        return self._of(inputs.codes, "decode", z, label)

    def translate(self, x: Any, *, back: bool = False, seed: int = 0) -> np.ndarray:
        """The translation of images `x: [N, H, W, C]` to the other domain, or back from it.

        Args:
          x: images in `value_range`, of the size that the model was trained on.
          back: from the second domain to the first.
          seed: of the noise, where the family draws some.

        Returns:
          [N, H, W, C'] float32 in `value_range`, C' the channels of the other domain.
        """
        method = "translate_back" if back else "translate"
        self.trained.require(method)
        images = inputs.examples(self.trained, x, back=back)
        seed = _whole("seed", seed, 0)
        key = rng.stream(self.trained.seed, method, seed)
        return self.trained.call(method, images, key)

    def measure(
        self, *metrics: Any, split: str | None = None
    ) -> dict[str, Measurement]:
        """Values with intervals and protocols, by metric; `held_out` wherever the family measures.

        Args:
          metrics: names, or parts as a config has them, `dict(name="posterior", ...)`; those of the
            config without.
          split: `train`, `validation` or `test`; the config's `eval.final_split` without.

        Raises:
          InputError: no such metric, knob or split, or a metric that cannot serve the model.
        """
        trained, section = self._view(with_examples=True), self.config["eval"]
        chosen = chosen_parts(registry.metrics, metrics, "measure") if metrics else None
        chosen = chosen or [*section["metrics"], *section["final_metrics"]]
        evaluate.check(trained.experiment, trained.data, registry.metrics, chosen)
        split = split or section["final_split"]
        return evaluate.measure(trained, split, chosen, section["batch_size"])

    def plot(self, name: str, **knobs: Any) -> Picture:
        """A picture, `[H, W, 3]` uint8, which a notebook shows.

        Args:
          name: of a plot, see `genlab list plots`.
          knobs: of the plot.

        Raises:
          InputError: no such plot or knob, or a plot that cannot serve the model.
        """
        part = {"name": name, **knobs}
        trust.vouch(part)
        registry.plots.check_knobs(name, knobs)
        whole = lambda: self._view(with_examples=True)
        (picture,) = evaluate.pictures(self.trained, [part], whole)
        return picture

    def _of(
        self, checked: Callable, method: str, values: Any, label: Any
    ) -> np.ndarray:
        """A method of the family on checked arrays; what it raises is about them."""
        self.trained.require(method)
        values = checked(self.trained, values)
        labels = inputs.labels(self.trained, method, label, len(values))
        with blaming(f"{method} takes no array of shape {list(values.shape)}"):
            return in_chunks(self.trained, method, values, *labels)

    def _view(self, *, with_examples: bool) -> Trained:
        """The state in the folder, as it stood when it was first looked at."""
        if with_examples not in self._views:
            if not (self.workdir / "config.json").exists():
                raise InputError(
                    f"run folder {str(self.workdir)!r} holds no run yet; run.train() trains it"
                )
            if self._views and not self._recipe.has_examples:
                data = examples_of(self._recipe, self.workdir, self._place)
                self._views[True] = self._views[False].on(data)
            else:
                place = self._place if with_examples else None
                self._recipe, state = load_run(self.workdir, self._best, place)
                self._views[with_examples] = self._recipe.trained(state)
        return self._views[with_examples]


def _whole(name: str, value: Any, least: int) -> int:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | np.integer)
        or value < least
    ):
        raise InputError(f"{name}={value!r} is no whole number of {least} or more")
    return int(value)
