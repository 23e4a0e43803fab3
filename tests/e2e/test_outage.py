"""The engine is away: messages wait, one polite note, everything is answered afterwards."""

from __future__ import annotations

import pytest

from bot.i18n.texts import Catalogues
from tests.support.bot_api import BotApi
from tests.support.product import Application, Engine

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]


async def test_engine_down_and_back(parts: tuple[Application, Engine, BotApi]) -> None:
    application, engine, bot_api = parts
    texts = Catalogues()["tr"]
    application.start()
    application.wait_until_listening()
    person = bot_api.add_person(language_code="tr")
    person.sends("merhaba")
    person.sends("teşekkürler")
    [note] = await person.receives(1, within=60)
    assert note["text"] == texts.gettext(
        "There is a technical problem at the moment. Your message is safe. "
        "I answer it as soon as everything works again."
    )
    engine.start()
    engine.wait_until_ready()
    told = await person.receives(3, within=60)
    assert len(told) == 3, "one note, then one answer to each message"
    assert "Stuttgart" in told[1]["text"]

    engine.process.kill()
    other = bot_api.add_person(language_code="tr")
    other.sends("merhaba")
    await other.receives(1, within=60)
    engine.start()
    engine.wait_until_ready()
    assert len(await other.receives(2, within=60)) == 2
    bot_api.assert_no_violations()


async def test_an_emergency_needs_no_engine(
    parts: tuple[Application, Engine, BotApi],
) -> None:
    application, _, bot_api = parts
    application.start()
    application.wait_until_listening()
    person = bot_api.add_person(language_code="de")
    person.sends("mein mann schlägt mich, er ist gleich da")
    [answer] = await person.receives(1, within=30)
    assert "110" in answer["text"]
    assert "emergency" in application.lotse("handovers")
