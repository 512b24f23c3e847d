"""What the engines count, in the words of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

import awaitstep
from awaitstep.engine.figures import (
    COMMIT_BOUNDS,
    REQUEST_BOUNDS,
    Figures,
    JournalFigures,
    Requests,
    RunnerFigures,
    Tally,
)


def exposition(
    found: Mapping[str, Figures], workers: Mapping[str, str], accept: str
) -> tuple[bytes, str]:
    """The answer for what was counted, by engine, and its type. `workers` are names by workflow,
    `accept` is the scraper's header."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Scrape(found, workers))
    ProcessCollector(registry=registry)
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


class _Scrape:
    """What one answer holds: `prometheus_client.registry.Collector`."""

    def __init__(self, found: Mapping[str, Figures], workers: Mapping[str, str]) -> None:
        self._found = found
        self._workers = workers

    def collect(self) -> Iterable[Metric]:
        info = GaugeMetricFamily("awaitstep_info", "Always 1.", labels=["version"])
        info.add_metric([awaitstep.__version__], 1)
        yield info
        what = "Always 1: which worker is meant by the id of a workflow."
        named = GaugeMetricFamily("awaitstep_workflow_info", what, labels=["workflow", "worker"])
        for workflow, worker in sorted(self._workers.items()):
            named.add_metric([workflow, worker], 1)
        yield named
        for engine, figures in self._found.items():
            yield from _workflows(engine, figures)
            if figures.runners is not None:  # else others answer
                yield from _requests(engine, figures.workflows, self._workers)
            yield from _runs(engine, figures)
            if figures.runners is not None:
                yield from _runners(engine, figures.runners)
            if figures.journal is not None:
                yield from _journal(engine, figures.journal)


def _workflows(engine: str, figures: Figures) -> Iterator[Metric]:
    tallies = figures.workflows
    yield _counted(engine, tallies, "runs_started", "Runs created.", None, {"": "started"})
    yield _counted(engine, tallies, "runs_restarted", "Restarts of runs.", None, {"": "restarted"})
    ends = {end: end for end in ("complete", "errored", "terminated")}
    yield _counted(engine, tallies, "runs_ended", "Runs that ended.", "status", ends)
    steps = {"complete": "attempts_succeeded", "errored": "steps_errored"}
    what = "Steps that ended; sleeps and waits are none."
    yield _counted(engine, tallies, "steps_ended", what, "status", steps)
    attempts = {"succeeded": "attempts_succeeded", "failed": "attempts_failed"}
    yield _counted(
        engine, tallies, "attempts_ended", "Attempts of steps that ended.", "outcome", attempts
    )
    for name, what, values in (
        ("runs_live", "Runs that have not ended, asleep or not.", figures.live),
        ("runs_in_line", "Runs that a limit of their workflow holds back.", figures.in_line),
    ):
        gauge = GaugeMetricFamily(f"awaitstep_{name}", what, labels=["engine", "workflow"])
        for workflow, value in sorted(values.items()):
            gauge.add_metric([engine, workflow], value)
        yield gauge


def _requests(
    engine: str, tallies: Mapping[str, Tally], workers: Iterable[str]
) -> Iterator[Metric]:
    """Of workers that nobody has asked yet, too: an increase from nothing is none to Prometheus."""
    what = "Requests to the workflow's worker that were answered."
    labels = ["engine", "workflow", "status"]
    answered = CounterMetricFamily("awaitstep_worker_requests", what, labels=labels)
    what = "How long requests to the workflow's worker took."
    took = HistogramMetricFamily("awaitstep_worker_request_seconds", what, labels=labels[:2])
    asked = {workflow: tally.requests for workflow, tally in tallies.items() if tally.requests}
    for workflow in sorted({*workers, *asked}):
        requests = asked.get(workflow) or Requests()
        for hundred, count in requests.statuses.items():
            answered.add_metric([engine, workflow, f"{hundred}xx"], count)
        classes = _classes(REQUEST_BOUNDS, requests.classes)
        took.add_metric([engine, workflow], buckets=classes, sum_value=requests.seconds)
    yield answered
    yield took


def _runs(engine: str, figures: Figures) -> Iterator[Metric]:
    yield _gauge(engine, "runs_loaded", "Runs in memory.", figures.loaded)
    yield _gauge(engine, "runs_executing", "Runs whose code is with a runner.", figures.executing)


def _runners(engine: str, runners: RunnerFigures) -> Iterator[Metric]:
    yield _gauge(engine, "runners_ready", "Runner processes that are ready.", runners.ready)
    yield _gauge(engine, "runs_without_runner", "Runs that wait for a runner.", runners.wanted)
    what = "Runner processes that ended and were followed by another."
    restarts = CounterMetricFamily("awaitstep_runner_restarts", what, labels=["engine", "reason"])
    for reason in ("died", "stalled", "replaced"):
        restarts.add_metric([engine, reason], runners.restarts.get(reason, 0))
    yield restarts


def _journal(engine: str, journal: JournalFigures) -> Iterator[Metric]:
    what = "How long commits of the journal took, each with its fsync."
    took = HistogramMetricFamily("awaitstep_journal_commit_seconds", what, labels=["engine"])
    classes = _classes(COMMIT_BOUNDS, journal.classes)
    took.add_metric([engine], buckets=classes, sum_value=journal.seconds)
    yield took
    yield _counter(engine, "journal_fsyncs", "Commits of the journal.", journal.fsyncs)
    yield _counter(engine, "journal_rows", "Rows written to the journal.", journal.rows)
    what = "Writes that wait for the journal's next commit."
    yield _gauge(engine, "journal_queue_length", what, journal.queue)
    what = "1 while the journal can be written, else 0."
    yield _gauge(engine, "journal_available", what, int(journal.available))


def _classes(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, int]]:
    """A histogram's buckets, each with all that lie below it."""
    names = [*map(str, bounds), "+Inf"]
    return list(zip(names, accumulate(counts), strict=True))


def _counted(
    engine: str,
    tallies: Mapping[str, Tally],
    name: str,
    what: str,
    label: str | None,
    fields: Mapping[str, str],
) -> Metric:
    """One counter per workflow and value of `label`; `fields` name where each is counted."""
    labels = ["engine", "workflow", *([label] if label else [])]
    counter = CounterMetricFamily(f"awaitstep_{name}", what, labels=labels)
    for workflow, tally in sorted(tallies.items()):
        for value, field in fields.items():
            counter.add_metric(
                [engine, workflow, *([value] if label else [])], getattr(tally, field)
            )
    return counter


def _gauge(engine: str, name: str, what: str, value: float) -> Metric:
    gauge = GaugeMetricFamily(f"awaitstep_{name}", what, labels=["engine"])
    gauge.add_metric([engine], value)
    return gauge


def _counter(engine: str, name: str, what: str, value: float) -> Metric:
    counter = CounterMetricFamily(f"awaitstep_{name}", what, labels=["engine"])
    counter.add_metric([engine], value)
    return counter
