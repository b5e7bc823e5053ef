"""Every JSON answer that a test gets from a server is compared with what the API's description says of its route."""
import functools
import json
import os
import re
import subprocess
from urllib.parse import urlsplit

import requests
from jsonschema import Draft202012Validator, FormatChecker

SAMPLE = 20  # items of a list that are looked at
formats = FormatChecker(formats=())
formats.checks("uuid")(lambda v: not isinstance(v, str) or bool(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", v)))
formats.checks("date-time")(lambda v: not isinstance(v, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", v)))


def closed(schema):
    """The schema, in which a member that is not described is a fault as well."""
    if isinstance(schema, list):
        return [closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    ret = {k: {n: closed(s) for n, s in v.items()} if k == "properties" else closed(v) for k, v in schema.items()}
    if ret.get("properties") and "object" in ret.get("type", ()):
        ret.setdefault("additionalProperties", False)
    return ret


def sample(value):
    if isinstance(value, list):
        return [sample(v) for v in value[:SAMPLE]]
    return {k: sample(v) for k, v in value.items()} if isinstance(value, dict) else value


def pattern(path):
    parts = re.split(r"(\{[^}]*\})", path)
    return re.compile("".join((".+" if p.endswith("*}") else "[^/]+") if p.startswith("{") else re.escape(p) for p in parts))


def said(fault):
    """One line of a fault: where, without the places in lists, and what."""
    while fault.context:  # of several ways, the one that came furthest
        fault = max(fault.context, key=lambda f: len(f.absolute_path))
    where = ".".join("[]" if isinstance(p, int) else str(p) for p in fault.absolute_path)
    value = json.dumps(fault.instance)
    what = {"required": fault.message, "additionalProperties": fault.message}.get(
        fault.validator, f"{value[:60]} is not {fault.validator} {json.dumps(fault.validator_value)[:60]}")
    return where, what


class Answers:
    """What was compared, and by route what differed."""

    def __init__(self, binary):
        self.binary, self.hosts, self.answered, self.differ = binary, set(), set(), {}

    @functools.cached_property
    def described(self):
        return json.loads(subprocess.run([self.binary, "describe"], check=True, capture_output=True).stdout)

    @functools.cached_property
    def routes(self):
        """(pattern, path) of all routes, those without values in the path first: they are tried first by the server, too."""
        paths = sorted(self.described["paths"], key=lambda p: [(part.endswith("*}"), "{" in part) for part in p.split("/")])
        return [(pattern(p), p) for p in paths]

    @functools.cached_property
    def components(self):
        return closed(self.described["components"]["schemas"])

    @functools.cache
    def route(self, method, path):
        key = "x-xget" if method == "XGET" else method.lower()
        return next((p for fits, p in self.routes if fits.fullmatch(path) and key in self.described["paths"][p]), None)

    @functools.cache
    def validator(self, method, path, status):
        key = "x-xget" if method == "XGET" else method.lower()
        answers = self.described["paths"][path][key]["responses"]
        answer = answers.get(str(status)) or answers.get(f"{status // 100}XX")
        if answer is None:
            return None
        content = answer.get("content", {})
        schema = closed(content.get("application/json", {}).get("schema", True if "*/*" in content else False))
        return Draft202012Validator({"components": {"schemas": self.components}, "allOf": [schema]}, format_checker=formats)

    def heard(self, method, path, status):
        """Whatever was answered: which routes have done their work at least once."""
        route = self.route(method, path) if 200 <= status < 300 else None
        if route is not None:
            self.answered.add(f"{method} {route}")

    def keep(self):
        """Adds them to the file that the run of all checks looks at afterwards (tests/answered)."""
        if "SACCADE_ANSWERED" in os.environ:
            with open(os.environ["SACCADE_ANSWERED"], "ab", buffering=0) as f:  # in one piece: other parts write at the same time
                f.write("".join(line + "\n" for line in sorted(self.answered)).encode())

    def compare(self, method, path, status, value):
        route = self.route(method, path)
        if route is None and status >= 400:
            return
        if route is None:
            self.note(f"{method} {path}", "", "the route is not described")
            return
        validator = self.validator(method, route, status)
        if validator is None:
            self.note(f"{method} {route}", "", f"status {status} is not described")
            return
        if isinstance(value, dict) and value.get("kind") in self.results and value.get("status") in ("SUCCEEDED", "SUCCESS"):
            self.compare_result(value)
        for fault in validator.iter_errors(sample(value)):
            self.note(f"{method} {route}", *said(fault))

    @functools.cached_property
    def results(self):
        """What the result of a job holds, by the kind of job."""
        jobs = [route["x-job"] for methods in self.described["paths"].values() for route in methods.values() if "x-job" in route]
        return {j["kind"]: Draft202012Validator({"components": {"schemas": self.components}, "allOf": [j["result"]]}, format_checker=formats) for j in jobs}

    def compare_result(self, job):
        for fault in self.results[job["kind"]].iter_errors(job["result"]):
            self.note(f"the result of a job {job['kind']}", *said(fault))

    def note(self, route, where, what):
        self.differ.setdefault(route, {}).setdefault((where, re.sub(r"^\S+ is not", "it is not", what)), f"{where or 'it'}: {what}")

    def lines(self):
        return [f"{route}: {line}" for route in sorted(self.differ) for line in sorted(self.differ[route].values())]

    def listen(self):
        """From now on every answer of the hosts is compared, whoever asks."""
        send = requests.Session.send

        def send_and_compare(session, request, **more):
            r = send(session, request, **more)
            url = urlsplit(r.url)
            if url.netloc in self.hosts:
                self.heard(request.method, url.path, r.status_code)
            if (url.netloc in self.hosts and r.status_code < 600 and not more.get("stream")
                    and r.headers.get("Content-Type", "").startswith("application/json")):
                self.compare(request.method, url.path, r.status_code, r.json())
            return r
        requests.Session.send = send_and_compare
