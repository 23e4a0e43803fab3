"""The interface as an application, to be mounted at ``/hsds``."""

# No `from __future__ import annotations`: FastAPI reads the annotations.
import json
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Request
from fastapi.exceptions import HTTPException
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from bot.api import queries
from bot.api.answers import ReadOnly, answer, page_of
from bot.api.queries import ServiceFilter, identifier
from bot.clock import Clock
from bot.db.session import Database
from bot.measures import shared_rows
from bot.measures.exporters import ical
from bot.measures.exporters.hsds import documents
from bot.measures.hsds import render
from bot.rates import Rate, RateLimiter

VERSION = "3.0"
PROFILE = "https://docs.openreferral.org/en/3.0/"
# One reader; many may stand behind one address.
PER_CLIENT = Rate(per_minute=120, burst=60)
NDJSON = "application/x-ndjson"


class Form(StrEnum):
    """In which form a list is given: page by page, or all of it, one object a line."""

    JSON = "json"
    NDJSON = "ndjson"


class Problem(BaseModel):
    """Why a request was not answered."""

    detail: str


class Page(BaseModel):
    """One page of a list; ``contents`` are HSDS 3 objects."""

    total_items: int = Field(ge=0)
    total_pages: int = Field(ge=0)
    page_number: int = Field(ge=1)
    size: int = Field(ge=0)
    first_page: bool
    last_page: bool
    empty: bool
    contents: list[dict[str, Any]]


class Base(BaseModel):
    """What this interface speaks."""

    version: str
    profile: str
    openapi_url: str


PageNumber = Annotated[int, Query(ge=1, le=1_000_000, description="Page, from 1.")]
PageSize = Annotated[int, Query(ge=1, le=100, description="Objects on a page.")]
Search = Annotated[str, Query(max_length=200, description="Words that all occur.")]
Id = Annotated[str, Path(max_length=120)]
IdFilter = Annotated[str | None, Query(max_length=120)]
Flag = Annotated[bool, Query()]

RESPONSES: dict[int | str, dict[str, Any]] = {
    304: {"description": "The reader has it already (If-None-Match)."},
    429: {"model": Problem, "description": "Too many requests; see Retry-After."},
}
LINES: dict[int | str, dict[str, Any]] = {
    **RESPONSES,
    200: {"content": {NDJSON: {"schema": {"type": "string"}}}},
}
ONE: dict[int | str, dict[str, Any]] = {
    **RESPONSES,
    404: {"model": Problem, "description": "There is no such published object."},
}


def create_app(
    *, database: Database, clock: Clock, base_url: str, rate: Rate = PER_CLIENT
) -> FastAPI:
    """Builds the interface; ``base_url`` is where people reach this server."""
    app = FastAPI(
        title="Lotse: measures for newcomers",
        version=VERSION,
        description="Open Referral HSDS 3, published rows only. Read only; no key is needed.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )

    @app.get("/", response_model=Base, responses=RESPONSES, summary="What this is")
    def base(request: Request) -> Response:
        return answer(
            request,
            {
                "version": VERSION,
                "profile": PROFILE,
                "openapi_url": f"{base_url.rstrip('/')}/hsds/openapi.json",
            },
        )

    _add_services(app, database, clock)
    _add_places(app, database)
    _add_organizations(app, database)
    _add_terms(app, database)
    app.add_middleware(ReadOnly, limiter=RateLimiter(rate, clock=clock))
    return app


def _add_services(app: FastAPI, database: Database, clock: Clock) -> None:
    @app.get("/services", response_model=Page, responses=LINES, summary="Services")
    def services(
        request: Request,
        search: Search = "",
        page: PageNumber = 1,
        per_page: PageSize = 50,
        taxonomy_term_id: IdFilter = None,
        taxonomy_id: IdFilter = None,
        organization_id: IdFilter = None,
        modified_after: datetime | None = None,
        postcode: Annotated[str | None, Query(max_length=20)] = None,
        minimal: Flag = False,
        full: Flag = False,
        format: Form = Form.JSON,
    ) -> Response:
        if format is Form.NDJSON:
            return StreamingResponse(_lines(database), media_type=NDJSON)
        wanted = ServiceFilter(
            search=search,
            taxonomy_term_id=identifier(taxonomy_term_id),
            taxonomy_id=identifier(taxonomy_id),
            organization_id=identifier(organization_id),
            modified_after=modified_after,
            postcode=postcode,
        )
        with database.reading() as session:
            found = queries.services(session, wanted, page=page, size=per_page)
            contents = render.services(session, found.ids, full=full)
        if minimal:
            contents = [
                {"id": each["id"], "last_modified": each["last_modified"]} for each in contents
            ]
        return answer(request, page_of(found, contents, number=page, size=per_page))

    @app.get("/services/{id}", responses=ONE, summary="One service with all that belongs to it")
    def service(request: Request, id: Id) -> Response:
        with database.reading() as session:
            return answer(request, render.services(session, [_published(session, id)])[0])

    @app.get(
        "/services/{id}/calendar.ics",
        responses={**ONE, 200: {"content": {"text/calendar": {}}}},
        response_class=Response,
        summary="The dates of a service as a calendar",
    )
    def calendar(id: Id) -> Response:
        with database.reading() as session:
            content = ical.of_measure(session, _published(session, id), now=clock())
        return Response(content, media_type="text/calendar")


def _published(session: Any, written: str) -> str:
    key = identifier(written) or ""
    if not queries.is_published(session, key):
        raise HTTPException(404, "there is no such published service")
    return key


def _lines(database: Database) -> Iterator[bytes]:
    with database.reading() as session:
        for document in documents(session):
            yield json.dumps(document, ensure_ascii=False).encode() + b"\n"


def _add_places(app: FastAPI, database: Database) -> None:
    @app.get(
        "/service_at_locations",
        response_model=Page,
        responses=RESPONSES,
        summary="Services at places",
    )
    def service_at_locations(
        request: Request,
        search: Search = "",
        page: PageNumber = 1,
        per_page: PageSize = 50,
        taxonomy_term_id: IdFilter = None,
        taxonomy_id: IdFilter = None,
        organization_id: IdFilter = None,
        modified_after: datetime | None = None,
        postcode: Annotated[str | None, Query(max_length=20)] = None,
        full: Flag = False,
    ) -> Response:
        wanted = ServiceFilter(
            search=search,
            taxonomy_term_id=identifier(taxonomy_term_id),
            taxonomy_id=identifier(taxonomy_id),
            organization_id=identifier(organization_id),
            modified_after=modified_after,
            postcode=postcode,
        )
        with database.reading() as session:
            found = queries.links(session, wanted, page=page, size=per_page)
            contents = render.at_locations(session, found.ids, full=full)
        return answer(request, page_of(found, contents, number=page, size=per_page))

    @app.get("/service_at_locations/{id}", responses=ONE, summary="One service at a place")
    def service_at_location(request: Request, id: Id) -> Response:
        with database.reading() as session:
            found = queries.link(session, identifier(id) or "")
            if found is None:
                raise HTTPException(404, "there is no such published service at a location")
            return answer(request, render.at_locations(session, [found])[0])


def _add_organizations(app: FastAPI, database: Database) -> None:
    @app.get("/organizations", response_model=Page, responses=RESPONSES, summary="Organizations")
    def organizations(
        request: Request,
        search: Search = "",
        page: PageNumber = 1,
        per_page: PageSize = 50,
        full: Flag = False,
        full_service: Flag = False,
    ) -> Response:
        with database.reading() as session:
            found = queries.organizations(session, search, page=page, size=per_page)
            contents = render.organizations(session, found.ids, full=full)
            if full or full_service:
                for each in contents:
                    each["services"] = _services_of(session, each["id"], full=full_service)
        return answer(request, page_of(found, contents, number=page, size=per_page))

    @app.get("/organizations/{id}", responses=ONE, summary="One organization with its services")
    def organization(request: Request, id: Id, full_service: Flag = True) -> Response:
        key = identifier(id) or ""
        with database.reading() as session:
            services = _services_of(session, key, full=full_service)
            if not services:
                raise HTTPException(404, "there is no such organization with published services")
            [document] = render.organizations(session, [key])
            return answer(request, {**document, "services": services})


def _services_of(session: Any, organization_id: str, *, full: bool) -> list[dict[str, Any]]:
    services = render.services(session, queries.services_of(session, organization_id), full=full)
    return [
        {name: value for name, value in each.items() if name != "organization"} for each in services
    ]


def _add_terms(app: FastAPI, database: Database) -> None:
    @app.get("/taxonomies", response_model=Page, responses=RESPONSES, summary="Taxonomies")
    def taxonomies(
        request: Request, search: Search = "", page: PageNumber = 1, per_page: PageSize = 50
    ) -> Response:
        with database.reading() as session:
            found = queries.taxonomy_ids(session, search, page=page, size=per_page)
            rows = shared_rows.read(session, shared_rows.TAXONOMIES, found.ids)
        contents = [render.taxonomy(rows[key]) for key in found.ids]
        return answer(request, page_of(found, contents, number=page, size=per_page))

    @app.get("/taxonomies/{id}", responses=ONE, summary="One taxonomy")
    def taxonomy(request: Request, id: Id) -> Response:
        key = identifier(id) or ""
        with database.reading() as session:
            rows = shared_rows.read(session, shared_rows.TAXONOMIES, [key])
        if key not in rows:
            raise HTTPException(404, "there is no such taxonomy")
        return answer(request, render.taxonomy(rows[key]))

    @app.get("/taxonomy_terms", response_model=Page, responses=RESPONSES, summary="Terms")
    def taxonomy_terms(
        request: Request,
        search: Search = "",
        page: PageNumber = 1,
        per_page: PageSize = 50,
        taxonomy_id: IdFilter = None,
        parent_id: IdFilter = None,
        top_only: Flag = False,
    ) -> Response:
        with database.reading() as session:
            found = queries.term_ids(
                session,
                search,
                taxonomy_id=identifier(taxonomy_id),
                parent_id=identifier(parent_id),
                top_only=top_only,
                page=page,
                size=per_page,
            )
            rows = shared_rows.read(session, shared_rows.TERMS, found.ids)
        contents = [render.term(rows[key]) for key in found.ids]
        return answer(request, page_of(found, contents, number=page, size=per_page))

    @app.get("/taxonomy_terms/{id}", responses=ONE, summary="One term")
    def taxonomy_term(request: Request, id: Id) -> Response:
        key = identifier(id) or ""
        with database.reading() as session:
            rows = shared_rows.read(session, shared_rows.TERMS, [key])
        if key not in rows:
            raise HTTPException(404, "there is no such term")
        return answer(request, render.term(rows[key]))
