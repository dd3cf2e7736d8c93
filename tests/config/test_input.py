"""What people type: config files, overrides and flags, odd ones and thousands of random ones."""

import dataclasses
import json
import os
import random

import pytest
import recipes

from genlab.commands import flags
from genlab.commands.cli import parsers
from genlab.config import files as configs_files
from genlab.config import load as configs
from genlab.config import override
from genlab.config.paths import absolute
from genlab.errors import InputError
from genlab.registry import metrics
from genlab.run.folder import claim, default_workdir
from genlab.trials.manifest import recipe_of

RING = f"{recipes.CONFIGS}/gan_ring.py:tiny"
VAE = f"{recipes.CONFIGS}/vae.py:tiny"


def resolved(path, **overrides):
    """The plain config of a file after overrides, checked as a command does."""
    config = configs.load(str(path))
    override.apply(config, {k.replace("__", "."): v for k, v in overrides.items()})
    plain = configs.plain(config)
    configs.check_parts(plain)
    return plain


def test_a_whole_number_may_be_written_as_a_float():
    assert resolved(VAE, train__steps="1e1")["train"]["steps"] == 10
    with pytest.raises(InputError, match="'1.5' is not of type int"):
        resolved(VAE, train__steps="1.5")


def test_a_name_is_chosen_before_its_knobs_in_whatever_order_they_come():
    flags = {"data.data_dir": "DIR", "data.name": "tfds:mnist"}
    for keys in (list(flags), list(flags)[::-1]):
        config = configs.load("vae")
        override.apply(config, {key: flags[key] for key in keys})
        assert (config.data.name, config.data.data_dir) == ("tfds:mnist", "DIR")


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Writes a config file that begins as the ring's and ends as the body says."""

    def write(body, head="", variant="variant=''", name="mine.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f"{head}\nimport numpy as np\nfrom pathlib import Path\n"
            "from ml_collections import config_dict\nfrom genlab.shipped.configs import gan_ring\n"
            f"VARIANTS = ('tiny',)\ndef get_config({variant}):\n"
            f"    config = gan_ring.get_config('tiny')\n    {body}\n    return config\n"
        )
        return path

    monkeypatch.chdir(tmp_path)
    return write


def test_dataclasses_with_postponed_annotations(file):
    head = (
        "from __future__ import annotations\nimport dataclasses, typing\n"
        "@dataclasses.dataclass\nclass Sizes:\n    hidden: typing.ClassVar[int] = 3\n"
        "    width: int = 4\n"
    )
    body = "config.model.generator.hidden = (Sizes(width=5).width,)"
    assert resolved(file(body, head))["model"]["generator"]["hidden"] == [5]


def test_get_config_without_a_variant(file):
    assert resolved(file("config.seed = 3", variant=""))["seed"] == 3


def test_colon_in_a_folders_name(file):
    path = file("config.seed = 3", name="a:b/c.py")
    assert resolved("a:b/c.py")["seed"] == resolved("a:b/c.py:tiny")["seed"] == 3
    with pytest.raises(InputError, match="no config file 'a:b/d.py'"):
        resolved("a:b/d.py")
    path.rename("a:b/c:d.py")
    assert resolved("a:b/c:d.py")["seed"] == 3


def test_recipes_of_genlab_have_names(file):
    for path in ("vae:tiny", "configs/vae.py:tiny", VAE):
        assert resolved(path) == resolved(VAE)
        assert configs_files.file_of(path) == recipes.CONFIGS / "vae.py"
        assert default_workdir(path).as_posix() == "runs/vae-tiny"
    file("pass", name="own.py")
    for path, hint in {"own": "own.py", "vea": "vae", "dcgam.py": "dcgan"}.items():
        with pytest.raises(InputError, match=f"did you mean '{hint}'"):
            resolved(path)
    with pytest.raises(InputError, match="no config file 'base'"):
        resolved("base")


def test_placeholders_are_set_or_named(file):
    for kind in ("placeholder", "required_placeholder"):
        path = file(
            f"config.seed = config_dict.{kind}(int); "
            f"config.model.generator.hidden = config_dict.{kind}(tuple)"
        )
        assert resolved(path, seed="3", model__generator__hidden="(2,)")["seed"] == 3
        assert recipe_of(str(path)), "of a sweep whose trials set them"
        with pytest.raises(InputError, match=r"config\.seed is a placeholder"):
            resolved(path, model__generator__hidden="(2,)")
        with pytest.raises(InputError, match=r"generator\.hidden is a placeholder"):
            resolved(path, seed="3")
        with pytest.raises(InputError, match="'abc' is not of type int"):
            resolved(path, seed="abc")


def test_links_survive_overrides(file):
    path = file(
        "config.train.batch_size = config_dict.FieldReference(8)\n"
        "    config.eval.batch_size = config.train.get_ref('batch_size') * 2"
    )
    sizes = lambda config: [config[s]["batch_size"] for s in ("train", "eval")]
    assert sizes(resolved(path)) == [8, 16]
    assert sizes(resolved(path, train__batch_size="4")) == [4, 8]
    assert sizes(resolved(path, train__batch_size="4", eval__batch_size="3")) == [4, 3]


def test_numpy_and_paths_become_plain(file):
    path = file(
        "config.experiment = dict(name='gan', n_critic=np.int64(3))\n"
        "    metric = dict(name='frechet_translation', run=Path('run'), num=np.int32(5))\n"
        "    config.eval.final_metrics = [metric]\n"
        "    schedule = dict(name='piecewise', boundaries=np.array([4, 5]),"
        " factors=np.array([0.5, 0.25]))\n"
        "    config.optimizer = dict(generator=dict(name='sgd', learning_rate=np.float32(0.5),"
        " schedule=schedule))\n"
    )
    rate = "optimizer.generator.learning_rate"
    config = resolved(path, **{"experiment.n_critic": "4", rate: "1"})
    assert config["experiment"]["n_critic"] == 4
    (metric,) = config["eval"]["final_metrics"]
    assert (metric["num"], metric["run"]) == (5, os.path.abspath("run"))
    optimizer = config["optimizer"]["generator"]
    assert type(optimizer["learning_rate"]) is float
    assert optimizer["schedule"]["boundaries"] == [4, 5]
    assert optimizer["schedule"]["factors"] == [0.5, 0.25]
    assert json.loads(json.dumps(config)) == config
    with pytest.raises(InputError, match="'seed'"):  # typed by `configs/base.py`
        resolved(file("config.seed = np.array([1, 2])"))


@pytest.mark.parametrize(
    "value",
    [
        "{1, 2}",
        "b'x'",
        "1j",
        "...",
        "float('nan')",
        "1e999",
        "10**30",
        "object()",
        "open",
    ],
)
def test_what_json_does_not_keep_is_named(value, file):
    with pytest.raises(InputError, match=r"config\.experiment\.z_dim="):
        resolved(file(f"config.experiment.z_dim = {value}"))


@pytest.mark.parametrize(
    "body",
    [
        "import sys; sys.exit(0)",
        "raise RecursionError",
        "raise GeneratorExit",
        "return None",
        "return {}",
        "return gan_ring",
        "config.experiment.me = config.experiment",
        "config.objective = dict(name=None)",
        "config.objective = 3",
        "config.objective = None",
        "config.model = dict(generator=None)",
        "config.experiment = dict()",
        "config.optimizer = dict(generator=dict(name='adam', schedule='x'))",
        "config.data = dict(name=3)",
        "config.stages = (3,)",
        "config.stages = (dict(name='a', data=3),)",
        "config.stages = (dict(name='a', train=dict(steps='x')),)",
        "config.start = ()",
        "config.eval.metrics = ({},)",
        "config.eval.metrics = (None,)",
        "config.sample.plots = (dict(name=3),)",
        "config.experiment[3] = 4",
        "config.seed = config_dict.placeholder(str)",
        "config.train = config_dict.placeholder(dict)",
    ],
)
def test_config_file_that_is_wrong_is_one_line(body, file):
    with pytest.raises(InputError) as error:
        resolved(file(body), seed="3")
    assert str(error.value).strip()


def test_files_that_are_no_configs(tmp_path):
    (tmp_path / "x.so").write_bytes(b"\x7fELF")
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "fifo.py")
    (tmp_path / "bytes.py").write_bytes(b"\xff\x00")
    (tmp_path / "variants.py").write_text("VARIANTS = 3\ndef get_config(v): pass\n")
    (tmp_path / "exit.py").write_text("import sys; sys.exit(0)\n")
    for name in ("x.so", "folder.py", "fifo.py", "bytes.py", "variants.py", "exit.py"):
        with pytest.raises(InputError, match=name):
            resolved(tmp_path / name)
    for name in ("", ":", "::", "a\0b.py", "x" * 5000, str(tmp_path)):
        with pytest.raises(InputError, match="no config file"):
            resolved(name)


def test_a_knob_whose_annotation_admits_none_takes_it():
    config = str(recipes.CONFIGS / "colorization.py")
    found = override.resolved(config, {"model.generator.dropout": "None"})[0]
    assert found["model"]["generator"]["dropout"] is None
    with pytest.raises(InputError, match="'None' is not of type int"):
        override.resolved(config, {"model.generator.width": "None"})


def test_names_need_no_quotes():
    for text in ("samples,grid", "samples, grid", "('samples','grid')"):
        config = configs.load(RING)
        override.apply(config, {"sample.plots": text})
        assert config.sample.plots == ("samples", "grid")
    config = configs.load(RING)
    override.apply(config, {"sample.plots": "samples"})
    assert config.sample.plots == ("samples",)


def test_home_folder_and_relative_paths(file, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = file("config.init_from = '~/run'")
    assert resolved(path)["init_from"] == f"{tmp_path}/home/run"
    config = resolved(path, init_from="./~x", data="folder:~/y")
    assert config["init_from"] == f"{tmp_path}/~x"
    assert config["data"]["name"] == f"folder:{tmp_path}/home/y"
    config = resolved(path, data="tfds:mnist", data__data_dir="gs://bucket/x")
    assert config["data"]["name"] == "tfds:mnist"
    assert config["data"]["data_dir"] == "gs://bucket/x"
    parser = parsers()[1]["train"]
    values = flags.parse(parser, ["--workdir=~/run", "--config", "~/c.py:tiny"])
    assert values.workdir == f"{tmp_path}/home/run"
    assert values.config == f"{tmp_path}/home/c.py:tiny"
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(InputError, match="HOME is not set"):
        flags.parse(parser, ["--workdir=~/run"])


def test_what_lies_in_a_part_of_ones_own_is_no_path():
    nested = {"name": "my_parts:net", "opts": {"weights": "imagenet", "run": "fast"}}
    config = {
        "model": {"g": {**nested, "blocks": [{"run": "fast"}]}, "d": {"weights": "w"}},
        "data": {"name": "folder:x", "degrade": {"weights": "w"}},
        "stages": [{"name": "a:b", "model": {"d": {"weights": "w"}}}],
        "eval": {"final_metrics": [{"name": "my_parts:m", "run": "fast"}]},
    }
    whole = absolute(config)
    here = os.path.abspath("w")
    assert whole["model"]["g"] == config["model"]["g"]
    assert whole["eval"] == config["eval"]
    assert whole["model"]["d"] == whole["stages"][0]["model"]["d"] == {"weights": here}
    assert whole["data"]["degrade"] == {"weights": here}
    assert whole["data"]["name"] == f"folder:{os.path.abspath('x')}"


def test_run_of_before_paths_were_whole_goes_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = recipes.recipe("gan_ring")
    whole = {**recipe.config, "init_from": f"{tmp_path}/run"}
    record = {"config": {**recipe.config, "init_from": "run"}}
    (tmp_path / "config.json").write_text(json.dumps(record))
    claim(tmp_path, dataclasses.replace(recipe, config=whole), {})
    assert json.loads((tmp_path / "config.json").read_text())["config"] == whole


def test_features_of_a_run_are_found_from_anywhere(file, tmp_path):
    part = dict(name="frechet_translation", run="classifier")
    config = resolved(file(f"config.eval.final_metrics = ({part},)"))
    assert config["eval"]["final_metrics"][0]["run"] == f"{tmp_path}/classifier"


ODD = [
    *("...", "{1}", "b'x'", "1j", "1e999", "-1e999", "nan", "None", "True", "''", "()"),
    *("{}", "[]", "(1,", "{[]: 1}", "{1: 2}", "{'a': {1}}", "'\\d'", "1is 2", "\0"),
    *(
        "(" * 5000,
        "[" * 150 + "]" * 150,
        "-" * 5000 + "1",
        "9" * 5000,
        "0x" + "f" * 5000,
    ),
    *("1_000", "10**12", "é\udcff\x1b", "{'name': 'adam'}", "a,b", ",", "os:system"),
    *("builtins:dict", "os:nowhere", "nowhere:x", ":", "a:b:c", "~", "~/x", "folder:~"),
    *(
        "(None,)",
        "({},)",
        "({'name': None},)",
        "({'name': ['a']},)",
        "genlab.commands.cli:main",
    ),
]


def _mutated(text: str, dice: random.Random) -> str:
    letters = list(text)
    for _ in range(dice.randrange(3)):
        place = dice.randrange(len(letters) + 1)
        letters[place : place + dice.randrange(2)] = dice.choice(
            "()[]{},.:'\"=~\\*0-a "
        )
    return "".join(letters)


def _keys(tree, path="") -> list[str]:
    return [
        key
        for name, value in tree.items()
        for key in [
            path + name,
            *(_keys(value, f"{path}{name}.") if hasattr(value, "items") else ()),
        ]
    ]


@pytest.mark.filterwarnings("error")
def test_random_overrides_are_taken_or_refused():
    dice, taken = random.Random(0), 0
    for path in (RING, VAE):
        start = configs.load(path)
        keys = [*_keys(start), "stages.x.train", "", ".", "seed.x", "model.x.name"]
        keys += ["optimizer.generator.schedule", "data.degrade.name", "objective.beta"]
        for _ in range(1500):
            config = start.copy_and_resolve_references()
            chosen = {
                _mutated(dice.choice(keys), dice)
                if dice.random() < 0.2
                else dice.choice(keys): _mutated(dice.choice(ODD), dice)
                for _ in range(dice.randrange(1, 3))
            }
            try:
                override.apply(config, chosen)
                plain = configs.plain(config)
                assert json.loads(json.dumps(plain)) == plain
                configs.check_parts(plain)
                taken += 1
            except InputError as error:
                assert str(error)
            except Exception as error:
                raise AssertionError(f"{path} {chosen}") from error
    assert 100 < taken < 2500


@pytest.mark.filterwarnings("error")
def test_random_metrics_and_flags_are_taken_or_refused():
    dice = random.Random(0)
    _, commands = parsers()
    words = [
        *ODD,
        "--num=3",
        "--workdir",
        "--workdir=",
        "--best",
        "--nobest",
        "--config.a=1",
        "--",
        "-",
    ]
    words += [
        "--flagfile=/dev/null",
        "--undefok=x",
        "--verbose=3",
        "---",
        "--=",
        "--config.",
    ]
    for _ in range(1000):
        for parse in (
            lambda: override.parts_of(
                metrics, _mutated(dice.choice(ODD), dice), "--metrics"
            ),
            lambda: flags.parse(
                dice.choice([*commands.values()]),
                [_mutated(dice.choice(words), dice) for _ in range(2)],
            ),
        ):
            try:
                parse()
            except InputError as error:
                assert str(error)
