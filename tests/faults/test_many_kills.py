"""kill -9 at random moments of imports, exports, uploads, migrations and changes of very many things, on one folder that lives through all of
them: nothing acknowledged is missing, nothing is half or twice, fsck finds nothing. SACCADE_KILLS says how often (12 by itself)."""
import json
import os
import random
import shutil
import sqlite3
import subprocess
import time
import uuid
from contextlib import closing
from threading import Thread

import pytest
import requests
from conftest import ROOT, SACCADE, coco, draw, wait
from crowd import Crowd
from test_kill import kill, processes, restart, upload

KILLS = int(os.environ.get("SACCADE_KILLS", "12"))
SEED = int(os.environ.get("SACCADE_SEED", random.randrange(1 << 30)))
IMAGES = 1200


class World:
    """The folder, what must be in it, and one function for each thing that is killed."""

    def __init__(self, folder):
        self.random = random.Random(SEED)
        self.cells = draw(folder / "drawn", 30, 8)
        self.labels = sorted({b[0] for c in self.cells for b in c.boxes})
        self.s = Crowd(folder, IMAGES)
        self.place = (self.s.rows("SELECT org FROM datalake")[0][0], self.s.lake, self.s.rows("SELECT default_connector_id FROM organization")[0][0])
        self.set = self.s.dataset("killed")
        self.uploads = {upload(self.s, self.place, c.name, c.path.read_bytes()): c.path.read_bytes() for c in self.cells}
        self.annotated = self.s.call("POST", f"/api/dataset/{self.set}/versions", json={"version": "annotated", "type": "OBJECT_DETECTION"})["id"]
        self.s.call("POST", f"/api/dataset/version/{self.annotated}/assets", json={"data_ids": list(self.uploads)})
        self.boxes = sum(len(c.boxes) for c in self.cells)
        self.file = json.dumps(coco(self.cells, self.labels)).encode()
        self.full = self.s.version(self.set, "full")
        self.s.job(self.s.call("POST", f"/api/dataset/version/{self.full}/assets", 201, json={"q": "width > 0", "datalake_id": self.s.lake}))
        self.many = self.s.count("asset WHERE dataset_version_id = ?", self.full)
        self.tag = self.s.call("POST", f"/api/dataset/version/{self.full}/tags", json={"name": "on all"})["id"]
        self.assets = [r[0] for r in self.s.rows("SELECT id FROM asset WHERE dataset_version_id = ?", self.full)]

    def strike(self):
        """After a moment, the server or one of its helpers."""
        time.sleep(self.random.uniform(0, 0.4) ** 1.5)
        if self.random.random() < 0.6:
            restart(self.s)
        else:
            for pid in processes(self.s).get("worker", []):
                kill(pid)

    def ended(self, job):
        return self.s.job({"job": {"id": job}})

    def done(self, job):
        status, result, error = self.ended(job)
        assert status == "SUCCEEDED", (status, error)
        return json.loads(result)

    def importing(self):
        job = self.s.call("POST", f"/api/dataset/version/{self.annotated}/annotations/import", data={"mode": "REPLACE"}, files=[("files", ("a.json", self.file))])["job"]["id"]
        self.strike()
        self.done(job)
        self.is_annotated()

    def is_annotated(self):
        for what, sql in (("shapes", "shape WHERE dataset_version_id = ?"), ("annotations", "annotation WHERE dataset_version_id = ?")):
            assert self.s.count(sql, self.annotated) == (self.boxes if what == "shapes" else len(self.cells)), what
        assert self.s.rows("SELECT sum(n_shapes) FROM label WHERE dataset_version_id = ?", self.annotated) == [(self.boxes,)]

    def exporting(self):
        if not self.s.count("annotation WHERE dataset_version_id = ?", self.annotated):
            self.importing()
        job = self.s.call("POST", f"/api/dataset/version/{self.annotated}/annotations/export", json={"type": "COCO", "wait": False})["job"]["id"]
        self.strike()
        name = self.done(job)["object_name"]
        link = self.s.call("POST", f"/api/object-storage/{self.place[2]}/retrieve_presigned_url", json={"object_name": name})["presigned_url"]
        assert len(requests.get(link).json()["annotations"]) == self.boxes

    def unanswered(self, method, path, body):
        """A call that the server is killed under: its answer, or None."""
        got = []

        def ask():
            try:
                got.append(self.s.call(method, path, json=body))
            except (requests.exceptions.RequestException, AssertionError):
                pass
        t = Thread(target=ask)
        t.start()
        self.strike()
        t.join()
        return got[0] if got else None

    def uploading(self):
        made = {}
        body = self.cells[0].path.read_bytes() + uuid.uuid4().bytes

        def work():
            i = upload(self.s, self.place, "new.jpg", body)
            if i:
                made[i] = body
        t = Thread(target=work)
        t.start()
        self.strike()
        t.join()
        self.uploads.update(made)
        for i, b in list(self.uploads.items())[-3:]:
            assert requests.get(self.s.call("GET", f"/api/data/{i}")["presigned_url"]).content == b, "the bytes of an acknowledged upload"

    def adding(self):
        v = self.s.version(self.set, uuid.uuid4().hex)
        want = self.s.count("data WHERE upload_status = 'DONE'")
        job = self.s.call("POST", f"/api/dataset/version/{v}/assets", 201, json={"q": "width > 0", "datalake_id": self.s.lake, "wait": False})["job"]["id"]
        self.strike()
        assert self.done(job)["added"] == want == self.s.count("asset WHERE dataset_version_id = ?", v)
        return v

    def cancelling(self):
        v = self.s.version(self.set, uuid.uuid4().hex)
        job = self.s.call("POST", f"/api/dataset/version/{v}/assets", 201, json={"q": "width > 0", "datalake_id": self.s.lake, "wait": False})["job"]["id"]
        time.sleep(self.random.uniform(0, 0.15))
        self.s.call("POST", f"/api/job/{job}/cancel")
        self.strike()
        status, there = self.ended(job)[0], self.s.count("asset WHERE dataset_version_id = ?", v)
        assert (status, there > 0) in (("SUCCEEDED", True), ("KILLED", False)), (status, there)

    def cancelling_a_fork(self):
        name = uuid.uuid4().hex
        fork = self.s.call("POST", f"/api/dataset/{self.set}/fork", 201, json={"parent_id": self.full, "version": name, "wait": False})
        time.sleep(self.random.uniform(0, 0.15))
        self.s.call("POST", f"/api/job/{fork['job']['id']}/cancel")
        self.strike()
        status = self.ended(fork["job"]["id"])[0]
        wait("the rest to be cleared away", lambda: not self.s.count("job WHERE cancel = 2"))
        there = self.s.count("dataset_version WHERE version = ?", name)
        assert (status, there) in (("SUCCEEDED", 1), ("KILLED", 0)), (status, there)

    def forking(self):
        name = uuid.uuid4().hex
        answer = self.unanswered("POST", f"/api/dataset/{self.set}/fork", {"parent_id": self.full, "version": name, "with_tags": True})
        there = self.s.rows("SELECT id FROM dataset_version WHERE version = ?", name)
        assert there or not answer
        self.quiet()
        for (v,) in there:
            assert self.s.count("asset WHERE dataset_version_id = ?", v) == self.many

    def tagging(self):
        before = self.s.count("tagged WHERE tag_id = ?", self.tag)
        verb, after = ("detach", 0) if before else ("attach", self.many)
        answer = self.unanswered("POST", f"/api/tag/{self.tag}/{verb}", self.assets)
        self.quiet()
        now = self.s.count("tagged WHERE tag_id = ?", self.tag)
        assert now == after if answer else now in (before, after), (before, now, after)

    def deleting(self):
        v = self.adding()
        answer = self.unanswered("DELETE", f"/api/dataset/version/{v}", None)
        self.quiet()
        there = self.s.count("asset WHERE dataset_version_id = ?", v)
        assert there == 0 if answer is not None else there in (0, self.s.count("data WHERE upload_status = 'DONE'"))
        assert self.s.count("gone") == 0 and self.s.count("dataset_version WHERE id = ?", v) == (there > 0)

    def quiet(self):
        wait("the jobs", lambda: not self.s.count("job WHERE status IN ('PENDING', 'RUNNING')"))

    def check(self):
        done = subprocess.run([SACCADE, "fsck", "--data", str(self.s.folder)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not self.s.rows("SELECT kind, error FROM job WHERE status = 'FAILED'")


def count_by_table(db):
    tables = [t for (t,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('schema_of', 'event', 'job')")]
    return {t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables}


class Walk:
    """A database of the first release, walked again and again and killed on the way."""

    def __init__(self, folder):
        self.folder, self.random = folder, random.Random(SEED + 1)
        folder.mkdir()
        with closing(sqlite3.connect(folder / "old.db")) as db:
            db.executescript((ROOT / "tests/migrate/version-1.sql").read_text())
        shutil.copytree(folder, folder.parent / "walked")
        self.data = folder.parent / "walked"
        self.renew()
        self.want = None

    def renew(self):
        for f in list(self.data.glob("saccade.db*")) + list(self.data.glob("old.db*")):
            f.unlink()
        shutil.copy(self.folder / "old.db", self.data / "saccade.db")

    def killed(self):
        """True: it was walked before it could be killed."""
        p = subprocess.Popen([SACCADE, "migrate", "--data", str(self.data)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            p.wait(self.random.uniform(0.005, 0.25))
            return True
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            return False

    def once(self):
        walked = self.killed()
        if not walked and self.random.random() < 0.6:
            return  # killed again at the next turn, from where it is
        done = subprocess.run([SACCADE, "migrate", "--data", str(self.data)], capture_output=True, text=True)
        assert done.returncode == 0 and "there is nothing to do" in done.stdout, done.stdout + done.stderr
        with closing(sqlite3.connect(self.data / "saccade.db")) as db:
            now = count_by_table(db)
            assert db.execute("PRAGMA foreign_key_check").fetchall() == [] and db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        self.want = self.want or now
        assert now == self.want
        with closing(sqlite3.connect(self.data / "saccade.db.version-1")) as db:
            assert db.execute("SELECT count(*) FROM asset").fetchone()[0] > 0
        self.renew()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    w = World(tmp_path_factory.mktemp("kills"))
    yield w
    w.quiet()
    assert w.s.stop() == 0
    w.check()


def test_kills_at_random_moments(world):
    print(f"SACCADE_SEED={SEED}")
    acts = [world.importing, world.exporting, world.uploading, world.adding, world.cancelling, world.cancelling_a_fork, world.forking, world.tagging, world.deleting]
    for n in range(KILLS * 2 // 3):
        act = acts[n % len(acts)]
        try:
            act()
            if n % 50 == 49:
                world.check()
        except AssertionError as e:
            raise AssertionError(f"kill {n} ({act.__name__}, seed {SEED}): {e}") from e


def test_kills_on_the_road_between_versions(tmp_path):
    walk = Walk(tmp_path / "old")
    for n in range(KILLS - KILLS * 2 // 3):
        walk.once()
    done = subprocess.run([SACCADE, "migrate", "--data", str(walk.data)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
