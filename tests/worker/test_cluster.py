"""What a Ray cluster has room for, and what is refused before a trial begins. No Ray runs here."""

import socket
from pathlib import Path

import pytest

from tuner import __version__
from tuner.__main__ import run as main
from tuner.base.errors import Invalid, TunerError
from tuner.data.sources import Places
from tuner.data.transfer import files_of, is_missing
from tuner.networks import Dense
from tuner.recipe import Data, Recipe, Training
from tuner.result import Epoch, FoldResult, Result
from tuner.worker import make_executor
from tuner.worker.actor import Actor
from tuner.worker.cluster import Node, connect
from tuner.worker.executor import Cluster, Setup
from tuner.worker.folder import Folder
from tuner.worker.jobs import Train


@pytest.mark.parametrize(
    ("cluster", "room"),
    [
        (Cluster(), 16),
        (Cluster(cpus=3), 5),
        (Cluster(cpus=0.1), 160),
        (Cluster(gpus=1), 4),
        (Cluster(gpus=0.25), 16),
        (Cluster(cpus=2, gpus=0.25), 8),
        (Cluster(gpus=0.3), 12),  # three on each GPU
        (Cluster(gpus=3), 1),
        (Cluster(gpus=8), 0),
        (Cluster(cpus=17), 0),
    ],
)
def test_a_node_has_room_for_what_its_cores_and_gpus_allow(cluster: Cluster, room: int) -> None:
    assert Node(cpus=16.0, gpus=4.0, memory=2**30).room(cluster) == room


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"cpus": 0.0}, "--cpus-per-trial: must be a whole number, or below 1 a share from 0.01, got 0.0"),
        ({"cpus": 1.5}, "--cpus-per-trial: must be a whole number, or below 1 a share from 0.01, got 1.5"),
        ({"cpus": float("inf")}, "--cpus-per-trial: must be a whole number, or below 1 a share from 0.01, got inf"),
        ({"gpus": -1.0}, "--gpus-per-trial: must be a whole number, or below 1 a share from 0, got -1.0"),
        ({"gpus": 1.25}, "--gpus-per-trial: must be a whole number, or below 1 a share from 0, got 1.25"),
    ],
)
def test_shares_that_ray_cannot_give_are_refused(wanted: dict[str, float], message: str) -> None:
    with pytest.raises(Invalid) as caught:
        Cluster(**wanted)  # type: ignore[arg-type]
    assert str(caught.value) == message


@pytest.mark.parametrize("command", ["optimize", "worker"])
@pytest.mark.parametrize("option", ["--ray-address auto", "--cpus-per-trial 2", "--gpus-per-trial 0.25"])
def test_options_for_ray_need_ray(
    command: str, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "digits", *option.split(), "--runs", str(tmp_path / "runs")]) == 2
    name = option.split()[0]
    assert capsys.readouterr().err == f"error: {name} is for training in a Ray cluster: add --executor ray\n"
    assert not (tmp_path / "runs").exists()


def test_without_ray_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.base.errors.find_spec", lambda _: None)
    with pytest.raises(TunerError, match=r"^--executor ray needs ray: pip install ray$"):
        connect(Cluster())


def test_an_address_where_nothing_answers_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(TunerError, match=rf"^--ray-address {address}: no Ray cluster answers at \S+ \(.*\); start one"):
        connect(Cluster(address))
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(TunerError, match=rf"^--ray-address {address}: no Ray cluster answers at"):
        connect(Cluster())


def test_the_address_of_rays_client_is_refused() -> None:
    pytest.importorskip("ray")
    with pytest.raises(
        TunerError, match=r"^--ray-address ray://head:10001: Ray's client is not supported; run this on"
    ):
        connect(Cluster("ray://head:10001"))


def actor_in(folder: Path, places: Places) -> Actor:
    """An actor as Ray makes it on a node, in this process."""
    folder.mkdir(exist_ok=True)
    return Actor(Setup(places, folder=Folder(folder), here=str(folder / "nowhere")), 1)


def test_a_node_without_the_shared_folder_or_with_another_version_says_so(places: Places, tmp_path: Path) -> None:
    actor, token = actor_in(tmp_path / "study", places), tmp_path / "study" / "token"
    assert "cannot use the folder" in (missing := actor.obstacle(__version__, token, "content"))
    assert missing.endswith(
        "No such file or directory; the nodes share checkpoints and models; choose a folder that "
        "all of them can write with --runs"
    )
    token.write_text("of another search")
    assert "it has another folder there" in actor.obstacle(__version__, token, "content")
    token.write_text("content")
    assert actor.obstacle(__version__, token, "content") == ""
    assert actor.obstacle("0.1", token, "content").endswith(f"has version {__version__} of tuner, and this search 0.1")


@pytest.mark.slow
def test_an_actor_passes_events_and_replies_between_a_job_and_its_caller(places: Places, tmp_path: Path) -> None:
    actor = actor_in(tmp_path / "study", places)
    recipe = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)), training=Training(epochs=2))
    message = actor.exchange(Train(recipe))
    events = []
    while message[0] == "event":
        events.append(message[1])
        message = actor.exchange(not isinstance(message[1], Epoch))  # stop after the first epoch
    actor.kill()
    assert [type(each) for each in events if isinstance(each, Epoch | FoldResult)] == [Epoch]
    assert isinstance(message[1], Result)
    assert message[1].ended == "pruned"


@pytest.mark.slow
def test_a_node_asks_for_the_data_that_it_lacks(own_recipe: Recipe, places: Places, tmp_path: Path) -> None:
    elsewhere = Places(None, tmp_path / "cache-of-the-node")
    actor = actor_in(tmp_path / "study", elsewhere)
    assert is_missing(own_recipe.data, elsewhere)
    assert actor.exchange(Train(own_recipe)) == "data"
    message = actor.exchange(Train(own_recipe), files_of(own_recipe.data, places))
    assert not is_missing(own_recipe.data, elsewhere)
    while message[0] == "event":
        message = actor.exchange(True)
    actor.kill()
    assert message[0] == "answer"
    assert isinstance(message[1], Result)


def test_an_unknown_executor_names_the_near_miss(places: Places) -> None:
    with pytest.raises(TunerError, match=r"^there is no executor 'rai'; did you mean ray\?$"):
        make_executor("rai", Setup(places))
