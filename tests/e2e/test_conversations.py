"""Newcomers in five languages ask on Telegram and get real, sourced offers."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from bot.i18n.texts import Catalogues
from bot.measures.topics import Topic, topic_name
from bot.privacy import consent
from tests.support.bot_api import BotApi, Group, Person, buttons
from tests.support.product import PROJECT, Application

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]

QUESTIONS: dict[str, dict[Topic, str]] = {
    "de": {
        Topic.LANGUAGE_COURSE: "wo kann ich deutsch lernen und jemand passt aufs baby auf?",
        Topic.JOB: "bin elektriker und suche arbeit, wer hilft mir",
        Topic.CHILDCARE: "wir finden keinen kitaplatz für unsere tochter",
        Topic.HOUSING: "die miete ist zu teuer, wie komme ich an eine sozialwohnung",
    },
    "en": {
        Topic.LANGUAGE_COURSE: "where german course with babysitting",
        Topic.JOB: "i need a job, who can look at my cv",
        Topic.CHILDCARE: "no kita place for my son, waiting list is full",
        Topic.HOUSING: "how do i find a flat in stuttgart with small income",
    },
    "tr": {
        Topic.LANGUAGE_COURSE: "almanca kursu ariyorum, cocuguma da bakilsin",
        Topic.JOB: "iş bulmak istiyorum nereye başvurayım",
        Topic.CHILDCARE: "oğlum için kreş yeri bulamıyoruz",
        Topic.HOUSING: "ev arıyoruz ama kiralar çok yüksek, sosyal konut var mı",
    },
    "ar": {
        Topic.LANGUAGE_COURSE: "وين في كورس الماني مع حدا يدير باله على الولد",
        Topic.JOB: "ابحث عن عمل ومن يساعدني في كتابة السيرة الذاتية",
        Topic.CHILDCARE: "ما عم نلاقي مكان بالروضة لبنتي",
        Topic.HOUSING: "كيف القى شقة بشتوتغارت والايجار غالي",
    },
    "uk": {
        Topic.LANGUAGE_COURSE: "де курси німецької щоб за дитиною хтось приглянув",
        Topic.JOB: "шукаю роботу, хто допоможе з резюме",
        Topic.CHILDCARE: "не можемо знайти місце в садочку для доньки",
        Topic.HOUSING: "як знайти квартиру в штутгарті, дуже дорого",
    },
}


@pytest.fixture(scope="module")
def catalogues() -> Catalogues:
    return Catalogues()


@pytest.fixture(scope="module")
def sources() -> set[str]:
    """Every source page in the starter measures that may be shown."""
    with Path(PROJECT / "data" / "measures.csv").open(encoding="utf-8") as file:
        return {row["source_url"] for row in csv.DictReader(file) if row["confidence"] != "low"}


async def agree(person: Person, catalogues: Catalogues, language: str) -> None:
    """Gets the consent question in the right language and agrees."""
    [question] = await person.receives(1, within=30)
    title = catalogues[language].gettext("Yes, I agree")
    assert title in titles(question), "the question is in the person's language"
    person.presses(title)


def titles(message: dict[str, Any]) -> list[str]:
    return [button["text"] for button in buttons(message)]


def links(message: dict[str, Any]) -> list[str]:
    return [entity["url"] for entity in message.get("entities", []) if "url" in entity]


@pytest.mark.parametrize("language", QUESTIONS)
async def test_four_topics(
    product: Application,
    bot_api: BotApi,
    catalogues: Catalogues,
    sources: set[str],
    language: str,
) -> None:
    texts = catalogues[language]
    person = bot_api.add_person(language_code=language)
    answered = 0
    for topic, question in QUESTIONS[language].items():
        person.sends(question)
        if not answered:
            await agree(person, catalogues, language)
            answered = 1
        answered += 1
        answer = (await person.receives(answered, within=30))[-1]
        assert topic_name(topic, texts) in answer["text"], f"{question} is about {topic.value}"
        shown = set(links(answer)) & sources
        # A short explanation may open the answer; it names its source too.
        assert 1 <= len(shown) <= 4, "one to three offers, each with its source page"
        named = answer["text"].count(source_word(texts))
        assert named in (3, 4), "each offer names source and date"
        for title in ("Other topic", "Talk to a person", "More offers"):
            assert texts.gettext(title) in titles(answer)
        assert texts.gettext("Details {number}", number=1) in titles(answer)
    bot_api.assert_no_violations()
    assert person.typing_count > 0


def source_word(texts: Any) -> str:
    """How a source line begins in this language."""
    return re.split(r"[\u2068{]", texts.gettext("Source: {title} ({date})"))[0]


EXPLAINED = {
    "de": ("Wie viel Kindergeld gibt es?", "Wie viel Kindergeld gibt es 2026?"),
    "en": ("How much child benefit is there?", "How much child benefit is there in 2026?"),
    "ar": ("كم مبلغ إعانة الأطفال؟", "كم تبلغ إعانة الأطفال (Kindergeld) في عام 2026؟"),
}


@pytest.mark.parametrize("language", EXPLAINED)
async def test_a_question_is_explained_once_before_the_offers(
    product: Application, bot_api: BotApi, catalogues: Catalogues, language: str
) -> None:
    texts = catalogues[language]
    question, title = EXPLAINED[language]
    announced = texts.gettext("First a short explanation, then the offers.")
    person = bot_api.add_person(language_code=language)
    person.sends(question)
    await agree(person, catalogues, language)
    answer = (await person.receives(2, within=30))[-1]
    assert answer["text"].startswith(announced)
    explanation, offers = answer["text"].split("\n1. ", 1)
    assert title in explanation
    assert "259" in explanation
    assert "Familienkasse" in explanation, "the explanation is whole"
    source = re.sub("[\u2068\u2069]", "", explanation[explanation.index(source_word(texts)) :])
    assert "Familienleistungen 2026 im Überblick (hilfe.de) (2026)" in source
    assert "2. " in offers
    person.sends(FREE[language])
    refined = (await person.receives(3, within=30))[-1]
    assert announced not in refined["text"]
    assert texts.gettext("free of charge") in refined["text"]


FREE = {"de": "kostenlos", "en": "free of charge", "ar": "مجاني"}


async def test_details_more_and_back(
    product: Application, bot_api: BotApi, catalogues: Catalogues
) -> None:
    texts = catalogues["en"]
    person = bot_api.add_person(language_code="en")
    person.sends("i am looking for a german course")
    await agree(person, catalogues, "en")
    first = (await person.receives(2, within=30))[-1]
    person.presses(texts.gettext("Details {number}", number=2))
    details = (await person.receives(3, within=30))[-1]
    wanted = re.search(r"2\. (.+)", first["text"])
    assert wanted is not None
    assert details["text"].startswith(wanted[1])
    person.presses("More offers", message_id=first["message_id"])
    more = (await person.receives(4, within=30))[-1]
    assert "offers 4 to 6" in more["text"]
    assert not set(links(first)) & set(links(more)), "other offers than before"
    person.presses("Other topic")
    topics = (await person.receives(5, within=30))[-1]
    assert {"Housing", "Health", "Meeting people"} <= set(titles(topics))


async def test_a_wish_refines_the_search(
    product: Application, bot_api: BotApi, catalogues: Catalogues
) -> None:
    person = bot_api.add_person(language_code="de")
    person.sends("Ich suche einen Deutschkurs")
    await agree(person, catalogues, "de")
    await person.receives(2, within=30)
    person.sends("B1")
    refined = (await person.receives(3, within=30))[-1]
    assert "B1" in refined["text"]
    assert topic_name(Topic.LANGUAGE_COURSE, catalogues["de"]) in refined["text"]


async def test_the_language_changes_with_the_person_and_on_demand(
    product: Application, bot_api: BotApi, catalogues: Catalogues
) -> None:
    person = bot_api.add_person(language_code="de")
    person.sends("Hallo, ich suche eine Wohnung in Stuttgart")
    await agree(person, catalogues, "de")
    await person.receives(2, within=30)
    person.sends("ok")
    thanks = (await person.receives(3, within=30))[-1]
    german = catalogues["de"].gettext("Other topic")
    assert german in titles(thanks), "a short word changes nothing"
    person.sends("/language tr")
    confirmed = (await person.receives(4, within=30))[-1]
    assert "Türkçe" in confirmed["text"]
    person.sends("Wo finde ich einen Deutschkurs?")
    answer = (await person.receives(5, within=30))[-1]
    assert topic_name(Topic.LANGUAGE_COURSE, catalogues["tr"]) in answer["text"]


async def test_a_person_takes_over_and_gives_back(
    product: Application, bot_api: BotApi, catalogues: Catalogues
) -> None:
    texts = catalogues["uk"]
    person = bot_api.add_person(language_code="uk")
    person.sends("хочу поговорити з людиною")
    await agree(person, catalogues, "uk")
    waiting = (await person.receives(2, within=30))[-1]
    assert "110" in waiting["text"]
    listed = product.lotse("handovers")
    row = next(line for line in listed.splitlines() if "uk" in line and "asked" in line)
    [number] = re.findall(r"│\s*(\d+)\s*│", row)
    person.sends("ви тут?")
    product.lotse("reply", number, "Доброго дня, я пані Вебер.", "--as", "Weber")
    told = (await person.receives(3, within=30))[-1]
    assert told["text"] == "Доброго дня, я пані Вебер."
    product.lotse("close", number)
    closed = (await person.receives(4, within=30))[-1]
    assert closed["text"] != told["text"]
    person.sends("шукаю квартиру")
    answer = (await person.receives(5, within=30))[-1]
    assert topic_name(Topic.HOUSING, texts) in answer["text"], "the bot answers again"


async def test_the_same_journey_with_counsellors_in_topics(
    product: Application, bot_api: BotApi, desk_group: Group, catalogues: Catalogues
) -> None:
    texts = catalogues["uk"]
    counsellor = bot_api.add_person(language_code="de", first_name="Weber")
    person = bot_api.add_person(language_code="uk")
    person.sends("шукаю курс німецької")
    await agree(person, catalogues, "uk")
    await person.receives(2, within=30)
    person.sends("хочу поговорити з людиною")
    await person.receives(3, within=30)

    def written(part: str) -> dict[str, Any] | None:
        return next(
            (one for one in reversed(desk_group.messages) if part in one.get("text", "")), None
        )

    opened = await bot_api.until(lambda: written("шукаю курс німецької"), within=30)
    topic = opened["message_thread_id"]
    desk_group.receives_from(counsellor, "/claim", message_thread_id=topic)
    await person.receives(4, within=30)
    person.sends("мені потрібна допомога з листом")
    shown = await bot_api.until(lambda: written("мені потрібна допомога з листом"), within=30)
    assert shown["message_thread_id"] == topic
    number = desk_group.receives_from(counsellor, "Завтра о десятій", message_thread_id=topic)
    assert (await person.receives(5, within=30))[-1]["text"] == "Завтра о десятій"
    desk_group.edits_for(counsellor, number, "Завтра об одинадцятій")
    await bot_api.until(lambda: "Завтра об одинадцятій" in person.texts or None, within=30)
    assert "Завтра о десятій" not in person.texts, "the message itself was changed"
    desk_group.receives_from(counsellor, "/note has a letter", message_thread_id=topic)
    desk_group.receives_from(counsellor, "/close", message_thread_id=topic)
    closed = (await person.receives(6, within=30))[-1]
    assert texts.gettext("Write to the counsellor again") in titles(closed)
    person.sends("шукаю квартиру")
    answer = (await person.receives(7, within=30))[-1]
    assert topic_name(Topic.HOUSING, texts) in answer["text"], "the bot answers again"
    assert "has a letter" not in " ".join(person.texts)
    assert [one for one in bot_api.violations if "flood" in one] == []


@pytest.mark.parametrize(
    ("language", "cry"),
    [
        ("de", "mein mann schlägt mich"),
        ("en", "my husband beats me"),
        ("tr", "kocam beni dövüyor"),
        ("ar", "زوجي يضربني"),
        ("uk", "мене б'є чоловік"),
    ],
)
async def test_an_emergency_is_answered_before_consent(
    product: Application, bot_api: BotApi, catalogues: Catalogues, language: str, cry: str
) -> None:
    person = bot_api.add_person(language_code=language)
    person.sends(cry)
    [answer] = await person.receives(1, within=30)
    assert "110" in answer["text"]
    assert "116 016" in answer["text"]
    assert catalogues[language].gettext("Help now") in answer["text"]
    listed = product.lotse("handovers").splitlines()
    assert any("emergency" in line and language in line and "yes" in line for line in listed)


async def test_getting_a_copy_of_everything(
    product: Application, bot_api: BotApi, catalogues: Catalogues
) -> None:
    person = bot_api.add_person(language_code="en")
    person.sends("where can i learn german at level B1")
    await agree(person, catalogues, "en")
    await person.receives(2, within=30)
    person.sends("/export")
    words, file = (await person.receives(4, within=30))[-2:]
    assert words["text"] == consent.copy_of_data(catalogues["en"]).text
    assert file["document"]["file_name"] == "lotse-export.json"
    data = json.loads(person.opens(file))
    assert data["person"]["address"] == str(person.chat_id)
    assert data["messages"][0]["text"] == "where can i learn german at level B1"
    assert data["remembered"]["search"]


async def test_deleting_everything(
    product: Application, bot_api: BotApi, catalogues: Catalogues
) -> None:
    texts = catalogues["en"]
    person = bot_api.add_person(language_code="en")
    person.sends("/forget")
    await agree(person, catalogues, "en")
    ask = (await person.receives(2, within=30))[-1]
    assert texts.gettext("Yes, delete everything") in titles(ask)
    person.presses(texts.gettext("Yes, delete everything"))
    gone = (await person.receives(3, within=30))[-1]
    assert gone["text"] == texts.gettext(
        "Everything is deleted. If you need something, just write again."
    )
    person.sends("where can i learn german")
    asked_again = (await person.receives(4, within=30))[-1]
    assert texts.gettext("Yes, I agree") in titles(asked_again), "nothing is remembered"
