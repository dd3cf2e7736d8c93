"""genlab: deep generative models in JAX and Flax, every family a game of players.

`genlab.load` and `genlab.open` are the way in from Python; the other names are for whoever writes
parts of their own. Each is imported when it is first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

from genlab.process import xla

if TYPE_CHECKING:  # what an editor or a type checker reads; `_NAMES` says the same
    from genlab.config.load import base_config as base_config
    from genlab.data.dataset import Dataset as Dataset
    from genlab.data.dataset import array_splits as array_splits
    from genlab.door import register as register
    from genlab.door.opening import load as load
    from genlab.door.opening import open as open
    from genlab.door.run import Run as Run
    from genlab.errors import InputError as InputError
    from genlab.errors import NonFiniteLoss as NonFiniteLoss
    from genlab.errors import PartFailed as PartFailed
    from genlab.errors import Stopped as Stopped
    from genlab.export.parameters import load_params as load_params
    from genlab.game import rng as rng
    from genlab.game.experiment import Experiment as Experiment
    from genlab.game.network import Network as Network
    from genlab.game.network import initialize as initialize
    from genlab.game.optim import Optimizer as Optimizer
    from genlab.game.turn import Draw as Draw
    from genlab.game.turn import Loss as Loss
    from genlab.game.turn import Player as Player
    from genlab.game.turn import State as State
    from genlab.game.turn import Turn as Turn
    from genlab.metrics.measurement import Measurement as Measurement
    from genlab.nn.convolution import Conv as Conv
    from genlab.nn.convolution import ConvTranspose as ConvTranspose
    from genlab.nn.dropout import Dropout as Dropout
    from genlab.nn.norm import BatchNorm as BatchNorm
    from genlab.nn.norm import InstanceNorm as InstanceNorm
    from genlab.numbers import Count as Count
    from genlab.numbers import Fraction as Fraction
    from genlab.numbers import NonNegative as NonNegative
    from genlab.numbers import Positive as Positive
    from genlab.numbers import Whole as Whole
    from genlab.objectives.likelihood import likelihood as likelihood
    from genlab.trained.needs import needs as needs
    from genlab.trained.trained import Trained as Trained

__version__ = "0.1.0"

_NAMES = {
    "genlab.config.load": ("base_config",),
    "genlab.data.dataset": ("Dataset", "array_splits"),
    "genlab.door": ("register",),
    "genlab.door.opening": ("load", "open"),
    "genlab.door.run": ("Run",),
    "genlab.errors": ("InputError", "NonFiniteLoss", "PartFailed", "Stopped"),
    "genlab.export.parameters": ("load_params",),
    "genlab.game": ("rng",),
    "genlab.game.experiment": ("Experiment",),
    "genlab.game.network": ("Network", "initialize"),
    "genlab.game.optim": ("Optimizer",),
    "genlab.game.turn": ("Draw", "Loss", "Player", "State", "Turn"),
    "genlab.metrics.measurement": ("Measurement",),
    "genlab.nn.convolution": ("Conv", "ConvTranspose"),
    "genlab.nn.dropout": ("Dropout",),
    "genlab.nn.norm": ("BatchNorm", "InstanceNorm"),
    "genlab.numbers": ("Count", "Fraction", "NonNegative", "Positive", "Whole"),
    "genlab.objectives.likelihood": ("likelihood",),
    "genlab.trained.needs": ("needs",),
    "genlab.trained.trained": ("Trained",),
}
_PLACES = {name: place for place, names in _NAMES.items() for name in names}

__all__ = sorted(_PLACES)  # noqa: PLE0605 a type checker reads the imports above


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'genlab' has no attribute {name!r}")
    place = importlib.import_module(_PLACES[name])
    try:
        value = getattr(place, name)
    except AttributeError:  # a module that nobody has imported yet
        value = importlib.import_module(f"{place.__name__}.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


xla.keep_sums_right()
