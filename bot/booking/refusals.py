"""How people say no and do without, in any of the languages."""

from __future__ import annotations

import re
from functools import lru_cache

from bot.booking.said import folded

# Words with which people say no or do without; hardly anybody is called so.
_REFUSALS = (
    "nein|nö|nee|nicht|kein|keine|keinen|ohne|nix|no|nope|nah|not|dont|without|nothing|hayır|yok|"
    "olmaz|istemem|istemiyorum|gerek|لا|كلا|لع|ابدا|بدون|دون|بلاش|بلا|ما|ні|нє|не|неа|без|нет|نه|"
    "نخیر|بی|نمیخوام|نمیخواهم|نمیگویم|non|pas|sans|jamais|aucun|sin|tampoco|nunca|ningún|ninguno|"
    "senza|nessuno|nessun|niente|ne|neću|nemoj|bez|jok|nu|fără|deloc|nie|όχι|οχι|δεν|δε|μην|χωρίς|"
    "τίποτα|κανένα"
)
# Words with which people pass over a question or stay unknown.
_PASSES = (
    "überspringen|weglassen|auslassen|anonym|namenlos|skip|pass|anonymous|anonymously|nameless|"
    "geç|geçelim|atla|atlayalım|isimsiz|adsız|anonim|تخطي|تخطى|تجاوز|مجهول|مجهوله|пропустити|"
    "пропусти|пропускаю|анонімно|анонім|пропустить|пропущу|анонимно|аноним|رد|بگذر|ناشناس|بینام|"
    "passer|ignorer|sauter|anonyme|anonymement|saltar|omitir|omite|anónimo|anónima|salta|saltare|"
    "omettere|anonimo|anonima|preskoči|preskočiti|preskačem|anonimno|sari|sări|săriți|omit|anonimă|"
    "pomiń|pomijam|pominąć|anonimowo|παράλειψη|παράλειψε|προσπέρασε|ανώνυμα|ανώνυμος|ανώνυμη"
)
# What may stand beside such a word when nobody is named.
_BESIDE = (
    # German, English
    "ich|das|den|mein|meinen|name|namen|angabe|angaben|sagen|nennen|möchte|will|mag|lieber|bitte|"
    "danke|dank|vielen|i|to|it|this|that|my|any|names|say|tell|give|want|would|like|prefer|rather|"
    "please|thanks|thank|you|do|"
    # Turkish, Arabic
    "isim|ismim|ismimi|adım|adımı|ad|vermek|söylemek|istiyorum|lütfen|teşekkürler|sağol|اسم|الاسم|"
    "اسمي|من|ان|اريد|بدي|اذكر|اقول|شكرا|"
    # Ukrainian, Russian
    "ім'я|імя|імені|імен|хочу|казати|називати|вказувати|потрібно|треба|краще|будь|ласка|дякую|я|"
    "имя|имени|имен|говорить|называть|указывать|нужно|надо|лучше|пожалуйста|спасибо|"
    # Persian, French
    "نام|نامی|اسمی|اسمم|نامم|را|میخواهم|بگویم|بگم|ممنون|مرسی|لطفا|کن|nom|prénom|mon|je|ne|veux|"
    "souhaite|préfère|dire|donner|le|merci|de|"
    # Spanish, Italian
    "nombre|mi|quiero|prefiero|decir|decirlo|dar|gracias|por|favor|nome|il|mio|voglio|preferisco|"
    "dirlo|dire|dare|grazie|"
    # Croatian, Romanian
    "ime|imena|želim|reći|radije|hvala|molim|nume|numele|meu|vreau|doresc|spun|să|îl|mulțumesc|"
    # Polish, Greek
    "imienia|imię|imie|nazwiska|chcę|podawać|podam|mówić|wolę|dziękuję|proszę|όνομα|ονομα|θέλω|"
    "πω|να|το|μου|προτιμώ|ευχαριστώ|παρακαλώ"
)


def refuses(text: str) -> bool:
    """Whether a text has one of the words with which people say no or do without."""
    return not _known(_REFUSALS).isdisjoint(_words(text))


def does_without(text: str) -> bool:
    """Whether a text says no more than that no name is given ("no name, thanks", "skip")."""
    words = set(_words(text))
    declining = _known(_REFUSALS) | _known(_PASSES)
    return not words.isdisjoint(declining) and words <= declining | _known(_BESIDE)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", folded(text).replace("'", ""))


@lru_cache(maxsize=3)
def _known(words: str) -> frozenset[str]:
    return frozenset(folded(words).replace("'", "").split("|"))
