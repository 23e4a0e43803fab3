"""Asks the application for the words of a response, in the reader's language."""

from __future__ import annotations

from typing import Any, Dict, Optional

from rasa.core.constants import DEFAULT_REQUEST_TIMEOUT
from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import EndpointConfig

from engine import settings


class CatalogueNLG(NaturalLanguageGenerator):
    """Rasa's NLG callback without the event history and without a schema check per call.

    Named in ``endpoints.yml``. The request body keeps Rasa's documented form
    (``response``, ``arguments``, ``tracker``, ``channel``); the tracker carries
    slots and the latest message, whose metadata hold the reader's language.
    """

    def __init__(self, endpoint_config: EndpointConfig, domain: Any = None) -> None:
        self._endpoint = endpoint_config
        self._endpoint.headers.update(settings.authorisation_headers())

    async def generate(
        self,
        utter_action: str,
        tracker: DialogueStateTracker,
        output_channel: str,
        **kwargs: Any,
    ) -> Optional[Dict[str, Any]]:
        """The localised response, or None for one that the domain does not have.

        Raises ``RasaException`` when the application answers anything else.
        """
        known = kwargs.pop("domain_responses", None)
        if known is not None and utter_action not in known:
            # Rasa's own actions ask for optional responses, which mean silence here.
            return None
        body = {
            "response": utter_action,
            "arguments": kwargs,
            "tracker": tracker.current_state(EventVerbosity.NONE),
            "channel": {"name": output_channel},
        }
        answer = await self._endpoint.request(
            method="post", json=body, timeout=DEFAULT_REQUEST_TIMEOUT
        )
        if not isinstance(answer, dict) or not isinstance(answer.get("text"), str):
            raise RasaException(f"The response texts answered out of form for {utter_action}.")
        return answer
