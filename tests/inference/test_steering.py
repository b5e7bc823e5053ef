"""What people decide about a deployment: a canary's share, promoting, rolling back, resting, and which server answers."""
import base64
import hashlib

import numpy as np
import pytest
import requests
from conftest import unique, wait


@pytest.fixture(scope="module")
def versions(trained):
    """Two versions of one network: what they say is alike, and who said it differs."""
    return [trained[0].export_as_model(unique("model")) for _ in range(2)]


@pytest.fixture
def steered(server, versions):
    """A deployment of the first version with the second as its shadow."""
    d = versions[0].deploy(name=unique("steered"), min_threshold=0.5)
    server.call("POST", f"/api/deployment/{d.id}/shadow", json={"model_version_id": str(versions[1].id)})
    return str(d.id)


@pytest.fixture(scope="module")
def picture(annotated):
    return annotated[0]["valid"][0].path.read_bytes()


def ask(server, deployment, picture, request=None, status=None):
    return server.call("POST", f"/api/deployment/{deployment}/predict", status, files={"media": picture}, headers={"X-Request-Id": request} if request else {})


def share_of(server, deployment, share):
    return server.call("POST", f"/api/deployment/{deployment}/canary", json={"share": share})


def decisions(server, deployment):
    return server.call("GET", f"/api/deployment/{deployment}/decisions")["items"]


def test_a_canary_answers_its_share_of_the_requests(server, steered, versions, picture):
    champion, candidate = (str(v.id) for v in versions)
    assert share_of(server, steered, 0.3)["canary_share"] == 0.3
    names = [f"request {i}" for i in range(60)]
    wanted = {n for n in names if int(hashlib.sha256(n.encode()).hexdigest()[:8], 16) / 2**32 < 0.3}
    answers = {n: ask(server, steered, picture, n) for n in names}
    assert {n for n, a in answers.items() if a["model_version_id"] == candidate} == wanted and 8 <= len(wanted) <= 28
    assert {a["model_version_id"] for a in answers.values()} == {champion, candidate}
    assert ask(server, steered, picture, min(wanted))["model_version_id"] == candidate, "the same request, the same model"
    page = server.call("GET", f"/api/deployment/{steered}/predictedassets", params={"q": "canary = True", "limit": 100})
    assert page["count"] == len(wanted) + 1
    assert all(a["shadow"]["model_version_id"] == candidate for a in page["items"])

    def both():
        of = server.rows("SELECT p.is_shadow, count(*) FROM prediction p JOIN predicted_asset a ON a.id = p.predicted_asset_id WHERE a.deployment_id = ?"
                         " GROUP BY p.is_shadow ORDER BY 1", steered)
        return of == [(0, 61), (1, 61)]
    wait("each image is seen by both models, whichever answered", both, 60)
    asset = server.call("GET", f"/api/predicted/asset/{answers[min(wanted)]['predicted_asset_id']}")
    assert asset["champion"]["model_version_id"] == champion and asset["canary"] is True and asset["disagreement"] is not None


def test_a_canary_is_changed_and_ended_and_each_is_a_record(server, steered, versions, picture):
    for share, who in ((1, 1), (0, 0)):
        share_of(server, steered, share)
        assert {ask(server, steered, picture)["model_version_id"] for _ in range(6)} == {str(versions[who].id)}
    ended, began, shadow = decisions(server, steered)[:3]
    assert (began["kind"], ended["kind"], shadow["kind"]) == ("CANARY", "CANARY", "SHADOW")
    assert "answers 100 % of the requests" in began["says"] and "no requests any more" in ended["says"]
    assert began["created_by"] == server.username and began["model_version_id"] == str(versions[1].id)
    share_of(server, steered, 0.5)
    server.call("POST", f"/api/deployment/{steered}/shadow", json={"model_version_id": None})
    d = server.call("GET", f"/api/deployment/{steered}")
    assert d["canary_share"] == 0, "another shadow begins without a share"
    server.refused("POST", f"/api/deployment/{steered}/canary", 409, "no shadow", json={"share": 0.5})


def test_a_candidate_that_cannot_be_run_leaves_the_request_to_the_champion(server, trained, versions, picture):
    broken = trained[0].export_as_model(unique("model"))
    d = str(versions[0].deploy(name=unique("steered"), min_threshold=0.5).id)
    server.call("POST", f"/api/deployment/{d}/shadow", json={"model_version_id": str(broken.id)})
    share_of(server, d, 1)
    broken.get_file("model-latest").delete()
    a = ask(server, d, picture)
    assert a["model_version_id"] == str(versions[0].id)
    assert server.call("GET", f"/api/predicted/asset/{a['predicted_asset_id']}")["canary"] is False


def test_the_inference_protocol_names_both_versions_of_a_canary(server, steered, versions, picture):
    at = f"/v2/models/{steered}"
    number = lambda v: str(server.call("GET", f"/api/model/version/{v.id}")["version"])
    request = {"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [base64.b64encode(picture).decode()]}], "parameters": {"monitor": False}}
    assert server.call("GET", at)["versions"] == [number(versions[0])]
    server.refused("POST", f"{at}/versions/{versions[1].id}/infer", 404, "does not answer", json=request)
    share_of(server, steered, 0.01)
    assert server.call("GET", at)["versions"] == [number(v) for v in versions]
    for v in versions:
        assert server.call("POST", f"{at}/versions/{v.id}/infer", json=request)["model_version"] == number(v)


def test_the_former_champion_comes_back_by_one_call(server, steered, versions):
    of = lambda key: (server.call("GET", f"/api/deployment/{steered}")[key] or {}).get("id")
    server.refused("POST", f"/api/deployment/{steered}/rollback", 409, "no former champion")
    share_of(server, steered, 0.5)
    promoted = server.call("POST", f"/api/deployment/{steered}/shadow/promote")
    assert promoted["model_version"]["id"] == str(versions[1].id) and promoted["canary_share"] == 0
    assert of("former_model_version") == str(versions[0].id)
    back = server.call("POST", f"/api/deployment/{steered}/rollback")
    assert back["model_version"]["id"] == str(versions[0].id) and back["former_model_version"] is None
    server.refused("POST", f"/api/deployment/{steered}/rollback", 409, "no former champion")
    gone, took = decisions(server, steered)[:2]
    assert (gone["kind"], took["kind"]) == ("ROLLED_BACK", "PROMOTED") and gone["created_by"] == took["created_by"] == server.username
    assert gone["model_version_id"] == str(versions[1].id) and gone["against_id"] == str(versions[0].id) and gone["metric"] is None
    server.call("POST", f"/api/deployment/{steered}/model", json={"model_version_id": str(versions[1].id)})
    assert decisions(server, steered)[0]["kind"] == "CHAMPION" and of("former_model_version") == str(versions[0].id)


def test_a_deployment_rests_and_goes_on(server, steered, picture):
    server.call("POST", f"/api/deployment/{steered}/pause")
    server.refused("POST", f"/api/deployment/{steered}/predict", 409, "paused", files={"media": picture})
    assert server.call("POST", f"/api/deployment/{steered}/pause")["status"] == "PAUSED"
    server.call("POST", f"/api/deployment/{steered}/resume")
    assert ask(server, steered, picture)["predicted_asset_id"]
    assert [x["kind"] for x in decisions(server, steered)[:3]] == ["RESUMED", "PAUSED", "SHADOW"], "what changes nothing is no record"


@pytest.mark.parametrize("mode", ["OWN_SERVING", "MONITORING"])
def test_what_another_server_predicts_is_told_with_a_token(server, versions, annotated, mode):
    d = server.call("POST", f"/api/model/version/{versions[0].id}/deploy", json={"name": unique("own"), "min_threshold": 0.5, "mode": mode})
    assert d["mode"] == mode and d["serving_host"] is None and d["oracle_host"]
    at = f"/api/deployment/{d['id']}"
    token = server.call("POST", f"{at}/tokens", json={"name": "their server"})["token"]
    head = {"Authorization": f"Bearer {token}"}
    cell = annotated[0]["valid"][1]
    server.refused("POST", f"{at}/predict", 409, "made elsewhere", files={"media": cell.path.read_bytes()}, headers=head)
    server.refused("GET", f"/v2/models/{d['id']}/ready", 409, "made elsewhere", headers=head)
    server.refused("POST", f"{at}/rollback", 403, "predictions only", headers=head)
    told = {"filename": cell.name, "content_type": "image/jpeg", "width": 640, "height": 480, "latency": 0.02, "image": base64.b64encode(cell.path.read_bytes()).decode(),
            "raw_predictions": {"detection_classes": [0], "detection_scores": [0.9], "detection_boxes": [[10, 10, 90, 90]]}}
    r = requests.post(server.host + at + "/predictions", json=told, headers=head, timeout=30)
    assert r.status_code == 201, r.text
    dash = server.call("GET", f"{at}/dashboard")
    assert server.call("GET", at)["counts"]["total"] == 1 and np.isclose(server.call("GET", f"/api/predicted/asset/{r.json()['id']}")["latency"], 0.02) and dash


def test_what_cannot_be_served_here_is_refused_or_monitored(server, client):
    model = client.create_model(name=unique("foreign"))
    v = server.call("POST", f"/api/model/{model.id}/versions", json={"name": "one", "type": "OBJECT_DETECTION", "framework": "PYTORCH", "labels": {"0": "cell"}})
    at = f"/api/model/version/{v['id']}/deploy"
    server.refused("POST", at, 422, "cannot be served here", json={"name": unique("x"), "mode": "SERVING"})
    server.refused("POST", at, 400, "mode", json={"name": unique("x"), "mode": "ELSEWHERE"})
    server.refused("POST", at, 400, "exclude", json={"name": unique("x"), "mode": "SERVING", "disable_serving": True})
    assert server.call("POST", at, json={"name": unique("x")})["mode"] == "MONITORING"
