// Host build of the product's crop.cu: what the emulated driver launches, and what tests call.
#include <string.h>

#include "host.h"  // before the kernel: what it needs of CUDA

#include "crop.cu"

extern "C" void host_dms_steps(const CropJob* jobs, unsigned gx, unsigned gy, unsigned gz) {
  launch(dms_steps, {gx, gy, gz}, {256, 1, 1}, jobs);
}
extern "C" void host_dms_crop(const CropJob* jobs, unsigned gx, unsigned gy, unsigned gz) {
  launch(dms_crop, {gx, gy, gz}, {16, 16, 1}, jobs);
}

#ifdef EMULATOR  // with the driver's checks: a job may touch the GPU's memory only
extern "C" int emu_on_device(unsigned long long at, unsigned long size);
extern "C" int emu_fault(const char* what);
static int run(void (*kernel)(const CropJob*), const unsigned* grid, const unsigned* block,
               const void* arguments, unsigned long n) {
  const CropJob* jobs;
  if (n != sizeof jobs) return emu_fault("the kernel's arguments do not fit");
  memcpy(&jobs, arguments, n);
  if (!emu_on_device((unsigned long long)jobs, grid[2] * sizeof *jobs))
    return emu_fault("jobs outside the GPU's memory");
  for (unsigned at = 0; at < grid[2]; at++) {
    const CropJob& job = jobs[at];
    if (!emu_on_device(job.source, (unsigned long)job.pitch * job.height))
      return emu_fault("a frame outside the GPU's memory");
    if (!emu_on_device(job.target, 4ul * job.size * job.size))
      return emu_fault("a crop outside the GPU's memory");
    if (!emu_on_device(job.steps, 16ul * job.size * job.factor))
      return emu_fault("coordinate terms outside the GPU's memory");
  }
  launch(kernel, {grid[0], grid[1], grid[2]}, {block[0], block[1], block[2]}, jobs);
  return 0;
}
extern "C" int emu_dms_steps(const unsigned* grid, const unsigned* block, const void* arguments,
                             unsigned long n) {
  return run(dms_steps, grid, block, arguments, n);
}
extern "C" int emu_dms_crop(const unsigned* grid, const unsigned* block, const void* arguments,
                            unsigned long n) {
  return run(dms_crop, grid, block, arguments, n);
}
#endif
