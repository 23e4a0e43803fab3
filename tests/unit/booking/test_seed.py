"""The demo set-up can be booked at once, and is set up once."""

from __future__ import annotations

from bot.booking import counselling, seed
from bot.booking.availability import free_slots
from bot.db.session import Database
from tests.support.booking import berlin

NOW = berlin(2026, 11, 16, 8)


def test_the_demo_can_be_booked(database: Database) -> None:
    with database.transaction() as session:
        assert seed.seed_demo(session, titles={"tr": "Kariyer"}, now=NOW)
        assert not seed.seed_demo(session, titles={}, now=NOW)
        service = counselling.by_key(session, seed.KEY)
        assert service.demo
        assert service.title["tr"] == "Kariyer"
        assert service.maximum_child_age_months == 36
        assert "uk" in counselling.languages_of(session, service)
        assert free_slots(session, service, now=NOW, limit=3)
        assert counselling.services(session) == [service]
