"""Finds many phrases at once in a text that has been taken apart into folded words.

The notation of phrases is explained in ``phrases/README.md``. All phrases
together form one automaton over words, so that the time of a search hardly grows
with their number and loading needs no compilation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
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
_TOKEN = re.compile(r"[(|)]|\{\w+\}|[^\s(|){}]+|\S")


class Found(NamedTuple):
    """A phrase of this label stands in the words from ``start`` up to before ``end``."""

    label: str
    start: int
    end: int


class PhraseBook:
    """Phrases, each under a label, and the search for all of them in one pass."""

    def __init__(self, fold: Callable[[str], str]) -> None:
        """``fold`` brings a word of a phrase into the form the searched words have."""
        self._fold = fold
        self._root = _State()
        self._ends: dict[str, _State] = {}
        self._merged: dict[tuple[frozenset[_State], bool, bool], _State] = {}

    def add(self, label: str, phrase: str, groups: Mapping[str, str]) -> None:
        """Raises ``ConfigurationError`` where the phrase breaks the rules of the notation."""
        self._merged.clear()
        end = self._ends.setdefault(label, _State(labels={label}))
        try:
            self._lead_by_sequence(self._root, _parsed(phrase, groups), end)
        except ConfigurationError as error:
            raise ConfigurationError(f"cannot read the phrase {phrase!r}: {error}") from error
        if end in _reachable([self._root], is_beginning=True, is_end=True):
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
            merged = _State()
            for state in _reachable(states, is_beginning=is_beginning, is_end=is_end):
                merged.take_in(state)
            # Only now: an interruption or another thread must never leave or meet it half made.
            self._merged[key] = merged
        return merged

    def _lead_by_sequence(self, entry: _State, parts: _Sequence, exit_: _State) -> None:
        if not parts:
            entry.freely.append(exit_)
            return
        for part in parts[:-1]:
            # Phrases that begin alike share their states.
            following = entry.shared.get(str(part))
            if following is None:
                following = entry.shared[str(part)] = _State()
                self._lead(entry, part, following)
            entry = following
        self._lead(entry, parts[-1], exit_)

    def _lead(self, entry: _State, part: str | _Group, exit_: _State) -> None:
        """Makes ``exit_`` the state that follows ``entry`` when the part has been read."""
        if isinstance(part, _Group):
            for alternative in part.alternatives:
                self._lead_by_sequence(entry, alternative, exit_)
        elif part == "…":
            _lead_by_gap(entry, exit_)
        elif part == "^":
            entry.at_beginning.append(exit_)
        elif part == "$":
            entry.at_end.append(exit_)
        else:
            self._lead_by_word(entry, part, exit_)

    def _lead_by_word(self, entry: _State, word: str, exit_: _State) -> None:
        is_joined, is_stem = word.startswith("*"), word.endswith("*")
        for spelling in _spellings(word.strip("*")):
            *before, last = folded = [self._fold(part) for part in spelling]
            if not all(0 < len(w) <= _STEM_AT_MOST and " " not in w for w in folded):
                raise ConfigurationError(f"{word!r} is not one word")
            state = entry
            for earlier in before:
                between = _State()
                state.words.setdefault(earlier, []).append(between)
                state = between
            state.table(is_joined=is_joined, is_stem=is_stem).setdefault(last, []).append(exit_)


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
    shared: dict[str, _State] = field(default_factory=dict)

    def table(self, *, is_joined: bool, is_stem: bool) -> dict[str, list[_State]]:
        if is_joined:
            return self.joined_stems if is_stem else self.joined_words
        return self.stems if is_stem else self.words

    def after(self, word: str) -> list[_State]:
        if word == BARRIER:
            return []
        following = self.any_word + self.words.get(word, [])
        if self.stems:
            following += _by_stem(self.stems, word)
        if _is_arabic(word):
            following += self._after_joined(word)
        return following

    def take_in(self, other: _State) -> None:
        self.any_word += other.any_word
        self.labels |= other.labels
        for table, part in zip(self._tables(), other._tables(), strict=True):
            for word, following in part.items():
                table.setdefault(word, []).extend(following)

    def _tables(self) -> tuple[dict[str, list[_State]], ...]:
        return self.words, self.stems, self.joined_words, self.joined_stems

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


@dataclass(frozen=True, slots=True)
class _Group:
    alternatives: tuple[_Sequence, ...]

    def __str__(self) -> str:
        return f"({'|'.join(' '.join(map(str, parts)) for parts in self.alternatives)})"


_Sequence = tuple["str | _Group", ...]


def _parsed(phrase: str, groups: Mapping[str, str]) -> _Sequence:
    tokens = _TOKEN.findall(phrase)
    alternatives = _alternatives(tokens, groups)
    if tokens:
        raise ConfigurationError("there is a bracket too many")
    return (_Group(alternatives),) if len(alternatives) > 1 else alternatives[0]


def _alternatives(tokens: list[str], groups: Mapping[str, str]) -> tuple[_Sequence, ...]:
    found: list[_Sequence] = []
    parts: list[str | _Group] = []
    while tokens and tokens[0] != ")":
        token = tokens.pop(0)
        if token == "|":  # noqa: S105 -- a sign, not a secret
            found.append(tuple(parts))
            parts = []
        else:
            parts.append(_part(token, tokens, groups))
    return (*found, tuple(parts))


def _part(token: str, tokens: list[str], groups: Mapping[str, str]) -> str | _Group:
    if token == "(":  # noqa: S105 -- a sign, not a secret
        inside = _Group(_alternatives(tokens, groups))
        if not tokens or tokens.pop(0) != ")":
            raise ConfigurationError("a bracket is never closed")
        return inside
    if token.startswith("{"):
        if token[1:-1] not in groups:
            raise ConfigurationError(f"no words are given for {token}")
        return _Group((_parsed(groups[token[1:-1]], groups),))
    return token


def _spellings(word: str) -> Iterator[tuple[str, ...]]:
    """Written together or apart where "_" stands; German umlauts with and without their e."""
    for spelling in {word, word.translate(_UMLAUTS)}:
        parts = tuple(spelling.split("_"))
        yield parts
        if len(parts) > 1:
            yield ("".join(parts),)


def _lead_by_gap(entry: _State, exit_: _State) -> None:
    for _ in range(GAP):
        entry.freely.append(exit_)
        following = _State()
        entry.any_word.append(following)
        entry = following
    entry.freely.append(exit_)


def _by_stem(stems: dict[str, list[_State]], word: str) -> list[_State]:
    return [
        state
        for length in range(1, min(len(word), _STEM_AT_MOST) + 1)
        if word[:length] in stems
        for state in stems[word[:length]]
    ]


def _reachable(states: Iterable[_State], *, is_beginning: bool, is_end: bool) -> set[_State]:
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
