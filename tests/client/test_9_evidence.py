"""How a file of another tool must be described is found out by annotated images: a network that was trained here, put into eight conventions without
metadata, is described rightly each time; a wrong order of labels is told; what no image tells apart is said; a job of the server does the same."""
import json
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import SACCADE, coco, draw, unique, wait
from onnx_file import model
from onnx_wrap import CONVENTIONS, differs, wrapped
from PIL import Image

RATIO = 480 / 640  # of the drawn images


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    return folder, draw(folder, 60, 3)


@pytest.fixture(scope="module")
def network(drawn, tmp_path_factory):
    out = tmp_path_factory.mktemp("network")
    subprocess.run([SACCADE, "train", "--images", drawn[0] / "JPEGImages", "--annotations", drawn[0] / "Annotations", "--threads", "2", "--out", out,
                    "--set", "steps=200 batch_size=8 image_size=96 seed=1"], check=True, capture_output=True, timeout=300)
    return (out / "model.onnx").read_bytes()


def describe(file, images, annotations, *more, folder):
    (folder / "brought.onnx").write_bytes(file)
    run = subprocess.run([SACCADE, "model", "describe", folder / "brought.onnx", "--images", images, "--annotations", annotations, "--threads", "1", *more],
                         capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout) if "--json" in more else run.stdout


def of_drawn(file, drawn, folder, *more):
    return describe(file, drawn[0] / "JPEGImages", drawn[0] / "Annotations", "--json", *more, folder=folder)


@pytest.fixture(scope="module")
def described(network, drawn, tmp_path_factory):
    """What was found of each convention, two at a time."""
    with ThreadPoolExecutor(2) as two:
        return {name: two.submit(of_drawn, wrapped(network, RATIO, name)[0], drawn, tmp_path_factory.mktemp("one")) for name in CONVENTIONS}


@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_convention_is_found_out_by_twenty_images(network, described, name):
    want, told = wrapped(network, RATIO, name)[1], described[name].result()
    assert (told["pictures"], told["state"]) == (20, "FOUND"), told["says"]
    assert differs(told["best"]["onnx"], want) == {}
    assert told["labels"]["agree"] and told["labels"]["suggested"] is None
    low, high = told["best"]["interval"]
    assert 0.05 < low <= told["best"]["score"] <= high and told["lead"] >= 0.95


def test_a_wrong_order_of_labels_is_told_and_hides_nothing_else(network, drawn, tmp_path):
    file, want = wrapped(network, RATIO, "stretched, with mean")
    told = of_drawn(file, drawn, tmp_path, "--labels", "red_cell,white_cell,moon")
    labels = told["labels"]
    assert differs(told["best"]["onnx"], want) == {} and not labels["agree"]
    assert labels["suggested"]["1"] == "red_cell" and labels["suggested"]["2"] == "white_cell"
    assert "class 1, called \"white_cell\", behaves like \"red_cell\"" in labels["says"]
    assert "called \"moon\", behaves like \"white_cell\"" in labels["says"], "labels that are not those of the data, too"
    assert told["best"]["as_labelled"] < told["best"]["score"] / 2
    red = labels["classes"][1]["says"]
    assert labels["names"][red.index(max(red))] == "red_cell"


def test_what_no_image_tells_apart_is_said_and_the_usual_is_taken(network, drawn, tmp_path):
    grey = tmp_path / "grey"
    grey.mkdir()
    for c in drawn[1]:
        Image.open(c.path).convert("L").save(grey / c.name, quality=95)
    told = describe(wrapped(network, RATIO, "as v8, at the top left")[0], grey, drawn[0] / "Annotations", "--json", folder=tmp_path)
    assert "colour" in told["undecided"] and told["best"]["onnx"]["colour"] == "RGB"


def test_it_is_told_in_words_too_and_what_is_missing_is_said(network, drawn, tmp_path):
    text = describe(wrapped(network, RATIO, "pairs, in the middle")[0], drawn[0] / "JPEGImages", drawn[0] / "Annotations", folder=tmp_path)
    assert "FOUND" in text and '"unit":"input"' in text and "says \\ is" in text
    look = subprocess.run([SACCADE, "model", "look", tmp_path / "brought.onnx"], capture_output=True, text=True)
    assert look.returncode == 0 and "where" in look.stdout, "without labels, too"
    for more, words in (([], "--annotations DIR|FILE are needed"), (["--images", tmp_path, "--annotations", drawn[0] / "Annotations"], "some twenty are needed"),
                        (["--images", tmp_path, "--annotations", tmp_path, "--type", "ODD"], "--type must be")):
        run = subprocess.run([SACCADE, "model", "describe", tmp_path / "brought.onnx", *more], capture_output=True, text=True)
        assert run.returncode != 0 and words in run.stderr, run.stderr


def test_a_classifier_is_compared_by_accuracy(tmp_path):
    """One that knows colours by their means, in the order blue, green, red."""
    colours = {"rust": (190, 70, 40), "moss": (40, 150, 60), "sky": (60, 110, 200)}
    names = list(colours)
    file = {"images": [], "annotations": [], "categories": [{"id": i, "name": n} for i, n in enumerate(names)]}
    for k in range(24):
        name = names[k % 3]
        Image.new("RGB", (64, 48), tuple(v + k for v in colours[name])).save(tmp_path / f"{k}.png")
        file["images"].append({"id": k, "file_name": f"{k}.png", "width": 64, "height": 48})
        file["annotations"].append({"id": k + 1, "image_id": k, "category_id": k % 3})
    (tmp_path / "coco.json").write_text(json.dumps(file))
    means = model({"x": ("float32", [1, 3, 32, 32])}, {"y": ("float32", [1, 3])}, [], [("pooled", "GlobalAveragePool", ["x"], {}), ("y", "Flatten", ["pooled"], {})])
    ask = lambda labels: describe(means, tmp_path, tmp_path / "coco.json", "--type", "CLASSIFICATION", "--labels", labels, "--json", folder=tmp_path)
    told = ask("sky,moss,rust")
    assert (told["metric"], told["best"]["score"], told["best"]["onnx"]["colour"], told["labels"]["agree"]) == ("accuracy", 1, "BGR", True), told["says"]
    told = ask("moss,rust,sky")
    assert told["best"]["score"] == 1 and not told["labels"]["agree"] and told["labels"]["suggested"]["0"] in ("sky", "rust")


# ---- on a server

NAMES = ["platelet", "red_cell", "white_cell"]


@pytest.fixture(scope="module")
def dataset(drawn, make_version, tmp_path_factory):
    v = make_version(drawn[1][:24], NAMES)
    path = tmp_path_factory.mktemp("coco") / "coco.json"
    path.write_text(json.dumps(coco(drawn[1][:24], NAMES)))
    v.import_annotations_coco_file(file_path=str(path))
    return str(v.id)


@pytest.fixture(scope="module")
def brought(client, network, tmp_path_factory):
    """(convention, labels) → a model version with that file."""
    def make(name, labels=NAMES):
        from picsellia.types.enums import Framework, InferenceType
        path = tmp_path_factory.mktemp("brought") / "model.onnx"
        file, want = wrapped(network, RATIO, name)
        path.write_bytes(file)
        v = client.create_model(name=unique("brought")).create_version(labels={str(i): n for i, n in enumerate(labels)}, framework=Framework.ONNX, type=InferenceType.OBJECT_DETECTION)
        v.store("model-latest", str(path))
        return str(v.id), want
    return make


def evidence(server, version):
    return server.call("GET", f"/api/model/version/{version}/evidence")["evidence"]


def ended(server, version):
    return wait("the search", lambda: (lambda e: e["state"] != "WORKING" and e)(evidence(server, version)), 120)


def test_a_job_finds_it_out_and_keeps_it_with_the_version(server, brought, dataset):
    version, want = brought("as YOLOX")
    assert evidence(server, version) is None
    server.refused("POST", f"/api/model/version/{version}/deploy", 422, "does not say all", json={"name": unique("early")})
    begun = server.call("POST", f"/api/model/version/{version}/describe", 201, json={"dataset_version_id": dataset})
    assert begun["state"] == "WORKING" and begun["dataset_version"]["id"] == dataset and begun["result"] is None
    server.refused("POST", f"/api/model/version/{version}/describe", 409, "already", json={"dataset_version_id": dataset})
    told = ended(server, version)
    assert told["state"] == "FOUND" and told["error"] is None and told["ended_at"] and told["progress"] is None, told
    result = told["result"]
    assert differs(result["best"]["onnx"], want) == {} and result["pictures"] == 20 and result["labels"]["agree"]
    job = server.call("GET", f"/api/v2/job/{begun['job_id']}")
    assert job["status"] == "SUCCEEDED"
    assert server.call("GET", f"/api/model/version/{version}/look")["problem"], "nothing is told before a person takes it"
    server.call("PATCH", f"/api/model/version/{version}", json={"parameters": {"onnx": result["best"]["onnx"]}})
    assert server.call("GET", f"/api/model/version/{version}/look")["problem"] is None
    server.call("POST", f"/api/model/version/{version}/deploy", 201, json={"name": unique("described"), "min_threshold": 0.3})


def test_what_was_told_wrongly_is_tried_again_and_labels_are_named(server, brought, dataset):
    version, want = brought("as v8, at the top left", ["white_cell", "platelet", "red_cell"])
    server.call("PATCH", f"/api/model/version/{version}", json={"parameters": {"onnx": {"range": [0, 255], "resize": "stretch"}}})
    server.call("POST", f"/api/model/version/{version}/describe", 201, json={"dataset_version_id": dataset})
    result = ended(server, version)["result"]
    assert differs(result["best"]["onnx"], want) == {}
    assert not result["labels"]["agree"] and result["labels"]["suggested"]["1"] == "red_cell"


def test_a_search_that_is_killed_is_taken_up_and_one_that_is_cancelled_says_so(server, brought, dataset):
    version, want = brought("rows of seven")
    path = f"/api/model/version/{version}/describe"
    begun = server.call("POST", path, 201, json={"dataset_version_id": dataset})
    wait("its begin", lambda: server.call("GET", f"/api/v2/job/{begun['job_id']}")["status"] != "PENDING", every=0.02)
    server.call("POST", f"/api/job/{begun['job_id']}/cancel")
    told = ended(server, version)
    assert told["state"] == "FAILED" and told["error"] and told["result"] is None
    begun = server.call("POST", path, 201, json={"dataset_version_id": dataset})
    wait("its begin", lambda: server.call("GET", f"/api/v2/job/{begun['job_id']}")["status"] != "PENDING", every=0.02)
    kill_worker(server)
    told = ended(server, version)
    assert told["state"] == "FOUND" and differs(told["result"]["best"]["onnx"], want) == {}


def kill_worker(server):
    for pid in Path(f"/proc/{server.process.pid}/task").glob("*/children"):
        for child in pid.read_text().split():
            if b"\0worker\0" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)
                return
    raise AssertionError("there is no worker")


def test_what_cannot_be_found_out_is_refused_in_words(server, client, brought, dataset, make_version, drawn):
    version, _ = brought("as YOLOX")
    path = f"/api/model/version/{version}/describe"
    server.refused("POST", path, 400, "dataset_version_id", json={})
    server.refused("POST", path, 404, json={"dataset_version_id": version})
    empty = str(make_version(drawn[1][:2], NAMES).id)
    server.call("POST", path, 201, json={"dataset_version_id": empty})
    told = ended(server, version)
    assert told["state"] == "FAILED" and "0 images of the dataset version" in told["error"]
    bare = client.create_model(name=unique("bare")).create_version(labels={"0": "a"})
    server.refused("POST", f"/api/model/version/{bare.id}/describe", 422, "model-latest", json={"dataset_version_id": dataset})
