"""What starts a continuous training by itself, as it is set up and as it happens."""
import pytest
from conftest import SIZE, feeds_back, unique, wait


@pytest.fixture(scope="module")
def deployment(client, project, annotated, labels, trained):
    """Images are sent back to a version of their own; trainings are of few steps."""
    d = trained[0].export_as_model(unique("triggers")).deploy(name=unique("triggers"), min_threshold=0.3)
    feeds_back(client, d, annotated[1]["train"], labels, "triggers")
    return d


@pytest.fixture(scope="module")
def set_up(server, deployment, project, annotated):
    def do(status=None, **more):
        body = {"project_id": str(project.id), "training_type": "EXPERIMENT",
                "experiment_parameters": {"steps": 3, "batch_size": 8, "image_size": SIZE}, **more}
        return server.call("POST", f"/api/deployment/{deployment.id}/pipeline/ct", status, json=body)
    do()
    deployment.attach_dataset_version_to_continuous_training("train", annotated[1]["train"])
    return do


def pipeline(server, d):
    return server.call("GET", f"/api/deployment/{d.id}/pipelines")["ct"]


def send_back(server, d, cell, found=()):
    """A prediction, its review, and back into the loop."""
    with open(cell.path, "rb") as f:
        a = server.call("POST", f"/api/deployment/{d.id}/predict", files={"media": f})["predicted_asset_id"]
    by_name = {x["name"]: x["id"] for x in server.call("GET", f"/api/deployment/{d.id}/labels")["items"]}
    server.call("POST", f"/api/predicted/asset/{a}/reviews", json={"rectangles": [{"x": x0, "y": y0, "w": x1 - x0, "h": y1 - y0, "label_id": by_name[n]} for n, x0, y0, x1, y1 in cell.boxes]})
    server.call("POST", f"/api/deployment/{d.id}/feedback-loop/submit", json={"ids": [a]})


def test_each_trigger_says_what_it_cannot_do_without(server, set_up, deployment):
    for word, body in (("threshold", {"trigger": "FEEDBACK_LOOP"}), ("every_hours", {"trigger": "SCHEDULE"}), ("hour", {"trigger": "SCHEDULE", "every_hours": 5, "hour": 3}),
                       ("metric", {"trigger": "METRIC", "below": 0.5}), ("below", {"trigger": "METRIC", "metric": "recall"}), ("weekday", {"trigger": "SCHEDULE", "hour": 3, "weekday": 7})):
        assert word in set_up(400, **body)["message"], body
    set_up(trigger="SCHEDULE", hour=3, weekday=6, threshold=4)
    now = pipeline(server, deployment)
    assert (now["trigger"], now["hour"], now["weekday"], now["every_hours"], now["threshold"], now["metric"]) == ("SCHEDULE", 3, 6, None, 4, None)
    set_up()
    assert (pipeline(server, deployment)["trigger"], pipeline(server, deployment)["hour"]) == ("NONE", None)


def test_a_score_that_falls_trains_and_the_record_says_why(server, set_up, deployment, annotated):
    set_up(trigger="METRIC", metric="recall", below=1, reviews=3, threshold=3, rest_hours=1)
    cells = annotated[0]["test"]
    for c in cells[:2]:
        send_back(server, deployment, c)
    assert not pipeline(server, deployment)["runs"]
    send_back(server, deployment, cells[2])
    run = wait("a training", lambda: pipeline(server, deployment)["runs"], 30)[0]
    assert run["nb_images"] == 3 and "Recall is" in run["says"] and "below 1" in run["says"]
    made = server.call("GET", f"/api/deployment/{deployment.id}/decisions", params={"q": 'kind = "TRAINING"'})["items"]
    assert [(x["images"], x["against_id"], x["metric"], x["confidence"]) for x in made] == [(3, None, None, None)] and run["says"] in made[0]["says"]
    wait("its end", lambda: pipeline(server, deployment)["runs"][0]["state"] == "DONE", 120, 0.3)
    send_back(server, deployment, cells[3])
    assert len(pipeline(server, deployment)["runs"]) == 1


def test_a_training_by_hand_is_recorded_as_that(server, set_up, deployment):
    set_up()
    server.call("POST", f"/api/deployment/{deployment.id}/pipeline/ct/launch")
    assert "somebody asked" in pipeline(server, deployment)["runs"][0]["says"]
    server.refused("POST", f"/api/deployment/{deployment.id}/pipeline/ct/launch", 409, "is running")
    wait("its end", lambda: pipeline(server, deployment)["runs"][0]["state"] == "DONE", 120, 0.3)
