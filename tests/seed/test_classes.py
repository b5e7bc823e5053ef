"""Every class of the client 6.1.2 that the scripts touch, and what stands around them, call by call; what is stored is read again by another
call of the client, or past it."""
import json
import os

import pytest
from conftest import coco, unique, wait
from picsellia import Client
from picsellia.exceptions import BadRequestError, ForbiddenError, NoDataError, PicselliaError, ResourceConflictError, ResourceNotFoundError
from picsellia.types.enums import (AnnotationFileType, AnnotationStatus, ExperimentStatus, Framework, ImportAnnotationMode, InferenceType, JobStatus,
                                   LogType, ObjectDataType, ServiceMetrics, TagTarget)
from picsellia.types.schemas_prediction import DetectionPredictionFormat
from PIL import Image


def paths(cells):
    return [str(c.path) for c in cells]


def names(things):
    return sorted(t.name for t in things)


# ---- the organization

def test_a_client_names_its_organization_and_the_version_it_knows(client, server):
    ping = server.call("GET", "/sdk/home/ping")
    assert ping["sdk_version"] == "6.1.2" and ping["username"] == server.username
    assert server.call("GET", "/api/home/ping")["sdk_version"] != "6.1.2"
    assert client.name == "default" and str(client.id) == ping["default_organization"]
    with Client(api_token=server.token, host=server.host) as same:
        assert same.id == ping["default_organization"] and same.name == client.name
    assert Client(api_token=server.token, organization_id=str(client.id), host=server.host).name == "default"


def test_who_is_not_known_is_told(server):
    with pytest.raises(PicselliaError, match="Cannot connect"):
        Client(api_token="sac_nobody", host=server.host)
    with pytest.raises(ResourceNotFoundError):
        Client(api_token=server.token, organization_name="nobody's", host=server.host)


def test_what_is_not_there_says_what_is(server, project_of):
    server.refused("GET", "/sdk/campaigns", 404, "client 6.1.2")
    with pytest.raises(ResourceNotFoundError, match="no scans"):
        project_of().list_scans()
    with pytest.raises(ResourceNotFoundError, match="no scans"):
        project_of().get_scan("any")


# ---- data

@pytest.fixture(scope="session")
def data(lake, cells):
    source_cells = cells[:5]
    return source_cells, lake.upload_data(filepaths=paths(source_cells))


def test_data_come_with_tags_and_a_source(client, lake, cells):
    source = client.create_datasource(unique("camera"))
    one = lake.upload_data(filepaths=str(cells[5].path), tags=["by name", lake.get_or_create_data_tag("by object")], source=source)
    assert names(one.get_tags()) == ["by name", "by object"] and one.get_datasource() == source
    assert (one.width, one.height) == Image.open(cells[5].path).size and one.filename == cells[5].name
    found = lake.find_data(filename=one.filename)
    assert found == one and lake.find_data(object_name=one.object_name) == one and lake.find_all_datas([one.object_name]).ids == [one.id]
    source.update(name=(renamed := unique("camera")))
    assert client.get_datasource(renamed) == source and source in client.list_datasources() and source.sync()["name"] == renamed
    assert lake in client.list_datalakes() and lake.sync()["connector_id"] == str(lake.connector_id)
    source.delete()
    with pytest.raises(ResourceNotFoundError):
        client.get_datasource(renamed)


def test_data_are_listed_by_tag_name_page_and_order(lake, data):
    cells, many = data
    tag = lake.create_data_tag(unique("tag"))
    tag.attach_on(many)
    assert {d.filename for d in lake.list_data(tags=tag)} == {c.name for c in cells}
    assert [d.filename for d in lake.list_data(tags=[tag.name], order_by=["filename"], page_size=2)] == sorted(c.name for c in cells)
    assert len(lake.list_data(tags=tag, limit=3, offset=1, page_size=2)) == 3
    assert lake.list_data(filenames=[cells[0].name], tags=tag).ids == lake.list_data(tags=tag, order_by=["filename"])[:1].ids
    tag.update(name=unique("renamed"))
    assert lake.get_data_tag(tag.name) == tag and tag in lake.list_data_tags() and tag.sync()["name"] == tag.name
    many[0].remove_tags(tag)
    tag.detach_from(many[1])
    assert len(lake.list_data(tags=tag)) == 3
    tag.delete()
    with pytest.raises(ResourceNotFoundError):
        lake.get_data_tag(tag.name)


def test_more_than_a_thousand_come_in_one_page(server, client, lake):
    """It asks for 10,000 at a time and believes that it got them."""
    org = str(client.id)
    made = [server.call("POST", f"/sdk/organization/{org}/MODEL/tags", json={"name": unique("many")})["id"] for _ in range(3)]
    assert len(made) == 3
    version = client.create_dataset(unique("many")).create_version("one")
    for k in range(1005):
        server.call("POST", f"/api/dataset/version/{version.id}/labels", json={"name": f"label {k:04}"})
    assert len(version.list_labels()) == 1005
    page = server.call("GET", f"/sdk/organization/{org}/datasets", params={"limit": 10000, "offset": 0})
    assert page["count"] == len(page["items"])


def test_data_are_downloaded_as_they_were_sent(lake, cells, data, tmp_path):
    _, many = data
    (tmp_path / "many").mkdir()  # its threads would make the folder over each other, and lose the file
    many.download(str(tmp_path / "many"))
    many[0].download(str(tmp_path / "one"))
    for c in data[0]:
        assert (tmp_path / "many" / c.name).read_bytes() == c.path.read_bytes()
    assert (tmp_path / "one" / many[0].filename).read_bytes() == (tmp_path / "many" / many[0].filename).read_bytes()


def test_data_that_are_deleted_are_gone(lake, cells):
    tag = lake.create_data_tag(unique("short"))
    many = lake.upload_data(filepaths=paths(cells[6:9]), tags=[tag])
    many[0].delete()
    many[1:].delete()
    with pytest.raises(NoDataError):
        lake.list_data(tags=tag)


def test_a_large_image_comes_in_parts(lake, tmp_path):
    path = tmp_path / "noise.png"
    Image.frombytes("RGB", (1500, 1500), os.urandom(1500 * 1500 * 3)).save(path)  # of noise nothing is saved
    assert path.stat().st_size > 5 << 20
    one = lake.upload_data(filepaths=str(path))
    one.download(str(tmp_path / "back"))
    assert (tmp_path / "back" / "noise.png").read_bytes() == path.read_bytes() and one.width == 1500


# ---- datasets

def test_a_dataset_and_its_versions_are_made_changed_and_found(client):
    dataset = client.create_dataset(unique("set"), description="boxes")
    assert dataset.sync()["description"] == "boxes" and dataset in client.list_datasets() and client.get_dataset_by_id(dataset.id) == dataset
    with pytest.raises(ResourceConflictError):
        client.create_dataset(dataset.name)
    dataset.update(name=unique("renamed"), description="other boxes", private=True)
    assert client.get_dataset(dataset.name).sync()["description"] == "other boxes"
    with pytest.raises(BadRequestError, match="private must be true"):
        dataset.update(private=False)
    version = dataset.create_version("first", description="of the day", type=InferenceType.SEGMENTATION)
    assert (version.type, version.sync()["description"], version.name) == (InferenceType.SEGMENTATION, "of the day", dataset.name)
    version.update(version="second", description="of the night", type=InferenceType.CLASSIFICATION)
    again = dataset.get_version("second")
    assert (again.type, again.sync()["description"]) == (InferenceType.CLASSIFICATION, "of the night") and dataset.list_versions() == [version]
    assert dataset.get_version_by_id(version.id).origin_id == dataset.id
    version.delete()
    with pytest.raises(ResourceNotFoundError):
        dataset.get_version("second")
    dataset.delete()
    with pytest.raises(ResourceNotFoundError):
        client.get_dataset(dataset.name)


def test_tags_of_all_targets(client, lake, cells):
    dataset = client.create_dataset(unique("set"))
    version = dataset.create_version("one")
    model = client.create_model(unique("model"), type=InferenceType.SEGMENTATION)
    for thing, kind, target in ((dataset, "dataset", TagTarget.DATASET), (version, "dataset_version", TagTarget.DATASET_VERSION),
                                (model, "model", TagTarget.MODEL), (model.create_version(), "model_version", TagTarget.MODEL_VERSION)):
        tag = getattr(client, f"create_{kind}_tag")(unique("tag"))
        assert tag.target_type == target
        thing.add_tags(tag)
        assert thing.get_tags() == [tag]
        assert getattr(client, f"find_{kind}_tag")(tag.name) == tag and tag in getattr(client, f"list_{kind}_tags")()
        thing.remove_tags([tag])
        assert thing.get_tags() == []
    tag = client.create_deployment_tag(unique("tag"))
    assert client.find_deployment_tag(tag.name) == tag and tag in client.list_deployment_tags()
    with pytest.raises(ResourceConflictError):
        client.create_deployment_tag(tag.name)


def test_workers_are_the_people_of_the_organization(client, server):
    dataset = client.create_dataset(unique("set"))
    worker = dataset.find_worker(server.username)
    assert worker.username == server.username and worker in dataset.list_workers()
    assert worker.sync()["collaborator"]["username"] == server.username
    with pytest.raises(ResourceNotFoundError):
        dataset.find_worker("nobody")


@pytest.fixture
def version(make_version, cells, labels):
    return make_version(cells[10:14], labels)


def test_assets_are_listed_found_tagged_and_downloaded(version, cells, lake, tmp_path):
    assets = version.list_assets()
    assert {a.filename for a in assets} == {c.name for c in cells[10:14]}
    one = version.find_asset(filename=cells[10].name)
    assert version.find_asset(object_name=one.object_name) == one and version.find_asset(data=lake.find_data(object_name=one.object_name)) == one
    assert version.find_all_assets(filenames=[one.filename]).ids == [one.id] == version.find_all_assets(object_names=[one.object_name]).ids
    assert len(version.list_assets(limit=3, page_size=2)) == 3 and one.sync()["id"] == str(one.id)
    tag = version.create_asset_tag("blurred")
    assert version.get_asset_tag("blurred") == tag and version.list_asset_tags() == [tag]
    one.add_tags(tag)
    assert one.get_tags() == [tag] and version.list_assets(tags="blurred").ids == [one.id] and one.get_data_tags()
    assert version.list_assets(data_tags=one.get_data_tags()[0].name, tags=tag).ids == [one.id]
    one.download(str(tmp_path / "one"))
    (tmp_path / "some").mkdir()
    version.download(str(tmp_path / "all"))
    assets.download(str(tmp_path / "some"))
    for c in cells[10:14]:
        assert (tmp_path / "all" / c.name).read_bytes() == c.path.read_bytes() == (tmp_path / "some" / c.name).read_bytes()
    assert version.synchronize(str(tmp_path / "all")) is None
    assert len(version.synchronize(str(tmp_path / "one"))) == 3


def test_assets_that_are_removed_stay_in_the_datalake(version, lake):
    assets = version.list_assets()
    assets[0].delete()
    assert len(version.list_assets()) == 3
    assets[1:3].delete()
    assert version.list_assets().ids == assets[3:].ids
    assert lake.find_all_datas([a.object_name for a in assets])


def test_what_is_refused_by_a_status_that_it_does_not_know_is_refused(version, server, lake):
    """It takes 413, 423, 429 and 503 for success."""
    server.call("POST", f"/api/dataset/version/{version.id}/lock")
    with pytest.raises(ResourceConflictError, match="lock"):
        version.list_assets()[0].delete()
    with pytest.raises(ResourceConflictError, match="lock"):
        version.list_assets()[0].create_annotation()
    server.refused("DELETE", f"/api/asset/{version.list_assets()[0].id}", 423)
    with pytest.raises(BadRequestError, match="at most"):
        lake.find_all_datas(["x"] * 200001)
    server.call("POST", f"/api/dataset/version/{version.id}/unlock")


def test_a_version_is_forked_with_its_assets(version):
    fork, job = version.fork("forked", assets=version.list_assets()[:3], type=InferenceType.OBJECT_DETECTION, with_tags=True)
    assert job.wait_for_done() == JobStatus.SUCCESS and job.sync()["status"] == "SUCCESS"
    assert len(fork.list_assets()) == 3 and fork.type == InferenceType.OBJECT_DETECTION


def test_labels_are_renamed_and_deleted(version):
    label = version.create_label("scratch")
    label.update(name="dent")
    assert version.get_label("dent") == label and label.sync()["name"] == "dent" and label in version.list_labels()
    label.delete()
    with pytest.raises(ResourceNotFoundError):
        version.get_label("dent")


# ---- annotations

@pytest.fixture
def annotation(version):
    return version.list_assets()[0].create_annotation(duration=2.5)


def test_an_annotation_is_of_a_worker_and_changes(version, annotation, server):
    asset = version.list_assets()[0]
    me = [u["id"] for u in server.call("GET", "/api/users")["items"] if u["username"] == server.username]
    assert [str(annotation.worker_id)] == me and (annotation.duration, annotation.status) == (2.5, AnnotationStatus.PENDING)
    with pytest.raises(ResourceConflictError):
        asset.create_annotation()
    annotation.update(duration=7, status=AnnotationStatus.ACCEPTED)
    assert (asset.get_annotation().duration, asset.get_annotation().status) == (7.0, AnnotationStatus.ACCEPTED)
    assert asset.list_annotations() == [annotation] and annotation.sync()["status"] == "ACCEPTED"
    assert version.list_annotations(status="ACCEPTED").ids == [annotation.id]
    with pytest.raises(NoDataError):
        version.list_annotations(status=AnnotationStatus.REFUSED)


def test_annotations_of_workers_are_told_apart(client, version, annotation, server):
    dataset = client.get_dataset_by_id(version.origin_id)
    me = dataset.find_worker(server.username)
    server.call("POST", "/api/users", json={"username": (other := unique("other")), "password": "long enough 123", "role": "member"})
    other = dataset.find_worker(other)
    asset = version.list_assets()[0]
    assert asset.get_annotation(worker=me) == annotation and version.list_annotations(worker=me).ids == [annotation.id]
    with pytest.raises(ResourceNotFoundError):
        asset.get_annotation(worker=other)
    with pytest.raises(NoDataError):
        version.list_annotations(worker=other)
    with pytest.raises(ForbiddenError, match="own name"):
        annotation.update(worker=other)
    with pytest.raises(BadRequestError, match="workers cannot be told apart"):
        version.delete_all_annotations(workers=[me])


def test_shapes_of_all_kinds_are_made_listed_changed_and_deleted(version, annotation, labels):
    a, b = (version.get_label(name) for name in labels[:2])
    ring, path = [[1, 1], [30, 1], [30, 30]], [[1, 2], [5, 9], [40, 40]]
    one = annotation.create_rectangle(1, 2, 30, 40, a)
    more = annotation.create_multiple_rectangles([(5, 6, 7, 8, b), (9, 10, 11, 12, a)])
    assert annotation.list_rectangles() == [one, *more]
    assert [(r.x, r.y, r.w, r.h, r.label.name) for r in annotation.list_rectangles()] == [(1, 2, 30, 40, a.name), (5, 6, 7, 8, b.name), (9, 10, 11, 12, a.name)]
    one.update(x=3, label=b)
    assert one.sync()["x"] == 3 and (one.x, one.y, one.label) == (3, 2, b)
    polygon, line = annotation.create_polygon(ring, a), annotation.create_line(path, b)
    assert annotation.create_multiple_polygons([(ring, b)])[0].coords == ring and annotation.create_multiple_lines([(path, a)])[0].coords == path
    assert [p.coords for p in annotation.list_polygons()] == [ring, ring] and [x.coords for x in annotation.list_lines()] == [path, path]
    polygon.update(coords=[[2, 2], [20, 2], [20, 20]])
    line.update(label=a)
    assert polygon.sync()["polygon"][0] == [2, 2] and line.sync()["label"]["name"] == a.name
    classified = annotation.create_classification(a)
    assert annotation.create_multiple_classifications([b])[0].label == b
    classified.update(label=b)
    assert [c.label for c in annotation.list_classifications()] == [b, b] and classified.sync()["label"]["name"] == b.name
    for shape in (one, polygon, line, classified):
        shape.delete()
    assert [len(f()) for f in (annotation.list_rectangles, annotation.list_polygons, annotation.list_lines, annotation.list_classifications)] == [2, 1, 1, 1]


def test_points_keep_their_order(version, annotation, labels):
    a = version.get_label(labels[0])
    nose = annotation.create_point([10, 20], 7, a)
    eyes = annotation.create_multiple_points([([30, 40], 3, a), ([50, 60], 5, a)])
    assert [(p.coords, p.order) for p in (nose, *eyes)] == [([10, 20], 7), ([30, 40], 3), ([50, 60], 5)]
    assert [(p.coords, p.order) for p in annotation.list_points()] == [([10, 20], 7), ([30, 40], 3), ([50, 60], 5)]
    nose.update(coords=[11, 21])
    assert (nose.sync()["point"], nose.order) == ([11, 21], 7)
    nose.delete()
    assert len(annotation.list_points()) == 2


def test_an_annotation_is_overwritten(version, annotation, labels):
    a = version.get_label(labels[0])
    annotation.create_rectangle(1, 2, 3, 4, a)
    annotation.overwrite(rectangles=[(5, 6, 7, 8, a)], polygons=[([[1, 1], [9, 1], [9, 9]], a)], classifications=[a], lines=[([[1, 1], [9, 9]], a)],
                         points=[([3, 4], 9, a)], duration=4)
    assert [(r.x, r.y, r.w, r.h) for r in annotation.list_rectangles()] == [(5, 6, 7, 8)] and annotation.duration == 4
    assert [(p.coords, p.order) for p in annotation.list_points()] == [([3, 4], 9)] and len(annotation.list_polygons()) == 1
    assert len(annotation.list_classifications()) == len(annotation.list_lines()) == 1
    annotation.delete()
    with pytest.raises(ResourceNotFoundError):
        annotation.sync()


@pytest.fixture
def filled(version, cells, labels, tmp_path):
    file = tmp_path / "coco.json"
    file.write_text(json.dumps(coco(cells[10:14], labels)))
    version.import_annotations_coco_file(str(file))
    return version


def found(version):
    return {a.filename: sorted((r.label.name, r.x, r.y, r.x + r.w, r.y + r.h) for r in a.get_annotation().list_rectangles()) for a in version.list_assets()}


def test_coco_files_are_imported_in_every_mode(filled, cells, tmp_path, labels):
    truth = {c.name: sorted(c.boxes) for c in cells[10:14]}
    assert found(filled) == truth
    file = tmp_path / "coco.json"
    _, rectangles, _, _ = filled.import_annotations_coco_file(str(file), mode=ImportAnnotationMode.SKIP)
    assert rectangles == [] and found(filled) == truth
    filled.import_annotations_coco_file(str(file), mode=ImportAnnotationMode.CONCATENATE)
    assert found(filled) == {name: sorted(boxes * 2) for name, boxes in truth.items()}
    other = json.loads(file.read_text())
    other["categories"][0]["name"] = "never seen"
    file.write_text(json.dumps(other))
    with pytest.raises(ResourceNotFoundError):
        filled.import_annotations_coco_file(str(file))
    filled.import_annotations_coco_file(str(file), force_create_label=True)
    assert "never seen" in names(filled.list_labels())


def test_voc_files_are_imported(version, cells, tmp_path):
    for c in cells[10:14]:
        file = tmp_path / f"{c.path.stem}.xml"  # its reader wants all members of each object
        file.write_text(c.xml.read_text().replace("</name>", "</name><pose>Left</pose><truncated>0</truncated><difficult>0</difficult><occluded>0</occluded>"))
        (asset, annotation), rectangles, _, _ = version.import_annotation_voc_file(str(file))
        assert asset.filename == c.name and len(rectangles) == len(c.boxes) == len(annotation.list_rectangles())
    assert found(version) == {c.name: sorted(c.boxes) for c in cells[10:14]}


def test_annotations_are_loaded_exported_split_and_deleted(filled, cells, labels, tmp_path):
    boxes = sum(len(c.boxes) for c in cells[10:14])
    loaded = filled.load_annotations(chunk_size=3)
    assert sum(len(a["rectangles"]) for many in loaded.values() for a in many) == boxes and len(loaded) == 4
    assert filled.list_annotations()[:2].load().keys() <= loaded.keys()
    file = filled.export_annotation_file(AnnotationFileType.COCO, str(tmp_path), assets=filled.list_assets()[:2])
    assert len(json.load(open(file))["images"]) == 2
    file = filled.export_annotation_file("PASCAL_VOC", str(tmp_path))
    assert open(file, "rb").read(2) == b"PK"
    train, rest, train_count, rest_count, split_labels = filled.train_test_split(0.75, random_seed=3)
    assert (len(train), len(rest)) == (3, 1) and names(split_labels) == labels
    assert sum(train_count["y"]) + sum(rest_count["y"]) == boxes
    filled.list_assets()[0].delete_annotations()
    assert len(filled.list_annotations()) == 3
    filled.list_annotations()[:1].delete()
    assert len(filled.list_annotations()) == 2
    filled.list_assets().delete_annotations()
    with pytest.raises(NoDataError):
        filled.list_annotations()
    filled.delete_all_annotations()


def test_tags_become_classifications(client, lake, cells):
    version = client.create_dataset(unique("set")).create_version("one", type=InferenceType.CLASSIFICATION)
    tag = lake.create_data_tag(unique("class"))
    version.add_data(lake.upload_data(filepaths=paths(cells[14:16]), tags=[tag])).wait_for_done()
    assert version.convert_tags_to_classification(TagTarget.DATA, [tag]).wait_for_done() == JobStatus.SUCCESS
    assert names(version.list_labels()) == [tag.name] and len(version.list_annotations()) == 2


# ---- models

def test_a_model_has_its_type_and_gives_it_to_its_versions(client):
    model = client.create_model(unique("model"), type=InferenceType.SEGMENTATION, framework=Framework.PYTORCH, description="ours")
    assert (model.type, model.framework, model.sync()["description"]) == (InferenceType.SEGMENTATION, Framework.PYTORCH, "ours")
    version = model.create_version(docker_image_name="ours/image:1", docker_flags=["--gpus all"], notebook_link="https://example.org/n", labels={"0": "a"},
                                   base_parameters={"lr": 0.1})
    assert (version.type, version.framework, version.version, version.name) == (InferenceType.SEGMENTATION, Framework.PYTORCH, 0, model.name)
    said = version.sync()
    assert (said["docker_image"], said["docker_flags"], said["notebook_link"], said["labels"], said["parameters"]) == (
        "ours/image:1", ["--gpus all"], "https://example.org/n", {"0": "a"}, {"lr": 0.1})
    version.update(docker_image_name="ours/image:2", labels={"0": "b"}, base_parameters={"lr": 0.2})
    said = version.sync()
    assert (said["docker_image"], said["labels"], said["parameters"]) == ("ours/image:2", {"0": "b"}, {"lr": 0.2})
    model.update(name=unique("renamed"), framework=Framework.ONNX, type=InferenceType.OBJECT_DETECTION, description="theirs", private=True)
    again = client.get_model(model.name)
    assert (again.type, again.framework, again.sync()["description"]) == (InferenceType.OBJECT_DETECTION, Framework.ONNX, "theirs")
    assert client.get_model_by_id(model.id) == model and model in client.list_models() and model.get_version(0) == version
    assert model.create_version().version == 1 and len(model.list_versions()) == 2
    version.delete()
    with pytest.raises(ResourceNotFoundError):
        model.get_version(0)
    model.delete()
    with pytest.raises(ResourceNotFoundError):
        client.get_model(model.name)


def test_a_version_keeps_files_and_a_picture(client, cells, tmp_path):
    version = client.create_model(unique("model"), type=InferenceType.CLASSIFICATION).create_version()
    small, large = tmp_path / "small.bin", tmp_path / "large.bin"
    small.write_bytes(b"")
    large.write_bytes(os.urandom(11 << 20))
    for path in (small, large):
        file = version.store(path.stem, str(path))
        file.download(str(tmp_path / "back"))
        assert (tmp_path / "back" / path.name).read_bytes() == path.read_bytes() and file.large == (path is large)
        assert version.get_file(path.stem) == file and file.sync()["filename"] == path.name
    with pytest.raises(ResourceConflictError):
        version.store("small", str(large))
    version.store("small", str(large), replace=True)
    assert version.get_file("small").filename == "large.bin" and names(version.list_files()) == ["large", "small"]
    version.get_file("small").delete()
    assert names(version.list_files()) == ["large"]
    version.update_thumbnail(str(cells[0].path))
    assert version.sync()["thumbnail_object_name"].endswith(cells[0].name)
    assert version.get_context().experiment_id is None


# ---- projects and experiments

@pytest.fixture(scope="session")
def project_of(client):
    made = []
    return lambda: made[0] if made else (made.append(client.create_project(unique("project"), description="for tests")) or made[0])


@pytest.fixture
def experiment(project_of):
    return project_of().create_experiment(unique("experiment"), description="one of many")


def test_a_project_is_changed_found_and_deleted(client, version):
    project = client.create_project(unique("project"), description="ours")
    project.update(name=unique("renamed"), description="theirs", private=True)
    assert client.get_project(project.name) == project == client.get_project_by_id(project.id) and project.sync()["description"] == "theirs"
    assert project in client.list_projects()
    project.attach_dataset(version)
    assert project.list_dataset_versions() == [version]
    project.detach_dataset(version)
    assert project.list_dataset_versions() == []
    for _ in range(3):
        project.create_experiment(unique("one"))
    assert len(project.list_experiments()) == 3
    project.delete_all_experiments()
    assert project.list_experiments() == []
    project.delete_all_experiments()
    project.delete()
    with pytest.raises(ResourceNotFoundError):
        client.get_project(project.name)


def test_an_experiment_is_based_on_others_and_changes(client, project_of, experiment, version):
    base = client.create_model(unique("model"), type=InferenceType.OBJECT_DETECTION).create_version()
    second = project_of().create_experiment(unique("second"), base_experiment=experiment, base_model_version=base)
    assert second.get_base_experiment() == experiment and second.get_base_model_version() == base
    experiment.update(name=unique("renamed"), description="changed", status=ExperimentStatus.RUNNING, base_experiment=second, base_model_version=base)
    said = project_of().get_experiment(experiment.name).sync()
    assert (said["description"], said["status"], said["base_model_version_id"], said["base_experiment_id"]) == ("changed", "RUNNING", str(base.id), str(second.id))
    experiment.update_job_status(JobStatus.SUCCESS)
    assert experiment.sync()["status"] == "SUCCESS"
    second.attach_model_version(client.create_model(unique("other"), type=InferenceType.OBJECT_DETECTION).create_version())
    assert second.get_base_model_version() != base
    second.attach_dataset("train", version)
    assert second.get_dataset("train") == version and second.list_attached_dataset_versions() == [version]
    second.detach_dataset(version)
    assert second.list_attached_dataset_versions() == []
    second.delete()
    with pytest.raises(ResourceNotFoundError):
        project_of().get_experiment_by_id(second.id)


def test_logs_of_every_type(experiment, cells):
    sent = {LogType.VALUE: 0.5, LogType.LINE: [1.0, 2.5], LogType.BAR: {"x": ["a", "b"], "y": [1, 2]}, LogType.TABLE: {"lr": 0.1, "words": "é"},
            LogType.HEATMAP: {"categories": ["a", "b"], "values": [[1, 0], [0, 1]]}, LogType.LABELMAP: {"1": "a"}}
    for kind, data in sent.items():
        assert experiment.log(kind.value, data, kind).type == kind
    experiment.log("picture", str(cells[0].path), LogType.IMAGE)
    for kind, data in sent.items():
        log = experiment.get_log(kind.value)
        got = log.data.get("values", log.data.get("value", log.data)) if kind in (LogType.VALUE, LogType.LINE) and isinstance(log.data, dict) else log.data
        assert got == data, kind
    assert experiment.get_log("picture").data["filename"] == cells[0].name and len(experiment.list_logs()) == 7
    line = experiment.get_log("LINE")
    line.append([4.0])
    assert line.sync()["type"] == "LINE" and line.data in ([1.0, 2.5, 4.0],) or line.data["values"] == [1.0, 2.5, 4.0]
    line.update(name="renamed")
    assert experiment.get_log("renamed") == line
    with pytest.raises(ResourceConflictError):
        experiment.log("VALUE", 0.7, LogType.VALUE, replace=False)
    line.delete()
    assert len(experiment.list_logs()) == 6
    experiment.delete_all_logs()
    assert experiment.list_logs() == []


def test_artifacts_and_the_console(experiment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("one")
    (tmp_path / "more.txt").write_bytes(b"x" * (6 << 20))
    notes = experiment.store("notes", "notes.txt")
    assert experiment.store("notes", "more.txt") == notes and notes.sync()["large"] and experiment.get_artifact("notes").filename == "more.txt"
    experiment.get_artifact("notes").download(str(tmp_path / "back"))
    assert (tmp_path / "back/more.txt").read_bytes() == b"x" * (6 << 20)
    experiment.store("other", "notes.txt")
    experiment.download_artifacts(with_tree=True)
    assert (tmp_path / experiment.name / "notes.txt").read_text() == "one" and names(experiment.list_artifacts()) == ["notes", "other"]
    experiment.get_artifact("other").delete()
    experiment.delete_all_artifacts()
    assert experiment.list_artifacts() == []
    experiment.send_logging("a line", part="train")
    experiment.send_logging(["two", "lines"], part="train", final=True)
    file = experiment.store_logging_file("notes.txt")
    assert experiment.get_logging_file() == file
    other = experiment.connexion.generate_experiment_object_name("notes.txt", ObjectDataType.LOGGING, experiment.id)
    experiment.connexion.upload_file(other, "notes.txt")
    file.update(object_name=other)
    assert experiment.get_logging_file().object_name == other
    file.download(str(tmp_path / "log"))
    assert (tmp_path / "log/notes.txt").read_text() == "one"
    file.delete()
    with pytest.raises(ResourceNotFoundError):
        experiment.get_logging_file()


# ---- from a training to a deployment

@pytest.fixture(scope="session")
def deployed(client, server, project_of, make_version, cells, labels, tmp_path_factory):
    """A training that 6.1.2 starts, of a model of the hub; (experiment, version of a model, deployment)."""
    hub = next(m for m in server.call("GET", "/api/models")["items"] if m["name"] == "yolox-nano")
    base = server.call("GET", f"/api/model/{hub['id']}/versions")["items"][0]
    made = server.call("POST", f"/api/project/{project_of().id}/experiments", json={
        "name": unique("trained"), "base_model_version_id": base["id"], "parameters": {"steps": 60, "batch_size": 4, "image_size": 96, "learning_rate": 0.01}})
    e = project_of().get_experiment_by_id(made["id"])
    part = make_version(cells[16:22], labels)
    file = tmp_path_factory.mktemp("coco") / "a.json"
    file.write_text(json.dumps(coco(cells[16:22], labels)))
    part.import_annotations_coco_file(str(file))
    e.attach_dataset("train", part)
    e.attach_dataset("test", part)
    e.launch(gpus=0)

    def ended():
        status = e.sync()["status"]
        assert status not in ("FAILED", "CANCELED", "TERMINATED"), status
        return status == "SUCCESS"
    wait("the training", ended, 120)
    version = e.publish(unique("published"))
    return e, part, version, version.deploy(name=unique("deployment"), min_threshold=0.01)


def test_a_published_version_tells_where_it_comes_from(deployed):
    e, part, version, _ = deployed
    context = version.get_context()
    assert context.experiment_id == e.id and [d.version_id for d in context.datasets] and context.retrieve_datasets() == [part] * len(context.datasets)
    assert version.type == InferenceType.OBJECT_DETECTION and "model-latest" in names(version.list_files())
    assert context.parameters["steps"] == 60 and context.sync()["experiment_id"] == str(e.id)


def test_a_deployment_predicts_and_is_monitored(client, server, deployed, cells):
    _, _, version, deployment = deployed
    assert client.get_deployment(deployment.name) == deployment == client.get_deployment_by_id(deployment.id) and deployment in client.list_deployments()
    assert deployment.get_model_version() == version and deployment.retrieve_information()["id"] == str(deployment.id)
    assert "detection_scores" in json.dumps(deployment.predict(str(cells[22].path)))
    told = deployment.monitor(str(cells[23].path), 0.25, 480, 640, DetectionPredictionFormat(
        detection_classes=[0, 1], detection_boxes=[[10, 20, 110, 220], [1, 2, 3, 4]], detection_scores=[0.9, 0.5]),
        source="line-2", tags=["night", "été"], timestamp=1700000000.5)
    asset = server.call("GET", f"/api/predicted/asset/{told['id']}")
    (p,) = asset["predictions"]
    assert (asset["source"], {t["name"] for t in asset["tags"]}, asset["data"]["filename"]) == ("line-2", {"night", "été"}, cells[23].name)
    assert (p["latency"], p["model_version_id"], asset["created_at"][:19]) == (0.25, str(version.id), "2023-11-14T22:13:20")
    assert sorted((s["x"], s["y"], s["w"], s["h"], s["score"]) for s in p["rectangles"]) == [(2, 1, 2, 2, 0.5), (20, 10, 200, 100, 0.9)]
    assert isinstance(deployment.get_stats(ServiceMetrics.PREDICTIONS_DATA), dict)
    assert isinstance(deployment.get_stats(ServiceMetrics.AGGREGATED_PREDICTIONS_DATA, model_version=version, since=3600), dict)


def test_a_prediction_of_another_model_is_not_taken_for_the_champions(deployed, client, cells):
    _, _, _, deployment = deployed
    other = client.create_model(unique("other"), type=InferenceType.OBJECT_DETECTION).create_version(labels={"0": "x"})
    with pytest.raises(PicselliaError, match="409"):
        deployment.monitor(str(cells[24].path), 0.1, 480, 640, DetectionPredictionFormat(
            detection_classes=[0], detection_boxes=[[1, 2, 30, 40]], detection_scores=[0.9]), model_version=other)


def test_pipelines_are_set_up_by_one_call_each(deployed, server, version, make_version, cells, labels, project_of):
    _, part, model_version, deployment = deployed
    deployment.setup_feedback_loop(version)
    deployment.setup_feedback_loop(version)
    deployment.setup_continuous_training(project_of(), part, model_version, trigger="FEEDBACK_LOOP", threshold=50, experiment_parameters={"steps": 20})
    deployment.setup_continuous_training(project_of(), version, model_version, trigger="FEEDBACK_LOOP", threshold=60, experiment_parameters={"steps": 30})
    deployment.setup_continuous_deployment("DEPLOY_SHADOW")
    said = server.call("GET", f"/api/deployment/{deployment.id}/pipelines")
    assert [d["id"] for d in said["fl"]["datasets"]] == [str(version.id)] and said["fl"]["active"]
    assert [(d["name"], d["dataset_version"]["id"]) for d in said["ct"]["datasets"]] == [("train", str(version.id))]
    assert (said["ct"]["threshold"], said["ct"]["parameters"], said["ct"]["project"]["id"]) == (60, {"steps": 30}, str(project_of().id))
    assert said["cd"]["policy"] == "DEPLOY_SHADOW"
    for name in ("feedback_loop", "continuous_training", "continuous_deployment"):
        getattr(deployment, f"toggle_{name}")(False)
    said = server.call("GET", f"/api/deployment/{deployment.id}/pipelines")
    assert not (said["fl"]["active"] or said["ct"]["active"] or said["cd"]["active"])
    with pytest.raises(BadRequestError, match="scans"):
        deployment.setup_continuous_training(project_of(), part, model_version, scan_config={"strategy": "grid"})


def test_a_deployment_is_changed_gets_a_shadow_and_is_deleted(client, deployed, server):
    _, _, version, _ = deployed
    deployment = version.deploy(name=unique("second"), min_threshold=0.4)
    deployment.update(name=unique("renamed"), min_threshold=0.6)
    deployment.update(active=False)
    said = deployment.sync()
    assert (said["name"], said["min_threshold"], said["status"]) == (deployment.name, 0.6, "PAUSED")
    deployment.update(active=True)
    assert deployment.sync()["status"] != "PAUSED"
    deployment.set_model(version)
    second = deployed[0].publish(unique("again"))
    deployment.set_shadow_model(second)
    assert (deployment.get_model_version(), deployment.get_shadow_model()) == (version, second)
    tag = client.create_deployment_tag(unique("tag"))
    deployment.add_tags(tag)
    assert deployment.get_tags() == [tag]
    deployment.delete(force_delete=True)
    with pytest.raises(ResourceNotFoundError):
        client.get_deployment(deployment.name)
