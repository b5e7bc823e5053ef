"""bench/drift: false alarms of the drift monitor at rest, and how soon it tells of shifts, beside Evidently on the same streams."""
import concurrent.futures, csv, json, pathlib, statistics, subprocess, sys, tempfile
from lib import ROOT, arguments, venv

PROGRAM = ROOT / "build/release/bench/drift"
REST, WINDOW, FIRST, LEAST, STEP, ALPHA = 400, 100, 200, 30, 10, 0.001
SAID = ("objects", "confidence", "best_confidence", "label_0", "label_1", "label_2", *(f"direction_{i}" for i in range(1, 9)), "beside")


def rest(deployments, seed):
    return json.loads(subprocess.run([PROGRAM, "rest", str(deployments), str(seed)], check=True, capture_output=True, text=True).stdout)


def together(parts):
    """Means of several runs of `rest` weighed by how many deployments they had. (Each part starts from another seed.)"""
    n = sum(p["deployments"] for p in parts)
    return {k: sum(p[k] * p["deployments"] for p in parts) / n for k in parts[0] if k != "deployments"} | {"deployments": n}


def streams(path, runs):
    """(training, stream) of each run, as lists of columns."""
    rows = {}
    for r in csv.DictReader(open(path)):
        if int(r["run"]) < runs:
            rows.setdefault(int(r.pop("run")), []).append(r)
    for run in rows.values():
        part = [r.pop("part") for r in run]
        of = lambda wanted: {k: [float(r[k]) for r, p in zip(run, part) if p in wanted] for k in run[0]}
        yield of({"training"}), of({"rest", "shifted"})


def evidently(path, runs):
    """Delays of Evidently's test for numbers (its default for up to 1,000 values) on the same windows: `own` by its own defaults (p < 0.05 of at
    least half of the columns), `any` by its p values at our risk of a false alarm."""
    import pandas as pd
    from evidently.legacy.calculations.stattests import ks_stat_test
    delays = {"own": [], "any": []}
    early = {"own": 0, "any": 0}
    for training, stream in streams(path, runs):
        told = {"own": -1, "any": -1}
        length = len(stream["ratio"])
        for n in range(LEAST, length + 1, STEP):
            now = min(n // 2, WINDOW)
            before = min(n - now, FIRST)
            p = []
            for k, values in stream.items():
                if k in SAID and now < LEAST:
                    continue
                a, b = (values[:before], values[n - now:n]) if k in SAID else (training[k], values[max(0, n - WINDOW):n])
                p.append(ks_stat_test(pd.Series(a), pd.Series(b), "num", 0.05).drift_score)
            found = {"own": sum(x < 0.05 for x in p) >= len(p) / 2, "any": min(p) <= ALPHA / len(p)}
            for rule in told:
                if found[rule] and n <= REST:
                    early[rule] += 1
                elif found[rule] and told[rule] < 0:
                    told[rule] = n - REST
            if all(t >= 0 for t in told.values()) and n > REST:
                break
        for rule in told:
            delays[rule].append(told[rule])
    return {"delays": delays, "early": early}


def show(delays):
    found = [d for d in delays if d >= 0]
    return f"{statistics.median(found):g}" if len(found) > len(delays) / 2 else "never"


def main():
    if sys.argv[1:2] == ["--evidently"]:
        return print(json.dumps(evidently(sys.argv[2], int(sys.argv[3]))))
    a = arguments(__doc__, deployments=(500, "deployments at rest"), runs=(100, "streams a shift"), peer_runs=(10, "of them by Evidently too; 0: none"))
    subprocess.run(["make", "-s", PROGRAM.relative_to(ROOT)], cwd=ROOT, check=True)
    python = venv("evidently", "evidently==0.7.23", "pandas==2.3.3") if a.peer_runs else None
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        half = a.deployments // 2
        parts = [pool.submit(rest, n, seed) for seed, n in ((1, half), (2, a.deployments - half))]
        ours = [json.loads(line) for line in subprocess.run([PROGRAM, "shifts", str(a.runs), folder], check=True, capture_output=True, text=True).stdout.splitlines()]
        r = together([p.result() for p in parts])
        print(f"drift rest: {r['alarms']:.3f} alarms a deployment in 30 days ({r['deployments']} deployments of {r['checks']:.0f} checks), bar 1; "
              f"{100 * r['with_alarm']:.1f} % had one or more, {100 * r['with_more']:.1f} % more than one")
        peers = {}
        if a.peer_runs:
            asked = {s["shift"]: pool.submit(subprocess.run, [python, "-B", __file__, "--evidently", f"{folder}/{s['shift']}.csv", str(a.peer_runs)], check=True, capture_output=True, text=True) for s in ours}
            peers = {k: json.loads(v.result().stdout) for k, v in asked.items()}
        figures = {"rest": r}
        for s in ours:
            name, peer = s["shift"], peers.get(s["shift"])
            line = f"drift {name}: ours {show(s['delays'])} images"
            if peer:
                same = s["delays"][:a.peer_runs]
                later = sum(x > y >= 0 or x < 0 <= y for x, y in zip(same, peer["delays"]["any"]))
                line += (f", EVIDENTLY at the same risk {show(peer['delays']['any'])} images (ours later in {later} of {a.peer_runs} streams), by its defaults"
                         f" {show(peer['delays']['own'])}; alarms at rest ours {s['early'] / a.runs:.2f}, its defaults {peer['early']['own'] / a.peer_runs:.2f} a stream")
            print(line)
            figures[name] = {"ours": s, "evidently": peer}
    if a.json:
        pathlib.Path(a.json).write_text(json.dumps(figures))


main()
