"""Chapter 1.4: annotation files as other tools write them, read and written back."""
import io
import json
import struct
import unicodedata
import zipfile
import zlib

import pytest
from conftest import unique, wait
from picsellia.types.enums import InferenceType


def picture(width=100, height=80, shade=0):
    """A PNG of one colour; each shade is another file."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes([shade % 256, shade // 256 % 256, 128]) * width for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


made = iter(range(1, 60000))


@pytest.fixture
def holding(client, lake, tmp_path):
    """holding("a.jpg", …) → a version for boxes with images of these names, 100 x 80 pixels."""
    def make(*names, type=InferenceType.OBJECT_DETECTION):
        tag, paths = lake.get_or_create_data_tag(unique("tag")), []
        for name in names:
            path = tmp_path / name
            path.write_bytes(picture(shade=next(made)))
            paths.append(str(path))
        lake.upload_data(filepaths=paths, tags=[tag])
        v = client.create_dataset(name=unique("foreign")).create_version(version="first")
        v.add_data(lake.list_data(tags=[tag])).wait_for_done()
        if type:
            v.set_type(type)
        return v
    return make


def imported(server, version, *files, **fields):
    """The job of an import, when it has ended. files: (name, text or bytes)."""
    r = server.call("POST", f"/api/dataset/version/{version.id}/annotations/import", data=fields,
                    files=[("files", (n, t if isinstance(t, bytes) else t.encode())) for n, t in files])
    job = r["job"]["id"]
    return wait("import", lambda: (lambda j: j if j["status"] in ("SUCCEEDED", "FAILED", "KILLED") else None)(server.call("GET", f"/api/v2/job/{job}")))


def taken(server, version, *files, **fields):
    j = imported(server, version, *files, **fields)
    assert j["status"] == "SUCCEEDED", j
    return j["result"]


def exported(server, version, kind="COCO", **more):
    r = server.call("POST", f"/api/dataset/version/{version.id}/annotations/export", json={"type": kind, **more})
    return r, server.call("GET", r["presigned_url"][len(server.host):] if r["presigned_url"].startswith(server.host) else r["presigned_url"]).content


def shapes(server, version):
    """(file, label, box) as the export says them, fractions and all."""
    out = json.loads(exported(server, version)[1])
    files, names = {i["id"]: i["file_name"] for i in out["images"]}, {c["id"]: c["name"] for c in out["categories"]}
    return sorted((files[a["image_id"]], names[a["category_id"]], *a["bbox"]) for a in out["annotations"])


def zipped(files):
    z = io.BytesIO()
    with zipfile.ZipFile(z, "w", zipfile.ZIP_DEFLATED) as f:
        for name, data in files.items():
            f.writestr(name, data)
    return z.getvalue()


A = {"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}
CAT = {"id": 1, "name": "cat"}
BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40], "area": 1200, "iscrowd": 0}
WANT = ("a.jpg", "cat", 10, 20, 30, 40)
LINE = "0 0.25 0.5 0.3 0.5\n"


def coco(*annotations, images=(A,), categories=(CAT,)):
    return json.dumps({"images": images, "annotations": annotations, "categories": categories})


VOC = """<annotation><filename>{}</filename><size><width>100</width><height>80</height></size><object><name>cat</name>
<bndbox><xmin>10</xmin><ymin>20</ymin><xmax>40</xmax><ymax>60</ymax></bndbox></object></annotation>"""

USUAL = {
    "COCO with a byte order mark": [("x.json", b"\xef\xbb\xbf" + coco(BOX).encode())],
    "COCO: an annotation of an image that is not listed": [("x.json", coco(BOX, {**BOX, "id": 2, "image_id": 77}))],
    "COCO: a category that is not listed": [("x.json", coco(BOX, {**BOX, "id": 2, "category_id": 9}))],
    "COCO: a category with blanks": [("x.json", coco(BOX, categories=[{"id": 1, "name": " cat "}]))],
    "COCO: an outline under three points beside a box": [("x.json", coco({**BOX, "segmentation": [[10, 20, 40, 20]]}))],
    "COCO: an object in two parts": [("x.json", coco({**BOX, "segmentation": [[10, 20, 20, 20, 20, 30, 10, 30], [30, 50, 40, 50, 40, 60, 30, 60]]}))],
    "COCO: a crowd beside an object": [("x.json", coco(BOX, {**BOX, "id": 2, "iscrowd": 1, "segmentation": {"size": [80, 100], "counts": [820, 40, 7140]}}))],
    "COCO: a mask for boxes": [("x.json", coco({"id": 1, "image_id": 1, "category_id": 1, "segmentation": {"size": [80, 100], "counts": [820] + [40, 40] * 29 + [40, 4820]}}))],
    "COCO: a mask as text": [("x.json", coco({**BOX, "segmentation": {"size": [80, 100], "counts": "di0X1To6"}}))],
    "COCO: an empty outline": [("x.json", coco({**BOX, "segmentation": []}))],
    "COCO: ids that are texts": [("x.json", coco({**BOX, "image_id": "x"}, images=[{**A, "id": "x"}]))],
    "COCO in folders": [("x.json", coco(BOX, images=[{**A, "file_name": "images\\train/a.jpg"}]))],
    "COCO with another ending": [("x.json", coco(BOX, images=[{**A, "file_name": "a.png"}]))],
    "COCO zip of a Mac": [("x.zip", zipped({"__MACOSX/._ann.json": "\0\5\26\7", "__MACOSX/d/._a.xml": "xx", "d/_annotations.coco.json": coco(BOX),
                                            ".DS_Store": "x", "d/a.jpg": picture(), "README.roboflow.txt": "# cats"}))],
    "COCO of several files": [("x.zip", zipped({"annotations/instances_train2017.json": coco(BOX), "annotations/captions_train2017.json":
                                                json.dumps({"images": [A], "annotations": [{"id": 1, "image_id": 1, "caption": "a cat"}]})}))],
    "VOC": [("a.xml", VOC.format("a.jpg"))],
    "VOC renamed by a converter": [("a.xml", VOC.format("a.png"))],
    "VOC that names a file of another time": [("a.xml", VOC.format("IMG_0001.JPG"))],
    "VOC with a path": [("b.xml", VOC.format("C:\\x\\a.jpg"))],
    "VOC without a name": [("a.xml", VOC.replace("<filename>{}</filename>", ""))],
    "YOLO with classes.txt": [("a.txt", LINE), ("classes.txt", "cat\n")],
    "YOLO with a byte order mark": [("a.txt", b"\xef\xbb\xbf" + LINE.encode()), ("classes.txt", b"\xef\xbb\xbfcat\r\n")],
    "YOLO: gaps in the numbers": [("a.txt", "7 0.25 0.5 0.3 0.5\n"), ("data.yaml", "names:\n  2: dog\n  7: cat\n")],
    "YOLO: names in braces": [("a.txt", LINE), ("data.yaml", "names: {0: cat, 1: dog}\n")],
    "YOLO: names over lines": [("a.txt", LINE), ("data.yaml", "names: [\n  'cat',\n  'dog'\n]\n")],
    "YOLO: comments and CRLF": [("a.txt", LINE.replace("\n", "\r\n")), ("data.yaml", "# x\r\nnames:\r\n  0: cat # first\r\n  1: dog\r\n")],
    "YOLO zip of CVAT": [("y.zip", zipped({"obj.data": "classes = 1\ntrain = data/train.txt\n", "obj.names": "cat\n", "train.txt": "data/obj_train_data/a.jpg\n",
                                           "obj_train_data/a.txt": LINE}))],
    "YOLO zip of Label Studio": [("y.zip", zipped({"classes.txt": "cat\n", "notes.json": json.dumps({"categories": [{"id": 0, "name": "cat"}], "info": {}}),
                                                   "images/a.jpg": picture(), "labels/a.txt": LINE}))],
    "YOLO zip of Roboflow": [("y.zip", zipped({"data.yaml": "names: ['cat']\nnc: 1\ntrain: ../train/images\n", "README.dataset.txt": "# x", "README.roboflow.txt": "\nx",
                                               "train/labels/a.txt": LINE, "train/images/a.jpg": picture()}))],
    "YOLO zip of Ultralytics": [("y.zip", zipped({"set/data.yaml": "path: set\ntrain: images/train\nnames:\n  0: cat\n", "set/labels/train/a.txt": LINE,
                                                  "set/images/train/a.jpg": picture(), "set/labels/train.cache": "x"}))],
    "YOLO keypoints": [("a.txt", "0 0.25 0.5 0.3 0.5 0.1 0.1 2 0.2 0.2 1\n"), ("data.yaml", "kpt_shape: [2, 3]\nnames: [cat]")],
}


@pytest.fixture(scope="module")
def one_image(client, lake, tmp_path_factory):
    path = tmp_path_factory.mktemp("one") / "a.jpg"
    path.write_bytes(picture(shade=next(made)))
    tag = lake.get_or_create_data_tag(unique("tag"))
    lake.upload_data(filepaths=[str(path)], tags=[tag])
    v = client.create_dataset(name=unique("one image")).create_version(version="first")
    v.add_data(lake.list_data(tags=[tag])).wait_for_done()
    v.set_type(InferenceType.OBJECT_DETECTION)
    return v


@pytest.mark.parametrize("case", USUAL, ids=lambda c: c.replace(" ", "_"))
def test_usual_files_of_other_tools_give_the_box_that_they_mean(server, one_image, case):
    result = taken(server, one_image, *USUAL[case])
    assert shapes(server, one_image) == [WANT], result


def test_boxes_keep_their_fractions(server, holding):
    v = holding("a.jpg")
    taken(server, v, ("x.json", coco({**BOX, "bbox": [10.4, 20.6, 29.7, 39.2]})))
    assert shapes(server, v) == [("a.jpg", "cat", 10.4, 20.6, 29.7, 39.2)]
    r = v.list_assets()[0].get_annotation().list_rectangles()[0]
    assert (r.x, r.y, r.w, r.h) == (10, 21, 30, 39)  # the published client knows whole numbers only
    asset = str(v.list_assets()[0].id)

    def box(change=None):
        a = server.call("GET", f"/api/asset/{asset}/annotations/find")
        r = a["rectangles"][0]
        if change is not None:
            server.call("PUT", f"/api/asset/{asset}/annotation", json={"revision": a["revision"], "rectangles": [{**r, **change}]})
        return (r["x"], r["y"], r["w"], r["h"]), r["box"]
    whole, exact = (10, 21, 30, 39), [10.4, 20.6, 29.7, 39.2]
    assert box({"text": "saved as it was"}) == (whole, exact) and box() == (whole, exact)
    v.list_assets()[0].get_annotation().list_rectangles()[0].update(text="changed elsewhere")
    assert box() == (whole, exact)
    assert box({"x": 5})[1] == exact and box() == ((5, 21, 30, 39), None)


@pytest.mark.parametrize("stored, named", [(unicodedata.normalize("NFD", "ö.jpg"), "ö.jpg"), ("ö.jpg", unicodedata.normalize("NFD", "ö.jpg")),
                                           ("a b.jpg", "a%20b.jpg"), ("a%20b.jpg", "a b.jpg"), ("c.jpeg", "c.JPG")])
def test_names_are_compared_as_people_read_them(server, holding, stored, named):
    v = holding(stored)
    taken(server, v, ("x.json", coco(BOX, images=[{**A, "file_name": named}])))
    assert [s[2:] for s in shapes(server, v)] == [WANT[2:]]


def test_what_is_left_out_is_told_in_words_and_numbers(server, holding):
    v = holding("a.jpg")
    r = taken(server, v, ("x.json", coco(BOX, {**BOX, "id": 2, "image_id": 77}, {**BOX, "id": 3, "iscrowd": 1}, {**BOX, "id": 4, "category_id": 9},
                                         images=[{**A, "width": 50}, {"id": 2, "file_name": "gone.jpg"}])), ("readme.md", "x"))
    assert (r["images"], r["shapes"], r["unknown_images"], r["unknown"], r["sizes_differ"]) == (1, 1, 1, ["gone.jpg"], 1)
    left = {g["reason"]: (g["count"], g["examples"]) for g in r["left_out"]}
    assert left == {"image_not_in_file": (1, ["x.json, annotations[1].image_id"]), "category_not_in_file": (1, ["x.json, annotations[3].category_id"]),
                    "crowd": (1, ["x.json, annotations[2]"]), "unknown_image": (1, ["gone.jpg"]), "no_annotations": (1, ["readme.md"])}
    for word in ("1 shape of 1 image taken from COCO", "iscrowd", "gone.jpg", "readme.md", "50 x 80 in the file, 100 x 80 here"):
        assert word in r["says"], r["says"]


@pytest.mark.parametrize("files, word", [
    ([("x.json", coco(BOX, images=[{**A, "file_name": "other.jpg"}]))], "other.jpg"),
    ([("x.json", coco({**BOX, "image_id": 7}))], "does not list"),
    ([("x.json", coco({**BOX, "bbox": [10, 20, 300, 40]}))], "outside"),
    ([("x.json", coco({**BOX, "bbox": [10, 20, 0, 40]}))], "empty"),
    ([("a.txt", "0 2 0.5 0.1 0.1"), ("classes.txt", "cat")], "a.txt, line 1"),
    ([("readme.txt", "hello"), ("classes.txt", "cat")], "readme.txt"),
])
def test_an_import_that_takes_nothing_fails_and_says_why(server, holding, files, word):
    v = holding("a.jpg")
    taken(server, v, ("x.json", coco(BOX)))
    j = imported(server, v, *files)
    assert j["status"] == "FAILED" and word in j["error"], j
    assert shapes(server, v) == [WANT]
    assert [x.name for x in v.list_labels()] == ["cat"]


def test_an_image_of_crowds_only_is_one_without_objects(server, holding):
    v = holding("a.jpg")
    r = taken(server, v, ("x.json", coco({**BOX, "iscrowd": 1, "segmentation": {"size": [80, 100], "counts": [820, 40, 7140]}})))
    assert (r["images"], r["shapes"], [g["reason"] for g in r["left_out"]]) == (1, 0, ["crowd"]) and "(iscrowd): 1" in r["says"]
    assert shapes(server, v) == []


def test_faulty_shapes_can_be_passed_over(server, holding):
    v = holding("a.jpg")
    text = coco(BOX, {**BOX, "id": 2, "bbox": [10, 20, 300, 40]}, {**BOX, "id": 3, "bbox": [1]})
    assert imported(server, v, ("x.json", text))["status"] == "FAILED"
    assert shapes(server, v) == []
    r = taken(server, v, ("x.json", text), skip_invalid="true")
    assert r["skipped_shapes"] == 2 and shapes(server, v) == [WANT]


SPLIT = {"data.yaml": "names: [cat]", "train/labels/a.txt": LINE, "valid/labels/b.txt": LINE, "test/labels/c.txt": LINE}


def tags(version):
    return {a.filename: sorted(t.name for t in a.get_tags()) for a in version.list_assets()}


def test_splits_become_tags_or_are_taken_alone(server, holding):
    v = holding("a.jpg", "b.jpg", "c.jpg")
    r = taken(server, v, ("y.zip", zipped(SPLIT)))
    assert r["splits"] == {"train": 1, "val": 1, "test": 1} and len(shapes(server, v)) == 3
    wait("tags", lambda: tags(v) == {"a.jpg": ["train"], "b.jpg": ["val"], "c.jpg": ["test"]})
    v = holding("a.jpg", "b.jpg", "c.jpg")
    r = taken(server, v, ("y.zip", zipped(SPLIT)), splits="val")
    assert [s[0] for s in shapes(server, v)] == ["b.jpg"] and tags(v) == {"a.jpg": [], "b.jpg": [], "c.jpg": []}
    assert [g["count"] for g in r["left_out"] if g["reason"] == "other_split"] == [2]
    taken(server, v, ("y.zip", zipped(SPLIT)), splits="ALL")
    assert len(shapes(server, v)) == 3 and tags(v) == {"a.jpg": [], "b.jpg": [], "c.jpg": []}
    server.refused("POST", f"/api/dataset/version/{v.id}/annotations/import", 400, "splits", data={"splits": "x"}, files=[("files", ("a.json", b"{}"))])


def test_modes_replace_keep_and_add(server, holding):
    v = holding("a.jpg")
    taken(server, v, ("x.json", coco(BOX)))
    other = coco({**BOX, "bbox": [1, 2, 3, 4]})
    assert taken(server, v, ("x.json", other), mode="KEEP")["kept"] == 1
    assert shapes(server, v) == [WANT]
    taken(server, v, ("x.json", other), mode="CONCATENATE")
    assert shapes(server, v) == [("a.jpg", "cat", 1, 2, 3, 4), WANT]
    taken(server, v, ("x.json", other), mode="REPLACE")
    assert shapes(server, v) == [("a.jpg", "cat", 1, 2, 3, 4)]
    assert server.rows("SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM batch_label)") == [(0, 0)]
    labels = server.call("GET", f"/api/dataset/version/{v.id}/labels")["items"]
    assert [(x["name"], x["nb_objects"]) for x in labels] == [("cat", 1)]


PARTS = {**BOX, "segmentation": [[10, 20, 20, 20, 20, 30, 10, 30], [30, 50, 40, 50, 40, 60, 30, 60]]}


def test_objects_in_parts_stay_one_object_through_a_version_of_polygons(server, holding):
    v = holding("a.jpg", type=InferenceType.SEGMENTATION)
    r = taken(server, v, ("x.json", coco(PARTS, {**PARTS, "id": 2})))
    assert r["shapes"] == 4 and "part_of" in r["says"]
    out = json.loads(exported(server, v)[1])
    assert [a["segmentation"] for a in out["annotations"]] == [PARTS["segmentation"]] * 2
    assert out["annotations"][0]["bbox"] == [10, 20, 30, 40] and out["annotations"][0]["area"] == 200


def test_a_version_of_masks_keeps_masks_and_crowds(server, holding):
    v = holding("a.jpg", type=InferenceType.MASK)
    mask = {"size": [80, 100], "counts": [820, 40, 7140]}
    taken(server, v, ("x.json", coco({**BOX, "segmentation": mask}, {**BOX, "id": 2, "iscrowd": 1, "segmentation": mask})))
    out = json.loads(exported(server, v)[1])
    assert [a["segmentation"] for a in out["annotations"]] == [{"size": [80, 100], "counts": "di0X1To6"}] * 2
    assert out["annotations"][0]["area"] == 40


def test_a_version_without_a_type_takes_that_of_what_comes(server, holding):
    for text, want in ((coco(PARTS), "SEGMENTATION"), (coco(BOX), "OBJECT_DETECTION"), (coco({"id": 1, "image_id": 1, "category_id": 1}), "CLASSIFICATION")):
        v = holding("a.jpg", type=None)
        taken(server, v, ("x.json", text))
        assert server.call("GET", f"/api/dataset/version/{v.id}")["type"] == want


def members(data):
    z = zipfile.ZipFile(io.BytesIO(data))
    assert z.testzip() is None
    return {n: z.read(n).decode() for n in z.namelist()}


@pytest.mark.parametrize("kind, one, two", [("PASCAL_VOC", "q.jpg.xml", "q.png.xml"), ("YOLO", "labels/q.jpg.txt", "labels/q.png.txt")])
def test_images_of_one_stem_each_have_their_own_file(server, holding, kind, one, two):
    v = holding("q.jpg", "q.png", "r.jpg")
    text = coco(BOX, {**BOX, "id": 2, "image_id": 2, "bbox": [11, 2, 30, 40]}, {**BOX, "id": 3, "image_id": 3},
                images=[{"id": 1, "file_name": "q.jpg"}, {"id": 2, "file_name": "q.png"}, {"id": 3, "file_name": "r.jpg"}])
    taken(server, v, ("x.json", text))
    want = shapes(server, v)
    r, data = exported(server, v, kind)
    files = members(data)
    assert one in files and two in files and (r["renamed"], sorted(r["renamed_names"])) == (2, ["q.jpg", "q.png"])
    assert (r["images"], r["shapes"], r["left_out"]) == (3, 3, 0)
    other = holding("q.jpg", "q.png", "r.jpg")
    taken(server, other, ("x.zip", data))
    assert shapes(server, other) == want


def test_voc_of_polygons_holds_their_boxes(server, holding):
    v = holding("a.jpg", type=InferenceType.SEGMENTATION)
    taken(server, v, ("x.json", coco({**BOX, "segmentation": [[10, 20, 40, 20, 25, 40, 40, 60, 10, 60]]})))
    r, data = exported(server, v, "PASCAL_VOC")
    assert (r["shapes"], r["left_out"]) == (1, 0)
    for part in ("<xmin>10<", "<ymin>20<", "<xmax>40<", "<ymax>60<"):
        assert part in members(data)["a.xml"]


@pytest.mark.parametrize("kind", ["COCO", "PASCAL_VOC", "YOLO"])
def test_a_version_without_annotations_is_exported_as_nothing(server, holding, kind):
    v = holding("a.jpg")
    r, data = exported(server, v, kind)
    assert (r["images"], r["shapes"]) == (0, 0)
    assert json.loads(data)["images"] == [] if kind == "COCO" else members(data)


def test_an_export_can_be_started_and_asked_for_later(server, holding):
    v = holding("a.jpg")
    taken(server, v, ("x.json", coco(BOX)))
    job = server.call("POST", f"/api/dataset/version/{v.id}/annotations/export", json={"type": "COCO", "wait": False})["job"]["id"]
    done = wait("export", lambda: (lambda j: j if j["status"] == "SUCCEEDED" else None)(server.call("GET", f"/api/v2/job/{job}")))
    assert done["result"]["shapes"] == 1


def test_hostile_files_break_nothing(server, holding):
    v = holding("a.jpg")
    taken(server, v, ("x.json", coco(BOX)))
    flood = b'{"images":[],"annotations":[],"categories":[],"x":[' + b"[]," * (8 << 20) + b"1]}"
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as f:
        f.writestr("a.json", b" " * (64 << 20))
    for name, data in (("x.json", flood), ("x.json", b"[" * (1 << 20)), ("x.json", b'{"x":"' + b"a" * (8 << 20) + b'"}'), ("x.zip", bomb.getvalue()),
                       ("x.json", b"\xff\xfe"), ("x.zip", b"PK\x03\x04" + b"\0" * 1000), ("x.xml", b"<annotation>" * 100000), ("a.txt", b"0 " * 100000)):
        j = imported(server, v, (name, data))
        assert j["status"] == "FAILED" and j["error"], (name, j)
        assert "broke their reader" not in j["error"], j
    assert shapes(server, v) == [WANT]


def test_twenty_thousand_categories_are_no_burden(server, holding):
    v = holding("a.jpg")
    n = 20000
    r = taken(server, v, ("x.json", coco(*({"id": i, "image_id": 1, "category_id": i, "bbox": [1, 1, 5, 5]} for i in range(n)),
                                         categories=[{"id": i, "name": f"c{i}"} for i in range(n)])))
    assert r["shapes"] == n
