"""Finding measures: wishes, entries made for searching, candidates, ranking, lists."""

from bot.measures.search.entries import refresh
from bot.measures.search.meanings import Meanings
from bot.measures.search.ranking import Found, MeasureSearch
from bot.measures.search.said import says
from bot.measures.search.terms import CITY_ZONE
from bot.measures.search.wishes import WEEK, Near, Wishes

__all__ = [
    "CITY_ZONE",
    "WEEK",
    "Found",
    "Meanings",
    "MeasureSearch",
    "Near",
    "Wishes",
    "refresh",
    "says",
]
