"""Several processes train as one: the same trajectory, one folder, one end."""

import json
import re
import signal
import time

import pytest
import recipes
from processes import Processes, state, steps, trained, wait_until

from benchmarks.devices import gap
from genlab.errors import EXIT_DIVERGED, EXIT_INPUT, EXIT_LOST, EXIT_STOPPED
from genlab.process import peers
from genlab.training.train import train

QUIET = {
    "eval__every": "0",
    "eval__best": "",
    "sample__every": "0",
    "sample__plots": "()",
    "checkpoint__every": "5",
    "log__every": "5",
    "train__steps_per_call": "5",
}


def words(name, workdir, **overrides):
    """The command that trains a tiny config as `recipes.plain` has it."""
    keys = {**QUIET, **overrides}.items()
    flags = [f"--config.{key.replace('__', '.')}={value}" for key, value in keys]
    config = f"--config={recipes.CONFIGS}/{name}.py:tiny"
    return [config, f"--workdir={workdir}", *flags]


def alone(name, workdir, **overrides):
    """The same in this process."""
    train(recipes.plain(name, **{**QUIET, **overrides}), workdir, {})


def test_two_processes_train_as_one_and_one_goes_on(tmp_path):
    together, one = tmp_path / "together", tmp_path / "one"
    trained(tmp_path, words("vae", together, train__steps="20"))
    alone("vae", one, devices="1", train__steps="25")
    assert 0 < gap(state(one, 20), state(together)) < 1e-5
    assert [*together.glob("checkpoints/00000020/part-1.safetensors")]
    alone("vae", together, devices="1", train__steps="25")
    assert steps(together) == steps(one) == [20, 25]
    assert gap(state(one), state(together)) < 1e-5
    names = [{path.name for path in folder.iterdir()} for folder in (one, together)]
    assert names[0] == names[1]


def test_processes_with_different_configs_are_refused(tmp_path):
    different = {1: ["--config.optimizer.vae.learning_rate=0.5"]}
    processes = Processes(tmp_path, words("vae", tmp_path / "run"), different)
    assert processes.codes() == [EXIT_INPUT] * 2
    for (line,) in processes.errors():
        assert "learning_rate is 0.5 in process 1 and 0.001 in the first" in line
    assert not (tmp_path / "run").exists()


METRICS = (
    "({'name': 'frechet', 'features': {'name': 'random', 'width': 8, 'size': 8}, 'num': 700},"
    "{'name': 'class_coverage', 'num_samples': 600, 'num_train': 300})"
)


def test_processes_help_the_first_to_measure(tmp_path):
    """What it finds is what one process finds, of the best state as well, and all processes were at work."""
    overrides = {
        "train__steps": "20",
        "eval__every": "10",
        "eval__best": "negative_elbo",
        "eval__metrics": METRICS,
        "sample__plots": "('samples',)",
        "writers": "()",
    }
    together, one = tmp_path / "together", tmp_path / "one"
    processes = Processes(tmp_path, words("vae", together, **overrides))
    assert processes.codes() == [0, 0], [f.read_text() for f in processes.files]
    said = re.search(r"made (\d+) of (\d+) pieces", processes.files[0].read_text())
    others, every = map(int, said.groups())
    assert every // 3 < others <= every // 2
    alone("vae", one, devices="1", **overrides)
    for file in ("results.json", "results-best.json"):
        found, known = (
            json.loads((folder / file).read_text())["metrics"]
            for folder in (together, one)
        )
        assert found.keys() == known.keys() and "frechet" in found
        for name, metric in found.items():
            assert metric["values"] == pytest.approx(known[name]["values"], rel=1e-3)


WIDE = {"model__encoder__hidden": "(256,)", "model__decoder__hidden": "(256,)"}


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("vae", {"parallel": "pmap"}),
        ("vae", {"parallel": "fsdp", **WIDE}),
        ("vae", {"data__backend": "memory"}),
        ("dcgan", {}),
        ("dcgan", {"parallel": "pmap"}),
        ("rbm_pcd", {}),
        ("factor_vae", {"parallel": "pmap"}),
        ("cgan", {"data__backend": "memory"}),
        ("dbn", {"train__steps": "8"}),
        ("simclr", {}),
        ("diffusion", {}),
    ],
)
def test_trajectory_does_not_depend_on_processes(name, overrides, tmp_path):
    together, one = tmp_path / "together", tmp_path / "one"
    overrides = {"train__steps": "20", **overrides}
    trained(tmp_path, words(name, together, **overrides))
    alone(name, one, devices="1", **overrides)
    assert steps(one) == steps(together)
    assert gap(state(one), state(together)) < 1e-5


LONG = {
    "train__steps": "100000",
    "train__steps_per_call": "20",
    "checkpoint__every": "100",
    "log__every": "100",
}


@pytest.mark.full
@pytest.mark.parametrize("who", [0, 1])
def test_signal_to_one_stops_all_after_the_same_round(who, tmp_path):
    run = tmp_path / "run"
    processes = Processes(tmp_path, words("dirac_gan", run, **LONG))
    wait_until(lambda: steps(run))
    processes.all[who].send_signal(signal.SIGTERM)
    assert processes.codes() == [EXIT_STOPPED] * 2
    told = f"after step {steps(run)[-1]}; saved"
    assert [told in line for (line,) in processes.errors()] == [True, True]


@pytest.mark.full
@pytest.mark.parametrize("who", [0, 1])
@pytest.mark.parametrize("when", ["step", "save", "start"])
def test_run_whose_process_was_killed_goes_on_bit_identically(who, when, tmp_path):
    """On two processes; on one, with as many devices, to float tolerance."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    processes = Processes(tmp_path, words("dirac_gan", cut, **LONG))
    wait_until(
        {
            "start": lambda: (cut / ".lock").exists(),
            "save": lambda: [*cut.glob("checkpoints/unfinished-*")],
            "step": lambda: len(steps(cut)) > 1,
        }[when]
    )
    processes.all[who].kill()
    killed = time.monotonic()
    codes = processes.codes()
    assert (codes[who], codes[1 - who]) == (-signal.SIGKILL, EXIT_LOST)
    assert time.monotonic() - killed < 60
    (line,) = processes.errors()[1 - who]
    assert f"process {who} of 2 has not been heard of" in line
    done = steps(cut)[-1] if steps(cut) else 0
    longer = {**LONG, "train__steps": str(done + 400)}
    for folder in (cut, whole):
        trained(tmp_path, words("dirac_gan", folder, **longer))
    assert gap(state(whole), state(cut)) == 0
    alone("dirac_gan", tmp_path / "one", **longer)
    assert gap(state(whole), state(tmp_path / "one")) < 1e-5


@pytest.mark.full
def test_process_that_never_comes_back_ends_the_others(tmp_path):
    run = tmp_path / "run"
    long = words("dirac_gan", run, **LONG, train__batch_size="6")
    processes = Processes(tmp_path, long, count=3, devices=1)
    wait_until(lambda: steps(run))
    processes.all[1].send_signal(signal.SIGSTOP)
    others = processes.all[0], processes.all[2]
    assert [one.wait(60) for one in others] == [EXIT_LOST] * 2
    processes.all[1].send_signal(signal.SIGCONT)
    assert processes.codes(60)[1] == EXIT_LOST  # it finds the others gone
    assert [len(lines) for lines in processes.errors()] == [1, 1, 1]


@pytest.mark.full
def test_loss_that_is_not_finite_ends_all_alike(tmp_path):
    run = tmp_path / "run"
    rate = {"optimizer__vae__learning_rate": "1e30", "train__steps": "20"}
    processes = Processes(tmp_path, words("vae", run, **rate))
    assert processes.codes() == [EXIT_DIVERGED] * 2
    first, second = processes.errors()
    assert first == second
    assert "training stopped" in first[0]
    assert steps(run)  # the state before it


@pytest.mark.full
def test_what_one_process_cannot_read_is_said_by_all(tmp_path):
    """A config file that only the first one's machine has."""
    missing = {1: [f"--config={tmp_path}/missing.py"]}
    processes = Processes(tmp_path, words("vae", tmp_path / "run"), missing)
    assert processes.codes() == [EXIT_INPUT] * 2
    for (line,) in processes.errors():
        assert "missing.py" in line


def test_a_process_alone_speaks_to_nobody():
    assert (peers.count(), peers.index(), peers.is_first()) == (1, 0, True)
    assert not peers.are_watched()
    assert peers.from_first(lambda: (1, 2)) == (1, 2)  # as it is, not as JSON has it
