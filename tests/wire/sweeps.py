"""Sweeps over every route that the server describes: rights, and odd input of all kinds. A new route is swept without a new test."""
import base64, http.client, json, re, struct, time, uuid, zlib


def all_routes(server):
    """(method, path's pattern, right, what may be sent) of every route. A pattern's values are the names of what they are ids of."""
    _, _, body = server.ask("GET", "/api/openapi.json", token=server.names["token"])
    for path, methods in json.loads(body)["paths"].items():
        for method, route in methods.items():
            schema = route.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            inputs = dict(schema.get("properties", {}), **{p["name"]: p.get("schema", {}) for p in route.get("parameters", []) if p["in"] == "query"})
            names = iter(route.get("x-on", []))
            yield ("XGET" if method == "x-xget" else method.upper()), re.sub(r"\{([^}]+)\}", lambda m: "{%s}" % next(names, m[1]), path), route["x-right"], inputs


def fresh(pattern):
    return re.sub(r"\{[^}]+\}", lambda _: str(uuid.uuid4()), pattern)


ROLES = {"viewer": 1, "annotator": 2, "member": 3, "admin": 4, "owner": 5}
OPEN = ("anyone", "signed link")


def token_of(server, role, organization=None):
    """The token of a new account."""
    name = f"{role} {uuid.uuid4().hex[:8]}"
    server.command("user", "add", name, "--role", role, *(["--organization", organization] if organization else []))
    return name, server.command("token", "new", name).split()[-1]


def made_token(server, **body):
    """(token, id) of another token of the administrator's."""
    answer = json.loads(server.ask("POST", "/api/tokens", json.dumps({"name": "sweep", **body}).encode(), server.names["token"])[2])
    return answer["token"], answer["id"]


def dead_credentials(server):
    """What must not be let in: by what it is called."""
    expired, _ = made_token(server, expires_at=int(time.time() * 1000) + 300)
    revoked, id = made_token(server)
    assert server.ask("DELETE", f"/api/token/{id}", None, server.names["token"])[0] == 204
    things = Things(server)
    made = lambda **body: things.ask("POST", f"/api/deployment/{things.ids['deployment']}/tokens", name="sweep", **body)
    revoked_one = made()
    assert server.ask("DELETE", f"/api/deployment-token/{revoked_one['id']}", None, server.names["token"])[0] == 204
    expired_one = made(expires_at=int(time.time() * 1000) + 300)
    orphaned = made()
    assert server.ask("DELETE", f"/api/deployment/{things.ids['deployment']}", None, server.names["token"])[0] < 300
    name, deleted = token_of(server, "owner")
    users = json.loads(server.ask("GET", "/api/users?limit=1000", None, server.names["token"])[2])["items"]
    assert server.ask("DELETE", "/api/user/" + next(u["id"] for u in users if u["username"] == name), None, server.names["token"])[0] == 204
    time.sleep(0.4)
    return {"nobody": None, "a made-up token": "sac_" + "A" * 43, "a forged login": "eyJhbGciOiJub25lIn0.e30.", "an expired token": expired,
            "a revoked token": revoked, "a deleted user": deleted, "a deployment's expired token": expired_one["token"],
            "a deployment's revoked token": revoked_one["token"], "the token of a deleted deployment": orphaned["token"],
            "another issuer": "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUifQ.c2ln"}


def rights(server):
    """Every route × every credential, from the table: who is not let in gets 401, who belongs to another organization 404, who may less 403. What a
    route is on must be among the real things here, so that a new route is swept, too."""
    dead, stranger_token = dead_credentials(server), stranger(server)
    roles = {role: token_of(server, role)[1] for role in ("viewer", "annotator", "member")}
    others, things = Things(server), Things(server)
    elsewhere = others.ask("POST", f"/api/deployment/{others.ids['deployment']}/tokens", name="sweep")["token"]
    c = http.client.HTTPConnection(server.host, server.port, timeout=60)
    for method, pattern, right, _ in all_routes(server):
        path, body = things.fill(pattern), None if method == "GET" else b"{}"
        ask = lambda token: server.ask(method, path, body, token, connection=c)[0]
        yield f"{method} {pattern} is on things that the sweep has", known(things, pattern), "make one in Things"
        if right in OPEN:
            if right == "signed link":
                status = server.ask(method, fresh(pattern))[0]
                yield f"{method} {pattern} without a signature", status in (401, 403, 404), f"got {status}"
            continue
        for who, token in dead.items():
            status = ask(token)
            yield f"{method} {pattern} by {who}", status == 401, f"got {status}"
        status = ask(elsewhere)
        yield f"{method} {pattern} by another deployment's token", status in (403, 404), f"got {status}"
        if "{" in pattern:
            status = ask(stranger_token)
            yield f"{method} {pattern} by the owner of another organization", status == 404, f"got {status}"
        need = ROLES[("viewer" if method == "GET" else "member") if right.startswith("deployment") else right]
        for role, token in roles.items():
            may = ROLES[role] >= need
            if may and (method != "GET" or pattern == "/api/events"):
                continue  # it would be done, and what it is done to is still needed
            status = ask(token)
            yield f"{method} {pattern} by a {role}", (status not in (401, 403)) if may else status == 403, f"got {status}"


# ---- odd input: any answer will do that is no 5xx, and the server must go on

BODIES = [b"", b"null", b"[]", b"{}", b'"x"', b"1e999", b"{", b'{"a":1,"a":2}', b"[" * 100000, b'{"name":"\\ud800"}', b"\xff\xfe",
          b'{"name":' + b"1" * 5000 + b"}"]
QUERIES = ["?limit=-1&offset=x", "?q=" + "(" * 3000, "?q=%00%ff", "?order_by='&order_by=id&cursor=%f0", "?ids=" + "a," * 2000, "?%", "?cursor=e30",
           "?q=" + "%20and%20".join(["id%20=%20%22x%22"] * 200)]
IDS = ["..%2f..%2fetc%2fpasswd", "%00", "a" * 5000, "%ff", "%252e%252e", "'%20OR%201=1--"]
VALUES = [None, "", "x", -1, 0, 1e308, 2**63, True, [], {}, "é" * 2000, "\x01\u202e<script>", [None], [[]], [{}], {"a": {"b": []}},
          [{"x": 1e308, "y": -5, "w": "a", "h": [], "label_id": 3, "label": {}, "polygon": [[1]], "points": "x", "mask": [-1]}],
          [[1, 2], [3]], [["a", None]], ["x"] * 300, [str(uuid.UUID(int=1))] * 3]


def one(server, connection, method, path, body, token="token"):
    """None, or what went wrong."""
    try:
        status, _, answer = server.ask(method, path, body, server.names[token], connection=connection)
    except (OSError, http.client.HTTPException) as e:
        connection.close()
        return f"{path[:200]} {body and body[:300]}: {e!r}"
    return f"{path[:200]} {body and body[:300]}: {status} {answer[:200]}" if status >= 500 else None


def odd_input(server):
    """Odd bodies, queries and ids."""
    c = http.client.HTTPConnection(server.host, server.port, timeout=60)
    for method, pattern, _, _ in all_routes(server):
        if pattern == "/api/events":
            continue
        path, worst = fresh(pattern), None
        for body in BODIES if method not in ("GET", "DELETE") else [None]:
            worst = worst or one(server, c, method, path, body)
        for query in QUERIES if method == "GET" else []:
            worst = worst or one(server, c, method, path + query, None)
        for odd in IDS if "{" in pattern else []:
            worst = worst or one(server, c, method, re.sub(r"\{[^}]+\}", odd, pattern), None if method == "GET" else b"{}")
        yield f"{method} {pattern} with odd input", worst is None, worst


def image():
    rows = b"".join(b"\0" + bytes((x * y) % 256 for x in range(64 * 3)) for y in range(48))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def plural(kind):
    return kind if kind.endswith("s") else kind + "s"


class Things:
    """One real thing of each kind, so that odd input gets past the search for the id."""

    def __init__(self, server, token=None):
        self.server, self.token = server, token or server.names["token"]
        org = self.ask("GET", "/api/home/ping")["default_organization"]
        home = self.ask("GET", f"/api/organization/{org}/datalake")
        lake, connector = home["id"], home["connector_id"]
        odd = f"odd {uuid.uuid4().hex[:8]}"
        self.ids = {"organization": org, "datalake": lake, "storage connector": connector}
        name = self.ask("POST", f"/api/organization/{org}/connector/{connector}/generate_object_name", filename="a.png", type="DATA")["object_name"]
        grant = self.ask("POST", f"/api/object-storage/{connector}/generate_presigned_url", object_name=name, content_type="image/png")
        url = grant["presigned_url_data"]["url"]
        status = server.ask("PUT", url[url.index("/storage/"):], image(), headers=[("Content-Type", "image/png")])[0]
        assert status < 300, status
        self.object_name = name
        data = self.made("data", "POST", f"/api/datalake/{lake}/datas", type="IMAGE", filename="a.png", object_name=name, content_type="image/png",
                         tags=[])
        self.made("tag", "POST", f"/api/datalake/{lake}/tags", name=odd)
        self.made("bucket", "POST", f"/api/organization/{org}/connectors", name=odd, endpoint="https://store.invalid", bucket="pictures")
        self.made("bucket sync", "POST", f"/api/datalake/{lake}/syncs", connector_id=self.ids["bucket"], prefix=odd, every_minutes=60)
        self.made("data source", "POST", f"/api/organization/{org}/datasources", name=odd)
        dataset = self.made("dataset", "POST", f"/api/organization/{org}/datasets", name=odd)
        version = self.made("dataset version", "POST", f"/api/dataset/{dataset}/versions", version="one", type="OBJECT_DETECTION")
        self.made("label", "POST", f"/api/dataset/version/{version}/labels", name="cell")
        self.ask("POST", f"/api/dataset/version/{version}/assets", data_ids=[data])
        self.ids["asset"] = self.ask("GET", f"/api/dataset/version/{version}/assets")["items"][0]["id"]
        self.made("label group", "POST", f"/api/dataset/version/{version}/labelgroups", name="cells")
        self.other_group = self.ask("POST", f"/api/dataset/version/{version}/labelgroups", name="others")["id"]
        shapes = {"rectangle": dict(x=1, y=2, w=3, h=4), "polygon": dict(polygon=[[1, 1], [9, 1], [9, 9]]), "line": dict(line=[[1, 1], [9, 9]]),
                  "point": dict(point=[3, 4]), "classification": {}, "keypoints": dict(keypoints=[[1, 1, 2]]), "mask": dict(mask="T3:bl2")}
        made = self.ask("PUT", f"/api/asset/{self.ids['asset']}/annotation", revision=0, duration=1.5,
                        **{plural(kind): [dict(shape, label_id=self.ids["label"])] for kind, shape in shapes.items()})
        self.ids["annotation"] = made["id"]
        self.ids.update({kind: made[plural(kind)][0]["id"] for kind in shapes})
        model = self.made("model", "POST", f"/api/organization/{org}/models", name=odd)
        model_version = self.made("model version", "POST", f"/api/model/{model}/versions", name="one", type="OBJECT_DETECTION", framework="ONNX",
                                  labels={"0": "cell"})
        project = self.made("project", "POST", f"/api/organization/{org}/projects", name=odd)
        experiment = self.made("experiment", "POST", f"/api/project/{project}/experiments", name=odd)
        self.made("log", "POST", f"/api/experiment/{experiment}/logs", name="loss", type="LINE", data={"steps": [1], "values": [2.5]})
        self.made("model file", "POST", f"/api/model/version/{model_version}/modelfiles", name="notes", filename="a.png", object_name=name)
        self.ids["model context"] = self.ask("GET", f"/api/model/version/{model_version}/context")["id"]
        self.made("artifact", "POST", f"/api/experiment/{experiment}/artifacts", name="notes", filename="a.png", object_name=name)
        self.made("logging file", "POST", f"/api/experiment/{experiment}/logging/save", object_name=name)
        self.ask("POST", f"/api/experiment/{experiment}/datasets", name="test", dataset_version_id=version)
        self.ask("POST", f"/api/experiment/{experiment}/evaluations", evaluations=[dict(asset_id=self.ids["asset"], rectangles=[dict(x=1, y=2, w=3, h=4, label_id=self.ids["label"], score=0.9)])])
        self.ids["evaluation"] = self.ask("GET", f"/api/experiment/{experiment}/evaluations")["items"][0]["id"]
        self.made("deployment", "POST", f"/api/organization/{org}/deployments", model_version_id=model_version, name=odd, min_threshold=0.5)

        deployment = self.ids["deployment"]
        self.made("alert", "POST", f"/api/deployment/{deployment}/alerts", metric="latency", operator=">", value=1)
        webhook = self.made("webhook", "POST", f"/api/organization/{org}/webhooks", url="https://hook.invalid/", events=["alert_firing"])
        self.ids["delivery"] = self.ask("POST", f"/api/webhook/{webhook}/test")["id"]
        self.ids["predicted asset"] = self.ask(
            "POST", f"/api/deployment/{deployment}/predictions", filename="a.png", content_type="image/png", height=48, width=64, latency=0.1,
            image=base64.b64encode(image()).decode(),
            raw_predictions=dict(detection_classes=[0], detection_texts=["cell"], detection_boxes=[[1, 2, 11, 12]], detection_scores=[0.9]))["id"]
        self.made("token", "POST", "/api/tokens", name=odd)
        self.made("deployment token", "POST", f"/api/deployment/{deployment}/tokens", name=odd)
        self.made("saved view", "POST", f"/api/organization/{org}/views", page="datalake", name=odd, q="width > 10")
        users = self.ask("GET", "/api/users")["items"]
        self.ids["user"] = next((u for u in users if u["username"] == "viewer"), users[-1])["id"]
        self.ids["worker"] = self.ids["user"]
        classes = self.ask("POST", f"/api/dataset/{dataset}/versions", version="two", type="CLASSIFICATION")["id"]
        self.ids["job"] = self.ask("POST", f"/api/dataset/version/{classes}/tags/convert", tag_ids=[self.ids["tag"]], tag_type="DATA")["id"]

    def ask(self, method, path, **body):
        status, _, answer = self.server.ask(method, path, json.dumps(body).encode() if body else None, self.token)
        assert status < 300, f"{method} {path} {body}: {status} {answer[:500]}"
        return json.loads(answer)

    def made(self, kind, method, path, **body):
        answer = self.ask(method, path, **body)
        self.ids[kind] = answer.get("id") or answer["items"][0]["id"]
        return self.ids[kind]

    def fill(self, pattern):
        """The pattern with the ids of the real things that its values name."""
        return re.sub(r"\{([^}]+)\}", lambda m: self.ids.get(m[1]) or str(uuid.uuid4()), pattern)

    def shapes(self):
        """Shapes with a label that is there and all else odd."""
        label = self.ids["label"]
        for v in (-5, 0, 1e308, "a", None, 2**40):
            yield [dict(x=v, y=v, w=v, h=v, label_id=label)]
        for p in ([[0, 0]], [[1e308, 1]] * 3, [["a", "b"]] * 3, [[1, 2, 3]] * 3, [5] * 7, [[0, 0]] * 20000, []):
            yield [dict(polygon=p, line=p, point=p, mask=p, keypoints=p, label_id=label)]
        yield [dict(x=1, y=1, w=1, h=1, label_id=label)] * 3

    def plain(self, name, schema):
        """A value that a well-meaning caller could send."""
        kind = name.removesuffix("_id").replace("_", " ")
        if name.endswith("_id"):
            return self.ids.get(kind) or self.ids.get(kind.removeprefix("base ").removeprefix("shadow ")) or str(uuid.uuid4())
        if "enum" in schema:
            return schema["enum"][0]
        if name == "object_name":
            return self.object_name
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind  # the other is null
        return {"string": "x", "integer": 1, "number": 0.5, "boolean": True, "array": [], "object": {}}.get(kind, "x")

    def valid(self, name, schema):
        """A value that is taken, and not there yet. null where another member excludes it."""
        named = {"polygon": [[1, 1], [9, 1], [9, 9]], "line": [[2, 2], [9, 9]], "point": [5, 6], "keypoints": [[2, 2, 1]], "mask": "T3:bl2", "box": None,
                 "data": {"steps": [3], "values": [1.5]}, "metric": "avg_latency", "label": None, "window_seconds": None,
                 "group_id": self.ids["label group"], "parent_id": self.other_group, "target_datalake_id": self.ids["datalake"],
                 "thumbnail_object_name": self.object_name, "url": "https://hook.invalid/kept", "events": ["alert_ended"],
                 "endpoint": "https://other.invalid", "region": "eu-1", "bucket": "kept-pictures", "access_key": None, "path_style": False,
                 "connector_id": self.ids["storage connector"]}
        if name == "type":
            return next(t for t in ("OBJECT_DETECTION", "LINE", schema["enum"][0]) if t in schema["enum"])
        if name in named:
            return named[name]
        value = "2099-01-01T00:00:00Z" if schema.get("format") == "date-time" else self.plain(name, schema)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return max(value, schema.get("minimum", value))
        return f"kept {uuid.uuid4().hex[:8]}" if value == "x" else value


ROOM = {"bucket": "connector", "bucket sync": "sync", "data source": "data/source", "dataset version": "dataset/version", "model version": "model/version", "label group": "label/group",
        "model file": "model/file", "saved view": "view", "model context": "model/context", "logging file": "logging/file", "predicted asset": "predicted/asset"}  # where one is read, if not under its name
SHAPED = ("rectangles", "polygons", "lines", "points", "classifications", "keypoints", "masks", "annotations", "evaluations")
STAYS = ("/lock", "/pause", "/cancel", "/launch", "/password", "/api/user", "/api/session")  # they would end the sweep early


def odd_values(server):
    """Each member of each body, and each parameter, in turn holds each odd value, beside plain values, on things that are there."""
    things = Things(server)
    c = http.client.HTTPConnection(server.host, server.port, timeout=60)
    shapes = list(things.shapes())
    for method, pattern, _, inputs in all_routes(server):
        if pattern == "/api/events" or method == "DELETE" or any(w in pattern for w in STAYS):
            continue
        path, worst = things.fill(pattern), None
        plain = {name: things.plain(name, schema) for name, schema in inputs.items()}
        for name in inputs:
            for value in VALUES + (shapes if name in SHAPED else []):
                if method == "GET":
                    text = value if isinstance(value, str) else json.dumps(value)
                    query = "&".join(f"{k}={http_quote(text if k == name else str(v))}" for k, v in plain.items() if k == name or k in ("name", "id"))
                    worst = worst or one(server, c, method, f"{path}?{query}", None)
                else:
                    worst = worst or one(server, c, method, path, json.dumps(dict(plain, **{name: value})).encode())
        yield f"{method} {pattern} with odd values", worst is None, worst


def http_quote(text):
    return "".join(chr(b) if chr(b).isalnum() and b < 128 else f"%{b:02x}" for b in text[:2000].encode())


# ---- other organizations

def stranger(server):
    """The token of the owner of another organization."""
    name = f"strangers {uuid.uuid4().hex[:8]}"
    status, _, answer = server.ask("POST", "/api/organizations", json.dumps({"name": name}).encode(), server.names["token"])
    assert status == 201, answer
    return token_of(server, "owner", name)[1]


def same_for_all(pattern):
    return pattern in ("/api/events", "/api/openapi.json") or "{" not in pattern


def other_organizations(server):
    """Nothing of one organization is read, changed or named by the owner of another, by path or by id in what is sent."""
    token = stranger(server)
    theirs, ours = Things(server, token), Things(server)
    c = http.client.HTTPConnection(server.host, server.port, timeout=60)

    def status_of(method, path, body):
        text = json.dumps(body).encode() if method != "GET" else None
        if method == "GET" and body:
            path += "?" + "&".join(f"{k}={http_quote(str(v))}" for k, v in body.items())
        return server.ask(method, path, text, token, connection=c)[0]

    for method, pattern, right, inputs in all_routes(server):
        if same_for_all(pattern) or right in ("anyone", "signed link") or not known(ours, pattern):
            continue
        status = status_of(method, ours.fill(pattern), {k: theirs.plain(k, s) for k, s in inputs.items()})
        yield f"{method} {pattern} of another organization", status in (400, 403, 404, 409, 413, 422), f"got {status}"
        for name in inputs if method not in ("GET", "DELETE") and known(theirs, pattern) else ():
            foreign = {"object_name": ours.object_name}.get(name) or (name.endswith("_id") and isinstance(ours.plain(name, {}), str) and ours.plain(name, {}))
            if name == "user_id" and pattern.endswith(("/members", "/users")):
                continue  # people of other organizations are what these are for
            if not foreign or foreign not in (*ours.ids.values(), ours.object_name):
                continue
            sent = {k: theirs.plain(k, s) for k, s in inputs.items()}
            status = status_of(method, theirs.fill(pattern), dict(sent, **{name: foreign}))
            yield f"{method} {pattern} with another organization's {name}", status in (400, 403, 404, 409, 422), f"got {status}"
    for method, pattern, _, inputs in all_routes(server):
        for name in inputs:
            if name in ("ids", "data_ids", "asset_ids", "annotation_ids") and known(theirs, pattern) and method != "GET":
                status_of(method, theirs.fill(pattern), {name: list(ours.ids.values())})
    for kind in ours.ids:
        if kind not in ("storage connector", "user", "worker", "token", "deployment token"):
            status = server.ask("GET", f"/api/{ROOM.get(kind, kind)}/{ours.ids[kind]}", None, server.names["token"])[0]
            yield f"{kind} is still there", status == 200, f"got {status}"


def known(things, pattern):
    """Whether the pattern names things that are there."""
    return all(name in things.ids or name in ("key", "object_name*", "upload", "part", "version") for name in re.findall(r"\{([^}]+)\}", pattern))


# ---- what is sent is kept

def kept(server):
    """A thing can be made of what it needs alone; and whatever members it may be made with, or changed to, its answer has as they were sent."""
    things = Things(server)
    routes = [(path, method, route) for path, methods in things.ask("GET", "/api/openapi.json")["paths"].items() for method, route in methods.items()]
    for path, method, route in sorted(routes, key=lambda r: r[:2] == ("/api/asset/{id}/annotations", "post")):
        keeps = route.get("x-keeps", [])
        if not keeps:
            continue
        names, schema = iter(route.get("x-on", [])), route["requestBody"]["content"]["application/json"]["schema"]
        filled = things.fill(re.sub(r"\{([^}]+)\}", lambda m: "{%s}" % next(names, m[1]), path))

        def send(members):
            sent = {name: things.valid(name, schema["properties"][name]) for name in members}
            if path == "/api/asset/{id}/annotations":  # there can be one
                for n in things.ask("GET", filled)["items"]:
                    server.ask("DELETE", f"/api/annotation/{n['id']}", None, things.token)
            status, _, answer = server.ask(method.upper(), filled, json.dumps(sent).encode(), things.token)
            return sent, status, json.loads(answer)

        if method == "post":
            sent, status, answer = send(schema["required"])
            yield f"{method.upper()} {path} takes what it needs alone", status < 300, f"{sent}: {status} {answer}"
        sent, status, answer = send([*schema["required"], *keeps])
        yield f"{method.upper()} {path} takes all that it says", status < 300, f"{sent}: {status} {answer}"
        if not any(name in answer for name in keeps):  # it stands beside its secret
            answer = next((v for v in answer.values() if isinstance(v, dict)), answer)
        for name in keeps if status < 300 else ():
            as_sent = answer.get(name) == sent[name] or bool(answer.get(name) and schema["properties"][name].get("format") == "date-time")
            yield f"{method.upper()} {path} keeps {name}", as_sent, f"{sent[name]} became {answer.get(name)}"


sweeps = (rights, odd_input, other_organizations, kept, odd_values)
