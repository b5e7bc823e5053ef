"""kill -9 of each process in the middle of its work: what was acknowledged is there afterwards, fsck finds nothing, jobs go on."""
import io
import os
import random
import signal
import subprocess
import threading
import time
import zipfile
from pathlib import Path

import pytest
import requests
from conftest import SACCADE, Server, draw, unique, wait

ROUNDS = int(os.environ.get("SACCADE_FAULT_ROUNDS", "2"))


def processes(server):
    """role → pids of everything below the server's process."""
    parents, roles = {}, {}
    for p in Path("/proc").iterdir():
        if p.name.isdigit():
            try:
                stat = (p / "stat").read_text()
                parents[int(p.name)] = int(stat[stat.rindex(")") + 2:].split()[1])
                argv = (p / "cmdline").read_bytes().split(b"\0")
                roles[int(p.name)] = argv[1].decode() if len(argv) > 1 else ""
            except OSError:
                continue
    out = {}
    for pid in parents:
        up = pid
        while up in parents and up != server.process.pid:
            up = parents[up]
        if up == server.process.pid and pid != up and parents[pid] in parents:
            out.setdefault(roles[pid], []).append(pid)
    return out


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def restart(server):
    server.process.kill()
    server.process.wait()
    wait("the port", lambda: not processes(server), 5)
    server.start(server.listen)


@pytest.fixture
def own(tmp_path):
    s = Server(tmp_path)
    yield s
    if s.process.poll() is None:
        assert s.stop() == 0
    done = subprocess.run([SACCADE, "fsck", "--data", str(s.folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("cells"), 40, 5)


def places(server):
    org = server.call("GET", "/api/home/ping")["default_organization"]
    lake = server.call("GET", f"/api/organization/{org}/datalake")
    return org, lake["id"], lake["connector_id"]


def upload(server, place, name, body):
    """The id of the data, or None if any of the answers was not the good one."""
    org, lake, connector = place
    try:
        o = server.call("POST", f"/api/organization/{org}/connector/{connector}/generate_object_name", json={"filename": name, "type": "DATA"})["object_name"]
        g = server.call("POST", f"/api/object-storage/{connector}/generate_presigned_url", json={"object_name": o, "content_type": "image/jpeg"})["presigned_url_data"]
        if requests.put(g["url"], data=body, headers=g["fields"], timeout=20).status_code >= 300:
            return None
        d = server.call("POST", f"/api/datalake/{lake}/datas", json={"type": "IMAGE", "filename": name, "object_name": o, "content_type": "image/jpeg", "tags": []})
        return d["id"] if d["upload_status"] == "DONE" else None
    except (requests.exceptions.RequestException, AssertionError):
        return None


def upload_many(server, place, names, bodies):
    """As the pages do: links by one request, rows by one. The ids of the data, or none of them."""
    _, lake, connector = place
    try:
        links = server.call("POST", f"/api/object-storage/{connector}/upload_links", json={"type": "DATA", "filenames": names})
        for link, body in zip(links, bodies):
            if requests.put(link["url"], data=body, headers={"Content-Type": "image/jpeg"}, timeout=20).status_code >= 300:
                return []
        rows = server.call("POST", f"/api/datalake/{lake}/datas/bulk", json={"files": [
            {"filename": n, "object_name": link["object_name"], "content_type": "image/jpeg"} for n, link in zip(names, links)]})
        return [r["id"] for r in rows]
    except (requests.exceptions.RequestException, AssertionError):
        return []


def check_uploads(server, kept):
    for i, body in kept.items():
        d = server.call("GET", f"/api/data/{i}")
        assert d["upload_status"] == "DONE"
        assert requests.get(d["presigned_url"]).content == body, "the bytes of an acknowledged upload"


def uploading(server, pictures, seconds, at_half):
    """Uploads from three threads for a while; at half of it something happens. Gives what was acknowledged."""
    place, kept, stop = places(server), {}, threading.Event()

    def work(k):
        n = 0
        while not stop.is_set():
            n += 1
            body = pictures[(n * 3 + k) % len(pictures)].path.read_bytes() + b"%d-%d" % (k, n)  # bytes after the end of a JPEG: a new object each time
            if k == 0:
                bodies = [body + b"-%d" % m for m in range(4)]
                kept.update(zip(upload_many(server, place, [f"{n}-{m}.jpg" for m in range(4)], bodies), bodies))
                continue
            i = upload(server, place, f"{k}-{n}.jpg", body)
            if i:
                kept[i] = body
    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for t in threads:
        t.start()
    time.sleep(seconds / 2)
    at_half()
    time.sleep(seconds / 2)
    stop.set()
    for t in threads:
        t.join()
    return kept


@pytest.mark.parametrize("n", range(ROUNDS))
def test_the_server_during_uploads(own, pictures, n):
    kept = uploading(own, pictures, 1.0 + random.random(), lambda: restart(own))
    assert len(kept) > 5
    restart(own)
    check_uploads(own, kept)


@pytest.mark.parametrize("role", ["infer", "worker"])
def test_the_helpers_during_uploads(own, pictures, role):
    def all_of_them():
        for pid in processes(own).get(role, []):
            kill(pid)
    assert processes(own).get(role), processes(own)
    kept = uploading(own, pictures, 2.0, all_of_them)
    assert len(kept) > 5 and own.process.poll() is None
    check_uploads(own, kept)
    wait("the helper to be back", lambda: processes(own).get(role), 10)
    assert wait("an upload that works", lambda: upload(own, places(own), "after.jpg", pictures[0].path.read_bytes()), 10)


def make_version(server, pictures, name="one", labels=()):
    place = places(server)
    ids = [wait("upload", lambda: upload(server, place, p.name, p.path.read_bytes()), 10) for p in pictures]
    ds = server.call("POST", f"/api/organization/{place[0]}/datasets", json={"name": unique("kill")})["id"]
    v = server.call("POST", f"/api/dataset/{ds}/versions", json={"version": name, "type": "OBJECT_DETECTION"})["id"]
    job = server.call("POST", f"/api/dataset/version/{v}/assets", json={"asset_tag_ids": [], "data_ids": ids})["job"]["id"]
    assert job_ended(server, job) == "SUCCEEDED"
    return v


def job_ended(server, job, seconds=60):
    return wait("the job", lambda: (lambda s: s if s in ("SUCCEEDED", "FAILED", "KILLED") else None)(server.call("GET", f"/api/v2/job/{job}")["status"]), seconds)


def voc_zip(pictures):
    z = io.BytesIO()
    with zipfile.ZipFile(z, "w") as f:
        for c in pictures:
            f.write(c.xml, c.xml.name)
    return z.getvalue()


def start_import(server, v, pictures):
    return server.call("POST", f"/api/dataset/version/{v}/annotations/import", data={"mode": "REPLACE"}, files=[("files", ("a.zip", voc_zip(pictures)))])["job"]["id"]


@pytest.mark.parametrize("who", ["worker", "serve"])
def test_an_import_goes_on(own, pictures, who):
    v = make_version(own, pictures)
    want = sum(len(p.boxes) for p in pictures)
    for delay in (0, 0.02, 0.05):
        job = start_import(own, v, pictures)
        time.sleep(delay)
        if who == "serve":
            restart(own)
        else:
            for pid in processes(own).get("worker", []):
                kill(pid)
        assert job_ended(own, job) == "SUCCEEDED"
        assert own.call("GET", f"/api/dataset/version/{v}/stats")["nb_objects"] == want


def start_training(server, v, steps):
    org = places(server)[0]
    p = server.call("POST", f"/api/organization/{org}/projects", json={"name": unique("kill")})["id"]
    m = server.call("GET", "/api/models/find?name=yolox-nano")["id"]
    base = server.call("GET", f"/api/model/{m}/versions/find?version=0")["id"]
    e = server.call("POST", f"/api/project/{p}/experiments",
                    json={"name": "killed", "base_model_version_id": base, "parameters": {"steps": steps, "batch_size": 8, "image_size": 96, "learning_rate": 0.01}})["id"]
    server.call("POST", f"/api/experiment/{e}/datasets", json={"name": "train", "dataset_version_id": v})
    server.call("POST", f"/api/experiment/{e}/launch", json={"gpus": 0})
    return e


def lines(server, e):
    r = requests.get(f"{server.host}/api/experiment/{e}/logs/find?name=train/loss", headers={"Authorization": f"Bearer {server.token}"})
    if r.status_code != 200:
        return []
    return r.json()["data"].get("steps") or r.json()["data"].get("x")


def training_status(server, e):
    s = server.call("GET", f"/api/experiment/{e}")["status"]
    assert s not in ("FAILED", "CANCELED", "TERMINATED"), s
    return s


@pytest.mark.parametrize("who", ["train", "worker", "serve"])
def test_a_training_goes_on(own, pictures, who):
    v = make_version(own, pictures)
    job = start_import(own, v, pictures)
    assert job_ended(own, job) == "SUCCEEDED"
    e = start_training(own, v, 200)
    wait("the first losses", lambda: lines(own, e), 60)
    pids = {r: p for r, p in processes(own).items()}
    assert pids.get("train"), pids
    if who == "serve":
        restart(own)
    else:
        for pid in pids[who]:
            kill(pid)
    wait("the end of the training", lambda: training_status(own, e) == "SUCCESS", 120, 0.3)
    steps = lines(own, e)
    assert steps == sorted(set(steps)) and steps[-1] <= 200, "each step is logged once"
    names = {a["name"] for a in own.call("GET", f"/api/experiment/{e}/artifacts")["items"]}
    assert "model-latest" in names


def test_a_training_that_is_killed_often_arrives(own, pictures):
    """More often than it would be started again if it did not come further each time."""
    v = make_version(own, pictures)
    assert job_ended(own, start_import(own, v, pictures)) == "SUCCEEDED"
    e = start_training(own, v, 400)
    furthest = 0
    for _ in range(5):
        before = furthest

        def further():
            nonlocal furthest
            furthest = own.rows("SELECT progress FROM experiment WHERE id = ?", e)[0][0]
            return furthest > before or training_status(own, e) == "SUCCESS"
        wait("the training to come further", further, 120, 0.02)
        time.sleep(1)  # the worker looks every half a second how far it is
        for pid in processes(own).get("train", []):
            kill(pid)
    wait("the end of the training", lambda: training_status(own, e) == "SUCCESS", 180, 0.3)


def test_the_model_process_during_predictions(own, pictures):
    v = make_version(own, pictures[:16])
    assert job_ended(own, start_import(own, v, pictures[:16])) == "SUCCEEDED"
    e = start_training(own, v, 12)
    wait("the end of the training", lambda: training_status(own, e) == "SUCCESS", 120, 0.3)
    mv = own.call("POST", f"/api/experiment/{e}/publish", json={"name": unique("m")})["id"]
    d = own.call("POST", f"/api/model/version/{mv}/deploy", json={"name": unique("d"), "min_threshold": 0.1})["id"]
    body = pictures[0].path.read_bytes()
    good, acknowledged = 0, []

    def once():
        try:
            r = requests.post(f"{own.host}/api/deployment/{d}/predict", headers={"Authorization": f"Bearer {own.token}"}, files={"media": ("a.jpg", body)}, timeout=30)
        except requests.exceptions.RequestException:
            return False
        if r.status_code == 200:
            acknowledged.append(r.json()["predicted_asset_id"])
        else:
            assert r.status_code in (500, 502, 503), r.text
        return r.status_code == 200
    for k in range(24):
        if k % 6 == 3:
            threading.Timer(0.003, lambda: [kill(p) for p in processes(own).get("infer", [])]).start()
        good += once()
    assert good >= 12 and wait("a prediction that works", once, 20)
    restart(own)
    assert wait("a prediction after the restart", once, 20)
    for a in acknowledged:
        assert own.call("GET", f"/api/predicted/asset/{a}")["champion"] is not None


def test_the_end_in_order_leaves_nothing_half(own, pictures):
    kept = {}

    def end():
        own.process.send_signal(signal.SIGTERM)
    kept = uploading(own, pictures, 1.0, end)
    assert own.process.wait(30) == 0
    assert not list((own.folder / "incoming").iterdir())
    own.start(own.listen)
    check_uploads(own, kept)
