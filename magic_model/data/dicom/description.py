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
