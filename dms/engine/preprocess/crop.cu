// Crops, turns, resizes and scales to 0..1 the face and both eyes from one frame.
#include "crop.h"

// First the coordinate terms. Grid: (ceil(4 x largest side x factor / 256), 1, jobs), block: 256.
extern "C" __global__ void dms_steps(const CropJob* jobs) {
  const CropJob& job = jobs[blockIdx.z];
  const int k = blockIdx.x * blockDim.x + threadIdx.x;
  if (k < 4 * job.size * job.factor) ((int*)job.steps)[k] = dms_step(job, k);
}

// Then the pixels. Grid: (ceil(largest side / 16), the same, jobs), block: (16, 16, 1).
extern "C" __global__ void dms_crop(const CropJob* jobs) {
  const CropJob& job = jobs[blockIdx.z];
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x < job.size && y < job.size) dms_crop_pixel(job, x, y);
}
