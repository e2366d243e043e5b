r"""Text as LaTeX prints it, in cells and captions alike."""

_SIGNS = {
    **{sign: rf"\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "|": r"\textbar{}",
    "<": "$<$",
    ">": "$>$",
}
# pdflatex knows Latin letters, but neither these signs nor Greek ones in text.
_MATHEMATICS = {
    "\u2212": "-",
    "\u00b1": r"\pm",
    "\u00d7": r"\times",
    "\u00b7": r"\cdot",
    "\u00b0": r"^\circ",
    "\u00b2": "^2",
    "\u00b3": "^3",
    "\u00b5": r"\mu",
    "\u2264": r"\leq",
    "\u2265": r"\geq",
    "\u2260": r"\neq",
    "\u2248": r"\approx",
    "\u221e": r"\infty",
    "\u2190": r"\leftarrow",
    "\u2192": r"\rightarrow",
    "\u0394": r"\Delta",
    "\u03b1": r"\alpha",
    "\u03b2": r"\beta",
    "\u03b3": r"\gamma",
    "\u03b4": r"\delta",
    "\u03ba": r"\kappa",
    "\u03bc": r"\mu",
    "\u03c0": r"\pi",
    "\u03c1": r"\rho",
    "\u03c3": r"\sigma",
    "\u03c7": r"\chi",
}
_TYPOGRAPHY = {
    "\u2010": "-",
    "\u2011": "-",
    "\u2013": "--",
    "\u2014": "---",
    "\u2018": "`",
    "\u2019": "'",
    "\u201c": "``",
    "\u201d": "''",
    "\u2026": "...",
    "\u2009": "~",
    "\u202f": "~",
}
_WRITTEN = str.maketrans(
    _SIGNS | {sign: f"${name}$" for sign, name in _MATHEMATICS.items()} | _TYPOGRAPHY
)


def latex_escaped(text: object) -> str:
    r"""Return text as LaTeX prints it; letters of other scripts need its fonts.

    Examples:
        >>> print(latex_escaped("50 % of cases_1 \u2265 3"))
        50 \% of cases\_1 $\geq$ 3
    """
    written = " ".join(str(text).translate(_WRITTEN).split())
    # At the start of a row it would be an argument of the line's end before it.
    return f"{{[}}{written[1:]}" if written.startswith("[") else written
