"""Jobs whose subject is deleted meanwhile end and say so, those that would be in each other's way are refused at once, and each says what it is about."""
import json
import time

import pytest
import requests
from conftest import unique, wait
from crowd import Crowd

IMAGES, BOXES = 1000, 25
DELETED = ("KILLED", None, "the dataset version was deleted")


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    s = Crowd(tmp_path_factory.mktemp("crowd"), IMAGES)
    s.file = json.dumps({
        "images": [{"id": i, "file_name": r[0], "width": 640, "height": 480} for i, r in enumerate(s.rows("SELECT filename FROM data"))],
        "categories": [{"id": 1, "name": "cell"}],
        "annotations": [{"id": i * BOXES + k, "image_id": i, "category_id": 1, "bbox": [k, k, 20, 20]} for i in range(IMAGES) for k in range(BOXES)]})
    yield s
    assert s.stop() == 0


@pytest.fixture
def dataset(crowd):
    return crowd.dataset(unique("set"))


def filled(crowd, dataset, name="first"):
    v = crowd.version(dataset, name, type="OBJECT_DETECTION")
    crowd.call("POST", f"/api/dataset/version/{v}/assets", 201, json={"q": "width > 0", "datalake_id": crowd.lake})
    return v


def send(crowd, version, status=None):
    return crowd.call("POST", f"/api/dataset/version/{version}/annotations/import", status, data={"mode": "REPLACE"}, files=[("files", ("a.json", crowd.file))])


def annotated(crowd, dataset):
    v = filled(crowd, dataset)
    assert crowd.job(send(crowd, v))[0] == "SUCCEEDED"
    return v


def begun(crowd, answer):
    """It is at work, and has not ended."""
    job = answer["job"]["id"]
    wait("a job to begin", lambda: crowd.count("job WHERE id = ? AND status <> 'PENDING' AND progress > 0", job) or crowd.count("bulk WHERE job_id = ? AND item + slice > 0", job), every=0.005)
    return answer


def left(crowd):
    return crowd.rows("SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM gone), (SELECT count(*) FROM annotation_row n LEFT JOIN asset a ON a.id = n.asset_id WHERE a.id IS NULL)"
                      ", (SELECT count(*) FROM bulk b JOIN job j ON j.id = b.job_id WHERE b.undoing <> 0 AND j.status = 'RUNNING')")[0]


def stopped(crowd, answer):
    """It ended because of that, or had ended before."""
    got = crowd.job(answer)
    return got == DELETED or got[0] == "SUCCEEDED"


def delete(crowd, version):
    crowd.call("DELETE", f"/api/dataset/version/{version}?force=true", 204)


def settled(crowd):
    wait("all to be swept", lambda: left(crowd) == (0, 0, 0, 0) and not crowd.count("job WHERE status IN ('PENDING', 'RUNNING')"))


def test_an_import_into_a_version_that_is_deleted(crowd, dataset):
    v = filled(crowd, dataset)
    answer = begun(crowd, send(crowd, v))
    delete(crowd, v)
    assert crowd.job(answer) == DELETED
    settled(crowd)


def test_an_import_that_still_waits(crowd, dataset):
    versions = [filled(crowd, dataset, str(k)) for k in range(4)]
    answers = [send(crowd, v) for v in versions]
    delete(crowd, versions[-1])
    assert crowd.job(answers[-1]) == DELETED
    for a in answers[:-1]:
        assert crowd.job(a)[0] == "SUCCEEDED"
    settled(crowd)


def test_an_export_of_a_version_that_is_deleted(crowd, dataset):
    v = annotated(crowd, dataset)
    answer = begun(crowd, crowd.call("POST", f"/api/dataset/version/{v}/annotations/export", json={"type": "COCO", "wait": False}))
    delete(crowd, v)
    assert stopped(crowd, answer)
    settled(crowd)


def test_data_that_are_added_to_a_version_that_is_deleted(crowd, dataset):
    v = crowd.version(dataset, "first")
    answer = begun(crowd, crowd.call("POST", f"/api/dataset/version/{v}/assets", 201, json={"q": "width > 0", "datalake_id": crowd.lake, "wait": False}))
    delete(crowd, v)
    assert stopped(crowd, answer)
    settled(crowd)


def test_a_fork_of_a_version_that_is_deleted(crowd, dataset):
    v = annotated(crowd, dataset)
    answer = begun(crowd, crowd.call("POST", f"/api/dataset/{dataset}/fork", 201, json={"parent_id": v, "version": "fork", "with_annotations": True, "wait": False}))
    delete(crowd, v)
    assert stopped(crowd, answer)
    settled(crowd)
    assert not crowd.count("dataset_version WHERE dataset_id = ?", dataset)


def test_all_of_a_dataset_that_is_deleted(crowd, dataset):
    v = filled(crowd, dataset)
    answer = begun(crowd, send(crowd, v))
    crowd.call("DELETE", f"/api/dataset/{dataset}?force=true", 204)
    assert stopped(crowd, answer)
    settled(crowd)


def test_an_import_goes_on_when_some_of_its_images_are_deleted(crowd, dataset):
    v = filled(crowd, dataset)
    gone = crowd.data[-50:]
    answer = begun(crowd, send(crowd, v))
    crowd.call("DELETE", f"/api/datalake/{crowd.lake}/datas", json={"ids": gone})
    crowd.data = crowd.data[:-50]
    status, _, why = crowd.job(answer)
    assert status == "SUCCEEDED", why
    settled(crowd)
    assert crowd.count("shape WHERE dataset_version_id = ?", v) == BOXES * len(crowd.data)


def test_what_changes_a_version_is_alone_with_it(crowd, dataset):
    v = filled(crowd, dataset)
    answer = begun(crowd, send(crowd, v))
    job = answer["job"]["id"]
    asset, = crowd.rows("SELECT id FROM asset WHERE dataset_version_id = ? LIMIT 1", v)[0]
    refused = [("POST", f"/api/dataset/version/{v}/annotations/import", {"data": {"mode": "REPLACE"}, "files": [("files", ("a.json", "{}"))]}),
               ("POST", f"/api/dataset/version/{v}/lock", {}),
               ("POST", f"/api/dataset/{dataset}/fork", {"json": {"parent_id": v, "version": "fork"}}),
               ("POST", f"/api/dataset/version/{v}/assets", {"json": {"data_ids": crowd.data[:5]}}),
               ("POST", f"/api/dataset/version/{v}/assets", {"json": {"q": "width > 0", "datalake_id": crowd.lake}}),
               ("DELETE", f"/api/dataset/version/{v}/assets", {"json": {"q": "width > 0"}}),
               ("DELETE", f"/api/asset/{asset}", {})]
    for method, path, more in refused:
        crowd.refused(method, path, 409, job, "import_annotations", **more)
    assert crowd.job(answer)[0] == "SUCCEEDED"
    crowd.call("POST", f"/api/dataset/version/{v}/lock")
    crowd.call("POST", f"/api/dataset/version/{v}/unlock")


def experiment_on(crowd, version):
    base, = crowd.rows("SELECT v.id FROM model_version v JOIN model m ON m.id = v.model_id WHERE m.org IS NULL AND v.type = 'OBJECT_DETECTION' LIMIT 1")[0]
    project = crowd.call("POST", f"/api/organization/{crowd.rows('SELECT org FROM datalake')[0][0]}/projects", 201, json={"name": unique("project")})["id"]
    e = crowd.call("POST", f"/api/project/{project}/experiments", 201, json={"name": "cells, first try", "base_model_version_id": base})["id"]
    crowd.call("POST", f"/api/experiment/{e}/datasets", 201, json={"name": "train", "dataset_version_id": version})
    return e


def test_a_version_that_grows_is_not_learnt_from(crowd, dataset):
    v = crowd.version(dataset, "first")
    e = experiment_on(crowd, v)
    answer = begun(crowd, crowd.call("POST", f"/api/dataset/version/{v}/assets", 201, json={"q": "width > 0", "datalake_id": crowd.lake, "wait": False}))
    r = requests.post(f"{crowd.host}/api/experiment/{e}/launch", json={}, headers={"Authorization": f"Bearer {crowd.token}"}, timeout=60)
    if crowd.count("job WHERE id = ? AND status = 'RUNNING'", answer["job"]["id"]):
        assert r.status_code == 409 and "add_data" in r.text and answer["job"]["id"] in r.text
    crowd.job(answer)


def test_an_experiment_tells_what_it_learnt_from_when_that_is_deleted(crowd, dataset):
    v = annotated(crowd, dataset)
    name = crowd.call("GET", f"/api/dataset/{dataset}")["name"]
    e = experiment_on(crowd, v)
    sources = {s["name"]: s for s in crowd.call("GET", f"/api/experiment/{e}")["sources"]}
    assert sources["base model"]["there"] and sources["train"]["there"]
    crowd.call("DELETE", f"/api/dataset/version/{v}", 204)  # as the published client does
    after = crowd.call("GET", f"/api/experiment/{e}")
    assert after["datasets"] == []
    train = {s["name"]: s for s in after["sources"]}["train"]
    assert (train["origin_name"], train["version"], train["thing_id"], train["there"]) == (name, "first", v, False)
    assert (train["nb_assets"], train["nb_objects"], train["labels"]) == (len(crowd.data), len(crowd.data) * BOXES, {"cell": len(crowd.data) * BOXES})
    crowd.call("PATCH", f"/api/experiment/{e}", json={"status": "SUCCESS"})
    crowd.call("POST", f"/api/experiment/{e}/publish", json={"name": unique("model")})
    learnt, = json.loads(crowd.rows("SELECT datas FROM model_context WHERE experiment_id = ?", e)[0][0])
    assert (learnt["dataset_name"], learnt["version_name"], learnt["repartition"]) == (name, "first", train["labels"])
    settled(crowd)


def test_what_a_training_works_with_is_deleted_by_force_only(crowd, dataset):
    v = annotated(crowd, dataset)
    e = experiment_on(crowd, v)
    crowd.call("POST", f"/api/experiment/{e}/launch", json={})
    for path in (f"/api/dataset/version/{v}", f"/api/dataset/{dataset}"):
        crowd.refused("DELETE", path, 409, "cells, first try", "force")
    crowd.call("DELETE", f"/api/dataset/{dataset}?force=true", 204)
    crowd.call("POST", f"/api/experiment/{e}/cancel")
    settled(crowd)
    assert [s["there"] for s in crowd.call("GET", f"/api/experiment/{e}")["sources"]] == [False, True]


def test_a_version_that_is_being_copied_is_not_changed(crowd, dataset):
    v = annotated(crowd, dataset)
    fork = begun(crowd, crowd.call("POST", f"/api/dataset/{dataset}/fork", 201, json={"parent_id": v, "version": "fork", "with_annotations": True, "wait": False}))
    crowd.refused("POST", f"/api/dataset/version/{v}/annotations/import", 409, fork["job"]["id"], "reading", data={"mode": "REPLACE"}, files=[("files", ("a.json", "{}"))])
    assert crowd.job(fork)[0] == "SUCCEEDED"


def test_a_fork_is_seen_when_it_is_whole(crowd, dataset):
    v = annotated(crowd, dataset)
    seen = lambda: [x["version"] for x in crowd.call("GET", f"/api/dataset/{dataset}/versions")["items"]]  # noqa: E731
    fork = crowd.call("POST", f"/api/dataset/{dataset}/fork", 201, json={"parent_id": v, "version": "fork", "with_annotations": True, "wait": False})
    made = fork["dataset_version"]
    assert made["version"] == "fork" and fork["job"]["status"] == "RUNNING"
    begun(crowd, fork)
    assert seen() == ["first"] and crowd.call("GET", f"/api/dataset/{dataset}")["nb_versions"] == 1
    for method, path in (("GET", ""), ("GET", "/assets"), ("GET", "/labels"), ("GET", "/stats"), ("DELETE", ""), ("POST", "/lock")):
        crowd.refused(method, f"/api/dataset/version/{made['id']}{path}", 409, "is being made by the job", fork["job"]["id"])
    crowd.refused("POST", f"/api/dataset/{dataset}/versions", 409, "already", json={"version": "fork"})
    assert crowd.job(fork)[0] == "SUCCEEDED"
    assert sorted(seen()) == ["first", "fork"]
    whole = crowd.call("GET", f"/api/dataset/version/{made['id']}")
    assert (whole["nb_assets"], whole["nb_annotated"], whole["nb_objects"]) == (len(crowd.data), len(crowd.data), len(crowd.data) * BOXES)
    settled(crowd)


def test_a_fork_that_is_cancelled_or_deleted_with_its_dataset_leaves_nothing(crowd, dataset):
    v = annotated(crowd, dataset)
    fork = {"parent_id": v, "version": "fork", "with_annotations": True, "wait": False}
    answer = begun(crowd, crowd.call("POST", f"/api/dataset/{dataset}/fork", 201, json=fork))
    crowd.call("POST", f"/api/job/{answer['job']['id']}/cancel")
    assert crowd.job(answer)[0] == "KILLED"
    settled(crowd)
    answer = begun(crowd, crowd.call("POST", f"/api/dataset/{dataset}/fork", 201, json=fork))
    crowd.call("DELETE", f"/api/dataset/{dataset}?force=true", 204)
    assert crowd.job(answer) == ("KILLED", None, "the dataset version was deleted")
    settled(crowd)
    assert not crowd.count("dataset_version WHERE dataset_id = ?", dataset)


def test_a_few_images_with_very_many_shapes_are_copied_in_steps(crowd, dataset):
    v = crowd.version(dataset, "first", type="OBJECT_DETECTION")
    crowd.call("POST", f"/api/dataset/version/{v}/assets", 201, json={"data_ids": crowd.data[:3]})
    label = crowd.call("POST", f"/api/dataset/version/{v}/labels", 201, json={"name": "cell"})["id"]
    for asset, in crowd.rows("SELECT id FROM asset WHERE dataset_version_id = ?", v):
        crowd.call("PUT", f"/api/asset/{asset}/annotation", json={"revision": 0, "rectangles": [{"label_id": label, "x": k % 90, "y": 1, "w": 5, "h": 5} for k in range(8000)]})
    fork = crowd.call("POST", f"/api/dataset/{dataset}/fork", 201, json={"parent_id": v, "version": "fork", "with_annotations": True})
    assert crowd.job(fork)[0] == "SUCCEEDED"
    to = fork["dataset_version"]["id"]
    same = "SELECT count(*), count(DISTINCT position), sum(x), min(x) FROM shape WHERE dataset_version_id = ?"
    assert crowd.rows(same, to) == crowd.rows(same, v)
    assert crowd.rows("SELECT n_shapes FROM label WHERE dataset_version_id = ?", to) == [(24000,)]
    assert crowd.rows("SELECT n_shapes FROM annotation WHERE dataset_version_id = ?", to) == [(8000,)] * 3
    assert not crowd.long_holders()


def cancelled_in_time(crowd, start):
    """Cancels what is begun until one was cancelled before it ended by itself; one that ends first proves nothing."""
    for n in range(10):
        answer = begun(crowd, start(unique(f"cancelled {n}")))
        crowd.call("POST", f"/api/job/{answer['job']['id']}/cancel")
        began = time.time()
        if crowd.job(answer)[0] == "KILLED":
            print(f"cancelled and undone in {time.time() - began:.2f} s")
            return
    raise AssertionError("none was stopped in time")


def test_a_cancelled_job_stops_at_once(crowd, dataset):
    v = annotated(crowd, dataset)
    cancelled_in_time(crowd, lambda name: crowd.call("POST", f"/api/dataset/{dataset}/fork", 201, json={"parent_id": v, "version": name, "with_annotations": True, "wait": False}))
    cancelled_in_time(crowd, lambda name: send(crowd, filled(crowd, dataset, name)))
    settled(crowd)


def test_jobs_say_what_they_are_about(crowd, dataset):
    name = crowd.rows("SELECT name FROM dataset WHERE id = ?", dataset)[0][0]
    v = annotated(crowd, dataset)
    fork = crowd.call("POST", f"/api/dataset/{dataset}/fork", 201, json={"parent_id": v, "version": "fork"})
    crowd.job(fork)
    tag = crowd.call("POST", f"/api/datalake/{crowd.lake}/tags", json={"name": unique("tag")})
    crowd.call("POST", f"/api/tag/{tag['id']}/attach", json=crowd.data)
    crowd.call("DELETE", f"/api/dataset/version/{v}/annotations", json={"asset_ids": ["__all__"]})
    delete(crowd, v)
    jobs = {j["kind"]: (j["about"], j["about_id"]) for j in crowd.call("GET", "/api/jobs?limit=12")["items"][::-1]}
    assert jobs["add_data"] == jobs["import_annotations"] == jobs["remove_annotations"] == jobs["remove"] == (f"{name} / first", v)
    assert jobs["fork_version"] == (f"{name} / fork", fork["dataset_version"]["id"])
    assert jobs["attach_tag"] == (tag["name"], tag["id"])
    settled(crowd)
