"""A figure as PNG, SVG and PDF, drawn once for all three.

Most of what a drawing costs is finding out what to draw where: ticks, layout of texts,
transforms. That is the same in all three forms, but for the unit, a pixel or a point.
So the figure is drawn in points, and each mark goes on to all three.
"""

# mypy: allow-untyped-calls
# as matplotlib's renderers are

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Literal

import matplotlib as mpl
import numpy as np
from matplotlib import backend_bases
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.backends.backend_pdf import PdfFile, RendererPdf
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Affine2DBase, Transform, TransformedPath
from matplotlib.typing import ColorType
from numpy.typing import ArrayLike
from PIL import Image

_POINTS = 72  # an inch
_QUICK = 3  # of zlib's 9: a third of the time of 6


@contextmanager
def pdf_pages(path: FilePath) -> Iterator[PdfFile]:
    """Open a PDF for pages of `save`; the same bytes each time."""
    file = PdfFile(path, metadata={"CreationDate": None})
    try:
        yield file
        file.finalize()
    finally:
        file.close()


def save(figure: Figure, stem: FilePath, pages: PdfFile) -> None:
    """Write a figure as `stem`.png and `stem`.svg, and as the next page of a PDF."""
    width, height = figure.get_size_inches()
    before, dpi = figure.dpi, mpl.rcParams["savefig.dpi"]
    dpi = before if dpi == "figure" else dpi
    png = RendererAgg(width * dpi, height * dpi, dpi)
    pages.newPage(width, height)
    figure.set_dpi(_POINTS)
    try:
        with stem.with_name(f"{stem.name}.svg").open("w", encoding="utf-8") as text:
            svg = RendererSVG(
                width * _POINTS,
                height * _POINTS,
                text,
                image_dpi=dpi,
                metadata={"Date": None},
            )
            pdf = RendererPdf(pages, dpi, height, width)
            drawn = _InAllForms(png, svg, pdf)
            _lay_out(figure, drawn)
            figure.draw(drawn)
            svg.finalize()
            pdf.finalize()
    finally:
        pages.endStream()
        figure.set_dpi(before)
    picture = Image.fromarray(np.asarray(png.buffer_rgba()))
    path = stem.with_name(f"{stem.name}.png")
    picture.save(path, dpi=(dpi, dpi), compress_level=_QUICK)


def _lay_out(figure: Figure, renderer: RendererBase) -> None:
    """Find the places of all axes by what draws them, which then knows all texts."""
    engine = figure.get_layout_engine()
    if engine is None:
        return
    canvas = backend_bases.FigureCanvasBase(figure)
    canvas.get_renderer = lambda: renderer  # type: ignore[attr-defined]
    engine.execute(figure)
    figure.set_layout_engine(None)  # else it is laid out again where it is drawn
    figure.set_canvas(backend_bases.FigureCanvasBase(figure))


class _InAllForms(RendererBase):
    """Pass marks in points on to three renderers, of which one takes pixels."""

    def __init__(self, png: RendererBase, svg: RendererBase, pdf: RendererBase) -> None:
        super().__init__()
        self._png, self._svg, self._pdf = png, svg, pdf
        width, self._height = svg.get_canvas_width_height()
        self._scale = png.get_canvas_width_height()[0] / width
        self._in_pixels = Affine2D().scale(self._scale)

    def draw_path(
        self,
        gc: GraphicsContextBase,
        path: Path,
        transform: Transform,
        rgbFace: ColorType | None = None,  # noqa: N803, matplotlib's
    ) -> None:
        """Draw a line or an area."""
        in_pixels = transform + self._in_pixels
        self._png.draw_path(self._of_png(gc), path, in_pixels, rgbFace)
        self._svg.draw_path(gc, path, transform, rgbFace)
        self._pdf.draw_path(gc, path, transform, rgbFace)

    def draw_markers(
        self,
        gc: GraphicsContextBase,
        marker_path: Path,
        marker_trans: Transform,
        path: Path,
        trans: Transform,
        rgbFace: ColorType | None = None,  # noqa: N803, matplotlib's
    ) -> None:
        """Draw the same mark at many places."""
        pixels = marker_trans + self._in_pixels, trans + self._in_pixels
        own = self._of_png(gc)
        self._png.draw_markers(own, marker_path, pixels[0], path, pixels[1], rgbFace)
        for form in (self._svg, self._pdf):
            form.draw_markers(gc, marker_path, marker_trans, path, trans, rgbFace)

    def draw_image(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        im: ArrayLike,
        transform: Affine2DBase | None = None,
    ) -> None:
        """Draw an array of colours, one a pixel of the PNG."""
        pixel = round(x * self._scale), round(y * self._scale)
        self._png.draw_image(self._of_png(gc), *pixel, im)
        self._svg.draw_image(gc, x, y, im, transform)
        self._pdf.draw_image(gc, x, y, im, transform)

    def draw_text(  # noqa: PLR0913, PLR0917, matplotlib's
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: bool | Literal["TeX"] = False,
        mtext: Text | None = None,
    ) -> None:
        """Draw a line of text; y comes downwards, which the PDF alone does not take."""
        pixel, own = (x * self._scale, y * self._scale), self._of_png(gc)
        self._png.draw_text(own, *pixel, s, prop, angle, ismath, mtext)
        self._svg.draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        self._pdf.draw_text(gc, x, self._height - y, s, prop, angle, ismath, mtext)

    def open_group(self, s: str, gid: str | None = None) -> None:
        """Begin a group, which the SVG alone has."""
        self._svg.open_group(s, gid)

    def close_group(self, s: str) -> None:
        """End a group."""
        self._svg.close_group(s)

    def new_gc(self) -> GraphicsContextBase:
        """Return what the PDF needs to know of a mark; the others know less."""
        return self._pdf.new_gc()

    def flipy(self) -> bool:
        """Return that y of a text comes downwards."""
        return True

    def get_canvas_width_height(self) -> tuple[float, float]:
        """Return the size in points."""
        return self._svg.get_canvas_width_height()

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: bool | Literal["TeX"]
    ) -> tuple[float, float, float]:
        """Return the size of a text as if no pixel had to be met."""
        return self._svg.get_text_width_height_descent(s, prop, ismath)

    def get_image_magnification(self) -> float:
        """Return pixels of an image per point."""
        return self._scale

    def option_image_nocomposite(self) -> bool:
        """Return that each image is drawn by itself."""
        return True

    def _of_png(self, gc: GraphicsContextBase) -> GraphicsContextBase:
        """Return a mark cut off in pixels; all else is in points there, too."""
        box, (outline, to_points) = gc.get_clip_rectangle(), gc.get_clip_path()
        if box is None and outline is None:
            return gc
        own = GraphicsContextBase()
        own.copy_properties(gc)
        if box is not None:
            own.set_clip_rectangle(box.transformed(self._in_pixels))
        if outline is not None and to_points is not None:
            in_pixels = to_points + self._in_pixels
            own.set_clip_path(TransformedPath(outline, in_pixels))  # type: ignore[arg-type]
        return own
