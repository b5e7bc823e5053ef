"""Whole images are labelled, learnt, served, reviewed and learnt again, by the published client; and a folder of folders is learnt from."""
import base64
import json
import random
import subprocess

import onnxruntime
import pytest
import requests
from conftest import SACCADE, unique, wait
from picsellia.types.enums import InferenceType, TagTarget
from PIL import Image, ImageDraw

KINDS = ["cross", "disc", "square"]
SIZE = 64


def draw(path, kind, chance):
    """One light thing on a dark ground; images of many shapes."""
    w, h = chance.randint(90, 160), chance.randint(90, 160)
    image = Image.new("RGB", (w, h), tuple(chance.randint(0, 90) for _ in range(3)))
    pen, s, colour = ImageDraw.Draw(image), chance.randint(25, 38), tuple(chance.randint(150, 255) for _ in range(3))
    x, y = chance.randint(s, w - s), chance.randint(s, h - s)
    if kind == "disc":
        pen.ellipse((x - s, y - s, x + s, y + s), fill=colour)
    elif kind == "square":
        pen.rectangle((x - s, y - s, x + s, y + s), fill=colour)
    else:
        pen.line((x - s, y - s, x + s, y + s), fill=colour, width=9)
        pen.line((x - s, y + s, x + s, y - s), fill=colour, width=9)
    image.save(path)
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """{kind: files}; twelve of each to learn from, four to ask about."""
    folder, chance = tmp_path_factory.mktemp("pictures"), random.Random(5)
    return {k: [draw(folder / f"{k}_{i}.png", k, chance) for i in range(16)] for k in KINDS}


@pytest.fixture(scope="module")
def version(client, lake, pictures):
    """Labelled by hand; one image is of two kinds, one of none; nobody has seen a "star"."""
    tag = lake.get_or_create_data_tag(unique("tag"))
    lake.upload_data(filepaths=[str(p) for k in KINDS for p in pictures[k][:12]], tags=[tag])
    v = client.create_dataset(name=unique("kinds")).create_version(version="first")
    v.add_data(lake.list_data(tags=[tag])).wait_for_done()
    v.set_type(InferenceType.CLASSIFICATION)
    labels = {k: v.get_or_create_label(name=k) for k in (*KINDS, "star")}
    for asset in v.list_assets():
        kind = asset.filename.split("_")[0]
        if asset.filename == "disc_0.png":
            continue
        asset.create_annotation(0.0).create_multiple_classifications(
            [labels["disc"], labels["cross"]] if asset.filename == "cross_0.png" else [labels[kind]])
    return v


def test_tags_become_classifications(client, lake, server, version, pictures):
    v = client.get_dataset_by_id(version.origin_id).create_version(version=unique("tagged"))
    names = [pictures["disc"][i].name for i in range(4)]
    v.add_data([d for d in lake.list_data() if d.filename in names]).wait_for_done()
    a, b = v.get_or_create_asset_tag(unique("good")), v.get_or_create_asset_tag(unique("bad"))
    assets = sorted(v.list_assets(), key=lambda x: x.filename)
    for asset, tags in zip(assets, ([a], [b], [a, b], [])):
        if tags:
            asset.add_tags(tags)
    body = {"tag_ids": [str(a.id), str(b.id)], "tag_type": "ASSET"}
    server.refused("POST", f"/api/dataset/version/{v.id}/tags/convert", 422, "not of type CLASSIFICATION", json=body)
    v.set_type(InferenceType.CLASSIFICATION)
    server.refused("POST", f"/api/dataset/version/{v.id}/tags/convert", 404, "tag_ids", json={**body, "tag_type": "DATA"})
    v.convert_tags_to_classification(TagTarget.ASSET, [a, b]).wait_for_done()
    assert [x.get_annotation().list_classifications()[0].label.name for x in assets[:2]] == [a.name, b.name]
    assert v.retrieve_stats().nb_objects == 2  # two tags say nothing, none neither
    v.convert_tags_to_classification(TagTarget.ASSET, [a, b]).wait_for_done()
    assert v.retrieve_stats().nb_objects == 2


def train(client, project, version, **parameters):
    base = client.get_public_model("efficientnet-lite0").list_versions()[0]
    e = project.create_experiment(name=unique("kinds"), base_model_version=base,
                                  parameters={"batch_size": 8, "image_size": SIZE, **parameters})
    e.attach_dataset(name="train", dataset_version=version)
    e.launch()
    wait("training", lambda: str(e.sync()["status"]) in ("SUCCESS", "FAILED"), 240, 0.5)
    return e


@pytest.fixture(scope="module")
def learnt(client, version):
    project = client.create_project(name=unique("kinds"))
    project.attach_dataset(version)
    e = train(client, project, version, steps=70)
    assert str(e.sync()["status"]) == "SUCCESS", e.get_log("parameters").data
    return project, e


@pytest.fixture(scope="module")
def served(learnt):
    return learnt[1].export_as_model(unique("kinds")).deploy(name=unique("kinds"), min_threshold=0.3)


def test_the_logs_of_a_classification(server, learnt):
    e = learnt[1]
    logs = {x.name: x for x in e.list_logs()}
    assert {"labelmap", "parameters", "metrics", "confusion", "train/loss", "eval/loss", "eval/accuracy", "F1 per label"} <= set(logs)
    assert e.get_log("parameters").data["annotation_type"] == "classification"
    table = e.get_log("metrics").data
    assert table["columns"] == ["images", "precision", "recall", "F1"] and table["rows"] == [*KINDS, "star", "all"]
    confusion = e.get_log("confusion").data
    assert confusion["categories"] == [*KINDS, "star"]
    assert [sum(row) for row in confusion["values"]] == [row[0] for row in table["data"][:4]]
    right = sum(confusion["values"][i][i] for i in range(4)) / table["data"][4][0]
    assert e.get_log("accuracy").data == pytest.approx(right) and right > 0.6


def test_what_cannot_be_learnt_from_is_said(server, learnt):
    said = json.dumps(server.call("GET", f"/api/experiment/{learnt[1].id}/logging?after=0"))
    assert 'skipped cross_0.png: it is both' in said
    assert "1 without a classification are not used, 1 with more than one label are not used" in said
    assert "star                 no image in the training images: it cannot be learnt" in said


def test_images_without_classifications_are_refused_with_a_reason(client, lake, learnt, version, server):
    bare = client.get_dataset_by_id(version.origin_id).create_version(version=unique("bare"))
    bare.add_data(lake.list_data(limit=3)).wait_for_done()
    bare.set_type(InferenceType.CLASSIFICATION)
    bare.get_or_create_label(name="disc")
    e = learnt[0].create_experiment(name=unique("bare"), base_model_version=client.get_public_model("efficientnet-lite0").list_versions()[0])
    e.attach_dataset(name="train", dataset_version=bare)
    assert "has no annotations" in server.refused("POST", f"/api/experiment/{e.id}/launch", (422,), json={"gpus": 0})["message"]


def test_evaluations_of_another_program_are_scored(learnt, version):
    labels = {x.name: x for x in version.list_labels()}
    for asset in version.list_assets():
        if asset.filename in ("square_1.png", "square_2.png", "disc_1.png"):
            learnt[1].add_evaluation(asset, classifications=[(labels["square"], 0.8), (labels["disc"], 0.1)])
    learnt[1].compute_evaluations_metrics(InferenceType.CLASSIFICATION).wait_for_done()
    result = learnt[1].get_log("evaluation").data
    assert result["images"] == 3 and result["accuracy"] == pytest.approx(2 / 3)
    by = {x["label"]: x for x in result["labels"]}
    assert by["square"]["recall"] == 1 and by["square"]["precision"] == pytest.approx(2 / 3) and by["disc"]["recall"] == 0


def test_the_file_says_how_to_use_it(learnt, tmp_path):
    a = learnt[1].get_artifact("model-latest")
    a.download(str(tmp_path))
    session = onnxruntime.InferenceSession(str(tmp_path / a.filename), providers=["CPUExecutionProvider"])
    meta = session.get_modelmeta().custom_metadata_map
    assert meta["task"] == "classify" and list(json.loads(meta["names"]).values()) == [*KINDS, "star"]
    assert json.loads(meta["saccade"])["input"]["resize"] == "stretch"
    assert [(o.name, o.shape) for o in session.get_outputs()] == [("scores", [1, 4])]


def test_predictions_name_the_kind_and_are_kept(server, served, pictures):
    right = 0
    for kind in KINDS:
        for path in pictures[kind][12:]:
            a = served.predict(str(path))
            p = a["predictions"]
            assert set(p) == {"detection_classes", "detection_scores"} and len(p["detection_classes"]) == len(p["detection_scores"]) <= 1
            if p["detection_classes"] and a["labels"][str(p["detection_classes"][0])] == kind:
                right += 1
                shape = server.call("GET", f"/api/predicted/asset/{a['predicted_asset_id']}")["predictions"][0]["classifications"][0]
                assert shape["label"]["name"] == kind and shape["score"] == pytest.approx(p["detection_scores"][0], abs=1e-5)
    assert right >= 9, right
    with open(pictures["disc"][13], "rb") as f:
        r = requests.post(f"{server.host}/api/deployment/{served.id}/predict", headers={"Authorization": f"Bearer {server.token}"}, files={"media": f})
    assert r.status_code == 200 and len(r.json()["predictions"]["detection_scores"]) <= 1


def test_a_review_counts_and_goes_back_into_the_dataset(server, client, learnt, served, version):
    feedback = client.get_dataset_by_id(version.origin_id).create_version(version=unique("feedback"))
    feedback.set_type(InferenceType.CLASSIFICATION)
    served.setup_feedback_loop()
    served.attach_dataset_version_to_feedback_loop(feedback)
    served.toggle_feedback_loop(True)
    served.setup_continuous_training(learnt[0], trigger="feedback_loop", threshold=4,
                                     experiment_parameters={"steps": 2, "batch_size": 4, "image_size": SIZE})
    served.attach_dataset_version_to_continuous_training("train", feedback)
    served.toggle_continuous_training(True)
    labels = {x.name: x for x in served.list_labels()}
    asked = {a.filename: a for a in served.list_predicted_assets()}
    for kind in KINDS:
        asked[f"{kind}_12.png"].add_review(classifications=[labels[kind]])
    asked["disc_14.png"].add_review(classifications=[labels["star"]])  # which it cannot have said
    stats = server.call("GET", f"/api/deployment/{served.id}/stats", params={"service": "classification"})["result"]["champion"]
    assert stats["images"] == 4 and stats["accuracy"] <= 0.75 and [x["truths"] for x in stats["labels"]] == [1, 1, 1, 1]
    assert stats["labels"][3]["recall"] == 0
    one = server.call("GET", f"/api/deployment/{served.id}/predictions/stats", params={"service": "classification"})["items"]
    assert sorted(x["stats"]["accuracy"] for x in one)[0] == 0
    board = server.call("GET", f"/api/deployment/{served.id}/dashboard")
    assert board["reviews"]["champion"]["accuracy"] == stats["accuracy"]
    low, high = board["reviews"]["champion"]["accuracy_interval"]
    assert low <= stats["accuracy"] <= high and low < high
    matrix = server.call("GET", f"/api/deployment/{served.id}/confusion")["matrix"]
    assert matrix["images"] == 4 == sum(map(sum, matrix["counts"])) and sum(matrix["counts"][i][i] for i in range(len(matrix["labels"]))) == round(4 * stats["accuracy"])
    wrong = server.call("GET", f"/api/deployment/{served.id}/confusion/assets", params={"truth": matrix["labels"][3]["id"], **{"said": m["id"] for m, c in zip(matrix["labels"], matrix["counts"][3]) if c}})
    assert [a["data"]["filename"] for a in wrong["items"]] == ["disc_14.png"]
    assert server.call("POST", f"/api/deployment/{served.id}/feedback-loop/submit", json={"q": 'source != "x"'})["count"] == 4
    assert {a.filename: [c.label.name for c in a.get_annotation().list_classifications()] for a in feedback.list_assets()} == {
        "cross_12.png": ["cross"], "disc_12.png": ["disc"], "square_12.png": ["square"], "disc_14.png": ["star"]}
    model = client.get_model_by_id(served.get_model_version().origin_id)
    wait("the next version", lambda: len(model.list_versions()) == 2, 120, 0.5)
    assert model.get_version(1).type == InferenceType.CLASSIFICATION and list(model.get_version(1).labels.values()) == [*KINDS, "star"]


def test_the_shadow_of_a_classifier_stands_beside_it_by_accuracy(server, client, served, pictures):
    versions = client.get_model_by_id(served.get_model_version().origin_id).list_versions()
    d = versions[0].deploy(name=unique("beside"), min_threshold=0.3)
    server.call("POST", f"/api/deployment/{d.id}/shadow", json={"model_version_id": str(versions[1].id)})
    jwt = server.call("POST", "/api/auth/login", json={"api_token": server.token, "deployment_id": str(d.id)})["jwt"]
    labels = {l.name: (i, l) for i, l in enumerate(d.list_labels())}
    says = lambda kind: {"detection_classes": [labels[kind][0]], "detection_texts": [kind], "detection_scores": [0.9]}
    for i, kind in enumerate(KINDS[:2] * 4): # the champion says disc always, the shadow is right
        path = pictures[kind][i]
        size = Image.open(path).size
        server.call("POST", f"/api/deployment/{d.id}/predictions", status=201, token=jwt,
                    json={"filename": path.name, "content_type": "IMAGE/PNG", "height": size[1], "width": size[0], "latency": 0.02, "raw_predictions": says(KINDS[0]),
                          "shadow_raw_predictions": says(kind), "shadow_latency": 0.01, "image": base64.b64encode(path.read_bytes()).decode()})
    for a in d.list_predicted_assets():
        a.add_review(classifications=[labels[a.filename.split("_")[0]][1]])
    b = server.call("GET", f"/api/deployment/{d.id}/dashboard")["reviews"]["beside"]
    assert (b["images"], b["metric"], b["champion"], b["shadow"]) == (8, "accuracy", 0.5, 1) and b["better"] > 0.98
    assert 0 < b["difference"][0] < 0.5 < b["difference"][1] <= 1


def test_a_file_of_a_classifier_is_not_served_as_a_detector(client, learnt, pictures, tmp_path):
    a = learnt[1].get_artifact("model-latest")
    a.download(str(tmp_path))
    v = client.create_model(name=unique("odd")).create_version(labels={str(k): n for k, n in enumerate(KINDS)}, type=InferenceType.OBJECT_DETECTION)
    v.store("model-latest", str(tmp_path / a.filename))
    with pytest.raises(Exception, match="labels whole images, but its version is not of type CLASSIFICATION"):
        v.deploy(name=unique("odd"), min_threshold=0.1).predict(str(pictures["disc"][1]))


def test_a_folder_with_a_folder_for_each_label_is_learnt_from(pictures, tmp_path):
    for kind in KINDS:
        (tmp_path / "in" / kind).mkdir(parents=True)
        for p in pictures[kind][:6]:
            (tmp_path / "in" / kind / p.name).write_bytes(p.read_bytes())
    command = [SACCADE, "train", "--images", tmp_path / "in", "--model", "efficientnet-lite0", "--threads", "1", "--out", tmp_path / "out",
               "--set", f"steps=2 batch_size=4 image_size={SIZE}"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert "15 training and 3 evaluation images" in run.stdout and "cross                5 images" in run.stdout
    assert (tmp_path / "out" / "model.onnx").exists()
    for kind in KINDS[:2]:  # already divided
        (tmp_path / "two" / "val" / kind).mkdir(parents=True)
        (tmp_path / "two" / "val" / kind / "a.png").write_bytes(pictures[kind][7].read_bytes())
    (tmp_path / "in").rename(tmp_path / "two" / "train")
    run = subprocess.run([*command[:3], tmp_path / "two", *command[4:-3], tmp_path / "out2", *command[-2:]], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0 and "18 training and 2 evaluation images" in run.stdout, run.stdout + run.stderr
    (tmp_path / "two" / "val" / "moon").mkdir()
    run = subprocess.run([*command[:3], tmp_path / "two", *command[4:]], capture_output=True, text=True, timeout=60)
    assert run.returncode != 0 and "val/moon: " in run.stderr
    run = subprocess.run([*command[:3], tmp_path / "two" / "train" / "disc", *command[4:]], capture_output=True, text=True, timeout=60)
    assert run.returncode != 0 and "has 0 folders; 2 to 1000 are needed, one for each label" in run.stderr
