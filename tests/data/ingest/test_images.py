"""Folders of images: any mode and size becomes one array; what is no picture is named."""

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tuner.base.errors import DataError
from tuner.data.ingest.images import image_parts, profile_images
from tuner.data.ingest.ingest import ingest
from tuner.data.load import held_out, training_set
from tuner.data.sources import Places
from tuner.recipe import Images

FORMATS = "(PNG, JPEG, GIF, BMP, WebP, TIFF)"
DATA = Images(path="pictures", size=(4, 6))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures of 8×12 in two classes: black ones and white ones."""
    for name, value in (("black", 0), ("white", 255)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(5):
            Image.new("L", (12, 8), value).save(tmp_path / "pictures" / name / f"{number}.png")
    return tmp_path


def ingest_file(folder: Path, data: Images = DATA) -> Images:
    """The data in them."""
    return ingest(data, folder, Places(None, folder / "cache"), lambda _: None)


def inputs(folder: Path, data: Images = DATA) -> np.ndarray:
    """The training part's inputs."""
    return training_set(ingest_file(folder, data), Places(None, folder / "cache")).examples.inputs


def complaint(folder: Path, data: Images = DATA) -> str:
    """The message about them."""
    with pytest.raises(DataError) as error:
        ingest_file(folder, data)
    return str(error.value).replace(str(folder), "")


def test_pictures_have_one_size_and_the_class_of_their_folder(folder: Path) -> None:
    (folder / "pictures" / ".hidden").mkdir()
    (folder / "pictures" / "white" / ".DS_Store").touch()
    (folder / "pictures" / "notes.txt").touch()
    data, places = ingest_file(folder), Places(None, folder / "cache")
    training, test = training_set(data, places), held_out(data, places)
    assert data.found is not None
    assert (data.found.classes, data.found.shape, data.found.rarest) == (("black", "white"), (4, 6), 4)
    assert (data.found.training_examples, data.found.test_examples, data.found.value_range) == (8, 2, (0, 255))
    np.testing.assert_array_equal(training.examples.inputs[:, 0, 0], training.examples.labels * 255)
    assert test.examples.labels.tolist() == [0, 1]
    assert isinstance(training.examples.inputs, np.memmap)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_becomes_gray_or_color(mode: str, folder: Path) -> None:
    white = Image.new("L", (12, 8), 255)
    picture = Image.fromarray(np.full((8, 12), 65535, np.uint16)) if mode == "I;16" else white.convert(mode)
    for path in (folder / "pictures" / "white").iterdir():
        picture.save(path)
    assert set(inputs(folder)[-4:].ravel()) == {255}
    in_color = inputs(folder, Images(path="pictures", size=(4, 6), color=True))
    assert in_color.shape == (8, 4, 6, 3)
    assert set(in_color[-4:].ravel()) == {255}


def test_what_is_transparent_lies_on_white(folder: Path) -> None:
    for path in (folder / "pictures" / "black").iterdir():
        Image.new("RGBA", (5, 5), (0, 0, 0, 0)).save(path)
    assert set(inputs(folder).ravel()) == {255}


def test_a_picture_that_lies_on_its_side_is_turned(folder: Path) -> None:
    turned = np.zeros((6, 4), np.uint8)
    turned[:, 0] = 255  # its left side, which the camera says is the top
    exif = Image.Exif()
    exif[0x0112] = 6
    for path in (folder / "pictures" / "black").iterdir():
        Image.fromarray(turned).save(path, exif=exif)
    assert inputs(folder)[0, 0].tolist() == [255] * 6
    assert inputs(folder)[0, 1:].max() == 0


def test_a_second_folder_may_be_the_test_part(folder: Path) -> None:
    (folder / "test" / "white").mkdir(parents=True)
    Image.new("L", (3, 3), 255).save(folder / "test" / "white" / "x.jpg")
    data = ingest_file(folder, Images(path="pictures", size=(4, 6), test="test"))
    assert held_out(data, Places(None, folder / "cache")).examples.labels.tolist() == [1]
    (folder / "test" / "wite").mkdir()
    message = complaint(folder, Images(path="pictures", size=(4, 6), test="test"))
    assert message == "/test/wite: must be a class of the training part; did you mean white?"


def test_a_file_that_is_no_picture_is_named(folder: Path) -> None:
    (folder / "pictures" / "white" / "notes.txt").write_text("no picture")
    assert complaint(folder) == f"/pictures/white/notes.txt: is no picture {FORMATS}; take it out of the folder"
    assert not list((folder / "cache" / "prepared").iterdir())


def test_a_folder_in_a_class_is_named(folder: Path) -> None:
    (folder / "pictures" / "white" / "more").mkdir()
    cure = 'pictures lie directly in it; for parts write path = ".../train" and test = ".../test"'
    assert complaint(folder) == f"/pictures/white/more: is a folder in the folder of a class; {cure}"


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_picture_that_is_cut_off_is_named(ending: str, folder: Path) -> None:
    path = folder / "pictures" / "white" / f"x.{ending}"
    noise = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:1000])
    message = complaint(folder)
    assert message.startswith(f"/pictures/white/x.{ending}: cannot be decoded: ")
    assert message.endswith("; is it cut off?")


@pytest.mark.parametrize("size", [(9460, 9460), (13_000, 13_000), (60_000, 60_000)])
def test_a_picture_that_is_far_too_large_is_named(size: tuple[int, int], folder: Path) -> None:
    path = folder / "pictures" / "white" / "0.png"
    plain = path.read_bytes()
    header = b"IHDR" + struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0)
    path.write_bytes(plain[:12] + header + struct.pack(">I", zlib.crc32(header)) + plain[33:])
    message = "/pictures/white/0.png: has more than 89,478,485 pixels; make it smaller, or take it out"
    assert complaint(folder) == message
    with pytest.raises(DataError) as error:
        profile_images(folder / "pictures")
    assert str(error.value) == f"{folder}{message}"


def test_a_class_without_pictures_is_named(folder: Path) -> None:
    (folder / "pictures" / "grey").mkdir()
    assert complaint(folder) == "/pictures/grey: has no pictures; fill it, or take the folder away"


def test_one_class_is_not_enough(folder: Path) -> None:
    (folder / "pictures" / "white").rename(folder / "elsewhere")
    assert complaint(folder) == "/pictures: must have a folder for each of at least two classes, got 1"


def test_a_picture_outside_the_classes_is_named(folder: Path) -> None:
    (folder / "pictures" / "lost.png").touch()
    assert complaint(folder) == "/pictures/lost.png: is outside the folders of the classes; move it into one"


def test_too_few_pictures_are_refused(folder: Path) -> None:
    (folder / "pictures" / "white" / "0.png").unlink()
    assert complaint(folder) == "/pictures: has 9 pictures, and at least 10 are needed"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pictures").touch()
    assert complaint(tmp_path) == "pictures: is a file, not a folder"


@pytest.mark.parametrize("ending", ["gif", "bmp", "webp", "tif", "tiff"])
def test_pictures_of_other_formats_are_read(ending: str, folder: Path) -> None:
    for path in list((folder / "pictures" / "white").iterdir()):
        Image.new("RGB", (12, 8), (255, 255, 255)).save(path.with_suffix(f".{ending}"))
        path.unlink()
    assert set(inputs(folder)[-4:].ravel()) == {255}
    assert profile_images(folder / "pictures").color is False


@pytest.mark.parametrize(("highest", "bits", "gray"), [(219, 8, 219), (4095, 12, 255), (65535, 16, 255)])
def test_sixteen_bits_are_scaled_by_the_range_that_is_used(highest: int, bits: int, gray: int, folder: Path) -> None:
    for path in (folder / "pictures" / "white").iterdir():
        Image.fromarray(np.full((8, 12), highest, np.uint16)).save(path)
    found = profile_images(folder / "pictures")
    text = f"values of 16 bits use {bits} of them in these pictures: they are scaled by the range of {bits} bits"
    assert (found.bits, found.warnings) == (bits, (text,))
    assert set(inputs(folder, replace(DATA, bits=bits))[-4:].ravel()) == {gray}


def test_a_value_beyond_the_bits_is_refused(folder: Path) -> None:
    Image.fromarray(np.full((8, 12), 300, np.uint16)).save(folder / "pictures" / "white" / "0.png")
    problem = "has values up to 300, which 8 bits cannot hold; write bits = 9 in recipe.data"
    assert complaint(folder, replace(DATA, bits=8)) == f"/pictures/white/0.png: {problem}"
    assert profile_images(folder / "pictures").bits == 9
    Image.fromarray(np.full((8, 12), 0.5, np.float32)).save(folder / "pictures" / "white" / "0.tif")
    problem = "has numbers with fractions in place of 8 or 16 bits; save it as 16 bits"
    assert complaint(folder) == f"/pictures/white/0.tif: {problem}"


def test_the_profile_has_the_sizes_of_upright_pictures(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for path in (folder / "pictures").glob("*/*.png"):
        Image.new("L", (12, 8)).save(path, exif=exif)
    assert profile_images(folder / "pictures").size == (12, 8)


@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("Training", "TESTING"), ("train", "")])
def test_folders_for_training_and_test_are_recognized(train: str, test: str, folder: Path) -> None:
    (folder / "parts").mkdir()
    (folder / "pictures").rename(folder / "parts" / train)
    (folder / "parts" / "valid").mkdir()
    if test:
        (folder / "parts" / test / "white").mkdir(parents=True)
    notes = (f"valid is not used: {train} is divided for training and validation",)
    expected = (folder / "parts" / train, folder / "parts" / test if test else None, notes)
    assert image_parts(folder / "parts") == expected
    assert image_parts(folder / "parts" / train) == (folder / "parts" / train, None, ())


def test_a_class_may_be_called_train(folder: Path) -> None:
    (folder / "pictures" / "white").rename(folder / "pictures" / "train")
    assert image_parts(folder / "pictures") == (folder / "pictures", None, ())
    assert profile_images(folder / "pictures").target.classes == ("black", "train")
