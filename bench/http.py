"""A closed loop of HTTP/1.1 requests over kept-alive connections, with nothing in between.

Run as a process of its own, so that the client's work is not the server's. Prints JSON:
`{answered, seconds, p50_ms, p99_ms}`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

import uvloop

from bench.load import percentile


async def post_again_and_again(
    host: str, port: int, request: bytes, stop: float, took: list[float]
) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    while (begun := time.perf_counter()) < stop:
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


async def measure(url: str, body: bytes, connections: int, seconds: float) -> dict[str, float]:
    target = urlsplit(url)
    host, port = target.hostname or "127.0.0.1", target.port or 80
    request = (
        f"POST {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    took: list[float] = []
    begun = time.perf_counter()
    work = [
        post_again_and_again(host, port, request, begun + seconds, took) for _ in range(connections)
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
    url, body, connections, seconds = sys.argv[1:5]
    figures = uvloop.run(measure(url, body.encode(), int(connections), float(seconds)))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
