"""What the README shows exists, and its animation is one."""

import re
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_pictures_exist_and_have_alt_text():
    pictures = re.findall(r"!\[(.*?)\]\((.+?)\)", README)
    assert len(pictures) == 3
    for alt, path in pictures:
        assert len(alt) > 50
        assert (ROOT / path).is_file()


def test_the_animation_moves_and_is_small():
    path = ROOT / ".readme" / "optimizers.gif"
    with Image.open(path) as animation:
        assert animation.n_frames > 40
    assert path.stat().st_size < 1.5e6


def test_links_to_files_exist():
    for path in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / path).exists(), path
