"""Annotations with thousands of shapes within one request: nobody waits for them, they are seen whole or not at all, and they keep their ids."""
import threading
import time

import pytest
import requests
from conftest import unique, wait
from crowd import Crowd

SHAPES = 10000


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    s = Crowd(tmp_path_factory.mktemp("crowd"), 40)
    yield s
    assert s.stop() == 0


class World:
    def __init__(self, crowd, type="MULTI"):
        self.s = crowd
        self.version = crowd.version(crowd.dataset(unique("set")), "first", type=type)
        crowd.call("POST", f"/api/dataset/version/{self.version}/assets", 201, json={"data_ids": crowd.data})
        self.labels = [crowd.call("POST", f"/api/dataset/version/{self.version}/labels", 201, json={"name": f"c{k}"})["id"] for k in range(5)]
        self.assets = [r[0] for r in crowd.rows("SELECT id FROM asset WHERE dataset_version_id = ? ORDER BY id", self.version)]

    def boxes(self, n, size=5):
        return [{"label_id": self.labels[k % 5], "x": k % 100, "y": k % 90, "w": size, "h": 5} for k in range(n)]

    def put(self, asset, revision, n, **more):
        return self.s.call("PUT", f"/api/asset/{asset}/annotation", json={"revision": revision, "rectangles": self.boxes(n), **more})

    def counted(self):
        """What is kept beside annotations and labels is what counting gives; nothing is left of what was on its way."""
        wait("all to be cleared", lambda: self.s.rows("SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM batch_label), (SELECT count(*) FROM batch_part)") == [(0, 0, 0)])
        assert self.s.rows("SELECT n.id FROM annotation n WHERE n_shapes <> (SELECT count(*) FROM shape h WHERE h.annotation_id = n.id)") == []
        assert self.s.rows("SELECT l.id FROM label l WHERE n_shapes <> (SELECT count(*) FROM shape h WHERE h.label_id = l.id)") == []
        assert self.s.rows("SELECT count(*) FROM shape_row h WHERE batch <> 0 AND batch NOT IN (SELECT batch FROM batch_shown)") == [(0,)]
        return self.s.rows("SELECT count(*) FROM shape WHERE dataset_version_id = ?", self.version)[0][0]


@pytest.fixture
def world(crowd):
    return World(crowd)


def test_one_is_saved_replaced_added_to_and_deleted(crowd, world):
    asset = world.assets[0]
    first = world.put(asset, 0, SHAPES)
    assert len(first["rectangles"]) == SHAPES and first["revision"] == 1 and first["status"] == "PENDING"
    world.put(asset, 1, 3, points=[{"label_id": world.labels[0], "point": [1, 2]}])
    second = world.put(asset, 2, SHAPES, status="ACCEPTED", duration=3)
    assert (second["id"], second["revision"], second["status"], second["duration"]) == (first["id"], 3, "ACCEPTED", 3)
    assert len(second["rectangles"]) == SHAPES and len(second["points"]) == 1, "kinds that are not sent stay"
    assert [r["x"] for r in second["rectangles"]] == [b["x"] for b in world.boxes(SHAPES)], "they keep their order"
    assert world.counted() == SHAPES + 1
    crowd.refused("PUT", f"/api/asset/{asset}/annotation", 409, "revision 3", json={"revision": 1, "rectangles": world.boxes(SHAPES)})
    added = crowd.call("POST", f"/api/annotation/{first['id']}/bulk-rectangles", 201, json={"rectangles": world.boxes(SHAPES, 7)})
    assert len(added["rectangles"]) == SHAPES and {r["w"] for r in added["rectangles"]} == {7}
    assert world.counted() == 2 * SHAPES + 1
    saved = crowd.call("POST", f"/api/annotation/{first['id']}/save", json={"rectangles": world.boxes(SHAPES)})
    assert saved["id"] == first["id"] and saved["points"] == [] and world.counted() == SHAPES
    crowd.call("DELETE", f"/api/annotation/{first['id']}", 204)
    assert world.counted() == 0
    assert world.put(asset, 0, SHAPES)["revision"] == 1
    crowd.call("DELETE", f"/api/asset/{asset}", 204)
    assert world.counted() == 0


def test_very_many_of_a_version_are_written_all_or_none(crowd, world):
    def send(mode, n, **more):
        return {"import_type": mode, "annotations": [{"asset_id": a, "rectangles": world.boxes(n)} for a in world.assets], **more}
    path = f"/api/dataset/version/{world.version}/bulk-annotations"
    world.put(world.assets[0], 0, 7)
    assert crowd.call("POST", path, json=send("KEEP", 100)) == {"annotations": 39, "kept": 1, "shapes": 3900}
    assert crowd.call("POST", path, json=send("CONCATENATE", 100, status="REFUSED")) == {"annotations": 40, "kept": 0, "shapes": 4000}
    assert world.counted() == 7 + 3900 + 4000
    faulty = send("REPLACE", 100)
    faulty["annotations"][30]["rectangles"][50]["w"] = 100000
    crowd.refused("POST", path, 400, "rectangles[50]", json=faulty)
    twice = send("REPLACE", 100)
    twice["annotations"].append(twice["annotations"][0])
    crowd.refused("POST", path, 413, "named twice", json=twice)
    assert world.counted() == 7 + 3900 + 4000
    assert crowd.call("POST", path, json=send("REPLACE", 50)) == {"annotations": 40, "kept": 0, "shapes": 2000}
    assert world.counted() == 2000
    assert crowd.rows("SELECT DISTINCT revision, status FROM annotation WHERE dataset_version_id = ? ORDER BY 1", world.version) == [(3, "REFUSED")]


def test_several_at_once_wait_for_each_other_and_so_do_small_ones(crowd, world):
    answers = []

    def large(k):
        answers.append(world.put(world.assets[k], 0, 4000)["revision"])

    threads = [threading.Thread(target=large, args=[k]) for k in range(4)]
    for t in threads:
        t.start()
    for k in range(20, 40):
        assert world.put(world.assets[k], 0, 3)["revision"] == 1
    for t in threads:
        t.join()
    assert answers == [1] * 4 and world.counted() == 16000 + 60


def test_jobs_wait_for_a_request_that_writes_there(crowd):
    world = World(crowd, "CLASSIFICATION")
    asset = world.assets[0]
    tag = crowd.call("POST", f"/api/datalake/{crowd.lake}/tags", json={"name": unique("c")})["id"]
    crowd.call("POST", f"/api/tag/{tag}/attach", json=crowd.data[5:])
    file = '{"images":[{"id":1,"file_name":"%s"}],"categories":[{"id":1,"name":"c1"}],"annotations":[{"id":1,"image_id":1,"category_id":1}]}'
    name = crowd.rows("SELECT filename FROM data WHERE id = ?", crowd.data[1])[0][0]
    t = threading.Thread(target=lambda: world.put(asset, 0, SHAPES))
    t.start()
    wait("it to begin", lambda: crowd.count("batch"), every=0.001)
    imported = crowd.call("POST", f"/api/dataset/version/{world.version}/annotations/import", 201, data={"mode": "KEEP"}, files=[("files", ("a.json", file % name))])
    assert crowd.job(imported)[0] == "SUCCEEDED"
    t.join()
    t = threading.Thread(target=lambda: world.put(asset, 1, SHAPES))
    t.start()
    wait("it to begin", lambda: crowd.count("batch"), every=0.001)
    labelled = crowd.call("POST", f"/api/dataset/version/{world.version}/tags/convert", json={"tag_ids": [tag], "tag_type": "DATA"})
    t.join()
    assert crowd.job({"job": labelled})[0] == "SUCCEEDED"
    assert world.counted() == SHAPES + 1 + len(crowd.data) - 5


def revision(crowd, asset):
    return crowd.rows("SELECT coalesce(max(revision), 0) FROM annotation WHERE asset_id = ?", asset)[0][0]


def test_a_kill_in_the_middle_leaves_the_old_shapes_or_the_new_ones(crowd, world):
    asset = world.assets[0]
    for k in range(4):
        before, old = revision(crowd, asset), world.counted()

        def send():
            try:
                world.put(asset, before, SHAPES + k)
            except (requests.RequestException, AssertionError):
                pass  # the server is killed

        t = threading.Thread(target=send)
        t.start()
        wait("it to begin", lambda: crowd.count("batch"), every=0.001)
        time.sleep(0.05 * k)
        crowd.process.kill()
        crowd.process.wait()
        t.join()
        crowd.start(crowd.listen)
        shapes = world.counted()
        assert (revision(crowd, asset), shapes) in ((before, old), (before + 1, SHAPES + k))


def test_nobody_kept_the_write_lock_for_long(crowd, world):
    world.put(world.assets[0], 0, SHAPES)
    held = {by: h for by, h in crowd.held().items() if "annotation" in by}
    assert any(by.startswith("PUT /api/asset") for by in held) or any("bulk" in by for by in held), held
    assert not {by: h for by, h in crowd.long_holders().items() if not by.startswith("DELETE")}, held
