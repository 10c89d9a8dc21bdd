#include "choice.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace cygnet::cpu {

#if defined(__x86_64__)
namespace avx2 { extern const Isa table; }
namespace avx512 { extern const Isa table; }
namespace avx512bf16 { extern const Isa table; }
namespace amx { extern const Isa table; }
#elif defined(__aarch64__)
namespace neon { extern const Isa table; }
namespace neonbf16 { extern const Isa table; }
#endif
namespace portable { extern const Isa table; }

namespace {

struct Choice {
  const Isa* isa;
  bool (*works)();
};

#if defined(__x86_64__)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c"); }

bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl");
}

bool has_avx512bf16() {
  return has_avx512() && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vbmi");
}

// Linux hands the tile registers out on request, to the whole process.
bool has_amx() {
#if defined(__linux__)
  constexpr int kRequestPermission = 0x1023, kTileData = 18;
  return has_avx512bf16() && __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
      syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}
#elif defined(__aarch64__)
bool has_neonbf16() {
  constexpr unsigned long kBf16 = 1 << 14;  // HWCAP2_BF16, which older headers lack
  return getauxval(AT_HWCAP2) & kBf16;
}
#endif

// Best first.
constexpr Choice kChoices[] = {
#if defined(__x86_64__)
    {&amx::table, has_amx},
    {&avx512bf16::table, has_avx512bf16},
    {&avx512::table, has_avx512},
    {&avx2::table, has_avx2},
#elif defined(__aarch64__)
    {&neonbf16::table, has_neonbf16},
    {&neon::table, [] { return true; }},
#endif
    {&portable::table, [] { return true; }},
};

// Names an instruction set that the processor lacks, or a name that is none.
const Isa& find(const std::string& wanted) {
  std::string possible;
  for (const Isa* isa : isas()) {
    if (wanted.empty() || wanted == isa->name) return *isa;
    possible += std::string(possible.empty() ? "" : ", ") + isa->name;
  }
  throw std::invalid_argument("the instruction set " + wanted + " is not among those of this processor: " + possible);
}

std::atomic<const Isa*>& chosen() {
  static std::atomic<const Isa*> isa = [] {
    const char* wanted = std::getenv("CYGNET_CPU_ISA");
    return &find(wanted ? wanted : "");
  }();
  return isa;
}

}  // namespace

const std::vector<const Isa*>& isas() {
  static const std::vector<const Isa*> working = [] {
    std::vector<const Isa*> all;
    for (const Choice& choice : kChoices)
      if (choice.works()) all.push_back(choice.isa);
    return all;
  }();
  return working;
}

const Isa& isa() { return *chosen().load(std::memory_order_relaxed); }

void use_isa(const std::string& name) { chosen() = &find(name); }

}  // namespace cygnet::cpu
