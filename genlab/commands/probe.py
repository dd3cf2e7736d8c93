"""`genlab probe`: what the representation of a run is good for."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genlab.commands import flags

HELP = "compare a run's codes with pixels, PCA and an untrained encoder"
EXAMPLES = """\
  genlab probe --workdir=runs/vae
  genlab probe runs/vae runs/simclr runs/dcgan --out=tables/digits
  genlab probe runs/sweeps/simclr/* --probes=linear,few_labels --labels=10,100,1000
  genlab probe --workdir=runs/vae --num-train=60000 --split=validation

Any run serves whose family encodes: autoencoders, VAEs, Boltzmann machines, self-supervised encoders, classifiers
and the discriminator of a GAN. Each run gets probe.json, probe.csv, probe.tex and a picture, which its report
shows. Of runs that differ in their seed alone the means are told as well."""
ROOM = "genlab.probing.suite"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which runs, and what of them."""
    parser.add_argument(
        "folders", nargs="*", type=flags.path, metavar="FOLDER", help="run folders"
    )
    flags.workdir(parser, "the run folder, as one of FOLDER", required=False)
    flags.best(parser)
    parser.add_argument(
        "--probes",
        metavar="NAME,...",
        help="some of linear, knn_200, knn_20, mlp, few_labels, clusters, layers, all by default, and fine_tuned",
    )
    parser.add_argument(
        "--labels",
        metavar="N,...",
        help="counts of the few-label curve; by default those of 10, 100 and 1000 that are at most half of the examples",
    )
    parser.add_argument(
        "--split", default="test", help="split that the tested examples come from"
    )
    for name, what in {"train": "labelled", "test": "tested"}.items():
        parser.add_argument(
            f"--num-{name}",
            type=flags.count,
            default=10_000,
            metavar="N",
            help=f"examples that are {what}, an even spread",
        )
    parser.add_argument(
        "--out",
        type=flags.path,
        metavar="PATH",
        help="the table and the picture of all runs: PATH.csv, PATH.tex and PATH.png",
    )
    flags.place(parser)


def run(values: argparse.Namespace) -> None:
    """Probes runs, writes into their folders, and shows all of them side by side."""
    from genlab.commands.inputs import place, stem
    from genlab.errors import InputError
    from genlab.probing import picture, table
    from genlab.probing.suite import Suite
    from genlab.process.programs import keep_programs
    from genlab.process.streams import deliver
    from genlab.run.course import load_run

    folders = [*filter(None, [values.workdir]), *values.folders]
    if not folders:
        raise InputError("no run is named; --workdir=DIR or FOLDER ... names some")
    if twice := [f for f in folders if folders.count(f) > 1]:
        raise InputError(f"{twice[0]!r} is given twice")
    out = stem(values.out)
    keep_programs()
    where, suite, opened = place(values), Suite(_plan(values)), {}
    for name, folder in _named(folders).items():
        recipe, state = load_run(Path(folder), values.best, where)
        opened[name] = Path(folder), recipe, recipe.trained(state)
        suite.check(opened[name][2])
    rows = []
    for name, (folder, _, trained) in opened.items():
        own = suite.rows(name, trained)
        _write(folder, suite, own, trained)
        rows += own
    groups = _groups({name: recipe.config for name, (_, recipe, _) in opened.items()})
    means = table.over_seeds(rows, groups)
    if out:
        _write_all(out, [*rows, *means])
        drawn = table.means_and_others(rows, means, groups)
        picture.of_runs(drawn).save(out.with_name(f"{out.name}.png"))
    deliver("\n\n".join(filter(None, [table.text(rows), means and table.text(means)])))


def _plan(values: argparse.Namespace):
    from genlab.errors import InputError
    from genlab.probing.plan import Plan
    from genlab.probing.probe import PROBES

    probes = values.probes.split(",") if values.probes is not None else PROBES
    labels = None
    if values.labels is not None:
        try:
            labels = [flags.count(text) for text in values.labels.split(",")]
        except argparse.ArgumentTypeError as error:
            raise InputError(f"--labels={values.labels}: {error}") from None
    return Plan(probes, labels, values.split, values.num_train, values.num_test)


def _named(folders: Sequence[str]) -> dict[str, str]:
    """What runs are called: their paths below the folder that all lie in."""
    import os

    paths = [os.path.abspath(folder) for folder in folders]
    common = os.path.dirname(os.path.commonpath(paths)) if len(paths) < 2 else ""
    common = common or os.path.commonpath(paths)
    return dict(zip((os.path.relpath(p, common) for p in paths), folders, strict=True))


def _groups(configs: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Run -> what the runs are called whose configs differ from its in the seed alone: the folder that holds them
    and no others, as of a sweep over seeds, or else the first of them."""
    import json
    import os

    alike: dict[str, list[str]] = {}
    for name, config in configs.items():
        same = json.dumps({**config, "seed": 0}, sort_keys=True, default=str)
        alike.setdefault(same, []).append(name)
    found = {}
    for names in alike.values():
        folder = os.path.commonpath(names) if len(names) > 1 else ""
        others = configs.keys() - set(names)
        own = folder and not any(one.startswith(f"{folder}/") for one in others)
        found |= dict.fromkeys(names, folder if own else names[0])
    return found


def _write(folder: Path, suite, rows, trained) -> None:
    """The table and the picture of one run in its folder, and its report anew."""
    import json

    from genlab.evaluation.evaluate import picture_path
    from genlab.probing import picture, table
    from genlab.reporting.report import write_report
    from genlab.run.folder import locked
    from genlab.storage.files import write_atomic

    record = suite.record(rows[0].run, rows, trained.step)
    with locked(folder):
        write_atomic(folder / "probe.json", json.dumps(record, indent=1))
        write_atomic(folder / "probe.csv", table.as_csv(rows))
        write_atomic(folder / "probe.tex", table.as_latex(rows))
        drawn = picture.of_run(rows, trained, suite.plan.split)
        drawn.save(picture_path(folder / "samples", "probes", trained.step))
        write_report(folder)


def _write_all(out: Path, rows) -> None:
    from genlab.probing import table
    from genlab.storage.files import write_atomic

    write_atomic(out.with_name(f"{out.name}.csv"), table.as_csv(rows))
    write_atomic(out.with_name(f"{out.name}.tex"), table.as_latex(rows))
