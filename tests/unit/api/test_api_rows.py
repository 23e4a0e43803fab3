"""The public interface over changing rows: what is published, what is known, how often."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from bot.api.app import create_app
from bot.db.session import Database
from bot.measures.models import Measure
from bot.rates import Rate
from tests.conftest import Clock
from tests.support.measures import new_measure
from tests.unit.api.conftest import client_of


def get(client: TestClient, path: str, **parameters: Any) -> Any:
    response = client.get(path, params=parameters)
    assert response.status_code == 200, response.text
    return response.json()


def test_drafts_and_archived_rows_are_not_there(database: Database, clock: Clock) -> None:
    client = client_of(database, clock)
    with database.transaction() as session:
        hidden = [
            new_measure(session, provider="Only drafts", title="Secret", status=status)
            for status in ("draft", "archived")
        ]
        shown = new_measure(session, provider="School", title="Course").id
        keys = [measure.id for measure in hidden]
        organization = hidden[0].organization_id
    for key in keys:
        assert client.get(f"/services/{key}").status_code == 404
        assert client.get(f"/services/{key}/calendar.ics").status_code == 404
    assert client.get(f"/services/{shown}/calendar.ics").headers["content-type"] == (
        "text/calendar; charset=utf-8"
    )
    assert client.get(f"/organizations/{organization}").status_code == 404
    assert get(client, "/services", search="Secret")["empty"]
    assert get(client, "/organizations", search="Only drafts")["empty"]
    assert [entry["id"] for entry in get(client, "/services")["contents"]] == [shown]
    assert "Secret" not in client.get("/services?format=ndjson").text


def test_words_are_found_whole_folded_and_all_together(database: Database, clock: Clock) -> None:
    client = client_of(database, clock)
    with database.transaction() as session:
        school = new_measure(session, provider="Volkshochschule", title="Übersetzung B1").id
        meeting = new_measure(session, title="Treff am Übersee").id

    def found(search: str) -> list[str]:
        services = get(client, "/services", search=search)
        return [entry["id"] for entry in services["contents"]]

    assert found("ubersetzungen") == [school]
    assert found("VOLKSHOCHSCHULE übersetzung") == [school]
    assert found("übersee") == [meeting]
    assert found("über") == found("volkshochschule übersee") == []
    # Too short for the index, so it may stand anywhere.
    assert found("b1") == found("B1 Übersetzung") == [school]
    for hostile in ['" OR *', "' & !", "topic_language_course", "a:*b", "NEAR(x)"]:
        assert found(hostile) == []


def test_what_a_reader_has_is_not_sent_again(sqlite: Database, clock: Clock) -> None:
    client = client_of(sqlite, clock)
    with sqlite.transaction() as session:
        key = new_measure(session).id
    first = client.get("/services")
    known = {"If-None-Match": first.headers["etag"]}
    again = client.get("/services", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    with sqlite.transaction() as session:
        session.get_one(Measure, key).email = "new@example.org"
    assert client.get("/services", headers=known).status_code == 200


def test_who_asks_too_often_waits(sqlite: Database, clock: Clock) -> None:
    app = create_app(database=sqlite, clock=clock, base_url="", rate=Rate(per_minute=60, burst=2))
    client = TestClient(app)
    assert [client.get("/").status_code for _ in range(3)] == [200, 200, 429]
    refused = client.get("/")
    assert refused.headers["retry-after"] == "2"
    assert refused.headers["access-control-allow-origin"] == "*"
    clock.advance(1)
    assert client.get("/").status_code == 200
