"""Engines by their one interface: the flags that each reads, and what is refused before it trains."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import recipes

from genlab.commands.cli import main
from genlab.errors import EXIT_STOPPED, Stopped
from genlab.storage.lock import is_held
from genlab.sweep import command, engines
from genlab.sweep.engine import Engine, SearchEngine
from genlab.sweep.engines import ENGINES, FLAGS
from genlab.trials import manifest

RING = str(recipes.CONFIGS / "gan_ring.py:tiny")
SEARCH = ("--sweep=space", "--target=-mode_coverage/high_quality_share", "--trials=2")


def _refused(capsys, workdir, *arguments):
    """The line that answers a mistake, which has left nothing behind."""
    flags = ["launch.py", "sweep", f"--config={RING}", f"--workdir={workdir}"]
    assert main([*flags, *arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert not Path(workdir).exists()
    return line


def test_flag_is_refused_by_the_engines_that_do_not_read_it(capsys, tmp_path):
    read = {name: {flag.name for flag in it.flags} for name, it in ENGINES.items()}
    assert set().union(*read.values()) == {flag.name for flag in FLAGS}
    for flag in FLAGS:
        given = f"--{flag.name}={1 if flag.kind is int else 'none'}"
        readers = " and ".join(name for name in ENGINES if flag.name in read[name])
        for name in ENGINES:
            if flag.name not in read[name]:
                asked = (f"--engine={name}", "--seeds=2", given)
                line = _refused(capsys, tmp_path / "s", *asked)
                assert f"--engine={name} has no --{flag.name}; {readers} ha" in line
    searching = {n for n, it in ENGINES.items() if issubclass(it, SearchEngine)}
    assert searching == {name for name in ENGINES if "sampler" in read[name]}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--seeds=2", "--config.parallel=pmap"], "take parallel='jit'"),
        (["--seeds=2", "--target=a", "--evolve=3"], "is not measured"),
        (
            ["--seeds=2", *SEARCH[1:2], "--evolve=3"],
            "--evolve=3 is no multiple of eval.every=4",
        ),
        (
            ["--grid=eval.every=2,4", *SEARCH[1:2], "--pruner=halving"],
            "compares trials after the same rounds",
        ),
        ([*SEARCH, "--engine=ray", "--target=a"], "is not measured"),
        ([*SEARCH, "--engine=ray", "--storage=redis://nowhere"], "does not answer"),
    ],
)
def test_what_an_engine_cannot_train_leaves_nothing(
    arguments, expected, capsys, tmp_path
):
    assert expected in _refused(capsys, tmp_path / "s", *arguments)


def test_command_needs_nothing_of_an_engine_but_its_interface(
    tmp_path, monkeypatch, capsys
):
    done = []

    @dataclass(frozen=True)
    class Noting(Engine):
        name = "noting"

        def check(self, trials):
            assert not self.sweep.exists()
            done.append([trial.overrides for trial in trials])

        def train(self, trials, stop):
            assert manifest.read(self.sweep).engine == "noting"
            assert is_held(self.sweep / ".lock")
            raise Stopped("stopped by SIGTERM")

    class Leaving(Noting):
        name = "leaving"
        trains = False

        def train(self, trials, stop):
            print("who trains them")

    for engine in (Noting, Leaving):
        monkeypatch.setitem(engines.ENGINES, engine.name, engine)
    flags = ["launch.py", "sweep", f"--config={RING}", "--seeds=2"]
    flags += ["--config.log.every=4"]
    workdir = tmp_path / "noting"
    told = main([*flags, "--engine=noting", f"--workdir={workdir}"])
    assert told == EXIT_STOPPED
    assert (workdir / "report.html").exists()
    workdir = tmp_path / "leaving"
    assert main([*flags, "--engine=leaving", f"--workdir={workdir}"]) == 0
    assert capsys.readouterr().out == "who trains them\n"
    assert [path.name for path in workdir.glob("[!.]*")] == ["sweep.json"]
    assert done == [[{"seed": 0}, {"seed": 1}]] * 2
    words = Path(command.__file__).read_text()
    assert not [name for name in ENGINES if name in words]
