"""Lists: every order has cursors that lose nothing and repeat nothing, nulls have a place, and a count is exact or says that it is not."""
import random
import sqlite3

import pytest
from conftest import unique


@pytest.fixture(scope="module")
def many(server, lake, cells):
    """Data of this file's own tag, with equal and missing values among them."""
    tag = lake.get_or_create_data_tag(unique("lists"))
    data = lake.upload_data(filepaths=[str(c.path) for c in cells[:12]], tags=[tag])
    for i, d in enumerate(data):
        server.call("PATCH", f"/api/data/{d.id}/custom-metadata", json={"custom_metadata": {"n": i}})
    return tag.name, data


def pages(server, path, **query):
    """All items, by cursors."""
    items, cursor = [], {}
    while True:
        page = server.call("GET", path, params={**query, **cursor})
        items += page["items"]
        assert page["next_cursor"] is None or len(page["items"]) == query["limit"]
        if not page["next_cursor"]:
            return items
        cursor = {"cursor": page["next_cursor"]}


ORDERS = ["created_at", "filename", "size", "width", "height", "content_type", "upload_status", "id"]


@pytest.mark.parametrize("order", [sign + name for name in ORDERS for sign in ("", "-")] + ["width,-size", "-content_type,filename"])
def test_every_order_has_cursors(server, lake, many, order):
    path, q = f"/api/datalake/{lake.id}/datas", f'tags.name = "{many[0]}"'
    names = order.split(",")
    whole = server.call("GET", path, params={"q": q, "order_by": names, "limit": 1000})
    assert whole["count"] == 12 and whole["count_exact"] is True and whole["next_cursor"] is None
    for limit in (1, 5, 12):
        assert [d["id"] for d in pages(server, path, q=q, order_by=names, limit=limit)] == [d["id"] for d in whole["items"]], limit
    first = names[0].lstrip("-")
    if first in whole["items"][0]:
        got = [d[first] for d in whole["items"]]
        assert got == sorted(got, reverse=order.startswith("-"))


@pytest.fixture(scope="module")
def sorted_assets(server, client, many):
    """Assets with none, one and several objects, of several states."""
    v = client.create_dataset(name=unique("sorted")).create_version(version="first")
    v.set_type("OBJECT_DETECTION")
    v.add_data(many[1]).wait_for_done()
    label = v.create_label(name="cell")
    for i, a in enumerate(v.list_assets()[:7]):
        shapes = [{"label_id": str(label.id), "x": 1, "y": 1, "w": 5, "h": 5 + k} for k in range(i % 4)]
        server.call("POST", f"/api/dataset/version/{v.id}/bulk-annotations", json={"import_type": "REPLACE", "status": ["PENDING", "ACCEPTED", "REFUSED"][i % 3],
                    "annotations": [{"asset_id": str(a.id), "duration": i % 3, "rectangles": shapes}]})
    return v


def assets_in_order(server, version, order, **query):
    return [(a["nb_objects"], a["status"] or "", a["data"]["filename"]) for a in pages(server, f"/api/dataset/version/{version.id}/assets", order_by=order, limit=5, **query)]


def check_orders(server, version):
    for i, order in enumerate(("nb_objects", "status", "filename")):
        got = assets_in_order(server, version, order)
        assert len(got) == 12 and [a[i] for a in got] == sorted(a[i] for a in got), order
        assert assets_in_order(server, version, "-" + order) == got[::-1], order
    assert len(assets_in_order(server, version, "filename", q="nb_objects > 1")) == sum(n > 1 for n, _, _ in got) > 0
    assert {s for _, s, _ in assets_in_order(server, version, "status", q='status in ("REFUSED", "PENDING")')} == {"REFUSED", "PENDING"}


def test_assets_are_sorted_by_what_their_annotations_say(server, sorted_assets):
    check_orders(server, sorted_assets)


def test_assets_are_sorted_rightly_while_what_they_keep_follows_an_import(server, sorted_assets):
    """As it is for a moment after many annotations were shown at once: the assets do not know of it yet."""
    with sqlite3.connect(server.folder / "saccade.db", timeout=30) as db:
        kept = db.execute("SELECT n_shapes, status, id FROM asset WHERE dataset_version_id = ?", (str(sorted_assets.id),)).fetchall()
        db.execute("UPDATE asset SET n_shapes = 0, status = NULL WHERE dataset_version_id = ?", (str(sorted_assets.id),))
        db.execute("INSERT INTO batch (id, dataset_version_id, job_id, shown) VALUES (999999, ?, 'of a test', 1)", (str(sorted_assets.id),))
    try:
        check_orders(server, sorted_assets)
    finally:
        with sqlite3.connect(server.folder / "saccade.db", timeout=30) as db:
            db.executemany("UPDATE asset SET n_shapes = ?, status = ? WHERE id = ?", kept)
            db.execute("DELETE FROM batch WHERE id = 999999")


def test_a_cursor_of_another_order_is_refused(server, lake, many):
    path, query = f"/api/datalake/{lake.id}/datas", {"q": f'tags.name = "{many[0]}"', "limit": 2}
    cursor = server.call("GET", path, params={**query, "order_by": "width"})["next_cursor"]
    for other in ("-width", "height", "filename"):
        server.refused("GET", path, 400, "another order", params={**query, "order_by": other, "cursor": cursor})


def test_a_cursor_goes_on_where_it_was_when_rows_come(server, lake, client, many):
    data = f"/api/datalake/{lake.id}/tags"
    made = [server.call("POST", data, json={"name": unique("cursor-b")}) for _ in range(4)]
    page = server.call("GET", data, params={"limit": 2, "order_by": "-name"})
    server.call("POST", data, json={"name": unique("zz-before-it")})
    rest = server.call("GET", data, params={"limit": 1000, "order_by": "-name", "cursor": page["next_cursor"]})
    names = [t["name"] for t in page["items"] + rest["items"]]
    assert len(set(names)) == len(names) and {t["name"] for t in made} <= set(names)


def test_nulls_come_before_everything_and_are_gone_through(server, many, client, lake):
    """Objects per asset: most assets have no annotation, so that their status is null."""
    v = client.create_dataset(name=unique("nulls")).create_version(version="first")
    v.add_data(many[1]).wait_for_done()
    assets = list(v.list_assets())
    for a in assets[:5]:
        a.create_annotation(duration=1)
    path = f"/api/dataset/version/{v.id}/assets"
    for order, nulls in (("status", [True] * 7 + [False] * 5), ("-status", [False] * 5 + [True] * 7)):
        got = pages(server, path, order_by=order, limit=2)
        assert [d["status"] is None for d in got] == nulls
        assert len({d["id"] for d in got}) == 12


def test_a_page_by_offset_is_told_the_exact_count(server, lake, many):
    path, q = f"/api/datalake/{lake.id}/datas", f'tags.name = "{many[0]}"'
    page = server.call("GET", path, params={"q": q, "offset": 3, "limit": 2})
    assert (len(page["items"]), page["count"], page["count_exact"]) == (2, 12, True)
    only = server.call("GET", path, params={"q": q, "limit": 0, "count": "exact"})
    assert (only["items"], only["count"], only["count_exact"], only["next_cursor"]) == ([], 12, True, None)


def test_a_short_count_says_that_it_is_one(server, lake, many):
    path = f"/api/datalake/{lake.id}/datas"
    page = server.call("GET", path, params={"q": 'width = 640 or height = 480', "limit": 3, "count": "short"})
    assert page["count_exact"] is False and page["count"] >= 4
    page = server.call("GET", path, params={"limit": 3, "count": "short"})
    assert page["count_exact"] is True and page["count"] >= 12
    server.refused("GET", path, 400, "exact or short", params={"count": "about"})


@pytest.mark.parametrize("cursor", ["x", "abc", "7b7d", "5b5d", "5b312c325d", "5b2261225d00", "ff" * 40])
def test_a_cursor_of_somebody_else_is_refused(server, lake, many, cursor):
    server.refused("GET", f"/api/datalake/{lake.id}/datas", 400, "cursor", params={"cursor": cursor, "order_by": "size"})


def test_a_query_finds_the_same_by_each_way(server, lake, many, client, labels, cells):
    """Conditions that are answered from their own rows, or by looking at each: alone, negated, combined, in any order."""
    path, tag = f"/api/datalake/{lake.id}/datas", many[0]
    ids = lambda q, **more: {d["id"] for d in server.call("GET", path, params={"q": q, "limit": 1000, **more})["items"]}
    mine = ids(f'tags.name = "{tag}"')
    assert len(mine) == 12
    names = sorted(c.name for c in cells[:12])
    terms = {f'filename = "{names[0]}"': 1, f'filename > "{names[5]}"': 6, "width = 640": 12, f'not (filename = "{names[0]}")': 11, 'source = None': None,
             'filename endswith ".jpg"': None, "custom_metadata.n < 4": 4}
    for q, n in terms.items():
        found = ids(f'tags.name = "{tag}" and {q}')
        assert found == {i for i in mine if i in ids(q)}
        assert n is None or len(found) == n, q
        assert mine - found == ids(f'tags.name = "{tag}" and not ({q})')
        assert found == ids(f'({q} or tags.name = "nobody has it") and tags.name = "{tag}"', order_by=random.choice(ORDERS))


def test_keys_of_metadata_are_found_wherever_they_are_written(server, lake, cells, client):
    """Uploaded, changed alone, changed with many, taken away, deleted; by condition, by filter, as an asset's, and offered."""
    path, tag, key = f"/api/datalake/{lake.id}/datas", lake.get_or_create_data_tag(unique("keys")), unique("key").replace("-", "_")
    first, second, third = lake.upload_data(filepaths=[str(c.path) for c in cells[:3]], tags=[tag], custom_metadata=[{key: {"lens": 50, "good": True}}] * 3)
    ids = lambda q: {d["id"] for d in server.call("GET", path, params={"q": q, "limit": 1000})["items"]}
    all_of_them = {str(d.id) for d in (first, second, third)}
    assert ids(f"custom_metadata.{key}.lens = 50") == ids(f"custom_metadata.{key}.good = True") == ids(f"custom_metadata.{key} != None") == all_of_them
    server.call("PATCH", f"/api/data/{first.id}/custom-metadata", json={"custom_metadata": {key: ["left", "wide", 7]}})
    server.call("PATCH", f"/api/data/{first.id}", json={"metadata": {key: "plain"}})
    server.call("PATCH", f"/api/datalake/{lake.id}/data/bulk", json={"objects": {str(second.id): {"custom_metadata": {key: "middle"}}}})
    server.call("PATCH", f"/api/data/{third.id}/custom-metadata", json={"custom_metadata": None})
    assert ids(f"custom_metadata.{key}.lens = 50") == set()
    assert ids(f'custom_metadata.{key} = "wide"') == ids(f"custom_metadata.{key} > 6.5") == ids(f'metadata.{key} startswith "pl"') == {str(first.id)}
    assert ids(f'tags.name = "{tag.name}" and custom_metadata.{key} ~ "ID"') == {str(first.id), str(second.id)}
    assert ids(f'tags.name = "{tag.name}" and custom_metadata.{key} = None') == {str(third.id)}
    assert ids(f'tags.name = "{tag.name}" and custom_metadata.{key} != "left"') == {str(second.id), str(third.id)}
    version = client.create_dataset(name=unique("keys")).create_version(version="first")
    version.add_data([first, second, third]).wait_for_done()
    assets = server.call("GET", f"/api/dataset/version/{version.id}/assets", params={"q": f'data.custom_metadata.{key} = "middle"'})["items"]
    assert [a["data"]["id"] for a in assets] == [str(second.id)]
    offered = lambda entity, q: [i["text"] for i in server.call("GET", "/api/query/complete", params={"entity": entity, "q": q})["items"]]
    assert offered("data", f"custom_metadata.{key[:-2]}") == [f"custom_metadata.{key}"]
    assert offered("data", f"custom_metadata.{key} = ") == ["7", '"left"', '"middle"', '"wide"'] and offered("asset", f'custom_metadata.{key} = "w') == ['"wide"']
    version.delete()
    for d in (first, second, third):
        server.call("DELETE", f"/api/data/{d.id}")
    assert ids(f"custom_metadata.{key} != None") == set() and offered("data", f"custom_metadata.{key[:-2]}") == []


def test_metadata_of_too_many_values_is_refused(server, lake, many):
    for wrong, word in (({f"k{i}": i for i in range(1001)}, "more than 1000 values"), ({"k" * 201: 1}, "longer than 200 bytes")):
        assert server.refused("PATCH", f"/api/data/{many[1][0].id}", 422, word, json={"metadata": wrong})
    vector = {"vector": list(range(2000))}
    assert server.call("PATCH", f"/api/data/{many[1][0].id}", json={"metadata": vector})["metadata"] == vector


def test_objects_of_one_label_are_counted(annotated):
    parts, versions = annotated
    v = versions["train"]
    name = max({b[0] for c in parts["train"] for b in c.boxes}, key=lambda n: sum(b[0] == n for c in parts["train"] for b in c.boxes))
    of = lambda cell: sum(b[0] == name for b in cell.boxes)
    most = max(of(c) for c in parts["train"])
    tests = {f"> {most - 1}": lambda n: n > most - 1, "= 0": lambda n: n == 0, ">= 1": lambda n: n >= 1, f"< {most}": lambda n: n < most, "!= 1": lambda n: n != 1}
    asked = lambda q: sorted(a["data"]["filename"] for a in v.connection.get(f"/api/dataset/version/{v.id}/assets", params={"q": q, "limit": 1000}).json()["items"])
    for says, holds in tests.items():
        assert asked(f'count(label = "{name}") {says}') == sorted(c.name for c in parts["train"] if holds(of(c))), says
    assert asked("count(annotations.rectangles) > 0") == sorted(c.name for c in parts["train"] if c.boxes)
    assert asked(f'count(label != "{name}") = 0') == sorted(c.name for c in parts["train"] if len(c.boxes) == of(c))
    assert asked(f'count(label = "{name}") >= 1 and not count(label = "{name}") > 1') == sorted(c.name for c in parts["train"] if of(c) == 1)


def test_completion_offers_every_value_that_there_is(server, lake, many, annotated, labels):
    """Not only those of the first things, nor only the first tag of each."""
    second = lake.get_or_create_data_tag(unique("offered"))
    many[1][0].add_tags([second])
    offered = lambda entity, q: [i["text"] for i in server.call("GET", "/api/query/complete", params={"entity": entity, "q": q})["items"]]
    for entity, path in (("data", "tags.name"), ("asset", "data.tags.name")):
        assert offered(entity, f'{path} = "{second.name[:-3]}') == [f'"{second.name}"']
        assert offered(entity, f'{path} = "{second.name}x') == []
    for name in labels:
        assert f'"{name}"' in offered("asset", f'label.name = "{name[:2]}')
    filename = many[1][3].filename
    assert f'"{filename}"' in offered("data", f'filename = "{filename[:-5]}')
    assert '"ACCEPTED"' in offered("asset", "annotations.status = ")
    assert any(f'"{server.username}"' == t for t in offered("data", "created_by = "))
