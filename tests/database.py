"""Where the servers of a test run keep their tables: each in its folder, or, with SACCADE_TEST_DB (postgres://…/{} with a place for a name,
and psql of the same server on the PATH), each in a new database of a PostgreSQL server."""
import csv, itertools, os, sqlite3, subprocess

URL = os.environ.get("SACCADE_TEST_DB")
_numbers = itertools.count()


def psql(url, sql):
    return subprocess.run(["psql", url, "-X", "-q", "--csv", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"], input=sql, check=True, capture_output=True, text=True).stdout


def new():
    """The options of a server with a database of its own."""
    if not URL:
        return []
    name = f"test_{os.getpid()}_{next(_numbers)}"
    psql(URL.replace("{}", "postgres"), f"CREATE DATABASE {name}")
    return ["--db", URL.replace("{}", name)]


def where(folder):
    """A server's database, for the functions below."""
    named = folder / "database"
    return named.read_text() if named.exists() else str(folder / "saccade.db")


def _value(text):
    if text.startswith("\\x"):
        return bytes.fromhex(text[2:])
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text or None  # NULL and an empty text are not told apart


def rows(where, sql, values=()):
    """What is stored, read past the server."""
    if "://" not in where:
        with sqlite3.connect(f"file:{where}?mode=ro", uri=True) as db:
            return db.execute(sql, values).fetchall()
    for v in values:
        sql = sql.replace("?", str(v) if isinstance(v, (int, float)) else "'" + str(v).replace("'", "''") + "'", 1)
    return [tuple(map(_value, row)) for row in csv.reader(psql(where, sql).splitlines())]


def write(where, script):
    """Written past the server: statements that both databases know."""
    if "://" in where:
        psql(where, f"BEGIN; {script}; COMMIT;")
    else:
        with sqlite3.connect(where, timeout=30) as db:
            db.executescript(f"BEGIN; {script}; COMMIT;")
