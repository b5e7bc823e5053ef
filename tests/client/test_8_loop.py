"""Chapter 5: feedback loop, continuous training, continuous deployment, promotion: without anyone's hand."""
import base64
import io
import json
import random

import pytest
import requests
from conftest import SIZE, feeds_back, unique, wait
from picsellia.types.enums import InferenceType
from PIL import Image


@pytest.fixture(scope="module")
def loop(client, project, annotated, labels, trained):
    """A deployment of its own, all pipelines on."""
    mv = trained[0].export_as_model(unique("loop"))
    d = mv.deploy(name=unique("loop"), min_threshold=0.3)
    feedback = feeds_back(client, d, annotated[1]["train"], labels)
    d.set_training_data(annotated[1]["train"])
    d.setup_continuous_training(project, trigger="feedback_loop", threshold=3,
                                experiment_parameters={"steps": 20, "batch_size": 8, "learning_rate": 0.002, "image_size": SIZE})
    d.attach_dataset_version_to_continuous_training("train", annotated[1]["train"])
    d.attach_dataset_version_to_continuous_training("eval", annotated[1]["valid"])
    d.attach_dataset_version_to_continuous_training("feedback", feedback)
    d.toggle_continuous_training(True)
    d.setup_continuous_deployment("DEPLOY_SHADOW")
    d.toggle_continuous_deployment(True)
    for c in annotated[0]["test"][:4]:
        d.predict(str(c.path))
    return d, feedback, mv


def review(d, cell):
    a = [x for x in d.list_predicted_assets() if x.filename == cell.name][0]
    by_name = {x.name: x for x in d.list_labels()}
    a.add_review(rectangles=[(x0, y0, x1 - x0, y1 - y0, by_name[n]) for n, x0, y0, x1, y1 in cell.boxes])
    return str(a.id)


def test_the_set_up_is_shown(server, loop):
    p = server.call("GET", f"/api/deployment/{loop[0].id}/pipelines")
    assert p["fl"]["active"] and p["ct"]["active"] and p["cd"]["active"] and p["ct"]["threshold"] == 3 and p["cd"]["policy"] == "DEPLOY_SHADOW"
    assert [v.id for v in loop[0].list_feedback_loop_datasets()] == [loop[1].id]


def test_what_is_not_reviewed_is_not_submitted(server, loop):
    a = loop[0].list_predicted_assets()[0]
    server.refused("POST", f"/api/deployment/{loop[0].id}/feedback-loop/submit", 422, str(a.id), json={"ids": [str(a.id)]})


def test_two_of_three_start_nothing(server, loop, annotated, project):
    ids = [review(loop[0], c) for c in annotated[0]["test"][:2]]
    assert server.call("POST", f"/api/deployment/{loop[0].id}/feedback-loop/submit", json={"ids": ids})["count"] == 2
    wait("assets", lambda: server.call("GET", f"/api/dataset/version/{loop[1].id}/assets")["count"] == 2, 20)
    assert loop[1].retrieve_stats().nb_objects == sum(len(c.boxes) for c in annotated[0]["test"][:2])
    assert not [e for e in project.list_experiments() if e.name.startswith(loop[0].name)]
    server.refused("POST", f"/api/deployment/{loop[0].id}/feedback-loop/submit", 422, json={"ids": ids})
    assert "feedback loop" in server.call("DELETE", f"/api/predicted/asset/{ids[0]}/reviews", status=409)["message"]


def test_the_third_starts_the_next_model_which_becomes_the_shadow(server, client, loop, annotated, project):
    d, _, mv = loop
    server.call("POST", f"/api/deployment/{d.id}/feedback-loop/submit", json={"ids": [review(d, annotated[0]["test"][2])]})
    model = client.get_model_by_id(mv.origin_id)
    wait("the next version", lambda: len(model.list_versions()) == 2, 180, 0.5)
    new = model.get_version(1)
    wait("the shadow", lambda: server.call("GET", f"/api/deployment/{d.id}")["shadow_model_version_id"] == str(new.id), 30)
    assert d.get_model_version().id == mv.id
    made = [e for e in project.list_experiments() if e.name.startswith(d.name)]
    assert len(made) == 1
    context = new.get_context()
    assert context.get_experiment().id == made[0].id and context.parameters["steps"] == 20
    assert set(context.retrieve_datasets()) == {"train", "eval", "feedback"} and context.retrieve_datasets()["feedback"].id == loop[1].id


def test_what_came_back_is_learnt_from_and_that_is_said(server, loop):
    d, feedback, _ = loop
    run = server.call("GET", f"/api/deployment/{d.id}/pipelines")["ct"]["runs"][0]
    assert f"{feedback.name} / {feedback.version} (feedback)" in run["says"] and "(eval)" not in run["says"]
    (decision,) = server.call("GET", f"/api/deployment/{d.id}/decisions", params={"q": 'kind = "TRAINING"'})["items"]
    assert run["says"] in decision["says"]
    said = [line["log"] for line in server.call("GET", f"/api/experiment/{run['experiment_id']}/logging", params={"after": 0})["items"]]
    assert {"train: 36 annotated images", "feedback: 3 annotated images"} <= set(said), said


def test_images_that_models_are_measured_on_are_told_of_and_left_out_when_asked(server, client, loop, trained, annotated):
    test = annotated[0]["test"][4]
    d = trained[0].export_as_model(unique("measured")).deploy(name=unique("measured"), min_threshold=0.3)
    target = client.get_dataset_by_id(annotated[1]["train"].origin_id).create_version(version=unique("target"))
    target.set_type(InferenceType.OBJECT_DETECTION)
    d.setup_feedback_loop()
    d.attach_dataset_version_to_feedback_loop(target)
    d.toggle_feedback_loop(True)
    d.predict(str(test.path))
    d.predict(str(annotated[0]["train"][0].path))
    held, learnt = review(d, test), review(d, annotated[0]["train"][0])
    submit = lambda **more: server.call("POST", f"/api/deployment/{d.id}/feedback-loop/submit", json=more)
    assert submit(ids=[held, learnt], leave_measured=True) == {"count": 1, "measured": 1, "left_out": [held], "duplicated": 0, "stayed": [], "duplicates": [], "job_id": None}
    assert [a.filename for a in target.list_assets()] == [annotated[0]["train"][0].name]
    assert submit(ids=[held]) == {"count": 1, "measured": 1, "left_out": [], "duplicated": 0, "stayed": [], "duplicates": [], "job_id": None}
    assert len(target.list_assets()) == 2


def test_a_version_takes_the_same_bytes_once_and_another_one_its_own(server, client, trained, annotated):
    """Into two versions: the image's second copy, which is another Data, is named for the one that has it, and the other takes it."""
    cell = annotated[0]["train"][1]
    d = trained[0].export_as_model(unique("twins")).deploy(name=unique("twins"), min_threshold=0.3)
    dataset = client.get_dataset_by_id(annotated[1]["train"].origin_id)
    first, second = (dataset.create_version(version=unique("twins")) for _ in range(2))
    d.setup_feedback_loop()
    for v in (first, second):
        v.set_type(InferenceType.OBJECT_DETECTION)
        d.attach_dataset_version_to_feedback_loop(v)
    d.toggle_feedback_loop(True)
    label = str(d.list_labels()[0].id)

    def see(camera):
        i = d.predict(str(cell.path), metadata={"camera": camera})["predicted_asset_id"]
        server.call("POST", f"/api/predicted/asset/{i}/reviews", status=201, json={"rectangles": [{"x": 1, "y": 2, "w": 30, "h": 40, "label_id": label}]})
        return i
    submit = lambda *ids: server.call("POST", f"/api/deployment/{d.id}/feedback-loop/submit", json={"ids": ids})
    one, two, three = see("left"), see("right"), see("top")
    assert (submit(one)["count"], len(first.list_assets()), len(second.list_assets())) == (1, 1, 1)
    second.list_assets().delete()
    kept = str(first.list_assets()[0].id)
    r = submit(two)
    assert (r["count"], r["duplicated"], r["stayed"], len(first.list_assets()), len(second.list_assets())) == (1, 1, [], 1, 1)
    assert r["duplicates"] == [{"predicted_asset_id": two, "dataset_version_id": str(first.id), "asset_id": kept}]
    r = submit(three)  # none takes it: it stays reviewed
    assert (r["count"], r["duplicated"], r["stayed"], len(r["duplicates"])) == (0, 1, [three], 2)
    assert server.call("GET", f"/api/predicted/asset/{three}")["status"] == "REVIEWED"


def test_both_models_answer_then_the_shadow_takes_over(server, loop, annotated):
    d, _, mv = loop
    c = annotated[0]["test"][3]
    d.predict(str(c.path), tags=["both"])

    def both():
        a = [x for x in server.call("GET", f"/api/deployment/{d.id}/predictedassets", params={"q": 'tags.name = "both"'})["items"]]
        return a and a[0]["shadow"] and a[0]
    a = wait("the shadow's prediction", both, 20)
    assert a["champion"]["model_version_id"] == str(mv.id) != a["shadow"]["model_version_id"]
    after = server.call("POST", f"/api/deployment/{d.id}/shadow/promote")
    assert after["model_version_id"] == a["shadow"]["model_version_id"] and after["shadow_model_version_id"] is None
    server.refused("POST", f"/api/deployment/{d.id}/shadow/promote", 409)
    assert d.predict(str(c.path))["model_version_id"] == after["model_version_id"]


def test_the_shadow_stands_beside_the_champion_on_the_images_that_both_saw(server, client, loop, annotated):
    versions = client.get_model_by_id(loop[2].origin_id).list_versions()
    d = versions[0].deploy(name=unique("beside"), min_threshold=0.3)
    server.call("POST", f"/api/deployment/{d.id}/shadow", json={"model_version_id": str(versions[1].id)})
    jwt = server.call("POST", "/api/auth/login", json={"api_token": server.token, "deployment_id": str(d.id)})["jwt"]
    names = {l.name: i for i, l in enumerate(d.list_labels())}
    raw = lambda boxes: {"detection_classes": [names[n] for n, *_ in boxes], "detection_texts": [n for n, *_ in boxes], "detection_scores": [0.9] * len(boxes),
                         "detection_boxes": [[y0, x0, y1, x1] for _, x0, y0, x1, y1 in boxes]}
    reviews = lambda: server.call("GET", f"/api/deployment/{d.id}/dashboard")["reviews"]
    assert (reviews()["beside"]["images"], reviews()["beside"]["better"]) == (0, None)
    cells = annotated[0]["test"][:6]
    for i, c in enumerate(cells):
        both = {"shadow_raw_predictions": raw(c.boxes[::2]), "shadow_latency": 0.01} if i else {} # the shadow misses every other, and the first image
        server.call("POST", f"/api/deployment/{d.id}/predictions", status=201, token=jwt,
                    json={"filename": c.name, "content_type": "IMAGE/JPEG", "height": 480, "width": 640, "latency": 0.02, "raw_predictions": raw(c.boxes),
                          "image": base64.b64encode(c.path.read_bytes()).decode(), **both})
        review(d, c)
    r = reviews()
    assert (r["champion"]["images"], r["champion"]["ap_50"], r["champion"]["ap_50_interval"]) == (6, 1, [1, 1])
    low, high = r["shadow"]["ap_50_interval"]
    assert low <= r["shadow"]["ap_50"] <= high < 1 and r["shadow"]["images"] == 5
    b = r["beside"]
    assert (b["images"], b["metric"], b["champion"], b["shadow"], b["better"]) == (5, "mAP50", 1, r["shadow"]["ap_50"], 0)
    assert -0.8 < b["difference"][0] <= b["difference"][1] < 0
    assert b["champion_interval"] == [1, 1] and b["shadow_interval"][0] <= b["shadow"] <= b["shadow_interval"][1] < 1
    both = r["shared"]
    assert (both["champion"]["images"], both["shadow"]["images"], both["shadow"]["ap_50"]) == (5, 5, b["shadow"])
    assert both["champion"]["precision_interval"] == [1, 1] and both["shadow"]["recall_interval"][0] <= both["shadow"]["recall"] <= both["shadow"]["recall_interval"][1]
    assert [x["size"] for x in r["champion"]["sizes"]] == ["small", "medium", "large"] and sum(x["truths"] for x in r["champion"]["sizes"]) == r["champion"]["truths"] == sum(len(c.boxes) for c in cells)
    assert all(min(x["ap"], x["ar"]) > 0.999 for x in r["champion"]["sizes"] if x["truths"]), r["champion"]["sizes"]
    assert sum(x["truths"] for l in r["champion"]["labels"] for x in l["sizes"]) == r["champion"]["truths"]
    figures = ("ap_50", "ap_75", "ar", "precision", "recall", "f1")
    held = lambda x, k: x[k + "_interval"][0] - 1e-9 <= x[k] <= x[k + "_interval"][1] + 1e-9
    for x in (r["shadow"], both["shadow"]):
        assert all(held(x, k) for k in (*figures, "ap_50_95"))
        there = [l for l in x["labels"] if l["truths"]]
        assert there and all(held(l, k) for l in there for k in (*figures, "ap")) and all(0 < l["images"] <= x["images"] for l in there)
        sized = [s for of in (x, *x["labels"]) for s in of["sizes"]]
        assert all(held(s, k) if s["truths"] else s[k + "_interval"] is None for s in sized for k in ("ap", "ar"))
        assert all((s["images"] > 0) == (s["truths"] > 0) for s in sized) and any(s["ar_interval"] and s["ar_interval"][0] < s["ar_interval"][1] for s in sized)


def test_hundreds_of_reviews_are_sent_by_a_job_once_each(server, client, loop, annotated):
    d = client.get_model_by_id(loop[2].origin_id).list_versions()[0].deploy(name=unique("many"), min_threshold=0.3)
    path, version = f"/api/deployment/{d.id}", client.get_dataset_by_id(annotated[1]["train"].origin_id).create_version(version=unique("many"))
    version.set_type(InferenceType.OBJECT_DETECTION)
    for call, body in (("pipeline/fl/setup", {}), ("fl/datasets", {"dataset_version_id": str(version.id)})):
        server.call("POST", f"{path}/{call}", json=body)
    label = d.list_labels()[0]
    raw = {"detection_classes": [0], "detection_texts": [label.name], "detection_scores": [0.9], "detection_boxes": [[2, 2, 20, 20]]}
    jpeg, ids = io.BytesIO(), []
    Image.new("RGB", (32, 32), (200, 10, 10)).save(jpeg, "JPEG")
    body = lambda i: {"filename": f"many{i}.jpg", "content_type": "IMAGE/JPEG", "height": 32, "width": 32, "latency": 0.02, "raw_predictions": raw,
                      "image": base64.b64encode(jpeg.getvalue()[:2] + b"\xff\xfe\x00\x06" + f"{i:04}".encode() + jpeg.getvalue()[2:]).decode()}
    jwt = server.call("POST", "/api/auth/login", json={"api_token": server.token, "deployment_id": str(d.id)})["jwt"]
    for i in range(310):
        server.call("POST", f"{path}/predictions", status=201, token=jwt, json=body(i))
    ids = [a for (a,) in server.rows("SELECT id FROM predicted_asset WHERE deployment_id = ?", str(d.id))]
    for a in ids:
        server.call("POST", f"/api/predicted/asset/{a}/reviews", json={})
    later = server.call("POST", f"{path}/feedback-loop/submit", json={"q": 'status = "REVIEWED"', "wait": False})
    assert (later["stayed"], later["duplicates"]) == ([], []) and later["job_id"]
    wait("the job", lambda: server.call("GET", f"/api/v2/job/{later['job_id']}")["status"] == "SUCCEEDED")
    ((kind, about, result),) = server.rows("SELECT kind, about_id, result FROM job WHERE id = ?", later["job_id"])
    assert (kind, about, json.loads(result)) == ("submit_feedback", str(d.id), {"count": 310, "measured": 0, "left_out": 0})
    states = lambda: server.rows("SELECT status, count(*) FROM predicted_asset WHERE deployment_id = ? GROUP BY 1", str(d.id))
    assert states() == [("SUBMITTED", 310)]
    assert server.rows("SELECT count(*), count(DISTINCT data_id) FROM asset WHERE dataset_version_id = ?", str(version.id)) == [(310, 310)]
    assert server.rows("SELECT count(*) FROM annotation n JOIN asset a ON a.id = n.asset_id WHERE a.dataset_version_id = ?", str(version.id)) == [(310,)]
    server.refused("POST", f"{path}/feedback-loop/submit", 422, json={"ids": ids})
    assert server.call("POST", f"{path}/feedback-loop/submit", json={"q": 'status = "REVIEWED"'})["count"] == 0


def test_a_cell_of_the_confusion_matrix_opens_its_images(server, client, loop, annotated):
    d = client.get_model_by_id(loop[2].origin_id).list_versions()[0].deploy(name=unique("confused"), min_threshold=0.3)
    jwt = server.call("POST", "/api/auth/login", json={"api_token": server.token, "deployment_id": str(d.id)})["jwt"]
    labels = d.list_labels()
    names = [l.name for l in labels]
    mine, rbc = names[0], 0
    others = names[1:]
    cells = annotated[0]["test"][:4]
    first = lambda c: (mine, *c.boxes[0][1:])
    said = [[first(c) for c in cells][0:1], [(others[0], *first(cells[1])[1:])], [], [first(cells[3]), (mine, 0, 0, 5, 5)]] # right, a wrong label, missed, one where nothing is
    for c, boxes in zip(cells, said):
        raw = {"detection_classes": [names.index(b[0]) for b in boxes], "detection_texts": [b[0] for b in boxes], "detection_scores": [0.9 - 0.5 * (b[1] == 0) for b in boxes],
               "detection_boxes": [[y0, x0, y1, x1] for _, x0, y0, x1, y1 in boxes]}
        server.call("POST", f"/api/deployment/{d.id}/predictions", status=201, token=jwt, json={"filename": c.name, "content_type": "IMAGE/JPEG", "height": 480, "width": 640, "latency": 0.02,
                    "raw_predictions": raw, "source": c.name, "image": base64.b64encode(c.path.read_bytes()).decode()})
        a = d.find_predicted_asset(filename=c.name)
        a.add_review(rectangles=[(x0, y0, x1 - x0, y1 - y0, labels[rbc]) for _, x0, y0, x1, y1 in [first(c)]])
    ask = lambda path="", **f: server.call("GET", f"/api/deployment/{d.id}/confusion{path}", params=f)
    m = ask()["matrix"]
    n, wrong = len(names), names.index(others[0])
    assert (m["images"], [l["name"] for l in m["labels"]], [l["id"] for l in m["labels"]]) == (4, names, [str(l.id) for l in labels])
    want = [[0] * (n + 1) for _ in range(n + 1)]
    want[rbc][rbc], want[rbc][wrong], want[rbc][n], want[n][rbc] = 2, 1, 1, 1
    assert m["counts"] == want
    rbc_id, wrong_id = str(labels[rbc].id), str(labels[wrong].id)
    files = lambda **f: sorted(a["data"]["filename"] for a in ask("/assets", **f)["items"])
    assert files(truth=rbc_id, said=rbc_id) == sorted([cells[0].name, cells[3].name])
    assert (files(truth=rbc_id, said=wrong_id), files(truth=rbc_id), files(said=rbc_id)) == ([cells[1].name], [cells[2].name], [cells[3].name])
    assert files(truth=rbc_id, said=rbc_id, source=cells[0].name) == [cells[0].name]
    assert (files(said=rbc_id, threshold=0.5), ask(threshold=0.5)["matrix"]["counts"][n][rbc]) == ([], 0)
    assert ask(of="shadow")["matrix"]["images"] == 0
    page = ask("/assets", truth=rbc_id, said=rbc_id, limit=1)
    assert len(page["items"]) == 1 and page["next_cursor"] and page["count"] == 2
    assert ask("/assets")["items"] == []
    server.call("GET", f"/api/deployment/{d.id}/confusion/assets", params={"truth": str(d.id)}, status=404)


def test_quality_is_estimated_where_nobody_reviewed(server, client, loop):
    d = client.get_model_by_id(loop[2].origin_id).list_versions()[0].deploy(name=unique("estimated"), min_threshold=0.1)
    jwt = server.call("POST", "/api/auth/login", json={"api_token": server.token, "deployment_id": str(d.id)})["jwt"]
    label = d.list_labels()[0]
    chance = random.Random(3)

    def send(source, sure, review):
        """An image of ten places, in which a thing is found and is there as often as the score says, more or less."""
        picture = io.BytesIO()
        Image.frombytes("RGB", (100, 20), chance.randbytes(6000)).save(picture, "PNG")
        said = [(10 * k, chance.uniform(0.2, 0.6) + (0.35 if sure else 0)) for k in range(10)]
        there = [x for x, score in said if chance.random() < score]
        raw = {"detection_classes": [0] * 10, "detection_texts": [label.name] * 10, "detection_scores": [s for _, s in said], "detection_boxes": [[0, x, 9, x + 9] for x, _ in said]}
        name = f"{unique(source)}.png"
        a = server.call("POST", f"/api/deployment/{d.id}/predictions", status=201, token=jwt, json={"filename": name, "content_type": "IMAGE/PNG", "height": 20, "width": 100, "latency": 0.02, "source": source,
                        "raw_predictions": raw, "image": base64.b64encode(picture.getvalue()).decode()})
        if review:
            d.find_predicted_asset(filename=name).add_review(rectangles=[(x, 0, 9, 9, label) for x in there])
    ask = lambda **f: server.call("GET", f"/api/deployment/{d.id}/estimate", params=f)["estimate"]
    for i in range(29):
        send("reviewed", i % 2, True)
    assert (ask()["value"], ask()["interval"], ask()["waits_for"], ask()["known_images"]) == (None, None, "29 of 30 reviews of this version", 29)
    for i in range(31):
        send("reviewed", i % 2, True)
    for i in range(30):
        send("sure", True, False)
        send("unsure", False, False)
    board = server.call("GET", f"/api/deployment/{d.id}/dashboard", params={"source": "reviewed"})["reviews"]["champion"]
    of = {s: ask(source=s) for s in ("reviewed", "sure", "unsure", "nowhere")}
    assert abs(of["reviewed"]["value"] - board["ap_50"]) < 0.05 and of["reviewed"]["waits_for"] is None and of["reviewed"]["known_images"] == 60
    for s in ("sure", "unsure"):
        low, high = of[s]["interval"]
        assert low <= of[s]["value"] <= high and high - low < 0.25 and of[s]["images"] == 30
    assert of["sure"]["value"] > of["reviewed"]["value"] + 0.03 > of["unsure"]["value"] + 0.2
    assert [l["label"] for l in of["sure"]["labels"]][0] == label.name and of["sure"]["labels"][0]["value"] == of["sure"]["value"]
    assert (of["nowhere"]["value"], of["nowhere"]["waits_for"]) == (None, "predictions of this version")
    assert ask(slot="shadow")["waits_for"] == "a shadow"
    alert = server.call("POST", f"/api/deployment/{d.id}/alerts", json={"metric": "estimated.ap_50", "operator": "<", "value": 0.99, "window_predictions": 60, "min_count": 30, "hold_seconds": 0})["id"]
    fired = wait("the alert of the estimate", lambda: server.call("GET", f"/api/alert/{alert}")["state"] == "FIRING" and server.call("GET", f"/api/alert/{alert}"), 30)
    assert of["unsure"]["value"] - 0.1 < fired["last_value"] < of["sure"]["value"] + 0.1


def test_off_it_takes_nothing(server, loop, annotated):
    d = loop[0]
    d.toggle_feedback_loop(False)
    i = review(d, annotated[0]["test"][3])
    server.refused("POST", f"/api/deployment/{d.id}/feedback-loop/submit", 409, json={"ids": [i]})
