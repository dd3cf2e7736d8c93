"""`genlab --config=NAME`: trains, or goes on where the run folder stands."""

import argparse
from pathlib import Path

from genlab.commands import flags
from genlab.errors import InputError, PartFailed
from genlab.process import display

HELP = "train a config in its run folder, or go on where the folder stands"
EXAMPLES = """\
  genlab --config=dcgan                              trains in runs/dcgan; `train` may be left out
  genlab --config=vae:mnist --workdir=runs/mnist --config.data.data_dir=DIR
  genlab --config=vae --config.objective.beta=4      another value of one key
  genlab --workdir=runs/dcgan                        goes on with the config that the folder has
  genlab --workdir=runs/dcgan --config.train.steps=4000     and for longer
  genlab --config=dcgan --profile=40                 a trace of 40 rounds beside it
  genlab --config=dcgan --coordinator-address=10.0.0.1:1234 --num-processes=2 --process-id=0
                                                     the first of two machines
  genlab --config=vae --print-config > mine.py       a config of one's own to start from"""
ROOM = "genlab.training.train"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to train, and where."""
    flags.config(parser)
    flags.workdir(
        parser,
        "the run folder; runs/NAME-VARIANT without. Without --config the run in it goes on",
        required=False,
    )
    parser.add_argument(
        "--print-config",
        action="store_true",
        help="print the config with its overrides as a config file, with the meaning of its keys and"
        " what its parts accept; train nothing",
    )
    parser.add_argument(
        "--profile",
        type=flags.count,
        default=0,
        metavar="ROUNDS",
        help="write a trace of so many rounds after the first call, which compiles, into the run folder:"
        " trace-STEP.json.gz, which https://ui.perfetto.dev opens",
    )
    several = parser.add_argument_group(
        "several processes",
        "The same command in each but for --process-id. Slurm, Open MPI and a cloud TPU say all three.",
    )
    several.add_argument(
        "--coordinator-address",
        metavar="HOST:PORT",
        help="where the first process is reached by all others, at a free port",
    )
    several.add_argument(
        "--num-processes",
        type=flags.count,
        metavar="N",
        help="how many processes there are; 1 trains alone, whatever a scheduler says",
    )
    several.add_argument(
        "--process-id",
        type=flags.whole,
        metavar="I",
        help="which of them this is, from 0; 0 writes the run folder",
    )


def run(values: argparse.Namespace) -> None:
    """Trains a config in its run folder, or goes on where the folder stands."""
    from genlab.process import cluster

    address, count = values.coordinator_address, values.num_processes
    place = None
    if not values.print_config:
        place = cluster.found(address, count, values.process_id)
    with cluster.joined(place):
        _run(values)


def _run(values: argparse.Namespace) -> None:
    from genlab.config.files import file_of
    from genlab.config.override import resolved
    from genlab.process import peers
    from genlab.process.programs import keep_programs
    from genlab.process.streams import deliver
    from genlab.run.folder import default_workdir, recorded, refuse_file
    from genlab.training.summary import closing
    from genlab.training.train import train

    source = None
    if values.config:
        config, changed = resolved(values.config, values.overrides)
        workdir = Path(values.workdir or default_workdir(values.config))
        refuse_file(workdir)
        source = file_of(values.config)
    elif values.workdir:
        workdir = Path(values.workdir)
        if not workdir.exists():
            raise InputError(
                f"there is no run folder {values.workdir!r} to go on with; --config=NAME"
                f" --workdir={values.workdir} trains in one"
            )
        config, changed = recorded(workdir, values.overrides)
    else:
        raise InputError(
            "--config is needed, --config=NAME or FILE.py, or --workdir=DIR of a run that is to go"
            " on; `genlab list configs` has the names"
        )
    if values.print_config:
        from genlab.config.written import written

        deliver(written(config, values.config or values.workdir))
        return
    keep_programs()
    failure = None
    try:
        train(config, workdir, changed, source, values.profile)
    except PartFailed as error:
        failure = error
    if peers.is_first():
        print(closing(workdir, config, display.lasted()))
    if failure:
        raise failure
