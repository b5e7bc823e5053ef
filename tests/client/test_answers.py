"""What compares answers with their description (tests/answers.py) sees what differs."""
import pytest
from answers import Answers
from conftest import SACCADE

ID = "0197a0a0-0000-7000-8000-000000000000"


@pytest.fixture
def answers():
    return Answers(SACCADE)


def page(*items, **more):
    return {"items": list(items), "next_cursor": None, "count": len(items), "count_exact": True, **more}


@pytest.mark.parametrize("method, path, status, value, says", [
    ("GET", "/health", 200, {"status": "ok", "version": "1", "uptime_s": 1}, ""),
    ("GET", "/health", 200, {"status": "ok", "version": "1", "uptime_s": None}, "GET /health: uptime_s: null is not type"),
    ("GET", "/health", 200, {"status": "ok", "version": "1"}, "'uptime_s' is a required property"),
    ("GET", "/health", 200, {"status": "ok", "version": "1", "uptime_s": 1, "more": 2}, "'more' was unexpected"),
    ("GET", "/health", 202, {"status": "ok", "version": "1", "uptime_s": 1}, "status 202 is not described"),
    ("GET", "/api/nothing", 200, {}, "the route is not described"),
    ("POST", f"/api/label/{ID}/skeleton", 200, {"id": ID}, "maxProperties"),
    ("GET", f"/api/datalake/{ID}/tags", 200, page(), ""),
    ("GET", f"/api/datalake/{ID}/tags", 200, page(more=1), "'more' was unexpected"),
    ("XGET", f"/api/dataset/version/{ID}/assets", 200, page({}), "items.[]: 'id' is a required property"),
])
def test_an_answer_that_differs_from_its_description_is_named(answers, method, path, status, value, says):
    answers.compare(method, path, status, value)
    got = "\n".join(answers.lines())
    assert says in got if says else not got
