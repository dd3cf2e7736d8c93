"""The names of `genlab` itself: what an editor reads, what is imported, and what they are."""

import ast
import pkgutil
from pathlib import Path

import pytest

import genlab
from genlab import registry


def named_for_editors() -> dict[str, str]:
    """Name -> place, of the imports that only a type checker sees."""
    tree = ast.parse(Path(genlab.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    return {
        alias.asname: node.module
        for node in block.body
        for alias in node.names
        if alias.asname == alias.name  # which makes it public
    }


def test_editors_see_what_is_there():
    assert named_for_editors() == genlab._PLACES
    assert set(genlab.__all__) <= set(dir(genlab))
    for name in genlab.__all__:
        assert getattr(genlab, name) is getattr(genlab, name), name


def test_no_name_hides_a_room():
    rooms = {module.name for module in pkgutil.iter_modules(genlab.__path__)}
    assert not rooms & set(genlab.__all__)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        genlab.lode  # noqa: B018


def test_every_registry_has_a_decorator():
    offered = [vars(genlab.register)[kind] for kind in vars(genlab.register)]
    for kind, parts in registry.REGISTRIES.items():
        assert parts.register in offered, kind
