"""Sweeps over every list and every deletion that the server describes: whatever they ask of the database is asked here once, and goes well.
(tests/sql looks at the statements that come of it.)"""
import http.client, json, time, uuid

import database
from sweeps import Things, all_routes, http_quote

SAID = {"integer": ["> 1", "in (1, 2)"], "number": ["<= 0.5"], "boolean": ["= True"], "string": ['= "x"', '~ "x"', 'startswith "x"', 'endswith "x"', 'in ("x", "é")'],
        "date-time": ['> "2024-01-01T00:00:00Z"', 'startswith "2024-01"'], "uuid": [f'= "{uuid.UUID(int=1)}"']}


NEEDED = {"/api/organization/{organization}/tags": ["target_type"]}


def questions(fields):
    """A query of each kind that a list's fields allow: each is said, denied, and asked for none."""
    for name, schema in fields.items():
        if schema.get("type") == "object":
            name, schema = f"{name}.key", dict(schema, type="string")
        says = SAID.get(schema.get("format")) or SAID[schema.get("type", "string")]
        if "enum" in schema:
            says = [f'= "{schema["enum"][0]}"']
        yield from (f"{name} {say}" for say in says)
        yield f"not {name} {says[0]}"
        yield f"{name} != None"
        if schema["many"]:
            yield from (f"count({name}) > 2", f"count({name} {says[0]}) >= 1", f"count({name} {says[0]}) = 0")


def lists(server):
    """Every list in each of its orders, from the first page and after a cursor, and for each of its fields in the query language."""
    things = Things(server)
    Things(server)  # another of each kind, so that there is a second page
    token, c = server.names["token"], http.client.HTTPConnection(server.host, server.port, timeout=60)

    def status(path, **query):
        code, _, answer = server.ask("GET", path + "?" + "&".join(f"{k}={http_quote(v)}" for k, v in query.items()), None, token, connection=c)
        return code, json.loads(answer)

    def wrong(path, **query):
        code, answer = status(path, **query)
        return None if code == 200 else f"{query}: {code} {answer}"

    for method, pattern, _, inputs in all_routes(server):
        if method != "GET" or "x-fields" not in inputs.get("q", {}):
            continue
        path, worst = things.fill(pattern), None
        needed = {name: things.plain(name, inputs[name]) for name in NEEDED.get(pattern, ())}
        for order in inputs["order_by"]["items"]["enum"]:
            code, answer = status(path, **needed, order_by=order, limit="1")
            worst = worst or (None if code == 200 else f"{order}: {code} {answer}")
            if code == 200 and answer["next_cursor"]:
                worst = worst or wrong(path, **needed, order_by=order, limit="1", cursor=answer["next_cursor"])
        for q in questions(inputs["q"]["x-fields"]):
            worst = worst or wrong(path, **needed, q=q) or wrong(path, **needed, q=q, count="exact", limit="1")
        yield f"{method} {pattern} in every order and by every field", worst is None, worst


def completions(server):
    """What completion offers for every field of every list: names, operators, values, members of documents."""
    Things(server)
    token, c, seen = server.names["token"], http.client.HTTPConnection(server.host, server.port, timeout=60), set()
    for entity, fields in lists_of(server):
        if entity in seen or server.ask("GET", f"/api/query/complete?entity={http_quote(entity)}", None, token)[0] == 404:
            continue
        seen.add(entity)
        worst = None
        for name, schema in fields.items():
            key = ".key" if schema.get("type") == "object" else ""
            for q in (name, f"{name}.", f"{name}{key} ", f"{name}{key} = ", f'{name}{key} = "x', f"{name}{key} = 1", f"{name}{key} = 1 "):
                status, _, answer = server.ask("GET", f"/api/query/complete?entity={http_quote(entity)}&q={http_quote(q)}", None, token, connection=c)
                worst = worst or (None if status == 200 else f"{q}: {status} {answer[:300]}")
        yield f"completion of queries for {entity}", worst is None, worst


def lists_of(server):
    """(what is listed, its fields) of every list."""
    described = json.loads(server.ask("GET", "/api/openapi.json", token=server.names["token"])[2])
    for methods in described["paths"].values():
        for p in methods.get("get", {}).get("parameters", []):
            if "x-fields" in p.get("schema", {}):
                yield methods["get"]["responses"]["200"]["description"], p["schema"]["x-fields"]


MANY = 2100  # more than what a list takes for few (api/list.c), and than what is removed at once (api/remove.c)


COLUMNS = "id org datalake_id object_name filename type content_type upload_status width height size hash data_source_id created_at".split()


def many_data(server, things):
    """Data rows that nobody uploaded, written past the server: so many that a list goes other ways."""
    where, of = database.where(server.data), things.ids["data"]
    (org,), = database.rows(where, "SELECT org FROM data WHERE id = ?", [of])
    made = []
    for _ in range(MANY):
        id = uuid.uuid4()
        given = dict(id=f"'{id}'", object_name=f"'{org}/{id}'", data_source_id=f"'{things.ids['data source']}'")
        made += [f"INSERT INTO object (name, org, hash, size, content_type, created_at) SELECT '{org}/{id}', o.org, o.hash, o.size, o.content_type, o.created_at"
                 f" FROM object o JOIN data d ON d.object_name = o.name WHERE d.id = '{of}'",
                 f"INSERT INTO data ({', '.join(COLUMNS)}) SELECT {', '.join(given.get(c, c) for c in COLUMNS)} FROM data WHERE id = '{of}'"]
    database.write(where, ";".join(made))


def jobs_done(server):
    for _ in range(300):
        jobs = json.loads(server.ask("GET", "/api/jobs?limit=50", None, server.names["token"])[2])["items"]
        if all(j["status"] not in ("PENDING", "RUNNING") for j in jobs):
            return
        time.sleep(0.1)


def others(server):
    """What the sweeps do not come to: public models, annotations by id; a list of thousands, looked through ahead; tags put on and taken off; then what thousands name goes."""
    things, token = Things(server), server.names["token"]
    many_data(server, things)
    lake, tag, source = things.ids["datalake"], things.ids["tag"], things.ids["data source"]

    def said(method, path, wanted, body=None):
        status, _, answer = server.ask(method, path, json.dumps(body).encode() if body is not None else None, token)
        return f"{method} {path.split('?')[0].replace(lake, '{datalake}').replace(source, '{source}').replace(tag, '{tag}')}", status == wanted, f"{status} {answer[:300]}"

    hub = json.loads(server.ask("GET", "/api/models", None, token)[2])["items"][0]["id"]
    yield said("GET", f"/api/model/{hub}/versions", 200)
    hub = json.loads(server.ask("GET", f"/api/model/{hub}/versions", None, token)[2])["items"][0]["id"]
    yield said("GET", f"/api/model/version/{hub}", 200)
    yield said("GET", f"/api/organization/{things.ids['organization']}/modelversions/find?id={hub}", 200)
    yield said("XGET", f"/api/dataset/version/{things.ids['dataset version']}/annotations", 200, [things.ids["annotation"]])
    yield said("GET", f"/api/datalake/{lake}/datas?q=" + http_quote('filename = "a.png"') + "&limit=5", 200)
    yield said("POST", f"/api/tag/{tag}/attach", 200, [things.ids["data"]])
    yield said("POST", f"/api/tag/{tag}/detach", 200, [things.ids["data"]])
    yield said("DELETE", f"/api/data/source/{source}", 204)
    jobs_done(server)
    (left,), = database.rows(database.where(server.data), "SELECT count(*) FROM data WHERE data_source_id = ?", [source])
    yield "a data source that thousands name goes", left == 0, f"{left} name it"


SENT = {"/api/datalake/{datalake}/datas": "data", "/api/dataset/version/{dataset version}/assets": "asset", "/api/experiment/{experiment}/logs": "log",
        "/api/experiment/{experiment}/artifacts": "artifact", "/api/experiment/{experiment}/datasets": "dataset version", "/api/project/{project}/experiments": "experiment",
        "/api/project/{project}/datasets": "dataset version", "/api/deployment/{deployment}/fl/datasets": "dataset version",
        "/api/deployment/{deployment}/ct/datasets": "dataset version", "/api/dataset/version/{dataset version}/annotations": "annotation"}


FIRST = {"label": "annotation", "model": "deployment", "model version": "deployment"}  # what stands in the way of a deletion


def stands(things, pattern, inputs):
    """Makes a way for the deletion; what is to be sent."""
    first = FIRST.get(pattern.rsplit("{", 1)[1][:-1])
    if first:
        things.server.ask("DELETE", f"/api/{first}/{things.ids[first]}", None, things.token)
    if "{key}" in pattern:
        things.ids["key"] = "colour"
        things.ask("POST", things.fill(pattern), input_type="STRING")
    if pattern.endswith("/reviews"):
        things.ask("POST", things.fill(pattern), rectangles=[])
    if "/access/" in pattern:
        things.ask("POST", things.fill(pattern), user_id=things.ids["user"], role="viewer")
        return {"user_id": things.ids["user"]}
    kind = SENT.get(pattern.replace("/sdk/", "/api/"))
    if kind and not inputs:  # the body is the list
        return [things.ids[kind]]
    return {name: [things.ids[kind]] for name in inputs if name.endswith("ids") and name != "worker_ids" and kind} or None


def taken_away(server):
    """Everything that is made can be taken away: each deletion on things of its own."""
    for method, pattern, right, inputs in all_routes(server):
        if method != "DELETE" or right == "anyone" or "/members" in pattern:
            continue
        things = Things(server)
        body = stands(things, pattern, inputs)
        status, _, answer = server.ask(method, things.fill(pattern), json.dumps(body).encode() if body else None, server.names["token"])
        yield f"{method} {pattern}", status < 300, f"{body}: {status} {answer[:300]}"


sweeps = (lists, completions, others, taken_away)
