"""Chapter 2.3 b: the hub, and models of one's own."""
import hashlib
import os

import pytest
from conftest import unique
from picsellia.exceptions import ResourceConflictError, ResourceNotFoundError
from picsellia.types.enums import Framework, InferenceType


def test_the_hub_has_a_detector_with_typed_defaults(server, client):
    m = client.get_public_model("yolox-nano")
    assert not m.private and m.name in [x.name for x in client.list_public_models()]
    v = m.list_versions()[0]
    assert v.version == 0 and v.type == InferenceType.OBJECT_DETECTION
    parameters = server.call("GET", f"/api/model/version/{v.id}")["parameters"]
    assert isinstance(parameters["steps"], int) and isinstance(parameters["learning_rate"], float) and isinstance(parameters["lr_type"], str)


def test_every_parameter_of_the_hub_is_described_with_limits_that_hold(server, client):
    known = {p["name"]: p for p in server.call("GET", "/api/models/parameters")["items"]}
    assert known["lr_type"]["words"] and known["batch_size"]["says"] and known["staircase"]["type"] == "boolean"
    for m in server.call("GET", "/api/models?limit=100")["items"]:
        parameters = server.call("GET", f"/api/model/{m['id']}/versions")["items"][0]["parameters"]
        assert parameters.keys() == known.keys()
        for name, p in known.items():
            if p["type"] in ("integer", "number"):
                assert p["least"] <= parameters[name] <= p["most"], (m["name"], name)
            elif p["type"] == "word":
                assert parameters[name] in p["words"], (m["name"], name)


def test_the_hub_is_read_only(server, client):
    m = client.get_public_model("yolox-nano")
    server.refused("DELETE", f"/api/model/{m.id}", (403, 404, 409, 423))
    assert client.get_public_model("yolox-nano").id == m.id


def test_a_model_of_ones_own(client, tmp_path):
    name = unique("custom")
    m = client.create_model(name=name, description="a custom model")
    with pytest.raises(ResourceConflictError):
        client.create_model(name=name)
    v = m.create_version(labels={"0": "a", "1": "b"}, base_parameters={"param_1": 1, "param_2": "x"}, framework=Framework.TENSORFLOW,
                         type=InferenceType.OBJECT_DETECTION)
    assert (v.version, v.framework, v.labels) == (0, Framework.TENSORFLOW, {"0": "a", "1": "b"})
    assert m.create_version().version == 1
    assert client.get_model(name).get_version(0).id == v.id
    with pytest.raises(ResourceNotFoundError):
        m.get_version(7)


def test_files_come_back_as_they_went(server, client, tmp_path):
    v = client.create_model(name=unique("files")).create_version()
    f = tmp_path / "weights.bin"
    f.write_bytes(os.urandom(1000))
    v.store("weights", str(f))
    sha = hashlib.sha256(f.read_bytes()).hexdigest()
    assert server.rows("SELECT count(*) FROM object WHERE hash = ?", sha) == [(1,)]
    v.get_file("weights").download(str(tmp_path / "back"))
    assert (tmp_path / "back" / "weights.bin").read_bytes() == f.read_bytes()
    f.write_bytes(b"other")
    v.store("weights", str(f), replace=True)
    assert [x.name for x in v.list_files()] == ["weights"]
    v.get_file("weights").download(str(tmp_path / "again"))
    assert (tmp_path / "again" / "weights.bin").read_bytes() == b"other"
    with pytest.raises(ResourceNotFoundError):
        v.get_file("no such")


def test_a_deleted_model_is_gone(server, client):
    m = client.create_model(name=unique("gone"))
    v = m.create_version()
    m.delete()
    server.refused("GET", f"/api/model/{m.id}", 404)
    server.refused("GET", f"/api/model/version/{v.id}", 404)
