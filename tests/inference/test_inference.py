"""The Open Inference Protocol: the published client of another inference server, unmodified, asks our deployments."""
import base64
import json
import os
import subprocess
import uuid
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import tritonclient.http as triton
from conftest import unique, wait
from tritonclient.utils import InferenceServerException


@pytest.fixture(scope="session")
def deployment(trained):
    """Of a model that has hardly learnt: all that it says is wanted."""
    return trained[0].export_as_model(unique("model")).deploy(name=unique("deployment"), min_threshold=0.0)


@pytest.fixture(scope="module")
def token(server, deployment):
    """One that may predict on this deployment alone."""
    return server.call("POST", f"/api/deployment/{deployment.id}/tokens", json={"name": "line 1"})["token"]


@pytest.fixture
def head(token):
    """Anew for each test: the client writes into it."""
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def asks(server):
    with triton.InferenceServerClient(server.listen) as c:
        yield c


@pytest.fixture(scope="module")
def network(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    a = trained[0].get_artifact("model-latest")
    a.download(str(folder))
    return onnxruntime.InferenceSession(str(folder / a.filename), providers=["CPUExecutionProvider"])


def tensor(name, values, datatype, binary=True):
    t = triton.InferInput(name, list(values.shape), datatype)
    t.set_data_from_numpy(values, binary_data=binary)
    return t


def wanted(*names, binary=True):
    return [triton.InferRequestedOutput(n, binary_data=binary) for n in names]


def served(server, deployment):
    return sum(n for n, in server.rows("SELECT answered FROM served_minute WHERE deployment_id = ?", str(deployment.id)))


def test_the_server_and_its_models_tell_of_themselves(asks, head, deployment, network):
    assert asks.is_server_live() and asks.is_server_ready()
    about = asks.get_server_metadata()
    assert about["name"] == "saccade" and "binary_tensor_data" in about["extensions"]
    for name in (str(deployment.id), deployment.name):  # by either
        assert asks.is_model_ready(name, headers=head)
        model = asks.get_model_metadata(name, headers=head)
        assert [(t["name"], t["datatype"], t["shape"]) for t in model["inputs"]] == [("images", "FP32", network.get_inputs()[0].shape)]
        assert [t["name"] for t in model["outputs"]] == [o.name for o in network.get_outputs()]
        assert [t["name"] for t in model["image_outputs"]] == ["boxes", "scores", "labels", "names"]
        assert asks.is_model_ready(name, model["versions"][0], headers=head)
        assert not asks.is_model_ready(name, "99", headers=head)
    with pytest.raises(InferenceServerException, match="does not answer by version"):
        asks.get_model_metadata(deployment.name, "99", headers=head)
    with pytest.raises(InferenceServerException, match="no deployment called"):
        asks.get_model_metadata(unique("nothing"), headers={"Authorization": head["Authorization"]})


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("got", [True, False])
def test_a_network_is_asked_by_its_own_tensors(server, asks, head, deployment, network, sent, got):
    shape = network.get_inputs()[0].shape
    image = np.random.default_rng(7).random(shape, dtype=np.float32)
    before, kept = served(server, deployment), server.rows("SELECT count(*) FROM prediction")
    r = asks.infer(deployment.name, [tensor("images", image, "FP32", sent)], request_id="r-1", outputs=wanted("scores", "boxes", binary=got), headers=head)
    boxes, scores = network.run(["boxes", "scores"], {"images": image})
    np.testing.assert_allclose(r.as_numpy("scores"), scores, atol=1e-5)
    np.testing.assert_allclose(r.as_numpy("boxes"), boxes, atol=1e-5)
    about = r.get_response()
    assert about["id"] == "r-1" and about["model_name"] == deployment.name and [o["name"] for o in about["outputs"]] == ["scores", "boxes"]
    assert server.rows("SELECT count(*) FROM prediction") == kept, "a run by tensors is not kept"
    wait("counted", lambda: served(server, deployment) == before + 1, 10)


def test_all_outputs_come_if_none_is_named(asks, head, deployment, network):
    image = np.zeros(network.get_inputs()[0].shape, np.float32)
    r = asks.infer(str(deployment.id), [tensor("images", image, "FP32")], headers=head)
    for o, values in zip(network.get_outputs(), network.run(None, {"images": image})):
        np.testing.assert_allclose(r.as_numpy(o.name), values, atol=1e-5)


@pytest.mark.parametrize("values, datatype, says", [
    (lambda s: np.zeros([2, *s[1:]], np.float32), "FP32", "send one at a time"),
    (lambda s: np.zeros([1, 3, 8, 8], np.float32), "FP32", "not 1×3×8×8"),
    (lambda s: np.zeros(s, np.uint8), "UINT8", "is FP32, not UINT8"),
])
def test_tensors_that_do_not_fit_are_refused_in_words(asks, head, deployment, network, values, datatype, says):
    with pytest.raises(InferenceServerException, match=says):
        asks.infer(deployment.name, [tensor("images", values(network.get_inputs()[0].shape), datatype)], headers=head)


def test_an_image_is_predicted_and_kept_as_any_other(server, asks, head, deployment, annotated, token):
    picture = annotated[0]["test"][0].path.read_bytes() + uuid.uuid4().bytes  # another file than the lake has, and the same image
    image = np.array([picture], dtype=object)
    r = asks.infer(deployment.name, [tensor("image", image, "BYTES")], headers=head, parameters={"source": "line-9", "filename": "oip.jpg"})
    about = r.get_response()
    a = server.call("POST", f"/api/deployment/{deployment.id}/predict", token=token, files={"media": picture}, data={"monitor": "false"})
    p = a["predictions"]
    assert len(p["detection_scores"]) and a["predicted_asset_id"] is None
    np.testing.assert_allclose(r.as_numpy("scores"), p["detection_scores"], atol=1e-6)
    assert r.as_numpy("labels").tolist() == p["detection_classes"]
    assert [n.decode() for n in r.as_numpy("names")] == [a["labels"][str(k)] for k in p["detection_classes"]]
    theirs = np.array([[b[1], b[0], b[3], b[2]] for b in p["detection_boxes"]])
    np.testing.assert_allclose(r.as_numpy("boxes"), theirs, atol=1)
    kept = server.call("GET", f"/api/predicted/asset/{about['parameters']['predicted_asset_id']}")
    assert kept["source"] == "line-9" and kept["data"]["filename"] == "oip.jpg" and len(kept["champion"]["shapes"]) == len(p["detection_scores"])
    # the same in JSON: base64, and not kept
    text = {"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [base64.b64encode(picture).decode()]}], "parameters": {"monitor": False}}
    plain = server.call("POST", f"/v2/models/{deployment.name}/infer", token=token, json=text)
    found = {o["name"]: o["data"] for o in plain["outputs"]}
    assert found["names"] == [n.decode() for n in r.as_numpy("names")] and "predicted_asset_id" not in plain["parameters"]


def test_what_is_no_request_is_refused_in_words(server, deployment, token):
    at = f"/v2/models/{deployment.name}/infer"
    good = {"name": "images", "shape": [1], "datatype": "FP32", "data": [1]}

    def refused(body, *words, status=400, **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        got = server.refused("POST", at, status, *words, data=body, headers={"Authorization": f"Bearer {token}", **headers})
        assert got["error"] == got["message"]

    refused(b"{", "line 1")
    refused([], "object")
    refused({}, "inputs is missing")
    refused({"inputs": [{}]}, "name")
    refused({"inputs": [dict(good, datatype="FP31")]}, "datatype")
    refused({"inputs": [dict(good, shape=[-1])]}, "shape")
    refused({"inputs": [dict(good, shape=[2**40, 2**40])]}, "MiB", status=413)
    refused({"inputs": [dict(good, data=[1, 2])]}, "more values")
    refused({"inputs": [dict(good, data=[])]}, "fewer values")
    refused({"inputs": [dict(good, data=["x"])]}, "must be numbers")
    refused({"inputs": [dict(good, data=[1e300])]}, "FP32 does not")
    refused({"inputs": [dict(good, datatype="UINT8", data=[256])]}, "UINT8 does not")
    refused({"inputs": [dict(good, datatype="FP16", data=[1])]}, "binary")
    refused({"inputs": [dict(good, data=[[[1]]])]}, "not 1")
    refused({"inputs": [{**{k: v for k, v in good.items() if k != "data"}, "parameters": {"binary_data_size": 4}}]}, "body ends")
    refused({"inputs": [dict(good, parameters={"shared_memory_region": "x"})]}, "in the body only")
    refused({"inputs": [good] * 17}, "at most 16", status=413)
    refused({"inputs": [good]}, "Content-Length", **{"Inference-Header-Content-Length": "9999"})
    refused({"inputs": [good]}, "number", **{"Inference-Header-Content-Length": "-1"})
    refused({"inputs": [good]}, "compressed", **{"Content-Encoding": "gzip"})
    refused({"inputs": [dict(good, name="image", datatype="BYTES", data=["bm90IGFuIGltYWdl"])]}, "image")
    refused({"inputs": [dict(good, name="image", datatype="BYTES", data=["%"])]}, "base64")
    refused({"inputs": [dict(good, name="image", datatype="BYTES", shape=[2], data=["", ""])]}, "one element")
    refused({"inputs": [dict(good, name="text", datatype="BYTES", data=["x"])]}, "image")


def test_only_who_may_predict_is_answered(server, asks, deployment, head):
    other = server.call("POST", f"/api/deployment/{deployment.id}/tokens", json={"name": "revoked"})
    server.call("DELETE", f"/api/deployment-token/{other['id']}")
    with pytest.raises(InferenceServerException, match="revoked"):
        asks.get_model_metadata(deployment.name, headers={"Authorization": f"Bearer {other['token']}"})
    with pytest.raises(InferenceServerException, match="log in"):
        asks.get_model_metadata(deployment.name)
    server.refused("GET", f"/v2/models/{uuid.uuid4()}", 404)


def test_a_paused_deployment_is_not_ready(server, asks, head, deployment):
    server.call("POST", f"/api/deployment/{deployment.id}/pause")
    try:
        assert not asks.is_model_ready(deployment.name, headers=head)
        with pytest.raises(InferenceServerException, match="paused"):
            asks.infer(deployment.name, [tensor("image", np.array([b"x"], dtype=object), "BYTES")], headers=head)
    finally:
        server.call("POST", f"/api/deployment/{deployment.id}/resume")


def test_each_route_answers_as_it_is_described(server, deployment, network, token, annotated):
    for path in ("/v2", "/v2/health/live", "/v2/health/ready"):
        server.call("GET", path)
    at = f"/v2/models/{deployment.name}"
    number = server.call("GET", at, token=token)["versions"][0]
    shape = network.get_inputs()[0].shape
    request = {"id": "7", "inputs": [{"name": "images", "shape": shape, "datatype": "FP32", "data": np.zeros(shape).tolist()}]}
    for path in (at, f"{at}/versions/{number}"):
        assert server.call("GET", path, token=token)["platform"] == "onnx"
        assert server.call("GET", f"{path}/ready", token=token)["ready"] is True
        answer = server.call("POST", f"{path}/infer", token=token, json=request)
        assert answer["id"] == "7" and len(answer["outputs"][0]["data"]) == np.prod(answer["outputs"][0]["shape"])


# SACCADE_KSERVE=DIR runs it: an environment made by `python3 -m venv DIR && DIR/bin/pip install kserve==0.21.0` (450 MB).
if "SACCADE_KSERVE" in os.environ:
    def test_the_client_of_kserve_is_answered(server, deployment, network, token, annotated):
        done = subprocess.run([os.environ["SACCADE_KSERVE"] + "/bin/python", Path(__file__).parent / "kserve_asks.py", server.host, deployment.name, token,
                               annotated[0]["test"][1].path], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["live"] and said["ready"] and said["model"] and not said["nothing"] and set(said["image"]) == {"boxes", "scores", "labels", "names"}
        values = network.run(["boxes", "scores"], {"images": np.full([1, 3, 128, 160], 0.5, np.float32)})
        for name, v in zip(("boxes", "scores"), values):
            np.testing.assert_allclose(said["binary"][name], v.ravel()[:8], atol=1e-3)
            assert said["json"][name] == said["binary"][name]
