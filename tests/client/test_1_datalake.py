"""Chapter 1: images into the datalake, tags, the query language, and back out."""
import hashlib
import unicodedata

import pytest
import requests
from conftest import unique
from picsellia.exceptions import NoDataError
from picsellia.types.enums import DataUploadStatus


@pytest.fixture(scope="module")
def tagged(lake, cells):
    tag = lake.get_or_create_data_tag(unique("chapter1"))
    return tag, lake.upload_data(filepaths=[str(c.path) for c in cells[:6]], tags=[tag], source=None)


def test_an_upload_answers_data_that_are_done(tagged, cells):
    data = list(tagged[1])
    assert sorted(d.filename for d in data) == sorted(c.name for c in cells[:6])
    assert all(d.upload_status == DataUploadStatus.DONE and (d.width, d.height) == (640, 480) for d in data)


def test_the_bytes_lie_under_their_hash(server, tagged, cells):
    sums = {hashlib.sha256(c.path.read_bytes()).hexdigest() for c in cells[:6]}
    stored = {h for (h,) in server.rows("SELECT hash FROM object")}
    assert sums <= stored
    for s in sums:
        assert hashlib.sha256((server.folder / "objects" / s[:2] / s).read_bytes()).hexdigest() == s


def test_tags_select(lake, tagged):
    tag = tagged[0]
    assert len(lake.list_data(tags=[tag.name])) == 6
    other = lake.get_or_create_data_tag(unique("other"))
    two = list(tagged[1])[:2]
    for d in two:
        d.add_tags([other])
    assert {d.id for d in lake.list_data(tags=[tag.name, other.name], intersect_tags=True)} == {d.id for d in two}
    two[0].remove_tags([other])
    assert [d.id for d in lake.list_data(tags=[other.name])] == [two[1].id]
    assert {t.name for t in two[1].get_tags()} == {tag.name, other.name}


def test_the_same_tag_twice_is_a_conflict(server, lake, tagged):
    server.refused("POST", f"/api/datalake/{lake.id}/tags", 409, json={"name": tagged[0].name})


def test_the_query_language(lake, tagged, cells):
    tag = tagged[0].name
    q = lambda text: len(lake.list_data(q=f'tags.name = "{tag}" and ({text})'))
    assert q(f'filename = "{cells[0].name}"') == 1
    assert q(f'filename in ("{cells[0].name}", "{cells[1].name}")') == 2
    assert q("width = 640 and height < 481") == 6
    assert q(f'not filename = "{cells[0].name}"') == 5
    assert q(f'filename != "{cells[0].name}"') == 5
    with pytest.raises(NoDataError):
        q("width > 640")


@pytest.mark.parametrize("text", ["tags.name ==== 3", "width >", "(width = 1", "no_such_field = 1", 'filename = "a', "width = 1 and", "user.password = 1"])
def test_a_wrong_query_says_where(server, lake, text):
    said = server.refused("GET", f"/api/datalake/{lake.id}/datas", 400, params={"q": text, "limit": 5})
    assert any(c.isdigit() for c in said["message"] + str(said.get("detail"))) or text.split()[0].strip('"(') in str(said)


def test_pages_follow_their_cursor(server, lake, tagged):
    seen, cursor = [], None
    while True:
        page = server.call("GET", f"/api/datalake/{lake.id}/datas",
                           params={"q": f'tags.name = "{tagged[0].name}"', "limit": 4, **({"cursor": cursor} if cursor else {})})
        assert page["count"] == 6 and len(page["items"]) <= 4
        seen += [x["id"] for x in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert len(seen) == 6 and len(set(seen)) == 6


def test_download_gives_the_same_bytes(lake, tagged, cells, tmp_path):
    d = next(iter(lake.list_data(q=f'tags.name = "{tagged[0].name}" and filename = "{cells[2].name}"')))
    d.download(str(tmp_path))
    assert (tmp_path / cells[2].name).read_bytes() == cells[2].path.read_bytes()


def test_the_same_picture_is_kept_once(server, lake, cells):
    before = len(list((server.folder / "objects").glob("*/*")))
    lake.upload_data(filepaths=[str(cells[0].path)])
    assert len(list((server.folder / "objects").glob("*/*"))) == before


def test_many_are_registered_by_one_request_as_one_by_one(server, lake, cells):
    whole, cut = cells[7].path.read_bytes() + b"many", cells[8].path.read_bytes()[:3000]
    bodies = [whole, cut, b"no image", whole]
    links = server.call("POST", f"/api/object-storage/{lake.connector_id}/upload_links", json={"type": "DATA", "filenames": [f"{k}.jpg" for k in range(4)]})
    for link, body in zip(links, bodies):
        assert requests.put(link["url"], data=body).status_code < 300
    tag = lake.get_or_create_data_tag(unique("many"))
    files = [{"filename": f"{k}.jpg", "object_name": link["object_name"]} for k, link in enumerate(links)]
    rows = server.call("POST", f"/api/datalake/{lake.id}/datas/bulk", json={"files": files, "tags": [str(tag.id)]})
    assert [r["upload_status"] for r in rows] == ["DONE", "ERROR", "ERROR", "DONE"] and "damaged" in rows[1]["error"]
    assert [r["object_name"] for r in rows] == [link["object_name"] for link in links]
    first = server.call("GET", f"/api/data/{rows[0]['id']}")
    assert (first["meta"]["width"], first["meta"]["height"], first["content_type"], first["filename"]) == (640, 480, "image/jpeg", "0.jpg")
    assert [t["name"] for t in first["tags"]] == [tag.name]
    assert requests.get(first["presigned_url"]).content == whole


def test_sources_and_metadata(client, lake, cells):
    source = client.get_or_create_datasource(unique("camera"))
    d = lake.upload_data(filepaths=[str(cells[7].path)], source=source, custom_metadata=None)
    assert d.get_datasource().id == source.id
    found = lake.list_data(q=f'data_source.name = "{source.name}"')
    assert [x.id for x in found] == [d.id]


@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_an_accent_is_found_in_either_form(client, lake, cells, tmp_path, typed):
    name, tag, source = (unicodedata.normalize(typed, unique("ö") + end) for end in (".jpg", "", ""))
    (tmp_path / name).write_bytes(cells[0].path.read_bytes())
    kept = lake.get_or_create_data_tag(tag)
    camera = client.get_or_create_datasource(source)
    d = lake.upload_data(filepaths=[str(tmp_path / name)], tags=[kept], source=camera)
    assert d.filename == name  # as it was typed: the client looks for it among the files that it has
    version = client.create_dataset(name=unique("accents")).create_version(version="first")
    version.add_data([d])
    for form in ("NFC", "NFD"):
        n, t, s = (unicodedata.normalize(form, x) for x in (name, tag, source))
        assert lake.find_data(filename=n).id == d.id
        assert [x.id for x in lake.list_data(filenames=[n])] == [d.id]
        assert [x.id for x in lake.list_data(tags=[t])] == [d.id]
        for q in (f'filename = "{n}"', f'filename ~ "{n[:-4]}"', f'filename startswith "{n[:-4]}"', f'tags.name = "{t}"', f'data_source.name = "{s}"'):
            assert [x.id for x in lake.list_data(q=q)] == [d.id], q
        assert lake.get_or_create_data_tag(t).id == kept.id
        assert lake.get_data_tag(t).id == kept.id
        assert client.get_or_create_datasource(s).id == camera.id
        assert version.find_asset(filename=n).filename == name
        assert len(version.list_assets(filenames=[n])) == 1
        assert len(version.list_assets(filenames_startswith=[n[:-4]])) == 1


def test_delete_takes_it_out(server, lake, cells):
    d = lake.upload_data(filepaths=[str(cells[8].path)])
    d.delete()
    server.refused("GET", f"/api/data/{d.id}", 404)


def test_thumbnail_and_image(server, tagged):
    d = list(tagged[1])[0]
    r = server.call("GET", f"/api/data/{d.id}/thumbnail?size=128")
    assert r.headers["Content-Type"] == "image/jpeg" and r.content[:2] == b"\xff\xd8" and len(r.content) < 20000
    r = server.call("GET", f"/api/data/{d.id}/image")
    assert r.headers["Content-Type"] == "image/jpeg" and r.headers["X-Content-Type-Options"] == "nosniff"


def test_a_large_file_goes_in_parts(server, client, tmp_path):
    """More than the client's 25 MiB in one request, through a model's file."""
    f = tmp_path / "large.bin"
    f.write_bytes(bytes(range(256)) * 4096 * 40)
    v = client.create_model(name=unique("large")).create_version()
    v.store("large", str(f))
    v.get_file("large").download(str(tmp_path / "back"))
    assert (tmp_path / "back" / "large.bin").read_bytes() == f.read_bytes()
