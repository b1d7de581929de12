"""Free TCP ports for servers that tests start."""

import socket


def free_port() -> int:
    """Return a port that is free now on the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
