"""Finds the phrases of a word list in a message: a trie over words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar

from engine.entities.text import Message, Token, words
from engine.entities.wordlists import Spelling, WordList, WordListError, load

# The value under which a list keeps look-alikes: "free time" is not free of charge.
NONE = "none"
_SHORTEST_STEM = 2
_SHORTEST_ARABIC_WORD = 3
V = TypeVar("V")


@dataclass(frozen=True)
class Match(Generic[V]):
    """Tokens ``first`` to ``last`` (not included) are a spelling of ``value``."""

    first: int
    last: int
    value: V


@dataclass
class _Node(Generic[V]):
    words: dict[str, _Node[V]] = field(default_factory=dict)
    stems: dict[str, _Node[V]] = field(default_factory=dict)
    values: tuple[V, ...] = ()


@lru_cache(maxsize=8192)
def arabic_forms(word: str) -> tuple[str, ...]:
    """A word without the conjunctions, prepositions and articles Arabic writes onto it."""
    if not "\u0621" <= word[0] <= "\u064a":
        return (word,)
    forms = [word]
    for prefixes in (("و", "ف"), ("ب", "ل", "ك"), ("ال", "ل", "عال")):
        shortened = [
            form[len(prefix) :]
            for form in forms
            for prefix in prefixes
            if form.startswith(prefix) and len(form) - len(prefix) >= _SHORTEST_ARABIC_WORD
        ]
        forms.extend(form for form in shortened if form not in forms)
    return tuple(forms)


def bare_forms(word: str) -> tuple[str, ...]:
    """A word without the Arabic "and", and nothing else, written onto it."""
    if word[0] == "و" and len(word) > _SHORTEST_ARABIC_WORD:
        return (word, word[1:])
    return (word,)


class PhraseMatcher(Generic[V]):
    """Matches phrases, the longest first.

    A word that ends in ``*`` stands for all that begin like it; a phrase that ends in
    ``!`` is matched with the accents it is written with.
    """

    def __init__(self) -> None:
        self._root: _Node[V] = _Node()
        self._accented: dict[tuple[str, ...], str] = {}

    def add(self, phrase: str, value: V) -> None:
        """Adds a phrase; ``*`` at the end of a word stands for any ending."""
        node = self._root
        if phrase.endswith("!"):
            self._accented[tuple(words(phrase))] = phrase[:-1].casefold()
        for word in words(phrase):
            branch = node.stems if word.endswith("*") else node.words
            node = branch.setdefault(word.rstrip("*"), _Node())
        if value not in node.values:
            node.values += (value,)

    def values(self, phrase: str) -> tuple[V, ...]:
        """The values a phrase was added with, in exactly this spelling."""
        node = self._root
        for word in words(phrase):
            branch = node.stems if word.endswith("*") else node.words
            if word.rstrip("*") not in branch:
                return ()
            node = branch[word.rstrip("*")]
        return node.values

    def find(self, message: Message) -> Iterator[Match[V]]:
        """All matches from left to right; matches do not overlap."""
        index = 0
        while index < len(message.tokens):
            last, values = self.match_at(message.tokens, index)
            if values and self._accented and not self._is_as_written(message, index, last):
                values = ()
            for value in values:
                yield Match(index, last, value)
            index = max(last, index + 1)

    def _is_as_written(self, message: Message, first: int, last: int) -> bool:
        wanted = self._accented.get(tuple(token.word for token in message.tokens[first:last]))
        start, end = message.span_of(first, last)
        return wanted is None or wanted == message.original[start:end].casefold()

    def match_at(
        self,
        tokens: tuple[Token, ...],
        index: int,
        forms: Callable[[str], tuple[str, ...]] = arabic_forms,
    ) -> tuple[int, tuple[V, ...]]:
        """The longest match that begins at a token: its end and its values."""
        best: tuple[int, tuple[V, ...]] = (index, ())
        nodes = [self._root]
        while nodes and index < len(tokens):
            variants = forms(tokens[index].word)
            nodes = [step for node in nodes for step in _steps(node, variants)]
            index += 1
            for node in nodes:
                if node.values:
                    best = (index, node.values)
                    break
            if index < len(tokens) and not tokens[index].joined:
                break
        return best


def _steps(node: _Node[V], forms: tuple[str, ...]) -> list[_Node[V]]:
    found = []
    for form in forms:
        exact = node.words.get(form)
        if exact is not None:
            found.append(exact)
        if node.stems:
            for length in range(len(form), _SHORTEST_STEM - 1, -1):
                stem = node.stems.get(form[:length])
                if stem is not None:
                    found.append(stem)
    return found


def compile_list(wordlist: WordList, spellings: Iterable[Spelling]) -> PhraseMatcher[str]:
    """A matcher for spellings that each must mean one thing only."""
    matcher: PhraseMatcher[str] = PhraseMatcher()
    for spelling in spellings:
        others = [value for value in matcher.values(spelling.text) if value != spelling.value]
        if others:
            raise WordListError(
                f"{wordlist.path}:{spelling.line}: {spelling.language}.{spelling.value}: "
                f"{spelling.text!r} is already a spelling of {others[0]!r}"
            )
        matcher.add(spelling.text, spelling.value)
    return matcher


def value_and_role_matchers(
    name: str,
    *,
    values: Iterable[str],
    roles: Iterable[str],
    names: Iterable[tuple[str, str]] = (),
) -> tuple[PhraseMatcher[str], PhraseMatcher[str]]:
    """The matchers of a list's values and look-alikes, and of its words that stand around them.

    ``names`` are more names, each with its value; one that the list has means what it says there.
    Raises ``WordListError`` as `load` and `compile_list` do.
    """
    roles = tuple(roles)
    legal = {*values, *roles, NONE}
    wordlist = load(name, legal.__contains__)
    meant = compile_list(wordlist, wordlist.without(*roles))
    for spelling, value in names:
        if not meant.values(spelling):
            meant.add(spelling, value)
    around: PhraseMatcher[str] = PhraseMatcher()
    for word in wordlist.of(*roles):
        around.add(word.text, word.value)
    return meant, around
