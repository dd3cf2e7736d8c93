"""A trained classifier as a named network of features, for metrics and perceptual losses."""

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import numpy as np

from genlab.config.files import expanded
from genlab.errors import InputError
from genlab.features.checksum import checksum
from genlab.features.features import Features
from genlab.features.image_input import ImageInput
from genlab.nn.convolution import Conv
from genlab.part import name_of
from genlab.registry import experiments, features
from genlab.run.recipe import Recipe

Array = jax.Array


@features.register(name="run")
def run_features(*, run: str) -> Features:
    """The layer before the logits of a classifier that was trained here.

    Args:
      run: folder of a finished run of 'classifier', named after its data and network.

    Raises:
      InputError: no such run, no classifier in it, or one without such a layer.
    """
    network = load_feature_network(run)
    layer = f"before the logits, {network.step} rounds of run {network.run}"
    return features_of(network, layer)


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
      input: to the size, channels and range of the images that it was trained on.
    """

    name: str
    run: str
    step: int
    checksum: str
    module: nn.Module
    variables: Any = field(repr=False)
    input: ImageInput

    def features(self, images: Array) -> Array:
        """The layer before the logits, [B, F], of `images: [B, H, W, C] in [0, 1]` of any size.

        Raises:
          InputError: the classifier has no such layer.
        """
        return self.outputs(self.variables, self.input(images))[0]

    def outputs(self, variables: Any, images: Array) -> tuple[Array, Array]:
        """The layer before the logits, [B, F], and logits, [B, classes], of prepared images by
        variables like its own.

        Raises:
          InputError: the classifier has no such layer.
        """
        if not hasattr(self.module, "features"):
            raise InputError(
                f"network {name_of(self.module)!r} of {self.name} has no 'features'; take"
                " the run of a 'conv_classifier'"
            )
        logits, state = self.module.apply(
            variables,
            images,
            train=False,
            capture_intermediates=lambda _, method: method == "features",
            mutable=["intermediates"],
        )
        (found,) = state["intermediates"]["features"]
        return found, logits

    def maps(self, images: Array) -> list[Array]:
        """What every convolution makes of `images: [B, H, W, C] in [0, 1]`: [B, h, w, c] each.

        Raises:
          InputError: the classifier has no convolution.
        """
        _, state = self.module.apply(
            self.variables,
            self.input(images),
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


def features_of(network: FeatureNetwork, layer: str) -> Features:
    """What a classifier has before its logits, as features; `layer` is what they say of it."""
    shape = (1, *network.input.size, network.input.channels)
    image = jax.ShapeDtypeStruct(shape, np.float32)
    found, logits = jax.eval_shape(network.outputs, network.variables, image)
    return Features(
        name=network.name,
        checksum=network.checksum,
        input=network.input,
        layer=layer,
        width=found.shape[-1],
        classes=logits.shape[-1],
        variables=network.variables,
        outputs=network.outputs,
    )


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
    return _load(str(Path(expanded(run)).resolve()))


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
    if "features" in recipe.experiment.networks:
        raise InputError(
            f"{run} classifies codes of frozen networks; take a classifier of the images themselves"
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
        checksum=checksum(variables),
        module=recipe.experiment.networks["classifier"].module,
        variables=variables,
        input=_input(recipe),
    )


def _input(recipe: Recipe) -> ImageInput:
    """What brings images to the size, channels and range of those that a run was trained on."""
    height, width, channels = recipe.data.example_shape
    low, high = recipe.preparation.value_range
    return ImageInput((height, width), channels, low=(low,), high=(high,))
