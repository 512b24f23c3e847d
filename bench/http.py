"""HTTP/1.1 requests over kept-alive connections: a closed loop with nothing in between, or so many a
second whatever the answers do.

Run as a process of its own, so that the client's work is not the server's. Prints JSON:
`{answered, seconds, p50_ms, p99_ms}`. Of requests at a rate the time runs from the moment they were
due, so that one answer that is late delays no measure of the next.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import uvloop

from bench.load import percentile


async def post_again_and_again(
    host: str, port: int, request: bytes, stop: float, took: list[float], dues: Iterator[float]
) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    while (begun := time.perf_counter()) < stop:
        if (due := next(dues, None)) is not None:
            begun = due
            await asyncio.sleep(due - time.perf_counter())
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
            raise SystemExit(head.decode())
        length = next(
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        await reader.readexactly(length)
        took.append((time.perf_counter() - begun) * 1000)
    writer.close()


def moments(begun: float, rate: float) -> Iterator[float]:
    """When requests are due, for whichever connection is free; none without a rate."""
    for number in itertools.count(1) if rate else ():
        yield begun + number / rate


async def measure(
    url: str, body: bytes, connections: int, seconds: float, rate: float = 0.0
) -> dict[str, float]:
    target = urlsplit(url)
    host, port = target.hostname or "127.0.0.1", target.port or 80
    request = (
        f"POST {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    took: list[float] = []
    begun = time.perf_counter()
    dues = moments(begun, rate)
    work = [
        post_again_and_again(host, port, request, begun + seconds, took, dues)
        for _ in range(connections)
    ]
    await asyncio.gather(*work)
    took.sort()
    return {
        "answered": len(took),
        "seconds": time.perf_counter() - begun,
        "p50_ms": percentile(took, 0.5),
        "p99_ms": percentile(took, 0.99),
    }


def main() -> None:
    url, body, connections, seconds, rate = sys.argv[1:6]
    figures = uvloop.run(measure(url, body.encode(), int(connections), float(seconds), float(rate)))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
