#!/usr/bin/env python3
"""fill.py BINARY OUT.sql: how version-1.sql was made. Starts the old program on a folder of its own, has its `demo` walk the loop, adds what the
demo does not make, so that no table is empty, and dumps the database, thinned out where many rows tell no more than a few."""
import json, pathlib, signal, sqlite3, subprocess, sys, tempfile, time

import requests

BINARY, OUT = sys.argv[1:]
THIN = """DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - 15; DELETE FROM shape WHERE position > 2; DELETE FROM review_shape WHERE position > 1;
DELETE FROM console_line WHERE n > 4; DELETE FROM log_point WHERE typeof(step) = 'integer' AND step > 4;
DELETE FROM model WHERE org IS NULL AND name NOT IN (SELECT name FROM model WHERE org IS NULL ORDER BY name LIMIT 3);"""

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Old:
    def __init__(self, folder):
        self.folder = folder
        self.start()
        first = json.loads((folder / "first.json").read_text())
        self.token, self.password = first["token"], first["password"]

    def start(self):
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen([BINARY, "serve", "--data", self.folder / "data", "--listen", "127.0.0.1:0",
                                             "--first-secrets", self.folder / "first.json"], stdout=log, stderr=subprocess.STDOUT)
        while b"ready at " not in (said := (self.folder / "log").read_bytes()):
            assert self.process.poll() is None, said
            time.sleep(0.05)
        self.host = said.decode().split("ready at ")[1].split()[0]

    def call(self, method, path, body=None, token=None, **more):
        r = requests.request(method, self.host + path, json=body, headers={"Authorization": f"Bearer {token or self.token}", **more.pop("headers", {})}, **more)
        assert r.status_code < 300, f"{method} {path}: {r.status_code} {r.text[:300]}"
        return r.json() if r.headers.get("Content-Type", "").startswith("application/json") else r

    def rows(self, sql):
        with sqlite3.connect(f"file:{self.folder}/data/saccade.db?mode=ro", uri=True) as db:
            return db.execute(sql).fetchall()

    def one(self, sql):
        return self.rows(sql + " LIMIT 1")[0][0]


def runs(*lengths):
    """COCO's compressed run lengths, of at most three runs."""
    out = ""
    for n in lengths:
        more = True
        while more:
            c, n = n & 31, n >> 5
            more = n != (-1 if c & 16 else 0)
            out += chr(48 + (c | 32 if more else c))
    return out


def fill(o):
    org, lake, connector = o.rows("SELECT o.id, l.id, o.default_connector_id FROM organization o JOIN datalake l ON l.org = o.id")[0]
    o.call("POST", "/api/users", {"username": "second", "password": "a password of 20", "role": "viewer"})
    o.call("POST", "/api/tokens", {"name": "ends", "expires_at": "2030-01-01T00:00:00Z", "role": "viewer"})
    o.call("POST", "/api/session", {"username": "admin", "password": o.password})
    o.call("POST", f"/api/organization/{org}/datasources", {"name": "microscope"})
    o.call("POST", f"/api/datalake/{lake}/custom-metadata/keys/slide", {"input_type": "STRING"})
    data = [r[0] for r in o.rows("SELECT id FROM data ORDER BY id")]
    o.call("PATCH", f"/api/data/{data[0]}/custom-metadata", {"custom_metadata": {"slide": "A 7"}})
    # an upload that waits for its second part
    name = o.call("POST", f"/api/organization/{org}/connector/{connector}/generate_object_name", {"filename": "big.bin", "type": "DATA"})["object_name"]
    link = o.call("POST", f"/api/object-storage/{connector}/init_multipart_upload", {"object_name": name, "content_type": "image/png"})["url"]
    requests.put(link, data=bytes(262144), headers={"Content-Range": "bytes 0-262143/600000"})
    # a version with every shape
    dataset = o.one("SELECT id FROM dataset")
    version = o.call("POST", f"/api/dataset/{dataset}/versions", {"version": "all shapes", "type": "MULTI"})["id"]
    o.call("POST", f"/api/dataset/version/{version}/assets", {"data_ids": data[:2]})
    label = o.call("POST", f"/api/dataset/version/{version}/labels", {"name": "cell"})["id"]
    o.call("POST", f"/api/label/{label}/skeleton", {"vertices": ["head", "tail"], "edges": [[0, 1]]})
    o.call("POST", f"/api/label/{label}/attributes", {"attributes": {"colour": {"type": "string"}}})
    group = o.call("POST", f"/api/dataset/version/{version}/labelgroups", {"name": "blood"})["id"]
    o.call("PATCH", f"/api/label/{label}", {"group_id": group})
    tag = o.call("POST", f"/api/dataset/version/{version}/tags", {"name": "hard"})["id"]
    asset = o.one(f"SELECT id FROM asset WHERE dataset_version_id = '{version}'")
    o.call("POST", f"/api/tag/{tag}/attach", [asset])
    shape = {"label_id": label, "text": "seen twice", "attributes": {"colour": "red"}}
    o.call("PUT", f"/api/asset/{asset}/annotation", {
        "revision": 0, "status": "ACCEPTED", "duration": 3.5, "attributes": {"by": "hand"},
        "rectangles": [{**shape, "x": 1, "y": 2, "w": 30, "h": 40}], "polygons": [{**shape, "polygon": [[1, 1], [40, 1], [40, 30]]}],
        "lines": [{**shape, "line": [[1, 1], [9, 9]]}], "points": [{**shape, "point": [5, 6]}], "classifications": [shape],
        "keypoints": [{**shape, "keypoints": [[3, 4, 2], [9, 9, 1]]}], "masks": [{**shape, "mask": runs(5, 10, 640 * 480 - 15)}]})
    # an experiment with every kind of log, an evaluation, a saved console
    experiment = o.one("SELECT id FROM experiment ORDER BY id")
    picture = o.one("SELECT object_name FROM data ORDER BY id")
    for name, kind, what in (("picture", "IMAGE", {"object_name": picture, "name": "a.jpg"}), ("bars", "BAR", {"x": ["a"], "y": [1]}), ("table", "TABLE", {"a": 1})):
        o.call("POST", f"/api/experiment/{experiment}/logs", {"name": name, "type": kind, "data": what})
    valid = o.rows(f"SELECT a.id, l.id FROM experiment_dataset d JOIN asset a ON a.dataset_version_id = d.dataset_version_id JOIN label l"
                   f" ON l.dataset_version_id = a.dataset_version_id WHERE d.experiment_id = '{experiment}' LIMIT 1")[0]
    o.call("POST", f"/api/experiment/{experiment}/evaluations", {"evaluations": [
        {"asset_id": valid[0], "rectangles": [{"x": 1, "y": 1, "w": 9, "h": 9, "score": 0.5, "label_id": valid[1]}], "custom_metrics": {"iou": 0.5}}]})
    o.call("POST", f"/api/experiment/{experiment}/logging/save", {"object_name": picture})
    # a deployment with an alert and a prediction made elsewhere
    deployment, label = o.rows("SELECT d.id, l.name FROM deployment d JOIN deployment_label l ON l.deployment_id = d.id LIMIT 1")[0]
    o.call("POST", f"/api/deployment/{deployment}/alerts", {"metric": "latency", "operator": ">", "value": 2.0})
    jwt = o.call("POST", "/api/auth/login", {"api_token": o.token, "deployment_id": deployment})["jwt"]
    o.call("POST", f"/api/deployment/{deployment}/predictions", {
        "filename": "a.jpg", "content_type": "IMAGE/JPEG", "height": 1, "width": 1, "latency": 0.02, "image": PIXEL, "source": "elsewhere", "tags": ["mine"], "metadata": {"lens": "x40"}, "custom_metadata": {"slide": "B"},
        "raw_predictions": {"detection_classes": [0], "detection_texts": [label], "detection_boxes": [[0, 0, 1, 1]], "detection_scores": [0.9]}}, token=jwt)


def late(db):
    """What a running server clears away at once: a shadow's prediction that waits, a job that was taken when the power went."""
    db.execute("INSERT INTO shadow_todo SELECT id, (SELECT shadow_model_version_id FROM deployment) FROM predicted_asset LIMIT 1")
    db.execute("UPDATE job SET status = 'RUNNING', worker = 'gone', ended_at = NULL WHERE id = (SELECT max(id) FROM job)")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="saccade-fill-"))
    o = Old(folder)
    subprocess.run([BINARY, "demo", "--host", o.host, "--token", o.token, "--steps", "4", "--image-size", "64", "--count", "24"], check=True)
    fill(o)
    o.process.send_signal(signal.SIGTERM)
    o.process.wait()
    db = sqlite3.connect(folder / "data/saccade.db")
    db.execute("PRAGMA foreign_keys = ON")
    db.executescript(THIN)
    late(db)
    db.commit()
    empty = [t for (t,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() if not db.execute(f"SELECT 1 FROM {t}").fetchone()]
    assert not empty, f"no rows in {empty}"
    with open(OUT, "w") as f:
        f.writelines(line + "\n" for line in db.iterdump())
    print(folder)


main()
