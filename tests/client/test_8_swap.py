"""The champion is swapped while predictions come: none fails, each is answered by one of the two, and nothing stays open."""
import os
import threading
from pathlib import Path

import requests
from conftest import unique


def descriptors(pid):
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    return sum(len(os.listdir(f"/proc/{each}/fd")) for each in found)


class Crowd:
    """Some who predict, one picture after the other; each is another one to the store."""

    def __init__(self, server, deployment, picture, each):
        self.url, self.head = f"{server.host}/api/deployment/{deployment}/predict", {"Authorization": f"Bearer {server.token}"}
        self.picture, self.each, self.answers = picture, each, []
        self.threads = [threading.Thread(target=self.predict, args=(i,)) for i in range(4)]

    def predict(self, who):
        for i in range(self.each):
            media = {"media": (f"{who}-{i}.jpg", self.picture + f"{who} {i}".encode())}
            self.answers.append(requests.post(self.url, headers=self.head, files=media, timeout=60))

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        for t in self.threads:
            t.join()

    def goes_on(self):
        return any(t.is_alive() for t in self.threads)


def swap_under_load(server, deployment, picture, versions):
    swaps = 0
    with Crowd(server, deployment, picture, 12) as crowd:
        while crowd.goes_on():
            swaps += 1
            server.call("POST", f"/api/deployment/{deployment}/model", json={"model_version_id": versions[swaps % 2]})
    assert [r.text for r in crowd.answers if r.status_code != 200] == []
    assert swaps > 1 and len(crowd.answers) == 48
    assert {r.json()["model_version_id"] for r in crowd.answers} == set(versions)


def test_no_prediction_fails_while_the_champion_is_swapped(server, trained, cells):
    versions = [trained[0].export_as_model(unique("model")) for _ in range(2)]
    d = str(versions[0].deploy(name=unique("deployment"), min_threshold=0.3).id)
    picture, ids, open_then = cells[0].path.read_bytes(), [str(v.id) for v in versions], []
    for _ in range(3):
        swap_under_load(server, d, picture, ids)
        open_then.append(descriptors(server.process.pid))
    assert open_then[2] <= max(open_then[:2]) + 30, open_then  # what grew with each request or swap would be some hundred by now
    said = server.call("GET", "/metrics").text
    assert "saccade_predictions_waiting 0" in said and "saccade_predictions_turned_away_total 0" in said
