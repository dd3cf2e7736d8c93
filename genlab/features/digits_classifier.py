"""A small classifier of the embedded digits, whose weights come with genlab."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
from flax.traverse_util import unflatten_dict
from safetensors.numpy import load_file

from genlab.features.checksum import checksum
from genlab.features.classifier import FeatureNetwork, features_of
from genlab.features.features import Features
from genlab.features.image_input import ImageInput
from genlab.registry import features, models

FILE = Path(__file__).with_suffix(".safetensors")
LAYER = "before the logits, as shipped with genlab"


@features.register
def digits_classifier() -> Features:
    """The layer before the logits of a classifier of scikit-learn's digits, shipped with genlab.

    Trained on the 1,372 training digits at 16 px alone, 97.3 % of the 300 test digits:
    `genlab --config=classifier:features`, then `genlab export`. It knows digits and
    nothing else; of other images its features mean no more than those of a random network.
    """
    return features_of(digits_network(), LAYER)


@functools.cache
def digits_network() -> FeatureNetwork:
    """The classifier itself, for what its convolutions make of an image."""
    variables: dict[str, Any] = unflatten_dict(
        {
            tuple(name.split("/")): np.asarray(value)
            for name, value in load_file(FILE).items()
        }
    )
    variables = {"params": variables["params"]["classifier"]["classifier"]}
    return FeatureNetwork(
        name="digits_classifier",
        run="",
        step=600,
        checksum=checksum(variables),
        module=models.build(
            "conv_classifier", num_classes=10, channels=(16, 32), hidden=64
        ),
        variables=variables,
        input=ImageInput((16, 16), 1, low=(-1.0,), high=(1.0,)),
    )
