"""Drift: images that become dark and blurred are told from the training's, and what is told is what the images give."""
import io
import re

import numpy as np
import pytest
from conftest import draw, unique, wait
from picsellia.types.enums import ServiceMetrics
from PIL import Image, ImageEnhance, ImageFilter

AT_REST, SHIFTED = 34, 34


def darker(path):
    image = Image.open(path).filter(ImageFilter.GaussianBlur(3))
    out = io.BytesIO()
    ImageEnhance.Brightness(image).enhance(0.5).save(out, "JPEG", quality=90)
    return out.getvalue()


@pytest.fixture(scope="module")
def watched(trained):
    return trained[0].export_as_model(unique("model")).deploy(name=unique("watched"), min_threshold=0.3)


@pytest.fixture(scope="module")
def told(server, watched):
    return lambda: server.call("GET", f"/api/deployment/{watched.id}/drift")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("stream"), AT_REST + SHIFTED, 77)


def send(server, watched, name, body):
    return server.call("POST", f"/api/deployment/{watched.id}/predict", files={"media": (name, body)})["predicted_asset_id"]


@pytest.fixture(scope="module")
def steady(server, watched, told, images):
    """At rest: images of the kind that it was trained on."""
    before = wait("training images", lambda: (t := told())["training"] and t["training"]["measured"] == t["training"]["images"] > 0 and t["waits_for"] == "0 of 30 predictions" and t)
    for c in images[:AT_REST]:
        send(server, watched, c.name, c.path.read_bytes())
    wait("a check", lambda: told()["latest"])
    if not feature(told(), "brightness")["tested"]:  # made before the images were measured, which comes a little behind
        wait("the images are measured", lambda: server.rows("SELECT count(*) FROM look_todo")[0][0] == 0)
        server.call("POST", f"/api/deployment/{watched.id}/drift/check")
    return before, wait("a check of the images", lambda: feature(t := told(), "brightness")["tested"] and t)


@pytest.fixture(scope="module")
def drifted(server, watched, told, images, steady):
    sent = [send(server, watched, f"dark-{c.name}", darker(c.path)) for c in images[AT_REST:]]
    wait("drift", lambda: told()["state"] == "DRIFTED")
    # images are measured a little behind their predictions, and some checks were made while they came: one sees all of them
    wait("the images are measured", lambda: server.rows("SELECT (SELECT count(*) FROM look_todo) + (SELECT count(*) FROM embedding_raw)")[0][0] == 0)
    checks = told()["checks"]
    server.call("POST", f"/api/deployment/{watched.id}/drift/check")
    return sent, wait("a check of all", lambda: (t := told())["checks"] > checks and feature(t, "brightness")["n_window"] == feature(t, "area")["n_window"] and t)


def feature(told, name):
    return next(f for f in told["latest"]["features"] if f["feature"] == name)


def test_the_training_images_come_from_the_lineage(steady, annotated):
    before, after = steady
    assert before["training"]["dataset_version"]["id"] == str(annotated[1]["train"].id) and before["training"]["images"] == 36
    assert (before["state"], before["latest"], before["checked_at"], before["history"]) == ("WAITING", None, None, [])


def test_at_rest_nothing_drifts_and_what_is_missing_is_told(steady):
    now = steady[1]
    assert (now["state"], now["alarms"], now["checks"] > 0) == ("STEADY", 0, True)
    assert "of 60 predictions" in now["waits_for"]
    brightness, confidence = feature(now, "brightness"), feature(now, "confidence")
    assert brightness["n_window"] == feature(now, "area")["n_window"]  # the check waits until the images that came are measured
    assert brightness["tested"] and brightness["against"] == "TRAINING" and 0.001 / 6 < brightness["p"] <= 1 and brightness["n_before"] == 36
    assert not confidence["tested"] and confidence["p"] is None and confidence["against"] == "FIRST_PREDICTIONS"


def test_dark_and_blurred_images_are_drift(server, drifted):
    now = drifted[1]
    assert now["alarms"] == 1 and now["history"][-1]["drifted"]
    assert int(re.search(r"^saccade_drifted_deployments (\d+)$", server.call("GET", "/metrics").text, re.M)[1]) >= 1
    for name in ("brightness", "sharpness"):
        f = feature(now, name)
        assert f["drifted"] and f["p"] <= now["latest"]["feature_alpha"] and f["d"] >= f["limit"] and f["median_window"] < f["median_before"], f
        assert now["history"][-1]["distances"][name] >= 1
    assert not feature(now, "ratio")["drifted"]


def test_curves_and_bars_are_those_of_the_values(server, watched, told, drifted):
    wait("the images are measured", lambda: server.rows("SELECT count(*) FROM look_todo")[0][0] == 0)
    now = told()
    f = feature(now, "brightness")
    x, before, window = (np.array(f["curve"][k]) for k in ("x", "before", "window"))
    assert 2 < len(x) <= 200 and (np.diff(x) > 0).all() and before[-1] == window[-1] == 1
    assert (np.diff(before) >= 0).all() and np.abs(before - window).max() <= f["d"] + 1e-4
    h = f["histogram"]
    assert len(h["edges"]) == len(h["before"]) + 1 and sum(h["before"]) == f["n_before"] and sum(h["window"]) == f["n_window"]
    version = now["training"]["dataset_version"]["id"]
    stored = [v for (v,) in server.rows("SELECT k.brightness FROM asset a JOIN image_look k ON k.data_id = a.data_id WHERE a.dataset_version_id = ?", version)]
    assert np.histogram(stored, h["edges"])[0].tolist() == h["before"]


def test_the_look_is_what_the_pixels_give(server, watched, images, steady):
    """Brightness, contrast and saturation by numpy, from the whole picture: scaling down changes them little."""
    rows = dict(server.rows("SELECT d.filename, k.brightness || ' ' || k.contrast || ' ' || k.saturation FROM image_look k JOIN data d ON d.id = k.data_id"))
    for c in images[:5]:
        rgb = np.asarray(Image.open(c.path)).astype(float)
        luma = rgb @ [0.299, 0.587, 0.114] / 255
        most = rgb.max(2)
        wanted = [luma.mean(), luma.std(), ((most - rgb.min(2)) / np.maximum(most, 1)).mean()]
        assert [float(v) for v in rows[c.name].split()] == pytest.approx(wanted, abs=0.02), c.name


def places(server, watched, most):
    """What the network saw of the first and of the newest predictions, along the directions, from the database."""
    rows = [np.frombuffer(v, "<f4") for (v,) in server.rows("SELECT e.vector FROM embedding e JOIN predicted_asset a ON a.id = e.predicted_asset_id WHERE a.deployment_id = ? ORDER BY a.created_at, a.id", str(watched.id))]
    assert {len(r) for r in rows} == {33}
    return np.array(rows)[:, [*range(most), -1]].astype(float)


def plain_mmd(a, b):
    z = np.concatenate([a, b])
    squares = ((z[:, None] - z[None]) ** 2).sum(2)
    k = np.exp(-squares / (2 * np.median(np.sqrt(squares[np.triu_indices(len(z), 1)])) ** 2))
    n, m = len(a), len(b)
    return (k[:n, :n].sum() - n) / (n * (n - 1)) + (k[n:, n:].sum() - m) / (m * (m - 1)) - 2 * k[:n, n:].mean()


def test_what_the_network_sees_is_kept_along_directions_and_compared(server, watched, told, drifted):
    """Each direction's D and the MMD² are those of the stored places; the training images lie around zero at a distance of one."""
    sent = AT_REST + SHIFTED
    wait("the embedding", lambda: server.rows("SELECT count(*) FROM embedding e JOIN predicted_asset a ON a.id = e.predicted_asset_id WHERE a.deployment_id = ?", str(watched.id))[0][0] == sent)
    answer = server.call("GET", f"/api/deployment/{watched.id}/embedding")
    assert (answer["state"], answer["waits_for"], answer["images"], answer["seen"]) == ("READY", None, 36, 36)
    assert answer["features"] > 32 >= answer["directions"] > 8 and len(answer["training"]) == 36
    training = np.array([[p["x"], p["y"]] for p in answer["training"]])
    assert training.mean(0) == pytest.approx([0, 0], abs=1e-3) and training.std(0, ddof=1) == pytest.approx([1, 1], abs=1e-3)
    assert {p["predicted_asset_id"] for p in answer["window"]} >= set(drifted[0])
    server.call("POST", f"/api/deployment/{watched.id}/drift/check")
    now = wait("a check of it", lambda: (t := told()) and any(f["feature"] == "embedding:mmd" and f["tested"] and f["n_window"] == sent // 2 for f in t["latest"]["features"]) and t)
    features = {f["feature"]: f for f in now["latest"]["features"] if f["feature"].startswith("embedding")}
    assert sorted(features) == sorted((names := [*(f"embedding:{i + 1}" for i in range(8)), "embedding:beside"]) + ["embedding:mmd"])
    at = places(server, watched, 8)
    before, window = at[:sent // 2], at[-(sent // 2):]
    for i, name in enumerate(names):
        f, x = features[name], np.sort(np.concatenate([before[:, i], window[:, i]]))
        d = np.abs((before[:, i] <= x[:, None]).mean(1) - (window[:, i] <= x[:, None]).mean(1)).max()
        assert f["d"] == pytest.approx(d, abs=1e-12) and (f["test"], f["against"], f["unit"]) == ("KS", "FIRST_PREDICTIONS", "σ")
    whole = features["embedding:mmd"]
    assert whole["d"] == pytest.approx(plain_mmd(before, window), abs=1e-5) and whole["test"] == "MMD" and whole["curve"] is None
    for f in features.values():
        assert f["drifted"] == (f["p"] <= now["latest"]["feature_alpha"]), f
    tested = sum(f["tested"] for f in now["latest"]["features"])
    assert now["latest"]["feature_alpha"] == pytest.approx(0.001 / tested) and now["history"][-1]["distances"]["embedding:mmd"] == pytest.approx(max(whole["d"], 0) / whole["limit"])


def test_the_predictions_behind_a_bar_are_found_by_a_query(server, watched, drifted):
    sent, now = drifted
    cells = feature(now, "objects")
    counted = server.call("GET", f"/api/deployment/{watched.id}/predictedassets", params={"q": f'created_at >= "{cells["window_from"]}" and created_at <= "{cells["window_to"]}"', "limit": 1, "count": "exact"})
    assert counted["count"] == cells["n_window"] >= 30 and cells["window_from"] < cells["window_to"] <= now["checked_at"]
    between = (feature(now, "brightness")["median_before"] * 0.75)
    page = server.call("GET", f"/api/deployment/{watched.id}/predictedassets", params={"q": f"image.brightness < {between}", "limit": 1000, "order_by": "image.sharpness"})
    assert {a["id"] for a in page["items"]} == set(sent)
    for label in (f for f in now["latest"]["features"] if f["label"]):
        edges = label["histogram"]["edges"]
        q = f"{label['query']} >= {edges[0]} and {label['query']} < {edges[-1]}"
        assert server.call("GET", f"/api/deployment/{watched.id}/predictedassets", params={"q": q, "count": "exact"})["count"] == AT_REST + SHIFTED, q
    for q in ("image.contrast >= 0 and image.saturation <= 1 and image.ratio > 1 and image.area = 307200", "confidence.max <= 1 or nb_shapes = 0", "confidence.mean > 0 or nb_shapes = 0"):
        found = server.call("GET", f"/api/deployment/{watched.id}/predictedassets", params={"q": q, "limit": 1000, "count": "exact"})
        assert found["count"] == AT_REST + SHIFTED, q


def test_every_bar_of_every_feature_opens_as_many_predictions_as_it_has(server, watched, drifted):
    _, now = drifted
    bars = 0
    for f in now["latest"]["features"]:
        if not f["histogram"]:  # all directions together, and what one of the two samples has no value of
            continue
        edges, window = f["histogram"]["edges"], f["histogram"]["window"]
        times = f'created_at >= "{f["window_from"]}" and created_at <= "{f["window_to"]}"'
        for low, high, n in zip(edges, edges[1:], window):
            if f["query"]:
                q = f"{f['query']} >= {low} and {f['query']} < {high} and {times}"
                found = server.call("GET", f"/api/deployment/{watched.id}/predictedassets", params={"q": q, "limit": 0, "count": "exact"})["count"]
            else:
                asked = {"feature": f["feature"], "from": low, "below": high, "since": f["window_from"], "until": f["window_to"], "limit": 1000}
                found = len(server.call("GET", f"/api/deployment/{watched.id}/embedding/assets", params=asked)["items"])
            assert found == n, (f["feature"], low, high, n, found)
            bars += n > 0
    assert bars > 20 and any(not f["query"] for f in now["latest"]["features"])
    behind = lambda status=200, **f: server.call("GET", f"/api/deployment/{watched.id}/embedding/assets", params=f, status=status)
    assert len(behind(feature="embedding:1", to=1e9, limit=1000)["items"]) > 30 and behind(feature="embedding:beside", to=-1)["items"] == []
    for wrong in ("embedding:0", "embedding:99", "brightness"):
        behind(feature=wrong, status=400)


def test_an_alert_tells_of_drift(server, watched, drifted):
    alert = server.call("POST", f"/api/deployment/{watched.id}/alerts", json={"metric": "is_drift"})
    assert wait("the alert", lambda: (a := next(a for a in server.call("GET", f"/api/deployment/{watched.id}/alerts")["items"] if a["id"] == alert["id"]))["state"] == "FIRING" and a)["last_value"] >= 2


def test_the_client_reads_drift(server, watched, told, drifted):
    stats = watched.get_stats(ServiceMetrics.AGGREGATED_DRIFTING_PREDICTIONS)
    now = told()
    assert stats["service"] == "ks_drift" and stats["result"]["drifted"] is True and stats["infos"]["computed_at"]
    assert {f["feature"] for f in stats["result"]["features"]} == {f["feature"] for f in now["latest"]["features"]}
    dark = watched.get_stats(ServiceMetrics.AGGREGATED_DRIFTING_PREDICTIONS, includes=[str(i) for i in drifted[0]])
    brightness = next(f for f in dark["result"]["features"] if f["feature"] == "brightness")
    assert brightness["n_window"] == SHIFTED and brightness["d"] > 0.8
    each = watched.get_stats(ServiceMetrics.PREDICTIONS_DATA)
    assert all(0 < i["brightness"] < 1 and i["sharpness"] > 0 for i in each["items"])
    server.refused("GET", f"/api/deployment/{watched.id}/predictions/stats", 422, "over all of them", params={"service": "ks_drift"})


def test_settings_are_changed_and_followed(server, watched, told, drifted):
    path = f"/api/deployment/{watched.id}/drift"
    checks = told()["checks"]
    s = server.call("PATCH", path, json={"alpha": 0.01, "window_size": 40, "step_size": 5, "directions": 3, "compares_with": "FIRST_PREDICTIONS"})
    assert s == {"active": True, "alpha": 0.01, "window_size": 40, "step_size": 5, "directions": 3, "compares_with": "FIRST_PREDICTIONS"}
    now = wait("a check by the new settings", lambda: (t := told())["checks"] > checks and t)
    f = feature(now, "brightness")
    assert f["against"] == "FIRST_PREDICTIONS" and f["drifted"] and f["n_before"] == f["n_window"] == 34
    assert {f["feature"] for f in now["latest"]["features"] if f["feature"].startswith("embedding")} == {"embedding:1", "embedding:2", "embedding:3", "embedding:beside", "embedding:mmd"}
    assert now["latest"]["feature_alpha"] == pytest.approx(0.01 / sum(f["tested"] for f in now["latest"]["features"]))
    server.call("PATCH", path, json={"active": False})
    assert told()["state"] == "OFF"
    server.refused("POST", f"{path}/check", 409, "switch it on")
    server.call("PATCH", path, json={"active": True})
    assert server.call("POST", f"{path}/check")["active"]
    for wrong, word in (({"alpha": 0}, "alpha"), ({"window_size": 29}, "window_size"), ({"window_size": 2001}, "window_size"), ({"step_size": 0}, "step_size"), ({"directions": 33}, "directions"),
                        ({"compares_with": "LAST"}, "compares_with"), ({"active": None}, "active"), ({}, "nothing was sent")):
        server.refused("PATCH", path, 400, word, json=wrong)


def test_checks_are_made_at_most_so_often(server, watched, told, drifted):
    """Each may be a false alarm: a stream that comes fast does not raise their number."""
    path = f"/api/deployment/{watched.id}/drift/check"

    def refused():
        before = told()["checks"]
        if server.call("POST", path, status=None if told()["checks"] < 16 else 409).get("message"):
            return True
        wait("the check", lambda: told()["checks"] > before)
        return False
    wait("no more checks", refused)
    assert 16 <= told()["checks"] <= 17
    server.refused("POST", path, 409, "45 minutes")


def test_the_network_sees_the_same_in_a_prediction_and_in_a_training_image(server, watched, annotated, drifted):
    """A training image that is predicted has the place that it had as a training image."""
    asset = annotated[1]["train"].list_assets(limit=1)[0]
    ((hash,),) = server.rows("SELECT hash FROM data WHERE id = ?", str(asset.data_id))
    ((object_name,),) = server.rows("SELECT object_name FROM data WHERE id = ?", str(asset.data_id))
    predicted = server.call("POST", f"/api/v2/deployments/{watched.id}/predict", json={"cloud_image": {"object_name": object_name}})["predicted_asset_id"]
    ((again,),) = wait("its place", lambda: server.rows("SELECT vector FROM embedding WHERE predicted_asset_id = ?", predicted))
    ((before,),) = server.rows("SELECT t.vector FROM embedding_training t JOIN embedding_fit f ON f.id = t.fit_id JOIN deployment d ON d.model_version_id = f.model_version_id"
                               " WHERE t.data_id = ? AND d.id = ?", str(asset.data_id), str(watched.id))
    assert np.frombuffer(again, "<f4") == pytest.approx(np.frombuffer(before, "<f4"), abs=1e-3), hash
