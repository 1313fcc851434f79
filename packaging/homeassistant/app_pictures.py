"""Nothing -> icon.png and logo.png of the app: a face in the corners of a detection box.

Run it with `python packaging/homeassistant/app_pictures.py`; the same library gives the same bytes.
"""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FOLDER = Path(__file__).with_name("facenode")
ICON_PX, LOGO_PX = 128, (250, 100)
"""What the documentation of apps recommends."""
_SCALE = 4
"""Drawn larger and made smaller, for smooth edges."""
_BACKGROUND, _FACE, _BOX = "#17324d", "#f2f6fa", "#3ddc97"
_NAME = "#3f8fd6"
"""Readable in a light and in a dark theme."""


def icon(size: int = ICON_PX) -> Image.Image:
    """Return a square picture, RGBA."""
    side = size * _SCALE
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, side - 1, side - 1), radius=side // 5, fill=_BACKGROUND)
    _draw_face(draw, side)
    _draw_corners(draw, side)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def logo() -> Image.Image:
    """Return the icon with the name beside it, RGBA."""
    width, height = (each * _SCALE for each in LOGO_PX)
    image = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    image.paste(icon(60).resize((60 * _SCALE, 60 * _SCALE), Image.Resampling.LANCZOS), (4 * _SCALE, 20 * _SCALE))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(36 * _SCALE)
    draw.text((76 * _SCALE, height / 2), "Facenode", fill=_NAME, font=font, anchor="lm")
    return image.resize(LOGO_PX, Image.Resampling.LANCZOS)


def main() -> None:
    """Write both."""
    for name, image in (("icon.png", icon()), ("logo.png", logo())):
        image.save(FOLDER / name, optimize=True)
        print(FOLDER / name)


def _draw_face(draw: ImageDraw.ImageDraw, side: int) -> None:
    def at(*fractions: float) -> tuple[float, ...]:
        return tuple(each * side for each in fractions)

    draw.ellipse(at(0.29, 0.22, 0.71, 0.78), fill=_FACE)
    for middle in (0.41, 0.59):
        draw.ellipse(at(middle - 0.035, 0.42, middle + 0.035, 0.49), fill=_BACKGROUND)
    draw.arc(at(0.39, 0.48, 0.61, 0.67), 25, 155, fill=_BACKGROUND, width=side // 34)


def _draw_corners(draw: ImageDraw.ImageDraw, side: int) -> None:
    near, far, arm, width = 0.13 * side, 0.87 * side, 0.17 * side, side // 22
    for x, toward_x in ((near, arm), (far, -arm)):
        for y, toward_y in ((near, arm), (far, -arm)):
            draw.line([(x + toward_x, y), (x, y), (x, y + toward_y)], fill=_BOX, width=width, joint="curve")


if __name__ == "__main__":
    main()
