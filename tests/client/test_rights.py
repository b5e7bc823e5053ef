"""Who may what: tokens, roles, sessions, and other organizations' things."""
import subprocess

import pytest
import requests
from conftest import SACCADE, unique


@pytest.fixture(scope="module")
def viewer(server):
    name = unique("viewer")
    said = subprocess.run([SACCADE, "user", "add", name, "--role", "viewer", "--data", str(server.folder)], capture_output=True, text=True, check=True).stdout
    token = subprocess.run([SACCADE, "token", "new", name, "--data", str(server.folder)], capture_output=True, text=True, check=True).stdout.strip()
    return name, said.split()[-1], token


def routes(server):
    api = requests.get(server.host + "/api/openapi.json", headers={"Authorization": f"Bearer {server.token}"}).json()
    return [(m.upper(), p, r) for p, ms in api["paths"].items() for m, r in ms.items() if m in ("get", "post", "put", "patch", "delete")]


OPEN = ("/api/login", "/api/auth/login", "/api/session", "/health", "/metrics", "/api/openapi.json", "/storage/", "/sdk/object/", "/sdk/upload/")
WHOLLY_OPEN = ("/v2", "/v2/health/live", "/v2/health/ready")  # whether an inference server is there


def test_no_route_answers_without_a_token(server):
    seen = 0
    for method, path, _ in routes(server):
        if path.startswith(OPEN) or path in WHOLLY_OPEN:
            continue
        url = server.host + path.replace("{", "").replace("}", "")
        import re
        url = server.host + re.sub(r"\{[^}]*\}", "01990000-0000-7000-8000-000000000000", path)
        for head in ({}, {"Authorization": "Bearer nope"}, {"Cookie": "saccade=nope"}):
            r = requests.request(method, url, headers=head, json={} if method != "GET" else None)
            assert r.status_code == 401, (method, path, head, r.status_code, r.text[:200])
        seen += 1
    assert seen > 100


def test_a_viewer_reads_and_does_not_write(server, client, lake, viewer):
    token = viewer[2]
    server.call("GET", f"/api/datalake/{lake.id}/datas", token=token)
    d = client.create_dataset(name=unique("mine"))
    for method, path, body in (("POST", f"/api/organization/{client.id}/datasets", {"name": unique("his")}), ("DELETE", f"/api/dataset/{d.id}", None),
                               ("POST", f"/api/datalake/{lake.id}/tags", {"name": unique("his")}), ("POST", f"/api/organization/{client.id}/projects", {"name": unique("his")})):
        r = requests.request(method, server.host + path, headers={"Authorization": f"Bearer {token}"}, json=body)
        assert r.status_code == 403, (method, path, r.status_code, r.text)
    server.call("GET", f"/api/dataset/{d.id}")


def test_secrets_are_stored_as_hashes_only(server):
    everything = b"".join(p.read_bytes() for p in server.folder.glob("saccade.db*"))
    assert server.password.encode() not in everything and server.token.encode() not in everything
    assert (server.folder / "key").stat().st_mode & 0o077 == 0


def test_a_browser_logs_in_and_out(server):
    s = requests.Session()
    assert s.post(server.host + "/api/session", json={"username": server.username, "password": "wrong"}).status_code == 401
    r = s.post(server.host + "/api/session", json={"username": server.username, "password": server.password})
    assert r.status_code in (200, 201), r.text
    cookie = r.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert s.get(server.host + "/api/session").json()["user"]["username"] == server.username
    org = s.get(server.host + "/api/session").json()["organization"]["id"]
    body = {"name": unique("by-cookie")}
    assert s.post(f"{server.host}/api/organization/{org}/projects", json=body).status_code == 403, "another site's form could do this"
    assert s.post(f"{server.host}/api/organization/{org}/projects", json=body, headers={"X-Requested-With": "saccade"}).status_code in (200, 201)
    assert s.delete(server.host + "/api/session", headers={"X-Requested-With": "saccade"}).status_code in (200, 204)
    assert s.get(server.host + "/api/home/ping").status_code == 401


def test_guessing_passwords_is_slowed_down(server, viewer):
    codes = [requests.post(server.host + "/api/session", json={"username": viewer[0], "password": f"guess {i}"}).status_code for i in range(25)]
    assert set(codes) <= {401, 429} and 429 in codes, codes


def test_the_query_language_reaches_no_secrets(server, lake, client):
    for q in ('user.password = "a"', 'password_hash = "a"', 'token.hash = "a"', "1 = 1 union select 1"):
        server.refused("GET", f"/api/datalake/{lake.id}/datas", 400, params={"q": q})


def test_a_second_server_on_the_same_folder_is_refused(server):
    done = subprocess.run([SACCADE, "serve", "--data", str(server.folder), "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=20)
    assert done.returncode != 0 and "another server" in done.stdout + done.stderr


def test_health_and_metrics_tell_nothing_secret(server):
    assert requests.get(server.host + "/health").status_code == 200
    text = requests.get(server.host + "/metrics", headers={"Authorization": f"Bearer {server.token}"}).text
    assert "saccade_" in text and server.token not in text


def test_every_page_has_its_guards(server):
    r = requests.get(server.host + "/")
    assert r.status_code == 200 and "html" in r.headers["Content-Type"]
    assert "frame-ancestors" in r.headers["Content-Security-Policy"] or r.headers.get("X-Frame-Options")
    assert r.headers["X-Content-Type-Options"] == "nosniff"
