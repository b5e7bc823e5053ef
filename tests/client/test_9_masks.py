"""Masks with holes and in several parts: the polygon that is answered holds what the mask holds, whatever its form."""
import pytest
from test_9_models_of_others import PICTURE, PLAIN, SIDE, deploy, picture, predict, says, version  # noqa: F401

CELLS = 32


def within(ring, x, y):
    """By the rule of even and odd."""
    inside = False
    for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1]):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
    return inside


def covered(polygons, cells):
    """How many of the picture's pixels the polygons and the cells of the input have in common, of all that one of them has."""
    kx, ky = PICTURE[0] / cells[0], PICTURE[1] / cells[0]
    both = either = 0
    for y in range(0, PICTURE[1], 2):
        for x in range(0, PICTURE[0], 2):
            a, b = any(within(p, x + .5, y + .5) for p in polygons), cells[1](int((x + .5) / kx), int((y + .5) / ky))
            both, either = both + (a and b), either + (a or b)
    return both / either


def ring(x, y):
    return 4 <= x < 28 and 4 <= y < 28 and not (10 <= x < 20 and 12 <= y < 22)


def parts(x, y):
    return (3 <= x < 12 and 4 <= y < 28) or (18 <= x < 30 and 10 <= y < 24)


def island(x, y):
    return ring(x, y) and not (22 <= x < 26 and 6 <= y < 9) or 13 <= x < 17 and 15 <= y < 19


MASKS = {"a hole": ring, "two parts": parts, "holes and an island": island}


def plane(holds, yes, no, side=CELLS):
    return [[yes if holds(x * CELLS // side, y * CELLS // side) else no for x in range(side)] for y in range(side)]


@pytest.mark.parametrize("case", MASKS)
def test_the_outline_of_an_object_has_its_holes_and_parts(server, version, picture, case):  # noqa: F811
    whole = [0.0, 0.0, float(SIDE), float(SIDE)]
    file = says({"boxes": ([whole, [0.0, 0.0, 1.0, 1.0]], "float32"), "labels": ([2, 1], "int64"), "scores": ([0.9, 0.01], "float32"),
                 "masks": ([[plane(MASKS[case], 1.0, 0.0, SIDE)], [plane(lambda x, y: x + y == 0, 1.0, 0.0, SIDE)]], "float32")})
    p, _ = predict(server, deploy(server, version(file, {}, {"1": "red", "2": "blue"}, "SEGMENTATION")), picture)
    assert len(p["detection_masks"]) == 1, "one object is one polygon"
    assert covered(p["detection_masks"], (CELLS, MASKS[case])) > 0.97


@pytest.mark.parametrize("case", MASKS)
def test_regions_of_a_map_have_their_holes(server, version, picture, case):  # noqa: F811
    file = says({"out": ([[plane(MASKS[case], -6.0, 6.0), plane(MASKS[case], 6.0, -6.0)]], "float32")})
    p, _ = predict(server, deploy(server, version(file, PLAIN, {"0": "background", "1": "blue"}, "SEGMENTATION")), picture)
    assert len(p["detection_masks"]) == (1 if case == "a hole" else 2), "each region is a polygon"
    assert covered(p["detection_masks"], (CELLS, MASKS[case])) > 0.97
