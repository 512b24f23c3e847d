"""What is printed outside of steps stands in the server's log, with who printed it."""

from __future__ import annotations

from structlog.testing import capture_logs

from .house import House

LOUD = """
import logging, sys, threading
print("imported")
class W(WorkflowEntrypoint):
    async def run(self, event, step):
        print("in the body")
        threading.Thread(target=lambda: print("from a bare thread")).start()
        logging.warning("watch out\\x1b[2J")
        print("half a line", end="", flush=True)
        print("\\nlast", file=sys.stderr)
class Default(WorkerEntrypoint):
    async def fetch(self, request):
        print("in the handler")
        return Response("ok")
"""


async def test_prints_name_worker_and_instance(tmp_path):
    async with House(tmp_path) as house:
        house.deploy("loud", LOUD)
        with capture_logs() as seen:

            async def heard() -> bool:
                return {"in the handler", "last", "from a bare thread"} <= set(lines)

            def printed():
                return [entry for entry in seen if entry["event"] == "printed"]

            run = await house.start("loud")
            await house.ended("loud", run)
            await house.fetch("loud")
            lines: list[str] = []

            async def all_there() -> bool:
                lines[:] = [entry["text"] for entry in printed()]
                return await heard()

            await house.until(all_there, f"only {lines}")
        by_text = {entry["text"]: entry for entry in printed()}
        assert by_text["imported"]["worker"] == "loud"
        assert by_text["in the body"]["instance"] == run
        assert by_text["in the body"]["stream"] == "stdout"
        assert by_text["half a line"]["instance"] == run
        assert by_text["last"]["stream"] == "stderr"
        assert by_text["in the handler"]["worker"] == "loud"
        assert "instance" not in by_text["in the handler"]
        [careful] = [text for text in by_text if "watch out" in text]
        assert careful.endswith("\\x1b[2J")


async def test_a_flood_is_cut_and_counted(tmp_path):
    async with House(tmp_path) as house:
        house.deploy(
            "flood",
            """
            class Default(WorkerEntrypoint):
                async def fetch(self, request):
                    for n in range(20_000):
                        print(n)
                    return Response("ok")
            """,
        )
        with capture_logs() as seen:
            await house.fetch("flood")

            async def counted() -> bool:
                await house.fetch("flood")
                return any("lines_left_out" in entry for entry in seen)

            await house.until(counted, "no word about what was left out")
        rounds = sum("lines_left_out" in entry for entry in seen) + 1
        assert sum(entry["event"] == "printed" for entry in seen) <= 200 * (rounds + 1)
