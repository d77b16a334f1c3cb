"""Spreads the jobs of a bench run: this process, several of them, or a Dask cluster.

Outcomes come back in the order of the recordings whatever finishes first. A worker that dies costs
its recordings' retry, never the run.
"""

from __future__ import annotations

import importlib
import logging
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any
from uuid import uuid4

from dms.bench.job import Outcome, Recipe, run_job
from dms.errors import ConfigError
from dms.masking import masked
from dms.scoring.corpus import Entry

_log = logging.getLogger(__name__)
TRIES = 3  # a recording that kills its worker this often is given up
Done = Callable[[Outcome], None]


def run_here(
    entries: Sequence[Entry],
    recipe: Recipe,
    done: Done,
    progress: Callable[[float], None] | None = None,
) -> list[Outcome]:
    """Run the jobs one after the other in this process."""
    outcomes = []
    for entry in entries:
        outcomes.append(run_job(entry, recipe, progress))
        done(outcomes[-1])
    return outcomes


def run_workers(
    entries: Sequence[Entry], recipe: Recipe, workers: int, done: Done
) -> list[Outcome]:
    """Run the jobs on ``workers`` processes of this machine."""
    outcomes: dict[str, Outcome] = {}
    tries = dict.fromkeys((entry.name for entry in entries), 0)
    left = list(entries)
    while left:
        for entry in left:
            tries[entry.name] += 1
        for outcome in _pool(left, recipe, workers):
            outcomes[outcome.name] = outcome
            done(outcome)
        left = [entry for entry in left if entry.name not in outcomes]
        for entry in [one for one in left if tries[one.name] >= TRIES]:
            outcomes[entry.name] = Outcome(
                entry.name, entry.source, error=f"its worker died {TRIES} times; run it alone"
            )
            done(outcomes[entry.name])
            left.remove(entry)
        # After the first death one at a time, so that only the recording that kills is given up.
        workers = 1 if left else workers
    return [outcomes[entry.name] for entry in entries]


def _pool(entries: Sequence[Entry], recipe: Recipe, workers: int) -> Iterator[Outcome]:
    """Yield what finishes before all is done or a worker dies."""
    # Spawned, not forked: ONNX Runtime's and OpenCV's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
        jobs: list[Future[Outcome]] = [pool.submit(run_job, entry, recipe) for entry in entries]
        try:
            for job in as_completed(jobs):
                yield job.result()
        except BrokenProcessPool:
            _log.warning("a bench worker died; its recordings are tried again")


def run_dask(entries: Sequence[Entry], recipe: Recipe, address: str, done: Done) -> list[Outcome]:
    """Run the jobs on a Dask cluster whose workers see the same files under the same paths.

    Raises ConfigError without Dask (extra ``cluster``) or where no scheduler answers.
    """
    distributed = _distributed()
    if not address.startswith(("tls://", "inproc://")):
        _log.warning(
            "%s is trusted: whoever can reach the scheduler can run code on its workers and here. "
            "Use tls:// with Dask's settings (distributed.comm.tls) on a shared network.",
            masked(address),
        )
    try:  # Dask's own settings say which TLS files to use
        client = distributed.Client(address, timeout=10)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        advice = "start one with `dask scheduler`"
        if address.startswith("tls://"):
            advice += ", and set distributed.comm.tls in Dask's settings for both"
        raise ConfigError(f"no Dask scheduler answers at {address!r}: {error}; {advice}") from error
    run = uuid4().hex  # two runs at once must not be given each other's outcomes
    with client:
        jobs = [
            client.submit(run_job, entry, recipe, key=f"dms-{run}-{at}", pure=False)
            for at, entry in enumerate(entries)
        ]
        by_key = {job.key: entry for job, entry in zip(jobs, entries, strict=True)}
        outcomes: dict[str, Outcome] = {}
        for job in distributed.as_completed(jobs):
            entry = by_key[job.key]
            if job.status == "finished":
                outcome = job.result()
            elif job.status == "error":  # its worker died more often than the scheduler allows
                outcome = Outcome(entry.name, entry.source, error=str(job.exception()))
            else:  # cancelled: nobody is left to ask for it
                at = masked(address)
                lost = f"the Dask scheduler at {at} was lost; start it and run again"
                outcome = Outcome(entry.name, entry.source, error=lost)
            outcomes[entry.name] = outcome
            done(outcome)
        return [outcomes[entry.name] for entry in entries]


def _distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise ConfigError(
            "--scheduler needs Dask: pip install 'dms-jetson[cluster]', or use --workers"
        ) from error
