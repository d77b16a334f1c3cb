"""All nets on one frame: one way onto the GPU, all crops in one pass, one synchronisation.

The frame is written once into memory that both sides see (on an integrated GPU, else it is copied
once more); the crops never leave the GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dms.engine.engine import Tensor, finite
from dms.engine.gpu import Gpu
from dms.engine.preprocess.crop import Affine
from dms.engine.preprocess.crops import (
    BLOCK,
    JOB,
    LINE,
    Source,
    fill,
    grid,
    steps_bytes,
    steps_grid,
)
from dms.engine.preprocess.kernel import NAMES, compiled
from dms.engine.session import GpuSession
from dms.engine.tensorrt import LoadedNet, load_net, tensorrt_module
from dms.errors import EngineError
from dms.resource import Resource

USUAL_FRAME_BYTES = 1280 * 720  # a larger frame gets its memory when it first comes


@dataclass(frozen=True, slots=True)
class Crop:
    """One crop: the (2, 3) ``matrix`` picture -> crop, and whether it is mirrored."""

    matrix: Affine
    mirror: bool = False


class FrameNets(Resource):
    """Several plans fed from the frame itself. A context manager; used from one thread.

    ``plans``: net name -> serialized plan. ``bits`` of the frames: 8, or 9 to 16 in uint16.
    All plans together are run and captured at once, so that the first frame costs what others do.
    """

    def __init__(
        self,
        plans: Mapping[str, bytes],
        *,
        module: ModuleType | None = None,
        bits: int = 8,
        cubins: Path | None = None,
    ) -> None:
        self._module = module or tensorrt_module()
        self._bits = bits
        self._nets: dict[str, LoadedNet] = {}
        self._replays: dict[tuple[str, ...], Callable[[], None]] = {}
        self._session = GpuSession(lambda session: self._load(session, plans, cubins))

    def _load(self, session: GpuSession, plans: Mapping[str, bytes], cubins: Path | None) -> None:
        gpu = session.gpu
        major, minor = gpu.capability
        cubin = compiled(f"sm_{major}{minor}", cubins)
        self._kernels = gpu.kernels(cubin, NAMES)
        session.keep(self._kernels.clear)
        for name, plan in plans.items():
            self._nets[name] = load_net(session, self._module, plan)
        session.keep(self._nets.clear)
        self._batches = {name: net.batch for name, net in self._nets.items()}
        most = sum(self._batches.values())
        self._jobs = session.shared((most * JOB.itemsize,), np.uint8)
        self._records = self._jobs.host.view(JOB)
        self._side = max(net.input.host.shape[-1] for net in self._nets.values())
        self._scratch = session.device(most * steps_bytes(self._side))
        self._frame = gpu.shared((USUAL_FRAME_BYTES,), np.uint8)
        session.keep(self._free_frame)
        blank = np.zeros((8, 8), np.uint8 if self._bits == 8 else np.uint16)
        same = Crop(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
        self._fill(gpu, blank, {name: [same] * batch for name, batch in self._batches.items()})
        # What frames ask for: all nets, or one alone where the others are not due.
        for names in {tuple(self._nets), *((name,) for name in self._nets)}:
            self._replays[names] = self._replayable(session, names)

    def _replayable(self, session: GpuSession, names: tuple[str, ...]) -> Callable[[], None]:
        return session.replayable(lambda: self._queue(session.gpu, names))

    @property
    def captured(self) -> bool:
        """Whether all of its work is replayed as CUDA graphs, as it should be."""
        return self._session.captured

    def run(
        self, frame: NDArray[Any], crops: Mapping[str, Sequence[Crop]]
    ) -> dict[str, dict[str, Tensor]]:
        """Cut ``crops`` (net -> as many as its batch) from ``frame`` and run these nets.

        Raises EngineError on a frame of the wrong type, an unknown net, a failing GPU or an
        output that is not finite.
        """
        expected = np.uint8 if self._bits == 8 else np.uint16
        if frame.ndim != 2 or frame.dtype != expected:
            raise EngineError(
                f"frames of {self._bits} bits are (h, w) {np.dtype(expected)}, "
                f"got {frame.dtype} {frame.shape}"
            )
        for name, wanted in crops.items():
            if len(wanted) != self._batches.get(name):
                raise EngineError(
                    f"{len(wanted)} crops for {name!r}; the plans take {self._batches}"
                )
        found = self._session.run(lambda: self._run(frame, crops))
        return {name: finite(outputs) for name, outputs in found.items()}

    def _run(
        self, frame: NDArray[Any], crops: Mapping[str, Sequence[Crop]]
    ) -> dict[str, dict[str, Tensor]]:
        session, gpu = self._session, self._session.gpu
        ordered = {name: crops[name] for name in self._nets if name in crops}
        self._fill(gpu, frame, ordered)
        gpu.to_device(self._frame, frame.nbytes)
        names = tuple(ordered)
        if names not in self._replays:
            self._replays[names] = self._replayable(session, names)
        self._replays[names]()
        gpu.synchronize()
        return {
            name: {output: kept.host.copy() for output, kept in self._nets[name].outputs.items()}
            for name in names
        }

    def _fill(self, gpu: Gpu, frame: NDArray[Any], crops: Mapping[str, Sequence[Crop]]) -> None:
        """Write the frame and the jobs into the memory that both sides see."""
        if frame.nbytes > self._frame.host.nbytes:
            larger = gpu.shared((frame.nbytes,), np.uint8)
            self._free_frame()
            self._frame = larger
        np.copyto(self._frame.host[: frame.nbytes].view(frame.dtype).reshape(frame.shape), frame)
        height, width = frame.shape
        source = Source(self._frame.address, width, height, width * frame.itemsize, self._bits)
        at = 0
        for name, wanted in crops.items():
            net = self._nets[name]
            _, _, side, _ = net.input.host.shape
            for index, crop in enumerate(wanted):
                target = net.input.address + index * side * side * net.input.host.itemsize
                steps = self._scratch + at * steps_bytes(self._side)
                record = self._records[at]
                fill(record, crop.matrix, side, source, target, steps, mirror=crop.mirror)
                at += 1

    def _free_frame(self) -> None:
        self._frame.free()

    def _queue(self, gpu: Gpu, names: tuple[str, ...]) -> None:
        """Queue all but the frame's copy: where the frame lies stands in the jobs."""
        nets = [self._nets[name] for name in names]
        gpu.to_device(self._jobs)
        largest = max(net.input.host.shape[-1] for net in nets)
        count = sum(net.batch for net in nets)
        jobs = np.uint64(self._jobs.address)
        steps, crop = self._kernels
        line, tile = (LINE, 1, 1), (BLOCK, BLOCK, 1)
        steps(jobs, grid=steps_grid(largest, count), block=line, stream=gpu.stream)
        crop(jobs, grid=grid(largest, count), block=tile, stream=gpu.stream)
        for net in nets:
            net.enqueue()
            for output in net.outputs.values():
                gpu.to_host(output)

    def close(self) -> None:
        self._session.close()
