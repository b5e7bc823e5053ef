"""Fills the database of a fresh, stopped server in bulk: a folder as large as those that people have after years. The same numbers give the same rows.

Rows are made by INSERT ... SELECT without triggers and indexes, which come back afterwards. What triggers and requests would have counted is counted here."""
import math, sqlite3, time

YEAR = 365 * 24 * 3600 * 1000
BEGAN = 1735689600000  # 2025-01-01
LABELS = ["RBC", "WBC", "platelet", "crack", "dent", "rust", "bolt", "nut", "car", "bus", "tree", "bird", "cat", "dog", "cow", "ship", "plane", "sign", "lamp", "rare"]
TAGS = ["train", "test", "validation", "night", "day", "blurred", "checked", "rare"]
SOURCES = ["line 1", "line 2", "line 3", "laboratory", "rare camera"]
# kinds of ids, so that each table has its own
KIND = {name: i for i, name in enumerate("data object asset annotation shape predicted prediction review tag label source thing".split(), 1)}


def id_of(kind, i):
    """An expression for the i-th id of its kind: ids grow with i, as version 7 UUIDs do."""
    return f"printf('019%05x-%04x-7{KIND[kind]:03x}-8000-%012x', ({i}) / 65536, ({i}) % 65536, ({i}) * 2654435761 % 281474976710656)"


def chance(i, salt):
    """An expression from 0 to 9999 that looks drawn."""
    return f"(((({i}) + {salt}) * 2654435761 % 4294967296) / 65536 * 40503 % 65536 % 10000)"


class Filler:
    def __init__(self, path, scale):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.n = max(1000, int(1_000_000 * scale))
        self.org, self.user = (self.db.execute(f"SELECT id FROM {t} ORDER BY created_at LIMIT 1").fetchone()[0] for t in ("organization", "person"))
        self.db.execute("PRAGMA journal_mode = OFF").fetchall()
        for setting in ("synchronous = OFF", "foreign_keys = OFF", "cache_size = -1000000", "temp_store = FILE"):
            self.db.execute("PRAGMA " + setting).fetchall()
        self.db.execute("CREATE TEMP TABLE n (i INTEGER PRIMARY KEY)")
        self.db.execute("INSERT INTO n WITH RECURSIVE r(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM r WHERE i < ? - 1) SELECT i FROM r", (self.n,))

    def put(self, table, rows="FROM n", **columns):
        """INSERT of those columns that the table has, so that a column more or less does not matter here."""
        if self.db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table + "_row",)).fetchone():  # the table below a view
            table += "_row"
        has = {r[1] for r in self.db.execute(f"PRAGMA table_info({table})")}
        columns = {k: v for k, v in columns.items() if k in has}
        assert columns, table
        self.db.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} {rows}")

    def one(self, table, kind, i, **columns):
        self.put(table, "", id=id_of(kind, i), org=f"'{self.org}'", **columns)
        return self.db.execute("SELECT " + id_of(kind, i)).fetchone()[0]

    def pick(self, names, salt, kind):
        """The id of one of the names: each half as likely as the one before, the last one chance in a thousand."""
        c = chance("i", salt)
        cases = "".join(f" WHEN {c} >= {10000 >> (k + 1)} THEN {id_of(kind, salt * 1000 + k)}" for k in range(len(names) - 2))
        return f"CASE WHEN {c} < 10 THEN {id_of(kind, salt * 1000 + len(names) - 1)}{cases} ELSE {id_of(kind, salt * 1000 + len(names) - 2)} END"

    def fill(self):
        kept = self.db.execute("SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL").fetchall()
        for kind, name, _ in kept:
            self.db.execute(f"DROP {kind} {name}")
        self.db.execute("BEGIN")
        self.datalake()
        self.dataset()
        self.deployment()
        self.db.execute("COMMIT")
        for kind, _, sql in sorted(kept, key=lambda k: k[0]):
            self.db.execute(sql)
        self.hours()
        self.db.execute("PRAGMA journal_mode = WAL").fetchall()
        self.db.close()
        return self

    def names(self, table, names, salt, kind, **columns):
        for k, name in enumerate(names):
            self.put(table, "", id=id_of(kind, salt * 1000 + k), org=f"'{self.org}'", name=f"'{name}'", created_at=str(BEGAN), position=str(k), **columns)

    def tagged(self, salt, target, every):
        """Two of three things carry a tag, and one in a thousand the rare one."""
        self.put("tagged", f"FROM n WHERE i % 3 < {every}", tag_id=self.pick(TAGS, salt, "tag"), target_id=id_of(target, "i"))

    def datalake(self):
        self.lake = self.db.execute("SELECT id FROM datalake ORDER BY created_at LIMIT 1").fetchone()[0]
        self.names("tag", TAGS, 1, "tag", scope=f"'{self.lake}'", target_type="'DATA'")
        self.names("data_source", SOURCES, 3, "source")
        name, at = f"'{self.org}/data/' || i || '/image_' || i || '.jpg'", f"{BEGAN} + i * ({YEAR} / {self.n})"
        hashed, size = "printf('%064x', i * 2654435761)", f"50000 + {chance('i', 5)} * 20"
        self.put("object", name=name, org=f"'{self.org}'", hash=hashed, size=size, content_type="'image/jpeg'", created_at=at)
        c = chance("i", 7)
        width = f"CASE WHEN {c} < 10 THEN 8000 WHEN {c} < 2000 THEN 640 WHEN {c} < 6000 THEN 1280 ELSE 1920 END"
        metadata = f"""'{{"camera":"' || CASE {c} % 4 WHEN 0 THEN 'left' WHEN 1 THEN 'right' ELSE 'top' END || '","batch":' || (i / 100) || ',"gain":' || ({c} % 16) || '}}'"""
        self.put("data", id=id_of("data", "i"), org=f"'{self.org}'", datalake_id=f"'{self.lake}'", object_name=name, filename="'image_' || i || '.jpg'", type="'IMAGE'",
                 content_type="'image/jpeg'", upload_status="'DONE'", width=width, height="1024", orientation="1", size=size, hash=hashed,
                 data_source_id=self.pick(SOURCES, 3, "source"), metadata=metadata, created_at=at, created_by=f"'{self.user}'")
        self.tagged(1, "data", 2)
        self.keys(c)

    def keys(self, c):
        """What query/kept.c keeps of the metadata."""
        values = dict(camera=(None, f"CASE {c} % 4 WHEN 0 THEN 'left' WHEN 1 THEN 'right' ELSE 'top' END"), batch=("i / 100", None), gain=(f"{c} % 16", None))
        for k, (path, (number, words)) in enumerate(values.items(), 1):
            self.put("metadata_key", "", id=str(k), org=f"'{self.org}'", document="'metadata'", path=f"'{path}'")
            self.put("metadata_value", owner_id=id_of("data", "i"), key_id=str(k), place=str(k), number=number or "NULL", words=words or "NULL")

    def dataset(self):
        self.set = self.one("dataset", "thing", 1, name="'all of it'", description="''", created_at=str(BEGAN), updated_at=str(BEGAN))
        self.version = self.one("dataset_version", "thing", 2, dataset_id=f"'{self.set}'", version="'first'", description="''", type="'OBJECT_DETECTION'", locked="0",
                                created_at=str(BEGAN), updated_at=str(BEGAN))
        version, at = f"'{self.version}'", f"{BEGAN + YEAR} + i"
        self.names("tag", TAGS, 2, "tag", scope=version, target_type="'ASSET'")
        self.names("label", LABELS, 4, "label", dataset_version_id=version)
        c = chance("i", 11)
        status = f"CASE WHEN {c} < 10 THEN 'REFUSED' WHEN {c} < 3000 THEN 'PENDING' ELSE 'ACCEPTED' END"
        shapes = "5 + CASE WHEN i % 500 = 0 THEN 30 ELSE 0 END"
        self.put("asset", id=id_of("asset", "i"), org=f"'{self.org}'", dataset_version_id=version, data_id=id_of("data", "i"), created_at=at,
                 filename="'image_' || i || '.jpg'", n_shapes=shapes, status=status)
        self.tagged(2, "asset", 1)
        self.db.execute(f"UPDATE dataset_version SET n_assets = {self.n}, n_annotated = {self.n}")
        of_tag = self.pick(TAGS, 1, "tag")
        self.put("version_tag", f"FROM n WHERE i % 3 < 2 GROUP BY {of_tag}", dataset_version_id=version, tag_id=of_tag, n="count(*)")
        self.put("annotation", id=id_of("annotation", "i"), org=f"'{self.org}'", asset_id=id_of("asset", "i"), dataset_version_id=version, status=status, duration="1",
                 revision="1", created_at=at, created_by=f"'{self.user}'", updated_at=at, updated_by=f"'{self.user}'", n_shapes=shapes)
        for k in range(5):
            self.shapes(k, f"FROM (SELECT i, i * 5 + {k} AS s FROM n)", version, self.pick(LABELS, 4, "label").replace("((i) + 4)", "(s + 4)"))
        for k in range(5, 35):  # one image in 500 is crowded with one label
            self.shapes(k, f"FROM (SELECT i, {5 * self.n} + i * 30 + {k} AS s FROM n WHERE i % 500 = 0)", version, id_of("label", 4000))
        self.db.execute("CREATE INDEX temporarily ON shape_row (label_id)")
        self.db.execute("UPDATE label SET n_shapes = (SELECT count(*) FROM shape WHERE label_id = label.id)")
        self.db.execute("DROP INDEX temporarily")

    def shapes(self, k, rows, version, label):
        self.put("shape", rows, id=id_of("shape", "s"), annotation_id=id_of("annotation", "i"), asset_id=id_of("asset", "i"), dataset_version_id=version, label_id=label,
                 kind="'rectangle'", position=str(k), x="s % 500", y="s % 300", w="20 + s % 80", h="20 + s % 70", area="(20 + s % 80) * (20 + s % 70)")

    def deployment(self):
        at, lake = str(BEGAN), f"'{self.lake}'"
        model = self.one("model", "thing", 3, name="'finder'", description="''", created_at=at, updated_at=at)
        self.model = self.one("model_version", "thing", 4, model_id=f"'{model}'", version="1", name="'first'", description="''", type="'OBJECT_DETECTION'", framework="'ONNX'",
                              labels="""'{"0":"RBC","1":"WBC"}'""", created_at=at, updated_at=at)
        self.deployed = self.one("deployment", "thing", 5, name="'at work'", type="'OBJECT_DETECTION'", model_version_id=f"'{self.model}'", min_threshold="0.5",
                                 target_datalake_id=lake, status="'RUNNING'", serving="0", sample_rate="1", created_at=at, updated_at=at, deployed_at=at)
        deployment = f"'{self.deployed}'"
        self.names("deployment_label", LABELS, 6, "label", deployment_id=deployment)
        c, when = chance("i", 13), f"{BEGAN} + i * ({YEAR} / {self.n})"
        self.put("predicted_asset", id=id_of("predicted", "i"), deployment_id=deployment, data_id=id_of("data", "i"), created_at=when, source="'line ' || (i % 3 + 1)",
                 status=f"CASE WHEN {c} < 500 THEN 'REVIEWED' WHEN {c} < 1000 THEN 'SUBMITTED' ELSE 'TO_REVIEW' END", filename="'image_' || i || '.jpg'",
                 width="(SELECT width FROM data d WHERE d.id = " + id_of("data", "i") + ")", height="1024", latency=f"0.005 + {c} / 1000000.0", n_shapes="2",
                 **{k: f"{chance('i', 17 + n)} / 10000.0" for n, k in enumerate(("brightness", "contrast", "sharpness", "saturation"))},
                 score_mean=f"{c} / 10000.0", score_max=f"{c} / 10000.0", submitted_at=f"CASE WHEN {c} >= 500 AND {c} < 1000 THEN {when} END")
        self.put("image_look", data_id=id_of("data", "i"), **{k: f"{chance('i', 17 + n)} / 10000.0" for n, k in enumerate(("brightness", "contrast", "sharpness", "saturation"))})
        for status in ("REVIEWED", "SUBMITTED", "TO_REVIEW"):
            self.db.execute(f"UPDATE deployment SET n_{status.lower()} = (SELECT count(*) FROM predicted_asset WHERE status = ?)", (status,))
        self.put("prediction", id=id_of("prediction", "i"), predicted_asset_id=id_of("predicted", "i"), model_version_id=f"'{self.model}'", is_shadow="0",
                 latency=f"0.005 + {c} / 1000000.0", created_at=when)
        label = self.pick(LABELS, 6, "label").replace("((i) + 6)", "(i * 2 + k + 6)")
        box = dict(position="k", kind="'rectangle'", label_id=label, x="i % 500", y="i % 300", w="40.5", h="30.5")
        self.put("prediction_shape", "FROM n, (SELECT 0 AS k UNION SELECT 1)", prediction_id=id_of("prediction", "i"), score=f"{c} / 10000.0", **box)
        reviewed = f"WHERE {c} < 1000"
        self.put("review", f"FROM n {reviewed}", id=id_of("review", "i"), predicted_asset_id=id_of("predicted", "i"), created_at=when, created_by=f"'{self.user}'")
        self.put("review_shape", f"FROM n, (SELECT 0 AS k UNION SELECT 1) {reviewed}", review_id=id_of("review", "i"), **box)

    def hours(self):
        """What requests would have summed up by the hour, as app/deployment/hours.c does it."""
        hours, columns = {}, ("latencies", "scores", "labels", "reviewed")
        of = lambda hour: hours.setdefault(hour, dict(n=0, sum=0.0, max=0.0, **{c: {} for c in columns}))
        def add(counts, key, n):
            counts[key] = counts.get(key, 0) + n
        for hour, latency, n in self.db.execute("SELECT a.created_at / 3600000, p.latency, count(*) FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id GROUP BY 1, 2"):
            h = of(hour)
            h["n"], h["sum"], h["max"] = h["n"] + n, h["sum"] + latency * n, max(h["max"], latency)
            add(h["latencies"], min(255, int(math.log(latency / 1e-4) / math.log(1.05))), n)
        shapes = "SELECT a.created_at / 3600000, l.position, %s, count(*) FROM predicted_asset a JOIN %s JOIN deployment_label l ON l.id = h.label_id GROUP BY 1, 2, 3"
        for hour, label, score, n in self.db.execute(shapes % ("min(9, CAST(h.score * 10 AS INTEGER))",
                                                               "prediction p ON p.predicted_asset_id = a.id JOIN prediction_shape h ON h.prediction_id = p.id")):
            add(of(hour)["scores"], score, n)
            add(of(hour)["labels"], label, n)
        for hour, label, _, n in self.db.execute(shapes % ("0", "review r ON r.predicted_asset_id = a.id JOIN review_shape h ON h.review_id = r.id")):
            add(of(hour)["reviewed"], label, n)
        pack = lambda counts: " ".join(f"{k}:{v}" for k, v in sorted(counts.items()))
        self.db.execute("BEGIN")
        self.db.executemany("INSERT INTO prediction_hour (deployment_id, model_version_id, is_shadow, hour, n, latency_sum, latency_max, latencies, scores, labels, reviewed)"
                            " VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)",
                            [(self.deployed, self.model, hour, h["n"], h["sum"], h["max"], *(pack(h[c]) for c in columns)) for hour, h in hours.items()])
        self.db.execute("COMMIT")


def fill(path, scale):
    began = time.time()
    filled = Filler(path, scale).fill()
    filled.seconds = time.time() - began
    return filled
