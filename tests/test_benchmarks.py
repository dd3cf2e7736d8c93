"""The contenders that are genlab's own run on what genlab is now, how fast is not asserted; and the
judge of `benchmarks faults` sees what it is there to see."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import recipes

from benchmarks import cyclegan as cpu_cyclegan
from benchmarks import (
    damage,
    devices,
    faults,
    fidelity,
    first_step,
    genlab_side,
    pix2pix,
    sweep,
)
from benchmarks.contender import Contender
from benchmarks.families import probes
from benchmarks.families.family import of_codes
from benchmarks.faults import (
    bombs,
    folder_inputs,
    fuzz,
    hosts,
    kills,
    mutation,
    numbers,
    outcome,
)
from benchmarks.faults.case import Bench
from benchmarks.faults.process import Ended
from benchmarks.gpu import SMALL, cyclegan, dcgan, entry, table, unet, vae
from genlab.config import files, override
from genlab.config import load as configs
from genlab.errors import InputError
from genlab.registry import experiments
from genlab.run.recipe import Recipe
from genlab.training.summary import parameter_counts


@pytest.mark.full
@pytest.mark.parametrize("contender", ["population", "one_trial"])
def test_contender_of_the_sweep_runs(contender, monkeypatch):
    monkeypatch.setattr(sweep, "ROUNDS", 2)
    monkeypatch.setattr(sweep, "PER_CALL", 2)
    monkeypatch.setitem(sweep.COMMON, "train.steps", "2")
    monkeypatch.setitem(sweep.COMMON, "train.steps_per_call", "2")
    monkeypatch.setitem(sweep.COMMON, "train.batch_size", "8")
    run = getattr(sweep, contender)("")
    run(1)


@pytest.mark.full
def test_metrics_of_samples_see_every_damage():
    """Each goes its way from amount to amount, but for a twentieth of the whole way."""
    rows = damage.table()
    for kind, ways in damage.GOES.items():
        for name, way in ways.items():
            values = way * np.array([v[name] for found, _, v in rows if found == kind])
            whole = values[-1] - values[0]
            assert whole > 0 and np.diff(values).min() > -whole / 20, (kind, name)
    copied = [values["copied"] for kind, _, values in rows if kind == "copies"]
    np.testing.assert_allclose(copied, [0, 0.1, 0.3, 1])


def test_a_stand_in_goes_with_whatever_failed_beside_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)  # an import of it fails
    finders = [*sys.meta_path]
    with pytest.raises(KeyError), fidelity.torchvision_or_stand_in():
        from torchvision.transforms import Compose

        raise KeyError(Compose())
    assert sys.meta_path == finders and "torchvision" not in sys.modules


def test_kills_are_dealt_among_all_recipes_and_engines():
    games = kills.games()
    assert set(recipes.all_configs()) | set(kills.ENGINES) == set(games)
    dealt = kills.cases(Bench(0, Path()), 2 * len(games))
    assert dealt == [f"kills/{name}/2" for name in sorted(games)]


def test_every_registered_family_is_killed():
    chosen = {
        part["experiment"]["name"]
        for name in recipes.all_configs()
        for part in (recipes.plain(name), *recipes.plain(name)["stages"])
        if "experiment" in part
    }
    assert chosen >= set(experiments), set(experiments) - chosen
    given = {case.split("/")[0] for case in numbers.players()}
    assert given == set(recipes.all_configs())


@pytest.mark.parametrize(
    ("killed", "left", "wrong"),
    [
        (Ended(-9, 5.0, 3, ""), Ended(69, 30.0, 1, "not heard of"), []),
        (Ended(-9, 5.0, 3, ""), Ended(0, 5.0, 1, ""), []),
        (Ended(-9, 5.0, 3, ""), Ended(1, 9.0, 1, "oh"), ["ended with 1, oh"]),
        (Ended(-9, 5.0, 3, ""), Ended(69, 70.0, 1, ""), ["went on for 65 s"]),
        (Ended(-9, 5.0, 3, ""), Ended(69, 6.0, 1, "Traceback"), ["a traceback"]),
        (Ended(2, 5.0, 3, "odd"), Ended(2, 6.0, 1, ""), ["ended itself with 2, odd"]),
    ],
)
def test_what_is_wrong_when_one_of_two_processes_dies_is_seen(killed, left, wrong):
    for victim, ended in enumerate(([killed, left], [left, killed])):
        found = hosts._wrong("when", ended, victim)
        assert len(found) == len(wrong)
        assert all(part in line for part, line in zip(wrong, found, strict=True))


def test_parts_are_the_whole():
    bench, given = Bench(0, Path()), SimpleNamespace(only="", kills=50)
    cases = lambda *part: faults.cases_of(
        kills, bench, SimpleNamespace(**vars(given), part=part)
    )
    parts = [case for part in (1, 2, 3) for case in cases(part, 3)]
    assert sorted(parts) == sorted(cases(1, 1)) and len(set(parts)) == len(parts)


def test_a_case_draws_the_same_whatever_is_tried_beside_it():
    one, other = (Bench(3, Path()).generator("fuzz/grid/7") for _ in range(2))
    assert mutation.document(one, {"a": [1]}) == mutation.document(other, {"a": [1]})
    assert one.random() != Bench(4, Path()).generator("fuzz/grid/7").random()


def test_outcome_sees_a_line_twice_a_draft_and_another_number(tmp_path):
    lines = [{"step": 4, "split": "train", "values": {"loss": 0.5}}]
    lines += [{"step": 4, "split": "time", "values": {"rounds_per_second": 9.0}}]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "metrics.jsonl").write_text(text)
    (tmp_path / "results.json").write_text('{"measured": "at noon", "step": 4}')
    before = outcome.of(tmp_path)
    (tmp_path / "metrics.jsonl").write_text(text.replace("9.0", "8.0"))
    (tmp_path / "results.json").write_text('{"measured": "at one", "step": 4}')
    assert outcome.differences(before, outcome.of(tmp_path)) == []
    (tmp_path / "metrics.jsonl").write_text(text + text)
    (tmp_path / "results.json").write_text("{ }")
    (tmp_path / ".results.json.unfinished").touch()
    found = outcome.differences(before, outcome.of(tmp_path))
    names = [line.partition(":")[0] for line in found]
    assert names == ["files", "metrics.jsonl", "results.json"]


def test_fuzzing_makes_as_many_inputs_as_asked_for():
    for count in (0, 7, 1500, 15000):
        made = fuzz.cases(Bench(0, Path()), count)
        assert len(set(made)) == len(made) == count
    assert {case.split("/")[1] for case in made} == fuzz.surfaces().keys()


# The others mutate what a run leaves, and are asked when the judge begins.
_ON_ITS_OWN = (
    fuzz.surfaces().keys()
    - (folder_inputs.SURFACES.keys() - {"process.json", "journal"})
    - {"probe.json", "outliers", "runs and compare"}
)


def test_surfaces_use_what_is_valid(tmp_path, monkeypatch):
    monkeypatch.setattr(bombs, "LARGE", 2**20)
    monkeypatch.setattr(fuzz, "VALID", 1)
    monkeypatch.chdir(tmp_path)
    for name in sorted(_ON_ITS_OWN):
        place = tmp_path / name
        place.mkdir()
        reader = fuzz.surfaces()[name][1](Bench(0, tmp_path), place)
        assert fuzz.refusal(reader) == [], name


def test_a_surface_that_refuses_everything_is_told():
    def refuse(generator):
        raise InputError("no such thing")

    [found] = fuzz.refusal(refuse)
    assert found.startswith("valid input fails, InputError at ")


@pytest.mark.full
def test_both_sides_of_the_gpu_games_have_the_same_networks(monkeypatch):
    """By the number of each player's parameters."""
    torch = pytest.importorskip("torch")
    from benchmarks import torch_networks as networks

    counts = _counted(monkeypatch)
    size = {
        "batch": 2,
        "width": 4,
        "side": 32,
        "depth": 5,
        "layers": 3,
        "mnist": "",
        "blocks": 1,
    }
    pairs = {
        dcgan: {
            "generator": networks.dcgan_generator(4),
            "discriminator": networks.dcgan_discriminator(4),
        },
        unet: {
            "generator": networks.UNet(4, 5),
            "discriminator": networks.patch_discriminator(4, 3, 6),
        },
        cyclegan: {
            "generators": torch.nn.ModuleList(
                networks.ResnetGenerator(4, 1) for _ in range(2)
            ),
            "discriminators": torch.nn.ModuleList(
                networks.patch_discriminator(4, 3, 3, torch.nn.InstanceNorm2d)
                for _ in range(2)
            ),
        },
        vae: {"vae": networks.Vae()},
    }
    for game, players in pairs.items():
        counts.clear()
        game.genlab({**size, "per_call": 2}, "float32")
        assert counts == {
            player: sum(leaf.numel() for leaf in module.parameters())
            for player, module in players.items()
        }


def _counted(monkeypatch) -> dict[str, int]:
    """Where the parameters of genlab's side are counted by player, in the place of a training."""
    counts = {}

    def trainer(path, overrides, *, per_call):
        config = configs.load(str(files.CONFIGS / path))
        for key, text in overrides.items():
            override.override(config, key, text)
        counts.update(parameter_counts(Recipe.build(configs.plain(config)).shapes()))

    monkeypatch.setattr(genlab_side, "trainer", trainer)
    return counts


@pytest.mark.full
def test_translators_on_a_cpu_have_the_same_networks(monkeypatch):
    """By the number of each player's parameters, at the sizes that are measured."""
    torch = pytest.importorskip("torch")
    from benchmarks import torch_networks as networks

    counts = _counted(monkeypatch)
    count = lambda module: sum(leaf.numel() for leaf in module.parameters())
    pix2pix.genlab("")
    width, depth, layers = (pix2pix.SIZE[key] for key in ("width", "depth", "layers"))
    critic = networks.patch_discriminator(width, layers, 6)
    assert counts == {
        "generator": count(networks.UNet(width, depth)),
        "discriminator": count(critic),
    }
    counts.clear()
    cpu_cyclegan.genlab("")
    size = cpu_cyclegan.SIZE
    critic = networks.patch_discriminator(
        size["width"], size["layers"], 3, torch.nn.InstanceNorm2d
    )
    generator = networks.ResnetGenerator(size["width"], size["blocks"])
    assert counts == {
        "generators": 2 * count(generator),
        "discriminators": 2 * count(critic),
    }


@pytest.mark.full
@pytest.mark.parametrize(
    ("game", "small"), [(pix2pix, "unet"), (cpu_cyclegan, "cyclegan")]
)
@pytest.mark.parametrize("name", ["genlab", "torch", "torch_channels_last"])
def test_contender_of_a_translation_runs(game, small, name, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(game, "SIZE", SMALL[small])
    getattr(game, name)("")(2)


def test_images_and_kernels_of_a_way_lie_as_it_says():
    torch = pytest.importorskip("torch")
    from benchmarks.gpu.torch_side import WAYS

    stored = torch.zeros(3, 3, 8, 8, dtype=torch.uint8)
    last = torch.channels_last
    for name, asked in (("torch", False), ("torch_channels_last", True)):
        way = WAYS[name]()
        _, call = way.network(torch.nn.Conv2d(3, 4, 4))
        index = torch.arange(2)
        assert way.images(stored, index).is_contiguous(memory_format=last) == asked
        assert call.weight.is_contiguous(memory_format=last) == asked


def test_a_config_that_fails_has_a_line_in_the_table_of_first_steps():
    assert first_step.line("vea").startswith("| vea | failed: ")


@pytest.mark.full
def test_a_first_step_is_shorter_with_the_programs_of_the_one_before():
    cells = first_step.line("vae:tiny").strip("| ").split(" | ")
    cold, warm, built = map(float, cells[1:])
    assert cells[0] == "vae:tiny" and built < warm and built < cold


def test_a_contender_that_dies_or_hangs_says_so(tmp_path):
    log = tmp_path / "log"
    with pytest.raises(RuntimeError, match="died: json.decoder.JSONDecodeError"):
        Contender("gpu.side", "build", "no json", log=log).run(1, timeout=60)
    with pytest.raises(RuntimeError, match="no answer within 0 s"):
        Contender("gpu.side", "build", "no json", log=log).run(1, timeout=0)


def test_a_failed_contender_leaves_a_line_beside_the_others(tmp_path, monkeypatch):
    class Stub:
        def __init__(self, game, name, argument, **how):
            self.way = json.loads(argument)["way"]

        def run(self, units, timeout):
            if self.way == "torch_graphs":
                raise RuntimeError("no kernel")
            return 0.01 * units * (1 if self.way == "genlab" else 2)

        def facts(self, timeout):
            return {"dtype": "float32", "peak_mib": 3.0, "product_error": 3e-4}

        def end(self):
            pass

    monkeypatch.setattr(entry, "Contender", Stub)
    size = {"batch": 8, "width": 8, "per_call": 2}
    ways = ("genlab", "torch", "torch_graphs")
    entries = [entry.Entry("dcgan", way, size, tmp_path, way) for way in ways]
    for one in entries:
        one.warm(float("inf"))
        one.measure()
        one.finish()
    lines = table.of(entries).split("\n")
    assert lines[2].startswith("| genlab | float32 | 800 | 800 to 800 | 2.00 |")
    assert lines[3].startswith("| torch | float32 | 400 | 400 to 400 | 1.00 |")
    assert lines[4:] == ["torch_graphs failed: no kernel"]


def test_a_family_of_several_seeds_has_its_means_and_one_of_one_its_run():
    row = lambda run, features, value, low="", high="", beats="", probe="linear": {
        "run": run,
        "features": features,
        "width": "16",
        "probe": probe,
        "value": value,
        "low": low,
        "high": high,
        "beats": beats,
    }
    rows = [
        row("vae/a", "codes", "0.5"),
        row("vae/b", "codes", "0.7"),
        row("rbm/c", "codes", "0.8", "0.75", "0.85"),
        row("rbm/c", "raw", "0.9"),
        row("vae (2 seeds)", "codes", "0.6", "0.4", "0.8", "untrained raw pca"),
        row("vae (2 seeds)", "codes", "0.55", probe="knn_20"),
        row("vae (2 seeds)", "pca", "0.3"),
    ]
    lines = probes.table(rows, {"vae": "vae", "rbm": "rbm --config.seed=1"})
    head, _, *found = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines.splitlines()
    ]
    assert head[3:] == ["linear", "knn_20"] + [
        f"{name}, linear" for name in ("untrained", "raw", "pca")
    ]
    assert [line[0] for line in found] == ["vae", "rbm"]
    assert found[0][3:] == ["60.0* (40.0 to 80.0)", "55.0", "", "", "30.0"]
    assert found[1][1:] == ["`rbm --config.seed=1`", "16", "80.0 (75.0 to 85.0)"] + [
        "",
        "",
        "90.0",
        "",
    ]


def test_families_of_codes_have_recipes():
    for data, name in {"digits": "digits", "mnist": "tfds:mnist"}.items():
        for family in of_codes(data, "DIR"):
            assert family.config_of()["data"]["name"] == name


@pytest.mark.full
def test_a_training_of_other_devices_and_one_that_was_killed_have_lines(tmp_path):
    layouts = devices.Layout(1, 2, "pmap"), devices.Layout(1, 4, "jit", then=2)
    lines = list(devices.lines("vae:tiny", 4, tmp_path, layouts))
    cells = [line.strip("| ").split(" | ") for line in lines]
    names = ["1 x 1, jit", "1 x 2, pmap", "1 x 4, jit, killed, then 1 x 2"]
    assert [cell[1] for cell in cells] == names
    assert all(0 < float(cell[2]) < 1e-5 > float(cell[3]) for cell in cells[1:])
    assert float(cells[1][4]) > 0
    (line,) = devices.lines("vea", 4, tmp_path / "none", ())
    assert "exit code 2: genlab: error: " in line and "vea" in line


def test_the_gap_of_two_states_is_relative_of_large_numbers():
    one = {"a": np.array([1000.0, 0.0]), "b": np.array([0.0])}
    other = {"a": np.array([1010.0, 0.0]), "b": np.array([0.001])}
    assert devices.gap(one, other) == pytest.approx(10 / 1001)
    assert devices.gap(one, {"a": one["a"]}) == float("inf")
