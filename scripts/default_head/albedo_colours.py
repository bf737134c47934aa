"""What the maps of the default head are coloured with, and what each component changes.

Colours are changes of the logit of linear reflectance (engine/head/albedo.py). A person's skin
moves along two pigments: melanin, a step per row of the table below, and haemoglobin, which
takes green most. The steps were set so that -2 to 2 covers the range of human skin:

    light   sRGB 224 180 158    logit  1.07 -0.18 -0.65
    medium       198 144 115           0.26 -0.95 -1.58
    tan          168 114  84          -0.44 -1.60 -2.33
    brown        124  80  58          -1.37 -2.44 -3.13
    dark          75  48  38          -2.59 -3.48 -3.89
"""

SKIN = (-0.08, -1.18, -1.74)
MELANIN = (-0.76, -0.75, -0.75)
BLOOD = (-0.03, -0.20, -0.13)
YELLOW = (0.02, 0.02, -0.12)
HAIR = (-3.0, -3.45, -3.8)
HAIR_ON_SKIN = (-1.9, -1.55, -1.35)  # hair over skin of the mean colour, as a change
STUBBLE = (-2.1, -1.5, -1.1)  # short hair lets the skin shine through, and looks bluish
# Beards that hide it take all colours alike: in films of four men log contrasts of 1.0 1.0 1.0 to
# 1.1 1.4 1.7 where stubble's would be 1.5 1.3 1.0.
BEARD = HAIR_ON_SKIN
IRIS = (-1.85, -2.3, -2.9)
SCLERA = (1.15, 0.95, 0.85)


def times(colour: tuple, factor: float) -> tuple:
    """A colour's change, scaled."""
    return tuple(factor * value for value in colour)


BROW_COLOUR = (-1.8, -1.55, -1.5)

# Map -> colour of the mean person. Maps that are not named are 0 in the mean.
MEAN = {
    "bare": SKIN,
    "hair": HAIR,
    "hair_strands": (1.1, 1.0, 0.9),
    "brow": BROW_COLOUR,
    "brow_shade": times(BROW_COLOUR, 0.35),
    "lashes": times(HAIR_ON_SKIN, 0.22),
    "lash_line": times(HAIR_ON_SKIN, 1.1),
    "lips": (-0.26, -0.72, -0.42),
    "lip_edge": (-0.04, -0.08, -0.05),
    "lip_lines": (0.07, 0.09, 0.08),
    "socket": (0.2, -1.0, -1.25),
    "lid_margin": (0.12, -0.10, -0.02),
    "nostril": (-1.6, -2.0, -1.9),
    "pores": (0.045, 0.055, 0.06),
    "stubble": times(STUBBLE, 0.05),
    "cheeks": times(BLOOD, 0.75),
    "nose": times(BLOOD, 0.8),
    "wing_folds": times(BLOOD, 1.0),
    "chin": times(BLOOD, 0.35),
    "ears": times(BLOOD, 0.9),
    "under_eyes": (-0.16, -0.20, -0.10),
    "eye_inner": (-0.14, -0.20, -0.14),
    "lids": (-0.12, -0.22, -0.16),
    "mouth_ring": (-0.03, -0.02, -0.03),
    "forehead": (0.02, 0.0, -0.04),
    "neck": (-0.06, -0.05, -0.10),
    "blotch_red": times(BLOOD, 0.13),
    "blotch_brown": times(MELANIN, 0.03),
    "sclera": SCLERA,
    "sclera_edge": (-0.25, -0.45, -0.45),
    "eye_corner": (-0.2, -1.2, -1.1),
    "veins": (-0.15, -0.75, -0.65),
    "iris": IRIS,
    "iris_fibres": (0.42, 0.40, 0.35),
    "iris_inner": (0.45, 0.30, 0.10),
    "limbal_ring": (-1.3, -1.3, -1.2),
    "pupil": (-3.5, -3.2, -2.8),
    "teeth": (0.40, -0.03, -0.62),
    "tooth_neck": (-0.25, -0.40, -0.60),
    "gums": (-0.20, -1.40, -1.45),
    "tongue": (0.40, -0.97, -1.07),
    "tongue_coat": (0.05, 0.22, 0.18),
    "tongue_furrow": (-0.2, -0.2, -0.2),
    "cavity": (-0.9, -2.3, -2.4),
    "cavity_deep": (-0.6, -0.8, -0.8),
}

# Component -> (smallest coefficient that counts, map -> change per unit).
COMPONENTS: dict[str, tuple[float, dict[str, tuple]]] = {
    "melanin": (-1.9, {
        "bare": MELANIN, "hair": (-0.45, -0.45, -0.45), "brow": (0.28, 0.2, 0.2),
        "brow_shade": (0.1, 0.1, 0.1), "lips": (-0.02, 0.07, 0.03), "iris": (-0.3, -0.5, -0.65),
        "iris_inner": (-0.12, -0.08, 0.0), "gums": (-0.2, -0.15, -0.15),
        "sclera": (-0.06, -0.07, -0.09), "lashes": (0.04, 0.04, 0.04),
        "socket": (-0.3, -0.25, -0.25),
        "nostril": (0.3, 0.35, 0.3), "stubble": (0.03, 0.02, 0.02),
    }),
    "haemoglobin": (-3, {
        "bare": times(BLOOD, 0.45), "lips": times(BLOOD, 0.5), "socket": times(BLOOD, 0.5),
    }),
    "undertone": (-1.4, {"bare": YELLOW}),
    "cheek_redness": (-2, {"cheeks": times(BLOOD, 0.75)}),
    "nose_redness": (-2, {"nose": times(BLOOD, 0.7), "wing_folds": times(BLOOD, 0.5)}),
    "ear_chin_redness": (-2, {"ears": times(BLOOD, 0.6), "chin": times(BLOOD, 0.6)}),
    "lip_redness": (-3, {"lips": (-0.02, -0.19, -0.09)}),
    "lip_darkness": (-3, {"lips": (-0.16, -0.14, -0.12), "lip_edge": (-0.05, -0.05, -0.05)}),
    "eye_shadows": (-2, {"under_eyes": (-0.16, -0.18, -0.12), "eye_inner": (-0.14, -0.15, -0.11)}),
    "lid_colour": (-2, {"lids": (-0.12, -0.17, -0.12)}),
    "brow_density": (-2, {
        "brow": times(BROW_COLOUR, 0.24), "brow_shade": times(BROW_COLOUR, 0.11),
    }),
    "brow_colour": (-2, {"brow": (-0.22, -0.26, -0.26), "brow_shade": (-0.05, -0.06, -0.06)}),
    "brow_height": (0, {"brow_top": times(BROW_COLOUR, 0.42)}),
    "brow_depth": (0, {"brow_foot": times(BROW_COLOUR, 0.42)}),
    "brow_bridge": (0.3, {"brow_bridge": times(BROW_COLOUR, 0.4)}),
    "stubble": (0, {"stubble": times(STUBBLE, 0.19)}),
    "moustache": (0.4, {"moustache": times(BEARD, 0.42)}),
    "goatee": (0.5, {"goatee": times(BEARD, 0.5)}),
    "beard": (0.6, {"beard": times(BEARD, 0.5)}),
    "lashes": (-2, {"lashes": times(HAIR_ON_SKIN, 0.08), "lash_line": times(HAIR_ON_SKIN, 0.2)}),
    "freckles": (0.2, {"freckles": (-0.24, -0.33, -0.36)}),
    "moles": (-0.5, {"moles": (-0.55, -0.65, -0.65)}),
    "moles_b": (0, {"moles_b": (-0.5, -0.6, -0.6)}),
    "age_spots": (0.2, {"age_spots": (-0.2, -0.27, -0.28)}),
    "pimples": (0.4, {"pimples": (-0.03, -0.30, -0.19)}),
    "pores": (-1.5, {"pores": (0.025, 0.03, 0.03)}),
    "red_blotches": (-1, {"blotch_red": times(BLOOD, 0.14)}),
    "brown_blotches": (-1, {"blotch_brown": times(MELANIN, 0.035)}),
    "tanned_brow": (-3, {"tan": times(MELANIN, 0.10), "forehead": times(MELANIN, 0.08)}),
    "neck_tone": (-3, {"neck": times(MELANIN, 0.16)}),
    "t_zone": (-3, {"t_zone": times(MELANIN, 0.12)}),
    "mouth_ring": (-2, {"mouth_ring": (-0.07, -0.07, -0.06)}),
    "hair_lightness": (-4, {
        "hair": (0.62, 0.66, 0.60), "brow": (0.2, 0.16, 0.12), "hair_strands": (0.1, 0.1, 0.1),
    }),
    "hair_redness": (-2.5, {"hair": (0.22, 0.0, -0.14), "brow": (0.08, 0.0, -0.05)}),
    "hair_grey": (0.7, {
        "hair": (0.95, 1.14, 1.20), "hair_strands": (0.2, 0.2, 0.2), "brow": (0.2, 0.22, 0.22),
    }),
    "crown": (0, {"hair_crown": (0.55, 0.42, 0.36)}),
    "hairline": (-2, {"hair_front": (0.5, 0.4, 0.34)}),
    "temples": (-2, {"hair_temple": (0.5, 0.4, 0.34)}),
    "short_sides": (-1, {"hair_sides": (0.45, 0.36, 0.3)}),
    "iris_lightness": (-3, {"iris": (0.42, 0.75, 1.05), "iris_inner": (0.05, 0.1, 0.1)}),
    "iris_hue": (-3, {"iris": (-0.15, 0.02, -0.17)}),
    "iris_heart": (-1.5, {"iris_inner": (0.35, 0.18, 0.0)}),
    "limbal_ring": (-1.5, {"limbal_ring": (-0.5, -0.5, -0.45)}),
    "sclera_yellow": (-2, {"sclera": (-0.10, -0.14, -0.30)}),
    "sclera_veins": (-1, {"veins": (-0.1, -0.45, -0.4), "sclera_edge": (-0.02, -0.14, -0.12)}),
    "teeth_shade": (-2, {"teeth": (-0.13, -0.20, -0.33)}),
}  # fmt: skip
