"""What runs in a Ray actor on a node of the cluster: a slot for one training process, and the way to it."""

import tempfile
from dataclasses import replace
from pathlib import Path
from socket import gethostname
from typing import Literal

from tuner import __version__
from tuner.base.forking import start_method
from tuner.data.transfer import Files, is_missing, store_files
from tuner.worker.executor import Setup
from tuner.worker.jobs import Job, data_of
from tuner.worker.slot import Message, Slot


class Actor:
    """A slot whose process starts with the first job. The executor calls its methods from elsewhere."""

    def __init__(self, setup: Setup, number: int) -> None:
        assert setup.folder is not None
        here = setup.here if Path(setup.here).is_dir() else str(setup.folder.path)
        self.setup = setup
        self.slot = Slot(start_method(), replace(setup, here=here), number)

    def obstacle(self, version: str, token: Path, content: str) -> str:
        """What keeps jobs from running here; empty if nothing does. A token with this content lies in the study's folder. A job of
        before is ended: its executor has lost the connection."""
        self.slot.kill()
        if version != __version__:
            return f"{gethostname()} has version {__version__} of tuner, and this search {version}"
        try:
            if token.read_text(encoding="utf-8") == content:
                tempfile.TemporaryFile(dir=token.parent).close()
                return ""
            problem = "it has another folder there"
        except OSError as error:
            problem = error.strerror or str(error)
        cure = "the nodes share checkpoints and models; choose a folder that all of them can write with --runs"
        return f"{gethostname()} cannot use the folder {token.parent}: {problem}; {cure}"

    def exchange(self, message: Job | bool | bytes, *files: Files) -> Message | Literal["data"]:
        """Begin a job, or reply to the last event of the current one; the next event or the answer. `data` asks for the job again, with
        the `files` of its data, which this node lacks."""
        if isinstance(message, bool | bytes):
            self.slot.reply(message)
            return self.slot.receive()
        data, places = data_of(message), self.setup.places
        if data and is_missing(data, places):
            if not files:
                return "data"
            store_files(data, files[0], places)
        self.slot.begin(message)
        return self.slot.receive()

    def kill(self) -> None:
        """Kill the process. If it has a job, `exchange` tells its death."""
        self.slot.kill()
