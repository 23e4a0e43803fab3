"""What the inbox calls states, reasons, outcomes and the lines of the journal."""

from __future__ import annotations

from bot.conversations.models import FileState, OutboxState
from bot.handover.inbox import View
from bot.handover.models import EventKind, HandoverState, Outcome, Reason
from bot.i18n.texts import source_text

VIEWS = {
    View.WAITING: source_text("Waiting"),
    View.MINE: source_text("Mine"),
    View.OPEN: source_text("All open"),
    View.SNOOZED: source_text("Put aside"),
    View.CLOSED: source_text("Closed"),
}
STATES = {
    HandoverState.WAITING: source_text("waits for somebody"),
    HandoverState.CLAIMED: source_text("taken, no answer yet"),
    HandoverState.FOR_NEWCOMER: source_text("answered"),
    HandoverState.FOR_COUNSELLOR: source_text("waits for an answer"),
    HandoverState.CLOSED: source_text("closed"),
}
REASONS = {
    Reason.ASKED: source_text("asked for a person"),
    Reason.NOT_UNDERSTOOD: source_text("the bot did not understand"),
    Reason.EMERGENCY: source_text("emergency"),
    Reason.BOOKING: source_text("question about an appointment"),
    Reason.CORRECTION: source_text("hint that an offer is wrong"),
}
OUTCOMES = {
    Outcome.RESOLVED: source_text("Solved"),
    Outcome.REFERRED: source_text("Passed to another office"),
    Outcome.NO_ANSWER: source_text("No answer any more"),
    Outcome.NOT_NEEDED: source_text("No counselling needed"),
    Outcome.WITHDRAWN: source_text("Went on with the bot"),
}
#: Those that a counsellor can choose.
CHOSEN_OUTCOMES = {key: text for key, text in OUTCOMES.items() if key is not Outcome.WITHDRAWN}
DELIVERY = {
    OutboxState.PENDING: source_text("on its way"),
    OutboxState.SENDING: source_text("on its way"),
    OutboxState.SENT: source_text("delivered"),
    OutboxState.UNCERTAIN: source_text("perhaps not delivered"),
    OutboxState.REFUSED: source_text("not delivered: the platform refused it"),
    OutboxState.RECIPIENT_GONE: source_text("not delivered: the person has blocked the chat"),
}
FILES = {
    FileState.PENDING: source_text("is being fetched"),
    FileState.STORED: "",
    FileState.TOO_LARGE: source_text("not kept: too large"),
    FileState.WRONG_TYPE: source_text("not kept: neither picture nor PDF"),
    FileState.VIRUS: source_text("not kept: the virus scanner refused it"),
    FileState.GONE: source_text("not kept: it could not be fetched"),
}
EVENTS = {
    EventKind.REQUESTED: source_text("A person is needed: {reason}."),
    EventKind.MADE_URGENT: source_text("It became urgent."),
    EventKind.CLAIMED: source_text("{actor} took over."),
    EventKind.ASSIGNED: source_text("{actor} assigned this to {to}."),
    EventKind.TRANSFERRED: source_text("{actor} passed this on to {queue}."),
    EventKind.CORRECTED: source_text("{actor} corrected an answer."),
    EventKind.LABELLED: source_text("{actor} set the labels: {labels}."),
    EventKind.SNOOZED: source_text("{actor} put this aside until {until}."),
    EventKind.WOKEN: source_text("Back from being put aside."),
    EventKind.CALL_WANTED: source_text("The newcomer would like to be called."),
    EventKind.LEFT_TO_BOT: source_text("The newcomer goes on with the bot meanwhile."),
    EventKind.ALERTED: source_text("Everybody on duty was alerted."),
    EventKind.CLOSED: source_text("{actor} closed this: {outcome}."),
    EventKind.REOPENED: source_text("Opened again."),
    EventKind.WITHDRAWN: source_text("The newcomer went on with the bot."),
    EventKind.UNDELIVERED: source_text("The last answer did not arrive, or perhaps did not."),
}
RATED = {
    1: source_text("The newcomer says: it helped."),
    -1: source_text("The newcomer says: it did not help."),
}
FOUND = {
    "said": source_text("newcomer"),
    "told": source_text("counsellor"),
    "noted": source_text("note"),
}
EVERYBODYS_QUEUE = source_text("everybody")
