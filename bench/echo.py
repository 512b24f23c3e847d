"""A bare ASGI application that answers with the body it was sent: what HTTP alone costs.

Served by uvicorn as the product serves Worker URLs, on a free loopback port, which is printed.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn
import uvloop


async def echo(scope: Any, receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    length = str(len(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def serve() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        config = uvicorn.Config(
            echo,
            loop="none",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        await asyncio.create_task(uvicorn.Server(config).serve(sockets=[listener]))


if __name__ == "__main__":
    uvloop.run(serve())
