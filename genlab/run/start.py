"""Starts: what the parameters of a stage take over from trained ones.

A start is called as `start(params, extra, sources, **knobs) -> (params, extra)`. `params` and
`extra` are freshly initialised; `sources` maps the names of the stages before, and `init` for the
run that `init_from` names, to the parameters and further variables that they ended with (averaged
ones, where a player keeps an average).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.registry import starts

PyTree = Any
Sources = Mapping[str, tuple[PyTree, PyTree]]


@starts.register
def fresh(params: PyTree, extra: PyTree, sources: Sources) -> tuple[PyTree, PyTree]:
    """Freshly initialised parameters; nothing is taken over."""
    del sources
    return params, extra


@starts.register
def copy(
    params: PyTree,
    extra: PyTree,
    sources: Sources,
    *,
    parts: Mapping[str, str],
    factors: Mapping[str, float] | None = None,
    transposed: Sequence[str] = (),
) -> tuple[PyTree, PyTree]:
    """Parameters by name from trained ones, with the networks' further variables.

    Names are those of `export`, `player/role/module/parameter`, cut anywhere between slashes; all
    below a name is copied and must be the same on both sides. What no part names stays fresh.

    Args:
      params: fresh parameters.
      extra: fresh further variables; what belongs to a copied role or module comes along.
      sources: stage -> trained parameters and further variables.
      parts: name here -> `stage/name there`.
      factors: names of `parts` whose parameters are multiplied on the way.
      transposed: names of `parts` whose matrices are transposed on the way.

    Raises:
      InputError: a name that does not exist, or trees that differ in structure or shape.
    """
    for name in (*(factors or {}), *transposed):
        if name not in parts:
            raise InputError(
                f"start 'copy' changes {name!r} on the way, which is no part{suggest(name, parts)}"
            )
    for target, path in parts.items():
        stage, _, name = path.partition("/")
        if stage not in sources:
            raise InputError(
                f"start 'copy' has no source {stage!r} for {target!r}{suggest(stage, sources)}"
            )
        source_params, source_extra = sources[stage]
        found = _get(source_params, name)
        if factors and target in factors:
            factor = factors[target]
            found = jax.tree.map(lambda leaf, by=factor: leaf * by, found)
        if target in transposed:
            found = jax.tree.map(jnp.transpose, found)
        params = _put(params, target.split("/"), found, path)
        # Parameters lie below their player, variables below their collection.
        below, there = target.partition("/")[2], name.partition("/")[2]
        for collection, roles in source_extra.items():
            if below and _has(roles, there) and _has(extra.get(collection), below):
                found = _get(roles, there)
                renewed = _put(extra[collection], below.split("/"), found, path)
                extra = {**extra, collection: renewed}
    return params, extra


def _get(tree: PyTree, name: str) -> PyTree:
    for key in name.split("/"):
        if not isinstance(tree, Mapping) or key not in tree:
            known = tree if isinstance(tree, Mapping) else ()
            raise InputError(
                f"start 'copy': no {key!r} in {name!r}{suggest(key, known)}"
            )
        tree = tree[key]
    return tree


def _has(tree: PyTree, name: str) -> bool:
    for key in name.split("/"):
        if not isinstance(tree, Mapping) or key not in tree:
            return False
        tree = tree[key]
    return True


def _put(tree: PyTree, keys: list[str], value: PyTree, source: str) -> PyTree:
    if not keys:
        if (wanted := _shapes(tree)) != (given := _shapes(value)):
            raise InputError(
                f"start 'copy': {source!r} has {given}, where {wanted} is needed"
            )
        return value
    if not isinstance(tree, Mapping) or keys[0] not in tree:
        known = tree if isinstance(tree, Mapping) else ()
        raise InputError(
            f"start 'copy': no {keys[0]!r} to fill{suggest(keys[0], known)}"
        )
    return {**tree, keys[0]: _put(tree[keys[0]], keys[1:], value, source)}


def _shapes(tree: PyTree) -> dict[str, tuple[int, ...]]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): tuple(leaf.shape)
        for path, leaf in leaves
    }
