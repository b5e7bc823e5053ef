"""A model that was trained elsewhere, through the loop: threshold, shadow, champion, figures, drift, review, feedback, lineage; and a network of ours
that learns its labels in its place."""
import pytest
from conftest import feeds_back, unique, wait
from picsellia.types.enums import Framework, InferenceType
from test_9_models_of_others import ULTRA, centred, rows, says, turned

BOXES = ([16, 16, 40, 40], [20, 24, 44, 48])  # of the input of 64, which is all of a square picture


def file(box, score=0.8):
    row = [*centred(box), score, 0, 0]
    return says({"output0": ([turned(rows(7, row))], "float32")}, metadata={**ULTRA, "names": "{0: 'a', 1: 'b', 2: 'c'}"})


@pytest.fixture(scope="module")
def brought(client, labels, tmp_path_factory):
    """Two versions of one model, which always say one thing."""
    model = client.create_model(name=unique("brought"))
    made = []
    for box in BOXES:
        path = tmp_path_factory.mktemp("brought") / "elsewhere.onnx"
        path.write_bytes(file(box))
        v = model.create_version(labels={str(i): n for i, n in enumerate(labels)}, framework=Framework.ONNX, type=InferenceType.OBJECT_DETECTION)
        v.store("model-latest", str(path))
        made.append(v)
    return made


@pytest.fixture(scope="module")
def loop(client, server, brought, project, annotated, labels):
    d = brought[0].deploy(name=unique("brought"), min_threshold=0.3)
    feedback = feeds_back(client, d, annotated[1]["train"], labels)
    d.set_training_data(annotated[1]["train"])
    return d, feedback


def ask(server, loop, path, method="GET", **more):
    return server.call(method, f"/api/deployment/{loop[0].id}{path}", **more)


def test_threshold_shadow_and_champion_are_those_of_any_model(server, loop, brought, annotated, labels):
    d, _ = loop
    for c in annotated[0]["test"][:4]:
        assert d.predict(str(c.path))["predictions"]["detection_scores"] == [0.8]
    ask(server, loop, "", "PATCH", json={"min_threshold": 0.9})
    assert d.predict(str(annotated[0]["test"][4].path))["predictions"]["detection_scores"] == []
    ask(server, loop, "", "PATCH", json={"min_threshold": 0.3})
    ask(server, loop, "/shadow", "POST", json={"model_version_id": str(brought[1].id)})
    shown = d.predict(str(annotated[0]["test"][5].path))["predicted_asset_id"]
    both = wait("the shadow's prediction", lambda: (p := server.call("GET", f"/api/predicted/asset/{shown}")["predictions"]) and len(p) == 2 and p, 30)
    assert sorted(p["is_shadow"] for p in both) == [False, True]
    ask(server, loop, "/model", "POST", json={"model_version_id": str(brought[1].id)})
    assert d.predict(str(annotated[0]["test"][6].path))["model_version_id"] == str(brought[1].id)
    ask(server, loop, "/model", "POST", json={"model_version_id": str(brought[0].id)})


def test_its_predictions_have_all_figures(server, loop, labels):
    stats = ask(server, loop, "/dashboard")
    assert stats["predictions"] >= 6 and stats["latency_summary"]["median"] > 0 and stats["latency"]
    said = {x["label"]: x for x in stats["labels"]}
    assert said[labels[0]]["champion"] >= 5 and said[labels[0]]["training"] > 0, "beside those of the training data"
    heat = ask(server, loop, "/heatmap")
    assert heat["shapes"] >= 5 and max(heat["values"]) == heat["shapes"]
    drift = wait("the training images", lambda: (x := ask(server, loop, "/drift"))["training"]["measured"] == 36 and x["waits_for"] and "predictions" in x["waits_for"] and x, 60)
    assert drift["state"] == "WAITING", "figures of the images are compared, whatever made the predictions"
    wait("a fit to the training images, not to the network", lambda: ask(server, loop, "/outliers")["state"] in ("WORKING", "READY"), 60)
    wait("that this network has no features to give is said", lambda: (x := ask(server, loop, "/embedding"))["state"] != "READY" and x["waits_for"], 60)


def test_a_base_must_be_a_network_that_is_trained_here_and_does_the_same(server, client, loop, brought, project):
    of = lambda name: str(client.get_public_model(name).list_versions()[0].id)
    sent = {"project_id": str(project.id), "trigger": "FEEDBACK_LOOP", "threshold": 3}
    path = f"/api/deployment/{loop[0].id}/pipeline/ct"
    server.refused("POST", path, 422, "not made here", json={**sent, "base_model_version_id": str(brought[1].id)})
    server.refused("POST", path, 422, "of type CLASSIFICATION", json={**sent, "base_model_version_id": of("resnet18")})
    ask(server, loop, "/pipeline/ct", "POST", json={**sent, "base_model_version_id": of("yolox-tiny")})
    assert ask(server, loop, "/pipelines")["ct"]["base"]["origin"]["name"] == "yolox-tiny"
    ask(server, loop, "/pipeline/ct", "POST", json={**sent, "experiment_parameters": {"steps": 20, "batch_size": 8, "image_size": 96}})
    assert ask(server, loop, "/pipelines")["ct"]["base"]["origin"]["name"] == "yolox-nano", "the hub's first, unless one is chosen"


def test_what_was_reviewed_trains_a_network_of_ours_which_is_the_next_version(server, client, loop, brought, annotated, project):
    d, feedback = loop
    for alias, v in (("train", annotated[1]["train"]), ("eval", annotated[1]["valid"]), ("feedback", feedback)):
        d.attach_dataset_version_to_continuous_training(alias, v)
    d.toggle_continuous_training(True)
    by_name = {x.name: x for x in d.list_labels()}
    ids = []
    for c in annotated[0]["test"][:3]:
        (a,) = [x for x in d.list_predicted_assets() if x.filename == c.name]
        a.add_review(rectangles=[(x0, y0, x1 - x0, y1 - y0, by_name[n]) for n, x0, y0, x1, y1 in c.boxes])
        ids.append(str(a.id))
    assert ask(server, loop, "/feedback-loop/submit", "POST", json={"ids": ids})["count"] == 3
    model = client.get_model_by_id(brought[0].origin_id)
    wait("the next version", lambda: len(model.list_versions()) == 3, 180, 0.5)
    new = server.call("GET", f"/api/model/version/{model.get_version(2).id}")
    assert new["architecture"] == "yolox-nano" and new["type"] == "OBJECT_DETECTION"
    run = ask(server, loop, "/pipelines")["ct"]["runs"][0]
    assert "was brought along and cannot be trained here: it is a network of ours that learns the same labels" in run["says"]
    (decision,) = ask(server, loop, "/decisions", params={"q": 'kind = "TRAINING"'})["items"]
    assert f"began from yolox-nano / 0: {run['says']}" in decision["says"]
    assert set(new["labels"].values()) == set(server.call("GET", f"/api/model/version/{brought[0].id}")["labels"].values()), "its labels are carried over"
    assert {x["name"] for x in new["context"]["datas"]} == {"train", "eval", "feedback"}
