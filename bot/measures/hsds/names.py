"""Which HSDS field stands in which column, table by table.

What is not named here, and what a column cannot hold as it was written, is kept word for
word in the row's ``extra``: a document goes out as it came in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.db.base import Base
from bot.measures.facts import (
    CostOption,
    OfferedLanguage,
    Phone,
    RequiredDocument,
    ServiceContact,
    Taxonomy,
    TaxonomyTerm,
)
from bot.measures.models import Measure, Organization
from bot.measures.places import Address, Location, Schedule, ServiceAtLocation


@dataclass(frozen=True)
class Names:
    """HSDS field → column of ``model``."""

    model: type[Base]
    columns: Mapping[str, str]


def _names(model: type[Base], *same: str, **other: str) -> Names:
    return Names(model, {**{name: name for name in same}, **other})


SERVICE = _names(Measure, "email", "minimum_age", "maximum_age", "assured_date", url="website")
# Texts of a service, in the language of the document.
SERVICE_TEXTS = {
    "name": "title",
    "description": "description",
    "fees_description": "cost",
    "eligibility_description": "eligibility",
    "application_process": "registration",
}
ORGANIZATION = _names(Organization, "name", "description", "email", "website")
LOCATION = _names(
    Location,
    *("location_type", "name", "description", "transportation", "url", "latitude", "longitude"),
)
ADDRESS = _names(
    Address,
    *("attention", "address_1", "address_2", "city", "region", "state_province"),
    *("postal_code", "country", "address_type"),
)
AT_LOCATION = _names(ServiceAtLocation, "description")
PHONE = _names(Phone, "number", "type", "description")
CONTACT = _names(ServiceContact, "name", "title", "department", "email")
SCHEDULE = _names(
    Schedule,
    *("valid_from", "valid_to", "dtstart", "until", "count", "wkst", "freq", "interval"),
    *("byday", "byweekno", "bymonthday", "byyearday", "opens_at", "closes_at"),
    *("description", "schedule_link", "attending_type", "notes"),
)
COST_OPTION = _names(
    CostOption,
    *("valid_from", "valid_to", "option", "currency", "amount", "amount_description"),
)
LANGUAGE = _names(OfferedLanguage, "code", "name", "note")
REQUIRED_DOCUMENT = _names(RequiredDocument, "document", "uri")
TAXONOMY = _names(Taxonomy, "name", "description", "uri", "version")
TERM = _names(TaxonomyTerm, "code", "name", "description", "language", "term_uri")

# Lists in a service document, the field of a measure that holds them, and their names.
SERVICE_ROWS = {
    "phones": ("phones", PHONE),
    "schedules": ("schedules", SCHEDULE),
    "contacts": ("contacts", CONTACT),
    "cost_options": ("cost_options", COST_OPTION),
    "languages": ("offered_languages", LANGUAGE),
    "required_documents": ("required_documents", REQUIRED_DOCUMENT),
}
ORGANIZATION_ROWS = {"phones": PHONE, "contacts": CONTACT}
LOCATION_ROWS = {
    "addresses": ADDRESS,
    "phones": PHONE,
    "contacts": CONTACT,
    "schedules": SCHEDULE,
}
STATUSES = ("active", "inactive", "defunct", "temporarily closed")
