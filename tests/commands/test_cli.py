"""The commands, run as a user runs them, and what a mistake is answered with."""

import importlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import jax
import numpy as np
import pytest
import recipes
from safetensors.numpy import load_file

from genlab.commands.cli import COMMANDS, main, parsers
from genlab.process.programs import keep_programs
from genlab.run.course import load_run
from genlab.storage.checkpoint import Checkpoints
from genlab.storage.writer import Writer
from genlab.trials.tail import Tail

ROOT = Path(__file__).parents[2]
PENALTY = "--config.experiment.penalty"
RING = f"--config={recipes.CONFIGS}/gan_ring.py:tiny"
VAE = f"--config={recipes.CONFIGS}/vae.py:tiny"
ONE = "--config.devices=1"


def genlab(*arguments, **options):
    """launch.py in a process of its own."""
    command = [sys.executable, str(ROOT / "launch.py"), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, **options
    )


def refusal(capsys, *arguments) -> str:
    """The one line that a command answers a mistake with."""
    assert main(["launch.py", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    (line,) = captured.err.strip().splitlines()
    assert line.startswith("genlab: error: ")
    return line


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished tiny run."""
    workdir = tmp_path_factory.mktemp("runs") / "vae"
    assert main(["launch.py", VAE, f"--workdir={workdir}", ONE]) == 0
    return workdir


def test_run_folder_holds_everything(finished):
    names = {path.name for path in finished.iterdir()}
    assert names >= {"config.json", "metrics.jsonl", "results.json", "report.html"}
    assert names >= {"tensorboard", "samples", "checkpoints"}
    record = json.loads((finished / "config.json").read_text())
    assert record["overrides"] == {"devices": 1}
    assert record["versions"].keys() >= {"genlab", "jax", "flax"}
    results = json.loads((finished / "results.json").read_text())
    assert results["step"] == 8
    held_out = results["metrics"]["held_out"]
    assert held_out["protocol"]["split"] == "test"
    assert held_out["protocol"]["examples"] == 300
    parts = held_out["values"]
    total = parts["reconstruction"] + parts["kl"]
    np.testing.assert_allclose(parts["negative_elbo"], total, rtol=1e-5)
    lines = Tail(finished / "metrics.jsonl").lines()
    assert {line["split"] for line in lines} >= {"train", "validation"}
    assert list((finished / "samples").glob("*-00000008.png"))


def test_evaluating_a_finished_run_reads_the_folder_alone(finished, capsys):
    before = json.loads((finished / "results.json").read_text())
    assert main(["launch.py", "eval", f"--workdir={finished}"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again | {"measured": ""} == before | {"measured": ""}
    assert main(["launch.py", "eval", f"--workdir={finished}", "--best"]) == 0


def test_sampling_is_the_same_twice(finished, tmp_path):
    for name in ("one.npz", "two.npz"):
        command = [
            "sample",
            f"--workdir={finished}",
            "--num=5",
            f"--out={tmp_path / name}",
        ]
        assert main(["launch.py", *command]) == 0
    one, two = (np.load(tmp_path / n)["samples"] for n in ("one.npz", "two.npz"))
    assert one.shape == (5, 8, 8, 1)
    np.testing.assert_array_equal(one, two)
    pictures = []
    for seed in (0, 0, 1):
        out = tmp_path / "grid.png"
        command = ["sample", f"--workdir={finished}", f"--out={out}", "--num", "4"]
        assert main(["launch.py", *command, f"--seed={seed}"]) == 0
        pictures.append(out.read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]
    assert pictures[0].startswith(b"\x89PNG")


def test_exported_parameters_are_the_trained_ones(finished, tmp_path):
    out = tmp_path / "params.safetensors"
    assert main(["launch.py", "export", f"--workdir={finished}", f"--out={out}"]) == 0
    exported = load_file(out)
    _, state = load_run(finished)
    kernel = state.params["vae"]["encoder"]["mlp"]["hidden_0"]["kernel"]
    np.testing.assert_array_equal(
        exported["params/vae/encoder/mlp/hidden_0/kernel"], kernel
    )
    assert sum(array.size for array in exported.values()) == sum(
        leaf.size for leaf in jax.tree.leaves(state.params)
    )


def test_check_shows_parameters_without_training(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["launch.py", "check", VAE]) == 0
    shown = capsys.readouterr().out
    assert "vae/encoder/mlp/hidden_0/kernel" in shown
    assert "[64, 16]" in shown
    assert not list(tmp_path.iterdir())


def test_list_is_quick_and_imports_no_tensorflow():
    program = (
        "import sys; from genlab.commands.cli import main; main(['launch.py', 'list', '--json']);"
        "assert 'tensorflow' not in sys.modules; assert 'matplotlib' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    parts = json.loads(done.stdout)
    assert {"gan", "vae", "classifier"} <= {
        part["name"] for part in parts["experiments"]
    }
    configs = {part["name"]: part for part in parts["configs"]}
    assert "mnist" in configs["dcgan"]["variants"]


def test_help_names_every_command(capsys):
    assert main(["launch.py", "--help"]) == 0
    shown = capsys.readouterr().out
    for name in COMMANDS:
        command = importlib.import_module(f"genlab.commands.{name}")
        assert re.search(rf"^  {name} +{re.escape(command.HELP)}$", shown, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--confg=x"], "has no flag '--confg'; did you mean 'config'"),
        (["trian", RING], "unknown command 'trian'"),
        (["--config=configs/dcgam.py"], "did you mean 'configs/dcgan.py'"),
        ([RING[:-4] + "tny"], "has no variant 'tny'; did you mean 'tiny'?"),
        ([RING, "--config.trian.steps=3"], "no key 'trian'; did you mean 'train'?"),
        ([RING, "--config.train.stepz=3"], "'train.stepz'; did you mean 'steps'?"),
        ([RING, "--config.train.steps=many"], "is not of type int"),
        ([RING, "--config.train=3"], "config.train is a section"),
        ([RING, "--config.objective=minmax"], "did you mean 'minimax'?"),
        ([RING, "--config.objective.real_lable=1"], "did you mean 'real_label'?"),
        ([RING, "--config.model.generator.wdth=3"], "accepts"),
        ([RING, "--config.optimizer.generator=adm"], "did you mean 'adam'"),
        ([RING, "--config.optimizer.critic.b1=0"], "no key 'optimizer.critic'"),
        ([RING, "--config.experiment=gann"], "unknown experiment 'gann'"),
        ([RING, "--config.parallel=both"], "one of fsdp, jit, pmap"),
        ([RING, "--config.devices=9"], "has 4"),
        ([RING, "--config.train.batch_size=6"], "cannot be shared by 4 devices"),
        ([RING, "--config.train.steps=0"], "train.steps=0"),
        ([RING, "--config.log.every=0"], "log.every=0"),
        ([RING, "--config.dtype=half"], "dtype 'half' is unknown"),
        ([RING, "--config.checkpoint.keep=0", ONE], "checkpoint.keep=0"),
        ([RING, "--config.data=nowhere"], "unknown dataset 'nowhere'"),
        ([RING, "--config.data=folder:/no/such/folder"], "/no/such/folder"),
        ([RING, "--config.eval.metrics=('fidd',)"], "unknown metric 'fidd'"),
        ([RING, "--config.sample.plots=('grids',)"], "unknown plot 'grids'"),
        ([RING, "extra"], "unexpected argument 'extra'"),
        ([RING, "train.steps=9"], "did you mean --config.train.steps=9?"),
        ([RING, f"--config.data={recipes.CONFIGS}"], "is a path; data.name=folder:/"),
        (
            [RING, "--config.objective=a/mine.py:loss"],
            "without path and suffix, mine:l",
        ),
        ([RING, "--config.objective=mine.loss"], "by its path, 'mine:loss'"),
        (
            [RING, f"--workdir={recipes.CONFIGS}/gan_ring.py"],
            "gan_ring.py is a file; a run is kept in",
        ),
        (["eval"], "--workdir is needed, --workdir=DIR"),
        (["eval", "--workdir=/no/such/run"], "is not a run folder"),
        (
            ["sample", "--workdir=x", "--out=grid.gif"],
            "must end in .png or .npz or .mid",
        ),
        ([RING, "--config.experiment=None"], "None chooses no experiment"),
        ([RING, "--config.model.generator=None"], "None chooses no model"),
        ([RING, "--config.objective.name=None"], "unknown objective 'None'"),
        (
            [RING, "--config.start=genlab.commands.cli:main"],
            "start 'genlab.commands.cli:main' fails",
        ),
        (
            [
                RING,
                "--config.optimizer.discriminator.schedule.steps=1000000000000",
                ONE,
            ],
            "steps=1000000000000 is not a whole number, 1 or more, below 2^31",
        ),
        (["list", "metricz"], "did you mean 'metrics'"),
        (["list", "plots", "sample"], "did you mean 'samples'"),
        (["list", "dcgam"], "did you mean 'dcgan'"),
        (["dcgan:mnist"], "unknown command 'dcgan:mnist'; did you mean --config=dcgan"),
        (["configs/dcgan.py"], "did you mean --config=configs/dcgan.py?"),
        (
            ["train", "dcgan"],
            "unexpected argument 'dcgan'; did you mean --config=dcgan",
        ),
        (["mine.py"], "a config is named by --config=mine.py"),
        ([RING, "--seed=3"], "has no flag '--seed'; did you mean --config.seed=3?"),
        ([RING, "--steps", "9"], "did you mean --config.train.steps=9?"),
        (["--latent_dim=9", RING], "did you mean --config.experiment.latent_dim=9?"),
        (["eval", "--workdir=x", "--metric=y"], "did you mean 'metrics'?"),
        (["eval", "somewhere"], "unexpected argument 'somewhere'"),
        (["sample", "--workdir=x", "--best=no"], "--best: it takes no value"),
        (["sample", "--workdir"], "--workdir: a value is needed, --workdir=VALUE"),
        (["--workdir=nowhere"], "there is no run folder 'nowhere' to go on with"),
        (["train"], "--config is needed"),
        (["compare"], "needed: FOLDER"),
        (
            [RING, "--config.optimizer.learning_rate=1"],
            "--config.optimizer.discriminator.learning_rate=1 or --config.optimizer.gen",
        ),
        ([RING, "--config.model.hidden=9"], "--config.model.generator.hidden=9"),
        (
            [RING, "--config.steps=9"],
            "no key 'steps'; did you mean --config.train.steps",
        ),
        ([RING, "--config.optimizer.critic=adam"], "one of discriminator, generator"),
        ([RING, "--config.model.critic=mlp_encoder"], "no key 'model.critic'"),
        ([VAE, "--config.model.encoder=mlp_discriminator"], "do not fit together"),
        (["check", VAE, "--config.model.encoder=mlp_discriminator"], "do not fit"),
        (
            [VAE, "--config.objective=gaussian"],
            "needs 'targets', which 'vae' does not offer",
        ),
        (
            [RING, "--config.objective=elbo"],
            "needs 'reconstruction', which 'gan' does not offer",
        ),
        ([RING, "--config.model.generator.hidden=abc"], "hidden=['abc'] is not"),
        ([RING, "--config.experiment.n_critic=0"], "n_critic=0 is not"),
        ([RING, "--config.train.steps=None"], "is not of type int"),
        ([RING, "--config.seed=5000000000"], "seed=5000000000 is not"),
        ([RING, "--config.seed=-1"], "seed=-1 is not"),
        ([RING, "--config.eval.metrics=3"], "is no metric"),
        ([RING, "--config.eval.split=tset"], "eval.split='tset' is no split"),
        ([RING, "--config.eval.best=loss", "--config.eval.every=0"], "never measured"),
        ([RING, "--config.sample.plots=('samples','samples')"], "'samples' twice"),
        ([RING, "--config.objective"], "sets nothing"),
        ([RING, "--config.objective=:foo"], "objective ':foo'"),
        (
            [RING, "--config.train.steps_per_call=-1"],
            "steps_per_call=-1 is not a whole",
        ),
        ([RING, "--config.train.steps=1000000000000"], "below 2^31"),
        ([RING, "--config.train.batch_size=1000000000000"], "below 2^31"),
        ([RING, "--config.sample.every=-4"], "sample.every=-4 is not"),
        ([RING, "--config.devices=-1"], "devices=-1 is not"),
        ([RING, "--config.optimizer.generator.clip=-1.0"], "clip=-1.0 is not"),
        ([RING, "--config.optimizer.generator.ema=2.0"], "ema=2.0 is not"),
        (["eval", "--workdir=x", "--config.seed=1"], "config.seed"),
        (["sample", "--workdir=x", "--config.seed=1"], "its config is the run's own"),
        (
            ["list", "--config.seed=1"],
            "list does not take --config.seed=1; it has no config",
        ),
        (
            [RING, f"{PENALTY}=()", f"{PENALTY}.r1.weight=1"],
            "'r1.weight'; it holds none",
        ),
        (
            [RING, f"{PENALTY}=({{'weight': 1}},)", f"{PENALTY}.r1.weight=1"],
            "penalty holds {'weight': 1}, no part: dict(name=...)",
        ),
        (["sample", "--workdir=x", "--num=0"], "num"),
        ([VAE, "--config.data=toy2d"], "the likelihood of examples in [0, 1]"),
        (
            [VAE, "--config.data=toy2d", "--config.experiment.likelihood=gaussian"],
            "binarize",
        ),
    ],
)
def test_mistake_is_answered_in_one_line(
    arguments, expected, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert expected in refusal(capsys, *arguments)


def test_run_that_is_older_than_a_knob_is_evaluated(finished, tmp_path, capsys):
    shutil.copytree(finished, tmp_path / "old")
    record = json.loads((tmp_path / "old" / "config.json").read_text())
    del record["config"]["data"]["degrade"]
    (tmp_path / "old" / "config.json").write_text(json.dumps(record))
    before = json.loads((finished / "results.json").read_text())
    assert main(["launch.py", "eval", f"--workdir={tmp_path / 'old'}"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == before["metrics"]


def test_folder_made_by_another_config_is_left_alone(finished, capsys):
    before = (finished / "config.json").read_bytes()
    line = refusal(
        capsys, VAE, f"--workdir={finished}", "--config.objective.beta=2", ONE
    )
    assert "was made with objective.beta=1.0, not 2.0" in line
    assert (finished / "config.json").read_bytes() == before


def test_unknown_metric_leaves_the_results(finished, capsys):
    before = (finished / "results.json").read_bytes()
    refusal(capsys, "eval", f"--workdir={finished}", "--metrics=mode_coverage")
    assert (finished / "results.json").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("(3,)", "config.eval.metrics=3 is no metric"),
        ("('held_out'", "is no tuple of names and parts"),
        ("held_out,held_out", "chooses 'held_out' twice"),
        ("({'name': 'held_out', 'batch_sise': 3},)", "did you mean 'batch_size'"),
        *(
            (name, "is Python's own and no part")
            for name in ("os:system", "builtins:print")
        ),
        ("(" * 5000, "is no tuple of names and parts"),
    ],
)
def test_metrics_that_are_none(text, answer, finished, capsys):
    assert answer in refusal(
        capsys, "eval", f"--workdir={finished}", f"--metrics={text}"
    )


def test_metric_with_a_knob_by_the_command(finished, capsys):
    chosen = "--metrics=({'name': 'held_out', 'batch_size': 7},)"
    assert main(["launch.py", "eval", f"--workdir={finished}", chosen]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["metrics"]["held_out"]["protocol"]["batch_size"] == 7


def test_help_tells_every_flag_and_needs_no_package():
    bare = [sys.executable, "-S", str(ROOT / "launch.py")]  # without site-packages
    run = lambda *a: subprocess.run(
        [*bare, *a], capture_output=True, text=True, check=False
    )
    shown = run("help", "sweep")
    assert shown.returncode == 0, shown.stderr
    assert "--workers=N" in shown.stdout and "(local, ray)" in shown.stdout
    missing = run("list")
    assert missing.returncode == 2
    assert (
        missing.stderr.count("\n") == 1
        and "is not installed; `pip install" in missing.stderr
    )
    for name, parser in parsers()[1].items():
        command = importlib.import_module(f"genlab.commands.{name}")
        text = parser.format_help()
        assert f"genlab {name}" in text and "genlab" in command.EXAMPLES, name
        for action in parser._actions:
            assert action.help, (name, action)
            assert not action.option_strings or f"{action.option_strings[0]}" in text
        assert importlib.util.find_spec(command.ROOM)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("genlab sa", ["sample"]),
        ("genlab --config=dcg", ["dcgan"]),
        ("genlab train --config=vae:m", ["vae:manifold", "vae:mnist", "vae:mixture"]),
        ("genlab --config=classifier:m", ["classifier:mnist"]),
    ],
)
def test_shell_completes(line, expected, tmp_path):
    pytest.importorskip("argcomplete")
    answer = tmp_path / "answer"
    asked = {
        "_ARGCOMPLETE": "1",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "_ARGCOMPLETE_COMP_WORDBREAKS": "",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
    }
    done = genlab("--nothing", env={**os.environ, **asked}, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    words = answer.read_text().split("\013")
    assert [word.strip().removeprefix("--config=") for word in words] == expected


def test_version_and_help_of_a_command(capsys):
    assert main(["launch.py", "--version"]) == 0
    assert capsys.readouterr().out.startswith("genlab 0.")
    assert main(["launch.py", RING, "--help"]) == 0
    assert "--print-config" in capsys.readouterr().out
    assert main(["launch.py", "sample", "-h"]) == 0
    assert "(default: 64)" in capsys.readouterr().out


def test_flags_take_their_values_either_way(tmp_path, capsys):
    command = [
        "launch.py",
        "train",
        "--config",
        RING.partition("=")[2],
        "--print-config",
    ]
    assert main([*command, "--config.train.steps", "9", "--config.seed=-1"]) == 0
    printed = capsys.readouterr().out
    assert "steps=9,  # rounds of the game" in printed and "config.seed = -1" in printed


def test_verbose_shows_the_traceback(capsys):
    assert main(["launch.py", "--config=none.py", "--verbose"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_package_that_is_missing_is_told_and_a_module_of_genlab_is_a_bug(
    monkeypatch, capsys
):
    def listing(**missing):
        def run(values):
            raise ModuleNotFoundError("No module", **missing)

        monkeypatch.setattr("genlab.commands.list.run", run)
        return main(["launch.py", "list"])

    assert listing(name="package.module") == 2
    assert "'package' is not installed; `pip" in capsys.readouterr().err
    for bug in ({"name": "genlab.gone"}, {}):
        with pytest.raises(ModuleNotFoundError):
            listing(**bug)


def test_listed_part_says_which_knobs_are_filled_in(capsys):
    assert main(["launch.py", "list", "models", "rbm"]) == 0
    listed = capsys.readouterr().out
    for knob in ("example_shape", "example_mean", "dtype"):
        assert f"{knob}=filled in" in listed
    assert "hidden=500" in listed


def test_resumed_run_with_other_periods_ends_at_its_last_round(tmp_path):
    first = [
        "--config.train.steps=4",
        "--config.eval.every=0",
        "--config.sample.every=0",
    ]
    then = [
        "--config.train.steps=9",
        "--config.log.every=3",
        "--config.checkpoint.every=3",
    ]
    for changes in (first, [*first[1:], *then]):
        command = [VAE, ONE, f"--workdir={tmp_path}", "--config.eval.best=", *changes]
        assert main(["launch.py", *command]) == 0
    assert Checkpoints(tmp_path / "checkpoints").steps()[-1] == 9
    assert json.loads((tmp_path / "results.json").read_text())["step"] == 9


def test_finished_run_evaluates_nothing_twice_and_goes_on_by_its_folder(
    finished, capsys
):
    before = Tail(finished / "metrics.jsonl").lines()
    record = json.loads((finished / "config.json").read_text())
    assert main(["launch.py", f"--workdir={finished}"]) == 0
    assert Tail(finished / "metrics.jsonl").lines() == before
    again = json.loads((finished / "config.json").read_text())
    assert again["config"] == record["config"]
    assert again["overrides"] == {"devices": 1}
    beta = "--config.objective.beta=2"
    assert "was made with objective.beta=1.0" in refusal(
        capsys, f"--workdir={finished}", beta
    )


def test_plots_of_a_run_into_files(finished, tmp_path, monkeypatch, capsys, caplog):
    monkeypatch.chdir(tmp_path)
    plot = ["launch.py", "plot", f"--workdir={finished}"]
    with mock.patch.object(
        Checkpoints, "restore", autospec=True, side_effect=Checkpoints.restore
    ) as loaded:
        assert main([*plot]) == 0, "those of the config, one of which needs examples"
    assert loaded.call_count == caplog.text.count("vae after 8 rounds") == 1
    chosen = "('samples', {'name': 'reconstructions', 'num': 4})"
    assert main([*plot, f"--plots={chosen}", "--out=figure.svg", "--best"]) == 0
    assert main([*plot, "--plots=samples", "--out={plot}.pdf"]) == 0
    names = "samples.png reconstructions.png figure-samples.svg"
    names = [*names.split(), "figure-reconstructions.svg", "samples.pdf"]
    assert capsys.readouterr().out.split() == names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert Path("samples.pdf").read_bytes().startswith(b"%PDF")
    for flags, told in (
        (["--plots=smaples"], "did you mean 'samples'"),
        (["--plots=({'name': 'samples', 'nmu': 3},)"], "did you mean 'num'"),
        (["--out=figure.gif"], "must end in .png or .pdf or .svg"),
        (["--out=nowhere/figure.png"], "there is no folder 'nowhere'"),
        (["--plots=class_samples"], "samples of a class need a network"),
    ):
        assert told in refusal(capsys, *plot[1:], *flags)


def test_runs_are_listed_and_compared(finished, tmp_path, capsys):
    other = tmp_path / "other"
    shutil.copytree(finished, other)
    record = json.loads((other / "config.json").read_text())
    record["config"]["objective"]["beta"] = 4.0
    (other / "config.json").write_text(json.dumps(record))
    results = json.loads((other / "results.json").read_text())
    results["metrics"]["held_out"]["protocol"]["batch_size"] = 3
    (other / "results.json").write_text(json.dumps(results))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{")
    cut = tmp_path / "deep" / "cut"
    cut.mkdir(parents=True)
    shutil.copy(finished / "config.json", cut)
    listed = ["launch.py", "runs", str(tmp_path)]
    assert main(listed) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines.keys() == {"run", *map(str, (other, broken, cut))}
    assert "finished  8 of 8" in lines[str(other)] and "ago" in lines[str(other)]
    assert "negative_elbo" in lines[str(other)] and "test" in lines[str(other)]
    assert "stopped   0 of 8" in lines[str(cut)] and "damaged" in lines[str(broken)]
    assert main([*listed, "--json"]) == 0
    rows = {row["folder"]: row for row in json.loads(capsys.readouterr().out)}
    value = results["metrics"]["held_out"]["values"]["negative_elbo"]
    assert rows[str(other)]["value"] == value
    pair = ["launch.py", "compare", str(finished), str(other)]
    assert main(pair) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^objective.beta +1.0 +4.0$", shown, re.MULTILINE)
    refused = r"^negative_elbo +refused +refused +batch_size \(\d+, 3\)$"
    assert re.search(refused, shown, re.MULTILINE)
    assert main([*pair, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["config"] == {"objective.beta": [1.0, 4.0]}
    assert [r["value"] for r in found["results"]["negative_elbo"]] == [None, None]
    for arguments, told in (
        (["runs", tmp_path / "none"], "there is no folder"),
        (["runs", cut / "config.json"], "there is no folder"),
        (["compare", finished], "name two or more"),
        (["compare", finished, finished], "is given twice"),
        (["compare", finished, tmp_path], "no config.json"),
    ):
        assert told in refusal(capsys, *arguments)


def test_broken_line_of_metrics_costs_no_other(tmp_path):
    path = tmp_path / "metrics.jsonl"
    good = [
        json.dumps({"step": step, "split": "train", "values": {}}) for step in (1, 2, 3)
    ]
    path.write_text("\n".join([good[0], "broken", "[1]", *good[1:], '{"step": 4']))
    Writer(tmp_path, step=2).close()
    assert path.read_text().splitlines() == [good[0], "broken", "[1]", good[1]]


def test_config_file_that_fails_is_one_line(tmp_path, capsys):
    for text in ("def (", "1 / 0", "get_config = None", "def get_config(v): return 3"):
        (tmp_path / "broken.py").write_text(text)
        assert "broken.py" in refusal(capsys, f"--config={tmp_path}/broken.py")


def test_run_folder_with_a_broken_config_is_one_line(tmp_path, capsys):
    odd = ("[]", "{}", '{"config": {}}', '{"config": []}', '{"config": 1}', "{")
    for text in (*odd, "[" * 100_000):
        (tmp_path / "config.json").write_text(text)
        assert "is not a run's config" in refusal(
            capsys, "eval", f"--workdir={tmp_path}"
        )


def test_second_writer_is_refused(finished, capsys):
    from genlab.run.folder import locked

    with locked(finished):
        line = refusal(capsys, VAE, f"--workdir={finished}", ONE)
    assert "is in use by another process" in line


@pytest.mark.full
def test_loss_of_the_users_own_trains(tmp_path, monkeypatch):
    (tmp_path / "my_losses.py").write_text(
        "import jax\n"
        "def softer(real_logits, fake_logits, *, scale=1.0):\n"
        "    return {\n"
        "        'discriminator': {'all': scale * jax.nn.softplus(fake_logits - real_logits)},\n"
        "        'generator': {'all': scale * jax.nn.softplus(real_logits - fake_logits)},\n"
        "    }\n"
    )
    done = genlab(
        RING,
        "--config.objective=my_losses:softer",
        "--config.objective.scale=0.5",
        "--workdir=run",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    lines = Tail(tmp_path / "run" / "metrics.jsonl").lines()
    assert any("generator/all" in line["values"] for line in lines)


def test_diverged_run_names_step_player_and_term_and_keeps_the_state_before(
    tmp_path, capsys
):
    workdir = tmp_path / "run"
    calm_then_mad = "--config.optimizer.discriminator.schedule.factors=(1e25,)"
    command = [
        RING,
        ONE,
        f"--workdir={workdir}",
        "--config.optimizer.discriminator=sgd",
        "--config.optimizer.discriminator.learning_rate=1e-3",
        "--config.optimizer.discriminator.schedule=piecewise",
        "--config.optimizer.discriminator.schedule.boundaries=(5,)",
        calm_then_mad,
        "--config.sample.plots=()",
        "--config.checkpoint.every=0",
        "--config.log.every=2",
        "--config.eval.every=0",
        "--config.sample.every=0",
    ]
    assert main(["launch.py", *command]) == 1
    (line,) = [x for x in capsys.readouterr().err.splitlines() if "genlab: error" in x]
    assert "of player 'discriminator' is" in line or "of player 'generator' is" in line
    stopped = int(line.split("step ")[1].split(":")[0])
    (kept,) = Checkpoints(workdir / "checkpoints").steps()
    assert main(["launch.py", "runs", str(tmp_path)]) == 0
    listed = capsys.readouterr().out.splitlines()[1]
    assert "failed" in listed and f"step {stopped}: " in listed
    assert stopped >= 6
    assert stopped - 2 <= kept < stopped, "the last call boundary before it"
    _, state = load_run(workdir)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params))


def _background(workdir, *more):
    command = [
        sys.executable,
        str(ROOT / "launch.py"),
        RING,
        ONE,
        f"--workdir={workdir}",
    ]
    command += ["--config.train.steps=4000", "--config.checkpoint.every=100", *more]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


QUIET = [
    "--config.eval.every=0",
    "--config.sample.every=0",
    "--config.train.steps_per_call=20",
    "--config.log.every=100",
]


def _wait_for_checkpoint(workdir, after: int) -> None:
    checkpoints = Checkpoints(workdir / "checkpoints")
    deadline = time.monotonic() + 120
    while not checkpoints.steps() or checkpoints.steps()[-1] < after:
        assert time.monotonic() < deadline, "no checkpoint in two minutes"
        time.sleep(0.01)


@pytest.mark.full
def test_killed_run_goes_on_bit_for_bit(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    unbroken = _background(whole, *QUIET)
    victim = _background(cut, *QUIET)
    _wait_for_checkpoint(cut, after=300)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    assert Checkpoints(cut / "checkpoints").steps()[-1] < 4000, "it was too late"
    with (cut / "metrics.jsonl").open("a") as file:  # logged, then killed before saving
        file.write('{"step": 3900, "split": "train", "values": {}}\n{"step": 39')
    again = _background(cut, *QUIET)
    for process in (unbroken, again):
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    recipes.assert_identical(load_run(whole)[1], load_run(cut)[1])
    lines = Tail(cut / "metrics.jsonl").lines()
    steps = [line["step"] for line in lines if line["split"] == "train"]
    assert steps == sorted(set(steps)), "a round is logged once"


def test_sigterm_saves_and_exits_75(tmp_path):
    process = _background(tmp_path / "run", *QUIET)
    _wait_for_checkpoint(tmp_path / "run", after=100)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75
    assert "stopped by SIGTERM after step" in err
    stopped = int(err.rpartition("after step ")[2].split(";")[0])
    assert Checkpoints(tmp_path / "run" / "checkpoints").steps()[-1] == stopped


@pytest.mark.full
def test_disk_full_is_one_line(tmp_path):
    """A real full disk: a file system of 1 MiB, where this user may mount one."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if (
        os.geteuid()
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("mounting a small file system needs root")
    try:
        wide = "--config.model.generator.hidden=(600,600)"
        done = genlab(RING, wide, f"--workdir={small}/run", cwd=tmp_path)
        assert done.returncode == 2, done.stderr
        assert "no space left" in done.stderr.strip().splitlines()[-1]
        assert "Traceback" not in done.stderr
        assert (small / "run" / "config.json").exists()
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.parametrize("home", ["/dev/null", None])
def test_no_home_and_no_writable_cache_are_no_matter(home, monkeypatch):
    def nobody():
        raise RuntimeError("Could not determine home directory.")

    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    try:
        if home:
            monkeypatch.setenv("XDG_CACHE_HOME", home)
        else:
            monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
            monkeypatch.setattr(Path, "home", nobody)
        keep_programs()
        assert jax.config.jax_compilation_cache_dir is None
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
