"""Chapter 2.2 to 2.4: projects, experiments, logs of every type, artifacts, comparing."""
import pytest
from conftest import unique
from picsellia.exceptions import ResourceConflictError, ResourceNotFoundError
from picsellia.types.enums import LogType


@pytest.fixture(scope="module")
def experiment(project):
    return project.create_experiment(name=unique("experiment"), description="what it tries", parameters={"steps": 10, "learning_rate": 0.5})


def test_a_project_and_its_datasets(client, project, annotated):
    assert {str(v.id) for v in project.list_dataset_versions()} == {str(v.id) for v in annotated[1].values()}
    with pytest.raises(ResourceConflictError):
        client.create_project(name=project.name)
    assert client.get_project(project.name).id == project.id


def test_an_experiment_is_found_by_name(project, experiment):
    assert project.get_experiment(experiment.name).id == experiment.id
    with pytest.raises(ResourceNotFoundError):
        project.get_experiment("no such")
    with pytest.raises(ResourceConflictError):
        project.create_experiment(name=experiment.name)


def test_datasets_are_attached_by_alias(experiment, annotated):
    experiment.attach_dataset(name="train", dataset_version=annotated[1]["train"])
    experiment.attach_dataset(name="eval", dataset_version=annotated[1]["valid"])
    assert {a: v.id for a, v in experiment.get_attached_dataset_versions().items()} == {"train": annotated[1]["train"].id, "eval": annotated[1]["valid"].id}
    assert experiment.get_dataset("train").id == annotated[1]["train"].id
    experiment.detach_dataset(annotated[1]["valid"])
    assert set(experiment.get_attached_dataset_versions()) == {"train"}


def test_parameters_are_a_log(experiment):
    log = experiment.get_log("parameters")
    assert log.type == LogType.TABLE and log.data["steps"] == 10
    experiment.log_parameters({"steps": 12})
    assert experiment.get_log("parameters").data["steps"] == 12


def value_of(log):
    return log.data["value"] if isinstance(log.data, dict) and "value" in log.data else log.data


@pytest.mark.parametrize("kind, data", [
    ("BAR", {"x": ["a", "b"], "y": [1, 2]}), ("TABLE", {"lr": 0.1, "steps": 3}), ("LABELMAP", {"1": "a"}),
    ("HEATMAP", {"categories": ["a", "b"], "values": [[1, 0], [0, 1]]}),
])
def test_logs_keep_what_they_get(experiment, kind, data):
    name = unique(kind)
    experiment.log(name, data, LogType[kind])
    assert experiment.get_log(name).data == data
    experiment.log(name, data, LogType[kind])
    assert sum(x.name == name for x in experiment.list_logs()) == 1


def test_a_value_is_replaced(experiment):
    experiment.log("accuracy", 0.5, LogType.VALUE)
    experiment.log("accuracy", 0.75, LogType.VALUE)
    assert float(value_of(experiment.get_log("accuracy"))) == 0.75


def test_a_line_grows(experiment):
    experiment.log("loss", [3.0, 2.0], LogType.LINE)
    experiment.log("loss", [1.0], LogType.LINE)
    data = experiment.get_log("loss").data
    assert [float(x) for x in (data["values"] if isinstance(data, dict) else data)] == [3.0, 2.0, 1.0]
    with pytest.raises(ResourceConflictError):
        experiment.log("loss", [1.0], LogType.LINE, replace=False)


def test_what_is_no_number_is_a_gap_of_the_line(experiment):
    name = unique("diverges")
    for value in (1.0, float("nan"), float("inf"), 2.0):
        experiment.log(name, value, LogType.LINE)
    experiment.log(name, [float("nan"), 3.0], LogType.LINE)
    assert experiment.get_log(name).data["values"] == [1.0, None, None, 2.0, None, 3.0]


def test_a_value_that_is_no_number_says_so(experiment):
    name = unique("diverged")
    experiment.log(name, float("nan"), LogType.VALUE)
    assert value_of(experiment.get_log(name)) == "NaN"


@pytest.mark.parametrize("kind, data", [
    ("BAR", {"x": ["a", "b"], "y": [1]}),
    ("HEATMAP", {"categories": ["a", "b"], "values": [[1, 0], [1]]}), ("HEATMAP", {"categories": ["a", "b"], "values": [[1, 0]]}),
    ("HEATMAP", {"categories": ["a", "b"], "values": [1, 0]}), ("HEATMAP", {"values": [[1], [1, 0]]}),
    ("TABLE", {"data": [[1, 2], [3]], "columns": ["a", "b"]}), ("TABLE", {"data": [[1], [3, 4]], "rows": ["a", "b"]}),
    ("TABLE", {"data": [[1, 2]], "columns": ["a", "b"], "rows": ["x", "y"]}),
])
def test_ragged_logs_are_refused(server, experiment, kind, data):
    server.refused("POST", f"/api/experiment/{experiment.id}/logs", 400, "data", json={"name": unique("ragged"), "type": kind, "data": data})


def test_an_image_is_a_log(experiment, cells):
    experiment.log("a picture", str(cells[0].path), LogType.IMAGE)
    assert experiment.get_log("a picture").type == LogType.IMAGE


@pytest.mark.parametrize("kind, data", [("LINE", "a text"), ("VALUE", [1, 2]), ("NO SUCH", 1)])
def test_a_log_that_cannot_be_is_refused(server, experiment, kind, data):
    server.refused("POST", f"/api/experiment/{experiment.id}/logs", (400, 422), json={"name": unique("bad"), "type": kind, "data": data})


def test_an_evaluation_says_what_was_evaluated(client, project, annotated):
    version = annotated[1]["test"]
    e = project.create_experiment(name=unique("evaluated"))
    e.attach_dataset(name="test", dataset_version=version)
    asset, label = version.list_assets()[0], version.list_labels()[0]
    e.add_evaluation(asset, rectangles=[(1, 2, 30, 40, label, 0.9), (5, 6, 7, 8, label, 0.25)], polygons=[([[1, 1], [9, 1], [9, 9]], label, 0.5)],
                     classifications=[(label, 0.75)], custom_metrics={"iou": 0.5})
    got = e.list_evaluations()[0].sync()
    assert got["asset"]["data"]["filename"] == asset.filename and got["asset"]["data"]["meta"] == {"width": 640, "height": 480}
    assert got["asset_id"] == got["asset"]["id"] == str(asset.id) and got["custom_metrics"] == {"iou": 0.5}
    assert [(r["label"]["name"], r["score"], r["x"], r["y"], r["w"], r["h"]) for r in got["rectangles"]] == [(label.name, 0.9, 1, 2, 30, 40), (label.name, 0.25, 5, 6, 7, 8)]
    assert [(p["label"]["name"], p["polygon"]) for p in got["polygons"]] == [(label.name, [[1, 1], [9, 1], [9, 9]])]
    assert [(c["label"]["name"], c["score"]) for c in got["classifications"]] == [(label.name, 0.75)] and got["lines"] == []
    e.add_evaluation(asset, rectangles=[(3, 3, 3, 3, label, 0.1)])
    again = e.list_evaluations()
    assert len(again) == 1 and [r["x"] for r in again[0].sync()["rectangles"]] == [3], "added again it is replaced"


def test_artifacts(experiment, cells, tmp_path):
    experiment.store("notes", str(cells[0].path))
    experiment.store("notes", str(cells[1].path))
    assert [a.filename for a in experiment.list_artifacts() if a.name == "notes"] == [cells[1].name]
    experiment.get_artifact("notes").download(str(tmp_path))
    assert (tmp_path / cells[1].name).read_bytes() == cells[1].path.read_bytes()


def test_console_lines(server, experiment):
    experiment.send_logging(["one", "two"], part="training")
    experiment.send_logging("three", part="training", final=True)
    text = str(server.call("GET", f"/api/experiment/{experiment.id}/logging?after=0"))
    assert all(w in text for w in ("one", "two", "three"))


def test_compare_stands_side_by_side(server, project, experiment):
    other = project.create_experiment(name=unique("other"), parameters={"steps": 99})
    other.log("eval/mAP50", [0.1, 0.5], LogType.LINE)
    other.log("mAP50", 0.5, LogType.VALUE)
    answer = server.call("POST", "/api/experiments/compare", json={"ids": [str(experiment.id), str(other.id)]})
    text = str(answer)
    assert str(experiment.id) in text and str(other.id) in text and "99" in text
    names = [m["name"] for m in answer["metrics"]]
    assert "eval/mAP50" in names and "mAP50" not in names  # the value is the end of the curve


def test_an_experiment_made_from_another(project, experiment):
    e = project.create_experiment(name=unique("next"), base_experiment=experiment)
    assert e.get_base_experiment().id == experiment.id


def test_a_model_in_the_registry_from_any_experiment(client, experiment, cells):
    experiment.store("model-latest", str(cells[0].path))
    v = experiment.export_as_model(unique("exported"))
    assert v.version == 0 and "model-latest" in [f.name for f in v.list_files()]
    assert v.get_context().get_experiment().id == experiment.id
    again = experiment.export_in_existing_model(client.get_model(v.origin_name))
    assert again.version == 1
