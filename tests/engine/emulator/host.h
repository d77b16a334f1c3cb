// Just enough of CUDA to call a __global__ function on the host, one thread after the other.
#pragma once
#include <math.h>
struct Index3 {
  unsigned x, y, z;
};
static thread_local Index3 threadIdx, blockIdx, blockDim;
#define __global__
template <class Kernel, class... Arguments>
static void launch(Kernel kernel, Index3 grid, Index3 block, Arguments... arguments) {
  blockDim = block;
  for (unsigned z = 0; z < grid.z; z++)
    for (unsigned y = 0; y < grid.y; y++)
      for (unsigned x = 0; x < grid.x; x++)
        for (unsigned k = 0; k < block.z; k++)
          for (unsigned j = 0; j < block.y; j++)
            for (unsigned i = 0; i < block.x; i++) {
              blockIdx = {x, y, z};
              threadIdx = {i, j, k};
              kernel(arguments...);
            }
}
