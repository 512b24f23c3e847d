"""A runner that is moved by hand: everything passes between the link and the test's socket."""

import argparse
import os
import socket
import threading
import time

parser = argparse.ArgumentParser()
parser.add_argument("--to", required=True)
for name in ("--link", "--control", "--fault"):
    parser.add_argument(name, type=int, required=True)
arguments, _ = parser.parse_known_args()

link = socket.socket(fileno=arguments.link)
hand = socket.socket(socket.AF_UNIX)
hand.connect(arguments.to)


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
