"""Chapter 1: images in buckets of other stores: imported without copying them, kept in step, and uploads that go there."""
import hashlib
import time

import pytest
import requests
from conftest import Server, unique, wait
from picsellia import Client
from picsellia.types.schemas import CloudObject
from store import Faulty, Store


@pytest.fixture(scope="module")
def store():
    s = Store()
    yield s
    s.stop()


@pytest.fixture(scope="module")
def faulty(store):
    f = Faulty(store)
    yield f
    f.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("buckets"), "--may-call", "127.0.0.0/8")
    yield s
    assert s.stop() == 0


@pytest.fixture(scope="module")
def client(server):
    return Client(api_token=server.token, organization_name="default", host=server.host)


def connect(server, client, store, **more):
    body = {"name": unique("bucket"), "endpoint": store.url, "bucket": "pictures", "access_key": "AKIATEST", "secret_key": "a secret", **more}
    return server.call("POST", f"/api/organization/{client.id}/connectors", 201, json=body)


def bound_lake(server, client, connector):
    """A datalake whose storage is the bucket, as the published client sees it."""
    name = unique("lake")
    server.call("POST", f"/api/organization/{client.id}/datalakes", 201, json={"name": name, "connector_id": connector["id"]})
    return client.get_datalake(name=name)


def ended(server, job, status="SUCCEEDED"):
    return wait("the import", lambda: (j := server.call("GET", f"/api/v2/job/{job}"))["status"] not in ("PENDING", "RUNNING") and j, 60)


def done(server, job):
    j = ended(server, job)
    assert j["status"] == "SUCCEEDED", j
    return j["result"]


def start(server, lake, **body):
    return server.call("POST", f"/api/datalake/{lake.id}/objects", 201, json=body)["job"]["id"]


@pytest.fixture(scope="module")
def filled(store, cells):
    for c in cells[:12]:
        store.put(f"site a/é/{c.name}", c.path.read_bytes())
    store.put("site a/notes.txt", b"no image")
    store.put("site a/broken.jpg", b"no image either")
    return cells[:12]


def test_the_clients_import_of_prefixes_copies_nothing(server, client, store, filled):
    lake = bound_lake(server, client, connect(server, client, store))
    source = client.get_or_create_datasource(unique("camera"))
    before = len(list((server.folder / "objects").glob("*/*")))
    job = lake.import_bucket_objects(["site a/"], tags=["from the bucket"], source=source)
    job.wait_for_done(blocking_time_increment=0.1, attempts=300)
    result = done(server, job.id)
    assert (result["added"], result["left_out"], result["failed"]) == (13, 1, 0)
    data = {d.filename: d for d in lake.list_data(q='tags.name = "from the bucket"')}
    assert {c.name for c in filled} | {"broken.jpg"} == data.keys()
    assert all((data[c.name].width, data[c.name].height) == (640, 480) for c in filled)
    assert data["broken.jpg"].upload_status.name == "ERROR"
    assert {d.get_datasource().id for d in data.values()} == {source.id}
    assert len(list((server.folder / "objects").glob("*/*"))) == before
    again = lake.import_bucket_objects(["site a/"])
    again.wait_for_done(blocking_time_increment=0.1, attempts=300)
    assert done(server, again.id)["added"] == 0 and done(server, again.id)["known"] == 13


def test_the_clients_import_of_names_keeps_what_it_tells(server, client, store, filled):
    lake = bound_lake(server, client, connect(server, client, store, prefix="site a/"))
    names = [f"site a/é/{c.name}" for c in filled[:3]]
    job = lake.import_cloud_objects({
        "/" + names[0]: {"metadata": {"reference": "XYZ1"}, "tags": ["one", "two"], "data_source": "cloud", "custom_metadata": {"value": 10}},
        names[1]: CloudObject(tags=["one"], custom_metadata={"value": 25}),
        "site a/none.jpg": {},
        "elsewhere/x.jpg": {},
    })
    job.wait_for_done(blocking_time_increment=0.1, attempts=300)
    result = done(server, job.id)
    assert (result["added"], result["failed"]) == (2, 2)
    assert {f["key"] for f in result["faults"]} == {"site a/none.jpg", "elsewhere/x.jpg"}
    first = lake.find_data(object_name=names[0])
    assert (first.filename, first.metadata, first.custom_metadata) == (filled[0].name, {"reference": "XYZ1"}, {"value": 10})
    assert sorted(t.name for t in first.get_tags()) == ["one", "two"] and first.get_datasource().name == "cloud"
    assert lake.find_data(object_name=names[1]).custom_metadata == {"value": 25}


def test_bytes_come_from_the_bucket_and_are_compared(server, client, store, filled, tmp_path):
    lake = bound_lake(server, client, connect(server, client, store))
    done(server, start(server, lake, prefixes=[f"site a/é/{filled[0].name}"]))
    data = lake.list_data()[0]
    body = filled[0].path.read_bytes()
    cached = server.folder / "cache" / hashlib.sha256(body).hexdigest()[:2] / hashlib.sha256(body).hexdigest()
    cached.unlink()
    data.download(str(tmp_path))
    assert (tmp_path / filled[0].name).read_bytes() == body and cached.exists()
    assert server.call("GET", f"/api/data/{data.id}/thumbnail").content[:2] == b"\xff\xd8"
    cached.unlink()
    store.put(f"site a/é/{filled[0].name}", body + b"more")
    server.refused("GET", f"/api/data/{data.id}/image", 404, "does not give it")
    store.put(f"site a/é/{filled[0].name}", body[:-1] + b"x")
    server.refused("GET", f"/api/data/{data.id}/image", 404, "is not what it was")
    store.put(f"site a/é/{filled[0].name}", body)
    assert requests.get(server.call("GET", f"/api/data/{data.id}/presigned-url")["presigned_url"]).content == body


def test_a_sync_tells_what_is_new_changed_and_gone(server, client, store, cells):
    lake, folder = bound_lake(server, client, connect(server, client, store)), unique("sync")
    for c in cells[:5]:
        store.put(f"{folder}/{c.name}", c.path.read_bytes())
    sync = lambda: done(server, start(server, lake, prefixes=[folder + "/"], sync=True))
    assert sync()["added"] == 5
    removed = lake.find_data(filename=cells[4].name)
    removed.delete()
    store.put(f"{folder}/{cells[0].name}", cells[6].path.read_bytes())
    store.delete(f"{folder}/{cells[1].name}")
    store.put(f"{folder}/z.jpg", cells[7].path.read_bytes())
    got = sync()
    assert {k: got[k] for k in ("added", "changed", "gone", "known", "back")} == {"added": 2, "changed": 1, "gone": 1, "known": 2, "back": 0}
    assert len(lake.list_data()) == 6  # the changed one is there twice, the deleted one does not come back
    store.put(f"{folder}/{cells[1].name}", cells[1].path.read_bytes())
    got = sync()
    assert (got["back"], got["gone"], got["added"]) == (1, 0, 0)
    store.delete(f"{folder}/{cells[0].name}")
    for k in (1, 2, 3, 4):
        store.delete(f"{folder}/{cells[k].name}")
    assert sync()["gone"] == 4
    states = server.rows("SELECT state, count(*) FROM bucket_object WHERE object_key LIKE ? GROUP BY state", folder + "/%")
    assert dict(states) == {"THERE": 1, "GONE": 4, "CHANGED": 1, "REMOVED": 1}
    brought = done(server, start(server, lake, prefixes=[folder]))
    assert brought["added"] == 0 and brought["known"] == 1


def test_uploads_of_a_bound_datalake_go_into_its_bucket(server, client, store, cells, tmp_path):
    lake = bound_lake(server, client, connect(server, client, store, prefix="ours/"))
    data = lake.upload_data(filepaths=[str(c.path) for c in cells[20:23]])
    keys = store.keys("ours/uploads/")
    assert sorted(k.split("/")[-1] for k in keys) == sorted(c.name for c in cells[20:23])
    assert {hashlib.sha256(store.get(k)).hexdigest() for k in keys} == {hashlib.sha256(c.path.read_bytes()).hexdigest() for c in cells[20:23]}
    assert {a for (a,) in server.rows("SELECT o.away FROM object o JOIN data d ON d.object_name = o.name WHERE d.datalake_id = ?", str(lake.id))} == {1}
    for h in {hashlib.sha256(c.path.read_bytes()).hexdigest() for c in cells[20:23]}:
        (server.folder / "objects" / h[:2] / h).unlink()  # as the sweeper does two days later
    one = list(data)[0]
    one.download(str(tmp_path))
    assert (tmp_path / one.filename).read_bytes() == next(c for c in cells if c.name == one.filename).path.read_bytes()
    assert done(server, start(server, lake, prefixes=["ours/"], sync=True))["known"] == 3


def test_a_datalake_is_kept_in_step_by_a_schedule(server, client, store, cells):
    c, folder = connect(server, client, store), unique("scheduled")
    lake = bound_lake(server, client, c)
    tag = lake.get_or_create_data_tag("from the schedule")
    store.put(f"{folder}/1.jpg", cells[0].path.read_bytes())
    made = server.call("POST", f"/api/datalake/{lake.id}/syncs", 201, json={"connector_id": c["id"], "prefix": folder + "/", "tag_ids": [str(tag.id)], "every_minutes": 60})
    sync = lambda: server.call("GET", f"/api/sync/{made['id']}")
    first = wait("the first run", lambda: (s := sync())["last"] and s["last"]["ended_at"] and s)
    assert first["last"]["result"]["added"] == 1 and first["due_at"] > made["due_at"]
    store.put(f"{folder}/2.jpg", cells[1].path.read_bytes())
    store.delete(f"{folder}/1.jpg")
    server.call("POST", f"/api/sync/{made['id']}/run")
    second = wait("the second run", lambda: (s := sync())["last"]["id"] != first["last"]["id"] and s["last"]["ended_at"] and s)
    assert {k: second["last"]["result"][k] for k in ("added", "gone", "known")} == {"added": 1, "gone": 1, "known": 0}
    assert len(lake.list_data(q='tags.name = "from the schedule"')) == 2
    server.refused("POST", f"/api/datalake/{lake.id}/syncs", 409, "already", json={"connector_id": c["id"], "prefix": folder + "/"})
    server.refused("PATCH", f"/api/sync/{made['id']}", 400, "every_minutes", json={"every_minutes": 1})
    assert server.call("PATCH", f"/api/sync/{made['id']}", json={"active": False})["active"] is False
    assert [s["id"] for s in server.call("GET", f"/api/datalake/{lake.id}/syncs")["items"]] == [made["id"]]
    server.call("DELETE", f"/api/sync/{made['id']}", 204)
    server.refused("GET", f"/api/sync/{made['id']}", 404)


# ---- connectors

def test_a_secret_is_never_given_back_and_lies_sealed(server, client, store):
    made = connect(server, client, store)
    for shown in (made, server.call("GET", f"/api/connector/{made['id']}"), server.call("GET", f"/api/organization/{client.id}/connectors")):
        assert "a secret" not in str(shown) and "secret" not in shown
    assert all("a secret" not in (s or "") for (s,) in server.rows("SELECT secret FROM bucket"))
    server.refused("PATCH", f"/api/connector/{made['id']}", 400, "secret_key", json={"endpoint": "http://127.0.0.1:1"})
    changed = server.call("PATCH", f"/api/connector/{made['id']}", json={"endpoint": "http://127.0.0.1:1", "secret_key": "another"})
    assert changed["endpoint"] == "http://127.0.0.1:1"
    assert server.call("PATCH", f"/api/connector/{made['id']}", json={"secret_key": "a third"})["access_key"] == "AKIATEST"


def test_a_test_says_whether_it_works(server, client, store, filled):
    tried = lambda c: server.call("POST", f"/api/connector/{c['id']}/test")
    assert tried(connect(server, client, store))["works"]
    none = tried(connect(server, client, store, bucket="no-such-bucket"))
    assert not none["works"] and "NoSuchBucket" in none["says"]
    dead = tried(connect(server, client, store, endpoint="http://127.0.0.1:1"))
    assert not dead["works"] and "cannot connect" in dead["says"]


def test_a_bucket_is_looked_at_a_folder_at_a_time(server, client, store, filled):
    c = connect(server, client, store, prefix="site a/")
    first = server.call("GET", f"/api/connector/{c['id']}/objects")
    assert [(o["key"], o["is_folder"], o["is_image"]) for o in first["objects"]] == [
        ("site a/broken.jpg", False, True), ("site a/notes.txt", False, False), ("site a/é/", True, False)]
    seen, page = [], {"next": None}
    while not seen or page["next"]:
        page = server.call("GET", f"/api/connector/{c['id']}/objects", params={"prefix": "site a/é/", "limit": 5, **({"next": page["next"]} if page["next"] else {})})
        seen += [o["key"] for o in page["objects"]]
    assert seen == sorted(f"site a/é/{c.name}" for c in filled)
    server.refused("GET", f"/api/connector/{c['id']}/objects", 422, "begin with", params={"prefix": "elsewhere/"})


def test_connectors_that_data_need_stay(server, client, store, filled):
    c = connect(server, client, store)
    lake = bound_lake(server, client, c)
    server.refused("DELETE", f"/api/connector/{c['id']}", 409, "takes its uploads there")
    done(server, start(server, lake, prefixes=[f"site a/é/{filled[1].name}"]))
    server.call("PATCH", f"/api/datalake/{lake.id}", json={"connector_id": server.call("GET", f"/api/organization/{client.id}")["default_connector_id"]})
    server.refused("DELETE", f"/api/connector/{c['id']}", 409, "have their bytes there")
    server.refused("POST", f"/api/datalake/{lake.id}/objects", 422, "bound to no bucket", json={"prefixes": ["/"]})
    lake.list_data()[0].delete()
    server.call("DELETE", f"/api/connector/{c['id']}", 204)
    server.refused("GET", f"/api/connector/{c['id']}", 404)


def test_addresses_of_this_machine_need_the_administrator(server, client, tmp_path_factory):
    other = Server(tmp_path_factory.mktemp("guarded"))
    try:
        org = other.call("GET", "/api/home/ping")["default_organization"]
        for endpoint in ("http://127.0.0.1:9000", "http://169.254.169.254", "http://localhost:9000", "http://[::1]:80", "http://0x7f.1"):
            other.refused("POST", f"/api/organization/{org}/connectors", 403, "not allowed", json={"name": "x", "endpoint": endpoint, "bucket": "abc"})
        c = other.call("POST", f"/api/organization/{org}/connectors", 201, json={"name": "x", "endpoint": "http://ip6-loopback:9000", "bucket": "abc"})
        assert not other.call("POST", f"/api/connector/{c['id']}/test")["works"]
    finally:
        other.stop()


@pytest.mark.parametrize("body, word", [
    ({}, "say which"), ({"prefixes": ["a"], "objects": {"a": {}}}, "say which"), ({"objects": {}}, "objects"), ({"objects": {"a": 3}}, "object"),
    ({"objects": {"x" * 1025: {}}}, "bytes"), ({"prefixes": ["x" * 1025]}, "bytes"), ({"objects": {"a": {"tags": ["\x01"]}}}, "tag"),
    ({"objects": {"a": {}}, "sync": True}, "sync"), ({"objects": {f"k{i}": {} for i in range(501)}}, "500")])
def test_a_wrong_import_says_what_is_wrong(server, client, store, body, word):
    lake = bound_lake(server, client, connect(server, client, store))
    server.refused("POST", f"/api/datalake/{lake.id}/objects", (400, 422), word, json=body)


# ---- a store that fails

FAULTS = ["lose", "500", "503", "cut", "corrupt"]


@pytest.mark.parametrize("fault", FAULTS)
def test_an_import_gets_everything_once_from_a_store_that_fails_now_and_then(server, client, faulty, filled, fault):
    """Every list and every third object fails at its first time."""
    lake = bound_lake(server, client, connect(server, client, faulty))
    faulty.asked.clear()
    bad = [c.name for c in filled[::3]]
    faulty.rule = lambda method, path, times: fault if times == 0 and (any(path.endswith(b) for b in bad) or ("list-type" in path and fault not in ("corrupt", "cut"))) else None
    result = done(server, start(server, lake, prefixes=["site a/é/"]))
    faulty.rule = lambda *_: None
    assert (result["added"], result["failed"]) == (12, 0)
    hashes = sorted(h for (h,) in server.rows("SELECT hash FROM data WHERE datalake_id = ?", str(lake.id)))
    assert hashes == sorted(hashlib.sha256(c.path.read_bytes()).hexdigest() for c in filled)


@pytest.mark.parametrize("fault", ["lose", "500"])
def test_an_upload_is_acknowledged_when_it_lies_in_the_bucket(server, client, store, faulty, cells, fault):
    lake = bound_lake(server, client, connect(server, client, faulty, prefix=unique("lost") + "/"))
    faulty.asked.clear()
    faulty.rule = lambda method, path, times: fault if method == "PUT" and times == 0 else None
    lake.upload_data(filepaths=[str(cells[30].path)])
    faulty.rule = lambda *_: None
    (key,) = [k for (k,) in server.rows("SELECT object_key FROM bucket_object WHERE datalake_id = ?", str(lake.id))]
    assert store.get(key) == cells[30].path.read_bytes()


def test_an_upload_that_a_full_bucket_refuses_is_not_acknowledged(server, client, faulty, cells):
    c = connect(server, client, faulty)
    lake = bound_lake(server, client, c)
    name = server.call("POST", f"/api/organization/{client.id}/connector/{c['id']}/generate_object_name", json={"filename": "a.jpg", "type": "DATA"})["object_name"]
    url = server.call("POST", f"/api/object-storage/{c['id']}/generate_presigned_url", json={"object_name": name})["presigned_url_data"]["url"]
    assert requests.put(url, data=cells[31].path.read_bytes() + b"full").status_code < 300
    faulty.rule = lambda method, path, times: "full" if method == "PUT" else None
    body = {"type": "IMAGE", "filename": "a.jpg", "object_name": name}
    server.refused("POST", f"/api/datalake/{lake.id}/datas", 503, "the bucket is full", json=body)
    faulty.rule = lambda *_: None
    assert server.call("POST", f"/api/datalake/{lake.id}/datas", 201, json=body)["upload_status"] == "DONE"


def test_an_import_is_cancelled_while_the_store_stalls(server, client, faulty, filled):
    lake = bound_lake(server, client, connect(server, client, faulty))
    faulty.rule = lambda method, path, times: "stall" if path.endswith(filled[3].name) else None
    job = start(server, lake, prefixes=["site a/é/"])
    wait("the job runs", lambda: server.call("GET", f"/api/v2/job/{job}")["status"] == "RUNNING")
    other = lake.upload_data(filepaths=[str(filled[5].path)])
    assert server.call("DELETE", f"/api/datalake/{lake.id}/datas", json={"ids": [str(other.id)]})["count"] == 1  # nobody waits for an import
    server.call("POST", f"/api/job/{job}/cancel")
    assert ended(server, job)["status"] == "KILLED"
    faulty.rule = lambda *_: None


def test_an_import_goes_on_after_a_kill_and_brings_everything_once(server, client, faulty, store, cells):
    folder, lake = unique("many"), bound_lake(server, client, connect(server, client, faulty))
    for i in range(150):
        store.put(f"{folder}/{i:03}.jpg", cells[i % 40].path.read_bytes() + str(i).encode())
    faulty.rule = lambda method, path, times: time.sleep(0.02)
    job = start(server, lake, prefixes=[folder + "/"])
    for _ in range(2):
        have = lambda: server.rows("SELECT count(*) FROM data WHERE datalake_id = ?", str(lake.id))[0][0]
        before = have()
        wait("some are there", lambda: have() > before, 30, 0.01)
        server.process.kill()
        server.process.wait()
        server.start()
    result = done(server, job)
    faulty.rule = lambda *_: None
    assert (result["added"], result["known"], result["failed"]) == (150, 0, 0)
    assert server.rows("SELECT count(*), count(DISTINCT hash) FROM data WHERE datalake_id = ?", str(lake.id)) == [(150, 150)]
