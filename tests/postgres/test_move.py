"""`saccade move`: a folder that holds something of each kind goes into a PostgreSQL database and comes back, whole, whatever happens on the way."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import database
import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "wire")]
import sweeps
import wire
from conftest import SACCADE, wait


def command(*words, code=0):
    done = subprocess.run([SACCADE, *map(str, words)], capture_output=True, text=True, timeout=120)
    assert (done.returncode == 0) == (code == 0), done.stdout + done.stderr
    return done.stdout + done.stderr


def new_database():
    return database.new()[1]


def stop(server):
    assert not server.stop()
    return server.data


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A folder with one of each kind of thing, in a file of SQLite."""
    url, database.URL = database.URL, None
    try:
        server = wire.Server(SACCADE)
        things = sweeps.Things(server)
        stop(server)
    finally:
        database.URL = url
    yield server.data, things.ids
    shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture
def folder(filled, tmp_path):
    shutil.copytree(filled[0], tmp_path / "data")
    return tmp_path / "data"


def sum_said(said):
    return said.split(" rows of ")[0].split()[-1], said[said.index("(") + 1:said.index(")")]


def serve(folder, *ask):
    """What a server on the folder answers to each of the paths."""
    log = folder.parent / "log"
    with open(log, "wb") as out:
        process = subprocess.Popen([SACCADE, "serve", "--data", folder, "--listen", "127.0.0.1:0"], stdout=out, stderr=subprocess.STDOUT)
    try:
        wait("the start", lambda: "ready at " in log.read_text() or process.poll() is not None, 20)
        url = log.read_text().split("ready at ")[1].split()[0]
        token = command("token", "new", "admin", "--data", folder).split()[-1]
        return [json.loads(subprocess.run(["curl", "-sf", "-H", f"Authorization: Bearer {token}", url + path], check=True, capture_output=True).stdout)
                for path in ask]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def tables(folder):
    where = database.where(folder)
    if "://" in where:
        names = database.rows(where, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    else:
        names = database.rows(where, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    return dict(database.rows(where, " UNION ALL ".join(f"SELECT '{n}', count(*) FROM {n}" for n, in names)))


def test_all_goes_there_and_comes_back(folder, filled):
    url, before = new_database(), tables(folder)
    assert sum(n > 0 for n in before.values()) > 40
    there = command("move", "--from", folder, "--to", url)
    assert database.where(folder) == url and not (folder / "saccade.db").exists() and (folder / "saccade.db.moved").exists()
    assert tables(folder) == before
    back = command("move", "--from", url, "--to", folder)
    assert sum_said(there) == sum_said(back) and tables(folder) == before
    assert not (folder / "database").exists()
    command("fsck", "--data", folder)


def test_what_was_moved_is_served_and_goes_on(folder, filled):
    paths = [f"/api/{kind}/{filled[1][kind.replace('/', ' ')]}" for kind in ("dataset", "deployment", "experiment", "asset")]
    url, before = new_database(), serve(folder, *paths)
    strip = lambda answers: json.loads(json.dumps(answers), object_hook=lambda o: {k: v for k, v in o.items() if "url" not in k and "host" not in k})
    command("move", "--from", folder, "--to", url)
    assert strip(serve(folder, *paths)) == strip(before)
    last = database.rows(url, "SELECT max(id) FROM event")[0][0]
    database.write(url, "INSERT INTO event (org, topic, json, at) VALUES ('x', 'y', '{}', 1)")
    assert database.rows(url, "SELECT max(id) FROM event")[0][0] == last + 1  # numbers go on behind what came
    command("fsck", "--data", folder)


def test_a_database_that_holds_something_else_is_refused(folder, filled, tmp_path):
    url = new_database()
    database.psql(url, "CREATE TABLE of_others (id BIGINT)")
    assert "is not empty" in command("move", "--from", folder, "--to", url, code=1)
    assert (folder / "saccade.db").exists() and not (folder / "database").exists()
    other, own = new_database(), tmp_path / "own"
    shutil.copytree(filled[0], own)
    command("move", "--from", own, "--to", other)
    database.write(str(folder / "saccade.db"), "UPDATE dataset SET name = 'changed since'")
    assert "has another database already" in command("move", "--from", other, "--to", folder, code=1)
    assert "holds no data" in command("move", "--from", new_database(), "--to", new_key(tmp_path), code=1)


def new_key(tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new/key").write_bytes(b"k" * 32)
    return tmp_path / "new"


def test_a_folder_that_lacks_what_the_database_names_is_refused(folder, tmp_path):
    url = new_database()
    command("move", "--from", folder, "--to", url)
    assert "lacks the key" in command("move", "--from", url, "--to", tmp_path / "empty", code=1)
    shutil.copy(folder / "key", tmp_path / "empty/key")
    assert "objects that the database names" in command("move", "--from", url, "--to", tmp_path / "empty", code=1)
    assert not (tmp_path / "empty/saccade.db").exists()
    shutil.copytree(folder / "objects", tmp_path / "empty/objects", dirs_exist_ok=True)
    command("move", "--from", url, "--to", tmp_path / "empty")
    command("fsck", "--data", tmp_path / "empty")


def test_a_running_server_is_not_moved(folder):
    with subprocess.Popen([SACCADE, "serve", "--data", folder, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        process.stdout.readline()
        assert "another server" in command("move", "--from", folder, "--to", new_database(), code=1)
        process.send_signal(signal.SIGTERM)


def killed_after(seconds, *words):
    process = subprocess.Popen([SACCADE, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    process.kill()
    process.wait()


def test_killed_anywhere_it_is_whole_when_it_is_run_again(folder):
    before, url = tables(folder), new_database()
    began = time.time()
    shutil.copytree(folder, folder.parent / "measured")
    command("move", "--from", folder.parent / "measured", "--to", new_database())
    took = time.time() - began
    for there, words in ((True, ("--from", folder, "--to", url)), (False, ("--from", url, "--to", folder))):
        for part in (0.3, 0.7, 0.95):
            killed_after(took * part, "move", *words)
            wait("its connection's end", lambda: idle(url), 10)
            assert tables(folder) == before  # what counts is whole, whichever it is
        command("move", *words)
        command("move", *words)  # once more: there is nothing left to do
        assert ("://" in database.where(folder)) == there and tables(folder) == before


def idle(url):
    return database.rows(url, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")[0][0] in (0, None)


def memory_of(*words):
    """The most that the command had of the machine's memory at a time, in bytes."""
    process = subprocess.Popen([SACCADE, *map(str, words)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_maxrss * 1024


def test_what_is_read_row_by_row_does_not_fill_the_memory(folder, tmp_path):
    url = new_database()
    command("move", "--from", folder, "--to", url)
    few = memory_of("move", "--from", url, "--to", folder)
    command("move", "--from", folder, "--to", new_database())
    database.write(url, "INSERT INTO event (org, topic, json, at) SELECT 'x', 'y', repeat('z', 400), i FROM generate_series(1, 200000) i")
    shutil.copytree(folder, tmp_path / "new", ignore=shutil.ignore_patterns("saccade.db*", "database"))
    many = memory_of("move", "--from", url, "--to", tmp_path / "new")
    assert database.rows(database.where(tmp_path / "new"), "SELECT count(*) > 200000 FROM event")[0][0] and many < few + (20 << 20), (few, many)
