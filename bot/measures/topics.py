"""The topics of the measures database and the intents that ask for them."""

from __future__ import annotations

from enum import StrEnum

from bot.i18n.texts import Texts


class Topic(StrEnum):
    """What an offer is about; an offer may have several."""

    LANGUAGE_COURSE = "language_course"
    JOB = "job"
    RECOGNITION = "recognition"
    CHILDCARE = "childcare"
    HOUSING = "housing"
    EDUCATION = "education"
    HEALTH = "health"
    RESIDENCE = "residence"
    BENEFITS = "benefits"
    COUNSELLING = "counselling"
    COMMUNITY = "community"
    EMERGENCY = "emergency"

    @property
    def intent(self) -> str:
        """The intent with which people ask for this topic."""
        return f"ask_{self.value}"

    @classmethod
    def from_intent(cls, intent: str) -> Topic | None:
        """The topic an ``ask_…`` intent is about, or None for any other intent."""
        name = intent.removeprefix("ask_")
        return cls(name) if intent.startswith("ask_") and name in cls._value2member_map_ else None


def topic_name(topic: Topic, texts: Texts) -> str:
    """A topic's name in the reader's language, as it stands on a button."""
    return {
        Topic.LANGUAGE_COURSE: texts.gettext("German courses"),
        Topic.JOB: texts.gettext("Work and training"),
        Topic.RECOGNITION: texts.gettext("Recognition of qualifications"),
        Topic.CHILDCARE: texts.gettext("Childcare"),
        Topic.HOUSING: texts.gettext("Housing"),
        Topic.EDUCATION: texts.gettext("School and study"),
        Topic.HEALTH: texts.gettext("Health"),
        Topic.RESIDENCE: texts.gettext("Residence papers"),
        Topic.BENEFITS: texts.gettext("Money and benefits"),
        Topic.COUNSELLING: texts.gettext("Advice"),
        Topic.COMMUNITY: texts.gettext("Meeting people"),
        Topic.EMERGENCY: texts.gettext("Emergency"),
    }[topic]
