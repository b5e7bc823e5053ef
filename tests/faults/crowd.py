"""A server whose datalake holds very many images, quickly made: rows that share one stored object."""
import sqlite3
import uuid

from conftest import Server, draw
from picsellia import Client


class Crowd(Server):
    def __init__(self, folder, count):
        super().__init__(folder)
        cell = draw(folder / "cells", 1, 5)[0]
        client = self.client()
        client.get_datalake().upload_data(filepaths=[str(cell.path)])
        self.lake = str(client.get_datalake().id)
        self.stop()
        self.fill(count)
        self.start(self.listen)
        self.data = [r[0] for r in self.rows("SELECT id FROM data ORDER BY id")]

    def client(self):
        return Client(api_token=self.token, organization_name="default", host=self.host)

    def fill(self, count):
        """The first image again and again, under other ids and names."""
        with sqlite3.connect(self.folder / "saccade.db") as db:
            columns = {t: [r[1] for r in db.execute(f"PRAGMA table_info({t})")] for t in ("object", "data")}
            name = db.execute("SELECT object_name FROM data").fetchone()[0]
            for k in range(count - 1):
                new = {"id": str(uuid.UUID(int=(k + 1) << 80)), "name": f"{name}-{k}", "object_name": f"{name}-{k}", "filename": f"{k}.jpg"}
                for table, key in (("object", "name"), ("data", "object_name")):
                    taken = [f"'{new[c]}'" if c in new else c for c in columns[table]]
                    db.execute(f"INSERT INTO {table} ({', '.join(columns[table])}) SELECT {', '.join(taken)} FROM {table} WHERE {key} = ?", (name,))

    def version(self, dataset, name, **more):
        return self.call("POST", f"/api/dataset/{dataset}/versions", json={"version": name, "type": "CLASSIFICATION", **more})["id"]

    def dataset(self, name):
        org = self.rows("SELECT org FROM datalake")[0][0]
        return self.call("POST", f"/api/organization/{org}/datasets", json={"name": name})["id"]

    def count(self, sql, *values):
        return self.rows(f"SELECT count(*) FROM {sql}", *values)[0][0]

    def job(self, answer):
        """The job's status when it has ended."""
        from conftest import wait
        job = answer["job"]["id"]
        ended = wait("a job", lambda: self.rows("SELECT status, result, error FROM job WHERE id = ? AND status NOT IN ('PENDING', 'RUNNING')", job), every=0.02)
        return ended[0]
