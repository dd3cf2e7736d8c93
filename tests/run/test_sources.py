"""The code that made a run: where it is found, what is kept of it, and what is said when it changes."""

import json
import sys

import pytest

from genlab import trust
from genlab.config.files import file_of
from genlab.config.override import resolved
from genlab.errors import InputError
from genlab.registry import objectives
from genlab.run import record, sources
from genlab.run.folder import claim, load_config
from genlab.run.recipe import Recipe

CONFIG = """
from genlab.shipped.configs import vae

def get_config(variant=""):
    config = vae.get_config("tiny")
    config.objective = dict(name="{module}:loss")
    return config
"""
LOSS = """
import {module}_helper

def loss(reconstruction, kl, *, beta: float = 1.0):
    return reconstruction + {module}_helper.twice(beta) * kl
"""


@pytest.fixture
def apart(tmp_path, monkeypatch, request):
    """A config and its loss in a folder that is neither the working one nor on the path."""
    module = f"loss_of_{request.node.name}"
    home, here = tmp_path / "mine", tmp_path / "here"
    for folder in (home, here, tmp_path / "run"):
        folder.mkdir()
    (home / "my.py").write_text(CONFIG.format(module=module))
    (home / f"{module}.py").write_text(LOSS.format(module=module))
    (home / f"{module}_helper.py").write_text("def twice(x):\n    return 2 * x\n")
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with trust.command():
        yield home, module


def made(config):
    return Recipe.build(resolved(config, {})[0])


def test_code_beside_a_config_is_found_and_kept_and_its_changes_are_told(
    apart, tmp_path, caplog
):
    home, module = apart
    recipe, run = made("../mine/my.py"), tmp_path / "run"
    claim(run, recipe, {}, source=file_of("../mine/my.py"))
    kept = record.sources(run)
    assert kept.keys() == {sources.CONFIG, module, f"{module}_helper"}
    assert kept[module]["text"] == (home / f"{module}.py").read_text()
    assert kept[sources.CONFIG]["file"] == str(home / "my.py")
    claim(run, recipe, {}, source=file_of("../mine/my.py"))
    assert not caplog.records
    for name in ("my", f"{module}_helper"):
        with (home / f"{name}.py").open("a") as file:
            file.write("# another\n")
    claim(run, recipe, {}, source=file_of("../mine/my.py"))
    (told,) = (record.getMessage() for record in caplog.records)
    assert f"{home}/my.py and {home}/{module}_helper.py have changed" in told
    claim(run, recipe, {})  # without its config file, which is remembered
    assert record.sources(run)[sources.CONFIG]["text"].endswith("# another\n")


def test_code_of_a_run_is_found_again_by_those_who_trust_it_alone(apart, tmp_path):
    home, module = apart
    run = tmp_path / "run"
    claim(run, made("../mine/my.py"), {}, source=file_of("../mine/my.py"))
    for named in (module, f"{module}_helper"):
        del sys.modules[named]
    sys.path.remove(str(home))
    with trust.command():
        load_config(run)
        assert str(home) not in sys.path
        trust.everything()
        assert callable(objectives.find(load_config(run)["objective"]["name"]))


def test_module_from_elsewhere_is_not_taken_for_the_one_beside_the_config(
    apart, tmp_path
):
    home, module = apart
    other = tmp_path / "other"
    other.mkdir()
    (other / f"{module}.py").write_text("def loss(kl):\n    return kl\n")
    sys.path.insert(0, str(other))
    with pytest.raises(InputError, match=f"'{home}/{module}.py' lies beside"):
        made("../mine/my.py")


def test_recipe_of_genlab_is_called_the_same_wherever_it_lies(tmp_path):
    config = resolved("vae:tiny", {})[0]
    found = sources.sources_of(config, file_of("vae:tiny"))
    assert found[sources.CONFIG]["file"] == "configs/vae.py"
    assert found.keys() == {sources.CONFIG}
    json.dumps(found)
    assert sources.are_sources(found) and not sources.are_sources({"a": {"file": 1}})


def test_package_without_a_file_and_part_that_was_typed_are_passed_over(
    apart, tmp_path, monkeypatch
):
    home, module = apart
    package = home / f"{module}_helper"
    (package / "inner").mkdir(parents=True)
    (home / f"{module}_helper.py").rename(package / "__init__.py")
    (package / "inner" / "far.py").write_text("")
    with (package / "__init__.py").open("a") as file:
        file.write("from . import inner\nfrom .inner import far\n")
    made("../mine/my.py")
    config = {"objective": {"name": f"{module}:loss"}}
    found = sources.sources_of(config, None)
    assert found.keys() == {*(module, f"{module}_helper", f"{module}_helper.inner.far")}
    monkeypatch.delattr(sys.modules[module], "__file__")
    assert not sources.sources_of(config, None)


def test_code_of_a_run_is_searched_where_it_was_then_beside_its_config(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    modules = {"a.b.c": "/x.py", "z": f"{tmp_path}/z/z.py"}
    for files, home in (
        ({"--config": "configs/vae.py", **modules}, ""),
        ({"--config": f"{tmp_path}/mine/c.py", **modules}, f"{tmp_path}/mine"),
    ):
        monkeypatch.setattr(sys, "path", [])
        with trust.command():
            known = {"sha256": "", "text": ""}
            sources.search({name: {"file": f, **known} for name, f in files.items()})
            assert trust._trust.home == home, "modules lie beside no config"
        places = [f"{tmp_path}/z", home, str(tmp_path)]
        assert sys.path == list(filter(None, places))
