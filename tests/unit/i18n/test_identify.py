"""Language identification: what people type, in fourteen languages and a few beyond."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n.identify import identify, preload
from bot.i18n.languages import LANGUAGES, REPLY_LANGUAGES

PLANNED = ("de", "en", "tr", "ar", "uk", "ru", "fa", "fr", "es", "it", "hr", "ro", "pl", "el")
FIVE = PLANNED[:5]

# First messages, parted by slashes: short, misspelt, without accents, mixed with German, and,
# where the script is another, as typed in Latin letters.
FIRST_MESSAGES = {
    "de": """
        Ich suche einen Deutschkurs für Anfänger / ich brauch hilfe / wo ist das jobcenter
        ich habe kein wohnung / was kostet das?
        Ich bin Krankenschwester aus Serbien, brauche Anerkenung, wo gehen?
        mein kind ist 2 jare alt / haben sie auch abends kurs
        Ich moechte mich fuer den Kurs anmelden / Selam, ich suche Arbeit und habe B1
        Kann ich mit meiner Duldung arbeiten? / gibts das auch kostenlos / nein danke, nicht das
    """,
    "en": """
        I am looking for a German course / how do i get kita spot with no german / need help
        can you help me pls / where can i do my Anmeldung / my husband lost his job
        is it free? / i dont understand the letter from Jobcenter / free german course
        do they have childcare during the Sprachkurs / i wnat to work as nurse
        who can I talk to / merhaba, i need a flat in Stuttgart
    """,
    "tr": """
        Merhaba, Kita için Anmeldung nerede / kreş arıyorum / is ariyorum yardim eder misiniz
        çocuğum 3 yaşında / ücretsiz almanca kursu var mı / B1 Kurs nerede yapabilirim
        Jobcenter'den randevu nasıl alınır / ne kadar / Wohnung bulmak istiyorum
        oturum icin ne lazim / almnca ogrenmek istiyom / KIZIM İÇİN KREŞ ARIYORUM
        hallo bana yardım lazım danke
    """,
    "ar": """
        كيف أسجل طفلي في الروضة في شتوتغارت؟ / بدي اتعلم الماني / وين الجوب سنتر
        عندي Termin بكرا شو لازم جيب / كيف أعدل شهادتي؟ / بدي Wohnung / هل الدورة مجانية
        شكراااا ممكن مساعدة / marhaba kif fini et3alam almani / bade es2al 3an dawret almani
        wen fini sajjel ibni / ana mumarrida w badde shoghl / shu lazem a3mel
    """,
    "uk": """
        Як записати дитину в садок у Штутгарті? / шукаю роботу / де знайти житло
        потрібна допомога / чи можна отримати B1 безкоштовно / як зробити Anmeldung
        хочу вивчити німецьку / я не розумію лист з Jobcenter / скільки коштує курс
        памагіть знайти квартиру будь ласка / pryvit de mozhna vchyty nimetsku / shukayu robotu
        meni potribna kvartyra
    """,
    "ru": """
        хочу на курсы немецкого, джобцентр не платит / ищу работу / где найти квартиру
        как записать ребенка в садик / нужен Termin / сколько это стоит / есть ли вечерние курсы
        здраствуйте, мне нужна помощ / что такое Anmeldung / можно бесплатно?
        privet gde mozhno uchit nemetskiy / ya ishu rabotu / kak sdelat Anmeldung
    """,
    "fa": """
        کلاس زبان آلمانی میخوام / دنبال کار هستم / برای بچه‌ام مهدکودک پیدا کنم
        چقدر هزینه داره / من پرستار هستم / Termin لازم دارم چیکار کنم / سلام خوبی
        آیا رایگان است / خونه میخام / salam chetor mitoonam almani yad begiram
        donbale kar migardam / baraye bachem kita mikham / in kelas rayegan ast
    """,
    "fr": """
        je cherche une place en creche / où apprendre l'allemand / j'ai besoin d'aide
        c'est gratuit / combien ça coûte / mon fils a 4 ans / comment faire l'Anmeldung
        je suis infirmiere / est ce que je peux travailler / y a til des cours le soir
        je ne comprend pas la lettre du Jobcenter / mon mari cherche du travail
        bonjour, j'aimerai un Termin
    """,
    "es": """
        busco trabajo de enfermera / donde puedo aprender aleman / ¿Vale mi título aquí?
        necesito ayuda / cuánto cuesta / mi hija tiene 3 años / como hago la Anmeldung
        quiero un curso por la tarde / no entiendo la carta del Jobcenter / hay algo gratis
        nesesito un piso / buenas, una pregunta / hallo, necesito una Wohnung
    """,
    "it": """
        cerco lavoro come infermiera / Come iscrivo mio figlio all'asilo? / ho bisogno di aiuto
        quanto costa / dove posso imparare il tedesco / mia figlia ha 2 anni
        cosa devo fare per la Anmeldung / non capisco la lettera del Jobcenter / è gratis?
        ci sono corsi di sera / perche non mi rispondono / vorei un Termin
        ciao, ho una domanda
    """,
    "hr": """
        Kako upisati dijete u vrtić? / trazim posao / gdje mogu uciti njemacki / treba mi pomoć
        koliko košta / moje dijete ima 3 godine / kako napraviti Anmeldung
        ne razumijem pismo iz Jobcentera / da li je besplatno / tražim stan u Stuttgartu
        gde mogu da nađem kurs / imate li tečaj navečer / bok, trebam Termin
    """,
    "ro": """
        caut un curs de germana gratuit / Se recunoaște diploma mea? / am nevoie de ajutor
        cât costă / unde pot învăța germana / copilul meu are 2 ani / cum fac Anmeldung
        nu inteleg scrisoarea de la Jobcenter / vreau un loc la grădiniță
        sunt asistenta medicala / este si seara? / sotul meu nu are lucru
        salut, caut o Wohnung
    """,
    "pl": """
        szukam pracy jako opiekunka / gdzie moge sie uczyc niemieckiego / potrzebuję pomocy
        ile to kosztuje / moje dziecko ma 3 lata / jak zrobić Anmeldung
        nie rozumiem listu z Jobcenter / czy jest za darmo / szukam mieszkania
        czy są kursy wieczorem / jestem pielegniarka / dzien dobry mam pytanie
        hallo, szukam Wohnung
    """,
    "el": """
        ψάχνω δουλειά / πού μπορώ να μάθω γερμανικά / χρειάζομαι βοήθεια / πόσο κοστίζει
        το παιδί μου είναι 3 χρονών / πως κανω Anmeldung
        δεν καταλαβαίνω το γράμμα από Jobcenter / ψαχνω σπιτι
        geia sas psaxno mathimata germanikon / psaxno douleia / pou mporo na matho germanika
        to paidi mou einai 3 xronon / xreiazomai voithia
    """,
}

# Language, message, and the language of the answer if fourteen or five are served.
BEYOND = [
    ("pt", "olá preciso de um curso de alemão", "es", "en"),
    ("bg", "здравейте търся курс по немски", "ru", "en"),
    ("sr", "Тражим посао у Штутгарту", "hr", "en"),
    ("sq", "pershendetje dua te mesoj gjermanisht", "en", "en"),
    ("ku", "ez dixwazim almanî fêr bibim", "tr", "tr"),
    ("ckb", "من دەمەوێت زمانی ئەڵمانی فێربم", "fa", "ar"),
    ("ps", "زه غواړم جرمني ژبه زده کړم", "fa", "en"),
    ("ur", "مجھے جرمن سیکھنا ہے", "en", "en"),
    ("vi", "tôi muốn học tiếng đức", "en", "en"),
    ("hu", "Német tanfolyamot keresek", "en", "en"),
    ("ti", "ሰላም ከመይ", "en", "en"),
    ("zh", "我想学德语", "en", "en"),
]

# What says nothing about its writer: agreement, numbers, links, German words, places, names.
NO_LANGUAGE = [
    *("", "   ", "ok", "OK!", "okay", "👍", "😊😊", "12", "0711 216-0", "B1", "A2 / B1", "70372"),
    *("https://www.stuttgart.de/kita", "mail@example.org", "@lotse_bot", "/start", "!!!", "haha"),
    *("Kita", "Jobcenter", "Termin", "Anmeldung", "Wohnung", "Kita Anmeldung", "Deutschkurs B1"),
    *("Ausländerbehörde", "Agentur für Arbeit", "Amt für öffentliche Ordnung", "Stuttgart-West"),
    *(
        "Königstraße 12",
        "Bad Cannstatt",
        "VHS",
        "Volkshochschule Stuttgart",
        "danke",
        "hallo",
        "hi",
    ),
    *("Fatma Yılmaz", "Olena Kovalenko", "Giovanni Rossi", "Jean Dupont", "Mohammad Al Ahmad"),
    *("Müller", "Анна Петренко", "محمد علي", "Μαρία Παπαδοπούλου", "merci", "Frau Schneider"),
    *("Maria Fernanda Gonzalez Rodriguez", "Nguyễn Thị Minh Khai", "Шевченко Олександр Петрович"),
]

MESSAGES = [
    (code, text.strip())
    for code, lines in FIRST_MESSAGES.items()
    for text in lines.replace("\n", " / ").split(" / ")
    if text.strip()
]

# For each language, a message that is clear enough to change a conversation's language.
CLEAR = {code: next(text for c, text in MESSAGES if c == code) for code in PLANNED}


def _answer(text: str, previous: str | None = None, platform: str | None = None) -> str:
    return identify(text, previous=previous, platform=platform, served=PLANNED).language


def test_every_language_has_a_dozen_first_messages() -> None:
    counts = {code: sum(c == code for c, _ in MESSAGES) for code in PLANNED}
    assert min(counts.values()) >= 12, counts


@pytest.mark.parametrize(("code", "text"), MESSAGES)
def test_first_message_is_recognised(code: str, text: str) -> None:
    found = identify(text, served=PLANNED)
    assert (found.written, found.language) == (code, code), found


@pytest.mark.parametrize(("code", "text", "of_fourteen", "of_five"), BEYOND)
def test_other_languages_are_recognised_and_answered_in_the_nearest(
    code: str, text: str, of_fourteen: str, of_five: str
) -> None:
    wide, narrow = identify(text, served=PLANNED), identify(text, served=FIVE)
    assert (wide.written, wide.language) == (code, of_fourteen), wide
    assert (narrow.written, narrow.language) == (code, of_five), narrow


@pytest.mark.parametrize("text", NO_LANGUAGE)
@pytest.mark.parametrize("previous", PLANNED)
def test_text_without_language_keeps_the_conversation(previous: str, text: str) -> None:
    found = identify(text, previous=previous, served=PLANNED)
    assert found.language == previous, found
    assert _answer(text, previous, platform="en") == previous


@pytest.mark.parametrize("text", NO_LANGUAGE)
def test_text_without_language_starts_in_the_platform_language(text: str) -> None:
    assert _answer(text, platform="tr-TR") == "tr"
    assert not identify(text, platform="tr-TR", served=PLANNED).certain


@pytest.mark.parametrize("previous", PLANNED)
@pytest.mark.parametrize("code", PLANNED)
def test_clear_message_changes_the_conversation(previous: str, code: str) -> None:
    assert _answer(CLEAR[code], previous, platform=previous) == code


@pytest.mark.parametrize("platform", PLANNED)
@pytest.mark.parametrize("code", PLANNED)
def test_platform_is_only_a_prior(platform: str, code: str) -> None:
    found = identify(CLEAR[code], platform=platform, served=PLANNED)
    assert (found.language, found.certain) == (code, True)


@pytest.mark.parametrize(
    ("previous", "text"),
    [
        ("tr", "Termin für Anmeldung"),
        ("tr", "Agentur für Arbeit Stuttgart nerede"),
        ("tr", "Guten Tag"),
        ("ar", "Termin beim Jobcenter"),
        ("uk", "для дитини"),
        ("uk", "привет"),
        ("ru", "привіт"),
        ("en", "gracias"),
        ("it", "gracias"),
        ("ar", "سلام"),
        ("fa", "شكرا"),
        ("de", "Taxi Hotel Restaurant"),
        ("de", "merhaba"),
        ("el", "poso kostizei to mathima"),
    ],
)
def test_short_or_ambiguous_text_keeps_the_conversation(previous: str, text: str) -> None:
    assert _answer(text, previous) == previous


@pytest.mark.parametrize(
    ("previous", "text", "expected"),
    [
        ("en", "kreş arıyorum", "tr"),
        ("de", "ima li navečer", "hr"),
        ("en", "مرحبا", "ar"),
        ("de", "привіт", "uk"),
        ("de", "I would rather write English", "en"),
        ("en", "ich möchte lieber deutsch schreiben", "de"),
        ("ru", "я не розумію, можна українською?", "uk"),
        ("uk", "я не понимаю, можно по-русски?", "ru"),
        ("ar", "من فارسی صحبت میکنم", "fa"),
    ],
)
def test_short_but_clear_text_changes_the_conversation(
    previous: str, text: str, expected: str
) -> None:
    assert _answer(text, previous) == expected


@pytest.mark.parametrize(
    ("text", "platform", "expected"),
    [
        ("hallo", None, "de"),
        ("hello", None, "en"),
        ("hallo", "ar", "ar"),
        ("salam", "fa-IR", "fa"),
        ("ok", "pt-br", "es"),
        ("ok", "xx-junk-!", "de"),
        ("ok", None, "de"),
        ("", None, "de"),
    ],
)
def test_first_message_without_evidence(text: str, platform: str | None, expected: str) -> None:
    found = identify(text, platform=platform, served=PLANNED)
    assert (found.language, found.certain) == (expected, False)


@pytest.mark.parametrize("previous", PLANNED)
def test_pinned_language_never_changes(previous: str) -> None:
    for text in (*CLEAR.values(), "", "ok"):
        found = identify(text, previous=previous, platform="de", pinned=True, served=PLANNED)
        assert (found.language, found.certain) == (previous, True)


def test_pinning_nothing_pins_nothing() -> None:
    assert identify(CLEAR["tr"], pinned=True).language == "tr"
    assert identify(CLEAR["tr"], previous="junk!", pinned=True).language == "tr"


def test_message_in_a_language_not_served_does_not_leave_its_nearest() -> None:
    found = identify("olá preciso de um curso de alemão", previous="en", served=FIVE)
    assert (found.language, found.written) == ("en", "pt")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("їжа", "uk"),
        ("объявление", "ru"),
        ("ćevapčići", "hr"),
        ("łazienka", "pl"),
        ("şehir", "tr"),
        ("چراغ", "fa"),
        ("țară", "ro"),
        ("армий", "ru"),
        ("وإجرام", "ar"),
    ],
)
def test_one_word_is_told_by_its_letters(text: str, code: str) -> None:
    assert identify(text, served=PLANNED).written == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("lootfan komaak konid", "fa"),
        ("psahno dhulia", "el"),
        ("chetour mitounam", "fa"),
        ("shoo baddee aamel", "ar"),
        ("oochen nuzhnaa rabota", "ru"),
    ],
)
def test_latin_spelling_is_heard(text: str, code: str) -> None:
    assert identify(text, served=PLANNED).written == code


def test_latin_letters_alone_suggest_no_other_script() -> None:
    for word in ("banca", "ventana", "cavalo", "beyaz", "pencere", "telefon"):
        found = identify(word, served=PLANNED).written
        assert found not in {"ar", "bg", "el", "fa", "ru", "uk", "ur"}, word


@pytest.mark.parametrize("code", ["ar", "fa"])
def test_platform_and_history_decide_between_equals(code: str) -> None:
    assert identify("salam", platform=code, served=PLANNED).written == code
    assert identify("salam", previous=code, served=PLANNED).written == code


def test_scores_are_ranked_probabilities() -> None:
    scores = list(identify("hola, trabajo", served=PLANNED).scores.values())
    assert scores == sorted(scores, reverse=True)
    assert 0.98 < sum(scores) <= 1.001


def test_threads_agree_with_one_another() -> None:
    preload()
    texts = [text for _, text in MESSAGES] * 3
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: identify(text, served=PLANNED), texts))
    assert together == [identify(text, served=PLANNED) for text in texts]


_TEXTS = st.one_of(
    st.text(st.characters(), max_size=80),
    st.lists(
        st.sampled_from([word for _, text in MESSAGES for word in text.split()] + NO_LANGUAGE),
        max_size=12,
    ).map(" ".join),
)
_TAGS = st.one_of(st.none(), st.sampled_from([*LANGUAGES, "pt-br", "zh-hans-CN"]), st.text())


@given(
    text=_TEXTS,
    previous=_TAGS,
    platform=_TAGS,
    pinned=st.booleans(),
    served=st.lists(st.sampled_from(PLANNED), min_size=1, unique=True).map(tuple),
)
def test_any_text_gives_a_served_language(
    text: str, previous: str | None, platform: str | None, pinned: bool, served: tuple[str, ...]
) -> None:
    found = identify(text, previous=previous, platform=platform, pinned=pinned, served=served)
    assert found.language in served
    assert found.written is None or found.written in LANGUAGES
    default = identify(text, previous=previous, platform=platform, pinned=pinned)
    assert default.language in REPLY_LANGUAGES
