// Host build of the product's crop.cu: what the emulated driver launches, and what tests call.
#include "host.h"
#include "crop.cu"
#include <string.h>
extern "C" void host_dms_crop(const CropJob* jobs, unsigned gx, unsigned gy, unsigned gz) {
  launch(dms_crop, {gx, gy, gz}, {16, 16, 1}, jobs);
}
extern "C" int emu_dms_crop(const unsigned* grid, const unsigned* block, const void* arguments, unsigned long n) {
  const CropJob* jobs;
  if (n != sizeof jobs) return 1;  // CUDA_ERROR_INVALID_VALUE: the arguments do not fit the kernel
  memcpy(&jobs, arguments, n);
  launch(dms_crop, {grid[0], grid[1], grid[2]}, {block[0], block[1], block[2]}, jobs);
  return 0;
}
