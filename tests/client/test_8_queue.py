"""The review queue: what teaches most first, a share by chance, nothing twice, and every review says how its image was chosen."""
import base64
import io
import sqlite3

import pytest
import requests
from conftest import unique
from PIL import Image

BOXES = [[20, 20, 60, 60], [20, 90, 60, 130], [90, 20, 130, 60]]  # y0, x0, y1, x1
N = 60


@pytest.fixture(scope="module")
def queue(server, client, trained):
    """A deployment with N images: the i-th box is given with a confidence of its own, and every third image the shadow sees fewer boxes in."""
    mv = trained[0].export_as_model(unique("queue"))
    d = mv.deploy(name=unique("queue"), min_threshold=0.1)
    second = trained[0].export_in_existing_model(client.get_model_by_id(mv.origin_id))
    server.call("POST", f"/api/deployment/{d.id}/shadow", json={"model_version_id": str(second.id)})
    jwt = server.call("POST", "/api/auth/login", json={"api_token": server.token, "deployment_id": str(d.id)})["jwt"]
    label = d.list_labels()[0]
    raw = lambda k, p: {"detection_classes": [0] * k, "detection_texts": [label.name] * k, "detection_scores": [p] * k, "detection_boxes": BOXES[:k]}
    ids = []
    for i in range(N):
        image = io.BytesIO()
        Image.new("RGB", (160, 160), (i, 9, 77)).save(image, "PNG")
        p = 0.98 - i * 0.008  # down to 0.508: the later, the less sure
        ids.append(server.call("POST", f"/api/deployment/{d.id}/predictions", status=201, token=jwt, json={
            "filename": f"queue{i}.png", "content_type": "IMAGE/PNG", "height": 160, "width": 160, "latency": 0.01, "raw_predictions": raw(3, p),
            "shadow_raw_predictions": raw(2 if i % 3 == 0 else 3, p), "shadow_latency": 0.01, "image": base64.b64encode(image.getvalue()).decode()})["id"])
    return d, ids


def take(server, d, **more):
    return server.call("POST", f"/api/deployment/{d.id}/review-queue", json=more)


def counts(server, d):
    return {o["order"]: o["count"] for o in server.call("GET", f"/api/deployment/{d.id}/review-queue")["orders"]}


def review(server, d, i):
    box = {"x": 20, "y": 20, "w": 40, "h": 40, "label_id": str(d.list_labels()[0].id)}
    return server.call("POST", f"/api/predicted/asset/{i}/reviews", status=201, json={"rectangles": [box]})


def test_how_unsure_and_how_disputed_an_image_is_stands_with_it(server, queue):
    d, ids = queue
    a = server.call("GET", f"/api/predicted/asset/{ids[0]}")
    assert a["uncertainty"] == pytest.approx(4 * 0.98 * 0.02, abs=1e-6) and a["disagreement"] == pytest.approx(1 - 2 * 2 / 5) and a["skipped"] is False
    assert server.call("GET", f"/api/predicted/asset/{ids[1]}")["disagreement"] == 0
    found = server.call("GET", f"/api/deployment/{d.id}/predictedassets", params={"q": "uncertainty > 0.99 and disagreement > 0.1", "limit": 100})
    assert {x["id"] for x in found["items"]} == {i for k, i in enumerate(ids) if k % 3 == 0 and 4 * (0.98 - k * 0.008) * (0.02 + k * 0.008) > 0.99}


def test_a_fifth_is_drawn_by_chance_and_belongs_to_no_other_order(server, queue):
    d, ids = queue
    c = counts(server, d)
    assert c["RANDOM"] + c["UNCERTAIN"] == N and c["SKIPPED"] == c["OUTLYING"] == 0 and 1 <= c["RANDOM"] <= 30, c
    drawn = [x["prediction"]["id"] for x in take(server, d, order="RANDOM", limit=50, anew=True)]
    assert len(drawn) == c["RANDOM"] and not {x["chosen"] for x in take(server, d, order="RANDOM", limit=0, anew=True)}
    others = [x["prediction"]["id"] for x in take(server, d, order="UNCERTAIN", limit=50, anew=True)]
    assert not set(drawn) & set(others)


def test_the_least_sure_and_the_most_disputed_come_first(server, queue):
    d, ids = queue
    got = take(server, d, order="UNCERTAIN", limit=10, anew=True)
    sure = [x["prediction"]["uncertainty"] for x in got]
    assert len(got) == 10 and sure == sorted(sure, reverse=True) and {x["chosen"] for x in got} == {"UNCERTAIN"}
    reserved = {r[0] for r in server.rows("SELECT id FROM predicted_asset WHERE deployment_id = ? AND reserved = 1", str(d.id))}
    assert {x["prediction"]["id"] for x in got} == set([i for i in reversed(ids) if i not in reserved][:10])
    assert all(x["prediction"]["champion"]["shapes"] for x in got)
    got = take(server, d, order="DISAGREE", limit=50, anew=True)
    assert {x["prediction"]["id"] for x in got} == {i for k, i in enumerate(ids) if k % 3 == 0} - reserved and {x["chosen"] for x in got} == {"DISAGREE"}


def test_two_reviewers_do_not_get_the_same_image(server, queue):
    d, ids = queue
    name = unique("reviewer")
    server.call("POST", "/api/users", status=201, json={"username": name, "role": "annotator", "password": "correct-horse-7"})
    other = requests.Session()
    other.headers["X-Requested-With"] = "saccade"
    signed = other.post(f"{server.host}/api/session", json={"username": name, "password": "correct-horse-7"})
    assert signed.status_code < 300, signed.text
    mine = {x["prediction"]["id"] for x in take(server, d, limit=20, anew=True)}
    r = other.post(f"{server.host}/api/deployment/{d.id}/review-queue", json={"limit": 50})
    assert r.status_code == 200, r.text
    theirs = {x["prediction"]["id"] for x in r.json()}
    assert len(mine) == 20 and len(theirs) == N - 20 and not mine & theirs
    assert take(server, d, limit=5) == []
    with sqlite3.connect(f"{server.folder}/saccade.db", timeout=20) as db:  # a quarter of an hour later
        assert db.execute("UPDATE review_lease SET until = 1 WHERE person_id = (SELECT id FROM person WHERE username = ?)", (name,)).rowcount == N - 20
    assert {x["prediction"]["id"] for x in take(server, d, limit=50)} == theirs
    other.post(f"{server.host}/api/deployment/{d.id}/review-queue", json={"limit": 0, "anew": True})


def test_a_query_narrows_the_queue(server, queue):
    d, ids = queue
    got = take(server, d, q='filename in ("queue3.png", "queue5.png")', anew=True)
    assert {x["prediction"]["filename"] if "filename" in x["prediction"] else x["prediction"]["data"]["filename"] for x in got} == {"queue3.png", "queue5.png"}
    server.refused("POST", f"/api/deployment/{d.id}/review-queue", 400, json={"q": "colour = 3"})
    server.refused("POST", f"/api/deployment/{d.id}/review-queue", 400, json={"order": "BEST"})


def test_a_skipped_image_leaves_the_queue_until_it_is_asked_for(server, queue):
    d, ids = queue
    first = take(server, d, order="UNCERTAIN", limit=1, anew=True)[0]["prediction"]["id"]
    assert server.call("POST", f"/api/predicted/asset/{first}/skip")["skipped"] is True
    assert first not in {x["prediction"]["id"] for x in take(server, d, limit=50, anew=True)} and counts(server, d)["SKIPPED"] == 1
    got = take(server, d, order="SKIPPED", anew=True)
    assert [x["prediction"]["id"] for x in got] == [first]
    assert server.call("DELETE", f"/api/predicted/asset/{first}/skip")["skipped"] is False
    assert take(server, d, order="UNCERTAIN", limit=1, anew=True)[0]["prediction"]["id"] == first


def test_a_review_says_how_its_image_was_chosen_also_when_it_was_taken_back(server, queue):
    d, ids = queue
    drawn, unsure = (take(server, d, order=o, limit=1, anew=True)[0]["prediction"]["id"] for o in ("RANDOM", "UNCERTAIN"))
    assert review(server, d, unsure)["review"]["chosen"] == "UNCERTAIN"
    assert review(server, d, drawn)["review"]["chosen"] == "BY_HAND"  # it had been given back
    drawn = take(server, d, order="RANDOM", limit=1)[0]["prediction"]["id"]
    assert review(server, d, drawn)["review"]["chosen"] == "RANDOM"
    server.call("DELETE", f"/api/predicted/asset/{drawn}/reviews")
    assert drawn not in {x["prediction"]["id"] for x in take(server, d, order="RANDOM", limit=50)}  # it is still who reviewed it that has it
    assert review(server, d, drawn)["review"]["chosen"] == "RANDOM"
    server.refused("POST", f"/api/predicted/asset/{drawn}/skip", 409)


def test_figures_rest_on_what_chance_or_a_person_chose(server, queue):
    d, ids = queue
    before = server.call("GET", f"/api/deployment/{d.id}/dashboard")["reviews"]
    chosen = {r[0]: r[1] for r in server.rows("SELECT v.chosen, count(*) FROM review v JOIN predicted_asset a ON a.id = v.predicted_asset_id WHERE a.deployment_id = ? GROUP BY 1", str(d.id))}
    assert chosen == {"UNCERTAIN": 1, "RANDOM": 1, "BY_HAND": 1}
    assert (before["champion"]["images"], before["shadow"]["images"], before["beside"]["images"], before["directed"]) == (2, 2, 2, 1)
    for x in take(server, d, order="DISAGREE", limit=3, anew=True):
        review(server, d, x["prediction"]["id"])
    after = server.call("GET", f"/api/deployment/{d.id}/dashboard")["reviews"]
    assert (after["champion"], after["directed"]) == (before["champion"], 4)


def test_the_share_is_set_and_holds_for_what_comes(server, queue):
    d, ids = queue
    server.call("PATCH", f"/api/deployment/{d.id}", status=400, json={"review_share": 1.5})
    assert server.call("PATCH", f"/api/deployment/{d.id}", json={"review_share": 0})["review_share"] == 0
    drawn = counts(server, d)["RANDOM"]
    got = take(server, d, limit=10, anew=True)
    assert len(got) == 10 and "RANDOM" not in {x["chosen"] for x in got} and counts(server, d)["RANDOM"] == drawn
    assert {x["chosen"] for x in got} == {"UNCERTAIN", "DISAGREE"}


def test_once_nothing_waits_every_review_counts_and_one_that_is_taken_back_ends_that(server, queue):
    d, ids = queue
    before = server.call("GET", f"/api/deployment/{d.id}/dashboard")["reviews"]
    assert before["directed"] == 4 and before["champion"]["images"] == 2
    last = None
    while got := take(server, d, limit=50, anew=True):
        for x in got:
            last = x["prediction"]["id"]
            review(server, d, last)
    after = server.call("GET", f"/api/deployment/{d.id}/dashboard")["reviews"]
    assert (after["directed"], after["champion"]["images"]) == (0, N)
    server.call("DELETE", f"/api/predicted/asset/{ids[0]}/reviews")  # the oldest one
    again = server.call("GET", f"/api/deployment/{d.id}/dashboard")["reviews"]
    assert again["directed"] > 4 and again["champion"]["images"] + again["directed"] == N - 1
