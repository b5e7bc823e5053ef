"""An older PostgreSQL database is brought to today by the steps that SQLite's takes: they are statements that both know."""
import subprocess
import sys
from pathlib import Path

import database
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from conftest import SACCADE, Server

OLDEST = Path(__file__).resolve().parents[1] / "migrate/postgres-45.sql"
# Columns in the order of their names: one that a step added stands last. References are made one by one, and named by the server.
SHAPE = {
    "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity FROM information_schema.columns WHERE table_schema = 'public'",
    "indexes": "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "rules": "SELECT conrelid::regclass, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'",
    "triggers": "SELECT tgrelid::regclass, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "functions": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
}


def shape(url):
    return {what: sorted(database.psql(url, f"{sql};").splitlines()) for what, sql in SHAPE.items()}


@pytest.fixture
def fresh(tmp_path):
    (tmp_path / "fresh").mkdir()
    server = Server(tmp_path / "fresh")
    yield database.where(server.folder)
    assert server.stop() == 0


def migrate(folder, *words):
    done = subprocess.run([SACCADE, "migrate", "--data", folder, *words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_the_oldest_database_walked_to_today_is_as_a_new_one(fresh, tmp_path):
    url, folder = database.new()[1], tmp_path / "old"
    database.psql(url, OLDEST.read_text())
    folder.mkdir()
    (folder / "database").write_text(url)
    code, said = migrate(folder, "--check")
    assert code == 1 and "version 45" in said, said
    code, said = migrate(folder)
    assert code == 0 and "there is nothing to do" in said, said
    walked, made = shape(url), shape(fresh)
    for what in SHAPE:
        assert walked[what] == made[what], what
