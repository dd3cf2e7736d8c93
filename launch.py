"""`python launch.py --config=configs/dcgan.py`; see `python launch.py --help`."""

import sys

from genlab.__main__ import entry

if __name__ == "__main__":
    # Nothing but genlab is imported from this folder: a user's own `experiments` is another.
    if not sys.flags.safe_path:
        del sys.path[0]
    entry()
