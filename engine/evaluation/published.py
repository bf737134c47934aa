"""Figures that others published, on data that we don't have: to be read beside ours, never as ours.

AVFace's tables 1 to 5 (Chatziagapi and Samaras, CVPR 2023), SPECTRE's table 1 (Filntisis et al.
2022), NoW's board (non-metrical).
"""

# row -> NME %, AUC, NME of the lips, NME occluded; FaceSet
TABLE_1 = {
    "e from video": (2.60, 0.82, 1.78, 2.91),
    "e from video + temporal": (1.98, 0.82, 1.33, 2.68),
    "e from audio": (2.80, 0.81, 2.28, 2.86),
    "e from audio + temporal": (2.10, 0.81, 1.56, 2.55),
    "e from AV": (2.91, 0.81, 2.05, 3.02),
    "e from AV + dropout": (2.14, 0.82, 1.65, 2.79),
    "e from AV + dropout + temporal": (1.73, 0.83, 0.99, 2.42),
    "e from AV + all + lip refinement": (1.63, 0.84, 0.91, 2.39),
}
# row -> NME, AUC, NME of the lips
TABLE_2 = {
    "mel-spectrogram": (2.20, 0.82, 1.70),
    "wav2vec 2.0": (1.66, 0.83, 1.11),
    "DeepSpeech": (1.63, 0.84, 0.91),
}
TABLE_3 = {
    "without synthetic occlusions": (2.62, 0.74, 1.98),
    "with synthetic occlusions": (2.39, 0.76, 1.73),
}
TABLE_4 = {
    "DECA": (1.85, 0.82, 1.25, 3.89),
    "EMOCA": (1.98, 0.80, 1.53, 3.89),
    "3DDFA-V2": (1.64, 0.84, 1.15, 3.47),
    "VOCA": (3.15, 0.66, 2.66, 4.95),
    "MeshTalk": (4.48, 0.47, 4.59, 4.89),
    "FaceFormer": (3.14, 0.65, 2.61, 4.82),
    "Abdelaziz et al.": (2.26, 0.82, 1.72, 2.76),
    "AVFace": (1.63, 0.84, 0.91, 2.39),
}
# row -> median, mean, standard deviation, mm; Multiface
TABLE_5 = {
    "DECA": (1.68, 2.01, 1.60),
    "EMOCA": (1.75, 2.09, 1.66),
    "3DDFA-V2": (1.83, 2.28, 2.18),
    "Abdelaziz et al.": (1.71, 2.06, 1.67),
    "AVFace": (1.61, 1.98, 1.59),
}
NOW = {
    "DECA": (1.09, 1.38, 1.18),
    "3DDFA-V2": (1.23, 1.57, 1.39),
    "RingNet": (1.21, 1.53, 1.31),
    "PRNet": (1.50, 1.98, 1.88),
}
# row -> CER, WER, VER, VWER, %; LRS3 test
SPECTRE_TABLE_1 = {
    "RGB": (24.9, 36.3, 22.0, 36.0),
    "DECA": (83.6, 124.4, 74.0, 95.2),
    "EMOCA": (97.7, 143.2, 88.2, 108.0),
    "3DDFA-V2": (97.5, 125.0, 95.3, 124.5),
    "DAD": (84.1, 111.2, 78.2, 110.4),
    "SPECTRE": (67.6, 93.3, 60.8, 92.2),
}

_TABLES = (
    ("AVFace table 1, FaceSet: NME, AUC, NME lips, NME occluded", TABLE_1),
    ("AVFace table 2, FaceSet: NME, AUC, NME lips", TABLE_2),
    ("AVFace table 3, synthetic occlusions: NME, AUC, NME lips", TABLE_3),
    ("AVFace table 4, FaceSet: NME, AUC, NME lips, NME occluded", TABLE_4),
    ("AVFace table 5, Multiface: median, mean, std mm", TABLE_5),
    ("NoW, non-metrical: median, mean, std mm", NOW),
    ("SPECTRE table 1, LRS3: CER, WER, VER, VWER %", SPECTRE_TABLE_1),
)


def published_rows() -> list[str]:
    """All of them as lines."""
    lines = ["PUBLISHED, on others' data (never ours):"]
    for title, rows in _TABLES:
        lines += ["", f"  {title}"]
        lines += [
            f"  {name:36}" + "".join(f"{value:8.2f}" for value in values)
            for name, values in rows.items()
        ]
    return lines
