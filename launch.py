"""`python launch.py --config=configs/dcgan.py`; see `python launch.py --help`."""

import sys

from genlab.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv))
