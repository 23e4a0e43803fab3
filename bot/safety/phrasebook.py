"""Finds many phrases at once in a text that has been taken apart into folded words.

The notation of phrases is explained at the head of ``phrases.yml``. All phrases
together form one automaton over words, so that the time of a search hardly grows
with their number and loading needs no compilation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.errors import ConfigurationError

GAP = 4
"""So many words at most stand in the place of "…"."""
BARRIER = "\N{MIDDLE DOT}"
"""A word that no phrase contains and no gap crosses."""

# Arabic joins "and" or "so" to the word that follows, and particles to many more.
_CONJUNCTIONS = "وف"
_JOINED_LETTERS = 3
_STEM_AT_MOST = 30
# Ordinary messages meet a few hundred combinations of states; each is merged once.
_MERGED_AT_MOST = 2_000

_UMLAUTS = {ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue"}
_TOKEN = re.compile(r"[(|)^$…]|\{\w+\}|[^\s(|)^$…{}]+|\S")


class Found(NamedTuple):
    """A phrase of this label stands in the words from ``start`` up to before ``end``."""

    label: str
    start: int
    end: int


@dataclass(slots=True, eq=False)
class _State:
    words: dict[str, list[_State]] = field(default_factory=dict)
    stems: dict[str, list[_State]] = field(default_factory=dict)
    joined_words: dict[str, list[_State]] = field(default_factory=dict)
    joined_stems: dict[str, list[_State]] = field(default_factory=dict)
    any_word: list[_State] = field(default_factory=list)
    freely: list[_State] = field(default_factory=list)
    at_beginning: list[_State] = field(default_factory=list)
    at_end: list[_State] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    # Where each part of a phrase leads that some phrase has at this point: phrases that
    # begin alike share their states.
    exits: dict[str, _State] = field(default_factory=dict)

    def tables(self) -> tuple[dict[str, list[_State]], ...]:
        return self.words, self.stems, self.joined_words, self.joined_stems

    def after(self, word: str) -> list[_State]:
        if word == BARRIER:
            return []
        following = self.any_word + self.words.get(word, [])
        if self.stems:
            following += _by_stem(self.stems, word)
        if _is_arabic(word):
            following += self._after_joined(word)
        return following

    def _after_joined(self, word: str) -> list[_State]:
        following: list[_State] = []
        if word[0] in _CONJUNCTIONS:
            following += self.words.get(word[1:], [])
            following += _by_stem(self.stems, word[1:])
        if self.joined_words or self.joined_stems:
            for joined in range(_JOINED_LETTERS + 1):
                following += self.joined_words.get(word[joined:], [])
                following += _by_stem(self.joined_stems, word[joined:])
        return following


class PhraseBook:
    """Phrases, each under a label, and the search for all of them in one pass."""

    def __init__(self, fold: Callable[[str], str]) -> None:
        """``fold`` brings a word of a phrase into the form the searched words have."""
        self._fold = fold
        self._root = _State()
        self._merged: dict[tuple[frozenset[_State], bool, bool], _State] = {}

    def add(self, label: str, phrase: str, groups: Mapping[str, str]) -> None:
        """Raises ``ConfigurationError`` where the phrase breaks the rules of the notation."""
        self._merged.clear()
        try:
            tokens = _TOKEN.findall(phrase)
            final = self._alternatives(self._root, tokens, groups)
            if tokens:
                raise ConfigurationError("there is a bracket too many")
        except ConfigurationError as error:
            raise ConfigurationError(f"cannot read the phrase {phrase!r}: {error}") from error
        final.labels.add(label)
        if final in _reachable([self._root], is_beginning=True, is_end=True):
            raise ConfigurationError(f"the phrase {phrase!r} could be without a word")

    def search(self, words: list[str]) -> Iterator[Found]:
        """Every phrase in the folded words, from the left; several may overlap."""
        for start in range(len(words)):
            state = self._merge([self._root], is_beginning=start == 0)
            for end, word in enumerate(words[start:], start + 1):
                following = state.after(word)
                if not following:
                    break
                state = self._merge(following, is_end=end == len(words))
                for label in state.labels:
                    yield Found(label, start, end)

    def _merge(
        self, states: list[_State], *, is_beginning: bool = False, is_end: bool = False
    ) -> _State:
        """One state that stands for all these and what is reached from them without a word."""
        key = frozenset(states), is_beginning, is_end
        merged = self._merged.get(key)
        if merged is None:
            if len(self._merged) >= _MERGED_AT_MOST:
                self._merged.clear()
            merged = self._merged[key] = _State()
            for state in _reachable(states, is_beginning=is_beginning, is_end=is_end):
                merged.any_word += state.any_word
                merged.labels |= state.labels
                for table, part in zip(merged.tables(), state.tables(), strict=True):
                    for word, following in part.items():
                        table.setdefault(word, []).extend(following)
        return merged

    def _alternatives(self, entry: _State, tokens: list[str], groups: Mapping[str, str]) -> _State:
        exits = [self._sequence(entry, tokens, groups)]
        while tokens and tokens[0] == "|":
            tokens.pop(0)
            exits.append(self._sequence(entry, tokens, groups))
        together = _State()
        for state in exits:
            state.freely.append(together)
        return together

    def _sequence(self, entry: _State, tokens: list[str], groups: Mapping[str, str]) -> _State:
        while tokens and tokens[0] not in "|)":
            entry = self._part(entry, tokens, groups)
        return entry

    def _part(self, entry: _State, tokens: list[str], groups: Mapping[str, str]) -> _State:
        token = tokens.pop(0)
        inside: list[str] = []
        if token == "(":  # noqa: S105 -- a bracket, not a secret
            inside = _up_to_closing_bracket(tokens)
        elif token.startswith("{"):
            if token[1:-1] not in groups:
                raise ConfigurationError(f"no words are given for {token}")
            inside = _TOKEN.findall(groups[token[1:-1]])
        if token in ("(", ")") and not inside:
            raise ConfigurationError("brackets enclose nothing")
        name = " ".join([token, *inside])
        if name not in entry.exits:
            entry.exits[name] = (
                self._alternatives(entry, inside, groups) if inside else self._step(entry, token)
            )
        return entry.exits[name]

    def _step(self, entry: _State, token: str) -> _State:
        if token == "…":  # noqa: S105
            return _gap(entry)
        if token in ("^", "$"):
            anchored = _State()
            (entry.at_beginning if token == "^" else entry.at_end).append(anchored)  # noqa: S105
            return anchored
        return self._word(entry, token)

    def _word(self, entry: _State, token: str) -> _State:
        is_joined, is_stem = token.startswith("*"), token.endswith("*")
        exits = _State()
        for form in _spellings(token.strip("*")):
            *before, last = (self._fold(word) for word in form)
            if not last or " " in last or len(last) > _STEM_AT_MOST:
                raise ConfigurationError(f"{token!r} is not one word")
            state = entry
            for word in before:
                state = _follow(state.words, word)
            table = {
                (False, False): state.words,
                (False, True): state.stems,
                (True, False): state.joined_words,
                (True, True): state.joined_stems,
            }[is_joined, is_stem]
            table.setdefault(last, []).append(exits)
        return exits


def _up_to_closing_bracket(tokens: list[str]) -> list[str]:
    """Takes the tokens up to the bracket's end from the front; the end itself is dropped."""
    depth = 1
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth == 0:
            inside = tokens[:index]
            del tokens[: index + 1]
            return inside
    raise ConfigurationError("a bracket is never closed")


def _spellings(word: str) -> Iterator[tuple[str, ...]]:
    """Written together or apart where "_" stands; German umlauts with and without their e."""
    for spelling in {word, word.translate(_UMLAUTS)}:
        parts = tuple(spelling.split("_"))
        yield parts
        if len(parts) > 1:
            yield ("".join(parts),)


def _gap(entry: _State) -> _State:
    end = _State()
    for _ in range(GAP):
        entry.freely.append(end)
        following = _State()
        entry.any_word.append(following)
        entry = following
    entry.freely.append(end)
    return end


def _follow(table: dict[str, list[_State]], word: str) -> _State:
    state = _State()
    table.setdefault(word, []).append(state)
    return state


def _by_stem(stems: dict[str, list[_State]], word: str) -> list[_State]:
    return [
        state
        for length in range(1, min(len(word), _STEM_AT_MOST) + 1)
        if word[:length] in stems
        for state in stems[word[:length]]
    ]


def _reachable(states: list[_State], *, is_beginning: bool, is_end: bool) -> set[_State]:
    """These states and those reached from them without a word."""
    seen: set[_State] = set()
    waiting = list(states)
    while waiting:
        state = waiting.pop()
        if state in seen:
            continue
        seen.add(state)
        waiting += state.freely
        if is_beginning:
            waiting += state.at_beginning
        if is_end:
            waiting += state.at_end
    return seen


def _is_arabic(word: str) -> bool:
    return "؀" <= word[:1] <= "ۿ"
