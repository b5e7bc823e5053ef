"""What is told outside: webhooks (signed, tried again, never to a private address) and letters, by a real mail server."""
import hashlib
import hmac
import http.server
import json
import os
import signal
import subprocess
import threading
import time

import pytest
from conftest import ROOT, SACCADE, Server, unique, wait
from test_8_alerts import Watched


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps every call; answers by the path: /status/500, /redirect, /late, /break, anything else 200."""

    def __init__(self, address="127.0.0.1"):
        self.calls, self.lock, self.hold = [], threading.Lock(), threading.Event()
        super().__init__((address, 0), Handler)
        self.host = f"http://{address}:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def of(self, path):
        with self.lock:
            return [c for c in self.calls if c["path"] == path]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.calls.append({"path": self.path, "headers": dict(self.headers), "body": body})
        if self.path == "/break":
            return self.connection.close()
        if self.path == "/late":
            self.server.hold.wait(60)
        if self.path.startswith("/held"):
            self.server.hold.wait(60)
        status = int(self.path.split("/")[2]) if self.path.startswith("/status/") else 302 if self.path.startswith("/redirect/") else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://" + self.path.removeprefix("/redirect/"))
        self.send_header("Content-Length", "12")
        self.end_headers()
        self.wfile.write(b"an answer ok")

    def log_message(self, *_):
        pass


class MailServer:
    """A real one (tests/mail/server.py), which tells of the letters that it takes."""

    def __init__(self, *options):
        place = subprocess.run([ROOT / "tools/venv", "mail", ROOT / "tests/mail/requirements.txt"], check=True, capture_output=True, text=True).stdout.strip()
        self.letters = []
        self.process = subprocess.Popen([f"{place}/bin/python", "-B", ROOT / "tests/mail/server.py", *map(str, options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        threading.Thread(target=lambda: [self.letters.append(json.loads(line)) for line in self.process.stdout], daemon=True).start()

    def to(self, address):
        return [x for x in self.letters if x["to"] == [address]]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


@pytest.fixture(scope="module")
def mail():
    m = MailServer("--login", "saccade", "pass word", "--refuse", "gone@example.org")
    yield m
    m.stop()


@pytest.fixture(scope="module")
def receiver():
    r = Receiver()
    yield r
    r.hold.set()
    r.shutdown()


@pytest.fixture(scope="module")
def told(tmp_path_factory, mail):
    folder = tmp_path_factory.mktemp("told")
    (folder / "password").write_text("pass word\n")
    s = Server(folder, "--may-call", "127.0.0.1/32", "--smtp", f"smtp-plain://saccade@127.0.0.1:{mail.port}", "--smtp-from", "saccade@example.org",
               "--smtp-password", str(folder / "password"))
    yield s
    assert s.stop() == 0, "the server did not end well"


@pytest.fixture(scope="module")
def org(told):
    return told.call("GET", "/api/home/ping")["default_organization"]


@pytest.fixture(scope="module")
def watched(told):
    return Watched(told)


def hook(told, org, url, *events):
    made = told.call("POST", f"/api/organization/{org}/webhooks", json={"url": url, "events": list(events) or ["alert_firing"]})
    return made["id"], made["secret"]


def ping(told, webhook, state, seconds=30):
    id = told.call("POST", f"/api/webhook/{webhook}/test")["id"]
    return wait(f"the delivery is {state}", lambda: next((d for d in [told.call("GET", f"/api/delivery/{id}")] if state(d)), None), seconds)


def delivered(d):
    return d["state"] == "DELIVERED"


def failed_once(d):
    return d["tries"] >= 1 and d["state"] == "WAITING"


def test_a_call_is_signed_and_logged(told, org, receiver):
    id, secret = hook(told, org, receiver.host + "/good")
    d = ping(told, id, delivered)
    assert d["status"] == 200 and d["tries"] == 1 and d["answer"] is None, "what a private address answers is kept from everybody"
    call, = receiver.of("/good")
    head, body = call["headers"], call["body"]
    signed = hmac.new(secret.encode(), head["X-Saccade-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert head["X-Saccade-Signature"] == "sha256=" + signed
    assert abs(int(head["X-Saccade-Timestamp"]) - time.time()) < 60
    sent = json.loads(body)
    assert head["X-Saccade-Delivery"] == sent["id"] == d["id"] and head["X-Saccade-Event"] == sent["event"] == "ping"
    assert sent["organization_id"] == org and d["body"] == body.decode()
    assert told.call("GET", f"/api/webhook/{id}")["last_status"] == 200
    assert secret not in str(told.rows("SELECT * FROM webhook")), "the secret lies readable in the database"


def test_what_fails_is_tried_again_and_can_be_sent_again_by_hand(told, org, receiver):
    id, _ = hook(told, org, receiver.host + "/status/500")
    d = ping(told, id, lambda d: d["tries"] >= 2)
    assert d["state"] == "WAITING" and d["status"] == 500 and d["error"] == "it answers that it failed" and d["next_at"]
    told.call("PATCH", f"/api/webhook/{id}", json={"url": receiver.host + "/mended"})
    told.call("POST", f"/api/delivery/{d['id']}/redeliver")
    wait("it arrives", lambda: receiver.of("/mended"))
    assert {json.loads(c["body"])["id"] for c in receiver.of("/status/500") + receiver.of("/mended")} == {d["id"]}


def test_redirects_are_not_followed_anywhere(told, org, receiver):
    other = Receiver("127.0.0.2")
    for place in (other.host.removeprefix("http://") + "/secret", receiver.host.removeprefix("http://") + "/allowed", "169.254.169.254/latest"):
        d = ping(told, hook(told, org, f"{receiver.host}/redirect/{place}")[0], failed_once)
        assert d["status"] == 302 and "redirect" in d["error"]
    assert not other.calls and not receiver.of("/allowed")
    other.shutdown()


def test_addresses_that_are_not_allowed_are_never_called(told, org, receiver):
    other = Receiver("127.0.0.2")
    port = other.server_address[1]
    for host in ("127.0.0.2", "2130706434", "0x7f000002", "0177.0.0.2", "127.2", "[::ffff:127.0.0.2]", "[::1]", "10.0.0.1", "169.254.169.254", "0"):
        told.refused("POST", f"/api/organization/{org}/webhooks", 403, "not allowed", json={"url": f"http://{host}:{port}/", "events": ["alert_firing"]})
    for url in (f"http://u@127.0.0.2:{port}/", f"ftp://127.0.0.2:{port}/", "file:///etc/passwd"):
        told.refused("POST", f"/api/organization/{org}/webhooks", 400, json={"url": url, "events": ["alert_firing"]})
    assert not other.calls
    other.shutdown()


def test_who_breaks_off_or_answers_late_holds_nobody_up(told, org, receiver):
    late, broken, good = (hook(told, org, receiver.host + path)[0] for path in ("/late", "/break", "/other"))
    for _ in range(3):
        told.call("POST", f"/api/webhook/{late}/test")
    assert failed_once(ping(told, broken, failed_once))
    assert delivered(ping(told, good, delivered, 8)), "it waited for the late one"
    d = wait("the late one is given up for now", lambda: [d for d in told.call("GET", f"/api/webhook/{late}/deliveries")["items"] if d["tries"]], 30)
    assert d[0]["error"] == "no answer in time" and d[0]["state"] == "WAITING"
    receiver.hold.set()
    told.call("DELETE", f"/api/webhook/{late}")
    receiver.hold.clear()


def test_events_reach_who_asked_for_them(told, org, receiver, watched, mail):
    hook(told, org, receiver.host + "/events", "alert_firing", "alert_ended", "model_deployed", "experiment_status_changed", "job_status_changed")
    alert = watched.alert(metric="latency", value=1000, emails=["ops@example.org", "gone@example.org"])
    watched.tell(3)
    watched.is_in(alert, "FIRING")
    of = lambda event: [json.loads(c["body"]) for c in receiver.of("/events") if c["headers"]["X-Saccade-Event"] == event]
    fired = wait("the webhook is told", lambda: of("alert_firing"))[0]["data"]
    assert fired["alert_id"] == alert and fired["deployment"] == watched.name and fired["value"] == 3000 and fired["state"] == "FIRING"
    letter = wait("the letter comes", lambda: mail.to("ops@example.org"))[0]
    assert letter["from"] == "saccade@example.org" and letter["subject"] == f"{watched.name}: Latency of the last prediction is above 1000 ms"
    assert "it is 3000 ms" in letter["text"] and letter["authenticated"]
    lost = wait("the mailbox is known to be gone", lambda: [d for d in told.call("GET", f"/api/organization/{org}/letters")["items"] if d["address"] == "gone@example.org" and d["state"] == "FAILED"])
    assert "550" in lost[0]["error"] and lost[0]["tries"] == 1
    wait("it ends", lambda: watched.tell(0.1) and of("alert_ended"), 30, 1)
    version = told.rows("SELECT model_version_id FROM deployment WHERE id = ?", watched.id)[0][0]
    told.call("POST", f"/api/organization/{org}/deployments", json={"model_version_id": version, "name": unique("another")})
    assert wait("of the deployment", lambda: of("model_deployed"))[0]["data"]["is_shadow"] is False
    project = told.call("POST", f"/api/organization/{org}/projects", json={"name": unique("p")})["id"]
    experiment = told.call("POST", f"/api/project/{project}/experiments", json={"name": "e"})["id"]
    told.call("PATCH", f"/api/experiment/{experiment}", json={"status": "RUNNING"})
    assert wait("of the experiment", lambda: of("experiment_status_changed"))[0]["data"]["status"] == "RUNNING"
    dataset = told.call("POST", f"/api/organization/{org}/datasets", json={"name": unique("d")})["id"]
    classes = told.call("POST", f"/api/dataset/{dataset}/versions", json={"version": "one", "type": "CLASSIFICATION"})["id"]
    lake = told.call("GET", f"/api/organization/{org}/datalake")["id"]
    tag = told.call("POST", f"/api/datalake/{lake}/tags", json={"name": unique("t")})
    told.call("POST", f"/api/dataset/version/{classes}/tags/convert", json={"tag_ids": [tag.get("id") or tag["items"][0]["id"]], "tag_type": "DATA"})
    assert wait("of the job", lambda: of("job_status_changed"))[0]["data"]["status"] in ("PENDING", "RUNNING", "SUCCEEDED")


def test_a_muted_alert_tells_nobody_until_it_no_longer_is(told, org, receiver, watched):
    hook(told, org, receiver.host + "/muted", "alert_firing")
    alert = watched.alert(metric="objects", operator=">", value=3, window_predictions=1, min_count=1, hold_seconds=0)
    told.call("POST", f"/api/alert/{alert}/mute", json={"until": "2100-01-01T00:00:00Z"})
    watched.tell(0.1, boxes=5)
    watched.is_in(alert, "FIRING")
    time.sleep(1)
    assert not receiver.of("/muted")
    told.call("POST", f"/api/alert/{alert}/mute", json={"until": None})
    wait("it is told", lambda: receiver.of("/muted"))


def worker_of(server):
    out = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(server.process.pid)], capture_output=True, text=True).stdout
    return next(int(line.split()[0]) for line in out.splitlines() if " worker " in line)


def test_a_kill_between_sending_and_writing_it_down_loses_nothing(told, org, receiver):
    """The worker is killed while its receiver has the call: it comes again, under the same id."""
    id, _ = hook(told, org, receiver.host + "/held")
    receiver.hold.clear()
    delivery = told.call("POST", f"/api/webhook/{id}/test")["id"]
    waiting = told.call("POST", f"/api/webhook/{id}/test")["id"]
    wait("the call has come", lambda: receiver.of("/held"))
    os.kill(worker_of(told), signal.SIGKILL)
    receiver.hold.set()
    for d in (delivery, waiting):
        wait("it is delivered", lambda: told.call("GET", f"/api/delivery/{d}")["state"] == "DELIVERED", 40)
    ids = [json.loads(c["body"])["id"] for c in receiver.of("/held")]
    assert ids.count(delivery) == 2 and ids.count(waiting) == 1


def test_an_organization_has_a_mail_server_of_its_own(told, org, mail, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", tmp_path / "key", "-out", tmp_path / "cert"],
                   check=True, capture_output=True)
    plain, encrypted = MailServer(), MailServer("--tls", tmp_path / "cert", tmp_path / "key")

    def letter(address, port, security, host="127.0.0.1"):
        told.call("PUT", f"/api/organization/{org}/mail", json={"host": host, "port": port, "security": security, "sender": "own@example.org"})
        id = told.call("POST", f"/api/organization/{org}/mail/test", json={"to": address})["id"]
        return wait("the letter was tried", lambda: next((d for d in [told.call("GET", f"/api/delivery/{id}")] if d["tries"]), None))

    d = letter("a@example.org", plain.port, "NONE")
    assert d["state"] == "DELIVERED", d
    got = wait("it is there", lambda: plain.to("a@example.org"))[0]
    assert got["from"] == "own@example.org" and "They do." in got["text"] and got["subject"] == "A letter from Saccade" and d["id"] in got["id"]
    assert not mail.to("a@example.org")
    assert letter("b@example.org", plain.port, "STARTTLS")["error"] == "no encrypted connection", "it went out readable"
    assert letter("c@example.org", encrypted.port, "STARTTLS")["error"] == "its certificate does not fit", "anybody could be that server"
    assert "not allowed" in letter("d@example.org", plain.port, "NONE", "127.0.0.2")["error"]
    told.call("DELETE", f"/api/organization/{org}/mail")
    plain.stop()
    encrypted.stop()
    assert not encrypted.letters and len(plain.letters) == 1


def test_another_organization_sees_none_of_it(told, org, receiver):
    id, _ = hook(told, org, receiver.host + "/ours")
    d = ping(told, id, delivered)["id"]
    other = told.call("POST", "/api/organizations", json={"name": unique("strangers")})["id"]
    name = unique("stranger")
    for command in (["user", "add", name, "--role", "owner", "--organization", next(o["name"] for o in told.call("GET", "/api/organizations")["items"] if o["id"] == other)], ["token", "new", name]):
        token = subprocess.run([SACCADE, *command, "--data", str(told.folder)], check=True, capture_output=True, text=True).stdout.split()[-1]
    for method, path in (("GET", f"/api/webhook/{id}"), ("GET", f"/api/webhook/{id}/deliveries"), ("GET", f"/api/delivery/{d}"), ("POST", f"/api/delivery/{d}/redeliver"), ("POST", f"/api/webhook/{id}/secret")):
        told.call(method, path, 404, token=token)
