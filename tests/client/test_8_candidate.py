"""A new model is tested beside the champion, on a version that is set apart, before it is put to work: a bad one stays a version, one that is better
takes over, and the record says why."""
import pytest
from conftest import SIZE, unique, wait
from picsellia.types.enums import InferenceType


@pytest.fixture(scope="module")
def tested(server, client, project, annotated, trained):
    """A deployment whose successor becomes champion at once, if it passes."""
    mv = trained[0].export_as_model(unique("tested"))
    d = mv.deploy(name=unique("tested"), min_threshold=0.3)
    server.call("POST", f"/api/deployment/{d.id}/pipeline/ct", json={"project_id": str(project.id), "training_type": "EXPERIMENT"})
    d.attach_dataset_version_to_continuous_training("train", annotated[1]["train"])
    d.setup_continuous_deployment("DEPLOY_CHAMPION")
    return d, str(mv.id), client.get_model_by_id(mv.origin_id)


def cd(server, d):
    return server.call("GET", f"/api/deployment/{d.id}/pipelines")["cd"]


def decision(server, d):
    return server.call("GET", f"/api/deployment/{d.id}/decisions")["items"][0]


def train(server, d, project, **parameters):
    """A training to its end; the decision that follows."""
    body = {"project_id": str(project.id), "training_type": "EXPERIMENT", "experiment_parameters": {"batch_size": 8, "image_size": SIZE, **parameters}}
    server.call("POST", f"/api/deployment/{d.id}/pipeline/ct", json=body)
    server.call("POST", f"/api/deployment/{d.id}/pipeline/ct/launch")
    runs = lambda: server.call("GET", f"/api/deployment/{d.id}/pipelines")["ct"]["runs"]
    wait("the training's end", lambda: runs()[0]["state"] in ("DONE", "FAILED"), 180, 0.3)
    assert runs()[0]["state"] == "DONE", runs()[0]
    return decision(server, d)


def test_the_test_version_comes_from_the_lineage_or_is_named(server, tested, annotated):
    d = tested[0]
    lineage, other = str(annotated[1]["test"].id), str(annotated[1]["valid"].id)
    now = cd(server, d)
    assert (now["tests"], now["test_version"], now["tested_on"]["id"], now["margin"], now["confidence"]) == (True, None, lineage, 0, 0.95)
    path = f"/api/deployment/{d.id}/pipeline/cd"
    for wrong in ({"margin": 0.6}, {"confidence": 1}, {"test_version_id": "x"}):
        server.call("POST", path, 400, json={"policy": "DEPLOY_CHAMPION", **wrong})
    server.call("POST", path, json={"policy": "DEPLOY_CHAMPION", "test_version_id": other, "margin": 0.01, "confidence": 0.9})
    assert (cd(server, d)["tested_on"]["id"], cd(server, d)["margin"], cd(server, d)["confidence"]) == (other, 0.01, 0.9)
    server.call("POST", path, json={"policy": "DEPLOY_CHAMPION"})
    assert cd(server, d)["test_version"]["id"] == other
    server.call("POST", path, json={"policy": "DEPLOY_CHAMPION", "test_version_id": None, "margin": 0})
    assert (cd(server, d)["tested_on"]["id"], cd(server, d)["margin"]) == (lineage, 0)


def test_what_models_are_tested_on_is_not_fed(server, client, tested, annotated):
    d = tested[0]
    d.setup_feedback_loop()
    server.refused("POST", f"/api/deployment/{d.id}/fl/datasets", 409, "tested on this version", json={"dataset_version_id": str(annotated[1]["test"].id)})
    fed = client.get_dataset_by_id(annotated[1]["train"].origin_id).create_version(version=unique("fed"))
    fed.set_type(InferenceType.OBJECT_DETECTION)
    d.attach_dataset_version_to_feedback_loop(fed)
    server.refused("POST", f"/api/deployment/{d.id}/pipeline/cd", 409, "feedback loop fills", json={"policy": "DEPLOY_CHAMPION", "test_version_id": str(fed.id)})


def test_a_bad_candidate_stays_a_version(server, tested, project, annotated):
    d, champion, model = tested
    made = train(server, d, project, steps=2, learning_rate=0.2)
    versions = model.list_versions()
    assert len(versions) == 2 and server.call("GET", f"/api/deployment/{d.id}")["model_version_id"] == champion
    bad = next(str(v.id) for v in versions if str(v.id) != champion)
    assert (made["kind"], made["model_version_id"], made["against_id"], made["metric"], made["images"]) == ("REFUSED", bad, champion, "mAP50", len(annotated[0]["test"]))
    assert made["score"] < made["against"] and made["better"] < 0.05 and made["confidence"] == 0.9
    assert "is kept as a version" in made["says"] and "on that version alone" in made["says"]
    assert cd(server, d)["test_version"]["id"] == str(annotated[1]["test"].id)  # kept, whatever the next champion's lineage says


def test_one_that_is_better_takes_over(server, tested, project):
    d, good, model = tested
    bad = next(str(v.id) for v in model.list_versions() if str(v.id) != good)
    server.call("POST", f"/api/deployment/{d.id}/model", json={"model_version_id": bad})
    server.call("POST", f"/api/deployment/{d.id}/pipeline/cd", json={"policy": "DEPLOY_CHAMPION", "confidence": 0.8})
    made = train(server, d, project, steps=60, learning_rate=0.004)
    assert (made["kind"], made["against_id"]) == ("PASSED", bad), made
    assert made["better"] >= 0.8 and "became champion" in made["says"]
    assert server.call("GET", f"/api/deployment/{d.id}")["model_version_id"] == made["model_version_id"]


def test_without_a_test_the_policy_is_followed_and_the_record_says_so(server, tested, project):
    d = tested[0]
    server.call("POST", f"/api/deployment/{d.id}/pipeline/cd", json={"policy": "DEPLOY_SHADOW", "tests": False})
    assert cd(server, d)["tests"] is False
    made = train(server, d, project, steps=2)
    assert (made["kind"], made["against_id"], made["metric"]) == ("PASSED", None, None) and "not tested" in made["says"]
    assert server.call("GET", f"/api/deployment/{d.id}")["shadow_model_version_id"] == made["model_version_id"]
