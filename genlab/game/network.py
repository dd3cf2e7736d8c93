"""A network in its role: a linen module, where its weights lie, and how it is called."""

import contextlib
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax

from genlab.errors import InputError
from genlab.game import remat, rng
from genlab.part import name_of

Array = jax.Array
PyTree = Any


@dataclass(frozen=True)
class Network:
    """A module in a role of the game (`generator`, `encoder`, ...).

    Its parameters are `params[player][role]`; its other variables (batch statistics, spectral-norm
    vectors) are `extra[collection][role]`.
    """

    role: str
    module: nn.Module

    def __post_init__(self) -> None:
        if not isinstance(self.module, nn.Module):
            raise InputError(
                f"model.{self.role}: {name_of(self.module)!r} is no network, a class that inherits"
                " from flax.linen.Module"
            )
        called = inspect.signature(type(self.module).__call__).parameters
        takes_all = any(each.kind is each.VAR_KEYWORD for each in called.values())
        if "train" not in called and not takes_all:
            raise InputError(
                f"model.{self.role}: {name_of(self.module)!r} is called with train=True or False, which its __call__"
                " does not take; def __call__(self, x, *, train=False)"
            )

    @property
    def takes_label(self) -> bool:
        """Whether the module names `label` among what it is called with, or passes it on."""
        return takes_label(self.module)

    def __call__(
        self,
        params: PyTree,
        extra: PyTree,
        *inputs: Array,
        label: Array | None = None,
        method: str | None = None,
    ) -> PyTree:
        """The network as it is used after training: nothing is drawn, nothing updated.

        A module that takes a `label: [B]` is given it, every other is not.

        Raises:
          InputError: it takes one, and there is none.
        """
        with jax.named_scope(f"network {self.role}"):
            outputs = self.module.apply(
                self._variables(params, extra),
                *inputs,
                **self.labelled(label),
                train=False,
                method=method,
            )
        return self._checked(outputs)

    def shape_of_output(
        self, *inputs: Array, label: Array | None = None, method: str | None = None
    ) -> PyTree:
        """Shapes and types of what the module makes of such inputs; nothing is computed."""
        seen = self.labelled(label)
        make = self.module.init_with_output
        return jax.eval_shape(
            lambda key: make(key, *inputs, **seen, method=method)[0], jax.random.key(0)
        )

    def labelled(self, label: Array | None) -> dict[str, Array]:
        """The label as the module is called with it, if it takes one."""
        if not self.takes_label:
            return {}
        if label is None:
            raise InputError(
                f"model.{self.role}, {name_of(self.module)!r}, takes the label of an example,"
                " and there is none here"
            )
        return {"label": label}

    def need_label(self, what: str) -> None:
        """Raises InputError unless the module takes a label, without which there is no `what`."""
        if not self.takes_label:
            raise InputError(
                f"{what} need a network in model.{self.role} that takes a label, and"
                f" {name_of(self.module)!r} takes none; 'conditional' makes one of any, and 'guided' of one that"
                " sees a time"
            )

    def train(
        self,
        params: PyTree,
        extra: PyTree,
        *inputs: Array,
        key: Array,
        label: Array | None = None,
        method: str | None = None,
    ) -> tuple[PyTree, PyTree]:
        """The network in training mode, and `extra` with this role's variables renewed.

        Every random stream that a module asks for, `make_rng(name)`, is there: `dropout` has a key of
        its own, and flax takes all others, apart from each other, from the one called `params`.

        Raises:
          InputError: a method that the module does not have, or no array comes of it.
        """
        if method is not None and not hasattr(self.module, method):
            raise InputError(
                f"model.{self.role}: {name_of(self.module)!r} has no method {method!r}, which a"
                " part of this game asks it for"
            )
        collections = [name for name in extra if self.role in extra[name]]
        with jax.named_scope(f"network {self.role}"):
            how = {"train": True, "mutable": collections, "method": method}
            apply = remat.kept(
                lambda variables, inputs, labelled, rngs: self.module.apply(
                    variables, *inputs, **labelled, rngs=rngs, **how
                )
            )
            rngs = {
                "dropout": rng.fold(key, f"{self.role}/dropout"),
                "params": rng.fold(key, f"{self.role}/streams"),
            }
            variables = self._variables(params, extra)
            outputs, changed = apply(variables, inputs, self.labelled(label), rngs)
        renewed = {
            name: {**extra[name], self.role: variables}
            for name, variables in changed.items()
        }
        return self._checked(outputs), {**extra, **renewed}

    def _checked(self, outputs: PyTree) -> PyTree:
        """What the module returned, if there is an array in it."""
        if not any(hasattr(leaf, "shape") for leaf in jax.tree.leaves(outputs)):
            raise InputError(
                f"model.{self.role}: {name_of(self.module)!r} returned a"
                f" {type(outputs).__name__}, not an array"
            )
        return outputs

    def _variables(self, params: PyTree, extra: PyTree) -> dict[str, PyTree]:
        found = [roles[self.role] for roles in params.values() if self.role in roles]
        if not found:
            raise InputError(
                f"model.{self.role}: {name_of(self.module)!r} has no parameters to train"
            )
        (weights,) = found  # no role is of two players
        others = {
            name: extra[name][self.role] for name in extra if self.role in extra[name]
        }
        return {"params": weights, **others}


def takes_label(module: nn.Module) -> bool:
    """Whether a module names `label` among what it is called with.

    One around another, its `network`, that takes `**label` passes on what that one takes.
    """
    label = inspect.signature(type(module).__call__).parameters.get("label")
    if label is not None and label.kind is label.VAR_KEYWORD:
        return takes_label(module.network)
    return label is not None


@contextlib.contextmanager
def _in_role(network: Network) -> Iterator[None]:
    """Inside, what a module refuses is said of its role."""
    try:
        yield
    except InputError as error:
        role = f"model.{network.role}"
        if str(error).startswith(role):
            raise
        raise InputError(f"{role}, {name_of(network.module)!r}: {error}") from error


def initialize(
    key: Array,
    players: dict[str, Sequence[tuple[Network, Sequence[Array]]]],
    label: Array | None = None,
) -> tuple[dict[str, PyTree], dict[str, PyTree]]:
    """Parameters and further variables of every player's networks.

    Args:
      key: the key of the initialisation.
      players: for each player its networks, each with example inputs.
      label: [B], of these examples, for networks that take one.

    Returns:
      `params[player][role]` and `extra[collection][role]`.
    """
    params: dict[str, PyTree] = {player: {} for player in players}
    extra: dict[str, PyTree] = {}
    for player, networks in players.items():
        for network, inputs in networks:
            with _in_role(network):
                variables = network.module.init(
                    rng.fold(key, network.role), *inputs, **network.labelled(label)
                )
            for collection, tree in variables.items():
                home = (
                    params[player]
                    if collection == "params"
                    else extra.setdefault(collection, {})
                )
                home[network.role] = tree
    return params, extra
