"""Everyday lines in languages that a detector could take for romanised Arabic or Persian.

Urdu shares many words with Persian, Kurdish and Somali their sounds; whoever types them in plain
Latin letters is understood better as typed. They teach the detector that they are none of its
languages, and nothing else: no line is about an offer.
"""

from __future__ import annotations

LINES = (
    # Urdu and Hindi
    "aap kaise hain, main theek hun",
    "mera naam Ahmed hai aur main Lahore se hun",
    "mujhe samajh nahi aa raha hai ke kya karun",
    "kya aap mujhe bata sakte hain ye kahan hai",
    "hum log pichle mahine yahan aaye the",
    "wo kal subah bazaar gaya tha aur abhi tak wapas nahi aaya",
    "meri behan ka beta bohot bimar hai",
    "is ka matlab kya hota hai, zara bata do",
    "mere paas abhi itne paise nahi hain",
    "shukriya bhai, aap ne bohot madad ki",
    "ye kaam kis tarah hota hai mujhe nahi pata",
    "unhon ne kaha ke kal phir aana parega",
    "main apni ammi ke sath rehti hun",
    "bache school se wapas aa gaye hain",
    "aaj mausam bohot acha hai, chalo bahar chalte hain",
    "mujhe neend nahi aati raat ko",
    "tumhara phone kyun band tha kal se",
    "wahan jane ke liye kaun si bus leni hogi",
    "abhi tak koi jawab nahi mila hai unki taraf se",
    "woh mujh se baat nahi karta ab",
    "kitne din lagenge is kaam mein",
    "hamare ghar mein panch log rehte hain",
    "usne mera saman le liya aur chala gaya",
    "agar aap chahen to hum sham ko mil sakte hain",
    "pata nahi kyun har koi aisa hi karta hai",
    "mera shohar dusre shehar mein kaam karta hai",
    "yahan ki zindagi aasan nahi hai bhai",
    "kripya mujhe thoda samay dijiye",
    "maine usko sab kuch bata diya tha",
    "ladki ki shaadi agle saal hogi",
    # Kurdish
    "min du bira u sisê xwisk hene",
    "ez ji Qamislo me, tu ji ku yi",
    "em do li mala apê xwe bun",
    "ka tu dikari ji min re bibeji ev ci ye",
    "diya min nexwes e u ez nizanim ci bikim",
    "roj bas, tu cawa yi, ez bas im",
    "zarok li derve dilizin",
    "sibe em e herin bajer",
    "ew ji min re negot ku ew naye",
    "pir spas ji bo her tisti",
    "choni bashi, min zor bashm supas",
    "natwanm bem sbay chunka karm haya",
    "am shta bo mn grana, nazanm chi bkam",
    "brakam la hawler dazhi lagal xezanakay",
    "kay degaretawa malawa",
    # Somali
    "subax wanaagsan, iska warran walaal",
    "magacaygu waa Hodan waxaan ka imid Muqdisho",
    "ma garanayo waxaan sameeyo hadda",
    "hooyaday aad bay u jirran tahay",
    "waxaan la noolahay laba carruur ah iyo ninkayga",
    "berri ayaan ku soo noqonayaa guriga",
    "waa maxay micnaha ereygan",
    "ma i caawin kartaa fadlan walaalo",
    "xaggee baad joogtaa maanta",
    "lacag igu filan ma haysto bishan",
    "wuxuu ii sheegay inuusan imanayn",
    "mahadsanid aad baad ii caawisay",
)
