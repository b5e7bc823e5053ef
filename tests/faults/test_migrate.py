"""A folder of the first release: who may open it, what is told, and how its backups come back."""
import hashlib
import sqlite3
import subprocess
from contextlib import closing

import pytest
from conftest import ROOT, SACCADE, Server


def saccade(*words):
    return subprocess.run([SACCADE, *map(str, words)], capture_output=True, text=True)


@pytest.fixture
def old(tmp_path):
    """Its objects are all empty: a text cannot hold pictures."""
    folder, nothing = tmp_path / "data", hashlib.sha256().hexdigest()
    (folder / "objects" / nothing[:2]).mkdir(parents=True)
    (folder / "objects" / nothing[:2] / nothing).touch()
    with closing(sqlite3.connect(folder / "saccade.db")) as db:
        db.executescript((ROOT / "tests/migrate/version-1.sql").read_text())
        db.execute("UPDATE object SET hash = ?, size = 0", (nothing,))
        db.commit()
    (tmp_path / "first.json").write_text('{"token": "", "username": "admin", "password": ""}')
    return folder


def opened(folder):
    """A server on the folder, and what it says to its administrator."""
    s = Server(folder.parent)
    try:
        s.token = saccade("token", "new", "admin", "--data", folder).stdout.strip()
        org = s.call("GET", "/api/home/ping")["default_organization"]
        return s.said(), s.call("GET", f"/api/organization/{org}/datasets")
    finally:
        assert s.stop() == 0


def version(folder):
    with closing(sqlite3.connect(folder / "saccade.db")) as db:
        return db.execute("SELECT * FROM schema_of").fetchone()


def test_serve_brings_it_to_today_and_says_so(old):
    checked = saccade("migrate", "--check", "--data", old)
    assert checked.returncode == 1 and "is of version 1" in checked.stdout and "    2  " in checked.stdout
    assert len(version(old)) == 1, "to check changes nothing"
    said, datasets = opened(old)
    assert "changing the database to version 2" in said and "saccade.db.version-1" in said
    assert datasets["items"]
    assert (old / "saccade.db.version-1").stat().st_mode & 0o777 == 0o600
    after = saccade("migrate", "--check", "--data", old)
    assert after.returncode == 0 and "there is nothing to do" in after.stdout, after.stdout
    assert "changing" not in opened(old)[0]


def test_commands_beside_a_server_do_not_change_its_version(old):
    refused = saccade("user", "add", "somebody", "--data", old)
    assert refused.returncode == 73 and "start the server on it, or run saccade migrate" in refused.stderr
    assert saccade("fsck", "--data", old).returncode == 0
    assert len(version(old)) == 1
    assert saccade("migrate", "--data", old).returncode == 0
    assert saccade("user", "add", "somebody", "--data", old).returncode == 0


def test_a_backup_of_it_restores_and_opens(old, tmp_path):
    backup, other = tmp_path / "backup", tmp_path / "elsewhere" / "data"
    assert saccade("backup", backup, "--data", old).returncode == 0
    assert saccade("migrate", "--data", old).returncode == 0
    other.parent.mkdir()
    (tmp_path / "first.json").rename(other.parent / "first.json")
    restored = saccade("restore", backup, "--data", other)
    assert restored.returncode == 0, restored.stderr
    assert len(version(other)) == 1
    said, datasets = opened(other)
    assert "changing the database to version 2" in said and datasets["items"]


def test_a_newer_one_is_refused_with_what_to_do(old):
    assert saccade("migrate", "--data", old).returncode == 0
    with closing(sqlite3.connect(old / "saccade.db")) as db:
        db.execute("UPDATE schema_of SET version = version + 1")
        db.commit()
    for command in ("serve", "migrate", "user", "fsck"):
        words = {"serve": ("--listen", "127.0.0.1:0"), "user": ("add", "x")}.get(command, ())
        refused = saccade(command, *words, "--data", old)
        assert refused.returncode == 73 and "use the newer program" in refused.stderr, (command, refused.stderr)
