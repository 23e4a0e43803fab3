"""The one way in: a REST channel with a token, message ids and honest errors.

Differences from Rasa's own REST channel, which it replaces:

* a bearer token is required (Rasa's webhooks are never authenticated);
* a message carries its id and metadata; a repeated id is not processed again
  but answered from the conversation with what was said the first time;
* a failing action or policy is answered 503, not ``200 []``.

``POST /webhooks/lotse/webhook`` takes ``{"sender", "message", "message_id",
"metadata"}`` and returns ``{"message_id", "repeated", "intent", "messages"}``.
``POST /webhooks/lotse/choice`` takes ``{"text"}`` and returns ``{"choice"}``, the place that a
message such as "the second one" names, or null.
``POST /webhooks/lotse/resume`` takes up the dialogue of ``{"sender"}`` after a person
spoke with them: open forms are left, the slots are kept.
``POST /webhooks/lotse/remembered`` returns the ``{"slots"}`` of ``{"sender"}`` that are set, and
``POST /webhooks/lotse/forget`` deletes its tracker.
"""

from __future__ import annotations

import hmac
import logging
from typing import Any, Awaitable, Callable, Dict, List, Optional

from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from rasa.shared.core.events import BotUttered, Event, UserUttered
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, json

import engine.overrides
from engine import history, settings
from engine.entities.extract import place

engine.overrides.install()

logger = logging.getLogger(__name__)

MAXIMUM_TEXT_LENGTH = 8_000


def answer_from_events(events: List[Event], message_id: str) -> Optional[Dict[str, Any]]:
    """What was answered to ``message_id``, or None when it was not processed yet.

    The tracker is saved once per message, after its last action, so a message
    found in it was answered completely.
    """
    intent: Dict[str, Any] = {}
    replies: Optional[List[Dict[str, Any]]] = None
    for event in events:
        if isinstance(event, UserUttered):
            if replies is not None:
                break
            if event.message_id == message_id:
                intent, replies = event.intent, []
        elif isinstance(event, BotUttered) and replies is not None:
            reply = {key: value for key, value in event.data.items() if value}
            if event.text:
                reply["text"] = event.text
            replies.append(reply)
    if replies is None:
        return None
    return {"intent": _public_intent(intent), "messages": replies}


def _public_intent(intent: Dict[str, Any]) -> Dict[str, Any]:
    return {"name": intent.get("name"), "confidence": intent.get("confidence")}


class LotseInput(InputChannel):
    """Input channel ``lotse``; configured by ``engine.channel.LotseInput`` in credentials.yml."""

    @classmethod
    def name(cls) -> str:
        """The channel's name in addresses and in trackers."""
        return "lotse"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The channel's routes."""
        routes = Blueprint("lotse_channel", __name__)

        @routes.middleware("request")
        async def authorise(request: Request) -> Optional[HTTPResponse]:
            expected = f"Bearer {settings.token()}"
            given = request.headers.get("Authorization", "")
            if settings.token() and not hmac.compare_digest(given.encode(), expected.encode()):
                return json({"error": "unauthorised"}, status=401)
            return None

        @routes.middleware("request")
        async def refuse_without_model(request: Request) -> Optional[HTTPResponse]:
            if request.method == "POST" and not _is_ready(request):
                return json({"error": "the model is not loaded yet"}, status=503)
            return None

        @routes.get("/")
        async def health(request: Request) -> HTTPResponse:
            ready = _is_ready(request)
            return json({"ready": ready}, status=200 if ready else 503)

        @routes.post("/webhook")
        async def receive(request: Request) -> HTTPResponse:
            body, problem = _checked(request.json)
            if problem:
                return json({"error": problem}, status=422)
            agent = request.app.ctx.agent
            # Not through on_new_message, which takes the lock itself: the same message
            # sent twice at once must not find itself unprocessed twice.
            async with agent.lock_store.lock(body["sender"]):
                return await _answer(agent, body)

        @routes.post("/choice")
        async def choice(request: Request) -> HTTPResponse:
            text = request.json.get("text") if isinstance(request.json, dict) else None
            if not isinstance(text, str) or len(text) > MAXIMUM_TEXT_LENGTH:
                return json({"error": "text is missing or not a text"}, status=422)
            return json({"choice": place(text)})

        @routes.post("/resume")
        async def resume(request: Request) -> HTTPResponse:
            sender, problem = _sender(request.json)
            if problem:
                return json({"error": problem}, status=422)
            agent = request.app.ctx.agent
            async with agent.lock_store.lock(sender):
                store = agent.processor.tracker_store
                tracker = await store.get_or_create_tracker(sender)
                tracker.update_with_events(history.after_a_person(tracker), agent.domain)
                await store.save(tracker)
            return json({"sender": sender})

        @routes.post("/remembered")
        async def remembered(request: Request) -> HTTPResponse:
            sender, problem = _sender(request.json)
            if problem:
                return json({"error": problem}, status=422)
            tracker = await request.app.ctx.agent.processor.tracker_store.retrieve(sender)
            slots = tracker.current_slot_values() if tracker else {}
            return json(
                {"slots": {name: value for name, value in slots.items() if value is not None}}
            )

        @routes.post("/forget")
        async def forget(request: Request) -> HTTPResponse:
            sender, problem = _sender(request.json)
            if problem:
                return json({"error": problem}, status=422)
            agent = request.app.ctx.agent
            async with agent.lock_store.lock(sender):
                agent.processor.tracker_store.forget(sender)
            return json({"sender": sender})

        return routes


def _is_ready(request: Request) -> bool:
    agent = getattr(request.app.ctx, "agent", None)
    return agent is not None and bool(agent.is_ready())


async def _answer(agent: Any, body: Dict[str, Any]) -> HTTPResponse:
    """Processes a message unless it was before; the caller holds the conversation's lock."""
    sender, message_id = body["sender"], body["message_id"]
    try:
        known = await _prepare(agent, sender, message_id)
        if known is not None:
            return json({"message_id": message_id, "repeated": True, **known})
        await agent.processor.handle_message(
            UserMessage(
                body["message"],
                CollectingOutputChannel(),
                sender,
                input_channel=LotseInput.name(),
                message_id=message_id,
                metadata=body["metadata"],
            )
        )
    except Exception as error:
        logger.error("message %s failed: %s", message_id, _reason(error))
        return json({"error": "the message could not be processed"}, status=503)
    answer = await _known_answer(agent, sender, message_id)
    if answer is None:
        return json({"error": "the message was not stored"}, status=503)
    return json({"message_id": message_id, "repeated": False, **answer})


def _reason(error: Exception) -> str:
    """Why a message failed: the action's name where one did, and the kinds of exceptions.

    No exception's own words: they may hold what the person wrote.
    """
    kinds = []
    cause: Optional[BaseException] = error
    while cause is not None:
        kinds.append(type(cause).__name__)
        cause = cause.__cause__
    where = f"{error} " if isinstance(error, engine.overrides.ActionFailed) else ""
    return f"{where}({' from '.join(kinds)})"


async def _prepare(agent: Any, sender: str, message_id: str) -> Optional[Dict[str, Any]]:
    """The answer given to this message already, if any; else bounds the conversation's length."""
    store = agent.processor.tracker_store
    tracker = await store.retrieve(sender)
    if tracker is None:
        return None
    known = answer_from_events(list(tracker.events), message_id)
    if known is None and history.is_long(tracker):
        tracker.update_with_events(history.new_session(tracker), agent.domain)
        await store.save(tracker)
    return known


async def _known_answer(agent: Any, sender: str, message_id: str) -> Optional[Dict[str, Any]]:
    tracker = await agent.processor.tracker_store.retrieve(sender)
    return answer_from_events(list(tracker.events), message_id) if tracker else None


def _sender(body: Any) -> tuple[str, Optional[str]]:
    sender = body.get("sender") if isinstance(body, dict) else None
    if not isinstance(sender, str) or not sender.strip():
        return "", "sender is missing or not a text"
    return sender, None


def _checked(body: Any) -> tuple[Dict[str, Any], Optional[str]]:
    if not isinstance(body, dict):
        return {}, "a JSON object is expected"
    for field in ("sender", "message", "message_id"):
        if not isinstance(body.get(field), str) or not body[field].strip():
            return {}, f"{field} is missing or not a text"
    if len(body["message"]) > MAXIMUM_TEXT_LENGTH:
        return {}, f"message is longer than {MAXIMUM_TEXT_LENGTH} characters"
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict):
        return {}, "metadata is not an object"
    return {**body, "metadata": metadata}, None
