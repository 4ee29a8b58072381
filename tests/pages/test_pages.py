"""Reading synthetic pages: order, words, light, rules, skew, color, dots, splitting, errors."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

pytest.importorskip("scipy")
import cnnfast as cf
from cnnfast.cli import main
from cnnfast.errors import DataError
from cnnfast.pages import layout, word_list
from PIL import Image, ImageDraw, ImageFont

TEXT = ("LOVE CAT", "HAND ZOO")


def drawn(text=TEXT, paper="white", ink="black", size=48):
    """A page of printed capitals, some distance apart."""
    page = Image.new("RGB", (560, 130 * len(text) + 60), paper)
    pen = ImageDraw.Draw(page)
    font = ImageFont.load_default(size)
    for row, line in enumerate(text):
        x = 60
        for character in line:
            if character == " ":
                x += 25
                continue
            pen.text((x, 60 + 130 * row), character, fill=ink, font=font, stroke_width=1)
            x += int(pen.textlength(character, font=font)) + 10
    return page


def words(page):
    return [[len(word.letters) for word in line.words] for line in page.lines]


def expect_layout(image):
    page = cf.read_page(image)
    assert words(page) == [[4, 3], [4, 3]]
    return page


def test_reads_lines_and_words_in_order():
    page = expect_layout(drawn())
    expected = "".join(TEXT).replace(" ", "").lower()
    found = "".join(letter.text for letter in page.letters).lower()
    assert sum(a == b for a, b in zip(found, expected, strict=True)) >= 11
    lefts = [letter.box[0] for letter in page.lines[0].words[0].letters]
    assert lefts == sorted(lefts)


def test_boxes_are_tight_in_the_original_image():
    image = Image.new("L", (500, 400), 255)
    ImageDraw.Draw(image).rectangle((100, 120, 109, 199), fill=0)
    ImageDraw.Draw(image).rectangle((100, 190, 149, 199), fill=0)
    (letter,) = cf.read_page(image).letters
    assert np.abs(np.array(letter.box) - (100, 120, 150, 200)).max() <= 1


@pytest.mark.parametrize("angle", [-8, 8])
def test_skewed_pages_keep_lines_and_words(angle):
    expect_layout(drawn().rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor="white"))


def test_shadow_and_gradient_do_not_matter():
    pixels = np.asarray(drawn()).astype(np.float32)
    light = np.linspace(1, 0.4, pixels.shape[1], dtype=np.float32)[None, :, None]
    expect_layout((pixels * light).astype(np.uint8))


def test_ink_of_the_brightness_of_the_paper_is_found():
    expect_layout(drawn(paper=(190, 150, 60), ink=(60, 170, 190)))


def test_light_ink_on_dark_paper():
    expect_layout(drawn(paper=(30, 60, 40), ink="white"))


def test_rules_and_squares_are_removed():
    image = drawn()
    pen = ImageDraw.Draw(image)
    for y in range(20, image.height, 65):
        pen.line((0, y, image.width, y), fill=(150, 170, 220), width=2)
    for x in range(10, image.width, 65):
        pen.line((x, 0, x, image.height), fill=(150, 170, 220), width=2)
    expect_layout(image)


def test_a_dot_belongs_to_the_letter_below():
    mask = np.zeros((100, 100), bool)
    mask[40:80, 20:26] = mask[28:33, 22:27] = mask[40:80, 60:66] = True
    _, parts, size = layout.components(mask)
    letters = layout.joined(parts, size)
    assert sorted((b.left, b.top) for b in letters) == [(20, 28), (60, 40)]


def test_words_decide_between_look_alikes():
    probabilities = np.array([[0.6, 0.4, 0.0], [0.0, 0.1, 0.9]], np.float32)
    assert word_list.choose(probabilities, ("q", "g", "o"), ["GO", "gq"]) == [1, 2]
    assert word_list.choose(probabilities, ("q", "g", "o"), ["oq"]) is None


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((200, 200), 255, np.uint8), "no ink found on the page"),
        (np.full((4, 200), 255, np.uint8), "the image is 200x4 pixels; need at least 8x8"),
    ],
)
def test_pages_without_letters(image, message):
    with pytest.raises(DataError, match=message):
        cf.read_page(image)


def test_the_edge_of_paper_on_a_table_is_no_ink():
    table = Image.new("RGB", (700, 460), (100, 70, 50))
    table.paste(drawn(), (70, 70))
    expect_layout(table)


def test_noise_is_an_error():
    noise = np.random.default_rng(0).integers(0, 256, (300, 300), np.uint8)
    with pytest.raises(DataError, match=r"noise|no ink"):
        cf.read_page(noise)


def test_a_model_that_does_not_fit():
    model = cf.models.pretrained("letters")
    model.classes = None
    with pytest.raises(ValueError, match="read_page: the model outputs shape"):
        cf.read_page(drawn(), model)


def test_command_reads_others_after_a_bad_file(tmp_path, capsys):
    drawn().save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"not an image")
    code = main(["read", str(tmp_path / "bad.png"), str(tmp_path / "good.png"), "--json"])
    out = capsys.readouterr()
    bad, good = json.loads(out.out)["pages"]
    assert code == 1
    assert "bad.png" in out.err
    assert bad["error"]
    assert len(good["lines"]) == 2
    assert set(good["lines"][0]["words"][0][0]) == {"text", "box", "confidence", "is_sure", "alternatives"}


def test_command_reads_others_after_a_page_without_reader(tmp_path, capsys, monkeypatch):
    drawn().save(tmp_path / "good.png")
    (tmp_path / "photo.heic").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert main(["read", str(tmp_path / "photo.heic"), str(tmp_path / "good.png"), "--json"]) == 1
    out = capsys.readouterr()
    assert "pip install pillow-heif" in out.err
    assert len(json.loads(out.out)["pages"][1]["lines"]) == 2


def test_command_draws_boxes(tmp_path, capsys):
    drawn().save(tmp_path / "page.png")
    assert main(["read", str(tmp_path / "page.png"), "--show", str(tmp_path / "boxes.png")]) == 0
    with Image.open(tmp_path / "boxes.png") as boxes:
        assert boxes.size == drawn().size
    assert len(capsys.readouterr().out.splitlines()) == 2
