"""Chapters 3 and 4: deploy, predict by plain HTTP and by the client, list, query, review."""
import base64
import json

import pytest
import requests
from conftest import unique, wait
from picsellia.exceptions import NoDataError
from picsellia.types.schemas_prediction import DetectionPredictionFormat


@pytest.fixture(scope="module")
def jwt(server, deployment):
    r = requests.post(f"{server.host}/api/login", headers={"Authorization": f"Token {server.token}"},
                      data=json.dumps({"deployment_id": str(deployment.id), "api_token": server.token}))
    assert r.status_code == 200, r.text
    return r.json()["jwt"]


def predict(server, deployment, bearer, path, **fields):
    with open(path, "rb") as f:
        r = requests.post(f"{server.host}/api/deployment/{deployment.id}/predict", headers={"Authorization": f"Bearer {bearer}"}, data=fields, files={"media": f})
    assert r.status_code == 200, r.text
    return r.json()


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def test_predictions_find_the_cells(server, deployment, jwt, annotated):
    hit = total = 0
    for c in annotated[0]["test"]:
        a = predict(server, deployment, jwt, c.path, source="line-1", tag="summer")
        p = a["predictions"]
        assert len(p["detection_boxes"]) == len(p["detection_scores"]) == len(p["detection_classes"])
        assert all(0.3 <= s <= 1 for s in p["detection_scores"]) and a["latency"] > 0
        assert all(isinstance(v, int) and v >= 0 for b in p["detection_boxes"] for v in b)
        for name, x0, y0, x1, y1 in c.boxes:
            total += 1
            hit += any(a["labels"][str(k)] == name and iou((x0, y0, x1, y1), (b[1], b[0], b[3], b[2])) >= 0.5
                       for k, b in zip(p["detection_classes"], p["detection_boxes"]))
    assert hit / total > 0.3, (hit, total)


def test_predicted_assets_are_listed_and_queried(server, deployment, jwt, annotated):
    c = annotated[0]["valid"][0]
    tag = unique("tag")
    a = predict(server, deployment, jwt, c.path, source="line-2", tag=tag)
    page = server.call("GET", f"/api/deployment/{deployment.id}/predictedassets", params={"q": f'tags.name = "{tag}"', "limit": 10})
    assert page["count"] == 1 and page["items"][0]["id"] == a["predicted_asset_id"] and page["items"][0]["status"] == "TO_REVIEW"
    champion = page["items"][0]["champion"]
    assert champion["model_version_id"] == a["model_version_id"] and len(champion["shapes"]) == len(a["predictions"]["detection_scores"])
    found = [x for x in deployment.list_predicted_assets() if str(x.id) == a["predicted_asset_id"]]
    assert found[0].filename == c.name and found[0].get_champion_prediction()


def test_the_client_predicts(deployment, annotated):
    a = deployment.predict(str(annotated[0]["valid"][1].path), tags=["winter"], source="line-3")
    assert a["predictions"]["detection_boxes"] is not None


def fresh_image(folder, cells):
    """An image that the lake has not seen: bytes after the picture's end make it another file."""
    path = folder / (unique("fresh") + ".jpg")
    path.write_bytes(cells[0].path.read_bytes() + path.name.encode())
    return str(path)


def twins(client, path):
    """The same image twice in the lake, each a Data of its own."""
    return [client.get_datalake().upload_data(path) for _ in range(2)]


def test_a_data_that_is_named_is_the_one_predicted(client, deployment, cells, tmp_path):
    for data in twins(client, fresh_image(tmp_path, cells)):
        a = deployment.predict_data(data)
        assert deployment.find_predicted_asset(id=a["predicted_asset_id"]).data_id == data.id


def test_monitoring_a_data_that_is_named_is_of_that_one(client, deployment, cells, tmp_path):
    shapes = DetectionPredictionFormat(detection_boxes=[[10, 20, 110, 120]], detection_scores=[0.9], detection_classes=[0])
    for data in twins(client, fresh_image(tmp_path, cells)):
        deployment.monitor_data(data, 0.1, 480, 640, shapes)
        assert deployment.find_predicted_asset(data_id=data.id).object_name == data.object_name


def test_what_is_told_with_an_image_of_the_lake_is_kept(server, client, deployment, cells, tmp_path):
    known, plain = fresh_image(tmp_path, cells), fresh_image(tmp_path, cells)
    own = client.get_datalake().upload_data(known, source=unique("own"), metadata={"location": "lab"}, custom_metadata={"batch": 1})
    told = {"source": "camera1", "metadata": {"location": "line 4"}, "custom_metadata": {"batch": 2}}
    a = deployment.predict(known, **told)
    kept = server.call("GET", f"/api/predicted/asset/{a['predicted_asset_id']}")
    assert {k: kept[k] for k in told} == told
    assert own.sync()["custom_metadata"] == {"batch": 1}, "the data has its own"
    seen = deployment.find_predicted_asset(id=a["predicted_asset_id"]).get_data()
    assert seen.id != own.id and seen.sync()["custom_metadata"] == {"batch": 2}, "so that this is another, of the same bytes"
    again = deployment.predict(known, **told)
    assert deployment.find_predicted_asset(id=again["predicted_asset_id"]).data_id == seen.id, "told the same again, it is the same"
    bare = client.get_datalake().upload_data(plain)
    deployment.predict(plain, **told)
    assert bare.get_datasource().name == "camera1" and bare.sync()["custom_metadata"] == {"batch": 2} and bare.metadata["location"] == "line 4"


def test_predictions_have_cursors_in_every_order(server, deployment, cells, tmp_path):
    for _ in range(3):
        deployment.predict(fresh_image(tmp_path, cells))
    path = f"/api/deployment/{deployment.id}/predictedassets"
    value = {"latency": lambda p: p["latency"], "nb_shapes": lambda p: p["nb_shapes"], "filename": lambda p: p["data"]["filename"], "width": lambda p: p["data"]["meta"]["width"],
             "source": lambda p: p["source"] or "", "created_at": lambda p: p["created_at"], "status": lambda p: p["status"]}
    for name, of in value.items():
        got, cursor = [], None
        while cursor is not None or not got:
            page = server.call("GET", path, params={"order_by": name, "limit": 4, **({"cursor": cursor} if cursor else {})})
            got, cursor = got + page["items"], page["next_cursor"]
        assert [of(p) for p in got] == sorted(of(p) for p in got) and len({p["id"] for p in got}) == len(got) >= 3, name
        assert all(p["latency"] == p["champion"]["latency"] and p["nb_shapes"] == len(p["champion"]["shapes"]) for p in got if p["champion"])
    greatest = {p["id"]: max((s["score"] for s in p["champion"]["shapes"]), default=0) for p in got if p["champion"]}
    for limit in sorted(greatest.values()):
        for sign, holds in ((">", lambda s: s > limit), (">=", lambda s: s >= limit)):
            found = server.call("GET", path, params={"q": f"score {sign} {limit}", "limit": 1000})["items"]
            assert {p["id"] for p in found} == {i for i, s in greatest.items() if holds(s)}, (sign, limit)
    counts = server.call("GET", f"/api/deployment/{deployment.id}")["counts"]
    assert counts["total"] == len(got) == counts["to_review"] + counts["reviewed"] + counts["submitted"]


def test_predicted_assets_are_filtered_by_custom_metadata(client, deployment, cells, tmp_path):
    mark = unique("mark")
    mine = deployment.predict(fresh_image(tmp_path, cells), custom_metadata={"mark": mark, "good": True, "n": 4})
    for wanted in ({"mark": mark}, {"mark": mark, "good": True}, {"n": 4, "mark": mark, "absent": None}):
        assert [str(p.id) for p in deployment.list_predicted_assets(custom_metadata=wanted)] == [mine["predicted_asset_id"]]
    with pytest.raises(NoDataError):
        deployment.list_predicted_assets(custom_metadata={"mark": mark, "n": 5})


def test_what_is_no_image_is_refused_and_not_stored(server, deployment, jwt, annotated):
    before = server.rows("SELECT count(*) FROM predicted_asset")
    good = annotated[0]["test"][0].path.read_bytes()
    for bad in (b"", b"not an image", good[:100], b"\x89PNG\r\n\x1a\n" + bytes(50), b"\xff\xd8\xff\xe0" + bytes(2000)):
        r = requests.post(f"{server.host}/api/deployment/{deployment.id}/predict", headers={"Authorization": f"Bearer {jwt}"}, files={"media": ("a.jpg", bad)})
        assert 400 <= r.status_code < 500 and r.json()["message"], (bad[:10], r.status_code, r.text)
    assert server.rows("SELECT count(*) FROM predicted_asset") == before


def test_a_wrong_login_is_refused(server, deployment, jwt, annotated):
    url = f"{server.host}/api/deployment/{deployment.id}/predict"
    for bearer in ("nope", jwt[:-4] + "AAAA", jwt.split(".")[0] + "..", ""):
        r = requests.post(url, headers={"Authorization": f"Bearer {bearer}"}, files={"media": b"x"})
        assert r.status_code == 401, (bearer, r.status_code, r.text)
    assert requests.post(url, files={"media": b"x"}).status_code == 401
    r = requests.post(f"{server.host}/api/login", data=json.dumps({"deployment_id": str(deployment.id), "api_token": "nope"}))
    assert r.status_code == 401


def test_a_login_is_for_one_deployment(server, client, deployment, jwt, annotated, trained):
    other = deployment.get_model_version().deploy(name=unique("other"))
    with open(annotated[0]["test"][0].path, "rb") as f:
        r = requests.post(f"{server.host}/api/deployment/{other.id}/predict", headers={"Authorization": f"Bearer {jwt}"}, files={"media": f})
    assert r.status_code in (401, 403, 404)


def test_a_review_is_kept_with_the_prediction(server, deployment, annotated):
    c = annotated[0]["test"][0]
    a = [x for x in deployment.list_predicted_assets() if x.filename == c.name][0]
    by_name = {x.name: x for x in deployment.list_labels()}
    a.add_review(rectangles=[(x0, y0, x1 - x0, y1 - y0, by_name[n]) for n, x0, y0, x1, y1 in c.boxes])
    now = server.call("GET", f"/api/predicted/asset/{a.id}")
    assert now["status"] == "REVIEWED" and len(now["review"]["rectangles" if "rectangles" in now["review"] else "shapes"]) == len(c.boxes)
    assert a.get_champion_prediction() and a.get_review()


def test_a_review_is_taken_back_until_it_is_sent(server, deployment, annotated):
    c = annotated[0]["test"][0]
    a = [x for x in deployment.list_predicted_assets() if x.filename == c.name][0]
    path, reviewed = f"/api/predicted/asset/{a.id}/reviews", lambda: server.call("GET", f"/api/deployment/{deployment.id}/dashboard")["reviews"]["champion"]["images"]
    before, shapes = reviewed(), server.call("GET", path)["review"]["shapes"]
    now = server.call("DELETE", path)
    assert (now["status"], now["review"], reviewed()) == ("TO_REVIEW", None, before - 1)
    assert "not been reviewed" in server.call("DELETE", path, status=409)["message"]
    assert server.rows("SELECT count(*) FROM review_shape h JOIN review r ON r.id = h.review_id WHERE r.predicted_asset_id = ?", str(a.id)) == [(0,)]
    server.call("POST", path, status=201, json={"rectangles": [{k: s[k] for k in ("x", "y", "w", "h", "label_id")} for s in shapes]})
    assert reviewed() == before and "take that review back" in server.call("POST", path, status=409, json={})["message"]


def test_monitoring_takes_predictions_made_elsewhere(server, deployment, annotated):
    c = annotated[0]["valid"][3]
    label = deployment.list_labels()[0].name
    body = {"filename": c.name, "content_type": "IMAGE/JPEG", "height": 480, "width": 640, "latency": 0.02,
            "raw_predictions": {"detection_classes": [0], "detection_texts": [label], "detection_boxes": [[10, 20, 110, 120]], "detection_scores": [0.9]},
            "image": base64.b64encode(c.path.read_bytes()).decode(), "source": "elsewhere", "tags": ["mine"]}
    jwt = server.call("POST", "/api/auth/login", json={"api_token": server.token, "deployment_id": str(deployment.id)})["jwt"]
    server.call("POST", f"/api/deployment/{deployment.id}/predictions", status=201, token=jwt, json=body)
    page = server.call("GET", f"/api/deployment/{deployment.id}/predictedassets", params={"q": 'tags.name = "mine"'})
    assert page["count"] == 1
    shape = page["items"][0]["champion"]["shapes"][0]
    assert (shape["x"], shape["y"], shape["w"], shape["h"]) == (20, 10, 100, 100)


def test_paused_it_does_not_answer(server, deployment, jwt, annotated):
    server.call("POST", f"/api/deployment/{deployment.id}/pause")
    with open(annotated[0]["test"][0].path, "rb") as f:
        r = requests.post(f"{server.host}/api/deployment/{deployment.id}/predict", headers={"Authorization": f"Bearer {jwt}"}, files={"media": f})
    server.call("POST", f"/api/deployment/{deployment.id}/resume")
    assert r.status_code in (409, 423, 503)
    predict(server, deployment, jwt, annotated[0]["test"][0].path)


def test_the_dashboard_counts(server, deployment):
    board = server.call("GET", f"/api/deployment/{deployment.id}/dashboard")
    assert str(len(server.rows("SELECT id FROM predicted_asset WHERE deployment_id = ?", str(deployment.id)))) in str(board)


def test_the_heatmap_tells_how_many_objects_cover_each_cell(server, deployment, annotated):
    c = annotated[0]["valid"][3]
    other = deployment.get_model_version().deploy(name=unique("heat"))
    names = [l.name for l in other.list_labels()]
    jwt = server.call("POST", "/api/auth/login", json={"api_token": server.token, "deployment_id": str(other.id)})["jwt"]
    boxes = [[0, 0, 480, 320], [0, 0, 120, 320], [475, 635, 480, 640]]  # y0, x0, y1, x1 of the left half, its upper quarter, less than one cell
    body = {"filename": c.name, "content_type": "IMAGE/JPEG", "height": 480, "width": 640, "latency": 0.02,
            "raw_predictions": {"detection_classes": [0, 1, 1], "detection_texts": [names[0], names[1], names[1]], "detection_boxes": boxes, "detection_scores": [0.9, 0.9, 0.9]},
            "image": base64.b64encode(c.path.read_bytes()).decode()}
    empty = server.call("GET", f"/api/deployment/{other.id}/heatmap")
    assert (empty["images"], empty["shapes"], sum(empty["values"])) == (0, 0, 0)
    server.call("POST", f"/api/deployment/{other.id}/predictions", status=201, token=jwt, json=body)
    heat = server.call("GET", f"/api/deployment/{other.id}/heatmap", params={"since": "3600"})
    assert (heat["images"], heat["shapes"], heat["width"], heat["height"], len(heat["values"])) == (1, 3, 48, 48, 48 * 48)
    at = lambda x, y: heat["values"][y * 48 + x]
    assert (at(0, 0), at(23, 11), at(23, 12), at(0, 47), at(24, 0), at(46, 47)) == (2, 2, 1, 1, 0, 0)
    assert at(47, 47) == round(25 / (640 / 48 * 480 / 48), 3)
    one = server.call("GET", f"/api/deployment/{other.id}/heatmap", params={"label_id": str([l.id for l in other.list_labels() if l.name == names[0]][0])})
    assert (one["shapes"], sum(one["values"])) == (1, 24 * 48)
    server.call("GET", f"/api/deployment/{other.id}/heatmap", params={"since": "yesterday"}, status=400)
    second = annotated[0]["valid"][4]
    told = {"detection_classes": [0, 0], "detection_texts": [names[0]] * 2, "detection_boxes": [[0, 320, 480, 640], [0, 320, 480, 640]], "detection_scores": [0.95, 0.25]}
    server.call("POST", f"/api/deployment/{other.id}/predictions", status=201, token=jwt, json={**body, "filename": second.name, "image": base64.b64encode(second.path.read_bytes()).decode(), "raw_predictions": told})
    ids = {l.name: str(l.id) for l in other.list_labels()}
    behind = lambda **f: sorted(a["data"]["filename"] for a in server.call("GET", f"/api/deployment/{other.id}/objects/assets", params=f)["items"])
    everywhere = [(behind(column=x, row=y), x < 24 or (x, y) == (47, 47), x >= 24) for x, y in ((0, 0), (23, 12), (24, 0), (46, 47), (47, 47))]
    assert all(found == sorted([c.name] * left + [second.name] * right) for found, left, right in everywhere), everywhere
    assert behind(column=0, row=0, label_id=ids[names[1]]) == [c.name] == behind(column=0, row=11, label_id=ids[names[1]]) and behind(column=0, row=12, label_id=ids[names[1]]) == []
    # Of one object each: the second image has one above and one below, and none between.
    assert behind(score_from=0.9) == sorted([c.name, second.name]) and behind(score_from=0.2, score_below=0.3) == [second.name] and behind(score_from=0.3, score_below=0.9) == []
    assert behind(score_from=0.9, label_id=ids[names[1]]) == [c.name] and behind(slot="shadow") == []
    server.call("GET", f"/api/deployment/{other.id}/objects/assets", params={"column": 48}, status=400)


def test_a_dashboard_is_narrowed_and_tells_the_query_that_opens_what_it_looked_at(server, deployment, annotated):
    cells = iter(annotated[0]["valid"][:3])
    mv = deployment.get_model_version()
    d = mv.deploy(name=unique("narrow"))
    name = d.list_labels()[0].name
    jwt = server.call("POST", "/api/auth/login", json={"api_token": server.token, "deployment_id": str(d.id)})["jwt"]
    odd = 'line "1" \\ left'

    def send(source, tags, at, boxes):
        c = next(cells)
        body = {"filename": c.name, "content_type": "IMAGE/JPEG", "height": 480, "width": 640, "latency": 0.02, "source": source, "tags": tags, "timestamp": at,
                "raw_predictions": {"detection_classes": [0] * boxes, "detection_texts": [name] * boxes, "detection_boxes": [[0, 0, 480, 640]] * boxes, "detection_scores": [0.95] * boxes},
                "image": base64.b64encode(c.path.read_bytes()).decode()}
        return server.call("POST", f"/api/deployment/{d.id}/predictions", status=201, token=jwt, json=body)
    send(odd, ["night"], "2025-03-01T00:00:00Z", 3)
    send(odd, [], "2025-03-02T00:00:00Z", 2)
    send("line 2", ["night"], "2025-03-03T00:00:00Z", 1)
    board = lambda **f: server.call("GET", f"/api/deployment/{d.id}/dashboard", params=f)
    heat = lambda **f: server.call("GET", f"/api/deployment/{d.id}/heatmap", params=f)
    versions = {"model_version_id": str(mv.id)}
    for f, images, shapes in (({}, 3, 6), ({"source": odd}, 2, 5), ({"tag": "night"}, 2, 4), ({"source": odd, "tag": "night"}, 1, 3), ({"q": "nb_shapes < 3"}, 2, 3), ({"q": "nb_shapes = 1 or nb_shapes = 3", "source": "line 2"}, 1, 1),
                              (versions, 3, 6), ({**versions, "slot": "champion"}, 3, 6), ({**versions, "slot": "shadow"}, 0, 0), ({"slot": "shadow"}, 0, 0), ({"since": "2025-03-02T00:00:00Z"}, 2, 3), ({"since": "2025-03-01T12:00:00Z", "until": "2025-03-02T12:00:00Z"}, 1, 2)):
        b, h = board(**f), heat(**f)
        assert (b["counts"]["in_range"], b["looked_at"], h["images"], h["shapes"], sum(b["scores"]), sum(l["champion"] for l in b["labels"])) == (images, {"predictions": images, "all": True}, images, shapes, shapes, shapes), f
        behind = server.call("GET", f"/api/deployment/{d.id}/predictedassets", params={"q": b["query"]} if b["query"] else {})
        assert [a["id"] for a in behind["items"]] == [a["id"] for a in b["last_predictions"]] and len(behind["items"]) == images == len(b["latency"]), f
    choices = server.call("GET", f"/api/deployment/{d.id}/filters")
    assert (choices["sources"], choices["tags"]) == (sorted([odd, "line 2"]), ["night"])
    assert [(v["model_version_id"], v["slot"], v["predictions"]) for v in choices["versions"]] == [(str(mv.id), "champion", 3)]
    for wrong in ({"q": "nb_shapes <"}, {"q": "1 = 1) or (1 = 1"}, {"slot": "nobody"}, {"until": "2025-03-01T00:00:00Z", "since": "2025-03-02T00:00:00Z"}, {"until": "soon"}, {"source": "x" * 1001}):
        server.call("GET", f"/api/deployment/{d.id}/dashboard", params=wrong, status=400)


def test_a_model_is_tried_on_an_image_that_is_not_kept(server, deployment, jwt, annotated):
    c = annotated[0]["test"][1]
    url = f"{server.host}/api/model/version/{deployment.get_model_version().id}/try"
    head = {"Authorization": f"Bearer {server.token}"}
    kept = [server.rows(f"SELECT count(*) FROM {t}") for t in ("data", "object", "predicted_asset")]
    form = lambda body, **fields: requests.post(url, headers=head, files={"media": ("a.jpg", body)}, data=fields)
    got = form(c.path.read_bytes(), threshold="0.3").json()
    assert [server.rows(f"SELECT count(*) FROM {t}") for t in ("data", "object", "predicted_asset")] == kept
    said = requests.post(f"{server.host}/api/deployment/{deployment.id}/predict", headers={"Authorization": f"Bearer {jwt}"}, files={"media": (c.name, c.path.read_bytes())}).json()
    least = server.call("GET", f"/api/deployment/{deployment.id}")["min_threshold"]
    names = said["labels"]
    both = max(0.3, least)
    assert [(s["label"], round(s["score"], 6)) for s in got["shapes"] if s["score"] >= both] == [
        (names[str(k)], p) for k, p in zip(said["predictions"]["detection_classes"], said["predictions"]["detection_scores"]) if p >= both]
    assert (got["width"], got["height"], got["threshold"]) == (said["width"], said["height"], 0.3)
    assert got["shapes"] and len(form(c.path.read_bytes()).json()["shapes"]) >= len(got["shapes"])
    for bad, fields in ((b"no image", {}), (b"", {}), (c.path.read_bytes()[:300], {}), (c.path.read_bytes(), {"threshold": "1.5"}), (c.path.read_bytes(), {"threshold": "much"})):
        r = form(bad, **fields)
        assert r.status_code == 400 and r.json()["message"], (bad[:10], fields, r.status_code)
