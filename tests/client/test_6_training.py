"""Chapter 2.3 a: a training on this machine, its logs, its files, and stopping one."""
import json

import numpy as np
import onnxruntime
import pytest
from conftest import SIZE, STEPS, unique, wait
from PIL import Image


@pytest.fixture(scope="module")
def onnx(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")
    a = trained[0].get_artifact("model-latest")
    a.download(str(folder))
    return onnxruntime.InferenceSession(str(folder / a.filename), providers=["CPUExecutionProvider"])


def line(experiment, name):
    data = experiment.get_log(name).data
    return [float(x) for x in (data["values"] if isinstance(data, dict) else data)]


def test_the_loss_falls(trained):
    losses = [x.name for x in trained[0].list_logs() if "loss" in x.name.lower()]
    assert losses
    values = line(trained[0], "train/loss")
    assert len(values) >= 4 and min(values[-3:]) < 0.8 * max(values[:2]) and all(np.isfinite(values))


def test_the_logs_of_the_tour_are_there(trained, labels):
    e, names = trained[0], {x.name for x in trained[0].list_logs()}
    assert {"labelmap", "parameters"} <= names
    assert sorted(e.get_log("labelmap").data.values()) == labels
    assert e.get_log("parameters").data["steps"] == STEPS
    assert any("mAP50" in n for n in names) and any("learning" in n or n.endswith("lr") for n in names)


def test_it_has_learnt_something(trained):
    data = trained[0].get_log("eval/mAP50").data
    best = max(data["values"]) if isinstance(data, dict) and "values" in data else float(data["value"] if isinstance(data, dict) else data)
    assert best > 0.2, best


def test_a_diagnosis_and_the_most_suspicious_annotations_are_told(trained):
    diagnosis = trained[0].get_log("diagnosis").data
    assert diagnosis["rows"] and all(isinstance(text, str) and text.endswith(".") for text, in diagnosis["data"])
    doubts = trained[0].get_log("suspicious-annotations").data
    at = {name: i for i, name in enumerate(doubts["columns"])}
    assert len(doubts["data"]) <= 20
    scores = [row[at["score"]] for row in doubts["data"]]
    assert scores == sorted(scores, reverse=True) and all(0 <= s <= 1 for s in scores)
    assert all(row[at["asset"]] and row[at["version_id"]] and row[at["width"]] > 0 for row in doubts["data"])


def test_its_files(trained):
    assert {"model-latest", "checkpoint-data-latest", "config"} <= {a.name for a in trained[0].list_artifacts()}


def size_of(onnx):
    return json.loads(onnx.get_modelmeta().custom_metadata_map["imgsz"])


def test_the_onnx_file_tells_what_it_needs(onnx, labels):
    meta = onnx.get_modelmeta().custom_metadata_map
    names = json.loads(meta["names"])
    assert [names[str(k)] for k in range(len(names))] == labels
    assert size_of(onnx) == [128, SIZE]  # images of 640 × 480, in multiples of 32
    about = json.loads(meta["saccade"])
    assert about["input"]["resize"] == "letterbox" and about["output"]["boxes"] == "xyxy"
    assert [(i.name, i.shape) for i in onnx.get_inputs()] == [("images", [1, 3, *size_of(onnx)])]
    assert [o.name for o in onnx.get_outputs()] == ["boxes", "scores"]


def detect(onnx, path, threshold, labels):
    """The documented way from a file to boxes, with other tools than ours."""
    about = json.loads(onnx.get_modelmeta().custom_metadata_map["saccade"])
    image = Image.open(path).convert("RGB")
    height, width = size_of(onnx)
    r = min(width / image.width, height / image.height)
    small = image.resize((round(image.width * r), round(image.height * r)), Image.BILINEAR)
    x = np.full((height, width, 3), about["input"]["pad"], np.float32)
    x[:small.height, :small.width] = np.asarray(small, np.float32)
    x = (x * about["input"]["scale"] - np.array(about["input"]["mean"], np.float32)) / np.array(about["input"]["std"], np.float32)
    boxes, scores = onnx.run(None, {"images": x.transpose(2, 0, 1)[None].astype(np.float32)})
    out = []
    for k in range(scores.shape[2]):
        order = [i for i in np.argsort(-scores[0, :, k]) if scores[0, i, k] >= threshold]
        keep = []
        for i in order:
            if all(iou(boxes[0, i], boxes[0, j]) <= about["output"]["nms_iou"] for j in keep):
                keep.append(i)
        limit = np.array([image.width, image.height] * 2)
        out += [(labels[k], float(scores[0, i, k]), list(np.clip(boxes[0, i] * [width, height, width, height] / r, 0, limit))) for i in keep]
    return sorted(out, key=lambda d: -d[1])


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def test_served_predictions_are_those_of_the_file(server, onnx, deployment, annotated, labels):
    """Our decoder, letterbox, runtime and suppression against Pillow, numpy and onnxruntime in Python."""
    found = missed = 0
    for c in annotated[0]["test"][:6]:
        with open(c.path, "rb") as f:
            p = server.call("POST", f"/api/deployment/{deployment.id}/predict", files={"media": f})["predictions"]
        ours = [(labels[k], s, [b[1], b[0], b[3], b[2]]) for k, s, b in zip(p["detection_classes"], p["detection_scores"], p["detection_boxes"])]
        for name, score, box in detect(onnx, c.path, 0.4, labels):  # a margin over the deployment's 0.3
            match = [o for o in ours if o[0] == name and iou(o[2], box) > 0.85 and abs(o[1] - score) < 0.05]
            found, missed = found + bool(match), missed + (not match)
    assert found >= 6 and missed <= 0.06 * (found + missed), (found, missed)


def test_the_logged_map_is_that_of_pycocotools(trained, onnx, annotated, labels):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
    import contextlib
    import io
    from conftest import coco
    truth, found = COCO(), []
    truth.dataset = coco(annotated[0]["valid"], labels)
    for k, c in enumerate(annotated[0]["valid"]):
        for name, score, (x0, y0, x1, y1) in detect(onnx, c.path, 0.01, labels)[:300]:
            found.append({"image_id": k, "category_id": labels.index(name), "score": score, "bbox": [x0, y0, x1 - x0, y1 - y0]})
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        e = COCOeval(truth, truth.loadRes(found), "bbox")
        e.evaluate(), e.accumulate(), e.summarize()
    log = trained[0].get_log("eval/mAP50").data
    values = [float(v) for v in log["values"]] if isinstance(log, dict) and "values" in log else [float(log)]
    assert min(abs(v - e.stats[1]) for v in values[-1:] + [max(values)]) < 0.06, (values, e.stats[1])


def test_cancel_stops_it(server, client, project, annotated):
    base = client.get_public_model("yolox-nano").list_versions()[0]
    e = project.create_experiment(name=unique("cancelled"), base_model_version=base, parameters={"steps": 100000, "image_size": SIZE, "batch_size": 8})
    e.attach_dataset(name="train", dataset_version=annotated[1]["train"])
    e.launch()
    wait("the first steps", lambda: any(x.name == "train/loss" for x in logs_of(e)), 60)
    answer = server.call("POST", f"/api/experiment/{e.id}/cancel")
    assert answer["status"] == "CANCELED"
    wait("the job to end", lambda: not [j for j in server.call("GET", "/api/jobs", params={"limit": 100})["items"] if j["status"] in ("PENDING", "RUNNING") and j["kind"].startswith("train")], 60, 0.3)
    assert str(e.sync()["status"]) == "CANCELED"


def logs_of(e):
    from picsellia.exceptions import NoDataError
    try:
        return e.list_logs()
    except NoDataError:
        return []


def test_a_training_without_a_dataset_says_so(server, client, project):
    base = client.get_public_model("yolox-nano").list_versions()[0]
    e = project.create_experiment(name=unique("empty"), base_model_version=base, parameters={"steps": 10})
    server.refused("POST", f"/api/experiment/{e.id}/launch", (400, 409, 422), json={"gpus": 0})


def test_a_training_whose_data_cannot_be_meant_is_refused_at_once(server, client, project, annotated):
    base = client.get_public_model("yolox-nano").list_versions()[0]
    bare = client.create_dataset(unique("bare")).create_version("first")
    for alias, version, says in (("train", bare, "has no annotations"), ("test", annotated[1]["train"], 'learn from as "train"')):
        e = project.create_experiment(name=unique("meant"), base_model_version=base, parameters={"steps": 10})
        e.attach_dataset(name=alias, dataset_version=version)
        assert says in server.refused("POST", f"/api/experiment/{e.id}/launch", (422,), json={"gpus": 0})["message"]


@pytest.mark.parametrize("wrong", [{"steps": -1}, {"learning_rate": "fast"}, {"image_size": 33}, {"batch_size": 10**9}, {"lr_type": "magic"}])
def test_a_parameter_that_cannot_be_is_named(server, client, project, annotated, wrong):
    base = client.get_public_model("yolox-nano").list_versions()[0]
    body = {"name": unique("wrong"), "base_model_version_id": str(base.id), "parameters": {"steps": 10, **wrong}}
    import requests
    r = requests.post(f"{server.host}/api/project/{project.id}/experiments", headers={"Authorization": f"Bearer {server.token}"}, json=body)
    if r.status_code < 300:
        e = project.get_experiment(body["name"])
        e.attach_dataset(name="train", dataset_version=annotated[1]["train"])
        said = server.refused("POST", f"/api/experiment/{e.id}/launch", (400, 422), json={"gpus": 0})["message"]
    else:
        assert r.status_code in (400, 422), r.text
        said = r.json()["message"]
    assert next(iter(wrong)) in said


def test_who_uses_a_version_is_named_before_it_is_deleted(server, annotated, project, trained):
    users = {u["kind"]: u for u in server.call("GET", f"/api/dataset/version/{annotated[1]['test'].id}/users")["items"]}
    assert [i["name"] for i in users["project"]["items"]] == [project.name]
    assert "trained" in [i["name"] for i in users["experiment"]["items"]] and users["experiment"]["count"] >= 1
    of_all = {u["kind"] for u in server.call("GET", f"/api/dataset/{annotated[1]['test'].origin_id}/users")["items"]}
    assert {"project", "experiment"} <= of_all


def test_images_that_two_versions_share_are_counted(server, annotated):
    version = {name: v.id for name, v in annotated[1].items()}
    common = lambda a, b: server.call("GET", f"/api/dataset/version/{version[a]}/common", params={"with": str(version[b])})
    assert common("train", "test") == {"count": 0, "of": 36}
    assert common("test", "test") == {"count": 12, "of": 12}


def test_jobs_say_what_they_work_on(server, trained):
    jobs = server.call("GET", "/api/jobs", params={"limit": 1000})["items"]
    train = [j for j in jobs if j["kind"] == "train" and j["about_id"] == str(trained[0].id)]
    assert [j["about"] for j in train] == ["trained"]
