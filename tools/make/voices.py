"""Writes the spoken texts of the sound bridge: dms/bridge/voices/LANGUAGE/KIND.wav.

    apt-get install espeak-ng && python -m tools.make.voices

16 kHz, 8 bits, mono, by espeak-ng's formant voices; at most a few seconds each.
"""

from __future__ import annotations

import io
import subprocess
import wave
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from dms.bridge.tones import RATE
from dms.values import Kind

FOLDER = Path(__file__).parents[2] / "dms" / "bridge" / "voices"
_WORDS_A_MINUTE = 165
_QUIET = 0.01  # of full scale: cut away before and after
TEXTS: dict[str, dict[Kind, str]] = {
    "en": {
        Kind.DROWSY: "You seem tired. Please take a break soon.",
        Kind.MICROSLEEP: "Your eyes were closed. Please stop at the next safe place.",
        Kind.SLEEP: "Wake up!",
        Kind.UNRESPONSIVE: "Wake up! Please react!",
        Kind.DISTRACTION: "Please look at the road.",
        Kind.ROAD_RAGE: "Take a deep breath, and keep your distance.",
        Kind.DEGRADED: "Your eyes cannot be seen. The monitoring is limited.",
        Kind.FAULT: "The driver monitoring has a fault.",
    },
    "de": {
        Kind.DROWSY: "Sie wirken müde. Bitte machen Sie bald eine Pause.",
        Kind.MICROSLEEP: "Ihre Augen waren zu. Bitte halten Sie am nächsten sicheren Ort.",
        Kind.SLEEP: "Aufwachen!",
        Kind.UNRESPONSIVE: "Aufwachen! Bitte reagieren Sie!",
        Kind.DISTRACTION: "Bitte schauen Sie auf die Straße.",
        Kind.ROAD_RAGE: "Atmen Sie tief durch, und halten Sie Abstand.",
        Kind.DEGRADED: "Ihre Augen sind nicht zu sehen. Die Überwachung ist eingeschränkt.",
        Kind.FAULT: "Die Fahrerüberwachung hat eine Störung.",
    },
    "es": {
        Kind.DROWSY: "Parece que tiene sueño. Haga pronto una pausa.",
        Kind.MICROSLEEP: "Tenía los ojos cerrados. Pare en el próximo lugar seguro.",
        Kind.SLEEP: "¡Despierte!",
        Kind.UNRESPONSIVE: "¡Despierte! ¡Reaccione, por favor!",
        Kind.DISTRACTION: "Por favor, mire a la carretera.",
        Kind.ROAD_RAGE: "Respire hondo, y guarde la distancia.",
        Kind.DEGRADED: "No se ven sus ojos. La supervisión es limitada.",
        Kind.FAULT: "La supervisión del conductor tiene un fallo.",
    },
    "fr": {
        Kind.DROWSY: "Vous semblez avoir sommeil. Faites bientôt une pause.",
        Kind.MICROSLEEP: "Vos yeux étaient fermés. Arrêtez-vous au prochain endroit sûr.",
        Kind.SLEEP: "Réveillez-vous !",
        Kind.UNRESPONSIVE: "Réveillez-vous ! Réagissez, s'il vous plaît !",
        Kind.DISTRACTION: "Regardez la route, s'il vous plaît.",
        Kind.ROAD_RAGE: "Respirez profondément, et gardez vos distances.",
        Kind.DEGRADED: "Vos yeux ne sont pas visibles. La surveillance est limitée.",
        Kind.FAULT: "La surveillance du conducteur est en panne.",
    },
}


def main() -> None:
    total = 0
    for language, texts in TEXTS.items():
        for kind, text in texts.items():
            place = FOLDER / language / f"{kind.value}.wav"
            place.parent.mkdir(parents=True, exist_ok=True)
            _write(place, _spoken(text, language))
            total += place.stat().st_size
    print(f"{sum(map(len, TEXTS.values()))} texts, {total / 1e6:.2f} MB")


def _spoken(text: str, language: str) -> np.ndarray:
    words = ["espeak-ng", "-v", language, "-s", str(_WORDS_A_MINUTE), "--stdout", text]
    done = subprocess.run(words, capture_output=True, check=True)
    with wave.open(io.BytesIO(done.stdout)) as wav:
        rate = wav.getframerate()
        raw = np.frombuffer(wav.readframes(wav.getnframes()), "<i2") / 32768.0
    samples = resample_poly(raw, RATE, rate)
    loud = np.flatnonzero(np.abs(samples) > _QUIET)
    samples = samples[loud[0] : loud[-1] + 1]
    return samples / np.abs(samples).max()


def _write(place: Path, samples: np.ndarray) -> None:
    with wave.open(str(place), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(1)
        wav.setframerate(RATE)
        wav.writeframes(np.round(samples * 127.0 + 128.0).astype(np.uint8).tobytes())


if __name__ == "__main__":
    main()
