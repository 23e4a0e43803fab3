"""Two of Rasa's classes, replaced by stricter or leaner ones of the same contract.

``install`` rebinds the names through which Rasa constructs them; no file of
Rasa is changed. What differs:

* ``StrictProcessor``: an exception in an action or response aborts the whole
  message. Rasa logs it, with whatever words it holds, and goes on with
  ``200 []`` and a half-written conversation; here nothing is saved, the channel
  answers 503, and the same message can be sent again.
* Saving a conversation fails openly, and an action is not repeated without end
  (see ``StrictProcessor``).
* ``LeanRemoteAction``: action results are checked by one validator compiled at
  import, and the call carries the last two messages alone. Rasa builds and checks its own
  JSON schema anew for each result, which takes about 28 ms.
"""

from __future__ import annotations

import itertools
from typing import Any, Dict, List, Optional, Tuple

import jsonschema
import rasa
import rasa.core.actions.action
import rasa.core.actions.forms
import rasa.core.agent
import rasa.core.processor
from rasa.core.actions.action import Action, ActionExecutionRejection, RemoteAction
from rasa.core.channels.channel import OutputChannel
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.processor import MessageProcessor
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME, REQUESTED_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActiveLoop, Event, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity
from rasa.shared.exceptions import RasaException

# Forms that go on after an interruption; the others give way to what interrupts them.
RESUMED = frozenset({"booking_form"})


class ActionFailed(RasaException):
    """An action or a response could not be carried out; the message was not processed."""


class _GuardedAction(Action):
    """Keeps the failure of the wrapped action for the processor.

    It is not raised here, because Rasa would log its words, which may be a person's.
    """

    def __init__(self, action: Action) -> None:
        self._action = action
        self.failure: Optional[Exception] = None

    def name(self) -> str:
        return str(self._action.name())

    def event_for_successful_execution(self, prediction: PolicyPrediction) -> Event:
        return self._action.event_for_successful_execution(prediction)

    async def run(
        self,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        tracker: DialogueStateTracker,
        domain: Domain,
    ) -> Any:
        try:
            return await self._action.run(output_channel, nlg, tracker, domain)
        except ActionExecutionRejection:
            raise
        except Exception as error:
            self.failure = error
            return []


class StrictProcessor(MessageProcessor):
    """A message processor for which a message succeeds as a whole or not at all.

    It also takes the tracker store out of Rasa's ``FailSafeTrackerStore``, which
    goes on in memory when saving fails: a conversation that cannot be saved must
    not be answered as if it were.

    A form that something else interrupted is taken up again in the same turn when its name is in
    ``RESUMED``: its question is asked anew below the other answer. Other forms are left. Left to
    its rules, Rasa takes up some forms and lets others hang, rejected for ever.

    No action runs twice in a row. Where no rule applies, as for the button of an
    intent that is no more, Rasa's RulePolicy predicts its fallback action again and
    again, up to the tenth answer; here the turn ends after the first.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(self.tracker_store, FailSafeTrackerStore):
            self.tracker_store = self.tracker_store._tracker_store

    def predict_next_with_tracker_if_should(
        self, tracker: DialogueStateTracker
    ) -> Tuple[Action, PolicyPrediction]:
        """As in Rasa, but never the action that ran last; see the class."""
        action, prediction = super().predict_next_with_tracker_if_should(tracker)
        if action.name() == tracker.latest_action_name:
            action, prediction = self._predicted(ACTION_LISTEN_NAME)
        form = tracker.active_loop_name
        interrupted = (
            tracker.is_active_loop_rejected and tracker.latest_action_name != ACTION_LISTEN_NAME
        )
        if not interrupted or action.name() not in (form, ACTION_LISTEN_NAME):
            return action, prediction
        if form in RESUMED:
            return self._predicted(form)
        tracker.update_with_events([ActiveLoop(None), SlotSet(REQUESTED_SLOT, None)], self.domain)
        return self._predicted(ACTION_LISTEN_NAME)

    def _predicted(self, name: str) -> Tuple[Action, PolicyPrediction]:
        return self._get_action(name), PolicyPrediction.for_action_name(self.domain, name)

    async def _run_action(
        self,
        action: Action,
        tracker: DialogueStateTracker,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        prediction: PolicyPrediction,
    ) -> bool:
        guarded = _GuardedAction(action)
        goes_on = await super()._run_action(guarded, tracker, output_channel, nlg, prediction)
        if guarded.failure is not None:
            raise ActionFailed(f"{action.name()} failed") from guarded.failure
        return bool(goes_on)


class LeanRemoteAction(RemoteAction):
    """Calls an action endpoint with the conversation's state and its last two messages only.

    The message before the latest one is there for actions that correct its answer.
    """

    _result_validator = jsonschema.Draft7Validator(RemoteAction.action_response_format_spec())

    def _action_call_format(self, tracker: DialogueStateTracker, domain: Domain) -> Dict[str, Any]:
        return {
            "next_action": self._name,
            "sender_id": tracker.sender_id,
            "tracker": {
                **tracker.current_state(EventVerbosity.NONE),
                "events": [event.as_dict() for event in _last_messages(tracker, 2)],
            },
            "version": rasa.__version__,
        }

    def _validate_action_result(self, result: Dict[str, Any]) -> bool:
        error = jsonschema.exceptions.best_match(self._result_validator.iter_errors(result))
        if error is not None:
            raise RasaException(f"The action endpoint answered out of form: {error.message}")
        return True


def _last_messages(tracker: DialogueStateTracker, number: int) -> List[UserUttered]:
    """The latest messages of the person, oldest first."""
    messages = (event for event in reversed(tracker.events) if isinstance(event, UserUttered))
    return list(itertools.islice(messages, number))[::-1]


def install() -> None:
    """Makes Rasa construct the classes of this module. Idempotent."""
    rasa.core.agent.MessageProcessor = StrictProcessor
    rasa.core.actions.action.RemoteAction = LeanRemoteAction
    rasa.core.actions.forms.RemoteAction = LeanRemoteAction
