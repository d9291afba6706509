"""Local training processes."""

from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import wait
from time import monotonic

from tuner.base.forking import start_method
from tuner.base.machine import gpus
from tuner.result import Watch
from tuner.worker.executor import Setup
from tuner.worker.jobs import Answer, Job
from tuner.worker.slot import Slot


class Processes:
    """Local training processes, spread over the GPUs if there are any; their logs go to the study's folder."""

    def __init__(self, setup: Setup) -> None:
        self.size = setup.workers
        method = start_method()
        names = [each.name for each in gpus()] or [""]
        setups = [replace(setup, gpu=names[number % len(names)]) for number in range(self.size)]
        self.slots = [Slot(method, each, number) for number, each in enumerate(setups, start=1)]
        self.running: dict[int, tuple[Slot, Watch]] = {}

    @property
    def free(self) -> int:
        """How many more jobs can be submitted now."""
        return self.size - len(self.running)

    def submit(self, number: int, job: Job, watch: Watch) -> None:
        """Send a job to a free slot. `watch` is called within `answers`, for every event of the job. Raises `NotStarted` if a
        signal keeps its process from starting."""
        busy = [slot for slot, _ in self.running.values()]
        slot = next(each for each in self.slots if each not in busy)
        slot.begin(job)
        self.running[number] = slot, watch

    def answers(self, seconds: float) -> Iterator[tuple[int, Answer]]:
        """Wait up to `seconds` for a message; yield the numbers of the jobs that ended, with their answers."""
        busy = {slot.connection: number for number, (slot, _) in self.running.items()}
        for connection in wait(list(busy), timeout=seconds):
            number = busy[connection]  # type: ignore[index]
            slot, watch = self.running[number]
            match slot.receive():
                case ("event", event):
                    slot.reply(watch(event))
                case ("answer", answer):
                    del self.running[number]
                    yield number, answer

    def cancel(self, number: int) -> None:
        """Kill the process of a job; it will be replaced."""
        if number in self.running:
            slot, _ = self.running.pop(number)
            slot.end(grace=0.0)

    def close(self, grace: float = 0.0) -> None:
        """End all processes, by force after `grace` seconds."""
        deadline = monotonic() + grace
        for slot in self.slots:
            slot.hang_up()
        for slot in self.slots:
            slot.end(max(0.0, deadline - monotonic()))
