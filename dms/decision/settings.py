"""All thresholds of the decision in one tree; each stands beside what uses it."""

from __future__ import annotations

from collections.abc import Mapping

from dms.decision.distraction import DistractionSettings
from dms.decision.emotion.affect import AffectSettings
from dms.decision.emotion.context import ContextSettings
from dms.decision.emotion.micro_expressions import MicroExpressionSettings
from dms.decision.emotion.rage import RageSettings
from dms.decision.emotion.rest import RestSettings
from dms.decision.emotion.speech import SpeechSettings
from dms.decision.fatigue.blinks import BlinkSettings
from dms.decision.fatigue.closure import ClosureSettings
from dms.decision.fatigue.drowsiness import DrowsinessSettings
from dms.decision.fatigue.nods import NodSettings
from dms.decision.fatigue.perclos import PerclosSettings
from dms.decision.fatigue.yawns import YawnSettings
from dms.decision.gates import GateSettings
from dms.decision.gaze import GazeSettings
from dms.decision.head import HeadSettings
from dms.decision.learning import BaselineSettings
from dms.decision.lids import LidSettings
from dms.decision.openness import OpennessSettings
from dms.decision.policy import PolicySettings
from dms.decision.profiles import DEFAULT_PROFILE, Rules
from dms.decision.seat import SeatSettings
from dms.decision.spoof import StillSettings
from dms.decision.tick import LONGEST_STEP_S
from dms.decision.zones import ZoneSettings
from dms.settings import setting, settings


@settings
class CoreSettings:
    """Every threshold of the decision, each beside what uses it."""

    profile: str = setting(
        DEFAULT_PROFILE, source="DESIGN", text="euro_ncap_2026, euro_ncap_2023, eu_gsr or your own"
    )
    profiles: Mapping[str, Rules] = setting(
        {},
        text="your own, as {mine: {microsleep_s: 1.5}} with profile: mine; "
        "what one leaves out is as in euro_ncap_2026 (docs/rules.md)",
    )
    baseline: BaselineSettings = BaselineSettings()
    seat: SeatSettings = SeatSettings()
    openness: OpennessSettings = OpennessSettings()
    still: StillSettings = StillSettings()
    head: HeadSettings = HeadSettings()
    lids: LidSettings = LidSettings()
    closure: ClosureSettings = ClosureSettings()
    blinks: BlinkSettings = BlinkSettings()
    perclos: PerclosSettings = PerclosSettings()
    yawns: YawnSettings = YawnSettings()
    nods: NodSettings = NodSettings()
    drowsiness: DrowsinessSettings = DrowsinessSettings()
    gaze: GazeSettings = GazeSettings()
    zones: ZoneSettings = ZoneSettings()
    distraction: DistractionSettings = DistractionSettings()
    affect: AffectSettings = AffectSettings()
    rest: RestSettings = RestSettings()
    speech: SpeechSettings = SpeechSettings()
    rage: RageSettings = RageSettings()
    context: ContextSettings = ContextSettings()
    micro: MicroExpressionSettings = MicroExpressionSettings()
    gates: GateSettings = GateSettings()
    policy: PolicySettings = PolicySettings()
    longest_step_s: float = setting(
        LONGEST_STEP_S, unit="s", gt=0,
        text="a longer gap between frames is time in which nothing is known",
    )  # fmt: skip
