"""Whatever comes in, the series stay the same few."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.i18n.languages import REPLY_LANGUAGES
from bot.observability import labels
from bot.observability.counters import HANDOVER_MOVES, Counters, Delivery
from bot.observing import CallResult

ANYTHING = st.text() | st.sampled_from(["pt", "vi", "de ", "DE", "Anna", "0711 123", "en", "web"])
COUNTERS = Counters(channels=("web",), intents=("greet",))
ALLOWED = {
    "channel": {"web", "other"},
    "language": {*REPLY_LANGUAGES, "other"},
    "intent": {"greet", "other"},
    "call": {*labels.ENGINE_CALLS, "other"},
    "move": HANDOVER_MOVES,
}


@given(channel=ANYTHING, language=ANYTHING | st.none(), intent=ANYTHING, call=ANYTHING)
def test_no_series_is_named_by_what_people_or_models_say(
    channel: str, language: str | None, intent: str, call: str
) -> None:
    COUNTERS.received(channel)
    COUNTERS.failed(channel)
    COUNTERS.replied(channel, seconds=1)
    COUNTERS.delivered(channel, Delivery.SENT)
    COUNTERS.answered(channel, language=language, intent=intent)
    COUNTERS.engine_called(call, seconds=1, result=CallResult.FAILED)
    COUNTERS.handover_moved(intent)
    for family in COUNTERS.registry.collect():
        for sample in family.samples:
            for label, value in sample.labels.items():
                assert label not in ALLOWED or value in ALLOWED[label]


def test_every_intent_of_the_domain_has_its_own_series() -> None:
    found = labels.intents()
    assert {"ask_language_course", "report_emergency", "out_of_scope", "inform"} <= found
    counters = Counters(channels=(), intents=found)
    for intent in found:
        assert counters.registry.get_sample_value("lotse_intents_total", {"intent": intent}) == 0
