"""A server whose database is a PostgreSQL server's: what SQLite has not."""
import itertools
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import database
import pytest
import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from conftest import SACCADE, Server, wait


@pytest.fixture
def own(tmp_path):
    server = Server(tmp_path)
    yield server
    if server.process.poll() is None:
        server.stop()


def command(*words):
    return subprocess.run([SACCADE, *map(str, words)], capture_output=True, text=True, timeout=60)


def tag(server, name):
    lake = server.call("GET", f"/api/organization/{server.call('GET', '/api/home/ping')['default_organization']}/datalake")["id"]
    return server.call("POST", f"/api/datalake/{lake}/tags", json={"name": name})["id"]


def names(server):
    return {n for n, in database.rows(database.where(server.folder), "SELECT name FROM tag")}


def test_what_was_acknowledged_is_there_after_a_kill(own):
    made = {f"tag-{i}" for i in range(20)}
    for name in made:
        tag(own, name)
    own.process.kill()
    own.process.wait()
    own.options = ()  # the folder knows its database
    own.start("127.0.0.1:0")
    assert names(own) == made
    tag(own, "later")
    assert names(own) == made | {"later"}


def test_a_connection_that_breaks_is_made_anew(own):
    tag(own, "before")
    url = database.where(own.folder)
    for _ in range(3):
        database.write(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        wait("an answer", lambda: own.call("GET", "/api/home/ping"))
    tag(own, "after")
    assert names(own) == {"before", "after"}


def test_commands_work_on_the_folder(own):
    made = command("user", "add", "Zoë", "--role", "member", "--data", own.folder)
    assert made.returncode == 0, made.stderr
    again = command("user", "add", "ZOë", "--role", "member", "--data", own.folder)
    assert again.returncode != 0 and "there is a user" in again.stderr, again.stderr
    assert command("fsck", "--data", own.folder).returncode == 0
    copy = command("backup", own.folder.parent / "copy", "--data", own.folder)
    assert copy.returncode != 0 and "pg_dump" in copy.stderr, copy.stderr


def test_a_folder_with_a_database_of_its_own_keeps_it(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "saccade.db").write_bytes(b"")
    refused = command("serve", "--data", folder, "--listen", "127.0.0.1:0", "--db", "postgres://x/y")
    assert refused.returncode != 0 and "has a database of its own" in refused.stderr, refused.stderr
    assert not (folder / "database").exists()


def test_an_address_that_does_not_answer_is_told_and_costs_nothing(tmp_path):
    refused = command("serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--db", "postgres://saccade@/none?host=/nowhere")
    assert refused.returncode != 0 and "cannot open the database" in refused.stderr, refused.stderr
    for wrong in ("mysql://x/y", "/a/file"):
        assert "--db must be like postgres://" in command("serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--db", wrong).stderr
    assert oct(os.stat(tmp_path / "data/database").st_mode & 0o777) == "0o600"


def one_of_its_processes(url):
    """None while it goes through its log."""
    try:
        found = database.rows(url, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() LIMIT 1")
    except subprocess.CalledProcessError:
        return None
    return found[0][0] if found else None


def test_a_crash_of_the_database_loses_nothing_that_was_acknowledged(own):
    """kill -9 of one of its processes: the server ends all others, and goes through its log before it answers again."""
    lake = own.call("GET", f"/api/organization/{own.call('GET', '/api/home/ping')['default_organization']}/datalake")["id"]
    url, acknowledged, ended = database.where(own.folder), set(), threading.Event()

    def write(who):
        for i in itertools.count():
            if ended.is_set():
                return
            answer = requests.post(f"{own.host}/api/datalake/{lake}/tags", json={"name": f"{who}-{i}"}, headers={"Authorization": f"Bearer {own.token}"}, timeout=60)
            if answer.status_code < 300:
                acknowledged.add(f"{who}-{i}")
            else:
                assert answer.status_code == 503, answer.text

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, who) for who in "abc"]
        for _ in range(2):
            before = len(acknowledged)
            wait("some that are acknowledged", lambda: len(acknowledged) > before + 5)
            os.kill(wait("the database", lambda: one_of_its_processes(url)), signal.SIGKILL)
            before = len(acknowledged)
            wait("an answer", lambda: len(acknowledged) > before)
        ended.set()
        for writer in writers:
            writer.result(60)
    wait("the database", lambda: one_of_its_processes(url))
    assert acknowledged <= names(own)
