"""JAX's coordination service in a process of its own, `python coordinator.py ADDRESS COUNT`.

Inside the first process it would end with that one, and JAX then aborts all others with a stack trace
before they can say what was lost. Here it outlives its parent, whose end it sees by the end of its
standard input, long enough for them to notice; it ends soon where the parent wrote that all is over.
Nothing of genlab is imported.
"""

import sys
import time

READY = "ready"
OVER = "over"
OUTLIVES = 30  # seconds


def main(address: str, count: str) -> None:
    """Serves until some time after standard input has ended."""
    from jaxlib import _jax

    # How long a silent process counts as alive: the processes look after each other themselves, in
    # `peers`, and a machine that is suspended for some minutes may go on.
    service = _jax.get_distributed_runtime_service(
        address, int(count), heartbeat_timeout=3600, shutdown_timeout=10
    )
    print(READY, flush=True)
    over = sys.stdin.read() == OVER
    time.sleep(1 if over else OUTLIVES)
    del service


if __name__ == "__main__":
    main(*sys.argv[1:])
