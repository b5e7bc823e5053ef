"""What no chapter needs and the API offers all the same: each done once, and what comes of it looked at."""
import pytest
from conftest import unique, wait


def rle(counts):
    """Run lengths as COCO writes them in text."""
    text = ""
    for i, x in enumerate(counts):
        x -= counts[i - 2] if i > 2 else 0
        more = True
        while more:
            c, x = x & 0x1F, x >> 5
            more = x != (-1 if c & 0x10 else 0)
            text += chr((c | 0x20 if more else c) + 48)
    return text


@pytest.fixture(scope="module")
def drawn(server, make_version, cells, labels):
    """A version of three images, the first one and its annotation."""
    v = make_version(cells[:3], labels)
    asset = v.list_assets()[0]
    return v, asset, asset.create_annotation(duration=1), [str(l.id) for l in v.list_labels()]


SHAPES = {
    "polygons": {"polygon": [[1, 1], [9, 1], [9, 9]]},
    "lines": {"line": [[1, 1], [5, 7], [9, 9]]},
    "points": {"point": [3, 4]},
    "keypoints": {"keypoints": [[1, 1, 2], [5, 7, 2]]},
    "masks": {"mask": rle([5, 10, 640 * 480 - 15])},
}


@pytest.mark.parametrize("kind", SHAPES)
def test_many_shapes_of_a_kind_come_at_once(server, drawn, kind):
    _, _, annotation, labels = drawn
    server.call("POST", f"/api/annotation/{annotation.id}/bulk-{kind}", json={kind: [{**SHAPES[kind], "label_id": labels[0]}] * 2})
    kept = server.call("GET", f"/api/annotation/{annotation.id}/{kind}")["items"]
    member = next(iter(SHAPES[kind]))
    assert [(k["label"]["id"], k[member]) for k in kept] == [(labels[0], SHAPES[kind][member])] * 2


def test_a_skeleton_is_told(server, drawn):
    label = drawn[3][0]
    server.refused("GET", f"/api/label/{label}/skeleton", 404, "skeleton")
    server.call("POST", f"/api/label/{label}/skeleton", json={"vertices": ["head", "tail"], "edges": [[1, 2]]})
    assert server.call("GET", f"/api/label/{label}/skeleton") == {"vertices": ["head", "tail"], "edges": [[1, 2]]}


def test_tags_are_counted_and_found(server, drawn):
    v, asset, _, _ = drawn
    tag = v.get_or_create_asset_tag(unique("seen"))
    asset.add_tags([tag])
    counted = server.call("GET", f"/api/dataset/version/{v.id}/analytics/tags", params={"tag_type": "ASSET"})
    assert tag.name in str(counted) and "1" in str(counted)
    org = server.rows("SELECT id FROM organization")[0][0]
    name = unique("model tag")
    made = server.call("POST", f"/api/organization/{org}/tags", json={"name": name, "target_type": "MODEL"})
    assert server.call("GET", f"/api/organization/{org}/tags/find", params={"name": name, "target_type": "MODEL"})["id"] == made["id"]


def test_assets_are_copied_and_versions_forked_with_what_is_asked_for(server, client, drawn):
    v, asset, annotation, _ = drawn
    other = client.get_dataset_by_id(v.origin_id).create_version(version=unique("copy"))
    server.call("POST", f"/api/dataset/version/{v.id}/assets/copy", json={"destination_id": str(other.id), "asset_ids": [str(asset.id)], "wait": True})
    assert [a.filename for a in other.list_assets()] == [asset.filename]
    made = server.call("POST", f"/api/dataset/{v.origin_id}/fork", json={"parent_id": str(v.id), "version": unique("fork"), "with_labels": True, "with_annotations": True, "wait": True})
    fork = made.get("dataset_version", made)["id"]
    wait("the fork", lambda: server.rows("SELECT 1 FROM job WHERE about_id = ? AND status = 'RUNNING'", fork) == [])
    assert server.call("GET", f"/api/dataset/version/{fork}")["nb_assets"] == 3
    assert server.rows("SELECT count(*) FROM shape s JOIN asset a ON a.id = s.asset_id WHERE a.dataset_version_id = ?", fork) == [(10,)]


def test_experiments_are_found_by_id_based_on_others_and_tell_of_their_own_job(server, project, drawn):
    org = server.rows("SELECT id FROM organization")[0][0]
    first, second = project.create_experiment(name=unique("first")), project.create_experiment(name=unique("second"))
    assert server.call("GET", f"/api/organization/{org}/experiments/find", params={"id": str(first.id)})["name"] == first.name
    server.call("POST", f"/api/experiment/{second.id}/experiment", json={"base_experiment_id": str(first.id)})
    assert server.call("GET", f"/api/experiment/{second.id}")["base_experiment_id"] == str(first.id)
    server.call("PATCH", f"/api/experiment/{first.id}/job/status", json={"status": "RUNNING"})
    assert str(first.sync()["status"]) == "RUNNING"


def test_a_console_file_is_replaced(server, project, tmp_path):
    e = project.create_experiment(name=unique("console"))
    (tmp_path / "a.txt").write_text("one")
    e.store_logging_file(str(tmp_path / "a.txt"))
    kept = server.rows("SELECT id, object_name FROM logging_file WHERE experiment_id = ?", str(e.id))
    (tmp_path / "b.txt").write_text("two")
    artifact = e.store("b", str(tmp_path / "b.txt"))
    assert server.call("PATCH", f"/api/logging/file/{kept[0][0]}", json={"object_name": artifact.object_name})["object_name"] == artifact.object_name != kept[0][1]


def test_a_user_gets_another_role(server):
    name = unique("somebody")
    server.call("POST", "/api/users", json={"username": name, "password": "a long enough one 1", "role": "viewer"})
    user = [u for u in server.call("GET", "/api/users", params={"limit": 1000})["items"] if u["username"] == name][0]
    assert server.call("PATCH", f"/api/user/{user['id']}", json={"role": "member"})["role"] == "member"


def test_a_job_is_found_and_asked_to_stop(server, client, drawn):
    org = server.rows("SELECT id FROM organization")[0][0]
    job = server.rows("SELECT id FROM job ORDER BY created_at DESC LIMIT 1")[0][0]
    assert server.call("GET", f"/api/organization/{org}/jobv2s/find", params={"id": job})["id"] == job
    e = client.create_project(name=unique("stopped")).create_experiment(name="e", base_model_version=client.get_public_model("yolox-nano").list_versions()[0], parameters={"steps": 5000, "image_size": 64})
    e.attach_dataset(name="train", dataset_version=drawn[0])
    v, asset, annotation, labels = drawn
    annotation.create_rectangle(10, 10, 50, 50, [l for l in v.list_labels()][0])
    e.launch()
    job = wait("the training", lambda: server.rows("SELECT id FROM job WHERE about_id = ? AND status = 'RUNNING'", str(e.id)), 30)[0][0]
    server.call("POST", f"/api/job/{job}/cancel")
    wait("its end", lambda: server.rows("SELECT status FROM job WHERE id = ?", job)[0][0] not in ("PENDING", "RUNNING"), 40)


def test_a_shadow_predicts_what_was_predicted_before(server, trained, deployment, cells):
    d = deployment.get_model_version().deploy(name=unique("later"), min_threshold=0.3)
    told, asked = [d.predict(str(c.path))["predicted_asset_id"] for c in cells[50:52]]
    second = str(trained[0].export_as_model(unique("second")).id)
    server.call("POST", f"/api/deployment/{d.id}/shadow", json={"model_version_id": second})
    jwt = server.call("POST", "/api/auth/login", json={"api_token": server.token, "deployment_id": str(d.id)})["jwt"]
    name = d.list_labels()[0].name
    raw = {"detection_classes": [0], "detection_texts": [name], "detection_boxes": [[10, 20, 110, 120]], "detection_scores": [0.9]}
    server.call("POST", f"/api/prediction/{told}/shadow", token=jwt, json={"shadow_raw_predictions": raw, "shadow_latency": 0.02})
    shapes = server.call("GET", f"/api/predicted/asset/{told}")["shadow"]["shapes"]
    assert [(s["x"], s["y"], s["w"], s["h"]) for s in shapes] == [(20, 10, 100, 100)]
    said = server.call("POST", f"/api/v2/deployments/{d.id}/predict/shadow", token=jwt, json={"prediction_id": asked})
    assert said["model_version_id"] == second
    assert server.call("GET", f"/api/predicted/asset/{asked}")["shadow"]["model_version_id"] == second


def test_training_data_are_forgotten_and_a_training_started_by_hand(server, deployment, annotated, project):
    d = deployment.get_model_version().deploy(name=unique("by hand"), min_threshold=0.3)
    d.set_training_data(annotated[1]["train"])
    assert server.call("GET", f"/api/deployment/{d.id}/pipelines")["training_data"]["active"]
    server.call("PUT", f"/api/deployment/{d.id}/pipeline/td/disable")
    assert server.call("GET", f"/api/deployment/{d.id}/pipelines")["training_data"] is None
    d.setup_continuous_training(project, trigger="feedback_loop", threshold=100, experiment_parameters={"steps": 3, "batch_size": 4, "image_size": 64})
    d.attach_dataset_version_to_continuous_training("train", annotated[1]["train"])
    d.toggle_continuous_training(True)
    server.call("POST", f"/api/deployment/{d.id}/pipeline/ct/launch")
    wait("the run", lambda: [r["state"] for r in server.call("GET", f"/api/deployment/{d.id}/pipelines")["ct"]["runs"]] == ["DONE"], 60)
