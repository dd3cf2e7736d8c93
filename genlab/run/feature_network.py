"""A trained classifier as a named network of features, for metrics and perceptual losses."""

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.images import luma
from genlab.errors import InputError
from genlab.nn.convolution import Conv
from genlab.registry import experiments
from genlab.storage.checkpoint import flatten

Array = jax.Array


@dataclass(frozen=True, eq=False)
class FeatureNetwork:
    """The classifier of a run with its weights.

    Attributes:
      name: data set and network, `digits_conv_classifier`.
      run: name of the run's folder.
      step: rounds that it was trained for.
      checksum: of the variables, 12 hexadecimal digits of their SHA-256.
      module: the linen module.
      variables: its weights and statistics, NumPy arrays.
      shape: (H, W, C) of the images that it was trained on.
      value_range: what black and white were.
    """

    name: str
    run: str
    step: int
    checksum: str
    module: nn.Module
    variables: Any
    shape: tuple[int, int, int]
    value_range: tuple[float, float]

    def features(self, images: Array) -> Array:
        """The layer before the logits, [B, F], of `images: [B, H, W, C] in [0, 1]` of any size.

        Raises:
          InputError: the classifier has no such layer.
        """
        if not hasattr(self.module, "features"):
            raise InputError(
                f"network {type(self.module).__name__!r} of {self.name} has no 'features'; take"
                " the run of a 'conv_classifier'"
            )
        return self.module.apply(
            self.variables, self._fit(images), train=False, method="features"
        )

    def maps(self, images: Array) -> list[Array]:
        """What every convolution makes of `images: [B, H, W, C] in [0, 1]`: [B, h, w, c] each.

        Raises:
          InputError: the classifier has no convolution.
        """
        _, state = self.module.apply(
            self.variables,
            self._fit(images),
            train=False,
            capture_intermediates=lambda module, _: isinstance(module, Conv),
            mutable=["intermediates"],
        )
        found = jax.tree.leaves(state.get("intermediates", {}))
        if not found:
            raise InputError(
                f"the classifier of {self.name} has no convolution to look at"
            )
        return found

    def _fit(self, images: Array) -> Array:
        """The images at the size, channels and range of the classifier's own."""
        height, width, channels = self.shape
        if images.shape[-1] != channels:
            images = luma(images) if channels == 1 else jnp.repeat(images, 3, axis=-1)
        shape = (images.shape[0], height, width, channels)
        if images.shape != shape:
            images = jax.image.resize(images, shape, "linear", antialias=True)
        low, high = self.value_range
        return low + (high - low) * images


def load_feature_network(run: str) -> FeatureNetwork:
    """The classifier of a finished run.

    Args:
      run: its folder.

    Raises:
      InputError: no folder, no checkpoint in it, or a run of another family or without images.
    """
    if not run:
        raise InputError(
            "features come from the run folder of a classifier; name one, run=DIR"
        )
    return _load(str(Path(run).expanduser().resolve()))


@functools.lru_cache(maxsize=4)
def _load(run: str) -> FeatureNetwork:
    from genlab.run.course import load_run

    # A loss may ask for its features while it is traced; the weights are constants of it.
    with jax.ensure_compile_time_eval():
        recipe, state = load_run(Path(run))
        params, extra = jax.tree.map(np.asarray, recipe.experiment.view(state))
    if not isinstance(recipe.experiment, experiments.find("classifier")):
        raise InputError(
            f"{run} is a run of {recipe.config['experiment']['name']!r}; features come from one"
            " of 'classifier'"
        )
    if not recipe.data.is_image:
        raise InputError(
            f"{run} classifies {recipe.data.name!r}, which holds no images"
        )
    variables = {name: roles["classifier"] for name, roles in extra.items()}
    variables["params"] = params["classifier"]["classifier"]
    data = recipe.data.name.replace(":", "_").replace("/", "_")
    return FeatureNetwork(
        name=f"{data}_{recipe.config['model']['classifier']['name']}",
        run=Path(run).name,
        step=int(state.step),
        checksum=_checksum(variables),
        module=recipe.experiment.networks["classifier"].module,
        variables=variables,
        shape=recipe.data.example_shape,
        value_range=recipe.preparation.value_range,
    )


def _checksum(variables: Any) -> str:
    digest = hashlib.sha256()
    for name, leaf in sorted(flatten(variables).items()):
        digest.update(f"{name} {leaf.dtype} {leaf.shape}".encode())
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()[:12]
