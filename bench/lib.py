"""What the benchmarks share: peers in virtual environments of their own, our server on a fresh folder, medians, and the line they print."""
import argparse, atexit, json, os, pathlib, shutil, signal, socket, statistics, subprocess, sys, tempfile, time, urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("SACCADE_BENCH", pathlib.Path.home() / ".cache/saccade/bench"))
BINARY = ROOT / "build/release/saccade"


def arguments(description, **more):
    p = argparse.ArgumentParser(description=description)
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


def venv(name, *packages, extra=()):
    """The Python of a virtual environment with the peer in it; made once."""
    folder = CACHE / name
    done = folder / ".done"
    if not done.exists() or done.read_text() != " ".join(packages):
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "-q", *extra, *packages], check=True)
        done.write_text(" ".join(packages))
    return folder / "bin/python"


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
        """MiB that the process and its descendants hold, shared pages counted once (PSS)."""
        pids, total = {self.process.pid}, 0
        for _ in range(4):
            for p in pathlib.Path("/proc").glob("[0-9]*/stat"):
                try:
                    fields = p.read_text().rsplit(")", 1)[1].split()
                    if int(fields[1]) in pids:
                        pids.add(int(p.parent.name))
                except OSError:
                    pass
        for pid in pids:
            try:
                rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
            except OSError:
                pass
        return total / 1024

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


figures = []


def report(name, case, ours, peer, theirs, unit, more_is_better=False):
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
