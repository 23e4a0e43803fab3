"""Our own terms as HSDS taxonomies, and what terms of Open Eligibility mean for us.

A topic, level, audience, format, time of day or development goal of a measure travels as
an HSDS attribute whose term belongs to one of these taxonomies. Their ids are made from
their names, so that they are the same in every installation.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.measures.facts import Taxonomy, TaxonomyTerm
from bot.measures.topics import Topic

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://openreferral.org/lotse")


@dataclass(frozen=True)
class Vocabulary:
    """One of our taxonomies; ``field`` is the field of a measure that holds its codes."""

    field: str
    name: str
    description: str
    terms: dict[str, str]

    @property
    def id(self) -> str:
        """The taxonomy's id."""
        return str(uuid.uuid5(NAMESPACE, self.field))

    def term_id(self, code: str) -> str:
        """The id of a term, known to the list or not."""
        return str(uuid.uuid5(NAMESPACE, f"{self.field}/{code}"))

    def document(self) -> dict[str, str]:
        """The taxonomy as an HSDS document."""
        return {"id": self.id, "name": self.name, "description": self.description}

    def term(self, code: str) -> dict[str, Any]:
        """A term as an HSDS document."""
        return {
            "id": self.term_id(code),
            "code": code,
            "name": self.terms.get(code, code),
            "description": self.terms.get(code, code),
            "taxonomy": self.name,
            "taxonomy_detail": self.document(),
            "language": "en",
        }


def _named(*codes: str) -> dict[str, str]:
    return {code: code.replace("_", " ").capitalize() for code in codes}


TOPICS = Vocabulary(
    "topics",
    "Lotse topics",
    "What a measure for newcomers is about, the main topic first.",
    _named(*(topic.value for topic in Topic)),
)
LEVELS = Vocabulary(
    "levels",
    "Level of German",
    "Level after the Common European Framework of Reference for Languages.",
    {level: level for level in ("A1", "A2", "B1", "B2", "C1", "C2")},
)
AUDIENCE = Vocabulary(
    "audience",
    "Lotse audience",
    "Groups whom a measure addresses.",
    _named(
        *("women", "men", "mothers", "parents", "families", "children", "youth", "adults"),
        *("seniors", "refugees", "workers", "skilled_workers", "students", "jobseekers"),
        *("self_employed", "people_with_disabilities", "lgbtq", "ukrainians", "everyone"),
    ),
)
FORMATS = Vocabulary(
    "formats", "Lotse format", "How one takes part.", _named("in_person", "online", "phone")
)
TIMES = Vocabulary(
    "times",
    "Lotse time of day",
    "Before 12, from 12 to 18, after 18, and Saturday or Sunday.",
    _named("morning", "afternoon", "evening", "weekend"),
)
SDGS = Vocabulary(
    "sdgs",
    "Sustainable Development Goals",
    "Goals of the United Nations by which cities report.",
    {
        "1": "No poverty",
        "4": "Quality education",
        "8": "Decent work and economic growth",
        "9": "Industry, innovation and infrastructure",
        "10": "Reduced inequalities",
        "11": "Sustainable cities and communities",
    },
)
# Facts of a measure for which HSDS has no field; the attribute's value holds them.
FACTS = Vocabulary(
    "facts",
    "Lotse facts",
    "Facts with a value: where a row comes from, childcare, whose age is meant, and texts.",
    {
        "source_url": "Page the facts were taken from",
        "source_title": "Title of that page",
        "source_date": "Date, month or year that the page gives",
        "childcare": "Childcare during the measure",
        "free_of_charge": "Free of charge",
        "age_of": "Whose age the limits mean: child or person",
        "harm_if_stale": "Wrong facts do harm",
        "confidence": "How well sourced the row is",
        "scope": "Area for which it holds",
        "kind": "Offer or guide",
        "address": "Street and number, in one line",
        "district": "District of the city",
        "postal_code": "Postal code",
        "city": "City",
        "phone": "Telephone numbers, in one line",
        "email": "E-mail addresses, in one line",
        "website": "Websites, in one line",
        "schedule": "Holidays, exceptions and zone of a schedule, as JSON",
        "unknown": "Facts that the row leaves open although other parts suggest them",
        "text_language": "Language of the service's own texts",
        "text_state": "How the service's own texts came about",
        "target_group": "For whom, in words",
        "opening_hours": "Opening hours, in words",
        "translation": "Texts in another language, as JSON",
    },
)
LISTS = (TOPICS, LEVELS, AUDIENCE, FORMATS, TIMES, SDGS)
ALL = (*LISTS, FACTS)
BY_TERM_ID = {
    vocabulary.term_id(code): (vocabulary, code) for vocabulary in ALL for code in vocabulary.terms
}
BY_ID = {vocabulary.id: vocabulary for vocabulary in ALL}

# Names of Open Eligibility terms and the topic that each one means here.
OPEN_ELIGIBILITY_TOPICS: dict[str, Topic] = {
    "Emergency": Topic.EMERGENCY,
    "Immediate Safety": Topic.EMERGENCY,
    "Help Escape Violence": Topic.EMERGENCY,
    "Emergency Shelter": Topic.EMERGENCY,
    "Psychiatric Emergency Services": Topic.EMERGENCY,
    "Housing": Topic.HOUSING,
    "Help Find Housing": Topic.HOUSING,
    "Help Pay for Housing": Topic.HOUSING,
    "Housing Advice": Topic.HOUSING,
    "Residential Housing": Topic.HOUSING,
    "Health": Topic.HEALTH,
    "Medical Care": Topic.HEALTH,
    "Dental Care": Topic.HEALTH,
    "Health Education": Topic.HEALTH,
    "Help Pay for Healthcare": Topic.HEALTH,
    "Health Insurance": Topic.HEALTH,
    "Addiction & Recovery": Topic.HEALTH,
    "Understand Mental Health": Topic.HEALTH,
    "Money": Topic.BENEFITS,
    "Financial Assistance": Topic.BENEFITS,
    "Government Benefits": Topic.BENEFITS,
    "Unemployment Benefits": Topic.BENEFITS,
    "Disability Benefits": Topic.BENEFITS,
    "Childcare": Topic.CHILDCARE,
    "Afterschool Care": Topic.CHILDCARE,
    "Preschool": Topic.CHILDCARE,
    "Help Find Childcare": Topic.CHILDCARE,
    "Help Pay for Childcare": Topic.CHILDCARE,
    "Navigating the System": Topic.COUNSELLING,
    "Help Fill out Forms": Topic.COUNSELLING,
    "Counseling": Topic.COUNSELLING,
    "Help Hotlines": Topic.COUNSELLING,
    "Advocacy & Legal Aid": Topic.COUNSELLING,
    "Support Network": Topic.COMMUNITY,
    "Support Groups": Topic.COMMUNITY,
    "Peer Support": Topic.COMMUNITY,
    "Mentoring": Topic.COMMUNITY,
    "Recreation": Topic.COMMUNITY,
    "Education": Topic.EDUCATION,
    "Help Find School": Topic.EDUCATION,
    "Help Pay for School": Topic.EDUCATION,
    "More Education": Topic.EDUCATION,
    "GED/High-School Equivalency": Topic.EDUCATION,
    "Tutoring": Topic.EDUCATION,
    # The language of the country, which Open Eligibility takes to be English.
    "English as a Second Language (ESL)": Topic.LANGUAGE_COURSE,
    "Basic Literacy": Topic.LANGUAGE_COURSE,
    "Work": Topic.JOB,
    "Help Find Work": Topic.JOB,
    "Job Placement": Topic.JOB,
    "Supported Employment": Topic.JOB,
    "Skills & Training": Topic.JOB,
    "Specialized Training": Topic.JOB,
    "Workplace Rights": Topic.JOB,
    "Skills Assessment": Topic.RECOGNITION,
    "Citizenship & Immigration": Topic.RESIDENCE,
}


def ensure(session: Session) -> None:
    """Adds our taxonomies and terms where they are missing; harmless when repeated."""
    known = set(session.scalars(select(TaxonomyTerm.id)))
    taxonomies = set(session.scalars(select(Taxonomy.id)))
    for vocabulary in ALL:
        if vocabulary.id not in taxonomies:
            session.add(Taxonomy(**vocabulary.document()))
            session.flush()
        for code, name in vocabulary.terms.items():
            if vocabulary.term_id(code) not in known:
                session.add(
                    TaxonomyTerm(
                        id=vocabulary.term_id(code),
                        taxonomy_id=vocabulary.id,
                        code=code,
                        name=name,
                        description=name,
                        language="en",
                    )
                )
    session.flush()
