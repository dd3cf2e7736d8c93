"""Starts: what the parameters of a stage take over from trained ones.

A start is called as `start(params, extra, sources, **knobs) -> (params, extra)`. `params` and
`extra` are freshly initialised; `sources` maps the names of the stages before, and `init` for the
run that `init_from` names, to the parameters and further variables that they ended with (averaged
ones, where a player keeps an average).
"""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.registry import starts

PyTree = Any
Sources = Mapping[str, tuple[PyTree, PyTree]]

LISTED = 6  # differences that a message has

_log = logging.getLogger("genlab")


@starts.register
def fresh(params: PyTree, extra: PyTree, sources: Sources) -> tuple[PyTree, PyTree]:
    """Freshly initialised parameters; nothing is taken over."""
    del sources
    return params, extra


def _named(start: Callable) -> Callable:
    """The start, which names itself in what it refuses."""

    @functools.wraps(start)
    def named(*arguments: Any, **knobs: Any) -> tuple[PyTree, PyTree]:
        try:
            return start(*arguments, **knobs)
        except InputError as error:
            raise InputError(f"start {start.__name__!r}: {error}") from None

    return named


@starts.register
@_named
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
                f"changes {name!r} on the way, which is no part{suggest(name, parts)}"
            )
    for target, path in parts.items():
        found = _source(sources, target, path)
        if factors and target in factors:
            factor = factors[target]
            found = jax.tree.map(lambda leaf, by=factor: leaf * by, found)
        if target in transposed:
            found = jax.tree.map(jnp.transpose, found)
        params, extra = _taken(params, extra, sources, target, path, found, _whole)
    return params, extra


@starts.register
@_named
def matching(
    params: PyTree, extra: PyTree, sources: Sources, *, parts: Mapping[str, str]
) -> tuple[PyTree, PyTree]:
    """As `copy`, of networks that agree in part: of another size of image, or with other heads.

    A parameter is taken over where one of the same name and shape is there; what differs stays fresh,
    and is told in one line.

    Args:
      params: fresh parameters.
      extra: fresh further variables.
      sources: stage -> trained parameters and further variables.
      parts: name here -> `stage/name there`.

    Raises:
      InputError: a name that does not exist, or a part of which no parameter agrees.
    """
    for target, path in parts.items():
        found = _source(sources, target, path)
        here = _get(params, target)
        count = sum(_shapes(found).get(n) == s for n, s in _shapes(here).items())
        unlike = differences(_shapes(here), _shapes(found))
        if not count:
            raise InputError(f"no parameter of {path!r} fits {target!r}: {unlike}")
        if unlike:
            _tell(f"{target} takes {count} parameters of {path}; fresh: {unlike}")
        params, extra = _taken(params, extra, sources, target, path, found, _agreeing)
    return params, extra


def differences(
    here: Mapping[str, tuple[int, ...]], there: Mapping[str, tuple[int, ...]]
) -> str:
    """What differs between the shapes of two sets of parameters by name, the first few; empty if nothing."""
    told = []
    for name in dict.fromkeys([*here, *there]):
        what = name or "it"
        if name not in there:
            told.append(f"{what} {list(here[name])} is only here")
        elif name not in here:
            told.append(f"{what} {list(there[name])} is only there")
        elif here[name] != there[name]:
            told.append(f"{what} is {list(here[name])} here, {list(there[name])} there")
    more = [f"{len(told) - LISTED} more"] if len(told) > LISTED else []
    return "; ".join(told[:LISTED] + more)


def tell_anew() -> None:
    """What was told of a run is told of the next one as well."""
    _tell.cache_clear()


@functools.cache  # a start is asked for shapes before it is asked for numbers
def _tell(what: str) -> None:
    _log.info("start 'matching': %s", what)


def _source(sources: Sources, target: str, path: str) -> PyTree:
    """The parameters that a path `stage/name` leads to."""
    stage, _, name = path.partition("/")
    if stage not in sources:
        raise InputError(f"no source {stage!r} for {target!r}{suggest(stage, sources)}")
    return _get(sources[stage][0], name)


def _taken(
    params: PyTree,
    extra: PyTree,
    sources: Sources,
    target: str,
    path: str,
    found: PyTree,
    fill: Callable[[PyTree, PyTree, str], PyTree],
) -> tuple[PyTree, PyTree]:
    """Parameters and further variables with what was found in the place of a target, as `fill` puts it
    there."""
    stage, _, name = path.partition("/")
    params = _put(params, target.split("/"), found, path, fill)
    # Parameters lie below their player, variables below their collection.
    below, there = target.partition("/")[2], name.partition("/")[2]
    for collection, roles in sources[stage][1].items():
        if below and _has(roles, there) and _has(extra.get(collection), below):
            own = _get(roles, there)
            renewed = _put(extra[collection], below.split("/"), own, path, fill)
            extra = {**extra, collection: renewed}
    return params, extra


def _whole(here: PyTree, found: PyTree, path: str) -> PyTree:
    """All that was found, which must be as what is here."""
    if unlike := differences(_shapes(here), _shapes(found)):
        raise InputError(f"{path!r} does not fit: {unlike}")
    return found


def _agreeing(here: PyTree, found: PyTree, path: str) -> PyTree:
    """What was found where it has the name and shape of what is here, and that elsewhere."""
    if isinstance(here, Mapping) and isinstance(found, Mapping):
        return {
            key: _agreeing(leaf, found[key], path) if key in found else leaf
            for key, leaf in here.items()
        }
    if isinstance(here, Mapping) or isinstance(found, Mapping):
        return here
    return found if found.shape == here.shape else here


def _get(tree: PyTree, name: str) -> PyTree:
    for key in name.split("/"):
        if not isinstance(tree, Mapping) or key not in tree:
            known = tree if isinstance(tree, Mapping) else ()
            raise InputError(f"no {key!r} in {name!r}{suggest(key, known)}")
        tree = tree[key]
    return tree


def _has(tree: PyTree, name: str) -> bool:
    for key in name.split("/"):
        if not isinstance(tree, Mapping) or key not in tree:
            return False
        tree = tree[key]
    return True


def _put(
    tree: PyTree,
    keys: list[str],
    value: PyTree,
    source: str,
    fill: Callable[[PyTree, PyTree, str], PyTree],
) -> PyTree:
    if not keys:
        return fill(tree, value, source)
    if not isinstance(tree, Mapping) or keys[0] not in tree:
        known = tree if isinstance(tree, Mapping) else ()
        raise InputError(f"no {keys[0]!r} to fill{suggest(keys[0], known)}")
    return {**tree, keys[0]: _put(tree[keys[0]], keys[1:], value, source, fill)}


def _shapes(tree: PyTree) -> dict[str, tuple[int, ...]]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): tuple(leaf.shape)
        for path, leaf in leaves
    }
