"""Checking catalogues: whatever is missing, left over or broken is named."""

from __future__ import annotations

import gettext
import io

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from bot.i18n import catalogues
from bot.i18n.catalogues import problems
from bot.i18n.extract import extract_domain

SOURCE = """
msgid "Hello"
msgstr ""

msgid "Hello {name}, it is {day}"
msgstr ""

msgid "{number} offer in {city}"
msgid_plural "{number} offers in {city}"
msgstr[0] ""
msgstr[1] ""
"""
HEADER = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Language: {language}\\n"
"Plural-Forms: {forms}\\n"
"""
GERMAN = "nplurals=2; plural=(n != 1);"
TURKISH = "nplurals=1; plural=0;"
HELLO = 'msgid "Hello"\nmsgstr "Hallo"\n'
GREETING = 'msgid "Hello {name}, it is {day}"\nmsgstr "Hallo {name}, es ist {day}"\n'
OFFERS = """
msgid "{number} offer in {city}"
msgid_plural "{number} offers in {city}"
msgstr[0] "ein Angebot in {city}"
msgstr[1] "{number} Angebote in {city}"
"""


def catalogue(*messages: str, language: str = "de", forms: str = GERMAN) -> Catalog:
    text = "\n".join((HEADER.format(language=language, forms=forms), *messages))
    return read_po(io.BytesIO(text.encode()), locale=language, ignore_obsolete=True)


def found(*messages: str, language: str = "de", forms: str = GERMAN) -> list[str]:
    source = read_po(io.BytesIO(SOURCE.encode()))
    return list(problems(language, source, catalogue(*messages, language=language, forms=forms)))


def test_a_complete_catalogue_has_no_problems() -> None:
    assert found(HELLO, GREETING, OFFERS) == []


def test_a_missing_text_is_named() -> None:
    assert found(GREETING, OFFERS) == ["de: missing: 'Hello'"]


def test_an_untranslated_text_is_named() -> None:
    empty = HELLO.replace("Hallo", "")
    assert found(empty, GREETING, OFFERS) == ["de: not translated: 'Hello'"]


def test_a_fuzzy_text_is_named() -> None:
    assert found(f"#, fuzzy\n{HELLO}", GREETING, OFFERS) == ["de: fuzzy: 'Hello'"]


def test_a_text_no_longer_used_is_named() -> None:
    left_over = 'msgid "Bye"\nmsgstr "Tschüss"\n'
    assert found(HELLO, GREETING, OFFERS, left_over) == ["de: no longer used: 'Bye'"]


@pytest.mark.parametrize(
    "translation",
    ["Hallo {name}", "Hallo {name}, es ist {tag}", "Hallo {name} {day} {hour}", "Hallo {} {day}"],
)
def test_other_placeholders_are_named(translation: str) -> None:
    changed = GREETING.replace("Hallo {name}, es ist {day}", translation)
    assert found(HELLO, changed, OFFERS) == ["de: other placeholders: 'Hello {name}, it is {day}'"]


@pytest.mark.parametrize("translation", ["Hallo {name, es ist {day}", "Hallo {name}} {day}"])
def test_broken_braces_are_named(translation: str) -> None:
    changed = GREETING.replace("Hallo {name}, es ist {day}", translation)
    assert found(HELLO, changed, OFFERS) == ["de: broken braces: 'Hello {name}, it is {day}'"]


def test_a_form_for_one_may_leave_out_the_number_but_nothing_else() -> None:
    without_city = OFFERS.replace("ein Angebot in {city}", "ein Angebot")
    assert found(HELLO, GREETING, without_city) == [
        "de: other placeholders: '{number} offer in {city}'"
    ]


@pytest.mark.parametrize(
    ("missing", "language", "forms"),
    [
        (OFFERS.replace("{number} Angebote in {city}", ""), "de", GERMAN),
        (OFFERS, "uk", "nplurals=3; plural=(n%10==1 ? 0 : n%10<5 ? 1 : 2);"),
        ('msgid "{number} offer in {city}"\nmsgstr "ein Angebot in {city}"\n', "de", GERMAN),
    ],
)
def test_a_missing_plural_form_is_named(missing: str, language: str, forms: str) -> None:
    assert found(HELLO, GREETING, missing, language=language, forms=forms) == [
        f"{language}: not translated: '{{number}} offer in {{city}}'"
    ]


def test_a_language_without_plural_forms_needs_one() -> None:
    one_form = OFFERS.replace('msgstr[0] "ein Angebot in {city}"\n', "").replace("[1]", "[0]")
    assert found(HELLO, GREETING, one_form, language="tr", forms=TURKISH) == []


def test_all_problems_are_named_at_once() -> None:
    assert len(found(f"#, fuzzy\n{HELLO}", 'msgid "Bye"\nmsgstr "x"\n')) == 4


# The project's own texts


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    template = tmp_path_factory.mktemp("texts") / "lotse.pot"
    catalogues._extract(catalogues.DOMAINS[0], template)
    return catalogues._read(template)


@pytest.mark.parametrize("language", catalogues.DOMAINS[0].translated)
def test_the_projects_catalogues_are_complete(source: Catalog, language: str) -> None:
    path = catalogues.catalogue_path(language)
    assert list(problems(language, source, catalogues._read(path))) == []


def test_texts_of_code_and_domain_are_extracted(source: Catalog) -> None:
    ids = {
        message.id if isinstance(message.id, str) else message.id[0]
        for message in source
        if message.id
    }
    assert "Talk to a person" in ids
    assert "What is it about?" in ids
    assert "{topic}: I have found {number} offer." in ids


@pytest.mark.parametrize("language", catalogues.DOMAINS[0].translated)
def test_the_compiled_texts_are_those_of_the_catalogue(language: str) -> None:
    path = catalogues.catalogue_path(language)
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in catalogues._read(path):
        if isinstance(message.id, str) and message.id:
            assert compiled.gettext(message.id) == message.string, "run `make texts-compile`"


def test_responses_and_buttons_are_extracted_from_a_domain() -> None:
    domain = b"""
responses:
  utter_ask:
    - text: >-
        What is
        it about?
      buttons:
        - {title: Work, payload: /ask_job}
  utter_custom:
    - custom: {x: 1}
"""
    extracted = [message for _, _, message, _ in extract_domain(io.BytesIO(domain), [], [], {})]
    assert extracted == ["What is it about?", "Work"]
    assert list(extract_domain(io.BytesIO(b""), [], [], {})) == []
