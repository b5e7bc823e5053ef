"""The gate: a shadow takes over when reviews show it to be better, one that is not stays a shadow, and a champion that turns out worse goes."""
import base64
import io

import pytest
from conftest import unique, wait
from PIL import Image

BOXES = [[20, 20, 60, 60], [20, 90, 60, 130], [90, 20, 130, 60]]  # y0, x0, y1, x1: what is there


@pytest.fixture(scope="module")
def gate(client, trained):
    """A deployment whose predictions come from elsewhere, so that the test says how good each model is."""
    good = trained[0].export_as_model(unique("gate"))
    d = good.deploy(name=unique("gate"), min_threshold=0.3)
    second = trained[0].export_in_existing_model(client.get_model_by_id(good.origin_id))
    return d, str(good.id), str(second.id)


def see(server, d, champion, shadow=None, n=1):
    """n new images, reviewed as they are; champion, shadow: how many of the three boxes each finds."""
    label = d.list_labels()[0]
    jwt = server.call("POST", "/api/auth/login", json={"api_token": server.token, "deployment_id": str(d.id)})["jwt"]
    raw = lambda k: {"detection_classes": [0] * k, "detection_texts": [label.name] * k, "detection_scores": [0.9] * k, "detection_boxes": BOXES[:k]}
    for _ in range(n):
        see.count = getattr(see, "count", 0) + 1
        image = io.BytesIO()
        Image.new("RGB", (160, 160), (see.count % 256, see.count // 256, 7)).save(image, "PNG")
        more = {} if shadow is None else {"shadow_raw_predictions": raw(shadow), "shadow_latency": 0.01}
        a = server.call("POST", f"/api/deployment/{d.id}/predictions", status=201, token=jwt,
                        json={"filename": f"gate{see.count}.png", "content_type": "IMAGE/PNG", "height": 160, "width": 160, "latency": 0.01,
                              "raw_predictions": raw(champion), "image": base64.b64encode(image.getvalue()).decode(), **more})
        server.call("POST", f"/api/predicted/asset/{a['id']}/reviews", status=201,
                    json={"rectangles": [{"x": x0, "y": y0, "w": x1 - x0, "h": y1 - y0, "label_id": str(label.id)} for y0, x0, y1, x1 in BOXES]})


def decisions(server, d):
    """Those that figures made; what people decide stands among them with their name."""
    return [x for x in server.call("GET", f"/api/deployment/{d.id}/decisions")["items"] if x["created_by"] is None]


def now(server, d):
    x = server.call("GET", f"/api/deployment/{d.id}")
    return x["model_version_id"], x["shadow_model_version_id"]


def test_it_is_off_until_it_is_set(server, gate):
    path = f"/api/deployment/{gate[0].id}/gate"
    assert server.call("GET", path) == {"id": str(gate[0].id), "promotes": False, "rolls_back": False, "reviews": 50, "margin": 0, "confidence": 0.95}
    for wrong in ({"reviews": 1}, {"margin": 2}, {"confidence": 1.5}, {"promotes": "yes"}, {}):
        server.call("PATCH", path, status=400, json=wrong)
    assert server.call("PATCH", path, json={"promotes": True, "rolls_back": True, "reviews": 10}) == {
        "id": str(gate[0].id), "promotes": True, "rolls_back": True, "reviews": 10, "margin": 0, "confidence": 0.95}


def test_a_shadow_that_is_no_better_stays_a_shadow(server, gate):
    d, first, second = gate
    server.call("POST", f"/api/deployment/{d.id}/shadow", json={"model_version_id": second})
    see(server, d, 2, 2, n=9)
    see(server, d, 3, 1, n=1)
    one = wait("a decision", lambda: decisions(server, d), 30)
    assert [(x["kind"], x["model_version_id"], x["against_id"], x["images"], x["metric"]) for x in one] == [("KEPT", second, first, 10, "mAP50")]
    assert one[0]["score"] < one[0]["against"] and one[0]["better"] < 0.5 and "does not take over" in one[0]["says"]
    assert now(server, d) == (first, second)


def test_one_that_is_better_takes_over_at_the_next_look(server, gate):
    d, first, second = gate
    see(server, d, 1, 3, n=9)
    assert len(decisions(server, d)) == 1  # the next look needs 20 reviews
    see(server, d, 1, 3, n=1)
    wait("the promotion", lambda: now(server, d) == (second, None), 30)
    made = decisions(server, d)[0]
    assert (made["kind"], made["images"], made["model_version_id"], made["against_id"]) == ("PROMOTED", 20, second, first)
    assert made["score"] > made["against"] and made["better"] >= made["confidence"] == pytest.approx(1 - 0.05 / 4)
    assert "took over from" in made["says"]


def test_a_champion_that_turns_out_worse_goes(server, gate):
    d, first, second = gate
    wait("the new champion is known", lambda: server.rows("SELECT 1 FROM gate WHERE id = ? AND champion_id = ? AND former_low > 0", str(d.id), second), 30)
    see(server, d, 0, n=10)
    wait("the way back", lambda: now(server, d) == (first, None), 30)
    made = decisions(server, d)[0]
    assert (made["kind"], made["model_version_id"], made["against_id"], made["images"], made["score"]) == ("ROLLED_BACK", second, first, 10, 0)
    assert made["against"] > 0 and "predecessor is back" in made["says"]


def test_what_did_well_since_stays(server, gate):
    d, first, second = gate
    server.call("POST", f"/api/deployment/{d.id}/model", json={"model_version_id": second})
    wait("it is known", lambda: server.rows("SELECT 1 FROM gate WHERE id = ? AND champion_id = ? AND former_low > 0", str(d.id), second), 30)
    see(server, d, 3, n=10)
    wait("a decision", lambda: decisions(server, d)[0]["kind"] == "STAYED", 30)
    assert now(server, d) == (second, None)


def test_a_champion_that_went_while_it_was_off_does_not_come_back(server, gate):
    d, first, second = gate
    path = f"/api/deployment/{d.id}/gate"
    server.call("PATCH", path, json={"promotes": False, "rolls_back": False})
    server.call("POST", f"/api/deployment/{d.id}/model", json={"model_version_id": first})
    server.call("PATCH", path, json={"rolls_back": True})
    assert server.rows("SELECT champion_id, former_id, former_low FROM gate WHERE id = ?", str(d.id)) == [(first, None, None)]
