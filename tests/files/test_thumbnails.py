import cv2
import numpy as np

from dms.files.thumbnails import WIDTH_PX, Thumbnails, forget, load_thumbnails
from dms.values import DriverObservation, DriverState, Event, Frame, Kind, Level, Moment, Step


def test_only_alerts_leave_a_small_picture_and_the_next_run_forgets_them(tmp_path):
    sink = Thumbnails(tmp_path)
    frame = Frame(np.full((480, 640), 90, np.uint8), 2.5, 0)
    told = Event(2.5, Kind.ROAD_RAGE, Level.WARNING, "anger")
    blink = Event(2.5, Kind.BLINK, Level.NONE, "blink")
    sink.take(Step(Moment(DriverObservation(2.5)), DriverState(2.5, events=(told, blink)), frame))
    sink.take(Step(Moment(DriverObservation(3.0)), DriverState(3.0, events=(told,))))
    [(t_s, kind, jpeg)] = load_thumbnails(tmp_path)
    assert (t_s, kind) == (2.5, "road_rage")
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture.shape == (WIDTH_PX * 480 // 640, WIDTH_PX)
    forget(tmp_path)
    assert load_thumbnails(tmp_path) == []
