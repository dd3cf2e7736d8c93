"""`python launch.py --config=configs/dcgan.py`; see `python launch.py --help`."""

import sys

from genlab.process.signals import importing

if __name__ == "__main__":
    with importing():
        from genlab.commands.cli import main
    sys.exit(main(sys.argv))
