"""Python imports this file at start-up if its folder is on PYTHONPATH: no network from here on.

Jupyter's kernel still talks to its parent over the loopback interface.
"""

import gc
import socket

# Not every 700 objects: a kernel and what it imports make millions, and little garbage.
gc.set_threshold(10_000)

LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


def refuse_the_network(address) -> None:
    if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
        raise OSError(f"the network is off in this test, tried to reach {address[0]}")


def guarded(method):
    def call(self, address, *args):
        refuse_the_network(address)
        return method(self, address, *args)

    return call


def getaddrinfo(host, *args, _original=socket.getaddrinfo, **kwargs):
    if host is not None:
        refuse_the_network((host,))
    return _original(host, *args, **kwargs)


socket.socket.connect = guarded(socket.socket.connect)
socket.socket.connect_ex = guarded(socket.socket.connect_ex)
socket.getaddrinfo = getaddrinfo
