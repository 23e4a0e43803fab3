"""Actions: they read slots, call one service and describe the answer; they hold no words."""

from __future__ import annotations

from rasa_sdk import Action

from actions.booking import Booking, booking_actions
from actions.corrections import AskCorrection, NoteCorrection, ValidateCorrection
from actions.handover import RequestHuman
from actions.language import ChangeLanguage
from actions.measures import MoreMeasures, RefineSearch, SearchMeasures
from actions.safety import ReportEmergency
from actions.smalltalk import NotUnderstood, OfferAlternatives, Restart
from bot.measures.answers import MeasureAnswers


def all_actions(measures: MeasureAnswers, booking: Booking) -> list[Action]:
    """Every action of the product, ready to be registered."""
    search = SearchMeasures(measures)
    return [
        search,
        *booking_actions(booking, search),
        RefineSearch(measures),
        MoreMeasures(measures),
        AskCorrection(),
        ValidateCorrection(),
        NoteCorrection(),
        RequestHuman(),
        ReportEmergency(),
        ChangeLanguage(),
        NotUnderstood(),
        OfferAlternatives(),
        Restart(),
    ]


__all__ = ["Booking", "all_actions"]
