"""FiftyOne for bench/questions: reads samples, then a question a line, and tells how long each try took (ms)."""
import copy, datetime, json, sys, time

import bson
import fiftyone as fo
from fiftyone import ViewField as F

BATCH = 5000
at = lambda ms: datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).replace(tzinfo=None)


def detection(row, label, x, y, w, h):
    return fo.Detection(label=label, bounding_box=[x / row["width"], y / row["height"], w / row["width"], h / row["height"]])


def sample(row):
    return fo.Sample(filepath=f"/images/{row['name']}", tags=row["tags"], source=row["source"], taken=at(row["at"]), **row["metadata"],
                     metadata=fo.ImageMetadata(width=row["width"], height=row["height"], size_bytes=row["size"], mime_type="image/jpeg"),
                     ground_truth=fo.Detections(detections=[detection(row, *b) for b in row["boxes"]]))


def fill(path):
    """The first samples by FiftyOne's own call; the others as documents like those, in bulk, since the call takes a millisecond a sample."""
    dataset = fo.Dataset("questions")
    with open(path) as f:
        rows = map(json.loads, f)
        dataset.add_samples([sample(next(rows)) for _ in range(100)])
        collection = dataset._sample_collection
        like = collection.find_one({"ground_truth.detections.0": {"$exists": True}})
        box = like["ground_truth"]["detections"][0]
        batch = []

        def document(row):
            d = copy.copy(like)
            d.update(_id=bson.ObjectId(), filepath=f"/images/{row['name']}", tags=row["tags"], source=row["source"], taken=at(row["at"]), **row["metadata"])
            d["metadata"] = dict(like["metadata"], width=row["width"], height=row["height"], size_bytes=row["size"])
            w, h = row["width"], row["height"]
            d["ground_truth"] = dict(like["ground_truth"], detections=[
                dict(box, _id=bson.ObjectId(), label=b[0], bounding_box=[b[1] / w, b[2] / h, b[3] / w, b[4] / h]) for b in row["boxes"]])
            return d
        for row in rows:
            batch.append(document(row))
            if len(batch) == BATCH:
                collection.insert_many(batch)
                batch = []
        if batch:
            collection.insert_many(batch)
    for field in ("tags", "source", "taken", "camera", "batch", "gain", "metadata.width", "ground_truth.detections.label"):
        dataset.create_index(field)
    dataset.reload()
    return dataset


def labels():
    return F("ground_truth.detections.label")


CONDITIONS = {
    "many RBC": lambda v: v.match(F("ground_truth.detections").filter(F("label") == "RBC").length() > 20),
    "crowded": lambda v: v.match(F("ground_truth.detections").length() > 20),
    "wide": lambda v: v.match(F("metadata.width") > 4000),
    "middling": lambda v: v.match(F("metadata.width") == 1280),
    "batch 7": lambda v: v.match(F("batch") == 7),
    "late": lambda v: v.match(F("taken") > datetime.datetime(2025, 6, 1)),
}


def view_of(dataset, conditions):
    view = dataset.view()
    for c in conditions:
        kind, _, name = c.partition(" ")
        if c in CONDITIONS:
            view = CONDITIONS[c](view)
        elif kind == "tag":
            view = view.match_tags(name)
        elif kind == "label":
            view = view.match(labels().contains(name))
        else:
            view = view.match(F("source") == name)
    return view


def timed(tries, work):
    times = []
    for _ in range(tries):
        began = time.perf_counter()
        got = work()
        times.append((time.perf_counter() - began) * 1000)
    return times, got


began = time.time()
data = fill(sys.argv[1])
print(json.dumps({"seconds": time.time() - began}), flush=True)
for line in sys.stdin:
    q = json.loads(line)
    asked = lambda: view_of(data, q["conditions"])
    samples, got = timed(q["tries"], lambda: [s for s in asked().limit(100)])
    documents, raw = timed(q["tries"], lambda: list(data._sample_collection.aggregate(asked().limit(100)._pipeline())))
    count, found = timed(max(2, q["tries"] // 2), lambda: asked().count())
    assert len(raw) == len(got) == min(100, found), (len(raw), len(got), found)
    print(json.dumps({"samples": samples, "documents": documents, "count": count, "found": found}), flush=True)
