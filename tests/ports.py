"""Free TCP ports for servers that tests start."""

import random
import socket

_RANGE = range(10_000, 30_000)
"""Below the ports that systems give to connections that go out: none of these takes one meanwhile."""
_given: set[int] = set()


def free_port() -> int:
    """Return a port that is free now on the loopback interface, and not given before in this process."""
    dice = random.SystemRandom()  # two processes of one run must not throw alike
    while True:
        port = dice.choice(_RANGE)
        if port in _given:
            continue
        with socket.socket() as probe:
            # As servers do: a port whose last connections are still being forgotten is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
