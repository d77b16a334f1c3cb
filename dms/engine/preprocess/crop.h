// One source, two compilers: the CUDA kernel (nvcc or NVRTC) and the host build of the tests (g++).
// The arithmetic is OpenCV's own for uint8: warpAffine INTER_LINEAR with BORDER_REPLICATE steps in
// 1/32 px with integer weights, then resize INTER_AREA by a whole factor; so the results are equal
// to dms/engine/preprocess/crop.py bit for bit where OpenCV uses its generic code. Compile with -fmad=false.
#pragma once
#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define DMS_HD __host__ __device__ __forceinline__
#else
#include <math.h>
#define DMS_HD static inline
#endif

// Mirrors JOB in crops.py; 104 bytes, 8-byte aligned.
struct CropJob {
  unsigned long long source;  // address of the frame's first luma sample
  unsigned long long target;  // address of this crop's first float
  unsigned long long steps;   // address of 4 x size x factor ints: see dms_step
  double inverse[6];          // (2, 3): finer crop grid -> picture
  int width, height;          // of the picture, pixels
  int pitch;                  // bytes from one row to the next
  int shift;                  // right shift of 16-bit samples to 8 bits; 0 for 8-bit frames
  int bytes;                  // per sample: 1 (gray or NV12 luma) or 2 (10 to 16 bits)
  int size;                   // side of the crop, pixels
  int factor;                 // samples per crop pixel and axis, against aliasing
  int mirror;                 // 1: left and right change places (the left eye)
};

DMS_HD int dms_clamp(int value, int least, int most) {
  return value < least ? least : (value > most ? most : value);
}

DMS_HD int dms_fixed(double value) {      // 1/1024 px, as OpenCV's saturate_cast<int>
  const double bound = 1073741824.0 / 2;  // two of them still fit an int
  value = value < -bound ? -bound : (value > bound ? bound : value);
  return (int)rint(value);
}

DMS_HD int dms_pixel(const CropJob& job, int x, int y) {
  const unsigned char* row =
      (const unsigned char*)job.source + (long long)dms_clamp(y, 0, job.height - 1) * job.pitch;
  x = dms_clamp(x, 0, job.width - 1);
  if (job.bytes == 1) return row[x];
  return dms_clamp(((const unsigned short*)row)[x] >> job.shift, 0, 255);
}

// Coordinates need doubles, of which an Orin computes few at a time. They are sums of a term of the
// column and a term of the row, so each term is computed once a frame, not once a sample.
// The k-th of 4 x n, n = size x factor: column terms of x and y, then row terms of x and y.
DMS_HD int dms_step(const CropJob& job, int k) {
  const int n = job.size * job.factor, which = k / n, at = k - which * n;
  const double* m = job.inverse + (which & 1) * 3;
  if (which < 2) return dms_fixed(m[0] * at * 1024.0);
  return dms_fixed((m[1] * at + m[2]) * 1024.0) + 16;
}

DMS_HD int dms_sample(const CropJob& job, int x, int y) {  // one point of the finer grid, 0..255
  const int n = job.size * job.factor;
  const int* steps = (const int*)job.steps;
  const int fx = (steps[x] + steps[2 * n + y]) >> 5, fy = (steps[n + x] + steps[3 * n + y]) >> 5;
  const int px = fx >> 5, py = fy >> 5, ax = fx & 31, ay = fy & 31;
  const int above = dms_pixel(job, px, py) * (32 - ax) + dms_pixel(job, px + 1, py) * ax;
  const int below = dms_pixel(job, px, py + 1) * (32 - ax) + dms_pixel(job, px + 1, py + 1) * ax;
  return (above * (32 - ay) + below * ay + 512) >> 10;
}

DMS_HD int dms_area(const CropJob& job, int x, int y) {  // mean of factor x factor samples, 0..255
  int sum = 0;
  for (int j = 0; j < job.factor; ++j)
    for (int i = 0; i < job.factor; ++i)
      sum += dms_sample(job, x * job.factor + i, y * job.factor + j);
  if (job.factor == 1) return sum;
  if (job.factor == 2) return (sum + 2) >> 2;
  return (int)rintf((float)sum * (1.0f / (float)(job.factor * job.factor)));
}

DMS_HD void dms_crop_pixel(const CropJob& job, int x, int y) {  // x, y: of the crop as written
  const int from = job.mirror ? job.size - 1 - x : x;
  ((float*)job.target)[(long long)y * job.size + x] = (float)dms_area(job, from, y) / 255.0f;
}
