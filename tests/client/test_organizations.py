"""Two organizations: who belongs where, what is given on single things, and that nothing crosses."""
import json
import subprocess
import threading
import time

import pytest
import requests
from conftest import SACCADE, unique
from picsellia import Client


def person(server, role="owner", organization=None):
    """(name, password, token) of a new account."""
    name = unique("person")
    more = ["--organization", organization] if organization else []
    said = subprocess.run([SACCADE, "user", "add", name, "--role", role, "--data", str(server.folder), *more], capture_output=True, text=True, check=True).stdout
    token = subprocess.run([SACCADE, "token", "new", name, "--data", str(server.folder)], capture_output=True, text=True, check=True).stdout.strip()
    return name, said.split()[-1], token


def ask(server, token, method, path, status=200, **kw):
    r = requests.request(method, server.host + path, headers={"Authorization": f"Bearer {token}", **kw.pop("headers", {})}, timeout=60, **kw)
    assert r.status_code == status, (method, path, r.status_code, r.text[:300])
    return r.json() if r.content else None


def id_of(server, name):
    return next(u["id"] for u in ask(server, server.token, "GET", "/api/users", params={"limit": 1000})["items"] if u["username"] == name)


@pytest.fixture(scope="module")
def other(server):
    """The name and id of a second organization, and the token of its owner, who belongs to no other."""
    name = unique("other")
    made = ask(server, server.token, "POST", "/api/organizations", 201, json={"name": name})
    return name, made["id"], person(server, "owner", name)[2]


@pytest.fixture
def dataset(client):
    d = client.create_dataset(name=unique("shared"))
    return d, d.create_version("one")


def test_one_token_reaches_all_organizations_of_its_person_and_the_client_chooses(server, other):
    name, id, _ = other
    here, there = Client(server.token, host=server.host), Client(server.token, organization_name=name, host=server.host)
    assert here.id != there.id and str(there.id) == id and there.name == name
    assert str(Client(server.token, organization_id=id, host=server.host).id) == id
    made = there.create_dataset(name=unique("theirs"))
    assert str(made.id) not in [str(d.id) for d in here.list_datasets()]
    listed = {o["name"]: o["role"] for o in ask(server, server.token, "GET", "/api/organizations")["items"]}
    assert listed[name] == "owner" and listed["default"] == "owner"


def test_a_header_chooses_where_a_path_names_nothing(server, other):
    users = ask(server, server.token, "GET", "/api/users", headers={"X-Organization": other[1]}, params={"limit": 1000})
    assert server.username in [u["username"] for u in users["items"]] and len(users["items"]) == 2
    ask(server, other[2], "GET", "/api/users", 404, headers={"X-Organization": str(Client(server.token, host=server.host).id)})
    ask(server, server.token, "GET", "/api/users", 400, headers={"X-Organization": "here"})


def test_a_session_goes_to_another_organization_and_stays_there(server, other):
    s = requests.Session()
    s.headers["X-Requested-With"] = "saccade"
    login = s.post(server.host + "/api/session", json={"username": server.username, "password": server.password}).json()
    assert login["organization"]["name"] == "default"
    assert s.patch(server.host + "/api/session", json={"organization_id": other[1]}).json()["organization"]["id"] == other[1]
    assert s.get(server.host + "/api/session").json()["organization"]["id"] == other[1]
    assert s.patch(server.host + "/api/session", json={"organization_id": "01990000-0000-7000-8000-000000000000"}).status_code == 404
    assert s.delete(server.host + "/api/session").status_code == 204


def test_members_are_taken_in_change_their_role_and_leave(server, other):
    name, _, token = person(server, "viewer")
    org = other[1]
    ask(server, token, "GET", f"/api/organization/{org}", 404)
    taken = ask(server, other[2], "POST", f"/api/organization/{org}/members", 201, json={"username": name, "role": "member"})
    assert taken["role"] == "member" and taken["home"] is False
    ask(server, other[2], "POST", f"/api/organization/{org}/members", 409, json={"username": name, "role": "member"})
    ask(server, token, "POST", f"/api/organization/{org}/datasets", 201, json={"name": unique("mine")})
    assert ask(server, other[2], "PATCH", f"/api/organization/{org}/member/{taken['id']}", json={"role": "viewer"})["role"] == "viewer"
    ask(server, token, "POST", f"/api/organization/{org}/datasets", 403, json={"name": unique("mine")})
    ask(server, other[2], "PATCH", f"/api/user/{taken['id']}", 403, json={"password": "another home manages it"})
    ask(server, token, "POST", f"/api/organization/{org}/leave", 204)
    ask(server, token, "GET", f"/api/organization/{org}", 404)
    assert ask(server, token, "GET", "/api/home/ping")["username"] == name
    ask(server, server.token, "DELETE", f"/api/user/{taken['id']}", 204)
    ask(server, token, "GET", "/api/home/ping", 401)


def test_the_last_owner_of_an_organization_stays(server, other):
    alone = unique("alone")
    ask(server, other[2], "POST", "/api/organizations", 201, json={"name": alone})
    org = next(o["id"] for o in ask(server, other[2], "GET", "/api/organizations")["items"] if o["name"] == alone)
    me = ask(server, other[2], "GET", f"/api/organization/{org}/members")["items"][0]["id"]
    ask(server, other[2], "PATCH", f"/api/organization/{org}/member/{me}", 409, json={"role": "member"})
    ask(server, other[2], "POST", f"/api/organization/{org}/leave", 409)


def test_access_on_a_dataset_reaches_it_and_what_is_in_it_and_nothing_else(server, client, lake, other, dataset, cells):
    d, version = dataset
    data = lake.upload_data(str(cells[0].path))
    version.add_data(data)
    name, _, token = person(server, "viewer", other[0])
    guest = next(u["id"] for u in ask(server, other[2], "GET", "/api/users", params={"limit": 1000})["items"] if u["username"] == name)
    for path in (f"/api/dataset/{d.id}", f"/api/dataset/version/{version.id}/assets", f"/api/data/{data.id}"):
        ask(server, token, "GET", path, 404)
    users = ask(server, server.token, "POST", f"/api/access/dataset/{d.id}/users", json={"user_id": guest, "role": "LABELER"})["users"]
    assert next(u for u in users if u["id"] == guest)["role"] == "annotator"
    assert ask(server, token, "GET", "/api/access")["items"][0]["thing_id"] == str(d.id)
    assert ask(server, token, "GET", f"/api/dataset/{d.id}")["id"] == str(d.id)
    asset = ask(server, token, "GET", f"/api/dataset/version/{version.id}/assets")["items"][0]
    assert asset["data"]["id"] == str(data.id)
    ask(server, token, "GET", f"/api/data/{data.id}")
    requests.get(server.host + f"/api/data/{data.id}/thumbnail", headers={"Authorization": f"Bearer {token}"}, timeout=60).raise_for_status()
    ask(server, token, "PUT", f"/api/asset/{asset['id']}/annotation", json={"revision": 0})
    for method, path, status in (("PATCH", f"/api/dataset/{d.id}", 403), ("DELETE", f"/api/data/{data.id}", 404), ("GET", f"/api/datalake/{lake.id}/datas", 404),
                                 ("GET", f"/api/organization/{client.id}/datasets", 404), ("DELETE", f"/api/dataset/version/{version.id}", 403),
                                 ("POST", f"/api/access/dataset/{d.id}/users", 403)):
        ask(server, token, method, path, status, json={} if method not in ("GET", "DELETE") else None)
    ask(server, server.token, "DELETE", f"/api/access/dataset/{d.id}/users", json={"user_id": guest})
    ask(server, token, "GET", f"/api/dataset/{d.id}", 404)


def test_a_guest_with_the_role_member_takes_nothing_else_out_of_the_organization(server, lake, other, dataset, cells):
    d, version = dataset
    data = lake.upload_data(str(cells[1].path))
    token = person(server, "member", other[0])
    guest = next(u["id"] for u in ask(server, other[2], "GET", "/api/users", params={"limit": 1000})["items"] if u["username"] == token[0])
    ask(server, server.token, "POST", f"/api/access/dataset/{d.id}/users", json={"user_id": guest, "role": "member"})
    ask(server, token[2], "PATCH", f"/api/dataset/{d.id}", json={"description": "by a guest"})
    for body in ({"data_ids": [str(data.id)]}, {"datalake_id": str(lake.id), "q": "width > 0"}):
        requests.post(f"{server.host}/api/dataset/version/{version.id}/assets", json=body, headers={"Authorization": f"Bearer {token[2]}"}, timeout=60)
        assert ask(server, server.token, "GET", f"/api/dataset/version/{version.id}/assets")["items"] == []


def test_the_published_client_gives_access(server, client, dataset):
    name = person(server, "viewer")[0]
    d = dataset[0]
    user = next(u for u in client.list_users(username=name))
    d.add_user(user, "USER")
    assert name in [u.username for u in d.list_users()]
    ask(server, person_token(server, name), "PATCH", f"/api/dataset/{d.id}", json={"description": "more than a viewer here"})
    d.delete()
    assert ask(server, person_token(server, name), "GET", "/api/access")["items"] == []


def person_token(server, name):
    return subprocess.run([SACCADE, "token", "new", name, "--data", str(server.folder)], capture_output=True, text=True, check=True).stdout.strip()


def test_an_annotator_annotates_and_does_nothing_else(server, client, lake, dataset, cells):
    version = dataset[1]
    version.add_data(lake.upload_data(str(cells[0].path)))
    token = person(server, "annotator")[2]
    asset = ask(server, token, "GET", f"/api/dataset/version/{version.id}/assets")["items"][0]["id"]
    ask(server, token, "PUT", f"/api/asset/{asset}/annotation", json={"revision": 0})
    ask(server, token, "POST", f"/api/dataset/version/{version.id}/labels", 403, json={"name": "cat"})
    ask(server, token, "DELETE", f"/api/asset/{asset}", 403)
    ask(server, token, "POST", f"/api/organization/{client.id}/projects", 403, json={"name": unique("p")})


def test_nobody_hears_what_happens_in_another_organization(server, client, other):
    heard = {"ours": [], "theirs": []}

    def listen(who, token):
        with requests.get(server.host + "/api/events", headers={"Authorization": f"Bearer {token}"}, stream=True, timeout=30) as r:
            try:
                for line in r.iter_lines():
                    heard[who].append(line.decode())
            except requests.exceptions.RequestException:
                pass

    for who, token in (("ours", server.token), ("theirs", other[2])):
        threading.Thread(target=listen, args=(who, token), daemon=True).start()
    until = time.time() + 10
    while time.time() < until and not all(heard.values()):
        time.sleep(0.05)
    secret = unique("secret")
    project = client.create_project(name=unique("events"))
    project.create_experiment(name=unique("run")).log(secret, [1.0, 2.0], "line")
    until = time.time() + 10
    while time.time() < until and secret not in "".join(heard["ours"]):
        time.sleep(0.05)
    assert secret in "".join(heard["ours"])
    time.sleep(0.5)
    assert not [line for line in heard["theirs"] if line.startswith(("event:", "data:"))], heard["theirs"]


def test_parallel_guesses_are_counted_before_the_password_is_looked_at(server):
    name = person(server, "viewer")[0]
    codes = []

    def guess(i):
        codes.append(requests.post(server.host + "/api/session", json={"username": name, "password": f"guess number {i}"}, timeout=60).status_code)

    threads = [threading.Thread(target=guess, args=(i,)) for i in range(40)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert codes.count(401) <= 10 and codes.count(429) >= 30, codes


def test_a_limited_token_gives_and_takes_no_more_than_it_may(server):
    name, _, full = person(server, "member")
    limited = ask(server, full, "POST", "/api/tokens", 201, json={"name": "look only", "role": "viewer", "expires_at": "2099-01-01T00:00:00Z"})["token"]
    mine = {t["name"]: t["id"] for t in ask(server, full, "GET", "/api/tokens")["items"]}
    ask(server, limited, "DELETE", f"/api/token/{mine['command line']}", 403)
    ask(server, limited, "POST", "/api/tokens", 403, json={"name": "more", "role": "member"})
    ask(server, limited, "POST", "/api/tokens", 403, json={"name": "longer", "expires_at": "2100-01-01T00:00:00Z"})
    made = ask(server, limited, "POST", "/api/tokens", 201, json={"name": "as much"})
    assert made["role"] == "viewer" and made["expires_at"].startswith("2099")
    ask(server, full, "DELETE", f"/api/token/{made['id']}", 204)


def test_a_new_password_says_whether_the_tokens_go(server):
    name, password, token = person(server, "member")
    body = {"old_password": password, "password": "a wholly new one"}
    ask(server, token, "POST", "/api/user/password", 400, json=body)
    ask(server, token, "POST", "/api/user/password", json=dict(body, revoke_tokens=True))
    ask(server, token, "GET", "/api/home/ping", 401)


def test_a_bearer_of_another_issuer_is_told_so(server):
    r = requests.get(server.host + "/api/home/ping", headers={"Authorization": "Bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUifQ.c2ln"}, timeout=60)
    assert r.status_code == 401 and "https://login.example" in r.json()["message"]


def test_a_login_for_predictions_falls_with_its_token_and_its_user(server, client):
    org = str(client.id)
    model = ask(server, server.token, "POST", f"/api/organization/{org}/models", 201, json={"name": unique("m")})["id"]
    version = ask(server, server.token, "POST", f"/api/model/{model}/versions", 201,
                  json={"name": "one", "type": "OBJECT_DETECTION", "framework": "ONNX", "labels": {"0": "cell"}})["id"]
    ids = [ask(server, server.token, "POST", f"/api/organization/{org}/deployments", 201, json={"model_version_id": version, "name": unique("d"), "min_threshold": 0.5})["id"]
           for _ in range(2)]
    name, _, token = person(server, "member")
    login = lambda t: ask(server, t, "POST", "/api/login", json={"api_token": t, "deployment_id": ids[0]})["jwt"]
    more = ask(server, token, "POST", "/api/tokens", 201, json={"name": "more"})
    first, second = login(token), login(more["token"])
    for jwt in (first, second):
        assert ask(server, jwt, "GET", f"/api/deployment/{ids[0]}")["id"] == ids[0]
        ask(server, jwt, "GET", f"/api/deployment/{ids[1]}", 403)
        ask(server, jwt, "GET", "/api/users", 403)
    ask(server, token, "DELETE", f"/api/token/{more['id']}", 204)
    ask(server, second, "GET", f"/api/deployment/{ids[0]}", 401)
    ask(server, first, "GET", f"/api/deployment/{ids[0]}")
    ask(server, server.token, "DELETE", f"/api/user/{id_of(server, name)}", 204)
    ask(server, first, "GET", f"/api/deployment/{ids[0]}", 401)
    viewer = person(server, "viewer")[2]
    ask(server, viewer, "POST", "/api/login", 403, json={"api_token": viewer, "deployment_id": ids[0]})


def test_saved_views_are_private(server, client):
    org = str(client.id)
    mine, theirs = person(server, "viewer")[2], person(server, "owner")[2]
    view = ask(server, mine, "POST", f"/api/organization/{org}/views", 201, json={"page": "assets", "name": "large", "q": "width > 1000"})
    ask(server, mine, "POST", f"/api/organization/{org}/views", 409, json={"page": "assets", "name": "large", "q": "width > 1"})
    ask(server, theirs, "POST", f"/api/organization/{org}/views", 201, json={"page": "assets", "name": "large", "q": "width > 2"})
    assert [v["q"] for v in ask(server, mine, "GET", f"/api/organization/{org}/views?page=assets")["items"]] == ["width > 1000"]
    assert ask(server, mine, "PATCH", f"/api/view/{view['id']}", json={"q": "width > 2000"})["q"] == "width > 2000"
    for method in ("GET", "PATCH", "DELETE"):
        ask(server, theirs, method, f"/api/view/{view['id']}", 404, json={"q": "x"} if method == "PATCH" else None)
    ask(server, mine, "DELETE", f"/api/view/{view['id']}", 204)
    ask(server, mine, "GET", f"/api/view/{view['id']}", 404)


def test_who_may_change_one_thing_changes_no_other_through_it(server, client, dataset, trained, deployment, project):
    """Ids in bodies: what they name is changed too, and weighs like what the path names."""
    name, _, token = person(server, "viewer")
    version, lake = dataset[1], client.get_datalake()
    model = deployment.get_model_version()
    other_project = client.create_project(name=unique("not given"))
    for kind, thing in (("deployment", deployment.id), ("project", project.id), ("model", model.origin_id)):
        ask(server, server.token, "POST", f"/api/access/{kind}/{thing}/users", json={"user_id": id_of(server, name), "role": "member"})
    target = client.create_model(name=unique("not given"))
    refused = [
        ("POST", f"/api/deployment/{deployment.id}/fl/datasets", {"dataset_version_id": str(version.id)}),
        ("PATCH", f"/api/deployment/{deployment.id}", {"target_datalake_id": str(lake.id)}),
        ("POST", f"/api/deployment/{deployment.id}/pipeline/ct", {"project_id": str(other_project.id), "trigger": "NONE", "experiment_parameters": {}}),
        ("POST", f"/api/experiment/{trained[0].id}/publish/version", {"model_id": str(target.id)}),
        ("POST", f"/api/experiment/{trained[0].id}/publish", {"name": unique("new")}),
        ("POST", f"/api/model/version/{model.id}/deploy", {"name": unique("new"), "target_datalake_id": str(lake.id)}),
    ]
    for method, path, body in refused:
        said = ask(server, token, method, path, 403, json=body)
        assert "the role member" in said["message"], said
    ask(server, token, "PATCH", f"/api/deployment/{deployment.id}", json={"min_threshold": 0.3})


def test_a_guest_sees_neither_who_else_there_is_nor_what_else_uses_it(server, other, dataset, project):
    project.attach_dataset(dataset[1])
    d, guest = dataset[0], person(server, "viewer", other[0])
    ask(server, server.token, "POST", f"/api/access/dataset/{d.id}/users", json={"user_id": id_in(server, other, guest[0]), "role": "viewer"})
    seen = ask(server, guest[2], "GET", f"/api/access/dataset/{d.id}/users")["users"]
    assert [u["username"] for u in seen] == [guest[0]]
    used = ask(server, guest[2], "GET", f"/api/dataset/version/{dataset[1].id}/users")["items"]
    assert used and all(u["items"] == [] and u["count"] > 0 for u in used)


def test_access_on_a_deployment_reaches_its_pipelines_and_on_a_dataset_its_annotations_by_id(server, other, dataset, deployment, lake, cells):
    (d, version), guest = dataset, person(server, "viewer", other[0])
    for kind, thing in (("deployment", deployment.id), ("dataset", d.id)):
        ask(server, server.token, "POST", f"/api/access/{kind}/{thing}/users", json={"user_id": id_in(server, other, guest[0]), "role": "annotator"})
    version.add_data(lake.upload_data(str(cells[1].path)))
    ask(server, server.token, "POST", f"/api/deployment/{deployment.id}/fl/datasets", json={"dataset_version_id": str(version.id)})
    looped = ask(server, guest[2], "GET", f"/api/deployment/{deployment.id}/fl/datasets")["items"]
    assert [x["dataset_version"]["id"] for x in looped] == [str(version.id)]
    assert "fl" in ask(server, guest[2], "GET", f"/api/deployment/{deployment.id}/pipelines")
    ask(server, server.token, "DELETE", f"/api/deployment/{deployment.id}/fl/datasets", json={"ids": [str(version.id)]})
    asset = ask(server, guest[2], "GET", f"/api/dataset/version/{version.id}/assets")["items"][0]
    made = ask(server, guest[2], "PUT", f"/api/asset/{asset['id']}/annotation", json={"revision": 0})
    loaded = ask(server, guest[2], "XGET", f"/api/dataset/version/{version.id}/annotations", json=[made["id"]])
    assert [n["id"] for n in loaded] == [made["id"]]


def id_in(server, other, name):
    """The id of a member of the second organization."""
    users = ask(server, other[2], "GET", "/api/users", params={"limit": 1000})["items"]
    return next(u["id"] for u in users if u["username"] == name)
