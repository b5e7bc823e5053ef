"""What a hostile or clumsy caller sends: a 4xx that names it, nothing stored, and the server lives (the fixture checks that at the end)."""
import json
import socket
import struct
import time
import zlib

import pytest
import requests
from conftest import unique


def register(server, lake, name, body):
    org, connector = server.org(), str(lake.connector_id)
    o = server.call("POST", f"/api/organization/{org}/connector/{connector}/generate_object_name", json={"filename": name, "type": "DATA"})["object_name"]
    g = server.call("POST", f"/api/object-storage/{connector}/generate_presigned_url", json={"object_name": o, "content_type": "image/jpeg"})
    r = requests.put(g["presigned_url_data"]["url"], data=body, headers=g["presigned_url_data"]["fields"])
    return r, requests.post(f"{server.host}/api/datalake/{lake.id}/datas", headers={"Authorization": f"Bearer {server.token}"},
                            json={"type": "IMAGE", "filename": name, "object_name": o, "content_type": "image/jpeg", "tags": []})


@pytest.fixture(autouse=True, scope="module")
def org(server, client):
    type(server).org = lambda self: str(client.id)


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def bombs(cells):
    good = cells[0].path.read_bytes()
    huge = bytearray(good)
    at = good.index(b"\xff\xc0")
    huge[at + 5:at + 9] = b"\xff\xff\xff\xff"
    return {"empty": b"", "text": b"no picture", "truncated": good[:len(good) // 2], "headeronly": good[:30], "huge jpeg": bytes(huge),
            "huge png": png(100000, 100000), "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "zeros": bytes(100000)}


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "headeronly", "huge jpeg", "huge png", "svg", "zeros"])
def test_a_file_that_is_no_image_is_never_done(server, lake, cells, kind):
    name = unique("bad") + ".jpg"
    put, r = register(server, lake, name, bombs(cells)[kind])
    if put.status_code < 400 and r.status_code < 300 and kind != "truncated":
        assert r.json()["upload_status"] == "ERROR" and r.json().get("error"), r.text
    elif kind != "truncated":
        assert 400 <= r.status_code < 500 and r.json()["message"], r.text
    done = server.call("GET", f"/api/datalake/{lake.id}/datas", params={"q": f'filename = "{name}"', "upload_statuses": ["DONE"]})
    assert done["count"] == 0 or kind == "truncated"


@pytest.mark.parametrize("body, word", [
    (b"", ""), (b"{", ""), (b"[]", ""), (b'"text"', ""), (b"null", ""), (b'{"name": 3}', "name"), (b'{"name": null}', "name"), (b"{}", "name"), (b'{"name": ""}', "name"),
    (b'{"name": "a", "name": "b"}', ""), (b'{"name": "\xff\xfe"}', ""), (b'{"name": "a\\u0000b"}', ""), (b'{"name": "' + b"x" * 100000 + b'"}', "name"),
    (b"[" * 100000, ""), (b'{"name": 1e400}', ""), (b'{"name": "\\ud800"}', ""),
])
def test_json_that_is_wrong(server, client, body, word):
    server.refused("POST", f"/api/organization/{client.id}/datasets", (400, 413, 422), word, data=body)


@pytest.mark.parametrize("method, path", [
    ("GET", "/api/dataset/{id}"), ("GET", "/api/dataset/version/{id}"), ("GET", "/api/data/{id}"), ("GET", "/api/asset/{id}"), ("GET", "/api/model/{id}"),
    ("GET", "/api/model/version/{id}"), ("GET", "/api/experiment/{id}"), ("GET", "/api/project/{id}"), ("GET", "/api/deployment/{id}"), ("GET", "/api/job/{id}"),
    ("GET", "/api/v2/job/{id}"), ("GET", "/api/tag/{id}"), ("DELETE", "/api/dataset/{id}"), ("PATCH", "/api/experiment/{id}"), ("GET", "/api/predicted/asset/{id}"),
    ("GET", "/api/organization/{id}"), ("GET", "/api/data/{id}/thumbnail"), ("GET", "/api/dataset/version/{id}/assets"), ("GET", "/api/deployment/{id}/predictedassets"),
    ("POST", "/api/experiment/{id}/launch"), ("POST", "/api/deployment/{id}/shadow/promote"),
])
def test_an_id_that_is_not_there(server, method, path):
    more = {"json": {}} if method in ("POST", "PATCH") else {}
    server.refused(method, path.format(id="01990000-0000-7000-8000-000000000000"), (400, 404), **more)
    for wrong in ("1", "no-uuid", "..%2f..%2fetc%2fpasswd", "0" * 400, "%00", "'%20or%201=1--"):
        server.refused(method, path.format(id=wrong), (400, 404), **more)


def test_no_such_path_and_no_such_method(server):
    server.refused("GET", "/api/no/such", 404)
    server.refused("DELETE", "/api/home/ping", (404, 405))
    server.refused("BREW", "/api/home/ping", (400, 404, 405, 501))


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "offset=-3", "cursor=rubbish", "order_by=no_such", "upload_statuses=NO"])
def test_a_wrong_page_is_refused(server, lake, query):
    server.refused("GET", f"/api/datalake/{lake.id}/datas?{query}", 400)


def test_storage_links_end_and_cannot_be_changed(server, lake, cells):
    d = lake.upload_data(filepaths=[str(cells[20].path)])
    url = server.call("GET", f"/api/data/{d.id}/presigned-url")["presigned_url"]
    assert requests.get(url).content == cells[20].path.read_bytes()
    path, query = url.split("?")
    words = dict(x.split("=") for x in query.split("&"))
    for change in ({"expires": str(int(time.time()) - 10)}, {"expires": str(int(words["expires"]) + 1)}, {"signature": words["signature"][:-2] + "00"}):
        r = requests.get(path + "?" + "&".join(f"{k}={v}" for k, v in {**words, **change}.items()))
        assert r.status_code == 403, (change, r.status_code)
    assert requests.get(path).status_code in (401, 403)
    assert requests.put(url, data=b"other").status_code in (403, 405), "a link to read does not write"
    assert requests.get(url).content == cells[20].path.read_bytes()
    for name in ("../saccade.db", "..%2fsaccade.db", "%2e%2e/key", "key"):
        out = raw(server, f"GET /storage/{name}?{query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        assert out.split(b" ")[1] in (b"400", b"403", b"404"), out[:100]


def test_html_is_never_shown_as_a_page(server, client, tmp_path):
    f = tmp_path / "page.html"
    f.write_text("<script>alert(1)</script>")
    v = client.create_model(name=unique("html")).create_version()
    v.store("page", str(f))
    r = requests.get(server.call("GET", f"/api/model/version/{v.id}/modelfiles/find?name=page")["presigned_url"])
    assert "html" not in r.headers["Content-Type"] or "attachment" in r.headers.get("Content-Disposition", "")
    assert r.headers["X-Content-Type-Options"] == "nosniff"


def test_a_body_that_is_too_large(server, client):
    def endless():
        for _ in range(300):
            yield b" " * (1 << 20)
    try:
        r = requests.post(f"{server.host}/api/organization/{client.id}/datasets", headers={"Authorization": f"Bearer {server.token}"}, data=endless(), timeout=60)
        assert r.status_code == 413
    except requests.exceptions.ConnectionError:
        pass  # closed before all was sent
    server.call("GET", "/api/home/ping")


def raw(server, text, wait_s=2.0):
    host, port = server.listen.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as s:
        s.sendall(text)
        s.settimeout(wait_s)
        out = b""
        try:
            while True:
                got = s.recv(65536)
                if not got:
                    break
                out += got
        except (TimeoutError, ConnectionResetError):
            pass
        return out


@pytest.mark.parametrize("text", [
    b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n\r\n", b"\x00\x01\x02\x03\r\n\r\n", b"GET " + b"/a" * 40000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(5000)) + b"\r\n",
    b"POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/session HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
])
def test_broken_http(server, text):
    out = raw(server, text, 1.0)
    assert not out or out.split(b" ")[1][:1] == b"4" or out.split(b" ")[1] in (b"500", b"501", b"505"), out[:200]
    server.call("GET", "/api/home/ping")


def test_peers_that_dawdle_hold_nobody_up(server):
    host, port = server.listen.split(":")
    idle = [socket.create_connection((host, int(port)), timeout=5) for _ in range(150)]
    for s in idle[::2]:
        s.sendall(b"GET /health HTTP/1.1\r\nHost:")
    began = time.time()
    server.call("GET", "/api/home/ping")
    assert time.time() - began < 1.0
    for s in idle:
        s.close()


def test_names_are_texts(server, client):
    """What looks like code is kept as it is, and is found again."""
    for name in ('<script>alert(1)</script>' + unique(""), "'; DROP TABLE dataset; --" + unique(""), "../../" + unique("x"), "Zellen äöü 细胞 " + unique("")):
        d = client.create_dataset(name=name)
        assert client.get_dataset(name).id == d.id
        assert server.call("GET", f"/api/dataset/{d.id}")["name"] == name
