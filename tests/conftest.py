"""One server for the whole run, on a folder of its own; the published client, unmodified, connected to it; drawn images to send."""
import json
import logging
import os
import signal
import subprocess
import time
import uuid
import xml.etree.ElementTree as ET
from pathlib import Path

import database
import pytest
import requests
from answers import Answers
from picsellia import Client
from picsellia.types.enums import InferenceType

ROOT = Path(__file__).resolve().parents[1]
SACCADE = str(Path(os.environ.get("SACCADE", ROOT / "build/release/saccade")).resolve())
logging.getLogger("picsellia").setLevel(logging.CRITICAL)
answers = Answers(SACCADE)
answers.listen()


def pytest_terminal_summary(terminalreporter):
    for line in answers.lines():
        terminalreporter.write_line(f"an answer differs from its description: {line}", red=True)


def pytest_sessionfinish(session):
    answers.keep()
    if answers.differ and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


class Server:
    """A running `saccade serve`, and plain HTTP to it."""

    def __init__(self, folder, *options):
        self.options = (*options, *database.new())
        self.folder, self.secrets, self.log = folder / "data", folder / "first.json", folder / "log"
        self.start("127.0.0.1:0")
        first = json.loads(self.secrets.read_text())
        self.token, self.username, self.password = first["token"], first["username"], first["password"]

    def start(self, listen=None):
        self.before = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [SACCADE, "serve", "--data", str(self.folder), "--listen", listen or self.listen, "--first-secrets", str(self.secrets), *self.options],
                stdout=log, stderr=subprocess.STDOUT)
        end = time.time() + 20
        while "ready at " not in self.said() and self.process.poll() is None and time.time() < end:
            time.sleep(0.02)
        assert "ready at " in self.said(), self.log.read_text()[-2000:]
        self.host = self.said().split("ready at ")[1].split()[0]
        self.listen = self.host.split("//")[1]
        answers.hosts.add(self.listen)

    def said(self):
        return self.log.read_bytes()[self.before:].decode(errors="replace")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def call(self, method, path, status=None, token=None, **more):
        head = {"Authorization": f"Bearer {self.token if token is None else token}", **more.pop("headers", {})}
        r = requests.request(method, self.host + path, headers=head, timeout=60, **more)
        if status is not None:
            assert r.status_code == status, f"{method} {path}: {r.status_code} {r.text[:500]}"
        else:
            assert r.status_code < 300, f"{method} {path}: {r.status_code} {r.text[:500]}"
        return r.json() if r.content and r.headers.get("Content-Type", "").startswith("application/json") else r

    def refused(self, method, path, status, *words, **more):
        """The call is answered with that status and a message that holds the words."""
        wanted = (status,) if isinstance(status, int) else status
        head = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        r = requests.request(method, self.host + path, headers=head, timeout=60, **more)
        assert r.status_code in wanted, f"{method} {path}: {r.status_code} {r.text[:500]}"
        body = r.json()
        assert isinstance(body["message"], str) and body["message"], body
        for w in words:
            assert w in r.text, f"{w!r} is not in {r.text[:500]}"
        return body

    def rows(self, sql, *values):
        """What is stored, read past the server."""
        return database.rows(database.where(self.folder), sql, values)

    def held(self):
        """The processor time that transactions kept the write lock, by who asked: (how many, how many over 50 ms, longest)."""
        counts, under, longest = {}, {}, {}
        for line in self.call("GET", "/metrics").text.splitlines():
            if line.startswith("saccade_write_lock_cpu_seconds_count{"):
                counts[line.split('"')[1]] = int(line.split()[-1])
            elif line.startswith("saccade_write_lock_cpu_seconds_bucket{") and 'le="0.05"' in line:
                under[line.split('"')[1]] = int(line.split()[-1])
            elif line.startswith("saccade_write_lock_longest_seconds{") and 'of="cpu"' in line:
                longest[line.split('"')[1]] = float(line.split()[-1])
        return {by: (n, n - under[by], longest[by]) for by, n in counts.items()}

    def long_holders(self):
        """Who kept others from writing: of its transactions more than one in a hundred (or the only one) took the processor for over 50 ms."""
        return {by: h for by, h in self.held().items() if h[1] > h[0] // 100}


def wait(what, done, seconds=60, every=0.1):
    end = time.time() + seconds
    while True:
        got = done()
        if got:
            return got
        assert time.time() < end, f"{what}: not within {seconds} s"
        time.sleep(every)


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def feeds_back(client, deployment, like, labels, name="feedback"):
    """The deployment's reviewed images go to a new version beside that one, which is given."""
    from picsellia.types.enums import InferenceType
    feedback = client.get_dataset_by_id(like.origin_id).create_version(version=unique(name))
    feedback.set_type(InferenceType.OBJECT_DETECTION)
    for label in labels:
        feedback.get_or_create_label(name=label)
    deployment.setup_feedback_loop()
    deployment.attach_dataset_version_to_feedback_loop(feedback)
    deployment.toggle_feedback_loop(True)
    return feedback


class Cell:
    """A drawn image and what is on it: boxes of (label, x0, y0, x1, y1)."""

    def __init__(self, path, xml):
        self.path, self.xml, self.name = path, xml, path.name
        self.boxes = []
        for o in ET.parse(xml).getroot().iter("object"):
            b = o.find("bndbox")
            self.boxes.append((o.find("name").text, *(int(float(b.find(k).text)) for k in ("xmin", "ymin", "xmax", "ymax"))))


def draw(folder, count, seed):
    subprocess.run([SACCADE, "generate", "--out", str(folder), "--count", str(count), "--seed", str(seed)], check=True, capture_output=True)
    cells = [Cell(p, folder / "Annotations" / (p.stem + ".xml")) for p in sorted((folder / "JPEGImages").iterdir())]
    assert len(cells) == count
    return cells


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("server"))
    yield s
    assert s.process.poll() is None, f"the server died:\n{s.log.read_text()[-3000:]}"
    held = {} if database.URL else s.long_holders()  # talking with a server takes a thread's time, too: the bar is SQLite's
    assert s.stop() == 0, "the server did not end well"
    assert not held, f"they kept the write lock for long (transactions, over 50 ms, longest): {held}"
    done = subprocess.run([SACCADE, "fsck", "--data", str(s.folder)], capture_output=True, text=True)
    assert done.returncode == 0, f"fsck: {done.stdout}{done.stderr}"


@pytest.fixture(scope="session")
def client(server):
    return Client(api_token=server.token, organization_name="default", host=server.host)


@pytest.fixture(scope="session")
def lake(client):
    return client.get_datalake()


@pytest.fixture(scope="session")
def cells(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("cells"), 60, 11)


@pytest.fixture(scope="session")
def labels(cells):
    return sorted({b[0] for c in cells for b in c.boxes})


@pytest.fixture(scope="session")
def make_version(client, lake):
    """make_version(cells, labels) → a new version of a new dataset with these images, typed and labelled."""
    def make(cells, labels, dataset=None, version="first"):
        tag = lake.get_or_create_data_tag(unique("tag"))
        data = lake.upload_data(filepaths=[str(c.path) for c in cells], tags=[tag])
        dataset = dataset or client.create_dataset(name=unique("dataset"))
        v = dataset.create_version(version=version)
        v.add_data(lake.list_data(tags=[tag])).wait_for_done()
        v.set_type(InferenceType.OBJECT_DETECTION)
        for name in labels:
            v.get_or_create_label(name=name)
        assert data is not None
        return v
    return make


def coco(cells, labels):
    """The boxes as a COCO file's object."""
    file = {"images": [], "annotations": [], "categories": [{"id": k, "name": name} for k, name in enumerate(labels)]}
    for k, c in enumerate(cells):
        file["images"].append({"id": k, "file_name": c.name, "width": 640, "height": 480})
        for name, x0, y0, x1, y1 in c.boxes:
            file["annotations"].append({"id": len(file["annotations"]) + 1, "image_id": k, "category_id": labels.index(name), "iscrowd": 0,
                                        "bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0), "segmentation": []})
    return file


@pytest.fixture(scope="session")
def annotated(make_version, cells, labels, tmp_path_factory):
    """Three annotated versions of one dataset: train, test and valid."""
    parts = {"train": cells[:36], "test": cells[36:48], "valid": cells[48:]}
    dataset, out = None, {}
    for name, part in parts.items():
        v = make_version(part, labels, dataset, name)
        dataset = dataset or v_dataset(v)
        f = tmp_path_factory.mktemp("coco") / "a.json"
        f.write_text(json.dumps(coco(part, labels)))
        v.import_annotations_coco_file(str(f))
        out[name] = v
    return parts, out


def v_dataset(version):
    from picsellia.sdk.dataset import Dataset
    r = version.connection.get(f"/api/dataset/{version.origin_id}").json()
    return Dataset(version.connection, r)


@pytest.fixture(scope="session")
def project(client, annotated):
    p = client.create_project(name=unique("project"))
    for v in annotated[1].values():
        p.attach_dataset(v)
    return p


STEPS = int(os.environ.get("SACCADE_TEST_STEPS", "240"))
SIZE = 160


@pytest.fixture(scope="session")
def trained(client, project, annotated):
    """A short training that really learns; (experiment, seconds)."""
    base = client.get_public_model("yolox-nano").list_versions()[0]
    e = project.create_experiment(name="trained", base_model_version=base,
                                  parameters={"steps": STEPS, "batch_size": 8, "learning_rate": 0.01, "image_size": SIZE})
    for alias, part in (("train", "train"), ("test", "test"), ("eval", "valid")):
        e.attach_dataset(name=alias, dataset_version=annotated[1][part])
    began = time.time()
    e.launch()

    def ended():
        status = str(e.sync()["status"])
        assert status not in ("FAILED", "CANCELED", "TERMINATED"), f"the training ended {status}"
        return status == "SUCCESS"
    wait("training", ended, 240, 0.5)
    return e, time.time() - began


@pytest.fixture(scope="session")
def deployment(trained):
    return trained[0].export_as_model(unique("model")).deploy(name=unique("deployment"), min_threshold=0.3)
