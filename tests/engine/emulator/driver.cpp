// An emulated CUDA driver for tests: the real pycuda extension runs on top of it, without a GPU.
//
// One device. What is put into a stream is DEFERRED until something waits for that stream, so a
// missing synchronise gives stale data, as the hardware may. Every copy and launch is checked when
// it runs: memory that is not (or no longer) allocated is a fault. Everything made is counted.
// EMU_INTEGRATED=1 makes the GPU share its memory with the host, as a Jetson's does.
// EMU_NO_GPU=1 answers cuInit with CUDA_ERROR_NO_DEVICE.
// EMU_BROKEN=1 answers everything with CUDA_ERROR_ILLEGAL_ADDRESS, as a context does from the first
// fault on: nothing can be freed either, so a test ends with emu_abandon().
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

typedef unsigned long long Address;
typedef std::function<int()> Work;
enum {
  OK = 0,
  INVALID_VALUE = 1,
  NO_DEVICE = 100,
  INVALID_IMAGE = 200,
  INVALID_CONTEXT = 201,
  NOT_FOUND = 500,
  NOT_READY = 600,
  ILLEGAL_ADDRESS = 700,
  LAUNCH_FAILED = 719,
  CAPTURE_INVALID = 901
};

struct Stream {
  std::vector<Work> queue;
  std::vector<Work>* capturing = nullptr;
};
struct Graph {
  std::vector<Work> nodes;
};
struct Module {
  std::string image;
};
typedef int (*Kernel)(const unsigned*, const unsigned*, const void*, unsigned long);

static std::recursive_mutex lock;
#define LOCKED std::lock_guard<std::recursive_mutex> held(lock)
static Stream default_stream;
static std::set<Stream*> streams;
static std::map<Address, size_t> device_memory, host_memory, mapped_memory;
static std::set<Graph*> graphs;
static std::set<Module*> modules;
static thread_local std::vector<void*> contexts;
static int retained = 0;
static unsigned schedule = 0;  // as set before the primary context was made
static long faults = 0, copies = 0, launches = 0, graph_launches = 0, synchronisations = 0;
static char primary;

static bool set(const char* name) {
  const char* value = getenv(name);
  return value && *value && *value != '0';
}
static int fault(const char* what) {
  faults++;
  fprintf(stderr, "[emulator] fault: %s\n", what);
  return LAUNCH_FAILED;
}
static bool within(const std::map<Address, size_t>& memory, Address at, size_t size) {
  auto found = memory.upper_bound(at);
  if (found == memory.begin()) return false;
  --found;
  return at >= found->first && at + size <= found->first + found->second;
}
static bool on_device(Address at, size_t size) {
  return within(device_memory, at, size) || within(mapped_memory, at, size);
}
static int drain(Stream* stream) {
  auto queue = std::move(stream->queue);
  stream->queue.clear();
  int worst = OK;
  for (auto& work : queue) {
    int code = work();
    if (code) worst = code;
  }
  return worst;
}
static int drain_all() {
  int worst = drain(&default_stream);
  for (auto stream : std::set<Stream*>(streams)) {
    int code = drain(stream);
    if (code) worst = code;
  }
  return worst;
}
static int put(Stream* stream, Work work) {
  Stream* at = stream ? stream : &default_stream;
  (at->capturing ? *at->capturing : at->queue).push_back(std::move(work));
  return OK;
}
static int copy(Address to, Address from, size_t size, bool to_device) {
  if (!on_device(to_device ? to : from, size)) return fault("a copy outside the GPU's memory");
  if (!within(host_memory, to_device ? from : to, size))
    return fault("an asynchronous copy of host memory that is not page-locked");
  copies++;
  memcpy((void*)to, (void*)from, size);
  return OK;
}
#define ALIVE \
  if (set("EMU_BROKEN")) return ILLEGAL_ADDRESS
#define NEEDS_CONTEXT \
  ALIVE;              \
  if (contexts.empty()) return INVALID_CONTEXT

extern "C" {
int cuInit(unsigned) { return set("EMU_NO_GPU") ? NO_DEVICE : OK; }
int cuDriverGetVersion(int* version) {
  *version = 13000;
  return OK;
}
int cuGetErrorString(int code, const char** text) {
  static thread_local char said[64];
  snprintf(said, 64, code == NO_DEVICE ? "no CUDA-capable device is detected" : "emulated error %d",
           code);
  *text = said;
  return OK;
}
int cuDeviceGetCount(int* count) {
  *count = 1;
  return OK;
}
int cuDeviceGet(int* device, int) {
  *device = 0;
  return OK;
}
int cuDeviceGetName(char* name, int size, int) {
  snprintf(name, size, "emulated GPU");
  return OK;
}
int cuDeviceComputeCapability(int* major, int* minor, int) {
  *major = 8;
  *minor = 7;
  return OK;
}
int cuDeviceTotalMem_v2(size_t* size, int) {
  *size = size_t(8) << 30;
  return OK;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
  *value = attribute == 75   ? 8
           : attribute == 76 ? 7
           : attribute == 10 ? 32
           : attribute == 18 ? set("EMU_INTEGRATED")
           : attribute == 19 ? 1
                             : 1024;
  return OK;
}
int cuDevicePrimaryCtxRetain(void** context, int) {
  LOCKED;
  retained++;
  *context = &primary;
  return OK;
}
int cuDevicePrimaryCtxSetFlags_v2(int, unsigned flags) {
  LOCKED;
  if (retained) return fault("the primary context's flags were set after it was made");
  schedule = flags;
  return OK;
}
int cuDevicePrimaryCtxRelease_v2(int) {
  ALIVE;
  LOCKED;
  return --retained < 0 ? fault("the primary context was released twice") : OK;
}
int cuCtxPushCurrent_v2(void* context) {
  contexts.push_back(context);
  return OK;
}
int cuCtxPopCurrent_v2(void** context) {
  NEEDS_CONTEXT;
  if (context) *context = contexts.back();
  contexts.pop_back();
  return OK;
}
int cuCtxGetDevice(int* device) {
  NEEDS_CONTEXT;
  *device = 0;
  return OK;
}
int cuCtxSynchronize() {
  NEEDS_CONTEXT;
  LOCKED;
  return drain_all();
}
int cuMemGetInfo_v2(size_t* free_, size_t* whole) {
  NEEDS_CONTEXT;
  LOCKED;
  *free_ = size_t(4) << 30;
  for (auto& one : set("EMU_INTEGRATED") ? host_memory : device_memory) *free_ -= one.second;
  *whole = size_t(8) << 30;
  return OK;
}
int cuMemAlloc_v2(Address* at, size_t size) {
  NEEDS_CONTEXT;
  LOCKED;
  void* memory = malloc(size ? size : 1);
  memset(memory, 0xCD, size);
  *at = (Address)memory;
  device_memory[*at] = size;
  return OK;
}
int cuMemFree_v2(Address at) {
  ALIVE;
  LOCKED;
  drain_all();
  if (!device_memory.erase(at)) return fault("freeing what is not allocated");
  free((void*)at);
  return OK;
}
int cuMemHostAlloc(void** at, size_t size, unsigned flags) {
  NEEDS_CONTEXT;
  LOCKED;
  *at = aligned_alloc(4096, (size + 4095) / 4096 * 4096);
  memset(*at, 0xCD, size);
  host_memory[(Address)*at] = size;
  if (flags & 2) mapped_memory[(Address)*at] = size;
  return OK;
}
int cuMemHostGetDevicePointer_v2(Address* at, void* host, unsigned) {
  ALIVE;
  LOCKED;
  if (!within(mapped_memory, (Address)host, 1)) return INVALID_VALUE;
  *at = (Address)host;
  return OK;
}
int cuMemFreeHost(void* at) {
  ALIVE;
  LOCKED;
  drain_all();
  mapped_memory.erase((Address)at);
  if (!host_memory.erase((Address)at)) return fault("freeing host memory twice");
  free(at);
  return OK;
}
int cuMemcpyHtoDAsync_v2(Address to, const void* from, size_t size, Stream* stream) {
  NEEDS_CONTEXT;
  LOCKED;
  return put(stream, [=] { return copy(to, (Address)from, size, true); });
}
int cuMemcpyDtoHAsync_v2(void* to, Address from, size_t size, Stream* stream) {
  NEEDS_CONTEXT;
  LOCKED;
  return put(stream, [=] { return copy((Address)to, from, size, false); });
}
int cuStreamCreate(Stream** stream, unsigned) {
  NEEDS_CONTEXT;
  LOCKED;
  *stream = new Stream;
  streams.insert(*stream);
  return OK;
}
int cuStreamDestroy_v2(Stream* stream) {
  ALIVE;
  LOCKED;
  if (!streams.erase(stream)) return fault("destroying a stream twice");
  int code = drain(stream);
  delete stream;
  return code;
}
int cuStreamSynchronize(Stream* stream) {
  ALIVE;
  LOCKED;
  synchronisations++;
  Stream* at = stream ? stream : &default_stream;
  if (at->capturing) return CAPTURE_INVALID;
  return drain(at);
}
int cuStreamQuery(Stream* stream) {
  ALIVE;
  LOCKED;
  return (stream ? stream : &default_stream)->queue.empty() ? OK : NOT_READY;
}

int cuStreamBeginCapture_v2(Stream* stream, int) {
  ALIVE;
  LOCKED;
  if (set("EMU_NO_GRAPHS") || stream->capturing) return CAPTURE_INVALID;
  stream->capturing = new std::vector<Work>;
  return OK;
}
int cuStreamEndCapture(Stream* stream, Graph** graph) {
  ALIVE;
  LOCKED;
  if (!stream->capturing) return CAPTURE_INVALID;
  *graph = new Graph{*stream->capturing};
  graphs.insert(*graph);
  delete stream->capturing;
  stream->capturing = nullptr;
  return OK;
}
int cuGraphInstantiateWithFlags(Graph** runnable, Graph* graph, unsigned long long) {
  ALIVE;
  LOCKED;
  *runnable = new Graph(*graph);
  graphs.insert(*runnable);
  return OK;
}
int cuGraphLaunch(Graph* runnable, Stream* stream) {
  ALIVE;
  LOCKED;
  if (!graphs.count(runnable)) return fault("launching a graph that is gone");
  graph_launches++;
  for (auto& work : runnable->nodes) put(stream, work);
  return OK;
}
int cuGraphDestroy(Graph* graph) {
  ALIVE;
  LOCKED;
  if (!graphs.erase(graph)) return fault("destroying a graph twice");
  delete graph;
  return OK;
}
int cuGraphExecDestroy(Graph* runnable) {
  ALIVE;
  LOCKED;
  drain_all();
  return cuGraphDestroy(runnable);
}

int cuModuleLoadDataEx(Module** module, const void* image, unsigned, void*, void*) {
  NEEDS_CONTEXT;
  LOCKED;
  const char* bytes = (const char*)image;
  if (memcmp(bytes, "\177ELF", 4)) return INVALID_IMAGE;
  size_t sections;
  memcpy(&sections, bytes + 40, 8);
  unsigned short entry, count;
  memcpy(&entry, bytes + 58, 2);
  memcpy(&count, bytes + 60, 2);
  *module = new Module{std::string(bytes, sections + size_t(entry) * count)};
  modules.insert(*module);
  return OK;
}
int cuModuleLoadData(Module** module, const void* image) {
  return cuModuleLoadDataEx(module, image, 0, 0, 0);
}
int cuModuleUnload(Module* module) {
  ALIVE;
  LOCKED;
  if (!modules.erase(module)) return fault("unloading a module twice");
  delete module;
  return OK;
}
int cuModuleGetFunction(void** function, Module* module,
                        const char* name) {  // in the real cubin and in the host build
  if (module->image.find(std::string("\0", 1) + ".text." + name + std::string("\0", 1)) ==
      std::string::npos)
    return NOT_FOUND;
  Dl_info self;
  dladdr((void*)cuInit, &self);
  void* here = dlopen(self.dli_fname, RTLD_NOW);
  *function = dlsym(here, (std::string("emu_") + name).c_str());
  return *function ? OK : NOT_FOUND;
}
int cuFuncGetAttribute(int* value, int, void*) {
  *value = 0;
  return OK;
}
int cuFuncSetBlockShape(void*, int, int, int) { return OK; }
int cuFuncSetSharedSize(void*, unsigned) { return OK; }
int cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                   unsigned bz, unsigned, Stream* stream, void**, void** extra) {
  NEEDS_CONTEXT;
  LOCKED;
  if (!gx || !gy || !gz || bx * by * bz > 1024) return INVALID_VALUE;
  std::string arguments((const char*)extra[1], *(size_t*)extra[3]);
  std::vector<unsigned> grid{gx, gy, gz}, block{bx, by, bz};
  return put(stream, [=] {
    launches++;
    return ((Kernel)function)(grid.data(), block.data(), arguments.data(), arguments.size());
  });
}

// For the tests and for what stands in for TensorRT.
int emu_on_device(Address at, size_t size) {
  LOCKED;
  return on_device(at, size);
}
int emu_fault(const char* what) {
  LOCKED;
  return fault(what);
}
int emu_enqueue(Stream* stream, int (*work)(void*), void* given) {
  LOCKED;
  return put(stream, [=] { return work(given); });
}
// 0 faults, 1 things alive, 2 copies, 3 launches, 4 graph launches, 5 synchronisations
long emu_count(int what) {
  LOCKED;
  long alive = device_memory.size() + host_memory.size() + streams.size() + graphs.size() +
               modules.size() + retained;
  const long counts[] = {faults, alive, copies, launches, graph_launches, synchronisations,
                         long(schedule)};
  return counts[what];
}
void emu_abandon() {  // as the end of the process does
  LOCKED;
  device_memory.clear(), host_memory.clear(), mapped_memory.clear();
  streams.clear(), graphs.clear(), modules.clear();
  retained = 0;
}
void emu_forget() {
  LOCKED;
  faults = copies = launches = graph_launches = synchronisations = 0;
}
}
