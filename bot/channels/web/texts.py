"""Every word of the chat page, English source, for the gettext catalogues.

``_`` is the gettext callable of one language. The functions are called for each
language; the names of their parameters make the extraction find the texts.
"""

from __future__ import annotations

from collections.abc import Callable

Gettext = Callable[[str], str]


def page_texts(_: Gettext) -> dict[str, str]:
    """The texts of the page by the names under which template and script know them."""
    return {
        "tagline": _("Help for newcomers in Stuttgart"),
        "description": _(
            "Ask in your own language and get real offers in Stuttgart: language courses, "
            "work, childcare, housing and advice, each with its source."
        ),
        "skip": _("Skip to the message field"),
        "language": _("Language"),
        "log": _("Conversation"),
        "message": _("Your message"),
        "placeholder": _("Write a message"),
        "send": _("Send"),
        "attach": _("Send a photo or a PDF to the counsellor"),
        **_location_texts(_),
        "you": _("You"),
        "counsellor": _("Counsellor"),
        "typing": _("An answer is being written"),
        "choices": _("Choices"),
        "chosen": _("chosen"),
        "new_window": _("opens in a new window"),
        "sending": _("Sending"),
        "sent": _("Sent"),
        "waiting": _("Will be sent as soon as you are connected again"),
        "failed": _("Not sent"),
        "retry": _("Try again"),
        "offline": _("Connection lost. Trying again …"),
        "online": _("Connected again"),
        "to_newest": _("Go to the newest message"),
        "new_messages": _("New messages"),
        "noscript": _(
            "This chat needs JavaScript. Please switch it on in your browser's settings and "
            "load the page again, or open it in another browser."
        ),
        **_welcome_texts(_),
        **_session_texts(_),
    }


def _welcome_texts(_: Gettext) -> dict[str, str]:
    return {
        "welcome_title": _("Hello! How can I help?"),
        "welcome_text": _(
            "Write in your own language. I look for real offers in Stuttgart and tell you "
            "where each piece of information comes from."
        ),
        "welcome_examples": _("For example:"),
        "example_course": _("I am looking for a German course"),
        "example_work": _("I need help finding work"),
        "example_childcare": _("I need childcare for my child"),
        "example_housing": _("I am looking for a flat"),
    }


def _location_texts(_: Gettext) -> dict[str, str]:
    return {
        "share_location": _("Share my location"),
        "my_location": _("My location"),
        "locating": _(
            "Finding your location … It is only used to look for offers near you, and it is "
            "rounded to about 100 metres."
        ),
        "location_refused": _(
            "Your browser may not tell me where you are. You can allow it in the browser's "
            "settings for this page. Or just write the name of your district."
        ),
        "location_unknown": _(
            "Your location could not be found. Please try again, or write the name of your "
            "district."
        ),
    }


def _session_texts(_: Gettext) -> dict[str, str]:
    return {
        "new_chat": _("New conversation"),
        "new_chat_question": _("Start a new conversation?"),
        "new_chat_explanation": _("You will no longer see the present one on this device."),
        "new_chat_confirm": _("Start new"),
        "cancel": _("Cancel"),
        "session_lost": _(
            "This conversation has been closed on this device. Load the page to go on. If this "
            "happens again, please allow cookies for this page."
        ),
        "reload": _("Load the page"),
        "elsewhere": _("This conversation is open in several windows. It goes on in the newest."),
    }


def error_texts(_: Gettext) -> dict[str, str]:
    """What is said about a refused request, by the code of the refusal."""
    return {
        "foreign": _("This request did not come from the chat page."),
        "channel_refused": _("The terminal chat works on the same computer only."),
        "not_json": _("The message must be sent as JSON."),
        "no_session": _("There is no open conversation. Please load the page again."),
        "nothing_stored": _("Nothing is stored about you in this chat."),
        "too_large": _("This message is too large."),
        "too_long": _("This message is too long. Please send it in several parts."),
        "invalid": _("This message could not be read."),
        "too_fast": _("Those were many messages at once. Please wait a moment."),
        "file_not_now": _(
            "You can send photos and files when a counsellor answers you. Please ask for a person "
            "first."
        ),
        "file_too_large": _("This file is too large. A photo or PDF may have up to 10 MB."),
        "file_type": _("Only photos and PDF files can be sent."),
        "file_refused": _("This file cannot be sent: our virus scanner refused it."),
        "not_a_file": _("The file could not be read."),
        "too_many_files": _("You have sent very many files. Please ask the counsellor."),
        "unavailable": _("This does not work at the moment. Please try again soon."),
    }
