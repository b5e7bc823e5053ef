"""Outliers: a deployment fits to its champion's training images by itself, and images unlike them are told from those that are like them."""
import io
import os
import signal

import pytest
from conftest import draw, unique, wait
from picsellia.types.enums import ServiceMetrics
from PIL import Image, ImageOps

EARLY, LIKE, UNLIKE = 4, 12, 6


def inverted(path):
    out = io.BytesIO()
    ImageOps.invert(Image.open(path).convert("RGB")).save(out, "JPEG", quality=90)
    return out.getvalue()


@pytest.fixture(scope="module")
def watched(trained):
    return trained[0].export_as_model(unique("model")).deploy(name=unique("outliers"), min_threshold=0.3)


@pytest.fixture(scope="module")
def path(watched):
    return f"/api/deployment/{watched.id}/outliers"


@pytest.fixture(scope="module")
def told(server, path):
    return lambda **more: server.call("GET", path, **more)


@pytest.fixture(scope="module")
def listed(server, watched):
    return lambda **params: server.call("GET", f"/api/deployment/{watched.id}/predictedassets", params={"limit": 1000, "count": "exact", **params})


def send(server, watched, name, body):
    return server.call("POST", f"/api/deployment/{watched.id}/predict", files={"media": (name, body)})["predicted_asset_id"]


def settled(told):
    return wait("scores", lambda: (t := told())["state"] == "READY" and t["waits_for"] is None and t["next_fit"] is None and t, 120)


@pytest.fixture(scope="module")
def sent(server, watched, told, tmp_path_factory):
    """Images before there is a fit, then some that are like the training images, then some that are not."""
    images = draw(tmp_path_factory.mktemp("seen"), EARLY + LIKE + UNLIKE, 91)
    early = [send(server, watched, c.name, c.path.read_bytes()) for c in images[:EARLY]]
    wait("the fit", lambda: told()["fit"], 120)
    like = [send(server, watched, c.name, c.path.read_bytes()) for c in images[EARLY:EARLY + LIKE]]
    unlike = [send(server, watched, f"inverted-{c.name}", inverted(c.path)) for c in images[EARLY + LIKE:]]
    wait("all scores", lambda: told()["scored"] == len(images) and settled(told))
    return early, like, unlike


def test_a_fit_to_the_training_images_is_made_by_itself(server, watched, told, sent, annotated):
    fit = told()["fit"]
    assert fit["dataset_version"]["id"] == str(annotated[1]["train"].id)
    assert (fit["state"], fit["images"], fit["held_out"], fit["percentile"], fit["error"], fit["progress"]) == ("READY", 36, 18, 99, None, None)
    assert 0 < fit["loss"] and 0 < fit["seconds"] < 180 and fit["chance"] == pytest.approx(1 / 19)
    (job,) = server.rows("SELECT status, result FROM job WHERE kind = 'fit_outliers' AND about_id = ?", str(watched.id))
    assert job[0] == "SUCCEEDED" and '"images":36' in job[1]


def test_images_unlike_the_training_images_are_outliers(told, listed, sent):
    early, like, unlike = sent
    found = {a["id"]: a for a in listed()["items"]}
    threshold = told()["fit"]["threshold"]
    assert all(a["is_outlier"] == (a["outlier_score"] > threshold) for a in found.values())
    assert all(found[i]["is_outlier"] for i in unlike)
    assert sum(found[i]["is_outlier"] for i in early + like) <= 6 and min(found[i]["outlier_score"] for i in unlike) > max(found[i]["outlier_score"] for i in early + like)


def test_what_is_told_are_the_scores_that_are_kept(told, listed, sent):
    now, kept = told(), {a["id"]: a for a in listed()["items"]}
    assert now["scored"] == len(now["points"]) == EARLY + LIKE + UNLIKE and now["outliers"] == sum(a["is_outlier"] for a in kept.values())
    assert {p["id"]: (p["score"], p["is_outlier"]) for p in now["points"]} == {i: (a["outlier_score"], a["is_outlier"]) for i, a in kept.items()}
    h = now["histogram"]
    assert len(h["training"]) == len(h["window"]) == len(h["edges"]) + 1 and sum(h["training"]) == 18 and sum(h["window"]) == now["scored"]
    last = h["edges"][-1]
    assert h["window"][-1] == sum(p["score"] >= last for p in now["points"])
    assert told(params={"since": "2100-01-01T00:00:00Z"})["points"] == []


def test_outliers_are_searched_for_and_sorted_by(told, listed, sent):
    threshold = told()["fit"]["threshold"]
    outliers = listed(q="outlier.is = True")
    assert {a["id"] for a in outliers["items"]} == {a["id"] for a in listed()["items"] if a["is_outlier"]} >= set(sent[2])
    assert listed(q=f"outlier.score > {threshold}")["count"] == outliers["count"]
    assert listed(q=f"outlier.is = False and outlier.score <= {threshold}")["count"] == EARLY + LIKE + UNLIKE - outliers["count"]
    scores = [a["outlier_score"] for a in listed(order_by="-outlier.score")["items"]]
    assert scores == sorted(scores, reverse=True) and {a["id"] for a in listed(order_by="-outlier.score", limit=UNLIKE)["items"]} == set(sent[2])


def test_the_client_reads_outlying_scores(watched, told, listed, sent):
    stats = watched.get_stats(ServiceMetrics.PREDICTIONS_OUTLYING_SCORE)
    kept = {a["id"]: a for a in listed()["items"]}
    assert stats["service"] == "ae_outlier" and {i["oracle_prediction_id"]: i["ae_outlier"] for i in stats["items"]} == {i: a["outlier_score"] for i, a in kept.items()}
    assert all(i["is_outlier"] == kept[i["oracle_prediction_id"]]["is_outlier"] and i["timestamp"] for i in stats["items"])
    some = watched.get_stats(ServiceMetrics.PREDICTIONS_OUTLYING_SCORE, includes=[str(i) for i in sent[2]])
    assert {i["oracle_prediction_id"] for i in some["items"]} == set(sent[2])


def test_the_score_is_a_compared_feature_of_the_drift(server, watched, sent):
    drift = server.call("GET", f"/api/deployment/{watched.id}/stats", params={"service": "ks_drift"})["result"]
    f = next(f for f in drift["features"] if f["feature"] == "outlier_score")
    assert f["query"] == "outlier.score" and f["n_before"] == 18 and f["against"] == "TRAINING" and f["n_window"] == EARLY + LIKE + UNLIKE
    everything = server.call("GET", f"/api/deployment/{watched.id}/stats", params={"service": "ae_outlier"})["result"]
    assert everything["count"] == everything["scored"] == EARLY + LIKE + UNLIKE and everything["min"] <= everything["mean"] <= everything["max"]


def test_alerts_watch_outliers(server, watched, told, sent):
    alerts = f"/api/deployment/{watched.id}/alerts"
    share = server.call("POST", alerts, json={"metric": "is_outlier", "operator": ">", "value": 20, "window_predictions": 10, "min_count": 5})
    score = server.call("POST", alerts, json={"metric": "outlier_score", "operator": ">", "value": told()["fit"]["threshold"], "window_predictions": UNLIKE, "min_count": UNLIKE})
    firing = lambda i: (a := next(a for a in server.call("GET", alerts)["items"] if a["id"] == i))["state"] == "FIRING" and a
    assert wait("the share", lambda: firing(share["id"]))["last_value"] >= 60
    assert wait("the score", lambda: firing(score["id"]))["last_value"] > told()["fit"]["threshold"]


def test_another_percentile_moves_the_threshold_and_the_flags(server, path, told, listed, sent):
    before = told()["fit"]
    assert server.call("PATCH", path, json={"percentile": 50}) == {"active": True, "percentile": 50}
    after = told()["fit"]
    assert after["id"] == before["id"] and after["threshold"] < before["threshold"] and after["chance"] == pytest.approx(9 / 19)
    def follow(threshold):
        wait("the flags", lambda: all(a["is_outlier"] == (a["outlier_score"] > threshold) for a in listed()["items"]))
    follow(after["threshold"])
    server.call("PATCH", path, json={"percentile": 99})
    follow(before["threshold"])
    for wrong, word in (({"percentile": 49}, "percentile"), ({"percentile": 101}, "percentile"), ({"active": None}, "active"), ({}, "nothing was sent")):
        server.refused("PATCH", path, 400, word, json=wrong)


def test_a_fit_that_is_killed_begins_anew(server, path, told, listed, sent):
    first = told()["fit"]["id"]
    server.call("POST", f"{path}/fit")
    server.refused("POST", f"{path}/fit", 409, "under way")
    wait("the fit to begin", lambda: (t := told())["state"] == "WORKING" and t["next_fit"]["progress"])
    os.kill(worker_of(server), signal.SIGKILL)
    now = wait("the fit", lambda: (t := settled(told))["fit"]["id"] != first and t, 120)
    assert now["fit"]["images"] == 36
    wait("all scores", lambda: told()["fit"]["older_scored"] == EARLY + LIKE + UNLIKE)
    assert all((a["outlier_score"] > now["fit"]["threshold"]) == a["is_outlier"] for a in listed()["items"])
    assert {a["id"] for a in listed(order_by="-outlier.score", limit=UNLIKE)["items"]} == set(sent[2])


def test_a_fit_whose_file_is_gone_is_told_and_made_again(server, watched, path, told, sent, tmp_path):
    ((stored,),) = server.rows("SELECT o.hash FROM outlier m JOIN outlier_fit f ON f.id = m.fit_id JOIN object o ON o.name = f.object_name WHERE m.id = ?", str(watched.id))
    (server.folder / "objects" / stored[:2] / stored).unlink()
    (cell,) = draw(tmp_path, 1, 93)
    asset = send(server, watched, cell.name, cell.path.read_bytes())
    gone = wait("the failure", lambda: (t := told())["state"] == "FAILED" and t)
    assert gone["fit"] is None and stored in gone["next_fit"]["error"]
    server.call("POST", f"{path}/fit")
    settled(told)
    wait("its score", lambda: server.rows("SELECT outlier_score FROM predicted_asset WHERE id = ? AND outlier_score > 0", asset))


def worker_of(server):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1] == str(server.process.pid) and b"worker" in open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0"):
                return int(pid)
        except OSError:
            continue
    raise AssertionError("there is no worker")


def test_switched_off_nothing_is_scored(server, watched, path, told, sent, tmp_path):
    server.call("PATCH", path, json={"active": False})
    assert told()["state"] == "OFF" and told()["waits_for"] is None
    (cell,) = draw(tmp_path, 1, 92)
    asset = send(server, watched, cell.name, cell.path.read_bytes())
    server.refused("POST", f"{path}/fit", 409, "switch it on")
    assert server.rows("SELECT count(*) FROM outlier_todo") == [(0,)]
    assert server.rows("SELECT outlier_score, is_outlier FROM predicted_asset WHERE id = ?", asset) == [(None, 0)]


def test_the_fit_of_a_deleted_deployment_ends(server, trained):
    d = trained[0].export_as_model(unique("model")).deploy(name=unique("short"), min_threshold=0.3)
    wait("the fit", lambda: server.call("GET", f"/api/deployment/{d.id}/outliers")["state"] in ("WORKING", "READY"))
    server.call("DELETE", f"/api/deployment/{d.id}")
    wait("the end of it", lambda: server.rows("SELECT count(*) FROM job WHERE kind = 'fit_outliers' AND about_id = ? AND status IN ('PENDING', 'RUNNING')", str(d.id)) == [(0,)])
    wait("nothing left", lambda: server.rows("SELECT count(*) FROM outlier_fit WHERE deployment_id = ?", str(d.id)) == [(0,)])
