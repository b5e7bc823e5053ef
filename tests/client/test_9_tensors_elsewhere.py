"""Models whose tensors lie in other files, as torch's exporter writes them: both files of a version in any order, a zip of both, the
command line; what is missing is named, and what leads out of the folder is refused."""
import io
import json
import os
import subprocess
import zipfile

import pytest
from conftest import SACCADE, unique
from onnx_file import model, packed
from test_9_models_of_others import ANCHORS, BOX, FIT, IN, NAMES, ULTRA, centred, deploy, near, picture, predict, rows, turned  # noqa: F401

ROWS = [turned(rows(6, [*centred(FIT), 0, 0.9]))]
DATA = packed(ROWS)


def elsewhere(*pieces, **more):
    """A detector whose answer lies in other files: (the file's name, its first row, how many bytes before it); more: what else is said of the place."""
    named = [(f"p{i}", ROWS[0][first:end], "float32", {"location": name, "offset": before, "length": 4 * ANCHORS * (end - first), **more})
             for i, (name, first, end, before) in enumerate(pieces)]
    nodes = [("joined", "Concat", [n[0] for n in named], {"axis": 0}), ("axes", "Constant", [], {}), ("output0", "Unsqueeze", ["joined", "zero"], {})]
    return model(IN, {"output0": ("float32", [1, 6, ANCHORS])}, [*named, ("zero", [0], "int64")], [nodes[0], nodes[2]], metadata=ULTRA)


ONE = elsewhere(("yolo.onnx.data", 0, 6, 0))


def zipped(members, link=None):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in members.items():
            z.writestr(name, content)
        if link:
            info = zipfile.ZipInfo(link)
            info.create_system, info.external_attr = 3, 0o120777 << 16
            z.writestr(info, "/etc/passwd")
    return held.getvalue()


@pytest.fixture
def brought(client, tmp_path):
    """(files by the names that they are stored under: (filename, bytes)) → a model version with them, stored in that order by the published client."""
    def make(**files):
        from picsellia.types.enums import Framework, InferenceType
        v = client.create_model(name=unique("elsewhere")).create_version(labels=NAMES, framework=Framework.ONNX, type=InferenceType.OBJECT_DETECTION)
        for name, (filename, content) in files.items():
            (tmp_path / filename).write_bytes(content)
            v.store(name.replace("_", "-"), str(tmp_path / filename))
        return v
    return make


def says_so(server, v, picture):  # noqa: F811
    p, names = predict(server, deploy(server, v), picture)
    top, left, bottom, right = p["detection_boxes"][0]
    assert [names[str(c)] for c in p["detection_classes"]] == ["blue"] and near((left, top, right, bottom), BOX, 1), p


@pytest.mark.parametrize("order", [("model_latest", "weights"), ("weights", "model_latest")])
def test_a_model_and_its_data_are_two_files_of_a_version_in_any_order(server, brought, picture, tmp_path, order):  # noqa: F811
    files = {"model_latest": ("yolo.onnx", ONE), "weights": ("yolo.onnx.data", DATA)}
    v = brought(**{name: files[name] for name in order})
    look = server.call("GET", f"/api/model/version/{v.id}/look")
    assert look["problem"] is None and look["files"] == [{"name": "yolo.onnx.data", "bytes": len(DATA)}]
    says_so(server, v, picture)
    for name, (filename, content) in files.items():
        v.get_file(name.replace("_", "-")).download(str(tmp_path / "back"))
        assert (tmp_path / "back" / filename).read_bytes() == content, "what is downloaded is what was brought"


def test_what_is_missing_is_named_and_may_come_later(server, brought, picture, tmp_path):  # noqa: F811
    v = brought(model_latest=("yolo.onnx", ONE))
    server.refused("POST", f"/api/model/version/{v.id}/deploy", 422, 'yolo.onnx.data', "(external_data), which is missing", json={"name": unique("never")})
    look = server.call("GET", f"/api/model/version/{v.id}/look")
    assert look["files"] == [{"name": "yolo.onnx.data", "bytes": None}] and "missing" in look["problem"] and look["family"] is None
    (tmp_path / "yolo.onnx.data").write_bytes(DATA)
    v.store("anything", str(tmp_path / "yolo.onnx.data"))
    assert server.call("GET", f"/api/model/version/{v.id}/look")["problem"] is None
    says_so(server, v, picture)


def test_tensors_may_lie_in_several_files_and_at_any_place_in_them(server, brought, picture):  # noqa: F811
    file = elsewhere(("w/first.bin", 0, 2, 12), ("second.bin", 2, 5, 0), ("w/first.bin", 5, 6, 12 + 4 * ANCHORS * 2))
    first = b"x" * 12 + packed(ROWS[0][:2]) + packed(ROWS[0][5:])
    v = brought(second=("second.bin", packed(ROWS[0][2:5])), model_latest=("yolo.onnx", file), first=("first.bin", first), readme=("readme.txt", b"words"))
    says_so(server, v, picture)


@pytest.mark.parametrize("folder", ["", "export/"])
def test_a_zip_of_both_is_served_as_it_was_brought(server, brought, picture, folder):  # noqa: F811
    held = zipped({f"{folder}yolo.onnx": ONE, f"{folder}yolo.onnx.data": DATA, f"{folder}readme.txt": b"words", "__MACOSX/._yolo.onnx": b"of a Mac"})
    v = brought(model_latest=("yolo.zip", held))
    says_so(server, v, picture)


def test_a_zip_of_another_framework_is_still_only_monitored(server, client, tmp_path):
    from picsellia.types.enums import Framework, InferenceType
    v = client.create_model(name=unique("saved")).create_version(labels=NAMES, framework=Framework.TENSORFLOW, type=InferenceType.OBJECT_DETECTION)
    (tmp_path / "saved.zip").write_bytes(zipped({"saved_model.pb": b"of tensorflow"}))
    v.store("model-latest", str(tmp_path / "saved.zip"))
    assert deploy(server, v)["serving_host"] is None


REFUSED = {
    "up": (elsewhere(("../up.bin", 0, 6, 0)), "no name of a file in its own folder"),
    "up later": (elsewhere(("a/../../up.bin", 0, 6, 0)), "no name of a file in its own folder"),
    "absolute": (elsewhere(("/etc/passwd", 0, 6, 0)), "no name of a file in its own folder"),
    "a drive": (elsewhere(("C:data", 0, 6, 0)), "no name of a file in its own folder"),
    "backslashes": (elsewhere(("..\\up.bin", 0, 6, 0)), "no name of a file in its own folder"),
    "nothing": (elsewhere(("", 0, 6, 0)), "no name of a file in its own folder"),
    "cut off": (elsewhere(("yolo.onnx.data", 0, 6, 8)), "which has only 2016: it is cut off"),
    "no number": (elsewhere(("yolo.onnx.data", 0, 6, -4)), "says no number"),
    "far away": (elsewhere(("yolo.onnx.data", 0, 6, 10 ** 17)), "it is cut off"),
    "another length": (elsewhere(("yolo.onnx.data", 0, 6, 0), length=4), "its shape wants 2016"),
    "a zip without a model": (zipped({"yolo.onnx.data": DATA}), "no .onnx file in the zip"),
    "a zip of two models": (zipped({"a.onnx": ONE, "b.onnx": ONE}), "two models"),
    "a zip without its data": (zipped({"yolo.onnx": elsewhere(("other.bin", 0, 6, 0))}), '(external_data), which is missing'),
    "a zip that leads out": (zipped({"yolo.onnx": ONE, "../yolo.onnx.data": DATA}), "leads out of its folder"),
    "a zip with a link": (zipped({"yolo.onnx": elsewhere(("data.bin", 0, 6, 0))}, link="data.bin"), "is a link"),
    "a zip that is packed too tightly": (zipped({"yolo.onnx": ONE, "yolo.onnx.data": bytes(8 << 20)}), "packed suspiciously tightly"),
    "half a zip": (zipped({"yolo.onnx": ONE})[:200], "not a readable zip"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_leads_out_or_does_not_fit_is_refused_in_words(server, brought, case):
    file, words = REFUSED[case]
    v = brought(model_latest=("yolo.zip" if file[:2] == b"PK" else "yolo.onnx", file), data=("yolo.onnx.data", DATA))
    server.refused("POST", f"/api/model/version/{v.id}/deploy", 422, words, json={"name": unique("never")})


def saccade(*arguments, **more):
    return subprocess.run([SACCADE, *arguments], capture_output=True, text=True, timeout=120, **more)


def test_a_machine_without_the_server_fetches_all_of_it(server, brought, picture, tmp_path):  # noqa: F811
    d = deploy(server, brought(data=("yolo.onnx.data", DATA), model_latest=("yolo.onnx", ONE)))
    at = {"env": dict(os.environ, SACCADE_TOKEN=server.token)}
    fetched = saccade("infer", "--store", str(tmp_path / "store"), "--deployment", f"{server.host}/deployments/{d['id']}", **at)
    assert fetched.returncode == 0, fetched.stderr
    away = saccade("infer", "--store", str(tmp_path / "store"), "--images", "-", "--host", "http://127.0.0.1:9", input=f"{picture}\n", **at)
    p = json.loads(away.stdout)["predictions"]
    top, left, bottom, right = p["detection_boxes"][0]
    assert near((left, top, right, bottom), BOX, 1), away


def test_the_command_line_takes_what_lies_beside_a_file(tmp_path):
    (tmp_path / "yolo.onnx").write_bytes(ONE)
    told = saccade("model", "look", str(tmp_path / "yolo.onnx"))
    assert told.returncode == 0 and "yolo.onnx.data  missing" in told.stdout and "problem" in told.stdout, told
    (tmp_path / "yolo.onnx.data").write_bytes(DATA)
    told = saccade("model", "look", "--json", str(tmp_path / "yolo.onnx"))
    look = json.loads(told.stdout)
    assert look["problem"] is None and look["files"] == [{"name": "yolo.onnx.data", "bytes": len(DATA)}]
    (tmp_path / "both.zip").write_bytes(zipped({"yolo.onnx": ONE, "yolo.onnx.data": DATA}))
    told = saccade("model", "look", str(tmp_path / "both.zip"))
    assert told.returncode == 0 and "yolo.onnx.data  2016 bytes" in told.stdout and "problem" not in told.stdout, told
