"""A runner that is moved by hand: everything passes between the link and the test's socket.

    relay_script.py ADDRESS OPTIONS

Where the test has let go of its socket, this is a runner like any other.
"""

import argparse
import os
import socket
import sys
import threading
import time

address, *options = sys.argv[1:]
if not os.path.exists(address):
    os.execv(sys.executable, [sys.executable, "-m", "awaitstep.runner", *options])

parser = argparse.ArgumentParser()
for name in ("--link", "--control", "--fault"):
    parser.add_argument(name, type=int, required=True)
arguments, _ = parser.parse_known_args(options)

link = socket.socket(fileno=arguments.link)
hand = socket.socket(socket.AF_UNIX)
hand.connect(address)


def pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
    finally:
        os._exit(0)


for ends in ((link, hand), (hand, link)):
    threading.Thread(target=pass_on, args=ends, daemon=True).start()
while True:
    os.write(arguments.control, b'{"type": "beat", "loop": 1}\n')
    time.sleep(0.5)
