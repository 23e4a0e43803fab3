"""The public interface: valid HSDS, only what is published, pages, filters, caches, limits."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from bot.db.session import Database
from bot.measures import taxonomies
from bot.measures.models import Measure, Organization
from tests.support.hsds import example, problems

LISTS = {
    "services": "service_list",
    "organizations": "organization_list",
    "service_at_locations": "service_at_location_list",
    "taxonomies": "taxonomy",
    "taxonomy_terms": "taxonomy_term",
}
FULL = {
    "services": "service",
    "organizations": "organization",
    "service_at_locations": "service_at_location",
    "taxonomies": "taxonomy",
    "taxonomy_terms": "taxonomy_term",
}
PUBLISHED = 129


def get(client: TestClient, path: str, **parameters: Any) -> Any:
    response = client.get(path, params=parameters)
    assert response.status_code == 200, response.text
    return response.json()


def test_every_list_holds_valid_objects_and_each_can_be_read_whole(client: TestClient) -> None:
    for name, schema in LISTS.items():
        page = get(client, f"/{name}", per_page=5)
        assert page["contents"]
        for entry in page["contents"]:
            assert problems(schema, entry) == []
            whole = get(client, f"/{name}/{entry['id']}")
            assert whole["id"] == entry["id"]
            assert problems(FULL[name], whole) == []


def test_the_first_page_says_what_this_is(client: TestClient) -> None:
    assert get(client, "/") == {
        "version": "3.0",
        "profile": "https://docs.openreferral.org/en/3.0/",
        "openapi_url": "https://city.example/hsds/openapi.json",
    }
    assert set(client.get("/openapi.json").json()["paths"]) >= {
        *("/", "/services", "/services/{id}", "/organizations", "/service_at_locations"),
        *("/taxonomies", "/taxonomy_terms"),
    }


def test_pages_hold_every_service_once(client: TestClient) -> None:
    seen: list[str] = []
    number = 1
    while True:
        page = get(client, "/services", page=number, per_page=50)
        seen += [entry["id"] for entry in page["contents"]]
        assert (page["total_items"], page["total_pages"]) == (PUBLISHED, 3)
        assert (page["page_number"], page["size"]) == (number, len(page["contents"]))
        assert (page["first_page"], page["last_page"]) == (number == 1, number == 3)
        if page["last_page"]:
            break
        number += 1
    assert len(seen) == len(set(seen)) == PUBLISHED
    beyond = get(client, "/services", page=4)
    assert (beyond["empty"], beyond["contents"], beyond["last_page"]) == (True, [], True)


def test_a_service_is_the_document_that_was_imported(client: TestClient) -> None:
    document = example("service_full")
    assert get(client, f"/services/{document['id']}") == document


def test_filters_leave_what_fits(filled: Database, client: TestClient) -> None:
    document = example("service_full")
    organization = document["organization"]["id"]
    term = document["attributes"][0]["taxonomy_term"]
    for parameters in (
        {"organization_id": organization},
        {"taxonomy_term_id": term["id"]},
        {"taxonomy_id": term["taxonomy_detail"]["id"]},
        {"search": "community counselling"},
        {"postcode": "ABC 1234"},
    ):
        page = get(client, "/services", **parameters)
        assert [entry["id"] for entry in page["contents"]] == [document["id"]], parameters
        places = get(client, "/service_at_locations", **parameters)
        assert [entry["id"] for entry in places["contents"]] == [
            document["service_at_locations"][0]["id"]
        ]
    housing = get(
        client, "/services", taxonomy_term_id=taxonomies.TOPICS.term_id("housing"), per_page=100
    )
    with filled.reading() as session:
        expected = [
            measure.id
            for measure in session.scalars(select(Measure).where(Measure.status == "published"))
            if "housing" in [entry.topic for entry in measure.topics]
        ]
    assert sorted(entry["id"] for entry in housing["contents"]) == sorted(expected)
    assert get(client, "/services", modified_after="2100-01-01T00:00:00Z")["empty"]
    assert get(client, "/services", modified_after="2000-01-01")["total_items"] == PUBLISHED
    assert get(client, "/services", search="%_'\"")["empty"]
    assert get(client, "/services", organization_id="no uuid")["empty"]


def test_lists_can_be_whole_or_minimal(client: TestClient) -> None:
    [whole] = get(client, "/services", search="community counselling", full=True)["contents"]
    assert whole == example("service_full")
    [minimal] = get(client, "/services", search="community counselling", minimal=True)["contents"]
    assert minimal == {"id": whole["id"], "last_modified": whole["last_modified"]}
    lines = client.get("/services?format=ndjson").text.splitlines()
    assert len(lines) == PUBLISHED


def test_an_organization_comes_with_its_services(client: TestClient, filled: Database) -> None:
    document = example("service_full")
    found = get(client, f"/organizations/{document['organization']['id']}")
    assert [service["id"] for service in found["services"]] == [document["id"]]
    with filled.reading() as session:
        assert session.get(Organization, found["id"]) is not None


def test_pages_of_other_origins_may_read_and_nobody_may_write(client: TestClient) -> None:
    response = client.get("/services", headers={"Origin": "https://other.example"})
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers
    preflight = client.options("/services", headers={"Access-Control-Request-Method": "DELETE"})
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    head = client.head("/services")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == client.get("/services").headers["etag"]
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert client.request(method, "/services").status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/services?page=0",
        "/services?per_page=101",
        "/services?page=99999999999999999999",
        "/services?modified_after=yesterday",
        "/services?format=xml",
        "/services?full=perhaps",
    ],
)
def test_a_question_that_makes_no_sense_is_refused(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 422


@pytest.mark.parametrize("key", ["x", "%00", "00000000-0000-0000-0000-000000000000", "%ff", "'"])
@pytest.mark.parametrize("name", sorted(LISTS))
def test_an_unknown_id_is_not_found(client: TestClient, name: str, key: str) -> None:
    assert client.get(f"/{name}/{key}").status_code == 404
