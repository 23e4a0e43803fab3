"""Actions: they read slots, call one service and describe the answer; they hold no words."""

from __future__ import annotations

from rasa_sdk import Action

from actions.handover import RequestHuman
from actions.language import ChangeLanguage
from actions.measures import MoreMeasures, RefineSearch, SearchMeasures
from actions.safety import ReportEmergency
from actions.smalltalk import NotUnderstood, OfferAlternatives, Restart
from bot.measures.answers import MeasureAnswers


def all_actions(measures: MeasureAnswers) -> list[Action]:
    """Every action of the product, ready to be registered."""
    return [
        SearchMeasures(measures),
        RefineSearch(measures),
        MoreMeasures(measures),
        RequestHuman(),
        ReportEmergency(),
        ChangeLanguage(),
        NotUnderstood(),
        OfferAlternatives(),
        Restart(),
    ]
