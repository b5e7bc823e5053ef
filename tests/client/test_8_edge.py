"""Predictions without the server: they are made by the champion that was brought, kept, and delivered later, in order and once, whatever is killed."""
import hashlib
import json
import os
import random
import signal
import subprocess
import time

import pytest
import requests
from conftest import SACCADE, draw, unique, wait


AWAY = ("--host", "http://127.0.0.1:9")  # nobody answers there


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("edge"), 12, 91)


@pytest.fixture(scope="module")
def deployment(server, trained):
    d = trained[0].export_as_model(unique("edge")).deploy(name=unique("edge"), min_threshold=0.3)
    return str(d.id)


@pytest.fixture(scope="module")
def token(server, deployment):
    """One that may predict on this deployment and nothing else."""
    return server.call("POST", f"/api/deployment/{deployment}/tokens", json={"name": "camera"})["token"]


def start(server, store, token, *options, host=None, deployment=None):
    return subprocess.Popen([SACCADE, "infer", "--store", str(store), *(["--deployment", f"{host or server.host}/deployments/{deployment}"] if deployment else []), *options],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ, SACCADE_TOKEN=token))


def told(process, stdin=None):
    out, err = process.communicate(stdin, timeout=120)
    return [json.loads(line) for line in out.splitlines()], err, process.returncode


def stored(server, deployment):
    """Key, file name, model version, time of inference, in the order in which they came."""
    return server.rows("SELECT a.delivery, a.filename, p.model_version_id, a.created_at FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id"
                       " WHERE a.deployment_id = ? AND a.delivery IS NOT NULL ORDER BY a.id", deployment)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


def test_what_was_predicted_without_the_server_is_delivered_later(server, deployment, token, images, store):
    lines, err, code = told(start(server, store, token, deployment=deployment, host=server.host))
    assert (lines, code) == ([], 0) and "0 wait" in err  # the model is here now
    before = time.time() * 1000
    lines, err, code = told(start(server, store, token, "--images", "-", *AWAY), "".join(f"{c.path}\n" for c in images[:5]))
    after = time.time() * 1000
    assert code == 0 and [x["file"] for x in lines] == [str(c.path) for c in images[:5]] and "5 wait" in err, err
    assert stored(server, deployment) == []
    with open(images[0].path, "rb") as f:
        served = server.call("POST", f"/api/deployment/{deployment}/predict", files={"media": f}, data={"monitor": "False"})
    assert lines[0]["predictions"] == served["predictions"] and lines[0]["labels"] == served["labels"]
    _, err, code = told(start(server, store, token, "--host", server.host))
    assert code == 0 and "5 delivered" in err, err
    rows = stored(server, deployment)
    assert [(k, n) for k, n, *_ in rows] == [(x["key"], c.name) for x, c in zip(lines, images)], err
    assert all(before - 1 <= at <= after for *_, at in rows)
    assert list((store / "waiting").iterdir()) == []


def test_the_same_files_are_not_predicted_again(server, deployment, token, images, store):
    lines, err, _ = told(start(server, store, token, "--images", "-"), "".join(f"{c.path}\n" for c in images[:6]))
    assert [x["file"] for x in lines] == [str(images[5].path)] and "1 delivered" in err
    assert len(stored(server, deployment)) == 6


def test_a_prediction_that_is_told_twice_is_one(server, deployment, token, images):
    import base64
    body = {"key": unique("key"), "filename": "twice.jpg", "content_type": "IMAGE/JPEG", "height": 480, "width": 640, "latency": 0.01,
            "raw_predictions": {"detection_classes": [], "detection_scores": [], "detection_boxes": []}, "image": base64.b64encode(images[7].path.read_bytes()).decode()}
    first, again = (server.call("POST", f"/api/deployment/{deployment}/predictions", 201, token=token, json=body) for _ in range(2))
    assert first == again and len(server.rows("SELECT 1 FROM predicted_asset WHERE delivery = ?", body["key"])) == 1
    server.refused("POST", f"/api/deployment/{deployment}/predictions", 422, "model version", json={**body, "key": unique("key"), "model": deployment})
    server.refused("POST", f"/api/deployment/{deployment}/predictions", 400, "key", json={**body, "key": "x"})


def test_a_new_champion_is_brought_and_what_the_old_one_said_stays_its_own(server, client, deployment, token, trained, images, store):
    given = server.call("GET", f"/api/deployment/{deployment}/edge", token=token)
    old = given["model_version_id"]
    assert old == server.call("GET", f"/api/deployment/{deployment}")["model_version_id"] and hashlib.sha256(requests.get(given["model_url"]).content).hexdigest() == given["sha256"]
    told(start(server, store, token, "--images", "-", *AWAY), f"{images[8].path}\n")
    new = str(trained[0].export_in_existing_model(client.get_model_by_id(client.get_model_version_by_id(old).origin_id)).id)
    server.call("POST", f"/api/deployment/{deployment}/model", json={"model_version_id": new})
    told(start(server, store, token, "--host", server.host))
    lines, _, _ = told(start(server, store, token, "--images", "-"), f"{images[9].path}\n")
    assert lines[0]["model_version_id"] == new
    assert [(n, v) for _, n, v, _ in stored(server, deployment)][-2:] == [(images[8].name, old), (images[9].name, new)]


def test_a_full_store_says_so_and_no_image_is_none(server, deployment, token, images, store, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no image")
    lines, err, code = told(start(server, store, token, "--images", "-", "--cap", "50K", *AWAY), f"{tmp_path / 'a.jpg'}\n" + "".join(f"{c.path}\n" for c in images[10:]))
    assert "error" in lines[0] and code != 0 and "is full" in err and "--cap" in err
    other = start(server, store, token, deployment="01a2283f-8b48-746d-9967-a3e6dd63468f")
    assert "is of the deployment" in told(other)[1] and other.returncode != 0


def test_kills_at_random_moments_lose_and_double_nothing(server, deployment, token, images, tmp_path):
    store, seen, folder = tmp_path / "store", {}, tmp_path / "images"
    folder.mkdir()
    for i in range(24):
        (folder / f"{i:02}.jpg").write_bytes(images[i % 12].path.read_bytes() + bytes([i]))
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    for n in range(40):
        away = n % 2 and (store / "champion.json").exists()
        p = start(server, store, token, "--images", str(folder), *AWAY) if away else start(server, store, token, "--images", str(folder), deployment=deployment)
        try:
            p.wait(chance.uniform(0.1, 1.2))
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGKILL)
        out = p.communicate()[0]
        for line in out.splitlines():
            x = json.loads(line)
            assert x["key"] not in seen, f"predicted twice (seed {seed})"
            seen[x["key"]] = x["file"]
        if len(seen) == 24 and n > 8:
            break
    lines, err, code = told(start(server, store, token, "--images", str(folder), deployment=deployment))
    seen.update({x["key"]: x["file"] for x in lines})
    assert code == 0 and " 0 wait" in err and "0 refused" in err, err
    mine = [(k, n) for k, n, *_ in stored(server, deployment) if n in os.listdir(folder)]
    assert len(mine) == len(set(mine)) == 24 and set(seen) <= {k for k, _ in mine}, (seed, len(mine), len(seen))
    assert [n for _, n in mine] == sorted(n for _, n in mine), "not in order"
    assert list((store / "waiting").iterdir()) == []
