import cv2
import numpy as np
import pytest

from dms.camera.lens import ChessboardViews, mounting
from dms.config import load
from dms.errors import CameraError
from dms.values import Box, DriverObservation, HeadPose

WIDTH, HEIGHT = 640, 480
FOCAL = 700.0
MATRIX = np.array([[FOCAL, 0, 330.0], [0, FOCAL, 235.0], [0, 0, 1]])
BOARD = (9, 6)


def board_view(turn, place):
    """Render a chessboard of 10 x 7 squares as a camera with MATRIX would see it."""
    square = 40
    columns, rows = BOARD[0] + 1, BOARD[1] + 1
    flat = np.full(((rows + 2) * square, (columns + 2) * square), 255, np.uint8)
    for row in range(rows):
        for column in range(columns):
            if (row + column) % 2:
                y, x = (row + 1) * square, (column + 1) * square
                flat[y : y + square, x : x + square] = 0
    height, width = flat.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    world = np.c_[(corners - [width / 2, height / 2]) / square, np.zeros(4)]
    seen, _ = cv2.projectPoints(world, np.array(turn, float), np.array(place, float), MATRIX, None)
    warp = cv2.getPerspectiveTransform(
        (corners - 0.5).astype(np.float32), seen.reshape(4, 2).astype(np.float32)
    )
    return cv2.warpPerspective(flat, warp, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderValue=255)


POSES = [
    ((0, 0, 0), (0, 0, 17)), ((0.5, 0, 0), (0, 1, 20)), ((-0.5, 0, 0), (3, 0, 22)),
    ((0, 0.5, 0), (-3, -1, 22)), ((0, -0.5, 0), (3, 2, 23)), ((0.3, 0.3, 0.3), (0, 2, 24)),
    ((-0.3, 0.3, -0.3), (-4, -2, 26)), ((0.2, -0.4, 0.2), (5, -2, 26)),
    ((0.5, 0.2, 0), (-4, 3, 27)),
    ((-0.2, -0.5, 0.3), (2, 3, 25)), ((0.1, 0.6, 0), (-5, 2, 28)), ((0.6, -0.1, -0.2), (4, 3, 28)),
]  # fmt: skip


def test_the_lens_is_found_from_rendered_views_and_its_text_is_good_settings(tmp_path):
    views = ChessboardViews(*BOARD)
    assert sum(views.add(board_view(*pose)) for pose in POSES) >= 8
    lens = views.solve()
    fx, fy, cx, cy = lens.matrix
    assert fx == pytest.approx(FOCAL, rel=0.02)
    assert fy == pytest.approx(FOCAL, rel=0.02)
    assert (cx, cy) == pytest.approx((330, 235), abs=10)
    assert lens.error_px < 0.5
    path = tmp_path / "dms.yaml"
    path.write_text(lens.yaml())
    assert load(path).perception.pose.intrinsics_size == (WIDTH, HEIGHT)


def test_the_same_view_again_does_not_count():
    views = ChessboardViews(*BOARD)
    picture = board_view(*POSES[0])
    assert views.add(picture)
    assert not views.add(picture)
    assert not views.add(np.full((HEIGHT, WIDTH), 128, np.uint8))
    with pytest.raises(CameraError, match="in 1 different places, 8 are needed"):
        views.solve()


def test_pictures_of_two_sizes_are_refused():
    views = ChessboardViews(*BOARD)
    views.add(np.zeros((480, 640), np.uint8))
    with pytest.raises(CameraError, match="differ in size"):
        views.add(np.zeros((240, 320), np.uint8))


def seen(seconds=10.0, x=200.0):
    count = int(seconds * 10)
    return [
        DriverObservation(
            n / 10,
            face=Box(x + 20 * np.sin(n / 5), 100 + 5 * np.cos(n / 3), 150, 150),
            pose=HeadPose(12.0, -8.0, 0.0),
        )
        for n in range(count)
    ]


def test_the_seat_region_holds_the_head_with_room_and_leaves_the_passenger_out(tmp_path):
    mount = mounting([*seen(), DriverObservation(99.0)], WIDTH, HEIGHT)
    left, top, right, bottom = mount.seat_region
    assert left < 200 / WIDTH < 350 / WIDTH < right < 0.7  # where the face's centre may be
    assert top < 170 / HEIGHT < 180 / HEIGHT < bottom
    assert (mount.yaw_deg, mount.pitch_deg, mount.face_px) == (12.0, -8.0, 150)
    path = tmp_path / "dms.yaml"
    path.write_text(mount.yaml())
    assert load(path).perception.face.seat_region == pytest.approx(mount.seat_region, abs=0.01)


def test_one_odd_box_does_not_widen_the_region():
    odd = [*seen(), DriverObservation(20.0, face=Box(600, 400, 30, 30))]
    assert mounting(odd, WIDTH, HEIGHT).seat_region[2] < 0.8


@pytest.mark.parametrize("observations", [[], [DriverObservation(0.0)], seen(1.0)])
def test_without_a_face_for_long_enough_it_says_what_to_do(observations):
    with pytest.raises(CameraError, match="dms aim"):
        mounting(observations, WIDTH, HEIGHT)
