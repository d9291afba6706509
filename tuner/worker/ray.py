"""Training processes in a Ray cluster. Ray places them and starts them again; a job whose node is gone runs again elsewhere, from its
last checkpoint.

Each training process is a child of a Ray actor. A call of the actor sends a job, or the reply to an event, and returns the next event
or the answer, so that everything goes through Ray's own connections.
"""

import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import tuner
from tuner.base.errors import StorageError, TunerError
from tuner.data.sources import Places
from tuner.data.transfer import files_of
from tuner.networks.sources import make_copies
from tuner.recipe import AnyData
from tuner.result import Watch
from tuner.worker.actor import Actor
from tuner.worker.cluster import connect, nodes, room_for
from tuner.worker.executor import Setup
from tuner.worker.folder import Folder
from tuner.worker.jobs import Answer, Failure, Job, data_of

START_SECONDS = 60.0
"""The time in which the first training process must have a place."""

ALONE_SECONDS = 600.0
"""The time after which a search without any training process ends."""

KILL_SECONDS = 5.0
"""How long a node may take to kill a process. One that does not answer is likely to be lost."""

LOSSES_FORGIVEN = 3
"""How many times a job begins again whose node is gone. The job may be what kills it."""


@dataclass
class Place:
    """A Ray actor, the call that it has not answered yet, and the job that it works on. It is `alive` between the answer to a first call
    and the loss of its process."""

    actor: Any
    call: Any
    job: int | None = None
    alive: bool = False


@dataclass
class Submitted:
    """A job, and how many times its node has been lost."""

    job: Job
    watch: Watch
    losses: int = 0


class Ray:
    """Training processes in a Ray cluster; their logs go to the study's folder, which all nodes share."""

    def __init__(self, setup: Setup) -> None:
        assert setup.folder is not None
        self.setup, self.is_own = _for_nodes(setup, setup.folder), connect(setup.cluster)
        self.places: list[Place] = []
        self.jobs: dict[int, Submitted] = {}
        self.waiting: deque[int] = deque()
        self.files: dict[AnyData, Any] = {}
        self.last_alive, self.obstacle = time.monotonic(), ""
        self.token = setup.folder.path.resolve() / f".ray-{uuid4().hex}"
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    @property
    def free(self) -> int:
        """How many more jobs can be submitted now without waiting."""
        return max(0, sum(place.alive for place in self.places) - len(self.jobs))

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        """Send a job to a free place, or keep it until there is one. `watch` is called within `answers`, for every event of the job."""
        self.jobs[number] = Submitted(job, watch)
        self.waiting.append(number)
        self._send()

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        """Wait up to `seconds` for a message; yield the numbers of the jobs that ended, with their answers. Raises `TunerError` if no node
        has had a place for long."""
        import ray

        self._require_life()
        calling = {place.call: place for place in self.places if place.call is not None}
        if not calling:
            time.sleep(seconds)
            return
        first, _ = ray.wait(list(calling), timeout=seconds)
        ready, _ = ray.wait(list(calling), num_returns=len(calling), timeout=0) if first else ([], [])
        for call in ready:
            yield from self._hear(calling[call])
        self._send()

    def cancel(self, number: int) -> None:
        """Kill the process of a job; it will be replaced."""
        import ray

        self.jobs.pop(number, None)
        if number in self.waiting:
            self.waiting.remove(number)
        for place in self.places:
            if place.job == number:
                place.job = None
                ray.wait([place.actor.kill.remote()], timeout=KILL_SECONDS)

    def close(self, grace: float = 0.0) -> None:
        """Kill all processes, and end a Ray that was started for them."""
        import ray

        self.token.unlink(missing_ok=True)
        kills = [place.actor.kill.remote() for place in self.places if place.alive]
        if kills:
            ray.wait(kills, num_returns=len(kills), timeout=KILL_SECONDS)
        for place in self.places:
            ray.kill(place.actor)
        self.places = []
        if self.is_own:
            ray.shutdown()

    def _start(self) -> None:
        """Start the actors, and wait until those that have room now are alive."""
        import ray

        cluster, asked = self.setup.cluster, self.setup.workers
        room, self.capacity = room_for(cluster, nodes(), asked)
        self.size = asked or room
        self.token.write_text(self.token.name, encoding="utf-8")
        remote = ray.remote(Actor).options(
            num_cpus=cluster.cpus,
            num_gpus=cluster.gpus,
            max_restarts=-1,
            max_concurrency=2,  # `kill` comes while `exchange` waits
            runtime_env={"env_vars": _variables(cluster.gpus)},
        )
        actors = [remote.remote(self.setup, number) for number in range(1, self.size + 1)]
        self.places = [Place(actor, self._first_call(actor)) for actor in actors]
        end = time.monotonic() + START_SECONDS
        while self.free < min(room, self.size) and not self.obstacle and time.monotonic() < end:
            list(self.answers(0.2))
        if self.obstacle:
            raise StorageError(self.obstacle)
        if not self.free:
            problem = (
                f"no training process has started within {START_SECONDS:.0f} s; `ray status` shows who has its CPUs"
            )
            raise TunerError(f"{self.capacity.text}, but {problem}")

    def _first_call(self, actor: Any) -> Any:
        """A call that waits until the actor has a node, also after it has been lost."""
        call = actor.obstacle.options(max_task_retries=-1)
        return call.remote(tuner.__version__, self.token, self.token.name)

    def _send(self) -> None:
        """Send waiting jobs to places without one."""
        for place in self.places:
            if self.waiting and place.alive and place.call is None:
                place.job = self.waiting.popleft()
                place.call = place.actor.exchange.remote(self.jobs[place.job].job)

    def _hear(self, place: Place) -> Iterator[tuple[int, Answer]]:
        import ray

        call, place.call = place.call, None
        try:
            message = ray.get(call)
        except ray.exceptions.RayTaskError:
            raise  # an exception of our own
        except ray.exceptions.RayError as error:
            yield from self._lose(place, error)
            return
        if not place.alive:
            place.alive, self.obstacle = not message, self.obstacle or message
        elif place.job is None:  # it was cancelled
            return
        elif message == "data":
            job = self.jobs[place.job].job
            place.call = place.actor.exchange.remote(job, self._files_of(job))
        elif message[0] == "event":
            reply = self.jobs[place.job].watch(message[1])
            place.call = place.actor.exchange.remote(reply)
        else:
            number, place.job = place.job, None
            del self.jobs[number]
            yield number, message[1]

    def _files_of(self, job: Job) -> Any:
        """The data of a job in Ray's object store, which copies it to a node once."""
        import ray

        data = data_of(job)
        assert data is not None
        if data not in self.files:
            self.files[data] = ray.put(files_of(data, self.setup.places))
        return self.files[data]

    def _lose(self, place: Place, error: Exception) -> Iterator[tuple[int, Answer]]:
        """A place has lost its actor: Ray starts it again, and its job goes to the first place that is free. One that never came to life
        is left out."""
        reason = " ".join(str(error).split())
        if not place.alive:
            self.obstacle = self.obstacle or f"Ray cannot start a training process: {reason}"
            return
        number, place.job, place.alive = place.job, None, False
        place.call = self._first_call(place.actor)
        if number is None:
            return
        submitted = self.jobs[number]
        submitted.losses += 1
        if submitted.losses <= LOSSES_FORGIVEN:
            self.waiting.appendleft(number)
            return
        del self.jobs[number]
        yield number, Failure("died", f"its node was lost {submitted.losses} times: {reason}")

    def _require_life(self) -> None:
        if any(place.alive for place in self.places):
            self.last_alive = time.monotonic()
        elif time.monotonic() - self.last_alive > ALONE_SECONDS:
            problem = f"no node has had a place for a training process for {ALONE_SECONDS / 60:.0f} minutes"
            why = self.obstacle or "what has ended is stored, and the same command goes on"
            raise TunerError(f"Ray: {problem}; {why}")


def _for_nodes(setup: Setup, folder: Folder) -> Setup:
    data, cache = setup.places.data_dir, setup.places.cache
    places, path = Places(data and data.resolve(), cache.resolve()), folder.path.resolve()
    return replace(setup, folder=Folder(path), places=places, copies=make_copies(setup.sources, path / "sources"))


def _variables(gpus: float) -> dict[str, str]:
    """Environment variables of the actors: where they find this package, and no GPU for those that have no share of one."""
    paths = [str(Path(tuner.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths), **({} if gpus else {"CUDA_VISIBLE_DEVICES": "-1"})}
