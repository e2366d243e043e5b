"""The letters that figures are set in.

A PDF carries the letters that it uses, cut out of a font anew for each file. Taking all
of DejaVu Sans apart (six thousand glyphs) is most of what a PDF of a chart costs, so it
is cut once to the letters that reports are written in; any other letter is still found
in the whole font.
"""

import atexit
import functools
import tempfile
from pathlib import Path

from fontTools import subset
from matplotlib.font_manager import FontProperties, findfont, fontManager

_WHOLE = "DejaVu Sans"
_CUT = "DejaVu Sans of reports"
_LETTERS = (
    (0x0020, 0x024F),  # Latin
    (0x0370, 0x03FF),  # Greek
    (0x2010, 0x2027),  # dashes, quotation marks
    (0x2030, 0x205E),
    (0x2070, 0x209C),  # raised and lowered
    (0x2190, 0x21FF),  # arrows
    (0x2200, 0x22FF),  # mathematics
)
_FAMILY, _FULL, _POSTSCRIPT = 1, 4, 6  # numbers of names in a font


@functools.cache
def families() -> list[str]:
    """Return what `font.family` should be: the cut font, then the whole one."""
    folder = tempfile.TemporaryDirectory(prefix="magic-ctp-font-")
    atexit.register(folder.cleanup)
    path = Path(folder.name) / "letters.ttf"
    _cut(Path(findfont(FontProperties(family=_WHOLE))), path)
    fontManager.addfont(path)
    return [_CUT, _WHOLE]


def _cut(source: Path, target: Path) -> None:
    options = subset.Options()
    options.name_IDs = [_FAMILY, 2, _FULL, _POSTSCRIPT]
    options.notdef_outline = True
    # A note of the editor, and what sets text, which is set by then.
    options.drop_tables = [*options.drop_tables, "FFTM", "GDEF", "GPOS", "GSUB"]
    with subset.load_font(str(source), options) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(
            unicodes=[code for low, high in _LETTERS for code in range(low, high + 1)]
        )
        cutter.subset(font)
        for record in font["name"].names:
            if record.nameID in {_FAMILY, _FULL, _POSTSCRIPT}:
                own = record.nameID == _POSTSCRIPT
                record.string = _CUT.replace(" ", "") if own else _CUT
        subset.save_font(font, str(target), options)
