"""The scripts of scripts/, one after the other, as users run them: with the published client, unmodified, and the host given. Whatever they
stored is read again past the client and compared. tests/seed/run does this with each of the clients."""
import json
import os
import runpy
import shutil
import sys
from pathlib import Path

import pytest
from conftest import coco, draw, wait
from PIL import Image

SCRIPTS = Path(__file__).resolve().parent / "scripts"
SIZES = {"train": 6, "test": 3, "valid": 3}
MODEL_FILES = {"weights": 1000, "large": 26 * 1024 * 1024 + 17, "whole": 10 * 1024 * 1024}  # bytes; either client sends large ones in parts


class Seed:
    """What the scripts find on the disk, and the server that they talk to."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        cells = draw(folder / "drawn", sum(SIZES.values()), 5)
        self.labels = sorted({b[0] for c in cells for b in c.boxes})
        self.parts = {}
        for part, n in SIZES.items():
            self.parts[part], cells = cells[:n], cells[n:]
            (folder / part).mkdir()
            for c in self.parts[part]:
                shutil.copy(c.path, folder / part / c.name)
            (folder / f"coco-{part}.json").write_text(json.dumps(coco(self.parts[part], self.labels)))
        (folder / "model").mkdir()
        for k, (name, size) in enumerate(MODEL_FILES.items()):
            (folder / "model" / f"{name}.bin").write_bytes(bytes([k + 1]) * size)
        self.org = server.call("GET", "/api/home/ping")["default_organization"]

    def run(self, name, monkeypatch):
        for key, value in dict(HOST=self.server.host, TOKEN=self.server.token, ORGANIZATION="default", FOLDER=str(self.folder),
                               LABELS=",".join(self.labels)).items():
            monkeypatch.setitem(os.environ, f"SEED_{key}", value)
        monkeypatch.syspath_prepend(str(SCRIPTS))
        runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="__main__")
        return sys.modules["config"]

    def get(self, path, **params):
        return self.server.call("GET", path, params=params)

    def items(self, path, **params):
        page = self.get(path, limit=1000, **params)
        assert page["next_cursor"] is None
        return page["items"]

    def find(self, of, name):
        return self.get(f"/api/organization/{self.org}/{of}/find", name=name)

    def versions(self):
        dataset = self.find("datasets", "cartons")
        return {v["version"]: v for v in self.items(f"/api/dataset/{dataset['id']}/versions")}


@pytest.fixture(scope="session")
def seed(server, tmp_path_factory):
    return Seed(server, tmp_path_factory.mktemp("seed"))


@pytest.fixture
def ran(seed, monkeypatch):
    return lambda name: seed.run(name, monkeypatch)


def bytes_at(seed, url):
    return seed.server.call("GET", url[url.index("/storage/"):]).content


def test_upload_data_stores_each_image_with_its_tags(seed, ran):
    config = ran("upload_data")
    lake = seed.get(f"/api/organization/{seed.org}/datalake")
    data = {d["filename"]: d for d in seed.items(f"/api/datalake/{lake['id']}/datas")}
    assert set(data) == {c.name for cells in seed.parts.values() for c in cells}
    for part, cells in seed.parts.items():
        for c in cells:
            d = seed.get(f"/api/data/{data[c.name]['id']}")
            assert {t["name"] for t in d["tags"]} == {part, *config.EXTRA_TAGS}
            assert (d["meta"]["width"], d["meta"]["height"]) == Image.open(c.path).size
            assert (d["type"], d["upload_status"], d["content_type"], d["data_source"]) == ("IMAGE", "DONE", "image/jpeg", None)
            assert bytes_at(seed, d["presigned_url"]) == c.path.read_bytes()


def test_create_dataset_fills_a_version_for_each_part(seed, ran):
    config = ran("create_dataset")
    assert seed.find("datasets", config.DATASET)["description"] == config.DATASET_TEXT
    versions = seed.versions()
    assert set(versions) == set(config.PARTS)
    for part, v in versions.items():
        assert (v["type"], v["description"], v["origin_name"]) == ("OBJECT_DETECTION", f"for {part}", config.DATASET)
        assert {a["data"]["filename"] for a in seed.items(f"/api/dataset/version/{v['id']}/assets")} == {c.name for c in seed.parts[part]}
        assert [x["name"] for x in seed.items(f"/api/dataset/version/{v['id']}/labels")] == list(config.LABELS)


def test_create_dataset_may_run_again(seed, ran):
    ran("create_dataset")
    for part, v in seed.versions().items():
        assert len(seed.items(f"/api/dataset/version/{v['id']}/assets")) == SIZES[part]


def boxes(seed, part):
    version = seed.versions()[part]["id"]
    names = {x["id"]: x["name"] for x in seed.items(f"/api/dataset/version/{version}/labels")}
    assets = seed.items(f"/api/dataset/version/{version}/assets", annotations="true")
    return {a["data"]["filename"]: sorted((names[s["label_id"]], s["x"], s["y"], s["x"] + s["w"], s["y"] + s["h"])
                                          for s in a["annotation"]["rectangles"]) for a in assets}


def test_import_annotations_puts_every_box_on_its_image(seed, ran):
    ran("import_annotations")
    for part, cells in seed.parts.items():
        assert boxes(seed, part) == {c.name: sorted(tuple(b) for b in c.boxes) for c in cells}


def test_import_annotations_replaces_what_is_there(seed, ran):
    ran("import_annotations")
    for part, cells in seed.parts.items():
        assert boxes(seed, part) == {c.name: sorted(tuple(b) for b in c.boxes) for c in cells}


def test_register_model_keeps_labels_parameters_and_files(seed, ran):
    config = ran("register_model")
    model = seed.find("models", config.MODEL)
    assert (model["description"], model["type"], model["framework"], model["private"]) == (config.MODEL_TEXT, "OBJECT_DETECTION", "TENSORFLOW", True)
    (v,) = seed.items(f"/api/model/{model['id']}/versions")
    assert (v["version"], v["type"], v["framework"]) == (0, "OBJECT_DETECTION", "TENSORFLOW")
    assert v["labels"] == {str(k): name for k, name in enumerate(config.LABELS)}
    assert v["parameters"] == config.PARAMETERS
    files = {f["name"]: f for f in seed.items(f"/api/model/version/{v['id']}/modelfiles")}
    assert set(files) == set(MODEL_FILES)
    for name, f in files.items():
        sent = seed.folder / "model" / f["filename"]
        assert sent.stem == name and f["size"] == MODEL_FILES[name]
        assert bytes_at(seed, f["presigned_url"]) == sent.read_bytes()
    assert files["large"]["large"] and not files["weights"]["large"]


def test_create_experiment_is_of_the_model_and_has_its_dataset(seed, ran):
    project = seed.server.call("POST", f"/api/organization/{seed.org}/projects", json={"name": "line-control"})  # made by hand, in the pages
    for _ in range(2):  # the second time it is found
        config = ran("create_experiment") if not _ else config
    (e,) = seed.items(f"/api/project/{project['id']}/experiments")
    e = seed.get(f"/api/experiment/{e['id']}")
    version = seed.items(f"/api/model/{seed.find('models', config.MODEL)['id']}/versions")[0]
    assert (e["name"], e["description"], e["base_model_version_id"]) == (config.EXPERIMENT, config.EXPERIMENT_TEXT, version["id"])
    (attached,) = seed.items(f"/api/experiment/{e['id']}/datasets")
    assert (attached["name"], attached["dataset_version"]["id"]) == ("train", seed.versions()["train"]["id"])


@pytest.fixture(scope="session")
def deployment(seed):
    """By hand, in the pages: a training, its model exported and deployed."""
    call = seed.server.call
    (base,) = [m for m in call("GET", "/api/models")["items"] if m["name"] == "yolox-nano"]
    base = call("GET", f"/api/model/{base['id']}/versions")["items"][0]
    project = call("POST", f"/api/organization/{seed.org}/projects", json={"name": "trained"})
    e = call("POST", f"/api/project/{project['id']}/experiments", json={
        "name": "quick", "base_model_version_id": base["id"], "parameters": {"steps": 60, "batch_size": 4, "image_size": 96, "learning_rate": 0.01}})
    for alias in ("train", "test"):
        call("POST", f"/api/experiment/{e['id']}/datasets", json={"name": alias, "dataset_version_id": seed.versions()[alias]["id"]})
    call("POST", f"/api/experiment/{e['id']}/launch", json={"gpus": 0})

    def ended():
        status = call("GET", f"/api/experiment/{e['id']}")["status"]
        assert status not in ("FAILED", "CANCELED", "TERMINATED"), status
        return status == "SUCCESS"
    wait("the training", ended, 120)
    version = call("POST", f"/api/experiment/{e['id']}/publish", json={"name": "exported"})
    return call("POST", f"/api/model/version/{version['id']}/deploy", json={"name": "energetic-cave", "min_threshold": 0.01})


def test_inference_keeps_source_tag_and_metadata_of_every_prediction(seed, deployment, ran):
    ran("inference")
    assets = seed.items(f"/api/deployment/{deployment['id']}/predictedassets")
    named = {c.name for c in seed.parts["test"]}
    last = Path(sorted(str(c.path.name) for c in seed.parts["valid"])[0]).name
    assert {a["data"]["filename"] for a in assets} == named | {last}
    for a in assets:
        a = seed.get(f"/api/predicted/asset/{a['id']}")
        d = seed.get(f"/api/data/{a['data']['id']}")
        (p,) = a["predictions"]
        assert not p["is_shadow"] and p["model_version_id"] == deployment["model_version_id"] and p["latency"] > 0
        if a["data"]["filename"] in named:
            assert a["source"] == "line-1" and {t["name"] for t in a["tags"]} == {"summer"}
            assert d["data_source"]["name"] == "line-1" and d["metadata"]["camera"] == "north"
        else:
            assert a["source"] is None and a["tags"] == []
