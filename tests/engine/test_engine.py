"""picsellia-cv-engine, the frame of the contract's training images, runs its own code against this server: a training's context and data, the
evaluation with its own COCO metrics, and a processing that reads one version and fills another. What it stored is read again past it."""
import json
import os
import shutil
from pathlib import Path

import pytest
from conftest import coco, unique
from picsellia.types.enums import InferenceType, ProcessingType
from picsellia_cv_engine import Pipeline, pipeline, step
from picsellia_cv_engine.core.contexts import PicselliaTrainingContext
from picsellia_cv_engine.core.data import CocoDataset, YoloDataset
from picsellia_cv_engine.core.models import PicselliaConfidence, PicselliaLabel, PicselliaRectangle, PicselliaRectanglePrediction
from picsellia_cv_engine.core.parameters import AugmentationParameters, ExportParameters, HyperParameters, Parameters
from picsellia_cv_engine.core.services.context.local_context import create_local_dataset_processing_context
from picsellia_cv_engine.core.services.model.evaluator.model_evaluator import ModelEvaluator
from picsellia_cv_engine.steps.base.dataset.loader import load_coco_datasets, load_yolo_datasets
from picsellia_cv_engine.steps.base.dataset.uploader import upload_full_dataset
from picsellia_cv_engine.steps.base.dataset.validator import validate_dataset

SIZES = {"train": 5, "val": 3, "test": 3}
PARAMETERS = {"epochs": 3, "batch_size": 4, "image_size": 320, "learning_rate": 0.01, "export_format": "onnx"}


@pytest.fixture(scope="session")
def parts(make_version, cells, labels, tmp_path_factory):
    """(images, annotated version) of each part."""
    out, rest = {}, cells
    for name, n in SIZES.items():
        part, rest = rest[:n], rest[n:]
        version = make_version(part, labels, version=name)
        file = tmp_path_factory.mktemp("coco") / "a.json"
        file.write_text(json.dumps(coco(part, labels)))
        version.import_annotations_coco_file(str(file))
        out[name] = part, version
    return out


@pytest.fixture(scope="session")
def experiment(client, parts):
    project = client.create_project(name=unique("project"))
    e = project.create_experiment(name="engine", parameters=PARAMETERS)
    for name, (_, version) in parts.items():
        e.attach_dataset(name=name, dataset_version=version)
    return e


@pytest.fixture
def context(server, experiment, tmp_path):
    return PicselliaTrainingContext(HyperParameters, AugmentationParameters, ExportParameters, api_token=server.token, host=server.host,
                                    organization_name="default", experiment_id=str(experiment.id), working_dir=str(tmp_path))


def test_a_training_context_has_the_experiment_and_its_parameters(context, experiment, client):
    h = context.hyperparameters
    assert context.experiment == experiment and str(context.organization_id) == str(client.id)
    assert (h.epochs, h.batch_size, h.image_size, h.seed) == (3, 4, 320, 0) and "seed" in h.defaulted_keys and "epochs" not in h.defaulted_keys
    assert context.export_parameters.export_format == "onnx" and "320" in context.to_dict()["hyperparameters"]["image_size"]


def inside(context, work):
    """Runs work() in a pipeline of that context, as an image's script does."""
    p = Pipeline(context=context, name="test", log_folder_path=None, remove_logs_on_completion=True, entrypoint=work)
    with p:
        p._configure_logging()
        return work()


def boxes_of(data):
    names = {c["id"]: c["name"] for c in data["categories"]}
    files = {i["id"]: i["file_name"] for i in data["images"]}
    return sorted((files[a["image_id"]], names[a["category_id"]], *(round(v) for v in a["bbox"])) for a in data["annotations"])


def truth(part, name=lambda c: c.name):
    return sorted((name(c), label, x0, y0, x1 - x0, y1 - y0) for c in part for label, x0, y0, x1, y1 in c.boxes)


def test_the_attached_versions_come_as_coco_files_and_images(context, parts, labels, server, experiment):
    loaded = inside(context, lambda: load_coco_datasets.entrypoint(use_id=False))
    for name, (part, version) in parts.items():
        got = loaded[name]
        assert isinstance(got, CocoDataset) and got.dataset_version == version and sorted(got.labelmap) == labels
        assert boxes_of(got.coco_data) == truth(part)
        for c in part:
            assert (Path(got.images_dir) / c.name).read_bytes() == c.path.read_bytes()
        stored = server.call("GET", f"/api/experiment/{experiment.id}/logs/find", params={"name": f"{name}/objects_distribution"})
        assert stored["type"] == "BAR" and sum(stored["data"]["y"]) == sum(len(c.boxes) for c in part)
    labelmap = server.call("GET", f"/api/experiment/{experiment.id}/logs/find", params={"name": "labelmap"})
    assert sorted(labelmap["data"].values()) == labels


def test_one_attached_version_is_split(client, server, parts, tmp_path):
    e = client.create_project(name=unique("project")).create_experiment(name="split", parameters={**PARAMETERS, "train_set_split_ratio": 0.6})
    e.attach_dataset(name="train", dataset_version=parts["train"][1])
    context = PicselliaTrainingContext(HyperParameters, AugmentationParameters, ExportParameters, api_token=server.token, host=server.host,
                                       organization_name="default", experiment_id=str(e.id), working_dir=str(tmp_path))
    loaded = inside(context, lambda: load_yolo_datasets.entrypoint(use_id=False))
    assert all(isinstance(loaded[n], YoloDataset) for n in ("train", "val", "test"))
    assert sorted(a.filename for d in loaded for a in d.assets) == sorted(c.name for c in parts["train"][0])
    for dataset in loaded:
        for asset in dataset.assets:
            (cell,) = [c for c in parts["train"][0] if c.name == asset.filename]
            (file,) = Path(dataset.annotations_dir).rglob(f"{cell.path.stem}.txt")
            assert len(file.read_text().splitlines()) == len(cell.boxes)


def test_an_evaluation_has_its_own_coco_metrics(context, parts, labels, server, experiment, tmp_path):
    part, version = parts["test"]
    assets = version.list_assets()
    by_name = {label.name: PicselliaLabel(label) for label in version.list_labels()}
    missed = labels[0]  # of this label nothing is found, of the others everything
    predictions = []
    for asset in assets:
        (cell,) = [c for c in part if c.name == asset.filename]
        found = [b for b in cell.boxes if b[0] != missed]
        predictions.append(PicselliaRectanglePrediction(
            asset, [PicselliaRectangle(x0, y0, x1 - x0, y1 - y0) for _, x0, y0, x1, y1 in found], [by_name[b[0]] for b in found],
            [PicselliaConfidence(0.9)] * len(found)))
    evaluator = ModelEvaluator(experiment=experiment, inference_type=InferenceType.OBJECT_DETECTION)
    evaluator.evaluate(predictions)
    stored = server.call("GET", f"/api/experiment/{experiment.id}/evaluations")["items"]
    assert len(stored) == len(part) and sum(len(server.call("GET", f"/api/evaluation/{v['id']}")["rectangles"]) for v in stored) == sum(
        b[0] != missed for c in part for b in c.boxes)
    evaluator.compute_coco_metrics(assets, str(tmp_path), {str(k): name for k, name in enumerate(labels)})
    assert boxes_of(json.loads((tmp_path / "gt.json").read_text())) == truth(part)
    assert boxes_of(json.loads((tmp_path / "pred.json").read_text())) == [b for b in truth(part) if b[1] != missed]
    table = server.call("GET", f"/api/experiment/{experiment.id}/logs/find", params={"name": "test/metrics"})["data"]
    assert table["rows"] == labels
    column = table["columns"].index("Box(mAP50-95)")
    present = {b[0] for c in part for b in c.boxes}
    for name, row in zip(table["rows"], table["data"], strict=True):
        if name in present:
            assert row[column] == (0 if name == missed else 1), (name, row)
    assert server.call("GET", f"/api/experiment/{experiment.id}/logs/find", params={"name": "test/mAP50-95(B)"})["type"] == "VALUE"


class Processing(Parameters):
    def __init__(self, log_data):
        super().__init__(log_data=log_data)
        self.datalake = self.extract_parameter(["datalake"], expected_type=str)
        self.data_tag = self.extract_parameter(["data_tag"], expected_type=str)


@step
def renamed_copies(datasets):
    """Every image again under another name, with its boxes."""
    source, copy = datasets["input"], datasets["output"]
    os.makedirs(copy.images_dir, exist_ok=True)
    copy.coco_data = json.loads(json.dumps(source.coco_data))
    for image in copy.coco_data["images"]:
        shutil.copy(os.path.join(source.images_dir, image["file_name"]), os.path.join(copy.images_dir, "copy-" + image["file_name"]))
        image["file_name"] = "copy-" + image["file_name"]
    copy.coco_file_path = None
    return copy


def copies():
    datasets = load_coco_datasets(use_id=False, skip_asset_listing=True)
    validate_dataset(datasets["input"])
    upload_full_dataset(renamed_copies(datasets), use_id=False)


def test_a_local_processing_reads_a_version_and_fills_another(server, parts, lake, tmp_path):
    part, version = parts["val"]
    context = create_local_dataset_processing_context(
        Processing, organization_name="default", job_type=ProcessingType.DATASET_VERSION_CREATION, target_id=str(version.id), api_token=server.token,
        host=server.host, working_dir=str(tmp_path), use_id=False, inputs={"target_version_name": "processed"},
        processing_parameters={"datalake": lake.name, "data_tag": "processed"})

    pipeline(context=context, log_folder_path=str(tmp_path / "logs"), remove_logs_on_completion=False)(copies)()
    out = context.output_dataset_version
    assert out.version == "processed" and out.sync()["type"] == "OBJECT_DETECTION"
    names = {x["id"]: x["name"] for x in server.call("GET", f"/api/dataset/version/{out.id}/labels")["items"]}
    assets = server.call("GET", f"/api/dataset/version/{out.id}/assets", params={"annotations": "true", "limit": 1000})["items"]
    assert sorted((a["data"]["filename"], names[s["label_id"]], s["x"], s["y"], s["w"], s["h"]) for a in assets for s in a["annotation"]["rectangles"]) == truth(
        part, lambda c: "copy-" + c.name)
    for a in assets:
        assert {t["name"] for t in server.call("GET", f"/api/data/{a['data']['id']}")["tags"]} == {"processed"}
