"""Keeps the gettext catalogues in step with the texts: ``python -m bot.i18n.catalogues``.

There are two domains: ``lotse`` for what newcomers read, in every reply language, and ``console``
for the pages of counsellors and editors.

``update`` extracts all texts and merges them into every catalogue; ``check`` fails
when a catalogue lacks a text, holds one that is gone, is marked fuzzy, or has
placeholders other than the English source.
"""

from __future__ import annotations

import argparse
import string
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from bot.i18n.languages import REPLY_LANGUAGES
from bot.i18n.texts import (
    CONSOLE_DOMAIN,
    CONSOLE_LANGUAGES,
    DOMAIN,
    LOCALE_DIRECTORY,
    SOURCE_LANGUAGE,
)

PROJECT = LOCALE_DIRECTORY.parent


def main() -> None:
    """Runs ``update`` or ``check``; exits with 1 when ``check`` finds anything."""
    parser = argparse.ArgumentParser(prog="python -m bot.i18n.catalogues", description=__doc__)
    parser.add_argument("what", choices=("update", "check"))
    parser.add_argument("--domain", choices=[domain.name for domain in DOMAINS])
    arguments = parser.parse_args()
    chosen = [domain for domain in DOMAINS if arguments.domain in (None, domain.name)]
    if arguments.what == "update":
        update(chosen)
        return
    found = list(check(chosen))
    for problem in found:
        print(problem)
    if found:
        print(f"{len(found)} problems. Run `make texts`, then translate what is new.")
        sys.exit(1)
    for domain in chosen:
        print(f"Catalogues of {domain.name} complete: {', '.join(domain.translated)}.")


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A gettext domain: where its texts are found and which languages it exists in."""

    name: str
    mapping: str
    languages: tuple[str, ...]

    @property
    def translated(self) -> list[str]:
        """Every language that needs a catalogue; the source language needs none."""
        return [language for language in self.languages if language != SOURCE_LANGUAGE]


DOMAINS = (
    Domain(name=DOMAIN, mapping="babel.cfg", languages=REPLY_LANGUAGES),
    Domain(name=CONSOLE_DOMAIN, mapping="babel-console.cfg", languages=CONSOLE_LANGUAGES),
)


def update(domains: Sequence[Domain] = DOMAINS) -> None:
    """Merges the present texts into all catalogues, making those that are missing."""
    for domain in domains:
        _update(domain)


def _update(domain: Domain) -> None:
    with tempfile.TemporaryDirectory() as directory:
        template = Path(directory) / f"{domain.name}.pot"
        _extract(domain, template)
        for language in domain.translated:
            path = catalogue_path(language, domain.name)
            command = "update" if path.exists() else "init"
            options = ["--previous", "--no-fuzzy-matching"] if command == "update" else []
            _pybabel(
                command,
                *("--input-file", str(template), "--output-file", str(path)),
                *("--locale", language, *options),
            )
            _tidy(path)


def check(domains: Sequence[Domain] = DOMAINS) -> Iterator[str]:
    """Every deviation of the catalogues from the texts, as a line naming language and text."""
    for domain in domains:
        yield from _check(domain)


def _check(domain: Domain) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        template = Path(directory) / f"{domain.name}.pot"
        _extract(domain, template)
        source = _read(template)
    for language in domain.translated:
        path = catalogue_path(language, domain.name)
        if not path.exists():
            yield f"{language}: there is no catalogue {path.relative_to(PROJECT)}"
            continue
        yield from problems(language, source, _read(path))


def problems(language: str, source: Catalog, catalogue: Catalog) -> Iterator[str]:
    """Every deviation of one catalogue from ``source``, which holds the texts in English."""
    wanted = {_key(message) for message in source if message.id}
    for message in catalogue:
        if message.id and _key(message) not in wanted:
            yield f"{language}: no longer used: {_shown(message)}"
    for original in source:
        if not original.id:
            continue
        translated = catalogue.get(original.id)
        if translated is None:
            yield f"{language}: missing: {_shown(original)}"
            continue
        forms = _forms(translated.string)
        if translated.fuzzy:
            yield f"{language}: fuzzy: {_shown(translated)}"
        number_of_forms = catalogue.num_plurals if original.pluralizable else 1
        if not all(forms) or len(forms) != number_of_forms:
            yield f"{language}: not translated: {_shown(translated)}"
            continue
        yield from _placeholder_problems(language, translated, forms)


def _placeholder_problems(language: str, message: Message, forms: list[str]) -> Iterator[str]:
    allowed = set().union(*(_placeholders(form) for form in _forms(message.id)))
    # A form for one thing may say "one" in words; it must not name anything new.
    needed = allowed - {"number"} if message.pluralizable else allowed
    for form in forms:
        try:
            present = _placeholders(form)
        except ValueError:
            yield f"{language}: broken braces: {_shown(message)}"
            continue
        if not needed <= present <= allowed:
            yield f"{language}: other placeholders: {_shown(message)}"


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _forms(text: object) -> list[str]:
    return [str(form) for form in text] if isinstance(text, (list, tuple)) else [str(text or "")]


def _key(message: Message) -> str:
    return _forms(message.id)[0]


def _shown(message: Message) -> str:
    return repr(_key(message)[:70])


def catalogue_path(language: str, domain: str = DOMAIN) -> Path:
    """Where a language's catalogue stands."""
    return LOCALE_DIRECTORY / language / "LC_MESSAGES" / f"{domain}.po"


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, ignore_obsolete=True)


def _extract(domain: Domain, template: Path) -> None:
    _pybabel(
        "extract",
        *("--mapping-file", str(PROJECT / domain.mapping), "--output-file", str(template)),
        *("--keyword", "source_text"),
        # Line numbers would change with every edit and hide the texts that did.
        *("--no-location", "--sort-output", "--project", "lotse"),
        *("--add-comments", "Translators:", "."),
    )


def _tidy(path: Path) -> None:
    """Drops obsolete texts and the lines that change without any text changing."""
    lines = path.read_text("utf-8").split("\n")
    volatile = (
        "#~",
        '"POT-Creation-Date',
        '"PO-Revision-Date',
        '"Last-Translator',
        '"Generated-By',
        '"Report-Msgid-Bugs-To',
        '"Project-Id-Version',
        "# FIRST AUTHOR",
        "# Copyright",
        "# This file is distributed",
        "# Translations template",
    )
    kept = [line for line in lines if not line.startswith(volatile)]
    path.write_text("\n".join(kept).rstrip() + "\n", "utf-8")


def _pybabel(*arguments: str) -> None:
    subprocess.run(  # noqa: S603 - our own interpreter and Babel's command
        [sys.executable, "-m", "babel.messages.frontend", "--quiet", *arguments],
        cwd=PROJECT,
        check=True,
    )


if __name__ == "__main__":
    main()
