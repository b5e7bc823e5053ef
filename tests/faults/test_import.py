"""kill -9, and a cancel, in the middle of imports: what is seen is all of the old annotations or all of the new ones, at any moment."""
import json
import os
import random
import threading
import time

import pytest
from test_kill import ROUNDS, job_ended, kill, make_version, own, pictures, processes, restart  # noqa: F401 (fixtures)

BOXES = 500


def coco(pictures, label, boxes):
    names = [p.name for p in pictures]
    return json.dumps({"images": [{"id": i, "file_name": n} for i, n in enumerate(names)], "categories": [{"id": 1, "name": label}],
                       "annotations": [{"id": k, "image_id": k % len(names), "category_id": 1, "bbox": [k % 200, k % 100, 20.5, 30]} for k in range(boxes * len(names))]})


def start(server, version, text, mode="REPLACE"):
    return server.call("POST", f"/api/dataset/version/{version}/annotations/import", data={"mode": mode}, files=[("files", ("a.json", text))])["job"]["id"]


def seen(server, version):
    """(objects in all, {label: objects}) as pages ask for them."""
    n = server.call("GET", f"/api/dataset/version/{version}/stats")["nb_objects"]
    return n, {x["name"]: x["nb_objects"] for x in server.call("GET", f"/api/dataset/version/{version}/labels")["items"] if x["nb_objects"]}


def left_behind(server):
    return server.rows("SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM batch_label), (SELECT count(*) FROM annotation_row WHERE batch <> 0),"
                       " (SELECT count(*) FROM shape_row WHERE batch <> 0 AND batch NOT IN (SELECT batch FROM batch_shown)),"
                       " (SELECT count(*) FROM annotation n WHERE n_shapes <> (SELECT count(*) FROM shape h WHERE h.annotation_id = n.id)),"
                       " (SELECT count(*) FROM label l WHERE n_shapes <> (SELECT count(*) FROM shape h WHERE h.label_id = l.id))")[0]


class Watcher(threading.Thread):
    """Looks at the version all the time, and keeps what it saw."""

    def __init__(self, server, version):
        super().__init__()
        self.server, self.version, self.stop, self.saw = server, version, False, set()

    def run(self):
        while not self.stop:
            try:
                self.saw.add(self.server.call("GET", f"/api/dataset/version/{self.version}/stats")["nb_objects"])
            except Exception:
                pass  # the server is being killed
            time.sleep(0.01)

    def end(self):
        self.stop = True
        self.join()
        return self.saw


@pytest.mark.parametrize("who", ["worker", "infer", "serve"])
def test_a_killed_import_is_never_seen_half_and_ends_whole(own, pictures, who):
    v, n, before = make_version(own, pictures), 0, 0
    for turn in range(ROUNDS + 1):
        label, boxes = f"turn {turn}", BOXES + turn
        watcher = Watcher(own, v)
        watcher.start()
        job = start(own, v, coco(pictures, label, boxes))
        for _ in range(2):
            time.sleep(random.random() * 0.7)
            if who == "serve":
                restart(own)
            else:
                for pid in processes(own).get(who, []):
                    kill(pid)
        assert job_ended(own, job, 120) == "SUCCEEDED", own.call("GET", f"/api/v2/job/{job}")
        n = boxes * len(pictures)
        assert watcher.end() <= {before, n}
        assert seen(own, v) == (n, {label: n})
        before = n
    restart(own)
    end = time.time() + 20
    while left_behind(own) != (0,) * 6 and time.time() < end:
        time.sleep(0.2)
    assert left_behind(own) == (0,) * 6
    assert seen(own, v)[0] == n


def test_a_cancelled_import_changes_nothing(own, pictures):
    v = make_version(own, pictures)
    assert job_ended(own, start(own, v, coco(pictures, "first", 10))) == "SUCCEEDED"
    before = seen(own, v)
    watcher = Watcher(own, v)
    watcher.start()
    job = start(own, v, coco(pictures, "second", 3000))
    time.sleep(1)
    r = own.call("GET", f"/api/dataset/version/{v}/assets", params={"limit": 1})["items"][0]
    own.refused("PUT", f"/api/asset/{r['id']}/annotation", 423, "import", json={"revision": 1, "rectangles": []})
    own.call("POST", f"/api/job/{job}/cancel")
    assert job_ended(own, job) == "KILLED"
    assert watcher.end() == {before[0]}
    assert seen(own, v) == before and left_behind(own) == (0,) * 6
    assert [x["name"] for x in own.call("GET", f"/api/dataset/version/{v}/labels")["items"]] == ["first"]
    assert job_ended(own, start(own, v, coco(pictures, "third", 10))) == "SUCCEEDED"
