"""How fast `serve` answers: one example on a kept connection, and eight clients at once. The server has one core, the clients another.

    python benchmarks/serving.py [--model FILE] [--requests 2000] [--out benchmarks/results/serving.json]

Without a model one of the digits is searched first, in a few trials. Seconds are the client's own: from before a request is
written until its answer is decoded.
"""

import argparse
import http.client
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from common import about_this_machine, write_results
from interrupts import new_study
from sklearn.datasets import load_digits

CLIENTS = 8
WARM_REQUESTS = 50


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "serving.json")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or searched(Path(folder))
        with served(model) as port:
            results = {
                "model": about(port),
                "load": [round(each, 2) for each in os.getloadavg()],
                "one": of_one(port, options.requests),
                "eight": of_eight(port, options.requests),
            }
    write_results(options.out, {**about_this_machine(), **results})
    print(json.dumps(results, indent=2))
    return 0


def of_one(port: int, count: int) -> dict[str, float]:
    """Milliseconds of requests one after the other on one connection."""
    seconds = sorted(times((port, count)))
    return {"median": in_ms(statistics.median(seconds)), "p99": in_ms(percentile(seconds, 0.99))}


def of_eight(port: int, count: int) -> dict[str, float]:
    """Milliseconds of requests by processes at once, each on a connection of its own, and how many are answered in a second."""
    with ProcessPoolExecutor(CLIENTS, get_context("spawn"), initializer=on_core, initargs=(-1,)) as pool:
        list(pool.map(times, [(port, WARM_REQUESTS)] * CLIENTS))
        began = time.monotonic()
        seconds = sorted(each for part in pool.map(times, [(port, count // CLIENTS)] * CLIENTS) for each in part)
        took = time.monotonic() - began
    figures = {"median": in_ms(statistics.median(seconds)), "p99": in_ms(percentile(seconds, 0.99))}
    return {**figures, "requests_per_second": round(len(seconds) / took, 1)}


def times(where: tuple[int, int]) -> list[float]:
    """Seconds of so many requests to this port."""
    port, count = where
    body = json.dumps({"inputs": [load_digits().images[0].tolist()]})
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        for _ in range(WARM_REQUESTS):
            ask(connection, body)
        return [ask(connection, body) for _ in range(count)]


def ask(connection: http.client.HTTPConnection, body: str) -> float:
    """Seconds until the answer is decoded."""
    began = time.perf_counter()
    connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    decoded = json.loads(answer.read())
    seconds = time.perf_counter() - began
    assert answer.status == 200, decoded
    return seconds


def about(port: int) -> dict[str, Any]:
    """What the server says of its model."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", "/model")
        known = json.loads(connection.getresponse().read())
    return {name: value for name, value in known.items() if isinstance(value, int | float | str)}


@contextmanager
def served(model: Path) -> Iterator[int]:
    """The port of a server of its own process on the first core. It has answered once."""
    command = [
        "taskset",
        "--cpu-list",
        "0",
        sys.executable,
        "-m",
        "tuner",
        "serve",
        "--model",
        str(model),
        "--port",
        "0",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    on_core(-1)
    try:
        line = next(each for each in process.stderr if "http://" in each)
        yield int(line.partition("http://")[2].split()[0].strip("/").rpartition(":")[2])
    finally:
        process.terminate()
        process.wait()


def on_core(place: int) -> None:
    """Keep this process on one core: the first or the last."""
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[place]})


def searched(folder: Path) -> Path:
    """A model of the digits."""
    study = new_study(folder / "digits")
    assert study.start().wait() == 0, study.messages
    return study.folder / "runs" / "digits" / "best.keras"


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that is not below this share of them."""
    return ordered[math.ceil(share * len(ordered)) - 1]


def in_ms(seconds: float) -> float:
    """Milliseconds, to a hundredth."""
    return round(1000 * seconds, 2)


if __name__ == "__main__":
    sys.exit(main())
