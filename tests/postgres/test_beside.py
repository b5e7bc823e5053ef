"""Several servers, each with a folder of its own, on one database: they write beside each other, hear each other, and take over from each other."""
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import database
import pytest
import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from conftest import Server, wait

SHARED = ("objects", "incoming", "trash", "damaged")  # one file system for all; the key is a copy


class Replica(Server):
    """Another server of the same instance."""

    def __init__(self, first, folder):
        self.options, self.folder, self.secrets, self.log = ("--db", database.where(first.folder)), folder / "data", folder / "first.json", folder / "log"
        self.folder.mkdir()
        for name in SHARED:
            (first.folder / name).mkdir(exist_ok=True)
            (self.folder / name).symlink_to(first.folder / name)
        shutil.copy(first.folder / "key", self.folder / "key")
        self.start("127.0.0.1:0")
        self.token, self.username, self.password = first.token, first.username, first.password


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    a = Server(tmp_path_factory.mktemp("a"))
    b = Replica(a, tmp_path_factory.mktemp("b"))
    yield a, b
    for server in (a, b):
        if server.process.poll() is None:
            assert server.stop() == 0


def home(server):
    org = server.call("GET", "/api/home/ping")["default_organization"]
    return org, server.call("GET", f"/api/organization/{org}/datalake")


class Ear:
    """What a server tells those who listen, in order."""

    def __init__(self, server, org, after=None):
        self.ids, self.said = [], []
        query = f"?after={after}" if after is not None else ""
        self.answer = requests.get(f"{server.host}/api/events{query}", stream=True, timeout=(10, 60),
                                   headers={"Authorization": f"Bearer {server.token}", "X-Organization": org})
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.lines = self.answer.iter_lines(chunk_size=1, decode_unicode=True)
        assert "retry" in next(self.lines)
        self.thread.start()

    def listen(self):
        try:
            for line in self.lines:
                if line.startswith("id: "):
                    self.ids.append(int(line[4:]))
                if line.startswith("data: "):
                    self.said.append(line[6:])
        except (requests.RequestException, AttributeError, OSError):
            pass  # closed


class Session:
    """A transaction of somebody else's, left open between statements."""

    def __init__(self, url):
        self.process = subprocess.Popen(["psql", url, "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, sql):
        self.process.stdin.write(f"{sql};\n\\echo done\n")
        self.process.stdin.flush()
        said = []
        for line in self.process.stdout:
            if line.strip() == "done":
                return said
            said.append(line.strip())
        raise AssertionError(said)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def test_an_event_that_is_committed_later_than_the_next_is_heard_and_in_order(two):
    a, b = two
    org, lake = home(a)
    other = Session(database.where(a.folder))
    ears = [Ear(server, org) for server in two]
    other.run("BEGIN")
    early = int(other.run(f"INSERT INTO event (org, topic, json, at) VALUES ('{org}', 'x', '\"early\"', 1) RETURNING id")[0])
    a.call("POST", f"/api/datalake/{lake['id']}/tags", json={"name": "later"})
    b.call("POST", f"/api/datalake/{lake['id']}/tags", json={"name": "latest"})
    session = requests.post(a.host + "/api/session", json={"username": a.username, "password": a.password}, timeout=30).json()
    assert session["last_event"] < early  # or a page that begins here would not hear of it
    assert not any(i > early for ear in ears for i in ear.ids)
    other.run("COMMIT")
    given_up = Session(database.where(a.folder))
    given_up.run(f"BEGIN; INSERT INTO event (org, topic, json, at) VALUES ('{org}', 'x', '\"never\"', 1); ROLLBACK")
    database.write(database.where(a.folder), f"INSERT INTO event (org, topic, json, at) VALUES ('{org}', 'x', '\"last\"', 1); NOTIFY saccade")
    for ear in ears:
        wait("the last", lambda: '"last"' in ear.said, 20)
        assert early in ear.ids and ear.ids == sorted(ear.ids) and '"never"' not in ear.said
    other.close()
    given_up.close()


def test_what_one_writes_all_have(two):
    a, b = two
    org, lake = home(a)
    cookie = requests.post(a.host + "/api/session", json={"username": a.username, "password": a.password}, timeout=30).cookies
    assert requests.get(b.host + "/api/session", cookies=cookie, timeout=30).status_code == 200
    name = a.call("POST", f"/api/organization/{org}/connector/{lake['connector_id']}/generate_object_name", json={"filename": "a.txt", "type": "DATA"})["object_name"]
    grant = a.call("POST", f"/api/object-storage/{lake['connector_id']}/generate_presigned_url", json={"object_name": name, "content_type": "text/plain"})
    link = grant["presigned_url_data"]["url"].replace(a.host, b.host)  # as a proxy would lead it
    assert requests.put(link, data=b"bytes", headers={"Content-Type": "text/plain"}, timeout=30).status_code < 300
    grant = b.call("POST", f"/api/object-storage/{lake['connector_id']}/retrieve_presigned_url", json={"object_name": name})
    assert requests.get(grant["presigned_url"].replace(b.host, a.host), timeout=30).content == b"bytes"


def test_who_write_beside_each_other_lose_nothing(two):
    org, lake = home(two[0])
    dataset = two[0].call("POST", f"/api/organization/{org}/datasets", json={"name": "set"})["id"]

    def write(i):
        server = two[i % 2]
        tag = server.call("POST", f"/api/datalake/{lake['id']}/tags", json={"name": f"tag-{i}"})["id"]
        server.call("PATCH", f"/api/dataset/{dataset}", json={"description": f"by {i}"})  # the same row for all
        return tag

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(write, range(60)))
    for server in two:
        listed = server.call("GET", f"/api/datalake/{lake['id']}/tags?limit=1000")["items"]
        assert made <= {t["id"] for t in listed}
        assert re.fullmatch(r"by \d+", server.call("GET", f"/api/dataset/{dataset}")["description"])


def leaders(server):
    return server.rows("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 5319743 AND granted")[0][0] or 0


def test_one_of_the_workers_watches_and_another_goes_on_when_it_dies(two):
    a, b = two
    wait("one that watches", lambda: leaders(b) == 1)
    org, lake = home(a)
    a.call("POST", f"/api/datalake/{lake['id']}/tags", json={"name": "before"})
    os.kill(a.process.pid, signal.SIGKILL)
    a.process.wait()
    assert "before" in {t["name"] for t in b.call("GET", f"/api/datalake/{lake['id']}/tags?limit=1000")["items"]}
    b.call("POST", f"/api/datalake/{lake['id']}/tags", json={"name": "after"})
    wait("one that watches", lambda: leaders(b) == 1)
    a.options = ()
    a.start("127.0.0.1:0")
    assert {"before", "after"} <= {t["name"] for t in a.call("GET", f"/api/datalake/{lake['id']}/tags?limit=1000")["items"]}
