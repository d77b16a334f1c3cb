import pytest

from dms.camera.pipelines import SINK, pipeline
from dms.camera.settings import CameraSettings


def test_csi_asks_the_sensor_for_size_and_rate_and_keeps_the_newest():
    text = pipeline(CameraSettings(source="csi:1", width=640, height=480, fps=29.97))
    assert text.startswith("nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),width=640,")
    assert "framerate=29970/1000" in text
    assert text.endswith(f"video/x-raw,format=GRAY8 ! {SINK}")
    assert "drop=true max-buffers=1" in text


def test_rtsp_carries_address_and_latency():
    text = pipeline(CameraSettings(source="rtsp://cam/a?b=1&c=2", rtsp_latency_ms=50))
    assert 'location="rtsp://cam/a?b=1&c=2" latency=50' in text
    assert text.endswith(SINK)


def test_rtsp_on_a_jetson_goes_through_the_converter_that_takes_nvmm(tmp_path, monkeypatch):
    """decodebin takes nvv4l2decoder there; videoconvert after it is "not-negotiated"."""
    source = CameraSettings(source="rtsp://cam/a")
    monkeypatch.setenv("GST_PLUGIN_PATH", f"{tmp_path / 'none'}:{tmp_path}")
    assert "decodebin ! videoconvert !" in pipeline(source)
    (tmp_path / "libgstnvvidconv.so").write_bytes(b"")
    assert "decodebin ! nvvidconv ! video/x-raw,format=GRAY8 !" in pipeline(source)


@pytest.mark.parametrize("source", ["videotestsrc ! appsink", "v4l2src ! jpegdec"])
def test_a_pipeline_of_ones_own_gets_a_sink_unless_it_has_one(source):
    text = pipeline(CameraSettings(source=source))
    assert text.startswith(source)
    assert text.count("appsink") == 1
