"""See bench/locks."""
import json
import random
import re
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/faults")]
from conftest import wait  # noqa: E402
from crowd import Crowd  # noqa: E402

BOXES = 5


class Beside(threading.Thread):
    """Another user, who changes one thing after the other."""

    def __init__(self, s, dataset):
        super().__init__(daemon=True)
        self.s, self.dataset, self.took, self.stop = s, dataset, [], False

    def run(self):
        while not self.stop:
            began = time.time()
            self.s.call("PATCH", f"/api/dataset/{self.dataset}", json={"description": str(began)})
            self.took.append(time.time() - began)
            time.sleep(0.005)


def coco(names):
    r = random.Random(1)
    return json.dumps({
        "images": [{"id": i, "file_name": n, "width": 640, "height": 480} for i, n in enumerate(names)],
        "categories": [{"id": k, "name": f"c{k}"} for k in range(5)],
        "annotations": [{"id": i * BOXES + k, "image_id": i, "category_id": k % 5, "bbox": [r.randrange(500), r.randrange(400), 20, 20], "area": 400,
                         "iscrowd": 0, "segmentation": []} for i in range(len(names)) for k in range(BOXES)]}).encode()


def main(images):
    s = Crowd(Path(tempfile.mkdtemp(prefix="saccade-locks-")), images)
    d = s.dataset("many")
    v = s.call("POST", f"/api/dataset/{d}/versions", json={"version": "one", "type": "OBJECT_DETECTION"})["id"]
    tag = s.call("POST", f"/api/datalake/{s.lake}/tags", json={"name": "many"})["id"]
    file = coco([r[0] for r in s.rows("SELECT filename FROM data")])
    later = {"wait": False}

    def save_very_many():
        """One annotation of 10,000 boxes, twice: beside none, and in place of as many."""
        asset, revision, label = s.rows("SELECT n.asset_id, n.revision, h.label_id FROM annotation n JOIN shape h ON h.annotation_id = n.id WHERE n.dataset_version_id = ? LIMIT 1", v)[0]
        for k in range(2):
            s.call("PUT", f"/api/asset/{asset}/annotation", json={"revision": revision + k, "rectangles": [{"label_id": label, "x": i % 600, "y": i % 400, "w": 9, "h": 9} for i in range(10000)]})

    acts = {
        "add by query": lambda: s.job(s.call("POST", f"/api/dataset/version/{v}/assets", 201, json={"q": "width > 0", "datalake_id": s.lake, **later})),
        "tag": lambda: s.call("POST", f"/api/tag/{tag}/attach", json=s.data),
        "import": lambda: s.job(s.call("POST", f"/api/dataset/version/{v}/annotations/import", data={"mode": "REPLACE"}, files=[("files", ("a.json", file))])),
        "10,000 shapes saved": save_very_many,
        "export": lambda: s.job(s.call("POST", f"/api/dataset/version/{v}/annotations/export", json={"type": "COCO", **later})),
        "fork": lambda: s.job(s.call("POST", f"/api/dataset/{d}/fork", 201,
                                     json={"parent_id": v, "version": "two", "with_labels": True, "with_annotations": True, **later})),
        "delete annotations": lambda: s.call("DELETE", f"/api/dataset/version/{v}/annotations", json={"asset_ids": ["__all__"]}),
        "delete version": lambda: (s.call("DELETE", f"/api/dataset/version/{v}", 204), wait("it is gone", lambda: not s.count("gone"), 600)),
        "delete tag": lambda: s.call("DELETE", f"/api/tag/{tag}", 204),
        "delete data": lambda: s.call("DELETE", f"/api/datalake/{s.lake}/datas", json={"ids": s.data[: images // 2]}),
    }
    beside = Beside(s, s.dataset("beside"))
    beside.start()
    for name, act in acts.items():
        first, began = len(beside.took), time.time()
        act()
        took = sorted(beside.took[first:]) or [0]
        print(f"{name}: {time.time() - began:.1f} s; a writer beside it waited p50 {took[len(took) // 2] * 1e3:.0f} ms, p99 {took[len(took) * 99 // 100] * 1e3:.0f} ms", flush=True)
    beside.stop = True
    beside.join()
    wall = {m[1]: float(m[2]) for m in re.finditer(r'longest_seconds\{by="([^"]+)",of="wall"\} (\S+)', s.call("GET", "/metrics").text)}
    for by, (n, over, longest) in sorted(s.held().items(), key=lambda h: -h[1][2])[:12]:
        print(f"{by}: {n} transactions, {over} over 50 ms of the processor; the longest {longest * 1e3:.0f} ms, by the clock {wall[by] * 1e3:.0f} ms")
    s.stop()


main(int(sys.argv[1]))
