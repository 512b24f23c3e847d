"""Other products at the same work: three no-op steps per run, everything kept.

Each module here runs as a process of its own in `.venv/peers`, whose packages are never installed
with ours, and imports nothing of ours but `bench.load` and `bench.processes`. `…_three_steps` prints
JSON like `bench.engine`, with `version` and `durability` beside the figures, `…_killed` what
`bench.killed` tells of ours.
"""
