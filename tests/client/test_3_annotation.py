"""Chapter 1.3: annotation files in and out, statistics, and the annotation tool's calls."""
import io
import json
import zipfile

import pytest
from conftest import coco, wait
from picsellia.types.enums import AnnotationFileType, ImportAnnotationMode


def boxes_of(server, version):
    """(file, label, x, y, w, h) as stored, read through the API."""
    page = server.call("GET", f"/api/dataset/version/{version.id}/assets", params={"annotations": "true", "limit": 1000})
    names = {x["id"]: x["name"] for x in server.call("GET", f"/api/dataset/version/{version.id}/labels")["items"]}
    return sorted((a["data"]["filename"], names[r["label_id"]], r["x"], r["y"], r["w"], r["h"])
                  for a in page["items"] if a["annotation"] for r in a["annotation"]["rectangles"])


def truth(cells):
    return sorted((c.name, n, x0, y0, x1 - x0, y1 - y0) for c in cells for n, x0, y0, x1, y1 in c.boxes)


def close(got, want):
    assert len(got) == len(want)
    return all(a[:2] == b[:2] and all(abs(p - q) <= 1 for p, q in zip(a[2:], b[2:])) for a, b in zip(sorted(got), sorted(want)))


@pytest.fixture
def version(make_version, cells, labels):
    return make_version(cells[:5], labels)


def test_coco_in_and_out(server, version, cells, labels, tmp_path):
    f = tmp_path / "a.json"
    f.write_text(json.dumps(coco(cells[:5], labels)))
    version.import_annotations_coco_file(str(f), mode=ImportAnnotationMode.REPLACE)
    assert boxes_of(server, version) == truth(cells[:5])
    out = json.loads(open(version.export_annotation_file(AnnotationFileType.COCO, str(tmp_path / "out"))).read())
    files, names = {i["id"]: i["file_name"] for i in out["images"]}, {c["id"]: c["name"] for c in out["categories"]}
    assert sorted((files[a["image_id"]], names[a["category_id"]], *a["bbox"]) for a in out["annotations"]) == truth(cells[:5])
    stats = version.retrieve_stats()
    assert stats.nb_objects == len(truth(cells[:5])) and stats.nb_annotations == 5
    for name in labels:
        assert stats.label_repartition.get(name, 0) == sum(t[1] == name for t in truth(cells[:5]))


def test_import_again_replaces(server, version, cells, labels, tmp_path):
    f = tmp_path / "a.json"
    f.write_text(json.dumps(coco(cells[:5], labels)))
    for _ in range(2):
        version.import_annotations_coco_file(str(f), mode=ImportAnnotationMode.REPLACE)
    assert boxes_of(server, version) == truth(cells[:5])
    version.import_annotations_coco_file(str(f), mode=ImportAnnotationMode.CONCATENATE)
    assert len(boxes_of(server, version)) == 2 * len(truth(cells[:5]))


def test_voc_in(server, version, cells):
    for c in cells[:5]:
        version.import_annotation_voc_file(str(c.xml))
    assert boxes_of(server, version) == truth(cells[:5])


def test_yolo_in(server, version, cells, labels, tmp_path):
    names, files = tmp_path / "data.yaml", []
    names.write_text(json.dumps({"nc": len(labels), "names": labels}))
    for c in cells[:5]:
        f = tmp_path / (c.path.stem + ".txt")
        f.write_text("".join(f"{labels.index(n)} {(x0 + x1) / 1280:.9f} {(y0 + y1) / 960:.9f} {(x1 - x0) / 640:.9f} {(y1 - y0) / 480:.9f}\n"
                             for n, x0, y0, x1, y1 in c.boxes))
        files.append(str(f))
    version.import_annotations_yolo_files(str(names), files)
    assert close(boxes_of(server, version), truth(cells[:5]))


def imported(server, version, files, mode="REPLACE"):
    r = server.call("POST", f"/api/dataset/version/{version.id}/annotations/import", data={"mode": mode}, files=[("files", f) for f in files])
    job = r["job"]["id"]
    return wait("import", lambda: (lambda j: j if j["status"] in ("SUCCEEDED", "FAILED", "KILLED") else None)(server.call("GET", f"/api/v2/job/{job}")))


@pytest.mark.parametrize("kind", ["PASCAL_VOC", "YOLO", "COCO"])
def test_what_is_exported_can_be_imported(server, make_version, version, cells, labels, tmp_path, kind):
    for c in cells[:5]:
        version.import_annotation_voc_file(str(c.xml))
    want = boxes_of(server, version)
    path = version.export_annotation_file(AnnotationFileType(kind), str(tmp_path / "out"))
    other = make_version(cells[:5], [])
    assert imported(server, other, [(path.split("/")[-1], open(path, "rb"))])["status"] == "SUCCEEDED"
    assert close(boxes_of(server, other), want)


def test_the_server_reads_a_zip_of_voc_files(server, version, cells):
    z = io.BytesIO()
    with zipfile.ZipFile(z, "w") as f:
        for c in cells[:5]:
            f.write(c.xml, "Annotations/" + c.xml.name)
    z.seek(0)
    assert imported(server, version, [("voc.zip", z)])["status"] == "SUCCEEDED"
    assert boxes_of(server, version) == truth(cells[:5])


GOOD = {"images": [{"id": 0, "file_name": "NAME", "width": 640, "height": 480}], "categories": [{"id": 0, "name": "a"}],
        "annotations": [{"id": 1, "image_id": 0, "category_id": 0, "bbox": [1, 2, 3, 4]}]}


def bad_coco(**change):
    return json.dumps({**GOOD, **change})


@pytest.mark.parametrize("name, text, word", [
    ("a.json", '{"images": [', "line"),
    ("a.json", "[]", ""),
    ("a.json", bad_coco(annotations=[{"id": 1, "image_id": 7, "category_id": 0, "bbox": [1, 2, 3, 4]}]), "image"),
    ("a.json", bad_coco(annotations=[{"id": 1, "image_id": 0, "category_id": 9, "bbox": [1, 2, 3, 4]}]), "categor"),
    ("a.json", bad_coco(annotations=[{"id": 1, "image_id": 0, "category_id": 0, "bbox": [1, 2, 3]}]), "bbox"),
    ("a.json", bad_coco(annotations=[{"id": 1, "image_id": 0, "category_id": 0, "bbox": [1, 2, "x", 4]}]), "bbox"),
    ("a.xml", "<annotation><filename>NAME</filename><object>", "line"),
    ("a.xml", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation><filename>&x;</filename></annotation>', ""),
    ("a.xml", "<annotation><filename>NAME</filename><object><name>a</name><bndbox><xmin>x</xmin><ymin>1</ymin><xmax>2</xmax><ymax>3</ymax></bndbox></object></annotation>", "xmin"),
    ("a.zip", "PK\x03\x04 no zip at all", ""),
    ("a.exe", "MZ", ""),
])
def test_a_bad_file_is_named_and_changes_nothing(server, version, cells, name, text, word):
    for c in cells[:5]:
        version.import_annotation_voc_file(str(c.xml))
    before = boxes_of(server, version)
    body = text.replace("NAME", cells[0].name).encode("latin-1")
    import requests
    r = requests.post(server.host + f"/api/dataset/version/{version.id}/annotations/import", headers={"Authorization": f"Bearer {server.token}"},
                      data={"mode": "REPLACE"}, files=[("files", (name, body))])
    if r.status_code < 300:
        job = r.json()["job"]["id"]
        j = wait("import", lambda: (lambda j: j if j["status"] in ("SUCCEEDED", "FAILED", "KILLED") else None)(server.call("GET", f"/api/v2/job/{job}")))
        assert j["status"] == "FAILED", j
        said = j["error"]
    else:
        assert 400 <= r.status_code < 500, r.text
        said = r.json()["message"]
    assert said and word in said
    assert boxes_of(server, version) == before


def test_the_tool_saves_and_notices_that_someone_else_did(server, version, cells):
    asset = str(version.list_assets()[0].id)
    label = str(version.list_labels()[0].id)
    box = {"x": 10, "y": 20, "w": 30, "h": 40, "label_id": label}
    saved = server.call("PUT", f"/api/asset/{asset}/annotation", json={"revision": 0, "status": "ACCEPTED", "duration": 3, "rectangles": [box]})
    assert [(r["x"], r["y"], r["w"], r["h"]) for r in saved["rectangles"]] == [(10, 20, 30, 40)]
    server.refused("PUT", f"/api/asset/{asset}/annotation", 409, json={"revision": 0, "rectangles": []})
    again = server.call("PUT", f"/api/asset/{asset}/annotation", json={"revision": saved["revision"], "rectangles": [{**box, "x": 11}, box]})
    assert len(again["rectangles"]) == 2 and again["revision"] > saved["revision"]


@pytest.mark.parametrize("box", [{"x": -5}, {"w": 0}, {"h": -1}, {"x": 630, "w": 20}, {"x": "a"}, {"label_id": "00000000-0000-7000-8000-000000000000"}, {"w": 10**12}])
def test_a_box_that_cannot_be_is_refused(server, version, box):
    asset, label = str(version.list_assets()[0].id), str(version.list_labels()[0].id)
    good = {"x": 10, "y": 20, "w": 30, "h": 40, "label_id": label}
    server.refused("PUT", f"/api/asset/{asset}/annotation", (400, 422), json={"revision": 0, "rectangles": [{**good, **box}]})
    server.refused("POST", f"/api/dataset/version/{version.id}/bulk-annotations", (400, 422),
                   json={"import_type": "REPLACE", "annotations": [{"asset_id": asset, "rectangles": [{**good, **box}]}]})
    assert boxes_of(server, version) == []


def test_annotations_through_the_client(version):
    asset, label = version.list_assets()[0], version.list_labels()[0]
    a = asset.create_annotation(duration=1.5)
    r = a.create_rectangle(x=1, y=2, w=30, h=40, label=label)
    assert (r.x, r.y, r.w, r.h) == (1, 2, 30, 40)
    r.update(x=5, y=6, w=7, h=8)
    assert [(b.x, b.y, b.w, b.h) for b in asset.get_annotation().list_rectangles()] == [(5, 6, 7, 8)]
    r.delete()
    a.delete()
