"""What more workers than this machine has would come to, for `scale.py`: a model of queues with the measured costs of a trial.

Each worker repeats: it trains for recorded seconds, needs its own processor for a trial's steps, then the processors of the server.
A step of the server waits until one of its processors is free; the worker's own processor is never shared.
"""

import heapq
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

TRIALS = 20_000
WORKERS = (8, 100, 1000, 10_000)
CORES = (2, 16)
"""The server's. A proxy is one process for each of them: it computes on one."""


def plan(storages: Mapping[str, Any], sizes: Mapping[str, Any], durations: Sequence[float]) -> list[dict[str, Any]]:
    """For each server and numbers of workers and of its cores: trials per second, the share of the server's time in use, the share of
    a worker's time in which it trains. What a trial costs the worker is taken from the largest study measured, if there is one."""
    largest = max(map(int, sizes), default=0)
    found = []
    for kind in ("postgresql", "proxy before postgresql"):
        if kind not in storages:
            continue
        figures = max(storages[kind]["no training"].items(), key=lambda each: int(each[0]))[1]
        needed = {name: ms / 1000 for name, ms in figures.items() if "CPU" in name}
        own = needed.pop("worker (CPU ms a trial)")
        waits = sizes[str(largest)]["a trial waits (ms)"] / 1000 if largest else 0.0
        for study, seconds in {"1,000 trials": own, f"{largest:,} trials": max(own, waits)}.items():
            for workers in WORKERS:
                for cores in CORES:
                    about = {"storage": kind, "study": study, "workers": workers, "server's cores": cores}
                    found.append({**about, **simulated(workers, cores, seconds, sum(needed.values()), durations)})
    return found


def simulated(
    workers: int, cores: int, own: float, server: float, durations: Sequence[float], trials: int = TRIALS, seed: int = 0
) -> dict[str, float]:
    """The figures of one arrangement after so many trials; `own` and `server` are the seconds that a trial costs the worker and the
    server."""
    chance, trained = Random(seed), 0.0
    free = [0.0] * cores
    arrivals: list[float] = []
    for _ in range(workers):
        seconds = chance.choice(durations)
        trained += seconds
        heapq.heappush(arrivals, seconds * chance.random() + own)
    now = 0.0
    for _ in range(trials):
        arrived = heapq.heappop(arrivals)
        now = max(arrived, heapq.heappop(free)) + server
        heapq.heappush(free, now)
        seconds = chance.choice(durations)
        trained += seconds
        heapq.heappush(arrivals, now + seconds + own)
    mean = sum(durations) / len(durations)
    return {
        "trials per second": round(trials / now, 1),
        "server in use (%)": round(100 * min(1.0, trials * server / (now * cores))),
        "a worker trains (%)": round(100 * min(1.0, trials * mean / (now * workers))),
    }
