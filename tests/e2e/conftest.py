"""The real product beside a strict local Bot API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bot_api import TOKEN, BotApi, Group
from tests.support.product import MODEL, Application, Engine


@pytest.fixture(scope="session")
def trained_model() -> Path:
    assert MODEL.exists(), "run `make train` first, or `make test`, which does"
    return MODEL


@pytest.fixture(scope="module")
def bot_api() -> Iterator[BotApi]:
    with BotApi() as server:
        yield server


@pytest.fixture(scope="module")
def desk_group(bot_api: BotApi) -> Group:
    """The supergroup in whose topics counsellors answer."""
    return bot_api.add_group(forum=True)


@pytest.fixture(scope="module")
def product(
    bot_api: BotApi,
    desk_group: Group,
    trained_model: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Application]:
    """Everything that ``lotse up`` starts, the engine included, serving Telegram."""
    application = Application(
        tmp_path_factory.mktemp("product"),
        TELEGRAM_TOKEN=TOKEN,
        TELEGRAM_API_URL=bot_api.url,
        TELEGRAM_DESK_CHAT_ID=str(desk_group.chat_id),
        LOTSE_DESK_LANGUAGE="en",
    )
    application.start()
    application.wait_until_healthy()
    yield application
    application.process.stop()


@pytest.fixture
def parts(trained_model: Path, tmp_path: Path) -> Iterator[tuple[Application, Engine, BotApi]]:
    """Application and engine as processes of their own, not started, for killing one of them."""
    with BotApi() as server:
        application = Application(
            tmp_path,
            TELEGRAM_TOKEN=TOKEN,
            TELEGRAM_API_URL=server.url,
            LOTSE_ENGINE_EXTERNAL="true",
            LOTSE_ASK_CONSENT="false",
        )
        engine = Engine(tmp_path, application_port=application.internal_port)
        application.set(LOTSE_ENGINE_PORT=str(engine.port))
        yield application, engine, server
        application.process.kill()
        engine.process.kill()
