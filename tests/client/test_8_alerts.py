"""Alerts: looked at by the worker, with states, a history, and people who take care of them."""
import base64
import struct
import zlib

import pytest
from conftest import unique, wait


def picture(seed):
    rows = b"".join(b"\0" + bytes((x * seed + y) % 256 for x in range(64 * 3)) for y in range(48))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Watched:
    """A deployment whose predictions are made elsewhere and told here."""

    def __init__(self, server):
        self.server, self.seed = server, 0
        org = server.call("GET", "/api/home/ping")["default_organization"]
        model = server.call("POST", f"/api/organization/{org}/models", json={"name": unique("watched")})["id"]
        version = server.call("POST", f"/api/model/{model}/versions", json={"name": "one", "type": "OBJECT_DETECTION", "framework": "ONNX", "labels": {"0": "cell"}})["id"]
        self.org, self.name = org, unique("watched")
        self.id = server.call("POST", f"/api/organization/{org}/deployments", json={"name": self.name, "model_version_id": version, "min_threshold": 0})["id"]

    def tell(self, latency, boxes=1, score=0.9):
        self.seed += 1
        return self.server.call("POST", f"/api/deployment/{self.id}/predictions", json={
            "filename": f"{self.seed}.png", "content_type": "image/png", "width": 64, "height": 48, "latency": latency,
            "image": base64.b64encode(picture(self.seed)).decode(),
            "raw_predictions": {"detection_classes": [0] * boxes, "detection_scores": [score] * boxes, "detection_boxes": [[1, 2, 11, 12]] * boxes}})["id"]

    def alert(self, **rule):
        return self.server.call("POST", f"/api/deployment/{self.id}/alerts", json=rule)["id"]

    def is_in(self, alert, state):
        return wait(f"the alert is {state}", lambda: next((a for a in [self.server.call("GET", f"/api/alert/{alert}")] if a["state"] == state), None), 30)


@pytest.fixture(scope="module")
def watched(server):
    return Watched(server)


def test_an_alert_fires_is_acknowledged_and_ends(server, watched):
    alert = watched.alert(metric="latency", value=1000, window_predictions=1)
    watched.tell(0.1)
    watched.tell(2.5)
    fires = watched.is_in(alert, "FIRING")
    assert fires["triggered"] and fires["last_value"] == 2500 and fires["triggered_at"] and fires["says"] == "Latency of the last prediction is above 1000 ms"
    shown = server.call("GET", f"/api/deployment/{watched.id}/dashboard")["alerts"]
    assert [a["text"] for a in shown] == ["Latency of the last prediction is above 1000 ms: it is 2500 ms"] and not shown[0]["acknowledged"]
    everywhere = server.call("GET", f"/api/organization/{watched.org}/alerts?q=state%20%3D%20%22FIRING%22")["items"]
    assert alert in [a["id"] for a in everywhere]
    seen = server.call("POST", f"/api/alert/{alert}/acknowledge")
    assert seen["acknowledged_by"] == "admin" and seen["acknowledged_at"]
    wait("it ends", lambda: watched.tell(0.1) and server.call("GET", f"/api/alert/{alert}")["state"] == "OK", 30, 1)
    assert server.call("GET", f"/api/alert/{alert}")["acknowledged_by"] is None
    changes = server.call("GET", f"/api/alert/{alert}/history")["items"]
    assert [(c["state"], c["why"]) for c in changes] == [("OK", "it is 100 ms"), ("FIRING", "it is 2500 ms")]


def test_an_alert_that_must_hold_is_pending_until_it_has(server, watched):
    alert = watched.alert(metric="objects", operator=">", value=2, window_predictions=2, min_count=2, hold_seconds=3)
    watched.tell(0.1, boxes=4)
    watched.tell(0.1, boxes=4)
    watched.is_in(alert, "FIRING")
    states = [c["state"] for c in server.call("GET", f"/api/alert/{alert}/history")["items"]]
    assert states == ["FIRING", "PENDING"]
    assert server.call("PATCH", f"/api/alert/{alert}", json={"value": 10})["state"] == "OK"
    assert server.call("GET", f"/api/alert/{alert}/history")["items"][0]["why"] == "the rule was changed"


def test_requests_that_are_refused_count(server, deployment, cells):
    """Of a deployment that serves: what cannot be decoded is refused, by the minute."""
    alert = server.call("POST", f"/api/deployment/{deployment.id}/alerts", json={"metric": "error_rate", "value": 10, "min_count": 2})["id"]
    deployment.predict(str(cells[0].path))
    server.refused("POST", f"/api/deployment/{deployment.id}/predict", 400, files={"media": ("a.png", b"no image", "image/png")})
    fires = wait("it fires", lambda: next((a for a in [server.call("GET", f"/api/alert/{alert}")] if a["state"] == "FIRING"), None), 30)
    assert fires["last_value"] >= 10 and fires["last_count"] >= 2


def test_silence_needs_no_prediction_to_be_heard(server, watched):
    alert = watched.alert(metric="silence", operator=">=", value=0.5)
    watched.tell(0.1)
    watched.is_in(alert, "FIRING")


def test_the_deployments_of_an_organization_are_told_to_prometheus(server, watched):
    alert = watched.alert(metric="objects", operator=">", value=0, window_predictions=1, hold_seconds=0)
    watched.tell(0.03)
    watched.is_in(alert, "FIRING")
    lines = server.call("GET", f"/api/organization/{watched.org}/metrics").text.splitlines()
    mine = f'{{deployment="{watched.id}",name="{watched.name}"'
    value = lambda start: float(next(x for x in lines if x.startswith(start + mine)).split()[-1])
    told = value("saccade_predictions_total")
    assert told >= 1 and value("saccade_prediction_seconds_count") == told and value("saccade_prediction_seconds_sum") >= 0.03
    buckets = [float(x.split()[-1]) for x in lines if x.startswith("saccade_prediction_seconds_bucket" + mine)]
    assert buckets == sorted(buckets) and buckets[-1] == told
    assert any(x.startswith("saccade_alert_firing" + mine) and alert in x for x in lines)
    assert watched.name not in server.call("GET", "/metrics").text, "what needs no login names no deployment"
