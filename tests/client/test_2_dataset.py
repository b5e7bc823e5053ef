"""Chapter 1.2: datasets, versions and labels."""
import json
import unicodedata

import pytest
from conftest import unique
from picsellia.exceptions import NoDataError, ResourceConflictError, ResourceNotFoundError
from picsellia.types.enums import InferenceType


@pytest.fixture(scope="module")
def version(make_version, cells, labels):
    return make_version(cells[:8], labels)


def test_a_name_is_taken_once(client):
    name = unique("dataset")
    d = client.create_dataset(name=name, description="what it is")
    assert client.get_dataset(name).id == d.id
    with pytest.raises(ResourceConflictError):
        client.create_dataset(name=name)
    with pytest.raises(ResourceNotFoundError):
        client.get_dataset("no such")


def test_a_version_is_taken_once_in_its_dataset(client):
    a, b = client.create_dataset(name=unique("a")), client.create_dataset(name=unique("b"))
    v = a.create_version(version="one")
    assert b.create_version(version="one").id != v.id
    assert a.get_version("one").id == v.id and [x.id for x in a.list_versions()] == [v.id]
    with pytest.raises(ResourceConflictError):
        a.create_version(version="one")


def test_assets_are_the_added_data(server, version, cells):
    assert sorted(a.filename for a in version.list_assets()) == sorted(c.name for c in cells[:8])
    assert server.rows("SELECT count(*) FROM asset WHERE dataset_version_id = ?", str(version.id)) == [(8,)]
    assert version.find_asset(filename=cells[3].name).width == 640


def test_a_version_tells_its_size_and_a_job_what_it_processes(server, lake, version):
    assert version.sync()["size"] == len(version.list_assets())
    job = version.add_data([lake.find_data(id=version.list_assets()[0].data_id)])
    assert job.sync()["processing_job"] is None


def test_data_are_added_once(server, lake, version, cells):
    ids = [str(a.data_id) for a in version.list_assets()]
    version.add_data([lake.find_data(id=i) for i in ids[:3]]).wait_for_done()
    assert len(version.list_assets()) == 8


def test_the_type_is_kept(client, version):
    assert client.get_dataset_version_by_id(version.id).type == InferenceType.OBJECT_DETECTION


def test_labels(server, version, labels):
    assert sorted(x.name for x in version.list_labels()) == labels
    with pytest.raises(ResourceConflictError):
        version.create_label(name=labels[0])
    more = version.get_or_create_label(name="debris")
    more.update(name="dirt")
    assert version.get_label("dirt").id == more.id
    more.delete()
    assert sorted(x.name for x in version.list_labels()) == labels


@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_names_are_found_in_either_form_of_an_accent(client, typed):
    name = unicodedata.normalize(typed, unique("é"))
    dataset, project, model = client.create_dataset(name=name), client.create_project(name=name), client.create_model(name=name)
    version, experiment = dataset.create_version(version="first"), project.create_experiment(name=name)
    label = version.create_label(name=name)
    for form in ("NFC", "NFD"):
        n = unicodedata.normalize(form, name)
        assert client.get_dataset(name=n).id == dataset.id
        assert client.get_project(project_name=n).id == project.id
        assert client.get_model(name=n).id == model.id
        assert project.get_experiment(name=n).id == experiment.id
        assert version.get_label(n).id == label.id
        assert version.get_or_create_label(n).id == label.id and label.name == unicodedata.normalize("NFC", name)
    both = version.connection.xget(f"/api/dataset/version/{version.id}/bulk-labels", data=json.dumps({"names": [unicodedata.normalize(f, name) for f in ("NFC", "NFD")]}))
    assert [x["id"] for x in both.json()] == [str(label.id)] * 2 and len(version.list_labels()) == 1


def test_many_labels_at_once(version, labels):
    """The client's XGET that makes what is missing."""
    r = version.connection.xget(f"/api/dataset/version/{version.id}/bulk-labels", data=b'{"names":["' + labels[0].encode() + b'","new one"]}').json()
    assert [x["name"] for x in r] == [labels[0], "new one"]
    version.get_label("new one").delete()


def test_assets_are_searched_by_their_data(version, lake, cells):
    data = version.list_assets()[0].get_data()
    tag = lake.get_or_create_data_tag(unique("night"))
    data.add_tags([tag])
    assert [a.data_id for a in version.list_assets(data_tags=[tag.name])] == [data.id]
    assert len(version.list_assets(filenames=[cells[0].name, cells[1].name])) == 2


def test_assets_are_filtered_by_custom_metadata_of_their_data(version):
    first, second = version.list_assets()[:2]
    for asset, metadata in ((first, {"line": 4, "good": True, "name": 'a "quoted" one'}), (second, {"line": 4, "good": False})):
        asset.get_data().update_custom_metadata(metadata)
    found = lambda **wanted: {a.id for a in version.list_assets(custom_metadata=wanted)}
    assert found(line=4) == {first.id, second.id} and found(line=4, good=False) == {second.id}
    assert found(name='a "quoted" one') == {first.id} and found(line=4, name=None) == {second.id}
    assert {a.id for a in version.list_assets(custom_metadata={"line": 4}, filenames=[first.filename])} == {first.id}
    with pytest.raises(NoDataError):
        version.list_assets(custom_metadata={"line": 5})


def test_a_custom_metadata_filter_that_cannot_be_is_refused(server, version):
    for wrong, word in (("{", "JSON"), ("[1]", "object"), ('{"a": [1]}', "custom_metadata.a"), (json.dumps({"k" * 201: 1}), "200 bytes")):
        server.refused("GET", f"/api/dataset/version/{version.id}/assets", 400, word, params={"custom_metadata": wrong})


def test_a_locked_version_does_not_change(server, client, version, cells):
    version.lock()
    server.refused("POST", f"/api/dataset/version/{version.id}/labels", 423, json={"name": "late"})
    version.unlock()
    version.create_label(name="late").delete()


def test_assets_leave_without_their_data(server, make_version, cells, labels):
    v = make_version(cells[10:12], labels)
    a = v.list_assets()[0]
    a.delete()
    assert len(v.list_assets()) == 1
    server.call("GET", f"/api/data/{a.data_id}")


def test_a_deleted_dataset_is_gone(server, client):
    d = client.create_dataset(name=unique("gone"))
    v = d.create_version(version="one")
    d.delete()
    server.refused("GET", f"/api/dataset/{d.id}", 404)
    server.refused("GET", f"/api/dataset/version/{v.id}", 404)
