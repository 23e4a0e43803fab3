"""Short messages in many languages, used to calibrate the int8 graph and to check it.

They are everyday requests of newcomers, in the scripts and lengths the assistant meets, plus the
shapes that are not sentences at all: empty, blank, a single word, an emoji, shouting, digits.
"""

from __future__ import annotations

SENTENCES: dict[str, tuple[str, ...]] = {
    "am": ("የጀርመንኛ ትምህርት እፈልጋለሁ", "ሥራ እንዴት ማግኘት እችላለሁ?"),
    "ar": ("أبحث عن دورة لغة ألمانية في المساء", "هل يوجد طبيب يتحدث العربية؟"),
    "bg": ("Търся работа на половин ден.", "Къде мога да запиша детето си на училище?"),
    "bn": ("আমি জার্মান শিখতে চাই", "আমার একটি বাসা দরকার"),
    "ckb": ("من بە دوای کاردا دەگەڕێم", "دەمەوێت فێری زمانی ئەڵمانی ببم"),
    "cs": ("Hledám kurz němčiny pro začátečníky.", "Kolik stojí školka?"),
    "de": (
        "Ich suche einen Deutschkurs mit Kinderbetreuung.",
        "Wie kann ich mein Diplom anerkennen lassen?",
        "Ich möchte meinen Beratungstermin am Donnerstag auf nächste Woche verschieben, "
        "weil mein Sohn krank ist und ich niemanden habe, der auf ihn aufpasst.",
    ),
    "el": ("Ψάχνω για διαμέρισμα με δύο δωμάτια.", "Πού μπορώ να μάθω γερμανικά;"),
    "en": (
        "I am looking for a German course in the evening.",
        "can you help me find a kindergarten near the main station",
        "My landlord wants me to leave the flat until next month and I do not know what to do, "
        "is there somebody who can read the letter with me?",
    ),
    "es": ("Busco trabajo como enfermera.", "¿Dónde puedo hacer un curso de alemán gratis?"),
    "fa": ("من به دنبال خانه هستم", "چطور می‌توانم برای دخترم مهدکودک پیدا کنم؟"),
    "fr": ("Je cherche un logement pour ma famille.", "Comment faire reconnaître mon diplôme ?"),
    "hi": ("मुझे जर्मन भाषा सीखनी है", "क्या यहाँ कोई डॉक्टर है?"),
    "hr": ("Trebam pomoć s obrascem za dječji doplatak.", "Gdje mogu naučiti njemački?"),
    "hu": ("Munkát keresek Stuttgartban.", "Mennyibe kerül a nyelvtanfolyam?"),
    "hy": ("Ես գերմաներենի դասընթաց եմ փնտրում", "Ինձ օգնություն է պետք"),
    "id": ("Saya mencari kursus bahasa Jerman.", "Di mana saya bisa mendaftar?"),
    "it": ("Cerco un asilo nido per mia figlia.", "Quanto costa il corso di tedesco?"),
    "ja": ("ドイツ語のコースを探しています。", "仕事を見つけたいです"),
    "ka": ("გერმანული ენის კურსს ვეძებ", "დახმარება მჭირდება"),
    "kmr": ("Ez li kar digerim.", "Ez dixwazim fêrî zimanê almanî bibim."),
    "ko": ("독일어 수업을 찾고 있어요", "아이를 맡길 곳이 필요합니다"),
    "lt": ("Ieškau vokiečių kalbos kursų.", "Kur galiu gauti pagalbą?"),
    "nl": ("Ik zoek een baan in de zorg.", "Waar kan ik Duits leren met mijn baby?"),
    "pl": ("Szukam mieszkania dla trzech osób.", "Jak uznać mój dyplom w Niemczech?"),
    "ps": ("زه د کار په لټه کې یم", "زه غواړم جرمني ژبه زده کړم"),
    "pt": ("Procuro um curso de alemão à noite.", "Onde posso pedir o abono de família?"),
    "ro": ("Caut un loc de muncă.", "Cum pot să-mi înscriu copilul la grădiniță?"),
    "ru": ("Здравствуйте, мне нужна помощь с документами.", "Где найти курсы немецкого языка?"),
    "so": ("Waxaan raadinayaa shaqo.", "Waxaan rabaa inaan barto luqadda Jarmalka."),
    "sq": ("Po kërkoj një kurs gjermanishteje.", "Si mund të gjej punë?"),
    "sr": ("Тражим стан за моју породицу.", "Како да пријавим дете у школу?"),
    "sw": ("Natafuta kazi.", "Ninataka kujifunza Kijerumani."),
    "ta": ("நான் வேலை தேடுகிறேன்", "எனக்கு உதவி தேவை"),
    "th": ("ฉันกำลังหาคอร์สเรียนภาษาเยอรมัน", "ฉันต้องการความช่วยเหลือ"),
    "ti": ("ቋንቋ ጀርመን ክመሃር እደሊ", "ስራሕ የናዲ ኣለኹ"),
    "tl": ("Naghahanap ako ng trabaho.", "Saan ako puwedeng mag-aral ng Aleman?"),
    "tr": ("Akşamları Almanca kursu arıyorum.", "Çocuğum için kreş nasıl bulabilirim?"),
    "uk": ("Я шукаю роботу в Штутгарті.", "Як записати дитину до дитячого садка?"),
    "ur": ("مجھے جرمن زبان سیکھنی ہے", "کیا یہاں کوئی ڈاکٹر ہے؟"),
    "vi": ("Tôi cần tìm việc làm.", "Học tiếng Đức ở đâu miễn phí?"),
    "zh": ("你好，我需要帮助", "哪里可以学习德语？"),
}
"""Messages by ISO 639 code."""

SHAPES: tuple[str, ...] = (
    "",
    " ",
    "?",
    "a",
    "ok",
    "B1",
    "👍",
    "HELP ME PLEASE!!!",
    "0711 216-0",
    "24.12.2025 um 15:30 Uhr",
    "info@example.org",
    "https://www.example.org/kurse?stufe=b1",
    "hallo hallo hallo hallo hallo hallo hallo hallo",
    "- \t* [x] {y} <z> #1 \\n",
)
"""Inputs that are no sentences but reach the encoder all the same."""


def all_sentences() -> list[str]:
    """Return every sentence and every shape, in a fixed order."""
    return [text for texts in SENTENCES.values() for text in texts] + list(SHAPES)
