"""Pictures that several tests of tools look at, drawn once."""

import pytest

from dms.values import Gray

SECONDS = 6.0


@pytest.fixture(scope="session")
def demonstration() -> list[Gray]:
    """Return six seconds of the demonstration."""
    pytest.importorskip("skimage", reason="the extra 'demo' is not installed")
    from tools.rendering import clip

    story = clip.tell_story(1, SECONDS)
    return [gray for _, _, gray in clip.frames(story, 1, SECONDS)]
