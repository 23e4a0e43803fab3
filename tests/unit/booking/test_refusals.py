"""Whether a message says no, and whether it names nobody."""

from __future__ import annotations

import pytest

from bot.booking.refusals import does_without, refuses


@pytest.mark.parametrize(
    "text",
    [
        *("Nein", "lieber nicht", "no", "hayır", "لا", "بدون اسم", "ні", "Нет", "نه"),
        *("نمی‌خواهم", "non merci", "sin nombre", "senza nome", "neću", "fără nume", "nie"),
        *("όχι", "χωρίς όνομα"),
    ],
)
def test_a_refusal_is_read_in_every_language(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize("text", ["Anna", "Noa", "Nina Nowak", "Şirin", "نور", "Неля", "Νίκη", "?"])
def test_a_name_is_no_refusal(text: str) -> None:
    assert not refuses(text)


@pytest.mark.parametrize(
    "text",
    [
        *("ohne Namen", "Keine Angabe, danke", "möchte ich nicht sagen", "überspringen"),
        *("no name", "I don't want to say", "Prefer not to say.", "anonymous", "skip"),
        *("isim yok", "ismimi vermek istemiyorum", "isimsiz", "geç"),
        *("بدون اسم", "لا أريد أن أقول", "ما بدي", "من دون اسم", "تخطي"),
        *("без імені", "не хочу казати", "пропустити"),
        *("без имени", "не хочу говорить", "Нет, спасибо", "анонимно"),
        *("بدون نام", "بی نام", "نمی‌خواهم بگویم", "ناشناس"),
        *("sans nom", "Je ne veux pas dire mon nom", "non merci", "anonyme"),
        *("sin nombre", "prefiero no decirlo", "No, gracias"),
        *("senza nome", "preferisco non dire", "no grazie"),
        *("bez imena", "ne želim reći", "preskoči"),
        *("fără nume", "nu vreau să spun", "Nu, mulțumesc"),
        *("bez imienia", "nie chcę podawać imienia", "wolę nie mówić", "anonimowo"),
        *("χωρίς όνομα", "δεν θέλω να πω", "όχι, ευχαριστώ", "ανώνυμα"),
    ],
)
def test_no_name_is_read_in_every_language(text: str) -> None:
    assert does_without(text)


@pytest.mark.parametrize(
    "text",
    [
        *("Anna", "Anna bitte", "No Min-ji", "Nie Xiaoling", "نور", "Dina Ben Salah", "Не́ля", "?"),
        *("ohne Titel nur Miriam", "nicht Frau, Herr Özil", "بدون لقب فقط نور", "Bitte", "ich", ""),
    ],
)
def test_a_name_beside_a_no_is_a_name(text: str) -> None:
    assert not does_without(text)
