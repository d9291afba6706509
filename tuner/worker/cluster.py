"""A Ray cluster: the connection to it, and what its nodes have room for."""

import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tuner.base.errors import TunerError, require_packages
from tuner.base.machine import cores
from tuner.training import silenced
from tuner.worker.executor import Capacity, Cluster

CONNECT_SECONDS = 5.0
UNITS = 10_000
"""Ray counts resources in ten-thousandths."""


@dataclass(frozen=True)
class Node:
    """The resources of one node; its memory in bytes."""

    cpus: float
    gpus: float
    memory: int

    def room(self, cluster: Cluster) -> int:
        """The training processes that have room on it. A share of a GPU is never split between two.

        >>> Node(cpus=8, gpus=2, memory=0).room(Cluster(cpus=1, gpus=0.3))
        6
        """
        room = _units(self.cpus) // _units(cluster.cpus)
        if not cluster.gpus:
            return room
        gpus = int(self.gpus)
        of_gpus = gpus * (UNITS // _units(cluster.gpus)) if cluster.gpus < 1 else gpus // int(cluster.gpus)
        return min(room, of_gpus)


def connect(cluster: Cluster) -> bool:
    """Connect this process to the cluster, or start a Ray of its own; whether it was not connected before. Raises `TunerError` where
    Ray is not installed or does not answer."""
    require_packages("--executor ray", "ray")
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")  # else Ray prints to standard output when a node dies
    if cluster.address:
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "5")  # not 20 where something else answers
    import ray

    if ray.is_initialized():
        return False
    address = cluster.address or os.environ.get("RAY_ADDRESS") or "local"
    own: dict[str, Any] = {"num_cpus": cores(), "include_dashboard": False} if address == "local" else {}
    try:
        with silenced(2):  # Ray's own complaints
            _require_listener(address)
            ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL, **own)
    except TunerError:
        raise
    except Exception as error:  # Ray raises exceptions of all types
        reason = " ".join(str(error).split())
        raise TunerError(f"--ray-address {address}: Ray cannot be reached there: {reason}") from error
    return True


def nodes() -> tuple[Node, ...]:
    """The living nodes of the cluster that this process is connected to."""
    import ray

    resources = [each["Resources"] for each in ray.nodes() if each["Alive"]]
    return tuple(Node(each.get("CPU", 0.0), each.get("GPU", 0.0), int(each.get("memory", 0))) for each in resources)


def room_for(cluster: Cluster, living: Sequence[Node], jobs: int) -> tuple[int, Capacity]:
    """How many training processes have room on the living nodes now, and the capacity for so many `jobs` at once (0: those that have
    room). Raises `TunerError` if no node has room for one."""
    import ray

    each = f"{cluster.cpus:g} CPUs" + (f" and {cluster.gpus:g} GPUs" if cluster.gpus else "")
    address = ray.get_runtime_context().gcs_address
    room = sum(node.room(cluster) for node in living)
    if not room:
        have = "; ".join(f"{node.cpus:g} CPUs and {node.gpus:g} GPUs" for node in living)
        problem = f"no node of the Ray cluster at {address} has {each} for a training process; they have {have}"
        raise TunerError(f"{problem}: ask for less with --cpus-per-trial or --gpus-per-trial")
    memory = min(node.memory // node.room(cluster) for node in living if node.room(cluster))
    text = f"Ray at {address}: {len(living)} nodes have room for {room} training processes with {each} each"
    waiting = f"; {jobs - room} of {jobs} wait for more nodes" if jobs > room else ""
    return room, Capacity(memory, text + waiting, f"{cluster.gpus:g} GPUs of Ray" if cluster.gpus else "cpu")


def _require_listener(address: str) -> None:
    """Raise `TunerError` if nothing answers at an address: Ray itself would try for minutes."""
    from ray._private.services import (
        canonicalize_bootstrap_address,  # what `ray.init` asks; there is no public function
    )

    if "://" in address:
        problem = "Ray's client is not supported; run this on a node of the cluster, with --ray-address auto"
        raise TunerError(f"--ray-address {address}: {problem}")
    host, _, port = (canonicalize_bootstrap_address(address) or "").rpartition(":")
    if not host:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        cure = "start one with `ray start --head`, or name the address that it prints"
        raise TunerError(
            f"--ray-address {address}: no Ray cluster answers at {host}:{port} ({error}); {cure}"
        ) from error


def _units(amount: float) -> int:
    return round(amount * UNITS)
