"""All nets on one frame: one way onto the GPU, all crops in one pass, one synchronisation.

The frame is copied once (not at all on an integrated GPU); the crops never leave the GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dms.crop import Affine
from dms.engine.engine import Tensor
from dms.engine.gpu import LOAD_TIMEOUT_S, Buffer, Gpu, lease
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
from dms.engine.tensorrt import LoadedNet, load_net, tensorrt_module
from dms.errors import EngineError
from dms.resource import Resource


@dataclass(frozen=True, slots=True)
class Crop:
    """One crop: the (2, 3) ``matrix`` picture -> crop, and whether it is mirrored."""

    matrix: Affine
    mirror: bool = False


class FrameNets(Resource):
    """Several plans fed from the frame itself. A context manager; used from one thread.

    ``plans``: net name -> serialized plan. ``bits`` of the frames: 8, or 9 to 16 in uint16.
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
        self._frame: Buffer | None = None
        self._gpu: Gpu | None = lease.take()
        try:
            self._gpu.run(lambda: self._load(plans, cubins), LOAD_TIMEOUT_S)
        except BaseException:
            self.close()
            raise

    def _load(self, plans: Mapping[str, bytes], cubins: Path | None) -> None:
        gpu = self._live()
        self._mark = gpu.mark()
        major, minor = gpu.capability
        cubin = compiled(f"sm_{major}{minor}", cubins)
        self._steps, self._crop = gpu.kernels(cubin, NAMES)
        for name, plan in plans.items():
            self._nets[name] = load_net(gpu, self._module, plan)
        most = sum(net.batch for net in self._nets.values())
        self._jobs = gpu.shared((most * JOB.itemsize,), np.uint8)
        self._records = self._jobs.host.view(JOB)
        self._side = max(net.input.host.shape[-1] for net in self._nets.values())
        self._scratch = gpu.device(most * steps_bytes(self._side))
        self._frame_mark = gpu.mark()
        self._replays: dict[tuple[str, ...], Callable[[], None]] = {}

    def run(
        self, frame: NDArray[Any], crops: Mapping[str, Sequence[Crop]]
    ) -> dict[str, dict[str, Tensor]]:
        """Cut ``crops`` (net -> as many as its batch) from ``frame`` and run these nets.

        Raises EngineError on a frame of the wrong type, an unknown net or a failing GPU.
        """
        gpu = self._live()
        expected = np.uint8 if self._bits == 8 else np.uint16
        if frame.ndim != 2 or frame.dtype != expected:
            raise EngineError(
                f"frames of {self._bits} bits are (h, w) {np.dtype(expected)}, "
                f"got {frame.dtype} {frame.shape}"
            )
        for name, wanted in crops.items():
            if name not in self._nets or len(wanted) != self._nets[name].batch:
                known = {net: loaded.batch for net, loaded in self._nets.items()}
                raise EngineError(f"{len(wanted)} crops for {name!r}; the plans take {known}")
        return gpu.run(lambda: self._run(frame, crops))

    def _run(
        self, frame: NDArray[Any], crops: Mapping[str, Sequence[Crop]]
    ) -> dict[str, dict[str, Tensor]]:
        gpu = self._live()
        buffer = self._frame_buffer(frame)
        np.copyto(buffer.host, frame)
        height, width = frame.shape
        pitch = width * frame.itemsize
        source = Source(buffer.address, width, height, pitch, self._bits)
        at = 0
        for name, wanted in crops.items():
            net = self._nets[name]
            _, _, side, _ = net.input.host.shape
            for index, crop in enumerate(wanted):
                target = net.input.address + index * side * side * net.input.host.itemsize
                record = self._records[at]
                steps = self._scratch + at * steps_bytes(self._side)
                fill(record, crop.matrix, side, source, target, steps, mirror=crop.mirror)
                at += 1
        names = tuple(crops)
        if names not in self._replays:
            self._replays[names] = gpu.replayable(lambda: self._queue(names))
        self._replays[names]()
        gpu.synchronize()
        return {
            name: {output: kept.host.copy() for output, kept in self._nets[name].outputs.items()}
            for name in names
        }

    def _queue(self, names: tuple[str, ...]) -> None:
        gpu = self._live()
        nets = [self._nets[name] for name in names]
        if self._frame is not None:
            gpu.to_device(self._frame)
        gpu.to_device(self._jobs)
        largest = max(net.input.host.shape[-1] for net in nets)
        count = sum(net.batch for net in nets)
        jobs = np.uint64(self._jobs.address)
        line, tile = (LINE, 1, 1), (BLOCK, BLOCK, 1)
        self._steps(jobs, grid=steps_grid(largest, count), block=line, stream=gpu.stream)
        self._crop(jobs, grid=grid(largest, count), block=tile, stream=gpu.stream)
        for net in nets:
            net.enqueue()
            for output in net.outputs.values():
                gpu.to_host(output)

    def _frame_buffer(self, frame: NDArray[Any]) -> Buffer:
        """Return the frame's place; a frame of another size gets another, with new graphs."""
        if self._frame is None or self._frame.host.shape != frame.shape:
            gpu = self._live()
            self._replays.clear()
            gpu.free_since(self._frame_mark)
            self._frame = gpu.shared(frame.shape, frame.dtype)
        return self._frame

    def _live(self) -> Gpu:
        if self._gpu is None:
            raise EngineError("the nets are closed; open them again before use")
        return self._gpu

    def close(self) -> None:
        """Free everything; a second call does nothing."""
        if self._gpu is None:
            return
        gpu, self._gpu = self._gpu, None
        try:
            if gpu.usable:
                gpu.run(lambda: self._free(gpu), LOAD_TIMEOUT_S)
        finally:
            lease.give_back()

    def _free(self, gpu: Gpu) -> None:
        gpu.synchronize()
        for net in self._nets.values():
            net.let_go()
        self._nets.clear()
        self._steps = self._crop = None
        gpu.free_since(self._mark)
