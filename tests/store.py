"""An S3 server for tests, moto's, and a faulty one before it: a proxy that loses answers, answers 500, stalls, sends other bytes, or is full."""
import http.client
import os
import socket
import subprocess
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"}
ROOT = Path(__file__).resolve().parents[1]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Store:
    """moto's server with one bucket, and what a person would do to it."""

    def __init__(self, bucket="pictures"):
        venv = subprocess.run([ROOT / "tools/venv", "buckets", ROOT / "tests/buckets/requirements.txt", "--no-deps"], check=True, capture_output=True, text=True).stdout.strip()
        self.port, self.bucket = free_port(), bucket
        self.process = subprocess.Popen([f"{venv}/bin/moto_server", "-H", "127.0.0.1", "-p", str(self.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": "1048576"})
        self.url = f"http://127.0.0.1:{self.port}"
        end = time.time() + 60
        while True:
            try:
                if requests.put(f"{self.url}/{bucket}", headers=SIGNED, timeout=5).status_code == 200:
                    break
            except requests.RequestException:
                pass
            assert self.process.poll() is None and time.time() < end, "moto's server does not start"
            time.sleep(0.05)

    def at(self, key):
        return f"{self.url}/{self.bucket}/{urllib.parse.quote(key)}"

    def put(self, key, body):
        r = requests.put(self.at(key), data=body, headers=SIGNED, timeout=20)
        assert r.status_code == 200, (r.status_code, r.text)

    def get(self, key):
        r = requests.get(self.at(key), headers=SIGNED, timeout=20)
        assert r.status_code == 200, (r.status_code, r.text)
        return r.content

    def delete(self, key):
        assert requests.delete(self.at(key), headers=SIGNED, timeout=20).status_code in (200, 204)

    def keys(self, prefix=""):
        r = requests.get(f"{self.url}/{self.bucket}", params={"list-type": 2, "prefix": prefix}, headers=SIGNED, timeout=20)
        return [e.text for e in ET.fromstring(r.content).iter() if e.tag.endswith("}Key")]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)


class Faulty:
    """Passes requests on to the store, unless `rule(method, path, times)` names a fault for them; times: how often that request was made before."""

    def __init__(self, store):
        self.store, self.rule, self.asked, self.lock = store, lambda *_: None, [], threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def pass_on(self):
                n = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(n)
                with outer.lock:
                    times = outer.asked.count((self.command, self.path))
                    outer.asked.append((self.command, self.path))
                outer.answer(self, body, outer.rule(self.command, self.path, times))

            do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = pass_on

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def ask(self, h, body):
        c = http.client.HTTPConnection("127.0.0.1", self.store.port, timeout=30)
        c.request(h.command, h.path, body or None, {k: v for k, v in h.headers.items() if k.lower() != "host"} | {"Host": f"127.0.0.1:{self.store.port}"})
        r = c.getresponse()
        return r.status, r.getheaders(), r.read()

    def send(self, h, status, headers, body, cut=None):
        h.send_response_only(status)
        for k, v in headers:
            if k.lower() not in ("content-length", "connection", "transfer-encoding"):
                h.send_header(k, v)
        length = dict((k.lower(), v) for k, v in headers).get("content-length", len(body)) if h.command == "HEAD" else len(body)
        h.send_header("Content-Length", str(length))
        h.end_headers()
        h.wfile.write(body if cut is None else body[:cut])

    def answer(self, h, body, fault):
        if fault == "stall":
            time.sleep(3600)
        if fault in ("500", "503", "403"):
            return self.send(h, int(fault), [], b"<Error><Code>InternalError</Code></Error>" if fault == "500" else b"<Error><Code>SlowDown</Code></Error>")
        if fault == "full":
            return self.send(h, 507, [], b"<Error><Code>QuotaExceeded</Code></Error>")
        status, headers, got = self.ask(h, body)
        if fault == "lose":
            h.close_connection = True
            return h.connection.shutdown(socket.SHUT_RDWR)
        if fault == "corrupt":
            got = bytes([got[0] ^ 1]) + got[1:]
        if fault == "cut":
            self.send(h, status, headers, got, len(got) // 2)
            h.close_connection = True
            return h.connection.shutdown(socket.SHUT_RDWR)
        self.send(h, status, headers, got)

    def stop(self):
        self.server.shutdown()
