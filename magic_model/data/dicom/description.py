"""What the free text of a series says, of which only words of radiology are passed on.

A SeriesDescription may hold whatever was typed at the scanner, a name too; DICOM PS3.15
E.1-1 lists it for removal. What leaves this module is made of known words alone.
"""

import re

_LISTED = (
    # the image
    "ct cct ncct cect nect mr pet xa thin thick slice slices volume vol stack series "
    "recon reconstruction reformat mpr mip minip vrt average ave mean raw original "
    "derived secondary axial ax sagittal sag coronal cor oblique obl tra transversal "
    "transverse spiral helical helix seq sequential sequence incremental incr cine "
    "dynamic dyn 3d 4d iterative iter asir idose safire admire mbir aidr fbp dlir "
    # the part of the body
    "head brain skull base of cranium cranial cerebral cerebrum neuro posterior fossa "
    "upper lower top bottom vertex half part kopf schaedel hirn gehirn tete "
    "cabeza craneo cerebro encefalo neck carotid carotis willis face facial "
    "sinus orbit orbita temporal ear iac petrous spine cervical thorax chest lung "
    "abdomen pelvis heart aorta arch hals wirbelsaeule "
    # the filter
    "soft tissue standard std smooth sharp medium bone bones bony knochen os osseux "
    "hueso oseo osso weichteil brainwindow window wl ww detail edge plus kernel filter "
    # contrast
    "native nativ plain non no without with w wo ohne mit sans avec sin con contrast "
    "contraste kontrast km iv pre post angio angiography angiographie cta ctv venous "
    "venography arterial delayed late early phase phases bolus tracking monitoring "
    "premonitoring timing test "
    # perfusion
    "perfusion perf ctp map maps cbf cbv mtt ttp tmax rcbf rcbv rmtt blood flow time "
    "to peak max maximum transit delay penumbra infarct core mismatch summary tip "
    "dce permeability rapid neuro "
    # what is no slice of the head
    "localizer scout topogram surview scanogram dose report protocol patient "
    "info screen save legend presentation state "
    # the task
    "stroke routine trauma follow up control emergency code and"
)
_WORDS = frozenset(_LISTED.split())

_SIZE = re.compile(r"\d{1,2}(?:[.,]\d{1,2})?mm")
_KERNELS = re.compile(
    r"""(?:
        [HBUDTJEIQ][A-Za-z]{0,2}\d{2}[a-z]{0,2}    # Siemens: H31s, Br64f, J40s
      | FC\d{2}H?                                  # Canon
      | U?[A-E] | Y[A-E] | EB | L                  # Philips
      | (?:STANDARD|STND|STD|SOFT|SMOOTH|DETAIL|BONE|BONEPLUS|EDGE|LUNG|CHEST|ULTRA
          |BRAIN|HEAD|SHARP|ROUTINE)\+?            # GE and others
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_SHARP_WORDS = re.compile(
    r"\b(?:bone|bones|bony|boneplus|edge|lung|sharp|ultra|knochen|os|osseux|hueso"
    r"|oseo|osso|felsenbein|petrous|iac|temporal bone)\b"
)
_SOFT_WORDS = re.compile(r"(?:STANDARD|STND|STD|SOFT|SMOOTH|BRAIN)\+?", re.IGNORECASE)
_SHARP_LETTERS = frozenset({"D", "E", "L", "YC", "YD", "YE", "UD", "UE"})
_SHARPEST_SOFT = 55  # of Siemens' numbers, 10 (smooth) to 98

_PROJECTIONS = re.compile(r"\b(?:t|min|max)?(?:mip|minip|maxip|vrt|ssd)\b")
_AVERAGES = re.compile(r"\b(?:average|mean|ave|avg)\b")
_LOCALIZERS = re.compile(
    r"\b(?:localizer|localiser|scout|topogram|surview|scanogram|scano|pilot)\b"
)
_PLAIN = re.compile(
    r"\b(?:non|no|without|w ?o|ohne|sans|sin|senza|pre|native?|plain|nc|nect|ncct)\b"
)
_CONTRAST = re.compile(
    r"\b(?:cta|ctv|cect|angio\w*|venogr\w*|arterial|venous|contrast\w*|kontrast\w*"
    r"|km|kontrastmittel|carotid\w*|carotis|willis)\b|\bc\+|\+c\b"
)
_ELSEWHERE = re.compile(
    r"\b(?:c ?spine|spine|cspine|cervical|lspine|tspine|thorax|chest|lungs?|abdomen"
    r"|abdo|pelvis|heart|cardiac|aorta|neck|hals|wirbels\w*|extremity|knee|hip|shoulder"
    r"|hws|bws|lws|liver|kidney)\b"
)
_HEAD = re.compile(
    r"\b(?:head|brain|skull|cran\w*|cereb\w*|cct|kopf|schaedel|neuro\w*|stroke|hirn"
    r"|tete|cabeza|testa|encefalo)\b"
)


def cleaned_description(text: str) -> str:
    """Keep the words of radiology in a description, and sizes in mm.

    Args:
        text: SeriesDescription or the like, as typed at the scanner.

    Returns:
        Known words in their order, none twice in a row; empty where nothing is left.
        Names, dates and numbers of patients are never in it.

    Examples:
        >>> cleaned_description("Head 5.0mm_MUELLER^Anna 12.03.1951 native")
        'Head 5.0mm native'
    """
    found: list[str] = []
    joined = re.sub(r"(\d)\s+mm\b", r"\1mm", text, flags=re.IGNORECASE)
    for word in re.split(r"[^\w.,]+|_", joined):
        token = word.strip(".,")
        known = token.lower() in _WORDS or bool(_SIZE.fullmatch(token.lower()))
        if known and found[-1:] != [token]:
            found.append(token)
    return " ".join(found)


def is_word_of_radiology(text: str) -> bool:
    """Return whether a word is one that descriptions may keep.

    Examples:
        >>> is_word_of_radiology("Head"), is_word_of_radiology("MUELLER")
        (True, False)
    """
    return text.lower() in _WORDS


def cleaned_kernel(text: str) -> str:
    r"""Return the first part of a ConvolutionKernel; `other` where it is not known.

    Examples:
        >>> cleaned_kernel("Hr38h\\3")
        'Hr38h'
        >>> cleaned_kernel("MUELLER")
        'other'
    """
    first = _first_part(text)
    return first if not first or _KERNELS.fullmatch(first) else "other"


def is_sharp(kernel: str, description: str) -> bool:
    """Tell bone, edge and lung reconstructions from those for soft tissue.

    Args:
        kernel: ConvolutionKernel, believed first.
        description: SeriesDescription.

    Examples:
        >>> is_sharp("H60s", ""), is_sharp("H31s", ""), is_sharp("", "BONE 1MM")
        (True, False, True)
    """
    first = _first_part(kernel)
    siemens = re.fullmatch(r"[HBUDTJEIQ][A-Za-z]{0,2}(\d{2})[a-z]{0,2}", first)
    canon = re.fullmatch(r"FC(\d)\dH?", first)
    if siemens:
        return int(siemens[1]) >= _SHARPEST_SOFT
    if canon:
        return canon[1] in "358"
    if _SOFT_WORDS.fullmatch(first):
        return False
    return first in _SHARP_LETTERS or any(
        _SHARP_WORDS.search(_plain(text)) for text in (kernel, description)
    )


def is_projection(text: str) -> bool:
    """Return whether an image type or description tells of a MIP or a rendering."""
    return bool(_PROJECTIONS.search(_plain(text)))


def is_average(text: str) -> bool:
    """Return whether an image type or description tells of an average of images."""
    return bool(_AVERAGES.search(_plain(text)))


def is_localizer(text: str) -> bool:
    """Return whether an image type or description tells of a scout."""
    return bool(_LOCALIZERS.search(_plain(text)))


def tells_contrast(text: str) -> bool:
    """Return whether a description says that contrast agent was given.

    Examples:
        >>> tells_contrast("CTA Willis"), tells_contrast("head without contrast")
        (True, False)
    """
    plain = _plain(text)
    return bool(_CONTRAST.search(plain)) and not _PLAIN.search(plain)


def is_elsewhere(text: str) -> bool:
    """Return whether a description or body part names another part than the head."""
    plain = _plain(text)
    return bool(_ELSEWHERE.search(plain)) and not _HEAD.search(plain)


def _first_part(kernel: str) -> str:
    return re.split(r"[\\\[\]',; ]+", kernel.strip(" []'"))[0]


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9+]+", " ", text.lower())
