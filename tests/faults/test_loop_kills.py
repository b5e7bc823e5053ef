"""kill -9 at random moments of the loop: predictions, reviews, feedback, continuous training, the test of its model, shadow, gate, promotion, rollback.
What was acknowledged is there once, the figures agree, fsck finds nothing, and the loop goes on. SACCADE_KILLS says how often (5 by itself)."""
import base64
import io
import json
import os
import random
import subprocess
import time
import uuid
from collections import Counter
from threading import Thread

import pytest
import requests
from conftest import SACCADE, Server, coco, draw, wait
from PIL import Image
from picsellia import Client
from picsellia.types.enums import InferenceType
from test_kill import kill, processes, restart

KILLS = int(os.environ.get("SACCADE_KILLS", "5"))
SEED = int(os.environ.get("SACCADE_SEED", random.randrange(1 << 30)))
BOXES = [[20, 20, 60, 60], [20, 90, 60, 130], [90, 20, 130, 60]]  # y0, x0, y1, x1: what is there
TINY = {"steps": 3, "batch_size": 4, "image_size": 96, "learning_rate": 0.001}


class Loop:
    """A server with a deployment whose loop is closed, and what it has acknowledged."""

    def __init__(self, folder):
        self.random = random.Random(SEED)
        self.s = Server(folder)
        self.cells = draw(folder / "drawn", 14, 8)
        self.labels = sorted({b[0] for c in self.cells for b in c.boxes})
        self.seen, self.reviewed, self.fed = {}, set(), set()  # id: hash of the bytes
        self.tried = self.killed = 0
        self.set_up(Client(api_token=self.s.token, organization_name="default", host=self.s.host), folder)

    def version(self, client, name, cells, folder):
        """An annotated version."""
        v = self.dataset.create_version(version=name)
        v.set_type(InferenceType.OBJECT_DETECTION)
        if cells:
            lake = client.get_datalake()
            v.add_data(lake.upload_data(filepaths=[str(c.path) for c in cells])).wait_for_done()
            for label in self.labels:
                v.get_or_create_label(name=label)
            (folder / "a.json").write_text(json.dumps(coco(cells, self.labels)))
            v.import_annotations_coco_file(str(folder / "a.json"))
        return v

    def set_up(self, client, folder):
        self.dataset = client.create_dataset(name="killed")
        train, test = (self.version(client, n, c, folder) for n, c in (("train", self.cells[:8]), ("test", self.cells[8:])))
        self.feedback = str(self.version(client, "feedback", [], folder).id)
        self.project = client.create_project(name="killed")
        e = self.project.create_experiment(name="first", base_model_version=client.get_public_model("yolox-nano").list_versions()[0], parameters=TINY)
        for alias, v in (("train", train), ("test", test)):
            e.attach_dataset(name=alias, dataset_version=v)
        e.launch()
        wait("the first training", lambda: str(e.sync()["status"]) == "SUCCESS", 120)
        first = e.export_as_model("killed")
        self.model, self.d = str(first.origin_id), str(first.deploy(name="killed", min_threshold=0.2).id)
        for path, body in (("pipeline/fl/setup", {}), ("fl/datasets", {"dataset_version_id": self.feedback}),
                           ("pipeline/ct", {"project_id": str(self.project.id), "training_type": "EXPERIMENT", "trigger": "FEEDBACK_LOOP", "threshold": 4, "experiment_parameters": TINY}),
                           ("ct/datasets", {"dataset_version_id": str(train.id), "name": "train"}), ("pipeline/cd", {"policy": "DEPLOY_SHADOW", "confidence": 0.999})):
            self.s.call("POST", f"/api/deployment/{self.d}/{path}", json=body)
        self.s.call("PUT", f"/api/deployment/{self.d}/pipeline/fl", json={"active": True})
        self.s.call("PATCH", f"/api/deployment/{self.d}/gate", json={"promotes": True, "rolls_back": True, "reviews": 10, "confidence": 0.6})
        self.names = self.s.call("GET", f"/api/deployment/{self.d}/labels")["items"]

    def ask(self, method, path, **more):
        """The answer, or None where a kill came between."""
        try:
            return self.s.call(method, path, **more)
        except requests.exceptions.RequestException:
            return None
        except AssertionError as e:  # refused: by a process that was killed under it, or what it asks for is not so any more
            assert any(f": {code} " in str(e) for code in (409, 422, 500, 503)), e
            return None

    # ---- what is done

    def predicting(self):
        cell, mark = self.random.choice(self.cells), uuid.uuid4().bytes
        a = self.ask("POST", f"/api/deployment/{self.d}/predict", files={"media": ("p.jpg", cell.path.read_bytes() + mark)})
        self.tried += 1
        if a:
            self.seen[a["predicted_asset_id"]] = [{"x": x0, "y": y0, "w": x1 - x0, "h": y1 - y0, "label": n} for n, x0, y0, x1, y1 in cell.boxes]

    def telling(self, champion, shadow):
        """A prediction made elsewhere: so many of the three boxes each model has found."""
        image = io.BytesIO()
        Image.frombytes("RGB", (160, 160), self.random.randbytes(30) * 2560).save(image, "PNG")
        raw = lambda k: {"detection_classes": [0] * k, "detection_texts": ["x"] * k, "detection_scores": [0.9] * k, "detection_boxes": BOXES[:k]}
        has_shadow = self.s.rows("SELECT shadow_model_version_id FROM deployment")[0][0]
        more = {"shadow_raw_predictions": raw(shadow), "shadow_latency": 0.01} if has_shadow else {}
        self.tried += 1
        a = self.ask("POST", f"/api/deployment/{self.d}/predictions",
                     json={"filename": "t.png", "content_type": "IMAGE/PNG", "height": 160, "width": 160, "latency": 0.01, "raw_predictions": raw(champion),
                           "image": base64.b64encode(image.getvalue()).decode(), **more})
        if a:
            self.seen[a["id"]] = [{"x": x0, "y": y0, "w": x1 - x0, "h": y1 - y0, "label": self.names[0]["name"]} for y0, x0, y1, x1 in BOXES]

    def reviewing(self):
        ids = {n["name"]: n["id"] for n in self.names}
        for i in [i for i in self.seen if i not in self.reviewed][:4]:
            boxes = [{**{k: b[k] for k in "xywh"}, "label_id": ids[b["label"]]} for b in self.seen[i] if b["label"] in ids]
            if self.ask("POST", f"/api/predicted/asset/{i}/reviews", json={"rectangles": boxes}):
                self.reviewed.add(i)

    def feeding(self):
        ids = [i for i in self.reviewed if i not in self.fed][:3]
        answer = ids and self.ask("POST", f"/api/deployment/{self.d}/feedback-loop/submit", json={"ids": ids})
        if answer:
            assert answer["count"] == len(ids), answer
            self.fed.update(ids)

    def settle(self):
        """What a kill left unknown is asked for: acknowledged or not, it is there whole or not at all."""
        for i, status in self.s.rows("SELECT id, status FROM predicted_asset"):
            if i in self.seen and status != "TO_REVIEW":
                self.reviewed.add(i)
            if i in self.seen and status == "SUBMITTED":
                self.fed.add(i)

    def turn(self):
        better = self.random.random() < 0.7
        acts = [self.predicting, self.reviewing, lambda: self.telling(1, 3) if better else self.telling(3, 0), self.reviewing, self.feeding, lambda: self.telling(0, 1), self.reviewing]
        for act in acts:
            act()
        self.settle()

    # ---- what is killed

    def strike(self):
        time.sleep(self.random.uniform(0, 0.5) ** 1.3)
        what = self.random.choice(["serve", "worker", "worker", "train", "train", "infer", "infer"])
        pids = processes(self.s).get(what, [])
        if what == "serve" or not pids:
            restart(self.s)
        else:
            kill(self.random.choice(pids))
        self.killed += 1

    def struck(self):
        blow = Thread(target=self.strike)
        blow.start()
        self.turn()
        blow.join()

    # ---- what must be so

    def quiet(self):
        open_ = ("SELECT 1 FROM job WHERE status IN ('PENDING', 'RUNNING') UNION ALL SELECT 1 FROM shadow_todo UNION ALL"
                 " SELECT 1 FROM retraining WHERE state IN ('RUNNING', 'TESTING')")
        wait("the loop to come to rest", lambda: not self.s.rows(open_), 120)

    def check(self):
        self.quiet()
        self.acknowledged_is_there()
        self.trainings_are_whole()
        assert not self.s.rows("SELECT kind, error FROM job WHERE status = 'FAILED' AND error NOT LIKE '%killed%' AND error <> 'the worker died each time'")

    def acknowledged_is_there(self):
        s = self.s
        there = {i: (status, n) for i, status, n in s.rows("SELECT a.id, a.status, (SELECT count(*) FROM prediction p WHERE p.predicted_asset_id = a.id AND p.is_shadow = 0) FROM predicted_asset a")}
        assert set(self.seen) <= set(there) and len(there) <= self.tried, (len(self.seen), len(there), self.tried)
        assert all(n == 1 for _, n in there.values()), "a prediction without its champion's answer"
        assert not s.rows("SELECT hash, count(*) FROM predicted_asset a JOIN data d ON d.id = a.data_id GROUP BY hash HAVING count(*) > 1"), "one image twice"
        assert all(there[i][0] != "TO_REVIEW" for i in self.reviewed) and all(there[i][0] == "SUBMITTED" for i in self.fed)
        reviewed = {i for i, (status, _) in there.items() if status != "TO_REVIEW"}
        assert Counter(i for (i,) in s.rows("SELECT predicted_asset_id FROM review")) == Counter(reviewed)
        fed = s.rows("SELECT a.id, (SELECT count(*) FROM asset x WHERE x.data_id = a.data_id AND x.dataset_version_id = ?), (SELECT count(*) FROM asset x JOIN shape h ON h.asset_id = x.id"
                     " WHERE x.data_id = a.data_id AND x.dataset_version_id = ?), (SELECT count(*) FROM review r JOIN review_shape h ON h.review_id = r.id WHERE r.predicted_asset_id = a.id)"
                     " FROM predicted_asset a WHERE a.status = 'SUBMITTED'", self.feedback, self.feedback)
        assert all(assets == 1 and shapes == said for _, assets, shapes, said in fed), fed
        assert s.rows("SELECT n_assets FROM dataset_version WHERE id = ?", self.feedback) == [(len(fed),)]

    def trainings_are_whole(self):
        s = self.s
        trainings = s.rows("SELECT t.state, t.error, t.nb_images, (SELECT count(*) FROM predicted_asset a WHERE a.retraining_id = t.id), t.model_version_id,"
                           " (SELECT count(*) FROM decision x WHERE x.model_version_id = t.model_version_id AND x.kind IN ('PASSED', 'REFUSED')) FROM retraining t")
        for state, error, images, its, version, decided in trainings:
            assert (state == "DONE" and images == its and version and decided == 1) or (state == "FAILED" and ("killed" in error or "FAILED" in error) and not its), (state, error, images, its, version, decided)
        done = sum(t[0] == "DONE" for t in trainings)
        assert s.rows("SELECT count(*), max(version) FROM model_version WHERE model_id = ?", self.model) == [(done + 1, done)]
        assert s.rows("SELECT count(*) FROM experiment WHERE project_id = ?", str(self.project.id)) == [(len(trainings) + 1,)]
        assert s.rows("SELECT count(*) FROM decision WHERE kind = 'TRAINING'") == [(len(trainings),)]
        assert not s.rows("SELECT 1 FROM predicted_asset WHERE retraining_id IS NOT NULL AND status <> 'SUBMITTED'")

    def went(self):
        return dict(self.s.rows("SELECT kind, count(*) FROM decision GROUP BY kind ORDER BY kind"))


@pytest.fixture(scope="module")
def loop(tmp_path_factory):
    w = Loop(tmp_path_factory.mktemp("loop"))
    yield w
    w.quiet()
    assert w.s.stop() == 0
    done = subprocess.run([SACCADE, "fsck", "--data", str(w.s.folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_loop_survives_kills_at_random_moments(loop):
    print(f"SACCADE_SEED={SEED}")
    began = time.time()
    for n in range(KILLS):
        try:
            loop.struck()
            if n % 25 == 24 or n == KILLS - 1:
                loop.check()
        except AssertionError as e:
            raise AssertionError(f"kill {n} (seed {SEED}): {e}") from e
    print(f"{loop.killed} kills in {time.time() - began:.0f} s: {loop.tried} predictions tried, {len(loop.seen)} acknowledged, {len(loop.reviewed)} reviewed, {len(loop.fed)} fed; {loop.went()}")


def test_the_loop_goes_on_after_them(loop):
    before = loop.went().get("TRAINING", 0)
    for _ in range(3):
        loop.turn()
    wait("a training", lambda: loop.went().get("TRAINING", 0) > before, 60)
    loop.check()
