"""The 29 classes of speech sounds that the networks of sound and face share, and their visemes.

Phones are named as in the CMU dictionary (ARPAbet without stress). Phones that look and sound
nearly alike share a class; the order is part of every weights file that was trained on them.
"""

CLASSES = (
    "SIL", "PB", "M", "FV", "W", "R", "ER", "L", "TD", "N", "KG", "HH", "SZ", "SH", "CH", "TH",
    "Y", "AA", "AO", "AE", "AH", "AY", "AW", "EH", "EY", "IH", "IY", "OW", "UW",
)  # fmt: skip
SILENCE = 0

_MERGED = {
    "P": "PB", "B": "PB", "F": "FV", "V": "FV", "T": "TD", "D": "TD", "NG": "KG", "K": "KG",
    "G": "KG", "S": "SZ", "Z": "SZ", "ZH": "SH", "JH": "CH", "DH": "TH", "OY": "AO", "UH": "UW",
}  # fmt: skip
# ARPAbet phone -> place in CLASSES
CLASS_OF = {name: place for place, name in enumerate(CLASSES) if name not in _MERGED.values()} | {
    phone: CLASSES.index(name) for phone, name in _MERGED.items()
}
for _own in ("TH", "SH", "CH", "AO", "UW"):  # names of a class and of a phone in it
    CLASS_OF[_own] = CLASSES.index(_own)

# What the lips show: 12 groups of classes, the measure of section "visemes" in the log.
VISEMES = (
    ("SIL",), ("PB", "M"), ("FV",), ("W",), ("UW", "OW", "AO", "R", "ER"), ("SH", "CH"), ("SZ",),
    ("TD", "N", "L"), ("TH",), ("KG", "HH", "Y"), ("AA", "AE", "AH", "AY", "AW"),
    ("EH", "EY", "IH", "IY"),
)  # fmt: skip
# class -> viseme group
VISEME_OF = tuple(
    next(group for group, names in enumerate(VISEMES) if name in names) for name in CLASSES
)

# Amazon Polly's visemes of English (US) phones, here in ARPAbet.
POLLY = {
    "P": "p", "B": "p", "M": "p", "T": "t", "D": "t", "N": "t", "S": "s", "Z": "s", "F": "f",
    "V": "f", "K": "k", "G": "k", "NG": "k", "HH": "k", "TH": "T", "DH": "T", "SH": "S", "ZH": "S",
    "CH": "S", "JH": "S", "R": "r", "L": "t", "W": "u", "Y": "i", "IY": "i", "IH": "i", "EY": "e",
    "EH": "E", "AE": "a", "AA": "a", "AH": "E", "AY": "a", "AW": "a", "AO": "O", "OW": "o",
    "OY": "O", "UH": "u", "UW": "u", "ER": "E", "SIL": "sil",
}  # fmt: skip
