"""Changes of very many things: nobody waits for them, they are done whole or not at all, and a kill in the middle changes nothing in that."""
import random
import time

import pytest

from crowd import Crowd

IMAGES = 3000


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    s = Crowd(tmp_path_factory.mktemp("crowd"), IMAGES)
    yield s
    assert s.stop() == 0


@pytest.fixture(scope="module")
def dataset(crowd):
    return crowd.dataset("many")


@pytest.fixture(scope="module")
def full(crowd, dataset):
    """A version that holds all images."""
    v = crowd.version(dataset, "full")
    answer = crowd.call("POST", f"/api/dataset/version/{v}/assets", 201, json={"q": "width > 0", "datalake_id": crowd.lake})
    assert answer["added"] == IMAGES and answer["job"]["status"] == "SUCCESS"
    status, result, _ = crowd.job(answer)
    assert (status, result) == ("SUCCEEDED", f'{{"added":{IMAGES}}}')
    assert crowd.count("asset WHERE dataset_version_id = ?", v) == IMAGES
    return v


def test_a_few_are_added_at_once(crowd, dataset):
    v = crowd.version(dataset, "few")
    answer = crowd.call("POST", f"/api/dataset/version/{v}/assets", 201, json={"data_ids": crowd.data[:20] * 2})
    assert answer["added"] == 20 and answer["job"]["status"] == "SUCCESS"


def test_others_write_meanwhile(crowd, dataset, full):
    """The lock is given away between two slices, and who waits for it gets it."""
    job = crowd.call("POST", f"/api/dataset/{dataset}/fork", 201, json={"parent_id": full, "version": "beside", "wait": False})["job"]["id"]
    done, waited = 0, []
    while crowd.count("job WHERE id = ? AND status IN ('PENDING', 'RUNNING')", job):
        began = time.time()
        crowd.call("PATCH", f"/api/dataset/{dataset}", json={"description": str(done)})
        waited.append(time.time() - began)
        done += 1
    print(f"{done} changes beside it, the slowest {max(waited):.3f} s")
    assert done > 5


def test_a_tag_goes_on_many_and_off_again(crowd, full):
    tag = crowd.call("POST", f"/api/datalake/{crowd.lake}/tags", json={"name": "many"})["id"]
    assert crowd.call("POST", f"/api/tag/{tag}/attach", json=crowd.data[:5])["count"] == 5
    assert crowd.call("POST", f"/api/tag/{tag}/attach", json=crowd.data)["count"] == IMAGES - 5
    assert crowd.count("tagged WHERE tag_id = ?", tag) == IMAGES
    assert crowd.call("POST", f"/api/tag/{tag}/detach", json=crowd.data)["count"] == IMAGES
    assert crowd.count("tagged WHERE tag_id = ?", tag) == 0
    crowd.refused("POST", f"/api/tag/{tag}/attach", 404, "DATA", json=crowd.data[1:] + ["01a226d2-f5d4-7090-9fac-41412834662f"])
    assert crowd.count("tagged WHERE tag_id = ?", tag) == 0


def test_tags_become_labels_of_many_and_a_fork_copies_them(crowd, dataset, full):
    tag = crowd.call("POST", f"/api/datalake/{crowd.lake}/tags", json={"name": "red"})["id"]
    crowd.call("POST", f"/api/tag/{tag}/attach", json=crowd.data)
    answer = crowd.call("POST", f"/api/dataset/version/{full}/tags/convert", json={"tag_ids": [tag], "tag_type": "DATA"})
    status, result, _ = crowd.job({"job": answer})
    assert status == "SUCCEEDED" and f'"annotated":{IMAGES}' in result and '"more_than_one_tag":0' in result
    fork = crowd.call("POST", f"/api/dataset/{dataset}/fork", 201, json={"parent_id": full, "version": "forked", "with_labels": True, "with_annotations": True})
    assert crowd.job(fork)[0] == "SUCCEEDED"
    v = fork["dataset_version"]["id"]
    assert crowd.count("asset WHERE dataset_version_id = ?", v) == IMAGES
    assert crowd.count("shape WHERE dataset_version_id = ?", v) == IMAGES
    assert crowd.rows("SELECT n_shapes FROM label WHERE dataset_version_id = ?", v) == [(IMAGES,)]
    crowd.call("DELETE", f"/api/dataset/version/{v}", 204)
    crowd.refused("GET", f"/api/dataset/version/{v}", 404, "there is no dataset version")


def cancelled(crowd, start, undone):
    """Cancelled in the middle: what was done is undone."""
    before = undone()
    job = start()["job"]["id"]
    end = time.time() + 20
    while undone() == before and time.time() < end:
        pass
    crowd.call("POST", f"/api/job/{job}/cancel")
    status, _, _ = crowd.job({"job": {"id": job}})
    return status, before


def test_what_is_cancelled_half_way_is_undone(crowd, dataset, full):
    v = crowd.version(dataset, "cancelled")
    status, before = cancelled(crowd, lambda: crowd.call("POST", f"/api/dataset/version/{v}/assets", 201, json={"q": "width > 0", "datalake_id": crowd.lake, "wait": False}),
                               lambda: crowd.count("asset WHERE dataset_version_id = ?", v))
    left = crowd.count("asset WHERE dataset_version_id = ?", v)
    assert (status, left) in (("KILLED", before), ("SUCCEEDED", IMAGES)), "done, or undone: nothing between"


def test_many_assets_are_removed(crowd, dataset, full):
    v = crowd.call("POST", f"/api/dataset/{dataset}/fork", 201, json={"parent_id": full, "version": "emptied"})
    crowd.job(v)
    v = v["dataset_version"]["id"]
    assert crowd.call("DELETE", f"/api/dataset/version/{v}/assets", json={"q": "width > 0"})["count"] == IMAGES
    assert crowd.count("asset WHERE dataset_version_id = ?", v) == 0


def test_nobody_kept_the_write_lock_for_long(crowd, full):
    held = crowd.held()
    assert any(by.startswith("job add_data") for by in held) and len(held) > 5, held
    assert not crowd.long_holders(), held


def test_a_kill_in_the_middle_leaves_all_or_nothing(crowd, dataset, full):
    v = crowd.version(dataset, "killed")
    answer = crowd.call("POST", f"/api/dataset/version/{v}/assets", 201, json={"q": "width > 0", "datalake_id": crowd.lake, "wait": False})
    assert answer["added"] is None and answer["job"]["status"] == "RUNNING"
    time.sleep(random.uniform(0, 0.3))
    crowd.process.kill()
    crowd.process.wait()
    crowd.start(crowd.listen)
    assert crowd.job(answer)[:2] == ("SUCCEEDED", f'{{"added":{IMAGES}}}')
    assert crowd.count("asset WHERE dataset_version_id = ?", v) == IMAGES
