// Crops, turns, resizes and scales to 0..1 the face and both eyes in one launch, from one frame.
// Grid: (ceil(largest side / 16), the same, number of jobs); block: (16, 16, 1).
#include "crop.h"

extern "C" __global__ void dms_crop(const CropJob* jobs) {
  const CropJob job = jobs[blockIdx.z];
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x < job.size && y < job.size) dms_crop_pixel(job, x, y);
}
