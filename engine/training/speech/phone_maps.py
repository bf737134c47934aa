"""Phones of other alphabets and other voices' phone sets in ARPAbet.

The maps follow what the mouth does where a language has a sound that English lacks: front rounded
vowels go to rounded ones, taps and trills of the tongue's tip to D, uvular and velar fricatives to
HH.
"""

import unicodedata

ARPABET = (
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH",
    "IH", "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH",
    "UW", "V", "W", "Y", "Z", "ZH",
)  # fmt: skip
STOPS = frozenset({"P", "T", "K", "CH", "B", "D", "G", "JH"})

# IPA, longest first when it is read; an empty answer lengthens the phone before.
_IPA = {
    "aɪ": "AY", "aʊ": "AW", "ɔɪ": "OY", "ɔø": "OY", "eɪ": "EY", "oʊ": "OW", "əʊ": "OW",
    "ʌʉ": "AW", "dʒ": "JH", "tʃ": "CH", "tɕ": "CH", "dʑ": "JH", "ts": "T S", "dz": "D Z",
    "pf": "P F", "sx": "SH",
    "p": "P", "b": "B", "t": "T", "d": "D", "k": "K", "g": "G", "ɡ": "G", "c": "K", "ɟ": "G",
    "q": "K", "ʈ": "T", "ɖ": "D", "ɗ": "D", "ɓ": "B", "m": "M", "ɱ": "M", "n": "N", "ɲ": "N",
    "ŋ": "NG", "ɳ": "N", "ɴ": "NG", "f": "F", "v": "V", "ʋ": "V", "β": "V", "ɸ": "F", "θ": "TH",
    "ð": "DH", "s": "S", "z": "Z", "ʃ": "SH", "ʒ": "ZH", "ɕ": "SH", "ʑ": "ZH", "ʂ": "SH",
    "ʐ": "ZH", "ɬ": "L", "h": "HH", "ɦ": "HH", "x": "HH", "χ": "HH", "ç": "HH", "ħ": "HH",
    "ɣ": "G", "ʁ": "HH", "ɹ": "R", "ɻ": "R", "r": "D", "ɾ": "D", "ɽ": "D", "l": "L", "ɫ": "L",
    "ɭ": "L", "ʎ": "L", "j": "Y", "w": "W", "ɥ": "W", "ʍ": "W",
    "i": "IY", "ɪ": "IH", "e": "EY", "ɛ": "EH", "æ": "AE", "a": "AA", "ä": "AA", "ɑ": "AA",
    "ɐ": "AH", "ɒ": "AA", "ɔ": "AO", "o": "OW", "ʊ": "UH", "u": "UW", "ʉ": "UW", "y": "UW",
    "ʏ": "UH", "ø": "ER", "œ": "ER", "ɵ": "UH", "ʌ": "AH", "ə": "AH", "ɚ": "ER", "ɝ": "ER",
    "ɜ": "ER", "ɨ": "IH", "ɯ": "UH", "ɤ": "AH", "ʔ": "", "ʕ": "",
}  # fmt: skip
_IPA_ENGLISH = {"a": "AE", "r": "R"}  # what these letters mean in the voices of English


def from_ipa(symbols: str, is_english: bool) -> list[str] | None:
    """ARPAbet phones of one event's IPA; [] lengthens the phone before, None is a pause."""
    text = unicodedata.normalize("NFD", symbols)
    text = "".join(c for c in text if not unicodedata.combining(c) or c == "\u0327")
    text = unicodedata.normalize("NFC", text)
    if not text.strip("_:|!; ") or text.startswith("("):
        return None
    phones: list[str] = []
    while text:
        size = 2 if text[:2] in _IPA else 1
        letter, text = text[:size], text[size:]
        phone = (_IPA_ENGLISH.get(letter) if is_english else None) or _IPA.get(letter, "")
        phones += phone.split()
    return phones


def _table(text: str) -> dict[str, str]:
    """`a b=AA c` -> a and b are AA, c stands before its own `=`; many names, one phone."""
    table: dict[str, str] = {}
    for group in text.split(";"):
        names, phone = group.rsplit("=", 1)
        table |= dict.fromkeys(names.split(), phone.strip())
    return table


_ENGLISH = {phone.lower(): phone for phone in ARPABET} | _table(
    "ax=AH;axr=ER;ix=IH;el=L;em=M;en=N;dx=D;nx=N;hv=HH"
)
_CATALAN = _table(
    "a a1=AA;ax=AH;e e1=EY;E E1=EH;i i1=IY;o o1=OW;O O1=AO;u u1=UW;j=Y;w=W;J=N;L=L;r rr=D;S=SH;"
    "Z=ZH;b=B;d=D;f=F;g=G;k=K;l=L;m=M;n=N;p=P;s=S;t=T;z=Z;tS=CH;dZ=JH;N=NG;B=V;D=DH;G=G;ts=S"
)
_CZECH = _table(
    "a a:=AA;e e:=EH;i i:=IY;o o:=AO;u u:=UW;b=B;c=T S;c~=CH;ch=HH;d=D;d~=D Y;dz=D Z;dz~=JH;f=F;"
    "g=G;h=HH;j=Y;k=K;l=L;m=M;n=N;n*=NG;n~=N;p=P;r=D;r~ r~*=ZH;s=S;s~=SH;t=T;t~=T Y;v=V;z=Z;z~=ZH"
)
_FINNISH = _table(
    "a a: @ @:=AA;e e:=EH;i i:=IY;o o:=OW;u u:=UW;y y:=UW;7 7: &=ER;p p:=P;t t:=T;k k:=K;b b:=B;"
    "d D:=D;g g:=G;f f:=F;T T:=TH;s s:=S;S S: =SH;h h:=HH;v v:=V;m m:=M;n n:=N;N N:=NG;l l: L L:=L;"
    "r r:=D;j j:=Y;w w:=W"
)
_INDIAN = _table(
    "a=AH;aa=AA;ih=IH;iy=IY;uh=UH;uw=UW;eh ee=EY;ay=AY;oh oo=OW;aw=AW;f=F;k kh=K;g gh=G;ch=CH;"
    "j zh=JH;T td tth th t=T;D dh d ddh=D;N n=N;p=P;b bh=B;m=M;y=Y;r=D;R=D;l L=L;v=V;s=S;sh=SH;"
    "h=HH;w=W;x=K;@=AH"
)
_ITALIAN = _table(
    "i i1=IY;e e1=EY;E E1=EH;a a1=AA;o o1=OW;O O1=AO;u u1=UW;j=Y;w=W;p=P;t=T;k=K;b=B;d=D;g=G;f=F;"
    "s=S;S=SH;v=V;z=Z;Z=ZH;ts=T S;tS=CH;dz=D Z;dZ=JH;m=M;n=N;J=N;ng=NG;nf=M;l=L;L=L;r=D"
)
_RUSSIAN = _table(
    "ii i=IY;yy y=IH;uu u=UW;ee e=EH;oo=AO;aa a=AA;ae ay ur=AH;p pp=P;b bb=B;t tt=T;d dd=D;k kk=K;"
    "g gg=G;c=T S;ch=CH;f ff=F;v vv=V;s ss=S;z zz=Z;sh sch=SH;zh=ZH;h hh=HH;m mm=M;n nn=N;l ll=L;"
    "r rr=D;j=Y"
)
# language of a festival voice -> its phone set in ARPAbet; what is not named is a pause
FESTIVAL = {
    "en": _ENGLISH, "ca": _CATALAN, "cs": _CZECH, "fi": _FINNISH, "hi": _INDIAN, "mr": _INDIAN,
    "te": _INDIAN, "it": _ITALIAN, "ru": _RUSSIAN,
}  # fmt: skip
